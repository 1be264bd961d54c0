package aws

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Everyone is the set node of all principals, anonymous ones included.
const Everyone = "set://principals/*"

// ServicePrincipalType is the type of the nodes that stand for AWS services as
// principals ("sagemaker.amazonaws.com").
const ServicePrincipalType = "AWS::ServicePrincipal"

// principalID gives the id of the asset a policy's principal means, noting
// nodes that no collector sends as parts.
func (r *reading) principalID(p Principal) string {
	switch {
	case p.ID == "*" && p.Type != "Service":
		r.part(estate.Asset{ID: Everyone, Type: estate.SetType, Kind: estate.KindIdentity, Name: "everyone"})
		return Everyone
	case p.Type == "Service":
		r.part(estate.Asset{ID: p.ID, Type: ServicePrincipalType, Kind: estate.KindService, Name: p.ID})
	case isAccount(p.ID):
		return ARN{r.partition(), "iam", "", p.ID, "root"}.String()
	case p.Type == "CanonicalUser":
		id := "canonical-user://" + p.ID
		r.part(estate.Asset{ID: id, Type: "AWS::S3::CanonicalUser", Kind: estate.KindIdentity})
		return id
	case isID(p.ID):
	case p.Type == "Federated":
		r.part(estate.Asset{ID: p.ID, Type: "AWS::FederatedPrincipal", Kind: estate.KindIdentity, Name: p.ID})
	default: // the unique id that is left of a deleted user or role
		r.part(estate.Asset{ID: p.ID, Type: "AWS::IAM::DeletedPrincipal", Kind: estate.KindIdentity, Name: p.ID})
	}
	return p.ID
}

// trust relates a role to each principal its trust policy lets assume it. A
// statement of other actions (sts:TagSession) lets nobody.
func (r *reading) trust(path string) []Statement {
	doc := r.cfg.at(path)
	all := r.policyAt(TrustPolicy, "", doc)
	for _, s := range all {
		if s.Effect != "Allow" || !s.assumes() {
			continue
		}
		where := doc.path + ".Statement[" + strconv.Itoa(s.Index) + "]"
		for _, p := range s.Principals {
			r.relate(r.a.ID, estate.Trusts, r.principalID(p), where+".Principal")
		}
		if len(s.NotPrincipals) > 0 {
			r.relate(r.a.ID, estate.Trusts, r.principalID(Principal{"*", "*"}), where+".NotPrincipal")
		}
	}
	return all
}

// assumptions are the actions by which a role is taken, in lower case.
var assumptions = []string{"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity"}

// assumes reports whether a statement's actions are, among others, one by which
// a role is taken.
func (s *Statement) assumes() bool {
	return slices.ContainsFunc(assumptions, func(action string) bool {
		fits := func(p string) bool { return wild(strings.ToLower(p), action) }
		if len(s.Actions) > 0 {
			return slices.ContainsFunc(s.Actions, fits)
		}
		return !slices.ContainsFunc(s.NotActions, fits)
	})
}

// wild reports whether a pattern of the policy language matches a text.
func wild(pattern, text string) bool {
	begins := func(text, part string) bool {
		return len(text) >= len(part) && slices.EqualFunc([]byte(part), []byte(text[:len(part)]), func(p, c byte) bool { return p == '?' || p == c })
	}
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return len(text) == len(first) && begins(text, first)
	}
	if len(text) < len(first)+len(last) || !begins(text, first) || !begins(text[len(text)-len(last):], last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] { // each where it comes first
		for !begins(text, part) {
			if text == "" {
				return false
			}
			text = text[1:]
		}
		text = text[len(part):]
	}
	return true
}

// resourcePolicy is the linker of a resource's own policy: each allowing
// statement becomes a set node that the asset contains and that grants to the
// statement's principals, so that classes join and never pairs.
func resourcePolicy(n node, _ estate.RelationType) {
	r := n.r
	for _, s := range r.policyAt(ResourcePolicy, "", n) {
		if s.Effect != "Allow" || len(s.Principals)+len(s.NotPrincipals) == 0 {
			continue
		}
		where := n.path + ".Statement[" + strconv.Itoa(s.Index) + "]"
		set := r.a.ID + "#statement/" + strconv.Itoa(s.Index)
		r.ownPart(estate.Asset{ID: set, Type: estate.SetType, Kind: estate.KindPolicy,
			Name: firstOf(s.Sid, "statement "+strconv.Itoa(s.Index))}, where)
		for _, p := range s.Principals {
			r.relate(set, estate.Grants, r.principalID(p), where+".Principal")
		}
		if len(s.NotPrincipals) > 0 {
			r.relate(set, estate.Grants, r.principalID(Principal{"*", "*"}), where+".NotPrincipal")
		}
	}
}
