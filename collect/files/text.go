package files

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// inflater reads a compressed file and stops a bomb: real exports shrink to a
// tenth or a fiftieth, a bomb to a thousandth.
type inflater struct {
	packed   counter
	out      io.Reader
	lim      limits
	inflated int64
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// errBomb is what reading a compressed file ends with that grows too large.
var errBomb = errors.New("the compressed file grows beyond what is read")

func inflate(r io.Reader, lim limits) (*inflater, error) {
	f := &inflater{packed: counter{r: r}, lim: lim}
	z, err := gzip.NewReader(bufio.NewReaderSize(&f.packed, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("not a gzip file: %w", err)
	}
	f.out = z
	return f, nil
}

func (f *inflater) Read(p []byte) (int, error) {
	n, err := f.out.Read(p)
	f.inflated += int64(n)
	switch {
	case f.inflated > f.lim.inflate:
		return 0, fmt.Errorf("%w (more than %s)", errBomb, size(f.lim.inflate))
	case f.inflated > f.lim.bomb && f.inflated > f.lim.ratio*f.packed.n:
		return 0, fmt.Errorf("%w (%d times its size)", errBomb, f.inflated/max(f.packed.n, 1))
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("inflate: %w", err)
	}
	return n, err
}

// errUTF32 is the one encoding with a mark that is refused: nothing writes it.
var errUTF32 = errors.New("the file is UTF-32; convert it to UTF-8")

// buffers are kept from file to file, as windows are.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}

func buffered(r io.Reader) *bufio.Reader {
	b := buffers.Get().(*bufio.Reader)
	b.Reset(r)
	return b
}

// unbuffered gives a buffer back. Nothing that reads from it may be used after.
func unbuffered(b *bufio.Reader) {
	b.Reset(nil)
	buffers.Put(b)
}

// decoded reads text as UTF-8: it drops a byte-order mark and converts UTF-16,
// which PowerShell's redirection writes, with a mark or recognised by the zero
// byte beside the first character.
func decoded(b *bufio.Reader) (io.Reader, error) {
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	utf16 := func(e unicode.Endianness) (io.Reader, error) {
		return transform.NewReader(b, unicode.UTF16(e, unicode.UseBOM).NewDecoder()), nil
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}):
		return nil, errUTF32
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, err := b.Discard(3)
		return b, err
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return utf16(unicode.LittleEndian)
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return utf16(unicode.BigEndian)
	case len(head) == 4 && head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return transform.NewReader(b, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()), nil
	case len(head) == 4 && head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return transform.NewReader(b, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()), nil
	}
	return b, nil
}
