package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// verdictWords says a verdict as people do.
func verdictWords(v finding.Verdict) string {
	switch v {
	case finding.Ready:
		return "ready"
	case finding.NotReady:
		return "not ready"
	}
	return "could not tell"
}

// number writes n with thousands separated.
func number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// many writes "1 asset", "2,000 assets".
func many(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	if strings.HasSuffix(one, "y") && !strings.HasSuffix(one, "ay") {
		return number(n) + " " + strings.TrimSuffix(one, "y") + "ies"
	}
	return number(n) + " " + one + "s"
}

// headline sums the verdicts up in one sentence; waived of the ready workloads
// are so by waivers only.
func headline(c VerdictCounts, waived int) string {
	total := c.Total()
	switch {
	case total == 0:
		return "No AI workload was found, so nothing can be called ready."
	case waived > 0 && c.Ready == total && total == 1:
		return "The workload is ready by waivers only."
	case waived > 0 && c.Ready == total:
		return fmt.Sprintf("All %s are ready, %s of them by waivers only.", many(total, "workload"), number(waived))
	case c.Ready == total && total == 1:
		return "The workload is ready."
	case c.Ready == total:
		return fmt.Sprintf("All %s are ready.", many(total, "workload"))
	}
	var parts []string
	if c.NotReady > 0 {
		are := "are"
		if c.NotReady == 1 {
			are = "is"
		}
		parts = append(parts, fmt.Sprintf("%s of %s %s not ready", number(c.NotReady), many(total, "workload"), are))
	}
	if c.Unknown > 0 {
		of := ""
		if len(parts) == 0 {
			of = " of " + many(total, "workload")
		}
		parts = append(parts, number(c.Unknown)+of+" could not be told")
	}
	if c.Ready > 0 {
		ready := number(c.Ready) + " ready"
		if waived > 0 {
			ready += fmt.Sprintf(" (%s by waivers only)", number(waived))
		}
		parts = append(parts, ready)
	}
	return strings.Join(parts, ", ") + "."
}

// estateName is the estate's name, safe to print.
func (d *Document) estateName() string {
	if d.Estate == "" {
		return "unnamed estate"
	}
	return line(d.Estate)
}

// again is the command that makes this report, for "the rest is there".
func (d *Document) again() string {
	if d.Command == "" {
		return "sevenfold assess"
	}
	return line(d.Command)
}

// orNone replaces an empty value by words.
func orNone(s, none string) string {
	if s = line(s); s == "" {
		return line(none)
	}
	return s
}

// shell quotes a workload's name for a command line that is shown to be copied.
func shell(s string) string {
	s = line(s)
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// firstSentence is the first sentence of s, for one line.
func firstSentence(s string) string {
	s = line(s)
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

// zoneWords says where a workload is; "unzoned" is the scope's word for nowhere.
func zoneWords(zone string) string {
	if z := line(zone); z != "" && z != "unzoned" {
		return "zone " + z
	}
	return "in no zone"
}
