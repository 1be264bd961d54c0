package parts

import (
	"strings"
)

// call is one call in source code, as far as its words tell: no type is resolved.
type call struct {
	name string // the dotted chain before the bracket: "openai.OpenAI"
	line int
	// named are the arguments given by name, and members of an object literal given
	// as an argument; positional those before them. A value is the literal, the
	// literal that a name in the file was set to, or "" if it is neither.
	named      map[string]string
	positional []string
	// said are the names of arguments that were given, whatever their values.
	said map[string]bool
}

// maxCalls bounds the calls kept of one file, maxDepth how deep brackets nest.
const (
	maxCalls = 200_000
	maxDepth = 200
)

// token is a word, a string or a mark of source code.
type token struct {
	kind byte // 'w' word, 's' string, 'n' number, 'p' punctuation, 'c' a comment's text
	text string
	line int
}

// tokens cuts source into tokens without knowing more of a language than how it
// writes comments and strings.
func tokens(src string, python bool) []token {
	var out []token
	line := 1
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == '\n':
			if python {
				out = append(out, token{'p', "\n", line})
			}
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			i++
		case python && c == '#', !python && c == '/' && strings.HasPrefix(src[i:], "//"):
			end := strings.IndexByte(src[i:], '\n')
			if end < 0 {
				end = len(src) - i
			}
			i += end
		case !python && strings.HasPrefix(src[i:], "/*"):
			end := strings.Index(src[i+2:], "*/")
			if end < 0 {
				end = len(src) - i - 4
			}
			line += strings.Count(src[i:min(i+end+4, len(src))], "\n")
			i = min(i+end+4, len(src))
		case c == '"' || c == '\'' || c == '`' && !python:
			text, end := quoted(src[i:], python)
			out = append(out, token{'s', text, line})
			line += strings.Count(src[i:i+end], "\n")
			i += end
		case wordByte(c):
			j := i
			for j < len(src) && (wordByte(src[j]) || src[j] >= '0' && src[j] <= '9') {
				j++
			}
			// A prefix of a string: r"…", f"…", b"…".
			if python && j < len(src) && (src[j] == '"' || src[j] == '\'') && j-i <= 2 {
				text, end := quoted(src[j:], true)
				if strings.ContainsAny(src[i:j], "fF") && strings.ContainsRune(text, '{') {
					text = "" // what it will be is not known
				}
				out = append(out, token{'s', text, line})
				line += strings.Count(src[j:j+end], "\n")
				i = j + end
				continue
			}
			out = append(out, token{'w', src[i:j], line})
			i = j
		case c >= '0' && c <= '9':
			j := i
			for j < len(src) && (wordByte(src[j]) || src[j] >= '0' && src[j] <= '9' || src[j] == '.') {
				j++
			}
			out = append(out, token{'n', src[i:j], line})
			i = j
		default:
			out = append(out, token{'p', string(c), line})
			i++
		}
	}
	return out
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted reads a string literal and returns its text and how many bytes it took.
func quoted(src string, python bool) (string, int) {
	q := src[:1]
	if python && len(src) >= 3 && (src[:3] == `"""` || src[:3] == `'''`) {
		end := strings.Index(src[3:], src[:3])
		if end < 0 {
			return src[3:], len(src)
		}
		return src[3 : 3+end], end + 6
	}
	var b strings.Builder
	for i := 1; i < len(src); i++ {
		switch {
		case src[i] == '\\' && i+1 < len(src) && q != "`":
			i++
			b.WriteByte(src[i])
		case src[i] == q[0]:
			if q == "`" && strings.Contains(b.String(), "${") {
				return "", i + 1
			}
			return b.String(), i + 1
		case src[i] == '\n' && q != "`":
			return b.String(), i // not closed: a stray quote
		default:
			b.WriteByte(src[i])
		}
	}
	return b.String(), len(src)
}

// callsOf finds the calls in source code, and the lines of imports by module.
func callsOf(src string, python bool) (calls []call, imports map[string]int, cut bool) {
	t := tokens(src, python)
	s := &scanner{t: t, python: python, constants: map[string]string{}, imports: map[string]int{}}
	s.assignments()
	for i := range t {
		if t[i].kind == 'p' && t[i].text == "(" && i > 0 && t[i-1].kind == 'w' {
			if len(s.calls) >= maxCalls {
				return s.calls, s.imports, true
			}
			s.call(i)
		}
	}
	return s.calls, s.imports, false
}

type scanner struct {
	t         []token
	python    bool
	constants map[string]string
	imports   map[string]int
	calls     []call
}

// assignments notes NAME = "literal" (and NAME: "literal" of nothing), and what is
// imported.
func (s *scanner) assignments() {
	for i, t := range s.t {
		if t.kind != 'w' {
			continue
		}
		switch {
		case (t.text == "import" || t.text == "from" || t.text == "require" || t.text == "using" || t.text == "use") && i+1 < len(s.t):
			s.imported(i + 1)
		case i+2 < len(s.t) && s.t[i+1].text == "=" && s.t[i+1].kind == 'p' && s.t[i+2].kind == 's' && (i == 0 || s.t[i-1].text != "."):
			if old, twice := s.constants[t.text]; twice && old != s.t[i+2].text {
				s.constants[t.text] = "" // set to two values: neither
			} else {
				s.constants[t.text] = s.t[i+2].text
			}
		}
	}
}

func (s *scanner) imported(i int) {
	for j := i; j < min(i+12, len(s.t)); j++ {
		switch t := s.t[j]; {
		case t.kind == 's':
			s.imports[t.text] = t.line
			return
		case t.text == "\n" || t.text == ";":
			return
		case t.kind == 'w' && (j == i || s.t[j-1].text == ","):
			name := t.text
			for j+2 < len(s.t) && s.t[j+1].text == "." && s.t[j+2].kind == 'w' {
				name += "." + s.t[j+2].text
				j += 2
			}
			s.imports[name] = t.line
			if !s.python {
				continue
			}
		}
	}
}

// chain is the dotted name that ends before a bracket.
func (s *scanner) chain(open int) string {
	name := s.t[open-1].text
	for i := open - 2; i > 0 && s.t[i].text == "."; i -= 2 {
		if s.t[i-1].kind == 'w' {
			name = s.t[i-1].text + "." + name
			continue
		}
		if s.t[i-1].text == ")" || s.t[i-1].text == "]" {
			name = "()." + name
		}
		break
	}
	return name
}

// call reads the arguments of a call.
func (s *scanner) call(open int) {
	c := call{name: s.chain(open), line: s.t[open-1].line, named: map[string]string{}, said: map[string]bool{}}
	if p := open - 2; p >= 0 && (s.t[p].text == "def" || s.t[p].text == "function" || s.t[p].text == "func" || s.t[p].text == "class") {
		return
	}
	depth, start := 0, open+1
	end := len(s.t)
	for i := open; i < len(s.t); i++ {
		if s.t[i].kind != 'p' {
			continue
		}
		switch s.t[i].text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
			if depth == 0 {
				end = i
			}
		case ",":
			if depth == 1 {
				s.argument(&c, start, i)
				start = i + 1
			}
		}
		if depth > maxDepth || end < len(s.t) {
			break
		}
	}
	s.argument(&c, start, min(end, len(s.t)))
	s.object(&c, open, end)
	s.calls = append(s.calls, c)
}

// object takes KEY: VALUE of an object literal that is an argument, and of objects in
// it one level down.
func (s *scanner) object(c *call, open, end int) {
	depth := 0
	for i := open; i < min(end, len(s.t)); i++ {
		t := s.t[i]
		if t.kind == 'p' {
			switch t.text {
			case "(", "[", "{":
				depth++
			case ")", "]", "}":
				depth--
			}
			continue
		}
		if depth >= 2 && depth <= 3 && (t.kind == 'w' || t.kind == 's') && i+2 < len(s.t) && s.t[i+1].text == ":" && (s.t[i-1].text == "{" || s.t[i-1].text == "," || s.t[i-1].text == "\n") {
			if c.said[t.text] {
				continue
			}
			c.said[t.text] = true
			c.named[t.text] = s.value(i+2, end)
		}
	}
}

func (s *scanner) argument(c *call, from, to int) {
	for from < to && s.t[from].text == "\n" {
		from++
	}
	if from >= to || from >= len(s.t) {
		return
	}
	if s.t[from].kind == 'w' && from+1 < to && s.t[from+1].text == "=" && (from+2 >= len(s.t) || s.t[from+2].text != "=") {
		c.said[s.t[from].text] = true
		c.named[s.t[from].text] = s.value(from+2, to)
		return
	}
	if s.t[from].text == "{" {
		return
	}
	c.positional = append(c.positional, s.value(from, to))
}

// value is a literal, or what a name in this file was set to: also the default of
// os.environ.get(NAME, DEFAULT) and of NAME || DEFAULT.
func (s *scanner) value(from, to int) string {
	for from < to && from < len(s.t) && s.t[from].text == "\n" {
		from++
	}
	if from >= len(s.t) || from >= to {
		return ""
	}
	t := s.t[from]
	next := ""
	if from+1 < len(s.t) {
		next = s.t[from+1].text
	}
	switch {
	case t.kind == 's' && (next == "+" || next == "%" || next == "."):
		return ""
	case t.kind == 's':
		return t.text
	case t.kind == 'n':
		return t.text
	case t.kind == 'w' && (t.text == "True" || t.text == "true" || t.text == "False" || t.text == "false" || t.text == "None" || t.text == "null"):
		return strings.ToLower(t.text)
	case t.kind == 'w' && next != "." && next != "(" && next != "[":
		return s.constants[t.text]
	}
	// os.environ.get("NAME", "default"), process.env.NAME || "default", getenv(…) or "…"
	depth, fallback := 0, false
	for i := from; i < min(to, len(s.t), from+24); i++ {
		switch s.t[i].text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth--
		case ",":
			if depth == 0 {
				return ""
			}
			fallback = true
			continue
		case "|", "or", "?":
			fallback = true
			continue
		}
		if depth < 0 {
			return ""
		}
		if fallback && s.t[i].kind == 's' && s.environment(from, i) {
			return s.t[i].text
		}
	}
	return ""
}

func (s *scanner) environment(from, to int) bool {
	for i := from; i < to; i++ {
		switch s.t[i].text {
		case "environ", "getenv", "env":
			return true
		}
	}
	return false
}

// docstring is the string literal that begins the next function's body.
func (s *scanner) docstring(from int) string {
	for i := from; i < min(len(s.t), from+400); i++ {
		if s.t[i].text == ":" && i+2 < len(s.t) && s.t[i+1].text == "\n" {
			for i++; i < len(s.t) && s.t[i].text == "\n"; i++ {
			}
			if i < len(s.t) && s.t[i].kind == 's' {
				return s.t[i].text
			}
			return ""
		}
	}
	return ""
}
