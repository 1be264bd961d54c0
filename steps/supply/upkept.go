package supply

import (
	"fmt"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
	"github.com/sevenfold-sec/sevenfold/steps/supply/upkeep"
)

// Upkept is the standing of one package of one place.
type Upkept struct {
	Place     string `json:"place"`
	Component string `json:"component"` // a package URL
	Name      string `json:"name"`
	Version   string `json:"version"`
	// Seen is when it was first seen in this estate; zero where that was not kept.
	Seen time.Time `json:"firstSeen,omitzero"`
	upkeep.Standing
}

// FirstSeenKey names a package among those seen here, whatever its version.
func FirstSeenKey(p *parts.Part) string { return upkeep.Key(p.Ecosystem, p.Name) }

// Upkept gives the standing of every package that was examined, in order of their places.
func (k *Known) Upkept() (out []Upkept) {
	for i := range k.Examined {
		if k.Examined[i].Bill == nil {
			continue
		}
		for n := range k.Examined[i].Bill.Parts {
			if p := &k.Examined[i].Bill.Parts[n]; p.Kind == parts.Package {
				out = append(out, k.upkept(k.Examined[i].Place, p))
			}
		}
	}
	return out
}

func (k *Known) upkept(place string, p *parts.Part) Upkept {
	return Upkept{Place: place, Component: p.PURL(), Name: p.Name, Version: p.Version, Seen: k.FirstSeen[FirstSeenKey(p)], Standing: k.Upkeep.Of(p.Ecosystem, p.Name, p.Version, k.Now, upkeep.Defaults)}
}

// ruleOfRemark is the finding's rule of a remark and its severity.
func ruleOfRemark(r upkeep.Remark) (string, finding.Severity) {
	rule := map[upkeep.Kind]string{upkeep.Withdrawn: Withdrawn, upkeep.Unkept: Unkept, upkeep.Fresh: Fresh}[r.Kind]
	switch r.Weight {
	case upkeep.Heavy:
		return rule, finding.High
	case upkeep.Medium:
		return rule, finding.Medium
	}
	return rule, finding.Low
}

// Severity is that of the worst remark on a package.
func (u *Upkept) Severity() finding.Severity {
	worst := finding.Info
	for _, r := range u.Remarks {
		if _, sev := ruleOfRemark(r); sev.AtLeast(worst) {
			worst = sev
		}
	}
	return worst
}

// kept gathers what is known of the upkeep of a workload's packages.
type kept struct{ known, of, partly int }

// upkeep gives the findings on how a thing's packages are looked after, and counts those
// of which nothing is known: a signature says who made a thing, not whether somebody still
// mends it.
func (j *jury) upkeep(s *said, t *thing, k *kept) {
	for i := range t.seen.Bill.Parts {
		p := &t.seen.Bill.Parts[i]
		if p.Kind != parts.Package {
			continue
		}
		k.of++
		u := j.known.upkept(t.place, p)
		if u.Unknown != "" {
			continue
		}
		k.known++
		if len(u.Open) > 0 {
			k.partly++
		}
		if r, ok := j.known.review(p.PURL(), p.Version); ok && r.Decision == "approved" {
			continue
		}
		for _, r := range u.Remarks {
			rule, sev := ruleOfRemark(r)
			evidence := []finding.Evidence{{What: "upkeep", Where: where(p.Places[0]), Value: r.Text}}
			if !u.Seen.IsZero() {
				evidence = append(evidence, finding.Evidence{What: "first seen here", Where: "state", Value: u.Seen.Format(time.DateOnly)})
			}
			id := j.find(rule, t.asset.ID, p.PURL()+" "+r.Text, finding.Fail, sev, fmt.Sprintf("%s: %s", p.Name, r.Text), evidence, "sevenfold supply review approve "+p.PURL()+" --reason …")
			if sev.AtLeast(j.scope.Gate.FailOn) {
				s.fail(id, "%s: %s", p.Name, r.Text)
			} else {
				s.c.Findings = append(s.c.Findings, id)
			}
		}
	}
}

// saying is what a pass says of upkeep.
func (k kept) saying() string {
	switch {
	case k.of == 0:
		return "; upkeep: unknown, since no packages of it are known"
	case k.known == 0:
		return fmt.Sprintf("; upkeep: unknown of its %s (sevenfold supply upkeep --from PATH)", count(k.of, "package"))
	}
	text := fmt.Sprintf("; upkeep: known of %d of its %s", k.known, count(k.of, "package"))
	if k.partly > 0 {
		text += fmt.Sprintf(", of %d in part", k.partly)
	}
	return text
}

func (k kept) claim() finding.Claim {
	return finding.Claim{Claim: "packages of which it is known how they are looked after", Examined: k.known, Of: k.of, Source: "registries, deps.dev, Scorecard, as they were brought"}
}
