package assess

import (
	"context"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
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
