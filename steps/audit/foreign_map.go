package audit

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

//go:embed foreign/*.yaml
var foreignFiles embed.FS

// foreignTool is what is known of one tool's checks.
type foreignTool struct {
	Tool    string `yaml:"tool"`
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
	Source  string `yaml:"source"`
	// Severities give the tool's words, in lower case, ours; Unstated is what a
	// result counts as that has none of them.
	Severities map[string]finding.Severity `yaml:"severities"`
	Unstated   finding.Severity            `yaml:"unstated"`
	// Controls list the checks that ask what a control of ours asks, Faults those
	// that ask what other tools ask too, by the names of faults.yaml.
	Controls map[string][]string `yaml:"controls"`
	Faults   map[string][]string `yaml:"faults"`
	// Settled are checks stricter than their control: its answer stands. Told are
	// checks that count for no workload. Both say why.
	Settled map[string]string `yaml:"settled"`
	Told    map[string]string `yaml:"told"`
	// Steps list checks whose findings belong to another step than audit.
	Steps map[string][]string `yaml:"steps"`

	rules map[string]foreignRule
}

// foreignRule is what becomes of a check's results.
type foreignRule struct {
	controls      []string // of ours, of which any asks the same; none: none does
	fault         string   // shared by tools
	step          string
	settled, told string
}

// foreignKind says where the results of a kind belong.
type foreignKind struct {
	Step      string `yaml:"step"`
	Criterion string `yaml:"criterion"`
}

// foreignMap is all that is known of other tools' checks.
type foreignMap struct {
	tools  map[string]*foreignTool
	any    *foreignTool
	faults map[string]string
	kinds  map[string]foreignKind
}

// knownTools reads the map once. It is part of the program: that it is sound is
// held by a test.
var knownTools = sync.OnceValues(func() (*foreignMap, error) { return readForeignMap(foreignFiles) })

func readForeignMap(fsys fs.FS) (*foreignMap, error) {
	m := &foreignMap{tools: map[string]*foreignTool{}}
	names, err := fs.Glob(fsys, "foreign/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var into any
		tool := &foreignTool{}
		switch name {
		case "foreign/faults.yaml":
			into = &m.faults
		case "foreign/kinds.yaml":
			into = &m.kinds
		default:
			into = tool
		}
		if err := decodeYAML(fsys, name, into); err != nil {
			return nil, err
		}
		if into != tool {
			continue
		}
		if err := tool.index(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if tool.Tool == "*" {
			m.any = tool
		} else {
			m.tools[tool.Tool] = tool
		}
	}
	return m, nil
}

func decodeYAML(fsys fs.FS, name string, into any) error {
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// index turns the lists into rules by check. A check that asks what several
// controls ask stands with each; one of controls stands with no fault.
func (t *foreignTool) index() error {
	t.rules = map[string]foreignRule{}
	for _, control := range slices.Sorted(maps.Keys(t.Controls)) {
		for _, c := range t.Controls[control] {
			t.rules[c] = foreignRule{controls: append(t.rules[c].controls, control)}
		}
	}
	for fault, checks := range t.Faults {
		for _, c := range checks {
			if _, twice := t.rules[c]; twice {
				return fmt.Errorf("check %s stands twice", c)
			}
			t.rules[c] = foreignRule{fault: fault}
		}
	}
	for step, checks := range t.Steps {
		for _, c := range checks {
			r := t.rules[c]
			r.step = step
			t.rules[c] = r
		}
	}
	for c, why := range t.Settled {
		r, ok := t.rules[c]
		if !ok || len(r.controls) == 0 {
			return fmt.Errorf("settled check %s has no control that could settle it", c)
		}
		r.settled = why
		t.rules[c] = r
	}
	for c, why := range t.Told {
		r := t.rules[c]
		r.told = why
		t.rules[c] = r
	}
	return nil
}

// tool is what is known of a tool; of one that nobody compared, what holds of
// any.
func (m *foreignMap) tool(id string) *foreignTool {
	if t := m.tools[id]; t != nil {
		return t
	}
	return m.any
}

// rule is what becomes of a check, and the id its findings have if no control of
// ours asks the same.
func (m *foreignMap) rule(tool, check, kind string) (r foreignRule, id string) {
	r = m.tool(tool).rules[check]
	r.step = cmp.Or(r.step, m.kinds[kind].Step, m.kinds[""].Step)
	switch {
	case r.fault != "":
		return r, "foreign:" + r.fault
	case kind == estate.ForeignVulnerability:
		// A published vulnerability has one name, whoever saw it.
		return r, "foreign:" + check
	}
	return r, "foreign:" + tool + ":" + check
}

// severity is the tool's word for a severity in ours; stated is false where the
// tool gave none that is known.
func (t *foreignTool) severity(word string) (s finding.Severity, stated bool) {
	if s, ok := t.Severities[strings.ToLower(word)]; ok {
		return s, true
	}
	return t.Unstated, false
}
