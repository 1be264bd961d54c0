// Package cloudformation says what the resources of a CloudFormation template
// are in the providers' own words: an AWS::RDS::DBInstance becomes what
// DescribeDBInstances will print of it. A template, an export and a live read of
// one thing therefore meet in one asset, and a finding keeps its id from
// template to live.
//
// # How a type is converted
//
// Every type of the live reader's catalogue that CloudFormation has is converted
// by the shapes of its live reply (shapes.txt) and the type's own schema
// (properties.txt), both written by test/cloudformationgen: a property is the
// member of its name, whatever its capitals. A rule says what is spelt
// otherwise, how the id is made, and what AWS itself gives a new thing where the
// template says nothing. What neither the template nor a rule says is unknown,
// never absent. A type without a shape becomes an asset of its type of which
// nothing is known, with a blind spot.
//
// # What a template is
//
// It is read as a first deployment: a reply that nothing in the template
// configures (a bucket's policy) is what AWS gives a new thing. What somebody
// changed by hand afterwards only a live read shows.
//
// # What is not known yet
//
// An open value is listed in Asset.Unknown, unless it refers to another resource
// of the template: then the member holds that resource's asset id, so that
// relations stand before birth. An asset whose id only its birth will tell is
// cloudformation://STACK/LogicalId.
package cloudformation

import (
	"maps"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Part is one piece of a text: literal Text, or what a resource's attribute is.
type Part struct {
	Text string
	// Resource is the address, STACK/LogicalId; Attribute is empty for Ref.
	Resource, Attribute string
}

// Open is a value that the template alone does not settle: why, and what it is
// joined of, nil where that is not known either.
type Open struct {
	Why   string
	Parts []Part
}

// Resource is one resource of a template.
type Resource struct {
	// Address is STACK/LogicalId, with the logical ids of nested stacks between.
	Address string
	// Type as the template has it.
	Type string
	// Properties are JSON values; numbers are json.Number, and an *Open may stand
	// anywhere. They are not changed.
	Properties map[string]any
	// Account and Region are where it will be; empty where nothing says.
	Account, Region string
	// Doubt says why it is not known whether it is made at all; empty if it is.
	Doubt string
	// File and Line are where it is written.
	File string
	Line int
}

// Input is the resources of all stacks of a source.
type Input struct {
	Resources []Resource
	// Source as given on the command line.
	Source string
}

// Output is what resources are.
type Output struct {
	// Assets, sorted by id; of one id there is one.
	Assets []estate.Asset
	// Of lists the ids of the assets that a resource is, or is part of, by
	// address.
	Of map[string][]string
	// BlindSpots are what could not be converted or decided.
	BlindSpots []estate.BlindSpot
}

// Convert makes assets of resources. It never fails: what it cannot convert it
// says.
func Convert(in Input) Output {
	c := newConversion(in)
	for i := range in.Resources {
		c.main(&in.Resources[i])
	}
	for i := range in.Resources {
		c.part(&in.Resources[i])
	}
	c.counted()
	return c.finish()
}

// Types lists the resource types that are converted, those that are parts of
// others' assets among them, sorted.
func Types() []string {
	out := append(Mains(), Parts()...)
	slices.Sort(out)
	return out
}

// Mains lists the types that become assets, sorted.
func Mains() []string { return slices.Sorted(maps.Keys(shapes())) }

// Parts lists the types that are parts of others' assets, sorted.
func Parts() []string {
	var out []string
	for typ, r := range rules() {
		if r.onto != nil || r.parts != nil {
			out = append(out, typ)
		}
	}
	slices.Sort(out)
	return out
}
