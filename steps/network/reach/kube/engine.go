package kube

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Engine answers questions about one cluster. It is not safe for use by
// several goroutines at a time: what it works out it keeps.
type Engine struct {
	cluster *Cluster
	brief   bool

	edges       edges
	asked       map[string]bool
	classes     []*class
	ofPod       map[*Pod]int
	ofNode      map[string]int
	podClasses  int // classes below are pods
	firstCell   int // classes from here are cells of addresses
	byNamespace map[string][]int
	byLabel     map[string]map[string][]int
	full, none  reach.Bits
	allPods     reach.Bits
	spans       map[string]span
	names       map[string][]cell // what the names of ports stand for, in all pods

	policies []*compiled // in the order they are walked
	sides    [2]*half    // egress, ingress

	// Worked out when first asked for; none of it hangs on policies.
	selected       map[*service][]point
	byIP           map[netip.Addr]*Pod
	sortedNodes    []string
	sortedServices []string
	allNodeIPs     reach.Addrs
	hostPorts      map[string][]*Pod // by node
	carried        map[*entry]carrier
	leading        map[*Pod][]*service // the services that lead to a pod
	byAddr         []located
	ofAddr         map[netip.Addr][]point // see addrPoints
	stretches      edges
	ours           map[netip.Addr]bool // see Stretch
}

// The two directions, by what they are seen from: the pod a policy selects.
const (
	egress = iota
	ingress
)

// half is all that is decided in one direction.
type half struct {
	groupOf []int // class -> group; -1 for what no policy selects by nature (nodes, addresses)
	groups  []*group
	index   map[string]*group // by the policies that select it
}

// group is classes selected by the same policies, which are therefore open to
// the same peers.
type group struct {
	direction int
	members   reach.Bits
	list      []int
	policies  []selected
	sample    *class // resolves names of ports, the same in all members
	rows      []row  // nil until asked for
}

type selected struct {
	*compiled
	sure bool
}

// row is what a group allows on some ports: the peers it certainly admits, and
// those it may admit.
type row struct {
	ports     reach.Ports
	must, may reach.Bits
}

// New compiles a cluster. Problems of the cluster stay with it and make answers
// Unknown where they matter.
func New(c *Cluster) *Engine {
	e := &Engine{cluster: c}
	e.build()
	return e
}

func (e *Engine) build() {
	policies := e.ordered()
	e.edges, e.asked = cut(policies), asked(policies)
	e.classify()
	e.selected, e.carried, e.leading, e.byIP = map[*service][]point{}, map[*entry]carrier{}, nil, nil
	e.byAddr, e.ofAddr, e.stretches, e.ours = nil, map[netip.Addr][]point{}, nil, nil
	e.sortedNodes, e.sortedServices, e.hostPorts, e.allNodeIPs = nil, nil, nil, reach.Addrs{}
	n := len(e.classes)
	e.full, e.none, e.allPods = reach.FullBits(n), reach.NewBits(n), reach.NewBits(n)
	e.spans, e.names = map[string]span{}, map[string][]cell{}
	e.byNamespace, e.byLabel = map[string][]int{}, map[string]map[string][]int{}
	for i, c := range e.classes[:e.podClasses] {
		e.allPods.Set(i)
		e.byNamespace[c.namespace.name] = append(e.byNamespace[c.namespace.name], i)
		for k, v := range c.labels {
			values := e.byLabel[k]
			if values == nil {
				values = map[string][]int{}
				e.byLabel[k] = values
			}
			values[v] = append(values[v], i)
		}
	}
	e.policies = make([]*compiled, len(policies))
	for i, p := range policies {
		e.policies[i] = e.compile(p)
	}
	e.sides = [2]*half{}
	for d := range e.sides {
		e.sides[d] = e.group(d, nil)
	}
}

// Brief runs fn so that answers leave out what policies decided, which costs most of
// them where many are asked for.
func (e *Engine) Brief(fn func()) {
	was := e.brief
	e.brief = true
	defer func() { e.brief = was }()
	fn()
}

// ordered is the policies in the order they are walked.
func (e *Engine) ordered() []*policy {
	out := slices.Concat(e.cluster.policies, e.cluster.forwarding())
	for _, p := range out {
		p.settle(e.cluster)
	}
	slices.SortStableFunc(out, func(a, b *policy) int {
		return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.order, b.order), strings.Compare(a.tie, b.tie), strings.Compare(a.id, b.id))
	})
	return out
}

// group sorts classes by the policies that select them. Groups of old that
// have the same policies keep what they worked out.
func (e *Engine) group(direction int, old map[string]*group) *half {
	h := &half{groupOf: make([]int, len(e.classes)), index: map[string]*group{}}
	chosen := make([][]selected, e.podClasses)
	for _, p := range e.policies {
		if s := p.side(direction); s == nil {
			continue
		}
		for i := range p.subjects.may.All {
			chosen[i] = append(chosen[i], selected{p, p.subjects.must.Has(i)})
		}
	}
	index := map[string]int{}
	var key []byte
	for i := range h.groupOf {
		if i >= e.podClasses {
			h.groupOf[i] = -1
			continue
		}
		key = key[:0]
		names := false
		for _, s := range chosen[i] {
			key = fmt.Appendf(key, "%p %v ", s.compiled, s.sure)
			names = names || direction == ingress && s.hasNames()
		}
		if names {
			key = fmt.Append(key, e.classes[i].ports)
		}
		g, ok := index[string(key)]
		if !ok {
			g = len(h.groups)
			index[string(key)] = g
			fresh := &group{direction: direction, members: reach.NewBits(len(e.classes)), policies: chosen[i], sample: e.classes[i]}
			if was := old[string(key)]; was != nil {
				fresh.rows = was.rows
			}
			h.groups = append(h.groups, fresh)
			h.index[string(key)] = fresh
		}
		h.groups[g].members.Set(i)
		h.groups[g].list = append(h.groups[g].list, i)
		h.groupOf[i] = g
	}
	return h
}

func (c *compiled) hasNames() bool {
	for i := range c.in {
		if len(c.in[i].named) > 0 {
			return true
		}
	}
	return false
}

func (c *compiled) side(direction int) *side {
	if direction == egress {
		return c.policy.out
	}
	return c.policy.in
}

func (c *compiled) rules(direction int) []compiledRule {
	if direction == egress {
		return c.out
	}
	return c.in
}

// Classes is how many classes of pods, nodes and addresses the cluster's
// policies can tell apart.
func (e *Engine) Classes() int { return len(e.classes) }
