package assess

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// fakeStep has an order and nothing else.
type fakeStep struct {
	id           string
	needs, gives []estate.RelationType
}

func (f fakeStep) ID() string                   { return f.id }
func (f fakeStep) Needs() []estate.RelationType { return f.needs }
func (f fakeStep) Gives() []estate.RelationType { return f.gives }
func (f fakeStep) Derive(context.Context, *estate.Snapshot) (estate.Addition, error) {
	return estate.Addition{}, nil
}
func (f fakeStep) Judge(context.Context, *estate.Snapshot, *scope.Workloads) (finding.Judgement, error) {
	return finding.Judgement{}, nil
}

func ids(steps []Step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.ID())
	}
	return out
}

func TestOrder(t *testing.T) {
	rel := func(r ...estate.RelationType) []estate.RelationType { return r }
	tests := map[string]struct {
		steps []Step
		want  []string
		err   string
	}{
		"free_order_is_kept": {steps: []Step{fakeStep{id: "audit"}, fakeStep{id: "access"}}, want: []string{"audit", "access"}},
		"giver_goes_first": {
			steps: []Step{fakeStep{id: "data", needs: rel("can-read")}, fakeStep{id: "access", gives: rel("can-read")}},
			want:  []string{"access", "data"},
		},
		"own_relation_is_no_wait": {
			steps: []Step{fakeStep{id: "data", needs: rel("flows"), gives: rel("flows")}}, want: []string{"data"},
		},
		"cycle": {
			steps: []Step{fakeStep{id: "a", needs: rel("y"), gives: rel("x")}, fakeStep{id: "b", needs: rel("x"), gives: rel("y")}},
			err:   "wait for each other's relations: a, b",
		},
		"nobody_gives": {steps: []Step{fakeStep{id: "a", needs: rel("x")}}, err: "needs relation x"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := order(tt.steps)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, ids(got)); d != "" {
				t.Errorf("order (-want +got):\n%s", d)
			}
		})
	}
}

// Whatever acyclic needs the steps have, each comes after all its givers.
func TestOrderProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "n")
		var steps []Step
		for i := range n {
			s := fakeStep{id: string(rune('a' + i)), gives: []estate.RelationType{estate.RelationType(rune('A' + i))}}
			for j := range i {
				if rapid.Bool().Draw(t, "edge") {
					s.needs = append(s.needs, estate.RelationType(rune('A'+j)))
				}
			}
			steps = append(steps, s)
		}
		shuffled := rapid.Permutation(steps).Draw(t, "shuffled")
		got, err := order(shuffled)
		if err != nil {
			t.Fatal(err)
		}
		at := ids(got)
		for _, s := range got {
			for _, need := range s.Needs() {
				giver := strings.ToLower(string(need))
				if slices.Index(at, giver) > slices.Index(at, s.ID()) {
					t.Fatalf("%s before %s in %v", s.ID(), giver, at)
				}
			}
		}
	})
}
