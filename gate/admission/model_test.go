package admission

import "github.com/sevenfold-sec/sevenfold/test/growth"

// everyKind are the kinds of provider/kubernetes, as assess hands them over.
func everyKind() []Kind {
	var out []Kind
	for _, g := range growth.Table() {
		out = append(out, Kind{Kind: g.Kind, Group: g.Group, Resource: g.Resource, Versions: g.Versions, Amounts: g.Rule.Amounts,
			Scales: g.Scales, Target: g.Target, Pods: g.Pods, Made: g.Made, Spare: g.Spare, EveryNode: g.EveryNode, Kept: g.Kept})
	}
	return out
}

// growingOf is a kind as the table has it.
func growingOf(k *Kind) *growth.Kind {
	for _, g := range growth.Table() {
		if g.Kind == k.Kind {
			return &g
		}
	}
	return nil
}
