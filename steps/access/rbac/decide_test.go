package rbac

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	tests := map[string]struct {
		objects string
		of      Ref
		action  string
		ns      string
		name    string
		want    Decision
	}{
		"a rule allows":               {role("", "r", `{apiGroups: [""], resources: [pods], verbs: [get]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:get:/pods", "serving", "x", Allow},
		"nothing allows":              {empty, Ref{Kind: KindGroup, Name: "ml"}, "k8s:get:/pods", "serving", "x", Deny},
		"another verb":                {role("", "r", `{apiGroups: [""], resources: [pods], verbs: [get]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:list:/pods", "serving", "", Deny},
		"another group":               {role("", "r", `{apiGroups: [apps], resources: [pods], verbs: [get]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:get:/pods", "serving", "x", Deny},
		"a subresource is no pod":     {role("", "r", `{apiGroups: [""], resources: [pods], verbs: [create]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:create:/pods/exec", "serving", "x", Deny},
		"pods/* is no wildcard":       {role("", "r", `{apiGroups: [""], resources: [pods/*], verbs: [create]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:create:/pods/exec", "serving", "x", Deny},
		"*/scale is one":              {role("", "r", `{apiGroups: [apps], resources: ["*/scale"], verbs: [update]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:update:apps/deployments/scale", "serving", "x", Allow},
		"*/scale is not the resource": {role("", "r", `{apiGroups: [apps], resources: ["*/scale"], verbs: [update]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:update:apps/deployments", "serving", "x", Deny},
		"* holds subresources":        {role("", "r", `{apiGroups: [""], resources: ["*"], verbs: [create]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:create:/pods/exec", "serving", "x", Allow},
		"a name":                      {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "serving", "a", Allow},
		"another name":                {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "serving", "b", Deny},
		"a name of * is a name":       {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: ["*"]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "serving", "b", Deny},
		"no name":                     {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [list], resourceNames: [a]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:list:/secrets", "serving", "", Deny},
		"another namespace":           {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "other", "a", Deny},
		"a role binding stays inside": {role("", "r", `{apiGroups: [""], resources: [nodes], verbs: [get]}`) + bound("serving", "ClusterRole", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/nodes", "", "a", Deny},
		"all accounts of a namespace": {role("", "r", `{apiGroups: [""], resources: [nodes], verbs: [get]}`) + bound("", "ClusterRole", "r", "{kind: Group, name: 'system:serviceaccounts:serving'}"), Ref{KindAccount, "serving", "any"}, "k8s:get:/nodes", "", "a", Allow},
		"accounts elsewhere":          {role("", "r", `{apiGroups: [""], resources: [nodes], verbs: [get]}`) + bound("", "ClusterRole", "r", "{kind: Group, name: 'system:serviceaccounts:serving'}"), Ref{KindAccount, "other", "any"}, "k8s:get:/nodes", "", "a", Deny},
		"an account by its user name": {role("", "r", `{apiGroups: [""], resources: [nodes], verbs: [get]}`) + bound("", "ClusterRole", "r", "{kind: User, name: 'system:serviceaccount:serving:runner'}"), Ref{KindAccount, "serving", "runner"}, "k8s:get:/nodes", "", "a", Allow},
		"everybody":                   {role("", "r", `{apiGroups: [""], resources: [nodes], verbs: [get]}`) + bound("", "ClusterRole", "r", "{kind: Group, name: 'system:authenticated'}"), Ref{Kind: KindUser, Name: "jo"}, "k8s:get:/nodes", "", "a", Allow},
		"nobody known":                {role("", "r", `{apiGroups: [""], resources: [nodes], verbs: [get]}`) + bound("", "ClusterRole", "r", "{kind: Group, name: 'system:authenticated'}"), Ref{Kind: KindUser, Name: "system:anonymous"}, "k8s:get:/nodes", "", "a", Deny},
		"masters":                     {empty, Ref{Kind: KindGroup, Name: Masters}, "k8s:*:*", "*", "*", Allow},
		"a kubelet":                   {empty, Ref{Kind: KindNode, Name: "n"}, "k8s:get:/secrets", "serving", "a", Unknown},
		"perhaps by a group":          {role("", "r", `{apiGroups: [""], resources: [nodes], verbs: [get]}`) + bound("", "ClusterRole", "r", ml), Ref{Kind: KindUser, Name: "jo"}, "k8s:get:/nodes", "", "a", Conditional},
		"a role that is not there":    {bound("", "ClusterRole", "gone", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:get:/nodes", "", "a", Deny},

		"any name, all allowed":     {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "serving", "*", Allow},
		"any name, some allowed":    {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "serving", "*", Conditional},
		"names that fit none":       {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "serving", "b*", Deny},
		"any namespace":             {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:get:/secrets", "*", "a", Conditional},
		"any verb, all of them":     {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: ["*"]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:*:/secrets", "serving", "a", Allow},
		"verbs that make up a word": {role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get, list]}`) + bound("serving", "Role", "r", account), Ref{KindAccount, "serving", "runner"}, "k8s:*:/secrets", "serving", "a", Conditional},
		"administrator":             {role("", "r", `{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:*", "*", "*", Allow},
		"two rules make the whole":  {role("", "r", `{apiGroups: ["*"], resources: ["*"], verbs: [get], resourceNames: [a]}`, `{apiGroups: [""], resources: ["*"], verbs: ["*"]}`) + bound("", "ClusterRole", "r", jo), Ref{Kind: KindUser, Name: "jo"}, "k8s:get:*", "serving", "a", Allow},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			w := world(t, empty+tt.objects)
			q, err := ParseAction(tt.action)
			if err != nil {
				t.Fatal(err)
			}
			q.Namespace, q.Name = tt.ns, tt.name
			a := w.Decide(IdentityOf(tt.of), q)
			if a.Decision != tt.want {
				t.Errorf("%s, want %s: %+v", a.Decision, tt.want, a)
			}
			if a.Decision == Allow && len(a.Because) == 0 || a.Decision == Unknown && len(a.Unknown) == 0 || a.Decision == Conditional && len(a.Conditions) == 0 {
				t.Errorf("no reason for %+v", a)
			}
		})
	}
}

func TestDecidePaths(t *testing.T) {
	w := world(t, empty+role("", "r", `{nonResourceURLs: [/healthz, "/logs/*"], verbs: [get]}`)+bound("", "ClusterRole", "r", jo)+bound("serving", "ClusterRole", "r", account))
	of := IdentityOf(Ref{Kind: KindUser, Name: "jo"})
	for path, want := range map[string]Decision{"/healthz": Allow, "/healthz/etcd": Deny, "/logs/": Allow, "/logs/a": Allow, "/logs": Deny, "/logs/*": Allow, "/*": Conditional, "/metrics*": Deny} {
		if got := w.Decide(of, Request{Verb: "get", Path: path}); got.Decision != want {
			t.Errorf("%s: %s, want %s", path, got.Decision, want)
		}
	}
	if got := w.Decide(of, Request{Verb: "post", Path: "/healthz"}); got.Decision != Deny {
		t.Errorf("another verb: %s", got.Decision)
	}
	if got := w.Decide(IdentityOf(Ref{KindAccount, "serving", "runner"}), Request{Verb: "get", Path: "/healthz"}); got.Decision != Deny {
		t.Errorf("by a RoleBinding: %s", got.Decision)
	}
}

func TestReasons(t *testing.T) {
	w := world(t, empty+role("", "r", `{apiGroups: [apps], resources: [deployments], verbs: [get]}`, `{apiGroups: [""], resources: [secrets], verbs: [get]}`)+bound("serving", "ClusterRole", "r", ml, account))
	a := w.Decide(IdentityOf(Ref{KindAccount, "serving", "runner"}), Request{Verb: "get", Resource: "secrets", Namespace: "serving", Name: "a"})
	want := []Reason{{Binding: Ref{"RoleBinding", "serving", "r"}, Role: Ref{Kind: "ClusterRole", Name: "r"}, Subject: Ref{KindAccount, "serving", "runner"}, Rule: 1, Source: Ref{Kind: "ClusterRole", Name: "r"}}}
	if d := cmp.Diff(want, a.Because); d != "" {
		t.Error(d)
	}
}

func TestWitness(t *testing.T) {
	w := world(t, empty+role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a]}`)+bound("serving", "Role", "r", account))
	a := w.Decide(IdentityOf(Ref{KindAccount, "serving", "runner"}), Request{Verb: "get", Resource: "secrets", Namespace: "*", Name: "*"})
	if d := cmp.Diff(map[string]string{"name": "a", "namespace": "serving"}, a.Witness); d != "" {
		t.Error(d)
	}
	if a.Refused == nil || a.Refused["name"] == "a" && a.Refused["namespace"] == "serving" {
		t.Errorf("refused: %v", a.Refused)
	}
}

// What was not read must not read as a denial.
func TestUnreadIsUnknown(t *testing.T) {
	get := Request{Verb: "get", Resource: "secrets", Namespace: "serving", Name: "a"}
	nodes := Request{Verb: "get", Resource: "nodes", Name: "a"}
	of := IdentityOf(Ref{KindAccount, "serving", "runner"})
	tests := map[string]struct {
		objects string
		unread  Ref
		q       Request
		want    Decision
	}{
		"cluster role bindings":         {empty, Ref{Kind: "ClusterRoleBinding"}, nodes, Unknown},
		"role bindings":                 {empty, Ref{Kind: "RoleBinding"}, get, Unknown},
		"role bindings here":            {empty, Ref{Kind: "RoleBinding", Namespace: "serving"}, get, Unknown},
		"role bindings there":           {empty, Ref{Kind: "RoleBinding", Namespace: "other"}, get, Deny},
		"role bindings bind no node":    {empty, Ref{Kind: "RoleBinding"}, nodes, Deny},
		"a role somebody has":           {empty + bound("serving", "Role", "gone", account), Ref{Kind: "Role", Namespace: "serving"}, get, Unknown},
		"a role nobody has":             {empty + bound("serving", "Role", "gone", jo), Ref{Kind: "Role", Namespace: "serving"}, get, Deny},
		"a role, but another allows":    {empty + bound("serving", "Role", "gone", account) + role("", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`) + bound("", "ClusterRole", "r", account), Ref{Kind: "Role"}, get, Allow},
		"roles that may make up a role": {empty + "\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}}" + bound("", "ClusterRole", "r", account), Ref{Kind: "ClusterRole"}, get, Unknown},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			w := load(t, tt.objects)
			w.Unread(tt.unread.Kind, tt.unread.Namespace, "forbidden")
			w.Seal()
			if a := w.Decide(of, tt.q); a.Decision != tt.want || a.Decision == Unknown && !strings.Contains(strings.Join(a.Unknown, "; "), "forbidden") {
				t.Errorf("%s, want %s: %+v", a.Decision, tt.want, a)
			}
		})
	}
}

func TestMalformedRolesAreUnknown(t *testing.T) {
	w := NewWorld()
	for _, doc := range []string{
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, namespace: serving}, rules: [{apiGroups: "", resources: [secrets], verbs: [get]}]}`,
	} {
		err := add(w, doc)
		if err == nil || !strings.Contains(err.Error(), "Role serving/r: rules[0].apiGroups: is not a list") {
			t.Errorf("error %v", err)
		}
	}
	if err := add(w, strings.TrimPrefix(bound("serving", "Role", "r", account), "\n---\n")); err != nil {
		t.Fatal(err)
	}
	w.Seal()
	if a := w.Decide(IdentityOf(Ref{KindAccount, "serving", "runner"}), Request{Verb: "get", Resource: "secrets", Namespace: "serving", Name: "a"}); a.Decision != Unknown {
		t.Errorf("%+v", a)
	}
}

// The API server tells members apart by case: another spelling is another
// member, and the rule is wider than it looks.
func TestMembersAreToldApartByCase(t *testing.T) {
	w := world(t, empty+role("serving", "r", `{apiGroups: [""], resources: [secrets], verbs: [get], resourcenames: [a]}`)+bound("serving", "Role", "r", account))
	if a := w.Decide(IdentityOf(Ref{KindAccount, "serving", "runner"}), Request{Verb: "get", Resource: "secrets", Namespace: "serving", Name: "b"}); a.Decision != Allow {
		t.Errorf("%+v", a)
	}
}

func TestAggregation(t *testing.T) {
	part := func(name, label, rule string) string {
		return "\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: " + name + ", labels: {" + label + "}}, rules: [" + rule + "]}"
	}
	whole := func(name, meta, selectors, rules string) string {
		return "\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: " + name + meta + "}, aggregationRule: {clusterRoleSelectors: [" + selectors + "]}, rules: [" + rules + "]}"
	}
	secrets, pods := `{apiGroups: [""], resources: [secrets], verbs: [get]}`, `{apiGroups: [""], resources: [pods], verbs: [get]}`
	tests := map[string]struct {
		objects  string
		want     [2]bool // secrets, pods
		problems int
	}{
		"by labels":               {part("a", "x: one", secrets) + part("b", "x: z", pods) + whole("r", "", "{matchLabels: {x: one}}", ""), [2]bool{true, false}, 0},
		"by expressions":          {part("a", "x: one", secrets) + part("b", "x: z", pods) + whole("r", "", "{matchExpressions: [{key: x, operator: In, values: [z]}]}", ""), [2]bool{false, true}, 0},
		"several selectors":       {part("a", "x: one", secrets) + part("b", "q: z", pods) + whole("r", "", "{matchLabels: {x: one}}, {matchExpressions: [{key: q, operator: Exists}]}", ""), [2]bool{true, true}, 0},
		"roles made of roles":     {part("a", "x: one", secrets) + whole("m", ", labels: {q: z}", "{matchLabels: {x: one}}", "") + whole("r", "", "{matchLabels: {q: z}}", ""), [2]bool{true, false}, 0},
		"what stood there goes":   {part("a", "x: one", secrets) + whole("r", "", "{matchLabels: {x: one}}", pods), [2]bool{true, false}, 0},
		"not by itself":           {whole("r", ", labels: {x: one}", "{matchLabels: {x: one}}", pods), [2]bool{false, false}, 0},
		"served rules are theirs": {part("a", "x: one", secrets) + whole("r", ", uid: u", "{matchLabels: {x: one}}", pods), [2]bool{false, true}, 1},
		"served and settled":      {part("a", "x: one", secrets) + whole("r", ", uid: u", "{matchLabels: {x: one}}", secrets), [2]bool{true, false}, 0},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			w := world(t, empty+tt.objects+bound("", "ClusterRole", "r", account))
			for i, resource := range []string{"secrets", "pods"} {
				a := w.Decide(IdentityOf(Ref{KindAccount, "serving", "runner"}), Request{Verb: "get", Resource: resource, Namespace: "serving", Name: "a"})
				if (a.Decision == Allow) != tt.want[i] {
					t.Errorf("%s: %+v", resource, a)
				}
			}
			if len(w.Problems()) != tt.problems {
				t.Errorf("problems: %v", w.Problems())
			}
		})
	}
}

func TestWhoCan(t *testing.T) {
	w := load(t, empty+role("", "r", `{apiGroups: [""], resources: [secrets], verbs: [get]}`)+bound("", "ClusterRole", "r", jo, ml)+
		role("serving", "one", `{apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [a]}`)+bound("serving", "Role", "one", account)+
		bound("serving", "Role", "gone", "{kind: User, name: perhaps}"))
	w.Unread("Role", "serving", "forbidden")
	w.Seal()
	who := func(q Request) []string {
		var out []string
		list, _ := w.WhoCan(q)
		for _, h := range list {
			out = append(out, h.Subject.String()+" "+h.Answer.Decision.String())
		}
		return out
	}
	tests := []struct {
		ns, name string
		want     []string
	}{
		{"serving", "a", []string{"Group system:masters allow", "Group ml allow", "ServiceAccount serving/runner allow", "User jo allow", "User perhaps unknown"}},
		{"serving", "b", []string{"Group system:masters allow", "Group ml allow", "User jo allow", "User perhaps unknown"}},
		{"other", "a", []string{"Group system:masters allow", "Group ml allow", "User jo allow"}},
		{"serving", "*", []string{"Group system:masters allow", "Group ml allow", "ServiceAccount serving/runner conditional", "User jo allow", "User perhaps unknown"}},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, who(Request{Verb: "get", Resource: "secrets", Namespace: tt.ns, Name: tt.name})); d != "" {
			t.Errorf("%s/%s: %s", tt.ns, tt.name, d)
		}
	}
}

func TestParseAction(t *testing.T) {
	tests := []struct {
		action string
		want   Request
		err    string
	}{
		{"k8s:get:/pods", Request{Verb: "get", Resource: "pods"}, ""},
		{"k8s:create:/pods/exec", Request{Verb: "create", Resource: "pods", Subresource: "exec"}, ""},
		{"k8s:update:apps/deployments/scale", Request{Verb: "update", Group: "apps", Resource: "deployments", Subresource: "scale"}, ""},
		{"k8s:impersonate:user-info:authentication.k8s.io/users", Request{Verb: "impersonate:user-info", Group: "authentication.k8s.io", Resource: "users"}, ""},
		{"k8s:*", Request{Verb: "*", Group: "*", Resource: "*", Subresource: "*"}, ""},
		{"k8s:get:*", Request{Verb: "get", Group: "*", Resource: "*", Subresource: "*"}, ""},
		{"k8s:get:", Request{Verb: "get"}, ""},
		{"get:/pods", Request{}, "does not begin with k8s:"},
		{"k8s:get", Request{}, "no verb and resource"},
		{"k8s:get:pods", Request{}, "names no API group"},
		{"k8s:get:/", Request{}, "resource is missing"},
		{"k8s:get:/pods/", Request{}, "resource is missing"},
		{"k8s:get:/Pod", Request{}, "has capitals"},
		{"k8s::/pods", Request{}, "no verb and resource"},
		{"k8s:get:/po ds", Request{}, "white space"},
	}
	for _, tt := range tests {
		q, err := ParseAction(tt.action)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.action, err, tt.err)
		}
		if d := cmp.Diff(tt.want, q); d != "" {
			t.Errorf("%s: %s", tt.action, d)
		}
	}
}

// A role that was not read gives, in its namespace, nobody knows what, and elsewhere
// nothing: to one object or to any.
func TestUnreadRoleElsewhere(t *testing.T) {
	w := NewWorld()
	account := Ref{KindAccount, "x", "s"}
	w.Unread(kindRole, "x", "forbidden")
	w.AddBinding(&Binding{Ref: Ref{Kind: kindRoleBinding, Namespace: "x", Name: "b"}, Role: Ref{Kind: kindRole, Namespace: "x", Name: "dark"}, Subjects: []Ref{account}})
	w.Seal()
	for _, name := range []string{"one", "*"} {
		for space, want := range map[string]Decision{"x": Unknown, "y": Deny, "*": Unknown} {
			q := Request{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: space, Name: name}
			if got := w.DecideFor(w.only(account), q); got.Decision != want {
				t.Errorf("%s in %s: %v, want %v", name, space, got, want)
			}
			list, _ := w.WhoCan(q)
			listed := Deny
			for _, h := range list {
				if h.Subject == account {
					listed = h.Answer.Decision
				}
			}
			if listed != want {
				t.Errorf("%s in %s: listed as %v, want %v", name, space, listed, want)
			}
		}
	}
}
