package scope

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// What the closure of a workload follows from an asset. Networks lead on only
// to the networks they are part of, identities to what they are given, stores
// to their keys, a model a job trained to nothing of how it is served: else one shared bucket, role or cluster would make the whole
// estate one workload.
var (
	fromAny = follow(estate.RunsAs, estate.Contains, estate.Reads, estate.Writes, estate.Serves, estate.Trains, estate.Uses, estate.Loads,
		estate.Triggers, estate.Attached, estate.MemberOf, estate.EncryptsBy, estate.LogsTo)
	fromIdentity = follow(estate.Attached, estate.MemberOf, estate.Contains)
	fromStore    = follow(estate.EncryptsBy, estate.Contains)
	fromNetwork  = follow(estate.MemberOf)
	fromNothing  = follow()
)

func follow(types ...estate.RelationType) map[estate.RelationType]bool {
	out := map[estate.RelationType]bool{}
	for _, t := range types {
		out[t] = true
	}
	return out
}

// leads says what is followed from an asset that was reached by a relation.
func leads(a *estate.Asset, by estate.RelationType) map[estate.RelationType]bool {
	switch {
	case by == estate.MemberOf || a.Kind == estate.KindNetwork:
		return fromNetwork
	case by == estate.EncryptsBy || by == estate.LogsTo || by == estate.Trains || a.Kind == estate.KindPolicy || a.Kind == estate.KindSecret || a.Kind == estate.KindEventSource:
		return fromNothing
	case a.Kind == estate.KindIdentity:
		return fromIdentity
	case a.Kind == estate.KindStore || a.Kind == estate.KindDataset:
		return fromStore
	}
	return fromAny
}

// shared reports whether an asset never belongs to one workload alone, even if
// only one reaches it: networks, clusters and accounts, and what the provider
// keeps for all its customers.
func shared(a *estate.Asset, by estate.RelationType) bool {
	return by == estate.MemberOf || by == estate.LogsTo || a.Kind == estate.KindNetwork || strings.HasPrefix(a.ID, "arn:aws:iam::aws:")
}

// enclose fills the members and touches of each draft. A member is reached by
// one workload only; what several reach, and the roots of others, they touch.
func enclose(snap *estate.Snapshot, drafts []*draft) {
	owner := make(map[estate.Node]int, len(drafts)) // root or declared asset -> draft
	for i, d := range drafts {
		for _, n := range d.roots {
			owner[n] = i
		}
		for _, n := range d.extra {
			owner[n] = i
		}
	}
	c := closure{snap: snap, owner: owner, seen: make([]int32, snap.Len()), by: make([]uint8, snap.Len())}
	reached := make([][]hit, len(drafts))
	for i, d := range drafts {
		reached[i] = c.run(int32(i+1), append(slices.Clone(d.roots), d.extra...))
	}
	for i, d := range drafts {
		for _, h := range reached[i] {
			at, owned := owner[h.node]
			switch {
			case owned && at == i, !owned && !h.shared && c.by[h.node] == 1:
				d.members = append(d.members, h.node)
			default:
				d.touches = append(d.touches, h.node)
			}
		}
		slices.Sort(d.members)
		slices.Sort(d.touches)
	}
}

// hit is an asset a closure reached.
type hit struct {
	node   estate.Node
	shared bool
}

// closure walks the graph once for each workload without clearing anything
// between them.
type closure struct {
	snap  *estate.Snapshot
	owner map[estate.Node]int
	seen  []int32 // number of the last workload that reached the node
	by    []uint8 // how many workloads reached it, up to 2
}

func (c *closure) run(round int32, roots []estate.Node) []hit {
	type step struct {
		node estate.Node
		by   estate.RelationType
	}
	var out []hit
	queue := make([]step, 0, len(roots))
	visit := func(n estate.Node, by estate.RelationType) bool {
		if c.seen[n] == round {
			return false
		}
		c.seen[n] = round
		if c.by[n] < 2 {
			c.by[n]++
		}
		out = append(out, hit{n, shared(c.snap.Asset(n), by)})
		return true
	}
	for _, n := range roots {
		if visit(n, "") {
			queue = append(queue, step{n, ""})
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		lead := leads(c.snap.Asset(s.node), s.by)
		if s.by == "" {
			lead = fromAny
		}
		for e := range c.snap.Out(s.node) {
			if !lead[e.Type] || !visit(e.Node, e.Type) {
				continue
			}
			// The walk ends at the root of another workload.
			if at, owned := c.owner[e.Node]; !owned || int32(at+1) == round {
				queue = append(queue, step{e.Node, e.Type})
			}
		}
		if s.by == "" {
			for e := range c.snap.In(s.node) {
				if e.Type == estate.Scales {
					visit(e.Node, e.Type)
				}
			}
		}
	}
	return out
}
