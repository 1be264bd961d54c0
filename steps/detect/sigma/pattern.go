package sigma

import (
	"strings"
	"unicode/utf8"
)

// pattern is a Sigma string: literals, and wildcards between them.
type pattern []piece

type piece struct {
	wild byte // '*' any run, '?' one character, '%' a placeholder, 0 the literal
	text string
}

// parsePattern reads a string with its wildcards and escapes: a backslash
// counts only before *, ? and another backslash.
func parsePattern(s string) pattern {
	var p pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, piece{text: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\'):
			i++
			lit.WriteByte(s[i])
		case ch == '*' || ch == '?':
			flush()
			if ch == '*' && len(p) > 0 && p[len(p)-1].wild == '*' {
				continue
			}
			p = append(p, piece{wild: ch})
		default:
			lit.WriteByte(ch)
		}
	}
	flush()
	return p
}

// literal is the pattern's text if it has no wildcard.
func (p pattern) literal() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].wild == 0:
		return p[0].text, true
	}
	return "", false
}

func (p pattern) starts() bool { return len(p) > 0 && p[0].wild == '*' }
func (p pattern) ends() bool   { return len(p) > 0 && p[len(p)-1].wild == '*' }

// within puts a run of anything before and behind.
func (p pattern) within(before, behind bool) pattern {
	var out pattern
	if before && !p.starts() {
		out = append(out, piece{wild: '*'})
	}
	out = append(out, p...)
	if behind && !out.ends() {
		out = append(out, piece{wild: '*'})
	}
	return out
}

// longest is the longest literal of the pattern.
func (p pattern) longest() string {
	var s string
	for _, q := range p {
		if q.wild == 0 && len(q.text) > len(s) {
			s = q.text
		}
	}
	return s
}

// compile makes a matcher of the pattern.
func (p pattern) compile(cased bool) matcher {
	if !cased {
		low := make(pattern, len(p))
		for i, q := range p {
			low[i] = piece{q.wild, strings.ToLower(q.text)}
		}
		p = low
	}
	if s, ok := p.literal(); ok {
		return &text{exact, s, cased}
	}
	if len(p) == 2 && p[1].wild == '*' && p[0].wild == 0 {
		return &text{prefix, p[0].text, cased}
	}
	if len(p) == 2 && p[0].wild == '*' && p[1].wild == 0 {
		return &text{suffix, p[1].text, cased}
	}
	if len(p) == 3 && p[0].wild == '*' && p[1].wild == 0 && p[2].wild == '*' {
		return &text{contains, p[1].text, cased}
	}
	return &glob{p, cased}
}

// glob matches s, which is in lower case if the pattern is. Only the last run of
// anything is ever gone back to, so the work is at most pattern times text.
func (p pattern) glob(s string) bool {
	i, at := 0, 0       // in p, in s
	star, mark := -1, 0 // the last run in p, and where in s it ends for now
	for {
		if i < len(p) {
			switch q := p[i]; {
			case q.wild == '*':
				star, mark = i, at
				i++
				continue
			case q.wild == '?' && at < len(s):
				_, n := utf8.DecodeRuneInString(s[at:])
				at += n
				i++
				continue
			case q.wild == 0 && strings.HasPrefix(s[at:], q.text):
				at += len(q.text)
				i++
				continue
			}
		} else if at == len(s) {
			return true
		}
		if star < 0 || mark >= len(s) {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[mark:])
		mark += n
		i, at = star+1, mark
	}
}
