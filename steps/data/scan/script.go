package scan

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// ascii reports whether a text has no character beyond ASCII.
func ascii(b []byte) bool {
	for _, c := range b[asciiFrom(b, 0):] {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// asciiFrom passes over ASCII, eight bytes and more at a step: behind the place that it
// gives, up to seven bytes before the next that is none may be left.
func asciiFrom(b []byte, i int) int {
	for ; i+32 <= len(b); i += 32 {
		p := b[i : i+32 : i+32]
		if (binary.LittleEndian.Uint64(p)|binary.LittleEndian.Uint64(p[8:])|binary.LittleEndian.Uint64(p[16:])|binary.LittleEndian.Uint64(p[24:]))&highBits != 0 {
			break
		}
	}
	for i+8 <= len(b) && binary.LittleEndian.Uint64(b[i:])&highBits == 0 {
		i += 8
	}
	return i
}

// scripts are those that are told by name.
var scripts = []struct {
	name  string
	table *unicode.RangeTable
}{
	{"Cyrillic", unicode.Cyrillic}, {"Greek", unicode.Greek}, {"Chinese", unicode.Han}, {"Japanese", unicode.Hiragana}, {"Japanese", unicode.Katakana},
	{"Korean", unicode.Hangul}, {"Arabic", unicode.Arabic}, {"Hebrew", unicode.Hebrew}, {"Devanagari", unicode.Devanagari}, {"Thai", unicode.Thai},
	{"Armenian", unicode.Armenian}, {"Georgian", unicode.Georgian}, {"Bengali", unicode.Bengali}, {"Tamil", unicode.Tamil}, {"Telugu", unicode.Telugu},
}

// foreign is the script of the first word of a text in letters that are not Latin, empty
// if there is none. One such letter is a sign, as in formulas.
func foreign(b []byte) string {
	var last rune
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			last = 0
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		i += n
		if r == utf8.RuneError || !unicode.IsLetter(r) || unicode.Is(unicode.Latin, r) || r < 0x370 || r == 0x2126 {
			if !unicode.IsMark(r) {
				last = 0
			}
			continue
		}
		if last == 0 {
			last = r
			continue
		}
		for _, s := range scripts {
			if unicode.Is(s.table, r) {
				return s.name
			}
		}
		return "other"
	}
	return ""
}
