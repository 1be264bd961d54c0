// Package builtin holds the controls of this repository, compiled once for all
// tests of a process: under the race detector compiling them takes seconds, and
// a set that is loaded never changes.
package builtin

import (
	"sync"
	"testing"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
)

// Load is control.Load of the controls of this repository, done once.
var Load = sync.OnceValues(func() (*control.Set, []error) { return control.Load(controls.FS) })

// Controls returns the set; a control that does not load ends the test.
func Controls(t testing.TB) *control.Set {
	t.Helper()
	set, problems := Load()
	if len(problems) > 0 {
		t.Fatalf("controls: %v", problems)
	}
	return set
}
