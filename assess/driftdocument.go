package assess

import (
	"encoding/json"

	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// DriftDocument is what differs from the baseline as a report. The baseline must
// count.
func (r *Result) DriftDocument(b *audit.Approved) *report.Drift {
	out := &report.Drift{
		Baseline: report.DriftBaseline{Version: b.Version, Approved: b.Approved, By: b.By, Age: audit.Age(b.Now.Sub(b.Approved))},
		Taken:    r.Seen.Taken(), Snapshot: r.Seen.Hash(), Compared: b.Drift.Compared, Unseen: b.Drift.Unseen,
	}
	for i := range b.Drift.Records {
		out.Records = append(out.Records, driftRecord(&b.Drift.Records[i]))
	}
	return out
}

func driftRecord(r *audit.Record) report.DriftRecord {
	out := report.DriftRecord{ID: r.ID, Asset: r.Asset, Type: r.Type, What: r.What, Attribute: r.Attribute(), FirstSeen: r.FirstSeen.UTC(), LastSame: r.LastSame.UTC(),
		Consequence: string(r.Consequence), Paths: r.Paths, Faults: r.Faults, With: r.With, Status: r.Status, Why: r.Why, Hint: r.Hint,
		Before: json.RawMessage("null"), After: json.RawMessage("null")}
	for i, c := range r.Gravest() {
		d := report.DriftChange{Attribute: c.Attribute, Before: orNull(c.Before), After: orNull(c.After)}
		if i == 0 {
			out.Before, out.After = d.Before, d.After
		}
		out.Changes = append(out.Changes, d)
	}
	if r.Lapsed != "" {
		out.Why = r.Lapsed
	}
	if a := r.Acceptance; a != nil {
		out.Acceptance = &report.DriftAccept{Owner: a.Owner, Reason: a.Reason, Until: a.Until}
	}
	if out.ByWhy = r.ByWhy; r.By != nil {
		out.By = &report.DriftBy{Principal: r.By.Principal, Event: r.By.Event, Action: r.By.Action, Time: r.By.Time, Others: r.By.Others, Also: r.By.Also}
	}
	if r.Plan != nil {
		out.Plan = &report.DriftPlan{Plan: r.Plan.Plan, Address: r.Plan.Address, Says: "by hand"}
		if r.Plan.Planned {
			out.Plan.Says = "planned"
		}
	}
	return out
}

func orNull(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return json.RawMessage("null")
	}
	return v
}
