package iam

import (
	"fmt"
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
	loose, err := grown(Unknown) // most have none, whatever counts
	if err != nil {
		return nil, err
	}
	if len(loose.ways) == 0 && loose.over {
		first := *loose.members[1].step
		first.decision, first.unknown = Unknown, append(first.unknown, fmt.Sprintf("what more than %d identities that %s can act as can do together", maxBand, short(c.people[i].ARN)))
		loose.arrive(&first, loose.members[1].i, loose.members[1].p)
		loose.ways[0].onward = -1
	}
	if len(loose.ways) == 0 {
		return nil, nil
	}
	for _, least := range []Decision{Allow, Conditional} {
		if b, err := grown(least); err != nil || len(b.ways) > 0 {
			return b.ways, err
		}
	}
	return loose.ways, nil
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

func techniqueOf(s *bandStep) string {
	if s.route == nil {
		return ""
	}
	return technique(s.route)
}
