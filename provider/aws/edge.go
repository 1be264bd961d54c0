package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// edgeTypes are API Gateway, load balancers and what stands before them.
var edgeTypes = map[string]spec{
	"AWS::ApiGateway::RestApi": {estate.KindEndpoint, []edge{
		{"", "policy", escapedPolicy},
		{estate.MemberOf, "endpointConfiguration.vpcEndpointIds[]", ec2("vpc-endpoint")},
		{estate.Triggers, "GetAuthorizers.items[].authorizerUri", integrationURI},
		{estate.RunsAs, "GetAuthorizers.items[].authorizerCredentials", role},
		{estate.Uses, "GetAuthorizers.items[].providerARNs[]", byARN},
	}, func(r *reading) {
		for item := range r.cfg.each("GetResources.items[]") {
			for _, m := range item.at("resourceMethods").members() {
				restIntegration(m.at("methodIntegration"))
			}
		}
	}},
	"AWS::ApiGateway::Stage": {estate.KindEndpoint, []edge{
		{estate.LogsTo, "accessLogSettings.destinationArn", target},
		{estate.Uses, "webAclArn", byARN},
	}, func(r *reading) { containedBy(r, "/stages/") }},
	"AWS::ApiGatewayV2::Api": {estate.KindEndpoint, []edge{
		{estate.Triggers, "GetIntegrations.Items[].IntegrationUri", integrationURI},
		{estate.RunsAs, "GetIntegrations.Items[].CredentialsArn", role},
		{estate.Triggers, "GetAuthorizers.Items[].AuthorizerUri", integrationURI},
		{estate.Trusts, "GetAuthorizers.Items[].JwtConfiguration.Issuer", host},
	}, nil},
	"AWS::ApiGatewayV2::Stage": {estate.KindEndpoint, []edge{
		{estate.LogsTo, "AccessLogSettings.DestinationArn", target},
	}, func(r *reading) { containedBy(r, "/stages/") }},
	"AWS::ElasticLoadBalancingV2::LoadBalancer": {estate.KindNetwork, slices.Concat(
		vpc("AvailabilityZones[].SubnetId", "SecurityGroups[]"), []edge{
			{estate.MemberOf, "VpcId", ec2("vpc")},
		}), func(r *reading) {
		attrs := map[string]node{}
		for n := range r.cfg.each("DescribeLoadBalancerAttributes.Attributes[]") {
			attrs[n.text("Key")] = n.at("Value")
		}
		if attrs["access_logs.s3.enabled"].words() == "true" && attrs["access_logs.s3.bucket"].ok() {
			bucket(attrs["access_logs.s3.bucket"], estate.LogsTo)
		}
	}},
	"AWS::ElasticLoadBalancingV2::Listener": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "DefaultActions[].TargetGroupArn", byARN},
		{estate.RoutesTo, "DefaultActions[].ForwardConfig.TargetGroups[].TargetGroupArn", byARN},
		{estate.RoutesTo, "DescribeRules.Rules[].Actions[].TargetGroupArn", byARN},
		{estate.RoutesTo, "DescribeRules.Rules[].Actions[].ForwardConfig.TargetGroups[].TargetGroupArn", byARN},
		{estate.Uses, "Certificates[].CertificateArn", byARN},
	}, func(r *reading) {
		if lb := r.cfg.text("LoadBalancerArn"); lb != "" {
			r.relate(lb, estate.RoutesTo, r.a.ID, r.a.ID+" config.LoadBalancerArn")
			r.relate(lb, estate.Contains, r.a.ID, r.a.ID+" config.LoadBalancerArn")
		}
	}},
	"AWS::ElasticLoadBalancingV2::TargetGroup": {estate.KindNetwork, []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.RoutesTo, "DescribeTargetHealth.TargetHealthDescriptions[].Target.Id", balanced},
	}, nil},
	"AWS::ElasticLoadBalancing::LoadBalancer": {estate.KindNetwork, slices.Concat(vpc("Subnets[]", "SecurityGroups[]"), []edge{
		{estate.MemberOf, "VPCId", ec2("vpc")},
		{estate.RoutesTo, "Instances[].InstanceId", ec2("instance")},
	}), nil},
	"AWS::WAFv2::WebACL": {estate.KindPolicy, []edge{
		{estate.Governs, "ListResourcesForWebACL.ResourceArns[]", byARN},
	}, nil},
	"AWS::CloudFront::Distribution": {estate.KindEndpoint, []edge{
		{estate.RoutesTo, "Origins.Items[].DomainName", origin},
		{estate.Uses, "WebACLId", ifARN},
	}, nil},
}

// containedBy says that what stands before a part of the id contains the asset.
func containedBy(r *reading, at string) {
	if parent, _, ok := strings.Cut(r.a.ID, at); ok {
		r.relate(parent, estate.Contains, r.a.ID, "id")
	}
}

// restIntegration reads what a method of a REST API calls.
func restIntegration(n node) {
	if at := n.at("uri"); at.ok() {
		integrationURI(at, estate.Triggers)
	}
	if at := n.at("credentials"); at.ok() {
		ifRole(at, estate.RunsAs)
	}
}

// ifRole links to a role and lets "arn:aws:iam::*:user/*", the caller's own
// credentials, be.
func ifRole(n node, rel estate.RelationType) {
	if a, ok := ParseARN(n.words()); ok && strings.HasPrefix(a.Resource, "role/") {
		role(n, rel)
	}
}

// integrationURI links to what an integration calls: a function, an action of
// another service, or a server.
func integrationURI(n node, rel estate.RelationType) {
	s := n.str()
	a, ok := ParseARN(s)
	switch {
	case strings.Contains(s, ":lambda:") && strings.Contains(s, "function:"):
		function(n, rel)
	case ok && a.Service == "apigateway" && strings.Contains(a.Resource, "endpoints/"):
		// arn:aws:apigateway:REGION:runtime.sagemaker:path/endpoints/NAME/invocations
		_, name, _ := strings.Cut(a.Resource, "endpoints/")
		name, _, _ = strings.Cut(name, "/")
		if strings.HasSuffix(a.Account, "runtime.sagemaker") {
			n.relation(rel, n.r.sagemaker("endpoint", name))
		}
	case ok && a.Service != "apigateway":
		n.relation(rel, s)
	case strings.Contains(s, "://"):
		host(n, rel)
	}
}

// escapedPolicy reads the policy of a REST API, whose quotes the reply escapes
// once more.
func escapedPolicy(n node, rel estate.RelationType) {
	if s, isString := n.v.(string); isString {
		n.v = strings.ReplaceAll(s, `\"`, `"`)
	}
	resourcePolicy(n, rel)
}

// balanced links to a target of a target group by its group's kind; addresses
// are no assets here.
func balanced(n node, rel estate.RelationType) {
	switch n.r.cfg.text("TargetType") {
	case "instance":
		ec2("instance")(n, rel)
	case "lambda":
		function(n, rel)
	case "alb":
		byARN(n, rel)
	}
}

// origin links to a distribution's origin, a bucket where its name is one's.
func origin(n node, rel estate.RelationType) {
	if name, _, ok := parseS3("https://" + n.words()); ok {
		n.relation(rel, n.r.bucketID(name))
		return
	}
	host(n, rel)
}
