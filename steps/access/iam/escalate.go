package iam

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Administrator is the target of a principal who gives himself every right.
const Administrator = "administrator"

// Escalation is one shortest way by which a principal who is no administrator
// becomes one.
type Escalation struct {
	// Principal is the ARN of who can.
	Principal string `json:"principal"`
	// Target is the administrator he becomes, an ARN, or Administrator if he
	// becomes one under his own name.
	Target string `json:"target"`
	// Technique of the last step, which makes an administrator: the id of
	// pathfinding.cloud where that catalogue has it, else ours.
	Technique string `json:"technique"`
	// Title says the technique in words.
	Title string `json:"title"`
	// Gain is "full", or "bounded" if the target only does for the principal what
	// a service does at a caller's word.
	Gain string `json:"gain"`
	// Decision is the weakest of the steps': Allow, Conditional or Unknown.
	Decision Decision `json:"decision"`
	Path     []Step   `json:"path"`
	// Unknown says what the way hangs on, if that was not read.
	Unknown []string `json:"unknown,omitempty"`
	// Assumed says what was taken for given without having been read.
	Assumed []string `json:"assumed,omitempty"`
}

// Step is one step of a way: from becomes to.
type Step struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Technique string   `json:"technique"`
	Actions   []string `json:"actions"`
	Because   []Reason `json:"because"`
	// Via is the resource that already acts as To, where there is one.
	Via string `json:"via,omitempty"`
	// Waits says what must happen without the principal's doing.
	Waits string `json:"waits,omitempty"`
}

// Carrier is a resource that acts as a role: a function, an instance, a job.
type Carrier struct {
	ARN  string
	Type string // as CloudFormation spells it
	Role string // ARN of the role

	every bool // it stands for any of its type, none of which was read; Role says nothing then
}

// Surroundings answer what the estate says beside policies.
type Surroundings interface {
	// Carriers lists the resources of a type that act as a role. complete says
	// that all of that type in the account are known.
	Carriers(account, cloudFormationType string) (list []Carrier, complete bool)
	// Fact says whether a fact of reference.RouteFact holds; known is false if
	// that was not read. c is nil where no carrier is meant.
	Fact(name string, p, target *Principal, c *Carrier) (holds, known bool)
}

// edge is one step that is possible. There may be millions of them, so it holds
// what finds the rest again.
type edge struct {
	from, to int32 // numbers of principals; to is -1 for Administrator
	route    int32
	decision Decision
	// sure says that via acts as the target; else it stands for any resource of
	// its type, none of which was read.
	sure bool
	via  *Carrier
	// group that the taker joins, or the managed policy that he attaches, where
	// that is the step.
	group string
	// ending numbers target and technique of a last step.
	ending int32
	// then is the route by which he goes on with the group's rights, -1 for none;
	// after is he himself with them.
	then  int32
	after *Principal
	// open says that it is not known whether the step leads anywhere, and why.
	open *openEnd
}

// taken is a step in full.
type taken struct {
	ok       bool
	decision Decision
	calls    []Request
	on       []string // of each call: what it must be made on, "*" for any
	unknown  []string
	assumed  []string
	made     map[string]string // the resource of each type that the calls are on
	attached int               // policies that the calls attach
}

// climb is the working of one Escalations call.
type climb struct {
	w       *World
	around  Surroundings
	routes  []reference.Route
	single  int // routes from here on were put together of two
	people  []*Principal
	number  map[string]int
	admin   []Decision // of each principal; Deny if he is none
	bits    map[string]int
	may     []bitset // of each principal: route actions his policies speak of
	needs   []bitset // of each route
	named   []action // of each of bits
	trusts  map[trustKey]Decision
	answers map[askKey]Decision
	pins    map[askKey]pinned
	shapes  shapes
	words   words
	// Who is alike: see kin.
	numbers  map[*Principal]int32
	kins     []kin
	sayings  map[saidKey]*said
	policies map[*Policy]int32
	asking   map[*Policy]bool
	// Room for keys.
	key, partyKey []byte
	patterns      map[kindOf]string
	// meetings are resources where a statement's pattern meets a type's.
	meetings map[[2]string]meeting
	// leavings are resources of a type that a NotResource leaves.
	leavings  map[leaving]meeting
	into      [][]edge // edges into each principal
	own       [][]edge // edges into Administrator, by principal
	raised    [][]edge // those into somebody who is given everything first
	openEnds  map[int32]*openEnd
	spoken    map[*Policy]bitset
	wholes    map[string]Decision
	thorough  map[string]bool
	able      [][]able   // of each route into others: who may take it
	full      []Decision // of each principal: whether he would be one, were he given everything
	stages    []stage    // of each principal: how he came to be
	surest    []Decision // of each principal: how sure his best way is, once reach was asked
	fresh     map[freshKey]bool
	attaching attaching
	bands     bands                                   // once somebody's ways were sought
	contexts  map[*reference.Need]map[string][]string // of calls that have just one
	have      []stampedAt                             // by principal
	turn      int32
	room      []edge // for those that are looked for
	accounts  map[string]int32
	lessers   map[string]lessers
	bounds    map[string][]*Policy   // by account: the boundaries of its users and roles, nil first
	boundsIn  map[askedIn][]boundary // those that conditions of a policy ask for
	attaches  []bool                 // of each of bits: whether the call carries a policy's ARN
	ctx       context.Context
}

// able is somebody who is allowed all calls of a route that do not hang on the
// target.
type able struct {
	who   int32
	party int32
	part  taken
}

type trustKey struct {
	role    int
	service string
}

type askKey struct {
	principal *Principal // nil for all who are kin
	kin       int32
	action    string
	value     string
}

type bitset []uint64

func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 == 1 }
func (b bitset) any() bool {
	return slices.ContainsFunc(b, func(word uint64) bool { return word != 0 })
}
func (b bitset) covers(x bitset) bool {
	for i := range x {
		if x[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// Escalations lists, for every principal who is no administrator and can become
// one, one shortest way for each target and technique, in order of principal,
// target and technique. routes are those of reference.Routes.
//
// An administrator is who is allowed every action on every resource by his own
// policies, within his boundary and his organisation's policies, and is not
// refused the calls by which rights are given.
//
// It goes backwards: from the administrators to all who can become one of them
// in one step, from these on, until nobody is added; then forwards from each.
func (w *World) Escalations(ctx context.Context, routes []reference.Route, around Surroundings) ([]Escalation, error) {
	c, err := w.climb(ctx, routes, around)
	if err != nil {
		return nil, err
	}
	if err := c.back(); err != nil {
		return nil, err
	}
	return c.forth()
}

// Climbers says of each principal who is no administrator and can become one
// how sure that is: the weakest step of the surest way. It finds whom
// Escalations lists with the gain "full", by the same rules, and no ways; that
// is a fraction of the work.
func (w *World) Climbers(ctx context.Context, routes []reference.Route, around Surroundings) (map[string]Decision, error) {
	full := slices.DeleteFunc(slices.Clone(routes), func(r reference.Route) bool { return r.Gain == "bounded" })
	c, err := w.climb(ctx, full, around)
	if err != nil {
		return nil, err
	}
	return c.reach()
}

// climb prepares a search. Of those who are thorough also what they need no more,
// since they can climb otherwise, is looked for.
func (w *World) climb(ctx context.Context, routes []reference.Route, around Surroundings, thorough ...string) (*climb, error) {
	people := slices.Clone(w.principals)
	single := len(routes)
	routes = append(slices.Clip(routes), compounds(routes)...)
	c := w.climbOf(ctx, routes, single, around)
	for _, arn := range thorough {
		c.thorough[arn] = true
	}
	c.enrol(people, make([]stage, len(people)))
	if err := c.staged(); err != nil {
		return nil, err
	}
	c.words = newWords(c.routes)
	return c, nil
}

// equip finds who of the people from a number on can take which route, and who of
// them raises others by one.
func (c *climb) equip(from int) error {
	for r := range c.routes[:c.single] {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		at := len(c.able[r])
		c.able[r] = append(c.able[r], c.ableTo(r, from, func(int) bool { return true })...)
		c.raise(r, at)
	}
	// What was put together serves those who have no shorter way.
	simple := make([]bool, len(c.people))
	for i := from; i < len(c.people); i++ {
		simple[i] = isOne(c.admin[i]) || c.hasWay(i)
	}
	for r := c.single; r < len(c.routes); r++ {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if raises(&c.routes[r]) {
			at := len(c.able[r])
			c.able[r] = append(c.able[r], c.ableTo(r, from, func(who int) bool { return !simple[who] })...)
			c.raise(r, at)
		}
	}
	return nil
}

// climbOf is a climb without people.
func (w *World) climbOf(ctx context.Context, routes []reference.Route, single int, around Surroundings) *climb {
	c := &climb{
		w: w, ctx: ctx, around: around, routes: routes, single: single, able: make([][]able, len(routes)),
		number: map[string]int{}, numbers: map[*Principal]int32{}, accounts: map[string]int32{}, bits: map[string]int{},
		openEnds: map[int32]*openEnd{}, thorough: map[string]bool{}, fresh: map[freshKey]bool{}, wholes: map[string]Decision{},
		spoken: map[*Policy]bitset{}, sayings: map[saidKey]*said{}, policies: map[*Policy]int32{}, asking: map[*Policy]bool{}, bounds: map[string][]*Policy{}, boundsIn: map[askedIn][]boundary{}, lessers: map[string]lessers{},
		trusts: map[trustKey]Decision{}, answers: map[askKey]Decision{}, pins: map[askKey]pinned{}, meetings: map[[2]string]meeting{}, leavings: map[leaving]meeting{},
		contexts: map[*reference.Need]map[string][]string{}, patterns: map[kindOf]string{},
		attaching: attaching{asks: map[*Policy]bool{}, giving: map[string][]string{}, writes: map[*Principal][]write{}},
	}
	c.prepare()
	c.shape()
	return c
}

// enrol adds people to a climb.
func (c *climb) enrol(people []*Principal, stages []stage) {
	from, n := len(c.people), len(people)
	c.people, c.stages = append(c.people, people...), append(c.stages, stages...)
	c.may, c.into, c.own, c.raised = append(c.may, make([]bitset, n)...), append(c.into, make([][]edge, n)...), append(c.own, make([][]edge, n)...), append(c.raised, make([][]edge, n)...)
	c.admin, c.full = append(c.admin, make([]Decision, n)...), append(c.full, make([]Decision, n)...)
	c.shapes.admitted = append(c.shapes.admitted, make([]*admitted, n)...)
	for _, d := range c.shapes.drawings {
		d.who = nil // of fewer people
	}
	clear(c.bounds)
	clear(c.boundsIn)
	clear(c.lessers)
	for i := from; i < len(c.people); i++ {
		p := c.people[i]
		if c.numbers[p] = int32(i); !c.isStage(i) {
			c.number[p.ARN] = i
		}
		if !c.w.trustUnread(p) {
			c.shapes.admitted[i] = c.w.resources[p.ARN].Policy.admits()
		}
		c.may[i] = make(bitset, len(c.bits)/64+1)
		for _, pol := range p.Policies {
			s := c.speaks(pol)
			for k := range s {
				c.may[i][k] |= s[k]
			}
		}
		if p.Unread != "" {
			for k := range c.may[i] {
				c.may[i][k] = ^uint64(0)
			}
		}
		c.admin[i] = c.w.IsAdministrator(p)
		c.full[i] = c.whole(int32(i))
	}
}

// whole says whether somebody would be an administrator, were he given everything.
func (c *climb) whole(i int32) Decision {
	if c.admin[i] != Deny {
		return c.admin[i]
	}
	key, shared := c.wholeKey(i)
	got, ok := c.wholes[key]
	if !ok || !shared {
		after := *c.people[i]
		after.Policies = append(slices.Clone(after.Policies), c.w.everything)
		got = c.w.IsAdministrator(&after)
	}
	if shared {
		c.wholes[key] = got
	}
	return got
}

// untold says that nothing is known of what a principal may.
func (p *Principal) untold() bool { return p.Unread != "" && len(p.Policies) == 0 }

// Untold lists the users and roles, by ARN, of whom it cannot be told whether
// they can become administrator or who can become them, since their policies or
// whom they trust were not read. Escalations leaves them out: with everything
// open, everybody would lead through them.
func (w *World) Untold() []string {
	var out []string
	for _, p := range w.principals {
		if (p.Kind == User || p.Kind == Role) && (p.untold() || p.Kind == Role && w.trustUnread(p)) {
			out = append(out, p.ARN)
		}
	}
	slices.Sort(out)
	return out
}

// trustUnread says that it is not known whom a role trusts.
func (w *World) trustUnread(p *Principal) bool {
	on := w.resources[p.ARN]
	return on == nil || on.Unread != "" || on.Policy != nil && on.Policy.unread != ""
}

// IsAdministrator says whether a principal is one: Allow, Conditional if only
// some of his requests are, Deny, or Unknown.
func (w *World) IsAdministrator(p *Principal) Decision {
	if !slices.ContainsFunc(p.Policies, (*Policy).mayAllowAll) && p.Kind != Root {
		return Deny
	}
	d := w.decision(&Request{Principal: p, Action: "*", Resource: "*"})
	d.weigh()
	gates := []*gate{&d.identity}
	if p.Boundary != nil {
		gates = append(gates, &d.boundary)
	}
	if len(p.Session) > 0 {
		gates = append(gates, &d.session)
	}
	for i := range d.scps {
		gates = append(gates, &d.scps[i])
	}
	out := Allow
	for _, g := range gates {
		switch {
		case g.t == no, g.t == open && !d.whole(g):
			d.release()
			return Deny
		case g.t == open:
			out = Conditional
		}
	}
	d.release()
	for _, action := range givingRights {
		switch got := w.Decide(Request{Principal: p, Action: action, Resource: "arn:aws:iam::" + p.Account + ":*"}); got {
		case Deny:
			return Deny
		case Unknown:
			return Unknown
		}
	}
	return out
}

// mayAllowAll says that some statement of a policy may allow every action. None
// does in most, and then there is nothing to weigh.
func (p *Policy) mayAllowAll() bool {
	return slices.ContainsFunc(p.index.always, func(i int32) bool {
		s := &p.Statements[i]
		if s.Deny && !s.noEffect || s.notAction && len(s.actions) > 0 {
			return false
		}
		return s.wrong != "" || len(s.actions) == 0 || slices.ContainsFunc(s.actions, func(a Pattern) bool { return a.shape == any_ || a.shape == general && a.elements[0] == many })
	})
}

// givingRights are the calls without which nobody is an administrator.
var givingRights = []string{"iam:AttachRolePolicy", "iam:AttachUserPolicy", "iam:PutRolePolicy", "iam:CreatePolicyVersion", "iam:PassRole"}

// whole says that some statement of an open gate allows everything, so that
// what is open are its conditions.
func (d *decider) whole(g *gate) bool {
	for i := range g.open {
		only := true
		for _, l := range slices.Concat(g.open[i].lits, g.open[i].any) {
			if l.key == keyAction || l.key == keyResource || l.opaque > 0 {
				only = false
			}
		}
		if only {
			return true
		}
	}
	return false
}

// prepare reads what the routes ask.
func (c *climb) prepare() {
	for i := range c.routes {
		for k := range c.routes[i].Needs {
			n := &c.routes[i].Needs[k]
			if context, ok := fixedContext(n); ok {
				c.contexts[n] = context
			}
			if _, ok := c.bits[n.Action]; !ok {
				c.bits[n.Action] = len(c.bits)
			}
		}
	}
	words := len(c.bits)/64 + 1
	actions := make([]action, len(c.bits))
	for name, i := range c.bits {
		actions[i] = newAction(name)
		actions[i].numberOf(c.w.names)
	}
	c.named, c.kins, c.attaches = actions, make([]kin, len(actions)), make([]bool, len(actions))
	c.needs = make([]bitset, len(c.routes))
	for i := range c.routes {
		c.needs[i] = make(bitset, words)
		for _, n := range c.routes[i].Needs {
			if n.Action == "sts:AssumeRole" || c.routes[i].Target == "group" {
				continue // a trust policy may allow it alone
			}
			c.needs[i].set(c.bits[n.Action])
			if _, ok := n.Context[policyARN]; ok {
				c.attaches[c.bits[n.Action]] = true
			}
		}
	}
}

// wholeKey is equal for principals who, were they given everything, would be
// administrators or not alike. shared is false if somebody must be asked about
// himself.
func (c *climb) wholeKey(who int32) (key string, shared bool) {
	p := c.people[who]
	out := c.partyKey[:0]
	for _, action := range givingRights {
		bit, ok := c.bits[action]
		if !ok {
			return "", false
		}
		n := c.kinOf(who, int32(bit))
		if c.kins[bit].all[n].alone {
			return "", false
		}
		out = binary.AppendUvarint(out, uint64(n))
	}
	if p.Boundary != nil {
		if c.asks(p.Boundary) {
			return "", false
		}
		out = binary.AppendUvarint(out, uint64(c.policyNumber(p.Boundary)))
	}
	if a := c.w.accounts[p.Account]; a != nil {
		for _, level := range a.SCPs {
			if slices.ContainsFunc(level, c.asks) {
				return "", false
			}
		}
	}
	c.partyKey = out
	return string(out), true
}

// asks says that some statement of a policy asks who exactly makes the request.
func (c *climb) asks(p *Policy) bool {
	got, ok := c.asking[p]
	if !ok {
		got = slices.ContainsFunc(p.Statements, func(s Statement) bool { return s.asksWho(c.w.names) })
		c.asking[p] = got
	}
	return got
}

// speaks lists the actions that a policy may allow, once for each policy.
func (c *climb) speaks(p *Policy) bitset {
	got, ok := c.spoken[p]
	if !ok {
		got = speaks(p, c.named, len(c.bits)/64+1)
		c.spoken[p] = got
	}
	return got
}

func speaks(p *Policy, actions []action, words int) bitset {
	out := make(bitset, words)
	for i := range actions {
		if p.unread != "" {
			out.set(i)
			continue
		}
		p.each(&actions[i], func(s *Statement) bool {
			if !s.Deny || s.wrong != "" {
				out.set(i)
				return false
			}
			return true
		})
	}
	return out
}

// candidate says that a principal may be able to take a route, by his own
// policies.
func (c *climb) candidate(i, route int) bool {
	r := &c.routes[route]
	p := c.people[i]
	switch {
	case p.Kind != User && p.Kind != Role, p.ServiceLinked, p.untold():
		return false
	case r.From == "user" && p.Kind != User, r.From == "role" && p.Kind != Role:
		return false
	}
	return c.may[i].covers(c.needs[route])
}

// weaker is the weaker of two decisions on steps that must both be taken:
// Unknown is weakest, since nothing is known of the whole way then.
func weaker(a, b Decision) Decision {
	if a == Deny || b == Deny {
		return Deny
	}
	return min(a, b)
}

// short is the last part of an ARN, for sentences.
func short(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
