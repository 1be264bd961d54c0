package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// templates says where the pods of each kind of object (kind, dot, group) are
// described: a path to a pod specification, "*" standing for every member or
// element.
var templates = map[string][]string{
	"Pod.":                                       {"spec"},
	"ReplicationController.":                     {"spec.template.spec"},
	"Deployment.apps":                            {"spec.template.spec"},
	"StatefulSet.apps":                           {"spec.template.spec"},
	"DaemonSet.apps":                             {"spec.template.spec"},
	"ReplicaSet.apps":                            {"spec.template.spec"},
	"Job.batch":                                  {"spec.template.spec"},
	"CronJob.batch":                              {"spec.jobTemplate.spec.template.spec"},
	"StatefulSet.apps.kruise.io":                 {"spec.template.spec"},
	"DaemonSet.apps.kruise.io":                   {"spec.template.spec"},
	"CloneSet.apps.kruise.io":                    {"spec.template.spec"},
	"Rollout.argoproj.io":                        {"spec.template.spec"},
	"Job.batch.volcano.sh":                       {"spec.tasks.*.template.spec"},
	"JobSet.jobset.x-k8s.io":                     {"spec.replicatedJobs.*.template.spec.template.spec"},
	"LeaderWorkerSet.leaderworkerset.x-k8s.io":   {"spec.leaderWorkerTemplate.leaderTemplate.spec", "spec.leaderWorkerTemplate.workerTemplate.spec"},
	"Notebook.kubeflow.org":                      {"spec.template.spec"},
	"Service.serving.knative.dev":                {"spec.template.spec"},
	"Configuration.serving.knative.dev":          {"spec.template.spec"},
	"Revision.serving.knative.dev":               {"spec"},
	"InferenceService.serving.kserve.io":         {"spec.predictor", "spec.transformer", "spec.explainer"},
	"ServingRuntime.serving.kserve.io":           {"spec"},
	"ClusterServingRuntime.serving.kserve.io":    {"spec"},
	"RayCluster.ray.io":                          {"spec.headGroupSpec.template.spec", "spec.workerGroupSpecs.*.template.spec"},
	"RayJob.ray.io":                              {"spec.rayClusterSpec.headGroupSpec.template.spec", "spec.rayClusterSpec.workerGroupSpecs.*.template.spec"},
	"RayService.ray.io":                          {"spec.rayClusterConfig.headGroupSpec.template.spec", "spec.rayClusterConfig.workerGroupSpecs.*.template.spec"},
	"PyTorchJob.kubeflow.org":                    {"spec.pytorchReplicaSpecs.*.template.spec"},
	"TFJob.kubeflow.org":                         {"spec.tfReplicaSpecs.*.template.spec"},
	"MPIJob.kubeflow.org":                        {"spec.mpiReplicaSpecs.*.template.spec"},
	"XGBoostJob.kubeflow.org":                    {"spec.xgbReplicaSpecs.*.template.spec"},
	"PaddleJob.kubeflow.org":                     {"spec.paddleReplicaSpecs.*.template.spec"},
	"SeldonDeployment.machinelearning.seldon.io": {"spec.predictors.*.componentSpecs.*.spec"},
}

// MakesPods reports whether the objects of an asset type ("apps/v1/Deployment")
// describe the pods they make, so that what is wrong with those pods is told on
// the object. A pod describes itself and not what it may start.
func MakesPods(typ string) bool {
	parts := strings.Split(typ, "/")
	return len(PodPaths(typ)) > 0 && parts[len(parts)-1] != "Pod"
}

// PodPaths says where the objects of an asset type describe pods: paths of
// members joined by dots, "*" standing for every member or element.
func PodPaths(typ string) []string {
	parts := strings.Split(typ, "/")
	group := ""
	if len(parts) == 3 {
		group = parts[0]
	}
	return slices.Clone(templates[parts[len(parts)-1]+"."+group])
}

// podSpecs are the pod specifications a Kubernetes object describes: a pod's
// own, or those of the pods it makes. They stay the places they are, so that
// what is unknown elsewhere in the object leaves them known.
func podSpecs(v ref.Val) ref.Val {
	specs, bad := readPodSpecs(v)
	if bad != nil {
		return bad
	}
	return types.NewRefValList(types.DefaultTypeAdapter, specs)
}

func readPodSpecs(v ref.Val) ([]ref.Val, ref.Val) {
	m, bad := mapper(v, "the Kubernetes object")
	if bad != nil {
		return nil, bad
	}
	var names [2]string
	for i, key := range []string{"kind", "apiVersion"} {
		x, _ := m.Find(types.String(key))
		if x != nil && types.IsUnknownOrError(x) {
			return nil, x
		}
		if s, ok := x.(types.String); ok {
			names[i] = string(s)
		}
	}
	group, _, found := strings.Cut(names[1], "/")
	if !found {
		group = ""
	}
	paths, ok := templates[names[0]+"."+group]
	if !ok {
		return nil, types.NewErr("where kind %.60q of group %.60q describes its pods is not known", names[0], group)
	}
	var out []ref.Val
	for _, p := range paths {
		found, bad := walk(v, strings.Split(p, "."))
		if bad != nil {
			return nil, bad
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, types.NewErr("%s holds no pod specification at %s", names[0], strings.Join(paths, " or "))
	}
	return out, nil
}

// mapper is a value as an object; what is none comes back as an error, an
// unknown as itself.
func mapper(v ref.Val, what string) (traits.Mapper, ref.Val) {
	if o, ok := v.(*types.Optional); ok {
		if !o.HasValue() {
			return nil, types.NewErr("%s is absent", what)
		}
		v = o.GetValue()
	}
	if types.IsUnknownOrError(v) {
		return nil, v
	}
	m, ok := v.(traits.Mapper)
	if !ok {
		return nil, types.NewErr("%s is a %s, not an object", what, v.Type().TypeName())
	}
	return m, nil
}

// walk finds what stands at a path. What is unknown on the way stands in the
// result as an unknown.
func walk(v ref.Val, path []string) ([]ref.Val, ref.Val) {
	switch {
	case v == nil || v == types.NullValue:
		return nil, nil
	case types.IsUnknown(v):
		return []ref.Val{v}, nil
	case len(path) == 0:
		_, bad := mapper(v, "what stands where a pod specification should")
		return []ref.Val{v}, bad
	}
	var next []ref.Val
	if path[0] != "*" {
		m, bad := mapper(v, "what should hold "+path[0])
		if bad != nil {
			return nil, bad
		}
		x, _ := m.Find(types.String(path[0]))
		next = []ref.Val{x}
	} else if l, ok := v.(traits.Lister); ok {
		next = elementsOf(l)
	} else {
		m, bad := mapper(v, "what should hold pod specifications")
		if bad != nil {
			return nil, bad
		}
		keys := elementsOf(m)
		slices.SortStableFunc(keys, func(a, b ref.Val) int {
			x, _ := a.(types.String)
			y, _ := b.(types.String)
			return strings.Compare(string(x), string(y))
		})
		for _, k := range keys {
			if !types.IsUnknown(k) {
				k, _ = m.Find(k)
			}
			next = append(next, k)
		}
	}
	var out []ref.Val
	for _, n := range next {
		found, bad := walk(n, path[1:])
		if bad != nil {
			return nil, bad
		}
		out = append(out, found...)
	}
	return out, nil
}

func elementsOf(l traits.Iterable) []ref.Val {
	var out []ref.Val
	for it := l.Iterator(); it.HasNext() == types.True; {
		out = append(out, it.Next())
	}
	return out
}

// containers are all containers of the pods an object describes, initial and
// ephemeral ones and KServe's model included.
func containers(v ref.Val) ref.Val {
	specs, bad := readPodSpecs(v)
	if bad != nil {
		return bad
	}
	out := []ref.Val{}
	for _, s := range specs {
		if types.IsUnknown(s) {
			out = append(out, s)
			continue
		}
		m, bad := mapper(s, "a pod specification")
		if bad != nil {
			return bad
		}
		for _, k := range []string{"containers", "initContainers", "ephemeralContainers", "model"} {
			found, _ := m.Find(types.String(k))
			if found == nil || found == types.NullValue {
				continue
			}
			list := listOfVal(found)
			if types.IsUnknownOrError(list) {
				out = append(out, list)
				continue
			}
			for _, c := range elementsOf(list.(traits.Lister)) {
				if _, bad := mapper(c, "an element of "+k); bad != nil && !types.IsUnknown(bad) {
					return bad
				}
				out = append(out, c)
			}
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

// placed declares a function of one argument that needs no plain Go values: it
// looks at a value where it stands. It is worked out once for each place.
func placed(name string, result *cel.Type, f func(ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(name+"_1", []*cel.Type{cel.DynType}, result,
		cel.UnaryBinding(func(v ref.Val) ref.Val {
			at := placeOf(v)
			if at == nil {
				return f(v)
			}
			key := memoKey{name, at.node}
			if out, ok := at.doc.memo[key]; ok {
				return out
			}
			out := f(v)
			if _, failed := out.(*types.Err); !failed {
				at.doc.keep(key, out)
			}
			return out
		})))
}

// wordsOf is words as the expression language sees it.
func wordsOf(v ref.Val) ref.Val {
	ws, bad := words(v)
	if bad != nil {
		return bad
	}
	return types.DefaultTypeAdapter.NativeToValue(ws)
}

// words are the words of a container's command and arguments; those of a shell
// line ("sh -c 'vllm serve …'") singly.
func words(v ref.Val) ([]string, ref.Val) {
	m, bad := mapper(v, "a container")
	if bad != nil {
		return nil, bad
	}
	out := []string{}
	for _, k := range []string{"command", "Command", "args"} {
		found, _ := m.Find(types.String(k))
		if found == nil {
			continue
		}
		plain, bad := goValue(found)
		if bad != nil {
			return nil, bad
		}
		l, _ := listOf(plain)
		for _, e := range l.([]any) {
			s, ok := e.(string)
			if !ok {
				return nil, types.NewErr("%s holds a %T, not a string", k, e)
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

// secretArguments are the names under which a container's command line holds a
// credential: flags (--api-key), variables set in a shell line (TOKEN=…), and
// "argument" for one that has the form of a credential by itself. It never
// tells a value.
func secretArguments(v ref.Val) ref.Val {
	ws, bad := words(v)
	if bad != nil {
		return bad
	}
	out := []string{}
	add := func(name, value string) {
		value = strings.Trim(value, `"'`)
		if name = strings.TrimLeft(name, "-"); !strings.HasPrefix(value, "$") && IsSecret(name, value) {
			if name == "" {
				name = "argument"
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	for i, w := range ws {
		name, value, assigned := strings.Cut(w, "=")
		switch {
		case assigned && plainName(strings.TrimLeft(name, "-")):
			add(name, value)
		case strings.HasPrefix(w, "-") && i+1 < len(ws) && !strings.HasPrefix(ws[i+1], "-"):
			add(w, ws[i+1])
		case i == 0 || !strings.HasPrefix(ws[i-1], "-") || strings.Contains(ws[i-1], "="):
			add("", w)
		}
	}
	return types.DefaultTypeAdapter.NativeToValue(out)
}

// plainName reports whether s is spelt like the name of a flag or variable.
func plainName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// flagOf is flag as the expression language sees it.
func flagOf(v, name ref.Val) ref.Val {
	if types.IsUnknownOrError(name) {
		return name
	}
	want, ok := name.(types.String)
	if !ok {
		return types.NewErr("the name of a flag is a string")
	}
	ws, bad := words(v)
	if bad != nil {
		return bad
	}
	return flag(ws, string(want))
}

// flag is the value of a command line flag: --name=value or --name value, ""
// where it stands alone, none where it is not given. The last one counts, as
// flag parsers have it; - and _ in its name are one.
func flag(list []string, want string) ref.Val {
	want = strings.ReplaceAll(want, "_", "-")
	for i := len(list) - 1; i >= 0; i-- {
		w := strings.ReplaceAll(list[i], "_", "-")
		head, _, hasValue := strings.Cut(w, "=")
		if head != want {
			continue
		}
		if hasValue {
			_, value, _ := strings.Cut(list[i], "=")
			return types.OptionalOf(types.String(strings.Trim(value, `"'`)))
		}
		if i+1 < len(list) && !strings.HasPrefix(list[i+1], "--") {
			return types.OptionalOf(types.String(strings.Trim(list[i+1], `"'`)))
		}
		return types.OptionalOf(types.String(""))
	}
	return types.OptionalNone
}
