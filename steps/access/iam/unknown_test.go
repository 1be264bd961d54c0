package iam

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestUnknownExactlyWhereItMatters: an operator that is not understood holds or
// does not, so each such statement either stands without the condition or not
// at all. The answer is unknown exactly if it is not the same for all of these.
func TestUnknownExactlyWhereItMatters(t *testing.T) {
	all := []string{}
	for _, k := range askedKeys {
		all = append(all, k.key)
	}
	decided, unknown := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, 2, rapid.ID[string]).Draw(t, "keys")
		var layers []plainPolicy
		for _, at := range []layer{identityLayer, identityLayer, controlLayer, controlLayer} {
			layers = append(layers, drawPolicy(t, at, keys, home, false))
		}
		kind := pick(t, "kind", User, Role)
		type place struct{ layer, statement int }
		var odd []place
		for i, p := range layers {
			for j := range p {
				if len(odd) < 3 && rapid.IntRange(0, 3).Draw(t, "odd") == 0 {
					odd = append(odd, place{i, j})
				}
			}
		}
		resource := queue + pick(t, "resource", "a", "ab", "zz")
		ask := func(with func(i, j int, s plainStatement) (plainStatement, bool)) Answer {
			w := NewWorld()
			var ps []*Policy
			for i, p := range layers {
				var q plainPolicy
				for j, s := range p {
					if s, ok := with(i, j, s); ok {
						q = append(q, s)
					}
				}
				if q == nil {
					q = plainPolicy{}
				}
				ps = append(ps, w.Parse(fmt.Sprint("p", i), q.document()))
			}
			w.AddAccount(&Account{ID: home, SCPs: [][]*Policy{{ps[3]}}})
			p := &Principal{ARN: "arn:aws:iam::" + home + ":x/ada", Kind: kind, Account: home, Name: "ada", Policies: ps[:2], Boundary: ps[2]}
			w.AddPrincipal(p)
			return w.Explain(Request{Principal: p, Action: "sqs:Get", Resource: resource})
		}
		got := ask(func(i, j int, s plainStatement) (plainStatement, bool) {
			if n := slices.Index(odd, place{i, j}); n >= 0 {
				s.Conditions = append(slices.Clone(s.Conditions), plainCondition{"StringResembles", fmt.Sprint("odd", n), []string{"x"}})
			}
			return s, true
		})
		seen := map[Decision]bool{}
		for mask := range 1 << len(odd) {
			a := ask(func(i, j int, s plainStatement) (plainStatement, bool) {
				n := slices.Index(odd, place{i, j})
				return s, n < 0 || mask>>n&1 == 1
			})
			if a.Decision == Unknown {
				t.Fatalf("unknown without an unknown operator: %v", a.Unknown)
			}
			seen[a.Decision] = true
		}
		switch {
		case len(seen) > 1 && got.Decision != Unknown:
			t.Fatalf("got %v, and it may be any of %v", got.Decision, seen)
		case len(seen) == 1 && !seen[got.Decision]:
			t.Fatalf("got %v, and it is %v whatever the operators mean\n%v", got.Decision, seen, got.Unknown)
		case got.Decision == Unknown:
			unknown++
		default:
			decided++
		}
	})
	if !testing.Short() && (decided == 0 || unknown == 0) { // the few draws of the short run may all fall to one side
		t.Errorf("%d decided and %d unknown: the test tries one side only", decided, unknown)
	}
}
