package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// series is one line of EC2 instances that carry accelerators for machine
// learning.
type series struct {
	letters string
	chip    string
	// class is what the series is made for; an instance of it that says no more
	// about itself is taken for that.
	class string
}

// accelerators are the instance series with accelerators for machine learning.
// Source: "Amazon EC2 instance types", Accelerated computing. A series is told
// by its letters with a generation after them, so that generations to come are
// read too. Left out on purpose: vt (video transcoding cards) and f (bare
// FPGAs), which that chapter also lists but which no framework trains or
// serves on. Left out within g: g4ad, whose AMD cards are made for graphics and
// which AMD's own framework for machine learning does not support.
var accelerators = []series{
	{"p", "NVIDIA data-centre GPUs", estate.ClassTraining},
	{"trn", "AWS Trainium", estate.ClassTraining},
	{"dl", "Gaudi and Qualcomm AI accelerators", estate.ClassTraining},
	{"g", "NVIDIA GPUs", estate.ClassEndpoint},
	{"gr", "NVIDIA GPUs with more memory", estate.ClassEndpoint},
	{"inf", "AWS Inferentia", estate.ClassEndpoint},
}

// accelerator finds the series of an instance type or family ("p4d.24xlarge",
// "ml.g5.xlarge", "g5"); false if it carries none.
func accelerator(instanceType string) (series, bool) {
	family, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(instanceType), "ml."), ".")
	letters := strings.TrimRight(family, "abcdefghijklmnopqrstuvwxyz-")
	i := strings.IndexAny(family, "0123456789")
	if i <= 0 || letters == "" {
		return series{}, false
	}
	if family == "g4ad" {
		return series{}, false
	}
	for _, s := range accelerators {
		if family[:i] == s.letters {
			return s, true
		}
	}
	return series{}, false
}

// Accelerated says which accelerator an instance type or family carries ("p4d.24xlarge",
// "ml.g5.xlarge"), as part of a sentence; empty if it carries none.
func Accelerated(instanceType string) string {
	if s, ok := accelerator(instanceType); ok {
		return s.says(instanceType)
	}
	return ""
}

// says is the sentence part that names an instance type's accelerator.
func (s series) says(instanceType string) string {
	return "instance type " + instanceType + " carries " + s.chip
}

// clusterTags mark machines that another service runs: the workload is what
// runs on them, a pod, task or job, and has a root of its own.
var clusterTags = []string{"eks:cluster-name", "aws:eks:cluster-name", "eks:nodegroup-name", "AWSBatchServiceTag",
	"aws:ecs:clusterName", "aws:elasticmapreduce:job-flow-id", "aws:batch:compute-environment"}

// managedBy names the service that runs a machine, "" if none does.
func (r *reading) managedBy() string {
	for _, key := range sortedKeys(r.allTags()) {
		for _, c := range clusterTags {
			if key == c || strings.HasPrefix(key, "kubernetes.io/cluster/") {
				return key
			}
		}
	}
	return ""
}

// instanceRoot marks an instance with accelerators as a workload unless a
// cluster runs it or it is gone.
func instanceRoot(r *reading) {
	typ := r.cfg.text("InstanceType")
	s, ok := accelerator(typ)
	state := r.cfg.text("State.Name")
	if !ok || r.managedBy() != "" || state == "terminated" || state == "shutting-down" {
		return
	}
	family := r.tag("aws:autoscaling:groupName")
	if family == "" && r.tag("aws:ec2launchtemplate:id") != "" {
		family = r.tag("aws:ec2launchtemplate:id")
	}
	r.root(s.class, family, s.says(typ)+"; it is taken for a "+s.class+" because the series is made for that")
}

// launchTemplateRoot marks a template by the instance types of its versions.
func launchTemplateRoot(r *reading) {
	if r.managedBy() != "" {
		return
	}
	for n := range r.cfg.each("DescribeLaunchTemplateVersions.LaunchTemplateVersions[].LaunchTemplateData.InstanceType") {
		if s, ok := accelerator(n.str()); ok {
			r.root(s.class, r.cfg.text("LaunchTemplateId"), s.says(n.str())+" in "+n.path)
			return
		}
	}
}

// groupRoot marks an Auto Scaling group by the types of its instances and of
// its mixed instances policy.
func groupRoot(r *reading) {
	if r.managedBy() != "" {
		return
	}
	for _, path := range []string{"Instances[].InstanceType", "MixedInstancesPolicy.LaunchTemplate.Overrides[].InstanceType"} {
		for n := range r.cfg.each(path) {
			if s, ok := accelerator(n.str()); ok {
				r.root(s.class, r.name(), s.says(n.str())+" in "+n.path)
				return
			}
		}
	}
}
