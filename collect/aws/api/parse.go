package api

import (
	"fmt"
	"strconv"
	"strings"
)

// service is one service's model, unpacked.
type service struct {
	name                              string
	proto, prefix, signing            string
	target, jsonVersion, version, sid string
	queryCompatible                   bool
	shapes                            []shape
	ops                               map[string]*operation
}

type operation struct {
	name, method, uri   string
	in, out             int // shape numbers; -1 for none
	wrapper, hostPrefix string
	pager               Pager
}

// The kinds of shape, by the letter that starts their line.
const (
	kindStruct    = 'S'
	kindList      = 'L'
	kindMap       = 'M'
	kindDocument  = 'd'
	kindString    = 's'
	kindPolicy    = 'p'
	kindInteger   = 'i'
	kindFloat     = 'f'
	kindBoolean   = 'b'
	kindTimestamp = 't'
	kindBlob      = 'x'
)

var kindNames = map[byte]string{kindStruct: "structure", kindList: "list", kindMap: "map",
	kindDocument: "document", kindString: "string", kindPolicy: "policy", kindInteger: "integer",
	kindFloat: "float", kindBoolean: "boolean", kindTimestamp: "timestamp", kindBlob: "blob"}

type shape struct {
	kind byte
	// refs are the members of a structure, the element of a list, the key and
	// the value of a map.
	refs []ref
	enum []string
}

// ref is one use of a shape.
type ref struct {
	name, wire string // wire is the name on the wire; empty for plain elements
	shape      int
	loc        string
	queryName  string
	format     string
	named      bool // the model gives the wire name; it is not the member's own
	required, flattened, attribute,
	hostLabel, payload, jsonValue, sensitive bool
}

// parseService reads a section of model.bin. Its lines, with fields apart by
// tabs, are
//
//	V PROTOCOL PREFIX SIGNING TARGET JSONVERSION APIVERSION SERVICEID QUERYCOMPATIBLE
//	s|i|f|b|t|x|d|p ENUM…           a scalar shape
//	L REF   M KEYREF VALUEREF   S REF…    a compound shape
//	O NAME METHOD URI IN OUT WRAPPER HOSTPREFIX PAGER
//
// Shapes are numbered from 0 in the order of their lines. A REF is
// NAME,SHAPE and then marks: ^ the wire name starts lower-case, nX the wire
// name is X, @X the location, qX the EC2 query name, tX the timestamp format,
// and ! required, * flattened, a attribute, h host label, p payload,
// j JSON in a header, ~ sensitive.
func parseService(name, text string) (*service, error) {
	s := &service{name: name, ops: map[string]*operation{}}
	s.shapes = make([]shape, 0, strings.Count(text, "\n"))
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		switch {
		case f[0] == "V" && len(f) == 9:
			s.proto, s.prefix, s.signing, s.target = f[1], f[2], f[3], f[4]
			s.jsonVersion, s.version, s.sid, s.queryCompatible = f[5], f[6], f[7], f[8] == "1"
		case f[0] == "O" && len(f) == 9:
			op := &operation{name: f[1], method: f[2], uri: f[3], wrapper: f[6], hostPrefix: f[7], pager: parsePager(f[8])}
			op.in, _ = strconv.Atoi(f[4])
			op.out, _ = strconv.Atoi(f[5])
			s.ops[op.name] = op
		default:
			sh, err := parseShape(f)
			if err != nil {
				return nil, fmt.Errorf("model of %s: %w", name, err)
			}
			s.shapes = append(s.shapes, sh)
		}
	}
	return s, s.check()
}

// check holds that every number names a shape, so that decoding need not ask.
func (s *service) check() error {
	for i := range s.shapes {
		for _, r := range s.shapes[i].refs {
			if r.shape < 0 || r.shape >= len(s.shapes) {
				return fmt.Errorf("model of %s: shape %d uses shape %d, which does not exist", s.name, i, r.shape)
			}
		}
	}
	for _, op := range s.ops {
		if op.in >= len(s.shapes) || op.out >= len(s.shapes) {
			return fmt.Errorf("model of %s: operation %s uses a shape that does not exist", s.name, op.name)
		}
	}
	return nil
}

func parseShape(f []string) (shape, error) {
	if len(f[0]) != 1 {
		return shape{}, fmt.Errorf("line %.40q is no shape", strings.Join(f, " "))
	}
	sh := shape{kind: f[0][0]}
	switch sh.kind {
	case kindStruct, kindList, kindMap:
		sh.refs = make([]ref, len(f)-1)
		for i, text := range f[1:] {
			sh.refs[i] = parseRef(text)
		}
	case kindString:
		sh.enum = f[1:]
	}
	if want := map[byte]int{kindList: 1, kindMap: 2}[sh.kind]; want != 0 && len(sh.refs) != want {
		return shape{}, fmt.Errorf("line %.40q has %d uses, not %d", strings.Join(f, " "), len(sh.refs), want)
	}
	if kindNames[sh.kind] == "" {
		return shape{}, fmt.Errorf("kind %q is unknown", sh.kind)
	}
	return sh, nil
}

func parseRef(text string) ref {
	name, rest, _ := strings.Cut(text, ",")
	number, marks, _ := strings.Cut(rest, ",")
	r := ref{name: name, wire: name, shape: -1}
	if n, err := strconv.Atoi(number); err == nil {
		r.shape = n
	}
	for marks != "" {
		var m string
		m, marks, _ = strings.Cut(marks, ",")
		r.mark(m)
	}
	return r
}

func (r *ref) mark(m string) {
	if m == "" {
		return
	}
	switch m[0] {
	case '^':
		if r.name != "" {
			r.wire, r.named = strings.ToLower(r.name[:1])+r.name[1:], true
		}
	case 'n':
		r.wire, r.named = m[1:], true
	case '@':
		r.loc = m[1:]
	case 'q':
		r.queryName = m[1:]
	case 't':
		r.format = m[1:]
	case '!':
		r.required = true
	case '*':
		r.flattened = true
	case 'a':
		r.attribute = true
	case 'h':
		r.hostLabel = true
	case 'p':
		r.payload = true
	case 'j':
		r.jsonValue = true
	case '~':
		r.sensitive = true
	}
}

func parsePager(text string) Pager {
	f := strings.Split(text, ";")
	if len(f) != 5 {
		return Pager{}
	}
	return Pager{Input: list(f[0]), Output: list(f[1]), More: f[2], Limit: f[3], Results: list(f[4])}
}

func list(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, "+")
}
