package respond

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// Ranked is a scenario for one workload: how much it matters here, and what its
// procedure is bound to.
type Ranked struct {
	Scenario *Scenario
	Workload *finding.Workload
	// Score orders scenarios of a workload and of all; Because says what made it.
	Score    int
	Because  []string
	Severity string
	// Values are the variables of the playbook that the graph gives.
	Values map[string]string
	// Others are assets of the workload, by variable, that fit as well as the one in Values:
	// the procedure acts on one of them.
	Others map[string][]string
	// Live is what would show it here; nothing until Judge has asked.
	Live Live
}

// Rank orders the scenarios that can befall each workload, by what the graph and open
// findings say; those that matter most first. responder is who goes on having access.
func Rank(snap *estate.Snapshot, workloads *scope.Workloads, all []*Scenario, findings []finding.Finding, responder string) map[string][]Ranked {
	open := map[string][]finding.Finding{} // by asset
	for _, f := range findings {
		if f.Status == finding.Fail {
			open[f.Asset] = append(open[f.Asset], f)
		}
	}
	out := map[string][]Ranked{}
	for i := range workloads.List {
		w := &workloads.List[i]
		class := classOf(snap, w)
		sight := look(snap, w)
		sight.facts["class"] = class
		var list []Ranked
		for _, s := range all {
			if !slices.Contains(s.Classes, class) {
				continue
			}
			r := Ranked{Scenario: s, Workload: w, Severity: s.SeverityOf(sight.facts)}
			r.Values, r.Others = sight.bind(s, responder)
			r.score(sight, open)
			list = append(list, r)
		}
		slices.SortStableFunc(list, func(a, b Ranked) int { return cmp.Compare(b.Score, a.Score) })
		out[w.ID] = list
	}
	return out
}

// classOf is a workload's class. One that somebody declared and nothing discovered has
// none: it is what its roots are, which answer, or run to an end.
func classOf(snap *estate.Snapshot, w *finding.Workload) string {
	if w.Type != "" {
		return w.Type
	}
	for _, id := range w.Roots {
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		switch t := snap.Asset(n).Type; {
		case strings.HasPrefix(t, "batch/"), strings.HasPrefix(t, "AWS::Batch::"), t == "AWS::StepFunctions::StateMachine", t == "AWS::Glue::Job":
			return "data pipeline"
		case strings.HasPrefix(t, "apps/"), t == "v1/Pod", t == "AWS::Lambda::Function", t == "AWS::ECS::Service", t == "AWS::EC2::Instance", t == "AWS::AutoScaling::AutoScalingGroup":
			return "model endpoint"
		}
	}
	return ""
}

// sight is what the graph says of a workload.
type sight struct {
	assets []*estate.Asset // members first, then what it reads, what else it touches, and what starts it
	facts  map[string]string
	cloud  string
}

func look(snap *estate.Snapshot, w *finding.Workload) *sight {
	s := &sight{cloud: "aws"}
	stores, models, identities, tools := 0, 0, 0, 0
	roots := map[string]bool{}
	for _, id := range w.Roots {
		roots[id] = true
	}
	for _, id := range slices.Concat(w.Roots, w.Members, readFirst(snap, w), Starters(snap, w)) {
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		a := snap.Asset(n)
		if roots[id] && a.Cloud == estate.Kubernetes {
			s.cloud = "kubernetes"
		}
		if slices.Contains(s.assets, a) {
			continue
		}
		s.assets = append(s.assets, a)
		switch a.Kind {
		case estate.KindStore, estate.KindDataset:
			stores++
		case estate.KindModel:
			models++
		case estate.KindIdentity:
			identities++
		}
		if strings.Contains(a.Type, "ActionGroup") || strings.Contains(a.Type, "Gateway") || a.Type == "AWS::Lambda::Function" {
			tools++
		}
	}
	s.facts = map[string]string{"zone": w.Zone, "stores": strconv.Itoa(stores), "models": strconv.Itoa(models), "identities": strconv.Itoa(identities), "tools": strconv.Itoa(tools)}
	return s
}

// readFirst is what a workload touches, with what it or its members read before what they
// write: it is data that was read which leaves, or was poisoned.
func readFirst(snap *estate.Snapshot, w *finding.Workload) []string {
	read := map[string]bool{}
	for _, id := range slices.Concat(w.Roots, w.Members) {
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		for e := range snap.Out(n) {
			if e.Type == estate.Reads {
				of, _, _ := strings.Cut(snap.Asset(e.Node).ID, "#") // a prefix of a bucket: the bucket
				read[of] = true
			}
		}
	}
	out := slices.Clone(w.Touches)
	slices.SortStableFunc(out, func(a, b string) int {
		switch {
		case read[a] == read[b]:
			return 0
		case read[a]:
			return -1
		}
		return 1
	})
	return out
}

// Starters are what points at a workload's roots: the rules, schedules and triggers that
// start it.
func Starters(snap *estate.Snapshot, w *finding.Workload) []string {
	var out []string
	for _, id := range w.Roots {
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		for e := range snap.In(n) {
			a := snap.Asset(e.Node)
			if e.Tier == estate.Declared && (strings.Contains(a.Type, "::Events::") || strings.Contains(a.Type, "::Scheduler::") || strings.Contains(a.Type, "Trigger") || a.Type == "batch/v1/CronJob") {
				out = append(out, a.ID)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// bind gives the playbook's variables the first asset of a type each; those of the
// workload itself before those it touches. others are those that would have done as well.
func (g *sight) bind(s *Scenario, responder string) (out map[string]string, others map[string][]string) {
	out, others = map[string]string{}, map[string][]string{}
	if _, ok := s.Playbook.Variable("platform"); ok {
		out["platform"] = g.cloud
	}
	if _, ok := s.Playbook.Variable("responders"); ok && responder != "" {
		out["responders"] = responder
	}
	for name, types := range s.Bind {
		for _, a := range g.assets {
			switch {
			case !slices.Contains(types, a.Type) || strings.Contains(a.ID, "service-role/aws-"):
			case out[name] == "":
				out[name] = a.ID
			default:
				others[name] = append(others[name], a.ID)
			}
		}
	}
	return out, others
}

func (r *Ranked) score(g *sight, open map[string][]finding.Finding) {
	add := func(n int, format string, args ...any) {
		if n > 0 {
			r.Score += n
			r.Because = append(r.Because, fmt.Sprintf(format, args...)+fmt.Sprintf(" (+%d)", n))
		}
	}
	add(10*r.Scenario.Weight, "what it costs where it happens")
	add(map[string]int{"critical": 15, "high": 8, "medium": 3}[r.Severity], "it would be %s here", r.Severity)
	bound := 0
	for name := range r.Scenario.Bind {
		if r.Values[name] != "" {
			bound++
		}
	}
	add(min(4*bound, 12), "%d of the things it needs are there", bound)
	worst, faults := 0, map[string]bool{}
	for _, a := range g.assets {
		for _, f := range open[a.ID] {
			if slices.ContainsFunc(f.Techniques, func(t string) bool { return r.Scenario.concerns(t) }) {
				faults[f.ID] = true
				worst = max(worst, f.Severity.Rank())
			}
		}
	}
	add(min(5*worst+len(faults), 35), "%d open findings that help with it", len(faults))
}

// concerns reports whether a finding's technique is one of the scenario's, or above or
// below one.
func (s *Scenario) concerns(id string) bool {
	for _, t := range s.Techniques() {
		if t == id || strings.HasPrefix(t, id+".") || strings.HasPrefix(id, t+".") {
			return true
		}
	}
	return false
}

// Wired is how far the containment of a ranked scenario can be done as things are.
type Wired struct {
	// Ready are containing steps whose target is known, Asked those that wait for a
	// person's word in the run; Missing say what the graph does not give.
	Ready, Asked []*playbook.Step
	Missing      []string
}

// Wiring tells which containing steps can be done in the ordinary course of the run.
func (r *Ranked) Wiring() Wired {
	var w Wired
	given := r.Scenario.Playbook.Given()
	steps, fallback := r.Scenario.Playbook.Reachable(r.Values)
	for _, s := range steps {
		if s.Kind != playbook.Action || s.Phase != "contain" {
			continue
		}
		asked, missing := false, []string{}
		for _, name := range s.Uses() {
			_, bound := r.Values[name]
			switch {
			case given[name]:
				asked = true
			case !bound:
				missing = append(missing, name)
			}
		}
		switch {
		case len(missing) > 0 && !fallback[s.ID]:
			w.Missing = append(w.Missing, s.ID+" needs "+strings.Join(missing, ", "))
		case len(missing) > 0:
		case asked:
			w.Asked = append(w.Asked, s)
		default:
			w.Ready = append(w.Ready, s)
		}
	}
	return w
}

// sortedKeys are a map's keys in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
