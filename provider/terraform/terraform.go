// Package terraform says what the resources of a Terraform or OpenTofu plan or
// state are in the providers' own words: an aws_sagemaker_endpoint_configuration
// becomes the AWS::SageMaker::EndpointConfig that DescribeEndpointConfig will
// print, a kubernetes_deployment the apps/v1/Deployment that the API server will
// answer with. A plan, an export and a live read of one thing therefore meet in
// one asset, and a finding keeps its id from plan to live.
//
// # How a type is converted
//
// A rule names the resource type, the asset type and how its id is made. All
// else follows from the shapes of the live replies (shapes.txt, written by
// test/terraformgen from the models the live reader works by): an attribute
// initial_instance_count is the member InitialInstanceCount, a block that may
// stand once is an object, one that may repeat a list. Only what is spelt
// otherwise is in the rule. A member of the reply that the resource has no
// attribute for is unknown, never absent, at the root and in every block; what a
// resource has attributes for, attributes.txt says, which test/terraformgen
// condenses from the providers' own schemas and the tests hold the rules
// against. A value that its member cannot hold is unknown too. An object of the
// Kubernetes provider is what the provider sends: what that cannot say is not
// there.
//
// # What is not known yet
//
// "Known after apply" is listed in Asset.Unknown, unless the configuration
// refers to another resource of the plan: then the member holds that resource's
// asset id, so that relations stand before birth. An asset whose id only its
// birth will tell is terraform://ADDRESS.
package terraform

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Reference is a resource instance that an expression refers to, and which of
// its attributes.
type Reference struct {
	Address string
	// Attribute is what follows the address ("arn", "id"); empty where the whole
	// resource is meant, as in a splat expression.
	Attribute string
}

// Resource is one resource instance as a plan or state has it on one side.
type Resource struct {
	// Address as Terraform writes it (module.a.aws_iam_role.b["c"]).
	Address string
	// Type is the resource type, Mode "managed" or "data".
	Type, Mode string
	// Provider is the provider's source address; ProviderKey the configuration
	// of it that the resource uses ("aws", "module.m:aws.west"); may be empty.
	Provider, ProviderKey string
	// Values are the attributes, sensitive ones already masked.
	Values map[string]any
	// Unknown is Terraform's mask of what is known after apply: true, or an
	// object or list of masks.
	Unknown any
	// Born is set when this plan creates the resource.
	Born bool
	// Configured reports whether the configuration gives an attribute a value; it
	// tells "computed" from "configured, and known after apply". Nil: not known.
	Configured func(attribute string) bool
	// References tells what the expression behind an attribute refers to, nil if
	// it is not one reference to a resource, or several in a list. May be nil.
	References func(path []string) []Reference
}

// Provider is what a provider's configuration says, as far as it is constant.
type Provider struct {
	// Region and Account of an AWS provider; Cluster of a Kubernetes one.
	Region, Account, Cluster string
}

// Input is one side of a plan, or a state.
type Input struct {
	Resources []Resource
	// Gone are the resources of the other side that this side no longer has.
	Gone []Resource
	// Providers by their keys.
	Providers map[string]Provider
	// Account, Region and Cluster hold where the plan says nothing.
	Account, Region, Cluster string
	// Source is the source as given on the command line.
	Source string
}

// Unconverted says why a resource is no asset.
type Unconverted struct {
	Why string
	// Harmless is set for types that make nothing in an estate (random_id).
	Harmless bool
}

// Output is what a side's resources are.
type Output struct {
	// Assets, sorted by id; of one id there is one.
	Assets []estate.Asset
	// Of lists the ids of the assets that a resource is, or is part of.
	Of map[string][]string
	// Unconverted lists the resources that are none.
	Unconverted map[string]Unconverted
	// Unsaid lists, by asset id, the pointers of Asset.Unknown that a plan has no
	// word for at all (a creation time, a status, a member of a block that the
	// resource has no attribute for): an update leaves them as they are. The others change, and what they become is known after apply.
	Unsaid map[string][]string
	// Partial lists, by asset id, the pointers of lists that hold only what this
	// plan adds to a thing it does not manage whole; one element is null and
	// unknown: what else the thing has.
	Partial map[string][]string
	// BlindSpots are what could not be converted or decided.
	BlindSpots []estate.BlindSpot
}

// Convert makes assets of the resources of one side. It never fails: what it
// cannot convert it says. Input is not changed.
func Convert(in Input) Output {
	c := newConversion(in)
	for i := range in.Resources {
		c.main(&in.Resources[i])
	}
	for i := range in.Resources {
		c.part(&in.Resources[i])
	}
	for i := range in.Gone {
		c.gone(&in.Gone[i])
	}
	return c.finish()
}

// Types lists the AWS asset types the rules make, sorted.
func Types() []string {
	var out []string
	for _, r := range rules {
		if strings.HasPrefix(r.typ, "AWS::") {
			out = append(out, r.typ)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TypeOf returns the AWS asset type that a resource type is, or is a part of;
// empty if the rules do not know it.
func TypeOf(resource string) string {
	if r := byResource()[resource]; r != nil {
		return r.typ
	}
	return ""
}

// Resources lists the resource types that are converted, sorted.
func Resources() []string {
	var out []string
	for tf := range byResource() {
		out = append(out, tf)
	}
	for tf := range kubernetesKinds {
		out = append(out, tf)
	}
	slices.Sort(out)
	return out
}
