package network

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// Rule of the network that can be taken away: one source or destination of one
// permission of a security group, or one route.
type cutRule struct {
	group  string // security group, with
	egress bool   // its direction,
	perm   int    // the place of the permission
	cidr   netip.Prefix
	peer   string // group or prefix list named, where it is no CIDR
	table  string // route table, with
	route  int    // the place of the route
}

// Cut is what to take away so that no connection of one kind can be opened any
// more.
type Cut struct {
	Rules    []string `json:"rules"`
	Commands []string `json:"commands"`
	// Complete says that with these rules gone nothing of it is left, decided on a
	// copy of the network.
	Complete bool `json:"complete"`
}

// Bounds on the search for a cut.
const (
	mostCandidates  = 64
	mostCutPairs    = 400
	countedClasses  = 400
	mostInterfaces  = 20000 // beyond that cuts are sought on request only
	mostFindingCuts = 40
)

// mend gives the commands of the cheapest cut between some spots, for a finding.
// In a very large network, and where many findings were given, that is left to
// network recommend.
func (w *World) mend(from, to []spot) []string {
	if len(w.model.Interfaces) > mostInterfaces || w.cuts >= mostFindingCuts {
		return []string{"sevenfold network recommend"}
	}
	w.cuts++
	c := w.Cut(from, to)
	if len(c.Commands) == 0 || !c.Complete {
		return []string{"sevenfold network recommend"}
	}
	return c.Commands
}

// Cut finds the rules of AWS's networks to take away so that nothing of from can
// open a connection to anything of to: the fewest found by taking at each turn the
// one that cuts most, and of equal ones the one whose loss costs least. A route
// carries much beside, so that a cut of security group rules alone is sought too,
// and taken if less goes with it. Each candidate is tried on a copy of the network.
func (w *World) Cut(from, to []spot) Cut {
	out, _ := w.cut(from, to)
	return out
}

func (w *World) cut(from, to []spot) (Cut, []cutRule) {
	pairs := slices.DeleteFunc(w.openPairs(from, to), func(p pair) bool { return p.to.pod != (podPlace{}) && w.byPolicies(p) })
	if len(pairs) == 0 {
		return Cut{Rules: []string{}, Commands: []string{}, Complete: true}, nil
	}
	before := w.pairsCounted()
	best := w.greedy(pairs, before, true)
	if best.routes {
		if other := w.greedy(pairs, before, false); other.left == 0 && (best.left > 0 || other.lost < best.lost) {
			best = other
		}
	}
	out := Cut{Rules: []string{}, Commands: []string{}, Complete: best.left == 0}
	if out.Complete && len(pairs) >= mostCutPairs { // others may be open beside those that were tried
		next := w
		for _, r := range best.rules {
			next = next.without(r)
		}
		rest := slices.DeleteFunc(next.openPairs(from, to), func(p pair) bool { return p.to.pod != (podPlace{}) && next.byPolicies(p) })
		out.Complete = len(rest) == 0
	}
	for _, r := range best.rules {
		out.Rules = append(out.Rules, w.ruleText(r))
		out.Commands = append(out.Commands, w.ruleCommand(r))
	}
	return out, best.rules
}

// byPolicies reports whether a pair is for the policies of a cluster to part: both are
// pods of one, so that a rule of AWS that parted them would part its nodes; or the way
// leads through a door of the cluster's own.
func (w *World) byPolicies(p pair) bool {
	if p.from.pod.cluster == p.to.pod.cluster {
		return true
	}
	direct := w.between(p.from, p.to)
	return direct.Reachable != reach.Yes
}

// attempt is a cut as it was found: which rules, how many of the pairs are left, how
// many others are lost.
type attempt struct {
	rules      []cutRule
	left, lost int
	routes     bool
}

// mostRules bounds how many rules a cut may take.
const mostRules = 8

func (w *World) greedy(pairs []pair, before int, routes bool) attempt {
	out := attempt{left: len(pairs), lost: -1}
	at := w
	for out.left > 0 && len(out.rules) < mostRules {
		var best *World
		var rule cutRule
		bestLeft, bestLost := out.left, 0
		for _, r := range at.candidates(pairs) {
			if r.table != "" && !routes {
				continue
			}
			next := at.without(r)
			left, lost := next.stillOpen(pairs), 0
			if left > bestLeft || left == bestLeft && best == nil {
				continue
			}
			if before >= 0 && w.spend(before) {
				lost = before - next.pairsCounted()
			}
			if left < bestLeft || lost < bestLost {
				best, rule, bestLeft, bestLost = next, r, left, lost
			}
		}
		if best == nil {
			break
		}
		at, out.left = best, bestLeft
		out.rules, out.routes = append(out.rules, rule), out.routes || rule.table != ""
	}
	if before >= 0 && w.spend(before) {
		out.lost = before - at.pairsCounted() // what was to be cut is in it, for every attempt alike
	}
	return out
}

// mostCounted bounds, over all cuts of one network, how many pairs of classes are counted
// to tell what else a rule carries; beyond it the first of the rules that cut most is
// taken.
const mostCounted = 4_000_000

func (w *World) spend(pairs int) bool {
	if w.spent == nil {
		w.spent = new(int)
	}
	if *w.spent > mostCounted {
		return false
	}
	*w.spent += pairs + 1
	return true
}

// openPairs are the pairs of places, one of each class, that can open a connection.
func (w *World) openPairs(from, to []spot) []pair {
	var out []pair
	from, to = w.distinct(from), w.distinct(to)
	many := len(from)*len(to) > manyPairs
	for _, f := range from {
		for _, t := range to {
			if len(out) >= mostCutPairs {
				return out
			}
			if many {
				if l, told := w.quick(f, t, reach.AllPorts); told && l.Reachable != reach.Yes {
					continue
				}
			}
			for _, p := range f.points {
				for _, q := range t.points {
					if p == q || len(out) >= mostCutPairs {
						continue
					}
					if w.brief(p, q).Reachable == reach.Yes {
						out = append(out, pair{p, q})
					}
				}
			}
		}
	}
	return out
}

func (w *World) stillOpen(pairs []pair) int {
	n := 0
	for _, p := range pairs {
		if w.brief(p.from, p.to).Reachable == reach.Yes {
			n++
		}
	}
	return n
}

// pairsCounted is how many pairs of classes of interfaces have an answer other than
// no, each class with the internet included; -1 in a large network.
func (w *World) pairsCounted() int {
	t := w.allPairs()
	if len(t.Classes) > countedClasses {
		return -1
	}
	n := t.Pairs()
	host := w.internet()[0]
	for _, c := range t.Classes {
		one := point{iface: w.model.Interfaces[c.Members[0]].ID}
		for _, p := range []pair{{one, point{host: host, inet: true}}, {point{host: host, inet: true}, one}} {
			if w.overAWS(p.from, p.to).Reachable != reach.No {
				n++
			}
		}
	}
	return n
}

// allPairs is the table of all pairs of interfaces, made once.
func (w *World) allPairs() *aws.Matrix {
	if w.table == nil {
		w.table = w.amazon.Matrix()
		w.inTable = map[string]int{}
		for i, c := range w.table.Classes {
			for _, m := range c.Members {
				w.inTable[w.model.Interfaces[m].ID] = i
			}
		}
	}
	return w.table
}

// candidates are the rules that name one side of some pairs, on the other's side.
func (w *World) candidates(pairs []pair) []cutRule {
	var out []cutRule
	seen := map[cutRule]bool{}
	add := func(r cutRule) {
		if !seen[r] && len(out) < mostCandidates {
			seen[r] = true
			out = append(out, r)
		}
	}
	for _, p := range pairs {
		from, to := w.sidesOf(p.from), w.sidesOf(p.to)
		for _, a := range from {
			for _, b := range to {
				if b.iface != nil {
					w.permissions(b.iface, false, a, add)
					w.routes(b.iface, a, add)
				}
				if a.iface != nil {
					w.routes(a.iface, b, add)
					w.permissions(a.iface, true, b, add)
				}
			}
		}
	}
	return out
}

// side is one end of a pair as rules name it.
type side struct {
	iface *iface
	addrs []netip.Addr
}

func (w *World) sidesOf(p point) []side {
	if p.host.IsValid() {
		return []side{{addrs: []netip.Addr{p.host}}}
	}
	var out []side
	for _, id := range w.standsOf(p) {
		s := side{iface: w.ifaces[id]}
		for _, a := range s.iface.Addresses {
			s.addrs = append(s.addrs, a.Private)
			if a.Public.IsValid() {
				s.addrs = append(s.addrs, a.Public)
			}
		}
		out = append(out, s)
	}
	return out
}

func (w *World) permissions(f *iface, egress bool, peer side, add func(cutRule)) {
	for _, g := range w.model.SecurityGroups {
		if !slices.Contains(f.Groups, g.ID) {
			continue
		}
		list := g.Ingress
		if egress {
			list = g.Egress
		}
		for i, p := range list {
			for _, c := range p.CIDRs {
				if slices.ContainsFunc(peer.addrs, c.Contains) {
					add(cutRule{group: g.ID, egress: egress, perm: i, cidr: c})
				}
			}
			for _, id := range p.Groups {
				if peer.iface != nil && slices.Contains(peer.iface.Groups, id) {
					add(cutRule{group: g.ID, egress: egress, perm: i, peer: id})
				}
			}
			for _, id := range p.PrefixLists {
				add(cutRule{group: g.ID, egress: egress, perm: i, peer: id})
			}
		}
	}
}

func (w *World) routes(f *iface, peer side, add func(cutRule)) {
	for _, t := range w.model.RouteTables {
		if !w.usesTable(f.ID, t.ID) {
			continue
		}
		for i, r := range t.Routes {
			if r.Target != "local" && r.CIDR.IsValid() && slices.ContainsFunc(peer.addrs, r.CIDR.Contains) {
				add(cutRule{table: t.ID, route: i})
			}
		}
	}
}

// without is a copy of the network that lacks a rule. What was decided is decided
// anew.
func (w *World) without(r cutRule) *World {
	m := *w.model
	if r.table != "" {
		m.RouteTables = slices.Clone(m.RouteTables)
		for i := range m.RouteTables {
			if t := &m.RouteTables[i]; t.ID == r.table {
				t.Routes = slices.Delete(slices.Clone(t.Routes), r.route, r.route+1)
			}
		}
		return w.over(&m)
	}
	m.SecurityGroups = slices.Clone(m.SecurityGroups)
	for i := range m.SecurityGroups {
		g := &m.SecurityGroups[i]
		if g.ID != r.group {
			continue
		}
		list := &g.Ingress
		if r.egress {
			list = &g.Egress
		}
		*list = slices.Clone(*list)
		p := &(*list)[r.perm]
		p.CIDRs = slices.DeleteFunc(slices.Clone(p.CIDRs), func(c netip.Prefix) bool { return r.peer == "" && c == r.cidr })
		p.Groups = slices.DeleteFunc(slices.Clone(p.Groups), func(id string) bool { return id == r.peer })
		p.PrefixLists = slices.DeleteFunc(slices.Clone(p.PrefixLists), func(id string) bool { return id == r.peer })
	}
	return w.over(&m)
}

// over is a world of the same things over another network of AWS.
func (w *World) over(m *aws.Model) *World {
	out := *w
	out.model, out.amazon = m, aws.New(m)
	out.table, out.inTable, out.decided, out.breadth = nil, nil, 0, 0
	out.known, out.short, out.asked, out.asking = map[pair]Link{}, newAnswers(), nil, false
	return &out
}

// forget drops all that hangs on the policies of clusters.
func (w *World) forget() {
	w.asked, w.asking = nil, false
	w.classes, w.numbers, w.numbered, w.firsts, w.known, w.hosts = map[point]string{}, map[string]int{}, map[point]int{}, map[int]point{}, map[pair]Link{}, nil
	w.short, w.lasting = newAnswers(), newAnswers()
	for _, c := range w.clusters {
		c.fronts, c.parted, c.out, c.in, c.detours = nil, nil, nil, nil, nil
	}
}

func (w *World) permissionOf(r cutRule) aws.Permission {
	for _, g := range w.model.SecurityGroups {
		if g.ID == r.group {
			if r.egress {
				return g.Egress[r.perm]
			}
			return g.Ingress[r.perm]
		}
	}
	return aws.Permission{}
}

func (w *World) routeOf(r cutRule) aws.Route {
	for _, t := range w.model.RouteTables {
		if t.ID == r.table {
			return t.Routes[r.route]
		}
	}
	return aws.Route{}
}

// ruleText names a rule for people.
func (w *World) ruleText(r cutRule) string {
	if r.table != "" {
		route := w.routeOf(r)
		return fmt.Sprintf("route of %s: %s to %s", r.table, route.CIDR, route.Target)
	}
	p, way := w.permissionOf(r), "ingress from"
	if r.egress {
		way = "egress to"
	}
	peer := r.peer
	if peer == "" {
		peer = r.cidr.String()
	}
	return fmt.Sprintf("%s: %s %s, %s", r.group, way, peer, portText(p))
}

func portText(p aws.Permission) string {
	switch {
	case p.Protocol == "-1":
		return "all"
	case p.From == p.To:
		return fmt.Sprintf("%s/%d", p.Protocol, p.From)
	}
	return fmt.Sprintf("%s/%d-%d", p.Protocol, p.From, p.To)
}

// ruleCommand is the command that takes a rule away.
func (w *World) ruleCommand(r cutRule) string {
	if unborn(firstOf(r.table, r.group)) {
		return "# in " + firstOf(r.table, r.group) + ", take away " + w.ruleText(r)
	}
	if r.table != "" {
		route := w.routeOf(r)
		member := "--destination-cidr-block"
		if route.CIDR.Addr().Is6() {
			member = "--destination-ipv6-cidr-block"
		}
		return fmt.Sprintf("aws ec2 delete-route%s --route-table-id %s %s %s", w.regionOf(r.table), quoted(r.table), member, route.CIDR)
	}
	p := w.permissionOf(r)
	perm := map[string]any{"IpProtocol": p.Protocol}
	if p.Protocol != "-1" {
		perm["FromPort"], perm["ToPort"] = p.From, p.To
	}
	switch {
	case r.peer == "" && r.cidr.Addr().Is6():
		perm["Ipv6Ranges"] = []any{map[string]any{"CidrIpv6": r.cidr.String()}}
	case r.peer == "":
		perm["IpRanges"] = []any{map[string]any{"CidrIp": r.cidr.String()}}
	case strings.HasPrefix(r.peer, "pl-"):
		perm["PrefixListIds"] = []any{map[string]any{"PrefixListId": r.peer}}
	default:
		perm["UserIdGroupPairs"] = []any{map[string]any{"GroupId": r.peer}}
	}
	text, _ := json.Marshal([]any{perm}) // strings and numbers always encode
	verb := "revoke-security-group-ingress"
	if r.egress {
		verb = "revoke-security-group-egress"
	}
	return fmt.Sprintf("aws ec2 %s%s --group-id %s --ip-permissions %s", verb, w.regionOf(r.group), quoted(r.group), quoted(string(text)))
}

// regionOf is the option that names a thing's region, where it is known.
func (w *World) regionOf(id string) string {
	for _, a := range w.snap.Assets() {
		if strings.HasSuffix(a.ID, "/"+id) && a.Region != "" {
			return " --region " + a.Region
		}
	}
	return ""
}

// quoted makes one word for a shell.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
