package events

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Exporters of OpenTelemetry send protobuf unless they are told otherwise. What reads
// events reads OTLP's JSON, so a request is written anew in that form, span by span while
// it is read: every field that OTLP 1.10 gives a span is kept, ids in hexadecimal as the
// specification wants them in JSON.

// form is how a field lies in protobuf and what it becomes in JSON.
type form uint8

const (
	text    form = iota // a string
	hexed               // bytes, in hexadecimal
	base64d             // bytes, in base 64
	small               // an unsigned varint of 32 bits or an enumeration, a number
	signed              // a varint of 64 bits, a number in quotes
	truth               // a boolean
	word                // 32 bits, a number
	long                // 64 bits, a number in quotes
	double              // 64 bits, a floating number
	inner               // a message
)

// message is one of OTLP's.
type message uint8

const (
	resourceOf message = iota
	scopeOf
	spanOf
	eventOf
	linkOf
	statusOf
	pairOf
	valueOf
	arrayOf
	pairsOf
)

type field struct {
	number protowire.Number
	name   string
	form   form
	of     message // where form is inner
	many   bool
}

// fields are a message's, by the numbers of opentelemetry-proto.
func (m message) fields() []field {
	switch m {
	case resourceOf:
		return []field{{1, "attributes", inner, pairOf, true}, {2, "droppedAttributesCount", small, 0, false}}
	case scopeOf:
		return []field{{1, "name", text, 0, false}, {2, "version", text, 0, false}, {3, "attributes", inner, pairOf, true}, {4, "droppedAttributesCount", small, 0, false}}
	case spanOf:
		return []field{{1, "traceId", hexed, 0, false}, {2, "spanId", hexed, 0, false}, {3, "traceState", text, 0, false}, {4, "parentSpanId", hexed, 0, false},
			{16, "flags", word, 0, false}, {5, "name", text, 0, false}, {6, "kind", small, 0, false}, {7, "startTimeUnixNano", long, 0, false}, {8, "endTimeUnixNano", long, 0, false},
			{9, "attributes", inner, pairOf, true}, {10, "droppedAttributesCount", small, 0, false}, {11, "events", inner, eventOf, true}, {12, "droppedEventsCount", small, 0, false},
			{13, "links", inner, linkOf, true}, {14, "droppedLinksCount", small, 0, false}, {15, "status", inner, statusOf, false}}
	case eventOf:
		return []field{{1, "timeUnixNano", long, 0, false}, {2, "name", text, 0, false}, {3, "attributes", inner, pairOf, true}, {4, "droppedAttributesCount", small, 0, false}}
	case linkOf:
		return []field{{1, "traceId", hexed, 0, false}, {2, "spanId", hexed, 0, false}, {3, "traceState", text, 0, false}, {4, "attributes", inner, pairOf, true},
			{5, "droppedAttributesCount", small, 0, false}, {6, "flags", word, 0, false}}
	case statusOf:
		return []field{{2, "message", text, 0, false}, {3, "code", small, 0, false}}
	case pairOf:
		return []field{{1, "key", text, 0, false}, {2, "value", inner, valueOf, false}}
	case valueOf:
		return []field{{1, "stringValue", text, 0, false}, {2, "boolValue", truth, 0, false}, {3, "intValue", signed, 0, false}, {4, "doubleValue", double, 0, false},
			{5, "arrayValue", inner, arrayOf, false}, {6, "kvlistValue", inner, pairsOf, false}, {7, "bytesValue", base64d, 0, false}}
	case arrayOf:
		return []field{{1, "values", inner, valueOf, true}}
	}
	return []field{{1, "values", inner, pairOf, true}}
}

// wire is the wire type a form must have.
func (f form) wire() protowire.Type {
	switch f {
	case small, signed, truth:
		return protowire.VarintType
	case word:
		return protowire.Fixed32Type
	case long, double:
		return protowire.Fixed64Type
	}
	return protowire.BytesType
}

// maxDepth bounds how deep values may lie in one another.
const maxDepth = 32

// otlp reads a request of spans as JSON.
type otlp struct {
	body  []byte
	parts []part
	bad   error // what the request ends with, nil for its end
	out   []byte
	at    int
	count int // resources, scopes and spans
}

// maxSpans bounds the resources, scopes and spans of a request: empty ones take two bytes
// each there, and many times that here.
const maxSpans = 1 << 20

// another counts one of them.
func (o *otlp) another(b []byte) error {
	if o.count++; o.count > maxSpans {
		return o.wrong(b, fmt.Errorf("more than %d resources, scopes and spans: send less at a time", maxSpans))
	}
	return nil
}

// part is a piece of JSON, and after it a span if there is one.
type part struct {
	head []byte
	span []byte
}

// fromProtobuf returns the JSON of an ExportTraceServiceRequest. What is no such thing ends
// the reading with an error that names the place, after all spans that came before it.
func fromProtobuf(body []byte) io.Reader {
	o := &otlp{body: body}
	head := []byte(`{"resourceSpans":[`)
	o.bad = o.each(body, func(n protowire.Number, resourceSpans []byte) (err error) {
		if n == 1 {
			head, err = o.resource(head, resourceSpans)
		}
		return err
	})
	o.parts = append(o.parts, part{head: append(head, "]}"...)})
	if o.bad != nil {
		o.parts = o.parts[:len(o.parts)-1]
	}
	return o
}

// resource lists the spans of one resource. head is the JSON before them; it returns what
// comes after.
func (o *otlp) resource(head, b []byte) ([]byte, error) {
	if err := o.another(b); err != nil {
		return head, err
	}
	said, err := o.message(resourceOf, nil, o.merged(b, 1), 0)
	if err != nil {
		return head, err
	}
	if len(o.parts) > 0 {
		head = append(head, ',')
	}
	head = append(append(append(head, `{"resource":`...), said...), `,"scopeSpans":[`...)
	first := true
	err = o.each(b, func(n protowire.Number, scope []byte) error {
		if n != 2 {
			return nil
		}
		if err := o.another(scope); err != nil {
			return err
		}
		said, err := o.message(scopeOf, nil, o.merged(scope, 1), 0)
		if err != nil {
			return err
		}
		if !first {
			head = append(head, ',')
		}
		first = false
		head = append(append(append(head, `{"scope":`...), said...), `,"spans":[`...)
		more := false
		err = o.each(scope, func(n protowire.Number, span []byte) error {
			if n != 2 {
				return nil
			}
			if err := o.another(span); err != nil {
				return err
			}
			if more {
				head = append(head, ',')
			}
			more = true
			o.parts, head = append(o.parts, part{head, span}), nil
			return nil
		})
		head = append(head, "]}"...)
		return err
	})
	// A part of its own, so that the next resource knows that it is not the first.
	o.parts = append(o.parts, part{head: append(head, "]}"...)})
	return nil, err
}

// merged is a message that may have come in several pieces, which protobuf joins.
func (o *otlp) merged(b []byte, number protowire.Number) (out []byte) {
	_ = o.each(b, func(n protowire.Number, piece []byte) error { // what is wrong is told by who reads all
		if n == number {
			if out == nil {
				out = piece[:len(piece):len(piece)] // more moves it to memory of its own
			} else {
				out = append(out, piece...)
			}
		}
		return nil
	})
	return out
}

// each gives the messages within one, by number; others are passed over.
func (o *otlp) each(b []byte, give func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeTag(b)
		if size < 0 {
			return o.wrong(b, protowire.ParseError(size))
		}
		value := protowire.ConsumeFieldValue(n, kind, b[size:])
		if value < 0 {
			return o.wrong(b, protowire.ParseError(value))
		}
		if kind == protowire.BytesType {
			inside, _ := protowire.ConsumeBytes(b[size:])
			if err := give(n, inside); err != nil {
				return err
			}
		}
		b = b[size+value:]
	}
	return nil
}

// wrong says where something is not as it should be.
func (o *otlp) wrong(b []byte, why error) error {
	return fmt.Errorf("the body is no OTLP request of spans: at byte %d: %w", max(0, cap(o.body)-cap(b)), why)
}

// message appends a message as JSON.
func (o *otlp) message(m message, out, b []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return out, o.wrong(b, errors.New("values lie too deep in one another"))
	}
	list := m.fields()
	var last []byte
	for rest := b; len(rest) > 0; { // all of it, before a word is written
		n, kind, size := protowire.ConsumeTag(rest)
		if size < 0 {
			return out, o.wrong(rest, protowire.ParseError(size))
		}
		value := protowire.ConsumeFieldValue(n, kind, rest[size:])
		if value < 0 {
			return out, o.wrong(rest, protowire.ParseError(value))
		}
		for _, f := range list {
			if f.number == n && f.form.wire() != kind {
				return out, o.wrong(rest, fmt.Errorf("%s has the wrong type", f.name))
			}
			if f.number == n {
				last = rest[:size+value]
			}
		}
		rest = rest[size+value:]
	}
	if m == valueOf { // one of several kinds: the last one counts
		b = last
	}
	out = append(out, '{')
	for _, f := range list {
		had := len(out)
		begin := had
		for rest := b; len(rest) > 0; {
			n, kind, size := protowire.ConsumeTag(rest)
			value := protowire.ConsumeFieldValue(n, kind, rest[size:])
			if n == f.number {
				if !f.many { // the last one counts
					out = out[:begin]
				}
				if len(out) == begin {
					if begin > 1 && out[begin-1] != '{' {
						out = append(out, ',')
					}
					out = append(append(append(out, '"'), f.name...), `":`...)
					if f.many {
						out = append(out, '[')
					}
				} else {
					out = append(out, ',')
				}
				var err error
				if out, err = o.value(f, out, rest[size:], depth); err != nil {
					return out, err
				}
			}
			rest = rest[size+value:]
		}
		if f.many && len(out) > had {
			out = append(out, ']')
		}
	}
	return append(out, '}'), nil
}

// value appends one value as JSON.
func (o *otlp) value(f field, out, b []byte, depth int) ([]byte, error) {
	switch f.form {
	case small, signed, truth:
		n, _ := protowire.ConsumeVarint(b)
		switch f.form {
		case signed:
			return append(strconv.AppendInt(append(out, '"'), int64(n), 10), '"'), nil
		case truth:
			return strconv.AppendBool(out, n != 0), nil
		}
		return strconv.AppendUint(out, uint64(uint32(n)), 10), nil
	case word:
		n, _ := protowire.ConsumeFixed32(b)
		return strconv.AppendUint(out, uint64(n), 10), nil
	case long:
		n, _ := protowire.ConsumeFixed64(b)
		return append(strconv.AppendUint(append(out, '"'), n, 10), '"'), nil
	case double:
		n, _ := protowire.ConsumeFixed64(b)
		switch x := math.Float64frombits(n); {
		case math.IsNaN(x):
			return append(out, `"NaN"`...), nil
		case math.IsInf(x, 1):
			return append(out, `"Infinity"`...), nil
		case math.IsInf(x, -1):
			return append(out, `"-Infinity"`...), nil
		default:
			return strconv.AppendFloat(out, x, 'g', -1, 64), nil
		}
	}
	inside, _ := protowire.ConsumeBytes(b)
	switch f.form {
	case hexed:
		return append(hex.AppendEncode(append(out, '"'), inside), '"'), nil
	case base64d:
		return append(base64.StdEncoding.AppendEncode(append(out, '"'), inside), '"'), nil
	case inner:
		return o.message(f.of, out, inside, depth+1)
	}
	if !utf8.Valid(inside) {
		return out, o.wrong(inside, fmt.Errorf("%s is no UTF-8", f.name))
	}
	quoted, err := json.Marshal(string(inside))
	return append(out, quoted...), err
}

// Read implements io.Reader.
func (o *otlp) Read(p []byte) (int, error) {
	for o.at == len(o.out) {
		if len(o.parts) == 0 {
			if o.bad != nil {
				return 0, o.bad
			}
			return 0, io.EOF
		}
		next := o.parts[0]
		o.parts, o.at = o.parts[1:], 0
		o.out = append(o.out[:0], next.head...)
		if next.span == nil {
			continue
		}
		written, err := o.message(spanOf, o.out, next.span, 0)
		if err != nil { // what comes after a damaged span is not trusted either
			o.out, o.parts, o.bad = o.out[:0], nil, err
			continue
		}
		o.out = written
	}
	n := copy(p, o.out[o.at:])
	o.at += n
	return n, nil
}

// otlpAnswer is an ExportTraceServiceResponse: empty where all was taken.
func otlpAnswer(t Taken) []byte {
	if t.Rejected == 0 {
		return nil
	}
	partial := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(t.Rejected))
	partial = protowire.AppendString(protowire.AppendTag(partial, 2, protowire.BytesType), "these are no events; they are in quarantine, each with its reason")
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), partial)
}
