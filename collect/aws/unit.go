package aws

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// unit is one listing in one region of one account, with all below it.
type unit struct {
	*session
	group  *group
	region *region
	sink   estate.Sink
	scope  catalog.Scope

	mu      sync.Mutex
	partial map[string]bool // types not listed to the end
	skipped map[string]int  // items left out, by type
	made    map[*catalog.Call]int
}

// unit reads a group, from what an interrupted run kept if that is fresh.
func (s *session) unit(g *group, name string) {
	r := s.region(name)
	if g.global() {
		// Global services answer though the home region be given up.
		r = s.region("")
	}
	if r.ctx.Err() != nil {
		return
	}
	u := &unit{
		session: s, group: g, region: r, sink: s.sink, partial: map[string]bool{}, skipped: map[string]int{}, made: map[*catalog.Call]int{},
		scope: catalog.Scope{Partition: s.partition, Account: s.account, Region: name},
	}
	key := s.unitKey(g, name)
	if s.c.replay(key, s.sink) {
		s.ledger.done(g, name)
		return
	}
	rec := s.c.record(key, s.sink)
	u.sink = rec
	if s.c.opts.Mask != nil {
		u.sink = s.c.opts.Mask(rec)
	}
	u.read()
	if r.ctx.Err() == nil {
		rec.keep()
		s.ledger.done(g, name)
	}
}

// read lists the group's items and everything below them.
func (u *unit) read() {
	head := u.group.head()
	if head.Single {
		for _, r := range u.group.resources {
			u.complete(r.Start(u.c.opts.Source, u.scope, nil))
		}
	} else {
		u.list(u.region.ctx, u.group.resources, u.scope)
	}
	if u.region.ctx.Err() != nil {
		return
	}
	for _, t := range u.group.types() {
		if !u.partial[t] {
			u.sink.Covered(estate.Coverage{Type: t, Account: u.account, Region: u.place()})
		}
	}
	u.saySkipped()
}

// place is the region of what the unit reads; empty for global types.
func (u *unit) place() string { return u.region.name }

// list reads one listing, whole or bounded by its history, and hands every
// item on. It is used for the group's own listing and for those below assets.
func (u *unit) list(ctx context.Context, rs []*catalog.Resource, scope catalog.Scope) {
	head := rs[0]
	params, missing := head.List.Parameters(scope, nil)
	if missing != "" {
		u.cannotList(rs, scope, missing)
		return
	}
	req := api.Request{Service: head.List.ServiceName(), Operation: head.List.Op, Region: scope.Region, Params: params}
	w := &walk{unit: u, ctx: ctx, rs: rs, scope: scope, seen: map[string]bool{}}
	w.workers.SetLimit(itemsAtOnce)
	defer func() { _ = w.workers.Wait() }()
	h := head.History
	if h == nil {
		for _, v := range head.List.Sets(scope) {
			w.pages(req, v, head.Bound)
		}
		return
	}
	for _, live := range h.Live {
		w.pages(req, merge(h.Sort, live), 0)
	}
	done := h.Done
	if len(done) == 0 {
		done = []map[string]any{nil}
	}
	for _, d := range done {
		w.pages(req, merge(h.Sort, d), h.Newest*u.c.opts.Bounds.History)
	}
}

// merge returns the members of both.
func merge(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

// cannotList says that the parent's configuration lacks what the list needs.
func (u *unit) cannotList(rs []*catalog.Resource, scope catalog.Scope, param string) {
	head := rs[0]
	u.fail(rs)
	u.blind(api.Request{Service: head.List.ServiceName(), Operation: head.List.Op, Region: scope.Region},
		malformed("the asset above does not say the parameter "+param, nil), "", typesOf(rs), head.List.Grants())
}

// fail marks types as not listed to the end.
func (u *unit) fail(rs []*catalog.Resource) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, t := range typesOf(rs) {
		u.partial[t] = true
	}
}

// skip notes items left out.
func (u *unit) skip(rs []*catalog.Resource, n int) {
	u.fail(rs)
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range rs {
		u.skipped[r.Type] += n
	}
}

// walk is one listing under way.
type walk struct {
	*unit
	ctx     context.Context
	rs      []*catalog.Resource
	scope   catalog.Scope
	seen    map[string]bool // ids, so that live items are not read again as newest
	workers errgroup.Group
}

// pages reads one list call to its end or to its bound (0: none).
func (w *walk) pages(req api.Request, more map[string]any, bound int) {
	req.Params = merge(req.Params, more)
	n, list := 0, w.rs[0].List
	for page, err := range w.session.pages(w.ctx, req) {
		if err != nil {
			w.listFailed(req, asFailure(err))
			return
		}
		if what := unsaid(w.rs, page); what != "" {
			w.listFailed(req, malformed("the reply lacks "+what+", which it always holds", nil))
			return
		}
		for _, r := range w.rs {
			for _, item := range r.Items(w.scope, page) {
				if bound > 0 && n >= bound {
					w.skip(w.rs, 1)
					return
				}
				n++
				w.item(r, item)
			}
		}
		if list.Bound > 0 {
			list = &catalog.Call{}
		}
	}
}

// unsaid names the list that a page lacks though the service's model says that
// every reply holds it; such a page does not say that there is none. Where the
// model leaves it open a missing list is an empty one, as the services' own
// clients read it: whose answer it is, the client has made sure of.
func unsaid(rs []*catalog.Resource, page map[string]any) string {
	for _, r := range rs {
		op, ok := api.Operation(r.List.ServiceName(), r.List.Op)
		if !ok {
			continue
		}
		members, at := op.Outputs(), any(page)
		for step := range strings.SplitSeq(r.List.Items, ".") {
			name, _, list := strings.Cut(step, "[")
			i := slices.IndexFunc(members, func(m api.Member) bool { return m.Name == name })
			have, isObject := at.(map[string]any)
			if i < 0 || !isObject {
				break
			}
			if have[name] == nil && members[i].Required {
				return name
			}
			if list {
				break
			}
			members, at = members[i].Members(), have[name]
		}
	}
	return ""
}

// listFailed says that a listing broke off. A code that means "there is none
// of this here" is a complete, empty list, and so is a service without a host
// in a region that answers.
func (w *walk) listFailed(req api.Request, f *failure) {
	list := w.rs[0].List
	if list.IsAbsent(f.code, f.why) || f.cause == api.CauseNoEndpoint {
		return
	}
	w.fail(w.rs)
	w.blind(req, f, "", typesOf(w.rs), list.Grants())
}

// item completes one listed item beside the others.
func (w *walk) item(r *catalog.Resource, item any) {
	d := r.Start(w.c.opts.Source, w.scope, item)
	if r.History != nil {
		id, err := d.ID()
		if err == nil && w.seen[id] {
			return
		}
		w.seen[id] = true
	}
	w.workers.Go(func() error {
		w.complete(d)
		return nil
	})
}

// saySkipped says what the bounds left out, once for each type.
func (u *unit) saySkipped() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for t := range u.skipped {
		r := u.resource(t)
		n := r.Bound
		if r.History != nil {
			n = r.History.Newest * u.c.opts.Bounds.History
		}
		where := ""
		if r.Parent != "" {
			where = " of each " + r.Parent
		}
		u.sink.BlindSpot(estate.BlindSpot{
			Source: u.c.opts.Source, Account: u.account, Region: u.place(), Operation: r.List.Operation(),
			Types: []string{t}, Status: estate.ReadSkipped,
			Why:  fmt.Sprintf("what runs and the newest %d%s were read; older ones were left out", n, where),
			Hint: "raise the bound on history to read more",
		})
	}
}

// resource finds a type of the group's service.
func (u *unit) resource(typ string) *catalog.Resource {
	for _, r := range u.group.service.Resources {
		if r.Type == typ {
			return r
		}
	}
	return u.group.head()
}
