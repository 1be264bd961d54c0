package rbac

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Makers says the same as asking about each request.
func TestMakersSayWhatWhoCanSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewWorld()
		spaces := []string{"x", "y", "z"}
		for i := range rapid.IntRange(1, 7).Draw(t, "bindings") {
			ns := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "namespace")
			kind, binding := kindRole, kindRoleBinding
			if ns == "" {
				kind, binding = kindClusterRole, kindClusterRoleBinding
			}
			r := &Role{Ref: Ref{Kind: kind, Namespace: ns, Name: string(rune('a' + i))}}
			r.Rules = append(r.Rules, Rule{
				Verbs:     []string{rapid.SampledFrom([]string{"create", "patch", "get", "*"}).Draw(t, "verb")},
				APIGroups: []string{rapid.SampledFrom([]string{"", "apps", "batch", "*"}).Draw(t, "group")},
				Resources: []string{rapid.SampledFrom([]string{"pods", "deployments", "jobs", "secrets", "*"}).Draw(t, "resource")},
			})
			if rapid.Bool().Draw(t, "named") {
				r.Rules[0].ResourceNames = []string{"one"}
			}
			switch rapid.IntRange(0, 4).Draw(t, "read") {
			case 0:
				r.Unread = "not understood"
				fallthrough
			default:
				w.AddRole(r)
			case 1: // not there
			}
			w.AddBinding(&Binding{Ref: Ref{Kind: binding, Namespace: ns, Name: r.Name}, Role: r.Ref,
				Subjects: rapid.SliceOfNDistinct(rapid.SampledFrom(append(someSubjects, Ref{KindGroup, "", Masters})), 1, 2, rapid.ID[Ref]).Draw(t, "subjects")})
		}
		for _, kind := range []string{kindRole, kindClusterRole, kindRoleBinding, kindClusterRoleBinding} {
			if rapid.IntRange(0, 3).Draw(t, "unread") == 0 {
				ns := ""
				if kind == kindRole || kind == kindRoleBinding {
					ns = rapid.SampledFrom([]string{"", "x"}).Draw(t, "where")
				}
				w.Unread(kind, ns, "forbidden")
			}
		}
		w.Seal()
		m := NewMakers(w)
		for _, ns := range spaces {
			want, got := map[Ref]bool{}, map[Ref]bool{}
			for _, q := range PodMakers() {
				q.Namespace = ns
				list, _ := w.WhoCan(q)
				for _, h := range list {
					if h.Subject.Kind == KindGroup && h.Subject.Name == Masters || h.Answer.Decision == Deny {
						continue
					}
					was, had := want[h.Subject]
					want[h.Subject] = h.Answer.Decision == Unknown && (was || !had)
				}
			}
			for _, one := range m.In(ns) {
				got[one.Subject] = one.Open
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("in %s (-asked one by one +of Makers):\n%s", ns, diff)
			}
		}
	})
}
