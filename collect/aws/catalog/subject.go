package catalog

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// applyFurther attaches a reply to the asset it is about.
func (e *Export) applyFurther(r *reply, u use, sink estate.Sink, final bool) bool {
	if u.call.below() && len(r.subjects) < 2 && r.ownUses() > 0 {
		return false // a name alone is the parent's
	}
	if r.failed != "" {
		return e.failedPart(r, u, sink)
	}
	s := e.subject(r, u, final)
	if s == nil {
		return e.applyBatch(r, u, sink)
	}
	if e.rivals(r, u) {
		return false
	}
	return e.attach(r, u, s, r.body, sink)
}

// attach gives an asset a reply that is about it.
func (e *Export) attach(r *reply, u use, s *stub, body map[string]any, sink estate.Sink) bool {
	d := &Draft{Resource: u.resource, Scope: r.scope, Config: map[string]any{}, source: r.doc.Source}
	_ = d.Add(u.call, body) // a further reply always has its place
	if err := e.send(d, s.id, s.scope, sink); err != nil {
		return false
	}
	e.parts(d, s, sink)
	return true
}

// applyBatch attaches to each asset its own elements of a reply about several:
// a call that takes a list of names gives those of the whole account when it is
// made without one. Either every element finds its asset or none is attached.
func (e *Export) applyBatch(r *reply, u use, sink estate.Sink) bool {
	member, keys := batchOf(u.call, r.body)
	list, _ := r.body[member].([]any)
	if member == "" || len(list) == 0 {
		return false
	}
	var order []*stub
	own := map[*stub][]any{}
	for _, x := range list {
		m, _ := x.(map[string]any)
		var s *stub
		for _, key := range keys {
			if name := text(m[key]); s == nil && name != "" {
				s = e.known.find(u.resource, []string{name}, r.scope)
			}
		}
		if s == nil {
			return false
		}
		if own[s] == nil {
			order = append(order, s)
		}
		own[s] = append(own[s], x)
	}
	done := true
	for _, s := range order {
		body := maps.Clone(r.body)
		body[member] = own[s]
		done = e.attach(r, u, s, body, sink) && done
	}
	return done
}

// batchOf returns the one list of a batch call's reply, and the members by
// which an element may name its subject: the path that the call takes names
// from, or the parameter's name in the singular. The member is empty if the
// call takes no list of names or the reply holds not just one list.
func batchOf(c *Call, body map[string]any) (member string, keys []string) {
	for param, expr := range c.With {
		if _, list := expr.([]any); !list || len(c.With) != 1 {
			return "", nil
		}
		keys = append(pathsIn(expr), strings.TrimSuffix(param, "s"))
	}
	for k, v := range body {
		if _, list := v.([]any); !list {
			continue
		}
		if member != "" {
			return "", nil
		}
		member = k
	}
	if len(keys) == 0 {
		return "", nil
	}
	return member, keys
}

// subject finds the asset a reply is about: by the members of the reply that
// bear the call's parameters, by the path, and, if final, by what the path's
// subject makes of the type's id.
func (e *Export) subject(r *reply, u use, final bool) *stub {
	res := u.resource
	if res.Single {
		if r.scope.Account == "" || !res.IsGlobal() && r.scope.Region == "" {
			return nil
		}
		d := &Draft{Resource: res, Scope: r.scope, Config: map[string]any{}}
		if id, err := d.ID(); err == nil {
			return &stub{resource: res, id: id, scope: d.place(), fields: d.Config}
		}
		return nil
	}
	if s := e.here(res, r.named(u.call), r.scope); s != nil {
		return s
	}
	if s := e.here(res, r.subjects, r.scope); s != nil {
		return s
	}
	if !final || len(r.subjects) == 0 || r.ownUses() != 1 {
		return nil
	}
	return e.imagine(r, u)
}

// here is the asset that a reply's subject names. One of another place may only be
// the first of its name to be listed: a key of several regions, the role of another
// account. Whether it is meant shows once nothing more is to come, and a bare name
// never means another account's.
func (e *Export) here(res *Resource, subjects []string, scope Scope) *stub {
	s := e.known.find(res, subjects, scope)
	if s == nil {
		return nil
	}
	if _, isARN := parseARN(subjects[len(subjects)-1]); !isARN && scope.Account != "" && s.scope.Account != "" && s.scope.Account != scope.Account {
		return nil
	}
	region := scope.Region == "" || s.scope.Region == "" || s.scope.Region == scope.Region || res.IsGlobal() || res.Type == "AWS::S3::Bucket"
	if !region && !e.last {
		return nil
	}
	return s
}

// rivals reports whether the subject of a reply that several types share
// (ListTags) is also the name of an asset of another of them.
func (e *Export) rivals(r *reply, u use) bool {
	for _, other := range r.op.uses {
		if other.role != further || other.resource == u.resource || other.resource.Single || u.resource.Single {
			continue
		}
		if other.call.below() && len(r.subjects) < 2 || other.resource.Type == u.resource.Parent {
			continue
		}
		if e.known.find(other.resource, r.subjects, r.scope) != nil {
			return true
		}
	}
	return false
}

// below reports whether a call names the parent of what it is about too.
func (c *Call) below() bool {
	return slices.ContainsFunc(pathsIn(c.With), func(p string) bool { return strings.HasPrefix(p, "parent.") })
}

// ownUses counts the types a reply could be a further reply of. What is asked for
// by its parent too (a function's alias) cannot be told by one name.
func (r *reply) ownUses() int {
	n := 0
	for _, u := range r.op.uses {
		if u.role == further && !u.call.below() {
			n++
		}
	}
	return n
}

// named returns the values of the reply's members that bear a parameter's
// name or its path's: GetRepositoryPolicy says repositoryName.
func (r *reply) named(c *Call) []string {
	var out []string
	for _, param := range slices.Sorted(maps.Keys(c.With)) {
		if v := text(r.body[param]); v != "" {
			out = append(out, v)
			continue
		}
		for _, p := range pathsIn(c.With[param]) {
			if v := text(Lookup(r.body, p)); v != "" {
				out = append(out, v)
			}
		}
	}
	if len(out) == 0 && len(c.With) == 1 {
		for _, v := range r.body { // one member that is an object: look into it
			m, ok := v.(map[string]any)
			for param := range c.With {
				if name := text(m[param]); ok && name != "" && len(r.body) == 1 {
					out = append(out, name)
				}
			}
		}
	}
	return out
}

// imagine makes an asset of a type out of the subject in a path, when the
// export lacks the list that names it: a bucket's policy without the list of
// buckets still says that there is this bucket.
func (e *Export) imagine(r *reply, u use) *stub {
	subject := r.subjects[len(r.subjects)-1]
	if a, ok := parseARN(subject); ok && u.resource.ID != "" && !strings.Contains(u.resource.ID, "{") {
		return &stub{resource: u.resource, id: subject, scope: Scope{Partition: a.partition, Account: a.account, Region: a.region}, fields: map[string]any{}}
	}
	if len(r.subjects) > 1 {
		return nil
	}
	fields := map[string]any{}
	for _, expr := range u.call.With {
		path, ok := expr.(string)
		if !ok || strings.ContainsAny(path, "{[=") {
			return nil
		}
		put(fields, path, subject)
	}
	d := &Draft{Resource: u.resource, Scope: r.scope, Config: fields}
	if u.resource.IsGlobal() && u.resource.Region == "" {
		d.Scope.Region = ""
	}
	id, err := d.ID()
	if err != nil || errors.Is(err, ErrNoID) {
		return nil
	}
	return &stub{resource: u.resource, id: id, scope: d.place(), fields: fields}
}
