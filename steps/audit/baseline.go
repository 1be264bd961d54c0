package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Approved is the baseline that a run is held against, and what differs from
// it. Whoever keeps baselines fills it; the step trusts it to be checked.
type Approved struct {
	Version  int64
	Approved time.Time
	By       string
	// Refused says why the baseline does not count, Hint what mends that; empty
	// for one that does.
	Refused, Hint string
	// Now is the time of the run.
	Now time.Time
	// Listed is how many blind spots and open deviations it was approved with.
	Listed int
	// Snapshot is the one that was approved; nil if Refused.
	Snapshot *estate.Snapshot
	// Findings are the ids of those that were open when it was approved.
	Findings map[string]bool
	// Drift is what differs from it; nil if Refused.
	Drift *Drift
	// Papers are what all of this was read from, for who judges it again.
	Papers Papers
	// Workloads are the ids of those there were when it was approved.
	Workloads map[string]bool
	// NewWorkloads names the workloads that are new since.
	NewWorkloads []string
}

// Papers are what a baseline and its explanations were read from. The step does
// not look into them.
type Papers struct {
	// File is the signed statement, Acceptances are those of differences, as signed.
	File        []byte   `json:"-"`
	Acceptances [][]byte `json:"acceptances"`
	// Keys are the public keys that counted, Seen when each difference came about.
	Keys []string          `json:"keys"`
	Seen map[string]Window `json:"seen"`
	// By is who was remembered to have made them.
	By map[string]Actor `json:"by,omitempty"`
	// Refused and Hint are those of a baseline that did not count.
	Refused string `json:"refused,omitempty"`
	Hint    string `json:"hint,omitempty"`
	Version int64  `json:"version"`
}

// Against returns the step held against a baseline; nil: there is none.
func (s *Step) Against(b *Approved) *Step {
	out := *s
	out.baseline = b
	return &out
}

// now is the time ages are told by: that of the run, which whoever judges the
// evidence again repeats.
func (s *Step) now(snap *estate.Snapshot) time.Time {
	if s.baseline != nil && !s.baseline.Now.IsZero() {
		return s.baseline.Now
	}
	return snap.Taken()
}

// opened notes the workloads that are new, and raises to a new path each difference with which a fault opened that lets
// somebody in or is worth reaching.
func (s *Step) opened(findings []finding.Finding, workloads []finding.Workload) {
	if s.baseline == nil || s.baseline.Drift == nil {
		return
	}
	s.baseline.NewWorkloads = nil
	for _, w := range workloads {
		if !s.baseline.Workloads[w.ID] {
			s.baseline.NewWorkloads = append(s.baseline.NewWorkloads, w.Name)
		}
	}
	byAsset := map[string]*Record{}
	for i := range s.baseline.Drift.Records {
		r := &s.baseline.Drift.Records[i]
		if was := byAsset[r.Asset]; r.Status != StatusUnknown && (was == nil || r.Consequence.rank() > was.Consequence.rank()) {
			byAsset[r.Asset] = r // of several acts the gravest
		}
	}
	attacks := map[string]bool{}
	for _, c := range s.controls.Controls() {
		attacks[c.ID] = c.Attack.Entry != "" || c.Attack.Prize != ""
	}
	for _, f := range findings {
		r := byAsset[f.Asset]
		if r != nil && slices.Contains(r.Faults, f.ID) {
			continue // judged before
		}
		if r == nil || f.Status != finding.Fail || s.baseline.Findings[f.ID] || !attacks[f.Control] {
			continue
		}
		r.Consequence = NewPath
		r.Paths = append(r.Paths, "a fault opened: "+f.Title)
		r.Faults = append(r.Faults, f.ID)
	}
}

const approveHint = "sevenfold baseline approve"

// baselineCriterion decides audit.baseline, which is the same for all workloads
// of a run.
func (s *Step) baselineCriterion(now time.Time) finding.Criterion {
	c := finding.Criterion{ID: "audit.baseline", Status: finding.CriterionPass}
	claim := finding.Claim{Claim: "approved baseline with a signature that counts, as it was signed", Of: 1, Source: "state"}
	b := s.baseline
	switch {
	case b == nil:
		c.Status, c.Reason, c.Hint = finding.CriterionFail, "no baseline was approved", approveHint
	case b.Refused != "":
		c.Status, c.Reason, c.Hint = finding.CriterionFail, b.Refused, b.Hint
	default:
		claim.Examined = 1
		claim.Claim = fmt.Sprintf("baseline version %d: signature, form and every asset as they were signed", b.Version)
		c.Reason = fmt.Sprintf("version %d, approved %s by %s", b.Version, Age(now.Sub(b.Approved)), b.By)
		if b.Listed > 0 {
			c.Reason += fmt.Sprintf(" with %s listed by name", count(b.Listed, "open thing"))
		}
		if built := Built(b); built != "" {
			c.Reason += "; since then " + built
		}
	}
	c.Evidence = []finding.Claim{claim}
	return c
}

// Built says what was built since a baseline, "" for nothing.
func Built(b *Approved) string {
	var parts []string
	if b.Drift != nil && len(b.Drift.New) > 0 {
		parts = append(parts, count(len(b.Drift.New), "asset"))
	}
	if n := len(b.NewWorkloads); n > 0 {
		names := b.NewWorkloads[:min(3, n)]
		parts = append(parts, count(n, "workload")+" ("+strings.Join(names, ", ")+")")
	}
	if len(parts) == 0 {
		return ""
	}
	return "new: " + strings.Join(parts, " and ")
}

// Age says how long ago something was. A time to come is said to be so: clocks
// may be wrong.
func Age(d time.Duration) string {
	switch days := int(d.Hours() / 24); {
	case d < -time.Minute:
		return "at a time to come (set the clocks right)"
	case days == 0:
		return "today"
	case days == 1:
		return "1 day ago"
	default:
		return fmt.Sprintf("%d days ago", days)
	}
}

// driftCriterion decides audit.drift: nothing that the workload is made of or
// reaches differs from the baseline without somebody having accepted it.
func (s *Step) driftCriterion(snap *estate.Snapshot, nodes *estate.NodeSet, w finding.Workload) finding.Criterion {
	c := finding.Criterion{ID: "audit.drift", Status: finding.CriterionPass, Evidence: []finding.Claim{}}
	b := s.baseline
	if b == nil || b.Refused != "" {
		c.Status, c.Reason, c.Hint = finding.CriterionUnknown, "there is no baseline that counts to compare with", approveHint
		if b != nil {
			c.Hint = b.Hint
		}
		return c
	}
	reach := map[string]bool{}
	for n := range nodes.All() {
		reach[ownerOf(snap.Asset(n).ID)] = true
	}
	for n := range reached(b.Snapshot, w, accountSettings(b.Snapshot)).All() {
		reach[ownerOf(b.Snapshot.Asset(n).ID)] = true
	}
	var open, unseen []*Record
	accepted, blind := 0, map[string]bool{}
	for i := range b.Drift.Records {
		r := &b.Drift.Records[i]
		touched := false
		for _, id := range r.touches {
			if reach[ownerOf(id)] {
				touched = true
				if r.Status == StatusUnknown {
					blind[ownerOf(id)] = true
				}
			}
		}
		switch {
		case !touched:
		case r.Status == StatusAccepted:
			accepted++
		case r.Status == StatusUnknown:
			unseen = append(unseen, r)
		default:
			open = append(open, r)
		}
	}
	c.Evidence = []finding.Claim{
		{Claim: fmt.Sprintf("assets of the workload and what it reaches, compared with baseline version %d", b.Version), Examined: len(reach) - len(blind), Of: len(reach), Source: "snapshots"},
		{Claim: "differences that a named person accepted", Examined: accepted, Of: accepted + len(open), Source: "state"},
	}
	switch {
	case len(open) > 0:
		c.Status = finding.CriterionFail
		c.Reason = fmt.Sprintf("%s from baseline version %d: %s", count(len(open), "unexplained difference"), b.Version, tell(open))
		c.Hint = "sevenfold drift shows them; undo them, or: sevenfold drift accept " + open[0].ID + " --reason … --until …"
	case len(unseen) > 0:
		c.Status = finding.CriterionUnknown
		c.Reason = fmt.Sprintf("%s could not be compared with baseline version %d: %s", count(len(unseen), "thing"), b.Version, tell(unseen))
		c.Hint = unseen[0].Hint
	case len(reach) == 0:
		c.Status, c.Reason = finding.CriterionUnknown, "nothing of it could be compared"
	default:
		c.Reason = fmt.Sprintf("nothing differs from baseline version %d", b.Version)
		if accepted > 0 {
			c.Reason = fmt.Sprintf("nothing differs from baseline version %d but %s", b.Version, count(accepted, "accepted difference"))
		}
	}
	return c
}

// tell names the first few records.
func tell(rs []*Record) string {
	var out []string
	for _, r := range rs[:min(3, len(rs))] {
		out = append(out, r.Title())
	}
	if n := len(rs) - 3; n > 0 {
		out = append(out, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(out, "; ")
}

// Title says in one clause what differs.
func (r *Record) Title() string {
	switch r.What {
	case WhatChanged:
		say := r.Attribute()
		if n := len(r.Changes) - 1; n > 0 {
			say += fmt.Sprintf(" and %d more", n)
		}
		return fmt.Sprintf("%s of %s (%s)", say, r.Asset, r.Consequence)
	case WhatUnseen:
		return r.Asset + " not compared: " + r.Why
	}
	return fmt.Sprintf("%s was %s (%s)", r.Asset, r.What, r.Consequence)
}
