// Package cloudformationgen makes what provider/cloudformation works by: the
// shapes of the live replies, and the properties of CloudFormation's resource
// types, condensed from the schemas that CloudFormation publishes.
package cloudformationgen

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
)

// head explains the text that Properties writes.
const head = `# The properties of the resource types that provider/cloudformation converts, as
# CloudFormation's own resource schemas name them. Written by
# test/cloudformationgen from the schemas of %s that cfn-lint carries.
#
# One type begins with "="; "@ id" names what makes up its primary identifier,
# which Ref gives for most types. Below it stands one property a line, those of
# objects indented: its name, its kind, and - where it cannot be set. Kinds: s
# string, n number, b boolean, { object, [ a list, ( a map of what follows, ?
# anything.
`

// maxDepth bounds what is written of one type, as for the shapes.
const maxDepth = 8

// schema is the part of JSON Schema that CloudFormation's schemas use.
type schema struct {
	Type              any                `json:"type"`
	Ref               string             `json:"$ref"`
	Properties        map[string]*schema `json:"properties"`
	PatternProperties map[string]*schema `json:"patternProperties"`
	Additional        any                `json:"additionalProperties"`
	Items             *schema            `json:"items"`
	OneOf             []*schema          `json:"oneOf"`
	AnyOf             []*schema          `json:"anyOf"`
	AllOf             []*schema          `json:"allOf"`
	Definitions       map[string]*schema `json:"definitions"`
	ReadOnly          []string           `json:"readOnlyProperties"`
	Primary           []string           `json:"primaryIdentifier"`
}

// Schemas is the folder of the schemas in a virtual environment with cfn-lint.
func Schemas(venv string) (string, error) {
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python*", "site-packages", "cfnlint", "data", "schemas"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("no schemas of cfn-lint in %s: run make setup", venv)
	}
	return found[0], nil
}

// Index lists the files of the schemas, by type.
func Index(folder string) (map[string]string, error) {
	out := map[string]string{}
	text, err := os.ReadFile(filepath.Join(folder, "providers", "us-east-1.json"))
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(text, &out)
}

// Live lists the asset types of the live reader's catalogue that CloudFormation
// has, too, sorted.
func Live(index map[string]string) ([]string, error) {
	cat, err := catalog.Default()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range cat.Resources() {
		if index[r.Type] != "" {
			out = append(out, r.Type)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Properties condenses the schemas of types to the text of
// provider/cloudformation/properties.txt. A type without a schema is an error.
func Properties(folder string, types []string) (string, error) {
	index, err := Index(folder)
	if err != nil {
		return "", err
	}
	var version struct {
		Date string `json:"schema_date"`
	}
	text, err := os.ReadFile(filepath.Join(folder, "version.json"))
	if err == nil {
		err = json.Unmarshal(text, &version)
	}
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, head, version.Date)
	for _, typ := range types {
		if index[typ] == "" {
			return "", fmt.Errorf("CloudFormation has no type %s", typ)
		}
		text, err := os.ReadFile(filepath.Join(folder, "resources", index[typ]+".json"))
		if err != nil {
			return "", err
		}
		var s schema
		if err := json.Unmarshal(text, &s); err != nil {
			return "", fmt.Errorf("%s: %w", typ, err)
		}
		w := &writer{b: &b, root: &s, readOnly: map[string]bool{}}
		for _, p := range s.ReadOnly {
			w.readOnly[strings.ReplaceAll(p, "/*", "")] = true
		}
		fmt.Fprintf(&b, "= %s\n", typ)
		if len(s.Primary) > 0 {
			names := make([]string, len(s.Primary))
			for i, p := range s.Primary {
				names[i] = strings.ReplaceAll(strings.TrimPrefix(p, "/properties/"), "/", ".")
			}
			fmt.Fprintf(&b, "@ id %s\n", strings.Join(names, " "))
		}
		w.members(w.all(&s), "/properties", 0, nil)
	}
	return b.String(), nil
}

// writer writes one type.
type writer struct {
	b        *strings.Builder
	root     *schema
	readOnly map[string]bool
}

// at follows a reference.
func (w *writer) at(s *schema) *schema {
	for range 8 {
		if s == nil || s.Ref == "" {
			return s
		}
		s = w.root.Definitions[strings.TrimPrefix(s.Ref, "#/definitions/")]
	}
	return s
}

// all are the properties of an object in every variant it may have.
func (w *writer) all(s *schema) map[string]*schema {
	out := map[string]*schema{}
	var add func(s *schema, depth int)
	add = func(s *schema, depth int) {
		if s = w.at(s); s == nil || depth > 6 {
			return
		}
		for k, p := range s.Properties {
			if have := out[k]; have == nil || kindless(have) {
				out[k] = p
			}
		}
		for _, more := range [][]*schema{s.OneOf, s.AnyOf, s.AllOf} {
			for _, m := range more {
				add(m, depth+1)
			}
		}
	}
	add(s, 0)
	return out
}

// kindless reports whether a variant only says something of a property that
// another one describes.
func kindless(s *schema) bool {
	return s.Type == nil && s.Ref == "" && len(s.Properties) == 0 && s.Items == nil && len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) == 0
}

func (w *writer) members(props map[string]*schema, path string, depth int, within []*schema) {
	names := make([]string, 0, len(props))
	for k := range props {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, name := range names {
		here := path + "/" + name
		code, inner := w.kind(props[name])
		how := ""
		if w.readOnly[here] {
			how = " -"
		}
		fmt.Fprintf(w.b, "%s%s %s%s\n", strings.Repeat("\t", depth), name, code, how)
		if strings.HasSuffix(code, "{") && depth < maxDepth && !slices.Contains(within, inner) {
			w.members(w.all(inner), here, depth+1, append(within[:len(within):len(within)], inner))
		}
	}
}

// kind is the letter of a schema's type and, of an object, what holds its
// properties.
func (w *writer) kind(s *schema) (string, *schema) {
	s = w.at(s)
	if s == nil {
		return "?", nil
	}
	if len(w.all(s)) > 0 {
		if _, both := s.Type.([]any); both {
			return "?", nil
		}
		return "{", s
	}
	switch t, _ := s.Type.(string); t {
	case "string":
		return "s", nil
	case "integer", "number":
		return "n", nil
	case "boolean":
		return "b", nil
	case "array":
		code, inner := w.kind(s.Items)
		return "[" + code, inner
	case "object":
		for _, p := range s.PatternProperties {
			code, inner := w.kind(p)
			return "(" + code, inner
		}
		if more, ok := s.Additional.(map[string]any); ok && more["type"] == "string" {
			return "(s", nil
		}
		return "?", nil
	}
	for _, more := range [][]*schema{s.AnyOf, s.OneOf, s.AllOf} {
		for _, m := range more {
			if code, inner := w.kind(m); code != "?" {
				return code, inner
			}
		}
	}
	return "?", nil
}
