package access

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// The index finds what asking every statement finds, whatever they say.
func TestClausesFindWhatAskingAllFinds(t *testing.T) {
	patterns := rapid.SampledFrom([]string{
		"*", "arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::a*", "arn:aws:s3:::?", "arn:*:s3:::a", "arn:aws:s3:::ab", "arn:aws:s3:::ab/x", "arn:aws:s3:::a:b", "", "?rn:*", "arn:aws:sqs:::a",
	})
	actions := rapid.SampledFrom([]string{"*", "s3:*", "s3:GetObject", "S3:Get*", "sqs:*", "s*:Get"})
	rapid.Check(t, func(t *rapid.T) {
		statements := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) aws.Statement {
			s := aws.Statement{Effect: rapid.SampledFrom([]string{"Allow", "Allow", "Deny"}).Draw(t, "effect")}
			s.Actions = rapid.SliceOfN(actions, 0, 2).Draw(t, "actions")
			s.NotActions = rapid.SliceOfN(actions, 0, 1).Draw(t, "not actions")
			s.Resources = rapid.SliceOfN(patterns, 0, 3).Draw(t, "resources")
			s.NotResources = rapid.SliceOfN(patterns, 0, 1).Draw(t, "not resources")
			return s
		}), 0, 12).Draw(t, "statements")
		arn := rapid.SampledFrom([]string{"arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:s3:::ab/x", "arn:aws:s3:::"}).Draw(t, "arn")
		var c clauses
		c.add(3, statements)
		c.sort()
		var got, want []*aws.Statement
		for _, s := range c.naming("s3", arn) {
			got = append(got, s.Statement)
		}
		for i := range statements {
			if s := &statements[i]; s.Effect == "Allow" && names(s, "s3", arn) {
				want = append(want, s)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("naming %s (-all +index):\n%s", arn, d)
		}
	})
}
