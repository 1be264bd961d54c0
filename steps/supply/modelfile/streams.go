package modelfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxDictionary bounds what a decompressor may allocate because a header says
// so. 256 MiB is what the strongest presets ask for, with some to spare.
const maxDictionary = 256 << 20

// inflate unpacks one member of a zip archive.
func inflate(method uint16, r io.Reader, size int64) (io.Reader, error) {
	switch method {
	case 0:
		return r, nil
	case 8:
		return flate.NewReader(bufio.NewReaderSize(r, 32<<10)), nil
	case 12:
		return bzip2.NewReader(r), nil
	case 14:
		var head [9]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		return rawLZMA(head[4:], size, r)
	case 93:
		return newZstd(r)
	case 95:
		return newXZ(r)
	}
	return nil, fmt.Errorf("%w: %d", errMethod, method)
}

// rawLZMA unpacks an LZMA stream whose five property bytes are known.
func rawLZMA(props []byte, size int64, r io.Reader) (io.Reader, error) {
	if binary.LittleEndian.Uint32(props[1:]) > maxDictionary {
		return nil, fmt.Errorf("its dictionary of %d bytes is over the limit of %d", binary.LittleEndian.Uint32(props[1:]), maxDictionary)
	}
	head := make([]byte, 13)
	copy(head, props[:5])
	binary.LittleEndian.PutUint64(head[5:], uint64(size))
	return lzma.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(head), r)))
}

func newZstd(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxDictionary), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// newXZ unpacks an .xz stream after a look at the dictionary that its first
// block asks for.
func newXZ(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 32<<10)
	if h, err := b.Peek(24); err == nil && h[12] != 0 {
		// Block header: size, flags, filters; LZMA2 is 0x21 with one byte of
		// dictionary size. Optional sizes may lie between.
		if i := bytes.Index(h[13:], []byte{0x21, 0x01}); i >= 0 && 13+i+2 < len(h) {
			bits := h[13+i+2] & 0x3f
			if bits > 40 || uint64(2|bits&1)<<(bits/2+11) > maxDictionary {
				return nil, fmt.Errorf("its dictionary is over the limit of %d bytes", maxDictionary)
			}
		}
	}
	return xz.ReaderConfig{}.NewReader(b)
}

// stream reads a file that is one compressed file.
func (s *scanner) stream(it item, what string, open func(io.Reader) (io.Reader, error)) string {
	r, n, ok := s.unpack(it, what, it.size, func() (io.Reader, error) {
		return open(bufio.NewReaderSize(io.NewSectionReader(it.r, 0, it.size), 32<<10))
	})
	if !ok {
		return what
	}
	name := it.base()
	if it.ext() == "."+map[string]string{"gzip": "gz", "bzip2": "bz2", "zstd": "zst"}[what] || it.ext() == "."+what {
		name = strings.TrimSuffix(name, name[len(name)-len(it.ext()):])
	}
	i := len(s.rep.Members)
	s.member(it, name, r, n, it.role, nil)
	if i < len(s.rep.Members) && s.rep.Members[i].Format != "" {
		return s.rep.Members[i].Format + "+" + what
	}
	return what
}

func (s *scanner) gzip(it item) string {
	return s.stream(it, "gzip", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
}

func (s *scanner) zlib(it item) string {
	return s.stream(it, "zlib", func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) })
}

func (s *scanner) bzip2(it item) string {
	return s.stream(it, "bzip2", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil })
}

func (s *scanner) xz(it item) string { return s.stream(it, "xz", newXZ) }

func (s *scanner) lzma(it item) string {
	return s.stream(it, "lzma", func(r io.Reader) (io.Reader, error) {
		var head [13]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		return rawLZMA(head[:5], int64(binary.LittleEndian.Uint64(head[5:])), r)
	})
}

func (s *scanner) zstd(it item) string { return s.stream(it, "zstd", newZstd) }

func (s *scanner) lz4(it item) string {
	return s.stream(it, "lz4", func(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil })
}
