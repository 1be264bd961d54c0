package terraform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// harmless are the providers whose resources make nothing in an estate: they
// reckon, wait or write files beside the configuration.
var harmless = []string{"random_", "null_", "time_", "local_", "tls_", "archive_", "template_", "cloudinit_", "terraform_data", "assert_"}

// unconverted notes a resource of a type that no rule knows.
func (c *conversion) unconverted(r *Resource) {
	for _, p := range harmless {
		if strings.HasPrefix(r.Type, p) {
			c.out.Unconverted[r.Address] = Unconverted{Why: "a " + r.Type + " makes nothing in the estate", Harmless: true}
			return
		}
	}
	c.strange[r.Type] = append(c.strange[r.Type], r.Address)
	c.out.Unconverted[r.Address] = Unconverted{Why: "sevenfold cannot say what a " + r.Type + " becomes"}
}

// summary says, type by type, what was not converted.
func (c *conversion) summary() {
	for _, typ := range slices.Sorted(maps.Keys(c.strange)) {
		at := c.strange[typ]
		slices.Sort(at)
		b := estate.BlindSpot{Source: c.in.Source, Operation: at[0], Types: []string{typ}, Status: estate.ReadFailed,
			Why: fmt.Sprintf("%s: sevenfold cannot say what a %s becomes", at[0], typ), Hint: hintFor(typ)}
		if len(at) > 1 {
			b.Why = fmt.Sprintf("%s and %d more: sevenfold cannot say what a %s becomes", at[0], len(at)-1, typ)
		} else {
			b.Asset = prefix + at[0]
		}
		c.out.BlindSpots = append(c.out.BlindSpots, b)
	}
	for _, typ := range slices.Sorted(maps.Keys(c.novel)) {
		paths := slices.Sorted(maps.Keys(c.novel[typ]))
		at := c.novel[typ][paths[0]]
		c.out.BlindSpots = append(c.out.BlindSpots, estate.BlindSpot{Source: c.in.Source, Operation: at, Asset: prefix + at, Status: estate.ReadSkipped,
			Why:  fmt.Sprintf("%s sets %s, which no %s has in the versions of the provider that sevenfold knows: what it means is not judged", at, strings.Join(paths, ", "), typ),
			Hint: hintFor(typ)})
	}
}

// hintFor says how what a type makes can be seen all the same.
func hintFor(typ string) string {
	switch {
	case typ == "helm_release":
		return "render the chart (helm template … > chart.yaml) and read it with dir:"
	case strings.HasPrefix(typ, "aws_"):
		return "look at it by hand, or assess the account after apply (--source aws)"
	case strings.HasPrefix(typ, "kubernetes_"), strings.HasPrefix(typ, "kubectl_"):
		return "look at it by hand, or assess the cluster after apply (--source kubernetes)"
	}
	return "look at it by hand: this version reads plans of the AWS and Kubernetes providers"
}
