package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// reach is which objects are touched and how. Both parts are indexed by the
// bit of the level. What is in sure is given without a condition; what is in
// tied alone hangs on one that nobody weighed.
type reach struct {
	sure, tied [4]spans
}

// any is everything in it, whatever the level.
func (r *reach) any() spans {
	var out spans
	for i := range r.sure {
		out = join(join(out, r.sure[i]), r.tied[i])
	}
	return out
}

// at is what is touched at one level.
func (r *reach) at(level int) spans { return join(r.sure[level], r.tied[level]) }

func (r *reach) add(l Level, s spans, tied bool) {
	if len(s) == 0 {
		return
	}
	for i := range r.sure {
		switch {
		case l&(1<<i) == 0:
		case tied:
			r.tied[i] = join(r.tied[i], s)
		default:
			r.sure[i] = join(r.sure[i], s)
		}
	}
}

// unite adds another reach, all of it tied if what leads to it is.
func (r *reach) unite(o *reach, tied bool) {
	for i := range r.sure {
		if tied {
			r.tied[i] = join(r.tied[i], o.at(i))
			continue
		}
		r.sure[i], r.tied[i] = join(r.sure[i], o.sure[i]), join(r.tied[i], o.tied[i])
	}
}

// bounded is what a permissions boundary leaves of it.
func (r *reach) bounded(by *reach) reach {
	var out reach
	for i := range r.sure {
		out.sure[i] = meet(r.sure[i], by.sure[i])
		out.tied[i] = less(meet(r.at(i), by.at(i)), out.sure[i])
	}
	return out
}

// without takes objects out at every level.
func (r *reach) without(s spans) {
	for i := range r.sure {
		r.sure[i], r.tied[i] = less(r.sure[i], s), less(r.tied[i], s)
	}
}

// way is one statement by which objects are touched.
type way struct {
	policy     estate.Node
	statement  int // its place in the policy; -1: all of it
	levels     Level
	conditions []string // their keys
	on         spans
}

// deny is one statement that refuses. What it takes at every level and without
// a condition is gone; what else it names is in doubt, by level.
type deny struct {
	way
	takes spans
	by    [4]spans
}

// given is what a policy gives and refuses to the identities of one account.
type given struct {
	reach  reach
	ways   []way
	denies []deny
	why    string  // it could not be read; empty if it could
	edges  []spans // what each pattern names
}

type policyIn struct {
	policy  estate.Node
	account string
}

// policyReach reads a policy once for each account whose identities have it.
func (v *view) policyReach(n estate.Node, account string) *given {
	key := policyIn{n, account}
	if known, ok := v.given[key]; ok {
		return known
	}
	g := &given{}
	v.given[key] = g
	statements, why := v.statementsOf(n)
	g.why = why
	for i := range statements {
		s := &statements[i]
		w := way{policy: n, statement: s.Index, conditions: keysOf(s)}
		d := deny{}
		at := v.placesOf(account)
		if s.Effect == "Deny" {
			at = v.deniable(account)
		}
		for _, p := range at {
			l := granted(s, v.objects.blocks[p.block].service)
			if l == 0 {
				continue
			}
			g.edges = append(g.edges, v.objects.edgesOf(p.block, s)...)
			on := v.objects.resources(p.block, s)
			if p.shared != nil {
				on = meet(on, p.shared.any())
			}
			if len(on) == 0 {
				continue
			}
			w.levels |= l
			w.on = append(w.on, on...)
			if s.Effect == "Allow" {
				g.allow(&p, l, on, len(s.Conditions) > 0)
			} else {
				d.refuse(l, on, v.objects.taken(p.block, s))
			}
		}
		if w.on = tidy(w.on); len(w.on) == 0 {
			continue
		}
		if s.Effect == "Allow" {
			g.ways = append(g.ways, w)
		} else if !transport(s) {
			d.way, d.takes = w, tidy(d.takes)
			g.denies = append(g.denies, d)
		}
	}
	return g
}

// place is a block that an account's identities may touch by their policies:
// all of it if it is the account's own, else what its owners share.
type place struct {
	block  int
	shared *reach
}

// placesOf lists the places of an account's identities.
func (v *view) placesOf(account string) []place {
	if known, ok := v.places[account]; ok {
		return known
	}
	var out []place
	own := map[int]bool{}
	for _, b := range v.objects.inAccount(account) {
		own[b] = true
		out = append(out, place{block: b})
	}
	if shared := v.shared[account]; shared != nil {
		all := shared.any()
		for b := range v.objects.blocks {
			if !own[b] && len(meet(all, spans{v.objects.blocks[b].span})) > 0 {
				out = append(out, place{b, shared})
			}
		}
	}
	v.places[account] = out
	return out
}

// deniable lists the places where a deny counts: an account's own, and all
// blocks of which something is given to the account or to one of its identities.
func (v *view) deniable(account string) []place {
	if known, ok := v.denied[account]; ok {
		return known
	}
	own := map[int]bool{}
	var out []place
	for _, b := range v.objects.inAccount(account) {
		own[b] = true
		out = append(out, place{block: b})
	}
	if given := v.givenTo[account]; len(given) > 0 {
		for b := range v.objects.blocks {
			if !own[b] && len(meet(given, spans{v.objects.blocks[b].span})) > 0 {
				out = append(out, place{block: b})
			}
		}
	}
	v.denied[account] = out
	return out
}

// allow notes what a statement gives in a place. Of what is shared it gives
// no more than its owner does.
func (g *given) allow(p *place, l Level, on spans, tied bool) {
	if p.shared == nil {
		g.reach.add(l, on, tied)
		return
	}
	for i := range p.shared.sure {
		if l&(1<<i) != 0 {
			sure := meet(on, p.shared.sure[i])
			g.reach.add(1<<i, sure, tied)
			g.reach.add(1<<i, less(meet(on, p.shared.tied[i]), sure), true)
		}
	}
}

// add notes what a statement may refuse.
func (d *deny) add(l Level, on spans) {
	for i := range d.by {
		if l&(1<<i) != 0 {
			d.by[i] = join(d.by[i], on)
		}
	}
}

// refuse notes what a statement names, and which of it is gone.
func (d *deny) refuse(l Level, on, gone spans) {
	gone = meet(on, gone)
	d.takes = append(d.takes, gone...)
	d.add(l, less(on, gone))
}

// transport reports whether a statement denies only what comes without TLS,
// or with an old version of it: that takes nothing from anybody.
func transport(s *aws.Statement) bool {
	return s.Effect == "Deny" && len(s.Conditions) > 0 && !slices.ContainsFunc(s.Conditions, func(c aws.Condition) bool {
		key := strings.ToLower(c.Key)
		return key != "aws:securetransport" && key != "s3:tlsversion"
	})
}

// keysOf lists the condition keys of a statement.
func keysOf(s *aws.Statement) []string {
	var out []string
	for _, c := range s.Conditions {
		out = append(out, c.Key)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// administrator is the policy that AWS itself manages and that is known by name
// even where nobody exported it.
const administrator = ":iam::aws:policy/AdministratorAccess"

// statementsOf reads a policy's statements; why says that they are not all.
func (v *view) statementsOf(n estate.Node) (statements []aws.Statement, why string) {
	a := v.snap.Asset(n)
	if a.Referenced {
		if strings.HasSuffix(a.ID, administrator) {
			return []aws.Statement{{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}}}, ""
		}
		return nil, a.ID + " was not read: what it gives is unknown"
	}
	config, err := v.snap.Config(n)
	if err != nil {
		return nil, a.ID + " cannot be read back: " + err.Error()
	}
	statements, problems := documentOf(config)
	switch {
	case len(problems) > 0:
		why = fmt.Sprintf("%s could not be understood (%s: %s): what it gives is unknown", a.ID, problems[0].Path, problems[0].Why)
	case len(statements) == 0 && !strings.Contains(string(config), `"Statement"`):
		why = a.ID + " was read without its document: what it gives is unknown"
	}
	return statements, why
}

// attached lists the policies of a user or role, its groups' included, and its
// boundaries.
func (v *view) attached(n estate.Node) (policies, boundaries []estate.Node) {
	for e := range v.snap.Out(n) {
		switch {
		case e.Type == estate.Attached && strings.Contains(e.Evidence, "PermissionsBoundary"):
			boundaries = append(boundaries, e.Node)
		case e.Type == estate.Attached:
			policies = append(policies, e.Node)
		case e.Type == estate.MemberOf && v.snap.Asset(e.Node).Type == "AWS::IAM::Group":
			for g := range v.snap.Out(e.Node) {
				if g.Type == estate.Attached {
					policies = append(policies, g.Node)
				}
			}
		}
	}
	slices.Sort(policies)
	slices.Sort(boundaries)
	return slices.Compact(policies), slices.Compact(boundaries)
}

// class is what all identities share that have the same policies.
type class struct {
	reach  reach
	ways   []way
	denies []deny
	unread []string
	sts    reach // roles it may assume, in v.roles
	// fences are the boundaries' statements, and refusals the denies, that
	// count where a role is assumed.
	fences   [][]aws.Statement
	refusals []*aws.Statement
	order    *order // what the organisation leaves to it
	// bounded are the boundaries that were weighed.
	bounded []string
	turns   []turn // what sts comes to, once turned
	turned  bool
	edges   []spans // what each pattern of policies and boundaries names
	spelled []Way   // ways in words
	refuses []Way   // denies in words
}

// classOf finds what an identity's policies give it.
func (v *view) classOf(n estate.Node, account string) *class {
	policies, boundaries := v.attached(n)
	free := strings.Contains(v.snap.Asset(n).ID, ":role/aws-service-role/")
	key := fmt.Sprint(account, policies, boundaries, free)
	if known, ok := v.classes[key]; ok {
		return known
	}
	c := &class{order: &order{}}
	if !free { // service-linked roles stand outside the organisation's policies
		c.order = v.organisation(account)
	}
	v.classes[key] = c
	for _, p := range policies {
		g := v.policyReach(p, account)
		c.reach.unite(&g.reach, false)
		c.ways = append(c.ways, g.ways...)
		c.denies = append(c.denies, g.denies...)
		c.edges = append(c.edges, g.edges...)
		if g.why != "" {
			c.unread = append(c.unread, g.why)
		}
		statements, _ := v.statementsOf(p)
		c.sts.unite(v.assumes(statements, account), false)
		c.refusals = append(c.refusals, refusing(statements)...)
	}
	for _, b := range boundaries {
		g := v.policyReach(b, account)
		id := v.snap.Asset(b).ID
		if g.why != "" {
			c.unread = append(c.unread, "permissions boundary "+g.why)
			continue
		}
		c.reach = c.reach.bounded(&g.reach)
		c.denies = append(c.denies, g.denies...)
		c.edges = append(c.edges, g.edges...)
		c.bounded = append(c.bounded, id)
		statements, _ := v.statementsOf(b)
		c.sts = c.sts.bounded(v.assumes(statements, account))
		c.fences, c.refusals = append(c.fences, statements), append(c.refusals, refusing(statements)...)
	}
	c.denies = append(c.denies, c.order.denies...)
	c.refusals = append(c.refusals, c.order.refusals...)
	v.fence(c, account)
	c.spelled = sortWays(v.spell(c.ways))
	c.refuses = v.inWords(c.denies)
	return c
}

// inWords turns denies into what is shown.
func (v *view) inWords(denies []deny) []Way {
	var out []Way
	for i := range denies {
		d := v.spell([]way{denies[i].way})[0]
		d.Takes = len(denies[i].takes) > 0
		out = append(out, d)
	}
	return sortWays(out)
}
