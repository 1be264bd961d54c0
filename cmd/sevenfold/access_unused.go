package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

func newAccessUnused(g *globals) *cobra.Command {
	var l looking
	cmd := &cobra.Command{
		Use:   "unused [PRINCIPAL]",
		Short: "What is granted to the identities of workloads and not used; what outlived its experiment; keys",
		Long: `What is granted to the identities that workloads run as, and to those that can
change them, beside what the logs (sources events:PATH) and IAM's last accessed
data (sources with usage=yes) show of its use. What neither could show is unknown,
and never unused: a window that the logs do not cover, calls on the data plane that
no trail logs.

Exits 1 if something is unused, 3 if nobody can tell, 0 if all is used.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage(fmt.Sprintf("%s takes one PRINCIPAL at most: %d given", cmd.CommandPath(), len(args)), cmd.CommandPath()+" PRINCIPAL")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("access unused", "text", "json"); err != nil {
				return err
			}
			s, err := g.withLogs()
			if err != nil {
				return err
			}
			name := strings.Join(args, "")
			return s.seeUsage(cmd.Context(), l, func(ctx context.Context, snap *estate.Snapshot, u *access.Usage) error {
				got, err := assess.FindUnused(ctx, snap, s.scope, u, name)
				if err != nil {
					return err
				}
				if err := g.tell(got, func(w io.Writer) error { return unusedText(w, got) }); err != nil {
					return err
				}
				switch got.Says() {
				case access.UseUsed:
					return nil
				case access.UseUnknown:
					return verdict(exitUnknown)
				}
				return verdict(exitNotReady)
			})
		},
	}
	l.addTo(cmd)
	return cmd
}

// unusedText writes what is unused for a person.
func unusedText(w io.Writer, got *assess.Unused) error {
	for _, o := range got.Observed {
		fmt.Fprintf(w, "%s, asked from %s to %s\n", printable(o.Account), o.From.Format("2006-01-02"), o.To.Format("2006-01-02"))
		observedText(w, o)
		if o.Lacks != "" {
			fmt.Fprintf(w, "  so that of what was not seen nobody can tell: %s\n", printable(o.Lacks))
		}
	}
	if len(got.Identities) == 0 {
		fmt.Fprintln(w, "no identity of a workload was found whose grants are its own")
	}
	for i := range got.Identities {
		identityUseText(w, &got.Identities[i])
	}
	leftoversText(w, got.Leftovers)
	keysText(w, got.Credentials)
	for _, name := range slices.Sorted(maps.Keys(got.Unmapped)) {
		fmt.Fprintf(w, "unknown which action the event %s is (%d times)\n", printable(name), got.Unmapped[name])
	}
	return nil
}

func identityUseText(w io.Writer, id *access.IdentityUse) {
	fmt.Fprintf(w, "\n%s: %s", printable(id.ID), id.Status)
	if !id.LastUsed.IsZero() {
		fmt.Fprintf(w, ", last used %s", id.LastUsed.Format("2006-01-02"))
	}
	if id.Why != "" {
		fmt.Fprintf(w, " (%s)", printable(id.Why))
	}
	fmt.Fprintln(w)
	if id.As != "" {
		fmt.Fprintf(w, "  %s %s\n", map[string]string{"runs as": "runs", "manages": "can change"}[id.As], printable(strings.Join(id.Workloads, ", ")))
	}
	for _, u := range id.Unread {
		fmt.Fprintf(w, "  perhaps more: %s\n", printable(u))
	}
	for i := range id.Grants {
		g := &id.Grants[i]
		fmt.Fprintf(w, "  %-8s%s %s: %d of %d actions used\n", g.Status, printable(g.Policy), printable(g.Statement), len(g.Used), g.Granted)
		for _, u := range g.Used {
			if u.From == "log" {
				fmt.Fprintf(w, "    used    %s, %d times, last %s (event %s)\n", printable(u.Action), u.Count, u.Last.Format("2006-01-02 15:04"), printable(u.Event))
			} else {
				fmt.Fprintf(w, "    used    %s (%s tells)\n", printable(u.Action), u.From)
			}
		}
		sharesText(w, "unused", g.Unused)
		sharesText(w, "unknown", g.Unknown)
		for _, r := range g.Resources {
			switch {
			case r.Status == access.UseUsed:
				fmt.Fprintf(w, "    on      %s: %d seen\n", printable(r.Resource), r.Seen)
			case r.Status == access.UseUnused:
				fmt.Fprintf(w, "    on      %s: never\n", printable(r.Resource))
			default:
				fmt.Fprintf(w, "    on      %s: unknown (%s)\n", printable(r.Resource), printable(r.Why))
			}
		}
	}
}

// sharesShown is how many services are shown for a grant.
const sharesShown = 12

func sharesText(w io.Writer, word string, list []access.Share) {
	for i, s := range list {
		if i == sharesShown {
			fmt.Fprintf(w, "    %-7s and of %d more services; --format json lists them\n", word, len(list)-i)
			return
		}
		what := fmt.Sprintf("%d of %s", s.Actions, s.Service)
		if len(s.Names) > 0 {
			what = strings.Join(s.Names, ", ")
		}
		fmt.Fprintf(w, "    %-7s %s (%s)\n", word, printable(what), printable(s.Why))
	}
}

func leftoversText(w io.Writer, list []access.Leftover) {
	if len(list) > 0 {
		fmt.Fprintln(w, "\nmade for an experiment that has ended")
	}
	for _, l := range list {
		what := l.Grant.Call
		if l.Grant.Resource != "" {
			what += " " + l.Grant.Resource + " statement"
		}
		if l.Grant.Grant != "" {
			what += " " + l.Grant.Grant
		}
		fmt.Fprintf(w, "  %-8s%s to %s on %s", l.Status, printable(what), printable(l.Grant.To), l.Grant.Time.Format("2006-01-02 15:04"))
		if l.Grant.Event != "" {
			fmt.Fprintf(w, " by %s (event %s)", printable(l.Grant.By), printable(l.Grant.Event))
		}
		fmt.Fprintf(w, "\n    for     %s, ended %s", printable(l.Experiment.ID), l.Experiment.Ended.Format("2006-01-02 15:04"))
		if l.Experiment.End != "" {
			fmt.Fprintf(w, " (event %s)", printable(l.Experiment.End))
		}
		fmt.Fprintf(w, ": %s\n    since   %s\n", printable(l.Because), printable(l.Why))
		for _, c := range l.Mend {
			fmt.Fprintf(w, "    $ %s\n", printable(c))
		}
	}
}

func keysText(w io.Writer, keys []access.Key) {
	if len(keys) > 0 {
		fmt.Fprintln(w, "\ncredentials that live long")
	}
	for i := range keys {
		k := &keys[i]
		state, age, used := "active", "age not told", "use not told"
		if !k.Active {
			state = "inactive"
		}
		if k.AgeDays >= 0 {
			age = fmt.Sprintf("%d days old", k.AgeDays)
		}
		switch {
		case !k.LastUsed.IsZero():
			used = "last used " + k.LastUsed.Format("2006-01-02")
		case k.UsageKnown:
			used = "never used"
		}
		fmt.Fprintf(w, "  %s %s of %s: %s, %s, %s, owner %s; may %s\n", printable(k.Type), printable(k.ID), printable(k.Identity), state, age, used, orElse(printable(k.Owner), "unknown"), k.Scope)
		for _, f := range k.Faults {
			fmt.Fprintf(w, "    fault   %s\n", printable(f))
		}
		for _, u := range k.Unknown {
			fmt.Fprintf(w, "    unknown %s\n", printable(u))
		}
		if len(k.Faults) > 0 {
			for _, c := range k.Mend() {
				fmt.Fprintf(w, "    $ %s\n", printable(c))
			}
		}
	}
}
