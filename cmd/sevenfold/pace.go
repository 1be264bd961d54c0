package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// pace sets how far the heap may grow between two collections, anew after each. A
// large estate is to fit, so that a large heap grows by little; of a small one that
// would only cost time. Pages of the program file that were used once, at the start
// or in a step that is over, are given back at the same time. GOGC and GOMEMLIMIT of the environment say otherwise.
func pace() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	mapped := programPages()
	shed(mapped)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	type sentinel struct{ _ *int } // a pointer, so that it is no part of a tiny block
	var after func(*sentinel)
	after = func(*sentinel) {
		metrics.Read(live)
		heap, hasty := live[0].Value.Uint64(), hastes.Load()
		percent := percentFor(heap)
		if hasty {
			percent = max(percent, hastyPercentFor(heap))
		}
		debug.SetGCPercent(percent)
		if heap > roomBytes/4 && !hasty { // what makes haste needs its pages again at once
			shed(mapped)
		}
		runtime.SetFinalizer(&sentinel{}, after)
	}
	after(nil)
}

// hastes says that haste was made.
var hastes atomic.Bool

// haste lets the heap double between collections from now on, by hasteBytes at most: for
// what makes garbage at a high rate for days and keeps little.
func haste() { hastes.Store(true) }

// hasteBytes is what haste adds to what lives.
const hasteBytes = 256 << 20

// hastyPercentFor is the growth, in percent of what lives, that haste gives.
func hastyPercentFor(live uint64) int { return int(min(100, 100*hasteBytes/max(live, 1))) }

// A mapping is part of the program file in memory.
type mapping struct{ at, size uintptr }

const (
	// gcPercent is how far a large heap may grow between collections.
	gcPercent = 34
	// roomBytes may always be used between collections as long as the heap is below
	// easyBytes with it.
	roomBytes = 24 << 20
	easyBytes = 104 << 20
)

// percentFor is the growth, in percent of what lives, that a heap may have.
func percentFor(live uint64) int {
	room := min(uint64(roomBytes), easyBytes-min(live, easyBytes))
	if live < roomBytes/2 {
		return 200
	}
	return max(gcPercent, int(100*room/live))
}
