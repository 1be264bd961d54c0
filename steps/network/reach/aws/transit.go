package aws

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// transit takes the packet over transit gateways, to a VPC or outside; true if
// a NAT gateway there sends it on.
func (n *Network) transit(w *walk, id string, to netip.Addr, d end, here bool) bool {
	s := w.from.sub
	a := n.byVPC[id+" "+s.vpc.ID]
	if a == nil {
		w.stop(reach.Unknown, "the attachment of "+s.vpc.ID+" to "+id+" was not read")
		return false
	}
	serving, ok := n.serving(a, s)
	if !ok {
		w.stop(reach.No, a.ID+" has no subnet in zone "+s.Zone)
		return false
	}
	out, gateways, ans, why := n.carry(a, to)
	if ans != reach.Yes {
		w.stop(ans, id+": "+why)
		return false
	}
	if w.trace {
		w.hop(id, fmt.Sprintf("table %s to %s", a.Table, out.ID))
	}
	within := slices.Contains(a.Subnets, s.ID)
	w.cross(outward, to, s.acl)
	if within {
		w.cross(inward, w.from.addr, s.acl)
	} else {
		w.cross(inward, w.from.addr, serving...)
	}
	switch {
	case out.Type == "vpc" && (!here || d.sub.vpc.ID != out.Resource):
		return n.onward(w, a, out, to, within)
	case out.Type == "vpc":
		if !slices.Contains(out.Subnets, d.sub.ID) {
			w.cross(outward, to, n.aclsOf(out)...)
			w.cross(inward, w.from.addr, d.sub.acl)
		}
		w.named[inward] = n.referencing(id, a, out, gateways)
		w.arrive("", w.from.addr)
	case d.sub != nil:
		w.stop(reach.Unknown, "the network beyond "+out.ID+" may send it back")
	default:
		n.homeward(w, a, out, to, within)
	}
	return false
}

// homeward asks whether the gateways carry an answer from outside back.
func (n *Network) homeward(w *walk, a, out *Attachment, to netip.Addr, within bool) {
	if !n.returns(w, a, out, to, within) {
		return
	}
	w.door = out.ID
	w.arrive(overPrivate, w.from.addr)
}

// returns asks whether an answer that enters the gateways by out comes home to
// attachment a; if not, the walk ends.
func (n *Network) returns(w *walk, a, out *Attachment, to netip.Addr, within bool) bool {
	home, _, ans, why := n.carry(out, w.from.addr)
	switch {
	case ans == reach.Unknown:
		w.stop(ans, why)
		return false
	case ans == reach.No:
		w.stop(ans, "no answer finds back: "+why)
		return false
	case home != a:
		w.stop(reach.No, "an answer is sent to "+home.ID+" instead")
		return false
	}
	if !within {
		w.crossBack(outward, w.from.addr, n.aclsOf(a)...)
		w.crossBack(inward, to, w.from.sub.acl)
	}
	return true
}

// onward is what a VPC does with a packet that came over a transit gateway and
// is not for one of its own: the route table of the attachment's subnet sends
// it on. True if a NAT gateway takes it.
func (n *Network) onward(w *walk, a, out *Attachment, to netip.Addr, within bool) bool {
	entries, why := n.entries(out, w.from.sub)
	if why != "" {
		w.stop(reach.Unknown, why)
		return false
	}
	c, ans, why := n.lookup(entries[0], to)
	for _, s := range entries[1:] {
		if d, other, _ := n.lookup(s, to); d.target != c.target || other != ans {
			w.stop(reach.Unknown, "the subnets of "+out.ID+" route "+to.String()+" differently, and which of them it enters is not known")
			return false
		}
	}
	if ans != reach.Yes {
		w.stop(ans, tableName(entries[0])+": "+why)
		return false
	}
	w.hop(tableName(entries[0]), c.prefix.String()+" to "+c.target)
	switch kindOf(c.target) {
	case "nat":
		return n.hideSpoke(w, a, out, entries, c.target, to, within)
	case "local":
		w.stop(reach.No, out.Gateway+" leads to "+out.Resource+", where the destination is not")
	case "igw", "eigw", "pcx":
		w.stop(reach.No, c.target+" serves only "+out.Resource+" itself")
	case "vpce":
		if e := n.ends[c.target]; e != nil && e.Gateway {
			w.stop(reach.No, c.target+" serves only "+out.Resource+" itself")
			return false
		}
		n.endpoint(w, c.target, to, end{})
	default:
		w.stop(reach.Unknown, c.target+" decides, and what it lets through is not known")
	}
	return false
}

// entries lists the subnets in which a packet from a subnet may enter the VPC
// of an attachment: those of the sender's zone, if the attachment keeps zones
// apart and has one there.
func (n *Network) entries(out *Attachment, from *subnet) ([]*subnet, string) {
	if v := n.vpcs[out.Resource]; v == nil || v.unread {
		return nil, "VPC " + out.Resource + " was not read"
	}
	var all, near []*subnet
	for _, id := range out.Subnets {
		s := n.subnets[id]
		if s == nil {
			return nil, "subnet " + id + " of " + out.ID + " was not read"
		}
		all = append(all, s)
		if s.Zone == from.Zone && s.Zone != "" {
			near = append(near, s)
		}
	}
	if len(all) == 0 {
		return nil, "the subnets of " + out.ID + " were not read"
	}
	if len(near) > 0 && !out.ApplianceMode {
		return near, ""
	}
	return all, ""
}

// hideSpoke hides a sender of another VPC behind a NAT gateway, and asks
// whether answers find back over the transit gateway.
func (n *Network) hideSpoke(w *walk, a, out *Attachment, entries []*subnet, id string, to netip.Addr, within bool) bool {
	g := n.nats[id]
	switch {
	case g == nil:
		w.stop(reach.Unknown, id+" was not read")
		return false
	case w.answering:
		w.stop(reach.No, id+" only opens connections outward, so no answer leaves through it")
		return false
	case g.Failed:
		w.stop(reach.No, id+" is not available")
		return false
	case to.Is6():
		w.stop(reach.Unknown, id+" translates IPv6, which is not followed")
		return false
	}
	sub := n.subnets[g.Subnet]
	if sub == nil || !g.Address.IsValid() {
		w.stop(reach.Unknown, "subnet or address of "+id+" was not read")
		return false
	}
	if sub.vpc.ID != out.Resource {
		w.stop(reach.No, id+" lies in another VPC")
		return false
	}
	if !slices.Contains(entries, sub) {
		var acls []*acl
		for _, s := range entries {
			acls = append(acls, s.acl)
		}
		w.cross(outward, to, acls...)
		w.cross(inward, w.from.addr, sub.acl)
	}
	return n.backOverTransit(w, a, out, g, sub, to, within)
}

// backOverTransit sends an answer from a NAT gateway back to a sender in
// another VPC.
func (n *Network) backOverTransit(w *walk, a, out *Attachment, g *NATGateway, sub *subnet, to netip.Addr, within bool) bool {
	c, ans, why := n.lookup(sub, w.from.addr)
	switch {
	case ans != reach.Yes:
		w.stop(ans, "no answer comes back: "+tableName(sub)+": "+why)
		return false
	case c.target != out.Gateway && kindOf(c.target) != "vpce" && kindOf(c.target) != "eni":
		w.stop(reach.No, "no answer comes back: "+tableName(sub)+" sends it to "+c.target)
		return false
	case c.target != out.Gateway:
		w.stop(reach.Unknown, c.target+" decides, and what it lets through is not known")
		return false
	}
	serving, ok := n.serving(out, sub)
	if !ok {
		w.stop(reach.No, "no answer comes back: "+out.ID+" has no subnet in zone "+sub.Zone)
		return false
	}
	w.crossBack(outward, w.from.addr, sub.acl)
	if slices.Contains(out.Subnets, sub.ID) {
		w.crossBack(inward, to, sub.acl)
	} else {
		w.crossBack(inward, to, serving...)
	}
	if !n.returns(w, a, out, to, within) {
		return false
	}
	w.hop(g.ID, "hides "+w.from.addr.String()+" behind "+g.Address.String())
	w.nat, w.from = true, end{sub, g.Address, g.Public}
	return true
}

// serving lists the ACLs of the attachment's subnets in the zone of a subnet;
// false if there is none there, so that nothing from that zone gets in.
func (n *Network) serving(a *Attachment, s *subnet) ([]*acl, bool) {
	if len(a.Subnets) == 0 {
		return []*acl{nil}, true
	}
	var out []*acl
	for _, id := range a.Subnets {
		switch t := n.subnets[id]; {
		case t == nil:
			out = append(out, nil)
		case t.Zone == s.Zone || t.Zone == "" || s.Zone == "":
			out = append(out, t.acl)
		}
	}
	return out, len(out) > 0
}

func (n *Network) aclsOf(a *Attachment) []*acl {
	if len(a.Subnets) == 0 {
		return []*acl{nil}
	}
	var out []*acl
	for _, id := range a.Subnets {
		if t := n.subnets[id]; t != nil {
			out = append(out, t.acl)
		} else {
			out = append(out, nil)
		}
	}
	return out
}

// referencing reports whether ingress rules may name groups of the other VPC
// over a transit gateway: gateway and both attachments must say so.
func (n *Network) referencing(id string, a, out *Attachment, gateways int) reach.Answer {
	if gateways > 1 {
		return reach.No
	}
	all := reach.Is(a.GroupReferences).And(reach.Is(out.GroupReferences))
	if t := n.transits[id]; t != nil {
		return all.And(reach.Is(t.GroupReferences))
	}
	return all.And(reach.Unknown)
}
