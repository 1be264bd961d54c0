package cloudformation

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// observeRules are those of logs, trails and detectors.
var observeRules = []rule{
	{typ: "AWS::Logs::LogGroup", id: "@logs:log-group:{LogGroupName}", as: map[string]string{"DataProtectionPolicy": "", "FieldIndexPolicies": "", "ResourcePolicyDocument": ""}, echoes: true,
		unset: map[string]any{"logGroupClass": "STANDARD", "metricFilterCount": unborn.Later{}}, newborn: map[string]map[string]any{"DescribeSubscriptionFilters": nil}},
	{typ: "AWS::Logs::ResourcePolicy", id: "@logs:resource-policy:{PolicyName}"},
	{typ: "AWS::Logs::MetricFilter", id: "@logs:log-group:{LogGroupName}#metric-filter/{FilterName}"},
	{typ: "AWS::CloudTrail::Trail", id: "@cloudtrail:trail/{TrailName}", echoes: true, more: trail, as: map[string]string{"TrailName": "Name", "EnableLogFileValidation": "LogFileValidationEnabled",
		"IsLogging": "GetTrailStatus.IsLogging", "EventSelectors": "", "AdvancedEventSelectors": "", "InsightSelectors": "", "AggregationConfigurations": ""},
		unset: map[string]any{"LogFileValidationEnabled": false, "IsMultiRegionTrail": false, "IncludeGlobalServiceEvents": true, "IsOrganizationTrail": false}},
	{typ: "AWS::CloudTrail::EventDataStore"},
	{typ: "AWS::GuardDuty::Detector", as: map[string]string{"Enable": "", "DataSources": ""}, more: detector},
	{typ: "AWS::Config::ConfigurationRecorder", id: "@config:configuration-recorder/{Name}", as: map[string]string{"StartedOnCreate": "", "RecordingGroup": "recordingGroup"}},
	{typ: "AWS::SSM::Parameter", id: "@ssm:parameter{Name}", as: map[string]string{"Value": ""}},
	{typ: "AWS::Events::Rule", id: "@events:rule/{Name}", as: map[string]string{"Targets": ""}},
}

// trail says where a trail is at home and what it records: where nothing is
// chosen, the events of management.
func trail(c *conversion, d *draft, r *Resource) {
	if r.Region != "" {
		d.config["HomeRegion"] = r.Region
	}
	if r.Properties["InsightSelectors"] == nil {
		d.answered("GetInsightSelectors", "absent")
	}
	sh := d.live.Root.Named("GetEventSelectors")
	if sh == nil {
		return
	}
	body := map[string]any{}
	for _, k := range [...]string{"EventSelectors", "AdvancedEventSelectors"} {
		inner := sh.Named(k)
		if r.Properties[k] == nil || inner == nil {
			continue
		}
		rule := &rule{echoes: true, unset: map[string]any{"EventSelectors.IncludeManagementEvents": true, "EventSelectors.ReadWriteType": "All", "EventSelectors.ExcludeManagementEventSources": []any{}}}
		s := spot{r: r, rule: rule, members: k, said: schemas()[r.Type].prop(k)}
		if v := c.value(s, r.Properties[k], inner, inner.Code); v != nil {
			body[k] = v
		}
	}
	if len(body) == 0 {
		body["EventSelectors"] = []any{map[string]any{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": []any{}, "ExcludeManagementEventSources": []any{}}}
	}
	body["TrailARN"] = unborn.Later{}
	d.reply("GetEventSelectors", body)
}

// detector spells a detector's switch; features the template does not name are as
// GuardDuty has them.
func detector(c *conversion, d *draft, r *Resource) {
	switch v := r.Properties["Enable"].(type) {
	case bool:
		d.config["Status"] = map[bool]string{true: "ENABLED", false: "DISABLED"}[v]
	case string:
		d.config["Status"] = map[string]any{"true": "ENABLED", "false": "DISABLED"}[v]
		if d.config["Status"] == nil {
			d.config["Status"] = unborn.Later{}
		}
	default:
		d.config["Status"] = unborn.Later{}
	}
	list, _ := d.config["Features"].([]any)
	if _, open := d.config["Features"].(unborn.Later); !open {
		d.config["Features"] = append(list, unborn.Later{})
	}
}
