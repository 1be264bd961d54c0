package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newData(g *globals) *cobra.Command {
	return g.stepVerb("data", "What sensitive data workloads touch, where it goes, how it is kept and destroyed",
		newDataScan(g), newDataFlows(g), newDataRetention(g), newDataErase(g), newDataTags(g), newDataReaders(g), newDataEvidence(g))
}

// dataSaid is what is known of data beside the snapshot: what the state remembers, and
// what events show.
func (s *session) dataSaid(ctx context.Context, st store.Store, snap *estate.Snapshot) (data.Known, error) {
	k, err := assess.DataSaid(ctx, st)
	if err != nil {
		return k, stateFailure(err)
	}
	named := slices.DeleteFunc(slices.Clone(s.events), func(l assess.Log) bool { return l.Folder })
	if len(named)+len(s.lineage) == 0 {
		return k, nil
	}
	if err := assess.SeeFlows(ctx, &k, snap, s.lineage, named); err != nil {
		return k, err
	}
	for _, b := range k.Broken {
		printFailure(s.g.stderr, &failure{what: printable(b), hint: "mend or leave out the file: until then what events do not show is not known"})
	}
	return k, nil
}

// dataWorld reads what the flags ask for and puts together what is known of its data.
func (g *globals) dataWorld(ctx context.Context, verb string, r reading, then func(*session, store.Store, assess.Options, *data.World, *scope.Workloads) error, formats ...string) error {
	if err := g.wants(verb, formats...); err != nil {
		return err
	}
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	s.settleSources()
	if err := s.splitEvents(); err != nil {
		return err
	}
	return s.opened(ctx, &r, func(st store.Store, o assess.Options) error {
		snap, err := s.snapshot(ctx, st, r, o)
		if err != nil {
			return err
		}
		k, err := s.dataSaid(ctx, st, snap)
		if err != nil {
			return err
		}
		o.Data = k
		w, workloads, err := assess.DataWorld(ctx, snap, s.scope, k)
		if err != nil {
			return err
		}
		return then(s, st, o, w, workloads)
	})
}

func newDataFlows(g *globals) *cobra.Command {
	var r reading
	var label string
	cmd := &cobra.Command{
		Use:   "flows",
		Short: "Where labelled data goes, and whether each system is approved for it",
		Long: `Where labelled data goes: from the stores it was found in, through jobs, models and
endpoints to logs, by what configuration declares and events show, and whether
sevenfold.yaml approves each system for it (data: approved). Beside that stands what is
possible: who may read a labelled store, or can open a connection to one whose own
users decide, though nothing declares or shows it, what runs as it, and where the data
would go on to.

Exit 1 if a label reaches a system that is not approved, else 3 if that is not known
of some: no system is approved for a label, a store was not looked into, its data
events are not recorded or were not given, or, where they were not, a possible flow
ends in a system that is not approved or who could take the data is not known; else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.dataWorld(cmd.Context(), "data flows", r, func(_ *session, _ store.Store, _ assess.Options, w *data.World, workloads *scope.Workloads) error {
				if label != "" {
					label = scope.LabelOf(label)
				}
				f, err := assess.DataFlows(cmd.Context(), w, workloads, label)
				if err != nil {
					return err
				}
				if err := g.write(func(out io.Writer) error {
					switch g.format {
					case "json":
						return writeJSON(out, f)
					case "html":
						return flowsPage(out, f)
					}
					return flowsText(out, f)
				}); err != nil {
					return err
				}
				return verdict(f.Exit())
			}, "text", "json", "html")
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&label, "label", "", "of one `LABEL` only: PII, PHI, PCI, …")
	return cmd
}

// flowsText writes the way of each label, unapproved systems first.
func flowsText(w io.Writer, f *data.Flows) error {
	for _, state := range []string{"no", "unknown", "yes"} {
		for _, s := range f.Stops {
			if s.Approved != state {
				continue
			}
			word := map[string]string{"no": "NOT APPROVED", "unknown": "not stated", "yes": "approved"}[state]
			fmt.Fprintf(w, "%-12s  %s in %s (%s, %s)\n", word, s.Label, printable(s.System), s.Type, s.Origin)
			if state != "no" {
				continue
			}
			for i, h := range s.Path {
				if i == 0 {
					fmt.Fprintf(w, "              %s\n", printable(h.From))
				}
				fmt.Fprintf(w, "              -> %s  (%s: %s)\n", printable(h.To), h.Tier, printable(h.Evidence))
			}
		}
	}
	possibleText(w, f)
	few := func(what string, list []string) {
		for i, one := range list {
			if i == 10 {
				fmt.Fprintf(w, "%s: and %d more\n", what, len(list)-i)
				break
			}
			fmt.Fprintf(w, "%s: %s\n", what, printable(one))
		}
	}
	if len(f.Stops) == 0 {
		fmt.Fprintln(w, "no label is known of anything: sevenfold data scan looks into stores")
	}
	few("not looked into", f.Unclassified)
	few("flows would not be seen", f.Unseen)
	few("does not count", f.Lowered)
	few("scanned, and not in the estate", f.Strays)
	few("left open by a definition", f.Open)
	few("who could take its data is not known", f.PossibleUnknown)
	return nil
}

// Bounds of the possible flows that the text tells; the JSON has all that are known.
const (
	possibleTold   = 15
	possibleSystem = 3
)

// possibleText writes the possible flows, of each the first systems and the way to those that
// are not approved.
func possibleText(w io.Writer, f *data.Flows) {
	for i := range f.Possible {
		p := &f.Possible[i]
		if i == possibleTold {
			fmt.Fprintf(w, "possible: and %d more; --format json lists them\n", len(f.Possible)+f.PossibleMore-i)
			return
		}
		word := map[string]string{"no": "not approved", "unknown": "not stated", "yes": "approved"}[p.Approved]
		fmt.Fprintf(w, "possible      %s of %s, %s: %s\n", strings.Join(p.Labels, ", "), printable(p.Store), word, printable(p.Reason))
		for k, s := range p.Systems {
			if k == possibleSystem {
				fmt.Fprintf(w, "              and %d systems more\n", len(p.Systems)+p.More-k)
				break
			}
			way := ""
			for _, h := range s.Path {
				way += " -> " + printable(h.To)
			}
			fmt.Fprintf(w, "             %s (%s)\n", way, map[string]string{"no": "not approved", "unknown": "not stated", "yes": "approved"}[s.Approved])
		}
	}
}

func newDataRetention(g *globals) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "retention",
		Short: "How long labelled data is kept, against its period: old versions, uploads, locks, replicas, copies",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.dataWorld(cmd.Context(), "data retention", r, func(_ *session, _ store.Store, _ assess.Options, w *data.World, workloads *scope.Workloads) error {
				got := w.Retained(workloads)
				if err := g.tell(got, func(out io.Writer) error { return retentionText(out, got) }); err != nil {
					return err
				}
				return verdict(got.Exit())
			}, "text", "json")
		},
	}
	r.addTo(cmd)
	return cmd
}

// retentionText writes what is unmet first.
func retentionText(w io.Writer, r *data.Retained) error {
	for _, state := range []string{"unmet", "unknown", "met"} {
		for _, k := range r.Stores {
			if k.Status != state {
				continue
			}
			fmt.Fprintf(w, "%-8s %s in %s", state, k.Label, printable(k.Store))
			if k.Days > 0 {
				fmt.Fprintf(w, ", %d days", k.Days)
			}
			fmt.Fprintln(w)
			for _, x := range k.Rules {
				fmt.Fprintf(w, "         %-8s %s: %s\n", x.Status, printable(x.What), printable(x.Why))
				if x.Do != "" && x.Status != "met" {
					fmt.Fprintf(w, "                  do: %s\n", printable(x.Do))
				}
			}
			if len(k.Copies) > 0 {
				fmt.Fprintf(w, "         what is derived from it: %s\n", printable(strings.Join(k.Copies[:min(5, len(k.Copies))], ", ")))
			}
		}
	}
	for _, u := range r.Unclassified {
		fmt.Fprintf(w, "unknown  %s\n", printable(u))
	}
	for _, c := range r.Open {
		fmt.Fprintf(w, "unmet    erasure %s of %s is not done: %s, %s\n", c.ID, c.Begun.Format("2006-01-02"), counted(len(c.Places), "place"), counted(len(c.Models), "model"))
	}
	if len(r.Stores)+len(r.Unclassified)+len(r.Open) == 0 {
		fmt.Fprintln(w, "no store of a workload is known")
	}
	return nil
}
