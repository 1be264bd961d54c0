package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// progress writes how far the reading is to a terminal, one line that is
// rewritten, and one line that stays for each source read.
type progress struct {
	mu   sync.Mutex
	w    io.Writer
	last time.Time
}

var _ assess.Progress = (*progress)(nil)

// newProgress returns nil when w is not a terminal: nothing is written then.
func newProgress(w io.Writer) *progress {
	if !terminal(w) {
		return nil
	}
	return &progress{w: w}
}

// terminal reports whether w is a character device.
func terminal(w io.Writer) bool {
	if o, ok := w.(*output); ok {
		w = o.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

const clearLine = "\r\x1b[K"

// Reading implements assess.Progress, ten times a second at most.
func (p *progress) Reading(source string, calls, assets int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.last) > 100*time.Millisecond {
		p.last = now
		fmt.Fprintf(p.w, "%sreading %s: %d reads, %d assets", clearLine, source, calls, assets)
	}
}

// Done implements assess.Progress.
func (p *progress) Done(s estate.SourceStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%sread %s: %s, %d assets in %d reads, %.1f s\n", clearLine, s.Source, s.Status, s.Assets, s.Calls, s.Seconds)
}
