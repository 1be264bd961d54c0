package catalog

import "strings"

// needed names the member that every successful reply of an operation holds,
// by what the API references say: a service that has no such thing answers
// with an error code instead. A reply without it is not "nothing is set" but a
// reply that was cut, filtered or made up, and tells nothing.
var needed = map[string]string{
	"backup:GetBackupVaultAccessPolicy":                            "Policy",
	"bedrock-agent:GetResourcePolicy":                              "policy",
	"bedrock:GetResourcePolicy":                                    "resourcePolicy",
	"comprehend:DescribeResourcePolicy":                            "ResourcePolicy",
	"s3control:GetAccessPointPolicy":                               "Policy",
	"bedrock-agentcore-control:GetResourcePolicy":                  "policy",
	"cloudtrail:GetTrailStatus":                                    "IsLogging",
	"dynamodb:DescribeContinuousBackups":                           "ContinuousBackupsDescription",
	"dynamodb:GetResourcePolicy":                                   "Policy",
	"ec2:GetEbsEncryptionByDefault":                                "EbsEncryptionByDefault",
	"ec2:GetSnapshotBlockPublicAccessState":                        "State",
	"ec2:GetImageBlockPublicAccessState":                           "ImageBlockPublicAccessState",
	"ec2:DescribeSnapshotAttribute":                                "CreateVolumePermissions",
	"ec2:DescribeImageAttribute":                                   "LaunchPermissions",
	"ec2:GetManagedPrefixListEntries":                              "Entries",
	"ecr:GetRepositoryPolicy":                                      "policyText",
	"ecr:GetLifecyclePolicy":                                       "lifecyclePolicyText",
	"ecr:GetRegistryPolicy":                                        "policyText",
	"ecr:GetRegistryScanningConfiguration":                         "scanningConfiguration",
	"efs:DescribeFileSystemPolicy":                                 "Policy",
	"eks:ListAssociatedAccessPolicies":                             "associatedAccessPolicies",
	"elbv2:DescribeLoadBalancerAttributes":                         "Attributes",
	"emr:GetBlockPublicAccessConfiguration":                        "BlockPublicAccessConfiguration",
	"glue:GetResourcePolicy":                                       "PolicyInJson",
	"iam:GetAccessKeyLastUsed":                                     "AccessKeyLastUsed",
	"iam:GetAccountPasswordPolicy":                                 "PasswordPolicy",
	"iam:GetAccountSummary":                                        "SummaryMap",
	"iam:GetLoginProfile":                                          "LoginProfile",
	"iam:GetRole":                                                  "Role",
	"iam:GetUser":                                                  "User",
	"iam:GetServiceLastAccessedDetails":                            "ServicesLastAccessed",
	"iam:ListAccessKeys":                                           "AccessKeyMetadata",
	"iam:ListMFADevices":                                           "MFADevices",
	"identitystore:ListGroupMemberships":                           "GroupMemberships",
	"kafka:GetClusterPolicy":                                       "Policy",
	"kinesis:GetResourcePolicy":                                    "Policy",
	"kms:GetKeyPolicy":                                             "Policy",
	"kms:GetKeyRotationStatus":                                     "KeyRotationEnabled",
	"kms:ListGrants":                                               "Grants",
	"lambda:GetFunctionCodeSigningConfig":                          "CodeSigningConfigArn",
	"lambda:GetPolicy":                                             "Policy",
	"lambda:ListFunctionUrlConfigs":                                "FunctionUrlConfigs",
	"macie2:GetMacieSession":                                       "status",
	"organizations:ListParents":                                    "Parents",
	"rds:DescribeDBSnapshotAttributes":                             "DBSnapshotAttributesResult",
	"rds:DescribeDBClusterSnapshotAttributes":                      "DBClusterSnapshotAttributesResult",
	"redshift:DescribeLoggingStatus":                               "LoggingEnabled",
	"s3:GetBucketAcl":                                              "Grants",
	"s3:GetBucketEncryption":                                       "ServerSideEncryptionConfiguration",
	"s3:GetBucketOwnershipControls":                                "OwnershipControls",
	"s3:GetBucketPolicy":                                           "Policy",
	"s3:GetBucketPolicyStatus":                                     "PolicyStatus",
	"s3:GetBucketReplication":                                      "ReplicationConfiguration",
	"s3:GetObjectLockConfiguration":                                "ObjectLockConfiguration",
	"s3:GetPublicAccessBlock":                                      "PublicAccessBlockConfiguration",
	"s3control:GetPublicAccessBlock":                               "PublicAccessBlockConfiguration",
	"s3vectors:GetVectorBucketPolicy":                              "policy",
	"sagemaker:GetModelPackageGroupPolicy":                         "ResourcePolicy",
	"secretsmanager:GetResourcePolicy":                             "ARN",
	"sso-admin:GetPermissionsBoundaryForPermissionSet":             "PermissionsBoundary",
	"sso-admin:ListAccountsForProvisionedPermissionSet":            "AccountIds",
	"sso-admin:ListCustomerManagedPolicyReferencesInPermissionSet": "CustomerManagedPolicyReferences",
	"sso-admin:ListManagedPoliciesInPermissionSet":                 "AttachedManagedPolicies",
	"sns:GetTopicAttributes":                                       "Attributes",
	"sqs:GetQueueAttributes":                                       "Attributes",
}

// Needs names the member without which a successful reply of the call tells
// nothing; empty if any member will do.
func (c *Call) Needs() string {
	if n := needed[c.Operation()]; n != "" || c.key != "" {
		return n
	}
	if strings.ContainsAny(c.Unwrap, "[.") {
		return "" // a batch names what it did not find
	}
	return c.Unwrap
}

// lacks says what a successful reply should hold and does not: its needed
// member, or "everything". Empty if it lacks nothing.
func (c *Call) lacks(body any) string {
	m, _ := body.(map[string]any)
	if c.Empty {
		return ""
	}
	if c.Job != nil && text(Lookup(m, c.Job.State)) != c.Job.Done {
		return c.Job.State + " " + c.Job.Done // a report under way lists nothing yet
	}
	if n := c.Needs(); n != "" {
		v, there := m[n]
		obj, isObject := v.(map[string]any)
		if !there || v == nil || v == "" || isObject && len(obj) == 0 && c.key == "" {
			return n
		}
		return ""
	}
	for k := range m {
		if !pageTokens[k] {
			return ""
		}
	}
	return "everything"
}
