package api

import "strings"

// prefixes are the IAM service prefixes that are not the signing name.
var prefixes = map[string]string{
	"resourcegroupstaggingapi": "tag", "s3control": "s3", "application-autoscaling": "application-autoscaling",
	"sso-admin": "sso", "identitystore": "identitystore", "emr": "elasticmapreduce", "mwaa": "airflow",
	"opensearch": "es", "opensearchserverless": "aoss", "s3vectors": "s3vectors", "efs": "elasticfilesystem",
	"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "stepfunctions": "states",
	"bedrock-agent": "bedrock", "bedrock-agentcore-control": "bedrock-agentcore", "accessanalyzer": "access-analyzer",
	"cloudformation": "cloudformation", "kafka": "kafka", "apigatewayv2": "apigateway",
}

// actions are the operations whose IAM action has another name, from the
// Service Authorization Reference.
var actions = map[string]string{
	"s3:ListBuckets": "ListAllMyBuckets", "s3:GetBucketEncryption": "GetEncryptionConfiguration",
	"s3:GetBucketLifecycleConfiguration": "GetLifecycleConfiguration", "s3:GetBucketLifecycle": "GetLifecycleConfiguration",
	"s3:GetBucketReplication": "GetReplicationConfiguration", "s3:GetPublicAccessBlock": "GetBucketPublicAccessBlock",
	"s3:GetBucketCors": "GetBucketCORS", "s3:GetBucketNotificationConfiguration": "GetBucketNotification",
	"s3:GetBucketAccelerateConfiguration": "GetAccelerateConfiguration", "s3:GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
	"s3:GetBucketInventoryConfiguration": "GetInventoryConfiguration", "s3:ListBucketInventoryConfigurations": "GetInventoryConfiguration",
	"s3:GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration", "s3:ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
	"s3:GetBucketMetricsConfiguration": "GetMetricsConfiguration", "s3:ListBucketMetricsConfigurations": "GetMetricsConfiguration",
	"s3:GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration", "s3:ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
	"s3:ListObjects": "ListBucket", "s3:ListObjectsV2": "ListBucket", "s3:ListObjectVersions": "ListBucketVersions",
	"s3:ListMultipartUploads": "ListBucketMultipartUploads", "s3:ListParts": "ListMultipartUploadParts",
	"s3control:GetPublicAccessBlock": "GetAccountPublicAccessBlock",
}

// Grant is the IAM action that an operation needs, "s3:ListAllMyBuckets" for
// s3 and ListBuckets.
func Grant(service, operation string) string {
	svc, err := load(service)
	if err != nil {
		return service + ":" + operation
	}
	return grant(svc, operation, "")
}

// grant prefers the action the refusal itself names.
func grant(svc *service, operation, message string) string {
	if m := action.FindStringSubmatch(message); m != nil {
		return m[1]
	}
	prefix := first(prefixes[svc.name], svc.signing)
	if prefix == "apigateway" {
		return "apigateway:GET" // API Gateway grants by HTTP method
	}
	name := first(actions[svc.name+":"+operation], operation)
	return prefix + ":" + strings.TrimSpace(name)
}
