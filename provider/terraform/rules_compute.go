package terraform

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// computeRules are those of functions, workflows and clusters of machines.
var computeRules = []rule{
	{tf: "aws_lambda_function", typ: "AWS::Lambda::Function", id: "@lambda:function:{function_name}",
		as: map[string]string{"vpc_config": "VpcConfig", "vpc_config.subnet_ids": "SubnetIds", "vpc_config.security_group_ids": "SecurityGroupIds",
			"environment": "Environment", "image_uri": "", "image_config": "ImageConfigResponse.ImageConfig", "durable_config.retention_period": "RetentionPeriodInDays",
			"code_signing_config_arn": "", "reserved_concurrent_executions": "", "s3_bucket": "", "s3_key": "", "filename": "", "layers": "",
			"kms_key_arn": "KMSKeyArn", "source_code_size": "CodeSize", "code_sha256": "CodeSha256", "file_system_config": "FileSystemConfigs"},
		more:    lambda,
		newborn: map[string]map[string]any{"GetPolicy": nil, "ListFunctionUrlConfigs": {"FunctionUrlConfigs": []any{}}, "GetFunctionCodeSigningConfig": nil, "GetFunctionConcurrency": {}}},
	{tf: "aws_lambda_permission", typ: "AWS::Lambda::Function", onto: lambdaOnto("function_name"), more: permission},
	{tf: "aws_lambda_function_url", typ: "AWS::Lambda::Function", onto: lambdaOnto("function_name"), more: functionURL},
	{tf: "aws_lambda_provisioned_concurrency_config", typ: "AWS::Lambda::Function", onto: lambdaOnto("function_name"), more: concurrency},
	{tf: "aws_lambda_alias", typ: "AWS::Lambda::Alias", id: "@lambda:function:{function_name|last}:{name}", as: map[string]string{"function_name": ""}},
	{tf: "aws_lambda_event_source_mapping", typ: "AWS::Lambda::EventSourceMapping", composed: true, id: "@lambda:event-source-mapping:{uuid}",
		as: map[string]string{"function_name": "FunctionArn", "filter_criteria": "FilterCriteria", "filter_criteria.filter": "Filters", "destination_config": "DestinationConfig", "destination_config.on_failure.destination_arn": "Destination",
			"source_access_configuration": "SourceAccessConfigurations"}},
	{tf: "aws_sfn_state_machine", typ: "AWS::StepFunctions::StateMachine", born: map[string]any{"status": "ACTIVE"}, id: "@states:stateMachine:{name}",
		as: map[string]string{"logging_configuration": "loggingConfiguration", "logging_configuration.log_destination": "destinations[].cloudWatchLogsLogGroup.logGroupArn"}},
	{tf: "aws_emr_cluster", typ: "AWS::EMR::Cluster", as: map[string]string{"id": "Id", "cluster_state": "Status.State", "ec2_attributes": "Ec2InstanceAttributes",
		"ec2_attributes.key_name": "Ec2KeyName", "ec2_attributes.subnet_id": "Ec2SubnetId", "ec2_attributes.subnet_ids": "RequestedEc2SubnetIds",
		"ec2_attributes.instance_profile": "IamInstanceProfile", "ec2_attributes.emr_managed_master_security_group": "EmrManagedMasterSecurityGroup",
		"ec2_attributes.emr_managed_slave_security_group": "EmrManagedSlaveSecurityGroup", "ec2_attributes.additional_master_security_groups": "",
		"ec2_attributes.additional_slave_security_groups": "", "master_public_dns": "MasterPublicDnsName", "kerberos_attributes": "", "configurations": "",
		"configurations_json": "", "step": "", "bootstrap_action": "", "applications": "", "placement_group_config": "PlacementGroups", "termination_protection": "TerminationProtected",
		"ebs_root_volume_size": "EbsRootVolumeSize", "unhealthy_node_replacement": "UnhealthyNodeReplacement"}, more: emr},
	{tf: "aws_emr_security_configuration", typ: "AWS::EMR::SecurityConfiguration", id: "@elasticmapreduce:security-configuration/{name}",
		as: map[string]string{"configuration": "SecurityConfiguration", "creation_date": "CreationDateTime"}},
	{tf: "aws_emr_instance_group", typ: "AWS::EMR::Cluster", onto: &onto{typ: "AWS::EMR::Cluster", attribute: "cluster_id", id: "@elasticmapreduce:cluster/{}"}, more: instanceGroup},
	{tf: "aws_emrserverless_application", typ: "AWS::EMRServerless::Application", as: map[string]string{"id": "applicationId",
		"initial_capacity": "", "monitoring_configuration.cloudwatch_logging_configuration.log_types": ""}, more: serverless},
	{tf: "aws_codebuild_project", typ: "AWS::CodeBuild::Project", id: "@codebuild:project/{name}", as: map[string]string{"service_role": "serviceRole",
		"badge_enabled": "badge.badgeEnabled", "badge_url": "badge.badgeRequestUrl", "build_timeout": "timeoutInMinutes", "queued_timeout": "queuedTimeoutInMinutes"}},
}

func lambdaOnto(attribute string) *onto {
	return &onto{typ: "AWS::Lambda::Function", attribute: attribute, id: "@lambda:function:{}"}
}

// lambda completes a function: its image, concurrency and layers stand in other
// replies or in other shapes.
func lambda(c *conversion, d *draft, r *Resource) {
	reserved := map[string]any{}
	switch n := number(r.Values["reserved_concurrent_executions"]); n {
	case "", "-1":
	default:
		reserved["ReservedConcurrentExecutions"] = r.Values["reserved_concurrent_executions"]
	}
	d.config["GetFunctionConcurrency"] = reserved
	d.answered("GetFunctionConcurrency", "ok")
	code := map[string]any{}
	if image := c.text(r, "image_uri"); image != nil {
		code["ImageUri"] = image
		if s, ok := image.(string); ok && isID(s) { // a reference to a repository is no image
			code["ImageUri"] = unborn.Later{}
		}
	}
	body := map[string]any{"Code": code, "Configuration": unborn.Later{}}
	if len(reserved) > 0 {
		body["Concurrency"] = reserved
	}
	if d.tags != nil {
		tags := map[string]any{}
		for k, v := range d.tags {
			tags[k] = v
		}
		body["Tags"] = tags
	} else {
		body["Tags"] = unborn.Later{}
	}
	d.config["GetFunction"] = body
	d.answered("GetFunction", "ok")
	d.said["Layers"] = true
	if list, ok := c.value(spot{r: r}.step("layers"), r.Values["layers"], maskOf(r, "layers"), &unborn.Shape{Name: "Arns"}, "[s").([]any); ok {
		out := []any{}
		for _, l := range list {
			out = append(out, map[string]any{"Arn": l})
		}
		d.config["Layers"] = out
	}
	switch arn := c.text(r, "code_signing_config_arn").(type) {
	case nil:
	default:
		d.config["GetFunctionCodeSigningConfig"] = map[string]any{"CodeSigningConfigArn": arn, "FunctionName": c.text(r, "function_name")}
		d.answered("GetFunctionCodeSigningConfig", "ok")
	}
	if r.Born {
		d.config["State"], d.said["State"] = "Active", true
	}
}

// permission adds a statement to a function's policy, as AddPermission does.
func permission(c *conversion, d *draft, r *Resource) {
	reply, _ := d.config["GetPolicy"].(map[string]any)
	if reply == nil {
		reply = map[string]any{"Policy": map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": []any{}}}
	}
	principal := any(unborn.Later{})
	switch p := c.text(r, "principal").(type) {
	case string:
		switch {
		case p == "*":
			principal = "*"
		case unborn.IsAccount(p):
			principal = map[string]any{"AWS": "arn:" + c.places.of(r).partition + ":iam::" + p + ":root"}
		case isID(p):
			principal = map[string]any{"AWS": p}
		default:
			principal = map[string]any{"Service": p}
		}
	}
	conditions := map[string]any{}
	for _, k := range [...][3]string{{"source_arn", "ArnLike", "AWS:SourceArn"}, {"source_account", "StringEquals", "AWS:SourceAccount"},
		{"principal_org_id", "StringEquals", "aws:PrincipalOrgID"}, {"function_url_auth_type", "StringEquals", "lambda:FunctionUrlAuthType"},
		{"event_source_token", "StringEquals", "lambda:EventSourceToken"}} {
		if v := c.text(r, k[0]); v != nil && (maskOf(r, k[0]) == nil || maskOf(r, k[0]) == false || c.in.hasExpression(r, k[0])) {
			op, _ := conditions[k[1]].(map[string]any)
			if op == nil {
				op = map[string]any{}
			}
			op[k[2]] = v
			conditions[k[1]] = op
		}
	}
	statement := map[string]any{"Effect": "Allow", "Principal": principal, "Action": c.text(r, "action"), "Resource": d.id}
	if sid := c.known(r, "statement_id"); sid != "" {
		statement["Sid"] = sid
	}
	if len(conditions) > 0 {
		statement["Condition"] = conditions
	}
	if policy, ok := reply["Policy"].(map[string]any); ok {
		list, _ := policy["Statement"].([]any)
		if len(list) == 0 && (d.r == nil || !d.r.Born) {
			list = append(list, unborn.Later{}) // what other statements it has, the plan does not show
			d.partial = append(d.partial, "/GetPolicy/Policy/Statement")
		}
		policy["Statement"] = append(list, statement)
	}
	d.config["GetPolicy"] = reply
	d.answered("GetPolicy", "ok")
}

func functionURL(c *conversion, d *draft, r *Resource) {
	auth := c.text(r, "authorization_type")
	if auth == nil {
		auth = unborn.Later{}
	}
	one := map[string]any{"FunctionArn": d.id, "AuthType": auth, "FunctionUrl": unborn.Later{}}
	if urls := d.live.Root.Follow("ListFunctionUrlConfigs.FunctionUrlConfigs"); urls != nil {
		for attribute, member := range map[string]string{"cors": "Cors", "invoke_mode": "InvokeMode"} {
			k := urls.Named(member)
			if x := c.value(spot{r: r}.step(attribute), r.Values[attribute], maskOf(r, attribute), k, k.Code); x != nil {
				one[member] = x
			}
		}
	}
	list := []any{one}
	if reply, ok := d.config["ListFunctionUrlConfigs"].(map[string]any); ok {
		old, _ := reply["FunctionUrlConfigs"].([]any)
		list = append(old, list...)
	}
	d.config["ListFunctionUrlConfigs"] = map[string]any{"FunctionUrlConfigs": list}
	d.answered("ListFunctionUrlConfigs", "ok")
}

// concurrency keeps the provisioned concurrency of a version or alias. No read
// of a function tells it; it stands under the operation that would.
func concurrency(c *conversion, d *draft, r *Resource) {
	reply, _ := d.config["ListProvisionedConcurrencyConfigs"].(map[string]any)
	if reply == nil {
		reply = map[string]any{}
	}
	list, _ := reply["ProvisionedConcurrencyConfigs"].([]any)
	n := r.Values["provisioned_concurrent_executions"]
	if maskOf(r, "provisioned_concurrent_executions") == true {
		n = unborn.Later{}
	}
	arn := any(unborn.Later{})
	if q := c.known(r, "qualifier"); q != "" {
		arn = d.id + ":" + q
	}
	reply["ProvisionedConcurrencyConfigs"] = append(list, map[string]any{"FunctionArn": arn, "RequestedProvisionedConcurrentExecutions": n})
	d.config["ListProvisionedConcurrencyConfigs"] = reply
	d.read("lambda:ListProvisionedConcurrencyConfigs", "ListProvisionedConcurrencyConfigs", "ok")
}

// emr spells the instance groups of a cluster.
func emr(c *conversion, d *draft, r *Resource) {
	groups := []any{}
	for _, g := range [...][2]string{{"master_instance_group", "MASTER"}, {"core_instance_group", "CORE"}} {
		if block, ok := only(r.Values[g[0]]); ok {
			groups = append(groups, instancesOf(block, g[1], maskOf(r, g[0])))
		}
	}
	if len(groups) > 0 {
		d.config["ListInstanceGroups"] = map[string]any{"InstanceGroups": groups}
		d.answered("ListInstanceGroups", "ok")
	}
	d.said["Applications"] = true
	if list, ok := r.Values["applications"].([]any); ok {
		out := []any{}
		for _, a := range list {
			out = append(out, map[string]any{"Name": a})
		}
		d.config["Applications"] = out
	}
}

func instancesOf(block map[string]any, kind string, mask any) map[string]any {
	count := block["instance_count"]
	if count == nil {
		count = 1
	}
	masks, _ := mask.([]any)
	if m, _ := element(masks, 0).(map[string]any); m["instance_count"] == true {
		count = unborn.Later{}
	}
	out := map[string]any{"InstanceGroupType": kind, "InstanceType": block["instance_type"], "RequestedInstanceCount": count}
	if name := str(block["name"]); name != "" {
		out["Name"] = name
	}
	return out
}

func instanceGroup(c *conversion, d *draft, r *Resource) {
	reply, _ := d.config["ListInstanceGroups"].(map[string]any)
	if reply == nil {
		reply = map[string]any{"InstanceGroups": []any{unborn.Later{}}}
		d.partial = append(d.partial, "/ListInstanceGroups/InstanceGroups")
	}
	list, _ := reply["InstanceGroups"].([]any)
	one := instancesOf(r.Values, "TASK", nil)
	if maskOf(r, "instance_count") == true {
		one["RequestedInstanceCount"] = unborn.Later{}
	}
	reply["InstanceGroups"] = append(list, one)
	d.config["ListInstanceGroups"] = reply
	d.answered("ListInstanceGroups", "ok")
}

// serverless spells the capacity an EMR Serverless application starts with: by
// type of worker, where Terraform has a block for each.
func serverless(c *conversion, d *draft, r *Resource) {
	k := d.live.Root.Named("initialCapacity")
	if k == nil {
		return
	}
	d.said[k.Name] = true
	at := spot{r: r, as: map[string]string{"initial_capacity.initial_capacity_type": "", "initial_capacity.initial_capacity_config": "."}}.step("initial_capacity")
	list, _ := r.Values["initial_capacity"].([]any)
	masks, _ := maskOf(r, "initial_capacity").([]any)
	out := map[string]any{}
	for i, e := range list {
		m, _ := e.(map[string]any)
		typ := str(m["initial_capacity_type"])
		if typ == "" || element(masks, i) == true {
			d.config[k.Name] = unborn.Later{}
			return
		}
		out[typ] = c.object(at.at(i), m, element(masks, i), k)
	}
	switch {
	case maskOf(r, "initial_capacity") == true:
		d.config[k.Name] = unborn.Later{}
	case len(out) > 0:
		d.config[k.Name] = out
	}
}
