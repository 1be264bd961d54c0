package format

import (
	"bufio"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNesting is how deep objects and lists may lie in each other.
const maxNesting = 200

// maxPath is the longest path of keys that is kept apart from others.
const maxPath = 400

// json reads JSON, one document or one a line, as a stream of values with the
// path of keys to each: a list's members share one, as in messages[].content.
// No document is held in memory, nor is a string longer than a cell.
func (r *reader) json(in io.Reader) error {
	p := &jsonReader{r: r, in: bufio.NewReaderSize(decoded(in), 64<<10)}
	err := p.all()
	if errors.Is(err, io.EOF) {
		if p.depth > 0 {
			return problem("the JSON is cut short")
		}
		return nil
	}
	if errors.Is(err, errSyntax) {
		return problem("the JSON is malformed after %d bytes", p.at)
	}
	return r.damaged("the JSON", err)
}

var errSyntax = errors.New("syntax")

// level is one object or list that is open.
type level struct {
	list bool
	path int // length of the path before its members
}

type jsonReader struct {
	r      *reader
	in     *bufio.Reader
	at     int64
	depth  int
	levels [maxNesting]level
	path   []byte
	cell   []byte
	names  map[string]string // paths already made into strings
}

func (p *jsonReader) byte() (byte, error) {
	c, err := p.in.ReadByte()
	p.at++
	return c, err
}

// all reads values until the end. A record is a member of the outermost list,
// or a value at the top.
func (p *jsonReader) all() error {
	for {
		c, err := p.byte()
		if err != nil {
			return err
		}
		switch c {
		case ' ', '\t', '\r', '\n', ',', 0x1e:
			continue
		case ']', '}':
			if p.depth == 0 || p.levels[p.depth-1].list != (c == ']') {
				return errSyntax
			}
			p.depth--
			p.path = p.path[:p.levels[p.depth].path]
			if p.depth == 0 && c == ']' {
				continue // its members were the records
			}
			if err := p.closed(); err != nil {
				return err
			}
			continue
		}
		if p.depth > 0 && !p.levels[p.depth-1].list {
			if c != '"' {
				return errSyntax
			}
			if err := p.key(); err != nil {
				return err
			}
			if c, err = p.skip(); err != nil {
				return err
			}
		}
		if err := p.value(c); err != nil {
			return err
		}
	}
}

// skip returns the next byte that is no space.
func (p *jsonReader) skip() (byte, error) {
	for {
		c, err := p.byte()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
	}
}

// key reads a member's name, whose quote is read already, and its colon.
func (p *jsonReader) key() error {
	p.path = p.path[:p.levels[p.depth-1].path]
	p.cell = p.cell[:0]
	for {
		done, err := p.string()
		if err != nil {
			return err
		}
		if done {
			break
		}
		p.cell = p.cell[:min(len(p.cell), 64)]
	}
	if len(p.path) > 0 {
		p.path = append(p.path, '.')
	}
	p.path = append(p.path, p.cell[:min(len(p.cell), 128)]...)
	c, err := p.skip()
	if err != nil {
		return err
	}
	if c != ':' {
		return errSyntax
	}
	return nil
}

// value reads a value that begins with c.
func (p *jsonReader) value(c byte) error {
	switch c {
	case '{', '[':
		if p.depth == maxNesting {
			return problem("the JSON is nested deeper than %d", maxNesting)
		}
		if c == '[' && len(p.path) < maxPath {
			p.path = append(p.path, '[', ']')
		}
		p.levels[p.depth] = level{c == '[', len(p.path)}
		p.depth++
		return nil
	case '"':
		p.cell = p.cell[:0]
		for {
			done, err := p.string()
			if err != nil {
				return err
			}
			if err := p.r.value(p.name(), p.cell); err != nil {
				return err
			}
			if done {
				return p.closed()
			}
			p.cell = p.cell[:0]
		}
	}
	return p.scalar(c)
}

// scalar reads a number, true, false or null. Names outside JSON, such as NaN,
// are let pass.
func (p *jsonReader) scalar(c byte) error {
	if !(c == '-' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
		return errSyntax
	}
	p.cell = append(p.cell[:0], c)
	for {
		c, err := p.byte()
		if err == nil && (c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			if len(p.cell) > 400 {
				return errSyntax
			}
			p.cell = append(p.cell, c)
			continue
		}
		if err == nil {
			p.at--
			if err := p.in.UnreadByte(); err != nil {
				return err
			}
		} else if !errors.Is(err, io.EOF) {
			return err
		}
		if p.cell[0] == '-' || p.cell[0] <= '9' {
			if err := p.r.value(p.name(), p.cell); err != nil {
				return err
			}
		}
		return p.closed()
	}
}

// closed tells a record's end.
func (p *jsonReader) closed() error {
	if p.depth > 0 {
		p.path = p.path[:p.levels[p.depth-1].path]
	}
	if p.depth == 0 || p.depth == 1 && p.levels[0].list {
		return p.r.row()
	}
	return nil
}

// name is the path as a string, made once for each path.
func (p *jsonReader) name() string {
	if s, ok := p.names[string(p.path)]; ok {
		return s
	}
	if p.names == nil {
		p.names = map[string]string{}
	}
	if len(p.names) >= maxColumns || len(p.path) > maxPath {
		return "further keys"
	}
	s := string(p.path)
	p.names[s] = s
	return s
}

// string reads on in a string into cell, until its quote (true) or until the
// cell is full.
func (p *jsonReader) string() (bool, error) {
	for len(p.cell) < maxCell {
		c, err := p.byte()
		if err != nil {
			return false, err
		}
		switch c {
		case '"':
			return true, nil
		case '\\':
			if err := p.escape(); err != nil {
				return false, err
			}
		default:
			p.cell = append(p.cell, c)
			p.run()
		}
	}
	return false, nil
}

// run takes what is buffered up to a quote or backslash.
func (p *jsonReader) run() {
	n := min(p.in.Buffered(), maxCell-len(p.cell))
	b, _ := p.in.Peek(max(n, 0))
	i := 0
	for i < len(b) && b[i] != '"' && b[i] != '\\' {
		i++
	}
	p.cell = append(p.cell, b[:i]...)
	_, _ = p.in.Discard(i)
	p.at += int64(i)
}

func (p *jsonReader) escape() error {
	c, err := p.byte()
	if err != nil {
		return err
	}
	switch c {
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b', 'f':
		c = ' '
	case 'u':
		return p.unicode()
	}
	p.cell = append(p.cell, c)
	return nil
}

func (p *jsonReader) unicode() error {
	one, err := p.hex()
	if err != nil {
		return err
	}
	if one >= 0xd800 && one < 0xdc00 {
		if b, err := p.in.Peek(2); err == nil && b[0] == '\\' && b[1] == 'u' {
			_, _ = p.in.Discard(2)
			p.at += 2
			two, err := p.hex()
			if err != nil {
				return err
			}
			one = utf16.DecodeRune(one, two)
		}
	}
	p.cell = utf8.AppendRune(p.cell, one)
	return nil
}

func (p *jsonReader) hex() (rune, error) {
	v := rune(0)
	for range 4 {
		c, err := p.byte()
		if err != nil {
			return 0, err
		}
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, errSyntax
		}
	}
	return v, nil
}
