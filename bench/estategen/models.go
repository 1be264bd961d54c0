package main

import "fmt"

// network is where a job, model or notebook stands.
func (a *account) network() obj {
	return obj{"SecurityGroupIds": some(a.generator, a.groups, 2), "Subnets": some(a.generator, a.subnets, 3)}
}

// family is the stem that the runs of one job share.
func (a *account) family(i int) string {
	return fmt.Sprintf("%s-train-%s", teams[i/40%len(teams)], []string{"ranker", "embed", "score", "detect"}[i/400%4])
}

func (a *account) trainingJob(i int) {
	name := fmt.Sprintf("%s-2026-%02d-%02d-%02d-%02d-%02d-%03d", a.family(i), 1+a.r.IntN(10), 1+a.r.IntN(28), a.r.IntN(24), a.r.IntN(60), a.r.IntN(60), a.r.IntN(1000))
	arn := a.arn("sagemaker", "training-job/"+name)
	bad := a.bad()
	bucket := pick(a.generator, a.buckets)
	c := obj{
		"TrainingJobName": name, "TrainingJobArn": arn, "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", "RoleArn": pick(a.generator, a.roles),
		"ModelArtifacts":         obj{"S3ModelArtifacts": "s3://" + bucket + "/" + name + "/model.tar.gz"},
		"HyperParameters":        obj{"epochs": fmt.Sprint(1 + a.r.IntN(50)), "lr": fmt.Sprintf("%.5f", a.r.Float64()/100), "batch": fmt.Sprint(8 << a.r.IntN(6)), "seed": fmt.Sprint(a.r.IntN(1 << 30))},
		"AlgorithmSpecification": obj{"TrainingImage": pick(a.generator, a.images) + ":" + a.hex(8), "TrainingInputMode": "File", "EnableSageMakerMetricsTimeSeries": true},
		"InputDataConfig": []obj{
			{"ChannelName": "train", "DataSource": obj{"S3DataSource": obj{"S3DataType": "S3Prefix", "S3Uri": "s3://" + pick(a.generator, a.buckets) + "/train/", "S3DataDistributionType": "FullyReplicated"}}},
			{"ChannelName": "validation", "DataSource": obj{"S3DataSource": obj{"S3DataType": "S3Prefix", "S3Uri": "s3://" + pick(a.generator, a.buckets) + "/val/", "S3DataDistributionType": "FullyReplicated"}}},
		},
		"OutputDataConfig": obj{"KmsKeyId": pick(a.generator, a.keys), "S3OutputPath": "s3://" + bucket + "/" + name},
		"ResourceConfig":   obj{"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1 + a.r.IntN(8), "VolumeSizeInGB": 500, "VolumeKmsKeyId": pick(a.generator, a.keys)},
		"VpcConfig":        a.network(), "StoppingCondition": obj{"MaxRuntimeInSeconds": 86400}, "CreationTime": a.date(), "TrainingStartTime": a.date(), "TrainingEndTime": a.date(),
		"EnableNetworkIsolation": true, "EnableInterContainerTrafficEncryption": true, "EnableManagedSpotTraining": false, "BillableTimeInSeconds": a.r.IntN(86400),
		"FinalMetricDataList": []obj{{"MetricName": "auc", "Value": a.r.Float64(), "Timestamp": a.date()}, {"MetricName": "loss", "Value": a.r.Float64(), "Timestamp": a.date()}},
		"ListTags":            obj{"Tags": a.tags(name)},
	}
	if i%40 == 0 {
		c["TrainingJobStatus"], c["SecondaryStatus"] = "InProgress", "Training"
	}
	if bad {
		c["EnableNetworkIsolation"], c["TrainingJobStatus"] = false, "InProgress"
		delete(c, "VpcConfig")
	}
	a.send(a.asset("AWS::SageMaker::TrainingJob", arn, name, region), "sagemaker:DescribeTrainingJob", c)
}

func (a *account) model(int) {
	name := a.name("model")
	arn := a.arn("sagemaker", "model/"+name)
	a.models = append(a.models, name)
	a.send(a.asset("AWS::SageMaker::Model", arn, name, region), "sagemaker:DescribeModel", obj{
		"ModelName": name, "ModelArn": arn, "ExecutionRoleArn": pick(a.generator, a.roles), "CreationTime": a.date(), "EnableNetworkIsolation": !a.bad(), "VpcConfig": a.network(),
		"PrimaryContainer": obj{"Image": pick(a.generator, a.images) + "@sha256:" + a.hex(32) + a.hex(32), "Mode": "SingleModel", "ModelDataUrl": "s3://" + pick(a.generator, a.buckets) + "/" + name + "/model.tar.gz",
			"Environment": obj{"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_REGION": region, "MODEL_VERSION": a.hex(8)}},
		"DeploymentRecommendation": obj{"RecommendationStatus": "COMPLETED"}, "ListTags": obj{"Tags": a.tags(name)},
	})
}

func (a *account) endpointConfig(int) {
	name := a.name("config")
	arn := a.arn("sagemaker", "endpoint-config/"+name)
	a.configs = append(a.configs, name)
	c := obj{
		"EndpointConfigName": name, "EndpointConfigArn": arn, "CreationTime": a.date(), "KmsKeyId": pick(a.generator, a.keys), "EnableNetworkIsolation": true,
		"ProductionVariants": []obj{{"VariantName": "main", "ModelName": pick(a.generator, a.models), "InitialInstanceCount": 1 + a.r.IntN(4), "InstanceType": "ml.m5.2xlarge", "InitialVariantWeight": 1.0}},
		"DataCaptureConfig": obj{"EnableCapture": true, "InitialSamplingPercentage": 20, "DestinationS3Uri": "s3://" + pick(a.generator, a.buckets) + "/capture", "KmsKeyId": pick(a.generator, a.keys),
			"CaptureOptions": []obj{{"CaptureMode": "Input"}, {"CaptureMode": "Output"}}},
		"ListTags": obj{"Tags": a.tags(name)},
	}
	if a.bad() {
		delete(c, "KmsKeyId")
	}
	a.send(a.asset("AWS::SageMaker::EndpointConfig", arn, name, region), "sagemaker:DescribeEndpointConfig", c)
}

func (a *account) endpoint(int) {
	name := a.name("endpoint")
	arn := a.arn("sagemaker", "endpoint/"+name)
	a.send(a.asset("AWS::SageMaker::Endpoint", arn, name, region), "sagemaker:DescribeEndpoint", obj{
		"EndpointName": name, "EndpointArn": arn, "EndpointConfigName": pick(a.generator, a.configs), "EndpointStatus": "InService", "CreationTime": a.date(), "LastModifiedTime": a.date(),
		"ProductionVariants": []obj{{"VariantName": "main", "CurrentWeight": 1.0, "DesiredWeight": 1.0, "CurrentInstanceCount": 2, "DesiredInstanceCount": 2,
			"DeployedImages": []obj{{"SpecifiedImage": pick(a.generator, a.images) + ":1", "ResolvedImage": pick(a.generator, a.images) + "@sha256:" + a.hex(32) + a.hex(32), "ResolutionTime": a.date()}}}},
		"ListTags": obj{"Tags": a.tags(name)},
	})
}

func (a *account) notebook(int) {
	name := a.name("notebook")
	arn := a.arn("sagemaker", "notebook-instance/"+name)
	direct, root := "Disabled", "Disabled"
	if a.bad() {
		direct, root = "Enabled", "Enabled"
	}
	a.send(a.asset("AWS::SageMaker::NotebookInstance", arn, name, region), "sagemaker:DescribeNotebookInstance", obj{
		"NotebookInstanceName": name, "NotebookInstanceArn": arn, "NotebookInstanceStatus": "InService", "Url": name + ".notebook." + region + ".sagemaker.aws", "InstanceType": "ml.t3.xlarge",
		"SubnetId": pick(a.generator, a.subnets), "SecurityGroups": some(a.generator, a.groups, 2), "RoleArn": pick(a.generator, a.roles), "KmsKeyId": pick(a.generator, a.keys),
		"NetworkInterfaceId": "eni-" + a.hex(17), "CreationTime": a.date(), "LastModifiedTime": a.date(), "DirectInternetAccess": direct, "RootAccess": root, "VolumeSizeInGB": 50,
		"PlatformIdentifier": "notebook-al2-v3", "InstanceMetadataServiceConfiguration": obj{"MinimumInstanceMetadataServiceVersion": "2"}, "ListTags": obj{"Tags": a.tags(name)},
	})
}
