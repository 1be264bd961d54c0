package network

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/network/flows"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Observed are flows that were seen, held against the network they were seen in.
type Observed struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	// Records that were read, and kinds of flow they became.
	Records int64 `json:"records"`
	Flows   int   `json:"flows"`
	// Agreed are flows that were let through and that the network allows.
	Agreed int `json:"agreed"`
	// NotAllowed were let through though the network as read allows none: enforcement
	// is broken, the model is wrong, or the configuration has changed since.
	NotAllowed []Disagreement `json:"notAllowed"`
	// HeldBack were rejected though the network as read allows them.
	HeldBack []Disagreement `json:"heldBack"`
	// Undecided could not be decided from what was read.
	Undecided []Disagreement `json:"undecided"`
	// Unused can be opened and were not, over the window; only where that is long
	// enough and the logs are whole.
	Unused    []Opening `json:"unused"`
	UnusedWhy string    `json:"unusedWhy,omitempty"`
	// Blind says why the absence of a flow proves nothing.
	Blind []string `json:"blind"`
	// Outside are flows of which neither end stands in the network that was read.
	Outside int `json:"outside"`

	watched map[string]int                 // flows seen of it, by the thing's id
	touched map[string]int                 // flows decided
	open    map[string]int                 // flows that could not be decided
	used    map[[2]estate.Node]reach.Ports // by thing; -1 is a host
	wrong   map[string][]string            // by the thing's id
	dark    []string
	kept    []pairOfSpots
	ports   []reach.Ports
}

// Disagreement is a kind of flow and the network's word on it.
type Disagreement struct {
	From    string    `json:"from"`
	To      string    `json:"to"`
	Port    string    `json:"port"`
	Verdict string    `json:"verdict"`
	At      string    `json:"at,omitempty"`
	Records int64     `json:"records"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Because []string  `json:"because"`
}

// Unused is only told of a window at least this long.
const leastUse = 30 * 24 * time.Hour

// Bounds on what a comparison lists.
const mostDisagreements = 1000

// ReadFlows reads flow logs (files and folders) and compares them with the network.
// What cannot be read is among Blind; an error is of the paths themselves.
func (w *World) ReadFlows(ctx context.Context, paths []string, format string) (*Observed, error) {
	addresses := map[string][]netip.Addr{}
	for id, f := range w.ifaces {
		if f.node < 0 {
			continue
		}
		for _, a := range f.Addresses {
			addresses[id] = append(addresses[id], a.Private)
		}
	}
	agg, err := flows.New(flows.Options{Addresses: addresses, Format: format})
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			_, err = agg.ReadFile(ctx, path)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read flow logs: %w\nhint: name files or folders of VPC flow logs or of Hubble's flows", err)
		}
	}
	return w.heldAgainst(agg.Observed()), nil
}

// heldAgainst decides every kind of flow.
func (w *World) heldAgainst(seen *flows.Observed) *Observed {
	o := &Observed{First: seen.First, Last: seen.Last, Records: seen.Records, Flows: len(seen.Flows), NotAllowed: []Disagreement{}, HeldBack: []Disagreement{}, Undecided: []Disagreement{},
		Unused: []Opening{}, Blind: append(w.Unread(), seen.Blind()...), watched: map[string]int{}, dark: w.dark, touched: map[string]int{}, open: map[string]int{}, used: map[[2]estate.Node]reach.Ports{}, wrong: map[string][]string{}}
	const told = 5
	for i, p := range seen.Problems {
		if i == told {
			o.Blind = append(o.Blind, fmt.Sprintf("%d more places that could not be read", len(seen.Problems)-i))
			break
		}
		o.Blind = append(o.Blind, p.String())
	}
	for i := range seen.Flows {
		w.decideFlow(o, &seen.Flows[i])
	}
	return o
}

func (w *World) decideFlow(o *Observed, f *flows.Flow) {
	from, to := w.endOfFlow(f.Client), w.endOfFlow(f.Server)
	if len(from) == 0 || len(to) == 0 {
		o.Outside++
		return
	}
	if from[0].asset < 0 && to[0].asset < 0 && from[0].points[0].iface == "" && to[0].points[0].iface == "" {
		o.Outside++
		return
	}
	ports := reach.AllOf(f.Protocol)
	if f.PortKnown && f.Protocol != reach.ICMP && f.Protocol != reach.ICMPv6 {
		ports = reach.Port(f.Protocol, f.Port)
	}
	l, _ := w.reach(from, to, ports)
	if f.Sides == flows.Ambiguous && l.Reachable != reach.Yes {
		if back, _ := w.reach(to, from, reach.AllOf(f.Protocol)); back.Reachable == reach.Yes {
			l = back // either end may have opened it
		} else if l.Reachable == reach.No {
			l.Reachable, l.Because = reach.Unknown, []string{"which end opened it is not told by the log"}
		}
	}
	ends := map[string]bool{}
	for _, s := range append(slices.Clone(from), to...) {
		if s.asset >= 0 {
			ends[w.snap.Asset(s.asset).ID] = true
		}
	}
	count := func(m map[string]int) {
		for id := range ends {
			m[id]++
		}
	}
	count(o.watched)
	// A packet let out by its sender may still be held back by the other side: only
	// what was let in there, or answered, was opened.
	through := f.Opened() == reach.Yes
	d := Disagreement{From: f.Client.String(), To: f.Server.String(), Port: strings.Join(ports.List(), ","), Verdict: f.Verdict.String(), At: f.At, Records: f.Records, First: f.First, Last: f.Last, Because: orEmpty(l.Because)}
	switch {
	case l.Reachable == reach.Yes && f.Sides == flows.Ambiguous && f.Verdict == flows.Accepted:
		o.Agreed++ // the one end may open it to the other, whichever did
		count(o.touched)
	case l.Reachable == reach.Yes && (through || f.Verdict == flows.Accepted):
		o.Agreed++
		count(o.touched)
		for _, a := range from {
			for _, b := range to {
				key := [2]estate.Node{a.asset, b.asset}
				o.used[key] = o.used[key].Union(ports)
				o.kept, o.ports = append(o.kept, pairOfSpots{a, b}), append(o.ports, ports)
			}
		}
	case l.Reachable == reach.No && through:
		add(&o.NotAllowed, d)
		count(o.touched)
		for _, s := range append(slices.Clone(from), to...) {
			if s.asset >= 0 {
				o.wrong[w.snap.Asset(s.asset).ID] = append(o.wrong[w.snap.Asset(s.asset).ID], fmt.Sprintf("%s -> %s on %s was let through and is not allowed: %s", d.From, d.To, d.Port, joinFew(d.Because, 1)))
			}
		}
	case l.Reachable == reach.Yes && f.Verdict == flows.Rejected && !f.ReplyHeld:
		add(&o.HeldBack, d)
		count(o.touched)
	case f.Verdict == flows.Dropped && l.Reachable != reach.Unknown: // for no rule's reason: it tells nothing of the rules
	case l.Reachable == reach.No && f.Verdict == flows.Rejected:
		o.Agreed++ // held back, and not allowed
		count(o.touched)
	default:
		if f.Verdict == flows.Unsaid && l.Reachable != reach.Unknown {
			d.Because = append([]string{"the log does not say what became of it"}, d.Because...)
		} else if l.Reachable == reach.No {
			d.Because = append([]string{"one side let it pass, and the log does not tell whether the other did; it is not allowed"}, d.Because...)
		}
		add(&o.Undecided, d)
		count(o.open)
	}
}

func add(list *[]Disagreement, d Disagreement) {
	if len(*list) < mostDisagreements {
		*list = append(*list, d)
	}
}

// endOfFlow finds what an end of a flow is: nothing where it was made coarser, or
// names a pod that was not read.
func (w *World) endOfFlow(e flows.Endpoint) []spot {
	if e.IsPod() {
		for _, c := range w.sortedClusters() {
			if p := c.pods[e.Namespace+"/"+e.Pod]; p != nil {
				at := podPlace{c.name, p.ID()}
				return []spot{{w.ownerOfPod(at), []point{{pod: at}}}}
			}
		}
		return nil
	}
	if !e.Addr.IsValid() || !e.Addr.IsSingleIP() {
		return nil
	}
	out := w.address(e.Addr.Addr())
	for i, s := range out {
		switch {
		case s.points[0].pod != podPlace{}:
			out[i].asset = w.ownerOfPod(s.points[0].pod)
		case s.asset >= 0:
			out[i].asset = w.ownerOf(s.asset)
		}
	}
	return out
}

// ownerOf is the component that stands for a thing: the owner of an interface, the
// Deployment of a pod.
func (w *World) ownerOf(n estate.Node) estate.Node {
	if w.component(n, w.snap.Asset(n)) {
		return n
	}
	for e := range w.snap.In(n) {
		if e.Type == estate.Contains && w.component(e.Node, w.snap.Asset(e.Node)) {
			return e.Node
		}
	}
	return n
}

func (w *World) ownerOfPod(p podPlace) estate.Node {
	for n, s := range w.places {
		if !w.made[n] && slices.Contains(s.pods, p) {
			return n
		}
	}
	if n, ok := w.atPod[p]; ok {
		return n
	}
	return -1
}

// Unseen says why what is in use is not known from the logs; nothing where it is.
func (o *Observed) Unseen() []string {
	var out []string
	if o.Records == 0 {
		out = append(out, "what is in use: the flow logs hold no record")
	}
	for _, b := range o.Blind {
		if !slices.Contains(o.dark, b) { // told of the network already
			out = append(out, "what is in use: "+b)
		}
	}
	return out
}

// FindUnused lists what can be opened between things and was not in the window.
func (w *World) FindUnused(o *Observed) {
	switch {
	case o.First.IsZero():
		o.UnusedWhy = "no flow was read"
		return
	case o.Last.Sub(o.First) < leastUse:
		o.UnusedWhy = fmt.Sprintf("the window is %d days long, and what was not used in less than 30 may be used tomorrow", int(o.Last.Sub(o.First).Hours()/24))
		return
	case len(o.Blind) > 0:
		o.UnusedWhy = "the logs have holes: " + joinFew(o.Blind, 2)
		return
	}
	type thing struct {
		node     estate.Node
		from, to *places
	}
	var all []thing
	for n, a := range w.snap.Assets() {
		if w.component(n, a) {
			all = append(all, thing{n, w.placesOf(w.sites(n, false)), w.placesOf(w.sites(n, true))})
		}
	}
	for _, f := range all {
		for _, t := range all {
			if f.node == t.node || len(f.from.spots) == 0 || len(t.to.spots) == 0 || o.watched[w.snap.Asset(f.node).ID] == 0 && o.watched[w.snap.Asset(t.node).ID] == 0 {
				continue // neither was watched
			}
			l := w.answer(f.from, t.to)
			if l.Reachable != reach.Yes {
				continue
			}
			if left := l.Ports.Minus(o.used[[2]estate.Node{f.node, t.node}]); !left.IsEmpty() && len(o.Unused) < mostDisagreements {
				o.Unused = append(o.Unused, Opening{From: w.snap.Asset(f.node).ID, To: w.snap.Asset(t.node).ID, Ports: left.List()})
			}
		}
	}
	slices.SortFunc(o.Unused, func(a, b Opening) int { return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To)) })
}

// Seen is what a comparison of flow logs with the network says of each thing: what
// network.observed rests on, and what a certificate's evidence keeps of the logs.
type Seen struct {
	First   time.Time           `json:"first"`
	Last    time.Time           `json:"last"`
	Records int64               `json:"records"`
	Blind   []string            `json:"blind,omitempty"`
	Touched map[string]int      `json:"touched"`        // flows decided, by asset id
	Open    map[string]int      `json:"open,omitempty"` // flows that could not be decided
	Wrong   map[string][]string `json:"wrong"`          // what was let through and is not allowed
}

// Seen sums the comparison up.
func (o *Observed) Seen() *Seen {
	return &Seen{First: o.First, Last: o.Last, Records: o.Records, Blind: o.Blind, Touched: o.touched, Open: o.open, Wrong: o.wrong}
}

// criterion decides network.observed for one workload.
func (o *Seen) criterion(w *World, p *party) finding.Criterion {
	c := finding.Criterion{ID: "network.observed"}
	var fails, unsure []string
	claim := finding.Claim{Claim: "components of which flows were seen and held against what is allowed", Of: len(p.things), Source: fmt.Sprintf("flow logs from %s to %s", day(o.First), day(o.Last))}
	for _, n := range p.things {
		id := w.snap.Asset(n).ID
		if o.Touched[id] > 0 {
			claim.Examined++
		}
		fails = append(fails, o.Wrong[id]...)
		if n := o.Open[id]; n > 0 {
			unsure = append(unsure, fmt.Sprintf("%d kinds of flow of %s could not be decided: sevenfold network observed lists them", n, id))
		}
	}
	c.Evidence = []finding.Claim{claim}
	switch {
	case o.Records == 0:
		unsure = append(unsure, "the flow logs hold no record")
	case claim.Examined == 0:
		unsure = append(unsure, "no flow of it that could be decided is in the logs: they may not watch it")
	case len(o.Blind) > 0:
		unsure = append(unsure, "the logs have holes: "+joinFew(o.Blind, 2))
	}
	verdictOf(&c, fails, unsure, "every flow of it that was seen is one that is allowed")
	return c
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}
