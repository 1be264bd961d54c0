package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// Planned is an estate before and after a plan. Both sides were put together
// the same way, so that what differs between them is the plan's doing; where that
// is nothing, they may be one snapshot.
type Planned struct {
	Before, After *estate.Snapshot
}

// Lay lays a plan over an estate, nil for none: then the plan's own word on
// what exists is all there is. On the side before, what the estate says of an
// asset stands, and what only the plan knows of is added. On the side after, of
// each asset that the plan changes only the members that change are replaced,
// so that what the plan has no word for stays as it was read; what it removes is
// gone.
func Lay(ctx context.Context, base *estate.Snapshot, p *terraform.Plan) (*Planned, error) {
	if base == nil {
		var err error
		if base, err = estate.NewBuilder(time.Now()).Build(); err != nil {
			return nil, err
		}
	}
	l := newLaying(base, p)
	// Where the estate knows all that the plan says of the side before, that side
	// is the estate.
	l.orphan()
	out := &Planned{Before: base}
	var err error
	if l.twice = slices.ContainsFunc(p.Before, func(a estate.Asset) bool { return !l.knows(a.ID) }); l.twice {
		if out.Before, err = l.lean(ctx, base, false); err == nil && out.Before == nil {
			out.Before, err = l.build(ctx, false)
		}
		if err != nil {
			return nil, err
		}
	}
	idle, err := l.idle()
	if err != nil || idle {
		out.After = base
		return out, err
	}
	if out.After, err = l.lean(ctx, out.Before, true); err != nil || out.After != nil {
		return out, err
	}
	out.After, err = l.build(ctx, true)
	return out, err
}

// idle reports whether the plan leaves an estate that knows all of it as it is.
// Both sides are one snapshot then, and need be judged once.
func (l *laying) idle() (bool, error) {
	if l.twice {
		return false, nil
	}
	for id := range l.gone {
		if _, ok := l.base.Find(id); ok {
			return false, nil
		}
	}
	for id, after := range l.after {
		n, ok := l.base.Find(id)
		if !ok || !same(l.before[id], after) {
			return false, nil
		}
		if made, err := l.understood(l.base.Asset(n)); made || err != nil {
			return false, err
		}
	}
	return true, nil
}

func byID(assets []estate.Asset) map[string]*estate.Asset {
	out := make(map[string]*estate.Asset, len(assets))
	for i := range assets {
		out[assets[i].ID] = &assets[i]
	}
	return out
}

// laying is one plan on its way onto one estate.
type laying struct {
	plan          *terraform.Plan
	base          *estate.Snapshot
	before, after map[string]*estate.Asset
	gone          map[string]bool
	// known is what was made of the estate's assets so far, by their nodes. Most of a
	// large estate is none of the plan's business and is understood once, not once a
	// side.
	known []*estate.Understanding
	twice bool // both sides are put together
	all   bool // known is of all assets
}

func newLaying(base *estate.Snapshot, p *terraform.Plan) *laying {
	l := &laying{plan: p, base: base, before: byID(p.Before), after: byID(p.After), gone: map[string]bool{}, known: make([]*estate.Understanding, base.Len())}
	for _, c := range p.Changes {
		for _, id := range c.Removed {
			l.gone[id] = true
		}
	}
	return l
}

// orphan lets what a removed Kubernetes object owns go with it, as the garbage
// collector will: the pods of a Deployment.
func (l *laying) orphan() {
	var from []estate.Node
	for id := range l.gone {
		if n, ok := l.base.Find(id); ok && l.base.Asset(n).Cloud == estate.Kubernetes && l.base.Asset(n).Type != "v1/Namespace" {
			from = append(from, n)
		}
	}
	slices.Sort(from)
	for n := range l.base.Reach(from, estate.Filter{Types: []estate.RelationType{estate.Contains}}).All() {
		if a := l.base.Asset(n); a.Cloud == estate.Kubernetes {
			l.gone[a.ID] = true
		}
	}
}

// knows reports whether the estate has read an asset.
func (l *laying) knows(id string) bool {
	n, ok := l.base.Find(id)
	return ok && !l.base.Asset(n).Referenced
}

// build puts one side together from what was read, and has it understood anew.
// What the plan leaves alone is neither read nor spelt a second time: the side has
// it from the estate.
func (l *laying) build(ctx context.Context, planned bool) (*estate.Snapshot, error) {
	if l.twice && !l.all {
		l.all = true
		made, err := l.base.Understandings(ctx, func(a *estate.Asset) estate.Asset { return raw(a, a.Config) }, understand)
		if err != nil {
			return nil, fmt.Errorf("understand what was read: %w", err)
		}
		l.known = made
	}
	changed := map[string]bool{}
	seen := map[string]bool{}
	var anew []estate.Asset
	var failed error
	bare := l.base.Again(func(n estate.Node, a *estate.Asset) *estate.Asset {
		if failed != nil {
			return nil
		}
		made, err := l.understood(a)
		if err != nil || made { // what was made will be again
			failed = err
			return nil
		}
		seen[a.ID] = true
		if planned && l.gone[a.ID] {
			changed[a.ID] = true
			return nil
		}
		after := l.after[a.ID]
		if !planned || after == nil || same(l.before[a.ID], after) {
			was := raw(a, nil)
			return &was
		}
		changed[a.ID] = true
		config, err := l.base.Config(n)
		if err != nil {
			failed = err
			return nil
		}
		asset, err := l.patch(raw(a, config), l.before[a.ID], after)
		if err != nil {
			failed = fmt.Errorf("lay the plan over %s: %w", a.ID, err)
			return nil
		}
		anew = append(anew, asset)
		return nil
	}, nil)
	if failed != nil {
		return nil, failed
	}
	side := l.before
	if planned {
		side = l.after
	}
	for _, id := range slices.Sorted(maps.Keys(side)) {
		if !seen[id] && !(planned && l.gone[id]) {
			anew = append(anew, raw(side[id], side[id].Config))
		}
	}
	var blind []estate.BlindSpot
	for _, s := range l.base.BlindSpots() {
		// What understanding found wrong in a changed asset it will find again.
		if !changed[s.Asset] || s.Status != estate.ReadMalformed {
			blind = append(blind, s)
		}
	}
	snap, err := bare.With(anew, nil, blind)
	if err != nil {
		return nil, err
	}
	return understoodAs(ctx, snap, func(_ estate.Node, a *estate.Asset) *estate.Understanding {
		n, ok := l.base.Find(a.ID)
		if !ok || !seen[a.ID] || changed[a.ID] {
			return nil
		}
		u := l.known[n]
		if !l.twice || planned {
			l.known[n] = nil // the last who asks
		}
		return u
	})
}

// understood reports whether an asset was made by understanding another, not
// read: known by name only, a set, or a part of another's configuration.
func (l *laying) understood(a *estate.Asset) (bool, error) {
	if a.Referenced || len(a.Reads) == 0 {
		return true, nil
	}
	parent, _, part := strings.Cut(a.ID, "#")
	if !part {
		return false, nil
	}
	n, ok := l.base.Find(parent)
	if !ok {
		return false, nil
	}
	u := l.known[n]
	if u == nil {
		config, err := l.base.Config(n)
		if err != nil {
			return false, err
		}
		whole := raw(l.base.Asset(n), config)
		made := understand(&whole)
		u = &made
		l.known[n] = u
	}
	return slices.ContainsFunc(u.Parts, func(p estate.Asset) bool { return p.ID == a.ID }), nil
}

// raw is an asset as a collector sent it, without what was understood.
func raw(a *estate.Asset, config json.RawMessage) estate.Asset {
	out := *a
	out.Config, out.Kind, out.Root = config, estate.KindUnknown, nil
	return out
}

// same reports whether a plan says the same of an asset on both sides.
func same(before, after *estate.Asset) bool {
	return before != nil && string(before.Config) == string(after.Config) && slices.Equal(before.Unknown, after.Unknown) &&
		maps.Equal(before.Tags, after.Tags) && slices.Equal(before.Reads, after.Reads)
}

// patch changes an asset that was read as the plan changes it.
func (l *laying) patch(asset estate.Asset, before, after *estate.Asset) (estate.Asset, error) {
	if before == nil {
		before = &estate.Asset{} // the plan begins to manage it
	}
	unsaid := l.plan.Unsaid[after.ID]
	p := patcher{partial: l.plan.Partial[after.ID]}
	for _, u := range after.Unknown {
		if slices.Contains(unsaid, u) {
			continue
		}
		if list, within := p.partly(u); within {
			// The item that stands for what else the thing has is known here: it is
			// what was read. An added item that is not known makes the list so, since
			// it gets another place in it.
			if !isRest(after.Config, u) {
				p.unknown = append(p.unknown, list)
			}
			continue
		}
		p.unknown = append(p.unknown, u)
	}
	config, err := p.patch(asset.Config, before.Config, after.Config)
	if err != nil {
		return asset, err
	}
	asset.Config = config
	for _, u := range unsaid {
		// Nothing was read of what the plan alone has: its word for it is missing.
		if slices.ContainsFunc(p.taken, func(at string) bool { return strings.HasPrefix(u, at+"/") }) {
			p.unknown = append(p.unknown, u)
		}
	}
	asset.Unknown = append(slices.Clone(asset.Unknown), p.unknown...)
	if after.Tags != nil && !maps.Equal(before.Tags, after.Tags) {
		asset.Tags = after.Tags
	}
	asset.Reads = mergeReads(asset.Reads, before.Reads, after.Reads)
	return asset, nil
}

// mergeReads takes over the reads that the plan changes: a policy that it adds
// was absent before and is there afterwards.
func mergeReads(base, before, after []estate.Read) []estate.Read {
	out := slices.Clone(base)
	for _, r := range after {
		if r.Key == "" || !r.Status.Known() || slices.Contains(before, r) {
			continue
		}
		i := slices.IndexFunc(out, func(x estate.Read) bool { return x.Key == r.Key && x.Operation == r.Operation })
		if i < 0 {
			out = append(out, r)
		} else {
			out[i] = r
		}
	}
	return out
}

// patcher carries the differences of two plan sides over to what was read.
type patcher struct {
	unknown []string // pointers of the side after
	partial []string
	taken   []string // where the plan's value stands whole, nothing of it being merged
}

// take notes that the plan's value stands whole at a pointer, and returns it.
func (p *patcher) take(at string, v any) any {
	p.taken = append(p.taken, at)
	return v
}

// partly returns the partial list that a pointer lies in.
func (p *patcher) partly(pointer string) (list string, within bool) {
	for _, l := range p.partial {
		if strings.HasPrefix(pointer, l+"/") {
			return l, true
		}
	}
	return "", false
}

// isRest reports whether null stands at a pointer: the item of a partial list
// that stands for all the plan does not manage.
func isRest(config json.RawMessage, pointer string) bool {
	var at any
	if json.Unmarshal(config, &at) != nil {
		return false
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch v := at.(type) {
		case map[string]any:
			at = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return false
			}
			at = v[i]
		default:
			return false
		}
	}
	return at == nil
}

func (p *patcher) patch(base, before, after json.RawMessage) (json.RawMessage, error) {
	var b, was, is any
	for _, x := range []struct {
		text json.RawMessage
		to   *any
	}{{base, &b}, {before, &was}, {after, &is}} {
		if len(x.text) == 0 {
			*x.to = map[string]any{}
			continue
		}
		dec := json.NewDecoder(strings.NewReader(string(x.text)))
		dec.UseNumber()
		if err := dec.Decode(x.to); err != nil {
			return nil, err
		}
	}
	return json.Marshal(p.merge("", b, was, is))
}

// merge returns base with what differs from was to is. at is the pointer.
func (p *patcher) merge(at string, base, was, is any) any {
	if slices.Contains(p.partial, at) {
		return p.append(base, was, is)
	}
	switch is := is.(type) {
	case map[string]any:
		b, ok := base.(map[string]any)
		if !ok {
			if equal(was, is) && base != nil {
				return base
			}
			return p.take(at, is)
		}
		w, _ := was.(map[string]any)
		return p.object(at, b, w, is)
	case []any:
		if equal(was, is) && base != nil {
			return base
		}
		return p.list(at, base, was, is)
	}
	if equal(was, is) && base != nil && !p.unsure(at) {
		return base
	}
	return is
}

// object merges member by member. What the plan has on neither side stays.
func (p *patcher) object(at string, base, was, is map[string]any) map[string]any {
	out := maps.Clone(base)
	for k := range was {
		if _, still := is[k]; !still && !p.unsure(at+"/"+escape(k)) {
			delete(out, k)
		}
	}
	for k, v := range is {
		old, had := was[k]
		b, read := base[k]
		if !read && had && equal(old, v) {
			continue // the provider does not print it
		}
		if !read {
			out[k] = p.take(at+"/"+escape(k), v)
			continue
		}
		out[k] = p.merge(at+"/"+escape(k), b, old, v)
	}
	return out
}

// list merges item by item where the three lists are of the same things, and
// takes the plan's otherwise.
func (p *patcher) list(at string, base, was, is any) any {
	b, _ := base.([]any)
	w, _ := was.([]any)
	i, _ := is.([]any)
	if len(b) != len(i) || len(w) != len(i) {
		return p.take(at, i)
	}
	out := make([]any, len(i))
	for n := range i {
		if !sameItem(b[n], i[n]) || !sameItem(w[n], i[n]) {
			return p.take(at, i)
		}
		out[n] = p.merge(fmt.Sprintf("%s/%d", at, n), b[n], w[n], i[n])
	}
	return out
}

// sameItem reports whether two items of a list are the same thing: they bear one
// name. Rules of a security group and statements of a policy bear none, and
// come in any order.
func sameItem(a, b any) bool {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if !ok || !ok2 {
		return ok == ok2 && equal(a, b)
	}
	for _, k := range []string{"name", "Name", "VariantName", "Key", "key"} {
		if x[k] != nil && y[k] != nil {
			return equal(x[k], y[k])
		}
	}
	return false
}

// append adds to a list what the plan adds, and takes out what it takes out.
// The plan's list ends with an item nobody knows.
func (p *patcher) append(base, was, is any) any {
	b, _ := base.([]any)
	w, _ := was.([]any)
	i, _ := is.([]any)
	has := func(list []any, v any) bool {
		return slices.ContainsFunc(list, func(x any) bool { return equal(x, v) })
	}
	out := slices.DeleteFunc(slices.Clone(b), func(v any) bool { return has(w, v) && !has(i, v) })
	for _, v := range i {
		if v != nil && !has(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// unsure reports whether the plan does not know what will stand at a pointer.
func (p *patcher) unsure(at string) bool { return slices.Contains(p.unknown, at) }

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func escape(k string) string { return pointerEscape.Replace(k) }

// equal compares decoded JSON.
func equal(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}
