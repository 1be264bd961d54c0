package network

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Violation is one way in which the network does not keep an intent, or of which
// that could not be told.
type Violation struct {
	Link
	Asset string // whose connection it is
	Text  string
	Mend  []string
}

// Intent decides one intent of sevenfold.yaml: nothing where the network keeps it.
// An intent whose parties name nothing is told as unknown: it binds nobody.
func (w *World) Intent(i scope.Intent, workloads *scope.Workloads) []Violation {
	from, err := w.side(i.From, workloads, false)
	if err != nil {
		return []Violation{{Link: unknown(fmt.Sprintf("from: %v", err)), Asset: i.From.Name, Text: "from names nothing"}}
	}
	to, err := w.side(i.To, workloads, true)
	if err != nil {
		return []Violation{{Link: unknown(fmt.Sprintf("to: %v", err)), Asset: i.From.Name, Text: "to names nothing"}}
	}
	l := w.against(i, from, to)
	if l.Reachable == reach.No {
		return nil
	}
	v := Violation{Link: l, Text: fmt.Sprintf("%s reaches %s", firstOf(i.From.Name, "what from_match matches"), firstOf(i.To.Name, "what to_match matches"))}
	if i.Rule == scope.Only {
		v.Text = fmt.Sprintf("%s reaches more than %s", firstOf(i.From.Name, "what from_match matches"), firstOf(i.To.Name, "what to_match matches"))
	}
	for _, s := range from {
		if s.asset >= 0 {
			v.Asset = w.snap.Asset(s.asset).ID
			break
		}
	}
	v.Asset = firstOf(v.Asset, i.From.Name)
	if l.Reachable == reach.Yes {
		v.Mend = w.mend(from, to)
	}
	return []Violation{v}
}

// Crossing is a violation in the words of a crossing of zones.
func (v Violation) Crossing(i scope.Intent) Crossing {
	return Crossing{From: firstOf(i.From.Name, v.Asset), To: firstOf(i.To.Name, "what to_match matches"), Reachable: v.Reachable.String(), answer: v.Reachable, Ports: listed(v.Ports), Perhaps: listed(v.Maybe),
		Path: orEmpty(v.Path), Because: orEmpty(v.Because), Intent: i.Name, Verdict: "violated"}
}

// against is what an intent forbids, as far as it can be opened: for one that says
// never, its ports of what it names; for one that says only, everything else, and the
// other ports of what it names.
func (w *World) against(i scope.Intent, from, to []spot) Link {
	ports := portsOf(i.Ports)
	if i.Rule != scope.Only {
		l, _ := w.reach(from, to, ports)
		return l
	}
	l, _ := w.reach(from, w.allBut(append(slices.Clone(to), from...)), reach.Ports{})
	if rest := reach.AllPorts.Minus(ports); !rest.IsEmpty() {
		other, _ := w.reach(from, to, rest)
		l = either(l, other)
	}
	return l
}

// side finds the spots of one side of an intent.
func (w *World) side(p scope.Party, workloads *scope.Workloads, to bool) ([]spot, error) {
	if p.Match == nil {
		e, err := w.End(p.Name, workloads, to)
		return e.spots, err
	}
	var out []spot
	for n, a := range w.snap.Assets() {
		if !w.component(n, a) {
			continue
		}
		if w.matches(p.Match, n) != expr.False {
			out = append(out, w.sites(n, to)...) // what may match is meant
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nothing that stands in a network matches")
	}
	return out, nil
}

// matches asks an expression of one asset.
func (w *World) matches(e *expr.Expr, n estate.Node) expr.Truth {
	subject := expr.NewSubject(w.snap.Asset(n), func() (json.RawMessage, error) { return w.snap.Config(n) }, nil, w.snap.Taken())
	defer subject.Release()
	return e.Eval(subject).Truth
}

// allBut is everything else that has a place, and the internet unless it is among those:
// a range of addresses is not.
func (w *World) allBut(those []spot) []spot {
	named := map[estate.Node]bool{}
	hosts := false
	for _, s := range those {
		named[s.asset] = true
		hosts = hosts || s.asset < 0 && s.points[0].inet
	}
	var out []spot
	for n, a := range w.snap.Assets() {
		if w.component(n, a) && !named[n] {
			out = append(out, w.sites(n, true)...)
		}
	}
	if !hosts {
		internet, _ := w.End(Internet, nil, true)
		out = append(out, internet.spots...)
	}
	return out
}
