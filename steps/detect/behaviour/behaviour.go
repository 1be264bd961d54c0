// Package behaviour learns what the principals of an organisation do, and says of
// each event how surprising it is, and why, in words.
//
// # How
//
// An event is taken apart into items of some classes: which service and action, on
// which resource, from which network, with which program, at which time of day, with
// which error, after which other action, how much in an hour. Of each item is counted
// on how many days a principal showed it, and on how many days of theirs the
// principals of its peer group, its account and the organisation did. Days and not
// events, so that a job that calls ten thousand times an hour does not drown a person.
//
// How likely an item is on one more day follows by backing off: what the principal has
// done itself counts first, and the less it has been seen, the more its peer group's
// habit stands in, then its account's, then the organisation's. A newcomer so inherits
// its peers. What it never did is weighed by how often it does something new at all.
//
// Likelihoods of different classes cannot be compared, nor those of people with those
// of machines. So each is ranked among all that the class, for that kind of principal,
// has lately brought (a conformal p-value); beyond the rarest of those an exponential
// tail goes on. The most surprising of what, where, on what, with which outcome and how
// much are added up, and the sum is ranked once more among sums of events that change
// as much (reading, writing, granting). What the principal itself did before, and what
// the peers of a machine or a newcomer do, count a part of their rank only.
//
// # Bounds
//
// A principal takes at most MaxPrincipalBytes, a group, account and the organisation a
// fixed table each; principals unseen for 120 days are forgotten. Names are not kept:
// only hashes of them are counted.
package behaviour

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Kind is what sort of principal acts: people try new things, machines do not.
type Kind uint8

// The kinds.
const (
	Machine    Kind = iota // a role that a program has taken on
	Person                 // a user, or a role that a person has signed in to
	Service                // the provider's own service
	newMachine             // a machine or service in its first days
	newPerson              // a person in the first days
	kinds
)

// newcomer reports whether it is a kind of those in their first days.
func (k Kind) newcomer() bool { return k == newMachine || k == newPerson }

// asNew is the kind in the first days. Machines and people are newcomers of two kinds: three
// hundred machines that one scaling brings are no measure of what is odd of a new colleague.
func (k Kind) asNew() Kind {
	if k == Person {
		return newPerson
	}
	return newMachine
}

// grown is the kind of a newcomer once the first days are over.
func (k Kind) grown() Kind {
	if k == newPerson {
		return Person
	}
	return Machine
}

// Level is how much an action may change, as the provider publishes it of its actions.
type Level uint8

// The levels, least first. Unspecified is taken for Write.
const (
	Unspecified Level = iota
	List
	Read
	Write
	Grant // changes who may do what
	levels
)

// Observation is one event as far as behaviour is concerned. Principal and Time are
// needed; whatever else is empty is not looked at.
type Observation struct {
	Time time.Time
	// Principal acted. Group is its peer group, Account where it acted.
	Principal, Group, Account string
	Kind                      Kind
	// Service and Action say what was done: "s3", "GetObject"; Level how much that
	// may change.
	Service, Action string
	Level           Level
	// Resource is what it was done to, without what changes from run to run (see
	// Template); empty where the event names none.
	Resource string
	// Source is the network it came from (see Network), Agent the program (see
	// Program), Region where it was done.
	Source, Agent, Region string
	// Error is the code of the refusal; empty for success.
	Error string
	// Shape is which parameters the action was given, and whatever else tells one use of
	// it from another; empty if that was not looked at.
	Shape string
	// Amount is how much was moved: tokens of a model, bytes of data; 0 if not said.
	Amount float64
}

// class is one thing that is looked at in an event.
type class uint8

const (
	ofService class = iota
	ofAction
	ofManner // an action with a program
	ofOrder  // an action after another
	ofResource
	ofSource
	ofAgent
	ofRegion
	ofHour
	ofError
	ofShape // which parameters an action was given
	ofVolume
	ofRule // which rules it sets off
	classes
)

// views are the classes that say the same thing in different words: only the most
// surprising of each view counts.
var views = [classes]uint8{ofService: 0, ofAction: 0, ofManner: 0, ofOrder: 0, ofResource: 1, ofSource: 2, ofAgent: 2, ofRegion: 2, ofHour: 2, ofError: 3, ofShape: 5, ofVolume: 4, ofRule: 0}

// trust is how much a class's rank counts: a new time of day or order says less than a
// new action that is as rare.
var trust = [classes]float64{ofService: 1, ofAction: 1, ofManner: 1, ofOrder: 0.5, ofResource: 0.8, ofSource: 1, ofAgent: 1, ofRegion: 1, ofHour: 0.4, ofError: 1, ofShape: 1, ofVolume: 1, ofRule: 1}

const viewCount = 6

// How far levels stand in for each other.
const (
	kappa    = 2.0  // days of the next level's habit that one's own is mixed with
	fading   = 0.9  // what is left of yesterday's rate of new things
	rareNew  = 0.01 // new things a day of who never did any
	unheard  = 0.01 // days on which somebody did what nobody was ever seen to do
	known    = 0.2  // how much the rareness of what was done before counts beside that of the new
	newDays  = 4    // days in which a principal is ranked among newcomers
	fillDays = 128  // active days after which older ones count half
)

// MaxPrincipalBytes bounds what is kept of one principal.
const MaxPrincipalBytes = 4096

const (
	principalBuckets = 32   // 256 items, 2 KiB
	groupBuckets     = 512  // 4,096 items
	widestBuckets    = 8192 // 65,536 items
	maxGroups        = 20_000
	forgetAfter      = 120 // days
)

// crowd is a peer group, an account or the organisation.
type crowd struct {
	table
	days    uint32 // days of its principals
	members uint32 // principals that were ever counted
	last    uint16
	peak    [volumes]float32 // the largest hour of one of its principals
}

// self is what is kept of one principal.
type self struct {
	table
	group, account key
	events         uint32
	days           uint16 // active days
	first, last    uint16 // day
	fresh          [classes]float32
	hour           uint32 // hours since 1970
	now            [volumes]float32
	told           [volumes]float32 // up to where an excess was told of in this hour
	peak           [volumes]float32
	before         key // the action before
}

// Model is what was learnt. Its methods may not be called at the same time.
type Model struct {
	selves   map[key]*self
	groups   map[key]*crowd
	accounts map[key]*crowd
	all      crowd
	ranks    [kinds][classes]ranking
	sums     [kinds][levels]ranking
	day      uint16
	began    uint16
	events   uint64
	ahead    int // events in a row that are far ahead of the clock
	skewed   uint64
	byDay    []dayNote // the last noteDays days
	now      taken     // the event that was looked at last
	held     []*act    // what is not learnt yet, oldest first; see held.go
	heldOf   map[key][]*act
	lastHeld uint64
}

// New returns a model that has seen nothing.
func New() *Model {
	m := &Model{selves: map[key]*self{}, groups: map[key]*crowd{}, accounts: map[key]*crowd{}, heldOf: map[key][]*act{}, all: crowd{table: newTable(64, widestBuckets)}}
	return m
}

// Signal is what an event was found to be.
type Signal struct {
	// Surprise is minus the decimal logarithm of the share of like events that are at
	// least as surprising: 4 is one in ten thousand. 0 for what is nothing new.
	Surprise float64
	// Sum is what was ranked: the surprises of what, where, on what, outcome and how much.
	Sum float64
	// Terms made it, most surprising first; at most three.
	Terms []Term
	// Pattern identifies what was seen, for silencing the like of it: who, what, on
	// what, from where and how.
	Pattern uint64
	// Held is the number by which Bar knows the act; 0 where it was learnt at once.
	Held uint64
}

// crowdOf finds or makes a crowd.
func crowdOf(in map[key]*crowd, k key, buckets, limit int) *crowd {
	c := in[k]
	if c == nil {
		if len(in) >= limit {
			var oldest key
			for o, c := range in {
				if oldest == 0 || c.last < in[oldest].last {
					oldest = o
				}
			}
			delete(in, oldest)
		}
		c = &crowd{table: newTable(1, buckets)}
		in[k] = c
	}
	return c
}

// dayOf is the day of an event on the model's clock. Events that come late are taken
// for today's; one that is days ahead is a wrong clock until many agree with it.
func (m *Model) dayOf(t time.Time) uint16 {
	u := t.Unix() / 86400
	if u < 1 || u > 1<<16-2 {
		m.skewed++
		return max(m.day, 1)
	}
	day := uint16(u)
	switch {
	case m.day == 0:
		m.began = day
		m.turn(day)
	case day < m.day:
		if m.day-day > 2 {
			m.skewed++
		}
	case day > m.day+2 && m.ahead < aheadAgree:
		m.ahead++
		m.skewed++
	case day > m.day:
		m.turn(day)
		m.ahead = 0
	default:
		m.ahead = 0
	}
	return m.day
}

// aheadAgree is how many events in a row must be days ahead before the clock follows.
const aheadAgree = 50

// turn ends a day.
func (m *Model) turn(day uint16) {
	if m.day != 0 {
		for k := range m.ranks {
			for c := range m.ranks[k] {
				m.ranks[k][c].fade(int(day - m.day))
			}
			for l := range m.sums[k] {
				m.sums[k][l].fade(int(day - m.day))
			}
		}
		if day/7 != m.day/7 {
			for k, s := range m.selves {
				if day-s.last > forgetAfter {
					delete(m.selves, k)
				}
			}
		}
	}
	m.day = day
	m.settle(day)
	m.byDay = append(m.byDay, dayNote{day: day})
	if len(m.byDay) > noteDays {
		m.byDay = m.byDay[1:]
	}
}

// item is one class's part of an event.
type item struct {
	class class
	key   key
}

// Observe says how surprising an event is, and learns it; what it would teach others is held
// back where it is surprising.
func (m *Model) Observe(o *Observation) Signal {
	m.finish()
	day := m.dayOf(o.Time)
	m.events++
	id := keyOf(1, o.Principal)
	s := m.selves[id]
	if s == nil {
		s = &self{table: newTable(2, principalBuckets), first: day}
		m.selves[id] = s
	}
	if s.group == 0 || s.last != day {
		s.group, s.account = keyOf(2, o.Group), keyOf(3, o.Account)
	}
	g := crowdOf(m.groups, s.group, groupBuckets, maxGroups)
	a := crowdOf(m.accounts, s.account, widestBuckets, maxGroups)
	if s.last != day {
		m.begin(s, g, a, day)
	}
	s.events++

	kind := o.Kind
	if s.days < newDays {
		kind = kind.asNew()
	}
	m.now.self, m.now.group, m.now.account = s, g, a
	m.now.who, m.now.day = id, day
	var items [classes]item
	n := m.items(&items, s, o)
	var best [viewCount]found
	fresh := 0
	for _, it := range items[:n] {
		f, first := m.look(it, s, g, a, day)
		if !first {
			continue
		}
		fresh++
		r := &m.ranks[kind][it.class]
		f.surprise = r.rank(f.bits) * trust[it.class] * f.expected(kind)
		r.learn(f.bits)
		if it.class == ofResource {
			s.now[volFanout]++
		}
		if v := views[it.class]; f.surprise > best[v].surprise || it.class == ofAction && f.surprise == best[v].surprise {
			best[v] = f
		}
	}
	if f, ok := m.volume(s, g, &m.ranks[kind][ofVolume], o); ok {
		best[views[ofVolume]] = f
		fresh++
	}
	if fresh == 0 {
		return Signal{}
	}
	return m.sum(&best, kind, o)
}

// begin counts a new active day of a principal.
func (m *Model) begin(s *self, g, a *crowd, day uint16) {
	if s.days == 0 {
		g.members++
		a.members++
		m.all.members++
	}
	s.last = day
	s.days++
	if s.days >= fillDays {
		s.days /= 2
		s.halve()
	}
	for c := range s.fresh {
		s.fresh[c] *= fading
	}
	for _, c := range []*crowd{g, a, &m.all} {
		c.days++
		c.last = day
	}
	m.byDay[len(m.byDay)-1].active++
}

// items takes an event apart.
func (m *Model) items(into *[classes]item, s *self, o *Observation) int {
	n := 0
	put := func(c class, k key) {
		into[n] = item{c, key(mix(uint64(k), uint64(c)+1))}
		n++
	}
	service := keyOf(10, o.Service)
	action := service.and(keyOf(11, o.Action))
	put(ofService, service)
	put(ofAction, action)
	if o.Agent != "" {
		agent := keyOf(12, o.Agent)
		put(ofAgent, agent)
		put(ofManner, action.and(agent))
	}
	if s.before != 0 && s.before != action {
		put(ofOrder, s.before.and(action))
	}
	s.before = action
	if o.Resource != "" {
		put(ofResource, service.and(keyOf(13, o.Resource)))
	}
	if o.Source != "" {
		put(ofSource, keyOf(14, o.Source))
	}
	if o.Region != "" {
		put(ofRegion, keyOf(15, o.Region))
	}
	if o.Error != "" {
		put(ofError, keyOf(16+uint64(o.Level)<<8, o.Error))
	}
	if o.Shape != "" {
		put(ofShape, action.and(keyOf(18, o.Shape)))
	}
	t := o.Time.UTC()
	block := uint64(t.Hour() / 3)
	if w := t.Weekday(); w == time.Saturday || w == time.Sunday {
		block += 8
	}
	put(ofHour, key(mix(block+1, 17)))
	return n
}

// found is an item with what was known of it.
type found struct {
	item
	bits             float64 // minus the binary logarithm of its likelihood
	surprise         float64 // minus the decimal logarithm of its rank
	mine, group, all int     // days seen
	mineOf           int     // active days
	groupOf, allOf   int     // days of principals
	count, usual     float64 // of volumes
	volume           int
	calls            int
}

// look finds how likely an item was, and counts it for its principal; first says that the
// principal showed it for the first time today: what it repeats in a day is told once.
func (m *Model) look(it item, s *self, g, a *crowd, day uint16) (f found, first bool) {
	if it.class == ofOrder {
		return m.order(it, g, day)
	}
	mine := s.find(it.key)
	if mine != nil && mine.last == day && mine.days > 0 {
		return f, false
	}
	f = found{item: it, calls: int(s.events), mineOf: int(s.days) - 1, groupOf: int(g.days) - 1, allOf: int(m.all.days) - 1}
	p := unheard / (float64(m.all.days) + 1)
	f.all, p = m.all.back(it.key, p)
	_, p = a.back(it.key, p)
	f.group, p = g.back(it.key, p)
	fresh := mine == nil
	if !fresh {
		f.mine = int(mine.days)
		p = math.Pow((float64(f.mine)+kappa*p)/(float64(s.days)+kappa), known)
	} else {
		mine = s.add(it.key, day)
		p *= s.newness(it.class)
		s.fresh[it.class]++
		m.byDay[len(m.byDay)-1].fresh++
	}
	mine.see(day)
	f.bits = -math.Log2(min(1, p))
	m.now.put(&f, fresh)
	return f, true
}

// put notes what an item would teach.
func (n *taken) put(f *found, fresh bool) {
	if len(n.items) < maxActItems {
		n.items = append(n.items, heldItem{f.item, n.day})
		n.fresh = append(n.fresh, fresh)
	}
}

// back mixes what a crowd was seen to do with what its wider crowd does.
func (c *crowd) back(k key, wider float64) (days int, p float64) {
	days = c.table.days(k)
	return days, (float64(days) + kappa*wider) / (float64(c.days) + kappa)
}

// newness is how many new things of a class a principal is to be expected to do in a
// day: of one that was hardly seen, anything its peers do.
func (s *self) newness(c class) float64 {
	sum := (1 - math.Pow(fading, float64(s.days))) / (1 - fading) // of the weights of its days
	return min(1, (float64(s.fresh[c])+rareNew)/(sum+1)+kappa/(float64(s.days)*float64(s.days)+kappa))
}

// order looks at one action after another: a habit of a group, since a principal has
// too many of them to be kept.
func (m *Model) order(it item, g *crowd, day uint16) (f found, first bool) {
	s := g.find(it.key)
	if s != nil && s.last == day && s.days > 0 || holder(m.heldOf[m.now.who], it.key) != nil {
		return f, false
	}
	f = found{item: it, groupOf: int(g.days) - 1}
	if s != nil {
		f.group = int(s.days)
	}
	f.bits = -math.Log2(min(1, (float64(f.group)+0.05)/(float64(g.days)/float64(max(g.members, 1))+1)))
	m.now.put(&f, true)
	return f, true
}

// Weights of the most surprising view, the next, and so on.
var weights = [viewCount]float64{1, 0.7, 0.5, 0.3, 0.2, 0.1}

// sum adds up what the views found and ranks it among like sums.
func (m *Model) sum(best *[viewCount]found, kind Kind, o *Observation) Signal {
	order := make([]int, 0, viewCount)
	for v := range best {
		if best[v].surprise > 0 {
			order = append(order, v)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(best[b].surprise, best[a].surprise) })
	total := 0.0
	for i, v := range order {
		total += weights[i] * best[v].surprise
	}
	level := o.Level
	if level == Unspecified {
		level = Write
	}
	r := &m.sums[kind][level]
	out := Signal{Surprise: max(0, r.rank(4*total)+m.scarcity(kind, level)), Sum: total}
	r.learn(4 * total)
	if out.Surprise < faint {
		return out
	}
	for _, v := range order[:min(len(order), 3)] {
		out.Terms = append(out.Terms, best[v].term(o))
	}
	out.Pattern = PatternOf(o, "")
	if r.known() {
		out.Held = m.Hold()
	}
	return out
}

// faint is the surprise below which nobody asks why.
const faint = 1.5
