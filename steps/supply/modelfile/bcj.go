package modelfile

import (
	"encoding/binary"
	"io"
)

// bcjX86 undoes the filter that archivers put before LZMA by default: it made
// the targets of calls and jumps (E8, E9 and four bytes) absolute, which here
// become relative again.
type bcjX86 struct {
	src  io.Reader
	buf  []byte // converted, then not yet
	done int    // bytes of buf that are converted
	pos  uint32 // offset of buf[0] in the stream
	mask uint32 // which of the last bytes looked like an opcode
	last uint32 // offset of the last byte that did
	err  error
}

func newBCJ(r io.Reader) *bcjX86 { return &bcjX86{src: r, last: ^uint32(4)} }

func (b *bcjX86) Read(p []byte) (int, error) {
	for b.done == 0 {
		if b.err != nil {
			if len(b.buf) == 0 {
				return 0, b.err
			}
			b.done = len(b.buf) // the last four bytes are never changed
			break
		}
		chunk := make([]byte, 32<<10)
		n, err := b.src.Read(chunk)
		b.buf, b.err = append(b.buf, chunk[:n]...), err
		b.done = b.convert()
	}
	n := copy(p, b.buf[:b.done])
	b.buf, b.done, b.pos = b.buf[n:], b.done-n, b.pos+uint32(n)
	return n, nil
}

// convert works on all of buf but what may belong to an instruction that is not
// complete, and returns how much that is.
func (b *bcjX86) convert() int {
	i := 0
	for i+5 <= len(b.buf) {
		if b.buf[i]&0xfe != 0xe8 {
			i++
			continue
		}
		at := b.pos + uint32(i)
		if gap := at - b.last; gap > 5 {
			b.mask = 0
		} else {
			for range gap {
				b.mask = b.mask & 0x77 << 1
			}
		}
		b.last = at
		high := b.buf[i+4]
		seen := b.mask >> 1
		if !edge(high) || seen >= 0x10 || seen&7 == 3 || seen&7 >= 5 {
			b.mask |= 1
			if edge(high) {
				b.mask |= 0x10
			}
			i++
			continue
		}
		b.target(i, at+5)
		b.mask = 0
		i += 5
	}
	return i
}

// target makes one address relative to the instruction behind it.
func (b *bcjX86) target(i int, next uint32) {
	v := binary.LittleEndian.Uint32(b.buf[i+1:])
	out := v - next
	for b.mask != 0 {
		k := [8]uint32{0, 1, 2, 2, 3, 3, 3, 3}[b.mask>>1&7]
		if !edge(byte(out >> (24 - 8*k))) {
			break
		}
		out = (out ^ (1<<(32-8*k) - 1)) - next
	}
	out &= 0x1ffffff
	if out&0x1000000 != 0 {
		out |= 0xff000000
	}
	binary.LittleEndian.PutUint32(b.buf[i+1:], out)
}

// edge says whether a byte can be the highest of a near address.
func edge(c byte) bool { return c == 0 || c == 0xff }
