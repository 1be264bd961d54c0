package assess_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// rights makes an organisation with a member account that denies leaving
// Europe, roles with a boundary, a group, a customer's policy of two versions, a
// bucket with a policy, a key with a grant, and a user.
const rights = `
import boto3, json
iam, s3, kms, org = boto3.client("iam"), boto3.client("s3", region_name="eu-west-1"), boto3.client("kms", region_name="eu-west-1"), boto3.client("organizations")
def doc(*statements): return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
def allow(action, resource="*", **more): return dict(Effect="Allow", Action=action, Resource=resource, **more)
service = doc(dict(Effect="Allow", Principal={"Service": "sagemaker.amazonaws.com"}, Action="sts:AssumeRole"))
edge = iam.create_policy(PolicyName="edge", PolicyDocument=doc(allow("*")))["Policy"]["Arn"]
iam.create_policy_version(PolicyArn=edge, PolicyDocument=doc(allow("s3:*")), SetAsDefault=True)
role = iam.create_role(RoleName="train", AssumeRolePolicyDocument=service, PermissionsBoundary=edge)["Role"]["Arn"]
iam.attach_role_policy(RoleName="train", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=doc(dict(Effect="Allow", Principal={"AWS": role}, Action="sts:AssumeRole", Condition={"StringEquals": {"sts:ExternalId": "x1"}})))
iam.create_group(GroupName="science")
iam.put_group_policy(GroupName="science", PolicyName="see", PolicyDocument=doc(allow("s3:GetObject", "arn:aws:s3:::weights/${aws:username}/*")))
iam.create_user(UserName="ann", Tags=[{"Key": "owner", "Value": "ann"}])
iam.add_user_to_group(GroupName="science", UserName="ann")
s3.create_bucket(Bucket="weights", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_bucket_policy(Bucket="weights", Policy=doc(dict(Sid="Partner", Effect="Allow", Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="s3:GetObject", Resource="arn:aws:s3:::weights/*"),
    dict(Sid="NoPlain", Effect="Deny", Principal="*", Action="s3:*", Resource=["arn:aws:s3:::weights", "arn:aws:s3:::weights/*"], Condition={"Bool": {"aws:SecureTransport": "false"}})))
key = kms.create_key()["KeyMetadata"]["KeyId"]
kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::123456789012:user/ann", Operations=["Decrypt"])
open("%s", "w").write(kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"])
`

// TestAccessLive asks a live account who may do what.
func TestAccessLive(t *testing.T) {
	server := moto.Start(t, "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "key")
	script := filepath.Join(dir, "rights.py")
	if err := os.WriteFile(script, []byte(strings.Replace(rights, "%s", keyFile, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Python(t, script)
	raw, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	key := string(raw)
	for _, kv := range moto.Env(server.URL) {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	snap, err := assess.Read(context.Background(), options(t, "aws:regions=eu-west-1,services=iam+organizations+s3+kms"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := assess.Evaluators(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	const account = "arn:aws:iam::123456789012:"
	tests := map[string]struct {
		q    access.Question
		want iam.Decision
	}{
		"boundary_cuts":         {access.Question{Principal: account + "role/train", Action: "sagemaker:CreateModel", Resource: "*"}, iam.Deny},
		"boundary_lets":         {access.Question{Principal: account + "role/train", Action: "s3:PutObject", Resource: "arn:aws:s3:::weights/a"}, iam.Conditional},
		"secure_transport":      {access.Question{Principal: account + "role/train", Action: "s3:PutObject", Resource: "arn:aws:s3:::weights/a", Context: map[string][]string{"aws:SecureTransport": {"true"}}}, iam.Allow},
		"own_folder":            {access.Question{Principal: account + "user/ann", Action: "s3:GetObject", Resource: "arn:aws:s3:::weights/ann/a", Context: map[string][]string{"aws:SecureTransport": {"true"}}}, iam.Allow},
		"others_folder":         {access.Question{Principal: account + "user/ann", Action: "s3:GetObject", Resource: "arn:aws:s3:::weights/bob/a"}, iam.Deny},
		"external_id":           {access.Question{Principal: account + "role/train", Action: "sts:AssumeRole", Resource: account + "role/deploy"}, iam.Deny},
		"service_takes_it":      {access.Question{Principal: "sagemaker.amazonaws.com", Action: "sts:AssumeRole", Resource: account + "role/train"}, iam.Allow},
		"grant_of_a_key":        {access.Question{Principal: account + "user/ann", Action: "kms:Decrypt", Resource: key}, iam.Allow},
		"no_grant_of_a_key":     {access.Question{Principal: account + "user/ann", Action: "kms:Encrypt", Resource: key}, iam.Deny},
		"partner_as_a_whole":    {access.Question{Principal: "arn:aws:iam::999999999999:root", Action: "s3:GetObject", Resource: "arn:aws:s3:::weights/a", Context: map[string][]string{"aws:SecureTransport": {"true"}}}, iam.Allow},
		"partner_not_this":      {access.Question{Principal: "arn:aws:iam::999999999999:root", Action: "s3:PutObject", Resource: "arn:aws:s3:::weights/a"}, iam.Deny},
		"partners_role_unknown": {access.Question{Principal: "arn:aws:iam::999999999999:role/x", Action: "s3:GetObject", Resource: "arn:aws:s3:::weights/a"}, iam.Unknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := all.For(tt.q.Action)
			if err != nil {
				t.Fatal(err)
			}
			got, err := e.Can(context.Background(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != tt.want {
				t.Errorf("%s, want %s: %+v", got.Decision, tt.want, got)
			}
			if strings.Contains(strings.Join(got.Assumed, " "), "account 123456789012: no organisation") {
				t.Errorf("the organisation was asked for, and is none: %q", got.Assumed)
			}
		})
	}
	e, _ := all.For("kms:Decrypt")
	holders, err := e.WhoCan(context.Background(), access.Question{Action: "kms:Decrypt", Resource: key})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, h := range holders {
		names = append(names, h.Decision.String()+" "+h.Principal)
	}
	if diff := cmp.Diff([]string{"allow " + account + "root", "allow " + account + "user/ann"}, names); diff != "" {
		t.Errorf("who may decrypt (-want +got):\n%s", diff)
	}
}
