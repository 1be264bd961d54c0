package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Beside is what the criteria of this step take from outside the snapshot.
type Beside struct {
	// Usage is what logs say; nil: none was given.
	Usage *Usage `json:"usage,omitempty"`
	// Reviews are the records of access reviews, oldest first; Refused says why they
	// do not count. Now is the time that reviews are due by.
	Reviews []ReviewEntry `json:"reviews,omitempty"`
	Refused string        `json:"refused,omitempty"`
	Now     time.Time     `json:"now"`
}

// With gives the step what it takes from outside the snapshot.
func (s *Step) With(b Beside) *Step {
	s.beside = b
	return s
}

// besides decides access.unused, and adds to access.scope and access.credentials
// what reviews and credentials say.
func (s *Step) besides(ctx context.Context, m *Amazon, o *Overview, workloads []finding.Workload, criteria map[string][]finding.Criterion) error {
	keys, err := Credentials(ctx, m.snap, workloads, o, s.beside.Usage, s.limits)
	if err != nil {
		return err
	}
	var clusters *Clusters
	if !s.beside.Usage.Empty() || len(s.beside.Reviews) > 0 {
		if clusters, err = NewClusters(ctx, m.snap, m.world); err != nil {
			return err
		}
	}
	var found *Unused
	if !s.beside.Usage.Empty() {
		if found, err = FindUnused(ctx, m, clusters, workloads, o, s.beside.Usage, ""); err != nil {
			return err
		}
	}
	var items []ReviewItem
	if len(s.beside.Reviews) > 0 {
		grants, err := ReviewGrants(ctx, m, clusters, workloads, o)
		if err != nil {
			return err
		}
		items, _ = Reviewed(grants, s.beside.Reviews, s.beside.Now)
	}
	for i := range workloads {
		w := &workloads[i]
		list := criteria[w.ID]
		fault, unknown, _ := KeyFault(w.ID, keys)
		worsen(list, "access.credentials", fault, unknown, "sevenfold access unused")
		fault, _ = ReviewFault(w.ID, items, s.beside.Now)
		unknown = ""
		if s.beside.Refused != "" {
			unknown = "the records of access reviews do not count: " + s.beside.Refused
		}
		worsen(list, "access.scope", fault, unknown, "sevenfold access review list")
		criteria[w.ID] = append(list, UnusedCriterion(w.ID, found))
	}
	return nil
}

// worsen adds a fault, or what is not known, to a criterion.
func worsen(list []finding.Criterion, id, fault, unknown, hint string) {
	i := slices.IndexFunc(list, func(c finding.Criterion) bool { return c.ID == id })
	if i < 0 || fault+unknown == "" {
		return
	}
	c := &list[i]
	switch {
	case fault != "" && c.Status == finding.CriterionFail:
		c.Reason += "; " + fault
	case fault != "":
		if c.Status == finding.CriterionUnknown {
			fault += "; besides, " + c.Reason
		}
		c.Status, c.Reason, c.Hint = finding.CriterionFail, fault, hint
	case c.Status == finding.CriterionFail:
		c.Reason += "; besides, " + unknown
	case c.Status == finding.CriterionUnknown:
		c.Reason += "; " + unknown
	default:
		c.Status, c.Reason, c.Hint = finding.CriterionUnknown, unknown, hint
	}
}

// UnusedCriterion is access.unused of a workload: nothing that its identities are
// granted is unused, and nothing outlived its experiment. found is nil where no log
// was given.
func UnusedCriterion(workload string, found *Unused) finding.Criterion {
	const id, hint = "access.unused", "sevenfold access unused"
	if found == nil {
		return rule(id, "", "no log shows who used what: --source events:PATH reads CloudTrail's and Kubernetes' audit logs", "", "sevenfold access unused --source events:PATH", []finding.Claim{})
	}
	var bad, dark []string
	decided, of, identities := 0, 0, map[string]bool{}
	for i := range found.Identities {
		one := &found.Identities[i]
		if !slices.Contains(one.workloads, workload) {
			continue
		}
		identities[principalKey(one.ID)] = true
		if len(one.Unread) > 0 {
			dark = append(dark, one.ID+": "+one.Unread[0])
		}
		if one.Status == UseUnused && len(one.Grants) > 0 {
			bad = append(bad, one.ID+" is not used at all")
			of, decided = of+len(one.Grants), decided+len(one.Grants)
			continue
		}
		for j := range one.Grants {
			g := &one.Grants[j]
			of++
			switch {
			case g.Status == UseUnused || g.Status == UsePartly:
				bad = append(bad, g.left())
			case g.Status == UseUnknown:
				dark = append(dark, g.Policy+" "+g.Statement+": "+g.why())
			}
			if len(g.Unknown) == 0 {
				decided++
			}
		}
	}
	for i := range found.Leftovers {
		l := &found.Leftovers[i]
		if !identities[principalKey(l.Grant.To)] && !slices.Contains(l.workloads, workload) {
			continue
		}
		what := fmt.Sprintf("%s %s to %s outlived %s %s", l.Grant.Call, strings.TrimSpace(l.Grant.Resource+" "+l.Grant.Grant), l.Grant.To, l.Experiment.Kind, l.Experiment.Name)
		if l.Status == UseUnused {
			bad = append(bad, what)
		} else {
			dark = append(dark, what+", and whether it is used is not known: "+l.Why)
		}
	}
	fault, blank := "", ""
	if len(bad) > 0 {
		fault = countOf(len(bad), "grant is", "grants are") + " unused, wholly or in part: " + some(bad)
	}
	switch {
	case len(dark) > 0:
		blank = fmt.Sprintf("of %s it could not be told: %s", countOf(len(dark), "grant", "grants"), some(dark))
	case of == 0:
		blank = "no identity with grants of its own runs it or can change it"
	}
	return rule(id, fault, blank, fmt.Sprintf("all that is granted to %s was used", countOf(len(identities), "identity", "identities")), hint,
		[]finding.Claim{{Claim: "grants whose use was decided", Examined: decided, Of: of, Source: "logs and last accessed data"}})
}

// left says what of a grant is not used.
func (g *GrantUse) left() string {
	n := 0
	for _, s := range g.Unused {
		n += s.Actions
	}
	return fmt.Sprintf("%s %s, %d of %s", g.Policy, g.Statement, n, countOf(g.Granted, "action", "actions"))
}

// why says why the use of a grant is not known.
func (g *GrantUse) why() string {
	var out []string
	for _, s := range g.Unknown {
		if !slices.Contains(out, s.Why) {
			out = append(out, s.Why)
		}
	}
	return strings.Join(out[:min(2, len(out))], "; ")
}
