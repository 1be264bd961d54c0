package rbac

import (
	"cmp"
	"slices"
	"strings"
)

// Group is the API group of roles and bindings.
const Group = "rbac.authorization.k8s.io"

// Kinds of subjects, and of the other things that ways lead over.
const (
	KindUser           = "User"
	KindGroup          = "Group"
	KindAccount        = "ServiceAccount"
	KindPod            = "Pod"
	KindNode           = "Node"
	KindAdministrator  = "Administrator" // `*` on `*` in the whole cluster
	KindCloud          = "Cloud"         // an identity of a cloud, such as an IAM role
	KindNamespaceAdmin = "NamespaceAdministrator"
)

// Well-known groups.
const (
	Masters         = "system:masters"
	Authenticated   = "system:authenticated"
	Unauthenticated = "system:unauthenticated"
	Accounts        = "system:serviceaccounts"
	Nodes           = "system:nodes"
	anonymous       = "system:anonymous"
	accountPrefix   = "system:serviceaccount:"
	nodePrefix      = "system:node:"
)

// Ref names an object, a subject, or another thing that a way leads over.
// Namespace is empty for what lies in none.
type Ref struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String is "Kind name" or "Kind namespace/name"; "Kind namespace" for what has
// no name.
func (r Ref) String() string {
	switch {
	case r.Name == "" && r.Namespace == "":
		return r.Kind
	case r.Name == "":
		return r.Kind + " " + r.Namespace
	case r.Namespace == "":
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

func (r Ref) compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Kind, o.Kind), cmp.Compare(r.Namespace, o.Namespace), cmp.Compare(r.Name, o.Name))
}

// World is one cluster. Add its objects, say what was not read, then Seal it and
// ask it. It must not change after Seal.
type World struct {
	// NodeAuthorizer says that the cluster's kubelets are authorized by the node
	// authorizer too, as is usual. It is true in a new World.
	NodeAuthorizer bool

	roles       map[Ref]*Role
	bindings    []*Binding
	accounts    map[Ref]*Account
	namespaces  map[string]*namespace
	pods        []*Pod
	nodes       map[string]*node
	definitions map[resourceKey]*definition
	tokens      map[Ref][]string // names of Secrets that hold an account's token
	authMap     bool             // a ConfigMap kube-system/aws-auth is there
	principals  []Principal
	links       map[Ref][]Link
	unread      map[unreadKey]string
	read        map[unreadKey]bool
	problems    []Problem

	holders  map[Ref][]*grant
	every    *shelf // all grants
	groups   *shelf // those to groups that are no part of the system
	subjects []Ref
	ways     *ways
}

type resourceKey struct{ a, b string }

type unreadKey struct{ kind, namespace string }

// NewWorld returns an empty cluster.
func NewWorld() *World {
	return &World{
		NodeAuthorizer: true, roles: map[Ref]*Role{}, accounts: map[Ref]*Account{}, namespaces: map[string]*namespace{},
		nodes: map[string]*node{}, definitions: map[resourceKey]*definition{}, tokens: map[Ref][]string{},
		links: map[Ref][]Link{}, unread: map[unreadKey]string{}, read: map[unreadKey]bool{},
	}
}

// Role is a Role or, without a namespace, a ClusterRole.
type Role struct {
	Ref
	// Rules as they stand in the object.
	Rules []Rule
	// Aggregates are the selectors by which a controller fills Rules from other
	// ClusterRoles.
	Aggregates []Selector
	Labels     map[string]string
	// Served says that the object was read from an API server, so that its rules
	// are those that the server decides by. Rules of a manifest are filled as the
	// controller would.
	Served bool
	// Unread says why there may be more rules than Rules; empty if there are none.
	Unread string

	lacks int // rules that aggregation would add to a served role
	index roleIndex
}

// Rule is one rule of a role.
type Rule struct {
	Verbs, APIGroups, Resources, ResourceNames, NonResourceURLs []string

	from  Ref // the role it stands in, if by aggregation in another
	place int // its number there
}

// Binding is a RoleBinding or, without a namespace, a ClusterRoleBinding.
type Binding struct {
	Ref
	Role     Ref
	Subjects []Ref
	// Bootstrap says that it is one of those that every cluster begins with.
	Bootstrap bool
}

// Account is a ServiceAccount.
type Account struct {
	Ref
	Annotations map[string]string
	// NoMount says that pods do not get its token unless they ask.
	NoMount bool
}

// Principal is somebody outside of the cluster who is a user in it, as an IAM
// role is by an access entry.
type Principal struct {
	// ID is the outside name, an ARN or the like.
	ID string
	// User and Groups are who he is in the cluster. The groups are all he has.
	User   string
	Groups []string
	// Source says where that stands.
	Source string
}

// Link is an identity outside of the cluster that pods of a service account act
// as.
type Link struct {
	// Account is the service account.
	Account Ref
	// To is the outside identity, an ARN or the like.
	To string
	// Technique is how: irsa, pod-identity, gke-workload-identity,
	// azure-workload-identity.
	Technique string
	// Decision says whether that other side lets the account in; Why says what it
	// hangs on if it is not Allow.
	Decision Decision
	Why      []string
	// Because says where the link stands.
	Because []Reason
	// Minted says that no pod is given the identity as it stands: only who can
	// make a token of the account, or a pod of his own making, can take it.
	Minted bool
}

// Problem is something in an object that could not be understood.
type Problem struct {
	Object Ref
	// Path is the place in the object.
	Path string
	// Why is what is wrong there.
	Why string
}

// String is the problem in one line.
func (p Problem) String() string { return p.Object.String() + ": " + p.Path + ": " + p.Why }

// AddRole makes a role known.
func (w *World) AddRole(r *Role) { w.roles[r.Ref] = r }

// AddBinding makes a binding known.
func (w *World) AddBinding(b *Binding) { w.bindings = append(w.bindings, b) }

// AddAccount makes a service account known.
func (w *World) AddAccount(a *Account) { w.accounts[a.Ref] = a }

// AddPrincipal makes somebody from outside known.
func (w *World) AddPrincipal(p Principal) { w.principals = append(w.principals, p) }

// AddLink makes a way out of the cluster known.
func (w *World) AddLink(l Link) {
	l.Account.Kind = KindAccount
	w.links[l.Account] = append(w.links[l.Account], l)
}

// Unread says that objects of a kind ("Role", "Pod") were not all read, and why;
// without a namespace in none of them. What hangs on them is Unknown.
func (w *World) Unread(kind, namespace, why string) { w.unread[unreadKey{kind, namespace}] = why }

// Read says that objects of a kind were all read in one namespace, whatever
// Unread says of all of them.
func (w *World) Read(kind, namespace string) { w.read[unreadKey{kind, namespace}] = true }

// Doubt says that what an object added before says is not all known, and why: a
// role may then allow more, and a binding name others, than it says.
func (w *World) Doubt(r Ref, why string) {
	if role := w.roles[r]; role != nil {
		role.Unread = why
		return
	}
	switch r.Kind {
	case kindRoleBinding, kindClusterRoleBinding:
		w.Unread(r.Kind, r.Namespace, r.String()+": "+why)
	}
}

// missing returns why objects of a kind in a namespace are not all known.
func (w *World) missing(kind, namespace string) string {
	if w.read[unreadKey{kind, namespace}] {
		return ""
	}
	if why := w.unread[unreadKey{kind, ""}]; why != "" {
		return why
	}
	if namespace == "" {
		for k, why := range w.unread {
			if k.kind == kind {
				return why
			}
		}
	}
	return w.unread[unreadKey{kind, namespace}]
}

// Problems lists what could not be understood of the objects added, and what is
// not as the cluster's controllers would have it.
func (w *World) Problems() []Problem { return w.problems }

// Accounts lists the service accounts, sorted.
func (w *World) Accounts() []Ref {
	out := make([]Ref, 0, len(w.accounts))
	for r := range w.accounts {
		out = append(out, r)
	}
	slices.SortFunc(out, Ref.compare)
	return out
}

// Account returns a known service account, or nil.
func (w *World) Account(namespace, name string) *Account {
	return w.accounts[Ref{KindAccount, namespace, name}]
}

// Subjects lists whom bindings name, sorted: users, groups, service accounts.
func (w *World) Subjects() []Ref { return w.subjects }

// Principals lists those from outside.
func (w *World) Principals() []Principal { return w.principals }

// subject turns the user name of a service account into the account.
func subject(kind, namespace, name string) Ref {
	if kind == KindUser {
		if rest, ok := strings.CutPrefix(name, accountPrefix); ok {
			if ns, account, ok := strings.Cut(rest, ":"); ok && ns != "" && account != "" {
				return Ref{KindAccount, ns, account}
			}
		}
	}
	if kind != KindAccount {
		namespace = ""
	}
	return Ref{kind, namespace, name}
}

// grant is a role given by a binding, or to be had by making one, to one
// subject.
type grant struct {
	role      *Role
	namespace string // empty: the whole cluster
	every     bool   // every namespace, but nothing outside of namespaces
	binding   *Binding
	unread    string // why the role may have more rules than are known
}

// reaches reports whether the grant is about requests in a namespace.
func (g *grant) reaches(namespace string) bool {
	return g.every && namespace != "" || !g.every && (g.namespace == "" || g.namespace == namespace)
}

// elsewhere reports whether a grant holds in one namespace and none of a request's
// completions is in that.
func (g *grant) elsewhere(q *Request) bool {
	return g.namespace != "" && g.namespace != q.Namespace && (q.Literal || !strings.Contains(q.Namespace, "*"))
}

// Seal ends the adding.
func (w *World) Seal() {
	w.aggregate()
	for _, r := range w.roles {
		r.compile()
	}
	w.holders, w.every, w.groups = map[Ref][]*grant{}, newShelf(), newShelf()
	slices.SortFunc(w.bindings, func(a, b *Binding) int { return a.compare(b.Ref) })
	for _, b := range w.bindings {
		w.bind(b)
	}
	for s := range w.holders {
		w.subjects = append(w.subjects, s)
	}
	slices.SortFunc(w.subjects, Ref.compare)
	slices.SortFunc(w.problems, func(a, b Problem) int {
		return cmp.Or(a.Object.compare(b.Object), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Why, b.Why))
	})
	w.ways = newWays(w)
}

// bind gives the subjects of a binding its role.
func (w *World) bind(b *Binding) {
	g := &grant{role: w.roles[b.Role], namespace: b.Namespace, binding: b}
	switch {
	case g.role == nil:
		// A binding of a role that is not there gives nothing.
		if g.unread = w.missing(b.Role.Kind, b.Role.Namespace); g.unread == "" {
			w.problems = append(w.problems, Problem{b.Ref, "roleRef", "names " + b.Role.String() + ", which is not there, and so gives nothing until somebody makes it"})
			return
		}
		g.unread = b.Role.String() + " was not read: " + g.unread
		g.role = &Role{Ref: b.Role}
		g.role.compile()
	case g.role.Unread != "":
		g.unread = b.Role.String() + ": " + g.role.Unread
	}
	w.every.add(g)
	system := true
	seen := map[Ref]bool{}
	for _, s := range b.Subjects {
		if seen[s] {
			continue
		}
		seen[s] = true
		w.holders[s] = append(w.holders[s], g)
		system = system && (s.Kind != KindGroup || strings.HasPrefix(s.Name, "system:"))
	}
	if !system {
		w.groups.add(g)
	}
}

// shelf finds grants by where they hold and by the resources that their rules name.
// The namespace of those that hold in the whole cluster is empty.
type shelf struct {
	by           map[resourceKey]map[string][]*grant
	wild, unread map[string][]*grant
	in           map[string][]*grant
	all          []*grant
}

func newShelf() *shelf {
	return &shelf{by: map[resourceKey]map[string][]*grant{}, wild: map[string][]*grant{}, unread: map[string][]*grant{}, in: map[string][]*grant{}}
}

func (s *shelf) add(g *grant) {
	at := g.namespace
	s.all, s.in[at] = append(s.all, g), append(s.in[at], g)
	if g.unread != "" {
		s.unread[at] = append(s.unread[at], g)
	}
	if len(g.role.index.wild) > 0 {
		s.wild[at] = append(s.wild[at], g)
	}
	for key := range g.role.index.by {
		if s.by[key] == nil {
			s.by[key] = map[string][]*grant{}
		}
		s.by[key][at] = append(s.by[key][at], g)
	}
}

// reaching lists the grants of a list that are about requests in a namespace.
func reaching(of map[string][]*grant, namespace string) []*grant {
	if namespace == "" || len(of[namespace]) == 0 {
		return of[""]
	}
	return slices.Concat(of[""], of[namespace])
}
