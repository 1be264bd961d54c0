package kubernetes

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Scale takes the configuration of a Kubernetes object apart into the
// capacities it asks for and its essence; estate.Scale says what these are. A
// kind without an entry in ScaleRules asks for nothing that scales. Labels stay
// in the essence; status, what the server keeps in metadata, and the
// annotations that controllers write do not.
//
// A number that is left out means what the API server would fill in, if the
// asset's Reads say that the object was read; else it is unknown.
//
// It is an error if config is not one JSON object.
func Scale(a *estate.Asset, config json.RawMessage) (estate.Scale, error) {
	group, kind := split(a.Type)
	r := scaleRules()[kind+"."+group]
	r.Volatile = slices.Concat(r.Volatile, kept)
	return r.Read(a, config)
}

// ScaleRules are the rules by kind and group ("Deployment.apps", "Service."),
// without what is true of every kind. The caller may keep and change the map.
func ScaleRules() map[string]estate.ScaleRule { return maps.Clone(scaleRules()) }

// ScaleRule is the rule of one type, without what is true of every kind; without
// amounts for a type that asks for none. It must not be changed.
func ScaleRule(typ string) estate.ScaleRule {
	group, kind := split(typ)
	return scaleRules()[kind+"."+group]
}

// WithoutScale says of the kinds that are roots of AI workloads by what they
// are, or carry pods, and have no amount, why they have none.
func WithoutScale() map[string]string { return maps.Clone(withoutScale) }

// kept lists what the server and its controllers keep in any object.
var kept = func() []string {
	out := []string{"status"}
	for _, name := range strings.Fields("resourceVersion uid generation managedFields creationTimestamp selfLink deletionTimestamp deletionGracePeriodSeconds") {
		out = append(out, "metadata."+name)
	}
	for _, name := range strings.Fields(`kubectl.kubernetes.io/last-applied-configuration deployment.kubernetes.io/revision
		deployment.kubernetes.io/desired-replicas deployment.kubernetes.io/max-replicas deployment.kubernetes.io/revision-history
		kubectl.kubernetes.io/restartedAt autoscaling.alpha.kubernetes.io/conditions autoscaling.alpha.kubernetes.io/current-metrics
		control-plane.alpha.kubernetes.io/leader endpoints.kubernetes.io/last-change-trigger-time pv.kubernetes.io/bind-completed pv.kubernetes.io/bound-by-controller`) {
		out = append(out, "metadata.annotations.("+name+")")
	}
	for _, template := range []string{"spec.template", "spec.jobTemplate.spec.template"} {
		out = append(out, template+".metadata.annotations.(kubectl.kubernetes.io/restartedAt)", template+".metadata.creationTimestamp")
	}
	return append(out, "spec.jobTemplate.metadata.creationTimestamp")
}()

// replicas is a count that means one where it is left out.
func replicas(at, place string) estate.Amount {
	return estate.Amount{At: at, Units: place, Absent: 1}
}

// number is a count that asks for nothing where it is left out.
func number(at, place string) estate.Amount { return estate.Amount{At: at, Units: place} }

// limit is an upper limit that leaving out or 0 lifts.
func limit(at, place string) estate.Amount {
	return estate.Amount{At: at, Units: place, Absent: estate.NoLimit, ZeroIsNoLimit: true}
}

// bounds are the limits of an autoscaler within an object.
func bounds(at string) []estate.Amount {
	return []estate.Amount{number(at, "minReplicas"), number(at, "maxReplicas")}
}

// workers are the groups of workers of a Ray cluster.
func workers(at string) []estate.Amount {
	groups := at + ".workerGroupSpecs[groupName]"
	hosts := times(number(groups, "numOfHosts"))
	return []estate.Amount{number(groups, "replicas"), number(groups, "minReplicas"), limit(groups, "maxReplicas"), hosts}
}

// roles are the replicas of a Kubeflow training job, by role.
func roles(places string) []estate.Amount {
	return []estate.Amount{replicas("spec."+places+"{}", "replicas")}
}

// knative are the limits that Knative keeps as annotations, under the names of
// today and of before.
func knative(at string) []estate.Amount {
	note := func(place, old string) string {
		return at + ".annotations.(autoscaling.knative.dev/" + place + ")|" + at + ".annotations.(autoscaling.knative.dev/" + old + ")"
	}
	lowest, first, highest := number("", note("min-scale", "minScale")), number("", note("initial-scale", "initialScale")), limit("", note("max-scale", "maxScale"))
	lowest.Text, first.Text, highest.Text = true, true, true
	return []estate.Amount{lowest, first, highest}
}

// job are the pods of a job at a time, and in all.
func job(spec string) []estate.Amount {
	return []estate.Amount{replicas("", spec+".parallelism"), number("", spec+".completions")}
}

// spark are the executors of a Spark application.
func spark(spec string) []estate.Amount {
	return []estate.Amount{replicas("", spec+".executor.instances"),
		number(spec+".dynamicAllocation", "minExecutors"), number(spec+".dynamicAllocation", "maxExecutors"), number(spec+".dynamicAllocation", "initialExecutors")}
}

// kserve are the limits of the parts of a KServe inference service.
func kserve() []estate.Amount {
	var out []estate.Amount
	for _, part := range []string{"predictor", "transformer", "explainer"} {
		out = append(out, replicas("spec."+part, "minReplicas"), limit("spec."+part, "maxReplicas"), times(number("spec."+part, "workerSpec.pipelineParallelSize")))
	}
	return out
}

// milvus are the components of a vector store: beside them stand what all of
// them share, an image or a selector, which are no components.
func milvus() []estate.Amount {
	var out []estate.Amount
	for _, part := range strings.Fields("standalone proxy mixCoord rootCoord dataCoord queryCoord indexCoord dataNode queryNode indexNode streamingNode") {
		out = append(out, number("spec.components."+part, "replicas"))
	}
	return out
}

// times is an amount that multiplies the others of its item.
func times(m estate.Amount) estate.Amount {
	m.Times = true
	return m
}

// scaled is an amount's default other than one.
func scaled(m estate.Amount, absent float64) estate.Amount {
	m.Absent = absent
	return m
}

// scaleRules are the rules by kind and group.
var scaleRules = sync.OnceValue(func() map[string]estate.ScaleRule {
	plain := []estate.Amount{replicas("", "spec.replicas")}
	autoscaler := []estate.Amount{replicas("", "spec.minReplicas"), number("", "spec.maxReplicas")}
	out := map[string]estate.ScaleRule{}
	for key, list := range map[string][]estate.Amount{
		"Deployment.apps": plain, "Deployment.extensions": plain, "StatefulSet.apps": plain, "ReplicaSet.apps": plain,
		"ReplicaSet.extensions": plain, "ReplicationController.": plain, "Rollout.argoproj.io": plain,
		"HorizontalPodAutoscaler.autoscaling": autoscaler,
		"Job.batch":                           job("spec"), "CronJob.batch": job("spec.jobTemplate.spec"),
		"JobSet.jobset.x-k8s.io":                   {times(replicas("spec.replicatedJobs[name]", "replicas")), replicas("spec.replicatedJobs[name]", "template.spec.parallelism"), number("spec.replicatedJobs[name]", "template.spec.completions")},
		"LeaderWorkerSet.leaderworkerset.x-k8s.io": {replicas("", "spec.replicas"), times(replicas("", "spec.leaderWorkerTemplate.size"))},
		"Job.batch.volcano.sh":                     {replicas("spec.tasks[name]", "replicas")},

		"InferenceService.serving.kserve.io":      kserve(),
		"LLMInferenceService.serving.kserve.io":   {replicas("", "spec.replicas"), replicas("spec.prefill", "replicas")},
		"InferenceGraph.serving.kserve.io":        {replicas("", "spec.minReplicas"), limit("", "spec.maxReplicas")},
		"ServingRuntime.serving.kserve.io":        {number("", "spec.replicas")},
		"ClusterServingRuntime.serving.kserve.io": {number("", "spec.replicas")},
		"Service.serving.knative.dev":             knative("spec.template.metadata"),
		"Configuration.serving.knative.dev":       knative("spec.template.metadata"),
		"Revision.serving.knative.dev":            knative("metadata"),
		"SeldonDeployment.machinelearning.seldon.io": slices.Concat([]estate.Amount{replicas("spec.predictors[name]", "replicas")},
			bounds("spec.predictors[name].componentSpecs[].hpaSpec")),
		"Model.mlops.seldon.io":      append(bounds("spec"), replicas("", "spec.replicas")),
		"NIMService.apps.nvidia.com": append(bounds("spec.scale.hpa"), replicas("", "spec.replicas")),
		"Workspace.kaito.sh":         {{At: "resource", Units: "count", Size: "instanceType", Whole: true, Absent: 1}},
		"Sandbox.agents.x-k8s.io":    {replicas("", "spec.replicas")},
		"MilvusCluster.milvus.io":    milvus(),
		"Milvus.milvus.io":           append(milvus(), number("", "spec.components.replicas")),

		"PyTorchJob.kubeflow.org": slices.Concat(roles("pytorchReplicaSpecs"), bounds("spec.elasticPolicy")),
		"TFJob.kubeflow.org":      roles("tfReplicaSpecs"), "MPIJob.kubeflow.org": roles("mpiReplicaSpecs"), "XGBoostJob.kubeflow.org": roles("xgbReplicaSpecs"),
		"PaddleJob.kubeflow.org": slices.Concat(roles("paddleReplicaSpecs"), bounds("spec.elasticPolicy")),
		"JAXJob.kubeflow.org":    roles("jaxReplicaSpecs"), "MXJob.kubeflow.org": roles("mxReplicaSpecs"),
		"TrainJob.trainer.kubeflow.org":               {number("", "spec.trainer.numNodes")},
		"TrainingRuntime.trainer.kubeflow.org":        {number("", "spec.mlPolicy.numNodes")},
		"ClusterTrainingRuntime.trainer.kubeflow.org": {number("", "spec.mlPolicy.numNodes")},
		"Experiment.kubeflow.org":                     {scaled(number("", "spec.parallelTrialCount"), 3), number("", "spec.maxTrialCount")},

		"RayCluster.ray.io": workers("spec"), "RayJob.ray.io": workers("spec.rayClusterSpec"), "RayService.ray.io": workers("spec.rayClusterConfig"),
		"RayCronJob.ray.io":                              workers("spec.jobTemplate.rayClusterSpec"),
		"SparkApplication.sparkoperator.k8s.io":          spark("spec"),
		"ScheduledSparkApplication.sparkoperator.k8s.io": spark("spec.template"),
		"Workflow.argoproj.io":                           {limit("", "spec.parallelism")},
		"CronWorkflow.argoproj.io":                       {limit("", "spec.workflowSpec.parallelism")},
		"ScaledObject.keda.sh":                           {number("", "spec.minReplicaCount"), scaled(number("", "spec.maxReplicaCount"), 100), number("", "spec.idleReplicaCount")},
		"ScaledJob.keda.sh":                              {number("", "spec.minReplicaCount"), scaled(number("", "spec.maxReplicaCount"), 100)},

		"EndpointConfig.sagemaker.services.k8s.aws":   {{At: "spec.productionVariants[variantName]", Units: "initialInstanceCount", Size: "instanceType", Whole: true}},
		"TrainingJob.sagemaker.services.k8s.aws":      {{At: "spec.resourceConfig", Units: "instanceCount", Size: "instanceType", Whole: true}},
		"NotebookInstance.sagemaker.services.k8s.aws": {{At: "spec", Size: "instanceType"}},
	} {
		out[key] = estate.ScaleRule{Amounts: list}
	}
	for key, places := range map[string][]string{
		"Endpoints.":                     {"subsets"},
		"EndpointSlice.discovery.k8s.io": {"endpoints"},
		"Lease.coordination.k8s.io":      {"spec"},
	} {
		out[key] = estate.ScaleRule{Volatile: places}
	}
	// Queues suspend and resume what they hold: what runs none for now is what it was.
	for place, keys := range map[string]string{
		"spec.suspend":           "Job.batch JobSet.jobset.x-k8s.io RayJob.ray.io RayCluster.ray.io TrainJob.trainer.kubeflow.org SparkApplication.sparkoperator.k8s.io",
		"spec.runPolicy.suspend": "PyTorchJob.kubeflow.org TFJob.kubeflow.org MPIJob.kubeflow.org XGBoostJob.kubeflow.org PaddleJob.kubeflow.org JAXJob.kubeflow.org",
	} {
		for key := range strings.FieldsSeq(keys) {
			rule := out[key]
			rule.Volatile = append(rule.Volatile, place)
			out[key] = rule
		}
	}
	return out
})

// withoutScale are the kinds that carry pods or are roots and have no amount,
// and why.
var withoutScale = map[string]string{
	"Pod.":           "one pod is one; what makes pods has the amount",
	"DaemonSet.apps": "it runs once on each node: the node groups have the amounts",
	"InferencePool.inference.networking.x-k8s.io": "it routes to pods that others run",
	"InferencePool.inference.networking.k8s.io":   "it routes to pods that others run",
	"Trial.kubeflow.org":                          "one trial is one job; the experiment has the amounts",
	"Notebook.kubeflow.org":                       "one notebook is one pod; what it asks for stays in the essence",
	"ScheduledWorkflow.kubeflow.org":              "it starts runs by its schedule, which stays in the essence",
	"Pipeline.pipelines.kubeflow.org":             "a pipeline starts nothing by itself",
	"Tensorboard.tensorboard.kubeflow.org":        "one TensorBoard is one pod",
	"MLflow.mlflow.org":                           "one server; its kinds of pods are the operator's",
	"MLflow.mlflow.opendatahub.io":                "one server; its kinds of pods are the operator's",
	"Agent.kagent.dev":                            "its pods are a Deployment, which has the amount",
	"Endpoint.sagemaker.services.k8s.aws":         "its configuration object has the instances",
}

// Scales reports whether objects of a type ask for an amount.
func Scales(typ string) bool {
	group, kind := split(typ)
	_, ok := scaleRules()[kind+"."+group]
	return ok
}
