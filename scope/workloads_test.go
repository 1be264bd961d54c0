package scope

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

var taken = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type thing struct {
	id   string
	kind estate.Kind
	tags map[string]string
	root *estate.Root
	typ  string
	conf string
}

func snapshot(t testing.TB, things []thing, edges ...string) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(taken)
	for _, x := range things {
		a := estate.Asset{ID: x.id, Name: x.id, Type: x.typ, Kind: x.kind, Tags: x.tags, Root: x.root, Cloud: estate.AWS, Account: "111122223333", Config: json.RawMessage(x.conf)}
		if a.Type == "" {
			a.Type = "T"
		}
		if x.conf == "" {
			a.Config = json.RawMessage("{}")
		}
		b.Asset(a)
	}
	for _, e := range edges {
		p := strings.Fields(e)
		b.Relation(estate.Relation{From: p[0], Type: estate.RelationType(p[1]), To: p[2], Tier: estate.Declared})
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func root(class, family string) *estate.Root {
	return &estate.Root{Class: class, Family: family, Why: "it is one"}
}

// two endpoints that share a bucket, a subnet and a key, and each have a role.
func shop(t testing.TB) *estate.Snapshot {
	none := map[string]string{}
	return snapshot(t, []thing{
		{id: "ep1", kind: estate.KindEndpoint, tags: map[string]string{"app": "fraud", "Owner": "ann"}, root: root(estate.ClassEndpoint, "")},
		{id: "ep2", kind: estate.KindEndpoint, tags: map[string]string{"app": "churn"}, root: root(estate.ClassEndpoint, "")},
		{id: "model1", kind: estate.KindModel, tags: none}, {id: "model2", kind: estate.KindModel, tags: none},
		{id: "role1", kind: estate.KindIdentity, tags: none}, {id: "role2", kind: estate.KindIdentity, tags: none},
		{id: "policy1", kind: estate.KindPolicy, tags: none},
		{id: "arn:aws:iam::aws:policy/ReadOnly", kind: estate.KindPolicy, tags: none},
		{id: "bucket", kind: estate.KindStore, tags: none}, {id: "logs", kind: estate.KindStore, tags: none},
		{id: "key", kind: estate.KindSecret, tags: none},
		{id: "subnet", kind: estate.KindNetwork, tags: none}, {id: "vpc", kind: estate.KindNetwork, tags: none}, {id: "stranger", kind: estate.KindCompute, tags: none},
		{id: "job-1", kind: estate.KindCompute, tags: map[string]string{"env": "train"}, root: root(estate.ClassTraining, "nightly")},
		{id: "job-2", kind: estate.KindCompute, tags: map[string]string{"env": "train"}, root: root(estate.ClassTraining, "nightly")},
	},
		"ep1 serves model1", "ep2 serves model2", "model1 runs-as role1", "model2 runs-as role2", "role1 attached policy1", "role1 attached arn:aws:iam::aws:policy/ReadOnly",
		"model1 reads bucket", "model2 reads bucket", "bucket encrypts-by key", "bucket logs-to logs", "model1 member-of subnet", "subnet member-of vpc", "vpc contains stranger",
		"job-1 trains model1", "job-1 writes bucket")
}

func parse(t testing.TB, text string) *Scope {
	t.Helper()
	s, err := Parse("sevenfold.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func workloads(t testing.TB, text string, snap *estate.Snapshot) *Workloads {
	t.Helper()
	w, err := parse(t, text).Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func byName(t testing.TB, w *Workloads, name string) finding.Workload {
	t.Helper()
	for _, x := range w.List {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no workload %s in %+v", name, w.List)
	return finding.Workload{}
}

func TestDiscovered(t *testing.T) {
	w := workloads(t, "", shop(t))
	var got []string
	for _, x := range w.List {
		got = append(got, x.ID+" "+x.Type)
	}
	if d := cmp.Diff([]string{"workload:ep1 model endpoint", "workload:ep2 model endpoint", "workload:nightly training job"}, got); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	ep1 := byName(t, w, "ep1")
	if d := cmp.Diff([]string{"ep1", "policy1", "role1"}, ep1.Members); d != "" {
		t.Errorf("members of ep1 (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"arn:aws:iam::aws:policy/ReadOnly", "bucket", "key", "model1", "subnet", "vpc"}, ep1.Touches); d != "" {
		t.Errorf("touches of ep1 (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"ep2", "model2", "role2"}, byName(t, w, "ep2").Members); d != "" {
		t.Errorf("members of ep2 (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"job-1", "job-2"}, byName(t, w, "nightly").Roots); d != "" {
		t.Errorf("family (-want +got):\n%s", d)
	}
	if ep1.Owner != "ann" || byName(t, w, "ep2").Owner != "" {
		t.Errorf("owners %q, %q", ep1.Owner, byName(t, w, "ep2").Owner)
	}
	if !strings.Contains(ep1.Why, `- {name: 'ep1', match: 'id == "ep1"', ignore: true}`) {
		t.Errorf("why: %s", ep1.Why)
	}
	if d := cmp.Diff([]string{"workload:ep1", "workload:ep2", "workload:nightly"}, w.Of("bucket")); d != "" {
		t.Errorf("workloads of the bucket (-want +got):\n%s", d)
	}
	if w.Pilot("workload:ep1") != 1 {
		t.Error("a pilot is 1 unless set")
	}
}

func TestTheCorrectingLineCorrects(t *testing.T) {
	snap := shop(t)
	for _, x := range workloads(t, "", snap).List {
		_, line, _ := strings.Cut(x.Why, "sevenfold.yaml: ")
		after := workloads(t, "workloads:\n  "+line+"\n", snap)
		for _, y := range after.List {
			if y.ID == x.ID {
				t.Errorf("%s is still there after %s", x.ID, line)
			}
		}
	}
}

func TestDeclared(t *testing.T) {
	w := workloads(t, `
zones:
  training: {match: 'tags.env == "train"'}
  serving: {match: 'kind == "endpoint"'}
workloads:
  - {name: Fraud, match: 'tags.app == "fraud" || name == "nightly" || tags.env == "train"', owner: bea, purpose: cards, zone: production, pilot: {replicas: 4}}
  - {name: ghost, match: 'name == "nobody"'}
  - {name: batch, match: 'id == "stranger"'}
  - {name: late, match: 'tags.app == "fraud"'}
`, shop(t))
	fraud := byName(t, w, "Fraud")
	if d := cmp.Diff([]string{"ep1", "job-1", "job-2"}, fraud.Roots); d != "" {
		t.Errorf("roots (-want +got):\n%s", d)
	}
	if fraud.ID != "workload:fraud" || fraud.Owner != "bea" || fraud.Purpose != "cards" || fraud.Zone != "production" || w.Pilot(fraud.ID) != 4 {
		t.Errorf("%+v", fraud)
	}
	if d := cmp.Diff([]string{"ep1", "job-1", "job-2", "model1", "policy1", "role1"}, fraud.Members); d != "" {
		t.Errorf("members (-want +got):\n%s", d)
	}
	if g := byName(t, w, "ghost"); len(g.Roots) != 0 || !strings.Contains(g.Why, "declared at sevenfold.yaml:7:5; nothing in the estate matches it") {
		t.Errorf("ghost %+v", g)
	}
	if b := byName(t, w, "batch"); cmp.Diff([]string{"stranger"}, b.Roots) != "" {
		t.Errorf("batch %+v", b)
	}
	var notes []string
	for _, n := range w.Notes {
		notes = append(notes, n.Asset+": "+n.Text)
	}
	want := []string{
		": workload ghost, declared at sevenfold.yaml:7:5, matches nothing",
		": workload late, declared at sevenfold.yaml:9:5, matches nothing",
		"ep1: workloads Fraud and late both match; it belongs to Fraud",
	}
	if d := cmp.Diff(want, notes); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
	for asset, want := range map[string]string{"model1": "production", "ep2": "serving", "bucket": "unzoned"} {
		if got, ok := w.ZoneOf(asset); got != want || !ok {
			t.Errorf("zone of %s: %s, %v (%s)", asset, got, ok, w.ZoneWhy(asset))
		}
	}
}

func TestZones(t *testing.T) {
	snap := snapshot(t, []thing{
		{id: "both", kind: estate.KindEndpoint, tags: map[string]string{"env": "train"}, root: root(estate.ClassEndpoint, "")},
		{id: "untagged", kind: estate.KindCompute},
		{id: "subnet", typ: "AWS::EC2::Subnet", tags: map[string]string{}, conf: `{"CidrBlock":"10.8.4.0/24"}`},
		{id: "wider", typ: "AWS::EC2::VPC", tags: map[string]string{}, conf: `{"CidrBlock":"10.0.0.0/8"}`},
		{id: "k8s://c/n/Pod/p", typ: "v1/Pod", tags: map[string]string{}, conf: `{"status":{"podIP":"10.8.9.9"}}`},
	})
	w := workloads(t, `
zones:
  training: {match: 'tags.env == "train"'}
  serving: {match: 'kind == "endpoint"'}
  development: {cidrs: [10.8.0.0/16]}
`, snap)
	for asset, want := range map[string]string{
		"both":     "unzoned false zones training and serving both claim it, at sevenfold.yaml:3:13 and at sevenfold.yaml:4:12",
		"untagged": "unzoned false whether it is in zone training is not known: tags was not read", "subnet": "development true ", "wider": "unzoned true ",
		"k8s://c/n/Pod/p": "development true ", "nowhere": "unzoned false the estate has no such asset",
	} {
		zone, ok := w.ZoneOf(asset)
		why := w.ZoneWhy(asset)
		if ok {
			why = ""
		}
		if got := fmt.Sprintf("%s %v %s", zone, ok, why); got != want {
			t.Errorf("%s: got %s, want %s", asset, got, want)
		}
	}
	if x := byName(t, w, "both"); x.Zone != Unzoned || len(w.Notes) != 1 {
		t.Errorf("%+v, notes %+v", x, w.Notes)
	}
}

func TestCollidingNamesGetStableIDs(t *testing.T) {
	named := func(order ...string) []string {
		var things []thing
		for _, id := range order {
			things = append(things, thing{id: id, root: root(estate.ClassEndpoint, ""), tags: map[string]string{}})
		}
		b := estate.NewBuilder(taken)
		for _, x := range things {
			b.Asset(estate.Asset{ID: x.id, Name: "Same Name", Type: "T", Root: x.root, Config: json.RawMessage("{}")})
		}
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, w := range workloads(t, "", s).List {
			out = append(out, w.ID+" "+w.Roots[0])
		}
		return out
	}
	a, b := named("arn:a", "arn:b"), named("arn:b", "arn:a")
	if d := cmp.Diff(a, b); d != "" || len(a) != 2 || !strings.HasPrefix(a[0], "workload:same-name-") {
		t.Errorf("%v and %v", a, b)
	}
}

func BenchmarkWorkloads100k(b *testing.B) {
	var things []thing
	var edges []string
	for i := range 100_000 {
		x := thing{id: fmt.Sprintf("a%06d", i), kind: estate.KindCompute, tags: map[string]string{"env": "train"}}
		if i%100 == 0 {
			x.root = root(estate.ClassEndpoint, "")
			edges = append(edges, fmt.Sprintf("a%06d reads a%06d", i, i+1), fmt.Sprintf("a%06d runs-as a%06d", i, i+2))
		}
		things = append(things, x)
	}
	snap := snapshot(b, things, edges...)
	s := parse(b, string(example(b)))
	for b.Loop() {
		if _, err := s.Workloads(snap); err != nil {
			b.Fatal(err)
		}
	}
}
