package respond

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// course is one of the mission's scenarios, from detection to return.
type course struct {
	desk    respond.Desk
	actions respond.Actions
	id      string
}

func scenario(t *testing.T, id string) *respond.Scenario {
	t.Helper()
	all, err := respond.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(s *respond.Scenario) bool { return s.ID == id })]
}

// begin brings an incident to where containment may begin.
func begin(t *testing.T, actions respond.Actions, sc *respond.Scenario) *course {
	t.Helper()
	c := &course{desk: respond.Desk{Folder: filepath.Join(t.TempDir(), "incidents")}, actions: actions}
	i, err := c.desk.Open(respond.Opening{Title: sc.Title, Scenario: sc.ID, Workload: "w", Source: "a signal"}, "")
	if err != nil {
		t.Fatal(err)
	}
	c.id = i.ID
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("who did what"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, do := range []func() (*respond.Incident, error){
		func() (*respond.Incident, error) { return c.desk.Ack(c.id, "ana") },
		func() (*respond.Incident, error) {
			return c.desk.Decide(c.id, "ana", respond.Triage{Severity: "critical", Scenario: sc.ID, Laws: sc.Laws})
		},
		func() (*respond.Incident, error) {
			return c.desk.Preserve(c.id, "ana", respond.Evidence{What: "the log"}, log)
		},
	} {
		if _, err := do(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// run runs the procedure, giving the answers it asks for by step, and containment.
func (c *course) run(t *testing.T, sc *respond.Scenario, values, answers map[string]string) {
	t.Helper()
	j, _, err := c.desk.AddRun(c.id, "ana", sc.Playbook, values)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for {
		out, err := playbook.Resume(ctx, j, playbook.Options{Actor: c.actions})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status == playbook.Done {
			return
		}
		if out.Status != playbook.Waiting {
			t.Fatal(out)
		}
		for _, p := range out.Pending {
			a, ok := answers[p.Step]
			if !ok {
				a = "done"
			}
			if err := playbook.Answer(j, p.Step, "ana", a, false); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// back brings it from contained to returned, once the checks are green, and takes the
// containment back where only says so.
func (c *course) back(t *testing.T, checks respond.Checks, only func(playbook.Effect) bool) {
	t.Helper()
	for _, do := range []func() (*respond.Incident, error){
		func() (*respond.Incident, error) { return c.desk.Contained(c.id, "ana") },
		func() (*respond.Incident, error) {
			return c.desk.Advance(c.id, "bo", respond.Eradicated, "the cause is gone")
		},
		func() (*respond.Incident, error) {
			return c.desk.Advance(c.id, "bo", respond.Recovering, "restoring")
		},
		func() (*respond.Incident, error) { return c.desk.CheckReturn(c.id, "bo", checks) },
		func() (*respond.Incident, error) { return c.desk.Restore(c.id, "bo") },
		func() (*respond.Incident, error) {
			return c.desk.Advance(c.id, "ana", respond.Reviewed, "be sooner")
		},
	} {
		if _, err := do(); err != nil {
			t.Fatal(err)
		}
	}
	i, err := c.desk.Show(c.id)
	if err != nil {
		t.Fatal(err)
	}
	j, err := c.desk.Run(c.id, i.Runs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := playbook.Undo(context.Background(), j, c.actions, only); err != nil {
		t.Error(err)
	}
}

// fine are checks that are green but for what fn answers.
func fine(id string, fn func() (respond.Light, string)) respond.Checks {
	out := respond.Checks{}
	for _, k := range []string{"artifact", "lineage", "behaviour", "permissions", "drift", "quiet"} {
		out[k] = func() (respond.Light, string) { return respond.Green, "played" }
	}
	if fn != nil {
		out[id] = fn
	}
	return out
}

func (c *course) state(t *testing.T, call playbook.Call) string {
	t.Helper()
	s, err := c.actions.Prepare(context.Background(), call)
	if err != nil {
		t.Fatal(err)
	}
	return string(s)
}

// TestTheThreeScenarios runs the mission's scenarios on moto: a misbehaving endpoint, a
// poisoned pipeline, training data that leaves. That a role which is cut may do nothing
// is decided by step 2's evaluator over what is read from moto, which does not enforce
// policies itself.
func TestTheThreeScenarios(t *testing.T) {
	s, actions, made := amazon(t)
	names, err := json.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	may := func(action, resource string) string {
		t.Helper()
		var said map[string]json.RawMessage
		if err := json.Unmarshal(s.Python(t, "testdata/estate.py", "dump", string(names)), &said); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), moto.Account)
		for file, name := range map[string]string{"iam/get-account-authorization-details.json": "account", "s3api/get-bucket-policy/acme-training.json": "policy acme-training"} {
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(file)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), said[name], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		snap, err := assess.Read(context.Background(), assess.Options{Scope: scope.Default(), Sources: []string{"dir:" + filepath.Dir(dir)}, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		all, err := assess.Evaluators(context.Background(), snap)
		if err != nil {
			t.Fatal(err)
		}
		e, err := all.For(action)
		if err != nil {
			t.Fatal(err)
		}
		a, err := e.Can(context.Background(), access.Question{Principal: made["role"], Action: action, Resource: resource})
		if err != nil {
			t.Fatal(err)
		}
		if a.Decision.String() == "unknown" {
			t.Log(a.Unknown)
		}
		return a.Decision.String()
	}
	if got := may("s3:GetObject", made["object"]); got != "allow" {
		t.Fatalf("before anything is done the role may read: %s", got)
	}
	t.Run("endpoint-misbehaving", func(t *testing.T) {
		sc := scenario(t, "endpoint-misbehaving")
		c := begin(t, actions, sc)
		c.run(t, sc, map[string]string{"platform": "aws", "endpoint": made["endpoint"], "role": made["role"]}, map[string]string{"which-config": "good"})
		serves := playbook.Call{Action: "aws.sagemaker.rollback-endpoint", Target: made["endpoint"], With: map[string]string{"config": "good"}}
		if got := c.state(t, serves); got != `{"config":"good"}` {
			t.Error(got)
		}
		c.back(t, fine("artifact", func() (respond.Light, string) {
			if c.state(t, serves) == `{"config":"good"}` {
				return respond.Green, "the good configuration serves"
			}
			return respond.Red, "another serves"
		}), func(playbook.Effect) bool { return false })
	})
	t.Run("training-pipeline-poisoned", func(t *testing.T) {
		sc := scenario(t, "training-pipeline-poisoned")
		c := begin(t, actions, sc)
		c.run(t, sc, map[string]string{"platform": "aws", "rule": made["rule"], "role": made["role"]}, map[string]string{"data/which-object": made["object"], "which-object": made["object"], "which-version": made["version"]})
		rule := playbook.Call{Action: "aws.events.disable-rule", Target: made["rule"]}
		if got := c.state(t, rule); got != `{"state":"DISABLED"}` {
			t.Error(got)
		}
		restore := playbook.Call{Action: "aws.s3.restore-version", Target: made["object"], With: map[string]string{"version": made["version"]}}
		good := func() (respond.Light, string) {
			var now struct {
				Versions []struct {
					Version, ETag string
					Latest        bool
				}
			}
			if err := json.Unmarshal([]byte(c.state(t, restore)), &now); err != nil {
				return respond.Unknown, err.Error()
			}
			etags := map[string]bool{}
			for _, v := range now.Versions {
				if v.Latest || v.Version == made["version"] {
					etags[v.ETag] = true
				}
			}
			if len(etags) == 1 {
				return respond.Green, "the good version is the current one"
			}
			return respond.Red, "a poisoned version is the current one"
		}
		// The schedule starts again; the poisoned version stays where it is.
		c.back(t, fine("lineage", good), func(e playbook.Effect) bool { return e.Phase == "contain" })
		if got := c.state(t, rule); got != `{"state":"ENABLED"}` {
			t.Error(got)
		}
		if l, why := good(); l != respond.Green {
			t.Error(why)
		}
	})
	t.Run("training-data-exfiltrated", func(t *testing.T) {
		sc := scenario(t, "training-data-exfiltrated")
		c := begin(t, actions, sc)
		c.run(t, sc, map[string]string{"platform": "aws", "role": made["role"], "bucket": made["bucket"], "responders": "arn:aws:iam::123456789012:role/responder"}, nil)
		if got := may("s3:GetObject", made["object"]); got != "deny" {
			t.Errorf("after containment the role may read: %s", got)
		}
		i, err := c.desk.Show(c.id)
		if err != nil || len(i.Clocks) != 4 || i.Clocks[0].Duty != "gdpr-authority" {
			t.Errorf("%+v, %v", i.Clocks, err)
		}
		c.back(t, fine("", nil), nil)
		if got := may("s3:GetObject", made["object"]); got != "allow" {
			t.Errorf("after the return the role may read: %s", got)
		}
	})
}

// TestScenariosOnACluster runs two of them on a real API server.
func TestScenariosOnACluster(t *testing.T) {
	_, actions := cluster(t)
	for id, values := range map[string]map[string]string{
		"endpoint-misbehaving":       {"platform": "kubernetes", "deployment": "k8s://test/ml/Deployment.apps/score"},
		"training-pipeline-poisoned": {"platform": "kubernetes", "cronjob": "k8s://test/ml/CronJob.batch/retrain"},
		"training-data-exfiltrated":  {"platform": "kubernetes", "deployment": "k8s://test/ml/Deployment.apps/score"},
	} {
		t.Run(id, func(t *testing.T) {
			sc := scenario(t, id)
			c := begin(t, actions, sc)
			c.run(t, sc, values, map[string]string{"which-revision": "1"})
			c.back(t, fine("", nil), nil)
		})
	}
}
