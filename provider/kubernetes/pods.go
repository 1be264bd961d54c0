package kubernetes

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Bounds on the search for pod templates in custom objects.
const (
	maxTemplateDepth = 14
	maxTemplates     = 100
)

// podSpec is one pod specification within an object.
type podSpec struct {
	value
	// prefix tells its containers from those of other templates of the object.
	prefix     string
	containers []container
}

// container is what is read of one container.
type container struct {
	name, image string
	words       []string // command and arguments
	env         map[string]string
	ports       []string
	accelerator string // "nvidia.com/gpu: 2"
	init        bool
	at          value
}

// podPaths says where the built-in kinds keep their pod specification.
var podPaths = map[string][]string{
	"Pod.": {"spec"}, "PodTemplate.": {"template", "spec"}, "ReplicationController.": {"spec", "template", "spec"},
	"Deployment.apps": {"spec", "template", "spec"}, "ReplicaSet.apps": {"spec", "template", "spec"},
	"StatefulSet.apps": {"spec", "template", "spec"}, "DaemonSet.apps": {"spec", "template", "spec"},
	"Deployment.extensions": {"spec", "template", "spec"}, "DaemonSet.extensions": {"spec", "template", "spec"},
	"ReplicaSet.extensions": {"spec", "template", "spec"}, "Job.batch": {"spec", "template", "spec"},
	"CronJob.batch": {"spec", "jobTemplate", "spec", "template", "spec"},
}

// podSpecs finds the pod specifications of an object: at their known place for
// built-in kinds, wherever there is a list of containers for custom ones.
func (r *reader) podSpecs() []*podSpec {
	var out []*podSpec
	if path, ok := podPaths[r.key()]; ok {
		if spec := r.config(path...); spec.object() != nil {
			out = append(out, &podSpec{value: spec})
		}
	} else if !builtin[r.group] {
		r.search(r.config("spec"), "", maxTemplateDepth, &out)
		if len(out) == 1 {
			out[0].prefix = ""
		}
	}
	for _, s := range out {
		s.read()
	}
	return out
}

func (r *reader) search(x value, prefix string, depth int, out *[]*podSpec) {
	if depth == 0 || len(*out) >= maxTemplates {
		return
	}
	switch v := x.v.(type) {
	case map[string]any:
		if isPodSpec(v) {
			*out = append(*out, &podSpec{value: x, prefix: prefix})
			return
		}
		for name, member := range x.members() {
			r.search(member, prefix+name+".", depth-1, out)
		}
	case []any:
		for i, e := range x.items() {
			m, _ := e.v.(map[string]any)
			name, _ := m["name"].(string)
			if name == "" {
				name = itoa(i)
			}
			r.search(e, prefix+name+".", depth-1, out)
		}
	}
}

// isPodSpec recognises a pod specification: a list of containers, or the
// single container of a workflow's step.
func isPodSpec(v map[string]any) bool {
	list, _ := v["containers"].([]any)
	for _, c := range list {
		if m, ok := c.(map[string]any); ok && (m["image"] != nil || m["name"] != nil) {
			return true
		}
	}
	for _, single := range []string{"container", "script"} {
		if m, ok := v[single].(map[string]any); ok && m["image"] != nil {
			return true
		}
	}
	return false
}

func (s *podSpec) read() {
	for _, group := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for _, c := range s.at(group).items() {
			sidecar := group == "initContainers" && c.at("restartPolicy").text() == "Always"
			s.add(c, group != "containers" && !sidecar)
		}
	}
	for _, single := range []string{"container", "script"} {
		if c := s.at(single); !c.missing() {
			s.add(c, false)
		}
	}
}

func (s *podSpec) add(c value, init bool) {
	if c.object() == nil {
		return
	}
	k := container{name: c.at("name").text(), image: c.at("image").text(), env: map[string]string{}, init: init, at: c}
	k.words = append(c.at("command").texts(), c.at("args").texts()...)
	if source := c.at("source"); !source.missing() {
		k.words = append(k.words, source.text())
	}
	if k.name == "" {
		k.name = "main"
	}
	for _, e := range c.at("env").items() {
		if name := e.at("name").text(); name != "" {
			k.env[name] = e.at("value").scalar()
		}
	}
	for _, p := range c.at("ports").items() {
		k.ports = append(k.ports, p.at("containerPort").scalar())
	}
	for _, side := range []string{"limits", "requests"} {
		for name, amount := range c.at("resources", side).members() {
			if quantity := amount.scalar(); k.accelerator == "" && isAccelerator(name) && quantity != "0" && quantity != "" {
				k.accelerator = name + ": " + quantity
			}
		}
	}
	s.containers = append(s.containers, k)
}

// isAccelerator recognises the extended resources of accelerators, slices of
// them included.
func isAccelerator(resource string) bool {
	switch resource {
	case "amd.com/gpu", "google.com/tpu", "habana.ai/gaudi", "aliyun.com/gpu-mem", "gpu.intel.com/i915", "gpu.intel.com/xe":
		return true
	}
	for _, prefix := range []string{"nvidia.com/gpu", "nvidia.com/mig-", "aws.amazon.com/neuron", "cloud-tpus.google.com/",
		"huawei.com/Ascend", "habana.ai/", "qualcomm.com/qaic"} {
		if strings.HasPrefix(resource, prefix) {
			return true
		}
	}
	return false
}

// podSpec declares what one pod specification says: identity, containers and
// their images, what is mounted and read.
func (r *reader) podSpec(s *podSpec) {
	account := s.at("serviceAccountName")
	name := account.text()
	if name == "" {
		name = s.at("serviceAccount").text()
	}
	if name == "" && builtin[r.group] && r.kind != "PodTemplate" {
		name = "default" // what the API server fills in
	}
	if r.a.Region != "" {
		r.relate(r.local("ServiceAccount", name), estate.RunsAs, account)
		r.volumes(s)
		for _, p := range s.at("imagePullSecrets").items() {
			r.relate(r.local("Secret", p.at("name").text()), estate.Reads, p.at("name"))
		}
	}
	r.relate(r.id("", "scheduling.k8s.io", "PriorityClass", s.at("priorityClassName").text()), estate.Uses, s.at("priorityClassName"))
	r.relate(r.id("", "node.k8s.io", "RuntimeClass", s.at("runtimeClassName").text()), estate.Uses, s.at("runtimeClassName"))
	for i := range s.containers {
		r.container(s, &s.containers[i])
	}
	for _, c := range s.at("resourceClaims").items() {
		for member, kind := range map[string]string{"resourceClaimName": "ResourceClaim", "resourceClaimTemplateName": "ResourceClaimTemplate"} {
			r.relate(r.id(r.a.Region, "resource.k8s.io", kind, c.at(member).text()), estate.Uses, c.at(member))
		}
	}
}

// pod adds what only a running pod says.
func (r *reader) pod() {
	node := r.config("spec", "nodeName")
	r.relate(r.id("", "", "Node", node.text()), estate.MemberOf, node)
}
