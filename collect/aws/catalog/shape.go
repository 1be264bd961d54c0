package catalog

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// fits reports whether a reply can be of the operation: the members it holds
// are the operation's, at the top and in the first elements. Where the path
// names the operation one known member is enough (the API may be newer than
// the model); where only the content speaks, strict wants three of four.
func (op *operation) fits(body map[string]any, strict bool) bool {
	if op.uses == nil {
		return false
	}
	known, strange := 0, 0
	for k, v := range body {
		m, ok := op.outputs[k]
		switch {
		case pageTokens[k]:
		case !ok:
			strange++
		case !shaped(m, v, 0, strict):
			return false
		default:
			known++
		}
	}
	return enough(known, strange, strict)
}

// enough weighs known members against strange ones.
func enough(known, strange int, strict bool) bool {
	if strict {
		return known > 3*strange || strange == 0
	}
	return known > 0 || strange == 0
}

// shaped reports whether a value has the shape of a member, two levels deep.
func shaped(m api.Member, v any, depth int, strict bool) bool {
	switch t := v.(type) {
	case []any:
		if m.Type != "list" {
			return m.Type == "document"
		}
		elem, ok := m.Elem()
		if !ok || len(t) == 0 {
			return ok
		}
		return shaped(elem, t[0], depth, strict)
	case map[string]any:
		switch m.Type {
		case "map", "document", "string", "policy": // a policy was decoded
			return true
		case "structure":
		default:
			return false
		}
		return depth > 1 || members(m, t, depth, strict)
	case string:
		return m.Type != "list" && m.Type != "structure" && m.Type != "map"
	}
	return true
}

// members reports whether an object's members are those of a structure.
func members(m api.Member, obj map[string]any, depth int, strict bool) bool {
	known, strange := 0, 0
	for _, x := range m.Members() {
		v, ok := obj[x.Name]
		if !ok {
			continue
		}
		if !shaped(x, v, depth+1, strict) {
			return false
		}
		known++
	}
	strange = len(obj) - known
	return enough(known, strange, strict)
}

// exact reports whether the operation knows every member at the top of a
// reply.
func (op *operation) exact(body map[string]any) bool {
	for k := range body {
		if _, ok := op.outputs[k]; !ok && !pageTokens[k] {
			return false
		}
	}
	return true
}

// holds reports whether the reply has anything of the operation's but tokens.
func holds(op *operation, body map[string]any) bool {
	for k := range body {
		if _, ok := op.outputs[k]; ok && !pageTokens[k] {
			return true
		}
	}
	return false
}

// telling reports whether the content alone shows that a reply is of AWS: it
// holds an ARN, or a list or object under a member few operations have.
func (x *index) telling(fit []*operation, body map[string]any) bool {
	if len(fit) == 0 {
		return false
	}
	if findARN(body, 0) != "" {
		return true
	}
	for k, v := range body {
		switch v.(type) {
		case []any, map[string]any:
			if len(fit) == 1 && x.keys[k] <= 2 && len(k) > 4 && (len(body) <= 2 || fit[0].exact(body)) {
				return true
			}
		}
	}
	return false
}

// errorCode is the code of an exported error reply, as the API or the command
// line's JSON error output spells it; empty if the document is none.
func errorCode(body map[string]any) string {
	code, _ := errorWords(body)
	return code
}

// emptyOutput is the code of a file in which the command line printed nothing.
const emptyOutput = "EmptyOutput"

// errorWords are an exported error's code, and "code: message".
func errorWords(body map[string]any) (code, why string) {
	if e, ok := body["Error"].(map[string]any); ok {
		code, why = text(e["Code"]), text(e["Message"])
	} else if c := text(body["__type"]); c != "" {
		code, why = c[strings.LastIndexAny(c, "#")+1:], first(text(body["message"]), text(body["Message"]))
	}
	if why == "" {
		return code, code
	}
	return code, code + ": " + why
}
