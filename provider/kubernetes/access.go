package kubernetes

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

const rbac = "rbac.authorization.k8s.io"

// UserType and GroupType are the types of subjects, for which Kubernetes has no
// objects.
const (
	UserType  = rbac + "/v1/User"
	GroupType = rbac + "/v1/Group"
)

// subject names a user or group and sends it as a part.
func (r *reader) subject(kind, name string) string {
	if name == "" {
		return ""
	}
	id := r.id("", rbac, kind, name)
	typ := UserType
	if kind == "Group" {
		typ = GroupType
	}
	r.u.Parts = append(r.u.Parts, estate.Asset{
		ID: id, Type: typ, Cloud: estate.Kubernetes, Account: r.a.Account, Name: name, Kind: estate.KindIdentity, Source: r.a.Source,
	})
	return id
}

// serviceAccount declares the groups every service account is in, and the
// cloud identity it acts as.
func (r *reader) serviceAccount() {
	at := r.config("metadata", "name")
	for _, group := range []string{"system:serviceaccounts", "system:serviceaccounts:" + r.a.Region, "system:authenticated"} {
		r.relate(r.subject("Group", group), estate.MemberOf, at)
	}
	notes := r.config("metadata", "annotations")
	if arn := notes.at("eks.amazonaws.com/role-arn"); isARN(arn.text(), "iam") {
		r.relate(arn.text(), estate.RunsAs, arn)
	} else if arn.text() != "" {
		arn.wrong("the ARN of an IAM role")
	}
	if email := notes.at("iam.gke.io/gcp-service-account"); email.text() != "" {
		_, domain, _ := strings.Cut(email.text(), "@")
		project, _, ok := strings.Cut(domain, ".iam.gserviceaccount.com")
		if !ok {
			project = "-" // the API's spelling where the account alone names the project
		}
		r.relate("//iam.googleapis.com/projects/"+project+"/serviceAccounts/"+email.text(), estate.RunsAs, email)
	}
	if client := notes.at("azure.workload.identity/client-id"); client.text() != "" {
		r.relate("https://graph.microsoft.com/v1.0/servicePrincipals(appId='"+client.text()+"')", estate.RunsAs, client)
	}
	for _, member := range []string{"secrets", "imagePullSecrets"} {
		for _, s := range r.config(member).items() {
			r.relate(r.local("Secret", s.at("name").text()), estate.Reads, s.at("name"))
		}
	}
}

// binding declares whom a RoleBinding or ClusterRoleBinding gives which role.
// The subject is attached to the binding and not to the role, since the
// binding says where the rights hold.
func (r *reader) binding() {
	role := r.config("roleRef")
	namespace := ""
	if role.at("kind").text() == "Role" {
		namespace = r.a.Region
	}
	r.relate(r.id(namespace, rbac, role.at("kind").text(), role.at("name").text()), estate.Uses, role)
	for _, s := range r.config("subjects").items() {
		to := ""
		name := s.at("name").text()
		switch kind := s.at("kind").text(); kind {
		case "User":
			if to = r.accountUser(name); to == "" {
				to = r.subject("User", name)
			}
		case "Group":
			to = r.subject("Group", name)
		case "ServiceAccount":
			ns := s.at("namespace").text()
			if ns == "" {
				ns = r.a.Region
			}
			to = r.id(ns, "", "ServiceAccount", name)
		default:
			s.at("kind").wrong("a User, Group or ServiceAccount")
		}
		r.relate(to, estate.Grants, s)
		r.join(to, r.a.ID, estate.Attached, s.path)
	}
}

// accountUser names the service account that a user name of the form
// system:serviceaccount:NS:NAME stands for.
func (r *reader) accountUser(user string) string {
	parts := strings.Split(user, ":")
	if len(parts) != 4 || parts[0] != "system" || parts[1] != "serviceaccount" {
		return ""
	}
	return r.id(parts[2], "", "ServiceAccount", parts[3])
}

// clusterRole declares nothing by name: what an aggregated role is made of is
// chosen by label and therefore joined in Derive.
func (r *reader) clusterRole() {
	for _, rule := range r.config("rules").items() {
		rule.at("verbs").list()
		rule.at("resources").list()
	}
}
