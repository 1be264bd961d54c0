package growth

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// Model is an object as the test has it: numbers at places, and what is written
// of them as JSON. It reads nothing back, so that it shares no code with what is
// tested.
type Model struct {
	Kind *kubernetes.Growing
	Name string
	// There are the elements that exist, by the place of the amounts and the
	// names on the way: "spec.workerGroupSpecs[groupName]" -> "a", "b".
	There map[string][]string
	// N are the numbers, by place, names and amount; what is missing is left out
	// of the object.
	N       map[string]int
	Essence string
	GPUs    int
	Target  string
	Labels  int // changes nothing
}

// Clone is a copy that shares nothing with it.
func (m *Model) Clone() *Model {
	out := *m
	out.There, out.N = map[string][]string{}, maps.Clone(m.N)
	for k, v := range m.There {
		out.There[k] = slices.Clone(v)
	}
	return &out
}

// New draws an object of a kind.
func New(rng *rand.Rand, k *kubernetes.Growing, name string) *Model {
	m := &Model{Kind: k, Name: name, There: map[string][]string{}, N: map[string]int{}, Essence: "v1", Target: "t"}
	for _, a := range k.Rule.Amounts {
		if _, done := m.There[a.At]; !done {
			m.There[a.At] = m.someElements(rng, a.At)
		}
	}
	for i := range k.Rule.Amounts {
		m.redraw(rng, i)
	}
	m.nest()
	return m
}

// nest leaves out elements within others that are not there.
func (m *Model) nest() {
	for at := range m.There {
		for outer, names := range m.There {
			if strings.ContainsAny(outer, "[{") && strings.HasPrefix(at, outer+".") {
				m.There[at] = slices.DeleteFunc(m.There[at], func(name string) bool { return !slices.Contains(names, name) })
			}
		}
	}
}

// someElements draws which elements there are at a place.
func (m *Model) someElements(rng *rand.Rand, at string) []string {
	if !strings.ContainsAny(at, "[{") {
		if at == "" || !slices.ContainsFunc(m.Kind.Rule.Amounts, func(a estate.Amount) bool { return a.At != at }) || rng.IntN(4) > 0 {
			return []string{""}
		}
		return nil
	}
	var out []string
	for _, name := range []string{"a", "b", "c"} {
		if rng.IntN(3) > 0 {
			out = append(out, name)
		}
	}
	return out
}

// redraw gives an amount other numbers.
func (m *Model) redraw(rng *rand.Rand, i int) {
	a := m.Kind.Rule.Amounts[i]
	for _, name := range []string{"", "a", "b", "c"} {
		key := fmt.Sprintf("%s/%s/%d", a.At, name, i)
		delete(m.N, key)
		if a.Units == "" || rng.IntN(4) == 0 {
			continue
		}
		m.N[key] = rng.IntN(7)
	}
}

// value is what an amount of an element comes to.
func (m *Model) value(i int, name string) float64 {
	a := m.Kind.Rule.Amounts[i]
	if a.Units == "" {
		return 1
	}
	n, said := m.N[fmt.Sprintf("%s/%s/%d", a.At, name, i)]
	switch {
	case !said:
		return a.Absent
	case n == 0 && a.ZeroIsNoLimit:
		return estate.NoLimit
	}
	return float64(n)
}

// Grows reports whether after asks for more of anything than m; m is nil if
// there was none.
func (m *Model) Grows(after *Model) bool {
	if m != nil && m.Kind.Target != "" && m.Target != after.Target {
		m = nil
	}
	k := after.Kind
	if m == nil && (len(k.Rule.Amounts) == 0 || k.Made > 0) {
		return true
	}
	for i, a := range k.Rule.Amounts {
		for _, name := range after.There[a.At] {
			was := 0.0
			if m != nil && slices.Contains(m.There[a.At], name) {
				was = m.value(i, name)
			}
			if after.value(i, name) > was {
				return true
			}
		}
	}
	return m != nil && len(k.Pods) > 0 && after.GPUs > m.GPUs && after.podsThere(m)
}

// podsThere reports whether there is a pod specification in both.
func (m *Model) podsThere(before *Model) bool {
	for _, place := range m.Kind.Pods {
		at, ok := m.elementsOf(place)
		was, _ := before.elementsOf(place)
		if !ok {
			return true
		}
		if slices.ContainsFunc(at, func(name string) bool { return slices.Contains(was, name) }) {
			return true
		}
	}
	return false
}

// elementsOf are the elements a place of pods lies in; false if it lies in none
// of those of amounts.
func (m *Model) elementsOf(place string) ([]string, bool) {
	for at := range m.There {
		if at != "" && (place == at || strings.HasPrefix(place, at+".")) {
			return m.There[at], true
		}
	}
	return nil, false
}

// Total is all it asks for.
func (m *Model) Total() int64 {
	if len(m.Kind.Rule.Amounts) == 0 || m.Kind.EveryNode {
		return 1
	}
	sum := 0.0
	done := map[string]bool{}
	for _, a := range m.Kind.Rule.Amounts {
		if done[a.At] {
			continue
		}
		done[a.At] = true
		for _, name := range m.There[a.At] {
			largest, times := 0.0, 1.0
			for i, b := range m.Kind.Rule.Amounts {
				if b.At != a.At {
					continue
				}
				v := m.value(i, name)
				_, said := m.N[fmt.Sprintf("%s/%s/%d", b.At, name, i)]
				switch {
				case b.Times && (said || b.Absent > 0):
					times *= max(v, 0)
					if v == 0 {
						times = 0
					}
				case !b.Times:
					largest = max(largest, v)
				}
			}
			sum += largest * times
		}
	}
	if sum == 0 && m.Kind.Made > 0 {
		return 1
	}
	return int64(min(sum, estate.NoLimit))
}

// JSON writes the object.
func (m *Model) JSON(uid string) json.RawMessage {
	root := map[string]any{"metadata": map[string]any{"name": m.Name, "uid": uid, "labels": map[string]any{"n": fmt.Sprint(m.Labels)}},
		"spec": map[string]any{"essence": m.Essence}}
	if m.Kind.Target != "" {
		put(root, m.Kind.Target, nil, "", map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": m.Target})
	}
	for at, names := range m.There {
		for _, name := range names {
			put(root, at, []string{name, name}, "", map[string]any{})
		}
	}
	for i, a := range m.Kind.Rule.Amounts {
		for _, name := range m.There[a.At] {
			n, said := m.N[fmt.Sprintf("%s/%s/%d", a.At, name, i)]
			if !said {
				continue
			}
			var v any = n
			if a.Text {
				v = fmt.Sprint(n)
			}
			units, _, _ := strings.Cut(a.Units, "|")
			put(root, a.At, []string{name, name}, units, v)
		}
	}
	for _, place := range m.Kind.Pods {
		names, in := m.elementsOf(place)
		if !in {
			names = []string{""}
		}
		for _, name := range names {
			limits := map[string]any{"memory": "1Gi"}
			if m.GPUs > 0 {
				limits["nvidia.com/gpu"] = fmt.Sprint(m.GPUs)
			}
			put(root, place, []string{name, name}, "containers", []any{map[string]any{"name": "c", "resources": map[string]any{"limits": limits}}})
		}
	}
	text, err := json.Marshal(root)
	if err != nil {
		panic(err)
	}
	return text
}

// put writes v at a place, making what lies on the way; names are those of the
// items entered, one after the other.
func put(root map[string]any, at string, names []string, units string, v any) {
	place := strings.Trim(at+"."+units, ".")
	for {
		var step string
		if inner, ok := strings.CutPrefix(place, "("); ok {
			step, place, _ = strings.Cut(inner, ")")
			place = strings.TrimPrefix(place, ".")
		} else {
			step, place, _ = strings.Cut(place, ".")
		}
		name, by, isList := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		member, isMap := strings.CutSuffix(step, "{}")
		var next map[string]any
		switch {
		case isList:
			list, _ := root[name].([]any)
			for _, item := range list {
				if by == "" || item.(map[string]any)[by] == names[0] {
					next = item.(map[string]any)
				}
			}
			if next == nil {
				next = map[string]any{}
				if by != "" {
					next[by] = names[0]
				}
				root[name] = append(list, next)
			}
			if by != "" {
				names = names[1:]
			}
		case isMap:
			members, _ := root[member].(map[string]any)
			if members == nil {
				members = map[string]any{}
				root[member] = members
			}
			next, _ = members[names[0]].(map[string]any)
			if next == nil {
				next = map[string]any{}
				members[names[0]] = next
			}
			names = names[1:]
		case place == "":
			had, isObject := root[step].(map[string]any)
			if more, ok := v.(map[string]any); ok && isObject {
				maps.Copy(had, more)
				return
			}
			root[step] = v
			return
		default:
			next, _ = root[step].(map[string]any)
			if next == nil {
				next = map[string]any{}
				root[step] = next
			}
		}
		if place == "" {
			if more, ok := v.(map[string]any); ok {
				maps.Copy(next, more)
			}
			return
		}
		root = next
	}
}

// Mutate changes some of an object.
func (m *Model) Mutate(rng *rand.Rand) {
	for range 1 + rng.IntN(2) {
		switch pick := rng.IntN(12); {
		case pick < 6 && len(m.Kind.Rule.Amounts) > 0:
			m.redraw(rng, rng.IntN(len(m.Kind.Rule.Amounts)))
		case pick < 8 && len(m.Kind.Rule.Amounts) > 0:
			at := m.Kind.Rule.Amounts[rng.IntN(len(m.Kind.Rule.Amounts))].At
			m.There[at] = m.someElements(rng, at)
		case pick == 8:
			m.Essence += "x"
		case pick == 9:
			m.GPUs = rng.IntN(3)
		case pick == 10:
			m.Target = []string{"t", "u"}[rng.IntN(2)]
		default:
			m.Labels++
		}
	}
	m.nest()
}

// Small makes most numbers small, so that they fit some limit, and sets upper
// limits that would otherwise be none.
func (m *Model) Small(rng *rand.Rand) {
	for i, a := range m.Kind.Rule.Amounts {
		for _, name := range []string{"", "a", "b", "c"} {
			key := fmt.Sprintf("%s/%s/%d", a.At, name, i)
			n, said := m.N[key]
			if (a.ZeroIsNoLimit && n == 0 || a.Absent > 1 && !said) && rng.IntN(3) > 0 {
				m.N[key] = 1
			} else if said && n > 2 && rng.IntN(3) > 0 {
				m.N[key] = rng.IntN(3)
			}
		}
	}
}
