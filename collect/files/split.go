package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// limits bounds what one file may cost. Tests make them small.
type limits struct {
	whole   int // a top-level value up to this size is one document
	items   int // elements in one part of a larger one
	part    int // bytes in one part, unless a single element is larger
	element int // a single element or member above this is not read
	key     int // a member name above this is refused
	repeat  int // scalar members repeated in each part
	yaml    int64
	nodes   int   // values one YAML file may hold, by its separators
	expand  int   // bytes of JSON one YAML document may grow to, at least
	inflate int64 // bytes a compressed file may grow to
	ratio   int64 // growth above which a compressed file is taken for a bomb …
	bomb    int64 // … once it has grown beyond this
}

var defaultLimits = limits{
	whole: 8 << 20, items: 1000, part: 4 << 20, element: 64 << 20, key: 64 << 10, repeat: 4 << 10,
	yaml: 16 << 20, nodes: 2_500_000, expand: 32 << 20,
	inflate: 16 << 30, ratio: 300, bomb: 256 << 20,
}

// piece is one document, or part of one, cut out of a file.
type piece struct {
	index   int
	partial bool
	// empty is set for a file without a byte; body then says so as an error.
	empty bool
	body  []byte
}

// trouble is something that could not be read while the rest could.
type trouble struct {
	at   place
	what string
	hint string
}

// splitter cuts the text of a JSON file into pieces.
type splitter struct {
	in    *input
	lim   limits
	emit  func(piece) error
	note  func(trouble)
	list  bool // the file may hold a list: elements before damage may be used
	index int
	batch []byte
	// read counts the elements and documents given out, for messages.
	documents, elements int
}

// run reads values one after another until the input ends. The error is a
// *damage, or what emit returned.
func (s *splitter) run() error {
	for {
		if _, ok := s.in.next(); !ok {
			var broken *damage
			if err := s.in.truncated(); s.in.err != nil && errors.As(err, &broken) && broken.cause != nil {
				return err
			}
			return nil
		}
		if err := s.one(); err != nil {
			return err
		}
	}
}

// one reads one top-level value: whole if it is small and sound, else cut.
func (s *splitter) one() error {
	start := s.in.at
	text, over, err := s.in.value(nil, s.lim.whole, true)
	if err == nil && !over {
		if !s.sound(text, start, "the document", "") {
			return nil
		}
		if text[0] != '{' && text[0] != '[' {
			s.note(trouble{at: start, what: "a bare value (" + clip(string(text), 40) + ") where an object or array should stand",
				hint: "export with --output json and without --query"})
			return nil
		}
		s.documents++
		return s.give(piece{body: text})
	}
	damaged := err
	s.in.back(text, start)
	first, _ := s.in.next()
	switch {
	case first == '{' && (over || s.list):
		return s.object(over)
	case first == '[' && (over || s.list):
		return s.array()
	case damaged != nil:
		return damaged
	}
	_, _, err = s.in.value(nil, 0, false)
	s.note(trouble{at: start, what: fmt.Sprintf("a single value above %s", size(s.lim.whole))})
	return err
}

// give sends one piece on.
func (s *splitter) give(p piece) error {
	p.index = s.index
	s.index++
	return s.emit(p)
}

// sound reports whether text may be handed on, and notes why not.
func (s *splitter) sound(text []byte, at place, what, name string) bool {
	switch {
	case !utf8.Valid(text):
		s.note(trouble{at: at, what: what + clip(name, 80) + " holds bytes that are not UTF-8",
			hint: "convert the file to UTF-8 or export it again"})
	case s.in.scan.dups.found:
		s.note(trouble{at: at, what: what + clip(name, 80) + " has a member name twice in one object: which of the two counts is not defined",
			hint: "export it again without editing it"})
	default:
		return true
	}
	return false
}

// array cuts a top-level array into smaller arrays.
func (s *splitter) array() error {
	s.in.advance(1)
	n, err := s.members("[", "]")
	if err == nil && n == 0 {
		return s.give(piece{body: []byte("[]")})
	}
	return err
}

// members reads the elements after '[' up to and with ']' and gives them out
// in parts between head and tail. It returns how many there were.
func (s *splitter) members(head, tail string) (n int, err error) {
	p := parts{s: s, head: head, tail: tail}
	p.begin()
	c, ok := s.in.next()
	if ok && c == ']' {
		s.in.advance(1)
		return 0, nil
	}
	for {
		if err := p.element(); err != nil {
			// What was complete before the damage is still given out.
			if ferr := p.flush(); ferr != nil {
				return n, ferr
			}
			return n, err
		}
		n++
		c, ok := s.in.next()
		switch {
		case ok && c == ',':
			s.in.advance(1)
			continue
		case ok && c == ']':
			s.in.advance(1)
			return n, p.flush()
		}
		if err := p.flush(); err != nil {
			return n, err
		}
		if !ok {
			return n, s.in.truncated()
		}
		return n, &damage{at: s.in.at, what: fmt.Sprintf("expected ',' or ']' in an array, found %s", show(c))}
	}
}

// parts gathers elements until a part is full.
type parts struct {
	s          *splitter
	head, tail string
	count      int
}

func (p *parts) begin() { p.s.batch, p.count = append(p.s.batch[:0], p.head...), 0 }

func (p *parts) element() error {
	s := p.s
	if _, ok := s.in.next(); !ok {
		return s.in.truncated()
	}
	start, mark := s.in.at, len(s.batch)
	if p.count > 0 {
		s.batch = append(s.batch, ',')
	}
	from := len(s.batch)
	out, over, err := s.in.value(s.batch, s.lim.element, false)
	if err != nil {
		s.batch = out[:mark]
		return err
	}
	s.batch = out
	if over {
		s.note(trouble{at: start, what: fmt.Sprintf("an element of %s above %s", clip(p.head, 80), size(s.lim.element)),
			hint: "export it on its own or in smaller parts"})
	}
	if over || !s.sound(s.batch[from:], start, "an element of ", p.head) {
		s.batch = s.batch[:mark]
		return nil
	}
	s.elements++
	p.count++
	if p.count > 1 && len(s.batch) > s.lim.part {
		late := append([]byte(nil), s.batch[from:]...)
		s.batch, p.count = s.batch[:mark], p.count-1
		if err := p.flush(); err != nil {
			return err
		}
		s.batch, p.count = append(s.batch, late...), 1
	}
	if p.count >= s.lim.items || len(s.batch) > s.lim.part {
		return p.flush()
	}
	return nil
}

// flush gives out what is gathered and begins the next part.
func (p *parts) flush() error {
	if p.count == 0 {
		return nil
	}
	body := make([]byte, 0, len(p.s.batch)+len(p.tail))
	body = append(append(body, p.s.batch...), p.tail...)
	p.begin()
	return p.s.give(piece{partial: true, body: body})
}

func unquote(key []byte) string {
	var name string
	if json.Unmarshal(key, &name) != nil {
		return string(key)
	}
	return name
}

// clip shortens text for a message.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}

// size spells a number of bytes.
func size[N int | int64](n N) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
