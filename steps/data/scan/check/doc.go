// Package check decides whether a compact identifier can be real: its length,
// its check digits, the dates and codes inside it.
//
// Every function takes the identifier without separators, its letters in upper
// case, and may read but not change it. True means that nothing speaks against
// the identifier, not that somebody issued it. A check digit modulo ten passes
// a tenth of all random numbers, so callers weigh a pass by the function's
// chance; see the catalogue of package scan.
package check

import "encoding/binary"

// digits reports whether b is n digits long and nothing but digits.
func digits(b []byte, n int) bool {
	if len(b) != n {
		return false
	}
	return allDigits(b)
}

func allDigits(b []byte) bool {
	if n := len(b); n >= 8 && n <= 16 { // the first eight, and the last
		return eightDigits(binary.LittleEndian.Uint64(b)) && eightDigits(binary.LittleEndian.Uint64(b[n-8:]))
	}
	for _, c := range b {
		if c-'0' > 9 {
			return false
		}
	}
	return len(b) > 0
}

// eightDigits reports whether all bytes of w are digits: their high half is 3, and stays
// so when 6 is added.
func eightDigits(w uint64) bool {
	const high, three, six = 0xF0F0F0F0F0F0F0F0, 0x3030303030303030, 0x0606060606060606
	return w&high == three && (w+six)&high == three
}

func isLetter(c byte) bool { return c-'A' < 26 }
func isDigit(c byte) bool  { return c-'0' < 10 }

func letters(b []byte) bool {
	for _, c := range b {
		if !isLetter(c) {
			return false
		}
	}
	return len(b) > 0
}

// num is the value of a run of digits short enough for an int.
func num(b []byte) int {
	n := 0
	for _, c := range b {
		n = n*10 + int(c-'0')
	}
	return n
}

// Number is the value of a run of at most 18 digits.
func Number(b []byte) int { return num(b) }

// sum multiplies digits by weights and adds up; b may be longer than weights.
func sum(b []byte, weights ...int) int {
	s := 0
	for i, w := range weights {
		s += int(b[i]-'0') * w
	}
	return s
}

// luhn is the check of ISO/IEC 7812: every second digit from the right doubled.
// It is asked of digits only.
func luhn(b []byte) bool {
	s := 0
	for ; len(b) >= 8; b = b[:len(b)-8] {
		// Eight digits at once: the doubled ones are those at even places, and of a
		// double of ten or more nine is taken away.
		d := binary.LittleEndian.Uint64(b[len(b)-8:]) & 0x0F0F0F0F0F0F0F0F
		twice := d & 0x00FF00FF00FF00FF
		over := (twice + 0x007B007B007B007B) >> 7 & 0x0001000100010001
		s += int((d + twice - 9*over) * 0x0101010101010101 >> 56)
	}
	for i, double := len(b)-1, false; i >= 0; i, double = i-1, !double {
		d := int(b[i] - '0')
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		s += d
	}
	return s%10 == 0
}

// date reports whether the day exists; a year below 100 may be of any century,
// so its 29 February is allowed when a leap year of a century fits.
func date(y, m, d int) bool {
	if m < 1 || m > 12 || d < 1 || d > 31 {
		return false
	}
	switch m {
	case 4, 6, 9, 11:
		return d <= 30
	case 2:
		leap := y%4 == 0 && (y < 100 || y%100 != 0 || y%400 == 0)
		return d <= 28 || d == 29 && leap
	}
	return true
}

// same reports whether all bytes are equal: 000000000 and its like satisfy
// many check digits and are issued to nobody.
func same(b []byte) bool {
	for _, c := range b[1:] {
		if c != b[0] {
			return false
		}
	}
	return true
}

// mod97 is b read as in ISO 7064: digits as they are, letters as 10 to 35.
func mod97(b []byte) int {
	r := 0
	for _, c := range b {
		switch {
		case isDigit(c):
			r = (r*10 + int(c-'0')) % 97
		case isLetter(c):
			r = (r*100 + int(c-'A') + 10) % 97
		default:
			return -1
		}
	}
	return r
}

// mod1110 is ISO 7064 MOD 11,10 over digits, the check digit included.
func mod1110(b []byte) bool {
	p := 10
	for _, c := range b[:len(b)-1] {
		p = (p + int(c-'0')) % 10
		if p == 0 {
			p = 10
		}
		p = p * 2 % 11
	}
	return (p+int(b[len(b)-1]-'0'))%10 == 1
}

// The tables of Verhoeff's check: multiplication and permutation in the
// dihedral group of ten elements.
var (
	verhoeffMul = [10]string{
		"0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
		"5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
	}
	verhoeffPerm = [8]string{
		"0123456789", "1576283094", "5803796142", "8916043527",
		"9453126870", "4286573901", "2793806415", "7046913258",
	}
)

func verhoeff(b []byte) bool {
	c := byte(0)
	for i := range b {
		p := verhoeffPerm[i%8][b[len(b)-1-i]-'0'] - '0'
		c = verhoeffMul[c][p] - '0'
	}
	return c == 0
}
