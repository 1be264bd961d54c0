package reach

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Protocol is an IP protocol number, 0 to 255.
type Protocol uint8

// The protocols that have names here.
const (
	ICMP   Protocol = 1
	TCP    Protocol = 6
	UDP    Protocol = 17
	ICMPv6 Protocol = 58
	SCTP   Protocol = 132
)

// String is the protocol's name in lower case, or its number.
func (p Protocol) String() string {
	switch p {
	case ICMP:
		return "icmp"
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	case ICMPv6:
		return "icmpv6"
	case SCTP:
		return "sctp"
	}
	return strconv.Itoa(int(p))
}

// Ports is a set of pairs of a protocol and a port: ranges in rising order
// that neither overlap nor touch. The zero value is the empty set. The port is
// the destination's, 0 to 65535; for ICMP it is type<<8 | code, and a protocol
// that has neither uses all 65,536 values or none.
type Ports struct{ ranges []portRange }

// portRange is protocol<<16 | port, both ends included. A range may run over
// several protocols.
type portRange struct{ lo, hi uint32 }

// AllPorts is every port of every protocol; Transport is every port of TCP,
// UDP and SCTP, which is all that Kubernetes policies speak of.
var (
	AllPorts  = Ports{[]portRange{{0, 1<<24 - 1}}}
	Transport = PortRange(TCP, 0, 65535).Union(PortRange(UDP, 0, 65535)).Union(PortRange(SCTP, 0, 65535))
)

// Port is the set of one port.
func Port(p Protocol, port uint16) Ports { return PortRange(p, port, port) }

// PortRange is the ports from lo to hi of a protocol, both included; empty if
// they are reversed.
func PortRange(p Protocol, lo, hi uint16) Ports {
	if lo > hi {
		return Ports{}
	}
	return Ports{[]portRange{{uint32(p)<<16 | uint32(lo), uint32(p)<<16 | uint32(hi)}}}
}

// AllOf is every port of a protocol.
func AllOf(p Protocol) Ports { return PortRange(p, 0, 65535) }

// ParsePort reads "443", "tcp/443", "udp/53", "sctp/7" or a range "tcp/1-9"; a
// protocol may be a number. Without one it is TCP. The error says what was
// wrong with the text.
func ParsePort(text string) (Ports, error) {
	name, port, found := strings.Cut(text, "/")
	if !found {
		name, port = "tcp", text
	}
	proto, err := ParseProtocol(name)
	if err != nil {
		return Ports{}, err
	}
	low, high, ranged := strings.Cut(port, "-")
	lo, err := strconv.ParseUint(low, 10, 16)
	if err != nil {
		return Ports{}, fmt.Errorf("port %q is not a number from 0 to 65535", low)
	}
	hi := lo
	if ranged {
		if hi, err = strconv.ParseUint(high, 10, 16); err != nil || hi < lo {
			return Ports{}, fmt.Errorf("port range %q does not rise within 0 to 65535", port)
		}
	}
	return PortRange(proto, uint16(lo), uint16(hi)), nil
}

// ParseProtocol reads a protocol's name in any case, or its number.
func ParseProtocol(text string) (Protocol, error) {
	switch strings.ToLower(text) {
	case "tcp":
		return TCP, nil
	case "udp":
		return UDP, nil
	case "sctp":
		return SCTP, nil
	case "icmp":
		return ICMP, nil
	case "icmpv6", "icmp6":
		return ICMPv6, nil
	}
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("protocol %q is neither tcp, udp, sctp, icmp, icmpv6 nor a number from 0 to 255", text)
	}
	return Protocol(n), nil
}

// IsEmpty says whether the set holds nothing.
func (s Ports) IsEmpty() bool { return len(s.ranges) == 0 }

// Has says whether the set holds a port.
func (s Ports) Has(p Protocol, port uint16) bool {
	key := uint32(p)<<16 | uint32(port)
	i, found := slices.BinarySearchFunc(s.ranges, key, func(r portRange, k uint32) int { return int(int64(r.lo) - int64(k)) })
	return found || i > 0 && s.ranges[i-1].hi >= key
}

// Union is what is in either.
func (s Ports) Union(t Ports) Ports {
	if s.IsEmpty() {
		return t
	}
	if t.IsEmpty() {
		return s
	}
	all := slices.Concat(s.ranges, t.ranges)
	slices.SortFunc(all, func(a, b portRange) int { return int(int64(a.lo) - int64(b.lo)) })
	out := all[:1]
	for _, r := range all[1:] {
		if last := &out[len(out)-1]; r.lo <= last.hi+1 {
			last.hi = max(last.hi, r.hi)
		} else {
			out = append(out, r)
		}
	}
	return Ports{out}
}

// Intersect is what is in both.
func (s Ports) Intersect(t Ports) Ports {
	switch {
	case s.IsEmpty() || t.isAll():
		return s
	case t.IsEmpty() || s.isAll():
		return t
	}
	var out []portRange
	for i, j := 0, 0; i < len(s.ranges) && j < len(t.ranges); {
		a, b := s.ranges[i], t.ranges[j]
		if lo, hi := max(a.lo, b.lo), min(a.hi, b.hi); lo <= hi {
			out = append(out, portRange{lo, hi})
		}
		if a.hi < b.hi {
			i++
		} else {
			j++
		}
	}
	return Ports{out}
}

// Minus is what is in s and not in t.
func (s Ports) Minus(t Ports) Ports {
	switch {
	case s.IsEmpty() || t.IsEmpty():
		return s
	case t.isAll():
		return Ports{}
	}
	var rest []portRange
	from := uint32(0)
	for _, r := range t.ranges {
		if from < r.lo {
			rest = append(rest, portRange{from, r.lo - 1})
		}
		from = r.hi + 1
	}
	if from < 1<<24 {
		rest = append(rest, portRange{from, 1<<24 - 1})
	}
	return s.Intersect(Ports{rest})
}

func (s Ports) isAll() bool { return len(s.ranges) == 1 && s.ranges[0] == portRange{0, 1<<24 - 1} }

// Covers says whether all of t is in s.
func (s Ports) Covers(t Ports) bool { return t.Minus(s).IsEmpty() }

// Equal says whether both hold the same.
func (s Ports) Equal(t Ports) bool { return slices.Equal(s.ranges, t.ranges) }

// First is the lowest protocol and port of the set; ok is false if it is
// empty.
func (s Ports) First() (p Protocol, port uint16, ok bool) {
	if s.IsEmpty() {
		return 0, 0, false
	}
	lo := s.ranges[0].lo
	return Protocol(lo >> 16), uint16(lo), true
}

// Atoms cuts s along the edges of the given sets: the pieces are ranges within
// one protocol, cover s, and each lies wholly inside or wholly outside every
// set.
func (s Ports) Atoms(sets ...Ports) []Ports {
	edges := make([]uint32, 0, 64)
	for p := range uint32(257) {
		edges = append(edges, p<<16)
	}
	for _, t := range sets {
		for _, r := range t.ranges {
			edges = append(edges, r.lo, r.hi+1)
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	var out []Ports
	for _, r := range s.ranges {
		i, _ := slices.BinarySearch(edges, r.lo+1)
		for lo := r.lo; lo <= r.hi; i++ {
			hi := r.hi
			if i < len(edges) && edges[i]-1 < hi {
				hi = edges[i] - 1
			}
			out = append(out, Ports{[]portRange{{lo, hi}}})
			lo = hi + 1
		}
	}
	return out
}

// List is the set as the report writes it: "tcp/443", "udp/1-9", and "tcp" for
// a whole protocol; "all" alone stands for AllPorts.
func (s Ports) List() []string {
	if s.Equal(AllPorts) {
		return []string{"all"}
	}
	var out []string
	for _, r := range s.ranges {
		for p := r.lo >> 16; p <= r.hi>>16; p++ {
			lo, hi := max(r.lo, p<<16), min(r.hi, p<<16|65535)
			name := Protocol(p).String()
			switch {
			case lo == p<<16 && hi == p<<16|65535:
				out = append(out, name)
			case lo == hi:
				out = append(out, fmt.Sprintf("%s/%d", name, uint16(lo)))
			default:
				out = append(out, fmt.Sprintf("%s/%d-%d", name, uint16(lo), uint16(hi)))
			}
		}
	}
	return out
}

// String is List joined by commas, or "none".
func (s Ports) String() string {
	if s.IsEmpty() {
		return "none"
	}
	return strings.Join(s.List(), ", ")
}

// Overlaps says whether something is in both.
func (s Ports) Overlaps(t Ports) bool { return !s.Intersect(t).IsEmpty() }
