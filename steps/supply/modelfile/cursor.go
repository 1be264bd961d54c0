package modelfile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// cursor reads an item's header forward, with every length checked against what
// the file holds before anything is allocated.
type cursor struct {
	b     *bufio.Reader
	it    item
	pos   int64
	order binary.ByteOrder
	err   error
}

var errShort = errors.New("the file ends inside its header")

func newCursor(it item, from int64) *cursor {
	return &cursor{b: bufio.NewReaderSize(io.NewSectionReader(it.r, from, max(0, it.size-from)), 32<<10), it: it, pos: from, order: binary.LittleEndian}
}

func (c *cursor) left() int64 { return c.it.size - c.pos }

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// take returns n bytes, n at most a few; zeros after an error.
func (c *cursor) take(n int) []byte {
	var b [16]byte
	if c.err != nil {
		return b[:n]
	}
	if _, err := io.ReadFull(c.b, b[:n]); err != nil {
		c.fail(errShort)
		return make([]byte, n)
	}
	c.pos += int64(n)
	return b[:n]
}

func (c *cursor) u8() uint8   { return c.take(1)[0] }
func (c *cursor) u32() uint32 { return c.order.Uint32(c.take(4)) }
func (c *cursor) u64() uint64 { return c.order.Uint64(c.take(8)) }

// text reads n bytes, of which at most keep are returned.
func (c *cursor) text(n uint64, keep int) string {
	if c.err != nil {
		return ""
	}
	if n > uint64(c.left()) {
		c.fail(lengthError{n, c.left(), c.pos})
		return ""
	}
	b := make([]byte, min(n, uint64(keep)))
	if _, err := io.ReadFull(c.b, b); err != nil {
		c.fail(errShort)
		return ""
	}
	c.pos += int64(len(b))
	c.skip(n - uint64(len(b)))
	return string(b)
}

func (c *cursor) skip(n uint64) {
	if c.err != nil || n == 0 {
		return
	}
	if n > uint64(c.left()) {
		c.fail(lengthError{n, c.left(), c.pos})
		return
	}
	if n > 1<<20 {
		*c = cursor{b: newCursor(c.it, c.pos+int64(n)).b, it: c.it, pos: c.pos + int64(n), order: c.order}
		return
	}
	if _, err := c.b.Discard(int(n)); err != nil {
		c.fail(errShort)
		return
	}
	c.pos += int64(n)
}

// lengthError is a length that the file cannot hold.
type lengthError struct {
	n    uint64
	left int64
	at   int64
}

func (e lengthError) Error() string {
	return fmt.Sprintf("a length of %d at offset %d, with %d bytes left", e.n, e.at, e.left)
}

// header reports why a header could not be read: a length that no file could
// have is an attack on its reader, a shorter one may be a cut file.
func (s *scanner) header(it item, rule string, err error) {
	var long lengthError
	if errors.As(err, &long) && long.n > 1<<40 {
		s.find(it, rule+"-overflow", High, long.at, "CWE-190", "the header lies: "+err.Error())
		return
	}
	s.find(it, rule+"-broken", Undecided, -1, "", err.Error())
}
