package network

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Advice is what to change so that one thing that must not be possible is not.
type Advice struct {
	// Against says what must not be possible.
	Against string `json:"against"`
	From    string `json:"from"`
	To      string `json:"to"`
	Path    []Hop  `json:"path"`
	// Rules of AWS to take away, with the commands.
	Rules    []string `json:"rules"`
	Commands []string `json:"commands"`
	// Taken are the same rules by what they say, for whoever writes them elsewhere.
	Taken []TakenRule `json:"-"`
	// Policies of clusters to write, and those in their way to delete.
	Policies []Policy `json:"policies"`
	Deletes  []string `json:"deletes"`
	// Cut says that with all of it nothing is left of what must not be possible,
	// decided on a copy of the network; Left is what is.
	Cut  bool     `json:"cut"`
	Left []string `json:"left"`
	// Unsure is what could not be told of the changed network, nor of the one before:
	// a node that stands for its clients, say.
	Unsure []string `json:"unsure"`
	// Closes are other connections that go with it, Breaks those of them that were
	// seen in use.
	Closes []Opening `json:"closes"`
	Breaks []string  `json:"breaks"`
}

// TakenRule is a rule of AWS's networks that advice takes away: one source or
// destination of one permission of a security group, or a route.
type TakenRule struct {
	Asset string // security group or route table, by the asset's id
	Text  string // for people
	Route bool
	// Of a permission.
	Egress   bool
	Protocol string // "-1" is all
	From, To int
	Peer     string // CIDR, group or prefix list
	// Target is a route's next hop; its Peer is the CIDR it is for.
	Target string
}

// taken says what a rule says.
func (w *World) taken(r cutRule) TakenRule {
	id := firstOf(r.table, r.group)
	out := TakenRule{Asset: id, Text: w.ruleText(r), Egress: r.egress, Peer: r.peer}
	for _, a := range w.snap.Assets() {
		if !unborn(id) && strings.HasSuffix(a.ID, "/"+id) {
			out.Asset = a.ID
		}
	}
	if r.table != "" {
		route := w.routeOf(r)
		out.Route, out.Peer, out.Target = true, route.CIDR.String(), route.Target
		return out
	}
	p := w.permissionOf(r)
	out.Protocol, out.From, out.To = p.Protocol, p.From, p.To
	if r.peer == "" {
		out.Peer = r.cidr.String()
	}
	return out
}

// Policy is a Kubernetes NetworkPolicy to write.
type Policy struct {
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	YAML      string `json:"yaml"`
	object    map[string]any
}

// File is the name of the file that the policy is written into: of letters, digits,
// dashes and dots, whatever namespaces are called.
func (p Policy) File() string {
	name := dns(p.Namespace) + "." + dns(p.Name) + ".yaml"
	if p.Cluster != "default" {
		name = dns(p.Cluster) + "." + name
	}
	return name
}

// Unsure says of what it could not be told whether it must be mended, one sentence each:
// intents, crossings of zones, what the internet may open, and what was not read at all.
func (w *World) Unsure(s *scope.Scope, workloads *scope.Workloads) []string {
	out := slices.Clone(w.dark)
	if why := w.Unexamined(); why != "" {
		out = append(out, why)
	}
	z := w.ZonesOf(s, workloads)
	if len(s.Zones) == 0 && !slices.ContainsFunc(s.Declared, func(d scope.Declared) bool { return d.Zone != "" }) {
		out = append(out, "no zone is stated in sevenfold.yaml, so that nobody knows what is training and what production: zones: {training: {match: …}, serving: {match: …}}")
	}
	if len(s.Zones) > 0 && len(s.Network.Intents) == 0 && w.Unexamined() == "" && !z.zoned() {
		out = append(out, "nothing that stands in a network stands in a zone of sevenfold.yaml: sevenfold network zones lists what stands in none")
	}
	for _, u := range z.Undecided {
		out = append(out, fmt.Sprintf("in which zone %s stands: %s", u.Asset, u.Why))
	}
	for _, c := range z.Crossings {
		if c.Verdict == "unknown" {
			out = append(out, fmt.Sprintf("%s -> %s, against: %s: %s", c.From, c.To, c.Intent, joinFew(c.Because, 1)))
		}
	}
	for _, i := range s.Network.Intents {
		if i.Rule == scope.Allowed {
			continue
		}
		for _, v := range w.Intent(i, workloads) {
			if v.Reachable == reach.Unknown {
				out = append(out, fmt.Sprintf("intent %s: %s: %s", i.Name, v.Text, joinFew(v.Because, 1)))
			}
		}
	}
	if len(w.dark) > 0 {
		return out // that is the reason for all of them
	}
	told := map[string]bool{}
	w.fromOutside(s, workloads, z, func(id string, _, to []spot, l Link, meant reach.Ports) {
		perhaps := l.Maybe.Minus(meant)
		if key := w.siteKey([2][]spot{nil, to}) + perhaps.String(); !perhaps.IsEmpty() && !told[key] {
			told[key] = true
			out = append(out, fmt.Sprintf("whether the internet can open %s on %s: %s", id, joinFew(perhaps.List(), 3), firstOf(joinFew(l.Because, 1), "a part of what leads there was not read")))
		}
	})
	return out
}

// offence is something that must not be possible and is.
type offence struct {
	text, from, to string
	source, target []spot
	link           Link
	more           int // things like to, beside it
}

// Recommend finds what to change so that no intent is violated and nothing is open to
// the internet that nobody meant, and proves it on a copy of the network: each piece
// of advice by itself. With flows that were seen, it is kept to what was used.
func (w *World) Recommend(ctx context.Context, s *scope.Scope, workloads *scope.Workloads, seen *Observed) ([]Advice, error) {
	out := []Advice{}
	for _, o := range w.offences(s, workloads) {
		a, err := w.advise(ctx, o, seen)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// offences lists what must not be possible and is: crossings of zones, other intents,
// and what is open to the internet unintended.
func (w *World) offences(s *scope.Scope, workloads *scope.Workloads) []offence {
	var out []offence
	z := w.ZonesOf(s, workloads)
	for _, c := range z.Crossings {
		if c.Verdict != "violated" {
			continue
		}
		from, to := z.spots[c.From][0], z.spots[c.To][1]
		l, _ := w.reach(from, to, reach.Ports{})
		out = append(out, offence{text: c.Intent, from: c.From, to: c.To, source: from, target: to, link: l})
	}
	for _, i := range s.Network.Intents {
		if i.Rule == scope.Allowed || slices.ContainsFunc(out, func(o offence) bool { return o.text == i.Name }) {
			continue
		}
		from, err := w.side(i.From, workloads, false)
		if err != nil {
			continue
		}
		to, err := w.side(i.To, workloads, true)
		if err != nil {
			continue
		}
		l := w.against(i, from, to)
		if i.Rule == scope.Only {
			to = w.allBut(append(slices.Clone(to), from...))
		}
		if l.Reachable == reach.Yes {
			out = append(out, offence{text: i.Name, from: i.From.Name, to: i.To.Name, source: from, target: to, link: l})
		}
	}
	alike := map[string]int{}
	w.fromOutside(s, workloads, z, func(id string, internet, to []spot, l Link, meant reach.Ports) {
		open := l.Ports.Minus(meant)
		if l.Reachable != reach.Yes || open.IsEmpty() {
			return
		}
		// Things that nothing tells apart are mended by the same change.
		key := w.siteKey([2][]spot{nil, to}) + open.String()
		if at, known := alike[key]; known {
			out[at].target, out[at].more = append(out[at].target, to...), out[at].more+1
			return
		}
		alike[key] = len(out)
		out = append(out, offence{text: "open to the internet unintended", from: Internet, to: id, source: internet, target: to, link: l})
	})
	return out
}

// fromOutside decides of each thing of a workload what the internet can open to it, and
// what of that is meant.
func (w *World) fromOutside(s *scope.Scope, workloads *scope.Workloads, z *Zones, fn func(id string, internet, to []spot, l Link, meant reach.Ports)) {
	j := &jury{w: w, scope: s, workloads: workloads, zones: z, told: map[string]bool{}}
	internet, _ := w.End(Internet, nil, false)
	told := map[estate.Node]bool{}
	for i := range workloads.List {
		p := j.party(&workloads.List[i])
		for _, n := range p.things {
			if told[n] {
				continue
			}
			told[n] = true
			id := w.snap.Asset(n).ID
			to := w.sites(n, true)
			l, _ := w.reach(internet.spots, to, reach.Ports{})
			fn(id, internet.spots, to, l, j.meantForInternet(&p, id))
		}
	}
}

// advise finds what cuts one offence, and what goes with it.
func (w *World) advise(ctx context.Context, o offence, seen *Observed) (Advice, error) {
	a := Advice{Against: o.text, From: o.from, To: o.to, Path: orEmpty(o.link.Path), Rules: []string{}, Commands: []string{}, Policies: []Policy{}, Deletes: []string{}, Left: []string{}, Unsure: []string{}, Closes: []Opening{}, Breaks: []string{}}
	c, chosen := w.cut(o.source, o.target)
	a.Rules, a.Commands = c.Rules, c.Commands
	for _, r := range chosen {
		a.Taken = append(a.Taken, w.taken(r))
	}
	next := w
	for _, r := range chosen {
		next = next.without(r)
	}
	// What is left is between pods, or comes to pods by doors of their cluster: there
	// only policies help.
	if left := next.openPairs(o.source, o.target); len(left) > 0 {
		a.Policies, a.Deletes = next.policiesAgainst(left, seen)
		a.Policies = orEmpty(a.Policies)
		if len(a.Policies)+len(a.Deletes) > 0 {
			copied, err := next.withPolicies(ctx, a.Policies, a.Deletes)
			if err != nil {
				return a, err
			}
			next = copied
			for _, d := range a.Deletes {
				a.Commands = append(a.Commands, deleteCommand(d))
			}
			for _, p := range a.Policies {
				a.Commands = append(a.Commands, "kubectl apply -f "+quoted(p.File()))
			}
		}
	}
	for _, p := range next.openPairs(o.source, o.target) {
		a.Left = append(a.Left, fmt.Sprintf("%s -> %s", p.from, p.to))
	}
	a.Left = orEmpty(unique(a.Left))
	a.Cut, a.Deletes = len(a.Left) == 0, orEmpty(a.Deletes)
	if l, _ := next.reach(o.source, o.target, reach.Ports{}); l.Reachable == reach.Unknown {
		a.Unsure = l.Because
	}
	if o.more > 0 {
		a.Against += fmt.Sprintf(" (and %d others that nothing tells apart from it)", o.more)
	}
	if w.compared += 1; w.compared <= mostCompared {
		if d, err := Compare(ctx, w, next); err == nil {
			a.Closes = w.beside(d.Closed, o)
			if n := len(a.Closes); n > mostCloses {
				a.Closes = slices.Clone(a.Closes[:mostCloses])
				a.Unsure = append(slices.Clip(a.Unsure), fmt.Sprintf("of %d connections that go with it the first %d are told; sevenfold network diff tells all", n, mostCloses))
			}
		}
	} else {
		a.Unsure = append(slices.Clip(a.Unsure), "what else goes with it: that was worked out for the first pieces of advice only; sevenfold network diff tells")
	}
	if seen != nil {
		for i, k := range seen.kept {
			if w.offends(k, o) {
				continue
			}
			before, _ := w.reach([]spot{k.from}, []spot{k.to}, seen.ports[i])
			after, _ := next.reach([]spot{k.from}, []spot{k.to}, seen.ports[i])
			if before.Reachable == reach.Yes && after.Reachable != reach.Yes {
				a.Breaks = append(a.Breaks, fmt.Sprintf("%s -> %s on %s", w.nameOf(k.from), w.nameOf(k.to), seen.ports[i]))
			}
		}
		a.Breaks = orEmpty(unique(a.Breaks))
		for _, b := range seen.Blind {
			a.Unsure = append(slices.Clip(a.Unsure), "what is in use besides: "+b)
		}
	}
	return a, nil
}

// mostCloses bounds how many connections that go with it a piece of advice tells.
const mostCloses = 10_000

// mostCompared bounds for how many pieces of advice it is worked out what else goes with
// them.
const mostCompared = 25

// nameOf names a spot.
func (w *World) nameOf(s spot) string {
	if s.asset >= 0 {
		return w.snap.Asset(s.asset).ID
	}
	return s.points[0].String()
}

// offends reports whether a pair is part of an offence.
func (w *World) offends(p pairOfSpots, o offence) bool {
	in := func(list []spot, s spot) bool {
		return slices.ContainsFunc(list, func(x spot) bool {
			return x.asset >= 0 && x.asset == s.asset || x.asset < 0 && s.asset < 0 && x.points[0].inet && s.points[0].host.IsValid()
		})
	}
	return in(o.source, p.from) && in(o.target, p.to)
}

// beside leaves out of what is closed what was meant to be.
func (w *World) beside(closed []Opening, o offence) []Opening {
	ids := func(list []spot) map[string]bool {
		out := map[string]bool{}
		for _, s := range list {
			if s.asset >= 0 {
				out[w.snap.Asset(s.asset).ID] = true
			} else {
				out[Internet] = true
			}
		}
		return out
	}
	from, to := ids(o.source), ids(o.target)
	return orEmpty(slices.DeleteFunc(closed, func(c Opening) bool { return from[c.From] && to[c.To] }))
}

// policiesAgainst writes, for the pods that are reached, a policy that lets in
// everybody who reaches them now but for those that must not, and names the policies
// that would let those in all the same.
func (w *World) policiesAgainst(left []pair, seen *Observed) (out []Policy, deletes []string) {
	type target struct {
		place podPlace
		bad   []point
	}
	targets := map[string]*target{}
	for _, p := range left {
		if p.to.pod == (podPlace{}) {
			continue
		}
		pod := w.clusters[p.to.pod.cluster].pods[p.to.pod.id]
		key := fmt.Sprint(p.to.pod.cluster, " ", pod.Namespace, " ", selectable(pod.Labels))
		if targets[key] == nil {
			targets[key] = &target{place: p.to.pod}
		}
		targets[key].bad = append(targets[key].bad, p.from)
	}
	for _, key := range sortedKeys(targets) {
		t := targets[key]
		c := w.clusters[t.place.cluster]
		pod := c.pods[t.place.id]
		ns, labels := pod.Namespace, selectable(pod.Labels)
		banned := map[string]bool{} // namespaces
		for _, b := range t.bad {
			if b.pod.cluster == c.name {
				banned[c.pods[b.pod.id].Namespace] = true
			}
			l := w.link(b, point{pod: t.place})
			for _, why := range l.Path {
				for _, name := range c.networkPolicies(ns) {
					if strings.Contains(why.Rule, "NetworkPolicy "+ns+"/"+name+" ") {
						deletes = append(deletes, "k8s://"+c.name+"/"+ns+"/NetworkPolicy/"+name)
					}
				}
			}
		}
		var from []any
		var open []string
		used := seen.callers(w, c, t.place)
		for _, name := range c.namespaces() {
			if !banned[name] && (used == nil || used[name]) {
				open = append(open, name)
			}
		}
		if len(open) > 0 {
			from = append(from, map[string]any{"namespaceSelector": map[string]any{"matchExpressions": []any{map[string]any{"key": "kubernetes.io/metadata.name", "operator": "In", "values": anys(open)}}}})
		}
		name := "sevenfold-" + dns(firstOf(labels["app"], labels["app.kubernetes.io/name"], strings.ReplaceAll(pod.Name, "/", "-")))
		selector := map[string]any{}
		if len(labels) > 0 {
			match := map[string]any{}
			for k, v := range labels {
				match[k] = v
			}
			selector["matchLabels"] = match
		}
		rule := map[string]any{"from": from}
		spec := map[string]any{"podSelector": selector, "policyTypes": []any{"Ingress"}, "ingress": []any{rule}}
		if len(from) == 0 {
			spec["ingress"] = []any{}
		}
		object := map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": map[string]any{"name": name, "namespace": ns}, "spec": spec}
		text, err := yaml.Marshal(object)
		if err != nil {
			continue // maps of strings always encode
		}
		out = append(out, Policy{Cluster: c.name, Namespace: ns, Name: name, YAML: string(text), object: object})
	}
	return out, unique(deletes)
}

// selectable are the labels that tell a workload's pods, without those that change
// with each rollout.
func selectable(labels map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range labels {
		switch k {
		case "pod-template-hash", "controller-revision-hash", "pod-template-generation", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "batch.kubernetes.io/controller-uid", "controller-uid":
		default:
			out[k] = v
		}
	}
	return out
}

func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// dns makes a name that Kubernetes takes (RFC 1123).
func dns(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	return strings.Trim(s[:min(len(s), 50)], "-")
}

// namespaces are those with pods, and those that were read.
func (c *cluster) namespaces() []string {
	seen := map[string]bool{}
	for _, p := range c.pods {
		seen[p.Namespace] = true
	}
	for _, n := range c.spaces {
		seen[n] = true
	}
	return sortedKeys(seen)
}

// networkPolicies are the names of the NetworkPolicies of a namespace.
func (c *cluster) networkPolicies(namespace string) []string { return c.policies[namespace] }

func deleteCommand(id string) string {
	parts := strings.Split(strings.TrimPrefix(id, "k8s://"), "/")
	return fmt.Sprintf("kubectl delete networkpolicy --namespace %s %s", quoted(parts[1]), quoted(parts[3]))
}

// withPolicies is a copy of the network with policies written and deleted. Engines of
// clusters keep what they work out, so that they are made anew.
func (w *World) withPolicies(ctx context.Context, write []Policy, remove []string) (*World, error) {
	next, err := NewWorld(ctx, w.snap)
	if err != nil {
		return nil, err
	}
	next.model, next.amazon, next.table, next.inTable, next.breadth = w.model, w.amazon, w.table, w.inTable, w.breadth
	for _, id := range remove {
		parts := strings.Split(strings.TrimPrefix(id, "k8s://"), "/")
		if c := next.clusters[parts[0]]; c != nil && len(parts) == 4 {
			c.engine.Delete("NetworkPolicy " + parts[1] + "/" + parts[3])
		}
	}
	for _, p := range write {
		if err := next.clusters[p.Cluster].engine.Apply("recommended", p.object); err != nil {
			return nil, err
		}
	}
	next.forget()
	return next, nil
}

// callers are the namespaces from which a pod was seen to be called; nil where no
// flows were given, or they have holes: then whoever could stays.
func (o *Observed) callers(w *World, c *cluster, to podPlace) map[string]bool {
	if o == nil || len(o.Blind) > 0 || o.Last.Sub(o.First) < leastUse {
		return nil
	}
	out := map[string]bool{}
	owner := w.ownerOfPod(to)
	for _, k := range o.kept {
		if k.to.asset != owner {
			continue
		}
		for _, p := range k.from.points {
			if pod := c.pods[p.pod.id]; pod != nil && p.pod.cluster == c.name {
				out[pod.Namespace] = true
			}
		}
	}
	return out
}
