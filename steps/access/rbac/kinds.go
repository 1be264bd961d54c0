package rbac

// runner is a resource whose objects run pods.
type runner struct {
	group, resource string
	// changes says that changing an object changes what its pods run and as whom.
	changes bool
	// fixed says that the pods run as an account that whoever makes the object
	// does not choose.
	fixed bool
	// custom says that the resource is not one of Kubernetes' own.
	custom bool
	what   string
}

// runners lists the resources that run pods as a service account that the
// object names. Sources: the API references of Kubernetes and of each project.
var runners = []runner{
	{"", "pods", false, false, false, "a Pod"},
	{"", "replicationcontrollers", true, false, false, "a ReplicationController"},
	{"apps", "deployments", true, false, false, "a Deployment"},
	{"apps", "replicasets", true, false, false, "a ReplicaSet"},
	{"apps", "statefulsets", true, false, false, "a StatefulSet"},
	{"apps", "daemonsets", true, false, false, "a DaemonSet"},
	{"batch", "jobs", false, false, false, "a Job"}, // its template cannot be changed
	{"batch", "cronjobs", true, false, false, "a CronJob"},

	{"serving.kserve.io", "inferenceservices", true, false, true, "a KServe InferenceService"},
	{"serving.kserve.io", "llminferenceservices", true, false, true, "a KServe LLMInferenceService"},
	{"serving.kserve.io", "inferencegraphs", true, false, true, "a KServe InferenceGraph"},
	{"kubeflow.org", "pytorchjobs", true, false, true, "a Kubeflow PyTorchJob"},
	{"kubeflow.org", "tfjobs", true, false, true, "a Kubeflow TFJob"},
	{"kubeflow.org", "mpijobs", true, false, true, "a Kubeflow MPIJob"},
	{"kubeflow.org", "xgboostjobs", true, false, true, "a Kubeflow XGBoostJob"},
	{"kubeflow.org", "paddlejobs", true, false, true, "a Kubeflow PaddleJob"},
	{"kubeflow.org", "jaxjobs", true, false, true, "a Kubeflow JAXJob"},
	{"kubeflow.org", "mxjobs", true, false, true, "a Kubeflow MXJob"},
	{"kubeflow.org", "notebooks", true, false, true, "a Kubeflow Notebook"},
	{"kubeflow.org", "experiments", true, false, true, "a Katib Experiment"},
	{"kubeflow.org", "trials", true, false, true, "a Katib Trial"},
	{"kubeflow.org", "scheduledworkflows", true, false, true, "a Kubeflow ScheduledWorkflow"},
	{"trainer.kubeflow.org", "trainjobs", true, false, true, "a Kubeflow TrainJob"},
	{"ray.io", "rayclusters", true, false, true, "a RayCluster"},
	{"ray.io", "rayjobs", true, false, true, "a RayJob"},
	{"ray.io", "raycronjobs", true, false, true, "a RayCronJob"},
	{"ray.io", "rayservices", true, false, true, "a RayService"},
	{"argoproj.io", "workflows", true, false, true, "an Argo Workflow"},
	{"argoproj.io", "cronworkflows", true, false, true, "an Argo CronWorkflow"},
	{"argoproj.io", "rollouts", true, false, true, "an Argo Rollout"},
	{"sparkoperator.k8s.io", "sparkapplications", true, false, true, "a SparkApplication"},
	{"sparkoperator.k8s.io", "scheduledsparkapplications", true, false, true, "a ScheduledSparkApplication"},
	{"machinelearning.seldon.io", "seldondeployments", true, false, true, "a SeldonDeployment"},
	{"batch.volcano.sh", "jobs", true, false, true, "a Volcano Job"},
	{"jobset.x-k8s.io", "jobsets", true, false, true, "a JobSet"},
	{"leaderworkerset.x-k8s.io", "leaderworkersets", true, false, true, "a LeaderWorkerSet"},
	{"kaito.sh", "workspaces", true, false, true, "a KAITO Workspace"},
	{"agents.x-k8s.io", "sandboxes", true, false, true, "a Sandbox"},
	{"kagent.dev", "agents", true, false, true, "a kagent Agent"},
	{"serving.knative.dev", "services", true, false, true, "a Knative Service"},
	{"serving.knative.dev", "configurations", true, false, true, "a Knative Configuration"},
	{"keda.sh", "scaledjobs", true, false, true, "a KEDA ScaledJob"},
	{"tekton.dev", "taskruns", false, false, true, "a Tekton TaskRun"},
	{"tekton.dev", "pipelineruns", false, false, true, "a Tekton PipelineRun"},
	// Kueue admits workloads of the kinds above and runs none itself; a runtime or
	// template is run by what names it, whose account counts.
	{"apps.nvidia.com", "nimservices", true, true, true, "an NVIDIA NIMService"},
}

// idle are custom resources that hold pod templates and run none.
var idle = map[resourceKey]bool{
	{"kueue.x-k8s.io", "workloads"}: true, {"serving.kserve.io", "servingruntimes"}: true, {"serving.kserve.io", "clusterservingruntimes"}: true,
	{"trainer.kubeflow.org", "trainingruntimes"}: true, {"trainer.kubeflow.org", "clustertrainingruntimes"}: true,
	{"argoproj.io", "workflowtemplates"}: true, {"argoproj.io", "clusterworkflowtemplates"}: true, {"karpenter.sh", "nodepools"}: true,
	{"serving.knative.dev", "revisions"}: true, {"serving.kserve.io", "llminferenceserviceconfigs"}: true,
}

// definition is a CustomResourceDefinition.
type definition struct {
	group, resource, kind string
	namespaced            bool
	// pods says whether its objects can hold a pod template, by their schema:
	// Allow, Deny, or Unknown if the schema leaves it open.
	pods Decision
}

// runnerOf finds what is known of a custom resource.
func runnerOf(group, resource string) *runner {
	for i := range runners {
		if runners[i].group == group && runners[i].resource == resource {
			return &runners[i]
		}
	}
	return nil
}

// templateIn reports whether an OpenAPI schema has room for a pod template: a
// place for containers or the name of a service account. A schema that keeps
// unknown members may hold anything.
func templateIn(schema any, depth int) Decision {
	m, ok := schema.(map[string]any)
	if !ok || depth == 0 {
		return Unknown
	}
	if keep, _ := m["x-kubernetes-preserve-unknown-fields"].(bool); keep {
		return Unknown
	}
	if embedded, _ := m["x-kubernetes-embedded-resource"].(bool); embedded {
		return Unknown
	}
	found := Deny
	join := func(d Decision) {
		switch {
		case d == Allow || found == Allow:
			found = Allow
		case d == Unknown:
			found = Unknown
		}
	}
	if properties, ok := m["properties"].(map[string]any); ok {
		for name, of := range properties {
			switch name {
			case "metadata":
				continue // of the object itself, and of templates: never a template
			case "serviceAccountName", "serviceAccount", "podTemplate", "podSpec", "containers":
				join(Allow)
			}
			join(templateIn(of, depth-1))
		}
	}
	for _, place := range []string{"items", "additionalProperties"} {
		if of, ok := m[place].(map[string]any); ok {
			join(templateIn(of, depth-1))
		}
	}
	for _, place := range []string{"allOf", "anyOf", "oneOf"} {
		if list, ok := m[place].([]any); ok {
			for _, of := range list {
				join(templateIn(of, depth-1))
			}
		}
	}
	typ, _ := m["type"].(string)
	if typ == "object" && m["properties"] == nil && m["additionalProperties"] == nil && depth < schemaDepth {
		return found // an object without members holds none: the server prunes the rest
	}
	return found
}

// schemaDepth bounds how deep a schema is searched.
const schemaDepth = 40

// PodMakers lists the requests by which pods are made, or made anew with another
// template: Kubernetes' own kinds and the custom ones that are known to run pods.
// Whoever may make one of them in a namespace runs what he likes there, as the
// accounts of the namespace. Namespace and name are left to the caller; requests
// to change bear a name.
func PodMakers() []Request {
	var out []Request
	for i := range runners {
		r := &runners[i]
		out = append(out, Request{Verb: "create", Group: r.group, Resource: r.resource})
		if r.changes {
			out = append(out, Request{Verb: "patch", Group: r.group, Resource: r.resource, Name: "*"}, Request{Verb: "update", Group: r.group, Resource: r.resource, Name: "*"})
		}
	}
	return out
}
