package iam

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// answerable is what a key must be for a set of literals to hold: absent, or
// present with values.
type answerable struct {
	absent bool
	values []string
}

// settleKey finds a value for a key under which all its literals hold. ok is
// false if there is none; hard says that it could not be told.
func (s *solver) settleKey(k key32, lits []lit) (a answerable, ok, hard bool) {
	if !s.d.present(k) && holdAbsent(lits) {
		return answerable{absent: true}, true, false
	}
	var out, someIn, someOut []*values
	in := s.d.domain(k)
	single := truthValued[k]
	for i := range lits {
		l := &lits[i]
		single = single || l.plain
		switch l.ask {
		case absent:
			if !l.not {
				return a, false, false
			}
		case anyIn, anyInOrAbsent:
			if l.not {
				out = append(out, l.values)
			} else {
				someIn = append(someIn, l.values)
			}
		case allIn, allInAndPresent:
			if l.not {
				someOut = append(someOut, l.values)
			} else {
				in = append(in, l.values)
			}
		}
	}
	if !single && s.types[k] == ofStrings && onlyStrings(in, out, someIn, someOut) {
		// To the set operators an empty text is no value: without others the key
		// counts as absent, which was tried above.
		out = append(out, &noText)
	}
	if single || len(someIn)+len(someOut) <= 1 {
		v, ok, hard := s.element(k, append(slices.Clip(in), someIn...), append(slices.Clip(out), someOut...))
		return answerable{values: []string{v}}, ok, hard
	}
	for _, x := range someIn {
		v, ok, hard := s.element(k, append(slices.Clone(in), x), out)
		if !ok {
			return a, false, hard
		}
		a.values = append(a.values, v)
	}
	for _, x := range someOut {
		v, ok, hard := s.element(k, in, append(slices.Clone(out), x))
		if !ok {
			return a, false, hard
		}
		a.values = append(a.values, v)
	}
	slices.Sort(a.values)
	a.values = slices.Compact(a.values)
	return a, true, false
}

// plainest are values of keys of which it is asked only that they are there.
var plainest = [...]string{ofNumbers: "0", ofTimes: "2026-01-01T00:00:00Z", ofTruth: "true", ofAddresses: "203.0.113.7"}

// noText is the set of the empty text.
var noText = values{strings: set{newLiteral("", false)}}

func onlyStrings(lists ...[]*values) bool {
	for _, list := range lists {
		for _, v := range list {
			if v.family != ofStrings {
				return false
			}
		}
	}
	return true
}

func holdAbsent(lits []lit) bool {
	for i := range lits {
		t := false
		switch lits[i].ask {
		case allIn, absent, anyInOrAbsent:
			t = true
		}
		if t == lits[i].not {
			return false
		}
	}
	return true
}

// element finds one value that lies in every set of in and none of out.
func (s *solver) element(k key32, in, out []*values) (v string, ok, hard bool) {
	families := 0
	var seen [ofAddresses + 1]bool
	for _, list := range [][]*values{in, out} {
		for _, x := range list {
			if !seen[x.family] {
				seen[x.family] = true
				families++
			}
		}
	}
	size := 1
	for _, list := range [][]*values{in, out} {
		for _, x := range list {
			size += len(x.strings) + len(x.bounds) + len(x.prefixes)
		}
	}
	fits := func(c string) bool {
		if s.d.budget -= size; s.d.budget < 0 {
			return false
		}
		for _, x := range in {
			if !x.has(c) {
				return false
			}
		}
		for _, x := range out {
			if x.has(c) {
				return false
			}
		}
		return true
	}
	if truthValued[k] || seen[ofTruth] {
		for _, c := range []string{"true", "false"} {
			if fits(c) {
				return c, true, false
			}
		}
		return "", false, s.d.budget < 0
	}
	if k == keyAction && s.naming {
		for _, c := range s.actions {
			if fits(c) {
				return c, true, false
			}
		}
	}
	if plain := plainest[s.types[k]]; families == 0 && plain != "" {
		return plain, true, false
	}
	if families == 0 || families == 1 && seen[ofStrings] {
		v, found, err := search(setsOf(in), setsOf(out), &s.d.budget)
		return v, found, err != nil
	}
	for _, c := range candidates(in, out) {
		if fits(c) {
			return c, true, false
		}
	}
	// Of one family, the candidates meet every region its sets cut.
	return "", false, families > 1 || s.d.budget < 0
}

func setsOf(vs []*values) []set {
	out := make([]set, len(vs))
	for i, v := range vs {
		out[i] = v.strings
	}
	return out
}

// candidates lists values that meet every region into which numbers, times,
// addresses and truth values are cut by the sets: each bound, and a point in
// each gap between two.
func candidates(in, out []*values) []string {
	var texts []string
	var numbers, times []float64
	var addresses []netip.Addr
	for _, v := range append(slices.Clone(in), out...) {
		switch v.family {
		case ofStrings:
			for i := range v.strings {
				texts = append(texts, v.strings[i].sample("x"), v.strings[i].sample(""))
			}
		case ofTruth:
			texts = append(texts, "true", "false")
		case ofNumbers:
			for _, b := range v.bounds {
				numbers = append(numbers, b.value)
			}
		case ofTimes:
			for _, b := range v.bounds {
				times = append(times, b.value)
			}
		case ofAddresses:
			for _, p := range v.prefixes {
				addresses = append(addresses, p.Addr(), lastOf(p))
				if a := p.Addr().Prev(); a.IsValid() {
					addresses = append(addresses, a)
				}
				if a := lastOf(p).Next(); a.IsValid() {
					addresses = append(addresses, a)
				}
			}
		}
	}
	for _, f := range points(numbers) {
		texts = append(texts, strconv.FormatFloat(f, 'f', -1, 64))
	}
	for _, f := range points(times) {
		texts = append(texts, timeOf(f))
	}
	if len(addresses) > 0 { // one of each kind that few ranges hold
		addresses = append(addresses, netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7"))
	}
	for _, a := range addresses {
		texts = append(texts, a.String())
	}
	return texts
}

func timeOf(f float64) string {
	whole := math.Floor(f)
	return time.Unix(int64(whole), int64((f-whole)*1e9)).UTC().Format(time.RFC3339Nano)
}

// points are the bounds and one point in each gap between them.
func points(bounds []float64) []float64 {
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	var out []float64
	for i, b := range bounds {
		if i == 0 {
			out = append(out, b-1)
		} else {
			out = append(out, bounds[i-1]+(b-bounds[i-1])/2)
		}
		out = append(out, b)
	}
	if n := len(bounds); n > 0 {
		out = append(out, bounds[n-1]+1)
	}
	return out
}

// lastOf is the last address of a range.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
