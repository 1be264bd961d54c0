package cloudformation

import (
	_ "embed" // for shapes.txt
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
)

//go:embed shapes.txt
var shapesText string

// shape is a member of a live reply: its name, its type and what lies below.
type shape struct {
	name string
	// code is the type: s string, n number, b boolean, t timestamp, p policy,
	// d document, { object; [ before it makes a list, ( a map.
	code string
	kids []*shape
	by   map[string]*shape // kids by folded name
}

// live is what a live read of one type looks like.
type live struct {
	// id and name as the catalogue of the live reader has them: a path of the
	// configuration or a template.
	id, name string
	// tags is the path where the reply keeps tags.
	tags   string
	global bool
	reads  []estate.Read
	root   shape
}

// shapes are read once; the text is small and the program's own.
var shapes = sync.OnceValue(func() map[string]*live {
	out := map[string]*live{}
	var at *live
	var open []*shape // the shape each depth of tabs belongs to
	for line := range strings.SplitSeq(shapesText, "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "":
		case kind == "=":
			at = &live{root: shape{code: "{"}}
			out[rest] = at
			open = []*shape{&at.root}
		case kind == "@":
			at.note(rest)
		default:
			depth := strings.LastIndexByte(kind, '\t') + 1
			s := &shape{name: kind[depth:], code: rest}
			open = append(open[:depth+1], s)
			open[depth].kids = append(open[depth].kids, s)
		}
	}
	for _, l := range out {
		l.root.index()
	}
	return out
})

// note takes a line about the type itself.
func (l *live) note(line string) {
	key, value, _ := strings.Cut(line, " ")
	switch key {
	case "id":
		l.id = value
	case "name":
		l.name = value
	case "tags":
		l.tags = value
	case "global":
		l.global = true
	case "read":
		op, key, _ := strings.Cut(value, " ")
		l.reads = append(l.reads, estate.Read{Operation: op, Key: key})
	}
}

// index files the members by folded name.
func (s *shape) index() {
	if len(s.kids) == 0 {
		return
	}
	s.by = make(map[string]*shape, len(s.kids))
	for _, k := range s.kids {
		if _, dup := s.by[fold(k.name)]; !dup {
			s.by[fold(k.name)] = k
		}
		k.index()
	}
}

// fold makes a name comparable across spellings: KMSKeyArn and kmsKeyArn fold
// alike.
func fold(name string) string { return strings.ToLower(name) }

// member finds the member a property stands for; nil if there is none.
func (s *shape) member(property string) *shape {
	return s.by[fold(property)]
}

// named finds a member by its own spelling.
func (s *shape) named(name string) *shape {
	for _, k := range s.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// follow finds the member a dotted path leads to; nil if there is none.
func (s *shape) follow(path string) *shape {
	for step := range strings.SplitSeq(path, ".") {
		if s == nil {
			return nil
		}
		s = s.named(strings.TrimSuffix(step, "[]"))
	}
	return s
}
