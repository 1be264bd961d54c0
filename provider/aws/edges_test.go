package aws

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// examples are values that members of configurations hold; every edge must
// understand at least one of them.
var examples = []string{
	`"arn:aws:iam::210987654321:role/example"`, `"s3://example/key/model.tar.gz"`, `"example"`, `"210987654321"`,
	`"arn:aws:s3:::example/prefix/"`, `"https://example.org/x"`, `"vpc-1"`, `"endpoint/e/variant/v"`, `"subnet-1,subnet-2"`,
	`"{\"PipelineName\":\"example\"}"`, `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:dlq"}`,
	`{"Statement":{"Effect":"Allow","Action":"*","Principal":{"AWS":"210987654321"}}}`,
	`{"PolicyName":"example","PolicyDocument":{}}`, `{"VariantName":"example"}`, `{"Database":"d","TableName":"t"}`,
	`{"DatabaseName":"d","TableName":"t"}`, `{"FileSystemId":"fs-1"}`, `{"bucketArn":"arn:aws:s3:::example","inclusionPrefixes":["p/"]}`,
	`{"bucket":"example","prefix":"p/"}`, `{"s3BucketName":"example","s3ObjectKey":"k"}`, `{"VpcId":"vpc-9"}`, `{"TransitGatewayId":"tgw-9"}`,
	`{"GroupId":"sg-9"}`, `{"UserId":"210987654321"}`, `{"AttributeName":"restore","AttributeValues":["all"]}`, `{"Grantee":{"ID":"stranger"}}`,
	`{"TargetId":"210987654321"}`, `{"FunctionUrl":"https://example.org"}`,
}

// companions are members some linkers look at beside their own: without them
// the value says nothing.
const companions = `"DomainId":"d-9","PrincipalType":"USER","ServiceNamespace":"sagemaker","MonitoringType":"DataQuality","TargetType":"instance","type":"INSTANCE",
	"Target":{"Arn":"arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"}`

// TestEveryEdge holds, for every type, that each of its declared edges comes
// about when its member is there, with the member's path as evidence, and that
// it does not when the member is absent.
func TestEveryEdge(t *testing.T) {
	edges := 0
	for _, typ := range Types() {
		for _, e := range specs[typ].edges {
			edges++
			if !comesAbout(typ, e) {
				t.Errorf("%s: no example makes %q at %s", typ, e.rel, e.path)
			}
		}
	}
	t.Logf("%d edges of %d types", edges, len(Types()))
}

// comesAbout tries the examples at an edge's path.
func comesAbout(typ string, e edge) bool {
	evidence := regexp.MustCompile(`config\.` + strings.ReplaceAll(regexp.QuoteMeta(e.path), `\[\]`, `\[0\]`))
	for _, value := range examples {
		a := estate.Asset{ID: "arn:aws:example:eu-west-1:123456789012:thing/this", Type: typ, Account: "123456789012", Region: "eu-west-1",
			Config: json.RawMessage(place(e.path, value))}
		for _, r := range Understand(&a).Relations {
			if (r.Type == e.rel || e.rel == "" && r.Type == estate.Grants || e.rel == estate.Contains) && evidence.MatchString(r.Evidence) {
				return true
			}
		}
	}
	return false
}

// place builds a configuration that holds a value at a path, and companions
// at its root.
func place(path, value string) string {
	parts := strings.Split(path, ".")
	for i := len(parts) - 1; i >= 0; i-- {
		name, list := strings.CutSuffix(parts[i], "[]")
		if list {
			value = "[" + value + "]"
		}
		quoted, _ := json.Marshal(name)
		value = string(quoted) + ":" + value
		if i > 0 {
			value = "{" + value + "}"
		}
	}
	root := map[string]json.RawMessage{}
	_ = json.Unmarshal([]byte("{"+companions+"}"), &root)
	var own map[string]json.RawMessage
	_ = json.Unmarshal([]byte("{"+value+"}"), &own)
	for k, v := range own {
		if k == "Target" && strings.Contains(path, "Input") { // beside the Arn that companions hold
			v = json.RawMessage(strings.TrimSuffix(string(v), "}") + `,"Arn":"arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"}`)
		}
		root[k] = v
	}
	raw, _ := json.Marshal(root)
	return string(raw)
}

// TestNoEdgeWithoutItsMember holds that companions alone make no relation but
// those that rest on them.
func TestNoEdgeWithoutItsMember(t *testing.T) {
	for _, typ := range Types() {
		a := estate.Asset{ID: "arn:aws:example:eu-west-1:123456789012:thing/this", Type: typ, Account: "123456789012", Region: "eu-west-1", Config: json.RawMessage(`{}`)}
		for _, r := range Understand(&a).Relations {
			if r.Type != estate.Governs || r.To != "arn:aws:iam::123456789012:root" {
				t.Errorf("%s: an empty configuration makes %+v", typ, r)
			}
		}
	}
}

// TestEveryStarted holds that each service call of a workflow is understood:
// its edges come about from a state machine's task.
func TestEveryStarted(t *testing.T) {
	for call, i := range integrations {
		for _, e := range i.edges {
			found := false
			for _, value := range append([]string{`"https://sqs.eu-west-1.amazonaws.com/123456789012/q"`}, examples...) {
				args := map[string]json.RawMessage{}
				_ = json.Unmarshal([]byte(place(e.path, value)), &args)
				def, _ := json.Marshal(map[string]any{"States": map[string]any{"S": map[string]any{
					"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:" + call + ".sync", "Parameters": args}}})
				a := estate.Asset{ID: "arn:aws:states:eu-west-1:123456789012:stateMachine:m", Type: "AWS::StepFunctions::StateMachine",
					Config: json.RawMessage(`{"definition":` + string(def) + `}`)}
				u := Understand(&a)
				for _, r := range u.Relations {
					found = found || r.Type == e.rel
				}
				if (u.Root != nil) != (i.what != "") {
					t.Fatalf("%s: root %+v, started %q", call, u.Root, i.what)
				}
			}
			if !found {
				t.Errorf("%s: no example makes %q at %s", call, e.rel, e.path)
			}
		}
	}
}
