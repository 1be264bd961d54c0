package faultproxy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"go.uber.org/goleak"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

func TestMain(m *testing.M) {
	code := m.Run()
	moto.StopShared()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const token = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"

func setUp(t *testing.T, opt api.Options) (*faultproxy.Proxy, *api.Client) {
	t.Helper()
	p := faultproxy.New(faultproxy.To(moto.Shared(t).URL))
	url := faultproxy.Serve(t, p)
	if opt.Backoff == 0 {
		opt.Backoff = time.Millisecond
	}
	c := api.New(aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLEEXAMPLE", "very-secret-key", token)}, opt)
	t.Cleanup(c.CloseIdle)
	return p, c
}

// protocols has one harmless list of each protocol.
var protocols = []api.Request{
	{Service: "iam", Operation: "ListUsers"},
	{Service: "ec2", Operation: "DescribeVpcs"},
	{Service: "s3", Operation: "ListBuckets"},
	{Service: "route53", Operation: "ListHostedZones"},
	{Service: "sagemaker", Operation: "ListEndpoints"},
	{Service: "lambda", Operation: "ListFunctions"},
}

func TestFaultsAreToldApartInEveryProtocol(t *testing.T) {
	tests := []struct {
		fault  faultproxy.Fault
		cause  api.Cause
		status estate.ReadStatus
		says   string
		calls  int // attempts out of 3
	}{
		{faultproxy.Denied, api.CauseDenied, estate.ReadDenied, "is not authorized to perform", 1},
		{faultproxy.DeniedBySCP, api.CausePolicyDeny, estate.ReadDenied, "denied by SCP", 1},
		{faultproxy.Throttled, api.CauseThrottled, estate.ReadThrottled, "", 3},
		{faultproxy.Expired, api.CauseCredentials, estate.ReadFailed, "expired", 1},
		{faultproxy.RegionDisabled, api.CauseCredentials, estate.ReadFailed, "invalid", 1},
		{faultproxy.ServerError, api.CauseServer, estate.ReadFailed, "InternalFailure", 3},
		{faultproxy.Malformed, api.CauseMalformed, estate.ReadMalformed, "Malformed", 1},
		{faultproxy.HTML, api.CauseMalformed, estate.ReadMalformed, "HTML", 1},
		{faultproxy.Empty, api.CauseMalformed, estate.ReadMalformed, "", 1},
		{faultproxy.Truncated, api.CauseMalformed, estate.ReadMalformed, "cut short", 3},
		{faultproxy.Reset, api.CauseUnreachable, estate.ReadFailed, "ConnectionFailed", 3},
	}
	for _, tt := range tests {
		p, c := setUp(t, api.Options{MaxAttempts: 3})
		for _, req := range protocols {
			t.Run(strings.ReplaceAll(string(tt.fault), " ", "_")+"_"+req.Service, func(t *testing.T) {
				p.Set(faultproxy.Rule{Service: req.Service, Fault: tt.fault})
				p.Forget()
				reply, err := c.Call(context.Background(), req)
				var e *api.Error
				if !errors.As(err, &e) {
					t.Fatalf("reply %s, error %v; want an *api.Error", reply, err)
				}
				if e.Cause != tt.cause || e.Status != tt.status || !strings.Contains(e.Error(), tt.says) {
					t.Errorf("got cause %q, status %q, text %q; want %q, %q, …%s…", e.Cause, e.Status, e, tt.cause, tt.status, tt.says)
				}
				if got := len(p.Calls()); got != tt.calls {
					t.Errorf("%d calls, want %d", got, tt.calls)
				}
				wantGrant := ""
				if tt.status == estate.ReadDenied {
					wantGrant = api.Grant(req.Service, req.Operation)
				}
				if e.Grant != wantGrant {
					t.Errorf("grant %q, want %q", e.Grant, wantGrant)
				}
			})
		}
	}
}

func TestRegionThatRefusesGoodCredentialsIsDisabled(t *testing.T) {
	p, c := setUp(t, api.Options{})
	p.Set(faultproxy.Rule{Region: "ap-east-1", Fault: faultproxy.RegionDisabled})
	ctx := context.Background()
	if _, err := c.Call(ctx, api.Request{Service: "sagemaker", Operation: "ListEndpoints"}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Call(ctx, api.Request{Service: "sagemaker", Operation: "ListEndpoints", Region: "ap-east-1"})
	var e *api.Error
	if !errors.As(err, &e) || e.Cause != api.CauseDisabled || e.Region != "ap-east-1" {
		t.Errorf("got %v, want cause %q in ap-east-1", err, api.CauseDisabled)
	}
}

func TestPassingFaultsAreOutlived(t *testing.T) {
	for _, f := range []faultproxy.Fault{faultproxy.Throttled, faultproxy.ServerError, faultproxy.Truncated, faultproxy.Reset} {
		t.Run(strings.ReplaceAll(string(f), " ", "_"), func(t *testing.T) {
			p, c := setUp(t, api.Options{})
			p.Set(faultproxy.Rule{Service: "iam", Times: 2, Fault: f})
			if _, err := c.Call(context.Background(), protocols[0]); err != nil {
				t.Fatal(err)
			}
			if got := p.Count()["iam:ListUsers"]; got != 3 {
				t.Errorf("%d calls, want 3", got)
			}
			if s := c.Stats()["iam:ListUsers"]; s.Calls != 3 || s.Errors != 0 || s.Bytes == 0 {
				t.Errorf("stats %+v, want 3 calls, no error and some bytes", s)
			}
		})
	}
}

func TestSilentRegionEnds(t *testing.T) {
	p := faultproxy.New(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>`))
	}), faultproxy.Rule{Region: "me-south-1", Fault: faultproxy.Silent})
	c := api.New(aws.Config{BaseEndpoint: aws.String(faultproxy.Serve(t, p)), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")},
		api.Options{AttemptTimeout: 250 * time.Millisecond, Backoff: time.Millisecond})
	t.Cleanup(c.CloseIdle)
	var last error
	for range 10 {
		_, last = c.Call(context.Background(), api.Request{Service: "ec2", Operation: "DescribeVpcs", Region: "me-south-1"})
		var e *api.Error
		if !errors.As(last, &e) || e.Cause != api.CauseUnreachable || e.Status != estate.ReadFailed {
			t.Fatalf("got %v, want cause %q", last, api.CauseUnreachable)
		}
	}
	if n := len(p.Calls()); n > 4 {
		t.Errorf("a region that never answers was asked %d times, want at most 4", n)
	}
	if !strings.Contains(last.Error(), "never answered") {
		t.Errorf("last error %q does not say that it was not asked again", last)
	}
	if _, err := c.Call(context.Background(), api.Request{Service: "ec2", Operation: "DescribeVpcs", Region: "eu-west-1"}); err != nil {
		t.Errorf("another region suffers: %v", err)
	}
}

func TestCancelEndsAtOnce(t *testing.T) {
	p, c := setUp(t, api.Options{})
	p.Set(faultproxy.Rule{Fault: faultproxy.Silent})
	ctx, cancel := context.WithCancel(context.Background())
	opened := make(chan struct{})
	go func() {
		<-opened
		cancel()
	}()
	go func() {
		for len(p.Calls()) == 0 {
			time.Sleep(time.Millisecond) // the proxy has no hook to wait on
		}
		close(opened)
	}()
	_, err := c.Call(ctx, protocols[0])
	var e *api.Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &e) || e.Cause != api.CauseCancelled {
		t.Errorf("got %v, want context.Canceled with cause %q", err, api.CauseCancelled)
	}
	if n := len(p.Calls()); n != 1 {
		t.Errorf("%d calls after a cancel, want 1", n)
	}
}

func TestWrongTypedMemberIsNamed(t *testing.T) {
	tests := []struct {
		req    api.Request
		member string
		path   string
	}{
		{api.Request{Service: "sagemaker", Operation: "ListEndpoints"}, "Endpoints", "Endpoints: "},
		{api.Request{Service: "lambda", Operation: "ListFunctions"}, "Functions", "Functions: "},
		{api.Request{Service: "ec2", Operation: "DescribeVpcs"}, "isDefault", "Vpcs[0].IsDefault: "},
		{api.Request{Service: "iam", Operation: "ListUsers"}, "IsTruncated", "IsTruncated: "},
	}
	p, c := setUp(t, api.Options{})
	for _, tt := range tests {
		p.Set(faultproxy.Rule{Fault: faultproxy.WrongMember, Member: tt.member})
		_, err := c.Call(context.Background(), tt.req)
		var e *api.Error
		if !errors.As(err, &e) || e.Status != estate.ReadMalformed || !strings.HasPrefix(e.Message, tt.path) {
			t.Errorf("%s: got %v, want malformed at %q", tt.req.Key(), err, tt.path)
		}
	}
}

func TestRulesChooseByResourceAndCount(t *testing.T) {
	p, c := setUp(t, api.Options{})
	p.Set(faultproxy.Rule{Service: "s3", Operation: "GetBucketPolicy", Resource: "closed", Fault: faultproxy.Denied},
		faultproxy.Rule{Service: "iam", After: 1, Times: 1, Fault: faultproxy.Denied})
	ctx := context.Background()
	code := func(req api.Request) string {
		_, err := c.Call(ctx, req)
		var e *api.Error
		if errors.As(err, &e) {
			return e.Code
		}
		return ""
	}
	bucket := func(name string) api.Request {
		return api.Request{Service: "s3", Operation: "GetBucketPolicy", Params: map[string]any{"Bucket": name}}
	}
	got := []string{code(bucket("closed")), code(bucket("open")), code(protocols[0]), code(protocols[0]), code(protocols[0])}
	want := []string{"AccessDenied", "NoSuchBucket", "", "AccessDenied", ""}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("call %d: code %q, want %q", i, got[i], want[i])
		}
	}
	if n := p.Count()["s3:GetBucketPolicy"]; n != 2 {
		t.Errorf("counted %d calls of GetBucketPolicy, want 2", n)
	}
}

func TestNoErrorTextHoldsCredentials(t *testing.T) {
	leak := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"__type":"SignatureDoesNotMatch","message":"no match for very-secret-key of AKIAEXAMPLEEXAMPLE.\n\nThe Canonical String for this request should have been 'x-amz-security-token:` + token + `'"}`))
	})
	c := api.New(aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(faultproxy.Serve(t, leak)),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLEEXAMPLE", "very-secret-key", token)}, api.Options{})
	t.Cleanup(c.CloseIdle)
	_, err := c.Call(context.Background(), api.Request{Service: "kms", Operation: "ListKeys"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, secret := range []string{"very-secret-key", "AKIAEXAMPLEEXAMPLE", token} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error text holds %q: %s", secret, err)
		}
	}
}

// unsigned requests are not AWS calls: they pass and are not counted.
func TestUnsignedRequestsPass(t *testing.T) {
	p, _ := setUp(t, api.Options{})
	p.Set(faultproxy.Rule{Fault: faultproxy.Denied})
	resp, err := http.Get(faultproxy.Serve(t, p) + "/moto-api/data.json")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || len(p.Calls()) != 0 {
		t.Errorf("status %d, %d calls; want 200 and none", resp.StatusCode, len(p.Calls()))
	}
}
