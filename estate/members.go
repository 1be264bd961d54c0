package estate

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// field is one member of a canonical object: its name as it stands between the
// quotes, and its value.
type field struct{ name, value []byte }

// fields splits a canonical object (see Canonical) into its members without
// decoding them. The parts alias config.
func fields(config []byte) []field {
	if len(config) <= 2 {
		return nil
	}
	var out []field
	for pos := 1; pos < len(config)-1; pos++ {
		end := skip(config, pos)
		f := field{name: config[pos+1 : end-1]}
		pos = end + 1
		end = skip(config, pos)
		f.value = config[pos:end]
		out = append(out, f)
		pos = end
	}
	return out
}

// skip returns the place after the value that starts at pos of a canonical
// text.
func skip(text []byte, pos int) int {
	depth := 0
	for ; pos < len(text); pos++ {
		switch text[pos] {
		case '"':
			for pos++; text[pos] != '"'; pos++ {
				if text[pos] == '\\' {
					pos++
				}
			}
			if depth == 0 {
				return pos + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth < 0 {
				return pos
			}
			if depth == 0 {
				return pos + 1
			}
		case ',':
			if depth == 0 {
				return pos
			}
		}
	}
	return pos
}

// object writes fields, which are sorted by name, as one canonical object.
func object(fs []field) json.RawMessage {
	size := 2
	for _, f := range fs {
		size += len(f.name) + len(f.value) + 4
	}
	out := append(make([]byte, 0, size), '{')
	for i, f := range fs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), f.name...), `":`...)
		out = append(out, f.value...)
	}
	return append(out, '}')
}

// Change is one place where two versions of an asset differ.
type Change struct {
	// Pointer is an RFC 6901 JSON pointer into the asset's JSON: "/tags/env",
	// "/config/GetBucketPolicy/Policy/Statement/0". Reads are named by operation
	// and key, "/reads/s3:GetBucketPolicy/GetBucketPolicy", for their places
	// mean nothing.
	Pointer string `json:"pointer"`
	// Before and After are the values; nil where there was or is none.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

// compare appends the places, below pointer, where two JSON values differ. A
// value that is no container, or of another kind, differs as a whole.
func compare(pointer string, before, after json.RawMessage, out []Change) []Change {
	if bytes.Equal(before, after) {
		return out
	}
	kind := func(v json.RawMessage) byte {
		if len(v) == 0 {
			return 0
		}
		return v[0]
	}
	switch {
	case kind(before) == '{' && kind(after) == '{':
		return compareObjects(pointer, before, after, out)
	case kind(before) == '[' && kind(after) == '[':
		return compareArrays(pointer, before, after, out)
	}
	return append(out, Change{pointer, bytes.Clone(before), bytes.Clone(after)})
}

func compareObjects(pointer string, before, after json.RawMessage, out []Change) []Change {
	b, a := fields(before), fields(after)
	for len(b) > 0 || len(a) > 0 {
		order := 0
		switch {
		case len(b) == 0:
			order = 1
		case len(a) == 0:
			order = -1
		default:
			order = bytes.Compare(b[0].name, a[0].name)
		}
		switch {
		case order < 0:
			out = compare(pointer+"/"+pointerName(b[0].name), b[0].value, nil, out)
			b = b[1:]
		case order > 0:
			out = compare(pointer+"/"+pointerName(a[0].name), nil, a[0].value, out)
			a = a[1:]
		default:
			out = compare(pointer+"/"+pointerName(b[0].name), b[0].value, a[0].value, out)
			b, a = b[1:], a[1:]
		}
	}
	return out
}

func compareArrays(pointer string, before, after json.RawMessage, out []Change) []Change {
	b, a := elements(before), elements(after)
	for i := range max(len(b), len(a)) {
		var x, y json.RawMessage
		if i < len(b) {
			x = b[i]
		}
		if i < len(a) {
			y = a[i]
		}
		out = compare(pointer+"/"+itoa(i), x, y, out)
	}
	return out
}

// elements splits a canonical array.
func elements(array []byte) []json.RawMessage {
	var out []json.RawMessage
	for pos := 1; pos < len(array)-1; pos++ {
		end := skip(array, pos)
		out = append(out, array[pos:end])
		pos = end
	}
	return out
}

// pointerName turns a member's name, as a canonical object spells it, into a
// token of a JSON pointer.
func pointerName(raw []byte) string {
	name := string(raw)
	if bytes.IndexByte(raw, '\\') >= 0 {
		quoted := append(append([]byte{'"'}, raw...), '"')
		if err := json.Unmarshal(quoted, &name); err != nil {
			name = string(raw)
		}
	}
	return escaper.Replace(name)
}

// uniqueStrings sorts in and drops what stands twice.
func uniqueStrings(in []string) []string {
	if len(in) == 0 {
		return nil
	}
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

// DifferingMembers lists the members at the root of two canonical configurations
// that differ, by name; ok is false where one of them is no object.
func DifferingMembers(before, after json.RawMessage) (out []string, ok bool) {
	if len(before) < 2 || len(after) < 2 || before[0] != '{' || after[0] != '{' {
		return nil, false
	}
	b, a := fields(before), fields(after)
	for len(b) > 0 || len(a) > 0 {
		switch {
		case len(a) == 0 || len(b) > 0 && bytes.Compare(b[0].name, a[0].name) < 0:
			out, b = append(out, pointerName(b[0].name)), b[1:]
		case len(b) == 0 || bytes.Compare(b[0].name, a[0].name) > 0:
			out, a = append(out, pointerName(a[0].name)), a[1:]
		default:
			if !bytes.Equal(b[0].value, a[0].value) {
				out = append(out, pointerName(b[0].name))
			}
			b, a = b[1:], a[1:]
		}
	}
	return out, true
}
