package assess_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// readAt reads sources as they are.
func readAt(t *testing.T, source string) *estate.Snapshot {
	t.Helper()
	o := options(t, source)
	o.Now = time.Now()
	snap, err := assess.Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// oneRecord checks that two readings differ in one act on one asset.
func oneRecord(t *testing.T, before, after *estate.Snapshot, what, asset string, grade audit.Consequence) {
	t.Helper()
	d, err := audit.Compare(context.Background(), before, after)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Records) != 1 || d.Records[0].What != what || !strings.Contains(d.Records[0].Asset, asset) || d.Records[0].Consequence != grade {
		t.Errorf("want one record, %s %s of %s; got %d:\n%s", what, grade, asset, len(d.Records), describe(d))
	}
}

// Live acts on moto, one after the other, each read before and after.
func TestDriftOfALiveAccount(t *testing.T) {
	race.Skip(t, "one reading after another; TestAWSFaults and TestCleanCluster read the same")
	server := moto.Start(t)
	for _, kv := range moto.Env(faultproxy.Serve(t, faultproxy.New(faultproxy.To(server.URL)))) {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	for _, name := range []string{"AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	n := 0
	python := func(text string) {
		n++
		script := filepath.Join(t.TempDir(), fmt.Sprintf("act%d.py", n))
		if err := os.WriteFile(script, []byte("import boto3, json\ndef c(n): return boto3.client(n, region_name='eu-west-1')\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		server.Python(t, script)
	}
	trust := `json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]})`
	python(`
role = c("iam").create_role(RoleName="work", AssumeRolePolicyDocument=` + trust + `)["Role"]["Arn"]
c("iam").create_policy(PolicyName="admin", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
c("iam").create_user(UserName="jo")
c("iam").create_group(GroupName="team")
c("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
c("sagemaker").create_notebook_instance(NotebookInstanceName="lab", InstanceType="ml.t3.medium", RoleArn=role)
c("ec2").create_security_group(GroupName="g", Description="g")
`)
	const source = "aws:regions=eu-west-1,services=iam+s3+ec2+sagemaker"
	before := readAt(t, source)
	again := readAt(t, source)
	if d, err := audit.Compare(context.Background(), before, again); err != nil || len(d.Records) != 0 {
		t.Errorf("nothing happened, yet: %v\n%s", err, describe(d))
	}
	for _, act := range []struct {
		name, script, what, asset string
		grade                     audit.Consequence
	}{
		{"policy of a role", `c("iam").put_role_policy(RoleName="work", PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))`, audit.WhatChanged, ":role/work", audit.NewPath},
		{"attached policy", `c("iam").attach_role_policy(RoleName="work", PolicyArn="arn:aws:iam::123456789012:policy/admin")`, audit.WhatChanged, ":role/work", audit.NewPath},
		{"member of a group", `c("iam").add_user_to_group(UserName="jo", GroupName="team")`, audit.WhatChanged, ":user/jo", audit.NewPath},
		{"access key", `c("iam").create_access_key(UserName="jo")`, audit.WhatChanged, ":user/jo", audit.Attribute},
		{"versioning", `c("s3").put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})`, audit.WhatChanged, ":::lake", audit.Attribute},
		{"public bucket", `c("s3").put_bucket_policy(Bucket="lake", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"}]}))`, audit.WhatChanged, ":::lake", audit.NewPath},
		{"tag", `c("s3").put_bucket_tagging(Bucket="lake", Tagging={"TagSet": [{"Key": "team", "Value": "x"}]})`, audit.WhatChanged, ":::lake", audit.Cosmetic},
		{"opened port", `g = [x["GroupId"] for x in c("ec2").describe_security_groups()["SecurityGroups"] if x["GroupName"] == "g"][0]
c("ec2").authorize_security_group_ingress(GroupId=g, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])`, audit.WhatChanged, ":security-group/", audit.NewPath},
		{"new bucket", `c("s3").create_bucket(Bucket="lake-two", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})`, audit.WhatAdded, ":::lake-two", audit.Attribute},
		{"bucket gone", `c("s3").delete_bucket(Bucket="lake-two")`, audit.WhatRemoved, ":::lake-two", audit.Attribute},
		{"new notebook", `c("sagemaker").create_notebook_instance(NotebookInstanceName="lab-two", InstanceType="ml.t3.medium", RoleArn="arn:aws:iam::123456789012:role/work")`, audit.WhatAdded, "notebook-instance/lab-two", audit.NewPath},
	} {
		t.Run(act.name, func(t *testing.T) {
			before := readAt(t, source)
			python(act.script)
			oneRecord(t, before, readAt(t, source), act.what, act.asset, act.grade)
		})
	}
}

// Live acts on an API server.
func TestDriftOfALiveCluster(t *testing.T) {
	race.Skip(t, "one reading after another; TestAWSFaults and TestCleanCluster read the same")
	server := twin(t, "clean")
	again := readAt(t, "kubernetes")
	if d, err := audit.Compare(context.Background(), again, readAt(t, "kubernetes")); err != nil || len(d.Records) != 0 {
		t.Errorf("nothing happened, yet: %v\n%s", err, describe(d))
	}
	for _, act := range []struct {
		name, manifest, what, asset string
		grade                       audit.Consequence
	}{
		{"new role", "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: drifted, namespace: default}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}", audit.WhatAdded, "Role/drifted", audit.NewPath},
		{"role may do more", "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: drifted, namespace: default}, rules: [{apiGroups: [''], resources: [pods, secrets], verbs: [get]}]}", audit.WhatChanged, "Role/drifted", audit.NewPath},
		{"bound to everyone", "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: drifted, namespace: default}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: drifted}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}]}", audit.WhatAdded, "RoleBinding/drifted", audit.NewPath},
		{"new namespace", "{apiVersion: v1, kind: Namespace, metadata: {name: drifted}}", audit.WhatAdded, "Namespace/drifted", audit.Attribute},
		{"label", "{apiVersion: v1, kind: Namespace, metadata: {name: drifted, labels: {team: x}}}", audit.WhatChanged, "Namespace/drifted", audit.Cosmetic},
		{"new deployment", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: drifted, namespace: drifted}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'r/i:1'}]}}}}", audit.WhatAdded, "Deployment/drifted", audit.NewPath},
		{"another image", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: drifted, namespace: drifted}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: 'r/i:2'}]}}}}", audit.WhatChanged, "Deployment/drifted", audit.Attribute},
	} {
		t.Run(act.name, func(t *testing.T) {
			before := readAt(t, "kubernetes")
			server.Apply(act.manifest)
			oneRecord(t, before, readAt(t, "kubernetes"), act.what, act.asset, act.grade)
		})
	}
}
