package scan

import (
	"bytes"
	"strings"
)

// Passwords that are operands. Where they stand is each program's own matter, so each has a
// reader of its own words.

// maxOperands bounds how many words behind a program are looked at.
const maxOperands = 12

// operand finds the password among the words behind a program, up to the end of its command.
func (p *commandPass) operand(c *command, program []byte, next, end, depth int) {
	if i := bytes.LastIndexAny(program, `/\`); i >= 0 {
		program = program[i+1:]
	}
	name := strings.TrimSuffix(lower(program), ".exe")
	switch name {
	case "sqlplus", "sqlldr", "expdp", "impdp", "rman", "htpasswd", "net":
	case "chpasswd":
		if c.pipe > 0 {
			p.piped(c.pipe, ':')
		} else if w := p.behind(next, end, depth); len(w) == 1 && bytes.Contains(p.b[next:w[0].s], []byte("<<<")) {
			p.split(w[0], ':')
		}
		return
	default:
		return
	}
	words := p.behind(next, end, depth)
	switch name {
	case "htpasswd":
		p.htpasswd(words)
	case "net":
		p.net(words)
	default:
		p.oracle(words)
	}
}

// behind are the words behind a program, up to the end of its command.
func (p *commandPass) behind(i, end, depth int) (out []word) {
	for len(out) < maxOperands {
		w, after, ok := p.next(i, end, depth)
		if !ok {
			break
		}
		out = append(out, w)
		i = after
	}
	return out
}

func (p *commandPass) text(w word) []byte { return p.b[w.s:w.e] }

// keep keeps an operand that is a password by what it looks like. Told is true where the words
// around it leave nothing else that it could be, so that a plain word is one too.
func (p *commandPass) keep(w word, told bool) {
	w = p.bare(w)
	if w.e <= w.s {
		return
	}
	// One that is a plain word counts only where it is told.
	if score := p.weigh(&command{}, w, true, 0); score >= .8 || score > 0 && (told || w.quote != 0) {
		p.found = append(p.found, Span{"PASSWORD", w.s, w.e, score, byCommand})
	}
}

// split keeps what stands behind the first sign of a word that has a name before it.
func (p *commandPass) split(w word, sign byte) bool {
	text := p.text(w)
	i := bytes.IndexByte(text, sign)
	if i < 1 || i+1 >= len(text) || !plainName(text[:i]) {
		return false
	}
	p.keep(part(w, w.s+i+1, w.e), true)
	return true
}

// plainName reports whether a text may be the name of a user, as it stands.
func plainName(text []byte) bool {
	for _, x := range text {
		if !is(x, isTok) && x != '.' && x != '#' && x != '@' && x != '\\' {
			return false
		}
	}
	return len(text) > 0
}

// oracle reads NAME/PASSWORD and NAME/PASSWORD@PLACE, as the first operand, behind target or in
// userid=. A password in quotes may hold an @.
func (p *commandPass) oracle(words []word) {
	for i, w := range words {
		if len(p.text(w)) == 0 || p.b[w.s] == '-' || i > 0 && isOptionThatTakes(p.text(words[i-1])) && !flagOfOracle(p.text(words[i-1])) {
			continue
		}
		if low := strings.ToLower(string(p.text(w))); low == "target" || low == "catalog" || low == "auxiliary" {
			continue
		} else if strings.HasPrefix(low, "userid=") {
			w.s += len("userid=")
		}
		text := p.text(w)
		slash := bytes.IndexByte(text, '/')
		if slash < 1 || !plainName(text[:slash]) {
			return
		}
		v := part(w, w.s+slash+1, w.e)
		rest := p.text(v)
		if v.s < len(p.b) {
			if q, n := quoteAt(p.b, v.s, min(len(p.b), v.s+maxCommand)); q != 0 {
				if e := closing(p.b, v.s+n, min(len(p.b), v.s+maxCommand), q, n); e >= 0 {
					p.keep(word{s: v.s + n, e: e, quote: q}, true)
				}
				return
			}
		}
		if at := bytes.IndexByte(rest, '@'); at >= 0 {
			v.e = v.s + at
			rest = p.text(v)
		}
		if bytes.IndexByte(rest, '/') < 0 && !bytes.HasSuffix(rest, []byte(".sql")) {
			p.keep(v, true)
		}
		return
	}
}

// flagOfOracle reports whether an option of Oracle's programs takes no word behind it.
func flagOfOracle(option []byte) bool {
	switch strings.ToLower(string(option)) {
	case "-s", "-l", "-silent", "-logon", "-v", "-h":
		return true
	}
	return false
}

// htpasswd reads the last of FILE NAME PASSWORD, or of NAME PASSWORD where it prints, if an
// option says that the password is on the line.
func (p *commandPass) htpasswd(words []word) {
	on, prints := false, false
	var rest []word
	for i := 0; i < len(words); i++ {
		text := p.text(words[i])
		if len(text) > 1 && text[0] == '-' && words[i].quote == 0 {
			on, prints = on || bytes.IndexByte(text, 'b') > 0, prints || bytes.IndexByte(text, 'n') > 0
			if text[len(text)-1] == 'C' {
				i++ // the cost
			}
			continue
		}
		rest = append(rest, words[i])
	}
	n := 3
	if prints {
		n = 2
	}
	if on && len(rest) >= n {
		p.keep(rest[n-1], !proseWords()[lower(p.text(rest[n-2]))] && len(rest) == n)
	}
}

// net reads `net user NAME PASSWORD` and `net use \\PLACE PASSWORD`, with options that begin
// with a slash.
func (p *commandPass) net(words []word) {
	if len(words) < 3 {
		return
	}
	sub := lower(p.text(words[0]))
	var rest []word
	told := false
	for _, w := range words[1:] {
		if text := p.text(w); len(text) > 0 && text[0] == '/' {
			low := strings.ToLower(string(text))
			told = told || low == "/add" || strings.HasPrefix(low, "/user:") || strings.HasPrefix(low, "/active") || strings.HasPrefix(low, "/domain") || strings.HasPrefix(low, "/persistent")
			continue
		}
		rest = append(rest, w)
	}
	switch {
	case sub == "user" && len(rest) >= 2 && plainName(p.text(rest[0])):
		p.keep(rest[1], told)
	case sub == "use":
		for i, w := range rest {
			if bytes.HasPrefix(p.text(w), []byte(`\\`)) && i+1 < len(rest) {
				p.keep(rest[i+1], told)
			}
		}
	}
}

// piped reads what echo or printf writes into a command: `echo WORD | …`. With a sign it is
// NAME and PASSWORD with that between.
func (p *commandPass) piped(pipe int, sign byte) {
	b := p.b
	if pipe < 1 || b[pipe] != '|' || b[pipe-1] == '|' || pipe+1 < len(b) && b[pipe+1] == '|' {
		return
	}
	s := pipe
	for s > 0 && pipe-s < maxCommand && b[s-1] != '\n' {
		s--
	}
	line := b[s:pipe]
	at := max(bytes.LastIndex(line, []byte("echo ")), bytes.LastIndex(line, []byte("printf ")))
	if at < 0 || at > 0 && is(line[at-1], isTok) {
		return
	}
	i := s + at + bytes.IndexByte(line[at:], ' ')
	var words []word
	for i < pipe && len(words) < 4 {
		w, next, stop := p.word(i, pipe, false)
		if stop != 0 {
			return // the pipe is another command's
		}
		if w.e > w.s && (b[w.s] != '-' || w.quote != 0) && !(len(words) == 0 && b[w.s] == '%') {
			words = append(words, w)
		}
		i = max(next, i+1)
	}
	if len(words) != 1 {
		return
	}
	w := words[0]
	for w.e-w.s > 2 && b[w.e-2] == '\\' && b[w.e-1] == 'n' {
		w.e -= 2
	}
	if sign != 0 {
		p.split(w, sign)
		return
	}
	p.keep(w, true)
}
