package assess

import (
	"context"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// Evaluators are those who decide who may do what in an estate, one for each
// kind of provider. An error is the store's.
func Evaluators(ctx context.Context, snap *estate.Snapshot) (access.Evaluators, error) {
	return access.Everywhere(ctx, snap)
}

// Escalations finds the ways by which somebody of an estate becomes
// administrator; see access.FindWays.
func Escalations(ctx context.Context, snap *estate.Snapshot, of string, cut bool) (*access.Ways, error) {
	return access.FindWays(ctx, snap, of, cut)
}

// Compare decides whether one policy allows what another does not; see
// access.Compare.
func Compare(ctx context.Context, snap *estate.Snapshot, old, next access.Side) (access.Comparison, error) {
	return access.Compare(ctx, snap, old, next)
}
