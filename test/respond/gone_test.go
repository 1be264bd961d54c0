package respond

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// stays is what cannot be deleted here, and why.
var stays = map[string]string{
	"aws.kms.disable-key": "a key is there for seven days more",
}

// TestGoneOnAWS deletes what was contained. Nothing of it counts as contained then, and taking
// back says that there is nothing left, and stands in the way of nothing.
func TestGoneOnAWS(t *testing.T) {
	race.Skip(t, "one action after another on an account in a process of its own")
	s, actions, made := amazon(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	names, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	prior := map[string]json.RawMessage{}
	for _, id := range actions.IDs() {
		if on[id].target == "" || stays[id] != "" {
			continue
		}
		c := settle(made, id)
		if prior[id], err = actions.Prepare(ctx, c); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if _, err := actions.Apply(ctx, c, prior[id]); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
	}
	if failed := string(s.Python(t, "testdata/estate.py", "delete", string(names))); failed != "{}" && failed != "{}\n" {
		t.Fatalf("not all could be deleted: %s", failed)
	}
	for id, was := range prior {
		c := settle(made, id)
		if id == "aws.sagemaker.stop-training-job" {
			continue // final, and a job is never deleted
		}
		if _, err := actions.Prepare(ctx, c); !playbook.Gone(err) {
			t.Errorf("%s: read: %v", id, err)
		}
		if err := actions.Verify(ctx, c, was); !playbook.Gone(err) {
			t.Errorf("%s: counts as done, or why it does not is not said: %v", id, err)
		}
		if _, err := actions.Apply(ctx, c, was); err != nil && !playbook.Gone(err) {
			t.Errorf("%s: apply: %v", id, err)
		}
		if err := actions.Undo(ctx, c, was); !playbook.Gone(err) {
			t.Errorf("%s: undo: %v", id, err)
		}
	}
	if len(prior) < 28 {
		t.Errorf("%d actions were tried", len(prior))
	}
	// What stands beside a target and is gone is no target that is.
	s.Reset(t)
	made = nil
	if err := json.Unmarshal(s.Python(t, "testdata/estate.py", "make"), &made); err != nil {
		t.Fatal(err)
	}
	other := playbook.Call{Action: "aws.sagemaker.rollback-endpoint", Target: made["endpoint"], With: map[string]string{"config": "never-made"}}
	if _, err := actions.Prepare(ctx, other); err == nil || playbook.Gone(err) {
		t.Errorf("a configuration there is not: %v", err)
	}
	other = playbook.Call{Action: "aws.bedrock.restore-guardrail", Target: made["guardrail"], With: map[string]string{"version": "77"}}
	if _, err := actions.Prepare(ctx, other); err == nil || playbook.Gone(err) {
		t.Errorf("a version there is not: %v", err)
	}
}
