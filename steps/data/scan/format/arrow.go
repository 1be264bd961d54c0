package format

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxBody is the largest batch of an Arrow file that is held in memory.
const maxBody = 96 << 20

// arrow reads Arrow files, Arrow streams and Feather of version 2: messages
// that hold a schema, dictionaries and batches of columns. They are read from
// front to back; a file's footer, which only repeats where the batches lie, is
// not needed.
func (r *reader) arrow(in io.Reader) error {
	a := &arrowFile{r: r, in: bufio.NewReaderSize(in, 64<<10), dictionaries: map[int64][][]byte{}}
	if head, _ := a.in.Peek(8); bytes.HasPrefix(head, []byte("ARROW1")) {
		a.file = true
		_, _ = a.in.Discard(8)
	}
	return r.damaged("the Arrow file", a.read())
}

type arrowFile struct {
	r            *reader
	in           *bufio.Reader
	file         bool
	fields       []arrowField
	dictionaries map[int64][][]byte
	unread       bool // a column is of a kind that is not read
}

// The types of the format that matter here.
const (
	arrowInt = 2 + iota
	arrowFloat
	arrowBinary
	arrowUtf8
	arrowBool
	arrowDecimal
	arrowDate
	arrowTime
	arrowTimestamp
	arrowInterval
	arrowList
	arrowStruct
	arrowUnion
	arrowFixed
	arrowFixedList
	arrowMap
	arrowDuration
	arrowLargeBinary
	arrowLargeUtf8
	arrowLargeList
)

type arrowField struct {
	name       string
	kind       int
	width      int // bits of numbers, bytes of fixed values, members of fixed lists
	form       form
	signed     bool
	dictionary int64
	encoded    bool
	index      int // bits of an index into the dictionary
	children   []arrowField
}

func (a *arrowFile) read() error {
	for {
		meta, err := a.message()
		if err != nil {
			return err
		}
		if meta == nil {
			break
		}
		bad := false
		m := root(meta, &bad)
		size := m.int64(3)
		if bad || size < 0 {
			return errForm
		}
		if size > maxBody {
			return problem("a batch of the Arrow file is larger than %d MiB", maxBody>>20)
		}
		body, err := io.ReadAll(io.LimitReader(a.in, size))
		if err != nil || int64(len(body)) < size {
			return errors.Join(err, io.ErrUnexpectedEOF)
		}
		h, ok := m.table(2)
		if !ok {
			return errForm
		}
		switch m.byte(1) {
		case 1:
			a.fields = a.schema(h, 1, 0)
		case 2:
			err = a.dictionary(h, body)
		case 3:
			err = a.batch(h, body)
		}
		if err != nil {
			return err
		}
		if bad {
			return errForm
		}
	}
	if a.unread {
		return problem("columns of kinds that are not read (unions, views, run-length) were passed over")
	}
	return nil
}

// message reads the next message's head, or nothing at the end.
func (a *arrowFile) message() ([]byte, error) {
	var head [4]byte
	n, err := io.ReadFull(a.in, head[:])
	if n == 0 && !a.file && errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size == 0xffffffff {
		if _, err := io.ReadFull(a.in, head[:]); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		size = binary.LittleEndian.Uint32(head[:])
	}
	if size == 0 {
		return nil, nil
	}
	if size > 16<<20 {
		return nil, errForm
	}
	meta := make([]byte, size)
	if _, err := io.ReadFull(a.in, meta); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return meta, nil
}

// schema reads the fields a table lists.
func (a *arrowFile) schema(f flat, field, depth int) []arrowField {
	at, n := f.vector(field, 4)
	if depth > 60 || n > maxLeaves {
		*f.bad = true
		return nil
	}
	var all []arrowField
	for i := range n {
		p := at + 4*i
		c := flat{f.b, p + f.u32(p), f.bad}
		one := arrowField{name: c.string(0), kind: c.byte(2)}
		if t, ok := c.table(3); ok {
			one.form = plain
			switch one.kind {
			case arrowInt:
				one.width, one.signed = t.int32(0), t.byte(1) != 0
			case arrowFloat, arrowDecimal, arrowDate, arrowTimestamp:
				one.width, one.form = arrowForm(one.kind, one.name, t)
			case arrowFixed, arrowFixedList:
				one.width = t.int32(0)
			}
		}
		if d, ok := c.table(4); ok {
			one.encoded, one.dictionary, one.index = true, d.int64(0), 32
			if t, ok := d.table(1); ok {
				one.index = t.int32(0)
			}
		}
		one.children = a.schema(c, 5, depth+1)
		all = append(all, one)
	}
	return all
}

// columns walks the buffers of a batch.
type columns struct {
	a       *arrowFile
	f       flat
	body    []byte
	codec   int // -1 if not compressed
	nodes   int
	node, n int
	buffers int
	next, m int
	texts   *[][]byte // where a dictionary's values go instead of the sink
}

func (a *arrowFile) open(f flat, body []byte) *columns {
	c := &columns{a: a, f: f, body: body, codec: -1}
	c.nodes, c.n = f.vector(1, 16)
	c.buffers, c.m = f.vector(2, 16)
	if t, ok := f.table(3); ok {
		c.codec = t.byte(0)
	}
	return c
}

func (a *arrowFile) batch(f flat, body []byte) error {
	c := a.open(f, body)
	for _, one := range a.fields {
		if err := c.column(one, one.name, 0, false); err != nil {
			return err
		}
	}
	rows := f.int64(0)
	if rows < 0 || rows > int64(len(body))*8+1 {
		return errForm
	}
	for range rows {
		if err := a.r.row(); err != nil {
			return err
		}
	}
	return nil
}

// dictionary keeps the values that columns point into.
func (a *arrowFile) dictionary(f flat, body []byte) error {
	data, ok := f.table(1)
	field := findDictionary(a.fields, f.int64(0))
	if !ok || field == nil {
		return errForm
	}
	var values [][]byte
	if f.byte(2) != 0 {
		values = a.dictionaries[f.int64(0)]
	}
	c := a.open(data, body)
	c.texts = &values
	plain := *field
	plain.encoded = false
	if err := c.column(plain, "", 0, false); err != nil {
		return err
	}
	a.dictionaries[f.int64(0)] = values
	return nil
}

func findDictionary(fields []arrowField, id int64) *arrowField {
	for i := range fields {
		if fields[i].encoded && fields[i].dictionary == id {
			return &fields[i]
		}
		if f := findDictionary(fields[i].children, id); f != nil {
			return f
		}
	}
	return nil
}

// buffer is the next buffer, unpacked.
func (c *columns) buffer() ([]byte, error) {
	if c.next >= c.m {
		return nil, errForm
	}
	at := c.buffers + 16*c.next
	c.next++
	off, n := c.f.i64(at), c.f.i64(at+8)
	if off < 0 || n < 0 || off > int64(len(c.body)) || n > int64(len(c.body))-off {
		return nil, errForm
	}
	b := c.body[off : off+n]
	if c.codec < 0 || n == 0 {
		return b, nil
	}
	if n < 8 {
		return nil, errForm
	}
	size := int64(binary.LittleEndian.Uint64(b))
	if b = b[8:]; size == -1 {
		return b, nil
	}
	if size < 0 || size > maxBody {
		return nil, errForm
	}
	return c.unpack(b, size)
}

func (c *columns) unpack(b []byte, size int64) ([]byte, error) {
	var in io.Reader
	if c.codec == 0 {
		in = lz4.NewReader(bytes.NewReader(b))
	} else {
		d, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		in = d
	}
	out, err := io.ReadAll(io.LimitReader(in, size+1))
	if err == nil && int64(len(out)) != size {
		err = errForm
	}
	return out, err
}

// column reads one field of a batch, its buffers in the order the format lays
// down, and those of its children.
func (c *columns) column(f arrowField, name string, depth int, quiet bool) error {
	if c.node >= c.n || depth > 60 {
		return errForm
	}
	length := c.f.i64(c.nodes + 16*c.node)
	c.node++
	if length < 0 || length > int64(len(c.body))*8+1<<16 {
		return errForm
	}
	bufs := 0
	switch {
	case f.encoded:
		bufs = 2
	case f.kind == 1 || f.kind == 22:
	case f.kind == arrowStruct || f.kind == arrowFixedList:
		bufs = 1
	case f.kind == arrowBinary || f.kind == arrowUtf8 || f.kind == arrowLargeBinary || f.kind == arrowLargeUtf8:
		bufs = 3
	case f.kind == arrowUnion || f.kind > 22:
		c.a.unread = true
		return problem("an Arrow file with unions or views is not read")
	default:
		bufs = 2
	}
	var b [3][]byte
	for i := range bufs {
		var err error
		if b[i], err = c.buffer(); err != nil {
			return err
		}
	}
	var err error
	switch {
	case quiet:
	case f.encoded:
		err = c.encoded(f, name, int(length), b[0], b[1])
	case f.kind == arrowUtf8 || f.kind == arrowBinary:
		err = c.strings(name, int(length), 4, b)
	case f.kind == arrowLargeUtf8 || f.kind == arrowLargeBinary:
		err = c.strings(name, int(length), 8, b)
	case f.kind == arrowInt && f.width >= 32, f.kind == arrowDate, f.kind == arrowTimestamp:
		err = c.integers(name, int(length), f.width/8, f.form, b[0], b[1])
	case f.kind == arrowFloat && f.width >= 32 && !strings.HasSuffix(name, "[]"):
		err = c.fractions(name, int(length), f.width/8, f.form, b[0], b[1])
	case f.kind == arrowDecimal && f.form == decimal:
		err = c.decimals(name, int(length), f.width/8, b[0], b[1])
	case f.kind == arrowFixed && f.width > 0 && f.width < maxCell:
		for i := 0; i < int(length) && (i+1)*f.width <= len(b[1]) && err == nil; i++ {
			err = c.put(name, b[1][i*f.width:(i+1)*f.width])
		}
	}
	if err != nil || f.encoded {
		return err
	}
	for _, child := range f.children {
		below := name + "." + child.name
		if f.kind == arrowList || f.kind == arrowLargeList || f.kind == arrowFixedList || f.kind == arrowMap {
			below = name + "[]"
		} else if name == "" {
			below = child.name
		}
		if err := c.column(child, below, depth+1, quiet || f.kind == 22); err != nil {
			return err
		}
	}
	if f.kind == 22 {
		c.a.unread = true
	}
	return nil
}

func (c *columns) put(name string, v []byte) error {
	if c.texts != nil {
		*c.texts = append(*c.texts, bytes.Clone(v))
		return nil
	}
	return c.a.r.value(name, v)
}

// absent reports whether a value is null: its bit is not set.
func absent(valid []byte, i int) bool {
	return len(valid) > i/8 && valid[i/8]>>(i%8)&1 == 0
}

func (c *columns) strings(name string, n, width int, b [3][]byte) error {
	offset := func(i int) int64 {
		if width == 8 {
			return int64(binary.LittleEndian.Uint64(b[1][8*i:]))
		}
		return int64(binary.LittleEndian.Uint32(b[1][4*i:]))
	}
	if n == 0 {
		return nil
	}
	if len(b[1]) < (n+1)*width {
		return errForm
	}
	for i := range n {
		from, to := offset(i), offset(i+1)
		if from < 0 || to < from || to > int64(len(b[2])) {
			return errForm
		}
		if absent(b[0], i) && c.texts == nil {
			continue
		}
		if err := c.put(name, b[2][from:to]); err != nil {
			return err
		}
	}
	return nil
}

func (c *columns) integers(name string, n, width int, as form, valid, b []byte) error {
	if width != 4 && width != 8 || len(b) < n*width {
		return errForm
	}
	var num [24]byte
	if as == passed {
		return nil
	}
	for i := range n {
		v := int64(int32(binary.LittleEndian.Uint32(b[i*width:])))
		if width == 8 {
			v = int64(binary.LittleEndian.Uint64(b[i*width:]))
		}
		if absent(valid, i) {
			continue
		}
		if err := c.some(name, as.whole(num[:0], v)); err != nil {
			return err
		}
	}
	return nil
}

// some hands on a value, if there is one; a dictionary's keep their places.
func (c *columns) some(name string, v []byte) error {
	if len(v) == 0 && c.texts == nil {
		return nil
	}
	return c.put(name, v)
}

func (c *columns) fractions(name string, n, width int, as form, valid, b []byte) error {
	if width != 4 && width != 8 || len(b) < n*width {
		return errForm
	}
	var num [96]byte
	for i := range n {
		if absent(valid, i) && c.texts == nil {
			continue
		}
		v := 0.0
		if width == 4 {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[i*4:])))
		} else {
			v = math.Float64frombits(binary.LittleEndian.Uint64(b[i*8:]))
		}
		if err := c.some(name, as.real(num[:0], v)); err != nil {
			return err
		}
	}
	return nil
}

func (c *columns) decimals(name string, n, width int, valid, b []byte) error {
	if width < 4 || width > 32 || len(b) < n*width {
		return errForm
	}
	var num [96]byte
	var high [32]byte
	for i := range n {
		if absent(valid, i) && c.texts == nil {
			continue
		}
		for j, x := range b[i*width : (i+1)*width] { // the lowest byte is first
			high[width-1-j] = x
		}
		if err := c.some(name, decimal.big(num[:0], high[:width])); err != nil {
			return err
		}
	}
	return nil
}

// arrowForm is the width in bits and the form of a type that stands for numbers.
func arrowForm(kind int, name string, t flat) (int, form) {
	switch kind {
	case arrowFloat:
		return 16 << t.int16(0), formOfFractions(name)
	case arrowDecimal:
		width := 128
		if t.at(2) != 0 {
			width = t.int32(2)
		}
		if t.int32(1) != 0 {
			return width, passed
		}
		return width, decimal
	case arrowDate:
		if t.at(0) != 0 && t.int16(0) == 0 {
			return 32, days
		}
		return 64, millis
	}
	return 64, [...]form{seconds, millis, micros, nanos}[t.int16(0)&3]
}

// encoded reads a column of places in a dictionary.
func (c *columns) encoded(f arrowField, name string, n int, valid, b []byte) error {
	width := f.index / 8
	values := c.a.dictionaries[f.dictionary]
	if width != 1 && width != 2 && width != 4 && width != 8 || len(b) < n*width {
		return errForm
	}
	for i := range n {
		if absent(valid, i) {
			continue
		}
		k := uint64(0)
		for j := range width {
			k |= uint64(b[i*width+j]) << (8 * j)
		}
		if k >= uint64(len(values)) {
			return errForm
		}
		if err := c.put(name, values[k]); err != nil {
			return err
		}
	}
	return nil
}
