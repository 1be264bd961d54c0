package redact

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"
)

// hit is a finder and the next secret it sees.
type hit struct {
	find       func(s []byte, from int) (start, end int, kind string)
	start, end int
	kind       string
	done       bool
}

// maskForms masks secrets of unmistakable form in s. A text of one word is
// masked whole, so that a variable that holds a connection string begins with
// the mask; in a text of several words only the secrets are. With script, it
// also reads assignments and options whose name says secret.
func maskForms(s, key []byte, script bool) (out []byte, changed bool) {
	whole := !script && !bytes.ContainsAny(s, " \t\r\n")
	// Each finder's next hit is kept until the text before it is done, so that
	// no finder reads a stretch twice.
	finders := append(make([]hit, 0, 5), hit{find: find}, hit{find: accessKeySecret})
	if bytes.IndexByte(s, ' ') >= 0 {
		finders = append(finders, hit{find: prose})
	}
	if script {
		finders = append(finders, hit{find: assignment}, hit{find: new(commands).find})
	}
	at := 0
	for at < len(s) {
		best := hit{start: len(s)}
		for i := range finders {
			f := &finders[i]
			if !f.done && (f.end == 0 || f.start < at) {
				f.start, f.end, f.kind = f.find(s, at)
				f.done = f.end == 0
			}
			if !f.done && f.start < best.start {
				best = *f
			}
		}
		if best.end == 0 {
			break
		}
		if whole {
			return []byte(mask(best.kind, s, key)), true
		}
		out = append(append(out, s[at:best.start]...), mask(best.kind, s[best.start:best.end], key)...)
		at, changed = best.end, true
	}
	if !changed {
		return s, false
	}
	return append(out, s[at:]...), true
}

// assignment finds the value of the first NAME=VALUE, NAME: VALUE or
// --NAME VALUE in a script whose name says secret and whose value is literal.
func assignment(s []byte, from int) (start, end int, kind string) {
	for i := from; i < len(s); {
		if !nameStart(s, i) {
			i++
			continue
		}
		j := run(s, i, dotted)
		if kind := nameKind(s[i:j]); kind != "" {
			if start, end := assigned(s, i, j); end > 0 && literal(kind, string(s[start:end])) && !code(s[start:end]) {
				return start, end, kind
			}
		}
		i = max(j, i+1)
	}
	return 0, 0, ""
}

func nameStart(s []byte, i int) bool {
	c := s[i]
	return (word[c] || c == '-') && (i == 0 || !dotted[s[i-1]])
}

// assigned returns where the value of the name s[i:j] stands.
func assigned(s []byte, i, j int) (start, end int) {
	k := j
	if k < len(s) && (s[k] == '"' || s[k] == '\'') { // "name": value
		k++
	}
	spaced := run(s, k, blank)
	option := s[i] == '-'
	switch {
	case spaced < len(s) && s[spaced] == '=':
		k = spaced + 1
		if spaced > j { // NAME = value, as in ini and TOML
			k = run(s, k, blank)
		}
	case spaced < len(s) && s[spaced] == ':' && spaced+1 < len(s) && blank[s[spaced+1]]:
		k = run(s, spaced+1, blank)
	case option && spaced > j && spaced < len(s) && s[spaced] != '-':
		k = spaced
	default:
		return 0, 0
	}
	if k >= len(s) {
		return 0, 0
	}
	if q := s[k]; q == '"' || q == '\'' {
		if n := bytes.IndexByte(s[k+1:], q); n > 0 {
			return k + 1, k + 1 + n
		}
		return 0, 0
	}
	end = k
	for end < len(s) && s[end] > ' ' && strings.IndexByte(`;&|"'<>,)`, s[end]) < 0 {
		end++
	}
	if end-k < 4 {
		return 0, 0
	}
	return k, end
}

var blank = charset(" \t")

// code reports whether a value is an expression rather than a literal.
func code(v []byte) bool { return bytes.ContainsAny(v, "([{`") }

// encodedKind looks into base64 (and gzip within it) for a secret and returns
// its kind, or "".
func encodedKind(s []byte) string {
	if len(s) < 12 || run(s, 0, b64) != len(s) && !bytes.ContainsAny(s, " \r\n") {
		return ""
	}
	text := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Decode(text, bytes.TrimSpace(s))
	if err != nil {
		return ""
	}
	text = text[:n]
	if len(text) > 2 && text[0] == 0x1f && text[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(text))
		if err != nil {
			return ""
		}
		// User data is at most 16 KB packed; what does not fit is judged by its start.
		text, _ = io.ReadAll(io.LimitReader(z, 4<<20))
	}
	if _, changed := maskForms(text, nil, true); changed {
		return "user-data"
	}
	return ""
}
