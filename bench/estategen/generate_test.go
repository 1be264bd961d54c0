package main

import (
	"context"
	"math"
	"testing"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

func made(t *testing.T, seed uint64, faulty float64) (*estate.Snapshot, stats) {
	t.Helper()
	snap, st, err := generate(context.Background(), race.Size(2*sample, sample/2), seed, faulty)
	if err != nil {
		t.Fatal(err)
	}
	return snap, st
}

func TestSameSeedSameEstate(t *testing.T) {
	a, st := made(t, 7, 0.033)
	b, _ := made(t, 7, 0.033)
	other, _ := made(t, 8, 0.033)
	if a.Hash() != b.Hash() {
		t.Error("two runs with one seed differ")
	}
	if a.Hash() == other.Hash() {
		t.Error("another seed gives the same estate")
	}
	if share := float64(st.Faulty) / float64(st.Read); math.Abs(share-0.02) > 0.005 {
		t.Errorf("%.3f of the assets are faulty, want one in fifty", share)
	}
	if size := st.Bytes / st.Read; size < 500 || size > 3000 {
		t.Errorf("a configuration has %d bytes, want 500 to 3000", size)
	}
	if per := float64(st.Relations) / float64(st.Read); per < 4 || per > 7 {
		t.Errorf("%.1f relations an asset that was read, want about five", per)
	}
}

// Without planted faults no control fails, so that the number of findings
// follows from the share of faults alone; with them many controls do.
func TestFaultsAreThePlantedOnes(t *testing.T) {
	set := builtin.Controls(t)
	failing := func(snap *estate.Snapshot) map[string]int {
		out := map[string]int{}
		for n, a := range snap.Assets() {
			config, err := snap.Config(n)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range set.JudgeIn(control.Context{Now: taken}, a, config) {
				if r.Outcome == finding.Fail {
					out[r.Control.ID]++
				}
			}
		}
		return out
	}
	clean, _ := made(t, 7, 0)
	if got := failing(clean); len(got) > 0 {
		t.Errorf("without faults these controls fail: %v", got)
	}
	faulty, _ := made(t, 7, 0.033)
	if got := failing(faulty); len(got) < 10 {
		t.Errorf("with faults only these controls fail: %v", got)
	}
}
