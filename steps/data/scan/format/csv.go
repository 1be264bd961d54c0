package format

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxCell is the longest cell handed on whole; a longer one comes in pieces.
const maxCell = 1 << 20

// maxColumns is how many columns of a table keep names of their own.
const maxColumns = 4096

// csv reads a table of cells between delimiters. Quotes hold delimiters and
// line breaks, doubled quotes stand for one; a quote that is never closed ends
// with its cell's limit, so one fault does not swallow the file.
func (r *reader) csv(in io.Reader, comma byte) error {
	b := bufio.NewReaderSize(decoded(in), 64<<10)
	if head, _ := b.Peek(4096); comma == ',' {
		if d := delimiter(head); d != 0 {
			comma = d
		}
	}
	t := table{r: r, comma: comma}
	for _, c := range []byte{comma, '\n', '\r', '"'} {
		t.ends[c] = true // of a stretch of plain bytes
	}
	for {
		line, err := b.ReadSlice('\n')
		if e := t.feed(line); e != nil {
			return e
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if e := t.end(); e != nil {
				return e
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return r.damaged("the table", err)
		}
	}
}

// table gathers the cells of a row.
type table struct {
	r      *reader
	comma  byte
	names  []string
	first  [][]byte // the first row, until it is known whether it names columns
	cell   []byte
	column int
	quoted bool // inside quotes
	closed bool // a quote was closed, and perhaps doubled
	any    bool // the row holds something
	ends   [256]bool
}

// feed reads on; b may end anywhere.
func (t *table) feed(b []byte) error {
	if done, err := t.plain(b); done || err != nil {
		return err
	}
	for i := 0; i < len(b); {
		if t.quoted {
			j := bytes.IndexByte(b[i:], '"')
			if j < 0 {
				j = len(b) - i
			}
			t.cell = append(t.cell, b[i:i+j]...)
			i += j
			if len(t.cell) > maxCell {
				t.quoted = false
			}
			if i < len(b) {
				t.quoted, t.closed = false, true
				i++
			}
			continue
		}
		c := b[i]
		switch {
		case c == '"' && (len(t.cell) == 0 || t.closed):
			if t.closed {
				t.cell = append(t.cell, '"')
			}
			t.quoted, t.closed, t.any = true, false, true
			i++
		case c == t.comma:
			t.any = true
			if err := t.put(t.cell); err != nil {
				return err
			}
			i++
		case c == '\n':
			if err := t.line(); err != nil {
				return err
			}
			i++
		case c == '\r' && i+1 < len(b) && b[i+1] == '\n':
			i++
		default:
			j := i + 1
			for j < len(b) && !t.ends[b[j]] {
				j++
			}
			t.cell = append(t.cell, b[i:j]...)
			t.any, t.closed = true, false
			i = j
			if len(t.cell) > maxCell {
				if err := t.put(t.cell); err != nil {
					return err
				}
				t.column--
			}
		}
	}
	return nil
}

// plain reads a line that is a whole row without quotes, as most are: its cells are handed
// on where they lie. It reports whether it did.
func (t *table) plain(b []byte) (bool, error) {
	n := len(b)
	if t.any || t.quoted || t.closed || t.column > 0 || len(t.cell) > 0 || n == 0 || b[n-1] != '\n' || bytes.IndexByte(b, '"') >= 0 {
		return false, nil
	}
	if n--; n > 0 && b[n-1] == '\r' {
		n--
	}
	if b = b[:n]; n == 0 {
		return true, nil
	}
	if bytes.IndexByte(b, '\r') >= 0 {
		return false, nil
	}
	t.any = true
	for {
		i := bytes.IndexByte(b, t.comma)
		if i < 0 {
			t.cell = append(t.cell, b...)
			return true, t.line()
		}
		if err := t.put(b[:i]); err != nil {
			return true, err
		}
		b = b[i+1:]
	}
}

// put hands a cell on.
func (t *table) put(cell []byte) error {
	column := t.column
	t.cell, t.closed = t.cell[:0], false
	t.column++
	if t.names == nil {
		if len(t.first) < maxColumns {
			t.first = append(t.first, bytes.Clone(cell))
		}
		return nil
	}
	return t.r.value(t.name(column), cell)
}

func (t *table) name(i int) string {
	if i < len(t.names) {
		return t.names[i]
	}
	return "beyond the header"
}

// line ends a row.
func (t *table) line() error {
	if !t.any && len(t.cell) == 0 {
		return nil
	}
	if err := t.put(t.cell); err != nil {
		return err
	}
	t.column, t.any = 0, false
	if t.names == nil {
		return t.header()
	}
	return t.r.row()
}

func (t *table) end() error {
	if t.any || len(t.cell) > 0 {
		return t.line()
	}
	return nil
}

// header decides whether the first row names the columns: cells that are short,
// distinct and begin with a letter do. A first row of values is one more row.
func (t *table) header() error {
	names, seen := make([]string, len(t.first)), map[string]bool{}
	is := len(t.first) > 0
	for i, c := range t.first {
		c = bytes.TrimSpace(c)
		names[i] = string(c)
		is = is && len(c) > 0 && len(c) < 64 && !seen[names[i]] && looksLikeName(c)
		seen[names[i]] = true
	}
	if is {
		t.names, t.first = names, nil
		return nil
	}
	t.names = make([]string, len(t.first))
	for i := range t.names {
		t.names[i] = "column " + strconv.Itoa(i+1)
	}
	for i, c := range t.first {
		if err := t.r.value(t.names[i], c); err != nil {
			return err
		}
	}
	t.first = nil
	return t.r.row()
}

// looksLikeName reports whether a cell could name a column: a letter or _ first,
// few digits, no @.
func looksLikeName(c []byte) bool {
	first, _ := utf8.DecodeRune(c)
	if first >= '0' && first <= '9' || first == '-' || first == '+' || first == '(' || bytes.IndexByte(c, '@') >= 0 {
		return false
	}
	digits := 0
	for _, x := range c {
		if x >= '0' && x <= '9' {
			digits++
		}
	}
	return digits < 4
}
