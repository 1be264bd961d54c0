package access

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// maxNamed is how many objects a rule names one by one; beyond it the rule is for
// all of the kind, where that is allowed today.
const maxNamed = 40

// Rightsize proposes a Role for each namespace, and a ClusterRole for the rest, that
// let an identity do what audit events show it do. Other identities of the same
// role keep theirs. The error is an *Asking if it names nobody.
func (c *Clusters) Rightsize(ctx context.Context, name string, z Sizer) (*Sized, error) {
	who, err := c.who(name)
	if err != nil {
		return nil, err
	}
	w := c.byName[who.cluster]
	user := userOf(who.id.User)
	out := &Sized{Principal: c.id(who.cluster, user), Observed: z.Usage.Observed(who.cluster), Policies: []json.RawMessage{}, Names: []string{}, Unseen: []Hidden{}, Wide: []string{},
		Refused: []string{}, Elsewhere: []string{}, Denied: map[string]int{}, Unmapped: map[string]int{}, Lost: []string{}, Problems: []string{}, Stages: []Stage{}, Files: map[string]json.RawMessage{}, Sources: []string{}}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if user.Kind == rbac.KindGroup || who.id.User == "" {
		return nil, &Asking{What: out.Principal + " is a group: what its members do is not told apart from what they may by themselves", Mend: "name a service account or a user"}
	}
	did := z.Usage.by[who.cluster+"\x00"+who.id.User]
	switch {
	case z.Usage.Empty():
		return out.unknown("no log shows an event: --source events:PATH,cluster=NAME reads audit events of Kubernetes"), nil
	case did == nil || len(did.actions) == 0:
		return out.unknown(fmt.Sprintf("no audit event shows a call of %s in cluster %s: one that is not used at all is not made smaller but removed, see sevenfold access unused", who.id.User, who.cluster)), nil
	}
	out.Denied, out.Unmapped = copied(did.refused), copied(did.unmapped)
	s := &roleSizer{w: w, id: who.id, rules: map[string]map[string]*rbac.Rule{}, user: user}
	for _, action := range ordered(did.actions) {
		d := did.actions[action]
		out.Calls += d.count
		q, err := rbac.ParseAction(action)
		if err != nil {
			out.Unmapped[action] += d.count
			continue
		}
		s.lay(q, ordered(d.resources))
	}
	out.Different, out.Seen = len(s.calls)+len(s.refused), len(s.calls)
	out.Refused = append(out.Refused, s.refused...)
	s.write(out)
	s.prove(out)
	c.roleStages(who.cluster, user, z, out)
	return out, nil
}

// roleSizer makes roles of calls.
type roleSizer struct {
	w       *rbac.World
	id      rbac.Identity
	user    rbac.Ref
	calls   []rbac.Request
	refused []string
	rules   map[string]map[string]*rbac.Rule // by namespace and what they are for
}

// nameless are verbs whose requests bear no name.
var nameless = []string{"create", "list", "watch", "deletecollection"}

// lay takes the calls of one action.
func (s *roleSizer) lay(q rbac.Request, on []string) {
	byNamespace := map[string][]string{}
	seen := map[rbac.Request]bool{}
	for _, r := range on {
		one := q
		one.Namespace, one.Name, _ = strings.Cut(r, "/")
		if q.Subresource == "" && (q.Verb == "create" || q.Verb == "deletecollection") {
			one.Name = "" // it stands in the body, which the authorizer does not see
		}
		one.Literal = true
		if seen[one] {
			continue
		}
		seen[one] = true
		if s.w.Decide(s.id, one).Decision != rbac.Allow {
			s.refused = append(s.refused, one.Action()+" "+r)
			continue
		}
		s.calls = append(s.calls, one)
		byNamespace[one.Namespace] = append(byNamespace[one.Namespace], one.Name)
	}
	for namespace, names := range byNamespace {
		s.rule(q, namespace, names)
	}
}

func (s *roleSizer) rule(q rbac.Request, namespace string, names []string) {
	slices.Sort(names)
	names = slices.Compact(names)
	resource := q.Resource
	if q.Subresource != "" {
		resource += "/" + q.Subresource
	}
	if len(names) > maxNamed {
		all := q
		all.Namespace, all.Name = namespace, "*"
		if s.w.Decide(s.id, all).Decision == rbac.Allow {
			names = nil
		}
	}
	if slices.Contains(names, "") {
		names = nil // a rule with names does not cover a request without one
	}
	if s.rules[namespace] == nil {
		s.rules[namespace] = map[string]*rbac.Rule{}
	}
	key := q.Group + "\x00" + resource + "\x00" + strings.Join(names, "\x00")
	r := s.rules[namespace][key]
	if r == nil {
		r = &rbac.Rule{APIGroups: []string{q.Group}, Resources: []string{resource}, ResourceNames: names}
		s.rules[namespace][key] = r
	}
	if !slices.Contains(r.Verbs, q.Verb) {
		r.Verbs = append(r.Verbs, q.Verb)
	}
}

type objectMeta struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type roleRule struct {
	APIGroups     []string `json:"apiGroups"`
	Resources     []string `json:"resources"`
	ResourceNames []string `json:"resourceNames,omitempty"`
	Verbs         []string `json:"verbs"`
}

type roleObject struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	Metadata   objectMeta `json:"metadata"`
	Rules      []roleRule `json:"rules"`
}

type roleSubject struct {
	Kind      string `json:"kind"`
	APIGroup  string `json:"apiGroup,omitempty"`
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
}

type bindingObject struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Metadata   objectMeta    `json:"metadata"`
	RoleRef    roleRefObject `json:"roleRef"`
	Subjects   []roleSubject `json:"subjects"`
}

type roleRefObject struct {
	APIGroup string `json:"apiGroup"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
}

// write makes the objects.
func (s *roleSizer) write(out *Sized) {
	subject := roleSubject{Kind: s.user.Kind, Name: s.user.Name, Namespace: s.user.Namespace}
	if s.user.Kind != rbac.KindAccount {
		subject.APIGroup = rbac.Group
	}
	name := "sevenfold-" + strings.ToLower(strings.NewReplacer(":", "-", "@", "-", "/", "-", " ", "-").Replace(s.user.Name))
	if s.user.Namespace != "" {
		name = "sevenfold-" + s.user.Namespace + "-" + s.user.Name
	}
	for _, namespace := range ordered(s.rules) {
		kind := "Role"
		if namespace == "" {
			kind = "ClusterRole"
		}
		role := roleObject{APIVersion: rbac.Group + "/v1", Kind: kind, Metadata: objectMeta{Name: name, Namespace: namespace}}
		for _, key := range ordered(s.rules[namespace]) {
			r := s.rules[namespace][key]
			slices.Sort(r.Verbs)
			role.Rules = append(role.Rules, roleRule{r.APIGroups, r.Resources, r.ResourceNames, r.Verbs})
		}
		role.Rules = mergedRules(role.Rules)
		binding := bindingObject{APIVersion: rbac.Group + "/v1", Kind: kind + "Binding", Metadata: objectMeta{Name: name, Namespace: namespace},
			RoleRef: roleRefObject{rbac.Group, kind, name}, Subjects: []roleSubject{subject}}
		for _, o := range []any{role, binding} {
			text, err := json.Marshal(o)
			if err != nil {
				out.Problems = append(out.Problems, err.Error())
				continue
			}
			out.Policies = append(out.Policies, text)
		}
		out.Names = append(out.Names, kind+" "+cmp.Or(namespace, "*")+"/"+name)
	}
}

// mergedRules puts rules of one group, verbs and names together.
func mergedRules(rules []roleRule) (out []roleRule) {
	for _, r := range rules {
		i := slices.IndexFunc(out, func(o roleRule) bool {
			return slices.Equal(o.APIGroups, r.APIGroups) && slices.Equal(o.Verbs, r.Verbs) && len(o.ResourceNames) == 0 && len(r.ResourceNames) == 0
		})
		if i < 0 {
			out = append(out, r)
			continue
		}
		out[i].Resources = append(slices.Clone(out[i].Resources), r.Resources...)
	}
	return out
}

// prove decides each call by the objects alone, and each rule by today's world.
func (s *roleSizer) prove(out *Sized) {
	after := rbac.NewWorld()
	for _, kind := range []string{"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} {
		after.Read(kind, "")
	}
	for _, text := range out.Policies {
		var o struct{ Kind string }
		err := json.Unmarshal(text, &o)
		if err == nil {
			err = after.AddObject(rbac.Group, o.Kind, text)
		}
		if err != nil {
			out.Problems = append(out.Problems, err.Error())
		}
	}
	after.Seal()
	for _, q := range s.calls {
		if after.Decide(s.id, q).Decision == rbac.Allow {
			out.Kept++
			continue
		}
		out.Lost = append(out.Lost, q.Action()+" "+q.Namespace+"/"+q.Name)
	}
	out.Broader = s.broader()
	out.Decision = "proved"
	if len(out.Lost) > 0 {
		out.Problems = append(out.Problems, fmt.Sprintf("%d calls would be refused", len(out.Lost)))
	}
	if out.Broader != "no" {
		out.Problems = append(out.Problems, "whether it allows more than today: "+out.Broader)
	}
	if len(out.Problems) > 0 {
		out.Decision = "refused"
	}
	if out.Observed.Lacks != "" {
		out.Problems = append(out.Problems, out.Observed.Lacks+": what is used more seldom than that is not in the proposal")
	}
	out.Problems = append(out.Problems, "what the cluster's audit policy leaves out is not in the proposal: it does not stand in the cluster's objects")
}

// broader asks of every rule whether today's roles allow all of it.
func (s *roleSizer) broader() string {
	worst := "no"
	for namespace, rules := range s.rules {
		for _, r := range rules {
			for _, q := range requestsOf(r, namespace) {
				switch s.w.Decide(s.id, q).Decision {
				case rbac.Allow:
				case rbac.Unknown:
					if worst == "no" {
						worst = "unknown"
					}
				default:
					return "yes"
				}
			}
		}
	}
	return worst
}

// requestsOf are the requests that a rule allows, as patterns. A rule of a
// ClusterRole is for all namespaces.
func requestsOf(r *rbac.Rule, namespace string) (out []rbac.Request) {
	names := r.ResourceNames
	if len(names) == 0 {
		names = []string{"*"}
	}
	for _, verb := range r.Verbs {
		for _, full := range r.Resources {
			resource, sub, _ := strings.Cut(full, "/")
			for _, name := range names {
				q := rbac.Request{Verb: verb, Group: r.APIGroups[0], Resource: resource, Subresource: sub, Namespace: cmp.Or(namespace, "*"), Name: name}
				if slices.Contains(nameless, verb) && name == "*" {
					q.Name = ""
				}
				out = append(out, q)
			}
		}
	}
	return out
}

// roleStages are the commands. RBAC refuses nothing, so that the first stage makes
// the new role beside the old, and only the second takes away.
func (c *Clusters) roleStages(cluster string, user rbac.Ref, z Sizer, out *Sized) {
	if out.Decision != "proved" {
		return
	}
	due := day(z.Usage.To.AddDate(0, 0, z.After))
	file := "sevenfold-" + strings.Map(func(r rune) rune {
		if r == '/' || r == ':' || r == ' ' {
			return '-'
		}
		return r
	}, strings.TrimPrefix(user.Namespace+"-"+user.Name, "-")) + ".json"
	list, err := json.Marshal(struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}{"v1", "List", out.Policies})
	if err != nil {
		return
	}
	out.Files[file] = list
	first := Stage{Name: "schedule", When: "now", Commands: []string{"kubectl apply -f " + word(file)}, Cancel: []string{"kubectl delete -f " + word(file)},
		Notes: []string{"RBAC has no refusal: nothing is taken away before the second stage"}}
	second := Stage{Name: "remove", When: "on " + due, Check: []string{"sevenfold access rightsize " + word(out.Principal) + fmt.Sprintf(" --window %dd   (lost must be 0 with the calls of those days too)", max(1, z.After))}}
	reason := cmp.Or(z.Reason, "not used from "+day(out.Observed.From)+" to "+day(out.Observed.To))
	for _, b := range c.bindingsOf(cluster, user) {
		out.Sources = append(out.Sources, b.id)
		at := ""
		if b.namespace != "" {
			at = "-n " + word(b.namespace) + " "
		}
		kind := strings.ToLower(b.kind)
		if b.subjects > 1 {
			second.Notes = append(second.Notes, fmt.Sprintf("%s binds %d others too: take only this subject out of it (kubectl %sedit %s %s)", b.id, b.subjects-1, at, kind, word(b.name)))
			continue
		}
		backup := "before-" + kind + "-" + b.namespace + "-" + b.name + ".json"
		out.Files[backup] = b.text
		first.Commands = append(first.Commands, "kubectl "+at+"annotate "+kind+" "+word(b.name)+" "+word("sevenfold/removal="+due)+" "+word("sevenfold/reason="+reason))
		first.Cancel = append(first.Cancel, "kubectl "+at+"annotate "+kind+" "+word(b.name)+" sevenfold/removal- sevenfold/reason-")
		second.Commands = append(second.Commands, "kubectl "+at+"delete "+kind+" "+word(b.name))
		second.Cancel = append(second.Cancel, "kubectl apply -f "+word(backup))
	}
	out.Stages = []Stage{first, second}
}

// boundBy is a binding that names a subject.
type boundBy struct {
	id, kind, namespace, name string
	subjects                  int
	text                      json.RawMessage
}

// bindingsOf lists the bindings that name a subject itself.
func (c *Clusters) bindingsOf(cluster string, user rbac.Ref) (out []boundBy) {
	for n, a := range c.snap.Assets() {
		group, kind := groupKind(a.Type)
		if a.Account != cluster || a.Referenced || group != rbac.Group || kind != "RoleBinding" && kind != "ClusterRoleBinding" {
			continue
		}
		config, err := c.snap.Config(n)
		if err != nil {
			continue
		}
		var b bindingObject
		if json.Unmarshal(config, &b) != nil {
			continue
		}
		if slices.ContainsFunc(b.Subjects, func(s roleSubject) bool {
			return s.Kind == user.Kind && s.Name == user.Name && (user.Kind != rbac.KindAccount || cmp.Or(s.Namespace, a.Region) == user.Namespace)
		}) {
			out = append(out, boundBy{a.ID, kind, a.Region, a.Name, len(b.Subjects), config})
		}
	}
	return out
}

// decodeBinding reads which role a binding gives.
func decodeBinding(text json.RawMessage) (rbac.Ref, bool) {
	var b bindingObject
	if json.Unmarshal(text, &b) != nil || b.RoleRef.Name == "" {
		return rbac.Ref{}, false
	}
	return rbac.Ref{Kind: b.RoleRef.Kind, Name: b.RoleRef.Name}, true
}

// decodeRules reads the rules of a role; those for paths that are no resource are
// left out.
func decodeRules(text json.RawMessage) (out []rbac.Rule) {
	var r roleObject
	if json.Unmarshal(text, &r) != nil {
		return nil
	}
	for _, one := range r.Rules {
		out = append(out, rbac.Rule{Verbs: one.Verbs, APIGroups: one.APIGroups, Resources: one.Resources, ResourceNames: one.ResourceNames})
	}
	return out
}
