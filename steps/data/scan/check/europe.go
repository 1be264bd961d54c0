package check

// NHS is a number of the National Health Service in England: ten digits modulo
// 11.
func NHS(b []byte) bool {
	return digits(b, 10) && !same(b) && sum(b, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// NINO is a British national insurance number: two letters in use, six digits,
// a suffix from A to D.
func NINO(b []byte) bool {
	if len(b) != 9 || !letters(b[:2]) || !allDigits(b[2:8]) || b[8] < 'A' || b[8] > 'D' {
		return false
	}
	switch b[0] {
	case 'D', 'F', 'I', 'Q', 'U', 'V':
		return false
	}
	switch b[1] {
	case 'D', 'F', 'I', 'O', 'Q', 'U', 'V':
		return false
	}
	switch string(b[:2]) {
	case "BG", "GB", "KN", "NK", "NT", "TN", "ZZ":
		return false
	}
	return true
}

// UTR is a British unique taxpayer reference: a check digit, nine digits.
func UTR(b []byte) bool {
	return digits(b, 10) && !same(b) && b[0] == "21987654321"[sum(b[1:], 6, 7, 8, 9, 10, 5, 4, 3, 2)%11]
}

// DriverGB is a driving licence of Great Britain: surname, decade, month with 5
// added for women, day, year, initials.
func DriverGB(b []byte) bool {
	if len(b) != 16 || !isLetter(b[0]) || !allDigits(b[5:11]) || !isLetter(b[11]) || !isLetter(b[14]) || !isLetter(b[15]) {
		return false
	}
	nine := false
	for _, c := range b[:5] {
		if c == '9' {
			nine = true
		} else if nine || !isLetter(c) {
			return false
		}
	}
	m := num(b[6:8])
	if m > 50 {
		m -= 50
	}
	return date(int(b[5]-'0')*10+int(b[10]-'0'), m, num(b[8:10]))
}

// SteuerID is a German person's tax number: eleven digits of which one occurs
// twice or thrice, check digit by ISO 7064 MOD 11,10.
func SteuerID(b []byte) bool {
	if !digits(b, 11) || b[0] == '0' {
		return false
	}
	var seen [10]int
	for _, c := range b[:10] {
		seen[c-'0']++
	}
	repeated, missing := 0, 0
	for _, n := range seen {
		switch {
		case n > 3:
			return false
		case n > 1:
			repeated++
		case n == 0:
			missing++
		}
	}
	return repeated == 1 && missing >= 1 && missing <= 2 && mod1110(b)
}

// RVNR is a German pension insurance number: area, birth date, letter of the
// birth name, serial, check digit.
func RVNR(b []byte) bool {
	if len(b) != 12 || !allDigits(b[:8]) || !isLetter(b[8]) || !allDigits(b[9:]) {
		return false
	}
	if d := num(b[2:4]); d < 1 || d > 31 && (d < 51 || d > 81) || num(b[4:6]) < 1 || num(b[4:6]) > 12 {
		return false
	}
	v := b[8] - 'A' + 1
	all := [12]byte{b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], '0' + v/10, '0' + v%10, b[9], b[10]}
	s := 0
	for i, w := range [12]int{2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1} {
		p := int(all[i]-'0') * w
		s += p/10 + p%10
	}
	return s%10 == int(b[11]-'0')
}

// KVNR is the lasting part of a German health insurance number: a letter, eight
// digits, a check digit.
func KVNR(b []byte) bool {
	if len(b) != 10 || !isLetter(b[0]) || !allDigits(b[1:]) {
		return false
	}
	v := b[0] - 'A' + 1
	all := [10]byte{'0' + v/10, '0' + v%10}
	copy(all[2:], b[1:9])
	s := 0
	for i, c := range all {
		p := int(c-'0') * (1 + i%2)
		s += p/10 + p%10
	}
	return s%10 == int(b[9]-'0') && !same(b[1:])
}

// IDCardDE is the number of a German identity card or passport: nine characters
// without vowels, and a check digit with weights 7, 3, 1.
func IDCardDE(b []byte) bool {
	if len(b) != 10 || !isLetter(b[0]) || !isDigit(b[9]) {
		return false
	}
	s := 0
	for i, c := range b[:9] {
		v := int(c - '0')
		if isLetter(c) {
			switch c {
			case 'A', 'B', 'D', 'E', 'I', 'O', 'Q', 'S', 'U':
				return false
			}
			v = int(c-'A') + 10
		}
		s += v * [3]int{7, 3, 1}[i%3]
	}
	return s%10 == int(b[9]-'0')
}

// NIR is a French social security number: sex, birth, department, commune,
// serial, a key modulo 97; Corsica's departments are written 2A and 2B.
func NIR(b []byte) bool {
	if len(b) != 15 {
		return false
	}
	var d [15]byte
	copy(d[:], b)
	minus := 0
	if b[5] == '2' && (b[6] == 'A' || b[6] == 'B') {
		minus = 1000000
		d[6] = '0'
		if b[6] == 'B' {
			minus = 2000000
		}
	}
	if !allDigits(d[:]) || d[0] == '0' || d[0] == '9' || d[0] == '5' || d[0] == '6' {
		return false
	}
	if m := num(d[3:5]); m < 1 || m > 12 && m < 20 || m > 42 && m < 50 {
		return false
	}
	return num(d[13:15]) == 97-(num(d[:13])-minus)%97
}

// SIREN is a French company's number: nine digits, Luhn.
func SIREN(b []byte) bool { return digits(b, 9) && luhn(b) && !same(b) }

// SIRET is a French establishment's number: a SIREN, five digits, Luhn over all.
func SIRET(b []byte) bool { return digits(b, 14) && luhn(b[:9]) && luhn(b) && !same(b) }

// SPI is a French tax number: thirteen digits, the last three modulo 511.
func SPI(b []byte) bool {
	return digits(b, 13) && b[0] <= '3' && num(b[:10])%511 == num(b[10:]) && !same(b)
}

const dniLetters = "TRWAGMYFPDXBNJZSQVHLCKE"

// DNI is a Spanish identity number: eight digits and a letter.
func DNI(b []byte) bool {
	return len(b) == 9 && allDigits(b[:8]) && b[8] == dniLetters[num(b[:8])%23] && !same(b[:8])
}

// NIE is a Spanish foreigner's number: X, Y or Z, seven digits, a letter.
func NIE(b []byte) bool {
	if len(b) != 9 || b[0] < 'X' || b[0] > 'Z' || !allDigits(b[1:8]) {
		return false
	}
	return b[8] == dniLetters[(int(b[0]-'X')*10000000+num(b[1:8]))%23]
}

// CIF is a Spanish company's number: a letter, seven digits, a digit or letter.
func CIF(b []byte) bool {
	if len(b) != 9 || !allDigits(b[1:8]) {
		return false
	}
	switch b[0] {
	case 'I', 'K', 'L', 'M', 'O', 'T', 'X', 'Y', 'Z':
		return false
	}
	s := 0
	for i, c := range b[1:8] {
		d := int(c - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		s += d
	}
	c := (10 - s%10) % 10
	return isLetter(b[0]) && (b[8] == byte('0'+c) || b[8] == "JABCDEFGHI"[c])
}

// FiscalCode is an Italian person's code: name, birth, municipality, check
// letter; digits may be replaced by letters where two people would share one.
func FiscalCode(b []byte) bool {
	if len(b) != 16 || !letters(b[:6]) || !isLetter(b[8]) || !isLetter(b[11]) || !isLetter(b[15]) {
		return false
	}
	oddValue := [26]int{1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23}
	var n [16]byte
	s := 0
	for i, c := range b[:15] {
		v := int(c - 'A')
		if isDigit(c) {
			v = int(c - '0')
		} else if !isLetter(c) {
			return false
		}
		if i%2 == 0 {
			s += oddValue[v]
		} else {
			s += v
		}
		n[i] = c
		switch i {
		case 6, 7, 9, 10, 12, 13, 14:
			if isLetter(c) {
				j := indexByte("LMNPQRSTUV", c)
				if j < 0 {
					return false
				}
				n[i] = byte('0' + j)
			}
		}
	}
	m := indexByte("ABCDEHLMPRST", b[8]) + 1
	d := num(n[9:11])
	if d > 40 {
		d -= 40
	}
	return m > 0 && date(num(n[6:8]), m, d) && b[15] == byte('A'+s%26)
}

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// PartitaIVA is an Italian tax number of a business: eleven digits, Luhn.
func PartitaIVA(b []byte) bool {
	if !digits(b, 11) || num(b[:7]) == 0 || !luhn(b) {
		return false
	}
	o := num(b[7:10])
	return o >= 1 && o <= 100 || o == 120 || o == 121 || o == 888 || o == 999
}

// PESEL is a Polish person's number: birth date whose month tells the century,
// serial, check digit.
func PESEL(b []byte) bool {
	if !digits(b, 11) {
		return false
	}
	m := num(b[2:4])
	y := [5]int{1900, 2000, 2100, 2200, 1800}[m/20] + num(b[:2])
	return date(y, m%20, num(b[4:6])) && sum(b, 1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)%10 == 0
}

// NIP is a Polish tax number: ten digits modulo 11.
func NIP(b []byte) bool {
	return digits(b, 10) && !same(b) && sum(b, 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == int(b[9]-'0')
}

// REGON is a Polish business number of nine digits.
func REGON(b []byte) bool {
	return digits(b, 9) && !same(b) && sum(b, 8, 9, 2, 3, 4, 5, 6, 7)%11%10 == int(b[8]-'0')
}

// IDCardPL is the number of a Polish identity card: three letters, six digits
// of which the first is a check digit.
func IDCardPL(b []byte) bool {
	if len(b) != 9 || !letters(b[:3]) || !allDigits(b[3:]) {
		return false
	}
	s := 0
	for i, w := range [9]int{7, 3, 1, 9, 7, 3, 1, 7, 3} {
		v := int(b[i] - '0')
		if i < 3 {
			v = int(b[i]-'A') + 10
		}
		s += v * w
	}
	return s%10 == 0
}

// BSN is a Dutch citizen's number: nine digits, the eleven-test.
func BSN(b []byte) bool {
	return digits(b, 9) && !same(b) && num(b) > 9999999 && sum(b, 9, 8, 7, 6, 5, 4, 3, 2, -1)%11 == 0
}

// NationalBE is a Belgian national number: birth date, serial, 97 less the rest
// modulo 97, with a 2 before for those born from 2000 on.
func NationalBE(b []byte) bool {
	if !digits(b, 11) || num(b[2:4]) > 12 || num(b[4:6]) > 31 || num(b[6:9]) == 0 {
		return false
	}
	n, k := num(b[:9]), num(b[9:])
	return 97-n%97 == k || 97-(2000000000+n)%97 == k
}

// AHV is a Swiss social insurance number: 756, nine digits, an EAN check digit.
func AHV(b []byte) bool {
	return digits(b, 13) && string(b[:3]) == "756" && sum(b, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
}

// UID is a Swiss business number: CHE and nine digits modulo 11.
func UID(b []byte) bool {
	return len(b) == 12 && string(b[:3]) == "CHE" && allDigits(b[3:]) &&
		(11-sum(b[3:], 5, 4, 3, 2, 7, 6, 5, 4)%11)%11 == int(b[11]-'0')
}

// SVNR is an Austrian social insurance number: serial, check digit, birth date;
// months 13 to 15 serve where a day has no serials left.
func SVNR(b []byte) bool {
	if !digits(b, 10) || b[0] == '0' {
		return false
	}
	d, m := num(b[4:6]), num(b[6:8])
	return d >= 1 && d <= 31 && m >= 1 && m <= 15 && sum(b, 3, 7, 9, 0, 5, 8, 4, 2, 1, 6)%11 == int(b[3]-'0')
}

// CNP is a Romanian person's code: sex and century, birth date, county, serial,
// check digit.
func CNP(b []byte) bool {
	if !digits(b, 13) || b[0] == '0' || !date(num(b[1:3]), num(b[3:5]), num(b[5:7])) {
		return false
	}
	c := num(b[7:9])
	if c < 1 || c > 52 && c != 70 && (c < 80 || c > 83) {
		return false
	}
	k := sum(b, 2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9) % 11
	if k == 10 {
		k = 1
	}
	return k == int(b[12]-'0')
}

// Personnummer is a Swedish personal number of ten or twelve digits, Luhn over
// the last ten; a coordination number adds 60 to the day.
func Personnummer(b []byte) bool {
	if len(b) == 12 {
		if c := num(b[:2]); c < 18 || c > 20 {
			return false
		}
		b = b[2:]
	}
	if !digits(b, 10) {
		return false
	}
	d := num(b[4:6])
	if d > 60 {
		d -= 60
	}
	return date(num(b[:2]), num(b[2:4]), d) && luhn(b)
}

// Fodselsnummer is a Norwegian birth number: date, three digits, two check
// digits modulo 11; a D-number adds 40 to the day.
func Fodselsnummer(b []byte) bool {
	if !digits(b, 11) {
		return false
	}
	d, m := num(b[:2]), num(b[2:4])
	if d > 40 {
		d -= 40
	}
	if m > 40 {
		m -= 40
	}
	return date(num(b[4:6]), m, d) &&
		sum(b, 3, 7, 6, 1, 8, 9, 4, 5, 2, 1)%11 == 0 && sum(b, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// CPR is a Danish personal number: date and four digits. Its modulo 11 check
// has not been kept since 2007, so only the date is held against it.
func CPR(b []byte) bool {
	return digits(b, 10) && date(num(b[4:6]), num(b[2:4]), num(b[:2]))
}

// HETU is a Finnish personal identity code: date, century sign, serial, check
// character. The sign is kept: b holds it at place 6 (+, -, or A to F, U to Y).
func HETU(b []byte) bool {
	if len(b) != 11 || !allDigits(b[:6]) || !allDigits(b[7:10]) || !date(num(b[4:6]), num(b[2:4]), num(b[:2])) {
		return false
	}
	if indexByte("+-ABCDEFYXWVU", b[6]) < 0 {
		return false
	}
	if s := num(b[7:10]); s < 2 || s > 899 {
		return false
	}
	return b[10] == "0123456789ABCDEFHJKLMNPRSTUVWXY"[(num(b[:6])*1000+num(b[7:10]))%31]
}

// Kennitala is an Icelandic number: date, serial, check digit, century.
func Kennitala(b []byte) bool {
	if !digits(b, 10) || b[9] != '9' && b[9] != '0' && b[9] != '8' {
		return false
	}
	d := num(b[:2])
	if d > 40 {
		d -= 40
	}
	return date(num(b[4:6]), num(b[2:4]), d) && sum(b, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// OIB is a Croatian number: eleven digits, ISO 7064 MOD 11,10.
func OIB(b []byte) bool { return digits(b, 11) && !same(b) && mod1110(b) }

// EGN is a Bulgarian civil number: date whose month tells the century, serial,
// check digit.
func EGN(b []byte) bool {
	if !digits(b, 10) {
		return false
	}
	m := num(b[2:4])
	if m > 40 {
		m -= 40
	} else if m > 20 {
		m -= 20
	}
	return date(num(b[:2]), m, num(b[4:6])) && sum(b, 2, 4, 8, 5, 10, 9, 7, 3, 6)%11%10 == int(b[9]-'0')
}

// JMBG is a citizen's number of former Yugoslavia's states: date with three
// digits of the year, region, serial, check digit.
func JMBG(b []byte) bool {
	if !digits(b, 13) {
		return false
	}
	y := 1000 + num(b[4:7])
	if y < 1850 {
		y += 1000
	}
	if !date(y, num(b[2:4]), num(b[:2])) || y > 2100 {
		return false
	}
	return sum(b, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
}

// TCKN is a Turkish identity number: eleven digits, two check digits.
func TCKN(b []byte) bool {
	if !digits(b, 11) || b[0] == '0' {
		return false
	}
	ten := (sum(b, 7, 0, 7, 0, 7, 0, 7, 0, 7) - sum(b, 0, 1, 0, 1, 0, 1, 0, 1)) % 10
	if ten < 0 {
		ten += 10
	}
	return ten == int(b[9]-'0') && sum(b, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)%10 == int(b[10]-'0')
}

// AMKA is a Greek social security number: birth date, serial, Luhn.
func AMKA(b []byte) bool {
	return digits(b, 11) && date(num(b[4:6]), num(b[2:4]), num(b[:2])) && luhn(b)
}

// AFM is a Greek tax number: nine digits, powers of two.
func AFM(b []byte) bool {
	return digits(b, 9) && !same(b) && sum(b, 256, 128, 64, 32, 16, 8, 4, 2)%11%10 == int(b[8]-'0')
}

// NIFPT is a Portuguese tax number: nine digits modulo 11.
func NIFPT(b []byte) bool {
	if !digits(b, 9) || b[0] == '0' || b[0] == '4' || same(b) {
		return false
	}
	k := 11 - sum(b, 9, 8, 7, 6, 5, 4, 3, 2)%11
	return k%11%10 == int(b[8]-'0') || k >= 10 && b[8] == '0'
}

// CitizenCardPT is a Portuguese citizen card's number: nine digits, two
// letters, a check digit.
func CitizenCardPT(b []byte) bool {
	if len(b) != 12 || !allDigits(b[:9]) || !isDigit(b[11]) {
		return false
	}
	s := 0
	for i, c := range b {
		v := int(c - '0')
		if isLetter(c) {
			v = int(c-'A') + 10
		}
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		s += v
	}
	return s%10 == 0
}

// RodneCislo is a Czech or Slovak birth number: date with 50 (or 70) added to
// the month of women (and 20 where serials ran out), divisible by 11.
func RodneCislo(b []byte) bool {
	if !digits(b, 10) {
		return false
	}
	m := num(b[2:4])
	if m > 50 {
		m -= 50
	}
	if m > 20 {
		m -= 20
	}
	if !date(num(b[:2]), m, num(b[4:6])) {
		return false
	}
	n := num(b)
	return n%11 == 0 || num(b[:9])%11 == 10 && b[9] == '0'
}

// TaxHU is a Hungarian person's tax number: 8, days since 1867, serial, check.
func TaxHU(b []byte) bool {
	return digits(b, 10) && b[0] == '8' && sum(b, 1, 2, 3, 4, 5, 6, 7, 8, 9)%11 == int(b[9]-'0')
}

// TAJ is a Hungarian health insurance number: nine digits, weights 3 and 7.
func TAJ(b []byte) bool {
	return digits(b, 9) && !same(b) && sum(b, 3, 7, 3, 7, 3, 7, 3, 7)%10 == int(b[8]-'0')
}

// PPSN is an Irish personal public service number: seven digits, a check
// letter, perhaps a second letter.
func PPSN(b []byte) bool {
	if len(b) != 8 && len(b) != 9 || !allDigits(b[:7]) || !letters(b[7:]) || same(b[:7]) {
		return false
	}
	s := sum(b, 8, 7, 6, 5, 4, 3, 2)
	if len(b) == 9 && b[8] != 'W' && b[8] != 'T' {
		if b[8] > 'I' {
			return false
		}
		s += int(b[8]-'A'+1) * 9
	}
	return b[7] == "WABCDEFGHIJKLMNOPQRSTUV"[s%23]
}

// Isikukood is an Estonian personal code, and a Lithuanian one: sex and
// century, birth date, serial, check digit in two rounds.
func Isikukood(b []byte) bool {
	if !digits(b, 11) || b[0] < '1' || b[0] > '8' || !date(num(b[1:3]), num(b[3:5]), num(b[5:7])) {
		return false
	}
	k := sum(b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1) % 11
	if k == 10 {
		k = sum(b, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) % 11 % 10
	}
	return k == int(b[10]-'0')
}

// PersonasKods is a Latvian personal code of the form kept until 2017: birth
// date, century, serial, check digit.
func PersonasKods(b []byte) bool {
	if !digits(b, 11) || b[6] > '2' || !date(num(b[4:6]), num(b[2:4]), num(b[:2])) {
		return false
	}
	return (1+sum(b, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9))%11%10 == int(b[10]-'0')
}

// RNTRC is a Ukrainian taxpayer's number: days since 1900, serial, check digit.
func RNTRC(b []byte) bool {
	if !digits(b, 10) || num(b[:5]) == 0 || num(b[:5]) > 47000 {
		return false
	}
	k := sum(b, -1, 5, 7, 9, 4, 6, 10, 5, 7) % 11
	if k < 0 {
		k += 11
	}
	return k%10 == int(b[9]-'0')
}

// INN is a Russian person's tax number: twelve digits, two check digits.
func INN(b []byte) bool {
	return digits(b, 12) && !same(b) && num(b[:2]) > 0 &&
		sum(b, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == int(b[10]-'0') &&
		sum(b, 3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)%11%10 == int(b[11]-'0')
}

// SNILS is a Russian pension insurance number: nine digits and their weighted
// sum modulo 101.
func SNILS(b []byte) bool {
	if !digits(b, 11) || num(b[:9]) <= 1001998 {
		return false
	}
	return sum(b, 9, 8, 7, 6, 5, 4, 3, 2, 1)%101%100 == num(b[9:])
}
