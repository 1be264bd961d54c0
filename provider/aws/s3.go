package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// s3Types are S3's and its relatives' types that declare relations.
var s3Types = map[string]spec{
	"AWS::S3::Bucket": {estate.KindStore, []edge{
		{"", "GetBucketPolicy.Policy", resourcePolicy},
		{estate.Grants, "GetBucketAcl.Grants[]", aclGrant},
		{estate.EncryptsBy, "GetBucketEncryption.ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID", key},
		{estate.LogsTo, "GetBucketLogging.LoggingEnabled.TargetBucket", bucket},
		{estate.Writes, "GetBucketReplication.ReplicationConfiguration.Rules[].Destination.Bucket", bucket},
		{estate.RunsAs, "GetBucketReplication.ReplicationConfiguration.Role", role},
		{estate.Triggers, "GetBucketNotificationConfiguration.LambdaFunctionConfigurations[].LambdaFunctionArn", function},
		{estate.Triggers, "GetBucketNotificationConfiguration.QueueConfigurations[].QueueArn", byARN},
		{estate.Triggers, "GetBucketNotificationConfiguration.TopicConfigurations[].TopicArn", byARN},
		{estate.Writes, "ListBucketInventoryConfigurations.InventoryConfigurationList[].Destination.S3BucketDestination.Bucket", bucket},
	}, nil},
	"AWS::S3::AccountPublicAccessBlock": {estate.KindPolicy, nil, func(r *reading) {
		r.relate(r.a.ID, estate.Governs, r.accountID(), "config")
	}},
	"AWS::S3::AccessPoint": {estate.KindEndpoint, []edge{
		{estate.Reads, "Bucket", bucket},
		{estate.Writes, "Bucket", bucket},
		{estate.MemberOf, "VpcConfiguration.VpcId", ec2("vpc")},
		{"", "GetAccessPointPolicy.Policy", resourcePolicy},
	}, nil},
	"AWS::S3::MultiRegionAccessPoint": {estate.KindEndpoint, []edge{{estate.Reads, "Regions[].Bucket", bucket}}, nil},
	"AWS::S3Express::DirectoryBucket": {estate.KindStore, []edge{
		{"", "GetBucketPolicy.Policy", resourcePolicy},
		{estate.EncryptsBy, "GetBucketEncryption.ServerSideEncryptionConfiguration.Rules[].ApplyServerSideEncryptionByDefault.KMSMasterKeyID", key},
	}, nil},
	"AWS::S3Tables::TableBucket": {estate.KindStore, []edge{
		{"", "GetTableBucketPolicy.resourcePolicy", resourcePolicy},
		{estate.EncryptsBy, "GetTableBucketEncryption.encryptionConfiguration.kmsKeyArn", key},
	}, nil},
	"AWS::S3Tables::Table": {estate.KindDataset, []edge{{estate.MemberOf, "tableBucketId", ifARN}}, nil},
	"AWS::S3Vectors::VectorBucket": {estate.KindStore, []edge{
		{"", "GetVectorBucketPolicy.policy", resourcePolicy},
		{estate.EncryptsBy, "encryptionConfiguration.kmsKeyArn", key},
	}, nil},
	"AWS::S3Vectors::Index": {estate.KindDataset, []edge{
		{estate.EncryptsBy, "encryptionConfiguration.kmsKeyArn", key},
	}, func(r *reading) {
		if parent, _, ok := strings.Cut(r.a.ID, "/index/"); ok {
			r.relate(parent, estate.Contains, r.a.ID, "config.indexArn")
		}
	}},
}

// aclGroups are the predefined groups that mean everyone, or everyone with any
// AWS account.
var aclGroups = map[string]string{
	"http://acs.amazonaws.com/groups/global/AllUsers":           Everyone,
	"http://acs.amazonaws.com/groups/global/AuthenticatedUsers": "set://principals/aws-accounts",
}

// aclGrant relates a bucket to whom its access control list names besides the
// owner.
func aclGrant(n node, rel estate.RelationType) {
	grantee := n.at("Grantee")
	if uri := grantee.text("URI"); uri != "" {
		to := firstOf(aclGroups[uri], uri)
		n.r.part(estate.Asset{ID: to, Type: estate.SetType, Kind: estate.KindIdentity, Name: uri[strings.LastIndexByte(uri, '/')+1:]})
		n.r.relate(n.r.a.ID, rel, to, n.path)
		return
	}
	id, owner := grantee.text("ID"), n.r.peek("GetBucketAcl.Owner.ID").words()
	if id != "" && id != owner {
		n.relation(rel, n.r.principalID(Principal{Type: "CanonicalUser", ID: id}))
	}
}
