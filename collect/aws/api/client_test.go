package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// server answers requests in process, and keeps them.
type server struct {
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	answer func(n int, r *http.Request) (*http.Response, error)
}

func (s *server) Do(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	b, _ := io.ReadAll(r.Body)
	s.got, s.bodies = append(s.got, r), append(s.bodies, string(b))
	n := len(s.got)
	s.mu.Unlock()
	return s.answer(n, r)
}

func says(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func always(status int, body string, header ...string) *server {
	return &server{answer: func(int, *http.Request) (*http.Response, error) { return says(status, body, header...), nil }}
}

func newClient(s *server, opt Options) *Client {
	opt.HTTP = s
	return New(aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret-key", "token-token")}, opt)
}

func errorOf(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func TestRequests(t *testing.T) {
	tests := map[string]struct {
		req  Request
		line string // method, URL
		body string
	}{
		"virtual_host": {Request{Service: "s3", Operation: "GetBucketPolicy", Params: map[string]any{"Bucket": "lake"}},
			"GET https://lake.s3.eu-west-1.amazonaws.com/?policy=", ""},
		"dotted_bucket_by_path": {Request{Service: "s3", Operation: "GetBucketPolicy", Params: map[string]any{"Bucket": "log.sink"}},
			"GET https://s3.eu-west-1.amazonaws.com/log.sink?policy=", ""},
		"constant_and_given_query": {Request{Service: "s3", Operation: "ListObjectsV2", Params: map[string]any{"Bucket": "lake", "Prefix": "a b/+", "MaxKeys": 5}},
			"GET https://lake.s3.eu-west-1.amazonaws.com/?list-type=2&max-keys=5&prefix=a%20b%2F%2B", ""},
		"path_is_escaped": {Request{Service: "eks", Operation: "ListTagsForResource", Params: map[string]any{"resourceArn": "arn:aws:eks:x:1:cluster/a b"}},
			"GET https://eks.eu-west-1.amazonaws.com/tags/arn%3Aaws%3Aeks%3Ax%3A1%3Acluster%2Fa%20b", ""},
		"account_before_host": {Request{Service: "s3control", Operation: "GetPublicAccessBlock", Params: map[string]any{"AccountId": "123456789012"}},
			"GET https://123456789012.s3-control.eu-west-1.amazonaws.com/v20180820/configuration/publicAccessBlock", ""},
		"global_service_goes_home": {Request{Service: "iam", Operation: "GetRole", Params: map[string]any{"RoleName": "a/b"}},
			"POST https://iam.amazonaws.com/", "Action=GetRole&RoleName=a%2Fb&Version=2010-05-08"},
		"global_service_in_china": {Request{Service: "iam", Operation: "ListRoles", Region: "cn-northwest-1"},
			"POST https://iam.cn-north-1.amazonaws.com.cn/", "Action=ListRoles&Version=2010-05-08"},
		"ec2_lists": {Request{Service: "ec2", Operation: "DescribeVpcs", Params: map[string]any{"VpcIds": []string{"vpc-1"}, "Filters": []any{map[string]any{"Name": "x", "Values": []string{"1", "2"}}}}},
			"POST https://ec2.eu-west-1.amazonaws.com/", "Action=DescribeVpcs&Filter.1.Name=x&Filter.1.Value.1=1&Filter.1.Value.2=2&Version=2016-11-15&VpcId.1=vpc-1"},
		"query_lists": {Request{Service: "iam", Operation: "GetAccountAuthorizationDetails", Params: map[string]any{"Filter": []string{"Role"}, "MaxItems": 7}},
			"POST https://iam.amazonaws.com/", "Action=GetAccountAuthorizationDetails&Filter.member.1=Role&MaxItems=7&Version=2010-05-08"},
		"json_time": {Request{Service: "sagemaker", Operation: "ListTrainingJobs", Params: map[string]any{"CreationTimeAfter": time.Unix(1700000000, 0), "MaxResults": 3, "StatusEquals": "InProgress"}},
			"POST https://api.sagemaker.eu-west-1.amazonaws.com/", `{"CreationTimeAfter":1700000000,"MaxResults":3,"StatusEquals":"InProgress"}`},
		"json_without_parameters": {Request{Service: "kms", Operation: "ListKeys"}, "POST https://kms.eu-west-1.amazonaws.com/", `{}`},
		"forced_parameter": {Request{Service: "glue", Operation: "GetConnections", Params: map[string]any{"HidePassword": false}},
			"POST https://glue.eu-west-1.amazonaws.com/", `{"HidePassword":true}`},
		"rest_body": {Request{Service: "bedrock-agent", Operation: "ListAgents", Params: map[string]any{"maxResults": 2}},
			"POST https://bedrock-agent.eu-west-1.amazonaws.com/agents/", `{"maxResults":2}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := always(200, `{}`)
			_, _ = newClient(s, Options{}).Call(context.Background(), tt.req)
			if len(s.got) == 0 {
				t.Fatal("nothing was sent")
			}
			got := []string{s.got[0].Method + " " + s.got[0].URL.String(), s.bodies[0]}
			if d := cmp.Diff([]string{tt.line, tt.body}, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if a := s.got[0].Header.Get("Authorization"); !strings.HasPrefix(a, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") {
				t.Errorf("authorization %q", a)
			}
		})
	}
}

func TestRequestsRefused(t *testing.T) {
	tests := map[string]struct {
		req  Request
		says string
	}{
		"unknown_service":   {Request{Service: "mainframe", Operation: "X"}, "not in the read-only model"},
		"write":             {Request{Service: "s3", Operation: "DeleteBucket"}, "no such operation"},
		"secret":            {Request{Service: "secretsmanager", Operation: "GetSecretValue"}, "no such operation"},
		"missing_parameter": {Request{Service: "s3", Operation: "GetBucketPolicy"}, "Bucket is missing"},
		"unknown_parameter": {Request{Service: "kms", Operation: "ListKeys", Params: map[string]any{"Colour": 1}}, "Colour is unknown"},
		"wrong_type":        {Request{Service: "kms", Operation: "ListKeys", Params: map[string]any{"Limit": "ten"}}, "string cannot be a integer"},
		"key_values":        {Request{Service: "apigateway", Operation: "GetApiKeys", Params: map[string]any{"includeValues": true}}, "stored secret"},
		"path_traversal":    {Request{Service: "eks", Operation: "DescribeCluster", Params: map[string]any{"name": ".."}}, "part of the path"},
		"region":            {Request{Service: "kms", Operation: "ListKeys", Region: "evil.example.org/"}, "no region name"},
		"account_label":     {Request{Service: "s3control", Operation: "GetPublicAccessBlock", Params: map[string]any{"AccountId": "a.b/"}}, "host name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := always(200, `{}`)
			_, err := newClient(s, Options{}).Call(context.Background(), tt.req)
			if e := errorOf(t, err); e.Cause != CauseRequest || !strings.Contains(e.Error(), tt.says) {
				t.Errorf("got %v (%s), want …%s…", e, e.Cause, tt.says)
			}
			if len(s.got) != 0 {
				t.Error("a request was sent")
			}
		})
	}
}

func TestBucketInAnotherRegionIsFollowedOnce(t *testing.T) {
	s := &server{answer: func(n int, r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Host, "us-west-2") {
			return says(200, `<V><Status>Enabled</Status></V>`), nil
		}
		return says(301, `<Error><Code>PermanentRedirect</Code></Error>`, "x-amz-bucket-region", "us-west-2"), nil
	}}
	c := newClient(s, Options{})
	for range 2 {
		got, err := c.Call(context.Background(), Request{Service: "s3", Operation: "GetBucketVersioning", Params: map[string]any{"Bucket": "lake"}})
		if err != nil || string(got) != `{"Status":"Enabled"}` {
			t.Fatalf("got %s, %v", got, err)
		}
	}
	if len(s.got) != 3 || !strings.Contains(s.got[2].Header.Get("Authorization"), "/us-west-2/s3/") {
		t.Errorf("%d requests, want 3, the last signed for us-west-2", len(s.got))
	}
}

func TestReplyOverTheBoundIsMalformed(t *testing.T) {
	s := always(200, `{"Keys":[`+strings.Repeat(`{},`, 1000)+`{}]}`)
	_, err := newClient(s, Options{MaxReply: 100}).Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"})
	if e := errorOf(t, err); e.Status != estate.ReadMalformed || !strings.Contains(e.Message, "larger than 100 bytes") {
		t.Errorf("got %v, want malformed: larger than 100 bytes", e)
	}
}

func TestEndpointsGivenByHand(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:4566/base")
	s := always(200, `{}`)
	c := New(aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost:5000"), Credentials: aws.AnonymousCredentials{}}, Options{HTTP: s})
	c.cfg.Credentials = credentials.NewStaticCredentialsProvider("a", "b", "")
	for _, req := range []Request{{Service: "kms", Operation: "ListKeys"}, {Service: "sqs", Operation: "ListQueues"},
		{Service: "s3", Operation: "GetBucketPolicy", Params: map[string]any{"Bucket": "lake"}},
		{Service: "s3control", Operation: "GetPublicAccessBlock", Params: map[string]any{"AccountId": "1"}}} {
		_, _ = c.Call(context.Background(), req)
	}
	var got []string
	for _, r := range s.got {
		got = append(got, r.URL.String())
	}
	want := []string{"http://127.0.0.1:4566/base/", "http://localhost:5000/", "http://localhost:5000/lake?policy=",
		"http://localhost:5000/v20180820/configuration/publicAccessBlock"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestMissingCredentialsSayWhatToDo(t *testing.T) {
	_, err := New(aws.Config{Region: "eu-west-1"}, Options{HTTP: always(200, `{}`)}).Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"})
	if e := errorOf(t, err); e.Cause != CauseCredentials || !strings.Contains(e.Error(), "aws sso login") {
		t.Errorf("got %v, want a hint at aws sso login", e)
	}
}

func TestHomeRegions(t *testing.T) {
	for in, want := range map[[2]string]string{{"iam", "eu-west-1"}: "us-east-1", {"iam", "cn-north-1"}: "cn-north-1", {"organizations", "us-gov-east-1"}: "us-gov-west-1",
		{"sagemaker", "eu-west-1"}: "", {"cloudfront", "eu-west-1"}: "us-east-1", {"route53", "us-west-2"}: "us-east-1"} {
		if got := HomeRegion(in[0], in[1]); got != want {
			t.Errorf("HomeRegion(%s, %s) = %q, want %q", in[0], in[1], got, want)
		}
	}
	for in, want := range map[string]string{"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "xx-new-9": "aws", "us-iso-east-1": "aws-iso", "eu-newtown-7": "aws", "": "aws"} {
		if got := PartitionOf(in).ID; got != want {
			t.Errorf("PartitionOf(%s) = %s, want %s", in, got, want)
		}
	}
}

// BenchmarkCall is a whole call without the network: serialise, sign, decode.
func BenchmarkCall(b *testing.B) {
	body := `{"Endpoints":[` + strings.Repeat(`{"EndpointName":"an-endpoint","CreationTime":1700000000},`, 99) + `{}]}`
	c := newClient(always(200, body), Options{Limits: map[string]Limit{"sagemaker": {PerSecond: 1e9, Burst: 1e6, Concurrent: 4}}})
	s := c.http.(*server)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Call(context.Background(), Request{Service: "sagemaker", Operation: "ListEndpoints"}); err != nil {
			b.Fatal(err)
		}
		s.got, s.bodies = nil, nil
	}
}

// TestNothingIsBelievedOfTheServiceOnly: an object without members is the
// service's own word if it bears a request id, and nobody's otherwise.
func TestNothingIsBelievedOfTheServiceOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		service, operation, body, header string
		want                             string // the reply; empty: malformed
	}{
		"json_from_the_service":      {"sqs", "ListQueues", `{}`, "X-Amzn-Requestid", `{}`},
		"json_from_somebody":         {"sqs", "ListQueues", `{}`, "X-Powered-By", ""},
		"rest_json_from_somebody":    {"lambda", "ListFunctions", ` {} `, "X-Powered-By", ""},
		"rest_xml_from_the_service":  {"s3", "GetBucketVersioning", `<VersioningConfiguration/>`, "X-Amz-Request-Id", `{}`},
		"rest_xml_from_somebody":     {"s3", "GetBucketVersioning", `<VersioningConfiguration/>`, "X-Powered-By", ""},
		"ec2_from_somebody":          {"ec2", "DescribeVpcs", `<DescribeVpcsResponse/>`, "X-Powered-By", ""},
		"what_says_something_speaks": {"sqs", "ListQueues", `{"QueueUrls":[]}`, "X-Powered-By", `{"QueueUrls":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(always(200, tt.body, tt.header, "4711"), Options{})
			req := Request{Service: tt.service, Operation: tt.operation}
			if tt.service == "s3" {
				req.Params = map[string]any{"Bucket": "b"}
			}
			got, err := c.Call(context.Background(), req)
			if tt.want != "" {
				if err != nil || string(got) != tt.want {
					t.Errorf("got %s, %v; want %s", got, err, tt.want)
				}
				return
			}
			if e := errorOf(t, err); e.Status != estate.ReadMalformed {
				t.Errorf("got %v (%s), want malformed", e, e.Status)
			}
		})
	}
}
