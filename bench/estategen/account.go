package main

import (
	"fmt"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

const region = "eu-west-1"

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

// account is one AWS account in the making: what later assets can name.
type account struct {
	*generator
	id                                          string
	keys, vpcs, subnets, groups, roles, buckets []string
	policies, users, images, instances, logs    []string
	models, configs                             []string
}

// share is one type's part of an account, in thousandths.
type share struct {
	permille int
	make     func(*account, int)
}

// mix is in an order in which what is named stands before what names it.
var mix = []share{
	{15, (*account).key}, {3, (*account).vpc}, {30, (*account).subnet}, {120, (*account).group}, {40, (*account).policy}, {130, (*account).role},
	{10, (*account).user}, {12, (*account).accessKey}, {60, (*account).bucket}, {40, (*account).logGroup}, {20, (*account).repository},
	{90, (*account).instance}, {110, (*account).volume}, {100, (*account).networkInterface}, {80, (*account).function}, {40, (*account).secret},
	{10, (*account).database}, {20, (*account).table}, {50, (*account).trainingJob}, {8, (*account).model}, {5, (*account).endpointConfig},
	{5, (*account).endpoint}, {3, (*account).notebook},
}

// account makes one account of about size assets.
func (g *generator) account(number, size int) {
	a := &account{generator: g, id: fmt.Sprintf("%012d", 100000000000+int64(number)*7919)}
	a.settings()
	for _, s := range mix {
		for i := range max(1, size*s.permille/1000) {
			s.make(a, i)
		}
	}
}

func (a *account) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, region, a.id, resource)
}

func (a *account) iam(resource string) string { return "arn:aws:iam::" + a.id + ":" + resource }

func (a *account) asset(typ, id, name, where string) estate.Asset {
	return estate.Asset{ID: id, Type: typ, Cloud: estate.AWS, Account: a.id, Region: where, Name: name}
}

// settings are the account's own.
func (a *account) settings() {
	trail := a.arn("cloudtrail", "trail/main")
	a.send(a.asset("AWS::CloudTrail::Trail", trail, "main", region), "cloudtrail:DescribeTrails", obj{
		"Name": "main", "S3BucketName": "trail-" + a.id, "IncludeGlobalServiceEvents": true, "IsMultiRegionTrail": true, "HomeRegion": region,
		"TrailARN": trail, "LogFileValidationEnabled": true, "KmsKeyId": a.arn("kms", "key/"+a.hex(32)), "HasCustomEventSelectors": true,
		"GetTrailStatus": obj{"IsLogging": true, "LatestDeliveryTime": a.recent()},
	})
	a.send(a.asset("AWS::S3::AccountPublicAccessBlock", "arn:aws:s3::"+a.id+":account-public-access-block", "", ""), "s3control:GetPublicAccessBlock",
		obj{"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true})
}

func (a *account) key(int) {
	id := a.hex(8) + "-" + a.hex(12)
	arn := a.arn("kms", "key/"+id)
	a.keys = append(a.keys, arn)
	principal := any(obj{"AWS": a.iam("root")})
	if a.bad() {
		principal = "*"
	}
	a.send(a.asset("AWS::KMS::Key", arn, id, region), "kms:DescribeKey", obj{
		"AWSAccountId": a.id, "KeyId": id, "Arn": arn, "CreationDate": a.date(), "Enabled": true, "Description": "data of " + pick(a.generator, teams),
		"KeyUsage": "ENCRYPT_DECRYPT", "KeyState": "Enabled", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT",
		"EncryptionAlgorithms": []string{"SYMMETRIC_DEFAULT"}, "MultiRegion": false,
		"GetKeyPolicy": obj{"Policy": obj{"Version": "2012-10-17", "Id": "key", "Statement": []obj{
			{"Sid": "Root", "Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"},
			{"Sid": "Use", "Effect": "Allow", "Principal": obj{"AWS": a.iam("role/" + a.name("role"))}, "Action": []string{"kms:Decrypt", "kms:GenerateDataKey*"}, "Resource": "*",
				"Condition": obj{"StringEquals": obj{"kms:CallerAccount": a.id}}},
		}}, "PolicyName": "default"},
		"GetKeyRotationStatus": obj{"KeyRotationEnabled": true, "RotationPeriodInDays": 365, "NextRotationDate": a.recent()},
		"ListAliases":          obj{"Aliases": []obj{{"AliasName": "alias/" + a.name("key"), "TargetKeyId": id}}},
	})
}

func (a *account) bucket(int) {
	name := a.name("data")
	arn := "arn:aws:s3:::" + name
	a.buckets = append(a.buckets, name)
	bad := a.bad()
	principal := any(obj{"AWS": []string{pick(a.generator, a.roles), pick(a.generator, a.roles)}})
	if bad {
		principal = "*"
	}
	a.send(a.asset("AWS::S3::Bucket", arn, name, region), "s3:ListBuckets", obj{
		"Name": name, "CreationDate": a.date(), "BucketRegion": region,
		"GetBucketLocation": obj{"LocationConstraint": region},
		"GetBucketPolicy": obj{"Policy": obj{"Version": "2012-10-17", "Statement": []obj{
			{"Sid": "TLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": []string{arn, arn + "/*"}, "Condition": obj{"Bool": obj{"aws:SecureTransport": "false"}}},
			{"Sid": "Use", "Effect": "Allow", "Principal": principal, "Action": []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"}, "Resource": []string{arn, arn + "/" + a.name("prefix") + "/*"}},
		}}},
		"GetBucketAcl": obj{"Owner": obj{"ID": "owner-" + a.id}, "Grants": []obj{{"Grantee": obj{"ID": "owner-" + a.id, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}}},
		"GetBucketEncryption": obj{"ServerSideEncryptionConfiguration": obj{"Rules": []obj{{
			"ApplyServerSideEncryptionByDefault": obj{"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": pick(a.generator, a.keys)}, "BucketKeyEnabled": true}}}},
		"GetBucketVersioning":  obj{"Status": "Enabled"},
		"GetBucketLogging":     obj{"LoggingEnabled": obj{"TargetBucket": "logs-" + a.id, "TargetPrefix": name + "/"}},
		"GetPublicAccessBlock": obj{"PublicAccessBlockConfiguration": obj{"BlockPublicAcls": !bad, "IgnorePublicAcls": !bad, "BlockPublicPolicy": !bad, "RestrictPublicBuckets": !bad}},
		"GetBucketTagging":     obj{"TagSet": a.tags(name)},
	}, "GetBucketWebsite", "GetBucketReplication", "GetBucketNotificationConfiguration", "GetBucketLifecycleConfiguration", "GetObjectLockConfiguration", "GetBucketCors")
}

func (a *account) logGroup(int) {
	name := "/aws/" + a.name("log")
	arn := a.arn("logs", "log-group:"+name)
	a.logs = append(a.logs, name)
	a.send(a.asset("AWS::Logs::LogGroup", arn, name, region), "logs:DescribeLogGroups", obj{
		"logGroupName": name, "creationTime": a.date(), "retentionInDays": 90, "metricFilterCount": a.r.IntN(4), "arn": arn + ":*",
		"storedBytes": a.r.IntN(1 << 30), "logGroupClass": "STANDARD", "logGroupArn": arn, "kmsKeyId": pick(a.generator, a.keys),
	})
}

func (a *account) secret(int) {
	name := a.name("secret")
	arn := a.arn("secretsmanager", "secret:"+name+"-"+a.hex(6))
	c := obj{
		"ARN": arn, "Name": name, "Description": "made for " + name, "KmsKeyId": pick(a.generator, a.keys), "RotationEnabled": true,
		"RotationLambdaARN": a.arn("lambda", "function:rotate"), "RotationRules": obj{"AutomaticallyAfterDays": 30}, "LastRotatedDate": a.recent(),
		"LastChangedDate": a.recent(), "LastAccessedDate": a.recent(), "CreatedDate": a.date(), "Tags": a.tags(name),
		"VersionIdsToStages": obj{a.hex(32): []string{"AWSCURRENT"}, a.hex(32): []string{"AWSPREVIOUS"}},
	}
	if a.bad() {
		c["GetResourcePolicy"] = obj{"ARN": arn, "Name": name, "ResourcePolicy": obj{"Version": "2012-10-17", "Statement": []obj{
			{"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}}}}
		a.send(a.asset("AWS::SecretsManager::Secret", arn, name, region), "secretsmanager:DescribeSecret", c)
		return
	}
	a.send(a.asset("AWS::SecretsManager::Secret", arn, name, region), "secretsmanager:DescribeSecret", c, "GetResourcePolicy")
}

func (a *account) database(int) {
	name := a.name("db")
	arn := a.arn("rds", "db:"+name)
	bad := a.bad()
	a.send(a.asset("AWS::RDS::DBInstance", arn, name, region), "rds:DescribeDBInstances", obj{
		"DBInstanceIdentifier": name, "DBInstanceClass": "db.r6g.large", "Engine": "postgres", "EngineVersion": "16.4", "DBInstanceStatus": "available",
		"MasterUsername": "owner", "Endpoint": obj{"Address": name + ".rds.example", "Port": 5432}, "AllocatedStorage": 100 + a.r.IntN(900),
		"InstanceCreateTime": a.date(), "BackupRetentionPeriod": 14, "PubliclyAccessible": bad, "StorageEncrypted": !bad, "KmsKeyId": pick(a.generator, a.keys),
		"VpcSecurityGroups": []obj{{"VpcSecurityGroupId": pick(a.generator, a.groups), "Status": "active"}}, "MultiAZ": true, "DeletionProtection": true,
		"DBSubnetGroup": obj{"DBSubnetGroupName": "data", "VpcId": pick(a.generator, a.vpcs), "Subnets": []obj{
			{"SubnetIdentifier": pick(a.generator, a.subnets), "SubnetStatus": "Active"}, {"SubnetIdentifier": pick(a.generator, a.subnets), "SubnetStatus": "Active"}}},
		"DBInstanceArn": arn, "IAMDatabaseAuthenticationEnabled": true, "EnabledCloudwatchLogsExports": []string{"postgresql"}, "TagList": a.tags(name),
	})
}

func (a *account) table(int) {
	name := a.name("table")
	arn := a.arn("dynamodb", "table/"+name)
	c := obj{
		"TableName": name, "TableArn": arn, "TableId": a.hex(32), "TableStatus": "ACTIVE", "CreationDateTime": a.date(), "ItemCount": a.r.IntN(1 << 24),
		"AttributeDefinitions": []obj{{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}},
		"KeySchema":            []obj{{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}},
		"TableSizeBytes":       a.r.IntN(1 << 30), "BillingModeSummary": obj{"BillingMode": "PAY_PER_REQUEST"}, "DeletionProtectionEnabled": true,
		"SSEDescription": obj{"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": pick(a.generator, a.keys)}, "Tags": a.tags(name),
	}
	a.send(a.asset("AWS::DynamoDB::Table", arn, name, region), "dynamodb:DescribeTable", c, "GetResourcePolicy")
}

func (a *account) repository(int) {
	name := pick(a.generator, teams) + "/" + a.name("image")
	arn := a.arn("ecr", "repository/"+name)
	uri := a.id + ".dkr.ecr." + region + ".amazonaws.com/" + name
	a.images = append(a.images, uri)
	mutability := "IMMUTABLE"
	if a.bad() {
		mutability = "MUTABLE"
	}
	a.send(a.asset("AWS::ECR::Repository", arn, name, region), "ecr:DescribeRepositories", obj{
		"repositoryArn": arn, "registryId": a.id, "repositoryName": name, "repositoryUri": uri, "createdAt": a.date(), "imageTagMutability": mutability,
		"imageScanningConfiguration": obj{"scanOnPush": true}, "encryptionConfiguration": obj{"encryptionType": "KMS", "kmsKey": pick(a.generator, a.keys)},
		"GetLifecyclePolicy": obj{"repositoryName": name, "lifecyclePolicyText": `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":30},"action":{"type":"expire"}}]}`},
	}, "GetRepositoryPolicy")
}
