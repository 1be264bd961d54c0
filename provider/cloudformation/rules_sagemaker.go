package cloudformation

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// sagemakerRules are SageMaker's. It writes names in lower case in its ARNs, and
// its replies repeat what was given; what it adds by itself is under unset ("Amazon
// SageMaker API Reference", each operation's defaults).
var sagemakerRules = []rule{
	{typ: "AWS::SageMaker::Endpoint", id: "@sagemaker:endpoint/{EndpointName|lower}", echoes: true, as: map[string]string{"DeploymentConfig": "LastDeploymentConfig",
		"ExcludeRetainedVariantProperties": "", "RetainAllVariantProperties": "", "RetainDeploymentConfig": ""}, unset: map[string]any{"FailureReason": none{}, "EndpointStatus": "InService"}, more: variants},
	{typ: "AWS::SageMaker::EndpointConfig", id: "@sagemaker:endpoint-config/{EndpointConfigName|lower}", echoes: true},
	{typ: "AWS::SageMaker::Model", id: "@sagemaker:model/{ModelName|lower}", echoes: true, unset: map[string]any{"EnableNetworkIsolation": false}},
	{typ: "AWS::SageMaker::InferenceComponent", id: "@sagemaker:inference-component/{InferenceComponentName|lower}", echoes: true, as: map[string]string{"RuntimeConfig.CopyCount": "DesiredCopyCount",
		"Specification.Container.Image": "DeployedImage.SpecifiedImage", "DeploymentConfig": "LastDeploymentConfig"}},
	{typ: "AWS::SageMaker::NotebookInstance", id: "@sagemaker:notebook-instance/{NotebookInstanceName|lower}", echoes: true,
		as:    map[string]string{"LifecycleConfigName": "NotebookInstanceLifecycleConfigName", "SecurityGroupIds": "SecurityGroups"},
		unset: map[string]any{"DirectInternetAccess": "Enabled", "RootAccess": "Enabled", "VolumeSizeInGB": jsonInt(5), "NotebookInstanceStatus": "InService", "FailureReason": none{}, "InstanceMetadataServiceConfiguration": unborn.Later{}, "PlatformIdentifier": unborn.Later{}}},
	{typ: "AWS::SageMaker::NotebookInstanceLifecycleConfig", id: "@sagemaker:notebook-instance-lifecycle-config/{NotebookInstanceLifecycleConfigName|lower}", echoes: true},
	{typ: "AWS::SageMaker::StudioLifecycleConfig", id: "@sagemaker:studio-lifecycle-config/{StudioLifecycleConfigName|lower}", echoes: true},
	{typ: "AWS::SageMaker::Domain", echoes: true, unset: map[string]any{"AppNetworkAccessType": "PublicInternetOnly", "HomeEfsFileSystemKmsKeyId": none{}, "Status": "InService", "FailureReason": none{}}},
	{typ: "AWS::SageMaker::UserProfile", id: "@sagemaker:user-profile/{DomainId}/{UserProfileName|lower}", echoes: true},
	{typ: "AWS::SageMaker::Space", id: "@sagemaker:space/{DomainId}/{SpaceName|lower}", echoes: true},
	{typ: "AWS::SageMaker::App", id: "@sagemaker:app/{DomainId}/{UserProfileName}/{AppType|lower}/{AppName|lower}", echoes: true},
	{typ: "AWS::SageMaker::FeatureGroup", id: "@sagemaker:feature-group/{FeatureGroupName|lower}", echoes: true},
	{typ: "AWS::SageMaker::ModelPackageGroup", id: "@sagemaker:model-package-group/{ModelPackageGroupName|lower}", echoes: true,
		as: map[string]string{"ModelPackageGroupPolicy": "GetModelPackageGroupPolicy.ResourcePolicy"}, newborn: map[string]map[string]any{"GetModelPackageGroupPolicy": nil}},
	{typ: "AWS::SageMaker::ModelPackage", echoes: true},
	{typ: "AWS::SageMaker::ModelCard", id: "@sagemaker:model-card/{ModelCardName|lower}", echoes: true},
	{typ: "AWS::SageMaker::Pipeline", id: "@sagemaker:pipeline/{PipelineName|lower}", echoes: true,
		as: map[string]string{"PipelineDefinition": "", "PipelineDescription": "PipelineDescription", "PipelineDisplayName": "PipelineDisplayName"}, more: pipeline},
	{typ: "AWS::SageMaker::Image", id: "@sagemaker:image/{ImageName|lower}", echoes: true, as: map[string]string{"ImageRoleArn": "RoleArn", "ImageDisplayName": "DisplayName", "ImageDescription": "Description"}},
	{typ: "AWS::SageMaker::CodeRepository", id: "@sagemaker:code-repository/{CodeRepositoryName|lower}", echoes: true},
	{typ: "AWS::SageMaker::Workteam", id: "@sagemaker:workteam/private-crowd/{WorkteamName|lower}", echoes: true},
	{typ: "AWS::SageMaker::DataQualityJobDefinition", id: "@sagemaker:data-quality-job-definition/{JobDefinitionName|lower}", echoes: true},
	{typ: "AWS::SageMaker::ModelBiasJobDefinition", id: "@sagemaker:model-bias-job-definition/{JobDefinitionName|lower}", echoes: true},
	{typ: "AWS::SageMaker::ModelExplainabilityJobDefinition", id: "@sagemaker:model-explainability-job-definition/{JobDefinitionName|lower}", echoes: true},
	{typ: "AWS::SageMaker::ModelQualityJobDefinition", id: "@sagemaker:model-quality-job-definition/{JobDefinitionName|lower}", echoes: true},
	{typ: "AWS::SageMaker::MonitoringSchedule", id: "@sagemaker:monitoring-schedule/{MonitoringScheduleName|lower}", echoes: true},
	{typ: "AWS::SageMaker::MlflowTrackingServer", id: "@sagemaker:mlflow-tracking-server/{TrackingServerName|lower}", echoes: true},
	{typ: "AWS::SageMaker::ProcessingJob", id: "@sagemaker:processing-job/{ProcessingJobName|lower}", echoes: true,
		unset: map[string]any{"ProcessingJobStatus": "InProgress", "FailureReason": none{}, "ExitMessage": none{}}},
	{typ: "AWS::SageMaker::Project", id: "@sagemaker:project/{ProjectName|lower}", echoes: true},
	{typ: "AWS::SageMaker::Hub", id: "@sagemaker:hub/{HubName|lower}", echoes: true},
	{typ: "AWS::SageMaker::Cluster", echoes: true, as: map[string]string{"InstanceGroups.InstanceCount": "TargetCount", "RestrictedInstanceGroups.InstanceCount": "TargetCount"}},
}

// variants says what an endpoint serves once it is there: the variants of its
// configuration, if that stands in the template, too.
func variants(c *conversion, d *draft, r *Resource) {
	o, ok := r.Properties["EndpointConfigName"].(*Open)
	var config *Resource
	if ok && len(o.Parts) == 1 {
		config = c.resources[o.Parts[0].Resource]
	} else if name := c.known(r, "EndpointConfigName"); name != "" {
		id := c.fill(r, "@sagemaker:endpoint-config/{|lower}", name)
		for i := range c.in.Resources {
			if other := &c.in.Resources[i]; other.Type == "AWS::SageMaker::EndpointConfig" && id != "" && c.identity(other.Address) == id {
				config = other
			}
		}
	}
	if config == nil || config.Type != "AWS::SageMaker::EndpointConfig" {
		return
	}
	for _, member := range [...]string{"ProductionVariants", "ShadowProductionVariants"} {
		list, ok := config.Properties[member].([]any)
		if !ok {
			continue
		}
		sh := d.live.Root.Named(member)
		if sh == nil {
			continue
		}
		out := []any{}
		for _, e := range list {
			m, _ := e.(map[string]any)
			one := map[string]any{"VariantName": c.nameIn(m["VariantName"])}
			for _, k := range [...]string{"DesiredInstanceCount", "CurrentInstanceCount"} {
				if n := c.port(m["InitialInstanceCount"]); n != nil {
					one[k] = n
				}
			}
			for _, k := range sh.Kids {
				if _, set := one[k.Name]; !set && k.Name != "DesiredInstanceCount" && k.Name != "CurrentInstanceCount" {
					one[k.Name] = unborn.Later{}
				}
			}
			out = append(out, one)
		}
		d.config[member] = out
	}
}

// pipeline spells a pipeline's definition, which the template holds as a text or
// keeps in S3.
func pipeline(c *conversion, d *draft, r *Resource) {
	v := any(unborn.Later{})
	if m, ok := r.Properties["PipelineDefinition"].(map[string]any); ok {
		switch body := m["PipelineDefinitionBody"].(type) {
		case string:
			v = body
		case *Open:
			if t := c.settled(body); t != "" {
				v = t
			}
		}
	}
	d.config["PipelineDefinition"] = v
}
