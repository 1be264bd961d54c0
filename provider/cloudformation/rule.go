package cloudformation

import "sync"

// rule says of a type what its names alone do not.
type rule struct {
	typ string
	// id is the template of the asset's id over the resource's properties: see
	// fill. Empty: only its birth tells.
	id string
	// as says which member a property is, where the names do not tell: paths of
	// properties (without indexes) to paths of members below the object in which
	// the property's own object stands. "" leaves the property out; "." merges an
	// object into the one it stands in. A member path ending in "[]" is a list of
	// one.
	as map[string]string
	// unset says what a new thing has where the template says nothing, by path of
	// members: none{} for nothing at all.
	unset map[string]any
	// echoes is set where the reply repeats what was given and no more: what is
	// not given is not there. Else it is unknown what AWS makes of it.
	echoes bool
	// ref is the property that Ref gives, where the schema's identifier is not
	// that; "arn" for the asset's ARN.
	ref string
	// onto makes the resource a part of another's asset.
	onto *onto
	// parts are the asset types that the resource adds to, where more does it all.
	parts []string
	// more does what the names cannot say.
	more func(c *conversion, d *draft, r *Resource)
	// newborn lists the replies of which AWS itself says what a new thing has when
	// nothing is configured: nil means absent.
	newborn map[string]map[string]any
}

// none stands in a rule for a member that is not there.
type none struct{}

// onto says whose part a resource is.
type onto struct {
	typ string // asset type
	// property names the owner, id completes its value ("{}") to the asset's id.
	property, id string
	// key is the reply that the part's properties make up; empty where more does
	// it all.
	key string
}

// rules are those of every service, by type.
var rules = sync.OnceValue(func() map[string]*rule {
	out := map[string]*rule{}
	for _, list := range [...][]rule{sagemakerRules, bedrockRules, s3Rules, iamRules, ec2Rules, containerRules, scalingRules, dataRules, computeRules, observeRules,
		gatewayRules, otherRules} {
		for i := range list {
			out[list[i].typ] = &list[i]
		}
	}
	for typ := range shapes() {
		if out[typ] == nil {
			out[typ] = &rule{typ: typ}
		}
	}
	return out
})

// harmless are types that make nothing in an estate.
var harmless = map[string]bool{"AWS::CDK::Metadata": true, "AWS::CloudFormation::WaitConditionHandle": true, "AWS::CloudFormation::WaitCondition": true,
	"AWS::CloudFormation::Interface": true, "AWS::CloudFormation::Designer": true}
