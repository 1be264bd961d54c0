package kubernetes

import (
	"fmt"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func jobs() listable {
	return listable{GroupVersionResource: schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}, kind: "Job", namespaced: true}
}

func finished(owner string) map[string]any {
	o := map[string]any{"status": map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}}
	if owner != "" {
		o["metadata"] = map[string]any{"ownerReferences": []any{map[string]any{"kind": "CronJob", "name": owner, "controller": true}}}
	}
	return o
}

func made(name string, second int) estate.Asset {
	return estate.Asset{ID: name, Name: name, Region: "n", Created: time.Unix(int64(second), 0)}
}

func TestFamilyOfNames(t *testing.T) {
	for name, want := range map[string]string{
		"train-17": "train", "nightly-29212320": "nightly", "train-20260301-01": "train", "a-x7k2p": "a",
		"run-0e984725-c51c-4bf4-9960-e1c80e27aba0": "run", "fine-tune": "fine-tune", "llama-7b": "llama-7b", "123": "123", "web-7d4b9c6f5d-abcde": "web-7d4b9c6f5d-abcde",
		"web-7d4b9c6f5d-x2k9p": "web",
	} {
		if got := family(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// The newest of each owner stay, whatever order they come in.
func TestHistoryKeepsTheNewest(t *testing.T) {
	h := newHistory(jobs(), 2)
	for _, i := range []int{3, 1, 5, 2, 4} {
		if !h.hold(finished("cron"), made(fmt.Sprintf("cron-%d", i), i)) {
			t.Fatal("a finished job was not held")
		}
	}
	h.hold(finished("other"), made("other-1", 1))
	var got []string
	for _, a := range h.newest() {
		got = append(got, a.Name)
	}
	if fmt.Sprint(got) != "[other-1 cron-4 cron-5]" || h.left != 3 {
		t.Errorf("kept %v, left out %d", got, h.left)
	}
	if h.hold(map[string]any{"status": map[string]any{}}, made("running", 9)) {
		t.Error("a running job was taken for a finished one")
	}
}

// A million finished runs under names without a pattern take bounded memory.
func TestHistoryIsBounded(t *testing.T) {
	h := newHistory(jobs(), 5)
	word := func(i int) string {
		b := make([]byte, 0, 8)
		for ; i > 0; i /= 13 {
			b = append(b, "aeioumabcdhyt"[i%13])
		}
		return "run" + string(b)
	}
	const n = 100_000
	for i := range n {
		h.hold(finished(""), made(word(i), i))
	}
	kept := 0
	for _, held := range h.owned {
		kept += len(held)
	}
	if len(h.owned) > maxOwners+1 || kept+h.left != n {
		t.Errorf("%d owners, %d kept, %d left out", len(h.owned), kept, h.left)
	}
}

func TestPast(t *testing.T) {
	condition := func(typ, status, reason string) map[string]any {
		return map[string]any{"status": map[string]any{"conditions": []any{map[string]any{"type": typ, "status": status, "reason": reason}}}}
	}
	phase := func(p string) map[string]any { return map[string]any{"status": map[string]any{"phase": p}} }
	idle := map[string]any{"metadata": finished("d")["metadata"], "spec": map[string]any{"replicas": int64(0)}, "status": map[string]any{"replicas": int64(0)}}
	for i, c := range []struct {
		resource string
		obj      map[string]any
		want     bool
	}{
		{"pods", phase("Succeeded"), true}, {"pods", phase("Failed"), true}, {"pods", phase("Running"), false}, {"pods", map[string]any{}, false},
		{"jobs.batch", condition("Complete", "True", ""), true}, {"jobs.batch", condition("Failed", "True", ""), true},
		{"jobs.batch", condition("Suspended", "True", ""), false}, {"jobs.batch", condition("Complete", "False", ""), false},
		{"pytorchjobs.kubeflow.org", condition("Succeeded", "True", ""), true}, {"pytorchjobs.kubeflow.org", condition("Running", "True", ""), false},
		{"workflows.argoproj.io", phase("Succeeded"), true}, {"workflows.argoproj.io", phase("Running"), false},
		{"pipelineruns.tekton.dev", condition("Succeeded", "False", "Failed"), true}, {"pipelineruns.tekton.dev", condition("Succeeded", "Unknown", "Running"), false},
		{"replicasets.apps", idle, true}, {"replicasets.apps", map[string]any{"spec": map[string]any{"replicas": int64(0)}}, false},
	} {
		if got := past[c.resource](c.obj); got != c.want {
			t.Errorf("%d, %s: past %v, want %v", i, c.resource, got, c.want)
		}
	}
}

func FuzzSecretRows(f *testing.F) {
	f.Add([]byte(`{"kind":"Table","metadata":{"continue":"x"},"columnDefinitions":[{"name":"Name"},{"name":"Type"}],"rows":[{"cells":["a","Opaque"],"object":{"metadata":{"name":"a"}}},{"cells":[],"object":null}]}`))
	f.Add([]byte(`{"kind":"Table","columnDefinitions":[{"name":"Data"},{"name":"Type"}],"rows":[{"cells":[2,"Opaque"],"object":{"metadata":{"name":"a"}}},{"cells":[-1e99]},{"cells":["2"]}]}`))
	f.Add([]byte(`{"kind":"Table","columnDefinitions":[{"name":"Data"}],"rows":[{"cells":[1],"object":{"metadata":{"name":"a","managedFields":[{"fieldsV1":{"f:data":{".":{},"f:k":{}}}},{"fieldsV1":7},3]}}}]}`))
	f.Add([]byte(`{"kind":"SecretList","items":[{"data":{"a":"b"}}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := secretRows(body)
		for _, o := range p.items {
			_, isCount := o[dataKeys].(counted)
			want := 2
			for _, may := range []string{"type", keyNames} {
				if _, has := o[may]; has {
					want++
				}
			}
			if err != nil || !isCount || len(o) != want {
				t.Fatalf("%v, %v", o, err)
			}
		}
	})
}
