package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// essence is a configuration without what changes by itself and without the
// amounts, which stand beside it.
type essence struct {
	tree       map[string]any // nil for an asset without configuration
	capacities []estate.Capacity
}

// essence reads an asset's configuration and takes it apart.
func (c *comparison) essence(s *estate.Snapshot, n estate.Node) (essence, error) {
	config, err := s.ConfigWhole(n)
	if err != nil || len(config) == 0 {
		return essence{}, err
	}
	return essenceOf(s.Asset(n), config)
}

func essenceOf(a *estate.Asset, config json.RawMessage) (essence, error) {
	bare, err := strip(a, config)
	if err != nil {
		return essence{}, err
	}
	scale := estate.Scale{Essence: bare.Essence}
	switch a.Cloud {
	case estate.AWS:
		scale, err = aws.Scale(a, bare.Essence)
	case estate.Kubernetes:
		scale, err = kubernetes.Scale(a, bare.Essence)
	}
	if err != nil {
		return essence{}, err
	}
	dec := json.NewDecoder(bytes.NewReader(unrotated(scale.Essence)))
	dec.UseNumber()
	out := essence{capacities: scale.Capacities}
	if err := dec.Decode(&out.tree); err != nil {
		return essence{}, fmt.Errorf("%s: %w", a.ID, err)
	}
	if a.Type == "v1/Node" {
		node(out.tree, config)
	}
	return out, nil
}

// stamp is an asset's time of creation in words.
func stamp(a *estate.Asset) string {
	if a.Created.IsZero() {
		return ""
	}
	return a.Created.UTC().Format(time.RFC3339)
}

// restarted are the types whose time of creation is that of their last start.
var restarted = map[string]bool{"AWS::EC2::Instance": true, "v1/Pod": true, "v1/Node": true, "AWS::SageMaker::App": true, "AWS::ECS::Task": true}

// recreated reports whether an asset is another thing under the same name.
func recreated(b, a *estate.Asset) bool {
	return !b.Created.IsZero() && !a.Created.IsZero() && !b.Created.Equal(a.Created) && !restarted[a.Type]
}

// tagChanges compares tags, those of services and controllers left out.
func tagChanges(b, a *estate.Asset) []Change {
	if b.Tags == nil || a.Tags == nil {
		return nil // not read on one side: reconcile tells
	}
	keys := map[string]bool{}
	for _, tags := range []map[string]string{b.Tags, a.Tags} {
		for k := range tags {
			keys[k] = true
		}
	}
	var out []Change
	for k := range keys {
		was, had := b.Tags[k]
		is, has := a.Tags[k]
		if systemTag(k) || had == has && was == is {
			continue
		}
		c := Change{Attribute: "tags." + k}
		if had {
			c.Before, _ = json.Marshal(was)
		}
		if has {
			c.After, _ = json.Marshal(is)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y Change) int { return strings.Compare(x.Attribute, y.Attribute) })
	return out
}

// tagMembers are where replies spell tags, at the root or in one reply.
var tagMembers = []string{"Tags", "tags", "TagList", "TagSet", "tagList"}

// dropTags takes tags out of a configuration: the asset has them already.
func dropTags(tree map[string]any) {
	drop := func(m map[string]any) {
		for _, name := range tagMembers {
			delete(m, name)
		}
	}
	if tree == nil {
		return
	}
	drop(tree)
	for key, v := range tree {
		if reply, ok := v.(map[string]any); ok {
			n := len(reply)
			drop(reply)
			if len(reply) == 0 && n > 0 {
				delete(tree, key) // it held nothing else
			}
		}
	}
	if meta, ok := tree["metadata"].(map[string]any); ok {
		delete(meta, "labels")
		if notes, ok := meta["annotations"].(map[string]any); ok && len(notes) == 0 {
			delete(meta, "annotations")
		}
	}
}

// amounts compares what is asked for. What an autoscaler moves within its
// limits is no difference; an amount that only one side knows cannot be compared
// and is open.
func (c *comparison) amounts(p pair, was, is []estate.Capacity, sized bool) (out []Change, open []lostRead) {
	was, is, open = c.knownAmounts(p, was, is)
	before := map[string]estate.Capacity{}
	for _, x := range was {
		before[x.Path] = x
	}
	seen := map[string]bool{}
	for _, x := range is {
		seen[x.Path] = true
		y, had := before[x.Path]
		if had && y.Units == x.Units && (y.Size == x.Size || !sized) && y.Unknown == x.Unknown || c.autoscaled(p, x, y, is) {
			continue
		}
		ch := Change{Attribute: "config." + x.Path, After: amount(x)}
		if had {
			ch.Before = amount(y)
		}
		out = append(out, ch)
	}
	for _, y := range was {
		if !seen[y.Path] && !c.autoscaled(p, estate.Capacity{Path: y.Path}, y, is) {
			out = append(out, Change{Attribute: "config." + y.Path, Before: amount(y)})
		}
	}
	return out, open
}

// knownAmounts leaves out of both sides the amounts of which one side is not
// known. The variants of an endpoint are known by their names, which stand in the
// reply that was not read: all amounts below one member share its fate.
func (c *comparison) knownAmounts(p pair, was, is []estate.Capacity) (knownWas, knownIs []estate.Capacity, open []lostRead) {
	member := func(x estate.Capacity) string {
		head, _, _ := strings.Cut(x.Path, "[")
		return head
	}
	unknown := func(list []estate.Capacity) map[string]string {
		out := map[string]string{}
		for _, x := range list {
			if x.Unknown {
				out[member(x)] = x.Why
			}
		}
		return out
	}
	notWas, notIs := unknown(was), unknown(is)
	if len(notWas)+len(notIs) == 0 {
		return was, is, nil
	}
	a := c.after.Asset(p.a)
	for _, head := range slices.Sorted(maps.Keys(notIs)) {
		if _, neither := notWas[head]; !neither {
			open = append(open, lostRead{asset: a, operation: "config." + head, now: true, why: notIs[head], hint: "let it be read, or assess again after apply"})
		}
	}
	for _, head := range slices.Sorted(maps.Keys(notWas)) {
		if _, neither := notIs[head]; !neither {
			open = append(open, lostRead{asset: a, operation: "config." + head, why: "the baseline did not know it, so there is nothing to compare with: " + notWas[head], hint: lookAndApprove})
		}
	}
	known := func(list []estate.Capacity) []estate.Capacity {
		return slices.DeleteFunc(slices.Clone(list), func(x estate.Capacity) bool {
			_, w := notWas[member(x)]
			_, i := notIs[member(x)]
			return x.Unknown || w != i
		})
	}
	return known(was), known(is), open
}

// amount is a capacity as a record shows it.
func amount(x estate.Capacity) json.RawMessage {
	if x.Unknown {
		return text("unknown: " + x.Why)
	}
	if x.Size == "" {
		out, _ := json.Marshal(x.Units) // a finite number
		return out
	}
	return text(fmt.Sprintf("%g x %s", x.Units, x.Size))
}

// wishes are the amounts that a type moves by itself between two others of its
// own, by the end of their path.
var wishes = map[string][2]string{
	"DesiredCapacity":                {"MinSize", "MaxSize"},
	"scalingConfig.desiredSize":      {"scalingConfig.minSize", "scalingConfig.maxSize"},
	"computeResources.desiredvCpus":  {"computeResources.minvCpus", "computeResources.maxvCpus"},
	"replicas":                       {"minReplicas", "maxReplicas"}, // groups of workers of Ray
	"PredictedCapacity":              {"MinSize", "MaxSize"},
	"elasticPolicy.replicas":         {"elasticPolicy.minReplicas", "elasticPolicy.maxReplicas"},
	"DesiredInstanceCount":           {"ManagedInstanceScaling.MinInstanceCount", "ManagedInstanceScaling.MaxInstanceCount"},
	"RuntimeConfig.DesiredCopyCount": {"MinCopyCount", "MaxCopyCount"},
}

// autoscaled reports whether an amount moved within the limits that the asset
// itself or its autoscaler sets, or is its owner's to set. The size of a unit never moves by itself.
func (c *comparison) autoscaled(p pair, now, was estate.Capacity, all []estate.Capacity) bool {
	if now.Unknown || was.Unknown || now.Size != was.Size && now.Size != "" && was.Size != "" {
		return false
	}
	if c.ofOwner(p) {
		return true
	}
	for wish, limits := range wishes {
		head, ok := strings.CutSuffix(now.Path, wish)
		if !ok || head != "" && !strings.HasSuffix(head, ".") && !strings.HasSuffix(head, "]") {
			continue
		}
		if within(now.Units, find(all, head+limits[0]), find(all, head+limits[1])) {
			return true
		}
	}
	// An instance count stands for its whole variant: its limits stand below it.
	if within(now.Units, find(all, now.Path+".ManagedInstanceScaling.MinInstanceCount"), find(all, now.Path+".ManagedInstanceScaling.MaxInstanceCount")) {
		return true
	}
	for e := range c.after.In(p.a) {
		if e.Type == estate.Scales && c.scalerAllows(e.Node, now.Units) {
			return true
		}
	}
	return false
}

// find returns the capacity at a path.
func find(all []estate.Capacity, path string) *estate.Capacity {
	for i := range all {
		if all[i].Path == path && !all[i].Unknown {
			return &all[i]
		}
	}
	return nil
}

// within reports whether n lies between two known limits.
func within(n float64, low, high *estate.Capacity) bool {
	return high != nil && n <= high.Units && (low == nil || n >= low.Units)
}

// scalerAllows reports whether an autoscaler's own limits hold n. Both snapshots
// must know the autoscaler alike: a limit that was itself raised is a change of
// the autoscaler's.
func (c *comparison) scalerAllows(scaler estate.Node, n float64) bool {
	e, err := c.essence(c.after, scaler)
	if err != nil {
		return false
	}
	var low, high *estate.Capacity
	for i, x := range e.capacities {
		switch name := strings.ToLower(x.Path[strings.LastIndexByte(x.Path, '.')+1:]); {
		case strings.HasPrefix(name, "min"):
			low = &e.capacities[i]
		case strings.HasPrefix(name, "max"):
			high = &e.capacities[i]
		}
	}
	return within(n, low, high)
}

// Essence is what drift compares of an asset's configuration, decoded: all but
// what changes by itself and the amounts. Nil for an asset without one. It is an
// error if config is not one JSON object.
func Essence(a *estate.Asset, config json.RawMessage) (map[string]any, error) {
	if len(config) == 0 {
		return nil, nil
	}
	e, err := essenceOf(a, config)
	return e.tree, err
}
