package modelfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Value types of GGUF metadata.
const (
	ggufString = 8
	ggufArray  = 9
)

var ggufWidth = [13]uint64{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}

// ggmlBlock says how many elements of a tensor type share how many bytes.
var ggmlBlock = map[uint32][2]uint64{
	0: {1, 4}, 1: {1, 2}, 2: {32, 18}, 3: {32, 20}, 6: {32, 22}, 7: {32, 24}, 8: {32, 34}, 9: {32, 36}, 10: {256, 84}, 11: {256, 110},
	12: {256, 144}, 13: {256, 176}, 14: {256, 210}, 15: {256, 292}, 16: {256, 66}, 17: {256, 74}, 18: {256, 98}, 19: {256, 50},
	20: {32, 18}, 21: {256, 110}, 22: {256, 82}, 23: {256, 136}, 24: {1, 1}, 25: {1, 2}, 26: {1, 4}, 27: {1, 8}, 28: {1, 8},
	29: {256, 56}, 30: {1, 2}, 34: {256, 54}, 35: {256, 66}, 39: {32, 17},
}

// gguf reads the header of a llama.cpp model (GGUF versions 1 to 3).
func (s *scanner) gguf(it item) string {
	c := newCursor(it, 4)
	version := c.u32()
	if version&0xffff == 0 && version != 0 {
		c.order = binary.BigEndian
		version = bits.ReverseBytes32(version)
	}
	if version < 1 || version > 3 {
		s.find(it, "gguf-broken", Undecided, 4, "", fmt.Sprintf("GGUF version %d is not known", version))
		return "gguf"
	}
	length := c.u64
	if version == 1 {
		length = func() uint64 { return uint64(c.u32()) }
	}
	tensors, pairs := length(), length()
	// A pair takes at least 12 bytes, a tensor at least 24: counts beyond that are
	// what overflows readers that allocate by them.
	if tensors > uint64(it.size)/24+1 || pairs > uint64(it.size)/9+1 {
		s.find(it, "gguf-overflow", High, 8, "CWE-190", fmt.Sprintf("the header announces %d tensors and %d pairs in %d bytes", tensors, pairs, it.size))
		return "gguf"
	}
	if tensors > 1_000_000 {
		s.find(it, "limit-members", Undecided, 8, "CWE-400", fmt.Sprintf("%d tensors; the limit is a million", tensors))
		return "gguf"
	}
	align := uint64(32)
	g := ggufReader{s: s, it: it, c: c, length: length}
	for range pairs {
		key := c.text(length(), 256)
		typ := c.u32()
		if key == "general.alignment" && typ == 4 {
			align = uint64(c.u32())
			continue
		}
		g.value(key, typ, 0)
		if c.err != nil {
			s.header(it, "gguf", fmt.Errorf("pair %.60q: %w", key, c.err))
			return "gguf"
		}
	}
	if align == 0 || align&(align-1) != 0 || align > 1<<20 {
		s.find(it, "gguf-overflow", High, -1, "CWE-190", fmt.Sprintf("an alignment of %d", align))
		return "gguf"
	}
	g.tensors(tensors, align)
	return "gguf"
}

type ggufReader struct {
	s      *scanner
	it     item
	c      *cursor
	length func() uint64
}

func (g ggufReader) value(key string, typ uint32, depth int) {
	c := g.c
	switch {
	case typ == ggufString:
		n := g.length()
		text := c.text(n, 1<<20)
		if strings.Contains(key, "template") {
			g.s.jinja(g.it, key, text)
		} else if n > 0 {
			g.s.metadata(g.it, key, text)
		}
	case typ == ggufArray:
		elem, n := c.u32(), g.length()
		if depth > 4 || elem > 12 {
			c.fail(fmt.Errorf("an array of type %d, %d deep", elem, depth))
			return
		}
		if w := ggufWidth[elem]; w > 0 {
			hi, lo := bits.Mul64(w, n)
			if hi != 0 {
				lo = ^uint64(0)
			}
			c.skip(lo)
			return
		}
		if n > uint64(c.left()) {
			c.fail(lengthError{n, c.left(), c.pos})
			return
		}
		for range n {
			if c.err != nil {
				return
			}
			if elem == ggufString {
				c.skip(g.length())
			} else {
				g.value(key, elem, depth+1)
			}
		}
	case typ < 13:
		c.skip(ggufWidth[typ])
	default:
		c.fail(fmt.Errorf("type %d is not known", typ))
	}
}

// tensors checks that every tensor lies within the file and none overlaps.
func (g ggufReader) tensors(n, align uint64) {
	c := g.c
	type info struct {
		name         string
		kind         uint32
		shape        []uint64
		offset, size uint64
	}
	var infos []info
	for range n {
		name := c.text(g.length(), 256)
		dims := c.u32()
		if c.err == nil && (dims > 8 || dims == 0) {
			g.s.find(g.it, "gguf-overflow", High, c.pos, "CWE-129", fmt.Sprintf("tensor %.60q has %d dimensions; readers keep 4", name, dims))
			return
		}
		size, over := uint64(1), false
		shape := make([]uint64, 0, 8)
		for range dims {
			n := g.length()
			shape = append(shape, n)
			hi, lo := bits.Mul64(size, n)
			over = over || hi != 0
			size = lo
		}
		kind := c.u32()
		block, known := ggmlBlock[kind]
		offset := c.u64()
		if c.err != nil {
			g.s.header(g.it, "gguf", fmt.Errorf("tensor %.60q: %w", name, c.err))
			return
		}
		if !known {
			block = [2]uint64{1 << 20, 1}
		}
		hi, bytes := bits.Mul64(size/block[0]+min(1, size%block[0]), block[1])
		if over || hi != 0 || size > 1<<60 || offset > 1<<60 {
			g.s.find(g.it, "gguf-overflow", High, c.pos, "CWE-190", fmt.Sprintf("the size or offset of tensor %.60q overflows", name))
			return
		}
		infos = append(infos, info{name, kind, shape, offset, bytes})
	}
	start := (uint64(c.pos) + align - 1) / align * align
	end := uint64(0)
	for _, i := range infos {
		slices.Reverse(i.shape) // the innermost dimension comes first here, last elsewhere
		g.s.tensor(g.it, i.name, fmt.Sprintf("ggml-%d", i.kind), i.shape, int64(start+i.offset), int64(i.size))
		if i.offset%align != 0 {
			g.s.find(g.it, "gguf-alignment", Medium, -1, "CWE-119", fmt.Sprintf("tensor %.60q does not lie on the alignment", i.name))
		}
		if i.offset < end {
			g.s.find(g.it, "gguf-overlap", Medium, -1, "CWE-119", fmt.Sprintf("tensor %.60q overlaps another", i.name))
		}
		end = max(end, i.offset+i.size)
	}
	switch total := start + end; {
	case len(infos) == 0:
	case total > uint64(g.it.size):
		g.s.find(g.it, "gguf-short", Undecided, -1, "CWE-125", fmt.Sprintf("tensors reach %d bytes beyond the file", total-uint64(g.it.size)))
	case uint64(g.it.size)-total > 2*align:
		g.s.behindData(g.it, int64(total))
	}
}

// behindData looks at bytes behind the data of a format that has an end.
func (s *scanner) behindData(it item, at int64) {
	head := s.head(it, at, 4096)
	if len(head) == 0 || strings.Trim(string(head), "\x00") == "" {
		return
	}
	s.find(it, "appended", Medium, at, "CWE-506", fmt.Sprintf("%d bytes lie behind the model's own data", it.size-at))
}

var errFormat = errors.New("not what the format asks for")
