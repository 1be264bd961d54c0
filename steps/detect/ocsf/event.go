// Package ocsf turns the logs of clouds, clusters and AI services into one
// kind of event, in the terms of the Open Cybersecurity Schema Framework 1.8
// (https://schema.ocsf.io/1.8.0) with its ai_operation profile. The source's
// own bytes stay with each event.
package ocsf

import "slices"

// Version is the OCSF version the numbers of Class and Activity belong to.
const Version = "1.8.0"

// Class is an OCSF class_uid.
type Class uint16

// The classes the decoders give.
const (
	ClassUnknown           Class = 0
	ClassAccountChange     Class = 3001 // an identity made, changed, its credentials made or removed
	ClassAuthentication    Class = 3002 // a sign-in, a role assumed, a token given
	ClassEntityManagement  Class = 3004 // a managed thing created, read, changed or deleted
	ClassUserAccess        Class = 3005 // privileges given to or taken from an identity
	ClassNetworkActivity   Class = 4001 // a connection between two addresses
	ClassHTTPActivity      Class = 4002 // a request to a gateway
	ClassAPIActivity       Class = 6003 // a call of an API
	ClassDatastoreActivity Class = 6005 // an object or row read or written
)

// Activity is an OCSF activity_id; its meaning hangs on the class.
type Activity uint8

// Activities of API activity and entity management (1 to 4).
const (
	ActivityUnknown Activity = 0
	ActivityCreate  Activity = 1
	ActivityRead    Activity = 2
	ActivityUpdate  Activity = 3
	ActivityDelete  Activity = 4
	ActivityOther   Activity = 99
)

// Activities of authentication.
const (
	ActivityLogon  Activity = 1
	ActivityLogoff Activity = 2
)

// Activities of network activity.
const (
	ActivityRefuse  Activity = 5
	ActivityTraffic Activity = 6
)

// Source is the format an event was written in.
type Source uint8

// The formats that can be decoded.
const (
	SourceUnknown Source = iota
	CloudTrail
	KubernetesAudit
	BedrockInvocation // Bedrock model-invocation log
	SageMakerCapture  // SageMaker endpoint data capture
	VPCFlow
	GCPAudit
	AzureActivity
	AzureSignIn
	GenAISpan // OpenTelemetry span with gen_ai attributes
	LiteLLM
	EnvoyAI // Envoy AI gateway access log
	Mapped  // JSON with a mapping file
)

// sourceNames are the words for Source in state, reports and mapping files.
var sourceNames = [...]string{"unknown", "cloudtrail", "kubernetes-audit", "bedrock-invocation", "sagemaker-capture", "vpc-flow",
	"gcp-audit", "azure-activity", "azure-signin", "genai-span", "litellm", "envoy-ai", "mapped"}

// String is the source's word, "cloudtrail".
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return sourceNames[0]
}

// OwnID reports whether the ids of a source's events are the provider's. Elsewhere who
// calls may choose them (Kubernetes takes an Audit-ID, gateways an x-request-id, spans are
// the program's own): two events of one id are not one.
func (s Source) OwnID() bool {
	switch s {
	case CloudTrail, BedrockInvocation, SageMakerCapture, GCPAudit, AzureActivity, AzureSignIn, VPCFlow:
		return true
	}
	return false
}

// SourceOf is the source of a word; SourceUnknown for any other.
func SourceOf(word string) Source {
	return Source(max(0, slices.Index(sourceNames[:], word)))
}

// Tri is a fact that may not have been said.
type Tri int8

// The three answers; the zero value is "not said".
const (
	Unsaid Tri = 0
	Yes    Tri = 1
	No     Tri = -1
)

// Event is one thing that happened, of any source. Strings are views of Raw
// wherever the source wrote them without escapes: Raw must not be changed, and
// who keeps a string longer than the event clones it (strings.Clone), or the
// whole file stays in memory. An empty string or 0 means the source did not
// say; it is never a guess.
type Event struct {
	Source   Source
	Class    Class
	Activity Activity
	Failed   bool  // refused or in error; ErrorCode says how, if the source does
	ReadOnly Tri   // the source's own word on whether anything was changed
	MFA      Tri   // the session was opened with a second factor
	Time     int64 // when it happened, Unix milliseconds
	// ID is the source's own event id; a source without one gets
	// "sha256:…" over the raw bytes, so that a replay is still known.
	ID string
	// Account is the account, subscription, project or cluster in which it
	// happened; Actor.Account the one the actor belongs to.
	Account, Region string
	// Service is the API's name as its provider writes it
	// ("sagemaker.amazonaws.com", "aiplatform.googleapis.com",
	// "Microsoft.CognitiveServices", "apps" for a Kubernetes group).
	Service string
	// Action is the operation ("InvokeModel", "create pods/exec").
	Action       string
	ErrorCode    string
	ErrorMessage string
	SourceIP     string // address or, for calls between services, the service's DNS name
	UserAgent    string
	RequestID    string
	Actor        Actor
	// Resources are what was acted on, in the order of the source.
	Resources []Resource
	// Issued is the id of the credential this event gave out (the access key
	// of an AssumeRole, CreateAccessKey): events whose Actor.AccessKey is the
	// same were done with it.
	Issued string
	AI     *AI // set for calls of a model (the ai_operation profile), nil otherwise
	Net    *Net
	// BytesIn and BytesOut are what the caller sent and received.
	BytesIn, BytesOut int64
	// Count is how many occurrences the record stands for; 0 and 1 are one.
	Count int64
	// Raw is the record as the source wrote it.
	Raw []byte
}

// Actor is who did it. Its identity and its session are apart: many sessions
// of one role are one principal.
type Actor struct {
	// Type is the source's word: AssumedRole, IAMUser, Root, AWSService,
	// FederatedUser, serviceAccount, user …
	Type string
	// ID names the principal across its sessions: the ARN of the role or
	// user, a service's name, a service account, a user principal name.
	ID string
	// Session names the session: the role session's name, or its ARN where
	// the role's is not known.
	Session string
	// ARN is the identity's ARN as the source wrote it, the session's in it.
	ARN        string
	Account    string
	AccessKey  string // the id of the credential used, never its secret
	InvokedBy  string // the service that called on behalf of the principal
	SourceID   string // the identity set at the first AssumeRole (sourceIdentity)
	SessionISO string // when the session began, RFC 3339 as written
}

// Resource is a thing an event acted on.
type Resource struct {
	// ID is an ARN or full resource name where the source gives one, else
	// the name as the request spelt it.
	ID string
	// Type is the provider's type (AWS::S3::Object), or the request's
	// parameter the name stood under (bucketName).
	Type    string
	Account string
}

// AI is what the ai_operation profile adds to a call of a model.
type AI struct {
	Model     string // id or ARN of the model or endpoint
	Provider  string // anthropic, openai, aws.bedrock …
	Operation string // chat, text_completion, embeddings, execute_tool …
	// InputTokens and OutputTokens are as the service counted them; -1 if it
	// did not say.
	InputTokens, OutputTokens int64
	Session                   string // conversation or thread
	Finish                    string // why the model stopped: stop, length, content_filter, guardrail_intervened
	Tools                     int64  // tools offered or called
}

// Net is what a network event adds.
type Net struct {
	DstIP            string
	SrcPort, DstPort int32
	Protocol         int32 // IANA number
	Interface        string
}

// Type is the OCSF type_uid: class and activity in one number.
func (e *Event) Type() int { return int(e.Class)*100 + int(e.Activity) }
