package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// replies are what the configuration of a type is made of, as the provider's
// API model has it: the members of the root, and of each reply by its key.
func replies(t *testing.T, r *catalog.Resource) (root []api.Member, keyed map[string][]api.Member) {
	t.Helper()
	keyed = map[string][]api.Member{}
	outputs := func(c *catalog.Call, path string) []api.Member {
		op, ok := api.Operation(c.ServiceName(), c.Op)
		if !ok {
			t.Fatalf("%s is not in the model", c.Operation())
		}
		members := op.Outputs()
		for seg := range strings.SplitSeq(path, ".") {
			if name, _, _ := strings.Cut(seg, "["); name != "" {
				m, _ := memberOf(members, name)
				members = m.Members()
			}
		}
		return members
	}
	if r.List != nil && r.List.As == "" {
		root = append(root, outputs(r.List, r.List.Items)...)
	}
	if r.Describe != nil {
		root = append(root, outputs(r.Describe, r.Describe.Unwrap)...)
	}
	for _, also := range r.Also {
		root = append(root, outputs(also, strings.TrimSpace(also.Unwrap+also.Items))...)
	}
	for _, c := range r.Calls {
		keyed[c.Key()] = append(keyed[c.Key()], outputs(c, c.Unwrap)...)
	}
	return root, keyed
}

func memberOf(list []api.Member, name string) (api.Member, bool) {
	i := slices.IndexFunc(list, func(m api.Member) bool { return m.Name == name })
	if i < 0 {
		return api.Member{}, false
	}
	return list[i], true
}

// stands reports whether a place of a rule stands in the model.
func stands(root []api.Member, keyed map[string][]api.Member, place string) bool {
	members := root
	for i, seg := range strings.Split(place, ".") {
		name, _, _ := strings.Cut(strings.NewReplacer("{", "[", "}", "]").Replace(seg), "[")
		if list, ok := keyed[name]; ok && i == 0 {
			members = list
			continue
		}
		m, ok := memberOf(members, name)
		if !ok {
			return false
		}
		if _, by, _ := strings.Cut(strings.TrimSuffix(seg, "]"), "["); by != "" {
			if _, ok := memberOf(m.Members(), by); !ok {
				return false
			}
		}
		members = m.Members()
	}
	return true
}

// TestScaleRulesFitTheModels: a misspelt amount would read as none, and let
// growth pass unseen.
func TestScaleRulesFitTheModels(t *testing.T) {
	cat, err := catalog.Default()
	if err != nil {
		t.Fatal(err)
	}
	rules, seen := aws.ScaleRules(), map[string]bool{}
	for _, r := range cat.Resources() {
		rule, ok := rules[r.Type]
		if !ok {
			continue
		}
		seen[r.Type] = true
		root, keyed := replies(t, r)
		places := slices.Clone(rule.Volatile)
		for _, m := range rule.Amounts {
			for units := range strings.SplitSeq(m.Units, "|") {
				places = append(places, strings.Trim(m.At+"."+units, "."))
			}
			if rest, fromRoot := strings.CutPrefix(m.Size, "/"); fromRoot {
				places = append(places, rest)
			} else {
				places = append(places, strings.Trim(m.At+"."+m.Size, "."))
			}
		}
		for _, place := range places {
			if place != "" && !stands(root, keyed, place) {
				t.Errorf("%s: %s does not stand in the model", r.Type, place)
			}
		}
	}
	for typ := range rules {
		if !seen[typ] && typ != "AWS::SageMaker::Variant" { // a part of an endpoint
			t.Errorf("%s is not in the catalogue", typ)
		}
	}
}

// remain are the times that stay in an essence though the type has amounts: a
// verdict may hang on them, or they are set by people.
var remain = []string{
	"RDS::DBInstance ResumeFullAutomationModeTime", "RDS::DBCluster IOOptimizedNextAllowedModificationTime",
	"RedshiftServerless::Workgroup customDomainCertificateExpiryTime", "Redshift::Cluster CustomDomainCertificateExpiryDate",
	"ElastiCache::ReplicationGroup AuthTokenLastModifiedDate", "ElastiCache::CacheCluster AuthTokenLastModifiedDate",
}

// TestEssencesHoldNoTimes: of a type that scales, whatever time its describe
// call tells at its root is left out: a certificate must not go stale by itself.
func TestEssencesHoldNoTimes(t *testing.T) {
	cat, err := catalog.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cat.Resources() {
		if len(aws.ScaleRules()[r.Type].Amounts) == 0 {
			continue
		}
		root, _ := replies(t, r)
		config := map[string]any{}
		for _, m := range root {
			if m.Type == "timestamp" {
				config[m.Name] = "2026-01-01T00:00:00Z"
			}
		}
		text, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		a := &estate.Asset{ID: "x", Type: r.Type, Reads: []estate.Read{{Operation: "x", Status: estate.ReadOK}}}
		got, err := aws.Scale(a, text)
		if err != nil {
			t.Fatal(err)
		}
		var left map[string]any
		if err := json.Unmarshal(got.Essence, &left); err != nil {
			t.Fatal(err)
		}
		for name := range left {
			if !slices.Contains(remain, strings.TrimPrefix(r.Type, "AWS::")+" "+name) {
				t.Errorf("%s: the time %s stays in the essence", r.Type, name)
			}
		}
	}
}

// TestScaleOfHarbour reads every asset of the example: nothing is in doubt, and
// what FAULTS.md says of growth is read.
func TestScaleOfHarbour(t *testing.T) {
	r := harbour(t)
	got := map[string][]string{}
	err := r.Snapshot.Each(context.Background(), func(_ estate.Node, a *estate.Asset, config json.RawMessage) error {
		scale := aws.Scale
		if a.Cloud == estate.Kubernetes {
			scale = kubernetes.Scale
		}
		if a.Referenced || len(config) == 0 {
			return nil
		}
		s, err := scale(a, config)
		if err != nil {
			return err
		}
		for _, c := range s.Capacities {
			if c.Unknown {
				t.Errorf("%s: %s is unknown: %s", a.ID, c.Path, c.Why)
			}
			got[a.ID] = append(got[a.ID], strings.TrimSpace(fmt.Sprintf("%s %g %s", c.Path, c.Units, c.Size)))
		}
		again, err := scale(a, s.Essence)
		if err != nil || string(again.Essence) != string(s.Essence) {
			t.Errorf("%s: an essence is not its own essence: %v\n%s\n%s", a.ID, err, s.Essence, again.Essence)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]string{
		"arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/port-lab": {"InstanceType 1 ml.g5.xlarge"},
		"k8s://default/score/Deployment/risk-score":                           {"spec.replicas 2"},
		"k8s://default/score/HorizontalPodAutoscaler/risk-score":              {"spec.maxReplicas 6", "spec.minReplicas 2"},
		"arn:aws:sagemaker:eu-west-1:444455556666:endpoint/eta-score":         {"ProductionVariants[main] 2"},
	} {
		if diff := cmp.Diff(want, got[id]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
	if len(got) < 15 {
		t.Errorf("only %d assets with capacities", len(got))
	}
}
