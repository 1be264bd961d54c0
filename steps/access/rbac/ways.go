package rbac

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Sets of things that one move reaches all of. They keep the search from
// joining everybody who may make pods with every account, pair by pair.
const (
	setPods     = "pods of"     // of a namespace, or of all
	setPodsOn   = "pods on"     // of a node
	setAccounts = "accounts of" // of a namespace, or of all
	setUsers    = "users"
	setGroups   = "groups"
	kindBound   = "Bound" // a role that was bound to oneself
)

// vertex is somebody or something that is in the hand of who comes there.
type vertex struct {
	Ref
	// spoken says that one acts as an account in requests to the API server, but
	// holds no token that a cloud would take.
	spoken bool
}

func (v vertex) isSet() bool {
	switch v.Kind {
	case setPods, setPodsOn, setAccounts, setUsers, setGroups:
		return true
	}
	return false
}

// move is one step of a way.
type move struct {
	to        vertex
	technique string
	decision  Decision
	actions   []string
	because   []Reason
	why       []string
	// via is what the step leads over: the pod of an account.
	via *Ref
	// gain is a grant that one can give oneself.
	gain *grant
}

// right is a power as a grant gives it to a subject.
type right struct {
	hold
	grant *grant
	of    Ref
	power power
}

func (r *right) reason() Reason { return r.grant.reason(r.of, r.rule) }
func (r *right) action() string { return r.power.action(r.verb) }
func (r *right) has(n string) bool {
	return r.names == nil || n != "" && slices.Contains(r.names, n)
}

// rights are the powers of somebody.
type rights struct {
	by      map[power][]right
	grants  []held
	masters bool
}

// find returns a right to a power in a namespace ("" for requests in none) on a
// name; without a name, one that is limited to none.
func (r *rights) find(p power, namespace, name string) (*right, bool) {
	list := r.by[p]
	for i := range list {
		if list[i].grant.reaches(namespace) && list[i].has(name) {
			return &list[i], true
		}
	}
	return nil, false
}

// ways is what the search for ways needs of a world.
type ways struct {
	w        *World
	doubtful map[*Role][]*definition // custom resources that may run pods and that a role lets make
	sorted   []*Role                 // those that allow everything somewhere first
	holders  []Ref                   // accounts whose tokens Secrets hold, sorted

	mu       sync.Mutex
	running  map[vertex][]move // what sets, pods and identities lead to, as far as asked
	byNode   map[string][]*Pod
	byPlace  map[string][]*Pod
	bindings map[string][]*Binding // by namespace
	accounts map[string][]Ref
	kinds    map[unreadKey]bool // kinds of pod templates by namespace
}

func newWays(w *World) *ways {
	x := &ways{w: w, doubtful: map[*Role][]*definition{}, running: map[vertex][]move{}, byNode: map[string][]*Pod{}, byPlace: map[string][]*Pod{},
		bindings: map[string][]*Binding{}, accounts: map[string][]Ref{}, kinds: map[unreadKey]bool{}}
	var doubtful []*definition
	for key, d := range w.definitions {
		if d.pods != Deny && runnerOf(d.group, d.resource) == nil && !idle[key] {
			doubtful = append(doubtful, d)
		}
	}
	slices.SortFunc(doubtful, func(a, b *definition) int { return strings.Compare(a.group+"/"+a.resource, b.group+"/"+b.resource) })
	for _, r := range w.roles {
		r.index.powers = r.powersOf()
		for _, d := range doubtful {
			if r.allows(&Request{Verb: "create", Group: d.group, Resource: d.resource}) >= 0 {
				x.doubtful[r] = append(x.doubtful[r], d)
			}
		}
	}
	for _, b := range w.bindings {
		x.bindings[b.Namespace] = append(x.bindings[b.Namespace], b)
	}
	for _, r := range w.roles {
		x.sorted = append(x.sorted, r)
	}
	slices.SortFunc(x.sorted, func(a, b *Role) int {
		return cmp.Or(-cmp.Compare(min(a.index.admin, 0), min(b.index.admin, 0)), a.compare(b.Ref))
	})
	slices.SortFunc(w.pods, func(a, b *Pod) int { return a.compare(b.Ref) })
	seen := map[Ref]bool{}
	note := func(a Ref) {
		if a.Name != "" && !seen[a] {
			seen[a] = true
			x.accounts[a.Namespace] = append(x.accounts[a.Namespace], a)
		}
	}
	for _, p := range w.pods {
		p.Token = p.mount == nil || *p.mount
		if a := w.accounts[p.Account]; p.mount == nil && a != nil && a.NoMount {
			p.Token = false
		}
		x.byPlace[p.Namespace] = append(x.byPlace[p.Namespace], p)
		x.kinds[unreadKey{p.Kind, p.Namespace}] = true
		x.kinds[unreadKey{p.Kind, ""}] = true
		if p.Node != "" {
			x.byNode[p.Node] = append(x.byNode[p.Node], p)
		}
		note(p.Account)
	}
	for a := range w.accounts {
		note(a)
	}
	for s := range w.holders {
		if s.Kind == KindAccount {
			note(s)
		}
	}
	for a := range w.links {
		note(a)
	}
	for _, list := range x.accounts {
		slices.SortFunc(list, Ref.compare)
	}
	for a := range w.tokens {
		x.holders = append(x.holders, a)
	}
	slices.SortFunc(x.holders, Ref.compare)
	return x
}

// places lists where accounts are, sorted.
func (x *ways) places() []string {
	out := make([]string, 0, len(x.accounts))
	for ns := range x.accounts {
		out = append(out, ns)
	}
	slices.Sort(out)
	return out
}

// named lists the users or groups that bindings name.
func (x *ways) named(kind string) []Ref {
	var out []Ref
	for _, s := range x.w.subjects {
		if s.Kind == kind && s.Name != Unauthenticated && s.Name != Authenticated {
			out = append(out, s)
		}
	}
	return out
}

// rightsOf gathers the powers of somebody; more are grants that he gave himself.
func (x *ways) rightsOf(v vertex, more []*grant) *rights {
	r := &rights{by: map[power][]right{}}
	id, ok := x.identity(v.Ref)
	if !ok {
		return r
	}
	who := x.w.Who(id)
	r.masters = who.masters
	r.grants = who.lists
	if len(more) > 0 {
		r.grants = append(slices.Clip(r.grants), held{v.Ref, more})
	}
	for i := range r.grants {
		for _, g := range r.grants[i].grants {
			for p, holds := range g.role.index.powers {
				for _, h := range holds {
					r.by[p] = append(r.by[p], right{h, g, r.grants[i].subject, p})
				}
			}
		}
	}
	return r
}

// identity is who makes the requests of a vertex.
func (x *ways) identity(r Ref) (Identity, bool) {
	switch r.Kind {
	case KindUser, KindGroup, KindAccount:
		id := IdentityOf(r)
		id.Open = false
		return id, true
	case KindCloud:
		for i := range x.w.principals {
			if p := &x.w.principals[i]; p.ID == r.Name {
				return p.Identity(), true
			}
		}
	}
	return Identity{}, false
}

// administrator returns the rule by which somebody may do everything.
func (r *rights) administrator() (Reason, bool) {
	if r.masters {
		return Reason{Rule: -1, Text: "members of system:masters may do everything, whatever roles say"}, true
	}
	for i := range r.grants {
		for _, g := range r.grants[i].grants {
			if g.namespace == "" && !g.every && g.role.index.admin >= 0 {
				return g.reason(r.grants[i].subject, int(g.role.index.admin)), true
			}
		}
	}
	return Reason{}, false
}

// set is a vertex for all of a kind in a namespace.
func set(kind, namespace string, spoken bool) vertex {
	return vertex{Ref{Kind: kind, Namespace: namespace}, spoken}
}

// spread lists what a set, a pod, a node or an account leads to by itself.
func (x *ways) spread(v vertex) []move {
	switch v.Kind {
	case setPods, setPodsOn:
		pods := x.byPlace[v.Namespace]
		switch {
		case v.Kind == setPodsOn:
			pods = x.byNode[v.Name]
		case v.Namespace == "":
			pods = x.w.pods
		}
		return x.inside(v, pods)
	case setAccounts:
		places := []string{v.Namespace}
		if v.Namespace == "" {
			places = x.places()
		}
		var out []move
		for _, ns := range places {
			for _, a := range x.accounts[ns] {
				out = append(out, move{to: vertex{a, v.spoken}, decision: Allow})
			}
		}
		return out
	case setUsers, setGroups:
		kind := KindUser
		if v.Kind == setGroups {
			kind = KindGroup
		}
		var out []move
		for _, s := range x.named(kind) {
			out = append(out, move{to: vertex{Ref: s}, decision: Allow})
		}
		return out
	case KindPod:
		for _, p := range x.byPlace[v.Namespace] {
			if p.Name == v.Name && p.Kind == KindPod {
				return x.inside(v, []*Pod{p})
			}
		}
	case KindNode:
		return x.onNode(v)
	case KindAccount:
		return x.outside(v)
	case KindAdministrator:
		return []move{{to: set(setAccounts, "", false), technique: "create-pod", decision: Allow, actions: []string{"k8s:create:/pods"}}}
	}
	return nil
}

// inside lists what being in pods leads to: their accounts and nodes. Of pods
// that lead to the same, the first counts.
func (x *ways) inside(v vertex, pods []*Pod) []move {
	if known, ok := x.recall(v); ok {
		return known
	}
	var out []move
	seen := map[vertex]Decision{}
	add := func(m move) {
		if d, ok := seen[m.to]; ok && d >= m.decision {
			return
		}
		seen[m.to] = max(seen[m.to], m.decision)
		out = append(out, m)
	}
	for _, p := range pods {
		via := &p.Ref
		if p.Account.Name != "" {
			m := move{to: vertex{Ref: p.Account}, technique: "runs-as", decision: Allow, via: via}
			if !p.Token {
				m.decision, m.why = Conditional, []string{"the pod is not given its account's token; a node or a projected volume would have it"}
			}
			add(m)
		}
		for _, e := range p.Escapes {
			m := move{to: vertex{Ref: Ref{Kind: KindNode, Name: p.Node}}, technique: e.Technique, decision: e.Decision, via: via, because: []Reason{{Rule: -1, Text: e.Why}}}
			if e.Decision != Allow {
				m.why = []string{e.Why}
			}
			add(m)
		}
		if p.LogWriter {
			x.logs(p, add)
		}
	}
	if v.Kind == setPods {
		if why := x.w.missing(KindPod, v.Namespace); why != "" {
			add(move{to: set(setAccounts, v.Namespace, false), technique: "runs-as", decision: Unknown, why: []string{"not every pod was read: " + why}})
		}
	}
	x.remember(v, out)
	return out
}

func (x *ways) recall(v vertex) ([]move, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	list, ok := x.running[v]
	return list, ok
}

func (x *ways) remember(v vertex, list []move) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running[v] = list
}

// logs weighs a pod that can put links where the node keeps logs: who may read
// logs has the kubelet read what they point to.
func (x *ways) logs(p *Pod, add func(move)) {
	r := x.rightsOf(vertex{Ref: p.Account}, nil)
	for _, way := range []struct {
		power           power
		namespace, name string
	}{{canReadLogs, p.Namespace, p.Name}, {canReadNodeLogs, "", p.Node}, {canReachKubeletsByGet, "", p.Node}} {
		if h, ok := r.find(way.power, way.namespace, way.name); ok {
			add(move{to: vertex{Ref: Ref{Kind: KindNode, Name: p.Node}}, technique: "log-symlink", decision: Conditional, via: &p.Ref,
				actions: []string{h.action()}, because: []Reason{h.reason()},
				why: []string{"the pod can write in the node's /var/log, and its account can have the kubelet read logs, links included: files of the node are read, in which credentials may lie"}})
			return
		}
	}
}

// onNode lists what the root of a node has: the pods on it, the group of
// kubelets, and the cluster's own keys if it is a control plane's.
func (x *ways) onNode(v vertex) []move {
	pods := set(setPods, "", false)
	why := []string(nil)
	decision := Allow
	if v.Name != "" {
		pods = vertex{Ref: Ref{Kind: setPodsOn, Name: v.Name}}
	} else if len(x.w.nodes) > 1 {
		decision, why = Conditional, []string{"which node the pod comes to lie on decides what is there"}
	}
	out := []move{{to: pods, technique: "node-credentials", decision: decision, why: why}}
	if len(x.w.holders[Ref{Kind: KindGroup, Name: Nodes}]) > 0 {
		out = append(out, move{to: vertex{Ref: Ref{Kind: KindGroup, Name: Nodes}}, technique: "node-identity", decision: Allow})
	}
	for _, name := range sortedKeys(x.w.nodes) {
		if x.w.nodes[name].control && (v.Name == "" || v.Name == name) {
			out = append(out, move{to: vertex{Ref: Ref{Kind: KindAdministrator}}, technique: "control-plane-node", decision: decision, why: why,
				because: []Reason{{Rule: -1, Text: "Node " + name + " is of the control plane, where the cluster's own keys lie"}}})
			break
		}
	}
	return out
}

// outside lists the identities of clouds that an account acts as.
func (x *ways) outside(v vertex) []move {
	if v.spoken {
		return nil
	}
	var out []move
	for i := range x.w.links[v.Ref] {
		l := &x.w.links[v.Ref][i]
		if l.Decision == Deny {
			continue
		}
		m := move{to: vertex{Ref: Ref{Kind: KindCloud, Name: l.To}}, technique: l.Technique, decision: l.Decision, because: l.Because, why: l.Why}
		if l.Minted && l.Decision == Allow {
			m.decision = Conditional
			m.why = append(slices.Clip(l.Why), "no pod is given it as it stands: a token for the cloud's audience must be made, by serviceaccounts/token or a pod of one's own")
		}
		out = append(out, m)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
