//go:build race

// Package race tells whether the race detector is in the binary. It makes code
// some ten times slower. What a test proves with mere size (that a bound holds,
// that no byte can be changed) it proves without the detector; under it a smaller
// input shows the same races.
package race

// Enabled reports whether the race detector is on.
const Enabled = true
