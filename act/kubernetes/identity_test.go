package kubernetes

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

func TestSubject(t *testing.T) {
	for _, c := range []struct{ principal, want, wrong string }{
		{"", "", ""},
		{"arn:aws:iam::111122223333:role/responder", "", ""},
		{"system:serviceaccount:ml:responder", "system:serviceaccount:ml:responder", ""},
		{"k8s://prod/ml/ServiceAccount/responder", "system:serviceaccount:ml:responder", ""},
		{"k8s://prod//User/oidc:ana@acme.example", "oidc:ana@acme.example", ""},
		{"k8s://prod//User/https://idp.acme.example#ana", "https://idp.acme.example#ana", ""},
		{"ana@acme.example", "ana@acme.example", ""},
		{"k8s://prod//Group/oncall", "", "is a group"},
		{"k8s://prod/ml/Deployment/score", "", "names nobody"},
		{"k8s://prod/ml/ServiceAccount/", "", "names nobody"},
		{"k8s://", "", "names nobody"},
		{"system:serviceaccount:ml", "", "is no service account"},
		{"system:serviceaccount::responder", "", "is no service account"},
		{"system:serviceaccount:ml:responder:x", "", "is no service account"},
		{"system:serviceaccount:ml/responder:x", "", "is no service account"},
		{"ana\r\nImpersonate-Group: system:masters", "", "is no name of a user"},
	} {
		got, err := Subject(c.principal)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%q: %q, %v", c.principal, got, err)
		}
	}
}

// Containment is done as the responder, whoever the kubeconfig's user is, where that may act as
// it, and by nobody else's rights.
func TestActsAsTheResponder(t *testing.T) {
	const account = "system:serviceaccount:ml:responder"
	s := kubetest.Start(t, kubetest.Users(map[string]string{"token-of-runner": "runner", "token-of-narrow": "narrow", "token-of-other": "other", "token-of-account": account}))
	s.Apply(`apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: score, namespace: ml}
spec:
  replicas: 3
  selector: {matchLabels: {app: score}}
  template: {metadata: {labels: {app: score}}, spec: {containers: [{name: m, image: vllm/vllm-openai}]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: responds, namespace: ml}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [get, update]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: responds, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: responds}
subjects: [{kind: ServiceAccount, name: responder, namespace: ml}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: acts-as-the-responder, namespace: ml}
rules: [{apiGroups: [""], resources: [serviceaccounts], resourceNames: [responder], verbs: [impersonate]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: acts-as-the-responder, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: acts-as-the-responder}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: runner}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: acts-as-the-responder-for-this, namespace: ml}
rules:
- {apiGroups: [authentication.k8s.io], resources: [serviceaccounts], resourceNames: [responder], verbs: ["impersonate:serviceaccount"]}
- {apiGroups: [apps], resources: [deployments], verbs: ["impersonate-on:serviceaccount:get", "impersonate-on:serviceaccount:update"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: acts-as-the-responder-for-this, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: acts-as-the-responder-for-this}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: narrow}]
`)
	scale := func(token, subject string) *Action {
		t.Helper()
		d, entry, err := Connect(kubeconfigOf(t, s, token), "", subject)
		if err != nil || entry != "test" {
			t.Fatalf("%s %v", entry, err)
		}
		return find(t, Actions(d, entry), "k8s.scale-to-zero")
	}
	ctx := context.Background()
	const target, job = "k8s://test/ml/Deployment/score", "k8s://test/ml/StatefulSet/score"

	// By plain impersonation, and by that which names what may be done so (Kubernetes 1.36).
	for _, token := range []string{"token-of-runner", "token-of-narrow"} {
		a := scale(token, account)
		prior, err := a.Read(ctx, target, nil)
		if err != nil {
			t.Fatal(token, err)
		}
		if err := a.Set(ctx, target, nil, prior); err != nil {
			t.Fatal(token, err)
		}
		now, err := a.Read(ctx, target, nil)
		if err != nil || !a.Holds(target, nil, now, prior) {
			t.Fatalf("%s: %s %v", token, now, err)
		}
		if err := a.Put(ctx, target, nil, prior); err != nil {
			t.Fatal(token, err)
		}
		if u := deployment(t, s.Config); u.Object["spec"].(map[string]any)["replicas"] != int64(3) {
			t.Errorf("%s: %v", token, u.Object["spec"])
		}
	}
	// What is not among what may be done so is refused to who asks, whatever the responder may.
	var refused *ActAsError
	if _, err := scale("token-of-narrow", account).Read(ctx, job, nil); !errors.As(err, &refused) {
		t.Errorf("beyond what is named: %v", err)
	}
	a := scale("token-of-runner", account)
	// What the responder may not is refused to it by name, and is no matter of acting as it.
	if _, err := a.Read(ctx, job, nil); err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), account) {
		t.Errorf("%v", err)
	}
	// Without being acted as, the user has nothing of it.
	if _, err := scale("token-of-runner", "").Read(ctx, target, nil); err == nil || !strings.Contains(err.Error(), `"runner"`) {
		t.Errorf("%v", err)
	}
	for _, c := range []struct{ token, subject, hint string }{
		{"token-of-other", account, `{apiGroups: [""], resources: [serviceaccounts], resourceNames: ["responder"], verbs: [impersonate]}, by a Role in namespace ml`},
		{"token-of-runner", "ana@acme.example", `resources: [users], resourceNames: ["ana@acme.example"]`},
	} {
		_, err := scale(c.token, c.subject).Read(ctx, target, nil)
		if !errors.As(err, &refused) || refused.Subject != c.subject || !strings.Contains(err.Error(), "may not act as "+c.subject) || !strings.Contains(err.Error(), "cannot impersonate") || !strings.Contains(err.Error(), c.hint) {
			t.Errorf("%s as %s: %v", c.token, c.subject, err)
		}
	}
	// Who is the responder needs no right to act as it.
	if _, err := scale("token-of-account", account).Read(ctx, target, nil); err != nil {
		t.Errorf("by itself: %v", err)
	}
	if _, err := scale("nonsense", account).Read(ctx, target, nil); err == nil || errors.As(err, &refused) {
		t.Errorf("a token of nobody: %v", err)
	}
}

// An API server that does not say who asks is no reason to act as somebody else: it is asked to
// take requests as the responder's, or, where it is in trouble, asked again.
func TestActsAsWithoutAnAnswer(t *testing.T) {
	status, asked := http.StatusServiceUnavailable, 0
	var as []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, reviewPath) {
			asked++
			w.WriteHeader(status)
			return
		}
		as = append(as, q.Header.Get("Impersonate-User"))
		w.WriteHeader(http.StatusNotFound)
	}))
	defer srv.Close()
	by, err := actAs(&rest.Config{Host: srv.URL + "/below"}, "ana")
	if err != nil {
		t.Fatal(err)
	}
	defer by.CloseIdleConnections()
	get := func() error {
		r, err := by.Get(srv.URL + "/below/api")
		if err == nil {
			_ = r.Body.Close()
		}
		return err
	}
	if err := get(); err == nil || len(as) != 0 || !strings.Contains(err.Error(), "503") {
		t.Errorf("%v %v", err, as)
	}
	status = http.StatusNotFound
	for range 2 {
		if err := get(); err != nil {
			t.Error(err)
		}
	}
	if asked != 2 || len(as) != 2 || as[0] != "ana" || as[1] != "ana" {
		t.Errorf("asked %d times, %q", asked, as)
	}
}

// kubeconfigOf is a kubeconfig of who bears a token.
func kubeconfigOf(t *testing.T, s *kubetest.Server, token string) string {
	t.Helper()
	c, err := clientcmd.LoadFromFile(s.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	c.AuthInfos = map[string]*clientcmdapi.AuthInfo{"admin": {Token: token}}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func find(t *testing.T, all []*Action, id string) *Action {
	t.Helper()
	for _, a := range all {
		if a.ID() == id {
			return a
		}
	}
	t.Fatalf("there is no %s", id)
	return nil
}

// deployment is what was scaled, as the administrator sees it.
func deployment(t *testing.T, config *rest.Config) *unstructured.Unstructured {
	t.Helper()
	d, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	u, err := d.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).Namespace("ml").Get(context.Background(), "score", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// What an action lists beside its target is among the grants that are printed for it.
func TestGrantsOfWhatIsListed(t *testing.T) {
	grants := find(t, Actions(nil, ""), "k8s.undo-rollout").Grants("k8s://test/ml/Deployment/score", nil)
	if got := strings.Join(grants["deployments.apps in namespace ml"], " "); len(grants) != 1 || got != "k8s:get:apps/deployments k8s:list:apps/replicasets k8s:update:apps/deployments" {
		t.Errorf("%v", grants)
	}
}
