package iam

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A second evaluator, written as plainly as the User Guide puts it: it decides
// one concrete request and knows nothing of sets, formulas and open keys. The
// property tests hold the engine against it.

type plainCondition struct {
	Op, Key string
	Values  []string
}

type plainStatement struct {
	Deny         bool
	NotAction    bool
	Actions      []string
	NotResource  bool
	Resources    []string // none: the element is left out
	NotPrincipal bool
	Principals   []string // of AWS; none: the element is left out
	Conditions   []plainCondition
}

type plainPolicy []plainStatement

func (p plainPolicy) document() []byte {
	list := []map[string]any{}
	for _, s := range p {
		m := map[string]any{"Effect": "Allow"}
		if s.Deny {
			m["Effect"] = "Deny"
		}
		m[map[bool]string{false: "Action", true: "NotAction"}[s.NotAction]] = s.Actions
		if s.Resources != nil {
			m[map[bool]string{false: "Resource", true: "NotResource"}[s.NotResource]] = s.Resources
		}
		if s.Principals != nil {
			m[map[bool]string{false: "Principal", true: "NotPrincipal"}[s.NotPrincipal]] = map[string]any{"AWS": s.Principals}
		}
		conditions := map[string]map[string][]string{}
		for _, c := range s.Conditions {
			if conditions[c.Op] == nil {
				conditions[c.Op] = map[string][]string{}
			}
			conditions[c.Op][c.Key] = c.Values
		}
		if len(conditions) > 0 {
			m["Condition"] = conditions
		}
		list = append(list, m)
	}
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
	if err != nil {
		panic(err)
	}
	return b
}

// plainRequest is one concrete request: every key has its values or is absent.
type plainRequest struct {
	Action, Resource string
	Account          string // the resource's
	Principal        string
	Kind             Kind
	Home             string // the principal's account
	Name, Session    string
	Context          map[string][]string
}

// plainWorld is what binds the request.
type plainWorld struct {
	Identity   []plainPolicy
	Boundary   *plainPolicy
	Session    *plainPolicy
	SCPs, RCPs []plainPolicy // one policy a level
	Resource   *plainPolicy
}

// glob matches * and ? the slow and sure way.
func glob(pattern, s string) bool {
	if pattern == "" {
		return s == ""
	}
	switch pattern[0] {
	case '*':
		for i := 0; i <= len(s); i++ {
			if glob(pattern[1:], s[i:]) {
				return true
			}
		}
		return false
	case '?':
		return s != "" && glob(pattern[1:], s[1:])
	}
	return s != "" && s[0] == pattern[0] && glob(pattern[1:], s[1:])
}

func globARN(pattern, s string) bool {
	p, v := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(p) != len(v) {
		return false
	}
	for i := range p {
		if !glob(p[i], v[i]) {
			return false
		}
	}
	return true
}

// fill puts the values of variables into a text, with the marks that keep
// their characters from being special. ok is false if one has no value.
func fill(text string, context map[string][]string) (out string, ok bool) {
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			return out + text, true
		}
		end := at + strings.Index(text[at:], "}")
		name, fallback, has := strings.Cut(text[at+2:end], ",")
		vs, there := context[name]
		switch {
		case there && len(vs) == 1:
			out += text[:at] + vs[0]
		case has:
			out += text[:at] + strings.Trim(strings.TrimSpace(fallback), "'")
		default:
			return "", false
		}
		text = text[end+1:]
	}
}

// holds evaluates one condition; undefined says that the guide does not say.
func (c plainCondition) holds(context map[string][]string) (result, undefined bool) {
	op, ifExists := strings.CutSuffix(c.Op, "IfExists")
	set := ""
	if head, rest, ok := strings.Cut(op, ":"); ok {
		set, op = head, rest
	}
	got, there := context[c.Key]
	if op == "Null" {
		return slices.Contains(c.Values, strconv.FormatBool(!there)), false
	}
	negated := strings.Contains(op, "Not")
	op = strings.Replace(op, "Not", "", 1)
	if !there {
		switch {
		case ifExists, set == "ForAllValues":
			return true, false
		case set == "ForAnyValue":
			return false, false
		}
		return negated, false
	}
	one := func(v string) bool {
		in := slices.ContainsFunc(c.Values, func(want string) bool {
			want, ok := fill(want, context)
			undefined = undefined || !ok && negated
			return ok && compareOne(op, want, v)
		})
		return in != negated
	}
	switch set {
	case "ForAllValues":
		return !slices.ContainsFunc(got, func(v string) bool { return !one(v) }), undefined
	case "ForAnyValue":
		return slices.ContainsFunc(got, one), undefined
	}
	return one(got[0]), undefined
}

func compareOne(op, want, v string) bool {
	order := func(a, b float64) bool {
		switch op[strings.IndexAny(op[1:], "ELG")+1:] {
		case "Equals":
			return a == b
		case "LessThan":
			return a < b
		case "LessThanEquals":
			return a <= b
		case "GreaterThan":
			return a > b
		case "GreaterThanEquals":
			return a >= b
		}
		panic(op)
	}
	switch {
	case op == "StringEquals":
		return v == want
	case op == "StringEqualsIgnoreCase":
		return strings.EqualFold(v, want)
	case op == "StringLike":
		return glob(want, v)
	case strings.HasPrefix(op, "Arn"):
		return globARN(want, v)
	case strings.HasPrefix(op, "Numeric"):
		a, _ := strconv.ParseFloat(v, 64)
		b, _ := strconv.ParseFloat(want, 64)
		return order(a, b)
	case strings.HasPrefix(op, "Date"):
		a, _ := time.Parse(time.RFC3339, v)
		b, _ := time.Parse(time.RFC3339, want)
		return order(float64(a.Unix()), float64(b.Unix()))
	case op == "Bool":
		return strings.EqualFold(v, want)
	case op == "IpAddress":
		if !strings.Contains(want, "/") {
			return v == want
		}
		return netip.MustParsePrefix(want).Contains(netip.MustParseAddr(v))
	}
	panic(op)
}

// speaks says whether a statement is about the request, whoever asks it.
func (s plainStatement) speaks(r *plainRequest) (yes, undefined bool) {
	in := func(list []string, match func(p string) bool) bool { return slices.ContainsFunc(list, match) }
	if in(s.Actions, func(p string) bool { return glob(strings.ToLower(p), strings.ToLower(r.Action)) }) == s.NotAction {
		return false, false
	}
	if s.Resources != nil {
		lacking := false
		hit := in(s.Resources, func(p string) bool {
			p, ok := fill(p, r.Context)
			lacking = lacking || !ok
			return ok && glob(p, r.Resource)
		})
		if hit == s.NotResource {
			return false, false
		}
		undefined = lacking && s.NotResource
	}
	for _, c := range s.Conditions {
		holds, not := c.holds(r.Context)
		if !holds && !not {
			return false, false
		}
		undefined = undefined || not
	}
	return true, undefined
}

// verdict is what one set of policies says to a request.
func verdict(r *plainRequest, policies ...plainPolicy) (allows, denies, undefined bool) {
	for _, p := range policies {
		for _, s := range p {
			yes, not := s.speaks(r)
			undefined = undefined || not
			allows = allows || yes && !s.Deny
			denies = denies || yes && s.Deny
		}
	}
	return
}

// decide is the evaluation logic of the User Guide for one request.
func (w *plainWorld) decide(r *plainRequest) (allowed, undefined bool) {
	denied := false
	layer := func(policies ...plainPolicy) bool {
		a, d, u := verdict(r, policies...)
		undefined, denied = undefined || u, denied || d
		return a
	}
	identity := r.Kind == Root || layer(w.Identity...)
	limits := true
	if w.Boundary != nil {
		limits = layer(*w.Boundary) && limits
	}
	if w.Session != nil {
		limits = layer(*w.Session) && limits
	}
	controls := true
	for _, p := range append(slices.Clone(w.SCPs), w.RCPs...) {
		controls = layer(p) && controls
	}
	var direct, role bool
	cross := r.Home != r.Account
	named := false
	if w.Resource != nil {
		for _, s := range *w.Resource {
			d, ro, acc, odd := s.names(r)
			if odd {
				undefined = true
			}
			if !d && !ro && !acc {
				continue
			}
			yes, not := s.speaks(r)
			undefined = undefined || not
			if !yes {
				continue
			}
			if s.Deny {
				denied = true
				continue
			}
			direct, role, named = direct || d, role || ro, true
		}
	}
	if denied || !controls {
		return false, undefined
	}
	if cross {
		return identity && limits && named, undefined
	}
	return identity && limits || direct || role && limits, undefined
}

// names says how a statement of a resource's policy names the principal: by
// himself (user, root, session), by his role or everyone, by his account.
func (s plainStatement) names(r *plainRequest) (direct, role, account, odd bool) {
	has := func(p string) bool { return slices.Contains(s.Principals, p) }
	session := "arn:aws:sts::" + r.Home + ":assumed-role/" + r.Name + "/" + r.Session
	root := has(r.Home) || has("arn:aws:iam::"+r.Home+":root")
	if s.NotPrincipal {
		spared := root
		part := root
		if r.Kind != Root {
			spared, part = spared && has(r.Principal), part || has(r.Principal)
		}
		if r.Kind == Role {
			spared, part = spared && has(session), part || has(session)
		}
		switch {
		case spared:
			return
		case part:
			return false, false, false, true
		}
		return true, false, false, false
	}
	switch r.Kind {
	case Role:
		return has(session) || has("*"), has(r.Principal), root, false
	case Root:
		return root || has("*"), false, false, false
	}
	return has(r.Principal) || has("*"), false, root, false
}
