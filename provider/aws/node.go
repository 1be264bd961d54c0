package aws

import (
	"encoding/json"
	"iter"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// node is a place in a configuration: its path and what stands there. The zero
// value stands for an absent member; reading on from it gives absent nodes.
type node struct {
	r    *reading
	path string
	v    any
}

// ok reports whether something stands there; JSON null counts as nothing.
func (n node) ok() bool { return n.v != nil }

// problem notes that the place does not hold what its API model says.
func (n node) problem(why string) {
	if n.r != nil {
		n.r.problem(n.path, why)
	}
}

// at follows member names, separated by dots. It does not enter arrays: each
// does. An absent node has no path: most members looked for are absent, and
// spelling their paths was half the cost of a reading.
func (n node) at(path string) node {
	for name := range strings.SplitSeq(path, ".") {
		m, isObject := n.v.(map[string]any)
		if !isObject {
			if n.ok() {
				n.problem("expected an object, found " + typeName(n.v))
			}
			return node{r: n.r}
		}
		v, present := m[name]
		if !present || v == nil {
			return node{r: n.r}
		}
		n = node{r: n.r, path: n.path + "." + name, v: v}
	}
	return n
}

// items yields the elements of an array. An absent array has none.
func (n node) items() iter.Seq[node] {
	return func(yield func(node) bool) {
		if !n.ok() {
			return
		}
		list, isArray := n.v.([]any)
		if !isArray {
			n.problem("expected an array, found " + typeName(n.v))
			return
		}
		for i, v := range list {
			if !yield(node{r: n.r, path: n.path + "[" + strconv.Itoa(i) + "]", v: v}) {
				return
			}
		}
	}
}

// members yields the members of an object in the order of their names, so that
// what is derived from them has one order.
func (n node) members() iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		if !n.ok() {
			return
		}
		m, isObject := n.v.(map[string]any)
		if !isObject {
			n.problem("expected an object, found " + typeName(n.v))
			return
		}
		for _, k := range sortedKeys(m) {
			if !yield(k, node{r: n.r, path: n.path + "." + k, v: m[k]}) {
				return
			}
		}
	}
}

// each yields every place a path leads to: "A.B[].C" enters each element of B.
func (n node) each(path string) iter.Seq[node] {
	return func(yield func(node) bool) { n.walk(path, yield) }
}

// walk is each's recursion; it returns false when the caller has had enough.
func (n node) walk(path string, yield func(node) bool) bool {
	head, rest, more := strings.Cut(path, "[]")
	here := n
	if head = strings.TrimPrefix(head, "."); head != "" {
		here = n.at(head)
	}
	if !here.ok() {
		return true
	}
	if !more {
		return yield(here)
	}
	for item := range here.items() {
		if rest == "" {
			if item.ok() && !yield(item) {
				return false
			}
			continue
		}
		if !item.walk(rest, yield) {
			return false
		}
	}
	return true
}

// str returns the string that stands there, "" if none.
func (n node) str() string {
	switch v := n.v.(type) {
	case nil:
	case string:
		return v
	default:
		n.problem("expected a string, found " + typeName(n.v))
	}
	return ""
}

// text is at(path).str().
func (n node) text(path string) string { return n.at(path).str() }

// flag returns the boolean that stands there, false if none.
func (n node) flag() bool {
	switch v := n.v.(type) {
	case nil:
	case bool:
		return v
	default:
		n.problem("expected a boolean, found " + typeName(n.v))
	}
	return false
}

// raw returns what stands there as JSON.
func (n node) raw() json.RawMessage {
	if !n.ok() {
		return nil
	}
	b, err := json.Marshal(n.v)
	if err != nil { // cannot be: it came from JSON
		n.problem(err.Error())
		return nil
	}
	return b
}

// typeName is what JSON calls a decoded value.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}

// relation is a relation from the asset itself with this place as evidence.
func (n node) relation(rel estate.RelationType, to string) {
	n.r.relate(n.r.a.ID, rel, to, n.path)
}
