package terraform

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// replies are the named members of the one asset of a type.
func replies(t testing.TB, out Output, typ string, members ...string) (*estate.Asset, string) {
	t.Helper()
	for i := range out.Assets {
		if out.Assets[i].Type != typ {
			continue
		}
		var config map[string]any
		if err := json.Unmarshal(out.Assets[i].Config, &config); err != nil {
			t.Fatal(err)
		}
		var text []string
		for _, m := range members {
			b, _ := json.Marshal(config[m])
			text = append(text, string(b))
		}
		return &out.Assets[i], strings.Join(text, " ")
	}
	t.Fatalf("no %s among %v", typ, out.Assets)
	return nil, ""
}

// restAPIOf is a REST API with a method on its root and one below it.
func restAPIOf(t testing.TB, born bool) []Resource {
	api := map[bool]string{true: `{"name":"a"}`, false: `{"name":"a","id":"x1","arn":"arn:aws:apigateway:eu-west-1::/restapis/x1"}`}[born]
	mask := map[bool]string{true: `{"id":true,"arn":true,"root_resource_id":true}`}[born]
	owner := map[string]Reference{"rest_api_id": {"aws_api_gateway_rest_api.a", "id"}}
	with := func(attribute string, ref Reference) map[string]Reference {
		return map[string]Reference{"rest_api_id": owner["rest_api_id"], attribute: ref}
	}
	const open = `{"rest_api_id":true,"resource_id":true}`
	return []Resource{
		resource(t, "aws_api_gateway_rest_api.a", api, mask, born),
		refer(resource(t, "aws_api_gateway_resource.chat", `{"path_part":"chat"}`, `{"id":true,"path":true,"rest_api_id":true,"parent_id":true}`, true), owner),
		refer(resource(t, "aws_api_gateway_method.root", `{"http_method":"GET","authorization":"AWS_IAM"}`, open, true), with("resource_id", Reference{"aws_api_gateway_rest_api.a", "root_resource_id"})),
		refer(resource(t, "aws_api_gateway_method.chat", `{"http_method":"POST","authorization":"NONE","api_key_required":false}`, open, true), with("resource_id", Reference{"aws_api_gateway_resource.chat", "id"})),
		refer(resource(t, "aws_api_gateway_integration.chat", `{"http_method":"POST","type":"AWS_PROXY","integration_http_method":"POST","uri":"arn:u"}`, open, true), with("resource_id", Reference{"aws_api_gateway_resource.chat", "id"})),
	}
}

// TestRestAPI holds that methods stand in the reply of their API, in whatever
// order a plan names them.
func TestRestAPI(t *testing.T) {
	want := `{"items":[` +
		`{"id":"terraform://aws_api_gateway_resource.chat","pathPart":"chat","resourceMethods":{"POST":{"apiKeyRequired":false,"authorizationType":"NONE","httpMethod":"POST","methodIntegration":{"httpMethod":"POST","type":"AWS_PROXY","uri":"arn:u"}}}},` +
		`{"id":"terraform://aws_api_gateway_rest_api.a#root","path":"/","resourceMethods":{"GET":{"authorizationType":"AWS_IAM","httpMethod":"GET"}}}]} {"items":[]}`
	rapid.Check(t, func(rt *rapid.T) {
		a, got := replies(t, convert(rapid.Permutation(restAPIOf(t, true)).Draw(rt, "order")...), restType, "GetResources", "GetAuthorizers")
		var parts struct{ Items []map[string]any }
		head, tail, _ := strings.Cut(got, "]} ")
		if err := json.Unmarshal([]byte(head+"]}"), &parts); err != nil {
			rt.Fatal(err)
		}
		slices.SortFunc(parts.Items, func(a, b map[string]any) int { return strings.Compare(a["id"].(string), b["id"].(string)) })
		text, _ := json.Marshal(map[string]any{"items": parts.Items})
		if diff := cmp.Diff(want, string(text)+" "+tail); diff != "" {
			rt.Fatalf("replies (-want +got):\n%s", diff)
		}
		for _, r := range a.Reads {
			if !r.Status.Known() {
				rt.Fatalf("%v is open", r)
			}
		}
	})
}

// TestGateways holds what is open: the rest of an API that exists, what a
// document makes, a method without its own resource.
func TestGateways(t *testing.T) {
	for name, tt := range map[string]struct {
		resources, gone []Resource
		typ             string
		members         []string
		want            string
		unknown         []string
	}{
		"not_new": {restAPIOf(t, false)[:4:4], nil, restType, []string{"GetAuthorizers"}, `null`, []string{"/GetResources/items/2"}},
		"document": {[]Resource{resource(t, "aws_api_gateway_rest_api.a", `{"name":"a","body":"{}"}`, "", true)}, nil, restType, []string{"GetResources"}, `{"items":[null]}`,
			[]string{"/GetResources/items/0", "/policy"}},
		"only_answered": {[]Resource{resource(t, "aws_api_gateway_integration.i", `{"rest_api_id":"x1","resource_id":"r","http_method":"GET","type":"MOCK"}`, "", true)}, nil, restType, nil, "",
			[]string{"/GetResources/items/0/resourceMethods/GET/authorizationType", "/GetResources/items/0/path", "/GetResources/items/1"}},
		"taken_away": {[]Resource{resource(t, "aws_api_gateway_rest_api.a", `{"name":"a","id":"x1","arn":"arn:aws:apigateway:eu-west-1::/restapis/x1"}`, "", false)},
			[]Resource{resource(t, "aws_api_gateway_method.m", `{"rest_api_id":"x1","resource_id":"r","http_method":"GET","authorization":"AWS_IAM"}`, "", false)},
			restType, []string{"GetResources"}, `{"items":[null]}`, []string{"/GetResources/items/0"}},
		"policy": {[]Resource{resource(t, "aws_api_gateway_rest_api.a", `{"name":"a","id":"x1","arn":"arn:aws:apigateway:eu-west-1::/restapis/x1"}`, "", false),
			resource(t, "aws_api_gateway_rest_api_policy.p", `{"rest_api_id":"x1","policy":"{\"Statement\":[]}"}`, "", true)}, nil, restType, []string{"policy"}, `{"Statement":[]}`, nil},
		"route": {[]Resource{resource(t, "aws_apigatewayv2_route.r", `{"api_id":"h1","route_key":"POST /chat","target":"integrations/i"}`, "", true)}, nil, httpType,
			[]string{"GetRoutes"}, `{"Items":[{"AuthorizationType":"NONE","RouteKey":"POST /chat","Target":"integrations/i"},null]}`, []string{"/GetRoutes/Items/1"}},
		"new_without_routes": {[]Resource{resource(t, "aws_apigatewayv2_api.h", `{"name":"h","protocol_type":"HTTP"}`, `{"id":true,"arn":true}`, true)}, nil, httpType,
			[]string{"GetRoutes"}, `{"Items":[]}`, nil},
		"quick": {[]Resource{resource(t, "aws_apigatewayv2_api.h", `{"name":"h","protocol_type":"HTTP","target":"arn:aws:lambda:eu-west-1:111122223333:function:f"}`, `{"id":true,"arn":true}`, true)}, nil, httpType,
			[]string{"GetRoutes"}, `{"Items":[{"ApiKeyRequired":false,"AuthorizationType":"NONE","RouteKey":"$default"}]}`, []string{"/GetIntegrations/Items/0"}},
		"stage": {[]Resource{resource(t, "aws_apigatewayv2_stage.s", `{"api_id":"h1","name":"$default","access_log_settings":[{"destination_arn":"arn:d","format":"f"}],"route_settings":[]}`, "", true)}, nil, "AWS::ApiGatewayV2::Stage",
			[]string{"StageName", "AccessLogSettings"}, `"$default" {"DestinationArn":"arn:d","Format":"f"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			a, got := replies(t, Convert(Input{Resources: tt.resources, Gone: tt.gone, Account: account, Region: region}), tt.typ, tt.members...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tt.members, diff)
			}
			for _, p := range tt.unknown {
				if !slices.Contains(a.Unknown, p) {
					t.Errorf("%s is not unknown: %v\n%s", p, a.Unknown, a.Config)
				}
			}
		})
	}
}

// TestPolicyAttachment holds that one resource attaches a policy to several, and
// that what another still attaches stays.
func TestPolicyAttachment(t *testing.T) {
	const admin = "arn:aws:iam::aws:policy/AdministratorAccess"
	many := resource(t, "aws_iam_policy_attachment.m", `{"name":"m","policy_arn":"`+admin+`","roles":["r"],"users":["u"],"groups":[]}`, "", true)
	single := resource(t, "aws_iam_role_policy_attachment.s", `{"role":"r","policy_arn":"`+admin+`"}`, "", true)
	role := resource(t, "aws_iam_role.r", `{"name":"r","arn":"arn:aws:iam::111122223333:role/r","managed_policy_arns":["`+admin+`"]}`, "", false)
	attached := func(out Output) map[string]int {
		n := map[string]int{}
		for _, a := range out.Assets {
			n[a.ID] = strings.Count(string(a.Config), admin)
		}
		return n
	}
	for name, tt := range map[string]struct {
		in   Input
		want map[string]int
	}{
		"several":            {Input{Resources: []Resource{many}}, map[string]int{"arn:aws:iam::111122223333:role/r": 1, "arn:aws:iam::111122223333:user/u": 1}},
		"taken_away":         {Input{Resources: []Resource{role}, Gone: []Resource{many}}, map[string]int{"arn:aws:iam::111122223333:role/r": 0}},
		"still_by_the_other": {Input{Resources: []Resource{role, single}, Gone: []Resource{many}}, map[string]int{"arn:aws:iam::111122223333:role/r": 1}},
		"still_by_this":      {Input{Resources: []Resource{role, many}, Gone: []Resource{single}}, map[string]int{"arn:aws:iam::111122223333:role/r": 1, "arn:aws:iam::111122223333:user/u": 1}},
		"by_reference": {Input{Resources: []Resource{role, refer(resource(t, "aws_iam_policy_attachment.m", `{"name":"m","policy_arn":"`+admin+`"}`, `{"roles":true}`, true),
			map[string]Reference{"roles": {"aws_iam_role.r", "name"}})}}, map[string]int{"arn:aws:iam::111122223333:role/r": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.in.Account, tt.in.Region = account, region
			if diff := cmp.Diff(tt.want, attached(Convert(tt.in))); diff != "" {
				t.Errorf("attachments (-want +got):\n%s", diff)
			}
		})
	}
	out := convert(resource(t, "aws_iam_policy_attachment.m", `{"name":"m","policy_arn":"`+admin+`"}`, `{"roles":true}`, true))
	if len(out.BlindSpots) != 1 || out.Unconverted["aws_iam_policy_attachment.m"].Why == "" {
		t.Errorf("an attachment to nobody knows whom: %v %v", out.BlindSpots, out.Unconverted)
	}
}

// TestLooseParts holds that a new thing is not said to have none of what another
// resource may give it.
func TestLooseParts(t *testing.T) {
	route := resource(t, "aws_apigatewayv2_route.r", `{"route_key":"GET /"}`, `{"api_id":true}`, true)
	a, _ := replies(t, convert(resource(t, "aws_apigatewayv2_api.h", `{"name":"h"}`, `{"id":true,"arn":true}`, true), route), httpType)
	for _, r := range a.Reads {
		if r.Key == "GetRoutes" && r.Status.Known() {
			t.Errorf("%v, though a route may be its", r)
		}
	}
}

// TestOwnerBehindParts: what refers to an asset by way of another part of it, as
// modules write to have one made before the other, is that asset's; what may be
// one of two is nobody's.
func TestOwnerBehindParts(t *testing.T) {
	bucket := func(name string) Resource {
		return resource(t, "aws_s3_bucket."+name, `{"bucket":"`+name+`"}`, `{"id":true,"arn":true}`, true)
	}
	part := func(typ, values string, refs ...Reference) Resource {
		r := resource(t, typ+".p", values, `{"bucket":true}`, true)
		r.References = func(path []string) []Reference {
			if strings.Join(path, ".") == "bucket" {
				return refs
			}
			return nil
		}
		return r
	}
	const block = `{"block_public_acls":true,"block_public_policy":true,"ignore_public_acls":true,"restrict_public_buckets":true}`
	policy := part("aws_s3_bucket_policy", `{"policy":"{}"}`, Reference{"aws_s3_bucket.a", "id"})
	tests := map[string]struct {
		resources []Resource
		want      string
	}{
		"by_way_of_the_policy": {[]Resource{bucket("a"), policy, part("aws_s3_bucket_public_access_block", block, Reference{"aws_s3_bucket_policy.p", "id"})}, "arn:aws:s3:::a"},
		"one_or_the_other":     {[]Resource{bucket("a"), policy, part("aws_s3_bucket_public_access_block", block, Reference{"aws_s3_bucket_policy.p", "id"}, Reference{"aws_s3_bucket.a", "id"})}, "arn:aws:s3:::a"},
		"one_is_not_made":      {[]Resource{bucket("a"), part("aws_s3_bucket_public_access_block", block, Reference{"aws_s3_bucket_policy.p", "id"}, Reference{"aws_s3_bucket.a", "id"})}, "arn:aws:s3:::a"},
		"two_buckets":          {[]Resource{bucket("a"), bucket("b"), part("aws_s3_bucket_public_access_block", block, Reference{"aws_s3_bucket.a", "id"}, Reference{"aws_s3_bucket.b", "id"})}, ""},
		"another_behind_it":    {[]Resource{bucket("a"), bucket("b"), policy, part("aws_s3_bucket_public_access_block", block, Reference{"aws_s3_bucket_policy.p", "id"}, Reference{"aws_s3_bucket.b", "id"})}, ""},
		"itself":               {[]Resource{part("aws_s3_bucket_public_access_block", block, Reference{"aws_s3_bucket_public_access_block.p", "id"})}, ""},
		"no_bucket_at_all":     {[]Resource{bucket("a"), resource(t, "aws_kms_key.k", `{}`, `{"id":true}`, true), part("aws_s3_bucket_public_access_block", block, Reference{"aws_kms_key.k", "id"}, Reference{"aws_s3_bucket.a", "id"})}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			out := convert(tt.resources...)
			got := strings.Join(out.Of["aws_s3_bucket_public_access_block.p"], " ")
			if got != tt.want {
				t.Errorf("it is part of %q, want %q", got, tt.want)
			}
			if _, open := out.Unconverted["aws_s3_bucket_public_access_block.p"]; open != (tt.want == "") {
				t.Errorf("not converted: %v", open)
			}
		})
	}
}
