package control

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// shownControls bounds how many controls a requirement's line names; each
// control's own part says all it bears on.
const shownControls = 4

// Coverage says which controls bear on each id of a framework.
type Coverage struct {
	Framework Framework
	// Controls are, for each id of the framework in its order, the ids of the
	// controls that bear on it; empty for none.
	Controls [][]string
}

// Coverage sets the controls beside the ids of every framework.
func (s *Set) Coverage() []Coverage {
	by := map[string][]string{}
	for _, c := range s.controls {
		for _, id := range c.Frameworks {
			by[id] = append(by[id], c.ID)
		}
	}
	var out []Coverage
	for _, f := range s.frameworks {
		c := Coverage{Framework: f}
		for _, id := range f.IDs {
			c.Controls = append(c.Controls, by[id])
		}
		out = append(out, c)
	}
	return out
}

// writeFrameworks writes, of each framework, what controls bear on and what
// none does.
func (s *Set) writeFrameworks(w io.Writer) {
	all := s.Coverage()
	fmt.Fprint(w, "\n# Frameworks\n\nA control bears on the ids its control.yaml names and on those that follow from its weakness\n")
	fmt.Fprint(w, "(`controls/catalogue/rules/bridges.yaml`). To bear on a requirement is not to fulfil it: most ask for more than\na configuration can show, and those nobody can ask of a configuration have none.\n\n")
	fmt.Fprint(w, "| framework | version | ids | with controls | source | licence |\n|---|---|---|---|---|---|\n")
	for _, c := range all {
		f := c.Framework
		fmt.Fprintf(w, "| %s | %s | %d | %d | %s | %s |\n", cell(f.Name), cell(f.Version), len(f.IDs), c.with(), cell(f.Source), cell(f.Licence))
	}
	for _, c := range all {
		s.writeCoverage(w, c)
	}
}

func (c *Coverage) with() int {
	n := 0
	for _, list := range c.Controls {
		if len(list) > 0 {
			n++
		}
	}
	return n
}

func (s *Set) writeCoverage(w io.Writer, c Coverage) {
	fmt.Fprintf(w, "\n## %s %s\n\n", c.Framework.Name, c.Framework.Version)
	var none []string
	for i, id := range c.Framework.IDs {
		if len(c.Controls[i]) == 0 {
			none = append(none, id)
		}
	}
	if len(none) < len(c.Framework.IDs) {
		fmt.Fprint(w, "| id | what | controls | which |\n|---|---|---|---|\n")
	}
	for i, id := range c.Framework.IDs {
		list := c.Controls[i]
		if len(list) == 0 {
			continue
		}
		shown := slices.Clone(list[:min(len(list), shownControls)])
		for i, id := range shown {
			shown[i] = link(id)
		}
		if more := len(list) - len(shown); more > 0 {
			shown = append(shown, fmt.Sprintf("and %d more", more))
		}
		fmt.Fprintf(w, "| %s | %s | %d | %s |\n", id, cell(s.Name(id)), len(list), strings.Join(shown, ", "))
	}
	if len(none) > 0 {
		fmt.Fprintf(w, "\nNo control (%d): %s.\n", len(none), strings.Join(none, ", "))
	}
}
