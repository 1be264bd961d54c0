package sigma

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Pipeline is a processing pipeline as pySigma writes it: it maps the fields
// of rules to those of the user's logs, and gives placeholders their values.
type Pipeline struct {
	Name     string
	Priority int
	vars     map[string][]string
	steps    []step
}

// step is one transformation with the rules it is for.
type step struct {
	kind    string
	mapping map[string][]string
	text    string // prefix, suffix
	include []string
	logs    []LogSource // conditions: one of them; none is every rule
	change  LogSource
}

type pipelineFile struct {
	Name            string               `yaml:"name"`
	Priority        int                  `yaml:"priority"`
	Vars            map[string]yaml.Node `yaml:"vars"`
	Backends        yaml.Node            `yaml:"allowed_backends"`
	Transformations []struct {
		ID         string               `yaml:"id"`
		Type       string               `yaml:"type"`
		Mapping    map[string]yaml.Node `yaml:"mapping"`
		Prefix     string               `yaml:"prefix"`
		Suffix     string               `yaml:"suffix"`
		Include    []string             `yaml:"include"`
		Category   string               `yaml:"category"`
		Product    string               `yaml:"product"`
		Service    string               `yaml:"service"`
		Conditions []struct {
			Type     string `yaml:"type"`
			Category string `yaml:"category"`
			Product  string `yaml:"product"`
			Service  string `yaml:"service"`
		} `yaml:"rule_conditions"`
	} `yaml:"transformations"`
}

// transformations are the types that are understood.
var transformations = []string{"field_name_mapping", "field_name_prefix_mapping", "field_name_prefix", "field_name_suffix", "value_placeholders", "wildcard_placeholders", "change_logsource"}

// ParsePipeline reads a pipeline. A transformation that is not understood is an
// error: leaving it out would change what rules mean.
func ParsePipeline(text []byte) (*Pipeline, error) {
	var f pipelineFile
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("pipeline: %w", err)
	}
	p := &Pipeline{Name: f.Name, Priority: f.Priority, vars: map[string][]string{}}
	for name, n := range f.Vars {
		v, err := texts(&n)
		if err != nil {
			return nil, fmt.Errorf("pipeline: vars: line %d: %w", n.Line, err)
		}
		p.vars[name] = v
	}
	for i, t := range f.Transformations {
		if !slices.Contains(transformations, t.Type) {
			return nil, fmt.Errorf("pipeline: transformation %d (%s): type %q is none of %s", i+1, t.ID, t.Type, strings.Join(transformations, ", "))
		}
		s := step{kind: t.Type, mapping: map[string][]string{}, text: t.Prefix + t.Suffix, include: t.Include, change: LogSource{t.Category, t.Product, t.Service}}
		for from, n := range t.Mapping {
			to, err := texts(&n)
			if err != nil || len(to) == 0 {
				return nil, fmt.Errorf("pipeline: line %d: %s: a field or a list of fields", n.Line, from)
			}
			s.mapping[from] = to
		}
		for _, c := range t.Conditions {
			if c.Type != "logsource" {
				return nil, fmt.Errorf("pipeline: transformation %d (%s): of rule_conditions only logsource is understood, not %q", i+1, t.ID, c.Type)
			}
			s.logs = append(s.logs, LogSource{strings.ToLower(c.Category), strings.ToLower(c.Product), strings.ToLower(c.Service)})
		}
		p.steps = append(p.steps, s)
	}
	return p, nil
}

// isFor says whether a step's conditions hold for a rule.
func (s *step) isFor(l LogSource) bool {
	if len(s.logs) == 0 {
		return true
	}
	return slices.ContainsFunc(s.logs, func(c LogSource) bool {
		return (c.Category == "" || c.Category == l.Category) && (c.Product == "" || c.Product == l.Product) && (c.Service == "" || c.Service == l.Service)
	})
}

// pipelines are several, in the order of their priority.
type pipelines []*Pipeline

func ordered(ps []*Pipeline) pipelines {
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b *Pipeline) int { return a.Priority - b.Priority })
	return out
}

// builder gives the placeholders' values for a rule.
func (ps pipelines) builder(l LogSource) *builder {
	b := &builder{placeholders: map[string][]string{}, wild: map[string]bool{}}
	for _, p := range ps {
		for _, s := range p.steps {
			if !s.isFor(l) {
				continue
			}
			for name, values := range p.vars {
				if len(s.include) > 0 && !slices.Contains(s.include, name) {
					continue
				}
				if s.kind == "value_placeholders" {
					b.placeholders[name] = values
				}
			}
			if s.kind == "wildcard_placeholders" {
				for _, name := range s.include {
					b.wild[name] = true
				}
			}
		}
	}
	return b
}

// fields maps a rule's field to one or several, of which any may meet it.
func (ps pipelines) fields(l LogSource, field string) []string {
	out := []string{field}
	for _, p := range ps {
		for _, s := range p.steps {
			if !s.isFor(l) {
				continue
			}
			var next []string
			for _, f := range out {
				next = append(next, s.field(f)...)
			}
			out = next
		}
	}
	return out
}

func (s *step) field(f string) []string {
	switch s.kind {
	case "field_name_mapping":
		if to, ok := s.mapping[f]; ok {
			return to
		}
	case "field_name_prefix_mapping":
		for from, to := range s.mapping {
			if rest, ok := strings.CutPrefix(f, from); ok {
				var out []string
				for _, t := range to {
					out = append(out, t+rest)
				}
				return out
			}
		}
	case "field_name_prefix":
		return []string{s.text + f}
	case "field_name_suffix":
		return []string{f + s.text}
	}
	return []string{f}
}

// logSource is where a rule's events come from once pipelines had their word.
func (ps pipelines) logSource(l LogSource) LogSource {
	for _, p := range ps {
		for _, s := range p.steps {
			if s.kind == "change_logsource" && s.isFor(l) {
				l = s.change
			}
		}
	}
	return l
}
