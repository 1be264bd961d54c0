package kubetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	authorization "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// dice writes roles and bindings of every form the API server takes, the same
// every time.
type dice struct {
	*rand.Rand
	out strings.Builder
}

func (d *dice) one(from ...string) string { return from[d.IntN(len(from))] }

func (d *dice) some(most int, from ...string) string {
	var out []string
	for _, i := range d.Perm(len(from))[:1+d.IntN(most)] {
		out = append(out, fmt.Sprintf("%q", from[i]))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

var (
	diceVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "impersonate", "bind", "escalate", "approve", "use",
		"impersonate:user-info", "impersonate-on:user-info:list"}
	diceGroups    = []string{"", "apps", "batch", "rbac.authorization.k8s.io", "certificates.k8s.io", "serving.kserve.io", "authentication.k8s.io"}
	diceResources = []string{"pods", "pods/exec", "pods/log", "secrets", "deployments", "deployments/scale", "jobs", "serviceaccounts", "serviceaccounts/token", "roles", "clusterroles",
		"users", "groups", "uids", "userextras/scopes", "nodes", "nodes/proxy", "signers", "inferenceservices", "*/scale", "*/exec", "pods/*", "*/*"}
	diceNames  = []string{"a", "b", "system:masters", "kubernetes.io/kube-apiserver-client", "*"}
	diceSpaces = []string{"", "serving", "training"}
	diceURLs   = []string{"/healthz", "/healthz/*", "/metrics", "/logs/*", "/*"}
)

func (d *dice) rule(cluster bool) string {
	if cluster && d.IntN(8) == 0 {
		return fmt.Sprintf("{nonResourceURLs: %s, verbs: %s}", d.some(2, diceURLs[:4]...), d.some(2, "get", "post", "put"))
	}
	verbs, groups, resources := d.some(3, diceVerbs...), d.some(2, diceGroups...), d.some(3, diceResources...)
	switch d.IntN(20) {
	case 0:
		verbs = `["*"]`
	case 1:
		groups = `["*"]`
	case 2:
		resources = `["*"]`
	}
	names := ""
	if d.IntN(3) == 0 {
		names = ", resourceNames: " + d.some(2, diceNames...)
	}
	return fmt.Sprintf("{apiGroups: %s, resources: %s, verbs: %s%s}", groups, resources, verbs, names)
}

func (d *dice) subjects() string {
	var out []string
	for range 1 + d.IntN(2) {
		out = append(out, d.one(
			"{kind: User, apiGroup: rbac.authorization.k8s.io, name: "+d.one("u0", "u1", "u2", "'system:serviceaccount:serving:s0'", "'system:kube-scheduler'", "'system:anonymous'")+"}",
			"{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "+d.one("g0", "g1", "'system:serviceaccounts'", "'system:serviceaccounts:training'", "'system:unauthenticated'", "'system:nodes'")+"}",
			"{kind: ServiceAccount, namespace: "+d.one("serving", "training")+", name: "+d.one("s0", "s1")+"}"))
	}
	return strings.Join(out, ", ")
}

func (d *dice) write(n int) string {
	for _, ns := range diceSpaces[1:] {
		fmt.Fprintf(&d.out, "---\n{apiVersion: v1, kind: Namespace, metadata: {name: %s}}\n", ns)
	}
	for i := range n {
		ns := d.one(diceSpaces...)
		kind, binding := "Role", "RoleBinding"
		if ns == "" {
			binding = "ClusterRoleBinding"
		}
		if ns == "" || d.IntN(3) == 0 {
			kind = "ClusterRole"
		}
		var rules []string
		for range 1 + d.IntN(3) {
			rules = append(rules, d.rule(kind == "ClusterRole"))
		}
		where, labels, aggregate := ns, "{}", ""
		if kind == "ClusterRole" {
			where = ""
			labels = fmt.Sprintf("{part: %q}", d.one("x", "y", "z"))
			if d.IntN(10) == 0 {
				aggregate = fmt.Sprintf(", aggregationRule: {clusterRoleSelectors: [{matchLabels: {part: %q}}]}", d.one("x", "y"))
			}
		}
		fmt.Fprintf(&d.out, "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: r%d, namespace: %q, labels: %s}, rules: [%s]%s}\n", kind, i, where, labels, strings.Join(rules, ", "), aggregate)
		role := fmt.Sprintf("r%d", i)
		if d.IntN(20) == 0 {
			role = "gone"
		}
		fmt.Fprintf(&d.out, "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: r%d, namespace: %q}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}, subjects: [%s]}\n",
			binding, i, ns, kind, role, d.subjects())
	}
	return d.out.String()
}

func (d *dice) question() (rbac.Identity, rbac.Request) {
	id := rbac.Identity{User: d.one("u0", "u1", "u2", "nobody", "system:serviceaccount:serving:s0", "system:serviceaccount:training:s1", "system:anonymous", "system:kube-scheduler")}
	for range d.IntN(3) {
		id.Groups = append(id.Groups, d.one("g0", "g1", "system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:serviceaccounts:training", "system:nodes"))
	}
	if d.IntN(200) == 0 {
		id.Groups = append(id.Groups, "system:masters")
	}
	if d.IntN(12) == 0 {
		return id, rbac.Request{Verb: d.one("get", "post", "put"), Path: d.one("/healthz", "/healthz/etcd", "/metrics", "/logs", "/logs/", "/logs/x", "/api")}
	}
	resource := d.one(diceResources...)
	for strings.Contains(resource, "*") {
		resource = d.one(diceResources...)
	}
	q := rbac.Request{Verb: d.one(diceVerbs...), Group: d.one(diceGroups...), Namespace: d.one(diceSpaces...), Name: d.one(append(diceNames, "", "other")...), Literal: true}
	q.Resource, q.Subresource, _ = strings.Cut(resource, "/")
	switch d.IntN(30) { // a star in a request is a star
	case 0:
		q.Verb = "*"
	case 1:
		q.Group = "*"
	case 2:
		q.Resource, q.Subresource = "*", ""
	case 3:
		q.Subresource = "*"
	}
	return id, q
}

// clusterOf reads the RBAC objects as the server serves them.
func clusterOf(t *testing.T, client kubernetes.Interface) *rbac.World {
	t.Helper()
	w := rbac.NewWorld()
	w.NodeAuthorizer = false // the test's server runs with RBAC alone
	add := func(kind string, list any) {
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		var items []json.RawMessage
		if err := json.Unmarshal(text, &items); err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			if err := w.AddObject(rbac.Group, kind, item); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, o := t.Context(), metav1.ListOptions{}
	api := client.RbacV1()
	roles, err1 := api.Roles("").List(ctx, o)
	clusterRoles, err2 := api.ClusterRoles().List(ctx, o)
	bindings, err3 := api.RoleBindings("").List(ctx, o)
	clusterBindings, err4 := api.ClusterRoleBindings().List(ctx, o)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	add("Role", roles.Items)
	add("ClusterRole", clusterRoles.Items)
	add("RoleBinding", bindings.Items)
	add("ClusterRoleBinding", clusterBindings.Items)
	w.Seal()
	return w
}

// review asks the server's own authorizer. It reads roles from a cache that may
// lag behind: an answer other than the expected is asked for again a while.
func review(ctx context.Context, client kubernetes.Interface, id rbac.Identity, q rbac.Request, expected bool) (bool, error) {
	spec := authorization.SubjectAccessReviewSpec{User: id.User, Groups: id.Groups}
	if q.Path != "" {
		spec.NonResourceAttributes = &authorization.NonResourceAttributes{Path: q.Path, Verb: q.Verb}
	} else {
		spec.ResourceAttributes = &authorization.ResourceAttributes{Namespace: q.Namespace, Verb: q.Verb, Group: q.Group, Resource: q.Resource, Subresource: q.Subresource, Name: q.Name}
	}
	for try := 0; ; try++ {
		r, err := client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorization.SubjectAccessReview{Spec: spec}, metav1.CreateOptions{})
		if err != nil {
			return false, err
		}
		if r.Status.Allowed == expected || try == 5 {
			return r.Status.Allowed, nil
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// TestRBACAgreesWithTheAPIServer compares every decision with that of the API
// server's own authorizer, on random roles and questions.
func TestRBACAgreesWithTheAPIServer(t *testing.T) {
	const roles, questions = 250, 6000
	server := kubetest.Start(t)
	d := &dice{Rand: rand.New(rand.NewPCG(11, 19))}
	server.Apply(d.write(roles))
	client, err := kubernetes.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	w := clusterOf(t, client)
	type question struct {
		id   rbac.Identity
		q    rbac.Request
		want bool
	}
	list := make([]question, questions)
	allowed := 0
	for i := range list {
		id, q := d.question()
		a := w.Decide(id, q)
		if a.Decision != rbac.Allow && a.Decision != rbac.Deny {
			t.Fatalf("%+v %+v: %+v", id, q, a)
		}
		list[i] = question{id, q, a.Decision == rbac.Allow}
		if list[i].want {
			allowed++
		}
	}
	if share := 100 * allowed / questions; share < 10 || share > 90 {
		t.Errorf("%d%% of the questions are allowed: little was tested", share)
	}
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(8)
	differ := make([]bool, questions)
	for i, x := range list {
		g.Go(func() error {
			got, err := review(ctx, client, x.id, x.q, x.want)
			differ[i] = got != x.want
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, bad := range differ {
		if bad {
			t.Errorf("%+v %+v: allowed here: %v", list[i].id, list[i].q, list[i].want)
		}
	}
	t.Logf("%d questions, %d allowed, on %d roles and as many bindings", questions, allowed, roles)
	t.Run("rules", func(t *testing.T) { rulesAgree(t, server, w) })
}

// rulesAgree compares the rules that the server says somebody has.
func rulesAgree(t *testing.T, server *kubetest.Server, w *rbac.World) {
	for _, id := range []rbac.Identity{
		{User: "u0", Groups: []string{"system:authenticated"}}, {User: "u1", Groups: []string{"g0", "system:authenticated"}}, {User: "nobody", Groups: []string{"system:authenticated"}},
	} {
		config, err := clientcmd.BuildConfigFromFlags("", server.As(id.User, id.Groups...))
		if err != nil {
			t.Fatal(err)
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, ns := range diceSpaces[1:] {
			r, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(), &authorization.SelfSubjectRulesReview{Spec: authorization.SelfSubjectRulesReviewSpec{Namespace: ns}}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var want, got []string
			for _, x := range r.Status.ResourceRules {
				want = append(want, fmt.Sprint(x.Verbs, x.APIGroups, x.Resources, x.ResourceNames))
			}
			for _, x := range r.Status.NonResourceRules {
				want = append(want, fmt.Sprint(x.Verbs, x.NonResourceURLs))
			}
			rules, _ := w.RightsOf(id, ns)
			for _, x := range rules {
				if len(x.Resources) > 0 {
					got = append(got, fmt.Sprint(x.Verbs, x.APIGroups, x.Resources, x.ResourceNames))
				}
				if len(x.NonResourceURLs) > 0 {
					got = append(got, fmt.Sprint(x.Verbs, x.NonResourceURLs))
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(want, got) {
				t.Errorf("%s in %s: %q, the server says %q", id.User, ns, got, want)
			}
		}
	}
}
