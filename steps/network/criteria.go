package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// jury decides the criteria of all workloads of one network.
type jury struct {
	w         *World
	scope     *scope.Scope
	workloads *scope.Workloads
	zones     *Zones
	observed  *Seen
	findings  []finding.Finding
	told      map[string]bool      // findings given
	sides     map[string]bothSides // of intents, by name
	broken    map[string]bool      // intents of which findings were given, by name
}

func newJury(w *World, s *scope.Scope, workloads *scope.Workloads, observed *Seen) *jury {
	return &jury{w: w, scope: s, workloads: workloads, zones: w.ZonesOf(s, workloads), observed: observed, told: map[string]bool{}, sides: map[string]bothSides{}, broken: map[string]bool{}}
}

// party is a workload as the network sees it.
type party struct {
	*finding.Workload
	from, to []spot // in the network itself
	things   []estate.Node
	unread   []string // members that were never read
	ids      map[string]bool
	zone     string
}

func (j *jury) party(l *finding.Workload) party {
	p := party{Workload: l, ids: map[string]bool{}, zone: l.Zone}
	for _, id := range l.Members {
		p.ids[id] = true
		n, ok := j.w.snap.Find(id)
		if !ok {
			continue
		}
		a := j.w.snap.Asset(n)
		if a.Referenced && (a.Kind == estate.KindCompute || a.Kind == estate.KindEndpoint || a.Kind == estate.KindPipeline) {
			p.unread = append(p.unread, id)
		}
		if j.w.component(n, a) {
			p.things = append(p.things, n)
			p.from = append(p.from, j.w.sites(n, false)...)
			p.to = append(p.to, j.w.sites(n, true)...)
		}
	}
	return p
}

// decide gives the six criteria of one workload.
func (j *jury) decide(l *finding.Workload) []finding.Criterion {
	p := j.party(l)
	out := []finding.Criterion{j.inZones(&p), j.isolation(&p), j.addresses(&p), j.egress(&p), j.exposure(&p), j.seen(&p)}
	for i := range out {
		j.w.shade(&out[i])
	}
	return out
}

// verdictOf closes a criterion: what fails goes before what is not known.
func verdictOf(c *finding.Criterion, fails, unsure []string, pass string) {
	switch {
	case len(fails) > 0:
		c.Status, c.Reason = finding.CriterionFail, joinSentences(fails)
	case len(unsure) > 0:
		c.Status, c.Reason = finding.CriterionUnknown, joinSentences(unsure)
	default:
		c.Status, c.Reason = finding.CriterionPass, pass
	}
}

func joinSentences(list []string) string {
	list = unique(list)
	if len(list) > 3 {
		return strings.Join(list[:3], "; ") + fmt.Sprintf("; and %d more", len(list)-3)
	}
	return strings.Join(list, "; ")
}

// nowhere decides a criterion for a workload that stands in no network of its own.
func (p *party) nowhere(c *finding.Criterion, why string) bool {
	if len(p.from)+len(p.to) > 0 {
		return false
	}
	if len(p.unread) > 0 {
		c.Status, c.Reason = finding.CriterionUnknown, "not read: "+joinFew(p.unread, 3)
		return true
	}
	p.na(c, why)
	return true
}

// na says that a criterion does not apply, and what that rests on: its members were
// read.
func (p *party) na(c *finding.Criterion, why string) {
	c.Status, c.Reason = finding.CriterionNA, why
	c.Evidence = []finding.Claim{{Claim: "members whose place in a network was looked for", Examined: len(p.Members) - len(p.unread), Of: len(p.Members), Source: "snapshot"}}
}

// inZones decides network.zones: each component in exactly one.
func (j *jury) inZones(p *party) finding.Criterion {
	c := finding.Criterion{ID: "network.zones"}
	if len(j.scope.Zones) == 0 && !slices.ContainsFunc(j.scope.Declared, func(d scope.Declared) bool { return d.Zone != "" }) {
		c.Status, c.Reason, c.Hint = finding.CriterionUnknown, "no zone is stated", "say in sevenfold.yaml which assets are in training, serving, pipeline, development: zones: {training: {match: …}}"
		return c
	}
	claim := finding.Claim{Claim: "components that stand in exactly one zone", Of: len(p.things), Source: "sevenfold.yaml, zones"}
	var fails, unsure []string
	for _, n := range p.things {
		id := j.w.snap.Asset(n).ID
		zone, known := j.workloads.ZoneOf(id)
		switch {
		case !known:
			unsure = append(unsure, id+": "+j.workloads.ZoneWhy(id))
		case zone == scope.Unzoned:
			fails = append(fails, id+" is in no zone")
			c.Findings = append(c.Findings, j.find(Unzoned, id, "", finding.Medium, []finding.Evidence{{What: "zone", Where: "sevenfold.yaml, zones", Value: "none claims it"}}, nil))
		default:
			claim.Examined++
		}
	}
	if len(p.things) == 0 {
		if p.nowhere(&c, "nothing of it stands in a network") {
			return c
		}
	}
	c.Evidence = []finding.Claim{claim}
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	verdictOf(&c, fails, unsure, fmt.Sprintf("each of %d components is in one zone", len(p.things)))
	return c
}

// opposite are the zones that nothing may cross to or from a zone.
func opposite(zone string) []string {
	switch zone {
	case scope.ZoneTraining:
		return []string{scope.ZoneProduction, scope.ZoneServing}
	case scope.ZoneProduction, scope.ZoneServing:
		return []string{scope.ZoneTraining}
	}
	return nil
}

// isolation decides network.isolation: no path between training and production.
func (j *jury) isolation(p *party) finding.Criterion {
	c := finding.Criterion{ID: "network.isolation"}
	if len(j.scope.Zones) == 0 && p.zone == scope.Unzoned {
		c.Status, c.Reason, c.Hint = finding.CriterionUnknown, "no zone is stated, so that nobody knows what is training and what production", "state zones in sevenfold.yaml"
		return c
	}
	broken, open, findings := j.bound(p)
	c.Findings = append(c.Findings, findings...)
	others := opposite(p.zone)
	if others == nil && len(broken)+len(open) > 0 {
		c.Evidence = []finding.Claim{{Claim: "intents of sevenfold.yaml that bind it", Examined: len(j.scope.Network.Intents), Of: len(j.scope.Network.Intents), Source: "sevenfold.yaml, network: intents"}}
		verdictOf(&c, broken, open, "")
		return c
	}
	if others == nil {
		if p.zone == scope.Unzoned || p.zone == "" {
			c.Status, c.Reason = finding.CriterionUnknown, "it is in no zone, so that nobody knows what it must be kept from"
			return c
		}
		p.na(&c, "it is neither training nor production but "+p.zone)
		return c
	}
	fails, unsure := broken, open
	claim := finding.Claim{Claim: "pairs of places decided, both ways, between it and " + strings.Join(others, " or "), Source: "routes, network ACLs, security groups, network policies"}
	stores := j.sharedStores(p, others)
	for _, s := range stores {
		fails = append(fails, s.text)
		c.Findings = append(c.Findings, s.finding)
	}
	if len(p.from)+len(p.to) == 0 && len(stores) == 0 && len(fails)+len(unsure) == 0 {
		p.nowhere(&c, "nothing of it stands in a network, and it shares no store with "+strings.Join(others, " or "))
		return c
	}
	for _, zone := range others {
		there := j.zones.spots[zone]
		for _, way := range []struct {
			from, to []spot
			text     string
		}{{p.from, p.not(there[1]), "it can open a connection to " + zone}, {p.not(there[0]), p.to, zone + " can open a connection to it"}} {
			l, pairs := j.w.reach(way.from, way.to, reach.Ports{})
			claim.Examined, claim.Of = claim.Examined+pairs, claim.Of+pairs
			if l.Reachable == reach.Yes && j.meant(p, zone, way.text[0] == 'i', l.Ports) {
				if !l.Maybe.IsEmpty() && !j.meant(p, zone, way.text[0] == 'i', l.Maybe) {
					unsure = append(unsure, fmt.Sprintf("whether %s on %s is not known", way.text, strings.Join(l.Maybe.List(), ", ")))
				}
				continue
			}
			switch l.Reachable {
			case reach.Yes:
				fails = append(fails, fmt.Sprintf("%s on %s, by %s", way.text, strings.Join(l.Ports.List(), ", "), pathText(l.Path)))
				c.Findings = append(c.Findings, j.find(Crossed, p.root(), zone+way.text[:2], finding.High, pathEvidence(way.text, l), j.w.mend(way.from, way.to)))
			case reach.Unknown:
				unsure = append(unsure, fmt.Sprintf("whether %s is not known: %s", way.text, joinFew(l.Because, 2)))
			}
		}
	}
	unsure = append(unsure, j.unplacedNear(p)...)
	if len(p.from)+len(p.to) > 0 {
		unsure = append(unsure, j.w.Unlisted()...)
	}
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	c.Evidence = []finding.Claim{claim}
	if claim.Of == 0 && len(fails) == 0 && len(unsure) == 0 && len(j.w.dark) == 0 {
		p.na(&c, "nothing in the estate stands in "+strings.Join(others, " or "))
		return c
	}
	verdictOf(&c, fails, unsure, "no connection can be opened between it and "+strings.Join(others, " or "))
	return c
}

// not leaves out what is the workload's own.
func (p *party) not(spots []spot) []spot {
	return slices.DeleteFunc(slices.Clone(spots), func(s spot) bool { return s.asset >= 0 && slices.Contains(p.things, s.asset) })
}

func (p *party) root() string {
	if len(p.Roots) > 0 {
		return p.Roots[0]
	}
	return p.Workload.ID
}

// unplacedNear says what is in no zone and can reach the workload, or be reached:
// it might be what must not.
func (j *jury) unplacedNear(p *party) []string {
	near := func(loose [2][]spot) bool {
		if len(loose[0])+len(loose[1]) == 0 {
			return false
		}
		out, _ := j.w.reach(p.from, p.not(loose[1]), reach.Ports{})
		if out.Reachable != reach.No {
			return true
		}
		in, _ := j.w.reach(p.not(loose[0]), p.to, reach.Ports{})
		return in.Reachable != reach.No
	}
	var out []string
	if near(j.zones.spots[scope.Unzoned]) {
		out = append(out, "it can reach, or be reached by, what stands in no zone: "+joinFew(j.zones.Unzoned, 3))
	}
	if near(j.zones.loose) {
		var ids []string
		for _, u := range j.zones.Undecided {
			ids = append(ids, u.Asset)
		}
		out = append(out, "it can reach, or be reached by, what stands in a zone that could not be told: "+joinFew(ids, 3))
	}
	return out
}

// pathText writes a path on one line.
func pathText(path []Hop) string {
	var parts []string
	for _, h := range path {
		if len(parts) == 0 || parts[len(parts)-1] != h.Name {
			parts = append(parts, h.Name)
		}
	}
	return strings.Join(parts, " -> ")
}

// pathEvidence gives a way as evidence, one line a hop.
func pathEvidence(what string, l Link) []finding.Evidence {
	out := []finding.Evidence{{What: what, Where: "ports", Value: strings.Join(l.Ports.List(), ", ")}}
	for i, h := range l.Path {
		out = append(out, finding.Evidence{What: fmt.Sprintf("hop %d", i+1), Where: h.Name, Value: firstOf(h.Rule, "passes")})
	}
	return out
}

// find gives a finding once and returns its id.
func (j *jury) find(rule, asset, key string, severity finding.Severity, evidence []finding.Evidence, commands []string) string {
	id := finding.NewID(rule, asset, key)
	if j.told[id] {
		return id
	}
	j.told[id] = true
	r := ruleOf(rule)
	j.findings = append(j.findings, finding.Finding{ID: id, Control: rule, Step: "network", Status: finding.Fail, Severity: severity, Asset: asset, Title: r.Title, Evidence: evidence,
		Fix: finding.Fix{Text: r.Fix, Commands: commands, Effort: "hours", Grows: finding.GrowsNot}, Frameworks: []string{}, Techniques: []string{}})
	return id
}

// meant reports whether sevenfold.yaml intends every port of a crossing.
func (j *jury) meant(p *party, zone string, outward bool, ports reach.Ports) bool {
	left := ports
	for _, i := range j.scope.Network.Intents {
		if i.Rule != scope.Allowed {
			continue
		}
		mine, theirs := i.From, i.To
		if !outward {
			mine, theirs = theirs, mine
		}
		if theirs.Name != zone || !j.names(mine, p) {
			continue
		}
		left = left.Minus(portsOf(i.Ports))
	}
	return left.IsEmpty()
}

// names reports whether a side of an intent names a workload: its zone, itself, or by an
// expression each of its components.
func (j *jury) names(side scope.Party, p *party) bool {
	if side.Match == nil {
		return side.Name != "" && (side.Name == p.zone || side.Name == p.Name || side.Name == p.Workload.ID || side.Name == p.root())
	}
	for _, n := range p.things {
		if j.w.matches(side.Match, n) != expr.True {
			return false
		}
	}
	return len(p.things) > 0
}

// portsOf are the ports an intent names; none is all.
func portsOf(list []string) reach.Ports {
	if len(list) == 0 {
		return reach.AllPorts
	}
	var out reach.Ports
	for _, text := range list {
		if p, err := reach.ParsePort(text); err == nil { // the scope has checked it
			out = out.Union(p)
		}
	}
	return out
}
