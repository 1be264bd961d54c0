package scan

import (
	"bytes"
	mathbits "math/bits"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/check"
)

// wallet reads an address of a cryptocurrency.
func (r *run) wallet(c *chunk) int {
	b, n := r.b[c.s:c.e], c.e-c.s
	ok := false
	switch {
	case n == 42 && b[0] == '0' && b[1] == 'x':
		ok = allHex(b[2:]) && r.spoken(placeCrypto, c.s)
	case n >= 26 && n <= 35 && (b[0] == '1' || b[0] == '3' || b[0] == 'T' || b[0] == 'L' || b[0] == 'M' || b[0] == 'D'):
		ok = check.Base58Check(b)
	case n >= 14 && n <= 90 && b[0] == 'b' && b[1] == 'c' && b[2] == '1':
		ok = check.Bech32(b)
	}
	if !ok {
		return 0
	}
	return r.emit("CRYPTO", c.s, c.e, .95, byCheck)
}

// angle reads the machine-readable zone of a travel document, whose lines are
// capitals, digits and '<'.
func (r *run) angle(i int) int {
	b := r.b
	s := i
	for s > r.floor && i-s < 30 && mrzByte(b[s-1]) {
		s--
	}
	if s == i || i+20 > len(b) || !mrzByte(b[i+1]) {
		return i + 1
	}
	switch b[s] {
	case 'P', 'V', 'I', 'A', 'C':
	default:
		return i + 1
	}
	var zone [90]byte
	n, lines, j, width := 0, 1, s, 0
	for j < len(b) && n < len(zone) {
		switch {
		case mrzByte(b[j]):
			zone[n] = b[j]
			n++
		case b[j] == '\r':
		case b[j] == '\n' || b[j] == ' ' && n%2 == 0 && n >= 30 || b[j] == '\\' && j+1 < len(b) && b[j+1] == 'n':
			if n != 44 && n != 36 && n != 30 && n != 60 {
				return i + 1
			}
			if b[j] == '\\' {
				j++
			}
			lines++
			if width == 0 {
				width = n
			}
		default:
			goto done
		}
		j++
		if width > 30 && n == 2*width {
			break
		}
	}
done:
	if lines < 2 || !check.MRZ(zone[:n]) {
		return i + 1
	}
	return r.emit("PASSPORT_MRZ", s, j, .98, byCheck)
}

func mrzByte(c byte) bool { return c == '<' || is(c, isDig|isUp) }

// A key in PEM is sought by the part of its first line that no table is ruled with.
var pemBegin, pemWord = []byte("-----BEGIN "), []byte("BEGIN ")

// keys finds private keys in PEM, by a search of its own: their first line may
// hold none of the bytes the pass stops at.
func (r *run) keys() {
	var found []Span
	for at := 0; ; {
		i := bytes.Index(r.b[at:], pemWord)
		if i < 0 {
			r.insert(found)
			return
		}
		at += i + len(pemWord)
		i = at - len(pemBegin)
		if i < 0 || !bytes.HasPrefix(r.b[i:], pemBegin) {
			continue
		}
		line := r.b[at:min(len(r.b), at+40)]
		end := bytes.Index(line, []byte("PRIVATE KEY"))
		if end < 0 || bytes.IndexByte(line[:end], '\n') >= 0 {
			continue
		}
		stop := len(r.b)
		if j := bytes.Index(r.b[at:min(len(r.b), at+8192)], []byte("-----END ")); j >= 0 {
			stop = at + j + 9
			if k := bytes.Index(r.b[stop:min(len(r.b), stop+60)], []byte("-----")); k >= 0 {
				stop += k + 5
			}
			if j < 64 {
				continue // no key fits between the lines: a pattern or an example
			}
		} else {
			stop = min(stop, at+64)
		}
		found = append(found, Span{"SECRET_PRIVATE_KEY", i, stop, .98, byPrefix})
		at = stop
	}
}

// digitless are the keys of AWS, one in thirty of which holds no digit, and so no byte
// the pass stops at: their alphabet has six digits among thirty-two. Each is sought by
// a byte of its prefix that is rare in prose.
var digitless = []struct {
	prefix string
	rare   int // place of that byte
	length int
}{{"AKIA", 1, 20}, {"ASIA", 0, 20}}

// longerThanNames is how many letters in a row no name made of words has: as many as
// Hugging Face's keys, which are letters only.
const longerThanNames = 34

// digitlessAt reads a key without a digit whose prefix ends in the mark at a place; it
// returns its rule, start and end, or no rule. What a program calls by such a name is
// made of words, in which big and small letters change places less often.
func (x *secretIndex) digitlessAt(b []byte, at int) (rule *secretRule, s, e int) {
	if at < 2 {
		return nil, 0, 0
	}
	for _, rule := range x.byEnd[b[at-1]] {
		p := rule.prefix
		s := at + 1 - len(p)
		if s < 0 || string(b[s:at+1]) != p || s > 0 && is(b[s-1], isTok) {
			continue
		}
		e := rule.match(b, s)
		if e == 0 || e < len(b) && is(b[e], isTok) {
			continue
		}
		turns, digits := 0, false
		for i := at + 1; i < e; i++ {
			digits = digits || is(b[i], isDig)
			if i > at+1 && is(b[i], isUp) != is(b[i-1], isUp) {
				turns++
			}
		}
		n := e - at - 1
		if !digits && (turns*4 >= n || rule.class == 'a' && n >= longerThanNames) { // with one, the pass stops there
			return rule, s, e
		}
	}
	return nil, 0, 0
}

// beginsAt reports whether a key of a rule could begin with the prefix that ends in the mark
// at a place.
func (x *secretIndex) beginsAt(b []byte, at int) bool {
	for _, rule := range x.byEnd[b[at-1]] {
		p := rule.prefix
		if s := at + 1 - len(p); s < 0 || string(b[s:at+1]) != p {
			continue
		}
		n := 0
		for i := at + 1; i < len(b) && n < rule.least && inClass(b[i], rule.class); i++ {
			n++
		}
		if n == rule.least {
			return true
		}
	}
	return false
}

// each calls see with every place of a byte, until it returns false.
func each(b []byte, c byte, see func(at int) bool) {
	for at := 0; ; at++ {
		i := bytes.IndexByte(b[at:], c)
		if i < 0 {
			return
		}
		if at += i; !see(at) {
			return
		}
	}
}

// marked calls see with every place of a mark behind a letter with which a prefix may end,
// until it returns false.
func (x *secretIndex) marked(b []byte, mark byte, see func(at int) bool) {
	for at := 0; at < len(b); at++ {
		i := bytes.IndexByte(b[at:], mark)
		if i < 0 {
			return
		}
		if at += i; at > 1 && x.ends[b[at-1]] && !see(at) {
			return
		}
	}
}

// hyphens reports whether a key without a digit or an option could stand at a hyphen of
// the text. Where hyphens are many, as in tables, most join digits, and are passed over
// eight bytes at a step; where they are few it says that both could.
func (x *secretIndex) hyphens(b []byte) (keys, options bool) {
	if bytes.Count(b, hyphen) < len(b)/64 {
		return true, true
	}
	digits := uint64(0) // of the last eight bytes
	for i := 0; i < len(b); i += 8 {
		w := load(b, i)
		mask := digitMask(w)
		not := w ^ eachByte*'-'
		marks := ^((not&^highBits + ^uint64(highBits)) | not) & highBits
		for at := marks &^ (mask<<8 | digits>>56); at != 0; at &= at - 1 {
			k := i + mathbits.TrailingZeros64(at)>>3
			if k == 0 {
				continue
			}
			c := b[k-1]
			keys = keys || x.ends[c]
			options = options || (c == ' ' || c == '"' || c == '\'') && opens(b, k-1)
			if keys && options {
				return true, true
			}
		}
		digits = mask
	}
	return keys, options
}

var hyphen = []byte("-")

// mayHoldKey reports whether keys or accessKeys could find something in a part of b. What
// stands before and behind that part is another value's, and so says nothing. Hyphens is
// what hyphens said of b.
func mayHoldKey(b []byte, hyphens bool) bool {
	found := false
	for _, d := range digitless {
		each(b, d.prefix[d.rare], func(at int) bool {
			s := at - d.rare
			found = s >= 0 && s+len(d.prefix) <= len(b) && string(b[s:s+len(d.prefix)]) == d.prefix
			return !found
		})
		if found {
			return true
		}
	}
	for _, mark := range []byte("_-") {
		if mark == '-' && !hyphens {
			continue
		}
		secrets().marked(b, mark, func(at int) bool {
			found = secrets().beginsAt(b, at)
			return !found
		})
		if found {
			return true
		}
	}
	return bytes.Contains(b, pemWord)
}

// accessKeys finds keys without a digit by searches of their own; hyphens says whether
// hyphens are worth one.
func (r *run) accessKeys(hyphens bool) {
	for _, d := range digitless {
		var found []Span
		each(r.b, d.prefix[d.rare], func(at int) bool {
			s := at - d.rare
			e := s + len(d.prefix)
			if s < 0 || e+10 > len(r.b) || string(r.b[s:e]) != d.prefix {
				return true
			}
			for e < len(r.b) && e-s <= d.length && is(r.b[e], isUp) {
				e++
			}
			if e-s != d.length || s > 0 && is(r.b[s-1], isTok) || e < len(r.b) && is(r.b[e], isTok) || entropy(r.b[s+len(d.prefix):e]) < 2.5 {
				return true
			}
			found = append(found, Span{"SECRET_AWS_ACCESS_KEY", s, e, .95, byPrefix})
			return true
		})
		r.insert(found)
	}
	for _, mark := range []byte("_-") {
		if mark == '-' && !hyphens {
			continue
		}
		var found []Span
		r.s.rules.marked(r.b, mark, func(at int) bool {
			rule, s, e := r.s.rules.digitlessAt(r.b, at)
			if rule == nil {
				return true
			}
			if n := len(found); n > 0 && s < found[n-1].End {
				found = found[:n-1] // sk_live_ begins as sk_ does; the longer prefix says more
			}
			found = append(found, Span{rule.entity, s, e, .95, byPrefix})
			return true
		})
		r.insert(found)
	}
}

// insert lays spans among those found, in place of what they overlap.
func (r *run) insert(more []Span) {
	if len(more) > 0 {
		r.out = append(r.out[:r.first:r.first], merge(more, r.out[r.first:])...)
	}
}
