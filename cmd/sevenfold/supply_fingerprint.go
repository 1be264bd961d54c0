package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/collect/endpoint"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
)

// printed is what is said of one service's fingerprint.
type printed struct {
	*supply.Fingerprint
	Changed  []string `json:"changed"`
	Open     []string `json:"open"`
	First    []string `json:"first"` // questions without an earlier answer
	Approved bool     `json:"approved"`
}

func newServicesFingerprint(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "fingerprint [NAME…]",
		Short: "Ask registered services what you configured, and tell whether another model answers",
		Long: `Ask registered services what you configured, and tell whether another model answers.

Of each service in sevenfold.yaml with fingerprint: (or those that are named) the
questions there are put, and nothing else is sent. Kept in the state are headers and
members that name a model or version, listings of models, and the SHA-256 of answers.
What differs from the fingerprint that was last approved is told at each collection,
and fails supply.services, until somebody approves it: sevenfold supply review approve
service:NAME. Exit 1 if any changed, else 3 if something could not be told or was
asked for the first time, else 0.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply services fingerprint", "text", "json"); err != nil {
				return err
			}
			return g.kept(cmd.Context(), func(s *session, st assess.Supply) error {
				asked, err := toPrint(s.scope, args)
				if err != nil {
					return err
				}
				list, err := fingerprints(cmd.Context(), st, asked)
				if err != nil {
					return err
				}
				if err := g.tell(map[string]any{"services": list}, func(w io.Writer) error { return fingerprintText(w, list) }); err != nil {
					return err
				}
				code := 0
				for _, p := range list {
					switch {
					case len(p.Changed) > 0 && !p.Approved:
						code = exitNotReady
					case code == 0 && len(p.Open)+len(p.First) > 0:
						code = exitUnknown
					}
				}
				return verdict(code)
			})
		},
	}
}

// toPrint are the services that are to be asked.
func toPrint(s *scope.Scope, names []string) ([]*scope.Service, error) {
	var out []*scope.Service
	for i := range s.Services {
		r := &s.Services[i]
		if r.Fingerprint != nil && (len(names) == 0 || slices.Contains(names, r.Name)) {
			out = append(out, r)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(out, func(r *scope.Service) bool { return r.Name == n }) {
			return nil, usage(fmt.Sprintf("no service %q with fingerprint: is registered", n), "services: [{name: "+n+", endpoint: HOST, fingerprint: {asks: […]}}] in sevenfold.yaml")
		}
	}
	if len(out) == 0 {
		return nil, usage("no registered service has fingerprint:", "services: [{name: …, endpoint: HOST, fingerprint: {asks: [{name: models, url: 'https://HOST/v1/models'}]}}] in sevenfold.yaml")
	}
	for _, r := range out {
		if name := r.Fingerprint.KeyEnv; name != "" && os.Getenv(name) == "" {
			return nil, usage("variable "+name+" is empty", "export it with a key of "+r.Name)
		}
	}
	return out, nil
}

func fingerprints(ctx context.Context, st assess.Supply, asked []*scope.Service) ([]printed, error) {
	out := []printed{}
	for _, r := range asked {
		t := endpoint.Taking{Header: r.Fingerprint.KeyHeader, Headers: r.Fingerprint.Headers, Times: r.Fingerprint.Times}
		if r.Fingerprint.KeyEnv != "" {
			t.Key = os.Getenv(r.Fingerprint.KeyEnv)
		}
		for _, a := range r.Fingerprint.Asks {
			t.Questions = append(t.Questions, endpoint.Question{Name: a.Name, URL: a.URL, Body: a.Body, Reply: a.Reply})
		}
		seen, err := endpoint.Take(ctx, t)
		if err != nil {
			return nil, err
		}
		f, err := st.Fingerprint(ctx, r, seen, runTime())
		if err != nil {
			return nil, stateFailure(err)
		}
		p := printed{Fingerprint: f, Changed: []string{}, Open: []string{}, First: []string{}}
		changed, open, first := f.Differs(r)
		p.Changed, p.Open, p.First = append(p.Changed, changed...), append(p.Open, open...), append(p.First, first...)
		k, err := st.Reviewed(ctx, f.Taken)
		if err != nil {
			return nil, stateFailure(err)
		}
		p.Approved = k.Approved(f)
		out = append(out, p)
	}
	return out, nil
}

func fingerprintText(w io.Writer, list []printed) error {
	for _, p := range list {
		word := "as before"
		switch {
		case len(p.Changed) > 0 && p.Approved:
			word = "changed, and approved as it is"
		case len(p.Changed) > 0:
			word = "CHANGED"
		case len(p.Open) > 0:
			word = "not known in part"
		case len(p.First) > 0:
			word = "recorded"
		}
		fmt.Fprintf(w, "%s (%s): %s\n", printable(p.Service), counted(len(p.Asks), "question"), word)
		for _, text := range p.Changed {
			fmt.Fprintf(w, "  %s\n", printable(text))
		}
		for _, text := range p.Open {
			fmt.Fprintf(w, "  not known: %s\n", printable(text))
		}
		for _, name := range p.First {
			fmt.Fprintf(w, "  %s: asked for the first time, so that there is nothing to compare with\n", printable(name))
		}
		if len(p.Changed) > 0 && !p.Approved {
			fmt.Fprintf(w, "  once what rests on it was tested again: sevenfold supply review approve service:%s --reason …\n", printable(p.Service))
		}
	}
	_, err := fmt.Fprintf(w, "asked on %s\n", runTime().Format(time.DateOnly))
	return err
}
