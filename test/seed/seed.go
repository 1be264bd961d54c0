// Package seed chooses what random tests draw from.
package seed

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Variable names a seed to draw from again, in decimal. Without it each run draws
// what no run drew before. Property tests of rapid take theirs from RAPID_SEED.
const Variable = "SEVENFOLD_SEED"

// Of is the seed of a test, which is logged: a failure is repeated with it.
func Of(t testing.TB) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano()) //nolint:gosec // after 1970
	if s := os.Getenv(Variable); s != "" {
		var err error
		if n, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("%s: %v", Variable, err)
		}
	}
	t.Logf("seed %d", n)
	return n
}
