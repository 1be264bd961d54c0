package kube

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// selector is a label selector: every requirement must hold. No requirement
// selects everything.
type selector struct {
	reqs []requirement
	also *expression // of Calico's, must hold too; nil if there is none
	text string      // canonical, so that equal selectors share their work
}

type requirement struct {
	key    string
	op     string // In, NotIn, Exists, DoesNotExist
	values []string
}

func newSelector(reqs []requirement) *selector {
	parts := make([]string, len(reqs))
	for i, r := range reqs {
		slices.Sort(r.values)
		parts[i] = fmt.Sprintf("%q %s %q", r.key, r.op, r.values)
	}
	sort.Strings(parts)
	return &selector{reqs: reqs, text: strings.Join(parts, ",")}
}

// matches says whether labels satisfy the selector. Of labels that are not
// known only those present count; the rest is Unknown.
func (s *selector) matches(labels map[string]string, known bool) reach.Answer {
	answer := reach.Yes
	for _, r := range s.reqs {
		answer = answer.And(r.matches(labels, known))
	}
	if s.also != nil {
		one := reach.Is(s.also.holds(labels, labels[nameLabel]))
		if !known {
			one = reach.Unknown
		}
		answer = answer.And(one)
	}
	return answer
}

func (r requirement) matches(labels map[string]string, known bool) reach.Answer {
	value, has := labels[r.key]
	if !has && !known {
		return reach.Unknown
	}
	switch r.op {
	case "In":
		return reach.Is(has && slices.Contains(r.values, value))
	case "NotIn":
		return reach.Is(!has || !slices.Contains(r.values, value))
	case "Exists":
		return reach.Is(has)
	case "DoesNotExist":
		return reach.Is(!has)
	}
	return reach.Unknown
}

// keys are the labels the selector asks for.
func (s *selector) keys(yield func(string)) {
	if s != nil {
		for _, r := range s.reqs {
			yield(r.key)
		}
		s.also.keys(yield)
	}
}
