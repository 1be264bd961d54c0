package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newSupply(g *globals) *cobra.Command {
	return g.stepVerb("supply", "What AI workloads are made of and call: models, packages, images, services",
		newSupplyScan(g), newSupplyBom(g), newSupplyWatch(g), newSupplyUpkeep(g), newSupplyServices(g), newSupplyVerify(g), newSupplyReview(g))
}

// supplyState is what the state keeps of the supply chain.
func (s *session) supplyState(st store.Store) assess.Supply {
	return assess.Supply{Store: st, Stale: s.scope.Supply.StaleAfter, Trusted: assess.Trusted(s.scope.Gate.Approvers, s.ownPublic())}
}

// kept opens the state for a verb that reads no source.
func (g *globals) kept(ctx context.Context, then func(*session, assess.Supply) error) error {
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	return then(s, s.supplyState(st))
}

// runTime is the time of a run as records keep it.
func runTime() time.Time { return time.Now().UTC().Truncate(time.Second) }

// placeHelp says how a place is named.
const placeHelp = "the `PLACE` in the estate that these are copies of, kept in the state for assess: s3://BUCKET/KEY, image://REF, hf://OWNER/NAME, code:WORKLOAD, or an asset's id"

func newSupplyScan(g *globals) *cobra.Command {
	var vouched []string
	var noDigest bool
	var of string
	cmd := &cobra.Command{
		Use:   "scan PATH…",
		Short: "What model files would do to whoever loads them, without loading them",
		Long: `What model files would do to whoever loads them, without loading them.

PATH is a file, a folder (read to its bottom), a container image (an OCI image layout,
or what docker save writes), s3://BUCKET/PREFIX (read by ranges, and kept in the state),
or - for standard input. Each file,
and each member of an archive as path!member, is clean, suspicious, malicious or
unknown. Exit 1 if any is suspicious or malicious, else 3 if any is unknown, else 0.`,
		Args: atLeastOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply scan", "text", "json"); err != nil {
				return err
			}
			paths, err := supplyPaths(args)
			if err != nil {
				return err
			}
			looked, err := assess.LookAt(cmd.Context(), paths, local.Options{In: cmd.InOrStdin()}, modelfile.Limits{Vouched: vouched, Digest: !noDigest || of != ""}, false)
			if err != nil {
				return lookFailure(err)
			}
			a := supply.Answer{Artifacts: []supply.Artifact{}, Findings: []supply.Finding{}}
			for i := range looked {
				a.Add(looked[i].Artifacts)
			}
			if err := g.keep(cmd.Context(), looked, of, false); err != nil {
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
	cmd.Flags().StringVar(&of, "of", "", placeHelp)
	return cmd
}

// supplyPaths takes addresses of S3 as they are and file:// off the rest.
func supplyPaths(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		if strings.HasPrefix(a, "s3://") {
			out = append(out, a)
			continue
		}
		paths, err := localPaths([]string{a})
		if err != nil {
			return nil, err
		}
		out = append(out, paths...)
	}
	if n := slices.Index(out, local.Stdin); n >= 0 && slices.Contains(out[n+1:], local.Stdin) {
		return nil, usage("standard input can be read once", "name - once")
	}
	return out, nil
}

// lookFailure says what is wrong with a path.
func lookFailure(err error) error {
	var gone *local.MissingError
	if errors.As(err, &gone) {
		return usage(printable(gone.Error()), "name files, folders or saved images that exist; of a registry's image: docker save REF -o image.tar")
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return usage(printable(err.Error()), hinted.Hint())
	}
	return err
}

// keep puts what was seen of a place into the state; without a place nothing is kept.
func (g *globals) keep(ctx context.Context, looked []assess.Looked, of string, bill bool) error {
	if of == "" && len(looked) == 1 && strings.HasPrefix(looked[0].From, "s3://") {
		of = looked[0].Place // a bucket's address is its place
	}
	if of == "" {
		return nil
	}
	if len(looked) != 1 {
		return usage(fmt.Sprintf("--of names one place, and %d things were read", len(looked)), "name one folder or one image at a time")
	}
	return g.kept(ctx, func(_ *session, st assess.Supply) error {
		e := looked[0].Examined(supply.ParsePlace(of), runTime(), bill)
		if err := st.Put(ctx, e); err != nil {
			return stateFailure(err)
		}
		return nil
	})
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
