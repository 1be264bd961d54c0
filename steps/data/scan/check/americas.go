package check

// SSN is a United States social security number: areas 000, 666 and 900 up,
// group 00 and serial 0000 were never issued, nor were the numbers of adverts.
func SSN(b []byte) bool {
	if !digits(b, 9) {
		return false
	}
	area := num(b[:3])
	if area == 0 || area == 666 || area >= 900 || num(b[3:5]) == 0 || num(b[5:]) == 0 {
		return false
	}
	return string(b) != "078051120" && string(b) != "219099999" && string(b) != "123456789" && !same(b)
}

// ITIN is a taxpayer number of somebody without a social security number: 9xx
// with a group from 50 to 99 that is in use.
func ITIN(b []byte) bool {
	if !digits(b, 9) || b[0] != '9' {
		return false
	}
	g := num(b[3:5])
	return g >= 50 && g <= 65 || g >= 70 && g <= 88 || g >= 90 && g <= 92 || g >= 94
}

// EIN is an employer's number of the United States with an assigned prefix.
func EIN(b []byte) bool {
	if !digits(b, 9) {
		return false
	}
	switch p := num(b[:2]); p {
	case 0, 7, 8, 9, 17, 18, 19, 28, 29, 49, 69, 70, 78, 79, 89, 96, 97:
		return false
	}
	return true
}

// NPI is a provider's number in United States health care: ten digits that
// begin with 1 or 2, Luhn with 80840 before them.
func NPI(b []byte) bool {
	if !digits(b, 10) || b[0] != '1' && b[0] != '2' {
		return false
	}
	var whole [15]byte
	copy(whole[:], "80840")
	copy(whole[5:], b)
	return luhn(whole[:])
}

// DEA is a prescriber's registration in the United States: two letters, six
// digits, a check digit.
func DEA(b []byte) bool {
	if len(b) != 9 || !isLetter(b[0]) || !(isLetter(b[1]) || b[1] == '9') || !allDigits(b[2:]) {
		return false
	}
	switch b[0] {
	case 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'P', 'R', 'S', 'T', 'U', 'X':
	default:
		return false
	}
	d := b[2:]
	return (sum(d, 1, 0, 1, 0, 1)+2*sum(d, 0, 1, 0, 1, 0, 1))%10 == int(d[6]-'0') && !same(d)
}

// MBI is a Medicare beneficiary's identifier: eleven places, each of its own
// class, without the letters S, L, O, I, B and Z.
func MBI(b []byte) bool {
	const class = "CANNANNAANN" // C 1-9, A letter, N digit; the third and sixth also letters
	if len(b) != 11 || b[0] < '1' || b[0] > '9' {
		return false
	}
	for i := 1; i < 11; i++ {
		c, letter := b[i], isLetter(b[i])
		switch c {
		case 'S', 'L', 'O', 'I', 'B', 'Z':
			return false
		}
		either := i == 2 || i == 5
		if !either && letter != (class[i] == 'A') || !letter && !isDigit(c) {
			return false
		}
	}
	return true
}

// SIN is a Canadian social insurance number: Luhn, none begins with 0 or 8.
func SIN(b []byte) bool {
	return digits(b, 9) && b[0] != '0' && b[0] != '8' && luhn(b) && !same(b)
}

// OHIP is an Ontario health number: ten digits, Luhn, then perhaps a version of
// two letters.
func OHIP(b []byte) bool {
	if len(b) == 12 && letters(b[10:]) {
		b = b[:10]
	}
	return digits(b, 10) && b[0] != '0' && luhn(b) && !same(b)
}

// CPF is a Brazilian person's tax number: two check digits modulo 11.
func CPF(b []byte) bool {
	if !digits(b, 11) || same(b) {
		return false
	}
	d := func(s int) int {
		if s = s * 10 % 11; s == 10 {
			return 0
		}
		return s
	}
	return d(sum(b, 10, 9, 8, 7, 6, 5, 4, 3, 2)) == int(b[9]-'0') &&
		d(sum(b, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) == int(b[10]-'0')
}

// CNPJ is a Brazilian company's tax number.
func CNPJ(b []byte) bool {
	if !digits(b, 14) || same(b) {
		return false
	}
	d := func(s int) int {
		if s %= 11; s < 2 {
			return 0
		}
		return 11 - s
	}
	return d(sum(b, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) == int(b[12]-'0') &&
		d(sum(b, 6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) == int(b[13]-'0')
}

// RUT is a Chilean number of seven or eight digits and a check digit or K.
func RUT(b []byte) bool {
	n := len(b) - 1
	if n < 7 || n > 8 || !allDigits(b[:n]) || same(b[:n]) {
		return false
	}
	s, w := 0, 2
	for i := n - 1; i >= 0; i-- {
		s += int(b[i]-'0') * w
		if w++; w > 7 {
			w = 2
		}
	}
	return b[n] == "0K987654321"[s%11]
}

// CURP is a Mexican person's code: name letters, birth date, sex, state,
// consonants and a check digit in base 37.
func CURP(b []byte) bool {
	if len(b) != 18 || !letters(b[:4]) || !allDigits(b[4:10]) || !letters(b[10:16]) || !isDigit(b[17]) {
		return false
	}
	if !date(num(b[4:6]), num(b[6:8]), num(b[8:10])) || b[10] != 'H' && b[10] != 'M' && b[10] != 'X' {
		return false
	}
	s := 0
	for i, c := range b[:17] {
		v := int(c - '0')
		if isLetter(c) {
			v = int(c-'A') + 10
			if c > 'N' {
				v++ // Ñ stands between N and O
			}
		}
		s += v * (18 - i)
	}
	return (10-s%10)%10 == int(b[17]-'0')
}

// RFC is a Mexican person's tax code: four letters, a birth date, a homonym key
// of three places. Many codes in use fail their check digit, so it is not held
// against them.
func RFC(b []byte) bool {
	return len(b) == 13 && letters(b[:4]) && allDigits(b[4:10]) && date(num(b[4:6]), num(b[6:8]), num(b[8:10])) &&
		(isDigit(b[12]) || b[12] == 'A')
}

// CUIT is an Argentine tax number: type, document number, check digit.
func CUIT(b []byte) bool {
	if !digits(b, 11) {
		return false
	}
	switch num(b[:2]) {
	case 20, 23, 24, 25, 26, 27, 30, 33, 34:
	default:
		return false
	}
	return b[10] == "09987654321"[sum(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11]
}

// NIT is a Colombian tax number of eight to ten digits and a check digit.
func NIT(b []byte) bool {
	n := len(b) - 1
	if n < 8 || n > 10 || !allDigits(b) || same(b) {
		return false
	}
	weights := [10]int{3, 7, 13, 17, 19, 23, 29, 37, 41, 43}
	s := 0
	for i := range n {
		s += int(b[n-1-i]-'0') * weights[i]
	}
	return b[n] == "01987654321"[s%11]
}

// CedulaEC is an Ecuadorian identity card: province, ten digits, Luhn.
func CedulaEC(b []byte) bool {
	if !digits(b, 10) || b[2] > '6' {
		return false
	}
	p := num(b[:2])
	return (p >= 1 && p <= 24 || p == 30 || p == 50) && luhn(b)
}

// RUC is a Peruvian tax number of eleven digits.
func RUC(b []byte) bool {
	if !digits(b, 11) {
		return false
	}
	switch num(b[:2]) {
	case 10, 15, 16, 17, 20:
	default:
		return false
	}
	return int(b[10]-'0') == (11-sum(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)%11)%10
}

// CedulaUY is a Uruguayan identity card of seven digits and a check digit.
func CedulaUY(b []byte) bool {
	return digits(b, 8) && b[0] != '0' && sum(b, 2, 9, 8, 7, 6, 3, 4, 1)%10 == 0 && !same(b)
}

// CedulaDO is a Dominican identity card: eleven digits, Luhn.
func CedulaDO(b []byte) bool { return digits(b, 11) && luhn(b) && !same(b) && num(b[:3]) < 403 }
