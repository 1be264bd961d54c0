package terraform

import "sync"

// rule says what a resource type is. A rule with onto is a part of another
// resource's asset.
type rule struct {
	tf, typ string
	// id is the template of the asset's id over the resource's attributes, used
	// where the resource's own ARN is not known.
	id string
	// arn is the attribute that holds the asset's ARN, if not arn or id.
	arn string
	// composed says that no attribute is the asset's id: the template alone is.
	composed bool
	// as says which member an attribute is, where the names do not tell: paths of
	// attributes (without indexes) to paths of members below the object the
	// attribute's block stands in. "" leaves the attribute out; "." merges a
	// block into the object it stands in.
	as map[string]string
	// with are members that are always so.
	with map[string]any
	// born are members that a new thing has, whatever is configured: what an apply
	// that ends well leaves.
	born map[string]any
	// onto makes the resource a part of another's asset.
	onto *onto
	// spread makes the resource a part of several assets: more adds to each.
	spread []*onto
	// more does what the names cannot say.
	more func(c *conversion, d *draft, r *Resource)
	// less takes a part away that the other side of the plan still had.
	less func(c *conversion, d *draft, gone *Resource)
	// left is the reply that stays where a part is taken away; without it there is
	// none any more.
	left map[string]any
	// newborn lists the replies of which AWS itself says what a new thing has
	// when nothing is configured: nil means absent.
	newborn map[string]map[string]any
}

// onto says whose part a resource is.
type onto struct {
	typ string // asset type
	// attribute names the owner, id completes its value ("{}") to the asset's id.
	attribute, id string
	// last takes what follows the attribute's last slash; name says that an ARN
	// in the attribute is no id.
	last, name bool
	// key is the reply that the part's attributes make up; empty where more does
	// it all.
	key string
}

// rules are those of every service.
var rules = concat(sagemakerRules, bedrockRules, s3Rules, iamRules, ec2Rules, containerRules, scalingRules, dataRules, computeRules, observeRules, edgeRules, gatewayRules)

func concat(lists ...[]rule) []rule {
	var out []rule
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// byResource files the rules by resource type.
var byResource = sync.OnceValue(func() map[string]*rule {
	out := make(map[string]*rule, len(rules))
	for i := range rules {
		out[rules[i].tf] = &rules[i]
	}
	return out
})
