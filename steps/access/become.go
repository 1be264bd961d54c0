package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// become gathers what an identity may touch itself, and in the place of every
// identity that it may act as, in turn.
func (k *graspMaker) become(n estate.Node, id *Identity) {
	v := k.v
	known := map[estate.Node]bool{n: false} // whether it is tied
	queue := []turn{{n, false}}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if t.tied != known[t.node] {
			continue // found again since, without a condition
		}
		v.act(t, n, id)
		turns, untold := k.turns(t.node)
		if len(untold) > 0 {
			why := "whether " + v.snap.Asset(t.node).ID + " may take " + untold[0] + " could not be told"
			if more := len(untold) - 1; more > 0 {
				why += " (nor of " + countOf(more, "other role", "other roles") + ")"
			}
			id.Unread = append(id.Unread, why)
		}
		for _, next := range turns {
			next.tied = next.tied || t.tied
			if was, ok := known[next.node]; ok && (!was || next.tied) {
				continue
			}
			known[next.node] = next.tied
			queue = append(queue, next)
		}
	}
	id.Grants = sortWays(id.Grants)
	slices.Sort(id.Through)
	id.Through = slices.Compact(id.Through)
	if left := len(id.Through) - 100; left > 0 {
		id.Through, id.ThroughLeft = id.Through[:100], left
	}
	slices.Sort(id.Unread)
	id.Unread = slices.Compact(id.Unread)
}

// stage is what an identity has by itself, found once however many may act as it.
type stage struct {
	class *class
	own   *held
	root  bool // the root user of an account that was read
	// stranger says that nothing is known of it but that a policy names it.
	stranger bool
	may      *may // decided
}

// may is what somebody may touch, as it was decided, and by which statements.
type may struct {
	reach
	any  spans // all of reach
	open spans // of which it could not be told, at some level
	by   []Way
}

func (v *view) stage(n estate.Node) *stage {
	if known, ok := v.stages[n]; ok {
		return known
	}
	a := v.snap.Asset(n)
	s := &stage{class: &class{}, own: v.own[n], root: a.Type == "AWS::Organizations::Account" && !a.Referenced}
	v.stages[n] = s
	if principal(a) {
		s.class = v.classOf(n, a.Account)
	}
	if p := stranger(a.ID); a.Referenced && p != nil && p.Unread != "" {
		s.stranger, s.class = true, v.strangersOf(p)
	}
	if s.root { // the organisation's policies hold for it too
		o := v.organisation(accountOf(a))
		s.class = &class{account: accountOf(a), cuts: cutsOf(o.edges)}
	}
	return s
}

// strangersOf is the class of the users or roles of an account of whom nothing is
// known: the same may be theirs, as far as nobody names them.
func (v *view) strangersOf(p *iam.Principal) *class {
	key := fmt.Sprint("nobody read them: ", p.Account, p.Kind, p.ServiceLinked)
	c := v.classes[key]
	if c == nil {
		c = &class{account: p.Account}
		if !p.ServiceLinked {
			c.cuts = cutsOf(v.organisation(p.Account).edges)
		}
		v.classes[key] = c
	}
	return c
}

// mayOf is what one identity may touch by itself: in clusters what rules give,
// else what was decided.
func (v *view) mayOf(n estate.Node) *may {
	s := v.stage(n)
	if s.may != nil {
		return s.may
	}
	a := v.snap.Asset(n)
	if a.Cloud == estate.Kubernetes {
		s.may = &may{}
		if s.own != nil {
			s.may.reach, s.may.any, s.may.by = s.own.reach, s.own.reach.any(), s.own.list
		}
		return s.may
	}
	g := v.grasps[n]
	if g == nil {
		s.may = &may{}
		return s.may
	}
	if s.own == nil { // all of a class that have no more than it
		if known := v.mays[g]; known != nil {
			s.may = known
			return known
		}
	}
	m := &may{open: g.untold()}
	copy(m.sure[:], g.sure[nAbilities:])
	copy(m.tied[:], g.tied[nAbilities:])
	if !principal(a) && !s.root { // an account as a whole, a service: what is given to it by name, beside roles
		var given spans
		if s.own != nil {
			given = s.own.reach.any()
		}
		for i := range m.sure {
			m.sure[i], m.tied[i] = meet(m.sure[i], given), meet(m.tied[i], given)
		}
		m.open = meet(m.open, given)
	}
	m.any = m.reach.any()
	m.by = v.spell(s.class.ways, &m.reach)
	if s.own != nil {
		m.by = append(m.by, s.own.within(&m.reach)...)
	}
	if s.root && len(m.any) > 0 {
		m.by = append(m.by, Way{Via: "the root user may do everything in its account that no policy of the organisation refuses", Levels: m.reach.levels().Names(), Assets: m.any.size()})
	}
	s.may = m
	if s.own == nil {
		v.mays[g] = m
	}
	return m
}

// act adds what one identity has to what another may do in its place.
func (v *view) act(t turn, self estate.Node, id *Identity) {
	a, s, m := v.snap.Asset(t.node), v.stage(t.node), v.mayOf(t.node)
	if i, ok := v.objects.at[t.node]; ok && t.node != self {
		add := reach{}
		add.sure[bit(Run)] = spans{{i, i + 1}}
		id.reach.unite(&add, t.tied)
	}
	id.Unread = append(id.Unread, s.class.unread...)
	id.open = join(id.open, m.open)
	if t.node != self && covered(&id.reach, &m.reach, t.tied) {
		return
	}
	id.reach.unite(&m.reach, t.tied)
	if t.node != self {
		w := Way{Via: "in the place of " + a.ID, Levels: m.reach.levels().Names(), Assets: m.any.size()}
		if t.tied {
			w.Conditions = []string{"what the way there asks"}
		}
		id.Grants = append(id.Grants, w)
		id.Through = append(id.Through, a.ID)
		return
	}
	id.Grants = append(id.Grants, m.by...)
	id.Boundaries = s.class.bounded
}

// levels are those at which anything is reached.
func (r *reach) levels() Level {
	var l Level
	for i := range r.sure {
		if len(r.sure[i])+len(r.tied[i]) > 0 {
			l |= 1 << i
		}
	}
	return l
}

// covered reports whether a reach adds nothing to another.
func covered(have, more *reach, tied bool) bool {
	for i := range have.sure {
		if len(less(more.at(i), have.at(i))) > 0 || !tied && len(less(more.sure[i], have.sure[i])) > 0 {
			return false
		}
	}
	return true
}

// principal reports whether an asset is a user or role whose policies count.
func principal(a *estate.Asset) bool {
	return !a.Referenced && (a.Type == "AWS::IAM::User" || a.Type == "AWS::IAM::Role")
}

// cluster adds the assets of clusters, those side by side that share their
// answer, and notes whom bindings name for them.
func (v *view) cluster(nodes []estate.Node) {
	type member struct {
		node    estate.Node
		key     string
		shared  []Grant
		limited []Grant
	}
	members := make([]member, 0, len(nodes))
	for _, n := range nodes {
		a := v.snap.Asset(n)
		if a.Account == "" { // named by another, in the same cluster as that
			named := *a
			named.Account, _, _ = strings.Cut(strings.TrimPrefix(a.ID, "k8s://"), "/")
			a = &named
		}
		if a.Type == "" {
			v.unread = append(v.unread, a.ID+": nobody read it: who may touch it is unknown")
		}
		m := member{node: n}
		if a.Type != "" {
			m.key, m.shared, m.limited = v.direct.cluster.parts(n, a)
		}
		members = append(members, m)
		for _, why := range v.direct.cluster.notRead(site{a.Account, a.Region}) {
			v.unread = append(v.unread, why)
		}
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.node, b.node)) })
	for at := 0; at < len(members); {
		end := at
		from := int32(len(v.objects.all))
		for ; end < len(members) && members[end].key == members[at].key; end++ {
			a := v.snap.Asset(members[end].node)
			i := int32(len(v.objects.all))
			v.objects.add(object{node: members[end].node, id: a.ID, account: a.Account})
			v.bound(members[end].limited, span{i, i + 1})
		}
		v.bound(members[at].shared, span{from, int32(len(v.objects.all))})
		at = end
	}
}

// bound gives a run of objects to those whom bindings name for them.
func (v *view) bound(grants []Grant, on span) {
	for _, g := range grants {
		n, ok := v.snap.Find(g.Principal)
		if !ok {
			continue
		}
		var l Level
		for _, action := range g.Actions {
			l |= ofVerb(action)
		}
		v.give(n, l, on, false, Way{Via: g.Via, Assets: int(on.hi - on.lo)})
	}
}

// ofVerb reads an action of a cluster, "k8s:VERB:GROUP/RESOURCE[/SUB]".
func ofVerb(action string) Level {
	parts := strings.SplitN(action, ":", 3)
	if len(parts) < 3 {
		return Change
	}
	_, resource, _ := strings.Cut(parts[2], "/")
	_, sub, below := strings.Cut(resource, "/")
	switch {
	case below && sub == "scale":
		return Change
	case below && sub == "log":
		return Read
	case below, parts[1] == "impersonate":
		return Run // into its pods, or in the place of what it runs as
	}
	switch parts[1] {
	case "*":
		return AllLevels
	case "get", "list", "watch":
		return Read
	}
	return Change
}
