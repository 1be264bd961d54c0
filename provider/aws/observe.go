package aws

import "github.com/sevenfold-sec/sevenfold/estate"

// observeTypes are what records and watches.
var observeTypes = map[string]spec{
	"AWS::CloudTrail::Trail": {estate.KindEventSource, []edge{
		{estate.LogsTo, "S3BucketName", bucket},
		{estate.LogsTo, "CloudWatchLogsLogGroupArn", logGroup},
		{estate.RunsAs, "CloudWatchLogsRoleArn", role},
		{estate.Triggers, "SnsTopicARN", byARN},
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.Governs, "GetEventSelectors.EventSelectors[].DataResources[].Values[]", dataEvents},
	}, governsAccount},
	"AWS::CloudTrail::EventDataStore": {estate.KindStore, []edge{{estate.EncryptsBy, "KmsKeyId", key}}, governsAccount},
	"AWS::Logs::LogGroup": {estate.KindStore, []edge{
		{estate.EncryptsBy, "kmsKeyId", key},
	}, nil},
	"AWS::Logs::ResourcePolicy": {estate.KindPolicy, []edge{{"", "policyDocument", resourcePolicy}}, nil},
	"AWS::Logs::SubscriptionFilter": {estate.KindPipeline, []edge{
		{estate.Reads, "logGroupName", logGroup},
		{estate.Triggers, "destinationArn", target},
		{estate.RunsAs, "roleArn", role},
	}, nil},
	"AWS::Logs::MetricFilter": {estate.KindPolicy, []edge{{estate.Reads, "logGroupName", logGroup}}, nil},
	"AWS::Config::ConfigurationRecorder": {estate.KindService, []edge{
		{estate.RunsAs, "roleARN", role},
	}, governsAccount},
	"AWS::Config::DeliveryChannel": {estate.KindService, []edge{
		{estate.LogsTo, "s3BucketName", bucket},
		{estate.EncryptsBy, "s3KmsKeyArn", key},
		{estate.Triggers, "snsTopicARN", byARN},
	}, nil},
	"AWS::GuardDuty::Detector": {estate.KindService, []edge{{estate.RunsAs, "ServiceRole", role}}, governsAccount},
	"AWS::Macie::Session":      {estate.KindService, []edge{{estate.RunsAs, "serviceRole", role}}, governsAccount},
	"AWS::SecurityHub::Hub":    {estate.KindService, nil, governsAccount},
	"AWS::CloudWatch::Alarm": {estate.KindEventSource, []edge{
		{estate.Triggers, "AlarmActions[]", ifARN},
	}, nil},
}

// governsAccount says that the asset applies to its whole account.
func governsAccount(r *reading) { r.relate(r.a.ID, estate.Governs, r.accountID(), "config") }

// dataEvents links a trail to a bucket or function whose data events it
// records. "arn:aws:s3" and "arn:aws:lambda" mean all there are, which is no
// thing of its own.
func dataEvents(n node, rel estate.RelationType) {
	a, ok := ParseARN(n.str())
	switch {
	case !ok:
	case a.Service == "s3":
		if name, prefix, _ := parseS3(n.str()); prefix != "" {
			s3(n, rel)
		} else {
			n.relation(rel, n.r.bucketID(name))
		}
	default:
		n.relation(rel, n.str())
	}
}
