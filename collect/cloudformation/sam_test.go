package cloudformation

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// TestServerless turns the types of the Serverless Application Model into those
// they stand for.
func TestServerless(t *testing.T) {
	const text = `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function: {Timeout: 3, Environment: {Variables: {STAGE: prod}}, Tags: {team: ml}}
Resources:
  Ask:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.12
      CodeUri: src/
      Timeout: 9
      Environment: {Variables: {MODEL: eta}}
      Tracing: Active
      Policies:
        - AmazonBedrockFullAccess
        - Version: "2012-10-17"
          Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]
        - S3ReadPolicy: {BucketName: b}
      FunctionUrlConfig: {AuthType: NONE}
      Events:
        Get: {Type: Api, Properties: {Path: /ask, Method: get}}
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 hour)}}
  Own: {Type: "AWS::Serverless::Function", Properties: {Role: "arn:aws:iam::111122223333:role/own", ImageUri: "repo:1", PackageType: Image}}
  Door: {Type: "AWS::Serverless::Api", Properties: {StageName: prod, EndpointConfiguration: {Type: PRIVATE}}}
  Web: {Type: "AWS::Serverless::HttpApi"}
  Table: {Type: "AWS::Serverless::SimpleTable", Properties: {PrimaryKey: {Name: user, Type: Number}, SSESpecification: {SSEEnabled: true}}}
  Flow: {Type: "AWS::Serverless::StateMachine", Properties: {Name: flow, DefinitionUri: flow.json, Logging: {Level: ALL}}}
  Layer: {Type: "AWS::Serverless::LayerVersion", Properties: {LayerName: l}}
  Store: {Type: "AWS::Serverless::Application", Properties: {Location: {ApplicationId: "arn:aws:serverlessrepo:us-east-1:1:applications/x", SemanticVersion: 1.0.0}}}
  Joint: {Type: "AWS::Serverless::Connector", Properties: {Source: {Id: Ask}}}
`
	dir := files(t, map[string]string{"t.yaml": text})
	in, spots, err := Read(context.Background(), Options{Path: filepath.Join(dir, "t.yaml"), Region: "eu-west-1"})
	if err != nil {
		t.Fatal(err)
	}
	types, props := map[string]string{}, map[string]map[string]any{}
	for _, r := range in.Resources {
		types[strings.TrimPrefix(r.Address, "t/")], props[strings.TrimPrefix(r.Address, "t/")] = r.Type, r.Properties
	}
	want := map[string]string{
		"Ask": "AWS::Lambda::Function", "AskRole": "AWS::IAM::Role", "AskUrl": "AWS::Lambda::Url", "AskUrlPublicPermissions": "AWS::Lambda::Permission",
		"AskGetPermission": "AWS::Lambda::Permission", "AskTickPermission": "AWS::Lambda::Permission", "ServerlessRestApi": "AWS::ApiGateway::RestApi", "ServerlessRestApiStage": "AWS::ApiGateway::Stage",
		"Own": "AWS::Lambda::Function", "Door": "AWS::ApiGateway::RestApi", "DoorStage": "AWS::ApiGateway::Stage", "Web": "AWS::ApiGatewayV2::Api", "WebStage": "AWS::ApiGatewayV2::Stage",
		"Table": "AWS::DynamoDB::Table", "Flow": "AWS::StepFunctions::StateMachine", "FlowRole": "AWS::IAM::Role", "Layer": "AWS::Lambda::LayerVersion", "Joint": "AWS::Serverless::Connector",
	}
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	for place, want := range map[string]any{
		"Ask.Timeout": "9", "Ask.Role": ref("t/AskRole", "Arn"), "Ask.TracingConfig": map[string]any{"Mode": "Active"},
		"Ask.Environment": map[string]any{"Variables": map[string]any{"STAGE": "prod", "MODEL": "eta"}}, "Ask.Tags": []any{map[string]any{"Key": "team", "Value": "ml"}},
		"AskRole.ManagedPolicyArns": []any{"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole", "arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess", "arn:aws:iam::aws:policy/AmazonBedrockFullAccess"},
		"AskUrl.AuthType":           "NONE", "AskUrlPublicPermissions.Principal": "*", "AskTickPermission.Principal": "events.amazonaws.com",
		"Own.Role": "arn:aws:iam::111122223333:role/own", "Own.Code": map[string]any{"ImageUri": "repo:1"},
		"Door.EndpointConfiguration": map[string]any{"Types": []any{"PRIVATE"}}, "Door.Body": open("macro AWS::Serverless"),
		"Table.KeySchema": []any{map[string]any{"AttributeName": "user", "KeyType": "HASH"}}, "Table.BillingMode": "PAY_PER_REQUEST",
		"Flow.StateMachineName": "flow", "Flow.DefinitionString": open("macro AWS::Serverless"), "Flow.LoggingConfiguration": map[string]any{"Level": "ALL"},
	} {
		id, name, _ := strings.Cut(place, ".")
		got := props[id][name]
		if n, ok := got.(interface{ String() string }); ok {
			got = n.String()
		}
		if diff := cmp.Diff(want, got, sameOpen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", place, diff)
		}
	}
	inline, _ := props["AskRole"]["Policies"].([]any)
	if len(inline) != 2 {
		t.Fatalf("inline policies: %v", inline)
	}
	if diff := cmp.Diff(any(open("macro AWS::Serverless (policy template S3ReadPolicy)")), inline[1].(map[string]any)["PolicyDocument"], sameOpen); diff != "" {
		t.Errorf("a policy template (-want +got):\n%s", diff)
	}
	found := false
	for _, s := range spots {
		found = found || s.Operation == "t/Store" && s.Status == estate.ReadFailed
	}
	if !found {
		t.Errorf("nothing says that the application's template is not at hand: %+v", spots)
	}
}
