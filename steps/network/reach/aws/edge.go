package aws

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// usable reports whether an endpoint is in use: a state nobody read is taken to
// be, one that waits for acceptance or was refused is not.
func usable(e *Endpoint) bool {
	return e.State == "" || e.State == "available" || e.State == "Available"
}

// lets reports whether a gateway delivers what comes in to an interface: one
// with a route table of its own may send it through an appliance first.
func (n *Network) lets(gateway string, d end) (reach.Answer, string) {
	t := n.edges[gateway]
	if t == nil {
		return reach.Yes, ""
	}
	c, ans, why := n.lookup(&subnet{Subnet: d.sub.Subnet, vpc: d.sub.vpc, table: t}, d.addr)
	switch {
	case ans != reach.Yes:
		return ans, t.ID + " of " + gateway + ": " + why
	case c.target == "local":
		return reach.Yes, ""
	case n.relays.firewall[c.target] != "":
		return reach.Unknown, gateway + " sends it through firewall " + n.relays.firewall[c.target] + ", and what that lets through is not known"
	}
	return reach.Unknown, gateway + " sends it through " + c.target + ", and what that lets through is not known"
}

// publicAccess reports whether VPC Block Public Access lets a connection pass
// between a subnet and the internet: inward, one opened from outside; hidden,
// one that leaves by a gateway which only opens connections outward. The subnet
// asked is the one next to the gateway, so that of the NAT gateway, not of its
// users.
func (n *Network) publicAccess(s *subnet, inward, hidden bool) (reach.Answer, string) {
	a := n.access[s.vpc.Owner+" "+s.vpc.Region]
	if a == nil {
		return reach.Yes, ""
	}
	if a.Unread {
		return reach.Unknown, "VPC Block Public Access of " + s.vpc.ID + " was not read"
	}
	exempt := func(mode string) bool {
		return slices.ContainsFunc(a.Exclusions, func(e Exclusion) bool {
			return e.Mode == mode && (e.Resource == s.ID || e.Resource == s.vpc.ID)
		})
	}
	open := false
	switch a.Mode {
	case "off", "":
		open = true
	case "block-bidirectional":
		open = exempt("allow-bidirectional") || !inward && exempt("allow-egress")
	case "block-ingress":
		open = exempt("allow-bidirectional") || !inward && hidden
	default:
		return reach.Unknown, "VPC Block Public Access of " + s.vpc.ID + " is " + a.Mode + ", which is not known here"
	}
	if !open {
		return reach.No, "VPC Block Public Access (" + a.Mode + ") holds for " + s.ID
	}
	return reach.Yes, ""
}
