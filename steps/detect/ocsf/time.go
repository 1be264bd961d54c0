package ocsf

import (
	"fmt"
	"time"
)

// ParseTime reads a time of RFC 3339 as Unix milliseconds; years from 1970 to
// 9999. The form in which CloudTrail writes it (2006-01-02T15:04:05Z) is read
// without an allocation.
func ParseTime(s string) (ms int64, err error) {
	if len(s) == 20 && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':' && s[19] == 'Z' {
		y, mo, d := two(s, 0)*100+two(s, 2), two(s, 5), two(s, 8)
		h, mi, sec := two(s, 11), two(s, 14), two(s, 17)
		if y >= 1970 && mo >= 1 && mo <= 12 && d >= 1 && d <= 28 && h >= 0 && h < 24 && mi >= 0 && mi < 60 && sec >= 0 && sec < 60 {
			return (daysFromCivil(y, mo, d)*86400 + h*3600 + mi*60 + sec) * 1000, nil
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("a time that is not RFC 3339")
	}
	if y := t.Year(); y < 1970 || y > 9999 {
		return 0, fmt.Errorf("the year %d is out of range", y)
	}
	return t.UnixMilli(), nil
}

// two reads two digits, or a negative number too large to become valid by adding.
func two(s string, i int) int64 {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return -1 << 20
	}
	return int64(a)*10 + int64(b)
}

// daysFromCivil counts days from 1970-01-01 (Hinnant, "chrono-compatible
// low-level date algorithms").
func daysFromCivil(y, m, d int64) int64 {
	if m <= 2 {
		y--
	}
	era := y / 400
	yoe := y - era*400
	mp := (m + 9) % 12
	doy := (153*mp+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}
