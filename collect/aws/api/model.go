package api

import (
	_ "embed" // for model.bin
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

//go:embed model.bin
var modelBin string

// section is a packed part of the model and, once someone asked, its meaning.
type section struct {
	packed string
	raw    int
	once   sync.Once
	svc    *service
	err    error
}

// index finds the packed sections; it is read once and unpacks nothing.
var index = sync.OnceValue(func() map[string]*section {
	head, body, _ := strings.Cut(modelBin, "\n\n")
	sections := map[string]*section{}
	for line := range strings.SplitSeq(head, "\n") {
		var name string
		var packed, raw int
		if _, err := fmt.Sscanf(line, "%s %d %d", &name, &packed, &raw); err != nil || packed > len(body) {
			break // a damaged build: the missing services are reported when asked for
		}
		sections[name] = &section{packed: body[:packed], raw: raw}
		body = body[packed:]
	}
	return sections
})

var unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
})

func (s *section) text() (string, error) {
	dec, err := unpacker()
	if err != nil {
		return "", fmt.Errorf("model: %w", err)
	}
	b, err := dec.DecodeAll([]byte(s.packed), make([]byte, 0, s.raw))
	if err != nil {
		return "", fmt.Errorf("model: %w", err)
	}
	return string(b), nil
}

// load gives the named service's model, unpacking it the first time.
func load(name string) (*service, error) {
	sec, ok := index()[name]
	if !ok || strings.HasPrefix(name, "@") {
		return nil, fmt.Errorf("aws service %q is not in the read-only model", name)
	}
	sec.once.Do(func() {
		var text string
		if text, sec.err = sec.text(); sec.err == nil {
			sec.svc, sec.err = parseService(name, text)
		}
	})
	return sec.svc, sec.err
}

// Services lists the services of the model by botocore's names, sorted.
func Services() []string {
	var names []string
	for name := range index() {
		if !strings.HasPrefix(name, "@") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Operations lists a service's operations, sorted; nil for a service the model
// does not have.
func Operations(service string) []string {
	svc, err := load(service)
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(svc.ops))
	for name := range svc.ops {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Operation finds one operation. Service is botocore's name ("stepfunctions"),
// name the API's ("ListStateMachines").
func Operation(service, name string) (Op, bool) {
	svc, err := load(service)
	if err != nil {
		return Op{}, false
	}
	op, ok := svc.ops[name]
	return Op{svc: svc, op: op}, ok
}

// Op describes one operation of the model. The zero Op describes nothing.
type Op struct {
	svc *service
	op  *operation
}

// Service is botocore's name of the operation's service.
func (o Op) Service() string { return o.svc.name }

// Name is the operation's name as the API spells it.
func (o Op) Name() string { return o.op.name }

// Protocol is json, rest-json, rest-xml, query or ec2.
func (o Op) Protocol() string { return o.svc.proto }

// SigningName is the service part of the signature's scope.
func (o Op) SigningName() string { return o.svc.signing }

// Target is the value of X-Amz-Target that names the operation; empty where
// the protocol has none.
func (o Op) Target() string {
	if o.svc.proto != "json" {
		return ""
	}
	return o.svc.target + "." + o.op.name
}

// APIVersion is the date that the query and ec2 protocols send as Version.
func (o Op) APIVersion() string { return o.svc.version }

// HTTP is the method and the URI template of the request.
func (o Op) HTTP() (method, uri string) { return o.op.method, o.op.uri }

// Inputs are the parameters the operation takes, sorted by name.
func (o Op) Inputs() []Member { return o.svc.members(o.op.in) }

// Outputs are the members of the reply, sorted by name.
func (o Op) Outputs() []Member { return o.svc.members(o.op.out) }

// Output finds one member of the reply.
func (o Op) Output(name string) (Member, bool) {
	for _, m := range o.Outputs() {
		if m.Name == name {
			return m, true
		}
	}
	return Member{}, false
}

// Pager says how the operation's pages follow each other.
func (o Op) Pager() (Pager, bool) {
	if len(o.op.pager.Output) == 0 {
		return Pager{}, false
	}
	return o.op.pager, true
}

// Pager is how a list continues: the tokens a reply gives and the parameters
// they go into, pairwise. Tokens are paths: members joined by dots, an element
// in brackets, alternatives by " || ".
type Pager struct {
	Input, Output []string
	// More is the member that says whether there is more; empty if the token
	// itself does.
	More string
	// Limit is the parameter that sets the size of a page; may be empty.
	Limit string
	// Results are the members that hold what is listed; may be empty.
	Results []string
}

// Member is a member of a structure, the element of a list or the value of a
// map.
type Member struct {
	// Name as the AWS command line prints it; empty for elements and values.
	Name string
	// Type is structure, list, map, document, string, integer, float, boolean,
	// timestamp, blob, or policy: a document IAM sends URL-encoded.
	Type string
	// Required is set when the service's model says that it is always there.
	Required bool
	// Sensitive is set when the model marks the value as not to be logged.
	Sensitive bool
	// Wire is the member's name on the wire; Location is where it travels: uri,
	// querystring, header, headers, statusCode, or empty for the body.
	Wire, Location string
	// Format of a timestamp on the wire: iso8601, unixTimestamp, rfc822; empty
	// for the protocol's own.
	Format string
	// Payload is set when the member alone is the body.
	Payload bool
	// Enum lists the values the model knows, kept for the Bedrock services only.
	Enum []string

	svc *service
	ref *ref
}

// Members are those of a structure, or of the structures a list or map holds.
func (m Member) Members() []Member {
	if e, ok := m.Elem(); ok {
		return e.Members()
	}
	return m.svc.members(m.ref.shape)
}

// Elem is the element of a list or the value of a map.
func (m Member) Elem() (Member, bool) {
	sh := &m.svc.shapes[m.ref.shape]
	switch sh.kind {
	case kindList:
		return m.svc.member(&sh.refs[0]), true
	case kindMap:
		return m.svc.member(&sh.refs[1]), true
	}
	return Member{}, false
}

func (s *service) members(shape int) []Member {
	if shape < 0 || s.shapes[shape].kind != kindStruct {
		return nil
	}
	refs := s.shapes[shape].refs
	ms := make([]Member, len(refs))
	for i := range refs {
		ms[i] = s.member(&refs[i])
	}
	return ms
}

func (s *service) member(r *ref) Member {
	sh := &s.shapes[r.shape]
	return Member{Name: r.name, Type: kindNames[sh.kind], Required: r.required, Sensitive: r.sensitive,
		Wire: r.wire, Location: r.loc, Format: r.format, Payload: r.payload, Enum: sh.enum, svc: s, ref: r}
}
