package control

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// cluster is a service that leads to a pod of a Deployment by way of a
// ReplicaSet that is known by name only, and to a pod whose owner is unknown.
func cluster(t *testing.T) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(time.Unix(1, 0))
	add := func(id, typ, config string, root *estate.Root) {
		b.Asset(estate.Asset{ID: id, Type: typ, Cloud: estate.Kubernetes, Config: json.RawMessage(config), Root: root})
	}
	add("svc", "v1/Service", `{}`, nil)
	add("set", estate.SetType, `{}`, nil)
	add("pod", "v1/Pod", `{"spec":{"containers":[{"ports":[{"name":"http","containerPort":8000}]}]}}`, nil)
	add("orphan", "v1/Pod", `{"spec":{"containers":[{"ports":[{"containerPort":80}]}]}}`, nil)
	add("deployment", "apps/v1/Deployment", `{}`, &estate.Root{Class: estate.ClassEndpoint})
	for _, r := range [][3]string{{"svc", "set", "routes"}, {"set", "pod", ""}, {"set", "orphan", ""}, {"set", "unread", ""},
		{"deployment", "replicas", ""}, {"replicas", "pod", ""}, {"lost", "orphan", ""}} {
		typ := estate.Contains
		if r[2] != "" {
			typ = estate.RoutesTo
		}
		b.Relation(estate.Relation{From: r[0], To: r[1], Type: typ, Tier: estate.Declared, Evidence: "e"})
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBehind(t *testing.T) {
	s := cluster(t)
	n, _ := s.Find("svc")
	got := map[int64]expr.Member{}
	for _, m := range Behind(s, n)() {
		got[m.Ports[0].Number] = m
	}
	want := map[int64]expr.Member{
		8000: {Class: estate.ClassEndpoint, Ports: []expr.Port{{Name: "http", Number: 8000}}},
		80:   {Ports: []expr.Port{{Number: 80}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if pod, _ := s.Find("pod"); Behind(s, pod) != nil {
		t.Error("a pod leads to something")
	}
}

// A pod is told on its owner only where the owner was read.
func TestOwned(t *testing.T) {
	set, errs := Load(controls.FS)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	s := cluster(t)
	for id, want := range map[string]bool{"pod": true, "orphan": false, "deployment": false, "svc": false} {
		n, _ := s.Find(id)
		if got := set.Owned(s, n); got != want {
			t.Errorf("%s: owned %v, want %v", id, got, want)
		}
	}
}
