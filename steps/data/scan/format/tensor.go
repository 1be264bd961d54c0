package format

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the checksum TFRecord keeps: turned and shifted, so that a checksum
// of data holding checksums differs.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// tfrecordHead reports whether bytes begin with a record's length and the
// checksum of that length.
func tfrecordHead(b []byte) bool {
	return masked(b[:8]) == binary.LittleEndian.Uint32(b[8:12])
}

// tfrecord reads the examples of a TFRecord file: features of bytes as texts,
// of whole numbers as digits.
func (r *reader) tfrecord(in io.Reader) error {
	b := bufio.NewReaderSize(in, 64<<10)
	var head [12]byte
	for {
		if _, err := io.ReadFull(b, head[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return r.damaged("the TFRecord file", err)
		}
		n := binary.LittleEndian.Uint64(head[:8])
		if !tfrecordHead(head[:]) {
			return problem("the TFRecord file is damaged")
		}
		if n > maxBlock {
			return problem("a record of the TFRecord file is larger than %d MiB", maxBlock>>20)
		}
		record, err := io.ReadAll(io.LimitReader(b, int64(n)+4))
		if err != nil {
			return r.damaged("the TFRecord file", err)
		}
		if uint64(len(record)) != n+4 {
			return problem("the TFRecord file is cut short")
		}
		if err := r.example(record[:n]); err != nil {
			return err
		}
		if err := r.row(); err != nil {
			return err
		}
	}
}

// example reads a tf.train.Example: features, a map from names to lists. A
// record that is none is read as text where it is one.
func (r *reader) example(b []byte) error {
	features, ok := field(b, 1)
	if !ok {
		if utf8.Valid(b) {
			return r.text(b)
		}
		return r.note(problem("records of a TFRecord file that are no examples are not read"))
	}
	for len(features) > 0 {
		entry, rest, ok := next(features, 1)
		if !ok {
			break
		}
		features = rest
		key, _ := field(entry, 1)
		value, ok := field(entry, 2)
		if !ok {
			continue
		}
		if list, ok := field(value, 1); ok {
			for len(list) > 0 {
				one, rest, ok := next(list, 1)
				if !ok {
					break
				}
				list = rest
				if utf8.Valid(one) {
					if err := r.value(string(key[:min(len(key), 128)]), one); err != nil {
						return err
					}
				}
			}
		}
		if list, ok := field(value, 3); ok {
			if err := r.integers(string(key[:min(len(key), 128)]), list); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) integers(name string, list []byte) error {
	packed, ok := field(list, 1)
	if !ok {
		return nil
	}
	var num [24]byte
	for len(packed) > 0 {
		v, n := binary.Uvarint(packed)
		if n <= 0 {
			return nil
		}
		packed = packed[n:]
		if err := r.value(name, strconv.AppendInt(num[:0], int64(v), 10)); err != nil {
			return err
		}
	}
	return nil
}

// field finds the first length-delimited field of a protobuf message.
func field(b []byte, number uint64) ([]byte, bool) {
	v, _, ok := next(b, number)
	return v, ok
}

// next finds a length-delimited field and what follows it.
func next(b []byte, number uint64) (value, rest []byte, ok bool) {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, nil, false
		}
		b = b[n:]
		size := uint64(0)
		switch tag & 7 {
		case 0:
			_, n := binary.Uvarint(b)
			if n <= 0 {
				return nil, nil, false
			}
			b = b[n:]
			continue
		case 1:
			size = 8
		case 5:
			size = 4
		case 2:
			if size, n = binary.Uvarint(b); n <= 0 {
				return nil, nil, false
			}
			b = b[n:]
		default:
			return nil, nil, false
		}
		if size > uint64(len(b)) {
			return nil, nil, false
		}
		if tag&7 == 2 && tag>>3 == number {
			return b[:size], b[size:], true
		}
		b = b[size:]
	}
	return nil, nil, false
}

var npyDescr = regexp.MustCompile(`'descr':\s*'([<>|=]?)([a-zA-Z])(\d*)'`)

// npy reads a NumPy array of texts or whole numbers. Fractions are passed over;
// an array of objects is a pickle, which is not opened.
func (r *reader) npy(in io.Reader) error {
	b := bufio.NewReaderSize(in, 64<<10)
	var fixed [12]byte
	if _, err := io.ReadFull(b, fixed[:8]); err != nil {
		return r.damaged("the array", err)
	}
	width := 2
	if fixed[6] > 1 {
		width = 4
	}
	if _, err := io.ReadFull(b, fixed[8:8+width]); err != nil {
		return r.damaged("the array", err)
	}
	n := int(binary.LittleEndian.Uint16(fixed[8:]))
	if width == 4 {
		n = int(binary.LittleEndian.Uint32(fixed[8:]))
	}
	if n > 64<<10 {
		return problem("the array is damaged")
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(b, header); err != nil {
		return r.damaged("the array", err)
	}
	m := npyDescr.FindSubmatch(header)
	if m == nil {
		return problem("an array of records or objects is not read")
	}
	size, _ := strconv.Atoi(string(m[3]))
	kind := m[2][0]
	switch {
	case kind == 'O':
		return problem("an array of objects is a pickle: reading it would mean to run it")
	case kind == 'U' && size > 0 && size < maxCell/4:
		return r.cells(b, size*4, func(c []byte) []byte { return fromUTF32(c, m[1][0] == '>') })
	case kind == 'S' && size > 0 && size < maxCell:
		return r.cells(b, size, func(c []byte) []byte { return c[:len(strings.TrimRight(string(c), "\x00"))] })
	case (kind == 'i' || kind == 'u') && (size == 4 || size == 8):
		var num [24]byte
		return r.cells(b, size, func(c []byte) []byte {
			v := int64(0)
			for i := range c {
				k := len(c) - 1 - i
				if len(m[1]) > 0 && m[1][0] == '>' {
					k = i
				}
				v = v<<8 | int64(c[k])
			}
			return strconv.AppendInt(num[:0], v, 10)
		})
	}
	count, err := io.Copy(io.Discard, b)
	r.rep.Bytes += count
	r.rep.Rows = max(r.rep.Rows, 1)
	return r.damaged("the array", err)
}

// cells hands on members of a fixed size.
func (r *reader) cells(in io.Reader, size int, text func([]byte) []byte) error {
	buf := make([]byte, size)
	for {
		if _, err := io.ReadFull(in, buf); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return r.damaged("the array", err)
		}
		if err := r.value("array", text(buf)); err != nil {
			return err
		}
		if err := r.row(); err != nil {
			return err
		}
	}
}

func fromUTF32(b []byte, big bool) []byte {
	var out []byte
	for ; len(b) >= 4; b = b[4:] {
		c := binary.LittleEndian.Uint32(b)
		if big {
			c = binary.BigEndian.Uint32(b)
		}
		if c == 0 {
			break
		}
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}
