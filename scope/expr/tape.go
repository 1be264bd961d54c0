package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"cel.dev/cel-go/common/types/ref"
)

// The kinds of a tape node.
const (
	nodeNull byte = iota
	nodeTrue
	nodeFalse
	nodeNumber
	nodeString
	nodeEscaped // a string holding at least one backslash
	nodeList
	nodeObject
)

// maxDepth bounds the nesting of a configuration, far above what any provider
// nests, so that hostile input cannot exhaust the stack.
const maxDepth = 256

// node is one value of a document. Children follow their parent on the tape;
// an object's members are a key node and then the value's nodes.
type node struct {
	start, end uint32 // bytes of the scalar, without quotes for strings
	next       int32  // index of the node after this value's subtree
	size       int32  // members of an object, elements of a list
	kind       byte
}

// document is one JSON text parsed in a single pass: an expression that looks
// at two keys of a large configuration pays for no maps and no copies.
type document struct {
	text  string
	nodes []node
	memo  map[memoKey]ref.Val // results of functions on parts of it
	plain map[int32]any       // parts of it in Go's own types
	// policies are the statements of those parts that are policies.
	policies map[int32][]map[string]any
}

// parse validates text whole, so that a document is either right or an error
// and no expression ever sees half of a damaged configuration.
func (d *document) parse(text string) error {
	d.text, d.nodes = text, d.nodes[:0]
	clear(d.memo)
	clear(d.plain)
	clear(d.policies)
	if uint64(len(text)) > math.MaxUint32 {
		return fmt.Errorf("configuration of %d bytes is too large", len(text))
	}
	p := parser{document: d}
	p.space()
	if err := p.value(0); err != nil {
		return fmt.Errorf("byte %d: %w", p.at, err)
	}
	p.space()
	if p.at != len(text) {
		return fmt.Errorf("byte %d: something follows the JSON value", p.at)
	}
	return nil
}

type parser struct {
	*document
	at int
}

var (
	errShort  = errors.New("the JSON text ends too early")
	errValue  = errors.New("a JSON value was expected")
	errString = errors.New("a control character or bad escape stands in a string")
	errDeep   = fmt.Errorf("values are nested more than %d deep", maxDepth)
)

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\n', '\r', '\t':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) value(depth int) error {
	if p.at >= len(p.text) {
		return errShort
	}
	switch c := p.text[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.list(depth)
	case c == '"':
		return p.str()
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	case c == 't':
		return p.word("true", nodeTrue)
	case c == 'f':
		return p.word("false", nodeFalse)
	case c == 'n':
		return p.word("null", nodeNull)
	}
	return errValue
}

func (p *parser) word(w string, kind byte) error {
	if len(p.text)-p.at < len(w) || p.text[p.at:p.at+len(w)] != w {
		return errValue
	}
	p.push(kind, p.at, p.at+len(w))
	p.at += len(w)
	return nil
}

func (p *parser) push(kind byte, start, end int) int {
	i := len(p.nodes)
	p.nodes = append(p.nodes, node{kind: kind, start: uint32(start), end: uint32(end), next: int32(i + 1)})
	return i
}

func (p *parser) object(depth int) error {
	if depth >= maxDepth {
		return errDeep
	}
	i := p.push(nodeObject, p.at, p.at)
	p.at++
	size := int32(0)
	for {
		p.space()
		if p.at >= len(p.text) {
			return errShort
		}
		if p.text[p.at] == '}' && size == 0 {
			break
		}
		if p.text[p.at] != '"' {
			return errors.New("an object key was expected")
		}
		if err := p.str(); err != nil {
			return err
		}
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != ':' {
			return errors.New("a colon was expected after an object key")
		}
		p.at++
		p.space()
		if err := p.value(depth + 1); err != nil {
			return err
		}
		size++
		more, err := p.more('}')
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	p.at++
	p.close(i, size)
	return nil
}

func (p *parser) list(depth int) error {
	if depth >= maxDepth {
		return errDeep
	}
	i := p.push(nodeList, p.at, p.at)
	p.at++
	p.space()
	size := int32(0)
	if p.at < len(p.text) && p.text[p.at] != ']' {
		for {
			p.space()
			if err := p.value(depth + 1); err != nil {
				return err
			}
			size++
			more, err := p.more(']')
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	if p.at >= len(p.text) {
		return errShort
	}
	p.at++
	p.close(i, size)
	return nil
}

// more stands after a member: true at a comma, false at the closing bracket,
// which it leaves for the caller.
func (p *parser) more(closing byte) (bool, error) {
	p.space()
	if p.at >= len(p.text) {
		return false, errShort
	}
	switch p.text[p.at] {
	case ',':
		p.at++
		return true, nil
	case closing:
		return false, nil
	}
	return false, fmt.Errorf("a comma or %q was expected", closing)
}

func (p *parser) close(i int, size int32) {
	n := &p.nodes[i]
	n.end, n.next, n.size = uint32(p.at), int32(len(p.nodes)), size
}

func (p *parser) str() error {
	p.at++
	start, kind := p.at, nodeString
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.push(kind, start, p.at)
			p.at++
			return nil
		case c == '\\':
			kind = nodeEscaped
			n, err := escape(p.text[p.at:])
			if err != nil {
				return err
			}
			p.at += n
		case c < 0x20:
			return errString
		default:
			p.at++
		}
	}
	return errShort
}

// escape returns the length of the escape sequence s starts with.
func escape(s string) (int, error) {
	if len(s) < 2 {
		return 0, errShort
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
		if len(s) < 6 {
			return 0, errShort
		}
		for _, c := range []byte(s[2:6]) {
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return 0, errString
			}
		}
		return 6, nil
	}
	return 0, errString
}

func (p *parser) number() error {
	start := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	switch {
	case p.at < len(p.text) && p.text[p.at] == '0':
		p.at++
	case p.digits() == 0:
		return errValue
	}
	if p.at < len(p.text) && p.text[p.at] == '.' {
		p.at++
		if p.digits() == 0 {
			return errValue
		}
	}
	if p.at < len(p.text) && (p.text[p.at] == 'e' || p.text[p.at] == 'E') {
		p.at++
		if p.at < len(p.text) && (p.text[p.at] == '+' || p.text[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return errValue
		}
	}
	p.push(nodeNumber, start, p.at)
	return nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at - start
}

// str returns the text of a string node.
func (d *document) str(i int32) string {
	n := &d.nodes[i]
	s := d.text[n.start:n.end]
	if n.kind != nodeEscaped {
		return s
	}
	var out string
	// The parser has checked the escapes, so this cannot fail.
	_ = json.Unmarshal([]byte(d.text[n.start-1:n.end+1]), &out)
	return out
}

// member returns the node of an object's value for key, or -1. Of a key given
// twice the last counts, as in encoding/json; null counts as not given, as the
// Kubernetes API has it and as command lines print what is not set.
func (d *document) member(obj int32, key string) int32 {
	found := int32(-1)
	i := obj + 1
	for range d.nodes[obj].size {
		v := i + 1
		if d.str(i) == key {
			if found = v; d.nodes[v].kind == nodeNull {
				found = -1
			}
		}
		i = d.nodes[v].next
	}
	return found
}

// number returns a node's number: int64 where it is one, else float64.
func (d *document) number(i int32) any {
	s := d.text[d.nodes[i].start:d.nodes[i].end]
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range gives ±Inf
	return f
}

// native returns a node's value in Go's own types.
func (d *document) native(i int32) any {
	switch n := &d.nodes[i]; n.kind {
	case nodeTrue, nodeFalse:
		return n.kind == nodeTrue
	case nodeNumber:
		return d.number(i)
	case nodeString, nodeEscaped:
		return d.str(i)
	case nodeList:
		out := make([]any, 0, n.size)
		for j := i + 1; j < n.next; j = d.nodes[j].next {
			out = append(out, d.native(j))
		}
		return out
	case nodeObject:
		out := make(map[string]any, n.size)
		for j := i + 1; j < n.next; j = d.nodes[j+1].next {
			if d.nodes[j+1].kind == nodeNull {
				delete(out, d.str(j))
				continue
			}
			out[d.str(j)] = d.native(j + 1)
		}
		return out
	}
	return nil
}
