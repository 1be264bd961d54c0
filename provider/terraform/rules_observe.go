package terraform

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// observeRules are those of logs, trails and detectors.
var observeRules = []rule{
	{tf: "aws_cloudwatch_log_group", typ: "AWS::Logs::LogGroup", id: "@logs:log-group:{name}",
		as: map[string]string{"name": "logGroupName", "name_prefix": "", "retention_in_days": ""}, more: retention},
	{tf: "aws_cloudwatch_log_resource_policy", typ: "AWS::Logs::ResourcePolicy", composed: true, id: "@logs:resource-policy:{policy_name}"},
	{tf: "aws_cloudwatch_log_metric_filter", typ: "AWS::Logs::MetricFilter", composed: true, id: "@logs:log-group:{log_group_name}#metric-filter/{name}",
		as: map[string]string{"name": "filterName", "pattern": "filterPattern", "metric_transformation": "metricTransformations", "metric_transformation.name": "metricName",
			"metric_transformation.namespace": "metricNamespace", "metric_transformation.value": "metricValue"}},
	{tf: "aws_cloudtrail", typ: "AWS::CloudTrail::Trail", id: "@cloudtrail:trail/{name}",
		as: map[string]string{"enable_logging": "", "enable_log_file_validation": "LogFileValidationEnabled", "include_global_service_events": "IncludeGlobalServiceEvents",
			"event_selector": "", "advanced_event_selector": "", "insight_selector": "", "cloud_watch_logs_group_arn": "CloudWatchLogsLogGroupArn",
			"cloud_watch_logs_role_arn": "CloudWatchLogsRoleArn", "sns_topic_name": "SnsTopicName", "id": ""},
		with: map[string]any{"LogFileValidationEnabled": false, "IsMultiRegionTrail": false, "IncludeGlobalServiceEvents": true}, more: trail},
	{tf: "aws_guardduty_detector", typ: "AWS::GuardDuty::Detector", as: map[string]string{"enable": "", "datasources": ""}, more: detector},
	{tf: "aws_config_configuration_recorder", typ: "AWS::Config::ConfigurationRecorder", id: "@config:configuration-recorder/{name}", composed: true},
	{tf: "aws_ssm_parameter", typ: "AWS::SSM::Parameter", id: "@ssm:parameter{name}", as: map[string]string{"value": "", "insecure_value": ""}},
	{tf: "aws_cloudwatch_event_rule", typ: "AWS::Events::Rule", id: "@events:rule/{name}"},
}

// retention spells 0, which means for ever, as the reply does: not at all.
func retention(c *conversion, d *draft, r *Resource) {
	if r.Born && maskOf(r, "log_group_class") == true && !c.in.hasExpression(r, "log_group_class") {
		d.config["logGroupClass"] = "STANDARD" // what AWS takes where nothing is said
	}
	d.said["retentionInDays"] = true
	switch {
	case maskOf(r, "retention_in_days") == true:
		d.config["retentionInDays"] = unborn.Later{}
	case number(r.Values["retention_in_days"]) != "" && number(r.Values["retention_in_days"]) != "0":
		d.config["retentionInDays"] = r.Values["retention_in_days"]
	}
}

func trail(c *conversion, d *draft, r *Resource) {
	on := any(r.Values["enable_logging"] != false)
	if maskOf(r, "enable_logging") == true {
		on = unborn.Later{}
	}
	d.config["GetTrailStatus"] = map[string]any{"IsLogging": on}
	d.answered("GetTrailStatus", "ok")
	if d.where.region != "" {
		d.config["HomeRegion"], d.said["HomeRegion"] = d.where.region, true
	}
	if r.Born && !configured(r.Values["insight_selector"]) {
		d.answered("GetInsightSelectors", "absent")
	}
}

// detector spells a detector's switch.
func detector(_ *conversion, d *draft, r *Resource) {
	for _, m := range d.live.Root.Kids {
		if m.Name == "Status" {
			d.config["Status"], d.said["Status"] = map[bool]string{true: "ENABLED", false: "DISABLED"}[r.Values["enable"] != false], true
		}
	}
}
