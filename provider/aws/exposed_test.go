package aws

import (
	"encoding/json"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestExposed(t *testing.T) {
	for config, want := range map[string]bool{`{"Scheme":"internet-facing"}`: true, `{"Scheme":"internal"}`: false, `{}`: false, `{"Scheme":["internet-facing"]}`: false, `[`: false} {
		a := &estate.Asset{Type: "AWS::ElasticLoadBalancingV2::LoadBalancer"}
		if got := Exposed(a, json.RawMessage(config)) != ""; got != want {
			t.Errorf("%s: %v", config, got)
		}
	}
	if MayBeExposed("AWS::S3::Bucket") || Exposed(&estate.Asset{Type: "AWS::S3::Bucket"}, json.RawMessage(`{"Scheme":"internet-facing"}`)) != "" {
		t.Error("a bucket has no scheme")
	}
}
