package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// jsonDecoder copies a reply's JSON into the spelling of the model in one
// pass. Its input has been checked to be valid JSON, so it only steps over
// the grammar and looks at types.
type jsonDecoder struct {
	svc *service
	in  []byte
	pos int
	out []byte
}

// maxDepth bounds recursion. The deepest published shapes recurse through
// filters and condition trees, far below it.
const maxDepth = 200

func jsonBody(svc *service, shape int, body, out []byte) ([]byte, error) {
	if len(strings.TrimSpace(string(body))) == 0 {
		return out, nil // 204: nothing to say
	}
	if !json.Valid(body) {
		return nil, errors.New("the reply is no JSON")
	}
	d := &jsonDecoder{svc: svc, in: body, out: out}
	if d.peek() != '{' {
		return nil, errors.New("the reply is no JSON object")
	}
	known, unknown, err := d.members(shape, 0)
	if err != nil {
		return nil, err
	}
	if known == 0 && unknown > 0 {
		return nil, errors.New("the reply has no member that the service's model knows")
	}
	if known > 0 {
		d.out = append(d.out, ',')
	}
	return d.out, nil
}

// peek skips white space and gives the next byte, or 0 at the end.
func (d *jsonDecoder) peek() byte {
	for d.pos < len(d.in) {
		switch c := d.in[d.pos]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

// token steps over a scalar and gives its bytes.
func (d *jsonDecoder) token() []byte {
	start := d.pos
	if d.in[d.pos] == '"' {
		for d.pos++; d.in[d.pos] != '"'; d.pos++ {
			if d.in[d.pos] == '\\' {
				d.pos++
			}
		}
		d.pos++
		return d.in[start:d.pos]
	}
	for d.pos < len(d.in) && strings.IndexByte(",:]} \t\r\n", d.in[d.pos]) < 0 {
		d.pos++
	}
	return d.in[start:d.pos]
}

// skip steps over a value of any kind, without recursion.
func (d *jsonDecoder) skip() []byte {
	d.peek()
	start, depth := d.pos, 0
	for {
		switch d.peek() {
		case '{', '[':
			depth++
			d.pos++
		case '}', ']':
			depth--
			d.pos++
		case 0:
			return d.in[start:d.pos]
		default:
			d.token()
		}
		if depth <= 0 {
			return d.in[start:d.pos]
		}
	}
}

func (d *jsonDecoder) isNull() bool { return d.peek() == 'n' }

// value writes the next value as shape r asks.
func (d *jsonDecoder) value(r *ref) error { return d.valueAt(r, 0) }

func (d *jsonDecoder) valueAt(r *ref, depth int) error {
	sh := &d.svc.shapes[r.shape]
	c := d.peek()
	switch {
	case depth > maxDepth:
		return fmt.Errorf("the reply is nested deeper than %d", maxDepth)
	case sh.kind == kindDocument:
		d.out = append(d.out, d.skip()...)
		return nil
	case c == 'n':
		d.out = append(d.out, d.token()...)
		return nil
	case sh.kind == kindStruct && c == '{':
		d.out = append(d.out, '{')
		_, _, err := d.members(r.shape, depth)
		d.out = append(d.out, '}')
		return err
	case sh.kind == kindList && c == '[':
		return d.list(&sh.refs[0], depth)
	case sh.kind == kindMap && c == '{':
		return d.mapping(&sh.refs[1], depth)
	case sh.kind == kindStruct, sh.kind == kindList, sh.kind == kindMap, c == '{', c == '[':
		return wrongType(sh.kind, c)
	}
	return d.scalar(sh.kind, d.token())
}

// members copies the members of an object that the structure knows, between
// braces the caller writes, and counts those and the others.
func (d *jsonDecoder) members(shape, depth int) (known, unknown int, err error) {
	refs := d.svc.shapes[shape].refs
	var seen [4]uint64 // structures have fewer than 256 members
	for d.pos++; d.peek() != '}'; {
		i := find(refs, d.token())
		if i < 0 {
			d.skip()
			unknown++
			continue
		}
		r := &refs[i]
		if d.isNull() {
			d.token()
			known++
			continue
		}
		if seen[i>>6&3]&(1<<(i&63)) != 0 {
			return known, unknown, at(errors.New("the member stands there twice"), r.name)
		}
		seen[i>>6&3] |= 1 << (i & 63)
		if n := len(d.out); d.out[n-1] != '{' && d.out[n-1] != ',' {
			d.out = append(d.out, ',')
		}
		d.out = appendKey(d.out, r.name)
		if err := d.valueAt(r, depth+1); err != nil {
			return known, unknown, at(err, r.name)
		}
		known++
	}
	d.pos++
	return known, unknown, nil
}

// find gives the body member with a wire name, which comes quoted.
func find(refs []ref, quoted []byte) int {
	name := quoted[1 : len(quoted)-1]
	for i := range refs {
		if refs[i].wire == string(name) && refs[i].loc == "" {
			return i
		}
	}
	return -1
}

func (d *jsonDecoder) list(elem *ref, depth int) error {
	d.out = append(d.out, '[')
	d.pos++
	for i := 0; d.peek() != ']'; i++ {
		if i > 0 {
			d.out = append(d.out, ',')
		}
		if err := d.valueAt(elem, depth+1); err != nil {
			return at(err, index1(i))
		}
	}
	d.pos++
	d.out = append(d.out, ']')
	return nil
}

func (d *jsonDecoder) mapping(val *ref, depth int) error {
	d.out = append(d.out, '{')
	seen := map[string]bool{}
	for d.pos++; d.peek() != '}'; {
		key := d.token()
		if seen[string(key)] {
			return at(errors.New("the key stands there twice"), "{"+string(key)+"}")
		}
		if len(seen) > 0 {
			d.out = append(d.out, ',')
		}
		seen[string(key)] = true
		d.out = append(append(d.out, key...), ':')
		if err := d.valueAt(val, depth+1); err != nil {
			return at(err, "{"+string(key)+"}")
		}
	}
	d.pos++
	d.out = append(d.out, '}')
	return nil
}

// scalar copies a token if it is of the kind the model says.
func (d *jsonDecoder) scalar(kind byte, tok []byte) error {
	c := tok[0]
	isNumber := c == '-' || ('0' <= c && c <= '9')
	switch kind {
	case kindString, kindPolicy, kindBlob:
		if c != '"' {
			return wrongType(kind, c)
		}
	case kindBoolean:
		if c != 't' && c != 'f' {
			return wrongType(kind, c)
		}
	case kindInteger:
		if f, err := strconv.ParseFloat(string(tok), 64); !isNumber || err != nil || f != float64(int64(f)) {
			return wrongType(kind, c)
		}
	case kindFloat:
		if s := string(tok); !isNumber && s != `"NaN"` && s != `"Infinity"` && s != `"-Infinity"` {
			return wrongType(kind, c)
		}
	case kindTimestamp:
		return d.timestamp(tok, isNumber)
	}
	d.out = append(d.out, tok...)
	return nil
}

func (d *jsonDecoder) timestamp(tok []byte, isNumber bool) error {
	text := string(tok)
	if !isNumber {
		if err := json.Unmarshal(tok, &text); err != nil {
			return wrongType(kindTimestamp, tok[0])
		}
	}
	s, err := isoTime(text)
	d.out = appendString(d.out, s)
	return err
}

// wrongType says what was met instead, without the value: it may be secret.
func wrongType(kind, c byte) error {
	met := map[byte]string{'{': "object", '[': "list", '"': "string", 't': "boolean", 'f': "boolean", 'n': "null"}[c]
	if met == "" {
		met = "number"
	}
	return fmt.Errorf("a %s stands where the model has a %s", met, kindNames[kind])
}
