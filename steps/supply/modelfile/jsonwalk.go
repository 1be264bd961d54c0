package modelfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// node is a place in a JSON or YAML document: the keys that lead there and the
// scalar found.
type node struct {
	path   []string // keys and indexes from the root; indexes beyond 255 are "#"
	value  string
	isText bool
}

const maxDocumentDepth = 512

// walkJSON calls f for every scalar of the JSON documents in b, one behind the
// other, but for numbers in arrays: models of trees hold millions of them, and
// nobody asks. The path is good only during the call.
func walkJSON(b []byte, f func(node)) error {
	w := jsonWalker{b: b, f: f}
	for w.space(); w.i < len(b); w.space() {
		if err := w.value(0, false); err != nil {
			return fmt.Errorf("at offset %d: %w", w.i, err)
		}
	}
	return nil
}

type jsonWalker struct {
	b    []byte
	i    int
	path []string
	f    func(node)
}

var (
	errJSON      = errors.New("not what JSON allows here")
	errJSONShort = errors.New("the document ends in the middle")
)

func (w *jsonWalker) space() {
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case ' ', '\t', '\r', '\n':
			w.i++
		default:
			return
		}
	}
}

// next is the next byte that is no blank, 0 at the end.
func (w *jsonWalker) next() byte {
	w.space()
	if w.i >= len(w.b) {
		return 0
	}
	return w.b[w.i]
}

func (w *jsonWalker) value(depth int, inArray bool) error {
	if depth > maxDocumentDepth {
		return fmt.Errorf("nested deeper than %d", maxDocumentDepth)
	}
	switch c := w.next(); {
	case c == 0 && w.i >= len(w.b):
		return errJSONShort
	case c == '{' || c == '[':
		return w.container(c, depth)
	case c == '"':
		s, err := w.text()
		if err == nil {
			w.f(node{w.path, s, true})
		}
		return err
	case c == '-' || c >= '0' && c <= '9':
		return w.number(inArray)
	default:
		for _, word := range []string{"true", "false", "null"} {
			if len(w.b)-w.i >= len(word) && string(w.b[w.i:w.i+len(word)]) == word {
				w.i += len(word)
				if word == "null" {
					word = ""
				}
				w.f(node{w.path, word, false})
				return nil
			}
		}
		return errJSON
	}
}

func (w *jsonWalker) container(open byte, depth int) error {
	closing := open + 2 // ']' and '}' stand two behind their openings
	w.i++
	if w.next() == closing {
		w.i++
		return nil
	}
	w.path = append(w.path, "")
	for n := 0; ; n++ {
		if err := w.member(open, n); err != nil {
			return err
		}
		if err := w.value(depth+1, open == '['); err != nil {
			return err
		}
		switch c := w.next(); {
		case c == closing:
			w.i++
			w.path = w.path[:len(w.path)-1]
			return nil
		case c == 0 && w.i >= len(w.b):
			return errJSONShort
		case c != ',':
			return errJSON
		}
		w.i++
	}
}

// member puts the key or index of the next value at the end of the path.
func (w *jsonWalker) member(open byte, n int) error {
	last := len(w.path) - 1
	if open == '[' {
		if w.path[last] = "#"; n < 256 {
			w.path[last] = strconv.Itoa(n)
		}
		return nil
	}
	if w.next() != '"' {
		if w.i >= len(w.b) {
			return errJSONShort
		}
		return errJSON
	}
	key, err := w.text()
	if err != nil {
		return err
	}
	w.path[last] = key
	if w.next() != ':' {
		return errJSON
	}
	w.i++
	return nil
}

// number steps over a number, as leniently as needed: what it is does not matter.
func (w *jsonWalker) number(inArray bool) error {
	from := w.i
	for w.i < len(w.b) {
		switch c := w.b[w.i]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			w.i++
			continue
		}
		break
	}
	if !inArray {
		w.f(node{w.path, string(w.b[from:w.i]), false})
	}
	return nil
}

// text reads a string from its quote on.
func (w *jsonWalker) text() (string, error) {
	from := w.i
	plain := true
	for w.i++; w.i < len(w.b); w.i++ {
		switch c := w.b[w.i]; {
		case c == '"':
			w.i++
			raw := w.b[from+1 : w.i-1]
			if plain {
				return string(raw), nil
			}
			var s string
			if err := json.Unmarshal(w.b[from:w.i], &s); err != nil {
				return "", err
			}
			return s, nil
		case c == '\\':
			plain = false
			w.i++
		case c < 0x20:
			return "", errJSON
		case c >= utf8.RuneSelf:
			plain = false // the library replaces what is no UTF-8
		}
	}
	return "", errJSONShort
}
