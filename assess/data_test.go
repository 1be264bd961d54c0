package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// surveyed is a survey of a store in which types of a group were found in keys.
func surveyed(store string, taken time.Time, group scan.Group, keys ...string) data.Summary {
	s := data.Summary{Store: store, Taken: taken, Scanner: "test", Objects: 3, Examined: 3, Whole: true, Labels: []data.StoreLabel{}, Strata: []data.StratumFound{}}
	if len(keys) > 0 {
		l := data.StoreLabel{Type: "EMAIL_ADDRESS", Group: group, Sensitivity: scan.Medium, Objects: len(keys), Count: 9, Confidence: .9, Keys: keys, Dirs: []string{}, Oldest: taken.AddDate(-1, 0, 0)}
		for _, k := range keys {
			if d := k[:strings.LastIndex(k, "/")+1]; !slices.Contains(l.Dirs, d) {
				l.Dirs = append(l.Dirs, d)
			}
		}
		s.Labels = append(s.Labels, l)
	}
	return s
}

// pier writes exports of a small estate: customers -> mask -> clean -> train -> model.
// Extra files, by path, are added or take the place of those there.
func pier(t *testing.T, extra map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"s3api/list-buckets.json":             `{"Buckets":[{"Name":"pier-raw"},{"Name":"pier-clean"},{"Name":"pier-models"}],"Owner":{"ID":"o"}}`,
		"sagemaker/list-processing-jobs.json": `{"ProcessingJobSummaries":[{"ProcessingJobName":"mask","ProcessingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:processing-job/mask","CreationTime":"2026-11-10T00:00:00+00:00","ProcessingJobStatus":"Completed"}]}`,
		"sagemaker/describe-processing-job/mask.json": `{"ProcessingJobName":"mask","ProcessingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:processing-job/mask","CreationTime":"2026-11-10T00:00:00+00:00","ProcessingEndTime":"2026-11-10T02:00:00+00:00","ProcessingJobStatus":"Completed","RoleArn":"arn:aws:iam::111122223333:role/m",
			"ProcessingInputs":[{"InputName":"in","S3Input":{"S3Uri":"s3://pier-raw/customers/"}}],"ProcessingOutputConfig":{"Outputs":[{"OutputName":"out","S3Output":{"S3Uri":"s3://pier-clean/customers/"}}]},"AppSpecification":{"ImageUri":"x"},"ProcessingResources":{"ClusterConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":1}}}`,
		"sagemaker/list-training-jobs.json": `{"TrainingJobSummaries":[{"TrainingJobName":"score","TrainingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/score","CreationTime":"2026-11-11T00:00:00+00:00","TrainingJobStatus":"Completed"}]}`,
		"sagemaker/describe-training-job/score.json": `{"TrainingJobName":"score","TrainingJobArn":"arn:aws:sagemaker:eu-west-1:111122223333:training-job/score","CreationTime":"2026-11-11T00:00:00+00:00","TrainingJobStatus":"Completed","RoleArn":"arn:aws:iam::111122223333:role/t","AlgorithmSpecification":{"TrainingImage":"x","TrainingInputMode":"File"},
			"InputDataConfig":[{"ChannelName":"train","DataSource":{"S3DataSource":{"S3DataType":"S3Prefix","S3Uri":"s3://pier-clean/customers/"}}}],"OutputDataConfig":{"S3OutputPath":"s3://pier-models/"},"ModelArtifacts":{"S3ModelArtifacts":"s3://pier-models/score/output/model.tar.gz"},"ResourceConfig":{"InstanceCount":1,"InstanceType":"ml.m5.large","VolumeSizeInGB":1},"StoppingCondition":{"MaxRuntimeInSeconds":60}}`,
	}
	for _, b := range []string{"pier-raw", "pier-clean", "pier-models"} {
		for op, text := range map[string]string{
			"get-bucket-location":                `{"LocationConstraint":"eu-west-1"}`,
			"get-bucket-encryption":              `{"ServerSideEncryptionConfiguration":{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}}`,
			"get-public-access-block":            `{"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}}`,
			"get-bucket-versioning":              `{}`,
			"get-bucket-logging":                 `{"LoggingEnabled":{"TargetBucket":"pier-log","TargetPrefix":"x"}}`,
			"get-object-lock-configuration":      `An error occurred (ObjectLockConfigurationNotFoundError) when calling the GetObjectLockConfiguration operation: none`,
			"get-bucket-replication":             `An error occurred (ReplicationConfigurationNotFoundError) when calling the GetBucketReplication operation: none`,
			"get-bucket-tagging":                 `An error occurred (NoSuchTagSet) when calling the GetBucketTagging operation: none`,
			"get-bucket-lifecycle-configuration": `{"Rules":[{"ID":"r","Status":"Enabled","Filter":{"Prefix":""},"Expiration":{"Days":300},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":7}}]}`,
		} {
			files["s3api/"+op+"/"+b+".json"] = text
		}
	}
	for name, text := range extra {
		files[name] = text
	}
	for name, text := range files {
		p := filepath.Join(dir, "111122223333", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// builtIn are the controls, loaded once.
var builtIn = sync.OnceValues(func() (*control.Set, error) {
	set, problems := control.Load(controls.FS)
	return set, errors.Join(problems...)
})

// judged reads exports and judges them by a policy and what is known.
func judged(t *testing.T, dir, policy string, k data.Known) *Result {
	t.Helper()
	s, err := scope.Parse("sevenfold.yaml", []byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	set, err := builtIn()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), Options{Scope: s, Sources: []string{"dir:" + dir + ",account=111122223333,region=eu-west-1"}, Controls: set, Now: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC), MaskKey: []byte("test"), Data: k, Step: "data"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const pierPolicy = `
data:
  approved: [{label: PII, systems: [pier-raw, mask]}]
  retention: [{label: PII, keep: 365d}]
  readers: [{label: PII, principals: ["*"]}]
  purposes: [{label: PII, purpose: scoring, basis: contract, dpia: {document: d.pdf, approved: 2026-01-01, expires: 2027-06-01}}]
`

func dataStatus(r *Result, workload, line string) (finding.CriterionStatus, string) {
	for _, w := range r.Workloads.List {
		if w.Name != workload {
			continue
		}
		for _, c := range r.Criteria[w.ID] {
			if c.ID == line {
				return c.Status, c.Reason
			}
		}
	}
	return "", "no such line"
}

func TestDataCriteria(t *testing.T) {
	now := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	raw := surveyed("s3://pier-raw", now, scan.PII, "customers/a.csv")
	clean, models := surveyed("s3://pier-clean", now, ""), surveyed("s3://pier-models", now, "")
	seen := data.Known{Summaries: []data.Summary{raw, clean, models}, Watched: true}
	trail := map[string]string{
		"cloudtrail/describe-trails.json":       `{"trailList":[{"Name":"t","TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","HomeRegion":"eu-west-1","IsMultiRegionTrail":true}]}`,
		"cloudtrail/get-trail-status/t.json":    `{"IsLogging":true}`,
		"cloudtrail/get-event-selectors/t.json": `{"TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/t","AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}]}]}`,
	}
	people := maps.Clone(trail)
	role := func(name, statement string) string {
		return fmt.Sprintf(`{"RoleName":%q,"RoleId":"A%s","Path":"/","Arn":"arn:aws:iam::111122223333:role/%s","CreateDate":"2026-01-01T00:00:00+00:00","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]},"InstanceProfileList":[],"AttachedManagedPolicies":[],"Tags":[],"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[%s]}}]}`, name, name, name, statement)
	}
	reads := func(what string) string {
		return `{"Effect":"Allow","Action":"s3:GetObject","Resource":"` + what + `"}`
	}
	people["iam/get-account-authorization-details.json"] = `{"UserDetailList":[],"GroupDetailList":[],"Policies":[],"RoleDetailList":[` +
		role("m", reads("arn:aws:s3:::pier-raw/*")) + "," + role("t", reads("arn:aws:s3:::pier-clean/*")) + "," + role("rummager", reads("*")) + `]}`
	for _, b := range []string{"pier-raw", "pier-clean", "pier-models"} {
		people["s3api/get-bucket-policy/"+b+".json"] = `An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: none`
	}
	declass := pierPolicy + "  declassifiers: [{job: mask, removes: [PII]}]\n"
	early := seen
	early.Summaries = []data.Summary{raw, surveyed("s3://pier-clean", now.AddDate(0, -1, 0), ""), models}
	dirty := seen
	dirty.Summaries = []data.Summary{raw, surveyed("s3://pier-clean", now, scan.PII, "customers/b.csv"), models}
	for _, tt := range []struct {
		name, policy string
		extra        map[string]string
		known        data.Known
		workload     string
		line         string
		want         finding.CriterionStatus
		reason       string
	}{
		{"nobody looked", pierPolicy, trail, data.Known{}, "score", "data.classified", "unknown", "nobody has looked into it"},
		{"nobody looked, controls", pierPolicy, trail, data.Known{}, "score", "data.controls", "unknown", "nobody has looked"},
		{"nobody looked, flows", pierPolicy, trail, data.Known{}, "score", "data.flows", "unknown", "nobody has looked"},
		{"nobody looked, retention", pierPolicy, trail, data.Known{}, "score", "data.retention", "unknown", "nobody has looked"},
		{"all looked into", pierPolicy, trail, seen, "score", "data.classified", "pass", "in all of 3 objects"},
		{"it inherits", pierPolicy, trail, seen, "score", "data.flows", "fail", "PII reaches arn:aws:s3:::pier-clean#prefix/customers/, which is not approved: pier-raw/customers/ -> processing-job/mask -> pier-clean/customers/"},
		{"a declassifier that is proven", declass, trail, seen, "score", "data.flows", "pass", "approved systems only"},
		{"and the masking job itself", declass, trail, seen, "mask", "data.flows", "pass", ""},
		{"scanned before it ran", declass, trail, early, "score", "data.flows", "fail", "not approved"},
		{"its output holds it", declass, trail, dirty, "score", "data.flows", "fail", "not approved"},
		{"no trail", declass, nil, seen, "score", "data.flows", "unknown", "flows that nobody declared would not be seen"},
		{"no approval stated", "data: {retention: [{label: PII, keep: 365d}]}", trail, seen, "score", "data.flows", "unknown", "no system is approved for PII"},
		{"controls held", pierPolicy, trail, seen, "mask", "data.controls", "pass", "has what its labels demand"},
		{"readers nobody states", strings.ReplaceAll(pierPolicy, "  readers: [{label: PII, principals: [\"*\"]}]\n", ""), people, seen, "mask", "data.controls", "unknown", "nothing shows to, and nobody states who may"},
		{"a reader who is not stated", strings.ReplaceAll(pierPolicy, `"*"`, `"ma*"`), people, seen, "mask", "data.controls", "fail", "lacks readers, which PII demands: 1 of the"},
		{"all who may are stated", strings.ReplaceAll(pierPolicy, `"*"`, `"ma*", "role/rummager", "arn:aws:iam::111122223333:role/rummager"`), people, seen, "mask", "data.controls", "pass", ""},
		{"readers that were not read", strings.ReplaceAll(pierPolicy, `"*"`, "nobody"), trail, seen, "mask", "data.controls", "unknown", "may read it hangs on what was not read"},
		{"masking demanded of a bucket", pierPolicy + "  controls: [{label: PII, require: [masking]}]\n", trail, seen, "mask", "data.controls", "unknown", "masking, which PII demands of"},
		{"more demanded", pierPolicy + "  controls: [{label: PII, require: [versioning]}]\n", trail, seen, "mask", "data.controls", "fail", "lacks versioning, which PII demands"},
		{"another region", pierPolicy + "  controls: [{label: PII, require: [], regions: [us-east-1]}]\n", trail, seen, "mask", "data.controls", "fail", "is in eu-west-1, and PII may lie in us-east-1 only"},
		{"a demand nobody read", pierPolicy + "  controls: [{label: PII, require: [backup]}]\n", trail, seen, "mask", "data.controls", "unknown", "backup"},
		{"no purpose", "data: {approved: [{label: PII, systems: [pier-raw, mask]}], retention: [{label: PII, keep: 365d}]}", trail, seen, "mask", "data.controls", "unknown", "no purpose and legal basis is stated for PII"},
		{"within its period", pierPolicy, trail, seen, "mask", "data.retention", "pass", "ends within its period"},
		{"over its period", strings.ReplaceAll(pierPolicy, "keep: 365d", "keep: 30d"), trail, seen, "mask", "data.retention", "fail", "ends after 300 days, 30 are allowed"},
		{"no period", "data: {approved: [{label: PII, systems: [pier-raw, mask]}]}", trail, seen, "mask", "data.retention", "unknown", "no period is stated for PII"},
		{"an erasure is open", pierPolicy, trail, data.Known{Summaries: seen.Summaries, Watched: true, Erasures: []data.Case{{ID: "E-1", Places: []data.ErasePlace{{Store: "arn:aws:s3:::pier-raw"}}}}}, "mask", "data.retention", "fail", "erasure E-1"},
		{"events that broke off", declass, trail, data.Known{Summaries: seen.Summaries, Watched: true, Broken: []string{"x.json: cut short"}}, "score", "data.flows", "unknown", "x.json: cut short"},
		{"a stranger copies it", declass, trail, data.Known{Summaries: seen.Summaries, Watched: true, Flows: []data.SeenFlow{{From: "s3://pier-raw/customers/", To: "arn:aws:sagemaker:eu-west-1:111122223333:training-job/score", Evidence: "CloudTrail GetObject e-1"}}}, "score", "data.flows", "fail", "training-job/score"},
		{"labelled by a tag", declass, map[string]string{"s3api/get-bucket-tagging/pier-clean.json": `{"TagSet":[{"Key":"DataClassification","Value":"PHI"}]}`}, seen, "score", "data.controls", "fail", "PHI demands"},
	} {
		t.Run(strings.NewReplacer(" ", "_", ",", "").Replace(tt.name), func(t *testing.T) {
			r := judged(t, pier(t, tt.extra), tt.policy, tt.known)
			got, why := dataStatus(r, tt.workload, tt.line)
			if got != tt.want || !strings.Contains(why, tt.reason) {
				t.Errorf("%s: %s\nwant %s: %s", got, why, tt.want, tt.reason)
			}
		})
	}
}

// A tag that says less than what was found is a finding, and labels are in the graph.
func TestDataTagsAndLabels(t *testing.T) {
	r := judged(t, pier(t, map[string]string{"s3api/get-bucket-tagging/pier-raw.json": `{"TagSet":[{"Key":"DataClassification","Value":"public"}]}`}), pierPolicy,
		data.Known{Summaries: []data.Summary{surveyed("s3://pier-raw", time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), scan.PII, "customers/a.csv")}})
	if !slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Control == data.TagDrift && f.Asset == "arn:aws:s3:::pier-raw" }) {
		t.Error("a bucket tagged public with PII in it is no finding")
	}
	n, ok := r.Snapshot.Find("set://labels/PII")
	if !ok {
		t.Fatal("no label in the graph")
	}
	tiers := map[string]estate.Tier{}
	for e := range r.Snapshot.Out(n) {
		tiers[r.Snapshot.Asset(e.Node).ID] = e.Tier
	}
	if tiers["arn:aws:s3:::pier-raw#prefix/customers/"] != estate.Observed || tiers["arn:aws:s3:::pier-models#object/score/output/model.tar.gz"] != estate.Possible {
		t.Errorf("%v", tiers)
	}
}

// What lies beside what a job reads does not reach it.
func TestDataBeside(t *testing.T) {
	r := judged(t, pier(t, nil), pierPolicy, data.Known{Summaries: []data.Summary{surveyed("s3://pier-raw", time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), scan.PII, "customers-archive/a.csv", "b.csv")}})
	if n, ok := r.Snapshot.Find("set://labels/PII"); ok {
		for e := range r.Snapshot.Out(n) {
			if id := r.Snapshot.Asset(e.Node).ID; id != "arn:aws:s3:::pier-raw" {
				t.Errorf("it reached %s", id)
			}
		}
	}
}

// All that the data verbs print fits its schema, and holds no value.
func TestDataFitsItsSchemas(t *testing.T) {
	ctx := context.Background()
	dir := pier(t, nil)
	s, err := scope.Parse("sevenfold.yaml", []byte(pierPolicy))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := Read(ctx, Options{Scope: s, Sources: []string{"dir:" + dir + ",account=111122223333,region=eu-west-1"}, Now: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC), MaskKey: []byte("test")})
	if err != nil {
		t.Fatal(err)
	}
	places := []data.ErasePlace{{Store: "s3://pier-raw", Key: "customers/a.csv", Version: "v", Latest: true, Hits: 2, Do: "x"}}
	k := data.Known{Summaries: []data.Summary{surveyed("s3://pier-raw", snap.Taken(), scan.PII, "customers/a.csv"), surveyed("s3://gone", snap.Taken(), "")}, Extra: places, Erasures: []data.Case{{ID: "E-1", Places: places, Models: []data.EraseModel{}, Left: []data.EraseLeft{}, Unread: []data.ErasePlace{}}}}
	w, workloads, err := DataWorld(ctx, snap, s, k)
	if err != nil {
		t.Fatal(err)
	}
	c := data.Case{ID: "E-2", Places: places, Unread: places}
	c.Models, c.Left = w.Follow(places)
	if !slices.ContainsFunc(c.Models, func(m data.EraseModel) bool { return strings.HasSuffix(m.Model, "model.tar.gz") }) {
		t.Errorf("the model that learnt from it is not among %+v", c.Models)
	}
	readers, err := w.Readers(ctx, "", DataAnswers(snap, workloads).Read)
	if err != nil || len(readers) == 0 {
		t.Fatal(readers, err)
	}
	for name, v := range map[string]any{"data-readers": map[string]any{"stores": readers}, "data-tags": map[string]any{"tags": w.Tags()}, "data-flows": w.Flows(workloads, ""), "data-retention": w.Retained(workloads), "data-evidence": w.Evidence(workloads), "data-erase": c,
		"data-scan": map[string]any{"plans": []any{map[string]any{"store": "s3://x", "plan": sample.New([]sample.Item{{Key: "a.csv", Size: 1 << 40}}, sample.Options{})}}}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, name+".schema.json", text)
	}
	if f := w.Flows(workloads, ""); len(f.Strays) != 1 || f.Exit() != 1 {
		t.Errorf("%+v", f)
	}
}
