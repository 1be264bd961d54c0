package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// messagingTypes are queues, topics and streams.
var messagingTypes = map[string]spec{
	"AWS::SQS::Queue": {estate.KindEventSource, []edge{
		{"", "GetQueueAttributes.Attributes.Policy", resourcePolicy},
		{estate.EncryptsBy, "GetQueueAttributes.Attributes.KmsMasterKeyId", key},
		{"", "Attributes.Policy", resourcePolicy},
		{estate.EncryptsBy, "Attributes.KmsMasterKeyId", key},
		{estate.Writes, "GetQueueAttributes.Attributes.RedrivePolicy", deadLetters},
		{estate.Writes, "Attributes.RedrivePolicy", deadLetters},
	}, nil},
	"AWS::SNS::Topic": {estate.KindEventSource, []edge{
		{"", "GetTopicAttributes.Attributes.Policy", resourcePolicy},
		{estate.EncryptsBy, "GetTopicAttributes.Attributes.KmsMasterKeyId", key},
		{"", "Attributes.Policy", resourcePolicy},
		{estate.EncryptsBy, "Attributes.KmsMasterKeyId", key},
	}, nil},
	"AWS::SNS::Subscription": {estate.KindEventSource, []edge{
		{estate.Triggers, "Endpoint", subscriber},
	}, func(r *reading) {
		if topic := r.cfg.text("TopicArn"); topic != "" {
			r.relate(topic, estate.Triggers, r.a.ID, r.a.ID+" config.TopicArn")
		}
	}},
	"AWS::Kinesis::Stream": {estate.KindEventSource, []edge{
		{estate.EncryptsBy, "KeyId", key},
		{"", "GetResourcePolicy.Policy", resourcePolicy},
	}, nil},
	"AWS::KinesisFirehose::DeliveryStream": {estate.KindPipeline, []edge{
		{estate.Reads, "Source.KinesisStreamSourceDescription.KinesisStreamARN", byARN},
		{estate.RunsAs, "Source.KinesisStreamSourceDescription.RoleARN", role},
		{estate.Reads, "Source.MSKSourceDescription.MSKClusterARN", byARN},
		{estate.Writes, "Destinations[].ExtendedS3DestinationDescription.BucketARN", bucket},
		{estate.RunsAs, "Destinations[].ExtendedS3DestinationDescription.RoleARN", role},
		{estate.EncryptsBy, "Destinations[].ExtendedS3DestinationDescription.EncryptionConfiguration.KMSEncryptionConfig.AWSKMSKeyARN", key},
		{estate.Writes, "Destinations[].S3DestinationDescription.BucketARN", bucket},
		{estate.Writes, "Destinations[].AmazonopensearchserviceDestinationDescription.DomainARN", byARN},
		{estate.Writes, "Destinations[].RedshiftDestinationDescription.S3DestinationDescription.BucketARN", bucket},
		{estate.Writes, "Destinations[].HttpEndpointDestinationDescription.EndpointConfiguration.Url", host},
		{estate.EncryptsBy, "DeliveryStreamEncryptionConfiguration.KeyARN", key},
	}, nil},
	"AWS::MSK::Cluster": {estate.KindEventSource, []edge{
		{estate.MemberOf, "Provisioned.BrokerNodeGroupInfo.ClientSubnets[]", ec2("subnet")},
		{estate.Attached, "Provisioned.BrokerNodeGroupInfo.SecurityGroups[]", ec2("security-group")},
		{estate.EncryptsBy, "Provisioned.EncryptionInfo.EncryptionAtRest.DataVolumeKMSKeyId", key},
		{estate.MemberOf, "Serverless.VpcConfigs[].SubnetIds[]", ec2("subnet")},
		{estate.Attached, "Serverless.VpcConfigs[].SecurityGroupIds[]", ec2("security-group")},
		{"", "GetClusterPolicy.Policy", resourcePolicy},
	}, nil},
}

// deadLetters links to the queue that takes what could not be delivered.
func deadLetters(n node, rel estate.RelationType) {
	if at := document(n).at("deadLetterTargetArn"); at.ok() {
		byARN(at, rel)
	}
}

// queueURL links to a queue by its URL.
func queueURL(n node, rel estate.RelationType) {
	p := strings.Split(n.str(), "/")
	if len(p) < 5 || !isAccount(p[3]) { // https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
		return
	}
	region := n.r.region()
	if h := strings.Split(p[2], "."); len(h) > 2 && h[0] == "sqs" {
		region = h[1]
	}
	n.relation(rel, ARN{n.r.partition(), "sqs", region, p[3], p[4]}.String())
}

// subscriber links to who receives a topic's messages. Mail addresses and
// telephone numbers are personal and become no asset.
func subscriber(n node, rel estate.RelationType) {
	switch s := n.str(); {
	case strings.Contains(s, ":lambda:"):
		function(n, rel)
	case strings.HasPrefix(s, "arn:"):
		n.relation(rel, s)
	case strings.HasPrefix(s, "https://"), strings.HasPrefix(s, "http://"):
		host(n, rel)
	}
}
