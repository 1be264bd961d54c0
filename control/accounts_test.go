package control

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Trust in an account that is assessed beside the asset's own is no trust in a
// stranger; one that is only named in the estate, or a cluster's name, is.
func TestAccountsOfTheEstate(t *testing.T) {
	set := builtIn(t)
	other := func(id, account string, cloud estate.Cloud, referenced bool) estate.Asset {
		return estate.Asset{ID: id, Type: "AWS::SQS::Queue", Cloud: cloud, Account: account, Region: "eu-west-1", Referenced: referenced,
			Config: json.RawMessage(`{}`), Reads: []estate.Read{{Operation: "sqs:ListQueues", Status: estate.ReadOK}}}
	}
	for name, c := range map[string]struct {
		beside   []estate.Asset
		accounts []string
		want     finding.Outcome
	}{
		"alone":      {nil, []string{"111122223333"}, finding.Fail},
		"read":       {[]estate.Asset{other("arn:aws:sqs:eu-west-1:444455556666:q", "444455556666", estate.AWS, false)}, []string{"111122223333", "444455556666"}, finding.Pass},
		"named":      {[]estate.Asset{other("arn:aws:sqs:eu-west-1:444455556666:q", "444455556666", estate.AWS, true)}, []string{"111122223333"}, finding.Fail},
		"third":      {[]estate.Asset{other("arn:aws:sqs:eu-west-1:777788889999:q", "777788889999", estate.AWS, false)}, []string{"111122223333", "777788889999"}, finding.Fail},
		"no account": {[]estate.Asset{other("k8s://444455556666//Node/n", "444455556666", estate.Kubernetes, false)}, []string{"111122223333"}, finding.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			role := &estate.Asset{ID: "arn:aws:iam::111122223333:role/r", Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: "111122223333",
				Config: json.RawMessage(`{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sts:AssumeRole"}]}}`),
				Reads:  []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}}
			bucket := &estate.Asset{ID: "arn:aws:s3:::b", Type: "AWS::S3::Bucket", Cloud: estate.AWS, Account: "111122223333",
				Config: json.RawMessage(`{"Name":"b","GetBucketPolicy":{"Policy":{"Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:GetObject","Resource":"*"}]}}}`),
				Reads:  []estate.Read{{Operation: "s3:ListBuckets", Status: estate.ReadOK}, {Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadOK}}}
			b := estate.NewBuilder(clock)
			b.Asset(*role)
			b.Asset(*bucket)
			for _, a := range c.beside {
				b.Asset(a)
			}
			snap, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			settings, err := set.Settings(snap)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.accounts, settings.Accounts()); d != "" {
				t.Errorf("accounts (-want +got):\n%s", d)
			}
			asked := 0
			for _, a := range []*estate.Asset{role, bucket} {
				for _, r := range set.JudgeIn(Context{Now: clock, Accounts: settings.Accounts()}, a, a.Config) {
					if r.Control.ID != "iam-role-trusts-foreign-account" && r.Control.ID != "s3-bucket-foreign-account" {
						continue
					}
					if asked++; r.Outcome != c.want {
						t.Errorf("%s: got %s (%s), want %s", r.Control.ID, r.Outcome, r.Why, c.want)
					}
				}
			}
			if asked != 2 {
				t.Errorf("%d controls asked, want 2", asked)
			}
		})
	}
}
