package access

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// lister tells whom an asset is listed with. Assets between two cuts are touched
// by the same identities in the same ways, so that they share their list.
type lister struct {
	v      *view
	cuts   []int32
	begins map[int32][]estate.Node // at a cut: whose right begins or goes on there
	lists  map[int32]listed        // by the cut that an interval begins at
	made   map[grantKey]*Grant
	shared map[*Grant][]*Grant // lists of clusters, by their first
	unread []string
}

type listed struct {
	grants []*Grant
	unread []string
}

type grantKey struct {
	who         estate.Node
	via         string
	levels      Level
	conditional bool
}

// newLister makes ready. The view must have been surveyed.
func (v *view) newLister(unread []string) *lister {
	l := &lister{v: v, begins: map[int32][]estate.Node{}, lists: map[int32]listed{}, made: map[grantKey]*Grant{}, unread: unread}
	var edges []spans
	seen := map[*may]bool{}
	for _, n := range v.people {
		if v.snap.Asset(n).Cloud == estate.Kubernetes {
			continue
		}
		m := v.mayOf(n)
		if len(m.any)+len(m.open) == 0 {
			continue
		}
		if !seen[m] {
			seen[m] = true
			edges = append(edges, m.open)
			for i := range m.sure {
				edges = append(edges, m.sure[i], m.tied[i])
			}
			for _, w := range v.stage(n).class.ways {
				edges = append(edges, w.on)
			}
		}
		if own := v.own[n]; own != nil {
			for _, on := range own.on {
				edges = append(edges, on)
			}
		}
	}
	l.cuts = cutsOf(edges)
	for _, n := range v.people {
		if v.snap.Asset(n).Cloud == estate.Kubernetes {
			continue
		}
		m := v.mayOf(n)
		for _, r := range join(m.any, m.open) {
			for at, _ := slices.BinarySearch(l.cuts, r.lo); at < len(l.cuts) && l.cuts[at] < r.hi; at++ {
				l.begins[l.cuts[at]] = append(l.begins[l.cuts[at]], n)
			}
		}
	}
	return l
}

// at is the list of one object.
func (l *lister) at(i int32) ([]*Grant, []string) {
	at, found := slices.BinarySearch(l.cuts, i)
	if !found {
		at--
	}
	if at < 0 {
		return nil, l.unread
	}
	cut := l.cuts[at]
	if known, ok := l.lists[cut]; ok {
		return known.grants, known.unread
	}
	out := listed{unread: slices.Clip(l.unread)}
	untold := 0
	for _, n := range l.begins[cut] {
		m := l.v.mayOf(n)
		out.grants = append(out.grants, l.of(n, m, i)...)
		if m.open.has(i) && !m.any.has(i) {
			if untold++; untold <= 20 {
				out.unread = append(out.unread, l.v.snap.Asset(n).ID+": whether it may could not be told")
			}
		}
	}
	if untold > 20 {
		out.unread = append(out.unread, countOf(untold-20, "other identity", "other identities")+" of which it could not be told")
	}
	slices.SortFunc(out.grants, func(a, b *Grant) int { return compareGrants(*a, *b) })
	l.lists[cut] = out
	return out.grants, out.unread
}

// of are the grants by which one identity may touch an object.
func (l *lister) of(n estate.Node, m *may, i int32) (out []*Grant) {
	v := l.v
	for _, w := range v.stage(n).class.ways {
		if w.on.has(i) {
			out = l.add(out, n, m, i, v.viaOf(&w), w.levels, func() []string { return actionsOf(&w) })
		}
	}
	if own := v.own[n]; own != nil {
		for _, w := range own.list {
			if on := tidy(slices.Clone(own.on[w.Via])); on.has(i) {
				out = l.add(out, n, m, i, w.Via, own.levels[w.Via], func() []string { return []string{} })
			}
		}
	}
	if len(out) == 0 && m.any.has(i) {
		via := "what it is, or a policy for all"
		if v.stage(n).root {
			via = "root user of the account"
		}
		out = l.add(out, n, m, i, via, AllLevels, func() []string { return []string{} })
	}
	return out
}

// add appends the grant of a statement, if it gives anything of an object.
func (l *lister) add(to []*Grant, n estate.Node, m *may, i int32, via string, named Level, actions func() []string) []*Grant {
	k := grantKey{who: n, via: via, conditional: true}
	for b := range m.sure {
		if named&(1<<b) == 0 {
			continue
		}
		sure := m.sure[b].has(i)
		if sure || m.tied[b].has(i) {
			k.levels |= 1 << b
		}
		k.conditional = k.conditional && !sure
	}
	if k.levels == 0 {
		return to
	}
	g := l.made[k]
	if g == nil {
		who := l.v.direct.who(n)
		g = &Grant{Principal: l.v.snap.Asset(n).ID, Class: who.class, Via: via, Actions: actions(), Levels: k.levels.Names(), Conditional: k.conditional,
			Owner: who.owner, LastUsed: who.lastUsed, UsageKnown: who.usageKnown, OldestKey: who.oldestKey}
		l.made[k] = g
	}
	return append(to, g)
}

// inCluster puts a list of a cluster in the form of an entry.
func (l *lister) inCluster(grants []Grant) []*Grant {
	if len(grants) == 0 {
		return nil
	}
	if l.shared == nil {
		l.shared = map[*Grant][]*Grant{}
	}
	if known := l.shared[&grants[0]]; len(known) == len(grants) {
		return known
	}
	out := make([]*Grant, len(grants))
	for i := range grants {
		out[i] = &grants[i]
	}
	l.shared[&grants[0]] = out
	return out
}

// actionsOf are the actions of a way's statement as it writes them.
func actionsOf(w *way) []string {
	out := append([]string{}, w.says.Actions...)
	for _, not := range w.says.NotActions {
		out = append(out, "all but "+not)
	}
	return out
}
