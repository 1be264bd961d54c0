package kube

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// somewhere draws a small cluster. Few names and numbers, so that policies
// meet.
type somewhere struct {
	t          *rapid.T
	namespaces map[string]map[string]string
	objects    []dict
	pods       []dict
	policies   []dict
	n          int
}

func (s *somewhere) pick(of ...string) string { return rapid.SampledFrom(of).Draw(s.t, "pick") }
func (s *somewhere) coin() bool               { return rapid.Bool().Draw(s.t, "coin") }
func (s *somewhere) upTo(n int) int           { return rapid.IntRange(0, n).Draw(s.t, "n") }

func (s *somewhere) selector(keys ...string) dict {
	sel := dict{}
	switch s.upTo(4) {
	case 0:
	case 1, 2:
		sel["matchLabels"] = dict{s.pick(keys...): s.pick("a", "b")}
	case 3:
		sel["matchExpressions"] = []any{dict{"key": s.pick(keys...), "operator": s.pick("In", "NotIn"), "values": []any{s.pick("a", "b"), s.pick("b", "c")}}}
	case 4:
		sel["matchExpressions"] = []any{dict{"key": s.pick(keys...), "operator": s.pick("Exists", "DoesNotExist")}}
	}
	return sel
}

var blocks = []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/30", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.3/32", "192.0.2.0/24", "192.0.2.128/25"}

func (s *somewhere) list(atLeast, atMost int, make func() any) []any {
	out := []any{}
	for range atLeast + s.upTo(atMost-atLeast) {
		out = append(out, make())
	}
	return out
}

func (s *somewhere) networkPeer() any {
	switch s.upTo(3) {
	case 0:
		block := dict{"cidr": s.pick(blocks...)}
		if p := netip.MustParsePrefix(block["cidr"].(string)); p.Bits() <= 24 {
			var inside []any
			for _, b := range blocks {
				if q := netip.MustParsePrefix(b); q.Bits() > p.Bits() && p.Contains(q.Addr()) && s.coin() {
					inside = append(inside, b)
				}
			}
			if inside != nil {
				block["except"] = inside
			}
		}
		return dict{"ipBlock": block}
	case 1:
		return dict{"podSelector": s.selector("app", "tier")}
	case 2:
		return dict{"namespaceSelector": s.selector("team", nameLabel)}
	}
	return dict{"podSelector": s.selector("app", "tier"), "namespaceSelector": s.selector("team")}
}

func (s *somewhere) networkPort() any {
	p := dict{}
	if s.coin() {
		p["protocol"] = s.pick("TCP", "UDP", "SCTP")
	}
	switch s.upTo(3) {
	case 0:
	case 1:
		p["port"] = s.pick("http", "dns")
	case 2:
		p["port"] = 79 + s.upTo(3)
	case 3:
		p["port"] = 79 + s.upTo(3)
		p["endPort"] = p["port"].(int) + s.upTo(2)
	}
	return p
}

func (s *somewhere) networkPolicy() dict {
	rules := func(peers string) func() any {
		return func() any {
			r := dict{}
			if s.coin() {
				r[peers] = s.list(0, 2, s.networkPeer)
			}
			if s.coin() {
				r["ports"] = s.list(0, 2, s.networkPort)
			}
			return r
		}
	}
	spec := dict{"podSelector": s.selector("app", "tier")}
	if s.coin() {
		spec["ingress"] = s.list(0, 2, rules("from"))
	}
	if s.coin() {
		spec["egress"] = s.list(0, 2, rules("to"))
	}
	switch s.upTo(3) {
	case 0:
		spec["policyTypes"] = []any{"Ingress"}
	case 1:
		spec["policyTypes"] = []any{"Egress"}
	case 2:
		spec["policyTypes"] = []any{"Ingress", "Egress"}
	}
	return s.object("networking.k8s.io/v1", "NetworkPolicy", s.pick("x", "y", "z"), spec)
}

func (s *somewhere) object(version, kind, ns string, spec dict) dict {
	s.n++
	meta := dict{"name": fmt.Sprint("p", s.n)}
	if ns != "" {
		meta["namespace"] = ns
	}
	return dict{"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
}

func (s *somewhere) adminPods() dict {
	if s.coin() {
		return dict{"namespaces": s.selector("team")}
	}
	return dict{"pods": dict{"namespaceSelector": s.selector("team"), "podSelector": s.selector("app")}}
}

func (s *somewhere) adminPolicy() dict {
	kind := s.pick("AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy")
	cluster := kind == "ClusterNetworkPolicy"
	spec := dict{"subject": s.adminPods()}
	actions := []string{"Allow", "Deny", "Pass"}
	switch {
	case cluster:
		actions[0] = "Accept"
		spec["tier"] = s.pick("Admin", "Baseline")
	case kind == "BaselineAdminNetworkPolicy":
		actions = actions[:2]
	}
	if kind != "BaselineAdminNetworkPolicy" {
		spec["priority"] = s.upTo(3)
	}
	rules := func(peers string) func() any {
		return func() any {
			r := dict{"action": s.pick(actions...), peers: s.list(1, 2, func() any {
				if peers == "to" && s.upTo(2) == 0 {
					return dict{"networks": []any{s.pick(blocks...), s.pick(blocks...)}}
				}
				return s.adminPods()
			})}
			if s.coin() {
				key, port := "ports", s.adminPort
				if cluster {
					key, port = "protocols", s.clusterPort
				}
				r[key] = s.list(1, 2, port)
			}
			return r
		}
	}
	spec["ingress"], spec["egress"] = s.list(0, 2, rules("from")), s.list(0, 2, rules("to"))
	version := "policy.networking.k8s.io/v1alpha1"
	if cluster {
		version = "policy.networking.k8s.io/v1alpha2"
	}
	return s.object(version, kind, "", spec)
}

func (s *somewhere) adminPort() any {
	switch s.upTo(2) {
	case 0:
		return dict{"namedPort": s.pick("http", "dns")}
	case 1:
		return dict{"portNumber": dict{"protocol": s.pick("TCP", "UDP"), "port": 79 + s.upTo(3)}}
	}
	lo := 79 + s.upTo(3)
	return dict{"portRange": dict{"protocol": s.pick("TCP", "UDP"), "start": lo, "end": lo + s.upTo(2)}}
}

func (s *somewhere) clusterPort() any {
	if s.upTo(3) == 0 {
		return dict{"destinationNamedPort": s.pick("http", "dns")}
	}
	lo := 79 + s.upTo(3)
	port := dict{}
	switch s.upTo(2) {
	case 0:
		port["destinationPort"] = dict{"number": lo}
	case 1:
		port["destinationPort"] = dict{"range": dict{"start": lo, "end": lo + s.upTo(2)}}
	}
	return dict{s.pick("tcp", "udp", "sctp"): port}
}

// draw makes a cluster. With doubt, some pods are on the host's network and
// priorities may be equal; without, the answer is never Unknown.
func draw(t *rapid.T, doubt bool) *somewhere {
	s := &somewhere{t: t, namespaces: map[string]map[string]string{}}
	for _, ns := range []string{"x", "y", "z"} {
		labels := dict{nameLabel: ns}
		if s.coin() {
			labels["team"] = s.pick("a", "b")
		}
		s.namespaces[ns] = map[string]string{}
		for k, v := range labels {
			s.namespaces[ns][k] = v.(string)
		}
		s.objects = append(s.objects, dict{"apiVersion": "v1", "kind": "Namespace", "metadata": dict{"name": ns, "labels": labels}})
	}
	for i := range 2 + s.upTo(4) {
		labels := dict{}
		for _, k := range []string{"app", "tier"} {
			if s.coin() {
				labels[k] = s.pick("a", "b")
			}
		}
		spec := dict{"containers": []any{dict{"name": "c", "ports": []any{
			dict{"name": "http", "containerPort": 80 + s.upTo(1)},
			dict{"name": "dns", "containerPort": 80, "protocol": s.pick("TCP", "UDP")},
		}}}}
		if doubt && s.upTo(3) == 0 {
			spec["hostNetwork"], spec["nodeName"] = true, fmt.Sprint("far", i)
		} else {
			spec["nodeName"] = fmt.Sprint("n", i)
		}
		s.pods = append(s.pods, dict{"apiVersion": "v1", "kind": "Pod",
			"metadata": dict{"name": fmt.Sprint("pod", i), "namespace": s.pick("x", "y", "z"), "labels": labels},
			"spec":     spec, "status": dict{"podIP": fmt.Sprint("10.0.0.", i+1)}})
	}
	s.objects = append(s.objects, s.pods...)
	taken := map[string]bool{}
	for range s.upTo(5) {
		p := s.networkPolicy()
		if s.coin() {
			p = s.adminPolicy()
			if spec := p["spec"].(dict); !doubt {
				tier := "Admin"
				if p["kind"] == "BaselineAdminNetworkPolicy" || spec["tier"] == "Baseline" {
					tier = "Baseline"
				}
				key := fmt.Sprint(tier, spec["priority"])
				if spec["priority"] == nil {
					key = "Baseline0"
				}
				if taken[key] {
					continue
				}
				taken[key] = true
			}
		}
		s.policies = append(s.policies, p)
	}
	return s
}

func (s *somewhere) cluster(policies []dict) *Cluster {
	c := NewCluster()
	for _, o := range append(append([]dict(nil), s.objects...), policies...) {
		if err := c.Add("drawn", o); err != nil {
			s.t.Fatalf("%v\n%v", o, err)
		}
	}
	return c
}

var outsiders = []string{"192.0.2.1", "192.0.2.200", "10.0.0.99", "8.8.8.8"}

// agree compares every packet between every pair. Without doubt the answers
// are the same; with it, a sure answer holds in every world.
func agree(t *rapid.T, e *Engine, o oracle, doubt bool) {
	type end struct {
		end End
		pod *Pod
		ip  netip.Addr
	}
	var ends []end
	for _, p := range e.cluster.Pods() {
		ends = append(ends, end{PodEnd(p.ID()), p, p.IPs[0]})
	}
	for _, a := range outsiders {
		ip := netip.MustParseAddr(a)
		ends = append(ends, end{AddrEnd(reach.AddrOf(ip)), nil, ip})
	}
	for _, src := range ends {
		for _, dst := range ends {
			r, err := e.Can(src.end, dst.end, reach.Ports{})
			if err != nil {
				t.Fatal(err)
			}
			for _, proto := range []string{"TCP", "UDP", "SCTP"} {
				number, _ := reach.ParseProtocol(proto)
				for port := 78; port <= 85; port++ {
					want := o.everyWorld(packet{src.ip, dst.ip, src.pod, dst.pod, proto, port})
					got := reach.No
					if r.Ports.Has(number, uint16(port)) {
						got = reach.Yes
					} else if r.Maybe.Has(number, uint16(port)) {
						got = reach.Unknown
					}
					if got != want && !(doubt && got == reach.Unknown) {
						t.Fatalf("%v -> %v %s/%d: engine %v, oracle %v\n%+v\npolicies %v", src.ip, dst.ip, proto, port, got, want, r, o.policies)
					}
					// The explanation must come to the same end.
					if port == 80 && got != reach.Unknown {
						one, _ := e.Can(src.end, dst.end, reach.Port(number, 80))
						explained(t, one, got)
					}
				}
			}
		}
	}
}

// explained fails unless the things named can have led to the answer.
func explained(t *rapid.T, r Result, want reach.Answer) {
	if r.Reachable != want || len(r.Because) == 0 && len(r.Path) == 0 {
		t.Fatalf("told %+v, want %v", r, want)
	}
	if want == reach.No {
		for _, b := range r.Because {
			if b.Effect == "denies" || b.Effect == "isolates the pod, and no rule allows this" {
				return
			}
		}
		t.Fatalf("nothing named blocks: %+v", r)
	}
	for _, b := range r.Because {
		if b.Effect == "denies" && b.Reason == "" {
			t.Fatalf("a rule that denies is named for a yes: %+v", r)
		}
	}
}

func TestEngineAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, false)
		agree(t, New(s.cluster(s.policies)), oracle{namespaces: s.namespaces, policies: s.policies}, false)
	})
}

func TestSureAnswersHoldInEveryWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, true)
		agree(t, New(s.cluster(s.policies)), oracle{namespaces: s.namespaces, policies: s.policies}, true)
	})
}

// Changing policies one at a time comes to the same as starting anew.
func TestChangedPoliciesAreDecidedAsIfNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, false)
		e := New(s.cluster(nil))
		e.Matrix() // so that there is old work to keep
		for _, p := range s.policies {
			if err := e.Apply("drawn", p); err != nil {
				t.Fatal(err)
			}
			e.Matrix()
		}
		left := s.policies
		if len(left) > 0 {
			if !e.Delete(policyID(left[0])) {
				t.Fatalf("%s is not there", policyID(left[0]))
			}
			left = left[1:]
		}
		agree(t, e, oracle{namespaces: s.namespaces, policies: left}, false)
	})
}

// The matrix and the flows say of each pair what Can says.
func TestFlowsAreWhatCanSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw(t, true)
		e := New(s.cluster(s.policies))
		n := e.Classes()
		sure, may := make([]reach.Ports, n*n), make([]reach.Ports, n*n)
		for f := range e.Flows {
			for i := range f.From.All {
				for j := range f.To.All {
					if may[i*n+j].Overlaps(f.Ports) {
						t.Fatalf("classes %d and %d meet twice on %v", i, j, f.Ports)
					}
					may[i*n+j] = may[i*n+j].Union(f.Ports)
					if f.SureFrom.Has(i) && f.SureTo.Has(j) {
						sure[i*n+j] = sure[i*n+j].Union(f.Ports)
					}
				}
			}
		}
		sureM, mayM := e.Matrix()
		for i := range n {
			for j := range n {
				if i >= e.podClasses && j >= e.podClasses {
					continue
				}
				yes, perhaps := e.pair(point{class: i}, point{class: j})
				if !yes.Equal(sure[i*n+j]) || !perhaps.Equal(may[i*n+j]) {
					t.Fatalf("classes %d -> %d: flows %v / %v, pair %v / %v", i, j, sure[i*n+j], may[i*n+j], yes, perhaps)
				}
				if sureM[i].Has(j) != !yes.IsEmpty() || mayM[i].Has(j) != !perhaps.IsEmpty() {
					t.Fatalf("classes %d -> %d: matrix %v / %v, pair %v / %v", i, j, sureM[i].Has(j), mayM[i].Has(j), yes, perhaps)
				}
			}
		}
	})
}
