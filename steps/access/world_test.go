package access

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

const worldAccount = "123456789012"

// told is an asset of the account with a configuration, and the operations read
// of it: "iam:GetRole", or "s3:GetBucketPolicy=denied".
func told(id, typ, config string, reads ...string) estate.Asset {
	a := estate.Asset{ID: id, Type: typ, Cloud: estate.AWS, Account: worldAccount, Config: json.RawMessage(config), Tags: map[string]string{}}
	for _, r := range reads {
		op, status, ok := strings.Cut(r, "=")
		if !ok {
			status = "ok"
		}
		_, key, _ := strings.Cut(op, ":")
		a.Reads = append(a.Reads, estate.Read{Operation: op, Key: key, Status: estate.ReadStatus(status)})
	}
	return a
}

func worldOf(t *testing.T, fill func(*estate.Builder), assets ...estate.Asset) *Amazon {
	t.Helper()
	b := estate.NewBuilder(noonOf())
	for _, a := range assets {
		b.Asset(a)
	}
	if fill != nil {
		fill(b)
	}
	snap, err := b.Build()
	if err == nil {
		snap, err = snap.Understood(context.Background(), aws.Understand)
	}
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewAmazon(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	worldRole = "arn:aws:iam::" + worldAccount + ":role/r"
	allowsGet = `{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}}`
	anObject  = "arn:aws:s3:::b/x"
)

// TestWorldUnread holds that what was not read of an identity or a resource
// leaves the answer unknown with its reason, and that what was read to be absent
// does not.
func TestWorldUnread(t *testing.T) {
	whole := `{"RolePolicyList":[` + allowsGet + `],"AttachedManagedPolicies":[]}`
	unknown := func(a estate.Asset, at ...string) estate.Asset {
		a.Unknown = at
		return a
	}
	bucket := func(reads ...string) estate.Asset {
		return told("arn:aws:s3:::b", "AWS::S3::Bucket", `{"Name":"b"}`, reads...)
	}
	public := told("arn:aws:s3:::b", "AWS::S3::Bucket", `{"Name":"b","GetBucketPolicy":{"Policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}}}`,
		"s3:GetBucketPolicy")
	role := told(worldRole, "AWS::IAM::Role", whole, details)
	tests := map[string]struct {
		assets []estate.Asset
		fill   func(*estate.Builder)
		who    string
		want   iam.Decision
		why    string // part of the reason
	}{
		"all_read":                {assets: []estate.Asset{role, bucket("s3:GetBucketPolicy=absent")}, want: iam.Allow},
		"list_of_roles_only":      {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", `{}`, "iam:ListRoles")}, want: iam.Unknown, why: "the policies attached to it were not read"},
		"inline_not_read":         {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", `{"AttachedManagedPolicies":[]}`, "iam:ListRoles", "iam:GetRole")}, want: iam.Unknown, why: "its inline policies were not read"},
		"boundary_not_read":       {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", whole, "iam:ListRoles")}, want: iam.Unknown, why: "whether it has one was not read"},
		"pieces_read":             {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", whole, "iam:ListRoles", "iam:GetRole")}, want: iam.Allow},
		"inline_named_only":       {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", `{"RolePolicyList":[{"PolicyName":"p"}],"AttachedManagedPolicies":[]}`, details)}, want: iam.Unknown, why: "its document was not read"},
		"inline_after_apply":      {assets: []estate.Asset{unknown(role, "/RolePolicyList/0/PolicyDocument")}, want: iam.Unknown, why: "known after apply"},
		"attached_after_apply":    {assets: []estate.Asset{unknown(role, "/AttachedManagedPolicies")}, want: iam.Unknown, why: "known after apply"},
		"boundary_after_apply":    {assets: []estate.Asset{unknown(role, "/PermissionsBoundary")}, want: iam.Unknown, why: "known after apply"},
		"misshapen":               {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", `{"AttachedManagedPolicies":7}`, details)}, want: iam.Unknown, why: "does not have the shape"},
		"broken_document":         {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", `{"AttachedManagedPolicies":[],"RolePolicyList":[{"PolicyName":"p","PolicyDocument":"{not json"}]}`, details)}, want: iam.Unknown},
		"managed_unheard_of":      {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", `{"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::aws:policy/NeverHeardOf"}]}`, details)}, want: iam.Unknown, why: "NeverHeardOf: its document was not read"},
		"managed_by_aws":          {assets: []estate.Asset{told(worldRole, "AWS::IAM::Role", `{"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}]}`, details)}, want: iam.Allow},
		"user_without_groups":     {who: "arn:aws:iam::" + worldAccount + ":user/u", assets: []estate.Asset{told("arn:aws:iam::"+worldAccount+":user/u", "AWS::IAM::User", `{"UserPolicyList":[],"AttachedManagedPolicies":[]}`, "iam:ListUsers", "iam:GetUser")}, want: iam.Unknown, why: "its groups were not read"},
		"group_not_read":          {who: "arn:aws:iam::" + worldAccount + ":user/u", assets: []estate.Asset{told("arn:aws:iam::"+worldAccount+":user/u", "AWS::IAM::User", `{"GroupList":["g"],"AttachedManagedPolicies":[]}`, details)}, want: iam.Unknown, why: "the group was not read"},
		"bucket_policy_refused":   {assets: []estate.Asset{role, bucket("s3:GetBucketPolicy=denied")}, want: iam.Unknown, why: "its own policy was not read: GetBucketPolicy denied"},
		"bucket_policy_not_asked": {assets: []estate.Asset{role, bucket("s3:GetBucketLocation")}, want: iam.Unknown, why: "its own policy was not read"},
		"buckets_refused": {assets: []estate.Asset{role}, want: iam.Unknown, why: "s3:ListBuckets denied", fill: func(b *estate.Builder) {
			b.BlindSpot(estate.BlindSpot{Source: "aws", Account: worldAccount, Operation: "s3:ListBuckets", Types: []string{"AWS::S3::Bucket"}, Status: estate.ReadDenied})
		}},
		"organisation_refused": {assets: []estate.Asset{role, bucket("s3:GetBucketPolicy=absent")}, want: iam.Unknown, why: "organizations:DescribeOrganization denied", fill: func(b *estate.Builder) {
			b.BlindSpot(estate.BlindSpot{Source: "aws", Account: worldAccount, Operation: "organizations:DescribeOrganization", Types: []string{"AWS::Organizations::Organization"}, Status: estate.ReadDenied})
		}},
		"public_access_block_unread": {who: "*", assets: []estate.Asset{public}, want: iam.Unknown, why: "Block Public Access"},
		"public": {who: "*", assets: []estate.Asset{func() estate.Asset {
			a := public
			a.Reads = append(a.Reads, estate.Read{Operation: "s3:GetPublicAccessBlock", Key: "GetPublicAccessBlock", Status: estate.ReadAbsent})
			return a
		}()}, want: iam.Allow},
		"account_blocks_public": {who: "*", assets: []estate.Asset{public, told("arn:aws:s3::"+worldAccount+":account-public-access-block", "AWS::S3::AccountPublicAccessBlock",
			`{"RestrictPublicBuckets":true,"IgnorePublicAcls":true,"BlockPublicAcls":true,"BlockPublicPolicy":true}`, "s3:GetPublicAccessBlock")}, want: iam.Deny},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m := worldOf(t, tt.fill, tt.assets...)
			who := tt.who
			if who == "" {
				who = worldRole
			}
			got, err := m.Can(context.Background(), Question{Principal: who, Action: "s3:GetObject", Resource: anObject})
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != tt.want {
				t.Errorf("%s, want %s: %+v", got.Decision, tt.want, got)
			}
			if !strings.Contains(strings.Join(got.Unknown, "; "), tt.why) {
				t.Errorf("the reasons %q do not say %q", got.Unknown, tt.why)
			}
		})
	}
}

// TestPatternOfResources holds that a question about many resources weighs each
// that has a policy of its own.
func TestPatternOfResources(t *testing.T) {
	bucket := func(name, statement string) estate.Asset {
		return told("arn:aws:s3:::"+name, "AWS::S3::Bucket", `{"GetBucketPolicy":{"Policy":{"Version":"2012-10-17","Statement":[`+statement+`]}}}`, "s3:GetBucketPolicy", "s3:GetPublicAccessBlock")
	}
	role := told(worldRole, "AWS::IAM::Role", `{"RolePolicyList":[`+allowsGet+`],"AttachedManagedPolicies":[]}`, details)
	denies := bucket("closed", `{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::closed/*"}`)
	stranger := bucket("lent", `{"Sid":"Lent","Effect":"Allow","Principal":{"AWS":"999999999999"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::lent/*"}`)
	m := worldOf(t, nil, role, denies, stranger, told("arn:aws:s3:::plain", "AWS::S3::Bucket", `{}`, "s3:GetBucketPolicy=absent"))
	tests := map[string]struct {
		who, resource string
		want          iam.Decision
		where         string
	}{
		"everywhere_but_one": {worldRole, "*", iam.Conditional, ""},
		"one_closed":         {worldRole, "arn:aws:s3:::closed/*", iam.Deny, ""},
		"begins_like_closed": {worldRole, "arn:aws:s3:::c*/*", iam.Conditional, ""},
		"begins_like_none":   {worldRole, "arn:aws:s3:::p*/*", iam.Allow, ""},
		"what_was_lent":      {"arn:aws:iam::999999999999:root", "*", iam.Conditional, ""},
		"a_bucket_is_none":   {worldRole, "arn:aws:s3:::closed", iam.Allow, ""}, // the deny names what is in it
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := m.Can(context.Background(), Question{Principal: tt.who, Action: "s3:GetObject", Resource: tt.resource})
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != tt.want {
				t.Errorf("%s, want %s: %+v", got.Decision, tt.want, got)
			}
		})
	}
}

// TestNear holds which names are shown for a wrong one.
func TestNear(t *testing.T) {
	names := []string{"s3:GetObject", "s3:PutObject", "s3:GetBucketPolicy", "arn:aws:iam::1:user/ann", "arn:aws:iam::1:role/train"}
	for word, want := range map[string]string{"s3:GetObjekt": "s3:GetObject", "anne": "arn:aws:iam::1:user/ann", "role/trian": "arn:aws:iam::1:role/train"} {
		if got := near(word, names); got[0] != want {
			t.Errorf("%s: %v, want %s first", word, got, want)
		}
	}
	if diff := cmp.Diff(3, distance("kitten", "sitting")); diff != "" {
		t.Error(diff)
	}
}

// TestReadContext holds how --context is read.
func TestReadContext(t *testing.T) {
	got, err := ReadContext([]string{"a=1", "a=2", "b=", "c=x=y"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string][]string{"a": {"1", "2"}, "b": {}, "c": {"x=y"}}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, bad := range [][]string{{"a"}, {"=x"}, {"a=1", "a="}, {"a=", "a=1"}} {
		if _, err := ReadContext(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func noonOf() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }
