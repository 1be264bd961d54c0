package scan

import (
	"math"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// What finding nothing proves rests on the recall that was measured, of the types that were
// not found.
func TestBoundsRestOnMeasuredRecall(t *testing.T) {
	person, measured := Recall("PERSON")
	if !measured || person >= AssumedRecall {
		t.Fatalf("recall of PERSON is %v, measured %v", person, measured)
	}
	if r, measured := Recall("LEI_CODE"); r != AssumedRecall || measured {
		t.Errorf("recall of a type nobody measured is %v, measured %v", r, measured)
	}
	if r, of := LeastRecall(nil); r != person || of != "PERSON" {
		t.Errorf("the least is %v of %q", r, of)
	}
	if r, of := LeastRecall([]string{"PERSON"}); r <= person || r > AssumedRecall || of == "PERSON" {
		t.Errorf("beside persons the least is %v of %q", r, of)
	}
	if r, of := LeastRecall([]string{"PERSON", "LOCATION"}); r != AssumedRecall || of != "" {
		t.Errorf("beside names the least is %v of %q", r, of)
	}
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := "a,b\n" + strings.Repeat("1,2\n", 100)
	got, err := s.Object(t.Context(), "a.csv", strings.NewReader(text), int64(len(text)), format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (1 - math.Pow(.05, .01)) / person; math.Abs(got.Bound-want) > 1e-12 {
		t.Errorf("bound %v, want %v", got.Bound, want)
	}
}
