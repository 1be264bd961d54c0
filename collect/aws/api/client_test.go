package api

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
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

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				return says(503, `{}`, "Retry-After", "7"), nil
			}
			return says(200, `{"Keys":[]}`), nil
		}}
		start := time.Now()
		if _, err := newClient(s, Options{}).Call(t.Context(), Request{Service: "kms", Operation: "ListKeys"}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 7*time.Second {
			t.Errorf("waited %v, want 7s", d)
		}
	})
}

func TestThrottlingBacksOffAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		start := time.Now()
		_, err := newClient(s, Options{}).Call(t.Context(), Request{Service: "kms", Operation: "ListKeys"})
		if e := errorOf(t, err); e.Status != estate.ReadThrottled || len(s.got) != 5 {
			t.Errorf("got %v after %d attempts, want throttled after 5", e, len(s.got))
		}
		if d := time.Since(start); d < 1500*time.Millisecond || d > 10*time.Second {
			t.Errorf("five attempts took %v, want between 1.5 and 10 s", d)
		}
	})
}

func TestSilentServiceTimesOutTwiceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, &url.Error{Op: "Post", URL: "https://secret", Err: r.Context().Err()}
		}}
		start := time.Now()
		_, err := newClient(s, Options{}).Call(t.Context(), Request{Service: "kms", Operation: "ListKeys"})
		e := errorOf(t, err)
		if e.Code != "Timeout" || len(s.got) != 2 || time.Since(start) > 45*time.Second {
			t.Errorf("got %v after %d attempts in %v, want a Timeout after 2", e, len(s.got), time.Since(start))
		}
	})
}

func TestCancelDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		s := always(503, `{}`, "Retry-After", "15")
		start := time.Now()
		_, err := newClient(s, Options{}).Call(ctx, Request{Service: "kms", Operation: "ListKeys"})
		if e := errorOf(t, err); e.Cause != CauseCancelled || time.Since(start) != 100*time.Millisecond {
			t.Errorf("got %v after %v, want cancelled after 100ms", e, time.Since(start))
		}
	})
}

func TestNoSuchHostIsAMissingEndpoint(t *testing.T) {
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}}
	}}
	_, err := newClient(s, Options{}).Call(context.Background(), Request{Service: "bedrock", Operation: "ListGuardrails", Region: "af-south-1"})
	if e := errorOf(t, err); e.Cause != CauseNoEndpoint || len(s.got) != 1 {
		t.Errorf("got %v (%s) after %d attempts, want %s after 1", e, e.Cause, len(s.got), CauseNoEndpoint)
	}
}

func TestClockThatIsOffIsCorrected(t *testing.T) {
	real := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if !strings.HasPrefix(r.Header.Get("X-Amz-Date"), "20260501T12") {
			return says(403, `{"__type":"InvalidSignatureException","message":"Signature expired"}`, "Date", real.Format(http.TimeFormat)), nil
		}
		return says(200, `{"Keys":[]}`), nil
	}}
	c := newClient(s, Options{Now: func() time.Time { return real.Add(-3 * time.Hour) }})
	if _, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"}); err != nil || len(s.got) != 2 {
		t.Errorf("got %v after %d attempts, want success after 2", err, len(s.got))
	}
}

func TestReplyOverTheBoundIsMalformed(t *testing.T) {
	s := always(200, `{"Keys":[`+strings.Repeat(`{},`, 1000)+`{}]}`)
	_, err := newClient(s, Options{MaxReply: 100}).Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"})
	if e := errorOf(t, err); e.Status != estate.ReadMalformed || !strings.Contains(e.Message, "larger than 100 bytes") {
		t.Errorf("got %v, want malformed: larger than 100 bytes", e)
	}
}

func TestRegionThatNeverAnswersIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Host, "us-east-1") {
				return says(200, `{"Keys":[]}`), nil
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		c := newClient(s, Options{})
		for _, service := range Services() {
			for _, name := range Operations(service)[:1] {
				_, _ = c.Call(t.Context(), Request{Service: service, Operation: name, Region: "me-south-1"})
			}
		}
		silent := 0
		for _, r := range s.got {
			if strings.Contains(r.URL.Host, "me-south-1") {
				silent++
			}
		}
		if silent > regionDeadAfter+1 {
			t.Errorf("%d requests into a silent region, want at most %d", silent, regionDeadAfter+1)
		}
		if _, err := c.Call(t.Context(), Request{Service: "kms", Operation: "ListKeys", Region: "us-east-1"}); err != nil {
			t.Errorf("another region suffers: %v", err)
		}
	})
}

// Keys that die in mid-run are not a region that was never enabled.
func TestCredentialsThatDieAreNotADisabledRegion(t *testing.T) {
	s := &server{answer: func(n int, _ *http.Request) (*http.Response, error) {
		if n == 1 {
			return says(200, `{"Keys":[]}`), nil
		}
		return says(400, `{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}`), nil
	}}
	c := newClient(s, Options{})
	for _, want := range []Cause{"", CauseCredentials} {
		_, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"})
		if want != "" && errorOf(t, err).Cause != want {
			t.Errorf("got %v (%s), want %s", err, errorOf(t, err).Cause, want)
		}
	}
	_, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys", Region: "ap-east-1"})
	if e := errorOf(t, err); e.Cause != CauseDisabled {
		t.Errorf("elsewhere: got %s, want %s", e.Cause, CauseDisabled)
	}
}

// Expired credentials that can be renewed are, once.
func TestExpiredCredentialsAreRenewedOnce(t *testing.T) {
	renewals := 0
	cache := aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		renewals++
		return aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "s", SessionToken: "old" + strings.Repeat("x", renewals)}, nil
	}))
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if r.Header.Get("X-Amz-Security-Token") == "oldx" {
			return says(400, `{"__type":"ExpiredTokenException","message":"expired"}`), nil
		}
		return says(200, `{"Keys":[]}`), nil
	}}
	c := New(aws.Config{Region: "eu-west-1", Credentials: cache}, Options{HTTP: s})
	if _, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"}); err != nil || renewals != 2 {
		t.Errorf("got %v after %d renewals, want success after 2", err, renewals)
	}
}

// A service that a region lacks says nothing about the region.
func TestMissingHostsDoNotKillARegion(t *testing.T) {
	s := &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Host, "kms.") {
			return says(200, `{"Keys":[]}`), nil
		}
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}}
	c := newClient(s, Options{})
	for range 2 * regionDeadAfter {
		_, _ = c.Call(context.Background(), Request{Service: "bedrock", Operation: "ListGuardrails"})
	}
	if _, err := c.Call(context.Background(), Request{Service: "kms", Operation: "ListKeys"}); err != nil {
		t.Error(err)
	}
}

func TestPages(t *testing.T) {
	pages := map[string]string{"": `{"Endpoints":[{"EndpointName":"a"}],"NextToken":"2"}`, "2": `{"Endpoints":[{"EndpointName":"b"}],"NextToken":"3"}`, "3": `{"Endpoints":[]}`}
	s := &server{}
	s.answer = func(n int, _ *http.Request) (*http.Response, error) {
		for token, reply := range pages {
			if (token == "" && s.bodies[n-1] == `{}`) || (token != "" && strings.Contains(s.bodies[n-1], `"`+token+`"`)) {
				return says(200, reply), nil
			}
		}
		return says(400, `{}`), nil
	}
	c := newClient(s, Options{})
	params := map[string]any{}
	n := 0
	for _, err := range c.Pages(context.Background(), Request{Service: "sagemaker", Operation: "ListEndpoints", Params: params}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 3 || len(params) != 0 {
		t.Errorf("%d pages, caller's parameters %v; want 3 and untouched", n, params)
	}
	for range c.Pages(context.Background(), Request{Service: "sagemaker", Operation: "ListEndpoints"}) {
		break // stopping early must not call again
	}
	if len(s.got) != 4 {
		t.Errorf("%d calls, want 4", len(s.got))
	}
}

func TestPageNotFoundIsNotAbsence(t *testing.T) {
	s := always(404, "<!doctype html><title>404 Not Found</title>")
	_, err := newClient(s, Options{}).Call(context.Background(), Request{Service: "lambda", Operation: "ListFunctions"})
	if e := errorOf(t, err); e.Cause != CauseUnsupported || e.Status != estate.ReadFailed || len(s.got) != 1 {
		t.Errorf("got %v (%s) after %d attempts, want %s after 1", e, e.Cause, len(s.got), CauseUnsupported)
	}
}

func TestRepeatedTokenEnds(t *testing.T) {
	s := always(200, `{"Endpoints":[],"NextToken":"again"}`)
	n, last := 0, error(nil)
	for _, err := range newClient(s, Options{}).Pages(context.Background(), Request{Service: "sagemaker", Operation: "ListEndpoints"}) {
		n++
		last = err
	}
	if e := errorOf(t, last); e.Status != estate.ReadMalformed || len(s.got) != 2 || n != 3 {
		t.Errorf("got %v after %d calls, want malformed after 2", e, len(s.got))
	}
}

func TestTokensOfEveryShape(t *testing.T) {
	tests := map[string]struct {
		service, op, reply string
		want               []string
	}{
		"two_tokens":        {"s3", "ListObjectVersions", `{"IsTruncated":true,"NextKeyMarker":"k","NextVersionIdMarker":"v"}`, []string{"k", "v"}},
		"said_to_be_all":    {"s3", "ListObjectVersions", `{"IsTruncated":false,"NextKeyMarker":"k"}`, nil},
		"nested":            {"cloudfront", "ListDistributions", `{"DistributionList":{"IsTruncated":true,"NextMarker":"m"}}`, []string{"m"}},
		"last_of_a_list":    {"s3", "ListObjects", `{"IsTruncated":true,"Contents":[{"Key":"a"},{"Key":"z"}]}`, []string{"z"}},
		"alternative_first": {"s3", "ListObjects", `{"IsTruncated":true,"NextMarker":"n","Contents":[{"Key":"z"}]}`, []string{"n"}},
		"none":              {"sts", "GetCallerIdentity", `{"Account":"1"}`, nil},
		"by_convention":     {"bedrock-agentcore-control", "ListGateways", `{"items":[],"nextToken":"t"}`, []string{"t"}},
		"empty_token":       {"sagemaker", "ListEndpoints", `{"NextToken":""}`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			op, _ := Operation(tt.service, tt.op)
			p, _ := op.Pager()
			got, joined := p.next([]byte(tt.reply))
			if joined == "" {
				got = nil
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
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
