package assess

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/stream"
)

// running opens a run on a state, and reads its stream until the test or stop ends it.
func running(t *testing.T, st store.Store, o RunOptions) (r *Running, stop func()) {
	t.Helper()
	r, err := OpenRunning(t.Context(), st, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait(); r.Close() })
	t.Cleanup(stop)
	return r, stop
}

func emptyState(t *testing.T) store.Store {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// The same state gives way to nobody else's run, and heeds what persons say meanwhile; a
// state that somebody learnt into is not written over.
func TestARunHeedsWhatOthersSay(t *testing.T) {
	ctx := t.Context()
	st := emptyState(t)
	w, err := LoadWatch(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	w.Keep(detect.Incident{ID: "I-1", Status: "open", Signals: []detect.Signal{{Pattern: "00000000000000ff"}}})
	if err := w.Save(ctx, st); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r, _ := running(t, st, RunOptions{Dir: dir})
	if _, err := OpenRunning(ctx, st, RunOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Fatalf("two runs at once: %v", err)
	}
	person, err := LoadWatch(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	if !person.Say("I-1", "fine", "planned", time.Now()) {
		t.Fatal("no such incident")
	}
	if err := person.SaveTold(ctx, st); err != nil {
		t.Fatal(err)
	}
	if err := r.Save(ctx); err != nil {
		t.Fatal(err)
	}
	if !r.watch.silenced[255] || r.watch.Incidents[0].Status != "fine" {
		t.Errorf("the run does not heed it: %+v", r.watch.Incidents)
	}
	again, err := LoadWatch(ctx, st)
	if err != nil || len(again.Fine) != 1 || again.Incidents[0].Status != "fine" {
		t.Errorf("what was said is gone: %+v, %v", again, err)
	}
	if err := again.Save(ctx, st); err != nil { // as learning would
		t.Fatal(err)
	}
	if err := r.Save(ctx); err == nil || !strings.Contains(err.Error(), "learnt into this state meanwhile") {
		t.Errorf("what another learnt is written over: %v", err)
	}
}

// stopped is a state whose next write is broken off: before it is done, or after.
type stopped struct {
	store.Store
	done bool
}

func (s *stopped) PutBlobs(ctx context.Context, step string, blobs map[string][]byte, keep int) error {
	if s.done {
		if err := s.Store.PutBlobs(ctx, step, blobs, keep); err != nil {
			return err
		}
	}
	return context.Canceled
}

// A run that was told to end in the midst of a save saves once more, whether that one came
// to pass or not: nobody else has learnt.
func TestASaveThatWasBrokenOff(t *testing.T) {
	for _, done := range []bool{false, true} {
		st := emptyState(t)
		r, _ := running(t, st, RunOptions{Dir: t.TempDir()})
		if err := r.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.store = &stopped{st, done}
		if err := r.Save(t.Context()); err == nil {
			t.Fatal("no error")
		}
		r.store = st
		if err := r.Save(t.Context()); err != nil {
			t.Errorf("written %v: %v", done, err)
		}
	}
}

// Who calls a gateway chooses the request id: it makes no drill of what he does.
func TestOnlyCloudTrailMarksADrill(t *testing.T) {
	st := emptyState(t)
	r, _ := running(t, st, RunOptions{Dir: t.TempDir()})
	trail := strings.Replace(trailRecord("e1", "InvokeModel", "2026-11-02T09:30:15Z"), `"eventID"`, `"requestID":"sevenfold-proof.T1~a.1","eventID"`, 1)
	audit := `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"sevenfold-proof.T2~b.1","stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"list","user":{"username":"eve"},"objectRef":{"resource":"secrets","apiVersion":"v1"},"requestReceivedTimestamp":"2026-11-02T09:30:15.000000Z","stageTimestamp":"2026-11-02T09:30:15.000000Z"}`
	if taken, err := r.Take(t.Context(), "x", strings.NewReader(trail+"\n"+audit)); err != nil || taken.Events != 2 {
		t.Fatalf("%+v, %v", taken, err)
	}
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.proofs) != 1 || r.proofs["T1~a"] == nil {
		t.Errorf("drills: %v", r.proofs)
	}
}

// A full stream holds senders back until what it has is learnt and archived.
func TestAFullStreamTellsSendersToWait(t *testing.T) {
	st := emptyState(t)
	r, err := OpenRunning(t.Context(), st, RunOptions{Dir: t.TempDir(), Stream: stream.Options{MaxBytes: 256 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	chance := rand.NewChaCha8([32]byte{})
	body := func(n int) string {
		dense := make([]byte, 45<<10) // what repeats would be stored small
		_, _ = chance.Read(dense)
		return strings.Replace(trailRecord(fmt.Sprint("e", n), "InvokeModel", "2026-11-02T09:30:15Z"), `"eventVersion"`, `"additionalEventData":{"x":"`+base64.StdEncoding.EncodeToString(dense)+`"},"eventVersion"`, 1)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	sent := 0
	for ; sent < 20; sent++ {
		if _, err = r.Take(ctx, "x", strings.NewReader(body(sent))); err != nil {
			break
		}
	}
	if err == nil || sent == 0 {
		t.Fatalf("%d bodies were taken into a stream that holds four", sent)
	}
	run, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(run) })
	defer wg.Wait()
	defer stop()
	if err := r.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	r.rowsAge = r.rowsAge.Add(-time.Hour) // the archive file is due
	r.mu.Unlock()
	if err := r.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Take(t.Context(), "x", strings.NewReader(body(sent))); err != nil {
		t.Errorf("there is room, and it is not taken: %v", err)
	}
}

// Lines are read as they come, documents once they are whole, and nothing twice; a file
// that is gone or cannot be read holds up no other.
func TestSweep(t *testing.T) {
	st := emptyState(t)
	dir := t.TempDir()
	r, _ := running(t, st, RunOptions{Dir: t.TempDir()})
	write := func(name, text string, old bool) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if old {
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	line := func(id string) string { return trailRecord(id, "InvokeModel", "2026-11-02T09:30:15Z") + "\n" }
	var pretty map[string]any
	if err := json.Unmarshal([]byte(`{"Records":[`+line("d1")+`,`+line("d2")+`]}`), &pretty); err != nil {
		t.Fatal(err)
	}
	document, _ := json.MarshalIndent(pretty, "", "  ")
	step := func(what string, last bool, want, rejected int) {
		t.Helper()
		if err := r.Sweep(t.Context(), []string{dir}, last); err != nil {
			t.Fatal(err)
		}
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if events, twice, bad := r.Totals(); events != want || twice != 0 || bad != rejected {
			t.Errorf("%s: %d events, want %d; %d twice, %d rejected, want %d", what, events, want, twice, bad, rejected)
		}
	}
	write("a.jsonl", line("a1")+line("a2")[:40], false)
	write("b.json", string(document), false)
	step("a line and a half, a document under way", false, 1, 0)
	write("a.jsonl", line("a1")+line("a2"), false)
	write("b.json", string(document), true)
	step("both whole", false, 4, 0)
	step("nothing new", false, 4, 0)
	write("c.json", string(document[:len(document)/2]), false)
	write("e.jsonl", "{\"x\":", false)
	step("not whole, and nothing comes after", true, 4, 3) // the record, what is around it, and the line
	if err := r.Sweep(t.Context(), []string{filepath.Join(dir, "nowhere")}, false); err == nil {
		t.Error("a path that is not there")
	}
}

// Who calls a cluster chooses the audit id (the Audit-ID header): what he does under one
// that was there before is no repetition, also after a start. The same bytes are one.
func TestAChosenIDHidesNothing(t *testing.T) {
	st, dir := emptyState(t), t.TempDir()
	audit := func(what string) string {
		return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stage":"ResponseComplete","requestURI":"/api/v1/` + what + `","verb":"get","user":{"username":"eve"},"objectRef":{"resource":"` + what + `","apiVersion":"v1"},"requestReceivedTimestamp":"` + time.Now().UTC().Format(time.RFC3339) + `"}`
	}
	pods, secrets, nodes := audit("pods"), audit("secrets"), audit("nodes")
	for _, round := range []struct {
		send               string
		events, duplicates int
	}{{pods + "\n" + secrets + "\n" + pods, 2, 1}, {secrets + "\n" + nodes, 1, 1}} {
		r, stop := running(t, st, RunOptions{Dir: dir})
		if _, err := r.Take(t.Context(), "x", strings.NewReader(round.send)); err != nil {
			t.Fatal(err)
		}
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Finish(t.Context()); err != nil {
			t.Fatal(err)
		}
		if events, duplicates, _ := r.Totals(); events != round.events || duplicates != round.duplicates {
			t.Errorf("%d events and %d that came twice, want %d and %d", events, duplicates, round.events, round.duplicates)
		}
		stop()
	}
}

// A clock that is a year off neither stretches the days that incidents are counted over, nor
// moves what is learnt.
func TestClocksAYearOff(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	lines := []string{trailRecord("old", "InvokeModel", "2025-11-01T09:30:15Z"), trailRecord("new", "InvokeModel", "2027-11-01T09:30:15Z")}
	for i := range 10 {
		lines = append(lines, trailRecord(fmt.Sprint("e", i), "InvokeModel", now.Add(-time.Duration(i)*time.Hour).Format(time.RFC3339)))
	}
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	f := NewEventFiles(nil)
	f.Now = func() time.Time { return now }
	if err := f.Read(t.Context(), []string{dir}, func(*ocsf.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if f.Events != 11 || f.RejectedCount != 1 || !strings.Contains(f.Unread(), "future") {
		t.Errorf("%d events, %d rejected: %s", f.Events, f.RejectedCount, f.Unread())
	}
	if d := f.Days(); d > 2 {
		t.Errorf("%.1f days", d)
	}
}
