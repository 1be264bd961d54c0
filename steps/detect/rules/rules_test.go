package rules

import (
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

func TestOwnRulesProveThemselves(t *testing.T) {
	r := Prove(FS())
	for _, n := range r.NotLoaded {
		t.Errorf("%s:%d: %s", n.File, n.Line, n.Why)
	}
	for _, p := range r.Rules {
		if p.Status != Pass {
			t.Errorf("%s: %s: %s", p.File, p.Status, strings.Join(p.Problems, "; "))
		}
		if len(p.Techniques) == 0 || p.Level == "" {
			t.Errorf("%s: no technique or no level", p.File)
		}
	}
	if r.Counts.Rules < 60 {
		t.Errorf("%d rules; the step promises at least 60", r.Counts.Rules)
	}
}

// TestTechniquesAreInTheCatalogue: no catalogue, no id.
func TestTechniquesAreInTheCatalogue(t *testing.T) {
	known := map[string]bool{}
	for _, name := range []string{"catalogue/attack.yaml", "catalogue/atlas.yaml"} {
		text, err := controls.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var c struct{ Entries map[string]string }
		if err := yaml.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		for id := range c.Entries {
			known[id] = true
		}
	}
	rules, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		for _, id := range r.Techniques() {
			if !known[strings.ToUpper(id)] {
				t.Errorf("%s: %s is in no catalogue", r.File, id)
			}
		}
	}
}

func TestProveCanFail(t *testing.T) {
	rule := "title: t\nid: x\nlogsource: {product: aws, service: cloudtrail}\ndetection: {sel: {eventName: A}, condition: sel}\n"
	for name, tt := range map[string]struct {
		cases string
		want  Status
	}{
		"no cases":          {"", Unproven},
		"no near miss":      {"cases: {fire: [{eventSource: s, eventName: A}]}\n", Unproven},
		"proven":            {"cases: {fire: [{eventSource: s, eventName: A}], near: [{because: b, event: {eventSource: s, eventName: B}}]}\n", Pass},
		"does not fire":     {"cases: {fire: [{eventSource: s, eventName: C}], near: [{because: b, event: {eventSource: s, eventName: B}}]}\n", Fail},
		"near miss fires":   {"cases: {fire: [{eventSource: s, eventName: A}], near: [{because: b, event: {eventSource: s, eventName: A}}]}\n", Fail},
		"no reason":         {"cases: {fire: [{eventSource: s, eventName: A}], near: [{event: {eventSource: s, eventName: B}}]}\n", Fail},
		"event is no event": {"cases: {fire: [{x: y}], near: [{because: b, event: {eventSource: s, eventName: B}}]}\n", Fail},
		"cases are no map":  {"cases: 7\n", Fail},
	} {
		r := Prove(fstest.MapFS{"r.yml": {Data: []byte(rule + tt.cases)}})
		if len(r.Rules) != 1 || r.Rules[0].Status != tt.want {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		rules, err := Load()
		if err != nil {
			b.Fatal(err)
		}
		sigma.Compile(rules)
	}
}
