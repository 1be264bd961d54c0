package terraform

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// s3Part is a resource that configures one reply of a bucket.
func s3Part(tf, key string, as map[string]string) rule {
	return rule{tf: tf, typ: "AWS::S3::Bucket", as: as, left: bucketLeft[key],
		onto: &onto{typ: "AWS::S3::Bucket", attribute: "bucket", id: "arn:{partition}:s3:::{}", key: key}}
}

// newBucket is what Amazon S3 gives a bucket of which nothing is configured:
// since April 2023 public access is blocked and access lists are off, and since
// January 2023 objects are encrypted with S3's own keys (User Guide, "Default
// settings for new S3 buckets FAQ" and "default bucket encryption").
var newBucket = map[string]map[string]any{
	"GetBucketPolicy": nil, "GetBucketLifecycleConfiguration": nil, "GetBucketReplication": nil,
	"GetObjectLockConfiguration": nil, "GetBucketWebsite": nil, "GetBucketCors": nil,
	"GetBucketVersioning": {}, "GetBucketLogging": {}, "GetBucketNotificationConfiguration": {},
	"GetPublicAccessBlock": {"PublicAccessBlockConfiguration": map[string]any{
		"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true}},
	"GetBucketOwnershipControls": {"OwnershipControls": map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": "BucketOwnerEnforced"}}}},
	"GetBucketEncryption": {"ServerSideEncryptionConfiguration": map[string]any{"Rules": []any{map[string]any{
		"ApplyServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": false}}}},
}

// bucketLeft are the replies of a bucket whose part was taken away. A public
// access block that is deleted is gone: only a new bucket gets one by itself.
var bucketLeft = map[string]map[string]any{
	"GetBucketVersioning": {"Status": "Suspended"}, "GetBucketLogging": {}, "GetBucketNotificationConfiguration": {},
	"GetBucketEncryption": newBucket["GetBucketEncryption"],
}

// blockPublic spells a public access block.
func blockPublic(prefix string) map[string]string {
	return map[string]string{"block_public_acls": prefix + "BlockPublicAcls", "ignore_public_acls": prefix + "IgnorePublicAcls",
		"block_public_policy": prefix + "BlockPublicPolicy", "restrict_public_buckets": prefix + "RestrictPublicBuckets"}
}

var s3Rules = []rule{
	{tf: "aws_s3_bucket", typ: "AWS::S3::Bucket", id: "arn:{partition}:s3:::{bucket}", newborn: newBucket, as: bucketAs, more: bucket},
	s3Part("aws_s3_bucket_public_access_block", "GetPublicAccessBlock", blockPublic("PublicAccessBlockConfiguration.")),
	s3Part("aws_s3_bucket_versioning", "GetBucketVersioning", map[string]string{"versioning_configuration": "."}),
	s3Part("aws_s3_bucket_server_side_encryption_configuration", "GetBucketEncryption", map[string]string{"rule": "ServerSideEncryptionConfiguration.Rules",
		"rule.blocked_encryption_types": "BlockedEncryptionTypes.EncryptionType"}),
	s3Part("aws_s3_bucket_policy", "GetBucketPolicy", nil),
	s3Part("aws_s3_bucket_logging", "GetBucketLogging", map[string]string{"target_bucket": "LoggingEnabled.TargetBucket",
		"target_prefix": "LoggingEnabled.TargetPrefix", "target_object_key_format": "LoggingEnabled.TargetObjectKeyFormat", "target_grant": "LoggingEnabled.TargetGrants"}),
	s3Part("aws_s3_bucket_ownership_controls", "GetBucketOwnershipControls", map[string]string{"rule": "OwnershipControls.Rules"}),
	s3Part("aws_s3_bucket_lifecycle_configuration", "GetBucketLifecycleConfiguration", map[string]string{"rule": "Rules"}),
	s3Part("aws_s3_bucket_replication_configuration", "GetBucketReplication", map[string]string{"role": "ReplicationConfiguration.Role",
		"rule": "ReplicationConfiguration.Rules"}),
	s3Part("aws_s3_bucket_object_lock_configuration", "GetObjectLockConfiguration", map[string]string{"rule": "ObjectLockConfiguration.Rule",
		"object_lock_enabled": "ObjectLockConfiguration.ObjectLockEnabled"}),
	s3Part("aws_s3_bucket_website_configuration", "GetBucketWebsite", map[string]string{"routing_rule": "RoutingRules"}),
	s3Part("aws_s3_bucket_cors_configuration", "GetBucketCors", map[string]string{"cors_rule": "CORSRules"}),
	s3Part("aws_s3_bucket_notification", "GetBucketNotificationConfiguration", map[string]string{"topic": "TopicConfigurations",
		"queue": "QueueConfigurations", "lambda_function": "LambdaFunctionConfigurations"}),
	{tf: "aws_s3_bucket_acl", typ: "AWS::S3::Bucket", more: bucketACL,
		onto: &onto{typ: "AWS::S3::Bucket", attribute: "bucket", id: "arn:{partition}:s3:::{}"}},
	{tf: "aws_s3_account_public_access_block", typ: "AWS::S3::AccountPublicAccessBlock", composed: true,
		id: "arn:{partition}:s3::{account}:account-public-access-block", as: blockPublic("")},
}

// bucketAs spells the attributes in which aws_s3_bucket shows what its other
// resources configure. Each is the bucket's live setting as last refreshed.
var bucketAs = map[string]string{
	"bucket": "Name", "bucket_prefix": "", "bucket_region": "", "region": "", "tags": "", "tags_all": "", "object_lock_enabled": "", "object_lock_configuration": "",
	"acl": "", "grant": "", "policy": "", "versioning": "", "logging": "", "server_side_encryption_configuration": "", "website": "",
	"cors_rule": "", "lifecycle_rule": "", "replication_configuration": "",
}

// bucketShown are those attributes whose reply follows from them in full.
var bucketShown = []struct {
	attribute, key string
	as             map[string]string
}{
	{"policy", "GetBucketPolicy", nil},
	{"versioning", "GetBucketVersioning", map[string]string{"versioning": "."}},
	{"logging", "GetBucketLogging", map[string]string{"logging": "LoggingEnabled"}},
	{"server_side_encryption_configuration", "GetBucketEncryption", map[string]string{
		"server_side_encryption_configuration": "ServerSideEncryptionConfiguration"}},
	{"website", "GetBucketWebsite", map[string]string{"website": ".", "website.error_document": "ErrorDocument.Key", "website.index_document": "IndexDocument.Suffix"}},
	{"cors_rule", "GetBucketCors", map[string]string{"cors_rule": "CORSRules"}},
	{"replication_configuration", "GetBucketReplication", map[string]string{"replication_configuration.rules.destination.account_id": "Account",
		"replication_configuration.rules.destination.replica_kms_key_id":   "EncryptionConfiguration.ReplicaKmsKeyID",
		"replication_configuration.rules.delete_marker_replication_status": "DeleteMarkerReplication.Status"}},
}

// bucket adds what the bucket itself shows of its configuration.
func bucket(c *conversion, d *draft, r *Resource) {
	if region := d.where.region; region != "" {
		location := map[string]any{}
		if region != "us-east-1" {
			location["LocationConstraint"] = region
		}
		d.config["GetBucketLocation"] = location
		d.answered("GetBucketLocation", "ok")
	}
	masks, _ := r.Unknown.(map[string]any)
	for _, shown := range bucketShown {
		v, has := r.Values[shown.attribute]
		if masks[shown.attribute] != nil && masks[shown.attribute] != false && r.Born && !configured(v) && !c.in.hasExpression(r, shown.attribute) {
			continue // shown only once it is born; its own resources say what it will be
		}
		if !has || v == nil && masks[shown.attribute] == nil {
			continue
		}
		if !configured(v) && masks[shown.attribute] == nil {
			if body, ok := newBucket[shown.key]; ok && body == nil {
				d.answered(shown.key, "absent")
			} else {
				d.config[shown.key] = map[string]any{}
				d.answered(shown.key, "ok")
			}
			continue
		}
		body := map[string]any{}
		only := map[string]any{shown.attribute: v}
		c.members(body, spot{r: r, as: shown.as}, only, map[string]any{shown.attribute: masks[shown.attribute]}, d.live.Root.Named(shown.key), nil)
		says := saying([]*attribute{schemas()[r.Type].named(shown.attribute)}, shown.as, "", d.live.Root.Named(shown.key))
		says.unsay(body, d.live.Root.Named(shown.key), true)
		if shown.key == "GetBucketVersioning" {
			body = versioning(v)
		}
		d.config[shown.key] = body
		d.answered(shown.key, "ok")
	}
	d.config["GetBucketAcl"] = map[string]any{"Owner": unborn.Later{}, "Grants": unborn.Later{}}
	if grants, ok := canned[c.known(r, "acl")]; ok || r.Born && !configured(r.Values["grant"]) {
		d.config["GetBucketAcl"] = map[string]any{"Owner": unborn.Later{}, "Grants": grantsOf(grants)}
		d.answered("GetBucketAcl", "ok")
	} else if list, ok := r.Values["grant"].([]any); ok {
		d.config["GetBucketAcl"] = map[string]any{"Owner": unborn.Later{}, "Grants": oldGrants(list)}
		d.answered("GetBucketAcl", "ok")
	} else {
		delete(d.config, "GetBucketAcl")
	}
}

// configured reports whether an attribute holds anything.
func configured(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	}
	return true
}

// versioning is the reply for the bucket's own block, whose switch is a
// boolean.
func versioning(v any) map[string]any {
	list, _ := v.([]any)
	if len(list) != 1 {
		return map[string]any{}
	}
	block, _ := list[0].(map[string]any)
	switch block["enabled"] {
	case true:
		return map[string]any{"Status": "Enabled"}
	case false:
		return map[string]any{} // never enabled and suspended show alike, and mean alike
	}
	return map[string]any{"Status": unborn.Later{}}
}

const (
	allUsers  = "http://acs.amazonaws.com/groups/global/AllUsers"
	anyAWS    = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logGroups = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// canned are the access lists S3 knows by name, beyond the owner's own grant.
var canned = map[string][][2]string{
	"private": nil, "public-read": {{allUsers, "READ"}}, "public-read-write": {{allUsers, "READ"}, {allUsers, "WRITE"}},
	"authenticated-read": {{anyAWS, "READ"}}, "log-delivery-write": {{logGroups, "WRITE"}, {logGroups, "READ_ACP"}},
	"bucket-owner-read": nil, "bucket-owner-full-control": nil,
}

// grantsOf is the list with the owner's grant and those of groups.
func grantsOf(groups [][2]string) []any {
	out := []any{map[string]any{"Grantee": map[string]any{"Type": "CanonicalUser", "ID": unborn.Later{}}, "Permission": "FULL_CONTROL"}}
	for _, g := range groups {
		out = append(out, map[string]any{"Grantee": map[string]any{"Type": "Group", "URI": g[0]}, "Permission": g[1]})
	}
	return out
}

// oldGrants is the list of the bucket's own grant blocks.
func oldGrants(list []any) []any {
	out := []any{}
	for _, e := range list {
		g, _ := e.(map[string]any)
		permissions, _ := g["permissions"].([]any)
		for _, p := range permissions {
			out = append(out, map[string]any{"Permission": p, "Grantee": grantee(str(g["type"]), str(g["id"]), str(g["uri"]))})
		}
	}
	return out
}

func grantee(typ, id, uri string) map[string]any {
	out := map[string]any{"Type": typ}
	if id != "" {
		out["ID"] = id
	}
	if uri != "" {
		out["URI"] = uri
	}
	return out
}

// bucketACL takes a bucket's access list from the resource of its own.
func bucketACL(c *conversion, d *draft, r *Resource) {
	var list any = unborn.Later{}
	if groups, ok := canned[c.known(r, "acl")]; ok {
		list = grantsOf(groups)
	} else if p, ok := only(r.Values["access_control_policy"]); ok {
		out := []any{}
		grants, _ := p["grant"].([]any)
		for _, e := range grants {
			g, _ := e.(map[string]any)
			who, _ := only(g["grantee"])
			out = append(out, map[string]any{"Permission": g["permission"], "Grantee": grantee(str(who["type"]), str(who["id"]), str(who["uri"]))})
		}
		list = out
	}
	d.config["GetBucketAcl"] = map[string]any{"Owner": unborn.Later{}, "Grants": list}
	d.answered("GetBucketAcl", "ok")
}

// only is the one element of a block's list.
func only(v any) (map[string]any, bool) {
	list, _ := v.([]any)
	if len(list) != 1 {
		return nil, false
	}
	m, ok := list[0].(map[string]any)
	return m, ok
}
