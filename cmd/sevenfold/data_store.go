package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// storeFlags are the flags of data scan that concern stores.
type storeFlags struct {
	seed       uint64
	prevalence string
	budget     string
	all        bool
	plan       bool
	listing    string
	of         string
	sample     sample.Options
}

func (f *storeFlags) addTo(cmd *cobra.Command) {
	cmd.Flags().Uint64Var(&f.seed, "seed", 1, "of a store: what the sample is drawn by; the same `N` draws the same")
	cmd.Flags().StringVar(&f.prevalence, "prevalence", "0.1%", "of a store: the share of records that finding nothing is to exclude in each stratum, at 95%")
	cmd.Flags().StringVar(&f.budget, "budget", "", "of a store: how much is read at most, such as 2GiB (default 1% of it, and at least 64MiB)")
	cmd.Flags().BoolVar(&f.all, "all", false, "of a store: read all of it, whatever it costs")
	cmd.Flags().BoolVar(&f.plan, "plan", false, "of a store: print what would be read and what that costs, and read nothing but the listing")
	cmd.Flags().BoolVar(&f.plan, "dry-run", false, "the same as --plan")
	cmd.Flags().StringVar(&f.listing, "listing", "", "with --plan: plan for the listing in `FILE`, as aws s3api list-objects-v2 prints it, instead of a store's own")
	cmd.Flags().StringVar(&f.of, "of", "", "the files are a copy of `STORE` (s3://BUCKET[/PREFIX], or the id of an asset): keep what is found as what lies there")
}

// check reads the flags' words.
func (f *storeFlags) check(args []string, spans bool) error {
	uris, paths := splitStores(args)
	switch {
	case spans && len(uris) > 0:
		return usage("--spans tells the places in files, not in stores", "sevenfold data scan "+uris[0])
	case f.listing != "" && !f.plan:
		return usage("--listing has nothing to read, only to plan", "sevenfold data scan --plan --listing "+f.listing)
	case f.plan && len(uris) == 0 && f.listing == "":
		return usage("--plan is for stores: files are read whole", "sevenfold data scan --plan s3://BUCKET, or --listing FILE")
	case f.plan && len(paths) > 0:
		return usage("--plan is for stores: files are read whole", "name stores only")
	case f.of != "" && (len(uris) > 0 || slices.Contains(args, local.Stdin) || spans):
		return usage("--of says what files are a copy of", "sevenfold data scan FOLDER --of s3://BUCKET")
	}
	text, isPercent := strings.CutSuffix(f.prevalence, "%")
	p, err := strconv.ParseFloat(text, 64)
	if isPercent {
		p /= 100
	}
	if err != nil || p <= 0 || p >= 1 || p < 1e-7 {
		return usage(fmt.Sprintf("--prevalence %q is no share of records", f.prevalence), "--prevalence 0.1% or 0.001")
	}
	f.sample = sample.Options{Seed: f.seed, Prevalence: p, All: f.all}
	f.sample.Recall, _ = scan.LeastRecall(nil) // the plan draws enough for the type that is seen least
	if f.budget != "" {
		if f.sample.Budget, err = parseBytes(f.budget); err != nil {
			return usage(err.Error(), "--budget 500MB or 2GiB")
		}
	}
	return nil
}

// parseBytes reads a size: a number with KB, MB, GB, TB or KiB, MiB, GiB, TiB.
func parseBytes(text string) (int64, error) {
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB", "KB", "MB", "GB", "TB"} {
		if n, ok := strings.CutSuffix(text, unit); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
			if err != nil || v <= 0 {
				break
			}
			base := 1024.0
			if i >= 4 {
				base = 1000
			}
			for range i%4 + 1 {
				v *= base
			}
			if v > 1e18 {
				break
			}
			return int64(v), nil
		}
	}
	if v, err := strconv.ParseInt(text, 10, 64); err == nil && v > 0 {
		return v, nil
	}
	return 0, fmt.Errorf("%q is no size", text)
}

// splitStores parts addresses of stores from paths of files.
func splitStores(args []string) (uris, paths []string) {
	for _, a := range args {
		if assess.IsStore(a) {
			uris = append(uris, a)
		} else {
			paths = append(paths, a)
		}
	}
	return uris, paths
}

// scannerName tells what was looked for, so that what another scanner saw is not
// taken for what this one would.
func scannerName(named bool) string {
	if named {
		return version + "+names"
	}
	return version
}

// dataPlan prints plans and reads nothing but listings.
func (g *globals) dataPlan(ctx context.Context, args []string, f *storeFlags) error {
	type planned struct {
		Store string      `json:"store"`
		Plan  sample.Plan `json:"plan"`
	}
	var out struct {
		Plans []planned `json:"plans"`
	}
	if f.listing != "" {
		items, err := readListing(f.listing)
		if err != nil {
			return err
		}
		out.Plans = append(out.Plans, planned{f.listing, sample.New(items, f.sample)})
	}
	for _, uri := range args {
		st, err := assess.OpenData(ctx, uri)
		if err != nil {
			return err
		}
		_, items, err := data.Listing(ctx, st)
		st.Close()
		if err != nil {
			return err
		}
		out.Plans = append(out.Plans, planned{st.URI(), sample.New(items, f.sample)})
	}
	return g.tell(out, func(w io.Writer) error {
		for _, p := range out.Plans {
			planText(w, p.Store, p.Plan, true)
		}
		return nil
	})
}

// readListing reads what aws s3api list-objects-v2 prints: one document or several
// after one another.
func readListing(name string) ([]sample.Item, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, usage("the listing cannot be read: "+err.Error(), "aws s3api list-objects-v2 --bucket BUCKET > listing.json")
	}
	defer in.Close()
	var items []sample.Item
	for dec := json.NewDecoder(in); ; {
		var page struct {
			Contents []struct {
				Key          string
				Size         int64
				LastModified time.Time
			}
		}
		switch err := dec.Decode(&page); {
		case errors.Is(err, io.EOF):
			if len(items) == 0 {
				return nil, usage(name+" lists no object", "it is to be what aws s3api list-objects-v2 prints")
			}
			return items, nil
		case err != nil:
			return nil, usage(fmt.Sprintf("%s: at byte %d it is no listing: %s", name, dec.InputOffset(), err), "it is to be what aws s3api list-objects-v2 prints")
		}
		for _, o := range page.Contents {
			if o.Size < 0 {
				return nil, usage(fmt.Sprintf("%s: an object has a negative size before byte %d", name, dec.InputOffset()), "list the bucket again")
			}
			items = append(items, sample.Item{Key: o.Key, Size: o.Size, Modified: o.LastModified})
		}
	}
}

// planText writes a plan; long with each stratum.
func planText(w io.Writer, name string, p sample.Plan, long bool) {
	requests, leaving := assess.Price(p)
	fmt.Fprintf(w, "%s: %s, %s\n", printable(name), counted(p.Objects, "object"), bytesText(p.Bytes))
	fmt.Fprintf(w, "  reads %s (%s of it) in %s; budget %s\n", bytesText(p.Reads), data.Percent(float64(p.Reads)/float64(max(p.Bytes, 1))), counted(int(p.Requests), "request"), bytesText(p.Budget))
	if strings.HasPrefix(name, "s3://") || long && !assess.IsStore(name) {
		fmt.Fprintf(w, "  costs about $%.2f for requests, and $%.2f if read from outside AWS, at list prices\n", requests, leaving)
	}
	if !long {
		return
	}
	for _, s := range p.Strata {
		if s.Draws == 0 {
			fmt.Fprintf(w, "  %-50s  %s, %s: all of it\n", printable(s.Name), counted(s.Objects, "object"), bytesText(s.Bytes))
			continue
		}
		fmt.Fprintf(w, "  %-50s  %s, %s: %d places (%s), excludes a prevalence of %s at %.0f%%", printable(s.Name), counted(s.Objects, "object"), bytesText(s.Bytes), s.Draws, bytesText(s.Reads), data.Percent(s.Bound), 100*p.Confidence)
		if s.Assumes != "" {
			fmt.Fprintf(w, ", if %s", s.Assumes)
		}
		fmt.Fprintln(w)
	}
}

// bytesText writes a size.
func bytesText(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// surveyStores examines stores, and keeps what was found.
func (g *globals) surveyStores(ctx context.Context, s *scan.Scanner, uris []string, scanner string, f *storeFlags, a *data.Answer) error {
	if len(uris) == 0 {
		return nil
	}
	return g.remembering(ctx, func(m assess.Surveys) error {
		for _, uri := range uris {
			st, err := assess.OpenData(ctx, uri)
			if err != nil {
				var slip *assess.SourceError
				if errors.As(err, &slip) || ctx.Err() != nil {
					return err
				}
				g.unreadStore(uri, err, a)
				continue
			}
			err = g.survey(ctx, s, st, m.Memory(st.URI(), scanner), scanner, "", f, a)
			st.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// unreadStore says that a store could not be read; the run goes on.
func (g *globals) unreadStore(uri string, err error, a *data.Answer) {
	what, hint := splitHints(err.Error())
	var h hinter
	if errors.As(err, &h) {
		hint = h.Hint()
	}
	name := assess.StoreName(uri)
	printFailure(g.stderr, &failure{what: printable(name) + ": " + what, hint: hint})
	a.Objects = append(a.Objects, scan.Result{Path: name, Labels: []scan.Label{}, Verdict: scan.Unknown, Reasons: []string{what}})
}

// surveyCopy examines files as what lies in a store that they were copied from.
func (g *globals) surveyCopy(ctx context.Context, s *scan.Scanner, paths []string, o local.Options, scanner string, f *storeFlags, a *data.Answer) error {
	if len(paths) != 1 {
		return usage("--of takes one folder or file", "sevenfold data scan FOLDER --of "+f.of)
	}
	f.sample.All = true
	return g.remembering(ctx, func(m assess.Surveys) error {
		st := assess.Copy(paths[0], f.of, o)
		return g.survey(ctx, s, st, m.Memory(f.of, scanner), scanner, filepath.Base(paths[0]), f, a)
	})
}

// remembering opens the state for what surveys keep.
func (g *globals) remembering(ctx context.Context, then func(assess.Surveys) error) error {
	sess, err := g.scopeOnly()
	if err != nil {
		return err
	}
	st, closeAll, err := sess.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	return then(assess.Surveys{Store: st})
}

// survey examines one store.
func (g *globals) survey(ctx context.Context, s *scan.Scanner, st data.Store, m data.Memory, scanner, copied string, f *storeFlags, a *data.Answer) error {
	items, listed, err := data.Listing(ctx, st)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var missing *local.MissingError
		if errors.As(err, &missing) {
			return err
		}
		g.unreadStore(st.URI(), err, a)
		return nil
	}
	plan := sample.New(listed, f.sample)
	if copied == "" {
		planText(g.stderr, st.URI(), plan, false)
	}
	o := data.Surveying{Scanner: scanner, Now: time.Now().UTC().Truncate(time.Second), Workers: scanners(), Copied: copied}
	if !strings.HasPrefix(st.URI(), "s3://") {
		o.Workers = 1 // a database: one connection, one transaction
	}
	if terminal(g.stderr) {
		o.Heard = func(done, of int, _ bool) { fmt.Fprintf(g.stderr, "%s%d of %d", clearLine, done, of) }
		defer func() { fmt.Fprint(g.stderr, clearLine) }()
	}
	got, err := data.Examined(ctx, st, s, items, plan, m, o)
	if err != nil {
		return err
	}
	for _, it := range got.Items {
		a.Objects = append(a.Objects, it.Reading.Result)
	}
	a.Stores = append(a.Stores, data.StoreAnswer{Plan: plan, Summary: got.Summary, Again: got.Again})
	return nil
}

// storesText writes what is said of stores as wholes.
func storesText(w io.Writer, a data.Answer) {
	for _, s := range a.Stores {
		fmt.Fprintf(w, "\n%s: %s, %s; %d looked into, %d of them as in an earlier run\n", printable(s.Summary.Store), counted(s.Summary.Objects, "object"), bytesText(s.Summary.Bytes), s.Summary.Examined, s.Again)
		for _, t := range s.Summary.Strata {
			fmt.Fprintf(w, "  %s: %s\n", printable(t.Name), printable(t.Promise(s.Plan.Confidence)))
		}
	}
	for _, f := range a.Forbidden {
		fmt.Fprintf(w, "forbidden  %s in %s: %s\n", printable(f.Label), printable(f.Place), printable(f.Why))
	}
}
