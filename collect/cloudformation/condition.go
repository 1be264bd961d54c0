package cloudformation

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// truth is what a condition is.
type truth byte

const (
	unsettled truth = iota
	yes
	no
)

// judged is a condition's truth and, where it is not settled, why.
type judged struct {
	truth truth
	why   string
}

// condition is the truth of a condition by its name.
func (s *stack) condition(name string) (truth, string) {
	if j, ok := s.memo["C"+name].(judged); ok {
		return j.truth, j.why
	}
	s.memo["C"+name] = judged{unsettled, "condition " + name + " hangs on itself"}
	n := s.conditions.get(name)
	j := judged{unsettled, "the template has no condition " + name}
	if n != nil {
		t, why := s.truthOf(n, 0)
		if t == unsettled {
			why = "condition " + name + " is not settled: " + why
		}
		j = judged{t, why}
	}
	s.memo["C"+name] = j
	return j.truth, j.why
}

// truthOf settles a condition as far as its values are known: false and anything
// is false, true or anything is true.
func (s *stack) truthOf(n *node, depth int) (truth, string) {
	if depth > maxEval || !n.is(object) || len(n.keys) != 1 {
		return unsettled, "it is no condition"
	}
	arg := n.kids[0]
	switch n.keys[0] {
	case "Condition":
		return s.condition(arg.str())
	case "Fn::Equals":
		return s.equals(arg, depth)
	case "Fn::Not":
		if !arg.is(list) || len(arg.kids) != 1 {
			return unsettled, "Fn::Not takes one condition"
		}
		t, why := s.truthOf(arg.kids[0], depth+1)
		return map[truth]truth{yes: no, no: yes}[t], why
	case "Fn::And", "Fn::Or":
		ends, holds := no, yes
		if n.keys[0] == "Fn::Or" {
			ends, holds = yes, no
		}
		if !arg.is(list) {
			return unsettled, n.keys[0] + " takes a list"
		}
		all, reason := holds, ""
		for _, k := range arg.kids {
			switch t, why := s.truthOf(k, depth+1); t {
			case ends:
				return ends, ""
			case unsettled:
				all, reason = unsettled, why
			}
		}
		return all, reason
	}
	return unsettled, "sevenfold does not know " + n.keys[0]
}

// equals compares two values as texts, as CloudFormation does.
func (s *stack) equals(arg *node, depth int) (truth, string) {
	if !arg.is(list) || len(arg.kids) != 2 {
		return unsettled, "Fn::Equals takes two values"
	}
	var texts [2]string
	for i, k := range arg.kids {
		switch v := s.eval(k, depth+1).(type) {
		case string:
			texts[i] = v
		case bool:
			texts[i] = strconv.FormatBool(v)
		case json.Number:
			texts[i] = v.String()
		case *Open:
			return unsettled, v.Why
		default:
			if holdsOpen(v) {
				return unsettled, "a list holds what is not known"
			}
			texts[i] = fmt.Sprint(v)
		}
	}
	if texts[0] == texts[1] {
		return yes, ""
	}
	return no, ""
}
