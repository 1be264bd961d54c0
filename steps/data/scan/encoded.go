package scan

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"slices"
	"unicode/utf8"
)

// What is written in base 64 within a text is read as what it stands for: tokens of basic
// authentication, settings of clusters, messages in logs.

const (
	encodedLeast = 16      // characters; shorter ones stand for a word
	encodedMost  = 1 << 20 // characters read of one run
	encodedDepth = 3       // how often it may be encoded
	unzippedMost = 1 << 20 // bytes, of what is packed before it was encoded,
	unzipRatio   = 100     // and times what is packed
)

// is64 are the characters of both alphabets.
func is64(c byte) bool { return is(c, isAlnum) || c == '+' || c == '/' || c == '-' || c == '_' }

// encoded reads the run of base 64 around a chunk, if it is one that stands for text. It
// returns where the run ends, or 0.
func (r *run) encoded(from, to int) int {
	b := r.b
	if from < r.triedTo || r.depth >= encodedDepth {
		return 0
	}
	s, e := from, to
	for least := max(r.floor, from-encodedMost); s > least && is64(b[s-1]); {
		s--
	}
	for most := min(len(b), s+encodedMost); e < most && is64(b[e]); {
		e++
	}
	r.triedTo = e
	if e-s < encodedLeast || e < len(b) && b[e] == '.' && b[s] == 'e' && b[s+1] == 'y' {
		return 0 // too short, or a part of a token with a form of its own
	}
	if end := r.decoded(s, e); end > 0 || s == from {
		return end
	}
	return r.decoded(from, e) // a path or a name stood before it
}

// decoded reads what b[s:e] stands for, and the lines behind it if it is broken over some.
func (r *run) decoded(s, e int) int {
	b := r.b
	if e-s < encodedLeast || !readable(b[s:min(e, s+64)]) {
		return 0
	}
	line, gap := e-s, 0
	if line%4 == 0 && line >= 56 { // lines of one length
		for {
			n := lineBreak(b, e)
			if n == 0 || gap > 0 && n != gap {
				break
			}
			next := e + n
			stop := next
			for stop < len(b) && stop-next <= line && is64(b[stop]) {
				stop++
			}
			if stop == next || stop-next > line || e-s > encodedMost {
				break
			}
			gap, e = n, stop
			if stop-next < line {
				break
			}
		}
	}
	r.triedTo = max(r.triedTo, e)
	packed := make([]byte, 0, e-s)
	for i := s; i < e; i += line + gap {
		packed = append(packed, b[i:min(i+line, e)]...)
	}
	end := e
	for end < len(b) && end < e+2 && b[end] == '=' {
		end++
	}
	plain, ok := fromBase64(packed)
	if !ok {
		return 0
	}
	if fileInside(plain) {
		if bytes.HasPrefix(plain, []byte("\x1f\x8b")) {
			if more, ok := unzipped(plain); ok && printable(more) {
				r.findsWithin(more, s, end, func(int) int { return s })
				return end
			}
		}
		if len(plain) >= 100 {
			r.opaque++
			return end
		}
		return 0
	}
	if wide := narrowed(plain); wide != nil {
		plain = wide
		r.findsWithin(plain, s, end, func(at int) int { at = at * 8 / 3; return s + at + at/line*gap })
		return end
	}
	if !printable(plain) {
		return 0
	}
	if s >= 6 && bytes.EqualFold(b[s-6:s], []byte("basic ")) && bytes.IndexByte(plain, ':') > 0 && len(plain) < 256 {
		return r.emit("PASSWORD", s, end, .9, "the name and password of basic authentication")
	}
	r.findsWithin(plain, s, end, func(at int) int { at = at * 4 / 3; return s + at + at/line*gap })
	return end
}

// findsWithin adds what is found in the text that b[s:end] stands for, at the places of
// its encoding.
func (r *run) findsWithin(plain []byte, s, end int, place func(int) int) {
	inner := run{s: r.s, b: plain, base: r.base, depth: r.depth + 1}
	inner.whole()
	r.opaque += inner.opaque
	last := s
	for _, sp := range inner.out {
		if e, _ := EntityOf(sp.Type); e.Group == Technical || sp.Type == "DATE_TIME" || sp.Type == "URL" {
			continue
		}
		from := max(last, place(sp.Start))
		to := min(end, max(from+1, place(sp.End)))
		if from >= to {
			from, to = last, end
		}
		if from >= to {
			from = s // it shares the place of the one before
		}
		sp.Start, sp.End, sp.Reason = from, to, sp.Reason+", in base 64"
		if from >= r.floor {
			r.emit(sp.Type, sp.Start, sp.End, sp.Score, sp.Reason)
		}
		last = max(last, to)
	}
}

// lineBreak is the length of the end of a line at i with the blanks the next begins with,
// written out or escaped; 0 if none is there.
func lineBreak(b []byte, i int) int {
	j := i
	switch {
	case bytes.HasPrefix(b[j:], []byte("\r\n")):
		j += 2
	case bytes.HasPrefix(b[j:], []byte(`\n`)):
		j += 2
	case bytes.HasPrefix(b[j:], []byte(`\r\n`)):
		j += 4
	case j < len(b) && b[j] == '\n':
		j++
	default:
		return 0
	}
	for j < len(b) && j < i+40 && b[j] == ' ' {
		j++
	}
	return j - i
}

// readable reports whether the beginning of a run stands for text, or for a file that is
// known by its beginning: what is nothing but random does not go on.
func readable(b []byte) bool {
	if !begins(b) {
		return false
	}
	plain, ok := fromBase64(b[:len(b)&^3])
	if !ok {
		return false
	}
	if fileInside(plain) || narrowed(plain) != nil {
		return true
	}
	for len(plain) > 0 { // the last character may be cut
		if c, n := utf8.DecodeLastRune(plain); c != utf8.RuneError || n != 1 || len(plain) < 9 {
			break
		}
		plain = plain[:len(plain)-1]
	}
	return printable(plain)
}

// sixBits are the values of the characters of both alphabets.
var sixBits = func() (t [256]uint8) {
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = uint8(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

// begins is readable without making anything: it looks at the first nine bytes, which are
// no text in most words, and lets pass what files begin with.
func begins(b []byte) bool {
	zeros := 0
	for i := 0; i+4 <= len(b) && i < 12; i += 4 {
		v := uint32(sixBits[b[i]])<<18 | uint32(sixBits[b[i+1]])<<12 | uint32(sixBits[b[i+2]])<<6 | uint32(sixBits[b[i+3]])
		if i == 0 && magicStart[byte(v>>16)] && magicOf(v) {
			return true
		}
		for shift := 16; shift >= 0; shift -= 8 {
			switch c := byte(v >> shift); {
			case c == 0:
				zeros++
			case c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f || c == 0xff || c >= 0xf8:
				return false
			}
		}
	}
	return zeros == 0 || zeros == 4
}

// magicStart are the first bytes of what files begin with.
var magicStart = func() (t [256]bool) {
	for _, m := range magics {
		t[m[0]] = true
	}
	return t
}()

// magicOf reports whether three bytes are the first of what a file begins with.
func magicOf(v uint32) bool {
	return slices.ContainsFunc(magics, func(m string) bool {
		return uint32(m[0])<<16|uint32(m[1])<<8|uint32(m[2]) == v
	})
}

// magics are what files that are no texts begin with.
var magics = []string{"\x89PNG\r\n", "\xff\xd8\xff", "GIF8", "%PDF-", "PK\x03\x04", "7z\xbc\xaf", "\x1f\x8b\x08", "RIFF", "\xd0\xcf\x11\xe0", "ID3\x03", "ID3\x04", "OggS", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zXZ", "II*\x00", "MM\x00*", "SQLite format 3", "PAR1"}

func fromBase64(b []byte) ([]byte, bool) {
	enc := base64.RawStdEncoding
	if bytes.ContainsAny(b, "-_") {
		enc = base64.RawURLEncoding
	}
	out := make([]byte, enc.DecodedLen(len(b)))
	n, err := enc.Decode(out, b)
	return out[:n], err == nil
}

// printable reports whether bytes are a text.
func printable(b []byte) bool {
	if len(b) == 0 || !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// narrowed is a text of two bytes a character, as shells of Windows encode commands, with
// one byte each; nil if it is none.
func narrowed(b []byte) []byte {
	if len(b) < 8 || b[0] == 0 {
		return nil
	}
	out := make([]byte, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		if b[i+1] != 0 {
			return nil
		}
		out = append(out, b[i])
	}
	if !printable(out) {
		return nil
	}
	return out
}

// fileInside reports whether bytes are a file of a kind that is not text.
func fileInside(b []byte) bool {
	for _, magic := range magics {
		if len(b) >= len(magic) && string(b[:len(magic)]) == magic {
			return true
		}
	}
	return false
}

func unzipped(b []byte) ([]byte, bool) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, false
	}
	most := min(unzippedMost, unzipRatio*len(b))
	out, err := io.ReadAll(io.LimitReader(z, int64(most)))
	return out, err == nil && len(out) > 0 && len(out) < most
}
