package kube

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// The oracle decides one packet at a time from the objects as the API prints
// them, by the words of the specifications. It shares nothing with the engine
// but the objects' own members. What the specifications leave open is settled
// by a world, and the oracle is asked in every one of them.
type world struct {
	hostMatches bool // selectors of NetworkPolicies match pods on the host's network
	tiesReverse bool // of administrators' policies of one priority the last goes first
}

type packet struct {
	srcIP, dstIP netip.Addr
	src, dst     *Pod // nil for what is no pod
	proto        string
	port         int
}

type oracle struct {
	world
	namespaces map[string]map[string]string
	policies   []map[string]any
}

type dict = map[string]any

func sub(m dict, path ...string) dict {
	for _, k := range path {
		m, _ = m[k].(dict)
	}
	return m
}

func items(m dict, key string) []any { l, _ := m[key].([]any); return l }

func selects(sel dict, labels map[string]string) bool {
	for k, v := range sub(sel, "matchLabels") {
		if got, has := labels[k]; !has || got != v.(string) {
			return false
		}
	}
	for _, e := range items(sel, "matchExpressions") {
		e := e.(dict)
		got, has := labels[e["key"].(string)]
		in := has && slices.Contains(items(e, "values"), any(got))
		ok := map[string]bool{"In": in, "NotIn": !in, "Exists": has, "DoesNotExist": !has}[e["operator"].(string)]
		if !ok {
			return false
		}
	}
	return true
}

// allowed is whether a packet gets through.
func (o oracle) allowed(p packet) bool {
	if p.src != nil && p.src == p.dst {
		return true
	}
	return o.passes(p, "egress", p.src, p.dst, p.dstIP) && o.passes(p, "ingress", p.dst, p.src, p.srcIP)
}

func (o oracle) passes(p packet, direction string, subject, peer *Pod, peerIP netip.Addr) bool {
	if subject == nil {
		return true
	}
	if v := o.admin(p, direction, "Admin", subject, peer, peerIP); v != "" && v != "Pass" {
		return v == "Allow"
	}
	isolated := false
	for _, np := range o.policies {
		if np["kind"] != "NetworkPolicy" || sub(np, "metadata")["namespace"] != subject.Namespace || subject.HostNet && !o.hostMatches {
			continue
		}
		spec := sub(np, "spec")
		if !selects(sub(spec, "podSelector"), subject.Labels) {
			continue
		}
		types := items(spec, "policyTypes")
		applies := direction == "ingress" && len(types) == 0 || direction == "egress" && len(types) == 0 && len(items(spec, "egress")) > 0
		if !applies && !slices.Contains(types, any(strings.ToUpper(direction[:1])+direction[1:])) {
			continue
		}
		isolated = true
		for _, r := range items(spec, direction) {
			if o.networkRule(p, direction, r.(dict), subject.Namespace, peer, peerIP) {
				return true
			}
		}
	}
	if isolated {
		return false
	}
	return o.admin(p, direction, "Baseline", subject, peer, peerIP) != "Deny"
}

func (o oracle) networkRule(p packet, direction string, r dict, ns string, peer *Pod, peerIP netip.Addr) bool {
	peers := items(r, map[string]string{"ingress": "from", "egress": "to"}[direction])
	ok := len(peers) == 0
	for _, q := range peers {
		q := q.(dict)
		if block := sub(q, "ipBlock"); block != nil {
			in := netip.MustParsePrefix(block["cidr"].(string)).Contains(peerIP)
			for _, e := range items(block, "except") {
				in = in && !netip.MustParsePrefix(e.(string)).Contains(peerIP)
			}
			ok = ok || in
			continue
		}
		if peer == nil || peer.HostNet && !o.hostMatches {
			continue
		}
		match := selects(sub(q, "podSelector"), peer.Labels)
		if nsSel := sub(q, "namespaceSelector"); nsSel != nil {
			match = match && selects(nsSel, o.namespaces[peer.Namespace])
		} else {
			match = match && peer.Namespace == ns
		}
		ok = ok || match
	}
	if !ok {
		return false
	}
	ports := items(r, "ports")
	ok = len(ports) == 0
	for _, q := range ports {
		q := q.(dict)
		proto, _ := q["protocol"].(string)
		if proto == "" {
			proto = "TCP"
		}
		if proto != p.proto {
			continue
		}
		switch port := q["port"].(type) {
		case nil:
			ok = true
		case string:
			ok = ok || has(p.dst, port, proto, p.port)
		case int:
			end, ranged := q["endPort"].(int)
			if !ranged {
				end = port
			}
			ok = ok || port <= p.port && p.port <= end
		}
	}
	return ok
}

func has(pod *Pod, name, proto string, port int) bool {
	if pod == nil {
		return false
	}
	for _, q := range pod.Ports {
		if q.Name == name && (proto == "" || strings.EqualFold(q.Protocol.String(), proto)) && int(q.Port) == port {
			return true
		}
	}
	return false
}

// admin is what the administrators' policies of a tier say: Allow, Deny, Pass
// or nothing.
func (o oracle) admin(p packet, direction, tier string, subject, peer *Pod, peerIP netip.Addr) string {
	var list []dict
	for _, q := range o.policies {
		kind := q["kind"]
		if kind == "AdminNetworkPolicy" && tier == "Admin" || kind == "BaselineAdminNetworkPolicy" && tier == "Baseline" || kind == "ClusterNetworkPolicy" && sub(q, "spec")["tier"] == tier {
			list = append(list, q)
		}
	}
	if o.tiesReverse {
		slices.Reverse(list)
	}
	priority := func(q dict) int { n, _ := sub(q, "spec")["priority"].(int); return n }
	slices.SortStableFunc(list, func(a, b dict) int { return priority(a) - priority(b) })
	for _, q := range list {
		if subject.HostNet || !o.adminPeer(sub(q, "spec", "subject"), subject, netip.Addr{}) {
			continue
		}
		for _, r := range items(sub(q, "spec"), direction) {
			r := r.(dict)
			match := false
			for _, q := range items(r, map[string]string{"ingress": "from", "egress": "to"}[direction]) {
				match = match || o.adminPeer(q.(dict), peer, peerIP)
			}
			if match && adminPortOK(r, p) {
				return strings.Replace(r["action"].(string), "Accept", "Allow", 1)
			}
		}
	}
	return ""
}

func (o oracle) adminPeer(q dict, pod *Pod, ip netip.Addr) bool {
	if nets, ok := q["networks"]; ok {
		for _, n := range nets.([]any) {
			if ip.IsValid() && netip.MustParsePrefix(n.(string)).Contains(ip) {
				return true
			}
		}
		return false
	}
	if pod == nil || pod.HostNet {
		return false
	}
	if ns := sub(q, "namespaces"); ns != nil {
		return selects(ns, o.namespaces[pod.Namespace])
	}
	return selects(sub(q, "pods", "namespaceSelector"), o.namespaces[pod.Namespace]) && selects(sub(q, "pods", "podSelector"), pod.Labels)
}

func adminPortOK(r dict, p packet) bool {
	ports := append(items(r, "ports"), items(r, "protocols")...)
	if len(ports) == 0 {
		return true
	}
	for _, q := range ports {
		q := q.(dict)
		if n := sub(q, "portNumber"); n != nil && n["protocol"] == p.proto && n["port"] == p.port {
			return true
		}
		if n := sub(q, "portRange"); n != nil && n["protocol"] == p.proto && n["start"].(int) <= p.port && p.port <= n["end"].(int) {
			return true
		}
		for _, key := range []string{"namedPort", "destinationNamedPort"} {
			if name, ok := q[key].(string); ok && has(p.dst, name, p.proto, p.port) {
				return true
			}
		}
		if n, ok := q[strings.ToLower(p.proto)].(dict); ok {
			d := sub(n, "destinationPort")
			span := sub(d, "range")
			if d == nil || d["number"] == p.port || span != nil && span["start"].(int) <= p.port && p.port <= span["end"].(int) {
				return true
			}
		}
	}
	return false
}

// everyWorld is what all worlds together say: Unknown if they differ.
func (o oracle) everyWorld(p packet) reach.Answer {
	yes, no := false, false
	for _, w := range []world{{false, false}, {false, true}, {true, false}, {true, true}} {
		o.world = w
		if o.allowed(p) {
			yes = true
		} else {
			no = true
		}
	}
	switch {
	case yes && no:
		return reach.Unknown
	case yes:
		return reach.Yes
	}
	return reach.No
}
