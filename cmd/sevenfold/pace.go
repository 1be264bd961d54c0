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
		heap, hasty := live[0].Value.Uint64(), int(least.Load())
		debug.SetGCPercent(max(percentFor(heap), hasty))
		if heap > roomBytes/4 && hasty == 0 { // what makes haste needs its pages again at once
			shed(mapped)
		}
		runtime.SetFinalizer(&sentinel{}, after)
	}
	after(nil)
}

// least is what the heap may grow by, in percent, however large it is.
var least atomic.Int32

// haste lets the heap double between collections from now on: for what makes garbage at
// a high rate for days and keeps little.
func haste() { least.Store(100) }

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
