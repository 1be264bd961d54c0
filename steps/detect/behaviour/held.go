package behaviour

import (
	"cmp"
	"math"
	"slices"
)

// What is surprising is not made ordinary by having happened: or the first attack would teach
// that the next is none. What such an act would teach its principal's peers, its account and
// everybody is held back. Its own principal knows it at once, so that it is not told of day
// after day, and so do the ranks: they say how unlikely things come, not which, and were off
// without the unlikely ones (tried on seeds 201 to 204 of the made-up organisations: ranks that
// heard late and of no incident found 104 of 140 attacks, and so 116).
//
// An act that no incident has taken is learnt after holdDays. One that is of an incident waits
// for a person: judged fine it is learnt, closed otherwise it is forgotten, by its principal
// too, and news the next time. Of an incident that nobody judges, what its principal goes on to
// do is learnt once it has been done on settleDays days: what lasts is work, and an attack is
// confined in time, which is how training data are sanitised that nobody has labelled (Cretu et
// al., Casting out Demons, 2008). What others do of the same is judged for itself.
const (
	holdDays   = 3
	settleDays = 7
)

// Acts that are held back, of all and of each principal: 400 bytes each, some 6 MiB in all. Where
// there are more the oldest are let go, unlearnt, those of no incident first.
const (
	maxHeld     = 16_384
	maxHeldEach = 64
	// maxActItems is how many items an act may have: one of each class, and rules.
	maxActItems = 64
)

// heldItem is an item that an act would teach.
type heldItem struct {
	item
	day uint16
}

// act is one event that is held back.
type act struct {
	id       uint64
	who      key
	day      uint16
	incident key // that has taken it; 0 for none
	items    []heldItem
	// most is how much was told of in its hour, and before what was usual; 0 for nothing.
	most, before [volumes]float32
}

// taken is the event that was looked at last, which is not learnt yet.
type taken struct {
	act
	self           *self
	group, account *crowd
	fresh          []bool // of each item: its principal had never shown it
}

// holder is the act that holds an item back, of those of its principal: one of an incident
// before others; nil if none does.
func holder(of []*act, k key) (h *act) {
	for _, a := range of {
		if (h == nil || a.incident != 0) && slices.ContainsFunc(a.items, func(x heldItem) bool { return x.key == k }) {
			h = a
		}
	}
	return h
}

// Hold keeps back what the event that Observe took last would teach others, and returns by
// which number Bar knows it.
func (m *Model) Hold() uint64 {
	if m.now.self == nil {
		return 0
	}
	if m.now.id == 0 {
		m.lastHeld++
		m.now.id = m.lastHeld
	}
	return m.now.id
}

// finish learns the event that was looked at last, or puts it to what is held back.
func (m *Model) finish() {
	n := &m.now
	if n.self == nil {
		return
	}
	of := m.heldOf[n.who]
	var kept []heldItem
	for i := range n.items {
		it := &n.items[i]
		h := holder(of, it.key)
		switch {
		case n.id != 0 && (n.fresh[i] || h != nil && h.incident == 0):
			kept = append(kept, *it)
		case h == nil:
			m.teach(n.group, n.account, it, 1, n.day)
		}
	}
	if n.id == 0 {
		for v, most := range n.most {
			n.group.peak[v] = max(n.group.peak[v], most)
		}
	} else {
		a := n.act
		a.items = kept
		if len(of) >= maxHeldEach {
			m.letGo(of)
		}
		if len(m.held) >= maxHeld {
			m.letGo(m.held)
		}
		m.keepBack(&a)
		if a.incident != 0 {
			m.claim(&a)
		}
	}
	*n = taken{act: act{items: n.items[:0]}, fresh: n.fresh[:0]}
}

// keepBack adds an act.
func (m *Model) keepBack(a *act) {
	m.held = append(m.held, a)
	m.heldOf[a.who] = append(m.heldOf[a.who], a)
}

// letGo makes room: the oldest of no incident goes, else the oldest.
func (m *Model) letGo(of []*act) {
	at := slices.IndexFunc(of, func(a *act) bool { return a.incident == 0 })
	m.remove(of[max(at, 0)])
}

// remove takes an act out.
func (m *Model) remove(a *act) {
	if at, ok := m.find(a.id); ok {
		m.held = slices.Delete(m.held, at, at+1)
	}
	of := slices.DeleteFunc(m.heldOf[a.who], func(b *act) bool { return a == b })
	if m.heldOf[a.who] = of; len(of) == 0 {
		delete(m.heldOf, a.who)
	}
}

// teach counts an item for everybody but its principal.
func (m *Model) teach(g, a *crowd, it *heldItem, days int, last uint16) {
	if it.class == ofOrder {
		g.count(it.key, days, last)
		return
	}
	for _, c := range []*crowd{&m.all, a, g} {
		c.count(it.key, days, last)
	}
}

// count adds days on which an item was seen.
func (c *crowd) count(k key, days int, last uint16) {
	s := c.find(k)
	if s == nil {
		s = c.add(k, last)
	}
	s.days = uint16(min(int(s.days)+days, 1<<16-1))
	s.last = max(s.last, last)
}

// Bar keeps an act back until the incident that it is part of was judged (see Judged).
func (m *Model) Bar(id uint64, incident string) {
	if id == 0 {
		return
	}
	by := keyOf(30, incident)
	if m.now.id == id {
		if m.now.incident == 0 {
			m.now.incident = by
		}
		return
	}
	if at, ok := m.find(id); ok && m.held[at].incident == 0 {
		m.held[at].incident = by
		m.claim(m.held[at])
	}
}

// find is the place of an act.
func (m *Model) find(id uint64) (at int, ok bool) {
	return slices.BinarySearchFunc(m.held, id, func(a *act, id uint64) int { return cmp.Compare(a.id, id) })
}

// claim leaves what an act of an incident would teach to it alone: others of its principal
// that are of none would teach the same sooner.
func (m *Model) claim(a *act) {
	for _, b := range m.heldOf[a.who] {
		if b.incident == 0 {
			b.items = slices.DeleteFunc(b.items, func(x heldItem) bool {
				return slices.ContainsFunc(a.items, func(y heldItem) bool { return x.key == y.key })
			})
		}
	}
}

// Judged takes what persons have said of incidents, by their ids: those that are true were
// fine, and what was held back with them is learnt; the others were dealt with, and what was
// done there is forgotten. What was judged before changes nothing.
func (m *Model) Judged(fine map[string]bool) {
	m.finish()
	if len(m.held) == 0 || len(fine) == 0 {
		return
	}
	said := make(map[key]bool, len(fine))
	for id, f := range fine {
		said[keyOf(30, id)] = f
	}
	for _, a := range slices.Clone(m.held) {
		switch f, ok := said[a.incident]; {
		case a.incident == 0 || !ok:
		case f:
			m.release(a)
		default:
			m.forget(a)
		}
	}
}

// release learns an act.
func (m *Model) release(a *act) {
	if s := m.selves[a.who]; s != nil {
		if g := m.groups[s.group]; g != nil {
			for v, most := range a.most {
				g.peak[v] = max(g.peak[v], most)
			}
		}
		for _, it := range slices.Clone(a.items) {
			m.releaseItem(a.who, s, &it)
		}
	}
	m.remove(a)
}

// releaseItem teaches others on how many days a principal has shown an item by now.
func (m *Model) releaseItem(who key, s *self, it *heldItem) {
	g, a := m.groups[s.group], m.accounts[s.account]
	days, last := 1, it.day
	if own := s.find(it.key); own != nil && it.class != ofOrder {
		days, last = int(own.days), own.last
	}
	if g != nil && a != nil {
		m.teach(g, a, it, days, last)
	}
	for _, b := range m.heldOf[who] {
		b.items = slices.DeleteFunc(b.items, func(x heldItem) bool { return x.key == it.key })
	}
}

// forget takes an act from what its principal is known to do.
func (m *Model) forget(a *act) {
	if s := m.selves[a.who]; s != nil {
		for i := range a.items {
			it := &a.items[i]
			if it.class != ofOrder && s.drop(it.key) {
				s.fresh[it.class] = max(0, s.fresh[it.class]-float32(math.Pow(fading, float64(m.day-it.day))))
			}
		}
		for v, most := range a.most {
			if most > 0 {
				s.peak[v] = min(s.peak[v], a.before[v])
			}
		}
	}
	m.remove(a)
}

// settle learns what has been held back for long enough, as a day begins.
func (m *Model) settle(day uint16) {
	for _, a := range slices.Clone(m.held) {
		s := m.selves[a.who]
		switch {
		case s == nil: // its principal is forgotten
			m.remove(a)
		case a.incident == 0:
			if day-a.day >= holdDays {
				m.release(a)
			}
		default:
			for _, it := range slices.Clone(a.items) {
				if it.class != ofOrder && s.table.days(it.key) >= settleDays {
					m.releaseItem(a.who, s, &it)
				}
			}
			if len(a.items) == 0 && a.most == [volumes]float32{} {
				m.remove(a)
			}
		}
	}
}

// Shadow is a copy of what a model knows of an event's principal and of those around it, to
// look at an event that must not be learnt: what it learns, the model does not.
func (m *Model) Shadow(o *Observation) *Model {
	m.finish()
	out := *m
	who := keyOf(1, o.Principal)
	out.selves, out.groups, out.accounts = map[key]*self{}, map[key]*crowd{}, map[key]*crowd{}
	out.held, out.heldOf, out.now = nil, map[key][]*act{}, taken{}
	out.byDay = slices.Clone(m.byDay)
	out.all = *m.all.clone()
	groups, accounts := []key{keyOf(2, o.Group)}, []key{keyOf(3, o.Account)}
	if s := m.selves[who]; s != nil {
		own := *s
		own.slots = slices.Clone(s.slots)
		out.selves[who] = &own
		groups, accounts = append(groups, s.group), append(accounts, s.account)
	}
	for _, k := range groups {
		if c := m.groups[k]; c != nil {
			out.groups[k] = c.clone()
		}
	}
	for _, k := range accounts {
		if c := m.accounts[k]; c != nil {
			out.accounts[k] = c.clone()
		}
	}
	for _, a := range m.heldOf[who] {
		b := *a
		b.items = slices.Clone(a.items)
		out.keepBack(&b)
	}
	return &out
}

func (c *crowd) clone() *crowd {
	out := *c
	out.slots = slices.Clone(c.slots)
	return &out
}
