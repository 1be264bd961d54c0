package data

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/scope"
)

// StoreTag is the tag that a store's labels ask for.
type StoreTag struct {
	Store  string `json:"store"`
	Region string `json:"region,omitempty"`
	Key    string `json:"key"`
	Value  string `json:"value"` // the labels found in it and stated of it, joined by +
	// Had is what the snapshot shows; empty for none.
	Had string `json:"had,omitempty"`
	// Status is same, wanting, or less: the tag that is there says less than was found.
	Status string `json:"status"`
}

// The words of StoreTag.Status.
const (
	TagSame    = "same"
	TagWanting = "wanting"
	TagLess    = "less"
)

// Tags are the tags that buckets would bear by what scans found in them, in order of
// their ids. A bucket that nobody looked into, or in which nothing was found, asks for
// none: that nothing was found is no label.
func (w *World) Tags() (out []StoreTag) {
	keys := w.scope.Data.TagKeys()
	for _, a := range w.snap.Assets() {
		if a.Type != "AWS::S3::Bucket" || a.Referenced || len(w.surveys[a.ID]) == 0 {
			continue
		}
		var labels []string
		for _, p := range w.surveys[a.ID] {
			for _, l := range p.sum.Labels {
				for _, name := range w.labelsOf(l) {
					if slices.Contains(scope.Labels(), name) && !slices.Contains(labels, name) {
						labels = append(labels, name)
					}
				}
			}
		}
		if len(labels) == 0 {
			continue
		}
		t := StoreTag{Store: a.ID, Region: a.Region, Key: keys[0], Status: TagWanting}
		for _, k := range keys {
			if v, ok := tagOf(a.Tags, k); ok {
				t.Key, t.Had, t.Status = tagKey(a.Tags, k), v, TagSame
				break
			}
		}
		if t.Had != "" && slices.ContainsFunc(labels, func(l string) bool { return !declares(t.Had, l) }) {
			t.Status = TagLess
		}
		for _, l := range scope.Labels() { // what somebody stated and no scan found stays
			if t.Had != "" && declares(t.Had, l) && !slices.Contains(labels, l) {
				labels = append(labels, l)
			}
		}
		slices.Sort(labels)
		t.Value = strings.Join(labels, "+")
		if t.Status == TagSame {
			t.Value = t.Had
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b StoreTag) int { return strings.Compare(a.Store, b.Store) })
	return out
}

// tagKey is a tag's key as the store spells it.
func tagKey(tags map[string]string, key string) string {
	for k := range tags {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return key
}
