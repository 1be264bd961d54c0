package kubernetes

import "strings"

// Plan lists the calls a collector makes, for --dry-run. Which types there are
// is known only to the API server, so that their lists are one line.
func (c *Collector) Plan() []string {
	where := "in all namespaces"
	if len(c.opts.Namespaces) > 0 {
		where = "in namespaces " + strings.Join(c.opts.Namespaces, ", ")
	}
	names := make([]string, 0, len(LeftOut()))
	for _, l := range LeftOut() {
		names = append(names, l.Resource)
	}
	return []string{
		"kubernetes:get:/version",
		"kubernetes:get:/api",
		"kubernetes:get:/apis",
		"kubernetes:list:secrets " + where + ", as a table of metadata, type and number of keys: values stay in the API server",
		"kubernetes:list:configmaps " + where + ", values dropped on arrival, a keyed digest of each kept",
		"kubernetes:list:* " + where + ": every other type the API server lists, except " + strings.Join(names, ", "),
	}
}

// Policy returns the ClusterRole that lets a collector read all it can use,
// as YAML. With secrets false it leaves them out: secrets are then a blind
// spot, and what depends on them is unknown.
func Policy(secrets bool) string {
	var b strings.Builder
	b.WriteString(`# What sevenfold needs to read a cluster: get and list, nothing else.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sevenfold-read}
rules:
# Which version and which types there are.
- nonResourceURLs: [/version, /version/, /api, /api/*, /apis, /apis/*]
  verbs: [get]
# The core types. Of configmaps the names of keys are kept, and a keyed digest of each value.
- apiGroups: [""]
  resources: [bindings, configmaps, limitranges, namespaces, nodes, persistentvolumeclaims, persistentvolumes, pods,
    podtemplates, replicationcontrollers, resourcequotas, serviceaccounts, services]
  verbs: [list]
`)
	if secrets {
		b.WriteString(`# Sevenfold asks for secrets as a table of metadata, type and number of keys and never receives
# a value. RBAC cannot say so: whoever may list secrets may read them. Leave this
# rule out (sevenfold then reports secrets as a blind spot) if that is too much.
- apiGroups: [""]
  resources: [secrets]
  verbs: [list]
`)
	} else {
		b.WriteString("# No right on secrets: they are reported as a blind spot.\n")
	}
	b.WriteString(`# All other groups, custom resources included: they cannot be named beforehand.
- apiGroups: [`)
	b.WriteString(strings.Join(policyGroups, ", "))
	b.WriteString(`]
  resources: ["*"]
  verbs: [list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sevenfold-read}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sevenfold-read}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: sevenfold-readers} # whoever runs sevenfold
`)
	return b.String()
}

// policyGroups are the API groups of Policy: the built-in ones and those of
// the extensions that AI platforms are made of. "*" would include the core
// group and with it secrets; a group that is not here shows as a blind spot
// whose hint names the rule to add.
var policyGroups = []string{
	"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps", "autoscaling", "batch",
	"certificates.k8s.io", "flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy",
	"rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
	"argoproj.io", "cert-manager.io", "cilium.io", "external-secrets.io", "gateway.networking.k8s.io", "jobset.x-k8s.io",
	"karpenter.k8s.aws", "karpenter.sh", "keda.sh", "kubeflow.org", "kueue.x-k8s.io", "kyverno.io",
	"leaderworkerset.x-k8s.io", "machinelearning.seldon.io", "mlflow.org", "mlops.seldon.io", "monitoring.coreos.com",
	"networking.istio.io", "pipelines.kubeflow.org", "projectcalico.org", "crd.projectcalico.org", "ray.io",
	"secrets-store.csi.x-k8s.io", "security.istio.io", "serving.knative.dev", "serving.kserve.io",
	"sparkoperator.k8s.io", "tekton.dev", "trainer.kubeflow.org",
}
