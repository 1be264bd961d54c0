package files

import (
	"fmt"
	"unicode/utf8"
)

// object cuts a large top-level object: each array member into parts of its
// own, all other members together into one last part.
func (s *splitter) object(large bool) error {
	o := objectCut{s: s, seen: map[string]bool{}, large: large}
	s.in.advance(1)
	if c, ok := s.in.next(); ok && c == '}' {
		s.in.advance(1)
		return s.give(piece{body: []byte("{}")})
	}
	for {
		if err := o.member(); err != nil {
			return err
		}
		c, ok := s.in.next()
		switch {
		case !ok:
			return s.in.truncated()
		case c == ',':
			s.in.advance(1)
			continue
		case c != '}':
			return &damage{at: s.in.at, what: fmt.Sprintf("expected ',' or '}' in an object, found %s", show(c))}
		}
		s.in.advance(1)
		return o.flush()
	}
}

// objectCut is the state of cutting one object.
type objectCut struct {
	s       *splitter
	seen    map[string]bool
	rest    []byte // members that are not arrays: `"a":1,"b":{…}`
	scalars []byte // the short scalar members met so far, repeated in parts
	large   bool   // cut for its size; else for damage that lies ahead
	other   bool   // a member was met that a list reply does not have
}

// listMembers may stand beside the array in a reply that lists things.
var listMembers = map[string]bool{
	"apiVersion": true, "kind": true, "metadata": true, "NextToken": true, "nextToken": true, "Marker": true,
	"IsTruncated": true, "MaxResults": true, "ResponseMetadata": true, "NextMarker": true,
}

func (o *objectCut) member() error {
	s := o.s
	start := s.in.at
	if c, ok := s.in.next(); !ok {
		return s.in.truncated()
	} else if c != '"' {
		return &damage{at: s.in.at, what: "expected a member name in quotes, found " + show(c)}
	}
	key, over, err := s.in.value(nil, s.lim.key, false)
	if err != nil {
		return err
	}
	if over {
		return &damage{at: start, what: fmt.Sprintf("a member name above %s", size(s.lim.key))}
	}
	if err := s.in.expect(':', "after a member name"); err != nil {
		return err
	}
	c, ok := s.in.next()
	if !ok {
		return s.in.truncated()
	}
	name := unquote(key)
	if o.seen[name] || !utf8.Valid(key) {
		s.note(trouble{at: start, what: fmt.Sprintf("member %s stands twice or is not UTF-8; it is left out here", clip(string(key), 80))})
		_, _, err := s.in.value(nil, 0, false)
		return err
	}
	o.seen[name] = true
	if c != '[' {
		o.other = o.other || !listMembers[name]
		return o.plain(key, c)
	}
	// Before damage, only what is plainly a list is used: one resource's reply
	// with half of its rules would look safer than it is.
	if !o.large && o.other {
		_, _, err := s.in.value(nil, 0, false)
		return err
	}
	s.in.advance(1)
	n, err := s.members(o.head(key), "]}")
	if err == nil && n == 0 {
		o.rest = join(o.rest, key, []byte("[]"))
	}
	return err
}

// head opens a part: the scalars met so far, then the array's name.
func (o *objectCut) head(key []byte) string {
	head := make([]byte, 0, len(o.scalars)+len(key)+4)
	head = append(append(head, '{'), o.scalars...)
	if len(o.scalars) > 0 {
		head = append(head, ',')
	}
	return string(append(append(head, key...), ":["...))
}

// plain reads a member that is no array.
func (o *objectCut) plain(key []byte, first byte) error {
	s := o.s
	start := s.in.at
	value, over, err := s.in.value(nil, s.lim.element, false)
	if err != nil {
		return err
	}
	if over {
		s.note(trouble{at: start, what: fmt.Sprintf("member %s is above %s", clip(string(key), 80), size(s.lim.element)),
			hint: "export it in smaller parts"})
		return nil
	}
	if !s.sound(value, start, "member ", string(key)) {
		return nil
	}
	if first != '{' && len(o.scalars)+len(key)+len(value)+2 <= s.lim.repeat {
		o.scalars = join(o.scalars, key, value)
	}
	if len(o.rest) > 0 && len(o.rest)+len(key)+len(value)+2 > s.lim.part {
		if err := o.flush(); err != nil {
			return err
		}
	}
	o.rest = join(o.rest, key, value)
	return nil
}

// flush gives out the members that are no arrays.
func (o *objectCut) flush() error {
	if len(o.rest) == 0 || !o.large && o.other {
		return nil
	}
	body := make([]byte, 0, len(o.rest)+2)
	body = append(append(append(body, '{'), o.rest...), '}')
	o.rest = o.rest[:0]
	return o.s.give(piece{partial: true, body: body})
}

func join(members, key, value []byte) []byte {
	if len(members) > 0 {
		members = append(members, ',')
	}
	members = append(members, key...)
	members = append(members, ':')
	return append(members, value...)
}
