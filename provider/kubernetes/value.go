package kubernetes

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// maxProblems bounds what is said of one object: a wholly broken one need not
// be listed member by member.
const maxProblems = 20

// value is a place in a configuration. Reading a missing place gives nothing;
// reading a place of the wrong type gives nothing and a problem that names it.
type value struct {
	v    any
	path string
	u    *estate.Understanding
}

func (x value) wrong(want string) {
	if len(x.u.Problems) < maxProblems {
		x.u.Problems = append(x.u.Problems, estate.Problem{Path: x.path, Why: fmt.Sprintf("is %s, not %s", describe(x.v), want)})
	}
}

func describe(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case json.Number, float64:
		return "a number"
	}
	return "of an unknown type"
}

func (x value) missing() bool { return x.v == nil }

// at follows member names.
func (x value) at(names ...string) value {
	for _, name := range names {
		m := x.object()
		x = value{m[name], x.path + "." + name, x.u}
	}
	return x
}

func (x value) object() map[string]any {
	switch v := x.v.(type) {
	case nil:
		return nil
	case map[string]any:
		return v
	}
	x.wrong("an object")
	return nil
}

func (x value) list() []any {
	switch v := x.v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	x.wrong("a list")
	return nil
}

func (x value) text() string {
	switch v := x.v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	x.wrong("a string")
	return ""
}

// scalar reads a string, number or boolean as text: quantities and ports may
// be either.
func (x value) scalar() string {
	switch v := x.v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	x.wrong("a scalar")
	return ""
}

func (x value) flag() bool {
	switch v := x.v.(type) {
	case nil:
		return false
	case bool:
		return v
	}
	x.wrong("a boolean")
	return false
}

// texts reads a list of strings.
func (x value) texts() []string {
	var out []string
	for _, e := range x.items() {
		out = append(out, e.text())
	}
	return out
}

// items yields the elements of a list.
func (x value) items() iter.Seq2[int, value] {
	return func(yield func(int, value) bool) {
		for i, e := range x.list() {
			if !yield(i, value{e, x.path + "[" + strconv.Itoa(i) + "]", x.u}) {
				return
			}
		}
	}
}

// members yields the members of an object in order of their names.
func (x value) members() iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		m := x.object()
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, value{m[k], x.path + "." + k, x.u}) {
				return
			}
		}
	}
}
