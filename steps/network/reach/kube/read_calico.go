package kube

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func readCalicoTier(c *Cluster, f fields, _, name string) {
	spec := f.obj("spec")
	t := calicoTier{order: math.MaxFloat64, pass: spec.str("defaultAction") == "Pass"}
	if spec.has("order") {
		t.order = spec.float("order")
	}
	c.calico[name] = t
}

// float reads a number of any kind.
func (f fields) float(key string) float64 {
	if n, ok := whole(f.m[key]); ok {
		return float64(n)
	}
	n, ok := f.m[key].(float64)
	if !ok {
		f.fault("%s is no number", key)
	}
	return n
}

// readCalico reads Calico's NetworkPolicy and GlobalNetworkPolicy: tiers,
// orders, selectors, address blocks, protocols, ports. Conditions on what the selected pod itself is, on sources'
// ports, on HTTP and on services make a rule one that may match.
func readCalico(kind string) func(*Cluster, fields, string, string) {
	return func(c *Cluster, f fields, ns, name string) {
		global := strings.Contains(kind, "Global")
		spec := f.obj("spec")
		spec.only("tier", "order", "selector", "namespaceSelector", "serviceAccountSelector", "types", "ingress", "egress", "performanceHints", "doNotTrack", "preDNAT", "applyOnForward")
		for _, k := range []string{"doNotTrack", "preDNAT"} {
			if spec.flag(k) {
				spec.fault("%s is not understood", k)
			}
		}
		if spec.flag("applyOnForward") {
			c.forwards = append(c.forwards, name)
		}
		p := &policy{id: kind + " " + strings.TrimPrefix(ns+"/"+name, "/"), tier: defaultTier, order: math.MaxFloat64, tie: name + " ", calico: spec.str("tier"), ofCalico: true}
		if spec.has("order") {
			p.order = spec.float("order")
		}
		if global {
			ns = ""
		}
		p.subject = peer{namespace: ns, hostPods: reach.No, podSel: newSelector(nil)}
		calicoSelect(spec, "selector", &p.subject)
		calicoSelect(spec, "namespaceSelector", &p.subject)
		if spec.has("serviceAccountSelector") {
			p.subject.maybe = spec.at + ": labels of service accounts are not read"
		}
		types := spec.strs("types")
		if len(types) == 0 {
			if len(spec.list("egress")) == 0 || len(spec.list("ingress")) > 0 {
				types = append(types, "Ingress")
			}
			if len(spec.list("egress")) > 0 {
				types = append(types, "Egress")
			}
		}
		for _, t := range types {
			switch t {
			case "Ingress":
				p.in = &side{isolates: reach.Yes, rules: calicoRules(spec, "ingress", ns)}
			case "Egress":
				p.out = &side{isolates: reach.Yes, rules: calicoRules(spec, "egress", ns)}
			default:
				spec.fault("types: %q is neither Ingress nor Egress", t)
			}
		}
		c.policies = append(c.policies, p)
	}
}

// settle puts a policy of Calico's into its tier, once all tiers are read.
func (p *policy) settle(c *Cluster) {
	if p.ofCalico {
		p.settleSets(c)
	}
	if p.calico == "" || p.calico == "default" {
		return
	}
	t, known := c.calico[p.calico]
	if !known {
		// Walked first and perhaps, whatever it decides stays possible.
		p.tier, p.subject.maybe = 0, "the tier "+p.calico+" of "+p.id+" was not read, so when it is asked is not known"
		return
	}
	p.tier = t.order
	for _, s := range []*side{p.in, p.out} {
		if s != nil && t.pass {
			s.isolates = reach.No
		}
	}
}

func calicoRules(spec fields, key, ns string) []rule {
	var out []rule
	for i, r := range spec.objs(key) {
		r.only("action", "metadata", "protocol", "notProtocol", "ipVersion", "icmp", "notICMP", "http", "source", "destination")
		one := rule{name: fmt.Sprintf("%s[%d]", key, i)}
		switch a := r.str("action"); a {
		case "Allow":
		case "Deny":
			one.action = deny
		case "Pass":
			one.action = pass
		case "Log":
			continue
		default:
			r.fault("action %q is none of Allow, Deny, Pass, Log", a)
		}
		for _, k := range []string{"http", "ipVersion"} {
			if r.has(k) {
				one.maybe = r.at + ": " + k + " is not decided"
			}
		}
		theirs, ours := r.obj("source"), r.obj("destination")
		if key == "egress" {
			theirs, ours = ours, theirs
		}
		for _, k := range []string{"nets", "notNets", "selector", "notSelector", "namespaceSelector", "serviceAccounts", "services"} {
			if ours.has(k) {
				one.maybe = ours.at + "." + k + " asks about the selected pod itself"
			}
		}
		for _, k := range []string{"ports", "notPorts"} {
			if r.obj("source").has(k) {
				one.maybe = r.at + ".source." + k + " asks for the client's port"
			}
		}
		for _, e := range []fields{theirs, ours} {
			e.only("nets", "notNets", "selector", "notSelector", "namespaceSelector", "ports", "notPorts", "serviceAccounts", "services", "domains")
		}
		one.peers = []peer{calicoPeer(theirs, ns, &one)}
		one.ports = calicoPorts(r, &one)
		out = append(out, one)
	}
	return out
}

func calicoPeer(f fields, ns string, r *rule) peer {
	p := peer{blocksMatch: true, hostPods: reach.No}
	if f.has("nets") || f.has("notNets") {
		addrs := reach.AllIP
		if f.has("nets") {
			addrs = reach.Addrs{}
			for _, n := range f.strs("nets") {
				addrs = addrs.Union(f.cidr(n))
			}
		}
		for _, n := range f.strs("notNets") {
			addrs = addrs.Minus(f.cidr(n))
		}
		p.addrs = &addrs
	}
	if f.has("selector") || f.has("namespaceSelector") {
		p.podSel = newSelector(nil)
		if !f.has("namespaceSelector") {
			p.namespace = ns
		}
		calicoSelect(f, "selector", &p)
		calicoSelect(f, "namespaceSelector", &p)
	}
	if accounts := f.obj("serviceAccounts"); accounts.m != nil {
		accounts.only("names", "selector")
		if accounts.has("selector") {
			r.maybe = accounts.at + ".selector: labels of service accounts are not read"
		}
		if names := accounts.strs("names"); len(names) > 0 {
			p.accounts = names
		}
		if p.podSel == nil {
			p.podSel = newSelector(nil)
			p.namespace = ns
		}
	}
	for _, k := range []string{"notSelector", "services", "domains"} {
		if f.has(k) {
			r.maybe = f.at + "." + k + " is not decided"
			if k == "services" || k == "domains" {
				return peer{all: true}
			}
		}
	}
	p.all = p.addrs == nil && p.podSel == nil && p.nsSel == nil
	return p
}

func calicoPorts(r fields, one *rule) []portMatch {
	within := reach.Transport
	if r.has("protocol") {
		within = r.protocolSet("protocol")
	}
	if r.has("notProtocol") {
		within = within.Minus(r.protocolSet("notProtocol"))
	}
	if r.has("icmp") || r.has("notICMP") {
		within = reach.Ports{}
	}
	dest := r.obj("destination")
	if !dest.has("ports") && !dest.has("notPorts") {
		return []portMatch{{ports: within}}
	}
	read := func(key string) (fixed reach.Ports, named []portMatch) {
		for i, v := range dest.list(key) {
			text, isText := v.(string)
			if n, ok := whole(v); ok {
				text, isText = strconv.FormatInt(n, 10), true
			}
			ports, err := reach.ParsePort("tcp/" + strings.Replace(text, ":", "-", 1))
			switch {
			case !isText || text == "":
				dest.fault("%s[%d] is no port", key, i)
			case err == nil:
				_, lo, _ := ports.First()
				hi := lo
				if _, end, ranged := strings.Cut(text, ":"); ranged {
					n, _ := strconv.Atoi(end)
					hi = uint16(n)
				}
				for _, proto := range []reach.Protocol{reach.TCP, reach.UDP, reach.SCTP} {
					fixed = fixed.Union(reach.PortRange(proto, lo, hi).Intersect(within))
				}
			case strings.Contains(text, ":") || text[0] >= '0' && text[0] <= '9' && !strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' }):
				dest.fault("%s[%d]: %q is neither a port, a range FROM:TO nor a name", key, i, text)
			default:
				for _, proto := range []reach.Protocol{reach.TCP, reach.UDP, reach.SCTP} {
					if within.Overlaps(reach.AllOf(proto)) {
						named = append(named, portMatch{named: text, protocol: proto})
					}
				}
			}
		}
		return fixed, named
	}
	if dest.has("notPorts") {
		not, names := read("notPorts")
		if len(names) > 0 || dest.has("ports") {
			one.maybe = dest.at + ".notPorts beside ports, or with names, is not decided"
			return []portMatch{{ports: within}}
		}
		return []portMatch{{ports: within.Minus(not)}}
	}
	fixed, named := read("ports")
	return append(named, portMatch{ports: fixed})
}

// protocolSet reads a protocol by name or number; those that have no ports here
// are the empty set.
func (f fields) protocolSet(key string) reach.Ports {
	if n, ok := whole(f.m[key]); ok && n > 0 && n < 256 {
		return reach.AllOf(reach.Protocol(n)).Intersect(reach.Transport)
	}
	switch text := f.str(key); text {
	case "ICMP", "ICMPv6", "UDPLite":
		return reach.Ports{}
	default:
		p, err := reach.ParseProtocol(text)
		if err != nil {
			f.fault("%s: %v", key, err)
		}
		return reach.AllOf(p).Intersect(reach.Transport)
	}
}

// calicoSelect adds a selector in Calico's language to a peer. One that is not
// understood makes the peer one that may match.
func calicoSelect(f fields, key string, p *peer) {
	text := strings.TrimSpace(f.str(key))
	if text == "" {
		return
	}
	x, ok := parseCalico(text)
	if !ok {
		p.maybe = fmt.Sprintf("%s.%s: %q is not understood", f.at, key, text)
		x = &expression{op: "all"}
	}
	var reqs, spaces []requirement
	var rest []*expression
	for _, part := range x.conditions() {
		r, simple := part.requirement()
		switch {
		case part.op == "global":
			p.global = true
		case !simple:
			rest = append(rest, part)
		case r.key == "":
		case r.key == calicoSpace || r.key == "projectcalico.org/name":
			r.key = nameLabel
			spaces = append(spaces, r)
		case strings.HasPrefix(r.key, "projectcalico.org/"):
			p.maybe = fmt.Sprintf("%s.%s: the label %s is Calico's own", f.at, key, r.key)
		case key == "namespaceSelector":
			spaces = append(spaces, r)
		default:
			reqs = append(reqs, r)
		}
	}
	if key == "namespaceSelector" {
		p.namespace = ""
		if p.nsSel != nil { // by the other selector
			spaces = append(spaces, p.nsSel.reqs...)
		}
		p.nsSel = newSelector(spaces).with(rest)
		return
	}
	p.podSel = newSelector(reqs).with(rest)
	if spaces != nil {
		p.nsSel = newSelector(spaces)
	}
}

// with adds what must hold besides.
func (s *selector) with(rest []*expression) *selector {
	if len(rest) > 0 {
		s.also = &expression{op: "&&", args: rest}
		s.text += fmt.Sprintf(" and %s", s.also)
	}
	return s
}

// String tells expressions apart.
func (x *expression) String() string {
	return fmt.Sprintf("%s(%q %q %s)", x.op, x.key, x.words, x.args)
}
