package control

import (
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// A pod whose owner was read is told on the owner (Set.Owned): so every control
// on pods must be asked of every kind that makes pods.
func TestPodControlsAreAskedOfTheSameKinds(t *testing.T) {
	set, errs := Load(controls.FS)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var want []string
	asked := 0
	for _, c := range set.Controls() {
		if source := c.Applies() + c.Fails(); !strings.Contains(source, "containers(config)") && !strings.Contains(source, "podSpecs(config)") {
			continue
		}
		asked++
		if want == nil {
			want = c.Types
		}
		if !slices.Equal(c.Types, want) {
			t.Errorf("%s is asked of other kinds than the first control on pods", c.ID)
		}
		if !strings.Contains(c.Applies(), "!owned") {
			t.Errorf("%s is asked of pods whose owner is asked the same", c.ID)
		}
	}
	if asked < 10 {
		t.Errorf("%d controls on pods", asked)
	}
	for _, typ := range want {
		if typ != "v1/Pod" && !expr.MakesPods(typ) {
			t.Errorf("where %s describes its pods is not known", typ)
		}
	}
}
