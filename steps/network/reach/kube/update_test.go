package kube

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func TestApply(t *testing.T) {
	e := New(readAll(t, []byte(town)))
	ask := func() string {
		r, err := e.Can(PodEnd("other/stranger"), PodEnd("default/db"), reach.Port(reach.TCP, 80))
		if err != nil {
			t.Fatal(err)
		}
		return r.Reachable.String()
	}
	policy := func(spec dict) dict {
		return dict{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": dict{"name": "p", "namespace": "default"}, "spec": spec}
	}
	if got := ask(); got != "yes" {
		t.Fatalf("without a policy: %s", got)
	}
	if err := e.Apply("new", policy(dict{"podSelector": dict{}})); err != nil || ask() != "no" {
		t.Errorf("isolated: %v, %s", err, ask())
	}
	open := dict{"podSelector": dict{}, "ingress": []any{dict{"from": []any{dict{"ipBlock": dict{"cidr": "172.17.2.0/24"}}}}}}
	if err := e.Apply("changed", policy(open)); err != nil || ask() != "yes" {
		t.Errorf("open to a block nobody knew: %v, %s", err, ask())
	}
	if err := e.Apply("broken", policy(dict{"podSelector": dict{}, "ingress": []any{1}})); err == nil || ask() != "unknown" {
		t.Errorf("not understood: %v, %s", err, ask())
	}
	if !e.Delete("NetworkPolicy default/p") || e.Delete("NetworkPolicy default/p") || ask() != "yes" {
		t.Errorf("deleted: %s", ask())
	}
	err := e.Apply("a pod", dict{"apiVersion": "v1", "kind": "Pod"})
	if err == nil || !strings.Contains(err.Error(), "hint: ") || len(e.cluster.Pods()) != 5 {
		t.Errorf("a pod is no policy: %v", err)
	}
}

// A policy put in place later selects sets of networks whose edges no other
// policy drew.
func TestApplySelectsSets(t *testing.T) {
	e := New(readAll(t, []byte(town+calicoSetText)))
	err := e.Apply("new", dict{"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": dict{"name": "p"}, "spec": dict{
		"selector": "role == 'db'", "types": []any{"Ingress"}, "ingress": []any{dict{"action": "Allow", "source": dict{"selector": "kind == 'trusted'"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]reach.Answer{"198.51.100.7": reach.Yes, "198.51.101.7": reach.No, "10.0.0.1": reach.No} {
		r, err := e.Can(endOf(t, addr), PodEnd("default/db"), reach.Port(reach.TCP, 1))
		if err != nil || r.Reachable != want {
			t.Errorf("%s: %v, want %v (%v)", addr, r.Reachable, want, err)
		}
	}
	if err := e.Apply("a set", dict{"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet", "metadata": dict{"name": "s"}}); err == nil {
		t.Error("a set is no policy that can be put in place alone")
	}
}
