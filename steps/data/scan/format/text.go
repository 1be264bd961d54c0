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
		k, err := io.ReadFull(in, buf[n:])
		n += k
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
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
	head := make([]byte, 4096)
	n, err := io.ReadFull(in, head)
	head = head[:n]
	rest := io.Reader(bytes.NewReader(head))
	if err == nil {
		rest = io.MultiReader(rest, in)
	} else if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		rest = io.MultiReader(rest, failing{err})
	}
	switch {
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

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// wide reads UTF-16 as UTF-8.
type wide struct {
	in   io.Reader
	skip int
	big  bool
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
		for ; len(b) >= 2; b = b[2:] {
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
