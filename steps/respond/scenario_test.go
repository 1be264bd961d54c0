package respond

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/controls"
)

// named are the techniques of the repository's tables.
func named(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for _, file := range []string{"catalogue/atlas.yaml", "catalogue/attack.yaml"} {
		text, err := fs.ReadFile(controls.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		var table struct{ Entries map[string]string }
		if err := yaml.Unmarshal(text, &table); err != nil {
			t.Fatal(err)
		}
		for id := range table.Entries {
			out[id] = true
		}
	}
	return out
}

func TestTheCatalogue(t *testing.T) {
	all, err := Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 18 {
		t.Errorf("%d scenarios, want at least 18", len(all))
	}
	known := named(t)
	for _, s := range all {
		for _, id := range s.Techniques() {
			if !known[id] {
				t.Errorf("%s names technique %s, which is in no table", s.ID, id)
			}
		}
		for _, g := range s.Signals {
			if len(g.Rules) == 0 && !g.Behaviour && g.Watch == "" && g.Wants == "" {
				t.Errorf("%s: nothing watches for %s, and what that wants is not said", s.ID, g.ID)
			}
		}
		platforms := map[string]bool{}
		for _, a := range s.Playbook.Actions() {
			if a.Phase == "contain" {
				cloud, _, _ := strings.Cut(a.Do, ".")
				platforms[cloud] = true
			}
		}
		if !platforms["aws"] || !platforms["k8s"] {
			t.Errorf("%s contains nothing on one of the platforms: %v", s.ID, platforms)
		}
	}
	for _, want := range []string{"endpoint-misbehaving", "training-pipeline-poisoned", "training-data-exfiltrated"} {
		if !slices.ContainsFunc(all, func(s *Scenario) bool { return s.ID == want }) {
			t.Errorf("%s is not there", want)
		}
	}
}

const goodScenario = `scenario: mine
title: t
about: a
classes: [agent]
atlas: [AML.T0051]
weight: 3
severity: [{is: critical, if: 'stores > 2'}, {is: high}]
signals: [{id: x, what: y, telemetry: [z]}]
owner: o
eradicate: e
verify: v
communicate: c
`

const goodPlaybook = "playbook: mine\nsteps: [{id: a, phase: contain, do: aws.iam.quarantine-role, on: arn}]\n"

func TestScenariosOfOnesOwn(t *testing.T) {
	tests := []struct{ name, scenario, playbook, want string }{
		{"good", goodScenario, goodPlaybook, ""},
		{"nothing contains", goodScenario, "playbook: mine\nsteps: [{id: a, phase: contain, ask: stop it}]\n", "no executable containment step"},
		{"another name", strings.Replace(goodScenario, "mine", "yours", 1), goodPlaybook, "one name"},
		{"an unknown key", goodScenario + "colour: red\n", goodPlaybook, "field colour not found"},
		{"no technique", strings.Replace(goodScenario, "AML.T0051", "T-1", 1), goodPlaybook, "no id of a technique"},
		{"a severity that may not hold", strings.Replace(goodScenario, ", {is: high}", "", 1), goodPlaybook, "always holds"},
		{"a fact there is not", strings.Replace(goodScenario, "stores", "moons", 1), goodPlaybook, `asks of "moons"`},
		{"a law", goodScenario + "laws: [murphy]\n", goodPlaybook, `no law is called "murphy"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all, err := Scenarios(fstest.MapFS{"mine/scenario.yaml": {Data: []byte(tt.scenario)}, "mine/playbook.yaml": {Data: []byte(tt.playbook)}})
			there := slices.ContainsFunc(all, func(s *Scenario) bool { return s.ID == "mine" })
			if (tt.want == "") != (err == nil) || there != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v %v, want %q", there, err, tt.want)
			}
			if len(all) < 18 {
				t.Error("the others are gone")
			}
		})
	}
}

func TestSeverityThatCannotBeToldIsNotMild(t *testing.T) {
	s := &Scenario{ID: "mine"}
	all, err := Scenarios(fstest.MapFS{"mine/scenario.yaml": {Data: []byte(goodScenario)}, "mine/playbook.yaml": {Data: []byte(goodPlaybook)}})
	if err != nil {
		t.Fatal(err)
	}
	s = all[slices.IndexFunc(all, func(s *Scenario) bool { return s.ID == "mine" })]
	for facts, want := range map[string]string{"3": "critical", "1": "high", "": "critical"} {
		m := map[string]string{"stores": facts}
		if facts == "" {
			m = nil
		}
		if got := s.SeverityOf(m); got != want {
			t.Errorf("stores %q: %s, want %s", facts, got, want)
		}
	}
}
