package admission

import (
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

var errNoObject = errors.New("not an object")

// placesOf yields what stands at a place of an object, which is written as in
// estate.ScaleRule, and where: "a.b", "a[name].b", "a{}.b".
func placesOf(root any, place string) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) { descend(root, place, "", yield) }
}

func descend(v any, place, path string, yield func(string, map[string]any) bool) bool {
	m, _ := v.(map[string]any)
	if m == nil {
		return true
	}
	if place == "" {
		return yield(path, m)
	}
	step, rest, _ := strings.Cut(place, ".")
	name, by, isList := strings.Cut(strings.TrimSuffix(step, "]"), "[")
	object, isMap := strings.CutSuffix(step, "{}")
	switch {
	case isList:
		list, _ := m[name].([]any)
		for i, item := range list {
			if !descend(item, rest, path+name+"["+called(item, by, i)+"].", yield) {
				return false
			}
		}
		return true
	case isMap:
		members, _ := m[object].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(members)) {
			if !descend(members[key], rest, path+object+"."+key+".", yield) {
				return false
			}
		}
		return true
	}
	return descend(m[step], rest, path+step+".", yield)
}

// called is what an item of a list is called.
func called(item any, by string, i int) string {
	m, _ := item.(map[string]any)
	if name, ok := m[by].(string); ok && name != "" {
		return name
	}
	return strconv.Itoa(i)
}

// readDevices counts the devices a pod specification asks for: extended
// resources, whose names have a slash, slices of them included, and claims.
func (s *size) readDevices(at string, pod map[string]any) {
	s.pods[at] = true
	for _, group := range []string{"containers", "initContainers"} {
		list, _ := pod[group].([]any)
		for i, item := range list {
			c, _ := item.(map[string]any)
			r, _ := c["resources"].(map[string]any)
			limits, _ := r["limits"].(map[string]any)
			for name, v := range limits {
				if n := devices(v); strings.Contains(name, "/") && n > 0 {
					s.devices[at+" "+group+"["+called(item, "name", i)+"].resources.limits["+name+"]"] = n
				}
			}
		}
	}
	claims, _ := pod["resourceClaims"].([]any)
	for _, c := range claims {
		text, _ := json.Marshal(c) // what was decoded from JSON
		s.devices[at+" resourceClaims "+string(text)] = 1
	}
}

// devices reads a number of devices, which is whole; anything else is more than
// any number.
func devices(v any) float64 {
	text := ""
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return math.Inf(1)
	}
	return float64(n)
}

// placement is on which nodes the pods of a DaemonSet may run.
type placement struct {
	selector map[string]any
	rest     []any // affinity, tolerations
}

func placementOf(root map[string]any) *placement {
	p := &placement{}
	for _, pod := range placesOf(root, "spec.template.spec") {
		p.selector, _ = pod["nodeSelector"].(map[string]any)
		p.rest = []any{pod["affinity"], pod["tolerations"]}
	}
	return p
}

// within reports whether p is no wider than before: its selector may ask for
// more, and nothing else may differ.
func (p *placement) within(before *placement) bool {
	if before == nil || !reflect.DeepEqual(p.rest, before.rest) {
		return false
	}
	for key, v := range before.selector {
		if !reflect.DeepEqual(p.selector[key], v) {
			return false
		}
	}
	return true
}

// scheduled is on how many nodes the cluster says that a DaemonSet runs.
func scheduled(root map[string]any) int64 {
	status, _ := root["status"].(map[string]any)
	n, _ := status["desiredNumberScheduled"].(json.Number)
	i, _ := n.Int64()
	return max(i, 0)
}
