// Package cursor reads JSON in one pass without reflection and without
// building a tree: the caller walks objects and arrays, takes the few values
// it wants and skips the rest. What is skipped is still checked, so that a
// document is accepted exactly when encoding/json calls it valid (and is not
// nested deeper than MaxDepth).
package cursor

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// MaxDepth is how deep objects and arrays may nest. Logs nest a dozen levels;
// what is deeper was written to exhaust a reader.
const MaxDepth = 512

// Cursor is a place in a JSON document. An error is sticky: once Err is not
// nil every step says there is nothing more. Strings it returns are views of
// the document where no escape had to be undone, so the document must not be
// changed while they live.
type Cursor struct {
	b     []byte
	i     int
	depth int
	fresh bool // just inside an opening bracket: no comma is due
	why   string
}

// New starts at the beginning of b.
func New(b []byte) Cursor { return Cursor{b: b} }

// Err says what is wrong with the document and at which byte, or nil.
func (c *Cursor) Err() error {
	if c.why == "" {
		return nil
	}
	return &SyntaxError{Offset: c.i, What: c.why}
}

// SyntaxError is a document that is not JSON.
type SyntaxError struct {
	Offset int    // of the byte that cannot stand there
	What   string // what was expected
}

// Error names the place and what was expected there.
func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.What) }

// Offset is the byte the cursor stands at.
func (c *Cursor) Offset() int { return c.i }

func (c *Cursor) fail(what string) {
	if c.why == "" {
		c.why = what
	}
}

func (c *Cursor) space() {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\n', '\t', '\r':
			c.i++
		default:
			return
		}
	}
}

// Peek is the first byte of the next value ('{', '[', '"', 't', 'f', 'n', '-'
// or a digit), or 0 at the end.
func (c *Cursor) Peek() byte {
	if c.i < len(c.b) && c.b[c.i] > ' ' && c.why == "" {
		return c.b[c.i]
	}
	return c.peek()
}

// peek is Peek where white space comes first, or nothing.
func (c *Cursor) peek() byte {
	if c.why != "" {
		return 0
	}
	c.space()
	if c.i >= len(c.b) {
		return 0
	}
	return c.b[c.i]
}

// Enter steps into the object ('{') or array ('[') that comes next. If
// something else comes it stays before it and returns false.
func (c *Cursor) Enter(open byte) bool {
	if c.Peek() != open {
		return false
	}
	if c.depth++; c.depth > MaxDepth {
		c.fail("nested too deep")
		return false
	}
	c.i++
	c.fresh = true
	return true
}

// Field moves to the next member of the object entered and returns its name;
// false after the last one, the closing bracket consumed. The caller must
// consume the value, by reading or by Skip.
func (c *Cursor) Field() (name string, ok bool) {
	// Logs are written without white space, nearly all: what is expected is tried first.
	switch b, i := c.b, c.i; {
	case c.why == "" && !c.fresh && i+1 < len(b) && b[i] == ',' && b[i+1] == '"':
		c.i++
	case c.why == "" && c.fresh && i < len(b) && b[i] == '"':
		c.fresh = false
	case !c.item('}'):
		return "", false
	case c.Peek() != '"':
		c.fail("expected a member's name")
		return "", false
	}
	start := c.i + 1
	if escaped := c.str(); c.why != "" {
		return "", false
	} else if raw := c.b[start : c.i-1]; escaped {
		name = string(unescape(raw))
	} else {
		name = view(raw)
	}
	if c.i < len(c.b) && c.b[c.i] == ':' {
		c.i++
		return name, true
	}
	if c.Peek() != ':' {
		c.fail("expected a colon")
		return "", false
	}
	c.i++
	return name, true
}

// Elem moves to the next element of the array entered; false after the last
// one, the closing bracket consumed.
func (c *Cursor) Elem() bool { return c.item(']') }

func (c *Cursor) item(end byte) bool {
	got := c.Peek()
	fresh := c.fresh
	c.fresh = false
	switch {
	case c.why != "":
		return false
	case got == end:
		c.i++
		c.depth--
		return false
	case fresh:
		return true
	case got != ',':
		c.fail("expected a comma or the end of what was opened")
		return false
	}
	c.i++
	return true
}

// String reads the next value if it is a string, else skips it and returns "".
func (c *Cursor) String() string {
	if c.Peek() != '"' {
		c.Skip()
		return ""
	}
	start := c.i + 1
	escaped := c.str()
	if c.why != "" {
		return ""
	}
	raw := c.b[start : c.i-1]
	if !escaped {
		return view(raw)
	}
	return string(unescape(raw))
}

// Text reads the next value as text: a string's characters, a number's or
// boolean's digits, "" for null, and the JSON itself of an object or array.
func (c *Cursor) Text() string {
	switch c.Peek() {
	case '"':
		return c.String()
	case 'n':
		c.Skip()
		return ""
	}
	return view(c.Raw())
}

// Raw is the JSON of the next value, untouched.
func (c *Cursor) Raw() []byte {
	c.space()
	start := c.i
	c.Skip()
	if c.why != "" {
		return nil
	}
	return c.b[start:c.i]
}

// Bool reads the next value if it is true or false; known is false for
// anything else, which is skipped. The strings "true" and "false" count: some
// sources write them.
func (c *Cursor) Bool() (value, known bool) {
	if c.Peek() == 't' || c.i < len(c.b) && c.b[c.i] == 'f' {
		value = c.b[c.i] == 't'
		c.Skip()
		return value && c.why == "", c.why == ""
	}
	switch c.Text() {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Int reads the next value if it is a whole number, or a string that is one;
// anything else is skipped and gives ok false. A fraction or exponent is not
// whole here.
func (c *Cursor) Int() (n int64, ok bool) { return Int(c.Text()) }

// Int reads a whole number in decimal digits.
func Int(s string) (n int64, ok bool) {
	neg := len(s) > 0 && s[0] == '-'
	if neg {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	if neg {
		n = -n
	}
	return n, true
}

// End reports whether nothing but white space is left; anything else is an error.
func (c *Cursor) End() bool {
	if c.Peek() != 0 || c.i < len(c.b) {
		c.fail("more after the end of the document")
	}
	return c.why == ""
}

// Skip moves past the next value, checking it.
func (c *Cursor) Skip() {
	switch c.Peek() {
	case '"':
		c.fresh = false
		c.str()
		return
	case 'n':
		c.fresh = false
		c.word("null")
		return
	case 't':
		c.fresh = false
		c.word("true")
		return
	case 'f':
		c.fresh = false
		c.word("false")
		return
	}
	c.skip()
}

// skip is Skip of what may hold others.
func (c *Cursor) skip() {
	var array [MaxDepth/64 + 1]uint64 // per level opened here: 1 is an array
	base := c.depth
value:
	switch got := c.Peek(); got {
	case '"':
		c.str()
	case '{', '[':
		c.i++
		if c.depth++; c.depth > MaxDepth {
			c.fail("nested too deep")
			return
		}
		level := c.depth - base
		if got == '[' {
			array[level/64] |= 1 << (level % 64)
			if c.Peek() == ']' {
				c.i++
				c.depth--
				goto after
			}
			goto value
		}
		array[level/64] &^= 1 << (level % 64)
		if c.Peek() == '}' {
			c.i++
			c.depth--
			goto after
		}
		goto key
	case 't':
		c.word("true")
	case 'f':
		c.word("false")
	case 'n':
		c.word("null")
	default:
		c.number()
	}
after:
	if c.why != "" || c.depth == base {
		c.fresh = false
		return
	}
	{
		level := c.depth - base
		isArray := array[level/64]>>(level%64)&1 == 1
		switch got := c.Peek(); {
		case got == ',':
			c.i++
			if isArray {
				goto value
			}
			goto key
		case got == ']' && isArray, got == '}' && !isArray:
			c.i++
			c.depth--
			goto after
		}
		c.fail("expected a comma or the end of what was opened")
		return
	}
key:
	if c.Peek() != '"' {
		c.fail("expected a member's name")
		return
	}
	c.str()
	if c.Peek() != ':' {
		c.fail("expected a colon")
		return
	}
	c.i++
	goto value
}

func (c *Cursor) word(w string) {
	if end := c.i + len(w); end <= len(c.b) && string(c.b[c.i:end]) == w {
		c.i = end
		return
	}
	c.fail("expected a value")
}

func (c *Cursor) number() {
	if c.why != "" {
		return
	}
	if c.at('-') {
		c.i++
	}
	if c.at('0') {
		c.i++
	} else if c.digits() == 0 {
		c.fail("expected a value")
		return
	}
	if c.at('.') {
		c.i++
		if c.digits() == 0 {
			c.fail("expected a digit")
		}
	}
	if c.at('e') || c.at('E') {
		c.i++
		if c.at('+') || c.at('-') {
			c.i++
		}
		if c.digits() == 0 {
			c.fail("expected a digit")
		}
	}
}

func (c *Cursor) at(b byte) bool { return c.i < len(c.b) && c.b[c.i] == b }

func (c *Cursor) digits() int {
	start := c.i
	for c.i < len(c.b) && c.b[c.i]-'0' <= 9 {
		c.i++
	}
	return c.i - start
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str moves past a string, its opening quote being next; it looks at eight
// bytes at a time for a quote, a backslash or a control character.
func (c *Cursor) str() (escaped bool) {
	b, i := c.b, c.i+1
	for {
		for i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			quote, slash := w^(ones*'"'), w^(ones*'\\')
			hit := ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*0x20)&^w) & highs
			if hit != 0 {
				if i += bits.TrailingZeros64(hit) / 8; b[i] == '"' {
					c.i = i + 1
					return escaped
				}
				break
			}
			i += 8
		}
		for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= 0x20 {
			i++
			if i+8 <= len(b) {
				break // the word loop goes on: its hit was no real one
			}
		}
		if i >= len(b) {
			c.i = i
			c.fail("a string without an end")
			return escaped
		}
		switch ch := b[i]; {
		case ch == '"':
			c.i = i + 1
			return escaped
		case ch == '\\':
			escaped = true
			n := escapeLength(b[i:])
			if n == 0 {
				c.i = i
				c.fail("an escape that JSON does not know")
				return escaped
			}
			i += n
		case ch < 0x20:
			c.i = i
			c.fail("a control character in a string")
			return escaped
		}
	}
}

// escapeLength is the length of the escape b begins with, or 0.
func escapeLength(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && hex4(b[2:6]) >= 0 {
			return 6
		}
	}
	return 0
}

func hex4(b []byte) rune {
	var r rune
	for _, ch := range b {
		switch {
		case ch >= '0' && ch <= '9':
			ch -= '0'
		case ch >= 'a' && ch <= 'f':
			ch -= 'a' - 10
		case ch >= 'A' && ch <= 'F':
			ch -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(ch)
	}
	return r
}

// unescape undoes the escapes of a string already checked by str.
func unescape(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			i++
			continue
		}
		switch ch := raw[i+1]; ch {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := hex4(raw[i+2 : i+6])
			i += 6
			if utf16.IsSurrogate(r) {
				second := rune(-1)
				if i+6 <= len(raw) && raw[i] == '\\' && raw[i+1] == 'u' {
					second = hex4(raw[i+2 : i+6])
				}
				if both := utf16.DecodeRune(r, second); both != utf8.RuneError {
					r = both
					i += 6
				} else {
					r = utf8.RuneError
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		default:
			out = append(out, ch)
		}
		i += 2
	}
	return out
}

// view is b as a string without a copy.
func view(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}
