package assess

import (
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/report"
)

// Inventory is what exists, for `inventory --format json`.
type Inventory struct {
	Assets     []InventoryAsset   `json:"assets"`
	Workloads  []finding.Workload `json:"workloads"`
	Sources    []report.Source    `json:"sources"`
	BlindSpots []report.BlindSpot `json:"blindspots"`
}

// InventoryAsset is one line of the inventory.
type InventoryAsset struct {
	ID       string            `json:"id"`
	Type     string            `json:"type"`
	Kind     estate.Kind       `json:"kind"`
	Zone     string            `json:"zone"`
	Workload string            `json:"workload"` // id of the workload it belongs to; empty for none
	Name     string            `json:"name,omitempty"`
	Account  string            `json:"account,omitempty"`
	Region   string            `json:"region,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	// Read is false for an asset known only because another names it.
	Read bool `json:"read"`
}

// Inventory lists the assets with zone and workload, in the order of their ids.
// Set nodes and principals that stand for classes are left out: they are not
// things in the estate.
func (r *Result) Inventory() Inventory {
	owner := map[string]string{}
	for _, w := range r.Workloads.List {
		for _, m := range w.Members {
			owner[m] = w.ID
		}
	}
	inv := Inventory{Assets: []InventoryAsset{}, Workloads: r.Workloads.List,
		Sources: report.Sources(r.Snapshot.Sources()), BlindSpots: blindSpots(r.Snapshot.BlindSpots())}
	if inv.Workloads == nil {
		inv.Workloads = []finding.Workload{}
	}
	for _, a := range r.Snapshot.Assets() {
		if a.Type == estate.SetType {
			continue
		}
		zone, _ := r.Workloads.ZoneOf(a.ID)
		inv.Assets = append(inv.Assets, InventoryAsset{
			ID: a.ID, Type: a.Type, Kind: a.Kind, Zone: zone, Workload: owner[a.ID], Name: a.Name,
			Account: a.Account, Region: a.Region, Tags: a.Tags, Read: !a.Referenced,
		})
	}
	return inv
}

// Why says of one asset why it is, or is not, part of a workload.
type Why struct {
	Asset     string        `json:"asset"`
	Type      string        `json:"type"`
	Kind      estate.Kind   `json:"kind"`
	Why       string        `json:"why"`
	Workloads []WhyWorkload `json:"workloads"`
	Reads     []estate.Read `json:"reads"`
	Correct   string        `json:"correct"`
}

// WhyWorkload is one workload the asset has to do with.
type WhyWorkload struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	As   string `json:"as"` // "root of", "part of" or "touched by"
}

// Why explains an asset's place in the estate.
func (r *Result) Why(n estate.Node) Why {
	a := r.Snapshot.Asset(n)
	w := Why{Asset: a.ID, Type: a.Type, Kind: a.Kind, Reads: a.Reads, Workloads: []WhyWorkload{}}
	if w.Reads == nil {
		w.Reads = []estate.Read{}
	}
	for _, wl := range r.Workloads.List {
		switch {
		case slices.Contains(wl.Roots, a.ID):
			w.Workloads = append(w.Workloads, WhyWorkload{wl.ID, wl.Name, "root of"})
		case slices.Contains(wl.Members, a.ID):
			w.Workloads = append(w.Workloads, WhyWorkload{wl.ID, wl.Name, "part of"})
		case slices.Contains(wl.Touches, a.ID):
			w.Workloads = append(w.Workloads, WhyWorkload{wl.ID, wl.Name, "touched by"})
		}
	}
	match := fmt.Sprintf("match: 'id == %q'", a.ID)
	switch {
	case a.Root != nil:
		w.Why = fmt.Sprintf("the root of a %s: %s", a.Root.Class, a.Root.Why)
		w.Correct = "workloads: [{name: …, " + match + ", ignore: true}] if it is none, or give it name, owner and purpose there"
	case a.Referenced:
		w.Why = "known only because another asset names it; its own configuration was not read"
		w.Correct = "nothing: read the source it belongs to"
	case len(w.Workloads) > 0:
		w.Why = "no root itself; it belongs to a workload by the relations from that workload's root"
		w.Correct = "workloads: [{name: …, " + match + "}] makes it a workload of its own"
	default:
		w.Why = "no AI workload has anything to do with it, as far as configurations say"
		w.Correct = "workloads: [{name: …, " + match + "}] makes it a workload"
	}
	return w
}
