package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// foreign begins the controls of findings that only other tools make.
const foreign = "foreign:"

// explainForeign says what a check of another tool is here, and shows the
// finding it made if one is given: what the check asks is the tool's to explain.
func (g *globals) explainForeign(id string, f *finding.Finding) error {
	return g.tell(map[string]any{"control": map[string]any{"id": id}, "finding": f}, func(w io.Writer) error {
		fmt.Fprintf(w, "%s: a check of another tool, which no control of sevenfold asks the same as\n\n", printable(id))
		if f != nil {
			fmt.Fprintf(w, "  %s (%s, step %s)\n\nOn %s: %s\n", printable(f.Title), f.Severity, f.Step, printable(f.Asset), f.Status)
			for _, e := range f.Evidence {
				fmt.Fprintf(w, "  %s (%s) %s\n", printable(e.What), printable(e.Where), printable(e.Value))
			}
			fmt.Fprintf(w, "\nMend        %s\n", printable(f.Fix.Text))
		}
		_, err := fmt.Fprint(w, strings.TrimLeft(`
Counts      at the severity the tool gives it, under audit.deviations (known
            vulnerabilities under supply.vulnerabilities); a waiver covers it
            like any other
Decided by  the tool: its own words explain the check. The reports come from a
            source findings:PATH, or lie in a folder of exports
`, "\n"))
		return err
	})
}
