package assess

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// behindIngress is a model server behind an Ingress that has an address of the internet.
const behindIngress = `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: ml}}
- apiVersion: v1
  kind: Pod
  metadata: {name: nginx, namespace: edge, labels: {app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: controller}}
  spec: {containers: [{name: c, image: registry.k8s.io/ingress-nginx/controller:v1.12.0, ports: [{containerPort: 80}, {containerPort: 443}]}]}
  status: {podIPs: [{ip: 10.244.0.9}], podIP: 10.244.0.9}
- apiVersion: v1
  kind: Service
  metadata: {name: nginx, namespace: edge}
  spec: {type: LoadBalancer, clusterIP: 10.96.0.12, selector: {app.kubernetes.io/name: ingress-nginx}, ports: [{name: a, port: 80, targetPort: 80}, {name: b, port: 443, targetPort: 443}]}
  status: {loadBalancer: {ingress: [{ip: 52.10.0.1}]}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: vllm, namespace: ml, labels: {app: vllm}}
  spec:
    selector: {matchLabels: {app: vllm}}
    template:
      metadata: {labels: {app: vllm}}
      spec:
        containers:
        - {name: vllm, image: "vllm/vllm-openai:v0.6.3", args: [--model, acme/llm, --port, "8000"], ports: [{containerPort: 8000}]}%s
- apiVersion: v1
  kind: Service
  metadata: {name: vllm, namespace: ml}
  spec: {type: ClusterIP, clusterIP: 10.96.0.10, selector: {app: vllm}, ports: [{port: 80, targetPort: 8000}]}
- apiVersion: networking.k8s.io/v1
  kind: IngressClass
  metadata: {name: web}
  spec: {controller: %s}
- apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata: {name: vllm, namespace: ml, annotations: {%s}}
  spec:
    ingressClassName: web
    rules: [{host: llm.acme.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: vllm, port: {number: 80}}}}]}}]
  status: {loadBalancer: {ingress: [{ip: 52.10.0.1}]}}
`

// TestASignInClosesADoor judges the server behind an Ingress as its annotations vary.
func TestASignInClosesADoor(t *testing.T) {
	const nginx, alb = "k8s.io/ingress-nginx", "ingress.k8s.aws/alb"
	tests := map[string]struct {
		controller, notes, beside string
		more                      string
		want                      finding.CriterionStatus
		open                      finding.Outcome // of the finding on the door; "" is none
		reason                    string
	}{
		"nothing asks":                   {nginx, ``, "", "", finding.CriterionFail, finding.Fail, "is open to the internet"},
		"oauth2-proxy":                   {nginx, `nginx.ingress.kubernetes.io/auth-url: "https://$host/oauth2/auth", nginx.ingress.kubernetes.io/auth-signin: "https://$host/oauth2/start"`, "", "", finding.CriterionPass, "", ""},
		"where to sign in, and no check": {nginx, `nginx.ingress.kubernetes.io/auth-signin: "https://$host/oauth2/start"`, "", "", finding.CriterionFail, finding.Fail, ""},
		"the load balancer asks":         {alb, `alb.ingress.kubernetes.io/auth-type: oidc`, "", "", finding.CriterionPass, "", ""},
		"a controller that does not read it": {alb, `nginx.ingress.kubernetes.io/auth-url: "https://$host/oauth2/auth"`, "", "", finding.CriterionUnknown, finding.Unknown,
			"only a controller for nginx reads"},
		"a snippet": {nginx, `nginx.ingress.kubernetes.io/configuration-snippet: "auth_request /auth;"`, "", "", finding.CriterionUnknown, finding.Unknown, "is not read"},
		"a proxy beside it": {nginx, ``, `
        - {name: proxy, image: "quay.io/oauth2-proxy/oauth2-proxy:v7.7.1", ports: [{containerPort: 4180}]}`, "", finding.CriterionFail, finding.Unknown, "is open to the internet"},
		"another door without": {nginx, `nginx.ingress.kubernetes.io/auth-url: "https://$host/oauth2/auth"`, "", `- apiVersion: v1
  kind: Service
  metadata: {name: open, namespace: ml}
  spec: {type: LoadBalancer, clusterIP: 10.96.0.11, selector: {app: vllm}, ports: [{port: 8000, targetPort: 8000, nodePort: 30800}]}
  status: {loadBalancer: {ingress: [{ip: 52.10.0.2}]}}
`, finding.CriterionFail, finding.Fail, "is open to the internet"},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{
				"sevenfold.yaml":             "estate: front\nsources: [\"dir:.\"]\nzones: {serving: {match: 'true'}}\n",
				"cluster/all.yaml":           fmt.Sprintf(behindIngress, tt.beside, tt.controller, tt.notes) + tt.more,
				"cluster/networkpolicy.yaml": "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicyList\nitems: []\n",
			} {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			snap, _, s, _ := networkOf(t, dir)
			r, err := Judge(context.Background(), snap, Options{Scope: s, Controls: builtin.Controls(t), Now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Step: "network"})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, w := range r.Workloads.List {
				for _, c := range r.Criteria[w.ID] {
					if c.ID != "network.exposure" {
						continue
					}
					found = true
					if c.Status != tt.want || !strings.Contains(c.Reason, tt.reason) {
						t.Errorf("%s: %s: %s, want %s: %s\n%+v", w.Name, c.Status, c.Reason, tt.want, tt.reason, c.Evidence)
					}
				}
			}
			if !found {
				t.Fatal("no workload was judged")
			}
			var open finding.Outcome
			for _, f := range r.Findings {
				if f.Control == "network-ai-service-open" {
					open = f.Status
				}
			}
			if open != tt.open {
				t.Errorf("the door is %q, want %q", open, tt.open)
			}
		})
	}
}
