package ner

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The places of the vocabulary's marks.
const (
	unknownToken = 1
	beginToken   = 2
	endToken     = 3
)

// maxWord is how many characters a word may have before it is unknown whole.
const maxWord = 100

// token is a piece of a word, and where in the text it stands.
type token struct {
	id         int32
	start, end int32
	word       int32 // of the text; pieces of one word share it
}

// vocabulary splits text into the pieces the model was taught.
type vocabulary struct {
	ids map[string]int32
}

func newVocabulary(list []byte) *vocabulary {
	v := &vocabulary{ids: map[string]int32{}}
	id := int32(0)
	for line := range bytes.Lines(list) {
		v.ids[string(bytes.TrimRight(line, "\r\n"))] = id
		id++
	}
	return v
}

// char is one character of a word after folding, and the character of the text
// it came from.
type char struct {
	r          rune
	start, end int32
}

// tokens splits a text as BERT does: control characters dropped, letters made
// small and their accents taken away, words parted at spaces, every mark and
// Chinese character a word of its own, words split into the longest pieces
// known.
func (v *vocabulary) tokens(text []byte) []token {
	var all []token
	var word []char
	number := int32(0)
	flush := func() {
		if len(word) > 0 {
			all = v.pieces(all, word, number)
			number++
			word = word[:0]
		}
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		start, end := int32(i), int32(i+n)
		i += n
		switch {
		case r == 0 || r == utf8.RuneError || control(r):
		case space(r):
			flush()
		case punctuation(r) || chinese(r):
			flush()
			word = append(word, char{unicode.ToLower(r), start, end})
			flush()
		case r < 0x80:
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			word = append(word, char{r, start, end})
		default:
			for _, d := range norm.NFD.String(string(r)) {
				if !unicode.Is(unicode.Mn, d) {
					word = append(word, char{unicode.ToLower(d), start, end})
				}
			}
		}
	}
	flush()
	return all
}

// pieces splits one word.
func (v *vocabulary) pieces(all []token, word []char, number int32) []token {
	first := len(all)
	unknown := token{unknownToken, word[0].start, word[len(word)-1].end, number}
	if len(word) > maxWord {
		return append(all, unknown)
	}
	var buf [2 + 4*maxWord]byte
	for at := 0; at < len(word); {
		b := buf[:0]
		if at > 0 {
			b = append(b, '#', '#')
		}
		var ends [maxWord]int
		for k, c := range word[at:] {
			b = utf8.AppendRune(b, c.r)
			ends[k] = len(b)
		}
		k := len(word) - at
		id, ok := int32(0), false
		for ; k > 0; k-- {
			if id, ok = v.ids[string(b[:ends[k-1]])]; ok {
				break
			}
		}
		if !ok {
			return append(all[:first], unknown)
		}
		all = append(all, token{id, word[at].start, word[at+k-1].end, number})
		at += k
	}
	return all
}

func control(r rune) bool {
	return r != '\t' && r != '\n' && r != '\r' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r))
}

func space(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || unicode.Is(unicode.White_Space, r)
}

func punctuation(r rune) bool {
	if r < 0x80 {
		return r > ' ' && r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a' || r > 'z' && r < 0x7f
	}
	return unicode.Is(unicode.P, r)
}

func chinese(r rune) bool {
	return r >= 0x4e00 && r <= 0x9fff || r >= 0x3400 && r <= 0x4dbf || r >= 0x20000 && r <= 0x2a6df || r >= 0x2a700 && r <= 0x2ceaf ||
		r >= 0xf900 && r <= 0xfaff || r >= 0x2f800 && r <= 0x2fa1f
}
