package modelfile

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// lightgbm reads LightGBM's text format: parameters and trees, nothing that
// runs.
func (s *scanner) lightgbm(it item) string {
	tail := s.head(it, max(0, it.size-(4<<20)), 4<<20)
	if !strings.Contains(string(tail), "end of trees") && !strings.Contains(string(s.head(it, 0, 4<<20)), "end of trees") {
		s.find(it, "lightgbm-broken", Undecided, -1, "", "the list of trees does not end")
	}
	if !isText8(s.head(it, 0, 1<<16)) {
		s.find(it, "lightgbm-broken", Undecided, 0, "", "the model is no text")
	}
	s.secrets(it, "parameters", string(tail))
	return "lightgbm"
}

func isXGBoostBinary(h []byte, it item) bool {
	return len(h) > 4 && (string(h[:4]) == "binf" || string(h[:4]) == "bs64")
}

func (s *scanner) xgboostBinary(it item) string { return "xgboost-binary" }

// isUBJ recognises XGBoost's universal binary JSON: an object whose first key
// has a length in front.
func isUBJ(h []byte, it item) bool {
	return len(h) > 12 && h[0] == '{' && (h[1] == 'L' || h[1] == 'i' || h[1] == 'U') && (it.ext() == ".ubj" || string(h[2:9]) == "\x00\x00\x00\x00\x00\x00\x00")
}

// ubj reads universal binary JSON, draft 12, to its end.
func (s *scanner) ubj(it item) string {
	u := ubjReader{c: newCursor(it, 0), s: s, it: it}
	u.value(u.c.u8(), 0, "")
	if u.c.err != nil {
		s.header(it, "ubj", u.c.err)
	} else if u.c.left() > 0 {
		s.behindData(it, u.c.pos)
	}
	return "xgboost"
}

type ubjReader struct {
	c  *cursor
	s  *scanner
	it item
}

var ubjWidth = map[byte]uint64{'i': 1, 'U': 1, 'I': 2, 'l': 4, 'L': 8, 'd': 4, 'D': 8, 'C': 1, 'T': 0, 'F': 0, 'Z': 0, 'N': 0}

func (u ubjReader) count() uint64 {
	switch t := u.c.u8(); t {
	case 'i', 'U':
		return uint64(u.c.u8())
	case 'I':
		return uint64(binary.BigEndian.Uint16(u.c.take(2)))
	case 'l':
		return uint64(binary.BigEndian.Uint32(u.c.take(4)))
	case 'L':
		return binary.BigEndian.Uint64(u.c.take(8))
	default:
		u.c.fail(fmt.Errorf("a count of type %q at offset %d", t, u.c.pos))
	}
	return 0
}

func (u ubjReader) value(t byte, depth int, key string) {
	c := u.c
	if depth > maxDocumentDepth {
		c.fail(fmt.Errorf("nested deeper than %d", maxDocumentDepth))
	}
	if c.err != nil {
		return
	}
	switch t {
	case 'S', 'H':
		if text := c.text(u.count(), 1<<20); len(text) >= 8 {
			u.s.metadata(u.it, key, text)
		}
	case '[', '{':
		u.container(t, depth)
	default:
		w, ok := ubjWidth[t]
		if !ok {
			c.fail(fmt.Errorf("type %q at offset %d", t, c.pos))
			return
		}
		c.skip(w)
	}
}

func (u ubjReader) container(open byte, depth int) {
	c := u.c
	closing := byte(']')
	if open == '{' {
		closing = '}'
	}
	var elem byte
	n, counted := uint64(0), false
	t := c.u8()
	if t == '$' {
		elem = c.u8()
		t = c.u8()
	}
	if t == '#' {
		n, counted = u.count(), true
		if n > uint64(c.left()) && ubjWidth[elem] > 0 {
			c.fail(lengthError{n, c.left(), c.pos})
			return
		}
		if w, fixed := ubjWidth[elem]; fixed && open == '[' {
			c.skip(n * w)
			return
		}
		if n > uint64(c.left()) {
			c.fail(lengthError{n, c.left(), c.pos})
			return
		}
		t = 0
	} else if elem != 0 {
		c.fail(fmt.Errorf("a typed container without a count at offset %d", c.pos))
	}
	for i := uint64(0); c.err == nil && (!counted || i < n); i++ {
		if !counted && (i > 0 || t == 0) {
			t = c.u8()
		}
		if !counted && t == closing {
			return
		}
		key := ""
		if open == '{' {
			key = u.key(t, counted)
			t = 0
		}
		e := elem
		if e == 0 {
			if e = t; e == 0 || counted {
				e = c.u8()
			}
		}
		u.value(e, depth+1, key)
		t = 0
		if u.s.ctx.Err() != nil {
			c.fail(u.s.ctx.Err())
		}
	}
}

// key reads an object's key; the type of its length may have been read already.
func (u ubjReader) key(t byte, counted bool) string {
	if counted || t == 0 {
		return u.c.text(u.count(), 256)
	}
	w, ok := ubjWidth[t]
	if !ok || w == 0 || t == 'd' || t == 'D' {
		u.c.fail(fmt.Errorf("a key's length of type %q at offset %d", t, u.c.pos))
		return ""
	}
	b := u.c.take(int(w))
	n := uint64(0)
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return u.c.text(n, 256)
}
