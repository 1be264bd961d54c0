package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Drift is what `sevenfold drift --format json` prints: what differs from the
// approved baseline. docs/schema/drift.schema.json describes it.
type Drift struct {
	Baseline DriftBaseline `json:"baseline"`
	// Taken is when the estate was read that is compared with it.
	Taken    time.Time     `json:"taken"`
	Snapshot string        `json:"snapshot"`
	Compared int           `json:"compared"` // assets
	Unseen   int           `json:"unseen"`   // assets that could not be compared whole
	Records  []DriftRecord `json:"records"`
}

// DriftBaseline names the baseline.
type DriftBaseline struct {
	Version  int64     `json:"version"`
	Approved time.Time `json:"approved"`
	By       string    `json:"by"`
	Age      string    `json:"age"` // in words
}

// DriftRecord is one difference.
type DriftRecord struct {
	ID string `json:"id"`
	// Asset is its id; of lost coverage that hides several, their type and place.
	Asset string `json:"asset"`
	Type  string `json:"type"`
	// What became of it: changed, added, removed, recreated, renamed, unseen.
	What string `json:"what"`
	// Attribute, Before and After are those of the first change, Changes all.
	Attribute string          `json:"attribute"`
	Before    json.RawMessage `json:"before"`
	After     json.RawMessage `json:"after"`
	Changes   []DriftChange   `json:"changes"`
	FirstSeen time.Time       `json:"firstSeen"`
	// LastSame is when a snapshot last did not differ.
	LastSame time.Time `json:"lastSame"`
	By       *DriftBy  `json:"by"`
	// ByWhy says why nobody is named.
	ByWhy       string       `json:"byWhy,omitempty"`
	Consequence string       `json:"consequence"`
	Paths       []string     `json:"paths"`
	Faults      []string     `json:"faults"` // ids of findings that opened with it
	With        int          `json:"with"`   // how many things came or went along with it
	Plan        *DriftPlan   `json:"plan"`
	Status      string       `json:"status"`
	Acceptance  *DriftAccept `json:"acceptance"`
	// Incidents are those of detection that hold an act which made it, or may have.
	Incidents []DriftIncident `json:"incidents"`
	Why       string          `json:"why,omitempty"` // of unseen things, and of acceptances that do not count
	Hint      string          `json:"hint,omitempty"`
}

// DriftChange is one place.
type DriftChange struct {
	Attribute string          `json:"attribute"`
	Before    json.RawMessage `json:"before"`
	After     json.RawMessage `json:"after"`
}

// DriftBy is who made a difference, by the event that shows it.
type DriftBy struct {
	Principal string    `json:"principal"`
	Event     string    `json:"event"`  // the source's own event id
	Action    string    `json:"action"` // "s3:PutBucketPolicy", "patch deployments"
	Time      time.Time `json:"time"`
	// Others counts further events in the window that may have had a part.
	Others int `json:"others"`
	// Also are other principals who may have made it as well: their events fit it
	// no worse.
	Also []string `json:"also,omitempty"`
}

// DriftPlan is the plan that owns an asset.
type DriftPlan struct {
	Plan    string `json:"plan"`
	Address string `json:"address"`
	// Says is "planned" where the plan makes this very change, "by hand" where it
	// owns the asset and does not.
	Says string `json:"says"`
}

// DriftIncident is an incident of detection that tells of the same.
type DriftIncident struct {
	ID     string `json:"id"`
	Status string `json:"status"` // open, closed, fine
	// Event is the one of it that fits, Action what it did; Shown says that it is the very
	// one that made the difference.
	Event  string `json:"event"`
	Action string `json:"action"`
	Shown  bool   `json:"shown"`
}

// DriftAccept is who accepted a difference.
type DriftAccept struct {
	Owner  string `json:"owner"`
	Reason string `json:"reason"`
	Until  string `json:"until"`
}

// DriftJSON writes the differences, lists never null.
func DriftJSON(w io.Writer, d *Drift) error {
	out := *d
	out.Records = listEach(d.Records, func(r *DriftRecord) {
		r.Changes, r.Paths, r.Faults, r.Incidents = list(r.Changes), list(r.Paths), list(r.Faults), list(r.Incidents)
	})
	return writeJSON(w, out)
}

// driftOrder is how bad a record is, worst first.
var driftOrder = map[string]int{"new path": 0, "attribute": 1, "cosmetic": 2}

// driftShown bounds the changes and ways of one record in text.
const driftShown = 6

// DriftText writes the differences for a terminal: open ones by consequence, then
// what could not be compared, then what was accepted.
func DriftText(w io.Writer, d *Drift, opt Options) error {
	p := newPage(opt)
	p.para(0, d.heading())
	groups := []struct{ title, status string }{{"open", "open"}, {"could not be compared", "unknown"}, {"accepted", "accepted"}}
	for _, g := range groups {
		var rs []*DriftRecord
		for i := range d.Records {
			if d.Records[i].Status == g.status {
				rs = append(rs, &d.Records[i])
			}
		}
		if len(rs) == 0 {
			continue
		}
		slices.SortStableFunc(rs, func(a, b *DriftRecord) int {
			return cmp.Or(cmp.Compare(driftOrder[a.Consequence], driftOrder[b.Consequence]), cmp.Compare(a.Asset, b.Asset))
		})
		p.section(g.title)
		for _, r := range rs {
			p.driftRecord(r)
		}
	}
	_, err := io.WriteString(w, p.finish())
	return err
}

func (d *Drift) heading() string {
	open, unseen, accepted := 0, 0, 0
	for _, r := range d.Records {
		switch r.Status {
		case "open":
			open++
		case "unknown":
			unseen++
		default:
			accepted++
		}
	}
	s := fmt.Sprintf("Baseline version %d, approved %s by %s. %s compared: ", d.Baseline.Version, d.Baseline.Age, line(d.Baseline.By), many(d.Compared, "asset"))
	if open+unseen+accepted == 0 {
		return s + "nothing differs."
	}
	parts := []string{many(open, "open difference")}
	if unseen > 0 {
		parts = append(parts, many(unseen, "thing")+" that could not be compared")
	}
	if accepted > 0 {
		parts = append(parts, number(accepted)+" accepted")
	}
	return s + strings.Join(parts, ", ") + "."
}

func (p *page) driftRecord(r *DriftRecord) {
	head := r.What
	if r.Status != "unknown" {
		head = r.Consequence + ": " + r.What
	}
	p.para(2, fmt.Sprintf("%s  %s  %s", r.ID, head, line(r.Asset)))
	for i, c := range r.Changes {
		if i == driftShown {
			p.para(6, fmt.Sprintf("and %d more places", len(r.Changes)-i))
			break
		}
		if c.Attribute == "" || r.What == "unseen" {
			continue
		}
		p.para(6, fmt.Sprintf("%s: %s -> %s", line(c.Attribute), jsonValue(c.Before), jsonValue(c.After)))
	}
	for i, way := range r.Paths {
		if i == driftShown {
			p.para(6, fmt.Sprintf("and %d more ways", len(r.Paths)-i))
			break
		}
		p.para(6, "new: "+line(way))
	}
	if r.With > 0 && r.What != "unseen" {
		p.para(6, fmt.Sprintf("with it %s", many(r.With, "thing")+" that it makes or holds"))
	}
	if r.Why != "" {
		p.para(6, line(r.Why))
	}
	if !r.FirstSeen.IsZero() {
		p.para(6, fmt.Sprintf("first seen %s, not yet %s; %s", r.FirstSeen.Format(time.RFC3339), r.LastSame.Format(time.RFC3339), r.who()))
	}
	for _, i := range r.Incidents {
		how := "may have been made in"
		if i.Shown {
			how = "was made in"
		}
		p.para(6, fmt.Sprintf("%s incident %s (%s): %s, event %s", how, i.ID, i.Status, line(i.Action), line(i.Event)))
	}
	if r.Plan != nil {
		says := "by hand: it owns this and does not say so"
		if r.Plan.Says == "planned" {
			says = "which plans this change"
		}
		p.para(6, fmt.Sprintf("plan %s, %s, %s", line(r.Plan.Plan), line(r.Plan.Address), says))
	}
	if a := r.Acceptance; a != nil {
		p.para(6, fmt.Sprintf("accepted by %s until %s: %s", line(a.Owner), line(a.Until), line(a.Reason)))
	}
	if r.Hint != "" {
		p.para(6, "hint: "+line(r.Hint))
	}
}

// who says who made the difference, or why nobody can tell.
func (r *DriftRecord) who() string {
	if r.By == nil {
		return "by whom is not known: " + line(r.ByWhy)
	}
	s := fmt.Sprintf("by %s, %s at %s (event %s)", line(r.By.Principal), line(r.By.Action), r.By.Time.Format(time.RFC3339), line(r.By.Event))
	if len(r.By.Also) > 0 {
		s += " or by " + line(strings.Join(r.By.Also, ", or by "))
	}
	if r.By.Others > 0 {
		s += fmt.Sprintf(" and %s in that time", many(r.By.Others, "more event"))
	}
	return s
}

// jsonValue is a value in one short line.
func jsonValue(v json.RawMessage) string {
	if len(v) == 0 {
		return "none"
	}
	return short(line(string(v)), 160)
}
