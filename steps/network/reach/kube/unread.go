package kube

import (
	"slices"
	"strings"
)

// Unread says that the objects of a kind could not be listed, in a namespace
// or, if it is empty, anywhere; why says how that came. Whatever such objects
// might decide is Unknown from then on. Group is the API group, empty for the
// core's, and "*" is every kind of a group. Kinds that have nothing to do with reachability are passed over.
func (c *Cluster) Unread(group, kind, ns, why string) {
	why = strings.TrimSpace(kind + " could not be read: " + why)
	if kind == "*" { // a whole group did not answer
		if edgeGroups[group] {
			c.edge.unread = append(c.edge.unread, why)
		}
		if policyGroups[group] {
			c.policies = append(c.policies, opaque(called(group, "policies"), ns, "that were not read", why))
		}
		if edgeGroups[group] || policyGroups[group] {
			c.problems = append(c.problems, why)
		}
		return
	}
	switch {
	case policyGroup(group, kind) || readers[group+"/"+kind] != nil && policyKinds[kind]:
		c.policies = append(c.policies, opaque(called(group, kind), ns, "that were not read", why))
	case c.unsure(group, kind, ns, "", why):
	case readers[group+"/"+kind] == nil:
		return
	default: // pods, nodes, namespaces, workloads
		c.policies = append(c.policies, opaque(kind, "", "that were not read", why))
	}
	c.problems = append(c.problems, why)
}

// unsure notes that an object that hands connections on, or with an empty name
// any of its kind, was not understood or not read. It says whether the kind is
// one of those; they make nothing but ways through them unsure.
func (c *Cluster) unsure(group, kind, ns, name, why string) bool {
	id := inDefault(ns) + "/" + name
	entryKinds := map[string]string{"networking.k8s.io/Ingress": "ingress ", "extensions/Ingress": "ingress ", "route.openshift.io/Route": "route ", gatewayGroup + "/Gateway": "gateway ", "networking.istio.io/Gateway": "istio gateway "}
	switch full := group + "/" + kind; {
	case full == "/Service" && name != "":
		c.services[id] = &service{ns: inDefault(ns), name: name, broken: why}
	case full == "/Endpoints" && name != "":
		c.endpoints[id] = append(c.endpoints[id], &endpoints{broken: why})
	case entryKinds[full] != "" && name != "":
		c.edge.entries[entryKinds[full]+id] = &entry{id: entryKinds[full] + id, kind: strings.TrimSpace(entryKinds[full]), ns: inDefault(ns), name: name, broken: why}
	case kind == "ReferenceGrant":
		c.edge.perhaps[kind] = why
	case full == "networking.k8s.io/IngressClass" || full == gatewayGroup+"/GatewayClass" || full == "elbv2.k8s.aws/IngressClassParams":
		// Without it the controller is not known, which is said where it counts.
		delete(c.edge.classes, kind+" "+name)
	case full == "discovery.k8s.io/EndpointSlice", full == "/Service", full == "/Endpoints", entryKinds[full] != "",
		group == gatewayGroup && strings.HasSuffix(kind, "Route"), full == "networking.istio.io/VirtualService":
		c.edge.unread = append(c.edge.unread, why)
		// What its reader made of it does not count.
		c.edge.routes = slices.DeleteFunc(c.edge.routes, func(r *route) bool { return r.kind == kind && r.ns == inDefault(ns) && r.name == name })
	default:
		return false
	}
	return true
}
