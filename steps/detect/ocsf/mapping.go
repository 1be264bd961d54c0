package ocsf

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// Mapping says how JSON of a format of the user's own becomes events. Made by
// ParseMapping.
type Mapping struct {
	name string
	t    *table
}

// mappingFile is a mapping as written:
//
//	source: my-gateway             # a name for the format
//	class: api                     # api (the default), authentication, http, datastore
//	fields:                        # target: path, or paths of which the first that says something counts
//	  time: ts
//	  action: [op, operation]
//	  actor.id: user.name
//	constants: {service: my-gateway}
//	failed: {path: status, values: ["error", "denied"]}
type mappingFile struct {
	Source    string               `yaml:"source"`
	Class     string               `yaml:"class"`
	Fields    map[string]yaml.Node `yaml:"fields"`
	Constants map[string]string    `yaml:"constants"`
	Failed    struct {
		Path   string   `yaml:"path"`
		Values []string `yaml:"values"`
	} `yaml:"failed"`
}

var mappingClasses = map[string]Class{"": ClassAPIActivity, "api": ClassAPIActivity, "authentication": ClassAuthentication, "http": ClassHTTPActivity, "datastore": ClassDatastoreActivity}

// ParseMapping reads a mapping file. An error names the line or the field, and
// what may stand there.
func ParseMapping(text []byte) (*Mapping, error) {
	var m mappingFile
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	class, ok := mappingClasses[m.Class]
	if !ok {
		return nil, fmt.Errorf("mapping: class %q is none of api, authentication, http, datastore", m.Class)
	}
	var rules []rule
	for target, node := range m.Fields {
		if _, ok := targets[target]; !ok && target != resourceTarget {
			return nil, fmt.Errorf("mapping: line %d: %q is no field of an event; they are %s", node.Line, target, strings.Join(Targets(), ", "))
		}
		var paths []string
		if err := node.Decode(&paths); err != nil {
			var one string
			if err := node.Decode(&one); err != nil || one == "" {
				return nil, fmt.Errorf("mapping: line %d: %s: a path or a list of paths", node.Line, target)
			}
			paths = []string{one}
		}
		rules = append(rules, rule{target, paths})
	}
	slices.SortFunc(rules, func(a, b rule) int { return strings.Compare(a.target, b.target) })
	has := func(t string) bool { _, ok := m.Fields[t]; return ok || m.Constants[t] != "" }
	if !has("time") || !has("action") {
		return nil, fmt.Errorf("mapping: fields must say where time and action stand")
	}
	for target := range m.Constants {
		if _, ok := targets[target]; !ok {
			return nil, fmt.Errorf("mapping: constants: %q is no field of an event; they are %s", target, strings.Join(Targets(), ", "))
		}
	}
	var extra []string
	if m.Failed.Path != "" {
		extra = append(extra, m.Failed.Path)
	}
	finish := func(e *Event, t *table, f *cursor.Found) error {
		e.Class, e.Activity = class, verb(upperFirst(e.Action))
		if class == ClassAuthentication {
			e.Activity = ActivityLogon
		}
		for target, text := range m.Constants {
			if err := targets[target](e, text); err != nil {
				return &fieldError{target, err}
			}
		}
		e.Failed = e.ErrorCode != "" || m.Failed.Path != "" && slices.Contains(m.Failed.Values, t.text(f, m.Failed.Path))
		return nil
	}
	return &Mapping{m.Source, newTable(Mapped, rules, extra, finish)}, nil
}

// Name is the name the mapping gives its format.
func (m *Mapping) Name() string { return m.name }
