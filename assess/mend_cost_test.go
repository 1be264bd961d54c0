package assess

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// TestEveryFaultHasACost holds that whatever a step finds failing is reckoned
// with: a fault without a cost would be missing in the sums now and after
// scaling. What other tools say has no effort, and none.
func TestEveryFaultHasACost(t *testing.T) {
	r := harbour(t)
	ownerless := 0
	for _, f := range r.Findings {
		if f.Status != finding.Fail || strings.Contains(f.Control, ":") {
			continue
		}
		if f.Fix.Cost == nil {
			t.Errorf("%s on %s has no cost", f.Control, f.Asset)
			continue
		}
		if f.Control == access.Ownerless {
			ownerless++
			if want := (finding.Cost{Units: 1, ScaledUnits: 1, Hours: 0.25, ScaledHours: 0.25, Factor: 1, Why: f.Fix.Cost.Why}); *f.Fix.Cost != want {
				t.Errorf("naming an owner costs %+v", *f.Fix.Cost)
			}
		}
	}
	if ownerless == 0 {
		t.Error("the example has no identity without owner")
	}
}
