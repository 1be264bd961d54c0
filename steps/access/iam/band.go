package iam

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Who can act as several identities has more than any of them: one passes a role and
// another runs what acts as it, one gives rights and another takes them, one rewrites
// whom a role trusts and another is let in. A band is everybody whom somebody can act
// as. What the band can do together is sought until nothing new comes of it, for
// those who have no way alone.

// band is what somebody and all whom he can act as are.
type band struct {
	c       *climb
	least   Decision // what is less sure does not count
	surety  []Decision
	members []member
	in      map[int32]bool // people who are members as they are
	gained  map[string]int // by identity: the last member who is it, with all it was given so far
	made    map[string]bool
	forks   map[string][]fork // by identity: gifts that may take rights away too
	ways    []bandWay
	over    bool // there are more of it than are followed
}

// maxBand bounds how many identities are followed as one. Who can act as more, and
// has no way alone, is a rare and a strange sight; that he has none together is unknown.
const maxBand = 64

// member is somebody of a band.
type member struct {
	p    *Principal
	i    int32 // his number; -1 if he was made or given something by the band
	step *bandStep
}

// bandStep is how a member came in, or became more.
type bandStep struct {
	edge *edge // which one member takes alone, or
	// what several do together:
	route    *reference.Route
	target   *Principal
	carrier  *Carrier
	group    string
	makers   []*Principal // of each need of the route: the member who makes the call
	decision Decision
	made     map[string]string // as in taken
	unknown  []string          // what was not decided, and what was taken for given
	assumed  []string
	after    []int // members who must be what they are before
}

// bandWay is a way to an administrator.
type bandWay struct {
	steps    []*bandStep
	decision Decision
	target   *Principal // nil: one that the band makes, or a member under his own name
	onward   int32      // the target, if he is no administrator and can become one
	last     *bandStep
}

// bands are the ways of those who have none alone, and the steps among them.
type bands struct {
	ways   [][]bandWay      // by principal
	out    map[int32][]edge // steps among those who have no way
	able   map[ableKey]bool
	held   map[heldKey]bool
	halves []reference.Route
	onward map[int32][]*edge // steps of those who have a way, once one is told
}

type ableKey struct {
	who     int32
	r, unit int
}

type heldKey struct {
	ableKey
	carrier string
}

// together finds the ways that several identities make, of those who have none. surety
// says of each of the people how sure his best way is.
func (c *climb) together(surety []Decision) error {
	out, err := c.stepsAmong(surety)
	if err != nil {
		return err
	}
	c.bands = bands{ways: make([][]bandWay, len(c.people)), out: out, able: map[ableKey]bool{}, held: map[heldKey]bool{}}
	for i := range c.people {
		if surety[i] != Deny || c.isStage(i) || len(out[int32(i)]) == 0 {
			continue
		}
		if c.bands.ways[i], err = c.bandWays(int32(i), surety); err != nil {
			return err
		}
	}
	return nil
}

// stepsAmong lists the steps between those who have no way. Nearly all of an account
// can take none, so whom a role may let in is looked up in what it trusts.
func (c *climb) stepsAmong(surety []Decision) (map[int32][]edge, error) {
	all := c.able
	defer func() { c.able = all }()
	c.able = make([][]able, len(all))
	assume := -1
	var ask []able // those whose own policies speak of assuming roles
	named := map[string]*able{}
	for r := range all[:c.single] {
		for k := range all[r] {
			a := &all[r][k]
			if surety[a.who] != Deny {
				continue
			}
			if c.routes[r].ID != "sts.assume-role" {
				c.able[r] = append(c.able[r], *a)
				continue
			}
			assume = r
			if c.may[a.who].has(c.bits["sts:AssumeRole"]) {
				ask = append(ask, *a)
			} else if !c.isStage(int(a.who)) {
				named[c.people[a.who].ARN] = a
			}
		}
	}
	out := map[int32][]edge{}
	for t, p := range c.people {
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		if surety[t] != Deny || p.Kind != Role && p.Kind != User {
			continue
		}
		if assume >= 0 {
			c.able[assume] = ask
			switch in := c.shapes.admitted[t]; {
			case in == nil:
				c.able[assume] = nil
			case in.anybody:
				c.able[assume] = slices.DeleteFunc(slices.Clone(all[assume]), func(a able) bool { return surety[a.who] != Deny })
			default:
				c.able[assume] = slices.Clip(ask)
				for _, arn := range in.arns {
					if a := named[arn]; a != nil {
						c.able[assume] = append(c.able[assume], *a)
					}
				}
			}
		}
		for _, e := range c.edges(t, func(who int32) bool { return surety[who] == Deny }) {
			out[e.from] = append(out[e.from], e)
		}
	}
	return out, nil
}

// bandWays lists a way to each administrator and by each technique, the surest kind
// there is.
func (c *climb) bandWays(i int32, surety []Decision) ([]bandWay, error) {
	grown := func(least Decision) (*band, error) {
		b := &band{c: c, least: least, surety: surety, in: map[int32]bool{i: true}, gained: map[string]int{}, made: map[string]bool{}, forks: map[string][]fork{}}
		b.join(member{p: c.people[i], i: i})
		return b, b.grow()
	}
	any, err := grown(Unknown) // most have none, whatever counts
	if err != nil {
		return nil, err
	}
	if len(any.ways) == 0 && any.over {
		first := *any.members[1].step
		first.decision, first.unknown = Unknown, append(first.unknown, fmt.Sprintf("what more than %d identities that %s can act as can do together", maxBand, short(c.people[i].ARN)))
		any.arrive(&first, any.members[1].i, any.members[1].p)
		any.ways[0].onward = -1
	}
	if len(any.ways) == 0 {
		return nil, nil
	}
	for _, least := range []Decision{Allow, Conditional} {
		if b, err := grown(least); err != nil || len(b.ways) > 0 {
			return b.ways, err
		}
	}
	return any.ways, nil
}

// counts says that a step is sure enough.
func (b *band) counts(d Decision) bool { return rankOf(d) >= rankOf(b.least) }

func (b *band) join(m member) {
	b.gained[m.p.ARN] = len(b.members)
	b.members = append(b.members, m)
}

// grow adds to a band all that it can become and give, until nothing is new.
func (b *band) grow() error {
	for from := 0; from < len(b.members); {
		if err := b.c.ctx.Err(); err != nil {
			return err
		}
		if b.over = len(b.members) > maxBand; b.over {
			return nil
		}
		until := len(b.members)
		for k := from; k < until; k++ {
			b.follow(k)
		}
		b.become(from)
		b.give()
		b.create()
		from = until
	}
	return nil
}

// follow takes the steps that a member takes alone.
func (b *band) follow(k int) {
	m := b.members[k]
	if m.i < 0 {
		return
	}
	out := b.c.bands.out[m.i]
	for e := range out {
		// What somebody is given the band gives anew.
		if e := &out[e]; !(b.c.isStage(int(e.to)) && b.c.stages[e.to].what&wasMade == 0) && !b.in[e.to] && b.counts(e.decision) {
			b.in[e.to] = true
			b.join(member{p: b.c.people[e.to], i: e.to, step: &bandStep{edge: e, decision: e.decision, after: []int{k}}})
		}
	}
}

// become takes the routes into others whose calls several members make, or one who
// was made or given something. from is the first member who is new.
func (b *band) become(from int) {
	c := b.c
	type open struct {
		r     int
		units [][]int
		can   [][]int
	}
	var routes []open
	changed := slices.ContainsFunc(b.members, func(m member) bool { return m.i < 0 })
	for r := range c.routes[:c.single] {
		route := &c.routes[r]
		if route.Gain != "become" || route.Target != "role" && route.Target != "user" {
			continue
		}
		units := c.unitsOf(route)
		if len(units) == 1 && !changed {
			continue // the steps of each alone are known
		}
		if can, fresh := b.takers(r, route, units, from); fresh {
			routes = append(routes, open{r, units, can})
		}
	}
	for t := range c.people {
		for k := range routes {
			if o := &routes[k]; !b.in[int32(t)] && b.fits(o.r, o.units, o.can, int32(t)) {
				b.becomeOne(o.r, o.units, o.can, t)
			}
		}
	}
}

// takers lists who can make the calls of each unit that do not hang on the target;
// ok says that every unit has one, and some unit a new one.
func (b *band) takers(r int, route *reference.Route, units [][]int, from int) (can [][]int, ok bool) {
	can = make([][]int, len(units))
	for u, needs := range units {
		for k := range b.members {
			if b.able(k, r, route, u, needs) {
				can[u] = append(can[u], k)
				ok = ok || k >= from
			}
		}
		if len(can[u]) == 0 {
			return nil, false
		}
	}
	return can, ok
}

// able says that a member can make what of a unit does not hang on the target, or on
// the boundary of what is new.
func (b *band) able(k, r int, route *reference.Route, unit int, needs []int) bool {
	c, m := b.c, &b.members[k]
	if m.p.untold() {
		return false // of whom nothing is known, nothing is told but that: see Untold
	}
	key := ableKey{m.i, r, unit}
	if got, known := c.bands.able[key]; known && m.i >= 0 {
		return got
	}
	got := true
	e := taken{decision: Allow}
	for _, n := range needs {
		need := &route.Needs[n]
		if m.i >= 0 && need.Action != "sts:AssumeRole" && !c.may[m.i].has(c.bits[need.Action]) ||
			route.Target != "new" && partOf(need, route) == freeCalls && !c.takeOne(&e, m.p, nil, need, nil, "", freeCalls) {
			got = false
			break
		}
	}
	if m.i >= 0 {
		c.bands.able[key] = got
	}
	return got
}

// fits says that a route may lead to a target, without the calls being weighed that
// are on what acts as it.
func (b *band) fits(r int, units [][]int, can [][]int, t int32) bool {
	c, route, target := b.c, &b.c.routes[r], b.c.people[t]
	switch {
	case c.isStage(int(t)), target.ServiceLinked, target.untold(), route.Target == "role" && target.Kind != Role, route.Target == "user" && target.Kind != User,
		target.Kind != Role && target.Kind != User, b.surety[t] != Deny && !b.counts(b.surety[t]),
		len(route.Service) > 0 && c.admits(int(t), route.Service) == Deny:
		return false
	}
	for u, needs := range units {
		if !slices.ContainsFunc(can[u], func(k int) bool { return b.mayOn(&b.members[k], r, needs, t) }) {
			return false
		}
	}
	return true
}

// several says that the calls of a route may be made by several members where none of
// the people can make all: what one does alone is known.
func (b *band) several(r int, units [][]int, can [][]int, t int32, carrier *Carrier) bool {
	var all []int // who may make the calls of every unit
	for u, needs := range units {
		some := false
		var too []int
		for _, k := range can[u] {
			m := &b.members[k]
			if !b.holds(m, r, u, needs, t, carrier) || !b.mayOn(m, r, needs, t) {
				continue
			}
			some = true
			if m.i >= 0 && (u == 0 || slices.Contains(all, k)) {
				too = append(too, k)
			}
		}
		if !some {
			return false
		}
		all = too
	}
	return len(all) == 0
}

// holds says that a member is allowed the calls of a unit on what acts as the target,
// so far as that is known without weighing them with the others.
func (b *band) holds(m *member, r, unit int, needs []int, t int32, carrier *Carrier) bool {
	c, route := b.c, &b.c.routes[r]
	if carrier == nil || m.i < 0 || !c.shapes.apart[r] {
		return true
	}
	key := heldKey{ableKey{m.i, r, unit}, carrier.ARN}
	got, known := c.bands.held[key]
	if !known {
		got = true
		e := taken{decision: Allow}
		for _, n := range needs {
			if need := &route.Needs[n]; need.On == "carrier" && !c.takeOne(&e, m.p, c.people[t], need, carrier, "", heldCalls) {
				got = false
				break
			}
		}
		c.bands.held[key] = got
	}
	return got
}

// mayOn says that a member is allowed the calls of a unit that are on a target, so far
// as that is known without weighing them for him alone.
func (b *band) mayOn(m *member, r int, needs []int, t int32) bool {
	c, route := b.c, &b.c.routes[r]
	if m.p.Account != c.people[t].Account && route.ID != "sts.assume-role" {
		return false
	}
	if m.i < 0 {
		return true
	}
	for k := range c.shapes.calls[r] {
		call := &c.shapes.calls[r][k]
		switch {
		case !slices.ContainsFunc(needs, func(n int) bool { return call.need == &route.Needs[n] }):
		case call.trust && c.trustCalls(m.i, t, r) == Deny, !call.trust && c.kinCall(m.i, t, call) == Deny:
			return false
		}
	}
	return true
}

// becomeOne takes one route into one of the people.
func (b *band) becomeOne(r int, units, can [][]int, t int) {
	c, route, target := b.c, &b.c.routes[r], b.c.people[t]
	admitted := Allow
	if len(route.Service) > 0 {
		if admitted = c.admits(t, route.Service); admitted == Deny {
			return
		}
	}
	carriers, sure := c.carriersOf(target, route)
	if route.Carrier == nil {
		carriers = []Carrier{{}}
	}
	for k := range carriers {
		var carrier *Carrier
		if route.Carrier != nil {
			carrier = &carriers[k]
		}
		if !b.several(r, units, can, int32(t), carrier) {
			continue
		}
		step, ok := b.weigh(route, can, target, carrier, "")
		if !ok {
			continue
		}
		if !sure {
			step.decision = Unknown
		}
		if step.decision = weaker(step.decision, admitted); !b.counts(step.decision) {
			continue
		}
		if b.surety[t] == Deny {
			b.in[int32(t)] = true
			b.join(member{p: target, i: int32(t), step: step})
		} else {
			b.arrive(step, int32(t), target)
		}
		return
	}
}

// weigh decides the calls of a route, each by the member who is surest of it; those of
// one unit by one member.
func (b *band) weigh(route *reference.Route, can [][]int, target *Principal, carrier *Carrier, group string) (*bandStep, bool) {
	step, ok := b.weighed(route, can, target, carrier, group, true)
	if !ok {
		if step, ok = b.weighed(route, can, target, carrier, group, false); ok {
			step.decision, step.unknown = Unknown, append(step.unknown, "whether what one of them makes is what another may use: "+route.Title)
		}
	}
	return step, ok
}

// weighed is weigh where all calls are on one resource of each kind that the first of
// them chooses, or where each chooses for itself.
func (b *band) weighed(route *reference.Route, can [][]int, target *Principal, carrier *Carrier, group string, same bool) (*bandStep, bool) {
	c := b.c
	whole := taken{decision: Allow}
	for _, fact := range route.Requires {
		if !c.fact(&whole, fact, b.members[0].p, target, carrier) {
			return nil, false
		}
	}
	byTrust := rewritesTrust(route) || route.Target == "new" && target.Kind == Role
	if byTrust && !slices.ContainsFunc(b.members, func(m member) bool { return c.entersByNewTrust(m.p, target) }) {
		return nil, false
	}
	step := &bandStep{route: route, target: target, carrier: carrier, group: group, makers: make([]*Principal, len(route.Needs))}
	for u, needs := range c.unitsOf(route) {
		best, got := -1, taken{}
		for _, k := range can[u] {
			m := &b.members[k]
			e := taken{decision: Allow}
			if same {
				e.made = maps.Clone(whole.made)
			}
			ok := true
			for _, n := range needs {
				need := &route.Needs[n]
				if ok = (need.Action == "sts:AssumeRole" || m.p.Account == target.Account) && c.takeOne(&e, m.p, target, need, carrier, group, everyCall); !ok {
					break
				}
			}
			if ok && (best < 0 || rankOf(e.decision) > rankOf(got.decision)) {
				best, got = k, e
			}
		}
		if best < 0 {
			return nil, false
		}
		for _, n := range needs {
			step.makers[n] = b.members[best].p
		}
		if !slices.Contains(step.after, best) {
			step.after = append(step.after, best)
		}
		whole.decision = weaker(whole.decision, got.decision)
		if same {
			whole.made = got.made
		}
	}
	step.made = whole.made
	step.decision, step.unknown, step.assumed = whole.decision, whole.unknown, whole.assumed
	return step, true
}

// arrive keeps a way: to an administrator or to one who can become one. target is nil
// for a member who has become one.
func (b *band) arrive(step *bandStep, t int32, target *Principal) {
	way := bandWay{target: target, onward: -1, last: step, decision: step.decision}
	if t >= 0 && !isOne(b.c.admin[t]) {
		way.onward = t
	}
	for _, had := range b.ways {
		if had.target == target && had.onward == way.onward && techniqueOf(had.last) == techniqueOf(step) {
			return
		}
	}
	done := map[*bandStep]bool{}
	var add func(s *bandStep)
	add = func(s *bandStep) {
		if s == nil || done[s] {
			return
		}
		done[s] = true
		for _, k := range s.after {
			add(b.members[k].step)
		}
		way.decision = weaker(way.decision, s.decision)
		way.steps = append(way.steps, s)
	}
	add(step)
	b.ways = append(b.ways, way)
}

// unitsOf groups a route's calls: those that are one request, with the right to pass
// what it carries, are one member's.
func (c *climb) unitsOf(route *reference.Route) [][]int {
	var units [][]int
	at := map[string]int{}
	for n := range route.Needs {
		action := route.Needs[n].Action
		if action == "iam:PassRole" && route.Passes != nil {
			action = route.Passes.Action
		}
		u, ok := at[action]
		if !ok {
			u = len(units)
			units, at[action] = append(units, nil), u
		}
		units[u] = append(units[u], n)
	}
	return units
}

func techniqueOf(s *bandStep) string {
	if s.route == nil {
		return ""
	}
	return technique(s.route)
}

// told spells the ways that somebody has together with those he can act as.
func (c *climb) bandTold(i int) []Escalation {
	if c.bands.ways == nil {
		return nil
	}
	var out []Escalation
	for _, way := range c.bands.ways[i] {
		e := Escalation{Principal: c.people[i].ARN, Target: way.target.ARN, Gain: "full", Decision: way.decision}
		if way.target.ARN == e.Principal || c.people[c.number[way.target.ARN]].ARN != way.target.ARN {
			e.Target = Administrator // under his own name, or one that was made
		}
		route := way.last.route
		if route == nil {
			route = &c.routes[way.last.edge.route]
		}
		e.Technique, e.Title = technique(route)+"+others", "by several identities together ("+route.Title+")"
		add := func(s spelt) {
			e.Path = append(e.Path, s.Step)
			e.Unknown, e.Assumed = append(e.Unknown, s.unknown...), append(e.Assumed, s.assumed...)
		}
		for _, step := range way.steps {
			for _, s := range c.spellTogether(step) {
				add(s)
			}
		}
		if way.onward >= 0 {
			for _, next := range c.wayOn(way.onward) {
				add(c.spell(next))
				e.Decision, e.Target = weaker(e.Decision, next.decision), Administrator
				if next.to >= 0 {
					e.Target = c.people[next.to].ARN
				}
			}
		}
		for _, list := range []*[]string{&e.Unknown, &e.Assumed} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		out = append(out, e)
	}
	return out
}

// spellTogether tells a step, once for each who makes calls of it.
func (c *climb) spellTogether(step *bandStep) []spelt {
	if step.edge != nil {
		s := c.spell(step.edge)
		s.unknown = append(s.unknown, step.unknown...)
		return []spelt{s}
	}
	var out []spelt
	var makers []*Principal
	for _, p := range step.makers {
		if !slices.Contains(makers, p) {
			makers = append(makers, p)
		}
	}
	for _, p := range makers {
		s := spelt{Step: Step{From: p.ARN, To: step.target.ARN, Technique: technique(step.route), Via: step.group, Waits: step.route.Waits}}
		if step.carrier != nil && !step.carrier.every {
			s.Via = step.carrier.ARN
		}
		e := taken{decision: Allow}
		for n := range step.route.Needs {
			if step.makers[n] == p {
				c.takeOne(&e, p, step.target, &step.route.Needs[n], step.carrier, step.group, everyCall|told)
			}
		}
		for _, r := range e.calls {
			s.Actions = append(s.Actions, r.Action)
		}
		said := c.phrase(&e)
		s.Because = c.join(said.reasons)
		s.unknown, s.assumed = said.unknown, nil
		out = append(out, s)
	}
	out[0].unknown, out[0].assumed = append(out[0].unknown, step.unknown...), step.assumed
	return out
}

// wayOn is a surest way of one who has one, from there on.
func (c *climb) wayOn(from int32) []*edge {
	if c.bands.onward == nil {
		c.bands.onward = map[int32][]*edge{}
		for t := range c.into {
			for k := range c.into[t] {
				if e := &c.into[t][k]; c.routes[e.route].Gain != "bounded" {
					c.bands.onward[e.from] = append(c.bands.onward[e.from], e)
				}
			}
		}
		for i := range c.own {
			for k := range c.own[i] {
				c.bands.onward[int32(i)] = append(c.bands.onward[int32(i)], &c.own[i][k])
			}
		}
	}
	for _, least := range []Decision{Allow, Conditional, Unknown} {
		prev := map[int32]*edge{from: nil}
		queue := []int32{from}
		for at := 0; at < len(queue); at++ {
			for _, e := range c.bands.onward[queue[at]] {
				if rankOf(e.decision) < rankOf(least) {
					continue
				}
				if e.to < 0 || isOne(c.admin[e.to]) && rankOf(c.admin[e.to]) >= rankOf(least) {
					way := []*edge{e}
					for x := prev[queue[at]]; x != nil; x = prev[x.from] {
						way = append(way, x)
					}
					slices.Reverse(way)
					return way
				}
				if _, met := prev[e.to]; !met {
					prev[e.to] = e
					queue = append(queue, e.to)
				}
			}
		}
	}
	return nil
}

// suretyOf says of each of the people how sure his best way is; Deny: he has none.
func (c *climb) suretyOf() []Decision {
	best := slices.Repeat([]Decision{Deny}, len(c.people))
	for _, least := range []Decision{Allow, Conditional, Unknown} {
		var queue []int32
		for i := range c.people {
			if best[i] == Deny && isOne(c.admin[i]) && rankOf(c.admin[i]) >= rankOf(least) {
				best[i] = c.admin[i]
			}
			if best[i] == Deny && slices.ContainsFunc(c.own[i], func(e edge) bool { return rankOf(e.decision) >= rankOf(least) }) {
				best[i] = least
			}
			if best[i] != Deny {
				queue = append(queue, int32(i))
			}
		}
		for at := 0; at < len(queue); at++ {
			for k := range c.into[queue[at]] {
				if e := &c.into[queue[at]][k]; best[e.from] == Deny && c.routes[e.route].Gain != "bounded" && rankOf(e.decision) >= rankOf(least) {
					best[e.from] = least
					queue = append(queue, e.from)
				}
			}
		}
	}
	return best
}
