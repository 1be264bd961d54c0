package data

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// each does work on n things, at most workers at a time; the first error ends it.
func each(ctx context.Context, n, workers int, work func(context.Context, int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return work(ctx, i)
		})
	}
	return g.Wait()
}
