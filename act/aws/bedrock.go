package aws

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

func bedrockActions() []*Action {
	return []*Action{
		{id: "aws.bedrock-agent.disable-tool", title: "take a tool from an agent", target: "AWS::Bedrock::Agent", params: map[string]string{"tool": "id of the action group"},
			breaks: "what the agent does by that tool; it has to be prepared anew, which this does", grants: []string{"bedrock:GetAgentActionGroup", "bedrock:UpdateAgentActionGroup", "bedrock:PrepareAgent"},
			read: func(ctx context.Context, c *Client, in Input) (any, error) {
				r, err := actionGroup(ctx, c, in)
				if err != nil {
					return nil, err
				}
				return map[string]any{"state": text(r, "actionGroupState")}, nil
			},
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return setTool(ctx, c, in, "DISABLED")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "state") == "DISABLED" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setTool(ctx, c, in, text(state(prior), "state"))
			}},
		{id: "aws.bedrock.restore-guardrail", title: "give a guardrail's working draft what an earlier version says", target: "AWS::Bedrock::Guardrail", params: map[string]string{"version": "number of the version that was good"},
			breaks: "requests that the weakened guardrail let through are blocked again", grants: []string{"bedrock:GetGuardrail", "bedrock:UpdateGuardrail"},
			read: func(ctx context.Context, c *Client, in Input) (any, error) {
				draft, err := guardrail(ctx, c, in, "DRAFT")
				if err != nil {
					return nil, err
				}
				good, err := guardrail(ctx, c, in, in.With["version"])
				if err != nil {
					return nil, &besides{"the version to go back to", err}
				}
				return map[string]any{"draft": draft, "good": good}, nil
			},
			set: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setGuardrail(ctx, c, in, state(prior)["good"])
			},
			holds: func(_ Input, now, prior json.RawMessage) bool {
				a, err1 := canonical(state(now)["draft"])
				b, err2 := canonical(state(prior)["good"])
				return err1 == nil && err2 == nil && string(a) == string(b)
			},
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setGuardrail(ctx, c, in, state(prior)["draft"])
			}},
	}
}

// guardrail reads a version as UpdateGuardrail takes it: replies spell a policy's
// filtersConfig as filters.
func guardrail(ctx context.Context, c *Client, in Input, version string) (map[string]any, error) {
	r, err := c.restQuery(ctx, "bedrock", in.region(), "GetGuardrail", "/guardrails/"+url.PathEscape(in.name()), sub("guardrailVersion="+version))
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, k := range []string{"name", "description", "blockedInputMessaging", "blockedOutputsMessaging"} {
		if r[k] != nil {
			out[k] = r[k]
		}
	}
	if key := text(r, "kmsKeyArn"); key != "" {
		out["kmsKeyId"] = key
	}
	for k, v := range r {
		policy, ok := v.(map[string]any)
		if !ok || !strings.HasSuffix(k, "Policy") {
			continue
		}
		config := map[string]any{}
		for m, w := range policy {
			if k != "automatedReasoningPolicy" {
				m += "Config"
			}
			config[m] = w
		}
		out[k+"Config"] = config
	}
	return out, nil
}

func setGuardrail(ctx context.Context, c *Client, in Input, config any) error {
	_, err := c.rest(ctx, "bedrock", "", in.region(), "UpdateGuardrail", http.MethodPut, "/guardrails/"+url.PathEscape(in.name()), config)
	if err != nil {
		return err
	}
	return until(ctx, func() (bool, string, error) {
		r, err := c.restQuery(ctx, "bedrock", in.region(), "GetGuardrail", "/guardrails/"+url.PathEscape(in.name()), nil)
		now := text(r, "status")
		if now == "FAILED" {
			err = fmt.Errorf("the guardrail is %s", now)
		}
		return now == "READY", now, err
	})
}

func agentPath(in Input, more ...string) string {
	p := "/agents/" + url.PathEscape(in.name())
	for _, m := range more {
		p += "/" + m
	}
	return p + "/"
}

func actionGroup(ctx context.Context, c *Client, in Input) (map[string]any, error) {
	r, err := c.rest(ctx, "bedrock-agent", "bedrock", in.region(), "GetAgentActionGroup", http.MethodGet, agentPath(in, "agentversions", "DRAFT", "actiongroups", url.PathEscape(in.With["tool"])), nil)
	if err != nil {
		return nil, err
	}
	g, _ := r["agentActionGroup"].(map[string]any)
	if g == nil {
		return nil, fmt.Errorf("agent %s has no tool %s", in.name(), in.With["tool"])
	}
	return g, nil
}

// setTool writes the action group as it is but for its state: UpdateAgentActionGroup
// replaces the whole.
func setTool(ctx context.Context, c *Client, in Input, to string) error {
	g, err := actionGroup(ctx, c, in)
	if err != nil {
		return err
	}
	body := map[string]any{"actionGroupName": g["actionGroupName"], "actionGroupState": to}
	for _, k := range []string{"description", "actionGroupExecutor", "apiSchema", "functionSchema", "parentActionSignature"} {
		if v, ok := g[k]; ok && v != nil {
			body[strings.Replace(k, "parentActionSignature", "parentActionGroupSignature", 1)] = v
		}
	}
	if _, err := c.rest(ctx, "bedrock-agent", "bedrock", in.region(), "UpdateAgentActionGroup", http.MethodPut, agentPath(in, "agentversions", "DRAFT", "actiongroups", url.PathEscape(in.With["tool"])), body); err != nil {
		return err
	}
	_, err = c.rest(ctx, "bedrock-agent", "bedrock", in.region(), "PrepareAgent", http.MethodPost, agentPath(in), nil)
	return err
}
