// Package respond tries the containment actions on what runs here: moto, with the
// operations it lacks added by test/moto/more.py, and a real Kubernetes API server.
package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	actaws "github.com/sevenfold-sec/sevenfold/act/aws"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// client talks to a moto as the responder would.
func client(url string) *actaws.Client {
	return actaws.New(aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("testing", "testing-secret", "")})
}

// amazon is a moto with the estate of testdata/estate.py, and its actions.
func amazon(t *testing.T) (s *moto.Server, actions respond.Actions, made map[string]string) {
	t.Helper()
	s = moto.Start(t, moto.More())
	if err := json.Unmarshal(s.Python(t, "testdata/estate.py", "make"), &made); err != nil {
		t.Fatal(err)
	}
	var list []respond.Action
	for _, a := range actaws.Actions(client(s.URL)) {
		list = append(list, a)
	}
	return s, respond.NewActions(list...), made
}

// on says what each action of AWS is tried on: the resource's name in estate.py and
// the parameters, in which $name is another.
var on = map[string]struct {
	target string
	with   map[string]string
}{
	"aws.iam.quarantine-role":               {"role", nil},
	"aws.iam.quarantine-user":               {"user", nil},
	"aws.iam.deny-models-to-role":           {"role", nil},
	"aws.iam.deny-models-to-user":           {"user", nil},
	"aws.iam.revoke-sessions":               {"role", nil},
	"aws.iam.bound-role":                    {"role", map[string]string{"policy": "$policy"}},
	"aws.iam.close-trust":                   {"role", nil},
	"aws.iam.disable-key":                   {"user", map[string]string{"key": "$key"}},
	"aws.iam.detach-policy":                 {"role", map[string]string{"policy": "$policy"}},
	"aws.sagemaker.rollback-endpoint":       {"endpoint", map[string]string{"config": "good"}},
	"aws.sagemaker.zero-variant":            {"variants", map[string]string{"variant": "green"}},
	"aws.sagemaker.stop-notebook":           {"notebook", nil},
	"aws.sagemaker.reject-model-package":    {"package", nil},
	"aws.sagemaker.stop-pipeline-execution": {"run", nil},
	"aws.s3.seal-bucket":                    {"bucket", map[string]string{"except": "arn:aws:iam::123456789012:role/responder"}},
	"aws.s3.block-public":                   {"plain", nil},
	"aws.s3.hold-version":                   {"object", map[string]string{"version": "$version"}},
	"aws.s3.restore-version":                {"object", map[string]string{"version": "$version"}},
	"aws.kms.disable-key":                   {"kms", nil},
	"aws.secretsmanager.seal-secret":        {"secret", map[string]string{"except": "arn:aws:iam::123456789012:role/responder"}},
	"aws.ecr.seal-repository":               {"repository", map[string]string{"except": "arn:aws:iam::123456789012:role/responder"}},
	"aws.ec2.isolate-instance":              {"instance", map[string]string{"group": "$isolation"}},
	"aws.ec2.close-egress":                  {"group", nil},
	"aws.ec2.close-ingress":                 {"group", nil},
	"aws.lambda.stop-function":              {"function", nil},
	"aws.events.disable-rule":               {"rule", nil},
	"aws.glue.stop-trigger":                 {"trigger", nil},
	"aws.ecs.scale-to-zero":                 {"service", nil},
	"aws.bedrock-agent.disable-tool":        {"agent", map[string]string{"tool": "$tool"}},
	"aws.bedrock.restore-guardrail":         {"guardrail", map[string]string{"version": "1"}},
	"aws.sagemaker.stop-training-job":       {"job", nil},
	"aws.sagemaker.stop-processing-job":     {"", nil}, // moto's are over as soon as they are made
}

func settle(made map[string]string, id string) playbook.Call {
	c := playbook.Call{Action: id, Target: made[on[id].target], With: map[string]string{}}
	for k, v := range on[id].with {
		if name, ok := strings.CutPrefix(v, "$"); ok {
			v = made[name]
		}
		c.With[k] = v
	}
	return c
}

// TestActionsOnAWS applies all actions, verifies them, and takes them back: what AWS
// itself then tells of every resource is what it told before, byte for byte.
func TestActionsOnAWS(t *testing.T) {
	race.Skip(t, "one action after another on an account in a process of its own")
	s, actions, made := amazon(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	names, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Python(t, "testdata/estate.py", "dump", string(names))
	type done struct {
		call  playbook.Call
		prior json.RawMessage
	}
	var all []done
	for _, id := range actions.IDs() {
		if _, ok := on[id]; !ok {
			t.Errorf("%s is tried on nothing", id)
			continue
		}
		if on[id].target == "" || actions[id].Final() {
			continue
		}
		c := settle(made, id)
		prior, err := actions.Prepare(ctx, c)
		if err != nil {
			t.Errorf("%s: read: %v", id, err)
			continue
		}
		if yes, _, err := actions.Applied(ctx, c, prior); err != nil || yes {
			t.Errorf("%s: holds before it was done: %v %v %s", id, yes, err, prior)
		}
		for range 2 { // twice is once
			if _, err := actions.Apply(ctx, c, prior); err != nil {
				t.Errorf("%s: apply: %v", id, err)
			}
		}
		if err := actions.Verify(ctx, c, prior); err != nil {
			now, _ := actions.Prepare(ctx, c)
			t.Errorf("%s: verify: %v\nbefore %s\nnow %s", id, err, prior, now)
		}
		all = append(all, done{c, prior})
	}
	during := s.Python(t, "testdata/estate.py", "dump", string(names))
	if bytes.Equal(before, during) {
		t.Error("AWS tells the same after all actions as before")
	}
	for i := len(all) - 1; i >= 0; i-- {
		if err := actions.Undo(ctx, all[i].call, all[i].prior); err != nil {
			t.Errorf("%s: undo: %v", all[i].call.Action, err)
		}
	}
	after := s.Python(t, "testdata/estate.py", "dump", string(names))
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("after everything was taken back AWS tells otherwise:\n%s", diff)
	}
	if len(all) < 25 {
		t.Errorf("%d actions were applied and taken back, want at least 25", len(all))
	}
	// An alias goes on serving its version, whatever becomes of the draft: that is no containment,
	// and what was done to the draft is taken back all the same.
	served := playbook.Call{Action: "aws.bedrock-agent.disable-tool", Target: made["shop"], With: map[string]string{"tool": made["served"]}}
	was, err := actions.Prepare(ctx, served)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := actions.Apply(ctx, served, was); err != nil {
		t.Error(err)
	}
	if err := actions.Verify(ctx, served, was); err == nil || !strings.Contains(err.Error(), "alias live goes on serving version 1") {
		t.Errorf("a tool that an alias serves counts as taken away: %v", err)
	}
	if err := actions.Undo(ctx, served, was); err != nil {
		t.Error(err)
	}
	final := settle(made, "aws.sagemaker.stop-training-job")
	prior, err := actions.Prepare(ctx, final)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := actions.Apply(ctx, final, prior); err != nil {
		t.Error(err)
	}
	if err := actions.Verify(ctx, final, prior); err != nil {
		t.Error(err)
	}
	if err := actions.Undo(ctx, final, prior); err == nil || !strings.Contains(err.Error(), "cannot be taken back") {
		t.Error(err)
	}
}
