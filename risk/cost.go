package risk

import (
	"fmt"
	"math"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// The rates of an estimate: hours of work. They order fixes and show which grow
// dearer; they are no plan. A fix costs its effort once, and its rate for each of
// what it grows with.
var (
	effortHours = map[string]float64{"minutes": 0.25, "hours": 4, "days": 24}
	growthHours = map[finding.Growth]float64{
		finding.GrowsUnits:   0.1, // drain, replace and watch one replica or node
		finding.GrowsCallers: 2,   // change one client, test it and roll it out
		finding.GrowsData:    4,   // write one workload's present stock again and check it
		finding.GrowsModels:  4,   // run and evaluate one job or model again
	}
)

// usualGrowth is by how much a workload is taken to grow whose limit nobody
// declared.
const usualGrowth = 10

// Scaling is what Reckon needs to know of amounts.
type Scaling struct {
	// Units returns how many replicas, instances or workers an asset asks for; 0
	// if it does not scale or nobody knows.
	Units func(estate.Node, *estate.Asset) float64
}

// Reckon fills in what each failing finding costs to mend now and after
// scaling. Findings of no stated effort get none.
func Reckon(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding, s Scaling) {
	r := &reckoning{snap: snap, workloads: workloads, scaling: s, units: map[string]float64{}, models: map[string]float64{},
		scopes: map[string]*reach{}, byID: map[string]*finding.Workload{}}
	for i := range workloads.List {
		r.byID[workloads.List[i].ID] = &workloads.List[i]
	}
	for i := range findings {
		f := &findings[i]
		base, ok := effortHours[f.Fix.Effort]
		if f.Status != finding.Fail || f.Fix.Grows == "" || !ok {
			continue
		}
		f.Fix.Cost = r.cost(f, base)
	}
}

type reckoning struct {
	snap      *estate.Snapshot
	workloads *scope.Workloads
	scaling   Scaling
	units     map[string]float64 // of a workload, by id
	models    map[string]float64 // of a workload, by id
	scopes    map[string]*reach  // by asset: many findings are on one
	byID      map[string]*finding.Workload
}

// reach is what growth means to an asset: the workloads concerned, and by how
// much they would grow. What they have in all is summed up where a fix asks for
// it, since reading amounts is what takes the time.
type reach struct {
	workloads []string
	factor    float64
	from      string
	units     func() float64
	models    func() float64
}

func (r *reckoning) cost(f *finding.Finding, base float64) *finding.Cost {
	n, there := r.snap.Find(f.Asset)
	if f.Fix.Grows == finding.GrowsNot || !there {
		return &finding.Cost{Units: 1, ScaledUnits: 1, Hours: base, ScaledHours: base, Factor: 1, Why: "done once, however large the workload"}
	}
	at := r.reach(f.Asset)
	units, what := r.count(f.Fix.Grows, n, at)
	c := &finding.Cost{Units: units, ScaledUnits: math.Ceil(round2(units * at.factor)), Factor: at.factor}
	rate := growthHours[f.Fix.Grows]
	c.Hours, c.ScaledHours = round2(base+rate*c.Units), round2(base+rate*c.ScaledUnits)
	c.Why = fmt.Sprintf("%s (%s)", what, at.from)
	return c
}

// reach works out what growth means to an asset, once.
func (r *reckoning) reach(asset string) *reach {
	if at, ok := r.scopes[asset]; ok {
		return at
	}
	at := &reach{workloads: r.workloads.Of(asset)}
	at.factor, at.from = r.factor(at.workloads)
	sum := func(of func(id string) float64) func() float64 {
		return sync.OnceValue(func() float64 {
			total := 0.0
			for _, id := range at.workloads {
				total += of(id)
			}
			return total
		})
	}
	at.units, at.models = sum(r.of), sum(r.modelsOf)
	r.scopes[asset] = at
	return at
}

// factor is by how much the workloads concerned would grow: those with a
// declared limit to it, if there are any, else as is usual.
func (r *reckoning) factor(concerned []string) (factor float64, from string) {
	for _, id := range concerned {
		limit := r.workloads.Limit(id)
		if limit == 0 {
			continue
		}
		if has := r.of(id); has > 0 {
			factor = max(factor, 1, float64(limit)/has)
		}
	}
	switch factor {
	case 0:
		return usualGrowth, fmt.Sprintf("grown %d times, as no limit is declared", usualGrowth)
	case 1:
		return 1, "as many as the limit declared lets there be"
	}
	return factor, fmt.Sprintf("grown %g times, to the limit declared", math.Round(factor*10)/10)
}

// count says how many of what a fix grows with there are, at least one.
func (r *reckoning) count(g finding.Growth, n estate.Node, at *reach) (units float64, what string) {
	switch g {
	case finding.GrowsUnits:
		if units = r.scaling.Units(n, r.snap.Asset(n)); units == 0 {
			units = at.units()
		}
		what = "replicas or instances"
	case finding.GrowsCallers:
		units, what = r.callers(n), "callers known"
	case finding.GrowsModels:
		units, what = at.models(), "models"
	case finding.GrowsData:
		return 1, "what is stored now"
	}
	units = max(units, 1)
	return units, fmt.Sprintf("%s now: %g", what, units)
}

// modelsOf counts the models among the members of a workload.
func (r *reckoning) modelsOf(id string) float64 {
	if n, ok := r.models[id]; ok {
		return n
	}
	sum := 0.0
	for _, m := range r.byID[id].Members {
		if at, ok := r.snap.Find(m); ok && r.snap.Asset(at).Kind == estate.KindModel {
			sum++
		}
	}
	r.models[id] = sum
	return sum
}

// callers counts the assets that use, read or route to one, its parts and
// owners apart.
func (r *reckoning) callers(n estate.Node) float64 {
	seen := map[estate.Node]bool{}
	for e := range r.snap.In(n) {
		switch e.Type {
		case estate.Reads, estate.Writes, estate.RoutesTo, estate.Uses, estate.Triggers, estate.Loads:
			seen[e.Node] = true
		}
	}
	return float64(len(seen))
}

// of sums up what the members of a workload ask for.
func (r *reckoning) of(id string) float64 {
	if u, ok := r.units[id]; ok {
		return u
	}
	sum := 0.0
	for _, m := range r.byID[id].Members {
		if n, ok := r.snap.Find(m); ok {
			sum += r.scaling.Units(n, r.snap.Asset(n))
		}
	}
	r.units[id] = sum
	return sum
}

func round2(x float64) float64 { return math.Round(x*100) / 100 }
