package access

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// manyRoles is an account of n roles, each with three of AWS's managed policies,
// an inline policy of its own, a trust policy, and every fourth with a boundary.
func manyRoles(tb testing.TB, n int) *estate.Snapshot {
	tb.Helper()
	arns := reference.ManagedARNs()
	b := estate.NewBuilder(time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC))
	const account = "123456789012"
	read := []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}
	add := func(a estate.Asset) {
		a.Cloud, a.Account = estate.AWS, account
		got := aws.Understand(&a)
		for _, p := range got.Parts {
			b.Asset(p)
		}
		for _, r := range got.Relations {
			b.Relation(r)
		}
		b.Asset(a)
	}
	for i := range n {
		attached := []map[string]string{}
		for k := range 3 {
			arn := arns[(i*7+k*131)%len(arns)]
			attached = append(attached, map[string]string{"PolicyArn": arn, "PolicyName": arn[strings.LastIndexByte(arn, '/')+1:]})
		}
		c := map[string]any{"RoleName": fmt.Sprint("r", i), "RoleId": fmt.Sprintf("AROA%012d", i), "AttachedManagedPolicies": attached,
			"AssumeRolePolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Principal": map[string]any{"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}}},
			"RolePolicyList": []any{map[string]any{"PolicyName": "own", "PolicyDocument": map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": []string{"s3:GetObject", "s3:PutObject"},
				"Resource": fmt.Sprintf("arn:aws:s3:::bucket-%d/*", i), "Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceVpce": "vpce-1"}}}}}}}}
		if i%4 == 0 {
			c["PermissionsBoundary"] = map[string]string{"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/PowerUserAccess"}
		}
		config, err := json.Marshal(c)
		if err != nil {
			tb.Fatal(err)
		}
		add(estate.Asset{ID: fmt.Sprintf("arn:aws:iam::%s:role/r%d", account, i), Type: "AWS::IAM::Role", Name: fmt.Sprint("r", i), Tags: map[string]string{"team": fmt.Sprint(i % 50)}, Reads: read, Config: config})
	}
	snap, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return snap
}

// BenchmarkWorld fills the world of an account. Bound for 10,000 roles with real
// managed policies: 2 s, 150 MB.
func BenchmarkWorld(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			snap := manyRoles(b, n)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var m *Amazon
			for b.Loop() {
				var err error
				if m, err = NewAmazon(context.Background(), snap); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
			runtime.KeepAlive(m)
		})
	}
}

// BenchmarkWhoCan asks who may read an object. Bound for 10,000 roles: 50 ms.
func BenchmarkWhoCan(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m, err := NewAmazon(context.Background(), manyRoles(b, n))
			if err != nil {
				b.Fatal(err)
			}
			found := 0
			for b.Loop() {
				got, err := m.WhoCan(context.Background(), Question{Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket-7/a"})
				if err != nil {
					b.Fatal(err)
				}
				found = len(got)
			}
			b.ReportMetric(float64(found), "holders")
		})
	}
}
