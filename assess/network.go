package assess

import (
	"context"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// NetworkDiff compares the networks of two snapshots: what can be opened in the one
// and not in the other, and which intents of the scope the second violates that the
// first kept.
func NetworkDiff(ctx context.Context, s *scope.Scope, old, next *estate.Snapshot) (*network.Difference, error) {
	var worlds [2]*network.World
	var zones [2]*network.Zones
	for i, snap := range []*estate.Snapshot{old, next} {
		w, err := network.NewWorld(ctx, snap)
		if err != nil {
			return nil, fmt.Errorf("read the network: %w", err)
		}
		workloads, err := s.Workloads(snap)
		if err != nil {
			return nil, err
		}
		worlds[i], zones[i] = w, w.ZonesOf(s, workloads)
	}
	d, err := network.Compare(ctx, worlds[0], worlds[1])
	if err != nil {
		return nil, err
	}
	before := map[string]bool{}
	for _, c := range zones[0].Crossings {
		if c.Verdict == "violated" {
			before[c.From+">"+c.To] = true
		}
	}
	for _, c := range zones[1].Crossings {
		if c.Verdict == "violated" && !before[c.From+">"+c.To] {
			d.Violated = append(d.Violated, c)
		}
	}
	return d, nil
}
