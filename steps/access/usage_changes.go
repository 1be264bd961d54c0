package access

import (
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// Gain is a call that gave somebody rights.
type Gain struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event,omitempty"`
	// By is who made it, Call what was called.
	By   string `json:"by,omitempty"`
	Call string `json:"call"`
	// To is the identity that gained, by its ARN or, of a cluster, the subject; for
	// a group the group.
	To string `json:"to"`
	// Grant is the policy (its ARN, or the name of an inline one), the access key's
	// id, or the binding; empty for the identity itself.
	Grant string `json:"grant,omitempty"`
	// Resource is the ARN of what gives it by its own policy, of which Grant is the
	// statement then and Actions what it names; empty for other grants.
	Resource string   `json:"resource,omitempty"`
	Actions  []string `json:"actions,omitempty"`
	// Account or cluster it was in.
	Account string `json:"account,omitempty"`
}

// Trial is the begin or the end of an experiment that a log shows.
type Trial struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event,omitempty"`
	By    string    `json:"by,omitempty"`
	// Kind is "training-job" and the like, Name its name; Begin tells begin from end.
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Begin   bool   `json:"begin"`
	Role    string `json:"role,omitempty"`
	Account string `json:"account,omitempty"`
	Region  string `json:"region,omitempty"`
}

// grants are the calls by which somebody gains rights, with the members of the
// request that say who and what.
var grants = map[string]struct{ kind, grant string }{
	"iam:AttachRolePolicy": {"role", "policyarn"}, "iam:PutRolePolicy": {"role", "policyname"}, "iam:CreateRole": {"role", ""},
	"iam:UpdateAssumeRolePolicy": {"role", ""}, "iam:AttachUserPolicy": {"user", "policyarn"}, "iam:PutUserPolicy": {"user", "policyname"},
	"iam:AttachGroupPolicy": {"group", "policyarn"}, "iam:PutGroupPolicy": {"group", "policyname"}, "iam:AddUserToGroup": {"user", "groupname"},
	"iam:CreateUser": {"user", ""}, "iam:CreateAccessKey": {"user", "accesskeyid"}, "iam:CreateLoginProfile": {"user", ""},
	"iam:CreateServiceSpecificCredential": {"user", "servicespecificcredentialid"},
}

// trials are the calls that begin and end experiments, by what is run.
var trials = map[string]struct {
	kind, name string
	begin      bool
}{
	"sagemaker:CreateNotebookInstance": {"notebook-instance", "notebookinstancename", true}, "sagemaker:StartNotebookInstance": {"notebook-instance", "notebookinstancename", true},
	"sagemaker:StopNotebookInstance": {"notebook-instance", "notebookinstancename", false}, "sagemaker:DeleteNotebookInstance": {"notebook-instance", "notebookinstancename", false},
	"sagemaker:CreateTrainingJob": {"training-job", "trainingjobname", true}, "sagemaker:StopTrainingJob": {"training-job", "trainingjobname", false},
	"sagemaker:CreateProcessingJob": {"processing-job", "processingjobname", true}, "sagemaker:StopProcessingJob": {"processing-job", "processingjobname", false},
	"sagemaker:CreateHyperParameterTuningJob": {"hyper-parameter-tuning-job", "hyperparametertuningjobname", true}, "sagemaker:StopHyperParameterTuningJob": {"hyper-parameter-tuning-job", "hyperparametertuningjobname", false},
	"sagemaker:CreateAutoMLJob": {"automl-job", "automljobname", true}, "sagemaker:CreateAutoMLJobV2": {"automl-job", "automljobname", true}, "sagemaker:StopAutoMLJob": {"automl-job", "automljobname", false},
	"sagemaker:CreateInferenceExperiment": {"inference-experiment", "name", true}, "sagemaker:StopInferenceExperiment": {"inference-experiment", "name", false}, "sagemaker:DeleteInferenceExperiment": {"inference-experiment", "name", false},
}

func (s *said) first(name string) string {
	if v := s.values[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// change notes what a call of CloudTrail's gave, and what experiment it begins or
// ends.
func (u *Usage) change(r *record, one *Use) {
	if r.ErrorCode != "" {
		return
	}
	if t, ok := trials[one.Name]; ok {
		s := newSaid(r)
		trial := Trial{Time: one.Time, Event: one.Event, By: one.Principal, Kind: t.kind, Name: s.first(t.name), Begin: t.begin, Account: one.Account, Region: one.Region}
		if roles := s.requestRoles(); len(roles) > 0 {
			trial.Role = roles[0]
		}
		if trial.Name != "" {
			u.Trials = append(u.Trials, trial)
		}
		return
	}
	if one.Name == grantCall { // the estate tells of the rest
		if s := newSaid(r); s.first("grantid") != "" {
			u.Gains = append(u.Gains, Gain{Time: one.Time, Event: one.Event, By: one.Principal, Call: grantCall, Account: one.Account, To: s.first("granteeprincipal"), Grant: s.first("grantid")})
		}
		return
	}
	if u.ownPolicy(r, one) {
		return
	}
	g, ok := grants[one.Name]
	if !ok {
		return
	}
	s := newSaid(r)
	name := s.first(g.kind + "name")
	if name == "" { // without a name IAM takes the caller's own
		if a, ok := aws.ParseARN(one.Principal); ok && strings.HasPrefix(a.Resource, "user/") {
			name = a.Name()
		}
	}
	if name == "" {
		return
	}
	c := Gain{Time: one.Time, Event: one.Event, By: one.Principal, Call: one.Name, Account: one.Account, To: "arn:" + s.partition + ":iam::" + s.account + ":" + g.kind + "/" + name}
	if g.grant != "" {
		c.Grant = s.first(g.grant)
	}
	u.Gains = append(u.Gains, c)
}

// binding notes a binding that was made in a cluster.
func (u *Usage) binding(r *record, one *Use) {
	if one.Error != "" || !slices.Contains([]string{"create", "update", "patch"}, r.Verb) || r.Ref.Group != "rbac.authorization.k8s.io" {
		return
	}
	kind := map[string]string{"rolebindings": "RoleBinding", "clusterrolebindings": "ClusterRoleBinding"}[r.Ref.Resource]
	if kind == "" || r.Ref.Name == "" {
		return
	}
	u.Gains = append(u.Gains, Gain{Time: one.Time, Event: one.Event, By: one.Principal, Call: one.Name, Account: one.Account,
		Grant: "k8s://" + one.Account + "/" + r.Ref.Namespace + "/" + kind + "/" + r.Ref.Name})
}
