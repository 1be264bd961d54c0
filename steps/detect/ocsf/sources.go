package ocsf

import (
	"cmp"
	"errors"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// errNot is a JSON document that is not of the format it was read as.
var errNot = errors.New("not a record of this format")

// tables are the formats read by table, that is all but CloudTrail and flow logs.
var tables = map[Source]*table{
	KubernetesAudit:   kubernetesTable,
	BedrockInvocation: bedrockTable,
	SageMakerCapture:  captureTable,
	GCPAudit:          gcpTable,
	AzureActivity:     azureTable,
	AzureSignIn:       signInTable,
	GenAISpan:         spanTable,
	LiteLLM:           liteLLMTable,
	EnvoyAI:           envoyTable,
}

// kubernetesTable reads audit.k8s.io/v1 Event (Kubernetes reference, "kube-apiserver Audit Configuration").
var kubernetesTable = newTable(KubernetesAudit, []rule{
	{"time", []string{"requestReceivedTimestamp", "stageTimestamp"}},
	{"actor.id", []string{"impersonatedUser.username", "user.username"}},
	{"source_ip", []string{"sourceIPs"}},
	{"user_agent", []string{"userAgent"}},
	{"service", []string{"objectRef.apiGroup"}},
	{"error_message", []string{"responseStatus.message"}},
}, []string{"auditID", "stage", "verb", "requestURI", "objectRef.resource", "objectRef.subresource", "objectRef.namespace", "objectRef.name", "responseStatus.code", "responseStatus.reason",
	"user.username", "impersonatedUser.username"},
	func(e *Event, t *table, f *cursor.Found) error {
		verb, resource := t.text(f, "verb"), t.text(f, "objectRef.resource")
		if t.text(f, "auditID") == "" || verb == "" {
			return errNot
		}
		// One request is written at several stages; the id with the stage is the record's.
		e.ID, e.RequestID = t.text(f, "auditID")+"/"+t.text(f, "stage"), t.text(f, "auditID")
		if resource == "" {
			resource, _, _ = strings.Cut(t.text(f, "requestURI"), "?")
		}
		if sub := t.text(f, "objectRef.subresource"); sub != "" {
			resource += "/" + sub
		}
		e.Action = verb + " " + resource
		if e.Service == "" {
			e.Service = "core"
		}
		e.Region = t.text(f, "objectRef.namespace")
		if name := t.text(f, "objectRef.name"); name != "" {
			e.Resources = []Resource{{ID: joined("/", t.text(f, "objectRef.namespace"), t.text(f, "objectRef.resource"), name), Type: t.text(f, "objectRef.resource")}}
		}
		e.Actor.Type = "User"
		if strings.HasPrefix(e.Actor.ID, "system:serviceaccount:") {
			e.Actor.Type = "ServiceAccount"
		}
		if t.text(f, "impersonatedUser.username") != "" {
			e.Actor.SourceID = t.text(f, "user.username")
		}
		if code := t.text(f, "responseStatus.code"); len(code) == 3 && code >= "400" {
			e.Failed, e.ErrorCode = true, joined(" ", code, t.text(f, "responseStatus.reason"))
		} else {
			e.ErrorMessage = ""
		}
		e.Class = ClassAPIActivity
		switch verb {
		case "get", "list", "watch":
			e.Activity, e.ReadOnly = ActivityRead, Yes
		case "create":
			e.Activity, e.ReadOnly = ActivityCreate, No
		case "update", "patch":
			e.Activity, e.ReadOnly = ActivityUpdate, No
		case "delete", "deletecollection":
			e.Activity, e.ReadOnly = ActivityDelete, No
		default:
			e.Activity = ActivityOther
		}
		return nil
	})

// bedrockTable reads Bedrock's model-invocation log (User Guide, "Monitor model
// invocation using CloudWatch Logs and Amazon S3").
var bedrockTable = newTable(BedrockInvocation, []rule{
	{"time", []string{"timestamp"}}, {"account", []string{"accountId"}}, {"region", []string{"region"}}, {"action", []string{"operation"}},
	{"request_id", []string{"requestId"}}, {"ai.model", []string{"modelId"}}, {"error_code", []string{"errorCode"}},
	{"ai.input_tokens", []string{"input.inputTokenCount"}}, {"ai.output_tokens", []string{"output.outputTokenCount"}},
	{"ai.finish", []string{"output.outputBodyJson.stopReason", "output.outputBodyJson.stop_reason", "output.outputBodyJson.amazon-bedrock-guardrailAction"}},
}, []string{"schemaType", "identity.arn", "modelId"},
	func(e *Event, t *table, f *cursor.Found) error {
		if t.text(f, "schemaType") != "ModelInvocationLog" || e.AI == nil {
			return errNot
		}
		e.ID = e.RequestID
		e.Service, e.Class, e.Activity = "bedrock.amazonaws.com", ClassAPIActivity, ActivityOther
		ai(e).Provider = "aws.bedrock"
		ai(e).Operation = "chat"
		e.Failed = e.ErrorCode != ""
		e.Actor = awsActor(t.text(f, "identity.arn"))
		if m := t.text(f, "modelId"); m != "" {
			e.Resources = []Resource{{ID: m, Type: "AWS::Bedrock::FoundationModel"}}
		}
		return nil
	})

// awsActor tells role and session of an ARN apart.
func awsActor(arn string) Actor {
	a := Actor{Type: "Unknown", ID: arn}
	if head, role, session, ok := assumedRole(arn); ok {
		a.Type, a.ID, a.Session = "AssumedRole", roleARN(head, role), session
	} else if strings.Contains(arn, ":user/") {
		a.Type = "IAMUser"
	}
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		a.Account = parts[4]
	}
	return a
}

// captureTable reads SageMaker's data capture (Developer Guide, "Capture data
// from real-time endpoint"). The record does not name its endpoint: the
// object's key does, and the reader puts it in.
var captureTable = newTable(SageMakerCapture, []rule{
	{"id", []string{"eventMetadata.eventId"}}, {"time", []string{"eventMetadata.inferenceTime"}},
}, []string{"captureData", "captureData.endpointInput.data", "captureData.endpointOutput.data", "captureData.endpointInput.observedContentType"},
	func(e *Event, t *table, f *cursor.Found) error {
		if t.text(f, "captureData") == "" {
			return errNot
		}
		e.Service, e.Action, e.Class, e.Activity = "sagemaker.amazonaws.com", "InvokeEndpoint", ClassAPIActivity, ActivityOther
		ai(e).Provider, ai(e).Operation = "aws.sagemaker", "invoke"
		e.BytesIn, e.BytesOut = int64(len(t.text(f, "captureData.endpointInput.data"))), int64(len(t.text(f, "captureData.endpointOutput.data")))
		return nil
	})

// gcpTable reads LogEntry with an AuditLog in it (Cloud Logging, "AuditLog").
var gcpTable = newTable(GCPAudit, []rule{
	{"id", []string{"insertId"}}, {"time", []string{"timestamp", "receiveTimestamp"}}, {"service", []string{"protoPayload.serviceName"}},
	{"action", []string{"protoPayload.methodName"}}, {"actor.id", []string{"protoPayload.authenticationInfo.principalEmail", "protoPayload.authenticationInfo.principalSubject"}},
	{"source_ip", []string{"protoPayload.requestMetadata.callerIp"}}, {"user_agent", []string{"protoPayload.requestMetadata.callerSuppliedUserAgent"}},
	{"account", []string{"resource.labels.project_id"}}, {"region", []string{"resource.labels.location", "resource.labels.zone"}},
	{"error_message", []string{"protoPayload.status.message"}}, {"actor.access_key", []string{"protoPayload.authenticationInfo.serviceAccountKeyName"}},
	{"actor.source_id", []string{"protoPayload.authenticationInfo.serviceAccountDelegationInfo.firstPartyPrincipal.principalEmail"}},
	{"resource", []string{"protoPayload.resourceName"}},
}, []string{"logName", "protoPayload.status.code"},
	func(e *Event, t *table, f *cursor.Found) error {
		if e.Service == "" || e.Action == "" {
			return errNot
		}
		e.Actor.Type = "user"
		if strings.HasSuffix(e.Actor.ID, ".gserviceaccount.com") {
			e.Actor.Type = "serviceAccount"
		}
		if code := t.text(f, "protoPayload.status.code"); code != "" && code != "0" {
			e.Failed, e.ErrorCode = true, code
		}
		method := e.Action[strings.LastIndexByte(e.Action, '.')+1:]
		e.Class, e.Activity = ClassAPIActivity, verb(upperFirst(method))
		if strings.Contains(t.text(f, "logName"), "data_access") && e.Activity == ActivityOther {
			e.Activity = ActivityRead
		}
		if e.Service == "aiplatform.googleapis.com" && (strings.Contains(method, "redict") || strings.Contains(method, "enerateContent")) {
			ai(e).Provider, ai(e).Operation = "gcp.vertex_ai", "chat"
			if len(e.Resources) > 0 {
				e.AI.Model = e.Resources[0].ID
			}
		}
		return nil
	})

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// azureProperties are the properties of a resource log where they are written as text.
var azureProperties = newTable(AzureActivity, nil, []string{"modelDeploymentName", "modelName", "requestLength", "responseLength", "objectId"}, nil)

// azureTable reads the Activity log and resource logs as Azure Monitor exports
// and returns them ("Azure Activity log event schema"; "Common and
// service-specific schemas for Azure resource logs"), and as Log Analytics
// has them (table AzureActivity).
var azureTable = newTable(AzureActivity, []rule{
	{"id", []string{"eventDataId", "properties.eventDataId", "EventDataId"}}, {"time", []string{"time", "eventTimestamp", "TimeGenerated"}},
	{"action", []string{"operationName.value", "operationName", "OperationNameValue"}},
	{"source_ip", []string{"callerIpAddress", "CallerIPAddress", "CallerIpAddress", "httpRequest.clientIpAddress", "claims.ipaddr"}}, {"request_id", []string{"correlationId", "CorrelationId"}},
	{"actor.id", []string{"identity.claims.http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "claims.upn", "caller", "Caller", "identity.claims.appid", "identity.authorization.evidence.principalId", "properties.objectId"}},
	{"account", []string{"subscriptionId", "SubscriptionId"}}, {"region", []string{"location", "resourceLocation"}},
	{"resource", []string{"resourceId", "ResourceId", "_ResourceId"}}, {"ai.model", []string{"properties.modelDeploymentName", "properties.modelName"}},
	{"error_message", []string{"resultDescription", "properties.statusMessage"}},
}, []string{"resultType", "resultSignature", "status.value", "ActivityStatusValue", "category", "category.value", "level", "resourceId", "ResourceId", "_ResourceId", "properties"},
	func(e *Event, t *table, f *cursor.Found) error {
		id := cmp.Or(t.text(f, "resourceId"), t.text(f, "ResourceId"), t.text(f, "_ResourceId"))
		if id == "" {
			return errNot
		}
		segments := strings.Split(id, "/")
		for i, s := range segments {
			if i+1 < len(segments) && strings.EqualFold(s, "subscriptions") && e.Account == "" {
				e.Account = segments[i+1]
			}
			if i+1 < len(segments) && strings.EqualFold(s, "providers") {
				e.Service = segments[i+1]
			}
		}
		if e.ID == "" {
			e.ID = digest(e.Raw)
		}
		result := strings.ToLower(t.text(f, "resultType") + t.text(f, "status.value") + t.text(f, "ActivityStatusValue"))
		code := t.text(f, "resultSignature")
		if result == "failure" || result == "failed" || len(code) == 3 && code >= "400" {
			e.Failed, e.ErrorCode = true, code
			if code == "" {
				e.ErrorCode = result
			}
		}
		e.Class, e.Activity = ClassAPIActivity, azureVerb(e.Action)
		// One and the same category comes with its properties as an object and as text.
		p, said := azureProperties, cursor.Found{}
		if _, err := p.paths.Extract([]byte(t.text(f, "properties")), &said); err != nil {
			_, _ = p.paths.Extract([]byte("{}"), &said) // nothing, not what came before the fault
		}
		if e.Actor.ID == "" {
			e.Actor.ID = p.text(&said, "objectId")
		}
		if e.AI != nil || strings.EqualFold(e.Service, "Microsoft.CognitiveServices") && t.text(f, "category") == "RequestResponse" {
			ai(e).Provider, ai(e).Operation = "azure.ai.openai", "chat"
			e.AI.Model = cmp.Or(e.AI.Model, p.text(&said, "modelDeploymentName"), p.text(&said, "modelName"))
			_ = count(&e.BytesIn, p.text(&said, "requestLength"))
			_ = count(&e.BytesOut, p.text(&said, "responseLength"))
		}
		return nil
	})

func azureVerb(operation string) Activity {
	switch strings.ToLower(operation[strings.LastIndexByte(operation, '/')+1:]) {
	case "write":
		return ActivityUpdate
	case "delete":
		return ActivityDelete
	case "read":
		return ActivityRead
	}
	return ActivityOther
}

// signInTable reads Microsoft Entra sign-in logs: as exported, as the Graph returns them,
// and as Log Analytics has them (tables SigninLogs, AADNonInteractiveUserSignInLogs,
// AADServicePrincipalSignInLogs, AADManagedIdentitySignInLogs).
var signInTable = newTable(AzureSignIn, []rule{
	{"id", []string{"properties.id", "id", "Id"}}, {"time", []string{"time", "createdDateTime", "properties.createdDateTime", "CreatedDateTime", "TimeGenerated"}},
	{"actor.id", []string{"properties.userPrincipalName", "userPrincipalName", "UserPrincipalName", "properties.servicePrincipalName", "servicePrincipalName", "ServicePrincipalName", "properties.appId", "appId", "AppId"}},
	{"source_ip", []string{"properties.ipAddress", "ipAddress", "callerIpAddress", "IPAddress"}}, {"user_agent", []string{"properties.userAgent", "userAgent", "UserAgent"}},
	{"account", []string{"tenantId", "AADTenantId"}}, {"region", []string{"properties.location.countryOrRegion", "location.countryOrRegion", "location", "Location"}},
	{"request_id", []string{"correlationId", "properties.correlationId", "CorrelationId"}}, {"resource", []string{"properties.resourceDisplayName", "resourceDisplayName", "ResourceDisplayName"}},
	{"error_message", []string{"properties.status.failureReason", "status.failureReason", "ResultDescription"}},
}, []string{"category", "Category", "Type", "properties.status.errorCode", "status.errorCode", "resultType", "ResultType", "properties.authenticationRequirement", "authenticationRequirement", "AuthenticationRequirement",
	"properties.appDisplayName", "appDisplayName", "AppDisplayName", "properties.userPrincipalName", "userPrincipalName", "UserPrincipalName"},
	func(e *Event, t *table, f *cursor.Found) error {
		kind := strings.ToLower(cmp.Or(t.text(f, "category"), t.text(f, "Category"), t.text(f, "Type")))
		if !strings.Contains(kind, "signinlogs") && t.text(f, "appDisplayName") == "" && t.text(f, "properties.appDisplayName") == "" && t.text(f, "AppDisplayName") == "" {
			return errNot
		}
		e.Service, e.Action = "Microsoft.aadiam", "Sign-in activity"
		e.Class, e.Activity, e.Actor.Type = ClassAuthentication, ActivityLogon, "user"
		if e.Actor.ID != "" && cmp.Or(t.text(f, "properties.userPrincipalName"), t.text(f, "userPrincipalName"), t.text(f, "UserPrincipalName")) == "" {
			e.Actor.Type = "servicePrincipal"
		}
		for _, p := range []string{"properties.status.errorCode", "status.errorCode", "resultType", "ResultType"} {
			if code := t.text(f, p); code != "" && code != "0" {
				e.Failed, e.ErrorCode = true, code
			}
		}
		if !e.Failed {
			e.ErrorMessage = ""
		}
		switch cmp.Or(t.text(f, "properties.authenticationRequirement"), t.text(f, "authenticationRequirement"), t.text(f, "AuthenticationRequirement")) {
		case "multiFactorAuthentication":
			e.MFA = Yes
		case "singleFactorAuthentication":
			e.MFA = No
		}
		return nil
	})

// liteLLMTable reads LiteLLM's StandardLoggingPayload.
var liteLLMTable = newTable(LiteLLM, []rule{
	{"id", []string{"id", "litellm_call_id"}}, {"time", []string{"startTime", "start_time"}}, {"action", []string{"call_type"}},
	{"actor.id", []string{"metadata.user_api_key_user_id", "metadata.user_api_key_alias", "metadata.user_api_key_hash", "user"}}, {"actor.access_key", []string{"metadata.user_api_key_hash"}},
	{"actor.account", []string{"metadata.user_api_key_team_id"}}, {"actor.session", []string{"end_user"}}, {"source_ip", []string{"metadata.requester_ip_address", "requester_ip_address"}},
	{"ai.model", []string{"model"}}, {"ai.provider", []string{"custom_llm_provider"}}, {"ai.input_tokens", []string{"prompt_tokens"}}, {"ai.output_tokens", []string{"completion_tokens"}},
	{"ai.session", []string{"session_id", "trace_id"}}, {"error_message", []string{"error_str"}}, {"error_code", []string{"error_information.error_code"}}, {"resource", []string{"model_id", "api_base"}},
	{"user_agent", []string{"metadata.user_agent"}},
}, []string{"status", "call_type", "prompt_tokens"},
	func(e *Event, t *table, f *cursor.Found) error {
		if t.text(f, "call_type") == "" || e.AI == nil {
			return errNot
		}
		e.Service, e.Class, e.Activity, e.Actor.Type = "litellm", ClassAPIActivity, ActivityOther, "api key"
		ai(e).Operation = genAIOperation(e.Action)
		e.Failed = t.text(f, "status") == "failure"
		return nil
	})

func genAIOperation(callType string) string {
	switch {
	case strings.Contains(callType, "embedding"):
		return "embeddings"
	case strings.Contains(callType, "text_completion"):
		return "text_completion"
	case strings.Contains(callType, "completion"), strings.Contains(callType, "responses"), strings.Contains(callType, "messages"):
		return "chat"
	}
	return callType
}

// envoyTable reads the access log of the Envoy AI gateway, in the names its
// documentation gives ("Access logs with AI/LLM metadata") and Envoy's own.
var envoyTable = newTable(EnvoyAI, []rule{
	{"id", []string{"x-request-id", "request_id"}}, {"time", []string{"start_time", "timestamp"}},
	{"ai.model", []string{"gen_ai.request.model", "genai_model_name", "gen_ai.response.model", "model"}}, {"ai.provider", []string{"gen_ai.provider.name", "genai_backend_name"}},
	{"ai.operation", []string{"gen_ai.operation.name"}}, {"ai.input_tokens", []string{"gen_ai.usage.input_tokens", "genai_tokens_input"}}, {"ai.output_tokens", []string{"gen_ai.usage.output_tokens", "genai_tokens_output"}},
	{"ai.session", []string{"session.id"}}, {"actor.id", []string{"user.id", "jwt.sub", "x-user-id"}}, {"source_ip", []string{"downstream_remote_address", "client.address", "x-forwarded-for"}},
	{"user_agent", []string{"user-agent", "user_agent"}}, {"bytes_in", []string{"bytes_received"}}, {"bytes_out", []string{"bytes_sent"}}, {"resource", []string{"upstream_cluster", "upstream_host"}},
	{"action", []string{"x-envoy-origin-path", "path"}}, {"error_message", []string{"response_code_details"}},
}, []string{"response_code", "method", ":authority"},
	func(e *Event, t *table, f *cursor.Found) error {
		code := t.text(f, "response_code")
		if code == "" || e.AI == nil {
			return errNot
		}
		e.SourceIP = withoutPort(e.SourceIP)
		e.Action = strings.TrimSpace(t.text(f, "method") + " " + e.Action)
		e.Service, e.Class, e.Activity = t.text(f, ":authority"), ClassHTTPActivity, ActivityOther
		if e.Service == "" {
			e.Service = "envoy-ai-gateway"
		}
		if e.Failed = len(code) == 3 && code >= "400"; e.Failed {
			e.ErrorCode = code
		} else {
			e.ErrorMessage = ""
		}
		return nil
	})

// withoutPort cuts the port off "192.0.2.1:80" and "[2001:db8::1]:80".
func withoutPort(s string) string {
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.IndexByte(s, ':') == i || strings.HasPrefix(s, "[") {
		s = s[:max(i, 0)]
	}
	return strings.Trim(s, "[]")
}

func joined(sep string, parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, sep)
}
