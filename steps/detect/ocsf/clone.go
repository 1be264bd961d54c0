package ocsf

import (
	"bytes"
	"slices"
	"strings"
)

// Clone is a copy that shares no memory with what e was read from.
func (e *Event) Clone() *Event {
	c := e.Slim()
	c.Raw = bytes.Clone(e.Raw)
	return c
}

// Slim is a Clone without Raw, for who keeps many. Its texts lie in one piece of memory.
func (e *Event) Slim() *Event {
	c := *e
	c.Raw = nil
	c.Resources = slices.Clone(e.Resources)
	if e.AI != nil {
		m := *e.AI
		c.AI = &m
	}
	if e.Net != nil {
		n := *e.Net
		c.Net = &n
	}
	size := 0
	c.each(func(s *string) { size += len(*s) })
	var all strings.Builder
	all.Grow(size)
	c.each(func(s *string) {
		from := all.Len()
		all.WriteString(*s)
		*s = all.String()[from:]
	})
	return &c
}

// each gives every text of an event.
func (e *Event) each(text func(*string)) {
	for _, s := range e.texts() {
		text(s)
	}
	for i := range e.Resources {
		r := &e.Resources[i]
		text(&r.ID)
		text(&r.Type)
		text(&r.Account)
	}
	if e.AI != nil {
		for _, s := range e.AI.texts() {
			text(s)
		}
	}
	if e.Net != nil {
		text(&e.Net.DstIP)
		text(&e.Net.Interface)
	}
}
