package rbac

import "slices"

// tokens made for service accounts.
func (m *mover) tokens() {
	for _, h := range m.r.by[canCreateTokens] {
		m.accounts(&h, "create-token", Allow, "", false)
	}
}

// secrets that hold tokens of service accounts, and such that can be made.
func (m *mover) secrets() {
	for _, p := range []power{canGetSecrets, canListSecrets} {
		for i := range m.r.by[p] {
			h := &m.r.by[p][i]
			for _, account := range m.holders {
				if h.grant.reaches(account.Namespace) && slices.ContainsFunc(m.w.tokens[account], h.has) {
					m.add(vertex{account, true}, "read-token-secret", Allow, "", h)
				}
			}
			if why := m.w.missing(kindSecret, h.grant.namespace); why != "" && h.names == nil {
				m.add(set(setAccounts, h.grant.namespace, true), "read-token-secret", Unknown, "whether a Secret holds a token was not read: "+why, h)
			}
			if h.names != nil {
				continue
			}
			for k := range m.r.by[canCreateSecrets] {
				made := &m.r.by[canCreateSecrets][k]
				ns, ok := m.both(h, made)
				if ok {
					m.add(set(setAccounts, ns, true), "make-token-secret", Allow, "", made, h)
				}
			}
		}
	}
}

// both is the namespace in which two rights reach, "" if they do everywhere.
func (m *mover) both(a, b *right) (string, bool) {
	switch {
	case a.grant.namespace == "":
		return b.grant.namespace, true
	case b.grant.namespace == "" || b.grant.namespace == a.grant.namespace:
		return a.grant.namespace, true
	}
	return "", false
}

const byGet = "API servers that do not ask for create when a connection is upgraded (before 1.35, or AuthorizePodWebsocketUpgradeCreatePermission off) let get suffice"

// pods that one can get into.
func (m *mover) pods() {
	for _, way := range []struct {
		power     power
		technique string
		decision  Decision
		why       string
	}{
		{canExec, "exec", Allow, ""},
		{canExecByGet, "exec", Conditional, byGet},
		{canAttach, "attach", Conditional, "what the pod's process reads from its input, and shows, decides"},
		{canDebug, "debug-container", Allow, ""},
		{canChangePods, "change-pod", Allow, ""},
	} {
		for i := range m.r.by[way.power] {
			h := &m.r.by[way.power][i]
			if way.power == canDebug {
				m.privileged(h, "debug-container")
			}
			if h.names == nil {
				m.add(set(setPods, h.grant.namespace, false), way.technique, way.decision, way.why, h)
				continue
			}
			for _, p := range m.w.pods {
				if p.Kind == KindPod && h.grant.reaches(p.Namespace) && slices.Contains(h.names, p.Name) {
					m.add(vertex{Ref: p.Ref}, way.technique, way.decision, way.why, h)
				}
			}
		}
	}
	for _, way := range []struct {
		power    power
		decision Decision
		why      string
	}{{canReachKubelets, Allow, ""}, {canReachKubeletsByGet, Conditional, "a kubelet takes a command over a connection that is upgraded from get, where its port can be reached"}} {
		for i := range m.r.by[way.power] {
			h := &m.r.by[way.power][i]
			switch {
			case !h.grant.reaches(""):
			case h.names == nil:
				m.add(set(setPods, "", false), "kubelet", way.decision, way.why, h)
			default:
				for _, name := range h.names {
					m.add(vertex{Ref: Ref{Kind: setPodsOn, Name: name}}, "kubelet", way.decision, way.why, h)
				}
			}
		}
	}
}

// run: pods that one can have run as an account of one's choice.
func (m *mover) run() {
	for i := range runners {
		r := &runners[i]
		technique, d, why := "create-workload", Allow, ""
		switch {
		case r.resource == "pods":
			technique = "create-pod"
		case r.custom:
			technique = "create-ai-workload"
			if m.w.definitions[resourceKey{r.group, r.resource}] == nil {
				why = m.w.missing(kindDefinition, "")
				if d = Unknown; why == "" {
					continue // the cluster does not know the kind
				}
				why = "whether " + r.what + " can be made in this cluster was not read: " + why
			}
		}
		if r.fixed {
			d, why = Unknown, r.what+" runs as an account that its controller chooses"
		}
		for k := range m.r.by[createRunner(i)] {
			h := &m.r.by[createRunner(i)][k]
			m.add(set(setAccounts, h.grant.namespace, false), technique, d, why, h)
			if d == Allow {
				m.privileged(h, technique)
				m.volumes(h)
			}
		}
		for k := range m.r.by[changeRunner(i)] {
			h := &m.r.by[changeRunner(i)][k]
			m.change(h, r, d, why)
		}
	}
}

// change: what runs pods and is there to be changed.
func (m *mover) change(h *right, r *runner, d Decision, why string) {
	kind := builtinKind[resourceKey{r.group, r.resource}]
	switch {
	case d != Allow:
	case kind == "":
		d, why = Unknown, "whether there is "+r.what+" to change was not looked for"
	case m.kinds[unreadKey{kind, h.grant.namespace}]:
	default:
		missing := m.w.missing(kind, h.grant.namespace)
		if missing == "" {
			return // there is none to change
		}
		d, why = Unknown, "whether there is "+r.what+" to change was not read: "+missing
	}
	m.add(set(setAccounts, h.grant.namespace, false), "change-workload", d, why, h)
	if d == Allow {
		m.privileged(h, "change-workload")
	}
}

var builtinKind = map[resourceKey]string{
	{"", "replicationcontrollers"}: "ReplicationController", {"apps", "deployments"}: "Deployment", {"apps", "replicasets"}: "ReplicaSet",
	{"apps", "statefulsets"}: "StatefulSet", {"apps", "daemonsets"}: "DaemonSet", {"batch", "cronjobs"}: "CronJob",
}

// privileged: the node under a pod of one's own, if no Pod Security level stands
// in the way, or one may take it away.
func (m *mover) privileged(h *right, technique string) {
	ns := h.grant.namespace
	to := vertex{Ref: Ref{Kind: KindNode}}
	place := m.w.namespaces[ns]
	if ns == "" { // then the mildest of all counts
		for _, name := range sortedKeys(m.w.namespaces) {
			if place = m.w.namespaces[name]; place.enforce == "" || place.enforce == "privileged" {
				break
			}
		}
	}
	switch {
	case place == nil && m.w.missing(kindNamespace, "") != "":
		m.add(to, technique, Unknown, "which Pod Security level namespace "+ns+" enforces was not read: "+m.w.missing(kindNamespace, ""), h)
	case place == nil || place.enforce == "" || place.enforce == "privileged":
		m.add(to, technique, Allow, "", h)
	default:
		if label, ok := m.r.find(canLabelNamespaces, ns, ns); ok {
			m.add(to, technique, Allow, "", label, h)
		}
	}
}

// volumes: a persistent volume can be a path of the node, which no Pod Security
// level looks at.
func (m *mover) volumes(h *right) {
	volume, ok := m.r.find(canCreateVolumes, "", "")
	if !ok {
		return
	}
	for i := range m.r.by[canCreateClaims] {
		if _, ok := m.both(&m.r.by[canCreateClaims][i], h); ok {
			m.add(vertex{Ref: Ref{Kind: KindNode}}, "host-volume", Allow, "", volume, &m.r.by[canCreateClaims][i], h)
			return
		}
	}
}

// custom: resources of which nobody said whether they run pods.
func (m *mover) custom() {
	for i := range m.r.grants {
		for _, g := range m.r.grants[i].grants {
			for _, d := range m.doubtful[g.role] {
				n := g.role.allows(&Request{Verb: "create", Group: d.group, Resource: d.resource})
				if n < 0 || !d.namespaced && g.namespace != "" {
					continue
				}
				ns := g.namespace
				if !d.namespaced {
					ns = ""
				}
				m.out = append(m.out, move{to: set(setAccounts, ns, false), technique: "create-custom-resource", decision: Unknown,
					actions: []string{"k8s:create:" + d.group + "/" + d.resource}, because: []Reason{g.reason(m.r.grants[i].subject, n)},
					why: []string{"whether a " + d.kind + " (" + d.group + ") runs pods, and as whom, cannot be told from its definition"}})
			}
		}
	}
}
