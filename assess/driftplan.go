package assess

import (
	"errors"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// Plans tells of each difference which of the plans owns the asset, and whether
// that plan makes this very change. paths are files or sources as the command
// line writes them; base is the estate, by which a plan that names no account is
// placed. A file that is no plan (a state) is passed over; problems name those
// that could not be read.
func Plans(b *audit.Approved, paths []string, key []byte, base *estate.Snapshot) (problems []string) {
	if b == nil || b.Drift == nil {
		return nil
	}
	for _, path := range paths {
		p, err := ReadPlan(path, key)
		if err == nil {
			p, err = PlaceOver(p, path, key, base)
		}
		if errors.Is(err, terraform.ErrState) {
			continue
		}
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		owners := map[string]*terraform.Change{}
		for i := range p.Changes {
			c := &p.Changes[i]
			for _, a := range append(slices.Clone(c.Before), c.After...) {
				if owners[a.ID] == nil || changesIt(c) {
					owners[a.ID] = c
				}
			}
		}
		name := strings.TrimPrefix(path, "terraform:")
		for i := range b.Drift.Records {
			r := &b.Drift.Records[i]
			c := owners[r.Asset]
			if c == nil || r.Plan != nil && r.Plan.Planned {
				continue
			}
			r.Plan = &audit.Owner{Plan: name, Address: c.Address, Planned: plannedSo(c, r)}
		}
	}
	return problems
}

func changesIt(c *terraform.Change) bool {
	return slices.ContainsFunc(c.Actions, func(a string) bool { return acts[a] })
}

// plannedSo reports whether a plan's change of a resource is the one that a record
// tells.
func plannedSo(c *terraform.Change, r *audit.Record) bool {
	find := func(list []estate.Asset) *estate.Asset {
		for i := range list {
			if list[i].ID == r.Asset {
				return &list[i]
			}
		}
		return nil
	}
	before, after := find(c.Before), find(c.After)
	switch r.What {
	case audit.WhatAdded, audit.WhatRenamed:
		return before == nil && after != nil && slices.Contains(c.Actions, "create")
	case audit.WhatRemoved:
		return before != nil && slices.Contains(c.Actions, "delete")
	case audit.WhatRecreated:
		return slices.Contains(c.Actions, "delete") && slices.Contains(c.Actions, "create")
	}
	if before == nil || after == nil {
		return false
	}
	changes, err := audit.Differences(before, after)
	if err != nil {
		return false
	}
	return audit.Explains(changes, r.Changes)
}
