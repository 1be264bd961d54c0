package kube

import (
	"encoding/json"
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
			policies, steps, _ := strings.Cut(string(text), "\n===\n")
			e := New(readAll(t, []byte(string(cluster)+"\n---\n"+policies)))
			var applied []dict
			for line := range strings.Lines(steps) {
				word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
				switch word {
				case "apply":
					var policy dict
					if err := json.Unmarshal([]byte(rest), &policy); err != nil {
						t.Fatal(err)
					}
					applied = append(applied, policy)
					if err := e.Apply("applied", policy); err != nil {
						t.Fatal(err)
					}
				case "delete":
					if !e.Delete(rest) {
						t.Fatalf("no %s", rest)
					}
				case "label":
					cluster = relabelled(cluster, rest)
					e = New(readAll(t, []byte(string(cluster)+"\n---\n"+policies)))
					for _, policy := range applied {
						if err := e.Apply("applied", policy); err != nil {
							t.Fatal(err)
						}
					}
				default:
					probe(t, e, strings.Fields(line))
					asked++
				}
			}
		})
	}
	if asked != 301 {
		t.Errorf("asked %d of 301 probes", asked)
	}
}

// relabelled is the cluster with another label on a namespace.
func relabelled(cluster []byte, step string) []byte {
	ns, label, _ := strings.Cut(step, " ")
	key, value, _ := strings.Cut(label, "=")
	var out []string
	for _, doc := range strings.Split(string(cluster), "\n---\n") {
		if strings.Contains(doc, "kind: Namespace, metadata: {name: "+ns+",") {
			doc = "{apiVersion: v1, kind: Namespace, metadata: {name: " + ns + ", labels: {" + key + ": " + value + "}}}"
		}
		out = append(out, doc)
	}
	return []byte(strings.Join(out, "\n---\n"))
}

// probe asks one line: CLIENT SERVER PORT ANSWER.
func probe(t *testing.T, e *Engine, f []string) {
	t.Helper()
	ports, err := reach.ParsePort(f[2])
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Can(PodEnd(f[0]), PodEnd(f[1]), ports)
	if err != nil {
		t.Fatal(err)
	}
	if r.Reachable.String() != f[3] {
		t.Errorf("%s: %v: %+v", strings.Join(f, " "), r.Reachable, r.Because)
	}
}
