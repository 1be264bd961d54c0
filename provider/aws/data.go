package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// dataTypes are what moves and transforms data: Glue, EMR, Athena, Airflow.
var dataTypes = map[string]spec{
	"AWS::Glue::Job": {estate.KindPipeline, []edge{
		{estate.RunsAs, "Role", role},
		{estate.Loads, "Command.ScriptLocation", artefact},
		{estate.Uses, "Connections.Connections[]", regional("glue", "connection/")},
		{estate.Uses, "SecurityConfiguration", regional("glue", "security-configuration/")},
		{estate.LogsTo, "LogUri", ifS3},
		{estate.Loads, "SourceControlDetails.Repository", ifARN},
	}, func(r *reading) {
		glueArguments(r, "DefaultArguments")
		glueArguments(r, "NonOverridableArguments")
		glueRoot(r)
	}},
	"AWS::Glue::JobRun": {estate.KindPipeline, nil, func(r *reading) {
		glueArguments(r, "Arguments")
		if name := r.cfg.text("JobName"); name != "" {
			r.relate(r.named("glue", "job/", name), estate.Contains, r.a.ID, r.a.ID+" config.JobName")
		}
	}},
	"AWS::Glue::Crawler": {estate.KindPipeline, []edge{
		{estate.RunsAs, "Role", role},
		{estate.Reads, "Targets.S3Targets[].Path", s3},
		{estate.Uses, "Targets.S3Targets[].ConnectionName", regional("glue", "connection/")},
		{estate.Triggers, "Targets.S3Targets[].EventQueueArn", byARN},
		{estate.Reads, "Targets.JdbcTargets[].ConnectionName", regional("glue", "connection/")},
		{estate.Reads, "Targets.MongoDBTargets[].ConnectionName", regional("glue", "connection/")},
		{estate.Reads, "Targets.DynamoDBTargets[].Path", regional("dynamodb", "table/")},
		{estate.Reads, "Targets.DeltaTargets[].DeltaTables[]", s3},
		{estate.Reads, "Targets.IcebergTargets[].Paths[]", s3},
		{estate.Reads, "Targets.HudiTargets[].Paths[]", s3},
		{estate.Reads, "Targets.CatalogTargets[].DatabaseName", regional("glue", "database/")},
		{estate.Writes, "DatabaseName", regional("glue", "database/")},
		{estate.Uses, "CrawlerSecurityConfiguration", regional("glue", "security-configuration/")},
	}, nil},
	"AWS::Glue::Database": {estate.KindStore, []edge{{estate.Contains, "LocationUri", ifS3Location}}, nil},
	"AWS::Glue::Table": {estate.KindDataset, []edge{
		{estate.Contains, "StorageDescriptor.Location", ifS3Location},
	}, func(r *reading) {
		if db := r.cfg.text("DatabaseName"); db != "" {
			r.relate(r.named("glue", "database/", db), estate.Contains, r.a.ID, r.a.ID+" config.DatabaseName")
		}
	}},
	"AWS::Glue::Connection": {estate.KindNetwork, slices.Concat(
		vpc("PhysicalConnectionRequirements.SubnetId", "PhysicalConnectionRequirements.SecurityGroupIdList[]"), []edge{
			{estate.Reads, "ConnectionProperties.SECRET_ID", secretName},
			{estate.Reads, "AuthenticationConfiguration.SecretArn", byARN},
			{estate.EncryptsBy, "AuthenticationConfiguration.KmsKeyArn", key},
			{estate.RoutesTo, "ConnectionProperties.JDBC_CONNECTION_URL", jdbc},
		}), nil},
	"AWS::Glue::DevEndpoint": {estate.KindCompute, []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.MemberOf, "SubnetId", ec2("subnet")},
		{estate.Attached, "SecurityGroupIds[]", ec2("security-group")},
	}, func(r *reading) {
		r.root(estate.ClassNotebook, "", "a Glue development endpoint runs code people write against data")
	}},
	"AWS::Glue::SecurityConfiguration": {estate.KindPolicy, []edge{
		{estate.EncryptsBy, "EncryptionConfiguration.S3Encryption[].KmsKeyArn", key},
		{estate.EncryptsBy, "EncryptionConfiguration.CloudWatchEncryption.KmsKeyArn", key},
		{estate.EncryptsBy, "EncryptionConfiguration.JobBookmarksEncryption.KmsKeyArn", key},
	}, nil},
	"AWS::Glue::DataCatalogEncryptionSettings": {estate.KindPolicy, []edge{
		{estate.EncryptsBy, "EncryptionAtRest.SseAwsKmsKeyId", key},
		{"", "GetResourcePolicy.PolicyInJson", resourcePolicy},
	}, nil},
	"AWS::Glue::Trigger": {estate.KindEventSource, []edge{
		{estate.Triggers, "Actions[].JobName", regional("glue", "job/")},
		{estate.Triggers, "Actions[].CrawlerName", regional("glue", "crawler/")},
		{estate.MemberOf, "WorkflowName", regional("glue", "workflow/")},
	}, nil},
	"AWS::Glue::Workflow": {estate.KindPipeline, []edge{
		{estate.Contains, "Graph.Nodes[].TriggerDetails.Trigger.Name", regional("glue", "trigger/")},
		{estate.Triggers, "Graph.Nodes[].JobDetails.JobRuns[].JobName", regional("glue", "job/")},
	}, nil},
	"AWS::Glue::MLTransform": {estate.KindModel, []edge{
		{estate.RunsAs, "Role", role},
		{estate.Reads, "InputRecordTables[]", catalogTable},
		{estate.EncryptsBy, "TransformEncryption.MlUserDataEncryption.KmsKeyId", key},
	}, func(r *reading) {
		r.root(estate.ClassTraining, "", "a Glue ML transform learns from labelled records")
	}},
	"AWS::EMR::Cluster": {estate.KindCompute, []edge{
		{estate.RunsAs, "ServiceRole", role},
		{estate.RunsAs, "AutoScalingRole", role},
		{estate.RunsAs, "Ec2InstanceAttributes.IamInstanceProfile", profile},
		{estate.MemberOf, "Ec2InstanceAttributes.Ec2SubnetId", ec2("subnet")},
		{estate.Attached, "Ec2InstanceAttributes.EmrManagedMasterSecurityGroup", ec2("security-group")},
		{estate.Attached, "Ec2InstanceAttributes.EmrManagedSlaveSecurityGroup", ec2("security-group")},
		{estate.Attached, "Ec2InstanceAttributes.ServiceAccessSecurityGroup", ec2("security-group")},
		{estate.Attached, "Ec2InstanceAttributes.AdditionalMasterSecurityGroups[]", ec2("security-group")},
		{estate.Attached, "Ec2InstanceAttributes.AdditionalSlaveSecurityGroups[]", ec2("security-group")},
		{estate.LogsTo, "LogUri", ifS3Location},
		{estate.EncryptsBy, "LogEncryptionKmsKeyId", key},
		{estate.Uses, "SecurityConfiguration", regional("elasticmapreduce", "security-configuration/")},
	}, func(r *reading) {
		for _, path := range []string{"ListInstanceGroups.InstanceGroups[].InstanceType", "InstanceGroups[].InstanceType"} {
			for n := range r.cfg.each(path) {
				if s, ok := accelerator(n.str()); ok {
					r.root(estate.ClassPipeline, "", s.says(n.str())+" in "+n.path)
				}
			}
		}
	}},
	"AWS::EMRServerless::Application": {estate.KindCompute, slices.Concat(
		vpc("networkConfiguration.subnetIds[]", "networkConfiguration.securityGroupIds[]"), []edge{
			{estate.LogsTo, "monitoringConfiguration.s3MonitoringConfiguration.logUri", s3},
			{estate.Loads, "imageConfiguration.imageUri", image},
		}), nil},
	"AWS::Athena::WorkGroup": {estate.KindPipeline, []edge{
		{estate.Writes, "Configuration.ResultConfiguration.OutputLocation", s3},
		{estate.EncryptsBy, "Configuration.ResultConfiguration.EncryptionConfiguration.KmsKey", key},
		{estate.RunsAs, "Configuration.ExecutionRole", role},
	}, nil},
	"AWS::MWAA::Environment": {estate.KindPipeline, slices.Concat(
		vpc("NetworkConfiguration.SubnetIds[]", "NetworkConfiguration.SecurityGroupIds[]"), []edge{
			{estate.RunsAs, "ExecutionRoleArn", role},
			{estate.Loads, "SourceBucketArn", bucket},
			{estate.EncryptsBy, "KmsKey", key},
			{estate.LogsTo, "LoggingConfiguration.TaskLogs.CloudWatchLogGroupArn", logGroup},
		}), nil},
	"AWS::CodeBuild::Project": {estate.KindPipeline, slices.Concat(
		vpc("vpcConfig.subnets[]", "vpcConfig.securityGroupIds[]"), []edge{
			{estate.RunsAs, "serviceRole", role},
			{estate.Loads, "environment.image", image},
			{estate.EncryptsBy, "encryptionKey", key},
			{estate.LogsTo, "logsConfig.cloudWatchLogs.groupName", logGroup},
		}), nil},
}

// glueArguments reads the special parameters of a Glue job that name places.
// Arguments of a job's own that hold an S3 address are read as well: which way
// the data goes they do not say, so such a place counts as read.
func glueArguments(r *reading, path string) {
	for name, n := range r.cfg.at(path).members() {
		value := n.words()
		if !strings.HasPrefix(value, "s3://") {
			continue
		}
		switch name {
		case "--TempDir", "--spark-event-logs-path":
			s3(n, estate.Writes)
			s3(n, estate.Reads)
		case "--extra-py-files", "--extra-jars", "--extra-files", "--additional-python-modules", "--user-jars-first":
			for part := range strings.SplitSeq(value, ",") {
				ifS3(node{r, n.path, strings.TrimSpace(part)}, estate.Loads)
			}
		default:
			rel := estate.Reads
			if w := strings.ToLower(name); strings.Contains(w, "output") || strings.Contains(w, "target") || strings.Contains(w, "dest") || strings.Contains(w, "sink") {
				rel = estate.Writes
			}
			s3(n, rel)
		}
	}
}

// ifS3Location links to data in S3 and lets other locations be.
func ifS3Location(n node, rel estate.RelationType) {
	if name, _, ok := parseS3(n.words()); ok && name != "" {
		if rel == estate.Contains { // a table does not contain a bucket
			rel = estate.Reads
		}
		s3(n, rel)
	}
}

// secretName links to a secret by ARN. A name alone lacks the suffix of the
// ARN, so that it becomes a name without one.
func secretName(n node, rel estate.RelationType) {
	n.relation(rel, n.r.named("secretsmanager", "secret:", n.str()))
}

// jdbc links to the server of a JDBC address.
func jdbc(n node, rel estate.RelationType) {
	if _, rest, ok := strings.Cut(n.words(), "//"); ok {
		rest, _, _ = strings.Cut(rest, "/")
		rest, _, _ = strings.Cut(rest, ";")
		if at := strings.LastIndexByte(rest, '@'); at >= 0 { // never keep credentials
			rest = rest[at+1:]
		}
		host(node{n.r, n.path, "jdbc://" + rest}, rel)
	}
}
