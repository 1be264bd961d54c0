package audit

import (
	"slices"
	"strings"
)

// ZoneAttribute is the place of a change of zone in a record.
const ZoneAttribute = "zone"

// ZoneOf says in which zone an asset lies; why says why nobody can tell, empty
// where somebody can.
type ZoneOf func(asset string) (zone, why string)

// Zones adds to each record of an asset that another zone claims now both zones,
// and raises it above a change of words: what a tag moves to production is met by
// other people and held to other rules. It comes after Seen, which splits records
// by what the snapshots say: a zone is what sevenfold.yaml makes of them. Told again, it begins
// anew.
func (d *Drift) Zones(was, is ZoneOf) {
	d.zoneWas, d.zoneIs = was, is
	for i := range d.Records {
		d.Records[i].withoutZone()
	}
	d.quiet = slices.DeleteFunc(d.quiet, func(r Record) bool {
		moved := inWords(was(r.Asset)) != inWords(is(r.Asset))
		if moved {
			d.Records = append(d.Records, r)
		}
		return moved
	})
	d.sortRecords()
	last := map[string]int{} // the record that tells of an asset's move
	for i := range d.Records {
		r := &d.Records[i]
		if r.What != WhatChanged && r.What != WhatRecreated {
			continue
		}
		if j, told := last[r.Asset]; told && moves(&d.Records[j], r) {
			continue
		}
		last[r.Asset] = i
	}
	for asset, i := range last {
		r := &d.Records[i]
		from, to := inWords(was(asset)), inWords(is(asset))
		if from == to {
			continue
		}
		r.Changes = append(r.Changes, Change{ZoneAttribute, text(from), text(to)})
		if r.Consequence.rank() < Attribute.rank() {
			r.Consequence = Attribute
		}
		r.identify()
	}
}

// MayMove reports whether anything changed that may move an asset to another zone.
func (d *Drift) MayMove() bool {
	return len(d.quiet) > 0 || slices.ContainsFunc(d.Records, func(r Record) bool { return r.What == WhatChanged || r.What == WhatRecreated })
}

// moves reports whether of two records of one asset the first is more likely the
// one that moved it: it changes a tag and the other does not, or it is the later.
func moves(a, b *Record) bool {
	tags := func(r *Record) bool {
		return slices.ContainsFunc(r.Changes, func(c Change) bool { return strings.HasPrefix(c.Attribute, "tags.") })
	}
	if x, y := tags(a), tags(b); x != y {
		return x
	}
	return a.FirstSeen.After(b.FirstSeen)
}

func inWords(zone, why string) string {
	if why != "" {
		return "not known: " + why
	}
	return zone
}
