package race

import "testing"

// Skip leaves a test to the run without the detector: what it proves lies in other
// processes (an API server, the double of a cloud), where no race of ours would show.
func Skip(t testing.TB, why string) {
	t.Helper()
	if Enabled {
		t.Skip("not under the race detector: " + why)
	}
}

// Size is n, or small under the race detector.
func Size(n, small int) int {
	if Enabled {
		return small
	}
	return n
}
