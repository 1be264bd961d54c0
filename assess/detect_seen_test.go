package assess

import (
	"math/rand/v2"
	"testing"
)

// The set answers as a map does, whatever is put in.
func TestIDSet(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var s idSet
	want := map[uint64]bool{}
	for range 200_000 {
		k := rnd.Uint64N(150_000) << rnd.IntN(3) << 20 // many alike in the bits that choose a place
		if rnd.IntN(2) == 0 {
			k = rnd.Uint64()
		}
		if k == 1 {
			continue // 0 and 1 are one
		}
		if got := s.has(k); got != want[k] {
			t.Fatalf("%x: %v", k, got)
		}
		if rnd.IntN(3) > 0 {
			if had := s.add(k); had != want[k] {
				t.Fatalf("%x was there: %v", k, had)
			}
			want[k] = true
		}
	}
	if s.n != len(want) {
		t.Errorf("%d hashes of %d", s.n, len(want))
	}
}
