package cloudformation

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// dataRules are those of stores, keys, secrets and what moves data.
var dataRules = []rule{
	{typ: "AWS::KMS::Key", as: map[string]string{"KeyPolicy": "GetKeyPolicy.Policy", "EnableKeyRotation": "GetKeyRotationStatus.KeyRotationEnabled",
		"RotationPeriodInDays": "GetKeyRotationStatus.RotationPeriodInDays", "Enabled": "Enabled", "BypassPolicyLockoutSafetyCheck": "", "PendingWindowInDays": ""},
		unset: map[string]any{"Enabled": true, "KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": false,
			"GetKeyPolicy.PolicyName": "default", "GetKeyRotationStatus.KeyRotationEnabled": false},
		newborn: map[string]map[string]any{"GetKeyRotationStatus": {"KeyRotationEnabled": false}, "ListGrants": {"Grants": []any{}}}, more: key},
	{typ: "AWS::KMS::Alias", id: "@kms:{AliasName}"},

	{typ: "AWS::SecretsManager::Secret", ref: "arn", as: map[string]string{"SecretString": "", "GenerateSecretString": "", "ReplicaRegions": ""}, echoes: true,
		unset: map[string]any{"RotationEnabled": none{}, "OwningService": none{}, "RotationLambdaARN": none{}, "RotationRules": none{}, "DeletedDate": none{}}, newborn: map[string]map[string]any{"GetResourcePolicy": {}}},
	{typ: "AWS::SecretsManager::ResourcePolicy", onto: secretOnto, as: map[string]string{"SecretId": "", "ResourcePolicy": "ResourcePolicy", "BlockPublicPolicy": ""}, echoes: true},
	{typ: "AWS::SecretsManager::RotationSchedule", onto: &onto{typ: secretType, property: "SecretId", id: "@secretsmanager:secret:{}"}, more: func(c *conversion, d *draft, r *Resource) {
		d.config["RotationEnabled"] = c.perhaps(r, true)
	}},

	{typ: "AWS::DynamoDB::Table", id: "@dynamodb:table/{TableName}", as: map[string]string{"BillingMode": "BillingModeSummary.BillingMode", "PointInTimeRecoverySpecification": "", "SSESpecification": "",
		"ResourcePolicy": "", "TableClass": "TableClassSummary.TableClass", "StreamSpecification": "StreamSpecification", "TimeToLiveSpecification": "", "ImportSourceSpecification": "",
		"ContributorInsightsSpecification": "", "KinesisStreamSpecification": ""},
		unset: map[string]any{"TableStatus": "ACTIVE", "DeletionProtectionEnabled": false, "LocalSecondaryIndexes": none{}, "GlobalSecondaryIndexes": none{}},
		more:  table, newborn: map[string]map[string]any{"GetResourcePolicy": nil}},

	{typ: "AWS::RDS::DBInstance", id: "@rds:db:{DBInstanceIdentifier|lower}", as: map[string]string{"VPCSecurityGroups": "", "DBSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
		"DBSecurityGroups": "", "DBParameterGroupName": "DBParameterGroups[].DBParameterGroupName", "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
		"EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled", "EnablePerformanceInsights": "PerformanceInsightsEnabled", "Port": "Endpoint.Port",
		"OptionGroupName": "OptionGroupMemberships[].OptionGroupName", "SourceDBInstanceIdentifier": "ReadReplicaSourceDBInstanceIdentifier", "CustomIAMInstanceProfile": "CustomIamInstanceProfile",
		"MasterUserPassword": "", "TdeCredentialPassword": "", "DBInstanceIdentifier": "DBInstanceIdentifier"},
		unset: map[string]any{"StorageEncrypted": unborn.Later{}, "DBInstanceStatus": "available"}, more: database},
	{typ: "AWS::RDS::DBCluster", id: "@rds:cluster:{DBClusterIdentifier|lower}", as: map[string]string{"VpcSecurityGroupIds": "", "DBSubnetGroupName": "DBSubnetGroup", "DBClusterParameterGroupName": "DBClusterParameterGroup",
		"EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled", "EnableHttpEndpoint": "HttpEndpointEnabled", "EnableCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
		"ScalingConfiguration": "ScalingConfigurationInfo", "MasterUserPassword": ""}, more: database},
	{typ: "AWS::OpenSearchService::Domain", id: "@es:domain/{DomainName}", as: map[string]string{"SkipShardMigrationWait": "", "VPCOptions": "VPCOptions",
		"AdvancedSecurityOptions.MasterUserOptions": "", "VPCOptions.SubnetIds": "SubnetIds"},
		unset: map[string]any{"EncryptionAtRestOptions": map[string]any{"Enabled": false}, "EncryptionAtRestOptions.Enabled": false, "VPCOptions": none{}, "VPCOptions.VPCId": unborn.Later{},
			"NodeToNodeEncryptionOptions": map[string]any{"Enabled": false}, "AccessPolicies": "", "AdvancedSecurityOptions": map[string]any{"Enabled": false, "AnonymousAuthEnabled": false},
			"AdvancedSecurityOptions.AnonymousAuthEnabled": false, "AdvancedSecurityOptions.Enabled": false}, more: searchDomain},
	{typ: "AWS::OpenSearchServerless::Collection"},
	{typ: "AWS::OpenSearchServerless::SecurityPolicy", id: "@aoss:security-policy/{Type}/{Name}", as: map[string]string{"Policy": ""}, more: jsonPolicy, echoes: true},
	{typ: "AWS::OpenSearchServerless::AccessPolicy", id: "@aoss:access-policy/{Type}/{Name}", as: map[string]string{"Policy": ""}, more: jsonPolicy, echoes: true},
	{typ: "AWS::Redshift::Cluster", id: "@redshift:cluster:{ClusterIdentifier}", as: map[string]string{"VpcSecurityGroupIds": "", "IamRoles": "", "MasterUserPassword": "", "ClusterParameterGroupName": "",
		"ClusterSecurityGroups": "", "LoggingProperties": "", "NamespaceResourcePolicy": "", "Port": "Endpoint.Port", "Endpoint": "", "MultiAZ": ""}, unset: map[string]any{"ClusterStatus": "available"}, more: warehouse},

	{typ: "AWS::Glue::Job", id: "@glue:job/{Name}", echoes: true},
	{typ: "AWS::Glue::Crawler", id: "@glue:crawler/{Name}", echoes: true},
	{typ: "AWS::Glue::Connection", as: map[string]string{"ConnectionInput": ".", "CatalogId": ""}},
	{typ: "AWS::Glue::SecurityConfiguration", id: "@glue:security-configuration/{Name}", as: map[string]string{"EncryptionConfiguration.S3Encryptions": "S3Encryption"}},
	{typ: "AWS::Glue::DataCatalogEncryptionSettings", id: "@glue:catalog", as: map[string]string{"DataCatalogEncryptionSettings": ".", "CatalogId": "", "DataCatalogEncryptionSettings.ConnectionPasswordEncryption.KmsKeyId": "AwsKmsKeyId"},
		unset: map[string]any{"ConnectionPasswordEncryption": map[string]any{"ReturnConnectionPasswordEncrypted": false}, "EncryptionAtRest": map[string]any{"CatalogEncryptionMode": "DISABLED"},
			"ConnectionPasswordEncryption.ReturnConnectionPasswordEncrypted": false, "EncryptionAtRest.CatalogEncryptionMode": "DISABLED"}},
	{typ: "AWS::Glue::Database", id: "@glue:database/{DatabaseName}", as: map[string]string{"DatabaseInput": ".", "CatalogId": "CatalogId", "DatabaseName": ""}},
	{typ: "AWS::Glue::Table", as: map[string]string{"TableInput": ".", "OpenTableFormatInput": ""}},
	{typ: "AWS::Glue::Trigger", id: "@glue:trigger/{Name}"},
	{typ: "AWS::Glue::Workflow", id: "@glue:workflow/{Name}"},

	{typ: "AWS::SNS::Topic", id: "@sns:{TopicName}", more: attributes("GetTopicAttributes", map[string]string{"KmsMasterKeyId": "KmsMasterKeyId", "DisplayName": "DisplayName"})},
	{typ: "AWS::SNS::TopicPolicy", parts: []string{"AWS::SNS::Topic"}, more: listPolicy(&onto{typ: "AWS::SNS::Topic", property: "Topics", id: "@sns:{}"}, "GetTopicAttributes")},
	{typ: "AWS::SQS::Queue", id: "@sqs:{QueueName}", more: attributes("GetQueueAttributes", map[string]string{"KmsMasterKeyId": "KmsMasterKeyId", "SqsManagedSseEnabled": "SqsManagedSseEnabled"})},
	{typ: "AWS::SQS::QueuePolicy", parts: []string{"AWS::SQS::Queue"}, more: listPolicy(&onto{typ: "AWS::SQS::Queue", property: "Queues", id: "@sqs:{|last}"}, "GetQueueAttributes")},
	{typ: "AWS::Kinesis::Stream", id: "@kinesis:stream/{Name}", as: map[string]string{"Name": "StreamName", "ShardCount": "OpenShardCount", "StreamEncryption": ".", "StreamEncryption.KeyId": "KeyId"}},
	{typ: "AWS::EFS::FileSystem", as: map[string]string{"FileSystemTags": "", "FileSystemPolicy": "", "BackupPolicy": "", "LifecyclePolicies": ""}},
}

const secretType = "AWS::SecretsManager::Secret"

var secretOnto = &onto{typ: secretType, property: "SecretId", id: "@secretsmanager:secret:{}", key: "GetResourcePolicy"}

// key says in which state a key is, and what policy one has that is given none.
func key(c *conversion, d *draft, r *Resource) {
	state := any("Enabled")
	switch v := d.config["Enabled"]; {
	case v == false:
		state = "Disabled"
	case v == (unborn.Later{}):
		state = unborn.Later{}
	}
	d.config["KeyState"] = state
	if r.Properties["KeyPolicy"] == nil {
		// AWS gives a key without one the policy that leaves it to the account.
		principal := any(unborn.Later{})
		if r.Account != "" {
			principal = "arn:" + unborn.Partition(r.Region) + ":iam::" + r.Account + ":root"
		}
		d.reply("GetKeyPolicy", map[string]any{"PolicyName": "default", "Policy": map[string]any{"Version": "2012-10-17", "Id": "key-default-1",
			"Statement": []any{map[string]any{"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": map[string]any{"AWS": principal}}}}})
	}
}

// table spells a table's backups and its policy, which stand in replies of their
// own.
func table(c *conversion, d *draft, r *Resource) {
	status := any("DISABLED")
	switch m := r.Properties["PointInTimeRecoverySpecification"].(type) {
	case nil:
	case map[string]any:
		status = c.enabled(m["PointInTimeRecoveryEnabled"])
	default:
		status = unborn.Later{}
	}
	d.reply("DescribeContinuousBackups", map[string]any{"ContinuousBackupsDescription": map[string]any{"ContinuousBackupsStatus": "ENABLED",
		"PointInTimeRecoveryDescription": map[string]any{"PointInTimeRecoveryStatus": status}}})
	switch m := r.Properties["ResourcePolicy"].(type) {
	case nil:
	case map[string]any:
		d.reply("GetResourcePolicy", map[string]any{"Policy": c.policy(m["PolicyDocument"])})
	default:
		d.reply("GetResourcePolicy", unborn.Later{})
	}
	switch m := r.Properties["SSESpecification"].(type) {
	case nil:
		d.config["SSEDescription"] = none{}
	case map[string]any:
		on := c.enabled(m["SSEEnabled"])
		if on == "DISABLED" {
			d.config["SSEDescription"] = none{}
			break
		}
		sse := map[string]any{"Status": on, "SSEType": "KMS", "KMSMasterKeyArn": unborn.Later{}}
		if id := c.idOf(m["KMSMasterKeyId"]); isID(id) {
			sse["KMSMasterKeyArn"] = id
		}
		d.config["SSEDescription"] = sse
	default:
		d.config["SSEDescription"] = unborn.Later{}
	}
}

// enabled spells a switch as ENABLED or DISABLED.
func (c *conversion) enabled(v any) any {
	switch {
	case v == true, v == "true":
		return "ENABLED"
	case v == false, v == "false", v == nil:
		return "DISABLED"
	}
	return unborn.Later{}
}

// database spells a database's security groups, and leaves open what the engine,
// a snapshot or the subnet group decide.
func database(c *conversion, d *draft, r *Resource) {
	for _, p := range [...]string{"VPCSecurityGroups", "VpcSecurityGroupIds"} {
		if v := r.Properties[p]; v != nil {
			d.config["VpcSecurityGroups"] = c.each(v, "VpcSecurityGroupId")
		}
	}
	inherits := false
	for _, p := range [...]string{"DBSnapshotIdentifier", "SnapshotIdentifier", "SourceDBInstanceIdentifier", "SourceDBClusterIdentifier", "DBClusterIdentifier", "ReplicationSourceIdentifier", "DBClusterSnapshotIdentifier", "GlobalClusterIdentifier"} {
		inherits = inherits || r.Properties[p] != nil && !(p == "DBClusterIdentifier" && r.Type == "AWS::RDS::DBCluster")
	}
	if r.Properties["StorageEncrypted"] == nil && r.Properties["KmsKeyId"] == nil && !inherits {
		d.config["StorageEncrypted"] = false
	}
}

// searchDomain says whether a domain lies in a network: which one, only its
// birth tells.
func searchDomain(c *conversion, d *draft, r *Resource) {
	if v := r.Properties["AccessPolicies"]; v != nil {
		d.config["AccessPolicies"] = c.policy(v)
	}
	if v, ok := d.config["VPCOptions"].(map[string]any); ok {
		if list, ok := v["SubnetIds"].([]any); ok && len(list) > 0 {
			v["VPCId"] = unborn.Later{}
		}
	}
}

// jsonPolicy opens the text of a policy of OpenSearch Serverless.
func jsonPolicy(c *conversion, d *draft, r *Resource) {
	d.config["policy"] = c.decoded(r.Properties["Policy"])
}

// warehouse spells a warehouse's security groups and roles.
func warehouse(c *conversion, d *draft, r *Resource) {
	if v := r.Properties["VpcSecurityGroupIds"]; v != nil {
		d.config["VpcSecurityGroups"] = c.each(v, "VpcSecurityGroupId")
	}
	d.config["IamRoles"] = c.each(r.Properties["IamRoles"], "IamRoleArn")
}

// attributes spells properties as the map of texts that a reply of attributes
// is.
func attributes(reply string, as map[string]string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		body := map[string]any{"Policy": none{}}
		for property, name := range as {
			if v := r.Properties[property]; v != nil {
				body[name] = c.nameIn(v)
			}
		}
		d.reply(reply, map[string]any{"Attributes": body})
	}
}

// listPolicy puts one policy on each of the things a list names.
func listPolicy(o *onto, reply string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, _ *draft, r *Resource) {
		c.spread(r, o, func(d *draft) {
			body, _ := d.config[reply].(map[string]any)
			in, _ := body["Attributes"].(map[string]any)
			if in == nil {
				in = map[string]any{}
			}
			in["Policy"] = c.perhaps(r, c.policy(r.Properties["PolicyDocument"]))
			d.reply(reply, map[string]any{"Attributes": in})
		})
	}
}
