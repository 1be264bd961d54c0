package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/report"
	diffs "github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newDrift(g *globals) *cobra.Command {
	var r reading
	volatile := false
	var plans []string
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "What differs from the approved baseline, since when and by whom",
		Long: "Reads the estate and compares it with the baseline. Each act is one record, with what it\n" +
			"leads to. Exits 1 while a record is open, 3 if something could not be compared.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("drift", "text", "json"); err != nil {
				return err
			}
			if volatile {
				return g.showVolatile()
			}
			r.noUsage = true
			s, err := g.open()
			if err != nil {
				return err
			}
			return s.with(cmd.Context(), r, func(st store.Store, o assess.Options, result *assess.Result) error {
				s.explain(cmd.Context(), o, result, plans)
				if err := s.holding(st, o.Now, r.snapshot == "").Remember(cmd.Context(), o.Baseline); err != nil {
					return stateFailure(err)
				}
				told, err := assess.ToldIncidents(cmd.Context(), st)
				if err != nil {
					return stateFailure(err)
				}
				return s.drift(o, result, told)
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().BoolVar(&volatile, "volatile", false, "list what changes by itself and is left out, by type")
	cmd.Flags().StringArrayVar(&plans, "plan", nil, "plan `FILE` of Terraform (JSON) that may own what differs; repeats; sources of kind terraform: are looked at too")
	cmd.AddCommand(newDriftAccept(g))
	return cmd
}

// explain adds to the differences who made them and which plan owns them. A log
// or plan that cannot be read is named; what it would have said stays unknown.
func (s *session) explain(ctx context.Context, o assess.Options, result *assess.Result, plans []string) {
	for _, p := range assess.Explain(ctx, o.Baseline, s.events, result.Seen) {
		what, hint := splitHints(p)
		printFailure(s.g.stderr, &failure{what: "events: " + what, hint: orElse(hint, "give what aws cloudtrail lookup-events prints, CloudTrail's own files, or audit.k8s.io/v1 events")})
	}
	for _, src := range s.sources {
		if strings.HasPrefix(src, "terraform:") && strings.Contains(src, ".json") {
			plans = append(plans, src)
		}
	}
	for _, p := range assess.Plans(o.Baseline, plans, o.MaskKey, result.Seen) {
		what, hint := splitHints(p)
		printFailure(s.g.stderr, &failure{what: "plan: " + what, hint: orElse(hint, "give the JSON of a plan: terraform show -json PLANFILE > plan.json")})
	}
}

// counts returns the baseline of a run, or says why there is none to compare
// with.
func counts(o assess.Options) (*diffs.Approved, error) {
	switch b := o.Baseline; {
	case b == nil:
		return nil, &failure{code: exitUnknown, what: "no baseline was approved, so nothing can be said to differ", hint: "sevenfold baseline approve"}
	case b.Refused != "":
		return nil, &failure{code: exitUnknown, what: "the baseline does not count: " + b.Refused, hint: b.Hint}
	default:
		return b, nil
	}
}

// drift tells what differs, and which incidents of detection tell of the same.
func (s *session) drift(o assess.Options, result *assess.Result, told []detect.Incident) error {
	b, err := counts(o)
	if err != nil {
		return err
	}
	doc := result.DriftDocument(b)
	joined := assess.JoinDrift(told, b.Drift)
	for i := range doc.Records {
		doc.Records[i].Incidents = joined[doc.Records[i].ID]
	}
	err = s.g.write(func(w io.Writer) error {
		if s.g.format == "json" {
			return report.DriftJSON(w, doc)
		}
		return report.DriftText(w, doc, s.g.textOptions(""))
	})
	if err != nil {
		return err
	}
	code := exitReady
	for _, r := range doc.Records {
		switch {
		case r.Status == diffs.StatusOpen:
			return verdict(exitNotReady)
		case r.Status == diffs.StatusUnknown:
			code = exitUnknown
		}
	}
	return verdict(code)
}

func (g *globals) showVolatile() error {
	list := diffs.Volatile()
	return g.tell(map[string]any{"volatile": list}, func(w io.Writer) error {
		for _, n := range list {
			if _, err := fmt.Fprintf(w, "%s (%s)\n  %s\n", n.Type, n.Why, strings.Join(n.Places, "\n  ")); err != nil {
				return err
			}
		}
		return nil
	})
}

func newDriftAccept(g *globals) *cobra.Command {
	var r reading
	var a diffs.Acceptance
	key := ""
	cmd := &cobra.Command{
		Use:   "accept ID",
		Short: "Accept one difference by name, with reason and expiry",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("drift accept", "text"); err != nil {
				return err
			}
			day, err := time.Parse(time.DateOnly, a.Until)
			switch {
			case strings.TrimSpace(a.Reason) == "":
				return usage("an acceptance needs a reason", "--reason 'why it may stay'")
			case err != nil:
				return usage(fmt.Sprintf("%q is not a day", a.Until), "--until 2027-01-31")
			case !time.Now().Before(day.AddDate(0, 0, 1)):
				return usage("the acceptance would have ended already, on "+a.Until, "--until with a day to come")
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			return s.with(cmd.Context(), r, func(st store.Store, o assess.Options, _ *assess.Result) error {
				return s.acceptDrift(cmd.Context(), st, o, args[0], a, key)
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&a.Reason, "reason", "", "why it is accepted")
	cmd.Flags().StringVar(&a.Owner, "owner", "", "who accepts it (default the user who runs this)")
	cmd.Flags().StringVar(&a.Until, "until", "", "last `DAY` it counts: 2027-01-31")
	cmd.Flags().StringVar(&key, "key", "", "private key `FILE` of an approver (PKCS #8 PEM, Ed25519); default: the state's own")
	return cmd
}

func (s *session) acceptDrift(ctx context.Context, st store.Store, o assess.Options, id string, a diffs.Acceptance, key string) error {
	b, err := counts(o)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(b.Drift.Records, func(r diffs.Record) bool { return r.ID == id })
	if i < 0 {
		return usage(fmt.Sprintf("no difference is called %q now", id), "sevenfold drift lists them; an id ends with any further change of the asset")
	}
	r := &b.Drift.Records[i]
	if r.Status == diffs.StatusUnknown {
		return usage("what could not be compared cannot be accepted: nobody knows what it is", orElse(r.Hint, "let it be read again"))
	}
	private, err := s.approverKey(key)
	if err != nil {
		return err
	}
	if a.At = o.Now.Truncate(time.Second); a.Owner == "" {
		a.Owner = person()
	}
	if err := assess.AcceptDrift(ctx, st, s.scope.Estate, r, a, private); err != nil {
		return stateFailure(err)
	}
	if s.folder() == "" { // a database's head is signed by whoever has a key
		heads := s.heads(st)
		heads.Key = private
		if err := heads.Write(ctx, o.Now); err != nil {
			return stateFailure(err)
		}
	}
	fmt.Fprintf(s.g.stdout, "accepted %s until %s: %s\n", id, a.Until, printable(r.Title()))
	if was := r.Acceptance; was != nil {
		fmt.Fprintf(s.g.stdout, "in place of the acceptance by %s until %s: %s\n", printable(was.Owner), was.Until, printable(was.Reason))
	}
	return nil
}
