package data

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data/lineage"
)

// Hop is one passage of a path.
type Hop struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Tier     string `json:"tier"`
	Evidence string `json:"evidence"`
}

// Stop is a system that labelled data reaches.
type Stop struct {
	Label  string `json:"label"`
	System string `json:"system"`
	Type   string `json:"type"`
	Kind   string `json:"kind"`
	Origin string `json:"origin"`
	Tier   string `json:"tier"`
	// Approved is yes, no, or unknown where the policy names no system for the label.
	Approved string `json:"approved"`
	By       string `json:"by,omitempty"` // what approves it
	Path     []Hop  `json:"path"`
}

// Flows is the answer to where labelled data goes.
type Flows struct {
	Stops []Stop `json:"stops"`
	// Unclassified are stores from which data flows and that nobody has looked into:
	// what they hold may be anywhere downstream.
	Unclassified []string `json:"unclassified"`
	// Unseen says for which stores no data events are recorded, so that flows nobody
	// declared would not be seen.
	Unseen []string `json:"unseen"`
	// Lowered are declassifiers that do not count, with the reason.
	Lowered []string `json:"declassifiersNotCounted"`
	// Strays are surveyed stores that the estate does not have.
	Strays []string `json:"strays"`
	// Open says what definitions of pipelines leave to be computed: where that goes is not known.
	Open []string `json:"definitionsOpen"`
	// Possible are flows that rights or the network allow and nothing declares or shows, those
	// that would bring a label where it is not approved first. No label is carried along them.
	Possible []Possible `json:"possible"`
	// PossibleMore is how many further ones are not listed.
	PossibleMore int `json:"possibleMore,omitempty"`
	// PossibleUnknown says of what it is not known who could take its data, and why.
	PossibleUnknown []string `json:"possibleUnknown"`

	undecided bool       // one of them is of a store whose data events would not have shown it
	unsure    []unsureOf // the same by store
}

// observedFlows adds the flows that events showed, and those that definitions of pipelines
// declare.
func (w *World) observedFlows() {
	id := func(word string) string {
		c, p, ok := w.find(word)
		switch {
		case !ok:
			return word
		case p != "" && strings.HasPrefix(word, "s3://"):
			full := c + "#prefix/" + p
			w.graph.Place(c, c, "")
			w.graph.Place(full, c, p)
			return full
		case p != "" && !isDatabase(word):
			return word
		}
		return c
	}
	for _, f := range w.known.Flows {
		tier := lineage.Observed
		if f.Declared {
			tier = lineage.Declared
		}
		w.graph.Flow(lineage.Flow{From: id(f.From), To: id(f.To), Tier: tier, Evidence: f.Evidence})
	}
}

// declassify takes labels away at jobs that are declared to, once their output has
// been scanned after they ran and shows none.
func (w *World) declassify() {
	for _, d := range w.scope.Data.Declassifiers {
		jobs := 0
		for n, a := range w.snap.Assets() {
			if a.ID != d.Job && a.Name != d.Job && (a.Root == nil || a.Root.Family != d.Job) || holdsData(a) {
				continue
			}
			jobs++
			ran := w.ran(n)
			for _, label := range d.Removes {
				if why := w.proven(n, label, ran); why != "" {
					w.lowered[a.ID+": "+label] = fmt.Sprintf("%s is declared to take %s away (%s), which does not count: %s", a.ID, label, d.Place, why)
					continue
				}
				w.graph.Remove(a.ID, label)
			}
		}
		if jobs == 0 {
			w.lowered[d.Job] = fmt.Sprintf("%s: no job is called %s", d.Place, d.Job)
		}
	}
}

// ran is when a job last ran, as far as it says.
func (w *World) ran(n estate.Node) time.Time {
	f := w.facts(n)
	last := f.a.Created
	for _, at := range []string{"ProcessingEndTime", "TrainingEndTime", "TransformEndTime", "LastModifiedTime", "CompletedOn", "LastModifiedOn"} {
		if t, err := time.Parse(time.RFC3339, f.text(at)); err == nil && t.After(last) {
			last = t
		}
	}
	return last
}

// proven says why the output of a job is not known to be free of a label; "" where it
// is.
func (w *World) proven(n estate.Node, label string, ran time.Time) string {
	outputs := 0
	for e := range w.snap.Out(n) {
		to := w.snap.Asset(e.Node)
		if e.Type != estate.Writes || !holdsData(to) {
			continue
		}
		container, path := part(to.ID)
		if path == "" && w.writesPartOf(n, container) {
			continue
		}
		outputs++
		c := w.coverage(container, path)
		switch {
		case c.summary == nil:
			return "its output " + to.ID + " was not scanned"
		case !c.whole():
			return "of its output " + to.ID + " not everything could be examined"
		case ran.IsZero():
			return "when it last ran is not known"
		case !c.summary.Taken.After(ran):
			return fmt.Sprintf("its output was scanned on %s, before it last ran on %s", c.summary.Taken.Format(time.DateTime), ran.Format(time.DateTime))
		}
		for _, l := range w.own[to.ID] {
			if l.Label == label && l.Origin == OriginObserved {
				return "its output " + to.ID + " holds " + label
			}
		}
		for id := range w.own {
			oc, op := part(id)
			if oc == container && strings.HasPrefix(op, path) && slices.ContainsFunc(w.own[id], func(l Labelled) bool { return l.Label == label && l.Origin == OriginObserved }) {
				return "its output " + id + " holds " + label
			}
		}
	}
	if outputs == 0 {
		return "it has no output that is known"
	}
	return ""
}

// writesPartOf reports whether a job writes a named part of a bucket: that it writes
// the bucket says no more.
func (w *World) writesPartOf(n estate.Node, container string) bool {
	for e := range w.snap.Out(n) {
		if c, p := part(w.snap.Asset(e.Node).ID); e.Type == estate.Writes && c == container && p != "" {
			return true
		}
	}
	return false
}

// approval says whether a system may hold a label, and by which words.
func (w *World) approval(label string, a *estate.Asset, workloads *scope.Workloads) (state, by string) {
	rules := 0
	for _, r := range w.scope.Data.Approved {
		if r.Label != label {
			continue
		}
		rules++
		for _, s := range r.Systems {
			if w.names(s, a, workloads) {
				return "yes", s
			}
		}
	}
	if rules == 0 {
		return "unknown", ""
	}
	return "no", ""
}

// names reports whether a word of the policy names a system.
func (w *World) names(word string, a *estate.Asset, workloads *scope.Workloads) bool {
	if zone, ok := strings.CutPrefix(word, "zone:"); ok {
		z, known := workloads.ZoneOf(a.ID)
		return known && z == zone
	}
	if a.ID == word || a.Name == word && a.Name != "" {
		return true
	}
	if strings.Contains(word, "://") && strings.HasPrefix(a.ID, strings.TrimSuffix(word, "/")+"/") {
		return true // a pipeline for its tasks, a bucket of another cloud for what lies in it
	}
	container, path := part(a.ID)
	if c, p, ok := w.find(word); ok && c == container && strings.HasPrefix(path, p) {
		return true
	}
	if b := w.asset(container); b != nil && b.Name == word && path != "" {
		return true
	}
	for i := range workloads.List {
		l := &workloads.List[i]
		if (l.Name == word || l.ID == word) && slices.Contains(l.Members, a.ID) {
			return true
		}
	}
	return false
}

// Flows tells where labelled data goes; of one label only if it is not empty.
func (w *World) Flows(workloads *scope.Workloads, only string) *Flows {
	out := &Flows{Stops: []Stop{}, Unclassified: []string{}, Unseen: []string{}, Lowered: []string{}, Strays: append([]string{}, w.Strays...), Open: append([]string{}, w.known.Open...), Possible: []Possible{}, PossibleUnknown: []string{}}
	for _, label := range w.labels() {
		if only != "" && label != only {
			continue
		}
		for _, id := range w.result.Things(label) {
			if s, ok := w.stop(id, label, workloads); ok {
				out.Stops = append(out.Stops, s)
			}
		}
	}
	slices.SortStableFunc(out.Stops, func(a, b Stop) int {
		return cmp.Or(strings.Compare(a.Label, b.Label), cmp.Compare(len(a.Path), len(b.Path)), strings.Compare(a.System, b.System))
	})
	for _, why := range w.lowered {
		out.Lowered = append(out.Lowered, why)
	}
	slices.Sort(out.Lowered)
	for n, a := range w.snap.Assets() {
		if c, p := part(a.ID); !holdsData(a) || p != "" || c != a.ID || !w.flowsOut(n) {
			continue
		}
		if cov := w.coverage(a.ID, ""); cov.summary == nil && !cov.partly {
			out.Unclassified = append(out.Unclassified, a.ID)
		}
		if seen, why := w.watched(a); !seen {
			out.Unseen = append(out.Unseen, a.ID+": "+why)
		}
	}
	return out
}

// labels are all that anything has.
func (w *World) labels() []string {
	var out []string
	for _, list := range w.own {
		for _, l := range list {
			if !slices.Contains(out, l.Label) {
				out = append(out, l.Label)
			}
		}
	}
	slices.Sort(out)
	return out
}

// flowsOut reports whether something takes data from a store.
func (w *World) flowsOut(n estate.Node) bool {
	for e := range w.snap.In(n) {
		if against, ok := carriers[e.Type]; ok && against && w.snap.Asset(e.Node).Kind != estate.KindNetwork {
			return true
		}
	}
	return false
}

// stop tells how a label came to a system. What the estate does not know as a thing,
// the folder of a bucket, is part of the bucket.
func (w *World) stop(id, label string, workloads *scope.Workloads) (Stop, bool) {
	a := w.asset(id)
	if a == nil {
		if c, p := part(id); p != "" && w.asset(c) != nil {
			return Stop{}, false // its bucket is listed
		}
		a = stranger(id) // an event or a definition names it
	}
	arrival, ok := w.result.Arrival(id, label)
	if !ok {
		return Stop{}, false
	}
	if n := len(arrival.Path); n > 1 && arrival.Path[n-1].Evidence == lineage.Lies && w.asset(arrival.Path[n-2].To) != nil {
		return Stop{}, false // the part of it that was reached is listed
	}
	s := Stop{Label: label, System: id, Type: a.Type, Kind: string(a.Kind), Tier: arrival.Tier.String(), Path: []Hop{}, Origin: OriginInherited}
	if arrival.Own || len(arrival.Path) > 0 && !slices.ContainsFunc(arrival.Path, func(f lineage.Flow) bool { return f.Evidence != lineage.Lies }) {
		s.Origin = OriginDeclared
		for _, l := range w.LabelsOf(id) {
			if l.Label == label {
				s.Origin = l.Origin
			}
		}
	}
	for _, f := range arrival.Path {
		s.Path = append(s.Path, Hop{f.From, f.To, f.Tier.String(), f.Evidence})
	}
	s.Approved, s.By = w.approval(label, a, workloads)
	return s, true
}

// stranger stands for what the estate does not have as a thing.
func stranger(id string) *estate.Asset {
	a := &estate.Asset{ID: id, Name: id, Type: "not in the estate"}
	for prefix, what := range map[string]string{"airflow://": "a task of Airflow's", "kubeflow://": "a task of Kubeflow's"} {
		if strings.HasPrefix(id, prefix) {
			a.Type, a.Kind = what, estate.KindPipeline
		}
	}
	return a
}

// watched reports whether data events of a store are recorded and were given, so that
// flows nobody declared would have been seen.
func (w *World) watched(a *estate.Asset) (bool, string) {
	if a.Type == "AWS::S3::Bucket" {
		switch on, why := w.dataEvents(a); {
		case on == no:
			return false, "no trail records its data events"
		case on == unknown:
			return false, why
		}
	}
	switch {
	case len(w.known.Broken) > 0:
		return false, "the events could not be read to their end: " + w.known.Broken[0]
	case !w.known.Watched:
		return false, "no events were given"
	case len(w.known.Watch) == 0 || a.Account == "":
		return true, ""
	}
	for _, k := range w.known.Watch {
		if k.Account != a.Account {
			continue
		}
		if k.To.Sub(k.From) < watchedFor {
			return false, fmt.Sprintf("the events given cover %s only, less than a day", k.To.Sub(k.From).Round(time.Minute))
		}
		return true, ""
	}
	return false, "no data events of account " + a.Account + " were given"
}

// Exit is the exit code that flows stand for. A possible flow to what is not approved is no
// finding, since nothing arrived; but only data events show that nothing did.
func (f *Flows) Exit() int {
	open := len(f.Unclassified)+len(f.Unseen)+len(f.Lowered)+len(f.Open) > 0 || len(f.Stops) == 0 || f.undecided
	for i := range f.Possible {
		open = open || f.Possible[i].Approved == "no" && !f.Possible[i].Watched
	}
	for _, s := range f.Stops {
		switch {
		case s.Approved == "no" && s.Tier != lineage.Possible.String():
			return 1
		case s.Approved != "yes":
			open = true
		}
	}
	if open {
		return 3
	}
	return 0
}
