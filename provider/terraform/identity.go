package terraform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// prefix begins the id of an asset whose own id only its birth will tell.
const prefix = "terraform://"

// maskPrefix begins a sensitive value that was masked.
const maskPrefix = "sevenfold:masked("

// identity is the id of the asset that a resource is.
func (c *conversion) identity(address string) string {
	if id, ok := c.ids[address]; ok {
		return id
	}
	id := prefix + address
	c.ids[address] = id // an id that hangs on itself is no id
	if r := c.resources[address]; r != nil {
		if rule := c.rules[r.Type]; rule != nil && rule.typ != "" && rule.onto == nil && rule.spread == nil {
			id = cmp.Or(c.ownID(r, rule), id)
		} else if k, ok := kubernetesKinds[r.Type]; ok {
			id = cmp.Or(c.kubernetesID(r, k), id)
		}
	}
	c.ids[address] = id
	return id
}

// ownID is the id as far as the resource's attributes tell it, else "".
func (c *conversion) ownID(r *Resource, rule *rule) string {
	if !rule.composed {
		for _, attribute := range [...]string{rule.arn, "arn", "id"} {
			if arn := c.known(r, attribute); strings.HasPrefix(arn, "arn:") {
				return strings.TrimSuffix(arn, ":*")
			}
		}
	}
	if id := c.fill(r, rule.id); id != "" {
		return id
	}
	return c.beside(r, rule)
}

// beside is the id by which others of the plan name the resource where no account
// or region is known (unborn.FillBeside); "" if two resources would have the same
// or several providers make such resources, since they may be in two accounts.
func (c *conversion) beside(r *Resource, rule *rule) string {
	id := c.besideOf(r, rule)
	if id == "" {
		return ""
	}
	if c.sharing == nil {
		c.sharing, c.besides = map[string]int{}, map[string]bool{}
		for i := range c.in.Resources {
			other := &c.in.Resources[i]
			if rule := c.rules[other.Type]; rule != nil && other.Mode != "data" {
				if id := c.besideOf(other, rule); id != "" {
					c.sharing[id]++
					c.besides[other.ProviderKey] = true
				}
			}
		}
	}
	if c.sharing[id] > 1 || len(c.besides) > 1 {
		return ""
	}
	return id
}

func (c *conversion) besideOf(r *Resource, rule *rule) string {
	where := c.places.of(r)
	if where.account != "" && where.region != "" {
		return ""
	}
	return unborn.FillBeside(rule.id, func(name string) string { return c.piece(r, where, name) })
}

// known is a string attribute's value, "" if it is unknown or masked.
func (c *conversion) known(r *Resource, attribute string) string {
	if m, ok := r.Unknown.(map[string]any); r.Unknown == true || ok && m[attribute] == true {
		return ""
	}
	switch v := r.Values[attribute].(type) {
	case string:
		if strings.HasPrefix(v, maskPrefix) {
			return ""
		}
		return v
	case nil:
		return ""
	default:
		return unborn.Text(v)
	}
}

// fill completes a template (unborn.Fill) over the resource's attributes, its
// {partition}, {region} and {account}, and IAM's {path}. It returns "" if a part
// is not known.
func (c *conversion) fill(r *Resource, template string) string {
	where := c.places.of(r)
	return unborn.Fill(template, func(name string) string { return c.piece(r, where, name) })
}

// fillNamed is fill with {} for what names the thing.
func (c *conversion) fillNamed(r *Resource, template, self string) string {
	where := c.places.of(r)
	return unborn.Fill(template, func(name string) string {
		if name == "" {
			return self
		}
		return c.piece(r, where, name)
	})
}

// piece is the value of one name in a template.
func (c *conversion) piece(r *Resource, where place, name string) string {
	switch name {
	case "partition":
		return where.partition
	case "region":
		return where.region
	case "account":
		return where.account
	case "path": // IAM's, "/" where none is given
		if p := c.known(r, "path"); p != "" {
			return p
		}
		return "/"
	}
	return c.known(r, name)
}

// owner is the id of the asset that an attribute of a part names: by its id or
// name, which the template completes, or by reference; "" if it is not known.
func (c *conversion) owner(r *Resource, o *onto) string {
	if v := c.known(r, o.attribute); v != "" {
		return c.ownerNamed(r, o, v)
	}
	return c.ownerBehind(r, o, 0)
}

// maxBehind bounds how many parts a reference to an owner may lead through.
const maxBehind = 4

// ownerBehind is the asset that an attribute of a part refers to, be it by way
// of other parts of the same asset, as modules write that want one made before
// the other; "" if the references lead to several, or to none.
func (c *conversion) ownerBehind(r *Resource, o *onto, deep int) string {
	refs := c.refs(r, []string{o.attribute})
	if len(refs) == 1 && c.ontoOf(refs[0].Address) == nil {
		return c.identity(refs[0].Address)
	}
	owner := ""
	for _, ref := range refs {
		to := c.resources[ref.Address]
		if to == nil {
			continue // none of it is made
		}
		id := ""
		if part := c.ontoOf(ref.Address); part != nil && part.typ == o.typ && deep < maxBehind {
			if id = c.known(to, part.attribute); id != "" {
				id = c.ownerNamed(to, part, id)
			} else {
				id = c.ownerBehind(to, part, deep+1)
			}
		} else if rule := c.rules[to.Type]; rule != nil && rule.typ == o.typ && part == nil {
			id = c.identity(ref.Address)
		}
		if id == "" || owner != "" && id != owner {
			return ""
		}
		owner = id
	}
	return owner
}

// ontoOf says whose part a resource is; nil if it is no part, or not there.
func (c *conversion) ontoOf(address string) *onto {
	r := c.resources[address]
	if r == nil || c.rules[r.Type] == nil {
		return nil
	}
	return c.rules[r.Type].onto
}

// ownerNamed is the id of the asset that v names.
func (c *conversion) ownerNamed(r *Resource, o *onto, v string) string {
	if strings.HasPrefix(v, "arn:") && !o.name {
		return v
	}
	if i := strings.LastIndex(v, "/"); o.last && i >= 0 {
		v = v[i+1:]
	}
	// A role with a path is named without it: look for it in the plan first.
	if id, ok := c.byName[o.typ+"\x00"+v]; ok {
		return id
	}
	return c.fillNamed(r, o.id, v)
}

// owners are the ids of the assets that a list names; "" stands for those that
// are not known.
func (c *conversion) owners(r *Resource, o *onto) []string {
	var out []string
	list, _ := r.Values[o.attribute].([]any)
	mask := maskOf(r, o.attribute)
	masks, _ := mask.([]any)
	open := mask == true
	for i, e := range list {
		if element(masks, i) == true {
			open = true
		} else if name := str(e); name != "" {
			id := ""
			if !strings.HasPrefix(name, maskPrefix) {
				id = c.ownerNamed(r, o, name)
			}
			out = append(out, id)
		}
	}
	if !open && len(masks) <= len(list) {
		return out
	}
	refs := c.refs(r, []string{o.attribute})
	for _, ref := range refs {
		if id := c.identity(ref.Address); names(ref.Attribute) && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if len(refs) == 0 {
		out = append(out, "")
	}
	return out
}

// refs are the distinct resources behind an attribute.
func (c *conversion) refs(r *Resource, path []string) []Reference {
	if r.References == nil {
		return nil
	}
	var out []Reference
	seen := map[string]bool{}
	for _, ref := range r.References(path) {
		if !seen[ref.Address] {
			seen[ref.Address] = true
			out = append(out, ref)
		}
	}
	return out
}

// names reports whether an attribute of a resource stands for the resource. None
// is said where an instance is picked by count.index or each.key.
func names(attribute string) bool {
	switch attribute {
	case "", "arn", "id", "name", "bucket", "key_id", "key_arn", "function_name", "cluster_name", "family", "agent_id", "agent_arn", "dns_name", "user_name",
		"repository_name", "agent_runtime_arn", "gateway_id", "data_source_id", "qualified_arn", "domain_id", "user_profile_name", "application_id":
		return true
	}
	return strings.HasSuffix(attribute, "_arn") && attribute != "invoke_arn" || strings.HasSuffix(attribute, "_id")
}
