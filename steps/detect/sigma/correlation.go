package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Correlation is what a correlation rule asks of the events other rules met.
type Correlation struct {
	// Type is event_count, value_count, temporal, temporal_ordered, value_sum,
	// value_avg or value_percentile.
	Type     string
	Rules    []string // ids or names
	GroupBy  []string
	Timespan time.Duration
	// Aliases give a group-by name the field it has in each rule's events.
	Aliases map[string]map[string]string
	// Field is what is counted or summed up; several together are one value.
	Field []string
	// Bounds are the conditions, gt, gte, lt, lte, eq, neq: all must hold.
	Bounds map[string]float64
	// Percentile is the percentile asked for by value_percentile, 0 to 100; -1
	// asks for values whose share of all values, in percent, is within Bounds.
	Percentile float64
	// Generate says that the rules named tell their matches too.
	Generate bool

	line int
}

var correlationTypes = []string{"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile"}

// comparisons are the operators of a condition.
var comparisons = []string{"gt", "gte", "lt", "lte", "eq", "neq"}

// maxThreshold bounds how many events a window must hold to decide.
const maxThreshold = 1_000_000

func parseCorrelation(n *yaml.Node) (*Correlation, error) {
	if n.Kind != yaml.MappingNode {
		return nil, wrong(n, "correlation is a map")
	}
	c := &Correlation{Bounds: map[string]float64{}, Percentile: -1, line: n.Line}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], deref(n.Content[i+1])
		var err error
		switch k.Value {
		case "type":
			c.Type = v.Value
		case "rules":
			c.Rules, err = texts(v)
		case "group-by":
			c.GroupBy, err = texts(v)
		case "timespan", "timeframe":
			c.Timespan, err = span(v)
		case "aliases":
			err = c.parseAliases(v)
		case "generate":
			c.Generate = v.Value == "true"
		case "condition":
			err = c.parseCondition(v)
		default:
			err = wrong(k, "correlation knows no %q", k.Value)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, c.check(n)
}

func (c *Correlation) parseAliases(n *yaml.Node) error {
	c.Aliases = map[string]map[string]string{}
	if err := n.Decode(&c.Aliases); err != nil {
		return wrong(n, "aliases map a name to the field of each rule")
	}
	return nil
}

func (c *Correlation) parseCondition(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return wrong(n, "a correlation's condition is a map, gte: 10 for instance")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], deref(n.Content[i+1])
		switch {
		case k.Value == "field":
			var err error
			if c.Field, err = texts(v); err != nil {
				return err
			}
		case k.Value == "percentile" || slices.Contains(comparisons, k.Value):
			f, err := strconv.ParseFloat(v.Value, 64)
			if err != nil || f != f {
				return wrong(v, "%s takes a number", k.Value)
			}
			if k.Value != "percentile" {
				c.Bounds[k.Value] = f
			} else if c.Percentile = f; f < 0 || f > 100 {
				return wrong(v, "a percentile is from 0 to 100")
			}
		default:
			return wrong(k, "a correlation's condition knows no %q", k.Value)
		}
	}
	return nil
}

func (c *Correlation) check(n *yaml.Node) error {
	temporal := strings.HasPrefix(c.Type, "temporal")
	switch {
	case !slices.Contains(correlationTypes, c.Type):
		return wrong(n, "type %q is none of %s", c.Type, strings.Join(correlationTypes, ", "))
	case len(c.Rules) == 0:
		return wrong(n, "rules names none")
	case len(c.Rules) > 100:
		return wrong(n, "rules names %d", len(c.Rules))
	case c.Timespan == 0:
		return wrong(n, "timespan is missing")
	case !temporal && len(c.Bounds) == 0:
		return wrong(n, "condition is missing")
	case strings.HasPrefix(c.Type, "value_") && len(c.Field) == 0:
		return wrong(n, "%s wants a field in its condition", c.Type)
	}
	for op, v := range c.Bounds {
		if v > maxThreshold && (c.Type == "event_count" || c.Type == "value_count") {
			return wrong(n, "%s: %g is more than the %d events a window holds", op, v, maxThreshold)
		}
	}
	if temporal && len(c.Bounds) == 0 {
		c.Bounds["gte"] = float64(len(c.Rules))
	}
	return nil
}

// rising says that the condition, once met, is met by more events too: it can
// be told as soon as it holds. The others are decided when their window ends.
func (c *Correlation) rising() bool {
	for op := range c.Bounds {
		if op != "gt" && op != "gte" {
			return false
		}
	}
	return c.Type != "value_avg" && c.Type != "value_percentile"
}

func (c *Correlation) holds(v float64) bool {
	for op, want := range c.Bounds {
		if !holds(op, v, want) {
			return false
		}
	}
	return true
}

// chain is a correlation rule tied to the rules it names.
type chain struct {
	rule  *Rule
	c     *Correlation
	feeds []feed // by the place of the rule in Rules
}

// feed is how one rule's matches reach a chain.
type feed struct {
	chain *chain
	index int
	group []string // the fields of group-by, aliases resolved
	value []string
}

// chains are all correlations of a set.
type chains struct {
	all []*chain
	of  map[*Rule][]feed
	// wants are the fields that must be taken from a detection's events.
	wants map[*Rule][]string
}

// correlations ties correlation rules to what they name. One that names
// itself, over however many others, is a problem with all that hang on it.
func (c *compiler) correlations(rules []*Rule) {
	cs := &chains{of: map[*Rule][]feed{}, wants: map[*Rule][]string{}}
	c.set.chains = cs
	state := map[*Rule]int{} // 1 being tied, 2 tied, 3 refused
	for _, r := range c.set.rules {
		state[r] = 2
	}
	var tie func(r *Rule, depth int) bool
	tie = func(r *Rule, depth int) bool {
		switch state[r] {
		case 2:
			return true
		case 3:
			return false
		case 1:
			c.problem(r, "the correlation hangs on itself")
			return false
		}
		state[r] = 3
		if r.correlation == nil || depth > maxDepth {
			return false
		}
		state[r] = 1
		ch := &chain{rule: r, c: r.correlation}
		ok := true
		for i, name := range r.correlation.Rules {
			other := c.byKey[name]
			if other == nil {
				c.problem(r, "the rule %q it names is not loaded", name)
				ok = false
				continue
			}
			if !tie(other, depth+1) {
				c.problem(r, "the rule %q it names was not loaded: %s", name, other.Title)
				ok = false
				continue
			}
			ch.feeds = append(ch.feeds, feed{ch, i, r.correlation.fieldsOf(other, r.correlation.GroupBy), r.correlation.fieldsOf(other, r.correlation.Field)})
		}
		if !ok {
			state[r] = 3
			return false
		}
		state[r] = 2
		cs.all = append(cs.all, ch)
		for i, f := range ch.feeds {
			other := c.byKey[r.correlation.Rules[i]]
			cs.of[other] = append(cs.of[other], f)
			if !r.correlation.Generate {
				c.set.silent[other] = true
			}
		}
		c.set.rules = append(c.set.rules, r)
		return true
	}
	for _, r := range rules {
		if r.correlation != nil && state[r] == 0 {
			tie(r, 0)
		}
	}
	for _, r := range c.set.rules {
		if r.detection != nil {
			c.want(r)
		}
	}
}

// fieldsOf resolves aliases for a rule's events.
func (c *Correlation) fieldsOf(r *Rule, names []string) []string {
	out := slices.Clone(names)
	for i, n := range out {
		byRule := c.Aliases[n]
		for _, k := range []string{r.Name, r.ID} {
			if f, ok := byRule[k]; ok && k != "" {
				out[i] = f
			}
		}
	}
	return out
}

// want finds which fields the correlations behind a detection ask of it, and
// where they stand in each source's events.
func (c *compiler) want(r *Rule) {
	set := map[string]bool{}
	seen := map[*Rule]bool{}
	var walk func(at *Rule)
	walk = func(at *Rule) {
		if seen[at] {
			return
		}
		seen[at] = true
		for _, f := range c.set.chains.of[at] {
			for _, name := range append(slices.Clone(f.group), f.value...) {
				set[name] = true
			}
			walk(f.chain.rule)
		}
	}
	walk(r)
	names := make([]string, 0, len(set))
	for n := range set {
		names = append(names, n)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return
	}
	c.set.chains.wants[r] = names
	for is, list := range c.lists {
		for _, compiled := range list {
			if compiled.rule != r {
				continue
			}
			p := c.set.programs[is]
			for _, n := range names {
				slots, _, err := p.find(n, func(f string) []string { return c.lines.fields(r.LogSource, f) }, r.Taxonomy == "ocsf")
				if err != nil {
					c.problem(r, "a correlation asks for a field: %v", err)
				}
				compiled.wants = append(compiled.wants, slots)
			}
		}
	}
}

// String is the correlation in a few words.
func (c *Correlation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s within %s", c.Type, c.Timespan)
	if len(c.GroupBy) > 0 {
		fmt.Fprintf(&b, " by %s", strings.Join(c.GroupBy, ", "))
	}
	return b.String()
}
