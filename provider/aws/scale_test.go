package aws

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// read is an asset whose describe call and the replies named were read.
func scaleAsset(typ string, keys ...string) *estate.Asset {
	a := &estate.Asset{ID: "arn:aws:x", Type: typ, Cloud: estate.AWS, Reads: []estate.Read{{Operation: "x:Describe", Status: estate.ReadOK}}}
	for _, k := range keys {
		a.Reads = append(a.Reads, estate.Read{Operation: "x:" + k, Key: k, Status: estate.ReadOK})
	}
	return a
}

// said prints capacities, one a string.
func said(list []estate.Capacity) []string {
	var out []string
	for _, c := range list {
		s := fmt.Sprintf("%s %g", c.Path, c.Units)
		if c.Units == estate.NoLimit {
			s = c.Path + " no limit"
		}
		if c.Size != "" {
			s += fmt.Sprintf(" × %s (%s %g)", c.Size, c.Family, c.Power)
		}
		if c.Unknown {
			s = c.Path + " unknown"
		}
		out = append(out, s)
	}
	return out
}

// TestScale reads one configuration of each type with amounts, as the command
// line prints it, cut to what matters. What is left is the essence.
func TestScale(t *testing.T) {
	covered := map[string]bool{}
	for _, tt := range []struct {
		typ, config string
		want        []string
		essence     string
		keys        string
	}{
		{"AWS::SageMaker::EndpointConfig", `{"EndpointConfigName":"c","ProductionVariants":[{"VariantName":"AllTraffic","ModelName":"m","InitialInstanceCount":2,"InstanceType":"ml.g5.xlarge","ManagedInstanceScaling":{"Status":"ENABLED","MinInstanceCount":1,"MaxInstanceCount":4}},{"VariantName":"less","ModelName":"n","ServerlessConfig":{"MemorySizeInMB":2048,"MaxConcurrency":20,"ProvisionedConcurrency":5}}],"ShadowProductionVariants":[{"VariantName":"s","ModelName":"m2","InitialInstanceCount":1,"InstanceType":"ml.p4d.24xlarge"}],"KmsKeyId":"k","CreationTime":"2026-01-01T00:00:00Z"}`,
			[]string{"ProductionVariants[AllTraffic] 2 × ml.g5.xlarge (ml.g5 8)", "ProductionVariants[AllTraffic].ManagedInstanceScaling.MaxInstanceCount 4", "ProductionVariants[AllTraffic].ManagedInstanceScaling.MinInstanceCount 1",
				"ProductionVariants[less].ServerlessConfig.MaxConcurrency 20 × 2048 MB (MB 2048)", "ProductionVariants[less].ServerlessConfig.ProvisionedConcurrency 5 × 2048 MB (MB 2048)", "ShadowProductionVariants[s] 1 × ml.p4d.24xlarge (ml.p4d 192)"},
			`{"EndpointConfigName":"c","KmsKeyId":"k","ProductionVariants":[{"ManagedInstanceScaling":{"Status":"ENABLED"},"ModelName":"m","VariantName":"AllTraffic"},{"ModelName":"n","ServerlessConfig":{},"VariantName":"less"}],"ShadowProductionVariants":[{"ModelName":"m2","VariantName":"s"}]}`, ""},
		{"AWS::SageMaker::Endpoint", `{"EndpointName":"e","EndpointConfigName":"c","EndpointStatus":"Updating","ProductionVariants":[{"VariantName":"v","CurrentWeight":1.0,"DesiredWeight":1.0,"CurrentInstanceCount":1,"DesiredInstanceCount":3,"DeployedImages":[{"SpecifiedImage":"i:1","ResolvedImage":"i@sha256:1","ResolutionTime":1.0}]}],"LastModifiedTime":1.0,"ListTags":{"Tags":[]}}`,
			[]string{"ProductionVariants[v] 3"}, `{"EndpointConfigName":"c","EndpointName":"e","ListTags":{"Tags":[]},"ProductionVariants":[{"DeployedImages":[{"ResolvedImage":"i@sha256:1","SpecifiedImage":"i:1"}],"DesiredWeight":1.0,"VariantName":"v"}]}`, "ListTags"},
		{"AWS::SageMaker::Variant", `{"VariantName":"v","CurrentInstanceCount":2}`, []string{"DesiredInstanceCount 2"}, `{"VariantName":"v"}`, ""},
		{"AWS::SageMaker::InferenceComponent", `{"EndpointName":"e","RuntimeConfig":{"DesiredCopyCount":4,"CurrentCopyCount":1},"InferenceComponentStatus":"InService"}`, []string{"RuntimeConfig.DesiredCopyCount 4"}, `{"EndpointName":"e","RuntimeConfig":{}}`, ""},
		{"AWS::SageMaker::TrainingJob", `{"RoleArn":"r","ResourceConfig":{"InstanceType":"ml.p4d.24xlarge","InstanceCount":8,"VolumeSizeInGB":100},"TrainingJobStatus":"Completed","TrainingTimeInSeconds":3}`, []string{"ResourceConfig 8 × ml.p4d.24xlarge (ml.p4d 192)"}, `{"ResourceConfig":{"VolumeSizeInGB":100},"RoleArn":"r"}`, ""},
		{"AWS::SageMaker::TrainingJob", `{"ResourceConfig":{"InstanceGroups":[{"InstanceGroupName":"a","InstanceType":"ml.c5.large","InstanceCount":2}]}}`, []string{"ResourceConfig.InstanceGroups[a] 2 × ml.c5.large (ml.c5 4)"}, `{"ResourceConfig":{"InstanceGroups":[{"InstanceGroupName":"a"}]}}`, ""},
		{"AWS::SageMaker::ProcessingJob", `{"ProcessingResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large"}}}`, []string{"ProcessingResources.ClusterConfig 1 × ml.m5.large (ml.m5 4)"}, `{"ProcessingResources":{"ClusterConfig":{}}}`, ""},
		{"AWS::SageMaker::TransformJob", `{"TransformResources":{"InstanceCount":1,"InstanceType":"ml.m5.large"},"MaxConcurrentTransforms":4}`, []string{"MaxConcurrentTransforms 4", "TransformResources 1 × ml.m5.large (ml.m5 4)"}, `{"TransformResources":{}}`, ""},
		{"AWS::SageMaker::HyperParameterTuningJob", `{"HyperParameterTuningJobConfig":{"ResourceLimits":{"MaxParallelTrainingJobs":10,"MaxNumberOfTrainingJobs":100},"Strategy":"Bayesian"},"TrainingJobDefinition":{"ResourceConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large"}}}`,
			[]string{"HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs 100", "HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs 10", "TrainingJobDefinition.ResourceConfig 1 × ml.m5.large (ml.m5 4)"}, `{"HyperParameterTuningJobConfig":{"ResourceLimits":{},"Strategy":"Bayesian"},"TrainingJobDefinition":{"ResourceConfig":{}}}`, ""},
		{"AWS::SageMaker::AutoMLJob", `{"AutoMLJobConfig":{"CompletionCriteria":{"MaxCandidates":9}}}`, []string{"AutoMLJobConfig.CompletionCriteria.MaxCandidates 9"}, `{"AutoMLJobConfig":{"CompletionCriteria":{}}}`, ""},
		{"AWS::SageMaker::NotebookInstance", `{"InstanceType":"ml.t3.medium","DirectInternetAccess":"Enabled","NotebookInstanceStatus":"InService"}`, []string{"InstanceType 1 × ml.t3.medium (ml.t3 2)"}, `{"DirectInternetAccess":"Enabled"}`, ""},
		{"AWS::SageMaker::App", `{"AppName":"a","ResourceSpec":{"InstanceType":"system"},"Status":"InService"}`, []string{"ResourceSpec.InstanceType 1 × system (system 0)"}, `{"AppName":"a","ResourceSpec":{}}`, ""},
		{"AWS::SageMaker::Domain", `{"DefaultUserSettings":{"ExecutionRole":"r","JupyterLabAppSettings":{"DefaultResourceSpec":{"InstanceType":"ml.g5.2xlarge"}}}}`, []string{"DefaultUserSettings.JupyterLabAppSettings.DefaultResourceSpec.InstanceType 1 × ml.g5.2xlarge (ml.g5 16)"}, `{"DefaultUserSettings":{"ExecutionRole":"r","JupyterLabAppSettings":{"DefaultResourceSpec":{}}}}`, ""},
		{"AWS::SageMaker::UserProfile", `{"UserSettings":{"ExecutionRole":"r"}}`, nil, `{"UserSettings":{"ExecutionRole":"r"}}`, ""},
		{"AWS::SageMaker::Space", `{"SpaceSettings":{"CodeEditorAppSettings":{"DefaultResourceSpec":{"InstanceType":"ml.m5.large"}}}}`, []string{"SpaceSettings.CodeEditorAppSettings.DefaultResourceSpec.InstanceType 1 × ml.m5.large (ml.m5 4)"}, `{"SpaceSettings":{"CodeEditorAppSettings":{"DefaultResourceSpec":{}}}}`, ""},
		{"AWS::SageMaker::Cluster", `{"InstanceGroups":[{"InstanceGroupName":"w","InstanceType":"ml.p5.48xlarge","CurrentCount":2,"TargetCount":16,"ExecutionRole":"r"}],"ClusterStatus":"InService"}`, []string{"InstanceGroups[w] 16 × ml.p5.48xlarge (ml.p5 384)"}, `{"InstanceGroups":[{"ExecutionRole":"r","InstanceGroupName":"w"}]}`, ""},
		{"AWS::SageMaker::MlflowTrackingServer", `{"TrackingServerSize":"Medium","RoleArn":"r"}`, []string{"TrackingServerSize 1 × Medium (tracking server 2)"}, `{"RoleArn":"r"}`, ""},
		{"AWS::SageMaker::FeatureGroup", `{"ThroughputConfig":{"ThroughputMode":"Provisioned","ProvisionedReadCapacityUnits":5,"ProvisionedWriteCapacityUnits":6}}`, []string{"ThroughputConfig.ProvisionedReadCapacityUnits 5", "ThroughputConfig.ProvisionedWriteCapacityUnits 6"}, `{"ThroughputConfig":{"ThroughputMode":"Provisioned"}}`, ""},
		{"AWS::SageMaker::DataQualityJobDefinition", `{"JobResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large"}}}`, []string{"JobResources.ClusterConfig 1 × ml.m5.large (ml.m5 4)"}, `{"JobResources":{"ClusterConfig":{}}}`, ""},
		{"AWS::SageMaker::MonitoringSchedule", `{"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"MonitoringResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large"}}}}}`, []string{"MonitoringScheduleConfig.MonitoringJobDefinition.MonitoringResources.ClusterConfig 1 × ml.m5.large (ml.m5 4)"}, `{"MonitoringScheduleConfig":{"MonitoringJobDefinition":{"MonitoringResources":{"ClusterConfig":{}}}}}`, ""},
		{"AWS::Bedrock::ProvisionedModelThroughput", `{"modelUnits":1,"desiredModelUnits":3,"modelArn":"m","status":"Updating"}`, []string{"desiredModelUnits 3"}, `{"modelArn":"m"}`, ""},
		{"AWS::Bedrock::MarketplaceModelEndpoint", `{"endpointConfig":{"sageMaker":{"initialInstanceCount":1,"instanceType":"ml.g5.12xlarge","executionRole":"r"}}}`, []string{"endpointConfig.sageMaker 1 × ml.g5.12xlarge (ml.g5 96)"}, `{"endpointConfig":{"sageMaker":{"executionRole":"r"}}}`, ""},
		{"AWS::Comprehend::Endpoint", `{"DesiredInferenceUnits":2,"CurrentInferenceUnits":1}`, []string{"DesiredInferenceUnits 2"}, `{}`, ""},
		{"AWS::Kendra::Index", `{"CapacityUnits":{"QueryCapacityUnits":1,"StorageCapacityUnits":0},"Edition":"ENTERPRISE_EDITION"}`, []string{"CapacityUnits.QueryCapacityUnits 1", "CapacityUnits.StorageCapacityUnits 0"}, `{"CapacityUnits":{},"Edition":"ENTERPRISE_EDITION"}`, ""},
		{"AWS::ApplicationAutoScaling::ScalableTarget", `{"ServiceNamespace":"sagemaker","ResourceId":"endpoint/e/variant/v","MinCapacity":1,"MaxCapacity":12,"RoleARN":"r"}`, []string{"MaxCapacity 12", "MinCapacity 1"}, `{"ResourceId":"endpoint/e/variant/v","RoleARN":"r","ServiceNamespace":"sagemaker"}`, ""},
		{"AWS::AutoScaling::AutoScalingGroup", `{"MinSize":0,"MaxSize":8,"DesiredCapacity":2,"MixedInstancesPolicy":{"LaunchTemplate":{"Overrides":[{"InstanceType":"g5.xlarge"},{"InstanceType":"g5.4xlarge"}]}},"Instances":[{"InstanceId":"i-1"}]}`,
			[]string{"DesiredCapacity 2 × g5.4xlarge, g5.xlarge (g5 32)", "MaxSize 8 × g5.4xlarge, g5.xlarge (g5 32)", "MinSize 0 × g5.4xlarge, g5.xlarge (g5 32)"}, `{"MixedInstancesPolicy":{"LaunchTemplate":{"Overrides":[{},{}]}}}`, ""},
		{"AWS::AutoScaling::LaunchConfiguration", `{"InstanceType":"g4dn.metal","ImageId":"ami-1"}`, []string{"InstanceType 1 × g4dn.metal (g4dn 8000)"}, `{"ImageId":"ami-1"}`, ""},
		{"AWS::EC2::Instance", `{"InstanceType":"p5.48xlarge","ImageId":"ami-1","State":{"Name":"running"},"NetworkInterfaces":[{"Status":"in-use","SubnetId":"s"}]}`, []string{"InstanceType 1 × p5.48xlarge (p5 384)"}, `{"ImageId":"ami-1","NetworkInterfaces":[{"SubnetId":"s"}]}`, ""},
		{"AWS::EKS::Nodegroup", `{"scalingConfig":{"minSize":1,"maxSize":10,"desiredSize":3},"instanceTypes":["g5.xlarge"],"nodeRole":"r","status":"ACTIVE","modifiedAt":1.0}`,
			[]string{"scalingConfig.desiredSize 3 × g5.xlarge (g5 8)", "scalingConfig.maxSize 10 × g5.xlarge (g5 8)", "scalingConfig.minSize 1 × g5.xlarge (g5 8)"}, `{"nodeRole":"r","scalingConfig":{}}`, ""},
		{"AWS::ECS::Service", `{"desiredCount":2,"runningCount":1,"taskDefinition":"t","deployments":[{"id":"d"}]}`, []string{"desiredCount 2"}, `{"taskDefinition":"t"}`, ""},
		{"AWS::Batch::ComputeEnvironment", `{"computeResources":{"minvCpus":0,"maxvCpus":256,"desiredvCpus":4,"instanceTypes":["p4d"],"subnets":["s"]},"status":"VALID"}`,
			[]string{"computeResources.desiredvCpus 4 × p4d (p4d 0)", "computeResources.maxvCpus 256 × p4d (p4d 0)", "computeResources.minvCpus 0 × p4d (p4d 0)"}, `{"computeResources":{"subnets":["s"]}}`, ""},
		{"AWS::Batch::JobDefinition", `{"nodeProperties":{"numNodes":4,"mainNode":0}}`, []string{"nodeProperties.numNodes 4"}, `{"nodeProperties":{"mainNode":0}}`, ""},
		{"AWS::Glue::Job", `{"Role":"r","NumberOfWorkers":10,"WorkerType":"G.2X","MaxCapacity":20.0,"AllocatedCapacity":20,"ExecutionProperty":{"MaxConcurrentRuns":1}}`, []string{"ExecutionProperty.MaxConcurrentRuns 1", "MaxCapacity 20", "NumberOfWorkers 10 × G.2X (G 2)"}, `{"ExecutionProperty":{},"Role":"r"}`, ""},
		{"AWS::Glue::Job", `{"MaxCapacity":0.0625}`, []string{"MaxCapacity 0.0625"}, `{}`, ""},
		{"AWS::Glue::JobRun", `{"NumberOfWorkers":2,"WorkerType":"G.025X"}`, []string{"NumberOfWorkers 2 × G.025X (G 0.25)"}, `{}`, ""},
		{"AWS::Glue::DevEndpoint", `{"NumberOfNodes":5}`, []string{"NumberOfNodes 5"}, `{}`, ""},
		{"AWS::Glue::MLTransform", `{"NumberOfWorkers":2,"WorkerType":"Standard"}`, []string{"NumberOfWorkers 2 × Standard (Standard 0)"}, `{}`, ""},
		{"AWS::EMR::Cluster", `{"Name":"c","ListInstanceGroups":{"InstanceGroups":[{"Id":"ig-1","InstanceGroupType":"CORE","InstanceType":"m5.xlarge","RequestedInstanceCount":4,"RunningInstanceCount":3,"Status":{}}]}}`, []string{"ListInstanceGroups.InstanceGroups[ig-1] 4 × m5.xlarge (m5 8)"}, `{"ListInstanceGroups":{"InstanceGroups":[{"Id":"ig-1","InstanceGroupType":"CORE"}]},"Name":"c"}`, "ListInstanceGroups"},
		{"AWS::EMRServerless::Application", `{"initialCapacity":{"Driver":{"workerCount":2}},"maximumCapacity":{"cpu":"400 vCPU","memory":"3000 GB"}}`, []string{"initialCapacity.Driver.workerCount 2", "maximumCapacity.cpu 400", "maximumCapacity.disk no limit", "maximumCapacity.memory 3000"}, `{"initialCapacity":{"Driver":{}},"maximumCapacity":{}}`, ""},
		{"AWS::Lambda::Function", `{"MemorySize":512,"Role":"r","CodeSha256":"x","RevisionId":"1","GetFunctionConcurrency":{"ReservedConcurrentExecutions":10},"GetPolicy":{"Policy":"{}","RevisionId":"2"}}`, []string{"GetFunctionConcurrency.ReservedConcurrentExecutions 10 × 512 MB (MB 512)"}, `{"CodeSha256":"x","GetFunctionConcurrency":{},"GetPolicy":{"Policy":"{}"},"Role":"r"}`, "GetFunctionConcurrency GetPolicy"},
		{"AWS::OpenSearchService::Domain", `{"ClusterConfig":{"InstanceCount":3,"InstanceType":"r6g.large.search","DedicatedMasterEnabled":true,"DedicatedMasterCount":3,"DedicatedMasterType":"m6g.large.search"},"EncryptionAtRestOptions":{"Enabled":true}}`,
			[]string{"ClusterConfig 3 × r6g.large.search (r6g.search 4)", "ClusterConfig.DedicatedMasterCount 3 × m6g.large.search (m6g.search 4)"}, `{"ClusterConfig":{"DedicatedMasterEnabled":true},"EncryptionAtRestOptions":{"Enabled":true}}`, ""},
		{"AWS::RDS::DBInstance", `{"DBInstanceClass":"db.r6g.large","AllocatedStorage":100,"PubliclyAccessible":false,"DBInstanceStatus":"available"}`, []string{"AllocatedStorage 100", "DBInstanceClass 1 × db.r6g.large (db.r6g 4)"}, `{"PubliclyAccessible":false}`, ""},
		{"AWS::RDS::DBCluster", `{"ServerlessV2ScalingConfiguration":{"MinCapacity":0.5,"MaxCapacity":16.0},"StorageEncrypted":true,"AllocatedStorage":1}`, []string{"AllocatedStorage 1", "DBClusterInstanceClass 1", "ServerlessV2ScalingConfiguration.MaxCapacity 16", "ServerlessV2ScalingConfiguration.MinCapacity 0.5"}, `{"ServerlessV2ScalingConfiguration":{},"StorageEncrypted":true}`, ""},
		{"AWS::Redshift::Cluster", `{"NodeType":"ra3.xlplus","NumberOfNodes":2,"Encrypted":true}`, []string{"NumberOfNodes 2 × ra3.xlplus (ra3 12)"}, `{"Encrypted":true}`, ""},
		{"AWS::RedshiftServerless::Workgroup", `{"baseCapacity":32}`, []string{"baseCapacity 32", "maxCapacity no limit"}, `{}`, ""},
		{"AWS::ElastiCache::CacheCluster", `{"NumCacheNodes":2,"CacheNodeType":"cache.r6g.large"}`, []string{"NumCacheNodes 2 × cache.r6g.large (cache.r6g 4)"}, `{}`, ""},
		{"AWS::ElastiCache::ReplicationGroup", `{"CacheNodeType":"cache.t3.micro"}`, []string{"CacheNodeType 1 × cache.t3.micro (cache.t3 0.5)"}, `{}`, ""},
		{"AWS::DynamoDB::Table", `{"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},"ProvisionedThroughput":{"ReadCapacityUnits":0,"WriteCapacityUnits":0},"ItemCount":5,"GlobalSecondaryIndexes":[{"IndexName":"i","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":6}}]}`,
			[]string{"GlobalSecondaryIndexes[i].ProvisionedThroughput.ReadCapacityUnits 5", "GlobalSecondaryIndexes[i].ProvisionedThroughput.WriteCapacityUnits 6", "ProvisionedThroughput.ReadCapacityUnits no limit", "ProvisionedThroughput.WriteCapacityUnits no limit"}, `{"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"},"GlobalSecondaryIndexes":[{"IndexName":"i","ProvisionedThroughput":{}}],"ProvisionedThroughput":{}}`, ""},
		{"AWS::Kinesis::Stream", `{"OpenShardCount":4,"EncryptionType":"KMS"}`, []string{"OpenShardCount 4"}, `{"EncryptionType":"KMS"}`, ""},
		{"AWS::MSK::Cluster", `{"Provisioned":{"NumberOfBrokerNodes":3,"BrokerNodeGroupInfo":{"InstanceType":"kafka.m5.large"}}}`, []string{"Provisioned.NumberOfBrokerNodes 3 × kafka.m5.large (kafka.m5 4)"}, `{"Provisioned":{"BrokerNodeGroupInfo":{}}}`, ""},
	} {
		covered[tt.typ] = true
		got, err := Scale(scaleAsset(tt.typ, strings.Fields(tt.keys)...), json.RawMessage(tt.config))
		if err != nil {
			t.Errorf("%s: %v", tt.typ, err)
			continue
		}
		if diff := cmp.Diff(tt.want, said(got.Capacities)); diff != "" {
			t.Errorf("%s capacities (-want +got):\n%s", tt.typ, diff)
		}
		if diff := cmp.Diff(tt.essence, string(got.Essence)); diff != "" {
			t.Errorf("%s essence (-want +got):\n%s", tt.typ, diff)
		}
	}
	for _, alike := range []string{"ModelQualityJobDefinition", "ModelBiasJobDefinition", "ModelExplainabilityJobDefinition"} {
		covered["AWS::SageMaker::"+alike] = true // one list with DataQualityJobDefinition
	}
	for typ, r := range ScaleRules() {
		if len(r.Amounts) > 0 && !covered[typ] {
			t.Errorf("no case for %s", typ)
		}
	}
}

// TestScaleGuardsWhatControlsAskAbout: none of these may leave the essence.
func TestScaleGuardsWhatControlsAskAbout(t *testing.T) {
	for _, tt := range []struct{ typ, a, b string }{
		{"AWS::S3::Bucket", `{"GetBucketVersioning":{"Status":"Enabled"}}`, `{"GetBucketVersioning":{"Status":"Suspended"}}`},
		{"AWS::CloudTrail::Trail", `{"GetTrailStatus":{"IsLogging":true}}`, `{"GetTrailStatus":{"IsLogging":false}}`},
		{"AWS::GuardDuty::Detector", `{"Status":"ENABLED"}`, `{"Status":"DISABLED"}`},
		{"AWS::SageMaker::ModelPackage", `{"ModelApprovalStatus":"Approved"}`, `{"ModelApprovalStatus":"Rejected"}`},
		{"AWS::SageMaker::Endpoint", `{"EndpointConfigName":"a"}`, `{"EndpointConfigName":"b"}`},
		{"AWS::SageMaker::Endpoint", `{"ProductionVariants":[{"DeployedImages":[{"ResolvedImage":"a"}]}]}`, `{"ProductionVariants":[{"DeployedImages":[{"ResolvedImage":"b"}]}]}`},
		{"AWS::Lambda::Function", `{"Environment":{"Variables":{"LastModified":"a","createdAt":"x"}}}`, `{"Environment":{"Variables":{"LastModified":"b","createdAt":"x"}}}`},
		{"AWS::Lambda::Function", `{"Environment":{"Variables":{"createdAt":"x"}}}`, `{"Environment":{"Variables":{"createdAt":"y"}}}`},
		{"AWS::Bedrock::Agent", `{"tags":{"updatedAt":"a"}}`, `{"tags":{"updatedAt":"b"}}`},
		{"AWS::IAM::AccessKey", `{"Status":"Active"}`, `{"Status":"Inactive"}`},
		{"AWS::IAM::AccessKey", `{"CreateDate":"2024-01-01"}`, `{"CreateDate":"2025-01-01"}`},
		{"AWS::KMS::Key", `{"KeyState":"Enabled"}`, `{"KeyState":"PendingDeletion"}`},
	} {
		a, erra := Scale(scaleAsset(tt.typ), json.RawMessage(tt.a))
		b, errb := Scale(scaleAsset(tt.typ), json.RawMessage(tt.b))
		if erra != nil || errb != nil || string(a.Essence) == string(b.Essence) {
			t.Errorf("%s: %s and %s are one essence (%v, %v)", tt.typ, tt.a, tt.b, erra, errb)
		}
	}
}

func TestInstanceSize(t *testing.T) {
	ladder := []string{"ml.g5.nano", "ml.g5.micro", "ml.g5.small", "ml.g5.medium", "ml.g5.large", "ml.g5.xlarge", "ml.g5.xlplus", "ml.g5.2xlarge", "ml.g5.4xlarge", "ml.g5.16xlarge", "ml.g5.metal-24xl", "ml.g5.48xlarge", "ml.g5.112xlarge", "ml.g5.metal"}
	last := 0.0
	for _, typ := range ladder {
		family, power := instanceSize(typ)
		if family != "ml.g5" || power <= last {
			t.Errorf("%s: %s %g, after %g", typ, family, power, last)
		}
		last = power
	}
	for typ, want := range map[string]string{"g5.xlarge": "g5", "u7i-12tb.224xlarge": "u7i-12tb", "db.r6g.2xlarge.tpc1.mem2x": "db.r6g.tpc1.mem2x", "r6g.large.search": "r6g.search", "mac2-m2.metal": "mac2-m2"} {
		if family, power := instanceSize(typ); family != want || power == 0 {
			t.Errorf("%s: %q %g", typ, family, power)
		}
	}
	for _, typ := range []string{"", "optimal", "p4d", "large", "ml.g5.huge", "ml.g5.9999xlarge", "db.serverless", "system", "ml.g5.-2xlarge"} {
		if family, power := instanceSize(typ); power != 0 {
			t.Errorf("%q: %q %g", typ, family, power)
		}
	}
	for _, typ := range []string{"G.0X", "G.X", "1X", "Standard", "G.1", "G.-1X"} {
		if _, power := workerSize(typ); power > 0 {
			t.Errorf("%q: %g", typ, power)
		}
	}
}

// TestRootsHaveAmountsOrAReason: a root of an AI workload, or what an autoscaler
// grows, that is forgotten here could grow unseen.
func TestRootsHaveAmountsOrAReason(t *testing.T) {
	roots := map[string]bool{}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range ar.Files {
			var a estate.Asset
			if !strings.HasSuffix(f.Name, ".json") || json.Unmarshal(f.Data, &a) != nil {
				continue
			}
			if Understand(&a).Root != nil {
				roots[a.Type] = true
			}
		}
	}
	if len(roots) < 30 {
		t.Fatalf("only %d root types: the test looked in the wrong place", len(roots))
	}
	grown := []string{"AWS::SageMaker::Endpoint", "AWS::SageMaker::Variant", "AWS::SageMaker::InferenceComponent", "AWS::ECS::Service", "AWS::DynamoDB::Table",
		"AWS::Lambda::Function", "AWS::RDS::DBCluster", "AWS::EMR::Cluster", "AWS::EC2::Instance", "AWS::Comprehend::Endpoint", "AWS::MSK::Cluster", "AWS::ElastiCache::ReplicationGroup", "AWS::AutoScaling::AutoScalingGroup"}
	for _, typ := range grown {
		roots[typ] = true
	}
	rules := ScaleRules()
	for typ := range roots {
		_, reasoned := withoutScale[typ]
		if has := len(rules[typ].Amounts) > 0; has == reasoned {
			t.Errorf("%s: amounts %v, a reason for none %v: want one of them", typ, has, reasoned)
		}
	}
	for typ, why := range withoutScale {
		if KindOf(typ) == estate.KindUnknown || why == "" || len(rules[typ].Amounts) > 0 {
			t.Errorf("%s is no type, or has amounts, or no reason: %q", typ, why)
		}
	}
	for typ := range rules {
		if KindOf(typ) == estate.KindUnknown {
			t.Errorf("%s is no type", typ)
		}
	}
	if !slices.IsSorted(Types()) {
		t.Error("Types is not sorted")
	}
}
