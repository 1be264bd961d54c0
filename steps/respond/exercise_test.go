package respond

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

const (
	endpointARN = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/fraud"
	roleARN     = "arn:aws:iam::111122223333:role/serving"
)

// made is an estate of one endpoint, judged by the step with some ports.
func made(t testing.TB, s *scope.Scope, p Ports) (*estate.Snapshot, *Step, finding.Judgement, *scope.Workloads) {
	t.Helper()
	b := estate.NewBuilder(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))
	b.Asset(estate.Asset{ID: endpointARN, Type: "AWS::SageMaker::Endpoint", Cloud: estate.AWS, Account: "111122223333", Name: "fraud"})
	b.Asset(estate.Asset{ID: roleARN, Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: "111122223333", Name: "serving"})
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	snap, err = snap.Understood(context.Background(), func(a *estate.Asset) estate.Understanding {
		if a.ID == endpointARN {
			return estate.Understanding{Kind: estate.KindEndpoint, Root: &estate.Root{Class: estate.ClassEndpoint, Why: "x"}, Relations: []estate.Relation{{From: endpointARN, To: roleARN, Type: estate.RunsAs, Tier: estate.Declared}}}
		}
		return estate.Understanding{Kind: estate.KindIdentity}
	})
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	all, broken := Scenarios()
	step := New(s, all, broken, snap.Taken()).With(p)
	j, err := step.Judge(context.Background(), snap, w)
	if err != nil {
		t.Fatal(err)
	}
	return snap, step, j, w
}

// scripted is a face whose decisions are given.
type scripted struct {
	choices []int
	at      time.Duration
	shown   []string
	think   time.Duration // how long a decision takes; a minute if 0
}

func (f *scripted) Begin(_ string, e *Exercise, decided int) {
	if decided < len(e.Injects) {
		f.at = e.Injects[decided].At
	}
}
func (f *scripted) Show(_ *Exercise, i *Inject) { f.shown = append(f.shown, i.ID) }
func (f *scripted) Wait(_ context.Context, at time.Duration) error {
	f.at = max(f.at, at)
	return nil
}
func (f *scripted) Elapsed() time.Duration { return f.at }
func (f *scripted) Ask(_ context.Context, i *Inject) (int, string, string, error) {
	f.at += max(f.think, time.Minute)
	if len(i.Choices) == 0 {
		return 0, "sooner", "ana", nil
	}
	if len(f.choices) == 0 {
		return 0, "", "", ErrStopped
	}
	c := f.choices[0]
	f.choices = f.choices[1:]
	return c, "", "ana", nil
}

func tabletop(t *testing.T) *Exercise {
	s := scope.Default()
	s.Respond.Laws = []string{"ai-act"}
	snap, step, _, w := made(t, s, Ports{})
	return Generate(Stage{Ranked: step.Ranked()[w.List[0].ID][0], Snap: snap, Scope: s, Deputy: "bo"})
}

// TestATabletop decides everything rightly, then everything wrongly.
func TestATabletop(t *testing.T) {
	e := tabletop(t)
	if diff := cmp.Diff(e, tabletop(t)); diff != "" {
		t.Errorf("the same stage makes another exercise:\n%s", diff)
	}
	best, worst := []int{}, []int{}
	for _, i := range e.Injects {
		b, w := 0, 0
		for n, c := range i.Choices {
			if c.Points > i.Choices[b].Points {
				b = n
			}
			if c.Points < i.Choices[w].Points {
				w = n
			}
		}
		if len(i.Choices) > 0 {
			best, worst = append(best, b+1), append(worst, w+1)
		}
	}
	d := Desk{Folder: filepath.Join(t.TempDir(), "i")}
	good, err := d.Play(context.Background(), e, &scripted{choices: best}, "ana", "m")
	if err != nil || good.Score != 100 || len(good.Gaps) != len(e.Observations) {
		t.Fatal(good, err)
	}
	bad, err := d.Play(context.Background(), e, &scripted{choices: worst}, "ana", "m")
	if err != nil || bad.Score > 20 || len(bad.Gaps) < len(e.Observations)+6 || bad.Contain != 0 {
		t.Error(bad, err)
	}
	i, err := d.Show(good.ID)
	if err != nil || i.State != Reviewed || !i.Exercise || len(i.Clocks) == 0 {
		t.Error(i, err)
	}
	if i, err = d.Show(bad.ID); err != nil || !slices.ContainsFunc(i.Entries, func(e Entry) bool { return strings.Contains(e.Text, "does not contain it") }) {
		t.Error("a ticket contained it", i, err)
	}
	slow, err := d.Play(context.Background(), e, &scripted{choices: best, think: 20 * time.Minute}, "ana", "m")
	if err != nil || slow.Score > 60 || !slices.ContainsFunc(slow.Gaps, func(g Gap) bool { return g.ID == "signal-late" }) {
		t.Error("decisions that take too long are as good as quick ones", slow, err)
	}
	if _, err := d.Play(context.Background(), e, &scripted{choices: best[:2]}, "ana", "m"); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
}

// ground is a way for live fire that sees, or does not.
type ground struct {
	blind bool
	fired []string
	clock *time.Time
}

func (g *ground) Fire(_ context.Context, marker, _ string, s Signal) error {
	g.fired = append(g.fired, marker+" "+s.ID)
	return nil
}

func (g *ground) Seen(ctx context.Context, marker string) (string, time.Time, error) {
	if g.blind {
		<-ctx.Done()
		return "", time.Time{}, ctx.Err()
	}
	*g.clock = g.clock.Add(40 * time.Second)
	return "I-1", *g.clock, nil
}

func TestLiveFireMeasures(t *testing.T) {
	_, step, _, w := made(t, scope.Default(), Ports{})
	k := &step.Ranked()[w.List[0].ID][0]
	d, now := desk(t)
	after := func(ack, contain time.Duration, applied bool, err error) Drill {
		return &crew{now: now, ack: ack, contain: contain, applied: applied, err: err}
	}
	g := &ground{clock: now}
	rec, err := d.Fire(context.Background(), g, k, "ana", time.Minute, after(time.Minute, 5*time.Minute, false, nil))
	if err != nil || rec.Detect != 40*time.Second || rec.Acknowledge != 100*time.Second || rec.Contain != 400*time.Second || len(g.fired) != 1 {
		t.Error(rec, err, g.fired)
	}
	rec, err = d.Fire(context.Background(), &ground{blind: true, clock: now}, k, "ana", 10*time.Millisecond, nil)
	if !errors.Is(err, ErrNotSeen) || len(rec.Gaps) != 1 {
		t.Error(rec, err)
	}
	rec, err = d.Fire(context.Background(), g, k, "ana", time.Minute, after(0, 0, false, errors.New("refused")))
	if err != nil || rec.Gaps[0].ID != "contain" {
		t.Error(rec, err)
	}
	// What was really contained stays a gap until it returned.
	rec, err = d.Fire(context.Background(), g, k, "ana", time.Minute, after(0, 0, true, nil))
	if err != nil || len(rec.Gaps) != 1 || rec.Gaps[0].ID != StillApplied || rec.Gaps[0].Closed != "" {
		t.Fatal(rec, err)
	}
	shelf := Shelf{Folder: t.TempDir()}
	if err := shelf.Keep(*rec); err != nil {
		t.Fatal(err)
	}
	i, err := d.Show(rec.ID)
	if err != nil || i.Entries[2].By != "bo" {
		t.Fatal("who took it in hand is not written down", i, err)
	}
	for _, returned := range []bool{false, true} {
		if returned {
			i.At[Returned] = i.At[Detected].Add(time.Hour)
		}
		if err := shelf.Returned(i); err != nil {
			t.Fatal(err)
		}
		list, err := shelf.Records("")
		if err != nil || (list[0].Gaps[0].Closed != "") != returned || (list[0].Return == time.Hour) != returned {
			t.Error(list, err)
		}
	}
}

// crew are people who take their time.
type crew struct {
	now          *time.Time
	ack, contain time.Duration
	applied      bool
	err          error
}

func (c *crew) Acknowledge(context.Context, string, string) (string, error) {
	*c.now = c.now.Add(c.ack)
	return "bo", nil
}

func (c *crew) Contain(context.Context, string, string) (string, string, bool, error) {
	*c.now = c.now.Add(c.contain)
	return "bo", "contained", c.applied, c.err
}

// A tabletop that was broken off goes on where it was, and ends as one that was not; what
// moves it is its decisions alone. Its record is what its journal says, or nothing is.
func TestATabletopIsResumed(t *testing.T) {
	e := tabletop(t)
	dir := t.TempDir()
	d, shelf := Desk{Folder: filepath.Join(dir, "incidents")}, Shelf{Folder: dir}
	all := make([]int, len(e.Injects))
	for n := range all {
		all[n] = 1
	}
	whole, err := d.Play(t.Context(), e, &scripted{choices: slices.Clone(all)}, "ana", "m")
	if err != nil {
		t.Fatal(err)
	}
	half, err := d.Play(t.Context(), e, &scripted{choices: slices.Clone(all[:4])}, "ana", "m")
	if !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	if _, err := d.Decide(half.ID, "bo", Triage{Severity: "low"}); err == nil || !strings.Contains(err.Error(), "is a tabletop") {
		t.Error("a verb moves it:", err)
	}
	if err := shelf.KeepPlayed(half.ID); err == nil {
		t.Error("half an exercise is kept")
	}
	if i, err := d.Show(half.ID); err != nil || !i.Unfinished() || !strings.Contains(i.Next, "--resume") {
		t.Error(i, err)
	}
	got, err := d.Resume(t.Context(), half.ID, &scripted{choices: slices.Clone(all)}, "bo")
	if err != nil || got.Score != whole.Score || len(got.Decisions) != len(e.Injects) {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff(whole.Gaps, got.Gaps); diff != "" {
		t.Error(diff)
	}
	again, err := d.Resume(t.Context(), half.ID, &scripted{}, "bo")
	if err != nil || again.Score != whole.Score {
		t.Error("what is over is not told again:", again, err)
	}
	for range 2 {
		if err := shelf.KeepPlayed(half.ID); err != nil {
			t.Fatal(err)
		}
	}
	records, err := shelf.Records("")
	if err != nil || len(records) != 1 || len(records[0].Gaps) == 0 {
		t.Fatal(records, err)
	}
	gap := records[0].Gaps[0].ID
	if err := shelf.Close(half.ID, gap, "ana", "done"); err != nil {
		t.Error(err)
	}
	if err := shelf.Close(half.ID, gap, "bo", "done better"); err == nil || !strings.Contains(err.Error(), "closed already, by ana") {
		t.Error(err)
	}
	if _, err := shelf.Records(""); err != nil {
		t.Error("a closed gap makes it unsound:", err)
	}

	file := filepath.Join(dir, recordsFile)
	kept := text(t, file)
	for _, edit := range [][2]string{{`"score": `, `"score": 1`}, {`"material": "m"`, `"material": "n"`}, {half.ID, whole.ID}, {half.ID, "EXE-20200101-001"}} {
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(kept, edit[0], edit[1])), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := shelf.Records(""); err == nil {
			t.Errorf("a record with %q is believed", edit[1])
		}
		if _, err := shelf.Remember(); err == nil {
			t.Errorf("a record with %q is remembered", edit[1])
		}
	}
	if err := os.WriteFile(file, []byte(kept), 0o600); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(d.Folder, half.ID, "journal.jsonl")
	lines := strings.SplitAfter(text(t, journal), "\n")
	if err := os.WriteFile(journal, []byte(strings.Join(lines[:len(lines)-2], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := shelf.Records(""); err == nil || !strings.Contains(err.Error(), "not what its journal says") {
		t.Error("a journal that was cut is believed:", err)
	}
	if err := d.CallOff(half.ID, "ana", "for the test"); err != nil {
		t.Error(err)
	}
	if i, err := d.Show(half.ID); err != nil || !i.CalledOff() {
		t.Error(i, err)
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
