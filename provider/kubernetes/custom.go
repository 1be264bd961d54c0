package kubernetes

import "github.com/sevenfold-sec/sevenfold/estate"

// inferenceService declares what a KServe service serves and runs as. Its
// predictor is a pod specification even where it lists no container.
func (r *reader) inferenceService() {
	for _, component := range []string{"predictor", "transformer", "explainer"} {
		c := r.config("spec", component)
		account := c.at("serviceAccountName")
		r.relate(r.local("ServiceAccount", account.text()), estate.RunsAs, account)
		for name, member := range c.members() {
			m, ok := member.v.(map[string]any)
			if !ok {
				continue
			}
			for _, key := range []string{"storageUri", "storageURI"} {
				if uri, ok := m[key].(string); ok {
					r.model(uri, member.path+"."+key)
				}
			}
			if name == "model" {
				runtime := member.at("runtime")
				r.relate(r.id(r.a.Region, "serving.kserve.io", "ServingRuntime", runtime.text()), estate.Uses, runtime)
			}
		}
	}
	if uri := r.config("spec", "model", "uri"); !uri.missing() { // LLMInferenceService
		r.model(uri.text(), uri.path)
	}
}

// seldon declares the models of a Seldon deployment's graphs.
func (r *reader) seldon() {
	for _, p := range r.config("spec", "predictors").items() {
		r.seldonGraph(p.at("graph"), maxTemplateDepth)
	}
}

func (r *reader) seldonGraph(g value, depth int) {
	if depth == 0 || g.missing() {
		return
	}
	if uri := g.at("modelUri"); !uri.missing() {
		r.model(uri.text(), uri.path)
	}
	account := g.at("serviceAccountName")
	r.relate(r.local("ServiceAccount", account.text()), estate.RunsAs, account)
	for _, child := range g.at("children").items() {
		r.seldonGraph(child, depth-1)
	}
}

// trainJob declares the runtime a Kubeflow Trainer job is made from, and the
// image and accelerators it asks for itself.
func (r *reader) trainJob() {
	ref := r.config("spec", "runtimeRef")
	kind, namespace := text(ref, "kind", "ClusterTrainingRuntime"), ""
	if kind == "TrainingRuntime" {
		namespace = r.a.Region
	}
	r.relate(r.id(namespace, "trainer.kubeflow.org", kind, ref.at("name").text()), estate.Uses, ref)
	r.single(r.config("spec", "trainer"), "trainer")
	for _, side := range []string{"dataset", "model"} {
		uri := r.config("spec", "initializer", side, "storageUri")
		if side == "model" {
			r.model(uri.text(), uri.path)
		} else {
			r.bucket(uri.text(), uri.path)
		}
	}
}

// workflow declares whom an Argo workflow runs as.
func (r *reader) workflow() {
	spec := r.config("spec")
	if r.kind == "CronWorkflow" {
		spec = spec.at("workflowSpec")
	}
	account := spec.at("serviceAccountName")
	name := account.text()
	if name == "" && r.kind != "WorkflowTemplate" {
		name = "default"
	}
	r.relate(r.local("ServiceAccount", name), estate.RunsAs, account)
	ref := spec.at("workflowTemplateRef")
	kind, namespace := "WorkflowTemplate", r.a.Region
	if ref.at("clusterScope").flag() {
		kind, namespace = "ClusterWorkflowTemplate", ""
	}
	r.relate(r.id(namespace, "argoproj.io", kind, ref.at("name").text()), estate.Uses, ref)
}

// spark declares whom a Spark application runs as, its image and its code.
func (r *reader) spark() {
	spec := r.config("spec")
	if r.kind == "ScheduledSparkApplication" {
		spec = spec.at("template")
	}
	for _, side := range []string{"driver", "executor"} {
		account := spec.at(side, "serviceAccount")
		r.relate(r.local("ServiceAccount", account.text()), estate.RunsAs, account)
	}
	r.single(spec, "spark")
	file := spec.at("mainApplicationFile")
	r.bucket(file.text(), file.path)
	for _, a := range spec.at("arguments").items() {
		r.bucket(a.text(), a.path)
	}
}

// single declares a container that stands alone, outside a pod specification:
// an object with an image of its own.
func (r *reader) single(at value, name string) {
	if at.at("image").text() == "" {
		return
	}
	s := &podSpec{value: at}
	s.add(at, false)
	for i := range s.containers {
		s.containers[i].name = name
		r.container(s, &s.containers[i])
	}
}
