// Package hdf5 reads what an HDF5 file says about itself: its groups, links and
// attributes. Data of datasets is never read.
//
// It follows the HDF5 File Format Specification, version 3.0: superblocks 0 to
// 3, object headers 1 and 2, old-style groups (B-trees and local heaps),
// compact and dense new-style groups and attributes, and strings in global
// heaps. Each structure is visited once, so that loops end, and every length is
// checked against the file.
package hdf5

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Signature starts an HDF5 file, at 0 or at 512 times a power of two.
const Signature = "\x89HDF\r\n\x1a\n"

// Kind says what an Entry is.
type Kind uint8

// The kinds of entries.
const (
	Object       Kind = iota // a group or dataset
	Attribute                // Value is its text, nil if it is no text
	SoftLink                 // Value is the path it leads to
	ExternalLink             // Value is the file and the path in it
	ExternalData             // Value is the first file named by an external file list
	VirtualData              // a virtual dataset
	Unread                   // something that could not be read; Value says why
)

// Entry is one thing met on the walk.
type Entry struct {
	Kind   Kind
	Path   string // of the object it belongs to
	Name   string // of an attribute
	Value  []byte
	Offset int64
}

// Limits of one walk.
const (
	maxObjects = 1_000_000
	maxValue   = 64 << 20
	maxDepth   = 128
)

var (
	errShort  = errors.New("the file ends inside a structure")
	errBudget = errors.New("its structures overlap, and would take reading the file more than eight times")
)

type walker struct {
	ctx     context.Context
	r       io.ReaderAt
	size    int64
	base    int64
	off     int // bytes of an offset
	length  int // bytes of a length
	seen    map[int64]bool
	visited int
	emit    func(Entry)
	heaps   map[int64]map[uint64][]byte
	held    int
	budget  int64 // bytes that may still be read: structures that overlap would multiply them
}

// Walk calls emit for everything it meets. An error means that the file is no
// HDF5 file or that its first structures cannot be read; what fails further
// down is an entry of kind Unread.
func Walk(ctx context.Context, r io.ReaderAt, size int64, emit func(Entry)) error {
	w := &walker{ctx: ctx, r: r, size: size, seen: map[int64]bool{}, emit: emit, heaps: map[int64]map[uint64][]byte{}, budget: 8*size + maxValue}
	root, err := w.superblock()
	if err != nil {
		return err
	}
	w.object("/", root, 0)
	return ctx.Err()
}

// at reads n bytes at an absolute offset.
func (w *walker) at(off int64, n int) ([]byte, error) {
	if off < 0 || n < 0 || off > w.size || int64(n) > w.size-off {
		return nil, errShort
	}
	if w.budget -= int64(n); w.budget < 0 {
		return nil, errBudget
	}
	b := make([]byte, n)
	if got, err := w.r.ReadAt(b, off); got < n {
		if err == nil || errors.Is(err, io.EOF) {
			err = errShort
		}
		return nil, err
	}
	return b, nil
}

// number reads an n-byte little-endian number.
func number(b []byte, n int) uint64 {
	var v uint64
	for i := min(n, len(b)) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

// address reads an offset; -1 is the undefined one.
func (w *walker) address(b []byte) int64 {
	if len(b) < w.off {
		return -1
	}
	v := number(b, w.off)
	if w.off < 8 && v == 1<<(8*w.off)-1 || v > 1<<62 {
		return -1
	}
	return int64(v) + w.base
}

// superblock finds the signature and returns the address of the root group's
// header.
func (w *walker) superblock() (int64, error) {
	for at := int64(0); at+48 < w.size; {
		b, err := w.at(at, 12)
		if err != nil {
			return 0, err
		}
		if string(b[:8]) == Signature {
			return w.root(at, b[8])
		}
		if at == 0 {
			at = 512
		} else {
			at *= 2
		}
		if at > 1<<40 {
			break
		}
	}
	return 0, errors.New("no HDF5 signature where one may stand")
}

func (w *walker) root(at int64, version byte) (int64, error) {
	w.base = at
	n := int(min(w.size-at, 128))
	b, err := w.at(at, n)
	if err != nil {
		return 0, err
	}
	pos := 0
	switch version {
	case 0, 1:
		w.off, w.length = int(b[13]), int(b[14])
		pos = 24 + 4*w.off
		if version == 1 {
			pos += 4
		}
		pos += w.off // the root's name in its entry comes first
	case 2, 3:
		w.off, w.length = int(b[9]), int(b[10])
		pos = 12 + 3*w.off
	default:
		return 0, fmt.Errorf("superblock version %d is not known", version)
	}
	if w.off < 2 || w.off > 8 || w.length < 2 || w.length > 8 || pos+w.off > len(b) {
		return 0, fmt.Errorf("offsets of %d and lengths of %d bytes", w.off, w.length)
	}
	if a := w.address(b[pos:]); a >= 0 {
		return a, nil
	}
	return 0, errors.New("the root group has no address")
}

// unread notes that something below path could not be read.
func (w *walker) unread(path string, off int64, err error) {
	w.emit(Entry{Kind: Unread, Path: path, Offset: off, Value: []byte(err.Error())})
}

// object reads the object header at addr and all below it.
func (w *walker) object(path string, addr int64, depth int) {
	if w.seen[addr] || addr < 0 {
		return
	}
	w.seen[addr] = true
	w.visited++
	switch {
	case w.ctx.Err() != nil:
		return
	case w.visited > maxObjects:
		if w.visited == maxObjects+1 {
			w.unread(path, addr, fmt.Errorf("more than %d objects", maxObjects))
		}
		return
	case depth > maxDepth:
		w.unread(path, addr, fmt.Errorf("groups are nested deeper than %d", maxDepth))
		return
	}
	w.emit(Entry{Kind: Object, Path: path, Offset: addr})
	messages, err := w.messages(addr)
	if err != nil {
		w.unread(path, addr, err)
	}
	for _, m := range messages {
		if err := w.message(path, m, depth); err != nil {
			w.unread(path, m.at, err)
		}
	}
}

// message is one message of an object header.
type message struct {
	typ    uint16
	flags  byte
	data   []byte
	at     int64
	object int64
}

// messages reads an object header of either version with its continuations.
func (w *walker) messages(addr int64) ([]message, error) {
	b, err := w.at(addr, 4)
	if err != nil {
		return nil, err
	}
	if string(b) == "OHDR" {
		return w.messages2(addr)
	}
	if b[0] != 1 {
		return nil, fmt.Errorf("an object header of version %d at %d", b[0], addr)
	}
	h, err := w.at(addr, 12)
	if err != nil {
		return nil, err
	}
	type block struct{ at, n int64 }
	blocks := []block{{addr + 16, int64(binary.LittleEndian.Uint32(h[8:]))}}
	var out []message
	for i := 0; i < len(blocks) && i < 10_000; i++ {
		b, err := w.at(blocks[i].at, int(min(blocks[i].n, maxValue)))
		if err != nil {
			return out, err
		}
		pos := 0
		for pos+8 <= len(b) {
			m := message{typ: binary.LittleEndian.Uint16(b[pos:]), flags: b[pos+4], at: blocks[i].at + int64(pos), object: addr}
			n := int(binary.LittleEndian.Uint16(b[pos+2:]))
			if pos+8+n > len(b) {
				return out, errShort
			}
			m.data = b[pos+8 : pos+8+n]
			pos += 8 + n
			if m.typ == 0x10 && len(m.data) >= w.off+w.length {
				blocks = append(blocks, block{w.address(m.data), int64(number(m.data[w.off:], w.length))})
				continue
			}
			out = append(out, m)
		}
	}
	return out, nil
}

// messages2 reads a header of version 2.
func (w *walker) messages2(addr int64) ([]message, error) {
	h, err := w.at(addr, 6)
	if err != nil {
		return nil, err
	}
	flags := h[5]
	pos := addr + 6
	if flags&0x20 != 0 {
		pos += 16
	}
	if flags&0x10 != 0 {
		pos += 4
	}
	width := 1 << (flags & 3)
	s, err := w.at(pos, width)
	if err != nil {
		return nil, err
	}
	type block struct{ at, n int64 }
	blocks := []block{{pos + int64(width), int64(number(s, width))}}
	head := 4
	if flags&4 != 0 {
		head = 6
	}
	var out []message
	for i := 0; i < len(blocks) && i < 10_000; i++ {
		if blocks[i].n < 0 || blocks[i].n > maxValue {
			return out, errShort
		}
		b, err := w.at(blocks[i].at, int(blocks[i].n))
		if err != nil {
			return out, err
		}
		p := 0
		for p+head <= len(b) {
			m := message{typ: uint16(b[p]), flags: b[p+3], at: blocks[i].at + int64(p), object: addr}
			n := int(binary.LittleEndian.Uint16(b[p+1:]))
			if p+head+n > len(b) {
				break // the gap before the checksum
			}
			m.data = b[p+head : p+head+n]
			p += head + n
			if m.typ == 0x10 && len(m.data) >= w.off+w.length {
				// A continuation starts with "OCHK" and ends with a checksum.
				at, n := w.address(m.data), int64(number(m.data[w.off:], w.length))
				if n > 8 {
					blocks = append(blocks, block{at + 4, n - 8})
				}
				continue
			}
			out = append(out, m)
		}
	}
	return out, nil
}
