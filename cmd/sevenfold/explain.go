package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

func newExplain(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "explain CONTROL|FINDING|CRITERION",
		Short: "Why it matters, how it is decided, how to mend it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("explain", "text", "json"); err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			if c := s.controls.Find(args[0]); c != nil {
				return g.explainControl(c, nil)
			}
			if r, ok := ruleOf(args[0]); ok {
				return g.explainRule(r, nil)
			}
			if l, ok := gate.Find(args[0]); ok {
				return g.explainLine(l)
			}
			if strings.HasPrefix(args[0], foreign) {
				return g.explainForeign(args[0], nil)
			}
			if strings.HasPrefix(args[0], "F-") {
				return s.explainFinding(cmd, args[0])
			}
			hint := "criteria are named STEP.LINE (audit.deviations); controls as in the findings"
			if near := nearest(args[0], s.controls); near != "" {
				hint = "did you mean: sevenfold explain " + near
			}
			return usage(fmt.Sprintf("nothing is called %q", args[0]), hint)
		},
	}
}

// nearest returns the control whose id shares the most words with the one
// given; empty if none shares two.
func nearest(id string, set *control.Set) string {
	best, most := "", 1
	words := strings.Split(id, "-")
	for _, c := range set.Controls() {
		n := 0
		for _, w := range strings.Split(c.ID, "-") {
			if slices.Contains(words, w) {
				n++
			}
		}
		if n > most {
			best, most = c.ID, n
		}
	}
	return best
}

// explainFinding looks the finding up in the latest stored snapshot.
func (s *session) explainFinding(cmd *cobra.Command, id string) error {
	result, err := s.run(cmd.Context(), reading{snapshot: "latest"})
	if err != nil {
		return err
	}
	for i := range result.Findings {
		if f := &result.Findings[i]; f.ID == id {
			c := s.controls.Find(f.Control)
			if r, ok := ruleOf(f.Control); ok && c == nil {
				return s.g.explainRule(r, f)
			}
			if c == nil && strings.HasPrefix(f.Control, foreign) {
				return s.g.explainForeign(f.Control, f)
			}
			if c == nil {
				return usage(fmt.Sprintf("the control %s of %s is not loaded", f.Control, id), "sevenfold assess judges again")
			}
			return s.g.explainControl(c, f)
		}
	}
	return usage(fmt.Sprintf("no finding %s in the latest snapshot", id), "it may have been mended since; sevenfold assess lists what is open")
}

// explainControl writes a control, and the finding it made if one is given.
func (g *globals) explainControl(c *control.Control, f *finding.Finding) error {
	return g.write(func(w io.Writer) error {
		if g.format == "json" {
			return writeJSON(w, map[string]any{"control": map[string]any{
				"id": c.ID, "step": c.Step, "severity": c.Severity, "title": c.Title, "asks": c.Asks, "why": c.Why,
				"types": c.Types, "applies": c.Applies(), "fails": c.Fails(), "reads": c.Reads, "invalid_for": c.InvalidFor,
				"fix": c.Fix, "frameworks": c.Frameworks, "techniques": c.Techniques}, "finding": f})
		}
		fmt.Fprintf(w, "%s (%s, step %s, %s)\n\n  %s\n\n", c.ID, c.Severity, c.Step, c.Lifecycle, c.Title)
		if f != nil {
			fmt.Fprintf(w, "On %s: %s\n", printable(f.Asset), f.Status)
			for _, e := range f.Evidence {
				fmt.Fprintf(w, "  %s = %s\n", printable(e.Where), printable(e.Value))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "Asks        %s\nWhy         %s\nOf          %s\n", c.Asks, c.Why, strings.Join(c.Types, ", "))
		if c.Applies() != "" {
			fmt.Fprintf(w, "Applies if  %s\n", c.Applies())
		}
		fmt.Fprintf(w, "Fails if    %s\nReads       %s\n", c.Fails(), strings.Join(c.Reads, ", "))
		fmt.Fprintf(w, "Invalid for %s\n", strings.Join(c.InvalidFor, "; "))
		fix := c.Fix
		if f != nil {
			fix = f.Fix
		}
		fmt.Fprintf(w, "Mend        %s (%s)\n", fix.Text, fix.Effort)
		for _, cmd := range fix.Commands {
			fmt.Fprintf(w, "            %s\n", printable(cmd))
		}
		if len(fix.Disrupts) > 0 {
			fmt.Fprintf(w, "Disrupts    %s\n", strings.Join(fix.Disrupts, ", "))
		}
		_, err := fmt.Fprintf(w, "Known as    %s\n", strings.Join(append(slices.Clone(c.Frameworks), c.Techniques...), ", "))
		return err
	})
}

// ruleOf finds what a step asks by itself, without a control.
func ruleOf(id string) (finding.Rule, bool) {
	for _, r := range assess.Rules() {
		if r.ID == id {
			return r, true
		}
	}
	return finding.Rule{}, false
}

// explainRule writes such a question, and the finding it made if one is given.
func (g *globals) explainRule(r finding.Rule, f *finding.Finding) error {
	return g.write(func(w io.Writer) error {
		if g.format == "json" {
			return writeJSON(w, map[string]any{"control": map[string]any{"id": r.ID, "step": r.Step, "severity": r.Severity, "title": r.Title, "asks": r.Asks, "why": r.Why,
				"invalid_for": r.InvalidFor, "fix": finding.Fix{Text: r.Fix, Effort: "minutes"}}, "finding": f})
		}
		fmt.Fprintf(w, "%s (at most %s, step %s)\n\n  %s\n\n", r.ID, r.Severity, r.Step, r.Title)
		fix := finding.Fix{Text: r.Fix, Effort: "minutes"}
		if f != nil {
			fix = f.Fix
			fmt.Fprintf(w, "On %s: %s, %s\n", printable(f.Asset), f.Status, f.Severity)
			for _, e := range f.Evidence {
				fmt.Fprintf(w, "  %s: %s (%s)\n", printable(e.What), printable(e.Value), printable(e.Where))
			}
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "Asks        %s\nWhy         %s\nInvalid for %s\n", r.Asks, r.Why, strings.Join(r.InvalidFor, "; "))
		_, err := fmt.Fprintf(w, "Mend        %s (%s)\n", fix.Text, fix.Effort)
		for _, cmd := range fix.Commands {
			_, err = fmt.Fprintf(w, "            %s\n", printable(cmd))
		}
		return err
	})
}

// explainLine writes a line of the load table.
func (g *globals) explainLine(l gate.Line) error {
	return g.tell(map[string]any{"criterion": map[string]string{"id": l.ID, "asks": l.Asks, "next": l.Next}}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n\n  %s\n\nDecided for each workload: fail makes it not ready, unknown makes it undecided, a pass\nneeds evidence of what was examined. A named waiver with reason and expiry covers it.\nNext: %s\n",
			l.ID, l.Asks, l.Next)
		return err
	})
}
