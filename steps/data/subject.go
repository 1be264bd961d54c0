package data

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// Subject finds one person's value wherever it stands: an address, a number, a name.
// It is never written anywhere: only its keyed digest is.
type Subject struct {
	text   []byte // in lower case, white space drawn together
	digits []byte // nil unless the value is a number
}

// ErrSubject says that a value is too short to find somebody by.
var ErrSubject = errors.New("the subject's value is too short to find somebody by: at least 5 letters or digits")

// NewSubject takes a value.
func NewSubject(value string) (*Subject, error) {
	if !utf8.ValidString(value) {
		return nil, errors.New("the subject's value is no text in UTF-8")
	}
	s := &Subject{text: lowered(nil, []byte(strings.TrimSpace(value)))}
	d := onlyDigits(nil, s.text)
	if len(d) >= 7 && len(d)*2 > len(s.text) {
		s.digits = d
	}
	if len(s.text) < 5 {
		return nil, ErrSubject
	}
	return s, nil
}

// Digest is the value's HMAC-SHA-256 in hexadecimal.
func (s *Subject) Digest(key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(s.text)
	return hex.EncodeToString(m.Sum(nil))
}

func lowered(out, b []byte) []byte {
	space := false
	for _, r := range bytes.ToLower(norm.NFC.Bytes(b)) {
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			space = true
			continue
		}
		if space && len(out) > 0 {
			out = append(out, ' ')
		}
		space = false
		out = append(out, r)
	}
	return out
}

func onlyDigits(out, b []byte) []byte {
	for _, c := range b {
		if c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	return out
}

// bare drops what people write between the digits of one number.
func bare(out, b []byte) []byte {
	for _, c := range b {
		if c != ' ' && c != '-' && c != '.' && c != '(' && c != ')' && c != '/' {
			out = append(out, c)
		}
	}
	return out
}

// Finder is a sink that counts the pieces which hold a subject.
type Finder struct {
	of     *Subject
	Hits   int
	others [][]byte
	a, b   []byte
}

var _ format.Sink = (*Finder)(nil)

// Find makes one.
func (s *Subject) Find() *Finder {
	f := &Finder{of: s}
	for _, form := range s.forms() {
		f.others = append(f.others, []byte(form))
	}
	return f
}

// Text implements format.Sink.
func (f *Finder) Text(b []byte) error {
	f.a = lowered(f.a[:0], b)
	n := count(f.a, f.of.text)
	for _, other := range f.others {
		n += count(f.a, other)
	}
	if n == 0 && f.of.digits != nil {
		f.b = bare(f.b[:0], f.a)
		n = count(f.b, f.of.digits)
	}
	f.Hits += n
	return nil
}

// Value implements format.Sink.
func (f *Finder) Value(_ string, b []byte) error { return f.Text(b) }

// Row implements format.Sink.
func (f *Finder) Row() {}

// Bare is a key or name without the subject's value, and how often it stands there.
func (s *Subject) Bare(key string) (string, int) {
	low := string(bytes.ToLower([]byte(key)))
	hits := 0
	for _, form := range append([]string{string(s.text)}, s.forms()...) {
		for from := 0; len(low) == len(key); {
			i := strings.Index(low[from:], form)
			if i < 0 {
				break
			}
			i += from
			if end := i + len(form); i > 0 && wordByte(low[i-1]) && wordByte(form[0]) || end < len(low) && wordByte(low[end]) && wordByte(form[len(form)-1]) {
				from = i + 1 // a part of another's
				continue
			}
			hits++
			key, low = key[:i]+"(subject)"+key[i+len(form):], low[:i]+"(subject)"+low[i+len(form):]
			from = i + len("(subject)")
		}
	}
	f := s.Find()
	if hits == 0 && f.Text([]byte(key)) == nil && f.Hits > 0 { // digits in other groups
		return "(subject)", f.Hits
	}
	return key, hits
}

// forms are other ways in which a text may be written: percent-encoded, as addresses of
// pages and keys of objects are.
func (s *Subject) forms() (out []string) {
	for _, f := range []string{url.QueryEscape(string(s.text)), url.PathEscape(string(s.text)), strings.ReplaceAll(string(s.text), "@", "%40"), strings.ReplaceAll(string(s.text), " ", "_"), strings.ReplaceAll(string(s.text), " ", "-")} {
		if f = strings.ToLower(f); f != string(s.text) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// count counts a needle that no letter or digit goes on from.
func count(hay, needle []byte) (n int) {
	for from := 0; ; {
		i := bytes.Index(hay[from:], needle)
		if i < 0 {
			return n
		}
		at, end := from+i, from+i+len(needle)
		if (at == 0 || !wordByte(hay[at-1]) || !wordByte(needle[0])) && (end == len(hay) || !wordByte(hay[end]) || !wordByte(needle[len(needle)-1])) {
			n++
		}
		from = at + 1
	}
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}

// SearchObject counts the places in an object at which a subject stands; why says what
// could not be searched. The error is the context's.
func SearchObject(ctx context.Context, o Object, s *Subject) (hits int, why string, err error) {
	r, size, done, err := o.Open()
	if err != nil {
		return 0, err.Error(), nil
	}
	if size == 0 {
		return 0, "", done()
	}
	f := s.Find()
	rep, err := format.Read(ctx, o.Path(), r, size, format.Limits{}, f)
	if err != nil {
		_ = done() // the context's end is what matters
		return f.Hits, "", err
	}
	why = strings.Join(rep.Problems, "; ")
	if rep.Partial {
		why = "it is longer than what is read of one object"
	}
	if cerr := done(); cerr != nil {
		why = cerr.Error()
	}
	return f.Hits, why, nil
}
