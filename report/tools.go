package report

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// seenBy names the other tools that saw a fault; empty where only sevenfold did.
// A finding under a foreign control is theirs alone.
func seenBy(f *finding.Finding) string {
	if len(f.Tools) == 0 {
		return ""
	}
	names := strings.Join(lines(f.Tools[:min(len(f.Tools), 6)]), ", ")
	switch {
	case f.Status == finding.Unknown:
		return "left open by " + names
	case strings.HasPrefix(f.Control, "foreign:"):
		return "seen by " + names
	}
	return "also seen by " + names
}

// lines makes each text one line.
func lines(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = short(line(s), 80)
	}
	return out
}
