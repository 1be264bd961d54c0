package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/advisories"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
	"github.com/sevenfold-sec/sevenfold/store"
)

// watching are the flags of supply watch.
type watching struct {
	osv       []string
	epss, kev string
	asOf      string
	every     time.Duration
	fresh     bool
}

func newSupplyWatch(g *globals) *cobra.Command {
	var f watching
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Which known vulnerabilities what runs has, and which are new since the last time",
		Long: `Which known vulnerabilities what runs has, and which are new since the last time.

What was examined (sevenfold supply bom … --of PLACE) is held against the records in
the state. --osv brings records: OSV's all.zip of an ecosystem, a folder, or a copy of
a database's repository; all of an ecosystem's are replaced. Nothing is asked of any
server. Records that are missing or older than supply.stale_after leave it unknown.
Exit 1 if any is at or above gate.fail_on, else 3 if something could not be decided,
else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("supply watch", "text", "json"); err != nil {
				return err
			}
			if f.every == 0 {
				return g.watch(cmd.Context(), f)
			}
			if f.every < time.Second {
				return usage(fmt.Sprintf("--every %s is too often", f.every), "--every 1h")
			}
			return g.watchOn(cmd.Context(), f)
		},
	}
	cmd.Flags().StringArrayVar(&f.osv, "osv", nil, "`PATH` of vulnerability records to bring into the state; repeats")
	cmd.Flags().StringVar(&f.epss, "epss", "", "`FILE` of EPSS scores (CSV, packed or not)")
	cmd.Flags().StringVar(&f.kev, "kev", "", "`FILE` of CISA's known exploited vulnerabilities (JSON)")
	cmd.Flags().StringVar(&f.asOf, "records-of", "", "the `DAY` up to which the records of --osv go (2026-11-28), where you know it; else the newest change in them")
	cmd.Flags().DurationVar(&f.every, "every", 0, "go on, and look again after this long (1h); the paths of --osv are read each time")
	cmd.Flags().BoolVar(&f.fresh, "new", false, "tell only of what is new since the last time")
	return cmd
}

// watchOn watches until it is stopped, and then ends as the last look did. Records that
// are being written while they are read, or a state that another run holds, are told of
// and looked at again the next time: a watch that ends by itself is no watch.
func (g *globals) watchOn(ctx context.Context, f watching) error {
	for began := false; ; began = true {
		err := g.watch(ctx, f)
		var v verdict
		if err != nil && !errors.As(err, &v) && ctx.Err() == nil {
			if !began {
				return err // it never worked: a slip of whoever started it
			}
			printFailure(g.stderr, &failure{what: "this look failed: " + err.Error(), hint: fmt.Sprintf("it is tried again in %s", f.every)})
			err = verdict(exitUnknown)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(f.every):
		}
	}
}

func (g *globals) watch(ctx context.Context, f watching) error {
	said, err := dayFlag("--records-of", f.asOf)
	if err != nil {
		return err
	}
	if f.asOf != "" && len(f.osv) == 0 {
		return usage("--records-of says up to which day the records of --osv go", "name the records by --osv")
	}
	return g.kept(ctx, func(s *session, kept assess.Supply) error {
		if err := s.bring(ctx, kept, f, said); err != nil {
			return err
		}
		snap, err := kept.Store.Latest(ctx)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return stateFailure(err)
		}
		a, err := kept.Answer(ctx, runTime(), s.scope, snap)
		if err != nil {
			return stateFailure(err)
		}
		if f.fresh {
			a.OnlyNew()
		}
		if err := g.tell(a, func(w io.Writer) error { return watchText(w, a) }); err != nil {
			return err
		}
		return verdict(a.Exit(s.scope.Gate.FailOn))
	})
}

func dayFlag(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := time.Parse(time.DateOnly, text)
	if err != nil || d.After(time.Now()) {
		return d, usage(fmt.Sprintf("%s %q is no day that has been", flag, text), flag+" 2026-11-28")
	}
	return d, nil
}

// bring puts what the flags name into the state.
func (s *session) bring(ctx context.Context, kept assess.Supply, f watching, said time.Time) error {
	if len(f.osv) > 0 {
		b := osv.NewBuilder()
		n, problems, err := advisories.Each(ctx, f.osv, b.Add)
		if err != nil {
			return usage("--osv: "+err.Error(), "name OSV's all.zip, a folder of records, or single records")
		}
		for _, p := range problems {
			printFailure(s.g.stderr, &failure{what: "a record cannot be read: " + p, hint: "fetch the records again: what it would have said is not known"})
		}
		if b.Records == 0 {
			return usage(fmt.Sprintf("--osv: none of %s is a record in OSV's format", counted(n, "file")), "of a copy of a repository name the folder with the records: vulns/ of pypa/advisory-database, data/osv/ of golang/vulndb")
		}
		if len(problems) > 0 {
			return &failure{code: exitUsage, what: "--osv: not all records could be read, and none was taken over", hint: "fetch them again"}
		}
		var shrunk *assess.ShrunkError
		if _, err := kept.Import(ctx, b, said); errors.As(err, &shrunk) {
			return usage("--osv: "+shrunk.Error(), "name all of the ecosystem's records, or begin a new --state")
		} else if err != nil {
			return stateFailure(err)
		}
	}
	var p assess.Priority
	var err error
	if f.epss != "" {
		if p.EPSS, p.Date, err = advisories.EPSS(f.epss); err != nil {
			return usage("--epss: "+err.Error(), "the CSV of epss.empiricalsecurity.com: epss_scores-current.csv.gz")
		}
	}
	if f.kev != "" {
		if p.KEV, err = advisories.KEV(f.kev); err != nil {
			return usage("--kev: "+err.Error(), "CISA's known_exploited_vulnerabilities.json")
		}
	}
	if p.EPSS == nil && p.KEV == nil {
		return nil
	}
	if err := kept.Prioritise(ctx, p); err != nil {
		return stateFailure(err)
	}
	return nil
}

func watchText(w io.Writer, a *assess.Watching) error {
	for _, r := range a.Records {
		word := ""
		if r.Stale {
			word = ", too old to say anything of today"
		}
		fmt.Fprintf(w, "records of %s: %d, %d days old%s\n", r.Ecosystem, r.Records, r.AgeDays, word)
	}
	if len(a.Records) == 0 {
		fmt.Fprintln(w, "no vulnerability records in the state: sevenfold supply watch --osv PATH")
	}
	fmt.Fprintf(w, "%s examined, %s held against them\n", counted(a.Places, "place"), counted(a.Decided, "component"))
	shown := a.Matches[:min(len(a.Matches), maxPartsShown)]
	for _, m := range shown {
		mark := " "
		if m.New {
			mark = "+"
		}
		fmt.Fprintf(w, "%s %-10s %s  %s %s", mark, m.Severity, m.ID, printable(m.Name), printable(m.Version))
		if m.Fixed != "" {
			fmt.Fprintf(w, ", mended in %s", printable(m.Fixed))
		}
		if m.KEV {
			fmt.Fprint(w, ", exploited in the wild")
		}
		if m.EPSS >= 0 {
			fmt.Fprintf(w, ", EPSS %.3f", m.EPSS)
		}
		fmt.Fprintf(w, "\n    in %s", printable(m.Place))
		for i, u := range m.Uses {
			if i == 0 {
				fmt.Fprint(w, ", run by ")
			} else {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, "%s (%s)", printable(u.Workload), u.Type)
		}
		fmt.Fprintln(w)
	}
	if more := len(a.Matches) - len(shown); more > 0 {
		fmt.Fprintf(w, "and %d more: --format json has them all\n", more)
	}
	for _, o := range a.Open {
		fmt.Fprintf(w, "not known: %s\n", printable(o))
	}
	if len(a.Matches) == 0 && len(a.Open) == 0 && a.Decided > 0 {
		fmt.Fprintln(w, "none of them has a vulnerability that these records know")
	}
	return nil
}
