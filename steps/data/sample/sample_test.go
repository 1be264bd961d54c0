package sample

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// terabyte is a made-up listing of 1 TB.
func terabyte() []Item {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a made-up listing
	var items []Item
	total := int64(0)
	kinds := []string{"csv", "jsonl", "parquet", "json.gz", "txt", "pdf", "png"}
	for i := 0; total < 1e12; i++ {
		k := kinds[i%len(kinds)]
		size := r.Int64N(40 << 20)
		if k == "parquet" {
			size = r.Int64N(400 << 20)
		}
		if k == "pdf" || k == "png" {
			size = r.Int64N(1 << 20)
		}
		total += size
		items = append(items, Item{Key: fmt.Sprintf("team%d/%d/part-%06d.%s", i%9, i%30, i, k), Size: size, Modified: now.Add(-time.Duration(r.Int64N(900)) * 24 * time.Hour)})
	}
	return items
}

func TestTerabyteReadsOnePercent(t *testing.T) {
	items := terabyte()
	p := New(items, Options{Seed: 1})
	if p.Bytes < 1e12 || p.Reads > p.Bytes/100 {
		t.Errorf("reads %d of %d bytes", p.Reads, p.Bytes)
	}
	for _, s := range p.Strata {
		if s.Bound > .00105 {
			t.Errorf("%s: finding nothing excludes %.4f only", s.Name, s.Bound)
		}
	}
	if q := New(items, Options{Seed: 1}); !reflect.DeepEqual(p, q) {
		t.Error("two plans of one seed differ")
	}
	if q := New(items, Options{Seed: 2}); reflect.DeepEqual(p.Strata, q.Strata) {
		t.Error("two seeds draw the same")
	}
}

func TestDraws(t *testing.T) {
	for _, tt := range []struct {
		o    Options
		want int
	}{{Options{Recall: 1, Prevalence: .01}, 299}, {Options{Recall: 1, Prevalence: .001}, 2995}, {Options{Recall: 1, Prevalence: .0001}, 29956}, {Options{Recall: 1, Prevalence: .01, Confidence: .99}, 459}} {
		if got := tt.o.Draws(); got != tt.want {
			t.Errorf("%+v: %d draws, want %d", tt.o, got, tt.want)
		}
		if b := tt.o.Bound(tt.want); b > tt.o.Prevalence*1.001 {
			t.Errorf("%+v: %d draws exclude %v", tt.o, tt.want, b)
		}
	}
	if (Options{}).Bound(0) != 1 {
		t.Error("no draw excludes nothing")
	}
}

// A plan reads no more than its budget, every place lies in its object, every object
// of bytes is in one stratum, and every byte is as likely as another: the share of
// places in an object is its share of the bytes.
func TestPlanHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "n")
		items := make([]Item, n)
		objects, empty := 0, 0
		for i := range items {
			items[i] = Item{Key: rapid.SampledFrom([]string{"a/", "b/", ""}).Draw(t, "p") + fmt.Sprint(i) + rapid.SampledFrom([]string{".csv", ".gz", ".parquet", ".pdf", ""}).Draw(t, "x"), Size: rapid.Int64Range(0, 1<<28).Draw(t, "s"), Paged: rapid.Bool().Draw(t, "paged")}
			if items[i].Size == 0 {
				empty++
			}
		}
		p := New(items, Options{Seed: rapid.Uint64().Draw(t, "seed"), Prevalence: .05, Budget: 1 << 30})
		for _, s := range p.Strata {
			objects += s.Objects
			for _, pick := range s.Picks {
				for _, at := range pick.Places {
					if at < 0 || at >= items[pick.Item].Size {
						t.Fatalf("place %d of %d", at, items[pick.Item].Size)
					}
				}
			}
		}
		if objects+empty != n || p.Empty != empty {
			t.Fatalf("%d objects in strata, %d empty, of %d", objects, p.Empty, n)
		}
		if p.Reads > p.Bytes {
			t.Fatalf("reads %d of %d", p.Reads, p.Bytes)
		}
	})
}

// Of strata that hold just the prevalence that is excluded, about five in a hundred are
// taken for free of it.
func TestPromiseIsKept(t *testing.T) {
	const record, records, objects = 10_000, 40_000, 8
	missed := 0
	for trial := range 300 {
		items := make([]Item, objects)
		for i := range items {
			items[i] = Item{Key: fmt.Sprintf("p/%d.csv", i), Size: record * records / objects}
		}
		p := New(items, Options{Seed: uint64(trial), Prevalence: .01, Recall: 1, Budget: 1 << 30}) //nolint:gosec // a count
		r := rand.New(rand.NewPCG(uint64(trial), 9))                                               //nolint:gosec // a test
		bad := map[int64]bool{}
		for len(bad) < records/100 {
			bad[r.Int64N(records)] = true
		}
		drawn, found := 0, false
		for _, s := range p.Strata {
			for _, pick := range s.Picks {
				for _, at := range pick.Places {
					drawn++
					found = found || bad[int64(pick.Item)*records/objects+at/record]
				}
			}
		}
		if drawn != 299 {
			t.Fatalf("%d draws", drawn)
		}
		if !found {
			missed++
		}
	}
	if missed > 28 { // 15 are expected; more than 28 are once in a thousand
		t.Errorf("%d of 300 strata at the excluded prevalence were missed", missed)
	}
}

func BenchmarkPlan(b *testing.B) {
	items := terabyte()
	b.ReportAllocs()
	for b.Loop() {
		New(items, Options{Seed: 1})
	}
}

// A table is drawn from by pages, however large it is beside the budget; an object that is
// only called like one is read whole.
func TestTables(t *testing.T) {
	for paged, way := range map[bool]string{true: Pages, false: Whole} {
		p := New([]Item{{Key: "crm.people.table", Size: 100 << 30, Paged: paged}}, Options{Budget: 64 << 20})
		s := p.Strata[0]
		if s.Way != way || paged && (p.Reads > 64<<20 || s.Draws < 3000 || s.Bound > .0011) || !paged && p.Reads != 100<<30 {
			t.Errorf("paged %v: %s, reads %d of it in %d draws, bound %g", paged, s.Way, p.Reads, s.Draws, s.Bound)
		}
	}
}
