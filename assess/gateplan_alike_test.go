package assess

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/store"
)

// What both sides of a plan share is laid, understood and asked once. The gate's
// word, and every finding and criterion under it, is that of two judgements which
// know nothing of one another, of sides that were put together piece by piece.
func TestAPlanIsJudgedAsTwoWholes(t *testing.T) {
	st, base := storedHarbour(t)
	o := harbourOptions(t)
	o.Plain = true
	var all sharing
	first := uint64(fromSeed())
	for seed := first; seed < first+uint64(rounds(2)); seed++ {
		got := judgedAsTwoWholes(t, st, base, randomPlan(t, base, seed), o, seed)
		if got.fromState && seed > first {
			all.again++
		}
		all.add(got)
	}
	if all.reused == 0 || all.steps == 0 || all.again == 0 {
		t.Errorf("%+v: not everything was taken over", all)
	}
	t.Logf("%+v", all)
}

// How many there are of a thing does not matter to who may act on it and, but for pods of
// which there are none or one, to what can be reached: a plan that changes nothing but
// that has these steps' judgements of the side before, and they are those of the whole.
func TestGrowthIsJudgedAsTwoWholes(t *testing.T) {
	st, base := storedHarbour(t)
	o := harbourOptions(t)
	o.Plain = true
	var all sharing
	first := uint64(fromSeed())
	for seed := first; seed < first+uint64(rounds(2)); seed++ {
		all.add(judgedAsTwoWholes(t, st, base, growingPlan(t, base, seed), o, seed))
	}
	if all.grown == 0 {
		t.Errorf("%+v: no judgement stood where amounts changed", all)
	}
	t.Logf("%+v", all)
}

// storedHarbour is a state that holds the example's estate, and the estate as it is in it.
func storedHarbour(t *testing.T) (store.Store, *estate.Snapshot) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.Save(ctx, harbour(t).Seen); err != nil {
		t.Fatal(err)
	}
	base, err := st.Latest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return st, base
}

// sharing counts what plans took over.
type sharing struct {
	reused, steps, grown, again int
	fromState                   bool
	words                       map[string]int
}

func (s *sharing) add(o sharing) {
	s.reused, s.steps, s.grown = s.reused+o.reused, s.steps+o.steps, s.grown+o.grown
	if s.words == nil {
		s.words = map[string]int{}
	}
	for w, n := range o.words {
		s.words[w] += n
	}
}

// judgedAsTwoWholes judges a plan sharing what can be, and by two judgements that know
// nothing of one another, and fails where they differ.
func judgedAsTwoWholes(t *testing.T, st store.Store, base *estate.Snapshot, p *terraform.Plan, o Options, seed uint64) (out sharing) {
	t.Helper()
	ctx := context.Background()
	laid, err := Lay(ctx, base, p)
	if err != nil {
		t.Fatal(err)
	}
	o.recorded = newRecorded(st, "this test")
	o.recorded.base = base
	before, after, recall, err := bothSides(ctx, laid, o)
	if err != nil {
		t.Fatal(err)
	}
	out = sharing{reused: recall.Reused(), steps: o.recorded.reused, grown: o.recorded.grown, fromState: laid.Before == base && o.recorded.reused > 0}
	o.recorded = nil
	var apart [2]*Result
	for i, one := range []struct {
		snap *estate.Snapshot
		got  *Result
	}{{piecewise(t, base, p, false), before}, {piecewise(t, base, p, true), after}} {
		want, err := Judge(ctx, one.snap, o)
		if err != nil {
			t.Fatal(err)
		}
		apart[i] = want
		for what, pair := range map[string][2]any{"findings": {want.Findings, one.got.Findings}, "criteria": {want.Criteria, one.got.Criteria},
			"verdicts": {want.Verdicts, one.got.Verdicts}, "workloads": {want.Workloads.List, one.got.Workloads.List}} {
			if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
				t.Fatalf("seed %d, side %d, %s (-by itself +shared):\n%s", seed, i, what, diff)
			}
		}
	}
	got, err := decided(ctx, true, p, o, before, after, Certificates{}, certificate.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := decided(ctx, true, p, o, apart[0], apart[1], Certificates{}, certificate.Trust{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("seed %d (-two wholes +shared):\n%s", seed, diff)
	}
	out.words = map[string]int{string(got.Decision): 1}
	return out
}

// amountMembers are members in which amounts of the example's assets stand.
var amountMembers = regexp.MustCompile(`"(replicas|minReplicas|maxReplicas|parallelism|completions|InitialInstanceCount|DesiredInstanceCount|CurrentInstanceCount|InstanceCount|MinCapacity|MaxCapacity|MinSize|MaxSize|DesiredCapacity|desiredCount|ReservedConcurrentExecutions|AllocatedStorage)":[0-9]+`)

// growingPlan draws a plan that changes how many there are of things, and nothing else.
func growingPlan(t *testing.T, base *estate.Snapshot, seed uint64) *terraform.Plan {
	t.Helper()
	draw := rand.New(rand.NewPCG(seed, 21))
	p := &terraform.Plan{}
	for n, a := range base.Assets() {
		if made, err := newLaying(base, p).understood(a); err != nil {
			t.Fatal(err)
		} else if made || draw.IntN(3) == 0 {
			continue
		}
		config, err := base.Config(n)
		if err != nil {
			t.Fatal(err)
		}
		was := *a
		was.Config = config
		is := was
		least := 2 * int(seed%2)                               // one of two plans has nothing go from or to none or one
		asked, _, _ := bytes.Cut(config, []byte(`"status":{`)) // what a controller reports is no amount
		is.Config = amountMembers.ReplaceAllFunc(asked, func(m []byte) []byte {
			name, units, _ := bytes.Cut(m, []byte(":"))
			if n, err := strconv.Atoi(string(units)); err != nil || n < least {
				return m
			}
			return fmt.Appendf(nil, "%s:%d", name, least+draw.IntN(9))
		})
		is.Config = append(is.Config, config[len(asked):]...)
		if _, alone := scaleRule(a).AmountsAlone(a, config, is.Config); !alone && seed%3 < 2 {
			continue // two of three plans change amounts alone
		}
		if !bytes.Equal(is.Config, config) {
			p.Before, p.After = append(p.Before, was), append(p.After, is)
			p.Changes = append(p.Changes, terraform.Change{Address: "x." + strconv.Itoa(int(n)), Actions: []string{"update"}, Before: []estate.Asset{was}, After: []estate.Asset{is}})
		}
	}
	return p
}
