package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/advisories"
	"github.com/sevenfold-sec/sevenfold/collect/depsdev"
	"github.com/sevenfold-sec/sevenfold/steps/supply/upkeep"
)

func newSupplyUpkeep(g *globals) *cobra.Command {
	var from []string
	var server, asOf string
	cmd := &cobra.Command{
		Use:   "upkeep",
		Short: "How the packages of what was examined are looked after: withdrawn, deprecated, archived, silent, too new",
		Long: `How the packages of what was examined (sevenfold supply bom … --of PLACE) are looked
after: withdrawn, deprecated or inactive, of an archived repository, without a release
for two years, published less than a week ago.

--from brings what others say into the state: answers of deps.dev's API (package,
version, batch, project), of PyPI (/pypi/NAME/json) and npm, results of OpenSSF
Scorecard, as files, a folder or a zip of them. --depsdev asks a server of that API
about each package; without it nobody is asked. What is older than 30 days, or was not
brought, is unknown. Exit 1 if a remark is at or above gate.fail_on, else 3 if
something is not known or nothing was examined, else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("supply upkeep", "text", "json"); err != nil {
				return err
			}
			return g.upkeep(cmd.Context(), from, server, asOf)
		},
	}
	cmd.Flags().StringArrayVar(&from, "from", nil, "`PATH` of what registries, deps.dev and Scorecard say, in JSON; repeats")
	cmd.Flags().StringVar(&server, "depsdev", "", "ask the server at this `URL` (https://api.deps.dev): it learns the names of your packages")
	cmd.Flags().StringVar(&asOf, "as-of", "", "the `DAY` on which the files of --from were fetched (2026-11-28); else today")
	return cmd
}

func (g *globals) upkeep(ctx context.Context, from []string, server, asOf string) error {
	said, err := dayFlag("--as-of", asOf)
	if err != nil {
		return err
	}
	if asOf != "" && len(from) == 0 {
		return usage("--as-of says when the files of --from were fetched", "name the files by --from")
	}
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	kept := s.supplyState(st)
	if said.IsZero() {
		said = runTime()
	}
	if err := g.bringUpkeep(ctx, kept, from, said); err != nil {
		return err
	}
	if server != "" {
		b, gone, err := kept.AskDepsDev(ctx, server, runTime())
		var bad *depsdev.AddressError
		switch {
		case errors.As(err, &bad):
			return usage("--depsdev: "+err.Error(), "--depsdev https://api.deps.dev")
		case err != nil:
			return &failure{code: exitUsage, what: "--depsdev: " + printable(err.Error()), hint: "nothing was taken over; try again, or bring files by --from"}
		}
		if len(gone) > 0 {
			fmt.Fprintf(g.stderr, "the server does not know %s: %s\n", counted(len(gone), "package"), printable(strings.Join(gone[:min(len(gone), 10)], ", ")))
		}
		if err := kept.Keep(ctx, b); err != nil {
			return stateFailure(err)
		}
	}
	a, err := kept.UpkeepOf(ctx, runTime())
	if err != nil {
		return stateFailure(err)
	}
	if err := g.tell(a, func(w io.Writer) error { return upkeepText(w, a) }); err != nil {
		return err
	}
	return verdict(a.Exit(s.scope.Gate.FailOn))
}

// bringUpkeep puts what files say into the state: all of them, or nothing.
func (g *globals) bringUpkeep(ctx context.Context, kept assess.Supply, from []string, said time.Time) error {
	if len(from) == 0 {
		return nil
	}
	b := upkeep.New()
	n, problems, err := advisories.Each(ctx, from, func(text []byte) error { return b.Add(text, said) })
	if err != nil {
		return usage("--from: "+err.Error(), "name files of JSON, a folder or a zip of them")
	}
	for _, p := range problems {
		printFailure(g.stderr, &failure{what: "a file cannot be read: " + printable(p), hint: "fetch it again: what it would have said is not known"})
	}
	switch {
	case len(problems) > 0:
		return &failure{code: exitUsage, what: "--from: not all files could be read, and none was taken over", hint: "mend or leave out those that are named"}
	case len(b.Packages)+len(b.Projects) == 0:
		return usage(fmt.Sprintf("--from: none of %s says anything of a package", counted(n, "file")), "answers of deps.dev, PyPI or npm, or results of Scorecard, in JSON")
	}
	if err := kept.Keep(ctx, b); err != nil {
		return stateFailure(err)
	}
	return nil
}

func upkeepText(w io.Writer, a *assess.Upkeep) error {
	fmt.Fprintf(w, "%s examined; of %d it is known how they are looked after\n", counted(a.Of, "package"), a.Known)
	unknown := map[string]int{}
	shown := 0
	for i := range a.Packages {
		u := &a.Packages[i]
		if u.Unknown != "" {
			unknown[u.Unknown]++
			continue
		}
		if shown++; shown > maxPartsShown {
			continue
		}
		fmt.Fprintf(w, "%-8s  %s %s, in %s", u.Severity(), printable(u.Name), printable(u.Version), printable(u.Place))
		if !u.Seen.IsZero() {
			fmt.Fprintf(w, ", first seen here on %s", u.Seen.Format(time.DateOnly))
		}
		fmt.Fprintln(w)
		for _, r := range u.Remarks {
			fmt.Fprintf(w, "    %s\n", printable(r.Text))
		}
		if len(u.Open) > 0 {
			fmt.Fprintf(w, "    not known: %s\n", printable(strings.Join(u.Open, "; ")))
		}
	}
	if shown > maxPartsShown {
		fmt.Fprintf(w, "and %d more: --format json has them all\n", shown-maxPartsShown)
	}
	for _, why := range sortedNames(unknown) {
		fmt.Fprintf(w, "not known of %s: %s\n", counted(unknown[why], "package"), printable(why))
	}
	return nil
}
