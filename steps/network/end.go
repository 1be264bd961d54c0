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
		e.spots = w.prefix(p.Masked())
		return e, nil
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
	if s == nil || s.isolated {
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
	var out []spot
	for _, c := range w.sortedClusters() {
		for _, p := range c.objects.Pods() {
			if slices.Contains(p.IPs, a) && !p.HostNet {
				out = append(out, spot{w.atPod[podPlace{c.name, p.ID()}], []point{{pod: podPlace{c.name, p.ID()}}}})
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	for i := range w.model.Interfaces {
		f := &w.model.Interfaces[i]
		for _, at := range f.Addresses {
			if (at.Private == a || at.Public == a) && w.ifaces[f.ID].node >= 0 {
				out = append(out, spot{w.ifaces[f.ID].node, []point{{iface: f.ID}}})
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, s := range w.model.Subnets {
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

// stranger puts an interface into the model for an address of a subnet whose
// interface nobody read: what its groups let through is not known.
func (w *World) stranger(subnet string, a netip.Addr) string {
	id := fmt.Sprintf("%s in %s, whose interface was not read", a, subnet)
	if w.ifaces[id] == nil {
		f := aws.Interface{ID: id, Subnet: subnet, GroupsUnread: true, Addresses: []aws.Address{{Private: a}}}
		w.model.Interfaces = append(w.model.Interfaces, f)
		w.ifaces[id] = &iface{Interface: &f, owner: -1, node: -1}
		w.amazon = aws.New(w.model)
	}
	return id
}

// mostHosts bounds by how many addresses a range is asked about.
const mostHosts = 256

// prefix is all that has an address in a range, and a host for each piece of it
// that rules tell apart.
func (w *World) prefix(p netip.Prefix) []spot {
	if p.IsSingleIP() {
		return w.address(p.Addr())
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
	at := []netip.Addr{p.Addr()}
	i, _ := slices.BinarySearchFunc(w.edges, p.Addr(), netip.Addr.Compare)
	for ; i < len(w.edges) && p.Contains(w.edges[i]) && len(at) < mostHosts; i++ {
		if w.edges[i] != p.Addr() {
			at = append(at, w.edges[i])
		}
	}
	for _, a := range at {
		if len(w.vpcsAt(a)) == 0 {
			out = append(out, spot{-1, []point{{host: a}}})
		}
	}
	return out
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

// internet are hosts that stand for the internet: one in each wide stretch of public
// addresses between two edges of rules. A stretch that rules name as narrowly as
// a company's own range is no host anywhere, and must be asked about by its CIDR.
func (w *World) internet() []netip.Addr {
	if w.hosts != nil {
		return w.hosts
	}
	type stretch struct {
		at   netip.Addr
		size uint64
	}
	var all []stretch
	cuts := []netip.Addr{netip.MustParseAddr("1.0.0.0")}
	for _, e := range append(slices.Clone(w.edges), reserved...) {
		if e.Is4() && e.Compare(cuts[0]) > 0 && e.Compare(afterPublic) < 0 {
			cuts = append(cuts, e)
		}
	}
	slices.SortFunc(cuts, netip.Addr.Compare)
	cuts = append(slices.Compact(cuts), afterPublic)
	for i := range len(cuts) - 1 {
		size := number(cuts[i+1]) - number(cuts[i])
		middle := number(cuts[i]) + size/2
		a := netip.AddrFrom4([4]byte{byte(middle >> 24), byte(middle >> 16), byte(middle >> 8), byte(middle)})
		if routed(a) && len(w.vpcsAt(a)) == 0 {
			all = append(all, stretch{a, size})
		}
	}
	slices.SortStableFunc(all, func(a, b stretch) int { return int(b.size>>1) - int(a.size>>1) })
	const most, narrow = 16, 1 << 20
	for i, s := range all {
		if i == 0 || i < most && s.size >= narrow {
			w.hosts = append(w.hosts, s.at)
		}
	}
	for _, v := range w.model.VPCs {
		if slices.ContainsFunc(v.CIDRs, func(c netip.Prefix) bool { return c.Addr().Is6() }) {
			w.hosts = append(w.hosts, netip.MustParseAddr("2a00::cafe"))
			break
		}
	}
	return w.hosts
}

// afterPublic is the first address behind those of hosts.
var afterPublic = netip.MustParseAddr("224.0.0.0")

// reserved are the edges of what is not routed in public within the range of
// hosts (RFC 6890).
var reserved = func() []netip.Addr {
	var out []netip.Addr
	for _, p := range notRouted {
		out = append(out, p.Addr(), lastOf(p).Next())
	}
	return out
}()

var notRouted = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"),
}

func routed(a netip.Addr) bool {
	return !slices.ContainsFunc(notRouted, func(p netip.Prefix) bool { return p.Contains(a) })
}

func number(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(b[0])<<24 | uint64(b[1])<<16 | uint64(b[2])<<8 | uint64(b[3])
}
