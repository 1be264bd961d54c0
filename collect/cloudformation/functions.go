package cloudformation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
)

// joined joins values to a text; references keep their place in it.
func (s *stack) joined(values []any, function string) any {
	var parts []Part
	whole := true
	add := func(text string) {
		if n := len(parts); n > 0 && parts[n-1].Resource == "" {
			parts[n-1].Text += text
		} else if text != "" {
			parts = append(parts, Part{Text: text})
		}
	}
	for _, v := range values {
		switch v := v.(type) {
		case nil, noValue:
		case string:
			add(v)
		case bool, json.Number:
			add(fmt.Sprint(v))
		case *Open:
			if v.Parts == nil {
				return v
			}
			whole = false
			for _, p := range v.Parts {
				if p.Resource == "" {
					add(p.Text)
				} else {
					parts = append(parts, p)
				}
			}
		default:
			return s.openOf(v, function)
		}
	}
	size := 0
	for _, p := range parts {
		size += len(p.Text) + len(p.Resource)
	}
	if !s.r.produced(size) {
		return nil
	}
	switch {
	case len(parts) == 0:
		return ""
	case whole:
		return s.dynamic(parts[0].Text)
	}
	for _, p := range parts {
		if o, open := s.dynamic(p.Text).(*Open); open {
			return o
		}
	}
	return &Open{Why: "known only when " + reference(parts) + " is made", Parts: parts}
}

// reference names the first resource of a text.
func reference(parts []Part) string {
	for _, p := range parts {
		if p.Resource != "" {
			return p.Resource
		}
	}
	return ""
}

func (s *stack) sub(arg *node, depth int) any {
	template, vars := arg.str(), (*node)(nil)
	if arg.is(list) && len(arg.kids) == 2 {
		template, vars = arg.kids[0].str(), arg.kids[1]
	} else if arg.kind == list || arg.kind == object {
		return s.openOf(nil, "Fn::Sub")
	}
	var values []any
	for {
		before, rest, found := strings.Cut(template, "${")
		values = append(values, before)
		if !found {
			return s.joined(values, "Fn::Sub")
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			values = append(values, "${"+rest)
			return s.joined(values, "Fn::Sub")
		}
		template = after
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			values = append(values, "${"+literal+"}")
			continue
		}
		name = strings.TrimSpace(name)
		switch v := vars.get(name); {
		case v != nil:
			values = append(values, s.eval(v, depth))
		case strings.Contains(name, ".") && s.params.get(name) == nil:
			values = append(values, s.getAtt(&node{kind: text, text: name}, depth))
		default:
			values = append(values, s.ref(name))
		}
	}
}

func (s *stack) join(arg *node, depth int) any {
	if !arg.is(list) || len(arg.kids) != 2 {
		return s.openOf(nil, "Fn::Join")
	}
	v := s.eval(arg.kids[1], depth)
	elements, ok := v.([]any)
	if !ok {
		return s.openOf(v, "Fn::Join")
	}
	var values []any
	for i, e := range elements {
		if i > 0 {
			values = append(values, arg.kids[0].str())
		}
		values = append(values, e)
	}
	return s.joined(values, "Fn::Join")
}

// pick is Fn::Select.
func (s *stack) pick(arg *node, depth int) any {
	if !arg.is(list) || len(arg.kids) != 2 {
		return s.openOf(nil, "Fn::Select")
	}
	v := s.eval(arg.kids[1], depth)
	elements, ok := v.([]any)
	if !ok {
		return s.openOf(v, "Fn::Select")
	}
	at := s.eval(arg.kids[0], depth)
	if o, open := at.(*Open); open {
		return s.openOf(o, "Fn::Select")
	}
	i, err := strconv.Atoi(fmt.Sprint(at))
	if err != nil || i < 0 || i >= len(elements) {
		return s.openOf(nil, "Fn::Select")
	}
	return elements[i]
}

func (s *stack) split(arg *node, depth int) any {
	if !arg.is(list) || len(arg.kids) != 2 || arg.kids[0].str() == "" {
		return s.openOf(nil, "Fn::Split")
	}
	v := s.eval(arg.kids[1], depth)
	whole, ok := v.(string)
	if !ok {
		return s.openOf(v, "Fn::Split")
	}
	if !s.r.produced(len(whole)) {
		return nil
	}
	out := []any{}
	for e := range strings.SplitSeq(whole, arg.kids[0].str()) {
		out = append(out, e)
	}
	return out
}

// branch is Fn::If. Where the condition is not settled and both sides say the
// same, that is it.
func (s *stack) branch(arg *node, depth int) any {
	if !arg.is(list) || len(arg.kids) != 3 {
		return s.openOf(nil, "Fn::If")
	}
	switch t, why := s.condition(arg.kids[0].str()); t {
	case yes:
		return s.eval(arg.kids[1], depth)
	case no:
		return s.eval(arg.kids[2], depth)
	default:
		a, b := s.eval(arg.kids[1], depth), s.eval(arg.kids[2], depth)
		if x, ok := a.(string); ok && b == any(x) {
			return x
		}
		if x, ok := a.(bool); ok && b == any(x) {
			return x
		}
		return s.r.opened(why, "give the values the stack is made with: cloudformation:TEMPLATE,parameters=FILE")
	}
}

// findInMap looks a value up; where a key is not known and every way leads to
// the same value, that is it.
func (s *stack) findInMap(arg *node, depth int) any {
	if !arg.is(list) || len(arg.kids) < 3 {
		return s.openOf(nil, "Fn::FindInMap")
	}
	var keys [3]string
	for i := range keys {
		v := s.eval(arg.kids[i], depth)
		switch v := v.(type) {
		case string:
			keys[i] = v
		case json.Number:
			keys[i] = v.String()
		case bool:
			keys[i] = strconv.FormatBool(v)
		default:
			return s.openOf(v, "Fn::FindInMap")
		}
	}
	if v := s.mappings.get(keys[0]).get(keys[1]).get(keys[2]); v != nil {
		return s.eval(v, depth)
	}
	if len(arg.kids) > 3 {
		if d := arg.kids[3].get("DefaultValue"); d != nil {
			return s.eval(d, depth)
		}
	}
	return s.r.opened(fmt.Sprintf("mapping %s has no %s, %s", keys[0], keys[1], keys[2]), "mend the mapping: CloudFormation refuses the template as it is")
}

func (s *stack) base64(arg *node, depth int) any {
	v := s.eval(arg, depth)
	t, ok := v.(string)
	if !ok {
		return s.openOf(v, "Fn::Base64")
	}
	if !s.r.produced(2 * len(t)) {
		return nil
	}
	return base64.StdEncoding.EncodeToString([]byte(t))
}

// importValue is what another stack of the source exports, else open.
func (s *stack) importValue(arg *node, depth int) any {
	name, ok := s.eval(arg, depth).(string)
	if !ok {
		return s.r.opened("which exported value is imported is not known", "")
	}
	if e := s.r.exports[name]; e != nil && !e.twice {
		return e.of.output(e.output)
	}
	return s.r.opened("Fn::ImportValue "+name+": another stack exports it", "read both templates as one folder: cloudformation:FOLDER")
}

func (s *stack) toJSON(arg *node, depth int) any {
	v := s.eval(arg, depth)
	if holdsOpen(v) {
		return s.r.opened("a text of JSON holds what is not known (Fn::ToJsonString)", "")
	}
	text, err := json.Marshal(v)
	if err != nil || !s.r.produced(len(text)) {
		return s.openOf(nil, "Fn::ToJsonString")
	}
	return string(text)
}

func holdsOpen(v any) bool {
	switch v := v.(type) {
	case *Open, noValue:
		return true
	case map[string]any:
		for _, e := range v {
			if holdsOpen(e) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if holdsOpen(e) {
				return true
			}
		}
	}
	return false
}

// cidr cuts a block into smaller ones; the last argument is the number of bits
// that stay for hosts.
func (s *stack) cidr(arg *node, depth int) any {
	v := s.eval(arg, depth)
	args, ok := v.([]any)
	if !ok || len(args) < 2 {
		return s.openOf(v, "Fn::Cidr")
	}
	for _, a := range args {
		if o, open := a.(*Open); open {
			return s.openOf(o, "Fn::Cidr")
		}
	}
	block, err := netip.ParsePrefix(fmt.Sprint(args[0]))
	count, err2 := strconv.Atoi(fmt.Sprint(args[1]))
	hostBits := 8
	var err3 error
	if len(args) > 2 {
		hostBits, err3 = strconv.Atoi(fmt.Sprint(args[2]))
	}
	if err != nil || err2 != nil || err3 != nil || count < 1 || count > 256 || hostBits < 0 {
		return s.openOf(nil, "Fn::Cidr")
	}
	bits := block.Addr().BitLen()
	if bits-hostBits < block.Bits() {
		return s.openOf(nil, "Fn::Cidr")
	}
	at := new(big.Int).SetBytes(block.Masked().Addr().AsSlice())
	step := new(big.Int).Lsh(big.NewInt(1), uint(hostBits))
	var out []any
	for range count {
		raw := at.FillBytes(make([]byte, bits/8))
		addr, _ := netip.AddrFromSlice(raw)
		if !block.Contains(addr) {
			return s.openOf(nil, "Fn::Cidr")
		}
		out = append(out, netip.PrefixFrom(addr, bits-hostBits).String())
		if at.Add(at, step).BitLen() > bits {
			break
		}
	}
	return out
}
