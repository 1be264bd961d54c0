package assess

import (
	"context"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// DataAnswers are what the access and the network step answer the data step of a snapshot. The
// worlds that they answer from are made with the first question: most estates have no
// labelled store. They are not safe for use by several at once.
func DataAnswers(snap *estate.Snapshot, workloads *scope.Workloads) data.Answers {
	var amazon *access.Amazon
	var actors *access.Actors
	world := func(ctx context.Context) error {
		if amazon != nil {
			return nil
		}
		var err error
		if amazon, err = access.NewAmazon(ctx, snap); err != nil {
			return fmt.Errorf("who may read labelled stores: %w", err)
		}
		return nil
	}
	return data.Answers{
		Read: func(ctx context.Context, a *estate.Asset) (map[string]string, string, error) {
			if err := world(ctx); err != nil {
				return nil, "", err
			}
			return readersOf(ctx, amazon, a)
		},
		Act: func(ctx context.Context, principal string) ([]data.Actor, error) {
			if err := world(ctx); err != nil {
				return nil, err
			}
			if actors == nil {
				var err error
				if actors, err = amazon.Actors(ctx); err != nil {
					return nil, err
				}
			}
			list, err := actors.For(ctx, principal)
			if err != nil {
				return nil, err
			}
			out := make([]data.Actor, len(list))
			for i, one := range list {
				out[i] = data.Actor{Principal: one.Principal, Decision: one.Decision.String(), How: one.How}
			}
			return out, nil
		},
		Open: DataOpenings(snap, workloads),
	}
}
