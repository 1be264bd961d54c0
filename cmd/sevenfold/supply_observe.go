package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/local"
)

func newServicesObserve(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "observe LOG…",
		Short: "Which AI services logs show to be called, and which of them no register knows",
		Long: `Which AI services logs show to be called, and which of them no register knows.

LOG is a file or folder of query logs of Route 53 Resolver or CoreDNS, of access logs of
Squid (native form), Envoy or Istio (JSON, or text in their default formats) or S3, or of
CloudTrail's events, packed with gzip or not; - for standard input. What is seen is kept in the state: assess ties it to the workload
whose instance, pod or role called, and tells of services that no workload's code names.
Exit 1 if a service is called that no register knows, else 3 if something could not be
read, else 0.`,
		Args: atLeastOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply services observe", "text", "json"); err != nil {
				return err
			}
			paths, err := localPaths(args)
			if err != nil {
				return err
			}
			var a *assess.CalledIn
			if err := g.kept(cmd.Context(), func(s *session, st assess.Supply) error {
				if a, err = assess.CallsIn(cmd.Context(), paths, local.Options{In: cmd.InOrStdin()}, s.scope); err != nil {
					return lookFailure(err)
				}
				if err := st.Called(cmd.Context(), a.Calls, runTime()); err != nil {
					return stateFailure(err)
				}
				return nil
			}); err != nil {
				return err
			}
			if err := g.tell(a, func(w io.Writer) error { return calledText(w, a) }); err != nil {
				return err
			}
			switch {
			case len(a.Unregistered) > 0:
				return verdict(exitNotReady)
			case len(a.Unread) > 0 || a.Lines == 0:
				return verdict(exitUnknown)
			}
			return nil
		},
	}
}

func calledText(w io.Writer, a *assess.CalledIn) error {
	host := ""
	for _, c := range a.Calls {
		if c.Host != host {
			host = c.Host
			word := "registered"
			if slices.Contains(a.Unregistered, host) {
				word = "IN NO REGISTER"
			}
			fmt.Fprintf(w, "%s: %s\n", printable(host), word)
		}
		fmt.Fprintf(w, "  %-5s by %s, %s to %s", c.How, printable(c.By), c.First.Format(time.DateOnly), c.Last.Format(time.DateOnly))
		if len(c.Models) > 0 {
			fmt.Fprintf(w, ", models %s", printable(strings.Join(c.Models, ", ")))
		}
		fmt.Fprintln(w)
	}
	for _, u := range a.Unread {
		fmt.Fprintf(w, "not known: %s\n", printable(u))
	}
	_, err := fmt.Fprintf(w, "%s read of %s, %d of them of hosts that are no AI service's\n", counted(a.Lines, "line"), counted(a.Files, "file"), a.Other)
	return err
}
