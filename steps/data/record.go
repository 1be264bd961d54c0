package data

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// maxRecord bounds the bytes of one record that are held in memory.
const maxRecord = 8 << 20

// Place is where in a record's text a value lies: offsets of Unicode code points,
// the end behind the last.
type Place struct {
	Type  string  `json:"type"`
	Start int     `json:"start"`
	End   int     `json:"end"`
	Score float64 `json:"score"` // from 0 to 1
}

// Record is what is said of one record of an object: types and places, no value.
type Record struct {
	Record  int64   `json:"record"` // from 0
	Spans   []Place `json:"spans"`
	Path    string  `json:"path,omitempty"`    // if there are several objects
	Unknown string  `json:"unknown,omitempty"` // why the record, or what follows it, was not examined
}

// NeedsFieldError says that an object holds JSON records, and that nobody said which
// member of them is the text.
type NeedsFieldError struct{}

// Error implements error.
func (NeedsFieldError) Error() string { return "it holds JSON records" }

// Records reads an object as records and gives the spans of each. Without a
// field a record is a line of text. With one it is a JSON value, one a line or
// in one array, and its text the member of that name, or along a path of names
// joined by dots. What is not so is a Record that says why it is unknown. The
// error is a NeedsFieldError, emit's or the context's.
func Records(ctx context.Context, s *scan.Scanner, in io.Reader, field string, emit func(Record) error) error {
	r := &recordReader{ctx: ctx, in: bufio.NewReaderSize(in, 64<<10), field: field, emit: emit, spans: s.Text}
	head, err := r.in.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return r.unknown("it cannot be read")
	}
	switch trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, bom), " \t\r\n"); {
	case len(head) == 0:
		return r.unknown("it is empty")
	case bytes.IndexByte(head, 0) >= 0 || isFormat(head):
		return r.unknown("it is no text in UTF-8: the places of values are told in text, not in other formats")
	case field == "" && !looksLikeRecords(head):
		return r.lines(r.text)
	case field == "":
		return NeedsFieldError{}
	case len(trimmed) > 0 && trimmed[0] == '[':
		return r.array()
	case len(trimmed) > 0 && trimmed[0] == '{' && spread(trimmed):
		return r.values(r.decoder())
	}
	return r.lines(r.line)
}

// isFormat reports whether a file that may begin with readable bytes is of a format
// whose text is not what its bytes spell.
func isFormat(head []byte) bool {
	for _, magic := range []string{"%PDF-", "PAR1", "ARROW1", "SQLite format 3", "{\\rtf", "BZh", "PK\x03\x04", "\x1f\x8b", "\xfd7zXZ", "\x28\xb5\x2f\xfd"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

var bom = []byte("\xef\xbb\xbf")

// spread reports whether the first value of a file goes on over the end of its
// line, as printers of JSON break it. A line that is merely damaged does not.
func spread(head []byte) bool {
	first, _, more := bytes.Cut(head, []byte("\n"))
	first = bytes.TrimRight(first, " \t\r")
	return more && strings.ContainsRune("{[,", rune(first[len(first)-1])) && !json.Valid(first)
}

// looksLikeRecords reports whether what begins so is JSON records rather than
// text: a log line may begin with a bracket, too.
func looksLikeRecords(head []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(head, bom)))
	first, err := dec.Token()
	if err != nil {
		return false
	}
	second, err := dec.Token()
	switch first {
	case json.Delim('['):
		return second == json.Delim('{')
	case json.Delim('{'):
		_, isKey := second.(string)
		return err == nil && isKey
	}
	return false
}

// recordReader reads the records of one object.
type recordReader struct {
	ctx   context.Context
	in    *bufio.Reader
	field string
	emit  func(Record) error
	spans func([]byte) []scan.Span
	n     int64
}

func (r *recordReader) give(rec Record) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	rec.Record = r.n
	r.n++
	if rec.Spans == nil {
		rec.Spans = []Place{}
	}
	return r.emit(rec)
}

func (r *recordReader) unknown(why string) error { return r.give(Record{Unknown: why}) }

func (r *recordReader) text(text []byte) error {
	if r.field == "" && bytes.IndexByte(text, 0) >= 0 {
		return r.unknown("the line is no text")
	}
	found := r.spans(text)
	scan.Runes(text, found)
	places := make([]Place, len(found))
	for i, f := range found {
		places[i] = Place{f.Type, f.Start, f.End, f.Score}
	}
	return r.give(Record{Spans: places})
}

// lines hands on each line without its end.
func (r *recordReader) lines(take func([]byte) error) error {
	var line []byte
	for {
		part, err := r.in.ReadSlice('\n')
		if len(line) <= maxRecord {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			if cerr := r.ctx.Err(); cerr != nil {
				return cerr
			}
			continue
		}
		var failed error
		switch {
		case len(line) > maxRecord:
			failed = r.unknown(tooLong)
		case len(line) > 0:
			failed = take(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")))
		}
		if failed != nil {
			return failed
		}
		line = line[:0]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.unknown("what follows cannot be read")
		}
	}
}

var tooLong = fmt.Sprintf("the record is longer than %d MiB", maxRecord>>20)

// line takes one line of JSON; an empty one is no record.
func (r *recordReader) line(line []byte) error {
	line = bytes.TrimSpace(bytes.TrimPrefix(line, bom))
	if len(line) == 0 {
		return nil
	}
	if !json.Valid(line) {
		return r.unknown("the line is not JSON")
	}
	return r.value(line)
}

// value takes one JSON record.
func (r *recordReader) value(raw []byte) error {
	text, why := member(raw, r.field)
	if why != "" {
		return r.unknown(why)
	}
	return r.text([]byte(text))
}

// allowance ends a reading when one record takes more than its share, so that a
// decoder does not hold a file without end in memory.
type allowance struct {
	r    io.Reader
	left int64
}

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, errTooLong
	}
	n, err := a.r.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	return n, err
}

var errTooLong = errors.New("record too long")

type limitedDecoder struct {
	*json.Decoder
	allowed *allowance
}

func (r *recordReader) decoder() limitedDecoder {
	if head, _ := r.in.Peek(len(bom)); bytes.Equal(head, bom) {
		_, _ = r.in.Discard(len(bom)) // it was just seen
	}
	a := &allowance{r: r.in, left: maxRecord}
	return limitedDecoder{json.NewDecoder(a), a}
}

// array takes the elements of one array.
func (r *recordReader) array() error {
	dec := r.decoder()
	if _, err := dec.Token(); err != nil {
		return r.broken(err)
	}
	for dec.More() {
		if ended, err := r.next(dec); ended || err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return r.broken(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return r.unknown("something follows the array, and was not examined")
	}
	return nil
}

// values takes JSON values that follow each other.
func (r *recordReader) values(dec limitedDecoder) error {
	for {
		if ended, err := r.next(dec); ended || err != nil {
			return err
		}
	}
}

// next takes one value; ended is true where no further one can be read.
func (r *recordReader) next(dec limitedDecoder) (ended bool, err error) {
	dec.allowed.left = maxRecord
	var raw json.RawMessage
	switch err := dec.Decode(&raw); {
	case errors.Is(err, io.EOF):
		return true, nil
	case err != nil:
		return true, r.broken(err)
	}
	return false, r.value(raw)
}

// broken ends the reading; a decoder's own words could quote the file.
func (r *recordReader) broken(err error) error {
	switch {
	case errors.Is(err, errTooLong):
		return r.unknown(tooLong + "; it and what follows were not examined")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return r.unknown("the file is cut short")
	}
	return r.unknown("the JSON is damaged here; what follows was not examined")
}

// member is the text of a record: the whole name first, then along its dots.
func member(raw []byte, field string) (text, why string) {
	found, count := only(raw, field)
	for count == 0 {
		first, rest, dotted := strings.Cut(field, ".")
		if !dotted {
			break
		}
		raw, count = only(raw, first)
		if count != 1 {
			break
		}
		field = rest
		found, count = only(raw, field)
	}
	switch {
	case count == 0:
		return "", "the record has no member of the name given with --field"
	case count > 1:
		return "", "the record has several members of the name given with --field"
	}
	if bytes.Equal(found, []byte("null")) || json.Unmarshal(found, &text) != nil {
		return "", "the member given with --field is no text"
	}
	return text, ""
}

// only finds the members of one name: of several, readers differ in which counts.
func only(raw []byte, name string) (found json.RawMessage, count int) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, 0
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, 0
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, 0
		}
		if key == name {
			found, count = value, count+1
		}
	}
	return found, count
}
