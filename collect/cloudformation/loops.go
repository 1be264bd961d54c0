package cloudformation

import (
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// maxLoops bounds loops in loops; CloudFormation takes five.
const maxLoops = 8

const loopPrefix = "Fn::ForEach::"

// loops writes out the loops of a section: Fn::ForEach::NAME: [variable,
// collection, {key: value}]. A loop over what is not known leaves a blind spot.
// Nil gives an empty object.
func (s *stack) loops(n *node, depth int) *node {
	if n == nil || n.kind != object && n.kind != list {
		if n == nil {
			return &node{kind: object}
		}
		return n
	}
	if !s.looped(n, depth) {
		return n
	}
	if n.kind == list {
		out := &node{kind: list, line: n.line}
		for _, k := range n.kids {
			out.kids = append(out.kids, s.loops(k, depth))
		}
		return out
	}
	out := &node{kind: object, line: n.line}
	for i, k := range n.keys {
		name, loop := strings.CutPrefix(k, loopPrefix)
		if !loop {
			out.put(k, s.loops(n.kids[i], depth))
			continue
		}
		s.loop(out, name, n.kids[i], depth+1)
	}
	return out
}

// looped reports whether a loop stands anywhere in n: most templates have none,
// and are not copied.
func (s *stack) looped(n *node, depth int) bool {
	if depth > maxDepth {
		return false
	}
	for i, k := range n.kids {
		if n.kind == object && strings.HasPrefix(n.keys[i], loopPrefix) {
			return true
		}
		if (k.kind == object || k.kind == list) && s.looped(k, depth+1) {
			return true
		}
	}
	return false
}

// loop writes one loop out into an object.
func (s *stack) loop(out *node, name string, arg *node, depth int) {
	bad := func(why string) {
		s.blind(loopPrefix+name, estate.ReadFailed, fmt.Sprintf("line %d: %s", arg.line, why), "give the values the stack is made with: cloudformation:TEMPLATE,parameters=FILE")
	}
	if depth > maxLoops {
		bad("more than " + fmt.Sprint(maxLoops) + " loops in one another")
		return
	}
	if !arg.is(list) || len(arg.kids) != 3 || arg.kids[2].kind != object {
		bad("a loop is [variable, collection, {key: value}]")
		return
	}
	items, ok := s.eval(arg.kids[1], 0).([]any)
	if !ok {
		bad("what the loop runs over is not known: what it makes is not seen")
		return
	}
	for _, item := range items {
		value, ok := item.(string)
		if !ok {
			bad("a turn of the loop is not known: what it makes is not seen")
			continue
		}
		body := s.turned(arg.kids[2], arg.kids[0].str(), value)
		if s.r.spent {
			return
		}
		for i, k := range body.keys {
			if inner, again := strings.CutPrefix(k, loopPrefix); again {
				s.loop(out, inner, body.kids[i], depth+1)
				continue
			}
			if out.get(k) != nil {
				bad(fmt.Sprintf("two turns make one %q", k))
			}
			out.put(k, s.loops(body.kids[i], depth))
		}
	}
}

// turned is a copy of a loop's body with the variable's value in it.
func (s *stack) turned(n *node, variable, value string) *node {
	if !s.r.produced(len(n.text)) {
		return n
	}
	into := func(t string) string {
		t = strings.ReplaceAll(t, "${"+variable+"}", value)
		// &{} writes the value without what is no letter or digit: for logical ids.
		return strings.ReplaceAll(t, "&{"+variable+"}", alphanumeric(value))
	}
	out := &node{kind: n.kind, text: n.text, line: n.line}
	if n.kind == text {
		out.text = into(n.text)
	}
	if n.kind == object && len(n.keys) == 1 && n.keys[0] == "Ref" && n.kids[0].str() == variable {
		return &node{kind: text, text: value, line: n.line}
	}
	for i, k := range n.kids {
		if n.kind == object {
			out.keys = append(out.keys, into(n.keys[i]))
		}
		out.kids = append(out.kids, s.turned(k, variable, value))
	}
	return out
}

func alphanumeric(t string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, t)
}
