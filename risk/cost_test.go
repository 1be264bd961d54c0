package risk

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// mendable is a fault whose fix takes an effort and grows with something.
func mendable(asset, effort string, grows finding.Growth) finding.Finding {
	f := fault("any", asset)
	f.Fix.Effort, f.Fix.Grows = effort, grows
	return f
}

// amounts is a Scaling by asset id.
func amounts(units map[string]float64) Scaling {
	return Scaling{Units: func(_ estate.Node, a *estate.Asset) float64 { return units[a.ID] }}
}

// reckoned returns the costs in the order of the findings.
func reckoned(t testing.TB, snap *estate.Snapshot, s *scope.Scope, units map[string]float64, fs ...finding.Finding) []*finding.Cost {
	t.Helper()
	w, err := s.Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	Reckon(snap, w, fs, amounts(units))
	var out []*finding.Cost
	for _, f := range fs {
		out = append(out, f.Fix.Cost)
	}
	return out
}

// served is an endpoint with its model and data, called by a function and a
// pipeline; and a bucket of nobody's workload.
func served(t testing.TB) *estate.Snapshot {
	return (&world{t: t}).asset("endpoint", "AWS::SageMaker::Endpoint", estate.KindEndpoint).root().
		asset("model", "AWS::SageMaker::Model", estate.KindModel).
		asset("second", "AWS::SageMaker::Model", estate.KindModel).
		asset("data", "AWS::S3::Bucket", estate.KindStore).
		asset("function", "AWS::Lambda::Function", estate.KindCompute).
		asset("pipeline", "AWS::Glue::Job", estate.KindPipeline).
		asset("alone", "AWS::S3::Bucket", estate.KindStore).
		rel("endpoint", estate.Serves, "model").rel("endpoint", estate.Serves, "second").rel("endpoint", estate.Reads, "data").
		rel("function", estate.Uses, "endpoint").rel("function", estate.RoutesTo, "endpoint").rel("pipeline", estate.Triggers, "endpoint").
		snapshot()
}

func limited(t testing.TB, limit int) *scope.Scope {
	t.Helper()
	s, err := scope.Parse("t.yaml", fmt.Appendf(nil, "estate: t\nworkloads:\n  - {name: endpoint, limit: {replicas: %d}}\n", limit))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReckon(t *testing.T) {
	const (
		usual  = "grown 10 times, as no limit is declared"
		once   = "done once, however large the workload"
		as     = "as many as the limit declared lets there be"
		before = "replicas or instances now: "
	)
	three := map[string]float64{"endpoint": 3}
	for name, tt := range map[string]struct {
		f     finding.Finding
		limit int
		units map[string]float64
		want  *finding.Cost
	}{
		"once":             {mendable("endpoint", "hours", finding.GrowsNot), 0, three, &finding.Cost{Units: 1, ScaledUnits: 1, Hours: 4, ScaledHours: 4, Factor: 1, Why: once}},
		"once_limited":     {mendable("endpoint", "days", finding.GrowsNot), 300, three, &finding.Cost{Units: 1, ScaledUnits: 1, Hours: 24, ScaledHours: 24, Factor: 1, Why: once}},
		"units":            {mendable("endpoint", "minutes", finding.GrowsUnits), 0, three, &finding.Cost{Units: 3, ScaledUnits: 30, Hours: 0.55, ScaledHours: 3.25, Factor: 10, Why: before + "3 (" + usual + ")"}},
		"units_limited":    {mendable("endpoint", "minutes", finding.GrowsUnits), 12, three, &finding.Cost{Units: 3, ScaledUnits: 12, Hours: 0.55, ScaledHours: 1.45, Factor: 4, Why: before + "3 (grown 4 times, to the limit declared)"}},
		"thirds":           {mendable("endpoint", "minutes", finding.GrowsUnits), 10, three, &finding.Cost{Units: 3, ScaledUnits: 10, Hours: 0.55, ScaledHours: 1.25, Factor: 10.0 / 3, Why: before + "3 (grown 3.3 times, to the limit declared)"}},
		"at_the_limit":     {mendable("endpoint", "minutes", finding.GrowsUnits), 3, three, &finding.Cost{Units: 3, ScaledUnits: 3, Hours: 0.55, ScaledHours: 0.55, Factor: 1, Why: before + "3 (" + as + ")"}},
		"beyond_the_limit": {mendable("endpoint", "minutes", finding.GrowsUnits), 2, three, &finding.Cost{Units: 3, ScaledUnits: 3, Hours: 0.55, ScaledHours: 0.55, Factor: 1, Why: before + "3 (" + as + ")"}},
		// What the asset itself does not ask for, its workload does.
		"units_of_workload": {mendable("model", "minutes", finding.GrowsUnits), 0, three, &finding.Cost{Units: 3, ScaledUnits: 30, Hours: 0.55, ScaledHours: 3.25, Factor: 10, Why: before + "3 (" + usual + ")"}},
		// An amount nobody knows counts none, but something there is; and a limit
		// says nothing of growth from what is not known.
		"unknown":         {mendable("endpoint", "minutes", finding.GrowsUnits), 0, nil, &finding.Cost{Units: 1, ScaledUnits: 10, Hours: 0.35, ScaledHours: 1.25, Factor: 10, Why: before + "1 (" + usual + ")"}},
		"unknown_limited": {mendable("endpoint", "minutes", finding.GrowsUnits), 50, nil, &finding.Cost{Units: 1, ScaledUnits: 10, Hours: 0.35, ScaledHours: 1.25, Factor: 10, Why: before + "1 (" + usual + ")"}},
		// Two relations of one caller are one caller.
		"callers":         {mendable("endpoint", "hours", finding.GrowsCallers), 0, three, &finding.Cost{Units: 2, ScaledUnits: 20, Hours: 8, ScaledHours: 44, Factor: 10, Why: "callers known now: 2 (" + usual + ")"}},
		"callers_unknown": {mendable("alone", "hours", finding.GrowsCallers), 0, three, &finding.Cost{Units: 1, ScaledUnits: 10, Hours: 6, ScaledHours: 24, Factor: 10, Why: "callers known now: 1 (" + usual + ")"}},
		"data":            {mendable("data", "hours", finding.GrowsData), 6, three, &finding.Cost{Units: 1, ScaledUnits: 2, Hours: 8, ScaledHours: 12, Factor: 2, Why: "what is stored now (grown 2 times, to the limit declared)"}},
		"models":          {mendable("endpoint", "days", finding.GrowsModels), 0, three, &finding.Cost{Units: 2, ScaledUnits: 20, Hours: 32, ScaledHours: 104, Factor: 10, Why: "models now: 2 (" + usual + ")"}},
		"not_there":       {mendable("nowhere", "hours", finding.GrowsUnits), 0, three, &finding.Cost{Units: 1, ScaledUnits: 1, Hours: 4, ScaledHours: 4, Factor: 1, Why: once}},
		"no_growth_said":  {mendable("endpoint", "hours", ""), 0, three, nil},
		"no_effort_said":  {mendable("endpoint", "", finding.GrowsUnits), 0, three, nil},
		"odd_effort":      {mendable("endpoint", "weeks", finding.GrowsUnits), 0, three, nil},
		"undecided": {func() finding.Finding {
			f := mendable("endpoint", "hours", finding.GrowsUnits)
			f.Status = finding.Unknown
			return f
		}(), 0, three, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := scope.Default()
			if tt.limit > 0 {
				s = limited(t, tt.limit)
			}
			got := reckoned(t, served(t), s, tt.units, tt.f)[0]
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.want != nil && got.Saved() != tt.want.ScaledHours-tt.want.Hours {
				t.Errorf("saves %v", got.Saved())
			}
		})
	}
	if (*finding.Cost)(nil).Saved() != 0 {
		t.Error("nothing reckoned saves something")
	}
}

// More units, or a higher limit, never make a fix cheaper; what is done once
// never grows; mending later is never cheaper than now; and what is known of
// one finding does not change what another costs.
func TestReckonIsMonotone(t *testing.T) {
	snap := served(t)
	growths := finding.Growths()
	rapid.Check(t, func(rt *rapid.T) {
		asset := rapid.SampledFrom([]string{"endpoint", "model", "data", "function", "alone"}).Draw(rt, "asset")
		effort := rapid.SampledFrom([]string{"minutes", "hours", "days"}).Draw(rt, "effort")
		grows := finding.Growth(rapid.SampledFrom(growths).Draw(rt, "grows"))
		few := float64(rapid.IntRange(1, 500).Draw(rt, "units"))
		many := few + float64(rapid.IntRange(0, 500).Draw(rt, "more units"))
		limit := rapid.IntRange(1, 2000).Draw(rt, "limit")
		higher := limit + rapid.IntRange(0, 2000).Draw(rt, "higher")
		cost := func(units float64, limit int) *finding.Cost {
			others := mendable("endpoint", "days", finding.GrowsModels)
			return reckoned(t, snap, limited(t, limit), map[string]float64{"endpoint": units}, others, mendable(asset, effort, grows), others)[1]
		}
		base, larger, further := cost(few, limit), cost(many, limit), cost(few, higher)
		if base == nil {
			rt.Fatal("no cost")
		}
		if diff := cmp.Diff(base, reckoned(t, snap, limited(t, limit), map[string]float64{"endpoint": few}, mendable(asset, effort, grows))[0]); diff != "" {
			rt.Fatalf("alone it costs something else:\n%s", diff)
		}
		if base.ScaledHours < base.Hours || base.ScaledUnits < base.Units || base.Factor < 1 || base.Units < 1 || base.Hours < effortHours[effort] {
			rt.Fatalf("cheaper later, or less than its effort: %+v", base)
		}
		if grows == finding.GrowsNot && (base.Saved() != 0 || base.Hours != effortHours[effort]) {
			rt.Fatalf("done once and grows: %+v", base)
		}
		if larger.Hours < base.Hours {
			rt.Fatalf("cheaper now with more units: %+v, then %+v", base, larger)
		}
		if further.Hours != base.Hours || further.ScaledHours < base.ScaledHours {
			rt.Fatalf("cheaper with a higher limit: %+v, then %+v", base, further)
		}
	})
}

// Where workloads share an asset, the one that may grow furthest says how dear
// mending becomes, and all of them how many units there are.
func TestReckonOfWhatIsShared(t *testing.T) {
	w := &world{t: t}
	w.asset("a", "AWS::SageMaker::Endpoint", estate.KindEndpoint).root().asset("b", "AWS::SageMaker::Endpoint", estate.KindEndpoint).root().
		asset("store", "AWS::S3::Bucket", estate.KindStore).rel("a", estate.Reads, "store").rel("b", estate.Reads, "store")
	s, err := scope.Parse("t.yaml", []byte("estate: t\nworkloads:\n  - {name: a, limit: {replicas: 8}}\n  - {name: b, limit: {replicas: 6}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := reckoned(t, w.snapshot(), s, map[string]float64{"a": 2, "b": 3}, mendable("store", "minutes", finding.GrowsUnits))[0]
	if got.Units != 5 || got.Factor != 4 || got.ScaledUnits != 20 {
		t.Errorf("%+v, want 5 units that grow 4 times", got)
	}
}

// BenchmarkReckon is the worst of a shared estate: a thousand workloads on one
// store, with a thousand findings on it and one on each endpoint.
func BenchmarkReckon(b *testing.B) {
	w := &world{t: b}
	w.asset("store", "AWS::S3::Bucket", estate.KindStore)
	fs := []finding.Finding{}
	for i := range 1000 {
		id := fmt.Sprint("endpoint", i)
		w.asset(id, "AWS::SageMaker::Endpoint", estate.KindEndpoint).root().rel(id, estate.Reads, "store")
		fs = append(fs, mendable(id, "hours", finding.GrowsUnits), mendable("store", "hours", finding.GrowsUnits))
	}
	snap := w.snapshot()
	workloads, err := scope.Default().Workloads(snap)
	if err != nil {
		b.Fatal(err)
	}
	one := Scaling{Units: func(estate.Node, *estate.Asset) float64 { return 1 }}
	b.ReportAllocs()
	for b.Loop() {
		Reckon(snap, workloads, fs, one)
	}
	if c := fs[1].Fix.Cost; c == nil || c.Units < 1 {
		b.Fatalf("%+v", c)
	}
}
