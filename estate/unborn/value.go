package unborn

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Later stands in a configuration for a value that nobody can know before the
// asset is made.
type Later struct{}

// Number is a value as a number: one already, or a text that holds one ("050",
// "+50"); nil if it is neither. NaN and infinity are no numbers: JSON has none.
func Number(v any) any {
	switch v := v.(type) {
	case json.Number, float64, int, int64:
		return v
	case string:
		return numeral(v)
	}
	return nil
}

func numeral(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return json.Number(strconv.FormatInt(n, 10))
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}

// Truth is a value as true or false: one already, or a text that says so; nil if
// it is neither.
func Truth(v any) any {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		if b, err := strconv.ParseBool(v); err == nil {
			return b
		}
	}
	return nil
}

// Text is a text, number or truth as text; "" for anything else.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

// Object opens a text that holds a JSON object, its numbers kept as written; nil
// if it holds none.
func Object(text string) map[string]any {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil
	}
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&m) != nil {
		return nil
	}
	return m
}

// TagBody spells tags as the reply of a type does where it keeps them: a map, or
// a list of pairs. It returns nil where the reply has no such place.
func (l *Live) TagBody(tags map[string]string) any {
	sh := l.Root.Follow(l.Tags)
	if sh == nil {
		return nil
	}
	if strings.HasPrefix(sh.Code, "(") {
		out := map[string]any{}
		for k, v := range tags {
			out[k] = v
		}
		return out
	}
	key, value := "", ""
	for _, m := range sh.Kids {
		switch Fold(m.Name) {
		case "key", "tagkey":
			key = m.Name
		case "value", "tagvalue":
			value = m.Name
		}
	}
	out := []any{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		pair := map[string]any{}
		if key != "" {
			pair[key] = k
		}
		if value != "" {
			pair[value] = tags[k]
		}
		out = append(out, pair)
	}
	return out
}

// Marks says what becomes of a value that only stands for one: whether it is
// gone from the configuration and whether null keeps its place there. What is to
// be remembered of it, the function remembers. ok is false for a value that is
// what it is.
type Marks func(v any, pointer string) (gone, ok bool)

// Take returns a configuration without what only stands for a value. In a list,
// where places count, null keeps the place of what is gone.
func Take(v any, marks Marks) any { return take(v, "", marks) }

func take(v any, at string, marks Marks) any {
	if _, ok := marks(v, at); ok {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			here := at + "/" + Pointer(k)
			gone, ok := marks(v[k], here)
			switch {
			case !ok:
				out[k] = take(v[k], here, marks)
			case !gone:
				out[k] = nil
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = take(e, at+"/"+strconv.Itoa(i), marks)
		}
		return out
	}
	return v
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// Pointer is a member's name as a step of a JSON pointer (RFC 6901).
func Pointer(name string) string { return pointerEscapes.Replace(name) }
