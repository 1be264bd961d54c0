package assess

import (
	"context"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// Evaluators are those who decide who may do what in an estate, one for each
// kind of provider. An error is the store's.
func Evaluators(ctx context.Context, snap *estate.Snapshot) (access.Evaluators, error) {
	amazon, err := access.NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	return access.Evaluators{amazon}, nil
}

// Escalations lists the ways by which somebody of an estate who is no
// administrator becomes one. An error is the store's.
func Escalations(ctx context.Context, snap *estate.Snapshot) ([]iam.Escalation, error) {
	amazon, err := access.NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	return amazon.Escalations(ctx)
}

// Compare decides whether one policy allows what another does not; see
// access.Compare.
func Compare(ctx context.Context, snap *estate.Snapshot, old, next access.Side) (access.Comparison, error) {
	return access.Compare(ctx, snap, old, next)
}
