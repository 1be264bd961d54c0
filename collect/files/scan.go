package files

import "fmt"

// maxDepth is the deepest nesting accepted. The deepest replies and manifests
// seen (CRD schemas) nest some fifty levels; readers after this one recurse,
// so the bound lies far below what would hurt a stack.
const maxDepth = 1000

// scanner is a resumable JSON validator: it is fed chunks and says where the
// one value it was started on ends. It holds no input and needs memory only
// for the containers that are open.
type scanner struct {
	state state
	lit   string // rest of the literal being read
	hex   int    // digits of a \u escape still to come
	key   bool   // the string being read is a member's name
	stack []bool // true: object, false: array
	num   number
	dups  duplicates
}

type state uint8

const (
	wantValue state = iota
	wantValueOrEnd
	wantKeyOrEnd
	wantKey
	wantColon
	afterValue
	inString
	inEscape
	inHex
	inLiteral
	numMinus
	numZero
	numInt
	numDot
	numFrac
	numE
	numESign
	numExp
	finished
)

// start makes the scanner ready for a new value.
func (s *scanner) start() {
	s.state, s.stack, s.key = wantValue, s.stack[:0], false
	s.dups.reset()
}

// stringStop marks the bytes a string's fast loop stops at.
var stringStop = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

// feed consumes p up to the value's end. n counts the bytes that belong to
// the value (on an error: those before the offending byte); done says that the
// value is complete.
func (s *scanner) feed(p []byte) (n int, done bool, err error) {
	for n < len(p) {
		c := p[n]
		switch s.state {
		case inString:
			if !s.key {
				for !stringStop[c] {
					if n++; n == len(p) {
						return n, false, nil
					}
					c = p[n]
				}
			}
			if err := s.stringByte(c); err != nil {
				return n, false, err
			}
		case inEscape, inHex:
			if err := s.escape(c); err != nil {
				return n, false, err
			}
		case inLiteral:
			if c != s.lit[0] {
				return n, false, fmt.Errorf("invalid literal: expected %q, found %s", s.lit, show(c))
			}
			if s.lit = s.lit[1:]; s.lit == "" {
				s.endValue()
			}
		case numMinus, numZero, numInt, numDot, numFrac, numE, numESign, numExp:
			again, err := s.number(c)
			if err != nil {
				return n, false, err
			}
			if again { // c ends the number and is looked at once more
				s.endValue()
				if s.state == finished {
					return n, true, nil
				}
				continue
			}
		default:
			if c == ' ' || c == '\n' || c == '\t' || c == '\r' {
				break
			}
			if err := s.structure(c); err != nil {
				return n, false, err
			}
		}
		n++
		if s.state == finished {
			return n, true, nil
		}
	}
	return n, false, nil
}

// end tells the scanner that the input is over.
func (s *scanner) end() (done bool) {
	if len(s.stack) > 0 {
		return false
	}
	switch s.state {
	case numZero, numInt, numFrac, numExp, finished:
		return true
	}
	return false
}

func (s *scanner) stringByte(c byte) error {
	switch {
	case c == '"':
		if s.key {
			s.key = false
			s.dups.endKey()
			s.state = wantColon
			return nil
		}
		s.endValue()
	case c == '\\':
		s.state = inEscape
		if s.key { // "\n" is another name than "n"
			s.dups.keyByte(c)
		}
	case c < 0x20:
		return fmt.Errorf("control character %s inside a string", show(c))
	case s.key:
		s.dups.keyByte(c)
	}
	return nil
}

func (s *scanner) escape(c byte) error {
	if s.key {
		s.dups.keyByte(c)
	}
	if s.state == inHex {
		if !isHex(c) {
			return fmt.Errorf("invalid \\u escape: found %s", show(c))
		}
		if s.hex--; s.hex == 0 {
			s.state = inString
		}
		return nil
	}
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.state = inString
	case 'u':
		s.state, s.hex = inHex, 4
	default:
		return fmt.Errorf("invalid escape \\%s", show(c))
	}
	return nil
}

// structure handles the byte between tokens.
func (s *scanner) structure(c byte) error {
	switch s.state {
	case wantKeyOrEnd, wantKey:
		if c == '"' {
			s.state, s.key = inString, true
			s.dups.startKey()
			return nil
		}
		if c == '}' && s.state == wantKeyOrEnd {
			s.pop()
			return nil
		}
		return fmt.Errorf("expected a member name in quotes, found %s", show(c))
	case wantColon:
		if c != ':' {
			return fmt.Errorf("expected ':' after a member name, found %s", show(c))
		}
		s.state = wantValue
		return nil
	case afterValue:
		return s.after(c)
	case wantValueOrEnd:
		if c == ']' {
			s.pop()
			return nil
		}
	}
	return s.value(c)
}

func (s *scanner) after(c byte) error {
	object := s.stack[len(s.stack)-1]
	switch {
	case c == ',' && object:
		s.state = wantKey
	case c == ',':
		s.state = wantValue
	case c == '}' && object, c == ']' && !object:
		s.pop()
	case object:
		return fmt.Errorf("expected ',' or '}' in an object, found %s", show(c))
	default:
		return fmt.Errorf("expected ',' or ']' in an array, found %s", show(c))
	}
	return nil
}

func (s *scanner) value(c byte) error {
	switch c {
	case '{', '[':
		if len(s.stack) >= maxDepth {
			return fmt.Errorf("nested deeper than %d levels", maxDepth)
		}
		object := c == '{'
		s.stack = append(s.stack, object)
		s.state = wantValueOrEnd
		if object {
			s.state = wantKeyOrEnd
			s.dups.open()
		}
	case '"':
		s.state = inString
	case 't':
		s.state, s.lit = inLiteral, "rue"
	case 'f':
		s.state, s.lit = inLiteral, "alse"
	case 'n':
		s.state, s.lit = inLiteral, "ull"
	case '-':
		s.state, s.num = numMinus, number{}
	case '0':
		s.state, s.num = numZero, number{digits: 1}
	case 'N', 'I':
		return fmt.Errorf("NaN and Infinity are not JSON")
	default:
		if c >= '1' && c <= '9' {
			s.state, s.num = numInt, number{digits: 1}
			return nil
		}
		return fmt.Errorf("expected a value, found %s", show(c))
	}
	return nil
}

// pop closes the innermost container.
func (s *scanner) pop() {
	last := len(s.stack) - 1
	if s.stack[last] {
		s.dups.close()
	}
	s.stack = s.stack[:last]
	s.endValue()
}

func (s *scanner) endValue() {
	s.state = afterValue
	if len(s.stack) == 0 {
		s.state = finished
	}
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// show spells one byte for an error message.
func show(c byte) string {
	if c < 0x20 || c >= 0x7f {
		return fmt.Sprintf("byte 0x%02x", c)
	}
	return fmt.Sprintf("%q", c)
}
