package network

import (
	"strings"
	"testing"
)

// TestPolicyFile holds that a name from somebody's manifest leads out of no folder, and
// that two clusters do not overwrite one another.
func TestPolicyFile(t *testing.T) {
	tests := []struct {
		policy Policy
		want   string
	}{
		{Policy{Cluster: "default", Namespace: "quay", Name: "sevenfold-llm"}, "quay.sevenfold-llm.yaml"},
		{Policy{Cluster: "prod", Namespace: "quay", Name: "sevenfold-llm"}, "prod.quay.sevenfold-llm.yaml"},
		{Policy{Cluster: "default", Namespace: "../../etc", Name: "cron.d/x; id"}, "etc.cron-d-x--id.yaml"},
	}
	for _, tt := range tests {
		if got := tt.policy.File(); got != tt.want || strings.ContainsAny(got, "/\\ ;") {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
