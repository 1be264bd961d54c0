package assess

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

// crew are people who answer at once.
type crew struct{ err error }

func (crew) Acknowledge(context.Context, string, string) (string, error) { return "bo", nil }
func (c crew) Contain(context.Context, string, string) (string, string, bool, error) {
	return "bo", "contained", false, c.err
}

// A detection that has learnt runs behind its real way in; live fire goes in by it,
// becomes an incident, and the times are measured. One that learns still sees nothing.
func TestRespondLiveFire(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	o := org.New(org.Config{Seed: 5, Principals: 40, Begin: time.Now().AddDate(0, 0, -16).UTC().Truncate(24 * time.Hour)})
	writeDays(t, dir, o, 16)
	st, err := store.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	victim := "" // one for all: what was played is learnt of nobody
	for _, p := range o.People {
		if p.Job == "serving" {
			victim = p.ARN()
		}
	}
	list, err := respond.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	desk := respond.Desk{Folder: filepath.Join(t.TempDir(), "incidents")}
	none, folder := crew{}, t.TempDir()
	fire := func(name string, within time.Duration, people respond.Drill) (*respond.Record, error) {
		t.Helper()
		run, err := OpenRunning(ctx, st, RunOptions{Dir: folder})
		if err != nil {
			t.Fatal(err)
		}
		defer run.Close()
		reading, stop := context.WithCancel(ctx)
		var read sync.WaitGroup
		read.Go(func() { run.Run(reading) })
		defer read.Wait()
		defer stop()
		const token = "0123456789abcdef"
		way, err := events.NewReceiver(token, run.Take)
		if err != nil {
			t.Fatal(err)
		}
		way.Answers = run.Answers()
		srv := httptest.NewServer(way)
		defer srv.Close()
		ask := func(method, path string, body []byte) (*http.Response, error) {
			q, err := http.NewRequestWithContext(ctx, method, srv.URL+path, bytes.NewReader(body))
			if err != nil {
				return nil, err
			}
			q.Header.Set("Authorization", "Bearer "+token)
			return http.DefaultClient.Do(q)
		}
		f := &LiveFire{Principal: victim, Region: "eu-west-1",
			Send: func(_ context.Context, _ string, records []json.RawMessage) error {
				body, _ := json.Marshal(map[string]any{"Records": records})
				a, err := ask(http.MethodPost, "/events", body)
				if err == nil && a.StatusCode != http.StatusOK {
					err = fmt.Errorf("%s", a.Status)
				}
				return err
			},
			Proofs: func(context.Context) ([]detect.Proof, error) {
				a, err := ask(http.MethodGet, "/proofs", nil)
				if err != nil {
					return nil, err
				}
				defer a.Body.Close()
				var got struct{ Proofs []detect.Proof }
				return got.Proofs, json.NewDecoder(a.Body).Decode(&got)
			}}
		for _, sc := range list {
			if sc.ID == name {
				rec, err := desk.Fire(ctx, f, &respond.Ranked{Scenario: sc, Workload: &finding.Workload{ID: "w", Name: "score"}}, "ana", within, people)
				if err := run.Save(ctx); err != nil {
					t.Fatal(err)
				}
				return rec, err
			}
		}
		t.Fatal("no scenario " + name)
		return nil, nil
	}
	if rec, err := fire("logging-disabled", time.Second, none); !errors.Is(err, respond.ErrNotSeen) || len(rec.Gaps) != 1 {
		t.Errorf("a detection that has learnt nothing saw it: %+v %v", rec, err)
	}
	w, err := LoadWatch(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Detector(ctx, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := NewEventFiles(nil).Read(ctx, []string{dir}, func(e *ocsf.Event) error { d.Take(e); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := w.Save(ctx, st); err != nil {
		t.Fatal(err)
	}
	if w.Learnt = detect.LearntOf(w.Model); !w.Learnt.Mature {
		t.Fatal(w.Learnt.Why)
	}
	// The mission's three scenarios, and one whose containment is refused.
	for _, name := range []string{"endpoint-misbehaving", "training-pipeline-poisoned", "training-data-exfiltrated"} {
		rec, err := fire(name, 3*time.Minute, none)
		if err != nil || rec.Detect <= 0 || rec.Acknowledge < rec.Detect || rec.Contain < rec.Acknowledge || len(rec.Gaps) > 0 {
			t.Errorf("%s: %+v %v", name, rec, err)
			continue
		}
		i, err := desk.Show(rec.ID)
		if err != nil || i.State != respond.Acknowledged {
			t.Errorf("%s: %+v %v", name, i, err)
		}
	}
	rec, err := fire("logging-disabled", 3*time.Minute, crew{errors.New("refused")})
	if err != nil || len(rec.Gaps) != 1 || rec.Gaps[0].ID != "contain" {
		t.Errorf("%+v %v", rec, err)
	}
	if _, err := fire("vendor-breached", time.Second, none); err == nil {
		t.Error("a scenario that no attack plays was fired")
	}
	told, err := LoadWatch(ctx, st)
	if err != nil {
		t.Fatal(err)
	}
	if len(told.Incidents) < 4 {
		t.Errorf("%d drills are kept", len(told.Incidents))
	}
	for _, i := range told.Incidents {
		if i.Status == "open" || !i.Drill {
			t.Errorf("a drill is open: %+v", i)
		}
	}
	before, err := w.Model.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	after, err := told.Model.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("drills were learnt")
	}
	if perDay, _ := told.Budget.Realised(); perDay > 0 {
		t.Errorf("drills count as %.2f incidents a day", perDay)
	}
	for _, s := range told.Seen {
		if !s.Last.Before(o.Date()) {
			t.Errorf("a drill counts as telemetry: %+v", s)
		}
	}
}
