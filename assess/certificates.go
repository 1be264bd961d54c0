package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/store"
)

// Certificates are the certificates and serials that a state keeps.
type Certificates struct{ Store store.Store }

// Where they stand among what the steps have learnt.
const (
	gateStep   = "gate"
	serialsKey = "serials"
)

// Seen returns the highest serial seen of each workload, by its id.
func (c Certificates) Seen(ctx context.Context) (map[string]int64, error) {
	seen := map[string]int64{}
	text, _, err := c.Store.Blob(ctx, gateStep, serialsKey, 0)
	if errors.Is(err, store.ErrNotFound) {
		return seen, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &seen); err != nil {
		return nil, fmt.Errorf("the serials of certificates in the state cannot be read (%w): restore the state from a copy; without them an older certificate could be shown again", err)
	}
	return seen, nil
}

// See notes a serial, so that a lower one is refused from now on.
func (c Certificates) See(ctx context.Context, workload string, serial int64) error {
	seen, err := c.Seen(ctx)
	if err != nil || seen[workload] >= serial {
		return err
	}
	seen[workload] = serial
	text, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	_, err = c.Store.PutBlob(ctx, gateStep, serialsKey, text)
	return err
}

// Next returns the serial of a workload's next certificate: the second it is
// issued in, so that it rises even if the state is lost, or one more than the
// last.
func (c Certificates) Next(ctx context.Context, workload string, now time.Time) (int64, error) {
	seen, err := c.Seen(ctx)
	if err != nil {
		return 0, err
	}
	revoked, err := c.Revocations(ctx)
	return max(seen[workload]+1, revoked[workload].Serial+1, now.Unix()), err
}

// Save keeps a workload's newest certificate, and enters it into the register
// first: one that nobody entered does not come to be.
func (c Certificates) Save(ctx context.Context, workload, name string, serial int64, file []byte, at time.Time) error {
	if err := c.issued(ctx, workload, name, serial, file, at); err != nil {
		return err
	}
	if _, err := c.Store.PutBlob(ctx, gateStep, "certificate/"+workload, file); err != nil {
		return err
	}
	return c.See(ctx, workload, serial)
}

// Of returns a workload's newest certificate, nil if it has none.
func (c Certificates) Of(ctx context.Context, workload string) ([]byte, error) {
	file, _, err := c.Store.Blob(ctx, gateStep, "certificate/"+workload, 0)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return file, err
}

// All returns the newest certificate of every workload that has one, in the
// order of their ids.
func (c Certificates) All(ctx context.Context) ([][]byte, error) {
	seen, err := c.Seen(ctx)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, w := range slices.Sorted(maps.Keys(seen)) {
		file, err := c.Of(ctx, w)
		if err != nil {
			return nil, err
		}
		if file != nil {
			out = append(out, file)
		}
	}
	return out, nil
}
