package aws

import (
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// areas lists the types with a reading of their own, one map a service area.
var areas = []map[string]spec{
	iamTypes, s3Types, ec2Types, sagemakerTypes, jobTypes,
	bedrockTypes, agentCoreTypes, computeTypes, containerTypes, dataTypes, storeTypes,
	messagingTypes, workflowTypes, observeTypes, edgeTypes, assistantTypes, directConnectTypes, cognitoTypes, passageTypes,
}

// specs is areas in one map, and the kinds of the types that declare nothing.
var specs = merge()

func merge() map[string]spec {
	out := map[string]spec{}
	for kind, list := range kinds {
		for line := range strings.Lines(list) {
			service, names, _ := strings.Cut(strings.TrimSpace(line), ":")
			for name := range strings.FieldsSeq(names) {
				out["AWS::"+service+"::"+name] = spec{kind: kind}
			}
		}
	}
	for _, area := range areas {
		maps.Copy(out, area)
	}
	return out
}

// specFor finds how a type is read. Set nodes and service principals are made
// here and understood already.
func specFor(typ string) (spec, bool) {
	s, ok := specs[typ]
	return s, ok
}

// Types lists, in order, every type whose kind is known.
func Types() []string { return slices.Sorted(maps.Keys(specs)) }

// KindOf is the kind of a type, KindUnknown if no reading knows it.
func KindOf(typ string) estate.Kind { return specs[typ].kind }
