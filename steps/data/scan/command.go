package scan

import "bytes"

// Passwords on command lines. An option says nothing by itself, since -p is a port, a folder
// or a project as well: the program whose option it is decides, and only long options that
// are named for a password are believed of every program. A command is looked for wherever
// an option stands, be it in a history, a script, a recipe of an image, a list of words in
// JSON or a sentence.

const (
	maxCommand = 1024 // bytes before an option in which its command is sought
	maxLine    = 8192 // bytes of one command
	maxNested  = 3    // commands within quotes within commands
)

// optionStarts are how a part of a command begins: an option behind a space or a quote, and
// parts that need no option: signs and rare letters, which are quickly looked for, and what
// may follow them.
var optionStarts = [...]start{
	{of: "-", option: true}, {of: "<<<", word: true},
	{of: "q", then: []string{"lplus ", "lldr "}}, {of: "x", then: []string{"pdp "}}, {of: "|", then: []string{" chpasswd", "chpasswd", " sudo "}},
	{of: "/", then: []string{"add", "ADD", "user:", "USER:"}},
}

type start struct {
	of     string
	option bool // what stands before it must open one
	word   bool // its command may be of one word, without a space
	then   []string
}

// begins reports whether a command may be around the place i, where a start's sign stands.
func (s *start) begins(b []byte, i int) bool {
	if s.option {
		return i > 0 && (b[i-1] == ' ' || b[i-1] == '"' || b[i-1] == '\'') && opens(b, i-1)
	}
	for _, t := range s.then {
		if n := i + 1 + len(t); n <= len(b) && string(b[i+1:n]) == t {
			return true
		}
	}
	return len(s.then) == 0
}

// nextOption finds the first option, or other part that tells of a command, at or after i: of an
// option the place of what stands before it. The places in at are those of each beginning,
// found before.
func nextOption(b []byte, i int, at *[len(optionStarts)]int) int {
	first := -1
	for k := range optionStarts {
		start := &optionStarts[k]
		if at[k] == -1 {
			continue
		}
		from := i
		if start.option {
			from++
		}
		for at[k] < from || !start.begins(b, at[k]) {
			next := min(max(at[k]+1, from), len(b))
			j := 0
			if len(start.of) == 1 {
				j = bytes.IndexByte(b[next:], start.of[0])
			} else {
				j = bytes.Index(b[next:], []byte(start.of))
			}
			if j < 0 {
				at[k] = -1
				break
			}
			at[k] = next + j
		}
		place := at[k]
		if start.option && place >= 0 {
			place--
		}
		if place >= 0 && (first < 0 || place < first) {
			first = place
		}
	}
	return first
}

// unsought are the places of beginnings that were not looked for yet; without options, or
// spaces, those that need them are known to be nowhere.
func unsought(options, spaces bool) (at [len(optionStarts)]int) {
	for k := range at {
		at[k] = -2
		if s := &optionStarts[k]; s.option && !options || !s.option && !s.word && !spaces {
			at[k] = -1
		}
	}
	return at
}

// opens reports whether an option begins behind the byte at i.
func opens(b []byte, i int) bool {
	if i < 0 || i+2 >= len(b) {
		return false
	}
	return is(b[i+2], isLet) || b[i+2] == '-' && i+3 < len(b) && is(b[i+3], isLet)
}

// hasCommand reports whether commands could find something in b, where options and spaces
// say whether those could be in it.
func hasCommand(b []byte, options, spaces bool) bool {
	at := unsought(options, spaces)
	return nextOption(b, 0, &at) >= 0
}

// commands finds the passwords of all commands of the text, where options says whether an
// option could be in it.
func (r *run) commands(options bool) {
	at := unsought(options, true)
	p := commandPass{r: r, b: r.b}
	for i := nextOption(r.b, 0, &at); i >= 0; i = nextOption(r.b, p.end, &at) {
		s := lineFrom(r.b, max(p.end, i-maxCommand), i)
		p.end = max(p.line(s, min(len(r.b), s+maxLine), 0), i+1)
	}
	if len(p.found) == 0 {
		return
	}
	// A key that is known by itself says more than that it is used as a password.
	kept, k := p.found[:0], r.first
	for _, f := range p.found {
		for k < len(r.out) && r.out[k].End <= f.Start {
			k++
		}
		if k < len(r.out) && r.out[k].Start < f.End && secretive(r.out[k].Type) {
			continue
		}
		kept = append(kept, f)
	}
	r.insert(kept)
}

// secretive reports whether a type is of credentials.
func secretive(kind string) bool {
	e, ok := EntityOf(kind)
	return ok && e.Group == Credentials
}

// lineFrom is where the command begins that the place i is of, not before least: its line,
// with those before that go on in it.
func lineFrom(b []byte, least, i int) int {
	s := i
	for s > least && b[s-1] != '\n' {
		s--
	}
	for s > least {
		before := s - 1
		for before > least && b[before-1] != '\n' {
			before--
		}
		if !goesOn(b, before, s-1) {
			break
		}
		s = before
	}
	return s
}

// goesOn reports whether the line b[s:nl], which ends with the end of line at nl, is one command
// with the next: by a sign at its end, or as a list of single words.
func goesOn(b []byte, s, nl int) bool {
	line := bytes.TrimSpace(b[s:nl])
	if len(line) == 0 {
		return false
	}
	last := line[len(line)-1]
	if last == '\\' || (last == '`' || last == '^') && len(line) > 1 && line[len(line)-2] == ' ' {
		return true
	}
	next := b[nl+1 : min(len(b), nl+1+maxCommand)]
	if e := bytes.IndexByte(next, '\n'); e >= 0 {
		next = next[:e]
	}
	next = bytes.TrimSpace(next)
	if last == ',' && len(next) > 0 && (next[0] == '"' || next[0] == '\'') {
		return true
	}
	return listed(line) && listed(next)
}

// listed reports whether a line is one word in a list of YAML.
func listed(line []byte) bool {
	return len(line) > 2 && line[0] == '-' && line[1] == ' ' && bytes.IndexByte(bytes.TrimSpace(line[2:]), ' ') < 0
}

// commandPass is the state of the pass over commands.
type commandPass struct {
	r     *run
	b     []byte
	found []Span
	end   int // nothing before it is looked at again
}

// word is one word of a command, without its quotes.
type word struct {
	s, e  int
	quote byte // the sign it is quoted with; 0 if it is not
	gap   int  // blanks before it
	comma bool // a comma ends it
}

// command is what is known of a command while its words are read.
type command struct {
	rows     []commandRow // of the program; nil if none is known
	options  []commandOption
	operands int
	done     bool // its password is found
	prior    word
	words    int
	flags    int  // options, apart from the one that is asked about
	names    bool // it is told who the user is
	prose    bool // a word of a sentence stands in it
	lists    bool // its words are ended by commas
	lonely   bool // the program takes nothing but a password, so that a short number is one
	pipe     int  // where the sign stands that gives it what another writes; 0 if none
	sudo     bool
	passwd   bool
}

// line reads the commands in b[i:end], up to the end of the line, and returns where that is.
func (p *commandPass) line(i, end, depth int) int {
	b := p.b
	var c command
	begin := i
	for i < end {
		w, next, stop := p.word(i, end, depth > 0)
		if w.e > w.s {
			next = max(next, p.take(&c, w, next, end, depth))
		}
		i = max(next, i+1)
		switch {
		case stop == '\n':
			if depth == 0 && !goesOn(b, begin, i-1) {
				return i
			}
			if depth > 0 {
				c = command{}
			}
			begin = i
		case stop != 0:
			c = command{}
			if stop == '|' {
				c.pipe = i - 1
			}
		}
	}
	return end
}

// word reads the word at or behind i. Stop is the sign that ends the command, or 0.
func (p *commandPass) word(i, end int, nested bool) (w word, next int, stop byte) {
	b := p.b
	for i < end { // what stands before a word
		switch c := b[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '[' || c == ',':
			w.gap++
			i++
			continue
		case c == '\\' && i+1 < end && (b[i+1] == '\n' || b[i+1] == '\r'):
			return word{}, i + 1, 0
		case c == '`' && i > 0 && b[i-1] == ' ' && i+1 < end && (b[i+1] == '\n' || b[i+1] == '\r'):
			return word{}, i + 1, 0
		case c == '\\' && nested && i+1 < end && (b[i+1] == 'n' || b[i+1] == 'r'):
			return word{}, i + 2, ';'
		case breaks(c):
			return word{}, i + 1, c
		}
		break
	}
	if i >= end {
		return word{}, end, 0
	}
	w.s = i
	if q, n := quoteAt(b, i, end); q != 0 {
		if e := closing(b, i+n, end, q, n); e >= 0 {
			w.s, w.e, w.quote = i+n, e, q
			next = e + n
			w.comma = next < end && b[next] == ','
			return w, next, 0
		}
		w.s = i + n // it is not closed: a sign of its own
		i += n
	}
	for i < end {
		c := b[i]
		if c <= ' ' || breaks(c) || c == ']' || c == 0xE3 && i+1 < end && b[i+1] == 0x80 || c == 0xEF && i+1 < end && b[i+1] == 0xBC {
			break
		}
		if c == '<' { // a word in angles is one to be replaced, and else it is read from a file
			k := i + 1
			for k < end && b[k] > ' ' && b[k] != '>' {
				k++
			}
			if k == end || b[k] != '>' || k == i+1 {
				break
			}
			i = k
		} else if c == '>' || c == '"' && i > w.s && !p.within(w.s, i, end) || nested && c == '\\' && i+1 < end && b[i+1] == 'n' {
			break
		} else if c == '"' || c == '\'' || c == '\\' && i+1 < end && (b[i+1] == '"' || b[i+1] == '\'') {
			q, n := quoteAt(b, i, end)
			if e := closing(b, i+n, end, q, n); e >= 0 && p.within(w.s, i, end) {
				i = e + n - 1
			}
		}
		i++
	}
	w.e = i
	for w.e > w.s && (b[w.e-1] == ',' || b[w.e-1] == '.' && w.e-w.s > 1 && b[w.e-2] != '.') {
		w.comma = w.comma || b[w.e-1] == ','
		w.e--
	}
	if i == w.s {
		i++
	}
	return w, i, 0
}

// breaks reports whether a sign ends a command.
func breaks(c byte) bool {
	switch c {
	case ';', '|', '&', '\n', '`', '(', ')':
		return true
	}
	return false
}

// quoteAt is the quote at i, and how many bytes it takes: two where it is escaped, as within
// a text of JSON.
func quoteAt(b []byte, i, end int) (byte, int) {
	switch {
	case b[i] == '"' || b[i] == '\'':
		return b[i], 1
	case b[i] == '\\' && i+1 < end && (b[i+1] == '"' || b[i+1] == '\''):
		return b[i+1], 2
	}
	return 0, 0
}

// closing is where the quote is closed that is opened before i, on the same line; -1 if it is
// not. N is 2 where it is escaped.
func closing(b []byte, i, end int, q byte, n int) int {
	for ; i < end && b[i] != '\n'; i++ {
		switch {
		case b[i] == '\\' && n == 1 && q == '"':
			i++
		case n == 1 && b[i] == q:
			return i
		case n == 2 && b[i] == '\\' && i+1 < end && b[i+1] == q:
			return i
		}
	}
	return -1
}

// within reports whether a quote at i opens a value within the word that begins at s: right
// behind a short option, or behind '=' or ':'.
func (p *commandPass) within(s, i, end int) bool {
	return i-s >= 2 && i-s <= 4 && p.b[s] == '-' || p.b[i-1] == '=' || p.b[i-1] == ':' && i > s
}

// take takes a word into the command, and returns where the next begins.
func (p *commandPass) take(c *command, w word, next, end, depth int) int {
	text := p.b[w.s:w.e]
	defer func() { c.prior = w; c.words++ }()
	if w.quote != 0 && bytes.IndexByte(text, ' ') > 0 {
		if depth < maxNested {
			p.line(w.s, w.e, depth+1)
		}
		return next
	}
	if w.quote == 0 && text[0] != '-' { // NAME="command with words"
		if i := bytes.IndexAny(text, `"'`); i > 0 && bytes.IndexByte(text[i:], ' ') > 0 && depth < maxNested {
			p.line(w.s+i+1, w.e, depth+1)
			return next
		}
	}
	if w.comma {
		c.lists = true
	}
	if text[0] == '-' {
		if len(text) > 1 && text[1] != '-' || len(text) > 2 {
			next = p.option(c, w, next, end, depth)
			c.flags++
		}
		return next
	}
	switch lower(text) {
	case "sudo":
		c.sudo = true
	case "passwd":
		c.passwd = true
	}
	if rows, ok := programRows(text); ok && p.runs(c) {
		p.operand(c, text, next, end, depth)
		*c = command{rows: rows, pipe: c.pipe, words: c.words, prose: c.prose, lists: c.lists, lonely: lower(text) == "sshpass"}
		for _, row := range rows {
			if row.sub == "" {
				c.options = row.options
			}
		}
		return next
	}
	for _, row := range c.rows {
		if row.sub != "" && string(text) == row.sub {
			c.options, c.operands = row.options, 0
			return next
		}
	}
	if isOptionThatTakes(p.b[c.prior.s:c.prior.e]) {
		return next // the value of an option
	}
	c.operands++
	for _, o := range c.options {
		if o.operand == c.operands && !c.done {
			if score := p.weigh(c, p.bare(w), true, 0); score >= .8 || score > 0 && w.quote != 0 {
				p.found = append(p.found, Span{"PASSWORD", w.s, w.e, score, byCommand})
			}
			c.done = true
		}
	}
	if w.quote == 0 && proseWords()[lower(text)] {
		c.prose = true
	}
	return next
}

// isOptionThatTakes reports whether a word is an option whose value may be the next word.
func isOptionThatTakes(w []byte) bool {
	return len(w) >= 2 && w[0] == '-' && is(w[len(w)-1], isAlnum) && bytes.IndexByte(w, '=') < 0
}

// runs reports whether the word behind the last is one that is run, and not the value of an
// option or the name of something that is started, installed or looked at.
func (p *commandPass) runs(c *command) bool {
	before := p.b[c.prior.s:c.prior.e]
	if len(before) == 0 {
		return true
	}
	if before[0] == '-' {
		switch string(before) {
		case "-", "--", "-i", "-t", "-it", "-ti", "-T", "-d", "-c", "-E", "-S", "-H", "-x", "-e", "-exec", "-execdir", "-lc", "-ec", "-xc", "--rm", "-q", "--tty", "--stdin", "--interactive":
			return true
		}
		return bytes.IndexByte(before, '=') > 0
	}
	switch lower(before) {
	case "install", "logs", "restart", "start", "stop", "status", "enable", "pull", "build", "add", "inspect", "rm", "kill", "name", "remove", "image", "service":
		return false
	}
	return true
}

func lower(b []byte) string {
	if len(b) > 16 {
		return ""
	}
	return string(bytes.ToLower(b))
}
