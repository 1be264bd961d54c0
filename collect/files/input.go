package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
)

// place is a position in the text of a file (after inflation and transcoding).
type place struct {
	offset    int64 // bytes before it
	line      int   // from 1
	lineStart int64 // offset of the line's first byte
}

// String spells a place as people look for it. Columns count bytes from 1.
func (p place) String() string {
	return fmt.Sprintf("line %d, column %d (byte %d)", p.line, p.offset-p.lineStart+1, p.offset)
}

// damage is an error at a place of the text.
type damage struct {
	at        place
	what      string
	truncated bool  // the input ended inside a value
	cause     error // a read error, nil if the text itself is wrong
}

func (d *damage) Error() string { return fmt.Sprintf("%s: %s", d.at, d.what) }
func (d *damage) Unwrap() error { return d.cause }

// input is a window on the text that knows where it stands.
type input struct {
	r      io.Reader
	buf    []byte
	own    *[windowSize]byte // the window that buf was at first
	lo, hi int
	at     place
	err    error // what ended the reader, io.EOF included
	scan   scanner
}

// windowSize is how much is read at once.
const windowSize = 256 << 10

// windows are kept from file to file: of a folder of small files they would be
// most of what is allocated.
var windows = sync.Pool{New: func() any { return new([windowSize]byte) }}

// newInput opens a window on a text; release ends it.
func newInput(r io.Reader) *input {
	own := windows.Get().(*[windowSize]byte)
	return &input{r: r, buf: own[:], own: own, at: place{line: 1}}
}

// release gives the window back. Nothing of it may be used after.
func (in *input) release() {
	if in.own != nil {
		windows.Put(in.own)
	}
	in.own, in.buf, in.lo, in.hi = nil, nil, 0, 0
}

// fill makes sure that at least one byte is in the window; false at the end.
func (in *input) fill() bool {
	for in.lo == in.hi {
		if in.err != nil {
			return false
		}
		var n int
		n, in.err = in.r.Read(in.buf)
		in.lo, in.hi = 0, n
	}
	return true
}

// advance consumes n bytes of the window.
func (in *input) advance(n int) {
	p := in.buf[in.lo : in.lo+n]
	if lines := bytes.Count(p, newline); lines > 0 {
		in.at.line += lines
		in.at.lineStart = in.at.offset + int64(bytes.LastIndexByte(p, '\n')) + 1
	}
	in.at.offset += int64(n)
	in.lo += n
}

var newline = []byte{'\n'}

// back puts text, which was read from place at on, in front of the window.
func (in *input) back(text []byte, at place) {
	joined := make([]byte, len(text)+in.hi-in.lo, max(len(text)+in.hi-in.lo, windowSize))
	n := copy(joined, text)
	copy(joined[n:], in.buf[in.lo:in.hi])
	in.buf, in.lo, in.hi, in.at = joined[:cap(joined)], 0, len(joined), at
}

// next skips white space and returns the byte after it without consuming it;
// false at the end of the input.
func (in *input) next() (byte, bool) {
	for in.fill() {
		p := in.buf[in.lo:in.hi]
		i := 0
		for i < len(p) && (p[i] == ' ' || p[i] == '\n' || p[i] == '\t' || p[i] == '\r') {
			i++
		}
		in.advance(i)
		if i < len(p) {
			return p[i], true
		}
	}
	return 0, false
}

// value reads the one JSON value that starts here and appends it to dst. A
// value longer than limit is read to its end all the same but not kept: over
// is true and dst comes back as it was. With stop, reading ends at the limit,
// dst holding what was read so far.
func (in *input) value(dst []byte, limit int, stop bool) (out []byte, over bool, err error) {
	in.scan.start()
	base, size := len(dst), 0
	for {
		if !in.fill() {
			if in.scan.end() && errors.Is(in.err, io.EOF) {
				return dst, over, nil
			}
			return dst, over, in.truncated()
		}
		n, done, err := in.scan.feed(in.buf[in.lo:in.hi])
		size += n
		over = over || size > limit
		if !over || stop {
			dst = append(dst, in.buf[in.lo:in.lo+n]...)
		} else {
			dst = dst[:base]
		}
		in.advance(n)
		if err != nil {
			return dst, over, &damage{at: in.at, what: err.Error()}
		}
		if done || over && stop {
			return dst, over, nil
		}
	}
}

// truncated is the error for an input that ends where a value must go on.
func (in *input) truncated() error {
	if in.err != nil && !errors.Is(in.err, io.EOF) {
		return &damage{at: in.at, what: in.err.Error(), cause: in.err}
	}
	return &damage{at: in.at, what: "the file ends inside a value", truncated: true}
}

// expect consumes the byte c after white space.
func (in *input) expect(c byte, where string) error {
	got, ok := in.next()
	switch {
	case !ok:
		return in.truncated()
	case got != c:
		return &damage{at: in.at, what: fmt.Sprintf("expected %q %s, found %s", c, where, show(got))}
	}
	in.advance(1)
	return nil
}
