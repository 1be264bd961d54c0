package admission

import (
	"strconv"
	"strings"
)

// PilotsAnnotation on a namespace says how many units it may have that no
// certificate names, all objects together. Who may govern the gate sets it.
const PilotsAnnotation = "sevenfold.dev/pilots"

// allowance is how many units a namespace may have without a certificate. What
// is no number does not raise it.
func (d *decider) allowance(namespace string) int {
	if text, ok := d.cluster.Annotations(namespace)[PilotsAnnotation]; ok {
		if n, err := strconv.ParseUint(text, 10, 31); err == nil {
			return int(n)
		}
		return 0
	}
	return d.pilots
}

// DefaultControllers are the users whose word counts that an object is made for
// another: the controllers of every cluster, and operators under the names their
// projects install them by. The API server vouches for who asks; whoever can act
// as one of these holds the cluster, or the namespace of that operator.
func DefaultControllers() []string {
	out := []string{"system:kube-controller-manager"}
	for _, name := range []string{
		"kube-system:deployment-controller", "kube-system:replicaset-controller", "kube-system:replication-controller", "kube-system:statefulset-controller",
		"kube-system:daemon-set-controller", "kube-system:job-controller", "kube-system:cronjob-controller", "kube-system:horizontal-pod-autoscaler",
		"kube-system:generic-garbage-collector",
		"argo:argo-controller", "argo-rollouts:argo-rollouts", "jobset-system:jobset-controller-manager", "keda:keda-operator",
		"knative-serving:controller", "kserve:kserve-controller-manager", "kserve:llmisvc-controller-manager", "kubeflow:training-operator",
		"kubeflow-system:kubeflow-trainer-controller-manager", "kubeflow:katib-controller", "kueue-system:kueue-controller-manager",
		"lws-system:lws-controller-manager", "ray-system:kuberay-operator", "kuberay-operator:kuberay-operator", "spark-operator:spark-operator-controller",
		"volcano-system:volcano-controllers", "seldon-system:seldon-manager", "nvidia-nim-operator:nim-operator", "kaito-workspace:kaito-workspace-sa",
	} {
		out = append(out, "system:serviceaccount:"+name)
	}
	return out
}

// ControllersExpression is the list of controllers as CEL writes it: the floor
// leaves to the webhook what they make for others.
func ControllersExpression(users []string) string {
	quotedUsers := make([]string, len(users))
	for i, u := range users {
		quotedUsers[i] = quoted(u)
	}
	return "[" + strings.Join(quotedUsers, ", ") + "]"
}
