// Package unborn holds what plans, states and templates have in common: each
// tells of assets that a live read does not show yet, and each has to spell them
// as the live read will. What a reply looks like (Live, Shape), how an id is put
// together (Fill) and how values are written stands here once; what is peculiar
// to Terraform or CloudFormation stands with each.
package unborn

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Shape is a member of a live reply: its name, its type and what lies below.
type Shape struct {
	Name string
	// Code is the type: s string, n number, b boolean, t timestamp, p policy,
	// d document, i a number or a name or percentage, { object; [ before it makes a
	// list, ( a map.
	Code string
	Kids []*Shape
	by   map[string]*Shape // Kids by folded name
}

// Live is what a live read of one type looks like.
type Live struct {
	// ID and Name are as the catalogue of the live reader has them: a path of the
	// configuration or a template.
	ID, Name string
	// Tags is the path where the reply keeps tags; empty if it keeps none.
	Tags string
	// Global is set for what lies in no region.
	Global bool
	// Reads are the operations whose replies make up the configuration.
	Reads []estate.Read
	Root  Shape
}

// ParseLive reads the text of a shapes.txt, by asset type. A type begins with
// "= TYPE"; "@ KEY VALUE" tells of the type itself; every other line is a member
// and its code, as deep as it has tabs before it. The text is the program's own:
// what does not fit is left to the tests of who embeds it.
func ParseLive(text string) map[string]*Live {
	out := map[string]*Live{}
	var at *Live
	var open []*Shape // the shape each depth of tabs belongs to
	for line := range strings.SplitSeq(text, "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "":
		case kind == "=":
			at = NoLive()
			out[rest] = at
			open = []*Shape{&at.Root}
		case kind == "@":
			at.note(rest)
		default:
			depth := strings.LastIndexByte(kind, '\t') + 1
			s := &Shape{Name: kind[depth:], Code: rest}
			open = append(open[:depth+1], s)
			open[depth].Kids = append(open[depth].Kids, s)
		}
	}
	for _, l := range out {
		l.Root.indexAll()
	}
	return out
}

// NoLive is the look of a type that no live read is known of: an object without
// members.
func NoLive() *Live { return &Live{Root: Shape{Code: "{"}} }

// note takes a line about the type itself.
func (l *Live) note(line string) {
	key, value, _ := strings.Cut(line, " ")
	switch key {
	case "id":
		l.ID = value
	case "name":
		l.Name = value
	case "tags":
		l.Tags = value
	case "global":
		l.Global = true
	case "read":
		op, key, _ := strings.Cut(value, " ")
		l.Reads = append(l.Reads, estate.Read{Operation: op, Key: key})
	}
}

// Index files the members by folded name, for Folded to find them; of two that
// fold alike it finds the first.
func (s *Shape) Index() {
	s.by = make(map[string]*Shape, len(s.Kids))
	for _, k := range s.Kids {
		if _, dup := s.by[Fold(k.Name)]; !dup {
			s.by[Fold(k.Name)] = k
		}
	}
}

func (s *Shape) indexAll() {
	if len(s.Kids) == 0 {
		return
	}
	s.Index()
	for _, k := range s.Kids {
		k.indexAll()
	}
}

// Fold makes a name comparable across spellings: initial_instance_count,
// initialInstanceCount and InitialInstanceCount fold alike.
func Fold(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

// Folded finds the member of a folded name; nil if there is none.
func (s *Shape) Folded(folded string) *Shape { return s.by[folded] }

// Named finds a member by its own spelling; nil if there is none.
func (s *Shape) Named(name string) *Shape {
	for _, k := range s.Kids {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// Follow finds the member a dotted path leads to, [] behind a list passed over;
// nil if there is none.
func (s *Shape) Follow(path string) *Shape {
	for step := range strings.SplitSeq(path, ".") {
		if s == nil {
			return nil
		}
		s = s.Named(strings.TrimSuffix(step, "[]"))
	}
	return s
}

// As is a member of another name and code with the same members below; of nil,
// one without any.
func (s *Shape) As(name, code string) *Shape {
	if s == nil {
		return &Shape{Name: name, Code: code}
	}
	return &Shape{Name: name, Code: code, Kids: s.Kids, by: s.by}
}

// Single is the shape of one element of a list or map.
func (s *Shape) Single() *Shape { return s.As(s.Name, strings.TrimLeft(s.Code, "[(")) }

// Pair names the two members of an object that is a key and its value; "" if it
// is no such object.
func (s *Shape) Pair() (key, value string) {
	for _, k := range s.Kids {
		switch Fold(k.Name) {
		case "key", "tagkey", "name":
			key = k.Name
		case "value", "tagvalue":
			value = k.Name
		}
	}
	if value == "" {
		return "", ""
	}
	return key, value
}

// Unnamed is the shape without its name: that of what lies under names of the
// customer's own.
func (s *Shape) Unnamed() *Shape { return s.As("", s.Code) }
