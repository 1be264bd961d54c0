package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// testdata/README.md says where the cases are from.
func TestConformanceOfClusterNetworkPolicy(t *testing.T) {
	cluster, err := os.ReadFile("testdata/conformance/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("testdata/conformance/*.txt")
	asked := 0
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			policies, cases, _ := strings.Cut(string(text), "\n===\n")
			e := New(readAll(t, []byte(string(cluster)+"\n---\n"+policies)))
			for line := range strings.Lines(cases) {
				f := strings.Fields(line)
				ports, err := reach.ParsePort(f[2])
				if err != nil {
					t.Fatal(err)
				}
				r, err := e.Can(PodEnd(f[0]), PodEnd(f[1]), ports)
				if err != nil {
					t.Fatal(err)
				}
				if r.Reachable.String() != f[3] {
					t.Errorf("%s: %v: %+v", strings.TrimSpace(line), r.Reachable, r.Because)
				}
				asked++
			}
		})
	}
	if asked != 110 {
		t.Errorf("asked %d of 110 cases", asked)
	}
}
