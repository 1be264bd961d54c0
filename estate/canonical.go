package estate

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a configuration. The deepest real ones
// (custom resource definitions) stay below 60.
const maxDepth = 512

// Canonical returns one JSON object in the spelling under which snapshots
// compare and store configurations: no white space, members sorted by name,
// the last of duplicate members kept, strings with no escape that JSON does
// not demand, numbers as they stand. Two exports of one thing by different
// tools thus become the same bytes. The result never aliases src.
//
// An error names the byte offset at which src stops being one JSON object.
func Canonical(src []byte) ([]byte, error) {
	c := canon{src: src, out: make([]byte, 0, len(src))}
	c.space()
	if c.pos >= len(src) || src[c.pos] != '{' {
		return nil, fmt.Errorf("configuration is not a JSON object at byte %d", c.pos)
	}
	if err := c.value(0); err != nil {
		return nil, err
	}
	c.space()
	if c.pos != len(src) {
		return nil, fmt.Errorf("something follows the JSON object at byte %d", c.pos)
	}
	return bytes.Clone(c.out), nil
}

// canon is one pass over a JSON text that writes its canonical form.
type canon struct {
	src []byte
	pos int
	out []byte
}

// member is one member of an object in out: its key's content, and the extent
// of key and value together.
type member struct{ key, keyEnd, start, end int }

var errDeep = errors.New("configuration is nested too deep")

func (c *canon) space() {
	for c.pos < len(c.src) {
		switch c.src[c.pos] {
		case ' ', '\t', '\n', '\r':
			c.pos++
		default:
			return
		}
	}
}

func (c *canon) bad(what string) error {
	return fmt.Errorf("%s expected at byte %d of the configuration", what, c.pos)
}

func (c *canon) value(depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: more than %d levels at byte %d", errDeep, maxDepth, c.pos)
	}
	if c.pos >= len(c.src) {
		return c.bad("a value")
	}
	switch b := c.src[c.pos]; {
	case b == '{':
		return c.object(depth)
	case b == '[':
		return c.array(depth)
	case b == '"':
		return c.str()
	case b == '-' || b >= '0' && b <= '9':
		return c.number()
	case b == 't':
		return c.literal("true")
	case b == 'f':
		return c.literal("false")
	case b == 'n':
		return c.literal("null")
	}
	return c.bad("a value")
}

func (c *canon) literal(word string) error {
	if !bytes.HasPrefix(c.src[c.pos:], []byte(word)) {
		return c.bad(word)
	}
	c.pos += len(word)
	c.out = append(c.out, word...)
	return nil
}

func (c *canon) array(depth int) error {
	c.pos++
	c.out = append(c.out, '[')
	c.space()
	if c.pos < len(c.src) && c.src[c.pos] == ']' {
		c.pos++
		c.out = append(c.out, ']')
		return nil
	}
	for {
		c.space()
		if err := c.value(depth + 1); err != nil {
			return err
		}
		c.space()
		if c.pos >= len(c.src) {
			return c.bad("] or ,")
		}
		switch c.src[c.pos] {
		case ',':
			c.pos++
			c.out = append(c.out, ',')
		case ']':
			c.pos++
			c.out = append(c.out, ']')
			return nil
		default:
			return c.bad("] or ,")
		}
	}
}

func (c *canon) object(depth int) error {
	c.pos++
	begin := len(c.out)
	c.out = append(c.out, '{')
	var room [16]member
	members := room[:0]
	c.space()
	if c.pos < len(c.src) && c.src[c.pos] == '}' {
		c.pos++
		c.out = append(c.out, '}')
		return nil
	}
	for {
		m, err := c.member(depth)
		if err != nil {
			return err
		}
		members = append(members, m)
		c.space()
		if c.pos >= len(c.src) {
			return c.bad("} or ,")
		}
		switch c.src[c.pos] {
		case ',':
			c.pos++
			c.out = append(c.out, ',')
		case '}':
			c.pos++
			c.out = append(c.out, '}')
			c.order(begin, members)
			return nil
		default:
			return c.bad("} or ,")
		}
	}
}

func (c *canon) member(depth int) (member, error) {
	var m member
	c.space()
	if c.pos >= len(c.src) || c.src[c.pos] != '"' {
		return m, c.bad("a member's name")
	}
	m.start = len(c.out)
	if err := c.str(); err != nil {
		return m, err
	}
	m.key, m.keyEnd = m.start+1, len(c.out)-1
	c.space()
	if c.pos >= len(c.src) || c.src[c.pos] != ':' {
		return m, c.bad(":")
	}
	c.pos++
	c.out = append(c.out, ':')
	c.space()
	err := c.value(depth + 1)
	m.end = len(c.out)
	return m, err
}

// order sorts the members just written from begin on, and drops all but the
// last of each name. Most input is sorted already and is left where it is.
func (c *canon) order(begin int, members []member) {
	name := func(m member) []byte { return c.out[m.key:m.keyEnd] }
	sorted := true
	for i := 1; i < len(members) && sorted; i++ {
		sorted = bytes.Compare(name(members[i-1]), name(members[i])) < 0
	}
	if sorted {
		return
	}
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare(name(a), name(b)) })
	moved := make([]byte, 0, len(c.out)-begin)
	moved = append(moved, '{')
	for i, m := range members {
		if i+1 < len(members) && bytes.Equal(name(m), name(members[i+1])) {
			continue
		}
		if len(moved) > 1 {
			moved = append(moved, ',')
		}
		moved = append(moved, c.out[m.start:m.end]...)
	}
	c.out = append(append(c.out[:begin], moved...), '}')
}

// number checks RFC 8259's grammar and copies the digits as they stand:
// rounding an account number through a float would change it.
func (c *canon) number() error {
	start := c.pos
	if c.src[c.pos] == '-' {
		c.pos++
	}
	digits := func() int {
		from := c.pos
		for c.pos < len(c.src) && c.src[c.pos] >= '0' && c.src[c.pos] <= '9' {
			c.pos++
		}
		return c.pos - from
	}
	first := c.pos
	n := digits()
	if n == 0 || n > 1 && c.src[first] == '0' {
		return c.bad("a number")
	}
	if c.pos < len(c.src) && c.src[c.pos] == '.' {
		c.pos++
		if digits() == 0 {
			return c.bad("a digit")
		}
	}
	if c.pos < len(c.src) && (c.src[c.pos] == 'e' || c.src[c.pos] == 'E') {
		c.pos++
		if c.pos < len(c.src) && (c.src[c.pos] == '+' || c.src[c.pos] == '-') {
			c.pos++
		}
		if digits() == 0 {
			return c.bad("a digit")
		}
	}
	c.out = append(c.out, c.src[start:c.pos]...)
	return nil
}

// plain marks the bytes a JSON string may hold unescaped and that are one
// character by themselves.
var plain = func() (t [256]bool) {
	for i := 0x20; i < utf8.RuneSelf; i++ {
		t[i] = i != '"' && i != '\\'
	}
	return t
}()

func (c *canon) str() error {
	c.pos++
	c.out = append(c.out, '"')
	for {
		from := c.pos
		for c.pos < len(c.src) && plain[c.src[c.pos]] {
			c.pos++
		}
		c.out = append(c.out, c.src[from:c.pos]...)
		if c.pos >= len(c.src) {
			return c.bad("the end of a string")
		}
		switch b := c.src[c.pos]; {
		case b == '"':
			c.pos++
			c.out = append(c.out, '"')
			return nil
		case b == '\\':
			if err := c.escape(); err != nil {
				return err
			}
		case b < 0x20:
			return c.bad("an escaped control character")
		default:
			r, n := utf8.DecodeRune(c.src[c.pos:])
			c.pos += n
			c.out = utf8.AppendRune(c.out, r)
		}
	}
}

const escapes = `"\/bfnrt`

// escape reads one escape sequence and writes its shortest spelling. A
// surrogate without its other half becomes U+FFFD, as encoding/json has it.
func (c *canon) escape() error {
	if c.pos+1 >= len(c.src) {
		return c.bad("an escape")
	}
	if c.src[c.pos+1] != 'u' {
		i := bytes.IndexByte([]byte(escapes), c.src[c.pos+1])
		if i < 0 {
			return c.bad("an escape")
		}
		c.pos += 2
		c.rune(rune("\"\\/\b\f\n\r\t"[i]))
		return nil
	}
	r, err := c.hex(c.pos)
	if err != nil {
		return err
	}
	c.pos += 6
	if utf16.IsSurrogate(r) {
		low, err := c.hex(c.pos)
		if pair := utf16.DecodeRune(r, low); err == nil && pair != utf8.RuneError {
			c.pos += 6
			r = pair
		} else {
			r = utf8.RuneError
		}
	}
	c.rune(r)
	return nil
}

func (c *canon) hex(at int) (rune, error) {
	if at+6 > len(c.src) || c.src[at] != '\\' || c.src[at+1] != 'u' {
		return 0, c.bad("four hex digits")
	}
	n, err := strconv.ParseUint(string(c.src[at+2:at+6]), 16, 16)
	if err != nil {
		return 0, c.bad("four hex digits")
	}
	return rune(n), nil
}

func (c *canon) rune(r rune) {
	const hexdigits = "0123456789abcdef"
	switch {
	case r == '"' || r == '\\':
		c.out = append(c.out, '\\', byte(r))
	case r == '\b':
		c.out = append(c.out, `\b`...)
	case r == '\f':
		c.out = append(c.out, `\f`...)
	case r == '\n':
		c.out = append(c.out, `\n`...)
	case r == '\r':
		c.out = append(c.out, `\r`...)
	case r == '\t':
		c.out = append(c.out, `\t`...)
	case r < 0x20:
		c.out = append(c.out, '\\', 'u', '0', '0', hexdigits[r>>4], hexdigits[r&15])
	default:
		c.out = utf8.AppendRune(c.out, r)
	}
}
