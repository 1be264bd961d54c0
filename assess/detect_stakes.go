package assess

import (
	"context"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/risk"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
)

// stakes says what is at stake at assets, by the scores that findings get: as if each
// had a critical fault.
type stakes struct{ of map[string]*finding.Risk }

var _ incident.Scorer = (*stakes)(nil)

func newStakes(ctx context.Context, snap *estate.Snapshot) (*stakes, error) {
	workloads, err := scope.Default().Workloads(snap)
	if err != nil {
		return nil, fmt.Errorf("workloads: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var all []finding.Finding
	for _, a := range snap.Assets() {
		switch a.Kind {
		case estate.KindIdentity, estate.KindCompute, estate.KindEndpoint, estate.KindModel, estate.KindStore, estate.KindDataset, estate.KindSecret:
			all = append(all, finding.Finding{Asset: a.ID, Severity: finding.Critical, Status: finding.Fail})
		}
	}
	risk.Assess(snap, workloads, all, risk.Options{Exposed: exposed(snap)})
	s := &stakes{map[string]*finding.Risk{}}
	for _, f := range all {
		s.of[f.Asset] = f.Risk
	}
	return s, nil
}

// How much what is at stake may raise or lower a score.
const (
	stakesBlast = 0.5 // more, where all that matters lies behind
	stakesEntry = 0.2 // more, where an attacker may begin before it
)

// Stakes implements incident.Scorer: of all nodes the one with most behind it, and the
// most exposed one.
func (s *stakes) Stakes(nodes []string) []incident.Factor {
	blast := incident.Factor{Name: "blast radius", Value: 1, Why: "nothing of it is in the estate, so that what it reaches is not known"}
	entry := incident.Factor{Name: "exposure", Value: 1, Why: "not known"}
	known := 0
	for _, n := range nodes {
		r := s.of[n]
		if r == nil {
			continue
		}
		known++
		for _, f := range r.Factors {
			what, after, _ := strings.Cut(f, ": ")
			switch {
			case what == "leads to" || strings.HasPrefix(what, "leads to "):
				if v := 1 + stakesBlast*float64(r.Score)/100; v > blast.Value {
					blast.Value, blast.Why = v, n+" "+f
				}
			case what == "entry":
				if 1+stakesEntry > entry.Value {
					entry.Value, entry.Why = 1+stakesEntry, n+": "+after
				}
			}
		}
	}
	if known > 0 && blast.Value == 1 {
		blast.Why = "nothing of worth was found behind it"
	}
	if known > 0 && entry.Value == 1 {
		entry.Why = "no entry point was found before it"
	}
	return []incident.Factor{blast, entry}
}
