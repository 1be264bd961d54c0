package detect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Known is what detection knows when a workload is judged; it goes into evidence
// bundles, so that the judgement can be made again.
type Known struct {
	Learnt Learnt `json:"learnt"`
	Fresh  bool   `json:"fresh"` // nothing was ever learnt
	// Days are on how many days each identity of the estate was seen, by id.
	Days map[string]int `json:"days"`
	Seen []Seen         `json:"seen"`
	// Budget is how many incidents a day are wanted, Realised how many there were, over
	// Over days.
	Budget   float64 `json:"budget"`
	Realised float64 `json:"realised"`
	Over     float64 `json:"over"`
	// False are incidents that a person said to be fine, of Told.
	False     int        `json:"false"`
	Told      int        `json:"told"`
	Proofs    []Proof    `json:"proofs"`
	Incidents []Incident `json:"incidents"` // open ones
	// Rules are the keys of the rules that matched when events last came in; nil: that is
	// not known.
	Rules []string `json:"rules,omitempty"`
}

// Step is the detect step: for each workload its five criteria.
type Step struct {
	controls *control.Set
	failOn   finding.Severity
	known    *Known
	aside    bool
}

// New returns the step with the controls that telemetry is judged by, and the severity
// from which an open incident holds a workload back.
func New(controls *control.Set, failOn finding.Severity) *Step {
	return &Step{controls: controls, failOn: failOn}
}

// With gives what detection knows; nil: nothing was looked at.
func (s *Step) With(k *Known) *Step {
	s.known = k
	return s
}

// Aside leaves everything out, for commands that ask for another step's criteria.
func (s *Step) Aside(aside bool) *Step {
	s.aside = aside
	return s
}

// ID implements assess.Step.
func (*Step) ID() string { return "detect" }

// Needs implements assess.Step.
func (*Step) Needs() []estate.RelationType { return nil }

// Gives implements assess.Step.
func (*Step) Gives() []estate.RelationType { return nil }

// Derive implements assess.Step.
func (*Step) Derive(context.Context, *estate.Snapshot) (estate.Addition, error) {
	return estate.Addition{}, nil
}

// Judge implements assess.Step.
func (s *Step) Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error) {
	out := finding.Judgement{Criteria: map[string][]finding.Criterion{}}
	if s.aside {
		return out, nil
	}
	asked, err := s.ask(ctx, snap, workloads)
	if err != nil {
		return out, err
	}
	for i := range workloads.List {
		w := &workloads.List[i]
		p := placeOf(snap, w)
		out.Criteria[w.ID] = []finding.Criterion{s.telemetry(snap, p, asked), s.baseline(p), s.budget(), s.proof(snap.Taken()), s.incidents(p)}
	}
	return out, nil
}

// telemetryControls ask whether what detection lives on is recorded.
var telemetryControls = []string{"cloudtrail-absent", "cloudtrail-stopped", "cloudtrail-management-left-out", "cloudtrail-ai-calls-absent",
	"cloudtrail-store-events-absent", "bedrock-invocation-logging-off", "vpc-flow-log-absent", "eks-audit-log-off"}

// telling is a control's answer on an asset.
type telling struct {
	control.Result
	asset *estate.Asset
	node  estate.Node
}

// ask asks the controls of telemetry of all assets they are for.
func (s *Step) ask(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) ([]telling, error) {
	if s.controls == nil {
		return nil, nil
	}
	settings, err := s.controls.Settings(snap)
	if err != nil {
		return nil, err
	}
	around := s.controls.Surroundings(snap)
	byType := map[string][]*control.Control{}
	for _, id := range telemetryControls {
		if c := s.controls.Find(id); c != nil {
			for _, t := range c.Types {
				byType[t] = append(byType[t], c)
			}
		}
	}
	var out []telling
	asked := func(_ estate.Node, a *estate.Asset) bool { return !a.Referenced && len(byType[a.Type]) > 0 }
	err = snap.EachOf(ctx, asked, func(n estate.Node, a *estate.Asset, config json.RawMessage) error {
		for _, c := range byType[a.Type] {
			r := s.controls.JudgeOne(control.Context{
				Now: snap.Taken(), Setting: settings.For(a), Owned: s.controls.Owned(snap, n), Behind: control.Behind(snap, n),
				Zone: func() (string, bool) { return workloads.ZoneOf(a.ID) }, Accounts: settings.Accounts(), Around: around.For(n),
			}, c, a, config)
			if r.Outcome != finding.NA {
				out = append(out, telling{r, a, n})
			}
		}
		return nil
	})
	// Configurations come in the order of where they are kept; whose answer is told first
	// must not hang on that.
	slices.SortStableFunc(out, func(a, b telling) int { return cmp.Compare(a.node, b.node) })
	return out, err
}

// place is where a workload is.
type place struct {
	*finding.Workload
	accounts   map[string]bool // of AWS
	near       map[estate.Node]bool
	ids        map[string]bool
	identities []string
	aws        bool
}

// nearHops is how far networks and clusters are from what stands in them.
const nearHops = 3

func placeOf(snap *estate.Snapshot, w *finding.Workload) *place {
	p := &place{Workload: w, accounts: map[string]bool{}, near: map[estate.Node]bool{}, ids: map[string]bool{}}
	var edge []estate.Node
	for _, id := range slices.Concat(w.Members, w.Touches) {
		p.ids[id] = true
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		a := snap.Asset(n)
		if a.Cloud == estate.AWS && a.Account != "" {
			p.accounts[a.Account], p.aws = true, true
		}
		if a.Kind == estate.KindIdentity && !slices.Contains(p.identities, id) {
			p.identities = append(p.identities, id)
		}
		p.near[n] = true
		edge = append(edge, n)
	}
	for range nearHops {
		var next []estate.Node
		for _, n := range edge {
			for e := range snap.Out(n) {
				if e.Type == estate.MemberOf && !p.near[e.Node] {
					p.near[e.Node] = true
					next = append(next, e.Node)
				}
			}
		}
		edge = next
	}
	return p
}

// has reports whether an answer is of what a workload stands in: networks and clusters
// near it, all else of its accounts.
func (p *place) has(t *telling) bool {
	switch t.asset.Type {
	case "AWS::EC2::VPC", "AWS::EKS::Cluster":
		return p.near[t.node]
	}
	return p.near[t.node] || p.accounts[t.asset.Account]
}

// staleAfter is how old the newest event may be: CloudTrail delivers within minutes, and
// a night without a call is rare.
const staleAfter = 24 * time.Hour

// telemetry decides detect.telemetry: what is recorded, by the estate's configuration,
// and whether it arrives.
func (s *Step) telemetry(snap *estate.Snapshot, p *place, asked []telling) finding.Criterion {
	c := finding.Criterion{ID: "detect.telemetry"}
	claim := finding.Claim{Claim: "questions whether what detection lives on is recorded", Source: "snapshot"}
	var fails, unsure []string
	for i := range asked {
		t := &asked[i]
		if !p.has(t) {
			continue
		}
		claim.Of++
		switch t.Outcome {
		case finding.Pass:
			claim.Examined++
		case finding.Fail:
			claim.Examined++
			f := t.Finding(t.asset)
			fails = append(fails, strings.ToLower(t.Control.Title[:1])+t.Control.Title[1:]+" ("+t.asset.ID+")")
			c.Findings = append(c.Findings, f.ID)
			if c.Hint == "" && len(f.Fix.Commands) > 0 {
				c.Hint = f.Fix.Commands[0]
			} else if c.Hint == "" {
				c.Hint = f.Fix.Text
			}
		default:
			unsure = append(unsure, "whether "+t.Control.ID+" holds of "+t.asset.ID+" could not be read")
			c.Findings = append(c.Findings, t.Finding(t.asset).ID)
		}
	}
	c.Evidence = []finding.Claim{claim}
	if claim.Of == 0 {
		unsure = append(unsure, "no trail, flow log or audit log of its account or cluster was read")
	}
	seen := s.arrived()
	switch {
	case seen == nil:
		unsure = append(unsure, "no event has arrived here yet")
		if c.Hint == "" {
			c.Hint = "sevenfold detect run PATH… --follow, or detect learn PATH…"
		}
	case snap.Taken().Sub(seen.Last) > staleAfter:
		fails = append(fails, fmt.Sprintf("the newest event is of %s, older than %s", seen.Last.Format(time.RFC3339), staleAfter))
		if c.Hint == "" {
			c.Hint = "sevenfold detect run PATH… --follow"
		}
	default:
		c.Evidence = append(c.Evidence, finding.Claim{Claim: "events that arrived, the newest of " + seen.Last.Format(time.RFC3339), Examined: int(seen.Events), Of: int(seen.Events), Source: seen.Source})
	}
	decide(&c, fails, unsure, fmt.Sprintf("%d of %d questions whether it is recorded are answered yes, and events arrive", claim.Examined, claim.Of))
	return c
}

// arrived is the log whose newest event is the newest; nil: nothing has arrived.
func (s *Step) arrived() *Seen {
	if s.known == nil {
		return nil
	}
	var out *Seen
	for i := range s.known.Seen {
		if x := &s.known.Seen[i]; out == nil || x.Last.After(out.Last) {
			out = x
		}
	}
	return out
}

// decide closes a criterion: what fails goes before what is not known.
func decide(c *finding.Criterion, fails, unsure []string, pass string) {
	list := fails
	switch {
	case len(fails) > 0:
		c.Status = finding.CriterionFail
	case len(unsure) > 0:
		c.Status, list = finding.CriterionUnknown, unsure
	default:
		c.Status, c.Reason = finding.CriterionPass, pass
		return
	}
	slices.Sort(list)
	list = slices.Compact(list)
	more := ""
	if len(list) > 3 {
		more, list = fmt.Sprintf("; and %d more", len(list)-3), list[:3]
	}
	c.Reason = strings.Join(list, "; ") + more
}

// baseline decides detect.baseline: learnt for long enough, of most, levelled off, and
// of the workload's own identities.
func (s *Step) baseline(p *place) finding.Criterion {
	c := finding.Criterion{ID: "detect.baseline", Hint: "sevenfold detect learn PATH… with logs of ordinary days"}
	if s.known == nil || s.known.Fresh {
		c.Status, c.Reason = finding.CriterionUnknown, "nothing was learnt yet"
		return c
	}
	l := &s.known.Learnt
	unsure := slices.Clone(l.Why)
	claim := finding.Claim{Claim: "identities of it that were seen", Of: len(p.identities), Source: "learnt behaviour"}
	for _, id := range p.identities {
		if s.known.Days[id] > 0 {
			claim.Examined++
		} else {
			unsure = append(unsure, id+" was never seen acting")
		}
	}
	c.Evidence = []finding.Claim{{Claim: "principals that were seen on five days or more", Examined: l.Settled, Of: l.Principals, Source: fmt.Sprintf("%d days of logs", l.Days)}, claim}
	decide(&c, nil, unsure, fmt.Sprintf("learnt over %d days, of %d principals, and what is new has levelled off", l.Days, l.Principals))
	if c.Status == finding.CriterionPass {
		c.Hint = ""
	}
	return c
}

// Of the budget: how far the number may be off, and over how many days it is measured.
const (
	budgetSlack = 1.25
	budgetDays  = 7
)

func (s *Step) budget() finding.Criterion {
	c := finding.Criterion{ID: "detect.budget", Hint: "sevenfold detect run PATH… --budget N, for a week"}
	if s.known == nil || s.known.Over < budgetDays {
		over := 0.0
		if s.known != nil {
			over = s.known.Over
		}
		c.Status, c.Reason = finding.CriterionUnknown, fmt.Sprintf("incidents were told over %.0f days; a rate is measured over %d", over, budgetDays)
		return c
	}
	k := s.known
	c.Evidence = []finding.Claim{{Claim: "incidents that a person said to be nothing", Examined: k.False, Of: k.Told, Source: fmt.Sprintf("%.0f days", k.Over)}}
	c.Status, c.Reason = finding.CriterionPass, fmt.Sprintf("%.2f incidents a day over %.0f days, of a budget of %g", k.Realised, k.Over, k.Budget)
	if k.Realised > budgetSlack*k.Budget {
		c.Status = finding.CriterionFail
	} else {
		c.Hint = ""
	}
	return c
}

// provedFor is how long a proof counts.
const provedFor = 30 * 24 * time.Hour

func (s *Step) proof(now time.Time) finding.Criterion {
	c := finding.Criterion{ID: "detect.proof", Hint: "sevenfold detect run … in one place, sevenfold detect prove URL|FOLDER in another"}
	claim := finding.Claim{Claim: "attacks sent through the way in that became an incident", Source: "detect prove"}
	var fails []string
	slowest := 0.0
	if s.known != nil {
		for _, p := range s.known.Proofs {
			if now.Sub(p.At) > provedFor {
				continue
			}
			claim.Of++
			if p.Found {
				claim.Examined++
				slowest = max(slowest, p.Seconds)
			} else {
				fails = append(fails, p.Technique+" of "+p.At.Format(time.RFC3339)+" was not seen")
			}
		}
	}
	c.Evidence = []finding.Claim{claim}
	if claim.Of == 0 {
		c.Status, c.Reason = finding.CriterionUnknown, "no attack was sent through the way in within 30 days"
		return c
	}
	decide(&c, fails, nil, fmt.Sprintf("%d attacks were seen, the slowest after %.1f s", claim.Of, slowest))
	return c
}

// incidents decides detect.incidents: none open at or above fail_on that has to do with
// the workload.
func (s *Step) incidents(p *place) finding.Criterion {
	c := finding.Criterion{ID: "detect.incidents", Hint: "sevenfold detect incidents"}
	if s.arrived() == nil {
		c.Status, c.Reason, c.Hint = finding.CriterionUnknown, "no event was looked at", "sevenfold detect run PATH… --follow"
		return c
	}
	var fails []string
	claim := finding.Claim{Claim: "open incidents looked at", Source: "detect run", Examined: len(s.known.Incidents), Of: len(s.known.Incidents)}
	for i := range s.known.Incidents {
		inc := &s.known.Incidents[i]
		if inc.Status == "open" && inc.Severity.AtLeast(s.failOn) && p.concerns(inc) {
			fails = append(fails, inc.ID+" ("+string(inc.Severity)+"): "+inc.Summary)
		}
	}
	seen := s.arrived()
	c.Evidence = []finding.Claim{claim, {Claim: "events looked at", Examined: int(seen.Events), Of: int(seen.Events), Source: seen.Source}}
	decide(&c, fails, nil, fmt.Sprintf("none of %d open incidents is at or above %s and has to do with it", claim.Of, s.failOn))
	if c.Status == finding.CriterionPass {
		c.Hint = ""
	}
	return c
}

// Concerns returns what reports whether an incident has to do with a workload.
func Concerns(snap *estate.Snapshot, w *finding.Workload) func(*Incident) bool {
	return placeOf(snap, w).concerns
}

// concerns reports whether an incident has to do with a workload: its own identities, or
// any principal of an account it is in.
func (p *place) concerns(i *Incident) bool {
	for _, who := range i.Principals {
		if p.ids[who] {
			return true
		}
		if f := strings.SplitN(who, ":", 6); len(f) == 6 && f[0] == "arn" && p.accounts[f[4]] {
			return true
		}
	}
	return false
}
