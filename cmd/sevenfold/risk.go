package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/risk"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newRisk(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "risk",
		Short: "Attack paths to what matters, and the few fixes that cut the most of them",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRiskPaths(g), newRiskWhatIf(g))
	return cmd
}

func newRiskPaths(g *globals) *cobra.Command {
	var r reading
	var limits risk.Limits
	var to, from string
	cmd := &cobra.Command{
		Use:   "paths",
		Short: "The easiest way from where an attacker may begin to each thing that matters",
		Long: "A path follows what configuration declares, what logs show, and what the steps decided: who can read,\n" +
			"change, call or become what, and who can open a connection to whom. Each hop has its technique and its\n" +
			"difficulty. Below stand the fixes that cut the most paths, each reckoned after those before it.\n\n" +
			"Exit codes: 0 nothing that matters is reached, 1 something is, 3 that could not be told: part of the estate was not read.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("risk paths", "text", "json", "html"); err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			// What the internet meets stands in configurations, which a stored estate has
			// in the state.
			var ways *risk.Ways
			var taken time.Time
			ends := func(id, part string) bool { return id == part || strings.HasSuffix(id, part) }
			if from != "" {
				limits.From = func(a *estate.Asset) bool { return ends(a.ID, from) }
			}
			err = s.with(cmd.Context(), r, func(_ store.Store, _ assess.Options, result *assess.Result) error {
				ways, taken = assess.Ways(result, s.controls, limits), result.Seen.Taken()
				return nil
			})
			if err != nil {
				return err
			}
			if from != "" && ways.Reached == 0 {
				return usage(fmt.Sprintf("no path begins at %s", printable(from)), "sevenfold risk paths lists where attackers may begin; a beginning is an asset id or its last part")
			}
			if to != "" {
				ways.Only(func(p *risk.Path) bool { return ends(p.Target, to) })
				if len(ways.Paths) == 0 {
					return usage(fmt.Sprintf("no path listed ends at %s", printable(to)), "sevenfold risk paths --most 1000 lists more of them; an end is an asset id or its last part")
				}
			}
			err = g.tell(ways, func(w io.Writer) error {
				if g.format == "html" {
					return waysPage(w, ways, s.scope.Estate, taken)
				}
				return waysText(w, ways)
			})
			if err != nil {
				return err
			}
			switch {
			case ways.Reached > 0:
				return verdict(exitNotReady)
			case len(ways.Blind) > 0 || ways.Targets == 0:
				return verdict(exitUnknown)
			}
			return nil
		},
	}
	r.addTo(cmd)
	cmd.Flags().IntVar(&limits.Paths, "most", 20, "list at most `N` paths")
	cmd.Flags().IntVar(&limits.Chokes, "fixes", 5, "seek at most `N` fixes")
	cmd.Flags().StringVar(&from, "from", "", "only attackers who begin at this `ASSET`: its id or the last part of it")
	cmd.Flags().StringVar(&to, "to", "", "only paths that end at this `ASSET`: its id or the last part of it")
	return cmd
}

func waysText(w io.Writer, ways *risk.Ways) error {
	var b strings.Builder
	switch {
	case ways.Targets == 0:
		b.WriteString("Nothing that matters is known: no workload, no labelled data, no secret, no administrator.\n")
	case ways.Reached == 0 && len(ways.Blind) > 0:
		fmt.Fprintf(&b, "No way is known to any of %d things that matter, but not all was read.\n", ways.Targets)
	case ways.Reached == 0:
		fmt.Fprintf(&b, "No entry leads to any of %d things that matter.\n", ways.Targets)
	default:
		fmt.Fprintf(&b, "%d of %d things that matter can be come by from outside.\n", ways.Reached, ways.Targets)
	}
	for i := range ways.Paths {
		b.WriteByte('\n')
		pathLines(&b, &ways.Paths[i])
	}
	if ways.Left > 0 {
		fmt.Fprintf(&b, "\n%d more; --most N lists more of them\n", ways.Left)
	}
	if len(ways.Chokes) > 0 {
		b.WriteString("\nWhat cuts the most, each reckoned after those before it:\n")
		for i, c := range ways.Chokes {
			fmt.Fprintf(&b, "%3d. closes %s: %s", i+1, things(c.Cuts), printable(c.Text))
			if c.Finding != "" {
				fmt.Fprintf(&b, " (%s%s)", c.Finding, effortWords(c.Effort))
			}
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "     then %d of %d are still reached\n", ways.Remaining, ways.Reached)
	}
	if !ways.Tried {
		b.WriteString("     The estate is too large to try every fix: others may cut more.\n")
	}
	if len(ways.Blind) > 0 {
		b.WriteString("\nNot read, and so there may be more ways:\n")
		for _, line := range ways.Blind {
			b.WriteString("  " + printable(line) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func effortWords(effort string) string {
	if effort == "" {
		return ""
	}
	return ", " + effort
}

// pathLines tells one path, a line a hop.
func pathLines(b *strings.Builder, p *risk.Path) {
	fmt.Fprintf(b, "%s  %d  %s: %s (%s)\n", p.ID, p.Score, p.Class, printable(p.Target), printable(p.Because))
	for i, h := range p.Hops {
		if i == 0 {
			fmt.Fprintf(b, "    %s meets %s: %s\n", h.From, printable(h.To), printable(p.Why))
			continue
		}
		marks := h.Difficulty
		if h.Technique != "" {
			marks = h.Technique + ", " + marks
		}
		fmt.Fprintf(b, "    %s %s  [%s]\n", h.Words, printable(h.To), marks)
	}
}

func newRiskWhatIf(g *globals) *cobra.Command {
	var r reading
	var mended []string
	plan := ""
	cmd := &cobra.Command{
		Use:   "what-if {--mend F-ID… | --plan PLAN.json}",
		Short: "Which criteria and paths would change: findings mended, or a plan applied, on a copy",
		Long: "Nothing is written. With --mend, findings count as mended: what began or went on by them is gone, and a\n" +
			"criterion that rests on nothing else no longer fails. With --plan, both sides are judged whole.\n\n" +
			"Exit codes: 0 nothing gets worse, 1 a path opens or a criterion newly fails or is newly unknown,\n" +
			"3 some of the plan is known only after apply, or not understood.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("risk what-if", "text", "json"); err != nil {
				return err
			}
			if (len(mended) == 0) == (plan == "") {
				return usage("what should be taken to be otherwise?", "sevenfold risk what-if --mend F-0123456789abcdef, or --plan PLAN.json; sevenfold assess lists the findings")
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			w, err := s.whatIf(cmd.Context(), r, mended, plan)
			if err != nil {
				return err
			}
			if err := g.tell(w, func(out io.Writer) error { return whatIfText(out, w) }); err != nil {
				return err
			}
			switch {
			case w.Opens():
				return verdict(exitNotReady)
			case len(w.Untold) > 0:
				return verdict(exitUnknown)
			}
			return nil
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringSliceVar(&mended, "mend", nil, "take the finding of this `ID` as mended; repeats")
	cmd.Flags().StringVar(&plan, "plan", "", "lay this `PLAN` (terraform show -json) over the estate")
	return cmd
}

func (s *session) whatIf(ctx context.Context, r reading, mended []string, plan string) (*assess.WhatIf, error) {
	var w *assess.WhatIf
	if plan == "" {
		err := s.with(ctx, r, func(_ store.Store, _ assess.Options, result *assess.Result) (err error) {
			if w, err = assess.IfMended(result, s.controls, mended); err != nil {
				return usage(err.Error(), "sevenfold assess --format json lists findings with their ids")
			}
			return nil
		})
		return w, err
	}
	err := s.laid(ctx, r, plan, false, func(l *laid) (err error) {
		w, err = assess.IfPlanned(ctx, l.base, l.plan, l.options)
		return err
	})
	if w != nil {
		w.Plan = plan
	}
	return w, err
}

func whatIfText(out io.Writer, w *assess.WhatIf) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Things that matter and can be come by: %d now, %d then.\n", w.Reached.Before, w.Reached.After)
	for _, part := range []struct {
		title string
		paths []risk.Path
	}{{"Opens", w.Opened}, {"Closes", w.Closed}, {"Harder", w.Harder}} {
		if len(part.paths) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s:\n", part.title)
		const most = 10
		for i := range part.paths[:min(most, len(part.paths))] {
			pathLines(&b, &part.paths[i])
		}
		if more := len(part.paths) - most; more > 0 {
			fmt.Fprintf(&b, "and %d more\n", more)
		}
	}
	if len(w.Shifts) > 0 {
		b.WriteString("\nCriteria:\n")
	}
	for _, s := range w.Shifts {
		what := "verdict"
		if s.Criterion != "" {
			what = s.Criterion
		}
		fmt.Fprintf(&b, "  %s  %s: %s -> %s", printable(s.Workload), what, s.Before, s.After)
		if s.Why != "" {
			b.WriteString("  " + printable(s.Why))
		}
		b.WriteByte('\n')
	}
	if len(w.Untold) > 0 {
		b.WriteString("\nWhat this would do nobody can tell:\n")
		for _, line := range w.Untold {
			b.WriteString("  " + printable(line) + "\n")
		}
	} else if len(w.Shifts)+len(w.Opened)+len(w.Closed)+len(w.Harder) == 0 {
		b.WriteString("Nothing else would change.\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}
