package cloudformation

import (
	"strings"
)

// unborn begins the id of an asset whose own id only its birth will tell.
const unborn = "cloudformation://"

// maskPrefix begins a value that was masked.
const maskPrefix = "sevenfold:masked("

// identity is the id of the asset that a resource is.
func (c *conversion) identity(address string) string {
	if id, ok := c.ids[address]; ok {
		return id
	}
	id := unborn + address
	c.ids[address] = id // an id that hangs on itself is no id
	if r := c.resources[address]; r != nil {
		if rule := c.rules[r.Type]; rule != nil && rule.onto == nil && rule.parts == nil {
			id = first(c.fill(r, rule.id, ""), id)
		}
	}
	c.ids[address] = id
	return id
}

// known is a property's text, "" if it is open, masked or not set.
func (c *conversion) known(r *Resource, name string) string {
	return c.textOf(r.Properties[name])
}

// textOf is a value's text, "" if it is not known.
func (c *conversion) textOf(v any) string {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(v, maskPrefix) {
			return ""
		}
		return v
	case *Open:
		return c.settled(v)
	case nil:
		return ""
	}
	return scalarText(v)
}

// settled is the text of an open value whose references all have known values;
// else "".
func (c *conversion) settled(o *Open) string {
	if len(o.Parts) == 0 || c.depth > maxReferences {
		return ""
	}
	c.depth++
	defer func() { c.depth-- }()
	var b strings.Builder
	for _, p := range o.Parts {
		t := p.Text
		if p.Resource != "" {
			if t = c.attribute(p.Resource, p.Attribute); t == "" {
				return ""
			}
		}
		b.WriteString(t)
	}
	return b.String()
}

// maxReferences bounds references that lead to references.
const maxReferences = 20

// attribute is what Ref ("") or Fn::GetAtt gives of a resource, "" if only its
// birth will tell.
func (c *conversion) attribute(address, attribute string) string {
	r := c.resources[address]
	if r == nil {
		return ""
	}
	rule, s := c.rules[r.Type], schemas()[r.Type]
	if rule == nil {
		return ""
	}
	if attribute == "" {
		switch {
		case rule.ref != "":
			attribute = rule.ref
		case s != nil && len(s.id) == 1:
			attribute = s.id[0]
		default:
			return ""
		}
	}
	if p := s.prop(attribute); attribute != "arn" && p != nil && !p.readOnly {
		return c.known(r, attribute)
	}
	if id := c.identity(address); isARN(attribute) && strings.HasPrefix(id, "arn:") {
		if own := rule.ref; own != "arn" && attribute != "Arn" && attribute != "ARN" && attribute != "arn" && !c.ownARN(r.Type, attribute) {
			return ""
		}
		return id
	}
	return ""
}

// ownARN reports whether an attribute is the ARN of the thing itself: the
// schema's identifier, or named after the type.
func (c *conversion) ownARN(typ, attribute string) bool {
	s := schemas()[typ]
	if s != nil && len(s.id) == 1 && s.id[0] == attribute {
		return true
	}
	return strings.HasPrefix(attribute, typ[strings.LastIndexByte(typ, ':')+1:])
}

func isARN(attribute string) bool {
	return strings.HasSuffix(attribute, "Arn") || strings.HasSuffix(attribute, "ARN") || attribute == "arn"
}

// prop is a property of a schema that may be nil.
func (s *schema) prop(name string) *property {
	if s == nil {
		return nil
	}
	return s.by[name]
}

// fill completes a template over the resource's properties: {Name},
// {Name,Other} (the first that is set), {Name|lower}, {Name|last},
// {Name|host}, {partition}, {region}, {account}, {path} (IAM's), {} for self;
// "@ec2:vpc/{VpcId}" is short for an ARN of the resource's region and account. It
// returns "" if a part is not known.
func (c *conversion) fill(r *Resource, template, self string) string {
	if template == "" {
		return ""
	}
	if rest, ok := strings.CutPrefix(template, "@"); ok {
		service, resource, _ := strings.Cut(rest, ":")
		template = "arn:{partition}:" + service + ":{region}:{account}:" + resource
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		var name string
		name, template, _ = strings.Cut(rest, "}")
		name, how, _ := strings.Cut(name, "|")
		v := ""
		for one := range strings.SplitSeq(name, ",") { // the first that is there
			if v = c.piece(r, one, self); v != "" {
				break
			}
		}
		if v == "" {
			return ""
		}
		switch how {
		case "lower":
			v = strings.ToLower(v)
		case "host":
			v = strings.TrimPrefix(v, "https://")
		case "last":
			v = v[strings.LastIndexAny(v, "/:")+1:]
		}
		b.WriteString(v)
	}
}

// piece is the value of one name in a template.
func (c *conversion) piece(r *Resource, name, self string) string {
	switch name {
	case "":
		return self
	case "partition":
		return partitionOf(r.Region)
	case "region":
		return r.Region
	case "account":
		return r.Account
	case "path":
		if p := r.Properties["Path"]; p != nil {
			return c.textOf(p)
		}
		return "/"
	}
	return c.known(r, name)
}

// owner is the id of the asset that a value names: by its id or name, which the
// template completes, or by reference; "" if it is not known.
func (c *conversion) owner(r *Resource, o *onto, v any) string {
	if open, ok := v.(*Open); ok && len(open.Parts) == 1 && open.Parts[0].Resource != "" {
		if c.typeOf(open.Parts[0].Resource) == o.typ {
			return c.identity(open.Parts[0].Resource)
		}
	}
	name := c.textOf(v)
	if name == "" {
		return ""
	}
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	if id, ok := c.byName[o.typ+"\x00"+r.Account+"\x00"+r.Region+"\x00"+name]; ok {
		return id
	}
	return c.fill(r, o.id, name)
}

func (c *conversion) typeOf(address string) string {
	if r := c.resources[address]; r != nil {
		return r.Type
	}
	return ""
}

// identifier reports whether a member holds what names another thing: there a
// reference to a resource is that thing. In a URL or a policy it may be part of
// a longer text.
func identifier(member string) bool {
	m := strings.ToLower(member)
	for _, end := range [...]string{"arn", "arns", "id", "ids", "name", "names", "role", "rolearn", "key", "bucket", "cluster", "subnets", "subnet",
		"securitygroups", "topic", "jobrole", "servicerole", "taskdefinition", "compute", "computeenvironment", "securityconfiguration", "source", "target",
		"connections", "targetkeyid", "repository", "repositories", "vpczoneidentifier", "managedpolicies", "identifier", "roles", "groups"} {
		if strings.HasSuffix(m, end) {
			return true
		}
	}
	return false
}

// names reports whether an attribute of a resource stands for the resource.
func names(attribute string) bool {
	switch attribute {
	case "DNSName", "DnsName", "DomainName", "RoleId", "HostedZoneId", "CanonicalHostedZoneID", "RootResourceId", "DefaultSecurityGroup":
		return false
	case "", "Arn", "ARN":
		return true
	}
	return isARN(attribute) || strings.HasSuffix(attribute, "Id") || strings.HasSuffix(attribute, "Name")
}

// partitionOf names the partition a region belongs to.
func partitionOf(region string) string {
	for _, p := range [...][2]string{{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-isob-", "aws-iso-b"}, {"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"}, {"eu-isoe-", "aws-iso-e"}, {"eusc-", "aws-eusc"}} {
		if strings.HasPrefix(region, p[0]) {
			return p[1]
		}
	}
	return "aws"
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

func first(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

// isID reports whether a value is an asset's id rather than a name.
func isID(s string) bool { return strings.HasPrefix(s, "arn:") || strings.HasPrefix(s, unborn) }

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }
