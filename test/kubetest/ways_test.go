package kubetest_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// climber is somebody who tries to give himself rights.
type climber struct {
	subject rbac.Ref
	client  kubernetes.Interface
}

func climberOf(t *testing.T, server *kubetest.Server, s rbac.Ref) climber {
	t.Helper()
	id := rbac.IdentityOf(s)
	if id.User == "" {
		id.User = "somebody"
	}
	config, err := clientcmd.BuildConfigFromFlags("", server.As(id.User, id.Groups...))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return climber{s, client}
}

// try makes requests that nothing keeps, and reports whether one was let
// through. Roles are read from a cache that may lag behind, so that an answer
// other than the expected is asked for again a while.
func try(t *testing.T, expected bool, attempts ...func() error) bool {
	t.Helper()
	for again := 0; ; again++ {
		got := false
		for _, attempt := range attempts {
			err := attempt()
			if err != nil && !apierrors.IsForbidden(err) {
				t.Fatal(err)
			}
			got = got || err == nil
		}
		if got == expected || again == 5 {
			return got
		}
		time.Sleep(300 * time.Millisecond)
	}
}

var nothingKept = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

// bind tries to bind a role to everybody, in a namespace or in the whole cluster.
func (c climber) bind(t *testing.T, namespace string, to rbacv1.RoleRef) func() error {
	subjects := []rbacv1.Subject{{APIGroup: rbac.Group, Kind: "Group", Name: "system:authenticated"}}
	to.APIGroup = rbac.Group
	return func() error {
		if namespace == "" {
			_, err := c.client.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "climb"}, RoleRef: to, Subjects: subjects}, nothingKept)
			return err
		}
		_, err := c.client.RbacV1().RoleBindings(namespace).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "climb"}, RoleRef: to, Subjects: subjects}, nothingKept)
		return err
	}
}

// widen tries to have a ClusterRole allow everything, by either way to change it.
func (c climber) widen(t *testing.T, admin kubernetes.Interface, role string) []func() error {
	return []func() error{func() error {
		_, err := c.client.RbacV1().ClusterRoles().Patch(t.Context(), role, types.MergePatchType, []byte(`{"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]}`), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}, func() error {
		r, err := admin.RbacV1().ClusterRoles().Get(t.Context(), role, metav1.GetOptions{})
		if err != nil {
			return err
		}
		r.Rules = []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}}
		_, err = c.client.RbacV1().ClusterRoles().Update(t.Context(), r, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}}
}

// join tries to be named in the binding of cluster-admin that every cluster
// begins with, by either way to change it.
func (c climber) join(t *testing.T, admin kubernetes.Interface) []func() error {
	return []func() error{func() error {
		_, err := c.client.RbacV1().ClusterRoleBindings().Patch(t.Context(), "cluster-admin", types.MergePatchType, []byte(`{"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"system:authenticated"}]}`), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}, func() error {
		b, err := admin.RbacV1().ClusterRoleBindings().Get(t.Context(), "cluster-admin", metav1.GetOptions{})
		if err != nil {
			return err
		}
		b.Subjects = append(b.Subjects, rbacv1.Subject{APIGroup: rbac.Group, Kind: "Group", Name: "system:authenticated"})
		_, err = c.client.RbacV1().ClusterRoleBindings().Update(t.Context(), b, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}}
}

// at once reports whether one step of a technique leads to a target.
func atOnce(w *rbac.World, from, target rbac.Ref, technique string) bool {
	return slices.ContainsFunc(w.Escalations(rbac.Options{From: []rbac.Ref{from}}), func(e rbac.Escalation) bool {
		same := e.Target == target || e.Target == rbac.Ref{Kind: rbac.KindNamespaceAdmin} && target.Kind == rbac.KindNamespaceAdmin
		return same && e.Technique == technique && len(e.Path) == 1 && e.Decision == rbac.Allow
	})
}

var toAdmin = rbacv1.RoleRef{Kind: "ClusterRole", Name: "cluster-admin"}

// TestBindingsOfKubeHoundAreReal tries every binding that KubeHound's attack
// manifests open, and those they do not, on a real API server: a way is told
// exactly where the server lets it through.
func TestBindingsOfKubeHoundAreReal(t *testing.T) {
	server := kubetest.Start(t)
	text, err := os.ReadFile(filepath.Join("..", "..", "steps", "access", "rbac", "testdata", "kubehound.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	objects := "{apiVersion: v1, kind: Namespace, metadata: {name: vault}}"
	for _, f := range txtar.Parse(text).Files {
		for _, doc := range strings.Split(strings.TrimSpace(string(f.Data)), "\n---\n") {
			if !strings.Contains(doc, "kind: Pod,") { // this server takes no privileged pods
				objects += "\n---\n" + doc
			}
		}
	}
	server.Apply(objects)
	admin, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	w := clusterOf(t, admin)
	let, tried := 0, 0
	check := func(s, target rbac.Ref, attempts ...func() error) {
		want := atOnce(w, s, target, "bind")
		got := try(t, want, attempts...)
		tried++
		if got {
			let++
		}
		if got != want {
			t.Errorf("%s to %s: told %v, the server lets it through: %v", s, target, want, got)
		}
	}
	for _, s := range w.Starts(rbac.Options{}) {
		c := climberOf(t, server, s)
		check(s, rbac.Ref{Kind: rbac.KindAdministrator}, c.bind(t, "", toAdmin))
		for _, ns := range []string{"default", "vault"} {
			check(s, rbac.Ref{Kind: rbac.KindNamespaceAdmin, Namespace: ns}, c.bind(t, ns, toAdmin), c.bind(t, ns, rbacv1.RoleRef{Kind: "Role", Name: "admin"}))
		}
	}
	if let < 5 || let == tried {
		t.Errorf("%d of %d attempts were let through: little was tested", let, tried)
	}
	t.Logf("%d attempts, %d let through", tried, let)
}

// TestRandomClimbersAreReal does the same with random rights over roles.
func TestRandomClimbersAreReal(t *testing.T) {
	const climbers = 60
	server := kubetest.Start(t)
	d := &dice{Rand: rand.New(rand.NewPCG(5, 23))}
	fmt.Fprint(&d.out, "{apiVersion: v1, kind: Namespace, metadata: {name: serving}}\n")
	for i := range climbers {
		var rules []string
		for range 2 + d.IntN(3) {
			names := ""
			if d.IntN(3) == 0 {
				names = ", resourceNames: " + d.some(2, "cluster-admin", fmt.Sprintf("c%d", i), "view", "system:basic-user")
			}
			rules = append(rules, fmt.Sprintf("{apiGroups: [rbac.authorization.k8s.io], resources: %s, verbs: %s%s}",
				d.some(2, "clusterroles", "roles", "clusterrolebindings", "rolebindings", "*"), d.some(3, "bind", "escalate", "create", "update", "patch", "get"), names))
		}
		namespace, kind := "", "ClusterRoleBinding"
		if d.IntN(3) == 0 {
			namespace, kind = "serving", "RoleBinding"
		}
		fmt.Fprintf(&d.out, "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: c%d}, rules: [%s]}\n", i, strings.Join(rules, ", "))
		fmt.Fprintf(&d.out, "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: c%d, namespace: %q}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: c%d}, subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: c%d}]}\n", kind, i, namespace, i, i)
	}
	server.Apply(d.out.String())
	admin, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	w := clusterOf(t, admin)
	count := map[string][2]int{}
	for i := range climbers {
		s := rbac.Ref{Kind: rbac.KindUser, Name: fmt.Sprintf("c%d", i)}
		c := climberOf(t, server, s)
		own := fmt.Sprintf("c%d", i)
		for _, x := range []struct {
			technique string
			target    rbac.Ref
			attempts  []func() error
		}{
			{"bind", rbac.Ref{Kind: rbac.KindAdministrator}, append(c.join(t, admin), c.bind(t, "", toAdmin))},
			{"bind", rbac.Ref{Kind: rbac.KindNamespaceAdmin, Namespace: "serving"}, []func() error{c.bind(t, "serving", toAdmin)}},
			// Roles that the climber has for the whole cluster: his own if it is bound so,
			// and those of everybody.
			{"escalate", rbac.Ref{Kind: rbac.KindAdministrator}, slices.Concat(c.widen(t, admin, "system:basic-user"), c.widen(t, admin, "system:discovery"), c.widenOwn(t, admin, own))},
		} {
			want := atOnce(w, s, x.target, x.technique)
			if !want && x.target.Kind == rbac.KindNamespaceAdmin && atOnce(w, s, rbac.Ref{Kind: rbac.KindAdministrator}, "bind") {
				continue // what follows from the larger is not told
			}
			got := try(t, want, x.attempts...)
			n := count[x.technique+" "+x.target.Kind]
			n[1]++
			if got {
				n[0]++
			}
			count[x.technique+" "+x.target.Kind] = n
			if got != want {
				t.Errorf("%s %s %s: told %v, the server lets it through: %v", s, x.technique, x.target, want, got)
			}
		}
	}
	for what, n := range count {
		if n[0] < 3 || n[0] == n[1] {
			t.Errorf("%s: %d of %d were let through: little was tested", what, n[0], n[1])
		}
		t.Logf("%s: %d of %d", what, n[0], n[1])
	}
}

// widenOwn tries the climber's own role, if it is bound for the whole cluster.
func (c climber) widenOwn(t *testing.T, admin kubernetes.Interface, role string) []func() error {
	if _, err := admin.RbacV1().ClusterRoleBindings().Get(t.Context(), role, metav1.GetOptions{}); err != nil {
		return nil
	}
	return c.widen(t, admin, role)
}
