package kubernetes

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Planned returns what an object asks for beyond the amounts of its kind, as far
// as a plan that makes or changes it is to be held: that a pod nobody controls is
// one more, that a DaemonSet runs on every node that fits, the devices of each
// container, and the accelerators that a NodePool or ClusterQueue allows. Devices
// say how large a unit is, and do not add to how many there are (estate.Total).
//
// Of a kind that nobody here knows nothing is said (Untold). A configuration that
// is no JSON object asks for nothing here; Scale says so.
func Planned(a *estate.Asset, config json.RawMessage) []estate.Capacity {
	if why, _ := Untold(a, config); why != "" {
		return nil
	}
	return beyondAmounts(a, config)
}

// beyondAmounts is Planned for any kind.
func beyondAmounts(a *estate.Asset, config json.RawMessage) []estate.Capacity {
	var root map[string]any
	if json.Unmarshal(config, &root) != nil {
		return nil
	}
	spec, _ := root["spec"].(map[string]any)
	group, kind := split(a.Type)
	var out []estate.Capacity
	switch kind + "." + group {
	case "Pod.":
		if !controlled(root) {
			out = append(out, estate.Capacity{Path: "the pod", Units: 1})
		}
	case "DaemonSet.apps":
		out = append(out, everywhere(root, spec))
	case "NodePool.karpenter.sh", "Provisioner.karpenter.sh":
		limits, _ := spec["limits"].(map[string]any)
		out = append(out, accelerators("spec.limits", limits)...)
	case "ClusterQueue.kueue.x-k8s.io":
		for _, q := range found(spec, "spec", "resources") {
			item, _ := q.v.(map[string]any)
			name, _ := item["name"].(string)
			for _, bound := range []string{"nominalQuota", "borrowingLimit"} {
				if v, there := item[bound]; there {
					out = append(out, accelerators(q.path+"."+bound, map[string]any{name: v})...)
				}
			}
		}
	}
	for _, name := range []string{"containers", "initContainers"} {
		for _, c := range found(spec, "spec", name) {
			item, _ := c.v.(map[string]any)
			resources, _ := item["resources"].(map[string]any)
			limits, _ := resources["limits"].(map[string]any)
			for _, d := range accelerators(c.path+".resources.limits", limits) {
				d.Times = true
				out = append(out, d)
			}
		}
	}
	for _, c := range found(spec, "spec", "resourceClaims") {
		out = append(out, estate.Capacity{Path: c.path, Units: 1, Item: c.path, Times: true})
	}
	slices.SortFunc(out, func(a, b estate.Capacity) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(b.Units, a.Units)) // of two of one name the larger
	})
	return slices.CompactFunc(out, func(a, b estate.Capacity) bool { return a.Path == b.Path })
}

// Untold says why nobody can tell how an object of a kind that is not known here
// grows, if it looks as if it did: by the devices it asks for (devices), or by
// members named as amounts are, or the containers it is to run. It is empty for
// kinds that are known, and for those that show nothing of the sort.
func Untold(a *estate.Asset, config json.RawMessage) (why string, devices bool) {
	group, kind := split(a.Type)
	key := kind + "." + group
	if _, known := scaleRules()[key]; known || withoutScale[key] != "" || builtin[group] || !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && !strings.HasSuffix(group, ".x-k8s.io") {
		return "", false
	}
	switch key {
	case "NodePool.karpenter.sh", "Provisioner.karpenter.sh", "ClusterQueue.kueue.x-k8s.io":
		return "", false
	}
	var root map[string]any
	if json.Unmarshal(config, &root) != nil {
		return "", false
	}
	for _, c := range beyondAmounts(a, config) {
		if c.Times && c.Units > 0 {
			return "it asks for devices (" + c.Path + "), and how objects of kind " + kind + " of " + group + " grow is not known", true
		}
	}
	spec := root["spec"]
	for _, name := range amountNames {
		for _, m := range found(spec, "spec", name) {
			if n, ok := m.v.(float64); ok && n > 0 {
				return "it bears " + m.path + ", and how objects of kind " + kind + " of " + group + " grow is not known", false
			}
		}
	}
	if all := found(spec, "spec", "containers"); len(all) > 0 {
		return "it is to run containers (" + all[0].path + "), and how objects of kind " + kind + " of " + group + " grow is not known", false
	}
	return "", false
}

// amountNames are what projects call numbers of pods.
var amountNames = strings.Fields("replicas minReplicas maxReplicas replicaCount desiredReplicas parallelism completions numNodes nodeCount numWorkers workerCount workers instances maxReplicaCount minReplicaCount")

// planPlace is something within an object.
type planPlace struct {
	path string
	v    any
}

// found lists what members of one name hold anywhere within v, the items of a
// list each by its name, in the order of their paths.
func found(v any, path, name string) []planPlace {
	var out []planPlace
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := path + "." + key
			if key != name {
				out = append(out, found(v[key], at, name)...)
				continue
			}
			list, isList := v[key].([]any)
			if !isList {
				out = append(out, planPlace{at, v[key]})
			}
			for i, item := range list {
				out = append(out, planPlace{at + "[" + itemName(item, i) + "]", item})
			}
		}
	case []any:
		for i, item := range v {
			out = append(out, found(item, path+"["+itemName(item, i)+"]", name)...)
		}
	}
	return out
}

// itemName is what an item of a list is known by.
func itemName(item any, i int) string {
	m, _ := item.(map[string]any)
	if name, ok := m["name"].(string); ok && name != "" {
		return name
	}
	return strconv.Itoa(i)
}

// accelerators are the extended resources of a list of limits, whose names have a
// slash, but for huge pages and what is no device. What is not a whole number is
// not known.
func accelerators(at string, limits map[string]any) []estate.Capacity {
	var out []estate.Capacity
	for name, v := range limits {
		if !strings.Contains(name, "/") {
			continue
		}
		c := estate.Capacity{Path: at + "[" + name + "]", Item: at + "[" + name + "]"}
		switch v := v.(type) {
		case float64:
			if c.Units = min(v, estate.NoLimit); v < 0 {
				c.Units, c.Unknown, c.Why = 0, true, c.Path+" is less than nothing"
			}
		case string:
			n, err := strconv.ParseUint(v, 10, 31)
			if c.Units = float64(n); err != nil {
				c.Units, c.Unknown, c.Why = 0, true, c.Path+" is not a whole number"
			}
		default:
			c.Unknown, c.Why = true, c.Path+" is not a number"
		}
		out = append(out, c)
	}
	return out
}

// controlled reports whether an object says that a controller made it.
func controlled(root map[string]any) bool {
	metadata, _ := root["metadata"].(map[string]any)
	owners, _ := metadata["ownerReferences"].([]any)
	return slices.ContainsFunc(owners, func(o any) bool {
		m, _ := o.(map[string]any)
		return m["controller"] == true
	})
}

// everywhere is how many nodes a DaemonSet runs on, as far as the cluster says;
// which nodes those are is its size, which has no order.
func everywhere(root, spec map[string]any) estate.Capacity {
	template, _ := spec["template"].(map[string]any)
	pod, _ := template["spec"].(map[string]any)
	where := "nodes"
	for _, by := range []string{"nodeSelector", "affinity", "tolerations"} {
		if pod[by] != nil {
			text, _ := json.Marshal(pod[by]) // it was decoded from JSON
			where += " by " + by + " " + string(text)
		}
	}
	c := estate.Capacity{Path: "the nodes it runs on", Units: estate.NoLimit, Size: where}
	status, _ := root["status"].(map[string]any)
	if n, ok := status["desiredNumberScheduled"].(float64); ok && n >= 0 {
		c.Units = max(n, 1)
	}
	return c
}
