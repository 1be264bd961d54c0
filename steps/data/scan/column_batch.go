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
	spaces := bytes.IndexByte(all, ' ') >= 0
	if !spaces && bytes.IndexByte(all, '\n') < 0 {
		known |= isOneWord
	}
	if keys, options := c.s.rules.hyphens(all); !mayHoldKey(all, keys) && !hasCommand(all, options, spaces) {
		known |= isKeyless
	}
	if ascii(all) {
		known |= isASCII
	}
	// Values that are one address, or nothing but words, are most of many columns. What is
	// asked of other values need not be asked of them.
	plain := !c.secret && !c.key && len(c.s.custom) == 0
	wordy := plain && known&isPlain != 0 && known&isKeyless != 0
	stop := trigger(all, 0)
	for i := 1; i < len(offsets); i++ {
		start, end := int(offsets[i-1]-from), int(offsets[i]-from)
		if start >= end {
			continue
		}
		value := all[start:end]
		if plain && c.mails && wholeMail(value) {
			c.mail(value, 1, c.next(value))
			continue
		}
		if is(value[0], isDig) {
			stop = start
			if plain && digitsOnly(value) && c.passes(len(value)) {
				continue
			}
		} else if stop >= 0 && stop < start {
			stop = trigger(all, start)
		}
		first := -1
		if stop >= 0 && stop < end {
			first = stop - start
		}
		if n := len(value); wordy && first < 0 && n != 8 && n != 11 && n < chanceBytes && bare(value[0]) && bare(value[n-1]) {
			c.next(value)
			c.wording(value, 1, known)
			continue
		}
		c.take(value, 1, first, known)
	}
}

// next counts a value, and reports whether it is one that counts for the column test.
func (c *Column) next(value []byte) bool {
	c.values++
	c.calls++
	if !c.sampled() || !c.fresh(value) {
		return false
	}
	c.tested++
	return true
}

// bare reports whether a byte at the end of a value is no space, and of none.
func bare(b byte) bool { return b > ' ' && b < 0x80 }

// Numbers takes in many whole numbers.
func (c *Column) Numbers(values []int64) {
	var text [24]byte
	for _, v := range values {
		if v >= 0 && c.passes(decimals(uint64(v))) {
			continue
		}
		c.take(strconv.AppendInt(text[:0], v, 10), 1, 0, isPlain|isKeyless|isOneWord|isASCII)
	}
}

// passes counts a number of so many digits, and reports whether that is all: of one that is
// not tested, and of which nothing could be found by itself, its length is all that counts.
func (c *Column) passes(digits int) bool {
	if next := c.calls + 1; next <= sampledWhole || next&15 == 0 {
		return false
	}
	if l := &c.digits[digits]; !l.known || l.found {
		return false
	}
	c.values++
	c.calls++
	return true
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
