package store

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// fleet is a generated estate: n assets of a few types, three relations each,
// configurations of 400 to 1,600 bytes. The share changed of its
// configurations depends on version, so that two versions differ in about that
// share.
type fleet struct {
	n       int
	changed float64
	version int
}

func (f fleet) builder(taken time.Time) *estate.Builder {
	b := estate.NewBuilder(taken)
	for i := range f.n {
		b.Asset(f.asset(i))
		r := rand.New(rand.NewPCG(7, uint64(i)))
		for range 3 {
			b.Relation(estate.Relation{From: f.id(i), To: f.id(r.IntN(f.n)), Type: estate.Reads, Tier: estate.Declared,
				Evidence: fmt.Sprintf("config.Policy.Statement[%d]", r.IntN(5))})
		}
	}
	b.BlindSpot(estate.BlindSpot{Source: "aws", Operation: "s3:GetBucketPolicy", Asset: f.id(0), Status: estate.ReadDenied, Why: "AccessDenied", Hint: "grant s3:GetBucketPolicy"})
	b.Source(estate.SourceStatus{Source: "aws", Status: "partial", Assets: f.n, Calls: 12, Seconds: 1.5,
		Covered: []estate.Coverage{{Type: "AWS::S3::Bucket", Account: "111122223333"}}})
	return b
}

func (f fleet) id(i int) string {
	return fmt.Sprintf("arn:aws:s3:::harbour-%08x-store-%06d", uint32(i)*2654435761, i)
}

func (f fleet) asset(i int) estate.Asset {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	version := 0
	if rand.New(rand.NewPCG(uint64(i), uint64(1000+f.version))).Float64() < f.changed {
		version = f.version
	}
	config := map[string]any{"Name": f.id(i), "Version": version, "CreationDate": noon.Add(-time.Duration(r.IntN(1e6)) * time.Minute),
		"PublicAccessBlockConfiguration": map[string]bool{"BlockPublicAcls": r.IntN(2) == 0, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": r.IntN(9) > 0}}
	var statements []any
	for range 1 + r.IntN(4) {
		statements = append(statements, map[string]any{"Effect": "Allow", "Sid": fmt.Sprintf("S%08x", r.Uint32()),
			"Principal": map[string]any{"AWS": fmt.Sprintf("arn:aws:iam::%012d:role/train-%d", r.IntN(10), r.IntN(5000))},
			"Action":    []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"}, "Resource": f.id(i) + "/*"})
	}
	config["GetBucketPolicy"] = map[string]any{"Policy": map[string]any{"Version": "2012-10-17", "Statement": statements}}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err)
	}
	return estate.Asset{ID: f.id(i), Type: "AWS::S3::Bucket", Cloud: estate.AWS, Account: "111122223333", Region: "eu-west-1",
		Name: fmt.Sprintf("store-%d", i), Tags: map[string]string{"team": fmt.Sprintf("t%d", i%20), "env": "train"}, Source: "aws", Kind: estate.KindStore,
		Config: text, Reads: []estate.Read{{Operation: "s3:ListBuckets", Status: estate.ReadOK}, {Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadOK},
			{Operation: "s3:GetBucketEncryption", Key: "GetBucketEncryption", Status: estate.ReadAbsent}, {Operation: "s3:GetBucketLogging", Key: "GetBucketLogging", Status: estate.ReadDenied, Why: "AccessDenied", Grant: "s3:GetBucketLogging"}}}
}

func (f fleet) snapshot(t testing.TB, taken time.Time) *estate.Snapshot {
	t.Helper()
	return build(t, f.builder(taken))
}

func build(t testing.TB, b *estate.Builder) *estate.Snapshot {
	t.Helper()
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}
