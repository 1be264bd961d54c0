package fakebedrock_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/test/fakebedrock"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const region = "eu-west-1"

func setUp(t *testing.T) (*fakebedrock.Fake, *faultproxy.Proxy, *api.Client) {
	t.Helper()
	f := fakebedrock.New(t)
	p := faultproxy.New(f.Front(http.NotFoundHandler()))
	c := api.New(aws.Config{Region: region, BaseEndpoint: aws.String(faultproxy.Serve(t, p)),
		Credentials: credentials.NewStaticCredentialsProvider("k", "secret", "")}, api.Options{MaxAttempts: 1})
	t.Cleanup(c.CloseIdle)
	return f, p, c
}

// call gives the reply, or the error's code under the key "code".
func call(t *testing.T, c *api.Client, service, op string, params map[string]any) map[string]any {
	t.Helper()
	b, err := c.Call(context.Background(), api.Request{Service: service, Operation: op, Params: params})
	var e *api.Error
	if errors.As(err, &e) {
		return map[string]any{"code": e.Code}
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

type params = map[string]any

const arn = "arn:aws:bedrock:eu-west-1:123456789012:"

// estate is one resource of each kind the collector reads, with how it is
// asked for.
func fill(f *fakebedrock.Fake) []struct {
	service, list, get string
	parent, key        params
} {
	put := func(service, get string, d fakebedrock.Doc) { f.Put(region, service, get, d) }
	put("bedrock", "GetGuardrail", fakebedrock.Doc{"guardrailId": "g1", "guardrailArn": arn + "guardrail/g1", "name": "no-secrets", "version": "DRAFT",
		"blockedInputMessaging": "no", "blockedOutputsMessaging": "no",
		"contentPolicy": fakebedrock.Doc{"filters": []fakebedrock.Doc{{"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}}}})
	put("bedrock", "GetFoundationModel", fakebedrock.Doc{"modelArn": "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude", "modelId": "anthropic.claude",
		"modelName": "Claude", "providerName": "Anthropic", "inputModalities": []string{"TEXT"}, "modelLifecycle": fakebedrock.Doc{"status": "ACTIVE"}})
	put("bedrock", "GetCustomModel", fakebedrock.Doc{"modelArn": arn + "custom-model/m1", "modelName": "m1", "_baseModelName": "base",
		"baseModelArn": "arn:aws:bedrock:eu-west-1::foundation-model/base", "modelKmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/k"})
	put("bedrock", "GetProvisionedModelThroughput", fakebedrock.Doc{"provisionedModelArn": arn + "provisioned-model/p1", "provisionedModelName": "p1",
		"modelArn": arn + "custom-model/m1", "desiredModelArn": arn + "custom-model/m1", "foundationModelArn": "arn:aws:bedrock:eu-west-1::foundation-model/base",
		"modelUnits": 1, "desiredModelUnits": 1, "status": "InService"})
	put("bedrock-agent", "GetAgent", fakebedrock.Doc{"agentId": "A1", "agentArn": arn + "agent/A1", "agentName": "helper", "agentResourceRoleArn": "arn:aws:iam::123456789012:role/agent",
		"agentVersion": "DRAFT", "idleSessionTTLInSeconds": 600, "agentStatus": "PREPARED"})
	put("bedrock-agent", "GetAgentActionGroup", fakebedrock.Doc{"agentId": "A1", "agentVersion": "DRAFT", "actionGroupId": "G1", "actionGroupName": "pay", "actionGroupState": "ENABLED",
		"actionGroupExecutor": fakebedrock.Doc{"lambda": "arn:aws:lambda:eu-west-1:123456789012:function:pay"}})
	put("bedrock-agent", "GetAgentAlias", fakebedrock.Doc{"agentId": "A1", "agentAliasId": "L1", "agentAliasArn": arn + "agent-alias/A1/L1", "agentAliasName": "live",
		"agentAliasStatus": "PREPARED", "routingConfiguration": []fakebedrock.Doc{{"agentVersion": "1"}}})
	put("bedrock-agent", "GetKnowledgeBase", fakebedrock.Doc{"knowledgeBaseId": "K1", "knowledgeBaseArn": arn + "knowledge-base/K1", "name": "hr", "roleArn": "arn:aws:iam::123456789012:role/kb",
		"knowledgeBaseConfiguration": fakebedrock.Doc{"type": "VECTOR"}})
	put("bedrock-agent", "GetDataSource", fakebedrock.Doc{"knowledgeBaseId": "K1", "dataSourceId": "D1", "name": "docs", "status": "AVAILABLE",
		"dataSourceConfiguration": fakebedrock.Doc{"type": "S3", "s3Configuration": fakebedrock.Doc{"bucketArn": "arn:aws:s3:::docs"}}})
	core := "arn:aws:bedrock-agentcore:eu-west-1:123456789012:"
	put("bedrock-agentcore-control", "GetAgentRuntime", fakebedrock.Doc{"agentRuntimeId": "r1", "agentRuntimeArn": core + "runtime/r1", "agentRuntimeName": "r", "agentRuntimeVersion": "1",
		"roleArn": "arn:aws:iam::123456789012:role/rt", "_description": "", "networkConfiguration": fakebedrock.Doc{"networkMode": "PUBLIC"}, "lifecycleConfiguration": fakebedrock.Doc{}})
	put("bedrock-agentcore-control", "GetGateway", fakebedrock.Doc{"gatewayId": "w1", "gatewayArn": core + "gateway/w1", "name": "w", "authorizerType": "NONE", "protocolType": "MCP", "status": "READY"})
	put("bedrock-agentcore-control", "GetMemory", fakebedrock.Doc{"id": "mem1", "arn": core + "memory/mem1", "name": "mem", "eventExpiryDuration": 30, "status": "ACTIVE"})
	return []struct {
		service, list, get string
		parent, key        params
	}{
		{"bedrock", "ListGuardrails", "GetGuardrail", nil, params{"guardrailIdentifier": "g1", "guardrailVersion": "DRAFT"}},
		{"bedrock", "ListFoundationModels", "GetFoundationModel", nil, params{"modelIdentifier": "anthropic.claude"}},
		{"bedrock", "ListCustomModels", "GetCustomModel", nil, params{"modelIdentifier": arn + "custom-model/m1"}},
		{"bedrock", "ListProvisionedModelThroughputs", "GetProvisionedModelThroughput", nil, params{"provisionedModelId": arn + "provisioned-model/p1"}},
		{"bedrock-agent", "ListAgents", "GetAgent", nil, params{"agentId": "A1"}},
		{"bedrock-agent", "ListAgentActionGroups", "GetAgentActionGroup", params{"agentId": "A1", "agentVersion": "DRAFT"}, params{"agentId": "A1", "agentVersion": "DRAFT", "actionGroupId": "G1"}},
		{"bedrock-agent", "ListAgentAliases", "GetAgentAlias", params{"agentId": "A1"}, params{"agentId": "A1", "agentAliasId": "L1"}},
		{"bedrock-agent", "ListKnowledgeBases", "GetKnowledgeBase", nil, params{"knowledgeBaseId": "K1"}},
		{"bedrock-agent", "ListDataSources", "GetDataSource", params{"knowledgeBaseId": "K1"}, params{"knowledgeBaseId": "K1", "dataSourceId": "D1"}},
		{"bedrock-agentcore-control", "ListAgentRuntimes", "GetAgentRuntime", nil, params{"agentRuntimeId": "r1"}},
		{"bedrock-agentcore-control", "ListGateways", "GetGateway", nil, params{"gatewayIdentifier": "w1"}},
		{"bedrock-agentcore-control", "ListMemories", "GetMemory", nil, params{"memoryId": "mem1"}},
	}
}

func TestEveryKindIsListedAndRead(t *testing.T) {
	f, _, c := setUp(t)
	for _, k := range fill(f) {
		t.Run(k.get, func(t *testing.T) {
			list := call(t, c, k.service, k.list, k.parent)
			n := 0
			for _, v := range list {
				if items, ok := v.([]any); ok {
					n += len(items)
				}
			}
			if n != 1 {
				t.Errorf("%s gives %v, want one element", k.list, list)
			}
			got := call(t, c, k.service, k.get, k.key)
			if got["code"] != nil || len(got) == 0 {
				t.Errorf("%s gives %v, want the document", k.get, got)
			}
			missing := params{}
			for name := range k.key {
				missing[name] = "nosuch0000"
			}
			if got := call(t, c, k.service, k.get, missing); got["code"] != "ResourceNotFoundException" {
				t.Errorf("%s of what is not there gives %v, want ResourceNotFoundException", k.get, got)
			}
		})
	}
}

func TestGuardrailAsTheCommandLinePrintsIt(t *testing.T) {
	f, _, c := setUp(t)
	fill(f)
	want := map[string]any{"guardrails": []any{map[string]any{"id": "g1", "arn": arn + "guardrail/g1", "name": "no-secrets", "version": "DRAFT",
		"status": "READY", "createdAt": "2026-03-01T08:30:15+00:00", "updatedAt": "2026-03-01T08:30:15+00:00"}}}
	if d := cmp.Diff(want, call(t, c, "bedrock", "ListGuardrails", nil)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestInvocationLoggingUnsetIsEmptyNotAnError(t *testing.T) {
	f, _, c := setUp(t)
	if got := call(t, c, "bedrock", "GetModelInvocationLoggingConfiguration", nil); len(got) != 0 {
		t.Errorf("unset: %v, want {}", got)
	}
	f.Put(region, "bedrock", "GetModelInvocationLoggingConfiguration", fakebedrock.Doc{"textDataDeliveryEnabled": true,
		"s3Config": fakebedrock.Doc{"bucketName": "logs"}})
	got := call(t, c, "bedrock", "GetModelInvocationLoggingConfiguration", nil)
	if cfg, _ := got["loggingConfig"].(map[string]any); cfg["textDataDeliveryEnabled"] != true {
		t.Errorf("set: %v, want loggingConfig with textDataDeliveryEnabled", got)
	}
}

func TestListsPageAndRegionsAreApart(t *testing.T) {
	f, p, c := setUp(t)
	f.PageSize = 2
	for i := range 5 {
		id := fmt.Sprintf("K%d", i)
		f.Put(region, "bedrock-agent", "GetKnowledgeBase", fakebedrock.Doc{"knowledgeBaseId": id, "knowledgeBaseArn": arn + "knowledge-base/" + id,
			"name": id, "roleArn": "arn:aws:iam::123456789012:role/kb", "knowledgeBaseConfiguration": fakebedrock.Doc{"type": "VECTOR"}})
	}
	count := func(region string) (n int) {
		for page, err := range c.Pages(context.Background(), api.Request{Service: "bedrock-agent", Operation: "ListKnowledgeBases", Region: region}) {
			if err != nil {
				t.Fatal(err)
			}
			n += strings.Count(string(page), `"knowledgeBaseId"`)
		}
		return n
	}
	if got := count(region); got != 5 || p.Count()["bedrock-agent:ListKnowledgeBases"] != 3 {
		t.Errorf("%d of 5 in %d pages, want 3 pages", got, p.Count()["bedrock-agent:ListKnowledgeBases"])
	}
	if got := count("us-east-1"); got != 0 {
		t.Errorf("%d in another region, want none", got)
	}
}

func TestTagsInBothSpellings(t *testing.T) {
	f, _, c := setUp(t)
	f.Tag(arn+"guardrail/g1", map[string]string{"owner": "ml"})
	got := call(t, c, "bedrock", "ListTagsForResource", params{"resourceARN": arn + "guardrail/g1"})
	if d := cmp.Diff(params{"tags": []any{params{"key": "owner", "value": "ml"}}}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	f.Tag(arn+"agent/A1", map[string]string{"owner": "ml"})
	got = call(t, c, "bedrock-agent", "ListTagsForResource", params{"resourceArn": arn + "agent/A1"})
	if d := cmp.Diff(params{"tags": params{"owner": "ml"}}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// Whatever the fake has no document for, its lists are empty and true to the
// model.
func TestEveryOtherListIsEmpty(t *testing.T) {
	_, _, c := setUp(t)
	for _, s := range []string{"bedrock", "bedrock-agent", "bedrock-agentcore-control"} {
		for _, name := range api.Operations(s) {
			op, _ := api.Operation(s, name)
			if !strings.HasPrefix(name, "List") || name == "ListTagsForResource" {
				continue
			}
			in := params{}
			for _, m := range op.Inputs() {
				if m.Required {
					in[m.Name] = "x1"
				}
			}
			got := call(t, c, s, name, in)
			for _, m := range op.Outputs() {
				if _, ok := got[m.Name]; m.Required && m.Type == "list" && !ok {
					t.Errorf("%s:%s gives %v without %s", s, name, got, m.Name)
				}
			}
		}
	}
}

// fatal records what the fake says to the test it belongs to.
type fatal struct {
	testing.TB
	said string
}

func (f *fatal) Helper() {}
func (f *fatal) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

func TestDocumentsThatDoNotFitAreRefused(t *testing.T) {
	good := func() fakebedrock.Doc {
		return fakebedrock.Doc{"agentId": "A1", "agentArn": "a", "agentName": "n", "agentResourceRoleArn": "r", "agentVersion": "DRAFT", "idleSessionTTLInSeconds": 600}
	}
	tests := map[string]struct {
		change func(fakebedrock.Doc)
		says   string
	}{
		"unknown_member": {func(d fakebedrock.Doc) { d["agentColour"] = "red" }, "agentColour: the model has no such member"},
		"missing_member": {func(d fakebedrock.Doc) { delete(d, "agentName") }, "agentName: required"},
		"wrong_type":     {func(d fakebedrock.Doc) { d["agentName"] = 7 }, "agentName: int is no string"},
		"no_such_state":  {func(d fakebedrock.Doc) { d["agentStatus"] = "HAPPY" }, "agentStatus: \"HAPPY\" is none of"},
		"no_time":        {func(d fakebedrock.Doc) { d["createdAt"] = "yesterday" }, "createdAt: \"yesterday\""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tb := &fatal{TB: t}
			func() {
				defer func() { _ = recover() }()
				d := good()
				tt.change(d)
				fakebedrock.New(tb).Put(region, "bedrock-agent", "GetAgent", d)
			}()
			if !strings.Contains(tb.said, tt.says) {
				t.Errorf("said %q, want …%s…", tb.said, tt.says)
			}
		})
	}
}
