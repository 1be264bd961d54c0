package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Statement is one statement of a policy document, normalised: what the
// language writes as a string or a list is a list.
type Statement struct {
	// Index is the statement's place in the document, from 0.
	Index int
	Sid   string
	// Effect is "Allow" or "Deny", as written.
	Effect string
	// Principals and NotPrincipals are nil in an identity's policy.
	Principals, NotPrincipals []Principal
	Actions, NotActions       []string
	Resources, NotResources   []string
	Conditions                []Condition
}

// Principal is one entry of a Principal element.
type Principal struct {
	// Type is "AWS", "Service", "Federated", "CanonicalUser", or "*" where the
	// whole element is "*".
	Type string
	// ID is the value as written.
	ID string
}

// Condition is one operator and key with its values.
type Condition struct {
	Operator, Key string
	Values        []string
}

// Anyone reports whether the statement's principals are everyone, anonymous
// ones included.
func (s *Statement) Anyone() bool {
	for _, p := range s.Principals {
		if p.ID == "*" && (p.Type == "AWS" || p.Type == "*") {
			return true
		}
	}
	return false
}

// Statements reads a policy document: an object, or a string that holds one,
// URL-encoded or not. A statement that cannot be read whole is left out and
// named in a problem (paths start at "Statement"), so that who sees no problem
// has every statement.
func Statements(doc json.RawMessage) ([]Statement, []estate.Problem) {
	r := &reading{a: &estate.Asset{}}
	var v any
	if len(bytes.TrimSpace(doc)) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(doc, &v); err != nil {
		return nil, []estate.Problem{{Path: "", Why: "not JSON: " + err.Error()}}
	}
	st := statements(node{r: r, v: v})
	for i := range r.out.Problems {
		r.out.Problems[i].Path = strings.TrimPrefix(r.out.Problems[i].Path, ".")
	}
	return st, r.out.Problems
}

// statements reads the policy document that stands at n.
func statements(n node) []Statement {
	n = document(n)
	if !n.ok() {
		return nil
	}
	all := n.at("Statement")
	if !all.ok() {
		if _, isObject := n.v.(map[string]any); isObject {
			n.problem("a policy document without Statement")
		}
		return nil
	}
	if _, single := all.v.(map[string]any); single { // the language allows one without a list
		if s, ok := statement(all, 0); ok {
			return []Statement{s}
		}
		return nil
	}
	var out []Statement
	i := 0
	for item := range all.items() {
		if s, ok := statement(item, i); ok {
			out = append(out, s)
		}
		i++
	}
	return out
}

// NoObject is the problem of a policy document that is a text and no JSON.
const NoObject = "a string that holds no JSON object"

// document opens a policy document kept as a string.
func document(n node) node {
	s, isString := n.v.(string)
	if !isString {
		return n
	}
	if s == "" {
		return node{r: n.r, path: n.path}
	}
	if !strings.HasPrefix(strings.TrimSpace(s), "{") {
		if decoded, err := url.PathUnescape(s); err == nil {
			s = decoded
		}
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		n.problem(NoObject)
		return node{r: n.r, path: n.path}
	}
	return node{r: n.r, path: n.path, v: v}
}

// statement reads one statement; false when part of it could not be read.
func statement(n node, index int) (Statement, bool) {
	if _, isObject := n.v.(map[string]any); !isObject {
		n.problem("expected a statement object, found " + typeName(n.v))
		return Statement{}, false
	}
	d := &strict{}
	s := Statement{
		Index:         index,
		Sid:           d.text(n.at("Sid")),
		Effect:        d.text(n.at("Effect")),
		Principals:    d.principals(n.at("Principal")),
		NotPrincipals: d.principals(n.at("NotPrincipal")),
		Actions:       d.list(n.at("Action")),
		NotActions:    d.list(n.at("NotAction")),
		Resources:     d.list(n.at("Resource")),
		NotResources:  d.list(n.at("NotResource")),
		Conditions:    d.conditions(n.at("Condition")),
	}
	if s.Effect != "Allow" && s.Effect != "Deny" {
		d.bad(node{r: n.r, path: n.path + ".Effect"}, fmt.Sprintf("effect %.40q is neither Allow nor Deny", s.Effect))
	}
	if len(s.Actions) == 0 && len(s.NotActions) == 0 {
		d.bad(n, "a statement with neither Action nor NotAction")
	}
	return s, !d.failed
}

// strict reads members and remembers whether one was not what it must be.
type strict struct{ failed bool }

func (d *strict) bad(n node, why string) {
	d.failed = true
	n.problem(why)
}

func (d *strict) text(n node) string {
	s, isString := n.v.(string)
	if n.ok() && !isString {
		d.bad(n, "expected a string, found "+typeName(n.v))
	}
	return s
}

// list reads a string or a list of strings. Condition values may also be
// numbers and booleans, which the language reads as their spelling.
func (d *strict) list(n node) []string {
	switch v := n.v.(type) {
	case nil:
		return nil
	case []any:
		out := make([]string, 0, len(v))
		for item := range n.items() {
			if s, ok := scalar(item.v); ok {
				out = append(out, s)
			} else {
				d.bad(item, "expected a string, found "+typeName(item.v))
			}
		}
		return out
	default:
		if s, ok := scalar(v); ok {
			return []string{s}
		}
		d.bad(n, "expected a string or a list of strings, found "+typeName(v))
		return nil
	}
}

// scalar spells a JSON scalar as the policy language reads it.
func scalar(v any) (string, bool) {
	switch t := v.(type) {
	case string:
		return t, true
	case bool, float64:
		b, err := json.Marshal(t)
		return string(b), err == nil
	}
	return "", false
}

func (d *strict) principals(n node) []Principal {
	switch v := n.v.(type) {
	case nil:
		return nil
	case string:
		if v == "*" {
			return []Principal{{Type: "*", ID: "*"}}
		}
		d.bad(n, `a principal that is a string can only be "*"`)
		return nil
	case map[string]any:
		var out []Principal
		for typ, ids := range n.members() {
			for _, id := range d.list(ids) {
				if id == "" {
					d.bad(ids, "an empty principal")
					continue
				}
				out = append(out, Principal{Type: typ, ID: id})
			}
		}
		return out
	}
	d.bad(n, "expected a principal, found "+typeName(n.v))
	return nil
}

func (d *strict) conditions(n node) []Condition {
	if _, isObject := n.v.(map[string]any); n.ok() && !isObject {
		d.bad(n, "expected an object, found "+typeName(n.v))
		return nil
	}
	var out []Condition
	for op, keys := range n.members() {
		if _, isObject := keys.v.(map[string]any); !isObject {
			d.bad(keys, "expected an object, found "+typeName(keys.v))
			continue
		}
		for key, values := range keys.members() {
			out = append(out, Condition{Operator: op, Key: key, Values: d.list(values)})
		}
	}
	return out
}
