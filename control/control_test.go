package control

import (
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/controls"
)

var clock = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func builtIn(t testing.TB) *Set {
	t.Helper()
	set, errs := Load(controls.FS)
	for _, err := range errs {
		t.Error(err)
	}
	return set
}

// TestControlsProveThemselves runs every built-in control on its own cases.
func TestControlsProveThemselves(t *testing.T) {
	for _, c := range builtIn(t).Controls() {
		t.Run(c.ID, func(t *testing.T) {
			for _, err := range c.Prove(clock) {
				t.Error(err)
			}
		})
	}
}
