package audit

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// A network policy of Kubernetes holds back what reaches the pods it selects, or
// what they reach, all but what its rules let through; several policies on one pod
// let through what any of them does
// (https://kubernetes.io/docs/concepts/services-networking/network-policies/). An
// edit that provably lets through no more only narrows; any other may widen, and
// is told as a new way.

// netPolicy is what is read of a policy.
type netPolicy struct {
	Spec struct {
		PodSelector labelSelector `json:"podSelector"`
		PolicyTypes []string      `json:"policyTypes"`
		Ingress     []netRule     `json:"ingress"`
		Egress      []netRule     `json:"egress"`
	} `json:"spec"`
}

type netRule struct {
	From  []netPeer `json:"from"`
	To    []netPeer `json:"to"`
	Ports []netPort `json:"ports"`
}

type netPeer struct {
	Pods       *labelSelector `json:"podSelector"`
	Namespaces *labelSelector `json:"namespaceSelector"`
	Block      *struct {
		CIDR   string   `json:"cidr"`
		Except []string `json:"except"`
	} `json:"ipBlock"`
}

type netPort struct {
	Protocol string `json:"protocol"`
	Port     any    `json:"port"`
	EndPort  *int   `json:"endPort"`
}

type labelSelector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []labelDemand     `json:"matchExpressions"`
}

type labelDemand struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

// isNetPolicy reports whether a type is Kubernetes' own network policy, strange
// whether it is one of another maker, whose edits are not decided here.
func isNetPolicy(typ string) (ours, strange bool) {
	if typ == "networking.k8s.io/v1/NetworkPolicy" || typ == "extensions/v1beta1/NetworkPolicy" {
		return true, false
	}
	return false, strings.HasSuffix(typ, "NetworkPolicy") && strings.Count(typ, "/") == 2
}

// letsThrough tells what a network policy may let through since an edit. was is
// empty for one that is new. others says that other policies held pods of its
// namespace before, so that what this one lets through was not open to all.
func letsThrough(a *estate.Asset, was, is json.RawMessage, others bool) []string {
	own, strange := isNetPolicy(a.Type)
	switch {
	case strange && len(was) > 0 && !sameSpec(was, is):
		return []string{"network policy " + a.Name + " may let through more than before: the rules of its kind are not decided here"}
	case !own:
		return nil
	}
	var before, after netPolicy
	if json.Unmarshal(is, &after) != nil || len(was) > 0 && json.Unmarshal(was, &before) != nil {
		return []string{"network policy " + a.Name + " may let through more than before: it could not be read whole"}
	}
	var out []string
	if len(was) > 0 && !after.Spec.PodSelector.holds(before.Spec.PodSelector) {
		out = append(out, fmt.Sprintf("network policy %s no longer holds all pods that it held in %s", a.Name, a.Region))
	}
	// Pods that it selects anew were open if no policy held them.
	more := others && (len(was) == 0 || !before.Spec.PodSelector.holds(after.Spec.PodSelector))
	for _, w := range []struct{ direction, way string }{{"Ingress", "in from"}, {"Egress", "out to"}} {
		held, rules := before.holds(w.direction)
		holds, now := after.holds(w.direction)
		switch {
		case len(was) > 0 && held && !holds:
			out = append(out, fmt.Sprintf("network policy %s holds back no %s any more", a.Name, strings.ToLower(w.direction)))
			continue
		case !holds:
			continue
		case len(was) == 0 || !held: // it held nothing back, others may have
			if !others {
				continue
			}
			rules = nil
		}
		for _, l := range now {
			if more || !slices.ContainsFunc(rules, func(x lane) bool { return x.covers(l) }) {
				out = append(out, fmt.Sprintf("network policy %s lets %s %s", a.Name, w.way, l))
			}
		}
	}
	return out
}

func sameSpec(was, is json.RawMessage) bool {
	var b, a struct {
		Spec  any `json:"spec"`
		Specs any `json:"specs"`
	}
	return json.Unmarshal(was, &b) == nil && json.Unmarshal(is, &a) == nil && spell(b.Spec) == spell(a.Spec) && spell(b.Specs) == spell(a.Specs)
}

// lane is one peer on one port; nil is any.
type lane struct {
	peer *netPeer
	port *netPort
}

// holds reports whether a policy holds a direction back, and what it lets through.
func (p *netPolicy) holds(direction string) (bool, []lane) {
	rules := p.Spec.Ingress
	if direction == "Egress" {
		rules = p.Spec.Egress
	}
	if !slices.Contains(p.Spec.PolicyTypes, direction) && !(len(p.Spec.PolicyTypes) == 0 && (direction == "Ingress" || len(rules) > 0)) {
		return false, nil
	}
	var out []lane
	for i := range rules {
		peers := []*netPeer{nil}
		if list := slices.Concat(rules[i].From, rules[i].To); len(list) > 0 {
			peers = peers[:0]
			for j := range list {
				peers = append(peers, &list[j])
			}
		}
		ports := []*netPort{nil}
		if len(rules[i].Ports) > 0 {
			ports = ports[:0]
			for j := range rules[i].Ports {
				ports = append(ports, &rules[i].Ports[j])
			}
		}
		for _, peer := range peers {
			for _, port := range ports {
				out = append(out, lane{peer, port})
			}
		}
	}
	return true, out
}

// String is the lane in words.
func (l lane) String() string {
	who, where := "everybody", ""
	if p := l.peer; p != nil {
		var parts []string
		switch {
		case p.Block != nil:
			parts = append(parts, p.Block.CIDR)
		default:
			parts = append(parts, "pods "+p.Pods.String())
			if p.Namespaces != nil {
				parts = append(parts, "of namespaces "+p.Namespaces.String())
			}
		}
		who = strings.Join(parts, " ")
	}
	if p := l.port; p != nil {
		where = " on " + p.protocol()
		if p.Port != nil {
			where += fmt.Sprintf(" %v", p.Port)
		}
		if p.EndPort != nil {
			where += fmt.Sprintf("-%d", *p.EndPort)
		}
	}
	return who + where
}

// covers reports whether all that another lane lets through this one does.
func (l lane) covers(o lane) bool {
	return (l.peer == nil || o.peer != nil && l.peer.covers(o.peer)) && (l.port == nil || o.port != nil && l.port.covers(o.port))
}

func (p *netPeer) covers(o *netPeer) bool {
	if (p.Block != nil) != (o.Block != nil) {
		return false // whose address a pod's is, the policy does not say
	}
	if p.Block != nil {
		if !inside(o.Block.CIDR, p.Block.CIDR) {
			return false
		}
		for _, x := range p.Block.Except {
			if overlap(x, o.Block.CIDR) && !slices.ContainsFunc(o.Block.Except, func(y string) bool { return inside(x, y) }) {
				return false
			}
		}
		return true
	}
	switch {
	case p.Namespaces == nil && o.Namespaces != nil,
		p.Namespaces != nil && o.Namespaces == nil && !p.Namespaces.empty(),
		p.Namespaces != nil && o.Namespaces != nil && !p.Namespaces.holds(*o.Namespaces):
		return false
	}
	return p.Pods == nil || o.Pods != nil && p.Pods.holds(*o.Pods) || p.Pods.empty()
}

func (p *netPort) protocol() string {
	if p.Protocol == "" {
		return "TCP"
	}
	return p.Protocol
}

func (p *netPort) covers(o *netPort) bool {
	switch {
	case p.protocol() != o.protocol():
		return false
	case p.Port == nil:
		return true
	case o.Port == nil:
		return false
	}
	low, ok := p.Port.(float64)
	from, ok2 := o.Port.(float64)
	if !ok || !ok2 { // a name is the port of each pod that bears it
		return p.Port == o.Port && p.EndPort == nil && o.EndPort == nil
	}
	high, to := low, from
	if p.EndPort != nil {
		high = float64(*p.EndPort)
	}
	if o.EndPort != nil {
		to = float64(*o.EndPort)
	}
	return low <= from && to <= high
}

// demands are a selector's conditions, each spelt as an expression.
func (s *labelSelector) demands() []labelDemand {
	out := slices.Clone(s.MatchExpressions)
	for k, v := range s.MatchLabels {
		out = append(out, labelDemand{k, "In", []string{v}})
	}
	return out
}

func (s *labelSelector) empty() bool { return len(s.MatchLabels)+len(s.MatchExpressions) == 0 }

// holds reports whether a selector provably selects all that another does: each
// of its demands follows from one of the other's.
func (s labelSelector) holds(o labelSelector) bool {
	theirs := o.demands()
	return !slices.ContainsFunc(s.demands(), func(d labelDemand) bool {
		return !slices.ContainsFunc(theirs, func(x labelDemand) bool { return d.follows(x) })
	})
}

// follows reports whether what meets x meets d.
func (d labelDemand) follows(x labelDemand) bool {
	if d.Key != x.Key {
		return false
	}
	within := func(a, b []string) bool {
		return !slices.ContainsFunc(a, func(v string) bool { return !slices.Contains(b, v) })
	}
	switch d.Operator {
	case "In":
		return x.Operator == "In" && within(x.Values, d.Values)
	case "NotIn":
		return x.Operator == "NotIn" && within(d.Values, x.Values) || x.Operator == "DoesNotExist" ||
			x.Operator == "In" && !slices.ContainsFunc(x.Values, func(v string) bool { return slices.Contains(d.Values, v) })
	case "Exists":
		return x.Operator == "Exists" || x.Operator == "In"
	case "DoesNotExist":
		return x.Operator == "DoesNotExist"
	}
	return false
}

// String is a selector in words.
func (s *labelSelector) String() string {
	if s == nil || s.empty() {
		return "all"
	}
	var out []string
	for _, d := range s.demands() {
		switch {
		case d.Operator == "In" && len(d.Values) == 1:
			out = append(out, d.Key+"="+d.Values[0])
		default:
			out = append(out, strings.TrimSpace(d.Key+" "+d.Operator+" "+strings.Join(d.Values, ",")))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

// inside reports whether a range of addresses lies in another; ranges that cannot
// be read lie in none but themselves.
func inside(narrow, wide string) bool {
	n, err := netip.ParsePrefix(narrow)
	w, err2 := netip.ParsePrefix(wide)
	if err != nil || err2 != nil {
		return narrow == wide
	}
	return w.Bits() <= n.Bits() && w.Masked().Contains(n.Addr())
}

// overlap reports whether two ranges of addresses may have one in common.
func overlap(a, b string) bool {
	x, err := netip.ParsePrefix(a)
	y, err2 := netip.ParsePrefix(b)
	return err != nil || err2 != nil || x.Overlaps(y)
}

// otherPolicies reports whether another network policy lay in a's namespace
// before.
func (c *comparison) otherPolicies(a *estate.Asset) bool {
	if c.netPolicies == nil {
		c.netPolicies = map[territory][]string{}
		for _, x := range c.before.Assets() {
			own, strange := isNetPolicy(x.Type)
			if (own || strange) && !x.Referenced {
				at := territory{account: x.Account, region: x.Region}
				c.netPolicies[at] = append(c.netPolicies[at], x.ID)
			}
		}
	}
	return slices.ContainsFunc(c.netPolicies[territory{account: a.Account, region: a.Region}], func(id string) bool { return id != a.ID })
}
