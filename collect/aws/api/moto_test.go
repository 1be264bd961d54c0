package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

func TestMain(m *testing.M) {
	code := m.Run()
	moto.StopShared()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// client talks to an endpoint of this machine.
func client(t testing.TB, url string, opt api.Options) *api.Client {
	t.Helper()
	c := api.New(aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("testing", "testing-secret-key", "testing-session-token")}, opt)
	t.Cleanup(c.CloseIdle)
	return c
}

// made is what testdata/fill.py prints about what it filled.
type made struct{ Role, Policy, VPC, SG, Key, Account string }

func filled(t testing.TB) (*moto.Server, made) {
	t.Helper()
	s := moto.Shared(t)
	var m made
	if err := json.Unmarshal(s.Python(t, filepath.Join("testdata", "fill.py")), &m); err != nil {
		t.Fatal(err)
	}
	return s, m
}

// one is a call to compare.
type one struct {
	Service   string         `json:"service"`
	Operation string         `json:"operation"`
	Params    map[string]any `json:"params,omitempty"`
}

// calls covers every protocol and the shapes that are hard in each.
func calls(m made) []one {
	p := func(kv ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i].(string)] = kv[i+1]
		}
		return out
	}
	lake := p("Bucket", "data-lake")
	return []one{
		{"sts", "GetCallerIdentity", nil},
		{"iam", "ListRoles", nil},
		{"iam", "GetRole", p("RoleName", "train")},
		{"iam", "GetRolePolicy", p("RoleName", "train", "PolicyName", "inline")},
		{"iam", "GetAccountAuthorizationDetails", nil},
		{"iam", "GetAccountAuthorizationDetails", p("Filter", []string{"Role", "User"})},
		{"iam", "GetAccountSummary", nil},
		{"iam", "GetAccountPasswordPolicy", nil},
		{"iam", "ListAccessKeys", p("UserName", "ada")},
		{"iam", "GetPolicyVersion", p("PolicyArn", m.Policy, "VersionId", "v1")},
		{"iam", "ListUsers", p("MaxItems", 5)},
		{"s3", "ListBuckets", nil},
		{"s3", "GetBucketLocation", lake},
		{"s3", "GetBucketLocation", p("Bucket", "old-home")},
		{"s3", "GetBucketPolicy", lake},
		{"s3", "GetBucketEncryption", lake},
		{"s3", "GetBucketAcl", lake},
		{"s3", "GetBucketVersioning", lake},
		{"s3", "GetBucketVersioning", p("Bucket", "log.sink")},
		{"s3", "GetBucketTagging", lake},
		{"s3", "GetBucketLifecycleConfiguration", lake},
		{"s3", "GetBucketCors", lake},
		{"s3", "GetBucketLogging", lake},
		{"s3", "GetPublicAccessBlock", lake},
		{"s3", "ListObjectVersions", lake},
		{"ec2", "DescribeVpcs", nil},
		{"ec2", "DescribeSubnets", p("Filters", []any{p("Name", "vpc-id", "Values", []string{m.VPC})})},
		{"ec2", "DescribeSecurityGroups", p("GroupIds", []string{m.SG})},
		{"ec2", "DescribeInstances", nil},
		{"ec2", "DescribeVolumes", nil},
		{"ec2", "DescribeRouteTables", nil},
		{"ec2", "DescribeNetworkAcls", nil},
		{"ec2", "DescribeNetworkInterfaces", nil},
		{"ec2", "DescribeRegions", p("AllRegions", true)},
		{"ec2", "GetEbsEncryptionByDefault", nil},
		{"sagemaker", "DescribeModel", p("ModelName", "m")},
		{"sagemaker", "DescribeEndpointConfig", p("EndpointConfigName", "cfg")},
		{"sagemaker", "DescribeEndpoint", p("EndpointName", "e")},
		{"sagemaker", "DescribeNotebookInstance", p("NotebookInstanceName", "nb")},
		{"sagemaker", "DescribeTrainingJob", p("TrainingJobName", "t")},
		{"sagemaker", "ListEndpoints", nil},
		{"lambda", "ListFunctions", nil},
		{"lambda", "GetFunctionConfiguration", p("FunctionName", "f")},
		{"lambda", "GetFunctionUrlConfig", p("FunctionName", "f")},
		{"ecr", "DescribeRepositories", nil},
		{"eks", "DescribeCluster", p("name", "k")},
		{"ecs", "ListClusters", nil},
		{"ecs", "DescribeClusters", p("clusters", []string{"ecs"}, "include", []string{"SETTINGS"})},
		{"kms", "DescribeKey", p("KeyId", m.Key)},
		{"kms", "GetKeyRotationStatus", p("KeyId", m.Key)},
		{"kms", "GetKeyPolicy", p("KeyId", m.Key, "PolicyName", "default")},
		{"secretsmanager", "ListSecrets", nil},
		{"dynamodb", "DescribeTable", p("TableName", "tb")},
		{"rds", "DescribeDBInstances", nil},
		{"cloudtrail", "DescribeTrails", nil},
		{"logs", "DescribeLogGroups", nil},
		{"sns", "ListTopics", nil},
		{"sns", "GetTopicAttributes", p("TopicArn", "arn:aws:sns:eu-west-1:123456789012:topic")},
		{"sqs", "GetQueueAttributes", p("QueueUrl", "http://sqs/123456789012/q", "AttributeNames", []string{"VisibilityTimeout", "QueueArn"})},
		{"stepfunctions", "ListStateMachines", nil},
		{"glue", "GetDatabases", nil},
		{"opensearch", "DescribeDomain", p("DomainName", "dom")},
		{"guardduty", "ListDetectors", nil},
		{"organizations", "DescribeOrganization", nil},
		{"route53", "ListHostedZones", nil},
		{"elbv2", "DescribeLoadBalancers", nil},
		{"apigateway", "GetRestApis", nil},
		{"apigatewayv2", "GetApis", nil},
		{"events", "ListRules", nil},
		{"efs", "DescribeFileSystems", nil},
		{"athena", "ListDataCatalogs", nil},
		{"batch", "DescribeComputeEnvironments", nil},
		{"cloudformation", "DescribeStacks", nil},
		{"autoscaling", "DescribeLaunchConfigurations", nil},
		{"acm", "ListCertificates", nil},
		{"s3control", "GetPublicAccessBlock", p("AccountId", m.Account)},
		{"resourcegroupstaggingapi", "GetResources", nil},
		{"config", "DescribeConfigurationRecorders", nil},
		{"application-autoscaling", "DescribeScalableTargets", p("ServiceNamespace", "sagemaker")},
		{"account", "GetContactInformation", nil},
	}
}

func TestRepliesAreWhatTheCommandLinePrints(t *testing.T) {
	s, m := filled(t)
	c := client(t, s.URL, api.Options{})
	list := calls(m)
	want := reference(t, s, list)
	for i, q := range list {
		t.Run(fmt.Sprintf("%s_%s_%d", q.Service, q.Operation, i), func(t *testing.T) {
			got, err := c.Call(context.Background(), api.Request{Service: q.Service, Operation: q.Operation, Params: q.Params})
			compare(t, got, err, want[i])
		})
	}
}
