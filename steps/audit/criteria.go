package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// inventory decides audit.inventory: every source in scope read completely.
// It is the same for all workloads of a run.
func inventory(snap *estate.Snapshot, asked []string) finding.Criterion {
	c := finding.Criterion{ID: "audit.inventory", Status: finding.CriterionPass}
	var open []string
	for _, s := range snap.Sources() {
		done := 0
		if s.Status == "complete" {
			done = 1
		} else {
			open = append(open, fmt.Sprintf("%s is %s", s.Source, s.Status))
		}
		c.Evidence = append(c.Evidence, finding.Claim{
			Claim: fmt.Sprintf("source read to its end: %d assets in %d reads", s.Assets, s.Calls), Examined: done, Of: 1, Source: s.Source})
	}
	holes := gaps(snap)
	for _, h := range holes {
		if h.Hint != "" && c.Hint == "" {
			c.Hint = h.Hint
		}
	}
	missing, claim := unlisted(snap, asked)
	if claim.Of > 0 {
		c.Evidence = append(c.Evidence, claim)
	}
	switch {
	case len(snap.Sources()) == 0:
		c.Status, c.Reason, c.Hint = finding.CriterionUnknown, "no source was read", "name a source: sevenfold assess --source aws"
	case len(open) > 0 || len(holes) > 0:
		c.Status, c.Reason = finding.CriterionUnknown, strings.Join(append(open, sample(holes)), "; ")
	case len(missing) > 0:
		c.Status = finding.CriterionUnknown
		var places []string
		for _, m := range missing[:min(3, len(missing))] {
			places = append(places, m.String())
		}
		c.Reason = "never listed: " + strings.Join(places, ", ")
		if n := len(missing) - 3; n > 0 {
			c.Reason += fmt.Sprintf(" and %d more", n)
		}
		c.Hint = "add what lists these types to the export, or read live: sevenfold assess --source aws --source kubernetes"
	default:
		c.Reason = count(len(snap.Sources()), "source") + " read to the end"
	}
	return c
}

// gaps are the blind spots that hide something: a stated bound on finished
// work does not.
func gaps(snap *estate.Snapshot) []estate.BlindSpot {
	var out []estate.BlindSpot
	for _, b := range snap.BlindSpots() {
		if b.Status != estate.ReadSkipped {
			out = append(out, b)
		}
	}
	// What a grant would end goes first: it is the cheapest to mend.
	slices.SortStableFunc(out, func(a, b estate.BlindSpot) int { return cheap(a) - cheap(b) })
	return out
}

func cheap(b estate.BlindSpot) int {
	if b.Status == estate.ReadDenied {
		return 0
	}
	return 1
}

// sample says the first few of many blind spots in words.
func sample(holes []estate.BlindSpot) string {
	var parts []string
	seen := map[string]bool{}
	for _, h := range holes {
		text := h.Operation + ": " + string(h.Status)
		if h.Hint != "" {
			text += " (" + h.Hint + ")"
		}
		if !seen[text] {
			seen[text] = true
			parts = append(parts, text)
		}
	}
	if n := len(parts); n > 3 {
		parts = append(parts[:3], fmt.Sprintf("and %d more blind spots", n-3))
	}
	return strings.Join(parts, "; ")
}

// ownership decides audit.ownership: owner, zone and purpose known. What
// nobody has said is unknown, not wrong.
func ownership(w finding.Workload) finding.Criterion {
	c := finding.Criterion{ID: "audit.ownership", Status: finding.CriterionPass, Reason: "owner, zone and purpose are known"}
	var missing []string
	known := 0
	for _, f := range []struct{ name, value string }{{"owner", w.Owner}, {"zone", w.Zone}, {"purpose", w.Purpose}} {
		if f.value == "" || f.value == "unzoned" {
			missing = append(missing, f.name)
		} else {
			known++
		}
	}
	c.Evidence = []finding.Claim{{Claim: "of owner, zone and purpose, stated", Examined: known, Of: 3, Source: "sevenfold.yaml and tags"}}
	if len(missing) > 0 {
		c.Status = finding.CriterionUnknown
		c.Reason = "nobody has said its " + strings.Join(missing, ", ")
		// The same words for every workload that lacks the same, so that the
		// ladder shows them once.
		c.Hint = "add to sevenfold.yaml under workloads, by name: " + strings.Join(missing, ", ")
	}
	return c
}

// deviations decides audit.deviations from the controls' results on the assets
// the workload reaches.
func deviations(snap *estate.Snapshot, nodes *estate.NodeSet, judged *judged, unread *estate.NodeSet, failOn finding.Severity) finding.Criterion {
	c := finding.Criterion{ID: "audit.deviations", Status: finding.CriterionPass}
	var fails, unknowns []*finding.Finding
	var dark []string
	claim := finding.Claim{Claim: "questions answered on the workload and what it reaches", Source: "controls"}
	assets := finding.Claim{Claim: "assets that controls were asked of", Source: "snapshot"}
	for n := range nodes.All() {
		assets.Of++
		if unread.Has(n) {
			dark = append(dark, snap.Asset(n).ID)
		}
		t := judged.tally[n]
		if t.asked > 0 {
			assets.Examined++
		}
		claim.Examined += t.answered
		claim.Of += t.asked
		for _, i := range t.findings {
			f := &judged.findings[i]
			switch {
			case !f.Severity.AtLeast(failOn):
			case f.Status == finding.Fail:
				fails = append(fails, f)
			default:
				unknowns = append(unknowns, f)
			}
		}
	}
	c.Evidence = []finding.Claim{claim, assets}
	switch {
	case len(fails) > 0:
		c.Status = finding.CriterionFail
		c.Reason = fmt.Sprintf("%s at or above %s: %s", count(len(fails), "open deviation"), failOn, titles(fails))
		c.Hint = fails[0].Fix.Text
	case len(unknowns) > 0:
		c.Status = finding.CriterionUnknown
		c.Reason = fmt.Sprintf("%s at or above %s could not be answered: %s", count(len(unknowns), "question"), failOn, titles(unknowns))
		c.Hint = unknowns[0].Fix.Text
	case len(dark) > 0:
		c.Status = finding.CriterionUnknown
		c.Reason = fmt.Sprintf("%s it reaches known by name only: %s", count(len(dark), "asset"), strings.Join(dark[:min(3, len(dark))], ", "))
		c.Hint = "read the source that " + dark[0] + " belongs to"
	case claim.Examined == 0:
		c.Status, c.Reason = finding.CriterionUnknown, "no control asks anything of what it is made of"
	default:
		c.Reason = fmt.Sprintf("%d questions answered, no deviation at or above %s", claim.Examined, failOn)
	}
	for _, f := range append(fails, unknowns...) {
		c.Findings = append(c.Findings, f.ID)
	}
	slices.Sort(c.Findings)
	return c
}

// titles names the worst few findings.
func titles(fs []*finding.Finding) string {
	slices.SortStableFunc(fs, func(a, b *finding.Finding) int {
		if d := b.Severity.Rank() - a.Severity.Rank(); d != 0 {
			return d
		}
		return strings.Compare(a.Title+a.Asset, b.Title+b.Asset)
	})
	var out []string
	for _, f := range fs {
		if !slices.Contains(out, f.Title) {
			out = append(out, f.Title)
		}
	}
	if n := len(out); n > 3 {
		out = append(out[:3], fmt.Sprintf("and %d more", n-3))
	}
	return strings.Join(out, "; ")
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
