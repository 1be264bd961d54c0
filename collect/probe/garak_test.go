package probe

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// garakReport is a report as garak writes one: its setup, an attempt with what was asked, what
// the detectors judged, and its end.
const garakReport = `{"entry_type": "start_run setup", "_config.version": "0.13.1", "plugins.target_type": "rest", "plugins.target_name": "score", "run.generations": 5}
{"entry_type": "init", "garak_version": "0.13.1", "start_time": "2026-11-29T10:00:00.123456+00:00", "run": "r"}
{"entry_type": "attempt", "uuid": "u", "probe_classname": "dan.Dan_11_0", "prompt": {"turns": [{"content": {"text": "secret"}}]}, "outputs": [{"text": "x"}], "detector_results": {"dan.DAN": [1.0]}}
{"entry_type": "eval", "probe": "dan.Dan_11_0", "detector": "dan.DAN", "passed": 95, "fails": 5, "nones": 0, "total_evaluated": 100, "total_processed": 100}
{"entry_type": "eval", "probe": "encoding.InjectBase64", "detector": "encoding.DecodeMatch", "passed": 40, "fails": 10, "nones": 2, "total_evaluated": 50, "total_processed": 52}
{"entry_type": "probe_summary", "probe": "dan.Dan_11_0"}
{"entry_type": "completion", "end_time": "2026-11-29T10:30:00", "run": "r"}
{"entry_type": "digest", "eval": {"dan": {}}}
`

// older is one of a version before 0.13, with a time without a zone.
var older = strings.NewReplacer("plugins.target_name", "plugins.model_name", "0.13.1", "0.9.0.14", `, "fails": 5, "nones": 0, "total_evaluated"`, `, "total"`, `, "fails": 10, "nones": 2, "total_evaluated"`, `, "total"`,
	`, "total_processed": 100`, "", `, "total_processed": 52`, "", "29T10:00:00.123456+00:00", "30T10:00:00.123456").Replace(garakReport)

func TestGarak(t *testing.T) {
	since := time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC)
	const dan = `"passed": 95, "fails": 5, "nones": 0, "total_evaluated": 100`
	was := func(from, to string) string {
		out := strings.Replace(garakReport, from, to, 1)
		if out == garakReport {
			t.Fatalf("%q is not in the report", from)
		}
		return out
	}
	for _, c := range []struct {
		name, now, good string
		within          float64
		worse, open     string
	}{
		{"the same", garakReport, garakReport, 0, "", ""},
		{"better", was(dan, `"passed": 99, "fails": 1, "nones": 0, "total_evaluated": 100`), garakReport, 0, "", ""},
		{"worse", was(dan, `"passed": 90, "fails": 10, "nones": 0, "total_evaluated": 100`), garakReport, 0.02, "dan.Dan_11_0 dan.DAN passes 90.0%, the known-good model 95.0%", ""},
		{"a little worse", was(dan, `"passed": 94, "fails": 6, "nones": 0, "total_evaluated": 100`), garakReport, 0.02, "", ""},
		{"not judged", was(dan, `"passed": 90, "fails": 0, "nones": 10, "total_evaluated": 90`), garakReport, 0, "", "judged 90 answers (10 not), 100 of"},
		{"nothing judged", was(dan, `"passed": 0, "fails": 0, "nones": 100, "total_evaluated": 0`), garakReport, 0, "", "judged 0 answers"},
		{"nothing judged of the good one", garakReport, was(dan, `"passed": 0, "fails": 0, "nones": 100, "total_evaluated": 0`), 0, "", "judged nothing of the known-good model"},
		{"a probe less", was("dan.Dan_11_0\", \"detector", "dan.Other\", \"detector"), garakReport, 0, "", "dan.Dan_11_0 dan.DAN judged 0 answers"},
		{"worse, and not told of another", strings.Replace(was(dan, `"passed": 10, "fails": 90, "nones": 0, "total_evaluated": 100`), "encoding.Decode", "encoding.Other", 1), garakReport, 0, "passes 10.0%", ""},
		{"broken off", was(`{"entry_type": "completion"`, `{"entry_type": "x"`), garakReport, 0, "", "did not come to its end"},
		{"cut in the middle of a line", garakReport[:700], garakReport, 0, "", "line 5: this is no entry"},
		{"the good one broken off", garakReport, garakReport[:300], 0, "", "the known-good model: good: line 3"},
		{"of before recovery", was("2026-11-29T10:00:00", "2026-11-29T08:59:59"), garakReport, 0, "", "before recovery did"},
		{"of another target", was(`"score"`, `"score-test"`), garakReport, 0, "", `asked "score-test", not "score"`},
		{"of another version", strings.ReplaceAll(garakReport, "0.13.1", "0.14.0"), garakReport, 0, "", "detectors may differ"},
		{"before 0.13", older, older, 0, "", ""},
		{"empty", "", garakReport, 0, "", "no report of garak"},
		{"another tool's", `{"results": []}`, garakReport, 0, "", "no entry of a report"},
		{"binary", "\x00\x01\xff", garakReport, 0, "", "line 1: this is no entry"},
		{"a huge number", was(dan, `"passed": 1e400, "total_evaluated": 100`), garakReport, 0, "", "of no form"},
		{"more passed than judged", was(dan, `"passed": 101, "total_evaluated": 100`), garakReport, 0, "", "numbers that fit"},
		{"less than nothing", was(dan, `"passed": -1, "total_evaluated": 100`), garakReport, 0, "", "numbers that fit"},
		{"no time", was("2026-11-29T10:00:00.123456+00:00", "now"), garakReport, 0, "", "is no time"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"now": c.now, "good": c.good} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		g := Garak{Name: "attacks", Report: "now", Good: filepath.Join(dir, "good"), Target: "score", Within: c.within}
		r := g.Judge(dir, since)
		if c.name == "the good one broken off" {
			c.open = strings.Replace(c.open, "good: line", g.Good+": line", 1)
		}
		switch {
		case c.open != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), c.open)), c.open == "" && r.Err != nil:
			t.Errorf("%s: %v, want %q", c.name, r.Err, c.open)
		case !strings.Contains(r.Why, c.worse), r.OK != (c.worse == "" && c.open == ""):
			t.Errorf("%s: %+v, want %q", c.name, r, c.worse)
		}
	}
	// What is no file is not waited for.
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, "pipe", "none"} {
		if r := (&Garak{Name: "x", Report: "r", Good: path, Target: "score"}).Judge(dir, since); r.Err == nil {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

func FuzzGarak(f *testing.F) {
	f.Add([]byte(`{"entry_type": "eval", "probe": "a.B", "detector": "c.D", "passed": 1, "total_evaluated": 2}`))
	f.Add([]byte(`{"entry_type": "init", "garak_version": "0.13.1", "start_time": "2026-11-29T10:00:00.123456"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		run := &garakRun{pairs: map[garakPair]judged{}}
		if run.take(text) != nil {
			return
		}
		for p, j := range run.pairs {
			if p.probe == "" || j.passed < 0 || j.of < j.passed || j.nones < 0 {
				t.Fatalf("%+v %+v", p, j)
			}
		}
	})
}
