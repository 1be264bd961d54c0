package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// window is how much of the input is held at a time. Payloads longer than what
// is left of it are stepped over without being read.
const window = 64 << 10

// maxLine bounds the argument of a text opcode that is read as a whole; longer
// ones are stepped over.
const maxLine = 16 << 10

// maxText bounds a text in bytes that nothing but their first ones suggests to be
// a pickle.
const maxText = 64 << 20

var (
	errCut  = errors.New("the file ends in the middle of an opcode")
	errLong = errors.New("a line is longer than the limit")
	errLine = errors.New("a text argument is longer than any name or number")
)

// reader is a forward reader over part of a file with a small buffer. Positions
// are absolute offsets into r.
type reader struct {
	r    io.ReaderAt
	end  int64
	pos  int64 // of the next byte
	base int64 // of buf[0]
	buf  []byte
	err  error // a read error of r other than its end

	// most ends a line at so many bytes, if set: what nobody called a pickle must
	// not cost reading all of it.
	most int64
}

func newReader(r io.ReaderAt, from, end int64) *reader {
	return &reader{r: r, end: end, pos: from, base: from}
}

// fill makes at least one byte at pos available, false at the end.
func (r *reader) fill() bool {
	if r.pos >= r.end {
		return false
	}
	if cap(r.buf) == 0 {
		r.buf = make([]byte, 0, min(int64(window), r.end-r.pos))
	}
	n := min(int64(cap(r.buf)), r.end-r.pos)
	got, err := r.r.ReadAt(r.buf[:n], r.pos)
	if err != nil && err != io.EOF {
		r.err = err
	}
	r.base, r.buf = r.pos, r.buf[:got]
	return got > 0
}

func (r *reader) byte() (byte, bool) {
	i := r.pos - r.base
	if i < 0 || i >= int64(len(r.buf)) {
		if !r.fill() {
			return 0, false
		}
		i = 0
	}
	r.pos++
	return r.buf[i], true
}

// take returns the next n bytes (at most 8) without allocating.
func (r *reader) take(n int) ([]byte, bool) {
	i := r.pos - r.base
	if i < 0 || i+int64(n) > int64(len(r.buf)) {
		if !r.fill() || len(r.buf) < n {
			return nil, false
		}
		i = 0
	}
	r.pos += int64(n)
	return r.buf[i : i+int64(n)], true
}

func (r *reader) uint(n int) (uint64, bool) {
	b, ok := r.take(n)
	if !ok {
		return 0, false
	}
	var w [8]byte
	copy(w[:], b)
	return binary.LittleEndian.Uint64(w[:]), true
}

// skip steps over n bytes; false if the file does not hold them.
func (r *reader) skip(n uint64) bool {
	if n > uint64(r.end-r.pos) {
		return false
	}
	r.pos += int64(n)
	return true
}

// line steps over a text argument up to and with its newline and returns it
// without the newline. Over maxLine bytes it returns errLine, with the position
// behind the newline all the same.
func (r *reader) line() ([]byte, error) {
	var out []byte
	long := false
	from := r.pos
	for {
		i := r.pos - r.base
		if i < 0 || i >= int64(len(r.buf)) {
			if !r.fill() {
				return nil, errCut
			}
			i = 0
		}
		rest := r.buf[i:]
		k := bytes.IndexByte(rest, '\n')
		part := rest
		if k >= 0 {
			part = rest[:k]
		}
		if len(out)+len(part) > maxLine {
			if r.most > 0 && r.pos-from > r.most {
				return nil, errLong
			}
			long = true
		} else {
			out = append(out, part...)
		}
		r.pos += int64(len(part))
		if k < 0 {
			continue
		}
		r.pos++
		if long {
			return nil, errLine
		}
		return out, nil
	}
}

// at reads up to n bytes at off, apart from the forward position.
func (r *reader) at(off int64, n int) []byte {
	if off < 0 || off >= r.end {
		return nil
	}
	n = int(min(int64(n), r.end-off))
	if i := off - r.base; i >= 0 && i+int64(n) <= int64(len(r.buf)) {
		return r.buf[i : i+int64(n)]
	}
	b := make([]byte, n)
	got, _ := r.r.ReadAt(b, off)
	return b[:got]
}
