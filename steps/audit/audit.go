// Package audit is the first step: what exists, how it is configured, where it
// deviates from what the controls ask, and what differs from the baseline that
// the company approved.
package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"sync"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Step judges an estate by controls. It derives no relation.
type Step struct {
	controls *control.Set
	failOn   finding.Severity
	baseline *Approved // nil: none
	recall   *Recall   // nil: every asset is asked
}

// New returns the step with the controls to ask and the severity at and above
// which a deviation holds a workload back.
func New(controls *control.Set, failOn finding.Severity) *Step {
	return &Step{controls: controls, failOn: failOn}
}

// Recalling gives what was answered on another snapshot, to be filled or read (see
// Recall); nil: every asset is asked.
func (s *Step) Recalling(r *Recall) *Step {
	s.recall = r
	return s
}

// ID implements assess.Step.
func (*Step) ID() string { return "audit" }

// Needs implements assess.Step.
func (*Step) Needs() []estate.RelationType { return nil }

// Gives implements assess.Step.
func (*Step) Gives() []estate.RelationType { return nil }

// Derive implements assess.Step.
func (*Step) Derive(context.Context, *estate.Snapshot) (estate.Addition, error) {
	return estate.Addition{}, nil
}

// Judge implements assess.Step: it asks every control of every asset and
// decides the workloads' criteria from the answers.
func (s *Step) Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error) {
	judged, err := s.ask(ctx, snap, workloads)
	if err != nil {
		return finding.Judgement{}, err
	}
	heard, err := s.hear(ctx, snap, workloads, judged)
	if err != nil {
		return finding.Judgement{}, err
	}
	j := finding.Judgement{Criteria: map[string][]finding.Criterion{}}
	inventory := inventory(snap, essentialTypes(s.controls))
	byAccount := accountSettings(snap)
	unread := s.unread(snap)
	s.opened(judged.findings, workloads.List)
	baseline := s.baselineCriterion(s.now(snap))
	for _, w := range workloads.List {
		nodes := reached(snap, w, byAccount)
		j.Criteria[w.ID] = []finding.Criterion{
			inventory, ownership(w), heard.weigh(deviations(snap, nodes, judged, unread, s.failOn), snap, w, nodes, judged, s.failOn),
			baseline, s.driftCriterion(snap, nodes, w),
		}
		if c, ok := heard.vulnerabilities(nodes, judged, s.failOn); ok {
			j.Criteria[w.ID] = append(j.Criteria[w.ID], c)
		}
	}
	j.Findings = judged.findings
	return j, nil
}

// judged is every control's answer on every asset.
type judged struct {
	findings []finding.Finding // ordered by asset and control
	tally    map[estate.Node]tally
}

// tally counts the answers on one asset. A question that does not apply is not
// counted.
type tally struct {
	asked, answered int
	findings        []int // in judged.findings
}

// item is one asset to be asked.
type item struct {
	node   estate.Node
	asset  *estate.Asset
	config json.RawMessage
}

// answer is what came of one asset.
type answer struct {
	node     estate.Node
	tally    tally
	findings []finding.Finding
}

// ask asks all assets, several at a time; the result does not depend on the
// order in which they are answered.
func (s *Step) ask(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (*judged, error) {
	settings, err := s.controls.Settings(snap)
	if err != nil {
		return nil, err
	}
	around := s.controls.Surroundings(snap)
	contextOf := func(n estate.Node) control.Context {
		a := snap.Asset(n)
		return control.Context{
			Now: snap.Taken(), Setting: settings.For(a), Owned: s.controls.Owned(snap, n), Behind: control.Behind(snap, n),
			Zone:     func() (string, bool) { return workloads.ZoneOf(a.ID) },
			Accounts: settings.Accounts(), Around: around.For(n),
		}
	}
	reads := s.recall.filled(s.controls, snap, settings.Accounts())
	fills := s.recall != nil && s.recall.snap == nil
	kept := &keeper{}
	if fills {
		kept.known = make([]*recalled, snap.Len())
	}
	jobs := make(chan []item, 4)
	var (
		wg      sync.WaitGroup
		mu      sync.Mutex
		answers []answer
		recalls []answer
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for batch := range jobs {
				var mine []answer
				var noted []*recalled
				for _, it := range batch {
					ctx := contextOf(it.node)
					if !fills {
						mine = append(mine, s.answer(ctx, it))
						continue
					}
					r := &recalled{}
					r.answer = s.answer(r.watch(ctx, snap), it)
					mine, noted = append(mine, r.answer), append(noted, r)
				}
				mu.Lock()
				answers = append(answers, mine...)
				mu.Unlock()
				kept.keep(noted)
			}
		})
	}
	const size = 256
	batch := make([]item, 0, size)
	asked := func(n estate.Node, a *estate.Asset) bool {
		if a.Referenced || len(s.controls.For(a.Type)) == 0 {
			return false
		}
		if !reads {
			return true
		}
		known, ok := s.recall.of(snap, n, contextOf(n))
		if ok {
			recalls = append(recalls, known)
		}
		return !ok
	}
	err = snap.EachOf(ctx, asked, func(n estate.Node, a *estate.Asset, config json.RawMessage) error {
		if batch = append(batch, item{n, a, config}); len(batch) == size {
			jobs <- batch
			batch = make([]item, 0, size)
		}
		return nil
	})
	jobs <- batch
	close(jobs)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	answers = append(answers, recalls...)
	if fills {
		*s.recall = Recall{snap: snap, controls: s.controls, now: snap.Taken(), accounts: settings.Accounts(), known: kept.known}
	} else if s.recall != nil {
		s.recall.reused = len(recalls)
	}
	slices.SortFunc(answers, func(a, b answer) int { return cmp.Compare(a.node, b.node) })
	j := &judged{tally: make(map[estate.Node]tally, len(answers))}
	for _, a := range answers {
		for _, f := range a.findings {
			if !identity(snap.Asset(a.node), f.Step) {
				a.tally.findings = append(a.tally.findings, len(j.findings))
			}
			j.findings = append(j.findings, f)
		}
		j.tally[a.node] = a.tally
	}
	return j, nil
}

// answer asks one asset.
func (s *Step) answer(ctx control.Context, it item) answer {
	out := answer{node: it.node}
	for _, r := range s.controls.JudgeIn(ctx, it.asset, it.config) {
		switch r.Outcome {
		case finding.NA:
			continue
		case finding.Fail, finding.Unknown:
			out.findings = append(out.findings, r.Finding(it.asset))
		}
		if identity(it.asset, r.Control.Step) {
			continue
		}
		out.tally.asked++
		if r.Outcome != finding.Unknown {
			out.tally.answered++
		}
	}
	return out
}

// identity reports whether a question is about an account's root user, who is an
// identity: it is told, and counts for no workload. Who can act on a workload is
// the access step's question.
func identity(a *estate.Asset, step string) bool {
	return a.Type == "AWS::Organizations::Account" && step == "access"
}

// unread lists the assets that controls would be asked of, had any source read
// them: known by name only, in an account that is being read or in none that
// their name tells. What belongs to somebody else's account is not ours to ask,
// and what a complete list of its type does not hold is not there.
func (s *Step) unread(snap *estate.Snapshot) *estate.NodeSet {
	ours := map[string]bool{"": true}
	for _, a := range snap.Assets() {
		if !a.Referenced && len(a.Reads) > 0 {
			ours[a.Account] = true
		}
	}
	out := snap.NewNodeSet()
	for n, a := range snap.Assets() {
		if a.Referenced && ours[a.Account] && len(s.controls.For(a.Type)) > 0 && !snap.Covered(a.Type, a.Account, a.Region) {
			out.Add(n)
		}
	}
	return out
}
