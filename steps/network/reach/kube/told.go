package kube

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// reasons are worked out when an answer is told, as that costs more than the
// answer; nil are none.
type reasons func() []Because

func say(because ...Because) reasons { return func() []Because { return because } }

func (r reasons) all() []Because {
	if r == nil {
		return nil
	}
	return r()
}

// and is one more reason.
func (r reasons) and(b Because) reasons {
	return func() []Because { return append(slices.Clone(r.all()), b) }
}

func (e *Engine) reasons(s, t point, ports reach.Ports, answer reach.Answer) reasons {
	return func() []Because { return e.explain(s, t, ports, answer) }
}

// told keeps the clearest of several answers with what explains it.
type told struct {
	result Result
	first  bool
	per    map[string]*told // for each pod at a path's end, by its name there; nil if nobody asks
}

func newTold() *told { return &told{first: true, result: Result{Reachable: reach.No}} }

// add takes in an answer on some ports.
func (t *told) add(answer reach.Answer, ports reach.Ports, path []string, because reasons) {
	if end := len(path) - 1; t.per != nil && end > 0 && strings.HasPrefix(path[end], "pod ") {
		one := t.per[path[end]]
		if one == nil {
			one = newTold()
			t.per[path[end]] = one
		}
		one.add(answer, ports, path, because)
	}
	switch answer {
	case reach.Yes:
		t.result.Ports = t.result.Ports.Union(ports)
	case reach.Unknown:
		t.result.Maybe = t.result.Maybe.Union(ports)
	}
	if better := t.result.Reachable.Or(answer); t.first || better != t.result.Reachable {
		t.result.Reachable, t.result.Path, t.result.Because, t.first = better, path, because.all(), false
	}
}

func (t *told) done() Result {
	t.result.Maybe = t.result.Maybe.Minus(t.result.Ports)
	if n := len(t.result.Path); n > 2 {
		t.result.Via = t.result.Path[1 : n-1]
	}
	return t.result
}

// undecided is an answer that is Unknown as a whole.
func undecided(ports reach.Ports, why string, path ...string) Result {
	out := Result{Maybe: ports, Path: path, Because: []Because{{Effect: "cannot be decided", Reason: why}}}
	if len(path) > 2 {
		out.Via = path[1 : len(path)-1]
	}
	return out
}
