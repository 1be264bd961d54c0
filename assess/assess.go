// Package assess does the main job: it opens the sources, lets the providers
// understand what was read, runs the steps in the order their relations ask
// for, and has the gate decide. It holds no rule of its own.
package assess

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sevenfold-sec/sevenfold/collect/redact"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	providerAWS "github.com/sevenfold-sec/sevenfold/provider/aws"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	providerMLflow "github.com/sevenfold-sec/sevenfold/provider/mlflow"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
)

// Options of one run.
type Options struct {
	// Scope is what sevenfold.yaml says; scope.Default() where there is none.
	Scope *scope.Scope
	// Sources to read, as the command line writes them.
	Sources []string
	// Controls to judge by.
	Controls *control.Set
	// Now is the time of the run.
	Now time.Time
	// Within bounds the reading; what was not read by then is a blind spot. Zero:
	// no bound.
	Within time.Duration
	// Resume keeps what was read for a run that is interrupted; nil: nothing.
	Resume *Resume
	// MaskKey is the key under which masked secrets are hashed; nil: no hash.
	MaskKey []byte
	// Baseline is the approved baseline with what differs from it; nil: none.
	Baseline *audit.Approved
	// Recall is what controls answered on another snapshot, for one that differs from
	// it in little; nil: none.
	Recall *audit.Recall
	// Step is the one step whose criteria are asked for; empty for all. What only
	// those of others need may be left out.
	Step string
	// Beside is what the access criteria take from logs and reviews.
	Beside access.Beside
	// Respond is what the respond step takes from the session.
	Respond Responding
	// Flows are the flow logs that the network's criteria are held against.
	Flows []string
	// FlowsSaid is what they said when they were read before, in their place; nil: nothing.
	FlowsSaid *network.Seen
	// Detect is what detection knows; nil: nobody looked.
	Detect *detect.Known
	// Supply is what the state knows of the supply chain; nil: nothing.
	Supply *supply.Known
	// Data is what surveys of stores, events and erasures said of data.
	Data data.Known
	// Plain asks for criteria, verdicts and what was found, and for nothing that is told
	// of them: no relations that paths are sought over, no scores, costs and patches.
	Plain bool
	// Access asks for the identities that direct policy names: on a large estate
	// that list is larger than all the rest, and no criterion rests on it yet.
	Access bool
	// Program says which build this is, as exactly that two which say the same judge the
	// same; empty where nobody knows. What was judged by the one counts for the other.
	Program string
	// recorded is what was judged before; nil: nothing.
	recorded *Recorded
	seen     *estate.Snapshot // as it was before the steps added to it
	// Progress hears how far the sources are; nil: nobody does.
	Progress Progress
}

// Result is one finished assessment.
type Result struct {
	// Seen is the snapshot that was judged, Snapshot what the steps made of it.
	Seen      *estate.Snapshot
	Snapshot  *estate.Snapshot
	Workloads *scope.Workloads
	Findings  []finding.Finding
	// Criteria are complete for each workload, by its id; Verdicts follow.
	Criteria map[string][]finding.Criterion
	Verdicts map[string]finding.Verdict
	// Alone: the criteria of one step only were asked for, so that verdicts say
	// nothing.
	Alone bool
	// Lapsed are the waivers that do not count: expired, or without the signature
	// that the scope's approvers make necessary: whoever is held back cannot
	// waive himself.
	Lapsed []gate.Lapsed
	// Patches mend what is written in Terraform, one for each plan or state.
	Patches []Patch
	// Flows is what flow logs said; nil where none were given.
	Flows *network.Seen
	// Detect is what detection knew; nil where nobody looked.
	Detect *detect.Known
	// Glass says which gates of clusters are open by break-glass; see BrokenGlass.
	Glass []string
	// Scenarios are what can befall each workload, by its id, what matters most first.
	Scenarios map[string][]respond.Ranked
	// Overview is every identity with what of AI it may touch.
	Overview *access.Overview
	// Access lists the identities that direct policy names, if they were asked for.
	Access []access.Entry
}

// Steps returns the steps of this version.
func Steps(o Options) []Step {
	return []Step{
		audit.New(o.Controls, o.Scope.Gate.FailOn).Against(o.Baseline).Recalling(o.Recall),
		access.New().Limits(access.KeyLimitsOf(o.Scope.Access.Keys)).With(o.Beside).Plain(o.Plain).Aside(o.Step != "" && o.Step != "access"),
		data.New(o.Scope).With(o.Data).Asking(DataAnswers).Aside(o.Step != "" && o.Step != "data"),
		network.New(o.Scope).Seen(o.Flows).Again(o.FlowsSaid).Plain(o.Plain).Aside(o.Step != "" && o.Step != "network"),
		detect.New(o.Controls, o.Scope.Gate.FailOn).With(o.Detect).Aside(o.Step != "" && o.Step != "detect"),
		respondStep(o),
		supplyStepOf(o).Aside(o.Step != "" && o.Step != "supply"),
	}
}

// Run reads the sources and judges what they say.
func Run(ctx context.Context, o Options) (*Result, error) {
	snap, err := Read(ctx, o)
	if err != nil {
		return nil, err
	}
	return Judge(ctx, snap, o)
}

// Read reads the sources and returns what they are, understood. A source that
// cannot be read does not stop the others: it is failed in the snapshot, with
// the reason as a blind spot. An error is a fault of the options or of ours.
func Read(ctx context.Context, o Options) (*estate.Snapshot, error) {
	// Masking comes first of all: before what is kept for resuming, and before
	// the snapshot. A sink masked twice is masked once.
	mask := func(next estate.Sink) estate.Sink { return redact.New(next, redact.Options{Key: o.MaskKey}) }
	collectors := make([]Collector, len(o.Sources))
	for i, s := range o.Sources {
		c, err := open(s, o.Resume, o.MaskKey, mask)
		if err != nil {
			return nil, err
		}
		collectors[i] = c
	}
	wantAddresses(collectors, o.Sources)
	builder := estate.NewBuilder(o.Now)
	masked := mask(builder)
	reading, stop := ctx, func() {}
	if o.Within > 0 {
		reading, stop = context.WithTimeout(ctx, o.Within)
	}
	defer stop()
	var g errgroup.Group
	var failed atomic.Bool
	for i, c := range collectors {
		g.Go(func() error {
			status := collect(reading, c, newMeter(o.Sources[i], masked, o.Progress))
			if status.Status == "failed" {
				failed.Store(true)
			}
			builder.Source(status)
			return nil
		})
	}
	_ = g.Wait() // its functions return no error
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// What a source that failed midway has read is kept for the next run.
	if o.Resume != nil && reading.Err() == nil && !failed.Load() {
		if err := o.Resume.Clear(); err != nil {
			return nil, fmt.Errorf("clear what was kept for resuming: %w", err)
		}
	}
	snap, err := builder.Build()
	if err != nil {
		return nil, fmt.Errorf("build the snapshot: %w", err)
	}
	return Understood(ctx, snap)
}

// Understood returns a snapshot of what was read with what the providers make
// of it: kinds, relations, roots, and what joins assets.
func Understood(ctx context.Context, snap *estate.Snapshot) (*estate.Snapshot, error) {
	return understoodAs(ctx, snap, func(estate.Node, *estate.Asset) *estate.Understanding { return nil })
}

// understoodAs is Understood where it is known of some assets what is made of them
// (see estate.Snapshot.UnderstoodAs).
func understoodAs(ctx context.Context, snap *estate.Snapshot, known func(estate.Node, *estate.Asset) *estate.Understanding) (*estate.Snapshot, error) {
	snap, err := snap.UnderstoodAs(ctx, known, understand)
	if err != nil {
		return nil, fmt.Errorf("understand what was read: %w", err)
	}
	assets, relations, err := providerKubernetes.Derive(snap)
	if err != nil {
		return nil, fmt.Errorf("join selectors: %w", err)
	}
	if snap, err = snap.With(assets, relations, nil); err != nil {
		return nil, err
	}
	return snap.With(guessed(snap), nil, nil)
}

// guessed gives assets known only by name the type and kind that the form of
// their ids tells.
func guessed(snap *estate.Snapshot) []estate.Asset {
	var out []estate.Asset
	for _, a := range snap.Assets() {
		if !a.Referenced || a.Type != "" {
			continue
		}
		if typ, kind, ok := providerAWS.Guess(a.ID); ok {
			known := *a
			known.Type, known.Kind, known.Cloud = typ, kind, estate.AWS
			out = append(out, known)
		}
	}
	return out
}

// collect runs one collector to its end and sums up what came of it.
func collect(ctx context.Context, c Collector, m *meter) estate.SourceStatus {
	began := time.Now()
	err := c.Collect(ctx, m)
	if err != nil {
		why, hint := words(err)
		m.BlindSpot(estate.BlindSpot{Source: m.source, Operation: "read " + m.source, Status: estate.ReadFailed, Why: why, Hint: hint})
	}
	status := m.status(err, time.Since(began))
	if m.progress != nil {
		m.progress.Done(status)
	}
	return status
}

// words takes an error's hint from its text.
func words(err error) (why, hint string) {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		hint = h.Hint()
	}
	return splitHint(err.Error(), hint)
}

// understand asks the provider the asset belongs to.
func understand(a *estate.Asset) estate.Understanding {
	switch a.Cloud {
	case estate.AWS:
		return providerAWS.Understand(a)
	case estate.Kubernetes:
		return providerKubernetes.Understand(a)
	case estate.MLflow:
		return providerMLflow.Understand(a)
	default:
		return estate.Understanding{}
	}
}

// Judge runs the steps on a snapshot, which may be a stored one, and decides.
func Judge(ctx context.Context, snap *estate.Snapshot, o Options) (*Result, error) {
	steps, err := order(Steps(o))
	if err != nil {
		return nil, err
	}
	seen := snap
	o.seen = seen
	for _, s := range steps {
		d, err := s.Derive(ctx, snap)
		if err == nil {
			snap, err = snap.With(d.Assets, d.Relations, d.BlindSpots)
		}
		if err != nil {
			return nil, fmt.Errorf("step %s: derive: %w", s.ID(), err)
		}
	}
	workloads, err := o.Scope.Workloads(snap)
	if err != nil {
		return nil, fmt.Errorf("workloads: %w", err)
	}
	r := &Result{Alone: o.Step != "", Seen: seen, Snapshot: snap, Workloads: workloads, Criteria: map[string][]finding.Criterion{}, Verdicts: map[string]finding.Verdict{}}
	decided := map[string][]finding.Criterion{}
	for _, s := range steps {
		if hears, ok := s.(interface{ Hear([]finding.Finding) }); ok {
			hears.Hear(r.Findings)
		}
		j, err := o.recorded.judge(ctx, s, snap, workloads, o)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("step %s: judge: %w", s.ID(), err)
		}
		r.Findings = append(r.Findings, j.Findings...)
		for w, cs := range j.Criteria {
			decided[w] = append(decided[w], cs...)
		}
	}
	if !o.Plain {
		if err := r.tell(ctx, steps, o); err != nil {
			return nil, err
		}
	}
	for _, w := range workloads.List {
		cs := gate.Complete(joined(decided[w.ID]))
		r.Lapsed = append(r.Lapsed, gate.Waive(w.Name, cs, o.Scope.Gate.Waivers, o.Scope.Gate.Approvers, o.Now)...)
		if !there(snap, w) {
			gate.Absent(cs)
		}
		r.Criteria[w.ID] = cs
		r.Verdicts[w.ID] = gate.Decide(cs)
	}
	if r.Glass, err = BrokenGlass(r.Seen, o.Now); err != nil {
		return nil, fmt.Errorf("break-glass: %w", err)
	}
	r.Overview, r.Flows, r.Detect, r.Scenarios = overviewed(steps), flowsSaid(steps), o.Detect, ranked(steps)
	if !o.Access {
		return r, nil
	}
	if r.Access, _, err = access.Direct(ctx, r.Snapshot, workloads.List); err != nil {
		return nil, fmt.Errorf("who has access: %w", err)
	}
	return r, nil
}

// there reports whether anything of a workload was read.
func there(snap *estate.Snapshot, w finding.Workload) bool {
	return slices.ContainsFunc(membersIn(snap, w), func(a *estate.Asset) bool { return !a.Referenced })
}

// tell adds to a judgement what is told of it: the ways over the finished graph, what
// each finding weighs and costs, and what mends it.
func (r *Result) tell(ctx context.Context, steps []Step, o Options) (err error) {
	if r.Snapshot.Len() > largeEstate {
		debug.FreeOSMemory()
	}
	if r.Snapshot, err = completed(r.Snapshot, steps); err != nil {
		return err
	}
	if err := loaded(ctx, r.Snapshot, r.Findings); err != nil {
		return err
	}
	weigh(r.Snapshot, r.Workloads, r.Findings, o.Controls)
	reckon(r.Snapshot, r.Workloads, r.Findings)
	kubernetesPatches(ctx, r.Snapshot, r.Findings, o.Controls, o.Now)
	r.Patches = patches(ctx, r.Snapshot, r.Findings, o.Sources, o.Controls, o.Now)
	return nil
}

// largeEstate is from how many assets on what the steps needed is given back to the
// system before the graph is searched for ways: pages that lie apart do not serve for
// the large pieces that the search asks for, so that both would be held.
const largeEstate = 50_000

// completed adds what steps could tell of the graph only once workloads were
// known and judged.
func completed(snap *estate.Snapshot, steps []Step) (*estate.Snapshot, error) {
	for _, s := range steps {
		late, ok := s.(interface{ Relations() estate.Addition })
		if !ok {
			continue
		}
		d := late.Relations()
		if len(d.Assets)+len(d.Relations)+len(d.BlindSpots) == 0 {
			continue
		}
		var err error
		if snap, err = snap.With(d.Assets, d.Relations, d.BlindSpots); err != nil {
			return nil, fmt.Errorf("step %s: relations: %w", s.ID(), err)
		}
	}
	return snap, nil
}
