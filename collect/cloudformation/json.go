package cloudformation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
)

// jsonReader reads JSON into nodes.
type jsonReader struct {
	path  string
	dec   *json.Decoder
	lines []int // offsets at which lines begin
	count int
}

func parseJSON(path string, text []byte) (*node, error) {
	r := &jsonReader{path: path, dec: json.NewDecoder(bytes.NewReader(text)), lines: []int{0}}
	r.dec.UseNumber()
	for i, b := range text {
		if b == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail("more stands after the template's end", "give one template a file")
	}
	return n, nil
}

// line is that of the decoder's place.
func (r *jsonReader) line() int {
	at := int(r.dec.InputOffset())
	return sort.Search(len(r.lines), func(i int) bool { return r.lines[i] > at })
}

func (r *jsonReader) fail(what, mend string) error {
	return &Error{Path: r.path, Line: r.line(), What: what, Mend: mend}
}

func (r *jsonReader) token() (json.Token, error) {
	t, err := r.dec.Token()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.fail("the file ends in the middle of the template", "copy it again, whole")
	case err != nil:
		return nil, r.fail("not JSON: "+err.Error(), "mend the syntax (aws cloudformation validate-template names the place, too)")
	}
	return t, nil
}

func (r *jsonReader) value(depth int) (*node, error) {
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, r.fail(fmt.Sprintf("nested deeper than %d", maxDepth), "no template needs that: look for what repeats itself")
	}
	if r.count++; r.count > maxNodes {
		return nil, r.fail(fmt.Sprintf("more than %d values", maxNodes), "split the template into nested stacks")
	}
	n := &node{line: r.line()}
	switch t := t.(type) {
	case nil:
	case bool:
		n.kind, n.text = boolean, strconv.FormatBool(t)
	case json.Number:
		n.kind, n.text = number, t.String()
	case string:
		n.kind, n.text = text, t
	case json.Delim:
		if t == '{' {
			n.kind = object
			return n, r.members(n, depth)
		}
		n.kind = list
		for r.dec.More() {
			k, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, k)
		}
		_, err := r.token()
		return n, err
	}
	return n, nil
}

func (r *jsonReader) members(n *node, depth int) error {
	seen := map[string]bool{}
	for r.dec.More() {
		t, err := r.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		line := r.line()
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		v.line = line
		if seen[key] {
			n.seenTwice(key, v)
			continue
		}
		seen[key] = true
		n.keys, n.kids = append(n.keys, key), append(n.kids, v)
	}
	_, err := r.token()
	return err
}
