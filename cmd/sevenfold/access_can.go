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
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/store"
)

// asking are the flags of the verbs that ask who may do what.
type asking struct {
	reading
	context []string
	explain bool
}

func (a *asking) addTo(cmd *cobra.Command) {
	a.reading.addTo(cmd)
	cmd.Flags().StringArrayVar(&a.context, "context", nil, "a `KEY=VALUE` of the request's context; repeats for several values, KEY= says that the key is absent; keys not named are free, but for those the estate fixes")
	cmd.Flags().BoolVar(&a.explain, "explain", false, "show the statements that decide as they are written")
}

func newAccessCan(g *globals) *cobra.Command {
	var f asking
	cmd := &cobra.Command{
		Use:   "can PRINCIPAL ACTION RESOURCE",
		Short: "May somebody do something: allow, deny, conditional or unknown, by which statements",
		Args:  wordsOf("PRINCIPAL", "ACTION", "RESOURCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := access.Question{Principal: args[0], Action: args[1], Resource: args[2], Explain: f.explain}
			return g.ask(cmd.Context(), "access can", f, q, func(ctx context.Context, e access.Evaluator, q access.Question) error {
				a, err := e.Can(ctx, q)
				if err != nil {
					return err
				}
				if err := g.tell(a, func(w io.Writer) error { return answerText(w, q, a) }); err != nil {
					return err
				}
				switch a.Decision {
				case iam.Allow:
					return nil
				case iam.Unknown:
					return verdict(exitUnknown)
				}
				return verdict(exitNotReady)
			})
		},
	}
	f.addTo(cmd)
	return cmd
}

func newAccessWhoCan(g *globals) *cobra.Command {
	var f asking
	cmd := &cobra.Command{
		Use:   "who-can ACTION RESOURCE",
		Short: "Everybody who may do something, and those of whom it could not be told",
		Args:  wordsOf("ACTION", "RESOURCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := access.Question{Action: args[0], Resource: args[1], Explain: f.explain}
			return g.ask(cmd.Context(), "access who-can", f, q, func(ctx context.Context, e access.Evaluator, q access.Question) error {
				found, err := e.WhoCan(ctx, q)
				if err != nil {
					return err
				}
				untold := e.Unlisted()
				if err := g.write(func(w io.Writer) error {
					if g.format == "json" {
						return writeJSON(w, struct {
							Answers []access.Holder `json:"answers"`
							Untold  []string        `json:"untold,omitempty"`
						}{found, untold})
					}
					return holdersText(w, q, found, untold)
				}); err != nil {
					return err
				}
				if len(untold) > 0 || slices.ContainsFunc(found, func(h access.Holder) bool { return h.Decision == iam.Unknown }) {
					return verdict(exitUnknown) // a list that may lack somebody is none of everybody
				}
				return nil
			})
		},
	}
	f.addTo(cmd)
	return cmd
}

// wordsOf asks for exactly the words named.
func wordsOf(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usage(fmt.Sprintf("%s takes %s: %d given", cmd.CommandPath(), strings.Join(names, " "), len(args)), cmd.CommandPath()+" "+strings.Join(names, " "))
	}
}

// ask reads the estate and puts a question to who decides its action.
func (g *globals) ask(ctx context.Context, verb string, f asking, q access.Question, then func(context.Context, access.Evaluator, access.Question) error) error {
	if err := g.wants(verb, "text", "json"); err != nil {
		return err
	}
	var err error
	if q.Context, err = access.ReadContext(f.context); err != nil {
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
	return s.sight(ctx, f.reading, func(snap *estate.Snapshot) error {
		all, err := assess.Evaluators(ctx, snap)
		if err != nil {
			return err
		}
		e, err := all.For(q.Action)
		if err != nil {
			return err
		}
		return then(ctx, e, q)
	})
}

// sight reads the sources, or loads the snapshot asked for, and judges nothing.
// The snapshot is good until then returns.
func (s *session) sight(ctx context.Context, r reading, then func(*estate.Snapshot) error) error {
	return s.opened(ctx, &r, func(st store.Store, o assess.Options) error {
		snap, err := s.snapshot(ctx, st, r, o)
		if err != nil {
			return err
		}
		return then(snap)
	})
}

// answerText writes an answer for a person.
func answerText(w io.Writer, q access.Question, a access.Answer) error {
	fmt.Fprintf(w, "%s: %s %s on %s\n", a.Decision, printable(q.Principal), printable(q.Action), printable(q.Resource))
	reasonsText(w, "  ", a.Because)
	for _, c := range a.Conditions {
		fmt.Fprintf(w, "  if      %s\n", printable(c))
	}
	if a.Witness != nil {
		fmt.Fprintf(w, "  allowed for example with")
		if a.Action != "" {
			fmt.Fprintf(w, " %s", printable(a.Action))
		}
		if a.Resource != "" {
			fmt.Fprintf(w, " on %s", printable(a.Resource))
		}
		fmt.Fprintf(w, " %s\n", printable(contextText(a.Witness)))
	}
	for _, u := range a.Unknown {
		fmt.Fprintf(w, "  unknown %s\n", printable(u))
	}
	for _, s := range a.Assumed {
		fmt.Fprintf(w, "  assumed %s\n", printable(s))
	}
	return nil
}

// contextText puts a witness in the words of --context.
func contextText(witness map[string]any) string {
	if len(witness) == 0 {
		return "(no condition key)"
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(witness)) {
		switch v := witness[key].(type) {
		case []string:
			for _, one := range v {
				out = append(out, key+"="+one)
			}
		default:
			out = append(out, fmt.Sprintf("%s=%v", key, v))
		}
	}
	return strings.Join(out, " ")
}

// reasonsText writes the statements that decide.
func reasonsText(w io.Writer, indent string, because []access.Reason) {
	for _, b := range because {
		where := b.Policy
		if b.Statement != "" {
			where += " " + b.Statement
		}
		word := strings.ToLower(b.Effect)
		if b.Effect == "none" {
			word = "nothing"
			where = strings.TrimSpace("allows it " + where)
		}
		fmt.Fprintf(w, "%s%-7s %s (%s)\n", indent, word, printable(where), b.Layer)
		if b.Text != "" {
			fmt.Fprintf(w, "%s        %s\n", indent, printable(b.Text))
		}
	}
}

// holdersText writes who may do something.
func holdersText(w io.Writer, q access.Question, found []access.Holder, untold []string) error {
	if len(found) == 0 {
		seen := ""
		if len(untold) > 0 {
			seen = "of those who were read "
		}
		if _, err := fmt.Fprintf(w, "%snobody may %s on %s\n", seen, printable(q.Action), printable(q.Resource)); err != nil {
			return err
		}
	}
	for _, h := range found {
		fmt.Fprintf(w, "%-11s %s", h.Decision, printable(h.Principal))
		if h.Class != "" {
			fmt.Fprintf(w, "  (%s", h.Class)
			if h.Owner != "" {
				fmt.Fprintf(w, ", owner %s", printable(h.Owner))
			}
			fmt.Fprint(w, ")")
		}
		fmt.Fprintln(w)
		reasonsText(w, "            ", h.Because)
		for _, c := range h.Conditions {
			fmt.Fprintf(w, "            if      %s\n", printable(c))
		}
		for _, u := range h.Unknown {
			fmt.Fprintf(w, "            unknown %s\n", printable(u))
		}
	}
	for _, u := range untold {
		fmt.Fprintf(w, "not told of %s\n", printable(u))
	}
	return nil
}
