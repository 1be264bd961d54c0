package assess

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
)

// planOf writes a plan of one resource, as a provider without any account in
// its configuration has it, and returns its path.
func planOf(t *testing.T, address string, before, after, unknown map[string]any) string {
	t.Helper()
	typ, name, _ := strings.Cut(address, ".")
	actions := []string{"update"}
	switch {
	case before == nil:
		actions = []string{"create"}
	case after == nil:
		actions = []string{"delete"}
	}
	text, err := json.Marshal(map[string]any{"format_version": "1.2", "terraform_version": "1.11.4", "planned_values": map[string]any{"root_module": map[string]any{}},
		"resource_changes": []any{map[string]any{"address": address, "mode": "managed", "type": typ, "name": name, "provider_name": "registry.terraform.io/hashicorp/aws",
			"change": map[string]any{"actions": actions, "before": before, "after": after, "after_unknown": unknown}}},
		"configuration": map[string]any{"root_module": map[string]any{}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A plan that says nothing of accounts is laid over what the estate knows, and
// what it opens there is refused, not left open.
func TestAPlanThatOpensIsRefused(t *testing.T) {
	type m = map[string]any
	everything := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	base, o := harbour(t).Seen, harbourOptions(t)
	for name, tt := range map[string]struct {
		address                string
		before, after, unknown m
		want                   gate.Word
		control                string
	}{
		"a port": {"aws_vpc_security_group_ingress_rule.o", nil,
			m{"security_group_id": "sg-0b22000000000021", "cidr_ipv4": "0.0.0.0/0", "from_port": 8888, "to_port": 8888, "ip_protocol": "tcp"}, m{"id": true}, gate.Refuse, "security-group-ai-port-open"},
		"all ports": {"aws_security_group_rule.o", nil,
			m{"security_group_id": "sg-0b22000000000021", "type": "ingress", "cidr_blocks": []any{"0.0.0.0/0"}, "from_port": 0, "to_port": 65535, "protocol": "tcp"}, m{"id": true}, gate.Refuse, "security-group-open-to-world"},
		"a port to nobody knows whom": {"aws_vpc_security_group_ingress_rule.o", nil,
			m{"security_group_id": "sg-0b22000000000021", "from_port": 8888, "to_port": 8888, "ip_protocol": "tcp"}, m{"id": true, "cidr_ipv4": true}, gate.Unclear, ""},
		"a port within": {"aws_vpc_security_group_ingress_rule.o", nil,
			m{"security_group_id": "sg-0b22000000000021", "cidr_ipv4": "10.0.0.0/8", "from_port": 443, "to_port": 443, "ip_protocol": "tcp"}, m{"id": true}, gate.Admit, ""},
		"an administrator": {"aws_iam_role_policy_attachment.a", nil,
			m{"role": "eta-serving", "policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}, m{"id": true}, gate.Refuse, "iam-policy-everything"},
		"an administrator inline": {"aws_iam_role_policy.a", nil,
			m{"role": "eta-serving", "name": "all", "policy": everything}, m{"id": true}, gate.Refuse, "iam-policy-everything"},
		"a policy nobody knows": {"aws_iam_role_policy.a", nil,
			m{"role": "eta-serving", "name": "all"}, m{"id": true, "policy": true}, gate.Unclear, ""},
		"less":   {"aws_iam_role_policy_attachment.a", m{"role": "eta-serving", "policy_arn": "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess", "id": "x"}, nil, nil, gate.Admit, ""},
		"beside": {"aws_sqs_queue.q", nil, m{"name": "mail"}, m{"arn": true, "id": true, "url": true}, gate.Admit, ""},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			path := planOf(t, tt.address, tt.before, tt.after, tt.unknown)
			p, err := ReadPlan(path, []byte("test"))
			if err != nil {
				t.Fatal(err)
			}
			if p, err = PlaceOver(p, path, []byte("test"), base); err != nil {
				t.Fatal(err)
			}
			d, err := GatePlan(context.Background(), base, p, o, Certificates{}, certificate.Trust{})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, r := range d.Reasons {
				text += r.Text + "\n"
			}
			if d.Decision != tt.want || !strings.Contains(text, tt.control) {
				t.Errorf("got %s %s, want %s %s", d.Decision, text, tt.want, tt.control)
			}
		})
	}
}
