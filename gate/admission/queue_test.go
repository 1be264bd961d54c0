package admission

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// line is a queue of Kueue that holds what is put there.
type line struct {
	list    []Queued
	err     error
	answers []string
}

func (l *line) Queued(context.Context) ([]Queued, error) { return l.list, l.err }

func (l *line) Answer(_ context.Context, q Queued, a Answer, tell bool) error {
	word := q.Name + " "
	if a.Pass {
		word += "passes "
	} else {
		word += "waits " + a.After.String() + " "
	}
	if tell {
		word += "told "
	}
	l.answers = append(l.answers, word+a.Why)
	return l.err
}

// What waits is answered by the certificates, told once, and never let through for
// want of an answer.
func TestClerk(t *testing.T) {
	w := newTown(t, everyKind())
	w.d.pilots = 2
	l := &line{}
	c := &clerk{queues: l, decider: w.d, told: map[string]string{}}
	put := func(name string, parallelism int) Queued {
		w.m.mu.Lock()
		defer w.m.mu.Unlock()
		w.m.objects["fraud/Job/"+name] = json.RawMessage(`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"` + name + `","uid":"u-` + name + `"},"spec":{"suspend":true,"parallelism":` + string(rune('0'+parallelism)) + `}}`)
		return Queued{Namespace: "fraud", Name: name, UID: "w-" + name, Check: "c", APIVersion: "batch/v1", Kind: "Job", Owner: name, OwnerUID: "u-" + name}
	}
	expect := func(what string, want ...string) {
		t.Helper()
		l.answers = nil
		if err := c.round(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for i := range max(len(want), len(l.answers)) {
			if i >= len(want) || i >= len(l.answers) || !strings.HasPrefix(l.answers[i], want[i]) {
				t.Errorf("%s: answers %q, want %q", what, l.answers, want)
				return
			}
		}
	}
	l.list = []Queued{put("a", 1), put("b", 1), put("c", 1), put("big", 3)}
	w.reconcile()
	expect("first", "a passes told ", "b passes told ", "c waits 1m0s told sevenfold gate: Job/c in namespace fraud may not grow from 0 to 1 replicas: at most 0 allowed",
		"big waits 1m0s told sevenfold gate: Job/big in namespace fraud may not grow from 0 to 3")
	for i := range l.list[:2] {
		l.list[i].Passed = true
	}
	expect("again", "c waits 1m0s sevenfold", "big waits 1m0s sevenfold")
	w.c.ledger.verdicts.Store(nil)
	expect("nothing drawn up yet", "a waits", "b waits", "c waits 1m0s told sevenfold gate: Job/c in namespace fraud may not grow from 0 to 1 replicas: at most 0 allowed, because the gate has not yet read", "big waits")
	l.list[0].OwnerUID = "another"
	l.list[1].Owner = ""
	l.list[2].Kind = "Widget"
	l.list[3].Namespace = "elsewhere"
	w.reconcile()
	expect("who is not who he was", "a waits 1m0s told sevenfold gate: the job may not start, because Job/a is not the object", "b waits 1m0s told sevenfold gate: the job may not start, because Kueue does not say",
		"c waits 1m0s told sevenfold gate: the job may not start, because nobody can tell how much Widget.batch/c asks for", "big waits 1m0s told sevenfold gate: the job may not start, because namespace elsewhere is not gated")
	l.err, l.answers = errors.New("disk on fire"), nil
	if err := c.round(t.Context()); err == nil || len(l.answers) > 0 {
		t.Errorf("a queue that cannot be read: %v, answers %q", err, l.answers)
	}
}

func TestSuspended(t *testing.T) {
	for object, want := range map[string]bool{
		`{"spec":{"suspend":true}}`: true, `{"spec":{"runPolicy":{"suspend":true}}}`: true, `{"spec":{"suspend":false}}`: false, `{"spec":{}}`: false,
		`{"metadata":{"labels":{"suspend":"true"}},"spec":{}}`: false, `{"spec":{"suspend":"true"}}`: false, `not JSON "suspend"`: false,
	} {
		if got := suspended(json.RawMessage(object)); got != want {
			t.Errorf("%s: %v", object, got)
		}
	}
}
