package format

import (
	"bytes"
	"io"
)

// maxPDF is the largest document held in memory.
const maxPDF = 64 << 20

// pdf reads the text that a document's pages write in fonts with ordinary
// letters, and what its objects say beside: values of forms, notes, addresses of links, who
// wrote it. Pages are streams of drawing commands; the strings of the commands
// that show text are taken in their order. Text written by glyph numbers, and
// pages that are pictures, are not read, and that is said.
func (r *reader) pdf(src io.ReaderAt, size int64) error {
	if size > maxPDF {
		return problem("the document is larger than %d MiB", maxPDF>>20)
	}
	b := make([]byte, size)
	if n, err := src.ReadAt(b, 0); int64(n) < size && err != nil {
		return r.damaged("the document", err)
	}
	if bytes.Contains(b, []byte("/Encrypt")) {
		return problem("the document is encrypted")
	}
	shown, glyphs := 0, false
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("stream"))
		if i < 0 {
			break
		}
		i += at
		at = i + 6
		if i >= 3 && string(b[i-3:i]) == "end" {
			continue
		}
		body := bytes.TrimPrefix(bytes.TrimPrefix(b[at:], []byte("\r")), []byte("\n"))
		dict := b[max(0, i-1024):i]
		if k := bytes.LastIndex(dict, []byte("obj")); k >= 0 {
			dict = dict[k:]
		}
		if bytes.Contains(dict, []byte("/Image")) || bytes.Contains(dict, []byte("/FontFile")) {
			continue
		}
		end := bytes.Index(body, []byte("endstream"))
		if end < 0 {
			return problem("the document is cut short")
		}
		page, err := r.page(dict, body[:end])
		if err != nil {
			if err := r.note(err); err != nil {
				return err
			}
			continue
		}
		if bytes.Contains(dict, []byte("/ObjStm")) {
			if err := r.lines(fields(page)); err != nil {
				return err
			}
			continue
		}
		text, numbers := showText(page)
		glyphs = glyphs || numbers
		shown += len(bytes.TrimSpace(text))
		if err := r.lines(text); err != nil {
			return err
		}
	}
	said := fields(plainParts(b))
	if err := r.lines(said); err != nil {
		return err
	}
	if glyphs {
		return problem("text that the document writes by glyph numbers is not read")
	}
	if shown == 0 {
		return problem("the document has no text layer: what its pages show is not read")
	}
	return nil
}

// showText takes the strings out of drawing commands. It reports whether there
// are strings of glyph numbers besides.
func showText(page []byte) (text []byte, glyphs bool) {
	if !bytes.Contains(page, []byte("BT")) {
		return nil, false
	}
	array := false
	for i := 0; i < len(page); i++ {
		switch c := page[i]; {
		case c == '(':
			var s []byte
			s, i = literal(page, i)
			text = append(text, s...)
			if !array {
				text = append(text, ' ')
			}
		case c == '<' && i+1 < len(page) && page[i+1] == '<':
			i++
		case c == '<':
			glyphs = glyphs || bytes.IndexByte(page[i:min(len(page), i+4096)], '>') > 1
		case c == '[':
			array = true
		case c == ']':
			array = false
			text = append(text, ' ')
		case array && c == '-':
			// A large step back between two strings is a space.
			n := 0
			for i+1 < len(page) && page[i+1] >= '0' && page[i+1] <= '9' {
				i++
				n = n*10 + int(page[i]-'0')
			}
			if n > 180 {
				text = append(text, ' ')
			}
		case c == 'T' && i+1 < len(page) && (page[i+1] == '*' || page[i+1] == 'd' || page[i+1] == 'D' || page[i+1] == 'm'):
			text = append(text, '\n')
		}
	}
	return text, glyphs
}

// literal reads a string in parentheses and returns the place of its end.
func literal(b []byte, i int) (s []byte, end int) {
	depth := 0
	for ; i < len(b); i++ {
		switch c := b[i]; c {
		case '(':
			if depth++; depth > 1 {
				s = append(s, c)
			}
		case ')':
			if depth--; depth == 0 {
				return s, i
			}
			s = append(s, c)
		case '\\':
			if i++; i < len(b) {
				switch b[i] {
				case 'n', 'r', 't', '\n', '\r':
					s = append(s, ' ')
				case '0', '1', '2', '3':
					v, k := 0, 0
					for ; k < 3 && i+k < len(b) && b[i+k] >= '0' && b[i+k] <= '7'; k++ {
						v = v*8 + int(b[i+k]-'0')
					}
					i += k - 1
					s = append(s, string(rune(v))...)
				default:
					s = append(s, b[i])
				}
			}
		default:
			s = append(s, c)
		}
	}
	return s, i
}
