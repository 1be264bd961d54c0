package api

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// xmlBody reads a whole reply into the members of the operation's output.
func xmlBody(svc *service, op *operation, body, out []byte) ([]byte, error) {
	d := newXML(svc, body)
	root, err := d.root()
	if err != nil {
		return nil, err
	}
	if root.Name.Local == "Error" && svc.proto == "rest-xml" {
		se := xmlError(body)
		return nil, &se
	}
	if svc.name == "s3" && op.name == "GetBucketLocation" {
		return d.location(root, out)
	}
	if op.wrapper != "" {
		if root, err = d.child(root, op.wrapper); err != nil {
			return nil, err
		}
	}
	before := len(out)
	out, known, unknown, err := d.members(op.out, root, out)
	if err != nil {
		return nil, err
	}
	if known == 0 && unknown > 0 {
		return nil, errors.New("the reply has no member that the service's model knows")
	}
	if len(out) > before {
		out = append(out, ',')
	}
	return out, d.rest(op.wrapper != "")
}

// child finds the element that wraps a query reply.
func (d *xmlDecoder) child(parent xml.StartElement, name string) (xml.StartElement, error) {
	for {
		el, ok, err := d.next(parent)
		switch {
		case err != nil:
			return el, err
		case !ok:
			return el, fmt.Errorf("the reply has no %s", name)
		case el.Name.Local == name:
			return el, nil
		}
		if err := d.skip(el); err != nil {
			return el, err
		}
	}
}

// rest reads to the end, so that a reply cut after its result is noticed.
func (d *xmlDecoder) rest(wrapped bool) error {
	depth := 0
	if wrapped {
		depth = 1
	}
	for {
		t, err := d.dec.RawToken()
		if errors.Is(err, io.EOF) && depth == 0 {
			return nil
		}
		if err != nil {
			return errors.New("the reply ends in the middle")
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
}

// location is GetBucketLocation's reply, whose root is the member itself and
// which is empty for the oldest region: the command line prints null.
func (d *xmlDecoder) location(root xml.StartElement, out []byte) ([]byte, error) {
	if root.Name.Local != "LocationConstraint" {
		return nil, errors.New("the reply has no LocationConstraint")
	}
	s, err := d.text(root)
	out = appendKey(out, "LocationConstraint")
	if s == "" {
		return append(out, "null,"...), err
	}
	return append(appendString(out, s), ','), err
}

// element writes the JSON of one element as shape r asks and reads its end.
func (d *xmlDecoder) element(r *ref, el xml.StartElement, out []byte) ([]byte, error) {
	if d.depth++; d.depth > maxDepth {
		return nil, fmt.Errorf("the reply is nested deeper than %d", maxDepth)
	}
	defer func() { d.depth-- }()
	sh := &d.svc.shapes[r.shape]
	switch sh.kind {
	case kindStruct:
		out = append(out, '{')
		out, _, _, err := d.members(r.shape, el, out)
		return append(out, '}'), err
	case kindList:
		return d.list(&sh.refs[0], el, out)
	case kindMap:
		return d.mapping(sh, el, out)
	}
	s, err := d.text(el)
	if err != nil {
		return nil, err
	}
	val, err := scalar(sh.kind, s)
	return append(out, val...), err
}

// xmlName is the name of a member's elements: a flattened list goes by the
// name of its elements, if they have one.
func (d *xmlDecoder) xmlName(r *ref) string {
	if sh := &d.svc.shapes[r.shape]; r.flattened && sh.kind == kindList && sh.refs[0].named {
		return sh.refs[0].wire
	}
	return r.wire
}

// members writes the members of a structure without the braces. Elements of
// flattened lists and maps may stand anywhere among the others, so they are
// gathered apart and written at the end.
func (d *xmlDecoder) members(shape int, el xml.StartElement, out []byte) (_ []byte, known, unknown int, err error) {
	refs := d.svc.shapes[shape].refs
	g := gathered{start: len(out), out: d.attributes(refs, el, out)}
	for {
		child, ok, err := d.next(el)
		if err != nil {
			return nil, known, unknown, err
		}
		if !ok {
			return g.finish(d.svc, refs), known, unknown, nil
		}
		i := d.find(refs, child.Name.Local)
		if i < 0 {
			unknown++
			if err := d.skip(child); err != nil {
				return nil, known, unknown, err
			}
			continue
		}
		known++
		if err := d.member(&g, refs, i, child); err != nil {
			return nil, known, unknown, at(err, refs[i].name)
		}
	}
}

func (d *xmlDecoder) find(refs []ref, local string) int {
	for i := range refs {
		if refs[i].loc == "" && !refs[i].attribute && d.xmlName(&refs[i]) == local {
			return i
		}
	}
	return -1
}

// attributes writes the members that are attributes (a grantee's xsi:type).
func (d *xmlDecoder) attributes(refs []ref, el xml.StartElement, out []byte) []byte {
	for i := range refs {
		if !refs[i].attribute {
			continue
		}
		for _, a := range el.Attr {
			if a.Name.Space+":"+a.Name.Local == refs[i].wire || a.Name.Local == refs[i].wire {
				out = append(appendString(appendKey(out, refs[i].name), a.Value), ',')
			}
		}
	}
	return out
}

// gathered is a structure being written.
type gathered struct {
	start int
	out   []byte
	seen  map[int]bool
	flat  map[int][]byte // flattened members, their elements joined by commas
	order []int
}

func (d *xmlDecoder) member(g *gathered, refs []ref, i int, el xml.StartElement) error {
	r := &refs[i]
	sh := &d.svc.shapes[r.shape]
	if r.flattened && (sh.kind == kindList || sh.kind == kindMap) {
		return d.flattened(g, sh, i, el)
	}
	if g.seen[i] {
		return errors.New("the member stands there twice")
	}
	if g.seen == nil {
		g.seen = map[int]bool{}
	}
	g.seen[i] = true
	out, err := d.element(r, el, appendKey(g.out, r.name))
	if err != nil {
		return err
	}
	g.out = append(out, ',')
	return nil
}

func (d *xmlDecoder) flattened(g *gathered, sh *shape, i int, el xml.StartElement) error {
	buf, ok := g.flat[i]
	if !ok {
		if g.flat == nil {
			g.flat = map[int][]byte{}
		}
		g.order = append(g.order, i)
	} else {
		buf = append(buf, ',')
	}
	var err error
	if sh.kind == kindMap {
		buf, err = d.entry(sh, el, buf, nil)
	} else {
		buf, err = d.item(&sh.refs[0], el, buf)
	}
	g.flat[i] = buf
	return err
}

func (g *gathered) finish(svc *service, refs []ref) []byte {
	out := g.out
	for _, i := range g.order {
		open, end := byte('['), byte(']')
		if svc.shapes[refs[i].shape].kind == kindMap {
			open, end = '{', '}'
		}
		out = append(appendKey(out, refs[i].name), open)
		out = append(append(out, g.flat[i]...), end, ',')
	}
	if len(out) > g.start {
		out = out[:len(out)-1]
	}
	return out
}

// list reads the elements by the name the model gives them, or by those the
// protocols use for it. Any other child means that the list is something else,
// as does a structure of which no member is the model's.
func (d *xmlDecoder) list(elem *ref, el xml.StartElement, out []byte) ([]byte, error) {
	out = append(out, '[')
	for i := 0; ; i++ {
		child, ok, err := d.next(el)
		if err != nil {
			return nil, err
		}
		if !ok {
			return append(out, ']'), nil
		}
		if name := child.Name.Local; name != elem.wire && name != "member" && name != "item" {
			return nil, at(fmt.Errorf("element %.40s stands where the model has an item", name), index1(i))
		}
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = d.item(elem, child, out); err != nil {
			return nil, at(err, index1(i))
		}
	}
}

// item reads one element of a list. A structure of strangers alone is refused:
// as an empty item it would read like one in which nothing is set.
func (d *xmlDecoder) item(elem *ref, el xml.StartElement, out []byte) ([]byte, error) {
	if d.svc.shapes[elem.shape].kind != kindStruct {
		return d.element(elem, el, out)
	}
	if d.depth++; d.depth > maxDepth {
		return nil, fmt.Errorf("the reply is nested deeper than %d", maxDepth)
	}
	defer func() { d.depth-- }()
	out, known, unknown, err := d.members(elem.shape, el, append(out, '{'))
	if err == nil && known == 0 && unknown > 0 {
		err = errors.New("the item has no member that the model knows")
	}
	return append(out, '}'), err
}

func (d *xmlDecoder) mapping(sh *shape, el xml.StartElement, out []byte) ([]byte, error) {
	out = append(out, '{')
	seen := map[string]bool{}
	for {
		child, ok, err := d.next(el)
		if err != nil {
			return nil, err
		}
		if !ok {
			return append(out, '}'), nil
		}
		if len(seen) > 0 {
			out = append(out, ',')
		}
		if out, err = d.entry(sh, child, out, seen); err != nil {
			return nil, err
		}
	}
}

// entry writes "key":value of one map entry.
func (d *xmlDecoder) entry(sh *shape, el xml.StartElement, out []byte, seen map[string]bool) ([]byte, error) {
	key, val, hasKey := "", []byte(nil), false
	for {
		child, ok, err := d.next(el)
		if err != nil {
			return nil, err
		}
		switch {
		case !ok && (!hasKey || val == nil || seen[key]):
			return nil, errors.New("a map entry lacks its key or value, or repeats a key")
		case !ok:
			if seen != nil {
				seen[key] = true
			}
			return append(appendKey(out, key), val...), nil
		case child.Name.Local == first(sh.refs[0].wire, "key"):
			key, err = d.text(child)
			hasKey = true
		case child.Name.Local == first(sh.refs[1].wire, "value"):
			val, err = d.element(&sh.refs[1], child, nil)
		default:
			err = d.skip(child)
		}
		if err != nil {
			return nil, at(err, "{"+key+"}")
		}
	}
}
