package scan

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// Verdict is what was found out about an object.
type Verdict string

// The three verdicts. There is no "clean": None says that nothing was found in
// what was examined, and Examined and Bound say how much that is worth.
const (
	Labelled Verdict = "labelled"
	None     Verdict = "none-found"
	Unknown  Verdict = "unknown" // could not be read, in whole or in a part that may hold anything
)

// Result is what Object says of one object. It holds no value of it.
type Result struct {
	Path     string   `json:"path"`
	Format   string   `json:"format,omitempty"`
	Class    []Class  `json:"class,omitempty"` // what kind of table or document it is, the likeliest first
	Labels   []Label  `json:"labels"`
	Examined Examined `json:"examined"`
	Verdict  Verdict  `json:"verdict"`
	// Reasons say why the verdict is unknown, or what it does not speak for.
	Reasons []string `json:"reasons,omitempty"`
	// Unknown lists types that could not be looked for, such as names in free
	// text without a model.
	Unknown []string `json:"unknown,omitempty"`
	// Bound is the share of records below which a type not found lies, at 95%
	// confidence, if the records examined were drawn at random and the scanner
	// misses none; 0 if records were not counted.
	Bound float64 `json:"bound,omitempty"`
}

// Examined says how much was read.
type Examined struct {
	Bytes int64 `json:"bytes"` // of the object's contents, decompressed
	Rows  int64 `json:"rows"`
	Of    int64 `json:"of"` // the object's size in bytes
}

// Object reads an object of size bytes and labels it. The error is the
// context's; whatever is wrong with the object is in the result, whose verdict
// is then Unknown unless something was found before.
func (s *Scanner) Object(ctx context.Context, name string, src io.ReaderAt, size int64, lim format.Limits) (Result, error) {
	g := &gatherer{s: s, columns: map[string]*Column{}, free: s.Column("")}
	rep, err := format.Read(ctx, name, src, size, lim, g)
	res := Result{Path: name, Format: rep.Format, Reasons: rep.Problems, Labels: []Label{}}
	res.Examined = Examined{Bytes: rep.Bytes, Rows: rep.Rows, Of: size}
	if err != nil {
		res.Verdict = Unknown
		res.Reasons = append(res.Reasons, "the reading was ended before its time")
		return res, err
	}
	res.Labels = g.labels()
	res.Class = g.classes(name, res.Labels)
	g.decide(&res, rep)
	return res, nil
}

// decide gives the verdict: found, not found, or not known.
func (g *gatherer) decide(res *Result, rep format.Report) {
	missing := g.names(res)
	switch {
	case len(res.Labels) > 0:
		res.Verdict = Labelled
	case len(rep.Problems) > 0 || missing:
		res.Verdict = Unknown
	case rep.Bytes == 0:
		res.Verdict = Unknown
		res.Reasons = append(res.Reasons, "nothing in it could be examined")
	default:
		res.Verdict = None
	}
	if rep.Partial {
		res.Reasons = append(res.Reasons, fmt.Sprintf("read up to the limit: %d records, %d bytes", rep.Rows, rep.Bytes))
	}
	if rep.Rows > 0 {
		// No hit in n leaves less than 1 - 0.05^(1/n), about 3/n.
		res.Bound = 1 - math.Pow(.05, 1/float64(rep.Rows))
	}
	if g.lost > 0 {
		res.Reasons = append(res.Reasons, fmt.Sprintf("columns beyond the first %d were judged as one", maxObjectColumns))
	}
}

// nameTypes are found in free text by a model only.
var nameTypes = []string{"PERSON", "LOCATION", "ORGANIZATION"}

// names says what a missing model leaves unknown. It reports whether there is
// free text at all.
func (g *gatherer) names(res *Result) bool {
	if !g.prose() {
		return false
	}
	if g.s.names != nil {
		if !slices.ContainsFunc(res.Labels, func(l Label) bool { return l.Type == "ORGANIZATION" }) {
			// The model was not taught them; only those whose names end in a
			// company's form are found.
			res.Unknown = append(res.Unknown, "ORGANIZATION")
		}
		return false
	}
	for _, n := range nameTypes {
		if !slices.ContainsFunc(res.Labels, func(l Label) bool { return l.Type == n }) {
			res.Unknown = append(res.Unknown, n)
		}
	}
	res.Reasons = append(res.Reasons, "names of persons, places and organisations in free text were not looked for: no model is installed (hint: make models)")
	return true
}

// maxObjectColumns is how many columns of an object are judged each on its own.
const maxObjectColumns = 2048

// gatherer takes what a reader of formats hands on.
type gatherer struct {
	s       *Scanner
	columns map[string]*Column
	order   []*Column
	free    *Column // text outside columns
	spans   []Span
	text    int64 // bytes of text outside columns
	letters int64 // of them, in pieces that read like prose
	code    codeSigns
	lost    int
	last    int // the column of the last cell, or one near it
}

// Text takes a piece of free text.
func (g *gatherer) Text(b []byte) error {
	g.text += int64(len(b))
	g.spans = g.s.Append(g.spans[:0], b)
	for _, sp := range g.spans {
		g.free.tally(sp)
	}
	g.free.values++
	g.code.add(b)
	for i := 0; i < len(b); i += 64 << 10 {
		part := b[i:min(len(b), i+maxSampleBytes)]
		if wordy(part) {
			g.letters += int64(len(part))
			g.free.words++
			g.free.keep(part)
		}
	}
	return nil
}

// Value takes a cell.
func (g *gatherer) Value(column string, b []byte) error {
	// Cells mostly come in the order of the columns, or column by column.
	if n := len(g.order); n > 0 {
		if c := g.order[g.last]; c.name == column {
			c.Add(b)
			return nil
		}
		if g.last++; g.last == n {
			g.last = 0
		}
		if c := g.order[g.last]; c.name == column {
			c.Add(b)
			return nil
		}
	}
	c := g.columns[column]
	if c == nil {
		if len(g.order) >= maxObjectColumns {
			g.lost++
			column = "further columns"
			c = g.columns[column]
		}
		if c == nil {
			c = g.s.Column(column)
			g.columns[column] = c
			g.order = append(g.order, c)
		}
	}
	c.Add(b)
	return nil
}

// Row takes note of nothing: the reader counts.
func (g *gatherer) Row() {}

// prose reports whether there is free text in which names could stand.
func (g *gatherer) prose() bool {
	if g.letters > 0 && !g.code.isCode() {
		return true
	}
	return slices.ContainsFunc(g.order, func(c *Column) bool { return c.words > 0 || c.maybeNames() })
}

// wordy reports whether a text has words at all, among which names could be.
func wordy(b []byte) bool {
	letters := 0
	for _, c := range b {
		if is(c, isLet) || c >= 0x80 {
			letters++
		}
	}
	return letters*4 >= len(b) && len(b) > 1
}

// labels judges all columns and the free text. Types that tell nothing alone
// (days and times, addresses of pages) are no labels.
func (g *gatherer) labels() []Label {
	all := []Label{}
	for _, c := range append(g.order, g.free) {
		found := c.Labels()
		if g.s.names != nil {
			found = g.namedCells(c, g.named(c, found))
		}
		for _, l := range found {
			if l.Type != "DATE_TIME" && l.Type != "URL" {
				all = append(all, l)
			}
		}
	}
	return g.namesOfPeople(all)
}

// namesOfPeople labels a column called name where people's addresses or numbers
// stand beside it; alone it may name anything.
func (g *gatherer) namesOfPeople(labels []Label) []Label {
	people := slices.ContainsFunc(labels, func(l Label) bool {
		return l.Column != "" && (l.Type == "EMAIL_ADDRESS" || l.Type == "PHONE_NUMBER" || l.Type == "DATE_OF_BIRTH" || l.Country != "" && l.Group == PII)
	})
	if !people {
		return labels
	}
	for _, c := range g.order {
		last := strings.ToLower(c.name[strings.LastIndexAny(c.name, ".]")+1:])
		if last != "name" || c.values == 0 || slices.ContainsFunc(labels, func(l Label) bool { return l.Column == c.name && l.Type == "PERSON" }) {
			continue
		}
		l := c.label("PERSON", c.values, "the column's name, beside addresses or numbers of people")
		l.Confidence = .55
		labels = append(labels, l)
	}
	return labels
}

// nameBudget is how much free text of one object the model reads, over all its
// columns: a few seconds' work.
const nameBudget = 48 << 10

// distinct takes values kept of a column, each once, as many as its share of
// the budget allows.
func (g *gatherer) distinct(c *Column) [][]byte {
	columns := 1
	for _, o := range g.order {
		if o.words > 0 {
			columns++
		}
	}
	left := nameBudget / columns
	seen := map[string]bool{}
	var all [][]byte
	for _, text := range c.sample {
		if seen[string(text)] {
			continue
		}
		if left -= len(text); left < 0 && len(all) > 0 {
			break
		}
		seen[string(text)] = true
		all = append(all, text)
	}
	return all
}

// named adds what the model finds in the values kept of a column.
func (g *gatherer) named(c *Column, labels []Label) []Label {
	count, best := map[string]int64{}, map[string]float64{}
	sample := g.distinct(c)
	for _, text := range sample {
		for _, sp := range g.s.names.Names(nil, text) {
			count[sp.Type]++
			best[sp.Type] = max(best[sp.Type], sp.Score)
		}
	}
	kinds := []string{}
	for k := range count {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		if slices.ContainsFunc(labels, func(l Label) bool { return l.Type == k }) {
			continue
		}
		l := c.label(k, count[k], fmt.Sprintf("the model found them in %d different values of free text", len(sample)))
		l.Confidence = math.Round(best[k]*100) / 100
		labels = append(labels, l)
	}
	return labels
}

// namedCells labels a column of short cells that look like names, if the model
// takes a good part of them for names: alone on a line it errs more often.
func (g *gatherer) namedCells(c *Column, labels []Label) []Label {
	if !c.maybeNames() || len(labels) > 0 {
		return labels
	}
	count := map[string]int{}
	for _, v := range c.shortNames {
		if spans := g.s.names.Names(nil, v); len(spans) > 0 {
			count[spans[0].Type]++
		}
	}
	for _, kind := range nameTypes {
		share := float64(count[kind]) / float64(len(c.shortNames))
		if share < .4 {
			continue
		}
		l := c.label(kind, int64(share*float64(c.values)), fmt.Sprintf("the model took %d of %d different cells for it", count[kind], len(c.shortNames)))
		l.Confidence = math.Round(share*80) / 100
		return append(labels, l)
	}
	return labels
}

// columnNames lists the names of the columns, in lower case.
func (g *gatherer) columnNames() []string {
	names := make([]string, len(g.order))
	for i, c := range g.order {
		names[i] = strings.ToLower(c.name)
	}
	return names
}

// hasAny reports whether any of the words is in b.
func hasAny(b []byte, words ...string) bool {
	for _, w := range words {
		if bytes.Contains(b, []byte(w)) {
			return true
		}
	}
	return false
}
