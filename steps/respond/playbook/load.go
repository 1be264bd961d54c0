package playbook

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

var (
	stepName     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,79}$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,79}$`)
	actionName   = regexp.MustCompile(`^[a-z0-9]+(\.[a-z0-9-]+)+$`)
)

// Load reads a playbook in our YAML. The error joins a *Problem for each mistake.
func Load(name string, text []byte) (*Playbook, error) {
	if len(text) > MaxBytes {
		return nil, &Problem{Place: Place{File: name}, Text: fmt.Sprintf("a playbook is at most %d bytes, this has %d", MaxBytes, len(text))}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, &Problem{Place: Place{File: name}, Text: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	l := &loader{file: name, p: &Playbook{Steps: map[string]*Step{}, Source: text, Format: "yaml"}}
	if len(doc.Content) == 0 {
		l.bad(nil, "", "the file is empty")
	} else {
		l.playbook(doc.Content[0])
	}
	if len(l.errs) == 0 {
		l.errs = l.p.check()
	}
	if len(l.errs) > 0 {
		return nil, errors.Join(l.errs...)
	}
	return l.p, nil
}

type loader struct {
	file string
	p    *Playbook
	errs []error
	// depth of the block that is read.
	depth int
}

func (l *loader) place(n *yaml.Node) Place {
	if n == nil {
		return Place{File: l.file}
	}
	return Place{File: l.file, Line: n.Line, Column: n.Column}
}

func (l *loader) bad(n *yaml.Node, mend, format string, args ...any) {
	if len(l.errs) < 20 {
		l.errs = append(l.errs, &Problem{Place: l.place(n), Text: fmt.Sprintf(format, args...), Mend: mend})
	}
}

// fields visits the members of a mapping that are among those known; others, and the
// same one twice, are mistakes.
func (l *loader) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind == yaml.AliasNode {
		l.bad(n, "write it out", "anchors and aliases are not read")
		return
	}
	if n.Kind != yaml.MappingNode {
		l.bad(n, "", "%s is no mapping", what)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		visit, ok := known[k.Value]
		switch {
		case v.Kind == yaml.AliasNode || k.Kind != yaml.ScalarNode:
			l.bad(k, "write it out", "anchors and aliases are not read")
		case !ok:
			l.bad(k, "known are: "+strings.Join(slices.Sorted(maps.Keys(known)), ", "), "%s has no %q", what, k.Value)
		case seen[k.Value]:
			l.bad(k, "", "%q is said twice", k.Value)
		default:
			seen[k.Value] = true
			visit(v)
		}
	}
}

// text returns a visitor that keeps a scalar.
func (l *loader) text(into *string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Kind != yaml.ScalarNode {
			l.bad(n, "", "a text is expected here")
			return
		}
		*into = n.Value
	}
}

// flag reads true or false.
func (l *loader) flag(into *bool) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if n.Decode(into) != nil || n.Kind != yaml.ScalarNode {
			l.bad(n, "true or false", "%q is neither true nor false", n.Value)
		}
	}
}

func (l *loader) texts(into *map[string]string) func(*yaml.Node) {
	return func(n *yaml.Node) {
		out := map[string]string{}
		if n.Kind != yaml.MappingNode {
			l.bad(n, "", "a mapping of texts is expected here")
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			var v string
			l.text(&v)(n.Content[i+1])
			out[n.Content[i].Value] = v
		}
		*into = out
	}
}

func (l *loader) duration(into *time.Duration) func(*yaml.Node) {
	return func(n *yaml.Node) {
		d, err := time.ParseDuration(n.Value)
		if err != nil || d <= 0 || d > 90*24*time.Hour {
			l.bad(n, "write it as 90s, 30m or 4h", "%q is no time to wait", n.Value)
		}
		*into = d
	}
}

func (l *loader) playbook(n *yaml.Node) {
	var steps *yaml.Node
	l.fields(n, "a playbook", map[string]func(*yaml.Node){
		"playbook": l.text(&l.p.ID), "title": l.text(&l.p.Title), "about": l.text(&l.p.About),
		"variables": l.variables, "steps": func(v *yaml.Node) { steps = v },
	})
	if !stepName.MatchString(l.p.ID) {
		l.bad(n, "playbook: endpoint-misbehaving", "the playbook's name %q is not in lower case letters, digits and hyphens", l.p.ID)
	}
	if steps == nil {
		l.bad(n, "", "the playbook has no steps")
		return
	}
	l.p.Start = l.block(steps, "")
}

func (l *loader) variables(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		l.bad(n, "", "variables is no mapping")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		v := Variable{Name: k.Value, Type: "string", Place: l.place(k)}
		var value, required string
		var at *yaml.Node
		l.fields(n.Content[i+1], "variable "+k.Value, map[string]func(*yaml.Node){
			"type": l.text(&v.Type), "about": l.text(&v.About), "required": l.text(&required),
			"value": func(n *yaml.Node) { at = n; l.text(&value)(n) },
		})
		if at != nil {
			v.Value = &value
		}
		v.Required = required == "true"
		if !variableName.MatchString(v.Name) {
			l.bad(k, "", "%q is no name of a variable: letters, digits and _", v.Name)
		}
		if _, twice := l.p.Variable(v.Name); twice {
			l.bad(k, "", "variable %q is declared twice", v.Name)
		}
		l.p.Variables = append(l.p.Variables, v)
	}
}

// block reads a list of steps that follow each other, the last of which leads to
// next, and returns the first.
func (l *loader) block(n *yaml.Node, next string) string {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		l.bad(n, "", "a list of steps is expected here")
		return next
	}
	if l.depth++; l.depth > maxDepth {
		l.bad(n, "", "steps are nested more than %d deep", maxDepth)
		return next
	}
	defer func() { l.depth-- }()
	ids := make([]string, len(n.Content)+1)
	for i, c := range n.Content {
		ids[i] = l.name(c, i)
	}
	ids[len(n.Content)] = next
	for i, c := range n.Content {
		l.step(c, ids[i], ids[i+1])
	}
	return ids[0]
}

// name is a step's id; one that has none is named after its place.
func (l *loader) name(n *yaml.Node, i int) string {
	if n.Kind == yaml.MappingNode {
		for k := 0; k+1 < len(n.Content); k += 2 {
			if n.Content[k].Value == "id" {
				return n.Content[k+1].Value
			}
		}
	}
	return fmt.Sprintf("step-%d-%d", n.Line, i+1)
}

// kinds tell a step's kind by the one member that only it has.
var kinds = map[string]Kind{"do": Action, "ask": Manual, "parallel": Parallel, "if": If, "while": While, "switch": Switch}

func (l *loader) step(n *yaml.Node, id, next string) {
	s := &Step{ID: id, Place: l.place(n), Next: next}
	var explicit, condition, limit, kind string
	var onFailure *yaml.Node
	inner := map[string]*yaml.Node{}
	keep := func(name string) func(*yaml.Node) { return func(v *yaml.Node) { inner[name] = v } }
	are := func(name string, then func(*yaml.Node)) func(*yaml.Node) {
		return func(v *yaml.Node) {
			if kind != "" {
				l.bad(v, "", "step %s is both %s and %s", id, kind, name)
			}
			kind, s.Kind = name, kinds[name]
			then(v)
		}
	}
	l.fields(n, "step "+id, map[string]func(*yaml.Node){
		"id": func(*yaml.Node) {}, "title": l.text(&s.Title), "phase": l.text(&s.Phase), "stays": l.flag(&s.Stays), "next": l.text(&explicit),
		"timeout": l.duration(&s.Timeout), "on_failure": func(v *yaml.Node) { onFailure = v },
		"do": are("do", l.text(&s.Do)), "on": l.text(&s.On), "with": l.texts(&s.With), "out": l.texts(&s.Out),
		"ask": are("ask", l.text(&s.Ask)), "of": l.text(&s.Of), "answer": l.text(&s.Answer),
		"parallel": are("parallel", keep("parallel")), "if": are("if", l.text(&condition)), "then": keep("then"), "else": keep("else"),
		"while": are("while", l.text(&condition)), "max": l.text(&limit), "steps": keep("steps"),
		"switch": are("switch", l.text(&s.Switch)), "cases": keep("cases"), "default": keep("default"),
	})
	switch {
	case kind == "":
		l.bad(n, "one of: do, ask, parallel, if, while, switch", "step %s says nothing to do", id)
	case !stepName.MatchString(id):
		l.bad(n, "", "%q is no name of a step: lower case letters, digits and hyphens", id)
	case l.p.Steps[id] != nil:
		l.bad(n, "", "step %s is there twice, first in line %d", id, l.p.Steps[id].Place.Line)
		return
	}
	l.p.Steps[id] = s
	l.p.Order = append(l.p.Order, id)
	if len(l.p.Order) > MaxSteps {
		l.bad(n, "", "a playbook has at most %d steps", MaxSteps)
		return
	}
	switch explicit {
	case "":
	case "end":
		s.Next = ""
	default:
		s.Next = explicit
	}
	if condition != "" {
		c, err := ParseCondition(condition)
		if err != nil {
			l.bad(n, `as in: severity == "critical" and tries < 3`, "step %s: %v", id, err)
		}
		s.Condition = c
	}
	if limit != "" {
		var err error
		if s.Max, err = strconv.Atoi(limit); err != nil || s.Max < 1 || s.Max > MaxLoop {
			l.bad(n, fmt.Sprintf("max: a number from 1 to %d", MaxLoop), "step %s: max %q", id, limit)
		}
	}
	l.inside(n, s, inner)
	if onFailure != nil {
		s.OnFailure = l.block(onFailure, s.Next)
	}
}

// inside reads the blocks a control step holds, and refuses those of other kinds.
func (l *loader) inside(n *yaml.Node, s *Step, inner map[string]*yaml.Node) {
	belongs := map[string]Kind{"parallel": Parallel, "then": If, "else": If, "steps": While, "cases": Switch, "default": Switch}
	for _, name := range keys(inner) {
		v := inner[name]
		if belongs[name] != s.Kind {
			l.bad(v, "", "step %s is %s and has no %s", s.ID, s.Kind, name)
			continue
		}
		switch name {
		case "parallel":
			if v.Kind != yaml.SequenceNode || len(v.Content) < 2 {
				l.bad(v, "", "step %s: parallel is a list of at least two lists of steps", s.ID)
				continue
			}
			for _, b := range v.Content {
				s.Branches = append(s.Branches, l.block(b, ""))
			}
		case "then", "steps":
			s.Then = l.block(v, "")
		case "else":
			s.Else = l.block(v, "")
		case "default":
			s.Default = l.block(v, "")
		case "cases":
			s.Cases = map[string]string{}
			if v.Kind != yaml.MappingNode {
				l.bad(v, "", "step %s: cases is a mapping of values to lists of steps", s.ID)
				continue
			}
			for i := 0; i+1 < len(v.Content); i += 2 {
				if _, twice := s.Cases[v.Content[i].Value]; twice {
					l.bad(v.Content[i], "", "case %q is there twice", v.Content[i].Value)
				}
				s.Cases[v.Content[i].Value] = l.block(v.Content[i+1], "")
			}
		}
	}
	switch {
	case s.Kind == Parallel && len(s.Branches) == 0, s.Kind == If && s.Then == "", s.Kind == While && s.Then == "", s.Kind == Switch && len(s.Cases) == 0:
		l.bad(n, "", "step %s is %s and holds no steps", s.ID, s.Kind)
	}
}
