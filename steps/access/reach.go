package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// What policies name is not what is allowed: it says which objects are worth a
// question to the engine, and where in their order the answer may change. Both are
// found once for all identities that have the same policies.

// reach is which objects are touched and how. Both parts are indexed by the
// bit of the level. What is in sure is allowed whatever else the request carries;
// what is in tied alone hangs on conditions.
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

// way is one statement that names objects, and the levels of its actions.
type way struct {
	policy     estate.Node
	says       *aws.Statement // its place and actions
	levels     Level
	conditions []string // their keys
	on         spans
}

// given is what a policy names for the identities of one account.
type given struct {
	allows    []allows
	on        spans // what is allowed of, before anything bounds or refuses it
	ways      []way
	roles     spans   // of v.roles, that may be taken by it
	why       string  // it could not be read; empty if it could
	edges     []spans // what each pattern names, and of v.roles
	roleEdges []spans
}

// allows is what is kept of a statement that allows: of large estates the
// resources and conditions of all would be tens of megabytes.
type allows struct {
	says        *aws.Statement // its place and actions
	conditional bool
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
	var statements []aws.Statement
	statements, g.why = v.statementsOf(n)
	for i := range statements {
		s := &statements[i]
		v.edges(g, s, account)
		if s.Effect != "Allow" {
			continue
		}
		w := way{policy: n, says: &aws.Statement{Index: s.Index, Actions: s.Actions, NotActions: s.NotActions}, conditions: keysOf(s)}
		g.allows = append(g.allows, allows{w.says, len(s.Conditions) > 0})
		for _, p := range v.placesOf(account) {
			l := granted(s, v.objects.blocks[p.block].service)
			if l == 0 {
				continue
			}
			on := v.objects.resources(p.block, s)
			if p.shared != nil {
				on = meet(on, p.shared)
			}
			if len(on) > 0 {
				w.levels |= l
				w.on = append(w.on, on...)
			}
		}
		if w.on = tidy(w.on); len(w.on) > 0 {
			g.ways = append(g.ways, w)
			g.on = join(g.on, w.on)
		}
		if concerns(s, assumeRole) {
			for _, b := range v.roles.of[account] {
				g.roles = join(g.roles, v.roles.resources(b, s))
			}
		}
	}
	return g
}

// edges notes where what a statement names begins and ends. A refusal counts for
// whatever is given to the account by others too.
func (v *view) edges(g *given, s *aws.Statement, account string) {
	for _, b := range v.concerned(account) {
		if granted(s, v.objects.blocks[b].service) != 0 {
			g.edges = append(g.edges, v.objects.edgesOf(b, s)...)
		}
	}
	if concerns(s, assumeRole) {
		for _, b := range v.roles.of[account] {
			g.roleEdges = append(g.roleEdges, v.roles.edgesOf(b, s)...)
		}
	}
}

// place is a block that an account's identities may touch by their policies:
// all of it if it is the account's own, else what its owners share.
type place struct {
	block  int
	shared spans
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
	if shared := join(v.shared[account], v.public); len(shared) > 0 {
		for b := range v.objects.blocks {
			if !own[b] && len(meet(shared, spans{v.objects.blocks[b].span})) > 0 {
				out = append(out, place{b, shared})
			}
		}
	}
	v.places[account] = out
	return out
}

// concerned lists the blocks about which an account's policies may say something:
// its own, and all of which something is given to it, to one of its identities or to
// everyone.
func (v *view) concerned(account string) []int {
	if known, ok := v.spoken[account]; ok {
		return known
	}
	out := slices.Clone(v.objects.inAccount(account))
	if given := join(v.givenTo[account], v.public); len(given) > 0 {
		for b := range v.objects.blocks {
			if !slices.Contains(out, b) && len(meet(given, spans{v.objects.blocks[b].span})) > 0 {
				out = append(out, b)
			}
		}
	}
	v.spoken[account] = out
	return out
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

// statementsOf reads a policy's statements; why says that they are not all. Those
// that AWS itself manages are known where nobody exported them.
func (v *view) statementsOf(n estate.Node) (statements []aws.Statement, why string) {
	a := v.snap.Asset(n)
	if a.Referenced {
		if doc, ok := reference.Managed(a.ID); ok {
			if statements, problems := aws.Statements(doc); len(problems) == 0 {
				return statements, ""
			}
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
	account  string
	policies []*given
	on       spans // what the policies name
	ways     []way
	unread   []string
	bounded  []string // ids of its boundaries
	roles    spans    // of v.roles, that its policies let it take
	cuts     []int32  // where what any policy names begins or ends
	roleCuts []int32  // the same of v.roles
	turns    []turn   // what roles comes to, once turned
	turned   bool
	untold   []string // roles of which that could not be told
	asks     map[string]*asking
	// said is what the engine finds in the policies, by type of asset; nil where
	// that does not tell what it decides.
	said map[string]*iam.Sayings
}

// classOf finds what an identity's policies name.
func (v *view) classOf(n estate.Node, account string) *class {
	policies, boundaries := v.attached(n)
	free := strings.Contains(v.snap.Asset(n).ID, ":role/aws-service-role/")
	key := fmt.Sprint(account, policies, boundaries, free)
	if known, ok := v.classes[key]; ok {
		return known
	}
	c := &class{account: account, asks: map[string]*asking{}, said: map[string]*iam.Sayings{}}
	v.classes[key] = c
	var edges, roleEdges []spans
	if !free { // service-linked roles stand outside the organisation's policies
		o := v.organisation(account)
		edges, roleEdges = slices.Clip(o.edges), slices.Clip(o.roleEdges)
	}
	for _, p := range policies {
		g := v.policyReach(p, account)
		c.policies = append(c.policies, g)
		c.on, c.roles = join(c.on, g.on), join(c.roles, g.roles)
		c.ways = append(c.ways, g.ways...)
		edges, roleEdges = append(edges, g.edges...), append(roleEdges, g.roleEdges...)
		if g.why != "" {
			c.unread = append(c.unread, g.why)
		}
	}
	for _, b := range boundaries {
		g := v.policyReach(b, account)
		if g.why != "" {
			c.unread = append(c.unread, "permissions boundary "+g.why)
			continue
		}
		edges, roleEdges = append(edges, g.edges...), append(roleEdges, g.roleEdges...)
		c.bounded = append(c.bounded, v.snap.Asset(b).ID)
	}
	c.cuts, c.roleCuts = cutsOf(edges), cutsOf(roleEdges)
	return c
}

// cutsOf are the places where any of several sets begins or ends.
func cutsOf(edges []spans) []int32 {
	var out []int32
	for _, at := range edges {
		for _, r := range at {
			out = append(out, r.lo, r.hi)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
