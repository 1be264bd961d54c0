package kube

import (
	"net/netip"
	"sort"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// carrier is who carries an entry's connections: pods of the cluster, or
// something of the cloud's.
type carrier struct {
	// Pods by workload. Which of several workloads it is is not known; within
	// one any pod will do.
	groups  [][]point
	unknown string // why nobody knows who

	cloud     bool
	public    reach.Answer // whether it has a public address
	publicWhy string
	sources   *reach.Addrs // who may connect; nil: anybody
	hold      reach.Answer // whether it is known to hold to that
	holdWhy   string
	appears   seen // as whom pods see it
}

// controllers are the labels of the pods that carry what a controller is told,
// by the beginning of the name that classes call it by. A pod that has all of
// one set of labels is one.
var controllers = []struct {
	name   string
	labels []map[string]string
}{
	{"k8s.io/ingress-nginx", []map[string]string{{"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}, {"app": "ingress-nginx"}, {"app": "nginx-ingress", "component": "controller"}}},
	{"nginx.org/ingress-controller", []map[string]string{{"app.kubernetes.io/name": "nginx-ingress"}, {"app": "nginx-ingress"}, {"app": "nginx-ingress-controller"}}},
	{"traefik.io/", []map[string]string{{"app.kubernetes.io/name": "traefik"}, {"app": "traefik"}, {"k8s-app": "traefik-ingress-lb"}}},
	{"haproxy.org/ingress-controller", []map[string]string{{"app.kubernetes.io/name": "kubernetes-ingress"}, {"run": "haproxy-ingress"}}},
	{"haproxy-ingress.github.io/controller", []map[string]string{{"app.kubernetes.io/name": "haproxy-ingress"}, {"run": "haproxy-ingress"}}},
	// Contour tells; Envoy carries.
	{"projectcontour.io/", []map[string]string{{"app": "envoy"}, {"app.kubernetes.io/name": "contour", "app.kubernetes.io/component": "envoy"}}},
	{"ingress-controllers.konghq.com/kong", []map[string]string{{"app.kubernetes.io/name": "kong", "app.kubernetes.io/component": "app"}, {"app.kubernetes.io/name": "gateway"}, {"app": "ingress-kong"}, {"app": "proxy-kong"}}},
	{"konghq.com/", []map[string]string{{"app.kubernetes.io/name": "kong", "app.kubernetes.io/component": "app"}, {"app": "proxy-kong"}}},
	{"istio.io/ingress-controller", []map[string]string{{"istio": "ingressgateway"}}},
	{"openshift.io/ingress-to-route", []map[string]string{{"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"}}},
}

// byName is the controllers that classes of these names are for, where no
// IngressClass was read.
var byName = map[string]string{
	"nginx": "k8s.io/ingress-nginx", "traefik": "traefik.io/", "haproxy": "haproxy-ingress.github.io/controller", "contour": "projectcontour.io/", "kong": "ingress-controllers.konghq.com/kong",
	"istio": "istio.io/ingress-controller", "openshift-default": "openshift.io/ingress-to-route", "alb": albController, "gce": "gce", "gce-internal": "gce-internal", "azure/application-gateway": azureController, "azure-application-gateway": azureController,
}

const (
	albController   = "ingress.k8s.aws/alb"
	albGateway      = "gateway.k8s.aws/alb"
	azureController = "azure/application-gateway"
	gkeGateway      = "networking.gke.io/gateway"
)

// carrier finds who carries an entry's connections.
func (e *Engine) carrier(n *entry) carrier {
	c, ok := e.carried[n]
	if !ok {
		c = e.findCarrier(n)
		e.carried[n] = c
	}
	return c
}

func (e *Engine) findCarrier(n *entry) carrier {
	if n.broken != "" {
		return carrier{unknown: n.broken}
	}
	if n.workload != nil {
		return e.carriedBy("the gateway's selector", "", n.workload)
	}
	name, params, why := e.controllerOf(n)
	if why != "" {
		return carrier{unknown: why}
	}
	if n.kind == "gateway" {
		// Whoever makes a gateway's pods labels them by its name.
		for _, labels := range []map[string]string{{gatewayGroup + "/gateway-name": n.name}, {"projectcontour.io/owning-gateway-name": n.name}} {
			if c := e.carriedBy(name, n.ns, labels); c.unknown == "" {
				return c
			}
		}
		envoy := map[string]string{"gateway.envoyproxy.io/owning-gateway-name": n.name, "gateway.envoyproxy.io/owning-gateway-namespace": n.ns}
		if c := e.carriedBy(name, "", envoy); c.unknown == "" {
			return c
		}
	}
	switch {
	case name == albController || name == albGateway:
		return e.byALB(n, params)
	case name == "gce" || name == "gce-internal" || name == gkeGateway:
		return e.byGoogle(n, name)
	case name == azureController:
		return e.byAzure(n)
	}
	for _, k := range controllers {
		if strings.HasPrefix(name, k.name) {
			return e.carriedBy(name, "", k.labels...)
		}
	}
	return carrier{unknown: "which pods carry what the controller " + name + " is told is not known"}
}

// controllerOf is the name of the controller an entry is for.
func (e *Engine) controllerOf(n *entry) (name string, params *routeClass, why string) {
	kind, class := "IngressClass ", n.class
	if n.kind == "gateway" {
		kind = "GatewayClass "
	}
	if class == "" && n.kind == "ingress" {
		switch d := e.cluster.edge.defaults; len(d) {
		case 1:
			class = d[0]
		case 0:
			return "", nil, "the ingress names no class, and which controller takes it is not known"
		default:
			return "", nil, "the ingress names no class, and more than one is the default"
		}
	}
	k := e.cluster.edge.classes[kind+class]
	switch {
	case k != nil && k.params != "" && strings.HasPrefix(k.params, "IngressClassParams "):
		if params = e.cluster.edge.classes[k.params]; params == nil {
			return "", nil, "the " + k.params + " were not read"
		}
		return k.controller, params, ""
	case k != nil:
		return k.controller, nil, ""
	case kind == "IngressClass " && byName[class] != "":
		return byName[class], nil, ""
	case kind == "GatewayClass " && strings.HasPrefix(class, "gke-l7-"):
		return gkeGateway, nil, ""
	case kind == "GatewayClass " && class == "istio":
		return "istio.io/gateway-controller", nil, ""
	}
	return "", nil, "the " + kind + class + " was not read"
}

// carriedBy is the pods with any of some sets of labels, in a namespace if one
// is given.
func (e *Engine) carriedBy(name, ns string, sets ...map[string]string) carrier {
	groups := map[string][]point{}
	for i, c := range e.classes[:e.podClasses] {
		if ns != "" && c.namespace.name != ns {
			continue
		}
		for _, labels := range sets {
			if selectorOfLabels(labels).matches(c.labels, true) != reach.Yes {
				continue
			}
			for _, p := range c.pods {
				if p.Replicas > 0 {
					workload := c.namespace.name + "/" + p.Labels["app.kubernetes.io/instance"]
					groups[workload] = append(groups[workload], point{class: i, pod: p, text: "pod " + p.ID()})
				}
			}
			break
		}
	}
	if len(groups) == 0 {
		return carrier{unknown: "no pods were read that carry what " + name + " is told"}
	}
	var out carrier
	for _, g := range groups {
		sort.Slice(g, func(i, j int) bool { return g[i].text < g[j].text })
		out.groups = append(out.groups, g)
	}
	sort.Slice(out.groups, func(i, j int) bool { return out.groups[i][0].text < out.groups[j][0].text })
	return out
}

// byALB is AWS's application load balancer: internal unless told otherwise.
//
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
func (e *Engine) byALB(n *entry, params *routeClass) carrier {
	note := func(key string) string { return n.annotations["alb.ingress.kubernetes.io/"+key] }
	c := carrier{cloud: true, hold: reach.Yes}
	scheme := note("scheme")
	if params != nil && params.scheme != "" {
		scheme = params.scheme
	}
	switch {
	case scheme == "internet-facing":
		c.public = reach.Yes
	case scheme == "internal" || scheme == "" && n.kind == "ingress":
		c.public = reach.No
	default:
		c.publicWhy = "whether the load balancer is internal is not known"
	}
	var bad []string
	if text := note("inbound-cidrs"); text != "" {
		in, f := reach.Addrs{}, fields{at: n.id, bad: &bad}
		for _, one := range strings.Split(text, ",") {
			in = in.Union(f.cidr(strings.TrimSpace(one)))
		}
		c.sources = &in
	}
	if params != nil && params.sources != nil {
		c.sources = params.sources
	}
	if note("security-groups") != "" || len(bad) > 0 {
		c.hold, c.holdWhy = reach.Unknown, "its security groups are given by name, and then inbound-cidrs does not count"
	}
	e.asPrivate(&c.appears)
	if note("target-type") != "ip" {
		e.asNode(&c.appears) // over a port of the nodes
	}
	c.appears.why = "the load balancer connects in its own name, and which of its subnets' addresses it has is not known"
	c.settle(n)
	return c
}

// byGoogle is Google's load balancer. Its proxies connect from two blocks if it
// is external, and from a subnet of the network's if it is not.
//
// https://cloud.google.com/load-balancing/docs/firewall-rules
func (e *Engine) byGoogle(n *entry, name string) carrier {
	c := carrier{cloud: true, public: reach.Yes, hold: reach.Yes}
	if name == "gce-internal" || strings.Contains(n.class, "rilb") || strings.Contains(n.class, "internal") {
		c.public = reach.No
		e.asPrivate(&c.appears)
	} else {
		e.asCells(&c.appears, reach.AddrsOf(netip.MustParsePrefix("35.191.0.0/16"), netip.MustParsePrefix("130.211.0.0/22")))
		if strings.Contains(n.class, "regional") {
			e.asPrivate(&c.appears)
		}
	}
	e.asNode(&c.appears)
	c.appears.why = "the load balancer connects from one of its proxies, or over a port of a node"
	c.settle(n)
	return c
}

func (e *Engine) byAzure(n *entry) carrier {
	c := carrier{cloud: true, hold: reach.Yes, publicWhy: "whether the application gateway has a public address is not known"}
	if n.annotations["appgw.ingress.kubernetes.io/use-private-ip"] == "true" {
		c.public = reach.No
	}
	e.asPrivate(&c.appears)
	c.appears.why = "the application gateway connects from its own subnet"
	c.settle(n)
	return c
}

// settle lets the addresses that a status tells decide whether a carrier is
// public.
func (c *carrier) settle(n *entry) {
	if len(n.ips) > 0 {
		found := reach.Is(anyPublic(n.ips))
		if c.public != reach.Unknown && found != c.public {
			c.public, c.publicWhy = reach.Unknown, "the addresses of "+n.id+" and what it asks for contradict each other"
			return
		}
		c.public = found
	}
	if c.public == reach.No {
		c.publicWhy = "the load balancer is internal"
	}
}

// asCells adds addresses outside.
func (e *Engine) asCells(s *seen, addrs reach.Addrs) {
	if s.cells == nil {
		s.cells = reach.NewBits(len(e.classes))
	}
	for _, p := range e.cellPoints(addrs, "") {
		s.cells.Set(p.class)
	}
}
