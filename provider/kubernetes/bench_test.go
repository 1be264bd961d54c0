package kubernetes_test

import (
	"fmt"
	"testing"

	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

func BenchmarkUnderstandPod(b *testing.B) {
	a := object(b, workload("Deployment", `{name: s, image: "acme/web:1", command: [sh, -c, "exec serve --x"], env: [{name: A, value: b}], ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}}`))
	b.ReportAllocs()
	for b.Loop() {
		kubernetes.Understand(a)
	}
}

// 1,000 services and 10,000 pods of one namespace.
func BenchmarkDerive(b *testing.B) {
	var texts []string
	for i := range 1000 {
		texts = append(texts, fmt.Sprintf(`{"apiVersion":"v1","kind":"Service","metadata":{"name":"s%d","namespace":"ml"},"spec":{"selector":{"app":"a%d","tier":"web"}}}`, i, i))
	}
	for i := range 10_000 {
		texts = append(texts, fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p%d","namespace":"ml","labels":{"app":"a%d","tier":"web"}},"spec":{}}`, i, i%1000))
	}
	s := snapshot(b, texts...)
	for b.Loop() {
		if _, rels, err := kubernetes.Derive(s); err != nil || len(rels) != 11_000 {
			b.Fatal(len(rels), err)
		}
	}
}
