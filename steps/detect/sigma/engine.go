package sigma

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// LoadFS reads every .yml and .yaml file of a folder, in order of their names,
// to its bottom.
func LoadFS(fsys fs.FS) (rules []*Rule, problems []Problem) {
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			problems = append(problems, Problem{File: p, Why: err.Error()})
			return nil
		}
		if ext := path.Ext(p); d.IsDir() || ext != ".yml" && ext != ".yaml" {
			return nil
		}
		info, err := fs.Stat(fsys, p) // of what a link leads to
		switch {
		case err != nil:
			problems = append(problems, Problem{File: p, Why: err.Error()})
			return nil
		case !info.Mode().IsRegular(): // reading a pipe would wait for ever
			problems = append(problems, Problem{File: p, Why: "it is no file that can be read"})
			return nil
		case info.Size() > maxRuleFile:
			problems = append(problems, Problem{File: p, Why: fmt.Sprintf("%d bytes are more than a rule file may have (%d)", info.Size(), maxRuleFile)})
			return nil
		}
		text, err := fs.ReadFile(fsys, p)
		if err != nil {
			problems = append(problems, Problem{File: p, Why: err.Error()})
			return nil
		}
		r, bad := Parse(p, text)
		rules, problems = append(rules, r...), append(problems, bad...)
		return nil
	})
	if err != nil {
		problems = append(problems, Problem{File: ".", Why: err.Error()})
	}
	return rules, problems
}

// Set is rules compiled for every source. It is not changed once made.
type Set struct {
	rules    []*Rule
	programs map[ocsf.Source]*program
	chains   *chains
	silent   map[*Rule]bool // of interest to correlations only
	compiled int            // how many rules were compiled, each for every source it is for
	triggers int
}

// Rules are the detections and correlations that were compiled.
func (s *Set) Rules() []*Rule { return s.rules }

// Compile makes a set of rules. What cannot be compiled is a problem and left
// out: a rule for a source that is not read, say, or a correlation one of whose
// rules is missing.
func Compile(rules []*Rule, lines ...*Pipeline) (*Set, []Problem) {
	c := &compiler{set: &Set{programs: map[ocsf.Source]*program{}, silent: map[*Rule]bool{}}, lines: ordered(lines), byKey: map[string]*Rule{}, lists: map[ocsf.Source][]*compiled{}}
	for i := range sources {
		src := &sources[i]
		c.set.programs[src.is] = &program{source: src, paths: cursor.NewPaths(src.fold), slots: map[string]int{}}
	}
	for _, r := range rules {
		if r.filter != nil {
			c.filters = append(c.filters, r)
			continue
		}
		c.name(r)
	}
	for _, r := range rules {
		if r.detection != nil {
			c.detection(r)
		}
	}
	c.correlations(rules)
	for is, p := range c.set.programs {
		p.seal(c.lists[is])
		for _, r := range c.lists[is] {
			r.id = c.set.compiled
			c.set.compiled++
		}
		for i := range p.triggers {
			p.triggers[i].id = c.set.triggers
			c.set.triggers++
		}
	}
	return c.set, c.problems
}

type compiler struct {
	set      *Set
	lines    pipelines
	filters  []*Rule
	byKey    map[string]*Rule // by id and by name
	twice    map[string]bool
	lists    map[ocsf.Source][]*compiled
	problems []Problem
}

func (c *compiler) problem(r *Rule, format string, args ...any) {
	c.problems = append(c.problems, Problem{File: r.File, Line: r.Line, Title: r.Title, Why: fmt.Sprintf(format, args...)})
}

func (c *compiler) name(r *Rule) {
	for _, k := range []string{r.ID, r.Name} {
		if k == "" {
			continue
		}
		if other := c.byKey[k]; other != nil && other != r {
			c.problem(r, "%s names %s in %s too: correlations mean the first", k, other.Title, other.File)
			continue
		}
		c.byKey[k] = r
	}
}

// detection compiles a rule for every source it is for.
func (c *compiler) detection(r *Rule) {
	root, err := c.condition(r, &r.detection.conditions, r.detection)
	if err != nil {
		c.fail(r, err)
		return
	}
	for _, f := range c.filters {
		if !slices.Contains(f.filter.rules, r.ID) && !slices.Contains(f.filter.rules, r.Name) && !slices.Contains(f.filter.rules, "any") {
			continue
		}
		if l := f.LogSource; l.Product != "" && l.Product != r.LogSource.Product || l.Service != "" && l.Service != r.LogSource.Service || l.Category != "" && l.Category != r.LogSource.Category {
			continue
		}
		also, err := c.condition(f, &f.filter.conditions, &f.filter.detection)
		if err != nil {
			c.fail(f, err)
			continue
		}
		root = and(root, also)
	}
	log := c.lines.logSource(r.LogSource)
	isOCSF := r.Taxonomy == "ocsf"
	fields := func(f string) []string { return c.lines.fields(r.LogSource, f) }
	loaded := false
	for i := range sources {
		src := &sources[i]
		if !isOCSF && !src.takes(log) && !(src.is == ocsf.Mapped && log.Product == "mapped") {
			continue
		}
		p := c.set.programs[src.is]
		n, err := p.resolve(root, fields, isOCSF)
		if err != nil {
			c.fail(r, err)
			return
		}
		c.lists[src.is] = append(c.lists[src.is], &compiled{rule: r, root: n, ai: isOCSF && r.LogSource.Category == "ai_operation"})
		loaded = true
	}
	if !loaded {
		c.problem(r, "logsource %s is none of the sources read: %s", r.LogSource, strings.Join(LogSources(), ", "))
		return
	}
	c.set.rules = append(c.set.rules, r)
}

// LogSources are the logsources whose events are read, as product/service.
func LogSources() []string {
	var out []string
	for _, s := range sources {
		out = append(out, s.logs...)
	}
	return out
}

func (c *compiler) fail(r *Rule, err error) {
	p := Problem{File: r.File, Line: r.Line, Title: r.Title, Why: err.Error()}
	if at, ok := err.(*lineError); ok {
		p.Line = at.line
	}
	c.problems = append(c.problems, p)
}

// condition makes one node of a rule's conditions, of which any may hold.
func (c *compiler) condition(r *Rule, conditions *[]*yaml.Node, d *detection) (*node, error) {
	b := c.lines.builder(r.LogSource)
	made := map[string]*node{}
	find := func(name string) (*node, error) {
		if n := made[name]; n != nil {
			return n, nil
		}
		n, err := b.identifier(d.identifiers[name])
		if err == nil {
			made[name] = n
		}
		return n, err
	}
	var any []*node
	for _, text := range *conditions {
		n, err := condition(text.Value, d.names, find)
		if err != nil {
			if _, ok := err.(*lineError); !ok {
				err = wrong(text, "%v", err)
			}
			return nil, err
		}
		any = append(any, n)
	}
	// What no condition uses must still be sound.
	for _, name := range d.names {
		if _, err := find(name); err != nil {
			return nil, err
		}
	}
	return or(any...), nil
}

// Match is a rule met.
type Match struct {
	Rule *Rule
	// Event is what met it; of a correlation the last of Events.
	Event *ocsf.Event
	// Events are those a correlation rests on, at most 100, oldest first.
	Events []Ref
	// Group are the values of a correlation's group-by fields.
	Group []string
	// Value is what a correlation counted, summed or averaged.
	Value float64

	taken map[string]string // fields that correlations ask for
	why   []string          // of a correlation
	by    *Matcher          // of a detection
	met   *compiled
}

// Why are the fields that met a detection, or what a correlation came to, in words. Few
// matches are told, so it is found when it is asked: of a detection until its matcher is
// given the next event.
func (m *Match) Why() []string {
	if m.by == nil {
		return m.why
	}
	return m.by.why(m.met.root, m.Event)
}

// Ref is an event by its id.
type Ref struct {
	ID        string
	Time      int64 // Unix milliseconds
	Principal string
}

// Matcher tries events on a set. It is for one goroutine; make one for each.
type Matcher struct {
	set   *Set
	found cursor.Found
	// What of the event at hand is in found: anything, its bytes, what is computed of it.
	begun, read, made bool

	pairs  map[pair][]*compiled
	tried  []uint64                 // in which round, by the rule's id
	texts  []map[string][]*compiled // by the trigger's id
	values []string
	round  uint64
	// Unparsed counts events whose bytes were not what their source says.
	Unparsed int64
}

type pair struct {
	source ocsf.Source
	keys   [2]string
}

// Bounds of what a matcher remembers: pairs of keys, texts of one field.
const (
	maxPairs    = 1 << 14
	maxTexts    = 1 << 12
	maxTextKept = 512
)

// NewMatcher makes a matcher.
func (s *Set) NewMatcher() *Matcher {
	return &Matcher{set: s, pairs: map[pair][]*compiled{}, tried: make([]uint64, s.compiled), texts: make([]map[string][]*compiled, s.triggers)}
}

// Match calls hit for every detection e meets. The Match holds e: who keeps it
// longer clones it.
func (m *Matcher) Match(e *ocsf.Event, hit func(Match)) {
	p := m.set.programs[e.Source]
	if p == nil {
		return
	}
	m.round++
	m.begun, m.read, m.made = false, false, false
	var keys [2]string
	if p.known == nil {
		m.extract(p, e)
	}
	for i, k := range p.keys {
		if k == "" {
			continue
		}
		if get := p.keyGet[i]; get != nil {
			keys[i] = get(e)
		} else {
			m.extract(p, e)
			keys[i] = m.key(p.keySlot[i])
		}
	}
	for _, c := range m.candidates(p, keys) {
		m.try(p, c, e, hit)
	}
	for i := range p.triggers {
		t := &p.triggers[i]
		if t.get != nil {
			m.wake(p, t, t.get(e), e, hit)
			continue
		}
		if t.made {
			m.compute(p, e)
		} else {
			m.extract(p, e)
		}
		m.found.Each(t.slot, func(v cursor.Value) bool { m.wake(p, t, v.Text, e, hit); return true })
	}
	for _, c := range p.every {
		m.try(p, c, e, hit)
	}
}

// try decides one rule; what it asks is looked up only now.
func (m *Matcher) try(p *program, c *compiled, e *ocsf.Event, hit func(Match)) {
	if c.ai && e.AI == nil || c.known && early(c.root, e) == no {
		return
	}
	if c.raw {
		m.extract(p, e)
	}
	if c.made {
		m.compute(p, e)
	}
	if m.holdsFor(c.fast, e) {
		hit(Match{Rule: c.rule, Event: e, by: m, met: c, taken: m.take(c)})
	}
}

// wake tries the rules that wait for something in a text.
func (m *Matcher) wake(p *program, t *trigger, text string, e *ocsf.Event, hit func(Match)) {
	for _, c := range m.woken(t, text) {
		if m.tried[c.id] != m.round {
			m.tried[c.id] = m.round
			m.try(p, c, e, hit)
		}
	}
}

// woken are the loose rules that wait for something in a text. User agents and
// ARNs come again and again: what was found is kept.
func (m *Matcher) woken(t *trigger, text string) []*compiled {
	if text == "" {
		return nil
	}
	seen := m.texts[t.id]
	if list, ok := seen[text]; ok {
		return list
	}
	var list []*compiled
	t.find.each(text, func(id int) {
		if c := t.rules[id]; !slices.Contains(list, c) {
			list = append(list, c)
		}
	})
	if len(text) <= maxTextKept && len(seen) < maxTexts {
		if seen == nil {
			seen = map[string][]*compiled{}
			m.texts[t.id] = seen
		}
		seen[strings.Clone(text)] = list
	}
	return list
}

// key is the one value of a key field; with several it may be anything.
func (m *Matcher) key(slot int) string {
	text, n := "", 0
	m.found.Each(slot, func(v cursor.Value) bool {
		text = v.Text
		n++
		return n < 2
	})
	if n != 1 {
		return ""
	}
	return text
}

// take takes the fields that correlations ask of a rule's event.
func (m *Matcher) take(c *compiled) map[string]string {
	if len(c.wants) == 0 {
		return nil
	}
	out := map[string]string{}
	for i, name := range m.set.chains.wants[c.rule] {
		for _, slot := range c.wants[i] {
			if v := m.found.Text(slot); v != "" {
				out[name] = strings.Clone(v)
				break
			}
		}
	}
	return out
}

// begin makes room for what is found of the event at hand.
func (m *Matcher) begin(p *program) {
	if !m.begun {
		m.begun = true
		p.paths.Begin(&m.found)
	}
}

// extract reads the event's bytes, once.
func (m *Matcher) extract(p *program, e *ocsf.Event) {
	if m.read {
		return
	}
	m.begin(p)
	m.read = true
	if _, err := p.paths.Fill(e.Raw, &m.found); err != nil && e.Source != ocsf.VPCFlow {
		m.Unparsed++
	}
}

// compute puts in what the fields of OCSF say of the event, once.
func (m *Matcher) compute(p *program, e *ocsf.Event) {
	if m.made {
		return
	}
	m.begin(p)
	m.made = true
	for _, v := range p.virtual {
		m.values = v.get(e, m.values[:0])
		for _, s := range m.values {
			m.found.Put(v.slot, cursor.Value{Text: s, Kind: kindOf(s)})
		}
	}
}

// kindOf is what sort of value a text of a field of OCSF is.
func kindOf(s string) cursor.Kind {
	if s[0] <= '9' && s[0] >= '0' {
		if _, ok := cursor.Int(s); ok {
			return cursor.Number
		}
	}
	return cursor.String
}

// candidates are the anchored rules an event of these keys can meet.
func (m *Matcher) candidates(p *program, keys [2]string) []*compiled {
	if len(p.anchored) == 0 {
		return nil
	}
	at := pair{p.is, keys}
	if list, ok := m.pairs[at]; ok {
		return list
	}
	var list []*compiled
	for _, c := range p.anchored {
		if possible(c.root, keys) != no {
			list = append(list, c)
		}
	}
	if len(m.pairs) < maxPairs {
		at.keys = [2]string{strings.Clone(keys[0]), strings.Clone(keys[1])}
		m.pairs[at] = list
	}
	return list
}

// maxWhy bounds how many reasons are told.
const maxWhy = 6

// why tells in words which fields met the condition.
func (m *Matcher) why(n *node, e *ocsf.Event) []string {
	var out []string
	var walk func(n *node)
	walk = func(n *node) {
		if len(out) >= maxWhy {
			return
		}
		switch n.op {
		case opNot:
			return
		case opAtom:
			if n.atom.kind == kindNull || !m.atomHolds(n.atom, e) {
				return
			}
			out = append(out, m.say(n.atom))
		default:
			for _, k := range n.kids {
				walk(k)
			}
		}
	}
	walk(n)
	return out
}

func (m *Matcher) say(a *atom) string {
	switch a.kind {
	case kindExists:
		return a.field + " is there"
	case kindReference:
		return a.field + " compared with " + a.other
	case kindAnywhere:
		return "the event " + a.m.String()
	}
	return validText(a.field + " " + a.m.String())
}
