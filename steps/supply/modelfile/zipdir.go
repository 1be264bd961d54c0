package modelfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A zip archive is read here by its central directory, as torch's loader does:
// local names, flags and checksums do not stop it. What a stricter reader would
// trip over is reported beside.

// entry is one file of a central directory.
type entry struct {
	name           string
	flags, method  uint16
	crc            uint32
	packed, size   int64
	header         int64 // offset of the local header
	data           int64 // offset of the content; -1 if the local header is missing
	localDiffers   string
	directoryEntry bool
}

var errNoDirectory = errors.New("it has no end of central directory: cut short, or no zip at all")

// directory is where the central directory says it is and how long.
type directory struct {
	end     int64 // offset of the end record
	offset  int64
	size    int64
	count   uint64
	shift   int64 // bytes before the archive, by which stricter readers move all offsets
	comment int
}

// findDirectory looks for the last end record in the last 64 KiB, and its 64-bit
// form.
func (s *scanner) findDirectory(it item) (directory, error) {
	const most = 22 + 0xffff
	from := max(0, it.size-most)
	tail := s.head(it, from, most)
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || len(tail)-i < 22 {
		return directory{}, errNoDirectory
	}
	e := tail[i:]
	d := directory{
		end: from + int64(i), count: uint64(binary.LittleEndian.Uint16(e[10:])),
		size: int64(binary.LittleEndian.Uint32(e[12:])), offset: int64(binary.LittleEndian.Uint32(e[16:])),
		comment: len(e) - 22,
	}
	end := d.end
	if loc := s.head(it, d.end-20, 20); len(loc) == 20 && string(loc[:4]) == "PK\x06\x07" {
		at := int64(binary.LittleEndian.Uint64(loc[8:]))
		z := s.head(it, at, 56)
		if len(z) < 56 || string(z[:4]) != "PK\x06\x06" {
			at = d.end - 20 - 56
			z = s.head(it, at, 56)
		}
		if len(z) == 56 && string(z[:4]) == "PK\x06\x06" {
			d.count = binary.LittleEndian.Uint64(z[32:])
			d.size = int64(binary.LittleEndian.Uint64(z[40:]))
			d.offset = int64(binary.LittleEndian.Uint64(z[48:]))
			end = at
		}
	}
	if d.size < 0 || d.offset < 0 || d.size > end {
		return directory{}, errors.New("its central directory is said to lie outside the file")
	}
	d.shift = end - d.size - d.offset
	return d, nil
}

// entries reads a central directory of the given place.
func (s *scanner) entries(it item, at int64, d directory) ([]entry, error) {
	var out []entry
	end := min(it.size, at+d.size)
	buf := s.head(it, at, int(min(end-at, s.lim.Header)))
	for len(buf) >= 46 && string(buf[:4]) == "PK\x01\x02" {
		if len(out) >= s.lim.Members {
			s.find(it, "limit-members", Undecided, -1, "CWE-400", fmt.Sprintf("it lists more than %d members; further ones were not read", s.lim.Members))
			return out, nil
		}
		n, x, c := int(binary.LittleEndian.Uint16(buf[28:])), int(binary.LittleEndian.Uint16(buf[30:])), int(binary.LittleEndian.Uint16(buf[32:]))
		if len(buf) < 46+n+x+c {
			return out, errors.New("its central directory is cut short")
		}
		e := entry{
			name: string(buf[46 : 46+n]), flags: binary.LittleEndian.Uint16(buf[8:]), method: binary.LittleEndian.Uint16(buf[10:]),
			crc: binary.LittleEndian.Uint32(buf[16:]), packed: int64(binary.LittleEndian.Uint32(buf[20:])),
			size: int64(binary.LittleEndian.Uint32(buf[24:])), header: int64(binary.LittleEndian.Uint32(buf[42:])),
		}
		e.wide(buf[46+n : 46+n+x])
		out = append(out, e)
		buf = buf[46+n+x+c:]
	}
	if uint64(len(out)) != d.count && uint64(len(out))&0xffff != d.count {
		return out, fmt.Errorf("its central directory lists %d members and announces %d", len(out), d.count)
	}
	return out, nil
}

// wide takes the 64-bit sizes from an extra field.
func (e *entry) wide(x []byte) {
	for len(x) >= 4 {
		id, n := binary.LittleEndian.Uint16(x), int(binary.LittleEndian.Uint16(x[2:]))
		if len(x) < 4+n {
			return
		}
		f := x[4 : 4+n]
		x = x[4+n:]
		if id != 1 {
			continue
		}
		for _, p := range []*int64{&e.size, &e.packed, &e.header} {
			if *p == 0xffffffff && len(f) >= 8 {
				*p = int64(binary.LittleEndian.Uint64(f))
				f = f[8:]
			}
		}
	}
}

// local compares an entry with its local header and finds its content.
func (s *scanner) local(it item, e *entry, shift int64) {
	e.directoryEntry = strings.HasSuffix(e.name, "/") && e.size == 0
	e.data = -1
	at := e.header + shift
	h := s.head(it, at, 30)
	if len(h) < 30 || string(h[:4]) != "PK\x03\x04" {
		e.localDiffers = "no local header where the directory says"
		return
	}
	n, x := int(binary.LittleEndian.Uint16(h[26:])), int(binary.LittleEndian.Uint16(h[28:]))
	e.data = at + 30 + int64(n) + int64(x)
	if e.packed < 0 || e.size < 0 || e.data+e.packed > it.size {
		e.localDiffers = "its content would reach beyond the file"
		e.data = -1
		return
	}
	name := s.head(it, at+30, n)
	flags, method := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
	crc, packed, size := binary.LittleEndian.Uint32(h[14:]), binary.LittleEndian.Uint32(h[18:]), binary.LittleEndian.Uint32(h[22:])
	// The sizes follow the content where the flag says so; 64-bit ones are in an
	// extra field.
	late := (flags|e.flags)&8 != 0
	switch {
	case string(name) != e.name:
		e.localDiffers = fmt.Sprintf("its local header names it %.80q", name)
	case method != e.method:
		e.localDiffers = fmt.Sprintf("methods %d and %d", e.method, method)
	case (flags^e.flags)&1 != 0:
		e.localDiffers = "one header says encrypted, the other does not"
	case !late && (crc != e.crc || int64(packed) != e.packed && packed != ^uint32(0) || int64(size) != e.size && size != ^uint32(0)):
		e.localDiffers = "sizes or checksum differ"
	}
}

// open starts unpacking an entry.
func (s *scanner) open(it item, e entry) opener {
	return func() (io.Reader, error) {
		return inflate(e.method, io.NewSectionReader(it.r, e.data, e.packed), e.size)
	}
}
