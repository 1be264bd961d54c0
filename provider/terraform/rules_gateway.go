package terraform

import (
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// Asset types of the two kinds of API.
const (
	restType = "AWS::ApiGateway::RestApi"
	httpType = "AWS::ApiGatewayV2::Api"
)

var (
	restOnto = &onto{typ: restType, attribute: "rest_api_id", id: "arn:{partition}:apigateway:{region}::/restapis/{}"}
	httpOnto = &onto{typ: httpType, attribute: "api_id", id: "arn:{partition}:apigateway:{region}::/apis/{}"}
)

// gatewayRules are those of API Gateway: REST APIs, and HTTP and WebSocket APIs.
var gatewayRules = []rule{
	{tf: "aws_api_gateway_rest_api", typ: restType, as: map[string]string{"body": "", "put_rest_api_mode": ""}, more: restAPI,
		newborn: map[string]map[string]any{"GetResources": {"items": []any{}}, "GetAuthorizers": {"items": []any{}}}},
	{tf: "aws_api_gateway_rest_api_policy", typ: restType, onto: restOnto, more: func(c *conversion, d *draft, r *Resource) {
		d.config["policy"], d.said["policy"] = c.policy(r, "policy"), true
	}, less: func(_ *conversion, d *draft, _ *Resource) { delete(d.config, "policy") }},
	{tf: "aws_api_gateway_resource", typ: restType, onto: restOnto, more: restResource, less: lessOf("GetResources", "items")},
	{tf: "aws_api_gateway_method", typ: restType, onto: restOnto, as: methodAs, more: restMethod, less: lessOf("GetResources", "items")},
	{tf: "aws_api_gateway_integration", typ: restType, onto: restOnto, as: integrationAs, more: restIntegration, less: lessOf("GetResources", "items")},
	{tf: "aws_api_gateway_authorizer", typ: restType, onto: restOnto, less: lessOf("GetAuthorizers", "items"),
		as:   map[string]string{"rest_api_id": "", "provider_arns": "providerARNs"},
		more: elementOf("GetAuthorizers", "items")},
	// What a deployment and the shapes of requests and answers say stands in no
	// reply that is read.
	{tf: "aws_api_gateway_deployment", typ: restType, onto: restOnto}, {tf: "aws_api_gateway_model", typ: restType, onto: restOnto},
	{tf: "aws_api_gateway_method_response", typ: restType, onto: restOnto}, {tf: "aws_api_gateway_integration_response", typ: restType, onto: restOnto},
	{tf: "aws_api_gateway_request_validator", typ: restType, onto: restOnto}, {tf: "aws_api_gateway_gateway_response", typ: restType, onto: restOnto},
	{tf: "aws_api_gateway_stage", typ: "AWS::ApiGateway::Stage", id: "arn:{partition}:apigateway:{region}::/restapis/{rest_api_id}/stages/{stage_name}",
		as: map[string]string{"xray_tracing_enabled": "tracingEnabled", "rest_api_id": ""}},

	{tf: "aws_apigatewayv2_api", typ: httpType, id: "arn:{partition}:apigateway:{region}::/apis/{id}", as: map[string]string{"id": "ApiId", "body": ""}, more: httpAPI,
		newborn: map[string]map[string]any{"GetRoutes": {"Items": []any{}}, "GetIntegrations": {"Items": []any{}}, "GetAuthorizers": {"Items": []any{}}}},
	{tf: "aws_apigatewayv2_route", typ: httpType, onto: httpOnto, less: lessOf("GetRoutes", "Items"),
		as:   map[string]string{"id": "RouteId", "api_id": "", "request_parameter": ""},
		more: elementOf("GetRoutes", "Items", "AuthorizationType", "NONE")},
	{tf: "aws_apigatewayv2_integration", typ: httpType, onto: httpOnto, less: lessOf("GetIntegrations", "Items"),
		as: map[string]string{"id": "IntegrationId", "api_id": "", "credentials_arn": "CredentialsArn", "response_parameters": "",
			"timeout_milliseconds": "TimeoutInMillis"},
		more: elementOf("GetIntegrations", "Items")},
	{tf: "aws_apigatewayv2_authorizer", typ: httpType, onto: httpOnto, less: lessOf("GetAuthorizers", "Items"),
		as:   map[string]string{"id": "AuthorizerId", "api_id": "", "identity_sources": "IdentitySource"},
		more: elementOf("GetAuthorizers", "Items")},
	{tf: "aws_apigatewayv2_deployment", typ: httpType, onto: httpOnto}, {tf: "aws_apigatewayv2_model", typ: httpType, onto: httpOnto},
	{tf: "aws_apigatewayv2_stage", typ: "AWS::ApiGatewayV2::Stage", id: "arn:{partition}:apigateway:{region}::/apis/{api_id}/stages/{name}",
		as: map[string]string{"name": "StageName", "api_id": ""}},
}

// restAPI leaves open what an OpenAPI document in the resource makes.
func restAPI(c *conversion, d *draft, r *Resource) {
	if c.text(r, "body") == nil {
		return
	}
	for _, key := range [...]string{"GetResources", "GetAuthorizers"} {
		d.config[key] = map[string]any{"items": []any{unborn.Later{}}}
		d.answered(key, estate.ReadOK)
	}
	if d.config["policy"] == nil { // the document may hold one
		d.config["policy"] = unborn.Later{}
	}
}

// httpAPI leaves open what an OpenAPI document makes, and what a target makes:
// a route for every request, which nobody guards.
func httpAPI(c *conversion, d *draft, r *Resource) {
	if c.text(r, "body") == nil && c.text(r, "target") == nil {
		return
	}
	for _, key := range [...]string{"GetRoutes", "GetIntegrations", "GetAuthorizers"} {
		d.config[key] = map[string]any{"Items": []any{unborn.Later{}}}
		d.answered(key, estate.ReadOK)
	}
	if c.text(r, "body") != nil {
		return
	}
	if key := c.text(r, "route_key"); r.Born {
		if key == nil {
			key = "$default"
		}
		d.config["GetRoutes"] = map[string]any{"Items": []any{map[string]any{"RouteKey": key, "AuthorizationType": "NONE", "ApiKeyRequired": false,
			"Target": unborn.Later{}, "RouteId": unborn.Later{}, "AuthorizerId": unsaid{}}}}
		delete(d.config, "GetAuthorizers")
		delete(d.reads, "GetAuthorizers\x00apigatewayv2:GetAuthorizers")
	}
}

// elementOf makes the resource an element of a list in a reply of its owner.
// Usual are members and their values where the resource does not give them.
func elementOf(key, list string, usual ...string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		sh := d.live.Root.Follow(key + "." + list)
		if sh == nil {
			return
		}
		as := c.rules[r.Type].as
		one := c.object(spot{r: r, as: as}, r.Values, r.Unknown, sh)
		sayableOf(r.Type, as, sh).unsay(one, sh, true)
		for i := 0; i+1 < len(usual); i += 2 {
			if one[usual[i]] == nil {
				one[usual[i]] = usual[i+1]
			}
		}
		d.inReply(key, list, one)
	}
}

// lessOf notes that of a list in a reply an element is gone: the others stay,
// and which they are the plan does not show.
func lessOf(key, list string) func(*conversion, *draft, *Resource) {
	return func(_ *conversion, d *draft, _ *Resource) {
		if d.config[key] == nil && d.silent(key) {
			d.config[key] = map[string]any{list: []any{}}
			d.partial = append(d.partial, "/"+key+"/"+list)
			d.answered(key, estate.ReadOK)
		}
	}
}

// restItem finds or adds the item of a path of a REST API: by its id, or the
// resource that makes it.
func restItem(c *conversion, d *draft, r *Resource, attribute string) map[string]any {
	id, path := c.text(r, attribute), any(unborn.Later{})
	if refs := c.refs(r, []string{attribute}); c.known(r, attribute) == "" && len(refs) == 1 {
		switch refs[0].Attribute {
		case "root_resource_id":
			id, path = prefix+refs[0].Address+"#root", "/"
		default:
			id = prefix + refs[0].Address
		}
	}
	if root, known := d.config["rootResourceId"].(string); known && root == id {
		path = "/"
	}
	if reply, ok := d.config["GetResources"].(map[string]any); ok {
		items, _ := reply["items"].([]any)
		for _, e := range items {
			if m, ok := e.(map[string]any); ok && id != nil && m["id"] == id {
				return m
			}
		}
	}
	if _, open := id.(unborn.Later); open || id == nil {
		id = unborn.Later{}
	}
	item := map[string]any{"id": id, "path": path}
	d.inReply("GetResources", "items", item)
	return item
}

// restResource names the path of an item.
func restResource(c *conversion, d *draft, r *Resource) {
	id := c.known(r, "id")
	if id == "" {
		id = prefix + r.Address
	}
	var item map[string]any
	if reply, ok := d.config["GetResources"].(map[string]any); ok {
		items, _ := reply["items"].([]any)
		for _, e := range items {
			if m, ok := e.(map[string]any); ok && m["id"] == id {
				item = m
			}
		}
	}
	if item == nil {
		item = map[string]any{"id": id}
		d.inReply("GetResources", "items", item)
	}
	item["path"] = c.text(r, "path")
	if item["path"] == nil {
		item["path"] = unborn.Later{}
	}
	item["pathPart"] = c.text(r, "path_part")
	if item["pathPart"] == nil {
		item["pathPart"] = unborn.Later{}
	}
}

// methodOf finds or adds a method of an item. Until its own resource says so,
// nothing is known of whom it asks for; of a method known after apply nothing
// but that there is one.
func methodOf(c *conversion, d *draft, r *Resource) map[string]any {
	verb := c.known(r, "http_method")
	if verb == "" { // an integration names the method by reference
		if refs := c.refs(r, []string{"http_method"}); len(refs) == 1 && c.resources[refs[0].Address] != nil {
			verb = c.known(c.resources[refs[0].Address], "http_method")
		}
	}
	item := restItem(c, d, r, "resource_id")
	if verb == "" {
		item["resourceMethods"] = unborn.Later{}
		return nil
	}
	if _, open := item["resourceMethods"].(unborn.Later); open {
		return nil
	}
	methods, _ := item["resourceMethods"].(map[string]any)
	if methods == nil {
		methods = map[string]any{}
		item["resourceMethods"] = methods
	}
	one, _ := methods[verb].(map[string]any)
	if one == nil {
		one = map[string]any{"httpMethod": verb, "authorizationType": unborn.Later{}, "apiKeyRequired": unborn.Later{}}
		methods[verb] = one
	}
	return one
}

// methodAs spells a method.
var methodAs = map[string]string{"authorization": "authorizationType", "rest_api_id": "", "resource_id": "", "id": "", "request_models": "requestModels",
	"request_parameters": "requestParameters"}

func restMethod(c *conversion, d *draft, r *Resource) {
	one := methodOf(c, d, r)
	if one == nil {
		return
	}
	sh := d.live.Root.Follow("GetResources.items.resourceMethods")
	delete(one, "authorizationType")
	delete(one, "apiKeyRequired")
	for k, v := range c.object(spot{r: r, as: methodAs}, r.Values, r.Unknown, sh) {
		one[k] = v
	}
	if one["authorizationType"] == nil {
		one["authorizationType"] = unborn.Later{}
	}
	sayableOf(r.Type, methodAs, sh).unsay(one, sh.Single(), true)
}

// integrationAs spells what answers a method.
var integrationAs = map[string]string{"integration_http_method": "httpMethod", "http_method": "", "rest_api_id": "", "resource_id": "", "id": "",
	"timeout_milliseconds": "timeoutInMillis"}

func restIntegration(c *conversion, d *draft, r *Resource) {
	one := methodOf(c, d, r)
	if one == nil {
		return
	}
	sh := d.live.Root.Follow("GetResources.items.resourceMethods.methodIntegration")
	body := c.object(spot{r: r, as: integrationAs}, r.Values, r.Unknown, sh)
	sayableOf(r.Type, integrationAs, sh).unsay(body, sh, true)
	one["methodIntegration"] = body
}
