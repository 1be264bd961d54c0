package access

import (
	"encoding/json"
	"slices"
	"strings"
)

// rbacRule is one rule of a Role or ClusterRole.
type rbacRule struct {
	Groups    []string `json:"apiGroups"`
	Resources []string `json:"resources"`
	Verbs     []string `json:"verbs"`
	Names     []string `json:"resourceNames"`
}

// rulesOf reads the rules of a role's configuration.
func rulesOf(config json.RawMessage) ([]rbacRule, error) {
	if len(config) == 0 {
		return nil, nil
	}
	var role struct {
		Rules []rbacRule `json:"rules"`
	}
	if err := json.Unmarshal(config, &role); err != nil {
		return nil, err
	}
	return role.Rules, nil
}

// request is a kind of request that reads, changes, enters or takes the place
// of an asset: the verbs on one resource, in one place.
type request struct {
	group, resource string // "apps", "deployments/scale"
	namespace       string
	verbs           []string
	// fits says whether a rule limited to a name is about the asset.
	fits func(name string) bool
}

// Verbs by what they do. Creating another object of the kind is none of them:
// it leaves the asset as it is.
var (
	touching = []string{"get", "list", "watch", "update", "patch", "delete", "deletecollection"}
	entering = []string{"get", "create", "update", "patch", "delete"}
)

// given returns the verbs of a request that a rule gives, "*" as it stands. A
// rule limited to names gives no verb whose request bears none.
func (q *request) given(r *rbacRule) []string {
	if len(r.Names) > 0 && !slices.ContainsFunc(r.Names, q.fits) {
		return nil
	}
	if slices.Contains(r.Verbs, "*") {
		return []string{"*"}
	}
	var out []string
	for _, v := range q.verbs {
		if slices.Contains(r.Verbs, v) && (len(r.Names) == 0 || v != "deletecollection") {
			out = append(out, v)
		}
	}
	return out
}

// action spells a verb of a request as the command line takes it.
func (q *request) action(verb string) string {
	return "k8s:" + verb + ":" + q.group + "/" + q.resource
}

// covers reports whether a rule is about the resource of a request, as the
// API server's authorizer compares them: "*" is every resource with what is
// below it, "*/scale" is that below every resource, and "pods" does not mean
// "pods/exec".
func (r *rbacRule) covers(group, resource string) bool {
	if !slices.Contains(r.Groups, "*") && !slices.Contains(r.Groups, group) {
		return false
	}
	_, sub, below := strings.Cut(resource, "/")
	return slices.ContainsFunc(r.Resources, func(have string) bool {
		return have == "*" || have == resource || below && have == "*/"+sub
	})
}

// plural guesses the resource of a kind as the API's own tools do.
func plural(kind string) string {
	s := strings.ToLower(kind)
	switch {
	case s == "endpoints":
		return s
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "ch"):
		return s + "es"
	case strings.HasSuffix(s, "y") && len(s) > 1 && !strings.ContainsRune("aeiou", rune(s[len(s)-2])):
		return s[:len(s)-1] + "ies"
	}
	return s + "s"
}
