package scan

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"regexp"
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
	// confidence, if the records examined were drawn at random and the scanner sees of each
	// type the share that was measured; 0 if records were not counted.
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
	return s.Records(name, size, lim.Sampled, func(sink format.Sink) (format.Report, error) {
		return format.Read(ctx, name, src, size, lim, sink)
	})
}

// Records labels what a reader of records hands on, as those of databases do: name
// and size are the result's, sampled says that a part was read on purpose. The
// error is the reader's.
func (s *Scanner) Records(name string, size int64, sampled bool, read func(format.Sink) (format.Report, error)) (Result, error) {
	g := &gatherer{s: s, columns: map[string]*Column{}, free: s.Column(""), sampled: sampled}
	rep, err := read(g)
	bare, inName := s.Bare(name)
	res := Result{Path: bare, Format: rep.Format, Reasons: rep.Problems, Labels: []Label{}}
	res.Examined = Examined{Bytes: rep.Bytes, Rows: rep.Rows, Of: size}
	if err != nil {
		res.Verdict = Unknown
		res.Reasons = append(res.Reasons, "the reading was ended before its time")
		return res, err
	}
	for _, c := range g.order {
		c.flush()
	}
	res.Labels = g.labels()
	res.Class = g.classes(name, res.Labels)
	g.decide(&res, rep)
	if len(inName) > 0 {
		res.Labels, res.Verdict = append(res.Labels, inName...), Labelled
	}
	return res, nil
}

// InName is the column of a label whose values stand in the object's own name.
const InName = "(the object's name)"

// Bare gives an object's name without values that are somebody's, each replaced by its
// type, and the labels for them: people's addresses stand in the keys of objects, and a
// name is told. Places and days are let stand.
func (s *Scanner) Bare(name string) (string, []Label) {
	if strings.IndexFunc(name, func(c rune) bool { return c == '@' || c == '%' || c >= '0' && c <= '9' || c >= 0x80 }) < 0 {
		return name, nil
	}
	c := s.Column(InName)
	scheme := ""
	if i := strings.Index(name, "://"); i >= 0 { // whose store it is, is no value in it
		scheme, name = name[:i+3], name[i+3:]
	}
	spans := s.Append(nil, []byte(name))
	for i := len(spans) - 1; i >= 0; i-- {
		sp := spans[i]
		if e, _ := EntityOf(sp.Type); sp.Score < .75 || e.Group == Technical || sp.Type == "DATE_TIME" || sp.Type == "URL" {
			continue
		}
		c.values++
		c.tally(&sp, 1)
		name = name[:sp.Start] + "(" + sp.Type + ")" + name[sp.End:]
	}
	name = scheme + name
	if c.values == 0 {
		return name, nil
	}
	return name, c.Labels()
}

// decide gives the verdict: found, not found, or not known.
func (g *gatherer) decide(res *Result, rep format.Report) {
	missing := g.names(res)
	opaque := g.free.run.opaque
	for _, c := range g.order {
		opaque += c.run.opaque
	}
	if opaque > 0 {
		res.Reasons = append(res.Reasons, fmt.Sprintf("%d files written in base 64 within it (images, documents, archives) were not looked into", opaque))
	}
	switch {
	case len(res.Labels) > 0:
		res.Verdict = Labelled
	case len(rep.Problems) > 0 || missing || opaque > 0:
		res.Verdict = Unknown
	case rep.Bytes == 0:
		res.Verdict = Unknown
		res.Reasons = append(res.Reasons, "nothing in it could be examined")
	default:
		res.Verdict = None
	}
	if rep.Partial && !g.sampled {
		res.Reasons = append(res.Reasons, fmt.Sprintf("read up to the limit: %d records, %d bytes", rep.Rows, rep.Bytes))
	}
	if rep.Rows > 0 {
		// No hit in n leaves less than 1 - 0.05^(1/n), about 3/n, of what is seen.
		var found []string
		for _, l := range res.Labels {
			found = append(found, l.Type)
		}
		recall, _ := LeastRecall(found)
		res.Bound = min(1, (1-math.Pow(.05, 1/float64(rep.Rows)))/recall)
	}
	if g.lost > 0 {
		res.Reasons = append(res.Reasons, fmt.Sprintf("columns beyond the first %d were judged as one", maxObjectColumns))
	}
}

// nameTypes are found in free text by a model only.
var nameTypes = []string{"PERSON", "LOCATION", "ORGANIZATION"}

// names says which names could not be looked for, or not well enough that finding none
// says anything. It reports whether there are any such.
func (g *gatherer) names(res *Result) bool {
	found := func(kind string) bool {
		return slices.ContainsFunc(res.Labels, func(l Label) bool { return l.Type == kind })
	}
	scripts, short := g.unread()
	if !g.prose() && len(scripts) == 0 && short == 0 {
		return false
	}
	missing := false
	lacking := func(kinds ...string) {
		for _, n := range kinds {
			if !found(n) && !slices.Contains(res.Unknown, n) {
				res.Unknown = append(res.Unknown, n)
			}
			missing = missing || n == "PERSON" && !found(n)
		}
	}
	switch {
	case g.s.names == nil:
		lacking(nameTypes...)
		res.Reasons = append(res.Reasons, "names of persons, places and organisations in free text were not looked for: no model is installed (hint: make models)")
		return true
	case len(scripts) > 0:
		lacking(nameTypes...)
		res.Reasons = append(res.Reasons, "names in "+strings.Join(scripts, ", ")+" are not known to the model")
	case short > 0 && !found("PERSON"):
		lacking("PERSON", "LOCATION")
		res.Reasons = append(res.Reasons, fmt.Sprintf("in %d short lines the model found no names: without sentences around them it misses many", short))
	}
	// The model was not taught organisations; only those whose names end in a company's
	// form are found.
	lacking("ORGANIZATION")
	return missing
}

// unread are the scripts and languages of texts that the model was not taught, and how many lines are too
// short for it.
func (g *gatherer) unread() (scripts []string, short int64) {
	for _, c := range append(slices.Clone(g.order), g.free) {
		if c == g.free && g.code.isCode() {
			continue
		}
		if c.foreign != "" && !slices.Contains(scripts, c.foreign+" letters") {
			scripts = append(scripts, c.foreign+" letters")
		}
		if l := c.tongue(); l != "" && !slices.Contains(scripts, l) {
			scripts = append(scripts, l)
		}
		if c.maybeChat() {
			short += c.chat
		}
	}
	slices.Sort(scripts)
	return scripts, short
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
	sampled bool
	asked   int // names of columns that the model was asked about
	last    int // the column of the last cell, or one near it
}

// Text takes a piece of free text.
func (g *gatherer) Text(b []byte) error {
	g.text += int64(len(b))
	opaque := 0
	g.spans, opaque = g.s.scan(g.spans[:0], b, bits{})
	g.free.run.opaque += opaque
	for _, sp := range g.spans {
		g.free.tally(&sp, 1)
	}
	if g.free.foreign == "" && !ascii(b) {
		g.free.foreign = foreign(b)
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
	g.columnOf(column).hold(b)
	return nil
}

var _ format.Batcher = (*gatherer)(nil)

// Texts implements format.Batcher.
func (g *gatherer) Texts(column string, data []byte, offsets []uint32) error {
	c := g.columnOf(column)
	c.flush()
	c.Texts(data, offsets)
	return nil
}

// Numbers implements format.Batcher.
func (g *gatherer) Numbers(column string, values []int64) error {
	c := g.columnOf(column)
	c.flush()
	c.Numbers(values)
	return nil
}

// Repeated implements format.Repeater.
func (g *gatherer) Repeated(column string, b []byte, times int64) error {
	c := g.columnOf(column)
	c.flush()
	c.Repeated(b, times)
	return nil
}

// columnOf finds a cell's column. Cells mostly come in the order of the columns, or
// column by column.
func (g *gatherer) columnOf(column string) *Column {
	if n := len(g.order); n > 0 {
		if c := g.order[g.last]; c.name == column {
			return c
		}
		if g.last++; g.last == n {
			g.last = 0
		}
		if c := g.order[g.last]; c.name == column {
			return c
		}
	}
	c := g.columns[column]
	if c == nil {
		c = g.column(column)
	}
	g.last = c.at
	return c
}

// column makes a column, or finds the one that its name without values is of.
func (g *gatherer) column(raw string) *Column {
	name := g.nameless(raw)
	c := g.columns[name]
	if c == nil && len(g.order) >= maxObjectColumns {
		g.lost++
		name = "further columns"
		c = g.columns[name]
	}
	if c == nil {
		c = g.s.Column(name)
		c.at = len(g.order)
		g.columns[name] = c
		g.order = append(g.order, c)
	}
	if len(g.columns) < 8*maxObjectColumns {
		g.columns[raw] = c // the same key comes again
	}
	return c
}

// longNumber is a number that may be somebody's.
var longNumber = regexp.MustCompile(`[0-9]{6,}`)

// nameless takes values out of a column's name: maps have people's addresses, numbers
// and names as keys, a table without a head has them in its first row, and a name is
// told. What is found is counted as what it is.
func (g *gatherer) nameless(name string) string {
	if len(name) > maxNameless {
		name = "a long name"
	}
	if strings.IndexFunc(name, func(c rune) bool { return c == '@' || c == '%' || c >= '0' && c <= '9' || c == ' ' || c >= 0x80 }) >= 0 {
		spans := g.s.Append(nil, []byte(name))
		for i := len(spans) - 1; i >= 0; i-- {
			sp := spans[i]
			g.free.tally(&sp, 1)
			name = name[:sp.Start] + "(" + sp.Type + ")" + name[sp.End:]
		}
		if len(spans) > 0 {
			g.free.values++
			return longNumber.ReplaceAllString(name, "(number)")
		}
	}
	if last := name[strings.LastIndexAny(name, ".]")+1:]; g.s.names != nil && g.asked < maxAsked && nameLike([]byte(last)) && !speaks(last) {
		g.asked++
		if spans := g.s.names.Names(nil, titled([]byte(last))); len(spans) > 0 && spans[0].Type == "PERSON" {
			g.free.tally(&spans[0], 1)
			g.free.values++
			return name[:len(name)-len(last)] + "(PERSON)"
		}
	}
	return longNumber.ReplaceAllString(name, "(number)")
}

// maxNameless is how long a name is told, and maxAsked how many names of columns the
// model is asked about.
const maxNameless, maxAsked = 400, 256

// speaks reports whether a column's name is one of those that speak for a type, and so
// nobody's own.
func speaks(name string) bool {
	found := false
	eachWord([]byte(name), func(h uint32) { found = found || words().get(h) != nil })
	_, is := declared[strings.ReplaceAll(strings.ToLower(name), " ", "")]
	return found || is
}

// Row takes note of nothing: the reader counts.
func (g *gatherer) Row() {}

// prose reports whether there is free text in which names could stand.
func (g *gatherer) prose() bool {
	if g.letters > 0 && !g.code.isCode() {
		return true
	}
	return slices.ContainsFunc(g.order, func(c *Column) bool { return c.words > 0 || c.maybeNames() || c.maybeChat() })
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
	lines := len(sample)
	sample = append(sample, c.chats...)
	for i, text := range sample {
		spans := g.s.names.Names(nil, text)
		if i >= lines && len(spans) == 0 { // names in short lines are seldom written large
			spans = g.s.names.Names(nil, titled(text))
		}
		for _, sp := range spans {
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
		if spans := g.s.names.Names(nil, titled(v)); len(spans) > 0 {
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
