package assess

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/gate/plan"
	providerAWS "github.com/sevenfold-sec/sevenfold/provider/aws"
)

// GatePlan lays a plan over an estate (nil: none is known), judges both and
// decides. trusted are the keys certificates must be signed with.
func GatePlan(ctx context.Context, base *estate.Snapshot, p *terraform.Plan, o Options, kept Certificates, trusted []ed25519.PublicKey) (gate.Decision, error) {
	laid, err := Lay(ctx, base, p)
	if err != nil {
		return gate.Decision{}, err
	}
	before, err := Judge(ctx, laid.Before, o)
	if err != nil {
		return gate.Decision{}, err
	}
	after, err := Judge(ctx, laid.After, o)
	if err != nil {
		return gate.Decision{}, err
	}
	check := certificate.Check{Trusted: trusted, Now: o.Now, Approvers: o.Scope.Gate.Approvers}
	if kept.Store != nil {
		seen, err := kept.Seen(ctx)
		if err != nil {
			return gate.Decision{}, err
		}
		check.Seen = func(workload string) int64 { return seen[workload] }
	}
	var failed error
	d, err := plan.Decide(plan.Input{
		Before: before.side(), After: after.side(), Changes: planChanges(p), Scale: plannedScale(p),
		ForLearning: forLearning, Known: base != nil, FailOn: o.Scope.Gate.FailOn,
		Certified: func(w finding.Workload) (bool, int, string) {
			limit, why, err := certified(ctx, before.Snapshot, w, kept, check)
			if err != nil {
				failed = err
			}
			return err == nil && why == "", limit, why
		},
	})
	if failed != nil {
		return gate.Decision{}, failed
	}
	return d, err
}

// plannedScale is Scale for the assets of a plan: what a plan has no word for at
// all (the variants an endpoint runs at the moment) it does not change, so that
// no growth can hang on it.
func plannedScale(p *terraform.Plan) func(*estate.Asset, json.RawMessage) (estate.Scale, error) {
	return func(a *estate.Asset, config json.RawMessage) (estate.Scale, error) {
		if unsaid := p.Unsaid[a.ID]; len(unsaid) > 0 {
			said := *a
			said.Unknown = slices.DeleteFunc(slices.Clone(a.Unknown), func(u string) bool { return slices.Contains(unsaid, u) })
			a = &said
		}
		return Scale(a, config)
	}
}

// forLearning says why a capacity is for machine learning, whatever it belongs
// to.
func forLearning(a *estate.Asset, c estate.Capacity) string {
	if strings.HasPrefix(a.Type, "AWS::SageMaker::") || strings.HasPrefix(a.Type, "AWS::Bedrock") {
		return "a " + a.Type + " is for machine learning"
	}
	if a.Cloud == estate.AWS {
		for _, typ := range strings.FieldsFunc(c.Size, func(r rune) bool { return r == ',' || r == ' ' }) {
			if why := providerAWS.Accelerated(typ); why != "" {
				return why
			}
		}
	}
	return ""
}

func (r *Result) side() plan.Side {
	return plan.Side{Snapshot: r.Snapshot, Workloads: r.Workloads, Criteria: r.Criteria, Findings: r.Findings}
}

// certified says how far the state's certificate of a workload, as it stands in
// a snapshot, lets it grow, or why it does not count.
func certified(ctx context.Context, snap *estate.Snapshot, w finding.Workload, kept Certificates, check certificate.Check) (limit int, why string, err error) {
	mend := "; sevenfold gate certify " + w.Name + " --out FILE"
	if kept.Store == nil {
		return 0, "there is no state that keeps one" + mend, nil
	}
	file, err := kept.Of(ctx, w.ID)
	if err != nil {
		return 0, "", err
	}
	if file == nil {
		return 0, "it has none" + mend, nil
	}
	check.Workload = w.ID
	s, reasons := certificate.Verify(file, check)
	if len(reasons) > 0 {
		return 0, reasons[0].Text, nil
	}
	members, err := Members(snap, w)
	if err != nil {
		return 0, "", err
	}
	if changed := differing(s.Members(), members); len(changed) > 0 {
		return 0, fmt.Sprintf("it changed since it was certified (%s)%s", strings.Join(changed[:min(3, len(changed))], ", "), mend), nil
	}
	return s.Predicate.Scale.Limit, "", nil
}

// differing lists the ids of which two maps of digests do not say the same.
func differing(a, b map[string]string) []string {
	out := map[string]bool{}
	for id, digest := range a {
		out[id] = b[id] != digest
	}
	for id, digest := range b {
		out[id] = out[id] || a[id] != digest
	}
	maps.DeleteFunc(out, func(_ string, differs bool) bool { return !differs })
	return slices.Sorted(maps.Keys(out))
}

// planChanges are the changes of a plan, those that change nothing marked.
func planChanges(p *terraform.Plan) []plan.Change {
	var out []plan.Change
	for _, c := range p.Changes {
		if c.Mode == "data" {
			continue
		}
		pc := plan.Change{Address: c.Address, Before: idsOf(c.Before), After: idsOf(c.After), Idle: !c.Acts("create") && !c.Acts("update") && !c.Acts("delete")}
		if c.Unconverted != "" && !c.Harmless && (c.Acts("create") || c.Acts("update")) && concerns(c.Type) {
			pc.Opaque = c.Unconverted + "; look at it by hand, or assess the estate after apply"
		}
		out = append(out, pc)
	}
	return out
}

func idsOf(assets []estate.Asset) []string {
	out := make([]string, len(assets))
	for i := range assets {
		out[i] = assets[i].ID
	}
	return out
}

// concerning are words in the names of resource types that an AI workload may
// be made of, run as, lie in or be reached through. A type without any of them
// (a DNS record, a monitor, a budget) holds no plan back for being unknown.
var concerning = wordSet(`access account agent ai aiplatform api appautoscaling apprunner asg athena autopilot autoscaler autoscaling batch
	bedrock bedrockagent bedrockagentcore bigquery binding bucket cloud cluster cognitive composer compute comprehend connection container
	container2 data database databricks dataflow dataproc db deployment dynamodb ebs ec2 ecr ecs efs eks elasticache emr endpoint eni firewall fleet
	flow fsx function gateway gke glue grant group helm iam identity image instance job kendra key keyvault kinesis kms kubectl kubernetes
	lambda launch lb lex link load machine manifest memorydb ml model msk mwaa neptune network node nodegroup notebook openai opensearch
	opensearchserverless organizations peering permission pipeline pod policy pool principal private q qbusiness queue ram rds redshift registry rekognition
	release role route run s3 s3tables s3vectors sagemaker scaling search secret secretsmanager security server serverless service set sfn share sns spot sqs ssm
	storage store subnet table task template transcribe transit translate user vertex virtual vm vpc vpclattice waf wafv2 workspace`)

func wordSet(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

func concerns(typ string) bool {
	parts := strings.Split(typ, "_")
	return slices.ContainsFunc(parts[1:], func(w string) bool { return concerning[w] }) || len(parts) == 1
}
