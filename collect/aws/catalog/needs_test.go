package catalog

import (
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// TestNeededMembersAreInTheModel: each named member is one the API knows, of
// an operation that is read.
func TestNeededMembersAreInTheModel(t *testing.T) {
	c, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, r := range c.Resources() {
		for _, call := range r.AllCalls() {
			read[call.Operation()] = true
		}
	}
	for op, member := range needed {
		service, name, _ := strings.Cut(op, ":")
		model, ok := api.Operation(service, name)
		found := false
		if ok {
			_, found = model.Output(member)
		}
		if !found || !read[op] {
			t.Errorf("%s: member %s in the model: %v; read: %v", op, member, found, read[op])
		}
	}
}

// TestAnEmptyReplyTellsNothing: "{}" is not "there is none", in an export as
// in a live reply.
func TestAnEmptyReplyTellsNothing(t *testing.T) {
	list := map[string]string{
		"s3api/list-buckets.json":          `{"Buckets":[{"Name":"b"}]}`,
		"kms/list-keys.json":               `{"Keys":[{"KeyId":"k","KeyArn":"arn:aws:kms:eu-west-1:111122223333:key/k"}]}`,
		"lambda/list-functions.json":       `{"Functions":[{"FunctionName":"f","FunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:f"}]}`,
		"ecr/describe-repositories.json":   `{"repositories":[{"repositoryName":"r","repositoryArn":"arn:aws:ecr:eu-west-1:111122223333:repository/r"}]}`,
		"sagemaker/list-endpoints.json":    `{"Endpoints":[{"EndpointName":"e","EndpointArn":"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e"}]}`,
		"dynamodb/list-tables.json":        `{"TableNames":["t"]}`,
		"iam/list-users.json":              `{"Users":[{"UserName":"u","Arn":"arn:aws:iam::111122223333:user/u"}]}`,
		"secretsmanager/list-secrets.json": `{"SecretList":[{"Name":"s","ARN":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-AbCdEf"}]}`,
		"sts/get-caller-identity.json":     `{"Account":"111122223333","Arn":"arn:aws:iam::111122223333:user/u","UserId":"x"}`,
	}
	for _, c := range []struct{ path, body, id, op string }{
		{"s3api/get-bucket-policy/b.json", `{}`, "arn:aws:s3:::b", "s3:GetBucketPolicy"},
		{"s3api/get-bucket-acl/b.json", `{}`, "arn:aws:s3:::b", "s3:GetBucketAcl"},
		{"s3api/get-bucket-acl/b.json", `{"Owner":{"ID":"x"}}`, "arn:aws:s3:::b", "s3:GetBucketAcl"},
		{"s3api/get-public-access-block/b.json", `{}`, "arn:aws:s3:::b", "s3:GetPublicAccessBlock"},
		{"s3api/get-bucket-tagging/b.json", `{}`, "arn:aws:s3:::b", "s3:GetBucketTagging"},
		{"kms/get-key-policy/k.json", `{}`, "arn:aws:kms:eu-west-1:111122223333:key/k", "kms:GetKeyPolicy"},
		{"kms/get-key-policy/k.json", `{"PolicyName":"default"}`, "arn:aws:kms:eu-west-1:111122223333:key/k", "kms:GetKeyPolicy"},
		{"lambda/get-policy/f.json", `{"RevisionId":"x"}`, "arn:aws:lambda:eu-west-1:111122223333:function:f", "lambda:GetPolicy"},
		{"lambda/get-policy/f.json", `{}`, "arn:aws:lambda:eu-west-1:111122223333:function:f", "lambda:GetPolicy"},
		{"ecr/get-repository-policy/r.json", `{}`, "arn:aws:ecr:eu-west-1:111122223333:repository/r", "ecr:GetRepositoryPolicy"},
		{"sagemaker/describe-endpoint/e.json", `{}`, "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/e", "sagemaker:DescribeEndpoint"},
		{"iam/list-access-keys/u.json", `{}`, "arn:aws:iam::111122223333:user/u", "iam:ListAccessKeys"},
		{"iam/list-access-keys/u.json", `{"AccessKeyMetadata":[],"IsTruncated":true,"Marker":"x"}`, "arn:aws:iam::111122223333:user/u", "iam:ListAccessKeys"},
	} {
		docs := []doc{{c.path, c.body}}
		for p, b := range list {
			docs = append(docs, doc{p, b})
		}
		s := read(t, "111122223333", "eu-west-1", docs...)
		if got := statusFor(s.assets[c.id], c.op); got != estate.ReadMalformed {
			t.Errorf("%s %s: read is %q, want malformed", c.path, c.body, got)
		}
		said := false
		for _, b := range s.blind {
			said = said || b.Status == estate.ReadMalformed && strings.Contains(b.Why, c.path) && b.Hint != ""
		}
		if !said {
			t.Errorf("%s %s: not said: %+v", c.path, c.body, s.blind)
		}
	}
}

func statusFor(a estate.Asset, op string) estate.ReadStatus {
	var got estate.ReadStatus
	for _, r := range a.Reads {
		if r.Operation == op && r.Status != estate.ReadSkipped {
			got = r.Status
		}
	}
	return got
}

// TestAnEmptySettingMayBeEmpty: the near misses, replies that hold nothing when
// nothing is set.
func TestAnEmptySettingMayBeEmpty(t *testing.T) {
	for path, op := range map[string]string{"s3api/get-bucket-versioning/b.json": "s3:GetBucketVersioning", "s3api/get-bucket-logging/b.json": "s3:GetBucketLogging"} {
		s := read(t, "111122223333", "eu-west-1", doc{"s3api/list-buckets.json", `{"Buckets":[{"Name":"b"}]}`}, doc{path, `{}`})
		if got := statusFor(s.assets["arn:aws:s3:::b"], op); got != estate.ReadOK {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// TestACutListIsSaid: what --max-items leaves out must not go unnoticed.
func TestACutListIsSaid(t *testing.T) {
	for path, body := range map[string]string{
		"ec2/describe-instances.json":   `{"Reservations":[],"NextToken":"eyJ4IjogMX0="}`,
		"iam/list-users.json":           `{"Users":[],"IsTruncated":true,"Marker":"x"}`,
		"lambda/list-functions.json":    `{"Functions":[],"NextMarker":"x"}`,
		"sagemaker/list-endpoints.json": `{"Endpoints":[],"NextToken":"x"}`,
	} {
		s := read(t, "111122223333", "eu-west-1", doc{path, body})
		if len(s.blind) != 1 || s.blind[0].Status != estate.ReadMalformed || !strings.Contains(s.blind[0].Why, "cut") || !strings.Contains(s.blind[0].Hint, "--max-items") || len(s.blind[0].Types) == 0 {
			t.Errorf("%s: %+v", path, s.blind)
		}
		if len(s.covered) != 0 {
			t.Errorf("%s: covered %+v", path, s.covered)
		}
	}
	s := read(t, "111122223333", "eu-west-1", doc{"ec2/describe-instances.json", `{"Reservations":[],"NextToken":""}`})
	if len(s.blind) != 0 || len(s.covered) == 0 {
		t.Errorf("an empty token: %+v %+v", s.blind, s.covered)
	}
}

// TestPoliciesNobodyUsesAreLeftOut: AWS keeps some 1,500 in every account.
func TestPoliciesNobodyUsesAreLeftOut(t *testing.T) {
	const details = `{"UserDetailList":[],"GroupDetailList":[],"RoleDetailList":[],"Policies":[
		{"PolicyName":"Idle","Arn":"arn:aws:iam::aws:policy/Idle","AttachmentCount":0,"PermissionsBoundaryUsageCount":0},
		{"PolicyName":"IdleToo","Arn":"arn:aws:iam::aws:policy/job-function/IdleToo","AttachmentCount":0},
		{"PolicyName":"Used","Arn":"arn:aws:iam::aws:policy/Used","AttachmentCount":2},
		{"PolicyName":"Bound","Arn":"arn:aws:iam::aws:policy/Bound","AttachmentCount":0,"PermissionsBoundaryUsageCount":1},
		{"PolicyName":"Uncounted","Arn":"arn:aws:iam::aws:policy/Uncounted"},
		{"PolicyName":"own","Arn":"arn:aws:iam::111122223333:policy/own","AttachmentCount":0}]}`
	s := read(t, "111122223333", "", doc{"iam/get-account-authorization-details.json", details})
	for id, want := range map[string]bool{
		"arn:aws:iam::aws:policy/Idle": false, "arn:aws:iam::aws:policy/job-function/IdleToo": false, "arn:aws:iam::aws:policy/Used": true,
		"arn:aws:iam::aws:policy/Bound": true, "arn:aws:iam::aws:policy/Uncounted": true, "arn:aws:iam::111122223333:policy/own": true,
	} {
		if _, got := s.assets[id]; got != want {
			t.Errorf("%s: an asset %v, want %v", id, got, want)
		}
	}
}

// TestNoneIsSaidBySomeServices: CloudFront leaves an empty list out and says 0.
func TestNoneIsSaidBySomeServices(t *testing.T) {
	for body, want := range map[string]bool{`{"VpcOriginList":{"Quantity":0}}`: true, `{"VpcOriginList":{"Quantity":1}}`: false, `{"VpcOriginList":{}}`: false, `{}`: false} {
		s := read(t, "111122223333", "", doc{"sts/get-caller-identity.json", `{"Account":"111122223333","Arn":"arn:aws:iam::111122223333:user/u","UserId":"x"}`}, doc{"cloudfront/list-vpc-origins.json", body})
		got := slices.ContainsFunc(s.covered, func(c estate.Coverage) bool { return c.Type == "AWS::CloudFront::VpcOrigin" })
		if got != want {
			t.Errorf("%s: listed %v, want %v", body, got, want)
		}
	}
}
