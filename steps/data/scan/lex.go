package scan

import (
	"encoding/binary"
	mathbits "math/bits"
)

// Classes of bytes, as bits of a table.
const (
	isDig  = 1 << iota // 0-9
	isLet              // A-Z a-z
	isHex              // 0-9 A-F a-f
	isTok              // letters, digits, _ and -
	isMail             // what an address's local part may hold, and bytes beyond ASCII
	isHost             // letters, digits, hyphen, point, and bytes beyond ASCII
	isB64              // letters, digits, + / = _ -
	isUp               // A-Z
)

const isAlnum = isDig | isLet

var class = func() (t [256]uint8) {
	for c := range t {
		b := byte(c)
		var v uint8
		digit, upper, lower := b-'0' < 10, b-'A' < 26, b-'a' < 26
		if digit {
			v |= isDig | isHex
		}
		if upper || lower {
			v |= isLet
		}
		if upper {
			v |= isUp
		}
		if b|0x20 >= 'a' && b|0x20 <= 'f' && (upper || lower) {
			v |= isHex
		}
		word := digit || upper || lower
		if word || b == '_' || b == '-' {
			v |= isTok
		}
		if word || b >= 0x80 || b == '_' || b == '-' || b == '.' || b == '+' || b == '%' {
			v |= isMail
		}
		if word || b >= 0x80 || b == '-' || b == '.' {
			v |= isHost
		}
		if word || b == '+' || b == '/' || b == '=' || b == '_' || b == '-' {
			v |= isB64
		}
		t[c] = v
	}
	return t
}()

func is(c byte, mask uint8) bool { return class[c]&mask != 0 }

// trigger finds the next byte at or after i from '/' to '@': digits, ':', '<',
// '@' and a few that cost little. Sixteen bytes are looked at together.
func trigger(b []byte, i int) int {
	for ; i+16 <= len(b); i += 16 {
		p := b[i : i+16 : i+16]
		m, n := stops(binary.LittleEndian.Uint64(p)), stops(binary.LittleEndian.Uint64(p[8:]))
		if m != 0 {
			return i + mathbits.TrailingZeros64(m)>>3
		}
		if n != 0 {
			return i + 8 + mathbits.TrailingZeros64(n)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c >= '/' && c <= '@' {
			return i
		}
	}
	return -1
}

// stops has the high bit of each byte of w from '/' to '@'. Where no high bit is set,
// adding 0x80-0x2F carries into it for bytes from '/' on, and adding 0x80-0x41 for bytes
// past '@'.
func stops(w uint64) uint64 {
	low := w &^ highBits
	return (low + eachByte*(0x80-0x2F)) &^ (low + eachByte*(0x80-0x41)) &^ w & highBits
}

// item is a run of digits ('9') or letters ('A'), or one separator.
type item struct {
	start, end int32
	kind       byte
	symbol     uint8 // of the index of shapes
}

const (
	maxItems  = 24
	maxPhrase = 64 // bytes; the longest shape is a spaced IBAN of 42
)

// separators are what a value written in groups may hold between them, each at its place
// in the index of shapes.
const separators = " -./+()"

// What a byte is to a phrase.
const (
	partNone = iota
	partDigit
	partLetter
	partSeparator // and its place among the separators
)

var parts = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case is(b, isDig):
			t[c] = partDigit
		case is(b, isLet):
			t[c] = partLetter
		}
	}
	for i, c := range []byte(separators) {
		t[c] = partSeparator + uint8(i)
	}
	return t
}()

// digitsFrom is the end of the run of digits that goes on at i.
func digitsFrom(b []byte, i int) int {
	for i < len(b) {
		n := mathbits.TrailingZeros64(^digitMask(load(b, i))&highBits) >> 3
		if i += n; n < 8 {
			break
		}
	}
	return i
}

// phrase reads the runs that begin at s: a chunk of letters and digits, then
// further chunks that one separator joins to it. A chunk of small letters ends
// it, being a word of the language.
func (r *run) phrase(s int) int {
	b, n := r.b, 0
	end := min(len(b), s+maxPhrase)
	for i := s; i < end && n < maxItems-2; n++ {
		c, j := b[i], i+1
		it := &r.items[n]
		switch part := parts[c]; part {
		case partNone:
			return n
		case partDigit:
			j = digitsFrom(b, j)
			*it = item{int32(i), int32(j), '9', digitSymbol(j - i)}
		case partLetter:
			for j < len(b) && is(b[j], isLet) {
				j++
			}
			*it = item{int32(i), int32(j), 'A', letterSymbol(j - i)}
		default:
			if !(n > 0 && j < len(b) && (is(b[j], isDig) || joins(b, i))) && !(c == ')' && n > 2 && r.items[n-2].kind == '(') {
				return n
			}
			*it = item{int32(i), int32(j), c, separatorSymbol + part - partSeparator}
		}
		i = j
	}
	return n
}

// joins reports whether the separator at i is followed by a further group: a
// digit, a short run of capitals, or, after ')' and before '(', a separator's
// partner.
func joins(b []byte, i int) bool {
	c := b[i+1]
	if is(c, isDig) {
		return true
	}
	if b[i] == ')' {
		return c == ' ' || c == '-'
	}
	if !is(c, isUp) {
		return false
	}
	j := i + 2
	for j < len(b) && j < i+6 && is(b[j], isUp) {
		j++
	}
	return j == len(b) || !is(b[j], isLet)
}
