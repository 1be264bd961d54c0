package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// accessFlags say what of the overview is asked for.
type accessFlags struct {
	workload, account, kind, who string
	ownerless, all, assets       bool
}

func newAccess(g *globals) *cobra.Command {
	var r reading
	var f accessFlags
	cmd := &cobra.Command{
		Use:   "access",
		Short: "Every identity: what of AI it may touch, by what, last use, keys, owner",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("access", "text", "json", "html"); err != nil {
				return err
			}
			if !slices.Contains([]string{"", "human", "machine", "unknown"}, f.kind) {
				return usage(fmt.Sprintf("--kind %s is none of human, machine, unknown", f.kind), "sevenfold access --kind machine")
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			r.access = f.assets || g.format == "html"
			result, err := s.run(cmd.Context(), r)
			if err != nil {
				return err
			}
			if err := f.narrow(result.Overview); err != nil {
				return err
			}
			doc := result.Document(version, s.scope, s.controls)
			narrow(doc, "access")
			doc.Command = "sevenfold access"
			if err := g.write(func(w io.Writer) error {
				switch {
				case g.format == "json":
					return f.json(w, result)
				case g.format == "html":
					return report.HTML(w, doc, result.Drawing())
				case f.assets:
					return accessList(w, result)
				}
				return report.OverviewText(w, assess.OverviewDocument(result.Overview), g.textOptions(""), f.all)
			}); err != nil {
				return err
			}
			return verdict(gate.Exit(verdicts(doc)))
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&f.workload, "workload", "", "only who may touch something of a `WORKLOAD`, a name or id")
	cmd.Flags().StringVar(&f.account, "account", "", "only identities of an `ACCOUNT` or cluster")
	cmd.Flags().StringVar(&f.kind, "kind", "", "only human, machine, or unknown where it is not told")
	cmd.Flags().StringVar(&f.who, "who", "", "only identities whose id, owner or origin holds a `TEXT`")
	cmd.Flags().BoolVar(&f.ownerless, "ownerless", false, "only those that nobody answers for")
	cmd.Flags().BoolVar(&f.all, "all", false, "list every identity, and what each rests on")
	cmd.Flags().BoolVar(&f.assets, "assets", false, "list by asset who may touch it, by which statement, one table each")
	cmd.AddCommand(newAccessCan(g), newAccessWhoCan(g), newAccessEscalations(g), newAccessCompare(g), newAccessRightsize(g), newAccessUnused(g), newAccessReview(g))
	return cmd
}

// narrow leaves the identities that were asked for. What is summed up by
// account and workload stays the whole.
func (f *accessFlags) narrow(o *access.Overview) error {
	place := -1
	if f.workload != "" {
		var found []string
		for i, w := range o.Workloads {
			if w.Name == f.workload || w.ID == f.workload {
				place, found = i, append(found, w.ID)
			}
		}
		switch {
		case len(found) == 0:
			return usage(fmt.Sprintf("no workload is called %q", f.workload), "sevenfold inventory lists the workloads")
		case len(found) > 1:
			return usage(fmt.Sprintf("%d workloads are called %q: %s", len(found), f.workload, strings.Join(found, ", ")), "name one by its id")
		}
	}
	o.Keep(func(i *access.Identity) bool {
		words := strings.ToLower(i.ID + " " + i.Owner + " " + i.Origin)
		return (place < 0 || i.TouchesWorkload(place)) && (f.account == "" || i.Account == f.account) && (f.kind == "" || string(i.Kind) == f.kind) &&
			(!f.ownerless || i.Ownerless()) && strings.Contains(words, strings.ToLower(f.who))
	})
	return nil
}

// json writes the overview, and by asset who may touch it if that was
// asked for.
func (f *accessFlags) json(w io.Writer, result *assess.Result) error {
	out := struct {
		*access.Overview
		Access []access.Entry `json:"access,omitempty"`
	}{result.Overview, result.Access}
	return writeJSON(w, out)
}

// accessList writes the entries, one table for each asset.
func accessList(w io.Writer, result *assess.Result) error {
	names := map[string]string{}
	for _, wl := range result.Workloads.List {
		names[wl.ID] = wl.Name
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, e := range result.Access {
		fmt.Fprintf(tw, "%s  (%s)\n", printable(e.Asset), printable(names[e.Workload]))
		if len(e.Grants) == 0 {
			fmt.Fprintf(tw, "  nobody may touch it by what was read\n")
		}
		for _, u := range e.Unread {
			fmt.Fprintf(tw, "  perhaps others: %s\n", printable(u))
		}
		for _, n := range e.Grants {
			fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\n", printable(n.Principal), n.Class, lastUse(n), keyAge(n, result.Snapshot.Taken()), printable(via(n)))
		}
	}
	fmt.Fprintf(tw, "\nDecided under all policies that bear on it; in clusters, what rules name. Who acts in the place of these stands in sevenfold access.\n")
	return tw.Flush()
}

func via(n *access.Grant) string {
	s := n.Via
	if len(n.Levels) > 0 {
		s = strings.Join(n.Levels, ", ") + " by " + s
	}
	if n.Owner != "" {
		s = "owner " + n.Owner + "; " + s
	}
	if n.Conditional {
		s += " (with conditions)"
	}
	return s
}

func lastUse(n *access.Grant) string {
	switch {
	case !n.LastUsed.IsZero():
		return "used " + n.LastUsed.Format(time.DateOnly)
	case n.UsageKnown:
		return "never used"
	default:
		return "use not read"
	}
}

func keyAge(n *access.Grant, now time.Time) string {
	if n.OldestKey.IsZero() {
		return ""
	}
	return fmt.Sprintf("key %d days old", int(now.Sub(n.OldestKey).Hours()/24))
}

// printable keeps names that somebody else chose from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '�'
		}
		return r
	}, s)
}
