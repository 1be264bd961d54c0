package scan

import (
	"fmt"
	"regexp"
	"slices"
)

// Rule is a type of the user's own. It must prove itself: New refuses a rule
// that misses one of its Hits or finds something in one of its Misses.
type Rule struct {
	Name        string
	Pattern     string // regular expression in Go's syntax
	Group       Group
	Sensitivity Sensitivity
	// Hits are texts in which the rule finds something, Misses near misses in
	// which it finds nothing. At least one of each is required.
	Hits, Misses []string
}

type compiledRule struct {
	Rule
	re *regexp.Regexp
}

func compileRules(rules []Rule) ([]compiledRule, error) {
	var all []compiledRule
	for i, rule := range rules {
		fail := func(format string, a ...any) error {
			return fmt.Errorf("custom type %d (%s): %s", i+1, rule.Name, fmt.Sprintf(format, a...))
		}
		if rule.Name == "" {
			return nil, fail("it has no name\nhint: add name: MY_TYPE")
		}
		if _, taken := EntityOf(rule.Name); taken || slices.ContainsFunc(all, func(c compiledRule) bool { return c.Name == rule.Name }) {
			return nil, fail("the name is taken\nhint: choose another name")
		}
		re, err := regexp.Compile(rule.Pattern)
		if err != nil {
			return nil, fail("%v\nhint: patterns are regular expressions in RE2's syntax", err)
		}
		if re.MatchString("") {
			return nil, fail("the pattern matches the empty text\nhint: replace * by + where nothing may not match")
		}
		if len(rule.Hits) == 0 || len(rule.Misses) == 0 {
			return nil, fail("it has no proof\nhint: give at least one text under hits and one near miss under misses")
		}
		for k, h := range rule.Hits {
			if !re.MatchString(h) {
				return nil, fail("it misses hit %d", k+1)
			}
		}
		for k, m := range rule.Misses {
			if re.MatchString(m) {
				return nil, fail("it finds something in near miss %d", k+1)
			}
		}
		all = append(all, compiledRule{rule, re})
	}
	return all, nil
}

// customSpans finds the user's types, in order of their start.
func (s *Scanner) customSpans(text []byte) []Span {
	var spans []Span
	for _, rule := range s.custom {
		for _, at := range rule.re.FindAllIndex(text, -1) {
			spans = append(spans, Span{rule.Name, at[0], at[1], .8, byRule})
		}
	}
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	return slices.CompactFunc(spans, func(a, b Span) bool { return b.Start < a.End })
}
