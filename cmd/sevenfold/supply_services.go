package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/endpoint"
	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/store"
)

// servicesAnswer is what supply services prints.
type servicesAnswer struct {
	// Workloads by name, with "" for paths that were named.
	Workloads map[string][]supply.Used `json:"workloads"`
	Unused    []string                 `json:"unused"` // in the register, and nothing was seen to call it

	// files were read for it, unread are those that could not be.
	files, unread int
}

func newSupplyServices(g *globals) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "services [PATH…]",
		Short: "Which external services are called, held against the register of vendors",
		Long: `Which external services are called, held against the register of vendors (services:
in sevenfold.yaml): each fact declared, observed or contradicted. With PATH, what code,
gateways' configurations and manifests there call; without, what each workload calls
by what was examined of it. Exit 1 if a service is unregistered, lapsed, contradicted
or sent what its terms do not allow, else 3 if something is not known or nothing was
read, else 0.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply services", "text", "json"); err != nil {
				return err
			}
			a, err := g.services(cmd.Context(), r, args)
			if err != nil {
				return err
			}
			if err := g.tell(a, func(w io.Writer) error { return servicesText(w, a) }); err != nil {
				return err
			}
			code, n := 0, 0
			for _, list := range a.Workloads {
				for _, u := range list {
					n++
					if len(u.Problems) > 0 {
						code = exitNotReady
					} else if len(u.Open) > 0 && code == 0 {
						code = exitUnknown
					}
				}
			}
			if n == 0 && a.files == 0 || a.unread > 0 && code == 0 {
				code = exitUnknown
			}
			return verdict(code)
		},
	}
	r.addTo(cmd)
	cmd.AddCommand(newServicesProbe(g), newServicesFingerprint(g), newServicesObserve(g))
	return cmd
}

func (g *globals) services(ctx context.Context, r reading, args []string) (a servicesAnswer, err error) {
	a = servicesAnswer{Workloads: map[string][]supply.Used{}, Unused: []string{}}
	s, err := g.withLogs()
	if err != nil {
		return a, err
	}
	if len(args) > 0 {
		paths, err := supplyPaths(args)
		if err != nil {
			return a, err
		}
		looked, err := assess.LookAt(ctx, paths, local.Options{}, modelfile.Limits{}, true)
		if err != nil {
			return a, lookFailure(err)
		}
		var examined []*supply.Examined
		for i := range looked {
			e := looked[i].Examined(looked[i].From, runTime(), true)
			a.files, a.unread = a.files+looked[i].Bill.Files, a.unread+len(looked[i].Bill.Problems)
			examined = append(examined, &e)
		}
		a.Workloads[""] = supply.Services(s.scope, runTime(), examined, nil, supply.Sent{}, nil)
	} else if err := s.opened(ctx, &r, func(st store.Store, o assess.Options) error {
		snap, err := s.snapshot(ctx, st, r, o)
		if err != nil {
			return err
		}
		if err := s.supplyKnown(ctx, st, &o); err != nil {
			return err
		}
		if o.Data, err = s.dataSaid(ctx, st, snap); err != nil {
			return err
		}
		a.Workloads, err = assess.ServicesOf(ctx, snap, o)
		return err
	}); err != nil {
		return a, err
	}
	for _, x := range s.scope.Services {
		used := false
		for _, list := range a.Workloads {
			used = used || slices.ContainsFunc(list, func(u supply.Used) bool { return u.Name == x.Name })
		}
		if !used {
			a.Unused = append(a.Unused, x.Name)
		}
	}
	return a, nil
}

func servicesText(w io.Writer, a servicesAnswer) error {
	n := 0
	for _, name := range slices.Sorted(maps.Keys(a.Workloads)) {
		if name != "" && len(a.Workloads[name]) > 0 {
			fmt.Fprintf(w, "%s\n", printable(name))
		}
		for _, u := range a.Workloads[name] {
			n++
			fmt.Fprintf(w, "  %s (%s): %s\n", printable(u.Host), printable(orElse(u.Vendor, "vendor not known")), printable(orElse(u.Name, "in no register")))
			if len(u.Models) > 0 {
				fmt.Fprintf(w, "    models  %s\n", printable(strings.Join(u.Models, ", ")))
			}
			for _, f := range u.Facts {
				if f.Word != supply.FactMissing {
					fmt.Fprintf(w, "    %-12s %s: %s\n", f.Word, f.Name, printable(strings.TrimSpace(f.Declared+map[bool]string{true: " / seen: " + f.Observed}[f.Observed != ""])))
				}
			}
			for _, p := range u.Problems {
				fmt.Fprintf(w, "    fails   %s\n", printable(p))
			}
			for _, o := range u.Open {
				fmt.Fprintf(w, "    unknown %s\n", printable(o))
			}
		}
	}
	switch {
	case n > 0:
	case a.files > 0:
		fmt.Fprintf(w, "no external service was seen in %s\n", counted(a.files, "file"))
	default:
		fmt.Fprintln(w, "no external service was seen; what was not examined may call some: sevenfold supply bom FOLDER --of code:WORKLOAD")
	}
	if a.unread > 0 {
		fmt.Fprintf(w, "not known: %s could not be read: sevenfold supply bom says why\n", counted(a.unread, "file"))
	}
	for _, x := range a.Unused {
		fmt.Fprintf(w, "registered, and nothing was seen to call it: %s\n", printable(x))
	}
	return nil
}

func newServicesProbe(g *globals) *cobra.Command {
	var o endpoint.Options
	var keyEnv string
	cmd := &cobra.Command{
		Use:   "probe URL",
		Short: "Ask your own endpoint whether it refuses without a key, limits requests, and uses TLS",
		Long: `Ask your own endpoint whether it refuses without a key, limits requests, and uses TLS.

Only URL is asked, with GET: once without a key, and with --limit N times more with
the key in the variable that --key-env names, to see a 429 come. Name an endpoint of
your own, of which a request more does no harm. What was seen is kept in the state.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply services probe", "text", "json"); err != nil {
				return err
			}
			o.URL = args[0]
			if keyEnv != "" {
				if o.Key = os.Getenv(keyEnv); o.Key == "" {
					return usage("variable "+keyEnv+" is empty", "export it with a key of the endpoint")
				}
			}
			if o.Requests > 0 && o.Key == "" {
				return usage("--limit asks with a key", "--key-env NAME")
			}
			seen, err := endpoint.Ask(cmd.Context(), o)
			if err != nil {
				return usage(printable(err.Error()), "give a URL of your own endpoint that can be reached from here")
			}
			p := supply.Probe{Host: seen.Host, Taken: runTime(), TLS: seen.TLS, Refuses: seen.Refuses, Limited: seen.Limited, Asked: seen.Asked, Open: seen.Open}
			if err := g.kept(cmd.Context(), func(_ *session, st assess.Supply) error {
				if err := st.Probe(cmd.Context(), p); err != nil {
					return stateFailure(err)
				}
				return nil
			}); err != nil {
				return err
			}
			if err := g.tell(p, func(w io.Writer) error { return probeText(w, p) }); err != nil {
				return err
			}
			switch {
			case p.TLS == "" || p.Refuses != nil && !*p.Refuses || o.Requests > 0 && p.Limited == 0 && len(p.Open) == 0:
				return verdict(exitNotReady)
			case len(p.Open) > 0:
				return verdict(exitUnknown)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&keyEnv, "key-env", "", "`NAME` of the variable with a key of the endpoint, sent as a bearer token")
	cmd.Flags().StringVar(&o.Header, "key-header", "Authorization", "`NAME` of the header the key is sent in; in Authorization as Bearer")
	cmd.Flags().IntVar(&o.Requests, "limit", 0, "the limit of requests a minute that it is meant to keep: so many and one more are sent")
	return cmd
}

func probeText(w io.Writer, p supply.Probe) error {
	fmt.Fprintf(w, "%s\n  TLS: %s\n", printable(p.Host), orElse(p.TLS, "none"))
	if p.Refuses != nil {
		fmt.Fprintf(w, "  without a key: %s\n", map[bool]string{true: "refused", false: "ANSWERED"}[*p.Refuses])
	}
	if p.Asked > 0 {
		if p.Limited > 0 {
			fmt.Fprintf(w, "  limit: refused after %s\n", counted(p.Limited, "request"))
		} else {
			fmt.Fprintf(w, "  limit: %s answered, none refused\n", counted(p.Asked, "request"))
		}
	}
	for _, o := range p.Open {
		fmt.Fprintf(w, "  not known: %s\n", printable(o))
	}
	return nil
}
