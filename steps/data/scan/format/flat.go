package format

import "encoding/binary"

// flat reads a FlatBuffers table. Every access is held against the buffer's
// end: what lies outside reads as absent, and sets bad.
type flat struct {
	b   []byte
	pos int
	bad *bool
}

func (f flat) u16(at int) int {
	if at < 0 || at+2 > len(f.b) {
		*f.bad = true
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.b[at:]))
}

func (f flat) u32(at int) int {
	if at < 0 || at+4 > len(f.b) {
		*f.bad = true
		return 0
	}
	return int(binary.LittleEndian.Uint32(f.b[at:]))
}

func (f flat) i64(at int) int64 {
	if at < 0 || at+8 > len(f.b) {
		*f.bad = true
		return 0
	}
	return int64(binary.LittleEndian.Uint64(f.b[at:]))
}

// root is the table a buffer begins with.
func root(b []byte, bad *bool) flat {
	f := flat{b: b, bad: bad}
	f.pos = f.u32(0)
	return f
}

// at is the place of a field's value, or 0 if the table lacks it.
func (f flat) at(field int) int {
	table := f.pos - int(int32(f.u32(f.pos)))
	if 4+2*field >= f.u16(table) {
		return 0
	}
	if off := f.u16(table + 4 + 2*field); off != 0 {
		return f.pos + off
	}
	return 0
}

func (f flat) byte(field int) int {
	at := f.at(field)
	if at == 0 || at >= len(f.b) {
		return 0
	}
	return int(f.b[at])
}

func (f flat) int16(field int) int {
	if at := f.at(field); at != 0 {
		return f.u16(at)
	}
	return 0
}

func (f flat) int32(field int) int {
	if at := f.at(field); at != 0 {
		return int(int32(f.u32(at)))
	}
	return 0
}

func (f flat) int64(field int) int64 {
	if at := f.at(field); at != 0 {
		return f.i64(at)
	}
	return 0
}

// table is the table a field points to.
func (f flat) table(field int) (flat, bool) {
	at := f.at(field)
	if at == 0 {
		return flat{}, false
	}
	return flat{f.b, at + f.u32(at), f.bad}, true
}

// vector is the place of a field's first member and their number. Members take
// size bytes; a vector that does not fit is empty.
func (f flat) vector(field, size int) (at, n int) {
	p := f.at(field)
	if p == 0 {
		return 0, 0
	}
	p += f.u32(p)
	n = f.u32(p)
	if n < 0 || n > len(f.b) || p+4+n*size > len(f.b) {
		*f.bad = true
		return 0, 0
	}
	return p + 4, n
}

func (f flat) string(field int) string {
	at, n := f.vector(field, 1)
	return string(f.b[at : at+n])
}
