package strict

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxProblems bounds how many mistakes of one file are told at once.
const maxProblems = 20

var textType = reflect.TypeFor[Text]()

// Decode fills the struct v points to. The error joins a *Problem for each
// mistake, in the order of the file.
func (f *File) Decode(v any) error {
	d := decoder{file: f}
	if f.root == nil {
		f.root = &yaml.Node{Kind: yaml.MappingNode, Line: 1, Column: 1}
	}
	d.value(f.root, reflect.ValueOf(v).Elem(), "the file")
	return errors.Join(d.problems...)
}

// field is one field of a struct that YAML may set.
type field struct {
	key      string
	required bool
	short    bool // text alone, without keys, sets this field
	enum     []string
	index    int
}

// fields lists what a struct's `key` tags declare.
func fields(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("key")
		if !ok {
			continue
		}
		key, opts, _ := strings.Cut(tag, ",")
		f := field{key: key, required: opts != "", short: opts == "short", index: i}
		if enum := t.Field(i).Tag.Get("enum"); enum != "" {
			f.enum = strings.Split(enum, "|")
		}
		out = append(out, f)
	}
	return out
}

type decoder struct {
	file     *File
	problems []error
}

func (d *decoder) problem(n *yaml.Node, hint, format string, args ...any) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, &Problem{Place: d.file.place(n), Message: fmt.Sprintf(format, args...), Hint: hint})
	}
}

// value sets v from n; what names the thing in messages.
func (d *decoder) value(n *yaml.Node, v reflect.Value, what string) {
	if v.Type() == textType {
		if s, ok := d.scalar(n, what, "text"); ok {
			v.Set(reflect.ValueOf(Text{Value: s, Place: d.file.place(n), lines: d.file.lines, style: n.Style}))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if n.Tag == "!!null" {
			return
		}
		p := reflect.New(v.Type().Elem())
		d.value(n, p.Elem(), what)
		v.Set(p)
	case reflect.Struct:
		d.structure(n, v, what)
	case reflect.Slice:
		d.slice(n, v, what)
	case reflect.Map:
		d.mapping(n, v, what)
	default:
		d.plain(n, v, what)
	}
}

func (d *decoder) scalar(n *yaml.Node, what, want string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.problem(n, "", "%s is %s, where %s is expected", what, kindName(n), want)
		return "", false
	}
	if n.Tag == "!!null" {
		d.problem(n, "give it a value or leave the key out", "%s is empty", what)
		return "", false
	}
	return n.Value, true
}

func (d *decoder) plain(n *yaml.Node, v reflect.Value, what string) {
	want := map[reflect.Kind]string{reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "a whole number"}[v.Kind()]
	s, ok := d.scalar(n, what, want)
	if !ok {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
		return
	case reflect.Bool:
		if n.Tag == "!!bool" {
			v.SetBool(strings.EqualFold(s, "true"))
			return
		}
	case reflect.Int:
		if i, err := strconv.Atoi(s); err == nil && n.Tag == "!!int" {
			v.SetInt(int64(i))
			return
		}
	}
	d.problem(n, "", "%s is %q, where %s is expected", what, short(s), want)
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, what string) {
	known := fields(v.Type())
	if i := slices.IndexFunc(known, func(f field) bool { return f.short }); i >= 0 && n.Kind == yaml.ScalarNode {
		d.value(n, v.Field(known[i].index), what)
		return
	}
	if n.Kind != yaml.MappingNode {
		d.problem(n, "", "%s is %s, where keys and values are expected", what, kindName(n))
		return
	}
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.key
	}
	seen := map[string]bool{}
	d.pairs(n, func(k, val *yaml.Node) {
		seen[k.Value] = true
		i := slices.Index(names, k.Value)
		if i < 0 {
			d.problem(k, suggest(k.Value, names), "unknown key %q in %s", short(k.Value), what)
			return
		}
		if e := known[i].enum; e != nil && val.Kind == yaml.ScalarNode && val.Tag != "!!null" && !slices.Contains(e, val.Value) {
			d.problem(val, suggest(val.Value, e), "%s %q is not known", k.Value, short(val.Value))
			return
		}
		d.value(val, v.Field(known[i].index), k.Value)
	})
	for _, f := range known {
		if f.required && !seen[f.key] {
			d.problem(n, "", "%s has no %s", what, f.key)
		}
	}
	if p := v.FieldByName("Place"); p.IsValid() && p.Type() == reflect.TypeFor[Place]() {
		p.Set(reflect.ValueOf(d.file.place(n)))
	}
}

func suggest(s string, names []string) string {
	if best := Nearest(s, names); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "known are " + strings.Join(names, ", ")
}

// pairs visits a mapping's members, refusing duplicate and complex keys.
func (d *decoder) pairs(n *yaml.Node, visit func(k, v *yaml.Node)) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			d.problem(k, "", "a key must be plain text")
			continue
		}
		if line, dup := first[k.Value]; dup {
			d.problem(k, "", "key %q is given twice, first in line %d", short(k.Value), line)
			continue
		}
		first[k.Value] = k.Line
		visit(k, n.Content[i+1])
	}
}

func (d *decoder) slice(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.SequenceNode {
		d.problem(n, "write it as a list: [one, two]", "%s is %s, where a list is expected", what, kindName(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.value(c, out.Index(i), fmt.Sprintf("%s[%d]", what, i))
	}
	v.Set(out)
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.MappingNode {
		d.problem(n, "", "%s is %s, where keys and values are expected", what, kindName(n))
		return
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	d.pairs(n, func(k, val *yaml.Node) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(val, e, what+"."+k.Value)
		out.SetMapIndex(reflect.ValueOf(k.Value), e)
	})
	v.Set(out)
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "an object"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "empty"
	}
	return fmt.Sprintf("%q", short(n.Value))
}

func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return s
}
