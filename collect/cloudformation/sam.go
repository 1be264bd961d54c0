package cloudformation

import (
	"fmt"
	"slices"
	"strings"
)

// sarType stands for an application of the Serverless Application Repository.
const sarType = "AWS::Serverless::Application"

// sam turns the types of the Serverless Application Model into those the
// transform makes of them ("AWS SAM resources and properties", "Generated
// CloudFormation resources"). What the transform reckons out of more than the
// resource itself (policy templates, the paths of an API) is left open.
func sam(resources, globals *node) *node {
	m := &serverless{out: &node{kind: object, line: resources.line}, globals: globals}
	for i, id := range resources.keys {
		r := resources.kids[i]
		typ, ours := strings.CutPrefix(r.get("Type").str(), "AWS::Serverless::")
		make := map[string]func(string, *node, *node){"Function": m.function, "Api": m.api, "HttpApi": m.httpAPI, "SimpleTable": m.table,
			"StateMachine": m.stateMachine, "LayerVersion": m.layer, "Application": m.application}[typ]
		if !ours || make == nil {
			m.out.put(id, r)
			continue
		}
		make(id, r, merged(m.globals.get(typ), r.get("Properties")))
	}
	return m.out
}

// serverless is one transform in progress.
type serverless struct {
	out     *node
	globals *node
}

// merged lays a resource's properties over the global ones: objects are merged,
// lists joined, all else replaced.
func merged(global, own *node) *node {
	switch {
	case global == nil && own == nil:
		return &node{kind: object}
	case global == nil:
		return own
	case own == nil:
		return global
	case global.kind == list && own.kind == list:
		return &node{kind: list, line: own.line, kids: append(slices.Clone(global.kids), own.kids...)}
	case global.kind != object || own.kind != object || isFunction(global) || isFunction(own):
		return own
	}
	out := &node{kind: object, line: own.line}
	for i, k := range global.keys {
		out.put(k, global.kids[i])
	}
	for i, k := range own.keys {
		out.put(k, merged(global.get(k), own.kids[i]))
	}
	return out
}

func isFunction(n *node) bool {
	return len(n.keys) == 1 && (n.keys[0] == "Ref" || strings.HasPrefix(n.keys[0], "Fn::"))
}

// of makes nodes: pairs of keys and values, nil values left out.
func of(line int, pairs ...any) *node {
	n := &node{kind: object, line: line}
	for i := 0; i+1 < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			n.put(pairs[i].(string), &node{kind: text, text: v, line: line})
		case bool:
			n.put(pairs[i].(string), &node{kind: boolean, text: map[bool]string{true: "true", false: "false"}[v], line: line})
		case *node:
			n.put(pairs[i].(string), v)
		}
	}
	return n
}

func listOf(line int, kids ...*node) *node { return &node{kind: list, line: line, kids: kids} }

func textOf(line int, t string) *node { return &node{kind: text, text: t, line: line} }

// byTransform is a value that the transform alone makes.
func byTransform(line int, what string) *node {
	return of(line, "Fn::Transform", of(line, "Name", "AWS::Serverless ("+what+")"))
}

// emit adds a resource that stands for another, under its condition.
func (m *serverless) emit(id, typ string, from, properties *node) {
	m.out.put(id, of(from.line, "Type", typ, "Condition", from.get("Condition"), "Metadata", from.get("Metadata"), "Properties", properties))
}

// copied takes properties that both types have.
func copied(p *node, names ...string) *node {
	out := &node{kind: object, line: p.line}
	for _, n := range names {
		out.put(n, p.get(n))
	}
	return out
}

// tags spells a map of tags as a list of pairs.
func tags(p *node) *node {
	t := p.get("Tags")
	if !t.is(object) || isFunction(t) {
		return t
	}
	out := &node{kind: list, line: t.line}
	for i, k := range t.keys {
		out.kids = append(out.kids, of(t.line, "Key", k, "Value", t.kids[i]))
	}
	return out
}

func (m *serverless) function(id string, r, p *node) {
	f := copied(p, "FunctionName", "Handler", "Runtime", "MemorySize", "Timeout", "Environment", "VpcConfig", "Layers", "KmsKeyArn", "Architectures", "PackageType", "Description",
		"ImageConfig", "ReservedConcurrentExecutions", "EphemeralStorage", "FileSystemConfigs", "SnapStart", "LoggingConfig", "CodeSigningConfigArn", "RuntimeManagementConfig", "DurableConfig")
	f.put("Tags", tags(p))
	if t := p.get("Tracing"); t != nil {
		f.put("TracingConfig", of(t.line, "Mode", t))
	}
	if q := p.get("DeadLetterQueue"); q != nil {
		f.put("DeadLetterConfig", of(q.line, "TargetArn", q.get("TargetArn")))
	}
	code := of(r.line, "ImageUri", p.get("ImageUri"), "ZipFile", p.get("InlineCode"))
	if len(code.keys) > 0 {
		f.put("Code", code)
	}
	if role := p.get("Role"); role != nil {
		f.put("Role", role)
	} else {
		f.put("Role", of(r.line, "Fn::GetAtt", listOf(r.line, textOf(r.line, id+"Role"), textOf(r.line, "Arn"))))
		m.role(id, r, p, "lambda.amazonaws.com", m.lambdaPolicies(r, p))
	}
	m.emit(id, "AWS::Lambda::Function", r, f)
	m.url(id, r, p)
	m.events(id, r, p.get("Events"))
}

// lambdaPolicies are the managed policies SAM gives a function's own role.
func (m *serverless) lambdaPolicies(r, p *node) []*node {
	managed := func(name string) *node {
		return of(r.line, "Fn::Sub", "arn:${AWS::Partition}:iam::aws:policy/"+name)
	}
	out := []*node{managed("service-role/AWSLambdaBasicExecutionRole")}
	if p.get("VpcConfig") != nil {
		out = append(out, managed("service-role/AWSLambdaVPCAccessExecutionRole"))
	}
	if p.get("Tracing").str() == "Active" {
		out = append(out, managed("AWSXRayDaemonWriteAccess"))
	}
	return out
}

// role makes the role of a function or state machine that names none.
func (m *serverless) role(id string, r, p *node, service string, managed []*node) {
	inline := []*node{}
	policies := p.get("Policies")
	all := []*node{policies}
	if policies.is(list) {
		all = policies.kids
	}
	for i, one := range all {
		switch {
		case one == nil:
		case one.kind == text && strings.HasPrefix(one.text, "arn:"), isFunction(one):
			managed = append(managed, one)
		case one.kind == text:
			managed = append(managed, of(one.line, "Fn::Sub", "arn:${AWS::Partition}:iam::aws:policy/"+one.text))
		case one.get("Statement") != nil:
			inline = append(inline, of(one.line, "PolicyName", fmt.Sprintf("%sRolePolicy%d", id, i), "PolicyDocument", one))
		default: // a template of SAM's, by name
			name := "?"
			if len(one.keys) > 0 {
				name = one.keys[0]
			}
			inline = append(inline, of(one.line, "PolicyName", fmt.Sprintf("%sRolePolicy%d", id, i), "PolicyDocument", byTransform(one.line, "policy template "+name)))
		}
	}
	trust := p.get("AssumeRolePolicyDocument")
	if trust == nil {
		trust = of(r.line, "Version", "2012-10-17", "Statement", listOf(r.line, of(r.line, "Effect", "Allow", "Action", "sts:AssumeRole", "Principal", of(r.line, "Service", service))))
	}
	role := of(r.line, "AssumeRolePolicyDocument", trust, "ManagedPolicyArns", listOf(r.line, managed...), "PermissionsBoundary", p.get("PermissionsBoundary"), "Path", p.get("RolePath"))
	if len(inline) > 0 {
		role.put("Policies", listOf(r.line, inline...))
	}
	m.emit(id+"Role", "AWS::IAM::Role", r, role)
}

// url makes the address of a function, and the right to call it that SAM gives
// everybody where nobody need sign.
func (m *serverless) url(id string, r, p *node) {
	u := p.get("FunctionUrlConfig")
	if u == nil {
		return
	}
	self := of(u.line, "Ref", id)
	m.emit(id+"Url", "AWS::Lambda::Url", r, of(u.line, "AuthType", u.get("AuthType"), "Cors", u.get("Cors"), "InvokeMode", u.get("InvokeMode"), "TargetFunctionArn", self))
	if auth := u.get("AuthType"); auth.is(text) && auth.text == "NONE" {
		m.emit(id+"UrlPublicPermissions", "AWS::Lambda::Permission", r, of(u.line, "Action", "lambda:InvokeFunctionUrl", "FunctionName", self, "Principal", "*", "FunctionUrlAuthType", "NONE"))
	}
}

// callers are the services that SAM lets call a function, by type of event.
var callers = map[string]string{"Api": "apigateway.amazonaws.com", "HttpApi": "apigateway.amazonaws.com", "SNS": "sns.amazonaws.com", "S3": "s3.amazonaws.com",
	"Schedule": "events.amazonaws.com", "EventBridgeRule": "events.amazonaws.com", "CloudWatchEvent": "events.amazonaws.com", "CloudWatchLogs": "logs.amazonaws.com",
	"IoTRule": "iot.amazonaws.com", "Cognito": "cognito-idp.amazonaws.com", "AlexaSkill": "alexa-appkit.amazon.com"}

// events makes the rights of those who call a function, and the APIs that stand
// in no resource of their own.
func (m *serverless) events(id string, r, events *node) {
	if !events.is(object) {
		return
	}
	for i, name := range events.keys {
		e := events.kids[i]
		typ := e.get("Type").str()
		if service := callers[typ]; service != "" {
			m.emit(id+name+"Permission", "AWS::Lambda::Permission", r, of(e.line, "Action", "lambda:InvokeFunction", "FunctionName", of(e.line, "Ref", id),
				"Principal", service, "SourceArn", byTransform(e.line, "the source of an event")))
		}
		p := e.get("Properties")
		switch {
		case typ == "Api" && p.get("RestApiId") == nil && m.out.get("ServerlessRestApi") == nil:
			m.rest("ServerlessRestApi", of(r.line), merged(m.globals.get("Api"), nil))
		case typ == "HttpApi" && p.get("ApiId") == nil && m.out.get("ServerlessHttpApi") == nil:
			m.http("ServerlessHttpApi", of(r.line), merged(m.globals.get("HttpApi"), nil))
		}
	}
}

func (m *serverless) api(id string, r, p *node) { m.rest(id, r, p) }

// rest makes a REST API. Its paths come from the functions' events and its own
// document; both at once are the transform's business.
func (m *serverless) rest(id string, r, p *node) {
	api := copied(p, "Name", "Description", "MinimumCompressionSize", "BinaryMediaTypes", "DisableExecuteApiEndpoint", "ApiKeySourceType", "Mode", "FailOnWarnings")
	if e := p.get("EndpointConfiguration"); e != nil {
		if e.kind != object || isFunction(e) {
			e = of(e.line, "Type", e)
		}
		config := of(e.line, "VpcEndpointIds", e.get("VPCEndpointIds"), "IpAddressType", e.get("IpAddressType"))
		if t := e.get("Type"); t != nil {
			config.put("Types", listOf(e.line, t))
		}
		api.put("EndpointConfiguration", config)
	}
	if auth := p.get("Auth"); auth.get("ResourcePolicy") != nil {
		api.put("Policy", byTransform(auth.line, "the API's policy"))
	}
	api.put("Body", byTransform(r.line, "the API's document"))
	m.emit(id, "AWS::ApiGateway::RestApi", r, api)
	m.emit(id+"Stage", "AWS::ApiGateway::Stage", r, of(r.line, "RestApiId", of(r.line, "Ref", id), "StageName", p.get("StageName"),
		"AccessLogSetting", p.get("AccessLogSetting"), "MethodSettings", p.get("MethodSettings"), "TracingEnabled", p.get("TracingEnabled"), "Variables", p.get("Variables")))
}

func (m *serverless) httpAPI(id string, r, p *node) { m.http(id, r, p) }

// http makes an HTTP API, its routes left open as those of a REST API.
func (m *serverless) http(id string, r, p *node) {
	api := copied(p, "Name", "Description", "DisableExecuteApiEndpoint", "CorsConfiguration", "FailOnWarnings")
	api.put("Body", byTransform(r.line, "the API's document"))
	m.emit(id, "AWS::ApiGatewayV2::Api", r, api)
	m.emit(id+"Stage", "AWS::ApiGatewayV2::Stage", r, of(r.line, "ApiId", of(r.line, "Ref", id), "StageName", p.get("StageName"), "AccessLogSettings", p.get("AccessLogSettings"),
		"DefaultRouteSettings", p.get("DefaultRouteSettings"), "AutoDeploy", true))
}

func (m *serverless) table(id string, r, p *node) {
	key := p.get("PrimaryKey")
	name, typ := key.get("Name"), "S"
	if name == nil {
		name = textOf(r.line, "id")
	}
	switch key.get("Type").str() {
	case "Number":
		typ = "N"
	case "Binary":
		typ = "B"
	}
	t := copied(p, "TableName", "SSESpecification", "ProvisionedThroughput", "PointInTimeRecoverySpecification")
	t.put("AttributeDefinitions", listOf(r.line, of(r.line, "AttributeName", name, "AttributeType", typ)))
	t.put("KeySchema", listOf(r.line, of(r.line, "AttributeName", name, "KeyType", "HASH")))
	if p.get("ProvisionedThroughput") == nil {
		t.put("BillingMode", textOf(r.line, "PAY_PER_REQUEST"))
	}
	t.put("Tags", tags(p))
	m.emit(id, "AWS::DynamoDB::Table", r, t)
}

func (m *serverless) stateMachine(id string, r, p *node) {
	s := of(r.line, "StateMachineName", p.get("Name"), "Definition", p.get("Definition"), "DefinitionSubstitutions", p.get("DefinitionSubstitutions"),
		"LoggingConfiguration", p.get("Logging"), "TracingConfiguration", p.get("Tracing"), "StateMachineType", p.get("Type"), "RoleArn", p.get("Role"), "Tags", tags(p))
	if p.get("Definition") == nil {
		s.put("DefinitionString", byTransform(r.line, "the definition in a file"))
	}
	if p.get("Role") == nil {
		s.put("RoleArn", of(r.line, "Fn::GetAtt", listOf(r.line, textOf(r.line, id+"Role"), textOf(r.line, "Arn"))))
		m.role(id, r, p, "states.amazonaws.com", nil)
	}
	m.emit(id, "AWS::StepFunctions::StateMachine", r, s)
}

func (m *serverless) layer(id string, r, p *node) {
	m.emit(id, "AWS::Lambda::LayerVersion", r, copied(p, "LayerName", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"))
}

// application is a nested stack, if its template lies beside this one.
func (m *serverless) application(id string, r, p *node) {
	if l := p.get("Location"); l.is(text) {
		m.emit(id, nestedType, r, of(r.line, "TemplateURL", l, "Parameters", p.get("Parameters")))
		return
	}
	m.out.put(id, r)
}
