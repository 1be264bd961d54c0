package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (c *Client) ec2(ctx context.Context, in Input, operation string, params map[string]string) (map[string]any, error) {
	return c.query(ctx, "ec2", in.region(), "2016-11-15", operation, params)
}

func computeActions() []*Action {
	rules := []string{"ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups"}
	return []*Action{
		{id: "aws.ec2.isolate-instance", title: "put all interfaces of an instance into an isolation group", target: "AWS::EC2::Instance", params: map[string]string{"group": "id of a security group that lets nothing through but the responders"},
			breaks: "every connection to and from the instance; connections open now may go on until they idle", grants: []string{"ec2:DescribeNetworkInterfaces", "ec2:DescribeInstances", "ec2:ModifyNetworkInterfaceAttribute"}, resource: func(Input) string { return "*" },
			read: interfaces, set: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				groups := map[string]any{}
				for eni := range groupsOf(prior) {
					groups[eni] = []any{in.With["group"]}
				}
				return setGroups(ctx, c, in, groups)
			},
			holds: func(in Input, now, _ json.RawMessage) bool {
				all := groupsOf(now)
				for _, g := range all {
					if l, _ := g.([]any); len(l) != 1 || l[0] != in.With["group"] {
						return false
					}
				}
				return len(all) > 0
			},
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setGroups(ctx, c, in, groupsOf(prior))
			}},
		groupRules("aws.ec2.close-egress", "take all outgoing rules from a security group", true, append(rules, "ec2:RevokeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupEgress")),
		groupRules("aws.ec2.close-ingress", "take all incoming rules from a security group", false, append(rules, "ec2:RevokeSecurityGroupIngress", "ec2:AuthorizeSecurityGroupIngress")),
		{id: "aws.lambda.stop-function", title: "let a function run no more", target: "AWS::Lambda::Function", breaks: "every caller of the function gets throttled",
			grants: []string{"lambda:GetFunctionConcurrency", "lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"}, read: concurrency,
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return setConcurrency(ctx, c, in, "0")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "reserved") == "0" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setConcurrency(ctx, c, in, text(state(prior), "reserved"))
			}},
		{id: "aws.events.disable-rule", title: "disable a rule or schedule, so that it starts nothing", target: "AWS::Events::Rule", breaks: "pipelines and deployments that the rule starts: the freeze of CI",
			grants: []string{"events:DescribeRule", "events:DisableRule", "events:EnableRule"},
			read: func(ctx context.Context, c *Client, in Input) (any, error) {
				r, err := c.json(ctx, "events", in.region(), "AWSEvents", "DescribeRule", ruleName(in))
				if err != nil {
					return nil, err
				}
				return map[string]any{"state": text(r, "State")}, nil
			},
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return rule(ctx, c, in, "DisableRule")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "state") == "DISABLED" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				if text(state(prior), "state") == "DISABLED" {
					return rule(ctx, c, in, "DisableRule")
				}
				return rule(ctx, c, in, "EnableRule")
			}},
		{id: "aws.glue.stop-trigger", title: "stop a trigger, so that it starts no job", target: "AWS::Glue::Trigger", breaks: "the jobs that prepare data by that trigger",
			grants: []string{"glue:GetTrigger", "glue:StopTrigger", "glue:StartTrigger"},
			read: func(ctx context.Context, c *Client, in Input) (any, error) {
				r, err := c.json(ctx, "glue", in.region(), "AWSGlue", "GetTrigger", map[string]any{"Name": in.name()})
				if err != nil {
					return nil, err
				}
				return map[string]any{"state": text(r, "Trigger", "State")}, nil
			},
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return trigger(ctx, c, in, "StopTrigger")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool {
				return slices.Contains([]string{"DEACTIVATED", "CREATED"}, text(state(now), "state"))
			},
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				if s := text(state(prior), "state"); s == "DEACTIVATED" || s == "CREATED" {
					return nil
				}
				return trigger(ctx, c, in, "StartTrigger")
			}},
		{id: "aws.ecs.scale-to-zero", title: "run no task of a service", target: "AWS::ECS::Service", breaks: "whoever calls the service", grants: []string{"ecs:DescribeServices", "ecs:UpdateService"},
			read: desired, set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return setDesired(ctx, c, in, "0")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "desired") == "0" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setDesired(ctx, c, in, text(state(prior), "desired"))
			}},
	}
}

func interfaces(ctx context.Context, c *Client, in Input) (any, error) {
	r, err := c.ec2(ctx, in, "DescribeNetworkInterfaces", map[string]string{"Filter.1.Name": "attachment.instance-id", "Filter.1.Value.1": in.name()})
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, n := range items(r, "networkInterfaceSet") {
		var ids []string
		for _, g := range items(n, "groupSet") {
			ids = append(ids, text(g, "groupId"))
		}
		slices.Sort(ids)
		out[text(n, "networkInterfaceId")] = ids
	}
	if len(out) == 0 {
		return nil, c.exists(ctx, in, "DescribeInstances", map[string]string{"InstanceId.1": in.name()}, fmt.Errorf("instance %s has no interface", in.name()))
	}
	return map[string]any{"groups": out}, nil
}

func groupsOf(raw json.RawMessage) map[string]any {
	g, _ := state(raw)["groups"].(map[string]any)
	return g
}

func setGroups(ctx context.Context, c *Client, in Input, groups map[string]any) error {
	var errs []error // one interface that is gone keeps no other as it is
	for _, eni := range slices.Sorted(maps.Keys(groups)) {
		p := map[string]string{"NetworkInterfaceId": eni}
		l, _ := groups[eni].([]any)
		for i, g := range l {
			p["SecurityGroupId."+strconv.Itoa(i+1)] = fmt.Sprint(g)
		}
		if _, err := c.ec2(ctx, in, "ModifyNetworkInterfaceAttribute", p); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// permission is one rule of a group as the API tells and takes it.
type permission struct {
	Protocol    string `json:"protocol"`
	From        string `json:"from,omitempty"`
	To          string `json:"to,omitempty"`
	IPv4        string `json:"ipv4,omitempty"`
	IPv6        string `json:"ipv6,omitempty"`
	PrefixList  string `json:"prefixList,omitempty"`
	Group       string `json:"group,omitempty"`
	GroupOwner  string `json:"groupOwner,omitempty"`
	Description string `json:"description,omitempty"`
}

func (p permission) form(i int) map[string]string {
	k := fmt.Sprintf("IpPermissions.%d.", i)
	out := map[string]string{k + "IpProtocol": p.Protocol}
	if p.From != "" {
		out[k+"FromPort"], out[k+"ToPort"] = p.From, p.To
	}
	put := func(set, member, v string) string {
		out[k+set+".1."+member] = v
		if p.Description != "" {
			out[k+set+".1.Description"] = p.Description
		}
		return ""
	}
	switch {
	case p.IPv4 != "":
		put("IpRanges", "CidrIp", p.IPv4)
	case p.IPv6 != "":
		put("Ipv6Ranges", "CidrIpv6", p.IPv6)
	case p.PrefixList != "":
		put("PrefixListIds", "PrefixListId", p.PrefixList)
	case p.Group != "":
		put("Groups", "GroupId", p.Group)
		if p.GroupOwner != "" {
			out[k+"Groups.1.UserId"] = p.GroupOwner
		}
	}
	return out
}

// groupRules is an action that empties one direction of a security group.
func groupRules(id, title string, egress bool, grants []string) *Action {
	direction := map[bool]string{true: "Egress", false: "Ingress"}[egress]
	read := func(ctx context.Context, c *Client, in Input) ([]permission, error) {
		var out []permission
		found := false
		for next := ""; ; {
			p := map[string]string{"Filter.1.Name": "group-id", "Filter.1.Value.1": in.name()}
			if next != "" {
				p["NextToken"] = next
			}
			r, err := c.ec2(ctx, in, "DescribeSecurityGroupRules", p)
			if err != nil {
				return nil, err
			}
			for _, m := range items(r, "securityGroupRuleSet") {
				found = true
				if strings.EqualFold(text(m, "isEgress"), "true") != egress {
					continue
				}
				q := permission{Protocol: text(m, "ipProtocol"), IPv4: text(m, "cidrIpv4"), IPv6: text(m, "cidrIpv6"), PrefixList: text(m, "prefixListId"),
					Group: text(m, "referencedGroupInfo", "groupId"), GroupOwner: text(m, "referencedGroupInfo", "userId"), Description: text(m, "description")}
				if q.Protocol != "-1" {
					q.From, q.To = text(m, "fromPort"), text(m, "toPort")
				}
				out = append(out, q)
			}
			if next = text(r, "nextToken"); next == "" {
				break
			}
		}
		if !found { // a group without rules, or none: one that is gone lets nothing through, and is contained by nobody
			if err := c.exists(ctx, in, "DescribeSecurityGroups", map[string]string{"GroupId.1": in.name()}, nil); err != nil {
				return nil, err
			}
		}
		slices.SortFunc(out, func(a, b permission) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return out, nil
	}
	change := func(ctx context.Context, c *Client, in Input, operation string, rules []permission) error {
		if len(rules) == 0 {
			return nil
		}
		p := map[string]string{"GroupId": in.name()}
		for i, r := range rules {
			maps.Copy(p, r.form(i+1))
		}
		_, err := c.ec2(ctx, in, operation+"SecurityGroup"+direction, p)
		return err
	}
	return &Action{id: id, title: title, target: "AWS::EC2::SecurityGroup", breaks: "every connection that the rules let through, for all members of the group", grants: grants, resource: func(Input) string { return "*" },
		read: func(ctx context.Context, c *Client, in Input) (any, error) {
			rules, err := read(ctx, c, in)
			if rules == nil {
				rules = []permission{}
			}
			return map[string]any{"rules": rules}, err
		},
		set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
			rules, err := read(ctx, c, in)
			if err != nil {
				return err
			}
			return change(ctx, c, in, "Revoke", rules)
		},
		holds: func(_ Input, now, _ json.RawMessage) bool {
			l, ok := state(now)["rules"].([]any)
			return ok && len(l) == 0
		},
		put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
			var had struct{ Rules []permission }
			if err := json.Unmarshal(prior, &had); err != nil {
				return err
			}
			now, err := read(ctx, c, in)
			if err != nil {
				return err
			}
			return change(ctx, c, in, "Authorize", slices.DeleteFunc(had.Rules, func(r permission) bool { return slices.Contains(now, r) }))
		}}
}

func functionPath(in Input, what string) string {
	_, _, _, r := in.arn()
	return "/" + what + "/functions/" + url.PathEscape(strings.TrimPrefix(r, "function:")) + "/concurrency"
}

func concurrency(ctx context.Context, c *Client, in Input) (any, error) {
	r, err := c.rest(ctx, "lambda", "", in.region(), "GetFunctionConcurrency", http.MethodGet, functionPath(in, "2019-09-30"), nil)
	if err != nil {
		return nil, err
	}
	return map[string]any{"reserved": text(r, "ReservedConcurrentExecutions")}, nil
}

func setConcurrency(ctx context.Context, c *Client, in Input, n string) error {
	method, operation, body := http.MethodPut, "PutFunctionConcurrency", any(map[string]any{"ReservedConcurrentExecutions": json.Number(n)})
	if n == "" {
		method, operation, body = http.MethodDelete, "DeleteFunctionConcurrency", nil
	}
	_, err := c.rest(ctx, "lambda", "", in.region(), operation, method, functionPath(in, "2017-10-31"), body)
	return err
}

// ruleName names a rule and, where it is not the default one, its bus.
func ruleName(in Input) map[string]any {
	_, _, _, r := in.arn()
	p := strings.Split(strings.TrimPrefix(r, "rule/"), "/")
	out := map[string]any{"Name": p[len(p)-1]}
	if len(p) > 1 {
		out["EventBusName"] = strings.Join(p[:len(p)-1], "/")
	}
	return out
}

func rule(ctx context.Context, c *Client, in Input, operation string) error {
	_, err := c.json(ctx, "events", in.region(), "AWSEvents", operation, ruleName(in))
	return err
}

func trigger(ctx context.Context, c *Client, in Input, operation string) error {
	_, err := c.json(ctx, "glue", in.region(), "AWSGlue", operation, map[string]any{"Name": in.name()})
	return err
}

func serviceOf(in Input) (cluster, service string) {
	_, _, _, r := in.arn()
	p := strings.Split(r, "/")
	if len(p) == 3 {
		return p[1], p[2]
	}
	return "default", p[len(p)-1]
}

func desired(ctx context.Context, c *Client, in Input) (any, error) {
	cluster, service := serviceOf(in)
	r, err := c.json(ctx, "ecs", in.region(), "AmazonEC2ContainerServiceV20141113", "DescribeServices", map[string]any{"cluster": cluster, "services": []string{service}})
	if err != nil {
		return nil, err
	}
	for _, s := range items(r, "services") {
		if text(s, "status") == "INACTIVE" { // deleted services are told for a while, with no task wanted
			return nil, removed("ecs", "DescribeServices", fmt.Sprintf("service %s of cluster %s was deleted", service, cluster))
		}
		return map[string]any{"desired": json.Number(text(s, "desiredCount"))}, nil
	}
	for _, f := range items(r, "failures") {
		if text(f, "reason") == "MISSING" {
			return nil, removed("ecs", "DescribeServices", fmt.Sprintf("cluster %s has no service %s", cluster, service))
		}
	}
	return nil, fmt.Errorf("of service %s of cluster %s nothing is told", service, cluster)
}

func setDesired(ctx context.Context, c *Client, in Input, n string) error {
	cluster, service := serviceOf(in)
	_, err := c.json(ctx, "ecs", in.region(), "AmazonEC2ContainerServiceV20141113", "UpdateService", map[string]any{"cluster": cluster, "service": service, "desiredCount": json.Number(n)})
	return err
}
