package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

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
