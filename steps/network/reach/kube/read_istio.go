package kube

import (
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// readIstio reads security.istio.io AuthorizationPolicy as far as a connection
// goes: namespaces, service accounts, address blocks and ports. Whatever asks
// for a request or another party makes the rule one that may match. Only TCP passes
// the proxy; pods of which it is not known whether the proxy stands before them
// are selected perhaps.
func readIstio(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	spec.only("selector", "targetRef", "targetRefs", "rules", "action", "provider")
	p := &policy{id: "AuthorizationPolicy " + ns + "/" + name, chain: mesh, subject: peer{namespace: ns, inMesh: true}}
	if ns == c.meshRoot {
		p.subject.namespace = ""
	}
	sel := spec.obj("selector")
	sel.only("matchLabels")
	p.subject.podSel = sel.selectorOf()
	if spec.has("targetRef") || spec.has("targetRefs") {
		p.subject.maybe = spec.at + ": which pods targetRefs stand for is not decided"
	}
	p.in = &side{isolates: reach.No}
	act, maybe := allow, ""
	p.tier = meshTier + 2
	switch a := spec.str("action"); a {
	case "", "ALLOW":
		// What no rule of any such policy matches is denied: of TCP only.
	case "DENY":
		act, p.tier = deny, meshTier+1
	case "CUSTOM":
		act, p.tier, maybe = deny, meshTier, spec.at+": another party decides (CUSTOM)"
	case "AUDIT":
		return
	default:
		spec.fault("action %q is none of ALLOW, DENY, CUSTOM, AUDIT", a)
	}
	for i, r := range spec.objs("rules") {
		p.in.rules = append(p.in.rules, istioRules(r, fmt.Sprintf("rules[%d]", i), ns, act, maybe)...)
	}
	if act == allow {
		c.policies = append(c.policies, &policy{
			id: p.id, chain: mesh, tier: meshTier + 3, subject: p.subject,
			in: &side{isolates: reach.No, rules: []rule{{name: "no rule of an ALLOW policy", action: deny, peers: everything(), ports: []portMatch{{ports: reach.AllOf(reach.TCP)}}}}},
		})
	}
	c.policies = append(c.policies, p)
}

// selectorOf reads an object that is itself a selector's.
func (f fields) selectorOf() *selector {
	return fields{m: map[string]any{"s": anyMap(f.m)}, at: f.at, bad: f.bad}.selector("s")
}

func anyMap(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

// istioRules is a rule once for each pair of a source and an operation.
func istioRules(r fields, name, ns string, act action, maybe string) []rule {
	r.only("from", "to", "when")
	if r.has("when") {
		maybe = r.at + ": when asks for the request or the identity"
	}
	type source struct {
		peers []peer
		maybe string
	}
	sources := []source{{everything(), ""}}
	if from := r.objs("from"); len(from) > 0 {
		sources = nil
		for _, s := range from {
			peers, why := istioSource(s.obj("source"))
			sources = append(sources, source{peers, why})
		}
	}
	ports := [][]portMatch{{{ports: reach.AllOf(reach.TCP)}}}
	whys := []string{""}
	if to := r.objs("to"); len(to) > 0 {
		ports, whys = nil, nil
		for _, t := range to {
			one, why := istioPorts(t.obj("operation"))
			ports, whys = append(ports, []portMatch{{ports: one}}), append(whys, why)
		}
	}
	var out []rule
	for _, s := range sources {
		for i := range ports {
			why := maybe
			for _, w := range []string{s.maybe, whys[i]} {
				if why == "" {
					why = w
				}
			}
			out = append(out, rule{name: name, action: act, peers: s.peers, ports: ports[i], maybe: why})
		}
	}
	return out
}

// istioAccounts is a source once for each service account it names: by a
// principal "TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT", or as "NAMESPACE/ACCOUNT".
// "*" is any client in the mesh.
func istioAccounts(f fields, key string, p peer, why string) ([]peer, string) {
	if f.has("principals") && f.has("serviceAccounts") {
		why = f.at + ": principals beside serviceAccounts are not decided"
	}
	var out []peer
	for _, text := range f.strs(key) {
		one := p
		parts := strings.Split(text, "/")
		switch {
		case text == "*":
		case strings.Contains(text, "*"):
			one.maybe = f.at + ": patterns of " + key + " are not decided"
		case key == "principals" && len(parts) == 5 && parts[1] == "ns" && parts[3] == "sa":
			one.namespace, one.accounts = parts[2], []string{parts[4]}
			if parts[0] != "cluster.local" {
				one.maybe = f.at + ": whether the mesh's trust domain is " + parts[0] + " is not known"
			}
		case key == "serviceAccounts" && len(parts) == 2:
			one.namespace, one.accounts = parts[0], []string{parts[1]}
		default:
			one.maybe = f.at + ": " + key + " " + text + " is not understood"
		}
		out = append(out, one)
	}
	return out, why
}

func istioSource(f fields) ([]peer, string) {
	f.only("principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals", "namespaces", "notNamespaces", "ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks", "serviceAccounts", "notServiceAccounts")
	why := ""
	for k := range f.m {
		if k != "namespaces" && k != "ipBlocks" && k != "principals" && k != "serviceAccounts" {
			why = f.at + ": " + k + " asks for an identity or a request"
		}
	}
	p := peer{blocksMatch: true, hostPods: reach.Unknown}
	if f.has("namespaces") {
		// The namespace is known by the caller's certificate, so a caller
		// outside the mesh has none.
		p.inMesh = true
		for _, n := range f.strs("namespaces") {
			if strings.Contains(n, "*") {
				return everything(), f.at + ": patterns of namespaces are not decided"
			}
		}
		p.nsSel = newSelector([]requirement{{nameLabel, "In", f.strs("namespaces")}})
	}
	if f.has("ipBlocks") {
		var addrs reach.Addrs
		for _, b := range f.strs("ipBlocks") {
			if !strings.Contains(b, "/") {
				b += map[bool]string{true: "/128", false: "/32"}[strings.Contains(b, ":")]
			}
			addrs = addrs.Union(f.cidr(b))
		}
		p.addrs = &addrs
	}
	if !f.has("namespaces") && !f.has("ipBlocks") {
		p = peer{all: true}
	}
	for _, key := range []string{"principals", "serviceAccounts"} {
		if f.has(key) {
			p.all, p.inMesh = false, true
			return istioAccounts(f, key, p, why)
		}
	}
	return []peer{p}, why
}

func istioPorts(f fields) (reach.Ports, string) {
	f.only("hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths")
	why := ""
	ports := reach.AllOf(reach.TCP)
	for k := range f.m {
		if k != "ports" && k != "notPorts" {
			why = f.at + ": " + k + " asks for a request"
		}
	}
	read := func(key string) (out reach.Ports) {
		for _, text := range f.strs(key) {
			one, err := reach.ParsePort("tcp/" + text)
			if err != nil {
				f.fault("%s: %v", key, err)
			}
			out = out.Union(one)
		}
		return out
	}
	if f.has("ports") {
		ports = read("ports")
	}
	return ports.Minus(read("notPorts")), why
}
