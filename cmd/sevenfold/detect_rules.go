package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

func newDetectRules(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Detection rules in Sigma's language: the ones shipped, and your own",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDetectRulesTest(g))
	return cmd
}

func newDetectRulesTest(g *globals) *cobra.Command {
	var lines []string
	cmd := &cobra.Command{
		Use:   "test [FOLDER]",
		Short: "Load Sigma rules and run the events each must and must not fire on",
		Long: `Load Sigma rules and run the events each must and must not fire on.

Without FOLDER the rules sevenfold ships. A rule carries its events under "cases":
those it must fire on, and near misses with the reason each must not. Exit 1 if a
case fails or a rule cannot be loaded, else 3 if a rule has no cases, else 0.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := g.wants("detect rules test", "text", "json"); err != nil {
				return err
			}
			fsys := rules.FS()
			if len(args) > 0 {
				info, err := os.Stat(args[0])
				if err != nil || !info.IsDir() {
					return usage(printable(args[0])+": no such folder", "name a folder of Sigma rules (.yml), or none for the rules shipped")
				}
				fsys = os.DirFS(args[0])
			}
			ps, err := readPipelines(lines)
			if err != nil {
				return err
			}
			return g.proveRules(fsys, ps)
		},
	}
	cmd.Flags().StringArrayVar(&lines, "pipeline", nil, "a processing pipeline `FILE` as pySigma writes it: fields mapped, placeholders filled; repeats")
	return cmd
}

// readPipelines reads the pipelines named.
func readPipelines(paths []string) ([]*sigma.Pipeline, error) {
	var out []*sigma.Pipeline
	for _, p := range paths {
		text, err := readSmall(p, maxSettings)
		if err != nil {
			return nil, usage(printable(err.Error()), "name a pipeline's file")
		}
		line, err := sigma.ParsePipeline(text)
		if err != nil {
			return nil, &failure{code: exitUsage, what: printable(err.Error()), where: printable(p), hint: "see docs/detect-rules.md for what a pipeline may say"}
		}
		out = append(out, line)
	}
	return out, nil
}

func (g *globals) proveRules(fsys fs.FS, lines []*sigma.Pipeline) error {
	r := rules.Prove(fsys, lines...)
	if err := g.tell(r, func(w io.Writer) error { rulesText(w, r); return nil }); err != nil {
		return err
	}
	switch {
	case r.Counts.Fail > 0 || r.Counts.NotLoaded > 0:
		return verdict(exitNotReady)
	case r.Counts.Unproven > 0 || r.Counts.Rules == 0:
		return verdict(exitUnknown)
	}
	return nil
}

// maxRulesShown keeps a large folder from filling the screen; JSON has them all.
const maxRulesShown = 20

// rulesText tells what failed, what was not loaded and how many passed.
func rulesText(w io.Writer, r rules.Report) {
	for _, p := range r.Rules {
		if p.Status != rules.Fail {
			continue
		}
		fmt.Fprintf(w, "fail      %s: %s\n", printable(p.File), printable(p.Title))
		for _, why := range p.Problems {
			fmt.Fprintf(w, "  %s\n", printable(why))
		}
	}
	for _, n := range r.NotLoaded[:min(len(r.NotLoaded), maxRulesShown)] {
		fmt.Fprintf(w, "not read  %s: %s\n", printable(sigma.Problem{File: n.File, Line: n.Line, Title: n.Title}.Place()), printable(n.Why))
	}
	if more := len(r.NotLoaded) - maxRulesShown; more > 0 {
		fmt.Fprintf(w, "and %d more are not read: --format json has them all\n", more)
	}
	techniques := map[string]bool{}
	for _, p := range r.Rules {
		for _, t := range p.Techniques {
			techniques[t] = true
		}
	}
	c := r.Counts
	fmt.Fprintf(w, "%s: %d pass, %d fail, %d without cases; %d not read; %s\n", counted(c.Rules, "rule"), c.Pass, c.Fail, c.Unproven, c.NotLoaded, counted(len(techniques), "technique"))
	if c.Fail > 0 {
		fmt.Fprintln(w, "do: mend each rule that fails, or its cases")
	}
	if c.Unproven > 0 {
		fmt.Fprintf(w, "do: give %s cases, events to fire on and near misses: docs/detect-rules.md shows how\n", counted(c.Unproven, "rule"))
	}
	if c.NotLoaded > 0 && slices.ContainsFunc(r.NotLoaded, func(n rules.NotLoaded) bool { return strings.Contains(n.Why, "placeholder") }) {
		fmt.Fprintln(w, "do: give placeholders their values with --pipeline FILE")
	}
	if c.Rules == 0 {
		fmt.Fprintln(w, "do: name a folder that holds rules: nothing was examined")
	}
}
