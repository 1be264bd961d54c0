package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// NetworkDiff compares the networks of two snapshots: what can be opened in the one
// and not in the other, and which intents of the scope the second violates that the
// first kept.
func NetworkDiff(ctx context.Context, s *scope.Scope, old, next *estate.Snapshot) (*network.Difference, error) {
	var worlds [2]*network.World
	var zones [2]*network.Zones
	broken := [2]map[string]network.Violation{{}, {}} // by the intent's name
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
		for _, intent := range s.Network.Intents {
			if intent.Rule == scope.Allowed {
				continue
			}
			for _, v := range w.Intent(intent, workloads) {
				if v.Reachable == reach.Yes {
					broken[i][intent.Name] = v
				}
			}
		}
	}
	d, err := network.Compare(ctx, worlds[0], worlds[1])
	if err != nil {
		return nil, err
	}
	if why := worlds[0].Unexamined(); why != "" && worlds[1].Unexamined() != "" {
		d.Unread = append(d.Unread, why)
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
	for _, i := range s.Network.Intents {
		v, is := broken[1][i.Name]
		_, was := broken[0][i.Name]
		told := slices.ContainsFunc(d.Violated, func(c network.Crossing) bool { return c.Intent == i.Name })
		if is && !was && !told {
			d.Violated = append(d.Violated, v.Crossing(i))
		}
	}
	return d, nil
}

// FlowsPrefix begins a source of flow logs: flows:PATH, a file or a folder of VPC flow
// logs or Hubble's flows. They hold no asset, and say what the network was seen to do.
const FlowsPrefix = "flows:"

// FlowLogs are the paths of the flow logs among sources. The error names a source
// without a path.
func FlowLogs(sources []string) ([]string, error) {
	var out []string
	for _, s := range sources {
		path, ok := strings.CutPrefix(s, FlowsPrefix)
		if !ok {
			continue
		}
		if path == "" {
			return nil, &SourceError{s, "it names no file", "flows:PATH, a file or a folder of VPC flow logs or Hubble's flows"}
		}
		if _, err := os.Stat(path); err != nil {
			return nil, &SourceError{s, "it cannot be read: " + err.Error(), "name a file or folder that is there"}
		}
		out = append(out, path)
	}
	return out, nil
}

// flowsSaid takes what flow logs said from the step that read them; nil if none did.
func flowsSaid(steps []Step) *network.Seen {
	for _, s := range steps {
		if n, ok := s.(*network.Step); ok {
			return n.Flows()
		}
	}
	return nil
}

// flowsEvidence adds to a bundle what flow logs said.
func flowsEvidence(files map[string][]byte, seen *network.Seen) error {
	if seen == nil {
		return nil
	}
	text, err := json.Marshal(seen)
	files[certificate.FlowsFile] = text
	return err
}

// flowsAgain reads it; nil where there is none.
func flowsAgain(b certificate.Bundle) (*network.Seen, error) {
	if !b.Has(certificate.FlowsFile) {
		return nil, nil
	}
	f, err := os.Open(b.Path(certificate.FlowsFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var seen network.Seen
	if err := json.NewDecoder(newBounded(f, maxEvidence)).Decode(&seen); err != nil {
		return nil, fmt.Errorf("%s: %w", certificate.FlowsFile, err)
	}
	return &seen, nil
}
