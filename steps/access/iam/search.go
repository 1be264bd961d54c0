package iam

import (
	"errors"
	"math/bits"
	"strings"
	"unicode"
)

// set is a union of patterns: the values of one condition, or the resources of
// one statement.
type set []Pattern

func (s set) match(v string) bool {
	folded := ""
	for i := range s {
		p := &s[i]
		w := v
		if p.fold {
			if folded == "" {
				folded = lower(v)
			}
			w = folded
		}
		if p.match(w) {
			return true
		}
	}
	return false
}

// finite reports whether the set holds no wildcard and no folding, so that its
// members are its texts.
func (s set) finite() bool {
	for i := range s {
		if s[i].shape != exact || s[i].fold {
			return false
		}
	}
	return true
}

// errHard says that a question has more states than the search visits.
var errHard = errors.New("the patterns are too entangled to be decided")

// maxStates bounds one search; each state holds a few machine words. The
// hardest of the containments among the managed policies' patterns takes some
// hundred.
const maxStates = 50_000

// maxWork bounds all searches of one question, in steps of one pattern over one
// character: a tenth of a second or two.
const maxWork = 1_000_000

// search finds a string that lies in every set of in and in none of out, a
// shortest one. found is false if there is none, and err is errHard if there
// were too many states to tell.
//
// It walks the product of the sets' automata, breadth first, making states as
// they are met. A pattern is its own non-deterministic automaton: position i is
// "what stands before element i is matched". Of the characters only those that
// some required pattern asks for by name are tried, and one that no pattern
// names: a character named by an excluded pattern only brings that pattern
// nearer to matching, which the unnamed one does not. A colon is tried too where
// wildcards stop at it.
//
// budget is what is left of the question's work, and goes down.
func search(in, out []set, budget *int) (witness string, found bool, err error) {
	*budget -= 8
	for _, x := range [][]set{in, out} {
		for i := range x {
			*budget -= len(x[i])
		}
	}
	if *budget < 0 {
		return "", false, errHard
	}
	if w, ok := guess(in, out); ok {
		return w, true, nil
	}
	if w, decided := enumerate(in, out); decided {
		return w, w != "" || emptyIsIn(in, out), nil
	}
	p := newProduct(in, out)
	p.budget = budget
	return p.walk()
}

func contains(in, out []set, s string) bool {
	for _, x := range in {
		if !x.match(s) {
			return false
		}
	}
	for _, x := range out {
		if x.match(s) {
			return false
		}
	}
	return true
}

func emptyIsIn(in, out []set) bool { return contains(in, out, "") }

// enumerate decides the question if one required set is finite. An empty
// witness means the empty string or none.
func enumerate(in, out []set) (witness string, decided bool) {
	for _, x := range in {
		if !x.finite() {
			continue
		}
		for i := range x {
			if contains(in, out, x[i].text) {
				return x[i].text, true
			}
		}
		return "", true
	}
	return "", false
}

// guess tries the plainest members of the shortest required set: most
// questions are settled by them.
func guess(in, out []set) (string, bool) {
	if len(in) == 0 {
		for _, s := range []string{"x", "other"} {
			if contains(in, out, s) {
				return s, true
			}
		}
		return "", false
	}
	for _, x := range in {
		for i := range x {
			if i == 8 {
				break
			}
			for _, fill := range []string{"x", "", "other"} {
				if s := x[i].sample(fill); contains(in, out, s) {
					return s, true
				}
			}
		}
	}
	return "", false
}

// sample is the pattern with each wildcard filled.
func (p *Pattern) sample(fill string) string {
	var b strings.Builder
	for _, e := range p.elements {
		switch e {
		case one, oneInPart:
			b.WriteByte('x')
		case many, manyInPart:
			b.WriteString(fill)
		default:
			b.WriteRune(rune(e))
		}
	}
	return b.String()
}

// machine is one pattern's automaton within a product.
type machine struct {
	p     *Pattern
	first int // the first word of its positions in a state
	words int
}

// product is the automaton of a search.
type product struct {
	machines []machine
	in       [][2]int // machines [from, to) of each required set
	out      [][2]int
	required int // machines of required sets come first
	words    int
	colon    bool // some wildcard stops at a colon
	fresh    rune
	budget   *int
}

func newProduct(in, out []set) *product {
	p := &product{}
	named := map[rune]bool{}
	add := func(sets []set) [][2]int {
		var spans [][2]int
		for _, s := range sets {
			from := len(p.machines)
			for i := range s {
				m := machine{p: &s[i], first: p.words, words: (len(s[i].elements) + 64) / 64}
				p.words += m.words
				p.machines = append(p.machines, m)
				for _, e := range s[i].elements {
					if r := rune(e); r >= 0 {
						named[r] = true
						named[upperRune(r)], named[lowerRune(r)] = true, true
					}
					p.colon = p.colon || e == oneInPart || e == manyInPart
				}
			}
			spans = append(spans, [2]int{from, len(p.machines)})
		}
		return spans
	}
	p.in = add(in)
	p.required = len(p.machines)
	p.out = add(out)
	for r := 'x'; ; r++ { // letters first, since they read best
		if r == 'z'+1 {
			r = 'a'
		}
		if r == 'w' {
			r = 0x100
		}
		if !named[r] && unicode.IsLetter(r) && unicode.ToLower(r) == r {
			p.fresh = r
			break
		}
	}
	return p
}

// close adds the positions that are reached without a character.
func (m *machine) close(state []uint64) {
	for i, e := range m.p.elements {
		if state[m.first+i/64]>>(i%64)&1 == 1 && (e == many || e == manyInPart) {
			state[m.first+(i+1)/64] |= 1 << ((i + 1) % 64)
		}
	}
}

// step moves a machine over one character; alive is false if it can match no
// more.
func (m *machine) step(from, to []uint64, r, folded rune) (alive bool) {
	if m.p.fold {
		r = folded
	}
	for w := range m.words {
		for left := from[m.first+w]; left != 0; left &= left - 1 {
			i := w*64 + bits.TrailingZeros64(left)
			if i == len(m.p.elements) {
				break
			}
			e := m.p.elements[i]
			next := -1
			switch e {
			case one, element(r):
				next = i + 1
			case oneInPart:
				if r != ':' {
					next = i + 1
				}
			case many:
				next = i
			case manyInPart:
				if r != ':' {
					next = i
				}
			}
			if next >= 0 {
				to[m.first+next/64] |= 1 << (next % 64)
				alive = true
				// A star is passed for nothing; two never stand together, save
				// of two kinds.
				for next < len(m.p.elements) && (m.p.elements[next] == many || m.p.elements[next] == manyInPart) {
					next++
					to[m.first+next/64] |= 1 << (next % 64)
				}
			}
		}
	}
	return alive
}

func (m *machine) accepts(state []uint64) bool {
	n := len(m.p.elements)
	return state[m.first+n/64]>>(n%64)&1 == 1
}

func (p *product) accepts(state []uint64) bool {
	for _, span := range p.in {
		if !p.anyAccepts(state, span) {
			return false
		}
	}
	for _, span := range p.out {
		if p.anyAccepts(state, span) {
			return false
		}
	}
	return true
}

func (p *product) anyAccepts(state []uint64, span [2]int) bool {
	for i := span[0]; i < span[1]; i++ {
		if p.machines[i].accepts(state) {
			return true
		}
	}
	return false
}

// letters lists the characters worth trying from a state.
func (p *product) letters(state []uint64, buf []rune) []rune {
	buf = append(buf[:0], p.fresh)
	if p.colon {
		buf = append(buf, ':')
	}
	for k := range p.machines[:p.required] {
		m := &p.machines[k]
		for i, e := range m.p.elements {
			if e < 0 || state[m.first+i/64]>>(i%64)&1 == 0 {
				continue
			}
			buf = appendRune(buf, rune(e))
			if m.p.fold {
				buf = appendRune(buf, upperRune(rune(e)))
			}
		}
	}
	return buf
}

func appendRune(rs []rune, r rune) []rune {
	for _, have := range rs {
		if have == r {
			return rs
		}
	}
	return append(rs, r)
}

func key(state []uint64) string {
	b := make([]byte, 0, len(state)*8)
	for _, w := range state {
		b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24), byte(w>>32), byte(w>>40), byte(w>>48), byte(w>>56))
	}
	return string(b)
}

func (p *product) walk() (string, bool, error) {
	type visit struct {
		state []uint64
		prev  int
		r     rune
	}
	start := make([]uint64, p.words)
	for i := range p.machines {
		start[p.machines[i].first] |= 1
		p.machines[i].close(start)
	}
	queue := []visit{{state: start, prev: -1}}
	seen := map[string]bool{key(start): true}
	var buf []rune
	for at := 0; at < len(queue); at++ {
		if p.accepts(queue[at].state) {
			var rs []rune
			for i := at; queue[i].prev >= 0; i = queue[i].prev {
				rs = append(rs, queue[i].r)
			}
			for i, j := 0, len(rs)-1; i < j; i, j = i+1, j-1 {
				rs[i], rs[j] = rs[j], rs[i]
			}
			return string(rs), true, nil
		}
		*p.budget -= p.required
		buf = p.letters(queue[at].state, buf)
		for _, r := range buf {
			next := make([]uint64, p.words)
			if *p.budget -= len(p.machines) + p.words; *p.budget < 0 {
				return "", false, errHard
			}
			if !p.move(queue[at].state, next, r) {
				continue
			}
			k := key(next)
			if seen[k] {
				continue
			}
			if len(seen) >= maxStates {
				return "", false, errHard
			}
			seen[k] = true
			queue = append(queue, visit{state: next, prev: at, r: r})
		}
	}
	return "", false, nil
}

// move takes every machine over r; false if a required set can match no more.
func (p *product) move(from, to []uint64, r rune) bool {
	folded := lowerRune(r)
	for _, span := range p.in {
		alive := false
		for i := span[0]; i < span[1]; i++ {
			alive = p.machines[i].step(from, to, r, folded) || alive
		}
		if !alive {
			return false
		}
	}
	for i := p.required; i < len(p.machines); i++ {
		p.machines[i].step(from, to, r, folded)
	}
	return true
}
