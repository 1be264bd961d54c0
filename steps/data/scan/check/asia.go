package check

// Aadhaar is an Indian resident's number: twelve digits that begin with 2 to 9,
// no palindrome, Verhoeff's check.
func Aadhaar(b []byte) bool {
	if !digits(b, 12) || b[0] < '2' || same(b) {
		return false
	}
	for i := range 6 {
		if b[i] != b[11-i] {
			return verhoeff(b)
		}
	}
	return false
}

// PAN is an Indian tax account: five letters of which the fourth tells the
// holder's kind, four digits, a letter.
func PAN(b []byte) bool {
	if len(b) != 10 || !letters(b[:5]) || !allDigits(b[5:9]) || !isLetter(b[9]) || num(b[5:9]) == 0 {
		return false
	}
	return indexByte("ABCFGHJLPT", b[3]) >= 0
}

// GSTIN is an Indian goods and services tax number: state, PAN, entity, Z, a
// check character in base 36.
func GSTIN(b []byte) bool {
	if len(b) != 15 || !allDigits(b[:2]) || num(b[:2]) < 1 || num(b[:2]) > 38 || !PAN(b[2:12]) || b[13] != 'Z' {
		return false
	}
	s := 0
	for i, c := range b[:14] {
		p := base36(c) * (1 + i%2)
		s += p/36 + p%36
	}
	return base36(b[14]) == (36-s%36)%36
}

func base36(c byte) int {
	if isLetter(c) {
		return int(c-'A') + 10
	}
	return int(c - '0')
}

// EPIC is an Indian voter's card: three letters, seven digits, Luhn.
func EPIC(b []byte) bool { return len(b) == 10 && letters(b[:3]) && allDigits(b[3:]) && luhn(b[3:]) }

// TFN is an Australian tax file number: nine digits modulo 11.
func TFN(b []byte) bool {
	return digits(b, 9) && !same(b) && sum(b, 1, 4, 3, 7, 5, 8, 6, 9, 10)%11 == 0
}

// ABN is an Australian business number: eleven digits modulo 89 after 1 is
// taken from the first.
func ABN(b []byte) bool {
	return digits(b, 11) && b[0] != '0' && (sum(b, 10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)-10)%89 == 0
}

// ACN is an Australian company number: nine digits, the last a check digit.
func ACN(b []byte) bool {
	return digits(b, 9) && !same(b) && (10-sum(b, 8, 7, 6, 5, 4, 3, 2, 1)%10)%10 == int(b[8]-'0')
}

// MedicareAU is an Australian Medicare card: eight digits, a check digit, an
// issue number, perhaps a person's number.
func MedicareAU(b []byte) bool {
	if len(b) != 10 && len(b) != 11 || !allDigits(b) || b[0] < '2' || b[0] > '6' || b[9] == '0' {
		return false
	}
	return sum(b, 1, 3, 7, 9, 1, 3, 7, 9)%10 == int(b[8]-'0')
}

// IRD is a New Zealand tax number of eight or nine digits.
func IRD(b []byte) bool {
	if len(b) == 8 {
		b = append([]byte{'0'}, b...)
	}
	if !digits(b, 9) || num(b) < 10000000 || num(b) > 150000000 {
		return false
	}
	k := (11 - sum(b, 3, 2, 7, 6, 5, 4, 3, 2)%11) % 11
	if k == 10 {
		k = (11 - sum(b, 7, 4, 3, 2, 5, 2, 7, 6)%11) % 11
	}
	return k == int(b[8]-'0')
}

// NHI is a New Zealand health index of the form AAANNNC.
func NHI(b []byte) bool {
	const alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ" // I and O are not used
	if len(b) != 7 || !allDigits(b[3:]) {
		return false
	}
	s := 0
	for i := range 3 {
		v := indexByte(alphabet, b[i]) + 1
		if v == 0 {
			return false
		}
		s += v * (7 - i)
	}
	s += sum(b[3:], 4, 3, 2)
	return s%11 != 0 && (11-s%11)%10 == int(b[6]-'0')
}

// NRIC is a Singaporean identity or foreigner's number: a prefix, seven digits,
// a check letter.
func NRIC(b []byte) bool {
	if len(b) != 9 || !allDigits(b[1:8]) {
		return false
	}
	s := sum(b[1:], 2, 7, 6, 5, 4, 3, 2)
	switch b[0] {
	case 'S':
		return b[8] == "JZIHGFEDCBA"[s%11]
	case 'T':
		return b[8] == "JZIHGFEDCBA"[(s+4)%11]
	case 'F':
		return b[8] == "XWUTRQPNMLK"[s%11]
	case 'G':
		return b[8] == "XWUTRQPNMLK"[(s+4)%11]
	case 'M':
		return b[8] == "XWUTRQPNJLK"[(s+3)%11] || b[8] == "KLJNPQRTUWX"[(10-(s+3)%11)]
	}
	return false
}

// RRN is a South Korean resident's number: birth date, sex and century, serial,
// check digit.
func RRN(b []byte) bool {
	if !digits(b, 13) || !date(num(b[:2]), num(b[2:4]), num(b[4:6])) {
		return false
	}
	return (11-sum(b, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)%11)%10 == int(b[12]-'0')
}

// MyNumber is a Japanese individual's number: twelve digits modulo 11.
func MyNumber(b []byte) bool {
	if !digits(b, 12) || same(b) {
		return false
	}
	k := sum(b, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2) % 11
	if k <= 1 {
		return b[11] == '0'
	}
	return 11-k == int(b[11]-'0')
}

// ResidentCN is a Chinese resident's identity number: region, birth date,
// serial, ISO 7064 MOD 11-2.
func ResidentCN(b []byte) bool {
	if len(b) != 18 || !allDigits(b[:17]) {
		return false
	}
	if p := num(b[:2]); p < 11 || p > 91 {
		return false
	}
	if y := num(b[6:10]); y < 1850 || y > 2100 || !date(y, num(b[10:12]), num(b[12:14])) {
		return false
	}
	s := sum(b, 7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
	return b[17] == "10X98765432"[s%11]
}

// NationalTW is a Taiwanese identity number: a letter, nine digits.
func NationalTW(b []byte) bool {
	const order = "ABCDEFGHJKLMNPQRSTUVXYWZIO" // letters by their code, 10 to 35
	if len(b) != 10 || !isLetter(b[0]) || !allDigits(b[1:]) || indexByte("1289", b[1]) < 0 {
		return false
	}
	c := indexByte(order, b[0]) + 10
	return (c/10+c%10*9+sum(b[1:], 8, 7, 6, 5, 4, 3, 2, 1, 1))%10 == 0
}

// IDCardHK is a Hong Kong identity card: one or two letters, six digits, a check
// digit or A.
func IDCardHK(b []byte) bool {
	n := len(b)
	if n != 8 && n != 9 || !letters(b[:n-7]) || !allDigits(b[n-7:n-1]) {
		return false
	}
	s := 36 * 9
	if n == 9 {
		s = base36(b[0]) * 9
	}
	s += base36(b[n-8])*8 + sum(b[n-7:], 7, 6, 5, 4, 3, 2)
	switch k := (11 - s%11) % 11; k {
	case 10:
		return b[n-1] == 'A'
	default:
		return b[n-1] == byte('0'+k)
	}
}

// MyKad is a Malaysian identity number: birth date, place, serial; it has no
// check digit, so the date and place are held against it.
func MyKad(b []byte) bool {
	if !digits(b, 12) || !date(num(b[:2]), num(b[2:4]), num(b[4:6])) {
		return false
	}
	p := num(b[6:8])
	return p >= 1 && p <= 16 || p >= 21 && p <= 68 || p == 71 || p == 72 || p == 74 || p >= 82 && p <= 93 || p >= 98
}

// TNIN is a Thai national identification number: thirteen digits modulo 11.
func TNIN(b []byte) bool {
	return digits(b, 13) && b[0] != '0' && b[0] != '9' && !same(b) &&
		(11-sum(b, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)%11)%10 == int(b[12]-'0')
}

// NIK is an Indonesian identity number: region, birth date with 40 added to the
// day of women, serial.
func NIK(b []byte) bool {
	if !digits(b, 16) {
		return false
	}
	d, p := num(b[6:8]), num(b[:2])
	if d > 40 {
		d -= 40
	}
	return p >= 11 && p <= 94 && num(b[2:4]) > 0 && date(num(b[10:12]), num(b[8:10]), d) && num(b[12:]) > 0
}

// IsraelID is an Israeli identity number: nine digits, Luhn.
func IsraelID(b []byte) bool { return digits(b, 9) && luhn(b) && !same(b) }

// EmiratesID is an identity number of the United Arab Emirates: 784, birth
// year, serial, Luhn.
func EmiratesID(b []byte) bool {
	if !digits(b, 15) || string(b[:3]) != "784" {
		return false
	}
	y := num(b[3:7])
	return y >= 1900 && y <= 2100 && luhn(b)
}

// CNIC is a Pakistani identity card: thirteen digits that begin with a
// province and end with the sex.
func CNIC(b []byte) bool {
	return digits(b, 13) && b[0] >= '1' && b[0] <= '7' && b[12] != '0' && !same(b)
}

// SouthAfricaID is a South African identity number: birth date, serial,
// citizenship, Luhn.
func SouthAfricaID(b []byte) bool {
	return digits(b, 13) && date(num(b[:2]), num(b[2:4]), num(b[4:6])) && b[10] <= '2' && luhn(b)
}

// CivilKW is a Kuwaiti civil number: century, birth date, serial, check digit.
func CivilKW(b []byte) bool {
	if !digits(b, 12) || b[0] < '1' || b[0] > '4' || !date(num(b[1:3]), num(b[3:5]), num(b[5:7])) {
		return false
	}
	return 11-sum(b, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)%11 == int(b[11]-'0')
}

// NationalEG is an Egyptian national number: century, birth date, governorate,
// serial.
func NationalEG(b []byte) bool {
	if !digits(b, 14) || b[0] != '2' && b[0] != '3' || !date(num(b[1:3]), num(b[3:5]), num(b[5:7])) {
		return false
	}
	g := num(b[7:9])
	return g >= 1 && g <= 4 || g >= 11 && g <= 19 || g >= 21 && g <= 29 || g >= 31 && g <= 35 || g == 88
}
