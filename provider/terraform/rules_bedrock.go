package terraform

// bedrockRules are Bedrock's, its agents' and AgentCore's.
var bedrockRules = []rule{
	{tf: "aws_bedrock_provisioned_model_throughput", typ: "AWS::Bedrock::ProvisionedModelThroughput", arn: "provisioned_model_arn",
		as: map[string]string{"model_arn": "modelArn"}, more: func(_ *conversion, d *draft, _ *Resource) {
			for from, to := range map[string]string{"modelUnits": "desiredModelUnits", "modelArn": "desiredModelArn"} {
				if v, ok := d.config[from]; ok {
					d.config[to], d.said[to] = v, true
				}
			}
		}},
	{tf: "aws_bedrock_custom_model", typ: "AWS::Bedrock::CustomModel", arn: "custom_model_arn",
		as: map[string]string{"custom_model_name": "modelName", "custom_model_arn": "modelArn", "custom_model_kms_key_id": "modelKmsKeyArn",
			"base_model_identifier": "baseModelArn", "job_status": ""}},
	{tf: "aws_bedrock_guardrail", typ: "AWS::Bedrock::Guardrail", arn: "guardrail_arn", as: map[string]string{
		"content_policy_config": "contentPolicy", "content_policy_config.tier_config": "tier", "topic_policy_config.tier_config": "tier", "content_policy_config.filters_config": "filters",
		"sensitive_information_policy_config": "sensitiveInformationPolicy", "sensitive_information_policy_config.pii_entities_config": "piiEntities",
		"sensitive_information_policy_config.regexes_config": "regexes", "topic_policy_config": "topicPolicy", "topic_policy_config.topics_config": "topics",
		"word_policy_config": "wordPolicy", "word_policy_config.words_config": "words", "word_policy_config.managed_word_lists_config": "managedWordLists",
		"contextual_grounding_policy_config": "contextualGroundingPolicy", "contextual_grounding_policy_config.filters_config": "filters",
		"cross_region_config": "crossRegionDetails", "cross_region_config.guardrail_profile_identifier": "guardrailProfileId"}},
	{tf: "aws_bedrock_model_invocation_logging_configuration", typ: "AWS::Bedrock::ModelInvocationLoggingConfiguration", composed: true,
		id: "@bedrock:model-invocation-logging-configuration", as: map[string]string{"logging_config": "."}},
	{tf: "aws_bedrock_inference_profile", typ: "AWS::Bedrock::ApplicationInferenceProfile",
		as: map[string]string{"name": "inferenceProfileName", "model_source": ""}},
	{tf: "aws_bedrockagent_agent", typ: "AWS::Bedrock::Agent", arn: "agent_arn", as: map[string]string{
		"prompt_override_configuration.prompt_configurations.inference_configuration.max_length": "maximumLength"}, more: func(_ *conversion, d *draft, r *Resource) {
		if r.Values["prepare_agent"] != false { // Terraform prepares it unless told not to
			d.config["agentStatus"], d.said["agentStatus"] = "PREPARED", true
		}
	}},
	{tf: "aws_bedrockagent_agent_action_group", typ: "AWS::Bedrock::AgentActionGroup", composed: true,
		id: "@bedrock:agent/{agent_id}#action-group/{action_group_id}", as: map[string]string{"parent_action_group_signature": "parentActionSignature",
			"function_schema.member_functions": ".", "function_schema.member_functions.functions.parameters": ""}},
	{tf: "aws_bedrockagent_agent_alias", typ: "AWS::Bedrock::AgentAlias", arn: "agent_alias_arn"},
	{tf: "aws_bedrockagent_knowledge_base", typ: "AWS::Bedrock::KnowledgeBase", as: map[string]string{"id": "knowledgeBaseId"}},
	{tf: "aws_bedrockagent_data_source", typ: "AWS::Bedrock::DataSource", composed: true,
		id: "@bedrock:knowledge-base/{knowledge_base_id}#data-source/{data_source_id}", as: map[string]string{
			"vector_ingestion_configuration.chunking_configuration.semantic_chunking_configuration.max_token":                                  "maxTokens",
			"vector_ingestion_configuration.parsing_configuration.bedrock_foundation_model_configuration.parsing_prompt.parsing_prompt_string": "parsingPromptText"}},
	{tf: "aws_bedrockagent_flow", typ: "AWS::Bedrock::Flow", as: map[string]string{"definition": ""}},
	{tf: "aws_bedrockagent_prompt", typ: "AWS::Bedrock::Prompt", as: map[string]string{"variant": ""}},
	{tf: "aws_bedrockagentcore_agent_runtime", typ: "AWS::BedrockAgentCore::Runtime", arn: "agent_runtime_arn"},
	{tf: "aws_bedrockagentcore_agent_runtime_endpoint", typ: "AWS::BedrockAgentCore::RuntimeEndpoint", arn: "agent_runtime_endpoint_arn",
		as: map[string]string{"agent_runtime_version": "targetVersion"}},
	{tf: "aws_bedrockagentcore_gateway", typ: "AWS::BedrockAgentCore::Gateway", arn: "gateway_arn"},
	{tf: "aws_bedrockagentcore_gateway_target", typ: "AWS::BedrockAgentCore::GatewayTarget", composed: true,
		id: "@bedrock-agentcore:gateway/{gateway_identifier}#target/{target_id}",
		as: map[string]string{"target_configuration": "", "credential_provider_configuration": ""}},
	{tf: "aws_bedrockagentcore_memory", typ: "AWS::BedrockAgentCore::Memory"},
	{tf: "aws_bedrockagentcore_browser", typ: "AWS::BedrockAgentCore::BrowserCustom", arn: "browser_arn"},
	{tf: "aws_bedrockagentcore_code_interpreter", typ: "AWS::BedrockAgentCore::CodeInterpreterCustom", arn: "code_interpreter_arn"},
	{tf: "aws_bedrockagentcore_workload_identity", typ: "AWS::BedrockAgentCore::WorkloadIdentity", arn: "workload_identity_arn"},
}
