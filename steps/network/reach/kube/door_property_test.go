package kube

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// drawnService is a service as the oracle sees it.
type drawnService struct {
	object   dict
	ns       string
	app      string
	kind     string
	local    bool
	internal bool
	ranges   string
	target   any // number or name
	noPods   bool
	slice    []string // addresses, if it selects nothing
}

// doors are nodes, services and an Ingress before a drawn cluster.
type doors struct {
	*somewhere
	nodes    []netip.Addr // each node's addresses, the public one last
	public   bool
	nodeOf   map[string][]netip.Addr
	services []drawnService
	ingress  int // which service the Ingress leads to
	carriers []string
}

func drawDoors(t *rapid.T) *doors {
	d := &doors{somewhere: draw(t, false), nodeOf: map[string][]netip.Addr{}}
	for i := range 2 + d.upTo(1) { // carriers of Ingresses
		name := fmt.Sprint("nginx", i)
		labels := dict{"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}
		if d.coin() {
			labels["app"] = d.pick("a", "b")
		}
		pod := dict{"apiVersion": "v1", "kind": "Pod", "metadata": dict{"name": name, "namespace": "z", "labels": labels},
			"spec": dict{"nodeName": fmt.Sprint("c", i), "containers": []any{dict{"name": "c"}}}, "status": dict{"podIP": fmt.Sprint("10.0.0.", 20+i)}}
		d.pods, d.objects, d.carriers = append(d.pods, pod), append(d.objects, pod), append(d.carriers, "z/"+name)
	}
	for i, p := range d.pods {
		name := sub(p, "spec")["nodeName"].(string)
		ips := []netip.Addr{netip.MustParseAddr(fmt.Sprint("10.0.0.", 7+i%3))}
		if d.upTo(5) == 0 {
			ips = append(ips, netip.MustParseAddr(fmt.Sprint("192.0.2.", 126+i)))
			d.public = true
		}
		addrs := []any{dict{"type": "InternalIP", "address": ips[0].String()}}
		if len(ips) > 1 {
			addrs = append(addrs, dict{"type": "ExternalIP", "address": ips[1].String()})
		}
		d.nodeOf[name] = ips
		d.objects = append(d.objects, dict{"apiVersion": "v1", "kind": "Node", "metadata": dict{"name": name}, "spec": dict{"providerID": "gce://x/" + name}, "status": dict{"addresses": addrs}})
	}
	for i := range 1 + d.upTo(2) {
		d.service(fmt.Sprint("s", i))
	}
	d.ingress = d.upTo(len(d.services) - 1)
	back := d.services[d.ingress]
	d.objects = append(d.objects,
		dict{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": dict{"name": "nginx"}, "spec": dict{"controller": "k8s.io/ingress-nginx"}},
		dict{"apiVersion": "v1", "kind": "Service", "metadata": dict{"name": "nginx", "namespace": "z"}, "spec": dict{"type": "LoadBalancer", "externalTrafficPolicy": "Local", "allocateLoadBalancerNodePorts": false, "clusterIP": "172.30.0.9",
			"selector": dict{"app.kubernetes.io/name": "ingress-nginx"}, "ports": []any{dict{"port": 80, "targetPort": 80}}}},
		dict{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": dict{"name": "i", "namespace": back.ns}, "spec": dict{"ingressClassName": "nginx",
			"defaultBackend": dict{"service": dict{"name": sub(back.object, "metadata")["name"], "port": dict{"number": 8000}}}}})
	return d
}

func (d *doors) service(name string) {
	s := drawnService{ns: d.pick("x", "y", "z"), app: d.pick("a", "b"), kind: d.pick("ClusterIP", "NodePort", "LoadBalancer"), local: d.coin(), internal: d.coin(), target: 80}
	if d.coin() {
		s.target = d.pick("http", "dns")
	}
	port := dict{"port": 8000, "targetPort": s.target}
	spec := dict{"type": s.kind, "clusterIP": "172.30.0.5", "selector": dict{"app": s.app}, "ports": []any{port}}
	if s.local {
		spec["externalTrafficPolicy"] = "Local"
	}
	if s.kind != "ClusterIP" {
		port["nodePort"] = 30080
	}
	meta := dict{"name": name, "namespace": s.ns}
	if s.kind == "LoadBalancer" {
		meta["annotations"] = dict{"networking.gke.io/load-balancer-type": map[bool]string{true: "Internal", false: "External"}[s.internal]}
		if d.coin() {
			s.ranges = d.pick("192.0.2.0/24", "10.0.0.0/8", "8.8.8.8/32")
			spec["loadBalancerSourceRanges"] = []any{s.ranges}
		}
	}
	s.object = dict{"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
	d.objects = append(d.objects, s.object)
	if d.upTo(3) == 0 {
		// Endpoints of its own: a pod, a node's address, something outside.
		delete(spec, "selector")
		s.noPods, s.target = true, 80
		for _, a := range []string{"10.0.0.1", "192.0.2.1", "8.8.8.8"} {
			if d.coin() {
				s.slice = append(s.slice, a)
			}
		}
		if s.slice != nil {
			var list []any
			for _, a := range s.slice {
				list = append(list, dict{"addresses": []any{a}})
			}
			d.objects = append(d.objects, dict{"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": dict{"name": name, "namespace": s.ns, "labels": dict{serviceOf: name}},
				"addressType": "IPv4", "ports": []any{dict{"port": 80}}, "endpoints": list})
		}
	}
	d.services = append(d.services, s)
}

// client is who dials: a pod or an address.
type client struct {
	pod *Pod
	ip  netip.Addr
}

// doorOracle decides one dial at a time, in every way in which what nobody
// knows may turn out.
type doorOracle struct {
	oracle
	*doors
	pods map[string]*Pod
}

// outcomes are those a dial may have.
type outcomes struct{ yes, no bool }

func (o outcomes) answer() reach.Answer {
	switch {
	case o.yes && o.no:
		return reach.Unknown
	case o.yes:
		return reach.Yes
	}
	return reach.No
}

// both is one thing and another, each perhaps.
func (o outcomes) both(p outcomes) outcomes { return outcomes{o.yes && p.yes, o.no || p.no} }

// either is one way or another.
func (o outcomes) either(p outcomes) outcomes { return outcomes{o.yes || p.yes, o.no && p.no} }

func one(b bool) outcomes { return outcomes{b, !b} }

type targetPort struct {
	pod   *Pod
	ip    netip.Addr
	proto string
	port  int
}

func (o doorOracle) behind(s drawnService) []targetPort {
	var out []targetPort
	if s.noPods {
		for _, a := range s.slice {
			t := targetPort{ip: netip.MustParseAddr(a), proto: "TCP", port: 80}
			for _, p := range o.pods {
				if p.IPs[0] == t.ip {
					t.pod = p
				}
			}
			out = append(out, t)
		}
		return out
	}
	for _, p := range o.pods {
		if p.Namespace != s.ns || p.Labels["app"] != s.app {
			continue
		}
		for port := 78; port < 86; port++ {
			if port == s.target || fmt.Sprint(s.target) != "80" && has(p, fmt.Sprint(s.target), "TCP", port) {
				out = append(out, targetPort{p, p.IPs[0], "TCP", port})
			}
		}
	}
	return out
}

// open is a client's connection to one pod behind a service, as itself.
func (o doorOracle) open(c client, t targetPort) bool {
	return o.allowed(packet{c.ip, t.ip, c.pod, t.pod, t.proto, t.port})
}

// masked is the same with the client's address hidden by any node's, or not.
func (o doorOracle) masked(c client, t targetPort, local bool) outcomes {
	out := one(o.open(c, t))
	if local {
		return out
	}
	for name, ips := range o.nodeOf {
		for _, ip := range ips {
			got := one(o.allowed(packet{ip, t.ip, nil, t.pod, t.proto, t.port}))
			if t.pod != nil && t.pod.Node == name {
				got = outcomes{true, got.no} // the pod's own node may always reach it
			}
			out = outcomes{out.yes || got.yes, out.no || got.no}
		}
	}
	return out
}

func isPublic(ip netip.Addr) bool { return !netip.MustParsePrefix("10.0.0.0/8").Contains(ip) }

// service is a dial of a service on its own port or the nodes'; carrier, if
// any, is the only pod that counts.
func (o doorOracle) service(s drawnService, c client, nodePort bool, carrier *Pod, targets []targetPort) outcomes {
	out := one(false)
	for _, t := range targets {
		if carrier != nil && t.pod != carrier {
			continue
		}
		if c.pod != nil {
			if !nodePort {
				out = out.either(one(o.open(c, t)))
			}
			continue
		}
		seen := o.masked(c, t, s.local)
		switch {
		case nodePort && s.kind != "ClusterIP":
			out = out.either(one(!isPublic(c.ip) || o.public).both(seen))
		case !nodePort:
			if s.kind == "LoadBalancer" {
				in := s.ranges == "" || netip.MustParsePrefix(s.ranges).Contains(c.ip)
				out = out.either(one(in && (!s.internal || !isPublic(c.ip))).both(seen))
			}
			if !isPublic(c.ip) { // the network may carry the service's address
				out = out.either(outcomes{true, true}.both(seen))
			}
		}
	}
	return out
}

// throughIngress is a dial of the Ingress.
func (o doorOracle) throughIngress(c client) outcomes {
	out := one(false)
	entry := drawnService{kind: "LoadBalancer", local: true}
	for _, id := range o.carriers {
		carrier := o.pods[id]
		first := one(false)
		if c.pod != nil {
			for port := 78; port < 86; port++ {
				first = first.either(one(o.open(c, targetPort{carrier, carrier.IPs[0], "TCP", port})))
			}
		} else {
			first = o.service(entry, c, false, carrier, []targetPort{{carrier, carrier.IPs[0], "TCP", 80}})
			for _, s := range o.services { // any other service before it will do
				for _, nodePort := range []bool{false, true} {
					first = first.either(o.service(s, c, nodePort, carrier, o.behind(s)))
				}
			}
		}
		for _, t := range o.behind(o.services[o.ingress]) {
			out = out.either(first.both(one(o.open(client{carrier, carrier.IPs[0]}, t))))
		}
	}
	return out
}

func TestDoorsAgreeWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDoors(t)
		e := New(d.cluster(d.policies))
		o := doorOracle{oracle{namespaces: d.namespaces, policies: d.policies}, d, map[string]*Pod{}}
		for _, p := range e.cluster.Pods() {
			o.pods[p.ID()] = p
		}
		ask := func(c client, to End, port uint16) Result {
			from := AddrEnd(reach.AddrOf(c.ip))
			if c.pod != nil {
				from = PodEnd(c.pod.ID())
			}
			r, err := e.Can(from, to, reach.Port(reach.TCP, port))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		check := func(c client, what string, r Result, want outcomes) {
			if r.Reachable != want.answer() {
				t.Fatalf("%v %v -> %s: engine %v, oracle %v\n%+v\n%v\n%v", c.pod, c.ip, what, r.Reachable, want.answer(), r, d.objects, d.policies)
			}
		}
		clients := []client{}
		for _, p := range e.cluster.Pods() {
			clients = append(clients, client{p, p.IPs[0]})
		}
		for _, a := range outsiders {
			clients = append(clients, client{nil, netip.MustParseAddr(a)})
		}
		for _, c := range clients {
			for i, s := range d.services {
				targets := o.behind(s)
				if s.noPods && s.slice == nil || !s.noPods && len(e.selectedPods(e.cluster.services[fmt.Sprintf("%s/s%d", s.ns, i)])) == 0 {
					continue // nothing is known behind it
				}
				to := ServiceEnd(fmt.Sprintf("%s/s%d", s.ns, i))
				check(c, to.text, ask(c, to, 8000), o.service(s, c, false, nil, targets))
				check(c, to.text+" by nodes", ask(c, to, 30080), o.service(s, c, true, nil, targets))
			}
			if s := d.services[d.ingress]; s.noPods && s.slice == nil || !s.noPods && len(e.selectedPods(e.cluster.services[fmt.Sprintf("%s/s%d", s.ns, d.ingress)])) == 0 {
				continue
			}
			check(c, "the ingress", ask(c, IngressEnd(d.services[d.ingress].ns+"/i"), 443), o.throughIngress(c))
			d.ways(t, e, o, c)
			if c.pod == nil {
				d.stretch(t, e, o, c.ip)
			}
		}
	})
}

// stretch holds that addresses of one stretch have the same answers, with and without
// reasons.
func (d *doors) stretch(t *rapid.T, e *Engine, o doorOracle, ip netip.Addr) {
	at, ok := e.Stretch(ip)
	if !ok {
		return
	}
	all := func(a netip.Addr) string {
		var out []any
		for _, id := range slices.Sorted(maps.Keys(o.pods)) {
			in, _ := e.Can(AddrEnd(reach.AddrOf(a)), PodEnd(id), reach.Ports{})
			back, _ := e.Can(PodEnd(id), AddrEnd(reach.AddrOf(a)), reach.Ports{})
			ways, err := e.Detours(AddrEnd(reach.AddrOf(a)), PodEnd(id), reach.Ports{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range append([]Result{in, back}, ways...) {
				out = append(out, id, r.Reachable, r.Ports, r.Maybe, r.Via)
			}
		}
		return fmt.Sprint(out...)
	}
	want := all(ip)
	var brief string
	if e.Brief(func() { brief = all(ip) }); brief != want {
		t.Fatalf("from %s with reasons:\n%s\nwithout:\n%s", ip, want, brief)
	}
	for _, other := range []netip.Addr{ip.Next(), ip.Prev(), netip.MustParseAddr("10.200.0.9"), netip.MustParseAddr("52.1.2.3"), netip.MustParseAddr("10.0.0.77")} {
		if i, ok := e.Stretch(other); ok && i == at {
			if got := all(other); got != want {
				t.Fatalf("%s and %s are of one stretch\n%s\n%s", ip, other, want, got)
			}
		}
	}
}

// ways holds Ways to Can: the first is the direct answer, and any that is
// surely open says by what.
func (d *doors) ways(t *rapid.T, e *Engine, o doorOracle, c client) {
	from := AddrEnd(reach.AddrOf(c.ip))
	if c.pod != nil {
		from = PodEnd(c.pod.ID())
	}
	entrances, err := e.Entrances(from, reach.AllOf(reach.TCP))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, in := range entrances {
		told[fmt.Sprint(in.Pod.ID(), in.Reachable, in.Ports, in.Maybe, in.Path)]++
	}
	for id := range o.pods {
		ways, err := e.Ways(from, PodEnd(id), reach.AllOf(reach.TCP))
		if err != nil {
			t.Fatal(err)
		}
		direct, _ := e.Can(from, PodEnd(id), reach.AllOf(reach.TCP))
		if ways[0].Reachable != direct.Reachable || len(ways[0].Via) != 0 {
			t.Fatalf("the direct way is %+v, Can says %+v", ways[0], direct)
		}
		for _, w := range ways[1:] {
			if w.Reachable != reach.No {
				told[fmt.Sprint(id, w.Reachable, w.Ports, w.Maybe, w.Path)]--
			}
			if len(w.Via) == 0 || w.Path[len(w.Path)-1] != "pod "+id || w.Reachable == reach.Yes && w.Ports.IsEmpty() {
				t.Fatalf("a way through nothing: %+v", w)
			}
		}
	}
	for what, n := range told {
		if n != 0 {
			t.Fatalf("%s is among entrances %d times more than among ways", what, n)
		}
	}
}
