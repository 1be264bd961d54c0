package rbac

import (
	"slices"
	"strings"
)

// moves lists what somebody can come to by his rights.
func (x *ways) moves(v vertex, r *rights) []move {
	if reason, ok := r.administrator(); ok {
		return []move{{to: vertex{Ref: Ref{Kind: KindAdministrator}}, technique: "holds", decision: Allow, because: []Reason{reason}}}
	}
	if len(r.by) == 0 && !x.doubts(r) {
		return nil
	}
	m := &mover{ways: x, r: r}
	m.impersonate()
	m.bind()
	m.escalate()
	m.tokens()
	m.secrets()
	m.pods()
	m.run()
	m.custom()
	m.cluster()
	return m.out
}

// doubts reports whether somebody may make custom resources that may run pods.
func (x *ways) doubts(r *rights) bool {
	for i := range r.grants {
		for _, g := range r.grants[i].grants {
			if len(x.doubtful[g.role]) > 0 {
				return true
			}
		}
	}
	return false
}

// mover gathers the moves of one set of rights.
type mover struct {
	*ways
	r   *rights
	out []move
}

func (m *mover) add(to vertex, technique string, d Decision, why string, by ...*right) {
	out := move{to: to, technique: technique, decision: d}
	if why != "" {
		out.why = []string{why}
	}
	for _, h := range by {
		out.actions = append(out.actions, h.action())
		out.because = append(out.because, h.reason())
	}
	m.out = append(m.out, out)
}

var administrator = vertex{Ref: Ref{Kind: KindAdministrator}}

// cluster: what changes the cluster itself.
func (m *mover) cluster() {
	if h, ok := m.r.find(canMapPrincipals, "kube-system", "aws-auth"); ok && m.w.authMap {
		m.add(administrator, "aws-auth", Allow, "", h)
	}
	for i := range m.r.by[canHookMutations] {
		if h := &m.r.by[canHookMutations][i]; h.grant.reaches("") {
			m.add(administrator, "mutating-webhook", Conditional, "somebody with the rights must make or change an object, which the webhook then alters", h)
			break
		}
	}
	m.certificates()
}

// signers of certificates for clients of the API server.
const (
	clientSigner  = "kubernetes.io/kube-apiserver-client"
	kubeletSigner = "kubernetes.io/kube-apiserver-client-kubelet"
)

// certificates: a certificate in any name, which one asks for and approves.
func (m *mover) certificates() {
	ask, ok := m.r.find(canCreateRequests, "", "")
	approve, also := m.r.find(canApproveRequests, "", "")
	read, too := m.r.find(canGetRequests, "", "")
	if !ok || !also || !too {
		return
	}
	const provider = "the cluster must have a signer of client certificates, which some providers (EKS) turn off"
	for i := range m.r.by[canApproveForSigner] {
		h := &m.r.by[canApproveForSigner][i]
		if !h.grant.reaches("") {
			continue
		}
		signs := func(name string) bool {
			domain, _, _ := strings.Cut(name, "/")
			return h.has(name) || slices.Contains(h.names, domain+"/*")
		}
		if signs(clientSigner) {
			m.add(set(setUsers, "", true), "client-certificate", Conditional, provider, ask, approve, h, read)
			m.add(set(setGroups, "", true), "client-certificate", Conditional, provider, ask, approve, h, read)
		}
		if signs(kubeletSigner) && len(m.w.holders[Ref{Kind: KindGroup, Name: Nodes}]) > 0 {
			m.add(vertex{Ref: Ref{Kind: KindGroup, Name: Nodes}}, "client-certificate", Conditional, provider, ask, approve, h, read)
		}
	}
}
