package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	provider "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// objects makes a snapshot of manifests as the provider understands them. The
// types named were listed to the end.
func objects(t testing.TB, text string, covered ...string) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	for _, doc := range strings.Split(text, "\n---\n") {
		config, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		var o struct {
			APIVersion, Kind string
			Metadata         struct {
				Name, Namespace string
				Labels          map[string]string
			}
		}
		if err := json.Unmarshal(config, &o); err != nil {
			t.Fatal(err)
		}
		group, _, found := strings.Cut(o.APIVersion, "/")
		if !found {
			group = ""
		}
		b.Asset(estate.Asset{
			ID: provider.ID("c", o.Metadata.Namespace, group, o.Kind, o.Metadata.Name), Type: o.APIVersion + "/" + o.Kind,
			Cloud: estate.Kubernetes, Account: "c", Region: o.Metadata.Namespace, Name: o.Metadata.Name, Tags: o.Metadata.Labels,
			Config: config, Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}},
		})
	}
	for _, typ := range covered {
		b.Covered(estate.Coverage{Type: rbacTypes + typ, Account: "c"})
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Understood(context.Background(), provider.Understand); err != nil {
		t.Fatal(err)
	}
	assets, relations, err := provider.Derive(s)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.With(assets, relations, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// everything is what a cluster lists of RBAC.
var everything = []string{"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}

// targets are what the cases ask about.
const targets = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm, namespace: serving}
spec: {template: {spec: {serviceAccountName: runner, containers: [{name: m, image: vllm/vllm-openai}]}}}
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: serving}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: serving}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec: {}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rayclusteren.ray.io}
spec: {group: ray.io, names: {kind: RayCluster, plural: rayclusteren}}
---
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: ray, namespace: serving}
spec: {}
`

// role and bound write a Role with one rule and a binding of it.
func role(namespace, name, rule string) string {
	kind := "Role"
	if namespace == "" {
		kind = "ClusterRole"
	}
	return fmt.Sprintf("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: %s, namespace: %q}\nrules: [%s]\n", kind, name, namespace, rule)
}

func bound(namespace, roleKind, name, subject string) string {
	kind := "RoleBinding"
	if namespace == "" {
		kind = "ClusterRoleBinding"
	}
	return fmt.Sprintf("---\napiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata: {name: %s, namespace: %q}\nroleRef: {kind: %s, name: %s}\nsubjects: [%s]\n", kind, name, namespace, roleKind, name, subject)
}

// ask lists the principals and actions for one asset of the cluster.
func ask(t testing.TB, s *estate.Snapshot, id string) Entry {
	t.Helper()
	out, _, err := Direct(context.Background(), s, []finding.Workload{{ID: "w", Roots: []string{id}}})
	if err != nil || len(out) != 1 {
		t.Fatalf("%d entries for %s, %v", len(out), id, err)
	}
	return out[0]
}

func named(e Entry) []string {
	out := []string{}
	for _, g := range e.Grants {
		out = append(out, g.Class+" "+strings.TrimPrefix(g.Principal, "k8s://c/")+": "+strings.Join(g.Actions, " "))
	}
	return out
}

const (
	deployment = "k8s://c/serving/Deployment/llm"
	secret     = "k8s://c/serving/Secret/token"
	disk       = "k8s://c//PersistentVolume/disk"
	ray        = "k8s://c/serving/RayCluster.ray.io/ray"
	jo         = "{kind: User, name: jo}"
	joIs       = "user /User/jo: "
)

func TestWhoMayTouchAnObject(t *testing.T) {
	tests := map[string]struct {
		rbac, asset string
		want        []string
	}{
		"reads_by_role":              {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get, create]}`) + bound("serving", "Role", "r", jo), secret, []string{joIs + "k8s:get:/secrets"}},
		"of_another_namespace":       {role("other", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("other", "Role", "r", jo), secret, nil},
		"cluster_role_in_namespace":  {role("", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("serving", "ClusterRole", "r", jo), secret, []string{joIs + "k8s:get:/secrets"}},
		"bound_in_another_namespace": {role("", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("other", "ClusterRole", "r", jo), secret, nil},
		"cluster_wide":               {role("", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("", "ClusterRole", "r", jo), secret, []string{joIs + "k8s:get:/secrets"}},
		"cluster_scoped_asset":       {role("", "r", `{apiGroups: [""], resources: [persistentvolumes], verbs: [patch]}`) + bound("", "ClusterRole", "r", jo), disk, []string{joIs + "k8s:patch:/persistentvolumes"}},
		"namespace_gives_no_volume":  {role("", "r", `{apiGroups: [""], resources: [persistentvolumes], verbs: [patch]}`) + bound("serving", "ClusterRole", "r", jo), disk, nil},
		"of_that_name":               {role("serving", "r", `{apiGroups: [""], resources: [secrets], resourceNames: [other, token], verbs: [get, deletecollection]}`) + bound("serving", "Role", "r", jo), secret, []string{joIs + "k8s:get:/secrets"}},
		"of_another_name":            {role("serving", "r", `{apiGroups: [""], resources: [secrets], resourceNames: [tok], verbs: [get]}`) + bound("serving", "Role", "r", jo), secret, nil},
		"creates_only":               {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [create]}`) + bound("serving", "Role", "r", jo), secret, nil},
		"all_groups":                 {role("serving", "r", `{apiGroups: ["*"], resources: [secrets], verbs: [watch]}`) + bound("serving", "Role", "r", jo), secret, []string{joIs + "k8s:watch:/secrets"}},
		"another_group":              {role("serving", "r", `{apiGroups: [apps], resources: [secrets], verbs: [get]}`) + bound("serving", "Role", "r", jo), secret, nil},
		"all_resources_of_the_group": {role("serving", "r", `{apiGroups: [""], resources: ["*"], verbs: [list]}`) + bound("serving", "Role", "r", jo), secret, []string{joIs + "k8s:list:/secrets"}},
		"execs":                      {role("serving", "r", `{apiGroups: [""], resources: [pods/exec], verbs: [create]}`) + bound("serving", "Role", "r", jo), deployment, []string{joIs + "k8s:create:/pods/exec"}},
		"execs_into_its_pod":         {role("serving", "r", `{apiGroups: [""], resources: [pods/exec], resourceNames: [llm-7d9-x], verbs: [get]}`) + bound("serving", "Role", "r", jo), deployment, []string{joIs + "k8s:get:/pods/exec"}},
		"execs_into_a_pod_so_named":  {role("serving", "r", `{apiGroups: [""], resources: [pods/exec], resourceNames: [llm], verbs: [get]}`) + bound("serving", "Role", "r", jo), deployment, nil},
		"execs_into_anothers_pod":    {role("serving", "r", `{apiGroups: [""], resources: [pods/exec], resourceNames: [llmx-1], verbs: [get]}`) + bound("serving", "Role", "r", jo), deployment, nil},
		"pods_are_not_exec":          {role("serving", "r", `{apiGroups: [""], resources: [pods], verbs: ["*"]}`) + bound("serving", "Role", "r", jo), deployment, nil},
		"exec_of_every_resource":     {role("serving", "r", `{apiGroups: ["*"], resources: ["*/exec"], verbs: [create]}`) + bound("serving", "Role", "r", jo), deployment, []string{joIs + "k8s:create:/pods/exec"}},
		"pods_star_is_nothing":       {role("serving", "r", `{apiGroups: ["*"], resources: ["pods/*"], verbs: ["*"]}`) + bound("serving", "Role", "r", jo), deployment, nil},
		"scales":                     {role("serving", "r", `{apiGroups: [apps], resources: [deployments/scale], verbs: [get, patch]}`) + bound("serving", "Role", "r", jo), deployment, []string{joIs + "k8s:patch:apps/deployments/scale"}},
		"no_exec_into_a_secret":      {role("serving", "r", `{apiGroups: [""], resources: [pods/exec], verbs: [create]}`) + bound("serving", "Role", "r", jo), secret, nil},
		"impersonates":               {role("", "r", `{apiGroups: [""], resources: [serviceaccounts], resourceNames: [runner], verbs: [impersonate]}`) + bound("", "ClusterRole", "r", jo), deployment, []string{joIs + "k8s:impersonate:/serviceaccounts"}},
		"impersonates_another":       {role("", "r", `{apiGroups: [""], resources: [serviceaccounts], resourceNames: [unner], verbs: [impersonate]}`) + bound("", "ClusterRole", "r", jo), deployment, nil},
		"impersonates_users":         {role("", "r", `{apiGroups: [""], resources: [users], verbs: [impersonate]}`) + bound("", "ClusterRole", "r", jo), deployment, nil},
		"makes_tokens":               {role("serving", "r", `{apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]}`) + bound("serving", "Role", "r", jo), deployment, []string{joIs + "k8s:create:/serviceaccounts/token"}},
		"custom_plural":              {role("serving", "r", `{apiGroups: [ray.io], resources: [rayclusteren], verbs: [delete]}`) + bound("serving", "Role", "r", jo), ray, []string{joIs + "k8s:delete:ray.io/rayclusteren"}},
		"custom_guess_is_not_asked":  {role("serving", "r", `{apiGroups: [ray.io], resources: [rayclusters], verbs: [delete]}`) + bound("serving", "Role", "r", jo), ray, nil},
		"urls_only":                  {role("", "r", `{nonResourceURLs: ["*"], verbs: ["*"]}`) + bound("", "ClusterRole", "r", jo), deployment, nil},
		"no_rules":                   {role("", "r", "") + bound("", "ClusterRole", "r", jo), deployment, nil},
		"subjects_by_class": {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: ["*"]}`) + bound("serving", "Role", "r",
			`{kind: Group, name: "system:authenticated"}, {kind: Group, name: ml}, {kind: Group, name: "system:serviceaccounts:ci"}, {kind: ServiceAccount, name: runner}, {kind: User, name: "system:kube-scheduler"}, {kind: User, name: "system:serviceaccount:ci:bot"}, {kind: User, name: "system:anonymous"}`), secret, []string{
			"group /Group/ml: k8s:*:/secrets", "everyone /Group/system:authenticated: k8s:*:/secrets", "machine /Group/system:serviceaccounts:ci: k8s:*:/secrets",
			"everyone /User/system:anonymous: k8s:*:/secrets", "service /User/system:kube-scheduler: k8s:*:/secrets",
			"machine ci/ServiceAccount/bot: k8s:*:/secrets", "machine serving/ServiceAccount/runner: k8s:*:/secrets"}},
		"aggregated": {"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {into: r}}]}\n" +
			"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: part, labels: {into: r}}\nrules: [{apiGroups: [\"\"], resources: [secrets], verbs: [get]}]\n" +
			bound("", "ClusterRole", "r", jo), secret, []string{joIs + "k8s:get:/secrets"}},
		"two_rules_of_one_role": {role("serving", "r", `{apiGroups: [apps], resources: [deployments], verbs: [get]}, {apiGroups: [apps], resources: [deployments], resourceNames: [llm], verbs: [patch]}`) + bound("serving", "Role", "r", jo), deployment,
			[]string{joIs + "k8s:get:apps/deployments", joIs + "k8s:patch:apps/deployments"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := ask(t, objects(t, strings.TrimPrefix(targets+tt.rbac, "\n"), everything...), tt.asset)
			if d := cmp.Diff(append([]string{}, tt.want...), named(e)); d != "" {
				t.Errorf("named (-want +got):\n%s", d)
			}
			if len(e.Unread) > 0 {
				t.Errorf("all was read, yet others perhaps: %q", e.Unread)
			}
		})
	}
}

// TestWhatWasNotReadMayNameOthers: who is missing for want of a role or a list
// is not said to have no access.
func TestWhatWasNotReadMayNameOthers(t *testing.T) {
	good := role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("serving", "Role", "r", jo)
	tests := map[string]struct {
		rbac    string
		covered []string
		asset   string
		want    []string
	}{
		"nothing_listed": {good, nil, secret, []string{"not every ClusterRole of c was listed", "not every ClusterRoleBinding of c was listed",
			"not every Role of c was listed", "not every RoleBinding of c was listed"}},
		"roles_of_no_namespace_matter_to_none": {good, []string{"ClusterRole", "ClusterRoleBinding"}, disk, nil},
		"role_not_read": {bound("serving", "Role", "gone", jo), everything, secret,
			[]string{"k8s://c/serving/Role/gone was not read: what it allows is unknown"}},
		"role_of_another_namespace": {bound("other", "Role", "gone", jo), everything, secret, nil},
		"role_damaged": {role("serving", "r", `{apiGroups: "secrets", resources: [secrets], verbs: [get]}`) + bound("serving", "Role", "r", jo), everything, secret,
			[]string{"k8s://c/serving/Role/r could not be understood: what it allows is unknown"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := ask(t, objects(t, strings.TrimPrefix(targets+tt.rbac, "\n"), tt.covered...), tt.asset)
			if d := cmp.Diff(tt.want, e.Unread); d != "" {
				t.Errorf("unread (-want +got):\n%s", d)
			}
		})
	}
}

// TestSharedAnswersStayApart: assets of one namespace share their answer, but
// not what is limited to a name.
func TestSharedAnswersStayApart(t *testing.T) {
	text := targets
	for _, name := range []string{"a", "b"} {
		text += fmt.Sprintf("---\napiVersion: v1\nkind: Secret\nmetadata: {name: %s, namespace: serving}\n", name)
	}
	text += role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("serving", "Role", "r", jo) +
		role("serving", "named", `{apiGroups: [""], resources: [secrets], resourceNames: [b], verbs: [patch]}`) + bound("serving", "Role", "named", "{kind: User, name: al}")
	s := objects(t, strings.TrimPrefix(text, "\n"), everything...)
	ids := []string{"k8s://c/serving/Secret/a", "k8s://c/serving/Secret/b", secret}
	out, _, err := Direct(context.Background(), s, []finding.Workload{{ID: "w", Roots: ids}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, e := range out {
		got[e.Asset] = named(e)
	}
	get := joIs + "k8s:get:/secrets"
	want := map[string][]string{ids[0]: {get}, ids[1]: {"user /User/al: k8s:patch:/secrets", get}, ids[2]: {get}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("named (-want +got):\n%s", d)
	}
	if !slices.IsSortedFunc(out[1].Grants, func(a, b *Grant) int { return strings.Compare(a.Principal, b.Principal) }) {
		t.Errorf("grants are not in order: %v", named(out[1]))
	}
}

func TestPlural(t *testing.T) {
	for kind, want := range map[string]string{
		"Deployment": "deployments", "NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "Endpoints": "endpoints",
		"Gateway": "gateways", "Milvus": "milvuses", "Secret": "secrets", "Y": "ys", "": "s",
	} {
		if got := plural(kind); got != want {
			t.Errorf("%s: got %s, want %s", kind, got, want)
		}
	}
}
