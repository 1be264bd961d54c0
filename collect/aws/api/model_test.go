package api

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestModelHoldsWhatWasAskedFor(t *testing.T) {
	n := 0
	for _, s := range Services() {
		svc, err := load(s)
		if err != nil {
			t.Fatal(err)
		}
		if len(svc.ops) == 0 {
			t.Errorf("service %s has no operation", s)
		}
		n += len(svc.ops)
	}
	if len(Services()) != 84 || n < 2600 {
		t.Errorf("%d services, %d operations; want 84 and more than 2600", len(Services()), n)
	}
	for _, want := range []string{"sts GetCallerIdentity", "iam GenerateCredentialReport", "iam GetAccountAuthorizationDetails",
		"sagemaker DescribeEndpoint", "sagemaker Search", "bedrock GetGuardrail", "bedrock-agentcore-control GetAgentRuntime", "cloudtrail LookupEvents",
		"s3 GetBucketPolicy", "s3control GetPublicAccessBlock", "kms GetKeyPolicy", "ssm DescribeParameters", "ec2 DescribeInstances"} {
		service, name, _ := strings.Cut(want, " ")
		if _, ok := Operation(service, name); !ok {
			t.Errorf("%s:%s is missing", service, name)
		}
	}
}

// What must never be in the model, whatever a later botocore brings.
var never = map[string][]string{
	"s3":                  {"GetObject", "GetObjectTorrent", "SelectObjectContent", "PutObject"},
	"secretsmanager":      {"GetSecretValue", "BatchGetSecretValue", "GetRandomPassword"},
	"ssm":                 {"GetParameter", "GetParameters", "GetParametersByPath", "GetParameterHistory", "GetCommandInvocation", "ListCommandInvocations"},
	"dynamodb":            {"GetItem", "BatchGetItem", "Query", "Scan", "ExecuteStatement"},
	"kms":                 {"Decrypt", "GenerateDataKey", "GetParametersForImport"},
	"sts":                 {"AssumeRole", "GetSessionToken", "GetFederationToken"},
	"ecr":                 {"GetAuthorizationToken", "GetDownloadUrlForLayer"},
	"ec2":                 {"GetPasswordData", "GetConsoleOutput"},
	"redshift":            {"GetClusterCredentials", "GetClusterCredentialsWithIAM"},
	"lakeformation":       {"GetTemporaryGlueTableCredentials", "GetTemporaryDataLocationCredentials"},
	"s3control":           {"GetDataAccess"},
	"s3vectors":           {"GetVectors", "ListVectors", "QueryVectors"},
	"logs":                {"GetLogEvents", "FilterLogEvents", "GetQueryResults"},
	"kinesis":             {"GetRecords"},
	"sqs":                 {"ReceiveMessage"},
	"codecommit":          {"GetFile", "GetBlob"},
	"athena":              {"GetQueryResults"},
	"stepfunctions":       {"GetActivityTask"},
	"emr-containers":      {"GetManagedEndpointSessionCredentials"},
	"datazone":            {"GetEnvironmentCredentials"},
	"codepipeline":        {"GetJobDetails", "PollForJobs"},
	"opensearch":          {"DeleteDomain"},
	"sagemaker":           {"CreatePresignedNotebookInstanceUrl", "InvokeEndpoint"},
	"lambda":              {"Invoke"},
	"identitystore":       {"CreateUser"},
	"bedrock":             {"InvokeModel", "DeleteGuardrail"},
	"cloudformation":      {"ExecuteChangeSet"},
	"elasticache":         {"ModifyUser"},
	"redshift-serverless": {"GetCredentials"},
}

func TestModelReadsOnlyAndReturnsNoSecret(t *testing.T) {
	for service, names := range never {
		for _, name := range names {
			if _, ok := Operation(service, name); ok {
				t.Errorf("%s:%s is in the model", service, name)
			}
		}
	}
	reads := regexp.MustCompile(`^(Get|List|Describe|BatchGet|Search|Lookup)[A-Z]|^Search$`)
	mints := regexp.MustCompile(`Credentials($|With)|Presigned|AuthToken|AccessToken|SessionToken|FederationToken|SecretValue|PasswordData`)
	exceptions := []string{"GenerateCredentialReport", "GenerateServiceLastAccessedDetails", "ListServiceSpecificCredentials"}
	for _, s := range Services() {
		for _, name := range Operations(s) {
			if (!reads.MatchString(name) || mints.MatchString(name)) && !slices.Contains(exceptions, name) {
				t.Errorf("%s:%s does not look like a read of metadata", s, name)
			}
		}
	}
}

func TestNoReplyMemberIsAStoredSecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)(password|clientsecret|presharedkey|secretstring|secretaccesskey|sessiontoken|privatekey)$`)
	for _, s := range Services() {
		svc, err := load(s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range svc.shapes {
			if svc.shapes[i].kind != kindStruct {
				continue
			}
			for _, r := range svc.shapes[i].refs {
				if svc.shapes[r.shape].kind == kindString && secret.MatchString(r.name) {
					t.Errorf("%s: member %s is a text", s, r.name)
				}
			}
		}
	}
	for _, m := range []struct{ service, op, path string }{
		{"lambda", "GetFunction", "Code.Location"}, {"apigateway", "GetApiKey", "value"},
		{"ec2", "DescribeVpnConnections", "VpnConnections.CustomerGatewayConfiguration"},
		{"directconnect", "DescribeVirtualInterfaces", "virtualInterfaces.authKey"}, {"directconnect", "DescribeVirtualInterfaces", "virtualInterfaces.bgpPeers.authKey"},
		{"directconnect", "DescribeVirtualInterfaces", "virtualInterfaces.customerRouterConfig"},
		{"cognito-idp", "DescribeUserPoolClient", "UserPoolClient.ClientSecret"},
	} {
		op, _ := Operation(m.service, m.op)
		if has(op.Outputs(), m.path) {
			t.Errorf("%s:%s still has %s", m.service, m.op, m.path)
		}
	}
}

func has(ms []Member, path string) bool {
	name, rest, more := strings.Cut(path, ".")
	for _, m := range ms {
		if m.Name == name {
			return !more || has(m.Members(), rest)
		}
	}
	return false
}

func TestIntrospection(t *testing.T) {
	op, ok := Operation("sagemaker", "ListEndpoints")
	if !ok {
		t.Fatal("no sagemaker:ListEndpoints")
	}
	out, ok := op.Output("Endpoints")
	if !ok || out.Type != "list" {
		t.Fatalf("Endpoints is %+v, want a list", out)
	}
	var names []string
	for _, m := range out.Members() {
		names = append(names, m.Name+" "+m.Type)
	}
	want := []string{"CreationTime timestamp", "EndpointArn string", "EndpointName string", "EndpointStatus string", "LastModifiedTime timestamp"}
	if !slices.Equal(names, want) {
		t.Errorf("members %v, want %v", names, want)
	}
	p, ok := op.Pager()
	if !ok || !slices.Equal(p.Input, []string{"NextToken"}) || !slices.Equal(p.Results, []string{"Endpoints"}) || p.Limit != "MaxResults" {
		t.Errorf("pager %+v", p)
	}
	if op, _ := Operation("s3", "GetBucketPolicy"); op.Protocol() != "rest-xml" || len(op.Inputs()) == 0 || !op.Inputs()[0].Required {
		t.Errorf("s3:GetBucketPolicy: protocol %s, inputs %+v", op.Protocol(), op.Inputs())
	}
	if _, ok := Operation("@endpoints", "x"); ok {
		t.Error("the endpoint table passes for a service")
	}
	if _, ok := Operation("nosuch", "x"); ok {
		t.Error("an unknown service has an operation")
	}
}

func TestGrants(t *testing.T) {
	for in, want := range map[[2]string]string{
		{"s3", "ListBuckets"}:                                  "s3:ListAllMyBuckets",
		{"s3", "GetBucketEncryption"}:                          "s3:GetEncryptionConfiguration",
		{"s3", "GetPublicAccessBlock"}:                         "s3:GetBucketPublicAccessBlock",
		{"s3control", "GetPublicAccessBlock"}:                  "s3:GetAccountPublicAccessBlock",
		{"stepfunctions", "ListStateMachines"}:                 "states:ListStateMachines",
		{"elbv2", "DescribeLoadBalancers"}:                     "elasticloadbalancing:DescribeLoadBalancers",
		{"opensearch", "DescribeDomain"}:                       "es:DescribeDomain",
		{"bedrock-agent", "ListAgents"}:                        "bedrock:ListAgents",
		{"bedrock-agentcore-control", "ListGateways"}:          "bedrock-agentcore:ListGateways",
		{"apigateway", "GetRestApis"}:                          "apigateway:GET",
		{"resourcegroupstaggingapi", "GetResources"}:           "tag:GetResources",
		{"sagemaker", "ListEndpoints"}:                         "sagemaker:ListEndpoints",
		{"accessanalyzer", "ListAnalyzers"}:                    "access-analyzer:ListAnalyzers",
		{"efs", "DescribeFileSystems"}:                         "elasticfilesystem:DescribeFileSystems",
		{"emr", "ListClusters"}:                                "elasticmapreduce:ListClusters",
		{"mwaa", "ListEnvironments"}:                           "airflow:ListEnvironments",
		{"opensearchserverless", "ListCollections"}:            "aoss:ListCollections",
		{"application-autoscaling", "DescribeScalableTargets"}: "application-autoscaling:DescribeScalableTargets",
	} {
		if got := Grant(in[0], in[1]); got != want {
			t.Errorf("Grant(%s, %s) = %s, want %s", in[0], in[1], got, want)
		}
	}
}

func BenchmarkLoadLargestService(b *testing.B) {
	text, err := index()["ec2"].text()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseService("ec2", text); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzParseService(f *testing.F) {
	text, err := index()["sts"].text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("S\ta,0,^\nL\t,9")
	f.Fuzz(func(t *testing.T, text string) {
		svc, err := parseService("x", text)
		if err != nil {
			return
		}
		for _, op := range svc.ops { // whatever parses can be walked
			o := Op{svc: svc, op: op}
			o.Outputs()
			o.Inputs()
		}
	})
}
