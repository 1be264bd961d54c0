package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// build makes a snapshot of what a test says.
func build(t *testing.T, say func(*estate.Builder)) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	say(b)
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func asset(id, typ string) estate.Asset {
	return estate.Asset{ID: id, Type: typ, Cloud: estate.AWS, Account: "111122223333", Region: "eu-west-1",
		Reads: []estate.Read{{Operation: "x:List", Status: estate.ReadOK}}}
}

// essential stands for what the controls of a run ask about.
var essential = []string{"AWS::IAM::Role", "AWS::S3::Bucket", "AWS::SageMaker::Endpoint"}

// listed covers every essential type of an account but the given ones.
func listed(b *estate.Builder, but ...string) {
	for _, t := range essential {
		if !strings.Contains(strings.Join(but, " "), t) {
			b.Covered(estate.Coverage{Type: t, Account: "111122223333"})
		}
	}
}

func TestInventory(t *testing.T) {
	complete := estate.SourceStatus{Source: "aws", Status: "complete", Assets: 1, Calls: 1}
	tests := map[string]struct {
		say    func(*estate.Builder)
		want   finding.CriterionStatus
		reason string
		hint   string
	}{
		"no_source": {func(*estate.Builder) {}, finding.CriterionUnknown, "no source", "name a source"},
		"complete": {func(b *estate.Builder) {
			b.Source(complete)
			b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket"))
			listed(b)
		}, finding.CriterionPass, "read to the end", ""},
		"a_bound_on_history_hides_nothing": {func(b *estate.Builder) {
			b.Source(complete)
			b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket"))
			listed(b)
			b.BlindSpot(estate.BlindSpot{Operation: "sagemaker:ListTrainingJobs", Status: estate.ReadSkipped, Why: "400,000 finished"})
		}, finding.CriterionPass, "read to the end", ""},
		"partial": {func(b *estate.Builder) {
			b.Source(estate.SourceStatus{Source: "aws", Status: "partial"})
			b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket"))
			listed(b)
		}, finding.CriterionUnknown, "aws is partial", ""},
		"the_grant_is_named_first": {func(b *estate.Builder) {
			b.Source(estate.SourceStatus{Source: "aws", Status: "partial"})
			b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket"))
			listed(b)
			for _, op := range []string{"a:ListA", "b:ListB", "c:ListC", "d:ListD"} {
				b.BlindSpot(estate.BlindSpot{Operation: op, Status: estate.ReadFailed, Why: "500"})
			}
			b.BlindSpot(estate.BlindSpot{Operation: "z:ListZ", Status: estate.ReadDenied, Hint: "grant z:ListZ"})
		}, finding.CriterionUnknown, "grant z:ListZ", "grant z:ListZ"},
		"a_type_nobody_listed": {func(b *estate.Builder) {
			b.Source(complete)
			b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket"))
			listed(b, "AWS::IAM::Role")
		}, finding.CriterionUnknown, "never listed: AWS::IAM::Role in 111122223333", "live"},
		"listed_in_another_region_only": {func(b *estate.Builder) {
			b.Source(complete)
			b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket"))
			listed(b, "AWS::SageMaker::Endpoint")
			b.Covered(estate.Coverage{Type: "AWS::SageMaker::Endpoint", Account: "111122223333", Region: "us-east-1"})
		}, finding.CriterionUnknown, "AWS::SageMaker::Endpoint in 111122223333 eu-west-1", "live"},
		"a_bounded_list_is_listed": {func(b *estate.Builder) {
			b.Source(complete)
			b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket"))
			listed(b, "AWS::SageMaker::Endpoint")
			b.BlindSpot(estate.BlindSpot{Operation: "x", Account: "111122223333", Region: "eu-west-1", Types: []string{"AWS::SageMaker::Endpoint"}, Status: estate.ReadSkipped})
		}, finding.CriterionPass, "read to the end", ""},
		"a_cluster_of_one_manifest": {func(b *estate.Builder) {
			b.Source(complete)
			b.Asset(estate.Asset{ID: "k8s://c/n/Deployment/d", Type: "apps/v1/Deployment", Cloud: estate.Kubernetes, Account: "c", Region: "n",
				Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}})
		}, finding.CriterionUnknown, "v1/Namespace", "live"},
		"listed_in_another_account_only": {func(b *estate.Builder) {
			b.Source(complete)
			other := asset("arn:aws:s3:::c", "AWS::S3::Bucket")
			other.Account = "444455556666"
			b.Asset(other)
			listed(b)
		}, finding.CriterionUnknown, "in 444455556666", "live"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := inventory(build(t, tt.say), essential)
			if c.Status != tt.want || !strings.Contains(c.Reason, tt.reason) || !strings.Contains(c.Hint, tt.hint) {
				t.Errorf("got %s, %q, hint %q; want %s, %q, hint %q", c.Status, c.Reason, c.Hint, tt.want, tt.reason, tt.hint)
			}
			if c.Status == finding.CriterionPass {
				for _, e := range c.Evidence {
					if e.Examined != e.Of || e.Of == 0 {
						t.Errorf("a pass rests on %+v", e)
					}
				}
			}
		})
	}
}

func TestOwnership(t *testing.T) {
	full := finding.Workload{Name: "w", Owner: "o", Zone: "serving", Purpose: "p"}
	without := func(f func(*finding.Workload)) finding.Workload { w := full; f(&w); return w }
	tests := map[string]struct {
		w      finding.Workload
		want   finding.CriterionStatus
		reason string
	}{
		"all":      {full, finding.CriterionPass, "known"},
		"no_owner": {without(func(w *finding.Workload) { w.Owner = "" }), finding.CriterionUnknown, "its owner"},
		"unzoned":  {without(func(w *finding.Workload) { w.Zone = "unzoned" }), finding.CriterionUnknown, "its zone"},
		"nothing":  {finding.Workload{Name: "w"}, finding.CriterionUnknown, "its owner, zone, purpose"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := ownership(tt.w)
			if c.Status != tt.want || !strings.Contains(c.Reason, tt.reason) {
				t.Errorf("got %s %q, want %s %q", c.Status, c.Reason, tt.want, tt.reason)
			}
		})
	}
}

func TestDeviations(t *testing.T) {
	snap := build(t, func(b *estate.Builder) { b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket")) })
	n, _ := snap.Find("arn:aws:s3:::b")
	nodes := snap.NewNodeSet(n)
	f := func(status finding.Outcome, s finding.Severity) finding.Finding {
		return finding.Finding{ID: "F-" + string(status) + string(s), Status: status, Severity: s, Title: "t"}
	}
	tests := map[string]struct {
		asked, answered int
		findings        []finding.Finding
		want            finding.CriterionStatus
	}{
		"nothing_asked":         {0, 0, nil, finding.CriterionUnknown},
		"all_pass":              {3, 3, nil, finding.CriterionPass},
		"a_high_fail":           {3, 3, []finding.Finding{f(finding.Fail, finding.High)}, finding.CriterionFail},
		"a_medium_fail":         {3, 3, []finding.Finding{f(finding.Fail, finding.Medium)}, finding.CriterionPass},
		"a_high_unknown":        {3, 2, []finding.Finding{f(finding.Unknown, finding.High)}, finding.CriterionUnknown},
		"a_medium_unknown":      {3, 2, []finding.Finding{f(finding.Unknown, finding.Medium)}, finding.CriterionPass},
		"only_unknown_is_none":  {1, 0, []finding.Finding{f(finding.Unknown, finding.Low)}, finding.CriterionUnknown},
		"fail_weighs_more":      {3, 2, []finding.Finding{f(finding.Unknown, finding.Critical), f(finding.Fail, finding.High)}, finding.CriterionFail},
		"critical_is_over_high": {3, 3, []finding.Finding{f(finding.Fail, finding.Critical)}, finding.CriterionFail},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			j := &judged{findings: tt.findings, tally: map[estate.Node]tally{n: {asked: tt.asked, answered: tt.answered}}}
			own := j.tally[n]
			for i := range tt.findings {
				own.findings = append(own.findings, i)
			}
			j.tally[n] = own
			c := deviations(snap, nodes, j, snap.NewNodeSet(), finding.High)
			if c.Status != tt.want {
				t.Errorf("got %s %q, want %s", c.Status, c.Reason, tt.want)
			}
			if c.Status == finding.CriterionFail && len(c.Findings) == 0 {
				t.Error("a fail names no finding")
			}
		})
	}
}

func TestDeviationsOfTheUnread(t *testing.T) {
	snap := build(t, func(b *estate.Builder) { b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket")) })
	n, _ := snap.Find("arn:aws:s3:::b")
	j := &judged{tally: map[estate.Node]tally{n: {asked: 3, answered: 3}}}
	c := deviations(snap, snap.NewNodeSet(n), j, snap.NewNodeSet(n), finding.High)
	if c.Status != finding.CriterionUnknown || !strings.Contains(c.Reason, "arn:aws:s3:::b") {
		t.Errorf("got %s %q; what is known by name only is not a pass", c.Status, c.Reason)
	}
}

func TestReached(t *testing.T) {
	snap := build(t, func(b *estate.Builder) {
		for _, a := range []estate.Asset{
			asset("endpoint", "AWS::SageMaker::Endpoint"), asset("role", "AWS::IAM::Role"), asset("bucket", "AWS::S3::Bucket"),
			asset("stranger", "AWS::IAM::Role"), asset("trail", "AWS::CloudTrail::Trail"),
			asset("bedrock-logging", "AWS::Bedrock::ModelInvocationLoggingConfiguration"), asset("other-secret", "AWS::SecretsManager::Secret"),
		} {
			b.Asset(a)
		}
		other := asset("other", "AWS::SageMaker::Endpoint")
		other.Root = &estate.Root{Class: estate.ClassEndpoint}
		b.Asset(other)
		for _, r := range []estate.Relation{
			{From: "endpoint", To: "role", Type: estate.RunsAs}, {From: "endpoint", To: "bucket", Type: estate.Reads},
			{From: "role", To: "stranger", Type: estate.Trusts}, {From: "bucket", To: "other", Type: estate.Triggers},
			{From: "other", To: "other-secret", Type: estate.Reads},
		} {
			r.Tier = estate.Declared
			b.Relation(r)
		}
	})
	w := finding.Workload{Roots: []string{"endpoint"}, Members: []string{"endpoint"}}
	var got []string
	for n := range reached(snap, w, accountSettings(snap)).All() {
		got = append(got, snap.Asset(n).ID)
	}
	// Another workload's root is reached but not left; who is trusted is not
	// followed; Bedrock's logging concerns who has Bedrock.
	want := []string{"bucket", "endpoint", "other", "role", "trail"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("reached (-want +got):\n%s", d)
	}
}
