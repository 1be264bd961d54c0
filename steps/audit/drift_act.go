package audit

import (
	"slices"
	"strings"
)

// maxAlso bounds how many further principals one record names.
const maxAlso = 8

// act names what an actor did, whatever else is told of it.
func (a *Actor) act() string {
	if a == nil {
		return ""
	}
	return digest("act", a.Event, a.Principal, a.Action, a.Time.UTC().String())
}

// divide makes a record of each act: by[i] made the i-th change, nil where nobody
// knows. One act leaves the record as it is. What follows from the others, a move
// to another zone, must not be among the changes.
func (r *Record) divide(by []*Actor) []Record {
	parts := map[string][]Change{}
	actors := map[string]*Actor{}
	var order []string
	for i, c := range r.Changes {
		act := by[i].act()
		if parts[act] == nil {
			order = append(order, act)
			actors[act] = by[i]
		}
		parts[act] = append(parts[act], c)
		if actors[act] != nil {
			actors[act] = together(actors[act], by[i])
		}
	}
	if len(order) < 2 {
		if len(order) == 1 && actors[order[0]] != nil {
			r.By = actors[order[0]]
		}
		return []Record{*r}
	}
	var out []Record
	for _, act := range order {
		one := *r
		one.Changes, one.By = parts[act], actors[act]
		one.wholes = append(slices.Clone(r.wholes), r.ID)
		one.identify()
		one.regrade()
		out = append(out, one)
	}
	return out
}

// together is one act as two of its changes tell of it: who else may have made
// either may have had a part in it.
func together(a, b *Actor) *Actor {
	out := *a
	out.Others = max(a.Others, b.Others)
	out.Also = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.Also, b.Also))))
	if len(out.Also) == 0 {
		out.Also = nil
	}
	return &out
}

// opening are members whose change is likely to be what opened a way, where one
// was opened.
var opening = map[string]bool{
	"AssumeRolePolicyDocument": true, "RolePolicyList": true, "UserPolicyList": true, "GroupPolicyList": true, "AttachedManagedPolicies": true,
	"PolicyVersionList": true, "DefaultVersionId": true, "PermissionsBoundary": true, "GroupList": true, "IpPermissions": true, "IpPermissionsEgress": true,
	"Routes": true, "rules": true, "subjects": true, "roleRef": true, "Policy": true, "PolicyDocument": true, "PublicAccessBlockConfiguration": true,
	"ingress": true, "egress": true, "podSelector": true, "policyTypes": true, "Grants": true,
}

// weight orders changes by how much each matters: words last, what opens ways
// first.
func (r *Record) weight(attribute string) int {
	switch {
	case r.cosmetic(attribute):
		return 2
	case r.Consequence == NewPath && slices.ContainsFunc(strings.FieldsFunc(attribute, func(c rune) bool { return strings.ContainsRune(".[]()", c) }), func(m string) bool { return opening[m] }),
		r.Consequence == NewPath && r.heavy[attribute]:
		return 0
	}
	return 1
}

// Gravest are the changes, what matters most first. Changes itself keeps the
// order in which the places were compared, which the id is made of.
func (r *Record) Gravest() []Change {
	out := slices.Clone(r.Changes)
	slices.SortStableFunc(out, func(a, b Change) int { return r.weight(a.Attribute) - r.weight(b.Attribute) })
	return out
}

// cosmetic reports whether a change of an attribute of this asset changes words
// only.
func (r *Record) cosmetic(attribute string) bool { return wording(attribute) && !r.heavy[attribute] }

// withoutZone takes the move to another zone off a record, and reports whether it
// told of one.
func (r *Record) withoutZone() bool {
	i := slices.IndexFunc(r.Changes, func(c Change) bool { return c.Attribute == ZoneAttribute })
	if i < 0 {
		return false
	}
	r.Changes = slices.Delete(slices.Clone(r.Changes), i, i+1)
	if r.Consequence == Attribute && !slices.ContainsFunc(r.Changes, func(c Change) bool { return !r.cosmetic(c.Attribute) }) {
		r.Consequence = Cosmetic
	}
	r.identify()
	return true
}

// sortRecords puts records in their order: by asset, then by id.
func (d *Drift) sortRecords() {
	slices.SortFunc(d.Records, func(x, y Record) int { return strings.Compare(x.Asset+" "+x.ID, y.Asset+" "+y.ID) })
}
