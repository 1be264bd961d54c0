package rbac

import (
	"cmp"
	"container/heap"
	"slices"
)

// Step is one step of a way.
type Step struct {
	From      Ref      `json:"from"`
	To        Ref      `json:"to"`
	Technique string   `json:"technique"`
	Decision  Decision `json:"decision"`
	// Actions are the requests made, "k8s:VERB:GROUP/RESOURCE[/SUB]".
	Actions []string `json:"actions"`
	// Because names the rules that allow them, or what of the cluster opens the
	// way.
	Because []Reason `json:"because"`
	// Why says what the step hangs on if it is not certain.
	Why []string `json:"why,omitempty"`
}

// Escalation is a way by which somebody can become more than he is.
type Escalation struct {
	Principal Ref `json:"principal"`
	// Target is what he comes to: Administrator, NamespaceAdministrator, a node
	// (without a name: some node), a cloud's identity, a user, group or service
	// account with rights of its own.
	Target Ref `json:"target"`
	// Technique is that of the first step, which is what the principal must lose.
	Technique string `json:"technique"`
	// Decision is that of the weakest step.
	Decision Decision `json:"decision"`
	Path     []Step   `json:"path"`
	// Why says what the way hangs on if it is not certain.
	Why []string `json:"why,omitempty"`
}

// Options of a search for ways.
type Options struct {
	// From limits whose ways are looked for; empty: everybody whom bindings name
	// and everybody from outside, but the cluster's own parts.
	From []Ref
	// Pods asks for the ways of every pod as well, as those of who has broken into
	// it.
	Pods bool
	// Bootstrap includes whom only the bindings name that every cluster begins
	// with.
	Bootstrap bool
	// Targets limits the kinds of targets; empty: all.
	Targets []string
}

// Escalations lists the ways by which those who are no administrators can become
// more: one shortest way, the most certain first, for each principal, target and
// first technique. Ways are followed over any number of identities.
func (w *World) Escalations(o Options) []Escalation {
	from := o.From
	if len(from) == 0 {
		from = w.Starts(o)
	}
	var out []Escalation
	for _, start := range from {
		out = append(out, w.ways.search(start, &o)...)
	}
	return out
}

// Starts lists whose ways Escalations looks for if Options name nobody.
func (w *World) Starts(o Options) []Ref {
	var out []Ref
	for _, s := range w.subjects {
		own := o.Bootstrap
		for _, g := range w.holders[s] {
			own = own || !g.binding.Bootstrap
		}
		if own {
			out = append(out, s)
		}
	}
	for i := range w.principals {
		out = append(out, Ref{Kind: KindCloud, Name: w.principals[i].ID})
	}
	if o.Pods {
		for _, p := range w.pods {
			if p.Kind == KindPod {
				out = append(out, p.Ref)
			}
		}
	}
	return out
}

// rank orders ways: certain ones first, then conditional, then unknown ones.
func rank(d Decision) int {
	switch d {
	case Allow:
		return 0
	case Conditional:
		return 1
	}
	return 2
}

// leg is how a vertex was come to.
type leg struct {
	vertex
	move  *move
	from  *leg
	rank  int
	depth int
	order int
}

type legs []*leg

func (h legs) Len() int { return len(h) }
func (h legs) Less(i, k int) bool {
	return cmp.Or(cmp.Compare(h[i].rank, h[k].rank), cmp.Compare(h[i].depth, h[k].depth), cmp.Compare(h[i].order, h[k].order)) < 0
}
func (h legs) Swap(i, k int) { h[i], h[k] = h[k], h[i] }

// Push implements heap.Interface.
func (h *legs) Push(x any) { *h = append(*h, x.(*leg)) }

// Pop implements heap.Interface.
func (h *legs) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// search finds the ways of one principal.
func (x *ways) search(start Ref, o *Options) []Escalation {
	v := vertex{Ref: start}
	first := x.spread(v)
	if start.Kind != KindPod {
		r := x.rightsOf(v, nil)
		if _, ok := r.administrator(); ok {
			return nil
		}
		first = slices.Concat(x.moves(v, r), first)
	}
	var techniques []string
	for i := range first {
		if !slices.Contains(techniques, first[i].technique) {
			techniques = append(techniques, first[i].technique)
		}
	}
	slices.Sort(techniques)
	var out []Escalation
	for _, t := range techniques {
		out = append(out, x.follow(v, t, first, o)...)
	}
	return out
}

// follow finds the ways that begin with one technique.
func (x *ways) follow(start vertex, technique string, first []move, o *Options) []Escalation {
	root := &leg{vertex: start}
	done := map[vertex]*leg{start: root}
	queue := &legs{}
	order := 0
	push := func(from *leg, list []move) {
		for i := range list {
			m := &list[i]
			if done[m.to] != nil {
				continue
			}
			order++
			heap.Push(queue, &leg{vertex: m.to, move: m, from: from, rank: max(from.rank, rank(m.decision)), depth: from.depth + 1, order: order})
		}
	}
	var begin []move
	for i := range first {
		if first[i].technique == technique {
			begin = append(begin, first[i])
		}
	}
	push(root, begin)
	var gained []*grant
	troupe := newTroupe(x)
	troupe.add(start)
	var out []Escalation
	told := map[Ref]bool{start.Ref: true}
	for queue.Len() > 0 {
		l := heap.Pop(queue).(*leg)
		if done[l.vertex] != nil {
			continue
		}
		done[l.vertex] = l
		if !told[l.Ref] && x.target(l, o) {
			told[l.Ref] = true
			out = append(out, x.escalation(root, l, technique))
		}
		if l.Kind == KindAdministrator && l.rank == 0 {
			*queue = nil // whatever else there is follows from this
		}
		push(l, x.spread(l.vertex))
		switch l.Kind {
		case kindBound:
			// What one binds, one can bind to everybody in whose name one acts.
			if within(gained, l.move.gain) {
				continue
			}
			gained = append(gained, l.move.gain)
			for _, a := range troupe.near(l.move.gain) {
				push(l, x.moves(a, x.rightsOf(a, near(gained, l.move.gain))))
			}
		case KindUser, KindGroup, KindAccount, KindCloud:
			if !x.beyond(l) {
				push(l, x.known(l.vertex))
				if troupe.add(l.vertex) && len(gained) > 0 {
					push(l, x.moves(l.vertex, x.rightsOf(l.vertex, troupe.with(gained))))
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Escalation) int {
		return cmp.Or(cmp.Compare(rank(a.Decision), rank(b.Decision)), cmp.Compare(len(a.Path), len(b.Path)), a.Target.compare(b.Target))
	})
	return out
}

// within reports whether a grant adds nothing to others.
func within(have []*grant, g *grant) bool {
	return slices.ContainsFunc(have, func(h *grant) bool {
		return (h.role == g.role || h.role.index.admin >= 0) && (h.namespace == g.namespace && h.every == g.every || h.every && g.namespace != "")
	})
}

// known lists the moves of somebody, remembered.
func (x *ways) known(v vertex) []move {
	key := vertex{Ref{Kind: "moves of " + v.Kind, Namespace: v.Namespace, Name: v.Name}, v.spoken}
	if list, ok := x.recall(key); ok {
		return list
	}
	list := x.moves(v, x.rightsOf(v, nil))
	x.remember(key, list)
	return list
}

// target reports whether a way to a vertex is worth telling. What follows from
// being administrator is not, but for what lies outside of the cluster.
func (x *ways) target(l *leg, o *Options) bool {
	if len(o.Targets) > 0 && !slices.Contains(o.Targets, l.Kind) {
		return false
	}
	if l.Kind == KindCloud {
		return true
	}
	if x.beyond(l) {
		return false
	}
	switch l.Kind {
	case KindAdministrator, KindNamespaceAdmin, KindNode:
		return true
	case KindUser, KindGroup, KindAccount:
		return len(x.w.holders[l.Ref]) > 0 || len(x.w.links[l.Ref]) > 0 && !l.spoken
	}
	return false
}

// beyond reports whether a way leads over being administrator.
func (x *ways) beyond(l *leg) bool {
	for at := l.from; at != nil; at = at.from {
		if at.Kind == KindAdministrator {
			return true
		}
	}
	return false
}

// escalation tells a way.
func (x *ways) escalation(root, l *leg, technique string) Escalation {
	e := Escalation{Principal: root.Ref, Target: l.Ref, Technique: technique, Decision: Allow}
	var list []*leg
	for at := l; at.from != nil; at = at.from {
		list = append(list, at)
	}
	slices.Reverse(list)
	from := root.Ref
	var pending *Step // a step into a set, which ends at the member gone on to
	for _, at := range list {
		m := at.move
		if e.Decision = weaker(e.Decision, m.decision); m.decision != Allow {
			e.Why = append(e.Why, m.why...)
		}
		s := Step{From: from, To: at.Ref, Technique: m.technique, Decision: m.decision, Actions: m.actions, Because: m.because, Why: m.why}
		if pending != nil {
			s.From = pending.From
			if m.via != nil {
				pending.To = *m.via
				e.Path = append(e.Path, *pending)
				s.From = *m.via
			} else {
				s.Technique, s.Actions, s.Because = pending.Technique, slices.Concat(pending.Actions, m.actions), slices.Concat(pending.Because, m.because)
				s.Decision, s.Why = weaker(pending.Decision, m.decision), slices.Concat(pending.Why, m.why)
			}
			pending = nil
		}
		if at.isSet() {
			pending = &s
			continue
		}
		e.Path = append(e.Path, s)
		from = at.Ref
	}
	e.Why = slices.Compact(e.Why)
	return e
}

func weaker(a, b Decision) Decision {
	if rank(a) >= rank(b) {
		return a
	}
	return b
}

// Edge is a way that is there whoever goes it: a pod acts as its account, breaks
// out to its node, an account acts as a role of a cloud.
type Edge struct{ Step }

// Edges lists what pods and service accounts lead to by themselves, in order.
func (w *World) Edges() []Edge {
	var out []Edge
	for _, p := range w.pods {
		for _, e := range p.Escapes {
			out = append(out, Edge{Step{From: p.Ref, To: Ref{Kind: KindNode, Name: p.Node}, Technique: e.Technique, Decision: e.Decision, Because: []Reason{{Rule: -1, Text: e.Why}}}})
		}
		for _, m := range w.ways.inside(vertex{Ref: p.Ref}, []*Pod{p}) {
			if m.to.Kind == KindNode && m.technique != "log-symlink" {
				continue // told above, every way on its own
			}
			out = append(out, Edge{Step{From: p.Ref, To: m.to.Ref, Technique: m.technique, Decision: m.decision, Actions: m.actions, Because: m.because, Why: m.why}})
		}
		for _, a := range p.Shared {
			for _, b := range p.Shared {
				if a != b {
					out = append(out, Edge{Step{From: Ref{"Container", p.Namespace, p.Name + "/" + a}, To: Ref{"Container", p.Namespace, p.Name + "/" + b},
						Technique: "shared-process-namespace", Decision: Allow, Because: []Reason{{Rule: -1, Text: "the pod's containers share a process namespace"}}}})
				}
			}
		}
	}
	accounts := make([]Ref, 0, len(w.links))
	for a := range w.links {
		accounts = append(accounts, a)
	}
	slices.SortFunc(accounts, Ref.compare)
	for _, a := range accounts {
		for _, m := range w.ways.outside(vertex{Ref: a}) {
			out = append(out, Edge{Step{From: a, To: m.to.Ref, Technique: m.technique, Decision: m.decision, Because: m.because, Why: m.why}})
		}
	}
	return out
}
