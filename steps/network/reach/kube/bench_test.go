package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// manifests writes a made-up cluster: pods of workloads with ten labels of
// Kubernetes' recommended kind, and policies of the kinds found in practice,
// each with a few peers; with blocks, a third of the peers are address blocks.
func manifests(pods, policies int, replicas int, blocks bool) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	spaces := max(10, pods/50)
	for n := range spaces {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns%d\n  labels: {team: t%d, env: e%d}\n", n, n%20, n%3)
	}
	for i := range pods {
		w := i / replicas
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod%d\n  namespace: ns%d\n  labels:\n    app: a%d\n    tier: t%d\n    version: v%d\n    pod-template-hash: h%d\nspec:\n  nodeName: n%d\n  containers:\n  - name: c\n    ports:\n    - {name: http, containerPort: %d}\nstatus:\n  phase: Running\n  podIP: 10.%d.%d.%d\n",
			i, w%spaces, w/spaces, w%4, w%3, w, i%100, 8000+w%5, i>>16&255, i>>8&255, i&255)
	}
	for i := range policies {
		b.WriteString(policyText(r, i, spaces, pods/replicas/spaces+1, blocks))
	}
	return b.Bytes()
}

func policyText(r *rand.Rand, i, spaces, apps int, blocks bool) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np%d, namespace: ns%d}\nspec:\n  podSelector:\n    matchLabels: {app: a%d}\n  policyTypes: [Ingress, Egress]\n", i, r.IntN(spaces), r.IntN(apps))
	for _, side := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
		fmt.Fprintf(&b, "  %s:\n", side[0])
		for range 2 {
			fmt.Fprintf(&b, "  - %s:\n    - podSelector:\n        matchLabels: {tier: t%d}\n    - namespaceSelector:\n        matchLabels: {team: t%d}\n      podSelector:\n        matchExpressions:\n        - {key: app, operator: In, values: [a%d, a%d]}\n", side[1], r.IntN(4), r.IntN(20), r.IntN(apps), r.IntN(apps))
			if blocks {
				fmt.Fprintf(&b, "    - ipBlock:\n        cidr: 10.%d.0.0/16\n        except: [10.%d.%d.0/24]\n", i%4, i%4, r.IntN(256))
			}
			fmt.Fprintf(&b, "    ports:\n    - {port: %d}\n    - {port: http}\n    - {protocol: UDP, port: %d, endPort: %d}\n", 8000+r.IntN(10), 5000+r.IntN(10), 5020)
		}
	}
	return b.String()
}

func readAll(b testing.TB, text []byte) *Cluster {
	c := NewCluster()
	if err := c.Read("made up", bytes.NewReader(text)); err != nil {
		b.Fatal(err)
	}
	return c
}

// allPairs decides all pairs of pods and reports what is in use afterwards.
func allPairs(b *testing.B, e *Engine) {
	n := 0
	for f := range e.Flows {
		n += len(f.From)
	}
	b.ReportMetric(float64(e.Classes()), "classes")
}

// cpu reports the CPU seconds that one round takes: on a machine that others
// use at the same time the clock says little.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	from := used()
	return func() { b.ReportMetric(float64(used()-from)/1e6/float64(b.N), "cpu-ms/op") }
}

func heap(b *testing.B) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "heap-MB")
}

// The figures of issue 7, with parsing.
func BenchmarkReadAndDecide(b *testing.B) {
	for _, size := range []struct {
		name           string
		pods, policies int
		blocks         bool
	}{{"100", 100, 500, false}, {"300", 300, 500, false}, {"1000", 1000, 500, false}, {"1000blocks", 1000, 500, true}, {"5000", 5000, 500, false}} {
		text := manifests(size.pods, size.policies, 2, size.blocks)
		b.Run(size.name, func(b *testing.B) {
			var e *Engine
			done := cpu(b)
			for b.Loop() {
				e = New(readAll(b, text))
				allPairs(b, e)
			}
			done()
			heap(b)
			runtime.KeepAlive(e)
		})
	}
}

// The same as JSON, as kubectl get -o json prints it.
func BenchmarkReadJSON(b *testing.B) {
	var list []any
	dec := yaml.NewDecoder(bytes.NewReader(manifests(5000, 500, 2, false)))
	for {
		var doc map[string]any
		if dec.Decode(&doc) != nil {
			break
		}
		list = append(list, doc)
	}
	text, err := json.Marshal(dict{"apiVersion": "v1", "kind": "List", "items": list})
	if err != nil {
		b.Fatal(err)
	}
	done := cpu(b)
	for b.Loop() {
		allPairs(b, New(readAll(b, text)))
	}
	done()
}

// 100,000 pods and 5,000 policies, parsing excluded.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []struct {
		name           string
		pods, policies int
		replicas       int
	}{{"5000", 5000, 500, 2}, {"100000", 100_000, 5000, 10}} {
		c := readAll(b, manifests(size.pods, size.policies, size.replicas, false))
		b.Run(size.name, func(b *testing.B) {
			var e *Engine
			done := cpu(b)
			for b.Loop() {
				e = New(c)
				allPairs(b, e)
			}
			done()
			heap(b)
			runtime.KeepAlive(e)
		})
	}
}

// One policy changed; what it selects is decided again.
func BenchmarkChangeOne(b *testing.B) {
	for _, size := range []struct {
		name           string
		pods, policies int
	}{{"5000", 5000, 500}, {"100000", 100_000, 5000}} {
		c := readAll(b, manifests(size.pods, size.policies, 10, false))
		e := New(c)
		for _, h := range e.sides {
			for _, g := range h.groups {
				e.open(g)
			}
		}
		b.Run(size.name, func(b *testing.B) {
			ports := 0
			done := cpu(b)
			defer done()
			for b.Loop() {
				ports++
				policy := dict{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": dict{"name": "np7", "namespace": "ns1"}, "spec": dict{
					"podSelector": dict{"matchLabels": dict{"tier": "t1"}}, "policyTypes": []any{"Ingress"},
					"ingress": []any{dict{"ports": []any{dict{"port": 8000 + ports%10}}}}}}
				if err := e.Apply("changed", policy); err != nil {
					b.Fatal(err)
				}
				for _, h := range e.sides {
					for _, g := range h.groups {
						e.open(g)
					}
				}
			}
		})
	}
}

// A thousand services before 5,000 pods on 100 nodes: each asked from the
// internet, one pod's doors, and a connection to a whole block of addresses.
func BenchmarkDoors(b *testing.B) {
	var text bytes.Buffer
	text.Write(manifests(5000, 500, 2, true))
	for i := range 100 {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Node\nmetadata: {name: n%d}\nstatus: {addresses: [{type: InternalIP, address: 10.200.0.%d}]}\n", i, i)
	}
	for i := range 1000 {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: Service\nmetadata: {name: s%d, namespace: ns%d}\nspec: {type: %s, selector: {app: a%d}, clusterIP: 172.20.%d.%d, ports: [{port: 80, targetPort: http, nodePort: %d}]}\n",
			i, i%100, []string{"ClusterIP", "NodePort", "LoadBalancer"}[i%3], i/100, i/250, i%250, 30000+i)
	}
	e := New(readAll(b, text.Bytes()))
	allPairs(b, e)
	b.Run("internet", func(b *testing.B) {
		done := cpu(b)
		for b.Loop() {
			for _, d := range e.Doors() {
				if _, err := e.Can(Internet(), d.End, reach.Ports{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		done()
	})
	b.Run("ways", func(b *testing.B) {
		done := cpu(b)
		for b.Loop() {
			for _, p := range e.cluster.Pods()[:100] {
				if _, err := e.Ways(Internet(), PodEnd(p.ID()), reach.Ports{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		done()
	})
	b.Run("entrances", func(b *testing.B) {
		done := cpu(b)
		for b.Loop() {
			if _, err := e.Entrances(Internet(), reach.Ports{}); err != nil {
				b.Fatal(err)
			}
		}
		done()
	})
	b.Run("block", func(b *testing.B) {
		done := cpu(b)
		for b.Loop() {
			if _, err := e.Can(PodEnd(e.cluster.Pods()[0].ID()), AddrEnd(reach.AddrsOf(netip.MustParsePrefix("10.200.0.0/16"))), reach.Ports{}); err != nil {
				b.Fatal(err)
			}
		}
		done()
	})
}
