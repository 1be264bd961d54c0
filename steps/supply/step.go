package supply

import (
	"context"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// The relations this step gives.
const (
	// Calls: what runs -> the service it calls.
	Calls estate.RelationType = "calls"
	// DerivedFrom: a model -> the model it was made from.
	DerivedFrom estate.RelationType = "derived-from"
	// Runs: an image or code -> a package in it that has a known vulnerability.
	Runs estate.RelationType = "runs"
)

// Step is the supply step: for each workload its five criteria, and what it loads and
// calls as relations.
type Step struct {
	scope *scope.Scope
	known *Known
	data  Data
	aside bool
}

// Data opens what is known of what lies in the assets of a snapshot.
type Data func(context.Context, *estate.Snapshot) (Labels, error)

// Labels is what is known of what lies in assets.
type Labels interface {
	// Told are the labels of what lies in an asset. why says why there may be more; ""
	// where that is all, or where nothing lies in it.
	Told(id string) (labels []string, why string)
}

// New returns the step for an estate whose services a scope registers.
func New(s *scope.Scope) *Step { return &Step{scope: s, known: &Known{}} }

// With gives what the state knows; nil: nothing.
func (s *Step) With(k *Known) *Step {
	if k != nil {
		s.known = k
	}
	return s
}

// Labelled gives what is known of data, so that services are not sent what their terms
// do not allow; nil: what tags say.
func (s *Step) Labelled(d Data) *Step {
	s.data = d
	return s
}

func (s *Step) jury(snap *estate.Snapshot) *jury {
	return &jury{snap: snap, scope: s.scope, known: s.known, open: s.data, told: map[string]bool{}}
}

// Aside leaves the criteria out, for commands that ask for another step's.
func (s *Step) Aside(aside bool) *Step {
	s.aside = aside
	return s
}

// ID implements assess.Step.
func (*Step) ID() string { return "supply" }

// Needs implements assess.Step.
func (*Step) Needs() []estate.RelationType { return nil }

// Gives implements assess.Step.
func (*Step) Gives() []estate.RelationType { return []estate.RelationType{Calls, DerivedFrom, Runs} }

// maxVulnerableParts bounds the packages of one place that become assets.
const maxVulnerableParts = 50

// Derive implements assess.Step: models and services that were seen inside of what is
// in the estate, and the packages in it that have known vulnerabilities.
func (s *Step) Derive(_ context.Context, snap *estate.Snapshot) (estate.Addition, error) {
	out := estate.Addition{Relations: versioned(snap)}
	var versions map[string][]version
	told := map[string]bool{}
	asset := func(a estate.Asset) {
		if _, known := snap.Find(a.ID); !known && !told[a.ID] {
			told[a.ID] = true
			out.Assets = append(out.Assets, a)
		}
	}
	out.Relations = append(out.Relations, s.known.derived(snap, asset)...)
	if len(s.known.Examined) == 0 {
		return out, nil
	}
	for _, a := range snap.Assets() {
		if k := kindOf(a); k != "image" && k != "files" && k != "code" {
			continue
		}
		e := s.known.find(PlaceOf(a.ID))
		if e == nil || e.Bill == nil {
			continue
		}
		for i := range e.Bill.Parts {
			p := &e.Bill.Parts[i]
			var to estate.Asset
			var rel estate.RelationType
			if p.Kind == parts.Model && p.Ecosystem == parts.MLflow {
				if versions == nil {
					versions = catalogue(snap)
				}
				for _, v := range named(p, versions) {
					out.Relations = append(out.Relations, estate.Relation{From: a.ID, To: snap.Asset(v.node).ID, Type: estate.Loads, Tier: estate.Possible, Evidence: p.Places[0].Path})
				}
				continue
			}
			switch {
			case p.Kind == parts.Model && p.Ecosystem == "Hugging Face":
				to, rel = estate.Asset{ID: "hf://" + p.Name, Type: "sevenfold::Model", Kind: estate.KindModel, Name: p.Name}, estate.Loads
			case p.Kind == parts.Service && p.Facts["alias"] == "":
				to, rel = estate.Asset{ID: hostID(p.Name), Type: hostType, Kind: estate.KindService, Name: p.Name}, Calls
			default:
				continue
			}
			asset(to)
			out.Relations = append(out.Relations, estate.Relation{From: a.ID, To: to.ID, Type: rel, Tier: estate.Possible, Evidence: p.Places[0].Path})
		}
		w := s.known.Watched[e.Place]
		if w == nil {
			continue
		}
		seen := map[string]bool{}
		for _, m := range w.Matches {
			if m.Component == "" || seen[m.Component] || len(seen) >= maxVulnerableParts || !m.KEV && !severityOf(m.Severity).AtLeast(finding.High) {
				continue
			}
			seen[m.Component] = true
			asset(estate.Asset{ID: m.Component, Type: "sevenfold::Package", Kind: estate.KindPackage, Name: m.Name})
			out.Relations = append(out.Relations, estate.Relation{From: a.ID, To: m.Component, Type: Runs, Tier: estate.Possible, Evidence: m.Where.Path})
		}
	}
	return out, nil
}

// Judge implements assess.Step: all supply criteria.
func (s *Step) Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error) {
	out := finding.Judgement{Criteria: map[string][]finding.Criterion{}}
	if s.aside {
		return out, nil
	}
	j := s.jury(snap)
	for i := range workloads.List {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		l := &workloads.List[i]
		w := j.gather(l)
		services, err := j.services(ctx, w)
		if err != nil {
			return out, err
		}
		out.Criteria[l.ID] = []finding.Criterion{j.inventory(w), j.artifacts(w), j.vulnerabilities(w), j.provenance(w), services}
	}
	j.strays(workloads.List)
	out.Findings = j.findings
	return out, nil
}

// thing is one component of a workload, as the graph has it.
type thing struct {
	asset *estate.Asset
	node  estate.Node
	kind  string // see kindOf
	place string
	seen  *Examined // nil: nobody looked
}

// workload is a workload with what it is made of and calls.
type workload struct {
	*finding.Workload
	things  []thing
	hosts   []thing // services that the estate itself names
	unread  []string
	regions map[string]bool
}

// follows are the relations that lead from a workload to what it is made of.
var follows = []estate.RelationType{estate.Loads, estate.Serves, estate.Contains, Calls}

// gather finds what a workload is made of: what its members load, serve and contain,
// and what that loads.
func (j *jury) gather(l *finding.Workload) *workload {
	w := &workload{Workload: l, regions: map[string]bool{}}
	seen := map[estate.Node]bool{}
	var queue []estate.Node
	for _, id := range l.Members {
		if n, ok := j.snap.Find(id); ok && !seen[n] {
			seen[n] = true
			queue = append(queue, n)
		}
	}
	members := len(queue)
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		a := j.snap.Asset(n)
		kind := kindOf(a)
		t := thing{asset: a, node: n, kind: kind, place: PlaceOf(a.ID)}
		t.seen = j.known.find(t.place)
		switch {
		case kind == "service":
			w.hosts = append(w.hosts, t)
		case kind == "managed model":
			w.things = append(w.things, t)
		case kind == "files" && !j.isLoaded(n):
			// what it reads and writes is data: the data step's
		case kind != "":
			w.things = append(w.things, t)
		case a.Referenced && (a.Kind == estate.KindModel || a.Kind == estate.KindEndpoint || i < members && (a.Kind == estate.KindCompute || a.Kind == estate.KindPipeline)):
			w.unread = append(w.unread, a.ID)
		}
		if a.Region != "" && a.Cloud == estate.AWS {
			w.regions[a.Region] = true
		}
		for e := range j.snap.Out(n) {
			if !seen[e.Node] && slices.Contains(follows, e.Type) && j.madeOf(a, e) {
				seen[e.Node] = true
				queue = append(queue, e.Node)
			}
		}
		if i < members {
			for e := range j.snap.Out(n) {
				if to := j.snap.Asset(e.Node); e.Type == estate.Uses && to.Kind == estate.KindService && !seen[e.Node] {
					seen[e.Node] = true
					queue = append(queue, e.Node)
				}
			}
		}
	}
	if code := j.known.find("code:" + l.Name); code != nil {
		w.things = append(w.things, thing{asset: &estate.Asset{ID: w.root(), Name: l.Name}, node: -1, kind: "code", place: code.Place, seen: code})
	}
	j.loadedFrom(w)
	return w
}

// Sent is what may be sent to a service by what calls it: it is among what that touches.
type Sent struct {
	// Labels by name, with the asset that has each.
	Labels map[string]string
	// Open are assets of which it is not known what lies in them, with the reason.
	Open []string
}

// sent gathers what a workload may send. What is known of data is opened when the first
// service is met.
func (j *jury) sent(ctx context.Context, w *workload) (s Sent, err error) {
	if j.data == nil && j.open != nil {
		if j.data, err = j.open(ctx, j.snap); err != nil {
			return s, err
		}
	}
	s.Labels = map[string]string{}
	made := map[string]bool{}
	for i := range w.things {
		made[w.things[i].asset.ID] = true
	}
	for _, id := range append(slices.Clone(w.Members), w.Touches...) {
		n, ok := j.snap.Find(id)
		if !ok {
			continue
		}
		labels := labelsOf(j.snap.Asset(n))
		if j.data != nil {
			more, why := j.data.Told(id)
			labels = append(labels, more...)
			if why != "" && !made[id] {
				s.Open = append(s.Open, id+": "+why)
			}
		}
		for _, l := range labels {
			if l = scope.LabelOf(l); s.Labels[l] == "" {
				s.Labels[l] = id
			}
		}
	}
	return s, nil
}

// used are the external services of a workload, held against the register.
func (j *jury) used(ctx context.Context, w *workload, examined []*Examined) ([]Used, error) {
	hosts := j.hostsOf(w)
	if used := Services(j.scope, j.known.Now, examined, hosts, Sent{}, nil); len(used) == 0 {
		return nil, nil
	}
	sent, err := j.sent(ctx, w)
	if err != nil {
		return nil, err
	}
	return Services(j.scope, j.known.Now, examined, hosts, sent, j.known), nil
}

// isLoaded reports whether anything loads or serves a thing.
func (j *jury) isLoaded(n estate.Node) bool {
	for e := range j.snap.In(n) {
		if e.Type == estate.Loads || e.Type == estate.Serves {
			return true
		}
	}
	return false
}

// madeOf leaves out what a store contains: it is not what a workload is made of.
func (j *jury) madeOf(from *estate.Asset, e estate.Edge) bool {
	return e.Type != estate.Contains || from.Kind != estate.KindStore && from.Kind != estate.KindDataset
}

func (w *workload) root() string {
	if len(w.Roots) > 0 {
		return w.Roots[0]
	}
	return w.ID
}

// labelTags are the keys under which people and tools tag what data a store holds.
var labelTags = map[string]bool{"data-classification": true, "data-class": true, "dataclassification": true, "data_classification": true, "classification": true, "data-label": true, "data-labels": true, "sensitivity": true, "data-type": true, "labels": true}

// labelsOf are the labels of the data in an asset, as its tags say.
func labelsOf(a *estate.Asset) []string {
	var out []string
	for k, v := range a.Tags {
		if !labelTags[strings.ToLower(k)] {
			continue
		}
		for _, l := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" ,;+/:", r) }) {
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return out
}

// Use is one workload that is made of what was examined at a place.
type Use struct {
	Workload string `json:"workload"`
	Asset    string `json:"asset"` // the workload's root
	Type     string `json:"type"`  // its class
}

// Uses are the workloads that are made of each place.
func (s *Step) Uses(snap *estate.Snapshot, workloads *scope.Workloads) map[string][]Use {
	j := s.jury(snap)
	out := map[string][]Use{}
	for i := range workloads.List {
		w := j.gather(&workloads.List[i])
		seen := map[string]bool{}
		for _, t := range w.things {
			if t.seen != nil && !seen[t.seen.Place] {
				seen[t.seen.Place] = true
				out[t.seen.Place] = append(out[t.seen.Place], Use{w.Name, w.root(), w.Type})
			}
		}
	}
	return out
}

// ServicesOf are the external services of each workload, held against the register, and
// under "" those that logs show to be called by what belongs to none.
func (s *Step) ServicesOf(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (map[string][]Used, error) {
	out := map[string][]Used{}
	j := s.jury(snap)
	for i := range workloads.List {
		w := j.gather(&workloads.List[i])
		var examined []*Examined
		for _, t := range w.things {
			if t.seen != nil && t.seen.Bill != nil {
				examined = append(examined, t.seen)
			}
		}
		var err error
		if out[w.Name], err = j.used(ctx, w, examined); err != nil {
			return nil, err
		}
	}
	if hosts := j.stray(workloads.List); len(hosts) > 0 {
		out[""] = Services(j.scope, j.known.Now, nil, hosts, Sent{Open: []string{"what calls it belongs to no workload"}}, j.known)
	}
	return out, nil
}
