package format

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// pieceSize is how much text is handed on at a time.
const pieceSize = 256 << 10

// plain hands on text in pieces that end where a line or a word does.
func (r *reader) plain(in io.Reader) error {
	in = decoded(in)
	buf := make([]byte, pieceSize)
	n := 0
	for {
		k, err := fill(in, buf[n:])
		n += k
		if err != nil && !errors.Is(err, io.EOF) {
			if e := r.lines(buf[:n]); e != nil {
				return e
			}
			return r.damaged("the text", err)
		}
		if err != nil {
			return r.lines(buf[:n])
		}
		cut := bytes.LastIndexByte(buf[:n], '\n') + 1
		if cut == 0 {
			cut = bytes.LastIndexAny(buf[:n], " ,;\t\"") + 1
		}
		if cut < n/2 {
			cut = n // one run of characters this long is no text
		}
		if err := r.lines(buf[:cut]); err != nil {
			return err
		}
		n = copy(buf, buf[cut:n])
	}
}

// lines hands on a piece and counts its lines as rows.
func (r *reader) lines(b []byte) error {
	if err := r.text(b); err != nil {
		return err
	}
	for range bytes.Count(b, []byte("\n")) {
		if err := r.row(); err != nil {
			return err
		}
	}
	if len(b) > 0 && b[len(b)-1] != '\n' {
		return r.row()
	}
	return nil
}

// decoded turns UTF-16 and eight-bit texts into UTF-8. Every byte of an
// eight-bit text is a letter in some code page; Western is taken, since digits
// and ASCII letters are the same in all.
func decoded(in io.Reader) io.Reader {
	head, in := headOf(in, 4096)
	rest := io.MultiReader(bytes.NewReader(head), in)
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")):
		return &wide{in: rest, skip: 4, four: true, big: head[0] == 0}
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return &wide{in: rest, skip: 2}
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return &wide{in: rest, skip: 2, big: true}
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = io.CopyN(io.Discard, rest, 3)
		return rest
	case !mostlyValid(head):
		return transform.NewReader(rest, charmap.Windows1252.NewDecoder())
	}
	return rest
}

// headOf reads the beginning of a stream, and gives what follows: a stream that fails
// early fails there, and does not end.
func headOf(in io.Reader, size int) (head []byte, rest io.Reader) {
	head = make([]byte, size)
	n, err := fill(in, head)
	if err != nil {
		return head[:n], failing{err}
	}
	return head, in
}

// fill reads until b is full, or gives the stream's own error: that of one cut short is
// not taken for that of one that is short.
func fill(in io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = in.Read(b[n:])
		n += k
	}
	if n == len(b) {
		err = nil
	}
	return n, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// wide reads UTF-16, or with four bytes a character UTF-32, as UTF-8.
type wide struct {
	in   io.Reader
	skip int
	big  bool
	four bool
	high rune // the first half of a pair
	out  []byte
	raw  [4096]byte
	odd  int
	err  error
}

func (w *wide) Read(p []byte) (int, error) {
	for len(w.out) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		n, err := w.in.Read(w.raw[w.odd:])
		w.err = err
		b := w.raw[:w.odd+n]
		for ; w.four && len(b) >= 4; b = b[4:] {
			c := rune(b[0]) | rune(b[1])<<8 | rune(b[2])<<16 | rune(b[3])<<24
			if w.big {
				c = rune(b[3]) | rune(b[2])<<8 | rune(b[1])<<16 | rune(b[0])<<24
			}
			if w.skip -= 4; w.skip < 0 {
				w.out = utf8.AppendRune(w.out, c)
			}
		}
		for ; !w.four && len(b) >= 2; b = b[2:] {
			if w.skip > 0 {
				w.skip -= 2
				continue
			}
			c := rune(b[0]) | rune(b[1])<<8
			if w.big {
				c = rune(b[1]) | rune(b[0])<<8
			}
			switch {
			case w.high != 0:
				c, w.high = utf16.DecodeRune(w.high, c), 0
			case c >= 0xd800 && c < 0xdc00:
				w.high = c
				continue
			}
			w.out = utf8.AppendRune(w.out, c)
		}
		w.odd = copy(w.raw[:], b)
	}
	n := copy(p, w.out)
	w.out = w.out[:copy(w.out, w.out[n:])]
	return n, nil
}
