package findings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// limits of one run. They are variables of a run so that tests can reach them.
type limits struct {
	element  int64 // one element of a report, in bytes
	unpacked int64 // one file, in bytes
	results  int   // kept of one source
	message  int   // of one result, in bytes
}

var defaultLimits = limits{element: 64 << 20, unpacked: 16 << 30, results: 2_000_000, message: 300}

// errLarge is an element above the bound.
var errLarge = errors.New("one element of the report is too large")

// meter lets through a stated number of bytes between two resets: one element
// cannot fill the memory.
type meter struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errLarge
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}

// stream walks JSON text without holding more than an element of it.
type stream struct {
	dec   *json.Decoder
	text  io.Reader
	meter *meter
	lim   limits
	at    func() int64 // where the reader of a text that is no JSON stands
}

func newStream(text io.Reader, lim limits) *stream {
	m := &meter{r: text, left: lim.element}
	return &stream{dec: json.NewDecoder(m), text: text, meter: m, lim: lim}
}

// fresh begins a new element.
func (s *stream) fresh() { s.meter.left = s.lim.element }

// documents calls fn at the start of each top-level value.
func (s *stream) documents(fn func() error) error {
	for first := true; ; first = false {
		s.fresh()
		if !s.dec.More() {
			_, err := s.dec.Token()
			if errors.Is(err, io.EOF) && !first {
				return nil
			}
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if err := fn(); err != nil {
			return err
		}
	}
}

// value is what begins at the stream's place.
type value byte

const (
	anObject value = '{'
	anArray  value = '['
	aScalar  value = 0
)

// enter consumes the opening of an object or array; of a scalar, all of it.
func (s *stream) enter() (value, any, error) {
	t, err := s.dec.Token()
	if err != nil {
		return aScalar, nil, whole(err)
	}
	if d, ok := t.(json.Delim); ok {
		return value(d), nil, nil
	}
	return aScalar, t, nil
}

// members calls fn for each member of the object entered; fn consumes its value.
func (s *stream) members(fn func(name string) error) error {
	for s.dec.More() {
		s.fresh()
		t, err := s.dec.Token()
		if err != nil {
			return whole(err)
		}
		name, ok := t.(string)
		if !ok {
			return fmt.Errorf("expected a member name, found %v", t)
		}
		if err := fn(name); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	return whole(err)
}

// elements calls fn for each element of the value at the stream's place if it is
// an array; fn consumes it. Null is an empty array; anything else is skipped and
// not an array.
func (s *stream) elements(fn func() error) (isArray bool, err error) {
	v, _, err := s.enter()
	switch {
	case err != nil:
		return false, err
	case v == anObject:
		return false, s.rest(1)
	case v != anArray:
		return false, nil
	}
	return true, s.more(fn)
}

// more calls fn for each element of the array entered.
func (s *stream) more(fn func() error) error {
	for s.dec.More() {
		s.fresh()
		if err := fn(); err != nil {
			return err
		}
	}
	_, err := s.dec.Token()
	return whole(err)
}

// decode reads one value whole. odd is set where it has another shape than v:
// the stream goes on behind it.
func (s *stream) decode(v any) (odd, err error) {
	err = s.dec.Decode(v)
	var shape *json.UnmarshalTypeError
	if errors.As(err, &shape) {
		return fmt.Errorf("%s is a JSON %s", shape.Field, shape.Value), nil
	}
	return nil, whole(err)
}

// skip passes over the value at the stream's place, whatever its size.
func (s *stream) skip() error {
	v, _, err := s.enter()
	if err != nil || v == aScalar {
		return err
	}
	return s.rest(1)
}

// rest passes over what remains of depth values that were entered.
func (s *stream) rest(depth int) error {
	for depth > 0 {
		s.fresh()
		t, err := s.dec.Token()
		if err != nil {
			return whole(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

// whole says of an end within a value that it is none.
func whole(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// offset is where an error stands in the text, in bytes.
func (s *stream) offset(err error) int64 {
	var syntax *json.SyntaxError
	switch {
	case s.at != nil:
		return s.at()
	case errors.As(err, &syntax):
		return syntax.Offset
	}
	return s.dec.InputOffset()
}

// words says what is wrong.
func (s *stream) words(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "the report ends inside a value"
	}
	return err.Error()
}
