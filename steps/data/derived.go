package data

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/data/lineage"
)

// PlaceOf is the id of the place at which a key of a store lies, as NewWorld knows it
// if it is among Known.Extra; "" where the estate does not have the store.
func (w *World) PlaceOf(store, key string) string {
	c, base, ok := w.find(store)
	if !ok {
		return ""
	}
	if strings.HasPrefix(store, "s3://") {
		return c + "#prefix/" + joinKey(store, base, key)
	}
	return c
}

// joinKey is a key as its bucket has it. Keys of a bucket's own listing are whole.
func joinKey(_, base, key string) string {
	if strings.HasPrefix(key, base) {
		return key
	}
	return strings.TrimSuffix(base, "/") + "/" + key
}

// extra makes places of addresses that somebody will ask about.
func (w *World) extra() {
	for _, e := range w.known.Extra {
		c, base, ok := w.find(e.Store)
		if !ok || !strings.HasPrefix(e.Store, "s3://") {
			continue
		}
		p := joinKey(e.Store, base, e.Key)
		w.graph.Place(c, c, "")
		w.graph.Place(c+"#prefix/"+p, c, p)
	}
}

// Follow tells which models learnt from places, and what deleting there does not end.
func (w *World) Follow(places []ErasePlace) (models []EraseModel, left []EraseLeft) {
	models, left = []EraseModel{}, []EraseLeft{}
	seen := map[string]bool{}
	for _, p := range places {
		id := w.PlaceOf(p.Store, p.Key)
		if id == "" || seen[id] {
			continue
		}
		seen[id] = true
		g := w.graph.Only(id)
		for _, t := range g.Things("subject") {
			a := w.asset(t)
			arrival, _ := g.Arrival(t, "subject")
			if a == nil || t == id || arrival.Own || lies(arrival) {
				continue
			}
			switch {
			case a.Kind == estate.KindModel || a.Kind == estate.KindEndpoint:
				if slices.ContainsFunc(models, func(m EraseModel) bool { return m.Model == t }) {
					continue
				}
				m := EraseModel{Model: t, Kind: string(a.Kind), From: p.Store, Tier: arrival.Tier.String()}
				for _, f := range arrival.Path {
					m.Path = append(m.Path, Hop{f.From, f.To, f.Tier.String(), f.Evidence})
				}
				models = append(models, m)
			case holdsData(a):
				left = addLeft(left, t, "it has data of "+p.Store+", in a form that a search for the value may not find (features, embeddings, aggregates)", "scan it for the subject; write it again from its sources once they are clean")
			}
		}
		container, _ := part(id)
		if n, ok := w.snap.Find(container); ok {
			for _, s := range w.snapshots(n) {
				left = addLeft(left, s, "a backup of "+container+" holds what it held", "delete the backup, or note when it ends and keep the subject from being restored")
			}
			for _, r := range w.bucketHolds(w.facts(n), 0) {
				if r.Status != met && w.snap.Asset(n).Type == "AWS::S3::Bucket" {
					left = addLeft(left, container+": "+r.What, r.Why, r.Do)
				}
			}
		}
	}
	for _, m := range models {
		left = addLeft(left, m.Model, "a "+m.Kind+" that learnt from the data can give it back; deleting the data does not change it", "train it again without the data, or record why it may stay: --decide '"+m.Model+"=…'")
	}
	return models, left
}

// lies reports whether a thing is only around or within the place itself.
func lies(a lineage.Arrival) bool {
	return !slices.ContainsFunc(a.Path, func(f lineage.Flow) bool { return f.Evidence != lineage.Lies })
}

func addLeft(left []EraseLeft, what, why, do string) []EraseLeft {
	if slices.ContainsFunc(left, func(l EraseLeft) bool { return l.What == what }) {
		return left
	}
	return append(left, EraseLeft{what, why, do})
}

// Text is the case's number of things, in words.
func (c *Case) Text() string {
	return fmt.Sprintf("%d places, %d models", len(c.Places), len(c.Models))
}
