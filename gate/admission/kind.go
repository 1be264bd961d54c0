package admission

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Kind is one kind of objects that is held. Which there are, and where their
// amounts stand, is provider/kubernetes' to know; the webhook's registration
// and its decisions are both made from it.
type Kind struct {
	// Kind as it stands in keys: the group left out for kinds every API server
	// ships with ("Deployment", "RayCluster.ray.io").
	Kind string
	// Group, Resource (plural) and Versions as the API spells them. In other
	// versions the amounts may stand elsewhere: nothing is known of those.
	Group, Resource string
	Versions        []string
	// Amounts the objects ask for; without any an object is one unit.
	Amounts []estate.Amount
	// Scales is whether it has the subresource scale.
	Scales bool
	// Target is where an autoscaler names what it scales.
	Target string
	// Pods are the places of pod specifications, whose devices count.
	Pods []string
	// Made is how many pods its controller makes beside those asked for, Spare
	// how many times its size what it makes may have while one is being
	// replaced by the next (0: once).
	Made, Spare int
	// Kept is of what stays, generation after generation: what is made of it
	// counts, it does not.
	Kept bool
	// EveryNode is of what runs on each node.
	EveryNode bool
}

// kinds are those held, by resource and by kind.
type kinds struct {
	byResource map[string]*Kind // GROUP/RESOURCE
	byKind     map[string]*Kind
}

func newKinds(list []Kind) *kinds {
	k := &kinds{map[string]*Kind{}, map[string]*Kind{}}
	for i := range list {
		k.byResource[list[i].Group+"/"+list[i].Resource] = &list[i]
		k.byKind[list[i].Kind] = &list[i]
	}
	return k
}

// of returns the kind an object reference names by its apiVersion and kind; the
// version does not matter. Where the kind is not held it is nil and the key
// says what was named.
func (k *kinds) of(apiVersion, kind string) (*Kind, string) {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		group = ""
	}
	for _, name := range []string{kind + "." + group, kind} {
		if have := k.byKind[strings.TrimSuffix(name, ".")]; have != nil && have.Group == group {
			return have, have.Kind
		}
	}
	if group == "" {
		return nil, kind
	}
	return nil, kind + "." + group
}

// cut takes a key apart; the kind is nil if it is not held.
func (k *kinds) cut(key string) (kind *Kind, name string, ok bool) {
	what, name, ok := strings.Cut(key, "/")
	return k.byKind[what], name, ok
}

// within takes the namespace off an object's name; false if it is of another
// namespace, or of a kind that is not held.
func (k *kinds) within(object, namespace string) (key string, ok bool) {
	key, ok = strings.CutPrefix(object, namespace+"/")
	if !ok {
		return "", false
	}
	kind, name, _ := k.cut(key)
	return key, kind != nil && name != "" && !strings.Contains(name, "/")
}

// size is what an object asks for.
type size struct {
	// asks are the amounts by path.
	asks map[string]estate.Capacity
	// units is the whole of them: the items' largest amounts, multiplied by
	// what multiplies them, added up. said is false if the object names none.
	units int64
	said  bool
	// alone is set if the one unit is what its controller makes unasked.
	alone bool
	// there is set if there is an object at all.
	there bool
	// unknown says why the amounts are not known; empty if they are.
	unknown string
	// devices are the numbers of each device a unit asks for, by place.
	devices map[string]float64
	pods    map[string]bool // where pod specifications stand
	// nodes says on which nodes something that runs on each may run.
	nodes *placement
}

// readSize reads what an object asks for. An error means that it is no object.
func (k *Kind) readSize(object json.RawMessage) (*size, error) {
	var root map[string]any
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	if err := dec.Decode(&root); err != nil || root == nil {
		return nil, cmp.Or(err, errNoObject)
	}
	s := &size{there: true, asks: map[string]estate.Capacity{}, devices: map[string]float64{}, pods: map[string]bool{}}
	for _, place := range k.Pods {
		for at, pod := range placesOf(root, place) {
			s.readDevices(at, pod)
		}
	}
	switch {
	case k.EveryNode:
		s.nodes = placementOf(root)
		s.units, s.said = scheduled(root), true
		return s, nil
	case len(k.Amounts) == 0:
		s.units, s.said = 1, true
		return s, nil
	}
	rule := estate.ScaleRule{Amounts: k.Amounts}
	asks, err := rule.Asks(wholly, object)
	if err != nil {
		return nil, err
	}
	s.add(asks)
	if k.Made > 0 && s.units == 0 {
		s.units, s.alone = 1, true // its controller makes a pod whatever it asks for
	}
	return s, nil
}

// wholly is an asset of which everything was read.
var wholly = &estate.Asset{ID: "object", Reads: []estate.Read{{Operation: "get", Status: estate.ReadOK}}}

// add enters the amounts and adds them up.
func (s *size) add(asks []estate.Capacity) {
	for _, a := range asks {
		s.asks[a.Path], s.said = a, true
		if a.Unknown {
			s.unknown = cmp.Or(s.unknown, a.Why)
		}
	}
	sum, _ := estate.Total(asks)
	s.units = int64(math.Ceil(sum))
}

// none is the size of what does not exist.
var none = &size{}

// growth says what of after is more than before; empty if nothing is.
func (after *size) growth(before *size) string {
	if after.unknown != "" {
		return "it cannot be told how much it asks for (" + after.unknown + ")"
	}
	for _, path := range slices.Sorted(maps.Keys(after.asks)) {
		a, b := after.asks[path], before.asks[path]
		if grows, known := a.Grows(b); grows || !known {
			return path + " from " + units(b) + " to " + units(a)
		}
	}
	if (after.alone || len(after.asks) == 0) && after.nodes == nil && after.units > before.units {
		return "one more"
	}
	if after.nodes != nil && !after.nodes.within(before.nodes) {
		return "the nodes it runs on"
	}
	if before.there {
		for _, place := range slices.Sorted(maps.Keys(after.devices)) {
			at, _, _ := strings.Cut(place, " ")
			if before.pods[at] && after.devices[place] > before.devices[place] {
				return fmt.Sprintf("%s from %g to %g", place, before.devices[place], after.devices[place])
			}
		}
	}
	return ""
}

func units(c estate.Capacity) string {
	n := count(int64(math.Ceil(c.Units)))
	switch {
	case c.Unknown:
		n = "what is not known"
	case c.Size != "" && c.Units > 0:
		n += " × " + c.Size
	}
	return n
}

// count is a number of units as people read it.
func count(n int64) string {
	if n >= estate.NoLimit {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}
