package rbac

import (
	"fmt"
	"strings"
)

// ActionPrefix begins every action of a cluster.
const ActionPrefix = "k8s:"

// ParseAction reads an action as the command line takes it,
// "k8s:VERB:GROUP/RESOURCE[/SUB]"; the core's group is empty
// ("k8s:get:/pods"). "*" stands for any text in each part, and alone, or after
// the verb, for all of them. A verb may hold colons, as those of constrained
// impersonation do. With "k8s:VERB:" the question is about a path that is no
// resource, which the caller fills in. Errors name the part that is wrong.
func ParseAction(action string) (Request, error) {
	rest, ok := strings.CutPrefix(action, ActionPrefix)
	if !ok {
		return Request{}, fmt.Errorf("action %q: does not begin with %s (hint: k8s:VERB:GROUP/RESOURCE, as in k8s:create:/pods or k8s:get:apps/deployments)", action, ActionPrefix)
	}
	if rest == "*" {
		return Request{Verb: "*", Group: "*", Resource: "*", Subresource: "*"}, nil
	}
	at := strings.LastIndexByte(rest, ':')
	if at <= 0 {
		return Request{}, fmt.Errorf("action %q: has no verb and resource (hint: k8s:VERB:GROUP/RESOURCE, as in k8s:create:/pods)", action)
	}
	q := Request{Verb: rest[:at]}
	what := rest[at+1:]
	switch what {
	case "":
		return q, nil
	case "*":
		q.Group, q.Resource, q.Subresource = "*", "*", "*"
		return q, nil
	}
	group, resource, ok := strings.Cut(what, "/")
	if !ok {
		return Request{}, fmt.Errorf("action %q: %q names no API group (hint: %s%s:/%s for the core's, %s%s:apps/%s for another)", action, what, ActionPrefix, q.Verb, what, ActionPrefix, q.Verb, what)
	}
	q.Group = group
	q.Resource, q.Subresource, _ = strings.Cut(resource, "/")
	switch {
	case q.Resource == "" || strings.HasSuffix(resource, "/"):
		return Request{}, fmt.Errorf("action %q: a resource is missing after the API group (hint: the plural, as kubectl api-resources lists it)", action)
	case strings.ContainsAny(what, " \t\n") || strings.ContainsAny(q.Verb, " \t\n/"):
		return Request{}, fmt.Errorf("action %q: holds white space or a slash where none can be", action)
	case strings.ToLower(q.Resource) != q.Resource:
		return Request{}, fmt.Errorf("action %q: resource %q has capitals (hint: the plural, as in %s; kinds have them, resources do not)", action, q.Resource, strings.ToLower(q.Resource)+"s")
	}
	return q, nil
}

// Action spells a request as ParseAction reads it.
func (q *Request) Action() string {
	s := ActionPrefix + q.Verb + ":"
	if q.Path != "" || q.Resource == "" {
		return s
	}
	s += q.Group + "/" + q.Resource
	if q.Subresource != "" {
		s += "/" + q.Subresource
	}
	return s
}
