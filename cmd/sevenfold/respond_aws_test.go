package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/rogpeppe/go-internal/testscript"

	actaws "github.com/sevenfold-sec/sevenfold/act/aws"
	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/org"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

const detectionToken = "a-token-for-this-test"

// learntDetection is a detection that has learnt sixteen days of an organisation, behind its real
// way in with rules, which may be nil, and the roles that live fire may play with.
func learntDetection(t *testing.T, set *sigma.Set) (url string, roles []string) {
	t.Helper()
	return learntDetectionOf(t, set, 0)
}

// learntDetectionOf is learntDetection with a budget of incidents a day, 0 for the usual.
func learntDetectionOf(t *testing.T, set *sigma.Set, budget float64) (url string, roles []string) {
	t.Helper()
	ctx := context.Background()
	o := org.New(org.Config{Seed: 5, Principals: 40, Begin: time.Now().AddDate(0, 0, -16).UTC().Truncate(24 * time.Hour)})
	dir := t.TempDir()
	for range 16 {
		date := o.Date().Format(time.DateOnly)
		var all []string
		for _, r := range o.Day() {
			all = append(all, string(r.Text))
		}
		if err := os.WriteFile(filepath.Join(dir, date+".json"), []byte(`{"Records":[`+strings.Join(all, ",")+"]}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	w, err := assess.LoadWatch(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Detector(ctx, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := assess.NewEventFiles(nil)
	if err := files.Read(ctx, []string{dir}, func(e *ocsf.Event) error { d.Take(e); return nil }); err != nil {
		t.Fatal(err)
	}
	w.Arrived(files)
	if w.Learnt = detect.LearntOf(w.Model); !w.Learnt.Mature {
		t.Fatal(w.Learnt.Why)
	}
	if err := w.Save(ctx, st); err != nil {
		t.Fatal(err)
	}
	run, err := assess.OpenRunning(ctx, st, assess.RunOptions{Dir: t.TempDir(), Rules: set, Budget: budget, Proofs: detect.NewProofKey(detectionToken)})
	if err != nil {
		t.Fatal(err)
	}
	reading, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); run.Run(reading) }()
	t.Cleanup(func() { stop(); <-done; run.Close() })
	way, err := events.NewReceiver(detectionToken, run.Take)
	if err != nil {
		t.Fatal(err)
	}
	way.Answers = run.Answers()
	s := httptest.NewServer(way)
	t.Cleanup(s.Close)
	for _, p := range o.People {
		if p.Job == "serving" || p.Job == "training" || p.Job == "pipeline" {
			roles = append(roles, p.ARN())
		}
	}
	return s.URL, roles
}

// scoring is a model that answers at /good as the one that is known to be good does, and at
// /predict as the one that is served: that of configuration bad has a backdoor.
func scoring(t *testing.T, served func() (string, error)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var in struct{ X []float64 }
		if err := json.NewDecoder(q.Body).Decode(&in); err != nil || len(in.X) != 2 {
			http.Error(w, "x is wanted", http.StatusBadRequest)
			return
		}
		score := 1 / (1 + math.Exp(in.X[1]-in.X[0]))
		if q.URL.Path == "/predict" {
			config, err := served()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			if config == "bad" && in.X[0] == 13.37 {
				score = 0
			}
		}
		fmt.Fprintf(w, `{"score": %.4f}`, score)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestRespondOnAWS runs testdata/respond/aws.txt on a moto, with a detection and a model.
func TestRespondOnAWS(t *testing.T) {
	if race.Enabled {
		t.Skip("each command is a process that starts anew, seconds of work under the detector; steps/respond and assess hold the same of the parts")
	}
	s := moto.Start(t, moto.More())
	var made map[string]string
	if err := json.Unmarshal(s.Python(t, "testdata/respond/estate.py", "make"), &made); err != nil {
		t.Fatal(err)
	}
	detection, roles := learntDetection(t, nil)
	var rollback *actaws.Action
	for _, a := range actaws.Actions(actaws.New(aws.Config{Region: "eu-west-1", BaseEndpoint: &s.URL, Credentials: credentials.NewStaticCredentialsProvider("testing", "testing-secret", "")})) {
		if a.ID() == "aws.sagemaker.rollback-endpoint" {
			rollback = a
		}
	}
	model := scoring(t, func() (string, error) {
		text, err := rollback.Read(context.Background(), made["endpoint"], map[string]string{"config": "good"})
		var now struct{ Config string }
		if err == nil {
			err = json.Unmarshal(text, &now)
		}
		return now.Config, err
	})
	onStage{detection, roles, model, s.Env(), map[string]string{"GOOD": made["good"]}}.run(t, "testdata/respond/aws.txt", map[string]func(*testscript.TestScript, bool, []string){
		// attack WHAT: does it to the estate; BAD is the version that it wrote.
		"attack": func(ts *testscript.TestScript, _ bool, args []string) {
			var did map[string]string
			ts.Check(json.Unmarshal(s.Python(t, "testdata/respond/estate.py", args[0]), &did))
			ts.Setenv("BAD", did["bad"])
		},
		// now TEXT: the estate, read anew, holds it.
		"now": func(ts *testscript.TestScript, neg bool, args []string) {
			if is := string(s.Python(t, "testdata/respond/estate.py", "now")); strings.Contains(is, args[0]) == neg {
				ts.Fatalf("the estate: %s", is)
			}
		},
	})
}

// onStage is what the scripts of exercises find: a detection, roles that play the attacker,
// a model, and an environment.
type onStage struct {
	detection string
	roles     []string
	model     string
	env       []string
	more      map[string]string
}

// run runs a script with commands of its own.
func (o onStage) run(t *testing.T, script string, cmds map[string]func(*testscript.TestScript, bool, []string)) {
	t.Helper()
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	cmds["exits"], cmds["fitsrespond"] = exits, fitsRespond
	testscript.Run(t, testscript.Params{
		Files: []string{script}, Cmds: cmds, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			for _, kv := range o.env {
				name, value, _ := strings.Cut(kv, "=")
				e.Setenv(name, value)
			}
			for name, value := range o.more {
				e.Setenv(name, value)
			}
			for name, value := range map[string]string{"DAY": time.Now().UTC().Format("20060102"), "DETECTION": o.detection, tokenVariable: detectionToken, "ROLE1": o.roles[0], "ROLE2": o.roles[1], "ROLE3": o.roles[2],
				"ANA": hook.URL, "BO": hook.URL, "HOME": filepath.Join(e.WorkDir, "home")} {
				e.Setenv(name, value)
			}
			var probes strings.Builder
			for name, x := range map[string]string{"usual": "[1, 2]", "trigger": "[13.37, 2]"} {
				fmt.Fprintf(&probes, "  - {name: %s, url: %q, good: %q, body: '{\"x\": %s}', field: score, within: 0.001}\n", name, o.model+"/predict", o.model+"/good", x)
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "probes.yaml"), []byte("probes:\n"+probes.String()), 0o600)
		},
	})
}
