// Command estategen writes a made-up estate into a state folder, for
// benchmarks: AWS accounts and Kubernetes clusters in the mix of a company that
// trains and serves models, with configurations of the size and variety of real
// ones. The same -n and -seed give the same estate.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/store"
)

// taken is when every made-up estate was read.
var taken = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func main() {
	n := flag.Int("n", 1000, "assets in the snapshot, those that only others name included")
	seed := flag.Uint64("seed", 7, "seed of the generator")
	faulty := flag.Float64("faulty", 0.033, "share of the assets that can have a planted fault and do: one in fifty of all")
	state := flag.String("state", "", "state folder to save the snapshot into (required)")
	flag.Parse()
	if *state == "" || *n < 100 {
		fmt.Fprintln(os.Stderr, "estategen: give --state DIR and -n of at least 100")
		os.Exit(2)
	}
	if err := run(*n, *seed, *faulty, *state); err != nil {
		fmt.Fprintln(os.Stderr, "estategen:", err)
		os.Exit(1)
	}
}

// stats says what an estate is made of.
type stats struct {
	Read      int            `json:"read"` // assets with a configuration of their own
	Assets    int            `json:"assets"`
	Relations int            `json:"relations"`
	Bytes     int            `json:"configBytes"`
	Faulty    int            `json:"faulty"`
	Changed   int            `json:"changed,omitempty"` // since the first day
	Types     map[string]int `json:"types"`
}

func run(n int, seed uint64, faulty float64, state string) error {
	ctx := context.Background()
	// Understanding adds statements, containers and named strangers: a sample
	// tells how many, so that -n is what the snapshot holds in the end.
	snap, _, err := generate(ctx, sample, seed, faulty)
	if err != nil {
		return err
	}
	snap, st, err := generate(ctx, max(1, n*sample/snap.Len()), seed, faulty)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, state)
	if err != nil {
		return err
	}
	if err := s.Save(ctx, snap); err != nil {
		_ = s.Close() // the failed save is what matters
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(st)
}

// sample is how many read assets the growth by understanding is measured on:
// one whole account and cluster.
const sample = accountSize + clusterSize

const (
	accountSize = 3000
	clusterSize = 2000
)

// generate makes an estate of so many read assets.
func generate(ctx context.Context, read int, seed uint64, faulty float64) (*estate.Snapshot, stats, error) {
	return generateDay(ctx, read, seed, faulty, 0, 0)
}

// generateDay is the same estate so many days later, when each day another share of
// its assets has another setting than on the first.
func generateDay(ctx context.Context, read int, seed uint64, faulty float64, day int, changed float64) (*estate.Snapshot, stats, error) {
	g := &generator{
		r:       rand.New(rand.NewPCG(seed, 0)),
		builder: estate.NewBuilder(taken.AddDate(0, 0, day)),
		faulty:  faulty,
		day:     day,
		changed: changed,
		stats:   stats{Types: map[string]int{}},
	}
	for i := 0; g.stats.Read < read; i++ {
		left := read - g.stats.Read
		g.account(i, min(accountSize, (left*accountSize+sample-1)/sample))
		if left = read - g.stats.Read; left > 0 {
			g.cluster(i, min(clusterSize, left))
		}
	}
	for _, source := range []string{"aws", "kubernetes"} {
		g.builder.Source(estate.SourceStatus{Source: source, Status: "complete", Assets: g.stats.Read})
	}
	if g.err != nil {
		return nil, g.stats, g.err
	}
	snap, err := g.builder.Build()
	if err != nil {
		return nil, g.stats, err
	}
	if snap, err = snap.Understood(ctx, understand); err != nil {
		return nil, g.stats, err
	}
	assets, relations, err := kubernetes.Derive(snap)
	if err != nil {
		return nil, g.stats, err
	}
	if snap, err = snap.With(assets, relations, nil); err != nil {
		return nil, g.stats, err
	}
	g.stats.Assets, g.stats.Relations = snap.Len(), snap.RelationCount()
	return snap, g.stats, nil
}

// understand asks the provider the asset belongs to.
func understand(a *estate.Asset) estate.Understanding {
	if a.Cloud == estate.AWS {
		return aws.Understand(a)
	}
	return kubernetes.Understand(a)
}
