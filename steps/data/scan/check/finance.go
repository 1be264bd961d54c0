package check

import "encoding/binary"

// Card is a payment card number of 12 to 19 digits: Luhn, and an issuer
// identification number that a network was assigned, at a length it issues.
func Card(b []byte) bool {
	n := len(b)
	return n >= 12 && n <= 19 && allDigits(b) && issuer(b) && luhn(b) && !same(b)
}

// issuer reports whether the first digits belong to a card network that issues
// numbers of this length.
func issuer(b []byte) bool {
	n, two, four := len(b), num(b[:2]), num(b[:4])
	switch b[0] {
	case '4':
		return n == 13 || n == 16 || n == 19 // Visa
	case '1':
		return n == 15 && four == 1800 // JCB, old
	case '2':
		switch {
		case n == 15:
			return four == 2131 || four == 2014 || four == 2149 // JCB old, enRoute
		case n == 16:
			return four >= 2200 && four <= 2204 || four >= 2221 && four <= 2720 // Mir, Mastercard
		}
		return (n == 17 || n == 18 || n == 19) && four >= 2200 && four <= 2204
	case '3':
		switch {
		case two == 34 || two == 37:
			return n == 15 // American Express
		case two == 36:
			return n >= 14 && n <= 19 // Diners Club
		case two == 38 || two == 39 || four >= 3000 && four <= 3059 || four == 3095:
			return n == 14 || n >= 16 && n <= 19
		case two == 35:
			return n >= 16 && n <= 19 // JCB; 3528 to 3589 are in use
		}
		return false
	case '5':
		if two >= 51 && two <= 55 {
			return n == 16 // Mastercard
		}
		return two == 50 || two >= 56 && two <= 58 // Maestro, 12 to 19
	case '6':
		switch {
		case four == 6011 || two == 65 || four >= 6440 && four <= 6499:
			return n >= 16 || two == 65 && n >= 12 // Discover, RuPay; Maestro shares 65
		case two == 62:
			return n >= 16 // UnionPay
		}
		return two != 66 && two != 61 // Maestro 60, 63, 64, 67 to 69
	case '8':
		return n == 16 && (two == 81 || two == 82) // RuPay, UnionPay
	case '9':
		return n == 16 && (four >= 9792 && four <= 9793) // Troy
	}
	return false
}

// ibanLengthOf reads the IBAN registry's table: two letters, two digits.
func ibanLengthOf(a, b byte) int {
	const table = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27" +
		"GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19" +
		"MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24" +
		"TR26UA29VA22VG24XK20YE30"
	for i := 0; i < len(table); i += 4 {
		if table[i] == a && table[i+1] == b {
			return int(table[i+2]-'0')*10 + int(table[i+3]-'0')
		}
	}
	return 0
}

// IBANLength is the length of an IBAN of the country whose two upper-case
// letters are given, or 0 for a country that has none.
func IBANLength(a, b byte) int {
	if a-'A' > 25 || b-'A' > 25 {
		return 0
	}
	return int(ibanLengths[int(a-'A')*26+int(b-'A')])
}

var ibanLengths = func() (t [26 * 26]int8) {
	for i := range t {
		t[i] = int8(ibanLengthOf(byte('A'+i/26), byte('A'+i%26)))
	}
	return t
}()

// IBAN is an international bank account number: a country that issues them, its
// length, and the remainder 1 modulo 97 (ISO 13616).
func IBAN(b []byte) bool {
	if len(b) < 15 || len(b) > 34 || !isDigit(b[2]) || !isDigit(b[3]) || IBANLength(b[0], b[1]) != len(b) {
		return false
	}
	if numericIBANs[int(b[0]-'A')*26+int(b[1]-'A')] {
		// Digits alone, taken eight at a time: a remainder costs more than a digit.
		r, rest := uint64(0), b[4:]
		for ; len(rest) >= 8; rest = rest[8:] {
			w := binary.LittleEndian.Uint64(rest)
			if !eightDigits(w) {
				return false
			}
			r = (r*100_000_000 + eightValue(w)) % 97
		}
		for _, c := range rest {
			if !isDigit(c) {
				return false
			}
			r = r*10 + uint64(c-'0')
		}
		r = r%97*1_000_000 + uint64(b[0]-'A'+10)*10_000 + uint64(b[1]-'A'+10)*100 + uint64(b[2]-'0')*10 + uint64(b[3]-'0')
		return r%97 == 1
	}
	r := 0
	for _, part := range [2][]byte{b[4:], b[:4]} {
		for _, c := range part {
			switch {
			case isDigit(c):
				r = r*10 + int(c-'0')
			case isLetter(c):
				r = r*100 + int(c-'A') + 10
			default:
				return false
			}
			if r > 1<<52 {
				r %= 97
			}
		}
	}
	return r%97 == 1
}

// eightValue is the number that eight digits write, the first of which lies in the lowest
// byte of w: pairs are put together, then pairs of pairs, then those.
func eightValue(w uint64) uint64 {
	w &= 0x0F0F0F0F0F0F0F0F
	w = w*10 + w>>8
	w &= 0x00FF00FF00FF00FF
	w = w*100 + w>>16
	w &= 0x0000FFFF0000FFFF
	return w&0xFFFFFFFF*10_000 + w>>32
}

// numericIBANs says of each pair of letters whether that country's account numbers hold
// digits only.
var numericIBANs = func() (t [26 * 26]bool) {
	const table = "ATBABECZDEDKEEESFIHRHUILISLTMENOPLPTRSSESISKTNXK"
	for i := 0; i < len(table); i += 2 {
		t[int(table[i]-'A')*26+int(table[i+1]-'A')] = true
	}
	return t
}()

// ABA is a routing number of a bank in the United States: nine digits of a
// Federal Reserve district with weights 3, 7, 1.
func ABA(b []byte) bool {
	if !digits(b, 9) || same(b) {
		return false
	}
	p := num(b[:2])
	if !(p >= 1 && p <= 12 || p >= 21 && p <= 32 || p >= 61 && p <= 72 || p == 80) {
		return false
	}
	return sum(b, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
}

// LEI is a legal entity identifier: 18 letters or digits and two check digits
// (ISO 17442).
func LEI(b []byte) bool {
	return len(b) == 20 && isDigit(b[18]) && isDigit(b[19]) && mod97(b) == 1
}

// BIC is a bank's identifier code of 8 or 11 characters whose country exists.
func BIC(b []byte) bool {
	return (len(b) == 8 || len(b) == 11) && letters(b[:6]) && IBANLength(b[4], b[5]) > 0
}

// SortCode is a British sort code; it has no check of its own.
func SortCode(b []byte) bool { return digits(b, 6) && !same(b) }

// ISIN is a security's number: country, nine characters, Luhn over letters
// written as numbers (ISO 6166).
func ISIN(b []byte) bool {
	if len(b) != 12 || !isLetter(b[0]) || !isLetter(b[1]) || !isDigit(b[11]) {
		return false
	}
	var wide [24]byte
	w := wide[:0]
	for _, c := range b {
		if isLetter(c) {
			v := c - 'A' + 10
			w = append(w, '0'+v/10, '0'+v%10)
		} else if isDigit(c) {
			w = append(w, c)
		} else {
			return false
		}
	}
	return luhn(w)
}

// VIN is a vehicle's number of 17 characters with the check digit that North
// America and China require (ISO 3779).
func VIN(b []byte) bool {
	const value = "12345678.12345.7.923456789" // A to Z; I, O and Q are not used
	weight := [17]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	if len(b) != 17 {
		return false
	}
	s, seen := 0, 0
	for i, c := range b {
		v := int(c - '0')
		if isLetter(c) {
			if value[c-'A'] == '.' {
				return false
			}
			v = int(value[c-'A'] - '0')
			seen++
		} else if v > 9 || v < 0 {
			return false
		}
		s += v * weight[i]
	}
	want := byte('0' + s%11)
	if s%11 == 10 {
		want = 'X'
	}
	return seen > 1 && b[8] == want
}

// IMEI is the number of a mobile device: 15 digits, Luhn, a reporting body's
// prefix.
func IMEI(b []byte) bool {
	if !digits(b, 15) || same(b[1:]) || !luhn(b) {
		return false
	}
	p := num(b[:2])
	return p == 1 || p == 10 || p >= 30 && p <= 35 || p == 44 || p == 45 || p >= 49 && p <= 54 || p == 86 || p == 91 || p >= 97
}
