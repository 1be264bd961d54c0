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
// who decide whether they agree with them: one table of all, what peers ask
// beside it, what frameworks ask, then each control with its question, the types
// it is asked of, for whom it would be wrong and its ids.
func (s *Set) WriteCatalogue(w io.Writer, peers []Peer) error {
	out := bufio.NewWriter(w)
	types := map[string]bool{}
	for _, c := range s.controls {
		for _, t := range c.Types {
			types[t] = true
		}
	}
	fmt.Fprint(out, "# Controls\n\nWritten by `go generate ./control` from the folders under `controls/`: change those, not this page.\n\n")
	fmt.Fprintf(out, "Controls: %d; types of asset: %d. Each asks one fact of one asset; what could\nnot be read makes its answer unknown, never a pass.\n", len(s.controls), len(types))
	all, system, infrastructure := s.Distinct()
	fmt.Fprintf(out, "\nDistinct questions: %d, of them on AI: %d (%d on AI systems, %d on what AI runs on and reads from).\n", all, system+infrastructure, system, infrastructure)
	fmt.Fprint(out, "A question that several controls ask of different types counts once; which types are AI is said in\n`controls/catalogue/rules/ai.yaml`.\n")
	for _, step := range steps {
		s.writeStep(out, step)
	}
	s.writeQuestions(out)
	for i := range peers {
		writePeer(out, &peers[i])
	}
	s.writeFrameworks(out)
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
	fmt.Fprintf(w, "\n## Step %s (%d)\n\n| control | severity | AI | asks |\n|---|---|---|---|\n", step, len(mine))
	for _, c := range mine {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", link(c.ID), c.Severity, c.AI, cell(c.Asks))
	}
}

// writeQuestions writes which controls ask one question of different types.
func (s *Set) writeQuestions(w io.Writer) {
	if len(s.questions) == 0 {
		return
	}
	fmt.Fprint(w, "\n## Questions asked of several types\n\n| question | controls |\n|---|---|\n")
	for _, q := range s.questions {
		links := make([]string, len(q.Controls))
		for i, id := range q.Controls {
			links[i] = link(id)
		}
		fmt.Fprintf(w, "| %s | %s |\n", cell(q.Asks), strings.Join(links, ", "))
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
	var named, numbers []string
	for i, id := range slices.Concat(c.Frameworks, c.Techniques) {
		if i < c.own || i >= len(c.Frameworks) {
			named = append(named, id+" "+s.Name(id))
		} else {
			numbers = append(numbers, id)
		}
	}
	if len(named) > 0 {
		fmt.Fprintf(w, "- Bears on: %s\n", strings.Join(named, "; "))
	}
	if len(numbers) > 0 {
		fmt.Fprintf(w, "- Requirements: %s\n", strings.Join(numbers, ", "))
	}
}

func quoted(list []string) string { return "`" + strings.Join(list, "`, `") + "`" }

// cell is text that may stand in a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "|", `\|`), "\n", " ")
}
