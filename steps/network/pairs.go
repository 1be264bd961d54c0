package network

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Opening is one pair of things of which the one can open a connection to the other.
type Opening struct {
	From  string   `json:"from"`
	To    string   `json:"to"`
	Ports []string `json:"ports"`
	// Unsure says that it could not be told whether it is so.
	Unsure bool `json:"unsure,omitempty"`
}

// Difference is which connections can be opened in one network and not in another.
type Difference struct {
	Opened []Opening `json:"opened"`
	Closed []Opening `json:"closed"`
	// Undecided are those of which it could be told before and no more.
	Undecided []Opening `json:"undecided"`
	// Violated are the intents that the new network breaks and the old one kept.
	Violated []Crossing `json:"violated"`
	// Unread says what was not read of either and may hold anything: with it nothing is
	// no difference.
	Unread []string `json:"unread"`
	// Things and Classes are how many were compared, of how many kinds.
	Things  int `json:"things"`
	Classes int `json:"classes"`
}

// mostDifferent bounds how many classes of things two networks are compared by.
const mostDifferent = 3000

// Compare lists what can be opened in next and not in old, and the other way round,
// between things and from and to the internet. Things that neither network tells
// apart are compared once, and told each. The error says that the networks hold too
// many different things to compare all pairs.
func Compare(ctx context.Context, old, next *World) (*Difference, error) {
	d := &Difference{Opened: []Opening{}, Closed: []Opening{}, Undecided: []Opening{}, Violated: []Crossing{}, Unread: unique(append(old.Unread(), next.Unread()...))}
	d.Unread = orEmpty(d.Unread)
	type kind struct {
		ids   []string
		sites [2][2][]spot // world, from or to
		from  [2]*places
		to    [2][2]*places // of the first of it, and of another
	}
	kinds := map[string]*kind{}
	sites := [2]map[string][2][]spot{old.siteTable(), next.siteTable()}
	ids := map[string]bool{}
	for _, t := range sites {
		for id := range t {
			ids[id] = true
		}
	}
	for _, id := range sortedKeys(ids) {
		k := &kind{}
		var key strings.Builder
		for i, w := range []*World{old, next} {
			k.sites[i] = sites[i][id]
			key.WriteString(w.siteKey(k.sites[i]) + "//")
		}
		if id == Internet {
			key.WriteString(id)
		}
		if known := kinds[key.String()]; known != nil {
			known.ids = append(known.ids, id)
			continue
		}
		k.ids = []string{id}
		kinds[key.String()] = k
	}
	d.Things, d.Classes = len(ids), len(kinds)
	if len(kinds) > mostDifferent {
		return nil, fmt.Errorf("%d different things stand in the two networks, and all pairs of at most %d are compared\nhint: compare fewer sources, or ask sevenfold network can", len(kinds), mostDifferent)
	}
	keys := sortedKeys(kinds)
	for _, k := range kinds {
		for i, w := range []*World{old, next} {
			k.from[i] = w.placesOf(k.sites[i][0])
			for n, id := range k.ids[:min(2, len(k.ids))] {
				k.to[n][i] = w.placesOf(sites[i][id][1])
			}
		}
	}
	for _, fk := range keys {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, tk := range keys {
			f, t := kinds[fk], kinds[tk]
			if f == t && len(f.ids) == 1 {
				continue
			}
			to := t.to[0]
			if f == t {
				to = t.to[1] // one of a kind and another of it
			}
			before, after := old.answer(f.from[0], to[0]), next.answer(f.from[1], to[1])
			if before.Ports.Equal(after.Ports) && before.Maybe.Equal(after.Maybe) {
				continue
			}
			opened, closed := after.Ports.Minus(before.Ports.Union(before.Maybe)), before.Ports.Minus(after.Ports.Union(after.Maybe))
			unsure := after.Maybe.Minus(before.Maybe)
			for list, ports := range map[*[]Opening]reach.Ports{&d.Opened: opened, &d.Closed: closed, &d.Undecided: unsure} {
				if ports.IsEmpty() {
					continue
				}
				text := ports.List()
				for _, a := range f.ids {
					for _, b := range t.ids {
						if a != b {
							*list = append(*list, Opening{From: a, To: b, Ports: text, Unsure: list == &d.Undecided})
						}
					}
				}
			}
		}
	}
	if len(next.dark) > 0 { // what was not read of it may open them
		for _, o := range d.Closed {
			o.Unsure = true
			d.Undecided = append(d.Undecided, o)
		}
		d.Closed = []Opening{}
	}
	for _, list := range [][]Opening{d.Opened, d.Closed, d.Undecided} {
		slices.SortFunc(list, func(a, b Opening) int { return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To)) })
	}
	return d, nil
}

// siteTable gives the spots of every component, and of the internet, by id.
func (w *World) siteTable() map[string][2][]spot {
	out := map[string][2][]spot{}
	for n, a := range w.snap.Assets() {
		if w.component(n, a) {
			out[a.ID] = [2][]spot{w.sites(n, false), w.sites(n, true)}
		}
	}
	internet, _ := w.End(Internet, nil, false)
	out[Internet] = [2][]spot{internet.spots, internet.spots}
	return out
}

// siteKey is what tells the spots of things apart.
func (w *World) siteKey(sites [2][]spot) string {
	var key strings.Builder
	for _, list := range sites {
		for _, s := range list {
			for _, p := range s.points {
				key.WriteString(w.class(p) + "|")
			}
		}
		key.WriteByte('>')
	}
	return key.String()
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Blast is what a workload could reach if somebody took it over.
type Blast struct {
	Workload string `json:"workload"`
	// Reached are the things it can open a connection to, those at one hop first.
	Reached []Reached `json:"reached"`
	// Undecided are things of which it could not be told.
	Undecided []string `json:"undecided"`
	// Unread says what was not read and may hold anything, see World.Unread.
	Unread []string `json:"unread"`
	// Internet says whether hosts of the internet can be reached: where stolen data
	// could go.
	Internet string `json:"internet"`
	// APIs are services of the provider's it can call, with how many things of the
	// estate are behind each: who may do what there is the access step's to say.
	APIs map[string]int `json:"apis"`
	// Stores are those that its workload reads or writes by declaration: a way too.
	Stores []string `json:"stores"`
}

// Reached is one thing within reach.
type Reached struct {
	Asset string   `json:"asset"`
	Zone  string   `json:"zone"`
	Kind  string   `json:"kind"`
	Ports []string `json:"ports"`
	// Hops is 1 for what it reaches itself, 2 for what those reach, and so on;
	// Through is the thing before it on a shortest way.
	Hops    int    `json:"hops"`
	Through string `json:"through,omitempty"`
	Path    []Hop  `json:"path"`
}

// BlastOf lists what some spots can reach, and what that can reach in turn, over at
// most hops hops: what an intruder gets to by going from thing to thing.
func (w *World) BlastOf(name string, from []spot, own map[estate.Node]bool, hops int, zoneOf func(string) string) *Blast {
	b := &Blast{Workload: name, Reached: []Reached{}, Undecided: []string{}, Unread: w.Unread(), Stores: []string{}, APIs: map[string]int{}}
	internet, _ := w.End(Internet, nil, true)
	l, _ := w.reach(from, internet.spots, reach.Ports{})
	b.Internet = l.Reachable.String()
	type thing struct {
		node     estate.Node
		from, to []spot
	}
	var all []thing
	for n, a := range w.snap.Assets() {
		if own[n] || !w.component(n, a) {
			continue
		}
		all = append(all, thing{n, w.sites(n, false), w.sites(n, true)})
		for _, s := range w.spotsOf(n, true) {
			if api := s.points[0].service; api != "" {
				if l, _ := w.reach(from, []spot{s}, reach.Ports{}); l.Reachable == reach.Yes {
					b.APIs[api]++
				}
			}
		}
	}
	seen := map[estate.Node]bool{}
	front := []thing{{-1, from, nil}}
	for hop := 1; hop <= hops && len(front) > 0; hop++ {
		var next []thing
		for _, f := range front {
			for _, t := range all {
				if seen[t.node] || len(t.to) == 0 {
					continue
				}
				l := w.answer(w.placesOf(f.from), w.placesOf(t.to))
				a := w.snap.Asset(t.node)
				if l.Reachable == reach.Unknown && hop == 1 {
					b.Undecided = append(b.Undecided, a.ID)
				}
				if l.Reachable != reach.Yes {
					continue
				}
				seen[t.node] = true
				l, _ = w.reach(f.from, t.to, reach.Ports{})
				r := Reached{Asset: a.ID, Zone: zoneOf(a.ID), Kind: string(a.Kind), Ports: l.Ports.List(), Hops: hop, Path: orEmpty(l.Path)}
				if f.node >= 0 {
					r.Through = w.snap.Asset(f.node).ID
				}
				b.Reached = append(b.Reached, r)
				next = append(next, t)
			}
		}
		front = next
	}
	b.Undecided = slices.DeleteFunc(unique(b.Undecided), func(id string) bool {
		n, _ := w.snap.Find(id)
		return seen[n]
	})
	b.Undecided = orEmpty(b.Undecided)
	return b
}

// Blast lists what a workload could reach; see BlastOf. The error says that no
// workload has the name, or that nothing of it stands in a network.
func (w *World) Blast(name string, workloads *scope.Workloads, hops int) (*Blast, error) {
	for i := range workloads.List {
		l := &workloads.List[i]
		if l.Name != name && l.ID != name {
			continue
		}
		own := map[estate.Node]bool{}
		var from []spot
		for _, id := range l.Members {
			if n, ok := w.snap.Find(id); ok {
				own[n] = true
				from = append(from, w.sites(n, false)...)
			}
		}
		if len(from) == 0 {
			return nil, &Unplaced{"workload " + name, "none of its members opens connections from a place that is known"}
		}
		b := w.BlastOf(l.Name, from, own, hops, func(id string) string {
			zone, _ := workloads.ZoneOf(id)
			return zone
		})
		for _, id := range l.Touches {
			if n, ok := w.snap.Find(id); ok && w.snap.Asset(n).Kind == estate.KindStore {
				b.Stores = append(b.Stores, id)
			}
		}
		slices.SortStableFunc(b.Reached, func(x, y Reached) int { return weight(x) - weight(y) })
		return b, nil
	}
	return nil, fmt.Errorf("no workload is called %q\nhint: sevenfold inventory lists the workloads", name)
}

// weight puts what matters first: production, then stores, then by distance.
func weight(r Reached) int {
	n := r.Hops * 10
	if r.Zone == scope.ZoneProduction || r.Zone == scope.ZoneServing {
		n -= 1000
	}
	if r.Kind == string(estate.KindStore) || r.Kind == string(estate.KindDataset) {
		n -= 500
	}
	return n
}
