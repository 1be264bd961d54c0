package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/kube"
)

// Hop is one thing that a connection passes: its name, what it is to the
// connection, and the rule of it that lets the connection pass, if it has any.
type Hop struct {
	Name string `json:"name"`
	Rule string `json:"rule,omitempty"`
}

// Link is what one place can open to another.
type Link struct {
	Reachable reach.Answer
	// Ports are surely reachable, Maybe those that are if what is not known says so.
	Ports, Maybe reach.Ports
	// Path is one shortest way for a yes. Because is what blocks a no, and what is
	// missing for an unknown.
	Path    []Hop
	Because []string
}

// point is a place the engines can be asked about. Exactly one of the first three
// is set; an address is of a host that no source shows.
type point struct {
	iface string
	pod   podPlace
	host  netip.Addr
	inet  bool // the host stands for the internet
	// service is an API of the provider's, of one region.
	service string
}

type pair struct{ from, to point }

func (p point) String() string {
	switch {
	case p.iface != "":
		return p.iface
	case p.pod != podPlace{}:
		return "k8s://" + p.pod.cluster + "/" + p.pod.id
	case p.service != "":
		return p.service
	}
	switch {
	case p.host == providersHost:
		return outsideLabel
	case p.inet:
		return Internet + " (" + p.host.String() + ")"
	}
	return p.host.String()
}

// link decides one pair of points; what was decided once is kept.
func (w *World) link(from, to point) Link {
	key := pair{from, to}
	if l, ok := w.known[key]; ok {
		return l
	}
	w.decided += costAWS // the way and the reasons cost as much
	was := w.terse
	w.terse = false
	l := w.decide(from, to)
	w.terse = was
	l.Maybe = l.Maybe.Minus(l.Ports)
	w.known[key] = l
	return l
}

func (w *World) decide(from, to point) Link {
	switch {
	case from == to:
		return Link{Reachable: reach.Yes, Ports: reach.AllPorts, Path: []Hop{{Name: from.String(), Rule: "is the destination itself"}}}
	case from.host == providersHost && to.host.IsValid():
		return Link{Reachable: reach.Yes, Ports: reach.AllPorts, Path: []Hop{{Name: from.String(), Rule: "nothing there holds it back"}, {Name: to.String()}}}
	case from.service != "":
		return no("an API of the provider's opens no connections")
	case to.service != "":
		return w.toService(from, to.service)
	case from.pod != podPlace{} && to.pod.cluster == from.pod.cluster:
		return w.withinCluster(from.pod, to.pod)
	case from.pod == podPlace{} && to.pod == podPlace{}:
		return w.overAWS(from, to)
	}
	// Each side that is a pod is asked what its policies let through; what lies
	// between is AWS's, as far as it was read.
	var legs []Link
	if from.pod != (podPlace{}) {
		legs = append(legs, end(w.leaves(from.pod, w.addrsOf(to)), 0))
	}
	legs = append(legs, w.between(from, to))
	if to.pod != (podPlace{}) {
		legs = append(legs, end(w.enters(to.pod, w.addrsOf(from)), -1))
	}
	direct := both(legs...)
	if to.pod != (podPlace{}) {
		return either(direct, w.throughDoors(from, to.pod))
	}
	return direct
}

// end leaves of a cluster's leg the end that is its own, the first or the last, with
// what its policies say: the other is told by the leg beside it.
func end(l Link, which int) Link {
	if len(l.Path) == 0 {
		return l
	}
	if which < 0 {
		which = len(l.Path) - 1
	}
	l.Path = []Hop{{Name: l.Path[which].Name, Rule: l.Path[0].Rule}}
	return l
}

func no(why string) Link { return Link{Reachable: reach.No, Because: []string{why}} }

func unknown(why string) Link {
	return Link{Reachable: reach.Unknown, Maybe: reach.AllPorts, Because: []string{why}}
}

// both is what passes all legs of one way, in their order.
func both(legs ...Link) Link {
	out := Link{Ports: reach.AllPorts, Maybe: reach.AllPorts}
	var noes, unsure []string
	for _, l := range legs {
		may := l.Ports.Union(l.Maybe)
		out.Maybe, out.Ports = out.Maybe.Intersect(may), out.Ports.Intersect(l.Ports)
		out.Path = append(out.Path, l.Path...)
		switch l.Reachable {
		case reach.No:
			noes = append(noes, l.Because...)
		case reach.Unknown:
			unsure = append(unsure, l.Because...)
		}
	}
	switch {
	case len(noes) > 0 || out.Maybe.IsEmpty():
		if len(noes) == 0 {
			noes = []string{"what one side lets out and the other lets in have no port in common"}
			for _, l := range legs {
				noes = append(noes, l.Because...)
			}
		}
		return Link{Reachable: reach.No, Because: unique(noes)}
	case out.Ports.IsEmpty():
		out.Reachable, out.Path, out.Because = reach.Unknown, nil, unique(unsure)
		if len(unsure) == 0 {
			out.Because = []string{"the ports that surely pass one side are not those that surely pass the other"}
		}
	default:
		out.Reachable, out.Because = reach.Yes, nil
	}
	return out
}

// either is what passes by one way or another.
func either(ways ...Link) Link {
	out := Link{Reachable: reach.No}
	for _, l := range ways {
		out.Ports, out.Maybe = out.Ports.Union(l.Ports), out.Maybe.Union(l.Maybe)
		switch {
		case l.Reachable == reach.Yes && (out.Reachable != reach.Yes || len(l.Path) < len(out.Path)):
			out.Reachable, out.Path, out.Because = reach.Yes, l.Path, nil
		case l.Reachable == reach.Unknown && out.Reachable == reach.No:
			out.Reachable, out.Because = reach.Unknown, l.Because
		case l.Reachable == out.Reachable && out.Reachable != reach.Yes:
			out.Because = append(slices.Clip(out.Because), l.Because...)
		}
	}
	out.Because = unique(out.Because)
	return out
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// overAWS asks AWS's engine.
func (w *World) overAWS(from, to point) Link {
	return w.askAWS(awsPlace(from), awsPlace(to), from, to)
}

func (w *World) askAWS(from, to aws.Place, p, q point) Link {
	w.usedAWS++
	can := w.amazon.Can
	if w.terse {
		can = w.amazon.Allows
	}
	a, err := can(from, to)
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\nhint:")
		return unknown(why)
	}
	l := Link{Reachable: a.Reachable, Ports: a.Ports, Maybe: a.Perhaps, Because: a.Because}
	for _, h := range a.Path {
		name := h.Name
		for _, one := range []point{p, q} {
			if one.host.IsValid() && (name == one.host.String() || one.host == providersHost && name == outsideLabel) {
				name = one.String()
			}
		}
		l.Path = append(l.Path, Hop{Name: name, Rule: strings.TrimSpace(strings.TrimPrefix(h.Rule, "answers: "))})
	}
	if len(l.Path) > 0 && p.host == providersHost {
		l.Path[0].Name = p.String() // the engine gives it an address nobody has
	}
	return l
}

// outsideLabel names what a provider runs in a network of its own to the engine.
const outsideLabel = "a network of the provider's own"

func awsPlace(p point) aws.Place {
	switch {
	case p.iface != "":
		return aws.Place{Interface: p.iface}
	case p.host == providersHost:
		return aws.Place{Outside: outsideLabel}
	}
	return aws.Place{Addr: p.host}
}

// withinCluster asks a cluster's engine. Between two nodes AWS's groups are asked
// as well where both pods' interfaces were read; else the nodes of a cluster are
// taken to reach one another.
func (w *World) withinCluster(from, to podPlace) Link {
	l := w.ask(w.clusters[from.cluster], kube.PodEnd(from.id), kube.PodEnd(to.id))
	a, b := w.interfacesOfPod(from), w.interfacesOfPod(to)
	if l.Reachable == reach.No || len(a) == 0 || len(b) == 0 {
		return l
	}
	one, other := w.clusters[from.cluster].pods[from.id], w.clusters[to.cluster].pods[to.id]
	if one.Node != "" && one.Node == other.Node || len(one.IPs) == 0 || len(other.IPs) == 0 {
		return l
	}
	return both(l, w.any(a, b))
}

// any is what some interface of one list can open to some of another.
func (w *World) any(from, to []string) Link {
	var ways []Link
	for _, a := range from {
		for _, b := range to {
			if a == b {
				return Link{Reachable: reach.Yes, Ports: reach.AllPorts}
			}
			ways = append(ways, w.overAWS(point{iface: a}, point{iface: b}))
		}
	}
	return either(ways...)
}

// ask puts one question to a cluster.
func (w *World) ask(c *cluster, from, to kube.End) Link {
	var r kube.Result
	var err error
	ask := func() { r, err = c.engine.Can(from, to, reach.Ports{}) }
	if w.terse {
		c.engine.Brief(ask)
	} else {
		ask()
	}
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\nhint:")
		return unknown(why)
	}
	return linkOf(r)
}

// because writes what decided in a cluster as a sentence.
func because(b kube.Because) string {
	s := strings.TrimSpace(b.Policy + " " + b.Rule)
	if s == "" {
		s = "no policy"
	}
	if b.Direction != "" {
		s += " (" + b.Direction + ")"
	}
	s += " " + b.Effect
	if b.Reason != "" {
		s += ": " + b.Reason
	}
	return s
}

// leaves is what a pod's policies let out to addresses; enters what they let in.
func (w *World) leaves(p podPlace, to reach.Addrs) Link {
	if to.IsEmpty() {
		return unknown("the address of the other side is not known")
	}
	c := w.clusters[p.cluster]
	return w.once(c, &c.out, p, to, func() Link { return w.ask(c, kube.PodEnd(p.id), kube.AddrEnd(to)) })
}

func (w *World) enters(p podPlace, from reach.Addrs) Link {
	if from.IsEmpty() {
		return unknown("the address of the other side is not known")
	}
	c := w.clusters[p.cluster]
	return w.once(c, &c.in, p, from, func() Link { return w.ask(c, kube.AddrEnd(from), kube.PodEnd(p.id)) })
}

// once asks about a pod and one address outside, where neither way nor reasons are
// wanted, once for each class of pods and stretch of addresses.
func (w *World) once(c *cluster, known *map[[2]int]Link, p podPlace, a reach.Addrs, ask func() Link) Link {
	class, ok := c.engine.ClassOf(p.id)
	stretch, alike := w.stretch(c, a)
	if !w.terse || !ok || !alike {
		return ask()
	}
	key := [2]int{class, stretch}
	l, ok := (*known)[key]
	if !ok {
		if *known == nil {
			*known = map[[2]int]Link{}
		}
		l = ask()
		l.Path, l.Because = nil, nil
		(*known)[key] = l
	}
	return l
}

// stretch is that of a set of one address.
func (w *World) stretch(c *cluster, a reach.Addrs) (int, bool) {
	r := a.Ranges()
	if len(r) != 1 || r[0].From != r[0].To {
		return 0, false
	}
	return c.engine.Stretch(r[0].From)
}

// addrsOf are the addresses a point is seen under in its own network.
func (w *World) addrsOf(p point) reach.Addrs {
	var out reach.Addrs
	switch {
	case p.iface != "":
		for _, a := range w.ifaces[p.iface].Addresses {
			if !a.Private.IsUnspecified() {
				out = out.Union(reach.AddrOf(a.Private))
			}
		}
	case p.pod != podPlace{}:
		pod := w.clusters[p.pod.cluster].pods[p.pod.id]
		if pod != nil {
			for _, a := range pod.IPs {
				out = out.Union(reach.AddrOf(a))
			}
		}
	default:
		out = reach.AddrOf(p.host)
	}
	return out
}

// between is what the network of AWS lets pass where one end at least is a pod.
// Where nothing of it was read, an address outside is bound by policies only.
func (w *World) between(from, to point) Link {
	one, other := []point{from}, []point{to}
	for i, p := range []point{from, to} {
		if p.pod == (podPlace{}) {
			continue
		}
		stands := w.interfacesOfPod(p.pod)
		if len(stands) == 0 {
			if peer := []point{to, from}[i]; peer.host.IsValid() && !w.inAWS(p.pod.cluster) {
				if peer.inet && i == 1 {
					return w.fromInternet(p.pod)
				}
				return Link{Reachable: reach.Yes, Ports: reach.AllPorts}
			}
			return unknown(fmt.Sprintf("where the pods of cluster %s stand in the cloud's network was not read", p.pod.cluster))
		}
		var points []point
		for _, id := range stands {
			points = append(points, point{iface: id})
		}
		if i == 0 {
			one = points
		} else {
			other = points
		}
	}
	var ways []Link
	for _, a := range one {
		for _, b := range other {
			ways = append(ways, w.overAWS(a, b))
		}
	}
	return either(ways...)
}

// interfacesOfPod are the interfaces of AWS by which a pod's packets come and go:
// the one that has its address, else those of its node, else those of all nodes.
func (w *World) interfacesOfPod(p podPlace) []string {
	c := w.clusters[p.cluster]
	pod := c.pods[p.id]
	if pod == nil {
		return nil
	}
	var out []string
	for _, a := range pod.IPs {
		if id := w.byAddr[a.String()]; id != "" {
			out = append(out, id)
		}
	}
	if len(out) > 0 {
		return out
	}
	if pod.Node != "" {
		return w.interfacesOfNode(c, pod.Node)
	}
	for node := range c.nodes {
		out = append(out, w.interfacesOfNode(c, node)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// interfacesOfNode are the interfaces of AWS that a node has. A node names its instance;
// where it does, an address that another instance has too is not its own, and where it
// names another provider it has none here.
func (w *World) interfacesOfNode(c *cluster, node string) []string {
	if c.elsewhere[node] {
		return nil
	}
	host := c.hosts[node]
	if out := w.interfacesOfInstance(host); len(out) > 0 {
		return out
	}
	var out []string
	for _, a := range c.nodes[node] {
		id := w.byAddr[a.String()]
		if id == "" || slices.Contains(out, id) {
			continue
		}
		if of := w.ifaces[id].Instance; host != "" && of != "" && of != host {
			continue
		}
		out = append(out, id)
	}
	return out
}

// interfacesOfInstance are the interfaces attached to an instance.
func (w *World) interfacesOfInstance(id string) []string {
	if w.ofInstance == nil {
		w.ofInstance = map[string][]string{}
		for i := range w.model.Interfaces {
			if f := &w.model.Interfaces[i]; f.Instance != "" {
				w.ofInstance[f.Instance] = append(w.ofInstance[f.Instance], f.ID)
			}
		}
	}
	return w.ofInstance[id]
}

// fromInternet is what hosts of the internet can open to a pod of a cluster that stands
// in no network that was read, but for what leads to it: nothing where its address is
// not routed in public, or is that of a pod not made yet, which is taken to be such.
func (w *World) fromInternet(p podPlace) Link {
	c := w.clusters[p.cluster]
	pod := c.pods[p.id]
	if pod == nil {
		return unknown("pod " + p.id + " was not read")
	}
	addrs := pod.IPs
	if pod.HostNet {
		if addrs = append(slices.Clone(addrs), c.nodes[pod.Node]...); len(addrs) == 0 {
			return unknown("pod " + p.id + " is on its node's network, whose addresses were not read")
		}
	}
	for _, a := range addrs {
		if !a.IsPrivate() && routed(a) {
			return Link{Reachable: reach.Yes, Ports: reach.AllPorts}
		}
	}
	return no("the pod has no address that is routed in public")
}

// parted reports whether AWS holds back anything between the nodes of a cluster: then it
// counts for a pod on which node it is.
func (w *World) parted(c *cluster) bool {
	if c.parted == nil {
		var nodes [][]string
		seen := map[string]int{}
		for _, name := range sortedKeys(c.nodes) {
			var key strings.Builder
			own := w.interfacesOfNode(c, name)
			for _, id := range own {
				w.ifaceClass(&key, id)
			}
			if seen[key.String()]++; len(own) > 0 && seen[key.String()] <= 2 {
				nodes = append(nodes, own)
			}
		}
		const most = 40
		parted := len(nodes) > most
		for i := 0; i < len(nodes) && !parted; i++ {
			for j := 0; j < len(nodes) && !parted; j++ {
				parted = i != j && !w.any(nodes[i], nodes[j]).Ports.Equal(reach.AllPorts)
			}
		}
		c.parted = &parted
	}
	return *c.parted
}

// inAWS reports whether a cluster's nodes or pods have addresses in a network of
// AWS that was read, or run on its instances.
func (w *World) inAWS(cluster string) bool {
	c := w.clusters[cluster]
	if len(c.hosts) > 0 && len(w.model.VPCs) > 0 {
		return true
	}
	for node := range c.nodes {
		if len(w.interfacesOfNode(c, node)) > 0 {
			return true
		}
	}
	return false
}
