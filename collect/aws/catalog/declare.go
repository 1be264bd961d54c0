package catalog

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Declared lists every operation read for an asset of the type and where its
// reply stands, status left empty. What is read only if it is asked for is not
// among them.
func (r *Resource) Declared() []estate.Read {
	var out []estate.Read
	if op := r.listOperation(); op != "" {
		out = append(out, estate.Read{Operation: op})
	}
	for _, c := range r.calls {
		if c.Asked == "" {
			out = append(out, estate.Read{Operation: c.Operation(), Key: c.key})
		}
	}
	if r.Rows != nil {
		out = append(out, estate.Read{Operation: r.service.Service + ":" + r.Rows.Op, Key: r.Rows.Op})
	}
	return out
}

// tags reads the asset's tags: nil if the reply that holds them was not read,
// empty if it was and there are none.
func (d *Draft) tags() map[string]string {
	path := d.Resource.Tags
	if path == "" {
		return nil
	}
	if v := Lookup(d.Config, path); v != nil {
		return tagMap(v)
	}
	if !d.Read(path) {
		return nil
	}
	return map[string]string{}
}

// hasKey reports whether a call's reply stands under key.
func (r *Resource) hasKey(key string) bool {
	for _, c := range r.calls {
		if c.key == key {
			return true
		}
	}
	return false
}

// Items returns the items of a list reply that the resource keeps.
func (r *Resource) Items(scope Scope, body any) []any {
	if r.List != nil {
		return r.itemsAt(scope, body, r.List.Items)
	}
	return r.itemsAt(scope, body, r.From)
}

// itemsAt returns the kept items at a path.
func (r *Resource) itemsAt(scope Scope, body any, path string) []any {
	v := Lookup(body, path)
	list, ok := v.([]any)
	if !ok {
		if m, isObj := v.(map[string]any); isObj {
			list = []any{m}
		}
	}
	if r.Where == nil && r.Idle == nil {
		return list
	}
	var out []any
	for _, it := range list {
		m, _ := it.(map[string]any)
		if scope.matches(m, r.Where) && !r.idle(m) {
			out = append(out, it)
		}
	}
	return out
}

// idle reports whether an item is the provider's own and nobody uses it. AWS
// keeps some 1,500 policies in every account, most of them attached to nobody.
func (r *Resource) idle(item map[string]any) bool {
	if len(r.Idle) == 0 || item[r.Idle[0]] == nil {
		return false
	}
	if a, ok := parseARN(text(item[r.ID])); !ok || a.account != "aws" {
		return false
	}
	for _, k := range r.Idle {
		if n := text(item[k]); n != "" && n != "0" {
			return false
		}
	}
	return true
}

// Wanted reports whether the call is to be made for the asset.
func (d *Draft) Wanted(c *Call) bool { return c.When == nil || d.Scope.matches(d.Config, c.When) }

// Read reports whether what a path of the configuration begins with was read,
// be it that nothing is there.
func (d *Draft) Read(path string) bool {
	head, _, _ := strings.Cut(strings.TrimSuffix(path, "[]"), ".")
	if !d.Resource.hasKey(head) {
		head = ""
	}
	known := false
	for _, r := range d.reads {
		if r.Key != head {
			continue
		}
		if !r.Status.Known() {
			return false
		}
		known = true
	}
	return known
}

// RootFailed reports whether a call that makes up the root was made and failed.
func (d *Draft) RootFailed() bool {
	for _, r := range d.reads {
		if r.Key == "" && !r.Status.Known() && r.Status != estate.ReadSkipped {
			return true
		}
	}
	return false
}
