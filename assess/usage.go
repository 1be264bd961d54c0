package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// DefaultWindow is how far back calls are looked for where nobody says.
const DefaultWindow = 90 * 24 * time.Hour

// Usage reads what logs say of who called what in the time before the snapshot was
// taken. problems name the logs that could not be read to their end, with the
// place: with any, nobody can tell of what was not seen.
func Usage(ctx context.Context, logs []Log, snap *estate.Snapshot, window time.Duration) (u *access.Usage, problems []string, err error) {
	to := snap.Taken()
	u = access.NewUsage(to.Add(-window), to.Add(time.Hour)) // clocks differ
	r := &logReader{clusters: clustersOf(snap)}
	r.take = func(name, cluster string) (int, error) {
		in, closeAll, err := openLog(name)
		if err != nil {
			return 0, err
		}
		defer closeAll()
		return events.Each(in, func(text json.RawMessage) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return u.Read(text, cluster)
		})
	}
	for _, l := range logs {
		if err := r.walk(ctx, l); err != nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			r.problems = append(r.problems, err.Error())
		}
	}
	u.Sort()
	for _, p := range r.problems {
		u.Broken = append(u.Broken, p)
	}
	return u, r.problems, nil
}

// Rightsize proposes policies for an identity of AWS or of a cluster. The error is
// an *access.Asking if it names none.
func Rightsize(ctx context.Context, snap *estate.Snapshot, name string, z access.Sizer) (*access.Sized, error) {
	amazon, err := access.NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	if z.Sight, err = access.NewSight(snap, z.Usage); err != nil {
		return nil, err
	}
	cluster := strings.HasPrefix(name, "k8s://") || strings.HasPrefix(name, "system:")
	if !cluster {
		got, err := amazon.Rightsize(ctx, name, z)
		var slip *access.Asking
		if err == nil || strings.HasPrefix(name, "arn:") || !errors.As(err, &slip) {
			return got, err
		}
		clusters, cerr := access.NewClusters(ctx, snap, amazon.World())
		if cerr != nil {
			return nil, cerr
		}
		if found, cerr := clusters.Rightsize(ctx, name, z); cerr == nil {
			return found, nil
		}
		return nil, err
	}
	clusters, err := access.NewClusters(ctx, snap, amazon.World())
	if err != nil {
		return nil, err
	}
	return clusters.Rightsize(ctx, name, z)
}

// ParseWindow reads a window: days ("90d"), or a duration of Go's ("36h").
func ParseWindow(s string) (time.Duration, error) {
	var d time.Duration
	if n, ok := strings.CutSuffix(s, "d"); ok {
		var days int
		if _, err := fmt.Sscanf(n+"|", "%d|", &days); err == nil && days > 0 && days <= 36500 {
			return time.Duration(days) * 24 * time.Hour, nil
		}
		return 0, fmt.Errorf("%q is no number of days", s)
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is neither a number of days nor a duration", s)
	}
	return d, nil
}
