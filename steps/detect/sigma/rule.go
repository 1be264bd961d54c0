// Package sigma is an engine for Sigma rules, version 2.1.0 of the
// specification (https://github.com/SigmaHQ/sigma-specification): detections
// with every modifier, correlations of every type, filters, placeholders and
// pipelines that map fields. Rules are compiled into one program for each
// source of events, which looks only at the rules an event can meet.
//
// What a rule asks for and the engine cannot do is a Problem that names rule
// and place: a rule is never loaded in part.
package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Level is how grave a rule's match is.
type Level uint8

// The levels, in rising order. LevelNone is a rule that does not say.
const (
	LevelNone Level = iota
	Informational
	Low
	Medium
	High
	Critical
)

var levels = []string{"", "informational", "low", "medium", "high", "critical"}

// String is the level's word.
func (l Level) String() string { return levels[l] }

// LogSource says which events a rule is for.
type LogSource struct{ Category, Product, Service string }

// String is "product/service" with what was said.
func (l LogSource) String() string {
	return strings.Join(slices.DeleteFunc([]string{l.Product, l.Category, l.Service}, func(s string) bool { return s == "" }), "/")
}

// Rule is a detection, a correlation or a filter as read from a file.
type Rule struct {
	File           string
	Line           int
	Title          string
	ID             string
	Name           string
	Status         string
	Description    string
	Taxonomy       string
	Author         string
	License        string
	References     []string
	FalsePositives []string
	Tags           []string
	Level          Level
	LogSource      LogSource
	// Extra are the members the specification does not name, which others may use.
	Extra map[string]*yaml.Node

	detection   *detection
	correlation *Correlation
	filter      *filter
}

// Key is what names the rule: its id, else its name, else its title.
func (r *Rule) Key() string {
	for _, s := range []string{r.ID, r.Name} {
		if s != "" {
			return s
		}
	}
	return r.Title
}

// Correlates is the correlation a rule describes, nil for a detection.
func (r *Rule) Correlates() *Correlation { return r.correlation }

// Techniques are the ATT&CK and ATLAS techniques of the rule's tags, as their
// catalogues write them: T1078.004, AML.T0024.
func (r *Rule) Techniques() []string {
	var out []string
	for _, t := range r.Tags {
		if id, ok := strings.CutPrefix(t, "attack.t"); ok {
			out = append(out, "T"+id)
		} else if id, ok := strings.CutPrefix(t, "atlas.aml.t"); ok {
			out = append(out, "AML.T"+id)
		}
	}
	return out
}

// detection is the search identifiers and the condition over them, not yet
// tied to a source.
type detection struct {
	names       []string // in the order of the file
	identifiers map[string]*yaml.Node
	conditions  []*yaml.Node
}

type filter struct {
	rules []string // ids or names; "any" for all
	detection
}

// Problem is a rule that was not loaded, and why.
type Problem struct {
	File  string
	Line  int
	Title string
	Why   string
}

// Place is "file:line: title".
func (p Problem) Place() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d", p.Line)
	}
	if p.Title != "" {
		s += ": " + p.Title
	}
	return s
}

// String is "file:line: title: why".
func (p Problem) String() string { return p.Place() + ": " + p.Why }

// Bounds of rule files: they come from outside.
const (
	maxRuleFile = 4 << 20
	maxNodes    = 200_000
	maxDepth    = 64
)

// Parse reads the rules of one file, which may hold several YAML documents. A
// document that is no rule is a problem, the others count.
func Parse(file string, text []byte) (rules []*Rule, problems []Problem) {
	if len(text) > maxRuleFile {
		return nil, []Problem{{File: file, Why: fmt.Sprintf("%d bytes are more than a rule file may have (%d)", len(text), maxRuleFile)}}
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return rules, problems
		}
		if err != nil {
			return rules, append(problems, Problem{File: file, Why: strings.TrimPrefix(err.Error(), "yaml: ")})
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
			continue
		}
		n := 0
		if err := sound(&doc, 0, &n); err != nil {
			return rules, append(problems, Problem{File: file, Why: err.Error()})
		}
		r, err := parseRule(file, doc.Content[0])
		if err != nil {
			p := Problem{File: file, Line: doc.Content[0].Line, Why: err.Error()}
			if r != nil {
				p.Title = r.Title
			}
			var at *lineError
			if errors.As(err, &at) {
				p.Line, p.Why = at.line, at.why
			}
			problems = append(problems, p)
			continue
		}
		rules = append(rules, r)
	}
}

// lineError is an error at a line of a rule file.
type lineError struct {
	line int
	why  string
}

func (e *lineError) Error() string { return e.why }

func wrong(n *yaml.Node, format string, args ...any) error {
	return &lineError{n.Line, fmt.Sprintf(format, args...)}
}

// sound refuses what would grow without bound when it is walked: a few lines of
// aliases of aliases are a billion nodes.
func sound(n *yaml.Node, depth int, count *int) error {
	if *count++; *count > maxNodes || depth > maxDepth {
		return wrong(n, "more or deeper than a rule needs")
	}
	if n.Kind == yaml.AliasNode {
		return sound(n.Alias, depth+1, count)
	}
	seen := map[string]bool{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[c.Value] {
				return wrong(c, "%q stands there twice", c.Value)
			}
			seen[c.Value] = true
		}
		if err := sound(c, depth+1, count); err != nil {
			return err
		}
	}
	return nil
}

// deref follows an alias.
func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func parseRule(file string, n *yaml.Node) (*Rule, error) {
	if n = deref(n); n.Kind != yaml.MappingNode {
		return nil, wrong(n, "a rule is a map with title, logsource and detection")
	}
	r := &Rule{File: file, Line: n.Line}
	var err error
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	var isDetection, hasSource bool
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], deref(n.Content[i+1])
		switch k.Value {
		case "title":
			r.Title = v.Value
		case "id":
			r.ID = v.Value
		case "name":
			r.Name = v.Value
		case "status":
			r.Status = v.Value
		case "description":
			r.Description = v.Value
		case "taxonomy":
			r.Taxonomy = v.Value
		case "author":
			r.Author = v.Value
		case "license":
			r.License = v.Value
		case "references":
			r.References, _ = texts(v)
		case "falsepositives":
			r.FalsePositives, _ = texts(v)
		case "tags":
			var e error
			if r.Tags, e = texts(v); e != nil {
				keep(e)
			}
		case "level":
			l := slices.Index(levels, strings.ToLower(v.Value))
			if l < 0 {
				keep(wrong(v, "level %q is none of informational, low, medium, high, critical", v.Value))
				l = 0
			}
			r.Level = Level(l)
		case "logsource":
			hasSource = true
			keep(parseLogSource(v, &r.LogSource))
		case "detection":
			isDetection = true
			d, e := parseDetection(v)
			r.detection = d
			keep(e)
		case "correlation":
			c, e := parseCorrelation(v)
			r.correlation = c
			keep(e)
		case "filter":
			f, e := parseFilter(v)
			r.filter = f
			keep(e)
		default:
			if r.Extra == nil {
				r.Extra = map[string]*yaml.Node{}
			}
			r.Extra[k.Value] = v
		}
	}
	switch {
	case err != nil:
	case r.Title == "":
		err = wrong(n, "title is missing")
	case !isDetection && r.correlation == nil && r.filter == nil:
		err = wrong(n, "there is neither detection nor correlation nor filter")
	case isDetection && r.correlation != nil:
		err = wrong(n, "a rule is either a detection or a correlation")
	case isDetection && !hasSource:
		err = wrong(n, "logsource is missing")
	}
	return r, err
}

func parseLogSource(n *yaml.Node, s *LogSource) error {
	if n.Kind != yaml.MappingNode {
		return wrong(n, "logsource is a map of category, product and service")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := strings.ToLower(deref(n.Content[i+1]).Value)
		switch n.Content[i].Value {
		case "category":
			s.Category = v
		case "product":
			s.Product = v
		case "service":
			s.Service = v
		}
	}
	return nil
}

func parseDetection(n *yaml.Node) (*detection, error) {
	if n.Kind != yaml.MappingNode {
		return nil, wrong(n, "detection is a map of search identifiers and a condition")
	}
	d := &detection{identifiers: map[string]*yaml.Node{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], deref(n.Content[i+1])
		if k.Value == "timeframe" {
			return nil, wrong(k, "timeframe is of the old way to count, which a correlation replaced")
		}
		if k.Value != "condition" {
			d.names = append(d.names, k.Value)
			d.identifiers[k.Value] = v
			continue
		}
		if v.Kind == yaml.SequenceNode {
			for _, c := range v.Content {
				d.conditions = append(d.conditions, deref(c))
			}
		} else {
			d.conditions = []*yaml.Node{v}
		}
	}
	if len(d.conditions) == 0 {
		return nil, wrong(n, "the condition is missing")
	}
	if len(d.names) == 0 {
		return nil, wrong(n, "there is no search identifier")
	}
	return d, nil
}

func parseFilter(n *yaml.Node) (*filter, error) {
	if n.Kind != yaml.MappingNode {
		return nil, wrong(n, "filter is a map of rules, search identifiers and a condition")
	}
	var rules []string
	rest := &yaml.Node{Kind: yaml.MappingNode, Line: n.Line}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "rules" {
			rest.Content = append(rest.Content, n.Content[i], n.Content[i+1])
			continue
		}
		var err error
		if rules, err = texts(deref(n.Content[i+1])); err != nil {
			return nil, err
		}
	}
	if len(rules) == 0 {
		return nil, wrong(n, "filter names no rules")
	}
	d, err := parseDetection(rest)
	if err != nil {
		return nil, err
	}
	return &filter{rules, *d}, nil
}

// texts reads a text or a list of texts.
func texts(n *yaml.Node) ([]string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil, nil
		}
		return []string{n.Value}, nil
	case yaml.SequenceNode:
		var out []string
		for _, c := range n.Content {
			if c = deref(c); c.Kind != yaml.ScalarNode {
				return nil, wrong(c, "a list of texts is wanted here")
			}
			out = append(out, c.Value)
		}
		return out, nil
	}
	return nil, wrong(n, "a text or a list of texts is wanted here")
}

// span reads a timespan: a number and s, m, h or d (w too, which others write).
func span(n *yaml.Node) (time.Duration, error) {
	s := n.Value
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if len(s) >= 2 {
		var count int64
		unit, ok := units[s[len(s)-1]]
		for _, ch := range s[:len(s)-1] {
			if ch < '0' || ch > '9' || count > 1_000_000 {
				ok = false
				break
			}
			count = count*10 + int64(ch-'0')
		}
		if d := time.Duration(count) * unit; ok && d > 0 && d <= 366*24*time.Hour {
			return d, nil
		}
	}
	return 0, wrong(n, "timespan %q is not a number of s, m, h or d up to a year, 90m for instance", s)
}
