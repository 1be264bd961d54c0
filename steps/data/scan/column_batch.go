package scan

import (
	"bytes"
	mathbits "math/bits"
	"strconv"
)

// asked is what is known of a value before it is looked at.
type asked uint8

const (
	unasked   asked = 0
	isPlain   asked = 1 << iota // it holds none of the characters that plainly replaces
	isKeyless                   // it holds none of the prefixes of keys without digits, no key in PEM and no option of a command
	isOneWord                   // it holds no space and no end of a line
	isASCII
)

// heldMost is how many bytes of a column's values wait at most to be taken in together.
const heldMost = 8 << 10

// hold takes a value in, now or later: with others of the column, so that what is asked of
// every byte is asked of many values at once. A column is not judged before flush.
func (c *Column) hold(value []byte) {
	if len(c.held)+len(value) > heldMost {
		c.flush()
		if len(value) > heldMost/4 {
			c.Repeated(value, 1)
			return
		}
	}
	if len(c.ends) == 0 {
		c.ends = append(c.ends, 0)
	}
	c.held = append(c.held, value...)
	c.ends = append(c.ends, uint32(len(c.held)))
	if len(c.ends) > heldMost/4 {
		c.flush() // of empty values
	}
}

// flush takes in what is held.
func (c *Column) flush() {
	if len(c.ends) > 0 {
		c.Texts(c.held, c.ends)
		c.held, c.ends = c.held[:0], c.ends[:0]
	}
}

// Texts takes in many values: the i-th is data[offsets[i]:offsets[i+1]]. What is asked of
// every byte is asked of all at once.
func (c *Column) Texts(data []byte, offsets []uint32) {
	if len(offsets) < 2 {
		return
	}
	from, to := offsets[0], offsets[len(offsets)-1]
	all := data[from:to]
	known := unasked
	if unusual(all, 0) < 0 {
		known |= isPlain
	}
	if keys, options := c.s.rules.hyphens(all); !mayHoldKey(all, keys) && !(options && hasOption(all)) {
		known |= isKeyless
	}
	if ascii(all) {
		known |= isASCII
	}
	if bytes.IndexByte(all, ' ') < 0 && bytes.IndexByte(all, '\n') < 0 {
		known |= isOneWord
	}
	stop := trigger(all, 0)
	for i := 1; i < len(offsets); i++ {
		start, end := int(offsets[i-1]-from), int(offsets[i]-from)
		if start >= end {
			continue
		}
		if stop >= 0 && stop < start {
			stop = trigger(all, start)
		}
		first := -1
		if stop >= 0 && stop < end {
			first = stop - start
		}
		c.take(all[start:end], 1, first, known)
	}
}

// Numbers takes in many whole numbers.
func (c *Column) Numbers(values []int64) {
	var text [24]byte
	for _, v := range values {
		if next := c.calls + 1; v >= 0 && next > sampledWhole && next&15 != 0 {
			// Of a number that is not tested, and of which nothing could be found by
			// itself, its length is all that counts.
			if l := &c.digits[decimals(uint64(v))]; l.known && !l.found {
				c.values++
				c.calls++
				continue
			}
		}
		c.take(strconv.AppendInt(text[:0], v, 10), 1, 0, isPlain|isKeyless|isOneWord|isASCII)
	}
}

// decimals is the number of decimal digits of v.
func decimals(v uint64) int {
	n := mathbits.Len64(v|1) * 1233 >> 12
	if v >= tens[n] {
		n++
	}
	return max(n, 1)
}

var tens = func() (t [20]uint64) {
	v := uint64(1)
	for i := range t {
		t[i] = v
		v *= 10
	}
	return t
}()
