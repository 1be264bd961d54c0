package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// Internet is the name of the end that stands for hosts of the internet that no
// rule names.
const Internet = "internet"

// End is one end of a question: an asset, a workload, a zone, an address, a range
// of addresses or the internet.
type End struct {
	Text  string
	spots []spot
}

// spot is where one thing of an end stands: at one of the points, nobody knows at
// which if there are several.
type spot struct {
	asset  estate.Node // -1 for addresses
	points []point
}

// Unplaced says that a thing of the estate is no place that a connection could be
// opened from or to.
type Unplaced struct{ ID, Why string }

// Error says what has no place, why, and what does.
func (u *Unplaced) Error() string {
	return fmt.Sprintf("%s has no place in a network: %s\nhint: name an interface, an instance, a pod, a job or a store; sevenfold network zones lists what has a place", u.ID, u.Why)
}

// End finds what a text means: internet, an address, a CIDR, an asset's id, the
// unambiguous end of one, the name of a workload or of a zone. Workloads may be nil.
// An error says what the text could mean instead.
func (w *World) End(text string, workloads *scope.Workloads, to bool) (End, error) {
	e := End{Text: text}
	if text == Internet {
		for _, h := range w.internet() {
			e.spots = append(e.spots, spot{-1, []point{{host: h, inet: true}}})
		}
		return e, nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		e.spots = w.address(a.Unmap())
		return e, nil
	}
	if p, err := netip.ParsePrefix(text); err == nil {
		e.spots, err = w.prefix(p.Masked())
		return e, err
	}
	if n, ok := w.snap.Find(text); ok {
		return w.assetEnd(e, n, to)
	}
	if workloads != nil {
		for i := range workloads.List {
			if l := &workloads.List[i]; l.Name == text || l.ID == text {
				for _, id := range l.Members {
					if n, ok := w.snap.Find(id); ok && w.snap.Asset(n).Kind != estate.KindSecret {
						e.spots = append(e.spots, w.spotsOf(n, to)...)
					}
				}
				if len(e.spots) == 0 {
					return e, &Unplaced{"workload " + text, "none of its members stands in one"}
				}
				return e, nil
			}
		}
		if found := w.zone(text, workloads, to); len(found) > 0 {
			e.spots = found
			return e, nil
		}
	}
	return w.suffixEnd(e, to)
}

// zone gathers what stands in a zone.
func (w *World) zone(name string, workloads *scope.Workloads, to bool) []spot {
	var out []spot
	for n, a := range w.snap.Assets() {
		if !w.component(n, a) {
			continue
		}
		if z, ok := workloads.ZoneOf(a.ID); ok && z == name {
			out = append(out, w.sites(n, to)...)
		}
	}
	return out
}

// sites are the spots of an asset in the network itself: what is reached through an
// API of the provider's is the access step's to judge.
func (w *World) sites(n estate.Node, to bool) []spot {
	return slices.DeleteFunc(w.spotsOf(n, to), func(s spot) bool { return s.points[0].service != "" })
}

// Service is the service of the provider's that an asset is reached through, where it has no
// place of its own: "s3". Who may do what there its policies decide. It is "" for others.
func (w *World) Service(id string) string {
	if n, ok := w.snap.Find(id); ok && w.places[n] != nil {
		return w.places[n].service
	}
	return ""
}

// assetEnd is the end of one asset.
func (w *World) assetEnd(e End, n estate.Node, to bool) (End, error) {
	a := w.snap.Asset(n)
	if e.spots = w.spotsOf(n, to); len(e.spots) > 0 {
		return e, nil
	}
	switch s := w.places[n]; {
	case a.Referenced:
		return e, &Unplaced{a.ID, "it is known by name only and was never read"}
	case s != nil && s.isolated:
		return e, &Unplaced{a.ID, s.why}
	case s != nil && to:
		return e, &Unplaced{a.ID, "nobody can open a connection to it: " + s.why}
	case s != nil:
		return e, &Unplaced{a.ID, "it opens no connections: " + s.why}
	}
	return e, &Unplaced{a.ID, "a " + a.Type + " neither opens connections nor takes them"}
}

// suffixEnd finds the one asset whose id ends with a text, whole words only. Of
// several that of a pod is meant by NAMESPACE/NAME, since its id has a word between.
func (w *World) suffixEnd(e End, to bool) (End, error) {
	var found []estate.Node
	ns, name, isPod := strings.Cut(e.Text, "/")
	for n, a := range w.snap.Assets() {
		if a.Type == estate.SetType || estate.IsRecord(a.Type) {
			continue
		}
		if isPod && a.Cloud == estate.Kubernetes && a.Region == ns && a.Name == name && w.places[n] != nil {
			found = append(found, n)
			continue
		}
		if rest, ok := strings.CutSuffix(a.ID, e.Text); ok && (rest == "" || strings.ContainsRune("/:#", rune(rest[len(rest)-1]))) && w.places[n] != nil {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 1:
		return w.assetEnd(e, found[0], to)
	case 0:
		return e, fmt.Errorf("nothing in the estate is called %q\nhint: give an asset's id or its end, a workload, a zone, an address, a CIDR or %q", e.Text, Internet)
	}
	var ids []string
	for _, n := range found {
		ids = append(ids, w.snap.Asset(n).ID)
	}
	slices.Sort(ids)
	const most = 10
	more := ""
	if len(ids) > most {
		more = fmt.Sprintf("\n  and %d more", len(ids)-most)
		ids = ids[:most]
	}
	return e, fmt.Errorf("%q fits several things:\n  %s%s\nhint: give more of the id", e.Text, strings.Join(ids, "\n  "), more)
}

// spotsOf are the spots of an asset, as what opens connections or what takes them.
func (w *World) spotsOf(n estate.Node, to bool) []spot {
	s := w.places[n]
	if s == nil || s.isolated || to && s.caller {
		return nil
	}
	var out []spot
	for _, ids := range s.spots {
		one := spot{asset: n}
		for _, id := range ids {
			one.points = append(one.points, point{iface: id})
		}
		out = append(out, one)
	}
	for _, p := range s.pods {
		out = append(out, spot{n, []point{{pod: p}}})
	}
	if to && s.service != "" {
		out = append(out, spot{n, []point{{service: "com.amazonaws." + w.snap.Asset(n).Region + "." + s.service}}})
	}
	if !to && s.outside {
		out = append(out, spot{n, []point{{host: providersHost}}})
	}
	return out
}

// providersHost stands for the address of what a provider runs in a network of its
// own (RFC 5737: no host has it).
var providersHost = netip.MustParseAddr("198.51.100.254")

// address is what has an address: an interface, a pod, or a host outside.
func (w *World) address(a netip.Addr) []spot {
	if out := w.bearers()[a]; len(out) > 0 {
		return slices.Clone(out)
	}
	var out []spot
	for _, s := range slices.Clone(w.model.Subnets) {
		for _, c := range s.CIDRs {
			if c.Contains(a) {
				out = append(out, spot{-1, []point{{iface: w.stranger(s.ID, a)}}})
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	return []spot{{-1, []point{{host: a}}}}
}

// bearers are the pods and interfaces that have an address, by it; a pod goes before
// the interface of its node.
func (w *World) bearers() map[netip.Addr][]spot {
	if w.atAddr != nil {
		return w.atAddr
	}
	w.atAddr = map[netip.Addr][]spot{}
	for _, c := range w.sortedClusters() {
		for _, p := range c.objects.Pods() {
			if p.HostNet {
				continue
			}
			at := podPlace{c.name, p.ID()}
			owner, known := w.atPod[at]
			if !known {
				owner = -1
			}
			for _, a := range p.IPs {
				w.atAddr[a] = append(w.atAddr[a], spot{owner, []point{{pod: at}}})
			}
		}
	}
	pods := make(map[netip.Addr]bool, len(w.atAddr))
	for a := range w.atAddr {
		pods[a] = true
	}
	for i := range w.model.Interfaces {
		f := &w.model.Interfaces[i]
		if w.ifaces[f.ID].node < 0 {
			continue
		}
		one := spot{w.ifaces[f.ID].node, []point{{iface: f.ID}}}
		for _, at := range f.Addresses {
			for _, a := range []netip.Addr{at.Private, at.Public} {
				if a.IsValid() && !pods[a] {
					w.atAddr[a] = append(w.atAddr[a], one)
				}
			}
		}
	}
	return w.atAddr
}

// stranger puts an interface into the model for an address of a subnet whose
// interface nobody read: what its groups let through is not known. Addresses of a
// subnet that nothing tells apart share one.
func (w *World) stranger(subnet string, a netip.Addr) string {
	i, at := slices.BinarySearchFunc(w.edges, a, netip.Addr.Compare)
	key := strangerKey{subnet, i, at, a.Is4()}
	if id, known := w.strangers[key]; known {
		return id
	}
	id := fmt.Sprintf("addresses of %s like %s that no interface read has", subnet, a)
	f := aws.Interface{ID: id, Subnet: subnet, GroupsUnread: true, Addresses: []aws.Address{{Private: a}}}
	w.model.Interfaces = append(w.model.Interfaces, f)
	w.ifaces[id] = &iface{Interface: &f, owner: -1, node: -1}
	w.strangers[key] = id
	w.amazon, w.table, w.inTable = aws.New(w.model), nil, nil
	return id
}

// strangerKey is the place of addresses between the edges of rules, in one subnet.
type strangerKey struct {
	subnet string
	piece  int
	edge   bool
	is4    bool
}

// mostHosts bounds by how many addresses a range is asked about.
const mostHosts = 256

// prefix is all that has an address in a range, a host for each piece of it that rules
// tell apart, and what may stand in subnets whose interfaces were not all read. The
// error says that there are too many pieces to ask.
func (w *World) prefix(p netip.Prefix) ([]spot, error) {
	if p.IsSingleIP() {
		return w.address(p.Addr()), nil
	}
	var out []spot
	for i := range w.model.Interfaces {
		f := &w.model.Interfaces[i]
		for _, at := range f.Addresses {
			if (p.Contains(at.Private) || at.Public.IsValid() && p.Contains(at.Public)) && w.ifaces[f.ID].node >= 0 {
				out = append(out, spot{w.ifaces[f.ID].node, []point{{iface: f.ID}}})
				break
			}
		}
	}
	for _, c := range w.sortedClusters() {
		for _, pod := range c.objects.Pods() {
			if slices.ContainsFunc(pod.IPs, p.Contains) && !pod.HostNet {
				out = append(out, spot{w.atPod[podPlace{c.name, pod.ID()}], []point{{pod: podPlace{c.name, pod.ID()}}}})
			}
		}
	}
	edges := w.allEdges()
	at := []netip.Addr{p.Addr()}
	i, _ := slices.BinarySearchFunc(edges, p.Addr(), netip.Addr.Compare)
	for ; i < len(edges) && p.Contains(edges[i]); i++ {
		if edges[i] != p.Addr() {
			at = append(at, edges[i])
		}
	}
	if len(at) > mostHosts {
		return nil, fmt.Errorf("rules take %s apart into %d pieces, and a range of at most %d is asked about\nhint: give a narrower range", p, len(at), mostHosts)
	}
	for _, a := range at {
		if len(w.vpcsAt(a)) == 0 {
			out = append(out, spot{-1, []point{{host: a}}})
		}
	}
	for _, s := range slices.Clone(w.model.Subnets) {
		v := w.vpcs[s.VPC]
		if v != nil && (unborn(v.ID) || w.snap.Covered("AWS::EC2::NetworkInterface", v.Account, v.Region)) {
			continue // all that stand there are known
		}
		for _, c := range s.CIDRs {
			switch {
			case c.Contains(p.Addr()):
				out = append(out, spot{-1, []point{{iface: w.stranger(s.ID, p.Addr())}}})
			case p.Contains(c.Addr()):
				out = append(out, spot{-1, []point{{iface: w.stranger(s.ID, c.Addr())}}})
			}
		}
	}
	return out, nil
}

// vpcsAt are the VPCs whose ranges hold an address.
func (w *World) vpcsAt(a netip.Addr) []string {
	var out []string
	for _, v := range w.model.VPCs {
		if slices.ContainsFunc(v.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) }) {
			out = append(out, v.ID)
		}
	}
	return out
}

func (w *World) sortedClusters() []*cluster {
	var out []*cluster
	for _, c := range w.clusters {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *cluster) int { return strings.Compare(a.name, b.name) })
	return out
}
