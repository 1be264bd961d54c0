package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// kept takes a request and refuses it, so that nothing is retried.
type kept struct {
	call wire.Call
	ok   bool
	body string
}

func (k *kept) Do(r *http.Request) (*http.Response, error) {
	b, _ := io.ReadAll(r.Body)
	k.call, k.ok = wire.Identify(r, b)
	return &http.Response{StatusCode: 418, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(k.body))}, nil
}

func clientOf(k *kept) *api.Client {
	return api.New(aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String("http://127.0.0.1:1"),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}, api.Options{HTTP: k, MaxAttempts: 1})
}

// sample gives a parameter of the member's type.
func sample(m api.Member) any {
	switch m.Type {
	case "integer", "float":
		return 1
	case "boolean":
		return true
	case "list":
		e, _ := m.Elem()
		return []any{sample(e)}
	case "map":
		e, _ := m.Elem()
		return map[string]any{"k": sample(e)}
	case "structure":
		out := map[string]any{}
		for _, f := range m.Members() {
			if f.Required {
				out[f.Name] = sample(f)
			}
		}
		return out
	}
	if len(m.Enum) > 0 {
		return m.Enum[0]
	}
	return "x1"
}

// Every operation of the model, sent by the client, is recognised as itself.
// Twins that differ in nothing on the wire are named.
func TestEveryOperationIsRecognised(t *testing.T) {
	twins := map[string]string{}
	k := &kept{}
	c := clientOf(k)
	n := 0
	for _, service := range api.Services() {
		for _, name := range api.Operations(service) {
			op, _ := api.Operation(service, name)
			params := map[string]any{}
			for _, in := range op.Inputs() {
				if in.Required && in.Type != "timestamp" && in.Type != "blob" {
					params[in.Name] = sample(in)
				}
			}
			k.call, k.ok = wire.Call{}, false
			_, err := c.Call(context.Background(), api.Request{Service: service, Operation: name, Params: params})
			var e *api.Error
			if errors.As(err, &e) && e.Cause == api.CauseRequest && e.HTTPStatus == 0 {
				continue // needs a parameter this test does not make
			}
			n++
			if got := k.call.Key(); !k.ok || got != service+":"+name {
				twins[service+":"+name] = got
			}
		}
	}
	if n < 2500 {
		t.Errorf("only %d operations were sent", n)
	}
	for want, got := range twins {
		if !same(want, got) {
			t.Errorf("%s is taken for %s", want, got)
		}
	}
}

// same reports whether two operations have one method, path and query.
func same(a, b string) bool {
	line := func(key string) string {
		service, name, _ := strings.Cut(key, ":")
		op, ok := api.Operation(service, name)
		if !ok {
			return key
		}
		method, uri := op.HTTP()
		return op.SigningName() + method + uri
	}
	return line(a) == line(b)
}

func TestUnsignedAndUnknown(t *testing.T) {
	r := httptest.NewRequest("GET", "/x", nil)
	if c, ok := wire.Identify(r, nil); ok {
		t.Errorf("an unsigned request is %v", c)
	}
	r = httptest.NewRequest("PUT", "/bucket", nil)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=x")
	if c, ok := wire.Identify(r, nil); !ok || c.Service != "s3" || c.Operation != "" || c.Region != "eu-west-1" {
		t.Errorf("a write is %+v, want s3 without an operation", c)
	}
}

// A refusal in any protocol's shape is read back with code and message.
func TestRefusalsAreReadBack(t *testing.T) {
	for _, req := range []api.Request{{Service: "iam", Operation: "ListUsers"}, {Service: "ec2", Operation: "DescribeVpcs"}, {Service: "s3", Operation: "ListBuckets"},
		{Service: "sagemaker", Operation: "ListEndpoints"}, {Service: "lambda", Operation: "ListFunctions"}} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			c, _ := wire.Identify(r, b)
			wire.Refuse(w, c, 0, "AccessDenied", `no "right" & <no> left`)
		}))
		c := api.New(aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(srv.URL), Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}, api.Options{})
		_, err := c.Call(context.Background(), req)
		var e *api.Error
		if !errors.As(err, &e) || e.Code != "AccessDenied" || e.Message != `no "right" & <no> left` || e.Status != estate.ReadDenied || e.RequestID == "" {
			t.Errorf("%s: got %+v", req.Key(), e)
		}
		c.CloseIdle()
		srv.Close()
	}
}
