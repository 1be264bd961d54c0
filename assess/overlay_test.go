package assess

import (
	"context"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// A plan that changes nothing leaves the estate as it is, on both sides.
func TestAnEmptyPlanChangesNothing(t *testing.T) {
	base := harbour(t).Seen
	laid, err := Lay(context.Background(), base, &terraform.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	if laid.Before.Hash() != laid.After.Hash() {
		t.Error("the two sides differ")
	}
	if got, want := laid.After.Hash(), base.Hash(); got != want {
		d, err := estate.Diff(base, laid.After)
		t.Fatalf("the estate is not what it was: %+v %v", d, err)
	}
}
