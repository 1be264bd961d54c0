package main

import (
	"regexp"
	"slices"
	"strings"
)

// service is one service of the model and how its operations are chosen.
type service struct {
	name string
	only []string // if set, exactly these operations
	also []string // beside the readers, these
	deny []string // never these: they mint credentials or return stored content
	enum bool     // keep enumerations: a fake is checked against them
}

// readers are the first words of an operation that only reads.
var readers = regexp.MustCompile(`^(Get|List|Describe|BatchGet|Search|Lookup)[A-Z]|^Search$`)

// minters match operations of any service that hand out a credential, a
// signed link or a stored secret.
var minters = regexp.MustCompile(`Credentials($|With)|Presigned|AuthToken|AccessToken|SessionToken|FederationToken|AuthorizationToken|SecretValue|PasswordData|RandomPassword|LoginUrl|SessionEndpoint`)

// metadata are operations minters would match though they return only
// metadata.
var metadata = []string{"ListServiceSpecificCredentials"}

// services is every service of the model, by botocore's name for it.
var services = []service{
	{name: "accessanalyzer"},
	{name: "account"},
	{name: "acm"},
	{name: "apigateway", deny: []string{"GetExport", "GetSdk"}},
	{name: "apigatewayv2"},
	{name: "application-autoscaling"},
	{name: "athena", deny: []string{"GetQueryResults", "GetCalculationExecutionCode"}},
	{name: "autoscaling"},
	{name: "backup"},
	{name: "batch"},
	{name: "bedrock", enum: true},
	{name: "bedrock-agent", enum: true},
	{name: "bedrock-agentcore-control", enum: true},
	{name: "cloudformation"},
	{name: "cloudfront"},
	{name: "cloudtrail", deny: []string{"GetQueryResults"}},
	{name: "codebuild"},
	{name: "codecommit", deny: []string{"GetBlob", "GetFile", "GetFolder"}},
	{name: "codepipeline", deny: []string{"GetJobDetails", "GetThirdPartyJobDetails"}},
	{name: "cognito-identity", only: []string{"ListIdentityPools", "DescribeIdentityPool", "GetIdentityPoolRoles", "ListTagsForResource"}},
	{name: "cognito-idp", only: []string{"ListUserPools", "DescribeUserPool", "ListUserPoolClients", "DescribeUserPoolClient", "GetUserPoolMfaConfig", "ListGroups", "ListTagsForResource"}},
	{name: "comprehend"},
	{name: "config"},
	{name: "datazone"},
	{name: "directconnect", only: []string{"DescribeConnections", "DescribeDirectConnectGateways", "DescribeDirectConnectGatewayAssociations", "DescribeDirectConnectGatewayAttachments", "DescribeLags", "DescribeVirtualInterfaces", "DescribeVirtualGateways", "DescribeTags"}},
	{name: "dynamodb", deny: []string{"GetItem", "BatchGetItem"}},
	{name: "ec2", deny: []string{"GetConsoleOutput", "GetConsoleScreenshot", "GetVpnConnectionDeviceSampleConfiguration"}},
	{name: "ecr", deny: []string{"GetDownloadUrlForLayer", "BatchGetImage"}},
	{name: "ecs"},
	{name: "efs"},
	{name: "eks"},
	{name: "elasticache"},
	{name: "elb"},
	{name: "elbv2"},
	{name: "emr", deny: []string{"GetClusterSessionCredentials"}},
	{name: "emr-containers"},
	{name: "emr-serverless", deny: []string{"GetDashboardForJobRun", "GetResourceDashboard"}},
	{name: "events"},
	{name: "firehose"},
	{name: "fsx"},
	{name: "globalaccelerator"},
	{name: "glue", deny: []string{"GetStatement", "GetEntityRecords", "ListStatements", "GetDashboardUrl"}},
	{name: "guardduty"},
	{name: "iam", also: []string{"GenerateCredentialReport", "GenerateServiceLastAccessedDetails"}},
	{name: "identitystore"},
	{name: "kafka"},
	{name: "kendra", deny: []string{"GetQuerySuggestions"}},
	{name: "kinesis", deny: []string{"GetRecords", "GetShardIterator"}},
	{name: "kms", deny: []string{"GetParametersForImport"}},
	{name: "lakeformation", deny: []string{"GetWorkUnitResults", "GetWorkUnits"}},
	{name: "lambda"},
	{name: "logs", deny: []string{"GetLogEvents", "GetLogRecord", "GetLogObject", "GetQueryResults", "GetScheduledQueryHistory", "GetLogFields"}},
	{name: "macie2", deny: []string{"GetSensitiveDataOccurrences"}},
	{name: "mwaa"},
	{name: "network-firewall"},
	{name: "opensearch"},
	{name: "opensearchserverless"},
	{name: "organizations"},
	{name: "qbusiness", deny: []string{"GetMedia", "ListMessages", "SearchRelevantContent", "GetDocumentContent"}},
	{name: "ram"},
	{name: "rds"},
	{name: "redshift"},
	{name: "redshift-serverless"},
	{name: "rekognition", only: []string{"ListCollections", "DescribeCollection", "DescribeProjects", "DescribeProjectVersions", "ListProjectPolicies", "ListStreamProcessors", "DescribeStreamProcessor", "DescribeDataset", "ListTagsForResource"}},
	{name: "resourcegroupstaggingapi"},
	{name: "rolesanywhere"},
	{name: "route53"},
	{name: "s3", deny: []string{"GetObject", "GetObjectTorrent", "GetObjectAnnotation", "ListObjectAnnotations"}},
	{name: "s3control", deny: []string{"GetDataAccess"}},
	{name: "s3vectors", deny: []string{"GetVectors", "ListVectors"}},
	{name: "sagemaker"},
	{name: "scheduler"},
	{name: "secretsmanager"},
	{name: "securityhub"},
	{name: "sns"},
	{name: "sqs"},
	{name: "ssm", only: []string{"DescribeParameters", "DescribeInstanceInformation", "ListDocuments", "DescribeDocument", "DescribeDocumentPermission", "GetServiceSetting", "ListTagsForResource"}},
	{name: "sso-admin"},
	{name: "stepfunctions", deny: []string{"GetActivityTask", "GetExecutionHistory", "DescribeExecution"}},
	{name: "sts", only: []string{"GetCallerIdentity"}},
	{name: "transcribe", deny: []string{"GetTranscriptionJob", "GetMedicalTranscriptionJob", "GetMedicalScribeJob", "GetCallAnalyticsJob"}},
	{name: "translate", deny: []string{"GetParallelData", "GetTerminology"}},
	{name: "vpc-lattice"},
	{name: "wafv2", deny: []string{"GetSampledRequests"}},
}

// dropped are reply members left out of the model, as SERVICE.SHAPE.MEMBER:
// signed links, keys and passwords inside otherwise harmless replies. What the
// model does not know the client skips, so they are never kept in memory.
var dropped = []string{
	"apigateway.ApiKey.value",
	"bedrock-agentcore-control.GetDatasetResponse.downloadUrl",
	"directconnect.BGPPeer.authKey",
	"directconnect.VirtualInterface.authKey",
	"directconnect.VirtualInterface.customerRouterConfig", // holds the key
	"ec2.VpnConnection.CustomerGatewayConfiguration",
	"lambda.FunctionCodeLocation.Location",
	"lambda.LayerVersionContentOutput.Location",
}

// secretName matches text members that hold a stored secret itself, not where
// it is kept. They are dropped wherever they stand.
var secretName = regexp.MustCompile(`(?i)(password|clientsecret|presharedkey|secretaccesskey|sessiontoken)$`)

// drops reports whether a member stays out of the model.
func (s service) drops(shape, member, typ string) bool {
	return slices.Contains(dropped, s.name+"."+shape+"."+member) || (typ == "string" && secretName.MatchString(member))
}

// wanted lists the operations of m that s takes, sorted.
func (s service) wanted(m *source) []string {
	var names []string
	for name := range m.model.Operations {
		if s.wants(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (s service) wants(op string) bool {
	switch {
	case len(s.only) > 0:
		return slices.Contains(s.only, op)
	case slices.Contains(s.deny, op):
		return false
	case slices.Contains(s.also, op), slices.Contains(metadata, op):
		return true
	case strings.HasPrefix(op, "GetTemporary"):
		return false
	}
	return readers.MatchString(op) && !minters.MatchString(op)
}
