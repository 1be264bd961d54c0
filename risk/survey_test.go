package risk

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

func survey(t testing.TB, w *world, o Options, fs ...finding.Finding) *Ways {
	t.Helper()
	snap := w.snapshot()
	ws, err := scope.Default().Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	o.Facts = testFacts
	return Survey(snap, ws, fs, o, Limits{})
}

// harbour is a small estate with two ways to one bucket, both through one role.
func twoDoors(t *testing.T) *world {
	w := (&world{t: t}).asset("notebook", "AWS::SageMaker::NotebookInstance", estate.KindCompute).root().
		asset("job", "AWS::SageMaker::TrainingJob", estate.KindCompute).asset("role", "AWS::IAM::Role", estate.KindIdentity).
		asset("customers", "AWS::S3::Bucket", estate.KindStore).asset("apikey", "AWS::SecretsManager::Secret", estate.KindSecret)
	w.assets = append(w.assets, estate.Asset{ID: "set://access/can-read/1", Type: estate.SetType, Kind: estate.KindPolicy, Name: "2 assets: can-read, allow"})
	w.rel("notebook", estate.RunsAs, "role").rel("job", estate.RunsAs, "role")
	possible := func(from string, rel estate.RelationType, to string) {
		w.relations = append(w.relations, estate.Relation{From: from, To: to, Type: rel, Tier: estate.Possible, Evidence: "allow"})
	}
	possible("role", canRead, "set://access/can-read/1")
	possible("set://access/can-read/1", canRead, "customers")
	possible("set://access/can-read/1", canRead, "apikey")
	return w
}

func TestSurvey(t *testing.T) {
	w := twoDoors(t)
	labels := func(_ estate.Node, a *estate.Asset) []string {
		if a.ID == "customers" {
			return []string{"PII"}
		}
		return nil
	}
	got := survey(t, w, Options{Labels: labels}, fault("open", "notebook"), fault("open", "job"))
	if got.Reached != 3 || len(got.Paths) != 3 || !got.Tried {
		t.Fatalf("reached %d of %d, %d paths", got.Reached, got.Targets, len(got.Paths))
	}
	want := []Hop{
		{From: "internet", To: "job", Words: "meets", Difficulty: "plain"},
		{From: "job", To: "role", Words: "runs as", Relation: estate.RunsAs, Tier: estate.Declared, Technique: "T1078.004", Difficulty: "plain"},
		{From: "role", To: "customers", Words: "can read", Relation: canRead, Tier: estate.Possible, Technique: "T1530", Difficulty: "low"},
	}
	i := slices.IndexFunc(got.Paths, func(p Path) bool { return p.Target == "customers" })
	if i < 0 {
		t.Fatalf("no path to the customers: %+v", got.Paths)
	}
	if diff := cmp.Diff(want, got.Paths[i].Hops); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p := got.Paths[i]; p.Score != 91 || p.Difficulty != 3 || len(p.Findings) != 1 || p.Because != "labelled PII" {
		t.Errorf("%+v", p)
	}
	// One statement cut closes what two open doors lead to.
	if c := got.Chokes[0]; c.From != "role" || c.Relation != canRead || c.Cuts != 2 || c.Text != "cut: role can read 2 assets: can-read, allow" {
		t.Errorf("first choke %+v", c)
	}
	if got.Remaining != 0 {
		t.Errorf("%d remain: %+v", got.Remaining, got.Chokes)
	}
}

// A connection alone is no way in; a door that asks nobody makes it one.
func TestDoors(t *testing.T) {
	w := (&world{t: t}).asset("job", "AWS::SageMaker::TrainingJob", estate.KindCompute).asset("ray", "apps/v1/Deployment", estate.KindCompute).root()
	w.assets = append(w.assets, estate.Asset{ID: "set://network/reached/1", Type: estate.SetType, Kind: estate.KindNetwork})
	for _, r := range [][2]string{{"job", "set://network/reached/1"}, {"set://network/reached/1", "ray"}} {
		w.relations = append(w.relations, estate.Relation{From: r[0], To: r[1], Type: reaches, Tier: estate.Possible})
	}
	if got := survey(t, w, Options{}, fault("open", "job")); got.Reached != 0 {
		t.Errorf("a connection alone leads to %+v", got.Paths)
	}
	got := survey(t, w, Options{}, fault("open", "job"), fault("door", "ray"))
	if got.Reached != 1 || len(got.Paths[0].Hops) != 3 || got.Paths[0].Hops[2].Words != door.words {
		t.Fatalf("%+v", got)
	}
	if len(got.Chokes) != 1 || got.Chokes[0].Cuts != 1 || got.Remaining != 0 {
		t.Errorf("%+v", got.Chokes)
	}
}

// TestChokesKeepTheirWord: what a fix is said to cut is what is no longer reached
// once the estate is without it, one fix after another.
func TestChokesKeepTheirWord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, fs := little(rt, t)
		got := survey(t, w, Options{}, slices.Clone(fs)...)
		left := got.Reached
		for _, c := range got.Chokes {
			if c.Finding != "" {
				fs = slices.DeleteFunc(fs, func(f finding.Finding) bool { return f.ID == c.Finding })
			} else {
				cut := *w
				cut.relations = slices.DeleteFunc(slices.Clone(w.relations), func(r estate.Relation) bool {
					return r.Type == c.Relation && (r.From == c.From && r.To == c.To || r.From == c.To && r.To == c.From)
				})
				w = &cut
			}
			now := survey(t, w, Options{}, slices.Clone(fs)...).Reached
			if left-now != c.Cuts {
				rt.Fatalf("%+v: %d were reached, then %d\n%v", c, left, now, w.relations)
			}
			left = now
		}
		if left != got.Remaining {
			rt.Fatalf("%d remain, said %d", left, got.Remaining)
		}
	})
}

// TestSurveyAgreesWithBruteForce: a target has a path exactly if one is there.
func TestSurveyAgreesWithBruteForce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, fs := little(rt, t)
		snap := w.snapshot()
		ws, err := scope.Default().Workloads(snap)
		if err != nil {
			rt.Fatal(err)
		}
		d := oracle(w, fs)
		g := newGraph(snap, nil)
		goals, begins := g.goals(ws, fs, Options{Facts: testFacts}), g.entries(fs, Options{Facts: testFacts}, finding.Fail)
		id := func(s state) string { return name(snap.Asset(s.node()).ID, s.power()) }
		want := map[[2]string]bool{}
		for c := range classes {
			for s := range goals[c] {
				for _, b := range begins {
					if _, ok := d[id(b.state)][id(s)]; ok {
						want[[2]string{snap.Asset(s.node()).ID, worths[c].name}] = true
					}
				}
			}
		}
		got := map[[2]string]bool{}
		for _, p := range Survey(snap, ws, fs, Options{Facts: testFacts}, Limits{}).Paths {
			got[[2]string{p.Target, p.Class}] = true
			if p.Hops[len(p.Hops)-1].To != p.Target && !drawn(snap.Asset(mustFind(snap, p.Target))) {
				rt.Fatalf("%+v", p)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("(-want +got):\n%s\n%v", diff, w.relations)
		}
	})
}

func mustFind(snap *estate.Snapshot, id string) estate.Node {
	n, _ := snap.Find(id)
	return n
}

// BenchmarkSurvey lists the ways of an estate of 100,000 assets and some 500,000
// relations, and what cuts them.
func BenchmarkSurvey(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			snap, ws, fs := large(b, n, n/100)
			b.ReportAllocs()
			for b.Loop() {
				Survey(snap, ws, fs, Options{Facts: testFacts}, Limits{})
			}
		})
	}
}
