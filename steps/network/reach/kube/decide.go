package kube

import (
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// open works out what a group is open to: for each piece of the port space,
// which peers it certainly admits and which it may admit.
//
// The walk keeps sets of peers: those still undecided (rest), and those for
// which each end is possible (allowed, denied). A rule that surely matches
// takes its peers out of the rest; one that may match leaves them there too.
// So each set holds what is possible, and an answer is sure where only one end
// is.
func (e *Engine) open(g *group) []row {
	if g.rows != nil {
		return g.rows
	}
	var sets []reach.Ports
	rules := make([][]compiledRule, len(g.policies))
	for i, p := range g.policies {
		rules[i] = p.rules(g.direction)
		if g.direction == ingress && p.hasNames() {
			rules[i] = settled(rules[i], g.sample)
		}
		for _, r := range rules[i] {
			for _, c := range r.cells {
				sets = append(sets, c.ports)
			}
		}
	}
	var rows []row
	w := walk{rest: reach.NewBits(len(e.classes)), next: reach.NewBits(len(e.classes)), mine: reach.NewBits(len(e.classes)), passed: reach.NewBits(len(e.classes))}
	for _, atom := range reach.Transport.Atoms(sets...) {
		must, may := e.full, e.full
		for ch := range chain(chainCount) {
			if !g.has(ch) {
				continue
			}
			allowed, denied := w.run(e, g, rules, atom, ch)
			sure := allowed.Clone()
			sure.Drop(denied)
			sure.Keep(must)
			allowed.Keep(may)
			must, may = sure, allowed
		}
		rows = add(rows, row{atom, must, may})
	}
	g.rows = rows
	return rows
}

// has says whether a policy of a chain selects the group.
func (g *group) has(ch chain) bool {
	for _, p := range g.policies {
		if p.chain == ch {
			return true
		}
	}
	return false
}

// add puts a row to those that admit the same peers.
func add(rows []row, r row) []row {
	for i := range rows {
		if same(rows[i].must, r.must) && same(rows[i].may, r.may) {
			rows[i].ports = rows[i].ports.Union(r.ports)
			return rows
		}
	}
	if same(r.must, r.may) {
		r.must = r.may
	}
	return append(rows, r)
}

// settled resolves names of ports in the pods a policy selects.
func settled(rules []compiledRule, sample *class) []compiledRule {
	out := make([]compiledRule, len(rules))
	for i, r := range rules {
		out[i] = r
		for _, q := range r.named {
			if ports, sure := sample.resolve(q); !ports.IsEmpty() {
				out[i].cells = append(out[i].cells[:len(out[i].cells):len(out[i].cells)], cell{r.peers, ports, sure})
			}
		}
	}
	return out
}

// walk is the sets of a walk through the tiers, kept to be used again.
type walk struct{ rest, next, mine, passed reach.Bits }

// run walks one chain of policies for one piece of the port space.
func (w *walk) run(e *Engine, g *group, rules [][]compiledRule, atom reach.Ports, ch chain) (allowed, denied reach.Bits) {
	allowed, denied = reach.NewBits(len(e.classes)), reach.NewBits(len(e.classes))
	copy(w.rest, e.full)
	for i := 0; i < len(g.policies); {
		if g.policies[i].chain != ch {
			i++
			continue
		}
		tier := g.policies[i].tier
		isolates := reach.No
		clear(w.passed)
		for i < len(g.policies) && g.policies[i].tier == tier {
			// Policies without an order among them each see what came before
			// all of them.
			first := g.policies[i]
			copy(w.next, w.rest)
			for i < len(g.policies) && g.policies[i].tier == tier && g.policies[i].order == first.order && g.policies[i].tie == first.tie {
				p := g.policies[i]
				w.policy(p.sure, rules[i], atom, allowed, denied)
				w.next.Keep(w.mine)
				s := p.side(g.direction)
				if p.sure {
					isolates = isolates.Or(s.isolates)
				} else {
					isolates = isolates.Or(s.isolates.And(reach.Unknown))
				}
				i++
			}
			copy(w.rest, w.next)
		}
		if isolates != reach.No {
			denied.Add(w.rest)
			if isolates == reach.Yes {
				clear(w.rest)
			}
		}
		w.rest.Add(w.passed)
	}
	allowed.Add(w.rest)
	return allowed, denied
}

// policy walks the rules of one policy from w.rest and leaves in w.mine what
// none of them surely took.
func (w *walk) policy(sure bool, rules []compiledRule, atom reach.Ports, allowed, denied reach.Bits) {
	copy(w.mine, w.rest)
	for i := range rules {
		target := allowed
		switch rules[i].action {
		case deny:
			target = denied
		case pass:
			target = w.passed
		}
		for _, c := range rules[i].cells {
			if !c.ports.Covers(atom) {
				continue
			}
			target.AddBoth(w.mine, c.may)
		}
		for _, c := range rules[i].cells {
			if c.sure && c.ports.Covers(atom) {
				w.mine.Drop(c.must)
			}
		}
	}
	if !sure {
		// Had the policy not selected the pod, none of this happened.
		copy(w.mine, w.rest)
	}
}
