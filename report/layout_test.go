package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Whatever is drawn, boxes do not overlap, all stands within the drawing, and
// every asset is in exactly one box.
func TestLayoutProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPicture(t)
		l := arrange(p, map[string]int{"A": 1})
		seen := map[string]int{}
		for _, c := range l.columns {
			bottom := 0
			for _, g := range c.boxes {
				if g.y-g.h/2 < bottom {
					t.Fatalf("boxes overlap in %q", c.title)
				}
				bottom = g.y + g.h/2
				if g.x < 0 || g.x+g.w > l.width || bottom > l.height {
					t.Fatalf("a box stands outside: %d,%d in %dx%d", g.x, g.y, l.width, l.height)
				}
				for _, n := range g.nodes {
					seen[n.ID]++
				}
			}
		}
		for _, n := range p.Nodes {
			if seen[n.ID] != 1 {
				t.Fatalf("%s is drawn %d times", n.ID, seen[n.ID])
			}
		}
		total := 0
		for _, k := range l.links {
			total += k.count
		}
		if total > len(p.Edges) {
			t.Fatalf("%d relations drawn of %d", total, len(p.Edges))
		}
		for a, pa := range l.labels() {
			for b, pb := range l.labels() {
				if a != b && abs(pa[1]-pb[1]) < labelHeight && abs(pa[0]-pb[0]) < (labelWidth(a.names)+labelWidth(b.names))/2 {
					t.Fatalf("labels overlap: %v %v", a.names, b.names)
				}
			}
		}
	})
}

// A thousand buckets are one box, and the faulty one another.
func TestLikeAssetsAreJoined(t *testing.T) {
	p := Picture{Nodes: []PictureNode{{ID: "root", Type: "AWS::SageMaker::Endpoint", Kind: estate.KindEndpoint, Root: true, Member: true}}}
	for i := range 1000 {
		id := fmt.Sprint("b", i)
		p.Nodes = append(p.Nodes, PictureNode{ID: id, Name: id, Type: "AWS::S3::Bucket", Kind: estate.KindStore})
		p.Edges = append(p.Edges, PictureEdge{From: "root", To: id, Type: estate.Reads})
	}
	v := picture("w1", "eta", p, map[string]int{"b7": 3})
	var names []string
	for _, b := range v.Boxes {
		names = append(names, b.Name+" "+b.Faults)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"999 × S3 Bucket ", "b7 3", "root "}, names); diff != "" {
		t.Error(diff)
	}
	if len(v.Lines) != 2 {
		t.Errorf("%d lines", len(v.Lines))
	}
	if !strings.Contains(v.Summary, "1,001 assets, 1,000 relations") {
		t.Error(v.Summary)
	}
}

func TestSmallPicturesKeepEveryAsset(t *testing.T) {
	v := picture("w1", "eta", smallPicture(), nil)
	if len(v.Boxes) != 11 || len(v.Columns) != 5 {
		t.Errorf("%d boxes in %d columns", len(v.Boxes), len(v.Columns))
	}
	if picture("w1", "eta", Picture{}, nil) != nil {
		t.Error("an empty picture is drawn")
	}
}

// The arrow stands at the end the relation points to, also when that is left.
func TestArrowsPointTheRightWay(t *testing.T) {
	p := Picture{Nodes: []PictureNode{{ID: "job", Kind: estate.KindCompute}, {ID: "role", Kind: estate.KindIdentity}, {ID: "store", Kind: estate.KindStore}},
		Edges: []PictureEdge{{From: "job", To: "role", Type: estate.RunsAs}, {From: "job", To: "store", Type: estate.Reads}}}
	for _, l := range picture("w", "w", p, nil).Lines {
		if left := strings.HasSuffix(l.Tip, "role"); l.AtStart != left {
			t.Errorf("%s: arrow at start %v", l.Tip, l.AtStart)
		}
	}
}

func TestDrawTakesMembersAndWhatTheyTouch(t *testing.T) {
	b := estate.NewBuilder(time.Unix(0, 0))
	for _, a := range []estate.Asset{
		{ID: "job", Type: "AWS::SageMaker::TrainingJob", Name: "eta", Kind: estate.KindCompute}, {ID: "role", Type: "AWS::IAM::Role", Kind: estate.KindIdentity},
		{ID: "bucket", Type: "AWS::S3::Bucket", Kind: estate.KindStore}, {ID: "stranger", Type: "AWS::S3::Bucket", Kind: estate.KindStore},
	} {
		b.Asset(a)
	}
	b.Relation(estate.Relation{From: "job", To: "role", Type: estate.RunsAs, Tier: estate.Declared})
	b.Relation(estate.Relation{From: "job", To: "bucket", Type: estate.Reads, Tier: estate.Declared})
	b.Relation(estate.Relation{From: "job", To: "stranger", Type: estate.Reads, Tier: estate.Declared})
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	d := Draw(snap, []finding.Workload{{ID: "w", Roots: []string{"job"}, Members: []string{"job", "role"}, Touches: []string{"bucket", "gone"}}})
	want := Picture{
		Nodes: []PictureNode{
			{ID: "job", Name: "eta", Type: "AWS::SageMaker::TrainingJob", Kind: estate.KindCompute, Root: true, Member: true},
			{ID: "role", Type: "AWS::IAM::Role", Kind: estate.KindIdentity, Member: true},
			{ID: "bucket", Type: "AWS::S3::Bucket", Kind: estate.KindStore},
		},
		Edges: []PictureEdge{{"job", "bucket", estate.Reads, estate.Declared}, {"job", "role", estate.RunsAs, estate.Declared}},
	}
	byEnd := cmp.Transformer("edges", func(in []PictureEdge) map[PictureEdge]bool {
		out := map[PictureEdge]bool{}
		for _, e := range in {
			out[e] = true
		}
		return out
	})
	if diff := cmp.Diff(want, d["w"], byEnd); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkPicture4000(b *testing.B) {
	var p Picture
	for i := range pictureNodes {
		p.Nodes = append(p.Nodes, PictureNode{ID: fmt.Sprint(i), Type: fmt.Sprint("T", i%9), Kind: []estate.Kind{estate.KindStore, estate.KindIdentity, estate.KindCompute}[i%3]})
		p.Edges = append(p.Edges, PictureEdge{From: fmt.Sprint(i), To: fmt.Sprint((i * 7) % pictureNodes), Type: estate.Reads})
	}
	for b.Loop() {
		picture("w", "w", p, nil)
	}
}
