package parts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// each calls fn for every line, numbered from 1, without its end.
func (f *file) each(fn func(n int, line string)) error {
	s := bufio.NewScanner(bytes.NewReader(f.data))
	s.Buffer(make([]byte, 64<<10), 8<<20)
	n := 0
	for s.Scan() {
		n++
		fn(n, strings.TrimRight(s.Text(), "\r"))
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

// decode reads JSON whole: what stands behind its end is an error.
func (f *file) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf"))))
	if err := d.Decode(into); errors.Is(err, io.EOF) {
		return errors.New("it is empty")
	} else if err != nil {
		return placed(f.data, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the end of the JSON")
	}
	return nil
}

func placed(data []byte, err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("line %d: it is cut off", 1+bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n")))
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %s", 1+bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n")), err)
	case errors.As(err, &typ):
		return fmt.Errorf("line %d: %s is a %s", 1+bytes.Count(data[:min(int(typ.Offset), len(data))], []byte("\n")), typ.Field, typ.Value)
	}
	return err
}

// lineOf is the line at a byte, from 1.
func lineOf(data []byte, at int) int {
	return 1 + bytes.Count(data[:min(max(at, 0), len(data))], []byte("\n"))
}

// strs reads a list of strings, or one.
type strs []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *strs) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*s = strs{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(s))
}
