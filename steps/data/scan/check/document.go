package check

import "crypto/sha256"

// MRZ is the machine-readable zone of a travel document: two lines of 44 (TD3)
// or 36 (TD2), or three of 30 (TD1), joined without line breaks. The check
// digits of document number, birth date and expiry must hold (ICAO 9303).
func MRZ(b []byte) bool {
	switch len(b) {
	case 88:
		return mrzLine(b[44:])
	case 72:
		return mrzLine(b[36:])
	case 90:
		return mrzDigit(b[5:14], b[14]) && mrzDigit(b[30:36], b[36]) && mrzDigit(b[38:44], b[44])
	}
	return false
}

func mrzLine(b []byte) bool {
	return mrzDigit(b[:9], b[9]) && mrzDigit(b[13:19], b[19]) && mrzDigit(b[21:27], b[27])
}

func mrzDigit(b []byte, want byte) bool {
	s := 0
	for i, c := range b {
		v := 0
		switch {
		case isDigit(c):
			v = int(c - '0')
		case isLetter(c):
			v = int(c-'A') + 10
		case c != '<':
			return false
		}
		s += v * [3]int{7, 3, 1}[i%3]
	}
	return want == byte('0'+s%10)
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// Base58Check is an address of Bitcoin and its kin: 25 bytes in base 58, the
// last four a double SHA-256 of the rest. Upper and lower case differ.
func Base58Check(b []byte) bool {
	if len(b) < 25 || len(b) > 35 {
		return false
	}
	var out [25]byte
	for _, c := range b {
		v := indexByte(base58, c)
		if v < 0 {
			return false
		}
		carry := v
		for i := len(out) - 1; i >= 0; i-- {
			carry += int(out[i]) * 58
			out[i] = byte(carry)
			carry >>= 8
		}
		if carry != 0 {
			return false
		}
	}
	one := sha256.Sum256(out[:21])
	two := sha256.Sum256(one[:])
	return string(two[:4]) == string(out[21:])
}

const bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// Bech32 is an address of Bitcoin's segregated witnesses, in lower case: bc1
// and a checksum over the polynomial of BIP 173 or BIP 350.
func Bech32(b []byte) bool {
	if len(b) < 14 || len(b) > 90 || string(b[:3]) != "bc1" {
		return false
	}
	chk := uint32(1)
	step := func(v uint32) {
		top := chk >> 25
		chk = chk&0x1ffffff<<5 ^ v
		for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				chk ^= g
			}
		}
	}
	for _, v := range [5]uint32{'b' >> 5, 'c' >> 5, 0, 'b' & 31, 'c' & 31} {
		step(v)
	}
	for _, c := range b[3:] {
		v := indexByte(bech32, c)
		if v < 0 {
			return false
		}
		step(uint32(v))
	}
	return chk == 1 || chk == 0x2bc830a3
}
