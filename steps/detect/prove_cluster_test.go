package detect

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

// events reads records as a detection does, sent as an API server sends them.
func events(t *testing.T, records ...json.RawMessage) []*ocsf.Event {
	t.Helper()
	list, err := json.Marshal(map[string]any{"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": records})
	if err != nil {
		t.Fatal(err)
	}
	r, err := ocsf.NewReader(bytes.NewReader(list), ocsf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []*ocsf.Event
	for range records {
		e := &ocsf.Event{}
		if err := r.Next(e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// The rules that watch clusters see what is played, and it is known as played.
func TestPlayOnCluster(t *testing.T) {
	list, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	set, problems := sigma.Compile(list)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	key := NewProofKey("a-token")
	d := &Detector{Proofs: key}
	for _, c := range []struct {
		technique, rule string
		on              ClusterObject
	}{
		{"AML.T0020", "kube_schedule_changed_by_hand", ClusterObject{"batch", "v1", "cronjobs", "ml", "retrain"}},
		{"AML.T0020", "kube_training_job_changed", ClusterObject{"kubeflow.org", "v1", "pytorchjobs", "ml", "fit"}},
		{"AML.T0031", "kube_model_server_changed_by_hand", ClusterObject{"apps", "v1", "deployments", "ml", "score"}},
		{"AML.T0031", "kube_inference_changed_by_hand", ClusterObject{"serving.kserve.io", "v1beta1", "inferenceservices", "team", "score"}},
		{"AML.T0031", "", ClusterObject{"", "v1", "pods", "shop", "basket"}}, // which no rule is there for
	} {
		records, marker, err := PlayOnCluster(c.technique, c.on, "sevenfold-live-fire-1", "203.0.113.77", key, time.Now())
		if err != nil || len(records) != 2 || PlayOf(marker) != c.technique {
			t.Fatalf("%v %s %v", err, marker, records)
		}
		var hits []string
		m := set.NewMatcher()
		for _, e := range events(t, records...) {
			if got := d.Played(e); got != marker || e.Failed || e.Actor.ID != "sevenfold-live-fire-1" {
				t.Errorf("%+v: %q, want %q: %+v", c.on, got, marker, e)
			}
			m.Match(e, func(x sigma.Match) { hits = append(hits, x.Rule.Name) })
		}
		if strings.Join(hits, " ") != c.rule {
			t.Errorf("%+v: %v, want %q", c.on, hits, c.rule)
		}
		if !strings.Contains(string(records[1]), "?dryRun=All") {
			t.Errorf("a change that was none is not told as such: %s", records[1])
		}
	}
	object := ClusterObject{"batch", "v1", "cronjobs", "ml", "retrain"}
	for what, err := range map[string]error{
		"a technique of AWS": second(PlayOnCluster("AML.T0025", object, "eve", "203.0.113.77", key, time.Now())),
		"no key":             second(PlayOnCluster("AML.T0020", object, "eve", "203.0.113.77", NewProofKey(""), time.Now())),
		"no person":          second(PlayOnCluster("AML.T0020", object, "system:admin", "203.0.113.77", key, time.Now())),
		"nobody":             second(PlayOnCluster("AML.T0020", object, "", "203.0.113.77", key, time.Now())),
		"no object":          second(PlayOnCluster("AML.T0020", ClusterObject{Version: "v1"}, "eve", "203.0.113.77", key, time.Now())),
	} {
		if err == nil {
			t.Errorf("%s: it is played", what)
		}
	}
}

func second(_ []json.RawMessage, _ string, err error) error { return err }

// An attacker chooses the id of his audit events, and knows those of drills there were: none of
// it makes a drill of what he does.
func TestForgedProofOnCluster(t *testing.T) {
	key := NewProofKey("a-token")
	now := time.Date(2026, 11, 2, 9, 30, 15, 0, time.UTC)
	records, _, err := PlayOnCluster("AML.T0020", ClusterObject{"batch", "v1", "cronjobs", "ml", "retrain"}, "ann", "203.0.113.77", key, now)
	if err != nil {
		t.Fatal(err)
	}
	genuine := string(records[1])
	played := func(k ProofKey, text string) string {
		t.Helper()
		return (&Detector{Proofs: k}).Played(events(t, json.RawMessage(text))[0])
	}
	if played(key, genuine) == "" {
		t.Fatal("the genuine one is not known")
	}
	for what, k := range map[string]ProofKey{"none": nil, "of no token": NewProofKey(""), "another": NewProofKey("b-token")} {
		if got := played(k, genuine); got != "" {
			t.Errorf("with key %s: %q", what, got)
		}
	}
	id := func(to string) string {
		var e map[string]any
		if err := json.Unmarshal([]byte(genuine), &e); err != nil {
			t.Fatal(err)
		}
		e["auditID"] = to
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	forged := map[string]string{
		"no signature": id("sevenfold-proof.AML.T0020~00112233.1"), "an empty one": id("sevenfold-proof.AML.T0020~00112233.1."),
		"the prefix": id("sevenfold-proof."), "one of its own": id("sevenfold-proof.AML.T0020~00112233.1." + strings.Repeat("ab", 16)),
	}
	for from, to := range map[string]string{`"username":"ann"`: `"username":"eve"`, `"verb":"patch"`: `"verb":"delete"`, `"name":"retrain"`: `"name":"score"`, `"namespace":"ml"`: `"namespace":"prod"`,
		`"resource":"cronjobs"`: `"resource":"secrets"`, `"apiGroup":"batch"`: `"apiGroup":"apps"`, `"code":200`: `"code":403`, "09:30:16": "09:30:17", `"user":{`: `"impersonatedUser":{"username":"eve"},"user":{`} {
		if !strings.Contains(genuine, from) {
			t.Fatalf("%s is not in %s", from, genuine)
		}
		forged[from+" as "+to] = strings.ReplaceAll(genuine, from, to)
	}
	for what, text := range forged {
		if got := played(key, text); got != "" {
			t.Errorf("%s: taken for drill %s", what, got)
		}
	}
}
