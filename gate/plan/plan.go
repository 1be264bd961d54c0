// Package plan decides whether a planned change may be applied: what grows
// needs a certificate unless it stays within its pilot, what would newly fail a
// criterion is refused whether it grows or not, and what cannot be told until it
// is applied is not told. It compares an estate before and after the plan and
// knows of no provider and no plan format.
package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Side is the estate on one side of a plan, judged.
type Side struct {
	Snapshot  *estate.Snapshot
	Workloads *scope.Workloads
	Criteria  map[string][]finding.Criterion // by workload id
	Findings  []finding.Finding
}

// Change is what the plan does to one resource.
type Change struct {
	// Address is the resource's own, as the plan spells it.
	Address string
	// Before and After are the ids of the assets it is, or is part of.
	Before, After []string
	// Opaque says why nobody can tell what it becomes; empty if that is known.
	Opaque string
	// Idle is set where the plan leaves the resource as it is.
	Idle bool
}

// Certified says whether a workload, as it stands before the plan, has a
// certificate that counts, how far it lets the workload grow (0: no limit), and
// if it has none, why.
type Certified func(w finding.Workload) (ok bool, limit int, why string)

// Input is what is decided on.
type Input struct {
	Before, After Side
	Changes       []Change
	// Scale takes a configuration apart, as its provider reads it.
	Scale     func(a *estate.Asset, config json.RawMessage) (estate.Scale, error)
	Certified Certified
	// ForLearning says why a capacity is for machine learning though nothing says
	// whose it is ("p4d.24xlarge carries accelerators"); empty if it is not. Nil:
	// none is.
	ForLearning func(a *estate.Asset, c estate.Capacity) string
	// Prior returns an asset as the plan itself says it was before, nil if it does
	// not say. May be nil.
	Prior func(id string) *estate.Asset
	// Known is set where the plan is laid over an estate that was read. Without,
	// what an asset belongs to is not known.
	Known bool
	// FailOn is the least severity that counts.
	FailOn finding.Severity
}

// Decide returns the gate's answer. Its reasons are ordered: refusals, what
// could not be told, then what was looked at and does not matter.
func Decide(in Input) (gate.Decision, error) {
	d := &decider{Input: in, addresses: map[string][]string{}, replaced: map[string]string{}, owned: map[string]bool{}, told: map[string]bool{}}
	d.index()
	for _, w := range in.After.Workloads.List {
		if !d.stands(w) {
			continue // declared, and made of nothing (any more)
		}
		before := d.before(w)
		if err := d.growth(w, before); err != nil {
			return gate.Decision{}, err
		}
		d.breaks(w, before)
	}
	d.holes()
	if err := d.crowds(); err != nil {
		return gate.Decision{}, err
	}
	if err := d.strays(); err != nil {
		return gate.Decision{}, err
	}
	for _, c := range in.Changes {
		if c.Opaque != "" {
			d.unclear(gate.Reason{Address: c.Address, Text: c.Opaque})
		}
	}
	out := gate.Decision{Decision: gate.Admit, Reasons: slices.Concat(sorted(d.refusals), sorted(d.unclears), sorted(d.notes))}
	switch {
	case len(d.refusals) > 0:
		out.Decision = gate.Refuse
	case len(d.unclears) > 0:
		out.Decision = gate.Unclear
	}
	return out, nil
}

// decider is one decision in the making.
type decider struct {
	Input
	addresses map[string][]string // of the changes to an asset, on either side
	replaced  map[string]string   // id after -> id before, of one resource
	owned     map[string]bool     // ids after that some workload answers for
	told      map[string]bool     // findings that a criterion's reason names
	failing   map[string]bool     // findings that fail before, by id
	findings  map[string]*finding.Finding
	blocks    map[string][]string // resource block -> ids after of all its instances
	small     map[string][]small  // resource block -> workloads admitted as pilots

	refusals, unclears, notes []gate.Reason
}

func (d *decider) refuse(r gate.Reason) {
	r.Weight = gate.Refuse
	d.refusals = append(d.refusals, r)
}

func (d *decider) unclear(r gate.Reason) {
	r.Weight = gate.Unclear
	d.unclears = append(d.unclears, r)
}

func (d *decider) note(r gate.Reason) {
	r.Weight = gate.Admit
	d.notes = append(d.notes, r)
}

func sorted(rs []gate.Reason) []gate.Reason {
	slices.SortStableFunc(rs, func(a, b gate.Reason) int {
		return cmp.Or(cmp.Compare(a.Workload, b.Workload), cmp.Compare(a.Criterion, b.Criterion), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(rs)
}

// index finds which changes an asset has to do with, and which asset takes the
// place of which: a resource that is one asset of a type on either side, with
// another id.
func (d *decider) index() {
	d.failing, d.findings = map[string]bool{}, map[string]*finding.Finding{}
	for _, f := range d.Before.Findings {
		if f.Status == finding.Fail {
			d.failing[f.ID] = true
		}
	}
	for i := range d.After.Findings {
		d.findings[d.After.Findings[i].ID] = &d.After.Findings[i]
	}
	d.blocks, d.small = map[string][]string{}, map[string][]small{}
	for _, c := range d.Changes {
		d.blocks[blockOf(c.Address)] = append(d.blocks[blockOf(c.Address)], c.After...)
		if c.Idle {
			continue
		}
		for _, id := range slices.Concat(c.Before, c.After) {
			if !slices.Contains(d.addresses[id], c.Address) {
				d.addresses[id] = append(d.addresses[id], c.Address)
			}
		}
		for _, id := range c.After {
			if slices.Contains(c.Before, id) {
				continue
			}
			for _, old := range c.Before {
				if !slices.Contains(c.After, old) && d.typeOf(d.Before, old) == d.typeOf(d.After, id) {
					d.replaced[id] = old
				}
			}
		}
	}
}

func (d *decider) typeOf(s Side, id string) string {
	if n, ok := s.Snapshot.Find(id); ok {
		return s.Snapshot.Asset(n).Type
	}
	return ""
}

// address names the change an asset is changed by; empty if none does.
func (d *decider) address(id string) string {
	if own := d.addresses[id]; len(own) > 0 {
		return strings.Join(own[:min(3, len(own))], ", ")
	}
	// A part is changed with its whole.
	if whole, _, part := strings.Cut(id, "#"); part {
		return d.address(whole)
	}
	return ""
}

// before finds a workload on the side before: by id, else the one whose root it
// has or replaces. One that is declared but made of nothing did not exist.
func (d *decider) before(w finding.Workload) *finding.Workload {
	list := d.Before.Workloads.List
	for _, fits := range []func(finding.Workload) bool{
		func(o finding.Workload) bool { return o.ID == w.ID },
		func(o finding.Workload) bool {
			return slices.ContainsFunc(w.Roots, func(r string) bool { return slices.Contains(o.Roots, r) || slices.Contains(o.Roots, d.replaced[r]) })
		},
	} {
		if i := slices.IndexFunc(list, func(o finding.Workload) bool { return len(o.Roots) > 0 && fits(o) }); i >= 0 {
			return &list[i]
		}
	}
	return nil
}

// breaks finds the criteria that a workload newly fails, or that are newly
// unknown.
func (d *decider) breaks(w finding.Workload, before *finding.Workload) {
	was := map[string]finding.Criterion{}
	if before != nil {
		for _, c := range d.Before.Criteria[before.ID] {
			was[c.ID] = c
		}
	}
	for _, c := range d.After.Criteria[w.ID] {
		switch c.Status {
		case finding.CriterionFail:
			d.fails(w, before != nil, c, was[c.ID])
		case finding.CriterionUnknown:
			switch was[c.ID].Status {
			case finding.CriterionPass, finding.CriterionNA, finding.CriterionWaived:
				d.unclear(gate.Reason{Workload: w.Name, Criterion: c.ID, Address: d.about(c),
					Text: fmt.Sprintf("%s was %s and could not be told any more: %s", c.ID, was[c.ID].Status, c.Reason)})
			}
		}
	}
}

// fails refuses what the plan breaks: each failing finding that was none
// before, or the criterion itself if it did not fail before. A workload that
// the plan makes is not held to account for what was wrong around it already.
func (d *decider) fails(w finding.Workload, existed bool, c, was finding.Criterion) {
	fresh, old := 0, 0
	for _, id := range c.Findings {
		f := d.findings[id]
		switch {
		case f == nil || f.Status != finding.Fail:
		case d.failing[id]:
			old++
		default:
			fresh++
			d.told[id] = true
			d.refuse(gate.Reason{Workload: w.Name, Criterion: c.ID, Address: d.address(f.Asset),
				Text: fmt.Sprintf("would newly fail: %s, on %s (%s). %s", f.Title, f.Asset, f.Control, f.Fix.Text)})
		}
	}
	switch {
	case fresh > 0 || was.Status == finding.CriterionFail:
	case !existed && old > 0:
		d.note(gate.Reason{Workload: w.Name, Criterion: c.ID,
			Text: fmt.Sprintf("the new workload stands on what fails already, and will not be ready: %s", c.Reason)})
	default:
		d.refuse(gate.Reason{Workload: w.Name, Criterion: c.ID, Address: d.about(c), Text: "would newly fail: " + c.Reason})
	}
}

// holes tells of what would newly fail on assets that no workload is known to
// reach. Where the estate was read they concern none, and that is said; where
// it was not, nobody can tell.
func (d *decider) holes() {
	for i := range d.After.Findings {
		f := &d.After.Findings[i]
		address := d.address(f.Asset)
		if d.failing[f.ID] || d.told[f.ID] || address == "" || !f.Severity.AtLeast(d.FailOn) || len(d.After.Workloads.Of(f.Asset)) > 0 {
			continue
		}
		if f.Status != finding.Fail {
			// A part of something that stands outside the plan, over no estate: what
			// it does there nobody knows.
			if !d.Known && d.outside(f.Asset) {
				d.unclear(gate.Reason{Address: address, Text: fmt.Sprintf("could not be told: %s, on %s (%s), which this plan knows only in part: lay it over the estate (--source)", strings.TrimPrefix(f.Title, "Could not tell: "), f.Asset, f.Control)})
			}
			continue
		}
		text := fmt.Sprintf("%s, on %s (%s)", f.Title, f.Asset, f.Control)
		if d.Known {
			d.note(gate.Reason{Address: address, Text: "would newly fail, though no AI workload reaches it: " + text})
		} else {
			d.unclear(gate.Reason{Address: address, Text: "would newly fail: " + text + "; whether an AI workload reaches it cannot be told without the estate: lay the plan over it (--source). " + f.Fix.Text})
		}
	}
}

// stands reports whether any root of a workload after the plan is more than a
// name that something else still says.
func (d *decider) stands(w finding.Workload) bool {
	return slices.ContainsFunc(w.Roots, func(id string) bool {
		n, ok := d.After.Snapshot.Find(id)
		return ok && !d.After.Snapshot.Asset(n).Referenced
	})
}

// outside reports whether an asset is only added to by the plan: its own
// configuration was not read anywhere.
func (d *decider) outside(id string) bool {
	n, ok := d.After.Snapshot.Find(id)
	return ok && !slices.ContainsFunc(d.After.Snapshot.Asset(n).Reads, func(r estate.Read) bool { return r.Key == "" && r.Status.Known() })
}

// about names the changes that a criterion's findings are on.
func (d *decider) about(c finding.Criterion) string {
	set := map[string]bool{}
	for _, id := range c.Findings {
		if f := d.findings[id]; f != nil {
			if a := d.address(f.Asset); a != "" {
				set[a] = true
			}
		}
	}
	all := slices.Sorted(maps.Keys(set))
	return strings.Join(all[:min(3, len(all))], ", ")
}
