package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// objectsText writes a line for each object, then what to do.
func objectsText(w io.Writer, a data.Answer) error {
	count := map[scan.Verdict]int{}
	for _, o := range a.Objects {
		count[o.Verdict]++
		fmt.Fprintf(w, "%-10s  %s", o.Verdict, printable(o.Path))
		if o.Format != "" {
			fmt.Fprintf(w, " (%s)", o.Format)
		}
		if len(o.Labels) > 0 {
			fmt.Fprintf(w, ": %s", labelsText(o.Labels))
		}
		if len(o.Reasons) > 0 {
			fmt.Fprintf(w, "; not known: %s", strings.Join(o.Reasons, "; "))
		} else if len(o.Unknown) > 0 { // why a run ends as unknown though this object has a verdict
			fmt.Fprintf(w, "; not looked for: %s", strings.Join(o.Unknown, ", "))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\n%s: %d labelled, %d with nothing found in what was examined, %d unknown\n", counted(len(a.Objects), "object"), count[scan.Labelled], count[scan.None], count[scan.Unknown])
	storesText(w, a)
	for _, do := range dataDeeds(a) {
		fmt.Fprintln(w, do)
	}
	return nil
}

// counted is a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// maxLabelsShown keeps an object's line readable; JSON has them all.
const maxLabelsShown = 6

func labelsText(labels []scan.Label) string {
	rank := map[scan.Sensitivity]int{scan.High: 0, scan.Medium: 1, scan.Low: 2}
	sorted := slices.Clone(labels)
	slices.SortStableFunc(sorted, func(a, b scan.Label) int { return rank[a.Sensitivity] - rank[b.Sensitivity] })
	var out []string
	for _, l := range sorted[:min(len(sorted), maxLabelsShown)] {
		text := fmt.Sprintf("%s ×%d", printable(l.Type), l.Count)
		if l.Column != "" {
			text += " in " + printable(l.Column)
		}
		out = append(out, fmt.Sprintf("%s (%s, %.0f%%)", text, l.Sensitivity, 100*l.Confidence))
	}
	if more := len(sorted) - maxLabelsShown; more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(out, ", ")
}

// dataDeeds is what to do, the most urgent first.
func dataDeeds(a data.Answer) []string {
	var secrets, high, unread, nameless int
	for _, o := range a.Objects {
		has := func(f func(scan.Label) bool) int {
			if slices.ContainsFunc(o.Labels, f) {
				return 1
			}
			return 0
		}
		secrets += has(func(l scan.Label) bool { return l.Group == scan.Credentials })
		high += has(func(l scan.Label) bool { return l.Group != scan.Credentials && l.Sensitivity == scan.High })
		if slices.Contains(o.Unknown, "PERSON") { // organisations no model knows
			nameless++
		}
		if len(o.Reasons) > min(1, len(o.Unknown)) {
			unread++
		}
	}
	var do []string
	add := func(n int, format string) {
		if n > 0 {
			do = append(do, "do: "+fmt.Sprintf(format, counted(n, "object")))
		}
	}
	add(secrets, "replace the credentials in %s, then take them out: whoever could read the file may have them")
	add(len(a.Forbidden), "take the data out of %s where the policy forbids it, or approve the place (sevenfold.yaml, data: approved)")
	add(high, "see that highly sensitive data in %s is meant to be there; sevenfold data flows shows where it goes from there")
	add(nameless, "make models, then scan again: names of persons and places were not looked for in %s")
	add(unread, "mend or convert what was not examined of %s and scan it again; not examined is no pass")
	if len(a.Objects) == 0 {
		do = append(do, "do: name a folder that holds files: nothing was examined")
	}
	return do
}
