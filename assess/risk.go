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
	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// weigh gives each finding its risk. It runs after the steps have judged:
// where an attacker may begin is itself what controls find, and no criterion
// hangs on a score.
func weigh(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding, controls *control.Set) {
	risk.Assess(snap, workloads, findings, riskOptions(snap, controls))
}

func riskOptions(snap *estate.Snapshot, controls *control.Set) risk.Options {
	return risk.Options{Facts: facts(controls), Exposed: exposed(snap), Labels: labels(snap)}
}

// labels are those the data step found, inherited or was told of.
func labels(snap *estate.Snapshot) func(estate.Node, *estate.Asset) []string {
	return func(n estate.Node, _ *estate.Asset) (out []string) {
		for e := range snap.In(n) {
			if e.Type == data.LabelledAs {
				out = append(out, snap.Asset(e.Node).Name)
			}
		}
		return out
	}
}

// facts are what the controls and the steps' own rules say of their faults as parts
// of an attack.
func facts(controls *control.Set) map[string]risk.Fact {
	out := map[string]risk.Fact{}
	add := func(id string, a finding.Attack) {
		if a != (finding.Attack{}) {
			out[id] = risk.Fact{Entry: risk.Entry(a.Entry), Gives: a.Gives, Prize: risk.Prize(a.Prize), Door: a.Door}
		}
	}
	for _, c := range controls.Controls() {
		add(c.ID, c.Attack)
	}
	for _, r := range Rules() {
		add(r.ID, r.Attack)
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
