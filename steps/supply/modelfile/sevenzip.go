package modelfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/klauspost/compress/flate"
	"github.com/ulikunitz/xz/lzma"

	"compress/bzip2"
)

// A 7z archive is read here for folders of copy, LZMA, LZMA2, Deflate or bzip2,
// with or without the filter for x86 code, which is what archivers make unless
// told otherwise. Other filters and encryption are unknown. (7zFormat.txt of the LZMA SDK.)

// x86Filter is the method of the filter for x86 code.
const x86Filter = "\x03\x03\x01\x03"

var err7z = errors.New("a header of 7z that is not as its format says, or of a kind not read here")

// zfolder is one compressed stream of several files.
type zfolder struct {
	method []byte
	props  []byte
	size   uint64 // unpacked
	packed int64  // offset of its bytes
	length uint64 // of its bytes
	x86    bool   // its data went through the filter for x86 code
}

type sevenReader struct {
	s       *scanner
	it      item
	b       *bytes.Reader
	folders []zfolder
	sizes   [][]uint64 // of the files of each folder
	names   []string
	empty   []bool
}

func (s *scanner) sevenZip(it item) string {
	h := s.head(it, 0, 32)
	if len(h) < 32 {
		s.find(it, "7z-broken", Undecided, 0, "", errShort.Error())
		return "7z"
	}
	off, n := binary.LittleEndian.Uint64(h[12:]), binary.LittleEndian.Uint64(h[20:])
	if off > uint64(it.size) || n > uint64(it.size) || 32+off+n > uint64(it.size) {
		s.find(it, "7z-broken", Undecided, 12, "", "the header lies outside the file")
		return "7z"
	}
	head := s.head(it, int64(32+off), int(min(n, uint64(s.lim.Header))))
	for depth := 0; depth < 4; depth++ {
		r := &sevenReader{s: s, it: it, b: bytes.NewReader(head)}
		id, err := r.b.ReadByte()
		switch {
		case err != nil:
			return "7z" // an empty archive
		case id == 1:
			if err := r.header(); err != nil {
				s.find(it, "7z-broken", Undecided, -1, "", err.Error())
				return "7z"
			}
			r.files()
			return "7z"
		case id == 0x17: // the header itself is compressed
			if err := r.streams(); err != nil || len(r.folders) != 1 || r.folders[0].size > uint64(s.lim.Header) {
				s.find(it, "7z-broken", Undecided, -1, "", err7z.Error())
				return "7z"
			}
			src, err := r.open(r.folders[0])
			if err == nil {
				head, err = io.ReadAll(io.LimitReader(src, int64(r.folders[0].size)))
			}
			if err != nil {
				s.find(it, "7z-broken", Undecided, -1, "", "the header cannot be unpacked: "+err.Error())
				return "7z"
			}
		default:
			s.find(it, "7z-broken", Undecided, -1, "", err7z.Error())
			return "7z"
		}
	}
	s.find(it, "7z-broken", Undecided, -1, "", err7z.Error())
	return "7z"
}

// num reads 7z's numbers of one to nine bytes.
func (r *sevenReader) num() uint64 {
	first, _ := r.b.ReadByte()
	mask, v := byte(0x80), uint64(0)
	for i := range 8 {
		if first&mask == 0 {
			return v | uint64(first&(mask-1))<<(8*i)
		}
		c, _ := r.b.ReadByte()
		v |= uint64(c) << (8 * i)
		mask >>= 1
	}
	return v
}

func (r *sevenReader) count() (int, error) {
	n := r.num()
	if n > uint64(r.s.lim.Members) || n > uint64(r.b.Len())*8+1 {
		return 0, fmt.Errorf("%w: a count of %d", err7z, n)
	}
	return int(n), nil
}

func (r *sevenReader) id() byte { c, _ := r.b.ReadByte(); return c }

func (r *sevenReader) bits(n int, all bool) []bool {
	out := make([]bool, n)
	if all && r.id() != 0 {
		for i := range out {
			out[i] = true
		}
		return out
	}
	var c, mask byte
	for i := range out {
		if mask == 0 {
			c, mask = r.id(), 0x80
		}
		out[i] = c&mask != 0
		mask >>= 1
	}
	return out
}

// header reads the uncompressed header.
func (r *sevenReader) header() error {
	id := r.id()
	if id == 2 {
		return err7z // archive properties: nobody writes them
	}
	if id == 4 {
		if err := r.streams(); err != nil {
			return err
		}
		id = r.id()
	}
	if id != 5 {
		return nil
	}
	n, err := r.count()
	if err != nil {
		return err
	}
	r.names, r.empty = make([]string, n), make([]bool, n)
	for r.b.Len() > 0 {
		prop := r.id()
		if prop == 0 {
			return nil
		}
		size := r.num()
		if size > uint64(r.b.Len()) {
			return err7z
		}
		part := make([]byte, size)
		_, _ = io.ReadFull(r.b, part)
		sub := &sevenReader{s: r.s, b: bytes.NewReader(part)}
		switch prop {
		case 0x0e:
			r.empty = sub.bits(n, false)
		case 0x11:
			if sub.id() != 0 {
				return err7z
			}
			names := part[1:]
			for i := range n {
				var u []uint16
				for len(names) >= 2 {
					c := binary.LittleEndian.Uint16(names)
					names = names[2:]
					if c == 0 {
						break
					}
					u = append(u, c)
				}
				r.names[i] = string(utf16.Decode(u))
			}
		}
	}
	return nil
}

// streams reads where the packed streams lie and how they are packed.
func (r *sevenReader) streams() error {
	var packed []uint64
	pos := uint64(32)
	for r.b.Len() > 0 {
		switch id := r.id(); id {
		case 0:
			return r.place(pos, packed)
		case 6:
			pos += r.num()
			n, err := r.count()
			if err != nil {
				return err
			}
			for id := r.id(); id != 0; id = r.id() {
				switch id {
				case 9:
					for range n {
						packed = append(packed, r.num())
					}
				case 10:
					r.digests(n)
				default:
					return err7z
				}
			}
		case 7:
			if err := r.coders(); err != nil {
				return err
			}
		case 8:
			if err := r.substreams(); err != nil {
				return err
			}
		default:
			return err7z
		}
	}
	return r.place(pos, packed)
}

func (r *sevenReader) digests(n int) {
	for _, known := range r.bits(n, true) {
		if known {
			_, _ = r.b.Seek(4, io.SeekCurrent)
		}
	}
}

func (r *sevenReader) coders() error {
	if r.id() != 0x0b {
		return err7z
	}
	n, err := r.count()
	if err != nil || r.id() != 0 {
		return errors.Join(err7z, err)
	}
	outputs := make([]int, 0, n)
	for range n {
		coders := int(min(r.num(), 5))
		f, err := r.coder()
		if err == nil && coders == 2 {
			// One of the two is the filter, and each is fed by the other.
			var g zfolder
			if g, err = r.coder(); string(f.method) == x86Filter {
				f, g = g, f
			}
			f.x86 = true
			if in, out := r.num(), r.num(); err == nil && (string(g.method) != x86Filter || in+out != 1) {
				err = fmt.Errorf("the coders %x and %x one behind the other, which are not read here", f.method, g.method)
			}
		} else if err == nil && coders != 1 {
			err = fmt.Errorf("%d coders one behind the other, which are not read here", coders)
		}
		if err != nil {
			return err
		}
		r.folders = append(r.folders, f)
		outputs = append(outputs, coders)
	}
	if r.id() != 0x0c {
		return err7z
	}
	for i := range r.folders {
		r.folders[i].size = r.num()
		for range outputs[i] - 1 {
			r.num() // what the packer gives is as long as what the filter makes of it
		}
	}
	r.sizes = make([][]uint64, len(r.folders))
	for i, f := range r.folders {
		r.sizes[i] = []uint64{f.size}
	}
	for id := r.id(); id != 0; id = r.id() {
		if id != 10 {
			return err7z
		}
		r.digests(n)
	}
	return nil
}

// coder reads one coder of one input and one output.
func (r *sevenReader) coder() (zfolder, error) {
	flag := r.id()
	f := zfolder{method: make([]byte, flag&0x0f)}
	_, _ = io.ReadFull(r.b, f.method)
	if flag&0x10 != 0 {
		return f, err7z
	}
	if flag&0x20 != 0 {
		k := r.num()
		if k > uint64(r.b.Len()) {
			return f, err7z
		}
		f.props = make([]byte, k)
		_, _ = io.ReadFull(r.b, f.props)
	}
	return f, nil
}

func (r *sevenReader) substreams() error {
	counts := make([]int, len(r.folders))
	for i := range counts {
		counts[i] = 1
	}
	id := r.id()
	if id == 0x0d {
		for i := range counts {
			n, err := r.count()
			if err != nil {
				return err
			}
			counts[i] = n
		}
		id = r.id()
	}
	for i, n := range counts {
		r.sizes[i] = nil
		left := r.folders[i].size
		for k := range n {
			size := left
			if k+1 < n && id == 9 {
				size = r.num()
			}
			if size > left {
				return err7z
			}
			left -= size
			r.sizes[i] = append(r.sizes[i], size)
		}
	}
	for ; id != 0 && r.b.Len() > 0; id = r.id() {
		if id == 10 {
			n := 0
			for _, c := range counts {
				n += c
			}
			r.digests(n)
		}
	}
	return nil
}

// place gives each folder its bytes.
func (r *sevenReader) place(pos uint64, packed []uint64) error {
	if len(packed) < len(r.folders) {
		return err7z
	}
	for i := range r.folders {
		if pos+packed[i] > uint64(r.it.size) || packed[i] > uint64(r.it.size) {
			return errors.New("a packed stream lies outside the file")
		}
		r.folders[i].packed, r.folders[i].length = int64(pos), packed[i]
		pos += packed[i]
	}
	return nil
}

func (r *sevenReader) open(f zfolder) (io.Reader, error) {
	if f.x86 {
		f.x86 = false
		src, err := r.open(f)
		if err != nil {
			return nil, err
		}
		return newBCJ(src), nil
	}
	src := io.NewSectionReader(r.it.r, f.packed, int64(f.length))
	switch string(f.method) {
	case "\x00":
		return src, nil
	case "\x03\x01\x01":
		if len(f.props) != 5 {
			return nil, err7z
		}
		return rawLZMA(f.props, int64(f.size), src)
	case "\x21":
		if len(f.props) != 1 || f.props[0] > 40 || uint64(2|f.props[0]&1)<<(f.props[0]/2+11) > maxDictionary {
			return nil, fmt.Errorf("its dictionary is over the limit of %d bytes", maxDictionary)
		}
		return lzma.Reader2Config{DictCap: max(lzma.MinDictCap, int(2|f.props[0]&1)<<(f.props[0]/2+11))}.NewReader2(src)
	case "\x04\x01\x08":
		return flate.NewReader(src), nil
	case "\x04\x02\x02":
		return bzip2.NewReader(src), nil
	case "\x06\xf1\x07\x01":
		return nil, errors.New("it is encrypted")
	}
	return nil, fmt.Errorf("%w: method %x", errMethod, f.method)
}

// files reads the members, folder by folder.
func (r *sevenReader) files() {
	i := 0
	next := func() string {
		for i < len(r.names) && r.empty[i] {
			i++
		}
		if i >= len(r.names) {
			return ""
		}
		i++
		return r.names[i-1]
	}
	for k, f := range r.folders {
		src, size, ok := r.s.unpack(r.it, "a folder of the archive", int64(f.length), func() (io.Reader, error) { return r.open(f) })
		at := int64(0)
		for _, n := range r.sizes[k] {
			name := next()
			if !ok || at+int64(n) > size {
				if ok {
					r.s.find(r.it, "7z-broken", Undecided, -1, "", fmt.Sprintf("member %.80q reaches beyond its folder", name))
				}
				continue
			}
			if escapes(name) {
				r.s.find(item{path: r.it.path + "!" + printable(name)}, "path-traversal", High, -1, "CWE-22", fmt.Sprintf("the member's name %.80q leaves the folder it is unpacked to", name))
			}
			r.s.member(r.it, name, io.NewSectionReader(src, at, int64(n)), int64(n), roleNone, nil)
			at += int64(n)
		}
	}
}
