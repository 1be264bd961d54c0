package estate

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// spot is a place in a configuration and what stands there: nil if nothing
// does. bad says what stood in the way of getting there.
type spot struct {
	v            any
	path         string // for people
	pointer      string // JSON pointer
	holder       map[string]any
	key          string
	grip         map[string]any // what holds holder, under gripKey; nil in a list
	gripKey, bad string
	note         bool // an annotation: without any, what holds them is nothing
}

// each yields every spot a place leads to. Where the way ends early it yields
// one spot with nothing in it, named by the whole place.
func (sp spot) each(place string) iter.Seq[spot] {
	return func(yield func(spot) bool) { sp.walk(place, yield) }
}

// first is the one spot a place without lists leads to.
func (sp spot) first(place string) spot {
	for s := range sp.each(place) {
		return s
	}
	return spot{path: join(sp.path, place), pointer: sp.pointer}
}

func (sp spot) walk(place string, yield func(spot) bool) bool {
	if place == "" {
		return yield(sp)
	}
	name, by, open, rest := segment(place)
	next := sp.member(name)
	next.note = place[0] == '('
	if next.bad != "" || next.v == nil {
		next.path = join(sp.path, place)
		return yield(next)
	}
	switch open {
	case '[':
		list, ok := next.v.([]any)
		if !ok {
			next.bad, next.path = next.path+" is "+jsonKind(next.v)+", not a list", join(sp.path, place)
			return yield(next)
		}
		for i, item := range list {
			if !next.item(i, item, by).walk(rest, yield) {
				return false
			}
		}
		return true
	case '{':
		m, ok := next.v.(map[string]any)
		if !ok {
			next.bad, next.path = next.path+" is "+jsonKind(next.v)+", not an object", join(sp.path, place)
			return yield(next)
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if m[key] != nil && !next.member(key).walk(rest, yield) {
				return false
			}
		}
		return true
	}
	return next.walk(rest, yield)
}

// segment takes the first step off a place: the member's name, what tells list
// items apart, the bracket that says what is entered, and the rest.
func segment(place string) (name, by string, open byte, rest string) {
	if inner, ok := strings.CutPrefix(place, "("); ok {
		name, rest, _ = strings.Cut(inner, ")")
		return name, "", 0, strings.TrimPrefix(rest, ".")
	}
	i := strings.IndexAny(place, ".[{")
	if i < 0 {
		return place, "", 0, ""
	}
	name, rest = place[:i], place[i+1:]
	if open = place[i]; open == '.' {
		return name, "", 0, rest
	}
	by, rest, _ = strings.Cut(rest, string(open+2)) // ']' and '}' stand two after their openings
	return name, by, open, strings.TrimPrefix(rest, ".")
}

// member goes to a member of an object.
func (sp spot) member(name string) spot {
	next := spot{pointer: sp.pointer + "/" + escaper.Replace(name), path: join(sp.path, name)}
	if strings.ContainsAny(name, "./") {
		next.path = sp.path + "[" + name + "]"
	}
	m, ok := sp.v.(map[string]any)
	if !ok {
		next.bad = sp.path + " is " + jsonKind(sp.v) + ", not an object"
		return next
	}
	next.v, next.holder, next.key = m[name], m, name
	next.grip, next.gripKey = sp.holder, sp.key
	return next
}

// item goes to an item of a list, called by its member by.
func (sp spot) item(i int, v any, by string) spot {
	called := strconv.Itoa(i)
	if m, ok := v.(map[string]any); ok && by != "" {
		if s, ok := m[by].(string); ok && s != "" {
			called = s
		}
	}
	return spot{v: v, path: sp.path + "[" + called + "]", pointer: sp.pointer + "/" + strconv.Itoa(i)}
}

// join writes a place after a path as people read it.
func join(path, place string) string {
	if path != "" && place != "" {
		path += "."
	}
	return notes.Replace(path + place)
}

var notes = strings.NewReplacer(".(", "[", ")", "]")

// jsonKind is what JSON calls a decoded value.
func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

// doubt says why what stands at a spot, or that nothing does, is not known; ""
// if it is. inside asks also for doubts about parts of what stands there.
func (s *scaling) doubt(sp spot, inside bool) string {
	for _, u := range s.asset.Unknown {
		if u == sp.pointer || strings.HasPrefix(sp.pointer, u+"/") || inside && strings.HasPrefix(u, sp.pointer+"/") {
			return sp.path + " will be known only later, or two readings of it disagree"
		}
	}
	if sp.bad != "" {
		return sp.bad
	}
	if sp.v != nil {
		return ""
	}
	key, _, _ := strings.Cut(strings.TrimPrefix(sp.pointer, "/"), "/")
	if s.root[key] != nil && key != "" { // the reply was read, and this is not in it
		return s.refused(key, false)
	}
	if operation(key) {
		return s.refused(key, true)
	}
	return s.refused("", true)
}

// refused says how the read of the reply under key ended, "" if what is not in
// it is known not to be there. must asks for a read that says so. An export
// that holds the description of a thing need not hold the list it stands in.
func (s *scaling) refused(key string, must bool) string {
	known, described := !must, false
	for _, r := range s.asset.Reads {
		described = described || r.Key == key && r.Status == ReadOK && verb(r.Operation) > 0
	}
	for _, r := range s.asset.Reads {
		if r.Key != key || described && r.Status == ReadSkipped && verb(r.Operation) == 0 {
			continue
		}
		if !r.Status.Known() {
			return strings.TrimSuffix(r.Operation+" was not read ("+string(r.Status)+"): "+r.Why, ": ")
		}
		known = known || key == "" || r.Status == ReadAbsent
	}
	if !known {
		return "no read of the configuration says so"
	}
	return ""
}

// operation reports whether a root member names the operation whose reply
// stands under it.
func operation(key string) bool {
	for _, verb := range [...]string{"Get", "List", "Describe", "BatchGet", "Search"} {
		if rest, ok := strings.CutPrefix(key, verb); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return true
		}
	}
	return false
}

// number reads units; why completes "PLACE …".
func (m Amount) number(v any) (n float64, why string) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		if !m.Text {
			return 0, "is a string, not a number"
		}
		if text, _, _ = strings.Cut(strings.TrimSpace(v), " "); text == "" {
			return 0, "is an empty string, not a number"
		}
	default:
		return 0, "is " + jsonKind(v) + ", not a number"
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
		return 0, "is not a number that can be read"
	case n < 0:
		return 0, "is less than nothing"
	case !m.Fraction && n != math.Trunc(n):
		return 0, "is not a whole number"
	case n == 0 && m.ZeroIsNoLimit:
		return NoLimit, ""
	}
	return min(n, NoLimit), ""
}

// essence is the configuration without what was taken from it.
func (s *scaling) essence(config json.RawMessage) (json.RawMessage, error) {
	if len(s.gone) == 0 {
		return Canonical(config)
	}
	for _, r := range s.gone {
		delete(r.holder, r.key)
		if r.note && len(r.holder) == 0 && r.grip != nil {
			delete(r.grip, r.gripKey)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s.root); err != nil {
		return nil, err
	}
	return Canonical(b.Bytes())
}
