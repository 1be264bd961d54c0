package iam

import (
	"strconv"
	"strings"
)

// Comparison says whether one policy allows what another does not.
type Comparison struct {
	// Broader is "yes", "no" or "unknown".
	Broader string `json:"broader"`
	// Witness is a request that the new policy allows and the old one does not.
	Witness *RequestShape `json:"witness,omitempty"`
	// Unknown says what the answer hangs on if it is unknown.
	Unknown []string `json:"unknown,omitempty"`
}

// RequestShape is a request of a comparison.
type RequestShape struct {
	// Principal is set for policies that name principals: an ARN, an account,
	// a service's name, or "*" for somebody whom neither names.
	Principal string              `json:"principal,omitempty"`
	Action    string              `json:"action"`
	Resource  string              `json:"resource"`
	Context   map[string][]string `json:"context,omitempty"`
}

// Compare decides whether the policies of new together allow a request that
// those of old do not, whoever asks and whatever the context. Policies on each
// side count as those of one principal: any may allow, and each may deny. Only
// the documents count, not what else binds whoever holds them.
//
// A variable stands for any text, the same one for the same variable on both
// sides.
func (w *World) Compare(old, new []*Policy) Comparison {
	d := &decider{budget: 8 * maxWork, env: env{w: w, generic: true, principal: &Principal{Kind: User}}}
	d.actionSet, d.resourceSet = set{NewPattern("*", true)}, set{NewPattern("*", false)}
	f := all(d.allows(new), negate(d.allows(old)))
	out := d.sometimes(f)
	switch out.decision {
	case Deny:
		return Comparison{Broader: "no"}
	case Unknown:
		return Comparison{Broader: "unknown", Unknown: out.why}
	}
	a := Answer{}
	context := d.witness(out.model, &a)
	shape := &RequestShape{Action: a.Action, Resource: a.Resource, Context: context}
	if p, ok := context[wellKnown[keyPrincipal]]; ok {
		shape.Principal = strings.Join(p, ", ")
		delete(context, wellKnown[keyPrincipal])
	}
	if shape.Action == "" {
		shape.Action = "*"
	}
	if shape.Resource == "" {
		shape.Resource = "*"
	}
	for k, vs := range context {
		for i, v := range vs {
			vs[i] = w.readable(v)
		}
		context[k] = vs
	}
	shape.Resource = w.readable(shape.Resource)
	return Comparison{Broader: "yes", Witness: shape}
}

// allows is the formula by which a set of policies allows a request.
func (d *decider) allows(policies []*Policy) *node {
	var allow, deny gate
	for _, p := range policies {
		d.addOne(p, func(s *Statement) (*gate, truth) {
			t := yes
			if s.hasPrincipal {
				t = open
			}
			if s.Deny {
				return &deny, t
			}
			return &allow, t
		})
		if p.unread != "" {
			why := p.ID + ": " + p.unread
			allow.may(conj{lits: []lit{d.unknown(why + " (what it allows)")}, policy: p})
			deny.may(conj{lits: []lit{d.unknown(why + " (what it denies)")}, policy: p})
		}
	}
	return all(leaf(&allow), negate(leaf(&deny)))
}

// sometimes says whether a formula can hold: Deny if not, Conditional with a
// model if it can, Unknown if that hangs on an open truth value.
func (d *decider) sometimes(f *node) outcome {
	ids := opaqueOf(f)
	why := make([]string, len(ids))
	for i, id := range ids {
		why[i] = d.opaque[id-1]
	}
	s := d.solver()
	model, t := s.satisfy(f)
	switch {
	case t == no:
		return outcome{decision: Deny}
	case t == open:
		return outcome{decision: Unknown, why: append(why, errHard.Error())}
	case len(ids) == 0:
		return outcome{decision: Conditional, model: model}
	case len(ids) > maxOpaque:
		return outcome{decision: Unknown, why: why}
	}
	for mask := range 1 << len(ids) {
		truths := map[int]bool{}
		for i, id := range ids {
			truths[id] = mask>>i&1 == 1
		}
		if model, t = s.satisfy(f.given(truths)); t != yes {
			return outcome{decision: Unknown, why: why}
		}
	}
	return outcome{decision: Conditional, model: model}
}

// principalValues spells the principals of a statement as values of one key,
// so that a search can choose among them.
func principalValues(ps *principals) *values {
	var v values
	add := func(kind string, names []string) {
		for _, n := range names {
			v.strings = append(v.strings, newLiteral(kind+n, false))
		}
	}
	if ps.everyone {
		v.strings = append(v.strings, NewPattern("*", false))
		return &v
	}
	for _, a := range ps.accounts {
		v.strings = append(v.strings, NewPattern("arn:aws:*::"+a+":*", false))
	}
	add("", ps.arns)
	add("", ps.services)
	add("", ps.federated)
	add("canonical user ", ps.canonical)
	add("", ps.other)
	return &v
}

// Marks of a variable that stands for itself, of the Unicode private use area.
const variableOpen, variableClose = '\uE100', '\uE101'

// symbol is the text that stands for a variable's unknown value: one that no
// policy writes.
func symbol(k key32) string {
	return string(variableOpen) + strconv.Itoa(int(k)) + string(variableClose)
}

// readable writes the variables of a witness as policies write them.
func (w *World) readable(s string) string {
	for {
		from := strings.IndexRune(s, variableOpen)
		to := strings.IndexRune(s, variableClose)
		if from < 0 || to < from {
			return s
		}
		n, err := strconv.Atoi(s[from+len(string(variableOpen)) : to])
		if err != nil || n >= len(w.names.text) {
			return s
		}
		s = s[:from] + "${" + w.names.text[n] + "}" + s[to+len(string(variableClose)):]
	}
}
