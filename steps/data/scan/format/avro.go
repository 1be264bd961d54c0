package format

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxBlock is the largest block of an Avro file that is held in memory.
const maxBlock = 64 << 20

// avro reads an object container file: its schema first, then blocks of
// records. The format is small enough to read without a library, and so every
// length in it is held against a limit here.
func (r *reader) avro(in io.Reader) error {
	a := &avroFile{r: r, in: bufio.NewReaderSize(in, 64<<10), named: map[string]*avroType{}}
	return r.damaged("the Avro file", a.read())
}

type avroFile struct {
	r     *reader
	in    *bufio.Reader
	named map[string]*avroType
	codec string
	sync  [16]byte
	types int
	num   [96]byte
}

// avroType is a schema, made for reading.
type avroType struct {
	kind   string
	fields []avroField
	item   *avroType // of arrays and maps
	union  []*avroType
	names  []string // of enums
	size   int      // of fixed
	form   form     // of numbers and bytes that stand for something else
}

type avroField struct {
	name string
	of   *avroType
}

// errForm is what a reader here says of bytes that are not as their format lays
// down.
var errForm = errors.New("not as the format says")

func (a *avroFile) read() error {
	if _, err := a.in.Discard(4); err != nil {
		return err
	}
	schema, err := a.meta()
	if err != nil {
		return err
	}
	var raw any
	if err := json.Unmarshal(schema, &raw); err != nil {
		return err
	}
	top, err := a.schema(raw, 0)
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(a.in, a.sync[:]); err != nil {
		return err
	}
	for {
		if err := a.block(top); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// meta reads the map in the head of the file and returns the schema.
func (a *avroFile) meta() (schema []byte, err error) {
	for {
		n, err := binary.ReadVarint(a.in)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return schema, nil
		}
		if n < 0 {
			n = -n
			if _, err := binary.ReadVarint(a.in); err != nil {
				return nil, err
			}
		}
		for ; n > 0; n-- {
			key, err := a.sized(1 << 10)
			if err != nil {
				return nil, err
			}
			value, err := a.sized(8 << 20)
			if err != nil {
				return nil, err
			}
			switch string(key) {
			case "avro.schema":
				schema = value
			case "avro.codec":
				a.codec = string(value)
			}
		}
	}
}

func (a *avroFile) sized(most int64) ([]byte, error) {
	n, err := binary.ReadVarint(a.in)
	if err != nil {
		return nil, err
	}
	if n < 0 || n > most {
		return nil, errForm
	}
	b := make([]byte, n)
	_, err = io.ReadFull(a.in, b)
	return b, err
}

// schema makes a type of a schema's JSON.
func (a *avroFile) schema(raw any, depth int) (*avroType, error) {
	if a.types++; a.types > maxLeaves || depth > 60 {
		return nil, errForm
	}
	switch s := raw.(type) {
	case string:
		if t := a.named[s]; t != nil {
			return t, nil
		}
		return &avroType{kind: s, form: plain}, nil
	case []any:
		t := &avroType{kind: "union"}
		for _, one := range s {
			u, err := a.schema(one, depth+1)
			if err != nil {
				return nil, err
			}
			t.union = append(t.union, u)
		}
		return t, nil
	case map[string]any:
		return a.complex(s, depth)
	}
	return nil, errForm
}

func (a *avroFile) complex(s map[string]any, depth int) (*avroType, error) {
	kind, ok := s["type"].(string)
	if !ok {
		return a.schema(s["type"], depth+1)
	}
	t := &avroType{kind: kind}
	t.form = avroForm(s)
	if name, ok := s["name"].(string); ok {
		a.named[name] = t
		if space, ok := s["namespace"].(string); ok {
			a.named[space+"."+name] = t
		}
	}
	var err error
	switch kind {
	case "record", "error":
		fields, _ := s["fields"].([]any)
		for _, f := range fields {
			m, _ := f.(map[string]any)
			name, _ := m["name"].(string)
			of, err := a.schema(m["type"], depth+1)
			if err != nil {
				return nil, err
			}
			t.fields = append(t.fields, avroField{name, of})
		}
	case "array":
		t.item, err = a.schema(s["items"], depth+1)
	case "map":
		t.item, err = a.schema(s["values"], depth+1)
	case "enum":
		list, _ := s["symbols"].([]any)
		for _, n := range list {
			name, _ := n.(string)
			t.names = append(t.names, name)
		}
	case "fixed":
		n, _ := s["size"].(float64)
		if t.size = int(n); n < 0 || n > maxCell {
			return nil, errForm
		}
	default:
		if named := a.named[kind]; named != nil && named != t {
			return named, nil
		}
	}
	return t, err
}

// block reads one block of records.
func (a *avroFile) block(top *avroType) error {
	count, err := binary.ReadVarint(a.in)
	if err != nil {
		return err // the end of the file, if nothing was read of it
	}
	data, err := a.sized(maxBlock)
	if err != nil {
		return noEnd(err)
	}
	if data, err = a.unpack(data); err != nil {
		return noEnd(err)
	}
	var sync [16]byte
	if _, err := io.ReadFull(a.in, sync[:]); err != nil {
		return noEnd(err)
	}
	if sync != a.sync {
		return errForm
	}
	c := avroCursor{a: a, b: data}
	for range count {
		if err := c.value(top, "", 0); err != nil {
			return noEnd(err)
		}
		if err := a.r.row(); err != nil {
			return err
		}
	}
	return nil
}

func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (a *avroFile) unpack(b []byte) ([]byte, error) {
	var out io.Reader
	var err error
	switch a.codec {
	case "", "null":
		return b, nil
	case "deflate":
		out = flate.NewReader(bytes.NewReader(b))
	case "bzip2":
		out = bzip2.NewReader(bytes.NewReader(b))
	case "xz":
		out, err = xz.NewReader(bytes.NewReader(b))
	case "zstandard":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow)); err == nil {
			defer d.Close()
			out = d
		}
	case "snappy":
		if len(b) < 4 {
			return nil, errForm
		}
		if n, err := snappy.DecodedLen(b[:len(b)-4]); err != nil || n > maxBlock {
			return nil, errForm
		}
		return snappy.Decode(nil, b[:len(b)-4])
	default:
		return nil, problem("the Avro file is compressed in a way that is not read")
	}
	if err != nil {
		return nil, err
	}
	all, err := io.ReadAll(io.LimitReader(out, maxBlock+1))
	if err == nil && len(all) > maxBlock {
		err = problem("a block of the Avro file is larger than %d MiB", maxBlock>>20)
	}
	return all, err
}

// avroCursor reads values out of a block.
type avroCursor struct {
	a *avroFile
	b []byte
}

func (c *avroCursor) long() (int64, error) {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	c.b = c.b[n:]
	return v, nil
}

func (c *avroCursor) take(n int64) ([]byte, error) {
	if n < 0 || n > int64(len(c.b)) {
		return nil, io.ErrUnexpectedEOF
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b, nil
}

func (c *avroCursor) value(t *avroType, path string, depth int) error {
	if depth > maxNesting {
		return errForm
	}
	switch t.kind {
	case "null":
		return nil
	case "boolean":
		_, err := c.take(1)
		return err
	case "float":
		b, err := c.take(4)
		if err != nil {
			return err
		}
		return c.real(path, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
	case "double":
		b, err := c.take(8)
		if err != nil {
			return err
		}
		return c.real(path, math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case "int", "long":
		v, err := c.long()
		if err != nil || t.form == passed {
			return err
		}
		return c.some(path, t.form.whole(c.a.num[:0], v))
	case "bytes", "string", "fixed":
		n := int64(t.size)
		if t.kind != "fixed" {
			var err error
			if n, err = c.long(); err != nil {
				return err
			}
		}
		b, err := c.take(n)
		if err != nil || t.form == passed {
			return err
		}
		if t.form == decimal {
			b = t.form.big(c.a.num[:0], b)
		}
		return c.some(path, b)
	case "enum":
		i, err := c.long()
		if err == nil && (i < 0 || i >= int64(len(t.names))) {
			err = errForm
		}
		return err
	case "union":
		i, err := c.long()
		if err != nil {
			return err
		}
		if i < 0 || i >= int64(len(t.union)) {
			return errForm
		}
		return c.value(t.union[i], path, depth+1)
	case "record", "error":
		for _, f := range t.fields {
			name := f.name
			if path != "" {
				name = path + "." + name
			}
			if err := c.value(f.of, name, depth+1); err != nil {
				return err
			}
		}
		return nil
	case "array", "map":
		return c.many(t, path, depth)
	}
	return errForm
}

// real hands on a fraction; the members of lists of fractions are an embedding's.
func (c *avroCursor) real(path string, v float64) error {
	if strings.HasSuffix(path, "[]") {
		return nil
	}
	return c.some(path, formOfFractions(path).real(c.a.num[:0], v))
}

// some hands on a value, if there is one.
func (c *avroCursor) some(path string, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return c.a.r.value(path, b)
}

// avroForm is the form of a type by its logical type.
func avroForm(s map[string]any) form {
	switch logical, _ := s["logicalType"].(string); logical {
	case "date":
		return days
	case "timestamp-millis", "local-timestamp-millis":
		return millis
	case "timestamp-micros", "local-timestamp-micros":
		return micros
	case "timestamp-nanos", "local-timestamp-nanos":
		return nanos
	case "decimal":
		if scale, _ := s["scale"].(float64); scale > 0 {
			return passed
		}
		return decimal
	case "time-millis", "time-micros", "duration":
		return passed
	}
	return plain
}

// many reads the blocks of an array or map.
func (c *avroCursor) many(t *avroType, path string, depth int) error {
	if t.kind == "array" {
		path += "[]"
	}
	for {
		n, err := c.long()
		if err != nil || n == 0 {
			return err
		}
		if n < 0 {
			n = -n
			if _, err := c.long(); err != nil {
				return err
			}
		}
		if n > 1<<20 && n > int64(len(c.b)) {
			return errForm // members without bytes could be told in billions
		}
		for ; n > 0; n-- {
			at := path
			if t.kind == "map" {
				k, err := c.long()
				if err != nil {
					return err
				}
				if _, err := c.take(k); err != nil {
					return err
				}
				at += ".*"
			}
			if err := c.value(t.item, at, depth+1); err != nil {
				return err
			}
		}
	}
}
