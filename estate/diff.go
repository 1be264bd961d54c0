package estate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Difference is what changed from one snapshot to another. Lists are sorted.
type Difference struct {
	Added, Removed []string // ids
	Changed        []AssetChange

	AddedRelations, RemovedRelations []Relation
	AddedBlindSpots, EndedBlindSpots []BlindSpot
}

// AssetChange is an asset that stands in both snapshots and differs.
type AssetChange struct {
	ID      string
	Changes []Change // by pointer
}

// Empty reports whether nothing differs.
func (d *Difference) Empty() bool {
	return len(d.Added)+len(d.Removed)+len(d.Changed)+len(d.AddedRelations)+len(d.RemovedRelations)+
		len(d.AddedBlindSpots)+len(d.EndedBlindSpots) == 0
}

// Diff returns what changed from before to after. Configurations are compared
// by digest first, so that of two stored snapshots only those that differ are
// read.
func Diff(before, after *Snapshot) (*Difference, error) {
	d := &Difference{}
	i, j := 0, 0
	for i < before.Len() || j < after.Len() {
		switch order := compareAt(before, after, i, j); {
		case order < 0:
			d.Removed = append(d.Removed, before.assets[i].ID)
			i++
		case order > 0:
			d.Added = append(d.Added, after.assets[j].ID)
			j++
		default:
			changes, err := diffAsset(before, after, Node(i), Node(j))
			if err != nil {
				return nil, fmt.Errorf("comparing snapshots: %w", err)
			}
			if len(changes) > 0 {
				d.Changed = append(d.Changed, AssetChange{before.assets[i].ID, changes})
			}
			i++
			j++
		}
	}
	d.relations(before, after)
	d.AddedBlindSpots = without(after.blind, before.blind)
	d.EndedBlindSpots = without(before.blind, after.blind)
	return d, nil
}

func compareAt(before, after *Snapshot, i, j int) int {
	switch {
	case i == before.Len():
		return 1
	case j == after.Len():
		return -1
	}
	return strings.Compare(before.assets[i].ID, after.assets[j].ID)
}

// relations merges the two sorted streams of relations by the ids of From.
func (d *Difference) relations(before, after *Snapshot) {
	for i, j := 0, 0; i < before.Len() || j < after.Len(); {
		var was, is []Relation
		order := compareAt(before, after, i, j)
		if order <= 0 {
			was = before.from(Node(i))
			i++
		}
		if order >= 0 {
			is = after.from(Node(j))
			j++
		}
		if slices.Equal(was, is) {
			continue
		}
		d.RemovedRelations = append(d.RemovedRelations, missingFrom(was, is)...)
		d.AddedRelations = append(d.AddedRelations, missingFrom(is, was)...)
	}
}

func (s *Snapshot) from(n Node) []Relation {
	var out []Relation
	for e := range s.Out(n) {
		out = append(out, Relation{s.assets[n].ID, s.assets[e.Node].ID, e.Type, e.Tier, e.Evidence})
	}
	return out
}

// missingFrom returns the items of a that b lacks.
func missingFrom(a, b []Relation) []Relation {
	have := make(map[Relation]bool, len(b))
	for _, r := range b {
		have[r] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(r Relation) bool { return have[r] })
}

func without(a, b []BlindSpot) []BlindSpot {
	var out []BlindSpot
	for _, s := range a {
		if _, ok := slices.BinarySearchFunc(b, s, compareBlindSpots); !ok {
			out = append(out, s)
		}
	}
	return out
}

func diffAsset(before, after *Snapshot, i, j Node) ([]Change, error) {
	b, a := before.assets[i], after.assets[j]
	var out []Change
	if b != a {
		out = diffFields(b, a)
	}
	if before.ConfigDigest(i) == after.ConfigDigest(j) {
		return out, nil
	}
	was, err := before.Config(i)
	if err != nil {
		return nil, err
	}
	is, err := after.Config(j)
	if err != nil {
		return nil, err
	}
	out = compare("/config", was, is, out)
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(a.Pointer, b.Pointer) })
	return out, nil
}

// diffFields compares all but the configurations.
func diffFields(b, a *Asset) (out []Change) {
	if bytes.Equal(appendAsset(nil, b), appendAsset(nil, a)) {
		return nil
	}
	text := func(name, before, after string) {
		if before != after {
			out = append(out, Change{"/" + name, quoted(before), quoted(after)})
		}
	}
	text("account", b.Account, a.Account)
	text("cloud", string(b.Cloud), string(a.Cloud))
	text("created", stamp(b.Created), stamp(a.Created))
	text("kind", string(b.Kind), string(a.Kind))
	text("name", b.Name, a.Name)
	out = diffReads(b.Reads, a.Reads, out)
	if b.Referenced != a.Referenced {
		out = append(out, Change{"/referenced", json.RawMessage(strconv.FormatBool(b.Referenced)), json.RawMessage(strconv.FormatBool(a.Referenced))})
	}
	text("region", b.Region, a.Region)
	out = compare("/root", encode(b.Root), encode(a.Root), out)
	text("source", b.Source, a.Source)
	out = diffTags(b.Tags, a.Tags, out)
	text("type", b.Type, a.Type)
	if !slices.Equal(b.Unknown, a.Unknown) {
		out = append(out, Change{"/unknown", encode(b.Unknown), encode(a.Unknown)})
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// quoted returns s as JSON, and nothing for the empty string: a field that is
// not set.
func quoted(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return encode(s)
}

// encode returns the canonical JSON of a value, nil for a nil pointer or slice.
func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil || string(raw) == "null" {
		return nil
	}
	wrapped, err := Canonical(slices.Concat([]byte(`{"v":`), raw, []byte(`}`)))
	if err != nil {
		return nil
	}
	return json.RawMessage(wrapped[len(`{"v":`) : len(wrapped)-1])
}

func diffTags(b, a map[string]string, out []Change) []Change {
	if (b == nil) != (a == nil) {
		return append(out, Change{"/tags", encode(b), encode(a)})
	}
	all := maps.Clone(b)
	maps.Copy(all, a)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		was, had := b[k]
		is, has := a[k]
		if had == has && was == is {
			continue
		}
		c := Change{Pointer: "/tags/" + escaper.Replace(k)}
		if had {
			c.Before = encode(was)
		}
		if has {
			c.After = encode(is)
		}
		out = append(out, c)
	}
	return out
}

func diffReads(b, a []Read, out []Change) []Change {
	type place struct{ operation, key string }
	was, is := map[place]Read{}, map[place]Read{}
	var places []place
	for _, r := range b {
		was[place{r.Operation, r.Key}] = r
		places = append(places, place{r.Operation, r.Key})
	}
	for _, r := range a {
		p := place{r.Operation, r.Key}
		if is[p] = r; was[p] == (Read{}) {
			places = append(places, p)
		}
	}
	for _, p := range places {
		x, had := was[p]
		y, has := is[p]
		if x == y {
			continue
		}
		c := Change{Pointer: "/reads/" + escaper.Replace(p.operation) + "/" + escaper.Replace(p.key)}
		if had {
			c.Before = encode(x)
		}
		if has {
			c.After = encode(y)
		}
		out = append(out, c)
	}
	return out
}
