package aws

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// instances is a count of instances of a type, all known by one place.
func instances(at, count, typ string) estate.Amount {
	return estate.Amount{At: at, Units: count, Size: typ, Whole: at != "", Order: instanceSize}
}

// one is one instance of a type.
func one(at, typ string) estate.Amount { return estate.Amount{At: at, Size: typ, Order: instanceSize} }

// number is a count of something without a size.
func number(at, count string) estate.Amount { return estate.Amount{At: at, Units: count} }

// limit is an upper limit that need not be set.
func limit(at, count string) estate.Amount {
	return estate.Amount{At: at, Units: count, Absent: estate.NoLimit}
}

// fraction is a count that need not be whole.
func fraction(m estate.Amount) estate.Amount {
	m.Fraction = true
	return m
}

// sized gives an amount a size.
func sized(m estate.Amount, size string) estate.Amount {
	m.Size, m.Order = size, instanceSize
	return m
}

// serverless are the limits of a variant without instances of its own.
func serverless(at, config string) []estate.Amount {
	memory := func(m estate.Amount) estate.Amount {
		m.Size, m.SizeUnit, m.Order = "MemorySizeInMB", "MB", amountSize
		return m
	}
	return []estate.Amount{memory(number(at+"."+config, "MaxConcurrency")), memory(number(at+"."+config, "ProvisionedConcurrency"))}
}

// variantAmounts are those of the variants of an endpoint configuration.
func variantAmounts(at string) []estate.Amount {
	return slices.Concat([]estate.Amount{
		instances(at, "InitialInstanceCount", "InstanceType"),
		number(at, "ManagedInstanceScaling.MinInstanceCount"), number(at, "ManagedInstanceScaling.MaxInstanceCount"),
	}, serverless(at, "ServerlessConfig"))
}

// runningAmounts are those of the variants of an endpoint, which says what is
// asked for; what runs at the moment follows by itself.
func runningAmounts(at string) []estate.Amount {
	return slices.Concat([]estate.Amount{
		instances(at, "DesiredInstanceCount|CurrentInstanceCount", ""),
		number(at, "ManagedInstanceScaling.MinInstanceCount"), number(at, "ManagedInstanceScaling.MaxInstanceCount"),
	}, serverless(at, "DesiredServerlessConfig"))
}

// of is an amount that counts as one of another item's.
func of(item string, m estate.Amount) estate.Amount {
	m.Of = item
	return m
}

// trainingAmounts are those of a training job's or a tuning job's resources.
func trainingAmounts(at string) []estate.Amount {
	dot := ""
	if at != "" {
		dot = at + "."
	}
	return []estate.Amount{
		instances(dot+"ResourceConfig", "InstanceCount", "InstanceType"),
		instances(dot+"ResourceConfig.InstanceGroups[InstanceGroupName]", "InstanceCount", "InstanceType"),
	}
}

// tuningAmounts are those of one kind of job a tuning job starts.
func tuningAmounts(at string) []estate.Amount {
	return append(trainingAmounts(at), instances(at+".HyperParameterTuningResourceConfig", "InstanceCount", "InstanceType"))
}

// monitorAmounts are those of a monitoring job's definition.
var monitorAmounts = []estate.Amount{instances("JobResources.ClusterConfig", "InstanceCount", "InstanceType")}

// groupSizes are the limits and the wish of an Auto Scaling group. Its type may
// stand in a launch template, which is an asset of its own.
func groupSizes(at string, names ...string) []estate.Amount {
	var out []estate.Amount
	for _, n := range names {
		out = append(out, number(at, n))
	}
	return out
}

func withSize(size string, list []estate.Amount) []estate.Amount {
	for i := range list {
		list[i] = sized(list[i], size)
	}
	return list
}

// throughput is read and write capacity, unlimited where none is provisioned.
func throughput(at string) []estate.Amount {
	r, w := number(at, "ProvisionedThroughput.ReadCapacityUnits"), number(at, "ProvisionedThroughput.WriteCapacityUnits")
	r.ZeroIsNoLimit, w.ZeroIsNoLimit = true, true // a table paid by request
	return []estate.Amount{r, w, number(at, "OnDemandThroughput.MaxReadRequestUnits"), number(at, "OnDemandThroughput.MaxWriteRequestUnits")}
}

// amounts are what scaling changes, by type.
func amounts() map[string][]estate.Amount {
	memory := limit("", "GetFunctionConcurrency.ReservedConcurrentExecutions|GetFunction.Concurrency.ReservedConcurrentExecutions")
	memory.Size, memory.SizeUnit, memory.Order = "MemorySize", "MB", amountSize
	worker := func(m estate.Amount) estate.Amount {
		m.Size, m.Order = "WorkerType", workerSize
		return m
	}
	quantity := func(at, units string) estate.Amount {
		m := limit(at, units)
		m.Text, m.Fraction = true, true
		return m
	}
	tracking := estate.Amount{Size: "TrackingServerSize", Order: trackingSize}
	return map[string][]estate.Amount{
		"AWS::SageMaker::EndpointConfig":     slices.Concat(variantAmounts("ProductionVariants[VariantName]"), variantAmounts("ShadowProductionVariants[VariantName]")),
		"AWS::SageMaker::Endpoint":           slices.Concat(runningAmounts("ProductionVariants[VariantName]"), runningAmounts("ShadowProductionVariants[VariantName]")),
		"AWS::SageMaker::Variant":            runningAmounts("")[:3],
		"AWS::SageMaker::InferenceComponent": {number("", "RuntimeConfig.DesiredCopyCount|RuntimeConfig.CurrentCopyCount")},
		"AWS::SageMaker::TrainingJob":        trainingAmounts(""),
		"AWS::SageMaker::ProcessingJob":      {instances("ProcessingResources.ClusterConfig", "InstanceCount", "InstanceType")},
		"AWS::SageMaker::TransformJob":       {instances("TransformResources", "InstanceCount", "InstanceType"), of("TransformResources", number("", "MaxConcurrentTransforms"))},
		"AWS::SageMaker::HyperParameterTuningJob": slices.Concat(tuningAmounts("TrainingJobDefinition"), tuningAmounts("TrainingJobDefinitions[DefinitionName]"), []estate.Amount{
			number("", "HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs"), number("", "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs")}),
		"AWS::SageMaker::AutoMLJob":                        {number("", "AutoMLJobConfig.CompletionCriteria.MaxCandidates")},
		"AWS::SageMaker::NotebookInstance":                 {one("", "InstanceType")},
		"AWS::SageMaker::App":                              {one("", "ResourceSpec.InstanceType")},
		"AWS::SageMaker::Domain":                           studioSizes("DefaultUserSettings"),
		"AWS::SageMaker::UserProfile":                      studioSizes("UserSettings"),
		"AWS::SageMaker::Space":                            studioSizes("SpaceSettings"),
		"AWS::SageMaker::Cluster":                          {instances("InstanceGroups[InstanceGroupName]", "TargetCount|CurrentCount", "InstanceType"), instances("RestrictedInstanceGroups[InstanceGroupName]", "TargetCount|CurrentCount", "InstanceType")},
		"AWS::SageMaker::MlflowTrackingServer":             {tracking},
		"AWS::SageMaker::FeatureGroup":                     {number("", "ThroughputConfig.ProvisionedReadCapacityUnits"), number("", "ThroughputConfig.ProvisionedWriteCapacityUnits")},
		"AWS::SageMaker::DataQualityJobDefinition":         monitorAmounts,
		"AWS::SageMaker::ModelQualityJobDefinition":        monitorAmounts,
		"AWS::SageMaker::ModelBiasJobDefinition":           monitorAmounts,
		"AWS::SageMaker::ModelExplainabilityJobDefinition": monitorAmounts,
		"AWS::SageMaker::MonitoringSchedule":               {instances("MonitoringScheduleConfig.MonitoringJobDefinition.MonitoringResources.ClusterConfig", "InstanceCount", "InstanceType")},
		"AWS::Bedrock::ProvisionedModelThroughput":         {number("", "desiredModelUnits|modelUnits")},
		"AWS::Bedrock::MarketplaceModelEndpoint":           {instances("endpointConfig.sageMaker", "initialInstanceCount", "instanceType")},
		"AWS::Comprehend::Endpoint":                        {number("", "DesiredInferenceUnits|CurrentInferenceUnits")},
		"AWS::Kendra::Index":                               {number("", "CapacityUnits.QueryCapacityUnits"), number("", "CapacityUnits.StorageCapacityUnits")},

		"AWS::ApplicationAutoScaling::ScalableTarget": {number("", "MinCapacity"), number("", "MaxCapacity")},
		"AWS::AutoScaling::AutoScalingGroup": slices.Concat(
			withSize("MixedInstancesPolicy.LaunchTemplate.Overrides[].InstanceType", groupSizes("", "MinSize", "MaxSize", "DesiredCapacity")),
			[]estate.Amount{number("", "WarmPoolConfiguration.MaxGroupPreparedCapacity")}),
		"AWS::AutoScaling::LaunchConfiguration": {one("", "InstanceType")},
		"AWS::EC2::Instance":                    {one("", "InstanceType")},
		"AWS::EKS::Nodegroup": slices.Concat(withSize("/instanceTypes", groupSizes("", "scalingConfig.minSize", "scalingConfig.maxSize", "scalingConfig.desiredSize")),
			[]estate.Amount{number("", "warmPoolConfig.maxGroupPreparedCapacity")}),
		"AWS::ECS::Service":               {number("", "desiredCount")},
		"AWS::Batch::ComputeEnvironment":  withSize("computeResources.instanceTypes", groupSizes("", "computeResources.minvCpus", "computeResources.maxvCpus", "computeResources.desiredvCpus")),
		"AWS::Batch::JobDefinition":       {number("", "nodeProperties.numNodes")},
		"AWS::Glue::Job":                  {worker(number("", "NumberOfWorkers")), fraction(number("", "MaxCapacity")), number("", "ExecutionProperty.MaxConcurrentRuns")},
		"AWS::Glue::JobRun":               {worker(number("", "NumberOfWorkers")), fraction(number("", "MaxCapacity"))},
		"AWS::Glue::DevEndpoint":          {worker(number("", "NumberOfWorkers")), number("", "NumberOfNodes")},
		"AWS::Glue::MLTransform":          {worker(number("", "NumberOfWorkers")), fraction(number("", "MaxCapacity"))},
		"AWS::EMR::Cluster":               {instances("ListInstanceGroups.InstanceGroups[Id]", "RequestedInstanceCount|RunningInstanceCount", "InstanceType")},
		"AWS::EMRServerless::Application": {quantity("", "maximumCapacity.cpu"), quantity("", "maximumCapacity.memory"), quantity("", "maximumCapacity.disk"), number("initialCapacity{}", "workerCount")},
		"AWS::Lambda::Function":           {memory},
		"AWS::OpenSearchService::Domain": {
			instances("ClusterConfig", "InstanceCount", "InstanceType"),
			sized(number("", "ClusterConfig.DedicatedMasterCount"), "ClusterConfig.DedicatedMasterType"), sized(number("", "ClusterConfig.WarmCount"), "ClusterConfig.WarmType"),
		},
		"AWS::RDS::DBInstance": {one("", "DBInstanceClass"), number("", "AllocatedStorage")},
		"AWS::RDS::DBCluster": {
			fraction(number("", "ServerlessV2ScalingConfiguration.MinCapacity")), fraction(number("", "ServerlessV2ScalingConfiguration.MaxCapacity")),
			number("", "ScalingConfigurationInfo.MinCapacity"), number("", "ScalingConfigurationInfo.MaxCapacity"), one("", "DBClusterInstanceClass"), number("", "AllocatedStorage"),
		},
		"AWS::Redshift::Cluster":             {sized(number("", "NumberOfNodes"), "NodeType")},
		"AWS::RedshiftServerless::Workgroup": {number("", "baseCapacity"), limit("", "maxCapacity")},
		"AWS::ElastiCache::CacheCluster":     {sized(number("", "NumCacheNodes"), "CacheNodeType")},
		"AWS::ElastiCache::ReplicationGroup": {one("", "CacheNodeType")},
		"AWS::DynamoDB::Table":               slices.Concat(throughput(""), throughput("GlobalSecondaryIndexes[IndexName]")),
		"AWS::Kinesis::Stream":               {number("", "OpenShardCount")},
		"AWS::MSK::Cluster":                  {sized(number("", "Provisioned.NumberOfBrokerNodes"), "Provisioned.BrokerNodeGroupInfo.InstanceType")},
	}
}

// studioSizes are the instance types a Studio user's apps start with.
func studioSizes(at string) []estate.Amount {
	var out []estate.Amount
	for _, app := range []string{"JupyterServerAppSettings", "KernelGatewayAppSettings", "JupyterLabAppSettings", "CodeEditorAppSettings"} {
		out = append(out, of(at, one(at+"."+app+".DefaultResourceSpec", "InstanceType"))) // one of them each
	}
	return out
}

// withoutScale are the roots of AI workloads that have no amount, and why.
var withoutScale = map[string]string{
	"AWS::EC2::LaunchTemplate":              "a template starts nothing; a change of its instance type stays in the essence of what is made from it",
	"AWS::ECS::TaskDefinition":              "a definition starts nothing; the service says how many tasks run",
	"AWS::ECS::Task":                        "one task is one",
	"AWS::ECS::CapacityProvider":            "its Auto Scaling group holds the limits",
	"AWS::Batch::Job":                       "one job is one; the compute environment holds the limits",
	"AWS::SageMaker::CompilationJob":        "it runs once, on what the service provides",
	"AWS::SageMaker::LabelingJob":           "people do the work",
	"AWS::SageMaker::Pipeline":              "its steps are jobs, which have amounts of their own when they run",
	"AWS::SageMaker::PipelineExecution":     "its steps are jobs, which have amounts of their own",
	"AWS::Bedrock::Agent":                   "invoked on demand; quotas of the account are not configuration",
	"AWS::Bedrock::ImportedModel":           "invoked on demand",
	"AWS::Bedrock::CustomModelDeployment":   "invoked on demand",
	"AWS::Bedrock::KnowledgeBase":           "it has no capacity of its own",
	"AWS::Bedrock::Flow":                    "invoked on demand",
	"AWS::Bedrock::ModelCustomizationJob":   "it runs once, on what the service provides",
	"AWS::Bedrock::ModelImportJob":          "it runs once, on what the service provides",
	"AWS::Bedrock::ModelInvocationJob":      "it runs once, on what the service provides",
	"AWS::Bedrock::EvaluationJob":           "it runs once, on what the service provides",
	"AWS::BedrockAgentCore::Runtime":        "sessions start on demand",
	"AWS::BedrockAgentCore::Harness":        "sessions start on demand",
	"AWS::BedrockAgentCore::Gateway":        "called on demand",
	"AWS::QBusiness::Application":           "its index holds the units, and is not collected with them",
	"AWS::Comprehend::Flywheel":             "it trains on what the service provides",
	"AWS::Comprehend::DocumentClassifier":   "it trains on what the service provides; its endpoint has units",
	"AWS::Comprehend::EntityRecognizer":     "it trains on what the service provides; its endpoint has units",
	"AWS::StepFunctions::StateMachine":      "executions start on demand; what they start has amounts",
	"AWS::MWAA::Environment":                "its size is a class of the environment, and stays in the essence",
	"AWS::CodeBuild::Project":               "builds start on demand; the size of one stays in the essence",
	"AWS::CodePipeline::Pipeline":           "runs start on demand",
	"AWS::Glue::Workflow":                   "its jobs have amounts of their own",
	"AWS::IAM::Role":                        "an identity has no capacity",
	"AWS::IAM::User":                        "an identity has no capacity",
	"AWS::IAM::Group":                       "an identity has no capacity",
	"AWS::OpenSearchServerless::Collection": "its limits are a setting of the account that no describe call of the collection shows",
}

// scaleRules are the rules of all types that have amounts or change by
// themselves beyond what is true of every type.
var scaleRules = sync.OnceValue(func() map[string]scaleRule {
	out := map[string]scaleRule{}
	for typ, list := range amounts() {
		out[typ] = scaleRule{estate.ScaleRule{Amounts: list}}
	}
	for line := range strings.Lines(volatile) {
		typ, places, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			continue
		}
		r := out["AWS::"+typ]
		r.Volatile = append(r.Volatile, strings.Fields(places)...)
		out["AWS::"+typ] = r
	}
	return maps.Clone(out)
})
