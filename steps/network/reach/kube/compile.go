package kube

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// span is a set of classes that may not be known exactly: what certainly is in
// it, and what may be.
type span struct{ must, may reach.Bits }

// compiled is a policy over classes.
type compiled struct {
	*policy
	subjects span
	in, out  []compiledRule
}

// compiledRule is a rule over classes: it matches a cell's classes on the
// cell's ports. Names of ports that the subject resolves are left.
type compiledRule struct {
	*rule
	peers span
	cells []cell // ports known
	named []portMatch
}

type cell struct {
	span
	ports reach.Ports
	sure  bool // false: the ports are those a name may stand for
}

func (e *Engine) compile(p *policy) *compiled {
	c := &compiled{policy: p, subjects: e.span(&p.subject)}
	// A policy selects pods only.
	c.subjects = span{c.subjects.must.Clone(), c.subjects.may.Clone()}
	c.subjects.must.Keep(e.allPods)
	c.subjects.may.Keep(e.allPods)
	if p.in != nil {
		for i := range p.in.rules {
			c.in = append(c.in, e.compileRule(&p.in.rules[i], false))
		}
	}
	if p.out != nil {
		for i := range p.out.rules {
			c.out = append(c.out, e.compileRule(&p.out.rules[i], true))
		}
	}
	return c
}

func (e *Engine) compileRule(r *rule, egress bool) compiledRule {
	out := compiledRule{rule: r}
	if len(r.peers) == 1 && r.sets == nil {
		out.peers = e.span(&r.peers[0])
	} else {
		out.peers = span{reach.NewBits(len(e.classes)), reach.NewBits(len(e.classes))}
		for i := range len(r.peers) + len(r.sets) {
			s := e.span(r.peer(i))
			out.peers.must.Add(s.must)
			out.peers.may.Add(s.may)
		}
	}
	if r.maybe != "" {
		out.peers.must = e.none
	}
	var fixed reach.Ports
	for _, q := range r.ports {
		switch {
		case q.named == "":
			fixed = fixed.Union(q.ports)
		case egress:
			out.cells = append(out.cells, e.resolve(q, out.peers)...)
		default:
			out.named = append(out.named, q)
		}
	}
	if !fixed.IsEmpty() {
		out.cells = append(out.cells, cell{out.peers, fixed, true})
	}
	return out
}

// resolve splits peers by the number that a port's name stands for in each.
func (e *Engine) resolve(q portMatch, peers span) []cell {
	key := fmt.Sprintf("%d %s", q.protocol, q.named)
	all, ok := e.names[key]
	if !ok {
		all = e.resolveAll(q)
		e.names[key] = all
	}
	var out []cell
	for _, c := range all {
		if !c.may.Meets(peers.may) {
			continue
		}
		s := span{c.may.Clone(), nil}
		s.must.Keep(peers.must)
		if s.may = s.must; !sameSlice(peers.must, peers.may) {
			s.may = c.may.Clone()
			s.may.Keep(peers.may)
		}
		out = append(out, cell{s, c.ports, c.sure})
	}
	return out
}

// resolveAll splits all classes so.
func (e *Engine) resolveAll(q portMatch) []cell {
	var out []cell
	at := map[string]int{}
	for i, c := range e.classes[:e.podClasses] {
		ports, sure := c.resolve(q)
		if ports.IsEmpty() {
			continue
		}
		key := fmt.Sprint(ports, sure)
		j, ok := at[key]
		if !ok {
			j = len(out)
			at[key] = j
			b := reach.NewBits(len(e.classes))
			out = append(out, cell{span{b, b}, ports, sure})
		}
		out[j].may.Set(i)
	}
	return out
}

// resolve is the ports a name stands for in a class; sure is false if two
// containers claim it.
func (c *class) resolve(q portMatch) (ports reach.Ports, sure bool) {
	n := 0
	for _, p := range c.ports {
		if p.Name != q.named || q.protocol != 0 && q.protocol != p.Protocol {
			continue
		}
		if one := reach.Port(p.Protocol, p.Port); !ports.Covers(one) {
			ports = ports.Union(one)
			n++
		}
	}
	return ports, n <= 1
}

// span is the classes a peer matches. Equal conditions share their sets, which
// must not be changed.
func (e *Engine) span(p *peer) span {
	s := e.rawSpan(p)
	if p.maybe != "" {
		s.must = e.none
	}
	return s
}

func (e *Engine) rawSpan(p *peer) span {
	if p.all {
		return span{e.full, e.full}
	}
	key := p.key()
	if s, ok := e.spans[key]; ok {
		return s
	}
	if p.global {
		return span{e.none, e.none}
	}
	s := span{e.full.Clone(), e.full.Clone()}
	keep := func(t span) {
		s.must.Keep(t.must)
		s.may.Keep(t.may)
	}
	if p.namespace != "" || p.nsSel != nil || p.podSel != nil || p.accounts != nil || p.inMesh {
		keep(e.podKinds(p.hostPods))
	}
	if p.namespace != "" {
		keep(e.inNamespace(p.namespace))
	}
	if p.nsSel != nil {
		keep(e.inNamespaces(p.nsSel))
	}
	if p.podSel != nil {
		for _, r := range p.podSel.reqs {
			b := e.withLabel(r)
			keep(span{b, b})
		}
		if p.podSel.also != nil {
			keep(e.where(func(c *class) reach.Answer {
				return reach.Is(c.namespace != nil && p.podSel.also.holds(c.labels, c.namespace.name))
			}))
		}
	}
	if p.accounts != nil {
		keep(e.where(func(c *class) reach.Answer { return reach.Is(contains(p.accounts, c.account)) }))
	}
	if p.inMesh {
		keep(e.where(func(c *class) reach.Answer { return c.mesh }))
	}
	if p.further {
		keep(e.where(func(c *class) reach.Answer { return reach.Is(c.further || c.kind == outside) }))
	}
	if p.nodeSel != nil {
		keep(e.where(func(c *class) reach.Answer { return e.onNode(c, p.nodeSel) }))
	}
	if p.addrs != nil {
		within := e.within(p.addrs)
		keep(e.where(func(c *class) reach.Answer { return e.inAddrs(c, p, within) }))
	}
	if same(s.must, s.may) {
		s.must = s.may
	}
	e.spans[key] = s
	return s
}

func contains(list []string, s string) bool {
	for _, t := range list {
		if s == t {
			return true
		}
	}
	return false
}

func same(a, b reach.Bits) bool {
	for i, w := range a {
		if b[i] != w {
			return false
		}
	}
	return true
}

// key tells apart peers that may match differently.
func (p *peer) key() string {
	text := func(s *selector) string {
		if s == nil {
			return "-"
		}
		return s.text
	}
	addrs := "-"
	if p.addrs != nil {
		addrs = p.addrs.String()
	}
	return fmt.Sprintf("%v|%s|%s|%s|%q|%s|%s|%d|%v|%v|%v", p.further, p.namespace, text(p.nsSel), text(p.podSel), p.accounts, text(p.nodeSel), addrs, p.hostPods, p.blocksMatch, p.inMesh, p.outside)
}

// where asks every class.
func (e *Engine) where(ask func(*class) reach.Answer) span {
	s := span{reach.NewBits(len(e.classes)), reach.NewBits(len(e.classes))}
	for i, c := range e.classes {
		switch ask(c) {
		case reach.Yes:
			s.must.Set(i)
			s.may.Set(i)
		case reach.Unknown:
			s.may.Set(i)
		}
	}
	return s
}

// podKinds is all pods; those on their node's network as hosts says.
func (e *Engine) podKinds(hosts reach.Answer) span {
	key := fmt.Sprint("kinds ", hosts)
	s, ok := e.spans[key]
	if !ok {
		s = e.where(func(c *class) reach.Answer {
			switch c.kind {
			case podClass:
				return reach.Yes
			case hostClass:
				return hosts
			}
			return reach.No
		})
		e.spans[key] = s
	}
	return s
}

func (e *Engine) inNamespace(name string) span {
	key := "ns " + name
	s, ok := e.spans[key]
	if !ok {
		b := reach.NewBits(len(e.classes))
		for _, i := range e.byNamespace[name] {
			b.Set(i)
		}
		s = span{b, b}
		e.spans[key] = s
	}
	return s
}

func (e *Engine) inNamespaces(sel *selector) span {
	key := "sel " + sel.text
	s, ok := e.spans[key]
	if ok {
		return s
	}
	s = span{reach.NewBits(len(e.classes)), reach.NewBits(len(e.classes))}
	for name, members := range e.byNamespace {
		n := e.cluster.namespaces[name]
		answer := sel.matches(n.labels, n.known)
		for _, i := range members {
			if answer == reach.Yes {
				s.must.Set(i)
			}
			if answer != reach.No {
				s.may.Set(i)
			}
		}
	}
	e.spans[key] = s
	return s
}

// withLabel is the classes of pods that satisfy a requirement.
func (e *Engine) withLabel(r requirement) reach.Bits {
	key := fmt.Sprintf("label %s %s %q", r.key, r.op, r.values)
	if s, ok := e.spans[key]; ok {
		return s.must
	}
	b := reach.NewBits(len(e.classes))
	values := e.byLabel[r.key]
	if r.op == "In" || r.op == "NotIn" {
		for _, v := range r.values {
			for _, i := range values[v] {
				b.Set(i)
			}
		}
	} else {
		for _, members := range values {
			for _, i := range members {
				b.Set(i)
			}
		}
	}
	if r.op == "NotIn" || r.op == "DoesNotExist" {
		rest := e.allPods.Clone()
		rest.Drop(b)
		b = rest
	}
	e.spans[key] = span{b, b}
	return b
}

// onNode says whether a class is nodes that a selector selects; a pod on its
// node's network is seen as the node.
func (e *Engine) onNode(c *class, sel *selector) reach.Answer {
	switch c.kind {
	case nodeClass:
		return sel.matches(c.labels, true)
	case hostClass:
		if n := e.cluster.nodes[c.node]; n != nil {
			return sel.matches(n.labels, true)
		}
		return reach.Unknown
	case outside:
		// A node that was not read may have any address.
		return reach.Is(false)
	}
	return reach.No
}

// within is the cells that lie in a set of addresses, each of which lies there
// whole or not at all.
func (e *Engine) within(addrs *reach.Addrs) reach.Bits {
	out := reach.NewBits(len(e.edges))
	for _, r := range addrs.Ranges() {
		last := e.edges.cell(r.To)
		for i := e.edges.cell(r.From); i <= last; i++ {
			out.Set(i)
		}
	}
	return out
}

// inAddrs says whether a class's addresses are among a peer's, within which
// are these cells.
func (e *Engine) inAddrs(c *class, p *peer, within reach.Bits) reach.Answer {
	matter := reach.Yes
	if p.outside && c.kind != outside {
		return reach.No
	}
	if c.kind == podClass && !p.blocksMatch {
		if matter = e.cluster.BlocksMatchPods; matter == reach.No {
			return reach.No
		}
	}
	if c.kind != outside && c.kind != podClass && !p.blocksMatch && e.cluster.BlocksMatchPods == reach.No {
		matter = reach.Unknown // an option of Cilium's
	}
	if len(c.cells) == 0 {
		possible := reach.AllIP
		if c.kind == podClass && !e.cluster.PodAddrs.IsEmpty() {
			possible = e.cluster.PodAddrs
		}
		switch {
		case p.addrs.Covers(possible):
			return matter
		case !p.addrs.Overlaps(possible):
			return reach.No
		}
		return reach.Unknown
	}
	in := 0
	for _, i := range c.cells {
		if within.Has(i) {
			in++
		}
	}
	switch in {
	case 0:
		return reach.No
	case len(c.cells):
		return matter
	}
	return reach.Unknown // by one of its addresses it is, by another it is not
}
