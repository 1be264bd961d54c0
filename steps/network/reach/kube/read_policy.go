package kube

import (
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// calicoTier is a Tier of Calico's.
type calicoTier struct {
	order float64
	pass  bool // its default action is Pass
}

// readNetworkPolicy reads networking.k8s.io/v1 NetworkPolicy.
func readNetworkPolicy(c *Cluster, f fields, ns, name string) {
	if ns == "" {
		ns = "default"
	}
	spec := f.obj("spec")
	spec.only("podSelector", "policyTypes", "ingress", "egress")
	p := &policy{
		id: "NetworkPolicy " + ns + "/" + name, tier: defaultTier, order: 1000,
		subject: peer{namespace: ns, podSel: spec.selector("podSelector"), hostPods: reach.Unknown},
	}
	types := spec.strs("policyTypes")
	if len(types) == 0 {
		types = []string{"Ingress"}
		if len(spec.list("egress")) > 0 {
			types = append(types, "Egress")
		}
	}
	for _, t := range types {
		switch t {
		case "Ingress":
			p.in = &side{isolates: reach.Yes, rules: networkRules(spec, "ingress", "from", ns)}
		case "Egress":
			p.out = &side{isolates: reach.Yes, rules: networkRules(spec, "egress", "to", ns)}
		default:
			spec.fault("policyTypes: %q is neither Ingress nor Egress", t)
		}
	}
	c.policies = append(c.policies, p)
}

func networkRules(spec fields, key, peersKey, ns string) []rule {
	var rules []rule
	for i, r := range spec.objs(key) {
		r.only(peersKey, "ports")
		out := rule{name: fmt.Sprintf("%s[%d]", key, i), peers: everything(), ports: allPorts()}
		if peers := r.objs(peersKey); len(peers) > 0 {
			out.peers = nil
			for _, p := range peers {
				out.peers = append(out.peers, networkPeer(p, ns))
			}
		}
		if ports := r.objs("ports"); len(ports) > 0 {
			out.ports = nil
			for _, p := range ports {
				out.ports = append(out.ports, networkPort(p))
			}
		}
		rules = append(rules, out)
	}
	return rules
}

func networkPeer(f fields, ns string) peer {
	f.only("podSelector", "namespaceSelector", "ipBlock")
	p := peer{hostPods: reach.Unknown}
	if f.has("ipBlock") {
		if f.has("podSelector") || f.has("namespaceSelector") {
			f.fault("ipBlock beside a selector")
		}
		block := f.obj("ipBlock")
		block.only("cidr", "except")
		whole := block.cidr(block.str("cidr"))
		addrs := whole
		for _, e := range block.strs("except") {
			cut := block.cidr(e)
			if !whole.Covers(cut) {
				block.fault("except %s is not inside %s", e, block.str("cidr"))
			}
			addrs = addrs.Minus(cut)
		}
		p.addrs = &addrs
		return p
	}
	if !f.has("podSelector") && !f.has("namespaceSelector") {
		f.fault("neither podSelector nor namespaceSelector nor ipBlock")
	}
	p.podSel = f.selector("podSelector")
	if f.has("namespaceSelector") {
		p.nsSel = f.selector("namespaceSelector")
	} else {
		p.namespace = ns
	}
	return p
}

func networkPort(f fields) portMatch {
	f.only("protocol", "port", "endPort")
	proto := f.protocol("protocol", reach.TCP)
	name, isName := f.m["port"].(string)
	switch {
	case !f.has("port"):
		if f.has("endPort") {
			f.fault("endPort without port")
		}
		return portMatch{ports: reach.AllOf(proto)}
	case isName:
		if f.has("endPort") {
			f.fault("endPort beside a named port")
		}
		return portMatch{named: name, protocol: proto}
	}
	lo := f.number("port", 1, 65535)
	hi := lo
	if f.has("endPort") {
		if hi = f.number("endPort", 1, 65535); hi < lo {
			f.fault("endPort %d is below port %d", hi, lo)
		}
	}
	return portMatch{ports: reach.PortRange(proto, uint16(lo), uint16(hi))}
}

// readAdmin reads policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy and
// BaselineAdminNetworkPolicy.
func readAdmin(kind string, tier float64) func(*Cluster, fields, string, string) {
	return func(c *Cluster, f fields, _, name string) {
		spec := f.obj("spec")
		p := &policy{id: kind + " " + name, tier: tier}
		if kind == "AdminNetworkPolicy" {
			spec.only("priority", "subject", "ingress", "egress")
			p.order = float64(spec.number("priority", 0, 1000))
		} else {
			spec.only("subject", "ingress", "egress")
		}
		readAdminSides(p, spec, "ports", map[string]action{"Allow": allow, "Deny": deny, "Pass": pass}, adminPort)
		c.policies = append(c.policies, p)
	}
}

// readClusterPolicy reads policy.networking.k8s.io/v1alpha2
// ClusterNetworkPolicy.
func readClusterPolicy(c *Cluster, f fields, _, name string) {
	spec := f.obj("spec")
	spec.only("tier", "priority", "subject", "ingress", "egress")
	p := &policy{id: "ClusterNetworkPolicy " + name, tier: adminTier, order: float64(spec.number("priority", 0, 1000))}
	switch tier := spec.str("tier"); tier {
	case "Admin":
	case "Baseline":
		p.tier = baselineTier
	default:
		spec.fault("tier %q is neither Admin nor Baseline", tier)
	}
	readAdminSides(p, spec, "protocols", map[string]action{"Accept": allow, "Deny": deny, "Pass": pass}, clusterPort)
	c.policies = append(c.policies, p)
}

func readAdminSides(p *policy, spec fields, portsKey string, actions map[string]action, port func(fields) portMatch) {
	p.subject = adminPeer(spec.obj("subject"), "namespaces", "pods")
	for key, peersKey := range map[string]string{"ingress": "from", "egress": "to"} {
		rules := spec.objs(key)
		if len(rules) == 0 {
			continue
		}
		s := &side{isolates: reach.No}
		for i, r := range rules {
			r.only("name", "action", peersKey, portsKey)
			out := rule{name: fmt.Sprintf("%s[%d]", key, i), ports: allPorts()}
			if n := r.str("name"); n != "" {
				out.name += " (" + n + ")"
			}
			act, ok := actions[r.str("action")]
			if !ok || act == pass && p.tier == baselineTier && portsKey == "ports" {
				r.fault("action %q is not one this kind has", r.str("action"))
			}
			out.action = act
			for _, q := range r.objs(peersKey) {
				if key == "ingress" {
					out.peers = append(out.peers, adminPeer(q, "namespaces", "pods"))
				} else {
					out.peers = append(out.peers, adminPeer(q, "namespaces", "pods", "nodes", "networks", "domainNames"))
				}
			}
			if len(out.peers) == 0 {
				r.fault("%s is empty", peersKey)
			}
			if ports := r.objs(portsKey); len(ports) > 0 {
				out.ports = nil
				for _, q := range ports {
					out.ports = append(out.ports, port(q))
				}
			}
			s.rules = append(s.rules, out)
		}
		if key == "ingress" {
			p.in = s
		} else {
			p.out = s
		}
	}
}

// adminPeer reads a subject or peer, of which exactly one member is set.
func adminPeer(f fields, members ...string) peer {
	f.only(members...)
	set := slices.DeleteFunc(slices.Clone(members), func(m string) bool { return !f.has(m) })
	if len(set) != 1 {
		f.fault("%d of %v are set, not one", len(set), members)
		return peer{}
	}
	p := peer{hostPods: reach.No, blocksMatch: true}
	switch set[0] {
	case "namespaces":
		p.nsSel = f.selector("namespaces")
	case "pods":
		pods := f.obj("pods")
		pods.only("namespaceSelector", "podSelector")
		p.nsSel, p.podSel = pods.selector("namespaceSelector"), pods.selector("podSelector")
	case "nodes":
		p.nodeSel = f.selector("nodes")
	case "networks":
		var addrs reach.Addrs
		for _, text := range f.strs("networks") {
			addrs = addrs.Union(f.cidr(text))
		}
		p.addrs = &addrs
	case "domainNames":
		all := reach.AllIP
		p.addrs, p.maybe = &all, f.at+": which addresses domainNames stand for is not known"
	}
	return p
}

func adminPort(f fields) portMatch {
	f.only("portNumber", "namedPort", "portRange")
	switch {
	case len(f.m) != 1:
		f.fault("not one of portNumber, namedPort, portRange")
	case f.has("namedPort"):
		return portMatch{named: f.str("namedPort")}
	case f.has("portNumber"):
		n := f.obj("portNumber")
		n.only("protocol", "port")
		return portMatch{ports: reach.Port(n.protocol("protocol", reach.TCP), uint16(n.number("port", 1, 65535)))}
	}
	r := f.obj("portRange")
	r.only("protocol", "start", "end")
	return portMatch{ports: portRange(r, r.protocol("protocol", reach.TCP))}
}

func clusterPort(f fields) portMatch {
	f.only("tcp", "udp", "sctp", "destinationNamedPort")
	if len(f.m) != 1 {
		f.fault("not one of tcp, udp, sctp, destinationNamedPort")
	}
	if f.has("destinationNamedPort") {
		return portMatch{named: f.str("destinationNamedPort")}
	}
	for key, proto := range map[string]reach.Protocol{"tcp": reach.TCP, "udp": reach.UDP, "sctp": reach.SCTP} {
		if _, there := f.m[key]; !there {
			continue
		}
		t := f.obj(key)
		t.only("destinationPort")
		if !t.has("destinationPort") {
			return portMatch{ports: reach.AllOf(proto)}
		}
		d := t.obj("destinationPort")
		d.only("number", "range")
		switch {
		case d.has("number") == d.has("range"):
			d.fault("not one of number, range")
		case d.has("number"):
			return portMatch{ports: reach.Port(proto, uint16(d.number("number", 1, 65535)))}
		default:
			return portMatch{ports: portRange(d.obj("range"), proto)}
		}
	}
	return portMatch{}
}

func portRange(f fields, proto reach.Protocol) reach.Ports {
	lo, hi := f.number("start", 1, 65535), f.number("end", 1, 65535)
	if hi < lo {
		f.fault("end %d is below start %d", hi, lo)
	}
	return reach.PortRange(proto, uint16(lo), uint16(hi))
}
