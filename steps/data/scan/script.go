package scan

import (
	"unicode"
	"unicode/utf8"
)

// ascii reports whether a text has no character beyond ASCII.
func ascii(b []byte) bool {
	i := 0
	for ; i+32 <= len(b); i += 32 {
		if (load(b, i)|load(b, i+8)|load(b, i+16)|load(b, i+24))&highBits != 0 {
			return false
		}
	}
	for ; i < len(b); i++ {
		if b[i] >= 0x80 {
			return false
		}
	}
	return true
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
