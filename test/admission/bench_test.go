package admission_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

const (
	benchRate    = 200 // requests a second
	benchSpaces  = 5   // namespaces
	benchObjects = 200 // in all, so that no object is asked for twice at once
	benchSlices  = 6   // of a second each, gated and not by turns
)

// BenchmarkAdmission measures what the gate adds to a request that grows a
// certified Deployment: floor, webhook, and the webhook's look at the object.
// Requests are sent by the clock, 200 a second, whether or not those before
// were answered, and timed from when they were due.
func BenchmarkAdmission(b *testing.B) {
	k, p := start(b), &papers{}
	k.apply(manifest(b, "40-webhook.yaml"))
	client, err := dynamic.NewForConfig(k.server.Config)
	if err != nil {
		b.Fatal(err)
	}
	grant := admission.Grant{Workload: "w", Name: "w", Serial: 1, Expires: time.Now().Add(time.Hour), Limits: map[string]int{}, Digests: map[string]string{}}
	space := func(what string, i int) string { return fmt.Sprint(what, i%benchSpaces) }
	for _, what := range []string{"gated", "free"} {
		for i := range benchSpaces {
			k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + space(what, i) + "}\n")
		}
		for i := range benchObjects {
			ns, t := space(what, i), thing{kind: "Deployment", name: fmt.Sprintf("d%d", i)}
			u, err := client.Resource(t.resource()).Namespace(ns).Create(b.Context(), object(t.kind, t.name, 1, 1), metav1.CreateOptions{})
			if err != nil {
				b.Fatal(err)
			}
			raw, err := u.MarshalJSON()
			if err != nil {
				b.Fatal(err)
			}
			name := ns + "/Deployment/" + t.name
			grant.Limits[name] = 1 << 20
			if grant.Digests[name], err = essence(t.kind, ns, t.name, raw); err != nil {
				b.Fatal(err)
			}
		}
	}
	label := func(value string) {
		for i := range benchSpaces {
			k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: " + space("gated", i) + ", labels: {sevenfold.dev/gate: " + value + "}}\n")
		}
	}
	label("prepared")
	p.set(grant)
	k.runGate(p, "")
	k.awaitLimit("gated0", "Deployment/d0", 1<<20)
	label("enforced")
	k.awaitFloor(k.admin, "gated0")

	next := 2
	slice := func(what string) []time.Duration {
		times := make([]time.Duration, benchRate)
		begin := time.Now()
		var all sync.WaitGroup
		for i := range benchRate {
			due := begin.Add(time.Duration(i) * time.Second / benchRate)
			time.Sleep(time.Until(due))
			body := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, next+i/benchObjects)
			all.Go(func() {
				t := thing{kind: "Deployment", name: fmt.Sprintf("d%d", i%benchObjects)}
				_, err := client.Resource(t.resource()).Namespace(space(what, i)).Patch(context.Background(), t.name, types.MergePatchType, body, metav1.PatchOptions{}, "scale")
				times[i] = time.Since(due)
				if err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		return times
	}
	for b.Loop() {
		took := map[string][]time.Duration{}
		slice("gated")
		slice("free")
		for range benchSlices {
			next += benchRate / benchObjects
			for _, ns := range []string{"gated", "free"} {
				took[ns] = append(took[ns], slice(ns)...)
			}
		}
		next += benchRate / benchObjects
		at := func(ns string, share float64) float64 {
			slices.Sort(took[ns])
			return float64(took[ns][int(share*float64(len(took[ns])-1))]) / float64(time.Millisecond)
		}
		for name, share := range map[string]float64{"p50": 0.5, "p99": 0.99} {
			b.ReportMetric(at("gated", share), name+"-gated-ms")
			b.ReportMetric(at("free", share), name+"-free-ms")
			b.ReportMetric(at("gated", share)-at("free", share), name+"-added-ms")
		}
	}
}
