package scan

import (
	mathbits "math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The shapes of the catalogue are a tree: from its root each run of digits or letters, by
// its length, and each separator leads on to a node, and the nodes at which shapes end
// hold what they stand for. Most numbers fall out of it at their first or second group.

// A symbol is a run of one length or a separator; none is one that no shape has.
const (
	letterSymbols   = 24 // digits lie before it, by their number
	separatorSymbol = 48
	noSymbol        = 63
)

func digitSymbol(n int) uint8 {
	if n < letterSymbols {
		return uint8(n)
	}
	return noSymbol
}

func letterSymbol(n int) uint8 {
	if n < separatorSymbol-letterSymbols {
		return uint8(letterSymbols + n)
	}
	return noSymbol
}

// node is a beginning of shapes.
type node struct {
	leads uint64 // the symbols that lead on, as bits
	first uint32 // where the node of the first of them stands; the others follow
	shape uint32 // place of its claims, plus one, if a shape ends here
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

// index answers which entities a shape could be.
type index struct {
	nodes  []node // the first is the root
	claims []claims
	chunks [64]claims // by length, for runs of letters and digits mixed
	fields fieldPlans
}

// claims are the entities that one shape stands for.
type claims struct {
	all    []claim
	strong []claim // those that no word has to speak for
	weak   bits    // the others
	any    bits
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
	found := map[string][]claim{}
	var order, written []string
	x := &index{}
	var chunks [len(x.chunks)][]claim
	put := func(list string, e int, strong bool) {
		for _, one := range strings.Fields(list) {
			for _, plain := range expand(one) {
				s := string(symbolsOf(plain))
				if !has(found[s], uint8(e)) {
					if found[s] == nil {
						order, written = append(order, s), append(written, plain)
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
	slices.Sort(order)
	x.claims = make([]claims, len(order))
	for i, s := range order {
		x.claims[i] = claimsOf(found[s])
	}
	x.nodes = []node{{}}
	x.grow(0, order, 0, 0)
	x.fields = x.plan(written)
	return x
}

// grow makes the nodes below the one at a place, whose shapes these are, in order: they
// are alike in their first symbols, depth of them, and the first stands at the place from
// of all.
func (x *index) grow(at int, shapes []string, depth, from int) {
	if len(shapes) > 0 && len(shapes[0]) == depth {
		x.nodes[at].shape = uint32(from) + 1
		shapes, from = shapes[1:], from+1
	}
	first := len(x.nodes)
	x.nodes[at].first = uint32(first)
	var groups [][]string
	for i := 0; i < len(shapes); {
		j := i
		for j < len(shapes) && shapes[j][depth] == shapes[i][depth] {
			j++
		}
		x.nodes[at].leads |= 1 << shapes[i][depth]
		x.nodes = append(x.nodes, node{})
		groups = append(groups, shapes[i:j])
		i = j
	}
	for i, g := range groups {
		x.grow(first+i, g, depth+1, from)
		from += len(g)
	}
}

// step goes from a node on over a symbol; it gives false where no shape goes on so.
func (x *index) step(n *node, symbol uint8) (*node, bool) {
	bit := uint64(1) << (symbol & 63)
	if n.leads&bit == 0 {
		return nil, false
	}
	return &x.nodes[int(n.first)+mathbits.OnesCount64(n.leads&(bit-1))], true
}

// digits are the claims on so many digits in a row.
func (x *index) digits(n int) []claim {
	if to, ok := x.step(&x.nodes[0], digitSymbol(n)); ok && to.shape > 0 {
		return x.claims[to.shape-1].all
	}
	return nil
}

func has(claims []claim, e uint8) bool {
	for _, c := range claims {
		if c.entity == e {
			return true
		}
	}
	return false
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

// symbolsOf are the symbols of a shape that is written out. It panics on one that has no
// symbol, for no value would be found by it.
func symbolsOf(shape string) []byte {
	var all []byte
	for i := 0; i < len(shape); {
		c, n := shape[i], 1
		if c == '9' || c == 'A' {
			for i+n < len(shape) && shape[i+n] == c {
				n++
			}
		}
		symbol := uint8(noSymbol)
		switch {
		case c == '9':
			symbol = digitSymbol(n)
		case c == 'A':
			symbol = letterSymbol(n)
		case parts[c] >= partSeparator:
			symbol = separatorSymbol + parts[c] - partSeparator
		}
		if symbol == noSymbol {
			panic("the shape " + shape + " cannot be looked for")
		}
		all = append(all, symbol)
		i += n
	}
	return all
}
