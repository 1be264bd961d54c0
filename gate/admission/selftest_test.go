package admission

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The self-test says that growth is refused, raises the alarm if it is not, and
// says neither if something else stood in the way.
func TestSelfTest(t *testing.T) {
	m := &memory{}
	g, err := New(Options{Cluster: m, Grants: &stack{}, Digest: image, Hosts: []string{"h"}, SelfTest: time.Minute, Now: func() time.Time { return today }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	for _, tt := range []struct {
		name   string
		probes []Probe
		code   int
		words  string
		metric string
	}{
		{"not_yet", nil, 503, "no self-test was made lately", "sevenfold_gate_selftest_refused 0"},
		{"refused", []Probe{{What: "a", Refused: true}}, 200, "a: refused, as it must be", "sevenfold_gate_selftest_refused 1"},
		{"let_through", []Probe{{What: "a", Admitted: true}, {What: "b", Refused: true}}, 503, "a: LET THROUGH", "sevenfold_gate_selftest_admitted 1"},
		{"something_else", []Probe{{What: "a", Why: "failed calling webhook"}}, 503, "a: not known: failed calling webhook", "sevenfold_gate_selftest_alarms_total 1"},
	} {
		m.probes = tt.probes
		if tt.probes != nil {
			g.probe(context.Background())
		}
		if code, text := get("/selftest"); code != tt.code || !strings.Contains(text, tt.words) {
			t.Errorf("%s: status %d, %q; want %d, %q", tt.name, code, text, tt.code, tt.words)
		}
		if _, text := get("/metrics"); !strings.Contains(text, tt.metric+"\n") {
			t.Errorf("%s: no metric %q:\n%s", tt.name, tt.metric, text)
		}
	}
	if len(m.events) != 1 || !strings.Contains(m.events[0], "sevenfold-selftest GateDoesNotHold") {
		t.Errorf("events %q", m.events)
	}
}

// A replica that does not lead answers like any other and writes nothing.
func TestOnlyTheLeaderWrites(t *testing.T) {
	w := newTown(t, everyKind())
	w.m.verdicts, w.m.carries, w.m.writes = map[string]json.RawMessage{}, nil, 0
	w.c.leads.Store(false)
	w.reconcile()
	w.want("at most 1 allowed", w.create("dev", "Deployment", "d", `"spec":{"replicas":2}`))
	if w.m.writes != 0 {
		t.Errorf("it wrote %d times", w.m.writes)
	}
	w.c.leads.Store(true)
	w.reconcile()
	if w.m.writes != 2 {
		t.Errorf("leading it wrote %d times, want verdict and copy", w.m.writes)
	}
}
