package rbac

import (
	"fmt"
	"slices"
	"strings"
)

// roleIndex finds a role's rules by the resource they name.
type roleIndex struct {
	rules []compiled
	by    map[resourceKey][]int32 // by resource and subresource
	wild  []int32                 // rules for any resource, or any with a subresource
	urls  []int32
	// admin is a rule that allows everything on every resource; -1 if none does.
	admin  int32
	powers map[power][]hold
}

// compiled is a rule as decisions read it.
type compiled struct {
	*Rule
	verbs, groups texts
	resources     []resourcePattern
	names         texts
}

// texts is a finite set of texts, or all of them.
type texts struct {
	all bool
	in  []string
}

func (t *texts) has(s string) bool { return t.all || slices.Contains(t.in, s) }

// resourcePattern is one entry of a rule's resources: "*" is any resource with
// any subresource, "*/scale" that subresource of any, all else stands for itself.
type resourcePattern struct {
	resource, sub       string
	anyResource, anySub bool
}

func patternOf(text string) resourcePattern {
	if text == "*" {
		return resourcePattern{anyResource: true, anySub: true}
	}
	resource, sub, _ := strings.Cut(text, "/")
	if sub == "" {
		return resourcePattern{resource: text}
	}
	return resourcePattern{resource: resource, sub: sub, anyResource: resource == "*"}
}

func (p *resourcePattern) has(resource, sub string) bool {
	return (p.anyResource || p.resource == resource) && (p.anySub || p.sub == sub)
}

func setOf(list []string) texts {
	if slices.Contains(list, "*") {
		return texts{all: true}
	}
	return texts{in: list}
}

// compile prepares a role for being asked.
func (r *Role) compile() {
	x := roleIndex{by: map[resourceKey][]int32{}, admin: -1}
	for i := range r.Rules {
		rule := &r.Rules[i]
		if rule.from == (Ref{}) {
			rule.from, rule.place = r.Ref, i
		}
		c := compiled{Rule: rule, verbs: setOf(rule.Verbs), groups: setOf(rule.APIGroups)}
		// A rule's names know no wildcard: "*" is a name like any other.
		c.names = texts{all: len(rule.ResourceNames) == 0, in: rule.ResourceNames}
		n := int32(len(x.rules))
		wild := false
		for _, text := range rule.Resources {
			p := patternOf(text)
			c.resources = append(c.resources, p)
			if p.anyResource {
				wild = true
				if p.anySub && c.verbs.all && c.groups.all && c.names.all {
					x.admin = n
				}
				continue
			}
			key := resourceKey{p.resource, p.sub}
			if list := x.by[key]; len(list) == 0 || list[len(list)-1] != n {
				x.by[key] = append(list, n)
			}
		}
		if wild {
			x.wild = append(x.wild, n)
		}
		if len(rule.NonResourceURLs) > 0 {
			x.urls = append(x.urls, n)
		}
		x.rules = append(x.rules, c)
	}
	r.index = x
}

// allows returns the first rule that allows a request without open parts; -1 if
// none does.
func (r *Role) allows(q *Request) int {
	if q.Path != "" {
		for _, i := range r.index.urls {
			if c := &r.index.rules[i]; c.verbs.has(q.Verb) && c.serves(q.Path) {
				return int(i)
			}
		}
		return -1
	}
	best := int32(-1)
	for _, i := range r.index.by[resourceKey{q.Resource, q.Subresource}] {
		if r.index.rules[i].allows(q) {
			best = i
			break
		}
	}
	for _, i := range r.index.wild {
		if best >= 0 && i > best {
			break
		}
		if r.index.rules[i].allows(q) {
			return int(i)
		}
	}
	return int(best)
}

func (c *compiled) allows(q *Request) bool {
	if !c.verbs.has(q.Verb) || !c.groups.has(q.Group) || !c.names.has(q.Name) {
		return false
	}
	for i := range c.resources {
		if c.resources[i].has(q.Resource, q.Subresource) {
			return true
		}
	}
	return false
}

// serves reports whether a rule names a path that is no resource: exactly, or by
// a "*" at its end.
func (c *compiled) serves(path string) bool {
	for _, url := range c.NonResourceURLs {
		if url == path || strings.HasSuffix(url, "*") && strings.HasPrefix(path, strings.TrimRight(url, "*")) {
			return true
		}
	}
	return false
}

// aggregate fills the rules of roles that are made of others, as the cluster's
// controller does. Rules that an API server served stand as they are, since it
// decides by them; what the controller would change is said.
func (w *World) aggregate() {
	var cluster []*Role
	for _, r := range w.roles {
		if r.Namespace == "" {
			cluster = append(cluster, r)
		}
	}
	slices.SortFunc(cluster, func(a, b *Role) int { return a.compare(b.Ref) })
	// The controller runs whenever a role changes, so that roles made of roles
	// that are made of others settle after as many turns as they are deep.
	for range len(cluster) {
		changed := false
		for _, r := range cluster {
			if len(r.Aggregates) == 0 || r.Unread != "" || r.Served {
				continue
			}
			if rules, why := gather(r, cluster); why != "" {
				r.Unread, changed = why, true
			} else if !sameRules(rules, r.Rules) {
				r.Rules, changed = rules, true
			}
		}
		if !changed {
			break
		}
	}
	if why := w.missing("ClusterRole", ""); why != "" {
		for _, r := range cluster {
			if len(r.Aggregates) > 0 && !r.Served && r.Unread == "" {
				r.Unread = "it may be made of more roles than were read: " + why
			}
		}
	}
	for _, r := range cluster {
		if len(r.Aggregates) == 0 || !r.Served || r.Unread != "" {
			continue
		}
		rules, why := gather(r, cluster)
		if why == "" && !sameRules(rules, r.Rules) {
			for i := range rules {
				if !slices.ContainsFunc(r.Rules, func(have Rule) bool { return sameRule(&have, &rules[i]) }) {
					r.lacks++
				}
			}
			w.problems = append(w.problems, Problem{r.Ref, "aggregationRule", fmt.Sprintf(
				"the rules are not what the roles it selects make together (%d of %d are missing): the server decides by the %d that are there until its controller has run", r.lacks, len(rules), len(r.Rules))})
		}
	}
}

// gather lists the rules of the roles that a role selects.
func gather(r *Role, cluster []*Role) (rules []Rule, unread string) {
	for i := range r.Aggregates {
		for _, from := range cluster {
			if from == r || !r.Aggregates[i].Matches(from.Labels) {
				continue
			}
			if from.Unread != "" {
				return nil, "it is made of " + from.Ref.String() + ", whose rules are not known: " + from.Unread
			}
			for k := range from.Rules {
				rule := from.Rules[k]
				if rule.from == (Ref{}) {
					rule.from, rule.place = from.Ref, k
				}
				if !slices.ContainsFunc(rules, func(have Rule) bool { return sameRule(&have, &rule) }) {
					rules = append(rules, rule)
				}
			}
		}
	}
	return rules, ""
}

func sameRules(a, b []Rule) bool {
	return slices.EqualFunc(a, b, func(x, y Rule) bool { return sameRule(&x, &y) })
}

func sameRule(a, b *Rule) bool {
	return slices.Equal(a.Verbs, b.Verbs) && slices.Equal(a.APIGroups, b.APIGroups) && slices.Equal(a.Resources, b.Resources) &&
		slices.Equal(a.ResourceNames, b.ResourceNames) && slices.Equal(a.NonResourceURLs, b.NonResourceURLs)
}
