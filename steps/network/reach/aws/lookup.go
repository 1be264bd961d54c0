package aws

import (
	"net/netip"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Ranks of routes of equal length, the higher winning: what a person wrote,
// then the VPC's own, then lists, then what was propagated.
const (
	rankPropagated = iota + 1
	rankList
	rankLocal
	rankStatic
)

// choice is the best route found so far.
type choice struct {
	bits, rank int
	target     string
	prefix     netip.Prefix
	blackhole  bool
}

func (c *choice) offer(p netip.Prefix, rank int, target string, blackhole bool) {
	if bits := p.Bits(); bits > c.bits || bits == c.bits && rank > c.rank {
		*c = choice{bits, rank, target, p, blackhole}
	}
}

// lookup finds where a subnet's route table sends an address. Yes comes with
// the route, No means that nothing leads there, Unknown comes with the reason.
func (n *Network) lookup(s *subnet, to netip.Addr) (choice, reach.Answer, string) {
	best := choice{bits: -1}
	t := s.table
	if t == nil {
		return best, reach.Unknown, "the route table was not read"
	}
	if t.Unread {
		return best, reach.Unknown, "the route table was not read in full"
	}
	local := !s.vpc.unread
	for _, c := range s.vpc.CIDRs {
		if c.Contains(to) {
			best.offer(c, rankLocal, "local", false)
		}
	}
	why := ""
	for i := range t.Routes {
		r := &t.Routes[i]
		rank := rankStatic
		if r.Propagated {
			rank = rankPropagated
		}
		local = local || r.Target == "local"
		switch {
		case r.PrefixList != "":
			l := n.lists[r.PrefixList]
			if (l == nil || l.Unread) && n.mayList(r.Target, to) {
				why = "prefix list " + r.PrefixList + " was not read"
			}
			if l == nil {
				continue
			}
			for _, c := range l.CIDRs {
				if c.Contains(to) {
					best.offer(c, rankList, r.Target, r.Blackhole)
				}
			}
		case !r.CIDR.IsValid():
			why = "a route has no destination that makes sense"
		case r.CIDR.Contains(to):
			best.offer(r.CIDR, rank, r.Target, r.Blackhole)
		}
	}
	switch {
	case why != "":
		return best, reach.Unknown, why
	case !local:
		return best, reach.Unknown, "the VPC " + s.vpc.ID + " was not read"
	case best.bits < 0:
		return best, reach.No, "no route"
	case best.blackhole:
		return best, reach.No, "the route is a blackhole"
	}
	return best, reach.Yes, ""
}

// mayList reports whether an unread list that leads to target may hold an
// address: the lists of gateway endpoints hold addresses of AWS's services,
// which are public.
func (n *Network) mayList(target string, a netip.Addr) bool {
	return !strings.HasPrefix(target, "vpce-") || public(a)
}

// shared is the block of carrier-grade NAT, which the internet does not route.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// public reports whether the internet routes an address.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !shared.Contains(a)
}

// transitLookup finds where the table a transit gateway associates with an
// attachment sends an address.
func (n *Network) transitLookup(a *Attachment, to netip.Addr) (choice, reach.Answer, string) {
	best := choice{bits: -1}
	if a.Table == "" {
		return best, reach.No, "attachment " + a.ID + " is associated with no table"
	}
	t := n.ttables[a.Table]
	if t == nil || t.Unread {
		return best, reach.Unknown, "transit gateway route table " + a.Table + " was not read"
	}
	heard, why := map[string]bool{}, ""
	for i := range t.Routes {
		r := &t.Routes[i]
		rank := rankStatic
		if r.Propagated {
			rank, heard[r.Attachment] = rankPropagated, true
		}
		switch {
		case r.PrefixList != "":
			l := n.lists[r.PrefixList]
			if l == nil || l.Unread {
				why = "prefix list " + r.PrefixList + " was not read"
			}
			if l == nil {
				continue
			}
			for _, c := range l.CIDRs {
				if c.Contains(to) {
					best.offer(c, rank, r.Attachment, r.Blackhole)
				}
			}
		case !r.CIDR.IsValid():
			return best, reach.Unknown, "a route of " + t.ID + " has no destination that makes sense"
		case r.CIDR.Contains(to):
			best.offer(r.CIDR, rank, r.Attachment, r.Blackhole)
		}
	}
	for _, id := range t.Propagations {
		p := n.attached[t.Gateway+" "+id]
		switch {
		case heard[id]:
		case p == nil:
			why = "attachment " + id + " was not read"
		case p.Type != "vpc":
			why = "what attachment " + id + " propagates was not read"
		default:
			v := n.vpcs[p.Resource]
			if v == nil || v.unread {
				why = "VPC " + p.Resource + " was not read"
				continue
			}
			for _, c := range v.CIDRs {
				if c.Contains(to) {
					best.offer(c, rankPropagated, id, false)
				}
			}
		}
	}
	switch {
	case why != "":
		return best, reach.Unknown, why
	case best.bits < 0:
		return best, reach.No, "no route in " + t.ID
	case best.blackhole:
		return best, reach.No, "a blackhole in " + t.ID
	}
	return best, reach.Yes, ""
}

// carry follows an address from an attachment over transit gateways to the
// attachment where it leaves them.
func (n *Network) carry(a *Attachment, to netip.Addr) (*Attachment, int, reach.Answer, string) {
	for gateways := 1; gateways <= 16; gateways++ {
		c, ans, why := n.transitLookup(a, to)
		if ans != reach.Yes {
			return nil, gateways, ans, why
		}
		next := n.attached[a.Gateway+" "+c.target]
		if next == nil {
			return nil, gateways, reach.Unknown, "attachment " + c.target + " was not read"
		}
		if next.Type != "peering" {
			return next, gateways, reach.Yes, ""
		}
		a = n.attached[next.Resource+" "+next.ID]
		if a == nil {
			return nil, gateways, reach.Unknown, "the other side of attachment " + next.ID + " was not read"
		}
	}
	return nil, 16, reach.No, "the transit gateways send it in a circle"
}
