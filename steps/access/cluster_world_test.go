package access

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	provider "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

const (
	tokenIssuer = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"
	oidc        = "arn:aws:iam::" + worldAccount + ":oidc-provider/" + tokenIssuer
	eksCluster  = "arn:aws:eks:eu-west-1:" + worldAccount + ":cluster/prod"
	modelRole   = "arn:aws:iam::" + worldAccount + ":role/models"
	stsTrust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + oidc + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` + tokenIssuer + `:sub":"SUB","` + tokenIssuer + `:aud":"sts.amazonaws.com"}}}]}`
	podTrust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"pods.eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
	modelSub    = "system:serviceaccount:serving:model"
	modelSA     = "k8s://prod/serving/ServiceAccount/model"
	modelObject = `{apiVersion: v1, kind: ServiceAccount, metadata: {name: model, namespace: serving, annotations: {eks.amazonaws.com/role-arn: "` + modelRole + `"}}}`
	plainObject = `{apiVersion: v1, kind: ServiceAccount, metadata: {name: model, namespace: serving}}`
	serving     = `{apiVersion: v1, kind: Namespace, metadata: {name: serving}}`
)

// roleOf is the role that pods are to take, with a trust policy.
func roleOf(arn, trust string) estate.Asset {
	return told(arn, "AWS::IAM::Role", `{"AssumeRolePolicyDocument":`+trust+`,"RolePolicyList":[],"AttachedManagedPolicies":[]}`, details)
}

func eksOf(mode string) estate.Asset {
	a := told(eksCluster, "AWS::EKS::Cluster", `{"name":"prod","identity":{"oidc":{"issuer":"https://`+tokenIssuer+`"}},"accessConfig":{"authenticationMode":"`+mode+`"}}`, "eks:DescribeCluster")
	a.Name, a.Region = "prod", "eu-west-1"
	return a
}

// everyKind are the types that a whole reading of a cluster lists.
func everyKind() []string {
	var out []string
	for _, t := range counted {
		out = append(out, t.typ)
	}
	return out
}

// clustersOf builds a snapshot of manifests in cluster prod and of AWS assets.
func clustersOf(t testing.TB, objects string, covered []string, assets ...estate.Asset) *Clusters {
	t.Helper()
	b := estate.NewBuilder(time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC))
	for _, doc := range strings.Split(objects, "\n---\n") {
		config, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		var o struct {
			APIVersion, Kind string
			Metadata         struct{ Name, Namespace string }
		}
		if err := json.Unmarshal(config, &o); err != nil {
			t.Fatal(err)
		}
		group, _, ok := strings.Cut(o.APIVersion, "/")
		if !ok {
			group = ""
		}
		b.Asset(estate.Asset{ID: provider.ID("prod", o.Metadata.Namespace, group, o.Kind, o.Metadata.Name), Type: o.APIVersion + "/" + o.Kind, Cloud: estate.Kubernetes,
			Account: "prod", Region: o.Metadata.Namespace, Name: o.Metadata.Name, Config: config, Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}})
	}
	for _, typ := range covered {
		b.Covered(estate.Coverage{Type: typ, Account: "prod"})
	}
	for _, a := range assets {
		b.Asset(a)
	}
	b.Covered(estate.Coverage{Type: "AWS::EKS::AccessEntry", Account: worldAccount, Region: "eu-west-1"})
	snap, err := b.Build()
	if err == nil {
		snap, err = snap.Understood(context.Background(), func(a *estate.Asset) estate.Understanding {
			if a.Cloud == estate.Kubernetes {
				return provider.Understand(a)
			}
			return aws.Understand(a)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := World(context.Background(), snap)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewClusters(context.Background(), snap, cloud)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func linksOf(c *Clusters) []string {
	out := []string{}
	for _, e := range c.Edges() {
		if strings.HasPrefix(e.From, "k8s://prod/serving/ServiceAccount/") {
			out = append(out, e.Technique+" "+e.To+" "+e.Decision.String())
		}
	}
	return out
}

// A link to a role counts if the role's trust lets exactly this account in.
func TestCloudLinks(t *testing.T) {
	trust := func(sub string) string { return strings.Replace(stsTrust, "SUB", sub, 1) }
	like := func(sub string) string { return strings.Replace(trust(sub), "StringEquals", "StringLike", 1) }
	association := func(target string) estate.Asset {
		return told("arn:aws:eks:eu-west-1:"+worldAccount+":podidentityassociation/prod/a-1", "AWS::EKS::PodIdentityAssociation",
			`{"clusterName":"prod","namespace":"serving","serviceAccount":"model","roleArn":"`+modelRole+`"`+target+`}`, "eks:DescribePodIdentityAssociation")
	}
	far := "arn:aws:iam::" + worldAccount + ":role/far"
	provided := told(oidc, "AWS::IAM::OIDCProvider", `{}`, "iam:GetOpenIDConnectProvider")
	tests := map[string]struct {
		object string
		assets []estate.Asset
		want   []string
	}{
		"trusted":                   {modelObject, []estate.Asset{eksOf("API"), provided, roleOf(modelRole, trust(modelSub))}, []string{"irsa " + modelRole + " allow"}},
		"by a pattern":              {modelObject, []estate.Asset{eksOf("API"), provided, roleOf(modelRole, like("system:serviceaccount:serving:*"))}, []string{"irsa " + modelRole + " allow"}},
		"another account of it":     {modelObject, []estate.Asset{eksOf("API"), provided, roleOf(modelRole, trust("system:serviceaccount:serving:other"))}, []string{}},
		"another namespace":         {modelObject, []estate.Asset{eksOf("API"), provided, roleOf(modelRole, like("system:serviceaccount:training:*"))}, []string{}},
		"another audience":          {modelObject, []estate.Asset{eksOf("API"), provided, roleOf(modelRole, strings.Replace(trust(modelSub), "sts.amazonaws.com", "other", 1))}, []string{}},
		"another cluster's issuer":  {modelObject, []estate.Asset{eksOf("API"), provided, roleOf(modelRole, strings.ReplaceAll(trust(modelSub), "/ABC", "/DEF"))}, []string{}},
		"cluster not read":          {modelObject, []estate.Asset{provided, roleOf(modelRole, trust(modelSub))}, []string{"irsa " + modelRole + " unknown"}},
		"role not read":             {modelObject, []estate.Asset{eksOf("API"), told(worldRole, "AWS::IAM::Role", `{}`)}, []string{"irsa " + modelRole + " unknown"}},
		"trusted but not annotated": {plainObject, []estate.Asset{eksOf("API"), provided, roleOf(modelRole, trust(modelSub))}, []string{"irsa " + modelRole + " conditional"}},
		"pod identity":              {plainObject, []estate.Asset{eksOf("API"), association(""), roleOf(modelRole, podTrust)}, []string{"pod-identity " + modelRole + " allow"}},
		"pod identity, other trust": {plainObject, []estate.Asset{eksOf("API"), association(""), roleOf(modelRole, strings.Replace(podTrust, "pods.eks", "ec2", 1))}, []string{}},
		"pod identity, no tagging":  {plainObject, []estate.Asset{eksOf("API"), association(""), roleOf(modelRole, strings.Replace(podTrust, `,"sts:TagSession"`, "", 1))}, []string{}},
		"pod identity, two roles": {plainObject, []estate.Asset{eksOf("API"), association(`,"targetRoleArn":"` + far + `"`),
			told(modelRole, "AWS::IAM::Role", `{"AssumeRolePolicyDocument":`+podTrust+`,"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"`+far+`"}]}}],"AttachedManagedPolicies":[]}`, details),
			roleOf(far, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+modelRole+`"},"Action":"sts:AssumeRole"}]}`)},
			[]string{"pod-identity " + modelRole + " allow", "pod-identity " + far + " allow"}},
		"gke":   {`{apiVersion: v1, kind: ServiceAccount, metadata: {name: model, namespace: serving, annotations: {iam.gke.io/gcp-service-account: m@p.iam.gserviceaccount.com}}}`, nil, []string{"gke-workload-identity //iam.googleapis.com/projects/p/serviceAccounts/m@p.iam.gserviceaccount.com unknown"}},
		"azure": {`{apiVersion: v1, kind: ServiceAccount, metadata: {name: model, namespace: serving, annotations: {azure.workload.identity/client-id: u}}}`, nil, []string{"azure-workload-identity https://graph.microsoft.com/v1.0/servicePrincipals(appId='u') unknown"}},
	}
	for name, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", ",", "").Replace(name), func(t *testing.T) {
			c := clustersOf(t, serving+"\n---\n"+tt.object, everyKind(), tt.assets...)
			if d := cmp.Diff(tt.want, linksOf(c)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

const (
	secretsRole    = `{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: secrets}, rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]}`
	secretsBinding = `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, namespace: serving}, roleRef: {kind: ClusterRole, name: secrets}, subjects: [SUBJECT]}`
)

func bindingOf(subject string) string { return strings.Replace(secretsBinding, "SUBJECT", subject, 1) }

func entryOf(id, config string) estate.Asset {
	return told("arn:aws:eks:eu-west-1:"+worldAccount+":access-entry/prod/"+id, "AWS::EKS::AccessEntry", config, "eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies")
}

const (
	devRole = "arn:aws:iam::" + worldAccount + ":role/dev"
	aSecret = "k8s://prod/serving/Secret/token"
)

// Who of IAM may do what in a cluster hangs on its access entries and aws-auth.
func TestPrincipalsOfIAMInAClusters(t *testing.T) {
	tests := map[string]struct {
		objects []string
		assets  []estate.Asset
		want    iam.Decision
		errs    string
	}{
		"by a group":          {[]string{bindingOf("{kind: Group, name: devs}")}, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","kubernetesGroups":["devs"],"ListAssociatedAccessPolicies":{"associatedAccessPolicies":[]}}`)}, iam.Allow, ""},
		"by another group":    {[]string{bindingOf("{kind: Group, name: ops}")}, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","kubernetesGroups":["devs"],"ListAssociatedAccessPolicies":{"associatedAccessPolicies":[]}}`)}, iam.Deny, ""},
		"by the user name":    {[]string{bindingOf("{kind: User, name: dev}")}, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[]}}`)}, iam.Allow, ""},
		"by EKS's own policy": {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster"}}]}}`)}, iam.Allow, ""},
		"that policy here":    {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"namespace","namespaces":["serving"]}}]}}`)}, iam.Allow, ""},
		"that policy there":   {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"namespace","namespaces":["other"]}}]}}`)}, iam.Deny, ""},
		"a view of the rest":  {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy","accessScope":{"type":"cluster"}}]}}`)}, iam.Deny, ""},
		"a view of all":       {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy","accessScope":{"type":"cluster"}}]}}`)}, iam.Allow, ""},
		"edit here":           {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy","accessScope":{"type":"namespace","namespaces":["serving"]}}]}}`)}, iam.Allow, ""},
		"edit there":          {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy","accessScope":{"type":"namespace","namespaces":["other"]}}]}}`)}, iam.Deny, ""},
		"admin here":          {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminPolicy","accessScope":{"type":"namespace","namespaces":["serving"]}}]}}`)}, iam.Allow, ""},
		"AWSs own policy":     {nil, []estate.Asset{eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","ListAssociatedAccessPolicies":{"associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy","accessScope":{"type":"cluster"}}]}}`)}, iam.Unknown, ""},
		"policies not read":   {nil, []estate.Asset{eksOf("API"), told("arn:aws:eks:eu-west-1:"+worldAccount+":access-entry/prod/dev", "AWS::EKS::AccessEntry", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev"}`, "eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies=denied")}, iam.Unknown, ""},
		"by aws-auth": {[]string{bindingOf("{kind: Group, name: devs}"), `{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: {mapRoles: "- rolearn: ` + devRole + `\n  username: dev\n  groups: [devs]\n"}}`},
			[]estate.Asset{eksOf("CONFIG_MAP")}, iam.Allow, ""},
		"aws-auth is not looked at": {[]string{bindingOf("{kind: Group, name: devs}"), `{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system}, data: {mapRoles: "- rolearn: ` + devRole + `\n  username: dev\n  groups: [devs]\n"}}`},
			[]estate.Asset{eksOf("API")}, iam.Deny, "nobody in a cluster is called"},
	}
	for name, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", "'", "").Replace(name), func(t *testing.T) {
			c := clustersOf(t, strings.Join(append([]string{serving, secretsRole}, tt.objects...), "\n---\n"), everyKind(), tt.assets...)
			a, err := c.Can(context.Background(), Question{Principal: devRole, Action: "k8s:get:/secrets", Resource: aSecret})
			if tt.errs != "" {
				if err == nil || !strings.Contains(err.Error(), tt.errs) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.Decision != tt.want {
				t.Errorf("%s, want %s: %+v", a.Decision, tt.want, a)
			}
		})
	}
}

func TestClustersCan(t *testing.T) {
	c := clustersOf(t, strings.Join([]string{serving, secretsRole, bindingOf("{kind: ServiceAccount, name: model}, {kind: Group, name: devs}"), plainObject,
		`{apiVersion: v1, kind: Pod, metadata: {name: llm-0, namespace: serving}, spec: {serviceAccountName: model, containers: [{name: c}]}}`}, "\n---\n"), everyKind())
	tests := []struct {
		q    Question
		want iam.Decision
		err  string
	}{
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: aSecret}, iam.Allow, ""},
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: "k8s://prod/serving/secrets/token"}, iam.Allow, ""},
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: "k8s://prod/serving"}, iam.Allow, ""},
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: "k8s://prod/other/Secret/token"}, iam.Deny, ""},
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: "*"}, iam.Conditional, ""},
		{Question{Principal: "system:serviceaccount:serving:model", Action: "k8s:get:/secrets", Resource: aSecret}, iam.Allow, ""},
		{Question{Principal: "serving/ServiceAccount/model", Action: "k8s:get:/secrets", Resource: aSecret}, iam.Allow, ""},
		{Question{Principal: "k8s://prod/serving/Pod/llm-0", Action: "k8s:get:/secrets", Resource: aSecret}, iam.Allow, ""},
		{Question{Principal: "k8s://prod//User/jo", Action: "k8s:get:/secrets", Resource: aSecret}, iam.Conditional, ""},
		{Question{Principal: "k8s://prod//User/jo", Action: "k8s:get:/secrets", Resource: aSecret, Context: map[string][]string{"groups": {"devs"}}}, iam.Allow, ""},
		{Question{Principal: "k8s://prod//User/jo", Action: "k8s:get:/secrets", Resource: aSecret, Context: map[string][]string{"groups": {}}}, iam.Deny, ""},
		{Question{Principal: "k8s://prod//Group/system:masters", Action: "k8s:*", Resource: "*"}, iam.Allow, ""},
		{Question{Principal: modelSA, Action: "k8s:get:", Resource: "/metrics"}, iam.Deny, ""},
		{Question{Principal: "nobody", Action: "k8s:get:/secrets", Resource: aSecret}, 0, "nobody in a cluster is called"},
		{Question{Principal: modelSA, Action: "k8s:get:secrets", Resource: aSecret}, 0, "names no API group"},
		{Question{Principal: modelSA, Action: "k8s:get:/pods", Resource: aSecret}, 0, "is one of secrets"},
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: "k8s://elsewhere/a/Secret/b"}, 0, "no cluster is called"},
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: "token"}, 0, "is no id of something in a cluster"},
		{Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: aSecret, Context: map[string][]string{"aws:SourceIp": {"1"}}}, 0, "do not hang on it"},
	}
	for _, tt := range tests {
		a, err := c.Can(context.Background(), tt.q)
		var asking *Asking
		if tt.err != "" {
			if !errors.As(err, &asking) || !strings.Contains(err.Error(), tt.err) || asking.Mend == "" {
				t.Errorf("%+v: error %v, want %q with a hint", tt.q, err, tt.err)
			}
			continue
		}
		if err != nil || a.Decision != tt.want {
			t.Errorf("%+v: %s (%v), want %s", tt.q, a.Decision, err, tt.want)
		}
	}
	a, err := c.Can(context.Background(), Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: aSecret, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []Reason{{Policy: "k8s://prod/serving/RoleBinding/b", Statement: "k8s://prod//ClusterRole/secrets rule 0", Effect: "Allow", Layer: "rbac", Text: `{"apiGroups":[""],"resources":["secrets"],"verbs":["get"]}`}}
	if d := cmp.Diff(want, a.Because); d != "" {
		t.Error(d)
	}
}

func TestClustersWhoCan(t *testing.T) {
	c := clustersOf(t, strings.Join([]string{serving, secretsRole, bindingOf("{kind: ServiceAccount, name: model}, {kind: Group, name: devs}"), plainObject}, "\n---\n"), everyKind(),
		eksOf("API"), entryOf("dev", `{"clusterName":"prod","principalArn":"`+devRole+`","username":"dev","kubernetesGroups":["devs"],"ListAssociatedAccessPolicies":{"associatedAccessPolicies":[]}}`))
	list, err := c.WhoCan(context.Background(), Question{Action: "k8s:get:/secrets", Resource: aSecret})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range list {
		got = append(got, h.Principal+" "+h.Decision.String())
	}
	want := []string{devRole + " allow", "k8s://prod//Group/devs allow", "k8s://prod//Group/system:masters allow", modelSA + " allow"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What was not listed leaves answers unknown, with the reason.
func TestClustersUnread(t *testing.T) {
	for _, missing := range []string{"ClusterRoleBinding", "RoleBinding"} {
		covered := slices.DeleteFunc(everyKind(), func(typ string) bool { return typ == rbacTypes+missing })
		c := clustersOf(t, serving+"\n---\n"+plainObject, covered)
		a, err := c.Can(context.Background(), Question{Principal: modelSA, Action: "k8s:get:/secrets", Resource: aSecret})
		if err != nil || a.Decision != iam.Unknown || !strings.Contains(strings.Join(a.Unknown, ";"), missing) {
			t.Errorf("%s: %+v, %v", missing, a, err)
		}
		list, err := c.WhoCan(context.Background(), Question{Action: "k8s:get:/secrets", Resource: aSecret})
		if err != nil || !slices.ContainsFunc(list, func(h Holder) bool { return h.Principal == "k8s://prod//*" && h.Decision == iam.Unknown }) {
			t.Errorf("%s: %+v, %v", missing, list, err)
		}
	}
}

// From a pod over its account and a role of AWS into another: one path.
func TestPathFromAPodToARole(t *testing.T) {
	c := clustersOf(t, strings.Join([]string{serving, modelObject, `{apiVersion: v1, kind: Pod, metadata: {name: llm-0, namespace: serving}, spec: {serviceAccountName: model, containers: [{name: c}]}}`}, "\n---\n"), everyKind(),
		eksOf("API"), told(oidc, "AWS::IAM::OIDCProvider", `{}`, "iam:GetOpenIDConnectProvider"), roleOf(modelRole, strings.Replace(stsTrust, "SUB", modelSub, 1)))
	ways, err := c.Escalations(context.Background(), rbac.Options{Pods: true, Targets: []string{rbac.KindCloud}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range ways {
		for _, s := range w.Path {
			got = append(got, s.From+" "+s.Technique+" "+s.To+" "+s.Decision.String())
		}
	}
	want := []string{"k8s://prod/serving/Pod/llm-0 runs-as " + modelSA + " allow", modelSA + " irsa " + modelRole + " allow"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzReadMap(f *testing.F) {
	f.Add("- rolearn: a\n  username: b\n  groups: [c]\n")
	f.Add("{}")
	f.Add("- groups: 1")
	f.Fuzz(func(t *testing.T, text string) {
		if list, err := readMap(text); err != nil && list != nil {
			t.Errorf("%v and an error", list)
		}
	})
}
