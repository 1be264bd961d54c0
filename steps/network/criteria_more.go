package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// addresses decides network.addresses: serving apart from development.
func (j *jury) addresses(p *party) finding.Criterion {
	c := finding.Criterion{ID: "network.addresses"}
	other := ""
	switch p.zone {
	case scope.ZoneServing, scope.ZoneProduction:
		other = scope.ZoneDevelopment
	case scope.ZoneDevelopment:
		other = scope.ZoneServing
	case "", scope.Unzoned:
		c.Status, c.Reason = finding.CriterionUnknown, "it is in no zone, so that nobody knows whose addresses it must not share"
		return c
	default:
		p.na(&c, "it is neither serving nor development but "+p.zone)
		return c
	}
	if p.nowhere(&c, "it has no addresses of the estate's: it is reached through an API of the provider's") {
		return c
	}
	mine := merged(j.w.rangesOf(append(slices.Clone(p.from), p.to...)))
	theirs := slices.Clone(j.zoneRanges(other))
	if other == scope.ZoneServing {
		theirs = merged(append(theirs, j.zoneRanges(scope.ZoneProduction)...))
	}
	c.Evidence = []finding.Claim{{Claim: fmt.Sprintf("ranges of addresses held against %d of %s", len(theirs), other), Examined: len(mine), Of: len(mine), Source: "subnets, pods"}}
	var fails, unsure []string
	if in := common(mine, theirs); len(in) > 0 {
		fails = append(fails, fmt.Sprintf("it has addresses from %s, and so has %s", joinFew(in, 3), other))
		c.Findings = append(c.Findings, j.find(Mixed, p.root(), other, finding.Medium, []finding.Evidence{{What: "shared with " + other, Where: "subnets, pods", Value: strings.Join(in, ", ")}}, nil))
	}
	for _, s := range append(slices.Clone(p.from), p.to...) {
		for _, pt := range s.points {
			if pt.pod != (podPlace{}) && j.w.addrsOf(pt).IsEmpty() {
				unsure = append(unsure, fmt.Sprintf("the addresses of %s are not known yet", pt))
			}
			if pt.iface != "" && len(j.w.subnetRanges(j.w.ifaces[pt.iface].Subnet)) == 0 {
				unsure = append(unsure, "the subnet of "+pt.iface+" was not read")
			}
		}
	}
	if in := common(mine, j.zones.looseRanges); len(in) > 0 {
		unsure = append(unsure, fmt.Sprintf("it has addresses from %s, and so has what stands in a zone that could not be told", joinFew(in, 3)))
	}
	if at := j.unknownAddresses(other); at != "" {
		unsure = append(unsure, fmt.Sprintf("the addresses of %s of %s are not known", at, other))
	}
	if len(mine) == 0 && len(fails) == 0 && len(unsure) == 0 {
		p.na(&c, "it runs in a network of the provider's and has no addresses of the estate's")
		return c
	}
	verdictOf(&c, fails, unsure, "none of its addresses is from a range of "+other)
	return c
}

// unknownAddresses names something of a zone whose addresses are not known; "" if there
// is nothing such.
func (j *jury) unknownAddresses(zone string) string {
	names := []string{zone}
	if zone == scope.ZoneServing {
		names = append(names, scope.ZoneProduction)
	}
	for _, name := range names {
		for _, list := range j.zones.spots[name] {
			for _, s := range list {
				for _, pt := range s.points {
					if pt.pod != (podPlace{}) && j.w.addrsOf(pt).IsEmpty() || pt.iface != "" && len(j.w.subnetRanges(j.w.ifaces[pt.iface].Subnet)) == 0 {
						return pt.String()
					}
				}
			}
		}
	}
	return ""
}

func (j *jury) zoneRanges(name string) []netip.Prefix {
	for i := range j.zones.List {
		if j.zones.List[i].Name == name {
			return j.zones.List[i].ranges
		}
	}
	return nil
}

// egress decides network.egress: pipelines reach only what they declare.
func (j *jury) egress(p *party) finding.Criterion {
	c := finding.Criterion{ID: "network.egress"}
	if p.Type != estate.ClassPipeline && p.zone != scope.ZonePipeline {
		p.na(&c, "it is no data pipeline but a "+firstOf(p.Type, "workload"))
		return c
	}
	if p.nowhere(&c, "nothing of it stands in a network") {
		return c
	}
	if system := j.w.keeps(p); system != "" {
		p.na(&c, "it is no data pipeline but keeps data: "+system)
		return c
	}
	declared, open := j.declared(p)
	internet, _ := j.w.End(Internet, nil, true)
	claim := finding.Claim{Claim: "places it could reach, decided", Source: "routes, network ACLs, security groups, network policies"}
	var fails, unsure []string
	ask := func(to []spot, name, key string, meant reach.Ports) {
		rest := reach.AllPorts.Minus(meant)
		if rest.IsEmpty() {
			return
		}
		l, pairs := j.w.reach(p.from, to, rest)
		claim.Examined, claim.Of = claim.Examined+pairs, claim.Of+pairs
		switch l.Reachable {
		case reach.Yes:
			fails = append(fails, fmt.Sprintf("it reaches %s, by %s", name, pathText(l.Path)))
			c.Findings = append(c.Findings, j.find(Strayed, p.root(), key, finding.High, pathEvidence("it reaches "+name, l), j.w.mend(p.from, to)))
		case reach.Unknown:
			unsure = append(unsure, fmt.Sprintf("whether it reaches %s is not known: %s", name, joinFew(l.Because, 2)))
		}
	}
	if !declared[Internet] {
		ask(internet.spots, "the internet", Internet, open[Internet])
	}
	strangers := map[string][]spot{}
	for _, zone := range j.zones.List {
		if declared[zone.Name] {
			continue
		}
		for _, s := range j.zones.spots[zone.Name][1] {
			if id := j.w.snap.Asset(s.asset).ID; !p.ids[id] && !declared[id] && !j.ownedByDeclared(s.asset, declared) {
				strangers[zone.Name] = append(strangers[zone.Name], s)
			}
		}
	}
	for _, zone := range j.zones.List {
		if to := strangers[zone.Name]; len(to) > 0 {
			reached := j.reachedOf(p.from, to)
			if len(reached) > 0 {
				ask(to, fmt.Sprintf("%s, which it does not declare", joinFew(reached, 3)), zone.Name, open[zone.Name])
				continue
			}
			ask(to, "what else stands in "+zone.Name, zone.Name, open[zone.Name])
		}
	}
	if to := p.not(j.zones.loose[1]); len(to) > 0 {
		if l, _ := j.w.reach(p.from, to, reach.Ports{}); l.Reachable != reach.No {
			unsure = append(unsure, "it may reach what stands in a zone that could not be told")
		}
	}
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	c.Evidence = []finding.Claim{claim}
	verdictOf(&c, fails, unsure, fmt.Sprintf("of %d places it reaches only what it declares", claim.Of))
	return c
}

// reachedOf names the things among some spots that can surely be reached.
func (j *jury) reachedOf(from, to []spot) []string {
	var out []string
	known := map[string]bool{} // by class of place: one asked is all asked
	at := j.w.placesOf(from)
	for _, s := range to {
		key := fmt.Sprint(s.points)
		if len(s.points) == 1 {
			key = j.w.class(s.points[0])
		}
		yes, asked := known[key]
		if !asked {
			yes = j.w.answer(at, j.w.placesOf([]spot{s})).Reachable == reach.Yes
			known[key] = yes
		}
		if yes {
			out = append(out, j.w.snap.Asset(s.asset).ID)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// declared are the ids and names that a workload says it reaches: what it reads,
// writes and calls, and what intents allow it; open are the ports of zones and of the
// internet that intents allow it in part.
func (j *jury) declared(p *party) (out map[string]bool, open map[string]reach.Ports) {
	out, open = map[string]bool{}, map[string]reach.Ports{}
	for _, id := range p.Touches {
		out[id] = true
	}
	for _, i := range j.scope.Network.Intents {
		if i.Rule == scope.Never || !j.names(i.From, p) {
			continue
		}
		if i.To.Match != nil {
			for n, a := range j.w.snap.Assets() {
				if j.w.component(n, a) && j.w.matches(i.To.Match, n) == expr.True {
					out[a.ID] = true
				}
			}
			continue
		}
		if len(i.Ports) > 0 {
			open[i.To.Name] = open[i.To.Name].Union(portsOf(i.Ports))
			if i.To.Name == Internet || slices.ContainsFunc(j.zones.List, func(z Zone) bool { return z.Name == i.To.Name }) {
				continue
			}
		}
		out[i.To.Name] = true
		for _, l := range j.workloads.List {
			if l.Name == i.To.Name {
				for _, m := range l.Members {
					out[m] = true
				}
			}
		}
	}
	return out, open
}

// ownedByDeclared reports whether a thing is part of one that is declared: a store's
// interface, a Deployment's pod.
func (j *jury) ownedByDeclared(n estate.Node, declared map[string]bool) bool {
	for e := range j.w.snap.In(n) {
		if e.Type == estate.Contains && declared[j.w.snap.Asset(e.Node).ID] {
			return true
		}
	}
	return false
}

// exposure decides network.exposure: nothing open to the internet that nobody meant.
func (j *jury) exposure(p *party) finding.Criterion {
	c := finding.Criterion{ID: "network.exposure"}
	if len(p.from)+len(p.to) == 0 && len(p.unread) > 0 {
		p.nowhere(&c, "")
		return c
	}
	internet, _ := j.w.End(Internet, nil, false)
	var fails, unsure []string
	claim := finding.Claim{Claim: "places of it that were asked about from the internet", Source: "routes, network ACLs, security groups, services, load balancers"}
	// A door that asks every caller to sign in is not open to the internet.
	signIns := finding.Claim{Claim: "places of it before which something asks callers to sign in, or may"}
	var doors []string
	byThing := map[estate.Node][]spot{}
	for _, s := range p.to {
		byThing[s.asset] = append(byThing[s.asset], s)
	}
	for _, n := range p.things {
		spots := byThing[n]
		claim.Of++
		claim.Examined++
		if len(spots) == 0 {
			continue // nothing listens there
		}
		var l Link
		asked := j.w.unsigned(func() { l, _ = j.w.reach(internet.spots, spots, reach.Ports{}) })
		if len(asked) > 0 {
			signIns.Examined, signIns.Of = signIns.Examined+1, signIns.Of+1
			signIns.Source = joinFew(unique(append(doors, asked...)), 3)
			doors = append(doors, asked...)
		}
		id := j.w.snap.Asset(n).ID
		left := l.Ports.Minus(j.meantForInternet(p, id))
		switch {
		case l.Reachable == reach.Yes && !left.IsEmpty():
			fails = append(fails, fmt.Sprintf("%s is open to the internet on %s", id, strings.Join(left.List(), ", ")))
			c.Findings = append(c.Findings, j.find(Exposed, id, "", finding.High, pathEvidence("open to the internet", l), j.w.mend(internet.spots, spots)))
		case l.Reachable == reach.Unknown || !l.Maybe.Minus(j.meantForInternet(p, id)).IsEmpty():
			claim.Examined--
			unsure = append(unsure, fmt.Sprintf("whether %s is open to the internet is not known: %s", id, firstOf(joinFew(l.Because, 2), "on "+strings.Join(l.Maybe.List(), ", "))))
		}
	}
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	if claim.Of == 0 {
		p.nowhere(&c, "nothing of it stands in a network")
		return c
	}
	c.Evidence = []finding.Claim{claim}
	if signIns.Of > 0 {
		c.Evidence = append(c.Evidence, signIns)
	}
	verdictOf(&c, fails, unsure, "no host of the internet can open a connection to it that was not meant")
	return c
}

// meantForInternet are the ports of a thing that intents open to the internet.
func (j *jury) meantForInternet(p *party, id string) reach.Ports {
	var out reach.Ports
	for _, i := range j.scope.Network.Intents {
		if i.Rule != scope.Allowed || i.From.Name != Internet {
			continue
		}
		if n, ok := j.w.snap.Find(id); i.To.Match != nil && ok && j.w.matches(i.To.Match, n) == expr.True || i.To.Match == nil && (i.To.Name == id || j.names(i.To, p)) {
			out = out.Union(portsOf(i.Ports))
		}
	}
	return out
}

// shared is a store by which training and production reach one another.
type shared struct{ text, finding string }

// sharedStores finds the stores that a workload writes and one of other zones reads,
// or the other way round, without a declared channel.
func (j *jury) sharedStores(p *party, others []string) []shared {
	var out []shared
	mine := j.flows(p.Members)
	for _, l := range j.workloads.List {
		if !slices.Contains(others, l.Zone) {
			continue
		}
		for store, theirs := range j.flows(l.Members) {
			my, both := mine[store]
			if !both {
				continue
			}
			for _, way := range []struct {
				flows    bool
				from, to string
				verb     string
			}{{my.writes && theirs.reads, p.zone, l.Zone, "it writes " + store + ", which " + l.Name + " reads"}, {theirs.writes && my.reads, l.Zone, p.zone, l.Name + " writes " + store + ", which it reads"}} {
				if !way.flows || j.channel(store, way.from, way.to) {
					continue
				}
				id := j.find(Shared, store, way.from+">"+way.to, finding.High, []finding.Evidence{{What: way.verb, Where: way.from + " -> " + way.to, Value: "no channel is declared"}},
					[]string{fmt.Sprintf("# in sevenfold.yaml, if it is meant and what passes is examined\nnetwork: {channels: [{via: %q, from: %s, to: %s}]}", store, way.from, way.to)})
				out = append(out, shared{way.verb + " (no channel is declared)", id})
			}
		}
	}
	slices.SortFunc(out, func(a, b shared) int { return strings.Compare(a.text, b.text) })
	return out
}

type flow struct{ reads, writes bool }

// flows are the stores some assets read and write, by declaration.
func (j *jury) flows(members []string) map[string]flow {
	out := map[string]flow{}
	for _, id := range members {
		n, ok := j.w.snap.Find(id)
		if !ok {
			continue
		}
		for e := range j.w.snap.Out(n) {
			to := j.w.snap.Asset(e.Node)
			if to.Kind != estate.KindStore && to.Kind != estate.KindDataset || e.Tier != estate.Declared {
				continue
			}
			f := out[to.ID]
			switch e.Type {
			case estate.Reads, estate.Loads:
				f.reads = true
			case estate.Writes, estate.Trains:
				f.writes = true
			default:
				continue
			}
			out[to.ID] = f
		}
	}
	return out
}

func (j *jury) channel(store, from, to string) bool {
	return slices.ContainsFunc(j.scope.Network.Channels, func(c scope.Channel) bool {
		return (c.Via == store || strings.HasSuffix(store, ":"+c.Via) || strings.HasSuffix(store, "/"+c.Via)) && c.From == from && c.To == to
	})
}

// seen decides network.observed: flows seen agree with flows allowed.
func (j *jury) seen(p *party) finding.Criterion {
	c := finding.Criterion{ID: "network.observed"}
	if p.nowhere(&c, "nothing of it stands in a network whose flows could be seen") {
		return c
	}
	if j.observed == nil {
		c.Status, c.Reason, c.Hint = finding.CriterionUnknown, "no flow logs were given", "add flows:PATH to the sources: VPC flow logs or Hubble flows; sevenfold network observed PATH compares them"
		return c
	}
	return j.observed.criterion(j.w, p)
}
