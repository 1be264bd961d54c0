package assess

import (
	"encoding/json"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	providerAWS "github.com/sevenfold-sec/sevenfold/provider/aws"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/risk"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// weigh gives each finding its risk. It runs after the steps have judged:
// where an attacker may begin is itself what controls find, and no criterion
// hangs on a score.
func weigh(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding, controls *control.Set) {
	risk.Assess(snap, workloads, findings, risk.Options{Facts: facts(controls), Exposed: exposed(snap)})
}

// facts are what the controls say of their faults as parts of an attack.
func facts(controls *control.Set) map[string]risk.Fact {
	out := map[string]risk.Fact{}
	for _, c := range controls.Controls() {
		if c.Attack != (control.Attack{}) {
			out[c.ID] = risk.Fact{Entry: risk.Entry(c.Attack.Entry), Gives: c.Attack.Gives, Prize: risk.Prize(c.Attack.Prize)}
		}
	}
	return out
}

// exposed asks the providers what the internet meets. A configuration that
// cannot be read back from the store says nothing here; judging by it has
// failed before.
func exposed(snap *estate.Snapshot) func(estate.Node, *estate.Asset) string {
	return func(n estate.Node, a *estate.Asset) string {
		var read func(*estate.Asset, json.RawMessage) string
		switch {
		case a.Referenced:
			return ""
		case a.Cloud == estate.AWS && providerAWS.MayBeExposed(a.Type):
			read = providerAWS.Exposed
		case a.Cloud == estate.Kubernetes && providerKubernetes.MayBeExposed(a.Type):
			read = providerKubernetes.Exposed
		default:
			return ""
		}
		config, err := snap.Config(n)
		if err != nil || len(config) == 0 {
			return ""
		}
		return read(a, config)
	}
}
