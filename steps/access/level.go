package access

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// Level is how something is touched, a set of the levels below.
type Level uint8

// The levels, weakest first.
const (
	Read       Level = 1 << iota // what it is and holds
	Run                          // call, start, stop or enter it, or act as it
	Change                       // make, alter, delete it or what it holds
	Administer                   // decide who else may
	AllLevels  = Read | Run | Change | Administer
)

// levels lists the single ones, strongest first, with their names.
var levels = []struct {
	level Level
	name  string
}{{Administer, "administer"}, {Change, "change"}, {Run, "run"}, {Read, "read"}}

// Names spells a set, strongest first.
func (l Level) Names() []string {
	out := []string{}
	for _, one := range levels {
		if l&one.level != 0 {
			out = append(out, one.name)
		}
	}
	return out
}

// verbs say what an action does by its first word; an action that begins with
// none of them is taken for a change, which is the more careful reading.
var verbs = map[Level][]string{
	Read: {"Get", "List", "Describe", "BatchGet", "Search", "Query", "Scan", "Select", "View", "Head", "Download", "Retrieve", "Decrypt", "Lookup",
		"Check", "Preview", "Estimate", "Read", "Count", "Peek", "BatchCheck", "PartiQLSelect", "ConditionCheck", "Validate", "Subscribe", "Export"},
	Run: {"Invoke", "Converse", "Start", "Run", "Execute", "Predict", "Apply", "Generate", "Detect", "Classify", "Rerank", "Recognize", "Analyze", "BatchDetect",
		"BatchInvoke", "Stop", "Send", "Submit", "Evaluate", "Chat", "Call", "Connect", "Assume", "Pass", "Complete", "Contains", "Optimize", "Render", "Access", "Resume", "Signal", "Redrive"},
	Change: {"Create", "Update", "Delete", "Put", "Modify", "Register", "Deregister", "Tag", "Untag", "Add", "Remove", "Import", "Upload", "Write", "BatchWrite", "BatchPut",
		"BatchCreate", "BatchUpdate", "BatchDelete", "Restore", "Replicate", "Abort", "Enable", "Disable", "Cancel", "Schedule", "Associate", "Disassociate", "Attach",
		"Detach", "Copy", "Encrypt", "ReEncrypt", "Rotate", "Set", "Reset", "Publish", "Ingest", "Initiate", "Merge", "Prepare", "Sign"},
}

// telling are actions whose first word misleads, and those by which a pattern
// that begins with a wildcard is told. Kept for the services whose assets are
// asked about.
var telling = map[string]map[string]Level{
	"s3": {"GetObject": Read, "ListBucket": Read, "PutObject": Change, "DeleteObject": Change, "DeleteBucket": Change, "PutBucketPolicy": Administer,
		"DeleteBucketPolicy": Administer, "PutObjectAcl": Administer, "PutBucketAcl": Administer, "PutBucketPublicAccessBlock": Administer,
		"BypassGovernanceRetention": Change, "ObjectOwnerOverrideToBucketOwner": Change, "PutReplicationConfiguration": Change, "GetBucketPolicy": Read},
	"sagemaker": {"InvokeEndpoint": Run, "InvokeEndpointAsync": Run, "InvokeEndpointWithResponseStream": Run, "CreatePresignedNotebookInstanceUrl": Run, "CreatePresignedDomainUrl": Run,
		"CreateTrainingJob": Run, "CreateProcessingJob": Run, "CreateTransformJob": Run, "CreateEndpoint": Change, "UpdateEndpoint": Change, "UpdateModelPackage": Change,
		"DeleteModel": Change, "DescribeModel": Read, "ListModels": Read, "PutModelPackageGroupPolicy": Administer, "DeleteModelPackageGroupPolicy": Administer, "StartPipelineExecution": Run},
	"bedrock": {"InvokeModel": Run, "InvokeAgent": Run, "Retrieve": Read, "RetrieveAndGenerate": Run, "CreateAgent": Change, "UpdateAgent": Change, "DeleteGuardrail": Change,
		"GetAgent": Read, "PutResourcePolicy": Administer, "CallWithBearerToken": Run, "AssociateThirdPartyKnowledgeBase": Change, "CreateModelCustomizationJob": Run},
	"bedrock-agentcore": {"InvokeAgentRuntime": Run, "CreateAgentRuntime": Change, "GetAgentRuntime": Read, "PutResourcePolicy": Administer},
	"kms":               {"Decrypt": Read, "Encrypt": Change, "GenerateDataKey": Change, "CreateGrant": Administer, "PutKeyPolicy": Administer, "ScheduleKeyDeletion": Change, "DescribeKey": Read, "Sign": Run},
	"secretsmanager":    {"GetSecretValue": Read, "PutSecretValue": Change, "DeleteSecret": Change, "PutResourcePolicy": Administer, "RotateSecret": Change},
	"ecr":               {"BatchGetImage": Read, "GetDownloadUrlForLayer": Read, "PutImage": Change, "CompleteLayerUpload": Change, "UploadLayerPart": Change, "SetRepositoryPolicy": Administer},
	"lambda":            {"InvokeFunction": Run, "InvokeFunctionUrl": Run, "UpdateFunctionCode": Change, "GetFunction": Read, "AddPermission": Administer, "RemovePermission": Administer},
	"aoss":              {"APIAccessAll": AllLevels &^ Administer, "DashboardsAccessAll": Read | Change, "UpdateAccessPolicy": Administer, "BatchGetCollection": Read},
	"es":                {"ESHttpGet": Read, "ESHttpHead": Read, "ESHttpPost": Read | Change, "ESHttpPut": Change, "ESHttpDelete": Change, "ESHttpPatch": Change, "UpdateDomainConfig": Administer},
	"states":            {"StartExecution": Run, "UpdateStateMachine": Change, "DescribeStateMachine": Read},
	"glue":              {"StartJobRun": Run, "UpdateJob": Change, "GetTable": Read, "PutResourcePolicy": Administer},
	"dynamodb":          {"GetItem": Read, "PutItem": Change, "DeleteTable": Change, "Query": Read, "PutResourcePolicy": Administer},
	"execute-api":       {"Invoke": Run, "ManageConnections": Run},
	// Of a role only what gives its rights to somebody counts.
	"iam": {"PassRole": Run, "UpdateAssumeRolePolicy": Administer, "AttachRolePolicy": Administer, "PutRolePolicy": Administer, "CreatePolicyVersion": Administer,
		"DeleteRolePermissionsBoundary": Administer, "PutRolePermissionsBoundary": Administer, "DetachRolePolicy": Administer, "DeleteRolePolicy": Administer, "DeleteRole": Change, "UpdateRole": Change, "TagRole": Change},
	"sts": {"AssumeRole": Run, "AssumeRoleWithSAML": Run, "AssumeRoleWithWebIdentity": Run},
}

// beside lists the action prefixes that act on the resources of a service
// beside its own.
var beside = map[string][]string{
	"sagemaker": {"sagemaker-mlflow", "sagemaker-geospatial"}, "iam": {"sts"}, "apigateway": {"execute-api"},
	"s3": {"s3-object-lambda"}, "bedrock": {"bedrock-mantle"},
}

// granted returns how the actions of a statement touch the resources of a
// service (as its ARNs spell it); 0 where they do not.
func granted(s *aws.Statement, service string) Level {
	var out Level
	if len(s.Actions) == 0 {
		out = ofOthers(s.NotActions, service)
		if service == "iam" { // whoever may not use IAM may still assume a role
			out |= ofOthers(s.NotActions, "sts")
		}
		return out
	}
	for _, prefix := range append([]string{service}, beside[service]...) {
		for _, a := range s.Actions {
			out |= ofAction(a, prefix)
		}
	}
	return out
}

// ofAction returns the levels of an action or pattern on one service.
func ofAction(action, service string) Level {
	if action == "*" {
		return ofName("*", service)
	}
	prefix, name, found := strings.Cut(action, ":")
	if !found || !expr.Glob(strings.ToLower(prefix), service) {
		return 0
	}
	return ofName(name, service)
}

// ofName returns the levels of an action's name or pattern.
func ofName(name, service string) Level {
	known := telling[service]
	if !strings.ContainsAny(name, "*?") {
		for n, l := range known {
			if strings.EqualFold(n, name) {
				return l
			}
		}
		if service == "iam" || service == "sts" {
			return 0 // reads a role, or is about another kind of thing
		}
		return byWords(name)
	}
	pattern := strings.ToLower(name)
	var out Level
	for n, l := range known {
		if expr.Glob(pattern, strings.ToLower(n)) {
			out |= l
		}
	}
	switch {
	case service == "iam" || service == "sts":
		return out
	case strings.Trim(pattern, "*") == "":
		return AllLevels
	case pattern[0] == '*':
		if out == 0 {
			return AllLevels // what it means is not known: more rather than less
		}
		return out
	}
	for level, list := range verbs {
		for _, v := range list {
			if begins(pattern, strings.ToLower(v)) {
				out |= level
			}
		}
	}
	if out == 0 {
		out = Change // as a name that begins with no verb
	}
	if expr.Glob(pattern, "putresourcepolicy") || out&Change != 0 && byWords(strings.Trim(pattern, "*?")) == Administer {
		out |= Administer
	}
	return out
}

// byWords reads an action's name.
func byWords(name string) Level {
	best, level := "", Change
	for l, list := range verbs {
		for _, v := range list {
			if len(v) > len(best) && len(name) >= len(v) && strings.EqualFold(name[:len(v)], v) {
				best, level = v, l
			}
		}
	}
	if level == Change {
		lower := strings.ToLower(name)
		for _, w := range []string{"policy", "permission", "acl", "grant", "publicaccess"} {
			if strings.Contains(lower, w) {
				return Administer
			}
		}
	}
	return level
}

// ofOthers returns the levels left by a statement that names all actions but
// some: none if the whole service is left out, else all of them, since what is
// left of a level is not told by its actions' names.
func ofOthers(not []string, service string) Level {
	out := ofName("*", service)
	for _, n := range not {
		prefix, name, found := strings.Cut(strings.ToLower(n), ":")
		if n == "*" || found && strings.Trim(name, "*") == "" && name != "" && expr.Glob(prefix, service) {
			return 0
		}
	}
	return out
}
