package main

import (
	"runtime"
	"testing"
)

func TestPercentFor(t *testing.T) {
	last := 401
	for live := uint64(0); live < 4<<30; live += 1 << 20 {
		p := percentFor(live)
		if p > last || p < gcPercent {
			t.Fatalf("%d MiB: %d %%, after %d", live>>20, p, last)
		}
		if goal := live + live*uint64(p)/100; p > gcPercent && goal > easyBytes {
			t.Fatalf("%d MiB may grow to %d", live>>20, goal>>20)
		}
		last = p
	}
}

func TestHasteIsBounded(t *testing.T) {
	for live := uint64(0); live < 8<<30; live += 1 << 20 {
		p := uint64(hastyPercentFor(live))
		if grown := live * p / 100; p > 100 || grown > hasteBytes || live <= hasteBytes && p != 100 {
			t.Fatalf("%d MiB may grow by %d MiB, %d %%", live>>20, grown>>20, p)
		}
	}
}

// What is given back is mapped again when it is used: this test goes on.
func TestShed(t *testing.T) {
	pages := programPages()
	if runtime.GOOS == "linux" && len(pages) == 0 {
		t.Fatal("the program file is mapped nowhere")
	}
	for range 3 {
		shed(pages)
		runtime.GC()
		if p := percentFor(1 << 30); p != gcPercent {
			t.Fatal(p)
		}
	}
}
