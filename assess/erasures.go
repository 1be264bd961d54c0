package assess

import (
	"context"

	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/store"
)

// Erasures are the erasures that a state remembers.
type Erasures struct{ Store store.Store }

// erasuresKey is where they stand in the state: each version is the whole list.
const erasuresKey = "erasures"

// List returns all cases, the oldest first.
func (e Erasures) List(ctx context.Context) (list []data.Case, err error) {
	_, err = Surveys{e.Store}.blob(ctx, erasuresKey, 0, &list)
	return list, err
}

// Put keeps a case, in the place of one of its id.
func (e Erasures) Put(ctx context.Context, c data.Case) error {
	list, err := e.List(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].ID == c.ID {
			list[i] = c
			return Surveys{e.Store}.put(ctx, erasuresKey, list)
		}
	}
	return Surveys{e.Store}.put(ctx, erasuresKey, append(list, c))
}
