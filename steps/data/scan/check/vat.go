package check

// VAT is a value added tax number of a member state of the European Union, with
// the state's two letters before it (EL for Greece). Each state's length and,
// where it publishes one, its check digit are held against it.
func VAT(b []byte) bool {
	if len(b) < 9 || len(b) > 14 {
		return false
	}
	n := b[2:]
	switch string(b[:2]) {
	case "AT":
		return len(n) == 9 && n[0] == 'U' && allDigits(n[1:]) && vatAT(n[1:])
	case "BE":
		return digits(n, 10) && n[0] <= '1' && num(n[:8])%97+num(n[8:]) == 97
	case "BG":
		return digits(n, 9) || EGN(n)
	case "CY":
		return len(n) == 9 && allDigits(n[:8]) && isLetter(n[8])
	case "CZ":
		return digits(n, 8) || digits(n, 9) || RodneCislo(n)
	case "DE":
		return digits(n, 9) && n[0] != '0' && mod1110(n)
	case "DK":
		return digits(n, 8) && n[0] != '0' && sum(n, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0
	case "EE":
		return digits(n, 9) && sum(n, 3, 7, 1, 3, 7, 1, 3, 7, 1)%10 == 0
	case "EL":
		return AFM(n)
	case "ES":
		return CIF(n) || DNI(n) || NIE(n)
	case "FI":
		return digits(n, 8) && sum(n, 7, 9, 10, 5, 8, 4, 2, 1)%11 == 0
	case "FR":
		return len(n) == 11 && SIREN(n[2:]) && (!allDigits(n[:2]) || num(n[:2]) == (num(n[2:])*100+12)%97)
	case "HR":
		return OIB(n)
	case "HU":
		return digits(n, 8) && sum(n, 9, 7, 3, 1, 9, 7, 3, 1)%10 == 0
	case "IE":
		return PPSN(n)
	case "IT":
		return PartitaIVA(n)
	case "LT":
		return digits(n, 9) && n[7] == '1' || digits(n, 12) && n[10] == '1'
	case "LU":
		return digits(n, 8) && num(n[:6])%89 == num(n[6:])
	case "LV":
		return digits(n, 11)
	case "MT":
		return digits(n, 8) && n[0] != '0' && sum(n, 3, 4, 6, 7, 8, 9, 10, 1)%37 == 0
	case "NL":
		return len(n) == 12 && allDigits(n[:9]) && n[9] == 'B' && allDigits(n[10:]) && (BSN(n[:9]) || mod97(b) == 1)
	case "PL":
		return NIP(n)
	case "PT":
		return NIFPT(n)
	case "RO":
		return len(n) >= 6 && len(n) <= 10 && allDigits(n) && vatRO(n)
	case "SE":
		return digits(n, 12) && string(n[10:]) == "01" && luhn(n[:10])
	case "SI":
		return digits(n, 8) && n[0] != '0' && (11-sum(n, 8, 7, 6, 5, 4, 3, 2)%11)%10 == int(n[7]-'0')
	case "SK":
		return digits(n, 10) && n[0] != '0' && num(n)%11 == 0
	}
	return false
}

func vatAT(n []byte) bool {
	s := 0
	for i, c := range n[:7] {
		d := int(c - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		s += d
	}
	return (106-s)%10 == int(n[7]-'0')
}

func vatRO(n []byte) bool {
	weights := [9]int{7, 5, 3, 2, 1, 7, 5, 3, 2}
	s, last := 0, len(n)-1
	for i := range last {
		s += int(n[i]-'0') * weights[9-last+i]
	}
	return s*10%11%10 == int(n[last]-'0')
}
