package kubernetes

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// history holds back what is past: finished jobs and pods, replica sets that
// are scaled to nothing, finished runs of pipelines. Of each owner the newest
// few are kept, in memory that does not grow with their number.
type history struct {
	keep  int
	over  func(obj map[string]any) bool
	owned map[string][]estate.Asset
	left  int
	// damaged is set when an object of the list made no sense.
	damaged bool
}

// maxOwners bounds the memory that histories may take.
const maxOwners = 20_000

func newHistory(t listable, keep int) *history {
	return &history{keep: keep, over: past[t.name()], owned: map[string][]estate.Asset{}}
}

// past tells for each type with a history whether an object belongs to it.
var past = map[string]func(map[string]any) bool{
	"pods":             finishedPod,
	"jobs.batch":       finishedJob,
	"replicasets.apps": idleReplicaSet,

	"workflows.argoproj.io":          func(o map[string]any) bool { return phaseIn(o, "phase", "Succeeded", "Failed", "Error") },
	"pipelineruns.tekton.dev":        conditionDone("Succeeded"),
	"taskruns.tekton.dev":            conditionDone("Succeeded"),
	"pytorchjobs.kubeflow.org":       jobDone,
	"tfjobs.kubeflow.org":            jobDone,
	"mpijobs.kubeflow.org":           jobDone,
	"xgboostjobs.kubeflow.org":       jobDone,
	"paddlejobs.kubeflow.org":        jobDone,
	"jaxjobs.kubeflow.org":           jobDone,
	"trainjobs.trainer.kubeflow.org": conditionDone("Complete", "Failed"),
	"jobsets.jobset.x-k8s.io":        conditionDone("Completed", "Failed"),
	"rayjobs.ray.io":                 func(o map[string]any) bool { return phaseIn(o, "jobDeploymentStatus", "Complete", "Failed") },
	"workloads.kueue.x-k8s.io":       conditionDone("Finished"),
}

var jobDone = conditionDone("Succeeded", "Failed")

func finishedPod(obj map[string]any) bool { return phaseIn(obj, "phase", "Succeeded", "Failed") }

func finishedJob(obj map[string]any) bool { return conditionDone("Complete", "Failed")(obj) }

func idleReplicaSet(obj map[string]any) bool {
	spec, _ := obj["spec"].(map[string]any)
	status, _ := obj["status"].(map[string]any)
	return controller(obj) != "" && isZero(spec["replicas"]) && isZero(status["replicas"])
}

func isZero(v any) bool {
	switch n := v.(type) {
	case int64:
		return n == 0
	case float64:
		return n == 0
	}
	return false
}

func phaseIn(obj map[string]any, member string, phases ...string) bool {
	status, _ := obj["status"].(map[string]any)
	return slices.Contains(phases, text(status[member]))
}

// conditionDone says that one of the conditions stands, whichever way a run
// that has ended says so.
func conditionDone(types ...string) func(map[string]any) bool {
	return func(obj map[string]any) bool {
		status, _ := obj["status"].(map[string]any)
		conditions, _ := status["conditions"].([]any)
		for _, c := range conditions {
			m, _ := c.(map[string]any)
			if slices.Contains(types, text(m["type"])) && (m["status"] == "True" || m["status"] == "False" && text(m["reason"]) == "Failed") {
				return true
			}
		}
		return false
	}
}

// hold takes an object that is past; false: send it now.
func (h *history) hold(obj map[string]any, a estate.Asset) bool {
	if h.over == nil || !h.over(obj) {
		return false
	}
	key := a.Region + "/" + owner(obj, a.Name)
	if _, known := h.owned[key]; !known && len(h.owned) >= maxOwners {
		key = a.Region + "/" // names without a pattern: the namespace is the owner
	}
	held := append(h.owned[key], a)
	if len(held) > h.keep {
		oldest := 0
		for i := range held {
			if older(held[i], held[oldest]) {
				oldest = i
			}
		}
		held = slices.Delete(held, oldest, oldest+1)
		h.left++
	}
	h.owned[key] = held
	return true
}

func older(a, b estate.Asset) bool {
	if c := a.Created.Compare(b.Created); c != 0 {
		return c < 0
	}
	return a.ID < b.ID
}

// newest returns what was kept, oldest first within an owner.
func (h *history) newest() []estate.Asset {
	var out []estate.Asset
	for _, held := range h.owned {
		out = append(out, held...)
	}
	slices.SortFunc(out, func(a, b estate.Asset) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// owner names what an object's history is counted for: its controller, the
// runs of one schedule being one owner, or else the family of its own name.
func owner(obj map[string]any, name string) string {
	if c := controller(obj); c != "" {
		return family(c)
	}
	return family(name)
}

func controller(obj map[string]any) string {
	meta, _ := obj["metadata"].(map[string]any)
	refs, _ := meta["ownerReferences"].([]any)
	for _, r := range refs {
		if m, _ := r.(map[string]any); m["controller"] == true {
			return text(m["kind"]) + "/" + text(m["name"])
		}
	}
	return ""
}

// suffix is what a controller or script appends to make a name unique: a
// number, a UUID, a hexadecimal digest, or the letters that the API server
// generates names from (no vowels, so that few words look like one).
var suffix = regexp.MustCompile(`([-.]([0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8,}|[bcdfghjklmnpqrstvwxz2456789]{5}|[bcdfghjklmnpqrstvwxz2456789]{8,10}))+$`)

func family(name string) string {
	if cut := suffix.ReplaceAllString(name, ""); cut != "" {
		return cut
	}
	return name
}
