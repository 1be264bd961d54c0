package scan

import mathbits "math/bits"

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
// '@' and a few that cost little. Eight bytes are looked at together: where no
// high bit is set, adding 0x80-0x2F carries into it for bytes from '/' on, and
// adding 0x80-0x41 for bytes past '@'.
func trigger(b []byte, i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := uint64(b[i]) | uint64(b[i+1])<<8 | uint64(b[i+2])<<16 | uint64(b[i+3])<<24 |
			uint64(b[i+4])<<32 | uint64(b[i+5])<<40 | uint64(b[i+6])<<48 | uint64(b[i+7])<<56
		low := w &^ high
		if m := (low + ones*(0x80-0x2F)) &^ (low + ones*(0x80-0x41)) &^ w & high; m != 0 {
			return i + mathbits.TrailingZeros64(m)>>3
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c >= '/' && c <= '@' {
			return i
		}
	}
	return -1
}

// item is a run of digits ('9') or letters ('A'), or one separator.
type item struct {
	start, end int32
	kind       byte
}

const (
	maxItems  = 24
	maxPhrase = 64 // bytes; the longest shape is a spaced IBAN of 42
)

// separators are what a value written in groups may hold between them.
func separator(c byte) bool {
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '+' || c == '(' || c == ')'
}

// phrase reads the runs that begin at s: a chunk of letters and digits, then
// further chunks that one separator joins to it. A chunk of small letters ends
// it, being a word of the language.
func (r *run) phrase(s int) int {
	b, n := r.b, 0
	end := min(len(b), s+maxPhrase)
	i := s
	for i < end && n < maxItems-2 {
		c := b[i]
		switch {
		case is(c, isDig):
			j := i + 1
			for j < len(b) && is(b[j], isDig) {
				j++
			}
			r.items[n] = item{int32(i), int32(j), '9'}
			n, i = n+1, j
		case is(c, isLet):
			j := i + 1
			for j < len(b) && is(b[j], isLet) {
				j++
			}
			r.items[n] = item{int32(i), int32(j), 'A'}
			n, i = n+1, j
		case c == ')' && n > 2 && r.items[n-2].kind == '(':
			r.items[n] = item{int32(i), int32(i + 1), c}
			n, i = n+1, i+1
		case separator(c) && n > 0 && i+1 < len(b) && joins(b, i):
			r.items[n] = item{int32(i), int32(i + 1), c}
			n, i = n+1, i+1
		default:
			return n
		}
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
