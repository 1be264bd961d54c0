package cloudformation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// notUnderstood makes an asset of a resource of a type that no shape or rule
// knows: it is there, and nothing of it is known.
func (c *conversion) notUnderstood(r *Resource) {
	if harmless[r.Type] {
		return
	}
	c.strange[r.Type] = append(c.strange[r.Type], r.Address)
	// What opens other things (a policy, a permission) may be of any thing of its
	// service: of none of them it is then said that it has none.
	if service, kind, ok := serviceOf(r.Type); ok && (strings.Contains(kind, "Policy") || strings.Contains(kind, "Permission")) {
		c.loose[service] = append(c.loose[service], r.Address)
	}
	if !strings.HasPrefix(r.Type, "AWS::") { // a custom resource: what its function makes is no one thing
		return
	}
	d := c.draft(c.identity(r.Address), r.Type)
	d.r, d.rule, d.where = r, &rule{typ: r.Type}, r
	c.tags(d)
	d.reads["\x00"] = estate.Read{Operation: "cloudformation:read", Status: estate.ReadSkipped, Why: "sevenfold does not understand the type"}
	c.out.Of[r.Address] = append(c.out.Of[r.Address], d.id)
}

// summary says, type by type, what was not understood.
func (c *conversion) summary() {
	for _, typ := range slices.Sorted(maps.Keys(c.strange)) {
		at := c.strange[typ]
		slices.Sort(at)
		why, hint := "sevenfold does not understand "+typ, "look at it by hand, or assess the account once the stack is made (--source aws)"
		if strings.HasPrefix(typ, "Custom::") || typ == "AWS::CloudFormation::CustomResource" {
			why = typ + " is a custom resource: what its function makes no template says"
		}
		b := estate.BlindSpot{Source: c.in.Source, Operation: at[0], Types: []string{typ}, Status: estate.ReadFailed, Why: at[0] + ": " + why, Hint: hint}
		if len(at) > 1 {
			b.Why = fmt.Sprintf("%s and %d more: %s", at[0], len(at)-1, why)
		} else {
			b.Asset = prefix + at[0]
		}
		c.out.BlindSpots = append(c.out.BlindSpots, b)
	}
	for _, typ := range slices.Sorted(maps.Keys(c.novels)) {
		paths := slices.Sorted(maps.Keys(c.novels[typ]))
		at := c.novels[typ][paths[0]]
		c.out.BlindSpots = append(c.out.BlindSpots, estate.BlindSpot{Source: c.in.Source, Operation: at, Asset: prefix + at, Status: estate.ReadSkipped,
			Why:  fmt.Sprintf("%s sets %s, which no %s has in the schema that sevenfold knows: what it means is not judged", at, strings.Join(paths, ", "), typ),
			Hint: "mend the name, or look at it by hand"})
	}
}

// serviceOf takes a type apart: AWS::S3 and Bucket.
func serviceOf(typ string) (service, kind string, ok bool) {
	i := strings.LastIndex(typ, "::")
	if i < 0 || strings.Count(typ, "::") != 2 {
		return "", "", false
	}
	return typ[:i], typ[i+2:], true
}
