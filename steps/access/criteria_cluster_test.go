package access

import (
	"context"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Who of AWS a cluster lets in counts among those who can act on what lies there,
// as far as it lets them.
func TestCriteriaCountWhomAClusterLetsIn(t *testing.T) {
	entry := func(policy, namespace string) estate.Asset {
		return entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/`+policy+`","accessScope":{"type":"namespace","namespaces":["`+namespace+`"]}}]}}`)
	}
	tests := map[string]struct {
		entry     estate.Asset
		says      string // of the identities, of which the administrator of the cluster is one
		escalates finding.CriterionStatus
	}{
		"edits there":              {entry("AmazonEKSEditPolicy", "serving"), "2 of 2 identities", finding.CriterionFail}, // as the namespace's account, who is administrator
		"looks there":              {entry("AmazonEKSViewPolicy", "serving"), "2 of 2 identities", finding.CriterionPass},
		"edits somewhere else":     {entry("AmazonEKSEditPolicy", "other"), "1 of 1 identity who can act on it", finding.CriterionPass},
		"what only AWS itself has": {entry("AmazonEKSAutoNodePolicy", "serving"), "whether 1 principal can act on it could not be told", finding.CriterionUnknown},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			c := clustersOf(t, strings.Join([]string{serving,
				`{apiVersion: v1, kind: ServiceAccount, metadata: {name: model, namespace: serving, labels: {owner: ml}}}`,
				`{apiVersion: v1, kind: ServiceAccount, metadata: {name: boss, namespace: serving, labels: {owner: ml}}}`,
				`{apiVersion: v1, kind: Pod, metadata: {name: llm, namespace: serving, labels: {owner: ml}}, spec: {serviceAccountName: model, containers: [{name: c, image: x}]}}`,
				`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: cluster-admin}, rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]}`,
				`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: boss}, roleRef: {kind: ClusterRole, name: cluster-admin}, subjects: [{kind: ServiceAccount, name: boss, namespace: serving}]}`}, "\n---\n"),
				everyKind(), eksOf("API"), tt.entry, roleOf(devRole, `{"Version":"2012-10-17","Statement":[]}`))
			v := newView(c.snap, []finding.Workload{{ID: "w", Name: "w", Roots: []string{"k8s://prod/serving/Pod/llm"}, Members: []string{"k8s://prod/serving/Pod/llm"}}})
			o, err := v.survey(context.Background(), v.climb)
			if err != nil {
				t.Fatal(err)
			}
			got, err := v.judge(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if x := got[0].list[0]; !strings.Contains(x.Reason, tt.says) {
				t.Errorf("%s: %s, want %q", x.ID, x.Reason, tt.says)
			}
			if x := got[0].list[1]; x.Status != tt.escalates {
				t.Errorf("%s is %s, want %s: %s", x.ID, x.Status, tt.escalates, x.Reason)
			}
		})
	}
}
