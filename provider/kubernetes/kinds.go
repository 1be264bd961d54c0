package kubernetes

import "github.com/sevenfold-sec/sevenfold/estate"

// kinds says what a type is to the analysis, by kind and group.
var kinds = map[string]estate.Kind{
	"Cluster.": estate.KindService, "Namespace.": estate.KindService,
	"Pod.": estate.KindCompute, "PodTemplate.": estate.KindCompute, "Node.": estate.KindCompute,
	"ReplicationController.": estate.KindCompute, "Deployment.apps": estate.KindCompute, "ReplicaSet.apps": estate.KindCompute,
	"StatefulSet.apps": estate.KindCompute, "DaemonSet.apps": estate.KindCompute, "Deployment.extensions": estate.KindCompute,
	"DaemonSet.extensions": estate.KindCompute, "ReplicaSet.extensions": estate.KindCompute, "ControllerRevision.apps": estate.KindCompute,
	"Job.batch": estate.KindCompute, "CronJob.batch": estate.KindCompute, "Binding.": estate.KindCompute,
	"Service.": estate.KindNetwork, "Endpoints.": estate.KindNetwork, "EndpointSlice.discovery.k8s.io": estate.KindNetwork,
	"Ingress.networking.k8s.io": estate.KindNetwork, "Ingress.extensions": estate.KindNetwork, "IngressClass.networking.k8s.io": estate.KindNetwork,
	"IPAddress.networking.k8s.io": estate.KindNetwork, "ServiceCIDR.networking.k8s.io": estate.KindNetwork,
	"Gateway.gateway.networking.k8s.io": estate.KindNetwork, "GatewayClass.gateway.networking.k8s.io": estate.KindNetwork,
	"HTTPRoute.gateway.networking.k8s.io": estate.KindNetwork, "GRPCRoute.gateway.networking.k8s.io": estate.KindNetwork,
	"TCPRoute.gateway.networking.k8s.io": estate.KindNetwork, "TLSRoute.gateway.networking.k8s.io": estate.KindNetwork,
	"UDPRoute.gateway.networking.k8s.io": estate.KindNetwork, "VirtualService.networking.istio.io": estate.KindNetwork,
	"InferencePool.inference.networking.x-k8s.io": estate.KindNetwork, "InferencePool.inference.networking.k8s.io": estate.KindNetwork,
	"NetworkPolicy.networking.k8s.io": estate.KindPolicy, "NetworkPolicy.extensions": estate.KindPolicy,
	"Role.rbac.authorization.k8s.io": estate.KindPolicy, "ClusterRole.rbac.authorization.k8s.io": estate.KindPolicy,
	"RoleBinding.rbac.authorization.k8s.io": estate.KindPolicy, "ClusterRoleBinding.rbac.authorization.k8s.io": estate.KindPolicy,
	"User.rbac.authorization.k8s.io": estate.KindIdentity, "Group.rbac.authorization.k8s.io": estate.KindIdentity,
	"ServiceAccount.": estate.KindIdentity, "CertificateSigningRequest.certificates.k8s.io": estate.KindIdentity,
	"ClusterTrustBundle.certificates.k8s.io": estate.KindIdentity, "PodCertificateRequest.certificates.k8s.io": estate.KindIdentity,
	"Secret.": estate.KindSecret, "ConfigMap.": estate.KindStore,
	"PersistentVolume.": estate.KindStore, "PersistentVolumeClaim.": estate.KindStore,
	"VolumeAttachment.storage.k8s.io": estate.KindStore, "StorageClass.storage.k8s.io": estate.KindPolicy,
	"VolumeAttributesClass.storage.k8s.io": estate.KindPolicy, "CSIDriver.storage.k8s.io": estate.KindService,
	"CSINode.storage.k8s.io": estate.KindCompute, "CSIStorageCapacity.storage.k8s.io": estate.KindStore,
	"LimitRange.": estate.KindPolicy, "ResourceQuota.": estate.KindPolicy, "PodDisruptionBudget.policy": estate.KindPolicy,
	"PodSecurityPolicy.policy": estate.KindPolicy, "HorizontalPodAutoscaler.autoscaling": estate.KindPolicy,
	"PriorityClass.scheduling.k8s.io": estate.KindPolicy, "RuntimeClass.node.k8s.io": estate.KindPolicy,
	"MutatingWebhookConfiguration.admissionregistration.k8s.io":     estate.KindPolicy,
	"ValidatingWebhookConfiguration.admissionregistration.k8s.io":   estate.KindPolicy,
	"ValidatingAdmissionPolicy.admissionregistration.k8s.io":        estate.KindPolicy,
	"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": estate.KindPolicy,
	"MutatingAdmissionPolicy.admissionregistration.k8s.io":          estate.KindPolicy,
	"MutatingAdmissionPolicyBinding.admissionregistration.k8s.io":   estate.KindPolicy,
	"FlowSchema.flowcontrol.apiserver.k8s.io":                       estate.KindPolicy,
	"PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io":       estate.KindPolicy,
	"CustomResourceDefinition.apiextensions.k8s.io":                 estate.KindService,
	"APIService.apiregistration.k8s.io":                             estate.KindService,
	"Lease.coordination.k8s.io":                                     estate.KindService, "LeaseCandidate.coordination.k8s.io": estate.KindService,
	"Event.": estate.KindEventSource, "Event.events.k8s.io": estate.KindEventSource, "ComponentStatus.": estate.KindService,
	"ResourceClaim.resource.k8s.io": estate.KindCompute, "ResourceClaimTemplate.resource.k8s.io": estate.KindCompute,
	"ResourceSlice.resource.k8s.io": estate.KindCompute, "DeviceClass.resource.k8s.io": estate.KindPolicy,
	"DeviceTaintRule.resource.k8s.io": estate.KindPolicy, "StorageVersionMigration.storagemigration.k8s.io": estate.KindService,
	"StorageVersion.internal.apiserver.k8s.io": estate.KindService,
	"ClusterQueue.kueue.x-k8s.io":              estate.KindPolicy, "LocalQueue.kueue.x-k8s.io": estate.KindPolicy,
	"ResourceFlavor.kueue.x-k8s.io": estate.KindPolicy, "Workload.kueue.x-k8s.io": estate.KindCompute,
	"AdmissionCheck.kueue.x-k8s.io": estate.KindPolicy, "WorkloadPriorityClass.kueue.x-k8s.io": estate.KindPolicy,
	"ServingRuntime.serving.kserve.io": estate.KindEndpoint, "ClusterServingRuntime.serving.kserve.io": estate.KindEndpoint,
	"TrainedModel.serving.kserve.io": estate.KindModel, "ClusterTrainingRuntime.trainer.kubeflow.org": estate.KindCompute,
	"TrainingRuntime.trainer.kubeflow.org": estate.KindCompute, "WorkflowTemplate.argoproj.io": estate.KindPipeline,
	"ClusterWorkflowTemplate.argoproj.io": estate.KindPipeline, "PodDefault.kubeflow.org": estate.KindPolicy,
	"AuthorizationPolicy.security.istio.io": estate.KindPolicy, "PeerAuthentication.security.istio.io": estate.KindPolicy,
	"ExternalSecret.external-secrets.io": estate.KindSecret, "SecretProviderClass.secrets-store.csi.x-k8s.io": estate.KindSecret,
	"Policy.kyverno.io": estate.KindPolicy, "ClusterPolicy.kyverno.io": estate.KindPolicy,
	"Profile.kubeflow.org": estate.KindPolicy, "Queue.scheduling.volcano.sh": estate.KindPolicy,
	"ClusterPolicy.nvidia.com": estate.KindPolicy, "ClusterImagePolicy.policy.sigstore.dev": estate.KindPolicy,
	"SandboxTemplate.extensions.agents.x-k8s.io": estate.KindCompute,
	"ScaledObject.keda.sh":                       estate.KindPolicy, "NodePool.karpenter.sh": estate.KindPolicy,
}

// custom is what is known of a custom kind that is AI by its definition.
type custom struct {
	class string // of the workload it is the root of
	kind  estate.Kind
	what  string // completes "is …"
}

// customs are the custom kinds that are roots of a workload by what they are.
var customs = map[string]custom{
	"InferenceService.serving.kserve.io":             {estate.ClassEndpoint, estate.KindEndpoint, "a KServe inference service"},
	"LLMInferenceService.serving.kserve.io":          {estate.ClassEndpoint, estate.KindEndpoint, "a KServe inference service for language models"},
	"InferencePool.inference.networking.x-k8s.io":    {estate.ClassEndpoint, estate.KindNetwork, "an inference pool, a gateway's way to model servers"},
	"InferencePool.inference.networking.k8s.io":      {estate.ClassEndpoint, estate.KindNetwork, "an inference pool, a gateway's way to model servers"},
	"InferenceGraph.serving.kserve.io":               {estate.ClassEndpoint, estate.KindEndpoint, "a KServe inference graph"},
	"PyTorchJob.kubeflow.org":                        {estate.ClassTraining, estate.KindCompute, "a Kubeflow PyTorch training job"},
	"TFJob.kubeflow.org":                             {estate.ClassTraining, estate.KindCompute, "a Kubeflow TensorFlow training job"},
	"MPIJob.kubeflow.org":                            {estate.ClassTraining, estate.KindCompute, "a Kubeflow MPI training job"},
	"XGBoostJob.kubeflow.org":                        {estate.ClassTraining, estate.KindCompute, "a Kubeflow XGBoost training job"},
	"PaddleJob.kubeflow.org":                         {estate.ClassTraining, estate.KindCompute, "a Kubeflow Paddle training job"},
	"JAXJob.kubeflow.org":                            {estate.ClassTraining, estate.KindCompute, "a Kubeflow JAX training job"},
	"MXJob.kubeflow.org":                             {estate.ClassTraining, estate.KindCompute, "a Kubeflow MXNet training job"},
	"Experiment.kubeflow.org":                        {estate.ClassTraining, estate.KindPipeline, "a Katib experiment, which trains model after model"},
	"TrainJob.trainer.kubeflow.org":                  {estate.ClassTraining, estate.KindCompute, "a Kubeflow Trainer job"},
	"Notebook.kubeflow.org":                          {estate.ClassNotebook, estate.KindCompute, "a Kubeflow notebook"},
	"ScheduledWorkflow.kubeflow.org":                 {estate.ClassPipeline, estate.KindPipeline, "a recurring Kubeflow pipeline run"},
	"Pipeline.pipelines.kubeflow.org":                {estate.ClassPipeline, estate.KindPipeline, "a Kubeflow pipeline"},
	"Tensorboard.tensorboard.kubeflow.org":           {estate.ClassManagement, estate.KindService, "a TensorBoard"},
	"RayCluster.ray.io":                              {estate.ClassTraining, estate.KindCompute, "a Ray cluster"},
	"RayJob.ray.io":                                  {estate.ClassTraining, estate.KindCompute, "a Ray job"},
	"RayCronJob.ray.io":                              {estate.ClassTraining, estate.KindCompute, "a Ray job on a schedule"},
	"RayService.ray.io":                              {estate.ClassEndpoint, estate.KindEndpoint, "a Ray Serve application"},
	"Workflow.argoproj.io":                           {estate.ClassPipeline, estate.KindPipeline, "an Argo workflow"},
	"CronWorkflow.argoproj.io":                       {estate.ClassPipeline, estate.KindPipeline, "an Argo workflow on a schedule"},
	"SparkApplication.sparkoperator.k8s.io":          {estate.ClassPipeline, estate.KindPipeline, "a Spark application"},
	"ScheduledSparkApplication.sparkoperator.k8s.io": {estate.ClassPipeline, estate.KindPipeline, "a Spark application on a schedule"},
	"SeldonDeployment.machinelearning.seldon.io":     {estate.ClassEndpoint, estate.KindEndpoint, "a Seldon deployment"},
	"Model.mlops.seldon.io":                          {estate.ClassEndpoint, estate.KindModel, "a model served by Seldon Core"},
	"MLflow.mlflow.org":                              {estate.ClassManagement, estate.KindService, "an MLflow server"},
	"MLflow.mlflow.opendatahub.io":                   {estate.ClassManagement, estate.KindService, "an MLflow server"},
	"Workspace.kaito.sh":                             {estate.ClassEndpoint, estate.KindEndpoint, "a KAITO workspace, which serves or tunes a model"},
	"NIMService.apps.nvidia.com":                     {estate.ClassEndpoint, estate.KindEndpoint, "an NVIDIA NIM inference service"},
	"Sandbox.agents.x-k8s.io":                        {estate.ClassAgent, estate.KindCompute, "a sandbox in which an agent's code runs"},
	"MilvusCluster.milvus.io":                        {estate.ClassPipeline, estate.KindStore, "a Milvus vector store"},
	"Milvus.milvus.io":                               {estate.ClassPipeline, estate.KindStore, "a Milvus vector store"},
	"Agent.kagent.dev":                               {estate.ClassAgent, estate.KindService, "a kagent agent"},
	"Endpoint.sagemaker.services.k8s.aws":            {estate.ClassEndpoint, estate.KindEndpoint, "a SageMaker endpoint kept by a controller"},
	"TrainingJob.sagemaker.services.k8s.aws":         {estate.ClassTraining, estate.KindCompute, "a SageMaker training job kept by a controller"},
	"NotebookInstance.sagemaker.services.k8s.aws":    {estate.ClassNotebook, estate.KindCompute, "a SageMaker notebook kept by a controller"},
}

// definitions hold pod templates that something else runs: none is a root.
var definitions = map[string]bool{
	"PodTemplate.": true, "ControllerRevision.apps": true, "ServingRuntime.serving.kserve.io": true,
	"ClusterServingRuntime.serving.kserve.io": true, "LLMInferenceServiceConfig.serving.kserve.io": true,
	"TrainingRuntime.trainer.kubeflow.org": true, "ClusterTrainingRuntime.trainer.kubeflow.org": true,
	"WorkflowTemplate.argoproj.io": true, "ClusterWorkflowTemplate.argoproj.io": true, "PodDefault.kubeflow.org": true,
	"Workload.kueue.x-k8s.io": true, "NodePool.karpenter.sh": true,
}

// carriers are kinds whose own template shows what they run, so that what they
// control is never a root beside them.
var carriers = map[string]bool{
	"Deployment.apps": true, "ReplicaSet.apps": true, "StatefulSet.apps": true, "DaemonSet.apps": true,
	"Job.batch": true, "CronJob.batch": true, "ReplicationController.": true,
	"Service.serving.knative.dev": true, "Configuration.serving.knative.dev": true, "Revision.serving.knative.dev": true,
	"JobSet.jobset.x-k8s.io": true, "LeaderWorkerSet.leaderworkerset.x-k8s.io": true, "Rollout.argoproj.io": true,
	"Trial.kubeflow.org": true, "Pod.": true, // a Spark driver controls its executors
}
