package cloudformation

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

const (
	restType = "AWS::ApiGateway::RestApi"
	httpType = "AWS::ApiGatewayV2::Api"
)

var (
	restOnto = &onto{typ: restType, property: "RestApiId", id: "arn:{partition}:apigateway:{region}::/restapis/{}"}
	httpOnto = &onto{typ: httpType, property: "ApiId", id: "arn:{partition}:apigateway:{region}::/apis/{}"}
)

// gatewayRules are those of API Gateway: REST APIs, and HTTP and WebSocket APIs.
var gatewayRules = []rule{
	{typ: restType, as: map[string]string{"Body": "", "BodyS3Location": "", "CloneFrom": "", "FailOnWarnings": "", "Mode": "", "Parameters": "", "ApiKeySourceType": "apiKeySource"},
		unset: map[string]any{"policy": none{}, "endpointConfiguration": map[string]any{"types": []any{"EDGE"}}, "disableExecuteApiEndpoint": false},
		more:  restAPI, newborn: map[string]map[string]any{"GetResources": {"items": []any{}}, "GetAuthorizers": {"items": []any{}}}},
	{typ: "AWS::ApiGateway::Method", onto: restOnto, more: restMethod},
	{typ: "AWS::ApiGateway::Authorizer", onto: restOnto, more: element("GetAuthorizers", "items", map[string]string{"RestApiId": ""})},
	// What these say stands in no reply that is read.
	{typ: "AWS::ApiGateway::Resource", onto: restOnto}, {typ: "AWS::ApiGateway::Deployment", onto: restOnto}, {typ: "AWS::ApiGateway::Model", onto: restOnto},
	{typ: "AWS::ApiGateway::RequestValidator", onto: restOnto}, {typ: "AWS::ApiGateway::GatewayResponse", onto: restOnto},
	{typ: "AWS::ApiGateway::Stage", id: "arn:{partition}:apigateway:{region}::/restapis/{RestApiId}/stages/{StageName}", as: map[string]string{"AccessLogSetting": "accessLogSettings", "MethodSettings": "", "RestApiId": ""}},
	{typ: httpType, as: map[string]string{"Body": "", "BodyS3Location": "", "BasePath": "", "CredentialsArn": "", "FailOnWarnings": "", "RouteKey": "", "Target": ""}, unset: map[string]any{"ProtocolType": "HTTP"},
		more: httpAPI, newborn: map[string]map[string]any{"GetRoutes": {"Items": []any{}}, "GetIntegrations": {"Items": []any{}}, "GetAuthorizers": {"Items": []any{}}}},
	{typ: "AWS::ApiGatewayV2::Route", onto: httpOnto, more: element("GetRoutes", "Items", map[string]string{"ApiId": ""})},
	{typ: "AWS::ApiGatewayV2::Integration", onto: httpOnto, more: element("GetIntegrations", "Items", map[string]string{"ApiId": ""})},
	{typ: "AWS::ApiGatewayV2::Authorizer", onto: httpOnto, more: element("GetAuthorizers", "Items", map[string]string{"ApiId": ""})},
	{typ: "AWS::ApiGatewayV2::Deployment", onto: httpOnto}, {typ: "AWS::ApiGatewayV2::Model", onto: httpOnto},
	{typ: "AWS::ApiGatewayV2::Stage", id: "arn:{partition}:apigateway:{region}::/apis/{ApiId}/stages/{StageName}", as: map[string]string{"ApiId": ""}},
}

// restAPI leaves open what an OpenAPI document in the resource makes.
func restAPI(c *conversion, d *draft, r *Resource) {
	if v := r.Properties["Policy"]; v != nil {
		d.config["policy"] = c.policy(v)
	}
	if r.Properties["Body"] == nil && r.Properties["BodyS3Location"] == nil && r.Properties["CloneFrom"] == nil {
		return
	}
	for _, key := range [...]string{"GetResources", "GetAuthorizers"} {
		d.reply(key, map[string]any{"items": []any{unborn.Later{}}})
	}
	if r.Properties["Policy"] == nil { // the document may hold one
		d.config["policy"] = unborn.Later{}
	}
}

// httpAPI leaves open what an OpenAPI document makes; a target makes a route for
// every request, which nobody guards.
func httpAPI(c *conversion, d *draft, r *Resource) {
	if r.Properties["Body"] != nil || r.Properties["BodyS3Location"] != nil {
		for _, key := range [...]string{"GetRoutes", "GetIntegrations", "GetAuthorizers"} {
			d.reply(key, map[string]any{"Items": []any{unborn.Later{}}})
		}
		return
	}
	if r.Properties["Target"] == nil {
		return
	}
	route := c.text(r.Properties["RouteKey"])
	if route == nil {
		route = "$default"
	}
	d.reply("GetRoutes", map[string]any{"Items": []any{map[string]any{"RouteKey": route, "AuthorizationType": "NONE", "ApiKeyRequired": false, "Target": unborn.Later{}, "RouteId": unborn.Later{}, "AuthorizerId": none{}}}})
	d.reply("GetIntegrations", map[string]any{"Items": []any{unborn.Later{}}})
}

// inReply adds an element to a list in a reply; of a thing the template does not
// make, what else stands there is not known.
func (d *draft) inReply(key, list string, v any) {
	reply, _ := d.config[key].(map[string]any)
	if reply == nil {
		reply = map[string]any{list: []any{}}
		if d.r == nil {
			reply[list] = []any{unborn.Later{}}
		}
	}
	have, _ := reply[list].([]any)
	reply[list] = append(have, v)
	d.reply(key, reply)
}

// element makes the resource an element of a list in a reply of its owner.
func element(key, list string, as map[string]string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		sh := d.live.Root.Follow(key + "." + list)
		if sh == nil {
			return
		}
		rule := &rule{echoes: true, as: as, unset: map[string]any{"AuthorizationType": "NONE", "ApiKeyRequired": false}}
		s := spot{r: r, rule: rule, as: as, said: &schemas()[r.Type].property}
		d.inReply(key, list, c.perhaps(r, c.object(s, r.Properties, sh)))
	}
}

// restPath is the item of a REST API that a value refers to: its id, as far as it
// is known, and its path.
func (c *conversion) restPath(v any, depth int) (id, path any) {
	o, ok := v.(*Open)
	if !ok || len(o.Parts) != 1 || depth > maxReferences {
		return c.nameIn(v), unborn.Later{}
	}
	at := o.Parts[0]
	r := c.resources[at.Resource]
	switch {
	case r == nil:
		return unborn.Later{}, unborn.Later{}
	case at.Attribute == "RootResourceId":
		return c.identity(at.Resource) + "#root", "/"
	case r.Type == "AWS::ApiGateway::Resource":
		_, above := c.restPath(r.Properties["ParentId"], depth+1)
		lead, known := above.(string)
		part := c.known(r, "PathPart")
		if !known || part == "" {
			return prefix + at.Resource, unborn.Later{}
		}
		return prefix + at.Resource, strings.TrimSuffix(lead, "/") + "/" + part
	}
	return unborn.Later{}, unborn.Later{}
}

// restMethod adds a method to the item of its path.
func restMethod(c *conversion, d *draft, r *Resource) {
	sh := d.live.Root.Follow("GetResources.items.resourceMethods")
	verb := c.known(r, "HttpMethod")
	item := map[string]any{}
	item["id"], item["path"] = c.restPath(r.Properties["ResourceId"], 0)
	if sh == nil || verb == "" || r.Doubt != "" {
		item["resourceMethods"] = unborn.Later{}
		d.inReply("GetResources", "items", item)
		return
	}
	as := map[string]string{"RestApiId": "", "ResourceId": "", "Integration": "methodIntegration", "MethodResponses": "", "Integration.IntegrationHttpMethod": "httpMethod", "Integration.IntegrationResponses": ""}
	rule := &rule{echoes: true, as: as, unset: map[string]any{"authorizationType": "NONE", "apiKeyRequired": false, "methodResponses": none{}, "methodIntegration.integrationResponses": none{}}}
	s := spot{r: r, rule: rule, as: as, said: &schemas()[r.Type].property}
	one := map[string]any{}
	c.members(one, s, r.Properties, sh)
	c.unsaid(one, s, sh)
	item["resourceMethods"] = map[string]any{verb: one}
	d.inReply("GetResources", "items", item)
}
