package ocsf

import "bytes"

// scan finds where a JSON value ends without checking it, over as many pieces
// as it takes: what is malformed inside is passed over as one record.
type scan struct {
	i      int // looked at so far
	depth  int
	quoted bool
	begun  bool
}

// open says whether the value has begun and not ended.
func (s *scan) open() bool { return s.begun }

// rebase says that what was looked at is gone from memory.
func (s *scan) rebase() { s.i = 0 }

// next looks at b, of which the first s.i bytes were seen before, and returns
// how long the value is once its end is in b. A value that does not begin with
// a bracket or a quote has length 0.
func (s *scan) next(b []byte) (size int, ok bool) {
	for s.i < len(b) {
		if s.quoted {
			n := bytes.IndexByte(b[s.i:], '"')
			// A JSON string holds no line break: a quote that was never
			// closed costs a line, not the rest of the file.
			upTo := b[s.i:]
			if n >= 0 {
				upTo = upTo[:n]
			}
			if line := bytes.IndexByte(upTo, '\n'); line >= 0 {
				*s = scan{i: s.i + line}
				return s.i, true
			}
			if n < 0 {
				// All of it is inside the string; the run of backslashes at
				// the end decides about the next quote, so it stays unread.
				j := len(b)
				for j > s.i && b[j-1] == '\\' {
					j--
				}
				if j == s.i && j < len(b) {
					j += (len(b) - s.i) &^ 1 // nothing but backslashes: whole pairs are done with
				}
				s.i = j
				return 0, false
			}
			end := s.i + n
			slashes := 0
			for j := end - 1; j >= s.i && b[j] == '\\'; j-- {
				slashes++
			}
			s.i = end + 1
			if slashes%2 == 0 {
				s.quoted = false
				if s.depth == 0 {
					return s.i, true
				}
			}
			continue
		}
		switch b[s.i] {
		case '"':
			s.quoted, s.begun = true, true
		case '{', '[':
			s.begun = true
			s.depth++
		case '}', ']':
			if s.depth--; s.depth <= 0 {
				s.i++
				return s.i, true
			}
		default:
			if !s.begun {
				return 0, true
			}
		}
		s.i++
	}
	return 0, false
}
