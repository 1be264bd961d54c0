package iam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Policy is a compiled policy document.
type Policy struct {
	// These two stand first, side by side, since most questions read nothing else
	// of a policy. unread says that the document as a whole was not understood or
	// not read.
	unread string
	index  index

	// ID names the policy in answers: an ARN, or the name of what it hangs on.
	ID         string
	Statements []Statement
	// Problems are what was not understood of it, in words that name the place.
	// A statement with a problem is an open truth value in every decision it
	// might bear on.
	Problems []string
}

// Statement is one compiled statement.
type Statement struct {
	// Sid as written; empty if there is none.
	Sid string
	// Index in the document, from 0.
	Index int
	// Deny is the statement's effect.
	Deny bool

	actions      []Pattern
	notAction    bool
	resources    []template
	plain        set // the resources that hold no variable
	everything   bool
	notResource  bool
	hasResource  bool
	principals   principals
	hasPrincipal bool
	print        int32 // of what it says: two with the same number say the same
	conditions   []atom
	// wrong says why the statement was not understood.
	wrong string
	// Which parts of it were not: the others still say what it is not about.
	whole, noEffect, wrongResource, wrongPrincipal, wrongCondition bool
}

// Name is the statement's Sid or its number, for messages.
func (s *Statement) Name() string {
	if s.Sid != "" {
		return s.Sid
	}
	return "#" + strconv.Itoa(s.Index)
}

// principals are those a statement of a resource policy names.
type principals struct {
	not       bool
	everyone  bool
	accounts  []string
	arns      []string // users, roles, sessions, federated users
	services  []string
	federated []string
	canonical []string
	other     []string // unique ids of principals that are gone
}

// maxDocument bounds the text of one policy, far above every quota of the
// provider (20 KB of a bucket's, 32 KB of a key's).
const maxDocument = 4 << 20

// Parse compiles a policy document: JSON, or JSON in percent-encoding as the
// IAM API returns it. It never fails: a document that is not understood is a
// policy that leaves every decision open, with the reason in Problems.
func (w *World) Parse(id string, document []byte) *Policy {
	p := &Policy{ID: id}
	doc := bytes.TrimSpace(document)
	if len(doc) > maxDocument {
		return p.fail(fmt.Sprintf("the document is larger than %d bytes", maxDocument))
	}
	if len(doc) > 0 && doc[0] == '"' {
		var s string
		if err := json.Unmarshal(doc, &s); err != nil {
			return p.fail("not JSON: " + err.Error())
		}
		doc = []byte(strings.TrimSpace(s))
	}
	if len(doc) > 0 && doc[0] == '%' {
		if s, err := url.PathUnescape(string(doc)); err == nil {
			doc = []byte(s)
		}
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(doc, &top); err != nil || top == nil {
		why := "it is null"
		if err != nil {
			why = err.Error()
		}
		return p.fail("not a JSON object: " + why)
	}
	if name := twice(doc); name != "" {
		return p.fail(fmt.Sprintf("the member %q stands twice in one object, and the service refuses such a document", name))
	}
	variables := false
	for name, v := range top {
		switch name {
		case "Version":
			var version string
			if err := json.Unmarshal(v, &version); err != nil || (version != "2012-10-17" && version != "2008-10-17") {
				p.Problems = append(p.Problems, "Version: neither 2012-10-17 nor 2008-10-17")
				p.unread = "its Version is not one of the policy language"
				return p
			}
			variables = version == "2012-10-17"
		case "Id", "Statement":
		default:
			return p.fail(fmt.Sprintf("%s: no element of the policy language", name))
		}
	}
	raw, ok := top["Statement"]
	if !ok {
		return p.fail("Statement: missing")
	}
	list, err := listOf(raw)
	if err != nil {
		return p.fail("Statement: " + err.Error())
	}
	p.Statements = make([]Statement, len(list))
	for i, item := range list {
		s := &p.Statements[i]
		s.Index, s.print = i, w.names.print(item, variables)
		w.statement(s, item, variables)
		if s.wrong != "" {
			p.Problems = append(p.Problems, fmt.Sprintf("Statement[%d]: %s", i, s.wrong))
		}
		for _, c := range s.conditions {
			if c.wrong != "" {
				p.Problems = append(p.Problems, fmt.Sprintf("Statement[%d].Condition: %s", i, c.wrong))
			}
		}
	}
	p.index = newIndex(p.Statements, w.names)
	return p
}

// Unread is a policy of which nothing is known but that it is there.
func Unread(id, why string) *Policy { return (&Policy{ID: id}).fail(why) }

func (p *Policy) fail(why string) *Policy {
	p.unread = why
	p.Problems = append(p.Problems, why)
	return p
}

// listOf reads a list, or one item that the language lets stand without one.
func listOf(raw json.RawMessage) ([]json.RawMessage, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '[' {
		var list []json.RawMessage
		err := json.Unmarshal(raw, &list)
		return list, err
	}
	if len(raw) == 0 || string(raw) == "null" {
		return nil, fmt.Errorf("empty")
	}
	return []json.RawMessage{raw}, nil
}

// textsOf reads a string or a list of strings; numbers and truth values are
// taken as they are written, which the language allows in conditions.
func textsOf(raw json.RawMessage) ([]string, error) {
	list, err := listOf(raw)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		item = bytes.TrimSpace(item)
		switch {
		case len(item) == 0:
			return nil, fmt.Errorf("empty")
		case item[0] == '"':
			var s string
			if err := json.Unmarshal(item, &s); err != nil {
				return nil, err
			}
			out = append(out, s)
		case item[0] == '{' || item[0] == '[' || item[0] == 'n':
			return nil, fmt.Errorf("neither text nor a list of texts")
		default:
			out = append(out, string(item))
		}
	}
	return out, nil
}

func (w *World) statement(s *Statement, raw json.RawMessage, variables bool) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		s.wrong, s.whole, s.noEffect = "not an object", true, true
		return
	}
	wrong := func(part *bool, place string, err error) {
		*part = true
		if s.wrong == "" {
			s.wrong = place + ": " + err.Error()
		}
	}
	var effect string
	if err := json.Unmarshal(m["Effect"], &effect); err != nil || (effect != "Allow" && effect != "Deny") {
		wrong(&s.noEffect, "Effect", fmt.Errorf("neither Allow nor Deny"))
	}
	s.Deny = effect == "Deny"
	for _, name := range sortedKeys(m) {
		v := m[name]
		switch name {
		case "Sid":
			if err := json.Unmarshal(v, &s.Sid); err != nil {
				wrong(&s.whole, name, fmt.Errorf("no text"))
			}
		case "Effect":
		case "Action", "NotAction":
			s.readActions(name, v, w.names, wrong)
		case "Resource", "NotResource":
			w.readResources(s, name, v, variables, wrong)
		case "Principal", "NotPrincipal":
			s.hasPrincipal, s.principals.not = true, name == "NotPrincipal"
			if err := s.principals.read(v); err != nil {
				wrong(&s.wrongPrincipal, name, err)
			}
		case "Condition":
			if err := w.conditions(s, v, variables); err != nil {
				wrong(&s.wrongCondition, name, err)
			}
		default:
			wrong(&s.whole, name, fmt.Errorf("no element of the policy language"))
		}
	}
	if len(s.actions) == 0 {
		wrong(&s.whole, "Action", fmt.Errorf("missing"))
	}
	for _, pair := range [][2]string{{"Action", "NotAction"}, {"Resource", "NotResource"}, {"Principal", "NotPrincipal"}} {
		_, a := m[pair[0]]
		_, b := m[pair[1]]
		if a && b {
			wrong(&s.whole, pair[1], fmt.Errorf("stands beside %s", pair[0]))
		}
	}
}

func (s *Statement) readActions(name string, v json.RawMessage, n *names, wrong func(part *bool, place string, err error)) {
	s.notAction = name == "NotAction"
	texts, err := textsOf(v)
	if err != nil {
		wrong(&s.whole, name, err)
	}
	for _, t := range texts {
		if t != "*" && !strings.Contains(t, ":") {
			wrong(&s.whole, name, fmt.Errorf("%q names no service", t))
		}
		s.actions = append(s.actions, n.actionPattern(t))
	}
}

func (w *World) readResources(s *Statement, name string, v json.RawMessage, variables bool, wrong func(part *bool, place string, err error)) {
	s.hasResource, s.notResource = true, name == "NotResource"
	texts, err := textsOf(v)
	if err == nil && len(texts) == 0 {
		err = fmt.Errorf("empty")
	}
	if err != nil {
		wrong(&s.wrongResource, name, err)
	}
	for _, t := range texts {
		tmpl, err := newTemplate(t, asWildcard, variables, w.names)
		switch {
		case err != nil:
			wrong(&s.wrongResource, name, err)
		case tmpl.parts == nil:
			s.plain = append(s.plain, tmpl.pattern)
			s.everything = s.everything || tmpl.pattern.shape == any_
		default:
			s.resources = append(s.resources, tmpl)
		}
	}
}

func (w *World) conditions(s *Statement, raw json.RawMessage, variables bool) error {
	var ops map[string]map[string]json.RawMessage
	if err := json.Unmarshal(raw, &ops); err != nil || ops == nil {
		return fmt.Errorf("not an object of operators with objects of keys")
	}
	seen := map[string]bool{}
	for _, op := range sortedKeys(ops) {
		if ops[op] == nil {
			return fmt.Errorf("%s: not an object of keys", op)
		}
		for _, key := range sortedKeys(ops[op]) {
			texts, err := textsOf(ops[op][key])
			if err != nil && !strings.Contains(err.Error(), "empty") {
				return fmt.Errorf("%s %s: %w", op, key, err)
			}
			folded := lower(op + " " + key)
			if seen[folded] {
				return fmt.Errorf("%s %s: stands twice, and letter case does not tell them apart", op, key)
			}
			seen[folded] = true
			s.conditions = append(s.conditions, newAtom(op, key, texts, variables, w.names))
		}
	}
	return nil
}

func (p *principals) read(raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) > 0 && raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		if s != "*" {
			return fmt.Errorf("%q: a text alone can be * only", s)
		}
		p.everyone = true
		return nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return fmt.Errorf("neither * nor an object")
	}
	if len(m) == 0 {
		return fmt.Errorf("empty")
	}
	for _, kind := range sortedKeys(m) {
		texts, err := textsOf(m[kind])
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		for _, t := range texts {
			switch kind {
			case "AWS":
				if err := p.aws(t); err != nil {
					return err
				}
			case "Service":
				if strings.ContainsAny(t, "*?") {
					return fmt.Errorf("%q: the name of a service holds no wildcard", t)
				}
				p.services = append(p.services, lower(t))
			case "Federated":
				if strings.ContainsAny(t, "*?") {
					return fmt.Errorf("%q: the name of an identity provider holds no wildcard", t)
				}
				p.federated = append(p.federated, t)
			case "CanonicalUser":
				p.canonical = append(p.canonical, t)
			default:
				return fmt.Errorf("%s: no kind of principal", kind)
			}
		}
	}
	return nil
}

func (p *principals) aws(t string) error {
	switch {
	case t == "*":
		p.everyone = true
	case isAccount(t):
		p.accounts = append(p.accounts, t)
	case strings.HasPrefix(t, "arn:"):
		parts := strings.SplitN(t, ":", arnParts)
		if len(parts) == arnParts && parts[5] == "root" {
			p.accounts = append(p.accounts, parts[4])
			return nil
		}
		if strings.ContainsAny(t, "*?") {
			return fmt.Errorf("%q: the ARN of a principal holds no wildcard", t)
		}
		p.arns = append(p.arns, t)
	case strings.ContainsAny(t, "*?:/ "):
		return fmt.Errorf("%q: neither an ARN, an account nor a unique id", t)
	default:
		p.other = append(p.other, t)
	}
	return nil
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}
