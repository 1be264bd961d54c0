package iam

import (
	"testing"

	"pgregory.net/rapid"
)

// shortTexts are all texts up to five letters of an alphabet; three letters
// stand for all, since the patterns below name two.
func shortTexts(alphabet string, most int) []string {
	out := []string{""}
	for from, n := 0, 0; n < most; n++ {
		to := len(out)
		for _, s := range out[from:to] {
			for _, r := range alphabet {
				out = append(out, s+string(r))
			}
		}
		from = to
	}
	return out
}

// TestSearchAgainstEveryShortText: with at most four elements a pattern, three
// patterns in all, a shortest text that tells them apart is short.
func TestSearchAgainstEveryShortText(t *testing.T) {
	texts := shortTexts("abz", 8)
	piece := rapid.StringOfN(rapid.RuneFrom([]rune("ab*?")), 0, 4, -1)
	sets := func(t *rapid.T, label string, least int) []set {
		var out []set
		for _, ps := range rapid.SliceOfN(rapid.SliceOfN(piece, 1, 2), least, 2).Draw(t, label) {
			var s set
			for _, p := range ps {
				s = append(s, NewPattern(p, false))
			}
			out = append(out, s)
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		in, out := sets(t, "in", 0), sets(t, "out", 0)
		budget := maxWork
		got, found, err := search(in, out, &budget)
		if err != nil {
			t.Fatal(err)
		}
		if found && !contains(in, out, got) {
			t.Fatalf("%q is not what was looked for", got)
		}
		if found {
			return
		}
		for _, s := range texts {
			if contains(in, out, s) {
				t.Fatalf("not found, and %q is there", s)
			}
		}
	})
}

// TestARNPatternsAgainstEveryShortText does the same for wildcards that stop at
// a colon.
func TestARNPatternsAgainstEveryShortText(t *testing.T) {
	parts := []string{"", "a", "*", "a*", "*a", "?", "b*a"}
	tails := []string{"a", "*", "a*", "*:a", "?", "a:*"}
	values := []string{"", "a", "b", "aa", "ba", "bza", "ab", "z", "az", "za"}
	ends := shortTexts("abz:", 3)
	draw := func(t *rapid.T, label string) (string, Pattern) {
		s := "arn:aws:" + rapid.SampledFrom(parts).Draw(t, label) + "::" + rapid.SampledFrom(parts).Draw(t, label) + ":" + rapid.SampledFrom(tails).Draw(t, label)
		p, ok := newARNPattern(s)
		if !ok {
			t.Fatalf("%q is no ARN", s)
		}
		return s, p
	}
	rapid.Check(t, func(t *rapid.T) {
		a, p := draw(t, "p")
		b, q := draw(t, "q")
		meets, covers := false, true
		for _, x := range values {
			for _, y := range values {
				for _, z := range ends {
					v := "arn:aws:" + x + "::" + y + ":" + z
					if p.Match(v) != globARN(a, v) {
						t.Fatalf("%q matches %q: %v", a, v, p.Match(v))
					}
					meets = meets || p.Match(v) && q.Match(v)
					covers = covers && (!q.Match(v) || p.Match(v))
				}
			}
		}
		if meets != p.Meets(&q) || covers != p.Covers(&q) {
			t.Fatalf("%q and %q: meet %v, by search %v; cover %v, by search %v", a, b, meets, p.Meets(&q), covers, p.Covers(&q))
		}
	})
}

// TestQuickAnswersAreTheSearchs: what is told of two patterns without a search is
// what a search finds.
func TestQuickAnswersAreTheSearchs(t *testing.T) {
	piece := rapid.StringOfN(rapid.RuneFrom([]rune("abA*?é")), 0, 6, -1)
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) Pattern {
			return NewPattern(piece.Draw(t, label)+rapid.SampledFrom([]string{"", "*"}).Draw(t, label), rapid.Bool().Draw(t, label))
		}
		p, q := draw("p"), draw("q")
		budget := maxWork
		_, beyond, err := search([]set{{q}}, []set{{p}}, &budget)
		if err != nil {
			t.Fatal(err)
		}
		_, both, err := search([]set{{p}, {q}}, nil, &budget)
		if err != nil {
			t.Fatal(err)
		}
		before := budget
		if got := p.covers(&q, &budget); got == beyond {
			t.Fatalf("%q (%v) covers %q (%v): %v, and the search finds otherwise", p.String(), p.fold, q.String(), q.fold, got)
		}
		if got := p.meets(&q, &budget); got != both {
			t.Fatalf("%q (%v) meets %q (%v): %v, and the search finds otherwise", p.String(), p.fold, q.String(), q.fold, got)
		}
		if budget == before {
			quick++
		}
	})
	if quick == 0 { // a short run draws twenty
		t.Error("none of the questions was answered without a search")
	}
}
