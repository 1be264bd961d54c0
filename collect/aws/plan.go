package aws

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
)

// Step is one call of the plan.
type Step struct {
	// Operation as the API spells it, "service:Operation".
	Operation string `json:"operation"`
	// Grants are the IAM actions it needs.
	Grants []string `json:"grants"`
	// Where says in which regions: the regions given, "every enabled region" or
	// "once".
	Where string `json:"where"`
	// Per says how often: "account", "region", or "each TYPE".
	Per string `json:"per"`
	// Type is what it reads.
	Type string `json:"type,omitempty"`
}

// Plan lists the calls a run would make, in order, without making one.
func (c *Collector) Plan() []Step {
	where := "every enabled region"
	if len(c.opts.Regions) > 0 {
		where = strings.Join(c.opts.Regions, ", ")
	}
	out := []Step{
		{Operation: "sts:GetCallerIdentity", Grants: []string{"sts:GetCallerIdentity"}, Where: "once", Per: "account"},
	}
	if len(c.opts.Regions) == 0 {
		out = append(out,
			Step{Operation: "account:ListRegions", Grants: []string{"account:ListRegions"}, Where: "once", Per: "account"},
			Step{Operation: "ec2:DescribeRegions", Grants: []string{"ec2:DescribeRegions"}, Where: "once", Per: "account, if the former is refused"})
	}
	out = append(out, Step{Operation: "ec2:DescribeVpcs", Grants: []string{"ec2:DescribeVpcs"}, Where: where, Per: "region, to see whether it answers"})
	for _, g := range c.groups {
		p := planner{where: where, asks: c.opts.asks}
		if g.global() {
			p.where = "once"
		}
		for i, r := range g.resources {
			p.resource(r, i == 0, "")
		}
		out = append(out, p.steps...)
	}
	if len(c.opts.Services) == 0 {
		out = append(out, Step{Operation: "resourcegroupstaggingapi:GetResources", Grants: []string{"tag:GetResources"}, Where: where, Per: "region"})
	}
	return out
}

// planner walks one group.
type planner struct {
	where string
	asks  func(string) bool
	steps []Step
	seen  []*catalog.Resource
}

// resource adds the calls of a resource and of those below it.
func (p *planner) resource(r *catalog.Resource, list bool, parent string) {
	if slices.Contains(p.seen, r) {
		return
	}
	p.seen = append(p.seen, r)
	per := "region"
	switch {
	case parent != "":
		per = "each " + parent
	case p.where == "once":
		per = "account"
	}
	if r.List != nil && list {
		p.call(r.List, r.Type, per)
	}
	if rows := r.Rows; rows != nil {
		prefix := r.Service().Service + ":"
		for _, op := range []string{rows.Prepare, rows.Op} {
			p.steps = append(p.steps, Step{Operation: prefix + op, Grants: []string{r.Service().ActionPrefix() + ":" + op}, Where: "once", Per: "account", Type: r.Type})
		}
	}
	if !r.Single {
		per = "each " + r.Type
	}
	for _, c := range r.AllCalls() {
		if c.Asked == "" || p.asks(c.Asked) {
			p.call(c, r.Type, per)
		}
	}
	for _, child := range r.Children() {
		p.resource(child, true, r.Type)
	}
}

// call adds one call.
func (p *planner) call(c *catalog.Call, typ, per string) {
	if c.Job != nil {
		p.steps = append(p.steps, Step{Operation: c.ServiceName() + ":" + c.Job.Op, Grants: c.Grants(), Where: p.where, Per: per, Type: typ})
	}
	p.steps = append(p.steps, Step{Operation: c.Operation(), Grants: c.Grants(), Where: p.where, Per: per, Type: typ})
}

// maxPolicy is the most characters a managed policy may have.
const maxPolicy = 6144

// Policy returns the least policy that allows every call of the plan, as JSON
// documents that each fit into one managed policy.
func (c *Collector) Policy() []string {
	var actions []string
	for _, s := range c.Plan() {
		actions = append(actions, s.Grants...)
	}
	slices.Sort(actions)
	actions = slices.Compact(actions)
	var (
		docs  []string
		batch []string
	)
	for _, a := range actions {
		if len(policy(append(batch, a))) > maxPolicy {
			docs = append(docs, policy(batch))
			batch = nil
		}
		batch = append(batch, a)
	}
	return append(docs, policy(batch))
}

// policy writes one document.
func policy(actions []string) string {
	type statement struct {
		Sid      string
		Effect   string
		Action   []string
		Resource string
	}
	doc := struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"SevenfoldRead", "Allow", actions, "*"}}}
	out, err := json.MarshalIndent(doc, "", " ")
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(out)
}
