package kube

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// explain says what decided a pair, for the first of the ports for which the
// answer is the one told.
func (e *Engine) explain(s, t point, ports reach.Ports, answer reach.Answer) []Because {
	if e.brief {
		return nil
	}
	if near := neighbours(s, t); near == reach.Yes && !s.masked {
		return []Because{{Effect: "a pod always reaches itself, and its node reaches it"}}
	} else if near == reach.Unknown && answer == reach.Unknown {
		return []Because{{Effect: "may be on one node", Reason: "which node the pod runs on is not known, and a node always reaches its pods"}}
	}
	yes, may := e.pair(s, t)
	of := map[reach.Answer]reach.Ports{reach.Yes: yes, reach.Unknown: may.Minus(yes), reach.No: ports.Minus(may)}[answer]
	proto, port, ok := of.Intersect(ports).First()
	if !ok {
		return nil
	}
	one := reach.Port(proto, port)
	out := e.trace(egress, s.class, t.class, one)
	in := e.trace(ingress, t.class, s.class, one)
	switch answer {
	case reach.No: // the side that blocks is enough
		if out.end == reach.No {
			return out.because
		}
		if in.end == reach.No {
			return in.because
		}
	case reach.Unknown:
		if out.end == reach.Yes {
			return in.because
		}
		if in.end == reach.Yes {
			return out.because
		}
	}
	return append(out.because, in.because...)
}

// traced is how one side decided one port.
type traced struct {
	end     reach.Answer
	because []Because
}

// trace walks a group's policies for one peer and one port as open does for
// all, and notes what it meets on the way.
func (e *Engine) trace(direction, subject, other int, port reach.Ports) traced {
	word := [...]string{"egress", "ingress"}[direction]
	index := e.sides[direction].groupOf[subject]
	if index < 0 {
		return traced{end: reach.Yes}
	}
	g := e.sides[direction].groups[index]
	out := traced{end: reach.Yes}
	for ch := range chain(chainCount) {
		if !g.has(ch) {
			continue
		}
		t := e.traceChain(g, other, port, ch, word)
		if t.end == reach.No {
			return t
		}
		if t.end == reach.Unknown && out.end == reach.Yes {
			out = t
			continue
		}
		if t.end == out.end {
			out.because = append(out.because, t.because...)
		}
	}
	if len(g.policies) == 0 {
		out.because = []Because{{Direction: word, Effect: "no policy selects the pod"}}
	}
	return out
}

func (e *Engine) traceChain(g *group, other int, port reach.Ports, ch chain, word string) traced {
	var allowed, denied bool
	var because []Because
	note := func(p selected, r *compiledRule, effect string, sure bool) {
		b := Because{Direction: word, Policy: p.id, Effect: effect}
		if r != nil {
			b.Rule = r.name
		}
		if !sure {
			b.Reason = e.doubt(p, r, other)
		}
		because = append(because, b)
	}
	for i := 0; i < len(g.policies); {
		if g.policies[i].chain != ch {
			i++
			continue
		}
		tier := g.policies[i].tier
		isolates, passed, decided := reach.No, false, false
		var isolating []selected
		for i < len(g.policies) && g.policies[i].tier == tier && !decided {
			first := g.policies[i]
			for i < len(g.policies) && g.policies[i].tier == tier && g.policies[i].order == first.order && g.policies[i].tie == first.tie {
				p := g.policies[i]
				i++
				if s := p.side(g.direction).isolates; s != reach.No {
					isolating = append(isolating, p)
					if !p.sure {
						s = reach.Unknown
					}
					isolates = isolates.Or(s)
				}
				rules := p.rules(g.direction)
				if g.direction == ingress {
					rules = settled(rules, g.sample)
				}
				for j := range rules {
					match := e.match(&rules[j], other, port)
					if match == reach.No {
						continue
					}
					sure := match == reach.Yes && p.sure
					note(p, &rules[j], [...]string{"allows", "denies", "passes"}[rules[j].action], sure)
					switch rules[j].action {
					case allow:
						allowed = true
					case deny:
						denied = true
					case pass:
						passed = true
					}
					if match == reach.Yes { // later rules of the policy are not asked
						decided = decided || sure
						break
					}
				}
			}
		}
		for i < len(g.policies) && g.policies[i].tier == tier {
			i++
		}
		switch {
		case decided && !passed:
			return closed(allowed, denied, because)
		case !decided && isolates != reach.No:
			denied = true
			for _, p := range isolating {
				note(p, nil, "isolates the pod, and no rule allows this", p.sure && p.side(g.direction).isolates == reach.Yes)
			}
			if isolates == reach.Yes && !passed {
				return closed(allowed, denied, because)
			}
		}
	}
	if len(because) == 0 {
		because = []Because{{Direction: word, Effect: "no rule matches, and nothing isolates the pod"}}
	}
	return closed(true, denied, because)
}

func closed(allowed, denied bool, because []Because) traced {
	switch {
	case allowed && denied:
		return traced{reach.Unknown, because}
	case denied:
		return traced{reach.No, because}
	}
	return traced{reach.Yes, because}
}

// match says whether a rule matches a peer on a port.
func (e *Engine) match(r *compiledRule, other int, port reach.Ports) reach.Answer {
	answer := reach.No
	for _, c := range r.cells {
		if !c.ports.Covers(port) || !c.may.Has(other) {
			continue
		}
		if c.sure && c.must.Has(other) {
			return reach.Yes
		}
		answer = reach.Unknown
	}
	return answer
}

// doubt is why it is not known whether a policy, or a rule of it, applies.
func (e *Engine) doubt(p selected, r *compiledRule, other int) string {
	switch {
	case p.subject.maybe != "":
		return p.subject.maybe
	case !p.sure:
		return "whether the policy selects the pod is not decided: " + unsettled(p.subject)
	case r == nil:
		return "whether the policy isolates the pod is not decided"
	case r.maybe != "":
		return r.maybe
	}
	for i := range len(r.rule.peers) + len(r.rule.sets) {
		q := r.rule.peer(i)
		if s := e.span(q); s.may.Has(other) && !s.must.Has(other) {
			if q.maybe != "" {
				return q.maybe
			}
			c := e.classes[other]
			switch {
			case c.kind == hostClass && q.addrs == nil:
				return "the pod is on its node's network, where Kubernetes leaves open whether selectors match it"
			case q.addrs != nil && len(c.cells) == 0:
				return fmt.Sprintf("the address is not known, so whether it lies in %s is not either", q.addrs)
			case q.addrs != nil:
				return fmt.Sprintf("only some of its addresses lie in %s, or address blocks may not match pods", q.addrs)
			case q.nsSel != nil:
				return "the labels of the namespace were not read"
			}
		}
	}
	return "two containers of the pod claim the name of the port"
}

func unsettled(p peer) string {
	if p.nsSel != nil {
		return "the labels of its namespace were not read, or it is on its node's network"
	}
	return "it is on its node's network, where Kubernetes leaves open whether policies apply"
}
