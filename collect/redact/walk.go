package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// frame is one open container.
type frame struct {
	place
	object bool
	key    []byte // raw name of the current member
	// A pair is an object like {"name": N, "value": V}.
	name, value span
	stored      bool    // the pair's type says that value is a reference
	option      string  // kind announced by the argument before
	line        command // of arguments, the words so far
}

type span struct{ start, end int } // of a string, quotes excluded

// edit replaces text[start:end].
type edit struct {
	span
	text []byte
}

// masker holds what one document needs; it is reused.
type masker struct {
	key    []byte
	depth  int
	text   []byte
	frames []frame
	edits  []edit
}

var masters = sync.Pool{New: func() any { return new(masker) }}

// maxNested is how deep JSON inside strings is followed.
const maxNested = 4

var errNotJSON = fmt.Errorf("not JSON")

// document masks one JSON text; the text itself comes back if nothing is secret.
func (m *masker) document(text []byte, top place) ([]byte, error) {
	m.text, m.frames, m.edits = text, m.frames[:0], m.edits[:0]
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			m.frames = append(m.frames, frame{place: m.below(top), object: text[i] == '{'})
		case '}', ']':
			if len(m.frames) == 0 {
				return nil, errNotJSON
			}
			m.pair()
			m.frames = m.frames[:len(m.frames)-1]
		case '"':
			end, escaped, ok := stringEnd(text, i+1)
			if !ok {
				return nil, errNotJSON
			}
			if m.isKey(end + 1) {
				f := &m.frames[len(m.frames)-1]
				f.key = text[i+1 : end]
			} else {
				m.value(span{i + 1, end}, escaped)
			}
			i = end
		}
	}
	if len(m.frames) != 0 {
		return nil, errNotJSON
	}
	return m.apply(), nil
}

// isKey reports whether the string that ends before i names a member.
func (m *masker) isKey(i int) bool {
	if len(m.frames) == 0 || !m.frames[len(m.frames)-1].object {
		return false
	}
	for i < len(m.text) {
		switch m.text[i] {
		case ' ', '\t', '\r', '\n':
			i++
			continue
		case ':':
			return true
		}
		return false
	}
	return false
}

func stringEnd(text []byte, i int) (end int, escaped, ok bool) {
	for i < len(text) {
		switch text[i] {
		case '"':
			return i, escaped, true
		case '\\':
			escaped = true
			i++
		}
		i++
	}
	return 0, false, false
}

// below is the place of a container that opens here.
func (m *masker) below(top place) place {
	if len(m.frames) == 0 {
		return top
	}
	f := &m.frames[len(m.frames)-1]
	if f.object {
		return f.place.member(f.key)
	}
	return f.place
}

// apply writes the edited text.
func (m *masker) apply() []byte {
	if len(m.edits) == 0 {
		return m.text
	}
	slices.SortFunc(m.edits, func(a, b edit) int { return a.start - b.start })
	out := make([]byte, 0, len(m.text)+64*len(m.edits))
	at := 0
	for _, e := range m.edits {
		out = append(append(out, m.text[at:e.start]...), e.text...)
		at = e.end
	}
	return append(out, m.text[at:]...)
}

// replace notes an edit of the string at s; a later one for the same string
// wins.
func (m *masker) replace(s span, text []byte) {
	// All edits noted since that string was met stand behind it.
	for i := len(m.edits) - 1; i >= 0 && m.edits[i].start >= s.start; i-- {
		if m.edits[i].span == s {
			m.edits[i].text = text
			return
		}
	}
	m.edits = append(m.edits, edit{s, text})
}

// hide masks a whole string.
func (m *masker) hide(s span, kind string, value []byte) {
	m.replace(s, []byte(mask(kind, value, m.key)))
}

// plain is the string at s without its escapes; it is valid until the next
// call.
func (m *masker) plain(s span, escaped bool) []byte {
	raw := m.text[s.start:s.end]
	if !escaped {
		return raw
	}
	var v string
	if json.Unmarshal(m.text[s.start-1:s.end+1], &v) != nil {
		return raw
	}
	return []byte(v)
}

// quoted writes a string's JSON spelling without the quotes.
func quoted(s []byte) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(string(s)) // a string always encodes
	return b.Bytes()[1 : b.Len()-2]
}

// value judges one string that is not a name.
func (m *masker) value(s span, escaped bool) {
	if s.end == s.start {
		m.remember(s)
		return
	}
	var f *frame
	var p place
	var key []byte
	if len(m.frames) > 0 {
		f = &m.frames[len(m.frames)-1]
		p = f.place
		if f.object {
			key = f.key
			p = p.member(key)
		}
	}
	text := m.plain(s, escaped)
	switch {
	case p.digests:
		if !bytes.HasPrefix(text, []byte(Prefix)) {
			m.hide(s, "value", text)
		}
		return
	case p.hidden:
		if !bytes.HasPrefix(text, []byte(Prefix)) {
			m.hide(s, "secret", text)
		}
		return
	case m.byName(f, p, key, s, text):
		return
	case m.nested(s, text, p):
		return
	}
	if p.encoded {
		if kind := encodedKind(text); kind != "" {
			m.hide(s, kind, text)
			return
		}
	}
	m.remember(s)
	script := p.args || p.script && (bytes.IndexByte(text, '\n') >= 0 || bytes.Contains(text, []byte(" -")) || text[0] == '-' && bytes.IndexByte(text, ' ') >= 0)
	if len(text) < 8 && !script {
		return
	}
	if out, changed := maskForms(text, m.key, script); changed {
		m.replace(s, quoted(out))
	}
}

// byName masks a value whose own name, or the option before it, says secret.
func (m *masker) byName(f *frame, p place, key []byte, s span, text []byte) bool {
	if f == nil {
		return false
	}
	kind := ""
	switch {
	case f.object && apiSecrets[string(key)] != "":
		kind = apiSecrets[string(key)]
	case p.shared && passphrase(text):
		kind = "shared-secret"
	case f.object && p.env:
		if kind = nameKind(key); kind == "" && dense(text) && weakly(key) {
			kind = "credential"
		}
	case f.object && p.custom:
		kind = customKind(p, key, text)
	case !f.object && p.args:
		kind, f.option = f.option, optionKind(text)
		if start, end := f.line.word(text); end > start && kind == "" && !bytes.ContainsAny(text, " \n") {
			m.replace(s, quoted(slices.Concat(text[:start], []byte(mask("password", text[start:end], m.key)), text[end:])))
			return true
		}
	}
	if kind == "" || bytes.IndexByte(text, '\n') >= 0 && p.configMap || !literal(kind, string(text)) || p.args && text[0] == '-' {
		return false
	}
	m.hide(s, kind, text)
	return true
}

// passphrase reports whether the value of a condition on the caller's own words
// (aws:Referer) can be a secret shared with the caller: not a site, not a
// pattern for anything, not the name of Amazon's own agents.
func passphrase(v []byte) bool {
	for _, open := range []string{"http://", "https://", "Amazon ", Prefix} {
		if bytes.HasPrefix(v, []byte(open)) {
			return false
		}
	}
	return len(bytes.Trim(v, "*?./:")) >= 4
}

// customKind judges a member of an object of a kind that nobody documents for
// us: passwords by name, the rest by name and looks, since such a member may
// as well name an object that holds the secret.
func customKind(p place, key, value []byte) string {
	kind := nameKind(key)
	switch {
	case kind == "password" && !bytes.HasSuffix(bytes.ToLower(key), []byte("key")):
		return kind
	case kind != "" && strong(value):
		return kind
	case p.auth && strong(value) && (string(key) == "value" || weakly(key)):
		return "secret"
	}
	return ""
}

// optionKind returns what a lone --api-key announces of the argument after it.
func optionKind(arg []byte) string {
	if len(arg) < 3 || arg[0] != '-' || bytes.ContainsAny(arg, "= ") {
		return ""
	}
	return nameKind(arg)
}

// nested masks JSON inside a string (policy documents, state machines,
// last-applied configurations).
func (m *masker) nested(s span, text []byte, p place) bool {
	if text[0] != '{' && text[0] != '[' || len(text) < 8 || m.depth >= maxNested || !json.Valid(text) {
		return false
	}
	if bytes.Contains(text, []byte(`"kind":"Secret"`)) {
		p.secret = true
	}
	if bytes.Contains(text, []byte(`"kind":"ConfigMap"`)) {
		p.configMap = true
	}
	inner := masters.Get().(*masker)
	defer masters.Put(inner)
	inner.key, inner.depth = m.key, m.depth+1
	out, err := inner.document(bytes.Clone(text), p)
	if err == nil && !bytes.Equal(out, text) {
		m.replace(s, quoted(out))
	}
	return err == nil
}

// remember notes the two halves of a name and value pair.
func (m *masker) remember(s span) {
	if len(m.frames) == 0 {
		return
	}
	f := &m.frames[len(m.frames)-1]
	if !f.object {
		return
	}
	switch string(f.key) {
	case "name", "Name", "key", "Key", "ParameterKey", "OptionName":
		f.name = s
	case "value", "Value", "ParameterValue":
		f.value = s
	case "type", "Type":
		switch string(m.text[s.start:s.end]) {
		case "PARAMETER_STORE", "SECRETS_MANAGER":
			f.stored = true
		}
	}
}

// pair masks the value of {"name": "DB_PASSWORD", "value": "…"} when its object
// closes, whichever stands first.
func (m *masker) pair() {
	f := &m.frames[len(m.frames)-1]
	if !f.object || f.stored || f.name.end == 0 || f.value.end <= f.value.start {
		return
	}
	kind := nameKind(m.text[f.name.start:f.name.end])
	if kind == "" {
		return
	}
	value := m.plain(f.value, bytes.IndexByte(m.text[f.value.start:f.value.end], '\\') >= 0)
	if literal(kind, string(value)) {
		m.hide(f.value, kind, value)
	}
}
