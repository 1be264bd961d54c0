package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/store"
)

// looking are the flags of the verbs that ask what was used.
type looking struct {
	reading
	window string
}

func (l *looking) addTo(cmd *cobra.Command) {
	l.reading.addTo(cmd)
	cmd.Flags().StringVar(&l.window, "window", "90d", "how far back calls are looked for: `DAYS` (90d) or a duration (36h)")
}

// span reads the window.
func (l *looking) span() (time.Duration, error) {
	d, err := assess.ParseWindow(l.window)
	if err != nil {
		return 0, usage("--window: "+err.Error(), "--window 90d")
	}
	return d, nil
}

// withLogs settles the sources and the logs among them, for verbs that judge
// nothing.
func (g *globals) withLogs() (*session, error) {
	s, err := g.scopeOnly()
	if err != nil {
		return nil, err
	}
	s.settleSources()
	return s, s.splitEvents()
}

// seeUsage reads the estate and the logs, and shows both to whoever asks. Logs that
// could not be read are named; what they would have said stays unknown.
func (s *session) seeUsage(ctx context.Context, l looking, then func(context.Context, *estate.Snapshot, *access.Usage) error) error {
	window, err := l.span()
	if err != nil {
		return err
	}
	return s.sight(ctx, l.reading, func(snap *estate.Snapshot) error {
		u, err := s.usage(ctx, snap, window)
		if err != nil {
			return err
		}
		return then(ctx, snap, u)
	})
}

// usage reads the logs among the sources.
func (s *session) usage(ctx context.Context, snap *estate.Snapshot, window time.Duration) (*access.Usage, error) {
	u, problems, err := assess.Usage(ctx, s.events, snap, window)
	if err != nil {
		return nil, err
	}
	s.logProblems(problems)
	return u, nil
}

// logProblems names the logs that could not be read.
func (s *session) logProblems(problems []string) {
	for _, p := range problems {
		what, hint := splitHints(p)
		printFailure(s.g.stderr, &failure{what: "events: " + what, hint: orElse(hint, "give CloudTrail's own files, what aws cloudtrail lookup-events prints, or audit.k8s.io/v1 events; one that is cut off must be fetched again")})
	}
}

// besides reads what the access criteria take from outside the snapshot: the logs
// that are named, and the records of access reviews. Logs that may lie among
// exports are left to the verbs that ask for them: looking for them in every run
// would cost more than the run.
func (s *session) besides(ctx context.Context, st store.Store, snap *estate.Snapshot, r reading, o *assess.Options) error {
	o.Beside.Now = o.Now.UTC().Truncate(time.Second)
	named := slices.DeleteFunc(slices.Clone(s.events), func(l assess.Log) bool { return l.Folder })
	if len(named) > 0 && !r.noUsage {
		u, problems, err := assess.Usage(ctx, named, snap, assess.DefaultWindow)
		if err != nil {
			return err
		}
		s.logProblems(problems)
		o.Beside.Usage = u
	}
	reviews := assess.Reviews{Store: st, Heads: s.heads(st), Trusted: assess.Trusted(s.scope.Gate.Approvers, s.ownPublic()), Estate: s.scope.Estate}
	records, err := reviews.Records(ctx)
	var no *assess.BaselineError
	switch {
	case errors.As(err, &no):
		o.Beside.Refused = no.What
	case err != nil:
		return stateFailure(err)
	}
	o.Beside.Reviews = records
	watch, err := assess.LoadWatch(ctx, st)
	if err != nil {
		return stateFailure(err)
	}
	if !watch.Fresh {
		o.Detect = watch.Known(snap)
	}
	return s.supplyKnown(ctx, st, o)
}

// supplyKnown reads what the state knows of the supply chain.
func (s *session) supplyKnown(ctx context.Context, st store.Store, o *assess.Options) (err error) {
	if o.Supply, err = s.supplyState(st).Known(ctx, o.Now.UTC().Truncate(time.Second)); err != nil {
		return stateFailure(err)
	}
	return nil
}
