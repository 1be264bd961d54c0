package scan

import (
	"math"
	"slices"
	"strings"
)

// The column test. A column is of a type if most of its values have the type's
// shape, more pass its check than chance allows by the probability below, and
// most of them do: a column of real identifiers is not half wrong.
const (
	columnValues = 10
	columnChance = 1e-6
	columnShare  = .8
)

// Labels judges the column.
func (c *Column) Labels() []Label {
	labels := map[string]Label{}
	put := func(kind string, count int64, confidence float64, reason string) {
		if old, ok := labels[kind]; ok && old.Confidence >= confidence {
			return
		}
		l := c.label(kind, count, reason)
		l.Confidence = math.Round(confidence*100) / 100
		labels[kind] = l
	}
	for i := range c.spans {
		t := &c.spans[i]
		if c.unlikely(t) {
			continue
		}
		confidence := t.score
		if share := float64(t.whole) / float64(c.values); share > .9 && c.values >= columnValues {
			confidence = max(confidence, .97)
			if c.onlyNamed(t) {
				confidence = .6
			}
		}
		put(t.kind, t.count, confidence, "values found in it")
	}
	if best, ok := c.proven(); ok {
		put(c.s.rows[best.entity].Name, best.hits*c.values/c.tested, .9, "more of its values pass the check than chance allows")
	}
	c.byName(put)
	all := make([]Label, 0, len(labels))
	for _, l := range labels {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Label) int { return strings.Compare(a.Type, b.Type) })
	return all
}

func (c *Column) label(kind string, count int64, reason string) Label {
	e, ok := EntityOf(kind)
	if !ok {
		e = Entity{Name: kind, Group: PII, Sensitivity: High}
		for _, r := range c.s.custom {
			if r.Name == kind && r.Group != "" {
				e.Group = r.Group
			}
			if r.Name == kind && r.Sensitivity != "" {
				e.Sensitivity = r.Sensitivity
			}
		}
	}
	return Label{Type: kind, Column: c.name, Count: count, Sensitivity: e.Sensitivity, Group: e.Group, Country: e.Country, Reason: reason}
}

// onlyNamed reports whether nothing but the column's name speaks for a type: any number
// of the length would do.
func (c *Column) onlyNamed(t *tally) bool {
	e, ok := places()[t.kind]
	if !ok || !c.base.has(e) {
		return false
	}
	row := &c.s.rows[e]
	return row.check == nil && row.alone == 0 && row.plain != ""
}

// unlikely reports whether what was found in a column is what chance would find
// there: of many values of the shape, about as many pass as random ones would,
// whatever the column's name says.
func (c *Column) unlikely(t *tally) bool {
	e, ok := places()[t.kind]
	if !ok {
		return false
	}
	i := slices.IndexFunc(c.ways, func(w way) bool { return int(w.entity) == e })
	if i < 0 || t.whole == 0 {
		return false
	}
	w, chance := c.ways[i], c.s.rows[e].Chance
	if chance >= .5 || w.trials < columnValues {
		return false
	}
	return binomialTail(int(w.trials), int(w.hits), chance) > 1e-3
}

// proven is the entity the column's values are by the test, if one stands out:
// the one whose passing by chance is least likely.
func (c *Column) proven() (way, bool) {
	best, least := way{}, math.Inf(1)
	for _, w := range c.ways {
		e := &c.s.rows[w.entity]
		if e.check == nil || e.Chance >= .5 || w.trials < columnValues || w.trials*10 < c.tested*9 ||
			float64(w.hits) < columnShare*float64(w.trials) {
			continue
		}
		if binomialTail(int(w.trials), int(w.hits), e.Chance) > columnChance {
			continue
		}
		// The tail is too small to compare; the chance of one value, and a name
		// that speaks for the type, tell types of one shape apart.
		rank := e.Chance
		if c.base.has(int(w.entity)) {
			rank /= 1000
		}
		if rank < least {
			best, least = w, rank
		}
	}
	return best, !math.IsInf(least, 1)
}
