package network

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// readClientVPN puts the clients of each Client VPN endpoint where it is associated: they
// come from an interface in that subnet, under its groups, and get only where an
// authorization rule and a route of the endpoint let them. Only who has signed in is a
// client, so that the internet is none.
// https://docs.aws.amazon.com/vpn/latest/clientvpn-admin/cvpn-working-rules.html
func (w *World) readClientVPN() {
	each(w, clientVPNType, func(t thing, d *struct {
		SecurityGroupIds                []string
		DescribeClientVpnTargetNetworks *struct {
			ClientVpnTargetNetworks []struct {
				TargetNetworkId string
				SecurityGroups  []string
				Status          struct{ Code string }
			}
		}
		DescribeClientVpnAuthorizationRules *struct {
			AuthorizationRules []struct {
				DestinationCidr string
				Status          struct{ Code string }
			}
		}
		DescribeClientVpnRoutes *struct {
			Routes []struct{ DestinationCidr, TargetSubnet string }
		}
	}) {
		s := &standing{caller: true, why: "its clients come from interfaces in the subnets it is associated with"}
		w.places[t.node] = s
		if d.DescribeClientVpnTargetNetworks == nil {
			s.spots = [][]string{w.pieces(nil, "a subnet that was not read", nil, true, false)}
			s.why = "with which subnets it is associated was not read"
			return
		}
		var allowed []netip.Prefix
		unread := d.DescribeClientVpnAuthorizationRules == nil || openAt(t.asset, "DescribeClientVpnAuthorizationRules")
		if !unread {
			for _, r := range d.DescribeClientVpnAuthorizationRules.AuthorizationRules {
				p, err := netip.ParsePrefix(r.DestinationCidr)
				unread = unread || err != nil
				if err == nil && r.Status.Code != "revoking" && r.Status.Code != "failed" {
					allowed = append(allowed, p.Masked())
				}
			}
		}
		for _, n := range d.DescribeClientVpnTargetNetworks.ClientVpnTargetNetworks {
			sub := w.subnets[n.TargetNetworkId]
			if n.Status.Code == "disassociated" || n.Status.Code == "disassociating" {
				continue
			}
			groups := n.SecurityGroups
			if len(groups) == 0 {
				groups = d.SecurityGroupIds
			}
			if sub == nil {
				s.spots = append(s.spots, w.pieces(nil, n.TargetNetworkId, groups, len(groups) == 0, false))
				continue
			}
			routed := slices.Clone(allowed)
			if r := d.DescribeClientVpnRoutes; r != nil && !openAt(t.asset, "DescribeClientVpnRoutes") {
				var routes []netip.Prefix
				for _, x := range r.Routes {
					if p, err := netip.ParsePrefix(x.DestinationCidr); err == nil && x.TargetSubnet == n.TargetNetworkId {
						routes = append(routes, p.Masked())
					}
				}
				routed = inBoth(allowed, routes)
			}
			own := w.besides(sub, "clients of "+shortID(t.asset)+" in "+sub.ID, routed, unread)
			s.spots = append(s.spots, w.pieces(own, own.ID, groups, len(groups) == 0, false))
		}
	})
}

// inBoth are the ranges that lie in some range of both lists.
func inBoth(a, b []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range a {
		for _, q := range b {
			if p.Overlaps(q) {
				if p.Bits() < q.Bits() {
					out = append(out, q)
				} else {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// besides makes up a subnet beside another, with its routes and what its network ACL lets
// through, but from which only some ranges can be called.
func (w *World) besides(sub *aws.Subnet, id string, allowed []netip.Prefix, unread bool) *aws.Subnet {
	own := *sub
	own.ID = id
	acl := aws.NetworkACL{ID: "rules for " + id, VPC: sub.VPC, Subnets: []string{id}, Unread: true}
	for i := range w.model.NetworkACLs {
		from := &w.model.NetworkACLs[i]
		if !slices.Contains(from.Subnets, sub.ID) {
			continue
		}
		acl.Unread = unread || from.Unread
		entries := slices.Clone(from.Entries)
		slices.SortStableFunc(entries, func(a, b aws.Entry) int { return a.Number - b.Number })
		number := 0
		for _, e := range entries {
			if !e.Egress {
				acl.Entries = append(acl.Entries, e)
				continue
			}
			for _, c := range inBoth([]netip.Prefix{e.CIDR}, allowed) {
				number++
				one := e
				one.Number, one.CIDR = number, c
				acl.Entries = append(acl.Entries, one)
			}
		}
	}
	w.model.NetworkACLs = append(w.model.NetworkACLs, acl)
	for i := range w.model.RouteTables {
		if t := &w.model.RouteTables[i]; slices.Contains(t.Subnets, sub.ID) {
			t.Subnets = append(slices.Clone(t.Subnets), id)
		}
	}
	w.model.Subnets = append(w.model.Subnets, own)
	w.subnets = make(map[string]*aws.Subnet, len(w.model.Subnets))
	for i := range w.model.Subnets {
		w.subnets[w.model.Subnets[i].ID] = &w.model.Subnets[i]
	}
	return w.subnets[id]
}
