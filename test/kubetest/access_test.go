package kubetest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// asking is one question to the API server's own authorizer.
type asking struct {
	asset, namespace, name     string
	verb, group, resource, sub string
	user, principal            string
	groups                     []string
}

const accessObjects = `
apiVersion: v1
kind: Namespace
metadata: {name: serving}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: serving}
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: serving}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: llm, namespace: serving}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: llm, namespace: serving}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec: {serviceAccountName: runner, containers: [{name: m, image: vllm/vllm-openai}]}
`

// randomRoles writes roles and bindings of every form, the same every time.
func randomRoles() string {
	r := rand.New(rand.NewPCG(7, 41))
	some := func(from ...string) string {
		var out []string
		for _, i := range r.Perm(len(from))[:1+r.IntN(2)] {
			out = append(out, fmt.Sprintf("%q", from[i]))
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	var b strings.Builder
	for i := range 150 {
		namespace, kind, bindingKind := []string{"serving", "serving", "other", ""}[i%4], "Role", "RoleBinding"
		if namespace == "" || i%3 == 0 {
			kind = "ClusterRole"
		}
		if namespace == "" {
			bindingKind = "ClusterRoleBinding"
		}
		names := ""
		if r.IntN(2) == 0 {
			names = ", resourceNames: " + some("token", "llm", "llm-0", "runner", "else")
		}
		place := ""
		if namespace != "" {
			place = ", namespace: " + namespace
		}
		rolePlace := place
		if kind == "ClusterRole" {
			rolePlace = ""
		}
		// Few rules are wide, else everybody may do everything.
		groups := some("", "apps")
		resources := some("secrets", "configmaps", "deployments", "deployments/scale", "pods/exec", "pods", "serviceaccounts", "*/exec", "pods/*", "serviceaccounts/token")
		verbs := some("get", "list", "watch", "update", "patch", "delete", "deletecollection", "create", "impersonate")
		switch i % 15 {
		case 3:
			groups = `["*"]`
		case 7:
			resources = `["*"]`
		case 11:
			verbs = `["*"]`
		}
		subject := []string{"{apiGroup: rbac.authorization.k8s.io, kind: User, name: u%d}", "{apiGroup: rbac.authorization.k8s.io, kind: Group, name: g%d}",
			"{kind: ServiceAccount, name: s%d, namespace: other}"}[r.IntN(3)]
		fmt.Fprintf(&b, `
---
apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: r%d%s}
rules: [{apiGroups: %s, resources: %s, verbs: %s%s}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: r%d%s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: r%d}
subjects: [%s]
`, kind, i, rolePlace, groups, resources, verbs, names, bindingKind, i, place, kind, i, fmt.Sprintf(subject, r.IntN(6)))
	}
	return b.String()
}

// askings are all questions about the objects by all subjects.
func askings() []asking {
	var out []asking
	about := func(asset, group, resource, sub, name string, verbs ...string) {
		for _, verb := range verbs {
			a := asking{asset: asset, namespace: "serving", name: name, verb: verb, group: group, resource: resource, sub: sub}
			for i := range 6 {
				u, g, s := a, a, a
				u.user, u.principal = fmt.Sprintf("u%d", i), fmt.Sprintf("k8s://test//User/u%d", i)
				g.user, g.groups, g.principal = "nobody", []string{fmt.Sprintf("g%d", i)}, fmt.Sprintf("k8s://test//Group/g%d", i)
				s.user, s.principal = fmt.Sprintf("system:serviceaccount:other:s%d", i), fmt.Sprintf("k8s://test/other/ServiceAccount/s%d", i)
				out = append(out, u, g, s)
			}
		}
	}
	object := []string{"get", "list", "watch", "update", "patch", "delete", "deletecollection"}
	about("k8s://test/serving/Secret/token", "", "secrets", "", "token", object...)
	about("k8s://test/serving/ConfigMap/llm", "", "configmaps", "", "llm", object...)
	llm := "k8s://test/serving/Deployment/llm"
	about(llm, "apps", "deployments", "", "llm", object...)
	about(llm, "apps", "deployments", "scale", "llm", "update", "patch")
	about(llm, "", "pods", "exec", "llm-0", "get", "create")
	about(llm, "", "serviceaccounts", "", "runner", "impersonate")
	about(llm, "", "serviceaccounts", "token", "runner", "create")
	return out
}

// TestAccessAgreesWithTheAuthorizer compares whom access names with what the
// API server's own authorizer answers to the same questions.
func TestAccessAgreesWithTheAuthorizer(t *testing.T) {
	server := kubetest.Start(t)
	server.Apply(accessObjects + randomRoles())
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	s := understood(t, server)
	entries, problems, err := access.Direct(t.Context(), s, []finding.Workload{{ID: "w", Roots: []string{
		"k8s://test/serving/Secret/token", "k8s://test/serving/ConfigMap/llm", "k8s://test/serving/Deployment/llm"}}})
	if err != nil || len(entries) != 3 || len(problems) > 0 {
		t.Fatalf("%d entries, %v, problems %v", len(entries), err, problems)
	}
	may := map[string]bool{}
	for _, e := range entries {
		if len(e.Unread) > 0 {
			t.Errorf("%s: perhaps others: %q", e.Asset, e.Unread)
		}
		for _, g := range e.Grants {
			for _, a := range g.Actions {
				may[e.Asset+" "+g.Principal+" "+a] = true
			}
		}
	}
	allowed := 0
	for _, q := range askings() {
		resource := strings.TrimSuffix(q.resource+"/"+q.sub, "/")
		action := func(verb string) string { return "k8s:" + verb + ":" + q.group + "/" + resource }
		got := may[q.asset+" "+q.principal+" "+action(q.verb)] || may[q.asset+" "+q.principal+" "+action("*")]
		want := permitted(t, client, q, got)
		if q.verb == "deletecollection" && got && !want && may[q.asset+" "+q.principal+" "+action("*")] {
			continue // "*" of a rule limited to names, which such a request bears none of
		}
		if want {
			allowed++
		}
		if got != want {
			t.Errorf("%s %s on %s: named %v, the authorizer says %v", q.principal, action(q.verb), q.asset, got, want)
		}
	}
	if allowed < 50 {
		t.Errorf("only %d of %d questions were allowed: little was tested", allowed, len(askings()))
	}
}

// permitted asks the authorizer. It reads roles from its own cache, which may
// lag behind: an answer other than the expected is asked for again a while.
func permitted(t *testing.T, client dynamic.Interface, q asking, expected bool) bool {
	t.Helper()
	name := q.name
	if q.verb == "deletecollection" {
		name = "" // the request bears none
	}
	groups := []any{}
	for _, g := range q.groups {
		groups = append(groups, g)
	}
	review := map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": map[string]any{
		"user": q.user, "groups": groups, "resourceAttributes": map[string]any{"namespace": q.namespace, "verb": q.verb, "group": q.group,
			"resource": q.resource, "subresource": q.sub, "name": name}}}
	reviews := client.Resource(schema.GroupVersionResource{Group: "authorization.k8s.io", Version: "v1", Resource: "subjectaccessreviews"})
	for try := 0; ; try++ {
		r, err := reviews.Create(t.Context(), &unstructured.Unstructured{Object: review}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		allowed, _, err := unstructured.NestedBool(r.Object, "status", "allowed")
		if err != nil {
			t.Fatal(err)
		}
		if allowed == expected || try == 5 {
			return allowed
		}
		time.Sleep(300 * time.Millisecond)
	}
}
