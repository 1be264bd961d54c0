package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestLine(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain", "plain"},
		{"a  b\n c\t", "a b c"},
		{"\x1b[31mred", "\ufffd[31mred"},
		{"c1\u009bm", "c1\ufffdm"},
		{"bidi\u202etxt", "bidi\ufffdtxt"},
		{"zero\u200bwidth", "zero\ufffdwidth"},
		{"nul\x00del\x7f", "nul\ufffddel\ufffd"},
		{"bad\xffutf8", "bad\ufffdutf8"},
		{"tag\U000e0041", "tag\ufffd"},
		{"Größe 船", "Größe 船"},
		{"", ""},
		{" \u2028 ", ""},
	}
	for _, tt := range tests {
		if got := line(tt.in); got != tt.want {
			t.Errorf("line(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestLineIsBounded(t *testing.T) {
	for _, unit := range []string{"a", "é ", "\x1b", "船"} {
		got := line(strings.Repeat(unit, 10_000))
		if len(got) > lineMax || !strings.HasSuffix(got, "…") || line(got) != got {
			t.Errorf("%q: %d bytes, ends %q", unit, len(got), got[len(got)-8:])
		}
	}
}

func TestBlockKeepsLineBreaks(t *testing.T) {
	if got, want := block("a \\\r\n\tb\x1b\n"), "a \\\n    b\ufffd"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestMiddleKeepsBothEnds(t *testing.T) {
	tests := []struct {
		in   string
		n    int
		want string
	}{
		{"short", 10, "short"},
		{"arn:aws:s3:::harbour-raw", 13, "arn:aw…ur-raw"},
		{"abcdef", 4, "abcd"},
		{"船船船船船", 7, "船…船"},
	}
	for _, tt := range tests {
		if got := middle(tt.in, tt.n); got != tt.want {
			t.Errorf("middle(%q, %d) = %q, want %q", tt.in, tt.n, got, tt.want)
		}
	}
}

func TestWrapKeepsWordsWhole(t *testing.T) {
	got := wrap("one two arn:aws:iam::210000000001:role/very-long four", 10)
	want := []string{"one two", "arn:aws:iam::210000000001:role/very-long", "four"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("%q", got)
	}
	if wrap("  ", 10) != nil {
		t.Error("blanks make a line")
	}
}

func TestCleaningProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		n := rapid.IntRange(1, 60).Draw(t, "n")
		for name, got := range map[string]string{"line": line(s), "middle": middle(line(s), n), "short": short(line(s), n)} {
			if strings.ContainsFunc(got, func(r rune) bool { return steers(r) || r == '\n' || r == '\t' }) || !utf8.ValidString(got) {
				t.Fatalf("%s(%q) = %q", name, s, got)
			}
			if name != "line" && cells(got) > n {
				t.Fatalf("%s(%q, %d) takes %d columns", name, s, n, cells(got))
			}
		}
		if line(line(s)) != line(s) {
			t.Fatalf("line is not settled on %q", s)
		}
	})
}

// Escaping steering characters keeps the JSON value as it was.
func TestEscapeUnsafeKeepsTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\u009b\u202e\u200b\U000e0041\x7f\"\\é")))).Draw(t, "s")
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		safe := escapeUnsafe(raw)
		var back, want string
		if err := json.Unmarshal(safe, &back); err != nil {
			t.Fatalf("%s: %v", safe, err)
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if back != want || strings.ContainsFunc(string(safe), steers) {
			t.Fatalf("%q became %q in %s", want, back, safe)
		}
	})
}

func TestShellQuotes(t *testing.T) {
	for in, want := range map[string]string{"eta-train": "eta-train", "a b": "'a b'", "x'; rm -rf /": `'x'\''; rm -rf /'`, "": "''", "$(id)": "'$(id)'"} {
		if got := shell(in); got != want {
			t.Errorf("shell(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	tests := []struct {
		in   VerdictCounts
		want string
	}{
		{VerdictCounts{}, "No AI workload was found, so nothing can be called ready."},
		{VerdictCounts{Ready: 1}, "The workload is ready."},
		{VerdictCounts{Ready: 3}, "All 3 workloads are ready."},
		{VerdictCounts{NotReady: 1, Ready: 3}, "1 of 4 workloads is not ready, 3 ready."},
		{VerdictCounts{Unknown: 2, Ready: 1}, "2 of 3 workloads could not be told, 1 ready."},
		{VerdictCounts{NotReady: 2, Unknown: 1, Ready: 1}, "2 of 4 workloads are not ready, 1 could not be told, 1 ready."},
	}
	for _, tt := range tests {
		if got := headline(tt.in, 0); got != tt.want {
			t.Errorf("headline(%+v) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %s", n, got)
		}
	}
}
