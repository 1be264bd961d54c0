package lineage

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// read makes a graph of lines: "a -> b", "a ~> b" (possible), "a has L", "job drops L".
// A name with a slash is a place: bucket/path.
func read(text string) *Graph {
	g := &Graph{}
	thing := func(s string) string {
		s = strings.TrimSpace(s)
		if c, p, ok := strings.Cut(s, "/"); ok {
			g.node(s)
			g.Place(s, c, p)
		}
		return s
	}
	for line := range strings.Lines(text) {
		switch f := strings.Fields(line); {
		case len(f) != 3:
		case f[1] == "->":
			g.Flow(Flow{thing(f[0]), thing(f[2]), Declared, "e"})
		case f[1] == "~>":
			g.Flow(Flow{thing(f[0]), thing(f[2]), Possible, "e"})
		case f[1] == "has":
			g.Label(thing(f[0]), f[2])
		case f[1] == "drops":
			g.Remove(thing(f[0]), f[2])
		}
	}
	return g
}

func TestCarried(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a chain", "b/in/ has PII\nb/in/ -> job\njob -> m/model\nm/model -> endpoint\nendpoint -> l/log", "b/in/ endpoint job l/log m/model"},
		{"what lies beside is not read", "b/in/x has PII\nb/other/ -> job\njob -> b/out/", "b/in/x"},
		{"what lies below is read", "b/in/x has PII\nb/in/ -> job", "b/in/ b/in/x job"},
		{"what was put above is read", "a has PII\na -> b/out/\nb/out/model -> endpoint", "a b/out/ b/out/model endpoint"},
		{"what was put below is not above another", "a has PII\na -> b/out/x\nb/out/y -> job\nb/out/ -> all", "a all b/out/ b/out/x"},
		{"a name that begins alike", "b/data/train.csv has PII\nb/data/train -> job", "b/data/train b/data/train.csv job"},
		{"a declassifier", "b/in has PII\nb/in -> mask\nmask -> b/out\nmask drops PII\nb/out -> job", "b/in mask"},
		{"round about it", "b/in has PII\nb/in -> mask\nmask -> b/out\nmask drops PII\nb/out -> job\nb/in -> copy\ncopy -> b/out", "b/in b/out copy job mask"},
		{"a circle", "a has PII\na -> b\nb -> a", "a b"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			if got := strings.Join(read(tt.text).Run().Things("PII"), " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestArrival(t *testing.T) {
	r := read("b/in/x has PII\nb/in/ -> job\njob ~> c\njob -> d\nd -> e\ne -> c").Run()
	a, ok := r.Arrival("c", "PII")
	var path []string
	for _, f := range a.Path {
		path = append(path, f.From+">"+f.To)
	}
	// The longer way is sure.
	if want := []string{"b/in/x>b/in/", "b/in/>job", "job>d", "d>e", "e>c"}; !ok || a.Tier != Declared || !cmp.Equal(path, want) {
		t.Errorf("%v %v %v", ok, a.Tier, path)
	}
	if a, ok := read("a has PII\na ~> c").Run().Arrival("c", "PII"); !ok || a.Tier != Possible || a.Own {
		t.Errorf("%+v", a)
	}
	if a, ok := r.Arrival("b/in/x", "PII"); !ok || !a.Own || len(a.Path) != 0 {
		t.Errorf("%+v", a)
	}
	if _, ok := r.Arrival("nobody", "PII"); ok {
		t.Error("it came to nobody")
	}
}

func TestSourcesAndReaches(t *testing.T) {
	g := read("b/in/x -> j\nj -> m/a\nm/a -> e\nb/other -> k\nk -> n")
	if got := strings.Join(g.Backward().From("e"), " "); got != "b/in/x j m/a" {
		t.Error(got)
	}
	if got := strings.Join(g.Forward().From("b/in/x"), " "); got != "e j m/a" {
		t.Error(got)
	}
}

// The same is found by a plain closure over pairs of things.
func TestAgainstClosure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &Graph{}
		names := []string{"p:", "p:a", "p:ab", "p:a/c", "p:b", "j1", "j2", "j3", "q:", "q:x"}
		for _, n := range names {
			g.node(n)
			if c, path, ok := strings.Cut(n, ":"); ok {
				g.Place(n, c, path)
			}
		}
		for range rapid.IntRange(0, 12).Draw(t, "flows") {
			g.Flow(Flow{rapid.SampledFrom(names).Draw(t, "from"), rapid.SampledFrom(names).Draw(t, "to"), Tier(rapid.IntRange(0, 2).Draw(t, "tier")), "e"})
		}
		if rapid.Bool().Draw(t, "drop") {
			g.Remove("j1", "L")
		}
		seed := rapid.SampledFrom(names).Draw(t, "seed")
		g.Label(seed, "L")
		// put: things that the label was put on; has: those that have it.
		putOn := map[string]bool{seed: true}
		has := func(n string) bool {
			c, p, place := strings.Cut(n, ":")
			if !place {
				return putOn[n]
			}
			for m := range putOn {
				d, q, ok := strings.Cut(m, ":")
				if ok && c == d && (strings.HasPrefix(p, q) || strings.HasPrefix(q, p)) {
					return true
				}
			}
			return false
		}
		for range len(names) + 1 {
			for _, f := range g.flows {
				if has(f.From) && (f.From != "j1" || g.removes[g.at["j1"]] == nil) {
					putOn[f.To] = true
				}
			}
		}
		var want []string
		for _, n := range names {
			if has(n) {
				want = append(want, n)
			}
		}
		slices.Sort(want)
		if got := g.Run().Things("L"); !cmp.Equal(got, want) {
			t.Fatalf("got %v\nwant %v\nof %v from %s", got, want, g.flows, seed)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	g := &Graph{}
	for i := range 20_000 {
		in, job, out := fmt.Sprintf("b%d/in/%d", i%50, i), fmt.Sprint("job", i), fmt.Sprintf("b%d/in/%d", (i+1)%50, i+1)
		for _, p := range []string{in, out} {
			c, path, _ := strings.Cut(p, "/")
			g.node(p)
			g.Place(p, c, path)
		}
		g.Flow(Flow{in, job, Declared, "e"})
		g.Flow(Flow{job, out, Declared, "e"})
	}
	g.Label("b0/in/0", "PII")
	for b.Loop() {
		g.Run()
	}
}
