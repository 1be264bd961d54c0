package rbac

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The alphabet of random worlds: few enough texts that rules meet.
var (
	someVerbs     = []string{"get", "list", "*"}
	someGroups    = []string{"", "apps", "*"}
	someResources = []string{"pods", "pods/log", "*/log", "*", "secrets", "pods/*"}
	someNames     = []string{"a", "b", "*"}
	someSpaces    = []string{"", "x", "y"}
	someSubjects  = []Ref{{KindUser, "", "u"}, {KindGroup, "", "g"}, {KindGroup, "", Authenticated}, {KindAccount, "x", "s"}}
)

func randomWorld(t *rapid.T) *World {
	w := NewWorld()
	some := func(from []string, least int, label string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(from), least, 2, rapid.ID[string]).Draw(t, label)
	}
	for i := range rapid.IntRange(1, 6).Draw(t, "roles") {
		ns := rapid.SampledFrom(someSpaces).Draw(t, "namespace")
		kind, binding := kindRole, kindRoleBinding
		if ns == "" {
			binding = kindClusterRoleBinding
		}
		if ns == "" || rapid.Bool().Draw(t, "cluster role") {
			kind = kindClusterRole
		}
		r := &Role{Ref: Ref{Kind: kind, Name: string(rune('a' + i))}}
		if kind == kindRole {
			r.Namespace = ns
		}
		for range rapid.IntRange(1, 3).Draw(t, "rules") {
			r.Rules = append(r.Rules, Rule{Verbs: some(someVerbs, 1, "verbs"), APIGroups: some(someGroups, 1, "groups"),
				Resources: some(someResources, 1, "resources"), ResourceNames: some(someNames, 0, "names")})
		}
		w.AddRole(r)
		w.AddBinding(&Binding{Ref: Ref{Kind: binding, Namespace: ns, Name: r.Name}, Role: r.Ref,
			Subjects: rapid.SliceOfNDistinct(rapid.SampledFrom(someSubjects), 1, 2, rapid.ID[Ref]).Draw(t, "subjects")})
	}
	w.Seal()
	return w
}

// plainly decides one request by the words of the documentation, rule by rule.
func plainly(w *World, id Identity, q Request) bool {
	for _, b := range w.bindings {
		if b.Namespace != "" && b.Namespace != q.Namespace {
			continue
		}
		mine := slices.ContainsFunc(b.Subjects, func(s Ref) bool {
			switch s.Kind {
			case KindUser:
				return s.Name == id.User
			case KindGroup:
				return slices.Contains(id.Groups, s.Name)
			}
			return id.User == "system:serviceaccount:"+s.Namespace+":"+s.Name
		})
		if !mine {
			continue
		}
		for _, r := range w.roles[b.Role].Rules {
			is := func(list []string, v string) bool { return slices.Contains(list, "*") || slices.Contains(list, v) }
			whole := q.Resource
			if q.Subresource != "" {
				whole += "/" + q.Subresource
			}
			resource := is(r.Resources, whole) || q.Subresource != "" && slices.Contains(r.Resources, "*/"+q.Subresource)
			name := len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, q.Name)
			if is(r.Verbs, q.Verb) && is(r.APIGroups, q.Group) && resource && name {
				return true
			}
		}
	}
	return false
}

func TestDecideAsThePlainReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t)
		for _, s := range someSubjects {
			id := IdentityOf(s)
			id.Open = false
			who := w.Who(id)
			for _, q := range completions(Request{Verb: "*", Group: "*", Resource: "*", Subresource: "*", Name: "*", Namespace: "*"}) {
				want := plainly(w, id, q)
				if got := w.Allows(who, &q); got != want {
					t.Fatalf("%s %+v: allows %v, want %v", s, q, got, want)
				}
				if got := w.DecideFor(who, q).Decision == Allow; got != want {
					t.Fatalf("%s %+v: decides %v, want %v", s, q, got, want)
				}
			}
		}
	})
}

// completions lists requests that fit a pattern, with every text of the
// alphabet and one that no rule names. A user may be called "*".
func completions(q Request) []Request {
	fit := func(pattern string, from ...string) []string {
		var out []string
		for _, v := range from {
			if glob(pattern, v) && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
		if !strings.Contains(pattern, "*") {
			return []string{pattern}
		}
		return append(out, strings.ReplaceAll(pattern, "*", "new"))
	}
	var out []Request
	for _, verb := range fit(q.Verb, "get", "list") {
		for _, group := range fit(q.Group, "", "apps") {
			for _, resource := range fit(q.Resource, "pods", "secrets") {
				for _, sub := range fit(q.Subresource, "", "log") {
					for _, name := range fit(q.Name, "", "a", "b", "*") {
						for _, ns := range fit(q.Namespace, "", "x", "y") {
							out = append(out, Request{Verb: verb, Group: group, Resource: resource, Subresource: sub, Name: name, Namespace: ns, Literal: true})
						}
					}
				}
			}
		}
	}
	return out
}

// A pattern is allowed, denied or conditional exactly as its completions are:
// one text that no rule names stands for all such.
func TestPatternsAsTheirCompletions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t)
		q := Request{
			Verb:        rapid.SampledFrom([]string{"get", "*", "g*"}).Draw(t, "verb"),
			Group:       rapid.SampledFrom([]string{"", "*", "a*"}).Draw(t, "group"),
			Resource:    rapid.SampledFrom([]string{"pods", "*", "p*s"}).Draw(t, "resource"),
			Subresource: rapid.SampledFrom([]string{"", "log", "*"}).Draw(t, "sub"),
			Name:        rapid.SampledFrom([]string{"", "a", "*", "b*"}).Draw(t, "name"),
			Namespace:   rapid.SampledFrom([]string{"", "x", "*", "x*"}).Draw(t, "namespace"),
		}
		id := IdentityOf(rapid.SampledFrom(someSubjects).Draw(t, "subject"))
		id.Open = false
		some, all := false, true
		for _, c := range completions(q) {
			if plainly(w, id, c) {
				some = true
			} else {
				all = false
			}
		}
		want := Deny
		switch {
		case all:
			want = Allow
		case some:
			want = Conditional
		}
		a := w.Decide(id, q)
		if a.Decision != want {
			t.Fatalf("%+v: %s, want %s", q, a.Decision, want)
		}
		if want == Conditional {
			for example, allowed := range map[*map[string]string]bool{&a.Witness: true, &a.Refused: false} {
				c := fill(q, *example)
				if plainly(w, id, c) != allowed {
					t.Fatalf("%+v: example %v of what is allowed (%v) is not so", q, *example, allowed)
				}
			}
		}
	})
}

func fill(q Request, parts map[string]string) Request {
	for part, v := range parts {
		*map[string]*string{"verb": &q.Verb, "group": &q.Group, "resource": &q.Resource, "subresource": &q.Subresource, "name": &q.Name, "namespace": &q.Namespace}[part] = v
	}
	q.Literal = true
	return q
}

// Whom WhoCan lists, Decide allows, and nobody else.
func TestWhoCanAsDecide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := randomWorld(t)
		q := rapid.SampledFrom(completions(Request{Verb: "get", Group: "*", Resource: "*", Subresource: "*", Name: "*", Namespace: "*"})).Draw(t, "request")
		list, _ := w.WhoCan(q)
		for _, s := range someSubjects {
			who := w.only(s)
			listed := slices.ContainsFunc(list, func(h Holder) bool { return h.Subject == s && h.Answer.Decision == Allow })
			if w.Allows(who, &q) != listed {
				t.Fatalf("%s on %+v: listed %v", s, q, listed)
			}
		}
	})
}

func FuzzAddObject(f *testing.F) {
	f.Add("rbac.authorization.k8s.io", "Role", []byte(`{"metadata":{"name":"r","namespace":"x"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]}`))
	f.Add("rbac.authorization.k8s.io", "ClusterRole", []byte(`{"metadata":{"name":"r"},"aggregationRule":{"clusterRoleSelectors":[{"matchExpressions":[{"key":"a","operator":"In","values":["b"]}]}]}}`))
	f.Add("rbac.authorization.k8s.io", "RoleBinding", []byte(`{"metadata":{"name":"b","namespace":"x"},"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"u"}]}`))
	f.Add("", "Pod", []byte(`{"metadata":{"name":"p"},"spec":{"hostPID":true,"containers":[{"name":"c","securityContext":{"privileged":true}}]}}`))
	f.Add("apps", "Deployment", []byte(`{"metadata":{"name":"p"},"spec":{"template":{"spec":{"serviceAccountName":"s"}}}}`))
	f.Add("apiextensions.k8s.io", "CustomResourceDefinition", []byte(`{"metadata":{"name":"a.b"},"spec":{"group":"b","names":{"plural":"a","kind":"A"},"versions":[{"schema":{"openAPIV3Schema":{"properties":{"spec":{"type":"object"}}}}}]}}`))
	f.Fuzz(func(t *testing.T, group, kind string, text []byte) {
		w := NewWorld()
		err := w.AddObject(group, kind, text)
		_ = w.AddObject(Group, kindClusterRoleBinding, []byte(`{"metadata":{"name":"b"},"roleRef":{"kind":"ClusterRole","name":"r"},"subjects":[{"kind":"User","name":"u"}]}`))
		w.Seal()
		if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
		w.Decide(IdentityOf(Ref{Kind: KindUser, Name: "u"}), Request{Verb: "*", Group: "*", Resource: "*", Namespace: "x"})
		w.WhoCan(Request{Verb: "get", Resource: "pods", Namespace: "x"})
		w.Escalations(Options{Pods: true, Bootstrap: true})
		w.Edges()
	})
}

func FuzzParseAction(f *testing.F) {
	for _, s := range []string{"k8s:get:/pods", "k8s:*", "k8s:impersonate:user-info:authentication.k8s.io/users", "k8s:get:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseAction(s)
		if err != nil {
			return
		}
		again, err := ParseAction(q.Action())
		if err != nil || again != q {
			t.Errorf("%q reads as %+v, spelt %q, which reads as %+v (%v)", s, q, q.Action(), again, err)
		}
	})
}
