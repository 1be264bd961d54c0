package main

import (
	"fmt"
	"slices"
	"strings"
)

// condenser numbers the shapes one service's operations need. The text it
// makes is read by package api's parse.go, where the grammar is stated.
type condenser struct {
	svc    service
	src    *source
	number map[string]int // by shape name, or by text for scalars
	lines  []string
}

func condense(s service, m *source) (string, error) {
	c := &condenser{svc: s, src: m, number: map[string]int{}}
	proto, err := protocol(m)
	if err != nil {
		return "", err
	}
	var ops []string
	for _, name := range s.wanted(m) {
		if proto == "rest-xml" && m.sendsBody(name) {
			continue // the client writes no XML
		}
		line, err := c.operation(name, m.model.Operations[name])
		if err != nil {
			return "", fmt.Errorf("operation %s: %w", name, err)
		}
		ops = append(ops, line)
	}
	for _, name := range slices.Concat(s.only, s.also) {
		if _, ok := m.model.Operations[name]; !ok {
			return "", fmt.Errorf("operation %s is asked for but the model has none", name)
		}
	}
	signing := m.meta("signingName")
	if signing == "" {
		signing = m.meta("endpointPrefix")
	}
	_, compat := m.model.Metadata["awsQueryCompatible"]
	head := strings.Join([]string{"V", proto, m.meta("endpointPrefix"), signing, m.meta("targetPrefix"),
		m.meta("jsonVersion"), m.meta("apiVersion"), m.meta("serviceId"), flag01(compat)}, "\t")
	return head + "\n" + strings.Join(c.lines, "\n") + "\n" + strings.Join(ops, "\n") + "\n", nil
}

// sendsBody reports whether an operation has parameters that travel in the
// body.
func (m *source) sendsBody(op string) bool {
	in := m.model.Operations[op].Input
	if in == nil {
		return false
	}
	for _, r := range m.model.Shapes[in.Shape].Members {
		if r.Location == "" {
			return true
		}
	}
	return false
}

func flag01(b bool) string {
	if b {
		return "1"
	}
	return ""
}

// protocol is the first protocol the service offers that the client speaks.
func protocol(m *source) (string, error) {
	offered := []string{m.meta("protocol")}
	if list, ok := m.model.Metadata["protocols"].([]any); ok {
		for _, p := range list {
			offered = append(offered, p.(string))
		}
	}
	for _, p := range offered {
		if slices.Contains([]string{"json", "rest-json", "rest-xml", "query", "ec2"}, p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("offers only %v", offered)
}

func (c *condenser) operation(name string, op srcOp) (string, error) {
	in, out, wrapper := -1, -1, ""
	if op.Input != nil {
		in = c.shape(op.Input.Shape)
	}
	if op.Output != nil {
		out = c.shape(op.Output.Shape)
		wrapper = op.Output.ResultWrapper
	}
	return fmt.Sprintf("O\t%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s", name, op.HTTP.Method, op.HTTP.RequestURI,
		in, out, wrapper, op.Endpoint.HostPrefix, c.pager(name, op)), nil
}

// shape numbers the named shape and everything it needs. Compound shapes take
// their number before their members do, because models recurse.
func (c *condenser) shape(name string) int {
	if n, ok := c.number[name]; ok {
		return n
	}
	sh := c.src.model.Shapes[name]
	if text, ok := c.scalar(name, sh); ok {
		n, ok := c.number["="+text]
		if !ok {
			n = c.take(text)
			c.number["="+text] = n
		}
		c.number[name] = n
		return n
	}
	n := c.take("")
	c.number[name] = n
	c.lines[n] = c.compound(name, sh)
	return n
}

func (c *condenser) take(line string) int {
	c.lines = append(c.lines, line)
	return len(c.lines) - 1
}

func (c *condenser) scalar(name string, sh srcShape) (string, bool) {
	switch sh.Type {
	case "string", "character":
		if c.svc.name == "iam" && name == "policyDocumentType" {
			return "p", true
		}
		if c.svc.enum && len(sh.Enum) > 0 {
			return "s\t" + strings.Join(sh.Enum, "\t"), true
		}
		return "s", true
	case "integer", "long":
		return "i", true
	case "float", "double":
		return "f", true
	case "boolean":
		return "b", true
	case "timestamp":
		return "t", true
	case "blob":
		return "x", true
	case "structure":
		if sh.Document {
			return "d", true
		}
	}
	return "", false
}

func (c *condenser) compound(name string, sh srcShape) string {
	switch sh.Type {
	case "list":
		return "L\t" + c.ref("", "member", *sh.Member, sh)
	case "map":
		return "M\t" + c.ref("", "key", *sh.Key, sh) + "\t" + c.ref("", "value", *sh.Value, sh)
	}
	parts := []string{"S"}
	for _, m := range sortedKeys(sh.Members) {
		if !c.svc.drops(name, m, c.src.model.Shapes[sh.Members[m].Shape].Type) {
			parts = append(parts, c.ref(m, m, sh.Members[m], sh))
		}
	}
	return strings.Join(parts, "\t")
}

// ref writes one use of a shape: NAME,NUMBER and then what differs from the
// plain case. A use's own traits go before those of the shape it uses.
func (c *condenser) ref(name, plain string, r srcRef, owner srcShape) string {
	target := c.src.model.Shapes[r.Shape]
	text := fmt.Sprintf("%s,%d", name, c.shape(r.Shape))
	locationName := first(r.LocationName, target.LocationName)
	switch {
	case locationName == "" || (locationName == plain && name != ""):
	case locationName == lowerFirst(plain) && name != "":
		text += ",^"
	default:
		text += ",n" + locationName
	}
	if loc := first(r.Location, target.Location); loc != "" {
		text += ",@" + loc
	}
	if r.QueryName != "" {
		text += ",q" + r.QueryName
	}
	if tf := first(r.TimestampFormat, target.TimestampFormat); tf != "" && target.Type == "timestamp" {
		text += ",t" + tf
	}
	for _, f := range []struct {
		set  bool
		mark string
	}{
		{name != "" && slices.Contains(owner.Required, name), ",!"},
		{r.Flattened || target.Flattened, ",*"},
		{r.XMLAttribute, ",a"},
		{r.HostLabel, ",h"},
		{name != "" && owner.Payload == name, ",p"},
		{r.JSONValue, ",j"},
		{target.Sensitive, ",~"},
	} {
		if f.set {
			text += f.mark
		}
	}
	return text
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// conventions are the token members of services whose paginator botocore does
// not publish: input, output.
var conventions = [][2]string{{"NextToken", "NextToken"}, {"nextToken", "nextToken"}, {"Marker", "NextMarker"}, {"Marker", "Marker"}, {"position", "position"}, {"ContinuationToken", "NextContinuationToken"}}

// pager writes INPUT+INPUT;OUTPUT+OUTPUT;MORE;LIMIT;RESULT+RESULT, or nothing.
func (c *condenser) pager(name string, op srcOp) string {
	if p, ok := c.src.pages.Pagination[name]; ok {
		return strings.Join([]string{join(p.InputToken), join(p.OutputToken), p.MoreResults, p.LimitKey, join(p.ResultKey)}, ";")
	}
	if op.Input == nil || op.Output == nil {
		return ""
	}
	in, out := c.src.model.Shapes[op.Input.Shape].Members, c.src.model.Shapes[op.Output.Shape].Members
	for _, t := range conventions {
		_, asks := in[t[0]]
		if _, gives := out[t[1]]; asks && gives {
			return t[0] + ";" + t[1] + ";;;"
		}
	}
	return ""
}

func join(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var s []string
		for _, e := range v {
			s = append(s, fmt.Sprint(e))
		}
		return strings.Join(s, "+")
	}
	return ""
}
