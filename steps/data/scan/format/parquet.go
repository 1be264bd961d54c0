package format

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	parquetformat "github.com/parquet-go/parquet-go/format"
)

// maxLeaves is how many columns a Parquet file may have.
const maxLeaves = 20_000

// parquet reads the columns of a Parquet file, one row group and one column at
// a time: texts as they are, whole numbers as digits. Fractions, flags, days
// and times hold nothing that names a person and are passed over.
func (r *reader) parquet(src io.ReaderAt, size int64) error {
	f, err := parquet.OpenFile(src, size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true),
		parquet.ReadBufferSize(1<<20))
	if err != nil {
		return r.damaged("the Parquet file", err)
	}
	leaves := leavesOf(f.Root(), nil, nil)
	if len(leaves) > maxLeaves {
		return problem("the Parquet file has more than %d columns", maxLeaves)
	}
	for _, group := range f.RowGroups() {
		rows := min(group.NumRows(), r.lim.Rows-r.rep.Rows)
		for i, chunk := range group.ColumnChunks() {
			if i >= len(leaves) {
				break
			}
			if !leaves[i].read {
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

// leaf is a column that holds values.
type leaf struct {
	name string
	read bool
	flat bool // one value a row
}

// leavesOf lists the leaves below a column in the file's order. The wrappers
// that lists and maps are stored in are no part of a name.
func leavesOf(c *parquet.Column, path []string, all []leaf) []leaf {
	if c.Leaf() {
		return append(all, leaf{strings.Join(path, "."), readable(c), !c.Repeated() && len(path) == 1})
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

// readable reports whether a column's values can name anything: texts, bytes
// and whole numbers that are no days, times or amounts.
func readable(c *parquet.Column) bool {
	t := c.Type()
	switch t.Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray, parquet.Int32, parquet.Int64:
	default:
		return false
	}
	l := t.LogicalType()
	if l == nil {
		return true
	}
	switch l.Value.(type) {
	case *parquetformat.DecimalType, *parquetformat.Float16Type, *parquetformat.DateType, *parquetformat.TimeType, *parquetformat.TimestampType:
		return false
	}
	return true
}

// column hands on one column of one row group.
func (r *reader) column(l leaf, chunk parquet.ColumnChunk, rows int64) error {
	pages := chunk.Pages()
	defer pages.Close()
	values := make([]parquet.Value, 256)
	var digits [24]byte
	seen := int64(0)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		in := page.Values()
		for {
			n, err := in.ReadValues(values)
			for _, v := range values[:n] {
				if seen++; l.flat && seen > rows {
					parquet.Release(page)
					return nil
				}
				var b []byte
				switch {
				case v.IsNull():
					continue
				case v.Kind() == parquet.ByteArray || v.Kind() == parquet.FixedLenByteArray:
					b = v.ByteArray()
				default:
					b = strconv.AppendInt(digits[:0], v.Int64(), 10)
				}
				if err := r.value(l.name, b); err != nil {
					parquet.Release(page)
					return err
				}
			}
			if errors.Is(err, io.EOF) || err == nil && n == 0 {
				break
			}
			if err != nil {
				parquet.Release(page)
				return err
			}
		}
		parquet.Release(page)
	}
}
