package ocsf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// maxHeader bounds a line that names columns.
const maxHeader = 16 << 10

// Looks reports whether a file begins like one that Reader reads: with JSON, with the
// columns of CloudTrail Lake, or with the time that an export of CloudWatch Logs puts
// before each record.
func Looks(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[' || stamp(head) > 0 || IsTable(head))
}

// IsTable reports whether a text begins with a line that names columns of CloudTrail Lake:
// such a text can only be read from its beginning, and a row may hold line breaks.
func IsTable(head []byte) bool {
	return tableOf(bytes.TrimPrefix(head[:min(len(head), maxHeader)], []byte("\xef\xbb\xbf"))) != nil
}

// tableOf reads the names of columns that a text begins with; nil where none of them is one
// of CloudTrail's.
func tableOf(head []byte) *lakeRow {
	var s rowScan
	n, ok := s.next(head)
	if !ok {
		if s.quoted {
			return nil
		}
		n = len(head)
	}
	names, err := splitRow(strings.TrimRight(string(head[:n]), "\r\n"), nil)
	if err != nil {
		return nil
	}
	l := newLakeRow(names)
	if l.known == 0 || len(names) == 1 && l.whole < 0 {
		return nil
	}
	return l
}

// rowScan finds where a row of CSV ends: at the first line break outside quotes.
type rowScan struct {
	i      int // looked at so far
	quoted bool
}

// next looks at b, of which the first s.i bytes were seen before, and returns how long the
// row is with its line break, once that is in b.
func (s *rowScan) next(b []byte) (size int, ok bool) {
	for s.i < len(b) {
		stops := "\"\n"
		if s.quoted {
			stops = `"`
		}
		n := bytes.IndexAny(b[s.i:], stops)
		if n < 0 {
			s.i = len(b)
			break
		}
		s.i += n + 1
		if b[s.i-1] == '\n' {
			return s.i, true
		}
		s.quoted = !s.quoted
	}
	return 0, false
}

var errRow = errors.New("a row with a quote where none can stand")

// splitRow takes a row of CSV apart (RFC 4180), into memory of fields.
func splitRow(s string, fields []string) ([]string, error) {
	fields = fields[:0]
	for {
		if !strings.HasPrefix(s, `"`) {
			field, rest, more := strings.Cut(s, ",")
			if strings.Contains(field, `"`) {
				return nil, errRow
			}
			fields = append(fields, field)
			if s = rest; !more {
				return fields, nil
			}
			continue
		}
		end := 1
		for {
			n := strings.IndexByte(s[end:], '"')
			if n < 0 {
				return nil, errRow
			}
			if end += n + 1; end == len(s) || s[end] != '"' {
				break
			}
			end++
		}
		fields = append(fields, strings.ReplaceAll(s[1:end-1], `""`, `"`))
		switch {
		case end == len(s):
			return fields, nil
		case s[end] != ',':
			return nil, errRow
		}
		s = s[end+1:]
	}
}

// table begins to read CloudTrail Lake's rows, if that is what the text is.
func (r *Reader) table() bool {
	if r.o.Mapping != nil || r.o.Source != SourceUnknown && r.o.Source != CloudTrail {
		return false
	}
	r.need(maxHeader)
	r.lake = tableOf(r.buf[r.at:min(len(r.buf), r.at+maxHeader)])
	return r.lake != nil
}

// columns passes over the line that names them, and tells what is wanting.
func (r *Reader) columns() error {
	var s rowScan
	n, ok := s.next(r.buf[r.at:])
	if !ok {
		n = len(r.buf) - r.at
	}
	from, raw := r.offset(), r.buf[r.at:r.at+n]
	r.at += n
	r.named = true
	if err := r.lake.unusable(); err != nil {
		r.ended = true
		return r.rejected(from, raw, 0, err.Error())
	}
	if err := r.lake.partial(); err != nil {
		return r.rejected(from, raw, int64(n), err.Error())
	}
	return nil
}

// row reads the next row of a table.
func (r *Reader) row(e *Event) (done bool, err error) {
	if !r.named {
		if err := r.columns(); err != nil {
			return true, err
		}
	}
	if _, ok := r.peek(); !ok { // empty lines
		return true, r.end()
	}
	var s rowScan
	for {
		have := r.buf[r.at:]
		n, ok := s.next(have)
		switch {
		case ok:
		case len(have) > r.o.MaxEvent, r.eof && s.quoted:
			if r.eof {
				return true, r.skipLine("a row with a quote that is never closed")
			}
			return true, r.skipLine(fmt.Sprintf("a row of more than %d bytes", r.o.MaxEvent))
		case r.eof:
			n = len(have)
		default:
			r.more()
			continue
		}
		if n > r.o.MaxEvent {
			return true, r.skipLine(fmt.Sprintf("a row of more than %d bytes", r.o.MaxEvent))
		}
		raw, from := have[:n], r.offset()
		r.at += n
		l := r.lake
		l.fields, err = splitRow(strings.TrimRight(string(raw), "\r\n"), l.fields)
		if err != nil {
			return true, r.rejected(from, raw, int64(n), err.Error())
		}
		return r.fromRow(l, l.fields, raw, from, e)
	}
}

// fromRow reads a row's record.
func (r *Reader) fromRow(l *lakeRow, fields []string, raw []byte, from int64, e *Event) (done bool, err error) {
	if len(fields) != l.width {
		return true, r.rejected(from, raw, int64(len(raw)), "a row that has not as many fields as there are columns")
	}
	r.from = from
	text, doubt := l.record(fields)
	switch err := r.one(text, from, e); {
	case errors.Is(err, errUnwrapped):
		return false, nil
	case err != nil:
		return true, r.rejected(from, raw, int64(len(raw)), err.Error())
	}
	if doubt != nil {
		r.doubts = append(r.doubts, r.rejected(from, raw, int64(len(raw)), doubt.Error()))
	}
	return true, nil
}

// skipLine passes over a line that is no row.
func (r *Reader) skipLine(reason string) error {
	from := r.offset()
	raw := bytes.Clone(r.buf[r.at:min(len(r.buf), r.at+maxSample)])
	if i := bytes.IndexByte(raw, '\n'); i >= 0 {
		raw = raw[:i]
	}
	r.skipWord()
	return r.rejected(from, raw, r.offset()-from, reason)
}

// answerRow reads a row of get-query-results: a list of objects of one member each.
func (r *Reader) answerRow(e *Event) (bool, error) {
	size, complete := r.extent()
	if !complete {
		return true, r.skipBad(r.tooLong())
	}
	raw, from := r.buf[r.at:r.at+size:r.at+size], r.offset()
	r.at += size
	var names, values []string
	c := cursor.New(raw)
	elems(&c, func() {
		fields(&c, func(name string) {
			names = append(names, name)
			if c.Peek() == '"' {
				values = append(values, c.String())
				return
			}
			values = append(values, "")
			c.Skip()
		})
	})
	if err := c.Err(); err != nil {
		return true, r.rejected(from, raw, int64(size), err.Error())
	}
	l := newLakeRow(names)
	if err := l.unusable(); err != nil {
		return true, r.rejected(from, raw, int64(size), err.Error())
	}
	if err := l.partial(); err != nil && !r.blind {
		r.blind = true // once for all rows
		r.doubts = append(r.doubts, r.rejected(from, raw, 0, err.Error()))
	}
	return r.fromRow(l, values, raw, from, e)
}

// answer notes what a member of an envelope says of a query's results.
func (l *level) answer(name string, value []byte) {
	c := cursor.New(value)
	if c.Peek() != '"' {
		return
	}
	switch text := c.String(); name {
	case "NextToken":
		l.more = text != ""
	case "QueryStatus":
		l.status = strings.Clone(text)
	}
}

// left says that an answer to a query holds not all of its results; nil if it does.
func (l *level) left() error {
	switch {
	case !l.query:
	case l.status != "" && l.status != "FINISHED":
		return errors.New("results of a query that is " + l.status + ", so that not all are here: ask again once it is FINISHED")
	case l.more:
		return errors.New("a page of a query's results, and NextToken says that there are more: aws cloudtrail get-query-results --next-token reads them")
	}
	return nil
}

// stamp is how long the time is that an export of CloudWatch Logs puts before each record,
// with the blank behind it; 0 where there is none before a JSON object.
func stamp(b []byte) int {
	n := bytes.IndexByte(b[:min(len(b), 40)], ' ')
	if n < 20 || b[0] < '0' || b[0] > '9' || n+1 >= len(b) || b[n+1] != '{' {
		return 0
	}
	if _, err := ParseTime(string(b[:n])); err != nil {
		return 0
	}
	return n + 1
}
