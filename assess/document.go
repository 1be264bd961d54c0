package assess

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Document is the assessment as a report.
func (r *Result) Document(version string, s *scope.Scope, controls *control.Set) *report.Document {
	doc := &report.Document{
		Tool: report.Tool{Version: version}, Estate: s.Estate,
		Taken: r.Snapshot.Taken(), Snapshot: r.Snapshot.Hash(),
		Sources: report.Sources(r.Snapshot.Sources()), Findings: slices.Clone(r.Findings),
		BlindSpots: blindSpots(r.Snapshot.BlindSpots()),
	}
	slices.SortStableFunc(doc.Findings, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Control, b.Control), cmp.Compare(a.Asset, b.Asset))
	})
	for _, n := range r.Workloads.Notes {
		doc.BlindSpots = append(doc.BlindSpots, report.BlindSpot{What: cmp.Or(n.Asset, "sevenfold.yaml"), Why: n.Text, Criteria: []string{"audit.ownership"}, Hint: n.Hint})
	}
	for _, left := range controls.LeftOut() {
		why, hint := splitHint(left.Error(), "mend the control, then assess again")
		doc.BlindSpots = append(doc.BlindSpots, report.BlindSpot{What: "a control", Why: why, Criteria: []string{"audit.deviations"}, Hint: hint})
	}
	for _, w := range r.Workloads.List {
		doc.Workloads = append(doc.Workloads, report.Workload{
			ID: w.ID, Name: w.Name, Type: cmp.Or(w.Type, "declared"), Zone: w.Zone, Owner: w.Owner, Purpose: w.Purpose,
			Verdict: r.Verdicts[w.ID], Criteria: r.Criteria[w.ID],
		})
	}
	for _, e := range r.Access {
		a := report.Access{Workload: e.Workload, Asset: e.Asset, Unread: e.Unread}
		for _, g := range e.Grants {
			a.Grants = append(a.Grants, report.AccessGrant{Principal: g.Principal, Class: g.Class, Via: g.Via, Conditional: g.Conditional})
		}
		doc.Access = append(doc.Access, a)
	}
	for _, c := range controls.Controls() {
		doc.Controls = append(doc.Controls, report.Control{
			ID: c.ID, Step: c.Step, Title: c.Title, Why: c.Why, Severity: c.Severity, Fix: c.Fix.Text, InvalidFor: c.InvalidFor,
		})
	}
	doc.Controls = append(doc.Controls, ruled()...)
	doc.Overview = OverviewDocument(r.Overview)
	doc.Patches = patchDocuments(r.Patches)
	doc.Tally()
	doc.Counts.Relations = r.Snapshot.RelationCount()
	doc.Counts.Assets = r.Snapshot.Len() - records(r.Snapshot)
	doc.Counts.Kinds = kinds(r.Snapshot)
	return doc
}

// kinds counts the assets by kind.
func kinds(snap *estate.Snapshot) map[string]int {
	out := map[string]int{}
	for _, a := range snap.Assets() {
		if estate.IsRecord(a.Type) {
			continue
		}
		k := string(a.Kind)
		if k == "" {
			k = "unknown"
		}
		out[k]++
	}
	return out
}

// blindSpots says in words what was not seen and which criteria that leaves
// open. A bound on finished work is told, but leaves none open.
func blindSpots(spots []estate.BlindSpot) []report.BlindSpot {
	out := make([]report.BlindSpot, 0, len(spots))
	for _, b := range spots {
		what := b.Operation
		if b.Asset != "" {
			what += " of " + b.Asset
		}
		for _, place := range []string{b.Region, b.Account} {
			if place != "" {
				what += " in " + place
			}
		}
		open := []string{"audit.inventory"}
		if b.Asset != "" {
			open = append(open, "audit.deviations")
		}
		if b.Status == estate.ReadSkipped {
			open = []string{}
		}
		spot := report.BlindSpot{What: what, Why: string(b.Status) + ": " + b.Why, Criteria: open, Hint: b.Hint}
		if service, op, ok := strings.Cut(b.Operation, ":"); ok && operation.MatchString(b.Operation) {
			spot.Service, spot.Operation, spot.Status = service, op, string(b.Status)
		}
		out = append(out, spot)
	}
	return out
}

// operation tells "service:Operation" from a file and a place in it.
var operation = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9*]+$`)
