package scan

import (
	"strconv"
	"strings"
	"sync"
)

// A signature stands for a shape: a hash over its runs (how many digits, how
// many letters) and the separators between them. Two shapes that meet in one
// signature would be told apart by their checks; the test of the index holds
// that none of the catalogue do.
type signature uint64

const seed signature = 0x9E3779B97F4A7C15

// add extends a signature by a run of n digits ('9') or letters ('A'), or by a
// separator, for which n is 1.
func (s signature) add(kind byte, n int) signature {
	s ^= signature(kind)<<8 | signature(n)
	s *= 0xD6E8FEB86659FD93
	return s ^ s>>29
}

// claim is an entity that a shape stands for, with what is asked of it at each
// candidate.
type claim struct {
	check  func([]byte) bool
	chance float32
	alone  float64 // 0 unless the shape is strong
	entity uint8
	raw    bool
}

func claimOf(e int, strong bool) claim {
	row := &catalogue()[e]
	c := claim{check: row.check, chance: float32(row.Chance), entity: uint8(e), raw: row.raw}
	if strong {
		c.alone = row.alone
	}
	return c
}

// index answers which entities a signature could be. It is open-addressed, and
// a bitmap answers most questions without touching it.
type index struct {
	bloom  [1 << 10]uint64
	keys   []signature
	values []int32 // place in claims, which ends at the first of another key
	claims []claims
	chunks [64]claims // by length, for runs of letters and digits mixed
}

// claims are the entities that one shape stands for.
type claims struct {
	all    []claim
	strong []claim // those that no word has to speak for
	weak   bits    // the others
	any    bits
}

// list are all claims, none of nil.
func (c *claims) list() []claim {
	if c == nil {
		return nil
	}
	return c.all
}

func claimsOf(all []claim) claims {
	c := claims{all: all}
	for _, one := range all {
		c.any.set(int(one.entity))
		if one.alone > 0 {
			c.strong = append(c.strong, one)
		} else {
			c.weak.set(int(one.entity))
		}
	}
	return c
}

var shapes = sync.OnceValue(buildIndex)

func buildIndex() *index {
	found := map[signature][]claim{}
	var order []signature
	x := &index{}
	var chunks [len(x.chunks)][]claim
	put := func(list string, e int, strong bool) {
		for _, one := range strings.Fields(list) {
			for _, plain := range expand(one) {
				s := signatureOf(plain)
				if !has(found[s], uint8(e)) {
					if found[s] == nil {
						order = append(order, s)
					}
					found[s] = append(found[s], claimOf(e, strong))
				}
			}
		}
	}
	for e, row := range catalogue() {
		put(row.strong, e, true)
		put(row.plain, e, false)
		for _, n := range strings.Fields(row.chunks) {
			length, _ := strconv.Atoi(n)
			chunks[length] = append(chunks[length], claimOf(e, true))
		}
	}
	for n, list := range chunks {
		x.chunks[n] = claimsOf(list)
	}
	size := 1
	for size < 4*len(order) {
		size *= 2
	}
	x.keys, x.values = make([]signature, size), make([]int32, size)
	for _, s := range order {
		x.bloom[s>>6&1023] |= 1 << (s & 63)
		i := int(s>>16) & (size - 1)
		for x.keys[i] != 0 {
			i = (i + 1) & (size - 1)
		}
		x.keys[i], x.values[i] = s, int32(len(x.claims))
		x.claims = append(x.claims, claimsOf(found[s]))
	}
	return x
}

func has(claims []claim, e uint8) bool {
	for _, c := range claims {
		if c.entity == e {
			return true
		}
	}
	return false
}

// find gives the claims on a signature, nil if no shape has it.
func (x *index) find(s signature) *claims {
	if x.bloom[s>>6&1023]&(1<<(s&63)) == 0 {
		return nil
	}
	mask := len(x.keys) - 1
	for i := int(s>>16) & mask; x.keys[i] != 0; i = (i + 1) & mask {
		if x.keys[i] == s {
			return &x.claims[x.values[i]]
		}
	}
	return nil
}

// expand writes out a shape's optional separators and its places of either
// class; an underscore stands for a space, which parts the shapes of a list.
func expand(shape string) []string {
	var all []string
	if strings.Contains(shape, "~") {
		for _, sep := range []string{"", "_", "-", "."} {
			all = append(all, expand(strings.ReplaceAll(shape, "~", sep))...)
		}
		return all
	}
	if i := strings.IndexByte(shape, 'X'); i >= 0 {
		return append(expand(shape[:i]+"9"+shape[i+1:]), expand(shape[:i]+"A"+shape[i+1:])...)
	}
	return []string{strings.ReplaceAll(shape, "_", " ")}
}

// signatureOf is the signature of a shape that is written out.
func signatureOf(shape string) signature {
	s := seed
	for i := 0; i < len(shape); {
		c, n := shape[i], 1
		if c == '9' || c == 'A' {
			for i+n < len(shape) && shape[i+n] == c {
				n++
			}
		}
		s = s.add(c, n)
		i += n
	}
	return s
}
