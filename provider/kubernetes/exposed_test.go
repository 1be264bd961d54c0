package kubernetes

import (
	"encoding/json"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestExposed(t *testing.T) {
	for _, tt := range []struct {
		typ, config string
		want        bool
	}{
		{"v1/Service", `{"spec":{"type":"LoadBalancer"}}`, true},
		{"v1/Service", `{"spec":{"type":"LoadBalancer","loadBalancerSourceRanges":["10.0.0.0/8"]}}`, false},
		{"v1/Service", `{"spec":{"type":"LoadBalancer","loadBalancerSourceRanges":["10.0.0.0/8","0.0.0.0/0"]}}`, true},
		{"v1/Service", `{"metadata":{"annotations":{"service.beta.kubernetes.io/aws-load-balancer-internal":"true"}},"spec":{"type":"LoadBalancer"}}`, false},
		{"v1/Service", `{"metadata":{"annotations":{"service.beta.kubernetes.io/aws-load-balancer-internal":"false"}},"spec":{"type":"LoadBalancer"}}`, true},
		{"v1/Service", `{"spec":{"type":"ClusterIP"}}`, false},
		{"v1/Service", `{}`, false},
		{"v1/Service", `{"spec":{"type":1}}`, false},
		{"networking.k8s.io/v1/Ingress", `{"spec":{}}`, true},
		{"networking.k8s.io/v1/Ingress", `{"metadata":{"annotations":{"alb.ingress.kubernetes.io/scheme":"internal"}}}`, false},
		{"gateway.networking.k8s.io/v1/Gateway", `{}`, true},
		{"apps/v1/Deployment", `{"spec":{"type":"LoadBalancer"}}`, false},
		{"serving.knative.dev/v1/Service", `{"spec":{"type":"LoadBalancer"}}`, false},
	} {
		if got := Exposed(&estate.Asset{Type: tt.typ}, json.RawMessage(tt.config)); (got != "") != tt.want {
			t.Errorf("%s %s: %q", tt.typ, tt.config, got)
		}
	}
}
