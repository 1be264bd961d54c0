package respond

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// door is an action on a door that is kept in memory.
type door struct {
	open bool
	name string
}

func (d *door) ID() string                { return cmp.Or(d.name, "x.close") }
func (d *door) Title() string             { return "close the door" }
func (d *door) Target() string            { return "Door" }
func (d *door) Params() map[string]string { return nil }
func (d *door) Breaks() string            { return "whoever wants in" }
func (d *door) Final() bool               { return false }
func (d *door) Grants(t string, _ map[string]string) map[string][]string {
	return map[string][]string{t: {"x:Close"}}
}
func (d *door) Read(context.Context, string, map[string]string) (json.RawMessage, error) {
	return json.Marshal(map[string]bool{"open": d.open})
}
func (d *door) Set(context.Context, string, map[string]string, json.RawMessage) error {
	d.open = false
	return nil
}
func (d *door) Holds(_ string, _ map[string]string, now, _ json.RawMessage) bool {
	return string(now) == `{"open":false}`
}
func (d *door) Put(_ context.Context, _ string, _ map[string]string, prior json.RawMessage) error {
	d.open = string(prior) == `{"open":true}`
	return nil
}

func desk(t *testing.T) (Desk, *time.Time) {
	t.Helper()
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	return Desk{Folder: filepath.Join(t.TempDir(), "incidents"), Now: func() time.Time { return now }}, &now
}

func must(t *testing.T) func(*Incident, error) *Incident {
	return func(i *Incident, err error) *Incident {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
}

const closing = "playbook: closing\nsteps:\n- {id: shut, phase: contain, do: x.close, on: door}\n- {id: tell, phase: notify, ask: tell them}\n"

// TestAnIncident goes from detection to review, and each state refuses what comes later.
func TestAnIncident(t *testing.T) {
	d, now := desk(t)
	ok := must(t)
	i := ok(d.Open(Opening{Title: "the door stands open", Scenario: "endpoint-misbehaving", Workload: "w", Source: "a person"}, "ana"))
	id := i.ID
	order := func(_ *Incident, err error) {
		t.Helper()
		var o *OrderError
		if !errors.As(err, &o) || !strings.Contains(err.Error(), "hint: sevenfold respond incident") {
			t.Errorf("want a refusal that says what comes next: %v", err)
		}
	}
	order(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "endpoint-misbehaving"}))
	order(d.Contained(id, "ana"))
	order(d.Advance(id, "ana", Eradicated, "x"))
	ok(d.Ack(id, "ana"))
	order(d.Ack(id, "bo"))
	*now = now.Add(5 * time.Minute)
	ok(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "endpoint-misbehaving", Laws: []string{"gdpr", "ai-act", "gdpr"}}))
	p, err := playbook.Load("p.yaml", []byte(closing))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.AddRun(id, "ana", p, nil); err == nil || !strings.Contains(err.Error(), "the law asks for it (ai-act, gdpr)") {
		t.Errorf("containment before evidence: %v", err)
	}
	if _, err := d.Preserve(id, "ana", Evidence{Nothing: "no time"}, ""); err == nil {
		t.Error("the law asks for evidence, and there was none")
	}
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte("who was it"), 0o600); err != nil {
		t.Fatal(err)
	}
	ok(d.Preserve(id, "ana", Evidence{What: "the log"}, file))
	order(d.Contained(id, "ana")) // nothing was run
	it := &door{open: true}
	actions := NewActions(it)
	j, name, err := d.AddRun(id, "ana", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := playbook.Resume(context.Background(), j, playbook.Options{Actor: actions})
	if err != nil || out.Status != playbook.Waiting || it.open {
		t.Fatal(out, err)
	}
	i = ok(d.Contained(id, "ana")) // what is left is to tell people
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if name != "run-01-closing" || i.State != Contained || len(i.Waits) != 1 || i.Waits[0].Step != "tell" {
		t.Error(name, i.State, i.Waits)
	}
	if len(i.Changes) != 1 || i.Changes[0].Action != "x.close" || i.Changes[0].Stands != "verified" {
		t.Error(i.Changes)
	}
	letGo(t, d, id, it, actions, p)
	ok(d.Advance(id, "bo", Eradicated, "the lock was mended"))
	ok(d.Advance(id, "bo", Recovering, "the door is opened by day"))
	returning(t, d, id, now)
	i = ok(d.Advance(id, "ana", Reviewed, "mend locks sooner"))
	if i.State != Reviewed || len(i.Clocks) != 2 || i.Clocks[1].Deadline != i.At[Triaged].Add(72*time.Hour) {
		t.Error(i.State, i.Clocks)
	}
	if _, err := d.Advance(id, "ana", Reviewed, "again"); err == nil {
		t.Error("reviewed twice")
	}
}

// letGo holds that containment is taken back for a reason only while it is needed, that
// nothing goes on without it, and that it can be had again.
func letGo(t *testing.T, d Desk, id string, it *door, actions Actions, p *playbook.Playbook) {
	t.Helper()
	ok := must(t)
	if _, err := d.Lift(context.Background(), id, "bo", "", actions, nil); err == nil || it.open {
		t.Errorf("containment was let go without a reason: %v", err)
	}
	ok(d.Lift(context.Background(), id, "bo", "people have to get out", actions, nil))
	if _, err := d.Advance(id, "bo", Eradicated, "x"); !it.open || err == nil || !strings.Contains(err.Error(), "what contained it was taken back") {
		t.Errorf("what is no more contained is eradicated: %v", err)
	}
	j, _, err := d.AddRun(id, "ana", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, err := playbook.Resume(context.Background(), j, playbook.Options{Actor: actions}); err != nil {
		t.Fatal(err)
	}
	i := ok(d.Contained(id, "ana"))
	if e := i.Entries[len(i.Entries)-1]; it.open || i.State != Contained || e.Text != "it is contained again" {
		t.Error(i.State, e)
	}
}

// TestContainmentStandsInItsOwnWay: at the return what containment changed differs from the
// baseline. Only where that is all, it is taken back without a reason; a cure stays.
func TestContainmentStandsInItsOwnWay(t *testing.T) {
	d, now := desk(t)
	ok := must(t)
	id := ok(d.Open(Opening{Title: "t", Source: "x"}, "ana")).ID
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "s"}))
	ok(d.Preserve(id, "ana", Evidence{Nothing: "a test"}, ""))
	it, lock := &door{open: true}, &door{open: true, name: "x.lock"}
	actions := NewActions(it, lock)
	p, err := playbook.Load("p.yaml", []byte("playbook: closing\nsteps:\n- {id: shut, phase: contain, do: x.close, on: door}\n- {id: lock, phase: contain, stays: true, do: x.lock, on: door}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.AddRun(id, "", p, nil); err == nil {
		t.Error("nobody runs it")
	}
	j, _, err := d.AddRun(id, "ana", p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := playbook.Resume(context.Background(), j, playbook.Options{Actor: actions}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	ok(d.Contained(id, "ana"))
	ok(d.Advance(id, "bo", Eradicated, "x"))
	i := ok(d.Advance(id, "bo", Recovering, "x"))
	if list, err := d.Standing(i); err != nil || len(list) != 1 || list[0].Step != "shut" {
		t.Error(list, err)
	}
	light := func(permissions Light, drift Light) Checks {
		c := Checks{}
		for _, a := range returnAsks {
			c[a.id] = func() (Light, string) { return Green, "" }
		}
		c["permissions"], c["drift"] = func() (Light, string) { return permissions, "" }, func() (Light, string) { return drift, "" }
		return c
	}
	lift := func() error {
		_, err := d.Lift(context.Background(), id, "bo", "", actions, nil)
		return err
	}
	if i = ok(d.CheckReturn(id, "bo", light(Held, Red))); i.State != Recovering || lift() == nil {
		t.Error("let go though something else differs")
	}
	if i = ok(d.CheckReturn(id, "bo", light(Held, Green))); i.State != Recovering {
		t.Error("verified while containment stands")
	}
	*now = now.Add(2 * time.Hour)
	if lift() == nil {
		t.Error("let go on an old check")
	}
	ok(d.CheckReturn(id, "bo", light(Held, Green)))
	if err := lift(); err != nil || !it.open || lock.open {
		t.Error(err, it.open, lock.open)
	}
	if i = ok(d.CheckReturn(id, "bo", light(Green, Green))); i.State != Verified {
		t.Error(i.State)
	}
	ok(d.Restore(id, "bo"))
	if _, _, err := d.AddRun(id, "ana", p, nil); err == nil || !strings.Contains(err.Error(), "nothing of it is left to contain") {
		t.Errorf("contained after its return: %v", err)
	}
}

// TestWhatWasLeftOfARun: a run that somebody began and did not come to name is not gone on
// with, whatever values it has.
func TestWhatWasLeftOfARun(t *testing.T) {
	d, _ := desk(t)
	ok := must(t)
	id := ok(d.Open(Opening{Title: "t", Source: "x"}, "ana")).ID
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "s"}))
	ok(d.Preserve(id, "ana", Evidence{Nothing: "a test"}, ""))
	p, err := playbook.Load("p.yaml", []byte("playbook: p\nvariables: {door: {}}\nsteps: [{id: shut, phase: contain, do: x.close, on: $door}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	left, err := playbook.OpenJournal(filepath.Join(d.Folder, id, "run-01-p.jsonl"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(playbook.Begin(left, p, map[string]string{"door": "another"}), left.Close()); err != nil {
		t.Fatal(err)
	}
	j, name, err := d.AddRun(id, "ana", p, map[string]string{"door": "front"})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if _, values, err := playbook.Of(j); err != nil || name != "run-02-p" || values["door"] != "front" {
		t.Error(name, values, err)
	}
}

// TestNoTabletopActs: what is talked through changes nothing.
func TestNoTabletopActs(t *testing.T) {
	d, _ := desk(t)
	id := must(t)(d.Open(Opening{Title: "t", Exercise: true, Source: SourceTabletop}, "ana")).ID
	p, err := playbook.Load("p.yaml", []byte(closing))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.AddRun(id, "ana", p, nil); err == nil || !strings.Contains(err.Error(), "acts on nothing") {
		t.Error(err)
	}
	if _, err := d.Open(Opening{Title: "t", Began: d.now().Add(time.Hour)}, "ana"); err == nil {
		t.Error("it began tomorrow")
	}
}

// returning holds that nothing returns while an item is red or unknown, nor on a check
// that is old.
func returning(t *testing.T, d Desk, id string, now *time.Time) {
	t.Helper()
	ok := must(t)
	checks := Checks{}
	for _, a := range returnAsks {
		checks[a.id] = func() (Light, string) { return Green, "fine" }
	}
	for _, bad := range []func() (Light, string){nil, func() (Light, string) { return Red, "poisoned" }, func() (Light, string) { return Unknown, "?" }, func() (Light, string) { return "orange", "?" }} {
		one := Checks{}
		for k, v := range checks {
			one[k] = v
		}
		one["lineage"] = bad
		if i := ok(d.CheckReturn(id, "bo", one)); i.State != Recovering || i.Checked.Green() {
			t.Error("verified though lineage is not green")
		}
		if _, err := d.Restore(id, "bo"); err == nil || !strings.Contains(err.Error(), "restoring is refused: lineage") {
			t.Error(err)
		}
	}
	if i := ok(d.CheckReturn(id, "bo", checks)); i.State != Verified {
		t.Fatal(i.State)
	}
	*now = now.Add(2 * time.Hour)
	if _, err := d.Restore(id, "bo"); err == nil || !strings.Contains(err.Error(), "check again") {
		t.Error(err)
	}
	ok(d.CheckReturn(id, "bo", checks))
	ok(d.Restore(id, "bo"))
}

func TestAClockOfTheLaw(t *testing.T) {
	d, now := desk(t)
	ok := must(t)
	id := ok(d.Open(Opening{Title: "t", Source: "x"}, "ana")).ID
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "critical", Scenario: "privacy-leak", Laws: []string{"gdpr", "nis2"}}))
	for after, want := range map[time.Duration]string{time.Hour: "running", 60 * time.Hour: "due", 73 * time.Hour: "over"} {
		start := *now
		*now = now.Add(after)
		if i := ok(d.Show(id)); i.Clocks[0].Status != want {
			t.Errorf("after %s: %s, want %s", after, i.Clocks[0].Status, want)
		}
		*now = start
	}
	i := ok(d.Told(id, "ana", "gdpr-authority", time.Time{}))
	if i.Clocks[0].Status != "told" {
		t.Error(i.Clocks[0])
	}
	text, err := i.Draft("nis2-early-warning", "acme")
	if err != nil || !strings.Contains(text, "Article 23(4)(a)") || !strings.Contains(text, "Suspected of being caused by unlawful or malicious acts: [yes or no]") {
		t.Error(text, err)
	}
}

func TestExportsShowAlterations(t *testing.T) {
	d, _ := desk(t)
	ok := must(t)
	id := ok(d.Open(Opening{Title: "t", Source: "x"}, "ana")).ID
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "s"}))
	file := filepath.Join(t.TempDir(), "../log")
	if err := os.WriteFile(file, []byte("evidence"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := ok(d.Preserve(id, "ana", Evidence{What: "log"}, file))
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(dir string) error{
		"":              func(string) error { return nil },
		"the evidence":  func(dir string) error { return flip(filepath.Join(dir, "evidence", i.Evidence[0].File)) },
		"the journal":   func(dir string) error { return flip(filepath.Join(dir, "journal.jsonl")) },
		"the manifest":  func(dir string) error { return flip(filepath.Join(dir, "MANIFEST.json")) },
		"the signature": func(dir string) error { return flip(filepath.Join(dir, "MANIFEST.sig")) },
		"a file more":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "more"), nil, 0o600) },
		"a file less":   func(dir string) error { return os.Remove(filepath.Join(dir, "evidence", i.Evidence[0].File)) },
		"another key's": nil,
	} {
		to := filepath.Join(t.TempDir(), "export")
		if _, err := d.Export(id, to, key); err != nil {
			t.Fatal(err)
		}
		with := public
		if spoil == nil {
			with, _, _ = ed25519.GenerateKey(nil)
		} else if err := spoil(to); err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyExport(to, with); (err == nil) != (name == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What was altered before it was exported is not signed for.
	if err := flip(filepath.Join(d.Folder, id, "evidence", i.Evidence[0].File)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Export(id, filepath.Join(t.TempDir(), "export"), key); err == nil || !strings.Contains(err.Error(), "was altered") {
		t.Errorf("altered evidence was signed: %v", err)
	}
}

func flip(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text[len(text)/2] ^= 1
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func TestNamesLeadNowhere(t *testing.T) {
	d, _ := desk(t)
	for _, id := range []string{"../../etc", "INC-20261128-001/../..", "", "INC-20261128-001"} {
		if _, err := d.Show(id); !errors.Is(err, ErrNoIncident) {
			t.Errorf("%q: %v", id, err)
		}
	}
	id := must(t)(d.Open(Opening{Title: "t", Source: "x"}, "")).ID
	if _, err := d.Run(id, "../journal"); err == nil {
		t.Error("a run leads out of its incident")
	}
}

// TestTwoRespondersAtOnce: both take the incident in hand; one is told of the other.
func TestTwoRespondersAtOnce(t *testing.T) {
	d, _ := desk(t)
	id := must(t)(d.Open(Opening{Title: "t", Source: "x"}, "")).ID
	_, err := d.change(id, func(i *Incident) ([]change, error) {
		if _, err := d.Ack(id, "bo"); err != nil { // while ana looks
			return nil, err
		}
		c, err := i.move(Acknowledged, "ana", "")
		return []change{c}, err
	})
	var c *playbook.ConflictError
	if !errors.As(err, &c) || !strings.Contains(err.Error(), "bo wrote") {
		t.Error(err)
	}
	i := must(t)(d.Show(id))
	if i.State != Acknowledged || i.Entries[1].By != "bo" {
		t.Error(i)
	}
}

func TestReportsAreReproducible(t *testing.T) {
	d, now := desk(t)
	ok := must(t)
	id := ok(d.Open(Opening{Title: "a <script>alert(1)</script> | table", Source: "x"}, "ana")).ID
	ok(d.Ack(id, "ana"))
	ok(d.Decide(id, "ana", Triage{Severity: "high", Scenario: "s", Laws: []string{"gdpr"}}))
	rec := &Record{ID: id, Kind: Tabletop, Score: 70, Gaps: []Gap{{ID: "g", Text: "no <b>deputy</b>"}}}
	write := func() (string, string) {
		var h, m bytes.Buffer
		i := ok(d.Show(id))
		if err := errors.Join(HTML(&h, i, rec), Markdown(&m, i, rec)); err != nil {
			t.Fatal(err)
		}
		return h.String(), m.String()
	}
	h1, m1 := write()
	*now = now.Add(70 * time.Hour)
	if h2, m2 := write(); h1 != h2 || m1 != m2 {
		t.Error("the report differs when it is written again")
	}
	for _, text := range []string{h1, m1} {
		if strings.Contains(text, "<script>") || strings.Contains(text, "<b>deputy") {
			t.Error("text became markup")
		}
	}
}
