package network

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// internet are hosts that stand for the internet: one for each kind of public address
// that rules of AWS and policies of clusters tell apart. Addresses named by the same
// rules are one kind, wherever they lie. A kind that is no larger than a company's own
// range (2^20 addresses; of IPv6 a /28) is no host anywhere, and must be asked about by
// its CIDR. IPv6 counts where a VPC or a pod has an address of it.
func (w *World) internet() []netip.Addr {
	if w.hosts != nil {
		return w.hosts
	}
	owners := w.blocks()
	w.hosts = w.hostsOf(&ipv4, owners)
	if w.hasIPv6() {
		w.hosts = append(w.hosts, w.hostsOf(&ipv6, owners)...)
	}
	return w.hosts
}

// space is the public part of an address family, on a line of numbers: of IPv4 the
// addresses, of IPv6 the networks of 64 bits.
type space struct {
	from, to uint64 // the first, and the one behind the last
	narrow   uint64 // what is no larger is a company's own
	private  reach.Addrs
	number   func(netip.Addr) (uint64, bool)
	addr     func(uint64) netip.Addr
}

var ipv4 = space{
	from: 1 << 24, to: 224 << 24, narrow: 1 << 20,
	// RFC 6890.
	private: reach.AddrsOf(notRouted...),
	number: func(a netip.Addr) (uint64, bool) {
		if !a.Is4() {
			return 0, false
		}
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:])), true
	},
	addr: func(n uint64) netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(n))))
	},
}

var ipv6 = space{
	from: 0x2000 << 48, to: 0x4000 << 48, narrow: 1 << 36,
	private: reach.AddrsOf(netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("3fff::/20")),
	number: func(a netip.Addr) (uint64, bool) {
		if !a.Is6() {
			return 0, false
		}
		b := a.As16()
		return binary.BigEndian.Uint64(b[:8]), true
	},
	addr: func(n uint64) netip.Addr {
		return netip.AddrFrom16([16]byte(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n), 0xcafe)))
	},
}

// mostKinds bounds how many hosts of a family stand for the internet.
const mostKinds = 256

// hostsOf finds a host for each kind of address of one family: it walks along the line
// from edge to edge, with the sum of the marks of the rules that hold there.
func (w *World) hostsOf(s *space, owners []reach.Addrs) []netip.Addr {
	type event struct {
		at   uint64
		mark uint64 // added, modulo 2^64; an end adds what its beginning took
		not  int    // private from here, or no more
		few  int    // a narrow rule begins here, or ends
	}
	var events []event
	span := func(list reach.Addrs, mark uint64, not, few int) {
		for _, r := range list.Ranges() {
			first, ok := s.number(r.From)
			last, _ := s.number(r.To)
			if !ok || first >= s.to || last < s.from {
				continue
			}
			first = max(first, s.from)
			events = append(events, event{first, mark, not, few})
			if last != math.MaxUint64 && last+1 < s.to {
				events = append(events, event{last + 1, -mark, -not, -few})
			}
		}
	}
	for i, o := range owners {
		// A rule that names few addresses makes no kind of its own, nor parts another.
		if s.size(o) < s.narrow {
			span(o, 0, 0, 1)
			continue
		}
		span(o, mixed(uint64(i)), 0, 0)
	}
	span(s.private.Union(w.vpcRanges()), 0, 1, 0)
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	type kind struct {
		at, widest, size uint64
		plain            bool // no narrow rule names it
	}
	kinds := map[uint64]*kind{}
	at, mark, not, few := s.from, uint64(0), 0, 0
	stretch := func(to uint64) {
		if size := to - at; size > 0 && not == 0 {
			k := kinds[mark]
			if k == nil {
				k = &kind{}
				kinds[mark] = k
			}
			k.size += size
			if plain := few == 0; plain && !k.plain || plain == k.plain && size > k.widest {
				k.at, k.widest, k.plain = at+size/2, size, plain
			}
		}
		at = to
	}
	for _, e := range events {
		stretch(e.at)
		mark, not, few = mark+e.mark, not+e.not, few+e.few
	}
	stretch(s.to)
	list := make([]*kind, 0, len(kinds))
	for _, k := range kinds {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *kind) int { return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.at, b.at)) })
	var out []netip.Addr
	for i, k := range list {
		if i == 0 || i < mostKinds && k.size >= s.narrow {
			out = append(out, s.addr(k.at))
		}
	}
	if len(out) == 0 {
		out = append(out, s.addr((s.from+s.to)/2)) // nothing public is left: any will do
	}
	return out
}

// size is how much of the line a set takes.
func (s *space) size(list reach.Addrs) uint64 {
	var out uint64
	for _, r := range list.Ranges() {
		first, ok := s.number(r.From)
		last, _ := s.number(r.To)
		if ok && first < s.to && last >= s.from {
			out += min(last, s.to-1) - max(first, s.from) + 1
		}
	}
	return out
}

// mixed makes marks whose sums are told apart (splitmix64).
func mixed(n uint64) uint64 {
	n = (n + 1) * 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func (w *World) vpcRanges() reach.Addrs {
	var all []netip.Prefix
	for _, v := range w.model.VPCs {
		all = append(all, v.CIDRs...)
	}
	return reach.AddrsOf(all...)
}

func (w *World) hasIPv6() bool {
	for _, v := range w.model.VPCs {
		if slices.ContainsFunc(v.CIDRs, func(c netip.Prefix) bool { return c.Addr().Is6() }) {
			return true
		}
	}
	for _, c := range w.clusters {
		for _, p := range c.pods {
			if slices.ContainsFunc(p.IPs, func(a netip.Addr) bool { return a.Is6() && !a.IsPrivate() }) {
				return true
			}
		}
	}
	return false
}

// blocks are the sets of addresses that rules, routes, lists and policies name, each
// set once.
func (w *World) blocks() []reach.Addrs {
	seen := map[string]bool{}
	var out []reach.Addrs
	add := func(one reach.Addrs) {
		if key := one.String(); !one.IsEmpty() && !seen[key] {
			seen[key] = true
			out = append(out, one)
		}
	}
	for _, g := range w.model.SecurityGroups {
		for _, p := range g.Ingress {
			add(reach.AddrsOf(p.CIDRs...))
		}
		for _, p := range g.Egress {
			add(reach.AddrsOf(p.CIDRs...))
		}
	}
	for _, l := range w.model.PrefixLists {
		add(reach.AddrsOf(l.CIDRs...))
	}
	one := func(p netip.Prefix) {
		if p.IsValid() {
			add(reach.AddrsOf(p))
		}
	}
	for _, a := range w.model.NetworkACLs {
		for _, e := range a.Entries {
			one(e.CIDR)
		}
	}
	for _, t := range w.model.RouteTables {
		for _, r := range t.Routes {
			one(r.CIDR)
		}
	}
	for _, t := range w.model.TransitTables {
		for _, r := range t.Routes {
			one(r.CIDR)
		}
	}
	for _, c := range w.sortedClusters() {
		c.engine.Blocks(add)
	}
	return out
}

// allEdges are where rules of AWS and policies of clusters tell addresses apart, sorted.
func (w *World) allEdges() []netip.Addr {
	out := slices.Clone(w.edges)
	for _, c := range w.clusters {
		c.engine.Blocks(func(a reach.Addrs) {
			for _, r := range a.Ranges() {
				out = append(out, r.From)
				if next := r.To.Next(); next.IsValid() {
					out = append(out, next)
				}
			}
		})
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

var notRouted = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
}

func routed(a netip.Addr) bool {
	return !slices.ContainsFunc(notRouted, func(p netip.Prefix) bool { return p.Contains(a) })
}
