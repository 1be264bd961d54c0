package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
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
	for _, p := range problems {
		what, hint := splitHints(p)
		printFailure(s.g.stderr, &failure{what: "events: " + what, hint: orElse(hint, "give CloudTrail's own files, what aws cloudtrail lookup-events prints, or audit.k8s.io/v1 events; one that is cut off must be fetched again")})
	}
	return u, nil
}
