package estate

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The files testdata/*.graph are written in a small language, one idea a file.
//
//	load                                     relations and assets follow, indented
//	  A -type-> B [evidence]                 declared; -type:possible-> for another tier
//	  asset NAME [TYPE]                      an asset of its own
//	expect path A -> B via x, y              the shortest path's nodes between its ends
//	expect path A -> B by p1, p2             the evidence of its relations
//	expect path A -> B in 2 steps            passages through sets count as one step
//	expect no path A -> B
//	expect reach A: x, y                     all that A reaches, A itself left out
//	expect 3 paths A -> B: x | y, z |        nodes between the ends, path by path
//
// An expectation may end in "with" and conditions: types t u, except t, tiers t,
// backward, both, max N, stop NAME. Names beginning with set/ are set nodes.
type script struct {
	t *testing.T
	s *Snapshot
}

var (
	relationLine = regexp.MustCompile(`^(\S+) +-([\w-]+)(?::(\w+))?-> +(\S+)(?: +\[(.*)\])?$`)
	pathLine     = regexp.MustCompile(`^(no path|path) +(\S+) -> (\S+)(?: (via|by|in)(?: (.*))?)?$`)
	pathsLine    = regexp.MustCompile(`^(\d+) paths +(\S+) -> (\S+):(?: (.*))?$`)
	reachLine    = regexp.MustCompile(`^reach +(\S+):(?: (.*))?$`)
)

func TestGraphLanguage(t *testing.T) {
	files, err := filepath.Glob("testdata/*.graph")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".graph"), func(t *testing.T) { runScript(t, name) })
	}
}

func runScript(t *testing.T, name string) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := NewBuilder(noon)
	sc := &script{t: t}
	expectations := 0
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line == "load":
		case indented:
			if err := load(b, line); err != nil {
				t.Fatalf("%s:%d: %v", name, n, err)
			}
		case strings.HasPrefix(line, "expect "):
			if sc.s == nil {
				if sc.s, err = b.Build(); err != nil {
					t.Fatal(err)
				}
			}
			expectations++
			if err := sc.expect(strings.TrimPrefix(line, "expect ")); err != nil {
				t.Errorf("%s:%d: %s\n\t%v", name, n, line, err)
			}
		default:
			t.Fatalf("%s:%d: neither load nor expect: %s", name, n, line)
		}
	}
	if expectations == 0 {
		t.Errorf("%s expects nothing", name)
	}
}

func load(b *Builder, line string) error {
	declare := func(name string) {
		if strings.HasPrefix(name, "set/") {
			b.Asset(Asset{ID: name, Type: SetType})
		}
	}
	if words := strings.Fields(line); words[0] == "asset" {
		b.Asset(Asset{ID: words[1], Type: strings.Join(words[2:], " ")})
		return nil
	}
	m := relationLine.FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("not a relation: %s", line)
	}
	tier := Declared
	if m[3] != "" {
		tier = Tier(m[3])
	}
	declare(m[1])
	declare(m[4])
	b.Relation(Relation{From: m[1], To: m[4], Type: RelationType(m[2]), Tier: tier, Evidence: m[5]})
	return nil
}

func (sc *script) expect(text string) error {
	text, conditions, _ := strings.Cut(text, " with ")
	f, err := sc.filter(conditions)
	if err != nil {
		return err
	}
	if m := reachLine.FindStringSubmatch(text); m != nil {
		return sc.reach(m[1], list(m[2], ","), f)
	}
	if m := pathsLine.FindStringSubmatch(text); m != nil {
		return sc.paths(m[2], m[3], m[1], m[4], f)
	}
	m := pathLine.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return fmt.Errorf("not understood")
	}
	from, to, err := sc.ends(m[2], m[3])
	if err != nil {
		return err
	}
	p, ok := sc.s.ShortestPath(from, to, f)
	switch {
	case m[1] == "no path" && ok:
		return fmt.Errorf("there is one: %s", sc.s.Describe(p))
	case m[1] == "no path":
		return nil
	case !ok:
		return fmt.Errorf("there is none")
	}
	return sc.shape(p, m[4], m[5])
}

func (sc *script) shape(p Path, how, want string) error {
	var got string
	switch how {
	case "via":
		got = strings.Join(sc.between(p), ", ")
	case "by":
		var evidence []string
		for _, e := range p.Edges {
			evidence = append(evidence, e.Evidence)
		}
		got = strings.Join(evidence, ", ")
	case "in":
		got = fmt.Sprintf("%d steps", len(sc.s.Steps(p)))
	}
	if got != want {
		return fmt.Errorf("got %s", got)
	}
	return nil
}

func (sc *script) ends(from, to string) (a, b Node, err error) {
	if a, err = sc.node(from); err == nil {
		b, err = sc.node(to)
	}
	return a, b, err
}

func (sc *script) paths(start, end, count, want string, f Filter) error {
	from, to, err := sc.ends(start, end)
	if err != nil {
		return err
	}
	k, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var got []string
	for _, p := range sc.s.KPaths(from, to, k, f) {
		got = append(got, strings.Join(sc.between(p), ", "))
	}
	var wanted []string
	for _, w := range strings.Split(want, "|") {
		wanted = append(wanted, strings.TrimSpace(w))
	}
	if !slices.Equal(got, wanted) {
		return fmt.Errorf("got %s", strings.Join(got, " | "))
	}
	return nil
}

func (sc *script) reach(from string, want []string, f Filter) error {
	n, err := sc.node(from)
	if err != nil {
		return err
	}
	var got []string
	for m := range sc.s.Reach([]Node{n}, f).All() {
		if m != n {
			got = append(got, sc.s.Asset(m).ID)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("got %s", strings.Join(got, ", "))
	}
	return nil
}

func (sc *script) between(p Path) []string {
	var out []string
	for _, n := range p.Nodes[1:max(1, len(p.Nodes)-1)] {
		out = append(out, sc.s.Asset(n).ID)
	}
	return out
}

func (sc *script) node(name string) (Node, error) {
	n, ok := sc.s.Find(name)
	if !ok {
		return 0, fmt.Errorf("no asset %s", name)
	}
	return n, nil
}

func (sc *script) filter(conditions string) (f Filter, err error) {
	for _, c := range list(conditions, ",") {
		words := strings.Fields(c)
		switch words[0] {
		case "types", "except":
			var types []RelationType
			for _, w := range words[1:] {
				types = append(types, RelationType(w))
			}
			if words[0] == "types" {
				f.Types = types
			} else {
				f.Except = types
			}
		case "tiers":
			for _, w := range words[1:] {
				f.Tiers = append(f.Tiers, Tier(w))
			}
		case "backward":
			f.Direction = Backward
		case "both":
			f.Direction = Both
		case "max":
			if f.Max, err = strconv.Atoi(words[1]); err != nil {
				return f, err
			}
		case "stop":
			f.Stop = func(_ Node, a *Asset) bool { return slices.Contains(words[1:], a.ID) }
		default:
			return f, fmt.Errorf("condition %q is unknown", c)
		}
	}
	return f, nil
}

func list(text, sep string) []string {
	var out []string
	for _, s := range strings.Split(text, sep) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
