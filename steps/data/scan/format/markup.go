package format

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
)

// markup hands on the text of HTML and XML without its tags; what attributes
// hold goes with it, being where addresses and keys stand. Scripts are text.
func (r *reader) markup(in io.Reader) error {
	b := bufio.NewReaderSize(decoded(in), 64<<10)
	out := make([]byte, 0, pieceSize)
	tag, quote := false, byte(0)
	for {
		c, err := b.ReadByte()
		if err != nil {
			if e := r.lines([]byte(html.UnescapeString(string(out)))); e != nil {
				return e
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return r.damaged("the page", err)
		}
		if !tag && c == '<' {
			if n := inlineTag(b); n > 0 { // it parts no word
				_, _ = b.Discard(n)
				continue
			}
		}
		switch {
		case !tag && c == '<':
			tag, c = true, ' '
		case tag && quote == 0 && c == '>':
			tag, c = false, ' '
		case tag && (c == '"' || c == '\'') && (quote == 0 || quote == c):
			if quote == 0 {
				quote = c
			} else {
				quote = 0
			}
			c = ' '
		case tag && quote == 0 && c != '\n' && c != '=':
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-') {
				c = ' '
			}
		}
		out = append(out, c)
		if c == '\n' {
			quote = 0 // a quote left open hides no more than its line
		}
		if len(out) >= pieceSize/2 && (c == '\n' || c == ' ') || len(out) == cap(out) {
			if err := r.lines([]byte(html.UnescapeString(string(out)))); err != nil {
				return err
			}
			out = out[:0]
		}
	}
}

// inlineTag is the length of the rest of a tag that changes how text looks and no more, behind
// its '<': `<b>4539</b> 1488` is one number. It is 0 where it is another, or says more.
func inlineTag(b *bufio.Reader) int {
	ahead, _ := b.Peek(64)
	end := bytes.IndexByte(ahead, '>')
	if end < 1 {
		return 0
	}
	name := bytes.TrimPrefix(ahead[:end], []byte("/"))
	name, rest, _ := bytes.Cut(name, []byte(" "))
	switch strings.ToLower(string(name)) {
	case "b", "i", "u", "s", "em", "strong", "span", "font", "small", "big", "mark", "tt", "wbr", "bdi", "bdo":
	default:
		return 0
	}
	// Of what it says about itself only its look is passed over: a title may hold anything.
	for attr := range bytes.FieldsSeq(rest) {
		if i := bytes.IndexByte(attr, '='); i > 0 && !bytes.Contains([]byte("style class color face size dir lang"), bytes.ToLower(attr[:i])) {
			return 0
		}
	}
	return end + 1
}

// mail reads a message: its fields of people, its text, its attachments.
func (r *reader) mail(in io.Reader, depth int) error {
	m, err := mail.ReadMessage(bufio.NewReader(in))
	if err != nil {
		return r.damaged("the message", err)
	}
	words := mime.WordDecoder{CharsetReader: func(_ string, in io.Reader) (io.Reader, error) { return decoded(in), nil }}
	names := make([]string, 0, len(m.Header))
	for name := range m.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch name {
		case "Content-Type", "Content-Transfer-Encoding", "Mime-Version", "Message-Id", "Dkim-Signature", "Arc-Seal", "Arc-Message-Signature", "Date":
			continue // of machines
		}
		for _, v := range m.Header[name] {
			if plain, err := words.DecodeHeader(v); err == nil {
				v = plain
			}
			if err := r.value(strings.ToLower(name), []byte(v)); err != nil {
				return err
			}
		}
	}
	if err := r.part(textproto.MIMEHeader(m.Header), m.Body, depth+1); err != nil {
		return err
	}
	return r.row()
}

// mbox reads messages after one another, each behind a line that begins with From and a
// space. A message that cannot be read is a problem of its own.
func (r *reader) mbox(in io.Reader, depth int) error {
	b := bufio.NewReaderSize(in, 64<<10)
	kind := r.rep.Format
	for n := 0; ; n++ {
		line, err := b.ReadSlice('\n')
		if n == 0 && !bytes.HasPrefix(line, fromLine) && err == nil {
			return problem("it is no mailbox: it does not begin with a From line")
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return r.damaged("the mailbox", noFurther(err))
		}
		m := &message{in: b}
		err = r.note(r.damaged("a message of the mailbox", r.mail(m, depth)))
		r.rep.Format = kind
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, m); err != nil {
			return r.damaged("the mailbox", err)
		}
		if _, err := b.Peek(1); err != nil {
			return r.damaged("the mailbox", noFurther(err))
		}
	}
}

var fromLine = []byte("From ")

func noFurther(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// message is one message of a mailbox: it ends before the next one's From line.
type message struct {
	in   *bufio.Reader
	left []byte // of the line being read
	mid  bool   // within a line
	err  error
}

// Read implements io.Reader.
func (m *message) Read(p []byte) (int, error) {
	if len(m.left) == 0 && m.err == nil {
		if !m.mid {
			if head, _ := m.in.Peek(len(fromLine)); bytes.Equal(head, fromLine) {
				m.err = io.EOF
				return 0, m.err
			}
		}
		line, err := m.in.ReadSlice('\n')
		m.mid = errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !m.mid {
			m.err = err
		}
		m.left = append(m.left[:0], line...)
	}
	n := copy(p, m.left)
	m.left = m.left[n:]
	if n == 0 && m.err != nil {
		return 0, m.err
	}
	return n, nil
}

// part reads one part of a message.
func (r *reader) part(h textproto.MIMEHeader, body io.Reader, depth int) error {
	if depth > r.lim.Depth+4 {
		return problem("the message's parts are nested too deep")
	}
	kind, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	switch {
	case strings.HasPrefix(kind, "multipart/") && params["boundary"] != "":
		parts := multipart.NewReader(body, params["boundary"])
		for range 1000 {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return r.damaged("the message", err)
			}
			if err := r.note(r.damaged("a part of the message", r.part(p.Header, p, depth+1))); err != nil {
				return err
			}
		}
		return problem("the message has more than 1000 parts")
	case kind == "text/html":
		return r.markup(body)
	case strings.HasPrefix(kind, "text/"):
		return r.plain(body)
	case strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/"):
		return problem("an attached image or recording: what it shows is not read")
	}
	name := params["name"]
	if _, p, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && p["filename"] != "" {
		name = p["filename"]
	}
	format := r.rep.Format
	err = r.nested(name, body, depth)
	r.rep.Format = format
	return err
}

// sql reads a dump: the rows of INSERT statements as cells under the columns
// they name, all else as text.
func (r *reader) sql(in io.Reader) error {
	b := bufio.NewReaderSize(decoded(in), 256<<10)
	t := &inserts{r: r}
	for {
		line, err := b.ReadSlice('\n')
		if len(line) > 0 {
			if e := t.line(line, err == nil || errors.Is(err, io.EOF)); e != nil {
				return e
			}
		}
		switch {
		case err == nil || errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil
		default:
			return r.damaged("the dump", err)
		}
	}
}

// inserts follows the statements of a dump.
type inserts struct {
	r      *reader
	table  string
	names  []string
	copied bool // within COPY … FROM stdin
	open   bool // within the values of an INSERT
}

func (t *inserts) line(line []byte, whole bool) error {
	low := bytes.ToLower(line[:min(len(line), 4096)])
	switch {
	case t.copied:
		if bytes.HasPrefix(line, []byte(`\.`)) {
			t.copied = false
			return nil
		}
		for i, c := range bytes.Split(bytes.TrimRight(line, "\r\n"), []byte("\t")) {
			if err := t.r.value(t.name(i), c); err != nil {
				return err
			}
		}
		return t.r.row()
	case bytes.HasPrefix(low, []byte("copy ")) && bytes.Contains(low, []byte("from stdin")):
		t.heading(line[5:])
		t.copied = true
		return nil
	case bytes.HasPrefix(low, []byte("insert into ")):
		i := bytes.Index(low, []byte("values"))
		if i < 0 {
			i = len(low)
		}
		t.heading(line[12:i])
		t.open = true
		return t.tuples(line[min(len(line), i+6):])
	case t.open && len(bytes.TrimSpace(line)) > 0 && bytes.TrimSpace(line)[0] == '(':
		return t.tuples(line)
	}
	t.open = false
	if !whole {
		return t.r.text(line)
	}
	return t.r.lines(line)
}

// heading reads a table's name and its columns in parentheses.
func (t *inserts) heading(b []byte) {
	name, list, _ := strings.Cut(string(b), "(")
	clean := func(s string) string { return strings.Trim(strings.TrimSpace(s), "`\"[]") }
	if f := strings.Fields(name); len(f) > 0 {
		t.table = clean(f[0])
	}
	t.names = nil
	list, _, ok := strings.Cut(list, ")")
	if ok {
		for n := range strings.SplitSeq(list, ",") {
			t.names = append(t.names, clean(n))
		}
	}
}

func (t *inserts) name(i int) string {
	if i < len(t.names) {
		return t.table + "." + t.names[i]
	}
	return t.table + " column " + string(rune('1'+min(i, 8)))
}

// tuples reads (1, 'a', NULL), (2, …) cell by cell.
func (t *inserts) tuples(b []byte) error {
	depth, column := 0, 0
	var cell []byte
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '(' && depth == 0:
			depth, column, cell = 1, 0, cell[:0]
		case depth == 0:
		case c == '\'':
			for i++; i < len(b); i++ {
				if b[i] == '\\' && i+1 < len(b) {
					i++
				} else if b[i] == '\'' {
					if i+1 < len(b) && b[i+1] == '\'' {
						i++
					} else {
						break
					}
				}
				cell = append(cell, b[i])
			}
		case c == ',' || c == ')':
			if err := t.r.value(t.name(column), bytes.TrimSpace(cell)); err != nil {
				return err
			}
			cell = cell[:0]
			column++
			if c == ')' {
				depth = 0
				if err := t.r.row(); err != nil {
					return err
				}
			}
		default:
			cell = append(cell, c)
		}
	}
	if depth > 0 && len(cell) > 0 {
		return t.r.value(t.name(column), bytes.TrimSpace(cell))
	}
	return nil
}
