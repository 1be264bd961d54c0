package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// Answer says whether one end can open a connection to another.
type Answer struct {
	From      string   `json:"from"`
	To        string   `json:"to"`
	Reachable string   `json:"reachable"` // yes, no or unknown
	Ports     []string `json:"ports"`     // surely reachable, of the ports asked for
	Perhaps   []string `json:"perhaps,omitempty"`
	Path      []Hop    `json:"path"`
	Because   []string `json:"because"`
	// Pairs is how many different pairs of places were decided for it.
	Pairs int `json:"pairs"`
}

// Can decides whether from can open a connection to to on some of the ports; none
// given are all. Of ends that are several things, any of one to any of the other.
func (w *World) Can(from, to End, ports reach.Ports) Answer {
	l, pairs := w.reach(from.spots, to.spots, ports)
	return Answer{From: from.Text, To: to.Text, Reachable: l.Reachable.String(), Ports: listed(l.Ports), Perhaps: listed(l.Maybe), Path: orEmpty(l.Path), Because: orEmpty(l.Because), Pairs: pairs}
}

func listed(p reach.Ports) []string {
	if p.IsEmpty() {
		return []string{}
	}
	return p.List()
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// mostBecause bounds how many reasons an answer over many places gives.
const mostBecause = 12

// reach decides what any of some spots can open to any of others, on some of the
// ports. Spots that nothing tells apart are asked once, and ways and reasons are sought
// only where they are told.
func (w *World) reach(from, to []spot, ports reach.Ports) (Link, int) {
	if ports.IsEmpty() {
		ports = reach.AllPorts
	}
	from, to = w.distinct(from), w.distinct(to)
	out := Link{Reachable: reach.No}
	pairs, asked := 0, 0
	quick := len(from)*len(to) > manyPairs
	var ask [3][]pairOfSpots // by answer: those worth a witness or a reason
	cut := false             // there were more pairs than are decided
	var senders, receivers []stance
	if quick {
		senders, receivers = w.stances(from), w.stances(to)
	}
	// full: nothing can be added but what is surer; over: nothing at all.
	full, over := false, false
	for i, f := range from {
		for j, t := range to {
			if f.asset >= 0 && f.asset == t.asset && len(f.points) == 1 && f.points[0] == t.points[0] && (len(from) > 1 || len(to) > 1) {
				continue // a thing and itself say nothing about two zones
			}
			if over || full && quick && senders[i].undecidable(receivers[j]) {
				pairs++
				continue
			}
			if cut = cut || asked >= mostPairs || w.decided >= mostDecided-w.kept; cut {
				break
			}
			pairs++
			asked++
			l, told := Link{}, false
			if quick {
				l, told = w.quick(f, t, ports)
			}
			if !told {
				l = w.briefly(f, t, ports)
			}
			if !out.Ports.Covers(l.Ports) || !out.Maybe.Covers(l.Maybe) {
				out.Ports, out.Maybe = out.Ports.Union(l.Ports), out.Maybe.Union(l.Maybe)
			}
			out.Reachable = out.Reachable.Or(l.Reachable)
			if len(ask[l.Reachable]) < mostBecause {
				ask[l.Reachable] = append(ask[l.Reachable], pairOfSpots{f, t})
			}
			if !over && len(ask[out.Reachable]) == mostBecause && out.Reachable != reach.No {
				full = full || out.Ports.Union(out.Maybe).Covers(ports)
				over = full && out.Reachable == reach.Yes && out.Ports.Covers(ports)
			}
		}
	}
	out.Maybe = out.Maybe.Minus(out.Ports)
	for _, p := range ask[out.Reachable] {
		l := w.between2(p.from, p.to, ports)
		if out.Reachable == reach.Yes && (out.Path == nil || len(l.Path) < len(out.Path)) {
			out.Path = l.Path
		}
		out.Because = append(out.Because, l.Because...)
	}
	out.Because = unique(out.Because)
	if out.Reachable == reach.Yes {
		out.Because = nil
	}
	if len(out.Because) > mostBecause {
		out.Because = append(out.Because[:mostBecause:mostBecause], "and other reasons")
	}
	if cut {
		out.Maybe = ports.Minus(out.Ports) // what else may be open was not asked
	}
	if cut && out.Reachable != reach.Yes {
		out.Reachable = reach.Unknown
		out.Because = append([]string{fmt.Sprintf("%d pairs of places that rules tell apart are more than are decided for one estate: ask about fewer", len(from)*len(to))}, out.Because...)
	}
	return w.shaded(out, ports), pairs
}

// Bounds on how many pairs are decided: for one question, and for all questions about
// one network, beside those read off the table. What is beyond is unknown; a yes that
// was found before stands, with the ports found by then and all others perhaps.
const (
	mostPairs   = 20_000_000
	mostDecided = 1_000_000
	// costAWS is as how many pairs one counts that AWS's engine is asked about.
	costAWS = 10
	// mostTabled is up to how many classes of interfaces the table of all pairs is made:
	// beyond, each in a place of its own, it costs minutes and gigabytes.
	mostTabled = 3_000
)

// tabled reports whether the table of all pairs of interfaces is worth making.
func (w *World) tabled() bool {
	if w.breadth == 0 {
		classes := map[int]bool{}
		for i := range w.model.Interfaces {
			classes[w.number(point{iface: w.model.Interfaces[i].ID})] = true
		}
		w.breadth = 1 + len(classes)
	}
	return w.breadth <= mostTabled
}

// answer is what reach says on all ports, without a way and without reasons: for many
// pairs at a time.
func (w *World) answer(from, to *places) Link {
	out := Link{Reachable: reach.No}
	alone := len(from.spots) == 1 && len(to.spots) == 1
	for i := range from.spots {
		for j := range to.spots {
			f, t := &from.spots[i], &to.spots[j]
			if !alone && f.asset >= 0 && f.asset == t.asset && len(f.points) == 1 && f.points[0] == t.points[0] {
				continue
			}
			l := w.answerOf(from, to, i, j)
			if alone {
				return l
			}
			out.Ports, out.Maybe, out.Reachable = out.Ports.Union(l.Ports), out.Maybe.Union(l.Maybe), out.Reachable.Or(l.Reachable)
		}
	}
	out.Maybe = out.Maybe.Minus(out.Ports)
	return out
}

func (w *World) answerOf(from, to *places, i, j int) Link {
	f, t := from.spots[i], to.spots[j]
	if a, b := from.tabled[i], to.tabled[j]; a >= 0 && b >= 0 && f.points[0] != t.points[0] {
		return linkFrom(w.allPairs().Reach(a, b), reach.AllPorts)
	}
	if a, b := from.classes[i], to.classes[j]; a >= 0 && b >= 0 && a != b {
		if l, ok := w.briefed(a, b); ok {
			return l
		}
	}
	if w.decided >= mostDecided-w.kept {
		return unknown("there are more pairs of places than are decided for one estate")
	}
	return w.briefly(f, t, reach.AllPorts)
}

// places are spots made ready for many questions: one of each class, or two.
type places struct {
	spots []spot
	// By spot: its class in the table of all pairs, and its class, -1 if it has none that
	// serves whoever is asked about.
	tabled, classes []int
}

func (w *World) placesOf(spots []spot) *places {
	out := &places{spots: w.distinct(spots)}
	for _, s := range out.spots {
		at, class := -1, -1
		if len(s.points) == 1 && !s.points[0].host.IsValid() {
			class = w.number(s.points[0])
			if s.points[0].iface != "" && w.tabled() {
				w.allPairs()
				if n, ok := w.inTable[s.points[0].iface]; ok {
					at = n
				}
			}
		}
		out.tabled, out.classes = append(out.tabled, at), append(out.classes, class)
	}
	return out
}

type pairOfSpots struct{ from, to spot }

// manyPairs is from how many pairs on those of interfaces are read off the table
// of all pairs of classes, which costs as much as a few thousand questions.
const manyPairs = 4096

// quick reads a pair of interfaces off the table of all pairs.
func (w *World) quick(f, t spot, ports reach.Ports) (Link, bool) {
	if w.asking && w.asked.amazon != nil || len(f.points) != 1 || len(t.points) != 1 || f.points[0].iface == "" || t.points[0].iface == "" || !w.tabled() {
		return Link{}, false
	}
	table := w.allPairs()
	from, ok := w.inTable[f.points[0].iface]
	to, too := w.inTable[t.points[0].iface]
	if !ok || !too || f.points[0] == t.points[0] {
		return Link{}, false
	}
	return linkFrom(table.Reach(from, to), ports), true
}

// linkFrom is an answer of the table on some ports.
func linkFrom(a aws.Allow, ports reach.Ports) Link {
	l := Link{Reachable: reach.No, Ports: a.Sure.Intersect(ports), Maybe: a.Maybe.Minus(a.Sure).Intersect(ports)}
	switch {
	case !l.Ports.IsEmpty():
		l.Reachable = reach.Yes
	case !l.Maybe.IsEmpty():
		l.Reachable = reach.Unknown
	}
	return l
}

// between2 decides one spot against another, on some of the ports.
func (w *World) between2(f, t spot, ports reach.Ports) Link {
	var each []Link
	for _, p := range f.points {
		for _, q := range t.points {
			l := w.link(w.canonical(w.apart(f, t, p, q)))
			each = append(each, l.on(ports))
		}
	}
	return wherever(each)
}

// on narrows a link to some ports.
func (l Link) on(ports reach.Ports) Link {
	sure, may := l.Ports.Intersect(ports), l.Maybe.Intersect(ports)
	out := Link{Ports: sure, Maybe: may, Path: l.Path, Because: l.Because}
	switch {
	case !sure.IsEmpty():
		out.Reachable = reach.Yes
	case !may.IsEmpty():
		out.Reachable, out.Path = reach.Unknown, nil
	default:
		out.Reachable, out.Path = reach.No, nil
		if len(out.Because) == 0 {
			out.Because = []string{"only " + l.Ports.String() + " is open"}
		}
	}
	return out
}

// class names what the engines cannot tell apart: points of one class have the same
// answers, whoever asks.
func (w *World) class(p point) string {
	if c, ok := w.classes[p]; ok {
		return c
	}
	var b strings.Builder
	switch {
	case p.iface != "":
		w.ifaceClass(&b, p.iface)
	case p.pod != podPlace{}:
		c := w.clusters[p.pod.cluster]
		i, ok := c.engine.ClassOf(p.pod.id)
		if !ok {
			return p.String()
		}
		fmt.Fprintf(&b, "pod %s %d", c.name, i)
		for _, id := range w.interfacesOfPod(p.pod) {
			b.WriteString(" on ")
			w.ifaceClass(&b, id)
		}
		for _, d := range w.behind(p.pod) {
			b.WriteString(" behind " + d)
		}
		if pod := c.pods[p.pod.id]; pod != nil {
			fmt.Fprintf(&b, " %v %v", len(pod.IPs) > 0, pod.Replicas == 1)
			if pod.Node != "" && w.parted(c) {
				b.WriteString(" at " + pod.Node)
			}
			if len(w.interfacesOfPod(p.pod)) == 0 {
				fmt.Fprintf(&b, " %v", w.fromInternet(p.pod).Reachable)
			}
		}
	default:
		return p.String()
	}
	w.classes[p] = b.String()
	return b.String()
}

func (w *World) ifaceClass(b *strings.Builder, id string) {
	if w.alike == nil {
		w.alike = w.amazon.Alike()
	}
	fmt.Fprintf(b, "%q", w.alike(id))
}

// canonical puts the first of its class in the place of each point, so that a pair
// of classes is decided once. Two of one class keep their own names.
func (w *World) canonical(p, q point) (point, point) {
	a, b := w.classesOf(p, q)
	if a == b {
		return p, q
	}
	return w.first(a, p), w.first(b, q)
}

func (w *World) classesOf(p, q point) (a, b int) {
	a, b = w.number(p), w.number(q)
	if p.host.IsValid() && q.iface != "" {
		a = w.cellOf(p, a)
	}
	if q.host.IsValid() && p.iface != "" {
		b = w.cellOf(q, b)
	}
	return a, b
}

// number is the class of a point as a number, which is cheaper to look up.
func (w *World) number(p point) int {
	if n, ok := w.numbered[p]; ok {
		return n
	}
	n := w.numberOf(w.class(p))
	w.numbered[p] = n
	return n
}

func (w *World) numberOf(class string) int {
	n, ok := w.numbers[class]
	if !ok {
		n = len(w.numbers)
		w.numbers[class] = n
	}
	return n
}

// cellOf is the class of a host that is asked about from or to AWS: the stretch
// between two edges of its rules. Policies of clusters have edges of their own.
func (w *World) cellOf(p point, class int) int {
	if p.host == providersHost || p.inet || len(w.vpcsAt(p.host)) > 0 {
		return class
	}
	i, at := slices.BinarySearchFunc(w.edges, p.host, netip.Addr.Compare)
	return w.numberOf(fmt.Sprintf("host %d%v%v%v", i, at, p.host.Is4(), routed(p.host)))
}

func (w *World) first(class int, p point) point {
	if one, ok := w.firsts[class]; ok {
		return one
	}
	w.firsts[class] = p
	return p
}

// distinct leaves one spot of each class, or two, so that a class is also asked
// about itself.
func (w *World) distinct(spots []spot) []spot {
	if len(spots) < 2 {
		return spots
	}
	seen := map[string]int{}
	var out []spot
	var key []byte
	for _, s := range spots {
		key = key[:0]
		for _, p := range s.points {
			key = binary.AppendUvarint(key, uint64(w.number(p)))
		}
		if seen[string(key)]++; seen[string(key)] <= 2 {
			out = append(out, s)
		}
	}
	return out
}

// whose names the assets of some spots, for people.
func (w *World) whose(spots []spot) []string {
	var out []string
	for _, s := range spots {
		if s.asset >= 0 {
			out = append(out, w.snap.Asset(s.asset).ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
