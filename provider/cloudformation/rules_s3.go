package cloudformation

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

const bucketType = "AWS::S3::Bucket"

// newBucket is what Amazon S3 gives a bucket of which nothing is configured:
// since April 2023 public access is blocked and access lists are off, and since
// January 2023 objects are encrypted with S3's own keys (User Guide, "Default
// settings for new S3 buckets FAQ" and "default bucket encryption").
var newBucket = map[string]map[string]any{
	"GetBucketPolicy": nil, "GetBucketLifecycleConfiguration": nil, "GetBucketReplication": nil,
	"GetObjectLockConfiguration": nil, "GetBucketWebsite": nil, "GetBucketCors": nil, "GetBucketPolicyStatus": nil,
	"GetBucketVersioning": {}, "GetBucketLogging": {}, "GetBucketNotificationConfiguration": {},
	"GetPublicAccessBlock": {"PublicAccessBlockConfiguration": map[string]any{
		"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true}},
	"GetBucketOwnershipControls": {"OwnershipControls": map[string]any{"Rules": []any{map[string]any{"ObjectOwnership": "BucketOwnerEnforced"}}}},
	"GetBucketEncryption": {"ServerSideEncryptionConfiguration": map[string]any{"Rules": []any{map[string]any{
		"ApplyServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": false}}}},
}

var s3Rules = []rule{
	{typ: bucketType, id: "arn:{partition}:s3:::{BucketName}", echoes: true, newborn: newBucket, more: bucket, as: map[string]string{
		"BucketName": "Name", "BucketNamePrefix": "", "BucketNamespace": "", "AccessControl": "", "AbacStatus": "", "AccelerateConfiguration": "", "AnalyticsConfigurations": "",
		"IntelligentTieringConfigurations": "", "InventoryConfigurations": "", "MetricsConfigurations": "", "MetadataConfiguration": "", "MetadataTableConfiguration": "",
		"BucketEncryption": "GetBucketEncryption.ServerSideEncryptionConfiguration",
		"BucketEncryption.ServerSideEncryptionConfiguration":                               "Rules",
		"BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
		"PublicAccessBlockConfiguration":                                                   "GetPublicAccessBlock.PublicAccessBlockConfiguration",
		"VersioningConfiguration":                                                          "GetBucketVersioning",
		"OwnershipControls":                                                                "GetBucketOwnershipControls.OwnershipControls",
		"LoggingConfiguration":                                                             "GetBucketLogging.LoggingEnabled",
		"LoggingConfiguration.DestinationBucketName":                                       "TargetBucket", "LoggingConfiguration.LogFilePrefix": "TargetPrefix",
		"WebsiteConfiguration": "GetBucketWebsite", "WebsiteConfiguration.ErrorDocument": "ErrorDocument.Key", "WebsiteConfiguration.IndexDocument": "IndexDocument.Suffix",
		"CorsConfiguration": "GetBucketCors", "CorsConfiguration.CorsRules.Id": "ID", "CorsConfiguration.CorsRules.MaxAge": "MaxAgeSeconds", "CorsConfiguration.CorsRules.ExposedHeaders": "ExposeHeaders",
		"ReplicationConfiguration": "GetBucketReplication.ReplicationConfiguration", "ReplicationConfiguration.Rules.Id": "ID",
		"ObjectLockConfiguration": "GetObjectLockConfiguration.ObjectLockConfiguration", "ObjectLockEnabled": "",
		"LifecycleConfiguration": "GetBucketLifecycleConfiguration", "LifecycleConfiguration.Rules.Id": "ID",
		"LifecycleConfiguration.Rules.ExpirationInDays": "Expiration.Days", "LifecycleConfiguration.Rules.ExpirationDate": "Expiration.Date",
		"LifecycleConfiguration.Rules.ExpiredObjectDeleteMarker":         "Expiration.ExpiredObjectDeleteMarker",
		"LifecycleConfiguration.Rules.NoncurrentVersionExpirationInDays": "NoncurrentVersionExpiration.NoncurrentDays",
		"NotificationConfiguration":                                      ""},
		unset: map[string]any{"BucketArn": none{}, "BucketRegion": none{}, "GetPublicAccessBlock.PublicAccessBlockConfiguration.BlockPublicAcls": false,
			"GetPublicAccessBlock.PublicAccessBlockConfiguration.IgnorePublicAcls": false, "GetPublicAccessBlock.PublicAccessBlockConfiguration.BlockPublicPolicy": false,
			"GetPublicAccessBlock.PublicAccessBlockConfiguration.RestrictPublicBuckets": false, "GetBucketVersioning.MFADelete": none{}, "GetBucketLogging.LoggingEnabled.TargetPrefix": ""}},
	{typ: "AWS::S3::BucketPolicy", onto: &onto{typ: bucketType, property: "Bucket", id: "arn:{partition}:s3:::{}", key: "GetBucketPolicy"}, echoes: true,
		as: map[string]string{"Bucket": "", "PolicyDocument": "Policy"}},
}

// bucket adds what stands in other replies than its properties do: where it is,
// its access list, and whom it tells of new objects.
func bucket(c *conversion, d *draft, r *Resource) {
	if r.Region != "" {
		location := map[string]any{}
		if r.Region != "us-east-1" {
			location["LocationConstraint"] = r.Region
		}
		d.reply("GetBucketLocation", location)
	}
	var grants any = unborn.Later{}
	switch v := r.Properties["AccessControl"]; {
	case v == nil:
		grants = grantsOf(nil)
	default:
		if groups, ok := canned[c.textOf(v)]; ok {
			grants = grantsOf(groups)
		}
	}
	d.reply("GetBucketAcl", map[string]any{"Owner": unborn.Later{}, "Grants": grants})
	if r.Properties["NotificationConfiguration"] != nil {
		d.reply("GetBucketNotificationConfiguration", unborn.Later{})
	}
	if r.Properties["ObjectLockEnabled"] != nil && d.config["GetObjectLockConfiguration"] == nil {
		d.reply("GetObjectLockConfiguration", unborn.Later{})
	}
	// Whether a policy is public AWS reckons itself.
	d.reply("GetBucketPolicyStatus", unborn.Later{})
}

const (
	allUsers  = "http://acs.amazonaws.com/groups/global/AllUsers"
	anyAWS    = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logGroups = "http://acs.amazonaws.com/groups/s3/LogDelivery"
)

// canned are the access lists S3 knows by name, beyond the owner's own grant.
var canned = map[string][][2]string{
	"Private": nil, "PublicRead": {{allUsers, "READ"}}, "PublicReadWrite": {{allUsers, "READ"}, {allUsers, "WRITE"}},
	"AuthenticatedRead": {{anyAWS, "READ"}}, "LogDeliveryWrite": {{logGroups, "WRITE"}, {logGroups, "READ_ACP"}},
	"BucketOwnerRead": nil, "BucketOwnerFullControl": nil,
}

// grantsOf is the list with the owner's grant and those of groups.
func grantsOf(groups [][2]string) []any {
	out := []any{map[string]any{"Grantee": map[string]any{"Type": "CanonicalUser", "ID": unborn.Later{}}, "Permission": "FULL_CONTROL"}}
	for _, g := range groups {
		out = append(out, map[string]any{"Grantee": map[string]any{"Type": "Group", "URI": g[0]}, "Permission": g[1]})
	}
	return out
}
