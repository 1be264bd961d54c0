package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// unseen gathers what one of two snapshots did not see. One refused call hides
// any number of assets of any number of types and is one record.
type unseen struct {
	scopes map[string]*hidden
	blind  map[string]bool                         // ids of assets of which something was not read
	types  map[*estate.Snapshot]map[[2]string]bool // the types each snapshot read, with their accounts
	lone   []lone
}

// lone is an asset that no list tells of now, or of which only a part is left: it
// may have been renamed.
type lone struct {
	id   string
	part bool // something of it is left
}

// forget takes an asset out of what is unseen: it is told of otherwise.
func (u *unseen) forget(id string) {
	for key, h := range u.scopes {
		if h.assets = slices.DeleteFunc(h.assets, func(a string) bool { return a == id }); len(h.assets) == 0 {
			delete(u.scopes, key)
		}
	}
	delete(u.blind, id)
}

// hidden is what one cause hides: a refused call, a list or a source that is
// missing.
type hidden struct {
	what    string // "AWS::IAM::Role in 111122223333"
	typ     string // empty once it hides several
	account string
	region  string
	why     string
	hint    string
	op      string
	before  bool // it is the baseline that did not see
	assets  []string
}

// at returns what a cause hides, made on first use, and adds an asset to it.
func (u *unseen) at(key string, a *estate.Asset, make func() *hidden) *hidden {
	if u.scopes == nil {
		u.scopes, u.blind = map[string]*hidden{}, map[string]bool{}
	}
	h := u.scopes[key]
	if h == nil {
		h = make()
		u.scopes[key] = h
	}
	if a != nil {
		h.assets = append(h.assets, a.ID)
		if h.typ != a.Type {
			h.typ = ""
		}
	}
	return h
}

// place is a type in its account and region, in words.
func place(a *estate.Asset) string {
	where := strings.TrimSpace(strings.Join([]string{a.Account, a.Region}, " "))
	if where == "" {
		return a.Type + " of the provider itself"
	}
	return a.Type + " in " + where
}

// lost notes an asset that the baseline saw and nobody lists now.
func (u *unseen) lost(c *comparison, a *estate.Asset) {
	if c.leaves(a) {
		c.noise[a.ID] = true
		return
	}
	key, h := c.whyUnseen(c.after, c.before, a, "")
	if h.why == noLister {
		u.lone = append(u.lone, lone{a.ID, false})
	}
	u.at(key, a, func() *hidden { return h })
}

// gained notes an asset of a scope that the baseline never listed.
func (u *unseen) gained(c *comparison, a *estate.Asset) {
	switch byItself, ofKnown := c.joins(a); {
	case byItself:
		c.noise[a.ID] = true
		return
	case ofKnown:
		n, _ := c.after.Find(a.ID)
		c.add(&delta{pair: pair{-1, n}, id: a.ID, what: WhatAdded})
		return
	}
	key, h := c.whyUnseen(c.before, c.after, a, "")
	h.before, h.hint = true, "look at them, then: sevenfold baseline approve"
	h.why = "the baseline never listed these, so nobody approved them" + because(h.why)
	u.at("gained "+key, a, func() *hidden { return h })
}

func because(why string) string {
	if why == noLister {
		return ""
	}
	return " (" + why + ")"
}

// lostRead is one reply about one asset that only one side has.
type lostRead struct {
	asset     *estate.Asset
	operation string
	now       bool // it is missing now; else it was missing at the baseline
	why, hint string
	root      bool // it makes up the root of the configuration
	// pointer is the place that is unknown, "" for a whole reply: why it is, the
	// snapshot tells.
	pointer string
}

// refusal says why an operation's reply is missing of an asset, by what its reads
// say. Of several reads that could give the reply, the one that was refused tells.
func refusal(a *estate.Asset, r estate.Read) (why, hint string) {
	why, hint = "it was not read this time", "add it to the export, or read live"
	for _, o := range a.Reads {
		if o.Key != r.Key || o.Status.Known() {
			continue
		}
		why = string(o.Status)
		if o.Why != "" {
			why += ": " + o.Why
		}
		if o.Grant != "" {
			hint = "grant " + o.Grant
		}
		if o.Operation == r.Operation {
			break
		}
	}
	return why, hint
}

// reconcile takes out of both configurations what either side did not read, and
// says what that was.
func reconcile(b, a *estate.Asset, was, is map[string]any) []lostRead {
	var out []lostRead
	// A root reply may come by another operation (a list, a description): it is
	// missing only where the very operation was refused.
	known := func(x *estate.Asset, r estate.Read) bool {
		refused, any := false, false
		for _, o := range x.Reads {
			if o.Key == r.Key {
				any = any || o.Status.Known()
				refused = refused || o.Operation == r.Operation && !o.Status.Known()
			}
		}
		return any && !(r.Key == "" && refused)
	}
	cut := func(key string) {
		if key != "" {
			delete(was, key)
			delete(is, key)
			return
		}
		// Of half a root reply, what stands on one side only says nothing.
		maps.DeleteFunc(was, func(k string, _ any) bool { return is[k] == nil })
		maps.DeleteFunc(is, func(k string, _ any) bool { return was[k] == nil })
	}
	done := map[string]bool{}
	for _, r := range b.Reads {
		if r.Operation == estate.GivenTags || !r.Status.Known() || done[r.Key] || known(a, r) {
			continue
		}
		done[r.Key] = true
		why, hint := refusal(a, r)
		cut(r.Key)
		out = append(out, lostRead{asset: a, operation: r.Operation, now: true, why: why, hint: hint, root: r.Key == ""})
	}
	for _, r := range a.Reads {
		if r.Operation == estate.GivenTags || !r.Status.Known() || done[r.Key] || known(b, r) {
			continue
		}
		done[r.Key] = true
		cut(r.Key)
		out = append(out, lostRead{asset: a, operation: r.Operation, why: "the baseline did not read it, so there is nothing to compare with", hint: lookAndApprove})
	}
	for _, r := range append(slices.Clone(b.Reads), a.Reads...) {
		if r.Key != "" && !done[r.Key] && !known(b, r) && !known(a, r) {
			cut(r.Key)
		}
	}
	out = withRoot(out)
	notWas, notIs := b.Unknown, a.Unknown
	if a.Type == "v1/Node" && (was["nodeInfo"] == nil || is["nodeInfo"] == nil) {
		// It is of a node's status, which a manifest does not have.
		delete(was, "nodeInfo")
		delete(is, "nodeInfo")
	}
	if a.Type == "v1/Secret" && b.Type == a.Type {
		out = append(out, secretKeys(a, was, is, notWas)...)
	}
	if a.Type == "v1/ConfigMap" && b.Type == a.Type {
		out = append(out, values(a, was, is)...)
		notWas, notIs = besideValues(notWas), besideValues(notIs)
	}
	for _, p := range notIs {
		gone := erase(is, p)
		if gone = erase(was, p) || gone; gone && !slices.Contains(notWas, p) {
			out = append(out, lostRead{asset: a, operation: attribute(p), now: true, hint: "read it live, or export it whole", pointer: p})
		}
	}
	for _, p := range notWas {
		if !slices.Contains(notIs, p) {
			erase(was, p)
			if erase(is, p) {
				out = append(out, lostRead{asset: a, operation: attribute(p), hint: lookAndApprove, pointer: p})
			}
		}
	}
	return out
}

// withRoot leaves out the further replies about an asset that are missing for the
// very reason for which the root is: nobody read the asset.
func withRoot(lost []lostRead) []lostRead {
	root := slices.IndexFunc(lost, func(l lostRead) bool { return l.root })
	if root < 0 {
		return lost
	}
	of := lost[root]
	return slices.DeleteFunc(lost, func(l lostRead) bool { return !l.root && l.now == of.now && l.why == of.why })
}

// lookAndApprove is the mend of what the baseline did not see.
const lookAndApprove = "look at it, then: sevenfold baseline approve"

// attribute spells a JSON pointer as records do.
func attribute(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}

// erase removes what stands at a JSON pointer and reports whether anything did. Of
// a list the whole goes: its items may stand elsewhere on the other side.
func erase(tree map[string]any, pointer string) bool {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	at := tree
	for i, s := range steps {
		s = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
		v, ok := at[s]
		if !ok {
			return false
		}
		if _, list := v.([]any); list || i == len(steps)-1 {
			delete(at, s)
			return true
		}
		if at, ok = v.(map[string]any); !ok {
			return false
		}
	}
	return false
}

// whyUnknown says why a place of an asset's configuration is not known to a
// snapshot: two readings that contradict each other, a plan that is not applied
// yet, or a list of which a part is missing.
func whyUnknown(s *estate.Snapshot, a *estate.Asset, pointer string) (why, hint string) {
	member, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	for i := range s.BlindSpots() {
		b := &s.BlindSpots()[i]
		if b.Asset != a.ID || b.Operation != "merge" {
			continue
		}
		for _, at := range []string{"config/" + member + ":", "config/" + member + "/"} {
			if strings.Contains(b.Why, at) {
				return b.Why, b.Hint
			}
		}
	}
	if kind, _, _ := strings.Cut(a.Source, ":"); kind == "terraform" || kind == "cloudformation" {
		return "it is not known before the plan is applied", "assess again after apply"
	}
	return "source " + a.Source + " does not tell it", ""
}

// read notes a reply that could not be compared. A call that was refused for all
// assets at once is its cause, as it is that of those which nobody lists now.
func (u *unseen) read(c *comparison, l lostRead) {
	a := l.asset
	seen, other := c.after, c.before
	if !l.now {
		seen, other = c.before, c.after
	}
	if kind, _, _ := strings.Cut(a.Source, ":"); l.now && l.root && (kind == "cloudformation" || kind == "terraform") {
		u.lone = append(u.lone, lone{a.ID, true})
	}
	if l.pointer != "" {
		why, hint := whyUnknown(seen, a, l.pointer)
		l.why = why
		if !l.now {
			l.why = "the baseline did not know it, so there is nothing to compare with: " + why
		} else if hint != "" {
			l.hint = hint
		}
	}
	key, h := fmt.Sprintf("read %v %s %s", l.now, l.operation, place(a)), (*hidden)(nil)
	if l.pointer != "" {
		key += " " + l.why
	}
	if b := c.cause(seen, other, a, l.operation); b != nil && (b.Operation == l.operation || fileOf(b.Operation, l.operation)) {
		key, h = causeKey(b), hiddenBy(b, a)
		if !l.now {
			key, h.before, h.hint = "gained "+key, true, l.hint
			h.why = "the baseline did not read it, so there is nothing to compare with (" + h.why + ")"
		}
	}
	if h == nil && l.now && l.root && !c.after.Covered(a.Type, a.Account, a.Region) && c.before.Covered(a.Type, a.Account, a.Region) {
		key, h = c.whyUnseen(c.after, c.before, a, l.operation) // the list itself is missing
	}
	u.at(key, a, func() *hidden {
		if h != nil {
			return h
		}
		return &hidden{what: l.operation + " of " + place(a), typ: a.Type, account: a.Account, region: a.Region, why: l.why, hint: l.hint, op: l.operation, before: !l.now}
	})
	u.blind[a.ID] = true
}

// hidden counts the assets that could not be compared whole.
func (u *unseen) hidden() int {
	ids := map[string]bool{}
	for _, h := range u.scopes {
		for _, id := range h.assets {
			ids[id] = true
		}
	}
	return len(ids)
}

// records makes one record of each cause.
func (u *unseen) records() []Record {
	var out []Record
	for _, h := range u.together() {
		slices.Sort(h.assets)
		h.assets = slices.Compact(h.assets)
		r := Record{Asset: h.what, Type: h.typ, Account: h.account, Region: h.region, What: WhatUnseen, Consequence: Attribute,
			Status: StatusUnknown, Why: h.why, Hint: h.hint, touches: h.assets, With: max(0, len(h.assets)-1)}
		if len(h.assets) == 1 {
			r.Asset = h.assets[0]
		}
		r.Changes = []Change{{Attribute: h.op, Before: text("seen"), After: text("not seen: " + h.why)}}
		if h.before {
			r.Changes = []Change{{Attribute: h.op, Before: text("not seen"), After: text("seen")}}
		}
		r.identify()
		out = append(out, r)
	}
	return out
}

// together joins the lists that are missing of one place: who left several files
// out of an export did that at once.
func (u *unseen) together() (out []*hidden) {
	at := map[territory][]*hidden{}
	for _, key := range slices.Sorted(maps.Keys(u.scopes)) {
		h := u.scopes[key]
		if h.before || h.op != "list" || h.why != noLister || h.typ == "" || h.account == "" {
			out = append(out, h)
			continue
		}
		where := territory{account: h.account}
		if strings.HasPrefix(h.typ, "AWS::") {
			where.region = h.region
		}
		at[where] = append(at[where], h)
	}
	for where, list := range at {
		if len(list) == 1 {
			out = append(out, list[0])
			continue
		}
		one := *list[0]
		one.typ, one.region, one.assets = "", where.region, nil
		var types []string
		for _, h := range list {
			types, one.assets = append(types, h.typ), append(one.assets, h.assets...)
		}
		slices.Sort(types)
		types = slices.Compact(types)
		say := strings.Join(types[:min(3, len(types))], ", ")
		if n := len(types) - 3; n > 0 {
			say += fmt.Sprintf(" and %d more types", n)
		}
		one.what = say + " in " + strings.TrimSpace(where.account+" "+where.region)
		if len(types) == 1 {
			one.typ = types[0]
		} else {
			one.why, one.hint = "no source lists these types to the end any more", "add what lists them to the export, or read live"
		}
		out = append(out, &one)
	}
	return out
}
