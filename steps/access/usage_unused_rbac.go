package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// use says of a service account or user what of its roles' rules is used.
func (c *Clusters) use(id string, u *Usage) (got IdentityUse, cluster string, ok bool) {
	cluster, r, ok := ref(id)
	w := c.byName[cluster]
	if !ok || w == nil || r.Kind != rbac.KindAccount && r.Kind != rbac.KindUser {
		return got, "", false
	}
	who := rbac.IdentityOf(r)
	observed := u.Observed(cluster)
	did := u.by[cluster+"\x00"+who.User]
	got = IdentityUse{ID: id, Workloads: []string{}, Grants: []GrantUse{}}
	switch {
	case did != nil && !did.last.IsZero():
		got.Status, got.LastUsed = UseUsed, did.last
	case observed.Lacks != "":
		got.Status, got.Why = UseUnknown, observed.Lacks
	default:
		got.Status, got.Why = UseUnknown, "no audit event shows it, and what the cluster's audit policy leaves out is not known"
	}
	if did == nil {
		did = &caller{}
	}
	for _, b := range c.bindingsOf(cluster, r) {
		for i, rule := range c.rulesOf(cluster, b) {
			got.Grants = append(got.Grants, ruleUse(b, i, rule, did, observed, u.Seen[cluster]))
		}
	}
	return got, cluster, true
}

// rulesOf are the rules of the role that a binding gives.
func (c *Clusters) rulesOf(cluster string, b boundBy) []rbac.Rule {
	role, ok := decodeBinding(b.text)
	if !ok {
		return nil
	}
	namespace := b.namespace
	if role.Kind == "ClusterRole" {
		namespace = ""
	}
	n, ok := c.snap.Find(c.id(cluster, rbac.Ref{Kind: role.Kind, Namespace: namespace, Name: role.Name}))
	if !ok {
		return nil
	}
	config, err := c.snap.Config(n)
	if err != nil {
		return nil
	}
	return decodeRules(config)
}

// ruleUse says of each verb and resource of a rule whether it was called. An
// audit policy cannot be read from a cluster: where nobody was seen to make a call
// of the kind, it may not be logged.
func ruleUse(b boundBy, index int, rule rbac.Rule, did *caller, observed Observed, seen *Observation) GrantUse {
	out := GrantUse{Policy: b.id, Statement: fmt.Sprintf("rule %d", index), Used: []ActionUse{}, Unused: []Share{}, Unknown: []Share{}, Resources: []ResourceUse{}}
	unused, unknown := shares{}, shares{}
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				out.Granted++
				action := "k8s:" + verb + ":" + group + "/" + resource
				use, ok := called(did, b.namespace, group, resource, verb, rule.ResourceNames)
				switch {
				case ok:
					use.Action = action
					out.Used = append(out.Used, use)
				case observed.Lacks != "":
					unknown.put(group+"/"+resource, observed.Lacks, action)
				case seen == nil || !anybody(seen, group, resource, verb):
					unknown.put(group+"/"+resource, "nobody was seen to make such a call: the audit policy may leave it out", action)
				default:
					unused.put(group+"/"+resource, "no audit event shows it", action)
				}
			}
		}
	}
	out.Unused, out.Unknown = unused.list(), unknown.list()
	out.Status = statusOf(len(out.Used), len(out.Unused), len(out.Unknown))
	return out
}

// called finds a call that a verb and resource of a rule allow.
func called(did *caller, namespace, group, resource, verb string, names []string) (use ActionUse, ok bool) {
	for action, d := range did.actions {
		if !ruleNames(action, group, resource, verb) {
			continue
		}
		for on := range d.resources {
			ns, name, _ := strings.Cut(on, "/")
			if namespace != "" && ns != namespace || len(names) > 0 && !slices.Contains(names, name) {
				continue
			}
			if !ok || d.last.After(use.Last) {
				use = ActionUse{Last: d.last, Count: use.Count + d.count, Event: d.event, From: "log"}
			}
			ok = true
			break
		}
	}
	return use, ok
}

// ruleNames reports whether a verb and resource of a rule name an action.
func ruleNames(action, group, resource, verb string) bool {
	q, err := rbac.ParseAction(action)
	if err != nil {
		return false
	}
	full := q.Resource
	if q.Subresource != "" {
		full += "/" + q.Subresource
	}
	return (verb == "*" || verb == q.Verb) && (group == "*" || group == q.Group) &&
		(resource == "*" || resource == full || strings.HasPrefix(resource, "*/") && q.Subresource == resource[2:])
}

// anybody reports whether some call of a kind was logged, of whoever.
func anybody(seen *Observation, group, resource, verb string) bool {
	for action := range seen.verbs {
		if ruleNames(action, group, resource, verb) {
			return true
		}
	}
	return false
}
