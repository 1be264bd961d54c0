package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// jobTypes are SageMaker's jobs and what starts them.
var jobTypes = map[string]spec{
	"AWS::SageMaker::TrainingJob": {estate.KindCompute, trainingEdges, func(r *reading) {
		r.root(estate.ClassTraining, r.jobFamily(), "a SageMaker training job")
	}},
	"AWS::SageMaker::ProcessingJob": {estate.KindCompute, processingEdges, func(r *reading) {
		r.root(estate.ClassTraining, r.jobFamily(), "a SageMaker processing job prepares or judges data of a model")
	}},
	"AWS::SageMaker::TransformJob": {estate.KindCompute, transformEdges, func(r *reading) {
		r.root(estate.ClassTraining, r.jobFamily(), "a SageMaker batch transform job runs a model over stored data")
	}},
	"AWS::SageMaker::HyperParameterTuningJob": {estate.KindCompute, slices.Concat(
		under("TrainingJobDefinition", trainingEdges), under("TrainingJobDefinitions[]", trainingEdges), []edge{
			{estate.Contains, "BestTrainingJob.TrainingJobArn", byARN},
			{estate.Contains, "OverallBestTrainingJob.TrainingJobArn", byARN},
			{estate.Uses, "WarmStartConfig.ParentHyperParameterTuningJobs[].HyperParameterTuningJobName", sm("hyper-parameter-tuning-job")},
		}), func(r *reading) {
		r.root(estate.ClassTraining, r.jobFamily(), "a SageMaker tuning job starts training jobs")
	}},
	"AWS::SageMaker::AutoMLJob": {estate.KindCompute, slices.Concat(
		vpc("SecurityConfig.VpcConfig.Subnets[]", "SecurityConfig.VpcConfig.SecurityGroupIds[]"),
		vpc("AutoMLJobConfig.SecurityConfig.VpcConfig.Subnets[]", "AutoMLJobConfig.SecurityConfig.VpcConfig.SecurityGroupIds[]"), []edge{
			{estate.RunsAs, "RoleArn", role},
			{estate.Reads, "AutoMLJobInputDataConfig[].DataSource.S3DataSource.S3Uri", s3},
			{estate.Reads, "InputDataConfig[].DataSource.S3DataSource.S3Uri", s3},
			{estate.Writes, "OutputDataConfig.S3OutputPath", s3},
			{estate.EncryptsBy, "OutputDataConfig.KmsKeyId", key},
			{estate.EncryptsBy, "SecurityConfig.VolumeKmsKeyId", key},
			{estate.Trains, "BestCandidate.InferenceContainers[].ModelDataUrl", artefact},
			{estate.Loads, "BestCandidate.InferenceContainers[].Image", image},
			{estate.Serves, "ModelDeployResult.EndpointName", sm("endpoint")},
		}), func(r *reading) {
		r.root(estate.ClassTraining, r.jobFamily(), "a SageMaker AutoML job trains models")
	}},
	"AWS::SageMaker::CompilationJob": {estate.KindCompute, slices.Concat(
		vpc("VpcConfig.Subnets[]", "VpcConfig.SecurityGroupIds[]"), []edge{
			{estate.RunsAs, "RoleArn", role},
			{estate.Loads, "InputConfig.S3Uri", artefact},
			{estate.Reads, "ModelPackageVersionArn", byARN},
			{estate.Writes, "OutputConfig.S3OutputLocation", s3},
			{estate.EncryptsBy, "OutputConfig.KmsKeyId", key},
			{estate.Trains, "ModelArtifacts.S3ModelArtifacts", artefact},
		}), func(r *reading) {
		r.root(estate.ClassTraining, r.jobFamily(), "a SageMaker compilation job makes a model from a model")
	}},
	"AWS::SageMaker::LabelingJob": {estate.KindCompute, []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.Reads, "InputConfig.DataSource.S3DataSource.ManifestS3Uri", s3},
		{estate.Writes, "OutputConfig.S3OutputPath", s3},
		{estate.EncryptsBy, "OutputConfig.KmsKeyId", key},
		{estate.Triggers, "HumanTaskConfig.PreHumanTaskLambdaArn", function},
		{estate.Uses, "HumanTaskConfig.WorkteamArn", byARN},
	}, func(r *reading) {
		r.root(estate.ClassPipeline, r.jobFamily(), "a SageMaker labelling job makes training data")
	}},
	"AWS::SageMaker::Pipeline": {estate.KindPipeline, []edge{
		{estate.RunsAs, "RoleArn", role},
	}, func(r *reading) {
		r.root(estate.ClassPipeline, "", "a SageMaker pipeline starts processing and training jobs")
		pipelineSteps(r)
	}},
	"AWS::SageMaker::PipelineExecution": {estate.KindPipeline, []edge{
		{estate.MemberOf, "PipelineArn", byARN},
	}, func(r *reading) {
		r.relate(r.cfg.text("PipelineArn"), estate.Contains, r.a.ID, r.a.ID+" config.PipelineArn")
	}},
	"AWS::SageMaker::MonitoringSchedule": {estate.KindPipeline, slices.Concat(
		under("MonitoringScheduleConfig.MonitoringJobDefinition", monitoringEdges), []edge{
			{estate.Uses, "EndpointName", sm("endpoint")},
			{estate.Triggers, "MonitoringScheduleConfig.MonitoringJobDefinitionName", monitoringDefinition},
			{estate.Contains, "LastMonitoringExecutionSummary.ProcessingJobArn", byARN},
		}), nil},
	"AWS::SageMaker::DataQualityJobDefinition":         monitoring("DataQuality"),
	"AWS::SageMaker::ModelQualityJobDefinition":        monitoring("ModelQuality"),
	"AWS::SageMaker::ModelBiasJobDefinition":           monitoring("ModelBias"),
	"AWS::SageMaker::ModelExplainabilityJobDefinition": monitoring("ModelExplainability"),
	"AWS::SageMaker::Algorithm": {estate.KindModel, []edge{
		{estate.Loads, "TrainingSpecification.TrainingImage", image},
		{estate.Loads, "InferenceSpecification.Containers[].Image", image},
		{estate.Loads, "InferenceSpecification.Containers[].ModelDataUrl", artefact},
		{estate.RunsAs, "ValidationSpecification.ValidationRole", role},
	}, nil},
}

// trainingEdges hold for a training job, a tuning job's definitions and the
// requests that start them.
var trainingEdges = slices.Concat(vpc("VpcConfig.Subnets[]", "VpcConfig.SecurityGroupIds[]"), []edge{
	{estate.RunsAs, "RoleArn", role},
	{estate.Loads, "AlgorithmSpecification.TrainingImage", image},
	{estate.Uses, "AlgorithmSpecification.AlgorithmName", sm("algorithm")},
	{estate.Reads, "InputDataConfig[].DataSource.S3DataSource.S3Uri", s3},
	{estate.Reads, "InputDataConfig[].DataSource.FileSystemDataSource", fileSystem},
	{estate.Reads, "InputDataConfig[].DataSource.DatasetSource.DatasetArn", byARN},
	{estate.Writes, "OutputDataConfig.S3OutputPath", s3},
	{estate.EncryptsBy, "OutputDataConfig.KmsKeyId", key},
	{estate.EncryptsBy, "ResourceConfig.VolumeKmsKeyId", key},
	{estate.Reads, "CheckpointConfig.S3Uri", s3},
	{estate.Writes, "CheckpointConfig.S3Uri", s3},
	{estate.Writes, "TensorBoardOutputConfig.S3OutputPath", s3},
	{estate.Writes, "DebugHookConfig.S3OutputPath", s3},
	{estate.Writes, "ProfilerConfig.S3OutputPath", s3},
	{estate.Loads, "DebugRuleConfigurations[].RuleEvaluatorImage", image},
	{estate.Loads, "HyperParameters.sagemaker_submit_directory", quotedS3},
	{estate.Trains, "ModelArtifacts.S3ModelArtifacts", artefact},
	{estate.Trains, "OutputModelPackageArn", byARN},
	{estate.Trains, "ModelPackageConfig.ModelPackageGroupArn", byARN},
	{estate.Loads, "ModelPackageConfig.SourceModelPackageArn", byARN},
	{estate.MemberOf, "TuningJobArn", byARN},
	{estate.MemberOf, "AutoMLJobArn", byARN},
	{estate.MemberOf, "LabelingJobArn", byARN},
	{estate.Uses, "MlflowConfig.MlflowResourceArn", byARN},
})

var processingEdges = slices.Concat(
	vpc("NetworkConfig.VpcConfig.Subnets[]", "NetworkConfig.VpcConfig.SecurityGroupIds[]"), []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.Loads, "AppSpecification.ImageUri", image},
		{estate.Reads, "ProcessingInputs[].S3Input.S3Uri", s3},
		{estate.Reads, "ProcessingInputs[].DatasetDefinition.RedshiftDatasetDefinition.ClusterId", regional("redshift", "cluster:")},
		{estate.Writes, "ProcessingInputs[].DatasetDefinition.RedshiftDatasetDefinition.OutputS3Uri", s3},
		{estate.Writes, "ProcessingInputs[].DatasetDefinition.AthenaDatasetDefinition.OutputS3Uri", s3},
		{estate.Writes, "ProcessingOutputConfig.Outputs[].S3Output.S3Uri", s3},
		{estate.Writes, "ProcessingOutputConfig.Outputs[].FeatureStoreOutput.FeatureGroupName", sm("feature-group")},
		{estate.EncryptsBy, "ProcessingOutputConfig.KmsKeyId", key},
		{estate.EncryptsBy, "ProcessingResources.ClusterConfig.VolumeKmsKeyId", key},
		{estate.MemberOf, "MonitoringScheduleArn", byARN},
		{estate.MemberOf, "TrainingJobArn", byARN},
		{estate.MemberOf, "AutoMLJobArn", byARN},
	})

var transformEdges = []edge{
	{estate.Serves, "ModelName", sm("model")},
	{estate.Reads, "TransformInput.DataSource.S3DataSource.S3Uri", s3},
	{estate.Writes, "TransformOutput.S3OutputPath", s3},
	{estate.EncryptsBy, "TransformOutput.KmsKeyId", key},
	{estate.EncryptsBy, "TransformResources.VolumeKmsKeyId", key},
	{estate.Writes, "DataCaptureConfig.DestinationS3Uri", s3},
	{estate.MemberOf, "LabelingJobArn", byARN},
	{estate.MemberOf, "AutoMLJobArn", byARN},
}

var monitoringEdges = []edge{
	{estate.RunsAs, "RoleArn", role},
	{estate.Loads, "MonitoringAppSpecification.ImageUri", image},
	{estate.Reads, "MonitoringInputs[].EndpointInput.EndpointName", sm("endpoint")},
	{estate.Reads, "MonitoringInputs[].BatchTransformInput.DataCapturedDestinationS3Uri", s3},
	{estate.Writes, "MonitoringOutputConfig.MonitoringOutputs[].S3Output.S3Uri", s3},
	{estate.EncryptsBy, "MonitoringOutputConfig.KmsKeyId", key},
	{estate.Reads, "BaselineConfig.ConstraintsResource.S3Uri", artefact},
	{estate.Reads, "BaselineConfig.StatisticsResource.S3Uri", artefact},
}

// monitoring is the spec of one of the four kinds of monitoring definition,
// whose members bear the kind's name.
func monitoring(kind string) spec {
	return spec{estate.KindPipeline, slices.Concat(
		vpc("NetworkConfig.VpcConfig.Subnets[]", "NetworkConfig.VpcConfig.SecurityGroupIds[]"), []edge{
			{estate.RunsAs, "RoleArn", role},
			{estate.Loads, kind + "AppSpecification.ImageUri", image},
			{estate.Reads, kind + "JobInput.EndpointInput.EndpointName", sm("endpoint")},
			{estate.Reads, kind + "JobInput.BatchTransformInput.DataCapturedDestinationS3Uri", s3},
			{estate.Reads, kind + "JobInput.GroundTruthS3Input.S3Uri", s3},
			{estate.Writes, kind + "JobOutputConfig.MonitoringOutputs[].S3Output.S3Uri", s3},
			{estate.EncryptsBy, kind + "JobOutputConfig.KmsKeyId", key},
			{estate.EncryptsBy, "JobResources.ClusterConfig.VolumeKmsKeyId", key},
			{estate.Reads, kind + "BaselineConfig.ConstraintsResource.S3Uri", artefact},
		}), nil}
}

// monitoringDefinition links a schedule to its definition by name and kind.
func monitoringDefinition(n node, rel estate.RelationType) {
	kinds := map[string]string{"DataQuality": "data-quality", "ModelQuality": "model-quality", "ModelBias": "model-bias", "ModelExplainability": "model-explainability"}
	typ := firstOf(n.r.cfg.text("MonitoringType"), n.r.cfg.text("MonitoringScheduleConfig.MonitoringType"))
	if kind := kinds[typ]; kind != "" {
		n.relation(rel, n.r.sagemaker(kind+"-job-definition", n.str()))
	}
}

// under moves edges below a path.
func under(at string, edges []edge) []edge {
	out := make([]edge, len(edges))
	for i, e := range edges {
		out[i] = edge{e.rel, at + "." + e.path, e.to}
	}
	return out
}

// quotedS3 links to an address that a hyperparameter holds in quotes, as the
// SageMaker SDK writes them.
func quotedS3(n node, rel estate.RelationType) {
	ifS3(node{n.r, n.path, strings.Trim(n.words(), `"`)}, rel)
}

// fileSystem links to the EFS or FSx file system of a training channel.
func fileSystem(n node, rel estate.RelationType) {
	at := n.at("FileSystemId")
	service := "elasticfilesystem"
	if n.text("FileSystemType") == "FSxLustre" {
		service = "fsx"
	}
	regional(service, "file-system/")(at, rel)
}

// pipelineSteps reads the steps of a pipeline's definition: each is the request
// that will start a job. What a step takes from a parameter has the parameter's
// default; what is computed while the pipeline runs is passed over here, since
// the jobs it started are assets of their own and show it.
func pipelineSteps(r *reading) {
	def := document(r.cfg.at("PipelineDefinition"))
	params := map[string]any{}
	for p := range def.each("Parameters[]") {
		if name := p.text("Name"); name != "" {
			params[name] = p.at("DefaultValue").v
		}
	}
	var walk func(steps node, depth int)
	walk = func(steps node, depth int) {
		for s := range steps.items() {
			args := s.at("Arguments")
			switch s.text("Type") {
			case "Condition":
				if depth < maxNesting {
					walk(args.at("IfSteps"), depth+1)
					walk(args.at("ElseSteps"), depth+1)
				}
			case "Lambda":
				function(s.at("FunctionArn"), estate.Triggers)
			case "Callback":
				queueURL(s.at("SqsQueueUrl"), estate.Triggers)
			default:
				if e := stepEdges[s.text("Type")]; e != nil {
					apply(node{r, args.path, settle(args.v, params)}, e)
				}
			}
		}
	}
	walk(def.at("Steps"), 0)
}

// maxNesting bounds how deep steps and states are followed into each other.
const maxNesting = 32

// stepEdges are what the arguments of a pipeline's step declare.
var stepEdges = map[string][]edge{
	"Training":      trainingEdges,
	"Processing":    processingEdges,
	"Transform":     transformEdges,
	"Tuning":        under("TrainingJobDefinition", trainingEdges),
	"Model":         container("PrimaryContainer"),
	"RegisterModel": append(container("InferenceSpecification.Containers[]"), edge{estate.Trains, "ModelPackageGroupName", sm("model-package-group")}),
	"QualityCheck":  processingEdges,
	"ClarifyCheck":  processingEdges,
}

// apply reads edges below a place.
func apply(n node, edges []edge) {
	for _, e := range edges {
		for at := range n.each(e.path) {
			e.to(at, e.rel)
		}
	}
}

// settle replaces a pipeline's expressions by what is known of them before it
// runs: a parameter's default, or nothing.
func settle(v any, params map[string]any) any {
	switch t := v.(type) {
	case []any:
		out := make([]any, len(t))
		for i := range t {
			out[i] = settle(t[i], params)
		}
		return out
	case map[string]any:
		if get, ok := t["Get"].(string); ok && len(t) == 1 {
			name, isParam := strings.CutPrefix(get, "Parameters.")
			if !isParam {
				return nil
			}
			return params[name]
		}
		out := make(map[string]any, len(t))
		for k, inner := range t {
			if strings.HasPrefix(k, "Std:") {
				return nil
			}
			out[k] = settle(inner, params)
		}
		return out
	}
	return v
}
