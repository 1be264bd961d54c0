package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// maxOpeners bounds how many things are asked whether they can open a connection to a store.
const maxOpeners = 5_000

// DataFlows tells where labelled data goes, of one label only if it is not empty: by what is
// declared and was seen and, beside it, what the access and the network step say is possible.
func DataFlows(ctx context.Context, w *data.World, workloads *scope.Workloads, only string) (*data.Flows, error) {
	f := w.Flows(workloads, only)
	err := w.AddPossible(ctx, f, workloads, only, DataAnswers(w.Snapshot(), workloads))
	return f, err
}

// DataOpenings asks the network step what can open a connection to a store of a snapshot,
// where the provider's policies do not decide who reads it: databases, file systems, volumes.
func DataOpenings(snap *estate.Snapshot, workloads *scope.Workloads) data.Opening {
	var world *network.World
	return func(ctx context.Context, a *estate.Asset) (map[string]data.Connection, string, error) {
		if world == nil {
			var err error
			if world, err = network.NewWorld(ctx, snap); err != nil {
				return nil, "", fmt.Errorf("what can reach labelled stores: %w", err)
			}
		}
		if world.Service(a.ID) != "" {
			return nil, "it is reached through a service of the provider's, and which policies guard it there is not decided here", nil
		}
		to, err := world.End(a.ID, nil, true)
		var unplaced *network.Unplaced
		switch {
		case errors.As(err, &unplaced):
			return nil, "what can open a connection to it is not known: " + unplaced.Why, nil
		case err != nil:
			return nil, err.Error(), nil
		}
		ports, named := portOf(snap, a)
		out, asked := map[string]data.Connection{}, 0
		try := func(id string) {
			from, err := world.End(id, workloads, false)
			if err != nil {
				return // it has no place in a network, and so opens no connection
			}
			asked++
			switch c := world.Can(from, to, ports); c.Reachable {
			case reach.Yes.String():
				how := strings.Join(c.Ports, ", ")
				if !named {
					how += ", its port is not known"
				}
				out[id] = data.Connection{Decision: "allow", How: how}
			case reach.Unknown.String():
				out[id] = data.Connection{Decision: "unknown", How: strings.Join(c.Because[:min(2, len(c.Because))], "; ")}
			}
		}
		try(network.Internet)
		for _, b := range snap.Assets() {
			switch {
			case ctx.Err() != nil:
				return nil, "", ctx.Err()
			case b.ID == a.ID || estate.IsRecord(b.Type) || b.Kind != estate.KindCompute && b.Kind != estate.KindEndpoint && b.Kind != estate.KindPipeline:
				continue
			case asked >= maxOpeners:
				return out, fmt.Sprintf("of more than %d things it was not asked whether they can open a connection to it", maxOpeners), nil
			}
			try(b.ID)
		}
		return out, "", nil
	}
}

// portOf is the port a database listens on, as its provider describes it; all ports and
// false where it does not say.
func portOf(snap *estate.Snapshot, a *estate.Asset) (reach.Ports, bool) {
	var cfg struct {
		Port     json.RawMessage
		Endpoint json.RawMessage
	}
	n, _ := snap.Find(a.ID)
	raw, err := snap.Config(n)
	if err != nil || json.Unmarshal(raw, &cfg) != nil {
		return reach.AllPorts, false
	}
	port := 0
	var end struct{ Port int }
	if json.Unmarshal(cfg.Endpoint, &end) == nil { // of a cluster it is a name
		port = end.Port
	}
	if port == 0 {
		_ = json.Unmarshal(cfg.Port, &port) // absent, or of another form: not known
	}
	if port <= 0 || port > 65535 {
		return reach.AllPorts, false
	}
	return reach.Port(reach.TCP, uint16(port)), true
}
