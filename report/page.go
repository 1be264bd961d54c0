package report

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// The SGR codes text uses, when colour is allowed.
const (
	boldCode = "1"
	dimCode  = "2"
	red      = "31"
	green    = "32"
	yellow   = "33"
	cyan     = "36"
)

// page lays text out in a fixed number of columns.
type page struct {
	strings.Builder
	width int
	color bool
	ascii bool
}

func newPage(opt Options) *page {
	return &page{width: min(max(opt.Width, 80), 120), color: opt.Color, ascii: opt.ASCII}
}

// finish returns the page's text.
func (p *page) finish() string {
	if p.ascii {
		return strings.ReplaceAll(p.String(), "…", "...")
	}
	return p.String()
}

func (p *page) line(s string) {
	p.WriteString(strings.TrimRight(s, " "))
	p.WriteByte('\n')
}

// section starts a part of the report.
func (p *page) section(title string) {
	p.line("")
	p.line(p.bold(strings.ToUpper(title)))
}

func (p *page) rule() {
	mark := "─"
	if p.ascii {
		mark = "-"
	}
	p.line(p.dim(strings.Repeat(mark, p.width)))
}

// para writes wrapped text, indented.
func (p *page) para(indent int, s string) { p.hang(strings.Repeat(" ", indent), indent, s) }

// hang writes lead (which takes the given columns; escapes do not count), then
// s wrapped with further lines indented as far.
func (p *page) hang(lead string, columns int, s string) {
	open, text, closing := unwrapColor(s)
	lines := wrap(text, p.width-columns)
	if len(lines) == 0 {
		lines = []string{""}
	}
	if lead == "" {
		lead = strings.Repeat(" ", columns)
	}
	for i, l := range lines {
		if i > 0 {
			lead = strings.Repeat(" ", columns)
		}
		p.line(lead + open + l + closing)
	}
}

// unwrapColor parts text that is wholly inside one SGR pair from its escapes,
// so that each wrapped line is closed.
func unwrapColor(s string) (open, text, closing string) {
	const reset = "\x1b[0m"
	if !strings.HasPrefix(s, "\x1b[") || !strings.HasSuffix(s, reset) || strings.Count(s, "\x1b") != 2 {
		return "", s, ""
	}
	i := strings.IndexByte(s, 'm')
	return s[:i+1], s[i+1 : len(s)-len(reset)], reset
}

const fieldColumns = 13

// field writes a labelled, wrapped part of a blocker or blind spot.
func (p *page) field(label, s string) {
	p.hang(p.label(label), fieldColumns, s)
}

// verbatim writes a labelled line that is not wrapped: it is there to be copied.
func (p *page) verbatim(label, s string) { p.line(p.label(label) + s) }

func (p *page) label(s string) string {
	return "     " + p.dim(pad(s, fieldColumns-6)) + " "
}

func (p *page) paint(code, s string) string {
	if !p.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *page) bold(s string) string { return p.paint(boldCode, s) }
func (p *page) dim(s string) string  { return p.paint(dimCode, s) }

// verdict is the verdict in the words given, padded to n columns.
func (p *page) verdict(v finding.Verdict, words string, n int) string {
	s := pad(strings.ToUpper(words), n)
	switch v {
	case finding.Ready:
		return p.paint(green, s)
	case finding.NotReady:
		return p.paint(red, s)
	}
	return p.paint(yellow, s)
}

func (p *page) severity(s finding.Severity) string {
	text := pad(line(string(s)), 8)
	switch s {
	case finding.Critical, finding.High:
		return p.paint(red, text)
	case finding.Medium:
		return p.paint(yellow, text)
	}
	return text
}

// marks are a rung's lines as one mark each, padded to n columns.
func (p *page) marks(r rung, n int) string {
	var b strings.Builder
	for _, l := range r.Lines {
		b.WriteString(p.mark(l.Status()))
	}
	if missing := n - len(r.Lines); missing > 0 {
		b.WriteString(strings.Repeat(" ", missing))
	}
	return b.String()
}

func (p *page) mark(s finding.CriterionStatus) string {
	marks := map[finding.CriterionStatus][3]string{
		finding.CriterionPass:    {"●", "+", green},
		finding.CriterionFail:    {"×", "x", red},
		finding.CriterionUnknown: {"?", "?", yellow},
		finding.CriterionNA:      {"–", "-", dimCode},
		finding.CriterionWaived:  {"w", "w", cyan},
	}
	m, ok := marks[s]
	if !ok {
		m = marks[finding.CriterionUnknown]
	}
	if p.ascii {
		return p.paint(m[2], m[1])
	}
	return p.paint(m[2], m[0])
}

func (p *page) legend() string {
	if p.ascii {
		return "+ pass  x fail  ? could not tell  - not applicable  w waived"
	}
	return "● pass  × fail  ? could not tell  – not applicable  w waived"
}

func (p *page) dot() string {
	if p.ascii {
		return " | "
	}
	return " · "
}

func (p *page) arrow() string {
	if p.ascii {
		return "->"
	}
	return "→"
}
