package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// unseen gathers what one of two snapshots did not see. One refused list hides
// any number of assets and is one record.
type unseen struct {
	scopes map[string]*hidden
	blind  map[string]bool // ids of assets of which something was not read
}

// hidden is one refused list or operation.
type hidden struct {
	what    string // "AWS::IAM::Role in 111122223333"
	before  string // what the baseline knew
	after   string // what is known now
	typ     string
	account string
	region  string
	why     string
	hint    string
	assets  []string
	op      string
}

func (u *unseen) at(key string, make func() *hidden) *hidden {
	if u.scopes == nil {
		u.scopes, u.blind = map[string]*hidden{}, map[string]bool{}
	}
	if u.scopes[key] == nil {
		u.scopes[key] = make()
	}
	return u.scopes[key]
}

// place is a type in its account and region, in words.
func place(a *estate.Asset) string {
	return a.Type + " in " + strings.TrimSpace(strings.Join([]string{a.Account, a.Region}, " "))
}

// lost notes an asset that the baseline saw and nobody lists now.
func (u *unseen) lost(c *comparison, a *estate.Asset) {
	h := u.at("lost "+place(a), func() *hidden {
		why, hint := c.reason(a)
		return &hidden{what: place(a), typ: a.Type, account: a.Account, region: a.Region, why: why, hint: hint, op: "list"}
	})
	h.assets = append(h.assets, a.ID)
}

// gained notes an asset of a scope that the baseline never listed.
func (u *unseen) gained(_ *comparison, a *estate.Asset) {
	h := u.at("gained "+place(a), func() *hidden {
		return &hidden{what: place(a), typ: a.Type, account: a.Account, region: a.Region, op: "list at the baseline",
			why: "the baseline never listed these, so nobody approved them", hint: "look at them, then: sevenfold baseline approve"}
	})
	h.assets = append(h.assets, a.ID)
}

// reason says why an asset that was there is not seen: the blind spot that hides
// its type, or that its source is not read any more.
func (c *comparison) reason(a *estate.Asset) (why, hint string) {
	for _, b := range c.after.BlindSpots() {
		if (b.Account == "" || b.Account == a.Account) && (b.Region == "" || a.Region == "" || b.Region == a.Region) &&
			(slices.Contains(b.Types, a.Type) || len(b.Types) == 0 && b.Asset == "" && b.Source == a.Source) {
			return fmt.Sprintf("%s: %s", b.Operation, b.Status), b.Hint
		}
	}
	if !slices.ContainsFunc(c.after.Sources(), func(s estate.SourceStatus) bool { return s.Source == a.Source }) {
		return "source " + a.Source + " was not read this time", "read it too: --source " + a.Source
	}
	return "no source lists this type to the end any more", "add what lists it to the export, or read live"
}

// lostRead is one reply about one asset that only one side has.
type lostRead struct {
	asset     *estate.Asset
	operation string
	now       bool // it is missing now; else it was missing at the baseline
	why, hint string
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
		if !r.Status.Known() || done[r.Key] || known(a, r) {
			continue
		}
		done[r.Key] = true
		why, hint := "it was not read this time", "add it to the export, or read live"
		if i := slices.IndexFunc(a.Reads, func(o estate.Read) bool { return o.Key == r.Key }); i >= 0 {
			why = string(a.Reads[i].Status)
			if a.Reads[i].Why != "" {
				why += ": " + a.Reads[i].Why
			}
			if a.Reads[i].Grant != "" {
				hint = "grant " + a.Reads[i].Grant
			}
		}
		cut(r.Key)
		out = append(out, lostRead{a, r.Operation, true, why, hint})
	}
	for _, r := range a.Reads {
		if !r.Status.Known() || done[r.Key] || known(b, r) {
			continue
		}
		done[r.Key] = true
		cut(r.Key)
		out = append(out, lostRead{a, r.Operation, false, "the baseline did not read it, so there is nothing to compare with", "look at it, then: sevenfold baseline approve"})
	}
	for _, r := range append(slices.Clone(b.Reads), a.Reads...) {
		if r.Key != "" && !done[r.Key] && !known(b, r) && !known(a, r) {
			cut(r.Key)
		}
	}
	for _, p := range a.Unknown {
		gone := erase(is, p)
		if gone = erase(was, p) || gone; gone && !slices.Contains(b.Unknown, p) {
			out = append(out, lostRead{a, strings.ReplaceAll(strings.TrimPrefix(p, "/"), "/", "."), true, "it is not known before the plan is applied", "assess again after apply"})
		}
	}
	for _, p := range b.Unknown {
		if !slices.Contains(a.Unknown, p) && erase(is, p) {
			out = append(out, lostRead{a, strings.ReplaceAll(strings.TrimPrefix(p, "/"), "/", "."), false, "the baseline did not know it, so there is nothing to compare with", "look at it, then: sevenfold baseline approve"})
		}
	}
	return out
}

// erase removes what stands at a JSON pointer and reports whether anything did.
func erase(tree map[string]any, pointer string) bool {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	at := tree
	for i, s := range steps {
		s = strings.NewReplacer("~1", "/", "~0", "~").Replace(s)
		v, ok := at[s]
		if !ok {
			return false
		}
		if i == len(steps)-1 {
			delete(at, s)
			return true
		}
		if at, ok = v.(map[string]any); !ok {
			return false
		}
	}
	return false
}

// read notes a reply that could not be compared.
func (u *unseen) read(l lostRead) {
	a := l.asset
	key := fmt.Sprintf("read %v %s %s", l.now, l.operation, place(a))
	h := u.at(key, func() *hidden {
		return &hidden{what: l.operation + " of " + place(a), typ: a.Type, account: a.Account, region: a.Region, why: l.why, hint: l.hint, op: l.operation}
	})
	h.assets = append(h.assets, a.ID)
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

// records makes one record of each scope.
func (u *unseen) records() []Record {
	var out []Record
	for _, h := range u.scopes {
		r := Record{Asset: h.what, Type: h.typ, Account: h.account, Region: h.region, What: WhatUnseen, Consequence: Attribute,
			Status: StatusUnknown, Why: h.why, Hint: h.hint, touches: h.assets, With: len(h.assets) - 1}
		if len(h.assets) == 1 {
			r.Asset = h.assets[0]
		}
		r.Changes = []Change{{Attribute: h.op, Before: text("seen"), After: text("not seen: " + h.why)}}
		if strings.Contains(h.why, "baseline") {
			r.Changes = []Change{{Attribute: h.op, Before: text("not seen"), After: text("seen")}}
		}
		r.identify()
		out = append(out, r)
	}
	return out
}

// sources notes sources that only one side read. Their assets are told by type
// and place; a source that gave none is told here.
func (c *comparison) sources() {
	was := map[string]bool{}
	for _, s := range c.before.Sources() {
		was[s.Source] = true
	}
	for _, s := range c.after.Sources() {
		if s.Status == "failed" && was[s.Source] && len(c.unseen.scopes) == 0 {
			c.unseen.at("source "+s.Source, func() *hidden {
				return &hidden{what: "source " + s.Source, why: "it could not be read this time", hint: "sevenfold inventory says why", op: "read"}
			})
		}
	}
}
