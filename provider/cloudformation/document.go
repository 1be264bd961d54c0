package cloudformation

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// document is a policy, or any JSON that stays as it is: a text that holds a
// policy is opened, as the live reader does, and references are settled.
func (c *conversion) document(v any) any {
	if t, ok := v.(string); ok {
		if m := unborn.Object(t); m != nil && m["Statement"] != nil {
			return m
		}
		return t
	}
	return c.within(v, "")
}

// within settles the references of a document. A resource that a policy names
// and that is not born yet stands as its id: it is one certain thing, and no
// pattern.
func (c *conversion) within(v any, key string) any {
	switch v := v.(type) {
	case *Open:
		if t := c.settled(v); t != "" {
			return t
		}
		if id := c.thing(v); key == "AWS" && id != "" { // a principal of the same template
			return id
		}
		if key == "Resource" || key == "NotResource" {
			if t := c.unbornResource(v); t != "" {
				return t
			}
		}
		return unborn.Later{}
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = c.within(v[k], k)
			if n, number := out[k].(json.Number); number && k == "Sid" { // CloudFormation writes it as a text
				out[k] = n.String()
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = c.within(e, key)
		}
		return out
	}
	return v
}

// unbornResource spells what a policy names by the ids of what is not born:
// cloudformation://STACK/Bucket/* for ${Bucket.Arn}/* and arn:aws:s3:::${Bucket}/*.
func (c *conversion) unbornResource(o *Open) string {
	parts := o.Parts
	if len(parts) > 1 && parts[0].Resource == "" && strings.HasPrefix(parts[0].Text, "arn:") && strings.HasSuffix(parts[0].Text, ":s3:::") &&
		c.typeOf(parts[1].Resource) == bucketType && parts[1].Attribute == "" {
		parts = parts[1:]
	} else if len(parts) > 0 && (!isARN(parts[0].Attribute) && parts[0].Attribute != "" || parts[0].Resource == "") {
		return ""
	}
	var b strings.Builder
	for i, p := range parts {
		switch {
		case p.Resource == "":
			b.WriteString(p.Text)
		case i == 0 && c.rules[c.typeOf(p.Resource)] != nil:
			b.WriteString(c.identity(p.Resource))
		default:
			t := c.attribute(p.Resource, p.Attribute)
			if t == "" {
				return ""
			}
			b.WriteString(t)
		}
	}
	return b.String()
}
