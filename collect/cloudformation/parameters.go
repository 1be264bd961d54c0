package cloudformation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// parameters reads the file of the values of parameters: a list of ParameterKey
// and ParameterValue, as the AWS command line takes it, an object with
// Parameters, as CodePipeline takes it, or names and values alone.
func (r *reader) parameters() error {
	if r.opts.Parameters == "" {
		return nil
	}
	n, err := load(r.opts.Parameters)
	if err != nil {
		return err
	}
	if err := n.noTwice(r.opts.Parameters, 3); err != nil {
		return err
	}
	r.given = map[string]any{}
	if p := n.get("Parameters"); p != nil {
		n = p
	}
	bad := func(at *node, what string) error {
		return &Error{Path: r.opts.Parameters, Line: at.line, What: what, Mend: `write [{"ParameterKey": "NAME", "ParameterValue": "VALUE"}], or {"NAME": "VALUE"}`}
	}
	switch n.kind {
	case object:
		for i, k := range n.keys {
			if n.kids[i].kind == object {
				return bad(n.kids[i], fmt.Sprintf("the value of parameter %q is an object", k))
			}
			r.given[k] = scalarOf(n.kids[i])
		}
	case list:
		for _, e := range n.kids {
			if e.kind == text {
				k, v, ok := strings.Cut(e.text, "=")
				if !ok {
					return bad(e, fmt.Sprintf("%q is no NAME=VALUE", e.text))
				}
				r.given[k] = v
				continue
			}
			k, v := e.get("ParameterKey").str(), e.get("ParameterValue")
			if k == "" {
				return bad(e, "an entry without ParameterKey")
			}
			if v != nil { // else UsePreviousValue: which that is the file does not say
				r.given[k] = scalarOf(v)
			}
		}
	default:
		return bad(n, "no values of parameters")
	}
	return nil
}

// scalarOf is the text of a parameter's value; a list of texts is one with
// commas.
func scalarOf(n *node) any { return strings.Join(n.words(), ",") }

// parameter is the value of a parameter.
func (s *stack) parameter(name string) any {
	if v, ok := s.memo["P"+name]; ok {
		return v
	}
	s.memo["P"+name] = s.r.opened("parameter "+name+" hangs on itself", "break the circle between the nested stacks")
	v := s.parameterValue(name, s.params.get(name))
	s.memo["P"+name] = v
	return v
}

func (s *stack) parameterValue(name string, p *node) any {
	typ := p.get("Type").str()
	v, given := s.given(name)
	if !given {
		d := p.get("Default")
		if d == nil {
			return s.r.opened("parameter "+name+" has no default, and no value was given", "give the values the stack is made with: cloudformation:TEMPLATE,parameters=FILE")
		}
		v = scalarOf(d)
	}
	if strings.HasPrefix(typ, "AWS::SSM::Parameter::Value") {
		return s.r.opened("parameter "+name+" takes its value from Parameter Store when the stack is made", "assess the account once the stack is made (--source aws)")
	}
	value, isText := v.(string)
	if !isText {
		return v
	}
	if noEcho := p.get("NoEcho"); noEcho != nil && strings.EqualFold(noEcho.str(), "true") && value != "" {
		return fmt.Sprintf("sevenfold:masked(noecho,%d)", len(value))
	}
	if typ == "CommaDelimitedList" || strings.HasPrefix(typ, "List<") {
		out := []any{}
		for _, e := range strings.Split(value, ",") {
			out = append(out, strings.TrimSpace(e))
		}
		if value == "" {
			out = []any{}
		}
		return out
	}
	return value
}

// reason is why values are open, and where they stand.
type reason struct {
	hint string
	at   []string
	more int
}

// maxPlaces is how many places of a reason are named.
const maxPlaces = 3

// opened makes a value that is open for a reason.
func (r *reader) opened(why, hint string) *Open {
	if r.open[why] == nil {
		r.open[why] = &reason{hint: hint}
	}
	return &Open{Why: why}
}

// mark notes where open values stand.
func (r *reader) mark(v any, at string) {
	switch v := v.(type) {
	case *Open:
		if v.Parts != nil {
			return
		}
		if re := r.open[v.Why]; re != nil {
			if len(re.at) < maxPlaces {
				re.at = append(re.at, at)
			} else {
				re.more++
			}
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			r.mark(v[k], at+"."+k)
		}
	case []any:
		for _, e := range v {
			r.mark(e, at)
		}
	}
}

// reasons are the blind spots of what is open, one a reason.
func (r *reader) reasons() []estate.BlindSpot {
	var out []estate.BlindSpot
	for _, why := range sortedKeys(r.open) {
		re := r.open[why]
		if len(re.at) == 0 {
			continue
		}
		re.at = slices.Compact(re.at)
		text := why + ": unknown is " + strings.Join(re.at, ", ")
		if re.more > 0 {
			text += fmt.Sprintf(" and %d more", re.more)
		}
		out = append(out, estate.BlindSpot{Source: r.opts.Source, Operation: "resolve " + re.at[0], Status: estate.ReadSkipped, Why: text, Hint: re.hint})
	}
	return out
}
