package kube

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// readCilium reads cilium.io/v2 policies: selectors, address blocks, entities,
// ports, and rules that deny. Names of domains and services make a rule one that
// may match; a filter above ports (HTTP) leaves it one that opens the port; any
// member that is not understood makes the whole policy one that may decide
// anything.
//
// In Cilium a rule that denies goes before every rule that allows, and what
// policies of Cilium's and of Kubernetes' allow together is allowed.
func readCilium(kind string) func(*Cluster, fields, string, string) {
	return func(c *Cluster, f fields, ns, name string) {
		c.BlocksMatchPods = reach.No
		specs := f.objs("specs")
		if f.has("spec") {
			specs = append(specs, f.obj("spec"))
		}
		if len(specs) == 0 {
			f.fault("neither spec nor specs")
		}
		if kind == "CiliumClusterwideNetworkPolicy" {
			ns = ""
		}
		for i, spec := range specs {
			id := kind + " " + strings.TrimPrefix(ns+"/"+name, "/")
			at := ""
			if len(specs) > 1 {
				at = fmt.Sprintf("specs[%d].", i)
			}
			c.policies = append(c.policies, ciliumPolicies(spec, id, at, ns)...)
		}
	}
}

func ciliumPolicies(spec fields, id, at, ns string) []*policy {
	spec.only("endpointSelector", "nodeSelector", "ingress", "ingressDeny", "egress", "egressDeny", "enableDefaultDeny", "labels", "description", "log")
	if spec.has("endpointSelector") == spec.has("nodeSelector") {
		spec.fault("not one of endpointSelector, nodeSelector")
	}
	subject := ciliumPods(spec, "endpointSelector", ns)
	if spec.has("nodeSelector") {
		// Of a node's own processes only those of pods on its network are
		// known here.
		subject = peer{nodeSel: spec.selector("nodeSelector"), maybe: spec.at + ": policies for nodes are an option of Cilium's that may be off"}
	}
	allows := &policy{id: id, tier: defaultTier, order: 1000, subject: subject}
	denies := &policy{id: id, tier: denyTier, subject: subject}
	defaults := spec.obj("enableDefaultDeny")
	for _, d := range []struct {
		key, peers string
		allow      **side
		deny       **side
	}{{"ingress", "from", &allows.in, &denies.in}, {"egress", "to", &allows.out, &denies.out}} {
		isolates := reach.Yes
		if defaults.has(d.key) && !defaults.flag(d.key) {
			isolates = reach.No
		}
		// A list that is there but empty allows nothing and so isolates too.
		if spec.has(d.key) {
			*d.allow = &side{isolates: isolates, rules: ciliumRules(spec, d.key, at, d.peers, ns, allow)}
		}
		if spec.has(d.key + "Deny") {
			*d.deny = &side{isolates: reach.No, rules: ciliumRules(spec, d.key+"Deny", at, d.peers, ns, deny)}
			if *d.allow == nil {
				*d.allow = &side{isolates: isolates}
			}
		}
	}
	return []*policy{denies, allows}
}

func ciliumRules(spec fields, key, at, dir, ns string, act action) []rule {
	var out []rule
	for i, r := range spec.objs(key) {
		endpoints, entities, cidr, cidrSet, nodes := dir+"Endpoints", dir+"Entities", dir+"CIDR", dir+"CIDRSet", dir+"Nodes"
		r.only(endpoints, entities, cidr, cidrSet, nodes, "toPorts", "icmps", "toFQDNs", "toServices", "fromRequires", "toRequires", "toGroups", "authentication")
		one := rule{name: fmt.Sprintf("%s%s[%d]", at, key, i), action: act, ports: allPorts()}
		named := false
		for _, e := range r.objs(endpoints) {
			named = true
			one.peers = append(one.peers, ciliumPods(fields{m: map[string]any{"s": e.m}, at: e.at, bad: e.bad}, "s", ns))
		}
		for _, e := range r.strs(entities) {
			named = true
			one.peers = append(one.peers, ciliumEntity(e, r.at)...)
		}
		blocks, some := ciliumBlocks(r, cidr, cidrSet)
		if some {
			named = true
			one.peers = append(one.peers, peer{addrs: &blocks})
		}
		for _, n := range r.objs(nodes) {
			named = true
			sel := fields{m: map[string]any{"s": n.m}, at: n.at, bad: n.bad}.selector("s")
			one.peers = append(one.peers, peer{nodeSel: sel, maybe: n.at + ": selecting nodes is an option of Cilium's that may be off"})
		}
		for _, k := range []string{"toFQDNs", "toGroups"} {
			if r.has(k) {
				// Pods and nodes are never told by the addresses of names.
				named = true
				all := reach.AllIP
				one.peers = append(one.peers, peer{addrs: &all, outside: true, maybe: r.at + ": which addresses " + k + " stands for is not known"})
			}
		}
		if r.has("toServices") {
			named = true
			one.peers = append(one.peers, peer{all: true, maybe: r.at + ": which pods and addresses toServices stands for is not decided"})
		}
		for _, k := range []string{"fromRequires", "toRequires", "authentication"} {
			if r.has(k) {
				one.maybe = r.at + ": " + k + " is not decided"
			}
		}
		// A list of peers that is there and empty matches nothing.
		for _, k := range []string{endpoints, entities, cidr, cidrSet} {
			_, there := r.m[k]
			named = named || there && r.m[k] != nil
		}
		if !named {
			one.peers = everything()
		}
		if r.has("toPorts") || r.has("icmps") {
			one.ports = ciliumPorts(r, &one)
		}
		out = append(out, one)
	}
	return out
}

// filtered marks a rule that opens connections and looks at what they carry.
const filtered = " (filtered above ports)"

func ciliumPorts(r fields, one *rule) []portMatch {
	var out []portMatch
	for _, tp := range r.objs("toPorts") {
		tp.only("ports", "rules", "terminatingTLS", "originatingTLS", "serverNames", "listener")
		// What is filtered above ports still lets the connection open; a rule
		// that denies does not open it, and may not match.
		for _, k := range []string{"rules", "terminatingTLS", "originatingTLS", "serverNames", "listener"} {
			if tp.has(k) && one.action == deny {
				one.maybe = tp.at + ": " + k + " decides above ports"
			} else if tp.has(k) && !strings.HasSuffix(one.name, filtered) {
				one.name += filtered
			}
		}
		ports := tp.objs("ports")
		if len(ports) == 0 {
			out = append(out, allPorts()...)
		}
		for _, p := range ports {
			out = append(out, ciliumPort(p)...)
		}
	}
	return out
}

func ciliumPort(p fields) []portMatch {
	p.only("port", "endPort", "protocol")
	protocols := []reach.Protocol{reach.TCP, reach.UDP, reach.SCTP}
	if proto := p.str("protocol"); proto != "" && proto != "ANY" {
		protocols = []reach.Protocol{p.protocol("protocol", reach.TCP)}
	}
	text := p.str("port")
	number, err := reach.ParsePort("tcp/" + text)
	var out []portMatch
	for _, proto := range protocols {
		switch {
		case text == "" || text == "0":
			out = append(out, portMatch{ports: reach.AllOf(proto)})
		case err != nil || strings.Contains(text, "-"):
			if text[0] >= '0' && text[0] <= '9' && !strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' }) {
				p.fault("port %q is neither a number nor a name", text)
			}
			out = append(out, portMatch{named: text, protocol: proto})
		default:
			_, lo, _ := number.First()
			hi := lo
			if p.has("endPort") {
				if n := uint16(p.number("endPort", 0, 65535)); n != 0 {
					hi = n
				}
			}
			if hi < lo {
				p.fault("endPort %d is below port %d", hi, lo)
			}
			out = append(out, portMatch{ports: reach.PortRange(proto, lo, hi)})
		}
	}
	return out
}

func ciliumBlocks(r fields, cidr, cidrSet string) (reach.Addrs, bool) {
	var out reach.Addrs
	for _, text := range r.strs(cidr) {
		if !strings.Contains(text, "/") {
			text += map[bool]string{true: "/128", false: "/32"}[strings.Contains(text, ":")]
		}
		out = out.Union(r.cidr(text))
	}
	for _, set := range r.objs(cidrSet) {
		set.only("cidr", "except")
		one := set.cidr(set.str("cidr"))
		for _, e := range set.strs("except") {
			one = one.Minus(set.cidr(e))
		}
		out = out.Union(one)
	}
	return out, len(r.list(cidr))+len(r.list(cidrSet)) > 0
}

// ciliumEntity is the peers behind one of Cilium's words.
func ciliumEntity(word, at string) []peer {
	switch word {
	case "all":
		return everything()
	case "world":
		// Addresses outside the cluster: no pod by its address, and a node that
		// was not read may be one of them.
		all := reach.AllIP
		return []peer{{addrs: &all, outside: true}}
	case "world-ipv4":
		v4 := reach.AllIPv4
		return []peer{{addrs: &v4, outside: true}}
	case "world-ipv6":
		v6 := reach.AllIPv6
		return []peer{{addrs: &v6, outside: true}}
	case "kube-apiserver":
		// On a node or outside, never a pod by itself.
		all, why := reach.AllIP, at+": where the API server is is not known"
		return []peer{{addrs: &all, outside: true, maybe: why}, {nodeSel: newSelector(nil), maybe: why}}
	case "cluster":
		return []peer{{podSel: newSelector(nil), hostPods: reach.Yes}, {nodeSel: newSelector(nil)}}
	case "remote-node", "host":
		return []peer{{nodeSel: newSelector(nil), maybe: at + ": whether the node is the pod's own is not known"}}
	case "none":
		return nil
	}
	return []peer{{all: true, maybe: at + ": entity " + word + " is not decided"}}
}

// ciliumPods reads an endpoint selector. Keys may carry the source of the label
// ("k8s:", "any:"), and the namespace is a label of its own.
func ciliumPods(f fields, key, ns string) peer {
	sel := f.selector(key)
	p := peer{namespace: ns, hostPods: reach.No}
	var pods, spaces []requirement
	for _, r := range sel.reqs {
		for _, source := range []string{"k8s:", "any:", "k8s.", "any."} {
			r.key = strings.TrimPrefix(r.key, source)
		}
		const space = "io.kubernetes.pod.namespace"
		const labels = "io.cilium.k8s.namespace.labels."
		switch {
		case r.key == space:
			p.namespace = ""
			if r.op == "Exists" {
				continue
			}
			spaces = append(spaces, requirement{nameLabel, r.op, r.values})
		case strings.HasPrefix(r.key, labels):
			p.namespace = ""
			spaces = append(spaces, requirement{strings.TrimPrefix(r.key, labels), r.op, r.values})
		case r.key == "io.cilium.k8s.policy.serviceaccount" && r.op == "In":
			p.accounts = slices.Clone(r.values)
		case strings.HasPrefix(r.key, "reserved:") || strings.HasPrefix(r.key, "reserved.") || strings.HasPrefix(r.key, "io.cilium") || strings.HasPrefix(r.key, "io.kubernetes"):
			f.fault("%s: label %s is not understood", key, r.key)
		default:
			pods = append(pods, r)
		}
	}
	p.podSel = newSelector(pods)
	if spaces != nil {
		p.nsSel = newSelector(spaces)
	}
	return p
}
