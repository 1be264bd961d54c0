package exposure

import (
	"encoding/json"
	"testing"

	"github.com/sevenfold-sec/sevenfold/control"
)

func TestFront(t *testing.T) {
	for name, tt := range map[string]struct {
		notes map[string]string
		want  Auth
	}{
		"none":              {nil, No},
		"another":           {map[string]string{"nginx.ingress.kubernetes.io/ssl-redirect": "true"}, No},
		"empty":             {map[string]string{"nginx.ingress.kubernetes.io/auth-url": ""}, No},
		"oauth2-proxy":      {map[string]string{"nginx.ingress.kubernetes.io/auth-url": "https://$host/oauth2/auth"}, Yes},
		"the balancer's":    {map[string]string{"alb.ingress.kubernetes.io/auth-type": "cognito"}, Yes},
		"the balancer's no": {map[string]string{"alb.ingress.kubernetes.io/auth-type": "none"}, No},
		"a middleware":      {map[string]string{"traefik.ingress.kubernetes.io/router.middlewares": "ml-auth@kubernetescrd"}, Unknown},
		"a snippet":         {map[string]string{"nginx.ingress.kubernetes.io/configuration-snippet": "auth_basic x;"}, Unknown},
		"a plug-in":         {map[string]string{"konghq.com/plugins": "oidc"}, Unknown},
	} {
		if got, why := Front(tt.notes); got != tt.want || why == "" {
			t.Errorf("%s: %s (%s), want %s", name, got, why, tt.want)
		}
	}
}

// TestFrontAndControlAgree holds Front to the control that asks the same of
// the ingress before an AI tool.
func TestFrontAndControlAgree(t *testing.T) {
	c := load(t)["k8s-ingress-ai-tool-without-sign-in"]
	if c == nil {
		t.Fatal("no such control")
	}
	n := 0
	for _, group := range []struct {
		cases []control.Case
		want  Auth
	}{{c.Cases.Fail, No}, {c.Cases.Near, Yes}, {c.Cases.Unknown, Unknown}} {
		for _, k := range group.cases {
			if k.File == "internal.json" {
				continue // it asks nobody, and nobody from outside reaches it
			}
			a, err := c.Asset(k)
			if err != nil {
				t.Fatal(err)
			}
			var config map[string]any
			if err := json.Unmarshal(a.Config, &config); err != nil {
				t.Fatal(err)
			}
			if got, why := Front(metadataNotes(config)); got != group.want {
				t.Errorf("%s: %s (%s), want %s", k.File, got, why, group.want)
			}
			n++
		}
	}
	if n < 5 {
		t.Errorf("only %d cases", n)
	}
}
