package assess_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// people makes a person, a key, a group, a role and a notebook.
const people = `
import boto3, json
iam, sm = boto3.client("iam"), boto3.client("sagemaker", region_name="eu-west-1")
def doc(*statements): return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
def allow(action, resource="*", **more): return dict(Effect="Allow", Action=action, Resource=resource, **more)
iam.create_group(GroupName="science")
iam.put_group_policy(GroupName="science", PolicyName="see", PolicyDocument=doc(allow(["sagemaker:Describe*", "sagemaker:CreatePresignedNotebookInstanceUrl"])))
iam.create_user(UserName="ann", Tags=[{"Key": "owner", "Value": "ann"}])
iam.create_login_profile(UserName="ann", Password="planted-Passw0rd-1")
iam.add_user_to_group(GroupName="science", UserName="ann")
iam.create_user(UserName="robot")
iam.create_access_key(UserName="robot")
iam.put_user_policy(UserName="robot", PolicyName="all", PolicyDocument=doc(allow("sagemaker:*"), dict(Effect="Deny", Action="sagemaker:DeleteNotebookInstance", Resource="*")))
trust = doc(dict(Effect="Allow", Principal={"Service": "sagemaker.amazonaws.com"}, Action="sts:AssumeRole"))
role = iam.create_role(RoleName="lab", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
iam.put_role_policy(RoleName="lab", PolicyName="own", PolicyDocument=doc(allow("sagemaker:DescribeNotebookInstance", "arn:aws:sagemaker:*:*:notebook-instance/${aws:PrincipalTag/app}")))
sm.create_notebook_instance(NotebookInstanceName="lab", InstanceType="ml.t3.medium", RoleArn=role)
`

// TestOverviewLive reads a live account and says of each identity in it what it
// is and may.
func TestOverviewLive(t *testing.T) {
	server := moto.Start(t)
	script := filepath.Join(t.TempDir(), "people.py")
	if err := os.WriteFile(script, []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Python(t, script)
	for _, kv := range moto.Env(server.URL) {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	r := run(t, options(t, "aws:regions=eu-west-1,services=iam+sagemaker"))
	got := map[string]*access.Identity{}
	for i := range r.Overview.Identities {
		id := &r.Overview.Identities[i]
		got[id.ID[strings.LastIndexByte(id.ID, ':')+1:]] = id
	}
	for _, tt := range []struct {
		id        string
		kind      access.Kind
		may       string
		ownerless bool
	}{
		{"user/ann", access.Human, "run 1, read 1", false},
		{"user/robot", access.Machine, "change 1, run 1, read 1", true},
		{"role/lab", access.Machine, "nothing of AI", false},
		{"root", access.Human, "administer 1, change 2, run 2, read 1", false},
	} {
		id := got[tt.id]
		if id == nil {
			t.Errorf("%s is not in the overview", tt.id)
			continue
		}
		if id.Kind != tt.kind || id.May() != tt.may || id.Ownerless() != tt.ownerless {
			t.Errorf("%s: %s (%s), may %s, ownerless %v", tt.id, id.Kind, id.Why, id.May(), id.Ownerless())
		}
	}
	if id := got["user/robot"]; id != nil && (len(id.Credentials) != 1 || id.Credentials[0].AgeDays != 0 || id.OldestKey().IsZero()) {
		t.Errorf("keys of robot: %+v", id.Credentials)
	}
}
