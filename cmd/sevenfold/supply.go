package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
)

func newSupplyScan(g *globals) *cobra.Command {
	var vouched []string
	var noDigest bool
	cmd := &cobra.Command{
		Use:   "scan PATH…",
		Short: "What model files would do to whoever loads them, without loading them",
		Long: `What model files would do to whoever loads them, without loading them.

PATH is a file, a folder (read to its bottom) or - for standard input. Each file,
and each member of an archive as path!member, is clean, suspicious, malicious or
unknown. Exit 1 if any is suspicious or malicious, else 3 if any is unknown, else 0.`,
		Args: atLeastOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply scan", "text", "json"); err != nil {
				return err
			}
			paths, err := localPaths(args)
			if err != nil {
				return err
			}
			a, err := scanFiles(cmd.Context(), paths, local.Options{In: cmd.InOrStdin()}, modelfile.Limits{Vouched: vouched, Digest: !noDigest})
			var gone *local.MissingError
			if errors.As(err, &gone) {
				return usage(printable(gone.Error()), "name files or folders that exist; images are not read in this version: unpack one first (docker save, tar)")
			}
			if err != nil {
				return err
			}
			if err := g.tell(a, func(w io.Writer) error { return artifactsText(w, a) }); err != nil {
				return err
			}
			switch a.Worst() {
			case modelfile.Clean:
				return nil
			case modelfile.Unknown:
				return verdict(exitUnknown)
			}
			return verdict(exitNotReady)
		},
	}
	cmd.Flags().StringArrayVar(&vouched, "vouch", nil, "a `CLASS` of your own that pickles may name: module.Name, or package.* for all of a package; repeats; what is known to be dangerous stays refused")
	cmd.Flags().BoolVar(&noDigest, "no-digest", false, "leave out the SHA-256 of files and members, for which every byte has to be read")
	return cmd
}

func scanFiles(ctx context.Context, paths []string, o local.Options, lim modelfile.Limits) (supply.Answer, error) {
	a := supply.Answer{Artifacts: []supply.Artifact{}, Findings: []supply.Finding{}}
	err := local.Each(ctx, paths, o, runtime.GOMAXPROCS(0), func(ctx context.Context, e *local.Entry) supply.Answer {
		return supply.Scan(ctx, e, lim)
	}, func(got supply.Answer) error {
		a.Add(got)
		return ctx.Err()
	})
	return a, err
}

// artifactsText writes a line for each file, one for each member that is not
// clean, what was seen in them, and then what to do.
func artifactsText(w io.Writer, a supply.Answer) error {
	byPath := map[string][]supply.Finding{}
	for _, f := range a.Findings {
		byPath[f.Path] = append(byPath[f.Path], f)
	}
	count, files := map[modelfile.Verdict]int{}, 0
	for _, f := range a.Artifacts {
		if !f.Member {
			files++
			count[f.Verdict]++
		}
		seen := slices.DeleteFunc(byPath[f.Path], func(f supply.Finding) bool { return f.Severity == modelfile.Info })
		if delete(byPath, f.Path); f.Member && f.Verdict == modelfile.Clean && len(seen) == 0 {
			continue
		}
		fmt.Fprintf(w, "%-10s  %s", f.Verdict, printable(f.Path))
		if f.Format != "" {
			fmt.Fprintf(w, " (%s)", printable(f.Format))
		}
		fmt.Fprintln(w)
		artifactFindings(w, seen)
	}
	fmt.Fprintf(w, "\n%s: %d clean, %d suspicious, %d malicious, %d unknown\n", counted(files, "file"), count[modelfile.Clean], count[modelfile.Suspicious], count[modelfile.Malicious], count[modelfile.Unknown])
	for _, d := range supplyDeeds(count, files) {
		fmt.Fprintln(w, "do: "+d)
	}
	return nil
}

// maxFindingsShown keeps one artifact from filling the screen; JSON has them all.
const maxFindingsShown = 5

func artifactFindings(w io.Writer, seen []supply.Finding) {
	for _, f := range seen[:min(len(seen), maxFindingsShown)] {
		fmt.Fprintf(w, "  %-9s %s", f.Severity, f.Rule)
		if f.Offset >= 0 {
			fmt.Fprintf(w, " at byte %d", f.Offset)
		}
		fmt.Fprintf(w, ": %s\n", printable(f.Text))
	}
	if more := len(seen) - maxFindingsShown; more > 0 {
		fmt.Fprintf(w, "  and %d more: --format json has them all\n", more)
	}
}

func supplyDeeds(count map[modelfile.Verdict]int, files int) []string {
	var do []string
	if n := count[modelfile.Malicious]; n > 0 {
		do = append(do, fmt.Sprintf("do not load the %s; put aside what is malicious, and where it was loaded, take the machine and its credentials for lost", counted(n, "malicious file")))
	}
	if n := count[modelfile.Suspicious]; n > 0 {
		do = append(do, fmt.Sprintf("do not load the %s before somebody has read what is named there; for your own code you may vouch: --vouch MODULE.NAME", counted(n, "suspicious file")))
	}
	if n := count[modelfile.Unknown]; n > 0 {
		do = append(do, fmt.Sprintf("get the %s in a form that can be read to the end (safetensors best of all), or leave it out; unknown is no pass", counted(n, "unknown file")))
	}
	if files == 0 {
		do = append(do, "name a folder that holds files: nothing was examined")
	}
	return do
}
