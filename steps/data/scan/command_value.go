package scan

import (
	"bytes"
	"strings"
)

// option reads an option of a command and its value, and returns where the next word begins.
func (p *commandPass) option(c *command, w word, next, end, depth int) int {
	text := p.b[w.s:w.e]
	name, set := text, w.e
	if eq := bytes.IndexByte(text, '='); eq > 0 {
		name, set = text[:eq], w.s+eq+1
	}
	switch string(name) {
	case "-u", "-U", "-l", "--user", "--username", "--login", "-user", "-username":
		c.names = true
	}
	if c.pipe > 0 && (string(name) == "--password-stdin" || c.sudo && string(name) == "-S" || c.passwd && string(name) == "--stdin") {
		p.piped(c.pipe, 0)
		return next
	}
	for i := range c.options {
		o := &c.options[i]
		switch {
		case o.operand > 0:
		case len(o.name) == len(name) && string(name) == o.name && set < w.e:
			p.told(c, o, part(w, set, w.e), true, 0)
			return next
		case string(text) == o.name && !o.behind:
			return p.apart(c, o, w, next, end, depth)
		case len(text) > len(o.name) && text[1] != '-' && (len(o.name) == 2 || o.behind) && string(text[:len(o.name)]) == o.name && !longOption(text[1:]):
			p.told(c, o, part(w, w.s+len(o.name), w.e), true, 0)
			return next
		}
	}
	if !takesPassword(name) {
		return next
	}
	if set < w.e {
		p.told(c, nil, part(w, set, w.e), false, 0)
		return next
	}
	for i := range c.options {
		if c.options[i].behind {
			return next // MySQL's own programs ask for it, and the next word is a database
		}
	}
	return p.apart(c, nil, w, next, end, depth)
}

// part is a part of a word, as a word.
func part(w word, s, e int) word { return word{s: s, e: e, quote: w.quote, comma: w.comma} }

// longOption reports whether what stands behind one hyphen is the name of a long option, as
// some write them, and no letter with a value.
func longOption(name []byte) bool {
	name, _, _ = bytes.Cut(name, []byte("="))
	if len(name) >= 4 && bytes.EqualFold(name[:4], []byte("pass")) {
		return true
	}
	switch lower(name) {
	case "port", "path", "protocol", "prompt", "pipe", "plugin", "user", "username", "auth", "all", "pid", "profile", "project", "print", "print-defaults", "plugin-dir":
		return true
	}
	return false
}

// apart reads the value that is the word behind an option.
func (p *commandPass) apart(c *command, o *commandOption, w word, next, end, depth int) int {
	v, after, ok := p.next(next, end, depth)
	if !ok || p.b[v.s] == '-' && (v.quote == 0 || w.quote != 0) {
		return next
	}
	if w.quote != 0 && v.quote == 0 || w.comma && v.quote == 0 {
		return next // an option that is named, in a program or in a sentence
	}
	ends := true
	if o == nil {
		further, _, sign := p.word(after, end, depth > 0)
		ends = sign != 0 || further.e <= further.s || p.b[further.s] == '-' || p.b[further.s] == '\\'
		if further.gap > 1 && sign == 0 && further.e > further.s && v.quote == 0 || v.gap > 2 {
			return next // a line of help, which explains behind a gap
		}
	}
	p.told(c, o, v, o != nil, 1+b2i(ends))
	return after
}

// next is the word behind a place, on the next line where the command goes on there.
func (p *commandPass) next(i, end, depth int) (v word, after int, ok bool) {
	for range 6 {
		v, after, stop := p.word(i, end, depth > 0)
		switch {
		case stop == '\n' && depth == 0:
			s := after - 1
			for s > 0 && p.b[s-1] != '\n' {
				s--
			}
			if !goesOn(p.b, s, after-1) {
				return word{}, i, false
			}
		case stop != 0 || after <= i:
			return word{}, i, false
		case v.e > v.s && (v.quote != 0 || string(p.b[v.s:v.e]) != "-"):
			return v, after, true
		}
		i = after
	}
	return word{}, i, false
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// told weighs a value and keeps it if it is a password. Sure says that the program is known
// to take one there. Apart is 0 where the value stands right behind its option, 1 where it is
// a word of its own, and 2 where what follows is an option or nothing.
func (p *commandPass) told(c *command, o *commandOption, v word, sure bool, apart int) {
	v = p.bare(v)
	text := p.b[v.s:v.e]
	if o != nil && o.split != 0 {
		i := bytes.IndexByte(text, o.split)
		if i < 0 || bytes.HasPrefix(text[i:], []byte("://")) {
			return
		}
		v.s += i + 1
		if v.quote == 0 {
			v = p.bare(v)
		}
	}
	if o != nil && o.lead != "" {
		if !strings.HasPrefix(string(text), o.lead) {
			return
		}
		v.s += len(o.lead)
	}
	text = p.b[v.s:v.e]
	if i := bytes.IndexByte(text, ':'); o == nil && i > 0 && (string(text[:i]) == "pass" || string(text[:i]) == "password") {
		v.s += i + 1 // as OpenSSL and what follows it write that the password itself stands there
		text = p.b[v.s:v.e]
	}
	if apart > 0 && o != nil && len(o.name) == 2 && o.split == 0 && len(text) < 6 && digitsOnly(text) && !c.names && o.name == "-p" && !c.lonely {
		return // a port, by who takes it for one
	}
	if score := p.weigh(c, v, sure, apart); score > 0 {
		p.found = append(p.found, Span{"PASSWORD", v.s, v.e, score, byCommand})
	}
}

// bare takes the quotes off a word.
func (p *commandPass) bare(v word) word {
	for _, n := range []int{2, 1} {
		if v.e-v.s < 2*n {
			continue
		}
		q, k := quoteAt(p.b, v.s, v.e)
		if q != 0 && k == n && p.b[v.e-1] == q && (n == 1 || p.b[v.e-2] == '\\') {
			v.s, v.e, v.quote = v.s+n, v.e-n, q
			return v
		}
	}
	return v
}

// weigh is the score of a password of a command; 0 if it is none.
func (p *commandPass) weigh(c *command, v word, sure bool, apart int) float64 {
	text := p.b[v.s:v.e]
	if len(text) < 3 || len(text) > 100 || len(text) < 4 && !sure || standsIn(text) || expands(text, v.quote) {
		return 0
	}
	letters, digits, marks, small, spaces := 0, 0, 0, 0, 0
	for _, x := range text {
		switch {
		case is(x, isLet) || x >= 0x80:
			letters++
			small += b2i(!is(x, isUp))
		case is(x, isDig):
			digits++
		case x == ' ':
			spaces++
		case x != '_' && x != '-' && x != '.' && x != '/':
			marks++
		}
	}
	low := strings.ToLower(string(text))
	switch {
	case letters+digits == 0, spaces > 0 && !sure:
		return 0
	case v.quote == 0 && reference(text) && !(sure && digits > 0 && letters > 0 && strings.IndexByte("/.~&*(", text[0]) < 0 && bytes.IndexAny(text, "([{") < 0), bytes.IndexByte(text, '/') == 0, strings.Contains(low, "://"), strings.HasSuffix(low, "()"):
		return 0
	case madeOfPlaceWords(low), digits == 0 && strings.Trim(low, "x*.-_") == "":
		return 0
	case letters > 0 && small == 0 && digits == 0 && marks == 0:
		return 0 // how manuals write what a reader is to replace
	case apart > 0 && ports(text), !sure && marks == 0 && bytes.IndexByte(text, '/') > 0:
		return 0
	}
	if digits > 0 && letters > 0 || marks > 0 {
		if sure {
			return .8
		}
		return .65
	}
	switch {
	case sure && (apart == 0 || v.quote != 0):
		return .7
	case apart > 0 && (proseWords()[low] || c.lists && v.quote == 0):
		return 0
	case sure:
		return .65
	case digits == 0 && c.prose, apart == 1, c.flags == 0 && len(c.rows) == 0:
		return 0
	}
	return .55
}

// expands reports whether a shell or a template makes something else of a value.
func expands(v []byte, quote byte) bool {
	for i := 0; i+1 < len(v); i++ {
		next := v[i+1]
		switch {
		case v[i] == '$' && quote != '\'' && (is(next, isLet) || next == '_' || next == '{' || next == '(' || next == '$'):
			return true
		case v[i] == '$' && (next == '{' || next == '('):
			return true
		case v[i] == '{' && (is(next, isLet) || next == '{' || next == '}'):
			return true
		case v[i] == '<' && is(next, isLet) && bytes.IndexByte(v[i:], '>') > 0, v[i] == '\\' && next == '(':
			return true
		case v[i] == '%' && is(next, isUp) && bytes.IndexByte(v[i+1:], '%') > 0, v[i] == '#' && next == '{':
			return true
		}
	}
	return len(v) > 0 && (v[0] == '$' || v[0] == '@' && quote == 0)
}

// ports reports whether a value is a pair of ports, or ports and an address.
func ports(v []byte) bool {
	colons := 0
	for _, x := range v {
		switch {
		case x == ':':
			colons++
		case !is(x, isDig) && x != '.' && x != '-' && x != '/':
			return false
		}
	}
	return colons > 0
}
