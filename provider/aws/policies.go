package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// PolicyKind says what a policy document is to the asset that holds it.
type PolicyKind string

// The kinds of policy document.
const (
	IdentityPolicy PolicyKind = "identity" // gives its holder rights: inline or managed
	ResourcePolicy PolicyKind = "resource" // gives others rights on its holder
	TrustPolicy    PolicyKind = "trust"    // says who may assume the role
	ControlPolicy  PolicyKind = "control"  // an organisation's bound on rights (SCP or RCP)
)

// Policy is one policy document found in an asset's configuration.
type Policy struct {
	Kind PolicyKind
	// Name is the inline policy's name; empty where an asset has one document.
	Name string
	// Path is where the document stands ("config.GetBucketPolicy.Policy").
	Path string
	// Statements are those that could be read whole; the others are problems.
	Statements []Statement
}

// Policies reads every policy document of an asset: a role's trust and inline
// policies, the default version of a managed policy, a resource's own policy,
// an organisation's control policy. Its problems are those of Understand: where
// there are any, the statements may not be all.
func Policies(a *estate.Asset) ([]Policy, []estate.Problem) {
	r := understand(a)
	return r.policies, r.out.Problems
}

// policyAt notes a document with its statements.
func (r *reading) policyAt(kind PolicyKind, name string, at node) []Statement {
	doc := document(at)
	if !doc.ok() {
		return nil
	}
	st := statements(doc)
	r.policies = append(r.policies, Policy{Kind: kind, Name: name, Path: at.path, Statements: st})
	return st
}

// managedPolicy reads the default version of a managed policy.
func managedPolicy(r *reading) {
	for v := range r.cfg.each("PolicyVersionList[]") {
		if v.at("IsDefaultVersion").flag() {
			r.policyAt(IdentityPolicy, "", v.at("Document"))
		}
	}
	for _, path := range []string{"GetPolicyVersion.PolicyVersion.Document", "PolicyVersion.Document"} {
		if at := r.peek(path); at.ok() {
			r.policyAt(IdentityPolicy, "", at)
		}
	}
}

// controlPolicy reads an organisation's policy. Policies of other types than
// service and resource control (backup, tags) are written in other languages.
func controlPolicy(r *reading) {
	typ := firstOf(r.peek("PolicySummary.Type").words(), r.peek("Type").words())
	if typ == "" || strings.HasSuffix(typ, "_CONTROL_POLICY") {
		r.policyAt(ControlPolicy, "", r.cfg.at("Content"))
	}
}
