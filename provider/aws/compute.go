package aws

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// computeTypes are Lambda, Batch and Auto Scaling.
var computeTypes = map[string]spec{
	"AWS::Lambda::Function": {estate.KindCompute, slices.Concat(
		vpc("VpcConfig.SubnetIds[]", "VpcConfig.SecurityGroupIds[]"), []edge{
			{estate.MemberOf, "VpcConfig.VpcId", ec2("vpc")},
			{estate.RunsAs, "Role", role},
			{estate.EncryptsBy, "KMSKeyArn", key},
			{estate.Loads, "Layers[].Arn", byARN},
			{estate.Loads, "GetFunction.Code.ImageUri", image},
			{estate.Reads, "FileSystemConfigs[].Arn", byARN},
			{estate.Writes, "DeadLetterConfig.TargetArn", byARN},
			{estate.LogsTo, "LoggingConfig.LogGroup", logGroup},
			{estate.Uses, "GetFunctionCodeSigningConfig.CodeSigningConfigArn", byARN},
			{"", "GetPolicy.Policy", resourcePolicy},
			{estate.Contains, "ListFunctionUrlConfigs.FunctionUrlConfigs[]", functionURL},
		}), lambdaRoot},
	"AWS::Lambda::Alias": {estate.KindEndpoint, []edge{{"", "GetPolicy.Policy", resourcePolicy}}, func(r *reading) {
		r.relate(r.functionID(r.cfg.text("AliasArn")), estate.Contains, r.a.ID, r.a.ID+" config.AliasArn")
	}},
	"AWS::Lambda::EventSourceMapping": {estate.KindEventSource, []edge{
		{estate.Triggers, "FunctionArn", function},
		{estate.Reads, "EventSourceArn", byARN},
		{estate.Writes, "DestinationConfig.OnFailure.Destination", ifARN},
		{estate.Reads, "SelfManagedEventSource.Endpoints.KAFKA_BOOTSTRAP_SERVERS[]", host},
		{estate.EncryptsBy, "KMSKeyArn", key},
	}, func(r *reading) {
		if from := r.cfg.text("EventSourceArn"); from != "" {
			r.relate(from, estate.Triggers, r.a.ID, r.a.ID+" config.EventSourceArn")
		}
	}},
	"AWS::Lambda::LayerVersion": {estate.KindPackage, []edge{{"", "GetLayerVersionPolicy.Policy", resourcePolicy}}, nil},
	"AWS::Batch::ComputeEnvironment": {estate.KindCompute, slices.Concat(
		vpc("computeResources.subnets[]", "computeResources.securityGroupIds[]"), []edge{
			{estate.RunsAs, "serviceRole", role},
			{estate.RunsAs, "computeResources.instanceRole", profile},
			{estate.MemberOf, "ecsClusterArn", byARN},
			{estate.MemberOf, "eksConfiguration.eksClusterArn", byARN},
			{estate.Uses, "computeResources.launchTemplate.launchTemplateId", ec2("launch-template")},
			{estate.Loads, "computeResources.imageId", ec2("image")},
			{estate.Loads, "computeResources.ec2Configuration[].imageIdOverride", ec2("image")},
		}), func(r *reading) {
		for n := range r.cfg.each("computeResources.instanceTypes[]") {
			if s, ok := accelerator(n.str()); ok {
				r.root(estate.ClassTraining, "", s.says(n.str())+" in "+n.path)
			}
		}
	}},
	"AWS::Batch::JobQueue": {estate.KindPipeline, []edge{
		{estate.Triggers, "computeEnvironmentOrder[].computeEnvironment", byARN},
		{estate.Uses, "schedulingPolicyArn", byARN},
	}, nil},
	"AWS::Batch::JobDefinition": {estate.KindCompute, slices.Concat(
		batchContainer("containerProperties"), batchContainer("nodeProperties.nodeRangeProperties[].container"),
		batchContainer("ecsProperties.taskProperties[].containers[]"), []edge{
			{estate.RunsAs, "ecsProperties.taskProperties[].taskRoleArn", role},
			{estate.RunsAs, "ecsProperties.taskProperties[].executionRoleArn", role},
			{estate.Loads, "eksProperties.podProperties.containers[].image", image},
		}), batchRoot},
	"AWS::Batch::Job": {estate.KindCompute, slices.Concat(batchContainer("container"), []edge{
		{estate.MemberOf, "jobQueue", byARN},
		{estate.Contains, "jobDefinition", byARN},
	}), nil},
	"AWS::AutoScaling::AutoScalingGroup": {estate.KindCompute, []edge{
		{estate.MemberOf, "VPCZoneIdentifier", subnetList},
		{estate.Uses, "LaunchTemplate.LaunchTemplateId", ec2("launch-template")},
		{estate.Uses, "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.LaunchTemplateId", ec2("launch-template")},
		{estate.Contains, "Instances[].InstanceId", ec2("instance")},
		{estate.Scales, "Instances[].InstanceId", ec2("instance")},
		{estate.RunsAs, "ServiceLinkedRoleARN", role},
	}, func(r *reading) {
		for n := range r.cfg.each("TargetGroupARNs[]") {
			r.relate(n.str(), estate.RoutesTo, r.a.ID, r.a.ID+" "+n.path)
		}
		groupRoot(r)
	}},
	"AWS::AutoScaling::LaunchConfiguration": {estate.KindCompute, []edge{
		{estate.RunsAs, "IamInstanceProfile", profile},
		{estate.Attached, "SecurityGroups[]", ec2("security-group")},
		{estate.Loads, "ImageId", ec2("image")},
	}, func(r *reading) {
		typ := r.cfg.text("InstanceType")
		if s, ok := accelerator(typ); ok {
			r.root(s.class, "", s.says(typ))
		}
	}},
	"AWS::ApplicationAutoScaling::ScalableTarget": {estate.KindPolicy, []edge{
		{estate.Scales, "ResourceId", scaled},
		{estate.RunsAs, "RoleARN", role},
	}, nil},
	"AWS::ApplicationAutoScaling::ScalingPolicy": {estate.KindPolicy, []edge{
		{estate.Scales, "ResourceId", scaled},
		{estate.Uses, "Alarms[].AlarmARN", byARN},
	}, nil},
}

// subnetList links to the subnets of a comma-separated list.
func subnetList(n node, rel estate.RelationType) {
	for s := range strings.SplitSeq(n.str(), ",") {
		if s = strings.TrimSpace(s); s != "" {
			n.relation(rel, n.r.named("ec2", "subnet/", s))
		}
	}
}

// functionURL makes a part of a function's own web address; one without IAM
// authorisation is open to everyone.
func functionURL(n node, _ estate.RelationType) {
	address := n.text("FunctionUrl")
	if address == "" {
		return
	}
	id := n.r.a.ID + "#url/" + firstOf(qualifier(n.text("FunctionArn")), "$LATEST")
	n.r.ownPart(estate.Asset{ID: id, Type: "AWS::Lambda::Url", Kind: estate.KindEndpoint, Name: address, Config: n.raw(),
		Reads: []estate.Read{{Operation: "lambda:ListFunctionUrlConfigs", Status: estate.ReadOK}}}, n.path)
	n.r.relate(id, estate.Triggers, n.r.a.ID, n.path)
}

// qualifier is the version or alias of a function's ARN.
func qualifier(arn string) string {
	a, _ := ParseARN(arn)
	if p := strings.Split(a.Resource, ":"); len(p) == 3 {
		return p[2]
	}
	return ""
}

// scaled links to what an Application Auto Scaling resource id means; the
// namespace says which service's spelling it is.
func scaled(n node, rel estate.RelationType) {
	r, id := n.r, n.str()
	p := strings.Split(id, "/")
	switch r.cfg.text("ServiceNamespace") {
	case "sagemaker": // endpoint/NAME/variant/NAME, inference-component/NAME
		if len(p) == 4 && p[2] == "variant" {
			endpoint := r.sagemaker("endpoint", p[1])
			n.relation(rel, endpoint+"#variant/"+p[3])
			n.relation(rel, endpoint)
		} else if len(p) == 2 {
			n.relation(rel, r.sagemaker(p[0], p[1]))
		}
	case "ecs":
		n.relation(rel, r.named("ecs", "", id))
	case "dynamodb":
		if len(p) >= 2 {
			n.relation(rel, r.arn("dynamodb", strings.Join(p[:2], "/")))
		}
	case "lambda": // function:NAME:ALIAS
		n.relation(rel, r.functionID(r.arn("lambda", id)))
	case "rds":
		n.relation(rel, r.arn("rds", id))
	case "elasticmapreduce": // instancegroup/CLUSTER/GROUP
		if len(p) == 3 {
			n.relation(rel, r.arn("elasticmapreduce", "cluster/"+p[1]))
		}
	case "ec2":
		n.relation(rel, r.arn("ec2", id))
	case "comprehend", "kafka", "cassandra", "elasticache", "neptune", "appstream", "custom-resource", "workspaces":
		ifARN(n, rel)
	}
}

// batchContainer are the edges of a container of a job definition.
func batchContainer(at string) []edge {
	return []edge{
		{estate.Loads, at + ".image", image},
		{estate.RunsAs, at + ".jobRoleArn", role},
		{estate.RunsAs, at + ".executionRoleArn", role},
		{estate.Reads, at + ".secrets[].valueFrom", secretRef},
		{estate.Reads, at + ".volumes[].efsVolumeConfiguration.fileSystemId", regional("elasticfilesystem", "file-system/")},
		{estate.LogsTo, at + ".logConfiguration.options.awslogs-group", logGroup},
	}
}

// batchRoot marks job definitions that ask for accelerators.
func batchRoot(r *reading) {
	if r.cfg.text("status") == "INACTIVE" {
		return
	}
	for _, at := range []string{"containerProperties", "nodeProperties.nodeRangeProperties[].container", "ecsProperties.taskProperties[].containers[]"} {
		for n := range r.cfg.each(at + ".resourceRequirements[]") {
			if n.text("type") == "GPU" {
				r.root(estate.ClassTraining, r.cfg.text("jobDefinitionName"), "a Batch job that asks for "+n.text("value")+" GPU in "+n.path)
			}
		}
		for n := range r.cfg.each(at + ".instanceType") {
			if s, ok := accelerator(n.str()); ok {
				r.root(estate.ClassTraining, r.cfg.text("jobDefinitionName"), s.says(n.str())+" in "+n.path)
			}
		}
		for n := range r.cfg.each(at + ".image") {
			if why := aiImage(n.str()); why != "" {
				r.root(estate.ClassTraining, r.cfg.text("jobDefinitionName"), why+" in "+n.path)
			}
		}
	}
	for n := range r.cfg.each("eksProperties.podProperties.containers[].resources.limits") {
		for name := range n.members() {
			if strings.HasSuffix(name, "/gpu") || strings.HasPrefix(name, "aws.amazon.com/neuron") {
				r.root(estate.ClassTraining, r.cfg.text("jobDefinitionName"), "a Batch pod that asks for "+name+" in "+n.path)
			}
		}
	}
}

// secretRef links to a secret or parameter a container takes its environment
// from: an ARN, with a secret's key and version behind it, or a parameter name.
func secretRef(n node, rel estate.RelationType) {
	a, ok := ParseARN(n.str())
	switch {
	case ok && a.Service == "secretsmanager":
		if p := strings.SplitN(a.Resource, ":", 3); len(p) > 2 {
			a.Resource = p[0] + ":" + p[1]
		}
		n.relation(rel, a.String())
	case ok:
		n.relation(rel, n.str())
	case n.str() != "":
		n.relation(rel, n.r.arn("ssm", "parameter/"+strings.TrimPrefix(n.str(), "/")))
	}
}

var (
	// modelWord matches the ids of Bedrock's models and inference profiles.
	modelWord = regexp.MustCompile(`^((us|us-gov|eu|apac|jp|au|ca|global)\.)?(anthropic|amazon|meta|mistral|cohere|ai21|stability|deepseek|openai|qwen|writer|luma|twelvelabs|google|nvidia|moonshot|minimax)\.[a-z0-9][a-z0-9.:-]+$`)
	// endpointVariable and bedrockVariable match the names of environment
	// variables that lead to a model, whatever their value.
	endpointVariable = regexp.MustCompile(`(?i)^(AWS_)?(SAGEMAKER|SM)_(RUNTIME_)?ENDPOINT(_NAME)?S?$`)
	bedrockVariable  = regexp.MustCompile(`(?i)^(AWS_)?BEDROCK_(AGENT|AGENT_ALIAS|KNOWLEDGE_BASE|KB|MODEL|GUARDRAIL|INFERENCE_PROFILE|REGION|RUNTIME|ENDPOINT)(_ID|_ARN|_NAME|_URL)?$`)
)

// invoked relates the asset to the models and endpoints its environment
// variables name and returns the evidence: the class of workload and why.
func invoked(r *reading, path string) (string, string) {
	class, why := "", ""
	for name, n := range r.cfg.at(path).members() {
		value := n.words()
		arn, isARN := ParseARN(value)
		switch {
		case modelWord.MatchString(value) || isARN && strings.HasPrefix(arn.Service, "bedrock"):
			n.relation(estate.Uses, r.modelID(value))
			class, why = estate.ClassAgent, "its environment variable "+name+" names a Bedrock resource"
		case isARN && arn.Service == "sagemaker" && strings.HasPrefix(arn.Resource, "endpoint/"):
			n.relation(estate.Uses, value)
			class, why = firstOf(class, estate.ClassEndpoint), firstOf(why, "its environment variable "+name+" names a SageMaker endpoint")
		case endpointVariable.MatchString(name):
			if value != "" && !strings.ContainsAny(value, " /:*") {
				n.relation(estate.Uses, r.sagemaker("endpoint", value))
			}
			class, why = firstOf(class, estate.ClassEndpoint), firstOf(why, "its environment variable "+name+" is for a SageMaker endpoint")
		case bedrockVariable.MatchString(name):
			class, why = estate.ClassAgent, firstOf(why, "its environment variable "+name+" is for Bedrock")
		}
	}
	return class, why
}

// lambdaRoot marks a function only if its environment names a model or
// endpoint: most functions beside AI workloads are not one.
func lambdaRoot(r *reading) {
	if class, why := invoked(r, "Environment.Variables"); class != "" {
		r.root(class, "", "a Lambda function that calls a model: "+why)
	}
}
