package control

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

//go:generate go test -run TestDocsAreCurrent -update .

// WriteCatalogue writes the controls of the set as a Markdown page for people
// who decide whether they agree with them: one table of all, then each with its
// question, the types it is asked of, for whom it would be wrong and its ids.
func (s *Set) WriteCatalogue(w io.Writer) error {
	out := bufio.NewWriter(w)
	types := map[string]bool{}
	for _, c := range s.controls {
		for _, t := range c.Types {
			types[t] = true
		}
	}
	fmt.Fprint(out, "# Controls\n\nWritten by `go generate ./control` from the folders under `controls/`: change those, not this page.\n\n")
	fmt.Fprintf(out, "Controls: %d; types of asset: %d. Each asks one fact of one asset; what could\nnot be read makes its answer unknown, never a pass.\n", len(s.controls), len(types))
	for _, step := range steps {
		s.writeStep(out, step)
	}
	fmt.Fprint(out, "\n# Each control\n")
	for _, c := range s.controls {
		s.writeControl(out, c)
	}
	return out.Flush()
}

// writeStep writes the table of one step's controls, the gravest first.
func (s *Set) writeStep(w io.Writer, step string) {
	var mine []*Control
	for _, c := range s.controls {
		if c.Step == step {
			mine = append(mine, c)
		}
	}
	if len(mine) == 0 {
		return
	}
	slices.SortStableFunc(mine, func(a, b *Control) int { return b.Severity.Rank() - a.Severity.Rank() })
	fmt.Fprintf(w, "\n## Step %s (%d)\n\n| control | severity | asks |\n|---|---|---|\n", step, len(mine))
	for _, c := range mine {
		fmt.Fprintf(w, "| [%s](#%s) | %s | %s |\n", c.ID, c.ID, c.Severity, cell(c.Asks))
	}
}

func (s *Set) writeControl(w io.Writer, c *Control) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n\n", c.ID, c.Asks)
	fmt.Fprintf(w, "- Severity %s, step %s, %s\n", c.Severity, c.Step, c.Lifecycle)
	fmt.Fprintf(w, "- Asked of: %s\n", quoted(c.Types))
	fmt.Fprintf(w, "- Reads: %s\n", quoted(c.Reads))
	fmt.Fprintf(w, "- When it fails: %s. %s\n", strings.TrimSuffix(c.Title, "."), c.Why)
	fmt.Fprint(w, "- Would be wrong for:\n")
	for _, who := range c.InvalidFor {
		fmt.Fprintf(w, "  - %s\n", who)
	}
	if ids := slices.Concat(c.Frameworks, c.Techniques); len(ids) > 0 {
		for i, id := range ids {
			ids[i] = id + " " + s.Name(id)
		}
		fmt.Fprintf(w, "- Bears on: %s\n", strings.Join(ids, "; "))
	}
}

func quoted(list []string) string { return "`" + strings.Join(list, "`, `") + "`" }

// cell is text that may stand in a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}
