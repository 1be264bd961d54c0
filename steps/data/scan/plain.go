package scan

import (
	"slices"
	"unicode/utf8"
)

// Word processors, web pages and phones write values with other spaces, hyphens and
// digits than the keyboard's. They are read as those: a number is somebody's whether its
// groups are held together by spaces or by no-break spaces.

// shift is a place from which on offsets in a plain text and in what it was made of
// differ by another amount.
type shift struct{ plain, was int }

// plainly gives the text in which such characters are plain ones, and how its offsets
// lead back: the text itself, and none, where there are no such characters.
func plainly(b []byte) ([]byte, []shift) {
	i := unusual(b, 0)
	if i < 0 {
		return b, nil
	}
	out := make([]byte, 0, len(b))
	var shifts []shift
	from := 0
	for i >= 0 {
		out = append(out, b[from:i]...)
		r, n := utf8.DecodeRune(b[i:])
		shifts = append(shifts, shift{len(out), i})
		if c := plainRune(r); c != 0 {
			out = append(out, c)
		}
		from = i + n
		if last := len(shifts) - 1; len(out) == shifts[last].plain {
			shifts[last].was = from // dropped
		} else {
			shifts = append(shifts, shift{len(out), from})
		}
		i = unusual(b, from)
	}
	return append(out, b[from:]...), shifts
}

// back leads an offset in a plain text back to what it was made of.
func back(shifts []shift, at int) int {
	i, found := slices.BinarySearchFunc(shifts, at, func(s shift, at int) int { return s.plain - at })
	for found && i+1 < len(shifts) && shifts[i+1].plain == at {
		i++ // several were dropped at one place
	}
	if !found {
		i--
	}
	if i < 0 {
		return at
	}
	return shifts[i].was + at - shifts[i].plain
}

// unusual is the place of the next character that is read as a plain one, -1 for none.
func unusual(b []byte, i int) int {
	for ; i < len(b); i++ {
		i = asciiFrom(b, i)
		if len(b) >= 8 && i+8 > len(b) && load(b, len(b)-8)&highBits == 0 {
			return -1
		}
		if i == len(b) {
			break
		}
		switch b[i] {
		case 0xC2, 0xE2, 0xEF, 0xD9, 0xDB, 0xE0, 0xE3:
			if r, n := utf8.DecodeRune(b[i:]); n > 1 && (plainRune(r) != 0 || dropped(r)) {
				return i
			}
		}
	}
	return -1
}

// dropped are characters that are not seen.
func dropped(r rune) bool {
	return r == 0xAD || r >= 0x200B && r <= 0x200F || r == 0x2060 || r == 0xFEFF
}

// plainRune is the keyboard's character that one stands for; 0 for none.
func plainRune(r rune) byte {
	switch {
	case r == 0xA0, r >= 0x2000 && r <= 0x200A, r == 0x202F, r == 0x205F, r == 0x3000:
		return ' '
	case r >= 0x2010 && r <= 0x2013, r == 0x2212, r == 0xFE63:
		return '-'
	case r >= 0xFF01 && r <= 0xFF5E: // full width
		return byte(r - 0xFF01 + '!')
	}
	for _, zero := range []rune{0x660, 0x6F0, 0x966, 0x9E6, 0xE50} { // Arabic, Persian, Devanagari, Bengali, Thai
		if r >= zero && r <= zero+9 {
			return byte(r - zero + '0')
		}
	}
	return 0
}
