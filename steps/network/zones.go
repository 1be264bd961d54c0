package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Zones are the zones of an estate with what stands in them.
type Zones struct {
	List []Zone `json:"zones"`
	// Unzoned are the things that stand in a network and in no zone, Undecided
	// those of which it could not be told, with the reason.
	Unzoned   []string    `json:"unzoned"`
	Undecided []Undecided `json:"undecided"`
	Overlaps  []Overlap   `json:"overlaps"`
	Crossings []Crossing  `json:"crossings"`
	// Intents are those of sevenfold.yaml that are broken, or of which that could not be
	// told, beside what Crossings say.
	Intents []Crossing `json:"intents"`
	// Unread says what was not read and may hold anything, see World.Unread.
	Unread []string `json:"unread"`
	world  *World
	spots  map[string][2][]spot
	loose  [2][]spot // of the things whose zone could not be told
	// looseRanges are their addresses.
	looseRanges []netip.Prefix
}

// Zone is one zone.
type Zone struct {
	Name string `json:"name"`
	// Things that stand in it, and the ranges of addresses they have or will have.
	Things    int      `json:"things"`
	Addresses []string `json:"addresses"`
	Examples  []string `json:"examples"`
	ranges    []netip.Prefix
}

// Undecided is a thing whose zone could not be told.
type Undecided struct {
	Asset string `json:"asset"`
	Why   string `json:"why"`
}

// Overlap is two zones that have addresses in common.
type Overlap struct {
	Zones     [2]string `json:"zones"`
	Addresses []string  `json:"addresses"`
}

// Crossing says whether anything of one zone can open a connection to anything of
// another.
type Crossing struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Reachable string   `json:"reachable"`
	Ports     []string `json:"ports"`
	Perhaps   []string `json:"perhaps,omitempty"`
	Path      []Hop    `json:"path"`
	Because   []string `json:"because"`
	// Intent is the rule that speaks of the two, and Verdict what comes of it:
	// "violated", "kept", "intended", "unknown"; empty where none speaks of them.
	Intent  string `json:"intent,omitempty"`
	Verdict string `json:"verdict,omitempty"`
	answer  reach.Answer
	open    reach.Ports // surely or perhaps
}

// mostExamples bounds how many things a zone names.
const mostExamples = 5

// ZonesOf gathers what stands in which zone, and decides all pairs of zones and the
// internet.
func (w *World) ZonesOf(s *scope.Scope, workloads *scope.Workloads) *Zones {
	z := &Zones{world: w, spots: map[string][2][]spot{}, Unzoned: []string{}, Undecided: []Undecided{}, Overlaps: []Overlap{}, Crossings: []Crossing{}, Intents: []Crossing{}, Unread: w.Unread()}
	byName := map[string]*Zone{}
	for n, a := range w.snap.Assets() {
		if !w.component(n, a) {
			continue
		}
		from, to := w.sites(n, false), w.sites(n, true)
		if len(from) == 0 && len(to) == 0 {
			continue
		}
		name, known := workloads.ZoneOf(a.ID)
		switch {
		case !known:
			z.Undecided = append(z.Undecided, Undecided{a.ID, workloads.ZoneWhy(a.ID)})
			z.loose = [2][]spot{append(z.loose[0], from...), append(z.loose[1], to...)}
			z.looseRanges = append(z.looseRanges, w.rangesOf(append(slices.Clone(from), to...))...)
			continue
		case name == scope.Unzoned:
			z.Unzoned = append(z.Unzoned, a.ID)
		}
		one := byName[name]
		if one == nil {
			one = &Zone{Name: name, Examples: []string{}}
			byName[name] = one
		}
		one.Things++
		if len(one.Examples) < mostExamples {
			one.Examples = append(one.Examples, a.ID)
		}
		one.ranges = append(one.ranges, w.rangesOf(append(slices.Clone(from), to...))...)
		both := z.spots[name]
		z.spots[name] = [2][]spot{append(both[0], from...), append(both[1], to...)}
	}
	for _, one := range byName {
		one.ranges = merged(one.ranges)
		one.Addresses = texts(one.ranges)
		z.List = append(z.List, *one)
	}
	slices.SortFunc(z.List, func(a, b Zone) int { return cmp.Compare(a.Name, b.Name) })
	z.List = orEmpty(z.List)
	z.overlaps()
	z.cross(s)
	return z
}

// plumbing are the types that stand in a network to carry what others say.
var plumbing = map[string]bool{
	"AWS::EC2::VPCEndpoint": true, "AWS::EC2::NatGateway": true, "AWS::OpenSearchServerless::VpcEndpoint": true,
	// What runs on a cluster's nodes has zones; its nodes and its control plane serve all of them.
	"AWS::EKS::Cluster": true, "AWS::EKS::Nodegroup": true, "AWS::EKS::FargateProfile": true,
}

// component reports whether an asset is a thing that stands in the network for its
// own sake, so that it must be in a zone: interfaces of others, what carries
// traffic, and the pods of something that stands for them are not.
func (w *World) component(n estate.Node, a *estate.Asset) bool {
	if w.places[n] == nil || plumbing[a.Type] || w.made[n] {
		return false
	}
	if w.hostsPods(a) {
		return false
	}
	if a.Type != "AWS::EC2::NetworkInterface" {
		return true
	}
	for e := range w.snap.In(n) {
		if e.Type == estate.Contains && w.snap.Asset(e.Node).Type != estate.SetType {
			return false
		}
	}
	return !w.standsForOther(w.interfaceOf(n))
}

// standsForOther reports whether an interface is that of something else, which is in a
// zone for it: a load balancer's, or one that the provider made for a function or
// database in the same subnet with the same groups.
func (w *World) standsForOther(id string) bool {
	if w.carriers == nil {
		w.carriers = map[string]bool{}
		for n, s := range w.places {
			if w.snap.Asset(n).Type == "AWS::EC2::NetworkInterface" {
				continue
			}
			for _, spot := range s.spots {
				for _, one := range spot {
					w.carriers[one] = true
				}
			}
		}
	}
	f := w.ifaces[id]
	if f == nil || w.carriers[id] {
		return f != nil
	}
	if !f.managed {
		return false
	}
	key := cellKey(f.Subnet, slices.Sorted(slices.Values(f.Groups)))
	return w.cells[key] != nil || w.cells[key+", public"] != nil
}

// hostsPods reports whether an instance or interface is a node's of a cluster that was
// read: its pods stand for it.
func (w *World) hostsPods(a *estate.Asset) bool {
	return (a.Type == "AWS::EC2::Instance" || a.Type == "AWS::EC2::NetworkInterface") && w.nodeHosts()[shortID(a)]
}

// nodeHosts are the instances and interfaces that are nodes of clusters.
func (w *World) nodeHosts() map[string]bool {
	if w.nodes == nil {
		w.nodes = map[string]bool{}
		for _, c := range w.clusters {
			for _, id := range c.hosts {
				w.nodes[id] = true
			}
			for name := range c.hosts { // an address alone makes no instance a node
				for _, id := range w.interfacesOfNode(c, name) {
					w.nodes[id] = true
				}
			}
		}
	}
	return w.nodes
}

// rangesOf are the ranges that some spots have their addresses from: the subnets of
// interfaces, and of pods the subnet their address lies in, or the address itself.
func (w *World) rangesOf(spots []spot) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range spots {
		for _, p := range s.points {
			switch {
			case p.iface != "":
				out = append(out, w.subnetRanges(w.ifaces[p.iface].Subnet)...)
			case p.pod != podPlace{}:
				for _, r := range w.addrsOf(p).Ranges() {
					if in := w.subnetOf(r.From); in.IsValid() {
						out = append(out, in)
					} else {
						out = append(out, netip.PrefixFrom(r.From, r.From.BitLen()))
					}
				}
			}
		}
	}
	return out
}

func (w *World) subnetRanges(id string) []netip.Prefix {
	if s := w.subnets[id]; s != nil {
		return s.CIDRs
	}
	return nil
}

// subnetOf is the range of the one subnet that holds an address.
func (w *World) subnetOf(a netip.Addr) netip.Prefix {
	var out netip.Prefix
	for i := range w.model.Subnets {
		for _, c := range w.model.Subnets[i].CIDRs {
			if c.Contains(a) {
				if out.IsValid() && out != c {
					return netip.Prefix{}
				}
				out = c
			}
		}
	}
	return out
}

// merged sorts ranges and leaves out those that lie in others.
func merged(list []netip.Prefix) []netip.Prefix {
	slices.SortFunc(list, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var out []netip.Prefix
	for _, p := range list {
		if len(out) == 0 || !out[len(out)-1].Overlaps(p) {
			out = append(out, p)
		}
	}
	return out
}

func texts(list []netip.Prefix) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.String()
	}
	return out
}

// overlaps finds zones that have addresses in common, one range within the other
// included.
func (z *Zones) overlaps() {
	for i := range z.List {
		for j := i + 1; j < len(z.List); j++ {
			if in := common(z.List[i].ranges, z.List[j].ranges); len(in) > 0 && z.List[i].Name != scope.Unzoned && z.List[j].Name != scope.Unzoned {
				z.Overlaps = append(z.Overlaps, Overlap{[2]string{z.List[i].Name, z.List[j].Name}, in})
			}
		}
	}
}

// common are the ranges two lists share: of two that overlap the smaller.
func common(a, b []netip.Prefix) []string {
	var out []string
	for _, p := range a {
		for _, q := range b {
			if !p.Overlaps(q) {
				continue
			}
			if q.Bits() > p.Bits() {
				out = append(out, q.String())
			} else {
				out = append(out, p.String())
			}
		}
	}
	return unique(out)
}

// cross decides every pair of zones, and each against the internet.
func (z *Zones) cross(s *scope.Scope) {
	// What is asked about workloads afterwards matters more than what crosses between
	// zones that many things stand in.
	z.world.kept = mostDecided * 2 / 3
	defer func() { z.world.kept = 0 }()
	names := make([]string, 0, len(z.List)+1)
	for _, one := range z.List {
		names = append(names, one.Name)
	}
	internet, _ := z.world.End(Internet, nil, false)
	z.spots[Internet] = [2][]spot{internet.spots, internet.spots}
	names = append(names, Internet)
	unlisted := z.world.Unlisted()
	for _, from := range names {
		for _, to := range names {
			if from == to || len(z.spots[from][0]) == 0 || len(z.spots[to][1]) == 0 {
				continue
			}
			l, _ := z.world.reach(z.spots[from][0], z.spots[to][1], reach.Ports{})
			if l.Reachable == reach.No && len(unlisted) > 0 {
				l.Reachable, l.Maybe, l.Because = reach.Unknown, reach.AllPorts, append(slices.Clip(unlisted), l.Because...)
			}
			c := Crossing{From: from, To: to, Reachable: l.Reachable.String(), answer: l.Reachable, open: l.Ports.Union(l.Maybe), Ports: listed(l.Ports), Perhaps: listed(l.Maybe), Path: orEmpty(l.Path), Because: orEmpty(l.Because)}
			c.judge(s)
			z.Crossings = append(z.Crossings, c)
		}
	}
}

// Hold decides the intents of sevenfold.yaml of which no crossing of zones tells.
func (z *Zones) Hold(s *scope.Scope, workloads *scope.Workloads) {
	for _, i := range s.Network.Intents {
		if i.Rule == scope.Allowed || slices.ContainsFunc(z.Crossings, func(c Crossing) bool { return c.Intent == i.Name }) {
			continue
		}
		for _, v := range z.world.Intent(i, workloads) {
			c := v.Crossing(i)
			if v.Reachable != reach.Yes {
				c.Verdict, c.Because = "unknown", orEmpty(append([]string{v.Text}, c.Because...))
			}
			z.Intents = append(z.Intents, c)
		}
	}
}

// isolated are the pairs of zones that nothing may cross in any estate, whatever
// sevenfold.yaml says beside it: the mission's own rule. Serving is production.
var isolated = [][2]string{
	{scope.ZoneTraining, scope.ZoneProduction}, {scope.ZoneProduction, scope.ZoneTraining},
	{scope.ZoneTraining, scope.ZoneServing}, {scope.ZoneServing, scope.ZoneTraining},
}

// judge says what comes of a crossing by the built-in rules and those of
// sevenfold.yaml.
func (c *Crossing) judge(s *scope.Scope) {
	rule := ""
	if slices.Contains(isolated, [2]string{c.From, c.To}) {
		rule = "no path between training and production"
	}
	meant := reach.Ports{}
	by := ""
	for _, i := range s.Network.Intents {
		if i.From.Name != c.From || i.To.Name != c.To || i.From.Match != nil || i.To.Match != nil {
			continue
		}
		switch i.Rule {
		case scope.Never:
			if len(i.Ports) == 0 {
				rule = i.Name
			}
		case scope.Allowed:
			meant, by = meant.Union(portsOf(i.Ports)), i.Name
		}
	}
	// What is meant is meant on its ports, and nothing else may be open.
	if by != "" && meant.Covers(c.open) {
		c.Intent, c.Verdict = by, "intended"
		return
	}
	if rule == "" {
		return
	}
	c.Intent = rule
	switch c.answer {
	case reach.Yes:
		c.Verdict = "violated"
	case reach.No:
		c.Verdict = "kept"
	default:
		c.Verdict = "unknown"
	}
}

// text of a list for people.
func joinFew(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}

// Few joins a list, the first most of it.
func Few(list []string, most int) string { return joinFew(list, most) }

// zoned reports whether anything stands in a zone.
func (z *Zones) zoned() bool {
	return slices.ContainsFunc(z.List, func(one Zone) bool { return one.Name != scope.Unzoned })
}

// Exit is the exit code of what was found: 1 where an intent is violated or zones
// that must not share addresses do, 3 where that could not be told or nothing stands in a
// zone, else 0.
func (z *Zones) Exit() int {
	code := 0
	for _, c := range append(slices.Clone(z.Crossings), z.Intents...) {
		switch c.Verdict {
		case "violated":
			return 1
		case "unknown":
			code = 3
		}
	}
	for _, o := range z.Overlaps {
		if o.Zones == [2]string{scope.ZoneDevelopment, scope.ZoneServing} || o.Zones == [2]string{scope.ZoneDevelopment, scope.ZoneProduction} {
			return 1
		}
	}
	if !z.zoned() || len(z.Undecided) > 0 || len(z.Unread) > 0 {
		return 3
	}
	return code
}
