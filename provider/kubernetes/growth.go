package kubernetes

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Growing says of one kind of objects how it grows, for a gate that holds it in
// a cluster.
type Growing struct {
	// Kind as it stands in ids: the group left out for built-in kinds
	// ("Deployment", "RayCluster.ray.io").
	Kind string
	// Group, Resource and Versions as the API spells them; the versions are
	// those whose layout Rule knows.
	Group, Resource string
	Versions        []string
	// Rule has the amounts. Without any the object itself is one unit.
	Rule estate.ScaleRule
	// Scales is whether it has the subresource scale.
	Scales bool
	// Target is where an autoscaler names what it scales; empty for all else.
	Target string
	// Pods are the places of its pod specifications, for the devices they ask
	// for.
	Pods []string
	// Made is how many pods its controller makes beside those of the amounts: a
	// head, a driver, a launcher.
	Made int
	// Spare is how many times its size what it makes may have while one is
	// being replaced by the next; 0 is once.
	Spare int
	// Kept is of what stays, generation after generation, with the size it was
	// made for: what it makes counts, it does not.
	Kept bool
	// EveryNode is of what runs on each node: no number bounds it.
	EveryNode bool
}

// Growth lists the kinds whose growth can be held, ordered by Kind.
func Growth() []Growing {
	rules := scaleRules()
	var out []Growing
	for key, x := range grows {
		kind, group, _ := strings.Cut(key, ".")
		resource, versions, _ := strings.Cut(x.api, " ")
		g := Growing{Kind: kind, Group: group, Resource: resource, Versions: strings.Fields(versions), Scales: x.scales,
			Target: x.target, Pods: x.pods, Made: x.made, Spare: x.spare, EveryNode: key == "DaemonSet.apps", Kept: key == "Revision.serving.knative.dev"}
		if !builtin[group] {
			g.Kind = key
		}
		g.Rule.Amounts = rules[key].Amounts
		if path, ok := podPaths[key]; ok {
			g.Pods = []string{strings.Join(path, ".")}
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Growing) int { return cmp.Compare(a.Kind, b.Kind) })
	return out
}

// Ungated says of the kinds with an amount that no gate in a cluster holds why
// it does not.
func Ungated() map[string]string { return maps.Clone(ungated) }

// growing is what Growth adds to a kind's amounts.
type growing struct {
	api    string // RESOURCE VERSION…
	scales bool
	target string
	pods   []string
	made   int
	spare  int
}

// with is a kind with places of pod specifications.
func with(api string, pods ...string) growing { return growing{api: api, pods: pods} }

// by is with, for a kind whose controller makes more pods than the amounts say.
func by(made int, api string, pods ...string) growing {
	return growing{api: api, pods: pods, made: made}
}

func scaling(api string, pods ...string) growing {
	return growing{api: api, scales: true, pods: pods}
}

// ray are the places of a Ray cluster's pods.
func ray(at string) []string {
	return []string{at + ".headGroupSpec.template.spec", at + ".workerGroupSpecs[groupName].template.spec"}
}

// grows are the kinds that are held. Versions are those the project's API
// reference of 2026 serves.
var grows = map[string]growing{
	"Pod.":                     with("pods v1"),
	"DaemonSet.apps":           with("daemonsets v1"),
	"Deployment.apps":          {api: "deployments v1", scales: true, spare: 2},
	"StatefulSet.apps":         scaling("statefulsets v1"),
	"ReplicaSet.apps":          scaling("replicasets v1"),
	"ReplicationController.":   scaling("replicationcontrollers v1"),
	"Job.batch":                with("jobs v1"),
	"CronJob.batch":            with("cronjobs v1"),
	"Rollout.argoproj.io":      {api: "rollouts v1alpha1", scales: true, spare: 2, pods: []string{"spec.template.spec"}},
	"Workflow.argoproj.io":     with("workflows v1alpha1"),
	"CronWorkflow.argoproj.io": with("cronworkflows v1alpha1"),

	"HorizontalPodAutoscaler.autoscaling": {api: "horizontalpodautoscalers v1 v2", target: "spec.scaleTargetRef"},
	"ScaledObject.keda.sh":                {api: "scaledobjects v1alpha1", target: "spec.scaleTargetRef"},
	"ScaledJob.keda.sh":                   with("scaledjobs v1alpha1", "spec.jobTargetRef.template.spec"),

	"JobSet.jobset.x-k8s.io": with("jobsets v1alpha2", "spec.replicatedJobs[name].template.spec.template.spec"),
	"LeaderWorkerSet.leaderworkerset.x-k8s.io": {api: "leaderworkersets v1", scales: true, spare: 2,
		pods: []string{"spec.leaderWorkerTemplate.leaderTemplate.spec", "spec.leaderWorkerTemplate.workerTemplate.spec"}},
	"Job.batch.volcano.sh": with("jobs v1alpha1", "spec.tasks[name].template.spec"),

	"InferenceService.serving.kserve.io":         {api: "inferenceservices v1beta1", spare: 2, pods: []string{"spec.predictor", "spec.transformer", "spec.explainer"}},
	"LLMInferenceService.serving.kserve.io":      {api: "llminferenceservices v1alpha1 v1alpha2", made: 2, spare: 2, pods: []string{"spec.template", "spec.worker", "spec.prefill.template", "spec.prefill.worker"}},
	"InferenceGraph.serving.kserve.io":           {api: "inferencegraphs v1alpha1", spare: 2},
	"Service.serving.knative.dev":                {api: "services v1", spare: 2, pods: []string{"spec.template.spec"}},
	"Configuration.serving.knative.dev":          {api: "configurations v1", spare: 2, pods: []string{"spec.template.spec"}},
	"Revision.serving.knative.dev":               {api: "revisions v1", pods: []string{"spec"}},
	"SeldonDeployment.machinelearning.seldon.io": {api: "seldondeployments v1 v1alpha2 v1alpha3", scales: true, spare: 2},
	"Model.mlops.seldon.io":                      scaling("models v1alpha1"),
	"NIMService.apps.nvidia.com":                 {api: "nimservices v1alpha1", scales: true, spare: 2},
	"Workspace.kaito.sh":                         {api: "workspaces v1beta1 v1alpha1", spare: 2},
	"Sandbox.agents.x-k8s.io":                    scaling("sandboxes v1alpha1 v1beta1", "spec.podTemplate.spec"),
	"MilvusCluster.milvus.io":                    {api: "milvusclusters v1alpha1", made: 1, spare: 2},
	"Milvus.milvus.io":                           {api: "milvuses v1beta1", made: 1, spare: 2},

	"PyTorchJob.kubeflow.org":       {api: "pytorchjobs v1", scales: true, pods: []string{"spec.pytorchReplicaSpecs{}.template.spec"}},
	"TFJob.kubeflow.org":            with("tfjobs v1", "spec.tfReplicaSpecs{}.template.spec"),
	"MPIJob.kubeflow.org":           by(1, "mpijobs v1 v2beta1", "spec.mpiReplicaSpecs{}.template.spec"),
	"XGBoostJob.kubeflow.org":       with("xgboostjobs v1", "spec.xgbReplicaSpecs{}.template.spec"),
	"PaddleJob.kubeflow.org":        with("paddlejobs v1", "spec.paddleReplicaSpecs{}.template.spec"),
	"JAXJob.kubeflow.org":           with("jaxjobs v1", "spec.jaxReplicaSpecs{}.template.spec"),
	"MXJob.kubeflow.org":            with("mxjobs v1", "spec.mxReplicaSpecs{}.template.spec"),
	"TrainJob.trainer.kubeflow.org": by(2, "trainjobs v1alpha1"),
	"Experiment.kubeflow.org":       by(1, "experiments v1beta1"),
	"RayCluster.ray.io":             by(1, "rayclusters v1 v1alpha1", ray("spec")...),
	"RayJob.ray.io":                 by(2, "rayjobs v1 v1alpha1", ray("spec.rayClusterSpec")...),
	"RayService.ray.io":             {api: "rayservices v1 v1alpha1", made: 1, spare: 2, pods: ray("spec.rayClusterConfig")},
	"RayCronJob.ray.io":             by(2, "raycronjobs v1", ray("spec.jobTemplate.rayClusterSpec")...),

	"SparkApplication.sparkoperator.k8s.io":          by(1, "sparkapplications v1beta2"),
	"ScheduledSparkApplication.sparkoperator.k8s.io": by(1, "scheduledsparkapplications v1beta2"),

	"EndpointConfig.sagemaker.services.k8s.aws":   with("endpointconfigs v1alpha1"),
	"TrainingJob.sagemaker.services.k8s.aws":      with("trainingjobs v1alpha1"),
	"NotebookInstance.sagemaker.services.k8s.aws": with("notebookinstances v1alpha1"),
}

// ungated are the kinds with an amount that are not held, and why.
var ungated = map[string]string{
	"Deployment.extensions":                       "no API server since 1.16 serves it",
	"ReplicaSet.extensions":                       "no API server since 1.16 serves it",
	"ServingRuntime.serving.kserve.io":            "it runs nothing by itself; the inference services that use it are held",
	"ClusterServingRuntime.serving.kserve.io":     "it runs nothing by itself; the inference services that use it are held",
	"TrainingRuntime.trainer.kubeflow.org":        "it runs nothing by itself; the jobs made from it are held",
	"ClusterTrainingRuntime.trainer.kubeflow.org": "it runs nothing by itself; the jobs made from it are held",
	"Endpoints.":                     "it lists addresses",
	"EndpointSlice.discovery.k8s.io": "it lists addresses",
	"Lease.coordination.k8s.io":      "it is a lock",
}
