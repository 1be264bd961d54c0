package sigma

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

const base = `title: base a
id: a
name: rule_a
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName: A}, condition: sel}
---
title: base b
name: rule_b
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName: B}, condition: sel}
---
title: base c
name: rule_c
logsource: {product: aws, service: cloudtrail}
detection: {sel: {eventName: C}, condition: sel}
---
`

// run plays events "NAME SECOND USER [VALUE]" and gives the correlations told,
// as "title group value".
func run(t *testing.T, text string, events ...string) []string {
	t.Helper()
	s := compileText(t, base+text)
	m, c := s.NewMatcher(), s.NewCorrelator()
	var out []string
	hit := func(x Match) {
		if x.Rule.Correlates() != nil {
			out = append(out, fmt.Sprintf("%s %s %g", x.Rule.Title, strings.Join(x.Group, ","), x.Value))
		} else {
			out = append(out, x.Rule.Title)
		}
	}
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for i, line := range events {
		w := strings.Fields(line)
		var second int
		fmt.Sscan(w[1], &second)
		id, value := fmt.Sprint("e", i), ""
		if len(w) > 3 {
			value = w[3]
		}
		if len(w) > 4 {
			id = w[4]
		}
		raw := fmt.Sprintf(`{"eventTime":%q,"eventSource":"s","eventName":%q,"eventID":%q,"userIdentity":{"type":"IAMUser","arn":%q},"requestParameters":{"v":%q}}`,
			at.Add(time.Duration(second)*time.Second).Format(time.RFC3339), w[0], id, w[2], value)
		var e ocsf.Event
		if err := ocsf.DecodeCloudTrail([]byte(raw), &e); err != nil {
			t.Fatal(err)
		}
		m.Match(&e, func(x Match) { c.Feed(x, hit) })
	}
	c.Flush(hit)
	return out
}

func TestCorrelations(t *testing.T) {
	count := func(cond string) string {
		return "title: N\ncorrelation: {type: event_count, rules: [rule_a], group-by: [userIdentity.arn], timespan: 1m, condition: {" + cond + "}}\n"
	}
	value := func(typ, cond string) string {
		return "title: V\ncorrelation: {type: " + typ + ", rules: [rule_a], group-by: [userIdentity.arn], timespan: 1m, condition: {field: requestParameters.v, " + cond + "}}\n"
	}
	temporal := func(typ string) string {
		return "title: T\ncorrelation: {type: " + typ + ", rules: [rule_a, rule_b, rule_c], group-by: [userIdentity.arn], timespan: 1m}\n"
	}
	tests := []struct {
		name, rule string
		events     []string
		want       string
	}{
		{"count reached", count("gte: 3"), []string{"A 0 u", "A 10 u", "A 20 u"}, "N u 3"},
		{"count told once in a window", count("gte: 3"), []string{"A 0 u", "A 10 u", "A 20 u", "A 30 u", "A 40 u"}, "N u 3"},
		{"count told again later", count("gte: 2"), []string{"A 0 u", "A 1 u", "A 100 u", "A 101 u"}, "N u 2|N u 2"},
		{"count slides over a full minute", count("gte: 3"), []string{"A 50 u", "A 70 u", "A 80 u"}, "N u 3"},
		{"count too slow", count("gte: 3"), []string{"A 0 u", "A 40 u", "A 61 u"}, ""},
		{"count by group", count("gte: 2"), []string{"A 0 u", "A 1 v"}, ""},
		{"count out of order", count("gte: 3"), []string{"A 20 u", "A 0 u", "A 10 u"}, "N u 3"},
		{"a replayed event counts once", count("gte: 2"), []string{"A 0 u x same", "A 0 u x same"}, ""},
		{"few, decided at the end", count("lt: 3"), []string{"A 0 u", "A 10 u"}, "N u 2"},
		{"a range", count("gt: 1, lte: 3"), []string{"A 0 u", "A 1 u", "A 2 u", "A 3 u"}, ""},
		{"equal", count("eq: 2"), []string{"A 0 u", "A 1 u", "A 200 u", "A 201 u", "A 202 u"}, "N u 2"},
		{"distinct values", value("value_count", "gte: 2"), []string{"A 0 u x", "A 1 u x", "A 2 u y"}, "V u 2"},
		{"distinct values, not enough", value("value_count", "gte: 2"), []string{"A 0 u x", "A 1 u x", "A 2 v y"}, ""},
		{"sum", value("value_sum", "gt: 10"), []string{"A 0 u 5", "A 1 u 5", "A 2 u 1"}, "V u 11"},
		{"average", value("value_avg", "gt: 4"), []string{"A 0 u 9", "A 1 u 1", "A 2 u 5"}, "V u 5"},
		{"average not above", value("value_avg", "gt: 5"), []string{"A 0 u 9", "A 1 u 1", "A 2 u 5"}, ""},
		{"no number in a sum", value("value_sum", "gt: 1"), []string{"A 0 u many"}, ""},
		{"percentile", value("value_percentile", "percentile: 50, gte: 5"), []string{"A 0 u 1", "A 1 u 5", "A 2 u 9"}, "V u 5"},
		{"rare value by its share", value("value_percentile", "lte: 25"), []string{"A 0 u x", "A 1 u x", "A 2 u x", "A 3 u y"}, "V u 25"},
		{"together in any order", temporal("temporal"), []string{"C 0 u", "A 10 u", "B 20 u"}, "T u 3"},
		{"not of one user", temporal("temporal"), []string{"C 0 u", "A 10 v", "B 20 u"}, ""},
		{"in order", temporal("temporal_ordered"), []string{"A 0 u", "C 5 u", "B 10 u", "C 20 u"}, "T u 3"},
		{"not in order", temporal("temporal_ordered"), []string{"C 0 u", "B 10 u", "A 20 u"}, ""},
		{"in order though late", temporal("temporal_ordered"), []string{"C 20 u", "B 10 u", "A 0 u"}, "T u 3"},
		{"two of three", strings.Replace(temporal("temporal"), "timespan: 1m", "timespan: 1m, condition: {gte: 2}", 1), []string{"A 0 u", "C 1 u"}, "T u 2"},
		{"generate", strings.Replace(count("gte: 2"), "timespan", "generate: true, timespan", 1), []string{"A 0 u", "A 1 u"}, "base a|base a|N u 2"},
		{"chain", strings.Replace(count("gte: 2"), "title: N", "title: N\nname: many", 1) + "---\ntitle: then B\ncorrelation: {type: temporal_ordered, rules: [many, rule_b], group-by: [userIdentity.arn], timespan: 5m}\n",
			[]string{"A 0 u", "A 1 u", "B 2 u", "B 3 v"}, "then B u 2"},
		{"aliases", "title: X\ncorrelation: {type: temporal, rules: [rule_a, rule_b], group-by: [who], timespan: 1m, aliases: {who: {rule_a: userIdentity.arn, rule_b: requestParameters.v}}}\n",
			[]string{"A 0 u", "B 1 other u"}, "X u 2"},
		{"no group at all", "title: G\ncorrelation: {type: event_count, rules: [rule_a, rule_b], timespan: 1m, condition: {gte: 2}}\n", []string{"A 0 u", "B 1 v"}, "G  2"},
	}
	for _, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", ",", "").Replace(tt.name), func(t *testing.T) {
			var got []string
			for _, s := range run(t, tt.rule, tt.events...) {
				if !strings.HasPrefix(s, "base") || strings.Contains(tt.want, "base") {
					got = append(got, s)
				}
			}
			if strings.Join(got, "|") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCorrelationProblems(t *testing.T) {
	for name, tt := range map[string]struct{ text, why string }{
		"cycle":     {"title: x\nname: x\ncorrelation: {type: event_count, rules: [y], timespan: 1m, condition: {gte: 1}}\n---\ntitle: y\nname: y\ncorrelation: {type: event_count, rules: [x], timespan: 1m, condition: {gte: 1}}\n", "hangs on itself"},
		"of itself": {"title: x\nname: x\ncorrelation: {type: event_count, rules: [x], timespan: 1m, condition: {gte: 1}}\n", "hangs on itself"},
		"missing":   {"title: x\ncorrelation: {type: event_count, rules: [nope], timespan: 1m, condition: {gte: 1}}\n", "not loaded"},
		"timespan":  {"title: x\ncorrelation: {type: event_count, rules: [a], timespan: soon, condition: {gte: 1}}\n", "timespan"},
		"no end":    {"title: x\ncorrelation: {type: event_count, rules: [a], timespan: 99999999999999999999d, condition: {gte: 1}}\n", "timespan"},
		"type":      {"title: x\ncorrelation: {type: odd, rules: [a], timespan: 1m}\n", "none of"},
		"field":     {"title: x\ncorrelation: {type: value_sum, rules: [a], timespan: 1m, condition: {gte: 1}}\n", "field"},
		"condition": {"title: x\ncorrelation: {type: event_count, rules: [a], timespan: 1m}\n", "condition"},
		"threshold": {"title: x\ncorrelation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: 100000000}}\n", "more than"},
		"no number": {"title: x\ncorrelation: {type: event_count, rules: [a], timespan: 1m, condition: {gte: NaN}}\n", "number"},
	} {
		rules, problems := Parse("r.yml", []byte(base+tt.text))
		_, more := Compile(rules)
		problems = append(problems, more...)
		found := false
		for _, p := range problems {
			found = found || strings.Contains(p.Why, tt.why)
		}
		if !found {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestCorrelatorIsBounded floods a correlation with groups.
func TestCorrelatorIsBounded(t *testing.T) {
	s := compileText(t, base+"title: N\ncorrelation: {type: event_count, rules: [rule_a], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 3}}\n")
	c := s.NewCorrelator()
	rule := s.Rules()[0]
	for i := range maxGroups + 1000 {
		e := &ocsf.Event{ID: fmt.Sprint(i), Time: int64(i) + 1}
		c.Feed(Match{Rule: rule, Event: e, taken: map[string]string{"userIdentity.arn": e.ID}}, func(Match) {})
	}
	if c.Evicted != 1000 || c.items > maxGroups {
		t.Errorf("%d evicted, %d held", c.Evicted, c.items)
	}
}
