package iam

import "slices"

// node is a formula in negation normal form over literals.
type node struct {
	kind nodeKind
	lit  lit
	kids []*node
}

type nodeKind uint8

const (
	isFalse nodeKind = iota
	isTrue
	isLit
	isAnd
	isOr
)

var (
	truly   = &node{kind: isTrue}
	falsely = &node{kind: isFalse}
)

func literalNode(l lit) *node { return &node{kind: isLit, lit: l} }

// all is the conjunction of nodes.
func all(ns ...*node) *node {
	out := make([]*node, 0, len(ns))
	for _, n := range ns {
		switch n.kind {
		case isFalse:
			return falsely
		case isTrue:
		case isAnd:
			out = append(out, n.kids...)
		default:
			out = append(out, n)
		}
	}
	switch len(out) {
	case 0:
		return truly
	case 1:
		return out[0]
	}
	return &node{kind: isAnd, kids: out}
}

// either is the disjunction of nodes.
func either(ns ...*node) *node {
	out := make([]*node, 0, len(ns))
	for _, n := range ns {
		switch n.kind {
		case isTrue:
			return truly
		case isFalse:
		case isOr:
			out = append(out, n.kids...)
		default:
			out = append(out, n)
		}
	}
	switch len(out) {
	case 0:
		return falsely
	case 1:
		return out[0]
	}
	return &node{kind: isOr, kids: out}
}

func negate(n *node) *node {
	switch n.kind {
	case isTrue:
		return falsely
	case isFalse:
		return truly
	case isLit:
		l := n.lit
		l.not = !l.not
		return literalNode(l)
	}
	kids := make([]*node, len(n.kids))
	for i, k := range n.kids {
		kids[i] = negate(k)
	}
	if n.kind == isAnd {
		return either(kids...)
	}
	return all(kids...)
}

// leaf is a gate as a formula.
func leaf(g *gate) *node {
	switch g.t {
	case yes:
		return truly
	case no:
		return falsely
	}
	alts := make([]*node, len(g.open))
	for i := range g.open {
		lits := g.open[i].lits
		ns := make([]*node, len(lits))
		for j := range lits {
			ns[j] = literalNode(lits[j])
		}
		if others := g.open[i].any; len(others) > 0 {
			kids := make([]*node, len(others))
			for j := range others {
				kids[j] = literalNode(others[j])
			}
			ns = append(ns, either(kids...))
		}
		alts[i] = all(ns...)
	}
	return either(alts...)
}

// each calls f for every literal.
func (n *node) each(f func(l *lit)) {
	if n.kind == isLit {
		f(&n.lit)
		return
	}
	for _, k := range n.kids {
		k.each(f)
	}
}

// given replaces open truth values by what they are taken for.
func (n *node) given(truths map[int]bool) *node {
	switch n.kind {
	case isLit:
		if t, ok := truths[n.lit.opaque]; ok && n.lit.opaque > 0 {
			if t != n.lit.not {
				return truly
			}
			return falsely
		}
		return n
	case isAnd, isOr:
		kids := make([]*node, len(n.kids))
		for i, k := range n.kids {
			kids[i] = k.given(truths)
		}
		if n.kind == isAnd {
			return all(kids...)
		}
		return either(kids...)
	}
	return n
}

// readOnce reports whether every literal can end both ways and no two are
// about the same key. Such a formula can end both ways too, whatever it says.
func (n *node) readOnce(d *decider) bool {
	var keys [16]key32
	used := keys[:0]
	ok := true
	n.each(func(l *lit) {
		if !ok || l.opaque > 0 || slices.Contains(used, l.key) || !l.contingent() || l.key == keyUserID || l.ask == absent && d.present(l.key) {
			ok = false
			return
		}
		used = append(used, l.key)
	})
	return ok
}

// contingent reports that a literal can surely hold and surely not hold; it may
// say no of one that can.
func (l *lit) contingent() bool {
	if l.ask == absent {
		return !alwaysPresent[l.key]
	}
	v := l.values
	if truthValued[l.key] && v.family != ofTruth {
		return false
	}
	switch v.family {
	case ofStrings:
		for i := range v.strings {
			if v.strings[i].shape == any_ {
				return false
			}
		}
		return len(v.strings) == 1 || len(v.strings) > 1 && !slices.ContainsFunc(v.strings, func(p Pattern) bool { return p.shape == general || p.shape == inParts })
	case ofTruth:
		return v.truth[0] != v.truth[1]
	case ofNumbers, ofTimes:
		return len(v.bounds) == 1
	case ofAddresses:
		return len(v.prefixes) == 1 && v.prefixes[0].Bits() > 0
	}
	return false
}
