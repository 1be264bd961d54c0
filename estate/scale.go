package estate

import "encoding/json"

// Scale takes a configuration apart into what scaling changes and the rest.
// The provider packages read it: provider/aws.Scale, provider/kubernetes.Scale.
type Scale struct {
	// Capacities the configuration asks for, ordered by Path. Empty for a type
	// that does not scale.
	Capacities []Capacity
	// Essence is the configuration without the capacities' fields and without
	// what changes by itself (status, versions, times of change): what a
	// certificate vouches for. It is canonical; nil for an asset without one.
	Essence json.RawMessage
}

// Capacity is one amount a configuration asks for: so many units of a size.
type Capacity struct {
	// Path is where it stands in the configuration, lists by name where their
	// items have one: "spec.replicas", "ProductionVariants[AllTraffic]".
	Path string
	// Units is how many: replicas, instances, workers, model units, the upper
	// limit of an autoscaler. Never negative.
	Units float64
	// Size is what one unit is, as the provider spells it ("ml.g5.xlarge",
	// "G.1X"); empty where units have no size.
	Size string
	// Family and Power order sizes: of two sizes of one family the one with more
	// Power is larger; sizes of two families cannot be compared, so a change of
	// family counts as growth. Power is 0 where the size is not known.
	Family string
	Power  float64
	// Unknown is set when Units or Size will be known only later ("known after
	// apply"), or could not be read; Why says which.
	Unknown bool
	Why     string
}

// Grows reports whether after is more than before: more units, or a size that
// is larger or cannot be compared. known is false where that hangs on what is
// not known yet. A capacity that did not exist before is the zero Capacity.
func (after Capacity) Grows(before Capacity) (grows, known bool) {
	switch {
	case after.Unknown:
		return false, false
	case after.Units == 0:
		return false, true // none is not more, whatever its size
	case before.Unknown:
		return false, false
	case after.Units > before.Units:
		return true, true
	case after.Size == before.Size:
		return false, true
	case before.Size == "" || after.Size == "":
		return true, true
	}
	return after.Family != before.Family || after.Power == 0 || before.Power == 0 || after.Power > before.Power, true
}
