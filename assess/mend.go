package assess

import (
	"encoding/json"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	providerAWS "github.com/sevenfold-sec/sevenfold/provider/aws"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/risk"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// reckon gives each failing finding its cost now and after scaling.
func reckon(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding) {
	known := map[estate.Node]float64{}
	risk.Reckon(snap, workloads, findings, risk.Scaling{Units: func(n estate.Node, a *estate.Asset) float64 {
		if a.Referenced || !(a.Cloud == estate.AWS && providerAWS.Scales(a.Type) || a.Cloud == estate.Kubernetes && providerKubernetes.Scales(a.Type)) {
			return 0
		}
		if u, ok := known[n]; ok {
			return u
		}
		known[n] = unitsOf(snap, n, a)
		return known[n]
	}})
}

// unitsOf sums up the units an asset asks for; what cannot be told counts as
// none, as it is an estimate.
func unitsOf(snap *estate.Snapshot, n estate.Node, a *estate.Asset) float64 {
	config, err := snap.Config(n)
	if err != nil || !json.Valid(config) {
		return 0
	}
	scale, err := Scale(a, config)
	if err != nil {
		return 0
	}
	sum := 0.0
	for _, c := range scale.Capacities {
		if !c.Unknown {
			sum += c.Units
		}
	}
	return sum
}
