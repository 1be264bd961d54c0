package cloudformation

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// otherRules are those of organisations, search and what else has a rule of its
// own.
var otherRules = []rule{
	{typ: "AWS::Organizations::Account", as: map[string]string{"AccountName": "Name", "ParentIds": "", "RoleName": ""}, unset: map[string]any{"State": "ACTIVE", "Status": "ACTIVE"}},
	{typ: "AWS::QBusiness::Plugin", echoes: true}, {typ: "AWS::ECR::RegistryPolicy", id: "@ecr:registry-policy", more: registryPolicy, ref: "RegistryId"},
	{typ: "AWS::ECR::ReplicationConfiguration", id: "@ecr:replication-configuration", echoes: true},
	{typ: "AWS::Comprehend::EntityRecognizer", echoes: true, as: map[string]string{"RecognizerName": ""}},
	{typ: "AWS::Glue::DevEndpoint", id: "@glue:devEndpoint/{EndpointName}", echoes: true}, {typ: "AWS::Glue::MLTransform", echoes: true},
	{typ: "AWS::BedrockAgentCore::ResourcePolicy", parts: []string{"AWS::BedrockAgentCore::Gateway", "AWS::BedrockAgentCore::Runtime"}, more: resourcePolicy("ResourceArn", "Policy", "GetResourcePolicy", "policy")},
	{typ: "AWS::S3Vectors::VectorBucketPolicy", parts: []string{"AWS::S3Vectors::VectorBucket"}, more: resourcePolicy("VectorBucketArn,VectorBucketName", "Policy", "GetVectorBucketPolicy", "policy")},
	{typ: "AWS::Lambda::LayerVersionPermission", parts: []string{"AWS::Lambda::LayerVersion"}, more: layerPermission},
	{typ: "AWS::Kendra::Index", echoes: true}, {typ: "AWS::Kendra::DataSource", echoes: true},
	{typ: "AWS::QBusiness::Application", echoes: true}, {typ: "AWS::QBusiness::Index", echoes: true}, {typ: "AWS::QBusiness::DataSource", echoes: true},
	{typ: "AWS::S3Vectors::VectorBucket", id: "@s3vectors:bucket/{VectorBucketName}", echoes: true, newborn: map[string]map[string]any{"GetVectorBucketPolicy": nil},
		unset: map[string]any{"encryptionConfiguration": map[string]any{"sseType": "AES256"}}}, {typ: "AWS::S3Vectors::Index", echoes: true},
	{typ: "AWS::Comprehend::DocumentClassifier", echoes: true}, {typ: "AWS::Comprehend::Flywheel", echoes: true},
}

// registryPolicy is the policy of a registry, whose reply holds it as a text.
func registryPolicy(c *conversion, d *draft, r *Resource) {
	d.config["policyText"] = c.policy(r.Properties["PolicyText"])
}

// named is the thing that one of several properties names, whatever its type.
func (c *conversion) named(r *Resource, properties string) (id, typ string) {
	for name := range strings.SplitSeq(properties, ",") {
		v := r.Properties[name]
		if o, ok := v.(*Open); ok && len(o.Parts) == 1 && c.thing(o) != "" {
			return c.thing(o), c.typeOf(o.Parts[0].Resource)
		}
		t := c.textOf(v)
		for i := range c.in.Resources { // by its ARN or name, if the template makes it
			if other := &c.in.Resources[i]; t != "" && (c.identity(other.Address) == t || strings.HasSuffix(c.identity(other.Address), "/"+t) || c.attribute(other.Address, "") == t) && slices.Contains(c.rules[r.Type].parts, other.Type) {
				return c.identity(other.Address), other.Type
			}
		}
	}
	return "", ""
}

// resourcePolicy puts a policy on the thing that a property names. Which it is
// must be known: else any thing of the types may have it.
func resourcePolicy(property, document, key, member string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, _ *draft, r *Resource) {
		d := c.partOf(r, property)
		if d != nil {
			d.reply(key, map[string]any{member: c.perhaps(r, c.policy(r.Properties[document]))})
		}
	}
}

// partOf is the asset of the thing that a property names; nil, with a blind spot,
// where that is not known.
func (c *conversion) partOf(r *Resource, property string) *draft {
	parts := c.rules[r.Type].parts
	id, typ := c.named(r, property)
	if id == "" {
		for _, p := range parts {
			c.loose[p] = append(c.loose[p], r.Address)
		}
		c.blind(r, estate.ReadFailed, "which thing it belongs to is not known: its "+property+" is open, or no resource of the template", "refer to the resource itself")
		return nil
	}
	if !slices.Contains(parts, typ) {
		c.blind(r, estate.ReadSkipped, "sevenfold reads no policy of a "+typ, "look at it by hand")
		return nil
	}
	c.out.Of[r.Address] = append(c.out.Of[r.Address], id)
	d := c.draft(id, typ)
	if d.where == nil {
		d.where = r
	}
	return d
}

// layerPermission adds a statement to a layer's policy.
func layerPermission(c *conversion, _ *draft, r *Resource) {
	d := c.partOf(r, "LayerVersionArn")
	if d == nil {
		return
	}
	statement := map[string]any{"Effect": "Allow", "Action": c.nameIn(r.Properties["Action"]), "Resource": d.id, "Principal": unborn.Later{}}
	switch p := c.textOf(r.Properties["Principal"]); {
	case p == "*":
		statement["Principal"] = "*"
	case unborn.IsAccount(p):
		statement["Principal"] = map[string]any{"AWS": "arn:" + unborn.Partition(r.Region) + ":iam::" + p + ":root"}
	case isID(p):
		statement["Principal"] = map[string]any{"AWS": p}
	}
	if o := r.Properties["OrganizationId"]; o != nil {
		statement["Condition"] = map[string]any{"StringEquals": map[string]any{"aws:PrincipalOrgID": c.nameIn(o)}}
	}
	reply, _ := d.config["GetLayerVersionPolicy"].(map[string]any)
	policy, _ := reply["Policy"].(map[string]any)
	list, _ := policy["Statement"].([]any)
	d.reply("GetLayerVersionPolicy", map[string]any{"Policy": map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": append(list, c.perhaps(r, statement))}})
}
