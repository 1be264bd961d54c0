package kube

import (
	"sort"
	"strconv"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// readPeerAuthentication reads security.istio.io PeerAuthentication: under
// STRICT the proxy before a pod takes no connection from a client that is not
// in the mesh. A policy for some pods goes before one for their namespace, and
// that before the mesh's; a port's own mode goes before all.
//
// https://istio.io/latest/docs/reference/config/security/peer_authentication/
func readPeerAuthentication(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	spec.only("selector", "mtls", "portLevelMtls")
	p := &policy{id: "PeerAuthentication " + ns + "/" + name, chain: mutualTLS, subject: peer{namespace: ns, inMesh: true}, in: &side{isolates: reach.No}}
	sel := spec.obj("selector")
	sel.only("matchLabels")
	p.subject.podSel = sel.selectorOf()
	switch {
	case len(p.subject.podSel.reqs) > 0:
		p.tier = 1
	case ns != c.meshRoot:
		p.tier = 2
	default:
		p.tier, p.subject.namespace = 3, ""
	}
	ports := spec.obj("portLevelMtls")
	var numbers []string
	for n := range ports.m {
		numbers = append(numbers, n)
	}
	sort.Strings(numbers)
	for _, n := range numbers {
		number, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			ports.fault("%q is no port", n)
		}
		p.in.rules = append(p.in.rules, tlsRules(ports.obj(n), "portLevelMtls["+n+"]", reach.Port(reach.TCP, uint16(number)))...)
	}
	p.in.rules = append(p.in.rules, tlsRules(spec.obj("mtls"), "mtls", reach.AllOf(reach.TCP))...)
	c.policies = append(c.policies, p)
}

func tlsRules(f fields, name string, ports reach.Ports) []rule {
	f.only("mode")
	match := []portMatch{{ports: ports}}
	switch mode := f.str("mode"); mode {
	case "", "UNSET": // what the next wider policy says
		return nil
	case "PERMISSIVE", "DISABLE":
		return []rule{{name: name, action: allow, peers: everything(), ports: match}}
	case "STRICT":
		return []rule{
			{name: name, action: allow, peers: []peer{{inMesh: true, hostPods: reach.Unknown}}, ports: match},
			{name: name, action: deny, peers: everything(), ports: match},
		}
	default:
		f.fault("mode %q is none of UNSET, PERMISSIVE, STRICT, DISABLE", mode)
	}
	return nil
}
