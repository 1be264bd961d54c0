package rbac

import "slices"

// power is something that a rule may give and that ways begin with.
type power uint8

// The powers that ways are made of. Where a request bears a name, the power may
// be had for some names only.
const (
	canImpersonateUsers power = iota
	canImpersonateGroups
	canImpersonateAccounts
	canImpersonateAccountsIn // constrained: "impersonate:serviceaccount"
	canImpersonateUsersIn    // constrained: "impersonate:user-info"
	canImpersonateNodesIn    // constrained: "impersonate:arbitrary-node"
	canCreateRoleBindings
	canChangeRoleBindings
	canCreateClusterRoleBindings
	canChangeClusterRoleBindings
	canBindRoles
	canBindClusterRoles
	canChangeRoles
	canChangeClusterRoles
	canEscalateRoles
	canEscalateClusterRoles
	canCreateTokens
	canGetSecrets
	canListSecrets
	canCreateSecrets
	canExec
	canExecByGet
	canAttach
	canDebug // ephemeral containers
	canChangePods
	canReachKubelets
	canReachKubeletsByGet
	canReadLogs
	canReadNodeLogs
	canCreateRequests // certificate signing requests
	canApproveRequests
	canGetRequests
	canApproveForSigner
	canHookMutations
	canCreateVolumes
	canCreateClaims
	canLabelNamespaces
	canMapPrincipals
	canCreateRunners // one for each of runners, in order
)

// asked is the request a power stands for, without namespace and name.
type asked struct {
	group, resource, sub string
	verbs                []string
	named                bool // the request bears a name
}

const (
	authentication = "authentication.k8s.io"
	certificates   = "certificates.k8s.io"
	admission      = "admissionregistration.k8s.io"
)

var (
	changing = []string{"update", "patch"}
	making   = []string{"create"}
	getting  = []string{"get"}
)

// powers says what each power asks of a rule.
var powers = func() []asked {
	out := []asked{
		canImpersonateUsers:          {"", "users", "", []string{"impersonate"}, true},
		canImpersonateGroups:         {"", "groups", "", []string{"impersonate"}, true},
		canImpersonateAccounts:       {"", "serviceaccounts", "", []string{"impersonate"}, true},
		canImpersonateAccountsIn:     {authentication, "serviceaccounts", "", []string{"impersonate:serviceaccount"}, true},
		canImpersonateUsersIn:        {authentication, "users", "", []string{"impersonate:user-info"}, true},
		canImpersonateNodesIn:        {authentication, "nodes", "", []string{"impersonate:arbitrary-node"}, true},
		canCreateRoleBindings:        {Group, "rolebindings", "", making, false},
		canChangeRoleBindings:        {Group, "rolebindings", "", changing, true},
		canCreateClusterRoleBindings: {Group, "clusterrolebindings", "", making, false},
		canChangeClusterRoleBindings: {Group, "clusterrolebindings", "", changing, true},
		canBindRoles:                 {Group, "roles", "", []string{"bind"}, true},
		canBindClusterRoles:          {Group, "clusterroles", "", []string{"bind"}, true},
		canChangeRoles:               {Group, "roles", "", changing, true},
		canChangeClusterRoles:        {Group, "clusterroles", "", changing, true},
		canEscalateRoles:             {Group, "roles", "", []string{"escalate"}, true},
		canEscalateClusterRoles:      {Group, "clusterroles", "", []string{"escalate"}, true},
		canCreateTokens:              {"", "serviceaccounts", "token", making, true},
		canGetSecrets:                {"", "secrets", "", getting, true},
		canListSecrets:               {"", "secrets", "", []string{"list", "watch"}, true},
		canCreateSecrets:             {"", "secrets", "", making, false},
		canExec:                      {"", "pods", "exec", making, true},
		canExecByGet:                 {"", "pods", "exec", getting, true},
		canAttach:                    {"", "pods", "attach", making, true},
		canDebug:                     {"", "pods", "ephemeralcontainers", changing, true},
		canChangePods:                {"", "pods", "", changing, true},
		canReachKubelets:             {"", "nodes", "proxy", making, true},
		canReachKubeletsByGet:        {"", "nodes", "proxy", getting, true},
		canReadLogs:                  {"", "pods", "log", getting, true},
		canReadNodeLogs:              {"", "nodes", "log", getting, true},
		canCreateRequests:            {certificates, "certificatesigningrequests", "", making, false},
		canApproveRequests:           {certificates, "certificatesigningrequests", "approval", changing, true},
		canGetRequests:               {certificates, "certificatesigningrequests", "", []string{"get", "list", "watch"}, true},
		canApproveForSigner:          {certificates, "signers", "", []string{"approve"}, true},
		canHookMutations:             {admission, "mutatingwebhookconfigurations", "", append(slices.Clone(making), changing...), true},
		canCreateVolumes:             {"", "persistentvolumes", "", making, false},
		canCreateClaims:              {"", "persistentvolumeclaims", "", making, false},
		canLabelNamespaces:           {"", "namespaces", "", changing, true},
		canMapPrincipals:             {"", "configmaps", "", changing, true},
	}
	for _, r := range runners {
		out = append(out, asked{r.group, r.resource, "", making, false})
	}
	for _, r := range runners {
		if !r.changes {
			out = append(out, asked{})
			continue
		}
		out = append(out, asked{r.group, r.resource, "", changing, true})
	}
	return out
}()

// createRunner and changeRunner are the powers over the i-th of runners.
func createRunner(i int) power { return canCreateRunners + power(i) }
func changeRunner(i int) power { return canCreateRunners + power(len(runners)+i) }

// hold is a power as a rule of a role gives it.
type hold struct {
	rule int
	verb string
	// names it is limited to; nil if to none.
	names []string
}

// powersOf lists the powers that a role gives, each rule on its own: a single
// request is always allowed by a single rule.
func (r *Role) powersOf() map[power][]hold {
	out := map[power][]hold{}
	for n := range r.index.rules {
		c := &r.index.rules[n]
		if len(c.resources) == 0 {
			continue
		}
		for p := range powers {
			a := &powers[p]
			if a.resource == "" || !c.groups.has(a.group) || !c.names.all && !a.named {
				continue
			}
			if !slices.ContainsFunc(c.resources, func(x resourcePattern) bool { return x.has(a.resource, a.sub) }) {
				continue
			}
			fits := func(verb string) bool {
				bears := verb != "create" || a.sub != "" // what is being made bears no name yet
				return c.verbs.has(verb) && (c.names.all || bears)
			}
			if i := slices.IndexFunc(a.verbs, fits); i >= 0 {
				h := hold{rule: n, verb: a.verbs[i]}
				if !c.names.all {
					h.names = c.names.in
				}
				out[power(p)] = append(out[power(p)], h)
			}
		}
	}
	return out
}

// action spells a power as the command line takes it.
func (p power) action(verb string) string {
	a := &powers[p]
	s := "k8s:" + verb + ":" + a.group + "/" + a.resource
	if a.sub != "" {
		s += "/" + a.sub
	}
	return s
}
