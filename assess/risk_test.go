package assess

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// TestHarbourPaths names paths that FAULTS.md plants: the notebook behind an
// open firewall group that runs as administrator (N2, A1, C1), the notebook in
// the cluster that is cluster-admin (A7, C11), the model server that reads a
// secret (N3), and the bucket anyone may read (D1).
func TestHarbourPaths(t *testing.T) {
	r := harbour(t)
	byFault := map[[2]string]*finding.Risk{}
	for _, f := range r.Findings {
		if f.Risk == nil || f.Risk.Score < 0 || f.Risk.Score > 100 || len(f.Risk.Factors) == 0 {
			t.Fatalf("%s on %s: risk %+v", f.Control, f.Asset, f.Risk)
		}
		byFault[[2]string{f.Control, f.Asset}] = f.Risk
	}
	lab := []string{"internet", "meets arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0a11000000000022",
		"lets in to arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/port-lab", "runs as arn:aws:iam::111122223333:role/port-lab-notebook"}
	cluster := []string{"internet", "meets k8s://default/lab/Service/port-notebook", "leads to k8s://default/lab/Deployment/port-notebook",
		"runs as k8s://default/lab/ServiceAccount/notebook", "holds k8s://default//ClusterRoleBinding/notebook-admin"}
	quay := []string{"internet", "meets k8s://default/quay/Service/quay-llm", "leads to k8s://default/quay/Deployment/quay-llm", "reads k8s://default/quay/Secret/openai"}
	// By what policies allow: whoever may push the image that a job runs, is the job.
	train := []string{"a stranger's account", "meets arn:aws:iam::111122223333:role/ci-deploy", "can change arn:aws:ecr:eu-west-1:111122223333:repository/eta-train",
		"contains image://111122223333.dkr.ecr.eu-west-1.amazonaws.com/eta-train:latest", "runs in arn:aws:sagemaker:eu-west-1:111122223333:training-job/eta-train-2026-11-17",
		"runs as arn:aws:iam::111122223333:role/eta-training"}
	for fault, want := range map[[2]string][]string{
		{"security-group-ai-port-open", "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0a11000000000022"}:                lab,
		{"iam-policy-everything", "arn:aws:iam::111122223333:role/port-lab-notebook"}:                                           lab,
		{"sagemaker-notebook-direct-internet", "arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/port-lab"}:           lab,
		{"k8s-jupyter-without-token", "k8s://default/lab/Deployment/port-notebook"}:                                             cluster,
		{"k8s-cluster-admin-bound", "k8s://default//ClusterRoleBinding/notebook-admin"}:                                         cluster,
		{"k8s-service-ai-port-open", "k8s://default/quay/Service/quay-llm"}:                                                     quay,
		{"s3-bucket-policy-public", "arn:aws:s3:::harbour-manifests"}:                                                           {"internet", "meets arn:aws:s3:::harbour-manifests"},
		{"kms-key-not-rotated", "arn:aws:kms:eu-west-1:111122223333:key/5c1f0a52-3d54-4c1e-9a53-1f6f0f6b2a01"}:                  {},
		{"sagemaker-training-network-unconfined", "arn:aws:sagemaker:eu-west-1:111122223333:training-job/eta-train-2026-11-17"}: train,
	} {
		got := byFault[fault]
		if got == nil {
			t.Errorf("no finding %v", fault)
			continue
		}
		if diff := cmp.Diff(want, got.Path); diff != "" {
			t.Errorf("%v (-want +got):\n%s", fault, diff)
		}
	}
}

// Each step of a path is a relation of the estate between the assets it names,
// a class of pods apart.
func TestHarbourPathsAreWalks(t *testing.T) {
	r := harbour(t)
	for _, f := range r.Findings {
		for i, step := range f.Risk.Path {
			if i == 0 {
				continue
			}
			if _, ok := r.Snapshot.Find(step[strings.LastIndexByte(step, ' ')+1:]); !ok {
				t.Errorf("%s on %s: %q names no asset", f.Control, f.Asset, step)
			}
		}
	}
}

// opensSomething matches controls whose fault lets somebody in.
var opensSomething = regexp.MustCompile(`public|(^|-)open(-|$)|anyone|anonymous|without-(authorizer|sign-in|token|auth|api-key|mfa)|direct-internet|foreign|any-oidc|access-key|any-token|access-of-strangers|key-without-end|exposed`)

// noEntry says why a control that sounds so is no entry point.
var noEntry = map[string]string{
	"agentcore-identity-open-return":       "who stands there receives a token and begins nowhere in the estate",
	"agentcore-interpreter-public-network": "says where the code goes, not who comes",
	"batch-job-public-address":             "an address alone lets nobody in: the firewall group does",
	"bedrock-knowledge-foreign-bucket":     "a stranger writes what is read and acts nowhere himself",
	"emr-cluster-public-address":           "an address alone lets nobody in: the firewall group does",
	"emr-public-access-unblocked":          "a guard that is off opens nothing by itself",
	"qbusiness-plugin-without-auth":        "the tool is met at its own address, outside the estate",
	"sagemaker-code-repository-open":       "who is on the line changes what is fetched and enters nothing",
	"sagemaker-shell-open":                 "who may open a session has rights in the account already",
	"agentcore-runtime-public-network":     "says where the runtime goes, not who comes",
	"s3-account-public-access-unblocked":   "a guard that is off opens nothing by itself",
	"s3-bucket-public-access-unblocked":    "a guard that is off opens nothing by itself",
	"k8s-jupyter-without-token":            "met through a Service, which is the entry",
	"k8s-mlflow-without-auth":              "met through a Service, which is the entry",
	"k8s-ollama-open":                      "met through a Service, which is the entry",
	"k8s-ray-dashboard-open":               "met through a Service, which is the entry",
	"k8s-vllm-without-api-key":             "met through a Service, which is the entry",
	"k8s-airflow-without-sign-in":          "met through a Service, which is the entry",
	"k8s-argo-server-open":                 "met through a Service, which is the entry",
	"k8s-chroma-open":                      "met through a Service, which is the entry",
	"k8s-comfyui-open":                     "met through a Service, which is the entry",
	"k8s-dask-scheduler-open":              "met through a Service, which is the entry",
	"k8s-graph-store-without-sign-in":      "met through a Service, which is the entry",
	"k8s-jupyterhub-anyone":                "met through a Service, which is the entry",
	"k8s-label-studio-open-signup":         "met through a Service, which is the entry",
	"k8s-llamacpp-without-api-key":         "met through a Service, which is the entry",
	"k8s-localai-without-api-key":          "met through a Service, which is the entry",
	"k8s-milvus-operator-without-sign-in":  "met through a Service, which is the entry",
	"k8s-milvus-without-sign-in":           "met through a Service, which is the entry",
	"k8s-open-webui-auth-off":              "met through a Service, which is the entry",
	"k8s-phoenix-without-sign-in":          "met through a Service, which is the entry",
	"k8s-qdrant-without-api-key":           "met through a Service, which is the entry",
	"k8s-registry-open":                    "met through a Service, which is the entry",
	"k8s-sglang-without-api-key":           "met through a Service, which is the entry",
	"k8s-tensorboard-open":                 "met through a Service, which is the entry",
	"k8s-tgi-without-api-key":              "met through a Service, which is the entry",
	"k8s-weaviate-anonymous":               "met through a Service, which is the entry",
	"k8s-vllm-files-open":                  "who asks for the file has got in already",
}

// TestEntriesAreDeclared holds the controls' attack entries true: each control
// that sounds like an open door says for whom, or stands above with a reason;
// and none says it that only measures hygiene.
func TestEntriesAreDeclared(t *testing.T) {
	set := builtin.Controls(t)
	seen := 0
	for _, c := range set.Controls() {
		why, excused := noEntry[c.ID]
		switch sounds := opensSomething.MatchString(c.ID); {
		case excused && (c.Attack.Entry != "" || !sounds || why == ""):
			t.Errorf("%s: excused, but entry %q, sounds like a door %v", c.ID, c.Attack.Entry, sounds)
		case sounds && !excused && c.Attack.Entry == "":
			t.Errorf("%s sounds like an open door and declares no attack.entry", c.ID)
		case !sounds && c.Attack.Entry != "":
			t.Errorf("%s declares the entry %q, and its name does not say what is open", c.ID, c.Attack.Entry)
		}
		if c.Attack.Entry != "" {
			seen++
		}
		if c.Attack.Prize == "credential" && !strings.Contains(c.ID, "secret") {
			t.Errorf("%s declares a credential in clear", c.ID)
		}
	}
	if seen < 25 {
		t.Errorf("only %d entries", seen)
	}
	for id := range noEntry {
		if set.Find(id) == nil {
			t.Errorf("there is no control %s", id)
		}
	}
}
