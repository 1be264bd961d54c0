package cloudformation

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// computeRules are those of functions, workflows and clusters of machines.
var computeRules = []rule{
	{typ: functionType, id: "@lambda:function:{FunctionName}", more: lambda, as: map[string]string{"Code": "", "CodeSigningConfigArn": "", "ReservedConcurrentExecutions": "", "Layers": "",
		"ImageConfig": "ImageConfigResponse.ImageConfig", "RuntimeManagementConfig": "", "RecursiveLoop": "", "FunctionScalingConfig": "", "PublishToLatestPublished": ""},
		unset: map[string]any{"State": "Active", "Environment": none{}, "VpcConfig": none{}, "DeadLetterConfig": none{}, "FileSystemConfigs": none{}, "KMSKeyArn": none{},
			"PackageType": "Zip", "TracingConfig": map[string]any{"Mode": "PassThrough"}, "ImageConfigResponse": none{}, "Environment.Error": none{}},
		newborn: map[string]map[string]any{"GetPolicy": nil, "ListFunctionUrlConfigs": {"FunctionUrlConfigs": []any{}}, "GetFunctionCodeSigningConfig": nil, "GetFunctionConcurrency": {}}},
	{typ: "AWS::Lambda::Permission", onto: functionOnto("FunctionName"), more: permission},
	{typ: "AWS::Lambda::Url", onto: functionOnto("TargetFunctionArn"), more: functionURL},
	{typ: "AWS::Lambda::EventSourceMapping", as: map[string]string{"FunctionName": "FunctionArn", "Enabled": ""}},
	{typ: "AWS::Lambda::Alias", as: map[string]string{"FunctionName": ""}},
	{typ: "AWS::StepFunctions::StateMachine", id: "@states:stateMachine:{StateMachineName}", echoes: true, more: stateMachine,
		as:    map[string]string{"StateMachineName": "name", "StateMachineType": "type", "Definition": "", "DefinitionString": "", "DefinitionS3Location": "", "DefinitionSubstitutions": ""},
		unset: map[string]any{"status": "ACTIVE", "type": "STANDARD"}},
	{typ: "AWS::CodeBuild::Project", id: "@codebuild:project/{Name}", as: map[string]string{"TimeoutInMinutes": "timeoutInMinutes"}},
	{typ: "AWS::EMR::Cluster", as: map[string]string{"Instances": "", "JobFlowRole": "Ec2InstanceAttributes.IamInstanceProfile", "Steps": "", "BootstrapActions": ""}},
	{typ: "AWS::EMR::SecurityConfiguration", id: "@elasticmapreduce:security-configuration/{Name}"},
}

const functionType = "AWS::Lambda::Function"

func functionOnto(property string) *onto {
	return &onto{typ: functionType, property: property, id: "@lambda:function:{}"}
}

// lambda completes a function: its image, concurrency and layers stand in other
// replies or in other shapes.
func lambda(c *conversion, d *draft, r *Resource) {
	reserved := map[string]any{}
	if v := r.Properties["ReservedConcurrentExecutions"]; v != nil {
		reserved["ReservedConcurrentExecutions"] = orLater(c.port(v))
	}
	d.reply("GetFunctionConcurrency", reserved)
	code := map[string]any{}
	switch m := r.Properties["Code"].(type) {
	case map[string]any:
		if image := m["ImageUri"]; image != nil {
			code["ImageUri"] = c.text(image)
		}
	case *Open:
		code["ImageUri"] = unborn.Later{}
	}
	body := map[string]any{"Code": code, "Configuration": unborn.Later{}}
	if len(reserved) > 0 {
		body["Concurrency"] = reserved
	}
	tags := map[string]any{}
	for k, v := range d.tags {
		tags[k] = v
	}
	body["Tags"] = tags
	if d.tags == nil {
		body["Tags"] = unborn.Later{}
	}
	d.reply("GetFunction", body)
	switch v := r.Properties["Layers"].(type) {
	case nil:
		d.config["Layers"] = none{}
	case []any:
		d.config["Layers"] = c.each(v, "Arn")
	default:
		d.config["Layers"] = unborn.Later{}
	}
	if v := r.Properties["CodeSigningConfigArn"]; v != nil {
		d.reply("GetFunctionCodeSigningConfig", map[string]any{"CodeSigningConfigArn": c.nameIn(v), "FunctionName": c.text(r.Properties["FunctionName"])})
	}
}

// permission adds a statement to a function's policy, as AddPermission does.
func permission(c *conversion, d *draft, r *Resource) {
	reply, _ := d.config["GetPolicy"].(map[string]any)
	if reply == nil {
		reply = map[string]any{"Policy": map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": []any{}}}
	}
	principal := any(unborn.Later{})
	switch p := c.textOf(r.Properties["Principal"]); {
	case p == "*":
		principal = "*"
	case unborn.IsAccount(p):
		principal = map[string]any{"AWS": "arn:" + unborn.Partition(r.Region) + ":iam::" + p + ":root"}
	case isID(p):
		principal = map[string]any{"AWS": p}
	case p != "":
		principal = map[string]any{"Service": p}
	default:
		if o, ok := r.Properties["Principal"].(*Open); ok && c.thing(o) != "" {
			principal = map[string]any{"AWS": c.thing(o)}
		}
	}
	conditions := map[string]any{}
	for _, k := range [...][3]string{{"SourceArn", "ArnLike", "AWS:SourceArn"}, {"SourceAccount", "StringEquals", "AWS:SourceAccount"},
		{"PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"}, {"FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"},
		{"EventSourceToken", "StringEquals", "lambda:EventSourceToken"}} {
		v := r.Properties[k[0]]
		if v == nil {
			continue
		}
		op, _ := conditions[k[1]].(map[string]any)
		if op == nil {
			op = map[string]any{}
		}
		op[k[2]] = c.nameIn(v)
		conditions[k[1]] = op
	}
	statement := map[string]any{"Effect": "Allow", "Principal": principal, "Action": c.text(r.Properties["Action"]), "Resource": d.id}
	if len(conditions) > 0 {
		statement["Condition"] = conditions
	}
	if policy, ok := reply["Policy"].(map[string]any); ok {
		list, _ := policy["Statement"].([]any)
		if len(list) == 0 && d.r == nil {
			list = append(list, unborn.Later{}) // what other statements it has, no template shows
		}
		policy["Statement"] = append(list, c.perhaps(r, statement))
	}
	d.reply("GetPolicy", reply)
}

// functionURL adds an address to a function.
func functionURL(c *conversion, d *draft, r *Resource) {
	reply, _ := d.config["ListFunctionUrlConfigs"].(map[string]any)
	if reply == nil {
		reply = map[string]any{"FunctionUrlConfigs": []any{}}
	}
	list, _ := reply["FunctionUrlConfigs"].([]any)
	if d.r == nil && len(list) == 0 {
		list = append(list, unborn.Later{})
	}
	reply["FunctionUrlConfigs"] = append(list, c.perhaps(r, map[string]any{"FunctionArn": d.id, "AuthType": c.nameIn(r.Properties["AuthType"]), "FunctionUrl": unborn.Later{}}))
	d.reply("ListFunctionUrlConfigs", reply)
}

// stateMachine takes the definition from the text or the object that holds it.
func stateMachine(c *conversion, d *draft, r *Resource) {
	d.config["definition"] = unborn.Later{}
	if r.Properties["DefinitionSubstitutions"] != nil {
		return // what stands for its variables is put in when the stack is made
	}
	if t := c.textOf(r.Properties["DefinitionString"]); t != "" {
		d.config["definition"] = t
	}
}
