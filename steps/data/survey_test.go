package data

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// heavy is a store of large objects that is cut off in their midst.
type heavy struct{ left int }

func (*heavy) URI() string                                  { return "s3://heavy" }
func (*heavy) List(context.Context, func(Item) error) error { return nil }
func (h *heavy) Examine(context.Context, *scan.Scanner, Item, string, []int64) (Reading, error) {
	if h.left--; h.left < 0 {
		return Reading{}, errors.New("cut off")
	}
	return Reading{}, nil
}

type remembers map[string]Seen

func (m remembers) Before(context.Context) (map[string]Seen, error) { return m, nil }
func (m remembers) Sum(context.Context, *Summary) error             { return nil }
func (m remembers) Keep(_ context.Context, more []Seen) error {
	for _, s := range more {
		m[s.Key] = s
	}
	return nil
}

// A run that is ended loses what it read since it last kept something: of large objects that is
// a few, and not the two hundred that a batch of small ones has.
func TestASurveyKeepsAfterSoManyBytes(t *testing.T) {
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var items []Item
	var listed []sample.Item
	for i := range 20 {
		it := sample.Item{Key: fmt.Sprintf("a/%02d.csv", i), Size: 30 << 20}
		listed = append(listed, it)
		items = append(items, Item{Key: it.Key, Size: it.Size, ETag: "e"})
	}
	m := remembers{}
	plan := sample.New(listed, sample.Options{All: true})
	if _, err := Examined(context.Background(), &heavy{left: 10}, s, items, plan, m, Surveying{Workers: 1}); err == nil {
		t.Fatal("it was not cut off")
	}
	if len(m) != 9 {
		t.Errorf("%d of 10 objects that were read are remembered, 9 are to be: three for each 64 MiB", len(m))
	}
	got, err := Examined(context.Background(), &heavy{left: 11}, s, items, plan, m, Surveying{Workers: 1})
	if err != nil || got.Again != 9 || len(m) != 20 {
		t.Errorf("the second run: %v, %+v", err, got)
	}
}
