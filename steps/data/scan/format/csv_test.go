package format

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
)

// rowsOf gathers what a table makes of lines, each fed whole or a byte at a time.
func rowsOf(t *testing.T, lines []byte, whole bool) (cells []string) {
	t.Helper()
	sink := &rowSink{}
	rep := Report{}
	tab := table{r: &reader{ctx: context.Background(), lim: Limits{}.filled(), sink: sink, rep: &rep}, comma: ','}
	for _, c := range []byte(",\n\r\"") {
		tab.ends[c] = true
	}
	for len(lines) > 0 {
		n := 1
		if i := bytes.IndexByte(lines, '\n'); whole {
			n = len(lines)
			if i >= 0 {
				n = i + 1
			}
		} else if bytes.HasPrefix(lines, []byte("\r\n")) {
			n = 2 // which the reader looks at together
		}
		if err := tab.feed(lines[:n]); err != nil {
			t.Fatal(err)
		}
		lines = lines[n:]
	}
	if err := tab.end(); err != nil {
		t.Fatal(err)
	}
	return sink.cells
}

type rowSink struct{ cells []string }

func (s *rowSink) Text([]byte) error { return nil }
func (s *rowSink) Value(column string, b []byte) error {
	s.cells = append(s.cells, column+"="+string(b))
	return nil
}
func (s *rowSink) Row() { s.cells = append(s.cells, "row") }

// A line without quotes is split where it lies; it holds what it holds byte by byte.
func TestPlainLinesAreSplitAsAllOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	parts := []string{"a", "12", ",", ",", "\n", "\r\n", "\n", "\"x,\ny\"", "\"", "\r", " ", "b\"c", "é"}
	rows := 0
	for range 4000 {
		text := []byte("name,age,city\n")
		for range r.IntN(30) {
			text = append(text, parts[r.IntN(len(parts))]...)
		}
		whole, single := rowsOf(t, text, true), rowsOf(t, text, false)
		if !slices.Equal(whole, single) {
			t.Fatalf("%q: %q by lines, %q by bytes", text, whole, single)
		}
		rows += len(whole)
	}
	if rows < 4000 {
		t.Errorf("only %d cells and rows", rows)
	}
}
