package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// clause is one statement that allows something, and the policy it stands in.
type clause struct {
	policy estate.Node
	*aws.Statement
}

// clauses finds the statements that may name an asset without asking each of
// them: a pattern fits an ARN only if what stands before its first wildcard is a
// beginning of the ARN, and is for something inside the asset only if the ARN is
// a beginning of that.
type clauses struct {
	heads []head             // sorted by text
	at    map[string][]int32 // by the text before the first wildcard
	any   []int32            // those that name no resource, or all but some
	all   []clause
}

type head struct {
	text   string
	clause int32
}

// add takes a policy's statements. Those that do not allow are left out.
func (c *clauses) add(policy estate.Node, statements []aws.Statement) {
	for i := range statements {
		s := &statements[i]
		if s.Effect != "Allow" {
			continue
		}
		n := int32(len(c.all))
		c.all = append(c.all, clause{policy, s})
		if len(s.Resources) == 0 {
			c.any = append(c.any, n)
		}
		for _, r := range s.Resources {
			text := r
			if end := strings.IndexAny(r, "*?"); end >= 0 {
				text = r[:end]
			}
			c.heads = append(c.heads, head{text, n})
		}
	}
}

// sort ends the adding.
func (c *clauses) sort() {
	slices.SortFunc(c.heads, func(a, b head) int { return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.clause, b.clause)) })
	c.at = map[string][]int32{}
	for _, h := range c.heads {
		c.at[h.text] = append(c.at[h.text], h.clause)
	}
}

// naming returns the statements that name an asset of a service, each once, in
// the order they were added.
func (c *clauses) naming(service, arn string) []clause {
	found := slices.Clone(c.any)
	for end := range len(arn) + 1 {
		found = append(found, c.at[arn[:end]]...)
	}
	first, _ := slices.BinarySearchFunc(c.heads, arn, func(h head, arn string) int { return cmp.Compare(h.text, arn) })
	for _, h := range c.heads[first:] {
		if !strings.HasPrefix(h.text, arn) {
			break
		}
		found = append(found, h.clause)
	}
	slices.Sort(found)
	var out []clause
	for _, n := range slices.Compact(found) {
		if s := c.all[n]; names(s.Statement, service, arn) {
			out = append(out, s)
		}
	}
	return out
}
