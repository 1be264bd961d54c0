package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/report"
)

// Inventory is what exists, in the order of the assets' ids, with zone and
// workload. Set nodes are left out: they are not things in the estate.
func (r *Result) Inventory() *report.Inventory {
	owners := map[string][]string{}
	inv := &report.Inventory{BlindSpots: blindSpots(r.Snapshot.BlindSpots())}
	for _, w := range r.Workloads.List {
		for _, m := range w.Members {
			owners[m] = append(owners[m], w.Name)
		}
		inv.Workloads = append(inv.Workloads, report.InventoryWorkload{
			ID: w.ID, Name: w.Name, Type: cmp.Or(w.Type, "declared"), Zone: w.Zone, Owner: w.Owner, Purpose: w.Purpose,
			Roots: w.Roots, Members: w.Members, Touches: w.Touches, Why: w.Why,
		})
	}
	for _, a := range r.Snapshot.Assets() {
		if a.Type == estate.SetType || estate.IsRecord(a.Type) {
			continue
		}
		zone, _ := r.Workloads.ZoneOf(a.ID)
		inv.Assets = append(inv.Assets, report.InventoryAsset{
			ID: a.ID, Type: a.Type, Kind: string(a.Kind), Zone: zone, Workload: strings.Join(owners[a.ID], ", "), Name: a.Name,
			Account: a.Account, Region: a.Region, Source: a.Source, Referenced: a.Referenced,
		})
	}
	return inv
}

// Drawing is a picture of each workload and what it touches.
func (r *Result) Drawing() report.Drawing { return report.Draw(r.Snapshot, r.Workloads.List) }

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
