package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

func newNetworkMatrix(g *globals) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "matrix",
		Short: "Who reaches what, as tables: zones by zones, workloads by stores",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.wire(cmd.Context(), "network matrix", r, func(_ context.Context, w *network.World, s *scope.Scope, workloads *scope.Workloads) error {
				t := w.TableOf(s, workloads)
				if err := g.tell(t, func(out io.Writer) error {
					if done, err := g.drawn(out, func() *report.NetworkPage { return matrixPage(t, w, s) }); done {
						return err
					}
					return matrixText(out, t)
				}); err != nil {
					return err
				}
				return verdict(t.Zones.Exit())
			}, "html", "svg")
		},
	}
	r.addTo(cmd)
	return cmd
}

// cellWord is how a crossing reads in a table.
func cellWord(c network.Crossing) string {
	switch {
	case c.Verdict == "violated":
		return "YES!"
	case c.Reachable == "unknown":
		return "?"
	case c.Reachable == "no":
		return "-"
	case c.Verdict == "intended":
		return "meant"
	}
	return "yes"
}

// matrixText writes both tables for a person.
func matrixText(w io.Writer, t *network.Table) error {
	var names []string
	for _, z := range t.Zones.List {
		names = append(names, z.Name)
	}
	names = append(names, network.Internet)
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(tw, "FROM \\ TO\t%s\n", strings.Join(names, "\t"))
	for _, from := range names {
		fmt.Fprintf(tw, "%s", from)
		for _, to := range names {
			word := "."
			for _, c := range t.Zones.Crossings {
				if c.From == from && c.To == to {
					word = cellWord(c)
				}
			}
			fmt.Fprintf(tw, "\t%s", word)
		}
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	unreadText(w, t.Zones.Unread)
	intentsText(w, t.Zones.Intents)
	fmt.Fprintln(w, "\nYES! violates an intent; yes can be reached; - cannot; ? is not known; . is not asked")
	if len(t.Workloads) == 0 || len(t.Stores) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	for _, row := range t.Workloads {
		by := map[string][]string{}
		for _, c := range row.Cells {
			by[c.Verdict] = append(by[c.Verdict], network.Short(c.Store))
		}
		fmt.Fprintf(w, "%s (%s)\n", printable(row.Workload), row.Zone)
		for _, v := range []struct{ verdict, words string }{{"declared", "reaches, as it declares"}, {"undeclared", "reaches, and does not declare"}, {"broken", "declares, and cannot reach"}, {"unknown", "not known whether it reaches"}} {
			if len(by[v.verdict]) > 0 {
				fmt.Fprintf(w, "  %-29s %s\n", v.words, printable(network.Few(by[v.verdict], 8)))
			}
		}
	}
	return nil
}

func newNetworkBlast(g *globals) *cobra.Command {
	var r reading
	hops := 1
	cmd := &cobra.Command{
		Use:   "blast WORKLOAD",
		Short: "What a workload could reach if somebody took it over, production and stores first",
		Args:  wordsOf("WORKLOAD"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if hops < 1 || hops > 10 {
				return usage(fmt.Sprintf("--hops %d is not between 1 and 10", hops), "sevenfold network blast WORKLOAD --hops 2")
			}
			return g.wire(cmd.Context(), "network blast", r, func(_ context.Context, w *network.World, _ *scope.Scope, workloads *scope.Workloads) error {
				b, err := w.Blast(args[0], workloads, hops)
				if err != nil {
					return ends(err)
				}
				if err := g.tell(b, func(out io.Writer) error { return blastText(out, b) }); err != nil {
					return err
				}
				if len(b.Undecided)+len(b.Unread) > 0 {
					return verdict(exitUnknown)
				}
				return nil
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().IntVar(&hops, "hops", 1, "over how many things an intruder would go on, each by a connection of its own")
	return cmd
}

// blastText writes what is in reach for a person.
func blastText(w io.Writer, b *network.Blast) error {
	fmt.Fprintf(w, "%s reaches %d things; the internet: %s\n", printable(b.Workload), len(b.Reached), b.Internet)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, r := range b.Reached {
		through := ""
		if r.Through != "" {
			through = "through " + r.Through
		}
		fmt.Fprintf(t, "  %d\t%s\t%s\t%s\t%s\t%s\n", r.Hops, r.Zone, r.Kind, printable(r.Asset), network.Few(r.Ports, 4), printable(through))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, api := range slices.Sorted(maps.Keys(b.APIs)) {
		fmt.Fprintf(w, "  can call %s (%d things of the estate; who may do what there: sevenfold access)\n", printable(api), b.APIs[api])
	}
	for _, s := range b.Stores {
		fmt.Fprintf(w, "  uses the store %s, as it declares\n", printable(s))
	}
	for _, u := range b.Undecided {
		fmt.Fprintf(w, "  not known: %s\n", printable(u))
	}
	unreadText(w, b.Unread)
	return nil
}

func newNetworkDiff(g *globals) *cobra.Command {
	var r reading
	alone := false
	cmd := &cobra.Command{
		Use:   "diff OLD NEW | diff PLAN.json",
		Short: "Which connections open and close: between two snapshots, folders or sources, or by a plan",
		Long: "OLD and NEW are snapshots in the state (latest, sha256:…, a time), folders of exports or\n" +
			"manifests, or sources (dir:PATH, terraform:STATE, …). One argument is a Terraform or OpenTofu\n" +
			"plan (terraform show -json), laid over the last snapshot in the state or --snapshot; --alone\n" +
			"takes the plan's own word on what exists.\n\n" +
			"Exit codes: 0 nothing opens or closes, 1 something does, 3 something newly is not known.",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("network diff", "text", "json"); err != nil {
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
			return s.networkDiff(cmd.Context(), r, args, alone)
		},
	}
	r.addTo(cmd)
	cmd.Flags().BoolVar(&alone, "alone", false, "judge the plan by itself, over no estate")
	return cmd
}

// networkDiff compares two networks.
func (s *session) networkDiff(ctx context.Context, r reading, args []string, alone bool) error {
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	s.maskKeyFile = r.maskKey
	o, err := s.options(r.within)
	if err != nil {
		return err
	}
	if err := s.sameMaskKey(ctx, st, o.MaskKey, false); err != nil {
		return err
	}
	var old, next *estate.Snapshot
	if len(args) == 1 {
		p, err := assess.ReadPlan(args[0], o.MaskKey)
		if err != nil {
			return planFailure(err)
		}
		base, err := s.planBase(ctx, st, r, o, alone)
		if err != nil {
			return err
		}
		laid, err := assess.Lay(ctx, base, p)
		if err != nil {
			return err
		}
		old, next = laid.Before, laid.After
	} else {
		for i, to := range []**estate.Snapshot{&old, &next} {
			if *to, err = s.sideOf(ctx, st, o, args[i]); err != nil {
				return err
			}
		}
	}
	d, err := assess.NetworkDiff(ctx, s.scope, old, next)
	if err != nil {
		return ends(err)
	}
	if err := s.g.tell(d, func(out io.Writer) error { return networkDiffText(out, d) }); err != nil {
		return err
	}
	switch {
	case len(d.Opened)+len(d.Closed)+len(d.Violated) > 0:
		return verdict(exitNotReady)
	case len(d.Undecided)+len(d.Unread) > 0:
		return verdict(exitUnknown)
	}
	return nil
}

// networkDiffText writes a difference for a person.
func networkDiffText(w io.Writer, d *network.Difference) error {
	for _, c := range d.Violated {
		fmt.Fprintf(w, "FORBIDDEN: %s -> %s can be opened now, against: %s\n", c.From, c.To, printable(c.Intent))
		for _, h := range c.Path {
			fmt.Fprintf(w, "  by      %s\n", printable(strings.TrimSpace(h.Name+"  "+h.Rule)))
		}
	}
	for _, part := range []struct {
		word string
		list []network.Opening
	}{{"opened", d.Opened}, {"closed", d.Closed}, {"not known any more", d.Undecided}} {
		for i, o := range part.list {
			if i == 200 {
				fmt.Fprintf(w, "%s: %d more; --format json lists them\n", part.word, len(part.list)-i)
				break
			}
			fmt.Fprintf(w, "%s: %s -> %s on %s\n", part.word, printable(o.From), printable(o.To), network.Few(o.Ports, 6))
		}
	}
	unreadText(w, d.Unread)
	_, err := fmt.Fprintf(w, "%d opened, %d closed, %d not known any more, among %d things of %d kinds\n", len(d.Opened), len(d.Closed), len(d.Undecided), d.Things, d.Classes)
	return err
}

func newNetworkRecommend(g *globals) *cobra.Command {
	var r reading
	var logs []string
	var out string
	cmd := &cobra.Command{
		Use:   "recommend",
		Short: "What to change so that every intent is kept: rules to take away, policies to write, each proved on a copy",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.wire(cmd.Context(), "network recommend", r, func(ctx context.Context, w *network.World, s *scope.Scope, workloads *scope.Workloads) error {
				var seen *network.Observed
				if len(logs) > 0 {
					var err error
					if seen, err = w.ReadFlows(ctx, logs, ""); err != nil {
						return ends(err)
					}
				}
				list, err := w.Recommend(ctx, s, workloads, seen)
				if err != nil {
					return err
				}
				unsure := w.Unsure(s, workloads)
				if seen != nil {
					unsure = append(unsure, seen.Unseen()...)
				}
				if out != "" {
					if err := writePolicies(out, list); err != nil {
						return err
					}
				}
				if g.format == "patch" {
					if err := g.write(func(to io.Writer) error { return networkPatch(to, list, assess.NetworkPatches(list, g.settled)) }); err != nil {
						return err
					}
					return recommended(list, unsure)
				}
				if err := g.write(func(to io.Writer) error {
					if g.format == "json" {
						return writeJSON(to, struct {
							Advice []network.Advice `json:"advice"`
							Unsure []string         `json:"unsure,omitempty"`
						}{list, unsure})
					}
					return adviceText(to, list, unsure)
				}); err != nil {
					return err
				}
				return recommended(list, unsure)
			}, "patch")
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringArrayVar(&logs, "flows", nil, "flow logs, a file or folder at `PATH`; repeats: what was used is kept, and what would break is told")
	cmd.Flags().StringVar(&out, "policies", "", "write the NetworkPolicies into a `FOLDER`")
	return cmd
}

// recommended is how recommend ends.
func recommended(list []network.Advice, unsure []string) error {
	switch {
	case len(list) > 0:
		return verdict(exitNotReady)
	case len(unsure) > 0:
		return verdict(exitUnknown)
	}
	return nil
}

// networkPatch writes what advice takes away as a patch of the Terraform source, as
// git apply takes it in the folder of the plan.
func networkPatch(out io.Writer, list []network.Advice, patches []assess.Patch) error {
	if len(patches) > 1 {
		var sources []string
		for _, p := range patches {
			sources = append(sources, p.Source)
		}
		return usage(fmt.Sprintf("%d plans have a patch each, of different folders: %s", len(patches), strings.Join(sources, ", ")), "read one of them: --source "+shellWord(sources[0]))
	}
	for _, a := range list {
		fmt.Fprintf(out, "# against: %s (%s -> %s)\n", printable(a.Against), printable(a.From), printable(a.To))
	}
	if len(patches) == 0 {
		_, err := fmt.Fprintln(out, "# no patch: none of the rules to take away is written in a Terraform source that was read")
		return err
	}
	p := patches[0]
	for _, made := range p.Findings {
		fmt.Fprintf(out, "#   takes away %s\n", printable(made))
	}
	for _, l := range p.Left {
		fmt.Fprintf(out, "#   left: %s: %s\n", printable(l.Finding), printable(l.Why))
	}
	for _, n := range p.Notes {
		fmt.Fprintf(out, "#   besides: %s\n", printable(n))
	}
	_, err := io.WriteString(out, p.Diff)
	return err
}

// writePolicies writes each policy once.
func writePolicies(dir string, list []network.Advice) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &failure{code: exitUsage, what: fmt.Sprintf("the folder for policies cannot be made: %v", err), hint: "name a folder that can be written"}
	}
	for _, a := range list {
		for _, p := range a.Policies {
			path := filepath.Join(dir, p.File())
			if err := os.WriteFile(path, []byte(p.YAML), 0o644); err != nil {
				return &failure{code: exitUsage, what: fmt.Sprintf("a policy cannot be written: %v", err), hint: "name a folder that can be written"}
			}
		}
	}
	return nil
}

// adviceText writes what to change for a person.
func adviceText(w io.Writer, list []network.Advice, unsure []string) error {
	for _, u := range unsure {
		fmt.Fprintf(w, "not known: %s\n", printable(u))
	}
	if len(list) == 0 && len(unsure) > 0 {
		_, err := fmt.Fprintln(w, "nothing is surely violated; what is not known needs what was not read")
		return err
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "every intent is kept, and nothing of a workload is open to the internet that was not meant")
		return err
	}
	for _, a := range list {
		fmt.Fprintf(w, "%s -> %s: %s\n", printable(a.From), printable(a.To), printable(a.Against))
		for _, h := range a.Path {
			fmt.Fprintf(w, "  by      %s\n", printable(strings.TrimSpace(h.Name+"  "+h.Rule)))
		}
		for _, r := range a.Rules {
			fmt.Fprintf(w, "  remove  %s\n", printable(r))
		}
		for _, d := range a.Deletes {
			fmt.Fprintf(w, "  delete  %s\n", printable(d))
		}
		for _, c := range a.Commands {
			fmt.Fprintf(w, "  $ %s\n", printable(c))
		}
		for _, p := range a.Policies {
			fmt.Fprintf(w, "  # %s.%s.yaml\n", p.Namespace, p.Name)
			for line := range strings.Lines(p.YAML) {
				fmt.Fprintf(w, "    %s\n", printable(strings.TrimRight(line, "\n")))
			}
		}
		switch {
		case a.Cut && len(a.Breaks) == 0:
			fmt.Fprintln(w, "  proved  on a copy of the network: nothing of it is open any more")
		case a.Cut:
			fmt.Fprintln(w, "  proved  on a copy of the network: nothing of it is open any more, but what is in use breaks")
		default:
			fmt.Fprintf(w, "  left    %s\n", printable(network.Few(a.Left, 3)))
		}
		for _, u := range a.Unsure {
			fmt.Fprintf(w, "  unsure  %s\n", printable(u))
		}
		for _, b := range a.Breaks {
			fmt.Fprintf(w, "  breaks  %s\n", printable(b))
		}
		for i, c := range a.Closes {
			if i == 10 {
				fmt.Fprintf(w, "  closes  and %d more connections\n", len(a.Closes)-i)
				break
			}
			fmt.Fprintf(w, "  closes  %s -> %s on %s\n", printable(c.From), printable(c.To), network.Few(c.Ports, 4))
		}
		fmt.Fprintln(w)
	}
	return nil
}

func newNetworkObserved(g *globals) *cobra.Command {
	var r reading
	var format string
	cmd := &cobra.Command{
		Use:   "observed PATH…",
		Short: "Flows that were seen against what is allowed: VPC flow logs and Hubble's flows, files or folders",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.wire(cmd.Context(), "network observed", r, func(ctx context.Context, w *network.World, _ *scope.Scope, _ *scope.Workloads) error {
				o, err := w.ReadFlows(ctx, args, format)
				if err != nil {
					if errors.Is(err, context.Canceled) {
						return err
					}
					return ends(err)
				}
				w.FindUnused(o)
				if err := g.tell(o, func(out io.Writer) error { return seenText(out, o) }); err != nil {
					return err
				}
				switch {
				case len(o.NotAllowed) > 0:
					return verdict(exitNotReady)
				case o.Agreed+len(o.HeldBack) == 0, len(o.Undecided) > 0, len(o.Blind) > 0: // nothing was compared, or not all
					return verdict(exitUnknown)
				}
				return nil
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&format, "log-format", "", "the flow log's `FORMAT` where lines come without a header: \"${version} ${account-id} …\"")
	return cmd
}

// seenText writes a comparison for a person.
func seenText(w io.Writer, o *network.Observed) error {
	fmt.Fprintf(w, "%d records, %d kinds of flow, %s to %s: %d agree, %d outside what was read\n", o.Records, o.Flows, dayOf(o.First), dayOf(o.Last), o.Agreed, o.Outside)
	for _, part := range []struct {
		word string
		list []network.Disagreement
	}{{"let through, not allowed", o.NotAllowed}, {"allowed, held back", o.HeldBack}, {"not decided", o.Undecided}} {
		for i, d := range part.list {
			if i == 50 {
				fmt.Fprintf(w, "%s: %d more; --format json lists them\n", part.word, len(part.list)-i)
				break
			}
			fmt.Fprintf(w, "%s: %s -> %s on %s (%s, %d records)\n", part.word, printable(d.From), printable(d.To), d.Port, d.Verdict, d.Records)
			for _, b := range d.Because {
				fmt.Fprintf(w, "  because %s\n", printable(b))
			}
		}
	}
	for i, u := range o.Unused {
		if i == 50 {
			fmt.Fprintf(w, "open and not used: %d more\n", len(o.Unused)-i)
			break
		}
		fmt.Fprintf(w, "open and not used: %s -> %s on %s\n", printable(u.From), printable(u.To), network.Few(u.Ports, 4))
	}
	if o.UnusedWhy != "" {
		fmt.Fprintf(w, "what is open and not used is not told: %s\n", printable(o.UnusedWhy))
	}
	for _, b := range o.Blind {
		fmt.Fprintf(w, "blind: %s\n", printable(b))
	}
	return nil
}
