package aws

import (
	"fmt"
	"net/netip"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// end is one end of a walk: an address of an interface (or of a NAT gateway),
// or an address outside all networks of the model, which has no subnet.
type end struct {
	sub          *subnet
	addr, public netip.Addr
}

// check is a network ACL a packet must pass. Of several ACLs one applies,
// nobody knows which.
type check struct {
	acls []*acl
	way  int
	peer netip.Addr
}

func (c check) admits() Allow {
	out := c.acls[0].admits(c.way, c.peer)
	for _, a := range c.acls[1:] {
		b := a.admits(c.way, c.peer)
		out = Allow{out.Sure.Intersect(b.Sure), out.Maybe.Union(b.Maybe)}
	}
	return out
}

// How a walk ended outside.
const (
	overInternet = "internet"
	overPrivate  = "private" // VPN, Direct Connect
	overEndpoint = "endpoint"
)

// walk is the way of one packet: whether it arrives, what it must pass, and
// what it looks like when it arrives.
type walk struct {
	answer reach.Answer
	why    string
	hops   []Hop
	pass   []check // network ACLs on the way
	back   []check // network ACLs an answer must pass between here and the last address translation
	seen   netip.Addr
	from   end // whom an answer must be sent to: the sender, or the NAT gateway that hides it
	exit   string
	door   string // the endpoint or gateway it left by
	nat    bool   // hidden behind a NAT gateway
	// Whether references to groups hold at the sender's and at the receiver's side.
	named [2]reach.Answer

	answering bool // an answer: gateways that only open connections outward refuse it
	trace     bool
}

func (w *walk) stop(a reach.Answer, why string) { w.answer, w.why = a, why }

func (w *walk) hop(name, rule string) {
	if w.trace {
		w.hops = append(w.hops, Hop{name, rule})
	}
}

func (w *walk) cross(way int, peer netip.Addr, acls ...*acl) {
	w.pass = append(w.pass, check{acls, way, peer})
}

func (w *walk) crossBack(way int, peer netip.Addr, acls ...*acl) {
	w.back = append(w.back, check{acls, way, peer})
}

// arrive ends the walk, the sender being seen under an address.
func (w *walk) arrive(exit string, seen netip.Addr) { w.answer, w.exit, w.seen = reach.Yes, exit, seen }

// send walks a packet from one end to address to, which belongs to d or, if d
// has no subnet, to somebody outside.
func (n *Network) send(from end, to netip.Addr, d end, answering, trace bool) *walk {
	w := &walk{from: from, answering: answering, trace: trace, named: [2]reach.Answer{reach.No, reach.No}}
	for range 8 {
		if again := n.step(w, to, d); !again {
			return w
		}
	}
	w.stop(reach.No, "the NAT gateways send it in a circle")
	return w
}

// step takes the packet through one route table; true if a NAT gateway sends
// it on.
func (n *Network) step(w *walk, to netip.Addr, d end) bool {
	s := w.from.sub
	c, ans, why := n.lookup(s, to)
	if ans != reach.Yes {
		w.stop(ans, tableName(s)+": "+why)
		if w.trace && ans == reach.No {
			w.why = fmt.Sprintf("%s: %s to %s", tableName(s), why, to)
		}
		return false
	}
	if w.trace {
		w.hop(tableName(s), c.prefix.String()+" to "+c.target)
	}
	here := d.sub != nil && to == d.addr // dialled by its own address, which only private ways lead to
	switch kindOf(c.target) {
	case "local":
		if !here || d.sub.vpc != s.vpc {
			w.stop(reach.No, "the address belongs to VPC "+s.vpc.ID+" here, and the destination is not in it")
			return false
		}
		if s != d.sub {
			w.cross(outward, to, s.acl)
			w.cross(inward, w.from.addr, d.sub.acl)
		}
		w.named = [2]reach.Answer{reach.Yes, reach.Yes}
		w.arrive("", w.from.addr)
	case "pcx":
		n.peer(w, c.target, to, d, here)
	case "tgw":
		return n.transit(w, c.target, to, d, here)
	case "nat":
		return n.translate(w, c.target, to)
	case "igw", "eigw", "vgw":
		n.leave(w, c.target, to, d)
	case "vpce":
		n.endpoint(w, c.target, to, d)
	default:
		w.stop(reach.Unknown, c.target+" decides, and what it lets through is not known")
	}
	return false
}

func tableName(s *subnet) string {
	if s.table == nil {
		return "route table of " + s.ID
	}
	return s.table.ID
}

// kindOf is the part of an id before the dash.
func kindOf(id string) string {
	for i := range len(id) {
		if id[i] == '-' {
			return id[:i]
		}
	}
	return id
}

func (n *Network) peer(w *walk, id string, to netip.Addr, d end, here bool) {
	p, s := n.peerings[id], w.from.sub
	if p == nil {
		w.stop(reach.Unknown, id+" was not read")
		return
	}
	other := p.Accepter
	if s.vpc.ID == p.Accepter {
		other = p.Requester
	}
	switch {
	case !p.Active:
		w.stop(reach.No, id+" is not active")
		return
	case s.vpc.ID != p.Requester && s.vpc.ID != p.Accepter:
		w.stop(reach.No, id+" does not join "+s.vpc.ID)
		return
	case !here || d.sub.vpc.ID != other:
		w.stop(reach.No, id+" leads to "+other+" and nowhere beyond")
		return
	}
	w.cross(outward, to, s.acl)
	w.cross(inward, w.from.addr, d.sub.acl)
	same := reach.Is(p.Regions[0] == p.Regions[1])
	if p.Regions[0] == "" || p.Regions[1] == "" {
		same = reach.Unknown
	}
	w.named = [2]reach.Answer{same, same}
	w.hop(id, other)
	w.arrive("", w.from.addr)
}

// translate hides the sender behind a NAT gateway, which sends the packet on.
func (n *Network) translate(w *walk, id string, to netip.Addr) bool {
	g, s := n.nats[id], w.from.sub
	if g == nil {
		w.stop(reach.Unknown, id+" was not read")
		return false
	}
	sub := n.subnets[g.Subnet]
	switch {
	case w.answering:
		w.stop(reach.No, id+" only opens connections outward, so no answer leaves through it")
		return false
	case g.Failed:
		w.stop(reach.No, id+" is not available")
		return false
	case to.Is6():
		w.stop(reach.Unknown, id+" translates IPv6, which is not followed")
		return false
	case sub == nil || !g.Address.IsValid():
		w.stop(reach.Unknown, "subnet or address of "+id+" was not read")
		return false
	case sub.vpc != s.vpc:
		w.stop(reach.No, id+" lies in another VPC")
		return false
	}
	if sub != s {
		w.cross(outward, to, s.acl)
		w.cross(inward, w.from.addr, sub.acl)
		w.crossBack(outward, w.from.addr, sub.acl)
		w.crossBack(inward, to, s.acl)
	}
	w.hop(id, "hides "+w.from.addr.String()+" behind "+g.Address.String())
	w.nat = true
	w.from = end{sub, g.Address, g.Public}
	return true
}

// leave takes the packet out of the VPC by a gateway of its own.
func (n *Network) leave(w *walk, id string, to netip.Addr, d end) {
	g, s, kind := n.gateways[id], w.from.sub, kindOf(id)
	switch {
	case g == nil:
		w.stop(reach.Unknown, id+" was not read")
		return
	case g.VPC != s.vpc.ID:
		w.stop(reach.No, id+" is not attached to "+s.vpc.ID)
		return
	case kind == "eigw" && (w.answering || to.Is4()):
		w.stop(reach.No, id+" only opens IPv6 connections outward")
		return
	case kind == "vgw" && d.sub != nil:
		w.stop(reach.Unknown, "the network beyond "+id+" may send it back")
		return
	}
	if kind != "vgw" {
		if ans, why := n.publicAccess(s, w.answering, w.nat || kind == "eigw"); ans != reach.Yes {
			w.stop(ans, why)
			return
		}
	}
	if !w.answering && d.sub == nil {
		if ans, why := n.lets(id, w.from); ans != reach.Yes {
			w.stop(ans, "no answer comes back: "+why)
			return
		}
	}
	w.hop(id, "")
	w.door = id
	w.cross(outward, to, s.acl)
	w.crossBack(inward, to, s.acl)
	if kind == "vgw" {
		w.arrive(overPrivate, w.from.addr)
		return
	}
	seen := w.from.addr
	if to.Is4() {
		if !w.from.public.IsValid() {
			w.stop(reach.No, id+" needs a public address, and the sender has none")
			return
		}
		seen = w.from.public
	}
	switch {
	case d.sub == nil && !public(to):
		w.stop(reach.No, "the internet does not route "+to.String())
	case d.sub == nil:
		w.arrive(overInternet, seen)
	case to != d.public && !(to.Is6() && to == d.addr && public(to)):
		w.stop(reach.No, "the internet does not lead to a private address")
	case n.igwOf[d.sub.vpc.ID] == "":
		w.stop(reach.Unknown, "no internet gateway of "+d.sub.vpc.ID+" was read")
	default:
		if ans, why := n.lets(n.igwOf[d.sub.vpc.ID], d); ans != reach.Yes {
			w.stop(ans, why)
			return
		}
		w.hop(n.igwOf[d.sub.vpc.ID], "")
		w.cross(inward, seen, d.sub.acl)
		w.arrive(overInternet, seen)
	}
}

func (n *Network) endpoint(w *walk, id string, to netip.Addr, d end) {
	e, s := n.ends[id], w.from.sub
	switch {
	case n.relays.firewall[id] != "":
		w.stop(reach.Unknown, id+" leads through firewall "+n.relays.firewall[id]+", and what that lets through is not known")
	case e == nil:
		w.stop(reach.Unknown, id+" was not read")
	case !e.Gateway:
		w.stop(reach.Unknown, id+" leads through the appliances of "+e.Service+", and what they let through is not known")
	case !usable(e):
		w.stop(reach.No, id+" is "+e.State)
	case d.sub != nil:
		w.stop(reach.No, id+" leads to "+e.Service+" only")
	case w.answering:
		w.stop(reach.No, e.Service+" opens no connections")
	default:
		w.hop(id, e.Service)
		w.door = id
		w.cross(outward, to, s.acl)
		w.crossBack(inward, to, s.acl)
		w.arrive(overEndpoint, w.from.addr)
	}
}
