package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
)

// templates says where the pods of each kind of object are described: a path
// to a pod specification, "*" standing for every member or element.
var templates = map[string][]string{
	"Pod":                   {"spec"},
	"PodTemplate":           {"template.spec"},
	"Deployment":            {"spec.template.spec"},
	"StatefulSet":           {"spec.template.spec"},
	"DaemonSet":             {"spec.template.spec"},
	"ReplicaSet":            {"spec.template.spec"},
	"ReplicationController": {"spec.template.spec"},
	"Job":                   {"spec.template.spec"},
	"CronJob":               {"spec.jobTemplate.spec.template.spec"},
	"Notebook":              {"spec.template.spec"},
	"Service":               {"spec.template.spec"}, // Knative's; the core Service has no template
	"InferenceService":      {"spec.predictor", "spec.transformer", "spec.explainer"},
	"ServingRuntime":        {"spec"},
	"ClusterServingRuntime": {"spec"},
	"RayCluster":            {"spec.headGroupSpec.template.spec", "spec.workerGroupSpecs.*.template.spec"},
	"RayJob":                {"spec.rayClusterSpec.headGroupSpec.template.spec", "spec.rayClusterSpec.workerGroupSpecs.*.template.spec"},
	"RayService":            {"spec.rayClusterConfig.headGroupSpec.template.spec", "spec.rayClusterConfig.workerGroupSpecs.*.template.spec"},
	"PyTorchJob":            {"spec.pytorchReplicaSpecs.*.template.spec"},
	"TFJob":                 {"spec.tfReplicaSpecs.*.template.spec"},
	"MPIJob":                {"spec.mpiReplicaSpecs.*.template.spec"},
	"XGBoostJob":            {"spec.xgbReplicaSpecs.*.template.spec"},
	"PaddleJob":             {"spec.paddleReplicaSpecs.*.template.spec"},
	"SeldonDeployment":      {"spec.predictors.*.componentSpecs.*.spec"},
}

// podSpecs are the pod specifications a Kubernetes object describes: a pod's
// own, or those of the pods it makes.
func podSpecs(v any) (any, error) {
	specs, err := readPodSpecs(v)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(specs))
	for i, s := range specs {
		out[i] = s
	}
	return out, nil
}

func readPodSpecs(v any) ([]map[string]any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("the Kubernetes object is absent")
	}
	kind, _ := m["kind"].(string)
	paths, ok := templates[kind]
	if !ok {
		return nil, fmt.Errorf("where kind %.60q describes its pods is not known", kind)
	}
	var out []map[string]any
	for _, p := range paths {
		found, err := walk(m, strings.Split(p, "."))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s holds no pod specification at %s", kind, strings.Join(paths, " or "))
	}
	return out, nil
}

func walk(v any, path []string) ([]map[string]any, error) {
	if v == nil {
		return nil, nil
	}
	if len(path) == 0 {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a %T stands where a pod specification should", v)
		}
		return []map[string]any{m}, nil
	}
	var next []any
	switch m := v.(type) {
	case map[string]any:
		if path[0] != "*" {
			next = []any{m[path[0]]}
			break
		}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			next = append(next, m[k])
		}
	case []any:
		if path[0] != "*" {
			return nil, fmt.Errorf("a list stands where an object with %s should", path[0])
		}
		next = m
	default:
		return nil, fmt.Errorf("a %T stands where an object should", v)
	}
	var out []map[string]any
	for _, n := range next {
		found, err := walk(n, path[1:])
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// containers are all containers of the pods an object describes, initial and
// ephemeral ones and KServe's model included.
func containers(v any) (any, error) {
	specs, err := readPodSpecs(v)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, s := range specs {
		for _, k := range []string{"containers", "initContainers", "ephemeralContainers"} {
			l, _ := listOf(s[k])
			for _, c := range l.([]any) {
				if _, ok := c.(map[string]any); !ok {
					return nil, fmt.Errorf("%s holds a %T, not a container", k, c)
				}
				out = append(out, c)
			}
		}
		if m, ok := s["model"].(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out, nil
}

// words are the words of a container's command and arguments; those of a shell
// line ("sh -c 'vllm serve …'") singly.
func words(v any) (any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a %T is not a container", v)
	}
	out := []string{}
	for _, k := range []string{"command", "Command", "args"} {
		l, _ := listOf(m[k])
		for _, e := range l.([]any) {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("%s holds a %T, not a string", k, e)
			}
			if strings.ContainsAny(s, " \n\t") && !strings.HasPrefix(s, "--") {
				for w := range strings.FieldsSeq(s) {
					out = append(out, strings.Trim(w, `"';`))
				}
				continue
			}
			out = append(out, s)
		}
	}
	return out, nil
}

// flag is the value of a command line flag of a container: --name=value or
// --name value, "" where it stands alone, none where it is not given. The last
// one counts, as flag parsers have it.
func flag(v, name any) (any, error) {
	ws, err := words(v)
	if err != nil {
		return nil, err
	}
	list := ws.([]string)
	want := name.(string)
	for i := len(list) - 1; i >= 0; i-- {
		w := strings.ReplaceAll(list[i], "_", "-")
		head, _, hasValue := strings.Cut(w, "=")
		if head != want {
			continue
		}
		if hasValue {
			_, value, _ := strings.Cut(list[i], "=")
			return types.OptionalOf(types.String(strings.Trim(value, `"'`))), nil
		}
		if i+1 < len(list) && !strings.HasPrefix(list[i+1], "--") {
			return types.OptionalOf(types.String(list[i+1])), nil
		}
		return types.OptionalOf(types.String("")), nil
	}
	return types.OptionalNone, nil
}
