package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// assistantTypes are the AI services that need no model of one's own: Amazon
// Q Business, Kendra, Comprehend.
var assistantTypes = map[string]spec{
	"AWS::QBusiness::Application": {estate.KindEndpoint, []edge{
		{estate.RunsAs, "roleArn", role},
		{estate.EncryptsBy, "encryptionConfiguration.kmsKeyId", key},
	}, func(r *reading) {
		r.root(estate.ClassAgent, "", "an Amazon Q Business application answers from a company's documents")
	}},
	"AWS::QBusiness::Index": {estate.KindStore, nil, func(r *reading) { containedBy(r, "/index/") }},
	"AWS::QBusiness::DataSource": {estate.KindPipeline, []edge{
		{estate.RunsAs, "roleArn", role},
		{estate.MemberOf, "vpcConfiguration.subnetIds[]", ec2("subnet")},
		{estate.Attached, "vpcConfiguration.securityGroupIds[]", ec2("security-group")},
		{estate.Reads, "configuration.connectionConfiguration.repositoryEndpointMetadata.BucketName", bucket},
	}, func(r *reading) { containedBy(r, "/data-source/") }},
	"AWS::QBusiness::Plugin": {estate.KindPipeline, nil, nil},
	"AWS::Kendra::Index": {estate.KindStore, []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.EncryptsBy, "ServerSideEncryptionConfiguration.KmsKeyId", key},
	}, func(r *reading) {
		r.root(estate.ClassPipeline, "", "a Kendra index feeds documents to search and to models")
	}},
	"AWS::Kendra::DataSource": {estate.KindPipeline, []edge{
		{estate.RunsAs, "RoleArn", role},
		{estate.Reads, "Configuration.S3Configuration.BucketName", bucket},
		{estate.Reads, "Configuration.DatabaseConfiguration.ConnectionConfiguration.SecretArn", byARN},
		{estate.Reads, "Configuration.WebCrawlerConfiguration.Urls.SeedUrlConfiguration.SeedUrls[]", host},
		{estate.MemberOf, "VpcConfiguration.SubnetIds[]", ec2("subnet")},
		{estate.Attached, "VpcConfiguration.SecurityGroupIds[]", ec2("security-group")},
	}, func(r *reading) { containedBy(r, "/data-source/") }},
	"AWS::Comprehend::Endpoint":                   comprehendEndpoint,
	"AWS::Comprehend::DocumentClassifierEndpoint": comprehendEndpoint,
	"AWS::Comprehend::EntityRecognizerEndpoint":   comprehendEndpoint,
	"AWS::Comprehend::DocumentClassifier":         comprehendModel("a Comprehend classifier is trained on a company's documents"),
	"AWS::Comprehend::EntityRecognizer":           comprehendModel("a Comprehend recogniser is trained on a company's documents"),
	"AWS::Comprehend::EntitiesDetectionJob":       comprehendJob("a Comprehend job finds what a company's documents name"),
	"AWS::Comprehend::PiiEntitiesDetectionJob":    comprehendJob("a Comprehend job finds personal values in a company's documents"),
	"AWS::Comprehend::Flywheel": {estate.KindPipeline, []edge{
		{estate.RunsAs, "DataAccessRoleArn", role},
		{estate.Trains, "ActiveModelArn", byARN},
		{estate.Reads, "DataLakeS3Uri", s3},
		{estate.Writes, "DataLakeS3Uri", s3},
	}, func(r *reading) {
		r.root(estate.ClassTraining, "", "a Comprehend flywheel trains new versions of a model")
	}},
}

var comprehendEndpoint = spec{estate.KindEndpoint, []edge{
	{estate.Serves, "ModelArn", byARN},
	{estate.Serves, "DesiredModelArn", byARN},
	{estate.RunsAs, "DataAccessRoleArn", role},
	{estate.MemberOf, "FlywheelArn", byARN},
}, func(r *reading) {
	r.root(estate.ClassEndpoint, "", "a Comprehend endpoint answers requests with a trained model")
}}

// comprehendModel is a model that Comprehend trains and keeps as one asset: the
// asset is the job as well.
func comprehendModel(why string) spec {
	return spec{estate.KindModel, []edge{
		{estate.RunsAs, "DataAccessRoleArn", role},
		{"", "DescribeResourcePolicy.ResourcePolicy", resourcePolicy},
		{estate.Reads, "InputDataConfig.S3Uri", s3},
		{estate.Reads, "InputDataConfig.TestS3Uri", s3},
		{estate.Reads, "InputDataConfig.Documents.S3Uri", s3},
		{estate.Reads, "InputDataConfig.Annotations.S3Uri", s3},
		{estate.Reads, "InputDataConfig.EntityList.S3Uri", s3},
		{estate.Writes, "OutputDataConfig.S3Uri", s3},
		{estate.EncryptsBy, "OutputDataConfig.KmsKeyId", key},
		{estate.EncryptsBy, "ModelKmsKeyId", key},
		{estate.EncryptsBy, "VolumeKmsKeyId", key},
		{estate.MemberOf, "VpcConfig.Subnets[]", ec2("subnet")},
		{estate.Attached, "VpcConfig.SecurityGroupIds[]", ec2("security-group")},
	}, func(r *reading) {
		family := r.self.Resource
		if i := strings.Index(family, "/version/"); i >= 0 {
			family = family[:i]
		}
		r.root(estate.ClassTraining, family, why)
	}}
}

// comprehendJob is a job that reads documents and writes what it found.
func comprehendJob(why string) spec {
	return spec{estate.KindCompute, []edge{
		{estate.RunsAs, "DataAccessRoleArn", role},
		{estate.Uses, "EntityRecognizerArn", byARN},
		{estate.Reads, "InputDataConfig.S3Uri", s3},
		{estate.Writes, "OutputDataConfig.S3Uri", s3},
		{estate.EncryptsBy, "OutputDataConfig.KmsKeyId", key},
		{estate.EncryptsBy, "VolumeKmsKeyId", key},
		{estate.MemberOf, "VpcConfig.Subnets[]", ec2("subnet")},
		{estate.Attached, "VpcConfig.SecurityGroupIds[]", ec2("security-group")},
	}, func(r *reading) {
		r.root(estate.ClassPipeline, r.cfg.text("JobName"), why)
	}}
}
