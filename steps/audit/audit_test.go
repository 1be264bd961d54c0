package audit

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// step is the step with the controls that ship.
func step(t *testing.T) *Step {
	t.Helper()
	set := builtin.Controls(t)
	return New(set, finding.Medium)
}

// of makes one workload of an asset.
func of(id string) *scope.Workloads {
	return &scope.Workloads{List: []finding.Workload{{ID: "w", Roots: []string{id}, Members: []string{id}}}}
}

// TestOnlyWhatWasReadPasses goes through the ends a read can have on one asset:
// none but a good answer makes the criterion pass, and a refusal is unknown
// with the grant beside it.
func TestOnlyWhatWasReadPasses(t *testing.T) {
	const block = "arn:aws:s3::111122223333:account-public-access-block"
	const all = `{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}`
	tests := map[string]struct {
		config   string
		status   estate.ReadStatus
		want     finding.CriterionStatus
		finding  finding.Outcome // "" for none
		mentions string
	}{
		"good":       {all, estate.ReadOK, finding.CriterionPass, "", "no deviation"},
		"bad":        {`{"BlockPublicAcls":true}`, estate.ReadOK, finding.CriterionFail, finding.Fail, "Nothing stops buckets"},
		"none_made":  {`{}`, estate.ReadAbsent, finding.CriterionFail, finding.Fail, "Nothing stops buckets"},
		"denied":     {`{}`, estate.ReadDenied, finding.CriterionUnknown, finding.Unknown, "could not be answered"},
		"throttled":  {`{}`, estate.ReadThrottled, finding.CriterionUnknown, finding.Unknown, "could not be answered"},
		"failed":     {`{}`, estate.ReadFailed, finding.CriterionUnknown, finding.Unknown, "could not be answered"},
		"malformed":  {`{}`, estate.ReadMalformed, finding.CriterionUnknown, finding.Unknown, "could not be answered"},
		"skipped":    {`{}`, estate.ReadSkipped, finding.CriterionUnknown, finding.Unknown, "could not be answered"},
		"half_known": {`{"BlockPublicAcls":true,"IgnorePublicAcls":true}`, estate.ReadDenied, finding.CriterionUnknown, finding.Unknown, "could not be answered"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := build(t, func(b *estate.Builder) {
				a := asset(block, "AWS::S3::AccountPublicAccessBlock")
				a.Config = json.RawMessage(tt.config)
				a.Reads = []estate.Read{{Operation: "s3control:GetPublicAccessBlock", Status: tt.status, Why: "a test", Grant: "s3:GetAccountPublicAccessBlock"}}
				b.Asset(a)
			})
			j, err := step(t).Judge(t.Context(), s, of(block))
			if err != nil {
				t.Fatal(err)
			}
			c := criterion(t, j, "audit.deviations")
			if c.Status != tt.want || !strings.Contains(c.Reason, tt.mentions) {
				t.Errorf("got %s (%s), want %s with %q", c.Status, c.Reason, tt.want, tt.mentions)
			}
			var got finding.Outcome
			for _, f := range j.Findings {
				got = f.Status
				if f.Status == finding.Unknown && tt.status == estate.ReadDenied && !strings.Contains(f.Fix.Text, "s3:GetAccountPublicAccessBlock") {
					t.Errorf("the finding does not name the grant: %q", f.Fix.Text)
				}
			}
			if got != tt.finding {
				t.Errorf("finding %q, want %q", got, tt.finding)
			}
		})
	}
}

func criterion(t *testing.T, j finding.Judgement, id string) finding.Criterion {
	t.Helper()
	for _, c := range j.Criteria["w"] {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no criterion %s in %+v", id, j.Criteria)
	return finding.Criterion{}
}

// TestKnownByNameOnly: an asset that is only named, in an account that is read,
// is dark; one of somebody else, or one that a complete list lacks, is not ours.
func TestKnownByNameOnly(t *testing.T) {
	const endpoint = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e"
	tests := map[string]struct {
		account string
		covered bool
		dark    bool
	}{
		"not_read":         {"111122223333", false, true},
		"listed_and_gone":  {"111122223333", true, false},
		"somebody_elses":   {"999988887777", false, false},
		"of_no_account":    {"", false, true},
		"of_none_and_gone": {"", true, true}, // the list is another account's
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := build(t, func(b *estate.Builder) {
				b.Asset(asset(endpoint, "AWS::SageMaker::Endpoint"))
				key := estate.Asset{ID: "arn:aws:kms:eu-west-1:" + tt.account + ":key/k", Type: "AWS::KMS::Key", Cloud: estate.AWS, Account: tt.account, Region: "eu-west-1", Referenced: true}
				b.Asset(key)
				b.Relation(estate.Relation{From: endpoint, To: key.ID, Type: estate.EncryptsBy, Tier: estate.Declared})
				if tt.covered {
					b.Covered(estate.Coverage{Type: "AWS::KMS::Key", Account: "111122223333", Region: "eu-west-1"})
				}
			})
			n, ok := s.Find("arn:aws:kms:eu-west-1:" + tt.account + ":key/k")
			if !ok {
				t.Fatal("the key is not in the snapshot")
			}
			if got := step(t).unread(s).Has(n); got != tt.dark {
				t.Errorf("dark: %v, want %v", got, tt.dark)
			}
		})
	}
}

// TestJudgeEndsWithItsContext leaves no answer behind that could pass.
func TestJudgeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := build(t, func(b *estate.Builder) { b.Asset(asset("arn:aws:s3:::b", "AWS::S3::Bucket")) })
	j, err := step(t).Judge(ctx, s, of("arn:aws:s3:::b"))
	if !errors.Is(err, context.Canceled) || len(j.Criteria) > 0 {
		t.Errorf("got %v and %d criteria", err, len(j.Criteria))
	}
}
