package rbac

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Decision on a request.
type Decision uint8

// The four answers.
const (
	// Unknown: it hangs on something that was not read or not understood.
	Unknown Decision = iota
	// Deny: no completion of the request is allowed.
	Deny
	// Conditional: some completions are allowed and some are not.
	Conditional
	// Allow: every completion is allowed.
	Allow
)

// String is the decision as answers spell it.
func (d Decision) String() string {
	return [...]string{"unknown", "deny", "conditional", "allow"}[d]
}

// MarshalText is String.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Identity is who makes a request.
type Identity struct {
	// User is the user name; that of a service account is
	// system:serviceaccount:NAMESPACE:NAME.
	User   string
	Groups []string
	// Open says that he may be in further groups, which only the authenticator of
	// the cluster knows. Groups of the system (system:…) are not among them.
	Open bool
}

// IdentityOf is the identity of a subject as requests bear it: a service account
// with its groups; a user, whose groups are open; somebody of a group, who is
// asked about as a member of that alone.
func IdentityOf(s Ref) Identity {
	switch s.Kind {
	case KindAccount:
		return Identity{User: accountPrefix + s.Namespace + ":" + s.Name, Groups: []string{Accounts, Accounts + ":" + s.Namespace, Authenticated}}
	case KindNode:
		return Identity{User: nodePrefix + s.Name, Groups: []string{Nodes, Authenticated}}
	case KindGroup:
		if s.Name == Authenticated || s.Name == Unauthenticated {
			return Identity{Groups: []string{s.Name}}
		}
		return Identity{Groups: []string{s.Name, Authenticated}}
	}
	if s.Name == anonymous {
		return Identity{User: s.Name, Groups: []string{Unauthenticated}}
	}
	return Identity{User: s.Name, Groups: []string{Authenticated}, Open: !strings.HasPrefix(s.Name, "system:")}
}

// Identity is that of a principal from outside.
func (p *Principal) Identity() Identity {
	groups := append([]string{Authenticated}, p.Groups...)
	return Identity{User: p.User, Groups: groups}
}

// Request asks whether somebody may do something. Any part may hold "*", which
// stands for any text, unless Literal is set.
type Request struct {
	// Verb as RBAC spells it: get, list, create, impersonate and so on.
	Verb string
	// Group is the API group, "" the core's; Resource the plural name without the
	// subresource.
	Group, Resource, Subresource string
	// Namespace of the request, "" for what lies in none and for requests over
	// all namespaces; Name of the object, "" where a request bears none (create,
	// deletecollection, list).
	Namespace, Name string
	// Path asks about a path that is no resource ("/metrics"); then of the others
	// only Verb counts.
	Path string
	// Literal says that a "*" stands for itself.
	Literal bool
}

func (q *Request) open() bool {
	return !q.Literal && (strings.Contains(q.Verb, "*") || strings.Contains(q.Group, "*") || strings.Contains(q.Resource, "*") ||
		strings.Contains(q.Subresource, "*") || strings.Contains(q.Namespace, "*") || strings.Contains(q.Name, "*") || strings.Contains(q.Path, "*"))
}

// Reason is a rule that decides.
type Reason struct {
	// Binding gives Role to Subject. All are empty where no object decides, as for
	// system:masters.
	Binding Ref `json:"binding"`
	Role    Ref `json:"role"`
	Subject Ref `json:"subject"`
	// Rule is the rule's number in Source, which is Role, or the role that Role
	// has it from by aggregation; -1 where no rule decides.
	Rule   int `json:"rule"`
	Source Ref `json:"source"`
	// Text says it in words where no rule decides.
	Text string `json:"text,omitempty"`
}

// String is the reason in one line.
func (r Reason) String() string {
	if r.Text != "" {
		return r.Text
	}
	s := fmt.Sprintf("%s gives %s to %s: rule %d", r.Binding, r.Role, r.Subject, r.Rule)
	if r.Source != r.Role {
		s += " of " + r.Source.String()
	}
	return s
}

// Answer to a request, with what decided it.
type Answer struct {
	Decision Decision `json:"decision"`
	// Because names the rules that allow, those of the witness first.
	Because []Reason `json:"because"`
	// Conditions say what a conditional answer hangs on.
	Conditions []string `json:"conditions,omitempty"`
	// Witness is a completion that is allowed, by the parts that were open: verb,
	// group, resource, subresource, namespace, name, and groups of the user.
	Witness map[string]string `json:"witness,omitempty"`
	// Refused is a completion that is not, of a conditional answer.
	Refused map[string]string `json:"refused,omitempty"`
	// Unknown says what the answer hangs on if it is Unknown.
	Unknown []string `json:"unknown,omitempty"`
	// Assumed says what the answer takes for granted that cannot be read from
	// the objects of a cluster.
	Assumed []string `json:"assumed,omitempty"`
}

// Assumptions that answers name.
const (
	otherAuthorizers = "RBAC alone was asked: what a webhook authorizer or the provider's own allows besides is not in the cluster's objects"
	nodeAuthorizer   = "the node authorizer decides for kubelets as well, by what runs on them"
)

// Who is an identity made ready for many questions.
type Who struct {
	Identity
	masters, kubelet bool
	lists            []held
}

// held is what one name of an identity is given.
type held struct {
	subject Ref
	grants  []*grant
}

// Who prepares an identity.
func (w *World) Who(id Identity) *Who {
	who := &Who{Identity: id}
	add := func(s Ref) {
		if grants := w.holders[s]; len(grants) > 0 {
			who.lists = append(who.lists, held{s, grants})
		}
	}
	if id.User != "" {
		add(subject(KindUser, "", id.User))
	}
	groups := slices.Clone(id.Groups)
	slices.Sort(groups)
	for _, g := range slices.Compact(groups) {
		add(Ref{Kind: KindGroup, Name: g})
		who.masters = who.masters || g == Masters
		who.kubelet = who.kubelet || g == Nodes
	}
	return who
}

// Allows decides a request without open parts for an identity whose groups are
// all known, by what was read, as the API server does. It allocates nothing.
func (w *World) Allows(who *Who, q *Request) bool {
	if who.masters {
		return true
	}
	for i := range who.lists {
		for _, g := range who.lists[i].grants {
			if g.reaches(q.Namespace) && (q.Path == "" || g.namespace == "") && g.role.allows(q) >= 0 {
				return true
			}
		}
	}
	return false
}

// Decide answers a request of an identity.
func (w *World) Decide(id Identity, q Request) Answer { return w.DecideFor(w.Who(id), q) }

// DecideFor is Decide for an identity that was made ready.
func (w *World) DecideFor(who *Who, q Request) Answer {
	if who.masters {
		return Answer{Decision: Allow, Because: []Reason{{Rule: -1, Subject: Ref{Kind: KindGroup, Name: Masters}, Text: "members of system:masters may do everything, whatever roles say"}}}
	}
	a := Answer{Assumed: []string{otherAuthorizers}}
	if q.open() {
		w.decideOpen(who, &q, &a)
	} else {
		w.decideClosed(who, &q, &a)
	}
	if a.Decision == Allow {
		return a
	}
	a.Unknown = w.unknowns(who, &q)
	if a.Decision == Deny && len(a.Unknown) == 0 && who.Open {
		w.decideGroups(&q, &a)
	}
	if len(a.Unknown) == 0 && who.kubelet && w.NodeAuthorizer && q.Path == "" {
		a.Unknown = append(a.Unknown, nodeAuthorizer)
	}
	if len(a.Unknown) > 0 {
		a.Decision = Unknown
	}
	return a
}

// decideClosed looks for the rules that allow a request.
func (w *World) decideClosed(who *Who, q *Request, a *Answer) {
	a.Decision = Deny
	for i := range who.lists {
		for _, g := range who.lists[i].grants {
			if !g.reaches(q.Namespace) || q.Path != "" && g.namespace != "" {
				continue
			}
			if n := g.role.allows(q); n >= 0 {
				a.Decision = Allow
				a.Because = append(a.Because, g.reason(who.lists[i].subject, n))
			}
		}
	}
}

func (g *grant) reason(s Ref, n int) Reason {
	r := Reason{Role: g.role.Ref, Subject: s, Rule: g.role.index.rules[n].place, Source: g.role.index.rules[n].from}
	if g.binding != nil {
		r.Binding = g.binding.Ref
	}
	return r
}

// decideGroups looks for groups in which somebody whose groups are open would be
// allowed what he asks.
func (w *World) decideGroups(q *Request, a *Answer) {
	if q.open() {
		a.Assumed = append(a.Assumed, "groups that only the authenticator knows were not tried on a pattern")
		return
	}
	seen := map[string]bool{}
	for _, g := range w.groups.about(q) {
		n := -1
		if g.reaches(q.Namespace) && (q.Path == "" || g.namespace == "") {
			n = g.role.allows(q)
		}
		if n < 0 {
			continue
		}
		for _, s := range g.binding.Subjects {
			if s.Kind == KindGroup && !strings.HasPrefix(s.Name, "system:") && !seen[s.Name] {
				seen[s.Name] = true
				a.Decision = Conditional
				a.Conditions = append(a.Conditions, "member of group "+s.Name)
				a.Because = append(a.Because, g.reason(s, n))
				if a.Witness == nil {
					a.Witness = map[string]string{"groups": s.Name}
				}
			}
		}
	}
}

// about lists the grants with a rule that may be about a request, where it is made.
func (s *shelf) about(q *Request) []*grant {
	switch {
	case q.Path != "":
		return s.in[""]
	case q.open():
		if strings.Contains(q.Namespace, "*") {
			return s.all
		}
		return reaching(s.in, q.Namespace)
	}
	out := slices.Concat(reaching(s.by[resourceKey{q.Resource, q.Subresource}], q.Namespace), reaching(s.wild, q.Namespace))
	slices.SortFunc(out, func(a, b *grant) int { return a.binding.compare(b.binding.Ref) })
	return slices.Compact(out)
}

// unknowns lists what was not read and might allow the request.
func (w *World) unknowns(who *Who, q *Request) []string {
	var out []string
	if why := w.missing("ClusterRoleBinding", ""); why != "" {
		out = append(out, "not every ClusterRoleBinding was read: "+why)
	}
	if q.Namespace != "" && q.Path == "" {
		ns := q.Namespace
		if q.open() && strings.Contains(ns, "*") {
			ns = ""
		}
		if why := w.missing("RoleBinding", ns); why != "" {
			out = append(out, "not every RoleBinding was read: "+why)
		}
	}
	for i := range who.lists {
		for _, g := range who.lists[i].grants {
			if g.unread != "" && (q.open() && !g.elsewhere(q) || g.reaches(q.Namespace)) && (q.Path == "" || g.namespace == "") {
				out = append(out, g.unread)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sortReasons orders reasons so that answers are stable.
func sortReasons(list []Reason) []Reason {
	slices.SortFunc(list, func(a, b Reason) int {
		return cmp.Or(a.Binding.compare(b.Binding), a.Role.compare(b.Role), cmp.Compare(a.Rule, b.Rule), a.Subject.compare(b.Subject), a.Source.compare(b.Source))
	})
	return slices.Compact(list)
}
