// Package lineage says where labelled data goes: labels are put on places, flows
// carry them from place to job to place to model to endpoint to log, and nothing but a
// declassifier takes one away.
//
// A place is a part of a store: a container (a bucket) and a path in it, which ends
// where the next character may be any. What is read of a place is all that lies below
// it, and all that was put above it, somewhere: what was put into s3://b/out/ may lie in
// s3://b/out/model.tar.gz. What lies in one place is no part of the places beside it.
package lineage

import (
	"cmp"
	"slices"
	"strings"
)

// Tier is how sure a flow is, the surest first.
type Tier int

// The tiers.
const (
	Declared Tier = iota // configuration says so
	Observed             // a log or an event shows it
	Possible             // permissions and network allow it
)

// String is the tier's word.
func (t Tier) String() string { return [...]string{"declared", "observed", "possible"}[t] }

// Flow is one passage of data from one thing to another.
type Flow struct {
	From, To string
	Tier     Tier
	Evidence string
}

// Graph is made of places, other things (jobs, models, endpoints) and flows between
// them. Its zero value is empty.
type Graph struct {
	ids     []string
	at      map[string]int
	place   map[int]location
	flows   []Flow
	seen    map[Flow]bool
	seeds   map[string][]int // label -> nodes
	removes map[int]map[string]bool
}

type location struct{ container, path string }

func (g *Graph) node(id string) int {
	if n, ok := g.at[id]; ok {
		return n
	}
	if g.at == nil {
		g.at, g.place, g.seeds, g.removes, g.seen = map[string]int{}, map[int]location{}, map[string][]int{}, map[int]map[string]bool{}, map[Flow]bool{}
	}
	n := len(g.ids)
	g.ids = append(g.ids, id)
	g.at[id] = n
	return n
}

// Place says that a thing is a part of a store: path is "" for the whole.
func (g *Graph) Place(id, container, path string) { g.place[g.node(id)] = location{container, path} }

// Has reports whether a thing is known.
func (g *Graph) Has(id string) bool { _, ok := g.at[id]; return ok }

// Flow adds a passage.
func (g *Graph) Flow(f Flow) {
	g.node(f.From)
	g.node(f.To)
	if f.From != f.To && !g.seen[f] {
		g.seen[f] = true
		g.flows = append(g.flows, f)
	}
}

// Label puts a label on a thing.
func (g *Graph) Label(id, label string) {
	n := g.node(id)
	if !slices.Contains(g.seeds[label], n) {
		g.seeds[label] = append(g.seeds[label], n)
	}
}

// Remove says that what leaves a job no longer has a label.
func (g *Graph) Remove(job, label string) {
	n := g.node(job)
	if g.removes[n] == nil {
		g.removes[n] = map[string]bool{}
	}
	g.removes[n][label] = true
}

// Lies is the evidence of a passage between a place and what lies in it or around it.
const Lies = "it lies there"

// Arrival is how a label came to a thing.
type Arrival struct {
	// Own is true where the label was put there, not carried.
	Own bool
	// Tier is the least sure one of the flows it came by.
	Tier Tier
	// Path are the flows it came by, the first from where it was put.
	Path []Flow
}

// Result says what is labelled with what.
type Result struct {
	g      *Graph
	labels map[string]reached
}

// reached is how a label came to each state of each thing, and by which state it came
// to each thing first.
type reached struct {
	steps map[int]step
	first map[int]int
}

// step is one state reached: by which flow, from which state before.
type step struct {
	flow int // index into flows; -1: put there; -2: it lies in or around before
	from int // the state before
}

// Run carries every label as far as it goes. Of two ways the one without a possible
// flow is taken, then the shorter one.
func (g *Graph) Run() *Result {
	r := &Result{g: g, labels: map[string]reached{}}
	n := len(g.ids)
	c := newCarrier(g, n)
	for _, label := range sorted(g.seeds) {
		r.labels[label] = c.carry(label, g.seeds[label])
	}
	return r
}

func sorted[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// The states of a place: put says that a label was put right there, below that
// something at or below it has it, above that it was put at or above it. Others have
// one state.
const (
	put = iota
	below
	above
	states
)

// carrier walks the flows.
type carrier struct {
	g     *Graph
	out   [][]int // flows by the node they leave
	up    []int   // of a place the next one around it; -1 for none
	under [][]int // of a place those right below it
}

func newCarrier(g *Graph, n int) *carrier {
	c := &carrier{g: g, out: make([][]int, n), up: make([]int, n), under: make([][]int, n)}
	for i, f := range g.flows {
		from := g.at[f.From]
		c.out[from] = append(c.out[from], i)
	}
	places := make([]int, 0, len(g.place))
	for i := range c.up {
		c.up[i] = -1
	}
	for p := range g.place {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b int) int {
		x, y := g.place[a], g.place[b]
		return cmp.Or(strings.Compare(x.container, y.container), strings.Compare(x.path, y.path), strings.Compare(g.ids[a], g.ids[b]))
	})
	var around []int
	for _, p := range places {
		for len(around) > 0 && !g.place[around[len(around)-1]].holds(g.place[p]) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			outer := around[len(around)-1]
			c.up[p] = outer
			c.under[outer] = append(c.under[outer], p)
		}
		around = append(around, p)
	}
	return c
}

// holds reports whether what lies at m lies in l.
func (l location) holds(m location) bool {
	return l.container == m.container && strings.HasPrefix(m.path, l.path)
}

// carry walks from the things that a label was put on: first by flows that are sure,
// then by possible ones too.
func (c *carrier) carry(label string, seeds []int) reached {
	r := reached{map[int]step{}, map[int]int{}}
	type at struct{ node, state int }
	var queue, later []at
	visit := func(node, state int, s step) {
		i := node*states + state
		if _, ok := r.steps[i]; ok {
			return
		}
		r.steps[i] = s
		if _, ok := r.first[node]; !ok {
			r.first[node] = i
		}
		queue = append(queue, at{node, state})
	}
	for _, s := range seeds {
		visit(s, put, step{flow: -1, from: -1})
	}
	weak := false
	for {
		for len(queue) > 0 {
			a := queue[0]
			queue = queue[1:]
			if _, ok := c.g.place[a.node]; ok {
				around := step{flow: -2, from: a.node*states + a.state}
				if a.state != above && c.up[a.node] >= 0 {
					visit(c.up[a.node], below, around)
				}
				if a.state != below {
					for _, u := range c.under[a.node] {
						visit(u, above, around)
					}
				}
			}
			if c.g.removes[a.node][label] {
				continue
			}
			held := false
			for _, i := range c.out[a.node] {
				f := c.g.flows[i]
				if f.Tier == Possible && !weak {
					held = true
					continue
				}
				visit(c.g.at[f.To], put, step{flow: i, from: a.node*states + a.state})
			}
			if held {
				later = append(later, a)
			}
		}
		if weak || len(later) == 0 {
			return r
		}
		weak = true
		for _, a := range later {
			for _, i := range c.out[a.node] {
				if f := c.g.flows[i]; f.Tier == Possible {
					visit(c.g.at[f.To], put, step{flow: i, from: a.node*states + a.state})
				}
			}
		}
	}
}

// Only carries one label, "subject", from one thing, as if no other were there and no
// declassifier took it away.
func (g *Graph) Only(id string) *Result {
	r := &Result{g: g, labels: map[string]reached{}}
	if n, ok := g.at[id]; ok {
		r.labels["subject"] = newCarrier(g, len(g.ids)).carry("subject", []int{n})
	}
	return r
}

// Labels are the labels of a thing, in order.
func (r *Result) Labels(id string) []string {
	n, ok := r.g.at[id]
	var out []string
	for _, l := range sorted(r.labels) {
		if _, has := r.labels[l].first[n]; ok && has {
			out = append(out, l)
		}
	}
	return out
}

// Things are all things that have a label, in order of their ids.
func (r *Result) Things(label string) []string {
	var out []string
	for n := range r.labels[label].first {
		out = append(out, r.g.ids[n])
	}
	slices.Sort(out)
	return out
}

// Arrival tells how a label came to a thing; false if it did not.
func (r *Result) Arrival(id, label string) (a Arrival, ok bool) {
	n, known := r.g.at[id]
	at, has := r.labels[label].first[n]
	if !known || !has {
		return a, false
	}
	s := r.labels[label].steps[at]
	a.Own = s.flow == -1
	for s.flow != -1 {
		if s.flow >= 0 {
			f := r.g.flows[s.flow]
			a.Path = append(a.Path, f)
			a.Tier = max(a.Tier, f.Tier)
		} else {
			a.Path = append(a.Path, Flow{From: r.g.ids[s.from/states], To: r.g.ids[at/states], Evidence: Lies})
		}
		at = s.from
		s = r.labels[label].steps[at]
	}
	slices.Reverse(a.Path)
	return a, true
}

// Walker finds what is before or behind a thing, again and again. It is of the graph as
// it was when it was made.
type Walker struct{ c *carrier }

// Forward walks to where the data of a thing goes.
func (g *Graph) Forward() *Walker { return &Walker{newCarrier(g, len(g.ids))} }

// Backward walks to where the data of a thing is from.
func (g *Graph) Backward() *Walker {
	back := &Graph{}
	for _, i := range g.ids {
		back.node(i)
	}
	for p, l := range g.place {
		back.place[p] = l
	}
	for _, f := range g.flows {
		back.Flow(Flow{From: f.To, To: f.From, Tier: f.Tier, Evidence: f.Evidence})
	}
	return back.Forward()
}

// From are the things that a walk from some things comes to, those left out.
func (w *Walker) From(ids ...string) []string {
	var seeds []int
	for _, id := range ids {
		if n, ok := w.c.g.at[id]; ok {
			seeds = append(seeds, n)
		}
	}
	var out []string
	for m := range w.c.carry("", seeds).first {
		if id := w.c.g.ids[m]; !slices.Contains(ids, id) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// Ways is how a walk from some things comes to each of the others, as the arrivals of the
// label "".
func (w *Walker) Ways(ids ...string) *Result {
	var seeds []int
	for _, id := range ids {
		if n, ok := w.c.g.at[id]; ok {
			seeds = append(seeds, n)
		}
	}
	return &Result{g: w.c.g, labels: map[string]reached{"": w.c.carry("", seeds)}}
}
