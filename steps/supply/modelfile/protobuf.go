package modelfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// proto reads protobuf messages in place: fields are told by offset and length,
// so that gigabytes of raw tensor data are stepped over.
type proto struct {
	s    *scanner
	it   item
	buf  []byte
	base int64
	left int // fields that may still be read: a bound on time
}

// field is one field of a message.
type field struct {
	num  int
	wire int
	val  uint64 // of a varint or fixed field
	off  int64  // of a length-delimited field's content
	n    int64
}

var (
	errProto     = errors.New("no protobuf message as the format asks for")
	errProtoMany = errors.New("more fields than the limit of 20 million")
)

func (s *scanner) proto(it item) *proto { return &proto{s: s, it: it, left: 20_000_000} }

// window returns at least n bytes at off, fewer only at the end of the item.
func (p *proto) window(off int64, n int) []byte {
	if i := off - p.base; i >= 0 && i+int64(n) <= int64(len(p.buf)) {
		return p.buf[i:]
	}
	want := int(min(max(int64(n), 64<<10), p.it.size-off))
	if want <= 0 {
		return nil
	}
	if cap(p.buf) < want {
		p.buf = make([]byte, want)
	}
	p.buf = p.buf[:want]
	got, err := p.it.r.ReadAt(p.buf, off)
	if err != nil && !errors.Is(err, io.EOF) {
		p.s.unread(p.it, err)
	}
	p.buf, p.base = p.buf[:got], off
	return p.buf
}

// walk calls f for each field of the message at [off, end).
func (p *proto) walk(off, end int64, f func(field) error) error {
	for off < end {
		if p.left--; p.left < 0 {
			return errProtoMany
		}
		if p.left&0xffff == 0 && p.s.ctx.Err() != nil {
			return p.s.ctx.Err()
		}
		b := p.window(off, int(min(20, end-off)))
		b = b[:min(int64(len(b)), end-off)]
		key, k := binary.Uvarint(b)
		if k <= 0 || key>>3 == 0 || key>>3 > 1<<29 {
			return fmt.Errorf("%w: a bad field at offset %d", errProto, off)
		}
		fl := field{num: int(key >> 3), wire: int(key & 7)}
		off += int64(k)
		b = b[k:]
		switch fl.wire {
		case 0:
			v, k := binary.Uvarint(b)
			if k <= 0 {
				return fmt.Errorf("%w: a bad number at offset %d", errProto, off)
			}
			fl.val = v
			off += int64(k)
		case 1, 5:
			n := int64(8)
			if fl.wire == 5 {
				n = 4
			}
			if off+n > end {
				return fmt.Errorf("%w: cut at offset %d", errProto, off)
			}
			off += n
		case 2:
			n, k := binary.Uvarint(b)
			if k <= 0 || n > uint64(end-off-int64(k)) {
				return fmt.Errorf("%w: a field at offset %d reaches beyond its message", errProto, off)
			}
			fl.off, fl.n = off+int64(k), int64(n)
			off = fl.off + fl.n
		default:
			return fmt.Errorf("%w: wire type %d at offset %d", errProto, fl.wire, off)
		}
		if err := f(fl); err != nil {
			return err
		}
	}
	return nil
}

// sub walks a length-delimited field as a message.
func (p *proto) sub(fl field, f func(field) error) error {
	if fl.wire != 2 {
		return fmt.Errorf("%w: field %d is no message", errProto, fl.num)
	}
	return p.walk(fl.off, fl.off+fl.n, f)
}

// str returns a field as text of at most 4 KiB.
func (p *proto) str(fl field) string { return p.text(fl, 4096) }

func (p *proto) text(fl field, most int64) string {
	if fl.wire != 2 {
		return ""
	}
	n := int(min(fl.n, most))
	b := p.window(fl.off, n)
	return string(b[:min(n, len(b))])
}

// graphError reports why a graph could not be read to its end.
func (s *scanner) graphError(it item, format string, err error) {
	if err != nil {
		s.find(it, format+"-broken", Undecided, -1, "", err.Error())
	}
}
