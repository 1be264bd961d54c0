package data

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// A tag that denies a label, or has its letters in another word, does not declare it.
func TestTagDeclares(t *testing.T) {
	for _, tt := range []struct {
		value, label string
		want         bool
	}{
		{"PII", "PII", true}, {"pii,internal", "PII", true}, {"contains PII", "PII", true}, {"personal-data", "PII", true}, {"PHI+PII", "PII", true},
		{"NonPII", "PII", false}, {"non-pii", "PII", false}, {"no PII", "PII", false}, {"PII-free", "PII", false}, {"shipping", "PII", false},
		{"non-PHI,PII", "PII", true}, {"non-PHI,PII", "PHI", false}, {"public", "PII", false}, {"source code", "source code", true},
	} {
		if got := declares(tt.value, tt.label); got != tt.want {
			t.Errorf("%q declares %s: %v", tt.value, tt.label, got)
		}
	}
}

// The tag that a bucket's labels ask for keeps what somebody stated, and nothing is asked
// where nothing was found.
func TestTags(t *testing.T) {
	s, err := scope.Parse("sevenfold.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	b := estate.NewBuilder(at)
	for name, tags := range map[string]map[string]string{"a": nil, "b": {"dataclassification": "NonPII"}, "c": {"DataClassification": "PII"}, "d": {"DataClassification": "PHI"}, "e": nil, "f": nil} {
		b.Asset(estate.Asset{ID: "arn:aws:s3:::" + name, Type: "AWS::S3::Bucket", Name: name, Kind: estate.KindStore, Tags: tags, Region: "eu-west-1"})
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	k := Known{}
	for _, name := range []string{"a", "b", "c", "d"} {
		k.Summaries = append(k.Summaries, Summary{Store: "s3://" + name, Taken: at, Objects: 1, Examined: 1, Labels: []StoreLabel{{Type: "EMAIL_ADDRESS", Group: "PII", Objects: 1, Dirs: []string{""}, Keys: []string{"x"}}}})
	}
	k.Summaries = append(k.Summaries, Summary{Store: "s3://e", Taken: at, Objects: 1, Examined: 1})
	w, err := NewWorld(context.Background(), snap, s, k)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range w.Tags() {
		got = append(got, x.Status+" "+x.Store[len(x.Store)-1:]+" "+x.Key+"="+x.Value)
	}
	want := []string{"wanting a DataClassification=PII", "less b dataclassification=PII", "same c DataClassification=PII", "less d DataClassification=PHI+PII"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tags (-want +got)\n%s", diff)
	}
}
