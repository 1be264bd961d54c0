package access

import (
	"cmp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// entry adds an access entry of EKS: who of IAM is who in the cluster, and the
// policies that EKS itself answers by, beside RBAC.
func (j *joiner) entry(n estate.Node, a *estate.Asset) error {
	var reply struct {
		Cluster   string   `json:"clusterName"`
		Principal string   `json:"principalArn"`
		User      string   `json:"username"`
		Groups    []string `json:"kubernetesGroups"`
		Type      string   `json:"type"`
		Policies  *struct {
			List []struct {
				ARN   string `json:"policyArn"`
				Scope struct {
					Type       string   `json:"type"`
					Namespaces []string `json:"namespaces"`
				} `json:"accessScope"`
			} `json:"associatedAccessPolicies"`
		} `json:"ListAssociatedAccessPolicies"`
	}
	if ok, err := j.config(n, a, &reply); err != nil || !ok {
		return err
	}
	w := j.byName[reply.Cluster]
	if w == nil || reply.Principal == "" {
		return nil
	}
	groups := reply.Groups
	if strings.HasPrefix(reply.Type, "EC2") || strings.HasPrefix(reply.Type, "FARGATE") || reply.Type == "HYBRID_LINUX" {
		groups = append(slices.Clone(groups), rbac.Nodes)
	}
	user := cmp.Or(reply.User, reply.Principal)
	w.AddPrincipal(rbac.Principal{ID: reply.Principal, User: user, Groups: groups, Source: a.ID})
	of := rbac.Ref{Kind: rbac.KindUser, Name: user}
	bind := func(namespace, policy string) {
		_, name, _ := strings.Cut(policy, "cluster-access-policy/")
		role := &rbac.Role{Ref: rbac.Ref{Kind: accessPolicy, Name: cmp.Or(policy, a.ID)}, Served: true}
		if rules, known := accessPolicies[name]; known {
			role.Rules = rules
		} else {
			role.Unread = "what the access policy " + cmp.Or(name, "of "+a.ID) + " allows is EKS's own matter and not in the cluster's roles"
		}
		w.AddRole(role)
		w.AddBinding(&rbac.Binding{Ref: rbac.Ref{Kind: accessEntry, Namespace: namespace, Name: a.ID}, Role: role.Ref, Subjects: []rbac.Ref{of}})
	}
	if reply.Policies == nil {
		if !readOf(a, "eks:ListAssociatedAccessPolicies").Known() {
			bind("", "")
		}
		return nil
	}
	for _, p := range reply.Policies.List {
		if p.Scope.Type != "namespace" {
			bind("", p.ARN)
			continue
		}
		for _, ns := range p.Scope.Namespaces {
			bind(ns, p.ARN)
		}
	}
	return nil
}

// unlisted says what of AWS was not read that ties a cluster to it: who of IAM is
// let in, and which roles Pod Identity gives to pods.
func (j *joiner) unlisted(cluster string) {
	eks, ok := j.managed[cluster]
	arn, parsed := aws.ParseARN(eks.arn)
	if !ok || !parsed {
		j.untied[cluster] = j.stray(cluster)
		return
	}
	if !j.snap.Covered("AWS::EKS::PodIdentityAssociation", arn.Account, arn.Region) {
		j.untied[cluster] = "the Pod Identity associations of cluster " + cluster + " were not all listed (eks:ListPodIdentityAssociations): which roles its pods get is unknown"
	}
	// Whoever made such a cluster is its administrator, and neither the ConfigMap
	// nor anything else shows it.
	if eks.mode == "CONFIG_MAP" {
		j.unlet[cluster] = "whoever made cluster " + cluster + " is its administrator, which nothing that can be read shows (authenticationMode CONFIG_MAP)"
	}
	if eks.mode != "CONFIG_MAP" && !j.snap.Covered("AWS::EKS::AccessEntry", arn.Account, arn.Region) {
		j.unlet[cluster] = "the access entries of cluster " + cluster + " were not all listed (eks:ListAccessEntries): who of IAM has rights in it is unknown"
		j.problems = append(j.problems, estate.Problem{Path: eks.arn, Why: j.unlet[cluster]})
	}
}

// stray says of a cluster of which AWS was seen to say nothing why it may be one
// of EKS's all the same; empty if it is none.
func (j *joiner) stray(cluster string) string {
	var others []string
	for name := range j.managed {
		if j.byName[name] == nil {
			others = append(others, name)
		}
	}
	slices.Sort(others)
	listed := false
	for _, c := range j.snap.Coverage() {
		listed = listed || c.Type == "AWS::EKS::Cluster"
	}
	switch {
	case len(others) > 0:
		return "whether cluster " + cluster + " is one of EKS's (" + strings.Join(others, ", ") + ") is not told by its name, and so not which roles its pods get"
	case !listed:
		return "no cluster of EKS was listed (eks:ListClusters): which roles the pods of " + cluster + " get is unknown"
	}
	return ""
}

// untold says why somebody of a cluster may act as a role that is not known;
// empty if his roles are known.
func (c *Clusters) untold(id string) string {
	who, err := c.who(id)
	if err != nil || who.account == (rbac.Ref{}) {
		return ""
	}
	r, w := who.account, c.byName[who.cluster]
	if w.Account(r.Namespace, r.Name) == nil && !c.snap.Covered("v1/ServiceAccount", who.cluster, r.Namespace) {
		return c.id(who.cluster, r) + " was not read: which role it acts as is unknown"
	}
	return c.untied[who.cluster]
}

// mapped is one line of aws-auth.
type mapped struct {
	Role   string   `json:"rolearn"`
	User   string   `json:"userarn"`
	Name   string   `json:"username"`
	Groups []string `json:"groups"`
}

// readMap reads a part of aws-auth.
func readMap(text string) ([]mapped, error) {
	var out []mapped
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		return nil, err
	}
	return out, nil
}

// authMap adds the ConfigMap by which clusters of EKS say who of IAM is who.
func (j *joiner) authMap(n estate.Node, a *estate.Asset) error {
	var object struct {
		Data map[string]*string `json:"data"`
	}
	if ok, err := j.config(n, a, &object); err != nil || !ok {
		return err
	}
	w := j.byName[a.Account]
	if w == nil || j.managed[a.Account].mode == "API" {
		return nil // EKS does not look at it
	}
	for _, part := range []string{"mapRoles", "mapUsers"} {
		text, ok := object.Data[part]
		if !ok {
			continue
		}
		if text == nil {
			j.problems = append(j.problems, estate.Problem{Path: a.ID + ": config.data." + part, Why: "its value was not kept: who of IAM has rights in the cluster is unknown"})
			continue
		}
		list, err := readMap(*text)
		if err != nil {
			j.problems = append(j.problems, estate.Problem{Path: a.ID + ": config.data." + part, Why: "is not a list as aws-auth wants it: " + err.Error()})
			continue
		}
		for _, m := range list {
			if arn := cmp.Or(m.Role, m.User); arn != "" {
				w.AddPrincipal(rbac.Principal{ID: arn, User: cmp.Or(m.Name, arn), Groups: m.Groups, Source: a.ID})
			}
		}
	}
	return nil
}
