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
			breaks: "what the agent does by that tool; it has to be prepared anew, which this does. Aliases go on with the version that they serve: where one has the tool, it does not count as taken",
			grants: []string{"bedrock:GetAgentActionGroup", "bedrock:UpdateAgentActionGroup", "bedrock:PrepareAgent", "bedrock:GetAgent", "bedrock:ListAgentAliases"},
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
			probe: toolServed,
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
	return actionGroupOf(ctx, c, in, "DRAFT")
}

func actionGroupOf(ctx context.Context, c *Client, in Input, version string) (map[string]any, error) {
	r, err := c.rest(ctx, "bedrock-agent", "bedrock", in.region(), "GetAgentActionGroup", http.MethodGet, agentPath(in, "agentversions", url.PathEscape(version), "actiongroups", url.PathEscape(in.With["tool"])), nil)
	if err != nil {
		return nil, err
	}
	g, _ := r["agentActionGroup"].(map[string]any)
	if g == nil {
		return nil, fmt.Errorf("agent %s has no tool %s", in.name(), in.With["tool"])
	}
	return g, nil
}

// maxAliases bounds how many pages of aliases are read; an agent has ten aliases at most, unless
// AWS was asked for more.
const maxAliases = 100

// toolServed is an error where an alias that takes requests serves a version of the agent in
// which the tool is on: versions do not change with the draft.
func toolServed(ctx context.Context, c *Client, in Input) error {
	on := map[string]bool{}
	for next, n := "", 0; ; n++ {
		body := map[string]any{}
		if next != "" {
			body["nextToken"] = next
		}
		r, err := c.rest(ctx, "bedrock-agent", "bedrock", in.region(), "ListAgentAliases", http.MethodPost, agentPath(in, "agentaliases"), body)
		if err != nil {
			return fmt.Errorf("which versions the agent's aliases serve cannot be told: %w", err)
		}
		for _, a := range items(r, "agentAliasSummaries") {
			if text(a, "aliasInvocationState") == "REJECT_INVOCATIONS" {
				continue
			}
			for _, route := range items(a, "routingConfiguration") {
				v := text(route, "agentVersion")
				if v == "" || v == "DRAFT" {
					continue
				}
				if _, known := on[v]; !known {
					g, err := actionGroupOf(ctx, c, in, v)
					if err != nil && !isCode(err, "ResourceNotFound") {
						return fmt.Errorf("whether version %s of the agent has the tool cannot be told: %w", v, err)
					}
					on[v] = err == nil && text(g, "actionGroupState") != "DISABLED"
				}
				if on[v] {
					return fmt.Errorf("alias %s goes on serving version %s of the agent, in which the tool is on: give it a version that was made since, or pause it (UpdateAgentAlias)", text(a, "agentAliasName"), v)
				}
			}
		}
		if next = text(r, "nextToken"); next == "" {
			return nil
		}
		if n == maxAliases {
			return fmt.Errorf("the agent has more aliases than are read (%d pages)", maxAliases)
		}
	}
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
	if _, err = c.rest(ctx, "bedrock-agent", "bedrock", in.region(), "PrepareAgent", http.MethodPost, agentPath(in), nil); err != nil {
		return err
	}
	return until(ctx, func() (bool, string, error) {
		r, err := c.rest(ctx, "bedrock-agent", "bedrock", in.region(), "GetAgent", http.MethodGet, agentPath(in), nil)
		now := text(r, "agent", "agentStatus")
		if err == nil && now == "FAILED" {
			err = fmt.Errorf("the agent could not be prepared: it is %s", now)
		}
		return now == "PREPARED", now, err
	})
}
