package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func newNetworkCan(g *globals) *cobra.Command {
	var r reading
	var port string
	cmd := &cobra.Command{
		Use:   "can FROM TO",
		Short: "Can somebody open a connection: yes, no or unknown, on which ports, by which way",
		Args:  wordsOf("FROM", "TO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var ports reach.Ports
			if port != "" {
				var err error
				if ports, err = reach.ParsePort(port); err != nil {
					return usage(fmt.Sprintf("--port %s: %v", port, err), "--port 443, --port udp/53 or --port tcp/8000-8010")
				}
			}
			return g.wire(cmd.Context(), "network can", r, func(_ context.Context, w *network.World, s *scope.Scope, workloads *scope.Workloads) error {
				from, err := w.End(args[0], workloads, false)
				if err != nil {
					return ends(err)
				}
				to, err := w.End(args[1], workloads, true)
				if err != nil {
					return ends(err)
				}
				a := w.Can(from, to, ports)
				if err := g.write(func(out io.Writer) error {
					if g.format == "json" {
						return writeJSON(out, a)
					}
					if done, err := g.drawn(out, func() *report.NetworkPage { return answerPage(a, port, w, s) }); done {
						return err
					}
					return reachText(out, a)
				}); err != nil {
					return err
				}
				switch a.Reachable {
				case "yes":
					return nil
				case "unknown":
					return verdict(exitUnknown)
				}
				return verdict(exitNotReady)
			}, "html", "svg")
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&port, "port", "", "only a `PORT`: 443, udp/53, tcp/8000-8010; TCP unless it says so")
	return cmd
}

// wire reads the estate and makes a network of it.
func (g *globals) wire(ctx context.Context, verb string, r reading, then func(context.Context, *network.World, *scope.Scope, *scope.Workloads) error, formats ...string) error {
	if err := g.wants(verb, append([]string{"text", "json"}, formats...)...); err != nil {
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
	g.settled = s.sources
	return s.sight(ctx, r, func(snap *estate.Snapshot) error {
		workloads, err := s.scope.Workloads(snap)
		if err != nil {
			return err
		}
		w, err := network.NewWorld(ctx, snap)
		if err != nil {
			return err
		}
		return then(ctx, w, s.scope, workloads)
	})
}

// ends makes a failure of usage of an end that names nothing.
func ends(err error) error {
	what, hint, _ := strings.Cut(err.Error(), "\nhint: ")
	return usage(what, hint)
}

// reachText writes an answer for a person.
func reachText(w io.Writer, a network.Answer) error {
	fmt.Fprintf(w, "%s: %s -> %s", a.Reachable, printable(a.From), printable(a.To))
	if len(a.Ports) > 0 {
		fmt.Fprintf(w, " on %s", strings.Join(a.Ports, ", "))
	}
	fmt.Fprintln(w)
	for _, h := range a.Path {
		fmt.Fprintf(w, "  by      %s\n", printable(h.Name))
		if h.Rule != "" {
			fmt.Fprintf(w, "            %s\n", printable(h.Rule))
		}
	}
	if a.Reachable != "yes" && len(a.Perhaps) > 0 {
		fmt.Fprintf(w, "  perhaps %s\n", strings.Join(a.Perhaps, ", "))
	}
	for _, b := range a.Because {
		fmt.Fprintf(w, "  because %s\n", printable(b))
	}
	return nil
}
