package rbac

import (
	"encoding/json"
	"fmt"
	"testing"
)

// manyObjects writes the objects of a large cluster: service accounts in namespaces
// of fifty, a binding for every other of them, roles as teams write them, and one
// team in twenty with a right that leads further.
func manyObjects(subjects int) (kinds []string, texts [][]byte) {
	add := func(kind string, o map[string]any) {
		text, err := json.Marshal(o)
		if err != nil {
			panic(err)
		}
		kinds, texts = append(kinds, kind), append(texts, text)
	}
	meta := func(ns, name string) map[string]any {
		m := map[string]any{"name": name}
		if ns != "" {
			m["namespace"] = ns
		}
		return map[string]any{"metadata": m}
	}
	rule := func(group, resource string, verbs ...string) map[string]any {
		return map[string]any{"apiGroups": []string{group}, "resources": []string{resource}, "verbs": verbs}
	}
	roles := map[string][]any{
		"view":   {rule("", "pods", "get", "list", "watch"), rule("", "configmaps", "get", "list"), rule("apps", "deployments", "get", "list"), rule("batch", "jobs", "get", "list")},
		"edit":   {rule("", "pods", "*"), rule("apps", "*", "*"), rule("batch", "jobs", "create", "delete"), rule("", "secrets", "get", "list", "create")},
		"serve":  {rule("serving.kserve.io", "inferenceservices", "create", "update", "get"), rule("", "secrets", "get")},
		"binder": {rule(Group, "rolebindings", "create"), rule(Group, "clusterroles", "bind")},
	}
	for _, name := range []string{"view", "edit", "serve", "binder"} {
		o := meta("", name)
		o["rules"] = roles[name]
		add(kindClusterRole, o)
	}
	o := meta("", "cluster-admin")
	o["rules"] = []any{rule("*", "*", "*")}
	add(kindClusterRole, o)
	for i := range subjects {
		ns, name := fmt.Sprintf("team-%d", i/50), fmt.Sprintf("sa-%d", i)
		if i%50 == 0 {
			add(kindNamespace, meta("", ns))
			own := meta(ns, "own")
			own["rules"] = []any{rule("", "configmaps", "get", "update"), map[string]any{"apiGroups": []string{""}, "resources": []string{"secrets"}, "verbs": []string{"get"}, "resourceNames": []string{"a", "b"}}}
			add(kindRole, own)
		}
		add(KindAccount, meta(ns, name))
		if i%2 == 1 {
			continue
		}
		b := meta(ns, "b-"+name)
		if i%400 == 0 {
			b = meta("", "b-"+name)
		}
		kind, role := kindClusterRole, "view"
		switch {
		case i%1000 == 0:
			role = "edit"
		case i%200 == 50:
			role = "binder"
		case i%10 == 2:
			role = "serve"
		case i%10 == 4:
			kind, role = kindRole, "own"
		}
		if i%400 == 0 {
			kind = kindClusterRole
			if role == "own" {
				role = "view"
			}
		}
		b["roleRef"] = map[string]any{"kind": kind, "name": role}
		b["subjects"] = []any{map[string]any{"kind": KindAccount, "namespace": ns, "name": name}}
		if i%400 == 0 {
			add(kindClusterRoleBinding, b)
		} else {
			add(kindRoleBinding, b)
		}
	}
	return kinds, texts
}

func groupOfKind(kind string) string {
	if kind == KindAccount || kind == kindNamespace {
		return ""
	}
	return Group
}

func manyWorld(b *testing.B, subjects int) *World {
	b.Helper()
	kinds, texts := manyObjects(subjects)
	return fillWorld(b, kinds, texts)
}

func fillWorld(b *testing.B, kinds []string, texts [][]byte) *World {
	b.Helper()
	w := NewWorld()
	for i, text := range texts {
		if err := w.AddObject(groupOfKind(kinds[i]), kinds[i], text); err != nil {
			b.Fatal(err)
		}
	}
	w.Seal()
	return w
}

var sizes = []int{100, 1_000, 10_000, 100_000}

func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			kinds, texts := manyObjects(n)
			b.ReportAllocs()
			for b.Loop() {
				fillWorld(b, kinds, texts)
			}
		})
	}
}

func BenchmarkAllows(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := manyWorld(b, n)
			var who []*Who
			for i := range n {
				who = append(who, w.Who(IdentityOf(Ref{KindAccount, fmt.Sprintf("team-%d", i/50), fmt.Sprintf("sa-%d", i)})))
			}
			q := Request{Verb: "get", Resource: "secrets", Namespace: "team-0", Name: "a"}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				w.Allows(who[i%n], &q)
				i++
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	w := manyWorld(b, 10_000)
	id := IdentityOf(Ref{KindAccount, "team-0", "sa-2"})
	for name, q := range map[string]Request{
		"closed": {Verb: "get", Resource: "secrets", Namespace: "team-0", Name: "a"},
		"open":   {Verb: "*", Group: "*", Resource: "*", Subresource: "*", Namespace: "*", Name: "*"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.Decide(id, q)
			}
		})
	}
}

func BenchmarkWhoCan(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := manyWorld(b, n)
			q := Request{Verb: "get", Resource: "pods", Namespace: "team-1", Name: "a"}
			b.ReportAllocs()
			for b.Loop() {
				w.WhoCan(q)
			}
		})
	}
}

func BenchmarkEscalations(b *testing.B) {
	for _, n := range sizes[:3] {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ways := 0
			for b.Loop() {
				b.StopTimer()
				w := manyWorld(b, n)
				b.StartTimer()
				ways = len(w.Escalations(Options{}))
			}
			b.ReportMetric(float64(ways), "ways")
		})
	}
}
