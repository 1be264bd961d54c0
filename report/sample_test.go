package report

import (
	"fmt"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

// hostile is what a stranger may call a bucket: it tries terminals, HTML,
// Markdown tables, mentions and text direction at once.
const hostile = "x\x1b[2J\x07\u009b31m\"><script>alert(1)</script>|`](javascript:alert(1)) @everyone\u202egnp.\r\n# owned <!-- -->\x00"

var sampleTime = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

// mark is a shorthand for a decided criterion.
func mark(id string, s finding.CriterionStatus, reason string, findings ...string) finding.Criterion {
	return finding.Criterion{ID: id, Status: s, Reason: reason, Findings: findings,
		Evidence: []finding.Claim{{Claim: "read", Examined: 12, Of: 12, Source: "aws:regions=eu-west-1"}}}
}

func fault(control, asset, title string, sev finding.Severity, effort string, ev ...finding.Evidence) finding.Finding {
	return finding.Finding{ID: finding.NewID(control, asset, ""), Control: control, Step: "audit", Status: finding.Fail,
		Severity: sev, Asset: asset, Title: title, Evidence: ev,
		Fix: finding.Fix{Text: "Mend " + control + ".", Effort: effort, Grows: finding.GrowsUnits,
			Cost: &finding.Cost{Units: 2, ScaledUnits: 20, Hours: 4.2, ScaledHours: 6, Factor: 10, Why: "replicas or instances now: 2 (grown 10 times, as no limit is declared)"}}}
}

// harbour is the sample estate: four workloads over the three verdicts, one
// root cause shared by two of them.
func harbour() *Document {
	public := fault("s3-bucket-public-policy", "arn:aws:s3:::harbour-manifests-raw", "Bucket policy lets everyone read", finding.Critical, "minutes",
		finding.Evidence{What: "a statement allows every principal", Where: "config.GetBucketPolicy.Policy.Statement[0].Principal", Value: "*"},
		finding.Evidence{What: "no public access block", Where: "config.GetPublicAccessBlock", Value: "absent"})
	public.Fix = finding.Fix{Text: "Block public access on the bucket, then narrow the statement to the roles that read it.", Effort: "minutes",
		Commands: []string{"aws s3api put-public-access-block --bucket harbour-manifests-raw \\\n  --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true"},
		Disrupts: []string{"anonymous readers of the bucket"}}
	public.Frameworks, public.Techniques = []string{"CIS-AWS-3.0/2.1.4"}, []string{"AML.T0035", "T1530"}
	role1 := fault("iam-role-admin", "arn:aws:iam::210000000001:role/harbour-eta-train", "Role holds full administrator rights", finding.High, "hours",
		finding.Evidence{What: "an attached policy allows every action", Where: "config.AttachedManagedPolicies[0].PolicyArn", Value: "arn:aws:iam::aws:policy/AdministratorAccess"})
	role1.Fix.Text, role1.Fix.Disrupts = "Replace AdministratorAccess by the actions the job used in the last 90 days.", []string{"the next training run, if an action is missed"}
	role1.Fix.Commands = []string{"aws iam detach-role-policy --role-name harbour-eta-train --policy-arn arn:aws:iam::aws:policy/AdministratorAccess"}
	root := fault("sagemaker-notebook-root", "arn:aws:sagemaker:eu-west-1:210000000001:notebook-instance/pilot-scratch", "Notebook gives root and direct internet access", finding.High, "minutes",
		finding.Evidence{What: "root access", Where: "config.RootAccess", Value: "Enabled"},
		finding.Evidence{What: "direct internet access", Where: "config.DirectInternetAccess", Value: "Enabled"})
	capture := fault("sagemaker-endpoint-capture", "arn:aws:sagemaker:eu-west-1:210000000002:endpoint-config/eta-v7", "Endpoint keeps requests without a customer key", finding.Medium, "hours",
		finding.Evidence{What: "captured requests are encrypted by no key of yours", Where: "config.DataCaptureConfig.KmsKeyId", Value: "absent"})
	log := fault("bedrock-invocation-logging", "arn:aws:bedrock:eu-west-1:210000000002:account", "Model invocations are not logged", finding.Medium, "minutes",
		finding.Evidence{What: "no logging configuration", Where: "config.GetModelInvocationLoggingConfiguration", Value: "absent"})
	pod := fault("k8s-pod-privileged", "k8s://harbour/vllm/Deployment/tide-chat", "Container runs privileged", finding.High, "hours",
		finding.Evidence{What: "securityContext.privileged", Where: "config.spec.template.spec.containers[0].securityContext.privileged", Value: "true"})
	tag := fault("s3-bucket-versioning", "arn:aws:s3:::harbour-logs", "Bucket keeps no versions", finding.Low, "minutes")
	unread := fault("kms-key-rotation", "arn:aws:kms:eu-west-1:210000000001:key/7c0f", "Whether the key rotates could not be told", finding.Medium, "minutes",
		finding.Evidence{What: "kms:GetKeyRotationStatus was denied", Where: "config.GetKeyRotationStatus", Value: "AccessDeniedException"})
	unread.Status = finding.Unknown
	public.Risk = &finding.Risk{Score: 70, Path: []string{"internet", "meets arn:aws:s3:::harbour-manifests-raw"},
		Factors: []string{"severity critical", "entry: internet (Bucket policy lets everyone read)", "leads to an AI workload: arn:aws:s3:::harbour-manifests-raw (of w-eta-train)", "steps after the entry: 0"}}
	role1.Risk = &finding.Risk{Score: 47, Path: []string{"internet, past a sign-in", "meets arn:aws:sagemaker:eu-west-1:210000000001:notebook-instance/pilot-scratch", "runs as arn:aws:iam::210000000001:role/harbour-eta-train"},
		Factors: []string{"severity high", "entry: internet, past a sign-in (Notebook gives root and direct internet access)", "leads to administrator rights: arn:aws:iam::210000000001:role/harbour-eta-train (Role holds full administrator rights)", "steps after the entry: 1"}}
	capture.Risk = &finding.Risk{Score: 15, Path: []string{}, Factors: []string{"severity medium", "no path from an entry point found", "leads to production"}}
	log.Risk = &finding.Risk{Score: 30, Path: []string{}, Factors: []string{"severity medium", "path not known: s3:ListAllMyBuckets was not read: AccessDenied"}}
	public.Fix.Grows, public.Fix.Cost = finding.GrowsCallers, &finding.Cost{Units: 3, ScaledUnits: 30, Hours: 6.25, ScaledHours: 60.25, Factor: 10, Why: "callers known now: 3 (grown 10 times, as no limit is declared)"}
	role1.Fix.Grows, role1.Fix.Cost = finding.GrowsNot, &finding.Cost{Units: 1, ScaledUnits: 1, Hours: 4, ScaledHours: 4, Factor: 1, Why: "done once, however large the workload"}
	root.Fix.Patch = "--- a/notebook.tf\n+++ b/notebook.tf\n@@ -1,3 +1,3 @@\n resource \"aws_sagemaker_notebook_instance\" \"pilot\" {\n-  root_access = \"Enabled\"\n+  root_access = \"Disabled\"\n }\n"

	doc := &Document{
		Tool: Tool{Version: "0.1.0"}, Estate: "harbour", Taken: sampleTime,
		Snapshot: "sha256:9d1f0c55a6e2b87d40f3a1c9be5a7e60218d4f7c3b9a1e55d0c2f6a7b8c9d0e1",
		Sources: []Source{
			{Source: "aws:profile=train,regions=eu-west-1", Status: "complete", Assets: 812, Calls: 1904, Seconds: 38.4},
			{Source: "aws:profile=serve,regions=eu-west-1", Status: "partial", Assets: 377, Calls: 921, Seconds: 21.2},
			{Source: "kubernetes:harbour", Status: "complete", Assets: 143, Calls: 61, Seconds: 2.31},
		},
		Workloads: []Workload{
			{ID: "w-eta-train", Name: "eta-train", Type: estate.ClassTraining, Zone: "training", Owner: "ml-platform@harbour.example", Purpose: "estimate arrival of container ships",
				Verdict: finding.NotReady, Criteria: gate.Complete([]finding.Criterion{
					mark("audit.inventory", finding.CriterionPass, "all 3 sources were read for its types"),
					mark("audit.ownership", finding.CriterionPass, "owner, zone and purpose are declared"),
					mark("audit.deviations", finding.CriterionFail, "3 findings at or above high", public.ID, role1.ID, root.ID, unread.ID),
					mark("access.identities", finding.CriterionPass, "7 identities can act as it"),
					mark("access.scope", finding.CriterionFail, "its role may do everything", role1.ID),
					mark("access.credentials", finding.CriterionUnknown, "the credential report was not read")})},
			{ID: "w-eta", Name: "eta", Type: estate.ClassEndpoint, Zone: "serving", Owner: "ml-platform@harbour.example",
				Verdict: finding.NotReady, Criteria: gate.Complete([]finding.Criterion{
					mark("audit.inventory", finding.CriterionUnknown, "s3:ListAllMyBuckets was denied in account 210000000002"),
					mark("audit.ownership", finding.CriterionPass, "owner, zone and purpose are declared"),
					mark("audit.deviations", finding.CriterionFail, "1 finding at or above high", public.ID, capture.ID)})},
			{ID: "w-tide-chat", Name: "tide-chat", Type: estate.ClassAgent, Zone: "", Owner: "",
				Verdict: finding.NotReady, Criteria: gate.Complete([]finding.Criterion{
					mark("audit.inventory", finding.CriterionPass, "cluster harbour was read completely"),
					{ID: "audit.ownership", Status: finding.CriterionFail, Reason: "no owner, zone or purpose is declared", Hint: "declare tide-chat under workloads: in sevenfold.yaml"},
					mark("audit.deviations", finding.CriterionFail, "2 findings at or above medium", pod.ID, log.ID)})},
			{ID: "w-berth", Name: "berth-planner", Type: estate.ClassPipeline, Zone: "pipeline", Owner: "data@harbour.example",
				Verdict: finding.VerdictUnknown, Criteria: gate.Complete([]finding.Criterion{
					mark("audit.inventory", finding.CriterionPass, "all 3 sources were read for its types"),
					mark("audit.ownership", finding.CriterionPass, "owner, zone and purpose are declared"),
					mark("audit.deviations", finding.CriterionUnknown, "kms:GetKeyRotationStatus was denied", unread.ID)})},
		},
		Findings: []finding.Finding{public, role1, root, capture, log, pod, tag, unread},
		BlindSpots: []BlindSpot{
			{What: "buckets of account 210000000002", Why: "s3:ListAllMyBuckets: AccessDenied", Criteria: []string{"audit.inventory", "audit.deviations"}, Hint: "grant s3:ListAllMyBuckets"},
			{What: "rotation of key 7c0f", Why: "kms:GetKeyRotationStatus: AccessDeniedException", Criteria: []string{"audit.deviations"}, Hint: "grant kms:GetKeyRotationStatus"},
			{What: "the credential report of account 210000000001", Why: "iam:GenerateCredentialReport: AccessDenied", Criteria: []string{"access.credentials"}, Hint: "grant iam:GenerateCredentialReport"},
			{What: "exports/glue/get-jobs.json", Why: "line 1, column 20481: unexpected end of JSON input", Criteria: []string{"audit.inventory"}, Hint: "export the file again: aws glue get-jobs > glue/get-jobs.json"},
		},
		Overview: sampleOverview(), Listed: 12,
		Patches: []Patch{{Source: "terraform:infra/plan.json", Folder: "infra", Files: []string{"notebook.tf"}, Patch: root.Fix.Patch, Findings: []string{root.ID},
			Left:  []LeftOut{{tag.ID, `logs.tf: resource "aws_s3_bucket.logs": versioning.enabled: the mend of s3-bucket-locked says otherwise`}},
			Notes: []string{"modules/log: give module log the variable kms_key_arn where it is called: the call is not in this folder, or not with a path as its source"}}},
		Counts: Counts{Assets: 1332, Relations: 4871, Kinds: map[string]int{"store": 61, "identity": 214, "compute": 88, "network": 301, "unknown": 3}},
		Controls: []Control{
			{ID: "s3-bucket-public-policy", Step: "audit", Title: "Bucket policies let everyone read", Severity: finding.Critical, Fix: "Block public access.",
				Why: "Whoever finds the name reads the training data, and whoever may write it decides what the model learns. It is found by scanners within hours."},
			{ID: "iam-role-admin", Step: "audit", Title: "Roles of workloads hold full administrator rights", Severity: finding.High,
				Why: "A poisoned package in one training run owns the account."},
			{ID: "k8s-pod-privileged", Step: "audit", Title: "Containers run privileged", Severity: finding.High,
				Why: "A privileged container is root on its node and on every other workload there.", InvalidFor: []string{"device plugins of GPU nodes"}},
		},
	}
	doc.Tally()
	return doc
}

// crowd is an estate of n workloads that share a few causes, each with f
// findings of its own.
func crowd(n, f int) *Document {
	doc := &Document{Tool: Tool{Version: "0.1.0"}, Estate: "crowd", Taken: sampleTime, Snapshot: "sha256:00"}
	severities := []finding.Severity{finding.Critical, finding.High, finding.Medium, finding.Low, finding.Info}
	for i := range n {
		w := Workload{ID: fmt.Sprintf("w-%03d", i), Name: fmt.Sprintf("model-%03d", i), Type: estate.ClassEndpoint, Zone: "serving", Owner: "team@crowd.example", Verdict: finding.NotReady}
		c := finding.Criterion{ID: "audit.deviations", Status: finding.CriterionFail, Reason: "deviations"}
		for j := range f {
			ft := fault(fmt.Sprintf("control-%02d", (i+j)%17), fmt.Sprintf("arn:aws:s3:::crowd-%03d-%03d", i, j), fmt.Sprintf("Fault of sort %d", (i+j)%17), severities[(i+j)%17%5], []string{"minutes", "hours", "days"}[j%3],
				finding.Evidence{What: "setting is off", Where: "config.Setting", Value: "false"})
			doc.Findings = append(doc.Findings, ft)
			c.Findings = append(c.Findings, ft.ID)
		}
		if f == 0 {
			c = mark("audit.deviations", finding.CriterionPass, "nothing found")
			w.Verdict = finding.VerdictUnknown
		}
		w.Criteria = gate.Complete([]finding.Criterion{c})
		doc.Workloads = append(doc.Workloads, w)
	}
	doc.Tally()
	return doc
}

// allReady is an estate in which every criterion passes.
func allReady() *Document {
	doc := &Document{Tool: Tool{Version: "0.1.0"}, Estate: "calm", Taken: sampleTime, Snapshot: "sha256:01",
		Sources: []Source{{Source: "aws", Status: "complete", Assets: 4, Calls: 9, Seconds: 0.5}}}
	var all []finding.Criterion
	for _, s := range gate.Table() {
		for _, l := range s.Lines {
			all = append(all, mark(l.ID, finding.CriterionPass, "it holds"))
		}
	}
	all[3].Status, all[3].Waiver = finding.CriterionWaived, &finding.Waiver{Criterion: "audit.baseline", Workload: "calm-endpoint", Reason: "first week", Owner: "ciso@calm.example", Expires: "2027-01-31"}
	doc.Workloads = []Workload{{ID: "w-1", Name: "calm-endpoint", Type: estate.ClassEndpoint, Zone: "serving", Owner: "ml@calm.example", Verdict: finding.Ready, Criteria: all}}
	doc.Tally()
	return doc
}

// allUnknown is a workload of which nothing could be decided.
func allUnknown() *Document {
	doc := &Document{Tool: Tool{Version: "0.1.0"}, Estate: "fog", Taken: sampleTime, Snapshot: "sha256:02",
		Workloads:  []Workload{{ID: "w-1", Name: "fog", Type: estate.ClassAgent, Verdict: finding.VerdictUnknown, Criteria: gate.Complete(nil)}},
		BlindSpots: []BlindSpot{{What: "everything in aws", Why: "ExpiredToken", Criteria: []string{"audit.inventory"}, Hint: "aws sso login"}}}
	doc.Tally()
	return doc
}

// empty is an estate in which nothing was found.
func empty() *Document {
	doc := &Document{Tool: Tool{Version: "0.1.0"}, Estate: "empty", Taken: sampleTime, Snapshot: "sha256:03",
		Sources: []Source{{Source: "dir:nothing", Status: "complete", Seconds: 0.01}}}
	doc.Tally()
	return doc
}

// hostileDoc puts one name everywhere a name can stand.
func hostileDoc(h string) *Document {
	f := finding.Finding{ID: "F-1", Control: h, Step: "audit", Status: finding.Fail, Severity: finding.Severity(h), Asset: h, Title: h,
		Evidence: []finding.Evidence{{What: h, Where: h, Value: h}}, Frameworks: []string{h}, Techniques: []string{h},
		Fix: finding.Fix{Text: h, Commands: []string{h}, Patch: h, Effort: h, Disrupts: []string{h}, Grows: finding.GrowsUnits, Cost: &finding.Cost{Units: 1, ScaledUnits: 10, Hours: 1, ScaledHours: 2, Factor: 10, Why: h}}, Risk: &finding.Risk{Score: 9, Path: []string{h}, Factors: []string{h}}}
	c := finding.Criterion{ID: "audit.deviations", Status: finding.CriterionFail, Reason: h, Findings: []string{"F-1"}, Hint: h, Evidence: []finding.Claim{{Claim: h, Source: h}}}
	un := finding.Criterion{ID: "audit.ownership", Status: finding.CriterionUnknown, Reason: h, Hint: h}
	doc := &Document{Tool: Tool{Version: h}, Estate: h, Taken: sampleTime, Snapshot: h, Command: h,
		Sources:    []Source{{Source: h, Status: h}},
		Workloads:  []Workload{{ID: h, Name: h, Type: h, Zone: h, Owner: h, Purpose: h, Verdict: finding.Verdict(h), Criteria: []finding.Criterion{c, un, {ID: h, Status: finding.CriterionFail, Reason: h, Hint: h}}}},
		Findings:   []finding.Finding{f},
		BlindSpots: []BlindSpot{{What: h, Why: h, Criteria: []string{h, "audit.ownership"}, Hint: h}},
		Overview: &Overview{Assets: 1, All: 1, Unknown: 1, Unread: []string{h}, Accounts: []OverviewAccount{{Account: h}}, Workloads: []OverviewWorkload{{Name: h}},
			Identities: []OverviewIdentity{{ID: h, Account: h, Kind: h, Why: h, Origin: h, Administer: 1, May: h, Tied: h, LastUsed: h, MFA: h, Owner: h, NoOwner: h, By: []string{h}, Notes: []string{h}}}},
		Listed:   -1,
		Counts:   Counts{Kinds: map[string]int{h: 1}},
		Controls: []Control{{ID: h, Step: h, Title: h, Why: h, Fix: h, InvalidFor: []string{h}}},
	}
	doc.Tally()
	return doc
}
