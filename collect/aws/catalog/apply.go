package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// apply sends what a reply tells to the sink. It returns false if something it
// needs is not known yet; final asks to make the best of what is known. The
// caller holds the lock.
func (e *Export) apply(r *reply, sink estate.Sink, final bool) bool {
	done := false
	for _, u := range r.op.uses {
		switch u.role {
		case lists:
			done = e.applyList(r, u, sink, final) || done
		case describes:
			done = e.applyDescribe(r, u, sink, final) || done
		case merges:
			done = e.applyMerge(r, u, sink) || done
		case further:
			done = e.applyFurther(r, u, sink, final) || done
		case rows:
			done = e.applyRows(r, u, sink) || done
		case tagging:
			e.applyTags(r, sink)
			done = true
		case identity:
			e.accounts[text(r.body["Account"])] += identityWeight
			done = true
		}
	}
	return done
}

// judge takes a reply that lacks what a reply of its operation always holds
// for a failed one: "{}" does not say that there is no policy.
func (r *reply) judge() {
	if r.failed != "" {
		return
	}
	for _, u := range r.op.uses {
		if u.role != describes && u.role != further {
			continue
		}
		if what := u.call.lacks(r.body); what != "" {
			r.failed, r.why = incomplete, "the reply lacks "+what
		} else if u.role == further && truncated(r.body) {
			r.failed, r.why = incomplete, "the list is cut: a page token is left"
		}
	}
}

// incomplete stands for an error code where a reply is not whole.
const incomplete = "Incomplete"

// cut says that a reply holds only the first pages of a list.
func (e *Export) cut(r *reply, sink estate.Sink) {
	if r.failed != "" || !truncated(r.body) {
		return
	}
	var types []string
	for _, u := range r.op.uses {
		if u.resource != nil {
			types = append(types, typesBelow(u.resource)...)
		}
	}
	slices.Sort(types)
	sink.BlindSpot(estate.BlindSpot{
		Source: r.doc.Source, Account: r.scope.Account, Region: r.scope.Region, Operation: r.doc.Path, Types: slices.Compact(types),
		Status: estate.ReadMalformed, Why: r.op.service + ":" + r.op.name + ": the list is cut: a page token is left",
		Hint: "export the whole list: without --max-items, --max-results and --no-paginate",
	})
}

// applyList makes an asset of every item. Either all items are placed or none.
func (e *Export) applyList(r *reply, u use, sink estate.Sink, final bool) bool {
	if r.failed != "" {
		return e.failedList(r, u, sink)
	}
	res := u.resource
	scope := r.scope
	items := res.itemsAt(scope, r.body, u.call.Items)
	if res.Parent != "" {
		scope.Parent = e.parent(res, r, items)
	}
	if !final && (scope.Account == "" && len(items) == 0 || !e.placed(u, scope, items)) {
		return false
	}
	if final {
		scope = e.guess(r, scope, sink)
	}
	if len(items) == 0 && u.call.Items != "" && Lookup(r.body, strings.SplitN(u.call.Items, "[", 2)[0]) == nil && !r.doc.Partial && !none(r.body, u.call.Items) {
		// Another type's part of a shared reply may simply be missing.
		return len(r.op.uses) > 1
	}
	for _, item := range items {
		d := res.startFrom(r.doc.Source, scope, item, u.call.Operation())
		if err := e.emit(d, sink); err != nil && !e.onlyNamed(r, res, item, sink) {
			return false
		}
	}
	e.listed(res, scope, r)
	return true
}

// none reports whether a reply that lacks its list says beside it that there are 0 of
// its items, as CloudFront does.
func none(body any, items string) bool {
	i := strings.LastIndexByte(items, '.')
	return i > 0 && fmt.Sprint(Lookup(body, items[:i]+".Quantity")) == "0"
}

// onlyNamed takes an item that only names what a describe tells in full: the
// describe is there, or its lack is said. It reports whether the item is one.
func (e *Export) onlyNamed(r *reply, res *Resource, item any, sink estate.Sink) bool {
	if res.Describe == nil {
		return false
	}
	names := []string{text(item)}
	if m, ok := item.(map[string]any); ok {
		names = names[:0]
		for _, p := range pathsIn(res.Describe.With) {
			if v := text(Lookup(m, p)); v != "" {
				names = append(names, v)
			}
		}
	}
	if len(names) == 0 || names[0] == "" {
		return false
	}
	if e.known.find(res, names, r.scope) != nil {
		return true
	}
	sink.BlindSpot(estate.BlindSpot{
		Source: r.doc.Source, Account: r.scope.Account, Region: r.scope.Region, Operation: r.doc.Path,
		Types: []string{res.Type}, Status: estate.ReadSkipped,
		Why:  strings.Join(names, "/") + " is listed, but the export does not describe it",
		Hint: "export it: aws " + res.service.Service + " " + kebab(res.Describe.Op),
	})
	return true
}

// placed reports whether every item would get an id.
func (e *Export) placed(u use, scope Scope, items []any) bool {
	for _, item := range items {
		d := u.resource.startFrom("", scope, item, u.call.Operation())
		if _, err := d.ID(); err != nil {
			return false
		}
		if a, _ := idPlace(mustID(d), scope); a == "" && scope.Account == "" {
			return false
		}
	}
	return true
}

// mustID returns a draft's id, empty if it has none.
func mustID(d *Draft) string {
	id, err := d.ID()
	if err != nil {
		return ""
	}
	return id
}

// idPlace is the account and region an id names, or else the scope's.
func idPlace(id string, scope Scope) (account, region string) {
	a, ok := parseARN(id)
	if !ok {
		return scope.Account, scope.Region
	}
	account = scope.Account
	switch {
	case accountNumber.MatchString(a.account):
		account = a.account
	case a.account == "aws":
		account = "" // the provider's own
	}
	return account, first(a.region, scope.Region)
}

// guess fills an account or region that nothing in the folder says, once said
// as a blind spot.
func (e *Export) guess(r *reply, scope Scope, sink estate.Sink) Scope {
	if scope.Account == "" {
		scope.Account = "unknown"
		e.sayOnce(r, sink, "account", "no reply, path or option says which account the export is of", "give it: dir:PATH,account=ACCOUNT")
	}
	if scope.Region == "" {
		scope.Region = "unknown"
		if r.regional() {
			e.sayOnce(r, sink, "region", "neither the reply nor its path says which region it is of", "put it in a folder named like its region, or give it: dir:PATH,region=REGION")
		}
	}
	scope.Partition = first(scope.Partition, "aws")
	return scope
}

// regional reports whether a reply is of a service with regions.
func (r *reply) regional() bool {
	return slices.ContainsFunc(r.op.uses, func(u use) bool { return u.resource != nil && !u.resource.IsGlobal() })
}

// sayOnce sends a blind spot about the folder once.
func (e *Export) sayOnce(r *reply, sink estate.Sink, what, why, hint string) {
	if e.said[what] {
		return
	}
	e.said[what] = true
	sink.BlindSpot(estate.BlindSpot{
		Source: r.doc.Source, Operation: r.doc.Path, Types: r.op.types(), Status: estate.ReadMalformed, Why: why, Hint: hint,
	})
}

// parent finds what a child's list needs of its parent: the asset the path
// names; else what the items and the reply themselves say under the same
// member; else the path's subject where a single member is asked for.
func (e *Export) parent(res *Resource, r *reply, items []any) map[string]any {
	for _, p := range res.service.Resources {
		if p.Type == res.Parent || res.Recursive && p == res {
			if s := e.known.find(p, r.subjects, r.scope); s != nil && len(r.subjects) > 0 {
				return s.fields
			}
		}
	}
	need := parentPaths(res)
	out := map[string]any{}
	var firstItem any
	if len(items) > 0 {
		firstItem = items[0]
	}
	for i, path := range need {
		for _, from := range []any{firstItem, any(r.body)} {
			if v := text(Lookup(from, path)); v != "" {
				put(out, path, v)
			}
		}
		if Lookup(out, path) == nil && len(need) == 1 && len(r.subjects) > i {
			put(out, path, r.subjects[0])
		}
	}
	return out
}

// applyDescribe makes an asset of what a describe gives; a batch gives
// several.
func (e *Export) applyDescribe(r *reply, u use, sink estate.Sink, final bool) bool {
	res := u.resource
	for _, path := range u.call.Drop {
		drop(r.body, path)
	}
	if r.failed != "" {
		return e.failedPart(r, u, sink)
	}
	scope := r.scope
	if final {
		scope = e.guess(r, scope, sink)
	}
	objs := describedObjects(u.call, r.body)
	if len(objs) == 0 {
		if !res.Single || scope.Account == "" {
			return false
		}
		objs = []map[string]any{{}}
	}
	placedAll := true
	for _, obj := range objs {
		d := &Draft{Resource: res, Scope: scope, Config: maps.Clone(obj), source: r.doc.Source}
		if res.Parent != "" {
			d.Scope.Parent = e.parent(res, r, []any{obj})
		}
		status := estate.ReadOK
		if len(obj) == 0 {
			status = estate.ReadAbsent
		}
		d.note(u.call, status, "")
		if e.emitAs(d, r, u, sink) != nil {
			placedAll = false
		}
	}
	if placedAll && res.Single {
		e.listed(res, scope, r)
	}
	return placedAll
}

// describedObjects returns the objects a describe's reply holds.
func describedObjects(c *Call, body map[string]any) []map[string]any {
	v := Lookup(body, strings.Replace(c.Unwrap, "[0]", "[]", 1))
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []map[string]any
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}
