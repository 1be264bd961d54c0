package format

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
	parquetformat "github.com/parquet-go/parquet-go/format"
)

// maxLeaves is how many columns a Parquet file may have.
const maxLeaves = 20_000

// parquet reads the columns of a Parquet file, one row group and one column at
// a time: texts as they are, whole numbers as digits. Fractions, flags, days
// and times hold nothing that names a person and are passed over.
func (r *reader) parquet(src io.ReaderAt, size int64) error {
	f, err := parquet.OpenFile(src, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(r.lim.Places == nil),
		parquet.ReadBufferSize(1<<20))
	if err != nil {
		return r.damaged("the Parquet file", err)
	}
	leaves := leavesOf(f.Root(), nil, nil)
	if len(leaves) > maxLeaves {
		return problem("the Parquet file has more than %d columns", maxLeaves)
	}
	if r.lim.Places != nil {
		return r.drawn(f, leaves)
	}
	for _, group := range f.RowGroups() {
		rows := min(group.NumRows(), r.lim.Rows-r.rep.Rows)
		for i, chunk := range group.ColumnChunks() {
			if i >= len(leaves) {
				break
			}
			if leaves[i].form == passed {
				continue
			}
			if err := r.column(leaves[i], chunk, rows); err != nil {
				return r.damaged("the Parquet file", err)
			}
		}
		for range rows {
			if err := r.row(); err != nil {
				return err
			}
		}
	}
	return nil
}

// drawn reads the rows at the places drawn, each once, and of each column no more than
// the pages they lie in where the file has an index of them.
func (r *reader) drawn(f *parquet.File, leaves []leaf) error {
	total := f.NumRows()
	var rows []int64
	for _, p := range r.lim.Places {
		if row := int64(p * float64(total)); row >= 0 && row < total {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	before := int64(0)
	for _, group := range f.RowGroups() {
		end, n := before+group.NumRows(), 0
		for n < len(rows) && rows[n] < end {
			n++
		}
		for i, chunk := range group.ColumnChunks() {
			if i >= len(leaves) || n == 0 {
				break
			}
			if leaves[i].form != passed {
				if err := r.drawnOf(leaves[i], chunk, rows[:n], before); err != nil {
					return r.damaged("the Parquet file", err)
				}
			}
		}
		for range n {
			if err := r.row(); err != nil {
				return err
			}
		}
		before, rows = end, rows[n:]
	}
	return nil
}

// drawnOf hands on the values of some rows of one column of one row group.
func (r *reader) drawnOf(l leaf, chunk parquet.ColumnChunk, rows []int64, before int64) error {
	pages := chunk.Pages()
	defer pages.Close()
	for _, row := range rows {
		if err := pages.SeekToRow(row - before); err != nil {
			return err
		}
		page, err := pages.ReadPage()
		if err != nil {
			return err
		}
		err = r.values(l, page.Slice(0, min(1, page.NumRows())), one)
		parquet.Release(page)
		if err != nil && !errors.Is(err, errRows) {
			return err
		}
	}
	return nil
}

// leaf is a column that holds values.
type leaf struct {
	name string
	kind parquet.Kind
	form form
	flat bool // one value a row
}

// leavesOf lists the leaves below a column in the file's order. The wrappers
// that lists and maps are stored in are no part of a name.
func leavesOf(c *parquet.Column, path []string, all []leaf) []leaf {
	if c.Leaf() {
		return append(all, leaf{strings.Join(path, "."), c.Type().Kind(), formOf(c, path), !c.Repeated() && len(path) == 1})
	}
	for _, child := range c.Columns() {
		below := path
		switch n := child.Name(); {
		case n == "list" || n == "element" || n == "key_value" || n == "item" || n == "array":
			if child.Repeated() && len(below) > 0 && !strings.HasSuffix(below[len(below)-1], "[]") {
				below = append(append([]string{}, below[:len(below)-1]...), below[len(below)-1]+"[]")
			}
		default:
			if child.Repeated() {
				n += "[]"
			}
			below = append(append([]string{}, below...), n)
		}
		all = leavesOf(child, below, all)
		if len(all) > maxLeaves {
			break
		}
	}
	return all
}

// formOf is how the values of a column are written out. The members of lists of
// fractions are an embedding's.
func formOf(c *parquet.Column, path []string) form {
	t := c.Type()
	switch t.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray, parquet.Int32, parquet.Int64:
	case parquet.Int96:
		return julian
	case parquet.Double, parquet.Float:
		if len(path) == 0 || slices.ContainsFunc(path, func(p string) bool { return strings.HasSuffix(p, "[]") }) {
			return passed
		}
		return formOfFractions(path[len(path)-1])
	default:
		return passed
	}
	l := t.LogicalType()
	if l == nil {
		return plain
	}
	switch v := l.Value.(type) {
	case *parquetformat.DecimalType:
		if v.Scale > 0 {
			return passed
		}
		return decimal
	case *parquetformat.DateType:
		return days
	case *parquetformat.TimestampType:
		if v.Unit.Value == nil {
			return passed
		}
		switch v.Unit.Value.Duration() {
		case time.Millisecond:
			return millis
		case time.Microsecond:
			return micros
		}
		return nanos
	case *parquetformat.Float16Type, *parquetformat.TimeType:
		return passed
	}
	return plain
}

// errRows ends a column at the rows that are wanted.
var errRows = errors.New("rows enough")

// column hands on one column of one row group.
func (r *reader) column(l leaf, chunk parquet.ColumnChunk, rows int64) error {
	pages := chunk.Pages()
	defer pages.Close()
	err := r.pages(l, pages, rows)
	if r.mine(err) {
		r.dict = nil
		return err
	}
	if e := r.different(l); e != nil { // what was counted before the damage, too
		return e
	}
	if errors.Is(err, io.EOF) || errors.Is(err, errRows) {
		return nil
	}
	return err
}

// pages hands on the pages of a column up to so many rows. It ends with an error always,
// io.EOF and errRows being good ones.
func (r *reader) pages(l leaf, pages parquet.Pages, left int64) error {
	for {
		page, err := pages.ReadPage()
		if err != nil {
			return err
		}
		n := page.NumValues()
		err = r.values(l, page, left)
		parquet.Release(page)
		if err != nil {
			return err
		}
		left -= n
	}
}

// values hands on the values of a page, of a flat column at most so many; then it
// returns errRows.
func (r *reader) values(l leaf, page parquet.Page, most int64) error {
	if l.flat && page.NumValues() > most || most == one {
		return r.eachValue(l, page, most)
	}
	if d := page.Dictionary(); d != nil {
		return r.dictionary(l, d, page.Data())
	}
	return r.plainValues(l, page)
}

// one bids values take a slice of a page as it stands.
const one = math.MaxInt64

// dictionary counts the values that a page points to. The pages of a column share one
// dictionary, so that each different value is handed on once, by different.
func (r *reader) dictionary(l leaf, d parquet.Dictionary, in encoding.Values) error {
	if r.dict != d {
		if err := r.different(l); err != nil {
			return err
		}
		n := d.Len()
		if cap(r.times) < n {
			r.times = make([]int64, n)
		}
		r.times, r.dict = r.times[:n], d
		clear(r.times)
	}
	times := r.times
	for _, i := range in.Int32() {
		if uint(i) >= uint(len(times)) {
			return errForm
		}
		times[i]++
	}
	return nil
}

// different hands on the values that were counted, each with its number.
func (r *reader) different(l leaf) error {
	d := r.dict
	if d == nil {
		return nil
	}
	r.dict = nil
	var digits [96]byte
	for i, k := range r.times {
		if k == 0 {
			continue
		}
		v := d.Index(int32(i))
		if b := l.bytes(digits[:0], &v); len(b) > 0 {
			if err := r.repeated(l.name, b, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// plainValues hands on the values of a page that stores them one after another; nulls
// are not among them.
func (r *reader) plainValues(l leaf, page parquet.Page) error {
	var digits [96]byte
	some := func(b []byte) error {
		if len(b) == 0 {
			return nil
		}
		return r.value(l.name, b)
	}
	in := page.Data()
	switch {
	case l.kind == parquet.ByteArray && l.form == plain:
		data, offsets := in.ByteArray()
		return r.texts(l.name, data, offsets)
	case l.kind == parquet.Int64 && l.form == plain && in.Kind() == encoding.Int64:
		return r.numbers(l.name, in.Int64())
	case l.kind == parquet.Int32 && l.form == plain && in.Kind() == encoding.Int32:
		for narrow := range slices.Chunk(in.Int32(), len(r.wide)) {
			for i, v := range narrow {
				r.wide[i] = int64(v)
			}
			if err := r.numbers(l.name, r.wide[:len(narrow)]); err != nil {
				return err
			}
		}
	case l.kind == parquet.Int64 && in.Kind() == encoding.Int64:
		for _, v := range in.Int64() {
			if err := some(l.form.whole(digits[:0], v)); err != nil {
				return err
			}
		}
	case l.kind == parquet.Int32 && in.Kind() == encoding.Int32:
		for _, v := range in.Int32() {
			if err := some(l.form.whole(digits[:0], int64(v))); err != nil {
				return err
			}
		}
	case l.kind == parquet.Double && l.form == fraction:
		for some := range slices.Chunk(in.Double(), len(r.wide)) {
			whole := r.wide[:0]
			for _, v := range some {
				if named(v) {
					whole = append(whole, int64(v))
				}
			}
			if len(whole) == 0 {
				continue // not a value of this column was seen
			}
			if err := r.numbers(l.name, whole); err != nil {
				return err
			}
		}
	case l.kind == parquet.Double:
		for _, v := range in.Double() {
			if err := some(l.form.real(digits[:0], v)); err != nil {
				return err
			}
		}
	default:
		return r.eachValue(l, page, math.MaxInt64)
	}
	return nil
}

// bytes writes a value as its column's form asks.
func (l *leaf) bytes(dst []byte, v *parquet.Value) []byte {
	switch v.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		if l.form == decimal {
			return l.form.big(dst, v.ByteArray())
		}
		return v.ByteArray()
	case parquet.Double:
		return l.form.real(dst, v.Double())
	case parquet.Float:
		return l.form.real(dst, float64(v.Float()))
	case parquet.Int96:
		return julianDay(dst, v.Int96()[2])
	}
	return l.form.whole(dst, v.Int64())
}

// eachValue hands on the values of a page one by one.
func (r *reader) eachValue(l leaf, page parquet.Page, most int64) error {
	values := r.read[:]
	var digits [96]byte
	in := page.Values()
	for seen := int64(0); ; {
		n, err := in.ReadValues(values)
		for _, v := range values[:n] {
			if seen++; l.flat && seen > most {
				return errRows
			}
			if v.IsNull() {
				continue
			}
			b := l.bytes(digits[:0], &v)
			if len(b) == 0 {
				continue
			}
			if err := r.value(l.name, b); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
