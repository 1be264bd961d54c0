package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

// writeDays writes some days of an organisation as CloudTrail delivers them, each day in
// two packed files whose times overlap.
func writeDays(t *testing.T, dir string, o *org.Org, days int, more ...json.RawMessage) {
	t.Helper()
	for range days {
		date := o.Date()
		var halves [2][][]byte
		for i, r := range o.Day() {
			halves[i%2] = append(halves[i%2], r.Text)
		}
		for i, m := range more {
			halves[i%2] = append(halves[i%2], m)
		}
		for i, list := range halves {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			fmt.Fprintf(z, `{"Records":[%s]}`, bytes.Join(list, []byte(",")))
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.json.gz", date.Format(time.DateOnly), i)), b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A small organisation is learnt, kept, and attacked: the attack is an incident, what is
// said fits the schema, and feedback silences it.
func TestLearnReplayAndFeedback(t *testing.T) {
	ctx := context.Background()
	learn, live := t.TempDir(), t.TempDir()
	o := org.New(org.Config{Seed: 5, Principals: 40})
	writeDays(t, learn, o, 16)
	var victim *org.Principal
	for _, p := range o.People {
		if p.Job == "serving" {
			victim = p
		}
	}
	attack, _, err := detect.Play("T1562.008", victim.ARN(), "eu-west-1", "203.0.113.7", "aws-cli/2", o.Date().Add(11*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	writeDays(t, live, o, 1, attack...)
	st, err := store.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()

	w, err := LoadWatch(ctx, st)
	if err != nil || !w.Fresh {
		t.Fatalf("%v, fresh %v", err, w.Fresh)
	}
	feed := func(w *Watch, dir string) (*EventFiles, []*incident.Incident) {
		t.Helper()
		var raised []*incident.Incident
		d, err := w.Detector(ctx, nil, nil, func(i *incident.Incident) { raised = append(raised, i) }, nil)
		if err != nil {
			t.Fatal(err)
		}
		last := int64(0)
		f := NewEventFiles(nil)
		err = f.Read(ctx, []string{dir}, func(e *ocsf.Event) error {
			if e.Time < last {
				t.Fatal("not in order of time")
			}
			last = e.Time
			d.Take(e)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Arrived(f)
		return f, raised
	}
	if f, raised := feed(w, learn); f.Events < 10_000 || len(raised) > 0 || f.RejectedCount > 0 {
		t.Fatalf("%d events, %d incidents, rejected %v", f.Events, len(raised), f.Rejected)
	}
	if err := w.Save(ctx, st); err != nil {
		t.Fatal(err)
	}
	replay := func() (a detect.Answer, hit string) {
		t.Helper()
		w, err := LoadWatch(ctx, st)
		if err != nil {
			t.Fatal(err)
		}
		w.Budget.Spend(true)
		f, raised := feed(w, live)
		a = detect.Answer{Events: f.Events, Incidents: []detect.Incident{}, Days: f.Days(), Budget: 3, Rejected: f.Rejected, Learnt: w.Learnt}
		for _, i := range raised {
			doc := detect.DocumentOf(i)
			a.Incidents = append(a.Incidents, doc)
			for _, s := range doc.Signals {
				if s.Action == "cloudtrail:StopLogging" {
					hit = doc.ID
				}
			}
		}
		return a, hit
	}
	a, hit := replay()
	if hit == "" {
		t.Fatalf("the attack is none of %d incidents", len(a.Incidents))
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "detect-replay.schema.json", text)
	if !a.Learnt.Mature {
		t.Errorf("not mature: %v", a.Learnt.Why)
	}

	for _, i := range a.Incidents {
		w.Keep(i)
	}
	if !w.Say(hit, "fine", "a drill", time.Now()) || w.Say("I-none", "fine", "", time.Now()) {
		t.Error("feedback")
	}
	if err := w.SaveTold(ctx, st); err != nil {
		t.Fatal(err)
	}
	if _, hit := replay(); hit != "" {
		t.Error("what was said to be fine is told again")
	}
}
