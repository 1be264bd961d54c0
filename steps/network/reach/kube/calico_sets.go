package kube

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// networkSet is addresses that selectors of Calico's rules select by labels, as
// they select pods.
type networkSet struct {
	ns     string // empty of a GlobalNetworkSet
	labels map[string]string
	addrs  reach.Addrs
	maybe  string // what it holds besides and nobody knows
}

// readNetworkSet reads Calico's NetworkSet and GlobalNetworkSet.
//
// https://docs.tigera.io/calico/latest/reference/resources/networkset
func readNetworkSet(c *Cluster, f fields, ns, _ string) {
	if f.str("kind") == "GlobalNetworkSet" {
		ns = ""
	} else {
		ns = inDefault(ns)
	}
	spec := f.obj("spec")
	s := networkSet{ns: ns, labels: f.obj("metadata").labels("labels")}
	for _, text := range spec.strs("nets") {
		if !strings.Contains(text, "/") {
			text += map[bool]string{true: "/128", false: "/32"}[strings.Contains(text, ":")]
		}
		s.addrs = s.addrs.Union(spec.cidr(text))
	}
	if spec.has("allowedEgressDomains") {
		s.maybe = spec.at + ": which addresses allowedEgressDomains stand for is not known"
	}
	c.sets = append(c.sets, s)
}

// readHostEndpoint notes that Calico guards what nodes themselves send and
// receive: pods on their network perhaps reach nobody.
//
// https://docs.tigera.io/calico/latest/reference/host-endpoints/overview
func readHostEndpoint(c *Cluster, f fields, _, name string) {
	c.hosts = name
	why := "Calico guards the node, by policies that are not decided for nodes"
	side := func() *side {
		return &side{isolates: reach.No, rules: []rule{{name: "as a whole", action: deny, peers: everything(), ports: allPorts(), maybe: why}}}
	}
	c.policies = append(c.policies, &policy{id: "HostEndpoint " + name, tier: networkTier, subject: peer{nodeSel: newSelector(nil)}, in: side(), out: side()})
}

// settleSets finds the sets that a policy's selectors select. Without a
// namespaceSelector those of a policy in a namespace select there alone.
func (p *policy) settleSets(c *Cluster) {
	for _, side := range []*side{p.in, p.out} {
		if side == nil {
			continue
		}
		for i := range side.rules {
			r := &side.rules[i]
			r.sets = nil
			for j := range r.peers {
				for _, s := range c.sets {
					if q, ok := s.selectedBy(c, &r.peers[j]); ok {
						r.sets = append(r.sets, q)
					}
				}
			}
		}
	}
}

func (s networkSet) selectedBy(c *Cluster, p *peer) (peer, bool) {
	if p.podSel == nil || p.accounts != nil || p.namespace != "" && p.namespace != s.ns || p.global && s.ns != "" {
		return peer{}, false
	}
	labels := map[string]string{}
	for k, v := range s.labels {
		labels[k] = v
	}
	if s.ns != "" {
		labels[nameLabel] = s.ns // by which an expression knows the namespace
	}
	answer := p.podSel.matches(labels, true)
	if p.nsSel != nil && s.ns == "" && !p.global {
		return peer{}, false
	}
	if p.nsSel != nil && s.ns != "" {
		if space := c.namespaces[s.ns]; space != nil {
			answer = answer.And(p.nsSel.matches(space.labels, space.known))
		} else {
			answer = answer.And(reach.Unknown)
		}
	}
	if answer == reach.No {
		return peer{}, false
	}
	out := peer{addrs: &s.addrs, blocksMatch: true, maybe: p.maybe}
	if p.addrs != nil {
		both := p.addrs.Intersect(s.addrs)
		out.addrs = &both
	}
	if answer == reach.Unknown {
		out.maybe = "the labels of the namespace " + s.ns + " were not read"
	}
	if s.maybe != "" {
		all := reach.AllIP
		out.addrs, out.maybe = &all, s.maybe
	}
	return out, true
}

// forwarding is what policies that hold for what nodes forward may do if
// Calico guards nodes: keep anything from getting through.
func (c *Cluster) forwarding() []*policy {
	if c.hosts == "" || len(c.forwards) == 0 {
		return nil
	}
	why := "it holds for what nodes forward (applyOnForward), which is not decided"
	side := func() *side {
		return &side{isolates: reach.No, rules: []rule{{name: "applyOnForward", action: deny, peers: everything(), ports: allPorts(), maybe: why}}}
	}
	return []*policy{{id: "Calico GlobalNetworkPolicy " + c.forwards[0], tier: networkTier, subject: peer{all: true}, in: side(), out: side()}}
}
