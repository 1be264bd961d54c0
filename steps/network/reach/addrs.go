package reach

import (
	"net/netip"
	"slices"
	"strings"
)

// AddrRange is the addresses From to To, both included and of one family.
type AddrRange struct{ From, To netip.Addr }

// Addrs is a set of IPv4 and IPv6 addresses: ranges in rising order that
// neither overlap nor touch. The zero value is the empty set. Addresses carry
// no zone; an IPv4 address mapped into IPv6 is the IPv4 address.
type Addrs struct{ ranges []AddrRange }

// The whole of each family.
var (
	AllIPv4 = AddrsOf(netip.MustParsePrefix("0.0.0.0/0"))
	AllIPv6 = AddrsOf(netip.MustParsePrefix("::/0"))
	AllIP   = AllIPv4.Union(AllIPv6)
)

// AddrsOf is the set of all addresses in the prefixes. An invalid prefix adds
// nothing; bits behind its length are ignored.
func AddrsOf(prefixes ...netip.Prefix) Addrs {
	ranges := make([]AddrRange, 0, len(prefixes))
	for _, p := range prefixes {
		if p.IsValid() {
			ranges = append(ranges, rangeOf(p))
		}
	}
	return normal(ranges)
}

// AddrsIn is the set of all addresses in the ranges. A range that is invalid,
// reversed or of two families adds nothing.
func AddrsIn(ranges ...AddrRange) Addrs {
	var kept []AddrRange
	for _, r := range ranges {
		r.From, r.To = r.From.Unmap().WithZone(""), r.To.Unmap().WithZone("")
		if r.From.IsValid() && r.From.BitLen() == r.To.BitLen() && r.From.Compare(r.To) <= 0 {
			kept = append(kept, r)
		}
	}
	return normal(kept)
}

// AddrOf is the set of one address, or the empty set if it is not valid.
func AddrOf(a netip.Addr) Addrs { return AddrsIn(AddrRange{a, a}) }

func rangeOf(p netip.Prefix) AddrRange {
	p = p.Masked()
	from := p.Addr()
	if from.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(from.Unmap(), p.Bits()-96)
		from = p.Addr()
	}
	bytes := from.AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	to, _ := netip.AddrFromSlice(bytes)
	return AddrRange{from, to}
}

// normal sorts ranges and joins those that overlap or touch. It may reuse the
// slice it is given.
func normal(ranges []AddrRange) Addrs {
	slices.SortFunc(ranges, func(a, b AddrRange) int { return a.From.Compare(b.From) })
	var out []AddrRange
	for _, r := range ranges {
		if n := len(out); n > 0 && out[n-1].From.BitLen() == r.From.BitLen() {
			last := &out[n-1]
			// The address after the last of a family is not valid and so
			// compares below everything; then r lies inside in any case.
			next := last.To.Next()
			if !next.IsValid() || r.From.Compare(next) <= 0 {
				if last.To.Less(r.To) {
					last.To = r.To
				}
				continue
			}
		}
		out = append(out, r)
	}
	return Addrs{out}
}

// Ranges are the set's ranges in rising order, IPv4 first. The caller must not
// change them.
func (s Addrs) Ranges() []AddrRange { return s.ranges }

// IsEmpty says whether no address is in the set.
func (s Addrs) IsEmpty() bool { return len(s.ranges) == 0 }

// Has says whether the set holds an address.
func (s Addrs) Has(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return false
	}
	i, found := slices.BinarySearchFunc(s.ranges, a, func(r AddrRange, a netip.Addr) int { return r.From.Compare(a) })
	if found {
		return true
	}
	return i > 0 && s.ranges[i-1].To.Compare(a) >= 0 && s.ranges[i-1].To.BitLen() == a.BitLen()
}

// Union is the set of addresses in either.
func (s Addrs) Union(t Addrs) Addrs {
	if s.IsEmpty() {
		return t
	}
	if t.IsEmpty() {
		return s
	}
	return normal(slices.Concat(s.ranges, t.ranges))
}

// Intersect is the set of addresses in both.
func (s Addrs) Intersect(t Addrs) Addrs {
	var out []AddrRange
	for i, j := 0, 0; i < len(s.ranges) && j < len(t.ranges); {
		a, b := s.ranges[i], t.ranges[j]
		from, to := later(a.From, b.From), earlier(a.To, b.To)
		if from.Compare(to) <= 0 && from.BitLen() == to.BitLen() {
			out = append(out, AddrRange{from, to})
		}
		if a.To.Less(b.To) {
			i++
		} else {
			j++
		}
	}
	return Addrs{out}
}

// Minus is the set of addresses in s and not in t.
func (s Addrs) Minus(t Addrs) Addrs { return s.Intersect(t.complement()) }

// Covers says whether every address of t is in s.
func (s Addrs) Covers(t Addrs) bool { return t.Minus(s).IsEmpty() }

// Overlaps says whether some address is in both.
func (s Addrs) Overlaps(t Addrs) bool { return !s.Intersect(t).IsEmpty() }

// Equal says whether both hold the same addresses.
func (s Addrs) Equal(t Addrs) bool { return slices.Equal(s.ranges, t.ranges) }

func (s Addrs) complement() Addrs {
	var out []AddrRange
	for _, family := range []AddrRange{
		{netip.AddrFrom4([4]byte{}), netip.AddrFrom4([4]byte{255, 255, 255, 255})},
		rangeOf(netip.MustParsePrefix("::/0")),
	} {
		from := family.From
		for _, r := range s.ranges {
			if r.From.BitLen() != from.BitLen() {
				continue
			}
			if from.Less(r.From) {
				out = append(out, AddrRange{from, r.From.Prev()})
			}
			if from = r.To.Next(); !from.IsValid() {
				break
			}
		}
		if from.IsValid() {
			out = append(out, AddrRange{from, family.To})
		}
	}
	return Addrs{out}
}

// String writes the ranges, prefixes where a range is one: "10.0.0.0/8,
// 192.0.2.1-192.0.2.5"; "none" for the empty set.
func (s Addrs) String() string {
	if s.IsEmpty() {
		return "none"
	}
	var parts []string
	for _, r := range s.ranges {
		parts = append(parts, r.String())
	}
	return strings.Join(parts, ", ")
}

// String writes the range as a prefix if it is one, else "FROM-TO".
func (r AddrRange) String() string {
	if r.From == r.To {
		return r.From.String()
	}
	for bits := 0; r.From.IsValid() && bits <= r.From.BitLen(); bits++ {
		if rangeOf(netip.PrefixFrom(r.From, bits)) == r {
			return netip.PrefixFrom(r.From, bits).String()
		}
	}
	return r.From.String() + "-" + r.To.String()
}

func later(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return b
	}
	return a
}

func earlier(a, b netip.Addr) netip.Addr {
	if a.Less(b) {
		return a
	}
	return b
}
