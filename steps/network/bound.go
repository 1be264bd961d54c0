package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// intents gives a finding for each intent of sevenfold.yaml that the network does not
// keep, or of which that could not be told.
func (j *jury) intents() {
	for _, i := range j.scope.Network.Intents {
		if i.Rule == scope.Allowed {
			continue
		}
		for _, v := range j.w.Intent(i, j.workloads) {
			if v.Reachable == reach.Yes && j.broken[i.Name] {
				continue // told of the workloads it binds
			}
			if v.Reachable == reach.Yes {
				j.find(Intended, v.Asset, i.Name, finding.High, pathEvidence("intent "+i.Name+": "+v.Text, v.Link), v.Mend)
				continue
			}
			evidence := []finding.Evidence{{What: "intent " + i.Name, Where: "sevenfold.yaml, network: intents", Value: v.Text}}
			for _, b := range v.Because {
				evidence = append(evidence, finding.Evidence{What: "not known", Where: "routes, groups and policies", Value: b})
			}
			id := j.find(Intended, v.Asset, i.Name, finding.High, evidence, nil)
			f := &j.findings[slices.IndexFunc(j.findings, func(f finding.Finding) bool { return f.ID == id })]
			if len(f.Fix.Commands) == 0 && f.Evidence[0].What == evidence[0].What {
				f.Status, f.Title = finding.Unknown, "Could not tell whether an intent of sevenfold.yaml is kept: "+i.Name
			}
		}
	}
}

// bound holds a workload to the intents of sevenfold.yaml that bind it: what it must not
// reach, and who must not reach it.
func (j *jury) bound(p *party) (fails, unsure, findings []string) {
	mine := func(list []spot) []spot {
		return slices.DeleteFunc(slices.Clone(list), func(s spot) bool { return s.asset < 0 || !slices.Contains(p.things, s.asset) })
	}
	for _, i := range j.scope.Network.Intents {
		if i.Rule == scope.Allowed {
			continue
		}
		ends := j.sidesOf(i)
		if ends.why != "" {
			if len(mine(ends.spots[0]))+len(mine(ends.spots[1])) > 0 {
				unsure = append(unsure, ends.why)
			}
			continue
		}
		ways := [][2][]spot{{mine(ends.spots[0]), ends.spots[1]}, {ends.spots[0], mine(ends.spots[1])}}
		if i.Rule == scope.Only {
			ways = ways[:1] // what others do is not bound by it
		}
		for _, way := range ways {
			if len(way[0]) == 0 || len(way[1]) == 0 {
				continue
			}
			switch l := j.w.against(i, way[0], way[1]); l.Reachable {
			case reach.Yes:
				fails = append(fails, fmt.Sprintf("intent %s is violated, by %s", i.Name, pathText(l.Path)))
				j.broken[i.Name] = true
				findings = append(findings, j.find(Intended, p.root(), i.Name, finding.High, pathEvidence("intent "+i.Name, l), j.w.mend(way[0], way[1])))
			case reach.Unknown:
				unsure = append(unsure, fmt.Sprintf("whether intent %s is kept is not known: %s", i.Name, joinFew(l.Because, 2)))
			}
		}
	}
	return unique(fails), unique(unsure), unique(findings)
}

// bothSides are the two sides of an intent, or why they are not known.
type bothSides struct {
	spots [2][]spot
	why   string
}

// sidesOf finds both sides of an intent, once.
func (j *jury) sidesOf(i scope.Intent) bothSides {
	ends, known := j.sides[i.Name]
	if known {
		return ends
	}
	for to, side := range []scope.Party{i.From, i.To} {
		var err error
		if ends.spots[to], err = j.w.side(side, j.workloads, to == 1); err != nil {
			why, _, _ := strings.Cut(err.Error(), "\n")
			ends.why = fmt.Sprintf("%s of intent %s: %s", []string{"from", "to"}[to], i.Name, why)
		}
	}
	j.sides[i.Name] = ends
	return ends
}
