package behaviour

import "math/bits"

// key identifies an item of a class: a hash that is the same in every process, so
// that what was learnt can be kept. No name is kept with it.
type key uint64

const (
	mulA = 0x9e3779b97f4a7c15
	mulB = 0xbf58476d1ce4e5b9
	mulC = 0x94d049bb133111eb
)

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^mulA, b^mulB)
	return hi ^ lo
}

// keyOf hashes a text under a seed: eight bytes at a time, a multiplication each.
func keyOf(seed uint64, s string) key {
	h := seed*mulC ^ uint64(len(s))*mulA
	for len(s) >= 8 {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		h = mix(h^w, mulC)
		s = s[8:]
	}
	var tail uint64
	for i := range len(s) {
		tail |= uint64(s[i]) << (8 * i)
	}
	return key(mix(h^tail, mulC))
}

// and joins two keys, in order.
func (k key) and(o key) key { return key(mix(uint64(k), bits.RotateLeft64(uint64(o), 23))) }

// print is the half of a key that a table keeps; never 0, which is an empty slot.
func (k key) print() uint32 {
	if p := uint32(k >> 32); p != 0 {
		return p
	}
	return 1
}

// slot is one item: on how many days it was seen, and on which last. Eight bytes.
type slot struct {
	print uint32
	days  uint16 // days on which it was seen, of all who were counted; saturates
	last  uint16 // the day it was seen last, in days since 1970
}

// see counts an item once more.
func (s *slot) see(day uint16) {
	s.last = day
	if s.days < 1<<16-1 {
		s.days++
	}
}

// ways is how many slots a bucket has: eight of eight bytes fill a cache line.
const ways = 8

// table counts items in bounded memory: buckets of a cache line each, chosen by the
// low bits of an item's print. It doubles until it has max buckets, a power of two;
// from then on what was seen least and longest ago in a bucket makes room.
type table struct {
	slots []slot
	max   int // buckets
}

func newTable(buckets, maxBuckets int) table {
	return table{slots: make([]slot, buckets*ways), max: maxBuckets}
}

func (t *table) bucket(print uint32) []slot {
	b := int(print) & (len(t.slots)/ways - 1) * ways
	return t.slots[b : b+ways : b+ways]
}

// find returns the slot of an item; nil if it was never seen, or was forgotten.
func (t *table) find(k key) *slot {
	p := k.print()
	b := t.bucket(p)
	for i := range b {
		if b[i].print == p {
			return &b[i]
		}
	}
	return nil
}

// days returns on how many days an item was seen.
func (t *table) days(k key) int {
	if s := t.find(k); s != nil {
		return int(s.days)
	}
	return 0
}

// add makes room for an item that find did not find, and returns its empty count.
func (t *table) add(k key, day uint16) *slot {
	p := k.print()
	b := t.bucket(p)
	worst := &b[0]
	for i := range b {
		s := &b[i]
		if s.print == 0 {
			*s = slot{print: p, last: day}
			return s
		}
		if s.worth(day) < worst.worth(day) {
			worst = s
		}
	}
	if len(t.slots)/ways < t.max {
		t.grow()
		return t.add(k, day)
	}
	*worst = slot{print: p, last: day}
	return worst
}

// drop forgets an item, and reports whether it was there. Those behind it in its bucket move
// up, as a table that is read has them.
func (t *table) drop(k key) bool {
	p := k.print()
	b := t.bucket(p)
	for i := range b {
		if b[i].print == p {
			copy(b[i:], b[i+1:])
			b[len(b)-1] = slot{}
			return true
		}
	}
	return false
}

// worth is what an item is worth keeping: the days it was seen on, the less the
// longer ago.
func (s *slot) worth(day uint16) float32 {
	return float32(int(s.days)+1) / float32(1+max(0, int(day)-int(s.last))/14)
}

// grow doubles the table.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	for _, s := range old {
		if s.print != 0 {
			t.put(s)
		}
	}
}

// put sets a slot into the first free place of its bucket; without one it is lost.
func (t *table) put(s slot) {
	b := t.bucket(s.print)
	for i := range b {
		if b[i].print == 0 {
			b[i] = s
			return
		}
	}
}

// halve lets what is long past weigh less.
func (t *table) halve() {
	for i := range t.slots {
		t.slots[i].days = (t.slots[i].days + 1) / 2
	}
}
