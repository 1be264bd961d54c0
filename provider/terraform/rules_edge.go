package terraform

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// edgeRules are those of front doors: load balancers.
var edgeRules = []rule{
	{tf: "aws_lb", typ: "AWS::ElasticLoadBalancingV2::LoadBalancer", as: balancerAs, more: balancer},
	{tf: "aws_alb", typ: "AWS::ElasticLoadBalancingV2::LoadBalancer", as: balancerAs, more: balancer},
	{tf: "aws_elb", typ: "AWS::ElasticLoadBalancing::LoadBalancer", id: "@elasticloadbalancing:loadbalancer/{name}", as: classicAs, more: scheme},
	{tf: "aws_lb_listener", typ: "AWS::ElasticLoadBalancingV2::Listener", as: listenerAs},
	{tf: "aws_alb_listener", typ: "AWS::ElasticLoadBalancingV2::Listener", as: listenerAs},
	{tf: "aws_lb_target_group", typ: "AWS::ElasticLoadBalancingV2::TargetGroup", as: targetAs},
	{tf: "aws_alb_target_group", typ: "AWS::ElasticLoadBalancingV2::TargetGroup", as: targetAs},
}

var balancerAs = map[string]string{"name": "LoadBalancerName", "name_prefix": "", "internal": "", "load_balancer_type": "Type", "dns_name": "DNSName",
	"zone_id": "CanonicalHostedZoneId", "subnets": "", "subnet_mapping": "", "access_logs": "", "connection_logs": "", "id": ""}

var classicAs = map[string]string{"name": "LoadBalancerName", "name_prefix": "", "internal": "", "dns_name": "DNSName", "zone_id": "CanonicalHostedZoneNameID", "id": "",
	"instances": "Instances[].InstanceId", "listener": "ListenerDescriptions", "listener.instance_port": "Listener.InstancePort", "listener.instance_protocol": "Listener.InstanceProtocol",
	"listener.lb_port": "Listener.LoadBalancerPort", "listener.lb_protocol": "Listener.Protocol", "listener.ssl_certificate_id": "Listener.SSLCertificateId",
	"source_security_group": "SourceSecurityGroup.GroupName", "access_logs": "", "security_groups": "SecurityGroups"}

var listenerAs = map[string]string{"certificate_arn": "Certificates[].CertificateArn", "default_action": "DefaultActions", "default_action.forward": "ForwardConfig",
	"default_action.forward.target_group.arn": "TargetGroupArn",
	"default_action.forward.stickiness":       "TargetGroupStickinessConfig", "default_action.forward.stickiness.duration": "DurationSeconds",
	"default_action.jwt_validation": "JwtValidationConfig", "default_action.redirect": "RedirectConfig", "default_action.fixed_response": "FixedResponseConfig", "default_action.authenticate_cognito": "AuthenticateCognitoConfig",
	"default_action.authenticate_oidc": "AuthenticateOidcConfig", "alpn_policy": "AlpnPolicy[]", "id": ""}

var targetAs = map[string]string{"name": "TargetGroupName", "name_prefix": "", "health_check": "", "stickiness": "", "load_balancer_arns": "LoadBalancerArns", "id": ""}

// balancer spells a load balancer's scheme and subnets.
func balancer(c *conversion, d *draft, r *Resource) {
	scheme(c, d, r)
	d.said["AvailabilityZones"] = true
	v := c.value(spot{r: r}.step("subnets"), r.Values["subnets"], maskOf(r, "subnets"), &unborn.Shape{Name: "Subnets"}, "[s")
	if list, ok := v.([]any); ok {
		zones := []any{}
		for _, s := range list {
			zones = append(zones, map[string]any{"SubnetId": s})
		}
		d.config["AvailabilityZones"] = zones
	} else if v != nil {
		d.config["AvailabilityZones"] = v
	}
}

// scheme says whom a load balancer faces: everybody, unless it is internal.
func scheme(c *conversion, d *draft, r *Resource) {
	d.said["Scheme"] = true
	if maskOf(r, "internal") == true && c.in.hasExpression(r, "internal") {
		d.config["Scheme"] = unborn.Later{}
		return
	}
	d.config["Scheme"] = map[bool]string{true: "internal", false: "internet-facing"}[r.Values["internal"] == true]
}
