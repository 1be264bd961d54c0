package kube

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sort"
	"strconv"

	"encoding/json"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// fields is one object of a document, with the place it stands at. What is
// wrong is noted in bad, first fault first; whoever reads a policy asks once at
// the end and, if something was wrong, makes it one that may do anything.
type fields struct {
	m   map[string]any
	at  string
	bad *[]string
}

func (f fields) fault(format string, args ...any) {
	*f.bad = append(*f.bad, fmt.Sprintf("%s: %s", f.at, fmt.Sprintf(format, args...)))
}

func (f fields) has(key string) bool { v, ok := f.m[key]; return ok && v != nil }

// only notes members that nobody here understands: to leave one out could make
// a rule wider than it is.
func (f fields) only(keys ...string) {
	var strange []string
	for k, v := range f.m {
		if v != nil && !slices.Contains(keys, k) {
			strange = append(strange, k)
		}
	}
	sort.Strings(strange)
	for _, k := range strange {
		f.fault("%s is not understood", k)
	}
}

func (f fields) obj(key string) fields {
	out := fields{at: f.at + "." + key, bad: f.bad}
	switch v := f.m[key].(type) {
	case nil:
	case map[string]any:
		out.m = v
	case map[any]any: // YAML's keys that are numbers; texts to the API
		out.m = make(map[string]any, len(v))
		for k, w := range v {
			out.m[fmt.Sprint(k)] = w
		}
	default:
		out.fault("is no object")
	}
	return out
}

func (f fields) list(key string) []any {
	switch v := f.m[key].(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	f.fault("%s is no list", key)
	return nil
}

// objs are a list's objects; null stands for an empty one, as in the API.
func (f fields) objs(key string) []fields {
	list := f.list(key)
	out := make([]fields, 0, len(list))
	for i, v := range list {
		o := fields{at: f.at + "." + key + "[" + strconv.Itoa(i) + "]", bad: f.bad}
		switch v := v.(type) {
		case nil:
		case map[string]any:
			o.m = v
		default:
			o.fault("is no object")
		}
		out = append(out, o)
	}
	return out
}

func (f fields) str(key string) string {
	switch v := f.m[key].(type) {
	case nil:
		return ""
	case string:
		return v
	}
	f.fault("%s is no text", key)
	return ""
}

func (f fields) strs(key string) []string {
	list := f.list(key)
	out := make([]string, 0, len(list))
	for i, v := range list {
		s, ok := v.(string)
		if !ok {
			f.fault("%s[%d] is no text", key, i)
		}
		out = append(out, s)
	}
	return out
}

func (f fields) flag(key string) bool {
	v, ok := f.m[key].(bool)
	if !ok && f.has(key) {
		f.fault("%s is neither true nor false", key)
	}
	return v
}

// number reads a whole number between lo and hi.
func (f fields) number(key string, lo, hi int64) int64 {
	n, ok := whole(f.m[key])
	if !ok || n < lo || n > hi {
		f.fault("%s is no whole number from %d to %d", key, lo, hi)
		return lo
	}
	return n
}

// whole reads the numbers that the decoders of JSON and YAML make.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	}
	return 0, false
}

func (f fields) labels(key string) map[string]string {
	o := f.obj(key)
	if len(o.m) == 0 {
		return nil
	}
	out := make(map[string]string, len(o.m))
	for k := range o.m {
		out[k] = o.str(k)
	}
	return out
}

// selector reads a label selector; an absent or empty one selects everything.
func (f fields) selector(key string) *selector {
	o := f.obj(key)
	o.only("matchLabels", "matchExpressions")
	var reqs []requirement
	for k, v := range o.labels("matchLabels") {
		reqs = append(reqs, requirement{k, "In", []string{v}})
	}
	for _, e := range o.objs("matchExpressions") {
		e.only("key", "operator", "values")
		r := requirement{e.str("key"), e.str("operator"), e.strs("values")}
		switch r.op {
		case "In", "NotIn":
			if len(r.values) == 0 {
				e.fault("%s without values", r.op)
			}
		case "Exists", "DoesNotExist":
			if len(r.values) > 0 {
				e.fault("%s with values", r.op)
			}
		default:
			e.fault("operator %q is none of In, NotIn, Exists, DoesNotExist", r.op)
		}
		if r.key == "" {
			e.fault("no key")
		}
		reqs = append(reqs, r)
	}
	return newSelector(reqs)
}

func (f fields) cidr(text string) reach.Addrs {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		f.fault("%q is no address block", text)
	}
	return reach.AddrsOf(p)
}

func (f fields) protocol(key string, absent reach.Protocol) reach.Protocol {
	if !f.has(key) {
		return absent
	}
	switch f.str(key) {
	case "TCP":
		return reach.TCP
	case "UDP":
		return reach.UDP
	case "SCTP":
		return reach.SCTP
	}
	f.fault("protocol %v is none of TCP, UDP, SCTP", f.m[key])
	return absent
}
