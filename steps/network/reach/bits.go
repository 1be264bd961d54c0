package reach

import "math/bits"

// Bits is a set of small numbers, one bit each. All sets that meet must be
// made for the same count. Unlike the other sets it is changed in place by the
// methods that begin with a capital verb (Set, Clear, Add, Keep, Drop).
type Bits []uint64

// NewBits is an empty set of numbers below n.
func NewBits(n int) Bits { return make(Bits, (n+63)/64) }

// FullBits is the set of all numbers below n.
func FullBits(n int) Bits {
	b := NewBits(n)
	for i := range b {
		b[i] = ^uint64(0)
	}
	if n%64 != 0 {
		b[len(b)-1] = 1<<(n%64) - 1
	}
	return b
}

// Set puts i into the set.
func (b Bits) Set(i int) { b[i/64] |= 1 << (i % 64) }

// Clear takes i out of the set.
func (b Bits) Clear(i int) { b[i/64] &^= 1 << (i % 64) }

// Has says whether i is in the set.
func (b Bits) Has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

// Add puts all of o into b.
func (b Bits) Add(o Bits) {
	for i, w := range o {
		b[i] |= w
	}
}

// AddBoth puts into b what is both in x and in y.
func (b Bits) AddBoth(x, y Bits) {
	for i := range b {
		b[i] |= x[i] & y[i]
	}
}

// Keep leaves in b only what is in o.
func (b Bits) Keep(o Bits) {
	for i, w := range o {
		b[i] &= w
	}
}

// Drop takes all of o out of b.
func (b Bits) Drop(o Bits) {
	for i, w := range o {
		b[i] &^= w
	}
}

// Clone is a copy that can be changed by itself.
func (b Bits) Clone() Bits { return append(Bits(nil), b...) }

// IsEmpty says whether nothing is in the set.
func (b Bits) IsEmpty() bool {
	for _, w := range b {
		if w != 0 {
			return false
		}
	}
	return true
}

// Meets says whether something is in both.
func (b Bits) Meets(o Bits) bool {
	for i, w := range o {
		if b[i]&w != 0 {
			return true
		}
	}
	return false
}

// Count is how many are in the set.
func (b Bits) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// All calls yield for each member in rising order until it returns false; it
// serves as an iterator.
func (b Bits) All(yield func(int) bool) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			if !yield(i*64 + bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}
