package expr

import (
	bigendian "encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// worldSize is how many of the 2^32 places told apart by the first four bytes
// of an address are so much of the internet that no list of known peers can be
// meant: as many as one range of /4 has. For IPv6, of which only 2000::/3 is
// routed, the same number is a range of /4 too.
const worldSize = 1 << 28

// private are ranges no packet from the internet bears as its source. They are
// not counted, so that a company's own network is never the world.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// world reports whether an address range, or several together, hold so much of
// the internet that no list of known peers can be meant: as much as a range of
// /4, however finely it is cut.
func world(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return worldOf([]string{v})
	case []any:
		texts := make([]string, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("a %T is not an address range", e)
			}
			texts[i] = s
		}
		return worldOf(texts)
	}
	return nil, fmt.Errorf("a %T is not an address range", v)
}

// worldOf adds up what the ranges hold, each address once. A single address may
// stand for its range.
func worldOf(texts []string) (bool, error) {
	var v4, v6 []span
	for _, text := range texts {
		p, err := parseRange(text)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(private, func(q netip.Prefix) bool { return q.Bits() <= p.Bits() && q.Contains(p.Addr()) }) {
			continue
		}
		b := p.Masked().Addr().AsSlice()
		first, bits := uint64(bigendian.BigEndian.Uint32(b)), min(p.Bits(), 32)
		s := span{first, first + 1<<(32-bits)}
		if p.Addr().Is4() {
			v4 = append(v4, s)
		} else if p.Bits() <= 32 { // what is smaller counts for nothing
			v6 = append(v6, s)
		}
	}
	return size(v4) >= worldSize || size(v6) >= worldSize, nil
}

func parseRange(text string) (netip.Prefix, error) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, nil
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.Prefix{}, fmt.Errorf("%.60q is not an address range", text)
}

// span is a run of numbers, end not included.
type span struct{ start, end uint64 }

// size is how many numbers lie in at least one of the spans.
func size(spans []span) uint64 {
	slices.SortFunc(spans, func(a, b span) int {
		switch {
		case a.start < b.start:
			return -1
		case a.start > b.start:
			return 1
		}
		return 0
	})
	var n, at uint64
	for _, s := range spans {
		if start := max(at, s.start); start < s.end {
			n += s.end - start
			at = s.end
		}
	}
	return n
}

// fromWorld reports whether a rule of a security group lets the internet in. A
// rule without protocol is none that EC2 gives, and who comes in by a prefix
// list stands in another asset: both are errors, unless addresses that stand in
// the rule itself let the world in already.
func fromWorld(v any) (any, error) {
	rule, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a %T is not a rule of a security group", v)
	}
	if s, ok := rule["IpProtocol"].(string); !ok || s == "" {
		return nil, fmt.Errorf("a rule of the security group has no IpProtocol")
	}
	var ranges []string
	for _, from := range [][2]string{{"IpRanges", "CidrIp"}, {"Ipv6Ranges", "CidrIpv6"}} {
		list, err := listOf(rule[from[0]])
		if err != nil {
			return nil, err
		}
		for _, e := range list.([]any) {
			m, _ := e.(map[string]any)
			cidr, ok := m[from[1]].(string)
			if !ok {
				return nil, fmt.Errorf("an entry of %s has no %s", from[0], from[1])
			}
			ranges = append(ranges, cidr)
		}
	}
	if open, err := worldOf(ranges); open || err != nil {
		return open, err
	}
	list, err := listOf(rule["PrefixListIds"])
	if err != nil {
		return nil, err
	}
	names := []string{}
	for _, e := range list.([]any) {
		m, _ := e.(map[string]any)
		names = append(names, fmt.Sprint(m["PrefixListId"]))
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("who comes in by prefix list %s is not known: its entries are another asset", strings.Join(names, ", "))
	}
	return false, nil
}
