package detect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// kinds of telemetry, by the names that scenarios of incidents have for them: the log
// that brings it, and the controls that ask whether it is recorded. One that is not here
// is taken in by nothing of this version.
var kinds = map[string]struct {
	source   string
	controls []string
}{
	"cloudtrail-management": {"cloudtrail", []string{"cloudtrail-absent", "cloudtrail-stopped", "cloudtrail-management-left-out"}},
	"cloudtrail-data":       {"cloudtrail", []string{"cloudtrail-absent", "cloudtrail-stopped", "cloudtrail-ai-calls-absent", "cloudtrail-store-events-absent"}},
	"model-invocation":      {"bedrock-invocation", []string{"bedrock-invocation-logging-off"}},
	"kubernetes-audit":      {"kubernetes-audit", []string{"eks-audit-log-off"}},
	"flow-logs":             {"vpc-flow", []string{"vpc-flow-log-absent"}},
}

// Arrival is how a kind of telemetry of a workload stands: it arrives where both texts
// are empty.
type Arrival struct {
	Source  string // the log that brings it
	Off     string // why it does not arrive
	Unknown string // why that cannot be told
	Do      string // the next command
}

// Arrivals tells, for workloads of one estate, which telemetry is recorded and arrives.
type Arrivals struct {
	known  *Known
	asked  []telling
	err    error
	snap   *estate.Snapshot
	places map[string]*place
	list   *scope.Workloads
}

// Arrivals asks the estate once, for all workloads.
func (s *Step) Arrivals(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) *Arrivals {
	a := &Arrivals{known: s.known, snap: snap, places: map[string]*place{}, list: workloads}
	a.asked, a.err = s.ask(ctx, snap, workloads)
	return a
}

func (a *Arrivals) place(workload string) *place {
	if p := a.places[workload]; p != nil {
		return p
	}
	for i := range a.list.List {
		if a.list.List[i].ID == workload {
			p := placeOf(a.snap, &a.list.List[i])
			a.places[workload] = p
			return p
		}
	}
	return nil
}

// Of tells how a kind of telemetry of a workload stands.
func (a *Arrivals) Of(workload, kind string) Arrival {
	k, ok := kinds[kind]
	if !ok {
		return Arrival{Off: "nothing of this version takes in " + kind}
	}
	out := Arrival{Source: k.source}
	p := a.place(workload)
	switch {
	case a.err != nil:
		out.Unknown = a.err.Error()
		return out
	case p == nil:
		out.Unknown = "the estate has no such workload"
		return out
	}
	recorded := false
	for i := range a.asked {
		t := &a.asked[i]
		if !p.has(t) || !slices.Contains(k.controls, t.Control.ID) {
			continue
		}
		switch t.Outcome {
		case finding.Pass:
			recorded = true
		case finding.Fail:
			f := t.Finding(t.asset)
			out.Off, out.Do = kind+" is not recorded: "+strings.ToLower(t.Control.Title[:1])+t.Control.Title[1:]+" ("+t.asset.ID+")", f.Fix.Text
			if len(f.Fix.Commands) > 0 {
				out.Do = f.Fix.Commands[0]
			}
			return out
		default:
			out.Unknown = "whether " + t.Control.ID + " holds of " + t.asset.ID + " could not be read"
		}
	}
	if out.Unknown == "" && !recorded {
		out.Unknown = "nothing that was read says whether " + kind + " is recorded"
	}
	a.fresh(&out)
	return out
}

// fresh looks whether events of the log arrive.
func (a *Arrivals) fresh(out *Arrival) {
	const do = "sevenfold detect run PATH… --follow"
	var seen *Seen
	if a.known != nil {
		for i := range a.known.Seen {
			if a.known.Seen[i].Source == out.Source {
				seen = &a.known.Seen[i]
			}
		}
	}
	switch {
	case seen == nil:
		out.Unknown, out.Do = "no event of "+out.Source+" has arrived yet", do
	case a.snap.Taken().Sub(seen.Last) > staleAfter:
		out.Off, out.Unknown, out.Do = fmt.Sprintf("the newest event of %s is of %s", out.Source, seen.Last.Format(time.RFC3339)), "", do
	}
}
