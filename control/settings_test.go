package control

import (
	"encoding/json"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// A bucket with an open policy is public unless its account blocks public
// buckets; a block that could not be read leaves it undecided, one that nobody
// read excuses nothing.
func TestAccountSettingExcuses(t *testing.T) {
	set := builtIn(t)
	const open = `{"Name":"b","GetBucketPolicy":{"Policy":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}}}`
	block := func(account, config string, status estate.ReadStatus) estate.Asset {
		return estate.Asset{ID: "arn:aws:s3::" + account + ":account-public-access-block", Type: "AWS::S3::AccountPublicAccessBlock", Account: account, Region: "us-east-1",
			Config: json.RawMessage(config), Reads: []estate.Read{{Operation: "s3control:GetPublicAccessBlock", Status: status}}}
	}
	for name, c := range map[string]struct {
		settings []estate.Asset
		want     finding.Outcome
	}{
		"never_read":      {nil, finding.Fail},
		"on":              {[]estate.Asset{block("111122223333", `{"RestrictPublicBuckets":true}`, estate.ReadOK)}, finding.Pass},
		"off":             {[]estate.Asset{block("111122223333", `{"RestrictPublicBuckets":false}`, estate.ReadOK)}, finding.Fail},
		"not_configured":  {[]estate.Asset{block("111122223333", `{}`, estate.ReadAbsent)}, finding.Fail},
		"denied":          {[]estate.Asset{block("111122223333", `{}`, estate.ReadDenied)}, finding.Unknown},
		"another_account": {[]estate.Asset{block("444455556666", `{"RestrictPublicBuckets":true}`, estate.ReadOK)}, finding.Fail},
	} {
		t.Run(name, func(t *testing.T) {
			b := estate.NewBuilder(clock)
			bucket := &estate.Asset{ID: "arn:aws:s3:::b", Type: "AWS::S3::Bucket", Account: "111122223333", Region: "eu-west-1", Config: json.RawMessage(open), Reads: []estate.Read{
				{Operation: "s3:ListBuckets", Status: estate.ReadOK}, {Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadOK},
				{Operation: "s3:GetPublicAccessBlock", Key: "GetPublicAccessBlock", Status: estate.ReadAbsent},
			}}
			b.Asset(*bucket)
			for _, s := range c.settings {
				b.Asset(s)
			}
			snap, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			settings, err := set.Settings(snap)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range set.JudgeIn(Context{Now: clock, Setting: settings.For(bucket)}, bucket, bucket.Config) {
				if r.Control.ID == "s3-bucket-policy-public" && r.Outcome != c.want {
					t.Errorf("got %s (%s), want %s", r.Outcome, r.Why, c.want)
				}
			}
		})
	}
}
