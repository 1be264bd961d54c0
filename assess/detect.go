package assess

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
	"github.com/sevenfold-sec/sevenfold/store"
)

// What the detect step keeps in the state, each a blob with versions.
const (
	detectStep   = "detect"
	modelKey     = "behaviour"
	budgetKey    = "budget"
	incidentsKey = "incidents"
	fineKey      = "fine"
	seenKey      = "seen"
	proofsKey    = "proofs"
	ruledKey     = "rules"
	// readingKey is how far a run has read, and generationKey who wrote last.
	readingKey    = "reading"
	generationKey = "generation"
)

// keptVersions is how many versions of what detection knows the state keeps: a run
// writes one every half minute.
const keptVersions = 2

// DefaultBudget is how many incidents a day are wanted where nobody says.
const DefaultBudget = 3

// Watch is detection as it stands: what was learnt, what was told and what a person
// said to it.
type Watch struct {
	Model     *behaviour.Model
	Budget    *incident.Budget
	Incidents []detect.Incident
	Fine      []detect.Fine
	Seen      []detect.Seen
	Proofs    []detect.Proof
	Ruled     detect.Ruled
	// Learnt is how far the model was when it was loaded; Fresh that there was none.
	Learnt detect.Learnt
	Fresh  bool
	// Reading is how far a run has read.
	Reading Reading

	generation string
	// tried is the last that was to be written, which may have come to pass though the
	// answer was an error.
	tried    string
	silenced map[uint64]bool
}

// LoadWatch reads detection from the state; what is not there is empty.
func LoadWatch(ctx context.Context, st store.Store) (*Watch, error) {
	w := &Watch{Model: behaviour.New(), Budget: incident.NewBudget(DefaultBudget)}
	data, _, err := st.Blob(ctx, detectStep, modelKey, 0)
	switch {
	case errors.Is(err, store.ErrNotFound):
		w.Fresh = true
	case err != nil:
		return nil, err
	default:
		if err := w.Model.UnmarshalBinary(data); err != nil {
			return nil, fmt.Errorf("%w\nhint: restore the state from a copy, or learn anew into another --state: sevenfold detect learn PATH…", err)
		}
	}
	for key, into := range w.parts() {
		data, _, err := st.Blob(ctx, detectStep, key, 0)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			return nil, fmt.Errorf("what detection keeps as %s: %w", key, err)
		}
	}
	w.Learnt = detect.LearntOf(w.Model)
	return w, nil
}

func (w *Watch) parts() map[string]any {
	return map[string]any{budgetKey: w.Budget, incidentsKey: &w.Incidents, fineKey: &w.Fine, seenKey: &w.Seen, proofsKey: &w.Proofs, ruledKey: &w.Ruled, readingKey: &w.Reading, generationKey: &w.generation}
}

// Save writes what was learnt and told, all or nothing.
func (w *Watch) Save(ctx context.Context, st store.Store) error {
	data, err := w.Model.MarshalBinary()
	if err != nil {
		return err
	}
	was := w.generation
	w.generation = rand.Text()
	w.tried = w.generation
	if err := w.put(ctx, st, map[string][]byte{modelKey: data}); err != nil {
		w.generation = was // unless it was written all the same, which is seen when others are heeded
		return err
	}
	return nil
}

// SaveTold writes all but the model.
func (w *Watch) SaveTold(ctx context.Context, st store.Store) error {
	return w.put(ctx, st, map[string][]byte{})
}

func (w *Watch) put(ctx context.Context, st store.Store, blobs map[string][]byte) error {
	for key, part := range w.parts() {
		data, err := json.Marshal(part)
		if err != nil {
			return err
		}
		blobs[key] = data
	}
	return st.PutBlobs(ctx, detectStep, blobs, keptVersions)
}

// Heed takes in what others have said of incidents since the watch was loaded. An error
// is that somebody else has learnt meanwhile: what is here and what is there cannot be
// joined.
func (w *Watch) Heed(ctx context.Context, st store.Store) error {
	var there Watch
	for key, into := range map[string]any{incidentsKey: &there.Incidents, fineKey: &there.Fine, generationKey: &there.generation} {
		data, _, err := st.Blob(ctx, detectStep, key, 0)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			return fmt.Errorf("what detection keeps as %s: %w", key, err)
		}
	}
	if w.tried != "" && there.generation == w.tried { // written, though whoever wrote it was stopped before that was answered
		w.generation = w.tried
	}
	if there.generation != w.generation {
		return errors.New("somebody else has learnt into this state meanwhile\nhint: one run at a time: end the other, and sevenfold detect learn only while none is under way")
	}
	for _, was := range there.Incidents {
		if at := slices.IndexFunc(w.Incidents, func(x detect.Incident) bool { return x.ID == was.ID }); at >= 0 && was.Said {
			i := &w.Incidents[at]
			i.Status, i.Reason, i.Said = was.Status, was.Reason, true
		}
	}
	w.Fine = there.Fine
	w.silence()
	return nil
}

// silence notes the patterns that are fine, and lets the model learn or forget what it held
// back of incidents that were judged.
func (w *Watch) silence() {
	judged := map[string]bool{}
	for _, i := range w.Incidents {
		if i.Said && i.Status != "open" {
			judged[i.ID] = i.Status == "fine"
		}
	}
	w.Model.Judged(judged)
	w.silenced = map[uint64]bool{}
	for _, f := range w.Fine {
		for _, p := range f.Patterns {
			w.silenced[uint64(p)] = true
		}
	}
}

// Detector returns a detector that learns into the watch, and notes which rules match. snap is the estate, nil if
// none is stored; rules may be nil. raise and grow hear of incidents; either may be nil.
func (w *Watch) Detector(ctx context.Context, snap *estate.Snapshot, rules *sigma.Set, raise, grow func(*incident.Incident)) (*detect.Detector, error) {
	o := incident.Options{Budget: w.Budget, Raise: raise, Grow: grow, Silenced: func(p uint64) bool { return w.silenced[p] }}
	w.silence()
	w.Ruled.Keys = []string{}
	if rules != nil {
		for _, r := range rules.Rules() {
			w.Ruled.Keys = append(w.Ruled.Keys, r.Key())
		}
	}
	var peers detect.Peers
	if snap != nil {
		peers = peersOf(snap)
		s, err := newStakes(ctx, snap)
		if err != nil {
			return nil, err
		}
		o.Scorer = s
	}
	return &detect.Detector{Model: w.Model, Observer: detect.NewObserver(peers, ActionLevel), Rules: rules, Engine: incident.New(o)}, nil
}

// ActionLevel is how much an action of AWS may change, as AWS publishes it.
func ActionLevel(service, action string) behaviour.Level {
	a, ok := reference.Lookup(service, action)
	if !ok {
		return behaviour.Unspecified
	}
	switch a.Level {
	case reference.List:
		return behaviour.List
	case reference.Read:
		return behaviour.Read
	case reference.Permissions:
		return behaviour.Grant
	}
	return behaviour.Write
}

// peersOf groups identities by what they are for: who may take them on, and which
// policies they have. An identity alone in that is grouped by its name (detect's own
// rule).
func peersOf(snap *estate.Snapshot) detect.Peers {
	keys, size := map[string]string{}, map[string]int{}
	for i, a := range snap.Assets() {
		if a.Kind != estate.KindIdentity || a.Referenced {
			continue
		}
		var parts []string
		for e := range snap.Out(estate.Node(i)) {
			switch e.Type {
			case estate.Attached, estate.Trusts:
				to := snap.Asset(e.Node).ID
				if e.Type == estate.Attached && !strings.Contains(to, ":policy/") {
					continue // an inline policy is the identity's own
				}
				parts = append(parts, string(e.Type)+" "+to)
			}
		}
		if len(parts) == 0 {
			continue
		}
		slices.Sort(parts)
		k := a.Type + " " + strings.Join(slices.Compact(parts), ", ")
		keys[a.ID] = k
		size[k]++
	}
	return func(principal string) string {
		if k := keys[principal]; size[k] > 1 {
			return k
		}
		return ""
	}
}

// Keep notes an incident: one that is there already is replaced, but for what a person
// said of it. The oldest that are not open go first.
func (w *Watch) Keep(i detect.Incident) {
	at := slices.IndexFunc(w.Incidents, func(x detect.Incident) bool { return x.ID == i.ID })
	if at >= 0 {
		if was := &w.Incidents[at]; was.Said {
			i.Status, i.Reason, i.Said = was.Status, was.Reason, true
		}
		w.Incidents[at] = i
		return
	}
	w.Incidents = append(w.Incidents, i)
	for len(w.Incidents) > maxIncidents {
		at := max(0, slices.IndexFunc(w.Incidents, func(x detect.Incident) bool { return x.Status != "open" }))
		w.Incidents = slices.Delete(w.Incidents, at, at+1)
	}
}

// maxIncidents bounds how many incidents are kept.
const maxIncidents = 1000

// Say notes what a person says of an incident: "fine" silences the like of its signals
// and nothing more, "closed" says that it was dealt with. It reports whether there is
// such an incident.
func (w *Watch) Say(id, status, reason string, now time.Time) bool {
	at := slices.IndexFunc(w.Incidents, func(x detect.Incident) bool { return x.ID == id })
	if at < 0 {
		return false
	}
	i := &w.Incidents[at]
	i.Status, i.Reason, i.Said = status, reason, true
	if status == "fine" {
		w.Fine = append(w.Fine, detect.FineOf(i, reason, now))
	}
	return true
}
