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
	return access.Everywhere(ctx, snap)
}

// Escalations are the ways by which somebody of an estate who is no
// administrator becomes one.
type Escalations struct {
	Ways []iam.Escalation `json:"escalations"`
	// Untold are identities of which it cannot be told, by ARN.
	Untold []string `json:"untold"`
	// Cuts are what to refuse each of them, if that was asked for.
	Cuts []iam.Cut `json:"cuts,omitempty"`
}

// FindEscalations finds them, and with cut also what to refuse. An error is the
// store's.
func FindEscalations(ctx context.Context, snap *estate.Snapshot, cut bool) (*Escalations, error) {
	amazon, err := access.NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	out := &Escalations{Ways: []iam.Escalation{}, Untold: []string{}}
	ways, err := amazon.Escalations(ctx)
	if err != nil {
		return nil, err
	}
	out.Ways = append(out.Ways, ways...)
	out.Untold = append(out.Untold, amazon.World().Untold()...)
	if cut {
		if out.Cuts, err = amazon.Cuts(ctx, ways); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Compare decides whether one policy allows what another does not; see
// access.Compare.
func Compare(ctx context.Context, snap *estate.Snapshot, old, next access.Side) (access.Comparison, error) {
	return access.Compare(ctx, snap, old, next)
}
