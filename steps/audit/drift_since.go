package audit

import (
	"fmt"
	"slices"
	"time"
)

// Window is when a difference came about: after Same, and not after First.
type Window struct {
	// First is when the first snapshot that differs was taken, Same the last one
	// before it that did not.
	First time.Time `json:"first"`
	Same  time.Time `json:"same"`
}

// seenKey names one change of one asset from snapshot to snapshot. An asset that
// came is the same news however it changes afterwards.
func (r *Record) seenKey(c Change) string {
	switch r.What {
	case WhatAdded, WhatRemoved, WhatUnseen:
		return digest("seen", r.Asset, r.What)
	}
	return digest("seen", r.Asset, r.What, c.key())
}

// Keys are the names of all changes, sorted; Seen takes when each came about.
func (d *Drift) Keys() []string {
	var out []string
	for i := range d.Records {
		out = append(out, d.Records[i].keys()...)
	}
	for i := range d.quiet {
		out = append(out, d.quiet[i].keys()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// keys are the names of a record's changes.
func (r *Record) keys() []string {
	var out []string
	for _, c := range r.Changes {
		if c.Attribute != ZoneAttribute { // it follows from the others
			out = append(out, r.seenKey(c))
		}
	}
	if len(r.Changes) == 0 {
		out = append(out, r.seenKey(Change{}))
	}
	return out
}

// Seen says when each change came about. Changes of one asset that came about at
// different times are of different acts, and become records of their own.
func (d *Drift) Seen(when map[string]Window) {
	var out []Record
	for i := range d.Records {
		r := d.Records[i]
		parts := map[Window][]Change{}
		var order []Window
		for _, c := range r.Changes {
			w := when[r.seenKey(c)]
			if parts[w] == nil {
				order = append(order, w)
			}
			parts[w] = append(parts[w], c)
		}
		slices.SortFunc(order, func(a, b Window) int { return a.First.Compare(b.First) })
		for n, w := range order {
			one := r
			one.Changes = parts[w]
			one.FirstSeen, one.LastSame = w.First, w.Same
			if len(order) > 1 {
				one.identify()
				one.regrade()
				if n > 0 && one.What == WhatRecreated {
					one.What = WhatChanged
					one.identify()
				}
			}
			out = append(out, one)
		}
		if len(order) == 0 {
			w := when[r.seenKey(Change{})]
			r.FirstSeen, r.LastSame = w.First, w.Same
			out = append(out, r)
		}
	}
	d.Records = out
	d.sortRecords()
	for i := range d.quiet {
		r := &d.quiet[i]
		w := when[r.seenKey(r.Changes[0])]
		r.FirstSeen, r.LastSame = w.First, w.Same
	}
}

// regrade grades what is left of a record: ways that are new are told with every
// part that is more than words, since nobody can say which part opened them.
func (r *Record) regrade() {
	if slices.ContainsFunc(r.Changes, func(c Change) bool { return !r.cosmetic(c.Attribute) }) {
		return
	}
	r.Consequence, r.Paths, r.Faults = Cosmetic, nil, nil
}

// Signed is an acceptance with the key that signed it.
type Signed struct {
	Acceptance
	Key string
	// Refused says why it does not count, empty if it does.
	Refused string
}

// Accept marks the records that somebody accepted and whose acceptance counts at
// now. Of several acceptances of one record the first that counts does. Who
// accepted several changes as one record, before events told that they were
// different acts, accepted each of them.
func (d *Drift) Accept(list []Signed, now time.Time) {
	d.signed, d.signedAt = list, now
	byRecord := map[string][]Signed{}
	for _, s := range list {
		byRecord[s.Record] = append(byRecord[s.Record], s)
	}
	for i := range d.Records {
		r := &d.Records[i]
		if r.Status == StatusUnknown {
			continue
		}
		of := slices.Clone(byRecord[r.ID])
		for _, id := range r.wholes {
			of = append(of, byRecord[id]...)
		}
		for _, s := range of {
			why := s.Refused
			if end, err := s.Ends(); why == "" && (err != nil || !now.Before(end)) {
				why = fmt.Sprintf("it ended on %s", s.Until)
			}
			if why != "" {
				if r.Lapsed == "" {
					r.Lapsed = fmt.Sprintf("the acceptance by %s does not count: %s", s.Owner, why)
				}
				continue
			}
			r.Status, r.Acceptance, r.Lapsed = StatusAccepted, &s.Acceptance, ""
			break
		}
	}
}
