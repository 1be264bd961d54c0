// Package estate holds what a company has: assets, the typed relations between
// them, what could not be seen, and an immutable snapshot of it all that answers
// path questions. It imports only the standard library.
package estate

import (
	"encoding/json"
	"time"
)

// Kind is what an asset is to the analysis, whatever the provider calls it.
type Kind string

// The kinds. An asset whose type no provider reading knows has KindUnknown
// and is reported as such: an unread type is never silently dropped.
const (
	KindUnknown     Kind = ""
	KindIdentity    Kind = "identity"
	KindPolicy      Kind = "policy"
	KindCompute     Kind = "compute"
	KindModel       Kind = "model"
	KindEndpoint    Kind = "endpoint"
	KindDataset     Kind = "dataset"
	KindStore       Kind = "store"
	KindPipeline    Kind = "pipeline"
	KindNetwork     Kind = "network"
	KindSecret      Kind = "secret"
	KindImage       Kind = "image"
	KindPackage     Kind = "package"
	KindService     Kind = "service"
	KindEventSource Kind = "event-source"
)

// Cloud names the provider an asset belongs to.
type Cloud string

// The clouds.
const (
	AWS        Cloud = "aws"
	Kubernetes Cloud = "kubernetes"
	Azure      Cloud = "azure"
	GCP        Cloud = "gcp"
	Terraform  Cloud = "terraform"
	MLflow     Cloud = "mlflow"
)

// SetType is the type of a set node: a class of assets ("principals allowed
// by this statement") that relations join, so that ten thousand principals
// and a hundred thousand objects cost two edges each and never a pair each.
const SetType = "sevenfold::Set"

// ImageType is the type of a container image, id image://REF: no cloud owns a
// reference that several of them run.
const ImageType = "sevenfold::Image"

// Asset is one thing in the estate, with the provider's own identifier, type
// spelling and configuration. An Asset is a value: collectors fill the first
// group of fields, a provider's Understand the second, and nothing changes it
// once a Snapshot holds it.
type Asset struct {
	// ID is the provider's own identifier: an ARN, an Azure resource id, a GCP
	// full resource name, k8s://CLUSTER/NS/KIND[.GROUP]/NAME, PARENT#kind/name
	// for a part, terraform://ADDRESS and cloudformation://STACK/LogicalId for
	// what is not yet born.
	ID string `json:"id"`
	// Type as CloudFormation, ARM, Cloud Asset Inventory and Kubernetes GVK
	// spell it ("AWS::S3::Bucket", "apps/v1/Deployment", "v1/Pod").
	Type    string `json:"type"`
	Cloud   Cloud  `json:"cloud"`
	Account string `json:"account,omitempty"` // account id, or cluster name
	Region  string `json:"region,omitempty"`  // region, or namespace in a cluster
	Name    string `json:"name,omitempty"`
	// Tags are cloud tags or Kubernetes labels. Nil when they were not read;
	// empty when they were read and there are none.
	Tags map[string]string `json:"tags,omitzero"`
	// Config is the provider's describe output as one JSON object: the primary
	// reply at the root, each further reply under its operation's name
	// ("GetBucketPolicy"), spelt as the AWS command line prints them.
	Config json.RawMessage `json:"config,omitempty"`
	// Reads lists the operations this configuration came from, and those that
	// were refused. What has no successful read here is unknown, not absent.
	Reads []Read `json:"reads,omitempty"`
	// Unknown lists JSON pointers into Config that will be known only later
	// (a plan's "known after apply").
	Unknown []string `json:"unknown,omitempty"`
	// Source is the source this came from, as given on the command line.
	Source string `json:"source,omitempty"`

	// Kind is set by the provider's Understand.
	Kind Kind `json:"kind,omitempty"`
	// Created is the provider's creation time; zero if it does not say.
	Created time.Time `json:"created,omitzero"`
	// Root is set when this asset is the root of an AI workload.
	Root *Root `json:"root,omitempty"`
	// Referenced marks an asset that is only known because another names it:
	// its own configuration was never read.
	Referenced bool `json:"referenced,omitempty"`
}

// ReadStatus says how one operation on one asset ended.
type ReadStatus string

// The ways a read ends. Only ReadOK and ReadAbsent support a pass.
const (
	ReadOK        ReadStatus = "ok"
	ReadAbsent    ReadStatus = "absent"    // the provider says: not configured (NoSuchBucketPolicy)
	ReadDenied    ReadStatus = "denied"    // refused for want of a grant
	ReadThrottled ReadStatus = "throttled" // still refused after all retries
	ReadFailed    ReadStatus = "failed"    // any other error, time-outs included
	ReadMalformed ReadStatus = "malformed" // an answer that does not fit its published shape
	ReadSkipped   ReadStatus = "skipped"   // left out on purpose: over a stated bound
)

// Known reports whether a read with this status tells what is there, be it
// that nothing is.
func (s ReadStatus) Known() bool { return s == ReadOK || s == ReadAbsent }

// GivenTags is the operation of a Read that lists, as a JSON list in Why, the tags
// of an asset that it does not set itself: a provider block of Terraform gives them
// to all of its resources (default_tags). Its key is its own name.
const GivenTags = "terraform:default_tags"

// Read is one operation that was, or should have been, read for an asset.
type Read struct {
	// Operation is "service:Operation" as the provider's API spells it
	// ("s3:GetBucketPolicy", "kubernetes:list").
	Operation string `json:"operation"`
	// Key is where in Config the reply stands: "" for the root.
	Key    string     `json:"key,omitempty"`
	Status ReadStatus `json:"status"`
	// Why is the provider's error code and message, shortened and without
	// secrets; empty when Status is known.
	Why string `json:"why,omitempty"`
	// Grant is the permission that would end a refusal ("s3:GetBucketPolicy").
	Grant string `json:"grant,omitempty"`
}

// Root says that an asset is the root of an AI workload, and why.
type Root struct {
	// Class of workload: "training job", "model endpoint", "data pipeline",
	// "notebook", "agent" or "management".
	Class string `json:"class"`
	// Family joins the runs of one job (pipeline name or name prefix); roots of
	// one class, account and family are one workload. Empty: the asset alone.
	Family string `json:"family,omitempty"`
	// Why is one sentence for inventory --why.
	Why string `json:"why"`
}

// The classes of AI workload.
const (
	ClassTraining   = "training job"
	ClassEndpoint   = "model endpoint"
	ClassPipeline   = "data pipeline"
	ClassNotebook   = "notebook"
	ClassAgent      = "agent"
	ClassManagement = "management"
)

// Tier is how sure a relation is.
type Tier string

// The tiers.
const (
	Declared Tier = "declared" // configuration says so
	Observed Tier = "observed" // a log shows it
	Possible Tier = "possible" // analysis derives it
)

// RelationType is the verb of a relation, read from From to To.
type RelationType string

// The declared relation types. Derived ones are named by the step that gives
// them.
const (
	RunsAs     RelationType = "runs-as"     // compute -> identity whose rights it has
	MemberOf   RelationType = "member-of"   // identity -> group; asset -> network, cluster, zone
	Attached   RelationType = "attached"    // identity or network -> policy, security group -> interface owner
	Trusts     RelationType = "trusts"      // role -> principal its trust policy names
	Contains   RelationType = "contains"    // whole -> part
	Reads      RelationType = "reads"       // compute -> store, dataset, secret
	Writes     RelationType = "writes"      // compute -> store
	Serves     RelationType = "serves"      // endpoint -> model
	Trains     RelationType = "trains"      // job -> model
	RoutesTo   RelationType = "routes-to"   // network -> next hop or target
	Uses       RelationType = "uses"        // asset -> configuration it is made from
	Loads      RelationType = "loads"       // compute or model -> image, artefact, package
	EncryptsBy RelationType = "encrypts-by" // store -> key
	LogsTo     RelationType = "logs-to"     // asset -> store or event source
	Triggers   RelationType = "triggers"    // event source, schedule, pipeline -> what it starts
	Scales     RelationType = "scales"      // autoscaler -> what it grows
	Grants     RelationType = "grants"      // policy or binding -> set or identity it gives rights to
	Governs    RelationType = "governs"     // policy, key or trail -> what it applies to
)

// Relation is a typed, directed edge with its evidence.
type Relation struct {
	From string       `json:"from"`
	To   string       `json:"to"`
	Type RelationType `json:"type"`
	Tier Tier         `json:"tier"`
	// Evidence says where it stands: a path in From's configuration
	// ("config.RoleArn"), an event id, or the analysis and its premises.
	Evidence string `json:"evidence,omitempty"`
}

// BlindSpot is what could not be read, parsed or decided. A blind spot makes
// whatever depends on it unknown; Hint says what would end it.
type BlindSpot struct {
	Source  string `json:"source"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
	// Operation refused, "service:Operation"; or the file and place.
	Operation string `json:"operation"`
	// Asset is the id of the asset it hides part of; empty when it hides an
	// unknown number of assets of the listed Types.
	Asset string   `json:"asset,omitempty"`
	Types []string `json:"types,omitempty"`
	// Status is the kind of failure, Why the provider's or parser's words.
	Status ReadStatus `json:"status"`
	Why    string     `json:"why"`
	// Hint is the next command or grant, e.g. "grant s3:ListAllMyBuckets".
	Hint string `json:"hint,omitempty"`
}

// NoMend is the hint of a blind spot that hides nothing: what was not read tells nothing
// that anything asks.
const NoMend = "none is needed; other replies tell what matters"

// SourceStatus says how far one source was read.
type SourceStatus struct {
	Source  string  `json:"source"`
	Status  string  `json:"status"` // complete | partial | failed
	Assets  int     `json:"assets"`
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	// Covered lists the (type, account, region) scopes that were listed to the
	// end: only there does the absence of an asset mean that none exists.
	Covered []Coverage `json:"covered,omitempty"`
}

// Coverage is one type listed to the end in one account and region (region
// empty for global types).
type Coverage struct {
	Type    string `json:"type"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
}

// Sink takes what a collector reads. Its methods may be called from many
// goroutines. A collector sends an asset as soon as it has it and may send
// further parts of the same asset later: same ID, other Reads; they are merged.
type Sink interface {
	Asset(Asset)
	BlindSpot(BlindSpot)
	// Covered says that every asset of a type in a scope has been sent.
	Covered(Coverage)
	// Called counts one call made to the provider (or file read), for progress.
	Called(operation string)
}

// Understanding is what a provider makes of one asset's configuration.
type Understanding struct {
	Kind    Kind
	Name    string
	Tags    map[string]string // nil: keep the asset's own
	Created time.Time
	Root    *Root
	// RootUnless are ids of assets that show the same root themselves: if one of
	// them has been read, this asset is none beside it.
	RootUnless []string
	// Relations may name assets that no source sent: the snapshot adds those as
	// Referenced assets.
	Relations []Relation
	// Parts are assets of their own that this configuration holds (containers
	// of a pod, variants of an endpoint, statements' sets), already understood.
	Parts []Asset
	// Problems say what in the configuration could not be understood, each a
	// path and a reason; they become blind spots.
	Problems []Problem
}

// Problem is a place in a configuration that could not be understood.
type Problem struct {
	Path string // "config.AssumeRolePolicyDocument"
	Why  string
}

// Addition is what a step adds to the graph: the next snapshot is the former
// one with it.
type Addition struct {
	Assets     []Asset
	Relations  []Relation
	BlindSpots []BlindSpot
}
