package brake

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func aws(typ, id string) *estate.Asset {
	return &estate.Asset{ID: id, Type: typ, Cloud: estate.AWS, Account: "111122223333", Region: "eu-west-1"}
}

type policy struct{ Statement []statement }

func statements(t testing.TB, h *Hold) []statement {
	t.Helper()
	var out []statement
	for _, p := range h.Policies {
		var doc policy
		if err := json.Unmarshal(p, &doc); err != nil {
			t.Fatal(err)
		}
		if len(p) > MaxSize {
			t.Errorf("a policy of %d characters", len(p))
		}
		sids := map[string]bool{}
		for _, s := range doc.Statement {
			if sids[s.Sid] {
				t.Errorf("two statements are called %s", s.Sid)
			}
			sids[s.Sid] = true
		}
		out = append(out, doc.Statement...)
	}
	return out
}

func TestOf(t *testing.T) {
	const target = "arn:aws:application-autoscaling:eu-west-1:111122223333:scalable-target/sagemaker/endpoint/eta/variant/A/sagemaker:variant:DesiredInstanceCount"
	h, err := Of([]Workload{{Name: "eta", Limit: 3, Assets: []*estate.Asset{
		aws("AWS::SageMaker::Endpoint", "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/eta"),
		aws("AWS::AutoScaling::AutoScalingGroup", "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:u:autoScalingGroupName/gpu"),
		aws("AWS::SageMaker::TrainingJob", "arn:aws:sagemaker:eu-west-1:111122223333:training-job/t"),
		aws("AWS::Lambda::Function", "terraform://aws_lambda_function.x"),
		{ID: "k8s://c/n/Deployment/d", Type: "apps/v1/Deployment", Cloud: estate.Kubernetes},
	}, Scalers: []*estate.Asset{aws("AWS::ApplicationAutoScaling::ScalableTarget", target)}}}, []string{"arn:aws:iam::*:role/gate"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range statements(t, h) {
		if diff := cmp.Diff([]string{"arn:aws:iam::*:role/gate"}, s.Condition["ArnNotLike"]["aws:PrincipalArn"]); diff != "" || s.Effect != "Deny" {
			t.Errorf("%+v spares nobody", s)
		}
		got = append(got, strings.Join(s.Action, " ")+" on "+strings.Join(s.Resource, " ")+fmt.Sprint(s.Condition["NumericGreaterThanIfExists"]))
	}
	want := []string{
		"autoscaling:PutScalingPolicy autoscaling:SetDesiredCapacity autoscaling:ExecutePolicy autoscaling:AttachInstances on arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:u:autoScalingGroupName/gpumap[]",
		"autoscaling:UpdateAutoScalingGroup autoscaling:PutScheduledUpdateGroupAction on arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:u:autoScalingGroupName/gpumap[autoscaling:MaxSize:[3]]",
		"sagemaker:UpdateEndpoint sagemaker:UpdateEndpointWeightsAndCapacities on arn:aws:sagemaker:eu-west-1:111122223333:endpoint/etamap[]",
		"application-autoscaling:PutScalingPolicy application-autoscaling:PutScheduledAction application-autoscaling:RegisterScalableTarget on *map[]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(h.Freeze) != 2 || !strings.Contains(h.Freeze[1].Run, "--resource-id endpoint/eta/variant/A --scalable-dimension sagemaker:variant:DesiredInstanceCount --suspended-state DynamicScalingInSuspended=false,DynamicScalingOutSuspended=true") {
		t.Errorf("%+v", h.Freeze)
	}
	if len(h.Unheld) != 2 || len(h.Wider) != 1 {
		t.Errorf("unheld %+v, wider %+v", h.Unheld, h.Wider)
	}
	if !strings.Contains(string(h.Event), `"UpdateEndpoint"`) || !strings.Contains(string(h.Event), `"aws.application-autoscaling"`) {
		t.Errorf("%s", h.Event)
	}
}

// Lambda's calls are seen under the names that CloudTrail has for them.
func TestEventOfLambda(t *testing.T) {
	h, err := Of([]Workload{{Name: "f", Limit: 1, Assets: []*estate.Asset{aws("AWS::Lambda::Function", "arn:aws:lambda:eu-west-1:111122223333:function:f")}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"detail":{"eventName":[{"prefix":"PutFunctionConcurrency"},{"prefix":"PutProvisionedConcurrencyConfig"}]},"detail-type":["AWS API Call via CloudTrail"],"source":["aws.lambda"]}`
	if string(h.Event) != want {
		t.Errorf("%s", h.Event)
	}
}

// A name is a name, in a policy and in a shell, whatever it looks like.
func TestNamesThatMeanSomething(t *testing.T) {
	const group = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:u:autoScalingGroupName/"
	h, err := Of([]Workload{{Name: "w", Limit: 1, Assets: []*estate.Asset{aws("AWS::AutoScaling::AutoScalingGroup", group+"a*${aws:username} $(id);'b'?")}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements(t, h) {
		if diff := cmp.Diff([]string{group + "a${*}${$}{aws:username} ${$}(id);'b'${?}"}, s.Resource); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	out, err := exec.Command("sh", "-c", strings.Replace(h.Freeze[0].Run, "aws ", "printf '%s|' ", 1)).Output()
	if err != nil || string(out) != "autoscaling|suspend-processes|--region|eu-west-1|--auto-scaling-group-name|a*${aws:username} $(id);'b'?|--scaling-processes|AlarmNotification|ScheduledActions|" {
		t.Errorf("%v: %s", err, out)
	}
}

// TestPacked: however many workloads there are, each resource is denied once, in
// documents that fit.
func TestPacked(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var ws []Workload
		want := map[string]bool{}
		for i := range rapid.IntRange(0, 300).Draw(rt, "endpoints") {
			id := fmt.Sprintf("arn:aws:sagemaker:eu-west-1:111122223333:endpoint/%s-%d", strings.Repeat("x", rapid.IntRange(0, 50).Draw(rt, "long")), i)
			want[id] = true
			ws = append(ws, Workload{Name: fmt.Sprint(i), Limit: 1, Assets: []*estate.Asset{aws("AWS::SageMaker::Endpoint", id)}})
		}
		h, err := Of(ws, nil)
		if err != nil {
			rt.Fatal(err)
		}
		got := map[string]bool{}
		for _, s := range statements(t, h) {
			for _, r := range s.Resource {
				if got[r] {
					rt.Fatalf("%s is denied twice", r)
				}
				got[r] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func TestTooManyExceptions(t *testing.T) {
	var except []string
	for i := range 200 {
		except = append(except, fmt.Sprintf("arn:aws:iam::111122223333:role/some-rather-long-name-%d", i))
	}
	_, err := Of([]Workload{{Name: "w", Assets: []*estate.Asset{aws("AWS::SageMaker::Endpoint", "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e")}}}, except)
	if err == nil || !strings.Contains(err.Error(), "5120") {
		t.Errorf("got %v", err)
	}
}

func TestTarget(t *testing.T) {
	for id, want := range map[string][]string{
		"arn:aws:application-autoscaling:r:a:scalable-target/ecs/service/c/s/ecs:service:DesiredCount": {"ecs", "service/c/s", "ecs:service:DesiredCount"},
		"arn:aws:application-autoscaling:r:a:scalable-target/0ec5b4c6":                                 nil, "arn:aws:s3:::b": nil, "arn:aws:x:r:a:scalable-target/ecs/": nil,
	} {
		n, i, d, ok := target(id)
		if ok != (want != nil) || ok && !slices.Equal(want, []string{n, i, d}) {
			t.Errorf("%s: %s %s %s %v", id, n, i, d, ok)
		}
	}
}
