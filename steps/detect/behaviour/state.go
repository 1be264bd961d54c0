package behaviour

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// magic begins a model that was written down; the last byte is its version. Version 2 held
// nothing back, and up to version 3 newcomers were of one kind.
const magic = "7F-BEHAVIOUR\x04"

// maxStateEntries bounds what a length in a written model may say.
const maxStateEntries = 50_000_000

// MarshalBinary writes the model down. The same model gives the same bytes.
func (m *Model) MarshalBinary() ([]byte, error) {
	m.finish()
	w := writer{b: []byte(magic)}
	w.num(uint64(m.day), uint64(m.began), m.events, uint64(m.ahead), m.skewed)
	w.num(uint64(len(m.byDay)))
	for _, d := range m.byDay {
		w.num(uint64(d.day), uint64(d.active), uint64(d.fresh))
	}
	for k := range kinds {
		w.kind(m, k)
	}
	w.crowd(&m.all)
	for _, crowds := range []map[key]*crowd{m.groups, m.accounts} {
		w.num(uint64(len(crowds)))
		for _, k := range sorted(crowds) {
			w.num(uint64(k))
			w.crowd(crowds[k])
		}
	}
	w.num(uint64(len(m.selves)))
	for _, k := range sorted(m.selves) {
		w.num(uint64(k))
		w.self(m.selves[k])
	}
	w.num(m.lastHeld, uint64(len(m.held)))
	for _, a := range m.held {
		w.act(a)
	}
	return w.b, nil
}

func sorted[V any](m map[key]V) []key {
	out := make([]key, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// UnmarshalBinary reads what MarshalBinary wrote. The error says what is wrong with it;
// the model is then empty.
func (m *Model) UnmarshalBinary(b []byte) error {
	if len(b) < len(magic) || string(b[:len(magic)-1]) != magic[:len(magic)-1] {
		return errors.New("this is no behavioural model")
	}
	version := b[len(magic)-1]
	if version < 2 || version > magic[len(magic)-1] {
		return fmt.Errorf("the behavioural model has format %d, this sevenfold knows 2 to %d", version, magic[len(magic)-1])
	}
	r := reader{b: b[len(magic):]}
	*m = *New()
	m.day, m.began, m.events, m.ahead, m.skewed = uint16(r.num()), uint16(r.num()), r.num(), int(r.num()), r.num()
	for range r.count(noteDays) {
		m.byDay = append(m.byDay, dayNote{uint16(r.num()), int(r.num()), int(r.num())})
	}
	for k := range m.ranks {
		if version < 4 && Kind(k) == newPerson { // it goes on from the one kind that there was
			m.ranks[k], m.sums[k] = m.ranks[newMachine], m.sums[newMachine]
			continue
		}
		for c := range m.ranks[k] {
			r.ranking(&m.ranks[k][c])
		}
		for l := range m.sums[k] {
			r.ranking(&m.sums[k][l])
		}
	}
	r.crowd(&m.all, widestBuckets)
	for _, into := range []struct {
		m   map[key]*crowd
		max int
	}{{m.groups, groupBuckets}, {m.accounts, widestBuckets}} {
		for range r.count(maxGroups) {
			k, c := key(r.num()), &crowd{}
			r.crowd(c, into.max)
			into.m[k] = c
		}
	}
	for range r.count(maxStateEntries) {
		k, s := key(r.num()), &self{}
		r.self(s)
		if r.err != nil {
			break
		}
		m.selves[k] = s
	}
	if version > 2 {
		r.held(m)
	}
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes too many", len(r.b))
	}
	if r.err == nil && m.day != 0 && len(m.byDay) == 0 {
		r.err = errors.New("it has a clock and no day")
	}
	if r.err != nil {
		*m = *New()
		return fmt.Errorf("the behavioural model is damaged: %w", r.err)
	}
	return nil
}

type writer struct{ b []byte }

func (w *writer) num(list ...uint64) {
	for _, n := range list {
		w.b = binary.AppendUvarint(w.b, n)
	}
}

func (w *writer) float(list ...float32) {
	for _, f := range list {
		w.b = binary.LittleEndian.AppendUint32(w.b, math.Float32bits(f))
	}
}

func (w *writer) table(t *table) {
	n := 0
	for _, s := range t.slots {
		if s.print != 0 {
			n++
		}
	}
	w.num(uint64(len(t.slots)/ways), uint64(n))
	for _, s := range t.slots {
		if s.print != 0 {
			w.b = binary.LittleEndian.AppendUint32(w.b, s.print)
			w.b = binary.LittleEndian.AppendUint16(w.b, s.days)
			w.b = binary.LittleEndian.AppendUint16(w.b, s.last)
		}
	}
}

// kind writes what the acts of one kind of principal are ranked among.
func (w *writer) kind(m *Model, k Kind) {
	for c := range m.ranks[k] {
		w.ranking(&m.ranks[k][c])
	}
	for l := range m.sums[k] {
		w.ranking(&m.sums[k][l])
	}
}

func (w *writer) ranking(r *ranking) {
	n := 0
	for _, c := range r.count {
		if c > 0 {
			n++
		}
	}
	r.fit() // as who reads it does: both go on alike
	w.num(uint64(n))
	w.float(r.today, r.daily)
	for i, c := range r.count {
		if c > 0 {
			w.num(uint64(i))
			w.float(c)
		}
	}
}

func (w *writer) crowd(c *crowd) {
	w.table(&c.table)
	w.num(uint64(c.days), uint64(c.members), uint64(c.last))
	w.float(c.peak[:]...)
}

func (w *writer) self(s *self) {
	w.table(&s.table)
	w.num(uint64(s.group), uint64(s.account), uint64(s.events), uint64(s.days), uint64(s.first), uint64(s.last), uint64(s.hour), uint64(s.before))
	w.float(s.fresh[:]...)
	w.float(s.now[:]...)
	w.float(s.told[:]...)
	w.float(s.peak[:]...)
}

func (w *writer) act(a *act) {
	w.num(a.id, uint64(a.who), uint64(a.day), uint64(a.incident))
	w.float(a.most[:]...)
	w.float(a.before[:]...)
	w.num(uint64(len(a.items)))
	for i := range a.items {
		it := &a.items[i]
		w.num(uint64(it.class), uint64(it.key), uint64(it.day))
	}
}

type reader struct {
	b   []byte
	err error
}

func (r *reader) num() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.fail("it ends early")
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) fail(why string) {
	if r.err == nil {
		r.err = errors.New(why)
	}
	r.b = nil
}

// count reads a length, which can be at most limit and what is left to read.
func (r *reader) count(limit int) int {
	n := r.num()
	if n > uint64(limit) || n > uint64(len(r.b)) {
		r.fail("a length is too large")
		return 0
	}
	return int(n)
}

func (r *reader) floats(into []float32) {
	for i := range into {
		if len(r.b) < 4 {
			r.fail("it ends early")
			return
		}
		f := math.Float32frombits(binary.LittleEndian.Uint32(r.b))
		if f != f || f < 0 || f > math.MaxFloat32 {
			r.fail("a number is none")
			return
		}
		into[i], r.b = f, r.b[4:]
	}
}

func (r *reader) table(t *table, limit int) {
	buckets := r.num()
	if r.err != nil || buckets == 0 || buckets > uint64(limit) || buckets&(buckets-1) != 0 {
		r.fail("a table has a size that none has")
		return
	}
	*t = newTable(int(buckets), limit)
	for range r.count(len(t.slots)) {
		if len(r.b) < 8 {
			r.fail("it ends early")
			return
		}
		s := slot{binary.LittleEndian.Uint32(r.b), binary.LittleEndian.Uint16(r.b[4:]), binary.LittleEndian.Uint16(r.b[6:])}
		r.b = r.b[8:]
		t.put(s)
	}
}

func (r *reader) ranking(k *ranking) {
	*k = ranking{}
	n := r.count(bins)
	var daily [2]float32
	r.floats(daily[:])
	k.today, k.daily = daily[0], daily[1]
	for range n {
		i := r.num()
		if i >= bins {
			r.fail("a rank lies beyond the last")
			return
		}
		r.floats(k.count[i : i+1])
	}
	k.fit()
}

func (r *reader) crowd(c *crowd, limit int) {
	r.table(&c.table, limit)
	c.days, c.members, c.last = uint32(r.num()), uint32(r.num()), uint16(r.num())
	r.floats(c.peak[:])
}

func (r *reader) self(s *self) {
	r.table(&s.table, principalBuckets)
	s.group, s.account, s.events = key(r.num()), key(r.num()), uint32(r.num())
	s.days, s.first, s.last, s.hour, s.before = uint16(r.num()), uint16(r.num()), uint16(r.num()), uint32(r.num()), key(r.num())
	r.floats(s.fresh[:])
	r.floats(s.now[:])
	r.floats(s.told[:])
	r.floats(s.peak[:])
}

// held reads what is held back.
func (r *reader) held(m *Model) {
	m.lastHeld = r.num()
	before := uint64(0)
	for range r.count(maxHeld) {
		a := &act{id: r.num(), who: key(r.num()), day: uint16(r.num()), incident: key(r.num())}
		r.floats(a.most[:])
		r.floats(a.before[:])
		for range r.count(maxActItems) {
			a.items = append(a.items, heldItem{item{class(r.below(uint64(classes))), key(r.num())}, uint16(r.num())})
		}
		if a.id <= before || a.id > m.lastHeld {
			r.fail("what is held back is not in order")
		}
		if r.err != nil {
			return
		}
		before = a.id
		m.keepBack(a)
	}
}

// below reads a number that is smaller than a limit.
func (r *reader) below(limit uint64) uint64 {
	n := r.num()
	if n >= limit {
		r.fail("a number is too large")
		return 0
	}
	return n
}
