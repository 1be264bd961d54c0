package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/fakebedrock"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

const region = "eu-west-1"

// double is one filled account: moto, what moto cannot say put right, the fake
// Bedrock before it, and the fault proxy before all.
type double struct {
	server  *moto.Server
	proxy   *faultproxy.Proxy
	url     string
	planted map[moto.Fault]bool
}

func newDouble(t *testing.T, twin string) *double {
	t.Helper()
	server := moto.Start(t, moto.ManagedPolicies)
	fake := fakebedrock.New(t)
	d := &double{server: server, planted: map[moto.Fault]bool{}}
	d.proxy = faultproxy.New(fake.Front(&corrector{twin: twin, next: faultproxy.To(server.URL)}))
	d.url = faultproxy.Serve(t, d.proxy)
	filled := server.Fill(t, server.URL, twin)
	for _, f := range append(append(filled.Faults, filled.Aged...), putBedrock(fake, twin)...) {
		d.planted[f] = true
	}
	return d
}

// correction changes what moto answers. Each says why it must.
type correction struct {
	twin               string // both if empty
	service, operation string
	resource           string // part of the request; any if empty
	was                *regexp.Regexp
	is                 string
	because            string
}

var corrections = []correction{
	{"clean", "iam", "GetAccountSummary", "", regexp.MustCompile(`(<key>AccountMFAEnabled</key>\s*<value>)0`), "${1}1",
		"moto says of every account that its root user has no second factor"},
	{"faulty", "iam", "GetAccountSummary", "", regexp.MustCompile(`(<key>AccountAccessKeysPresent</key>\s*<value>)0`), "${1}1",
		"moto's root user cannot be given a key"},
	{"faulty", "iam", "ListAccessKeys", "", regexp.MustCompile(`<CreateDate>[^<]*`), "<CreateDate>2020-01-01T00:00:00Z",
		"a key has to grow old"},
	{"", "glue", "GetConnections", "", regexp.MustCompile(`"Name":\s*"orders"`), `"Name": "orders", "ConnectionType": "JDBC"`,
		"moto forgets what kind of connection it is"},
	{"faulty", "emr", "DescribeCluster", "", regexp.MustCompile(`"MasterPublicDnsName":\s*"[^"]*"`), `"MasterPublicDnsName": "ec2-54-1-2-3.eu-west-1.compute.amazonaws.com"`,
		"moto gives every cluster the same name"},
	{"clean", "emr", "DescribeCluster", "", regexp.MustCompile(`"MasterPublicDnsName":\s*"[^"]*"`), `"MasterPublicDnsName": "ip-10-20-1-7.eu-west-1.compute.internal"`,
		"moto gives every cluster the same name"},
	{"clean", "opensearch", "DescribeDomain", "", regexp.MustCompile(`"VPCOptions":\s*\{`), `"VPCOptions": {"VPCId": "vpc-0a1b2c3d4e5f60718", `,
		"moto gives back what was asked for, where the service says which network it is"},
	{"faulty", "secretsmanager", "", "", regexp.MustCompile(`"(LastChangedDate|CreatedDate)":\s*[0-9.]+`), `"$1": 1577836800`,
		"a secret has to grow old"},
	{"", "sagemaker", "DescribeTrainingJob", "eta-nightly", regexp.MustCompile(`"TrainingJobStatus":\s*"Completed"`), `"TrainingJobStatus": "InProgress"`,
		"moto's jobs are over as soon as they are made"},
	{"faulty", "sagemaker", "DescribeModel", "", regexp.MustCompile(`"VpcConfig":\s*\{\},?`), "",
		"moto answers an empty object where SageMaker answers nothing"},
	{"faulty", "sagemaker", "DescribeNotebookInstance", "", regexp.MustCompile(`"NotebookInstanceName"`),
		`"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"}, "NotebookInstanceName"`,
		"moto forgets the notebook's metadata service"},
	{"clean", "sagemaker", "DescribeNotebookInstance", "", regexp.MustCompile(`"NotebookInstanceName"`),
		`"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"}, "NotebookInstanceName"`,
		"moto forgets the notebook's metadata service"},
}

// corrector is the handler that applies the corrections.
type corrector struct {
	twin string
	next http.Handler
}

// ServeHTTP implements http.Handler.
func (c *corrector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	call, _ := wire.Identify(r, body)
	if call.Key() == "ec2:DescribeSnapshots" {
		body = ownSnapshots(body)
	}
	if reply, ok := missing[call.Key()][c.twin]; ok {
		answer(w, call, reply)
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	var fits []correction
	for _, k := range corrections {
		if (k.twin == "" || k.twin == c.twin) && k.service == call.Service && (k.operation == "" || k.operation == call.Operation) &&
			bytes.Contains(body, []byte(k.resource)) {
			fits = append(fits, k)
		}
	}
	if len(fits) == 0 {
		c.next.ServeHTTP(w, r)
		return
	}
	r.Header.Del("Accept-Encoding")
	rec := httptest.NewRecorder()
	c.next.ServeHTTP(rec, r)
	reply := rec.Body.Bytes()
	for _, k := range fits {
		reply = k.was.ReplaceAll(reply, []byte(k.is))
	}
	for k, v := range rec.Header() {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(reply)
}

// ownSnapshots asks by filter for what OwnerId asks for: moto gives the 1,300
// snapshots of its public images to whoever asks for his own.
func ownSnapshots(body []byte) []byte {
	form, err := url.ParseQuery(string(body))
	if err != nil || !strings.Contains(string(body), "self") {
		return body
	}
	form.Set("Filter.1.Name", "owner-id")
	form.Set("Filter.1.Value.1", moto.Account)
	return []byte(form.Encode())
}

// missing are calls that moto does not have, by twin. An empty reply is a
// refusal: there is none.
var missing = map[string]map[string]string{
	"sagemaker:GetModelPackageGroupPolicy": {
		"clean":  "",
		"faulty": `{"ResourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sagemaker:DescribeModelPackage\",\"Resource\":\"*\"}]}"}`,
	},
	"iam:ListServiceSpecificCredentials":             {"clean": serviceKeys("<ExpirationDate>2026-02-01T00:00:00Z</ExpirationDate>"), "faulty": serviceKeys("")},
	"sagemaker:ListNotebookInstanceLifecycleConfigs": {"clean": lifecycleConfigs, "faulty": lifecycleConfigs},
	"emr:ListSecurityConfigurations":                 {"clean": sealed, "faulty": sealed},
	"lambda:ListFunctionUrlConfigs":                  {"clean": functionURL("AWS_IAM"), "faulty": functionURL("NONE")},
	"ec2:GetSnapshotBlockPublicAccessState":          {"clean": "block-all-sharing", "faulty": "unblocked"},
}

func serviceKeys(end string) string {
	return `<ListServiceSpecificCredentialsResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListServiceSpecificCredentialsResult><ServiceSpecificCredentials><member>` +
		`<UserName>ci</UserName><Status>Active</Status><CreateDate>2026-01-01T00:00:00Z</CreateDate>` + end + `<ServiceSpecificCredentialId>ACCA00000001</ServiceSpecificCredentialId>` +
		`<ServiceName>bedrock.amazonaws.com</ServiceName></member></ServiceSpecificCredentials><IsTruncated>false</IsTruncated></ListServiceSpecificCredentialsResult>` +
		`<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListServiceSpecificCredentialsResponse>`
}

const sealed = `{"SecurityConfigurations":[{"Name":"sealed","CreationDateTime":1767225600}]}`

const lifecycleConfigs = `{"NotebookInstanceLifecycleConfigs":[{"NotebookInstanceLifecycleConfigName":"setup","CreationTime":1767225600,` +
	`"NotebookInstanceLifecycleConfigArn":"arn:aws:sagemaker:` + region + `:` + moto.Account + `:notebook-instance-lifecycle-config/setup"}]}`

func functionURL(auth string) string {
	return `{"FunctionUrlConfigs":[{"AuthType":"` + auth + `","FunctionUrl":"https://x.lambda-url.` + region + `.on.aws/","FunctionArn":"arn:aws:lambda:` +
		region + `:` + moto.Account + `:function:scorer","CreationTime":"2026-01-01T00:00:00.000000Z","LastModifiedTime":"2026-01-01T00:00:00.000000Z"}]}`
}

// answer writes a reply of the table in the protocol of the call.
func answer(w http.ResponseWriter, call wire.Call, reply string) {
	switch {
	case reply == "":
		wire.Refuse(w, call, http.StatusBadRequest, "ValidationException", "Cannot find Model Package Group Policy for the group")
	case call.Service == "iam":
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, reply)
	case call.Service == "ec2":
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, `<GetSnapshotBlockPublicAccessStateResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><state>`+
			reply+`</state></GetSnapshotBlockPublicAccessStateResponse>`)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, reply)
	}
}

// putBedrock fills the fake Bedrock and gives the faults of the faulty twin.
func putBedrock(fake *fakebedrock.Fake, twin string) []moto.Fault {
	type doc = fakebedrock.Doc
	arn := func(service, rest string) string {
		return "arn:aws:" + service + ":" + region + ":" + moto.Account + ":" + rest
	}
	key := arn("kms", "key/11111111-2222-3333-4444-555555555555")
	role := "arn:aws:iam::" + moto.Account + ":role/agent"
	agent := doc{"agentArn": arn("bedrock", "agent/AGENT00001"), "agentId": "AGENT00001", "agentName": "helper", "agentVersion": "DRAFT",
		"agentStatus": "PREPARED", "agentResourceRoleArn": role, "idleSessionTTLInSeconds": 600, "foundationModel": "amazon.nova-lite-v1:0"}
	guardrail := doc{"guardrailArn": arn("bedrock", "guardrail/gr1"), "guardrailId": "gr1", "name": "shield", "version": "DRAFT", "status": "READY",
		"blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
	model := doc{"modelArn": arn("bedrock", "custom-model/amazon.nova-lite-v1:0:256k/abcdefabcdef"), "modelName": "tuned",
		"_baseModelArn": "arn:aws:bedrock:" + region + "::foundation-model/amazon.nova-lite-v1:0", "_baseModelName": "Nova Lite"}
	base := doc{"knowledgeBaseArn": arn("bedrock", "knowledge-base/KNOWLEDGE1"), "knowledgeBaseId": "KNOWLEDGE1", "name": "docs", "roleArn": role,
		"knowledgeBaseConfiguration": doc{"type": "VECTOR", "vectorKnowledgeBaseConfiguration": doc{
			"embeddingModelArn": "arn:aws:bedrock:" + region + "::foundation-model/amazon.titan-embed-text-v2:0"}}}
	source := doc{"dataSourceId": "SOURCE0001", "knowledgeBaseId": "KNOWLEDGE1", "name": "papers", "status": "AVAILABLE",
		"dataSourceConfiguration": doc{"type": "S3", "s3Configuration": doc{"bucketArn": "arn:aws:s3:::acme-training"}}}
	gateway := doc{"gatewayArn": arn("bedrock-agentcore", "gateway/tools-abcdefghij"), "gatewayId": "tools-abcdefghij", "name": "tools", "status": "READY",
		"protocolType": "MCP", "authorizerType": "NONE", "gatewayUrl": "https://tools.example.com"}
	runtime := doc{"agentRuntimeArn": arn("bedrock-agentcore", "runtime/planner-abcdefghij"), "agentRuntimeId": "planner-abcdefghij", "agentRuntimeName": "planner",
		"agentRuntimeVersion": "1", "roleArn": role, "status": "READY", "networkConfiguration": doc{"networkMode": "PUBLIC"},
		"lifecycleConfiguration": doc{"idleRuntimeSessionTimeout": 900, "maxLifetime": 28800}, "_description": "plans"}
	group := doc{"agentId": "AGENT00001", "agentVersion": "DRAFT", "actionGroupId": "GROUP00001", "actionGroupName": "orders", "actionGroupState": "ENABLED",
		"functionSchema": doc{"functions": []any{doc{"name": "cancelOrder", "requireConfirmation": "DISABLED"}}}}
	interpreter := doc{"codeInterpreterId": "ci-abcdefghij", "codeInterpreterArn": arn("bedrock-agentcore", "code-interpreter-custom/ci-abcdefghij"), "name": "analyst",
		"networkConfiguration": doc{"networkMode": "PUBLIC"}, "status": "READY"}
	if twin == "clean" {
		group["functionSchema"] = doc{"functions": []any{doc{"name": "cancelOrder", "requireConfirmation": "ENABLED"}}}
		interpreter["networkConfiguration"] = doc{"networkMode": "SANDBOX"}
		guardrail["kmsKeyArn"], gateway["kmsKeyArn"] = key, key
		guardrail["topicPolicy"] = doc{"topics": []any{doc{"name": "law", "definition": "Advice on law", "type": "DENY"}}}
		agent["customerEncryptionKeyArn"] = key
		agent["guardrailConfiguration"] = doc{"guardrailIdentifier": "gr1", "guardrailVersion": "1"}
		guardrail["sensitiveInformationPolicy"] = doc{"piiEntities": []any{doc{"type": "EMAIL", "action": "ANONYMIZE"}}}
		guardrail["contentPolicy"] = doc{"filters": []any{doc{"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"},
			harm("HATE"), harm("INSULTS"), harm("SEXUAL"), harm("VIOLENCE"), harm("MISCONDUCT")}}
		model["modelKmsKeyArn"] = key
		source["serverSideEncryptionConfiguration"] = doc{"kmsKeyArn": key}
		gateway["authorizerType"] = "AWS_IAM"
		runtime["networkConfiguration"] = doc{"networkMode": "VPC", "networkModeConfig": doc{"subnets": []any{"subnet-12345678"}, "securityGroups": []any{"sg-12345678"}}}
		fake.Put(region, "bedrock", "GetModelInvocationLoggingConfiguration", doc{"s3Config": doc{"bucketName": "acme-prompts"}})
	}
	fake.Put(region, "bedrock-agent", "GetAgent", agent)
	fake.Put(region, "bedrock-agent", "GetAgentActionGroup", group)
	fake.Put(region, "bedrock-agentcore-control", "GetCodeInterpreter", interpreter)
	fake.Put(region, "bedrock", "GetGuardrail", guardrail)
	fake.Put(region, "bedrock", "GetCustomModel", model)
	fake.Put(region, "bedrock-agent", "GetKnowledgeBase", base)
	fake.Put(region, "bedrock-agent", "GetDataSource", source)
	fake.Put(region, "bedrock-agentcore-control", "GetGateway", gateway)
	fake.Put(region, "bedrock-agentcore-control", "GetAgentRuntime", runtime)
	if twin == "clean" {
		return nil
	}
	return []moto.Fault{
		{Control: "bedrock-agent-own-key", Asset: arn("bedrock", "agent/AGENT00001")},
		{Control: "bedrock-agent-without-guardrail", Asset: arn("bedrock", "agent/AGENT00001")},
		{Control: "bedrock-guardrail-no-personal-data-filter", Asset: arn("bedrock", "guardrail/gr1")},
		{Control: "bedrock-guardrail-no-prompt-attack-filter", Asset: arn("bedrock", "guardrail/gr1")},
		{Control: "bedrock-guardrail-no-topics", Asset: arn("bedrock", "guardrail/gr1")},
		{Control: "bedrock-guardrail-lets-harm-through", Asset: arn("bedrock", "guardrail/gr1")},
		{Control: "bedrock-content-own-key", Asset: arn("bedrock", "guardrail/gr1")},
		{Control: "bedrock-agent-acts-unasked", Asset: arn("bedrock", "agent/AGENT00001#action-group/GROUP00001")},
		{Control: "agentcore-interpreter-public-network", Asset: arn("bedrock-agentcore", "code-interpreter-custom/ci-abcdefghij")},
		{Control: "agentcore-content-own-key", Asset: arn("bedrock-agentcore", "gateway/tools-abcdefghij")},
		{Control: "bedrock-custom-model-own-key", Asset: arn("bedrock", "custom-model/amazon.nova-lite-v1:0:256k/abcdefabcdef")},
		{Control: "bedrock-knowledge-source-own-key", Asset: arn("bedrock", "knowledge-base/KNOWLEDGE1#data-source/SOURCE0001")},
		{Control: "agentcore-gateway-without-authorizer", Asset: arn("bedrock-agentcore", "gateway/tools-abcdefghij")},
		{Control: "agentcore-runtime-public-network", Asset: arn("bedrock-agentcore", "runtime/planner-abcdefghij")},
	}
}

// harm is a filter of one kind of harm, on both ways.
func harm(kind string) fakebedrock.Doc {
	return fakebedrock.Doc{"type": kind, "inputStrength": "HIGH", "outputStrength": "HIGH"}
}
