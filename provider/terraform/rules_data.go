package terraform

import (
	"encoding/json"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// dataRules are those of stores, keys, secrets and what moves data.
var dataRules = []rule{
	{tf: "aws_kms_key", typ: "AWS::KMS::Key", as: map[string]string{"key_id": "KeyId", "is_enabled": "Enabled", "policy": "", "enable_key_rotation": "",
		"customer_master_key_spec": "KeySpec", "multi_region": "MultiRegion", "rotation_period_in_days": "", "deletion_window_in_days": ""},
		with: map[string]any{"KeyManager": "CUSTOMER", "Origin": "AWS_KMS", "KeySpec": "SYMMETRIC_DEFAULT"}, more: key},
	{tf: "aws_kms_key_policy", typ: "AWS::KMS::Key", as: map[string]string{"key_id": ""},
		onto: &onto{typ: "AWS::KMS::Key", attribute: "key_id", id: "@kms:key/{}", key: "GetKeyPolicy"}},
	{tf: "aws_kms_alias", typ: "AWS::KMS::Alias", id: "@kms:{name}", as: map[string]string{"name": "AliasName", "name_prefix": ""}},
	{tf: "aws_kms_grant", typ: "AWS::KMS::Key", more: grant, onto: &onto{typ: "AWS::KMS::Key", attribute: "key_id", id: "@kms:key/{}"}},

	{tf: "aws_secretsmanager_secret", typ: "AWS::SecretsManager::Secret", as: map[string]string{"name": "Name", "name_prefix": "", "policy": "", "replica": ""},
		newborn: map[string]map[string]any{"GetResourcePolicy": {}}, more: shownPolicy("GetResourcePolicy", "ResourcePolicy")},
	{tf: "aws_secretsmanager_secret_policy", typ: "AWS::SecretsManager::Secret", as: map[string]string{"policy": "ResourcePolicy", "secret_arn": "ARN"},
		onto: &onto{typ: "AWS::SecretsManager::Secret", attribute: "secret_arn", id: "@secretsmanager:secret:{}", key: "GetResourcePolicy"}},
	{tf: "aws_secretsmanager_secret_rotation", typ: "AWS::SecretsManager::Secret", more: rotation,
		onto: &onto{typ: "AWS::SecretsManager::Secret", attribute: "secret_id", id: "@secretsmanager:secret:{}"}},

	{tf: "aws_dynamodb_table", typ: "AWS::DynamoDB::Table", born: map[string]any{"TableStatus": "ACTIVE"}, id: "@dynamodb:table/{name}",
		as: map[string]string{"name": "TableName", "billing_mode": "BillingModeSummary.BillingMode", "hash_key": "", "range_key": "", "attribute": "AttributeDefinitions",
			"attribute.name": "AttributeName", "attribute.type": "AttributeType", "read_capacity": "ProvisionedThroughput.ReadCapacityUnits",
			"write_capacity": "ProvisionedThroughput.WriteCapacityUnits", "server_side_encryption": "", "point_in_time_recovery": "", "ttl": "",
			"replica": "", "global_secondary_index": "", "local_secondary_index": "", "stream_enabled": "StreamSpecification.StreamEnabled",
			"stream_view_type": "StreamSpecification.StreamViewType", "stream_arn": "LatestStreamArn", "stream_label": "LatestStreamLabel",
			"table_class": "TableClassSummary.TableClass"},
		with: map[string]any{"DeletionProtectionEnabled": false}, more: table, newborn: map[string]map[string]any{"GetResourcePolicy": nil}},
	{tf: "aws_dynamodb_resource_policy", typ: "AWS::DynamoDB::Table", as: map[string]string{"resource_arn": "", "revision_id": "RevisionId"},
		onto: &onto{typ: "AWS::DynamoDB::Table", attribute: "resource_arn", id: "@dynamodb:table/{}", key: "GetResourcePolicy"}},

	{tf: "aws_db_instance", typ: "AWS::RDS::DBInstance", id: "@rds:db:{identifier}",
		as: map[string]string{"identifier": "DBInstanceIdentifier", "identifier_prefix": "", "instance_class": "DBInstanceClass", "db_name": "DBName", "username": "MasterUsername",
			"vpc_security_group_ids": "", "db_subnet_group_name": "DBSubnetGroup.DBSubnetGroupName", "storage_encrypted": "StorageEncrypted",
			"iam_database_authentication_enabled": "IAMDatabaseAuthenticationEnabled", "enabled_cloudwatch_logs_exports": "EnabledCloudwatchLogsExports",
			"parameter_group_name": "", "option_group_name": "", "address": "Endpoint.Address", "endpoint": "", "port": "Endpoint.Port",
			"hosted_zone_id": "Endpoint.HostedZoneId", "status": "DBInstanceStatus", "ca_cert_identifier": "CACertificateIdentifier", "backup_window": "PreferredBackupWindow",
			"maintenance_window": "PreferredMaintenanceWindow", "resource_id": "DbiResourceId", "replicate_source_db": "ReadReplicaSourceDBInstanceIdentifier", "engine_version_actual": "", "backup_retention_period": "BackupRetentionPeriod"},
		with: map[string]any{"StorageEncrypted": false, "PubliclyAccessible": false}, more: vpcGroups},
	{tf: "aws_rds_cluster", typ: "AWS::RDS::DBCluster", id: "@rds:cluster:{cluster_identifier}",
		as: map[string]string{"cluster_identifier": "DBClusterIdentifier", "cluster_identifier_prefix": "", "vpc_security_group_ids": "", "db_subnet_group_name": "DBSubnetGroup",
			"database_name": "DatabaseName", "master_username": "MasterUsername", "cluster_members": "", "iam_roles": "", "cluster_resource_id": "DbClusterResourceId", "db_cluster_parameter_group_name": "DBClusterParameterGroup", "endpoint": "Endpoint",
			"serverlessv2_scaling_configuration": "ServerlessV2ScalingConfiguration", "scaling_configuration": "ScalingConfigurationInfo",
			"iam_database_authentication_enabled": "IAMDatabaseAuthenticationEnabled", "enable_http_endpoint": "HttpEndpointEnabled"},
		with: map[string]any{"StorageEncrypted": false}, more: vpcGroups},
	{tf: "aws_rds_cluster_instance", typ: "AWS::RDS::DBInstance", id: "@rds:db:{identifier}",
		as: map[string]string{"identifier": "DBInstanceIdentifier", "identifier_prefix": "", "instance_class": "DBInstanceClass", "cluster_identifier": "DBClusterIdentifier",
			"db_subnet_group_name": "DBSubnetGroup.DBSubnetGroupName", "endpoint": "Endpoint.Address", "port": "Endpoint.Port", "db_parameter_group_name": "DBParameterGroups[].DBParameterGroupName"},
		with: map[string]any{"PubliclyAccessible": false}},
	{tf: "aws_opensearch_domain", typ: "AWS::OpenSearchService::Domain", id: "@es:domain/{domain_name}",
		as: map[string]string{"access_policies": "AccessPolicies", "encrypt_at_rest": "EncryptionAtRestOptions", "node_to_node_encryption": "NodeToNodeEncryptionOptions",
			"domain_endpoint_options": "DomainEndpointOptions", "vpc_options": "VPCOptions", "log_publishing_options": "", "cognito_options": "CognitoOptions",
			"snapshot_options": "SnapshotOptions"}, more: searchDomain},
	{tf: "aws_elasticsearch_domain", typ: "AWS::OpenSearchService::Domain", id: "@es:domain/{domain_name}",
		as: map[string]string{"access_policies": "AccessPolicies", "encrypt_at_rest": "EncryptionAtRestOptions", "node_to_node_encryption": "NodeToNodeEncryptionOptions",
			"domain_endpoint_options": "DomainEndpointOptions", "vpc_options": "VPCOptions", "log_publishing_options": "", "cognito_options": "CognitoOptions",
			"snapshot_options": "SnapshotOptions", "elasticsearch_version": "", "kibana_endpoint": ""}, more: elasticsearch},
	{tf: "aws_neptune_cluster", typ: "AWS::RDS::DBCluster", id: "@rds:cluster:{cluster_identifier}",
		as: map[string]string{"cluster_identifier": "DBClusterIdentifier", "cluster_identifier_prefix": "", "vpc_security_group_ids": "", "neptune_subnet_group_name": "DBSubnetGroup",
			"cluster_members": "", "iam_roles": "", "kms_key_arn": "KmsKeyId", "cluster_resource_id": "DbClusterResourceId", "neptune_cluster_parameter_group_name": "DBClusterParameterGroup", "endpoint": "Endpoint",
			"serverless_v2_scaling_configuration": "ServerlessV2ScalingConfiguration", "iam_database_authentication_enabled": "IAMDatabaseAuthenticationEnabled",
			"enable_cloudwatch_logs_exports": "EnabledCloudwatchLogsExports"},
		with: map[string]any{"StorageEncrypted": false, "Engine": "neptune"}, more: vpcGroups},
	{tf: "aws_neptune_cluster_instance", typ: "AWS::RDS::DBInstance", id: "@rds:db:{identifier}",
		as: map[string]string{"identifier": "DBInstanceIdentifier", "identifier_prefix": "", "instance_class": "DBInstanceClass", "cluster_identifier": "DBClusterIdentifier",
			"kms_key_arn": "KmsKeyId", "neptune_subnet_group_name": "DBSubnetGroup.DBSubnetGroupName", "endpoint": "", "address": "Endpoint.Address", "port": "Endpoint.Port", "neptune_parameter_group_name": "DBParameterGroups[].DBParameterGroupName"},
		with: map[string]any{"PubliclyAccessible": false, "Engine": "neptune"}},
	{tf: "aws_opensearchserverless_collection", typ: "AWS::OpenSearchServerless::Collection"},
	{tf: "aws_opensearchserverless_security_policy", typ: "AWS::OpenSearchServerless::SecurityPolicy", composed: true,
		id: "@aoss:security-policy/{type}/{name}", as: map[string]string{"policy": ""}, more: jsonPolicy},
	{tf: "aws_opensearchserverless_access_policy", typ: "AWS::OpenSearchServerless::AccessPolicy", composed: true,
		id: "@aoss:access-policy/{type}/{name}", as: map[string]string{"policy": ""}, more: jsonPolicy},

	{tf: "aws_glue_job", typ: "AWS::Glue::Job", id: "@glue:job/{name}", as: map[string]string{"role_arn": "Role", "connections": "Connections.Connections",
		"max_retries": "MaxRetries", "execution_class": "ExecutionClass"}},
	{tf: "aws_glue_crawler", typ: "AWS::Glue::Crawler", id: "@glue:crawler/{name}",
		as: map[string]string{"security_configuration": "CrawlerSecurityConfiguration", "s3_target": "Targets.S3Targets", "jdbc_target": "Targets.JdbcTargets",
			"dynamodb_target": "Targets.DynamoDBTargets", "catalog_target": "Targets.CatalogTargets", "mongodb_target": "Targets.MongoDBTargets",
			"delta_target": "Targets.DeltaTargets", "iceberg_target": "Targets.IcebergTargets", "hudi_target": "Targets.HudiTargets", "schedule": "Schedule.ScheduleExpression"}},
	{tf: "aws_glue_connection", typ: "AWS::Glue::Connection", id: "@glue:connection/{name}"},
	{tf: "aws_glue_security_configuration", typ: "AWS::Glue::SecurityConfiguration", id: "@glue:security-configuration/{name}",
		as: map[string]string{"encryption_configuration.s3_encryption": "S3Encryption[]", "encryption_configuration.cloudwatch_encryption": "CloudWatchEncryption"}},
	{tf: "aws_glue_data_catalog_encryption_settings", typ: "AWS::Glue::DataCatalogEncryptionSettings", composed: true, id: "@glue:catalog",
		as: map[string]string{"data_catalog_encryption_settings": "."}},
	{tf: "aws_glue_resource_policy", typ: "AWS::Glue::DataCatalogEncryptionSettings", as: map[string]string{"policy": "PolicyInJson"},
		onto: &onto{typ: "AWS::Glue::DataCatalogEncryptionSettings", attribute: "enable_hybrid", id: "@glue:catalog", key: "GetResourcePolicy"}},
	{tf: "aws_glue_catalog_database", typ: "AWS::Glue::Database", id: "@glue:database/{name}"},
	{tf: "aws_glue_catalog_table", typ: "AWS::Glue::Table", id: "@glue:table/{database_name}/{name}"},
	{tf: "aws_glue_trigger", typ: "AWS::Glue::Trigger", id: "@glue:trigger/{name}"},
	{tf: "aws_glue_workflow", typ: "AWS::Glue::Workflow", id: "@glue:workflow/{name}"},

	{tf: "aws_sns_topic", typ: "AWS::SNS::Topic", id: "@sns:{name}", as: map[string]string{"policy": "", "name": "", "name_prefix": ""}, more: attributesReply("GetTopicAttributes",
		map[string]string{"arn": "TopicArn", "policy": "Policy", "kms_master_key_id": "KmsMasterKeyId", "display_name": "DisplayName", "owner": "Owner"})},
	{tf: "aws_sns_topic_policy", typ: "AWS::SNS::Topic", onto: &onto{typ: "AWS::SNS::Topic", attribute: "arn", id: "@sns:{}"}, more: attributesReply("GetTopicAttributes", map[string]string{"policy": "Policy"})},
	{tf: "aws_sqs_queue", typ: "AWS::SQS::Queue", id: "@sqs:{name}", as: map[string]string{"policy": "", "name": "", "name_prefix": ""}, more: attributesReply("GetQueueAttributes",
		map[string]string{"arn": "QueueArn", "policy": "Policy", "kms_master_key_id": "KmsMasterKeyId", "sqs_managed_sse_enabled": "SqsManagedSseEnabled", "redrive_policy": "RedrivePolicy"})},
	{tf: "aws_sqs_queue_policy", typ: "AWS::SQS::Queue", onto: &onto{typ: "AWS::SQS::Queue", attribute: "queue_url", id: "@sqs:{}", last: true}, more: attributesReply("GetQueueAttributes", map[string]string{"policy": "Policy"})},
	{tf: "aws_kinesis_stream", typ: "AWS::Kinesis::Stream", id: "@kinesis:stream/{name}", as: map[string]string{"name": "StreamName", "stream_mode_details": "StreamModeDetails",
		"retention_period": "RetentionPeriodHours", "shard_count": "OpenShardCount", "kms_key_id": "KeyId"}},
	{tf: "aws_efs_file_system", typ: "AWS::EFS::FileSystem", as: map[string]string{"id": "FileSystemId", "protection": "FileSystemProtection",
		"protection.replication_overwrite": "ReplicationOverwriteProtection"}, with: map[string]any{"Encrypted": false}},
}

// key completes a KMS key.
func key(c *conversion, d *draft, r *Resource) {
	masks, _ := r.Unknown.(map[string]any)
	if v := r.Values["is_enabled"]; v == false {
		d.config["KeyState"] = "Disabled"
	} else {
		d.config["KeyState"], d.config["Enabled"] = "Enabled", true
	}
	d.said["KeyState"], d.said["Enabled"] = true, true
	if rotates, ok := r.Values["enable_key_rotation"].(bool); ok || r.Born && masks["enable_key_rotation"] == nil {
		d.config["GetKeyRotationStatus"] = map[string]any{"KeyRotationEnabled": rotates}
		d.answered("GetKeyRotationStatus", "ok")
	}
	switch {
	case c.known(r, "policy") != "":
		d.config["GetKeyPolicy"] = map[string]any{"PolicyName": "default", "Policy": document(c.known(r, "policy"))}
		d.answered("GetKeyPolicy", "ok")
	case masks["policy"] != nil && c.in.hasExpression(r, "policy"):
		d.config["GetKeyPolicy"] = map[string]any{"PolicyName": "default", "Policy": unborn.Later{}}
		d.answered("GetKeyPolicy", "ok")
	case r.Born:
		// AWS gives a key without one the policy that leaves it to the account.
		if where := c.places.of(r); where.account != "" {
			d.config["GetKeyPolicy"] = map[string]any{"PolicyName": "default", "Policy": map[string]any{"Version": "2012-10-17", "Id": "key-default-1",
				"Statement": []any{map[string]any{"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
					"Principal": map[string]any{"AWS": "arn:" + where.partition + ":iam::" + where.account + ":root"}}}}}
			d.answered("GetKeyPolicy", "ok")
		}
	}
	if r.Born && len(c.loose["AWS::KMS::Key\x00"]) == 0 {
		d.config["ListGrants"] = map[string]any{"Grants": []any{}}
		d.answered("ListGrants", "ok")
	}
}

// hasExpression reports whether a computed attribute is also configured. The
// plan tells it only by what the expression refers to.
func (in *Input) hasExpression(r *Resource, attribute string) bool {
	return r.Configured == nil || r.Configured(attribute)
}

// grant adds a grant to its key.
func grant(c *conversion, d *draft, r *Resource) {
	reply, _ := d.config["ListGrants"].(map[string]any)
	if reply == nil {
		reply = map[string]any{"Grants": []any{unborn.Later{}}} // and others, unless the key is new
	}
	list, _ := reply["Grants"].([]any)
	one := map[string]any{"GranteePrincipal": c.text(r, "grantee_principal"), "GrantId": unborn.Later{}}
	if grants := d.live.Root.Follow("ListGrants.Grants"); grants != nil {
		for attribute, member := range map[string]string{"operations": "Operations", "constraints": "Constraints", "name": "Name", "retiring_principal": "RetiringPrincipal"} {
			k := grants.Named(member)
			if x := c.value(spot{r: r}.step(attribute), r.Values[attribute], maskOf(r, attribute), k, k.Code); x != nil {
				one[member] = x
			}
		}
	}
	reply["Grants"] = append(list, one)
	d.config["ListGrants"] = reply
	d.answered("ListGrants", "ok")
}

// shownPolicy puts the policy that a resource itself shows under its reply.
func shownPolicy(reply, member string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		if v := c.known(r, "policy"); v != "" {
			d.config[reply] = map[string]any{member: document(v)}
			d.answered(reply, "ok")
		} else if v, has := r.Values["policy"]; has && v == "" {
			d.config[reply] = map[string]any{}
			d.answered(reply, "ok")
		}
	}
}

func rotation(c *conversion, d *draft, r *Resource) {
	d.config["RotationEnabled"], d.said["RotationEnabled"] = true, true
	d.config["RotationLambdaARN"] = c.text(r, "rotation_lambda_arn")
	if k := d.live.Root.Named("RotationRules"); k != nil {
		d.said[k.Name] = true
		if x := c.value(spot{r: r}.step("rotation_rules"), r.Values["rotation_rules"], maskOf(r, "rotation_rules"), k, k.Code); x != nil {
			d.config[k.Name] = x
		}
	}
}

// table completes a DynamoDB table.
func table(c *conversion, d *draft, r *Resource) {
	if schema := keySchema(r.Values); len(schema) > 0 {
		d.config["KeySchema"], d.said["KeySchema"] = schema, true
	}
	d.said["SSEDescription"] = true
	if sse, ok := only(r.Values["server_side_encryption"]); ok && sse["enabled"] == true {
		body := map[string]any{"Status": "ENABLED", "SSEType": "KMS"}
		if k := str(sse["kms_key_arn"]); k != "" {
			body["KMSMasterKeyArn"] = k
		} else if refs := c.refs(r, []string{"server_side_encryption", "0", "kms_key_arn"}); len(refs) == 1 {
			body["KMSMasterKeyArn"] = c.identity(refs[0].Address)
		}
		d.config["SSEDescription"] = body
	} else if masks, _ := r.Unknown.(map[string]any); masks["server_side_encryption"] == true && !r.Born {
		d.config["SSEDescription"] = unborn.Later{}
	}
	status := "DISABLED"
	if pitr, ok := only(r.Values["point_in_time_recovery"]); ok && pitr["enabled"] == true {
		status = "ENABLED"
	}
	d.config["DescribeContinuousBackups"] = map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": map[string]any{"PointInTimeRecoveryStatus": status}}}
	d.answered("DescribeContinuousBackups", "ok")
}

func keySchema(values map[string]any) []any {
	var out []any
	for _, k := range [...][2]string{{"hash_key", "HASH"}, {"range_key", "RANGE"}} {
		if name := str(values[k[0]]); name != "" {
			out = append(out, map[string]any{"AttributeName": name, "KeyType": k[1]})
		}
	}
	return out
}

// vpcGroups spells the security groups of a database.
func vpcGroups(c *conversion, d *draft, r *Resource) {
	d.said["VpcSecurityGroups"] = true
	v := c.value(spot{r: r}.step("vpc_security_group_ids"), r.Values["vpc_security_group_ids"], maskOf(r, "vpc_security_group_ids"), &unborn.Shape{Name: "Ids"}, "[s")
	list, ok := v.([]any)
	if !ok {
		if v != nil {
			d.config["VpcSecurityGroups"] = v
		}
		return
	}
	out := []any{}
	for _, g := range list {
		out = append(out, map[string]any{"VpcSecurityGroupId": g, "Status": "active"})
	}
	d.config["VpcSecurityGroups"] = out
}

// maskOf is the mask of one attribute.
func maskOf(r *Resource, attribute string) any {
	if r.Unknown == true {
		return true
	}
	m, _ := r.Unknown.(map[string]any)
	return m[attribute]
}

// jsonPolicy reads a policy that is a JSON document of a language of its own.
func jsonPolicy(c *conversion, d *draft, r *Resource) {
	for _, m := range d.live.Root.Kids {
		if unborn.Fold(m.Name) == "policy" || unborn.Fold(m.Name) == "policydocument" {
			d.said[m.Name] = true
			if v := c.known(r, "policy"); v != "" {
				d.config[m.Name] = parsed(v)
			} else {
				d.config[m.Name] = unborn.Later{}
			}
		}
	}
}

// parsed is the value a JSON text holds, or the text.
func parsed(text string) any {
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return text
	}
	return v
}

// attributesReply fills a reply that is one map of attributes, as SNS and SQS
// give it.
func attributesReply(key string, as map[string]string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		reply, _ := d.config[key].(map[string]any)
		if reply == nil {
			reply = map[string]any{"Attributes": map[string]any{}}
		}
		all := reply["Attributes"].(map[string]any)
		for attribute, member := range as {
			if member == "Policy" && r.Values[attribute] == nil && !c.in.hasExpression(r, attribute) {
				continue
			}
			switch v := c.text(r, attribute).(type) {
			case string:
				all[member] = document(v)
			case unborn.Later:
				all[member] = v
			}
		}
		d.config[key] = reply
		d.answered(key, "ok")
	}
}

// searchDomain says of a new domain what AWS makes of options that are not
// asked for: nothing is encrypted.
func searchDomain(_ *conversion, d *draft, r *Resource) {
	if !r.Born || r.Configured == nil {
		return
	}
	for attribute, member := range map[string]string{"encrypt_at_rest": "EncryptionAtRestOptions", "node_to_node_encryption": "NodeToNodeEncryptionOptions"} {
		if !r.Configured(attribute) && !configured(r.Values[attribute]) {
			d.config[member], d.said[member] = map[string]any{"Enabled": false}, true
		}
	}
}

// elasticsearch spells the engine and the machines of a domain made by the older
// resource as the service does: Elasticsearch_7.10 on m5.large.search.
func elasticsearch(c *conversion, d *draft, r *Resource) {
	searchDomain(c, d, r)
	if v := c.known(r, "elasticsearch_version"); v != "" {
		d.config["EngineVersion"], d.said["EngineVersion"] = "Elasticsearch_"+v, true
	}
	cluster, _ := d.config["ClusterConfig"].(map[string]any)
	for _, member := range [...]string{"InstanceType", "DedicatedMasterType", "WarmType"} {
		if t, older := strings.CutSuffix(str(cluster[member]), ".elasticsearch"); older {
			cluster[member] = t + ".search"
		}
	}
}
