package admission

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/growth"
)

// soak is how many random requests are made: SEVENFOLD_SOAK, or few enough for
// every day.
func soak(t testing.TB, habit int) int {
	t.Helper()
	if s := os.Getenv("SEVENFOLD_SOAK"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("SEVENFOLD_SOAK: %v", err)
		}
		return n
	}
	return habit
}

// floor are the match conditions of the registration, compiled as the API
// server compiles them.
type floor map[string][]cel.Program

func newFloor(t testing.TB, list []Kind) floor {
	t.Helper()
	env, err := cel.NewEnv(cel.OptionalTypes(), cel.CrossTypeNumericComparisons(true),
		cel.Variable("object", cel.DynType), cel.Variable("oldObject", cel.DynType), cel.Variable("request", cel.DynType))
	if err != nil {
		t.Fatal(err)
	}
	out := floor{}
	for _, k := range list {
		for _, c := range k.conditions() {
			ast, issues := env.Compile(c[1])
			if issues.Err() != nil {
				t.Fatalf("%s: %s: %v\n%s", k.Kind, c[0], issues.Err(), c[1])
			}
			program, err := env.Program(ast)
			if err != nil {
				t.Fatal(err)
			}
			out[k.Kind] = append(out[k.Kind], program)
		}
	}
	return out
}

// asks reports whether a request is sent to the webhook: what fails is refused,
// which the caller is told of by an error.
func (f floor) asks(k *Kind, user, sub string, before, after json.RawMessage) (bool, error) {
	object, err1 := plain(after)
	old, err2 := plain(before)
	if err1 != nil || err2 != nil {
		return false, firstOf(err1, err2)
	}
	request := map[string]any{"userInfo": map[string]any{"username": user}, "resource": map[string]any{"group": k.Group, "version": k.Versions[0], "resource": k.Resource}}
	if sub != "" {
		request["subResource"] = sub
	}
	for _, p := range f[k.Kind] {
		out, _, err := p.Eval(map[string]any{"object": object, "oldObject": old, "request": request})
		if err != nil {
			return false, err
		}
		if out != types.True {
			return false, nil
		}
	}
	return true, nil
}

// plain is JSON as the API server has it in memory: whole numbers are integers.
func plain(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return integers(v), nil
}

func integers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			v[k] = integers(m)
		}
	case []any:
		for i, m := range v {
			v[i] = integers(m)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	}
	return v
}

// unnamed are the kinds of which some amounts stand in lists without names: any
// change there is sent to the webhook.
func unnamed(k *Kind) bool {
	return slices.ContainsFunc(k.Amounts, func(a estate.Amount) bool { return strings.Contains(a.At, "[]") })
}

// TestConditions: what grows is sent to the webhook, and what does not is not,
// for every kind; and what the webhook reads of it is the same.
func TestConditions(t *testing.T) {
	list := everyKind()
	f := newFloor(t, list)
	rng := rand.New(rand.NewPCG(1, 2))
	n := soak(t, 6000)
	grown, kept := map[string]int{}, map[string]int{}
	for range n {
		k := &list[rng.IntN(len(list))]
		after := growth.New(rng, growingOf(k), "x")
		var before *growth.Model
		var old json.RawMessage
		if rng.IntN(5) > 0 {
			before = after.Clone()
			after.Mutate(rng)
			old = before.JSON("u")
		}
		object := after.JSON("u")
		want := before.Grows(after)
		got, err := f.asks(k, "dev", "", old, object)
		if err != nil {
			t.Fatalf("%s: %v\n%s\n%s", k.Kind, err, old, object)
		}
		switch {
		case want && !got:
			t.Fatalf("%s grows and is not sent to the webhook:\n%s\n%s", k.Kind, old, object)
		case got && !want && !unnamed(k):
			t.Fatalf("%s does not grow and is sent to the webhook:\n%s\n%s", k.Kind, old, object)
		}
		r := &request{UID: "1", Namespace: "fraud", Operation: "UPDATE", Object: object, OldObject: old,
			Resource: resource{k.Group, k.Versions[0], k.Resource}}
		if before == nil {
			r.Operation = "CREATE"
		}
		a, err := r.read(newKinds(list))
		if err != nil {
			t.Fatalf("%s: %v\n%s", k.Kind, err, object)
		}
		if a.grows() != want {
			t.Fatalf("%s: the webhook reads growth as %q, the model as %v:\n%s\n%s", k.Kind, a.what, want, old, object)
		}
		if k.Target == "" && !k.EveryNode && a.asked != after.Total() {
			t.Fatalf("%s asks for %d, the webhook reads %d:\n%s", k.Kind, after.Total(), a.asked, object)
		}
		if want {
			grown[k.Kind]++
		} else {
			kept[k.Kind]++
		}
	}
	for _, k := range list {
		if n > 5000 && (grown[k.Kind] == 0 || kept[k.Kind] == 0 && !k.EveryNode) {
			t.Errorf("%s: %d grown, %d not: little was tested", k.Kind, grown[k.Kind], kept[k.Kind])
		}
	}
}
