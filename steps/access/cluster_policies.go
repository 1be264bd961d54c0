package access

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// The verbs that the access policies of EKS give together.
var (
	looking  = []string{"get", "list", "watch"}
	changing = []string{"create", "delete", "deletecollection", "patch", "update"}
)

// eksRules spells rules as EKS's documentation lists them: for each API group the
// resources, in one text.
func eksRules(verbs []string, byGroup map[string]string) []rbac.Rule {
	var out []rbac.Rule
	for group, resources := range byGroup {
		out = append(out, rbac.Rule{Verbs: verbs, APIGroups: []string{group}, Resources: strings.Fields(resources)})
	}
	slices.SortFunc(out, func(a, b rbac.Rule) int { return strings.Compare(a.APIGroups[0], b.APIGroups[0]) })
	return out
}

// viewed is what AmazonEKSViewPolicy lets one look at.
var viewed = eksRules(looking, map[string]string{
	"":                  "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status namespaces",
	"apps":              "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
	"autoscaling":       "horizontalpodautoscalers horizontalpodautoscalers/status",
	"batch":             "cronjobs cronjobs/status jobs jobs/status",
	"discovery.k8s.io":  "endpointslices",
	"extensions":        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
	"networking.k8s.io": "ingresses ingresses/status networkpolicies",
	"policy":            "poddisruptionbudgets poddisruptionbudgets/status",
})

// edited is what AmazonEKSEditPolicy allows.
var edited = slices.Concat(viewed,
	eksRules(looking, map[string]string{"": "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"}),
	eksRules(changing, map[string]string{
		"":                  "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy pods pods/attach pods/exec pods/portforward pods/proxy",
		"apps":              "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
		"autoscaling":       "horizontalpodautoscalers",
		"batch":             "cronjobs jobs",
		"extensions":        "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale",
		"networking.k8s.io": "ingresses networkpolicies",
		"policy":            "poddisruptionbudgets",
	}),
	eksRules([]string{"impersonate"}, map[string]string{"": "serviceaccounts"}),
)

// accessPolicies are the rules of EKS's access policies, by name. EKS answers by
// them beside RBAC, and no object of the cluster shows them; the others, which
// are for AWS's own components, are not here and unknown. Source: Amazon EKS User
// Guide, "Review access policy permissions".
var accessPolicies = map[string][]rbac.Rule{
	"AmazonEKSClusterAdminPolicy": {{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}, {Verbs: []string{"*"}, NonResourceURLs: []string{"*"}}},
	"AmazonEKSAdminPolicy": slices.Concat(edited,
		eksRules(slices.Concat(looking, changing), map[string]string{"rbac.authorization.k8s.io": "rolebindings roles"}),
		eksRules([]string{"create"}, map[string]string{"authorization.k8s.io": "localsubjectaccessreviews"})),
	"AmazonEKSEditPolicy":         edited,
	"AmazonEKSViewPolicy":         viewed,
	"AmazonEKSAdminViewPolicy":    {{Verbs: looking, APIGroups: []string{"*"}, Resources: []string{"*"}}},
	"AmazonEKSSecretReaderPolicy": {{Verbs: looking, APIGroups: []string{""}, Resources: []string{"secrets"}}},
}
