package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// sagemakerTypes are SageMaker's types for serving, building and keeping
// models; its jobs are in sagemaker_jobs.go.
var sagemakerTypes = map[string]spec{
	"AWS::SageMaker::Endpoint": {estate.KindEndpoint, []edge{
		{estate.Serves, "EndpointConfigName", sm("endpoint-config")},
		{estate.Writes, "DataCaptureConfig.DestinationS3Uri", s3},
		{estate.EncryptsBy, "DataCaptureConfig.KmsKeyId", key},
		{estate.Loads, "ProductionVariants[].DeployedImages[].SpecifiedImage", image},
		{estate.Contains, "ProductionVariants[]", variant},
		{estate.Contains, "ShadowProductionVariants[]", variant},
	}, func(r *reading) {
		if r.cfg.text("EndpointStatus") != "Deleting" {
			r.root(estate.ClassEndpoint, "", "a SageMaker endpoint answers requests with a model")
		}
	}},
	"AWS::SageMaker::EndpointConfig": {estate.KindEndpoint, slices.Concat(
		vpc("VpcConfig.Subnets[]", "VpcConfig.SecurityGroupIds[]"), []edge{
			{estate.Serves, "ProductionVariants[].ModelName", sm("model")},
			{estate.Serves, "ShadowProductionVariants[].ModelName", sm("model")},
			{estate.RunsAs, "ExecutionRoleArn", role},
			{estate.EncryptsBy, "KmsKeyId", key},
			{estate.Writes, "DataCaptureConfig.DestinationS3Uri", s3},
			{estate.EncryptsBy, "DataCaptureConfig.KmsKeyId", key},
			{estate.Writes, "AsyncInferenceConfig.OutputConfig.S3OutputPath", s3},
			{estate.Writes, "AsyncInferenceConfig.OutputConfig.S3FailurePath", s3},
			{estate.EncryptsBy, "AsyncInferenceConfig.OutputConfig.KmsKeyId", key},
			{estate.Triggers, "AsyncInferenceConfig.OutputConfig.NotificationConfig.SuccessTopic", byARN},
			{estate.Triggers, "AsyncInferenceConfig.OutputConfig.NotificationConfig.ErrorTopic", byARN},
			{estate.Writes, "ProductionVariants[].CoreDumpConfig.DestinationS3Uri", s3},
		}), nil},
	"AWS::SageMaker::Model": {estate.KindModel, slices.Concat(
		vpc("VpcConfig.Subnets[]", "VpcConfig.SecurityGroupIds[]"),
		[]edge{{estate.RunsAs, "ExecutionRoleArn", role}}, container("PrimaryContainer"), container("Containers[]")), nil},
	"AWS::SageMaker::InferenceComponent": {estate.KindModel, slices.Concat([]edge{
		{estate.Serves, "Specification.ModelName", sm("model")},
		{estate.MemberOf, "EndpointName", sm("endpoint")},
		{estate.Loads, "Specification.Container.Image", image},
		{estate.Loads, "Specification.Container.DeployedImage.SpecifiedImage", image},
		{estate.Loads, "Specification.Container.ArtifactUrl", artefact},
	}), func(r *reading) {
		if name := r.cfg.text("EndpointName"); name != "" {
			r.relate(r.sagemaker("endpoint", name), estate.Serves, r.a.ID, r.a.ID+" config.EndpointName")
		}
	}},
	"AWS::SageMaker::ModelPackage": {estate.KindModel, slices.Concat(
		container("InferenceSpecification.Containers[]"),
		container("AdditionalInferenceSpecifications[].Containers[]"), []edge{
			{estate.EncryptsBy, "SecurityConfig.KmsKeyId", key},
			{estate.Loads, "SourceUri", sourceURI},
			{estate.RunsAs, "ValidationSpecification.ValidationRole", role},
			{estate.Reads, "SamplePayloadUrl", s3},
			{estate.Uses, "ModelCard.ModelCardArn", ifARN},
			{estate.Loads, "SourceAlgorithmSpecification.SourceAlgorithms[].ModelDataUrl", artefact},
		}), func(r *reading) {
		if group := r.cfg.text("ModelPackageGroupName"); group != "" {
			r.relate(r.sagemaker("model-package-group", group), estate.Contains, r.a.ID, r.a.ID+" config.ModelPackageGroupName")
		}
	}},
	"AWS::SageMaker::ModelPackageGroup": {estate.KindModel, []edge{
		{"", "GetModelPackageGroupPolicy.ResourcePolicy", resourcePolicy},
	}, nil},
	"AWS::SageMaker::ModelCard": {estate.KindModel, []edge{
		{estate.EncryptsBy, "SecurityConfig.KmsKeyId", key},
	}, func(r *reading) {
		card := document(r.cfg.at("Content"))
		for n := range card.each("model_overview.model_id") {
			ifARN(n, estate.Governs)
		}
		for n := range card.each("model_overview.model_artifact[]") {
			sourceURI(n, estate.Uses)
		}
	}},
	"AWS::SageMaker::NotebookInstance": {estate.KindCompute, slices.Concat(
		vpc("SubnetId", "SecurityGroups[]"), []edge{
			{estate.RunsAs, "RoleArn", role},
			{estate.EncryptsBy, "KmsKeyId", key},
			{estate.Uses, "NotebookInstanceLifecycleConfigName", sm("notebook-instance-lifecycle-config")},
			{estate.Contains, "NetworkInterfaceId", ec2("network-interface")},
			{estate.Loads, "DefaultCodeRepository", repo},
			{estate.Loads, "AdditionalCodeRepositories[]", repo},
		}), func(r *reading) {
		r.root(estate.ClassNotebook, "", "a SageMaker notebook instance runs code people write against data and models")
	}},
	"AWS::SageMaker::NotebookInstanceLifecycleConfig": {estate.KindPipeline, nil, nil},
	"AWS::SageMaker::StudioLifecycleConfig":           {estate.KindPipeline, nil, nil},
	"AWS::SageMaker::CodeRepository": {estate.KindPackage, []edge{
		{estate.Reads, "GitConfig.SecretArn", byARN},
		{estate.Uses, "GitConfig.RepositoryUrl", host},
	}, nil},
	"AWS::SageMaker::Domain": {estate.KindCompute, slices.Concat(
		vpc("SubnetIds[]", "DefaultUserSettings.SecurityGroups[]"),
		userSettings("DefaultUserSettings"), userSettings("DefaultSpaceSettings"), []edge{
			{estate.MemberOf, "VpcId", ec2("vpc")},
			{estate.EncryptsBy, "KmsKeyId", key},
			{estate.EncryptsBy, "HomeEfsFileSystemKmsKeyId", key},
			{estate.Contains, "HomeEfsFileSystemId", regional("elasticfilesystem", "file-system/")},
			{estate.RunsAs, "DomainSettings.RStudioServerProDomainSettings.DomainExecutionRoleArn", role},
			{estate.Attached, "DomainSettings.SecurityGroupIds[]", ec2("security-group")},
			{estate.Attached, "SecurityGroupIdForDomainBoundary", ec2("security-group")},
		}), func(r *reading) {
		r.root(estate.ClassNotebook, r.domainFamily(), "a SageMaker domain is where people open notebooks")
	}},
	"AWS::SageMaker::UserProfile": {estate.KindIdentity, slices.Concat(
		userSettings("UserSettings"), []edge{{estate.MemberOf, "DomainId", domain}}), inDomain},
	"AWS::SageMaker::Space": {estate.KindCompute, slices.Concat(userSettings("SpaceSettings"), []edge{
		{estate.MemberOf, "DomainId", domain},
		{estate.Uses, "OwnershipSettings.OwnerUserProfileName", inSameDomain("user-profile")},
		{estate.Reads, "SpaceSettings.CustomFileSystems[].EFSFileSystem.FileSystemId", regional("elasticfilesystem", "file-system/")},
	}), func(r *reading) {
		inDomain(r)
		r.root(estate.ClassNotebook, r.domainFamily(), "a SageMaker Studio space runs notebooks")
	}},
	"AWS::SageMaker::App": {estate.KindCompute, []edge{
		{estate.MemberOf, "DomainId", domain},
		{estate.RunsAs, "UserProfileName", inSameDomain("user-profile")},
		{estate.MemberOf, "SpaceName", inSameDomain("space")},
		{estate.Loads, "ResourceSpec.SageMakerImageVersionArn", byARN},
		{estate.Loads, "ResourceSpec.SageMakerImageArn", byARN},
		{estate.Uses, "ResourceSpec.LifecycleConfigArn", byARN},
	}, func(r *reading) {
		inDomain(r)
		if s := r.cfg.text("Status"); s != "Deleted" && s != "Failed" {
			r.root(estate.ClassNotebook, r.domainFamily(), "a SageMaker Studio app runs in a person's session")
		}
	}},
	"AWS::SageMaker::Image": {estate.KindImage, []edge{{estate.RunsAs, "RoleArn", role}}, nil},
	"AWS::SageMaker::ImageVersion": {estate.KindImage, []edge{
		{estate.Loads, "BaseImage", image}, {estate.Loads, "ContainerImage", image}, {estate.MemberOf, "ImageArn", byARN},
	}, nil},
	"AWS::SageMaker::FeatureGroup": {estate.KindDataset, []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.Writes, "OfflineStoreConfig.S3StorageConfig.S3Uri", s3},
		{estate.Writes, "OfflineStoreConfig.S3StorageConfig.ResolvedOutputS3Uri", s3},
		{estate.EncryptsBy, "OfflineStoreConfig.S3StorageConfig.KmsKeyId", key},
		{estate.EncryptsBy, "OnlineStoreConfig.SecurityConfig.KmsKeyId", key},
		{estate.Contains, "OfflineStoreConfig.DataCatalogConfig", catalogTable},
	}, nil},
	"AWS::SageMaker::Cluster": {estate.KindCompute, slices.Concat(
		vpc("VpcConfig.Subnets[]", "VpcConfig.SecurityGroupIds[]"),
		vpc("InstanceGroups[].OverrideVpcConfig.Subnets[]", "InstanceGroups[].OverrideVpcConfig.SecurityGroupIds[]"), []edge{
			{estate.RunsAs, "InstanceGroups[].ExecutionRole", role},
			{estate.RunsAs, "ClusterRole", role},
			{estate.Loads, "InstanceGroups[].LifeCycleConfig.SourceS3Uri", s3},
			{estate.MemberOf, "Orchestrator.Eks.ClusterArn", byARN},
		}), func(r *reading) {
		r.root(estate.ClassTraining, "", "a SageMaker HyperPod cluster is made for training models")
	}},
	"AWS::SageMaker::MlflowTrackingServer": {estate.KindService, []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.Writes, "ArtifactStoreUri", s3},
	}, func(r *reading) {
		r.root(estate.ClassManagement, "", "an MLflow tracking server keeps the experiments and registers the models of others")
	}},
	"AWS::SageMaker::Hub": {estate.KindModel, []edge{{estate.Writes, "S3StorageConfig.S3OutputPath", s3}}, nil},
	"AWS::SageMaker::InferenceExperiment": {estate.KindEndpoint, []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.Uses, "EndpointMetadata.EndpointName", sm("endpoint")},
		{estate.Serves, "ModelVariants[].ModelName", sm("model")},
		{estate.Writes, "DataStorageConfig.Destination", s3},
		{estate.EncryptsBy, "KmsKey", key},
	}, nil},
	"AWS::SageMaker::Workteam": {estate.KindIdentity, []edge{
		{estate.LogsTo, "NotificationConfiguration.NotificationTopicArn", ifARN},
	}, nil},
}

// container are the edges of a container definition.
func container(at string) []edge {
	return []edge{
		{estate.Loads, at + ".Image", image},
		{estate.Loads, at + ".ModelDataUrl", artefact},
		{estate.Loads, at + ".ModelDataSource.S3DataSource.S3Uri", artefact},
		{estate.Loads, at + ".AdditionalModelDataSources[].S3DataSource.S3Uri", artefact},
		{estate.Loads, at + ".AdditionalS3DataSource.S3Uri", artefact},
		{estate.Serves, at + ".ModelPackageName", sm("model-package")},
		{estate.Loads, at + ".Environment.SAGEMAKER_SUBMIT_DIRECTORY", ifS3},
		{estate.Loads, at + ".ModelDataSource.S3DataSource.HubAccessConfig.HubContentArn", byARN},
	}
}

// ifS3 links to an S3 address and lets anything else be: a path in the image.
func ifS3(n node, rel estate.RelationType) {
	if strings.HasPrefix(n.words(), "s3://") {
		artefact(n, rel)
	}
}

// sourceURI links to what a model was registered from: a model or an artefact.
func sourceURI(n node, rel estate.RelationType) {
	if _, isARN := ParseARN(n.words()); isARN {
		byARN(n, rel)
		return
	}
	ifS3(n, rel)
}

// userSettings are the edges of the settings of a Studio user or space.
func userSettings(at string) []edge {
	return []edge{
		{estate.RunsAs, at + ".ExecutionRole", role},
		{estate.Attached, at + ".SecurityGroups[]", ec2("security-group")},
		{estate.Writes, at + ".SharingSettings.S3OutputPath", s3},
		{estate.EncryptsBy, at + ".SharingSettings.S3KmsKeyId", key},
		{estate.Uses, at + ".JupyterServerAppSettings.LifecycleConfigArns[]", byARN},
		{estate.Uses, at + ".KernelGatewayAppSettings.LifecycleConfigArns[]", byARN},
		{estate.Uses, at + ".JupyterLabAppSettings.LifecycleConfigArns[]", byARN},
		{estate.Uses, at + ".CodeEditorAppSettings.LifecycleConfigArns[]", byARN},
		{estate.Writes, at + ".CanvasAppSettings.WorkspaceSettings.S3ArtifactPath", s3},
		{estate.RunsAs, at + ".CanvasAppSettings.GenerativeAiSettings.AmazonBedrockRoleArn", role},
		{estate.RunsAs, at + ".CanvasAppSettings.TimeSeriesForecastingSettings.AmazonForecastRoleArn", role},
	}
}

// domain links to a Studio domain by id.
func domain(n node, rel estate.RelationType) {
	n.relation(rel, n.r.named("sagemaker", "domain/", n.str()))
}

// inSameDomain links to a user profile or space of the asset's own domain.
func inSameDomain(kind string) linker {
	return func(n node, rel estate.RelationType) {
		if id := n.r.cfg.text("DomainId"); id != "" && n.str() != "" {
			n.relation(rel, n.r.named("sagemaker", kind+"/"+id+"/", n.str()))
		}
	}
}

// inDomain says that a domain contains its profiles, spaces and apps.
func inDomain(r *reading) {
	if id := r.cfg.text("DomainId"); id != "" {
		r.relate(r.named("sagemaker", "domain/", id), estate.Contains, r.a.ID, r.a.ID+" config.DomainId")
	}
}

// domainFamily joins the spaces and apps of one domain.
func (r *reading) domainFamily() string {
	if id := r.cfg.text("DomainId"); id != "" {
		return "domain/" + id
	}
	return ""
}

// repo links to a notebook's repository: one registered with SageMaker by
// name, or a URL.
func repo(n node, rel estate.RelationType) {
	if s := n.str(); strings.Contains(s, "://") {
		host(n, rel)
	} else {
		n.relation(rel, n.r.sagemaker("code-repository", s))
	}
}

// variant makes a part of each production variant, which scaling acts on.
func variant(n node, _ estate.RelationType) {
	if name := n.text("VariantName"); name != "" {
		n.r.ownPart(estate.Asset{ID: n.r.a.ID + "#variant/" + name, Type: "AWS::SageMaker::Variant",
			Kind: estate.KindEndpoint, Name: name, Config: n.raw(),
			Reads: []estate.Read{{Operation: "sagemaker:DescribeEndpoint", Status: estate.ReadOK}}}, n.path)
	}
}

// catalogTable links to a Glue table by database and name.
func catalogTable(n node, rel estate.RelationType) {
	db, table := firstOf(n.text("Database"), n.text("DatabaseName")), firstOf(n.text("TableName"), n.text("Name"))
	if db != "" && table != "" {
		n.relation(rel, n.r.arn("glue", "table/"+db+"/"+table))
	}
}
