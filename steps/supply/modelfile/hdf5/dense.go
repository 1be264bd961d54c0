package hdf5

import (
	"encoding/binary"
	"errors"
)

// Dense storage keeps the links or attributes of large objects in a fractal
// heap. Their order does not matter here, so the heap's blocks are read one
// after the other and the messages in them are found by the records of the
// B-tree that indexes them by name.

// dense reads a link-info or attribute-info message and what it leads to.
func (w *walker) dense(path string, m message, depth int, links bool) error {
	b := m.data
	if len(b) < 2 {
		return errShort
	}
	p := 2
	if links {
		if b[1]&1 != 0 {
			p += 8
		}
	} else if b[1]&1 != 0 {
		p += 2
	}
	if len(b) < p+2*w.off {
		return errShort
	}
	heap, index := w.address(b[p:]), w.address(b[p+w.off:])
	if heap < 0 || index < 0 {
		return nil
	}
	f, err := w.fractal(heap)
	if err != nil {
		return err
	}
	return w.index(index, func(id []byte) error {
		raw, err := f.get(id)
		if err != nil {
			return err
		}
		if links {
			return w.link(path, raw, m.at, depth)
		}
		return w.attribute(path, raw, m.at)
	}, links)
}

// fractal is the header of a fractal heap.
type fractal struct {
	w          *walker
	idSize     int
	offBytes   int
	lenBytes   int
	width      int
	start, max int64
	rows       int
	root       int64
	filtered   bool
	huge       int64
}

func (w *walker) fractal(at int64) (*fractal, error) {
	o, l := w.off, w.length
	n := 5 + 2 + 2 + 1 + 4 + 12*l + 3*o + 2 + 2 + 2 + 2 + 4
	b, err := w.at(at, min(n, int(w.size-at)))
	if err != nil {
		return nil, err
	}
	if len(b) < n || string(b[:4]) != "FRHP" {
		return nil, errors.New("a fractal heap that is missing")
	}
	f := &fractal{w: w, idSize: int(binary.LittleEndian.Uint16(b[5:])), filtered: binary.LittleEndian.Uint16(b[7:]) != 0}
	managed := number(b[10:], 4)
	p := 14 + l // next huge object id
	f.huge = w.address(b[p:])
	p += o + l + o + 4*l + 4*l // free space, manager, managed space and counts, huge and tiny counts
	f.width = int(binary.LittleEndian.Uint16(b[p:]))
	f.start = int64(number(b[p+2:], l))
	f.max = int64(number(b[p+2+l:], l))
	bits := int(binary.LittleEndian.Uint16(b[p+2+2*l:]))
	f.root = w.address(b[p+2+2*l+4:])
	f.rows = int(binary.LittleEndian.Uint16(b[p+2+2*l+4+o:]))
	f.offBytes = (bits + 7) / 8
	f.lenBytes = lengthBytes(min(uint64(f.max), managed))
	if f.width == 0 || f.start <= 0 || f.max < f.start || f.filtered || bits > 64 {
		return nil, errors.New("a fractal heap with filters or of a shape that is not read here")
	}
	return f, nil
}

func lengthBytes(n uint64) int {
	k := 1
	for n >>= 8; n > 0; n >>= 8 {
		k++
	}
	return k
}

// get reads the object with a heap id.
func (f *fractal) get(id []byte) ([]byte, error) {
	if len(id) < 1 {
		return nil, errShort
	}
	switch id[0] >> 4 & 3 {
	case 0:
		if len(id) < 1+f.offBytes+f.lenBytes {
			return nil, errShort
		}
		off, n := int64(number(id[1:], f.offBytes)), int(number(id[1+f.offBytes:], f.lenBytes))
		at, err := f.locate(off)
		if err != nil {
			return nil, err
		}
		return f.w.at(at, min(n, maxValue))
	case 2:
		n := int(id[0]&0x0f) + 1
		if len(id) < 1+n {
			return nil, errShort
		}
		return id[1 : 1+n], nil
	}
	return nil, errors.New("a huge object of a fractal heap, which is not read here")
}

// rowSize is the size of the blocks in a row of the doubling table.
func (f *fractal) rowSize(row int) int64 {
	if row < 2 {
		return f.start
	}
	return f.start << (row - 1)
}

// locate turns an offset in the heap's own space into one in the file.
func (f *fractal) locate(off int64) (int64, error) {
	if f.rows == 0 {
		return f.root + off, nil
	}
	return f.inside(f.root, f.rows, off, 0)
}

// inside searches an indirect block of the given rows.
func (f *fractal) inside(at int64, rows int, off int64, depth int) (int64, error) {
	if depth > 16 || rows > 64 {
		return 0, errors.New("a fractal heap nested too deep")
	}
	head := 5 + f.w.off + f.offBytes
	start := int64(0)
	direct := 0
	for f.rowSize(direct) <= f.max && direct < 64 {
		direct++
	}
	slot := 0
	for row := range rows {
		size := f.rowSize(row)
		if size <= 0 || size > 1<<50 {
			break
		}
		for range f.width {
			if off < start+size {
				b, err := f.w.at(at+int64(head+slot*f.w.off), f.w.off)
				if err != nil {
					return 0, err
				}
				child := f.w.address(b)
				if child < 0 {
					return 0, errors.New("an object in a block that was never written")
				}
				if row < direct {
					return child + off - start, nil
				}
				rows := 0
				for span := int64(0); span < size && rows < 64; rows++ {
					span += f.rowSize(rows) * int64(f.width)
				}
				return f.inside(child, rows, off-start, depth+1)
			}
			start += size
			slot++
		}
	}
	return 0, errors.New("an object outside its heap")
}

// index walks a version 2 B-tree of links or attributes by name and calls get
// with each heap id.
func (w *walker) index(at int64, get func([]byte) error, links bool) error {
	b, err := w.at(at, 16+w.off+2+w.length)
	if err != nil {
		return err
	}
	if string(b[:4]) != "BTHD" {
		return errors.New("an index that is missing")
	}
	t := btree{w: w, size: int64(binary.LittleEndian.Uint32(b[6:])), record: int(binary.LittleEndian.Uint16(b[10:])), get: get, links: links}
	depth := int(binary.LittleEndian.Uint16(b[12:]))
	n := int(binary.LittleEndian.Uint16(b[16+w.off:]))
	if t.record < 8 || t.size < 16 || t.size > maxValue || depth > 16 {
		return errors.New("an index of a shape that no library writes")
	}
	return t.node(w.address(b[16:]), n, depth)
}

type btree struct {
	w      *walker
	size   int64
	record int
	get    func([]byte) error
	links  bool
}

// most is how many records a node of a depth and all below it can hold.
func (t btree) most(depth int) (node, all uint64) {
	node = uint64(t.size-10) / uint64(t.record)
	all = node
	for range depth {
		pointer := uint64(t.w.off + lengthBytes(node) + 8)
		inner := (uint64(t.size-10) - min(pointer, uint64(t.size-10))) / (uint64(t.record) + pointer)
		all = all*(inner+1) + inner
		node = inner
		if all > 1<<40 {
			break
		}
	}
	return node, all
}

func (t btree) node(at int64, n, depth int) error {
	w := t.w
	if at < 0 || w.seen[at] {
		return nil
	}
	w.seen[at] = true
	b, err := w.at(at, int(min(t.size, w.size-max(at, 0))))
	if err != nil {
		return err
	}
	if len(b) < 6+n*t.record || string(b[:4]) != "BTIN" && string(b[:4]) != "BTLF" {
		return errShort
	}
	for i := range n {
		r := b[6+i*t.record : 6+(i+1)*t.record]
		// A link's record is hash and heap id; an attribute's is heap id, flags,
		// creation order and hash.
		id := r
		if t.links {
			id = r[4:]
		}
		if err := t.get(id); err != nil {
			return err
		}
	}
	if depth == 0 {
		return nil
	}
	leaf, _ := t.most(0)
	count := lengthBytes(leaf)
	total := 0
	if depth > 1 {
		_, all := t.most(depth - 1)
		total = lengthBytes(all)
		node, _ := t.most(depth - 1)
		count = lengthBytes(node)
	}
	p := 6 + n*t.record
	for range n + 1 {
		if p+w.off+count+total > len(b) {
			return errShort
		}
		if err := t.node(w.address(b[p:]), int(number(b[p+w.off:], count)), depth-1); err != nil {
			return err
		}
		p += w.off + count + total
	}
	return nil
}
