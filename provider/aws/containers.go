package aws

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// containerTypes are ECS, EKS and ECR. Node groups with accelerators are
// compute and no root: which workload uses them the pods say, and those are
// read from the cluster itself.
var containerTypes = map[string]spec{
	"AWS::ECS::Cluster": {estate.KindCompute, []edge{
		{estate.EncryptsBy, "configuration.executeCommandConfiguration.kmsKeyId", key},
		{estate.EncryptsBy, "configuration.managedStorageConfiguration.kmsKeyId", key},
		{estate.LogsTo, "configuration.executeCommandConfiguration.logConfiguration.cloudWatchLogGroupName", logGroup},
		{estate.LogsTo, "configuration.executeCommandConfiguration.logConfiguration.s3BucketName", bucket},
	}, nil},
	"AWS::ECS::Service": {estate.KindCompute, slices.Concat(
		vpc("networkConfiguration.awsvpcConfiguration.subnets[]", "networkConfiguration.awsvpcConfiguration.securityGroups[]"), []edge{
			{estate.MemberOf, "clusterArn", byARN},
			{estate.Contains, "taskDefinition", regional("ecs", "task-definition/")},
			{estate.RunsAs, "roleArn", role},
		}), func(r *reading) {
		for n := range r.cfg.each("loadBalancers[].targetGroupArn") {
			r.relate(n.str(), estate.RoutesTo, r.a.ID, r.a.ID+" "+n.path)
		}
		for _, k := range []string{"ai", "workload"} { // a service says itself what it is only by tags
			if v := strings.ToLower(r.tag(k)); v == "inference" || v == "llm" || v == "model-serving" {
				r.root(estate.ClassEndpoint, "", "its tag "+k+" says "+v)
			}
		}
	}},
	"AWS::ECS::TaskDefinition": {estate.KindCompute, []edge{
		{estate.RunsAs, "taskRoleArn", role},
		{estate.RunsAs, "executionRoleArn", role},
		{estate.Loads, "containerDefinitions[].image", image},
		{estate.Reads, "containerDefinitions[].secrets[].valueFrom", secretRef},
		{estate.Reads, "containerDefinitions[].logConfiguration.secretOptions[].valueFrom", secretRef},
		{estate.LogsTo, "containerDefinitions[].logConfiguration.options.awslogs-group", logGroup},
		{estate.Reads, "containerDefinitions[].environmentFiles[].value", s3},
		{estate.Reads, "volumes[].efsVolumeConfiguration.fileSystemId", regional("elasticfilesystem", "file-system/")},
	}, taskRoot},
	"AWS::ECS::Task": {estate.KindCompute, []edge{
		{estate.MemberOf, "clusterArn", byARN},
		{estate.Contains, "taskDefinitionArn", byARN},
		{estate.RunsAs, "overrides.taskRoleArn", role},
	}, nil},
	"AWS::ECS::CapacityProvider": {estate.KindCompute, []edge{
		{estate.Scales, "autoScalingGroupProvider.autoScalingGroupArn", byARN},
	}, nil},
	"AWS::EKS::Cluster": {estate.KindCompute, slices.Concat(
		vpc("resourcesVpcConfig.subnetIds[]", "resourcesVpcConfig.securityGroupIds[]"), []edge{
			{estate.MemberOf, "resourcesVpcConfig.vpcId", ec2("vpc")},
			{estate.Attached, "resourcesVpcConfig.clusterSecurityGroupId", ec2("security-group")},
			{estate.RunsAs, "roleArn", role},
			{estate.EncryptsBy, "encryptionConfig[].provider.keyArn", key},
		}), nil},
	"AWS::EKS::Nodegroup": {estate.KindCompute, slices.Concat(
		vpc("subnets[]", "remoteAccess.sourceSecurityGroups[]"), []edge{
			{estate.RunsAs, "nodeRole", role},
			{estate.Uses, "launchTemplate.id", ec2("launch-template")},
			{estate.Scales, "resources.autoScalingGroups[].name", ifARN},
		}), inCluster},
	"AWS::EKS::FargateProfile": {estate.KindCompute, []edge{
		{estate.RunsAs, "podExecutionRoleArn", role},
		{estate.MemberOf, "subnets[]", ec2("subnet")},
	}, inCluster},
	"AWS::EKS::Addon": {estate.KindPackage, []edge{{estate.RunsAs, "serviceAccountRoleArn", role}}, inCluster},
	"AWS::EKS::PodIdentityAssociation": {estate.KindIdentity, []edge{
		{estate.RunsAs, "roleArn", role},
		{estate.RunsAs, "targetRoleArn", role},
	}, func(r *reading) {
		inCluster(r)
		cluster, ns, sa := r.cfg.text("clusterName"), r.cfg.text("namespace"), r.cfg.text("serviceAccount")
		if cluster != "" && ns != "" && sa != "" {
			r.relate("k8s://"+cluster+"/"+ns+"/ServiceAccount/"+sa, estate.RunsAs, r.cfg.text("roleArn"), r.a.ID+" config.roleArn")
		}
	}},
	"AWS::EKS::AccessEntry": {estate.KindPolicy, []edge{
		{estate.Grants, "principalArn", byARN},
	}, func(r *reading) {
		inCluster(r)
		if cluster := r.cfg.text("clusterName"); cluster != "" {
			r.relate(r.a.ID, estate.Governs, r.named("eks", "cluster/", cluster), "config.clusterName")
		}
	}},
	"AWS::EKS::IdentityProviderConfig": {estate.KindIdentity, nil, inCluster},
	"AWS::ECR::Repository": {estate.KindStore, []edge{
		{"", "GetRepositoryPolicy.policyText", resourcePolicy},
		{estate.EncryptsBy, "encryptionConfiguration.kmsKey", key},
	}, nil},
	"AWS::ECR::RegistryPolicy": {estate.KindPolicy, []edge{{"", "policyText", resourcePolicy}}, nil},
	"AWS::ECR::Image": {estate.KindImage, nil, func(r *reading) {
		if repo := r.cfg.text("repositoryName"); repo != "" {
			owner := firstOf(r.cfg.text("registryId"), r.account())
			r.relate(ARN{r.partition(), "ecr", r.region(), owner, "repository/" + repo}.String(), estate.Contains, r.a.ID, r.a.ID+" config.repositoryName")
		}
	}},
}

// inCluster says that an EKS cluster contains what bears its name.
func inCluster(r *reading) {
	if cluster := r.cfg.text("clusterName"); cluster != "" {
		r.relate(r.named("eks", "cluster/", cluster), estate.Contains, r.a.ID, r.a.ID+" config.clusterName")
	}
}

// aiImages are the last parts of the names of images made to train or serve
// models; the words are what inventory --why says of them.
var aiImages = []struct{ pattern, what string }{
	{`(^|/)vllm-openai$|(^|/)vllm(-[a-z]+)?$`, "the vLLM model server"},
	{`(^|/)text-(generation|embeddings)-inference$`, "Hugging Face's inference server"},
	{`(^|/)tritonserver$`, "the Triton inference server"},
	{`(^|/)ollama$`, "the Ollama model server"},
	{`(^|/)torchserve$`, "the TorchServe model server"},
	{`(^|/)(tensorflow-)?serving$|(^|/)tensorflow/serving$`, "TensorFlow Serving"},
	{`(^|/)sglang$`, "the SGLang model server"},
	{`(^|/)(djl-inference|djl-serving)$`, "the DJL model server"},
	{`(^|/)(pytorch|tensorflow|huggingface-pytorch|mxnet|autogluon)-(training|inference|tgi-inference)(-[a-z0-9]+)*$`, "an AWS Deep Learning Container"},
	{`(^|/)litellm(-[a-z]+)?$`, "the LiteLLM gateway"},
	{`(^|/)mlflow$`, "the MLflow server"},
	{`(^|/)(jupyterhub|jupyter|[a-z]+-notebook)$`, "a Jupyter server"},
}

var aiImagePatterns = func() []*regexp.Regexp {
	out := make([]*regexp.Regexp, len(aiImages))
	for i, p := range aiImages {
		out[i] = regexp.MustCompile(p.pattern)
	}
	return out
}()

// aiImage says what an image is if its name is one of those models are trained
// or served with, "" if not.
func aiImage(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	for i, p := range aiImagePatterns {
		if p.MatchString(strings.ToLower(name)) {
			return "the image " + ref + " is " + aiImages[i].what
		}
	}
	return ""
}

// taskRoot marks a task definition that asks for accelerators or runs an image
// made for models. The service that runs it is joined to it by contains.
func taskRoot(r *reading) {
	if r.cfg.text("status") == "INACTIVE" {
		return
	}
	family := r.cfg.text("family")
	for n := range r.cfg.each("containerDefinitions[].resourceRequirements[]") {
		if typ := n.text("type"); typ == "GPU" || typ == "InferenceAccelerator" {
			r.root(estate.ClassEndpoint, family, "a container that asks for "+typ+" in "+n.path)
		}
	}
	for n := range r.cfg.each("containerDefinitions[].linuxParameters.devices[].hostPath") {
		if strings.HasPrefix(n.words(), "/dev/neuron") {
			r.root(estate.ClassEndpoint, family, "a container with a Neuron device in "+n.path)
		}
	}
	for n := range r.cfg.each("containerDefinitions[].image") {
		if why := aiImage(n.str()); why != "" {
			r.root(estate.ClassEndpoint, family, why)
		}
	}
}
