package estate

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls f(0) to f(n-1) from as many goroutines as there are
// processors and returns when all are done. Each index is taken once.
func parallel(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// blocks calls f on consecutive ranges [lo, hi) of n items, in parallel.
func blocks(n, size int, f func(lo, hi int)) {
	parallel((n+size-1)/size, func(i int) { f(i*size, min(n, (i+1)*size)) })
}
