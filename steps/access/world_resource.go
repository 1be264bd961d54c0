package access

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// ownReads are, by type, the operation that tells an asset's own policy, as it
// stands in Read.Key. A type that is not here has none, or one that stands in its
// describe. See docs/access-data.md.
var ownReads = map[string]string{
	"AWS::S3::Bucket": "GetBucketPolicy", "AWS::S3::AccessPoint": "GetAccessPointPolicy", "AWS::S3Express::DirectoryBucket": "GetBucketPolicy",
	"AWS::S3Tables::TableBucket": "GetTableBucketPolicy", "AWS::S3Vectors::VectorBucket": "GetVectorBucketPolicy",
	"AWS::KMS::Key": "GetKeyPolicy", "AWS::SecretsManager::Secret": "GetResourcePolicy", "AWS::SQS::Queue": "GetQueueAttributes", "AWS::SNS::Topic": "GetTopicAttributes",
	"AWS::ECR::Repository": "GetRepositoryPolicy", "AWS::Lambda::Function": "GetPolicy", "AWS::Lambda::Alias": "GetPolicy", "AWS::Lambda::LayerVersion": "GetLayerVersionPolicy",
	"AWS::SageMaker::ModelPackageGroup": "GetModelPackageGroupPolicy", "AWS::Bedrock::Guardrail": "GetResourcePolicy", "AWS::Bedrock::KnowledgeBase": "GetResourcePolicy",
	"AWS::BedrockAgentCore::Runtime": "GetResourcePolicy", "AWS::BedrockAgentCore::Gateway": "GetResourcePolicy",
	"AWS::Comprehend::DocumentClassifier": "DescribeResourcePolicy", "AWS::Comprehend::EntityRecognizer": "DescribeResourcePolicy",
	"AWS::EFS::FileSystem": "DescribeFileSystemPolicy", "AWS::Backup::BackupVault": "GetBackupVaultAccessPolicy", "AWS::DynamoDB::Table": "GetResourcePolicy", "AWS::Kinesis::Stream": "GetResourcePolicy",
}

// doubt says what beside its policy was not read of a resource.
type doubt struct {
	grants string // a key's grants, which may allow more
	public string // S3's Block Public Access, which may leave everyone less
}

// readAt says how the read ended whose reply stands under a key.
func readAt(a *estate.Asset, key string) estate.ReadStatus {
	for _, r := range a.Reads {
		if r.Key == key {
			return r.Status
		}
	}
	return ""
}

// unreadAt says in words that a reply was not read; empty if it was.
func unreadAt(a *estate.Asset, key, what string) string {
	switch how := readAt(a, key); {
	case how.Known():
		return ""
	case how == "":
		return what + " not read"
	default:
		return what + " not read: " + key + " " + string(how)
	}
}

// notOwn are types whose policy says something else than who may act on them: a
// network endpoint's bounds what passes it, a registry's whom it copies for.
var notOwn = map[string]bool{"AWS::EC2::VPCEndpoint": true, "AWS::ECR::RegistryPolicy": true, "AWS::Logs::ResourcePolicy": true, "AWS::Organizations::ResourcePolicy": true}

// resource adds an asset as something that requests are made on.
func (r *reader) resource(n estate.Node, a *estate.Asset) error {
	if a.Kind == estate.KindPolicy || a.Type == estate.SetType || strings.Contains(a.ID, "#") {
		return nil
	}
	if _, ok := aws.ParseARN(a.ID); !ok {
		return nil
	}
	config, err := r.snap.Config(n)
	if err != nil {
		return fmt.Errorf("policy of %s: %w", a.ID, err)
	}
	t := plainResource(a)
	r.account(t.Account)
	if ownReads[a.Type] == "" && !bytes.Contains(config, []byte("Statement")) {
		return nil // it is made known when it is asked about: see Amazon.ensure
	}
	r.world.AddResource(t)
	r.resources = append(r.resources, t)
	if notOwn[a.Type] {
		return nil
	}
	if op := ownReads[a.Type]; op != "" {
		t.Unread = unreadAt(a, op, "its own policy was")
	}
	if bytes.Contains(config, []byte("Statement")) || len(a.Unknown) > 0 && ownReads[a.Type] != "" {
		r.ownPolicy(n, a, config, t)
	}
	switch a.Type {
	case "AWS::S3::Bucket":
		r.bucket(a, config, t)
	case "AWS::KMS::Key":
		keyGrants(config, t)
		if !strings.Contains(string(config), `"KeyManager":"AWS"`) {
			if why := unreadAt(a, "ListGrants", "the grants of "+a.ID+" were"); why != "" {
				r.doubts[a.ID] = doubt{grants: why}
			}
		}
	}
	return nil
}

// plainResource is an asset as something that requests are made on, without its
// own policy.
func plainResource(a *estate.Asset) *iam.Resource {
	t := &iam.Resource{ARN: a.ID, Account: a.Account, Tags: a.Tags, TagsUnread: a.Tags == nil}
	if t.Account == "" {
		t.Account = accountOf(a)
	}
	return t
}

// ensure makes the asset that a request is made on known to the world. Assets
// without a policy of their own are not kept there beforehand: there are a
// hundred for each that has one.
func (m *Amazon) ensure(arn string) {
	if m.world.Resource(arn) != nil {
		return
	}
	for end := len(arn); end > 0; end = strings.LastIndexAny(arn[:end], "/:") {
		n, ok := m.snap.Find(arn[:end])
		if !ok {
			continue
		}
		if a := m.snap.Asset(n); !a.Referenced && a.Cloud == estate.AWS && !strings.Contains(a.ID, "#") {
			m.world.AddResource(plainResource(a))
			return
		}
	}
}

// ownPolicy finds where an asset's own policy stands.
func (r *reader) ownPolicy(n estate.Node, a *estate.Asset, config json.RawMessage, t *iam.Resource) {
	whole := *a
	whole.Config = config
	policies, problems := aws.Policies(&whole)
	for _, p := range policies {
		if p.Kind != aws.ResourcePolicy {
			continue
		}
		document := lookup(config, p.Path)
		switch {
		case later(a, p.Path):
			t.Policy = iam.Unread(a.ID, "its policy is known after apply")
		case len(document) == 0:
			t.Unread = "its policy could not be found again at " + p.Path
		default:
			t.Policy = r.compile(a.ID, document, source{n, p.Path})
			t.Unread = ""
		}
		return
	}
	reply := "/" + ownReads[a.Type]
	for _, u := range a.Unknown {
		// Beside the policy there may be replies that tell of it, as its status.
		if u == "" || u == reply || strings.Contains(u, "olicy") && (reply == "/" || strings.HasPrefix(u, reply+"/")) {
			t.Policy = iam.Unread(a.ID, "its policy is known after apply")
			return
		}
	}
	for _, p := range problems {
		if strings.Contains(p.Path, "olicy") {
			t.Unread = "its policy was not understood (" + p.Path + ": " + p.Why + ")"
		}
	}
}

// listActions are the actions that a permission of a bucket's access control
// list allows. Source: S3 User Guide, "Mapping of ACL permissions and access
// policy permissions".
var listActions = map[string][]string{
	"READ":      {"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"},
	"WRITE":     {"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"},
	"READ_ACP":  {"s3:GetBucketAcl"},
	"WRITE_ACP": {"s3:PutBucketAcl"},
}

// publicBlock is S3's Block Public Access.
type publicBlock struct{ IgnorePublicAcls, RestrictPublicBuckets bool }

// bucket reads what beside its policy decides who may act on a bucket.
func (r *reader) bucket(a *estate.Asset, config json.RawMessage, t *iam.Resource) {
	var c struct {
		GetPublicAccessBlock       struct{ PublicAccessBlockConfiguration publicBlock }
		GetBucketOwnershipControls struct {
			OwnershipControls struct {
				Rules []struct{ ObjectOwnership string }
			}
		}
		GetBucketAcl struct {
			Grants []struct {
				Grantee    struct{ URI string }
				Permission string
			}
		}
	}
	if json.Unmarshal(config, &c) != nil {
		return // what of it was not understood is said of the policy
	}
	block := c.GetPublicAccessBlock.PublicAccessBlockConfiguration
	if n, ok := r.snap.Find("arn:aws:s3::" + t.Account + ":account-public-access-block"); ok {
		var whole publicBlock
		if raw, err := r.snap.Config(n); err == nil && json.Unmarshal(raw, &whole) == nil {
			block.IgnorePublicAcls = block.IgnorePublicAcls || whole.IgnorePublicAcls
			block.RestrictPublicBuckets = block.RestrictPublicBuckets || whole.RestrictPublicBuckets
		}
	}
	t.RestrictPublic = block.RestrictPublicBuckets
	if why := unreadAt(a, "GetPublicAccessBlock", "Block Public Access of "+a.ID+" was"); why != "" && !(block.RestrictPublicBuckets && block.IgnorePublicAcls) {
		r.doubts[a.ID] = doubt{public: why}
	}
	for _, rule := range c.GetBucketOwnershipControls.OwnershipControls.Rules {
		if rule.ObjectOwnership == "BucketOwnerEnforced" {
			return // its lists do not count
		}
	}
	if block.IgnorePublicAcls {
		return
	}
	for _, g := range c.GetBucketAcl.Grants {
		l := iam.ListGrant{Permission: g.Permission, Actions: listActions[g.Permission],
			Everyone: strings.HasSuffix(g.Grantee.URI, "/global/AllUsers"), Signed: strings.HasSuffix(g.Grantee.URI, "/global/AuthenticatedUsers")}
		if g.Permission == "FULL_CONTROL" {
			for _, actions := range listActions {
				l.Actions = append(l.Actions, actions...)
			}
		}
		if l.Everyone || l.Signed {
			t.Lists = append(t.Lists, l)
		}
	}
}

// keyGrants reads a key's grants.
func keyGrants(config json.RawMessage, t *iam.Resource) {
	var c struct {
		ListGrants struct {
			Grants []struct {
				GrantId, GranteePrincipal string
				Operations                []string
				Constraints               map[string]json.RawMessage
			}
		}
	}
	if json.Unmarshal(config, &c) != nil {
		t.Unread = "its grants do not have the shape of the provider's reply"
		return
	}
	for _, g := range c.ListGrants.Grants {
		t.Grants = append(t.Grants, iam.KeyGrant{ID: g.GrantId, Grantee: g.GranteePrincipal, Operations: g.Operations, Context: len(g.Constraints) > 0})
	}
}
