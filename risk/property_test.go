package risk

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// cast is what random estates are made of.
var cast = []struct {
	typ  string
	kind estate.Kind
}{
	{"AWS::SageMaker::TrainingJob", estate.KindCompute}, {"AWS::IAM::Role", estate.KindIdentity}, {"AWS::IAM::ManagedPolicy", estate.KindPolicy},
	{"AWS::S3::Bucket", estate.KindStore}, {"AWS::EC2::SecurityGroup", estate.KindNetwork}, {"v1/Service", estate.KindNetwork},
	{"AWS::SageMaker::Model", estate.KindModel}, {estate.SetType, estate.KindPolicy}, {estate.SetType, ""}, {"AWS::IAM::AccessKey", estate.KindSecret},
	{"AWS::SecretsManager::Secret", estate.KindSecret}, {"AWS::Glue::Job", estate.KindPipeline}, {estate.SetType, estate.KindNetwork},
	{"AWS::SageMaker::NotebookInstance", estate.KindCompute},
}

var verbs = []estate.RelationType{estate.RunsAs, estate.MemberOf, estate.Attached, estate.Trusts, estate.Contains, estate.Reads, estate.Writes, estate.Serves,
	estate.Trains, estate.RoutesTo, estate.Uses, estate.Loads, estate.EncryptsBy, estate.LogsTo, estate.Triggers, estate.Scales, estate.Grants, estate.Governs,
	canRead, canWrite, canInvoke, canAssume, canBecome, reaches, derivedFrom, calls, runs}

// little draws an estate of few assets and the findings on them.
func little(rt *rapid.T, t testing.TB) (*world, []finding.Finding) {
	w := &world{t: t}
	n := rapid.IntRange(2, 9).Draw(rt, "assets")
	for i := range n {
		c := rapid.SampledFrom(cast).Draw(rt, "cast")
		w.asset(fmt.Sprintf("a%d", i), c.typ, c.kind)
		if rapid.IntRange(0, 5).Draw(rt, "root") == 0 {
			w.root()
		}
	}
	id := func(label string) string { return w.assets[rapid.IntRange(0, n-1).Draw(rt, label)].ID }
	for range rapid.IntRange(0, 20).Draw(rt, "relations") {
		r := estate.Relation{From: id("from"), To: id("to"), Type: rapid.SampledFrom(verbs).Draw(rt, "verb"), Tier: estate.Declared}
		if slices.ContainsFunc(moves, func(m move) bool { return m.rel == r.Type && m.derived }) {
			r.Tier, r.Evidence = estate.Possible, rapid.SampledFrom([]string{"allow", "conditional"}).Draw(rt, "evidence")
		}
		if r.Type == estate.Reads && rapid.Bool().Draw(rt, "observed") {
			r.Tier = estate.Observed
		}
		w.relations = append(w.relations, r)
	}
	// One relation of a type between two assets, as the graph keeps them.
	seen := map[[3]string]bool{}
	w.relations = slices.DeleteFunc(w.relations, func(r estate.Relation) bool {
		key := [3]string{r.From, r.To, string(r.Type)}
		defer func() { seen[key] = true }()
		return seen[key]
	})
	var fs []finding.Finding
	for _, a := range w.assets {
		fs = append(fs, fault("none", a.ID))
	}
	controls := []string{"door", "near", "open", "readable", "writable", "foreign", "leaked", "behind", "admin", "secrets", "clear", "ai"}
	for range rapid.IntRange(0, 5).Draw(rt, "faults") {
		fs = append(fs, fault(rapid.SampledFrom(controls).Draw(rt, "control"), id("fault")))
	}
	return w, fs
}

// ways is the oracle: all pairs of states by relaxing every relation until
// nothing changes, straight from the list of relations and the table of moves.
type ways map[string]map[string]int

func name(id string, p power) string { return fmt.Sprintf("%s/%d", id, p) }

func oracle(w *world, fs []finding.Finding) ways {
	assets := map[string]*estate.Asset{}
	for i := range w.assets {
		assets[w.assets[i].ID] = &w.assets[i]
	}
	d := ways{}
	for id := range assets {
		for p := range powers {
			d[name(id, p)] = map[string]int{name(id, p): 0}
		}
	}
	relax := func(from, to string, p, gain power, cost int) (changed bool) {
		for _, row := range d {
			if steps, ok := row[name(from, p)]; ok {
				if old, ok := row[name(to, gain)]; !ok || steps+cost < old {
					row[name(to, gain)] = steps + cost
					changed = true
				}
			}
		}
		return changed
	}
	for changed := true; changed; {
		changed = false
		for _, f := range fs {
			if f.Control == "door" {
				changed = relax(f.Asset, f.Asset, meet, act, 1) || changed
			}
		}
		for _, r := range w.relations {
			for _, m := range moves {
				from, to := r.From, r.To
				if m.back {
					from, to = to, from
				}
				if m.rel != r.Type || from == to || m.derived && m.tied != (r.Evidence == "conditional") || m.from != nil && !m.from(assets[from]) || m.to != nil && !m.to(assets[to]) {
					continue
				}
				for p := range powers {
					if !m.need.has(p) {
						continue
					}
					gain := m.gain
					if m.same {
						gain = p
					}
					changed = relax(from, to, p, gain, int(m.cost())) || changed
				}
			}
		}
	}
	return d
}

// bestByHand is the weight of the best path through an asset, 0 if none.
func bestByHand(d ways, w *world, ws *scope.Workloads, fs []finding.Finding, asset string) float64 {
	g := newGraph(w.snapshot(), nil)
	goals := g.goals(ws, fs, Options{Facts: testFacts})
	id := func(s state) string { return name(g.snap.Asset(s.node()).ID, s.power()) }
	best := 0.0
	for _, b := range g.entries(fs, Options{Facts: testFacts}, finding.Fail) {
		for p := range powers {
			first, ok := d[id(b.state)][name(asset, p)]
			if !ok {
				continue
			}
			for c := range classes {
				for s := range goals[c] {
					if second, ok := d[name(asset, p)][id(s)]; ok {
						best = max(best, entries[b.entry].reach*worths[c].worth*math.Pow(decay, float64(first+second)))
					}
				}
			}
		}
	}
	return best
}

// walk checks that a path is one: each step a relation that stands in the
// estate, in the direction its words say. Classes are not told, so a step may
// go through them.
func walk(w *world, path []string) error {
	if len(path) < 2 || !strings.HasPrefix(path[1], "meets ") {
		return fmt.Errorf("%q does not begin by meeting something", path)
	}
	assets := map[string]*estate.Asset{}
	for i := range w.assets {
		assets[w.assets[i].ID] = &w.assets[i]
	}
	passed := func(id string) bool { return drawn(assets[id]) }
	step := func(from, to, words string) bool {
		if from == to && words == door.words {
			return true
		}
		for _, r := range w.relations {
			for _, m := range moves {
				a, b := r.From, r.To
				if m.back {
					a, b = b, a
				}
				if m.rel == r.Type && a == from && b == to && (words == "" || m.words == words) {
					return true
				}
			}
		}
		return false
	}
	var through func(from, to, words string, depth int) bool
	through = func(from, to, words string, depth int) bool {
		if step(from, to, words) {
			return true
		}
		for id := range assets {
			if depth > 0 && passed(id) && step(from, id, "") && through(id, to, "", depth-1) {
				return true
			}
		}
		return false
	}
	at := strings.TrimPrefix(path[1], "meets ")
	for _, s := range path[2:] {
		i := strings.LastIndexByte(s, ' ')
		words, to := s[:i], s[i+1:]
		if assets[to] == nil || !through(at, to, words, len(assets)) {
			return fmt.Errorf("no relation from %s to %s that is %q", at, to, words)
		}
		at = to
	}
	return nil
}

// TestAgreesWithBruteForce: on small random estates the paths are real walks,
// there is one exactly where there is one, and it is worth what the best is.
func TestAgreesWithBruteForce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, fs := little(rt, t)
		snap := w.snapshot()
		ws, err := scope.Default().Workloads(snap)
		if err != nil {
			rt.Fatal(err)
		}
		d := oracle(w, fs)
		for i, r := range assess(t, snap, scope.Default(), Options{}, fs...) {
			want := bestByHand(d, w, ws, fs, fs[i].Asset)
			if (want > 0) != (len(r.Path) > 0) {
				rt.Fatalf("%s: path %v, by hand %g\n%v", fs[i].Asset, r.Path, want, w.relations)
			}
			if want == 0 {
				continue
			}
			if got := round(80 * want); r.Score != got {
				rt.Fatalf("%s: score %d, by hand %d, path %v\n%v", fs[i].Asset, r.Score, got, r.Path, w.relations)
			}
			if err := walk(w, r.Path); err != nil {
				rt.Fatalf("%s: %v: %v\n%v", fs[i].Asset, r.Path, err, w.relations)
			}
		}
	})
}

// TestAPathNeedsItsRelations: without the relations a path is made of, the
// path changes or is gone, and the score does not rise.
func TestAPathNeedsItsRelations(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, fs := little(rt, t)
		before := assess(t, w.snapshot(), scope.Default(), Options{}, fs...)
		i := slices.IndexFunc(before, func(r *finding.Risk) bool { return len(r.Path) > 2 })
		if i < 0 {
			return
		}
		path := before[i].Path
		at := path[rapid.IntRange(2, len(path)-1).Draw(rt, "step")]
		if strings.HasPrefix(at, door.words) {
			return // a door is a finding, no relation
		}
		to := at[strings.LastIndexByte(at, ' ')+1:]
		cut := *w
		cut.relations = slices.DeleteFunc(slices.Clone(w.relations), func(r estate.Relation) bool { return r.From == to || r.To == to })
		after := assess(t, cut.snapshot(), scope.Default(), Options{}, slices.Clone(fs)...)[i]
		if slices.Equal(after.Path, path) {
			rt.Fatalf("%v stands without the relations of %s", path, to)
		}
		if after.Score > before[i].Score && len(after.Path) > 0 {
			rt.Fatalf("%d became %d by cutting %s", before[i].Score, after.Score, to)
		}
	})
}

// TestAssessIsStable: two runs say the same.
func TestAssessIsStable(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, fs := little(rt, t)
		a := assess(t, w.snapshot(), scope.Default(), Options{}, slices.Clone(fs)...)
		slices.Reverse(w.relations)
		slices.Reverse(w.assets)
		b := assess(t, w.snapshot(), scope.Default(), Options{}, slices.Clone(fs)...)
		for i := range a {
			if a[i].Score != b[i].Score || !slices.Equal(a[i].Path, b[i].Path) || !slices.Equal(a[i].Factors, b[i].Factors) {
				rt.Fatalf("%+v\n%+v", *a[i], *b[i])
			}
		}
	})
}

// large is an estate of n assets and some 5n relations, with findings on some.
func large(b *testing.B, n, findings int) (*estate.Snapshot, *scope.Workloads, []finding.Finding) {
	builder := estate.NewBuilder(time.Unix(0, 0))
	id := func(i int) string { return fmt.Sprintf("a%07d", i) }
	for i := range n {
		c := cast[i%len(cast)]
		a := estate.Asset{ID: id(i), Type: c.typ, Kind: c.kind, Cloud: estate.AWS, Account: "1", Reads: []estate.Read{{Operation: "x:Describe", Status: estate.ReadOK}}}
		if i%50 == 0 {
			a.Root = &estate.Root{Class: estate.ClassTraining, Why: "a benchmark"}
		}
		builder.Asset(a)
		for k := range 5 {
			rel := verbs[(i+k*5)%len(verbs)]
			builder.Relation(estate.Relation{From: id(i), To: id((i*31 + k*k*977 + 7) % n), Type: rel, Tier: estate.Declared})
		}
	}
	snap, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	ws, err := scope.Default().Workloads(snap)
	if err != nil {
		b.Fatal(err)
	}
	controls := []string{"open", "none", "admin", "none", "readable", "none", "leaked", "none", "none", "none"}
	fs := make([]finding.Finding, findings)
	for i := range fs {
		fs[i] = fault(controls[i%len(controls)], id(i*7%n))
	}
	return snap, ws, fs
}

// BenchmarkAssess scores as many findings as the estate has assets; of 100,000 and
// half a million relations the goal is a second.
func BenchmarkAssess(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			snap, ws, fs := large(b, n, n)
			b.ReportAllocs()
			for b.Loop() {
				Assess(snap, ws, fs, Options{Facts: testFacts})
			}
		})
	}
}
