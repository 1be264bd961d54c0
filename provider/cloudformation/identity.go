package cloudformation

import (
	"cmp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// prefix begins the id of an asset whose own id only its birth will tell.
const prefix = "cloudformation://"

// maskPrefix begins a value that was masked.
const maskPrefix = "sevenfold:masked("

// identity is the id of the asset that a resource is.
func (c *conversion) identity(address string) string {
	if id, ok := c.ids[address]; ok {
		return id
	}
	id := prefix + address
	c.ids[address] = id // an id that hangs on itself is no id
	if r := c.resources[address]; r != nil {
		if rule := c.rules[r.Type]; rule != nil && rule.onto == nil && rule.parts == nil {
			id = cmp.Or(c.fill(r, rule.id, ""), c.beside(r, rule), id)
		}
	}
	c.ids[address] = id
	return id
}

// beside is the id by which others of the template name the resource where no
// account or region is known (unborn.FillBeside); "" if two resources would have
// the same, since they may be in two accounts.
func (c *conversion) beside(r *Resource, rule *rule) string {
	id := c.besideOf(r, rule)
	if id == "" {
		return ""
	}
	if c.sharing == nil {
		c.sharing = map[string]int{}
		for i := range c.in.Resources {
			other := &c.in.Resources[i]
			if rule := c.rules[other.Type]; rule != nil {
				if id := c.besideOf(other, rule); id != "" {
					c.sharing[id]++
				}
			}
		}
	}
	if c.sharing[id] > 1 {
		return ""
	}
	return id
}

func (c *conversion) besideOf(r *Resource, rule *rule) string {
	if r.Account != "" && r.Region != "" {
		return ""
	}
	return unborn.FillBeside(rule.id, func(name string) string { return c.piece(r, name, "") })
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
	return unborn.Text(v)
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

// fill completes a template (unborn.Fill) over the resource's properties, its
// {partition}, {region} and {account}, IAM's {path}, and {} for self. It returns
// "" if a part is not known.
func (c *conversion) fill(r *Resource, template, self string) string {
	return unborn.Fill(template, func(name string) string { return c.piece(r, name, self) })
}

// piece is the value of one name in a template.
func (c *conversion) piece(r *Resource, name, self string) string {
	switch name {
	case "":
		return self
	case "partition":
		return unborn.Partition(r.Region)
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

// identifier reports whether a member holds what names another thing.
func identifier(member string) bool {
	return unborn.Identifier(member, "identifier", "roles", "groups")
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

func str(v any) string {
	s, _ := v.(string)
	return s
}

// isID reports whether a value is an asset's id rather than a name.
func isID(s string) bool { return strings.HasPrefix(s, "arn:") || strings.HasPrefix(s, prefix) }
