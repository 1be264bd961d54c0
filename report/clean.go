package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// steers reports whether r could steer a terminal, reorder or hide text:
// control characters (C0 but for line breaks and tabs, which callers treat
// themselves, DEL and C1), bidirectional controls, and invisible characters
// that make two different names look the same.
func steers(r rune) bool {
	switch {
	case r < 0x7f:
		return r < 0x20 && r != '\n' && r != '\t'
	case r <= 0x9f:
		return true
	case r == 0x061c, r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r == 0xfeff, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// lineMax is how many bytes of one value are printed; no provider has longer
// names, and a longer one is somebody's attempt at the reader's patience.
const lineMax = 4096

// line returns s safe to print on one line: steering characters become �,
// runs of white space one blank, and what is longer than lineMax is cut.
func line(s string) string {
	if len(s) < lineMax && plain(s) {
		return s
	}
	var b strings.Builder
	blank := false
	for _, r := range strings.TrimSpace(s) {
		switch {
		case unicode.IsSpace(r):
			if !blank {
				b.WriteByte(' ')
			}
			blank = true
			continue
		case steers(r), r == utf8.RuneError:
			r = utf8.RuneError
		}
		blank = false
		if b.Len()+utf8.UTFMax+len("…") > lineMax {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSuffix(b.String(), " ")
}

// plain is the quick way out: printable ASCII without double blanks.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return !strings.Contains(s, "  ") && strings.TrimSpace(s) == s
}

// block returns s safe to print over several lines: as line, but line breaks
// stay and a tab is four blanks.
func block(s string) string {
	var b strings.Builder
	for _, r := range strings.Trim(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		switch {
		case r == '\t':
			b.WriteString("    ")
			continue
		case steers(r):
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cells is the number of terminal columns s takes: wide East Asian characters
// and emoji take two, combining marks none.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// middle shortens s to at most n terminal columns by leaving out its middle:
// the ends of an ARN are what tells it from its neighbours.
func middle(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	if n < 5 {
		return take(s, n)
	}
	tail := n / 2
	return take(s, n-tail-1) + "…" + takeEnd(s, tail)
}

// short cuts s to at most n terminal columns, with an ellipsis.
func short(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	return take(s, n-1) + "…"
}

func take(s string, n int) string {
	for i, r := range s {
		if n -= runeCells(r); n < 0 {
			return s[:i]
		}
	}
	return s
}

func takeEnd(s string, n int) string {
	for i := len(s); i > 0; {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		if n -= runeCells(r); n < 0 {
			return s[i:]
		}
		i -= size
	}
	return s
}

// pad fills s with blanks to n terminal columns.
func pad(s string, n int) string {
	if c := cells(s); c < n {
		return s + strings.Repeat(" ", n-c)
	}
	return s
}

// wrap breaks s into lines of at most n columns at blanks; a word longer than a
// line stays whole, because a cut identifier or command cannot be copied.
func wrap(s string, n int) []string {
	var lines []string
	current, width := "", 0
	for _, word := range strings.Fields(s) {
		w := cells(word)
		if current != "" && width+1+w > n {
			lines = append(lines, current)
			current, width = "", 0
		}
		if current != "" {
			current, width = current+" ", width+1
		}
		current, width = current+word, width+w
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines
}
