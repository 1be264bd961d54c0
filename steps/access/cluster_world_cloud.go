package access

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// Kinds of what stands in AWS and gives rights in a cluster.
const (
	accessEntry  = "EKSAccessEntry"
	accessPolicy = "EKSAccessPolicy"
)

// Annotations of service accounts that name an identity of a cloud.
const (
	irsaNote  = "eks.amazonaws.com/role-arn"
	gkeNote   = "iam.gke.io/gcp-service-account"
	azureNote = "azure.workload.identity/client-id"
)

// stsAudience is whom the tokens of IRSA are for.
const stsAudience = "sts.amazonaws.com"

// managedCluster is what EKS says of a cluster.
type managedCluster struct {
	arn    string
	issuer string // without https://
	mode   string // API, API_AND_CONFIG_MAP, CONFIG_MAP
}

// joiner ties clusters to AWS.
type joiner struct {
	*Clusters
	cloud   *iam.World
	managed map[string]managedCluster // by the cluster's name
	// trusting are the roles whose trust names a provider of identities, by its ARN
	// without the account: an issuer may be known to several accounts.
	trusting map[string][]string
}

// join adds to each cluster who of AWS is who in it, and what of AWS its
// service accounts act as.
func (c *Clusters) join(ctx context.Context, cloud *iam.World) error {
	j := &joiner{Clusters: c, cloud: cloud, managed: map[string]managedCluster{}, trusting: map[string][]string{}}
	for n, a := range c.snap.Assets() {
		switch a.Type {
		case "AWS::EKS::Cluster":
			if err := j.cluster(n, a); err != nil {
				return err
			}
		case "AWS::IAM::OIDCProvider":
			j.provider(n, a)
		}
	}
	for n, a := range c.snap.Assets() {
		if a.Referenced {
			continue
		}
		var err error
		switch a.Type {
		case "AWS::EKS::AccessEntry":
			err = j.entry(n, a)
		case "AWS::EKS::PodIdentityAssociation":
			err = j.association(n, a)
		case "v1/ConfigMap":
			if a.Region == "kube-system" && a.Name == "aws-auth" {
				err = j.authMap(n, a)
			}
		}
		if err != nil {
			return err
		}
	}
	for _, name := range c.names {
		if err := ctx.Err(); err != nil {
			return err
		}
		j.unlisted(name)
		w := c.byName[name]
		for _, r := range w.Accounts() {
			j.account(name, w, w.Account(r.Namespace, r.Name))
		}
	}
	return nil
}

// config reads an asset's configuration into v. What is not JSON of that shape
// is a problem.
func (j *joiner) config(n estate.Node, a *estate.Asset, v any) (bool, error) {
	config, err := j.snap.Config(n)
	if err != nil {
		return false, fmt.Errorf("configuration of %s: %w", a.ID, err)
	}
	if len(config) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(config, v); err != nil {
		j.problems = append(j.problems, estate.Problem{Path: a.ID, Why: err.Error()})
		return false, nil //nolint:nilerr // it is told as a problem, and the rest goes on
	}
	return true, nil
}

// cluster notes what EKS says of a cluster, by the name that its objects bear.
func (j *joiner) cluster(n estate.Node, a *estate.Asset) error {
	var reply struct {
		Name     string `json:"name"`
		Identity struct {
			OIDC struct {
				Issuer string `json:"issuer"`
			} `json:"oidc"`
		} `json:"identity"`
		AccessConfig struct {
			Mode string `json:"authenticationMode"`
		} `json:"accessConfig"`
	}
	if _, err := j.config(n, a, &reply); err != nil {
		return err
	}
	name := cmp.Or(reply.Name, a.Name)
	for e := range j.snap.Out(n) {
		if to := j.snap.Asset(e.Node); e.Type == estate.Contains && strings.HasPrefix(to.ID, "k8s://") {
			name, _, _ = strings.Cut(strings.TrimPrefix(to.ID, "k8s://"), "/")
		}
	}
	j.managed[name] = managedCluster{a.ID, strings.TrimPrefix(reply.Identity.OIDC.Issuer, "https://"), reply.AccessConfig.Mode}
	return nil
}

// provider notes the roles that trust a provider of identities.
func (j *joiner) provider(n estate.Node, a *estate.Asset) {
	_, issuer, ok := strings.Cut(a.ID, ":oidc-provider/")
	if !ok {
		return
	}
	for e := range j.snap.In(n) {
		if role := j.snap.Asset(e.Node); e.Type == estate.Trusts && role.Type == "AWS::IAM::Role" {
			j.trusting[issuer] = append(j.trusting[issuer], role.ID)
		}
	}
	slices.Sort(j.trusting[issuer])
	j.trusting[issuer] = slices.Compact(j.trusting[issuer])
}

// account adds what a service account acts as.
func (j *joiner) account(cluster string, w *rbac.World, a *rbac.Account) {
	note := func(key string) rbac.Reason {
		return rbac.Reason{Rule: -1, Binding: rbac.Ref{Name: j.id(cluster, a.Ref)}, Text: "annotation " + key}
	}
	if role := a.Annotations[irsaNote]; role != "" {
		d, why, because := j.webIdentity(cluster, a.Ref, role)
		w.AddLink(rbac.Link{Account: a.Ref, To: role, Technique: "irsa", Decision: d, Why: why, Because: append([]rbac.Reason{note(irsaNote)}, because...)})
	}
	if issuer := j.managed[cluster].issuer; issuer != "" {
		for _, role := range j.trusting[issuer] {
			if role == a.Annotations[irsaNote] {
				continue
			}
			if d, why, because := j.webIdentity(cluster, a.Ref, role); d == rbac.Allow || d == rbac.Conditional {
				w.AddLink(rbac.Link{Account: a.Ref, To: role, Technique: "irsa", Decision: d, Why: why, Because: because, Minted: true})
			}
		}
	}
	if email := a.Annotations[gkeNote]; email != "" {
		w.AddLink(rbac.Link{Account: a.Ref, To: j.runsAs(cluster, a.Ref, gkeNote, email), Technique: "gke-workload-identity", Decision: rbac.Unknown,
			Why: []string{"whether " + email + " lets the service account act as it (roles/iam.workloadIdentityUser) is not read yet"}, Because: []rbac.Reason{note(gkeNote)}})
	}
	if client := a.Annotations[azureNote]; client != "" {
		w.AddLink(rbac.Link{Account: a.Ref, To: j.runsAs(cluster, a.Ref, azureNote, client), Technique: "azure-workload-identity", Decision: rbac.Unknown,
			Why: []string{"whether the application " + client + " trusts the service account (a federated credential) is not read yet"}, Because: []rbac.Reason{note(azureNote)}})
	}
}

// runsAs is the id under which the provider knows an annotated identity.
func (j *joiner) runsAs(cluster string, r rbac.Ref, key, value string) string {
	n, ok := j.snap.Find(j.id(cluster, r))
	if !ok {
		return value
	}
	for e := range j.snap.Out(n) {
		if e.Type == estate.RunsAs && strings.Contains(e.Evidence, key) {
			return j.snap.Asset(e.Node).ID
		}
	}
	return value
}

// webIdentity decides whether a role lets a service account in by the tokens of
// its cluster.
func (j *joiner) webIdentity(cluster string, r rbac.Ref, role string) (rbac.Decision, []string, []rbac.Reason) {
	arn, ok := aws.ParseARN(role)
	switch {
	case !ok:
		return rbac.Unknown, []string{fmt.Sprintf("%q is not the ARN of a role", role)}, nil
	case j.cloud == nil:
		return rbac.Unknown, []string{"AWS was not read: whether the role trusts the service account is unknown"}, nil
	case j.cloud.Account(arn.Account) == nil && j.cloud.Resource(role) == nil:
		return rbac.Unknown, []string{"account " + arn.Account + " was not read: whether " + role + " trusts the service account is unknown"}, nil
	}
	issuer := j.managed[cluster].issuer
	if issuer == "" {
		return rbac.Unknown, []string{"the issuer of the cluster's tokens was not read (eks:DescribeCluster): whether " + role + " trusts it is unknown"}, nil
	}
	provider := "arn:" + arn.Partition + ":iam::" + arn.Account + ":oidc-provider/" + issuer
	p, ok := j.cloud.Principal(provider)
	if !ok {
		return rbac.Unknown, []string{provider + " is not understood as a provider"}, nil
	}
	return j.decide(iam.Request{Principal: p, Action: "sts:AssumeRoleWithWebIdentity", Resource: role, Context: map[string][]string{
		issuer + ":sub": {"system:serviceaccount:" + r.Namespace + ":" + r.Name}, issuer + ":aud": {stsAudience},
	}})
}

// decide asks AWS and tells the answer in the words of clusters.
func (j *joiner) decide(q iam.Request) (rbac.Decision, []string, []rbac.Reason) {
	if j.cloud.Decide(q) == iam.Deny {
		return rbac.Deny, nil, nil // most are: a reason is of no use
	}
	a := j.cloud.Explain(q)
	var because []rbac.Reason
	for _, b := range a.Because {
		if b.Policy != "" {
			because = append(because, rbac.Reason{Rule: -1, Binding: rbac.Ref{Name: b.Policy}, Text: b.Statement})
		}
	}
	why := slices.Clone(a.Unknown)
	switch a.Decision {
	case iam.Allow:
		return rbac.Allow, nil, because
	case iam.Deny:
		return rbac.Deny, nil, because
	case iam.Conditional:
		for _, c := range a.Conditions {
			why = append(why, "the role's trust asks for "+c)
		}
		return rbac.Conditional, why, because
	}
	if len(why) == 0 {
		why = []string{"whether " + q.Resource + " may be assumed could not be decided"}
	}
	return rbac.Unknown, why, because
}

// association adds what EKS Pod Identity ties to a service account.
func (j *joiner) association(n estate.Node, a *estate.Asset) error {
	var reply struct {
		Cluster   string `json:"clusterName"`
		Namespace string `json:"namespace"`
		Account   string `json:"serviceAccount"`
		Role      string `json:"roleArn"`
		Target    string `json:"targetRoleArn"`
	}
	if ok, err := j.config(n, a, &reply); err != nil || !ok {
		return err
	}
	w := j.byName[reply.Cluster]
	if w == nil || reply.Role == "" || reply.Account == "" {
		return nil
	}
	of := rbac.Ref{Kind: rbac.KindAccount, Namespace: reply.Namespace, Name: reply.Account}
	stands := rbac.Reason{Rule: -1, Binding: rbac.Ref{Name: a.ID}, Text: "association"}
	d, why, because := j.podIdentity(reply.Cluster, of, reply.Role)
	w.AddLink(rbac.Link{Account: of, To: reply.Role, Technique: "pod-identity", Decision: d, Why: why, Because: append([]rbac.Reason{stands}, because...)})
	if reply.Target == "" || d == rbac.Deny {
		return nil
	}
	further, reasons, more := rbac.Unknown, []string{"AWS was not read: whether " + reply.Role + " may assume it is unknown"}, []rbac.Reason(nil)
	if j.cloud != nil {
		if p, ok := j.cloud.Principal(reply.Role); ok {
			further, reasons, more = j.decide(iam.Request{Principal: p, Action: "sts:AssumeRole", Resource: reply.Target})
		}
	}
	w.AddLink(rbac.Link{Account: of, To: reply.Target, Technique: "pod-identity", Decision: weaker(d, further), Why: append(why, reasons...), Because: slices.Concat([]rbac.Reason{stands}, because, more)})
	return nil
}

// weaker is the decision of two steps that are gone one after the other.
func weaker(a, b rbac.Decision) rbac.Decision {
	for _, d := range []rbac.Decision{rbac.Deny, rbac.Unknown, rbac.Conditional} {
		if a == d || b == d {
			return d
		}
	}
	return rbac.Allow
}

// podIdentity decides whether a role lets EKS Pod Identity take it for a service
// account: the service assumes the role and sets the session's tags.
func (j *joiner) podIdentity(cluster string, r rbac.Ref, role string) (rbac.Decision, []string, []rbac.Reason) {
	arn, ok := aws.ParseARN(role)
	switch {
	case !ok:
		return rbac.Unknown, []string{fmt.Sprintf("%q is not the ARN of a role", role)}, nil
	case j.cloud == nil || j.cloud.Account(arn.Account) == nil && j.cloud.Resource(role) == nil:
		return rbac.Unknown, []string{"account " + arn.Account + " was not read: whether " + role + " trusts pods.eks.amazonaws.com is unknown"}, nil
	}
	p, _ := j.cloud.Principal("pods.eks.amazonaws.com")
	context := map[string][]string{
		"aws:RequestTag/kubernetes-namespace": {r.Namespace}, "aws:RequestTag/kubernetes-service-account": {r.Name}, "aws:RequestTag/eks-cluster-name": {cluster},
	}
	if eks := j.managed[cluster]; eks.arn != "" {
		context["aws:RequestTag/eks-cluster-arn"] = []string{eks.arn}
		context["aws:SourceArn"] = []string{eks.arn}
		if owner, ok := aws.ParseARN(eks.arn); ok {
			context["aws:SourceAccount"] = []string{owner.Account}
		}
	}
	d, why, because := rbac.Allow, []string(nil), []rbac.Reason(nil)
	for _, action := range []string{"sts:AssumeRole", "sts:TagSession"} {
		one, w, b := j.decide(iam.Request{Principal: p, Action: action, Resource: role, Context: context})
		d, why, because = weaker(d, one), append(why, w...), append(because, b...)
	}
	return d, why, because
}

// kindDefined is the kind that a definition of a custom resource defines.
func kindDefined(config []byte) string {
	var def struct {
		Spec struct{ Names struct{ Kind string } }
	}
	if json.Unmarshal(config, &def) != nil {
		return ""
	}
	return def.Spec.Names.Kind
}
