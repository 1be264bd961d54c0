package assess_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

// dayOf is an estate of n buckets, roles and functions on a day: each day one
// asset in a hundred has another setting.
func dayOf(t testing.TB, n, day int) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(time.Date(2026, 11, 1+day, 8, 0, 0, 0, time.UTC))
	for i := range n {
		versioning, timeout := "Enabled", 30
		if i%100 == day {
			versioning, timeout = "Suspended", 60
		}
		switch i % 3 {
		case 0:
			name := fmt.Sprintf("acme-lake-%06d", i)
			b.Asset(estate.Asset{ID: "arn:aws:s3:::" + name, Type: "AWS::S3::Bucket", Cloud: estate.AWS, Account: "111122223333", Name: name,
				Config: fmt.Appendf(nil, `{"Name":%q,"CreationDate":"2026-01-01T00:00:00Z","GetBucketVersioning":{"Status":%q},"GetBucketEncryption":{"ServerSideEncryptionConfiguration":{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms"}}]}},"GetBucketPolicy":{"Policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/r-%06d"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}]}}}`, name, versioning, i+1, name),
				Reads:  []estate.Read{{Operation: "s3:ListBuckets", Status: estate.ReadOK}, {Operation: "s3:GetBucketVersioning", Key: "GetBucketVersioning", Status: estate.ReadOK}, {Operation: "s3:GetBucketEncryption", Key: "GetBucketEncryption", Status: estate.ReadOK}, {Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadOK}}})
		case 1:
			name := fmt.Sprintf("r-%06d", i)
			b.Asset(estate.Asset{ID: "arn:aws:iam::111122223333:role/" + name, Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: "111122223333", Name: name,
				Config: fmt.Appendf(nil, `{"RoleName":%q,"Arn":"arn:aws:iam::111122223333:role/%s","MaxSessionDuration":%d,"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]},"RolePolicyList":[],"AttachedManagedPolicies":[]}`, name, name, timeout*120),
				Reads:  []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}})
		default:
			name := fmt.Sprintf("f-%06d", i)
			b.Asset(estate.Asset{ID: "arn:aws:lambda:eu-west-1:111122223333:function:" + name, Type: "AWS::Lambda::Function", Cloud: estate.AWS, Account: "111122223333", Region: "eu-west-1", Name: name,
				Config: fmt.Appendf(nil, `{"FunctionName":%q,"Role":"arn:aws:iam::111122223333:role/r-%06d","Timeout":%d,"MemorySize":128,"Runtime":"python3.13","LastModified":"2026-11-%02dT00:00:00Z","Environment":{"Variables":{"BUCKET":"acme-lake-%06d"}}}`, name, i-1, timeout, 1+(i*day)%28, i-2),
				Reads:  []estate.Read{{Operation: "lambda:ListFunctions", Status: estate.ReadOK}}})
		}
	}
	for _, typ := range []string{"AWS::S3::Bucket", "AWS::IAM::Role", "AWS::Lambda::Function"} {
		b.Covered(estate.Coverage{Type: typ, Account: "111122223333", Region: map[bool]string{true: "eu-west-1"}[typ == "AWS::Lambda::Function"]})
	}
	snap, err := b.Build()
	if err == nil {
		snap, err = assess.Understood(context.Background(), snap)
	}
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// BenchmarkDrift compares two stored snapshots of 100,000 assets, of which one in
// a hundred has another setting (and a third, "noisy", another time of change).
func BenchmarkDrift(b *testing.B) {
	ctx := context.Background()
	st, err := store.Open(ctx, filepath.Join(b.TempDir(), "state"))
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	var sides [3]*estate.Snapshot
	for i, day := range []int{0, 0, 1} {
		snap := dayOf(b, 100_000, day)
		if err := st.Save(ctx, snap); err != nil {
			b.Fatal(err)
		}
		if sides[i], err = st.Load(ctx, snap.Hash()); err != nil {
			b.Fatal(err)
		}
	}
	for _, bench := range []struct {
		name     string
		from, to *estate.Snapshot
		records  int
	}{{"same", sides[0], sides[1], 0}, {"changed", sides[0], sides[2], 2000}} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				d, err := audit.Compare(ctx, bench.from, bench.to)
				if err != nil {
					b.Fatal(err)
				}
				if len(d.Records) != bench.records {
					b.Fatalf("%d records, want %d", len(d.Records), bench.records)
				}
			}
		})
	}
}
