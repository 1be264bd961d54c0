package kube

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func TestCyclonus(t *testing.T) {
	text, err := os.ReadFile("testdata/cyclonus.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	n := 0
	type pod struct {
		NS, Name, IP string
		Labels       map[string]string
	}
	type step struct {
		Name       string
		Namespaces map[string]map[string]string
		Pods       []pod
		Policies   []dict
		Allowed    string
	}
	var first step
	for lines.Scan() {
		var c step
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			first = c
		}
		if c.Pods == nil {
			c.Pods, c.Namespaces = first.Pods, first.Namespaces
		}
		k := NewCluster()
		add := func(o dict) {
			if err := k.Add(c.Name, o); err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
		}
		for name, labels := range c.Namespaces {
			add(dict{"apiVersion": "v1", "kind": "Namespace", "metadata": dict{"name": name, "labels": anyLabels(labels)}})
		}
		for _, p := range c.Pods {
			var ports []any
			for _, proto := range []string{"TCP", "UDP", "SCTP"} {
				for _, port := range []int{80, 81} {
					ports = append(ports, dict{"name": fmt.Sprintf("serve-%d-%s", port, strings.ToLower(proto)), "protocol": proto, "containerPort": port})
				}
			}
			add(dict{"apiVersion": "v1", "kind": "Pod", "metadata": dict{"name": p.Name, "namespace": p.NS, "labels": anyLabels(p.Labels)},
				"spec": dict{"nodeName": "n", "containers": []any{dict{"name": "c", "ports": ports}}}, "status": dict{"podIP": p.IP}})
		}
		for _, p := range c.Policies {
			p["apiVersion"], p["kind"] = "networking.k8s.io/v1", "NetworkPolicy"
			add(p)
		}
		want, err := hex.DecodeString(c.Allowed)
		if err != nil {
			t.Fatal(err)
		}
		e := New(k)
		bit := 0
		for _, src := range c.Pods {
			for _, dst := range c.Pods {
				r, err := e.Can(PodEnd(src.NS+"/"+src.Name), PodEnd(dst.NS+"/"+dst.Name), reach.Ports{})
				if err != nil {
					t.Fatal(err)
				}
				for _, proto := range []reach.Protocol{reach.TCP, reach.UDP, reach.SCTP} {
					for _, port := range []uint16{80, 81} {
						allowed := want[bit/8]&(1<<(bit%8)) != 0
						bit++
						// Its matcher binds a pod to itself, which Kubernetes does not.
						if got := r.Ports.Has(proto, port); r.Reachable == reach.Unknown || src.NS+src.Name != dst.NS+dst.Name && got != allowed {
							t.Errorf("%s: %s/%s -> %s/%s %v/%d: %v, want %v", c.Name, src.NS, src.Name, dst.NS, dst.Name, proto, port, r, allowed)
						}
					}
				}
			}
		}
	}
	if n != 256 { // of 230 cases
		t.Errorf("%d steps, want 256", n)
	}
}

func anyLabels(labels map[string]string) dict {
	out := dict{}
	for k, v := range labels {
		out[k] = v
	}
	return out
}
