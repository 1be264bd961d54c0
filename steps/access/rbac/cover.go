package rbac

import (
	"slices"
	"strings"
)

// The parts of a request in the order in which boxes hold them.
const (
	partVerb = iota
	partGroup
	partResource
	partSub
	partName
	partNamespace
	parts
)

var partNames = [parts]string{"verb", "group", "resource", "subresource", "name", "namespace"}

// side is what a box holds in one part: some texts, or all that fit a pattern
// but some.
type side struct {
	in   []string // if pattern is nil
	glob *string
	out  []string
}

// box is a set of requests: any choice of one text from each side.
type box [parts]side

// slab is what one resource entry of one rule allows, as a box whose sides are
// some texts or all.
type slab struct {
	sides [parts]texts
	grant *grant
	of    Ref // the subject
	rule  int
}

// maxSteps bounds the work on one open request. Roles as people write them need
// some hundreds.
const maxSteps = 200_000

// cover finds out how a set of requests lies to the rules of an identity.
type cover struct {
	slabs []slab
	steps int
	used  map[int]bool // slabs that allow some of it
	hit   *box         // a part that is allowed
	miss  *box         // a part that is not
}

// decideOpen answers a request with open parts.
func (w *World) decideOpen(who *Who, q *Request, a *Answer) {
	if q.Path != "" {
		decidePaths(who, q, a)
		return
	}
	c := &cover{used: map[int]bool{}}
	for i := range who.lists {
		for _, g := range who.lists[i].grants {
			if !g.elsewhere(q) {
				c.add(g, who.lists[i].subject)
			}
		}
	}
	c.walk(boxOf(q), 0)
	a.Decision = Deny
	switch {
	case c.steps > maxSteps:
		a.Decision = Unknown
		a.Unknown = append(a.Unknown, "the pattern meets too many rules to weigh them all: ask about less at once")
		return
	case c.hit != nil && c.miss == nil:
		a.Decision = Allow
	case c.hit != nil:
		a.Decision = Conditional
		a.Witness, a.Refused = c.hit.example(q), c.miss.example(q)
		for p, v := range a.Refused {
			if a.Witness[p] != v {
				a.Conditions = append(a.Conditions, p)
			}
		}
		slices.Sort(a.Conditions)
	}
	for i := range c.slabs {
		if c.used[i] {
			a.Because = append(a.Because, c.slabs[i].grant.reason(c.slabs[i].of, c.slabs[i].rule))
		}
	}
	a.Because = sortReasons(a.Because)
}

// add takes the rules of a grant.
func (c *cover) add(g *grant, s Ref) {
	namespaces := texts{all: g.namespace == "", in: []string{g.namespace}}
	for n := range g.role.index.rules {
		r := &g.role.index.rules[n]
		for _, p := range r.resources {
			if p.sub == "*" {
				continue // "pods/*" is no wildcard, and no subresource has such a name
			}
			c.slabs = append(c.slabs, slab{sides: [parts]texts{
				partVerb: r.verbs, partGroup: r.groups, partName: r.names, partNamespace: namespaces,
				partResource: {all: p.anyResource, in: []string{p.resource}}, partSub: {all: p.anySub, in: []string{p.sub}},
			}, grant: g, of: s, rule: n})
		}
	}
}

func boxOf(q *Request) box {
	one := func(text string) side {
		if !q.Literal && strings.Contains(text, "*") {
			return side{glob: &text}
		}
		return side{in: []string{text}}
	}
	return box{partVerb: one(q.Verb), partGroup: one(q.Group), partResource: one(q.Resource), partSub: one(q.Subresource), partName: one(q.Name), partNamespace: one(q.Namespace)}
}

// walk takes what the slabs from the n-th on allow away from a box, and notes a
// part that is left and a part that was taken. What is left of a box when one
// slab is taken away falls into at most as many boxes as it has sides.
func (c *cover) walk(b box, n int) {
	if c.steps++; c.steps > maxSteps {
		return
	}
	for ; n < len(c.slabs); n++ {
		common, rest, meets := cut(&b, &c.slabs[n].sides)
		if !meets {
			continue
		}
		c.used[n] = true
		if c.hit == nil {
			c.hit = &common
		}
		for _, r := range rest {
			c.walk(r, n+1)
		}
		return
	}
	if c.miss == nil {
		c.miss = &b
	}
}

// cut divides a box by a slab: what both hold, and the rest of the box.
func cut(b *box, s *[parts]texts) (common box, rest []box, meets bool) {
	common = *b
	for p := range parts {
		inside, outside, some := divide(&common[p], &s[p])
		if !some {
			return common, nil, false
		}
		if !outside.empty() {
			left := common
			left[p] = outside
			rest = append(rest, left)
		}
		common[p] = inside
	}
	return common, rest, true
}

// divide divides a side by a set of texts.
func divide(x *side, t *texts) (inside, outside side, some bool) {
	if t.all {
		return *x, side{}, true
	}
	if x.glob == nil {
		for _, v := range x.in {
			if slices.Contains(t.in, v) {
				inside.in = append(inside.in, v)
			} else {
				outside.in = append(outside.in, v)
			}
		}
		return inside, outside, len(inside.in) > 0
	}
	outside = side{glob: x.glob, out: x.out}
	for _, v := range t.in {
		if glob(*x.glob, v) && !slices.Contains(x.out, v) && !slices.Contains(inside.in, v) {
			inside.in = append(inside.in, v)
			outside.out = append(slices.Clip(outside.out), v)
		}
	}
	return inside, outside, len(inside.in) > 0
}

// empty reports whether nothing is left. All that fit a pattern but some are
// never nothing, since a pattern with a "*" fits endlessly many.
func (x *side) empty() bool { return x.glob == nil && len(x.in) == 0 }

// example is a request of a box, by the parts that were open in the question.
func (b *box) example(q *Request) map[string]string {
	asked := boxOf(q)
	out := map[string]string{}
	for p := range parts {
		if asked[p].glob != nil {
			out[partNames[p]] = b[p].any(p)
		}
	}
	return out
}

// usual are texts that examples prefer, by part.
var usual = [parts][]string{
	partVerb:     {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"},
	partGroup:    {"", "apps", "batch", Group},
	partResource: {"pods", "secrets", "configmaps", "deployments", "jobs"}, partSub: {"", "status"},
	partName: {"any"}, partNamespace: {"default", "kube-system"},
}

func (x *side) any(part int) string {
	if x.glob == nil {
		return x.in[0]
	}
	for _, v := range usual[part] {
		if glob(*x.glob, v) && !slices.Contains(x.out, v) {
			return v
		}
	}
	for fill := "any"; ; fill += "x" {
		if v := strings.ReplaceAll(*x.glob, "*", fill); !slices.Contains(x.out, v) {
			return v
		}
	}
}

// decidePaths answers about paths that are no resources. Of a pattern it is
// decided whether one rule's path covers it and whether any meets it.
func decidePaths(who *Who, q *Request, a *Answer) {
	a.Decision = Deny
	for i := range who.lists {
		for _, g := range who.lists[i].grants {
			if g.namespace != "" {
				continue
			}
			for _, n := range g.role.index.urls {
				d := pathsOf(&g.role.index.rules[n], q)
				if d == Deny {
					continue
				}
				a.Decision = max(a.Decision, d)
				a.Because = append(a.Because, g.reason(who.lists[i].subject, int(n)))
			}
		}
	}
	if a.Decision == Conditional {
		a.Conditions = []string{"path"}
	}
}

func pathsOf(c *compiled, q *Request) Decision {
	best := Deny
	anyVerb := strings.Contains(q.Verb, "*")
	if !c.verbs.all && !slices.ContainsFunc(c.verbs.in, func(v string) bool { return glob(q.Verb, v) }) {
		return Deny
	}
	for _, url := range c.NonResourceURLs {
		head, open := strings.CutSuffix(url, "*")
		head = strings.TrimRight(head, "*")
		fixed, _, _ := strings.Cut(q.Path, "*")
		switch {
		case open && strings.HasPrefix(fixed, head) && (c.verbs.all || !anyVerb):
			return Allow
		case url == q.Path && !strings.Contains(q.Path, "*") && (c.verbs.all || !anyVerb):
			return Allow
		case open && strings.HasPrefix(head, fixed), glob(q.Path, url), open && strings.HasPrefix(fixed, head):
			best = Conditional
		}
	}
	return best
}

// glob reports whether text fits a pattern in which "*" stands for any text.
func glob(pattern, text string) bool {
	if pattern == "*" {
		return true
	}
	head, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, head)
	if !ok {
		return false
	}
	for {
		piece, more, again := strings.Cut(rest, "*")
		if !again {
			return strings.HasSuffix(text, piece)
		}
		at := strings.Index(text, piece)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(piece):], more
	}
}
