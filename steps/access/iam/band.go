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
// has no way alone, is a rare and a strange sight; that he has none together is unknown,
// unless none of them, however many, could have a part in what several do: see makers.
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
	out    map[int32][]edge // steps among those who have no way, of whom they were asked
	known  bitset           // of whom they were
	able   map[ableKey]bool
	held   map[heldKey]bool
	shared []sharedRoute
	onward map[int32][]*edge // steps of those who have a way, once one is told
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
			if err := b.follow(k); err != nil {
				return err
			}
		}
		b.become(from)
		b.give()
		b.create()
		from = until
	}
	return nil
}

// follow takes the steps that a member takes alone.
func (b *band) follow(k int) error {
	m := b.members[k]
	if m.i < 0 {
		return nil
	}
	if !b.c.bands.known.has(int(m.i)) { // others brought him in
		one := make(bitset, len(b.c.bands.known))
		one.set(int(m.i))
		if err := b.c.stepsFrom(one, b.surety); err != nil {
			return err
		}
	}
	out := b.c.bands.out[m.i]
	for e := range out {
		if e := &out[e]; b.c.isMember(int(e.to)) && !b.in[e.to] && b.counts(e.decision) {
			b.in[e.to] = true
			b.join(member{p: b.c.people[e.to], i: e.to, step: &bandStep{edge: e, decision: e.decision, after: []int{k}}})
		}
	}
	return nil
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
	for k := range c.bands.shared {
		s := &c.bands.shared[k]
		if s.does != becomes || len(s.units) == 1 && !changed {
			continue // the steps of each alone are known
		}
		if can, fresh := b.takers(s, from); fresh {
			routes = append(routes, open{s.r, s.units, can})
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
func (b *band) takers(s *sharedRoute, from int) (can [][]int, ok bool) {
	can = make([][]int, len(s.units))
	for u := range s.units {
		for k := range b.members {
			if b.c.makes(&b.members[k], s, u) {
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
		step, ok := b.weigh(route, units, can, target, carrier, "")
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
