package flows

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

const parquetMagic = "PAR1"

// Bounds of Parquet files, whose sizes are said by the file itself.
const (
	maxRows = 1 << 31
	batch   = 1024
)

// parquetStream reads a Parquet file that comes as a stream: its directory
// stands at its end.
func (d *reading) parquetStream(b *bufio.Reader) {
	all, err := io.ReadAll(io.LimitReader(b, maxParquetRead+1))
	switch {
	case err != nil:
		d.file.Format = "vpc parquet"
		d.cut(err)
	case len(all) > maxParquetRead:
		d.file.Format = "vpc parquet"
		d.file.Cut = true
		d.problem(0, "a compressed or piped Parquet file larger than 512 MB", "unpack it and give it as a file")
	default:
		d.parquet(bytes.NewReader(all), int64(len(all)))
	}
}

// parquet reads a Parquet file of VPC flow logs.
func (d *reading) parquet(r io.ReaderAt, size int64) {
	d.file.Format = "vpc parquet"
	// The library checks much and not all of what a file says of itself.
	defer func() {
		if p := recover(); p != nil {
			d.file.Cut = true
			d.problem(d.line, fmt.Sprintf("a damaged Parquet file: %v", p), "fetch the file again")
		}
	}()
	if err := wholeFooter(r, size); err != nil {
		d.file.Cut = true
		d.problem(0, "is no whole Parquet file: "+err.Error(), "fetch the file again")
		return
	}
	f, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		d.file.Cut = true
		d.problem(0, "is no whole Parquet file: "+err.Error(), "fetch the file again")
		return
	}
	columns, form, err := parquetColumns(f)
	if err != nil {
		d.file.Cut = true
		d.problem(0, err.Error(), "")
		return
	}
	for i, g := range f.RowGroups() {
		if err := d.rowGroup(g, columns, form); err != nil {
			if d.ctx.Err() == nil {
				d.file.Cut = true
				d.problem(d.line, fmt.Sprintf("row group %d: %v", i, err), "fetch the file again")
			}
			return
		}
	}
}

// wholeFooter checks that a file's directory lies within it, as long as it says
// to be: the library takes memory for it before it reads.
func wholeFooter(r io.ReaderAt, size int64) error {
	var end [8]byte
	if size < 12 {
		return io.ErrUnexpectedEOF
	}
	if _, err := r.ReadAt(end[:], size-8); err != nil && err != io.EOF {
		return err
	}
	switch n := int64(binary.LittleEndian.Uint32(end[:4])); {
	case string(end[4:]) != parquetMagic:
		return errors.New("it does not end as one")
	case n > size-12:
		return errors.New("its directory would be longer than the file")
	}
	return nil
}

// parquetColumn is a column that is read.
type parquetColumn struct {
	index int
	at    field
	kind  parquet.Kind
}

// parquetColumns finds the columns by name. AWS writes underscores for hyphens.
func parquetColumns(f *parquet.File) ([]parquetColumn, *format, error) {
	var columns []parquetColumn
	form := &format{}
	for _, c := range f.Root().Columns() {
		if !c.Leaf() {
			continue
		}
		at := vpcFields[strings.ReplaceAll(c.Name(), "_", "-")]
		if at == fieldOther {
			continue
		}
		if form.has[at] {
			return nil, nil, fmt.Errorf("column %s stands twice", c.Name())
		}
		kind := c.Type().Kind()
		switch kind {
		case parquet.Int32, parquet.Int64, parquet.ByteArray, parquet.FixedLenByteArray:
		default:
			return nil, nil, fmt.Errorf("column %s is of a type that flow logs do not have", c.Name())
		}
		if c.Repeated() {
			return nil, nil, fmt.Errorf("column %s is a list", c.Name())
		}
		form.has[at] = true
		columns = append(columns, parquetColumn{index: c.Index(), at: at, kind: kind})
	}
	if missing := form.lacks(); missing != "" {
		return nil, nil, fmt.Errorf("a Parquet file without columns %s is no VPC flow log that says who spoke to whom", missing)
	}
	return columns, form, nil
}

// columnReader reads one column of a row group, a batch at a time.
type columnReader struct {
	parquetColumn
	pages  parquet.Pages
	values parquet.ValueReader
	page   parquet.Page
	buf    [batch]parquet.Value
	n, i   int
	text   []byte // of a number, as the text format has it
}

func (c *columnReader) close() {
	if c.page != nil {
		parquet.Release(c.page)
	}
	c.pages.Close()
}

// next is the column's next value as the text format would have it, nil for
// none. It is good until the following call.
func (c *columnReader) next() ([]byte, error) {
	for c.i == c.n {
		if c.values == nil {
			if c.page != nil {
				parquet.Release(c.page)
				c.page = nil
			}
			page, err := c.pages.ReadPage()
			if err != nil {
				return nil, err
			}
			c.page, c.values = page, page.Values()
		}
		n, err := c.values.ReadValues(c.buf[:])
		c.n, c.i = n, 0
		switch {
		case err == io.EOF:
			c.values = nil // the page stays: what was read points into it
		case err != nil:
			return nil, err
		case n == 0:
			return nil, io.ErrNoProgress
		}
	}
	v := &c.buf[c.i]
	c.i++
	if v.IsNull() {
		return nil, nil
	}
	switch c.kind {
	case parquet.Int32:
		c.text = strconv.AppendInt(c.text[:0], int64(v.Int32()), 10)
		return c.text, nil
	case parquet.Int64:
		c.text = strconv.AppendInt(c.text[:0], v.Int64(), 10)
		return c.text, nil
	}
	return v.ByteArray(), nil
}

func (d *reading) rowGroup(g parquet.RowGroup, columns []parquetColumn, form *format) error {
	rows := g.NumRows()
	if rows < 0 || rows > maxRows {
		return fmt.Errorf("it says to have %d rows", rows)
	}
	chunks := g.ColumnChunks()
	for _, c := range columns {
		if f, ok := chunks[c.index].(*parquet.FileColumnChunk); ok {
			if said := f.NumValues(); said != rows {
				return fmt.Errorf("a column has %d values where there are %d rows", said, rows)
			}
		}
	}
	readers := make([]*columnReader, 0, len(columns))
	defer func() {
		for _, c := range readers {
			c.close()
		}
	}()
	for _, c := range columns {
		readers = append(readers, &columnReader{parquetColumn: c, pages: chunks[c.index].Pages()})
	}
	for range rows {
		d.line++
		if d.line%checkEvery == 0 && d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		var v fields
		for _, c := range readers {
			value, err := c.next()
			if err == io.EOF {
				return fmt.Errorf("a column has fewer values than the %d rows it should have", rows)
			}
			if err != nil {
				return err
			}
			v[c.at] = value
		}
		if err := d.t.values(form, &v); err != nil {
			d.bad(err.Error())
		}
	}
	return nil
}
