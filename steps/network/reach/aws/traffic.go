package aws

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// parsePorts reads protocol and ports as rules spell them. A rule that makes
// no sense is an error; the caller then holds it for unknown.
func parsePorts(protocol string, from, to int) (reach.Ports, error) {
	named, ok := map[string]reach.Protocol{"tcp": reach.TCP, "udp": reach.UDP, "icmp": reach.ICMP, "icmpv6": reach.ICMPv6}[strings.ToLower(protocol)]
	if !ok {
		if protocol == "-1" || protocol == "all" {
			return reach.AllPorts, nil
		}
		n, err := strconv.ParseUint(protocol, 10, 8)
		if err != nil {
			return reach.Ports{}, fmt.Errorf("protocol %q is neither a name nor a number from 0 to 255", protocol)
		}
		named = reach.Protocol(n)
	}
	switch {
	case named == reach.ICMP || named == reach.ICMPv6:
		switch {
		case from == -1:
			return reach.AllOf(named), nil
		case from < 0 || from > 255 || to < -1 || to > 255:
			return reach.Ports{}, fmt.Errorf("ICMP type %d, code %d: both lie between 0 and 255, or are -1", from, to)
		case to == -1:
			return reach.PortRange(named, uint16(from<<8), uint16(from<<8|0xff)), nil
		}
		return reach.Port(named, uint16(from<<8|to)), nil
	case named != reach.TCP && named != reach.UDP, from == -1 && to == -1:
		return reach.AllOf(named), nil
	case from < 0 || to > 0xffff || from > to:
		return reach.Ports{}, fmt.Errorf("ports %d to %d: they must rise and lie between 0 and 65535", from, to)
	}
	return reach.PortRange(named, uint16(from), uint16(to)), nil
}

// Allow is what passes a filter: Sure whatever the missing pieces say, Maybe
// if they say yes. Sure is part of Maybe.
type Allow struct{ Sure, Maybe reach.Ports }

var (
	allowAll     = Allow{reach.AllPorts, reach.AllPorts}
	allowUnknown = Allow{reach.Ports{}, reach.AllPorts}
)

func sure(p reach.Ports) Allow { return Allow{p, p} }

func (a Allow) and(b Allow) Allow {
	return Allow{a.Sure.Intersect(b.Sure), a.Maybe.Intersect(b.Maybe)}
}

func (a Allow) or(b Allow) Allow { return Allow{a.Sure.Union(b.Sure), a.Maybe.Union(b.Maybe)} }

func (a Allow) isAll() bool { return a.Sure.Equal(reach.AllPorts) }

// unsure keeps what may pass and promises nothing.
func (a Allow) unsure() Allow { return Allow{reach.Ports{}, a.Maybe} }

// Answer says whether any traffic passes.
func (a Allow) Answer() reach.Answer {
	switch {
	case !a.Sure.IsEmpty():
		return reach.Yes
	case !a.Maybe.IsEmpty():
		return reach.Unknown
	}
	return reach.No
}

// answered turns what may travel back to the client into what may travel to
// the server: traffic that is answered needs room for its answer.
func (a Allow) answered() Allow { return Allow{answered(a.Sure), answered(a.Maybe)} }

func answered(back reach.Ports) reach.Ports {
	if back.Equal(reach.AllPorts) {
		return back
	}
	out := reach.AllPorts
	for proto := range 256 {
		switch p := reach.Protocol(proto); p {
		case reach.TCP, reach.UDP:
			if back.Intersect(reach.PortRange(p, firstEphemeral, 65535)).IsEmpty() {
				out = out.Minus(reach.AllOf(p))
			}
		case reach.ICMP, reach.ICMPv6:
			for _, e := range echoes {
				if e.proto == p && !back.Has(p, e.tells<<8) {
					out = out.Minus(reach.PortRange(p, e.asks<<8, e.asks<<8|0xff))
				}
			}
		default:
			if !back.Has(p, 0) {
				out = out.Minus(reach.AllOf(p))
			}
		}
	}
	return out
}

// firstEphemeral is the lowest port a client opens a connection from.
const firstEphemeral = 1024

// echoes are the ICMP types that are answered, and by which type: echo and
// timestamp.
var echoes = []struct {
	proto       reach.Protocol
	asks, tells uint16
}{{reach.ICMP, 8, 0}, {reach.ICMP, 13, 14}, {reach.ICMPv6, 128, 129}}
