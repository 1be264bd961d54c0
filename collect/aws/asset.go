package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// complete makes the calls for one asset, sends it, and reads what is below.
func (u *unit) complete(d *catalog.Draft) {
	if d.Resource.Rows != nil {
		u.joinRow(d)
	}
	for _, c := range d.Resource.AllCalls() {
		u.further(d, c)
	}
	if u.region.ctx.Err() != nil && len(d.Resource.AllCalls()) > 0 {
		return // half read: the region's blind spot, or the next run, covers it
	}
	a, err := d.Asset("not read")
	if err != nil {
		if !d.RootFailed() { // else the failed describe has been said
			u.malformedItem(d, err)
		}
		return
	}
	u.sink.Asset(a)
	u.below(d)
}

// malformedItem says that a listed item has no id.
func (u *unit) malformedItem(d *catalog.Draft, err error) {
	r := d.Resource
	u.fail([]*catalog.Resource{r})
	op := r.Declared()[0].Operation
	service, name, _ := strings.Cut(op, ":")
	u.blind(api.Request{Service: service, Operation: name, Region: d.Scope.Region},
		malformed(err.Error(), err), "", []string{r.Type}, nil)
}

// further makes one call for an asset.
func (u *unit) further(d *catalog.Draft, c *catalog.Call) {
	if !d.Wanted(c) {
		d.Fail(c, estate.ReadAbsent, "")
		return
	}
	if c.Asked != "" && !u.c.opts.asks(c.Asked) {
		return
	}
	if c.Most > 0 && u.over(c) {
		d.Fail(c, estate.ReadSkipped, fmt.Sprintf("read for the first %d only", c.Most))
		return
	}
	params, missing := c.Parameters(d.Scope, d.Config)
	if missing != "" {
		d.Fail(c, estate.ReadSkipped, "what was read does not say the parameter "+missing)
		return
	}
	req := api.Request{Service: c.ServiceName(), Operation: c.Op, Region: u.regionFor(d, c), Params: params}
	body, err := u.fetch(c, req)
	if err == nil {
		if err := d.Add(c, body); err != nil {
			u.failed(d, c, req, malformed(err.Error(), err))
		}
		return
	}
	f := asFailure(err)
	if c.IsAbsent(f.code, f.why) {
		d.Fail(c, estate.ReadAbsent, "")
		return
	}
	d.Fail(c, f.status, f.why)
	u.failed(d, c, req, f)
}

// over counts a bounded call and reports whether its bound is passed, which is
// said once.
func (u *unit) over(c *catalog.Call) bool {
	u.mu.Lock()
	u.made[c]++
	n := u.made[c]
	u.mu.Unlock()
	most := c.Most * u.c.opts.Bounds.History
	if n == most+1 {
		u.sink.BlindSpot(estate.BlindSpot{
			Source: u.c.opts.Source, Account: u.account, Region: u.place(), Operation: c.Operation(),
			Types: []string{c.Type()}, Status: estate.ReadSkipped,
			Why:  fmt.Sprintf("read for the first %d only; the others' reads say so", most),
			Hint: "raise the bound on history to read more",
		})
	}
	return n > most
}

// regionFor is where a call about the asset goes: the asset's own region once
// it is known.
func (u *unit) regionFor(d *catalog.Draft, c *catalog.Call) string {
	if d.Resource.Region != "" && !c.Home {
		if _, region := d.Place(); region != "" {
			return region
		}
	}
	return d.Scope.Region
}

// failed says that part of an asset could not be read.
func (u *unit) failed(d *catalog.Draft, c *catalog.Call, req api.Request, f *failure) {
	id, err := d.ID()
	if err != nil { // what would have told the id is what failed
		u.fail([]*catalog.Resource{d.Resource})
		u.blind(req, f, "", typesOf([]*catalog.Resource{d.Resource}), c.Grants())
		return
	}
	u.blind(req, f, id, []string{d.Resource.Type}, c.Grants())
}

// below reads the resources listed for an asset.
func (u *unit) below(d *catalog.Draft) {
	for _, r := range d.Resource.Children() {
		scope := d.Below()
		if r.From != "" {
			u.parts(d, r, scope)
			continue
		}
		if !u.each(d, r) {
			continue
		}
		u.list(u.region.ctx, []*catalog.Resource{r}, scope)
	}
}

// each reports whether the parent's configuration tells what a list is made for.
// If that was not read, which is said of the parent, neither is the list.
func (u *unit) each(d *catalog.Draft, r *catalog.Resource) bool {
	for _, path := range r.List.Each {
		if !d.Read(path) {
			u.fail([]*catalog.Resource{r})
			return false
		}
	}
	return true
}

// parts makes assets of what the parent's configuration holds.
func (u *unit) parts(d *catalog.Draft, r *catalog.Resource, scope catalog.Scope) {
	if !d.Read(r.From) {
		u.fail([]*catalog.Resource{r})
	}
	for _, item := range r.Items(scope, d.Config) {
		u.complete(r.Start(u.c.opts.Source, scope, item))
	}
}

// blind is the session's, except that a region given up says it once.
func (u *unit) blind(req api.Request, f *failure, asset string, types, grants []string) {
	if errors.Is(context.Cause(u.region.ctx), errGivenUp) {
		return
	}
	u.session.blind(u.sink, req, f, asset, types, grants)
}
