package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// bedrockTypes are Bedrock's models, agents, knowledge bases and guardrails.
var bedrockTypes = map[string]spec{
	"AWS::Bedrock::FoundationModel": {estate.KindModel, nil, nil},
	"AWS::Bedrock::CustomModel": {estate.KindModel, []edge{
		{estate.Uses, "baseModelArn", byARN},
		{estate.EncryptsBy, "modelKmsKeyArn", key},
		{estate.Reads, "trainingDataConfig.s3Uri", s3},
		{estate.Reads, "validationDataConfig.validators[].s3Uri", s3},
		{estate.Writes, "outputDataConfig.s3Uri", s3},
	}, func(r *reading) {
		if job := r.cfg.text("jobArn"); job != "" {
			r.relate(job, estate.Trains, r.a.ID, r.a.ID+" config.jobArn")
		}
	}},
	"AWS::Bedrock::ImportedModel": {estate.KindModel, []edge{
		{estate.Loads, "modelDataSource.s3DataSource.s3Uri", s3},
		{estate.EncryptsBy, "modelKmsKeyArn", key},
	}, func(r *reading) {
		if job := r.cfg.text("jobArn"); job != "" {
			r.relate(job, estate.Trains, r.a.ID, r.a.ID+" config.jobArn")
		}
		r.root(estate.ClassEndpoint, "", "an imported model can be invoked on demand as soon as it is there")
	}},
	"AWS::Bedrock::ModelCustomizationJob": {estate.KindCompute, slices.Concat(
		vpc("vpcConfig.subnetIds[]", "vpcConfig.securityGroupIds[]"), []edge{
			{estate.RunsAs, "roleArn", role},
			{estate.Uses, "baseModelArn", byARN},
			{estate.Reads, "trainingDataConfig.s3Uri", s3},
			{estate.Reads, "validationDataConfig.validators[].s3Uri", s3},
			{estate.Writes, "outputDataConfig.s3Uri", s3},
			{estate.Trains, "outputModelArn", byARN},
			{estate.EncryptsBy, "outputModelKmsKeyArn", key},
			{estate.Triggers, "customizationConfig.rftConfig.graderConfig.lambdaGrader.lambdaArn", function},
		}), jobRoot("a Bedrock customization job trains a model of one's own")},
	"AWS::Bedrock::ModelImportJob": {estate.KindCompute, slices.Concat(
		vpc("vpcConfig.subnetIds[]", "vpcConfig.securityGroupIds[]"), []edge{
			{estate.RunsAs, "roleArn", role},
			{estate.Loads, "modelDataSource.s3DataSource.s3Uri", s3},
			{estate.Trains, "importedModelArn", byARN},
			{estate.EncryptsBy, "importedModelKmsKeyArn", key},
		}), jobRoot("a Bedrock import job makes a model from stored weights")},
	"AWS::Bedrock::ModelCopyJob": {estate.KindCompute, []edge{
		{estate.Reads, "sourceModelArn", byARN},
		{estate.Trains, "targetModelArn", byARN},
		{estate.EncryptsBy, "targetModelKmsKeyArn", key},
	}, nil},
	"AWS::Bedrock::ModelInvocationJob": {estate.KindCompute, slices.Concat(
		vpc("vpcConfig.subnetIds[]", "vpcConfig.securityGroupIds[]"), []edge{
			{estate.RunsAs, "roleArn", role},
			{estate.Uses, "modelId", foundation},
			{estate.Reads, "inputDataConfig.s3InputDataConfig.s3Uri", s3},
			{estate.Writes, "outputDataConfig.s3OutputDataConfig.s3Uri", s3},
			{estate.EncryptsBy, "outputDataConfig.s3OutputDataConfig.s3EncryptionKeyId", key},
		}), jobRoot("a Bedrock batch inference job runs a model over stored data")},
	"AWS::Bedrock::EvaluationJob": {estate.KindCompute, []edge{
		{estate.RunsAs, "roleArn", role},
		{estate.Writes, "outputDataConfig.s3Uri", s3},
		{estate.EncryptsBy, "customerEncryptionKeyId", key},
		{estate.Uses, "inferenceConfig.models[].bedrockModel.modelIdentifier", foundation},
		{estate.Reads, "evaluationConfig.automated.datasetMetricConfigs[].dataset.datasetLocation.s3Uri", s3},
		{estate.Reads, "evaluationConfig.human.datasetMetricConfigs[].dataset.datasetLocation.s3Uri", s3},
	}, jobRoot("a Bedrock evaluation job runs models over test data")},
	"AWS::Bedrock::ProvisionedModelThroughput": {estate.KindEndpoint, []edge{
		{estate.Serves, "modelArn", byARN},
		{estate.Serves, "desiredModelArn", byARN},
		{estate.Uses, "foundationModelArn", byARN},
	}, func(r *reading) {
		r.root(estate.ClassEndpoint, "", "provisioned throughput is capacity bought for one model")
	}},
	"AWS::Bedrock::CustomModelDeployment": {estate.KindEndpoint, []edge{
		{estate.Serves, "modelArn", byARN},
	}, func(r *reading) {
		r.root(estate.ClassEndpoint, "", "a deployed custom model answers requests")
	}},
	"AWS::Bedrock::MarketplaceModelEndpoint": {estate.KindEndpoint, slices.Concat(
		vpc("endpointConfig.sageMaker.vpc.subnetIds[]", "endpointConfig.sageMaker.vpc.securityGroupIds[]"), []edge{
			{estate.Serves, "modelSourceIdentifier", byARN},
			{estate.RunsAs, "endpointConfig.sageMaker.executionRole", role},
			{estate.EncryptsBy, "endpointConfig.sageMaker.kmsEncryptionKey", key},
		}), nil},
	"AWS::Bedrock::ApplicationInferenceProfile": inferenceProfile,
	"AWS::Bedrock::InferenceProfile":            inferenceProfile,
	"AWS::Bedrock::IntelligentPromptRouter":     promptRouter,
	"AWS::Bedrock::PromptRouter":                promptRouter,
	"AWS::Bedrock::EnforcedGuardrail": {estate.KindPolicy, []edge{
		{estate.Uses, "guardrailArn", byARN},
	}, func(r *reading) { r.relate(r.a.ID, estate.Governs, r.accountID(), "config") }},
	"AWS::Bedrock::ModelInvocationLoggingConfiguration": {estate.KindEventSource, loggingEdges, func(r *reading) {
		if r.cfg.at("loggingConfig").ok() { // the reply of the call, not unwrapped
			apply(r.cfg, under("loggingConfig", loggingEdges))
		}
		r.relate(r.a.ID, estate.Governs, r.accountID(), "config")
	}},
	"AWS::Bedrock::Guardrail": {estate.KindPolicy, []edge{
		{estate.EncryptsBy, "kmsKeyArn", key},
		{estate.Uses, "crossRegionDetails.guardrailProfileArn", byARN},
		{"", "GetResourcePolicy.resourcePolicy", resourcePolicy},
	}, nil},
	"AWS::Bedrock::Agent": {estate.KindCompute, []edge{
		{estate.RunsAs, "agentResourceRoleArn", role},
		{estate.Uses, "foundationModel", foundation},
		{estate.Uses, "guardrailConfiguration.guardrailIdentifier", guardrail},
		{estate.EncryptsBy, "customerEncryptionKeyArn", key},
		{estate.Triggers, "promptOverrideConfiguration.overrideLambda", function},
		{estate.Triggers, "customOrchestration.executor.lambda", function},
		{estate.Reads, "ListAgentKnowledgeBases.agentKnowledgeBaseSummaries[].knowledgeBaseId", knowledgeBase},
		{estate.Triggers, "ListAgentCollaborators.agentCollaboratorSummaries[].agentDescriptor.aliasArn", byARN},
	}, func(r *reading) {
		r.root(estate.ClassAgent, "", "a Bedrock agent acts on a model's decisions")
	}},
	"AWS::Bedrock::AgentAlias": {estate.KindEndpoint, []edge{
		{estate.Uses, "routingConfiguration[].provisionedThroughput", byARN},
		{estate.Serves, "agentId", regional("bedrock", "agent/")},
	}, ofAgent},
	"AWS::Bedrock::AgentActionGroup": {estate.KindPipeline, []edge{
		{estate.Triggers, "actionGroupExecutor.lambda", function},
		{estate.Reads, "apiSchema.s3", s3Object("s3BucketName", "s3ObjectKey")},
	}, ofAgent},
	"AWS::Bedrock::AgentKnowledgeBase": {estate.KindPipeline, []edge{
		{estate.Reads, "knowledgeBaseId", knowledgeBase},
	}, ofAgent},
	"AWS::Bedrock::AgentCollaborator": {estate.KindPipeline, []edge{
		{estate.Triggers, "agentDescriptor.aliasArn", byARN},
	}, ofAgent},
	"AWS::Bedrock::KnowledgeBase": {estate.KindPipeline, slices.Concat([]edge{
		{estate.RunsAs, "roleArn", role},
		{"", "GetResourcePolicy.policy", resourcePolicy},
		{estate.Uses, "knowledgeBaseConfiguration.vectorKnowledgeBaseConfiguration.embeddingModelArn", byARN},
		{estate.Writes, "knowledgeBaseConfiguration.vectorKnowledgeBaseConfiguration.supplementalDataStorageConfiguration.storageLocations[].s3Location.uri", s3},
		{estate.Reads, "knowledgeBaseConfiguration.kendraKnowledgeBaseConfiguration.kendraIndexArn", byARN},
		{estate.Reads, "knowledgeBaseConfiguration.sqlKnowledgeBaseConfiguration.redshiftConfiguration.queryEngineConfiguration.serverlessConfiguration.workgroupArn", byARN},
		{estate.Reads, "knowledgeBaseConfiguration.sqlKnowledgeBaseConfiguration.redshiftConfiguration.queryEngineConfiguration.provisionedConfiguration.clusterIdentifier", regional("redshift", "cluster:")},
	}, vectorStores), func(r *reading) {
		r.root(estate.ClassPipeline, "", "a knowledge base feeds documents to models")
	}},
	"AWS::Bedrock::DataSource": {estate.KindPipeline, []edge{
		{estate.Reads, "dataSourceConfiguration.s3Configuration.bucketArn", bucket},
		{estate.Reads, "dataSourceConfiguration.s3Configuration", prefixes},
		{estate.Reads, "dataSourceConfiguration.webConfiguration.sourceConfiguration.urlConfiguration.seedUrls[].url", host},
		{estate.Reads, "dataSourceConfiguration.confluenceConfiguration.sourceConfiguration.hostUrl", host},
		{estate.Reads, "dataSourceConfiguration.confluenceConfiguration.sourceConfiguration.credentialsSecretArn", byARN},
		{estate.Reads, "dataSourceConfiguration.salesforceConfiguration.sourceConfiguration.hostUrl", host},
		{estate.Reads, "dataSourceConfiguration.salesforceConfiguration.sourceConfiguration.credentialsSecretArn", byARN},
		{estate.Reads, "dataSourceConfiguration.sharePointConfiguration.sourceConfiguration.siteUrls[]", host},
		{estate.Reads, "dataSourceConfiguration.sharePointConfiguration.sourceConfiguration.credentialsSecretArn", byARN},
		{estate.EncryptsBy, "serverSideEncryptionConfiguration.kmsKeyArn", key},
		{estate.Triggers, "vectorIngestionConfiguration.customTransformationConfiguration.transformations[].transformationFunction.transformationLambdaConfiguration.lambdaArn", function},
		{estate.Writes, "vectorIngestionConfiguration.customTransformationConfiguration.intermediateStorage.s3Location.uri", s3},
		{estate.Uses, "vectorIngestionConfiguration.parsingConfiguration.bedrockFoundationModelConfiguration.modelArn", byARN},
	}, func(r *reading) {
		if id := r.cfg.text("knowledgeBaseId"); id != "" {
			kb := r.arn("bedrock", "knowledge-base/"+id)
			r.relate(kb, estate.Contains, r.a.ID, r.a.ID+" config.knowledgeBaseId")
		}
	}},
	"AWS::Bedrock::Flow": {estate.KindPipeline, []edge{
		{estate.RunsAs, "executionRoleArn", role},
		{estate.EncryptsBy, "customerEncryptionKeyArn", key},
		{estate.Triggers, "definition.nodes[].configuration.lambdaFunction.lambdaArn", function},
		{estate.Triggers, "definition.nodes[].configuration.agent.agentAliasArn", byARN},
		{estate.Reads, "definition.nodes[].configuration.knowledgeBase.knowledgeBaseId", knowledgeBase},
		{estate.Uses, "definition.nodes[].configuration.knowledgeBase.modelId", foundation},
		{estate.Uses, "definition.nodes[].configuration.prompt.sourceConfiguration.inline.modelId", foundation},
		{estate.Uses, "definition.nodes[].configuration.prompt.sourceConfiguration.resource.promptArn", byARN},
		{estate.Uses, "definition.nodes[].configuration.prompt.guardrailConfiguration.guardrailIdentifier", guardrail},
		{estate.Reads, "definition.nodes[].configuration.retrieval.serviceConfiguration.s3.bucketName", bucket},
		{estate.Writes, "definition.nodes[].configuration.storage.serviceConfiguration.s3.bucketName", bucket},
	}, func(r *reading) {
		r.root(estate.ClassAgent, "", "a Bedrock flow chains prompts, models and tools")
	}},
	"AWS::Bedrock::Prompt": {estate.KindPipeline, []edge{
		{estate.Uses, "variants[].modelId", foundation},
		{estate.EncryptsBy, "customerEncryptionKeyArn", key},
	}, nil},
	"AWS::Bedrock::DataAutomationProject": {estate.KindPipeline, []edge{
		{estate.EncryptsBy, "kmsKeyId", key},
		{estate.Uses, "customOutputConfiguration.blueprints[].blueprintArn", byARN},
	}, nil},
}

var inferenceProfile = spec{estate.KindEndpoint, []edge{{estate.Serves, "models[].modelArn", byARN}}, nil}

var promptRouter = spec{estate.KindEndpoint, []edge{
	{estate.Serves, "models[].modelArn", byARN},
	{estate.Serves, "fallbackModel.modelArn", byARN},
}, nil}

var loggingEdges = []edge{
	{estate.LogsTo, "s3Config.bucketName", bucket},
	{estate.LogsTo, "cloudWatchConfig.logGroupName", logGroup},
	{estate.RunsAs, "cloudWatchConfig.roleArn", role},
	{estate.LogsTo, "cloudWatchConfig.largeDataDeliveryS3Config.bucketName", bucket},
}

// vectorStores are the places a knowledge base keeps its vectors in; it writes
// them when it takes documents in and reads them when it answers.
var vectorStores = slices.Concat(
	store("storageConfiguration.opensearchServerlessConfiguration.collectionArn", byARN),
	store("storageConfiguration.opensearchManagedClusterConfiguration.domainArn", byARN),
	store("storageConfiguration.rdsConfiguration.resourceArn", byARN),
	store("storageConfiguration.neptuneAnalyticsConfiguration.graphArn", byARN),
	store("storageConfiguration.s3VectorsConfiguration.indexArn", byARN),
	store("storageConfiguration.s3VectorsConfiguration.vectorBucketArn", byARN),
	store("storageConfiguration.pineconeConfiguration.connectionString", host),
	store("storageConfiguration.mongoDbAtlasConfiguration.endpoint", host),
	store("storageConfiguration.redisEnterpriseCloudConfiguration.endpoint", host),
	[]edge{
		{estate.Reads, "storageConfiguration.rdsConfiguration.credentialsSecretArn", byARN},
		{estate.Reads, "storageConfiguration.pineconeConfiguration.credentialsSecretArn", byARN},
		{estate.Reads, "storageConfiguration.mongoDbAtlasConfiguration.credentialsSecretArn", byARN},
		{estate.Reads, "storageConfiguration.redisEnterpriseCloudConfiguration.credentialsSecretArn", byARN},
	})

// store is a place that is read and written.
func store(path string, to linker) []edge {
	return []edge{{estate.Reads, path, to}, {estate.Writes, path, to}}
}

// jobRoot marks a job as a training job's root.
func jobRoot(why string) func(*reading) {
	return func(r *reading) { r.root(estate.ClassTraining, Family(firstOf(r.cfg.text("jobName"), r.name())), why) }
}

// guardrail links to a guardrail by id or ARN.
func guardrail(n node, rel estate.RelationType) { regional("bedrock", "guardrail/")(n, rel) }

// knowledgeBase links to a knowledge base by id.
func knowledgeBase(n node, rel estate.RelationType) { regional("bedrock", "knowledge-base/")(n, rel) }

// ofAgent says that the agent contains what bears its id.
func ofAgent(r *reading) {
	if id := r.cfg.text("agentId"); id != "" {
		r.relate(r.named("bedrock", "agent/", id), estate.Contains, r.a.ID, r.a.ID+" config.agentId")
	}
}

// s3Object links to an object given as bucket and key in two members.
func s3Object(bucketMember, keyMember string) linker {
	return func(n node, rel estate.RelationType) {
		name, path := n.text(bucketMember), n.text(keyMember)
		if name == "" {
			return
		}
		name = strings.TrimPrefix(name, ARN{n.r.partition(), "s3", "", "", ""}.String())
		artefact(node{n.r, n.path, "s3://" + name + "/" + path}, rel)
	}
}

// prefixes links to each inclusion prefix of a data source's bucket.
func prefixes(n node, rel estate.RelationType) {
	name := n.text("bucketArn")
	for p := range n.each("inclusionPrefixes[]") {
		if a, ok := ParseARN(name); ok && p.str() != "" {
			s3(node{n.r, p.path, "s3://" + a.Resource + "/" + p.str()}, rel)
		}
	}
}
