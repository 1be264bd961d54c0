package network

import (
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Table is who reaches what, in two tables: zones by zones, workloads by stores.
type Table struct {
	Zones     *Zones     `json:"zones"`
	Stores    []string   `json:"stores"`
	Workloads []StoreRow `json:"workloads"`
}

// StoreRow is one workload and what it reaches of the stores.
type StoreRow struct {
	Workload string      `json:"workload"`
	Zone     string      `json:"zone"`
	Cells    []StoreCell `json:"cells"`
}

// StoreCell says whether a workload can open a connection to a store, and whether it
// says that it uses it.
type StoreCell struct {
	Store     string   `json:"store"`
	Reachable string   `json:"reachable"`
	Ports     []string `json:"ports"`
	// Declared: it reads or writes the store by its own configuration.
	Declared bool `json:"declared"`
	// Verdict is "declared", "undeclared" (it can and does not say so), "broken" (it says
	// so and cannot), "no" or "unknown".
	Verdict string   `json:"verdict"`
	Path    []Hop    `json:"path"`
	Because []string `json:"because"`
}

// Taken is when the estate was read, in UTC.
func (w *World) Taken() time.Time { return w.snap.Taken() }

// mostStores bounds how many stores the table has columns for: those in networks of
// the estate first.
const mostStores = 60

// TableOf decides both tables.
func (w *World) TableOf(s *scope.Scope, workloads *scope.Workloads) *Table {
	t := &Table{Zones: w.ZonesOf(s, workloads), Stores: []string{}, Workloads: []StoreRow{}}
	t.Zones.Hold(s, workloads)
	touched := map[string]bool{}
	for i := range workloads.List {
		for _, id := range workloads.List[i].Touches {
			touched[id] = true
		}
	}
	var placed, rest []string
	for n, a := range w.snap.Assets() {
		if a.Kind != estate.KindStore && a.Kind != estate.KindDataset || a.Type == "AWS::ECR::Repository" || len(w.spotsOf(n, true)) == 0 {
			continue // images are pulled by what runs a workload, not by it
		}
		switch {
		case len(w.sites(n, true)) > 0:
			placed = append(placed, a.ID)
		case touched[a.ID]:
			rest = append(rest, a.ID)
		}
	}
	t.Stores = append(placed, rest...)
	if len(t.Stores) > mostStores {
		t.Stores = t.Stores[:mostStores]
	}
	t.Stores = orEmpty(t.Stores)
	for i := range workloads.List {
		l := &workloads.List[i]
		var from []spot
		for _, id := range l.Members {
			if n, ok := w.snap.Find(id); ok {
				from = append(from, w.sites(n, false)...)
			}
		}
		if len(from) == 0 {
			continue
		}
		row := StoreRow{Workload: l.Name, Zone: l.Zone}
		for _, id := range t.Stores {
			n, _ := w.snap.Find(id)
			r, _ := w.reach(from, w.spotsOf(n, true), reach.Ports{})
			c := StoreCell{Store: id, Reachable: r.Reachable.String(), Ports: listed(r.Ports), Declared: slices.Contains(l.Touches, id) || slices.Contains(l.Members, id), Path: orEmpty(r.Path), Because: orEmpty(r.Because)}
			switch {
			case r.Reachable == reach.Unknown:
				c.Verdict = "unknown"
			case r.Reachable == reach.Yes && c.Declared:
				c.Verdict = "declared"
			case r.Reachable == reach.Yes:
				c.Verdict = "undeclared"
			case c.Declared:
				c.Verdict = "broken"
			default:
				c.Verdict = "no"
			}
			row.Cells = append(row.Cells, c)
		}
		t.Workloads = append(t.Workloads, row)
	}
	return t
}

// Short is the end of an id, for the head of a column.
func Short(id string) string {
	if i := strings.LastIndexAny(id, "/:"); i >= 0 && i < len(id)-1 {
		return id[i+1:]
	}
	return id
}
