package access

import (
	"cmp"
	"slices"
)

// span is the objects from lo to before hi, in their order.
type span struct{ lo, hi int32 }

// spans is a set of objects as runs of their order: sorted, apart from each
// other, none empty. What a wildcard names is one run, however many objects
// that are, so that identities and objects never meet pair by pair.
type spans []span

// tidy sorts and joins runs in place.
func tidy(s spans) spans {
	if len(s) < 2 {
		return s
	}
	slices.SortFunc(s, func(a, b span) int { return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.hi, b.hi)) })
	out := s[:1]
	for _, r := range s[1:] {
		if last := &out[len(out)-1]; r.lo <= last.hi {
			last.hi = max(last.hi, r.hi)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// join is the union; neither argument is changed.
func join(a, b spans) spans {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return tidy(append(append(make(spans, 0, len(a)+len(b)), a...), b...))
}

// meet is the intersection.
func meet(a, b spans) spans {
	var out spans
	for i, j := 0, 0; i < len(a) && j < len(b); {
		lo, hi := max(a[i].lo, b[j].lo), min(a[i].hi, b[j].hi)
		if lo < hi {
			out = append(out, span{lo, hi})
		}
		if a[i].hi < b[j].hi {
			i++
		} else {
			j++
		}
	}
	return out
}

// less is what of a is not in b.
func less(a, b spans) spans {
	if len(b) == 0 {
		return a
	}
	var out spans
	j := 0
	for _, r := range a {
		lo := r.lo
		for j < len(b) && b[j].hi <= lo {
			j++
		}
		for k := j; k < len(b) && b[k].lo < r.hi; k++ {
			if b[k].lo > lo {
				out = append(out, span{lo, b[k].lo})
			}
			lo = max(lo, b[k].hi)
		}
		if lo < r.hi {
			out = append(out, span{lo, r.hi})
		}
	}
	return out
}

// size is the number of objects.
func (s spans) size() int {
	n := 0
	for _, r := range s {
		n += int(r.hi - r.lo)
	}
	return n
}

// has reports whether an object is in the set.
func (s spans) has(i int32) bool {
	k, found := slices.BinarySearchFunc(s, i, func(r span, i int32) int { return cmp.Compare(r.lo, i) })
	return found || k > 0 && i < s[k-1].hi
}

// runs makes a set of objects given in rising order.
func runs(of []int32) spans {
	var out spans
	for _, i := range of {
		if n := len(out); n > 0 && out[n-1].hi == i {
			out[n-1].hi++
		} else if n == 0 || out[n-1].hi < i {
			out = append(out, span{i, i + 1})
		}
	}
	return out
}
