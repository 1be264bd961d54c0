package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// prose finds secrets that a sentence or a header announces: "password is X",
// "token: X", "Basic X", "Authorization: Splunk X". As words follow such words
// too, what is announced must look like a secret.
func prose(s []byte, from int) (start, end int, kind string) {
	for i := from; i < len(s); i++ {
		k := bytes.IndexByte(s[i:], ' ')
		if k < 0 {
			return 0, 0, ""
		}
		i += k
		at := i + 1
		value := s[at:run(s[:min(len(s), at+longest)], at, solid)]
		if kind := scheme(s, i, value); kind != "" {
			return at, at + len(value), kind
		}
		name := i
		switch {
		case i > 0 && s[i-1] == ':':
			name = i - 1
		case bytes.HasPrefix(s[i:], []byte(" is ")):
			at = i + 4
			value = s[at:run(s[:min(len(s), at+longest)], at, solid)]
		default:
			continue
		}
		value = bytes.TrimRight(value, ".,;:!?)")
		if kind := nameKind(wordBefore(s, name)); kind != "" && dense(value) && literal(kind, string(value)) {
			return at, at + len(value), kind
		}
	}
	return 0, 0, ""
}

// solid are the characters of one word, quotes left out.
var solid = func() *[256]bool {
	var t [256]bool
	for c := '!'; c <= '~'; c++ {
		t[c] = c != '"' && c != '\'' && c != '`' && c != '<' && c != '>'
	}
	return &t
}()

// wordBefore is the name that ends before i, of at most 40 characters.
func wordBefore(s []byte, i int) []byte {
	from := i
	for from > 0 && i-from < 40 && dotted[s[from-1]] {
		from--
	}
	return s[from:i]
}

// scheme judges what follows the name of an HTTP authentication scheme that
// ends before i.
func scheme(s []byte, i int, value []byte) string {
	var w [8]byte
	word := wordBefore(s, i)
	if len(word) < 5 || len(word) > 6 || len(value) < 6 {
		return ""
	}
	name := string(bytes.ToLower(append(w[:0], word...)))
	if !literal("credential", string(value)) {
		return ""
	}
	switch name {
	case "basic":
		text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(string(value), "="))
		if err == nil && bytes.IndexByte(text, ':') > 0 && plainText(text) {
			return "credential"
		}
	case "bearer", "splunk", "token", "apikey":
		before := bytes.TrimRight(s[max(0, i-len(word)-20):i-len(word)], " :=\"'")
		announced := bytes.HasSuffix(bytes.ToLower(before), []byte("authorization"))
		if announced && dense(value) || len(value) >= 16 && dense(value) && name != "token" {
			return "token"
		}
	}
	return ""
}

func plainText(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// dense reports whether v looks made to be guessed by nobody: eight characters
// or more, letters with digits or signs among them, not all alike. Plain words,
// numbers, hyphenated names and times are not.
func dense(v []byte) bool {
	if len(v) < 6 {
		return false
	}
	var seen [256]bool
	distinct, letters, digits, upper, signs := 0, 0, 0, 0, 0
	for _, c := range v {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z':
			letters++
		case c >= 'A' && c <= 'Z':
			letters++
			upper++
		case strings.IndexByte("!@#$%^&*+=~?", c) >= 0:
			signs++
		case c == '-' || c == '_' || c == '.' || c == '/' || c == ':':
		default:
			return false
		}
	}
	mixed := digits > 0 && (upper > 0 || digits > 1) || signs > 0
	return letters > 0 && mixed && distinct >= 5 && !(upper == 0 && signs == 0 && digits < 2)
}

// strong is dense in more than one case or with signs, which no name of a
// Kubernetes object is.
func strong(v []byte) bool {
	return dense(v) && bytes.ContainsAny(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*+=~?")
}
