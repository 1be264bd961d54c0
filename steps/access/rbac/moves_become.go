package rbac

import "slices"

// clusterAdmin is the role that every cluster begins with and that allows
// everything.
const clusterAdmin = "cluster-admin"

// impersonate: requests in another's name. Users and groups lie in no namespace,
// so that a RoleBinding gives none of them; a group goes with some user.
func (m *mover) impersonate() {
	for _, h := range m.r.by[canImpersonateAccounts] {
		m.accounts(&h, "impersonate", Allow, "", true)
	}
	constrained := "constrained impersonation: only requests that a rule with a verb impersonate-on:… names besides"
	for _, h := range m.r.by[canImpersonateAccountsIn] {
		m.accounts(&h, "impersonate", Conditional, constrained, true)
	}
	var some *right // lets some user be named, with whom groups go
	for i := range m.r.by[canImpersonateUsers] {
		if h := &m.r.by[canImpersonateUsers][i]; h.grant.reaches("") {
			some = h
			m.names(h, setUsers, KindUser, Allow, "")
		}
	}
	for _, h := range m.r.by[canImpersonateUsersIn] {
		if h.grant.reaches("") {
			m.names(&h, setUsers, KindUser, Conditional, constrained)
		}
	}
	for _, h := range m.r.by[canImpersonateNodesIn] {
		if h.grant.reaches("") && len(m.w.holders[Ref{Kind: KindGroup, Name: Nodes}]) > 0 {
			m.add(vertex{Ref: Ref{Kind: KindGroup, Name: Nodes}}, "impersonate", Conditional, constrained, &h)
		}
	}
	if some == nil && len(m.r.by[canImpersonateAccounts]) > 0 {
		some = &m.r.by[canImpersonateAccounts][0]
	}
	if some == nil {
		return
	}
	for i := range m.r.by[canImpersonateGroups] {
		h := &m.r.by[canImpersonateGroups][i]
		switch {
		case !h.grant.reaches(""):
		case h.has(Masters):
			m.add(administrator, "impersonate", Allow, "", some, h)
		default:
			m.names(h, setGroups, KindGroup, Allow, "", some)
		}
	}
}

// names adds the users or groups that a right is about.
func (m *mover) names(h *right, all, kind string, d Decision, why string, with ...*right) {
	if h.names == nil {
		m.add(set(all, "", false), "impersonate", d, why, append(with, h)...)
		return
	}
	for _, name := range h.names {
		m.add(vertex{Ref: subject(kind, "", name)}, "impersonate", d, why, append(with, h)...)
	}
}

// accounts adds the service accounts that a right is about.
func (m *mover) accounts(h *right, technique string, d Decision, why string, spoken bool) {
	if h.names == nil {
		m.add(set(setAccounts, h.grant.namespace, spoken), technique, d, why, h)
		return
	}
	for _, ns := range m.places() {
		if !h.grant.reaches(ns) {
			continue
		}
		for _, a := range m.ways.accounts[ns] {
			if slices.Contains(h.names, a.Name) {
				m.add(vertex{a, spoken}, technique, d, why, h)
			}
		}
	}
}

// bind: roles that one can bind to oneself without having their rights, by the
// verb bind on them: in a binding of one's own making, or in one that is there
// and that one may change.
func (m *mover) bind() {
	for _, p := range []power{canBindClusterRoles, canBindRoles} {
		for i := range m.r.by[p] {
			b := &m.r.by[p][i]
			if h, ok := m.r.find(canCreateClusterRoleBindings, "", ""); ok && p == canBindClusterRoles && b.grant.reaches("") {
				m.gain(b, "", false, h)
			}
			for k := range m.r.by[canCreateRoleBindings] {
				h := &m.r.by[canCreateRoleBindings][k]
				if ns, ok := m.both(b, h); ok {
					m.gain(b, ns, ns == "", h)
				}
			}
			m.rebind(b)
		}
	}
}

// rebind: bindings that are there. Their role cannot be changed, whom they name
// can.
func (m *mover) rebind(b *right) {
	if len(m.r.by[canChangeClusterRoleBindings])+len(m.r.by[canChangeRoleBindings]) == 0 {
		return
	}
	if b.grant.namespace != "" && m.inHand(b.grant.namespace, false) {
		return
	}
	list := m.w.bindings
	if b.grant.namespace != "" {
		list = m.bindings[b.grant.namespace]
	}
	for _, have := range list {
		if (have.Role.Kind == kindClusterRole) != (b.power == canBindClusterRoles) || !b.has(have.Role.Name) || !b.grant.reaches(have.Namespace) {
			continue
		}
		change, role := canChangeRoleBindings, m.w.roles[have.Role]
		if have.Kind == kindClusterRoleBinding {
			change = canChangeClusterRoleBindings
		}
		if role == nil {
			continue
		}
		if h, ok := m.r.find(change, have.Namespace, have.Name); ok {
			m.take(role, have.Namespace, false, h, b)
		}
	}
}

// take adds a role that one can give oneself.
func (m *mover) take(role *Role, namespace string, every bool, by ...*right) {
	if namespace == "" && !every && role.index.admin >= 0 {
		m.add(administrator, "bind", Allow, "", by...)
		return
	}
	m.gainRole(role, namespace, every, by...)
}

// gain adds the roles that a right lets bind in a namespace, in the whole
// cluster, or in every namespace.
func (m *mover) gain(b *right, namespace string, every bool, h *right) {
	if b.power == canBindClusterRoles && b.has(clusterAdmin) {
		m.take(m.clusterAdmin(), namespace, every, h, b)
		return // the rest is part of it
	}
	for _, role := range m.sorted {
		switch {
		case !b.has(role.Name):
		case role.Kind == kindClusterRole && b.power == canBindClusterRoles:
			m.take(role, namespace, every, h, b)
		case role.Kind == kindRole && b.power == canBindRoles && (every || role.Namespace == namespace):
			m.take(role, role.Namespace, false, h, b)
		}
	}
}

// inHand reports whether one may do everything in a namespace already.
func (m *mover) inHand(namespace string, every bool) bool {
	for i := range m.r.grants {
		for _, g := range m.r.grants[i].grants {
			if g.role.index.admin >= 0 && (g.namespace == namespace && g.every == every || g.every && namespace != "") {
				return true
			}
		}
	}
	return false
}

func (m *mover) gainRole(role *Role, namespace string, every bool, by ...*right) {
	if len(role.index.powers) == 0 && len(m.doubtful[role]) == 0 {
		return // it leads nowhere
	}
	if m.inHand(namespace, every) {
		return
	}
	name := role.Ref.String()
	if every {
		name += " in every namespace"
	}
	m.add(vertex{Ref: Ref{Kind: kindBound, Namespace: namespace, Name: name}}, "bind", Allow, "", by...)
	m.out[len(m.out)-1].gain = &grant{role: role, namespace: namespace, every: every}
	if role.index.admin >= 0 {
		m.add(vertex{Ref: Ref{Kind: KindNamespaceAdmin, Namespace: namespace}}, "bind", Allow, "", by...)
	}
}

// clusterAdmin is the cluster's role of that name, or one like it if it was not
// read: every cluster has it.
func (m *mover) clusterAdmin() *Role {
	if r := m.w.roles[Ref{Kind: kindClusterRole, Name: clusterAdmin}]; r != nil && r.index.admin >= 0 {
		return r
	}
	r := &Role{Ref: Ref{Kind: kindClusterRole, Name: clusterAdmin}, Rules: []Rule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}}
	r.compile()
	r.index.powers = r.powersOf()
	return r
}

// escalate: rights added to a role that one has, by the verb escalate on it.
func (m *mover) escalate() {
	for _, way := range []struct{ change, escalate power }{{canChangeClusterRoles, canEscalateClusterRoles}, {canChangeRoles, canEscalateRoles}} {
		if len(m.r.by[way.escalate]) == 0 || len(m.r.by[way.change]) == 0 {
			continue
		}
		for i := range m.r.grants {
			for _, g := range m.r.grants[i].grants {
				if (g.role.Kind == kindClusterRole) != (way.change == canChangeClusterRoles) {
					continue
				}
				change, ok := m.r.find(way.change, g.role.Namespace, g.role.Name)
				escalate, also := m.r.find(way.escalate, g.role.Namespace, g.role.Name)
				if !ok || !also {
					continue
				}
				if g.namespace == "" && !g.every {
					m.add(administrator, "escalate", Allow, "", change, escalate)
					return
				}
				m.gainRole(m.clusterAdmin(), g.namespace, g.every, change, escalate)
				m.out[len(m.out)-1].technique = "escalate"
			}
		}
	}
}
