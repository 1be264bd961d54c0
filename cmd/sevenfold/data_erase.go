package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/store"
)

// erasing are the flags of data erase.
type erasing struct {
	in     []string
	close  string
	decide []string
	keys   []string
	key    string
	verify string
}

func newDataErase(g *globals) *cobra.Command {
	var r reading
	var f erasing
	cmd := &cobra.Command{
		Use:   "erase SUBJECT",
		Short: "Where a person's value lies, which models learnt from it, and the signed record that it is gone",
		Long: `Where a person's value lies, which models learnt from it, and the signed record
that it is gone.

SUBJECT is a value that tells the person: an address, a number, a name; - reads it
from standard input, so that no shell keeps it. It is written nowhere: the case holds
its digest under a key of the case's own. Every version of every object and every row
of every table of the stores is searched: those of --in, else those that were scanned
before. Nothing is deleted: the commands are printed.

--close CASE searches again, and signs the destruction record if the value is nowhere,
everything could be searched, and of each model something was decided (--decide
MODEL=TEXT). With --source events:PATH the record names the event of each version's
deletion. --verify FILE holds a record to its signature.

Exit 1 if the value was found or the case cannot be closed, else 3 if something could
not be searched, or of --close if events could not be read, else 0.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("data erase", "text", "json"); err != nil {
				return err
			}
			if f.verify != "" {
				return g.verifyErased(&f)
			}
			if len(args) == 0 {
				return usage("data erase takes the SUBJECT", "sevenfold data erase - < file, so that no shell keeps it")
			}
			subject, err := subjectOf(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			if f.close != "" {
				return g.closeErase(cmd.Context(), subject, &f)
			}
			return g.beginErase(cmd.Context(), subject, r, &f)
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringArrayVar(&f.in, "in", nil, "a `STORE` to search, s3://…, postgres://… or mysql://…; repeats (default: the stores that were scanned)")
	cmd.Flags().StringVar(&f.close, "close", "", "close the `CASE` that an earlier run began")
	cmd.Flags().StringArrayVar(&f.decide, "decide", nil, "with --close: what was decided of a model, `MODEL=TEXT`; repeats")
	cmd.Flags().StringArrayVar(&f.keys, "key-deleted", nil, "with --close: a `KEY` whose deletion ends what cannot be deleted otherwise; repeats")
	cmd.Flags().StringVar(&f.key, "key", "", "the key that signs, as a PEM `FILE`, or with --verify the public one (default the state's own)")
	cmd.Flags().StringVar(&f.verify, "verify", "", "hold the destruction record in `FILE` to its signature")
	return cmd
}

// subjectOf takes the value of an argument or of standard input. No error quotes it.
func subjectOf(arg string, in io.Reader) (*data.Subject, error) {
	if arg == "-" {
		line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, usage("standard input cannot be read", "give the value in one line")
		}
		arg = strings.TrimRight(line, "\r\n")
	}
	s, err := data.NewSubject(arg)
	if err != nil {
		return nil, usage(err.Error(), "give an address, a number or a full name")
	}
	return s, nil
}

// searchAll searches stores, each said on standard error as it begins.
func (g *globals) searchAll(ctx context.Context, stores []string, subject *data.Subject, now time.Time) ([]*assess.Searched, error) {
	var out []*assess.Searched
	for _, uri := range stores {
		s, err := assess.Search(ctx, uri, subject, now)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (g *globals) beginErase(ctx context.Context, subject *data.Subject, r reading, f *erasing) error {
	return g.dataWorldOrNone(ctx, r, func(st store.Store, o assess.Options, world func([]data.ErasePlace) (*data.World, error)) error {
		stores, left := f.in, []string{}
		if len(stores) == 0 {
			for _, s := range o.Data.Summaries {
				if assess.IsStore(s.Store) && s.Copied == "" {
					stores = append(stores, s.Store)
				} else {
					left = append(left, s.Store)
				}
			}
		}
		for _, uri := range f.in {
			if !assess.IsStore(uri) {
				return usage(printable(uri)+" is no store that can be searched", "--in s3://BUCKET, postgres://USER@HOST/DATABASE or mysql://USER@HOST")
			}
		}
		if len(stores) == 0 && len(left) == 0 {
			return usage("no store is known to search", "--in s3://BUCKET, or scan the stores first: sevenfold data scan s3://BUCKET")
		}
		c, err := assess.NewCase(subject, o.Now)
		if err != nil {
			return err
		}
		searched, err := g.searchAll(ctx, stores, subject, o.Now)
		if err != nil {
			return err
		}
		for _, s := range searched {
			c.Stores = append(c.Stores, s.Store)
			c.Places = append(c.Places, s.Places...)
			c.Unread = append(c.Unread, s.Unread...)
		}
		for _, s := range left {
			c.Unread = append(c.Unread, data.ErasePlace{Store: s, Why: "only a copy of it was scanned: the store itself was not searched"})
		}
		w, err := world(c.Places)
		if err != nil {
			return err
		}
		if w != nil {
			c.Models, c.Left = w.Follow(c.Places)
		} else {
			c.Left = append(c.Left, data.EraseLeft{What: "models, features and copies", Why: "no snapshot of the estate: what learnt from the data is not known", Do: "sevenfold assess --source aws, then ask again"})
		}
		if len(c.Places)+len(c.Unread) > 0 {
			if err := (assess.Erasures{Store: st}).Put(ctx, *c); err != nil {
				return stateFailure(err)
			}
		}
		shown := *c
		shown.Key = "" // whoever has it could try values
		if err := g.tell(shown, func(out io.Writer) error { return eraseText(out, c) }); err != nil {
			return err
		}
		switch {
		case len(c.Places) > 0:
			return verdict(exitNotReady)
		case len(c.Unread) > 0 || w == nil:
			return verdict(exitUnknown)
		}
		return nil
	})
}

// eraseText writes a case for a person.
func eraseText(w io.Writer, c *data.Case) error {
	fmt.Fprintf(w, "case %s: found in %s of %s; %s learnt from it\n", c.ID, counted(len(c.Places), "place"), counted(len(c.Stores), "store"), counted(len(c.Models), "model or endpoint"))
	for _, p := range c.Places {
		fmt.Fprintf(w, "found    %s %s", printable(p.Store), printable(p.Key))
		if p.Version != "" {
			fmt.Fprintf(w, ", version %s", printable(p.Version))
			if !p.Latest {
				fmt.Fprint(w, " (an old one)")
			}
		}
		fmt.Fprintf(w, ": %s\n         do: %s\n", counted(p.Hits, "time"), printable(p.Do))
	}
	for _, m := range c.Models {
		fmt.Fprintf(w, "learnt   %s (%s, %s), from %s\n", printable(m.Model), m.Kind, m.Tier, printable(m.From))
	}
	for _, l := range c.Left {
		fmt.Fprintf(w, "open     %s: %s\n", printable(l.What), printable(l.Why))
		if l.Do != "" {
			fmt.Fprintf(w, "         do: %s\n", printable(l.Do))
		}
	}
	for _, p := range c.Unread {
		fmt.Fprintf(w, "unknown  %s %s: %s\n", printable(p.Store), printable(p.Key), printable(p.Why))
	}
	if len(c.Places) > 0 {
		fmt.Fprintf(w, "then     sevenfold data erase - --close %s --out record.json\n", c.ID)
	}
	return nil
}

func (g *globals) closeErase(ctx context.Context, subject *data.Subject, f *erasing) error {
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	s.settleSources()
	if err := s.splitEvents(); err != nil {
		return err
	}
	s.events = slices.DeleteFunc(s.events, func(l assess.Log) bool { return l.Folder })
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	erasures := assess.Erasures{Store: st}
	list, err := erasures.List(ctx)
	if err != nil {
		return stateFailure(err)
	}
	i := slices.IndexFunc(list, func(c data.Case) bool { return c.ID == f.close })
	if i < 0 {
		return usage("no case "+printable(f.close)+" is in the state", "sevenfold data retention lists the open ones")
	}
	c := &list[i]
	if err := assess.Same(c, subject); err != nil {
		return usage(err.Error(), "give the value that the case was begun with")
	}
	decisions := map[string]string{}
	for _, d := range f.decide {
		model, text, ok := strings.Cut(d, "=")
		if !ok || !slices.ContainsFunc(c.Models, func(m data.EraseModel) bool { return m.Model == model }) {
			return usage("--decide "+printable(d)+" names no model of the case", "--decide 'MODEL=trained again on 2026-12-01 without it'")
		}
		decisions[model] = text
	}
	key, err := s.signingKey(f.key)
	if err != nil {
		return err
	}
	now := time.Now()
	stores := c.Stores
	for _, in := range f.in { // addresses with a user, which a case does not keep
		stores = slices.DeleteFunc(slices.Clone(stores), func(s string) bool { return s == assess.StoreName(in) })
		stores = append(stores, in)
	}
	again, err := g.searchAll(ctx, stores, subject, now)
	if err != nil {
		return err
	}
	shown, broken, err := assess.Deletions(ctx, c, subject, s.events)
	if err != nil {
		return err
	}
	for _, b := range broken {
		printFailure(g.stderr, &failure{what: printable(b), hint: "mend or leave out the file: the record names no event of it"})
	}
	file, err := assess.Close(c, again, decisions, f.keys, shown, now, key)
	var still *assess.StillThereError
	if errors.As(err, &still) {
		for _, what := range still.What {
			fmt.Fprintf(g.stderr, "open     %s\n", printable(what))
		}
		printFailure(g.stderr, &failure{what: "the case is not closed: no record is signed", hint: "delete what is named, decide on the models (--decide MODEL=TEXT), and close it again"})
		return verdict(exitNotReady)
	}
	if err != nil {
		return err
	}
	if err := g.write(func(w io.Writer) error { _, err := w.Write(file); return err }); err != nil {
		return err
	}
	if err := erasures.Put(ctx, *c); err != nil {
		return stateFailure(err)
	}
	if len(broken) > 0 {
		return verdict(exitUnknown) // it is closed, and what the events would have shown is not known
	}
	return nil
}

func (g *globals) verifyErased(f *erasing) error {
	file, err := readSmall(f.verify, 16<<20)
	if err != nil {
		return usage("the record cannot be read: "+err.Error(), "--verify FILE, as data erase --close --out FILE wrote it")
	}
	key, err := g.trustedKey(f.key)
	if err != nil {
		return err
	}
	rec, err := assess.OpenRecord(file, key)
	if err != nil {
		printFailure(g.stderr, &failure{what: err.Error(), where: f.verify, hint: "ask for the record anew; it does not count"})
		return verdict(exitNotReady)
	}
	return g.tell(rec, func(w io.Writer) error {
		fmt.Fprintf(w, "erasure %s, begun %s, closed %s: %s destroyed, %s searched again and clean\n", rec.Case, rec.Begun.Format(time.DateOnly), rec.Closed.Format(time.DateOnly), counted(len(rec.Destroyed), "place"), counted(len(rec.Relisted), "store"))
		for _, m := range rec.Models {
			fmt.Fprintf(w, "model    %s: %s\n", printable(m.Model), printable(m.Decision))
		}
		return nil
	})
}

// dataWorldOrNone gives what is known of an estate's data, for as long as the state is
// open: nil where neither a source nor a snapshot is at hand.
func (g *globals) dataWorldOrNone(ctx context.Context, r reading, then func(store.Store, assess.Options, func([]data.ErasePlace) (*data.World, error)) error) error {
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	s.settleSources()
	if err := s.splitEvents(); err != nil {
		return err
	}
	if r.snapshot == "" && r.asOf == "" && (s.ambient || len(s.sources) == 0) {
		r.snapshot = "latest"
	}
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	o, err := s.options(r.within)
	if err != nil {
		return err
	}
	if o.Data, err = assess.DataSaid(ctx, st); err != nil {
		return stateFailure(err)
	}
	return then(st, o, func(places []data.ErasePlace) (*data.World, error) {
		snap, err := s.snapshot(ctx, st, r, o)
		var none *failure
		if errors.As(err, &none) && none.code == exitUsage && r.snapshot == "latest" {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		k, err := s.dataSaid(ctx, st, snap)
		if err != nil {
			return nil, err
		}
		k.Extra = places
		w, _, err := assess.DataWorld(ctx, snap, s.scope, k)
		return w, err
	})
}
