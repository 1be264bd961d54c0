package placed_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/placed"
)

// TestControlsAnswerLive reads the failing and the passing cases of every control
// of AWS from the services' own calls: what the control looks at is what the
// catalogue lists and describes, spelt as the service spells it, and the provider
// understands it into what the control hangs on.
func TestControlsAnswerLive(t *testing.T) {
	set := builtin.Controls(t)
	d := placed.New(t)
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	for _, kv := range moto.Env(server.URL) {
		name, v, _ := strings.Cut(kv, "=")
		t.Setenv(name, v)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	asked := 0
	for _, c := range set.Controls() {
		if !strings.HasPrefix(c.Types[0], "AWS::") || !d.Answers(c) {
			continue
		}
		asked++
		t.Run(c.ID, func(t *testing.T) {
			for _, k := range c.Cases.Fail {
				if got := outcomeLive(t, d, set, c, k); got != finding.Fail {
					t.Errorf("%s read live gives %q, want a finding", k.File, got)
				}
			}
			for _, k := range c.Cases.Pass {
				if got := outcomeLive(t, d, set, c, k); got == finding.Fail {
					t.Errorf("%s read live is a finding", k.File)
				}
			}
		})
	}
	if asked < 120 {
		t.Errorf("only %d controls were asked", asked)
	}
}

// settings are what an account has whatever is configured.
var settings = map[string]map[string]map[string]any{
	"ecr-unscanned": {"AWS::ECR::RegistryScanningConfiguration": {"registryId": placed.Account,
		"scanningConfiguration": map[string]any{"scanType": "BASIC", "rules": []any{}}}},
}

// outcomeLive places a case, reads it and gives what came of the control.
func outcomeLive(t *testing.T, d *placed.Double, set *control.Set, c *control.Control, k control.Case) finding.Outcome {
	t.Helper()
	d.Clear(t)
	services := map[string]bool{"iam": true}
	put := func(typ, file string) {
		services[d.Resource(typ).Service().Service] = true
		if file != "" {
			d.Put(typ, caseDocument(t, c, file))
		}
	}
	typ := k.Type
	if typ == "" {
		typ = c.Types[0]
	}
	if typ != "AWS::Organizations::Account" {
		put(typ, k.File)
	}
	for beside, doc := range settings[c.ID] {
		d.Put(beside, doc)
	}
	if a := c.Absent(); a != nil {
		put(a.Type, "")
		for _, b := range k.Beside {
			if b.Region == "" && b.Account == "" {
				put(a.Type, b.File)
			}
		}
		if typ == "AWS::Organizations::Account" { // something of AI has to be there
			services["bedrock-agent"] = true
			d.Put("AWS::Bedrock::Agent", map[string]any{"agentId": "AGENT00001", "agentName": "a", "agentVersion": "DRAFT"})
		}
	}
	var names []string
	for s := range services {
		names = append(names, s)
	}
	slices.Sort(names)
	r, err := assess.Run(t.Context(), assess.Options{
		Scope: scope.Default(), Controls: set, Sources: []string{"aws:regions=eu-west-1,services=" + strings.Join(names, "+")},
		Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), MaskKey: []byte("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := finding.Outcome("")
	for _, f := range r.Findings {
		if f.Control == c.ID && got != finding.Fail {
			got = f.Status
			if got == finding.Unknown {
				t.Logf("%s: %v", k.File, f.Evidence)
			}
		}
	}
	return got
}

func caseDocument(t *testing.T, c *control.Control, file string) map[string]any {
	t.Helper()
	text, err := fs.ReadFile(controls.FS, path.Join(c.ID, file))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", file, err))
	}
	return doc
}
