package access

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// trailEvent is an event of CloudTrail's as a trail delivers it.
func trailEvent(source, name, request string, more ...string) string {
	out := `{"eventVersion":"1.11","eventTime":"2026-11-20T10:00:00Z","eventID":"e-1","eventSource":"` + source + `.amazonaws.com","eventName":"` + name +
		`","awsRegion":"eu-west-1","recipientAccountId":"123456789012","readOnly":false,"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::123456789012:assumed-role/train/s",` +
		`"sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::123456789012:role/ml/train"},"attributes":{"mfaAuthenticated":"false"}}},"requestParameters":` + request
	for _, m := range more {
		out += "," + m
	}
	return out + "}"
}

func usesOf(t *testing.T, text string) []Use {
	t.Helper()
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r.uses()
}

// What a call is to IAM, and on what it was, is told from the event: names that
// differ, several resources, roles that are passed, and what the log does not tell.
func TestUses(t *testing.T) {
	type call struct {
		Action    string
		Resources []string
		Untold    bool
		Derived   bool
	}
	const sm = "arn:aws:sagemaker:eu-west-1:123456789012:"
	tests := map[string]struct {
		event string
		want  []call
	}{
		"object":          {trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a/b.csv"}`, `"resources":[{"ARN":"arn:aws:s3:::lake/a/b.csv"},{"ARN":"arn:aws:s3:::lake"}]`), []call{{"s3:GetObject", []string{"arn:aws:s3:::lake/a/b.csv"}, false, false}}},
		"object, by name": {trailEvent("s3", "HeadObject", `{"bucketName":"lake","key":"a/b.csv"}`), []call{{"s3:GetObject", []string{"arn:aws:s3:::lake/a/b.csv"}, false, false}}},
		"version":         {trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a","versionId":"v1"}`), []call{{"s3:GetObjectVersion", []string{"arn:aws:s3:::lake/a"}, false, false}}},
		"list":            {trailEvent("s3", "ListObjectsV2", `{"bucketName":"lake"}`), []call{{"s3:ListBucket", []string{"arn:aws:s3:::lake"}, false, false}}},
		"lifecycle":       {trailEvent("s3", "PutBucketLifecycle", `{"bucketName":"lake"}`), []call{{"s3:PutLifecycleConfiguration", []string{"arn:aws:s3:::lake"}, false, false}}},
		"copy": {trailEvent("s3", "CopyObject", `{"bucketName":"lake","key":"b","x-amz-copy-source":"raw/a"}`),
			[]call{{"s3:PutObject", []string{"arn:aws:s3:::lake/b"}, false, false}, {"s3:GetObject", []string{"arn:aws:s3:::raw/a"}, false, true}}},
		"job, and the role it is given": {trailEvent("sagemaker", "CreateTrainingJob", `{"trainingJobName":"j","roleArn":"arn:aws:iam::123456789012:role/run"}`),
			[]call{{"sagemaker:CreateTrainingJob", []string{sm + "training-job/j"}, false, false}, {"iam:PassRole", []string{"arn:aws:iam::123456789012:role/run"}, false, true}}},
		"job with tags": {trailEvent("sagemaker", "CreateModel", `{"modelName":"m","tags":[{"key":"a","value":"b"}]}`),
			[]call{{"sagemaker:CreateModel", []string{sm + "model/m"}, false, false}, {"sagemaker:AddTags", []string{sm + "model/m"}, false, true}}},
		"invoke, dated":       {trailEvent("lambda", "Invoke20150331", `{"functionName":"f"}`), []call{{"lambda:InvokeFunction", []string{"arn:aws:lambda:eu-west-1:123456789012:function:f"}, false, false}}},
		"function, dated":     {trailEvent("lambda", "GetFunction20150331v2", `{"functionName":"f"}`), []call{{"lambda:GetFunction", []string{"arn:aws:lambda:eu-west-1:123456789012:function:f"}, false, false}}},
		"another prefix":      {trailEvent("monitoring", "PutMetricData", `{"namespace":"n"}`), []call{{"cloudwatch:PutMetricData", []string{"*"}, true, false}}},
		"converse":            {trailEvent("bedrock", "Converse", `{"modelId":"arn:aws:bedrock:eu-west-1::foundation-model/m"}`), []call{{"bedrock:InvokeModel", []string{"arn:aws:bedrock:eu-west-1::foundation-model/m"}, false, false}}},
		"model by its id":     {trailEvent("bedrock", "InvokeModel", `{"modelId":"anthropic.claude-3"}`), []call{{"bedrock:InvokeModel", []string{"arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3"}, false, false}}},
		"profile by its id":   {trailEvent("bedrock", "InvokeModel", `{"modelId":"eu.anthropic.claude-3"}`), []call{{"bedrock:InvokeModel", []string{"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-3"}, true, false}}},
		"table of Glue":       {trailEvent("glue", "GetTable", `{"databaseName":"d","name":"t"}`), []call{{"glue:GetTable", []string{"arn:aws:glue:eu-west-1:123456789012:catalog", "arn:aws:glue:eu-west-1:123456789012:database/d", "arn:aws:glue:eu-west-1:123456789012:table/d/t"}, false, false}}},
		"no resource at all":  {trailEvent("ec2", "DescribeInstances", `{}`), []call{{"ec2:DescribeInstances", []string{"*"}, false, false}}},
		"resource not told":   {trailEvent("sagemaker", "DescribeEndpoint", `null`), []call{{"sagemaker:DescribeEndpoint", []string{"*"}, true, false}}},
		"by its alias":        {trailEvent("kms", "Decrypt", `{"keyId":"alias/x"}`, `"resources":[{"ARN":"arn:aws:kms:eu-west-1:123456789012:key/1"}]`), []call{{"kms:Decrypt", []string{"arn:aws:kms:eu-west-1:123456789012:key/1"}, false, false}}},
		"role by name":        {trailEvent("iam", "AttachRolePolicy", `{"roleName":"r","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`), []call{{"iam:AttachRolePolicy", []string{"arn:aws:iam::123456789012:role/r"}, false, false}}},
		"wildcards are names": {trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a*"}`), []call{{"s3:GetObject", []string{"*"}, true, false}}},
		"no known action":     {trailEvent("signin", "ConsoleLogin", `null`), []call{{"", []string{"*"}, true, false}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []call
			for _, u := range usesOf(t, tt.event) {
				got = append(got, call{u.Action, u.Resources, u.Untold, u.Derived})
				if u.Principal != "arn:aws:iam::123456789012:role/ml/train" || u.Session != "s" {
					t.Errorf("by %s, session %s", u.Principal, u.Session)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Every action that the tables name is one that is known, so that no slip in them
// goes unseen; and every data-plane pattern names some.
func TestTablesNameActions(t *testing.T) {
	for from, to := range renamed {
		if _, ok := reference.Lookup(cutAction(to)); !ok {
			t.Errorf("%s is said to be %s, which nobody knows", from, to)
		}
	}
	for from, to := range withVersion {
		for _, name := range []string{from, to} {
			if _, ok := reference.Lookup(cutAction(name)); !ok {
				t.Errorf("nobody knows %s", name)
			}
		}
	}
	for _, p := range planes {
		for _, name := range p.names {
			if len(reference.Expand(p.service+":"+name)) == 0 {
				t.Errorf("nobody knows %s:%s", p.service, name)
			}
		}
	}
	for label, service := range sources {
		if _, ok := reference.FindService(service); !ok {
			t.Errorf("%s is said to be %s, which is no service", label, service)
		}
	}
	for call := range grants {
		if _, ok := reference.Lookup(cutAction(call)); !ok {
			t.Errorf("nobody knows %s", call)
		}
	}
	for call := range trials {
		if _, ok := reference.Lookup(cutAction(call)); !ok {
			t.Errorf("nobody knows %s", call)
		}
	}
}

// The context holds what the event tells and nothing that it does not.
func TestUseContext(t *testing.T) {
	tests := map[string]struct {
		more []string
		want map[string][]string
	}{
		"from outside": {[]string{`"sourceIPAddress":"192.0.2.1"`, `"tlsDetails":{"tlsVersion":"TLSv1.3"}`, `"userAgent":"Boto3"`},
			map[string][]string{"aws:SourceIp": {"192.0.2.1"}, "aws:SecureTransport": {"true"}, "aws:UserAgent": {"Boto3"}, "aws:ViaAWSService": {"false"}}},
		"through an endpoint": {[]string{`"sourceIPAddress":"10.0.0.1"`, `"vpcEndpointId":"vpce-1"`},
			map[string][]string{"aws:SourceIp": {}, "aws:VpcSourceIp": {"10.0.0.1"}, "aws:SourceVpce": {"vpce-1"}, "aws:ViaAWSService": {"false"}}},
		"by a service": {[]string{`"sourceIPAddress":"sagemaker.amazonaws.com"`, `"userAgent":"sagemaker.amazonaws.com"`}, map[string][]string{}},
		"by AWS":       {[]string{`"sourceIPAddress":"AWS Internal"`}, map[string][]string{}},
	}
	for name, tt := range tests {
		tt.want["aws:RequestedRegion"] = []string{"eu-west-1"}
		tt.want["aws:MultiFactorAuthPresent"] = []string{"false"}
		got := usesOf(t, trailEvent("s3", "ListBuckets", "null", tt.more...))[0].Context
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestRefused(t *testing.T) {
	for code, want := range map[string]bool{"": false, "AccessDenied": true, "Client.UnauthorizedOperation": true, "AccessDeniedException": true, "ThrottlingException": false, "NoSuchKey": false, "403": true, "404": false, "ValidationException": false} {
		if got := (&Use{Error: code}).Refused(); got != want {
			t.Errorf("%q: %v", code, got)
		}
	}
}

// A refused call is no use of a grant, a call that failed for another reason is.
func TestRefusedIsNoUse(t *testing.T) {
	u := NewUsage(time.Time{}, time.Time{})
	for _, e := range []string{
		trailEvent("s3", "DeleteBucket", `{"bucketName":"lake"}`, `"errorCode":"AccessDenied"`),
		trailEvent("s3", "GetBucketPolicy", `{"bucketName":"lake"}`, `"errorCode":"NoSuchBucketPolicy"`),
	} {
		if err := u.Read([]byte(e), ""); err != nil {
			t.Fatal(err)
		}
	}
	c := u.by[principalKey("arn:aws:iam::123456789012:role/train")]
	if got := ordered(c.actions); !slices.Equal(got, []string{"s3:GetBucketPolicy"}) || c.refused["s3:DeleteBucket"] != 1 {
		t.Errorf("used %v, refused %v", got, c.refused)
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}`: "neither CloudTrail's", `{"eventName":1}`: "eventName", `{"eventName":"X","eventSource":"s3.amazonaws.com"}`: "eventTime",
		`{"auditID":"a","verb":"get"}`: "requestReceivedTimestamp", `[`: "unexpected end",
	} {
		if err := NewUsage(time.Time{}, time.Time{}).Read([]byte(text), "c"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", text, err, want)
		}
	}
}

// FuzzUsageRead holds that no event, however odd, breaks the reader, and that what is
// counted as a use has an action that is known.
func FuzzUsageRead(f *testing.F) {
	f.Add([]byte(trailEvent("s3", "GetObject", `{"bucketName":"lake","key":"a"}`)))
	f.Add([]byte(trailEvent("sagemaker", "CreateTrainingJob", `{"trainingJobName":"j","roleArn":"arn:aws:iam::123456789012:role/run","tags":[{}]}`)))
	f.Add([]byte(trailEvent("iam", "CreateAccessKey", `null`, `"responseElements":{"accessKey":{"userName":"u","accessKeyId":"AKIA"}}`)))
	f.Add([]byte(`{"auditID":"a","stage":"ResponseComplete","verb":"create","user":{"username":"u"},"objectRef":{"resource":"rolebindings","apiGroup":"rbac.authorization.k8s.io","namespace":"n","name":"b"},"requestReceivedTimestamp":"2026-11-20T10:00:00Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		u := NewUsage(time.Time{}, time.Time{})
		if err := u.Read(text, "c"); err != nil {
			return
		}
		for _, c := range u.by {
			for action := range c.actions {
				if strings.HasPrefix(action, "k8s:") {
					continue
				}
				if _, ok := reference.Lookup(cutAction(action)); !ok {
					t.Errorf("%s is no action that is known", action)
				}
			}
		}
		u.Sort()
	})
}
