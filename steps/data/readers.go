package data

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Reader is somebody who may read what a store holds.
type Reader struct {
	Principal string `json:"principal"`
	Decision  string `json:"decision"` // allow, conditional, unknown
	// Reads is true where something that runs as it is declared, or was seen, to read the
	// store; where it is not, nothing shows what the right is for.
	Reads bool `json:"reads"`
	// Stated is true where sevenfold.yaml states that it may read each label of the store.
	Stated bool `json:"stated,omitempty"`
	// Through is what runs as it, at most some.
	Through []string `json:"through"`
}

// StoreReaders is who may read one labelled store.
type StoreReaders struct {
	Store   string   `json:"store"`
	Labels  []string `json:"labels"`
	Readers []Reader `json:"readers"`
	// Idle is how many of them nothing shows to read it, and nobody states to be allowed to.
	Idle int `json:"idle"`
	// Unknown says why who may read it is not known, or not of all; empty where it is.
	Unknown string `json:"unknown,omitempty"`
}

// Asking says who may read what a store holds: of each principal the decision. The text
// says what could not be decided.
type Asking func(ctx context.Context, a *estate.Asset) (map[string]string, string, error)

// maxThrough bounds what is named of each principal.
const maxThrough = 5

// Readers joins the labels of stores with who may read them. Stores with an own label are
// asked about, of one label only if it is not empty.
func (w *World) Readers(ctx context.Context, only string, ask Asking) ([]StoreReaders, error) {
	labels := map[string][]string{}
	for id := range w.own {
		c, _ := part(id)
		a := w.asset(c)
		if a == nil || !holdsData(a) {
			continue
		}
		for _, l := range w.own[id] {
			if slices.Contains(scope.Labels(), l.Label) && (only == "" || l.Label == only) && !slices.Contains(labels[c], l.Label) {
				labels[c] = append(labels[c], l.Label)
			}
		}
	}
	stores := make([]string, 0, len(labels))
	for id := range labels {
		stores = append(stores, id)
	}
	slices.Sort(stores)
	out := []StoreReaders{}
	for _, id := range stores {
		slices.Sort(labels[id])
		s := StoreReaders{Store: id, Labels: labels[id], Readers: []Reader{}}
		who, why, err := ask(ctx, w.asset(id))
		if err != nil {
			return out, err
		}
		s.Unknown = why
		using := w.using(id)
		for p, decision := range who {
			r := Reader{Principal: p, Decision: decision, Through: []string{}}
			if through, is := using[p]; is {
				slices.Sort(through)
				r.Reads, r.Through = true, through[:min(len(through), maxThrough)]
			}
			r.Stated = !slices.ContainsFunc(s.Labels, func(l string) bool {
				may, _ := w.scope.Data.MayRead(l, p)
				return !may
			})
			if !r.Reads && !r.Stated {
				s.Idle++
			}
			s.Readers = append(s.Readers, r)
		}
		slices.SortFunc(s.Readers, func(a, b Reader) int { return strings.Compare(a.Principal, b.Principal) })
		out = append(out, s)
	}
	return out, nil
}

// using are the principals as which something reads a store or a part of it, by what is
// declared and what events showed, with what does.
func (w *World) using(container string) map[string][]string {
	out := map[string][]string{}
	add := func(p, through string) {
		if !slices.Contains(out[p], through) {
			out[p] = append(out[p], through)
		}
	}
	does := func(id string) {
		n, ok := w.snap.Find(id)
		if !ok {
			add(id, "events")
			return
		}
		if w.snap.Asset(n).Kind == estate.KindIdentity {
			add(id, "events")
		}
		// An instance runs as its profile, a pod as its service account, and those as a role.
		seen, next := map[estate.Node]bool{n: true}, []estate.Node{n}
		for len(next) > 0 {
			for e := range w.snap.Out(next[0]) {
				if e.Type == estate.RunsAs && !seen[e.Node] {
					seen[e.Node] = true
					next = append(next, e.Node)
					add(w.snap.Asset(e.Node).ID, id)
				}
			}
			next = next[1:]
		}
	}
	for _, place := range append([]string{container}, w.index.parts[container]...) {
		n, ok := w.snap.Find(place)
		if !ok {
			continue
		}
		for e := range w.snap.In(n) {
			if against, ok := carriers[e.Type]; ok && against {
				does(w.snap.Asset(e.Node).ID)
			}
		}
	}
	for _, f := range w.known.Flows {
		if c, _, ok := w.find(f.From); ok && c == container {
			does(f.To)
		}
	}
	return out
}

// asked is what somebody answered of one store, kept since several labels and workloads ask.
type asked struct {
	who map[string]string
	why string
}

// whoReads asks once who may read a store.
func (w *World) whoReads(ctx context.Context, a *estate.Asset, ask Asking) (map[string]string, string, error) {
	if said, ok := w.answered[a.ID]; ok {
		return said.who, said.why, nil
	}
	who, why, err := ask(ctx, a)
	if err != nil {
		return who, why, err
	}
	if w.answered == nil {
		w.answered = map[string]asked{}
	}
	w.answered[a.ID] = asked{who, why}
	return who, why, nil
}

// readBy decides the control readers of one label: everybody who may read a store does read
// it, as is declared or events showed, or is stated to be allowed to. Where nobody states
// who may, rights that nothing shows the use of are unknown; where somebody does, what is
// beyond that is a fault.
func (w *World) readBy(ctx context.Context, container, label string) (answer, string) {
	a := w.asset(container)
	if a == nil || a.Referenced {
		return unknown, "its configuration was not read"
	}
	if w.answers.Read == nil {
		return unknown, "who may read it was not asked"
	}
	who, why, err := w.whoReads(ctx, a, w.answers.Read)
	if err != nil {
		why = err.Error()
	}
	said := asked{who, why}
	using := w.using(container)
	var idle []string
	open := len(said.who) == 0 && said.why != "" // nobody could say
	stated := slices.ContainsFunc(w.scope.Data.Readers, func(r scope.Readers) bool { return r.Label == label })
	for p, decision := range said.who {
		may, _ := w.scope.Data.MayRead(label, p)
		if _, reads := using[p]; may || reads || strings.HasSuffix(p, ":root") && w.knowsWhoIsOf(a, p) { // no policy takes it from an account's root
			continue
		}
		if decision == "unknown" {
			open = true
		} else {
			idle = append(idle, p)
		}
	}
	slices.Sort(idle)
	some := strings.Join(idle[:min(3, len(idle))], ", ")
	if len(idle) > 3 {
		some += fmt.Sprintf(" and %d more", len(idle)-3)
	}
	switch {
	case len(idle) > 0 && stated:
		return no, fmt.Sprintf("%d of the %d who may read it are not stated under data: readers, and nothing shows them to: %s", len(idle), len(said.who), some)
	case open:
		return unknown, said.why
	case len(idle) > 0:
		return unknown, fmt.Sprintf("%d of the %d who may read it nothing shows to, and nobody states who may: %s", len(idle), len(said.who), some)
	}
	return yes, fmt.Sprintf("each of the %d who may read it does, or is stated to be allowed to", len(said.who))
}
