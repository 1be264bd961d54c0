package iam

import (
	"bytes"
	"encoding/json"
)

// twice returns the name of a member that one object of a JSON document has
// more than once; empty if none has. A decoder that keeps the last one would
// read another policy than the service, which refuses the document. The
// document must be valid JSON.
func twice(doc []byte) string {
	var open []map[string]bool // nil for a list
	name := false              // the next text is a member's name
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '{':
			open, name = append(open, map[string]bool{}), true
		case '[':
			open, name = append(open, nil), false
		case '}', ']':
			open, name = open[:len(open)-1], false
		case ',':
			name = len(open) > 0 && open[len(open)-1] != nil
		case '"':
			from := i
			for i++; i < len(doc) && doc[i] != '"'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
			if !name || i >= len(doc) {
				continue
			}
			name = false
			text := string(doc[from+1 : i])
			if bytes.IndexByte(doc[from:i], '\\') >= 0 {
				_ = json.Unmarshal(doc[from:i+1], &text)
			}
			if open[len(open)-1][text] {
				return text
			}
			open[len(open)-1][text] = true
		}
	}
	return ""
}
