package exposure

import (
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// differs are cases on which rule and control may differ, and why.
var differs = map[string]string{}

// TestRulesAndControlsAgree runs the cases of each control that asks about the
// same setting: what fails there must be a door that asks nobody, what passes
// none, what is unknown unknown. So nobody changes one and not the other.
func TestRulesAndControlsAgree(t *testing.T) {
	set := load(t)
	byControl := map[string][]*Rule{}
	for i := range rules {
		if c := rules[i].Control; c != "" {
			byControl[c] = append(byControl[c], &rules[i])
		}
	}
	if len(byControl) < 25 {
		t.Errorf("only %d controls are held against a rule", len(byControl))
	}
	used := map[string]bool{}
	for id, mine := range byControl {
		c := set[id]
		if c == nil {
			t.Errorf("rule %s names control %s, which is none", mine[0].ID, id)
			continue
		}
		for kind, cases := range map[string][]control.Case{"fail": c.Cases.Fail, "pass": c.Cases.Pass, "near": c.Cases.Near, "unknown": c.Cases.Unknown} {
			for _, k := range cases {
				name := strings.TrimPrefix(id, "k8s-") + "/" + k.File
				t.Run(name, func(t *testing.T) {
					a, err := c.Asset(k)
					if err != nil {
						t.Fatal(err)
					}
					got, because := worst(a, mine)
					want := map[string][]string{"fail": {"no"}, "pass": {"yes", "none"}, "near": {"yes", "none"}, "unknown": {"unknown"}}[kind]
					if why := differs[name]; why != "" {
						used[name] = true
						if slices.Contains(want, got) {
							t.Errorf("it no longer differs: %s", why)
						}
						return
					}
					if !slices.Contains(want, got) {
						t.Errorf("%s case: auth is %s (%s), want %q", kind, got, because, want)
					}
				})
			}
		}
		for _, r := range mine {
			if string(c.Severity) != r.Severity {
				t.Errorf("rule %s is %s, control %s is %s", r.ID, r.Severity, id, c.Severity)
			}
		}
	}
	for name := range differs {
		if !used[name] {
			t.Errorf("no such case: %s", name)
		}
	}
}

// worst is the worst answer of the rules on any container of an object.
func worst(a *estate.Asset, mine []*Rule) (string, string) {
	out, because := "none", ""
	rank := []string{"none", "yes", "unknown", "no"}
	for _, e := range exposures(a) {
		if !slices.Contains(mine, e.Rule) {
			continue
		}
		if slices.Index(rank, e.Auth.String()) > slices.Index(rank, out) {
			out, because = e.Auth.String(), e.Because
		}
	}
	return out, because
}

// exposures are those of an object and of its containers, as the provider gives
// them.
func exposures(a *estate.Asset) (out []Exposure) {
	assets := []estate.Asset{*a}
	for _, p := range kubernetes.Understand(a).Parts {
		if p.Type == ContainerType {
			assets = append(assets, p)
		}
	}
	for i := range assets {
		for _, s := range Services(&assets[i], nil) {
			out = append(out, Recognise(s)...)
		}
	}
	return out
}

func load(t *testing.T) map[string]*control.Control {
	t.Helper()
	set, errs := control.Load(controls.FS)
	for _, err := range errs {
		t.Error(err)
	}
	out := map[string]*control.Control{}
	for _, c := range set.Controls() {
		out[c.ID] = c
	}
	return out
}
