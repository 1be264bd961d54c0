package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// grant is one thing one statement allows.
type grant struct{ principal, action, resource string }

// maxGrants bounds how many grants of one asset are held against each other;
// a policy with more that differs counts as a new way whole.
const maxGrants = 20000

// newGrants tells what an asset's policies allow now and did not before, and
// which denials ended. A statement with further conditions allows less, one with
// others counts as new. A policy that could not be read on one of the two sides
// says nothing on the other.
func newGrants(before, after *estate.Asset, snap *estate.Snapshot) (paths, touches []string) {
	if !mayHoldPolicy(before) && !mayHoldPolicy(after) {
		return nil, nil
	}
	closed := slices.Concat(unreadable(before), unreadable(after))
	was, denied := grantsOf(before, closed)
	is, denies := grantsOf(after, closed)
	if len(was)+len(is) > maxGrants {
		return []string{"its policies allow something else than before"}, nil
	}
	seen := map[string]bool{}
	for _, g := range slices.SortedFunc(maps.Keys(is), func(a, b grant) int {
		return strings.Compare(a.action+" "+a.resource+" "+a.principal, b.action+" "+b.resource+" "+b.principal)
	}) {
		if !slices.ContainsFunc(is[g], func(c conditions) bool { return !covered(was, c, g) }) {
			continue
		}
		say := g.action
		if g.resource != "" {
			say += " on " + g.resource
		}
		if g.principal != "" {
			say = g.principal + " may " + say
		} else {
			say = "its holder may " + say
		}
		if !seen[say] {
			seen[say] = true
			paths = append(paths, say)
		}
		if n, ok := snap.Find(strings.TrimSuffix(g.resource, "/*")); ok {
			touches = append(touches, snap.Asset(n).ID)
		}
	}
	still := grants{}
	for _, d := range denies {
		for _, g := range d.of {
			still[g] = append(still[g], d.under)
		}
	}
	for _, d := range denied {
		if say := "a denial ended: " + d.text; !slices.Contains(paths, say) && slices.ContainsFunc(d.of, func(g grant) bool { return !covered(still, d.under, g) }) {
			paths = append(paths, say)
		}
	}
	return paths, touches
}

// denial is a statement that denies.
type denial struct {
	text  string
	of    []grant
	under conditions
}

// conditions are those of one statement, each spelt, in order.
type conditions []string

// String is the conditions in words.
func (c conditions) String() string { return strings.Join(c, "") }

// hold reports whether all of c hold where o do: o asks for no less.
func (c conditions) hold(o conditions) bool {
	return !slices.ContainsFunc(c, func(one string) bool { return !slices.Contains(o, one) })
}

// grants are what policies allow, with the conditions of each statement that does.
type grants map[grant][]conditions

// covered reports whether an earlier grant under the same conditions, or fewer,
// allows g.
func covered(was grants, under conditions, g grant) bool {
	holds := func(c conditions) bool { return c.hold(under) }
	if slices.ContainsFunc(was[g], holds) {
		return true
	}
	for w, list := range was {
		if matches(w.principal, g.principal) && matches(strings.ToLower(w.action), strings.ToLower(g.action)) && matches(w.resource, g.resource) && slices.ContainsFunc(list, holds) {
			return true
		}
	}
	return false
}

// matches reports whether a pattern of IAM's covers a text or a narrower
// pattern.
func matches(pattern, s string) bool {
	if pattern == s || pattern == "*" {
		return true
	}
	if !strings.ContainsAny(pattern, "*?") {
		return false
	}
	// IAM's asterisk passes over slashes, path.Match's does not.
	ok, err := path.Match(strings.ReplaceAll(strings.NewReplacer("[", `\[`, "\\", `\\`).Replace(pattern), "/", "\x01"), strings.ReplaceAll(s, "/", "\x01"))
	return err == nil && ok
}

// grantsOf lists what an asset's policies allow, each with its conditions, and
// what they deny. Policies at the places closed, or in lists there, are left
// out.
func grantsOf(a *estate.Asset, closed []string) (allows grants, denies []denial) {
	allows = grants{}
	if len(a.Config) == 0 {
		return allows, denies
	}
	policies, _ := aws.Policies(a) // problems are blind spots of the snapshot
	for _, p := range policies {
		if slices.Contains(closed, listOf(p.Path)) {
			continue
		}
		for _, s := range p.Statements {
			conditions := spellConditions(s.Conditions)
			actions := append(slices.Clone(s.Actions), prefixed("all but ", s.NotActions)...)
			resources := append(slices.Clone(s.Resources), prefixed("all but ", s.NotResources)...)
			text := strings.Join(actions, ", ") + " on " + strings.Join(resources, ", ") + conditions.String()
			principals := []string{""}
			if p.Kind == aws.ControlPolicy && s.Effect == "Allow" {
				principals[0] = "who is under it" // it gives nothing, and what it does not name nobody may
			}
			if p.Kind != aws.IdentityPolicy && p.Kind != aws.ControlPolicy {
				principals = principals[:0]
				for _, x := range s.Principals {
					principals = append(principals, x.ID)
				}
				for _, x := range s.NotPrincipals {
					principals = append(principals, "all but "+x.ID)
				}
			}
			if len(resources) == 0 {
				resources = []string{""}
			}
			var of []grant
			for _, who := range principals {
				for _, act := range actions {
					for _, on := range resources {
						of = append(of, grant{who, act, on})
					}
				}
			}
			if s.Effect == "Deny" {
				denies = append(denies, denial{text, of, conditions})
				continue
			}
			for _, g := range of {
				allows[g] = append(allows[g], conditions)
			}
		}
	}
	return allows, denies
}

func prefixed(prefix string, list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{prefix + strings.Join(list, ", ")}
}

func spellConditions(list []aws.Condition) conditions {
	var out conditions
	for _, c := range list {
		values := slices.Compact(slices.Sorted(slices.Values(c.Values)))
		out = append(out, fmt.Sprintf(" if %s(%s, %s)", c.Operator, c.Key, strings.Join(values, ", ")))
	}
	slices.Sort(out)
	return out
}

// ruleLists are the members that hold what a firewall group lets through, and how
// that is told.
var ruleLists = []struct{ member, way string }{{"IpPermissions", "lets in"}, {"IpPermissionsEgress", "lets out to"}}

// lets is what one rule of a firewall group lets through: a range of addresses,
// another group or a list of prefixes, on a range of ports.
type lets struct {
	peer, protocol string
	from, to       float64
	all            bool // ports
}

// newRanges tells the addresses that a firewall group lets in or out now. What
// goes out may carry data with it, so that it counts like what comes in. A group
// that is new holds no asset yet: what it lets out says nothing before something
// is put into it, which is told there, and every new group lets out all.
func newRanges(was, is json.RawMessage) []string {
	var out []string
	for _, list := range ruleLists {
		if list.member == "IpPermissionsEgress" && len(was) == 0 {
			continue
		}
		before := rangesOf(was, list.member)
		for _, l := range rangesOf(is, list.member) {
			if say := list.way + " " + l.String(); !slices.ContainsFunc(before, func(b lets) bool { return b.covers(l) }) && !slices.Contains(out, say) {
				out = append(out, say)
			}
		}
	}
	slices.Sort(out)
	return out
}

// String is a rule in words.
func (l lets) String() string {
	switch {
	case l.protocol == "-1":
		return l.peer + " on all ports"
	case l.all:
		return l.peer + " on all ports of " + l.protocol
	}
	return fmt.Sprintf("%s on %s %v-%v", l.peer, l.protocol, l.from, l.to)
}

// covers reports whether a rule lets through all that another does.
func (l lets) covers(o lets) bool {
	return inside(o.peer, l.peer) && (l.protocol == "-1" || l.protocol == o.protocol && (l.all || !o.all && l.from <= o.from && o.to <= l.to))
}

// rangesOf reads one list of rules; what cannot be read lets through nothing that
// could be told.
func rangesOf(config json.RawMessage, list string) []lets {
	var out []lets
	var tree map[string]any
	if len(config) == 0 || json.Unmarshal(config, &tree) != nil {
		return out
	}
	rules, _ := tree[list].([]any)
	for _, x := range rules {
		rule, _ := x.(map[string]any)
		one := lets{protocol: fmt.Sprint(rule["IpProtocol"])}
		from, ok := rule["FromPort"].(float64)
		to, ok2 := rule["ToPort"].(float64)
		one.from, one.to, one.all = from, to, !ok || !ok2 || one.protocol == "-1"
		for _, m := range []struct{ list, member string }{{"IpRanges", "CidrIp"}, {"Ipv6Ranges", "CidrIpv6"}, {"UserIdGroupPairs", "GroupId"}, {"PrefixListIds", "PrefixListId"}} {
			sources, _ := rule[m.list].([]any)
			for _, s := range sources {
				if peer, ok := s.(map[string]any); ok {
					one.peer = fmt.Sprint(peer[m.member])
					out = append(out, one)
				}
			}
		}
	}
	return out
}

// right is one thing that a role of a cluster gives: a verb on a resource of a
// group, "*" for all of each, of one name or any; or a subject that it is given to,
// with the verb "be".
type right struct {
	verb, group, resource, name string
	url                         bool // the resource is a path that is none
}

// covers reports whether who has r has o too.
func (r right) covers(o right) bool {
	all := func(mine, theirs string) bool { return mine == theirs || mine == "*" }
	if r.verb == "be" || o.verb == "be" || r.url != o.url {
		return r == o
	}
	return all(r.verb, o.verb) && all(r.group, o.group) && (all(r.resource, o.resource) || ofAll(r.resource, o.resource)) && (r.name == "" || r.name == o.name)
}

// ofAll reports whether a pattern ("*/scale", "/metrics*") covers a resource or a
// path that is no resource.
func ofAll(pattern, resource string) bool {
	if sub, any := strings.CutPrefix(pattern, "*/"); any {
		_, of, has := strings.Cut(resource, "/")
		return has && of == sub
	}
	head, any := strings.CutSuffix(pattern, "*")
	return any && strings.HasPrefix(head, "/") && strings.HasPrefix(resource, head)
}

// String is a right in words.
func (r right) String() string {
	if r.verb == "be" {
		return "be " + r.resource
	}
	on := strings.TrimPrefix(r.group+"/"+r.resource, "/")
	if r.group == "*" && r.resource == "*" {
		on = "*"
	}
	return strings.TrimSpace(r.verb + " on " + on + " " + r.name)
}

// newRules tells what a role of a cluster allows now.
func newRules(a *estate.Asset, was, is json.RawMessage) []string {
	if !strings.HasPrefix(a.Type, "rbac.authorization.k8s.io/") {
		return nil
	}
	before := rights(was)
	var out []string
	for _, r := range rights(is) {
		if !slices.ContainsFunc(before, func(b right) bool { return b.covers(r) }) {
			out = append(out, "its subjects may "+r.String())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// rights lists what a role gives, or whom a binding gives a role to.
func rights(config json.RawMessage) []right {
	var role struct {
		Rules []struct {
			APIGroups       []string `json:"apiGroups"`
			Resources       []string `json:"resources"`
			ResourceNames   []string `json:"resourceNames"`
			Verbs           []string `json:"verbs"`
			NonResourceURLs []string `json:"nonResourceURLs"`
		} `json:"rules"`
		Subjects []struct {
			Kind, Name, Namespace string
		} `json:"subjects"`
	}
	var out []right
	if len(config) == 0 || json.Unmarshal(config, &role) != nil {
		return out
	}
	for _, r := range role.Rules {
		names := r.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		groups := r.APIGroups
		if len(groups) == 0 {
			groups = []string{""}
		}
		for _, v := range r.Verbs {
			for _, path := range r.NonResourceURLs {
				out = append(out, right{verb: v, resource: path, url: true})
			}
			for _, res := range r.Resources {
				for _, g := range groups {
					for _, name := range names {
						out = append(out, right{verb: v, group: g, resource: res, name: name})
					}
				}
			}
		}
	}
	for _, s := range role.Subjects {
		out = append(out, right{verb: "be", resource: s.Kind + " " + strings.TrimPrefix(s.Namespace+"/"+s.Name, "/")})
	}
	return out
}
