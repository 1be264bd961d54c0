package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// question is an action that shows a level on assets of a type.
type question struct {
	level  Level
	action string // "sagemaker:DeleteModel"
	lower  string
	inside string // what is appended to the asset's ARN
	worth  worth
}

// worth says how much a question may still tell, best first: that a statement
// without conditions names the action, that only one with conditions does, that
// only a policy may that was not read.
type worth uint8

const (
	plainly worth = iota
	ifMet
	perhaps
)

// mostUntold is after how many answers of a level that could not be told no more
// are asked: what left those open leaves the others open too. It can only make
// unknown what is allowed.
const mostUntold = 12

// levelOf is how an action touches what it works on.
func levelOf(service, name string) Level {
	if l, ok := telling[service][name]; ok {
		return l
	}
	if a, ok := reference.Lookup(service, name); ok && a.Level == reference.Permissions && service != "iam" && service != "sts" {
		return Administer
	}
	return ofName(name, service)
}

// questionsOf lists the actions of AWS's reference that work on assets like an
// object, or on what is inside it, with the level of each.
func (v *view) questionsOf(o *object) []question {
	typ := v.snap.Asset(o.node).Type
	if known, ok := v.questions[typ]; ok {
		return known
	}
	insides := []string{""}
	for _, d := range deeds[typ] {
		if !slices.Contains(insides, d.inside) {
			insides = append(insides, d.inside)
		}
	}
	var out []question
	for _, service := range append([]string{o.arn.Service}, beside[o.arn.Service]...) {
		for _, a := range reference.Actions(service) {
			l := levelOf(service, a.Name)
			if l == 0 {
				continue
			}
			for _, in := range insides {
				if slices.ContainsFunc(a.Uses, func(u reference.Use) bool {
					form := formOf(u.Resource.ARN)
					return expr.Glob(form, o.id+in) && (in == "" || !expr.Glob(form, o.id))
				}) {
					out = append(out, question{level: l, action: a.String(), lower: strings.ToLower(a.String()), inside: in})
				}
			}
		}
	}
	v.questions[typ] = out
	return out
}

// bits are a set of a type's questions, by their place.
type bits []uint64

func (b bits) has(i int) bool { return b[i/64]>>(i%64)&1 != 0 }

// asking are the questions about assets of a type that some statement of a class
// may allow, those that tell most first: the same list for all that have the same.
type asking struct {
	list []question
	id   int32
}

// fitKey is a pattern of actions, and whose questions it is held against.
type fitKey struct{ typ, pattern string }

// fits are the questions of a type whose action a pattern names.
func (v *view) fits(typ string, all []question, pattern string) bits {
	key := fitKey{typ, pattern}
	known, ok := v.fit[key]
	if !ok {
		known = make(bits, (len(all)+63)/64)
		lower := strings.ToLower(pattern)
		for i := range all {
			if expr.Glob(lower, all[i].lower) {
				known[i/64] |= 1 << (i % 64)
			}
		}
		v.fit[key] = known
	}
	return known
}

// add adds the questions of a type that a statement's actions name, as names
// says of each.
func (v *view) add(to bits, typ string, all []question, s *aws.Statement) {
	if len(s.Actions) > 0 {
		for _, a := range s.Actions {
			for i, w := range v.fits(typ, all, a) {
				to[i] |= w
			}
		}
		return
	}
	not := make(bits, len(to))
	for _, a := range s.NotActions {
		for i, w := range v.fits(typ, all, a) {
			not[i] |= w
		}
	}
	for i := range to {
		to[i] |= ^not[i]
	}
}

// askingOf finds what to ask about assets of a type. dark says that more may be
// allowed than was read.
func (v *view) askingOf(c *class, typ string, all []question, dark bool) *asking {
	if known := c.asks[typ]; known != nil && !dark {
		return known
	}
	plain, met := make(bits, (len(all)+63)/64), make(bits, (len(all)+63)/64)
	for _, g := range c.policies {
		for _, s := range g.allows {
			if s.conditional {
				v.add(met, typ, all, s.says)
			} else {
				v.add(plain, typ, all, s.says)
			}
		}
	}
	key := fmt.Sprint(typ, dark || len(c.unread) > 0, plain, met)
	out := v.askings[key]
	if out == nil {
		out = &asking{id: int32(len(v.askings))}
		for _, worth := range []worth{plainly, ifMet, perhaps} {
			for i := range all {
				q := all[i]
				switch {
				case plain.has(i):
					q.worth = plainly
				case met.has(i):
					q.worth = ifMet
				case dark || len(c.unread) > 0:
					q.worth = perhaps
				default:
					continue
				}
				if q.worth == worth {
					out.list = append(out.list, q)
				}
			}
		}
		v.askings[key] = out
	}
	if c.asks != nil && !dark {
		c.asks[typ] = out
	}
	return out
}

// asks are the questions about an object that some statement which bears on a
// principal may allow. itself says that the object's own may be among those.
func (v *view) asks(p *iam.Principal, o *object, s *stage, itself bool) []question {
	all := v.questionsOf(o)
	byClass := v.askingOf(s.class, v.snap.Asset(o.node).Type, all, p.Kind == iam.Root || p.Unread != "").list
	if !itself {
		return byClass
	}
	if r := v.amazon.world.Resource(o.id); r != nil && (len(r.Grants) > 0 || len(r.Lists) > 0 || r.Unread != "") {
		return all
	}
	own := v.saysItself[o.node]
	if len(own) == 0 {
		return byClass
	}
	out := slices.Clip(byClass)
	for i := range all {
		q := &all[i]
		if slices.ContainsFunc(byClass, func(b question) bool { return b.action == q.action && b.inside == q.inside }) {
			continue
		}
		for _, list := range own {
			if slices.ContainsFunc(list, func(s *aws.Statement) bool { return s.Effect == "Allow" && names(s, q) }) {
				out = append(out, *q)
				break
			}
		}
	}
	return out
}

// names reports whether a statement's actions are, among others, a question's.
func names(s *aws.Statement, q *question) bool { return concerns(s, q.lower) }
