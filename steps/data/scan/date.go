package scan

// date reads a day written in digits, or with its month's name, and a time
// after it. It returns where the date ends, or 0.
func (r *run) date(c *chunk) int {
	if c.inside {
		return 0
	}
	end := numericDate(r.b, c)
	if end == 0 {
		end = wordyDate(r.b, c)
	}
	start := c.s
	if end == 0 {
		if start, end = monthFirst(r.b, c, r.floor); end == 0 {
			return 0
		}
	}
	return r.day(start, end)
}

// day emits a date.
func (r *run) day(start, end int) int {
	if r.spoken(placeBirth, start) {
		return r.emit("DATE_OF_BIRTH", start, end, .95, byFormAndWord)
	}
	return r.emit("DATE_TIME", start, withTime(r.b, end), .8, byForm)
}

// mayBeDate reports whether a number has a length, and beside it what stands beside, the
// first number of a date, be that its year, its month or its day.
func mayBeDate(c *chunk) bool {
	n := c.e - c.s
	if c.inside || n == 3 || n > 4 {
		return false
	}
	switch c.next {
	case '-', '/', '.':
		return true
	case ' ':
		return n <= 2
	}
	return c.prev == ' ' && n <= 2
}

// digitsAt reads up to so many digits at i, no more of which may follow.
func digitsAt(b []byte, i, most int) (value, end int) {
	for end = i; end < len(b) && end < i+most && is(b[end], isDig); end++ {
		value = value*10 + int(b[end]-'0')
	}
	if end < len(b) && is(b[end], isAlnum) && b[end] != 'T' && b[end] != 'Z' {
		return 0, i
	}
	return value, end
}

func validDay(y, m, d int) bool {
	return m >= 1 && m <= 12 && d >= 1 && d <= 31 && y >= 0 && y <= 2200 && (y >= 1800 || y < 100)
}

func numericDate(b []byte, c *chunk) int {
	sep := c.next
	if sep != '-' && sep != '/' && sep != '.' {
		return 0
	}
	first, e1 := digitsAt(b, c.s, 4)
	if e1 != c.e {
		return 0
	}
	second, e2 := digitsAt(b, c.e+1, 2)
	if e2 == c.e+1 || e2 >= len(b) || b[e2] != sep {
		return 0
	}
	third, e3 := digitsAt(b, e2+1, 4)
	width := e3 - e2 - 1
	if width == 0 || e3 < len(b) && (b[e3] == sep || b[e3] == '-') && e3+1 < len(b) && is(b[e3+1], isDig) {
		return 0
	}
	switch first, second, third := first, second, third; {
	case c.e-c.s == 4 && width <= 2 && validDay(first, second, third) && first >= 1800:
		return e3
	case c.e-c.s <= 2 && width == 4 && third >= 1800 && (validDay(third, first, second) || validDay(third, second, first)):
		return e3
	case c.e-c.s <= 2 && width == 2 && sep == '/' && (validDay(third, first, second) || validDay(third, second, first)):
		return e3
	}
	return 0
}

// monthAt reads a month's name at i: one whose first three letters are those of
// an English name, which several languages share for most of them.
func monthAt(b []byte, i int) (end int) {
	if i+3 > len(b) || !is(b[i], isLet) {
		return 0
	}
	switch string([]byte{b[i] | 0x20, b[i+1] | 0x20, b[i+2] | 0x20}) {
	case "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec":
	default:
		return 0
	}
	end = i + 3
	for end < len(b) && end < i+10 && is(b[end], isLet) {
		end++
	}
	return end
}

// wordyDate reads 12 March 1985 and 12-Mar-1985.
func wordyDate(b []byte, c *chunk) int {
	if c.e-c.s > 2 || c.next != ' ' && c.next != '-' || c.e+1 >= len(b) || !is(b[c.e+1], isLet) {
		return 0
	}
	d, e := digitsAt(b, c.s, 2)
	if e != c.e || d < 1 || d > 31 {
		return 0
	}
	m := monthAt(b, c.e+1)
	if m == 0 || m >= len(b) || b[m] != ' ' && b[m] != '-' && b[m] != ',' {
		return 0
	}
	i := m + 1
	if i < len(b) && b[m] == ',' && b[i] == ' ' {
		i++
	}
	y, end := digitsAt(b, i, 4)
	if end-i != 4 || y < 1800 || y > 2200 {
		return 0
	}
	return end
}

// monthFirst reads March 12, 1985 when the pass stands at its day.
func monthFirst(b []byte, c *chunk, floor int) (start, end int) {
	if c.prev != ' ' || c.e-c.s > 2 || c.s < 4 || !is(b[c.s-2], isLet) {
		return 0, 0
	}
	d, e := digitsAt(b, c.s, 2)
	if e != c.e || d < 1 || d > 31 {
		return 0, 0
	}
	s := c.s - 1
	for s > floor && c.s-s < 12 && is(b[s-1], isLet) {
		s--
	}
	if m := monthAt(b, s); m != c.s-1 {
		return 0, 0
	}
	i := c.e
	for i < len(b) && i < c.e+2 && (b[i] == ',' || b[i] == ' ') {
		i++
	}
	y, end := digitsAt(b, i, 4)
	if end-i != 4 || y < 1800 || y > 2200 || i == c.e {
		return 0, 0
	}
	return s, end
}

// withTime takes a time of day behind a date into it.
func withTime(b []byte, end int) int {
	i := end
	if i >= len(b) || b[i] != ' ' && b[i] != 'T' {
		return end
	}
	i++
	parts := 0
	for {
		_, e := digitsAt(b, i, 2)
		if e != i+2 {
			return end
		}
		parts++
		i = e
		if i < len(b) && b[i] == ':' && parts < 3 {
			i++
			continue
		}
		break
	}
	if parts < 2 {
		return end
	}
	if i+1 < len(b) && (b[i] == '.' || b[i] == ',') && is(b[i+1], isDig) {
		i++
		for i < len(b) && is(b[i], isDig) {
			i++
		}
	}
	if i < len(b) && b[i] == 'Z' {
		i++
	}
	return i
}
