package assess

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
)

// Answers are what a run tells by GET: incidents, proofs, and its gauges in the text
// format of Prometheus.
func (r *Running) Answers() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/incidents": func(w http.ResponseWriter, _ *http.Request) {
			r.mu.Lock()
			defer r.mu.Unlock()
			answer(w, r.said())
		},
		"/proofs": func(w http.ResponseWriter, _ *http.Request) {
			r.mu.Lock()
			defer r.mu.Unlock()
			list := slices.Concat([]detect.Proof{}, r.watch.Proofs)
			for _, p := range r.proofs {
				list = append(list, p.proof)
			}
			answer(w, map[string]any{"proofs": list})
		},
		"/metrics": r.metrics,
	}
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who asked is gone if this fails
}

// metrics tells how the run stands.
func (r *Running) metrics(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	done, slowest, files, rows := r.last, r.slowest, *r.files, len(r.rows)
	incidents, principals, saved, held := len(r.watch.Incidents), r.watch.Model.Maturity().Principals, r.saved, r.trouble != nil
	withheld := r.watch.Budget.Withheld()
	r.slowest = 0
	var archived int64
	segments := r.archive.Segments()
	for _, s := range segments {
		archived += s.Bytes
	}
	r.mu.Unlock()
	lag, err := r.stream.Lag(q.Context(), done)
	if err != nil {
		http.Error(w, "how far the stream is behind cannot be told", http.StatusServiceUnavailable)
		return
	}
	batches, bytes, err := r.stream.Size(q.Context())
	if err != nil {
		http.Error(w, "what the stream holds cannot be told", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	for _, m := range []struct {
		name, kind, help string
		value            float64
	}{
		{"events_stored_total", "counter", "Events stored in the stream since the start.", float64(r.in.Events.Load())},
		{"events_total", "counter", "Events taken in from the stream since the start.", float64(files.Events)},
		{"duplicates_total", "counter", "Events that came before and were left out.", float64(files.Duplicates)},
		{"rejected_total", "counter", "Parts of what was sent that gave no event.", float64(files.RejectedCount)},
		{"quarantine_dropped_total", "counter", "Rejected parts the quarantine had no more room for.", float64(r.in.Quarantine.Dropped.Load())},
		{"lag_batches", "gauge", "Batches that are stored and not yet taken in.", float64(lag.Batches)},
		{"lag_seconds", "gauge", "How long the oldest of them has waited.", lag.Oldest.Seconds()},
		{"slowest_seconds", "gauge", "The longest from storing a batch to having taken it in, since this was last asked.", slowest.Seconds()},
		{"stream_batches", "gauge", "Batches the stream holds.", float64(batches)},
		{"stream_bytes", "gauge", "Bytes the stream holds.", float64(bytes)},
		{"stalled_seconds_total", "counter", "How long senders waited for room in the stream.", r.stream.Stalled().Seconds()},
		{"held_up", "gauge", "1 while the stream cannot be read on.", map[bool]float64{true: 1}[held]},
		{"archive_bytes", "gauge", "Bytes the archive holds.", float64(archived)},
		{"archive_files", "gauge", "Files the archive holds.", float64(len(segments))},
		{"archive_waiting", "gauge", "Events taken in that are in no archive file yet.", float64(rows)},
		{"saved_seconds", "gauge", "How long ago what was learnt was kept.", r.o.Now().Sub(saved).Seconds()},
		{"withheld", "gauge", "Incidents of the last 30 days that were not told only because the budget was spent.", float64(withheld)},
		{"incidents", "gauge", "Incidents that are known.", float64(incidents)},
		{"principals", "gauge", "Principals the model knows.", float64(principals)},
	} {
		fmt.Fprintf(w, "# HELP sevenfold_detect_%[1]s %[2]s\n# TYPE sevenfold_detect_%[1]s %[3]s\nsevenfold_detect_%[1]s %[4]g\n", m.name, m.help, m.kind, m.value)
	}
}
