package assess

import (
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

// Coverage is what detection has against each technique, by its rules and by the last
// attack that was sent to prove it.
type Coverage struct {
	Techniques []Covered `json:"techniques"`
	// Proved, Missed and Unproved count them.
	Proved   int `json:"proved"`
	Missed   int `json:"missed"`
	Unproved int `json:"unproved"`
}

// Covered is one technique.
type Covered struct {
	// Technique is an ATT&CK or ATLAS id.
	Technique string `json:"technique"`
	// Rules bear it; InUse of them were matched when events were last taken in.
	Rules int `json:"rules"`
	InUse int `json:"inUse"`
	// Status is "proved" if the last attack of the last 30 days that played it became an
	// incident, "missed" if it did not, "unproved" if none was sent.
	Status string `json:"status"`
	// Proof is that attack.
	Proof *detect.Proof `json:"proof,omitempty"`
}

// provedFor is how long a proof holds: as long as the criterion's.
const provedFor = 30 * 24 * time.Hour

// CoverageOf lists every technique that a rule bears or an attack played.
func (w *Watch) CoverageOf(set *sigma.Set, now time.Time) Coverage {
	at := map[string]*Covered{}
	of := func(technique string) *Covered {
		technique = strings.ToUpper(technique)
		c := at[technique]
		if c == nil {
			c = &Covered{Technique: technique, Status: "unproved"}
			at[technique] = c
		}
		return c
	}
	if set != nil {
		for _, r := range set.Rules() {
			for _, t := range r.Techniques() {
				c := of(t)
				c.Rules++
				if slices.Contains(w.Ruled.Keys, r.Key()) {
					c.InUse++
				}
			}
		}
	}
	for i := range w.Proofs {
		p := &w.Proofs[i]
		if now.Sub(p.At) > provedFor {
			continue
		}
		if c := of(p.Technique); c.Proof == nil || p.At.After(c.Proof.At) {
			c.Proof = p
		}
	}
	out := Coverage{Techniques: []Covered{}}
	for _, c := range at {
		switch {
		case c.Proof == nil:
			out.Unproved++
		case c.Proof.Found:
			c.Status = "proved"
			out.Proved++
		default:
			c.Status = "missed"
			out.Missed++
		}
		out.Techniques = append(out.Techniques, *c)
	}
	slices.SortFunc(out.Techniques, func(a, b Covered) int { return strings.Compare(a.Technique, b.Technique) })
	return out
}
