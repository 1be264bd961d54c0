package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// storeTypes are databases, file systems, search domains, keys and secrets.
var storeTypes = map[string]spec{
	"AWS::RDS::DBInstance":     {estate.KindStore, database, nil},
	"AWS::RDS::DBCluster":      {estate.KindStore, append(database, edge{estate.Contains, "DBClusterMembers[].DBInstanceIdentifier", regional("rds", "db:")}), nil},
	"AWS::Neptune::DBInstance": {estate.KindStore, database, nil},
	"AWS::Neptune::DBCluster":  {estate.KindStore, database, nil},
	"AWS::DocDB::DBInstance":   {estate.KindStore, database, nil},
	"AWS::DocDB::DBCluster":    {estate.KindStore, database, nil},
	"AWS::RDS::DBSnapshot": {estate.KindStore, []edge{
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.Uses, "DBInstanceIdentifier", regional("rds", "db:")},
		{estate.Grants, "DescribeDBSnapshotAttributes.DBSnapshotAttributesResult.DBSnapshotAttributes[]", restorers},
	}, nil},
	"AWS::RDS::DBClusterSnapshot": {estate.KindStore, []edge{
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.Uses, "DBClusterIdentifier", regional("rds", "cluster:")},
		{estate.Grants, "DescribeDBClusterSnapshotAttributes.DBClusterSnapshotAttributesResult.DBClusterSnapshotAttributes[]", restorers},
	}, nil},
	"AWS::RDS::DBSubnetGroup": {estate.KindNetwork, []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Contains, "Subnets[].SubnetIdentifier", ec2("subnet")},
	}, nil},
	"AWS::RDS::DBProxy": {estate.KindEndpoint, slices.Concat(vpc("VpcSubnetIds[]", "VpcSecurityGroupIds[]"), []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.Reads, "Auth[].SecretArn", byARN},
	}), nil},
	"AWS::DynamoDB::Table": {estate.KindStore, []edge{
		{estate.EncryptsBy, "SSEDescription.KMSMasterKeyArn", key},
		{estate.Contains, "LatestStreamArn", byARN},
		{"", "GetResourcePolicy.Policy", resourcePolicy},
	}, nil},
	"AWS::OpenSearchService::Domain": {estate.KindStore, searchDomain, nil},
	"AWS::Elasticsearch::Domain":     {estate.KindStore, searchDomain, nil},
	"AWS::OpenSearchServerless::Collection": {estate.KindStore, []edge{
		{estate.EncryptsBy, "kmsKeyArn", collectionKey},
	}, nil},
	"AWS::OpenSearchServerless::AccessPolicy": {estate.KindPolicy, []edge{
		{estate.Grants, "policy[].Principal[]", collectionPrincipal},
		{estate.Governs, "policy[].Rules[].Resource[]", ifARN},
	}, nil},
	"AWS::OpenSearchServerless::VpcEndpoint": {estate.KindNetwork, slices.Concat(
		vpc("subnetIds[]", "securityGroupIds[]"), []edge{{estate.MemberOf, "vpcId", ec2("vpc")}}), nil},
	"AWS::Redshift::Cluster": {estate.KindStore, []edge{
		{estate.RunsAs, "IamRoles[].IamRoleArn", role},
		{estate.Attached, "VpcSecurityGroups[].VpcSecurityGroupId", ec2("security-group")},
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.LogsTo, "DescribeLoggingStatus.BucketName", bucket},
		{estate.Reads, "MasterPasswordSecretArn", byARN},
	}, nil},
	"AWS::RedshiftServerless::Workgroup": {estate.KindStore, vpc("subnetIds[]", "securityGroupIds[]"), nil},
	"AWS::RedshiftServerless::Namespace": {estate.KindStore, []edge{
		{estate.RunsAs, "defaultIamRoleArn", role},
		{estate.RunsAs, "iamRoles[]", roleWord},
		{estate.EncryptsBy, "kmsKeyId", key},
		{estate.Reads, "adminPasswordSecretArn", byARN},
	}, nil},
	"AWS::EFS::FileSystem": {estate.KindStore, []edge{
		{estate.EncryptsBy, "KmsKeyId", key},
		{"", "DescribeFileSystemPolicy.Policy", resourcePolicy},
		{estate.MemberOf, "DescribeMountTargets.MountTargets[].SubnetId", ec2("subnet")},
		{estate.Contains, "DescribeMountTargets.MountTargets[].NetworkInterfaceId", ec2("network-interface")},
	}, nil},
	"AWS::EFS::AccessPoint": {estate.KindEndpoint, []edge{
		{estate.Reads, "FileSystemId", regional("elasticfilesystem", "file-system/")},
		{estate.Writes, "FileSystemId", regional("elasticfilesystem", "file-system/")},
	}, nil},
	"AWS::FSx::FileSystem": {estate.KindStore, []edge{
		{estate.MemberOf, "SubnetIds[]", ec2("subnet")},
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Contains, "NetworkInterfaceIds[]", ec2("network-interface")},
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.Reads, "LustreConfiguration.DataRepositoryConfiguration.ImportPath", s3},
		{estate.Writes, "LustreConfiguration.DataRepositoryConfiguration.ExportPath", s3},
	}, nil},
	"AWS::ElastiCache::ReplicationGroup": {estate.KindStore, []edge{{estate.EncryptsBy, "KmsKeyId", key}}, nil},
	"AWS::ElastiCache::CacheCluster": {estate.KindStore, []edge{
		{estate.Attached, "SecurityGroups[].SecurityGroupId", ec2("security-group")},
		{estate.MemberOf, "ReplicationGroupId", regional("elasticache", "replicationgroup:")},
	}, nil},
	"AWS::KMS::Key": {estate.KindSecret, []edge{
		{"", "GetKeyPolicy.Policy", resourcePolicy},
		{estate.Grants, "ListGrants.Grants[].GranteePrincipal", grantee},
	}, nil},
	"AWS::KMS::Alias": {estate.KindSecret, []edge{{estate.Uses, "TargetKeyId", key}}, nil},
	"AWS::SecretsManager::Secret": {estate.KindSecret, []edge{
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.Triggers, "RotationLambdaARN", function},
		{"", "GetResourcePolicy.ResourcePolicy", resourcePolicy},
	}, nil},
	"AWS::SSM::Parameter": {estate.KindSecret, []edge{{estate.EncryptsBy, "KeyId", key}}, nil},
	"AWS::Backup::BackupVault": {estate.KindStore, []edge{
		{estate.EncryptsBy, "EncryptionKeyArn", key},
		{"", "GetBackupVaultAccessPolicy.Policy", resourcePolicy},
	}, nil},
}

// database are the edges of instances and clusters of RDS and its relatives.
var database = slices.Clip([]edge{
	{estate.Attached, "VpcSecurityGroups[].VpcSecurityGroupId", ec2("security-group")},
	{estate.MemberOf, "DBSubnetGroup.VpcId", ec2("vpc")},
	{estate.MemberOf, "DBSubnetGroup.Subnets[].SubnetIdentifier", ec2("subnet")},
	{estate.MemberOf, "DBClusterIdentifier", ownCluster},
	{estate.EncryptsBy, "KmsKeyId", key},
	{estate.EncryptsBy, "PerformanceInsightsKMSKeyId", key},
	{estate.RunsAs, "AssociatedRoles[].RoleArn", role},
	{estate.RunsAs, "MonitoringRoleArn", role},
	{estate.Reads, "MasterUserSecret.SecretArn", byARN},
})

// ownCluster links an instance to its cluster; a cluster's own identifier is
// itself.
func ownCluster(n node, rel estate.RelationType) { regional("rds", "cluster:")(n, rel) }

var searchDomain = slices.Concat(vpc("VPCOptions.SubnetIds[]", "VPCOptions.SecurityGroupIds[]"), []edge{
	{estate.MemberOf, "VPCOptions.VPCId", ec2("vpc")},
	{estate.EncryptsBy, "EncryptionAtRestOptions.KmsKeyId", key},
	{"", "AccessPolicies", resourcePolicy},
	{estate.RunsAs, "CognitoOptions.RoleArn", role},
	{estate.LogsTo, "LogPublishingOptions.AUDIT_LOGS.CloudWatchLogsLogGroupArn", logGroup},
})

// restorers relates a snapshot to the accounts that may restore it.
func restorers(n node, rel estate.RelationType) {
	if n.text("AttributeName") != "restore" {
		return
	}
	for v := range n.each("AttributeValues[]") {
		if v.str() == "all" {
			v.relation(rel, n.r.principalID(Principal{"*", "*"}))
		} else {
			account(v, rel)
		}
	}
}

// collectionKey links to a collection's key; "auto" is a key AWS keeps.
func collectionKey(n node, rel estate.RelationType) {
	if n.str() != "auto" {
		key(n, rel)
	}
}

// collectionPrincipal relates to a principal of a data access policy, which may
// also be a SAML or IAM Identity Center group.
func collectionPrincipal(n node, rel estate.RelationType) {
	s := n.str()
	if s == "" {
		return
	}
	if _, isARN := ParseARN(s); !isARN {
		n.r.part(estate.Asset{ID: s, Type: "AWS::FederatedPrincipal", Kind: estate.KindIdentity, Name: s})
	}
	n.relation(rel, s)
}

// roleWord links to a role in a namespace's list, which the API writes as an
// ARN or as "IamRole(applyStatus=in-sync, iamRoleArn=ARN)".
func roleWord(n node, rel estate.RelationType) {
	s := n.str()
	if _, after, ok := strings.Cut(s, "iamRoleArn="); ok {
		s, _, _ = strings.Cut(strings.TrimSuffix(after, ")"), ",")
	}
	role(node{n.r, n.path, s}, rel)
}
