package sigma

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// matcher decides about one value of a field.
type matcher interface {
	match(v cursor.Value) bool
	// String says what is matched, for a person.
	String() string
}

type textOp uint8

const (
	exact textOp = iota
	prefix
	suffix
	contains
)

// text compares with a text; it is in lower case unless cased.
type text struct {
	op    textOp
	want  string
	cased bool
}

func (m *text) match(v cursor.Value) bool {
	if v.Kind == cursor.Null {
		return false
	}
	s, want := v.Text, m.want
	if !m.cased {
		switch m.op {
		case exact:
			if len(s) == len(want) && foldPrefix(s, want) {
				return true
			}
		case prefix:
			if foldPrefix(s, want) {
				return true
			}
		case suffix:
			if len(s) >= len(want) && foldPrefix(s[len(s)-len(want):], want) {
				return true
			}
		}
		if isASCII(s) {
			return m.op == contains && foldContains(s, want)
		}
		s = strings.ToLower(s)
	}
	switch m.op {
	case exact:
		return s == want
	case prefix:
		return strings.HasPrefix(s, want)
	case suffix:
		return strings.HasSuffix(s, want)
	}
	return strings.Contains(s, want)
}

func (m *text) String() string {
	return [...]string{"is ", "begins with ", "ends with ", "contains "}[m.op] + strconv.Quote(m.want)
}

// foldPrefix says whether s begins with low, which is in lower case; by ASCII only.
func foldPrefix(s, low string) bool {
	if len(s) < len(low) {
		return false
	}
	for i := range len(low) {
		ch := s[i]
		if ch >= 'A' && ch <= 'Z' {
			ch += 'a' - 'A'
		}
		if ch != low[i] {
			return false
		}
	}
	return true
}

// foldContains says whether low, which is in lower case, stands in s; by ASCII only.
func foldContains(s, low string) bool {
	if low == "" {
		return true
	}
	first, other := low[0], low[0]
	if first >= 'a' && first <= 'z' {
		other -= 'a' - 'A'
	}
	next := func(from int, ch byte) int {
		if i := strings.IndexByte(s[from:], ch); i >= 0 {
			return from + i
		}
		return len(s)
	}
	i, j := next(0, first), next(0, other)
	for {
		at := min(i, j)
		if at+len(low) > len(s) {
			return false
		}
		if foldPrefix(s[at:], low) {
			return true
		}
		if i == at {
			i = next(at+1, first)
		}
		if j == at {
			j = next(at+1, other)
		}
	}
}

func isASCII(s string) bool {
	for len(s) >= 8 {
		if (s[0]|s[1]|s[2]|s[3]|s[4]|s[5]|s[6]|s[7])&0x80 != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

type glob struct {
	p     pattern
	cased bool
}

func (m *glob) match(v cursor.Value) bool {
	if v.Kind == cursor.Null {
		return false
	}
	if m.cased {
		return m.p.glob(v.Text)
	}
	return m.p.glob(strings.ToLower(v.Text))
}

func (m *glob) String() string {
	var b strings.Builder
	for _, q := range m.p {
		if q.wild != 0 {
			b.WriteByte(q.wild)
		}
		b.WriteString(q.text)
	}
	return "is like " + strconv.Quote(b.String())
}

// expression is a regular expression. Go's take time linear in the text,
// whatever the pattern.
type expression struct{ re *regexp.Regexp }

func (m *expression) match(v cursor.Value) bool {
	return v.Kind != cursor.Null && m.re.MatchString(v.Text)
}

func (m *expression) String() string { return "matches " + strconv.Quote(m.re.String()) }

// number is a number written without quotes: it is met by the same number, and
// by text that is written the same.
type number struct {
	text  string
	value float64
}

func (m *number) match(v cursor.Value) bool {
	if v.Kind == cursor.Null {
		return false
	}
	if v.Text == m.text {
		return true
	}
	if v.Kind != cursor.Number {
		return false
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	return err == nil && f == m.value
}

func (m *number) String() string { return "is " + m.text }

type boolean bool

func (m boolean) match(v cursor.Value) bool {
	return v.Kind != cursor.Null && strings.EqualFold(v.Text, strconv.FormatBool(bool(m)))
}

func (m boolean) String() string { return "is " + strconv.FormatBool(bool(m)) }

// compare is lt, lte, gt or gte; text that is a number counts as one.
type compare struct {
	op   string
	want float64
}

func (m *compare) match(v cursor.Value) bool {
	if v.Kind != cursor.Number && v.Kind != cursor.String {
		return false
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	return err == nil && holds(m.op, f, m.want)
}

func (m *compare) String() string {
	return "is " + m.op + " " + strconv.FormatFloat(m.want, 'g', -1, 64)
}

// holds compares by a Sigma operator; what is no number (NaN) never holds but for neq.
func holds(op string, a, b float64) bool {
	switch op {
	case "lt":
		return a < b
	case "lte":
		return a <= b
	case "gt":
		return a > b
	case "gte":
		return a >= b
	case "eq":
		return a == b
	}
	return a != b
}

type network struct{ prefixes netip.Prefix }

func (m *network) match(v cursor.Value) bool {
	if v.Kind != cursor.String {
		return false
	}
	a, err := netip.ParseAddr(v.Text)
	if err != nil {
		// A range lies in the network if all of it does.
		p, err := netip.ParsePrefix(v.Text)
		return err == nil && p.Bits() >= m.prefixes.Bits() && m.prefixes.Contains(p.Addr())
	}
	return m.prefixes.Contains(a.Unmap().WithZone(""))
}

func (m *network) String() string { return "lies in " + m.prefixes.String() }

// timePart takes a number out of a date, in UTC, for another matcher.
type timePart struct {
	part string
	kid  matcher
}

func (m *timePart) match(v cursor.Value) bool {
	if v.Kind != cursor.String && v.Kind != cursor.Number {
		return false
	}
	ms, err := ocsf.AnyTime(v.Text)
	if err != nil {
		return false
	}
	return m.kid.match(cursor.Value{Text: strconv.Itoa(partOf(m.part, ms)), Kind: cursor.Number})
}

func (m *timePart) String() string { return m.part + " " + m.kid.String() }
