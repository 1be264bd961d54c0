package ocsf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// Options are how a stream of records is read. The zero value serves.
type Options struct {
	// Source is the format; SourceUnknown tells it by the content, record by record.
	Source Source
	// MaxEvent bounds one record in bytes; 0 is 16 MiB. A larger one is
	// rejected and passed over without being held.
	MaxEvent int
	// Mapping reads JSON of the user's own format; it goes before all others.
	Mapping *Mapping
	// FlowFormat is the format of flow logs without a header line; empty is DefaultFlowFormat.
	FlowFormat string
	// Account is put into events that do not say theirs: the cluster of audit logs, say.
	Account string
	// Name is the stream's name, a path or an object's key: data capture names
	// its endpoint only there.
	Name string
	// Reuse lets Next use the memory again that events before were views of: an event is
	// the caller's until Next is called again.
	Reuse bool
}

// Rejected is a part of a stream that gave no event. Reading goes on after it.
type Rejected struct {
	Offset int64  // where it begins
	Size   int64  // how long it is, in bytes; 0 if that could not be told
	Reason string // why, without a word of the content
	// Raw is its beginning, at most 64 KiB, to be kept apart for a person.
	Raw []byte
}

// Error says where and why.
func (r *Rejected) Error() string { return fmt.Sprintf("byte %d: %s", r.Offset, r.Reason) }

const (
	defaultMaxEvent = 16 << 20
	block           = 256 << 10
	firstBlock      = 8 << 10 // a stream may hold one record
	maxSample       = 64 << 10
	maxNested       = 8
)

// Reader gives the events of one stream of records: a CloudTrail file, JSON
// objects one a line or one after another or in an array, envelopes of
// EventBridge, CloudWatch Logs, Event Hubs, webhooks and OTLP around them,
// results of queries of CloudTrail Lake, or lines of flow logs.
type Reader struct {
	src   io.Reader
	o     Options
	buf   []byte // what was read and not yet given out starts at `at`
	at    int
	base  int64 // offset in the stream of buf[0]
	eof   bool
	from  int64 // where the last event began
	bad   error // what reading ended with, but for io.EOF
	stack []level
	found cursor.Found
	last  Source // what the record before was
	flow  *flowFormat
	text  bool // lines, not JSON
	begun bool
	ended bool
	empty int64 // records known to tell of no act
	ctx   resource
	inner []inner // texts of envelopes, still to be read
	mark  []byte  // how records begin

	lake   *lakeRow // columns of CloudTrail Lake; nil: the text is no such table
	named  bool     // their names were passed over
	blind  bool     // it was told that a query left out what rules look at
	doubts []error  // to be told before what comes next
}

// level is a list or an envelope the reader is inside of.
type level struct {
	array  bool
	rows   bool   // the list is of rows of a query
	query  bool   // the envelope is an answer to a query
	more   bool   // it has a further page
	status string // of the query
}

// resource is what an envelope says of all records in it.
type resource struct{ account, region, service string }

// inner is a record that stood as text within another.
type inner struct {
	text   []byte
	offset int64
}

// NewReader reads src by o. An error is a FlowFormat that cannot be read.
func NewReader(src io.Reader, o Options) (*Reader, error) {
	if o.MaxEvent <= 0 {
		o.MaxEvent = defaultMaxEvent
	}
	if o.FlowFormat == "" {
		o.FlowFormat = DefaultFlowFormat
	}
	flow, err := parseFlowFormat(o.FlowFormat)
	if err != nil {
		return nil, err
	}
	return &Reader{src: src, o: o, flow: flow, last: o.Source}, nil
}

// Offset is where in the stream the event that Next gave last begins, or what it was
// delivered in.
func (r *Reader) Offset() int64 { return r.from }

// Empty counts what is known to tell of no act: lines of flow logs without data, a trail's
// digests of its files, records of CloudTrail Insights. It is neither event nor rejected.
func (r *Reader) Empty() int64 { return r.empty }

// Next reads the next event into e. It returns nil, a *Rejected for what gave
// no event (reading may go on), or io.EOF. e is overwritten and holds views of
// memory that is not used again.
func (r *Reader) Next(e *Event) error {
	for {
		if len(r.doubts) > 0 {
			err := r.doubts[0]
			r.doubts = r.doubts[1:]
			return err
		}
		if len(r.inner) > 0 {
			in := r.inner[0]
			r.inner = r.inner[1:]
			r.from = in.offset
			if err := r.one(in.text, in.offset, e); errors.Is(err, errUnwrapped) {
				continue
			} else if err != nil {
				return r.rejected(in.offset, in.text, int64(len(in.text)), err.Error())
			}
			return nil
		}
		if r.ended {
			return io.EOF
		}
		if !r.begun {
			r.begin()
		}
		if r.lake != nil {
			if done, err := r.row(e); done {
				return err
			}
			continue
		}
		if r.text {
			if done, err := r.line(e); done {
				return err
			}
			continue
		}
		if done, err := r.step(e); done {
			return err
		}
	}
}

// begin tells text from JSON and passes over a byte order mark.
func (r *Reader) begin() {
	r.begun = true
	r.need(3)
	if bytes.HasPrefix(r.buf, []byte("\xef\xbb\xbf")) {
		r.at = 3
	}
	if ch, ok := r.peek(); ok && ch != '{' && ch != '[' && !r.table() && ch != '"' {
		r.text = r.o.Source == VPCFlow || r.o.Source == SourceUnknown && r.looksLikeFlows()
	}
}

func (r *Reader) looksLikeFlows() bool {
	r.need(4096)
	line, _, _ := bytes.Cut(r.buf[r.at:], []byte("\n"))
	words := strings.Fields(string(line[:min(len(line), 4096)]))
	return isFlowHeader(string(line)) || len(words) == len(r.flow.columns) && (r.flow.header != "" || len(words[0]) == 1)
}

// need tries to have n bytes from r.at on and returns how many there are.
func (r *Reader) need(n int) int {
	for len(r.buf)-r.at < n && !r.eof {
		r.more()
	}
	return len(r.buf) - r.at
}

// more reads on. Memory that events may hold views of is left alone: what is
// still needed moves to new memory.
func (r *Reader) more() {
	if rest := len(r.buf) - r.at; len(r.buf) == cap(r.buf) && r.o.Reuse && len(r.inner) == 0 && r.lake == nil && 2*rest < cap(r.buf) && cap(r.buf) >= block {
		copy(r.buf, r.buf[r.at:])
		r.base += int64(r.at)
		r.buf, r.at = r.buf[:rest], 0
	} else if len(r.buf) == cap(r.buf) {
		size := block
		if r.buf == nil {
			size = firstBlock
		}
		next := make([]byte, rest, max(size, 2*rest))
		copy(next, r.buf[r.at:])
		r.base += int64(r.at)
		r.buf, r.at = next, 0
	}
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if err != nil {
		r.eof = true
		if err != io.EOF {
			r.bad = err
		}
	}
}

// peek passes over white space.
func (r *Reader) peek() (byte, bool) {
	for {
		for r.at < len(r.buf) {
			switch ch := r.buf[r.at]; ch {
			case ' ', '\n', '\t', '\r':
				r.at++
			default:
				return ch, true
			}
		}
		if r.eof {
			return 0, false
		}
		r.more()
	}
}

func (r *Reader) offset() int64 { return r.base + int64(r.at) }

// step reads on at the present level; done says that Next has something to return.
func (r *Reader) step(e *Event) (done bool, err error) {
	ch, ok := r.peek()
	if !ok {
		return true, r.end()
	}
	if len(r.stack) == 0 {
		if ch == ',' { // objects joined by commas, as some exporters write them
			r.at++
			return false, nil
		}
		return r.value(ch, e)
	}
	top := r.stack[len(r.stack)-1]
	switch {
	case ch == ',':
		r.at++
		return false, nil
	case top.array && ch == ']', !top.array && ch == '}':
		r.at++
		r.stack = r.stack[:len(r.stack)-1]
		if err := top.left(); err != nil {
			return true, r.rejected(r.offset(), nil, 0, err.Error())
		}
		return false, nil
	case top.array:
		return r.value(ch, e)
	case ch == '"':
		return r.member()
	}
	r.stack = r.stack[:len(r.stack)-1]
	return true, r.skipBad("expected a member or the end of an envelope")
}

// end says how the stream ended.
func (r *Reader) end() error {
	r.ended = true
	switch {
	case r.bad != nil:
		return r.rejected(r.offset(), nil, 0, "the stream broke off: "+r.bad.Error())
	case len(r.stack) > 0:
		return r.rejected(r.offset(), nil, 0, "the file ends in the middle of a list")
	}
	return io.EOF
}

// lists are the members under which envelopes keep their records.
var lists = map[string]bool{"Records": true, "records": true, "Events": true, "events": true, "logEvents": true, "items": true, "value": true, "entries": true,
	"resourceSpans": true, "scopeSpans": true, "spans": true, "data": true, "QueryResultRows": true}

// member reads on in an envelope: another list, or something to be passed over.
func (r *Reader) member() (bool, error) {
	name, at, ok := r.key(r.at)
	if !ok {
		return true, r.skipBad("an envelope cut off")
	}
	r.at = at
	if ch, ok := r.peek(); ok && ch == '[' && lists[name] {
		r.at++
		rows := name == "QueryResultRows"
		r.stack[len(r.stack)-1].query = r.stack[len(r.stack)-1].query || rows
		r.stack = append(r.stack, level{array: true, rows: rows})
		return false, nil
	}
	size, complete := r.extent()
	if !complete {
		return true, r.skipBad("an envelope cut off")
	}
	switch name {
	case "resource":
		r.resource(r.buf[r.at : r.at+size])
	case "NextToken", "QueryStatus":
		r.stack[len(r.stack)-1].answer(name, r.buf[r.at:r.at+size])
	}
	r.at += size
	return false, nil
}

// key reads a member's name and its colon at position i of buf.
func (r *Reader) key(i int) (name string, after int, ok bool) {
	for {
		c := cursor.New(r.buf[i:])
		name = c.String()
		if c.Err() == nil && c.Peek() == ':' {
			return strings.Clone(name), i + c.Offset() + 1, true
		}
		if r.eof || len(r.buf)-i > r.o.MaxEvent {
			return "", i, false
		}
		i -= r.at
		r.more()
		i += r.at
	}
}

// value reads a record, or steps into a list or an envelope.
func (r *Reader) value(ch byte, e *Event) (bool, error) {
	switch ch {
	case '[':
		if n := len(r.stack); n > 0 && r.stack[n-1].rows {
			return r.answerRow(e)
		}
		if len(r.stack) >= maxNested {
			return true, r.skipBad("lists nested too deep")
		}
		r.at++
		r.stack = append(r.stack, level{array: true})
		return false, nil
	case '{':
		return r.object(e)
	case '"':
		size, complete := r.extent()
		if !complete {
			return true, r.skipBad("text cut off")
		}
		c := cursor.New(r.buf[r.at : r.at+size])
		r.inner = append(r.inner, inner{[]byte(c.String()), r.offset()})
		r.at += size
		return false, nil
	}
	if len(r.stack) == 0 {
		r.need(64)
		if n := stamp(r.buf[r.at:]); n > 0 {
			r.at += n
			return false, nil
		}
	}
	return true, r.skipBad("neither a record nor a list of records")
}

// object reads the record that comes next. What the record before was is
// tried first, which reads the bytes once; else the record's extent is found,
// and what it is is told by its members.
func (r *Reader) object(e *Event) (bool, error) {
	r.from = r.offset()
	if r.last != SourceUnknown {
		if end, err := r.decode(r.last, r.buf[r.at:], e); err == nil && end <= r.o.MaxEvent {
			r.setMark(r.buf[r.at : r.at+end])
			r.at += end
			r.fill(e)
			return true, nil
		}
	}
	if r.o.Mapping == nil && len(r.stack) < maxNested && r.envelope() {
		r.at++
		r.stack = append(r.stack, level{})
		return false, nil
	}
	size, complete := r.extent()
	if !complete {
		if n := r.nextMark(len(r.buf) - r.at); n > 0 {
			return true, r.reject(n, "a record without an end")
		}
		return true, r.skipBad(r.tooLong())
	}
	raw := r.buf[r.at : r.at+size : r.at+size]
	err := r.one(raw, r.offset(), e)
	switch {
	case err == nil:
		r.at += size
		r.setMark(raw)
		return true, nil
	case errors.Is(err, errUnwrapped):
		r.at += size
		return false, nil
	}
	var syntax *cursor.SyntaxError
	if errors.As(err, &syntax) {
		if n := r.nextMark(size); n > 0 {
			size = n // the next record begins within what seemed one
		}
	}
	return true, r.reject(size, err.Error())
}

// reject passes over size bytes that gave no event.
func (r *Reader) reject(size int, reason string) error {
	raw, from := r.buf[r.at:r.at+size], r.offset()
	r.at += size
	return r.rejected(from, raw, int64(size), reason)
}

// setMark remembers how records begin, '{"eventVersion"', to find the next
// one after a record that was damaged.
func (r *Reader) setMark(raw []byte) {
	if len(r.mark) > 0 {
		return
	}
	c := cursor.New(raw)
	c.Enter('{')
	if _, ok := c.Field(); ok {
		if end := bytes.LastIndexByte(raw[:c.Offset()], '"'); end > 0 {
			r.mark = bytes.Clone(raw[:end+1])
		}
	}
}

// nextMark is how far off the next record begins within the next n bytes; 0 if
// none does.
func (r *Reader) nextMark(n int) int {
	if len(r.mark) == 0 || n < 2 {
		return 0
	}
	return bytes.Index(r.buf[r.at+1:r.at+n], r.mark) + 1
}

func (r *Reader) tooLong() string {
	if r.eof {
		return "a record cut off by the end of the file"
	}
	return fmt.Sprintf("a record of more than %d bytes", r.o.MaxEvent)
}

// envelope looks whether the object that comes next has a list of records among
// its members, as far as they are in memory or can be had within MaxEvent.
func (r *Reader) envelope() bool {
	for {
		c := cursor.New(r.buf[r.at:])
		c.Enter('{')
		for {
			name, ok := c.Field()
			if !ok {
				break
			}
			if name == "spanId" { // a span has events of its own
				return false
			}
			if lists[name] && c.Peek() == '[' {
				return true
			}
			c.Skip()
		}
		if c.Err() == nil || r.eof || len(r.buf)-r.at > r.o.MaxEvent || len(r.buf)-r.at-c.Offset() > 16 {
			return false
		}
		r.more()
	}
}

// extent finds where the value that comes next ends; complete is false if the
// stream ends before it or it is longer than MaxEvent.
func (r *Reader) extent() (size int, complete bool) {
	var s scan
	for {
		if n, ok := s.next(r.buf[r.at:]); ok {
			return n, n <= r.o.MaxEvent
		}
		if r.eof || len(r.buf)-r.at > r.o.MaxEvent {
			return 0, false
		}
		r.more()
	}
}

// skipBad passes over what cannot be read: to the end of the value if it has
// one, else to the end of the line.
func (r *Reader) skipBad(reason string) error {
	from := r.offset()
	var sample []byte
	var s scan
	for {
		have := r.buf[r.at:]
		n, ok := s.next(have)
		if len(sample) < maxSample {
			sample = append(sample, have[:min(len(have), maxSample-len(sample))]...)
		}
		if ok && n > 0 {
			r.at += n
			break
		}
		if ok || !s.open() {
			r.skipWord()
			break
		}
		r.at += s.i
		s.rebase()
		if r.eof {
			r.at = len(r.buf)
			break
		}
		r.more()
	}
	return r.rejected(from, sample, r.offset()-from, reason)
}

// skipWord passes over what is no value: in a list to the next comma or
// bracket, elsewhere to the end of the line.
func (r *Reader) skipWord() {
	stops := "\n"
	if len(r.stack) > 0 {
		stops = ",]}\n"
	}
	for r.at++; ; r.more() {
		if i := bytes.IndexAny(r.buf[r.at:], stops); i >= 0 {
			r.at += i
			return
		}
		if r.at = len(r.buf); r.eof {
			return
		}
	}
}

func (r *Reader) rejected(at int64, raw []byte, size int64, reason string) error {
	return &Rejected{Offset: at, Size: size, Reason: reason, Raw: bytes.Clone(raw[:min(len(raw), maxSample)])}
}
