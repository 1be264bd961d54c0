package sigma

import (
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// source is what the engine knows of a format of events.
type source struct {
	is ocsf.Source
	// sources a rule's logsource must be one of, as "product/service" or
	// "product/category".
	logs []string
	// keys are the two fields by which rules are indexed: nearly every rule of
	// the source asks one of them for a few texts.
	keys [2]string
	// known are fields the event already holds as text, so that they need not
	// be looked for in the source's bytes.
	known map[string]func(*ocsf.Event) string
	// fold says that upper and lower case of field names are the same.
	fold bool
	// rename gives the places of a field that rules spell another way; nil is
	// the field itself.
	rename func(field string) []string
}

// sources are the formats rules can be for.
var sources = []source{
	{
		is: ocsf.CloudTrail, logs: []string{"aws/cloudtrail"}, keys: [2]string{"eventName", "eventSource"},
		known: map[string]func(*ocsf.Event) string{
			"eventName": func(e *ocsf.Event) string { return e.Action }, "eventSource": func(e *ocsf.Event) string { return e.Service },
			"userAgent": func(e *ocsf.Event) string { return e.UserAgent }, "sourceIPAddress": func(e *ocsf.Event) string { return e.SourceIP },
			"errorCode": func(e *ocsf.Event) string { return e.ErrorCode }, "errorMessage": func(e *ocsf.Event) string { return e.ErrorMessage },
			"awsRegion": func(e *ocsf.Event) string { return e.Region }, "userIdentity.type": func(e *ocsf.Event) string { return e.Actor.Type },
			"userIdentity.arn": func(e *ocsf.Event) string { return e.Actor.ARN },
		},
	},
	{is: ocsf.KubernetesAudit, logs: []string{"kubernetes/audit", "kubernetes/application"}, keys: [2]string{"objectRef.resource", "verb"}},
	{is: ocsf.BedrockInvocation, logs: []string{"aws/bedrock", "aws/bedrock_invocation"}, keys: [2]string{"operation", "modelId"}},
	{is: ocsf.SageMakerCapture, logs: []string{"aws/sagemaker_capture"}},
	{is: ocsf.VPCFlow, logs: []string{"aws/vpcflow"}},
	{is: ocsf.GCPAudit, logs: []string{"gcp/gcp.audit", "gcp/audit"}, keys: [2]string{"protoPayload.methodName", "protoPayload.serviceName"}, rename: renameGCP},
	{is: ocsf.AzureActivity, logs: []string{"azure/activitylogs", "azure/auditlogs", "azure/pim", "azure/resourcelogs"}, keys: [2]string{"operationName", "category"}, fold: true, rename: renameAzure},
	{is: ocsf.AzureSignIn, logs: []string{"azure/signinlogs"}, fold: true, rename: renameSignIn},
	{is: ocsf.GenAISpan, logs: []string{"opentelemetry/genai"}},
	{is: ocsf.LiteLLM, logs: []string{"litellm/proxy"}, keys: [2]string{"call_type", "model"}},
	{is: ocsf.EnvoyAI, logs: []string{"envoy/ai_gateway"}},
	{is: ocsf.Mapped},
}

// takes says whether a rule's logsource means this source.
func (s *source) takes(l LogSource) bool {
	for _, log := range s.logs {
		product, rest, _ := strings.Cut(log, "/")
		if l.Product == product && (l.Service == rest || l.Category == rest && l.Service == "") {
			return true
		}
	}
	return false
}

// renameGCP reads the spellings of SigmaHQ's rules: Elastic's names, and
// fields with the whole entry under "data".
func renameGCP(field string) []string {
	switch field {
	case "gcp.audit.method_name":
		return []string{"protoPayload.methodName"}
	case "gcp.audit.service_name":
		return []string{"protoPayload.serviceName"}
	case "gcp.audit.resource_name":
		return []string{"protoPayload.resourceName"}
	}
	rest, ok := strings.CutPrefix(field, "data.")
	if !ok {
		return nil
	}
	// data.protoPayload.resource.type and .logName stand beside protoPayload.
	if outer, ok := strings.CutPrefix(rest, "protoPayload."); ok {
		return []string{rest, outer}
	}
	return []string{rest}
}

// renameAzure reads the spellings of the Activity log, its export and the
// tables of Log Analytics. Names differ in more than case only here.
func renameAzure(field string) []string {
	switch strings.ToLower(field) {
	case "operationname", "operationnamevalue":
		return []string{"operationName", "operationName.value", "OperationNameValue"}
	case "properties.message":
		return []string{"properties.message", "operationName", "properties.activityDisplayName", "operationName.localizedValue"}
	case "categoryvalue", "category":
		return []string{"category", "CategoryValue", "category.value"}
	case "resourceprovidervalue":
		return []string{"ResourceProviderValue", "resourceProviderName.value"}
	case "status":
		return []string{"status", "status.value", "resultType", "properties.result"}
	case "resulttype":
		return []string{"resultType", "ActivityStatusValue"}
	case "initiatedby", "initiatied.by", "properties.initiatedby":
		return []string{"properties.initiatedBy.user.userPrincipalName", "properties.initiatedBy.app.displayName", "initiatedBy"}
	}
	return nil
}

// renameSignIn reads sign-in logs as exported, as the Graph gives them and as
// Log Analytics keeps them.
func renameSignIn(field string) []string {
	switch strings.ToLower(field) {
	case "resulttype":
		return []string{"resultType", "properties.status.errorCode", "status.errorCode"}
	case "resultdescription":
		return []string{"resultDescription", "properties.status.failureReason", "status.failureReason"}
	}
	if rest, ok := strings.CutPrefix(strings.ToLower(field), "properties."); ok {
		return []string{field, rest}
	}
	return []string{field, "properties." + field}
}

// plain are the fields of OCSF that the event holds as one text, and computed the others, of
// which there may be several values; each appends its own. Both are what rules with
// "taxonomy: ocsf" ask, of events of any source.
var plain = map[string]func(*ocsf.Event) string{
	"api.operation":             func(e *ocsf.Event) string { return e.Action },
	"api.service.name":          func(e *ocsf.Event) string { return e.Service },
	"api.response.error":        func(e *ocsf.Event) string { return e.ErrorCode },
	"api.response.message":      func(e *ocsf.Event) string { return e.ErrorMessage },
	"api.request.uid":           func(e *ocsf.Event) string { return e.RequestID },
	"metadata.uid":              func(e *ocsf.Event) string { return e.ID },
	"cloud.account.uid":         func(e *ocsf.Event) string { return e.Account },
	"cloud.region":              func(e *ocsf.Event) string { return e.Region },
	"actor.user.uid":            func(e *ocsf.Event) string { return e.Actor.ID },
	"actor.user.type":           func(e *ocsf.Event) string { return e.Actor.Type },
	"actor.user.account.uid":    func(e *ocsf.Event) string { return e.Actor.Account },
	"actor.user.credential_uid": func(e *ocsf.Event) string { return e.Actor.AccessKey },
	"actor.session.uid":         func(e *ocsf.Event) string { return e.Actor.Session },
	"actor.invoked_by":          func(e *ocsf.Event) string { return e.Actor.InvokedBy },
	"src_endpoint.ip":           func(e *ocsf.Event) string { return e.SourceIP },
	"http_request.user_agent":   func(e *ocsf.Event) string { return e.UserAgent },
	"status": func(e *ocsf.Event) string {
		if e.Failed {
			return "Failure"
		}
		return "Success"
	},
}

var computed = map[string]func(e *ocsf.Event, out []string) []string{
	"class_uid":         func(e *ocsf.Event, out []string) []string { return some(out, strconv.Itoa(int(e.Class))) },
	"activity_id":       func(e *ocsf.Event, out []string) []string { return some(out, strconv.Itoa(int(e.Activity))) },
	"type_uid":          func(e *ocsf.Event, out []string) []string { return some(out, strconv.Itoa(e.Type())) },
	"time":              func(e *ocsf.Event, out []string) []string { return whole(out, e.Time, 1) },
	"metadata.log_name": func(e *ocsf.Event, out []string) []string { return some(out, e.Source.String()) },
	"is_mfa":            func(e *ocsf.Event, out []string) []string { return said(out, e.MFA) },
	"resources.uid": func(e *ocsf.Event, out []string) []string {
		return resources(e, out, func(r ocsf.Resource) string { return r.ID })
	},
	"resources.type": func(e *ocsf.Event, out []string) []string {
		return resources(e, out, func(r ocsf.Resource) string { return r.Type })
	},
	"traffic.bytes_in":  func(e *ocsf.Event, out []string) []string { return whole(out, e.BytesIn, 0) },
	"traffic.bytes_out": func(e *ocsf.Event, out []string) []string { return whole(out, e.BytesOut, 0) },
	"ai_model.name": func(e *ocsf.Event, out []string) []string {
		return model(e, out, func(a *ocsf.AI) string { return a.Model })
	},
	"ai_model.ai_provider": func(e *ocsf.Event, out []string) []string {
		return model(e, out, func(a *ocsf.AI) string { return a.Provider })
	},
	"ai_operation": func(e *ocsf.Event, out []string) []string {
		return model(e, out, func(a *ocsf.AI) string { return a.Operation })
	},
	"message_context.session_uid": func(e *ocsf.Event, out []string) []string {
		return model(e, out, func(a *ocsf.AI) string { return a.Session })
	},
	"message_context.finish_reason": func(e *ocsf.Event, out []string) []string {
		return model(e, out, func(a *ocsf.AI) string { return a.Finish })
	},
	"message_context.prompt_tokens": func(e *ocsf.Event, out []string) []string {
		return tokens(e, out, func(a *ocsf.AI) int64 { return a.InputTokens })
	},
	"message_context.completion_tokens": func(e *ocsf.Event, out []string) []string {
		return tokens(e, out, func(a *ocsf.AI) int64 { return a.OutputTokens })
	},
	"message_context.total_tokens": func(e *ocsf.Event, out []string) []string { return tokens(e, out, totalTokens) },
	"dst_endpoint.ip": func(e *ocsf.Event, out []string) []string {
		return netText(e, out, func(n *ocsf.Net) string { return n.DstIP })
	},
	"dst_endpoint.port": func(e *ocsf.Event, out []string) []string {
		return netText(e, out, func(n *ocsf.Net) string { return strconv.Itoa(int(n.DstPort)) })
	},
	"src_endpoint.port": func(e *ocsf.Event, out []string) []string {
		return netText(e, out, func(n *ocsf.Net) string { return strconv.Itoa(int(n.SrcPort)) })
	},
}

func some(out []string, s string) []string {
	if s == "" {
		return out
	}
	return append(out, s)
}

func whole(out []string, n, least int64) []string {
	if n < least {
		return out
	}
	return append(out, strconv.FormatInt(n, 10))
}

func said(out []string, t ocsf.Tri) []string {
	switch t {
	case ocsf.Yes:
		return append(out, "true")
	case ocsf.No:
		return append(out, "false")
	}
	return out
}

func resources(e *ocsf.Event, out []string, get func(ocsf.Resource) string) []string {
	for _, r := range e.Resources {
		out = some(out, get(r))
	}
	return out
}

func model(e *ocsf.Event, out []string, get func(*ocsf.AI) string) []string {
	if e.AI == nil {
		return out
	}
	return some(out, get(e.AI))
}

func tokens(e *ocsf.Event, out []string, get func(*ocsf.AI) int64) []string {
	if e.AI == nil {
		return out
	}
	return whole(out, get(e.AI), 0)
}

// totalTokens is -1 unless both counts were said.
func totalTokens(a *ocsf.AI) int64 {
	if a.InputTokens < 0 || a.OutputTokens < 0 {
		return max(a.InputTokens, a.OutputTokens)
	}
	return a.InputTokens + a.OutputTokens
}

func netText(e *ocsf.Event, out []string, get func(*ocsf.Net) string) []string {
	if e.Net == nil {
		return out
	}
	return some(out, get(e.Net))
}
