package kubernetes_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
)

// 50,000 finished pods of 100 schedules, as a server answers them page by
// page. Beside the time it reports what was kept and the memory still held.
func BenchmarkFinishedPods(b *testing.B) {
	const total, schedules = 50_000, 100
	config := faulty(b, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/pods") {
			others(w, r)
			return
		}
		from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		var items []string
		for i := from; i < min(from+limit, total); i++ {
			items = append(items, fmt.Sprintf(`{"metadata":{"name":"run%d-%d","namespace":"ml","creationTimestamp":"2026-01-01T00:00:00Z"},
				"spec":{"containers":[{"name":"train","image":"acme/train:1","command":["torchrun","train.py"],"resources":{"limits":{"nvidia.com/gpu":"1"}}}]},
				"status":{"phase":"Succeeded"}}`, i%schedules, i))
		}
		next := ""
		if from+limit < total {
			next = strconv.Itoa(from + limit)
		}
		reply(w, http.StatusOK, fmt.Sprintf(`{"kind":"PodList","apiVersion":"v1","metadata":{"continue":%q},"items":[%s]}`, next, strings.Join(items, ",")))
	})
	for b.Loop() {
		s := newSink()
		if err := kubernetes.New(kubernetes.Options{Cluster: "c", Config: config}).Collect(context.Background(), s); err != nil {
			b.Fatal(err)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(len(podNames(s))), "kept")
		b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-live")
	}
}
