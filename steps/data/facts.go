package data

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// facts are what was read of one asset.
type facts struct {
	a   *estate.Asset
	cfg map[string]any
}

// at is the member at a path of names joined by dots; nil if there is none.
func (f facts) at(path string) any {
	var v any = f.cfg
	for name := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// text is a string at a path, "" for none.
func (f facts) text(path string) string {
	s, _ := f.at(path).(string)
	return s
}

// list is a list at a path.
func (f facts) list(path string) []any {
	l, _ := f.at(path).([]any)
	return l
}

// known reports whether the reply under a key of the configuration was read, or the
// provider said that there is none.
func (f facts) known(key string) bool {
	if f.a.Referenced {
		return false
	}
	prefix := "/" + key
	if key == "" {
		prefix = ""
	}
	if slices.ContainsFunc(f.a.Unknown, func(u string) bool { return prefix != "" && strings.HasPrefix(u, prefix) || prefix == "" && u == "" }) {
		return false
	}
	return slices.ContainsFunc(f.a.Reads, func(r estate.Read) bool { return r.Key == key && r.Status.Known() })
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

func textOf(m map[string]any, name string) string {
	s, _ := m[name].(string)
	return s
}

func truthOf(m map[string]any, name string) bool {
	b, _ := m[name].(bool)
	return b
}

func numberOf(v any) (float64, bool) {
	n, ok := v.(float64)
	return n, ok
}
