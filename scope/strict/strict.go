// Package strict reads YAML that people write by hand into Go structs and says
// of each mistake where it stands and what was probably meant: a key that is
// not known is an error with line and column, never a setting silently ignored.
//
// Struct fields are named by a `key` tag: `key:"owner"`, and `key:"name,required"`
// where leaving it out is an error; `key:"file,short"` is required too, and text
// that stands where the struct should sets that field alone. Supported are strings, booleans, integers,
// Text, structs, pointers to structs, slices, and maps from string.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the largest file read: a hundred times what a large company's
// sevenfold.yaml needs, and small enough that parsing it takes no time.
const MaxBytes = 1 << 20

// Place is where something stands in a file; lines and columns count from 1.
type Place struct {
	File         string
	Line, Column int
}

// String is the place as compilers print it: file:line:column.
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Problem is one mistake in a file.
type Problem struct {
	Place
	Message string
	// Hint says how to mend it; may be empty.
	Hint string
}

// Error says where, what and how to mend it, in one line.
func (p *Problem) Error() string {
	if p.Hint == "" {
		return p.Place.String() + ": " + p.Message
	}
	return p.Place.String() + ": " + p.Message + "; " + p.Hint
}

// Text is a string that remembers where it stands, for messages about it.
type Text struct {
	Value string
	Place Place
	// source finds lines of block scalars.
	lines []string
	style yaml.Style
}

// At returns the place of a position (from 1) inside the text. In a folded
// block the column is that of the block's line it most likely came from.
func (t Text) At(line, column int) Place {
	p := t.Place
	if t.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		// The block's indentation is that of its first line.
		for i := p.Line; i < len(t.lines); i++ {
			if rest := strings.TrimLeft(t.lines[i], " "); rest != "" {
				p.Column = len(t.lines[i]) - len(rest) + column
				break
			}
		}
		p.Line += line
		return p
	}
	if line > 1 {
		return Place{File: p.File, Line: p.Line + line - 1, Column: column}
	}
	p.Column += column - 1
	if t.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		p.Column++
	}
	return p
}

// Problemf returns a mistake in the text as a whole.
func (t Text) Problemf(format string, args ...any) *Problem {
	return &Problem{Place: t.Place, Message: fmt.Sprintf(format, args...)}
}

// File is one parsed YAML file.
type File struct {
	name  string
	root  *yaml.Node
	lines []string
}

// Parse parses one YAML document of at most MaxBytes. Aliases are refused
// (they are how a small file becomes a huge one), as are several documents.
func Parse(name string, data []byte) (*File, error) {
	bad := func(format string, args ...any) error {
		return &Problem{Place: Place{File: name}, Message: fmt.Sprintf(format, args...)}
	}
	if len(data) > MaxBytes {
		return nil, bad("the file has %d bytes, more than the %d allowed", len(data), MaxBytes)
	}
	if !utf8.Valid(data) {
		return nil, bad("the file is not UTF-8 text")
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntax(name, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, syntax(name, err)
		}
		return nil, bad("the file holds more than one YAML document")
	}
	f := &File{name: name, lines: strings.Split(string(data), "\n")}
	if len(doc.Content) > 0 {
		f.root = doc.Content[0]
	}
	if n := alias(f.root); n != nil {
		return nil, &Problem{Place: f.place(n), Message: "aliases (*name) are not read here", Hint: "write the value out"}
	}
	return f, nil
}

// syntax turns the parser's "yaml: line 3: …" into a place.
func syntax(name string, err error) error {
	p := &Problem{Place: Place{File: name}, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	var line int
	if n, _ := fmt.Sscanf(p.Message, "line %d:", &line); n == 1 {
		p.Line = line
		_, p.Message, _ = strings.Cut(p.Message, ": ")
	}
	return p
}

func alias(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return n
	}
	for _, c := range n.Content {
		if a := alias(c); a != nil {
			return a
		}
	}
	return nil
}

func (f *File) place(n *yaml.Node) Place { return Place{File: f.name, Line: n.Line, Column: n.Column} }

// Nearest returns the one of words that s was probably meant to be, or "": the
// fewest edits, of which there may be one for every three letters.
func Nearest(s string, words []string) string {
	best, least := "", len(s)/3+1
	for _, w := range words {
		if d := distance(strings.ToLower(s), strings.ToLower(w)); d <= least && (best == "" || d < distance(strings.ToLower(s), strings.ToLower(best))) {
			best = w
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
