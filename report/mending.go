package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// maxMendings is how many root causes the comparison of now and later names.
const maxMendings = 3

// mending is what one root cause costs to mend before scaling and after it.
type mending struct {
	Title      string
	Now, Later float64 // hours
	Why        string
	blocker    *blocker
}

// saved is the work that mending before scaling saves.
func (m *mending) saved() float64 { return m.Later - m.Now }

// mendings are the root causes whose cost is known, those first whose mending
// before scaling saves most; now and later are their sums.
func (ix *index) mendings() (all []mending, now, later float64) {
	for _, b := range ix.all {
		m := mending{Title: b.Title, blocker: b}
		// One mend ends several findings on one asset: it is counted once.
		worst := map[string]*finding.Cost{}
		for _, f := range b.Findings {
			if c := f.Fix.Cost; c != nil && (worst[f.Asset] == nil || c.ScaledHours > worst[f.Asset].ScaledHours) {
				worst[f.Asset] = c
			}
		}
		var dearest *finding.Cost
		for _, id := range b.Assets() {
			c := worst[id]
			if c == nil {
				continue
			}
			m.Now, m.Later = m.Now+c.Hours, m.Later+c.ScaledHours
			if dearest == nil || c.Saved() > dearest.Saved() {
				dearest = c
			}
		}
		if dearest == nil {
			continue
		}
		m.Why = dearest.Why
		all = append(all, m)
		now, later = now+m.Now, later+m.Later
	}
	slices.SortStableFunc(all, func(a, b mending) int { return cmp.Compare(b.saved(), a.saved()) })
	return all, now, later
}

// dearest cuts the list to those that are dearer after scaling, and at most
// maxMendings.
func dearest(all []mending) []mending {
	n := 0
	for n < len(all) && n < maxMendings && all[n].saved() > 0 {
		n++
	}
	return all[:n]
}

// mendingWords sums up what mending costs now and after scaling; empty where
// scaling makes no difference or nothing is known.
func (ix *index) mendingWords() string {
	_, now, later := ix.mendings()
	if later <= now {
		return ""
	}
	return fmt.Sprintf("All of this is some %s of work now, and some %s once the workloads have grown: an estimate by stated rates, to order by.", hours(now), hours(later))
}

// Mending is what mending all root causes costs before scaling and after, and
// the patches that mend what is written in Terraform.
type Mending struct {
	// Hours of work now, and after scaling: the sums over the root causes.
	Hours       float64 `json:"hours"`
	ScaledHours float64 `json:"scaledHours"`
	// RootCauses are those whose cost is known, those first whose mending before
	// scaling saves most.
	RootCauses []RootCause `json:"rootCauses"`
	// Patches are one for each plan or state whose source is beside it.
	Patches []Patch `json:"patches"`
}

// RootCause is what one mend costs, and the findings it ends.
type RootCause struct {
	Title       string   `json:"title"`
	Control     string   `json:"control"`
	Hours       float64  `json:"hours"`
	ScaledHours float64  `json:"scaledHours"`
	Why         string   `json:"why"` // where the difference comes from
	Findings    []string `json:"findings"`
}

// mended is the document's mending, for JSON.
func (ix *index) mended() *Mending {
	all, now, later := ix.mendings()
	out := &Mending{Hours: rounded(now), ScaledHours: rounded(later), RootCauses: make([]RootCause, len(all)),
		Patches: listEach(ix.doc.Patches, func(p *Patch) {
			p.Files, p.Findings, p.Left, p.Notes = list(p.Files), list(p.Findings), list(p.Left), list(p.Notes)
		})}
	for i, m := range all {
		c := RootCause{Title: m.Title, Control: m.blocker.Control, Hours: rounded(m.Now), ScaledHours: rounded(m.Later), Why: m.Why, Findings: []string{}}
		for _, f := range m.blocker.Findings {
			if !slices.Contains(c.Findings, f.ID) {
				c.Findings = append(c.Findings, f.ID)
			}
		}
		out.RootCauses[i] = c
	}
	return out
}

// rounded leaves an estimate two digits, since sums of tenths are none.
func rounded(h float64) float64 { return math.Round(h*100) / 100 }

// mending shows what is dearest to leave until after scaling.
func (t *text) mending() {
	words := t.ix.mendingWords()
	if words == "" {
		return
	}
	all, _, _ := t.ix.mendings()
	t.section("before scaling, or after")
	t.para(2, words+" Dearest to leave:")
	t.line("  " + padLeft("now", 9) + padLeft("after", 9) + "  root cause")
	for _, m := range dearest(all) {
		t.hang("  "+padLeft(hours(m.Now), 9)+padLeft(hours(m.Later), 9)+"  ", 22, line(m.Title)+t.dot()+line(m.Why))
	}
	if words := t.ix.patchWords(); words != "" {
		t.para(2, words)
	}
}

func padLeft(s string, n int) string { return fmt.Sprintf("%*s", n, s) }

// hours says an amount of work as people do.
func hours(h float64) string {
	switch {
	case h < 0.75:
		return fmt.Sprintf("%.0f min", h*60)
	case h < 10:
		return fmt.Sprintf("%.1f h", h)
	}
	return fmt.Sprintf("%.0f h", h)
}
