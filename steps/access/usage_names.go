package access

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// sources are the event sources whose first label is not the prefix that IAM
// gives the service. Source: "CloudTrail supported services and integrations" set
// beside the service prefixes of the Service Authorization Reference.
var sources = map[string]string{
	"monitoring": "cloudwatch", "email": "ses", "tagging": "tag", "elasticmapreduce": "elasticmapreduce", "models-v2-lex": "lex", "models.lex": "lex",
	"runtime-v2-lex": "lex", "runtime.lex": "lex", "resource-explorer-2": "resource-explorer-2", "bedrock-runtime": "bedrock", "bedrock-agent": "bedrock",
	"bedrock-agent-runtime": "bedrock", "bedrock-data-automation": "bedrock", "runtime.sagemaker": "sagemaker", "edge.sagemaker": "sagemaker",
	"sagemaker-runtime": "sagemaker", "sagemaker-metrics": "sagemaker", "sagemaker-featurestore-runtime": "sagemaker", "api.sagemaker": "sagemaker",
	"streams.dynamodb": "dynamodb", "streams": "dynamodb", "entitlement-marketplace": "aws-marketplace", "metering-marketplace": "aws-marketplace",
	"cloudcontrolapi": "cloudformation", "api.ecr": "ecr", "qbusiness": "qbusiness", "es": "es", "opensearch": "es", "aoss": "aoss",
	"schemas": "schemas", "mturk-requester": "mechanicalturk", "servicequotas": "servicequotas", "emr-containers": "emr-containers",
	"elasticloadbalancing": "elasticloadbalancing", "personalize-runtime": "personalize", "personalize-events": "personalize",
	"query.timestream": "timestream", "ingest.timestream": "timestream", "airflow": "airflow", "transcribestreaming": "transcribe",
	"entityresolution": "entityresolution", "datasync": "datasync", "applicationinsights": "applicationinsights",
}

// renamed are events whose action IAM calls otherwise. Sources: "Required
// permissions for Amazon S3 API operations" (S3 User Guide), and the notes on API
// operations that share an action in the Service Authorization Reference of
// Lambda, DynamoDB, Bedrock and CloudWatch.
var renamed = table(`
s3:ListObjects s3:ListBucket
s3:ListObjectsV2 s3:ListBucket
s3:HeadBucket s3:ListBucket
s3:ListBuckets s3:ListAllMyBuckets
s3:ListObjectVersions s3:ListBucketVersions
s3:ListMultipartUploads s3:ListBucketMultipartUploads
s3:ListParts s3:ListMultipartUploadParts
s3:HeadObject s3:GetObject
s3:SelectObjectContent s3:GetObject
s3:CopyObject s3:PutObject
s3:CreateMultipartUpload s3:PutObject
s3:InitiateMultipartUpload s3:PutObject
s3:UploadPart s3:PutObject
s3:UploadPartCopy s3:PutObject
s3:CompleteMultipartUpload s3:PutObject
s3:PostObject s3:PutObject
s3:DeleteObjects s3:DeleteObject
s3:GetBucketEncryption s3:GetEncryptionConfiguration
s3:PutBucketEncryption s3:PutEncryptionConfiguration
s3:DeleteBucketEncryption s3:PutEncryptionConfiguration
s3:GetBucketLifecycle s3:GetLifecycleConfiguration
s3:GetBucketLifecycleConfiguration s3:GetLifecycleConfiguration
s3:PutBucketLifecycle s3:PutLifecycleConfiguration
s3:PutBucketLifecycleConfiguration s3:PutLifecycleConfiguration
s3:DeleteBucketLifecycle s3:PutLifecycleConfiguration
s3:GetBucketReplication s3:GetReplicationConfiguration
s3:PutBucketReplication s3:PutReplicationConfiguration
s3:DeleteBucketReplication s3:PutReplicationConfiguration
s3:GetBucketCors s3:GetBucketCORS
s3:PutBucketCors s3:PutBucketCORS
s3:DeleteBucketCors s3:PutBucketCORS
s3:DeleteBucketTagging s3:PutBucketTagging
s3:GetBucketNotificationConfiguration s3:GetBucketNotification
s3:PutBucketNotificationConfiguration s3:PutBucketNotification
s3:GetBucketAccelerateConfiguration s3:GetAccelerateConfiguration
s3:PutBucketAccelerateConfiguration s3:PutAccelerateConfiguration
s3:GetBucketAnalyticsConfiguration s3:GetAnalyticsConfiguration
s3:ListBucketAnalyticsConfigurations s3:GetAnalyticsConfiguration
s3:PutBucketAnalyticsConfiguration s3:PutAnalyticsConfiguration
s3:DeleteBucketAnalyticsConfiguration s3:PutAnalyticsConfiguration
s3:GetBucketInventoryConfiguration s3:GetInventoryConfiguration
s3:ListBucketInventoryConfigurations s3:GetInventoryConfiguration
s3:PutBucketInventoryConfiguration s3:PutInventoryConfiguration
s3:DeleteBucketInventoryConfiguration s3:PutInventoryConfiguration
s3:GetBucketMetricsConfiguration s3:GetMetricsConfiguration
s3:ListBucketMetricsConfigurations s3:GetMetricsConfiguration
s3:PutBucketMetricsConfiguration s3:PutMetricsConfiguration
s3:DeleteBucketMetricsConfiguration s3:PutMetricsConfiguration
s3:GetBucketIntelligentTieringConfiguration s3:GetIntelligentTieringConfiguration
s3:ListBucketIntelligentTieringConfigurations s3:GetIntelligentTieringConfiguration
s3:PutBucketIntelligentTieringConfiguration s3:PutIntelligentTieringConfiguration
s3:DeleteBucketIntelligentTieringConfiguration s3:PutIntelligentTieringConfiguration
s3:GetObjectLockConfiguration s3:GetBucketObjectLockConfiguration
s3:PutObjectLockConfiguration s3:PutBucketObjectLockConfiguration
s3:GetPublicAccessBlock s3:GetBucketPublicAccessBlock
s3:PutPublicAccessBlock s3:PutBucketPublicAccessBlock
s3:DeletePublicAccessBlock s3:PutBucketPublicAccessBlock
s3:DeleteBucketPublicAccessBlock s3:PutBucketPublicAccessBlock
s3:DeleteBucketOwnershipControls s3:PutBucketOwnershipControls
lambda:Invoke lambda:InvokeFunction
lambda:ListVersionsByFunction lambda:ListVersionsByFunction
dynamodb:ExecuteStatement dynamodb:PartiQLSelect
dynamodb:BatchExecuteStatement dynamodb:PartiQLSelect
dynamodb:TransactGetItems dynamodb:GetItem
bedrock:Converse bedrock:InvokeModel
bedrock:ConverseStream bedrock:InvokeModelWithResponseStream
bedrock:StartAsyncInvoke bedrock:InvokeModel
cloudwatch:GetMetricWidgetImage cloudwatch:GetMetricWidgetImage
cloudfront:GetDistribution2020_05_31 cloudfront:GetDistribution
`)

// withVersion are actions that a call needs in place of another if it names a
// version of an object.
var withVersion = table(`
s3:GetObject s3:GetObjectVersion
s3:DeleteObject s3:DeleteObjectVersion
s3:GetObjectAcl s3:GetObjectVersionAcl
s3:PutObjectAcl s3:PutObjectVersionAcl
s3:GetObjectTagging s3:GetObjectVersionTagging
s3:PutObjectTagging s3:PutObjectVersionTagging
s3:DeleteObjectTagging s3:DeleteObjectVersionTagging
`)

// table reads lines of two words.
func table(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
		out[from] = to
	}
	return out
}

// dated ends the names of events that bear their API's version:
// Invoke20150331, GetFunction20150331v2, GetDistribution2020_05_31.
var dated = regexp.MustCompile(`20\d\d_?\d\d_?\d\d(v\d+)?$`)

// actionOf names the action that IAM asks for when an event happens. It may be
// none that is known: whoever asks looks it up.
func actionOf(source, event string) (service, action string) {
	label := strings.TrimSuffix(strings.ToLower(source), ".amazonaws.com")
	service = label
	if to, ok := sources[label]; ok {
		service = to
	} else if first, _, cut := strings.Cut(label, "."); cut {
		service = first
		if to, ok := sources[first]; ok {
			service = to
		}
	}
	for _, name := range []string{event, dated.ReplaceAllString(event, "")} {
		if to, ok := renamed[service+":"+name]; ok {
			return service, to
		}
		if _, ok := reference.Lookup(service, name); ok {
			return service, service + ":" + name
		}
	}
	return service, service + ":" + event
}

// plane is a class of calls that CloudTrail does not log unless a trail asks for
// events of their data plane, by the type of resource that its selectors name.
type plane struct {
	typ     string // as event selectors write it; empty: CloudTrail never logs them
	service string
	names   []string // patterns: "Get*"
}

// planes are the calls on the data plane. Sources: "Logging data events" in the
// CloudTrail User Guide, and the pages on CloudTrail of the services' guides. The
// last ones are never logged, by any trail: what is said of them is that nobody
// can tell. iam:PassRole is not logged either, and is told from the calls that
// pass a role.
var planes = []plane{
	{"AWS::S3::Object", "s3", words(`AbortMultipartUpload DeleteObject DeleteObjectTagging DeleteObjectVersion DeleteObjectVersionTagging GetObject GetObjectAcl
		GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes
		GetObjectVersionTagging GetObjectVersionTorrent ListBucket ListBucketMultipartUploads ListBucketVersions ListMultipartUploadParts PutObject PutObjectAcl
		PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging RestoreObject`)},
	{"AWS::S3Express::Object", "s3express", words("CreateSession")},
	{"AWS::S3Vectors::Index", "s3vectors", words("DeleteVectors GetVectors ListVectors PutVectors QueryVectors")},
	{"AWS::Lambda::Function", "lambda", words("InvokeFunction InvokeFunctionUrl InvokeAsync")},
	{"AWS::DynamoDB::Table", "dynamodb", words("BatchGetItem BatchWriteItem ConditionCheckItem DeleteItem GetItem PartiQL* PutItem Query Scan UpdateItem")},
	{"AWS::DynamoDB::Stream", "dynamodb", words("GetRecords GetShardIterator")},
	{"AWS::SageMaker::Endpoint", "sagemaker", words("InvokeEndpoint InvokeEndpointAsync InvokeEndpointWithResponseStream")},
	{"AWS::SageMaker::FeatureGroup", "sagemaker", words("BatchGetRecord DeleteRecord GetRecord PutRecord")},
	{"AWS::SageMaker::ExperimentTrialComponent", "sagemaker", words("BatchPutMetrics BatchGetMetrics")},
	{"AWS::Bedrock::AgentAlias", "bedrock", words("InvokeAgent")},
	{"AWS::Bedrock::InlineAgent", "bedrock", words("InvokeInlineAgent")},
	{"AWS::Bedrock::FlowAlias", "bedrock", words("InvokeFlow")},
	{"AWS::Bedrock::KnowledgeBase", "bedrock", words("Retrieve RetrieveAndGenerate")},
	{"AWS::Bedrock::Guardrail", "bedrock", words("ApplyGuardrail")},
	{"AWS::BedrockAgentCore::Runtime", "bedrock-agentcore", words("InvokeAgentRuntime InvokeAgentRuntimeForUser")},
	{"AWS::BedrockAgentCore::Gateway", "bedrock-agentcore", words("InvokeGateway")},
	{"AWS::BedrockAgentCore::Memory", "bedrock-agentcore", words("CreateEvent GetEvent ListEvents DeleteEvent RetrieveMemoryRecords GetMemoryRecord ListMemoryRecords")},
	{"AWS::QBusiness::Application", "qbusiness", words("Chat ChatSync")},
	{"AWS::SQS::Queue", "sqs", words("ChangeMessageVisibility DeleteMessage ReceiveMessage SendMessage")},
	{"AWS::SNS::Topic", "sns", words("Publish")},
	{"AWS::Kinesis::Stream", "kinesis", words("GetRecords GetShardIterator ListShards PutRecord PutRecords SubscribeToShard")},
	{"AWS::CloudWatch::Metric", "cloudwatch", words("GetMetricData GetMetricStatistics GetMetricWidgetImage ListMetrics PutMetricData")},
	{"AWS::XRay::Trace", "xray", words("PutTraceSegments GetTraceSummaries GetSamplingRules GetSamplingTargets")},
	{"AWS::SSMMessages::ControlChannel", "ssmmessages", words("*")},
	{"AWS::SCN::Instance", "scn", words("*")},
	{"", "logs", words("PutLogEvents")},
	{"", "execute-api", words("*")},
	{"", "es", words("ESHttp*")},
	{"", "rds-db", words("*")},
	{"", "elasticfilesystem", words("Client*")},
	{"", "ec2messages", words("*")},
	{"", "kafka-cluster", words("*")},
	{"", "aoss", words("APIAccessAll")},
	{"", "neptune-db", words("*")},
	{"", "redshift", words("GetClusterCredentials*")},
	{"", "cassandra", words("Select Modify")},
}

func words(s string) []string { return strings.Fields(s) }

// neverLogged is what dataPlane says of calls that no trail logs.
const neverLogged = "-"

// dataPlane returns the type of resource by which a trail's selectors ask for the
// events of an action; empty for events of the management plane, and neverLogged
// for those that no trail logs.
func dataPlane(action string) string {
	service, name := cutAction(action)
	for i := range planes {
		p := &planes[i]
		if p.service != service || !slices.ContainsFunc(p.names, func(n string) bool {
			stem, open := strings.CutSuffix(n, "*")
			return n == name || open && strings.HasPrefix(name, stem)
		}) {
			continue
		}
		if p.typ == "" {
			return neverLogged
		}
		return p.typ
	}
	return ""
}
