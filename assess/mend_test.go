package assess

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/finding"
	providerTerraform "github.com/sevenfold-sec/sevenfold/provider/terraform"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/audit/hclpatch"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// mendCase is a source in testdata/mend with faults, and what AWS has beside it.
type mendCase struct {
	// computed are attributes that AWS gave a resource that exists already.
	computed map[string]map[string]any
	gone     string // what the plan deletes, in HCL
}

var mendCases = map[string]mendCase{
	"bucket.tf": {computed: map[string]map[string]any{"aws_s3_bucket.models": {"arn": "arn:aws:s3:::models", "id": "models",
		"versioning": []any{map[string]any{"enabled": false, "mfa_delete": false}}, "policy": "", "logging": []any{}}}},
	"bucket_opened.tf": {gone: `resource "aws_s3_bucket_public_access_block" "shut" {
  bucket                  = "models"
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}`},
	"credentials.tf": {computed: map[string]map[string]any{
		"aws_iam_access_key.robot":        {"id": "AKIAIOSFODNN7EXAMPLE", "create_date": "2021-01-01T00:00:00Z"},
		"aws_secretsmanager_secret.token": {"arn": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:token-0a1b2c", "id": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:token-0a1b2c"}}},
}

// mendUnseen are the fixes whose fault no plan shows, with what it hangs on. What is
// left of the proof is that the control passes, or has nothing to ask, after the
// patch.
var mendUnseen = map[string]string{
	"agentcore-any-token aws_bedrockagentcore_gateway":       "the provider has no scopes and claims, so no plan tells that none are named",
	"agentcore-any-token aws_bedrockagentcore_agent_runtime": "the provider has no scopes and claims, so no plan tells that none are named",
	"emr-cluster-unlogged aws_emr_cluster":                   "the provider has no newer places for logs, so no plan tells that there is none",
	"iam-access-key-unused aws_iam_access_key":               "no plan tells when a key was used last",
	"sagemaker-domain-storage-own-key aws_sagemaker_domain":  "the provider has no key of the home folders' file system, so no plan tells that it is not there",
	"secret-stale aws_secretsmanager_secret":                 "no plan tells when a secret was changed",
	"vpc-flow-log-absent aws_vpc":                            "no plan tells in which network an interface will stand, and without one nothing is asked",
}

// mendRefused are the faults of a source whose patch is refused, with what is said.
var mendRefused = map[string]string{
	"bucket_opened.tf s3-bucket-clear-text-transport": "aws_s3_bucket_policy.open is there already and says something else",
}

// mender assesses sources with all controls.
type mender struct {
	planner
	set *control.Set
}

func newMender(t testing.TB) *mender {
	t.Helper()
	set := builtin.Controls(t)
	return &mender{planner: planner{schema: readTFSchema(t)}, set: set}
}

// assess writes a source and the plan of it into a folder and assesses the plan.
func (m *mender) assess(t testing.TB, source string, c mendCase) (*Result, string) {
	t.Helper()
	dir := t.TempDir()
	m.computed = c.computed
	for name, text := range map[string]string{"main.tf": source, "plan.json": string(m.plan(t, source, c.gone))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Run(context.Background(), Options{Scope: scope.Default(), Controls: m.set, Sources: []string{"terraform:" + filepath.Join(dir, "plan.json")},
		Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), MaskKey: []byte("test")})
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// failing lists the faults of an assessment as "control asset".
func failing(r *Result) map[string]finding.Finding {
	out := map[string]finding.Finding{}
	for _, f := range r.Findings {
		if f.Status == finding.Fail && f.Control != "" {
			out[f.Control+" "+f.Asset] = f
		}
	}
	return out
}

// gitApply applies a patch in the folder of a source and returns the source
// after.
func gitApply(t testing.TB, dir, patch string) string {
	t.Helper()
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(patch)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v: %s\n%s", err, out, patch)
	}
	after, err := os.ReadFile(filepath.Join(dir, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(after)
}

// TestMend holds the fixes for Terraform against what they promise. Each source
// in testdata/mend has faults; for each that has a patch, the patch is applied
// with git, the provider's schema takes the result, and a plan of it does not
// have the fault, nor one that the source did not have.
func TestMend(t *testing.T) {
	m := newMender(t)
	sources, err := filepath.Glob(filepath.Join("testdata", "mend", "*.tf"))
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	proved, refusals, looked, inKubernetes := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, path := range sources {
		name := filepath.Base(path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(name, ".tf"), func(t *testing.T) {
			before, _ := m.assess(t, string(text), mendCases[name])
			was := failing(before)
			left := race.Size(len(was), 2)
			for key, f := range was {
				if left--; left < 0 {
					break
				}
				c := m.set.Find(f.Control)
				if c == nil {
					continue // a step's own finding, which no control mends
				}
				fix := taken(c.Terraform, m.blocks(t, string(text)), f.Asset, before)
				if fix == nil {
					if f.Fix.Patch != "" { // made of the fix for Kubernetes
						m.mends(t, string(text), mendCases[name], f, was)
						inKubernetes[f.Control] = true
					}
					continue
				}
				if want := mendRefused[name+" "+f.Control]; want != "" && strings.HasPrefix(f.Fix.Patch, "# no patch: ") && strings.Contains(f.Fix.Patch, want) {
					refusals[name+" "+f.Control] = true
					continue
				}
				if f.Fix.Patch == "" || strings.HasPrefix(f.Fix.Patch, "#") {
					t.Errorf("%s: no patch by %s: %s", key, fix.Resource, f.Fix.Patch)
					continue
				}
				m.mends(t, string(text), mendCases[name], f, was)
				proved[f.Control+" "+fix.Resource] = true
			}
			m.mendsAll(t, string(text), mendCases[name], before, was)
			for key := range mendUnseen {
				if m.mendsUnseen(t, string(text), mendCases[name], key, was) {
					looked[key] = true
				}
			}
		})
	}
	if race.Enabled { // what is proved of every fix is proved without it
		return
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(mendRefused)), slices.Sorted(maps.Keys(refusals))); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(mendUnseen)), slices.Sorted(maps.Keys(looked))); diff != "" {
		t.Errorf("patches of what no plan shows (-want +got):\n%s", diff)
	}
	want := []string{"k8s-container-host-port", "k8s-container-privileged", "k8s-container-seccomp-off", "k8s-model-unsafe-load", "k8s-open-webui-auth-off", "k8s-pod-default-token", "k8s-pod-host-namespaces"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(inKubernetes))); diff != "" {
		t.Errorf("faults of Kubernetes mended in Terraform (-want +got):\n%s", diff)
	}
	for _, c := range m.set.Controls() {
		for _, fix := range c.Terraform {
			key := c.ID + " " + fix.Resource
			if why := mendUnseen[key]; proved[key] == (why != "") {
				t.Errorf("%s: proved %v; reason why it cannot be: %q", key, proved[key], why)
			}
		}
	}
}

// taken is the first fix that a resource of the asset takes.
func taken(fixes []control.Terraform, resources []*tfResource, asset string, r *Result) *control.Terraform {
	n, ok := r.Snapshot.Find(asset)
	if !ok {
		return nil
	}
	typ := r.Snapshot.Asset(n).Type
	for i, fix := range fixes {
		if providerTerraform.TypeOf(fix.Resource) == typ && slices.ContainsFunc(resources, func(r *tfResource) bool { return r.typ == fix.Resource }) {
			return &fixes[i]
		}
	}
	return nil
}

// mends applies the patch of a finding and looks again.
func (m *mender) mends(t *testing.T, source string, c mendCase, f finding.Finding, was map[string]finding.Finding) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	patched := gitApply(t, dir, f.Fix.Patch)
	after, _ := m.assess(t, patched, c)
	if _, ok := after.Snapshot.Find(f.Asset); !ok {
		t.Errorf("%s: %s is gone after the patch\n%s", f.Control, f.Asset, f.Fix.Patch)
	}
	for _, g := range after.Findings {
		if g.Control == f.Control && g.Asset == f.Asset {
			t.Errorf("%s on %s is %s after the patch: %s\n%s", g.Control, g.Asset, g.Status, g.Title, f.Fix.Patch)
		}
	}
	for key := range failing(after) {
		if _, had := was[key]; !had {
			t.Errorf("the patch of %s opens %s\n%s", f.Control, key, f.Fix.Patch)
		}
	}
}

// mendsUnseen makes the patches of a fix whose fault no plan shows, and looks
// whether the control has an answer then. It reports whether the source has
// such a resource.
func (m *mender) mendsUnseen(t *testing.T, source string, c mendCase, key string, failed map[string]finding.Finding) bool {
	t.Helper()
	id, typ, _ := strings.Cut(key, " ")
	any := false
	for _, r := range m.blocks(t, source) {
		if r.typ != typ {
			continue
		}
		before, dir := m.assess(t, source, c)
		for _, fix := range m.set.Find(id).Terraform {
			if fix.Resource != typ {
				continue
			}
			in := &root{folder: dir, files: terraform.FindSources(filepath.Join(dir, "plan.json")), tree: &hclpatch.Tree{Files: os.DirFS(dir)}}
			w := written{root: in, address: r.typ + "." + r.name, typ: r.typ, name: r.name}
			patch := w.patch(edit(fix), nil, &finding.Finding{Control: id})
			if patch == "" { // a block that is not there is not made
				continue
			}
			any = true
			if strings.HasPrefix(patch, "#") {
				t.Errorf("%s: no patch of %s: %s", key, w.address, patch)
				continue
			}
			after, _ := m.assess(t, gitApply(t, dir, patch), c)
			was, left := asked(before, id), asked(after, id)
			if left != max(was-1, 0) {
				t.Errorf("%s: %d findings before the patch of %s, %d after\n%s", key, was, w.address, left, patch)
			}
			for key := range failing(after) {
				if _, had := failed[key]; !had {
					t.Errorf("the patch of %s opens %s\n%s", id, key, patch)
				}
			}
		}
	}
	return any
}

// asked counts the findings of a control, unknown ones included.
func asked(r *Result, control string) int {
	n := 0
	for _, f := range r.Findings {
		if f.Control == control {
			n++
		}
	}
	return n
}

// Reasons why a fault has no patch.
const (
	whoNeedsIt      = "whom to name only the company knows, and the policy may be written in any of several places"
	inTheCode       = "the code has to fetch the secret, or to do without the right; a resource cannot say that"
	whichOfThem     = "which of several resources or blocks is at fault the finding tells and the resource does not: a patch would change the others too"
	noAttribute     = "the provider has no attribute for it"
	unconverted     = "we do not read that attribute of a plan, so a patch could not be proved"
	anotherResource = "what mends it is another resource, with choices of its own"
	madeAgain       = "it is mended by deleting it, once nobody needs it"
	inAString       = "it stands inside a text or a map, of which a patch would have to write all"
	afterApply      = "a plan does not tell the address that an apply will give"
	wholeProgram    = "it takes a program of work, not a setting"
)

// unpatched are the controls without a patch for a type that Terraform makes,
// with the reason: "CONTROL", or "CONTROL TYPE" of one type alone.
var unpatched = map[string]string{
	"agentcore-gateway-policy-only-logs":   noAttribute,
	"agentcore-policy-public":              whoNeedsIt,
	"agentcore-runtime-mmdsv1":             noAttribute,
	"agentcore-runtime-secret":             inTheCode,
	"agentcore-target-without-credential":  unconverted,
	"apigateway-method-without-authorizer": whichOfThem,
	"apigateway-route-without-authorizer":  whichOfThem,
	"batch-job-host-folder":                inAString,
	"batch-job-privileged":                 inAString,
	"batch-job-public-address":             inAString,
	"batch-job-secret":                     inTheCode,
	"bedrock-agent-acts-unasked":           noAttribute,
	"bedrock-agent-answers-ungrounded":     anotherResource,
	"bedrock-flow-without-guardrail":       unconverted,
	"bedrock-guardrail-only-watches":       whichOfThem,
	"bedrock-invocation-log-own-key":       anotherResource,
	"bedrock-profile-leaves-continent":     unconverted,
	"cloudtrail-management-left-out":       unconverted,
	"config-recorder-stopped":              anotherResource,
	"dynamodb-policy-public":               whoNeedsIt,
	"ebs-snapshot-public":                  whoNeedsIt,
	"ecr-policy-public":                    whoNeedsIt,
	"ecr-registry-public":                  whoNeedsIt,
	"ecs-task-privileged":                  inTheCode,
	"ecs-task-secret-in-environment":       inTheCode,
	"eks-access-of-strangers":              madeAgain,
	"eks-admin-by-user":                    madeAgain,
	"emr-cluster-public-address":           afterApply,
	"emr-security-configuration-partial":   inAString,
	"glue-catalog-policy-public":           whoNeedsIt,
	"glue-connection-clear-text":           inAString,
	"glue-job-secret-in-arguments":         inTheCode,
	"glue-job-unlogged":                    inAString,
	"guardduty-ai-protection-off":          anotherResource,
	"guardduty-data-events-off":            anotherResource,
	"iam-access-key-old":                   madeAgain,
	"iam-policy-any-agent-token":           whoNeedsIt,
	"iam-policy-buys-any-model":            whoNeedsIt,
	"iam-policy-everything":                wholeProgram,
	"iam-policy-passes-any-role":           whoNeedsIt,
	"iam-policy-whole-ai-service":          wholeProgram,
	"iam-role-trusts-any-oidc-subject":     whoNeedsIt,
	"iam-role-trusts-anyone":               whoNeedsIt,
	"iam-role-trusts-foreign-account":      whoNeedsIt,
	"iam-user-console-without-mfa":         madeAgain,
	"kms-key-going":                        noAttribute,
	"kms-key-policy-public":                whoNeedsIt,
	"lambda-policy-public":                 whoNeedsIt,
	"lambda-secret-in-environment":         inTheCode,
	"opensearch-domain-outside-vpc":        wholeProgram,
	"opensearch-domain-unaudited":          unconverted,
	"opensearch-serverless-everything":     whoNeedsIt,
	"opensearch-serverless-own-key":        wholeProgram,
	"opensearch-serverless-public-network": whoNeedsIt,
	"s3-bucket-copied-to-strangers":        whichOfThem,
	"s3-bucket-foreign-account":            whoNeedsIt,
	"sagemaker-endpoint-unmonitored":       anotherResource,
	"sagemaker-image-unpinned":             whichOfThem,
	"sagemaker-lifecycle-secret":           inTheCode,
	"sagemaker-mlflow-bucket-unverified":   noAttribute,
	"sagemaker-model-registry-public":      whoNeedsIt,
	"sagemaker-model-unapproved":           anotherResource,
	"sagemaker-monitor-stopped":            noAttribute,
	"sagemaker-pipeline-secret":            inTheCode,
	"sagemaker-serving-secret":             inTheCode,
	"secret-policy-public":                 whoNeedsIt,
	"security-group-ai-port-open":          whichOfThem,
	"security-group-open-to-world":         whichOfThem,
	"vpc-endpoint-lets-anything-through":   whoNeedsIt,
}

// TestEveryFaultInTerraformHasAPatch holds that a control on what Terraform
// makes has a patch for each such type, or that the reason why not stands here,
// and that no reason outlives what it is for.
func TestEveryFaultInTerraformHasAPatch(t *testing.T) {
	set := builtin.Controls(t)
	made := providerTerraform.Types()
	used := map[string]bool{}
	for _, c := range set.Controls() {
		patched := map[string]bool{}
		for _, fix := range c.Terraform {
			typ := providerTerraform.TypeOf(fix.Resource)
			if !slices.Contains(c.Types, typ) {
				t.Errorf("%s mends %s, which is %q and not what it asks", c.ID, fix.Resource, typ)
			}
			patched[typ] = true
		}
		for _, typ := range c.Types {
			if !slices.Contains(made, typ) || patched[typ] {
				continue
			}
			switch {
			case unpatched[c.ID] != "" && len(c.Terraform) == 0:
				used[c.ID] = true
			case unpatched[c.ID+" "+typ] != "":
				used[c.ID+" "+typ] = true
			default:
				t.Errorf("%s has no patch for %s; give it one under fix.terraform, or say why not in unpatched", c.ID, typ)
			}
		}
	}
	for key, why := range unpatched {
		if !used[key] {
			t.Errorf("unpatched[%q] is not needed any more: %s", key, why)
		}
	}
}

// TestEveryFixSaysWhatItGrowsWith holds that no control leaves to the default
// what the work of its fix is done for again.
func TestEveryFixSaysWhatItGrowsWith(t *testing.T) {
	folders, err := fs.Glob(controls.FS, "*/control.yaml")
	if err != nil || len(folders) == 0 {
		t.Fatal(folders, err)
	}
	for _, path := range folders {
		text, err := fs.ReadFile(controls.FS, path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "\n  grows: ") {
			t.Errorf("%s: fix says not what it grows with: once, units, callers, data or models", path)
		}
	}
}
