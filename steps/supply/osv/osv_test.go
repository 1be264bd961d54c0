package osv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Orders from the documents of each ecosystem: each is before the next.
var ladders = map[string][]string{
	"PyPI":      {"1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2", "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1!0.1"},
	"npm":       {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0", "2.0.0"},
	"Go":        {"v0.0.0-20210101000000-aaaaaaaaaaaa", "v0.1.0", "v0.1.1-0.20221104162952-702349b0e862", "v0.1.1", "v2.0.0+incompatible"},
	"Maven":     {"1-alpha-1", "1-alpha-2", "1-beta", "1-milestone-1", "1-rc", "1-SNAPSHOT", "1", "1-sp", "1-abc", "1-1", "1.1", "1.1.1", "2"},
	"RubyGems":  {"1.0.a", "1.0.a.2", "1.0.b1", "1.0", "1.0.1", "1.1", "1.10"},
	"Packagist": {"1.0-STABLE", "1.0-dev", "1.0-alpha", "1.0.0-alpha1", "1.0-a2-dev", "1.0-a2", "1.0-beta", "1.0-b.2", "1.0-beta2.1", "1.0-RC1-dev", "1.0-rc1", "1.0", "1.0-patch", "1.0p1", "1.0.0.1", "1.0.1", "1.0.10", "1.0.x-dev", "1.10", "1.x-dev", "99999", "20100102", "20100102.1", "20100102-p1"},
	"NuGet":     {"0", "0.9.9.1", "1.0.0--5", "1.0-0", "1.0.0-2", "1.0-10", "1.0--", "1.0-99999999999", "1.0-alpha", "1.0-ALPHA.1", "1.0-alpha.beta", "1.0-beta", "1.0-beta.2", "1.0-beta.11", "1.0-rc", "1.0", "1.0.0.1-alpha", "1.0.0.1-pre", "1.0.0.1", "1.0.1-a", "1.0.1", "1.10", "2147483647"},
	"Debian":    {"1.0~~", "1.0~rc1-1", "1.0-1", "1.0-1+deb12u1", "1.0-2", "1.0a-1", "1.0.1-1", "1.10-1", "1:0.1-1"},
	"Alpine":    {"1.0_alpha1", "1.0_beta", "1.0_rc2", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.0.1", "1.1", "1.10-r0"},
	"Red Hat":   {"1.0~rc1-1", "1.0-1", "1.0-1.el9", "1.0-2", "1.0^git1-1", "1.0.1-1", "1.10-1", "1:0.1-1"},
}

func TestOrders(t *testing.T) {
	for eco, ladder := range ladders {
		for i, a := range ladder {
			for j, b := range ladder {
				got, err := Compare(eco, a, b)
				if err != nil {
					t.Fatalf("%s: %q against %q: %v", eco, a, b, err)
				}
				if want := min(max(i-j, -1), 1); min(max(got, -1), 1) != want {
					t.Errorf("%s: %q against %q is %d, want %d", eco, a, b, got, want)
				}
			}
		}
	}
	for _, pair := range [][3]string{{"PyPI", "1.0", "1.0.0"}, {"PyPI", "1.0-1", "1.0.post1"}, {"PyPI", "v1.0RC1", "1.0c1"}, {"Maven", "1.0.0", "1"}, {"Maven", "1.0-ga", "1"}, {"Maven", "1-a1", "1-alpha-1"}, {"RubyGems", "1.0.0", "1"}, {"Debian", "0:1-0", "1"}, {"npm", "1.0.0+a", "1.0.0+b"}, {"Red Hat", "1.0", "1.0-5"}} {
		if c, err := Compare(pair[0], pair[1], pair[2]); c != 0 || err != nil {
			t.Errorf("%s: %s and %s are one version: %d, %v", pair[0], pair[1], pair[2], c, err)
		}
	}
	for _, bad := range [][2]string{{"PyPI", "one"}, {"npm", "1.x"}, {"Go", ""}, {"Debian", "a:1"}, {"Alpine", "x"}, {"Nobody", "1"}, {"RubyGems", "a"}} {
		if _, err := Compare(bad[0], bad[1], "1.0"); err == nil {
			t.Errorf("%s %q passes for a version", bad[0], bad[1])
		}
	}
}

// randomVersions are made of what versions are made of.
func randomVersions(r *rand.Rand, words []string, n int) []string {
	var out []string
	for range n {
		s := fmt.Sprint(r.IntN(3))
		for range r.IntN(4) {
			s += words[r.IntN(len(words))]
		}
		out = append(out, s)
	}
	return out
}

// pairwise compares all pairs of versions with a program that prints -1, 0, 1 or x for
// each pair in turn.
func pairwise(t *testing.T, ecosystem string, versions []string, program string, args ...string) {
	t.Helper()
	holdPairs(t, ecosystem, versions, askPairs(t, versions, program, args...))
}

// askPairs is what a program says of all pairs of versions.
func askPairs(t *testing.T, versions []string, program string, args ...string) []string {
	t.Helper()
	in, err := json.Marshal(versions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, errs.String())
	}
	return strings.Fields(string(out))
}

// holdPairs holds Compare to what an ecosystem's own tool says of all pairs.
func holdPairs(t *testing.T, ecosystem string, versions, words []string) {
	t.Helper()
	if len(words) != len(versions)*len(versions) {
		t.Fatalf("%d answers to %d questions", len(words), len(versions)*len(versions))
	}
	decided, wrong := 0, 0
	for i, a := range versions {
		for j, b := range versions {
			want := words[i*len(versions)+j]
			got, err := Compare(ecosystem, a, b)
			if want == "x" {
				if err == nil && wrong < 5 {
					t.Errorf("%s: %q against %q is %d, and its own tool refuses one of them", ecosystem, a, b, got)
					wrong++
				}
				continue
			}
			decided++
			if word := fmt.Sprint(min(max(got, -1), 1)); (err != nil || word != want) && wrong < 5 {
				t.Errorf("%s: %q against %q is %s (%v), its own tool says %s", ecosystem, a, b, word, err, want)
				wrong++
			}
		}
	}
	if decided < len(versions) {
		t.Fatalf("only %d pairs were decided", decided)
	}
	t.Logf("%s: %d pairs", ecosystem, decided)
}

// The ecosystems' own tools are the judges, where they are on this machine.
func TestAgainstTheirOwnTools(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	t.Run("PyPI", func(t *testing.T) {
		python := filepath.Join("..", "..", "..", "test", ".venv", "bin", "python")
		if _, err := os.Stat(python); err != nil {
			t.Skip("make test sets up Python with pip's own copy of packaging")
		}
		versions := append(randomVersions(r, []string{".0", ".1", ".10", "a1", "b2", "rc1", "c3", ".post1", "-1", ".dev2", "dev", "+l.1", "+1", "_", "alpha", "pre", ".post", "!1"}, 120), ladders["PyPI"]...)
		pairwise(t, "PyPI", versions, python, "-c", `
import json, sys
from pip._vendor.packaging.version import parse, InvalidVersion, Version
vs = json.load(sys.stdin)
def p(s):
    try: return Version(s)
    except Exception: return None
ps = [p(v) for v in vs]
for a in ps:
    for b in ps: print("x" if a is None or b is None else (a > b) - (a < b))
`)
	})
	t.Run("npm", func(t *testing.T) {
		node, err := exec.LookPath("node")
		if err != nil {
			t.Skip("no node on this machine")
		}
		semver := ""
		for _, dir := range []string{"/usr/lib/node_modules", "/usr/local/lib/node_modules", "/usr/share/nodejs", filepath.Join(filepath.Dir(filepath.Dir(realpath(node))), "lib", "node_modules")} {
			for _, at := range []string{"npm/node_modules/semver", "semver"} {
				if _, err := os.Stat(filepath.Join(dir, at)); err == nil {
					semver = filepath.Join(dir, at)
				}
			}
		}
		if semver == "" {
			t.Skip("no npm on this machine")
		}
		var versions []string
		for _, v := range append(randomVersions(r, []string{"-alpha", ".1", "-1", "-rc.1", ".beta", "+b", "-0", ".10", "-a-b"}, 120), ladders["npm"]...) {
			core, _, _ := strings.Cut(strings.ReplaceAll(v, "+", "-+"), "-")
			if strings.Contains(core, ".") && strings.Count(core, ".") != 2 || strings.Count(v, "+") > 1 {
				continue // databases leave numbers out, and so they are read here; npm refuses them
			}
			if !strings.Contains(core, ".") {
				v = "1.2." + v
			}
			versions = append(versions, v)
		}
		pairwise(t, "npm", versions, node, "-e", `
const semver = require(`+"`"+semver+"`"+`);
const vs = JSON.parse(require("fs").readFileSync(0));
const out = [];
for (const a of vs) for (const b of vs) out.push(semver.valid(a) && semver.valid(b) ? semver.compare(a, b) : "y");
console.log(out.map(x => x === "y" ? "x" : x).join("\n"));
`)
	})
	t.Run("Debian", func(t *testing.T) {
		if _, err := exec.LookPath("dpkg"); err != nil {
			t.Skip("no dpkg on this machine")
		}
		versions := append(randomVersions(r, []string{".0", "~", "~rc1", "-1", "+b1", "a", ".10", "-0", ".00", "+deb12u1"}, 8), ladders["Debian"]...)
		pairwise(t, "Debian", versions, "python3", "-c", `
import json, subprocess, sys
vs = json.load(sys.stdin)
for a in vs:
    for b in vs:
        for op, word in (("lt", "-1"), ("eq", "0"), ("gt", "1")):
            p = subprocess.run(["dpkg", "--compare-versions", a, op, b], capture_output=True)
            if p.returncode == 0: print(word); break
        else: print("x")
`)
	})
}

func realpath(p string) string {
	if r, err := filepath.EvalSymlinks(p); err == nil {
		return r
	}
	return p
}

func advisory(t *testing.T, affected string) []Advisory {
	t.Helper()
	return found(t, "PyPI", "a", affected)
}

func found(t *testing.T, ecosystem, name, affected string) []Advisory {
	t.Helper()
	b := NewBuilder()
	if err := b.Add([]byte(`{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[` + affected + `]}`)); err != nil {
		t.Fatal(err)
	}
	_, shards := b.Build()
	for _, of := range shards {
		for _, data := range of {
			l, err := Open(data)
			if err != nil {
				t.Fatal(err)
			}
			list, err := l.Find(ecosystem, name)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
	}
	return nil
}

func TestMatch(t *testing.T) {
	of := func(events, versions string) string {
		return `{"package":{"ecosystem":"PyPI","name":"A"},"ranges":[{"type":"ECOSYSTEM","events":[` + events + `]}],"versions":[` + versions + `]}`
	}
	tests := []struct {
		name, affected, version string
		hit                     bool
		fixed                   string
		open                    bool
	}{
		{"before the fix", of(`{"introduced":"0"},{"fixed":"2"}`, ""), "1.9", true, "2", false},
		{"at the fix", of(`{"introduced":"0"},{"fixed":"2"}`, ""), "2.0", false, "", false},
		{"a candidate of the fix", of(`{"introduced":"0"},{"fixed":"2"}`, ""), "2rc1", true, "2", false},
		{"before it began", of(`{"introduced":"1.5"},{"fixed":"2"}`, ""), "1.4", false, "", false},
		{"again", of(`{"introduced":"1"},{"fixed":"2"},{"introduced":"3"},{"fixed":"4"}`, ""), "3.1", true, "4", false},
		{"between", of(`{"introduced":"1"},{"fixed":"2"},{"introduced":"3"},{"fixed":"4"}`, ""), "2.5", false, "", false},
		{"events in disorder", of(`{"fixed":"2"},{"introduced":"1"}`, ""), "1.5", true, "2", false},
		{"last affected", of(`{"introduced":"0"},{"last_affected":"2"}`, ""), "2.0", true, "", false},
		{"after the last", of(`{"introduced":"0"},{"last_affected":"2"}`, ""), "2.0.1", false, "", false},
		{"by name", of(``, `"1.0-odd"`), "1.0-odd", true, "", false},
		{"by name, another", `{"package":{"ecosystem":"PyPI","name":"a"},"versions":["1.0"]}`, "1.1", false, "", false},
		{"no version", of(`{"introduced":"0"},{"fixed":"2"}`, ""), "one", false, "", true},
		{"no version of the record", of(`{"introduced":"0"},{"fixed":"two"}`, ""), "1", false, "", true},
		{"for ever", of(`{"introduced":"0"}`, ""), "99", true, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hits, err := Match("PyPI", tt.version, advisory(t, tt.affected))
			var open *UndecidedError
			if errors.As(err, &open) != tt.open || (len(hits) == 1) != tt.hit {
				t.Fatalf("%+v, %v", hits, err)
			}
			if tt.hit && hits[0].Fixed != tt.fixed {
				t.Errorf("mended in %q, want %q", hits[0].Fixed, tt.fixed)
			}
		})
	}
}

func TestAliasesAndWithdrawn(t *testing.T) {
	b := NewBuilder()
	for _, text := range []string{
		`{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","aliases":["CVE-1"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"PyPI","name":"a"},"versions":["1"]}]}`,
		`{"id":"PYSEC-1","modified":"2026-01-02T00:00:00Z","aliases":["CVE-1"],"summary":"s","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]}]}`,
		`{"id":"GHSA-2","modified":"2026-01-03T00:00:00Z","withdrawn":"2026-01-03T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"versions":["1"]}]}`,
	} {
		if err := b.Add([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	stocks, shards := b.Build()
	l, err := Open(shards["PyPI"][Shard("PyPI", "A")])
	if err != nil {
		t.Fatal(err)
	}
	list, err := l.Find("PyPI", "A")
	if err != nil {
		t.Fatal(err)
	}
	hits, err := Match("PyPI", "1", list)
	if err != nil || len(hits) != 1 || hits[0].Severity != Critical || hits[0].Fixed != "2" || hits[0].Summary != "s" || strings.Join(hits[0].Aliases, " ") != "CVE-1 PYSEC-1" {
		t.Errorf("%+v, %v", hits, err)
	}
	if b.Withdrawn != 1 || stocks[0].AsOf.Day() != 3 {
		t.Errorf("%d withdrawn, as of %s", b.Withdrawn, stocks[0].AsOf)
	}
	if age := (&Stock{}).Age(time.Now()); age < 50*365*24*time.Hour {
		t.Errorf("records without a date are %s old", age)
	}
}

// Scores from the examples of the CVSS 3.1 documents.
func TestCVSS(t *testing.T) {
	for vector, want := range map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 9.8, "CVSS:3.0/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": 6.1, "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": 7.8,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": 0, "CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 6.8, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H": 10,
	} {
		if got, ok := cvss3(vector); !ok || got != want {
			t.Errorf("%s is %v, want %v", vector, got, want)
		}
	}
	for _, bad := range []string{"", "CVSS:3.1/AV:N", "CVSS:4.0/AV:N/AC:L"} {
		if _, ok := cvss3(bad); ok {
			t.Errorf("%q has a score", bad)
		}
	}
}

// A damaged shard is an error, never an empty one.
func FuzzOpen(f *testing.F) {
	b := NewBuilder()
	if err := b.Add([]byte(`{"id":"X","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"versions":["1"]}]}`)); err != nil {
		f.Fatal(err)
	}
	_, shards := b.Build()
	whole := shards["PyPI"][Shard("PyPI", "a")]
	f.Add(whole)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Open(data)
		if err != nil {
			return
		}
		_, _ = l.Find("PyPI", "a")
	})
}

func TestCutShard(t *testing.T) {
	b := NewBuilder()
	_ = b.Add([]byte(`{"id":"X","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"versions":["1"]}]}`))
	_, shards := b.Build()
	whole := shards["PyPI"][Shard("PyPI", "a")]
	for n := 1; n < len(whole); n++ {
		l, err := Open(whole[:n])
		if err == nil {
			_, err = l.Find("PyPI", "a")
		}
		if err == nil {
			t.Fatalf("the first %d of %d bytes pass for a shard", n, len(whole))
		}
	}
}

func FuzzCompare(f *testing.F) {
	for eco, ladder := range ladders {
		f.Add(eco, ladder[0], ladder[1])
	}
	f.Fuzz(func(t *testing.T, eco, a, b string) {
		x, err := Compare(eco, a, b)
		y, back := Compare(eco, b, a)
		if (err == nil) != (back == nil) || err == nil && min(max(x, -1), 1) != -min(max(y, -1), 1) {
			t.Errorf("%s: %q against %q is %d (%v), the other way round %d (%v)", eco, a, b, x, err, y, back)
		}
	})
}
