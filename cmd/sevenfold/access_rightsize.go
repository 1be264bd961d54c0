package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// sizing are the flags of access rightsize.
type sizing struct {
	looking
	strict bool
	after  int
	reason string
	files  string
}

func newAccessRightsize(g *globals) *cobra.Command {
	var f sizing
	cmd := &cobra.Command{
		Use:   "rightsize PRINCIPAL",
		Short: "Policies that allow what somebody was seen to do, proved by replay, and the two steps there",
		Long: `Policies that allow what a role, a user or a service account was seen to do in
the logs (sources events:PATH), and little more. Each call is decided again under
the proposal: none that is allowed today may be lost, and nothing may be allowed
that is not allowed today. What no log would show is kept as it is granted, unless
--trust-logs says that the logs hold all of it.

The change is made in two steps, each with the commands that make it and those that
take it back. --files writes the documents that the commands name.`,
		Args: wordsOf("PRINCIPAL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("access rightsize", "text", "json", "terraform", "kubernetes"); err != nil {
				return err
			}
			if f.after < 1 || f.after > 365 {
				return usage("--after is not between 1 and 365 days", "--after 14")
			}
			s, err := g.withLogs()
			if err != nil {
				return err
			}
			return s.seeUsage(cmd.Context(), f.looking, func(ctx context.Context, snap *estate.Snapshot, u *access.Usage) error {
				got, err := assess.Rightsize(ctx, snap, args[0], access.Sizer{Usage: u, Strict: f.strict, After: f.after, Reason: f.reason})
				if err != nil {
					return err
				}
				return s.sized(f, got)
			})
		},
	}
	f.addTo(cmd)
	cmd.Flags().BoolVar(&f.strict, "trust-logs", false, "the logs hold every call, those on the data plane too: leave out what they do not show")
	cmd.Flags().IntVar(&f.after, "after", 14, "`DAYS` between the two steps")
	cmd.Flags().StringVar(&f.reason, "reason", "", "`TEXT` for the tags of what is made")
	cmd.Flags().StringVar(&f.files, "files", "", "write the documents that the commands name into a `FOLDER`")
	return cmd
}

// sized writes a proposal in the form asked for.
func (s *session) sized(f sizing, got *access.Sized) error {
	g := s.g
	cluster := strings.HasPrefix(got.Principal, "k8s://")
	switch {
	case g.format == "terraform" && cluster:
		return usage(got.Principal+" is of a cluster: its roles are written as Kubernetes objects", "--format kubernetes")
	case g.format == "kubernetes" && !cluster:
		return usage(got.Principal+" is of AWS", "--format json or --format terraform")
	}
	patch := ""
	if g.format == "terraform" {
		set, err := g.loadControls(s.ownControls())
		if err != nil {
			return err
		}
		if patch, err = assess.SizedTerraform(got, s.sources, set); err != nil {
			return err
		}
	}
	if f.files != "" && got.Decision == "proved" {
		if err := writeFiles(f.files, got.Files); err != nil {
			return err
		}
	}
	if err := g.write(func(w io.Writer) error {
		switch g.format {
		case "json":
			return writeJSON(w, got)
		case "terraform":
			if got.Decision != "proved" {
				return noProposal(w, got)
			}
			_, err := io.WriteString(w, patch)
			return err
		case "kubernetes":
			if got.Decision != "proved" {
				return noProposal(w, got)
			}
			return writeJSON(w, map[string]any{"apiVersion": "v1", "kind": "List", "items": got.Policies})
		}
		return sizedText(w, got)
	}); err != nil {
		return err
	}
	switch got.Decision {
	case "proved":
		return nil
	case "refused":
		return verdict(exitNotReady)
	}
	return verdict(exitUnknown)
}

// noProposal says in a comment why there is none, so that no tool takes it for one.
func noProposal(w io.Writer, got *access.Sized) error {
	for _, p := range append([]string{"no proposal for " + got.Principal + ": " + got.Decision}, got.Problems...) {
		if _, err := fmt.Fprintf(w, "# %s\n", printable(p)); err != nil {
			return err
		}
	}
	return nil
}

// writeFiles writes documents into a folder, which is made if need be. A name that
// leads out of it is refused: names come from the estate.
func writeFiles(folder string, files map[string]json.RawMessage) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return usage("--files: "+err.Error(), "give a folder that can be written")
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if filepath.Base(name) != name || !filepath.IsLocal(name) {
			return usage(fmt.Sprintf("--files: %q is no name of a file", name), "rename the policy, or copy its document by hand")
		}
		if err := os.WriteFile(filepath.Join(folder, name), append(slices.Clone(files[name]), '\n'), 0o644); err != nil {
			return usage("--files: "+err.Error(), "give a folder that can be written")
		}
	}
	return nil
}

// sizedText writes a proposal for a person.
func sizedText(w io.Writer, got *access.Sized) error {
	fmt.Fprintf(w, "%s: %s\n", got.Decision, printable(got.Principal))
	observedText(w, got.Observed)
	for _, p := range got.Problems {
		fmt.Fprintf(w, "  note    %s\n", printable(p))
	}
	if got.Decision == "unknown" {
		return nil
	}
	fmt.Fprintf(w, "  replay  %d of %d requests stay allowed (%d calls seen, %d different); broader than today: %s\n", got.Kept, got.Seen, got.Calls, got.Different, got.Broader)
	for _, l := range got.Lost {
		fmt.Fprintf(w, "  lost    %s\n", printable(l))
	}
	for _, r := range got.Refused {
		fmt.Fprintf(w, "  not allowed any more, so not kept: %s\n", printable(r))
	}
	for _, a := range slices.Sorted(maps.Keys(got.Denied)) {
		fmt.Fprintf(w, "  denied  %s, %d times, when it was called\n", printable(a), got.Denied[a])
	}
	for _, a := range slices.Sorted(maps.Keys(got.Unmapped)) {
		fmt.Fprintf(w, "  unknown which action the event %s is (%d times)\n", printable(a), got.Unmapped[a])
	}
	if len(got.Wide) > 0 {
		fmt.Fprintf(w, "  on all that is granted, since the log does not tell on what: %s\n", printable(strings.Join(got.Wide, ", ")))
	}
	hiddenText(w, "kept unseen, since no log would show a use", got.Unseen)
	hiddenText(w, "left out, though no log would show a use", got.Dropped)
	for i, doc := range got.Policies {
		name := ""
		if i < len(got.Names) {
			name = got.Names[i]
		}
		fmt.Fprintf(w, "\npolicy %d %s (%d characters)\n", i+1, printable(name), len(doc))
		var v any
		if json.Unmarshal(doc, &v) == nil {
			if text, err := json.MarshalIndent(v, "", "  "); err == nil {
				fmt.Fprintln(w, printableLines(string(text)))
			}
		}
	}
	for _, s := range got.Stages {
		stageText(w, s)
	}
	return nil
}

func hiddenText(w io.Writer, title string, list []access.Hidden) {
	byWhy := map[string][]string{}
	for _, h := range list {
		byWhy[h.Why] = append(byWhy[h.Why], h.Action)
	}
	for _, why := range slices.Sorted(maps.Keys(byWhy)) {
		fmt.Fprintf(w, "  %s (%s): %s\n", title, printable(why), printable(strings.Join(byWhy[why], ", ")))
	}
}

func stageText(w io.Writer, s access.Stage) {
	fmt.Fprintf(w, "\n%s, %s\n", s.Name, s.When)
	for _, c := range s.Check {
		fmt.Fprintf(w, "  before  %s\n", printable(c))
	}
	for _, c := range s.Commands {
		fmt.Fprintf(w, "  $ %s\n", printable(c))
	}
	for _, c := range s.Cancel {
		fmt.Fprintf(w, "  cancel  %s\n", printable(c))
	}
	for _, n := range s.Notes {
		fmt.Fprintf(w, "  note    %s\n", printable(n))
	}
}

func observedText(w io.Writer, o access.Observed) {
	if o.Events == 0 {
		fmt.Fprintf(w, "  seen    nothing of %s\n", printable(o.Account))
		return
	}
	fmt.Fprintf(w, "  seen    %d events of %s on %d days, %s to %s, regions %s\n", o.Events, printable(o.Account), o.Days, o.First.Format("2006-01-02 15:04"), o.Last.Format("2006-01-02 15:04"),
		orElse(strings.Join(o.Regions, " "), "-"))
	for _, gap := range o.Gaps {
		fmt.Fprintf(w, "  gap     nothing from %s to %s\n", gap.From.Format("2006-01-02"), gap.To.Format("2006-01-02"))
	}
}

func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
