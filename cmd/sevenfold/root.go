package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// globals are the flags every verb has.
type globals struct {
	settled []string // the sources that network verbs read
	format  string
	out     string
	state   string
	config  string
	sources []string
	stdout  io.Writer
	stderr  io.Writer
}

// formats are those of the design; what a verb can write is its own subset.
var formats = []string{"text", "json", "sarif", "html", "ocsf", "oscal", "markdown", "patch", "svg"}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	g := &globals{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "sevenfold",
		Short: "Secure before you scale",
		Long: "sevenfold surveys your cloud and says for every AI workload whether it is\n" +
			"ready, not ready, or could not be told, to be scaled, with proof.\n\n" +
			"Start with: sevenfold assess\n\n" +
			"Exit codes: 0 ready or clean, 1 not ready or findings, 2 usage or\n" +
			"configuration, 3 could not tell, 4 internal.",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetVersionTemplate("sevenfold {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVar(&g.format, "format", "text", "output format: "+strings.Join(formats, "|"))
	flags.StringVar(&g.out, "out", "", "write the output to `FILE` instead of standard output")
	flags.StringVar(&g.state, "state", "", "state: `DIR` or postgres://… (default .sevenfold)")
	flags.StringVarP(&g.config, "config", "c", "", "configuration `FILE` (default sevenfold.yaml if it is there)")
	flags.StringArrayVar(&g.sources, "source", nil, "`SOURCE` to read; repeats and replaces the file's: aws, kubernetes, dir:PATH")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(err.Error(), cmd.CommandPath()+" --help lists the flags")
	})
	root.AddCommand(newAssess(g), newInventory(g), newAudit(g), newBaseline(g), newDrift(g), newHistory(g), newAccess(g), newData(g), newNetwork(g), newDetect(g), newSupply(g), newRespond(g), newInit(g), newExplain(g), newGate(g), newRisk(g))
	addUnbuilt(root)
	explainUnknownCommands(root)
	return root
}

// explainUnknownCommands turns cobra's bare refusals of arguments into usage
// failures with a next step.
func explainUnknownCommands(cmd *cobra.Command) {
	if args := cmd.Args; args != nil {
		cmd.Args = func(c *cobra.Command, given []string) error {
			err := args(c, given)
			if err == nil {
				return nil
			}
			what, hint := err.Error(), c.CommandPath()+" --help says how it is called"
			c.SuggestionsMinimumDistance = 2
			if near := c.SuggestionsFor(strings.Join(given[:min(1, len(given))], "")); len(near) > 0 {
				hint = "did you mean: " + c.CommandPath() + " " + near[0]
			}
			what, _, _ = strings.Cut(what, "\n")
			return usage(what, hint)
		}
	}
	for _, sub := range cmd.Commands() {
		explainUnknownCommands(sub)
	}
}

// wants checks that the verb can write the format asked for.
func (g *globals) wants(verb string, can ...string) error {
	if slices.Contains(can, g.format) {
		return nil
	}
	hint := "formats of " + verb + ": " + strings.Join(can, ", ")
	if slices.Contains(formats, g.format) {
		return usage(fmt.Sprintf("%s does not write %s in this version", verb, g.format), hint)
	}
	return usage(fmt.Sprintf("format %q is not known", g.format), hint)
}

// writeThrough writes to what is no regular file (a device, a pipe): that must
// not be replaced by one.
func (g *globals) writeThrough(render func(io.Writer) error) error {
	f, err := os.OpenFile(g.out, os.O_WRONLY, 0)
	if err != nil {
		return usage("output: "+err.Error(), "give --out a file")
	}
	err = render(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return &failure{code: exitInternal, what: "output: " + err.Error(), where: g.out}
	}
	return nil
}

// tell writes an answer: v itself as JSON where that was asked for, else as text.
func (g *globals) tell(v any, text func(io.Writer) error) error {
	return g.write(func(w io.Writer) error {
		if g.format == "json" {
			return writeJSON(w, v)
		}
		return text(w)
	})
}

// write sends the output to --out or standard output. A file appears whole or
// not at all, so that a failed run never leaves half a report behind.
func (g *globals) write(render func(io.Writer) error) error {
	if g.out == "" || g.out == "-" {
		if err := render(g.stdout); err != nil {
			return &failure{code: exitInternal, what: "output: " + err.Error()}
		}
		return nil
	}
	if info, err := os.Stat(g.out); err == nil && !info.Mode().IsRegular() {
		return g.writeThrough(render)
	}
	tmp, err := os.CreateTemp(filepath.Dir(g.out), ".sevenfold-*")
	if err != nil {
		return usage("output: "+err.Error(), "give --out a file in a folder you may write to")
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	err = render(tmp)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), g.out)
	}
	if err != nil {
		return &failure{code: exitInternal, what: "output: " + err.Error(), where: g.out, hint: "free space or choose another --out"}
	}
	return nil
}
