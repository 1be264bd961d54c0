package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// home is where a workload lives, as far as what nobody read may be part of it.
type home struct {
	regions    map[string]map[string]bool // by account; of a member without one, ""
	namespaces map[string]map[string]bool // by cluster
}

func homeOf(snap *estate.Snapshot, w finding.Workload) home {
	h := home{regions: map[string]map[string]bool{}, namespaces: map[string]map[string]bool{}}
	for _, id := range w.Members {
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		a := snap.Asset(n)
		into := h.regions
		if a.Cloud == estate.Kubernetes {
			into = h.namespaces
		}
		if into[a.Account] == nil {
			into[a.Account] = map[string]bool{}
		}
		into[a.Account][a.Region] = true
	}
	return h
}

// concerns reports whether a thing that no source read may be part of a workload
// that lives here, or be reached by it.
func (h *home) concerns(at *spot) bool {
	switch {
	case at.nobody:
		return false
	case at.kind != "":
		for cluster, namespaces := range h.namespaces {
			if (at.cluster == "" || at.cluster == cluster) && (at.ns == "" || namespaces[at.ns]) {
				return true
			}
		}
		return false
	case at.account != "":
		regions, ok := h.regions[at.account]
		return ok && (at.whole || at.region == "" || regions[at.region] || regions[""])
	case strings.HasPrefix(at.id, "terraform://aws_") || strings.Contains(at.id, ".aws_"):
		return len(h.regions) > 0
	}
	return true // a file or a name could be anything's
}

// weigh adds to a workload's audit.deviations what other tools say of things
// that no source read, and of its account as a whole. What they say of assets
// that were read stands among the findings already.
func (h *heard) weigh(c finding.Criterion, snap *estate.Snapshot, w finding.Workload, nodes *estate.NodeSet, j *judged, failOn finding.Severity) finding.Criterion {
	if len(h.tools) == 0 {
		return c
	}
	claim := finding.Claim{Claim: "results of other tools that are tied to the workload and what it reaches", Source: some(slices.Sorted(maps.Keys(h.tools)), 4)}
	for n := range nodes.All() {
		claim.Examined += h.sayings[n]
	}
	claim.Of = claim.Examined
	here := homeOf(snap, w)
	var fails, open []*finding.Finding
	for i := range h.loose {
		l := &h.loose[i]
		f := &j.findings[l.finding]
		if !l.counts || f.Step == "supply" || !here.concerns(&l.at) {
			continue
		}
		claim.Of++
		switch {
		case !f.Severity.AtLeast(failOn):
		case l.at.whole && f.Step == "access": // the root user: told, see identity
		case l.at.whole && f.Status == finding.Fail:
			fails = append(fails, f)
		default:
			open = append(open, f)
		}
	}
	c.Evidence = append(slices.Clone(c.Evidence), claim)
	c.Findings = slices.Clone(c.Findings)
	if len(fails) > 0 && c.Status != finding.CriterionFail {
		c.Status, c.Reason = finding.CriterionFail, fmt.Sprintf("%s of its whole account at or above %s: %s", count(len(fails), "open deviation"), failOn, titles(fails))
		c.Hint = fails[0].Fix.Text
	}
	if len(open) > 0 && c.Status == finding.CriterionPass {
		names := make([]string, len(open))
		for i, f := range open {
			names[i] = f.Asset
		}
		slices.Sort(names)
		names = slices.Compact(names)
		c.Status = finding.CriterionUnknown
		c.Reason = fmt.Sprintf("%s of other tools at or above %s may concern it, on what no source read: %s", count(len(open), "finding"), failOn, some(names, 3))
		c.Hint = "read the source these belong to (a plan or state ties addresses to assets, a cluster scan names objects), or waive"
	}
	for _, f := range append(fails, open...) {
		c.Findings = append(c.Findings, f.ID)
	}
	slices.Sort(c.Findings)
	return c
}

// vulnerabilities says of supply.vulnerabilities what other tools tell: what they
// name at or above fail_on fails it, whatever the supply step finds. Their silence is
// no pass. False where they name nothing so bad.
func (h *heard) vulnerabilities(nodes *estate.NodeSet, j *judged, failOn finding.Severity) (finding.Criterion, bool) {
	c := finding.Criterion{ID: "supply.vulnerabilities", Status: finding.CriterionFail}
	var bad []*finding.Finding
	examined := 0
	for n := range nodes.All() {
		if list := h.vulnerable[n]; len(list) > 0 {
			examined++
			for _, i := range list {
				if f := &j.findings[i]; f.Severity.AtLeast(failOn) {
					bad = append(bad, f)
					c.Findings = append(c.Findings, f.ID)
				}
			}
		}
	}
	if len(bad) == 0 {
		return c, false
	}
	c.Evidence = []finding.Claim{{Claim: "assets it reaches of which other tools name vulnerabilities", Examined: examined, Of: nodes.Len(), Source: some(slices.Sorted(maps.Keys(h.tools)), 4)}}
	c.Reason = fmt.Sprintf("other tools name %s at or above %s: %s", count(len(bad), "known one"), failOn, titles(bad))
	c.Hint = bad[0].Fix.Text
	slices.Sort(c.Findings)
	return c, true
}
