package kubernetes

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/software"
)

// workload decides whether the object is the root of an AI workload. What
// belongs to another that shows the same is no root beside it, if that other
// has been read: the snapshot tells, by RootUnless.
func (r *reader) workload(owners []owner, specs []*podSpec) *estate.Root {
	if definitions[r.key()] {
		return nil
	}
	for _, o := range owners {
		_, isCustom := customs[o.key]
		if carriers[o.key] || isCustom && (o.controller || r.key() != "Pod.") {
			r.u.RootUnless = append(r.u.RootUnless, o.id)
			if maker := makerOf(o.id); maker != "" {
				r.u.RootUnless = append(r.u.RootUnless, maker)
			}
		}
	}
	class, why := "", ""
	if c, ok := customs[r.key()]; ok {
		class, why = c.class, r.kind+" is "+c.what
	} else {
		class, why = r.recognise(specs)
	}
	if class == "" {
		return nil
	}
	return &estate.Root{Class: class, Family: r.family(class, owners), Why: why + "."}
}

// recognise looks for AI systems and accelerators in the containers.
func (r *reader) recognise(specs []*podSpec) (class, why string) {
	accelerated, training := "", false
	var all []*container
	for _, s := range specs {
		for i := range s.containers {
			c := &s.containers[i]
			if by := r.accelerated(s, c); by != "" {
				accelerated, training = cmp.Or(accelerated, by), training || trainsByName(c)
			}
			if !c.init {
				all = append(all, c)
			}
		}
	}
	if system, evidence := identify(all); system != nil {
		if class = system.Class; class == "" {
			class = r.shape()
		}
		if accelerated != "" {
			evidence += ", and " + accelerated
		}
		return class, evidence
	}
	switch {
	case accelerated != "" && training && r.shape() == estate.ClassEndpoint:
		return estate.ClassTraining, accelerated + " and says by its name that it trains"
	case accelerated != "":
		return r.shape(), accelerated + " and runs as a " + r.kind
	}
	return calls(all)
}

// identify finds the system the containers are for: strong evidence before
// weak, then the order of precedence, then the order of the containers. What
// makes no workload by itself does not count.
func identify(all []*container) (system *software.Match, why string) {
	var in *container
	for _, c := range all {
		for _, m := range software.Recognise(software.Container{Image: c.image, Words: c.words, Ports: c.ports, Env: c.env}) {
			weak := m.How == software.ByLikeness
			if m.Plain || system != nil && (weak && system.How != software.ByLikeness || weak == (system.How == software.ByLikeness) && m.Rank >= system.Rank) {
				continue
			}
			system, in = &m, c
		}
	}
	switch {
	case system == nil:
		return nil, ""
	case system.How == software.ByCommand:
		why = fmt.Sprintf("container %s runs %s (command %q)", in.name, system.System, system.Evidence)
	case system.How == software.ByImage:
		why = fmt.Sprintf("container %s runs %s (image %s)", in.name, system.System, system.Evidence)
	default:
		why = fmt.Sprintf("container %s looks like %s (port %s together with variable %s)", in.name, system.System, system.Evidence, system.Variable)
	}
	return system, why
}

// shape is the class of what runs to an end (training) or goes on (endpoint).
func (r *reader) shape() string {
	if c, ok := customs[r.key()]; ok {
		return c.class
	}
	if endsByKind[r.key()] {
		return estate.ClassTraining
	}
	if r.key() == "Pod." {
		if p, _ := r.config("spec").object()["restartPolicy"].(string); p == "Never" || p == "OnFailure" {
			return estate.ClassTraining
		}
	}
	return estate.ClassEndpoint
}

// endsByKind are the kinds that run to an end.
var endsByKind = map[string]bool{"Job.batch": true, "CronJob.batch": true, "JobSet.jobset.x-k8s.io": true}

// recurring are the kinds whose objects are runs of one job under names that
// differ.
var recurring = []string{"Job.batch", "Pod.", "Workflow.argoproj.io", "PyTorchJob.kubeflow.org", "TFJob.kubeflow.org", "MPIJob.kubeflow.org",
	"XGBoostJob.kubeflow.org", "PaddleJob.kubeflow.org", "JAXJob.kubeflow.org", "TrainJob.trainer.kubeflow.org", "RayJob.ray.io",
	"SparkApplication.sparkoperator.k8s.io", "JobSet.jobset.x-k8s.io"}

// family joins the runs of one job: by the schedule or pipeline that made
// them, by the prefix names are generated from, else by the name without what
// makes it unique.
func (r *reader) family(class string, owners []owner) string {
	if !slices.Contains(recurring, r.key()) {
		return ""
	}
	labels := r.config("metadata", "labels").object()
	for _, label := range []string{"pipelines.kubeflow.org/pipeline-name", "workflows.argoproj.io/cron-workflow", "workflows.argoproj.io/workflow-template"} {
		if name, _ := labels[label].(string); name != "" {
			return r.a.Region + "/" + name
		}
	}
	for _, o := range owners {
		if o.controller {
			return r.a.Region + "/" + o.name
		}
	}
	if prefix, _ := r.config("metadata").object()["generateName"].(string); prefix != "" {
		return r.a.Region + "/" + strings.TrimRight(prefix, "-.")
	}
	if cut := runSuffix.ReplaceAllString(r.a.Name, ""); cut != "" && cut != r.a.Name {
		return r.a.Region + "/" + cut
	}
	return r.a.Region + "/" + r.a.Name
}

// runSuffix is what makes the name of a run unique: a number, a date, a UUID
// or a long hexadecimal digest. Short words and versions (-7b, -v2) stay, for
// they tell jobs apart.
var runSuffix = regexp.MustCompile(`([-.]([0-9]+|[0-9]{8}t[0-9]{4,6}z?|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8,}))+$`)
