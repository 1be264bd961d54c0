package cloudformation

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// bedrockRules are Bedrock's, its agents' and AgentCore's, whose replies repeat
// what was given.
var bedrockRules = []rule{
	{typ: "AWS::Bedrock::Guardrail", echoes: true, unset: map[string]any{"status": "READY"}, as: map[string]string{
		"ContentPolicyConfig": "contentPolicy", "ContentPolicyConfig.FiltersConfig": "filters", "ContentPolicyConfig.ContentFiltersTierConfig": "tier",
		"TopicPolicyConfig": "topicPolicy", "TopicPolicyConfig.TopicsConfig": "topics", "TopicPolicyConfig.TopicsTierConfig": "tier",
		"WordPolicyConfig": "wordPolicy", "WordPolicyConfig.WordsConfig": "words", "WordPolicyConfig.ManagedWordListsConfig": "managedWordLists",
		"SensitiveInformationPolicyConfig": "sensitiveInformationPolicy", "SensitiveInformationPolicyConfig.PiiEntitiesConfig": "piiEntities",
		"SensitiveInformationPolicyConfig.RegexesConfig": "regexes", "ContextualGroundingPolicyConfig": "contextualGroundingPolicy",
		"ContextualGroundingPolicyConfig.FiltersConfig": "filters", "AutomatedReasoningPolicyConfig": "automatedReasoningPolicy",
		"CrossRegionConfig": "crossRegionDetails", "CrossRegionConfig.GuardrailProfileArn": "guardrailProfileArn"}},
	{typ: "AWS::Bedrock::Agent", echoes: true, as: map[string]string{"ActionGroups": "", "KnowledgeBases": "", "AgentCollaborators": "", "AutoPrepare": "", "TestAliasTags": "",
		"SkipResourceInUseCheckOnDelete": ""}, more: agent, unset: map[string]any{"failureReasons": none{}, "recommendedActions": none{}}},
	{typ: "AWS::Bedrock::AgentAlias", echoes: true},
	{typ: "AWS::Bedrock::KnowledgeBase", echoes: true},
	{typ: "AWS::Bedrock::DataSource", echoes: true, unset: map[string]any{"status": "AVAILABLE", "failureReasons": none{}}},
	{typ: "AWS::Bedrock::ApplicationInferenceProfile", echoes: true, as: map[string]string{"ModelSource": ""}},
	{typ: "AWS::Bedrock::Flow", echoes: true, as: map[string]string{"Definition": "", "DefinitionString": "", "DefinitionS3Location": "", "DefinitionSubstitutions": "", "TestAliasTags": ""}},
	{typ: "AWS::Bedrock::FlowAlias", echoes: true},
	{typ: "AWS::Bedrock::Prompt", echoes: true},
	{typ: "AWS::BedrockAgentCore::Runtime", echoes: true, as: map[string]string{"ProtocolConfiguration": "protocolConfiguration.serverProtocol"}, newborn: map[string]map[string]any{"GetResourcePolicy": nil},
		unset: map[string]any{"status": "READY", "failureReason": none{}, "networkConfiguration": map[string]any{"networkMode": "PUBLIC"}}},
	{typ: "AWS::BedrockAgentCore::RuntimeEndpoint", echoes: true, as: map[string]string{"AgentRuntimeVersion": "targetVersion"}},
	{typ: "AWS::BedrockAgentCore::Gateway", echoes: true, newborn: map[string]map[string]any{"GetResourcePolicy": nil}, unset: map[string]any{"status": "READY", "statusReasons": none{}}},
	{typ: "AWS::BedrockAgentCore::GatewayTarget", echoes: true},
	{typ: "AWS::BedrockAgentCore::Memory", echoes: true},
	{typ: "AWS::BedrockAgentCore::BrowserCustom", echoes: true, as: map[string]string{"RecordingConfig": "recording"}},
	{typ: "AWS::BedrockAgentCore::CodeInterpreterCustom", echoes: true},
	{typ: "AWS::BedrockAgentCore::WorkloadIdentity", echoes: true},
}

// agent says in which state the stack leaves an agent: prepared where that is
// asked for, else never asked anything. Its knowledge bases and collaborators
// stand in replies of their own.
func agent(c *conversion, d *draft, r *Resource) {
	prepared, ok := r.Properties["AutoPrepare"].(bool)
	switch {
	case r.Properties["AutoPrepare"] == nil, ok && !prepared, str(r.Properties["AutoPrepare"]) == "false":
		d.config["agentStatus"] = "NOT_PREPARED"
	case prepared, str(r.Properties["AutoPrepare"]) == "true":
		d.config["agentStatus"] = "PREPARED"
	default:
		d.config["agentStatus"] = unborn.Later{}
	}
	for _, l := range [...][3]string{{"KnowledgeBases", "ListAgentKnowledgeBases", "agentKnowledgeBaseSummaries"}, {"AgentCollaborators", "ListAgentCollaborators", "agentCollaboratorSummaries"}} {
		sh := d.live.Root.Follow(l[1] + "." + l[2])
		if sh == nil {
			continue
		}
		rule := &rule{echoes: true}
		s := spot{r: r, rule: rule, members: l[1] + "." + l[2], said: schemas()[r.Type].prop(l[0])}
		list := []any{}
		switch v := r.Properties[l[0]].(type) {
		case nil:
		case []any:
			for _, e := range v {
				if m, ok := e.(map[string]any); ok {
					list = append(list, c.object(s, m, sh))
				} else {
					list = append(list, unborn.Later{})
				}
			}
		default:
			list = append(list, unborn.Later{})
		}
		d.reply(l[1], map[string]any{l[2]: list})
	}
}
