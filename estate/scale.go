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
	// Item is what the amount is one of: a role of a training job, a group of
	// workers, a part of an inference service. Of several amounts of one item the
	// largest counts, and items add up (Total).
	Item string
	// Times says that the amount multiplies the others of its item: the hosts of
	// each replica.
	Times bool
}

// Total is how many units capacities ask for together: of each item the largest
// amount (a limit and what is asked for now are two words on one thing), times
// what multiplies it, added up over the items; never more than NoLimit. known is
// false where one of them is not known; the rest is added up nevertheless.
func Total(cs []Capacity) (units float64, known bool) {
	known = true
	largest, times := map[string]float64{}, map[string]float64{}
	for _, c := range cs {
		switch {
		case c.Unknown:
			known = false
		case c.Times:
			if _, ok := times[c.Item]; !ok {
				times[c.Item] = 1
			}
			times[c.Item] *= c.Units
		default:
			largest[c.Item] = max(largest[c.Item], c.Units)
		}
	}
	for item, n := range largest {
		if t, ok := times[item]; ok {
			n *= t
		}
		units += n
	}
	return min(units, NoLimit), known
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
