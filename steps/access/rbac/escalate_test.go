package rbac

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rules writes what somebody called jo is given by one rule each, everywhere or
// in one namespace.
func rules(namespace string, list ...string) string {
	return role("", "r-"+namespace, list...) + bound(namespace, "ClusterRole", "r-"+namespace, jo)
}

func rule(group, resource, verbs string) string {
	return "{apiGroups: ['" + group + "'], resources: [" + resource + "], verbs: [" + verbs + "]}"
}

const (
	strongRole = "\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: strong, namespace: ml}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}" +
		"\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: strong, namespace: ml}, roleRef: {kind: Role, name: strong}, subjects: [{kind: ServiceAccount, name: trainer, namespace: ml}]}"
	mlSpace  = "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: ml}}"
	mlStrict = "\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: ml, labels: {pod-security.kubernetes.io/enforce: restricted}}}"
	trainer  = "ServiceAccount ml/trainer"
	mlPod    = "\n---\n{apiVersion: v1, kind: Pod, metadata: {name: train-0, namespace: ml}, spec: {serviceAccountName: trainer, nodeName: worker, containers: [{name: c}]}}"
	mlDeploy = "\n---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: serve, namespace: ml}, spec: {template: {spec: {serviceAccountName: trainer, containers: [{name: c}]}}}}"
)

func crd(group, plural, kind, schema string) string {
	return "\n---\n{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: " + plural + "." + group + "}, spec: {group: " + group + ", scope: Namespaced, names: {plural: " + plural + ", kind: " + kind + "}, versions: [{name: v1, schema: {openAPIV3Schema: " + schema + "}}]}}"
}

func TestEscalations(t *testing.T) {
	tests := map[string]struct {
		objects string
		want    []string // of jo: "technique: target [decision]"
	}{
		"nothing": {rules("ml", rule("", "pods", "get, list")), nil},

		"token":                       {rules("ml", rule("", "serviceaccounts/token", "create")), []string{"create-token: " + trainer}},
		"token of another":            {role("ml", "x", "{apiGroups: [''], resources: [serviceaccounts/token], verbs: [create], resourceNames: [other]}") + bound("ml", "Role", "x", jo), nil},
		"token of this one":           {role("ml", "x", "{apiGroups: [''], resources: [serviceaccounts/token], verbs: [create], resourceNames: [trainer]}") + bound("ml", "Role", "x", jo), []string{"create-token: " + trainer}},
		"accounts are no tokens":      {rules("ml", rule("", "serviceaccounts", "create, get, update")), nil},
		"impersonate an account":      {rules("ml", rule("", "serviceaccounts", "impersonate")), []string{"impersonate: " + trainer}},
		"impersonate groups":          {rules("", rule("", "'groups', 'users'", "impersonate")), []string{"impersonate: Administrator"}},
		"groups alone go with nobody": {rules("", rule("", "groups", "impersonate")), nil},
		"users in a namespace":        {rules("ml", rule("", "'groups', 'users'", "impersonate")), nil},
		"constrained impersonation":   {rules("ml", rule("authentication.k8s.io", "serviceaccounts", "'impersonate:serviceaccount'")), []string{"impersonate: " + trainer + " conditional"}},

		"make a token's secret":       {rules("ml", rule("", "secrets", "create, get")), []string{"make-token-secret: " + trainer}},
		"make but not read":           {rules("ml", rule("", "secrets", "create, update")), nil},
		"read where there is none":    {rules("ml", rule("", "secrets", "get, list")), nil},
		"read where there is a token": {rules("ml", rule("", "secrets", "list")) + "\n---\n{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: ml, annotations: {kubernetes.io/service-account.name: trainer}}, type: kubernetes.io/service-account-token}", []string{"read-token-secret: " + trainer}},

		"exec":             {rules("ml", rule("", "pods/exec", "create")) + mlPod, []string{"exec: " + trainer}},
		"exec by get":      {rules("ml", rule("", "pods/exec", "get")) + mlPod, []string{"exec: " + trainer + " conditional"}},
		"exec where none":  {rules("ml", rule("", "pods/exec", "create")), nil},
		"attach":           {rules("ml", rule("", "pods/attach", "create")) + mlPod, []string{"attach: " + trainer + " conditional"}},
		"change a pod":     {rules("ml", rule("", "pods", "patch")) + mlPod, []string{"change-pod: " + trainer}},
		"debug":            {rules("ml", rule("", "pods/ephemeralcontainers", "patch")) + mlPod, []string{"debug-container: Node", "debug-container: " + trainer}},
		"debug, held":      {rules("ml", rule("", "pods/ephemeralcontainers", "patch")) + mlPod + mlStrict, []string{"debug-container: " + trainer}},
		"kubelet":          {rules("", rule("", "nodes/proxy", "create")) + mlPod, []string{"kubelet: " + trainer}},
		"kubelet by get":   {rules("", rule("", "nodes/proxy", "get")) + mlPod, []string{"kubelet: " + trainer + " conditional"}},
		"kubelet in a ns":  {rules("ml", rule("", "nodes/proxy", "create")) + mlPod, nil},
		"scale is nothing": {rules("ml", rule("apps", "deployments/scale", "update, patch")) + mlDeploy, nil},

		"make a pod":                {rules("ml", rule("", "pods", "create")), []string{"create-pod: Node", "create-pod: " + trainer}},
		"make a pod, held":          {rules("ml", rule("", "pods", "create")) + mlStrict, []string{"create-pod: " + trainer}},
		"make a pod, lift the hold": {rules("ml", rule("", "pods", "create")) + rules("", rule("", "namespaces", "patch")) + mlStrict, []string{"create-pod: Node", "create-pod: " + trainer}},
		"make a named pod":          {role("ml", "x", "{apiGroups: [''], resources: [pods], verbs: [create], resourceNames: [a]}") + bound("ml", "Role", "x", jo), nil},
		"make a job":                {rules("ml", rule("batch", "jobs", "create")) + mlStrict, []string{"create-workload: " + trainer}},
		"change a job":              {rules("ml", rule("batch", "jobs", "patch")), nil},
		"change a deployment":       {rules("ml", rule("apps", "deployments", "patch")) + mlDeploy + mlStrict, []string{"change-workload: " + trainer}},
		"no deployment to change":   {rules("ml", rule("apps", "deployments", "patch")), nil},
		"a volume of the node":      {rules("ml", rule("", "'pods', 'persistentvolumeclaims'", "create")) + rules("", rule("", "persistentvolumes", "create")) + mlStrict, []string{"create-pod: " + trainer, "host-volume: Node"}},

		"an AI kind":               {rules("ml", rule("serving.kserve.io", "inferenceservices", "create")) + mlStrict + crd("serving.kserve.io", "inferenceservices", "InferenceService", "{type: object}"), []string{"create-ai-workload: " + trainer}},
		"an AI kind not installed": {rules("ml", rule("serving.kserve.io", "inferenceservices", "create")), nil},
		"a queue runs nothing":     {rules("ml", rule("kueue.x-k8s.io", "workloads", "create")) + crd("kueue.x-k8s.io", "workloads", "Workload", "{type: object, properties: {spec: {type: object, properties: {podSets: {type: array, items: {type: object, properties: {containers: {type: array}}}}}}}}"), nil},
		"a kind with a template":   {rules("ml", rule("x.io", "things", "create")) + crd("x.io", "things", "Thing", "{type: object, properties: {spec: {type: object, properties: {serviceAccountName: {type: string}}}}}"), []string{"create-custom-resource: " + trainer + " unknown"}},
		"a kind that may be all":   {rules("ml", rule("x.io", "things", "create")) + crd("x.io", "things", "Thing", "{type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}"), []string{"create-custom-resource: " + trainer + " unknown"}},
		"a kind without":           {rules("ml", rule("x.io", "things", "create")) + crd("x.io", "things", "Thing", "{type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}"), nil},

		"bind":                        {rules("", rule(Group, "clusterrolebindings", "create"), rule(Group, "clusterroles", "bind")), []string{"bind: Administrator"}},
		"bind without the binding":    {rules("", rule(Group, "clusterroles", "bind")), nil},
		"bindings without the bind":   {rules("", rule(Group, "clusterrolebindings", "create")), nil},
		"bind a harmless role":        {role("", "x", "{apiGroups: ['"+Group+"'], resources: [clusterroles], verbs: [bind], resourceNames: [view]}", rule(Group, "clusterrolebindings", "create")) + bound("", "ClusterRole", "x", jo) + role("", "view", rule("", "pods", "get")), nil},
		"bind a role of tokens":       {role("", "x", "{apiGroups: ['"+Group+"'], resources: [clusterroles], verbs: [bind], resourceNames: [tokens]}", rule(Group, "clusterrolebindings", "create")) + bound("", "ClusterRole", "x", jo) + role("", "tokens", rule("", "serviceaccounts/token", "create")), []string{"bind: " + trainer}},
		"bind inside":                 {rules("ml", rule(Group, "rolebindings", "create"), rule(Group, "clusterroles", "bind")) + mlStrict, []string{"bind: NamespaceAdministrator ml", "bind: Node", "bind: " + trainer}}, // who may do everything in a namespace may label it
		"escalate":                    {rules("", rule(Group, "clusterroles", "escalate, update")), []string{"escalate: Administrator"}},
		"escalate without changing":   {rules("", rule(Group, "clusterroles", "escalate, get")), nil},
		"escalate a role not one's":   {role("", "x", "{apiGroups: ['"+Group+"'], resources: [clusterroles], verbs: [escalate, update], resourceNames: [other]}") + bound("", "ClusterRole", "x", jo), nil},
		"approve":                     {rules("", rule(certificates, "certificatesigningrequests", "create, get"), rule(certificates, "certificatesigningrequests/approval", "update"), "{apiGroups: ['"+certificates+"'], resources: [signers], verbs: [approve], resourceNames: ['kubernetes.io/*']}") + bound("", "ClusterRole", "cluster-admin", "{kind: Group, name: 'kubeadm:cluster-admins'}"), []string{"client-certificate: Administrator conditional", "client-certificate: Group kubeadm:cluster-admins conditional"}},
		"approve for another signer":  {rules("", rule(certificates, "certificatesigningrequests", "create, get"), rule(certificates, "certificatesigningrequests/approval", "update"), "{apiGroups: ['"+certificates+"'], resources: [signers], verbs: [approve], resourceNames: ['acme.example/serving']}"), nil},
		"webhook":                     {rules("", rule(admission, "mutatingwebhookconfigurations", "create")), []string{"mutating-webhook: Administrator conditional"}},
		"a map of principals":         {rules("", rule("", "configmaps", "update")) + "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}}", []string{"aws-auth: Administrator"}},
		"configuration maps":          {rules("", rule("", "configmaps", "update")), nil},
		"administrators are not told": {rules("", "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}"), nil},
	}
	base := "{apiVersion: v1, kind: Node, metadata: {name: worker}}" + strongRole + mlSpace + role("", "cluster-admin", "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}")
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(strings.ReplaceAll(name, " ", "_"), ",", ""), func(t *testing.T) {
			w := world(t, base+tt.objects)
			var got []string
			for _, e := range w.Escalations(Options{From: []Ref{{Kind: KindUser, Name: "jo"}}}) {
				s := e.Technique + ": " + e.Target.String()
				if e.Decision != Allow {
					s += " " + e.Decision.String()
					if len(e.Why) == 0 {
						t.Errorf("%s: no reason", s)
					}
				}
				got = append(got, s)
				check(t, &e)
			}
			slices.Sort(got)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// check holds a way to be one: from the principal to the target without a gap.
func check(t *testing.T, e *Escalation) {
	t.Helper()
	at := e.Principal
	for _, s := range e.Path {
		if s.From != at {
			t.Errorf("%s to %s: a step begins at %s, not at %s", e.Principal, e.Target, s.From, at)
		}
		if len(s.Because) == 0 && s.Technique != "runs-as" && s.Technique != "node-credentials" && s.Technique != "node-identity" {
			t.Errorf("%s to %s: step %s has no reason", e.Principal, e.Target, s.Technique)
		}
		at = s.To
	}
	if at != e.Target {
		t.Errorf("%s to %s: ends at %s", e.Principal, e.Target, at)
	}
}

func TestChainFromANotebookToACloud(t *testing.T) {
	w := load(t, mlSpace[5:]+"\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: serving}}"+
		"\n---\n{apiVersion: v1, kind: Pod, metadata: {name: nb-0, namespace: ml}, spec: {serviceAccountName: notebook, containers: [{name: c}]}}"+
		role("", "deployer", rule("apps", "deployments", "create"))+bound("serving", "ClusterRole", "deployer", "{kind: ServiceAccount, name: notebook, namespace: ml}"))
	w.AddLink(Link{Account: Ref{KindAccount, "serving", "model"}, To: "arn:aws:iam::111122223333:role/models", Technique: "irsa", Decision: Allow, Because: []Reason{{Rule: -1, Text: "annotation"}}})
	w.Seal()
	pod := Ref{KindPod, "ml", "nb-0"}
	var got []string
	for _, e := range w.Escalations(Options{From: []Ref{pod}, Targets: []string{KindCloud}}) {
		check(t, &e)
		for _, s := range e.Path {
			got = append(got, s.Technique+" "+s.To.String())
		}
	}
	want := []string{"runs-as ServiceAccount ml/notebook", "create-workload ServiceAccount serving/model", "irsa Cloud arn:aws:iam::111122223333:role/models"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Who only speaks as an account has no token that a cloud would take.
func TestImpersonationGivesNoCloudIdentity(t *testing.T) {
	for verb, want := range map[string]int{"impersonate": 0, "create": 1} {
		resource := map[string]string{"impersonate": "serviceaccounts", "create": "serviceaccounts/token"}[verb]
		w := load(t, mlSpace[5:]+rules("ml", rule("", resource, verb)))
		w.AddLink(Link{Account: Ref{KindAccount, "ml", "trainer"}, To: "arn:aws:iam::111122223333:role/r", Technique: "irsa", Decision: Allow})
		w.Seal()
		if got := w.Escalations(Options{Targets: []string{KindCloud}}); len(got) != want {
			t.Errorf("%s: %d ways, want %d: %+v", verb, len(got), want, got)
		}
	}
}

func TestPrincipalsFromOutside(t *testing.T) {
	w := load(t, mlSpace[5:]+role("", "tokens", rule("", "serviceaccounts/token", "create"))+bound("ml", "ClusterRole", "tokens", ml)+strongRole)
	w.AddPrincipal(Principal{ID: "arn:aws:iam::111122223333:role/dev", User: "dev", Groups: []string{"ml"}, Source: "access entry"})
	w.AddPrincipal(Principal{ID: "arn:aws:iam::111122223333:role/ops", User: "ops", Groups: []string{Masters}})
	w.AddLink(Link{Account: Ref{KindAccount, "ml", "trainer"}, To: "arn:aws:iam::111122223333:role/ops", Technique: "irsa", Decision: Allow, Because: []Reason{{Rule: -1, Text: "annotation"}}})
	w.Seal()
	var got []string
	for _, e := range w.Escalations(Options{From: []Ref{{Kind: KindCloud, Name: "arn:aws:iam::111122223333:role/dev"}}}) {
		check(t, &e)
		got = append(got, e.Target.String())
	}
	want := []string{"ServiceAccount ml/trainer", "Cloud arn:aws:iam::111122223333:role/ops", "Administrator"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
