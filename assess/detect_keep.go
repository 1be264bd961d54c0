package assess

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/stream"
)

// segment is a part of the stream on its way into the archive.
type segment struct {
	rows []stream.Row
	held int
	to   uint64
	done chan error
}

// keepSoon begins to archive the events that are not archived yet, and leaves that to go
// on while the next are taken in. It waits for the part before: at most one is under way.
// The lock is held.
func (r *Running) keepSoon() error {
	if err := r.written(); err != nil || len(r.rows) == 0 {
		return err
	}
	w := &segment{rows: r.rows, held: r.held, to: r.rowsTo, done: make(chan error, 1)}
	from := r.kept + 1
	r.writing, r.rows, r.held = w, nil, 0
	go func() { w.done <- r.archive.Write(w.rows, from, w.to) }()
	return nil
}

// written waits until nothing is on its way into the archive. What could not be written is
// to be written again. The lock is held.
func (r *Running) written() error {
	w := r.writing
	if w == nil {
		return nil
	}
	r.writing = nil
	if err := <-w.done; err != nil {
		r.rows, r.held = slices.Concat(w.rows, r.rows), w.held+r.held
		return err
	}
	r.kept = max(r.kept, w.to)
	clear(w.rows) // they hold the events' bytes
	r.spare = w.rows[:0]
	return nil
}

// keep archives the events that are not archived yet.
func (r *Running) keep() error {
	if err := r.keepSoon(); err != nil {
		return err
	}
	err := r.written()
	if err == nil {
		r.kept = max(r.kept, r.rowsTo)
	}
	return err
}
