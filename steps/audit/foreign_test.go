package audit

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Everything the data names exists: controls, severities, steps, faults.
func TestForeignMapIsSound(t *testing.T) {
	m, err := knownTools()
	if err != nil {
		t.Fatal(err)
	}
	ours := loaded(t).controls
	steps := []string{"audit", "access", "data", "detect", "supply", "network", "respond"}
	used := map[string]bool{}
	for _, id := range []string{"prowler", "securityhub", "trivy", "checkov", "kubescape", "inspector"} {
		if m.tools[id] == nil {
			t.Errorf("nothing is known of %s", id)
		}
	}
	for id, tool := range m.tools {
		if tool.Tool != id || tool.Name == "" || tool.Version == "" || tool.Source == "" {
			t.Errorf("%s: says not what it was compared with: %+v", id, tool)
		}
		for control := range tool.Controls {
			if ours.Find(control) == nil {
				t.Errorf("%s names control %s, which does not exist", id, control)
			}
		}
		for fault := range tool.Faults {
			used[fault] = true
			if m.faults[fault] == "" {
				t.Errorf("%s names fault %s, which has no title", id, fault)
			}
		}
		for s := range tool.Steps {
			if !slices.Contains(steps, s) {
				t.Errorf("%s names step %s", id, s)
			}
		}
		for check, why := range tool.Told {
			if why == "" || len(tool.rules[check].controls) > 0 {
				t.Errorf("%s: %s counts for nobody without a reason, or against its control", id, check)
			}
		}
	}
	for _, tool := range append([]*foreignTool{m.any}, m.tools["prowler"], m.tools["trivy"]) {
		for word, s := range tool.Severities {
			if _, err := finding.ParseSeverity(string(s)); err != nil || word != strings.ToLower(word) {
				t.Errorf("%s: severity %q is %q", tool.Tool, word, s)
			}
		}
		if _, err := finding.ParseSeverity(string(tool.Unstated)); err != nil {
			t.Errorf("%s: %v", tool.Tool, err)
		}
	}
	for fault := range m.faults {
		if !used[fault] {
			t.Errorf("no tool knows fault %s", fault)
		}
	}
	for kind, k := range m.kinds {
		if !slices.Contains(steps, k.Step) || !strings.HasPrefix(k.Criterion, k.Step+".") {
			t.Errorf("kind %q belongs to %+v", kind, k)
		}
	}
}

func TestForeignMapMistakes(t *testing.T) {
	for name, text := range map[string]string{
		"unknown key":       "tool: x\nchecks: {}\n",
		"not a severity":    "tool: x\nseverities: [high]\n",
		"settled by nobody": "tool: x\nsettled: {c: because}\n",
		"twice":             "tool: x\nfaults: {a: [c], b: [c]}\n",
		"of both":           "tool: x\ncontrols: {a: [c]}\nfaults: {b: [c]}\n",
	} {
		if _, err := readForeignMap(fstest.MapFS{"foreign/x.yaml": {Data: []byte(text), Mode: fs.ModePerm}}); err == nil || !strings.Contains(err.Error(), "x.yaml") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const (
	acct   = "111122223333"
	bucket = "arn:aws:s3:::b"
	block  = "arn:aws:s3::" + acct + ":account-public-access-block"
	// recorder is known without the random part that its own ARN has.
	recorder = "arn:aws:config:eu-west-1:" + acct + ":configuration-recorder/default"
)

var taken = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// set is the controls that ship, read once: there are many.
var set = sync.OnceValues(func() (*control.Set, []error) { return control.Load(controls.FS) })

// loaded is the step with them.
func loaded(t *testing.T) *Step {
	t.Helper()
	all, problems := set()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return New(all, finding.Medium)
}

// says is a record of one tool on one resource.
func says(tool string, r estate.ForeignResource, results ...estate.ForeignResult) estate.Asset {
	f := estate.Foreign{Tool: tool, Scan: "findings:f#" + tool, Resource: r, Results: results}
	body, _ := json.Marshal(f)
	return estate.Asset{ID: fmt.Sprintf("findings:f#%s/%v", tool, r), Type: estate.ForeignType, Config: body, Source: "findings:f",
		Reads: []estate.Read{{Operation: "findings:read", Status: estate.ReadOK}}}
}

func scanOf(tool string, checks map[string]estate.ForeignCheck) estate.Asset {
	body, _ := json.Marshal(estate.Scan{Tool: tool, Name: strings.ToUpper(tool[:1]) + tool[1:], Versions: []string{"1"}, Checks: checks})
	return estate.Asset{ID: "findings:f#" + tool, Type: estate.ScanType, Config: body, Source: "findings:f",
		Reads: []estate.Read{{Operation: "findings:read", Status: estate.ReadOK}}}
}

func result(check string, status estate.ForeignStatus, severity string, days int) estate.ForeignResult {
	return estate.ForeignResult{Check: check, Status: status, Severity: severity, Version: "1", Time: taken.AddDate(0, 0, -days), File: "r.json", Message: "words"}
}

// versioned is a bucket of which one answer decides one control.
func versioned(config string, status estate.ReadStatus) estate.Asset {
	a := asset(bucket, "AWS::S3::Bucket")
	a.Name, a.Config = "b", json.RawMessage(config)
	a.Reads = []estate.Read{{Operation: "s3:ListBuckets", Status: estate.ReadOK}, {Operation: "s3:GetBucketVersioning", Key: "GetBucketVersioning", Status: status, Why: "a test"},
		{Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadAbsent}, {Operation: "s3:GetBucketLifecycleConfiguration", Key: "GetBucketLifecycleConfiguration", Status: estate.ReadAbsent}}
	return a
}

const (
	on  = `{"Name":"b","GetBucketVersioning":{"Status":"Enabled"}}`
	off = `{"Name":"b","GetBucketVersioning":{}}`
	// unsaid is what a refused call leaves.
	unsaid = `{"Name":"b"}`
)

// judge judges a snapshot with one workload of the bucket.
func judge(t *testing.T, s *estate.Snapshot) (finding.Judgement, func(id string) *finding.Finding) {
	t.Helper()
	j, err := loaded(t).Judge(t.Context(), s, of(bucket))
	if err != nil {
		t.Fatal(err)
	}
	return j, func(id string) *finding.Finding {
		for i := range j.Findings {
			if j.Findings[i].ID == id {
				return &j.Findings[i]
			}
		}
		return nil
	}
}

// One fault is one finding under our control's id, and every agreement and
// contradiction between a tool and us comes out as the package says.
func TestToolsAndControls(t *testing.T) {
	const check, control = "s3_bucket_object_versioning", "s3-bucket-unversioned"
	tests := map[string]struct {
		config string
		read   estate.ReadStatus
		says   []estate.ForeignResult
		want   finding.Outcome // "" for no finding
		rank   finding.Severity
		tools  []string
		has    string
	}{
		"both_fail":                {off, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignFail, "High", 1)}, finding.Fail, finding.Medium, []string{"Prowler 1"}, "Prowler 1: " + check + " fails"},
		"they_fail_we_pass":        {on, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignFail, "High", 1)}, finding.Fail, finding.High, []string{"Prowler 1"}, "the tools contradict each other"},
		"they_failed_long_ago":     {on, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignFail, "High", 45)}, finding.Unknown, finding.High, []string{"Prowler 1"}, "45 days old"},
		"they_pass_we_fail":        {off, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignPass, "High", 1)}, finding.Fail, finding.Medium, nil, "its own answer stands"},
		"they_pass_we_do_not_know": {unsaid, estate.ReadDenied, []estate.ForeignResult{result(check, estate.ForeignPass, "High", 1)}, finding.Unknown, finding.Medium, nil, check + " passes"},
		"they_fail_we_do_not_know": {unsaid, estate.ReadDenied, []estate.ForeignResult{result(check, estate.ForeignFail, "High", 1)}, finding.Fail, finding.High, []string{"Prowler 1"}, check + " fails"},
		"they_leave_it_we_pass":    {on, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignUnknown, "High", 1)}, "", "", nil, ""},
		"they_mute_it_we_fail":     {off, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignMuted, "High", 1)}, finding.Fail, finding.Medium, nil, "is muted there"},
		"they_mute_it_we_pass":     {on, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignMuted, "High", 1)}, "", "", nil, ""},
		"both_pass":                {on, estate.ReadOK, []estate.ForeignResult{result(check, estate.ForeignPass, "High", 1)}, "", "", nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := build(t, func(b *estate.Builder) {
				b.Asset(versioned(tt.config, tt.read))
				b.Asset(scanOf("prowler", map[string]estate.ForeignCheck{check: {Title: "Bucket has versioning"}}))
				b.Asset(says("prowler", estate.ForeignResource{ID: bucket, Account: acct}, tt.says...))
			})
			j, find := judge(t, s)
			f := find(finding.NewID(control, bucket, ""))
			n := 0
			for i := range j.Findings {
				if strings.HasPrefix(j.Findings[i].Control, "foreign:") || j.Findings[i].Control == control {
					n++
				}
			}
			if tt.want == "" {
				if f != nil || n > 0 {
					t.Fatalf("a finding: %+v", f)
				}
				return
			}
			if f == nil || n != 1 {
				t.Fatalf("%d findings, %+v", n, j.Findings)
			}
			if f.Status != tt.want || f.Severity != tt.rank || !cmp.Equal(f.Tools, tt.tools) || !strings.Contains(fmt.Sprint(f.Evidence), tt.has) {
				t.Errorf("got %s %s %v %v, want %s %s %v with %q", f.Status, f.Severity, f.Tools, f.Evidence, tt.want, tt.rank, tt.tools, tt.has)
			}
			c := criterion(t, j, "audit.deviations")
			if tt.want == finding.Fail && c.Status != finding.CriterionFail || !slices.Contains(c.Findings, f.ID) {
				t.Errorf("criterion %s %v: %s", c.Status, c.Findings, c.Reason)
			}
		})
	}
}

// Where the control is less strict on purpose, or does not apply, the tool's
// word is told and holds nobody back.
func TestReasonedAnswersStand(t *testing.T) {
	logs := versioned(off, estate.ReadOK)
	logs.Config = json.RawMessage(`{"Name":"b","GetBucketVersioning":{},"GetBucketPolicy":{"Policy":{"Statement":[{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"*"}]}}}`)
	logs.Reads[2].Status = estate.ReadOK
	s := build(t, func(b *estate.Builder) {
		b.Asset(logs)
		b.Asset(scanOf("prowler", nil))
		b.Asset(says("prowler", estate.ForeignResource{ID: bucket, Account: acct}, result("s3_bucket_object_versioning", estate.ForeignFail, "high", 1)))
		b.Asset(says("prowler", estate.ForeignResource{ID: "arn:aws:iam::" + acct + ":root", Account: acct}, result("account_maintain_current_contact_details", estate.ForeignUnknown, "critical", 1)))
	})
	j, find := judge(t, s)
	f := find(finding.NewID("s3-bucket-unversioned", bucket, ""))
	if f == nil || f.Severity != finding.Info || !strings.Contains(fmt.Sprint(f.Evidence), "log buckets") {
		t.Errorf("a log bucket: %+v", f)
	}
	for _, id := range criterion(t, j, "audit.deviations").Findings {
		if g := find(id); g.Control == "s3-bucket-unversioned" || strings.Contains(g.Control, "contact") {
			t.Errorf("%s counts", g.Control)
		}
	}
	told := find(finding.NewID("foreign:prowler:account_maintain_current_contact_details", "arn:aws:iam::"+acct+":root", ""))
	if told == nil || told.Severity != finding.Info || !strings.Contains(fmt.Sprint(told.Evidence), "counts for no workload") {
		t.Errorf("a check for people: %+v", told)
	}
}

// The same fault seen by several tools is one finding that names them all; a
// vulnerability has one name; what nobody knows goes by the tool's own.
func TestSeveralTools(t *testing.T) {
	const image = "image://r/serving:1"
	s := build(t, func(b *estate.Builder) {
		a := asset(bucket, "AWS::S3::Bucket")
		b.Asset(a)
		b.Asset(estate.Asset{ID: image, Type: estate.ImageType, Kind: estate.KindImage, Referenced: true})
		b.Relation(estate.Relation{From: bucket, To: image, Type: estate.Loads, Tier: estate.Declared})
		b.Asset(scanOf("prowler", nil))
		b.Asset(scanOf("trivy", map[string]estate.ForeignCheck{"CVE-2024-1": {Title: "a hole", Kind: estate.ForeignVulnerability, Frameworks: []string{"CWE-798", "CWE-0"}}, "github-pat": {Title: "a token", Kind: estate.ForeignSecret}}))
		b.Asset(scanOf("kics", map[string]estate.ForeignCheck{"q1": {Title: "Bucket is fine"}}))
		b.Asset(scanOf("inspector", map[string]estate.ForeignCheck{"CVE-2024-1": {Title: "a hole", Kind: estate.ForeignVulnerability}}))
		b.Asset(says("prowler", estate.ForeignResource{ID: bucket, Account: acct}, result("s3_bucket_no_mfa_delete", estate.ForeignFail, "medium", 1)))
		b.Asset(says("securityhub", estate.ForeignResource{ID: bucket, Account: acct}, result("S3.20", estate.ForeignFail, "LOW", 1)))
		b.Asset(says("trivy", estate.ForeignResource{Images: []string{"other", "r/serving:1"}}, estate.ForeignResult{Check: "CVE-2024-1", Status: estate.ForeignFail, Severity: "CRITICAL", Place: "lib", Time: taken},
			estate.ForeignResult{Check: "github-pat", Status: estate.ForeignFail, Severity: "CRITICAL", Place: "a:1", Time: taken}))
		b.Asset(says("inspector", estate.ForeignResource{ID: image}, estate.ForeignResult{Check: "CVE-2024-1", Status: estate.ForeignFail, Severity: "HIGH", Place: "lib", Time: taken}))
		b.Asset(says("kics", estate.ForeignResource{ID: bucket, Account: acct}, result("q1", estate.ForeignFail, "warning", 1)))
	})
	j, find := judge(t, s)
	f := find(finding.NewID("foreign:s3-bucket-without-mfa-delete", bucket, ""))
	if f == nil || !cmp.Equal(f.Tools, []string{"Prowler 1", "securityhub 1"}) || f.Severity != finding.Medium || f.Title != "Versions can be destroyed without a second factor" {
		t.Errorf("a fault of two tools: %+v", f)
	}
	cve := find(finding.NewID("foreign:CVE-2024-1", image, "lib"))
	if cve == nil || len(cve.Tools) != 2 || cve.Step != "supply" || cve.Severity != finding.Critical || !cmp.Equal(cve.Frameworks, []string{"CWE-798"}) {
		t.Errorf("a vulnerability: %+v", cve)
	}
	other := find(finding.NewID("foreign:kics:q1", bucket, ""))
	if other == nil || other.Severity != finding.Medium || other.Title != "Fails a check of Kics: Bucket is fine" {
		t.Errorf("a tool nobody compared: %+v", other)
	}
	secret := find(finding.NewID("foreign:trivy:github-pat", image, "a:1"))
	dev := criterion(t, j, "audit.deviations")
	if secret == nil || !slices.Contains(dev.Findings, secret.ID) || slices.Contains(dev.Findings, cve.ID) {
		t.Errorf("a secret counts as a deviation, a vulnerability does not: %v", dev.Findings)
	}
	vuln := criterion(t, j, "supply.vulnerabilities")
	if vuln.Status != finding.CriterionFail || !slices.Contains(vuln.Findings, cve.ID) || !strings.Contains(vuln.Reason, "a hole") {
		t.Errorf("supply.vulnerabilities: %+v", vuln)
	}
}

// What no source read is told, and leaves open what it may concern.
func TestWhatNobodyRead(t *testing.T) {
	tests := map[string]struct {
		r    estate.ForeignResource
		more func(*estate.Builder)
		want finding.CriterionStatus
		why  string
	}{
		"same_account":    {estate.ForeignResource{ID: "arn:aws:backup:eu-west-1:" + acct + ":vault/v", Account: acct, Region: "eu-west-1"}, nil, finding.CriterionUnknown, "no source read it"},
		"other_region":    {estate.ForeignResource{ID: "arn:aws:backup:us-east-1:" + acct + ":vault/v", Account: acct, Region: "us-east-1"}, nil, finding.CriterionPass, "no source read it"},
		"foreign_account": {estate.ForeignResource{ID: "arn:aws:backup:eu-west-1:999988887777:vault/v", Account: "999988887777", Region: "eu-west-1"}, nil, finding.CriterionPass, "account 999988887777 is not read"},
		"gone": {estate.ForeignResource{ID: "arn:aws:kms:eu-west-1:" + acct + ":key/k", Account: acct, Region: "eu-west-1"}, func(b *estate.Builder) {
			b.Covered(estate.Coverage{Type: "AWS::KMS::Key", Account: acct, Region: "eu-west-1"})
		}, finding.CriterionPass, "gone since"},
		"the_account":       {estate.ForeignResource{ID: "arn:aws:iam::" + acct + ":root", Account: acct}, nil, finding.CriterionFail, "the account itself"},
		"an_address":        {estate.ForeignResource{Address: "aws_s3_bucket.x", File: "main.tf"}, nil, finding.CriterionUnknown, "no plan or state"},
		"a_file":            {estate.ForeignResource{File: "main.tf"}, nil, finding.CriterionUnknown, "the report names a file"},
		"another_cluster":   {estate.ForeignResource{Kind: "Deployment", Namespace: "n", Name: "d"}, nil, finding.CriterionPass, "no cluster was read"},
		"an_image_unused":   {estate.ForeignResource{Images: []string{"x"}}, nil, finding.CriterionPass, "nothing that was read runs"},
		"a_name_of_nothing": {estate.ForeignResource{Name: "x"}, nil, finding.CriterionUnknown, "not name it in a way"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := build(t, func(b *estate.Builder) {
				b.Asset(asset(block, "AWS::S3::AccountPublicAccessBlock"))
				all := asset(block, "AWS::S3::AccountPublicAccessBlock")
				all.Config = json.RawMessage(`{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}`)
				all.Reads = []estate.Read{{Operation: "s3control:GetPublicAccessBlock", Status: estate.ReadOK}}
				b.Asset(all)
				b.Asset(scanOf("prowler", nil))
				b.Asset(says("prowler", tt.r, result("a_check", estate.ForeignFail, "high", 1)))
				if tt.more != nil {
					tt.more(b)
				}
			})
			j, err := New(loaded(t).controls, finding.High).Judge(t.Context(), s, of(block))
			if err != nil {
				t.Fatal(err)
			}
			c := criterion(t, j, "audit.deviations")
			if c.Status != tt.want {
				t.Errorf("criterion %s (%s), want %s", c.Status, c.Reason, tt.want)
			}
			i := slices.IndexFunc(j.Findings, func(f finding.Finding) bool { return f.Control == "foreign:prowler:a_check" })
			if i < 0 || !strings.Contains(fmt.Sprint(j.Findings[i].Evidence), tt.why) || tt.want != finding.CriterionPass != slices.Contains(c.Findings, j.Findings[i].ID) {
				t.Errorf("findings %+v, criterion's %v", j.Findings, c.Findings)
			}
		})
	}
}

// An account-wide check is about the setting that the control asks of.
func TestAccountWideChecksFindTheirSetting(t *testing.T) {
	s := build(t, func(b *estate.Builder) {
		a := asset(block, "AWS::S3::AccountPublicAccessBlock")
		a.Region = ""
		a.Config = json.RawMessage(`{"BlockPublicAcls":true}`)
		a.Reads = []estate.Read{{Operation: "s3control:GetPublicAccessBlock", Status: estate.ReadOK}}
		b.Asset(a)
		b.Asset(scanOf("prowler", nil))
		b.Asset(says("prowler", estate.ForeignResource{ID: "arn:aws:s3:eu-west-1:" + acct + ":account", Account: acct, Region: "eu-west-1"}, result("s3_account_level_public_access_blocks", estate.ForeignFail, "high", 1)))
	})
	j, err := loaded(t).Judge(t.Context(), s, of(block))
	if err != nil {
		t.Fatal(err)
	}
	if len(j.Findings) != 1 || j.Findings[0].Asset != block || len(j.Findings[0].Tools) != 1 {
		t.Errorf("%+v", j.Findings)
	}
}

// Objects are found by kind, namespace and name, and what was made by a
// controller counts for the controller; addresses by the plan that was read.
func TestPlaces(t *testing.T) {
	object := func(id, typ string) estate.Asset {
		cluster := strings.Split(strings.TrimPrefix(id, "k8s://"), "/")[0]
		return estate.Asset{ID: id, Type: typ, Cloud: estate.Kubernetes, Account: cluster, Region: "n", Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}}
	}
	of, _ := json.Marshal(estate.Addresses{Of: map[string][]string{"aws_s3_bucket.one": {bucket}, "aws_s3_bucket.many[0]": {bucket}, "aws_s3_bucket.many[1]": {"arn:aws:s3:::c"}}})
	s := build(t, func(b *estate.Builder) {
		b.Asset(asset(bucket, "AWS::S3::Bucket"))
		b.Asset(asset("arn:aws:s3:::c", "AWS::S3::Bucket"))
		b.Asset(asset(recorder, "AWS::Config::ConfigurationRecorder"))
		b.Asset(asset("terraform://aws_kms_key.new", "AWS::KMS::Key"))
		b.Asset(estate.Asset{ID: "terraform:p#addresses", Type: estate.AddressesType, Config: of})
		for _, c := range []string{"one", "two"} {
			b.Asset(object("k8s://"+c+"/n/Deployment.apps/d", "apps/v1/Deployment"))
		}
		b.Asset(object("k8s://one/n/ReplicaSet.apps/d-1", "apps/v1/ReplicaSet"))
		b.Asset(object("k8s://one/n/Pod/d-1-x", "v1/Pod"))
		b.Relation(estate.Relation{From: "k8s://one/n/Deployment.apps/d", To: "k8s://one/n/ReplicaSet.apps/d-1", Type: estate.Contains, Tier: estate.Declared})
		b.Relation(estate.Relation{From: "k8s://one/n/ReplicaSet.apps/d-1", To: "k8s://one/n/Pod/d-1-x", Type: estate.Contains, Tier: estate.Declared})
	})
	places := newAtlas(s, loaded(t).controls)
	for name, tt := range map[string]struct {
		r    estate.ForeignResource
		want string // "" for not tied
	}{
		"by_id":               {estate.ForeignResource{ID: bucket}, bucket},
		"recorder_by_its_arn": {estate.ForeignResource{ID: recorder + "/abc123"}, recorder},
		"image_in_a_registry": {estate.ForeignResource{ID: bucket + "/sha256:00"}, bucket},
		"object":              {estate.ForeignResource{Kind: "Deployment", Namespace: "n", Name: "d", Cluster: "two"}, "k8s://two/n/Deployment.apps/d"},
		"object_of_no_name":   {estate.ForeignResource{Kind: "Deployment", Namespace: "n", Name: "d"}, ""},
		"object_made":         {estate.ForeignResource{Kind: "Pod", Namespace: "n", Name: "d-1-x", Cluster: "other"}, "k8s://one/n/Deployment.apps/d"},
		"object_elsewhere":    {estate.ForeignResource{Kind: "Pod", Namespace: "m", Name: "d-1-x"}, ""},
		"address":             {estate.ForeignResource{Address: "aws_s3_bucket.one"}, bucket},
		"address_of_several":  {estate.ForeignResource{Address: "aws_s3_bucket.many"}, ""},
		"address_of_one":      {estate.ForeignResource{Address: "aws_s3_bucket.many[1]"}, "arn:aws:s3:::c"},
		"address_unborn":      {estate.ForeignResource{Address: "aws_kms_key.new"}, "terraform://aws_kms_key.new"},
		"address_unheard_of":  {estate.ForeignResource{Address: "aws_s3_bucket.two"}, ""},
	} {
		got := places.find(&tt.r, nil)
		if got.tied != (tt.want != "") || tt.want != "" && got.id != tt.want || !got.tied && (got.why == "" || got.id == "") {
			t.Errorf("%s: %+v, want %q", name, got, tt.want)
		}
	}
}

// The order of records changes nothing, and a foreign result never makes a
// criterion better than it is without it.
func TestForeignNeverImproves(t *testing.T) {
	checks := []string{"s3_bucket_object_versioning", "s3_bucket_no_mfa_delete", "made_up", "s3_bucket_kms_encryption"}
	statuses := []estate.ForeignStatus{estate.ForeignFail, estate.ForeignPass, estate.ForeignUnknown, estate.ForeignMuted}
	bad := map[finding.CriterionStatus]int{finding.CriterionPass: 0, finding.CriterionUnknown: 1, finding.CriterionFail: 2}
	judge := loaded(t)
	rapid.Check(t, func(rt *rapid.T) {
		own := versioned(rapid.SampledFrom([]string{on, off, unsaid}).Draw(rt, "config"), rapid.SampledFrom([]estate.ReadStatus{estate.ReadOK, estate.ReadDenied}).Draw(rt, "read"))
		var records []estate.Asset
		for i := range rapid.IntRange(1, 4).Draw(rt, "records") {
			r := estate.ForeignResource{ID: rapid.SampledFrom([]string{bucket, "arn:aws:x:eu-west-1:" + acct + ":y", "arn:aws:iam::" + acct + ":root"}).Draw(rt, "resource"), Account: acct, Name: fmt.Sprint(i)}
			records = append(records, says(rapid.SampledFrom([]string{"prowler", "trivy", "new"}).Draw(rt, "tool"), r,
				result(rapid.SampledFrom(checks).Draw(rt, "check"), rapid.SampledFrom(statuses).Draw(rt, "status"), rapid.SampledFrom([]string{"high", "low", "?"}).Draw(rt, "severity"), rapid.IntRange(0, 60).Draw(rt, "days"))))
		}
		run := func(records []estate.Asset) finding.Judgement {
			b := estate.NewBuilder(taken)
			b.Asset(own)
			for _, r := range records {
				b.Asset(r)
			}
			s, err := b.Build()
			if err != nil {
				rt.Fatal(err)
			}
			j, err := judge.Judge(t.Context(), s, &scope.Workloads{List: []finding.Workload{{ID: "w", Roots: []string{bucket}, Members: []string{bucket}}}})
			if err != nil {
				rt.Fatal(err)
			}
			return j
		}
		without, with := run(nil), run(records)
		turned := slices.Clone(records)
		slices.Reverse(turned)
		if diff := cmp.Diff(with, run(turned)); diff != "" {
			rt.Fatalf("the order matters:\n%s", diff)
		}
		was, is := criterion(t, without, "audit.deviations"), criterion(t, with, "audit.deviations")
		if bad[is.Status] < bad[was.Status] {
			rt.Fatalf("%s became %s", was.Status, is.Status)
		}
		ids := map[string]bool{}
		for _, f := range with.Findings {
			if ids[f.ID] || f.ID == "" || f.Title == "" || f.Step == "" || len(f.Evidence) == 0 {
				rt.Fatalf("torn or twice: %+v", f)
			}
			ids[f.ID] = true
		}
		for _, f := range without.Findings {
			if !ids[f.ID] {
				rt.Fatalf("%s on %s is lost", f.Control, f.Asset)
			}
		}
	})
}
