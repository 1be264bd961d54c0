package aws

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// replies answers each operation with a fixed body.
func replies(m map[string]any) *fake {
	return &fake{answer: func(req api.Request) (any, error) {
		switch v := m[req.Key()].(type) {
		case error:
			return nil, v
		case func(api.Request) any:
			return v(req), nil
		default:
			return v, nil
		}
	}}
}

// readOf is an asset's read under a key.
func readOf(a estate.Asset, key string) estate.Read {
	i := slices.IndexFunc(a.Reads, func(r estate.Read) bool { return r.Key == key })
	if i < 0 {
		return estate.Read{}
	}
	return a.Reads[i]
}

// TestTagSweep supplies tags to what came without and names the services whose
// tagged things nobody reads.
func TestTagSweep(t *testing.T) {
	const arn = "arn:aws:comprehend:eu-west-1:111122223333:flywheel/f"
	f := replies(map[string]any{
		"comprehend:ListFlywheels": map[string]any{"FlywheelSummaryList": []any{map[string]any{"FlywheelArn": arn}}},
		"resourcegroupstaggingapi:GetResources": map[string]any{"ResourceTagMappingList": []any{
			map[string]any{"ResourceARN": arn, "Tags": []any{map[string]any{"Key": "app", "Value": "x"}}},
			map[string]any{"ResourceARN": "arn:aws:braket:eu-west-1:111122223333:quantum-task/q", "Tags": []any{map[string]any{"Key": "a", "Value": "b"}}},
		}},
	})
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.assets[arn].Tags["app"]; got != "x" {
		t.Errorf("tag: got %q", got)
	}
	if !slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool {
		return b.Operation == "tag:GetResources" && strings.Contains(b.Why, "braket") && b.Status == estate.ReadSkipped
	}) {
		t.Errorf("nothing says that braket is not read: %+v", m.blind)
	}
}

// TestUnitsBelowUnits walks organisational units to the leaves.
func TestUnitsBelowUnits(t *testing.T) {
	f := replies(map[string]any{
		"organizations:ListRoots": map[string]any{"Roots": []any{map[string]any{"Id": "r-1", "Arn": "arn:aws:organizations::1:root/o/r-1"}}},
		"organizations:ListOrganizationalUnitsForParent": func(req api.Request) any {
			id := req.Params["ParentId"].(string)
			if len(id) > 5 {
				return map[string]any{}
			}
			return map[string]any{"OrganizationalUnits": []any{map[string]any{"Id": id + "x", "Arn": "arn:aws:organizations::1:ou/o/" + id + "x"}}}
		},
	})
	m, err := run(t, f, Options{Services: []string{"organizations"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.types["AWS::Organizations::OrganizationalUnit"]; got != 3 {
		t.Errorf("%d units, want 3", got)
	}
}

// TestNoOrganisation takes an account without one as complete.
func TestNoOrganisation(t *testing.T) {
	none := &api.Error{Code: "AWSOrganizationsNotInUseException", Status: estate.ReadFailed, Cause: api.CauseRequest}
	f := replies(map[string]any{
		"organizations:ListRoots": none, "organizations:ListAccounts": none, "organizations:ListPolicies": none, "organizations:DescribeOrganization": none,
	})
	m, err := run(t, f, Options{Services: []string{"organizations"}})
	if err != nil || len(m.blind) != 0 {
		t.Errorf("err %v, blind spots %+v", err, m.blind)
	}
	if got := readOf(m.assets["arn:aws:organizations::111122223333:organization"], ""); got.Status != estate.ReadAbsent {
		t.Errorf("the organisation's read: got %+v, want absent", got)
	}
}

// TestVariants lists once for each variant and covers only if all succeed.
func TestVariants(t *testing.T) {
	list := func(req api.Request) any {
		kind := req.Params["type"].(string)
		return map[string]any{"securityPolicySummaries": []any{map[string]any{"type": kind, "name": "p"}}}
	}
	detail := func(req api.Request) any {
		return map[string]any{"securityPolicyDetail": map[string]any{"type": req.Params["type"], "name": req.Params["name"], "policy": []any{}}}
	}
	m, err := run(t, replies(map[string]any{"opensearchserverless:ListSecurityPolicies": list, "opensearchserverless:GetSecurityPolicy": detail}),
		Options{Services: []string{"opensearchserverless"}, Regions: []string{"eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"encryption", "network"} {
		if _, ok := m.assets["arn:aws:aoss:eu-west-1:111122223333:security-policy/"+kind+"/p"]; !ok {
			t.Errorf("the %s policy was not read", kind)
		}
	}
}

// TestMost makes a costly call for the first assets only and says so.
func TestMost(t *testing.T) {
	var items []any
	for i := range 130 {
		items = append(items, map[string]any{"SnapshotId": fmt.Sprintf("snap-%03d", i), "OwnerId": "111122223333"})
	}
	f := replies(map[string]any{"ec2:DescribeSnapshots": map[string]any{"Snapshots": items}})
	m, err := run(t, f, Options{Services: []string{"ec2"}, Regions: []string{"eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := f.calls["ec2:DescribeSnapshotAttribute"]; n != 100 {
		t.Errorf("%d calls, want 100", n)
	}
	skipped := 0
	for _, a := range m.assets {
		if readOf(a, "DescribeSnapshotAttribute").Status == estate.ReadSkipped {
			skipped++
		}
	}
	if skipped != 30 || m.types["AWS::EC2::Snapshot"] != 130 {
		t.Errorf("%d skipped of %d, want 30 of 130", skipped, m.types["AWS::EC2::Snapshot"])
	}
}

// TestWhen does not ask for the rotation of keys that AWS manages.
func TestWhen(t *testing.T) {
	f := replies(map[string]any{
		"kms:ListKeys": map[string]any{"Keys": []any{map[string]any{"KeyId": "own", "KeyArn": "arn:own"}, map[string]any{"KeyId": "aws", "KeyArn": "arn:aws"}}},
		"kms:DescribeKey": func(req api.Request) any {
			manager := map[string]string{"own": "CUSTOMER", "aws": "AWS"}[req.Params["KeyId"].(string)]
			return map[string]any{"KeyMetadata": map[string]any{"KeyManager": manager, "KeySpec": "SYMMETRIC_DEFAULT"}}
		},
	})
	m, err := run(t, f, Options{Services: []string{"kms"}, Regions: []string{"eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := readOf(m.assets["arn:own"], "GetKeyRotationStatus").Status; got != estate.ReadOK {
		t.Errorf("own key: got %s", got)
	}
	if got := readOf(m.assets["arn:aws"], "GetKeyRotationStatus").Status; got != estate.ReadAbsent {
		t.Errorf("AWS's key: got %s", got)
	}
	if f.calls["kms:GetKeyRotationStatus"] != 1 {
		t.Errorf("%d calls, want 1", f.calls["kms:GetKeyRotationStatus"])
	}
}

// TestBucketRegion sends a bucket's calls to the region it is in.
func TestBucketRegion(t *testing.T) {
	for location, want := range map[any]string{"eu-central-1": "eu-central-1", nil: "us-east-1", "EU": "eu-west-1"} {
		var at []string
		f := replies(map[string]any{
			"s3:ListBuckets":       map[string]any{"Buckets": []any{map[string]any{"Name": "b"}}},
			"s3:GetBucketLocation": map[string]any{"LocationConstraint": location},
			"s3:GetBucketAcl":      func(req api.Request) any { at = append(at, req.Region); return map[string]any{} },
		})
		m, err := run(t, f, Options{Services: []string{"s3"}, Regions: []string{"eu-west-1"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.assets["arn:aws:s3:::b"].Region; got != want || len(at) != 1 || at[0] != want {
			t.Errorf("%v: bucket in %q, asked in %v, want %s", location, got, at, want)
		}
	}
}

// TestCredentialRows joins the report to users; one made since has no row, and
// a refused report is refused on each.
func TestCredentialRows(t *testing.T) {
	users := map[string]any{"UserDetailList": []any{
		map[string]any{"UserName": "ada", "Arn": "arn:aws:iam::111122223333:user/ada"},
		map[string]any{"UserName": "new", "Arn": "arn:aws:iam::111122223333:user/new"},
	}}
	csv := base64.StdEncoding.EncodeToString([]byte("user,arn,mfa_active\nada,arn:aws:iam::111122223333:user/ada,true\n"))
	m, err := run(t, replies(map[string]any{
		"iam:GetAccountAuthorizationDetails": users, "iam:GetCredentialReport": map[string]any{"Content": csv},
	}), Options{Services: []string{"iam"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]estate.ReadStatus{"ada": estate.ReadOK, "new": estate.ReadSkipped} {
		if got := readOf(m.assets["arn:aws:iam::111122223333:user/"+name], "GetCredentialReport").Status; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	m, err = run(t, replies(map[string]any{
		"iam:GetAccountAuthorizationDetails": users,
		"iam:GetCredentialReport":            denied(api.Request{Service: "iam", Operation: "GetCredentialReport"}, "no"),
	}), Options{Services: []string{"iam"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := readOf(m.assets["arn:aws:iam::111122223333:user/ada"], "GetCredentialReport"); got.Status != estate.ReadDenied || !strings.Contains(got.Grant, "iam:GenerateCredentialReport") {
		t.Errorf("refused: got %+v", got)
	}
}

// TestAccessKeys makes each key an asset of its own with its last use.
func TestAccessKeys(t *testing.T) {
	m, err := run(t, replies(map[string]any{
		"iam:GetAccountAuthorizationDetails": map[string]any{"UserDetailList": []any{map[string]any{"UserName": "ada", "Arn": "arn:aws:iam::111122223333:user/ada"}}},
		"iam:ListAccessKeys":                 map[string]any{"AccessKeyMetadata": []any{map[string]any{"AccessKeyId": "AKIA1", "Status": "Active"}}},
		"iam:GetAccessKeyLastUsed":           map[string]any{"UserName": "ada", "AccessKeyLastUsed": map[string]any{"ServiceName": "s3"}},
	}), Options{Services: []string{"iam"}})
	if err != nil {
		t.Fatal(err)
	}
	key := m.assets["arn:aws:iam::111122223333:user/ada#access-key/AKIA1"]
	if key.Type != "AWS::IAM::AccessKey" || !strings.Contains(string(key.Config), `"ServiceName":"s3"`) {
		t.Errorf("got %s %s", key.Type, key.Config)
	}
	if !strings.Contains(string(m.assets["arn:aws:iam::111122223333:user/ada"].Config), `"ListAccessKeys"`) {
		t.Error("the user lacks the list of its keys")
	}
}

// TestNobodyAnswers tells a dead network from refused credentials.
func TestNobodyAnswers(t *testing.T) {
	for cause, want := range map[api.Cause]bool{api.CauseUnreachable: false, api.CauseCredentials: true} {
		f := replies(map[string]any{"sts:GetCallerIdentity": &api.Error{Code: "X", Status: estate.ReadFailed, Cause: cause}})
		_, err := run(t, f, Options{})
		var refused *CredentialsError
		if err == nil || errors.As(err, &refused) != want || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("%s: got %v", cause, err)
		}
	}
}

// TestManyOfOneCause names the first assets of a cause and leaves the others to
// their own reads.
func TestManyOfOneCause(t *testing.T) {
	var buckets []any
	for i := range 100 {
		buckets = append(buckets, map[string]any{"Name": fmt.Sprintf("b-%d", i)})
	}
	f := replies(map[string]any{
		"s3:ListBuckets":  map[string]any{"Buckets": buckets},
		"s3:GetBucketAcl": denied(api.Request{Service: "s3", Operation: "GetBucketAcl"}, "no"),
	})
	m, err := run(t, f, Options{Services: []string{"s3"}, Regions: []string{"us-east-1"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.blind) != namedCauses {
		t.Errorf("%d blind spots, want %d", len(m.blind), namedCauses)
	}
	for id, a := range m.assets {
		if a.Type == "AWS::S3::Bucket" && readOf(a, "GetBucketAcl").Status != estate.ReadDenied {
			t.Errorf("%s: the refusal is not among its reads", id)
		}
	}
}
