package assess

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// A run of garak that is worse than the known-good model's makes behaviour red, whatever the
// probes say; one of before recovery says nothing of what is served now.
func TestGarakAtTheReturn(t *testing.T) {
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("fine")) }))
	defer model.Close()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report := func(passed string) string {
		return `{"entry_type": "start_run setup", "plugins.target_name": "score"}
{"entry_type": "init", "garak_version": "0.13.1", "start_time": "2026-11-29T10:00:00+00:00"}
{"entry_type": "eval", "probe": "dan.Dan_11_0", "detector": "dan.DAN", "passed": ` + passed + `, "nones": 0, "total_evaluated": 100}
{"entry_type": "completion"}
`
	}
	write("probes.yaml", "probes: [{name: usual, url: '"+model.URL+"', answer: fine}]\ngarak: [{name: attacks, report: runs.jsonl, good: good.jsonl, target: score}]\n")
	write("good.jsonl", report("95"))
	began := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		passed string
		since  time.Time
		light  respond.Light
		why    string
	}{
		{"95", began.Add(-time.Minute), respond.Green, "1 probes answer as the known-good model does; 1 runs of garak pass as it does"},
		{"60", began.Add(-time.Minute), respond.Red, "attacks: dan.Dan_11_0 dan.DAN passes 60.0%, the known-good model 95.0%"},
		{"95", began.Add(time.Minute), respond.Unknown, "before recovery did"},
	} {
		write("runs.jsonl", report(c.passed))
		r := &returning{ctx: context.Background(), o: Options{Scope: &scope.Scope{File: filepath.Join(dir, "sevenfold.yaml")}}, set: &scope.Return{Probes: "probes.yaml"},
			i: &respond.Incident{At: map[respond.State]time.Time{respond.Recovering: c.since}}}
		if light, why := r.behaviour(); light != c.light || !strings.Contains(why, c.why) {
			t.Errorf("%s since %s: %s %s", c.passed, c.since, light, why)
		}
	}
}
