package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// turn is one identity in whose place another may act.
type turn struct {
	node estate.Node
	tied bool // by a condition of a trust policy or of a grant to assume it
}

// become gathers what an identity may touch itself, and in the place of every
// identity that it may act as, in turn.
func (v *view) become(n estate.Node, id *Identity) {
	known := map[estate.Node]bool{n: false} // whether it is tied
	queue := []turn{{n, false}}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		if t.tied != known[t.node] {
			continue // found again since, without a condition
		}
		v.act(t, n, id)
		for _, next := range v.turns(t.node) {
			next.tied = next.tied || t.tied
			if was, ok := known[next.node]; ok && (!was || next.tied) {
				continue
			}
			known[next.node] = next.tied
			queue = append(queue, next)
		}
	}
	id.Grants, id.Denies = sortWays(id.Grants), sortWays(id.Denies)
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
	reach reach
	doubt [4]spans
	any   spans // all of reach
	root  bool  // the root user of an account that was read
}

func (v *view) stage(n estate.Node) *stage {
	if known, ok := v.stages[n]; ok {
		return known
	}
	a := v.snap.Asset(n)
	s := &stage{class: &class{order: &order{}}, own: v.own[n], root: a.Type == "AWS::Organizations::Account" && !a.Referenced}
	v.stages[n] = s
	if principal(a) {
		s.class = v.classOf(n, a.Account)
		s.reach = s.class.reach
	}
	if s.root {
		s.reach.add(AllLevels, v.objects.whole(accountOf(a)), false)
	}
	if s.own != nil {
		s.reach.unite(&s.own.reach, false)
	}
	if s.root { // the organisation's policies hold for it too
		order := v.organisation(accountOf(a))
		s.class = &class{order: order, denies: order.denies, refuses: v.inWords(order.denies)}
	}
	for i := range s.class.order.rungs {
		s.reach = s.reach.bounded(&s.class.order.rungs[i].reach)
	}
	for i := range s.class.denies {
		s.reach.without(s.class.denies[i].takes)
	}
	for i := range s.reach.sure {
		on := s.reach.at(i)
		s.doubt[i] = meet(on, v.refused)
		for k := range s.class.denies {
			s.doubt[i] = join(s.doubt[i], meet(on, s.class.denies[k].by[i]))
		}
	}
	s.any = s.reach.any()
	return s
}

// act adds what one identity has to what another may do in its place.
func (v *view) act(t turn, self estate.Node, id *Identity) {
	a, s := v.snap.Asset(t.node), v.stage(t.node)
	if i, ok := v.objects.at[t.node]; ok && t.node != self {
		id.reach.add(Run, spans{{i, i + 1}}, t.tied)
	}
	if t.node != self && covered(&id.reach, &s.reach, t.tied) {
		id.Unread = append(id.Unread, s.class.unread...)
		return
	}
	for i := range s.doubt {
		id.doubt[i] = join(id.doubt[i], s.doubt[i])
	}
	if n := meet(s.any, v.refused).size(); n > 0 {
		id.Denies = append(id.Denies, Way{Via: "their own policies", Levels: AllLevels.Names(), Assets: n})
	}
	id.Denies = append(id.Denies, s.class.refuses...)
	id.Unread = append(id.Unread, s.class.unread...)
	id.reach.unite(&s.reach, t.tied)
	if t.node != self {
		w := Way{Via: "in the place of " + a.ID, Levels: s.reach.levels().Names(), Assets: s.any.size()}
		if t.tied {
			w.Conditions = []string{"what the way there asks"}
		}
		id.Grants = append(id.Grants, w)
		id.Through = append(id.Through, a.ID)
		return
	}
	id.Grants = append(id.Grants, s.class.spelled...)
	id.Boundaries = s.class.bounded
	if s.own != nil {
		id.Grants = append(id.Grants, s.own.list...)
	}
	if s.root {
		id.Grants = append(id.Grants, Way{Via: "the root user may do everything in its account", Levels: AllLevels.Names(), Assets: v.objects.whole(accountOf(a)).size()})
	}
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

// turns lists whom an identity may act as: roles that trust it, what it runs
// as, groups it is in, and roles that trust its account and that its policies
// let it assume. What a service may take is left out: it acts for its customer.
func (v *view) turns(n estate.Node) []turn {
	a := v.snap.Asset(n)
	if a.Type == aws.ServicePrincipalType {
		return nil
	}
	var out []turn
	for e := range v.snap.In(n) {
		if e.Type != estate.Trusts || strings.HasSuffix(a.ID, ":root") && v.snap.Asset(e.Node).Account == accountOf(a) {
			continue // what trusts its own account is for those whom their policies let
		}
		if may, tied := v.permitted(n, e.Node); may {
			out = append(out, turn{e.Node, tied || v.tiedTrust[trust{e.Node, statementIn(e.Evidence)}]})
		}
	}
	for e := range v.snap.Out(n) {
		to := v.snap.Asset(e.Node)
		switch {
		case e.Type == estate.RunsAs && isIdentity(to):
			out = append(out, turn{e.Node, a.Cloud == estate.Kubernetes && v.anyTied(e.Node)})
		case e.Type == estate.MemberOf && to.Type == kubernetes.GroupType:
			out = append(out, turn{e.Node, false})
		}
	}
	if principal(a) {
		out = append(out, v.assumed(v.classOf(n, a.Account))...)
	}
	return out
}

// assumed lists the roles that trust an account as a whole and that a class's
// policies let it assume.
func (v *view) assumed(c *class) []turn {
	if c.turned {
		return c.turns
	}
	c.turned = true
	i := bit(Run)
	for _, r := range c.sts.at(i) {
		for k := r.lo; k < r.hi; k++ {
			role := v.roles.all[k].node
			c.turns = append(c.turns, turn{role, !c.sts.sure[i].has(k) || v.roles.all[k].tied})
		}
	}
	return c.turns
}

// anyTied reports whether a statement of a role's trust has conditions by which
// a pod takes it. What is said to other services is no matter of the pod's.
func (v *view) anyTied(role estate.Node) bool {
	if known, ok := v.anyTrust[role]; ok {
		return known
	}
	tied := false
	for e := range v.snap.Out(role) {
		if to := v.snap.Asset(e.Node); to.Type == aws.ServicePrincipalType && !strings.HasPrefix(to.ID, "pods.eks.") {
			continue
		}
		tied = tied || e.Type == estate.Trusts && v.tiedTrust[trust{role, statementIn(e.Evidence)}]
	}
	v.anyTrust[role] = tied
	return tied
}

// statementIn is the number of the statement in an evidence's path; -1 if it
// holds none.
func statementIn(evidence string) int {
	_, rest, found := strings.Cut(evidence, "Statement[")
	if !found {
		return -1
	}
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
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
