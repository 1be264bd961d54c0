package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// differ compares two trees of decoded JSON and notes the places where they
// differ. Lists that are sets are compared as sets.
type differ struct {
	cloud estate.Cloud
	out   []Change
}

// names are the members that tell the items of a list apart.
var names = []string{"Sid", "name", "Name", "VariantName", "variantName", "PolicyName", "PolicyArn", "GroupId", "GroupName", "RuleNumber", "Key", "key",
	"Id", "id", "InstanceGroupName", "Arn", "arn", "AccessKeyId", "SerialNumber", "VersionId", "DestinationCidrBlock", "mountPath", "containerPort", "ip"}

func (d *differ) compare(path string, was, is any) {
	switch b := was.(type) {
	case map[string]any:
		if a, ok := is.(map[string]any); ok {
			d.objects(path, b, a)
			return
		}
	case []any:
		if a, ok := is.([]any); ok {
			d.lists(path, b, a)
			return
		}
	}
	x, y := spell(was), spell(is)
	if x != y {
		d.note(path, was, is)
	}
}

func (d *differ) note(path string, was, is any) {
	c := Change{Attribute: path}
	if was != nil {
		c.Before = json.RawMessage(spell(was))
	}
	if is != nil {
		c.After = json.RawMessage(spell(is))
	}
	d.out = append(d.out, c)
}

func (d *differ) objects(path string, was, is map[string]any) {
	all := maps.Clone(was)
	maps.Copy(all, is)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		at := path + "." + k
		if strings.ContainsAny(k, "./") {
			at = path + ".(" + k + ")"
		}
		d.compare(at, was[k], is[k])
	}
}

func (d *differ) lists(path string, was, is []any) {
	if d.cloud == estate.Kubernetes && rightLists[memberOf(path)] {
		was, is = once(was, nil), once(is, nil)
	}
	if name := toldBy(was, is); name != "" && !d.keepsOrder(path) {
		d.named(path, name, was, is)
		return
	}
	if d.keepsOrder(path) {
		if name := toldBy(was, is); name != "" && sameNames(name, was, is) {
			d.named(path, name, was, is)
			return
		}
		if len(was) == len(is) {
			for i := range was {
				d.compare(fmt.Sprintf("%s[%d]", path, i), was[i], is[i])
			}
			return
		}
		d.note(path, was, is)
		return
	}
	gone, come := missing(was, is), missing(is, was)
	switch {
	case len(gone)+len(come) == 0:
	case len(gone) == 1 && len(come) == 1 && alike(gone[0], come[0]):
		d.compare(path+"[]", gone[0], come[0])
	default:
		d.note(path, orNone(gone), orNone(come))
	}
}

// alike reports whether two items are objects, so that one is likely the other
// with a change.
func alike(a, b any) bool {
	_, x := a.(map[string]any)
	_, y := b.(map[string]any)
	return x && y
}

// orNone is a list, nothing for an empty one.
func orNone(list []any) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

// memberOf is the last member of a path.
func memberOf(path string) string {
	return strings.TrimRight(path[strings.LastIndexByte(path, '.')+1:], "[]")
}

// rightLists are the lists of roles of clusters, in which to say a thing twice gives
// no more than to say it once.
var rightLists = map[string]bool{"rules": true, "subjects": true, "verbs": true, "resources": true, "apiGroups": true, "resourceNames": true, "nonResourceURLs": true}

// keepsOrder reports whether the list at a path is one whose order says
// something.
func (d *differ) keepsOrder(path string) bool {
	name := memberOf(path)
	if d.cloud == estate.Kubernetes {
		return !sets[name]
	}
	return ordered[name]
}

// toldBy is the member by which the items of both lists are told apart, "" if
// there is none.
func toldBy(lists ...[]any) string {
	for _, name := range names {
		ok, items := true, 0
		for _, list := range lists {
			seen := map[string]bool{}
			for _, item := range list {
				m, isObject := item.(map[string]any)
				key := spell(m[name])
				if !isObject || m[name] == nil || seen[key] {
					ok = false
					break
				}
				seen[key] = true
				items++
			}
		}
		if ok && items > 0 {
			return name
		}
	}
	return ""
}

// sameNames reports whether two lists have the same items in the same order.
func sameNames(name string, was, is []any) bool {
	return slices.EqualFunc(was, is, func(x, y any) bool {
		return spell(x.(map[string]any)[name]) == spell(y.(map[string]any)[name])
	})
}

func (d *differ) named(path, name string, was, is []any) {
	index := func(list []any) map[string]any {
		out := map[string]any{}
		for _, item := range list {
			out[strings.Trim(spell(item.(map[string]any)[name]), `"`)] = item
		}
		return out
	}
	b, a := index(was), index(is)
	all := maps.Clone(b)
	maps.Copy(all, a)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		d.compare(path+"["+k+"]", b[k], a[k])
	}
}

// missing returns the items of a that b lacks, as often as it lacks them.
func missing(a, b []any) []any {
	have := map[string]int{}
	for _, item := range b {
		have[asSet(item)]++
	}
	var out []any
	for _, item := range a {
		if k := asSet(item); have[k] > 0 {
			have[k]--
		} else {
			out = append(out, item)
		}
	}
	return out
}

// asSet spells a value so that the order of lists within it does not matter.
func asSet(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var b strings.Builder
		b.WriteByte('{')
		for _, k := range slices.Sorted(maps.Keys(v)) {
			fmt.Fprintf(&b, "%q:%s,", k, asSet(v[k]))
		}
		return b.String() + "}"
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = asSet(v[i])
		}
		slices.Sort(items)
		return "[" + strings.Join(items, ",") + "]"
	}
	return spell(v)
}

// spell is a decoded value as JSON, members in order of their names.
func spell(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // it was decoded from JSON
	return strings.TrimSuffix(b.String(), "\n")
}
