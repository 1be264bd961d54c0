package format_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// counted is a reader that counts what is read.
type counted struct {
	io.ReaderAt
	n int64
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	c.n += int64(n)
	return n, err
}

// cells keeps the cells of one column.
type cells struct {
	of   string
	list []string
	rows int
}

func (c *cells) Text([]byte) error { return nil }
func (c *cells) Row()              { c.rows++ }
func (c *cells) Value(column string, v []byte) error {
	if column == c.of {
		c.list = append(c.list, string(v))
	}
	return nil
}

// The rows at the places drawn are read, those and no others, over row groups, in flat and
// in nested columns.
func TestDrawnRows(t *testing.T) {
	type row struct {
		ID    int64    `parquet:"id"`
		Mail  string   `parquet:"mail"`
		Words []string `parquet:"words,list"`
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[row](&file, parquet.MaxRowsPerRowGroup(20_000), parquet.PageBufferSize(16<<10))
	const n = 100_000
	for i := range n {
		if _, err := w.Write([]row{{int64(i), fmt.Sprintf("p%d@example.com", i), []string{fmt.Sprint("w", i), fmt.Sprint("v", i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	places := []float64{0, .12345, .19999, .2, .5, .5, .99999, 1}
	want := []int{0, 12345, 19999, 20000, 50000, 99999}
	for _, column := range []string{"mail", "id", "words[]"} {
		in := &counted{ReaderAt: bytes.NewReader(file.Bytes())}
		got := &cells{of: column}
		rep, err := format.Read(context.Background(), "x.parquet", in, int64(file.Len()), format.Limits{Places: places, Sampled: true}, got)
		if err != nil || len(rep.Problems) > 0 || rep.Rows != int64(len(want)) || got.rows != len(want) {
			t.Fatalf("%s: %+v %v", column, rep, err)
		}
		var expect []string
		for _, r := range want {
			switch column {
			case "mail":
				expect = append(expect, fmt.Sprintf("p%d@example.com", r))
			case "id":
				expect = append(expect, fmt.Sprint(r))
			default:
				expect = append(expect, fmt.Sprint("w", r), fmt.Sprint("v", r))
			}
		}
		if fmt.Sprint(got.list) != fmt.Sprint(expect) {
			t.Errorf("%s: %v, want %v", column, got.list, expect)
		}
	}
	// Damaged from the middle on, it is no file whose rows were read.
	half := append([]byte{}, file.Bytes()...)
	for i := len(half) / 8; i < len(half)*7/8; i++ {
		half[i] = 0xff
	}
	rep, err := format.Read(context.Background(), "x.parquet", bytes.NewReader(half), int64(len(half)), format.Limits{Places: places}, &cells{})
	if err != nil || len(rep.Problems) == 0 {
		t.Errorf("damaged: %+v %v", rep, err)
	}
}
