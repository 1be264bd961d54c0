package admission

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Probe is growth that is asked for without being stored and must be refused.
type Probe struct {
	// What is asked for.
	What string
	// Admitted is set if it was let through: the gate does not hold.
	Admitted bool
	// Refused is set if the gate refused it. With neither something else stood
	// in the way, which Why says.
	Refused bool
	Why     string
}

// selftest keeps what the last probes said.
type selftest struct {
	mu     sync.Mutex
	last   []Probe
	at     time.Time
	alarms int // probes admitted since the start
}

// probe asks for growth once and raises the alarm if it is let through.
func (g *Gate) probe(ctx context.Context) {
	probes := g.opts.Cluster.Probe(ctx)
	if ctx.Err() != nil {
		return
	}
	t := &g.selftest
	t.mu.Lock()
	before := map[string]Probe{}
	for _, p := range t.last {
		before[p.What] = p
	}
	t.last, t.at = probes, g.opts.Now()
	t.mu.Unlock()
	for _, p := range probes {
		was := before[p.What]
		switch {
		case p.Admitted:
			t.mu.Lock()
			t.alarms++
			t.mu.Unlock()
			g.opts.Log.Error("THE GATE DOES NOT HOLD: growth was let through in the self-test", "asked", p.What,
				"hint", "kubectl get validatingwebhookconfiguration,validatingadmissionpolicybinding; apply what sevenfold gate admission --manifests prints")
			if err := g.opts.Cluster.Event(ctx, SelfTestNamespace, "GateDoesNotHold", "self-test: "+p.What+" was let through; apply what sevenfold gate admission --manifests prints"); err != nil {
				g.opts.Log.Warn("no event could be written", "namespace", SelfTestNamespace, "why", err.Error())
			}
		case !p.Refused && was.Why != p.Why:
			g.opts.Log.Warn("the self-test says nothing", "asked", p.What, "why", p.Why)
		case p.Refused && (was.Admitted || was.What != "" && !was.Refused):
			g.opts.Log.Info("the self-test is refused again, as it must be", "asked", p.What)
		}
	}
}

// SelfTestNamespace is the gated namespace in which growth is asked for.
const SelfTestNamespace = "sevenfold-selftest"

// testing probes at once and every so often until ctx ends.
func (g *Gate) testing(ctx context.Context) {
	if g.opts.SelfTest <= 0 {
		return
	}
	for {
		if g.Ready() {
			g.probe(ctx)
		}
		wait := g.opts.SelfTest
		if !g.Ready() {
			wait = min(wait, resync)
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// serveSelfTest answers 200 while growth is refused, 503 otherwise.
func (g *Gate) serveSelfTest(w http.ResponseWriter, _ *http.Request) {
	t := &g.selftest
	t.mu.Lock()
	defer t.mu.Unlock()
	code, text := http.StatusOK, ""
	if len(t.last) == 0 || g.opts.Now().Sub(t.at) > 3*g.opts.SelfTest {
		code, text = http.StatusServiceUnavailable, "no self-test was made lately\n"
	}
	for _, p := range t.last {
		switch {
		case p.Admitted:
			code, text = http.StatusServiceUnavailable, text+p.What+": LET THROUGH\n"
		case p.Refused:
			text += p.What + ": refused, as it must be\n"
		default:
			code, text = http.StatusServiceUnavailable, text+p.What+": not known: "+p.Why+"\n"
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text))
}

// serveMetrics answers in the text format of Prometheus.
func (g *Gate) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	t := &g.selftest
	t.mu.Lock()
	defer t.mu.Unlock()
	refused, admitted := 0, 0
	for _, p := range t.last {
		if p.Refused {
			refused++
		}
		if p.Admitted {
			admitted++
		}
	}
	leads := 0
	if g.controller.leads.Load() {
		leads = 1
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = fmt.Fprintf(w, `# HELP sevenfold_gate_selftest_refused Probes of the last self-test that the gate refused.
# TYPE sevenfold_gate_selftest_refused gauge
sevenfold_gate_selftest_refused %d
# HELP sevenfold_gate_selftest_admitted Probes of the last self-test that were let through; anything but 0 is an alarm.
# TYPE sevenfold_gate_selftest_admitted gauge
sevenfold_gate_selftest_admitted %d
# HELP sevenfold_gate_selftest_alarms_total Probes let through since the start.
# TYPE sevenfold_gate_selftest_alarms_total counter
sevenfold_gate_selftest_alarms_total %d
# HELP sevenfold_gate_selftest_timestamp_seconds When the last self-test was made.
# TYPE sevenfold_gate_selftest_timestamp_seconds gauge
sevenfold_gate_selftest_timestamp_seconds %d
# HELP sevenfold_gate_leader Whether this replica writes the verdicts.
# TYPE sevenfold_gate_leader gauge
sevenfold_gate_leader %d
`, refused, admitted, t.alarms, max(t.at.Unix(), 0), leads)
}
