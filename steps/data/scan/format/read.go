package format

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"path"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Sink takes what a file holds. The bytes are the reader's and change after the
// call. An error ends the reading and is returned by Read.
type Sink interface {
	// Text takes a piece of free text; no value is cut between two pieces unless
	// it is longer than a piece.
	Text(text []byte) error
	// Value takes one cell. Column is its name, or a path such as
	// messages[].content; cells of one column come under one name.
	Value(column string, value []byte) error
	// Row tells that a record has ended.
	Row()
}

// Repeater is a Sink that takes a value which stands many times in a column at once, as
// columnar files store it; other sinks get it as often as it stands there.
type Repeater interface {
	Sink
	Repeated(column string, value []byte, times int64) error
}

// Batcher is a Sink that takes the values of a column as a columnar file stores them,
// many at once, so that what is asked of all of them is asked once.
type Batcher interface {
	Repeater
	// Texts takes cells: the i-th is data[offsets[i]:offsets[i+1]]; empty ones are none.
	Texts(column string, data []byte, offsets []uint32) error
	// Numbers takes cells that are whole numbers, in decimal digits.
	Numbers(column string, values []int64) error
}

// Limits bound what one file may cost. A zero field takes the default.
type Limits struct {
	Bytes int64 // read and decompressed, over all nested files; 16 GiB
	Rows  int64 // records; no limit
	Ratio int64 // decompressed bytes for each compressed one; 400
	Spool int64 // a nested file that must be read at random is held in memory up to this; 48 MiB
	Depth int   // archives within archives; 4
	// Places are where in a columnar file a record is read, each from 0 to 1 of its
	// rows; nil: all are read.
	Places []float64
	// Sampled says that a limit is the caller's own choice of a part, which he
	// accounts for: it is no reason for doubt.
	Sampled bool
}

func (l Limits) filled() Limits {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Bytes, 16<<30)
	def(&l.Rows, 1<<62)
	def(&l.Ratio, 400)
	def(&l.Spool, 48<<20)
	if l.Depth == 0 {
		l.Depth = 4
	}
	return l
}

// Report says what was read.
type Report struct {
	Format string // such as "csv", "parquet", "gzip/json"
	Bytes  int64  // handed to the sink or passed over, decompressed
	Rows   int64
	// Partial is true when a limit of rows or bytes ended the reading.
	Partial bool
	// Problems are the reasons why something in the file was not read, without
	// any value of it.
	Problems []string
}

// UnreadError is a reason why a file, or a part of it, was not read.
type UnreadError struct{ Why string }

// Error is the reason.
func (p UnreadError) Error() string { return p.Why }

func problem(format string, a ...any) error { return UnreadError{fmt.Sprintf(format, a...)} }

// errEnough ends a reading at a limit that the caller set.
var errEnough = errors.New("limit reached")

// Read reads one file of size bytes. The error is the context's or the sink's;
// all that is wrong with the file is in the report.
func Read(ctx context.Context, name string, src io.ReaderAt, size int64, lim Limits, sink Sink) (rep Report, err error) {
	if err := ctx.Err(); err != nil {
		return rep, err
	}
	r := &reader{ctx: ctx, lim: lim.filled(), sink: sink, rep: &rep}
	defer func() {
		if p := recover(); p != nil {
			// The libraries below meet files made to break them.
			rep.Problems = append(rep.Problems, "the file is damaged: reading it ended in a fault")
			err = ctx.Err()
		}
	}()
	err = r.file(path.Base(name), src, size, 0)
	switch p := (UnreadError{}); {
	case errors.As(err, &p):
		rep.Problems = append(rep.Problems, p.Why)
		err = nil
	case errors.Is(err, errEnough):
		rep.Partial, err = true, nil
	}
	if err == nil {
		// A library that was interrupted may have called the file damaged.
		err = ctx.Err()
	}
	return rep, err
}

// reader is one reading.
type reader struct {
	ctx    context.Context
	lim    Limits
	sink   Sink
	rep    *Report
	calls  int
	read   [256]parquet.Value // of a column
	wide   [256]int64         // numbers of half the width, on their way
	times  []int64            // of the values of a dictionary, over the pages of a column
	dict   parquet.Dictionary // that they are of, nil for none
	failed error              // the sink's or the context's own error, which no format may hide
}

// text, value and row pass to the sink, keeping account.
func (r *reader) text(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	return r.passed(len(b), r.sink.Text(b))
}

func (r *reader) value(column string, b []byte) error {
	return r.passed(len(b), r.sink.Value(column, b))
}

func (r *reader) repeated(column string, b []byte, times int64) error {
	if sink, ok := r.sink.(Repeater); ok {
		return r.passed(len(b)*int(times), sink.Repeated(column, b, times))
	}
	for range times {
		if err := r.value(column, b); err != nil {
			return err
		}
	}
	return nil
}

// texts and numbers pass many values at once, where the sink takes them so.
func (r *reader) texts(column string, data []byte, offsets []uint32) error {
	if len(offsets) < 2 {
		return nil
	}
	last := len(offsets) - 1
	if sink, ok := r.sink.(Batcher); ok {
		return r.passed(int(offsets[last]-offsets[0]), sink.Texts(column, data, offsets))
	}
	for i := 1; i <= last; i++ {
		if b := data[offsets[i-1]:offsets[i]]; len(b) > 0 {
			if err := r.value(column, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) numbers(column string, values []int64) error {
	if sink, ok := r.sink.(Batcher); ok {
		n := 0
		for _, v := range values {
			n += digits(v)
		}
		return r.passed(n, sink.Numbers(column, values))
	}
	var text [24]byte
	for _, v := range values {
		if err := r.value(column, strconv.AppendInt(text[:0], v, 10)); err != nil {
			return err
		}
	}
	return nil
}

// digits is how many characters a whole number takes.
func digits(v int64) int {
	sign, u := 0, uint64(v)
	if v < 0 {
		sign, u = 1, -u
	}
	n := bits.Len64(u|1) * 1233 >> 12 // by the logarithm of 2, one less or right
	if u >= tens[n] {
		n++
	}
	return max(n, 1) + sign
}

// tens are the powers of ten.
var tens = func() (t [20]uint64) {
	v := uint64(1)
	for i := range t {
		t[i] = v
		v *= 10
	}
	return t
}()

func (r *reader) row() error {
	r.sink.Row()
	r.rep.Rows++
	if r.rep.Rows >= r.lim.Rows {
		return errEnough
	}
	if r.rep.Rows&1023 == 0 {
		return r.passed(0, nil)
	}
	return nil
}

func (r *reader) passed(n int, err error) error {
	if r.calls++; err == nil && (r.calls&255 == 0 || n > 4096) {
		err = r.ctx.Err()
	}
	if err != nil {
		r.failed = err
		return err
	}
	r.rep.Bytes += int64(n)
	if r.rep.Bytes > r.lim.Bytes {
		return errEnough
	}
	return nil
}

// mine reports whether an error is not the file's fault: it must pass through.
func (r *reader) mine(err error) bool {
	return err != nil && (errors.Is(err, errEnough) || r.failed != nil && errors.Is(err, r.failed))
}

// damaged makes an UnreadError of a library's error, whose words might quote the
// file, unless the error is ours.
func (r *reader) damaged(what string, err error) error {
	var p UnreadError
	switch {
	case err == nil:
		return nil
	case r.mine(err) || errors.As(err, &p):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return problem("%s is cut short", what)
	}
	return problem("%s is damaged", what)
}

// note keeps a problem of a part, after which the rest is read on.
func (r *reader) note(err error) error {
	var p UnreadError
	if errors.As(err, &p) {
		if len(r.rep.Problems) < 20 {
			r.rep.Problems = append(r.rep.Problems, p.Why)
		}
		return nil
	}
	return err
}

// is names the format: the outer one first.
func (r *reader) is(name string, depth int) {
	if r.rep.Format == "" {
		r.rep.Format = name
	} else if depth > 0 && len(r.rep.Format) < 40 && !strings.HasSuffix(r.rep.Format, name) {
		r.rep.Format += "/" + name
	}
}

// file reads a file that can be read at random.
func (r *reader) file(name string, src io.ReaderAt, size int64, depth int) error {
	if depth > r.lim.Depth {
		return problem("archives are nested deeper than %d", r.lim.Depth)
	}
	if size == 0 {
		return problem("the file is empty")
	}
	head := make([]byte, min(size, headSize))
	n, err := src.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return r.damaged("the file", err)
	}
	head = head[:n]
	kind := detect(name, head)
	r.is(kind, depth)
	whole := io.NewSectionReader(src, 0, size)
	switch kind {
	case "parquet":
		return r.parquet(src, size)
	case "zip":
		return r.zip(src, size, depth)
	case "sqlite":
		return r.sqlite(src, size)
	case "arrow":
		return r.arrow(whole)
	case "pdf":
		return r.pdf(src, size)
	}
	return r.stream(kind, name, whole, depth)
}

// nested reads a file inside another, of which only a stream is at hand.
func (r *reader) nested(name string, in io.Reader, depth int) error {
	if depth > r.lim.Depth {
		return problem("archives are nested deeper than %d", r.lim.Depth)
	}
	head, in := headOf(in, headSize)
	if len(head) == 0 {
		if f, failed := in.(failing); failed && !errors.Is(f.err, io.EOF) {
			return r.damaged("a compressed part", f.err)
		}
		return nil
	}
	kind := detect(name, head)
	rest := io.MultiReader(bytes.NewReader(head), in)
	switch kind {
	case "parquet", "zip", "sqlite", "pdf":
		whole, err := io.ReadAll(io.LimitReader(rest, r.lim.Spool+1))
		if err != nil {
			return r.damaged("a compressed part", err)
		}
		if int64(len(whole)) > r.lim.Spool {
			return problem("a nested %s file is larger than the %d MiB held in memory", kind, r.lim.Spool>>20)
		}
		return r.file(name, bytes.NewReader(whole), int64(len(whole)), depth)
	case "arrow":
		r.is(kind, depth)
		return r.arrow(rest)
	}
	r.is(kind, depth)
	return r.stream(kind, name, rest, depth)
}

// stream reads the formats that are read from front to back.
func (r *reader) stream(kind, name string, in io.Reader, depth int) error {
	switch kind {
	case "gzip", "zstd", "bzip2", "xz":
		return r.decompress(kind, name, in, depth)
	case "tar":
		return r.tar(in, depth)
	case "avro":
		return r.avro(in)
	case "tfrecord":
		return r.tfrecord(in)
	case "npy":
		return r.npy(in)
	case "csv":
		return r.csv(in, ',')
	case "tsv":
		return r.csv(in, '\t')
	case "json", "jsonl", "notebook":
		return r.json(in)
	case "html", "xml":
		return r.markup(in)
	case "mail":
		return r.mail(in, depth)
	case "mbox":
		return r.mbox(in, depth)
	case "sql":
		return r.sql(in)
	case "text", "markdown", "log":
		return r.plain(in)
	}
	if why, ok := opaque[kind]; ok {
		return problem("%s", why)
	}
	return problem("binary data of a form that is not read")
}
