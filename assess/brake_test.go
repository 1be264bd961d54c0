package assess

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/brake"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// TestBrakeNamesRealActions: an action that AWS does not have denies nothing.
func TestBrakeNamesRealActions(t *testing.T) {
	for _, a := range brake.Actions() {
		service, name, _ := strings.Cut(a, ":")
		if _, ok := reference.Lookup(service, name); !ok {
			t.Errorf("AWS's reference has no action %s", a)
		}
	}
}

// TestBrakeHolds asks the access step's evaluator, not the text, what the
// statements do: growth is denied to who may otherwise do all, and to nobody
// excepted; other workloads, and shrinking where AWS can tell, are let be.
func TestBrakeHolds(t *testing.T) {
	const account, role = "111122223333", "arn:aws:iam::111122223333:role/"
	const endpoint, group = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/eta", "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:u:autoScalingGroupName/gpu"
	h, err := brake.Of([]brake.Workload{{Name: "eta", Limit: 3, Assets: []*estate.Asset{
		{ID: endpoint, Type: "AWS::SageMaker::Endpoint", Cloud: estate.AWS, Account: account, Region: "eu-west-1"},
		{ID: group, Type: "AWS::AutoScaling::AutoScalingGroup", Cloud: estate.AWS, Account: account, Region: "eu-west-1"},
	}, Scalers: []*estate.Asset{{Type: "AWS::ApplicationAutoScaling::ScalableTarget", Cloud: estate.AWS, Account: account, Region: "eu-west-1",
		ID: "arn:aws:application-autoscaling:eu-west-1:111122223333:scalable-target/sagemaker/endpoint/eta/variant/A/sagemaker:variant:DesiredInstanceCount"}}}},
		[]string{"arn:aws:iam::*:role/gate"})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Policies) != 1 {
		t.Fatalf("%d policies", len(h.Policies))
	}
	b := estate.NewBuilder(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	for _, name := range []string{"ann", "gate"} {
		config, err := json.Marshal(map[string]any{"AttachedManagedPolicies": []any{}, "RolePolicyList": []any{
			map[string]any{"PolicyName": "all", "PolicyDocument": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)},
			map[string]any{"PolicyName": "held", "PolicyDocument": h.Policies[0]}}})
		if err != nil {
			t.Fatal(err)
		}
		b.Asset(estate.Asset{ID: role + name, Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: account, Config: config,
			Reads: []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}})
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	all, err := Evaluators(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(who, action, resource string, keys map[string][]string) string {
		t.Helper()
		e, err := all.For(action)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Can(context.Background(), access.Question{Principal: role + who, Action: action, Resource: resource, Context: keys})
		if err != nil {
			t.Fatal(err)
		}
		return got.Decision.String()
	}
	sagemaker := map[string][]string{"application-autoscaling:service-namespace": {"sagemaker"}, "application-autoscaling:scalable-dimension": {"sagemaker:variant:DesiredInstanceCount"}}
	ecs := map[string][]string{"application-autoscaling:service-namespace": {"ecs"}, "application-autoscaling:scalable-dimension": {"ecs:service:DesiredCount"}}
	for _, tt := range []struct {
		who, action, resource string
		keys                  map[string][]string
		want                  string
	}{
		{"ann", "sagemaker:UpdateEndpoint", endpoint, nil, "deny"},
		{"gate", "sagemaker:UpdateEndpoint", endpoint, nil, "allow"},
		{"ann", "sagemaker:UpdateEndpoint", endpoint + "-other", nil, "allow"},
		{"ann", "sagemaker:DeleteEndpoint", endpoint, nil, "allow"},
		{"ann", "autoscaling:UpdateAutoScalingGroup", group, map[string][]string{"autoscaling:MaxSize": {"4"}}, "deny"},
		{"ann", "autoscaling:UpdateAutoScalingGroup", group, map[string][]string{"autoscaling:MaxSize": {"3"}}, "allow"},
		{"gate", "autoscaling:UpdateAutoScalingGroup", group, map[string][]string{"autoscaling:MaxSize": {"400"}}, "allow"},
		{"ann", "autoscaling:UpdateAutoScalingGroup", group, map[string][]string{"autoscaling:MaxSize": {}}, "deny"}, // to the greatest size that it had
		{"gate", "autoscaling:UpdateAutoScalingGroup", group, map[string][]string{"autoscaling:MaxSize": {}}, "allow"},
		{"ann", "autoscaling:SetDesiredCapacity", group, nil, "deny"},
		{"ann", "autoscaling:ExecutePolicy", group, nil, "deny"},
		{"ann", "autoscaling:TerminateInstanceInAutoScalingGroup", group, nil, "allow"},
		{"ann", "application-autoscaling:RegisterScalableTarget", "arn:aws:application-autoscaling:eu-west-1:111122223333:scalable-target/0ec5", sagemaker, "deny"},
		{"ann", "application-autoscaling:RegisterScalableTarget", "arn:aws:application-autoscaling:eu-west-1:111122223333:scalable-target/0ec5", ecs, "allow"},
	} {
		if got := ask(tt.who, tt.action, tt.resource, tt.keys); got != tt.want {
			t.Errorf("%s %s on %s %v: %s, want %s", tt.who, tt.action, tt.resource, tt.keys, got, tt.want)
		}
	}
}
