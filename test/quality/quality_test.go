package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// floors reads what docs/quality.md says of each estate.
func floors(t *testing.T) map[string]figures {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", page))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "## The labelled estates\n")
	if !ok {
		t.Fatalf("%s has no table of estates", page)
	}
	table, _, _ = strings.Cut(table, "\n## ")
	row := regexp.MustCompile(`(?m)^\| (\w+) \| [^|]+ \| (\d+) \| (\d+) \| (\d+) \| \d+ \| [\d.]+ \| (\d+) \| (\d+) \| \d+ \| (\d+) \| (\d+) \| (\d+) \|`)
	all := map[string]figures{}
	for _, m := range row.FindAllStringSubmatch(table, -1) {
		var n [8]int
		for i := range n {
			if n[i], err = strconv.Atoi(m[i+2]); err != nil {
				t.Fatal(err)
			}
		}
		all[m[1]] = figures{n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]}
	}
	return all
}

// Detection is at least as good as docs/quality.md says, estate by estate, and
// every finding was judged.
func TestQualityDoesNotFall(t *testing.T) {
	set := builtin.Controls(t)
	all, err := measureAll(".", set)
	if err != nil {
		t.Fatal(err)
	}
	want := floors(t)
	if len(want) != len(all) {
		t.Errorf("%s tells of %d estates, there are %d: run make quality", page, len(want), len(all))
	}
	var total figures
	for _, m := range all {
		got, floor := m.figures(), want[m.Estate]
		total.add(got)
		var told bytes.Buffer
		m.tell(&told)
		for _, s := range m.Strange {
			t.Errorf("%s: label %s", m.Estate, s)
		}
		if got.faults < floor.faults || got.near < floor.near {
			t.Errorf("%s: labels went: %d faults and %d near misses, were %d and %d", m.Estate, got.faults, got.near, floor.faults, floor.near)
		}
		if missed, was := got.faults-got.found, floor.faults-floor.found; missed > was || got.flagged > floor.flagged || got.wrong > floor.wrong || got.open > floor.open {
			t.Errorf("%s is worse than %s says: %d faults not found (were %d), %d near misses flagged (%d), %d findings false (%d), %d not judged (%d); judge new ones in judged.yaml\n%s",
				m.Estate, page, missed, was, got.flagged, floor.flagged, got.wrong, floor.wrong, got.open, floor.open, &told)
		}
	}
	asked := map[string]bool{}
	for _, m := range all {
		for _, f := range m.Faults {
			for _, c := range f.Find {
				asked[c] = true
			}
		}
	}
	if total.faults < 150 || total.near < 300 || len(asked) < 60 {
		t.Errorf("%d faults, %d near misses and %d controls are too few to say anything", total.faults, total.near, len(asked))
	}
}

func TestMatch(t *testing.T) {
	l := &Labels{
		Faults: []Fault{
			{ID: "1", Asset: "a", Find: []string{"open", "wide"}}, {ID: "2", Asset: "b", Find: []string{"open"}, Also: []string{"wide"}},
			{ID: "3", Asset: "c", Find: []string{"open"}}, {ID: "4", Asset: "d#key/1", Find: []string{"old"}}, {ID: "5", Asset: "e", Find: []string{"open"}},
		},
		Near: []Near{{Asset: "f", Not: []string{"open", "wide"}}},
	}
	fail := func(control, asset string) Seen { return Seen{control, asset, finding.Fail, finding.High} }
	m := match(l, []Judged{{Control: "old", Assets: []string{"g"}, Right: true}, {Control: "old", Assets: []string{"h"}}}, []Seen{
		fail("wide", "a"), fail("open", "a#part"), // any control of the list, on any part
		fail("wide", "b"), // for the same cause, but not what finds it
		{"open", "c", finding.Unknown, finding.High},   // nobody could tell
		fail("old", "d#key/1"), fail("old", "d#key/2"), // the label is of one part
		{"open", "e", finding.Unknown, ""}, fail("open", "e#p"), // one part of it is certain
		fail("wide", "f"), fail("wide", "f"), // a near miss, told twice
		fail("old", "g"), fail("old", "h"), fail("other", "far"), // judged right, judged wrong, by nobody
	})
	got := map[string]any{"found": m.Found, "unsure": m.Unsure, "flagged": m.Flagged, "true": names(m.True), "false": names(m.False), "open": names(m.Open)}
	want := map[string]any{
		"found": map[string]bool{"1": true, "4": true, "5": true}, "unsure": map[string]bool{"3": true}, "flagged": []string{"f wide"},
		"true":  []string{"wide a", "open a#part", "wide b", "old d#key/1", "open e#p", "old g"},
		"false": []string{"wide f", "old h"}, "open": []string{"old d#key/2", "other far"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func names(seen []Seen) []string {
	var out []string
	for _, s := range seen {
		out = append(out, s.Control+" "+s.Asset)
	}
	return out
}

func TestLabelsRefuse(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown member": {"estate: x\nform: y\nsource: dir:z\nfault: []\n", "field fault not found"},
		"no source":      {"estate: x\nform: y\n", "must be given"},
		"no control":     {"estate: x\nform: y\nsource: dir:z\nfaults: [{id: X1, asset: a, wrong: w, severity: high}]\n", "must be given"},
		"no reason":      {"estate: x\nform: y\nsource: dir:z\nnear: [{asset: a, not: [c]}]\n", "must be given"},
		"twice":          {"estate: x\nform: y\nsource: dir:z\nfaults: [{id: X1, asset: a, wrong: w, find: [c], severity: high}, {id: X1, asset: b, wrong: w, find: [c], severity: high}]\n", "twice"},
		"severity":       {"estate: x\nform: y\nsource: dir:z\nfaults: [{id: X1, asset: a, wrong: w, find: [c], severity: bad}]\n", "severity"},
		"both":           {"estate: x\nform: y\nsource: dir:z\nfaults: [{id: X1, asset: a, wrong: w, find: [c], severity: high}]\nnear: [{asset: a, not: [c], because: b}]\n", "must not be flagged"},
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "x", "labels.yaml"), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readLabels(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// elsewhere are faults of Harbour that no finding on an asset tells, though its
// table counts them to the audit.
var elsewhere = map[string]string{
	"A13": "a criterion of the workload", "T6": "asked by the detect step", "S5": "asked by the supply step",
}

// Every fault of Harbour that the audit is to see has a label, on an asset that
// the table names.
func TestHarbourIsLabelledWhole(t *testing.T) {
	l := &Labels{}
	if err := readYAML(filepath.Join("harbour", "labels.yaml"), l); err != nil {
		t.Fatal(err)
	}
	labelled := map[string]bool{}
	for _, f := range l.Faults {
		id, _, _ := strings.Cut(f.ID, ".")
		labelled[id] = true
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "harbour", "FAULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	id := regexp.MustCompile(`^[A-Z]\d+$`)
	planted := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !id.MatchString(strings.TrimSpace(cells[1])) {
			continue
		}
		fault := strings.TrimSpace(cells[1])
		planted[fault] = true
		if (strings.Contains(cells[4], "spine") || strings.Contains(cells[4], "audit in full")) && !labelled[fault] && elsewhere[fault] == "" {
			t.Errorf("%s has no label:%s", fault, cells[3])
		}
	}
	for fault := range labelled {
		if !planted[fault] {
			t.Errorf("label %s is not in FAULTS.md", fault)
		}
	}
	if len(planted) < 40 {
		t.Errorf("only %d faults read: the table was misread", len(planted))
	}
}
