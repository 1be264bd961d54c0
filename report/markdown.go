package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// markdownLimit is how many bytes Markdown writes at most: GitHub refuses a
// comment of more than 65,536 characters.
const markdownLimit = 60_000

// Markdown writes the report as a pull request comment, at most 60,000 bytes
// long; what does not fit is left out and said to be. Values of the estate
// cannot open markup, mention anyone or break a table: they stand in code
// spans or with every special character as an entity.
func Markdown(w io.Writer, doc *Document) error {
	m := &markdown{ix: newIndex(doc)}
	m.top()
	m.table()
	m.blockers()
	m.workloads()
	m.blind()
	m.ladder()
	_, err := io.WriteString(w, m.bounded())
	return err
}

// markdown collects the parts of a comment; only whole parts are left out.
type markdown struct {
	ix    *index
	parts []string
}

func (m *markdown) add(format string, a ...any) { m.parts = append(m.parts, fmt.Sprintf(format, a...)) }

// bounded joins the parts that fit, most important first as they were added.
func (m *markdown) bounded() string {
	const room = 300 // for the words about what is left out
	var b strings.Builder
	for i, p := range m.parts {
		if b.Len()+len(p) > markdownLimit-room {
			fmt.Fprintf(&b, "\n_The report is longer than a comment may be: %s left out here. %s shows all._\n",
				many(len(m.parts)-i, "part"), code(short(m.ix.doc.again(), 120)+" --format html"))
			break
		}
		b.WriteString(p)
	}
	return b.String()
}

// verdictMarks lead a verdict; the words say the same.
var verdictMarks = map[finding.Verdict]string{finding.Ready: "🟢", finding.NotReady: "🔴", finding.VerdictUnknown: "🟡"}

func verdictMark(v finding.Verdict) string {
	if m, ok := verdictMarks[v]; ok {
		return m
	}
	return verdictMarks[finding.VerdictUnknown]
}

func (m *markdown) top() {
	d := m.ix.doc
	m.add("## sevenfold: %s\n\n", prose(headline(d.Counts.Workloads, m.ix.readyByWaiver())))
	m.add("%s, taken %s, %s, %s.\n\n", code(d.estateName()), d.Taken.UTC().Format(time.RFC3339), many(d.Counts.Assets, "asset"), many(len(d.Sources), "source"))
	for i, s := range d.Sources {
		if i == 20 {
			m.add("- and %s more sources\n", number(len(d.Sources)-i))
			break
		}
		if s.Status != "complete" {
			m.add("- source %s was read only in part: **%s**\n", code(s.Source), prose(s.Status))
		}
	}
}

func (m *markdown) table() {
	worst := m.ix.worstFirst()
	if len(worst) == 0 {
		return
	}
	var b strings.Builder
	b.WriteString("\n| workload | verdict | zone | owner |")
	shown, absent := parted(m.ix.ladder(worst))
	if len(shown) == 0 {
		shown, absent = absent, nil
	}
	in := map[string]bool{}
	for _, r := range shown {
		in[r.Step.ID] = true
		b.WriteString(" " + r.Step.ID + " |")
	}
	b.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(shown)) + "\n")
	full := labels(worst)
	for i, w := range worst {
		if i == tableRows {
			break
		}
		fmt.Fprintf(&b, "| %s | %s %s | %s | %s |", code(short(full[w.ID], 120)), verdictMark(w.Verdict), prose(m.ix.verdictOf(w)), cell(w.Zone), cell(w.Owner))
		for _, r := range m.ix.ladder([]*Workload{w}) {
			if in[r.Step.ID] {
				fmt.Fprintf(&b, " %s |", stepWord(r.Counts))
			}
		}
		b.WriteString("\n")
	}
	if len(worst) > tableRows {
		fmt.Fprintf(&b, "\nand %s more workloads, less pressing\n", number(len(worst)-tableRows))
	}
	if len(absent) > 0 {
		fmt.Fprintf(&b, "\n%s\n", noColumn(absent))
	}
	m.parts = append(m.parts, b.String())
}

// stepWord is a step's state in a few characters: failing, unknown or waived
// lines.
func stepWord(c StatusCounts) string {
	switch {
	case c.Fail > 0:
		return fmt.Sprintf("✗ %d", c.Fail)
	case c.Unknown > 0:
		return fmt.Sprintf("? %d", c.Unknown)
	case c.Waived > 0:
		return fmt.Sprintf("%d waived", c.Waived)
	}
	return "✓"
}

func (m *markdown) blockers() {
	all := m.ix.all
	if len(all) == 0 {
		return
	}
	m.add("\n### What holds %s back\n\n", map[bool]string{true: "it", false: "them"}[len(m.ix.doc.Workloads) == 1])
	for i, b := range all {
		if i == maxBlockers {
			m.add("\n%s not shown here.\n", many(len(all)-i, "more root cause"))
			break
		}
		m.parts = append(m.parts, m.blocker(i+1, b))
	}
}

func (m *markdown) blocker(n int, b *blocker) string {
	var s strings.Builder
	fmt.Fprintf(&s, "<details><summary><b>%d. %s</b> · %s · blocks %s", n, prose(short(line(b.Title), 300)), prose(string(b.Severity)), many(len(b.Workloads), "workload"))
	if b.Fix.Effort != "" {
		fmt.Fprintf(&s, " · takes %s", prose(short(line(b.Fix.Effort), 40)))
	}
	s.WriteString("</summary>\n\n")
	if b.Why != "" {
		s.WriteString(prose(short(firstSentence(b.Why), 600)) + "\n\n")
	}
	if way := m.ix.way(b, nil, " → "); way != "" {
		fmt.Fprintf(&s, "path: %s\n\n", code(short(way, 900)))
	}
	shown, left := m.ix.proofs(b, nil, 3)
	for _, f := range shown {
		fmt.Fprintf(&s, "- %s", code(short(line(f.Asset), 300)))
		if seen := seenBy(f); seen != "" {
			s.WriteString(", " + prose(seen))
		}
		s.WriteString("\n")
		for i, e := range f.Evidence {
			if i == 3 {
				break
			}
			what := prose(short(newWhat(f, e), 300))
			if what != "" && e.Where != "" {
				what += " at "
			}
			s.WriteString("  - " + what)
			if e.Where != "" {
				s.WriteString(code(short(line(e.Where), 200)))
			}
			if e.Value != "" {
				s.WriteString(": " + code(value(e.Value, 300)))
			}
			s.WriteString("\n")
		}
	}
	if left > 0 {
		fmt.Fprintf(&s, "- and %s more\n", number(left))
	}
	if b.Fix.Text != "" {
		fmt.Fprintf(&s, "\n**Fix:** %s\n", prose(short(line(b.Fix.Text), 900)))
	}
	if len(b.Fix.Disrupts) > 0 {
		fmt.Fprintf(&s, "\nDisrupts: %s\n", prose(short(line(strings.Join(b.Fix.Disrupts, ", ")), 300)))
	}
	if len(b.Fix.Commands) > 0 {
		s.WriteString("\n" + fence(b.Fix.Commands) + "\n")
	}
	s.WriteString("\n</details>\n")
	return s.String()
}

func (m *markdown) workloads() {
	full := labels(m.ix.worstFirst())
	for i, w := range m.ix.worstFirst() {
		if i == tableRows {
			break
		}
		var s strings.Builder
		fmt.Fprintf(&s, "\n<details><summary>%s %s: %s</summary>\n\n", verdictMark(w.Verdict), prose(short(full[w.ID], 160)), prose(m.ix.verdictOf(w)))
		shown, absent := parted(m.ix.ladder([]*Workload{w}))
		for _, r := range shown {
			fmt.Fprintf(&s, "- **%s**: %s\n", r.Step.Title, strings.Join(said(r), "; "))
		}
		for _, a := range absentOf(absent) {
			fmt.Fprintf(&s, "- %s\n", a.Words)
		}
		if full[w.ID] != orNone(w.Name, w.ID) {
			fmt.Fprintf(&s, "- id: %s\n", code(short(line(w.ID), 300)))
		}
		for _, v := range m.ix.waived(w) {
			fmt.Fprintf(&s, "- waived: %s\n", prose(short(v, 600)))
		}
		open, left := bounded(m.ix.acceptedOf[w.ID], maxBlockers)
		for _, b := range open {
			fmt.Fprintf(&s, "- waived, still open: %s %s\n", prose(string(b.Severity)), prose(short(line(b.Title), 300)))
		}
		if left > 0 {
			fmt.Fprintf(&s, "- waived, still open: %s\n", many(left, "more root cause"))
		}
		s.WriteString("\n</details>\n")
		m.parts = append(m.parts, s.String())
	}
}

func (m *markdown) blind() {
	groups := blindGroups(m.ix.doc.BlindSpots)
	if len(groups) == 0 {
		return
	}
	m.add("\n### Could not be seen\n\n")
	for i, g := range groups {
		if i == spotsShown {
			m.add("- and %s more\n", many(len(groups)-i, "cause"))
			break
		}
		what := prose(short(line(g.Head), 300))
		if len(g.Top) > 0 {
			what += ": " + prose(short(g.top(), 600))
		}
		why := ""
		if g.Why != "" {
			why = ": " + prose(short(line(g.Why), 300))
		}
		hint := ""
		if g.Hint != "" {
			hint = ". Next: " + code(short(line(g.Hint), 300))
		}
		m.add("- %s%s%s\n", what, why, hint)
	}
}

func (m *markdown) ladder() {
	worst := m.ix.worstFirst()
	if len(worst) == 0 {
		return
	}
	m.add("\n### The ladder\n\n| step | passes | cheapest next |\n|---|---|---|\n")
	shown, absent := parted(m.ix.ladder(worst))
	for _, r := range shown {
		do := "nothing"
		if len(r.Next) > 0 {
			do = code(short(line(r.Next[0].Do), 400))
		}
		holds := fmt.Sprintf("%s of %s", number(r.Counts.Pass+r.Counts.NA), number(r.Counts.Total()))
		if r.Counts.Waived > 0 {
			holds += fmt.Sprintf(", %s waived", number(r.Counts.Waived))
		}
		m.add("| %s | %s | %s |\n", r.Step.Title, holds, do)
	}
	if len(absent) > 0 {
		do := "nothing"
		if n := absentNext(absent); n != "" {
			do = code(n)
		}
		m.add("| %s | %s | %s |\n", absentTitles(absent), absentStanding(absent), do)
	}
}

// prose escapes a value for running text: every character that could open
// HTML or Markdown becomes an entity. Mentions and issue references are found
// only after entities are read, so their marks stand in an element of their own.
func prose(s string) string {
	return entities(s, func(b *strings.Builder, r rune) { fmt.Fprintf(b, "<span>&#%d;</span>", r) })
}

// entities writes s with what could be markup as entities, and the marks of
// mentions and references as reference does.
func entities(s string, reference func(*strings.Builder, rune)) string {
	var b strings.Builder
	s = line(s)
	for i, r := range s {
		switch r {
		case '@', '#':
			reference(&b, r)
		case '&', '<', '>', '"', '\'', '`', '*', '_', '[', ']', '(', ')', '|', '!', '~', '\\', '$', ':', '{', '}', '=':
			fmt.Fprintf(&b, "&#%d;", r)
		case '.':
			if i >= 3 && strings.EqualFold(s[i-3:i], "www") { // a bare host would become a link
				b.WriteString("&#46;")
				continue
			}
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// cell is prose for a table cell, with words for nothing.
func cell(s string) string { return prose(short(orNone(s, "none"), 80)) }

// code sets a value in a code element that it cannot leave. It is an element
// and not backticks, which do not protect a table's bars; mentions are not
// looked for inside.
func code(s string) string {
	return "<code>" + entities(s, func(b *strings.Builder, r rune) { fmt.Fprintf(b, "&#%d;", r) }) + "</code>"
}

// fence sets commands in a code block longer than any run of backticks in them.
func fence(commands []string) string {
	var body strings.Builder
	for _, c := range commands {
		body.WriteString(short(block(c), 4000) + "\n")
	}
	longest, run := 0, 0
	for _, r := range body.String() {
		if r == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	bar := strings.Repeat("`", max(3, longest+1))
	return bar + "sh\n" + body.String() + bar
}
