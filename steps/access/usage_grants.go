package access

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// given1 is one allowing statement of a principal's policies.
type given1 struct {
	policy string // the policy's id
	name   string // Sid, or "#" and the place
	index  int
	st     aws.Statement
	pol    *iam.Policy
	// acts and res are its patterns; a variable stands for any text.
	acts, notActs, res, notRes []iam.Pattern
}

// allows lists the allowing statements of a principal's policies. unread says of
// policies why they are not among them.
func (m *Amazon) allows(p *iam.Principal) (out []given1, unread []string) {
	if p.Unread != "" {
		unread = append(unread, p.ARN+": "+p.Unread)
	}
	for _, pol := range p.Policies {
		doc := m.document(pol.ID)
		if len(doc) == 0 {
			unread = append(unread, pol.ID+": its document was not read")
			continue
		}
		statements, problems := aws.Statements(doc)
		for _, problem := range problems {
			unread = append(unread, pol.ID+": "+problem.Path+": "+problem.Why)
		}
		for _, s := range statements {
			if s.Effect != "Allow" {
				continue
			}
			g := given1{policy: pol.ID, name: s.Sid, index: s.Index, st: s, pol: pol}
			if g.name == "" {
				g.name = "#" + strconv.Itoa(s.Index)
			}
			g.acts, g.notActs = patterns(s.Actions, true), patterns(s.NotActions, true)
			g.res, g.notRes = patterns(s.Resources, false), patterns(s.NotResources, false)
			out = append(out, g)
		}
	}
	return out, unread
}

func patterns(texts []string, fold bool) (out []iam.Pattern) {
	for _, t := range texts {
		if !fold {
			t = opened(t)
		}
		out = append(out, iam.NewPattern(t, fold))
	}
	return out
}

// opened puts any text in the place of each policy variable.
func opened(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, s, ok = strings.Cut(rest, "}")
		if !ok {
			b.WriteString("${" + rest)
			return b.String()
		}
		b.WriteByte('*')
	}
}

// grantsAction reports whether a statement names an action.
func (g *given1) grantsAction(action string) bool {
	match := func(ps []iam.Pattern) bool {
		return slices.ContainsFunc(ps, func(p iam.Pattern) bool { return p.Match(action) })
	}
	if len(g.notActs) > 0 {
		return !match(g.notActs)
	}
	return match(g.acts)
}

// grantsOn reports whether a statement names a resource; a resource that is not
// told ("*") may be any.
func (g *given1) grantsOn(arn string) bool {
	if arn == "*" {
		return true
	}
	match := func(ps []iam.Pattern) bool {
		return slices.ContainsFunc(ps, func(p iam.Pattern) bool { return p.Match(arn) })
	}
	if len(g.notRes) > 0 {
		return !match(g.notRes)
	}
	return len(g.res) == 0 || match(g.res)
}

// actions lists the known actions that a statement grants.
func (g *given1) actions() (out []*reference.Action) {
	if len(g.st.NotActions) > 0 {
		for i := range reference.Count() {
			if a := reference.ByID(i); g.grantsAction(a.String()) {
				out = append(out, a)
			}
		}
		return out
	}
	seen := map[int]bool{}
	for _, p := range g.st.Actions {
		for _, a := range reference.Expand(p) {
			if !seen[a.ID] {
				seen[a.ID] = true
				out = append(out, a)
			}
		}
	}
	slices.SortFunc(out, func(a, b *reference.Action) int { return a.ID - b.ID })
	return out
}

// unknownActions are those that a statement names in full and nobody knows.
func (g *given1) unknownActions() (out []string) {
	for _, p := range g.st.Actions {
		if len(reference.Expand(p)) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// document is the text of a policy; nil if it is not at hand.
func (m *Amazon) document(policy string) json.RawMessage {
	if at, ok := m.places[policy]; ok {
		config, err := m.snap.Config(at.node)
		if err != nil {
			return nil
		}
		doc := lookup(config, at.path)
		var s string
		if json.Unmarshal(doc, &s) == nil {
			doc = json.RawMessage(unescaped(s))
		}
		return doc
	}
	if doc, ok := reference.Managed(policy); ok {
		return doc
	}
	return nil
}
