package assess

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// poisoned is an estate in which a job reads a bucket and trains a model that an endpoint
// serves, and another endpoint that has nothing of it.
func poisoned(t *testing.T, trained time.Time) (*estate.Snapshot, *finding.Workload, *finding.Workload) {
	t.Helper()
	b := estate.NewBuilder(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	for _, a := range []estate.Asset{
		{ID: "arn:aws:s3:::acme-training", Type: "AWS::S3::Bucket", Kind: estate.KindStore}, {ID: "job", Type: "AWS::SageMaker::TrainingJob", Kind: estate.KindPipeline, Created: trained},
		{ID: "model", Type: "AWS::SageMaker::Model", Kind: estate.KindModel, Created: trained}, {ID: "endpoint", Type: "AWS::SageMaker::Endpoint"}, {ID: "other", Type: "AWS::SageMaker::Endpoint"},
	} {
		b.Asset(a)
	}
	for _, r := range []estate.Relation{{From: "job", To: "arn:aws:s3:::acme-training", Type: estate.Reads}, {From: "job", To: "model", Type: estate.Trains}, {From: "endpoint", To: "model", Type: estate.Serves}} {
		r.Tier = estate.Declared
		b.Relation(r)
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return snap, &finding.Workload{ID: "w", Roots: []string{"endpoint"}, Members: []string{"endpoint", "model"}}, &finding.Workload{ID: "o", Roots: []string{"other"}, Members: []string{"other"}}
}

// Lineage is red while a poisoned version is the current one or what is served was made
// since, and green once neither is so; what cannot be told is unknown.
func TestLineageOfAReturn(t *testing.T) {
	const object = "arn:aws:s3:::acme-training/sets/a.csv"
	then := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	says := func(current bool, err error) Versions {
		return func(context.Context, string, string) (bool, time.Time, error) { return current, then, err }
	}
	taint := respond.Taint{Asset: object, Versions: []string{"v2"}}
	for _, c := range []struct {
		name     string
		trained  time.Time
		other    bool
		taints   []respond.Taint
		asset    string
		versions Versions
		want     respond.Light
		why      string
	}{
		{"nothing is said", then, false, nil, "", nil, respond.Unknown, "is not said"},
		{"not upstream", then.Add(time.Hour), true, []respond.Taint{taint}, "", nil, respond.Unknown, "is not upstream of it (3 assets are downstream); which data or model of it was touched is not said"},
		{"not upstream, and nothing", then.Add(time.Hour), true, []respond.Taint{taint, {Nothing: "a drill", By: "ana"}}, "", nil, respond.Green, "ana says that nothing it has was poisoned: a drill; "},
		{"nothing", then, false, []respond.Taint{{Nothing: "a drill", By: "ana"}}, "", nil, respond.Green, "ana says"},
		{"nothing, but the asset it was opened with", then, false, []respond.Taint{{Nothing: "a drill", By: "ana"}}, object, nil, respond.Red, "is upstream of it"},
		{"no versions", then, false, nil, object, nil, respond.Red, "is upstream of it, by endpoint, model"},
		{"nothing reads", then, false, []respond.Taint{taint}, "", nil, respond.Unknown, "cannot be told here"},
		{"refused", then, false, []respond.Taint{taint}, "", says(false, errors.New("AccessDenied")), respond.Unknown, "AccessDenied"},
		{"current", then.AddDate(0, 0, -1), false, []respond.Taint{taint}, "", says(true, nil), respond.Red, "the poisoned version v2"},
		{"trained since", then.Add(time.Hour), false, []respond.Taint{taint}, "", says(false, nil), respond.Red, "made since"},
		{"trained when", time.Time{}, false, []respond.Taint{taint}, "", says(false, nil), respond.Unknown, "when they were made is not known: model"},
		{"trained before", then.AddDate(0, 0, -1), false, []respond.Taint{taint}, "", says(false, nil), respond.Green, "no poisoned version"},
		{"since is said", then.Add(time.Hour), false, []respond.Taint{{Asset: object, Versions: []string{"v2"}, Since: then.AddDate(0, 0, 1)}}, "", says(false, nil), respond.Green, ""},
		{"one of two", then.AddDate(0, 0, -1), false, []respond.Taint{taint, {Asset: "nowhere"}}, "", says(false, nil), respond.Unknown, "the graph has no nowhere"},
	} {
		snap, w, other := poisoned(t, c.trained)
		r := &returning{ctx: context.Background(), i: &respond.Incident{Opening: respond.Opening{ID: "INC-1", Asset: c.asset}, Taints: c.taints}, res: &Result{Snapshot: snap}, w: w, Returning: Returning{Versions: c.versions}}
		if c.other {
			r.w = other
		}
		if light, why := r.lineage(); light != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %s %s, want %s %q", c.name, light, why, c.want, c.why)
		}
	}
}

// What containment changed differs from the baseline: held, not red, and never green. What
// somebody else changed beside it is red.
func TestContainmentDiffersFromTheBaseline(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/score"
	rec := func(id, asset string) audit.Record {
		return audit.Record{ID: id, Asset: asset, Type: "AWS::IAM::Role", Status: audit.StatusOpen}
	}
	effect := []playbook.Effect{{Step: "cut", Phase: "contain", Call: playbook.Call{Action: "aws.iam.quarantine-role", Target: role}}}
	snap, w, _ := poisoned(t, time.Time{})
	for _, c := range []struct {
		name     string
		records  []audit.Record
		standing []playbook.Effect
		want     respond.Light
	}{
		{"nothing", nil, effect, respond.Green},
		{"its own", []audit.Record{rec("1", role+"#policy/sevenfold-quarantine"), rec("2", role)}, effect, respond.Held},
		{"taken back", []audit.Record{rec("1", role)}, nil, respond.Red},
		{"another's beside", []audit.Record{rec("1", role), rec("2", "arn:aws:iam::111122223333:role/score2")}, effect, respond.Red},
		{"unseen beside", []audit.Record{rec("1", role), {ID: "2", Asset: "x", Type: "AWS::IAM::Role", Status: audit.StatusOpen, What: audit.WhatUnseen}}, effect, respond.Unknown},
	} {
		o := Options{}
		o.Baseline = &audit.Approved{Drift: &audit.Drift{Records: c.records}}
		r := &returning{ctx: context.Background(), i: &respond.Incident{}, res: &Result{Snapshot: snap}, o: o, w: w, Returning: Returning{Standing: c.standing}}
		if light, why := r.differs(true); light != c.want {
			t.Errorf("%s: %s %s, want %s", c.name, light, why, c.want)
		}
	}
}

// VersionsBy tells by content: a copy of a poisoned version is poisoned too.
func TestVersionsByContent(t *testing.T) {
	state := `{"versions":[{"version":"3","latest":true,"etag":"%s","modified":"2026-11-28T10:00:00Z"},{"version":"2","etag":"bad","modified":"2026-11-27T09:00:00.000Z"}]}`
	for etag, want := range map[string]bool{"good": false, "bad": true} {
		read := reads{text: strings.Replace(state, "%s", etag, 1)}
		current, written, err := VersionsBy(respond.NewActions(read))(context.Background(), "arn:aws:s3:::b/k", "2")
		if err != nil || current != want || written.Day() != 27 {
			t.Errorf("%s: %v %v %v", etag, current, written, err)
		}
	}
	if VersionsBy(nil) != nil {
		t.Error("nothing reads")
	}
}

// reads is an action that only reads.
type reads struct {
	respond.Action
	text string
}

func (reads) ID() string { return "aws.s3.restore-version" }
func (r reads) Read(context.Context, string, map[string]string) (json.RawMessage, error) {
	return json.RawMessage(r.text), nil
}

// A scenario of a company's own that names what there is not does not load, and says where.
func TestOwnScenariosThatCannotBeDone(t *testing.T) {
	const scenario = "scenario: NAME\ntitle: t\nclasses: [model endpoint]\natlas: [ATLAS]\nweight: 5\nseverity: [{is: high}]\nsignals: [{id: a, what: b, telemetry: [c], wants: d}]\nowner: o\neradicate: e\nverify: v\ncommunicate: c\n"
	own := fstest.MapFS{}
	for name, c := range map[string][2]string{
		"fine":      {"AML.T0031", "do: aws.iam.quarantine-role, on: x"},
		"action":    {"AML.T0031", "do: aws.nothing.here, on: x"},
		"technique": {"AML.T9999", "do: aws.iam.quarantine-role, on: x"},
		"parameter": {"AML.T0031", "do: aws.iam.quarantine-role, on: x, with: {bucket: y}"},
		"missing":   {"AML.T0031", "do: aws.iam.bound-role, on: x"},
	} {
		own[name+"/scenario.yaml"] = &fstest.MapFile{Data: []byte(strings.NewReplacer("NAME", name, "ATLAS", c[0]).Replace(scenario))}
		own[name+"/playbook.yaml"] = &fstest.MapFile{Data: []byte("playbook: " + name + "\nsteps: [{id: a, phase: contain, " + c[1] + "}]\n")}
	}
	list, err := Scenarios(own)
	if err == nil {
		t.Fatal("all of them load")
	}
	got := map[string]bool{}
	for _, s := range list {
		got[s.ID] = true
	}
	for _, name := range []string{"action", "technique", "parameter", "missing"} {
		if got[name] {
			t.Errorf("%s loads", name)
		}
	}
	if !got["fine"] || !got["endpoint-misbehaving"] {
		t.Error("what can be done is gone too")
	}
	for _, want := range []string{"there is no such action", "AML.T9999", "has no parameter bucket", "needs policy"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
	if all, err := Scenarios(); err != nil || len(all) < 18 {
		t.Error(len(all), err)
	}
}
