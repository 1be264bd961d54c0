package assess

import (
	"bytes"
	"context"
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
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// GatePlan lays a plan over an estate (nil: none is known), judges both and
// decides. trusted are those whose certificates count.
func GatePlan(ctx context.Context, base *estate.Snapshot, p *terraform.Plan, o Options, kept Certificates, trusted certificate.Trust) (gate.Decision, error) {
	laid, err := Lay(ctx, base, p)
	if err != nil {
		return gate.Decision{}, err
	}
	o.Plain = true
	o.recorded = newRecorded(kept.Store, o.Program)
	o.recorded.base = base
	before, after, _, err := bothSides(ctx, laid, o)
	if err != nil {
		return gate.Decision{}, err
	}
	return decided(ctx, base != nil, p, o, before, after, kept, trusted)
}

// bothSides judges an estate before and after a plan. Where both are one, they are
// judged once; else what controls answered before is taken over as far as it stands.
func bothSides(ctx context.Context, laid *Planned, o Options) (before, after *Result, recall *audit.Recall, err error) {
	if laid.After != laid.Before {
		recall = &audit.Recall{}
		o.Recall = recall
	}
	if before, err = Judge(ctx, laid.Before, o); err != nil || recall == nil {
		return before, before, recall, err
	}
	before.Overview, before.Scenarios = nil, nil // nobody asks for them, and the other side needs the room
	after, err = Judge(ctx, laid.After, o)
	return before, after, recall, err
}

// decided is the gate's word on a plan whose sides were judged. known says that an
// estate was read.
func decided(ctx context.Context, known bool, p *terraform.Plan, o Options, before, after *Result, kept Certificates, trusted certificate.Trust) (gate.Decision, error) {
	check, err := checkOf(ctx, o, kept, trusted)
	if err != nil {
		return gate.Decision{}, err
	}
	prior := byID(p.Before)
	unknown, err := untold(p, before, after)
	if err != nil {
		return gate.Decision{}, err
	}
	var failed error
	d, err := plan.Decide(plan.Input{
		Before: before.side(), After: after.side(), Changes: slices.Concat(planChanges(p), planHoles(p), unknown), Scale: plannedScale(p),
		Prior:       func(id string) *estate.Asset { return prior[id] },
		ForLearning: forLearning, Known: known, FailOn: o.Scope.Gate.FailOn,
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

// checkOf is what the state's certificates are held against.
func checkOf(ctx context.Context, o Options, kept Certificates, trusted certificate.Trust) (certificate.Check, error) {
	check := certificate.Check{Trusted: trusted, Now: o.Now, Approvers: o.Scope.Gate.Approvers, Estate: o.Scope.Estate}
	if kept.Store == nil {
		return check, nil
	}
	seen, err := kept.Seen(ctx)
	if err != nil {
		return check, err
	}
	revoked, err := kept.Revocations(ctx)
	check.Seen, check.Revoked = func(workload string) int64 { return seen[workload] }, revoked.Why
	return check, err
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
		s, err := Scale(a, config)
		if err == nil && a.Cloud == estate.Kubernetes {
			s.Capacities = append(s.Capacities, providerKubernetes.Planned(a, config)...)
		}
		return s, err
	}
}

// untold are the objects of a plan whose kind nobody here knows and that look as
// if they grew: those with devices whatever they belong to, others where they
// belong to a workload. What the plan leaves as it is grows no further.
func untold(p *terraform.Plan, before, after *Result) ([]plan.Change, error) {
	var out []plan.Change
	for _, c := range p.Changes {
		for _, id := range idsOf(c.After) {
			n, ok := after.Snapshot.Find(id)
			if !ok || after.Snapshot.Asset(n).Cloud != estate.Kubernetes || after.Snapshot.Asset(n).Referenced {
				continue
			}
			config, err := after.Snapshot.Config(n)
			if err != nil {
				return nil, err
			}
			if m, ok := before.Snapshot.Find(id); ok && !before.Snapshot.Asset(m).Referenced {
				if was, err := before.Snapshot.Config(m); err != nil || bytes.Equal(was, config) {
					continue
				}
			}
			why, devices := providerKubernetes.Untold(after.Snapshot.Asset(n), config)
			if why == "" || !devices && len(after.Workloads.Of(id)) == 0 {
				continue
			}
			out = append(out, plan.Change{Address: c.Address, Idle: true, Opaque: "whether it grows cannot be told: " + why + "; look at it by hand"})
		}
	}
	return out, nil
}

// forLearning says why a capacity is for machine learning, whatever it belongs
// to.
func forLearning(a *estate.Asset, c estate.Capacity) string {
	if strings.HasPrefix(a.Type, "AWS::SageMaker::") || strings.HasPrefix(a.Type, "AWS::Bedrock") {
		return "a " + a.Type + " is for machine learning"
	}
	if strings.HasPrefix(a.Type, "karpenter.sh/") || strings.HasPrefix(a.Type, "kueue.x-k8s.io/") {
		return "it bounds the accelerators of a cluster"
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

// idle are the actions that change nothing that exists.
var idle = map[string]bool{"no-op": true, "read": true, "forget": true}

// acts are the actions that do.
var acts = map[string]bool{"create": true, "update": true, "delete": true}

// planChanges are the changes of a plan, those that change nothing marked.
func planChanges(p *terraform.Plan) []plan.Change {
	var out []plan.Change
	for _, c := range p.Changes {
		if c.Mode == "data" {
			continue
		}
		pc := plan.Change{Address: c.Address, Before: idsOf(c.Before), After: idsOf(c.After), Idle: len(c.Actions) > 0}
		for _, a := range c.Actions {
			pc.Idle = pc.Idle && idle[a]
			if !idle[a] && !acts[a] {
				pc.Opaque = fmt.Sprintf("what the action %q does is not known; plan again with Terraform or OpenTofu 1.x", a)
			}
		}
		switch {
		case len(c.Actions) == 0:
			pc.Opaque = "the plan does not say what it does to it"
		case len(c.Provisioners) > 0 && !pc.Idle:
			pc.Opaque = fmt.Sprintf("it runs commands of its own (provisioner %s), and no plan says what those do: look at them by hand", strings.Join(c.Provisioners, ", "))
		case c.Unconverted != "" && !c.Harmless && !pc.Idle && concerns(c.Type):
			pc.Opaque = c.Unconverted + "; look at it by hand, or assess the estate after apply"
		}
		out = append(out, pc)
	}
	return out
}

// planHoles are what the reader of a plan could not read or place, but for the
// types it has no word for: those are told resource by resource.
func planHoles(p *terraform.Plan) []plan.Change {
	var out []plan.Change
	for _, b := range p.BlindSpots {
		if b.Status == estate.ReadSkipped || len(b.Types) > 0 && strings.Contains(b.Why, "cannot say what a") {
			continue
		}
		text := b.Why
		if b.Hint != "" {
			text += "; " + b.Hint
		}
		out = append(out, plan.Change{Address: strings.TrimPrefix(b.Asset, "terraform://"), Idle: true, Opaque: text})
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

// unconcerned are words in the names of resource types that no AI workload is
// made of, runs as, lies in or is reached through: a DNS record, a monitor, a
// budget. A type with one of them, or of a provider that runs nothing, holds no
// plan back for being unknown; every other does.
var unconcerned = wordSet(`acm alarm alert amplify appconfig backup billing budget budgets ce chatbot cloudwatch codecommit codestarnotifications
	contact cur dashboard dns domain health inspector2 logs monitor notification notifications oncall pagerduty parameter record recorder route53
	savingsplans schedule servicecatalog ses sesv2 sns subscription support synthetics tag tags transcribe translate xray zone`)

// idleTypes are further resource types of that sort, whose names do not tell:
// groups of settings and of addresses, what hangs a thing there already onto
// another, what a bucket is counted or shown by.
var idleTypes = wordSet(`aws_db_subnet_group aws_db_parameter_group aws_db_option_group aws_rds_cluster_parameter_group aws_elasticache_subnet_group
	aws_elasticache_parameter_group aws_redshift_subnet_group aws_redshift_parameter_group aws_docdb_subnet_group aws_docdb_cluster_parameter_group
	aws_neptune_subnet_group aws_neptune_parameter_group aws_neptune_cluster_parameter_group aws_memorydb_subnet_group aws_memorydb_parameter_group
	aws_dax_subnet_group aws_dax_parameter_group aws_dms_replication_subnet_group aws_key_pair aws_placement_group aws_ebs_snapshot aws_volume_attachment
	aws_eip_association aws_efs_mount_target aws_efs_backup_policy aws_vpc_dhcp_options aws_vpc_dhcp_options_association aws_service_discovery_service
	aws_service_discovery_http_namespace aws_service_discovery_private_dns_namespace aws_iam_account_alias aws_iam_service_linked_role
	aws_s3_bucket_metric aws_s3_bucket_analytics_configuration aws_s3_bucket_intelligent_tiering_configuration aws_s3_bucket_inventory
	aws_s3_bucket_request_payment_configuration aws_s3_bucket_cors_configuration aws_s3_bucket_accelerate_configuration
	aws_autoscaling_lifecycle_hook aws_resourcegroups_group aws_licensemanager_license_configuration aws_applicationinsights_application`)

// elsewhere are providers whose resources are no part of a cloud.
var elsewhere = wordSet(`datadog pagerduty grafana newrelic sentry github gitlab opsgenie statuscake uptimerobot dnsimple ns1 powerdns fastly slack
	launchdarkly honeycombio logzio checkly betteruptime acme pkcs12 external http`)

func wordSet(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

func concerns(typ string) bool {
	parts := strings.Split(typ, "_")
	return !elsewhere[parts[0]] && !idleTypes[typ] && !slices.ContainsFunc(parts[1:], func(w string) bool { return unconcerned[w] })
}
