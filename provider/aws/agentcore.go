package aws

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// agentCoreTypes are Bedrock AgentCore's runtimes, gateways and what they use.
var agentCoreTypes = map[string]spec{
	"AWS::BedrockAgentCore::Runtime": {estate.KindCompute, slices.Concat(
		vpc("networkConfiguration.networkModeConfig.subnets[]", "networkConfiguration.networkModeConfig.securityGroups[]"), []edge{
			{estate.RunsAs, "roleArn", role},
			{estate.Loads, "agentRuntimeArtifact.containerConfiguration.containerUri", image},
			{estate.Loads, "agentRuntimeArtifact.codeConfiguration.code.s3", s3Object("bucket", "prefix")},
			{estate.MemberOf, "workloadIdentityDetails.workloadIdentityArn", byARN},
			{estate.Trusts, "authorizerConfiguration.customJWTAuthorizer.discoveryUrl", host},
			{"", "GetResourcePolicy.policy", resourcePolicy},
		}), func(r *reading) {
		r.root(estate.ClassAgent, "", "an AgentCore runtime runs an agent's code")
		invoked(r, "environmentVariables")
	}},
	"AWS::BedrockAgentCore::RuntimeEndpoint": {estate.KindEndpoint, []edge{
		{estate.Serves, "agentRuntimeArn", byARN},
	}, nil},
	"AWS::BedrockAgentCore::Harness": {estate.KindCompute, []edge{
		{estate.RunsAs, "executionRoleArn", role},
	}, func(r *reading) {
		r.root(estate.ClassAgent, "", "an AgentCore harness runs an agent")
	}},
	"AWS::BedrockAgentCore::Gateway": {estate.KindEndpoint, []edge{
		{estate.RunsAs, "roleArn", role},
		{estate.EncryptsBy, "kmsKeyArn", key},
		{estate.Triggers, "interceptorConfigurations[].interceptor.lambda.arn", function},
		{estate.Uses, "policyEngineConfiguration.arn", byARN},
		{estate.MemberOf, "workloadIdentityDetails.workloadIdentityArn", byARN},
		{estate.Trusts, "authorizerConfiguration.customJWTAuthorizer.discoveryUrl", host},
		{"", "GetResourcePolicy.policy", resourcePolicy},
	}, func(r *reading) {
		r.root(estate.ClassAgent, "", "an AgentCore gateway offers tools to agents")
	}},
	"AWS::BedrockAgentCore::GatewayTarget": {estate.KindEndpoint, []edge{
		{estate.Triggers, "targetConfiguration.mcp.lambda.lambdaArn", function},
		{estate.Reads, "targetConfiguration.mcp.lambda.toolSchema.s3.uri", s3},
		{estate.Reads, "targetConfiguration.mcp.openApiSchema.s3.uri", s3},
		{estate.Reads, "targetConfiguration.mcp.smithyModel.s3.uri", s3},
		{estate.Triggers, "targetConfiguration.mcp.mcpServer.endpoint", host},
		{estate.Triggers, "targetConfiguration.mcp.apiGateway.restApiId", restAPI},
		{estate.Reads, "credentialProviderConfigurations[].credentialProvider.oauthCredentialProvider.providerArn", byARN},
		{estate.Reads, "credentialProviderConfigurations[].credentialProvider.apiKeyCredentialProvider.providerArn", byARN},
	}, func(r *reading) {
		if gateway := r.cfg.text("gatewayArn"); gateway != "" {
			r.relate(gateway, estate.Contains, r.a.ID, r.a.ID+" config.gatewayArn")
		}
	}},
	"AWS::BedrockAgentCore::Memory": {estate.KindStore, []edge{
		{estate.RunsAs, "memoryExecutionRoleArn", role},
		{estate.EncryptsBy, "encryptionKeyArn", key},
		{estate.Writes, "strategies[].configuration.selfManagedConfiguration.invocationConfiguration.payloadDeliveryBucketName", bucket},
		{estate.Triggers, "strategies[].configuration.selfManagedConfiguration.invocationConfiguration.topicArn", byARN},
	}, nil},
	"AWS::BedrockAgentCore::BrowserCustom":         agentTool,
	"AWS::BedrockAgentCore::CodeInterpreterCustom": agentTool,
	"AWS::BedrockAgentCore::ApiKeyCredentialProvider": {estate.KindSecret, []edge{
		{estate.Reads, "apiKeySecretArn.secretArn", byARN},
	}, nil},
	"AWS::BedrockAgentCore::OAuth2CredentialProvider": {estate.KindSecret, []edge{
		{estate.Reads, "clientSecretArn.secretArn", byARN},
	}, nil},
	"AWS::BedrockAgentCore::OnlineEvaluationConfig": {estate.KindPipeline, []edge{
		{estate.RunsAs, "evaluationExecutionRoleArn", role},
		{estate.Reads, "dataSourceConfig.cloudWatchLogs.logGroupNames[]", logGroup},
	}, nil},
	"AWS::BedrockAgentCore::TokenVault": {estate.KindSecret, []edge{
		{estate.EncryptsBy, "kmsConfiguration.kmsKeyArn", key},
	}, nil},
}

// agentTool is a browser or code interpreter that agents work with.
var agentTool = spec{estate.KindCompute, slices.Concat(
	vpc("networkConfiguration.vpcConfig.subnets[]", "networkConfiguration.vpcConfig.securityGroups[]"), []edge{
		{estate.RunsAs, "executionRoleArn", role},
		{estate.Writes, "recording.s3Location", s3Object("bucket", "prefix")},
	}), nil}

// restAPI links to a REST API of API Gateway by id.
func restAPI(n node, rel estate.RelationType) {
	if s := n.str(); s != "" {
		n.relation(rel, ARN{n.r.partition(), "apigateway", n.r.region(), "", "/restapis/" + s}.String())
	}
}
