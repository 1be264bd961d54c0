package access

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// Decides implements Evaluator.
func (*Clusters) Decides(action string) bool { return strings.HasPrefix(action, rbac.ActionPrefix) }

// Can implements Evaluator. The principal is a user, group or service account by
// its id, the user name of a service account, a pod, which asks as its account,
// or an IAM principal that an access entry or aws-auth lets in. Of the context
// only "groups" is known: all groups of a user.
func (c *Clusters) Can(ctx context.Context, q Question) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	all, err := c.requests(q)
	if err != nil {
		return Answer{}, err
	}
	groups, err := groupsIn(q)
	if err != nil {
		return Answer{}, err
	}
	who, err := c.who(q.Principal)
	if err != nil {
		return Answer{}, err
	}
	r, ok := all[who.cluster]
	if !ok {
		return Answer{}, &Asking{What: fmt.Sprintf("%s lies in cluster %s, the resource does not", q.Principal, who.cluster), Mend: "a principal has rights in his own cluster: name a resource there"}
	}
	if groups != nil {
		who.id.Groups, who.id.Open = append([]string{rbac.Authenticated}, groups...), false
	}
	a := c.byName[who.cluster].Decide(who.id, r)
	out := c.answer(who.cluster, &a, q.Explain)
	return out, nil
}

// WhoCan implements Evaluator.
func (c *Clusters) WhoCan(ctx context.Context, q Question) ([]Holder, error) {
	all, err := c.requests(q)
	if err != nil {
		return nil, err
	}
	out := []Holder{}
	for _, cluster := range c.names {
		r, ok := all[cluster]
		if !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		w := c.byName[cluster]
		list, unread := w.WhoCan(r)
		for i := range list {
			h := &list[i]
			out = append(out, c.holder(cluster, c.id(cluster, h.Subject), &h.Answer, q.Explain))
		}
		for _, p := range w.Principals() {
			if a := w.Decide(p.Identity(), r); a.Decision != rbac.Deny {
				out = append(out, c.holder(cluster, p.ID, &a, q.Explain))
			}
		}
		if why := c.unlet[cluster]; why != "" {
			unread = append(slices.Clip(unread), why)
		}
		if len(unread) > 0 {
			out = append(out, Holder{Principal: "k8s://" + cluster + "//*", Decision: iam.Unknown, Because: []Reason{}, Unknown: unread})
		}
	}
	slices.SortFunc(out, func(a, b Holder) int { return cmp.Compare(a.Principal, b.Principal) })
	return out, nil
}

func (c *Clusters) holder(cluster, id string, a *rbac.Answer, explain bool) Holder {
	x := c.answer(cluster, a, explain)
	h := Holder{Principal: id, Decision: x.Decision, Because: x.Because, Conditions: x.Conditions, Unknown: x.Unknown}
	if n, ok := c.snap.Find(id); ok {
		who := c.claims.who(n)
		h.Class, h.Owner = who.class, who.owner
	}
	return h
}

// decided turns a decision of one engine into that of the other: both have the
// same four.
func decided(d rbac.Decision) iam.Decision {
	switch d {
	case rbac.Allow:
		return iam.Allow
	case rbac.Conditional:
		return iam.Conditional
	case rbac.Deny:
		return iam.Deny
	}
	return iam.Unknown
}

func (c *Clusters) answer(cluster string, a *rbac.Answer, explain bool) Answer {
	out := Answer{Decision: decided(a.Decision), Because: c.reasons(cluster, a.Because, explain), Conditions: a.Conditions, Unknown: a.Unknown, Assumed: a.Assumed}
	if a.Witness != nil && a.Decision != rbac.Deny {
		out.Witness = map[string]any{}
		for k, v := range a.Witness {
			out.Witness[k] = v
		}
	}
	return out
}

func (c *Clusters) reasons(cluster string, list []rbac.Reason, explain bool) []Reason {
	out := []Reason{}
	for _, r := range list {
		if r.Rule < 0 {
			out = append(out, Reason{Policy: cmp.Or(r.Binding.Name, "k8s://"+cluster), Statement: r.Text, Effect: "Allow", Layer: "cluster"})
			continue
		}
		one := Reason{Policy: c.id(cluster, r.Binding), Statement: fmt.Sprintf("%s rule %d", c.id(cluster, r.Source), r.Rule), Effect: "Allow", Layer: "rbac"}
		if r.Binding == (rbac.Ref{}) {
			one.Policy = c.id(cluster, r.Role)
		}
		if explain {
			one.Text = c.text(cluster, r)
		}
		out = append(out, one)
	}
	return out
}

// text is a rule as it is written; empty if it is not at hand.
func (c *Clusters) text(cluster string, r rbac.Reason) string {
	n, ok := c.snap.Find(c.id(cluster, r.Source))
	if !ok {
		return ""
	}
	config, err := c.snap.Config(n)
	if err != nil {
		return ""
	}
	var role struct {
		Rules []json.RawMessage `json:"rules"`
	}
	if json.Unmarshal(config, &role) != nil || r.Rule >= len(role.Rules) {
		return ""
	}
	return string(role.Rules[r.Rule])
}

// groupsIn reads the groups of a question's context; nil if they are open.
func groupsIn(q Question) ([]string, error) {
	for key := range q.Context {
		if key != "groups" {
			return nil, &Asking{What: fmt.Sprintf("--context %s: rights in a cluster do not hang on it", key), Mend: "--context groups=NAME says which groups a user is in; it repeats, and groups= says none"}
		}
	}
	groups, ok := q.Context["groups"]
	if !ok {
		return nil, nil
	}
	return append([]string{}, groups...), nil
}

// requests reads action and resource of a question: a request for each cluster
// that it is about.
func (c *Clusters) requests(q Question) (map[string]rbac.Request, error) {
	r, err := rbac.ParseAction(q.Action)
	if err != nil {
		what, hint, _ := strings.Cut(err.Error(), " (hint: ")
		return nil, &Asking{What: what, Mend: cmp.Or(strings.TrimSuffix(hint, ")"), "actions are written k8s:VERB:GROUP/RESOURCE[/SUB]")}
	}
	if len(c.names) == 0 {
		return nil, &Asking{What: "no cluster was read", Mend: "--source kubernetes:CONTEXT, or dir:PATH with its objects"}
	}
	in := c.names
	switch {
	case r.Resource == "" || strings.HasPrefix(q.Resource, "/"):
		if r.Resource != "" || !strings.HasPrefix(q.Resource, "/") {
			return nil, &Asking{What: fmt.Sprintf("%q on %q: a path that is no resource is asked for as k8s:VERB: on /PATH", q.Action, q.Resource), Mend: "access can PRINCIPAL k8s:get: /metrics"}
		}
		r.Path = q.Resource
	case q.Resource == "*":
		r.Namespace, r.Name = "*", "*"
	default:
		cluster, err := c.place(q, &r)
		if err != nil {
			return nil, err
		}
		in = []string{cluster}
	}
	bare(&r)
	out := map[string]rbac.Request{}
	for _, name := range in {
		out[name] = r
	}
	return out, nil
}

// bare takes the name off requests that bear none: what is being made has none
// yet, and a collection is deleted as a whole. What is done to a namespace is
// done in it.
func bare(r *rbac.Request) {
	if r.Verb == "deletecollection" || r.Verb == "create" && r.Subresource == "" {
		r.Name = ""
	}
	if r.Group == "" && r.Resource == "namespaces" {
		r.Namespace = r.Name
	}
}

// place reads a resource's id into a request: k8s://CLUSTER/NS/KIND[.GROUP]/NAME,
// where KIND may be the plural, and NAME and what follows NS may be left out for
// all of them.
func (c *Clusters) place(q Question, r *rbac.Request) (string, error) {
	rest, ok := strings.CutPrefix(q.Resource, "k8s://")
	parts := strings.SplitN(rest, "/", 4)
	if !ok || len(parts) < 2 {
		return "", &Asking{What: fmt.Sprintf("%q is no id of something in a cluster", q.Resource), Mend: `k8s://CLUSTER/NAMESPACE/KIND/NAME, as inventory prints it, or "*"`}
	}
	if c.byName[parts[0]] == nil {
		return "", &Asking{What: fmt.Sprintf("no cluster is called %q", parts[0]), Mend: "there is " + strings.Join(c.names, ", ")}
	}
	r.Namespace, r.Name = parts[1], "*"
	if len(parts) > 2 && parts[2] != "*" {
		if err := c.agree(parts[0], parts[2], q, r); err != nil {
			return "", err
		}
	}
	if len(parts) == 4 {
		r.Name = parts[3]
	} else if r.Verb == "list" || r.Verb == "watch" {
		r.Name = ""
	}
	return parts[0], nil
}

// agree holds the kind in an id to the resource in the action: they say the same
// thing twice.
func (c *Clusters) agree(cluster, kind string, q Question, r *rbac.Request) error {
	name, group, custom := strings.Cut(kind, ".")
	if strings.Contains(r.Resource, "*") || name == r.Resource && (!custom || group == r.Group) {
		return nil
	}
	known := plural(name)
	if p := c.plurals[[3]string{cluster, r.Group, name}]; p != "" {
		known = p
	}
	if known == r.Resource && (!custom || group == r.Group) {
		return nil
	}
	asked := *r
	asked.Resource = known
	if custom {
		asked.Group = group
	}
	return &Asking{What: fmt.Sprintf("%q is about %s, the resource %s is one of %s", q.Action, r.Resource, q.Resource, known), Mend: "did you mean " + asked.Action() + "?"}
}

// asker is the principal of a question.
type asker struct {
	cluster string
	id      rbac.Identity
	// account is the service account that he is or runs as; zero for others.
	account rbac.Ref
}

// who finds the principal of a question.
func (c *Clusters) who(name string) (asker, error) {
	if len(c.names) == 1 && strings.HasPrefix(name, "system:serviceaccount:") {
		r := userOf(name)
		return asker{cluster: c.names[0], id: rbac.IdentityOf(r), account: r}, nil
	}
	if cluster, r, ok := ref(name); ok && c.byName[cluster] != nil {
		if x, ok := c.known(cluster, r); ok {
			return x, nil
		}
		return asker{}, &Asking{What: fmt.Sprintf("%s is nobody who makes requests", name), Mend: "a User, Group, ServiceAccount or Pod"}
	}
	var found []asker
	var ids, all []string
	note := func(id string, x asker) {
		all = append(all, id)
		if rest, ok := strings.CutSuffix(id, name); ok && (rest == "" || strings.HasSuffix(rest, "/")) {
			found, ids = append(found, x), append(ids, id)
		}
	}
	for _, cluster := range c.names {
		w := c.byName[cluster]
		seen := map[rbac.Ref]bool{}
		for _, r := range slices.Concat(w.Subjects(), w.Accounts()) {
			if x, ok := c.known(cluster, r); ok && !seen[r] {
				seen[r] = true
				note(c.id(cluster, r), x)
			}
		}
		for _, p := range w.Principals() {
			note(p.ID, asker{cluster: cluster, id: p.Identity()})
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := "k8s://CLUSTER//User/NAME asks about a user whom no binding names"
		if like := near(name, all); len(like) > 0 {
			hint = "did you mean " + strings.Join(like, ", ") + "? " + hint
		}
		return asker{}, &Asking{What: fmt.Sprintf("nobody in a cluster is called %q", name), Mend: hint}
	}
	slices.Sort(ids)
	if len(ids) > 20 {
		ids = append(ids[:20], fmt.Sprintf("and %d more", len(ids)-20))
	}
	return asker{}, &Asking{What: fmt.Sprintf("%d principals are called %q: %s", len(found), name, strings.Join(ids, ", ")), Mend: "give the whole id"}
}

// userOf is the subject that a user name stands for.
func userOf(name string) rbac.Ref {
	if parts := strings.SplitN(name, ":", 4); len(parts) == 4 && parts[0] == "system" && parts[1] == "serviceaccount" {
		return rbac.Ref{Kind: rbac.KindAccount, Namespace: parts[2], Name: parts[3]}
	}
	return rbac.Ref{Kind: rbac.KindUser, Name: name}
}

// known is who a subject is, or a pod's account.
func (c *Clusters) known(cluster string, r rbac.Ref) (asker, bool) {
	switch r.Kind {
	case rbac.KindUser:
		of, x := userOf(r.Name), asker{cluster: cluster}
		if x.id = rbac.IdentityOf(of); of.Kind == rbac.KindAccount {
			x.account = of
		}
		return x, true
	case rbac.KindAccount:
		return asker{cluster: cluster, id: rbac.IdentityOf(r), account: r}, true
	case rbac.KindGroup, rbac.KindNode:
		return asker{cluster: cluster, id: rbac.IdentityOf(r)}, true
	case rbac.KindPod:
		if account, ok := c.byName[cluster].AccountOf(r); ok {
			return asker{cluster: cluster, id: rbac.IdentityOf(account), account: account}, true
		}
	}
	return asker{}, false
}

// Escalations lists the ways by which those who are no administrators of a
// cluster can become more, over identities, pods, nodes and clouds. The options
// name principals as the engine does.
func (c *Clusters) Escalations(ctx context.Context, o rbac.Options) ([]ClusterWay, error) {
	var out []ClusterWay
	for _, cluster := range c.names {
		w := c.byName[cluster]
		from := o.From
		if len(from) == 0 {
			from = w.Starts(o)
		}
		for _, start := range from {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			one := o
			one.From = []rbac.Ref{start}
			for _, e := range w.Escalations(one) {
				out = append(out, c.way(cluster, &e))
			}
		}
	}
	return out, nil
}

func (c *Clusters) way(cluster string, e *rbac.Escalation) ClusterWay {
	out := ClusterWay{Principal: c.id(cluster, e.Principal), Target: c.id(cluster, e.Target), Technique: e.Technique, Decision: decided(e.Decision), Why: e.Why}
	for i := range e.Path {
		out.Path = append(out.Path, c.step(cluster, &e.Path[i]))
	}
	return out
}

func (c *Clusters) step(cluster string, s *rbac.Step) ClusterStep {
	return ClusterStep{From: c.id(cluster, s.From), To: c.id(cluster, s.To), Technique: s.Technique, Decision: decided(s.Decision), Actions: s.Actions, Because: c.reasons(cluster, s.Because, false), Why: s.Why}
}

// Edges lists what pods and service accounts lead to by themselves, by id: pod to
// service account, pod to node, service account to role.
func (c *Clusters) Edges() []ClusterStep {
	var out []ClusterStep
	for _, cluster := range c.names {
		for _, e := range c.byName[cluster].Edges() {
			out = append(out, c.step(cluster, &e.Step))
		}
	}
	return out
}
