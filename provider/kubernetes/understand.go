// Package kubernetes says what the configuration of a Kubernetes object means:
// its kind, the relations it declares, the parts it is made of, and whether it
// is the root of an AI workload. What joins objects by label rather than by
// name is in Derive.
package kubernetes

import (
	"bytes"
	"encoding/json"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// reader is the understanding of one asset in the making.
type reader struct {
	a     *estate.Asset
	u     *estate.Understanding
	root  value // the configuration
	group string
	kind  string
}

// readers read one kind each beyond what all have in common.
var readers = map[string]func(*reader){
	"ServiceAccount.":                                             (*reader).serviceAccount,
	"RoleBinding.rbac.authorization.k8s.io":                       (*reader).binding,
	"ClusterRoleBinding.rbac.authorization.k8s.io":                (*reader).binding,
	"ClusterRole.rbac.authorization.k8s.io":                       (*reader).clusterRole,
	"Ingress.networking.k8s.io":                                   (*reader).ingress,
	"Ingress.extensions":                                          (*reader).ingress,
	"HTTPRoute.gateway.networking.k8s.io":                         (*reader).gatewayRoute,
	"GRPCRoute.gateway.networking.k8s.io":                         (*reader).gatewayRoute,
	"TCPRoute.gateway.networking.k8s.io":                          (*reader).gatewayRoute,
	"TLSRoute.gateway.networking.k8s.io":                          (*reader).gatewayRoute,
	"UDPRoute.gateway.networking.k8s.io":                          (*reader).gatewayRoute,
	"HorizontalPodAutoscaler.autoscaling":                         (*reader).scaler,
	"ScaledObject.keda.sh":                                        (*reader).scaler,
	"PersistentVolumeClaim.":                                      (*reader).claim,
	"PersistentVolume.":                                           (*reader).volume,
	"Pod.":                                                        (*reader).pod,
	"Node.":                                                       (*reader).node,
	"MutatingWebhookConfiguration.admissionregistration.k8s.io":   (*reader).webhooks,
	"ValidatingWebhookConfiguration.admissionregistration.k8s.io": (*reader).webhooks,
	"APIService.apiregistration.k8s.io":                           (*reader).apiService,
	"InferenceService.serving.kserve.io":                          (*reader).inferenceService,
	"LLMInferenceService.serving.kserve.io":                       (*reader).inferenceService,
	"SeldonDeployment.machinelearning.seldon.io":                  (*reader).seldon,
	"TrainJob.trainer.kubeflow.org":                               (*reader).trainJob,
	"Workflow.argoproj.io":                                        (*reader).workflow,
	"CronWorkflow.argoproj.io":                                    (*reader).workflow,
	"WorkflowTemplate.argoproj.io":                                (*reader).workflow,
	"SparkApplication.sparkoperator.k8s.io":                       (*reader).spark,
	"ScheduledSparkApplication.sparkoperator.k8s.io":              (*reader).spark,
	"Cluster.": (*reader).cluster,
}

// Understand says what one asset's configuration means. It never fails: what
// it cannot make sense of it names in Problems.
func Understand(a *estate.Asset) estate.Understanding {
	u := estate.Understanding{Name: a.Name}
	r := &reader{a: a, u: &u}
	r.group, r.kind = split(a.Type)
	u.Kind = kinds[r.key()]
	var v any
	if len(a.Config) > 0 {
		dec := json.NewDecoder(bytes.NewReader(a.Config))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			u.Problems = append(u.Problems, estate.Problem{Path: "config", Why: "is not JSON: " + err.Error()})
			return u
		}
	}
	r.root = value{v, "config", &u}
	if r.root.object() == nil {
		return u
	}
	r.place()
	owners := r.owners()
	specs := r.podSpecs()
	for _, s := range specs {
		r.podSpec(s)
	}
	if read := readers[r.key()]; read != nil {
		read(r)
	}
	if c, ok := customs[r.key()]; ok {
		u.Kind = c.kind
	} else if u.Kind == estate.KindUnknown && len(specs) > 0 {
		u.Kind = estate.KindCompute
	}
	u.Root = r.workload(owners, specs)
	return u
}

func (r *reader) key() string { return r.kind + "." + r.group }

func (r *reader) config(names ...string) value { return r.root.at(names...) }

// relate declares a relation from the asset understood, with the place it
// stands as evidence. An empty end is no relation.
func (r *reader) relate(to string, t estate.RelationType, at value) { r.join(r.a.ID, to, t, at.path) }

func (r *reader) join(from, to string, t estate.RelationType, evidence string) {
	if from == "" || to == "" {
		return
	}
	r.u.Relations = append(r.u.Relations, estate.Relation{From: from, To: to, Type: t, Tier: estate.Declared, Evidence: evidence})
}

// id names an object of the same cluster; an empty name gives no id.
func (r *reader) id(namespace, group, kind, name string) string {
	if name == "" {
		return ""
	}
	return ID(r.a.Account, namespace, group, kind, name)
}

// local names an object of the core group in the same namespace.
func (r *reader) local(kind, name string) string { return r.id(r.a.Region, "", kind, name) }

// place puts an object in its namespace, and a namespace in its cluster.
func (r *reader) place() {
	if r.a.Region != "" {
		r.relate(r.id("", "", "Namespace", r.a.Region), estate.MemberOf, r.config("metadata", "namespace"))
	} else if r.kind == "Namespace" || r.kind == "Node" {
		r.relate(r.id("", "", "Cluster", r.a.Account), estate.MemberOf, r.config("kind"))
	}
}

// owner is an object that another belongs to.
type owner struct {
	key, kind, name, id string
	controller          bool
}

// owners reads ownerReferences: a controller contains what it made.
func (r *reader) owners() []owner {
	var out []owner
	for _, ref := range r.config("metadata", "ownerReferences").items() {
		o := owner{kind: ref.at("kind").text(), name: ref.at("name").text(), controller: ref.at("controller").flag()}
		group := groupOf(ref.at("apiVersion").text())
		o.key = o.kind + "." + group
		if o.kind == "" || o.name == "" {
			ref.wrong("a reference with kind and name")
			continue
		}
		namespace := r.a.Region
		if o.kind == "Node" && group == "" {
			namespace = ""
		}
		o.id = r.id(namespace, group, o.kind, o.name)
		if o.controller {
			r.join(o.id, r.a.ID, estate.Contains, ref.path)
		}
		out = append(out, o)
	}
	return out
}

// cluster joins a cluster to the EKS cluster its kubeconfig entry names.
func (r *reader) cluster() {
	at := r.config("kubeconfig", "cluster")
	if arn := at.text(); isARN(arn, "eks") {
		r.join(arn, r.a.ID, estate.Contains, at.path)
	}
}
