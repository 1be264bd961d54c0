package kube

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// classKind is what the members of a class are.
type classKind uint8

const (
	podClass  classKind = iota
	hostClass           // pods on their node's network
	nodeClass
	outside // addresses that belong to no pod or node read
)

// class is things that no policy tells apart.
type class struct {
	kind      classKind
	namespace *namespace // of pods
	labels    map[string]string
	account   string
	ports     []ContainerPort
	mesh      reach.Answer
	further   bool   // in networks beside the cluster's
	node      string // of pods on a node's network
	cells     []int  // positions of its addresses; none if they are not known
	pods      []*Pod
	nodes     []*node
	count     int // pods it stands for, replicas counted
}

// volatile labels differ from pod to pod of one workload. They make no class
// unless a policy asks for one of them.
var volatile = []string{
	"apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "controller-revision-hash", "pod-template-hash",
	"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-completion-index", "batch.kubernetes.io/job-name", "controller-uid", "job-name",
	"pod-template-generation",
}

// edges are where the address blocks of all policies begin and end: the
// addresses between two edges are a cell, which every block holds whole or not
// at all.
type edges []netip.Addr

func (e edges) cell(a netip.Addr) int {
	i, found := slices.BinarySearchFunc(e, a, netip.Addr.Compare)
	if !found {
		i--
	}
	return i
}

// cut collects the edges of all address sets.
func cut(policies []*policy) edges {
	out := edges{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	for _, p := range policies {
		p.eachPeer(func(q *peer) {
			if q.addrs == nil {
				return
			}
			for _, r := range q.addrs.Ranges() {
				out = append(out, r.From)
				if next := r.To.Next(); next.IsValid() {
					out = append(out, next)
				}
			}
		})
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

func (p *policy) eachPeer(do func(*peer)) {
	do(&p.subject)
	for _, s := range []*side{p.in, p.out} {
		if s == nil {
			continue
		}
		for i := range s.rules {
			r := &s.rules[i]
			for j := range len(r.peers) + len(r.sets) {
				do(r.peer(j))
			}
		}
	}
}

// peer is the i-th of a rule's peers and sets.
func (r *rule) peer(i int) *peer {
	if i < len(r.peers) {
		return &r.peers[i]
	}
	return &r.sets[i-len(r.peers)]
}

// asked are the label keys that some policy asks pods for.
func asked(policies []*policy) map[string]bool {
	out := map[string]bool{}
	for _, p := range policies {
		p.eachPeer(func(q *peer) { q.podSel.keys(func(k string) { out[k] = true }) })
	}
	return out
}

// classer puts pods, nodes and cells into classes.
type classer struct {
	e     *Engine
	ask   map[string]bool
	index map[string]int
	key   strings.Builder
}

func (e *Engine) classify() {
	k := &classer{e: e, ask: e.asked, index: map[string]int{}}
	e.classes, e.ofPod, e.ofNode = nil, make(map[*Pod]int, len(e.cluster.pods)), map[string]int{}
	for _, p := range e.cluster.pods {
		e.ofPod[p] = k.pod(p)
	}
	e.podClasses = len(e.classes)
	names := make([]string, 0, len(e.cluster.nodes))
	for name := range e.cluster.nodes {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		n := e.cluster.nodes[name]
		i := len(e.classes)
		e.classes = append(e.classes, &class{kind: nodeClass, labels: n.labels, cells: e.cells(n.ips), nodes: []*node{n}, count: 1})
		e.ofNode[name] = i
	}
	e.firstCell = len(e.classes)
	for i := range e.edges {
		e.classes = append(e.classes, &class{kind: outside, cells: []int{i}})
	}
}

// cells are the positions of addresses, each once.
func (e *Engine) cells(ips []netip.Addr) []int {
	var out []int
	for _, a := range ips {
		out = append(out, e.edges.cell(a))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pod finds or makes the class of a pod.
func (k *classer) pod(p *Pod) int {
	e := k.e
	kind, ips := podClass, p.IPs
	if p.HostNet {
		kind = hostClass
		if n := e.cluster.nodes[p.Node]; n != nil && len(ips) == 0 {
			ips = n.ips
		}
	}
	labels := k.labels(p.Labels)
	cells := e.cells(ips)
	k.key.Reset()
	fmt.Fprintf(&k.key, "%d %s\x00%s\x00%d\x00", kind, p.Namespace, p.Account, p.Mesh)
	for _, c := range cells {
		fmt.Fprintf(&k.key, "%d ", c)
	}
	if kind == hostClass {
		k.key.WriteString(p.Node)
	}
	k.key.WriteByte(0)
	for _, q := range p.Ports {
		fmt.Fprintf(&k.key, "%s %d %d\x00", q.Name, q.Protocol, q.Port)
	}
	k.key.WriteByte(1)
	if len(p.Networks) > 0 {
		k.key.WriteByte(2)
	}
	keys := make([]string, 0, len(labels))
	for l := range labels {
		keys = append(keys, l)
	}
	sort.Strings(keys)
	for _, l := range keys {
		k.key.WriteString(l)
		k.key.WriteByte(0)
		k.key.WriteString(labels[l])
		k.key.WriteByte(0)
	}
	i, ok := k.index[k.key.String()]
	if !ok {
		i = len(e.classes)
		k.index[k.key.String()] = i
		e.classes = append(e.classes, &class{
			kind: kind, namespace: e.cluster.namespaces[p.Namespace], labels: labels, account: p.Account,
			ports: p.Ports, mesh: p.Mesh, node: p.Node, cells: cells, further: len(p.Networks) > 0,
		})
	}
	c := e.classes[i]
	c.pods = append(c.pods, p)
	c.count += p.Replicas
	return i
}

// labels leaves out what differs from pod to pod and nobody asks for.
func (k *classer) labels(all map[string]string) map[string]string {
	out := all
	for _, v := range volatile {
		if _, has := all[v]; !has || k.ask[v] {
			continue
		}
		if len(out) == len(all) {
			out = make(map[string]string, len(all))
			for l, t := range all {
				out[l] = t
			}
		}
		delete(out, v)
	}
	return out
}
