package files

import "fmt"

// number counts what tells whether a number fits a double.
type number struct{ digits, exp int }

// number takes the next byte of a number; again says that the byte is no
// longer part of it.
func (s *scanner) number(c byte) (again bool, err error) {
	digit := c >= '0' && c <= '9'
	switch s.state {
	case numMinus:
		if !digit {
			if c == 'I' {
				return false, fmt.Errorf("NaN and Infinity are not JSON")
			}
			return false, fmt.Errorf("expected a digit after '-', found %s", show(c))
		}
		s.num.digits = 1
		s.state = numInt
		if c == '0' {
			s.state = numZero
		}
		return false, nil
	case numDot, numE, numESign:
		return false, s.numberPart(c, digit)
	}
	switch {
	case digit && s.state == numZero:
		return false, fmt.Errorf("a number may not start with 0 and go on with %s", show(c))
	case digit:
		return false, s.numberDigit(c)
	case c == '.' && (s.state == numZero || s.state == numInt):
		s.state = numDot
		return false, nil
	case (c == 'e' || c == 'E') && s.state != numExp:
		s.state = numE
		return false, nil
	}
	return true, nil
}

// numberPart handles the byte after '.', 'e' and the exponent's sign.
func (s *scanner) numberPart(c byte, digit bool) error {
	switch {
	case digit && s.state == numDot:
		s.state = numFrac
	case digit:
		s.state = numExp
		s.num.exp = int(c - '0')
	case s.state == numE && c == '-':
		// The exponent of a small number cannot overflow: it is not counted.
		s.state, s.num.digits = numESign, -1<<20
	case s.state == numE && c == '+':
		s.state = numESign
	default:
		return fmt.Errorf("expected a digit in a number, found %s", show(c))
	}
	return nil
}

func (s *scanner) numberDigit(c byte) error {
	switch s.state {
	case numInt:
		s.num.digits++
	case numExp:
		s.num.exp = min(s.num.exp*10+int(c-'0'), 1<<16)
	}
	if s.num.digits+s.num.exp > 309 {
		return fmt.Errorf("number too large for a double")
	}
	return nil
}
