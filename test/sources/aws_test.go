// Package sources holds the promise that a fault is one fault wherever it is
// read: controls x sources, each cell the same control and the same outcome for
// the same fault and the same mended configuration. The account of the doubles
// is read live and from an export; the same estate stands as a CloudFormation
// template and as resources of Terraform, of which a plan and a state are made.
package sources

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

const region = "eu-west-1"

// services are those the estate has something in.
const services = "services=iam+kms+s3+rds+dynamodb+secretsmanager+opensearch+opensearchserverless+redshift+ec2+ecr+eks+ecs+lambda+glue+stepfunctions+logs+" +
	"apigateway+apigatewayv2+cloudtrail+guardduty+sagemaker+bedrock+bedrock-agent+bedrock-agentcore-control"

// columns are the sources, those of the table.
var columns = []string{"live", "export", "plan", "state", "cloudformation"}

// reasons say why a cell is not as it should be, by source.
type reasons map[string]string

// row is one line of testdata/cells.yaml.
type row struct {
	Control    string  `yaml:"control"`
	AI         bool    `yaml:"ai"`
	Type       string  `yaml:"type"`
	Faulty     string  `yaml:"faulty"`
	Mended     string  `yaml:"mended"`
	Not        reasons `yaml:"not"`
	NotFaulty  reasons `yaml:"notFaulty"`
	Open       reasons `yaml:"open"`
	OpenFaulty reasons `yaml:"openFaulty"`
	OpenMended reasons `yaml:"openMended"`
}

// text is by what the row's asset is found on a twin.
func (r *row) text(twin string) string {
	if twin == "clean" && r.Mended != "" {
		return r.Mended
	}
	return r.Faulty
}

// want is the outcome a cell must have.
func (r *row) want(source, twin string) string {
	faulty := twin == "faulty"
	switch {
	case r.Not[source] != "", faulty && r.NotFaulty[source] != "":
		return "none"
	case r.Open[source] != "", faulty && r.OpenFaulty[source] != "", !faulty && r.OpenMended[source] != "":
		return "unknown"
	case faulty:
		return "fail"
	}
	return "pass"
}

func rows(t testing.TB) []row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "cells.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var out []row
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// reading is one source of one twin, assessed.
type reading struct {
	set  *control.Set
	run  *assess.Result
	took time.Duration
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func read(t testing.TB, set *control.Set, sources ...string) *reading {
	t.Helper()
	began := time.Now()
	for again := 2; ; again-- {
		r, err := assess.Run(context.Background(), assess.Options{Scope: scope.Default(), Controls: set, Sources: sources, Now: noon, MaskKey: []byte("test")})
		if err != nil {
			t.Fatal(err)
		}
		// A double that answers too late leaves a call failed, which is right and
		// not what is asked here: the account is read again.
		late := slices.IndexFunc(r.Snapshot.BlindSpots(), func(b estate.BlindSpot) bool {
			return strings.HasPrefix(b.Source, "aws:") && b.Status == estate.ReadFailed
		})
		if late < 0 || again == 0 {
			return &reading{set, r, time.Since(began)}
		}
		t.Logf("read again: %+v", r.Snapshot.BlindSpots()[late])
	}
}

// outcome is what a control says of the assets of a type that hold a text; all
// must agree. It is "none" if there is no such asset.
func (r *reading) outcome(id, typ, text string) string {
	said := map[string]string{}
	for _, f := range r.run.Findings {
		if f.Control == id {
			said[f.Asset] = string(f.Status)
		}
	}
	found := map[string][]string{}
	snap := r.run.Snapshot
	for _, a := range snap.Assets() {
		if a.Type != typ || a.Referenced || !holds(a, text) {
			continue
		}
		outcome := said[a.ID]
		if outcome == "" {
			outcome = r.silent(a, id)
		}
		found[outcome] = append(found[outcome], a.ID)
	}
	switch len(found) {
	case 0:
		return "none"
	case 1:
		return slices.Collect(maps.Keys(found))[0]
	}
	return fmt.Sprint("torn: ", found)
}

// silent tells pass from "does not apply" where there is no finding.
func (r *reading) silent(a *estate.Asset, id string) string {
	for _, res := range r.set.JudgeIn(control.Context{Now: noon}, a, a.Config) {
		if res.Control.ID == id && res.Outcome == finding.NA {
			return "n/a"
		}
	}
	return "pass"
}

// holds reports whether an asset's name, id, tags or configuration has a text as
// one of its values.
func holds(a *estate.Asset, text string) bool {
	if text == "" || a.Name == text || strings.HasSuffix(a.ID, "/"+text) || strings.HasSuffix(a.ID, ":"+text) {
		return true
	}
	for _, v := range a.Tags {
		if v == text {
			return true
		}
	}
	var config any
	if json.Unmarshal(a.Config, &config) != nil {
		return false
	}
	m, _ := config.(map[string]any)
	for _, v := range m {
		if v == any(text) {
			return true
		}
	}
	return false
}

// readAll reads every source of a twin.
func readAll(t *testing.T, set *control.Set, twin, url, exports string) map[string]*reading {
	t.Helper()
	dir := t.TempDir()
	plan, state := terraform(t, dir, twin)
	for _, kv := range moto.Env(url) {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	const where = ",account=" + moto.Account + ",region=" + region
	out := map[string]*reading{}
	for name, source := range map[string]string{
		"live": "aws:regions=" + region + "," + services, "export": "dir:" + exports + where, "plan": "terraform:" + plan + where, "state": "terraform:" + state + where,
		"cloudformation": "cloudformation:" + template + ",parameters=" + parameters(t, twin) + where,
	} {
		out[name] = read(t, set, source)
		t.Logf("%s, %s: %s", twin, name, out[name].took.Round(time.Millisecond))
	}
	return out
}

// TestOneFaultOneAnswer holds the table.
func TestOneFaultOneAnswer(t *testing.T) {
	set := builtin.Controls(t)
	table := rows(t)
	urls, exports := map[string]string{}, map[string]string{}
	var mu sync.Mutex
	var filling sync.WaitGroup
	for _, twin := range []string{"faulty", "clean"} {
		filling.Go(func() {
			began := time.Now()
			url, dir := account(t, twin)
			t.Logf("%s: filled and exported in %s", twin, time.Since(began).Round(time.Millisecond))
			mu.Lock()
			defer mu.Unlock()
			urls[twin], exports[twin] = url, dir
		})
	}
	filling.Wait() // a failure ended its goroutine alone
	if t.Failed() {
		return
	}
	for _, twin := range []string{"faulty", "clean"} {
		readings := readAll(t, set, twin, urls[twin], exports[twin])
		for i := range table {
			r := &table[i]
			if set.Find(r.Control) == nil {
				t.Errorf("%s: there is no such control", r.Control)
				continue
			}
			for _, source := range columns {
				got, want := readings[source].outcome(r.Control, r.Type, r.text(twin)), r.want(source, twin)
				if got != want {
					t.Errorf("%s, %s: %s from %s says %s, want %s", r.Control, twin, r.text(twin), source, got, want)
				}
			}
		}
		sameWorkload(t, twin, readings["live"], readings["cloudformation"])
	}
}

// endpoint is the root of the workload that the template makes.
const endpoint = "arn:aws:sagemaker:" + region + ":" + moto.Account + ":endpoint/eta"

// sameWorkload holds that the template's endpoint is the workload that the live
// account has, with the same members and what it touches as far as their ids are known before birth,
// and with the same findings on them under the same ids.
func sameWorkload(t *testing.T, twin string, live, template *reading) {
	t.Helper()
	type workload struct {
		Type     string
		Members  []string
		Findings map[string]string // "control asset" by finding id
	}
	of := func(r *reading) (out workload) {
		for _, w := range r.run.Workloads.List {
			if !slices.Contains(w.Roots, endpoint) {
				continue
			}
			out.Type = w.Type
			for _, id := range slices.Concat(w.Members, w.Touches) {
				n, ok := r.run.Snapshot.Find(id)
				if strings.Contains(id, "#policy/as-") {
					continue // what stands in the double for a policy of AWS's own
				}
				if ok && strings.HasPrefix(id, "arn:") && !r.run.Snapshot.Asset(n).Referenced {
					out.Members = append(out.Members, id)
				}
			}
		}
		slices.Sort(out.Members)
		out.Findings = map[string]string{}
		for _, f := range r.run.Findings {
			if f.Status == finding.Fail && slices.Contains(out.Members, f.Asset) {
				out.Findings[f.ID] = f.Control + " " + f.Asset
			}
		}
		return out
	}
	want, got := of(live), of(template)
	if want.Type == "" || len(want.Members) < 3 {
		t.Errorf("%s: the live account has no such workload: %+v", twin, want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: the workload (-live +template):\n%s", twin, diff)
	}
}
