package modelfile

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

var (
	errBomb   = errors.New("it unpacks to more than the limit")
	errRewind = errors.New("it would have to be unpacked too often to be read in bounded memory")
)

// opener starts unpacking from the beginning.
type opener func() (io.Reader, error)

// unpack makes a random-access file of a compressed stream without writing it
// anywhere. Small ones are kept in memory; larger ones are unpacked once to
// learn their length and again as they are read. Nil with a finding if that
// fails.
func (s *scanner) unpack(it item, what string, packed int64, open opener) (io.ReaderAt, int64, bool) {
	r, err := open()
	if err != nil {
		s.find(it, "unpack", Undecided, -1, "", what+" cannot be unpacked: "+err.Error())
		return nil, 0, false
	}
	r = &contextReader{s.ctx, r}
	buf, err := io.ReadAll(io.LimitReader(r, min(s.lim.Memory, s.lim.Unpacked-s.unpacked)+1))
	size := int64(len(buf))
	whole := size <= s.lim.Memory && s.unpacked+size <= s.lim.Unpacked
	if err == nil && !whole {
		var n int64
		n, err = io.Copy(io.Discard, io.LimitReader(r, max(0, s.lim.Unpacked-s.unpacked-size)+1))
		size += n
	}
	s.unpacked += size
	if s.unpacked > s.lim.Unpacked {
		sev := Undecided
		if packed > 0 && size/packed > 200 {
			sev = Medium
		}
		s.find(it, "limit-unpacked", sev, -1, "CWE-409", fmt.Sprintf("%s: %v of %d bytes (%d packed)", what, errBomb, s.lim.Unpacked, packed))
		return nil, 0, false
	}
	if err != nil {
		// What came out before the stream broke is what a loader would have run.
		s.find(it, "unpack", Undecided, -1, "", fmt.Sprintf("%s breaks off after %d bytes: %v", what, size, err))
		if int64(len(buf)) < size || len(buf) == 0 {
			return nil, 0, false
		}
	}
	if whole {
		return bytesAt(buf), size, true
	}
	return &rewinder{open: open, size: size, head: buf, budget: 4*size + s.lim.Memory + recent, ctx: s}, size, true
}

// bytesAt is a byte slice as a file.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// recent is how much of what was unpacked last a rewinder keeps at most, for
// readers that look back a little.
const recent = 1 << 20

// rewinder reads a compressed stream at any offset: forward it unpacks on, far
// backward it starts again. The work it may do is bounded.
type rewinder struct {
	mu     sync.Mutex
	open   opener
	size   int64
	head   []byte // the first bytes, kept
	r      io.Reader
	buf    []byte // what was unpacked last
	from   int64  // offset of buf[0]
	budget int64  // bytes that may still be unpacked
	ctx    *scanner
}

func (w *rewinder) ReadAt(p []byte, off int64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if off < 0 || off >= w.size {
		return 0, io.EOF
	}
	if off+int64(len(p)) <= int64(len(w.head)) {
		return copy(p, w.head[off:]), nil
	}
	if w.r == nil || off < w.from {
		r, err := w.open()
		if err != nil {
			return 0, err
		}
		w.r, w.buf, w.from = &contextReader{w.ctx.ctx, r}, w.buf[:0], 0
	}
	n := 0
	for {
		if i := off + int64(n) - w.from; i < int64(len(w.buf)) {
			n += copy(p[n:], w.buf[i:])
		}
		if n == len(p) {
			return n, nil
		}
		if err := w.more(); err != nil {
			return n, err
		}
	}
}

// more unpacks the next piece.
func (w *rewinder) more() error {
	const piece = 64 << 10
	if w.budget -= piece; w.budget < 0 {
		return errRewind
	}
	if cap(w.buf) == 0 {
		w.buf = make([]byte, 0, recent)
	}
	if len(w.buf)+piece > recent {
		drop := len(w.buf) / 2
		w.buf = append(w.buf[:0], w.buf[drop:]...)
		w.from += int64(drop)
	}
	at := len(w.buf)
	got, err := io.ReadFull(w.r, w.buf[at:at+piece])
	w.buf = w.buf[:at+got]
	if got > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
