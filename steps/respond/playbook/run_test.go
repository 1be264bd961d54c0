package playbook

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const head = "playbook: p\nvariables:\n  level: {value: high}\n  tries: {type: integer, value: 0}\n  status: {}\n  answer: {}\nsteps:\n"

func TestRuns(t *testing.T) {
	tests := []struct {
		name, steps string
		did         string
		status      Status
		why         string
	}{
		{"sequence", "- {id: a, do: x.cut}\n- {id: b, do: x.cut}\n- {id: c, do: x.cut}\n", "+a +b +c", Done, ""},
		{"a failure ends the chain", "- {id: a, do: x.cut}\n- {id: b, do: x.cut, on: bad}\n- {id: c, do: x.cut}\n", "+a", Failed, "b: refused"},
		{"a failure branch is taken and the chain goes on", "- {id: a, do: x.cut, on: bad, on_failure: [{id: b, do: x.cut}]}\n- {id: c, do: x.cut}\n", "+b +c", Done, ""},
		{"a failure branch that fails", "- {id: a, do: x.cut, on: bad, on_failure: [{id: b, do: x.cut, on: bad}]}\n- {id: c, do: x.cut}\n", "", Failed, "b: refused"},
		{"a probe that does not pass is a failure", "- {id: a, do: x.cut, on: stays-open, on_failure: [{id: b, do: x.cut}]}\n", "+a +b", Done, ""},
		{"a target that is gone", "- {id: a, do: x.cut, on: gone}\n", "", Failed, "a: the target is gone"},
		{"a timeout", "- {id: a, do: x.cut, on: slow, timeout: 20ms, on_failure: [{id: b, do: x.cut}]}\n", "+b", Done, ""},
		{"if, yes", "- {id: i, if: level == \"high\", then: [{id: a, do: x.cut}], else: [{id: b, do: x.cut}]}\n- {id: c, do: x.cut}\n", "+a +c", Done, ""},
		{"if, no", "- {id: i, if: level == \"low\", then: [{id: a, do: x.cut}], else: [{id: b, do: x.cut}]}\n- {id: c, do: x.cut}\n", "+b +c", Done, ""},
		{"if without else", "- {id: i, if: level == \"low\", then: [{id: a, do: x.cut}]}\n- {id: c, do: x.cut}\n", "+c", Done, ""},
		{"an if that cannot be told is no no", "- {id: i, if: status == \"x\", then: [{id: a, do: x.cut}], else: [{id: b, do: x.cut}]}\n", "", Failed, "i: variable status has no value yet"},
		{"a failure inside a block is one of the step", "- {id: i, if: level == \"high\", then: [{id: a, do: x.cut, on: bad}], on_failure: [{id: f, do: x.cut}]}\n- {id: c, do: x.cut}\n", "+f +c", Done, ""},
		{"switch", "- {id: s, switch: $level, cases: {low: [{id: a, do: x.cut}], high: [{id: b, do: x.cut}, {id: d, do: x.cut}]}}\n- {id: c, do: x.cut}\n", "+b +d +c", Done, ""},
		{"switch, default", "- {id: s, switch: level, cases: {low: [{id: a, do: x.cut}]}, default: [{id: b, do: x.cut}]}\n", "+b", Done, ""},
		{"switch, no case", "- {id: s, switch: level, cases: {low: [{id: a, do: x.cut}]}}\n", "", Failed, "s: no case fits the value of level, and there is no default"},
		{"while that does not end", "- {id: w, while: level == \"high\", max: 3, steps: [{id: a, do: x.cut}], on_failure: [{id: f, do: x.cut}]}\n", "+w#0/a +w#1/a +w#2/a +f", Done, ""},
		{"while by what the steps give", "- {id: i, do: x.cut, out: {n: tries}}\n- {id: w, while: tries < 1, max: 9, steps: [{id: a, do: x.cut}]}\n- {id: z, do: x.cut}\n", "+i +z", Done, ""},
		{"an output becomes a parameter", "- {id: a, do: x.cut, out: {status: status}}\n- {id: b, if: status == \"closed\", then: [{id: c, do: x.cut, on: $status}]}\n", "+a +c", Done, ""},
		{"an output there is not", "- {id: a, do: x.cut, out: {colour: status}}\n", "+a", Failed, `a: x.cut gives no output "colour"`},
		{"next jumps forward", "- {id: a, do: x.cut, next: c}\n- {id: b, do: x.cut, on: bad, on_failure: [{id: d, do: x.cut}]}\n- {id: c, do: x.cut}\n", "", "", ""},
		{"end", "- {id: i, if: level == \"high\", then: [{id: a, do: x.cut}], next: end}\n", "+a", Done, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.status == "" {
				if _, err := Load("p.yaml", []byte(head+tt.steps)); err == nil || !strings.Contains(err.Error(), "no run comes to step b") {
					t.Fatal(err)
				}
				return
			}
			j, l := begin(t, head+tt.steps, nil), newLedger(t)
			out := resume(t, j, Options{Actor: l})
			if diff := cmp.Diff(Outcome{Status: tt.status, Why: tt.why}, out); diff != "" {
				t.Error(diff)
			}
			if got := l.did(); got != tt.did {
				t.Errorf("did %q, want %q", got, tt.did)
			}
			if again := resume(t, j, Options{Actor: l}); again.Status != tt.status || l.did() != tt.did {
				t.Errorf("a run that had ended went on: %v, %s", again, l.did())
			}
		})
	}
}

// TestBranchesRunAtTheSameTime has each branch wait for the other: in sequence they
// would wait for ever.
func TestBranchesRunAtTheSameTime(t *testing.T) {
	j, l := begin(t, head+"- {id: p, parallel: [[{id: a, do: x.cut, on: one}], [{id: b, do: x.cut, on: two}]]}\n- {id: c, do: x.cut}\n", nil), newLedger(t)
	one, two := make(chan bool), make(chan bool)
	l.before = func(target string) {
		switch target {
		case "one":
			close(one)
			<-two
		case "two":
			close(two)
			<-one
		}
	}
	if out := resume(t, j, Options{Actor: l}); out.Status != Done {
		t.Fatal(out)
	}
	if got := l.lines(); len(got) != 3 || !strings.HasSuffix(got[2], "/c") {
		t.Error(got)
	}
}

func TestOneBranchFailsTheOtherIsDone(t *testing.T) {
	j, l := begin(t, head+"- {id: p, parallel: [[{id: a, do: x.cut, on: bad}], [{id: b, do: x.cut}]], on_failure: [{id: f, do: x.cut}]}\n- {id: c, do: x.cut}\n", nil), newLedger(t)
	if out := resume(t, j, Options{Actor: l}); out.Status != Done || l.did() != "+b +f +c" {
		t.Error(out, l.did())
	}
}

func TestManualStepsWait(t *testing.T) {
	j, l := begin(t, head+"- {id: q, ask: \"is $level right?\", of: owner, answer: answer, timeout: 1h}\n- {id: i, if: answer == \"yes\", then: [{id: a, do: x.cut}], else: [{id: b, do: x.cut}]}\n", nil), newLedger(t)
	out := resume(t, j, Options{Actor: l})
	if out.Status != Waiting || len(out.Pending) != 1 || out.Pending[0].Ask != "is high right?" || out.Pending[0].Of != "owner" {
		t.Fatal(out)
	}
	if err := Answer(j, "a", "ana", "yes", false); err == nil || !strings.Contains(err.Error(), "answer of q") {
		t.Error(err)
	}
	if err := Answer(j, "q", "ana", "yes", false); err != nil {
		t.Fatal(err)
	}
	if err := Answer(j, "q", "bo", "no", false); err == nil {
		t.Error("a second answer was taken")
	}
	if out := resume(t, j, Options{Actor: l}); out.Status != Done || l.did() != "+a" {
		t.Error(out, l.did())
	}
}

func TestNobodyAnswers(t *testing.T) {
	j, l := begin(t, head+"- {id: q, ask: 'there?', timeout: 1h, on_failure: [{id: f, do: x.cut}]}\n", nil), newLedger(t)
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	o := Options{Actor: l, Now: func() time.Time { return now }}
	if out := resume(t, j, o); out.Status != Waiting {
		t.Fatal(out)
	}
	now = now.Add(2 * time.Hour)
	if out := resume(t, j, o); out.Status != Done || l.did() != "+f" {
		t.Error(out, l.did())
	}
}

func TestTwoPeopleApprove(t *testing.T) {
	j, l := begin(t, head+"- {id: a, do: x.cut, on: role/x}\n", nil), newLedger(t)
	o := Options{Actor: l, Approvals: func(Call, *Step) int { return 2 }}
	for _, by := range []string{"ana", "bo"} {
		out := resume(t, j, o)
		if out.Status != Waiting || out.Pending[0].Call.Target != "role/x" || l.did() != "" {
			t.Fatal(out, l.did())
		}
		if err := Approve(j, "a", by); err != nil {
			t.Fatal(err)
		}
		if err := Approve(j, "a", by); err == nil {
			t.Error("the same person approved twice")
		}
	}
	if out := resume(t, j, o); out.Status != Done || l.did() != "+a" {
		t.Error(out, l.did())
	}
}

func TestUndoIsInReverseAndOnce(t *testing.T) {
	j, l := begin(t, head+"- {id: a, do: x.cut}\n- {id: b, do: x.cut, on: stuck}\n- {id: c, do: x.cut}\n", nil), newLedger(t)
	resume(t, j, Options{Actor: l})
	for range 2 {
		if err := Undo(context.Background(), j, l, nil); err == nil || !strings.Contains(err.Error(), "b: it will not go back") {
			t.Error(err)
		}
	}
	if l.did() != "+a +b +c -c -a" {
		t.Error(l.did())
	}
	effects, err := Effects(j)
	if err != nil || len(effects) != 3 || !effects[0].Undone || effects[1].Undone {
		t.Error(effects, err)
	}
}

func TestAStoppedRunIsNoFailure(t *testing.T) {
	j, l := begin(t, head+"- {id: a, do: x.cut, on: slow}\n", nil), newLedger(t)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := Resume(ctx, j, Options{Actor: l}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	l.slow = nil
	if out := resume(t, j, Options{Actor: l}); out.Status != Done || l.did() != "+a" {
		t.Error(out, l.did())
	}
}

// TestTextIsNoTemplate gives values that would do harm if anything read them.
func TestTextIsNoTemplate(t *testing.T) {
	p, err := Load("p.yaml", []byte("playbook: p\nvariables: {x: {}, y: {value: secret}}\nsteps:\n- {id: q, ask: 'look at $x; $$5'}\n- {id: a, do: x.cut, on: $x, with: {k: '$$y; rm -rf /', m: '{{.Env}}'}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	evil := "$y {{.Env}} $(reboot) `id`"
	if got := Render(p.Steps["q"].Ask, map[string]string{"x": evil, "y": "secret"}); got != "look at "+evil+"; $5" {
		t.Errorf("%q", got)
	}
	r := &run{p: p, vars: map[string]string{"x": evil, "y": "secret"}, j: &Journal{events: []Event{{Hash: strings.Repeat("0", 64)}}}}
	c, err := r.call("a", p.Steps["a"])
	if err != nil || c.Target != evil || c.With["k"] != "$y; rm -rf /" || c.With["m"] != "{{.Env}}" {
		t.Error(c, err)
	}
}

// TestOnePersonIsOne: case and spaces make nobody a second person who approves.
func TestOnePersonIsOne(t *testing.T) {
	p, err := Load("p.yaml", []byte("playbook: p\nsteps: [{id: a, phase: contain, do: x.y, on: z}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := OpenJournal(filepath.Join(t.TempDir(), "j"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := Begin(j, p, nil); err != nil {
		t.Fatal(err)
	}
	o := Options{Actor: stillActor{}, Approvals: func(Call, *Step) int { return 2 }}
	if out, err := Resume(context.Background(), j, o); err != nil || out.Status != Waiting {
		t.Fatal(out, err)
	}
	if err := Approve(j, "a", "Ana  Berg "); err != nil {
		t.Fatal(err)
	}
	for _, again := range []string{"Ana Berg", "ana berg", " ANA BERG", "Ana\tBerg"} {
		if err := Approve(j, "a", again); err == nil {
			t.Errorf("%q is somebody else", again)
		}
	}
	if _, err := j.Append(eventApprove, "a", "ana berg", map[string]string{"digest": needsOf(t, j).Call.digest()}); err != nil {
		t.Fatal(err)
	}
	if out, err := Resume(context.Background(), j, o); err != nil || out.Status != Waiting || len(out.Pending[0].Approved) != 1 {
		t.Error(out, err)
	}
}

func needsOf(t *testing.T, j *Journal) Pending {
	t.Helper()
	out, err := State(j)
	if err != nil || len(out.Pending) != 1 {
		t.Fatal(out, err)
	}
	return out.Pending[0]
}

// stillActor does nothing, and must not be asked to.
type stillActor struct{ Actor }
