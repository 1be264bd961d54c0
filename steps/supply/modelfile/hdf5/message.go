package hdf5

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Types of header messages that tell something.
const (
	msgLinkInfo      = 0x02
	msgLink          = 0x06
	msgExternalFiles = 0x07
	msgLayout        = 0x08
	msgAttribute     = 0x0c
	msgSymbolTable   = 0x11
	msgAttributeInfo = 0x15
)

var errShared = errors.New("a shared message, which is not followed")

func (w *walker) message(path string, m message, depth int) error {
	switch m.typ {
	case msgSymbolTable:
		if len(m.data) < 2*w.off {
			return errShort
		}
		return w.oldGroup(path, w.address(m.data), w.address(m.data[w.off:]), depth)
	case msgLink:
		return w.link(path, m.data, m.at, depth)
	case msgLinkInfo:
		return w.dense(path, m, depth, true)
	case msgAttributeInfo:
		return w.dense(path, m, depth, false)
	case msgAttribute:
		if m.flags&2 != 0 {
			return errShared
		}
		return w.attribute(path, m.data, m.at)
	case msgExternalFiles:
		return w.externalFiles(path, m)
	case msgLayout:
		if len(m.data) > 1 && m.data[0] >= 4 && m.data[1] == 3 {
			w.emit(Entry{Kind: VirtualData, Path: path, Offset: m.at})
		}
	}
	return nil
}

// oldGroup reads a group of a B-tree of symbol tables with names in a heap.
func (w *walker) oldGroup(path string, tree, heap int64, depth int) error {
	h, err := w.at(heap, 8+2*w.length+w.off)
	if err != nil {
		return err
	}
	if string(h[:4]) != "HEAP" {
		return errors.New("a group whose heap of names is missing")
	}
	size := int64(number(h[8:], w.length))
	if size > maxValue {
		return fmt.Errorf("a heap of names of %d bytes", size)
	}
	names, err := w.at(w.address(h[8+2*w.length:]), int(size))
	if err != nil {
		return err
	}
	return w.tree(path, tree, names, depth, 0)
}

func (w *walker) tree(path string, at int64, names []byte, depth, level int) error {
	if level > 32 || w.seen[at] {
		return nil
	}
	w.seen[at] = true
	h, err := w.at(at, 8+2*w.off)
	if err != nil {
		return err
	}
	if string(h[:4]) == "SNOD" {
		return w.symbols(path, at, names, depth)
	}
	if string(h[:4]) != "TREE" || h[4] != 0 {
		return errors.New("a group whose tree is missing")
	}
	n := int(binary.LittleEndian.Uint16(h[6:]))
	b, err := w.at(at+int64(len(h)), n*(w.length+w.off)+w.length)
	if err != nil {
		return err
	}
	for i := range n {
		child := w.address(b[i*(w.length+w.off)+w.length:])
		if err := w.tree(path, child, names, depth, level+1); err != nil {
			return err
		}
	}
	return nil
}

// symbols reads one table of a group's entries.
func (w *walker) symbols(path string, at int64, names []byte, depth int) error {
	h, err := w.at(at, 8)
	if err != nil {
		return err
	}
	n, size := int(binary.LittleEndian.Uint16(h[6:])), 2*w.off+24
	b, err := w.at(at+8, n*size)
	if err != nil {
		return err
	}
	for i := range n {
		e := b[i*size : (i+1)*size]
		name := cstring(names, number(e, w.off))
		if binary.LittleEndian.Uint32(e[2*w.off:]) == 2 { // a soft link
			w.emit(Entry{Kind: SoftLink, Path: path + name, Offset: at, Value: []byte(cstring(names, uint64(binary.LittleEndian.Uint32(e[2*w.off+8:]))))})
			continue
		}
		w.object(path+name+"/", w.address(e[w.off:]), depth+1)
	}
	return nil
}

func cstring(b []byte, at uint64) string {
	if at >= uint64(len(b)) {
		return ""
	}
	b = b[at:]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// link reads a link message of a new-style group.
func (w *walker) link(path string, b []byte, at int64, depth int) error {
	if len(b) < 4 || b[0] != 1 {
		return errors.New("a link message of an unknown version")
	}
	flags, p := b[1], 2
	typ := byte(0)
	if flags&8 != 0 {
		typ = b[p]
		p++
	}
	if flags&4 != 0 {
		p += 8
	}
	if flags&16 != 0 {
		p++
	}
	width := 1 << (flags & 3)
	if p+width > len(b) {
		return errShort
	}
	n := number(b[p:], width)
	p += width
	if n > uint64(len(b)-p) {
		return errShort
	}
	name := string(b[p : p+int(n)])
	b = b[p+int(n):]
	if typ == 0 {
		if len(b) < w.off {
			return errShort
		}
		w.object(path+name+"/", w.address(b), depth+1)
		return nil
	}
	if len(b) < 2 || int(binary.LittleEndian.Uint16(b))+2 > len(b) {
		return errShort
	}
	value := b[2 : 2+int(binary.LittleEndian.Uint16(b))]
	kind := SoftLink
	if typ == 64 {
		kind = ExternalLink
		value = bytes.ReplaceAll(bytes.TrimRight(bytes.TrimLeft(value, "\x00"), "\x00"), []byte{0}, []byte(":"))
	} else if typ != 1 {
		kind = ExternalLink // a link of a type that only a plug-in knows
	}
	w.emit(Entry{Kind: kind, Path: path + name, Offset: at, Value: value})
	return nil
}

func (w *walker) externalFiles(path string, m message) error {
	e := Entry{Kind: ExternalData, Path: path, Offset: m.at}
	if len(m.data) >= 8+w.off {
		heap := w.address(m.data[8:])
		slot := m.data[8+w.off:]
		if h, err := w.at(heap, 8+2*w.length+w.off); err == nil && string(h[:4]) == "HEAP" {
			if names, err := w.at(w.address(h[8+2*w.length:]), int(min(number(h[8:], w.length), 1<<20))); err == nil {
				e.Value = []byte(cstring(names, number(slot, w.length)))
			}
		}
	}
	w.emit(e)
	return nil
}

// attribute reads an attribute message and, if it is a text, its value.
func (w *walker) attribute(path string, b []byte, at int64) error {
	if len(b) < 8 {
		return errShort
	}
	version, flags := b[0], b[1]
	if version < 1 || version > 3 {
		return fmt.Errorf("an attribute of version %d", version)
	}
	nameSize, typeSize, spaceSize := int(binary.LittleEndian.Uint16(b[2:])), int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	p := 8
	if version == 3 {
		p++
	}
	pad := func(n int) int {
		if version == 1 {
			return (n + 7) &^ 7
		}
		return n
	}
	if p+pad(nameSize)+pad(typeSize)+pad(spaceSize) > len(b) {
		return errShort
	}
	name := string(bytes.TrimRight(b[p:p+nameSize], "\x00"))
	p += pad(nameSize)
	if flags&3 != 0 && version > 1 {
		w.emit(Entry{Kind: Attribute, Path: path, Name: name, Offset: at})
		if name == "model_config" || name == "training_config" {
			return errShared
		}
		return nil
	}
	typ := b[p : p+typeSize]
	p += pad(typeSize)
	space := b[p : p+spaceSize]
	p += pad(spaceSize)
	value, err := w.value(typ, space, b[p:])
	w.emit(Entry{Kind: Attribute, Path: path, Name: name, Offset: at, Value: value})
	return err
}

// value returns the text of a string attribute, nil for other types.
func (w *walker) value(typ, space, data []byte) ([]byte, error) {
	if len(typ) < 8 {
		return nil, errShort
	}
	count := elements(space, w.length)
	class := typ[0] & 0x0f
	switch {
	case class == 3: // fixed-length strings, one behind the other
		n := uint64(binary.LittleEndian.Uint32(typ[4:])) * count
		if n > uint64(len(data)) {
			return nil, errShort
		}
		return bytes.TrimRight(data[:n], "\x00"), nil
	case class == 9 && typ[1]&0x0f == 1: // variable-length strings: length, heap, index
		size := 4 + w.off + 4
		var out []byte
		for i := range count {
			at := int(i) * size
			if i > 1<<20 || at+size > len(data) {
				return out, errShort
			}
			d := data[at:]
			text, err := w.heapObject(w.address(d[4:]), uint64(binary.LittleEndian.Uint32(d[4+w.off:])), binary.LittleEndian.Uint32(d))
			if err != nil {
				return out, err
			}
			if i > 0 {
				out = append(out, '\n')
			}
			if out = append(out, text...); len(out) > maxValue {
				return out, fmt.Errorf("an attribute of more than %d bytes", maxValue)
			}
		}
		return out, nil
	}
	return nil, nil
}

// elements is how many a dataspace has.
func elements(b []byte, length int) uint64 {
	if len(b) < 4 {
		return 1
	}
	p := 8
	if b[0] == 2 {
		p = 4
		if b[3] == 2 {
			return 0
		}
	}
	n := uint64(1)
	for range b[1] {
		if p+length > len(b) {
			return 0
		}
		n *= number(b[p:], length)
		p += length
		if n > 1<<32 {
			return n
		}
	}
	return n
}

// heapObject reads one object of a global heap. Heaps are parsed once.
func (w *walker) heapObject(at int64, index uint64, n uint32) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	heap, ok := w.heaps[at]
	if !ok {
		h, err := w.at(at, 8+w.length)
		if err != nil {
			return nil, err
		}
		size := number(h[8:], w.length)
		if string(h[:4]) != "GCOL" || size < uint64(len(h)) || size > maxValue {
			return nil, errors.New("a global heap that is missing or too large")
		}
		if w.held += int(size); w.held > 4*maxValue {
			return nil, errors.New("global heaps of more than 256 MiB in all")
		}
		b, err := w.at(at, int(size))
		if err != nil {
			return nil, err
		}
		heap = map[uint64][]byte{}
		for p := len(h); p+8+w.length <= len(b); {
			id, size := uint64(binary.LittleEndian.Uint16(b[p:])), number(b[p+8:], w.length)
			p += 8 + w.length
			if id == 0 || size > uint64(len(b)-p) {
				break
			}
			heap[id] = b[p : p+int(size)]
			p += int(size+7) &^ 7
		}
		w.heaps[at] = heap
	}
	text, ok := heap[index]
	if !ok {
		return nil, errors.New("a text that its heap does not hold")
	}
	return bytes.TrimRight(text[:min(uint64(n), uint64(len(text)))], "\x00"), nil
}
