package estate

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxConflicts bounds the places listed for one disagreement between readings;
// beyond it the whole member is in doubt.
const maxConflicts = 20

func itoa(i int) string { return strconv.Itoa(i) }

// standing orders read statuses by how much they tell.
func standing(s ReadStatus) int {
	switch s {
	case ReadOK:
		return 6
	case ReadAbsent:
		return 5
	case ReadDenied, ReadThrottled, ReadFailed, ReadMalformed:
		return 3
	case ReadSkipped:
		return 2
	}
	return 1
}

// claim is how good a part's word on the root of a configuration is: a read
// root beats an unread one, describing one thing beats listing many.
type claim struct {
	rank      int
	operation string
}

func claimOf(a *Asset) claim {
	best := claim{}
	if a.Referenced {
		return claim{rank: -1}
	}
	for _, r := range a.Reads {
		if r.Key != "" {
			continue
		}
		c := claim{rank: standing(r.Status)*4 + verb(r.Operation), operation: r.Operation}
		if c.rank > best.rank || c.rank == best.rank && c.operation < best.operation {
			best = c
		}
	}
	return best
}

// verb ranks an operation by its first word.
func verb(operation string) int {
	_, name, found := strings.Cut(operation, ":")
	if !found {
		name = operation
	}
	switch {
	case strings.HasPrefix(name, "Describe"), strings.HasPrefix(name, "Get"), name == "get":
		return 3
	case strings.HasPrefix(name, "BatchGet"):
		return 2
	case strings.HasPrefix(name, "List"), name == "list":
		return 0
	}
	return 1
}

// part is one sending of an asset with its claim.
type part struct {
	*Asset
	claim claim
	text  []byte // the whole asset, encoded
}

// merge makes one asset of the parts sent under one id. It does not depend on
// their order. Where two readings of equal standing disagree, the first by
// source and content is kept, the place is listed in Unknown, and a blind spot
// says so: nothing can be called safe on the word of one of two witnesses.
func merge(sent []*Asset) (*Asset, []BlindSpot) {
	parts := make([]part, len(sent))
	for i, a := range sent {
		parts[i] = part{a, claimOf(a), appendAsset(nil, a)}
	}
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(cmp.Compare(b.claim.rank, a.claim.rank), cmp.Compare(a.claim.operation, b.claim.operation),
			cmp.Compare(a.Source, b.Source), bytes.Compare(a.Config, b.Config), bytes.Compare(a.text, b.text))
	})
	// The same thing said many times is said once.
	parts = slices.CompactFunc(parts, func(a, b part) bool {
		return a.Source == b.Source && bytes.Equal(a.Config, b.Config) && bytes.Equal(a.text, b.text)
	})
	m := merger{out: *parts[0].Asset, parts: parts}
	m.out.Reads, m.out.Unknown = slices.Clip(m.out.Reads), slices.Clip(m.out.Unknown)
	m.scalars()
	m.tags()
	for _, p := range parts[1:] {
		m.out.Reads = append(m.out.Reads, p.Reads...)
		m.out.Unknown = append(m.out.Unknown, p.Unknown...)
		m.out.Referenced = m.out.Referenced && p.Referenced
	}
	m.config()
	return settle(&m.out), m.blind
}

// settle brings the order-free fields of an asset into their one order.
func settle(a *Asset) *Asset {
	a.Reads = uniteReads(a.Reads)
	a.Unknown = uniqueStrings(a.Unknown)
	if a.Created = a.Created.UTC(); a.Created.IsZero() {
		a.Created = time.Time{}
	}
	return a
}

// uniteReads sorts reads by operation and key and keeps, of several that share
// both, the one that tells most.
func uniteReads(reads []Read) []Read {
	if len(reads) == 0 {
		return nil
	}
	order := func(a, b Read) int {
		return cmp.Or(cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Key, b.Key))
	}
	strict := true
	for i := 1; i < len(reads) && strict; i++ {
		strict = order(reads[i-1], reads[i]) < 0
	}
	if strict {
		return reads
	}
	out := slices.Clone(reads)
	slices.SortFunc(out, func(a, b Read) int {
		return cmp.Or(order(a, b), cmp.Compare(standing(b.Status), standing(a.Status)),
			cmp.Compare(a.Status, b.Status), cmp.Compare(a.Why, b.Why), cmp.Compare(a.Grant, b.Grant))
	})
	return slices.CompactFunc(out, func(a, b Read) bool { return order(a, b) == 0 })
}

// merger is the state of one merge.
type merger struct {
	out   Asset
	parts []part // best claim first
	blind []BlindSpot
}

func (m *merger) doubt(what, kept, other string) {
	m.blind = append(m.blind, BlindSpot{Source: m.out.Source, Account: m.out.Account, Region: m.out.Region,
		Operation: "merge", Asset: m.out.ID, Status: ReadMalformed,
		Why:  fmt.Sprintf("two readings disagree on %s: %s and %s", what, kept, other),
		Hint: "read the asset once more, from one source; manifests of two clusters are told apart by dir:PATH,cluster=NAME for each"})
}

func (m *merger) scalars() {
	for _, p := range m.parts[1:] {
		o := &m.out
		for _, f := range []struct {
			name string
			to   *string
			from string
		}{{"type", &o.Type, p.Type}, {"cloud", (*string)(&o.Cloud), string(p.Cloud)}, {"account", &o.Account, p.Account}, {"region", &o.Region, p.Region}} {
			if *f.to != "" && f.from != "" && *f.to != f.from && !p.Referenced {
				m.doubt("its "+f.name, strconv.Quote(*f.to), strconv.Quote(f.from))
			}
			*f.to = cmp.Or(*f.to, f.from)
		}
		o.Name = cmp.Or(o.Name, p.Name)
		o.Source = cmp.Or(o.Source, p.Source)
		o.Kind = cmp.Or(o.Kind, p.Kind)
		if o.Created.IsZero() {
			o.Created = p.Created
		}
		if o.Root == nil {
			o.Root = p.Root
		}
	}
}

// tags unites the parts' tags; nil only if no part read them.
func (m *merger) tags() {
	var tags map[string]string
	for _, p := range m.parts {
		if p.Tags == nil {
			continue
		}
		if tags == nil {
			tags = make(map[string]string, len(p.Tags))
		}
		for _, k := range slices.Sorted(maps.Keys(p.Tags)) {
			if have, ok := tags[k]; ok && have != p.Tags[k] {
				m.doubt("tag "+strconv.Quote(k), "source "+strconv.Quote(m.out.Source), "source "+strconv.Quote(p.Source))
				continue
			}
			tags[k] = p.Tags[k]
		}
	}
	m.out.Tags = tags
}

// reading is one part's value of a root member.
type reading struct {
	value     []byte
	rank      int
	operation string
	source    string
}

// config merges the parts' configurations member by member.
func (m *merger) config() {
	keyed := map[string]bool{}
	for _, r := range m.out.Reads {
		if r.Key != "" {
			keyed[r.Key] = true
		}
	}
	values := map[string][]reading{}
	given := false
	for _, p := range m.parts {
		given = given || p.Config != nil
		for _, f := range fields(p.Config) {
			r := reading{f.value, p.claim.rank, p.claim.operation, p.Source}
			if keyed[string(f.name)] {
				r.rank, r.operation = keyRank(p.Reads, string(f.name))
			}
			values[string(f.name)] = append(values[string(f.name)], r)
		}
	}
	if !given {
		return
	}
	var merged []field
	for _, name := range slices.Sorted(maps.Keys(values)) {
		merged = append(merged, field{[]byte(name), m.choose(name, values[name])})
	}
	m.out.Config = object(merged)
	m.missing(keyed, values)
}

// keyRank is a part's standing on the reply that stands under key.
func keyRank(reads []Read, key string) (rank int, operation string) {
	for _, r := range reads {
		if r.Key == key && standing(r.Status) > rank {
			rank, operation = standing(r.Status), r.Operation
		}
	}
	return rank, operation
}

// choose returns the reading with the best standing and records where another
// of the same standing and operation says otherwise.
func (m *merger) choose(name string, readings []reading) []byte {
	slices.SortStableFunc(readings, func(a, b reading) int { return cmp.Compare(b.rank, a.rank) })
	best := readings[0]
	for _, r := range readings[1:] {
		if r.rank != best.rank || r.operation != best.operation || bytes.Equal(r.value, best.value) {
			continue
		}
		changes := compare("/"+pointerName([]byte(name)), best.value, r.value, nil)
		if len(changes) > maxConflicts {
			changes = []Change{{Pointer: "/" + pointerName([]byte(name))}}
		}
		for _, c := range changes {
			m.out.Unknown = append(m.out.Unknown, c.Pointer)
		}
		m.doubt("config"+changes[0].Pointer, "source "+strconv.Quote(best.source), "source "+strconv.Quote(r.source))
	}
	return best.value
}

// missing puts in doubt the root members that one of two readings of the same
// operation has and the other lacks.
func (m *merger) missing(keyed map[string]bool, values map[string][]reading) {
	best := m.parts[0].claim
	witnesses := 0
	for _, p := range m.parts {
		if p.claim == best && best.rank > 0 && hasRoot(p.Config, keyed) {
			witnesses++
		}
	}
	if witnesses < 2 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		said := 0
		for _, r := range values[name] {
			if r.rank == best.rank && r.operation == best.operation {
				said++
			}
		}
		if keyed[name] || said == 0 || said == witnesses {
			continue
		}
		pointer := "/" + pointerName([]byte(name))
		m.out.Unknown = append(m.out.Unknown, pointer)
		m.doubt("config"+pointer, "it stands in one", "not in the other")
	}
}

func hasRoot(config []byte, keyed map[string]bool) bool {
	for _, f := range fields(config) {
		if !keyed[string(f.name)] {
			return true
		}
	}
	return false
}
