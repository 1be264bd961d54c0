package audit

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// What refuses objects of a cluster holds them back only as far as it looks, and
// as long as it answers.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/

// looking are the members of a webhook or an admission policy that say what it
// looks at and what it does then; of those that are true, only what goes or
// changes lets more pass, since one more of them asks for more.
var looking = map[string]bool{
	"failurePolicy": false, "namespaceSelector": false, "objectSelector": false, "matchConditions": false, "matchPolicy": false,
	"excludeResourceRules": false, "clientConfig": false, "matchResources": false, "paramRef": false, "policyName": false, "variables": false,
	"rules": true, "resourceRules": true, "operations": true, "resources": true, "apiGroups": true, "apiVersions": true,
	"matchConstraints": true, "validations": true, "validationActions": true, "webhooks": true,
}

// admitsUnseen tells that what refuses objects of a cluster looks at others now, or
// does something else about them: what it refused may be admitted.
func admitsUnseen(a *estate.Asset, changes []Change) []string {
	if !strings.HasPrefix(a.Type, "admissionregistration.k8s.io/") || strings.Contains(a.Type, "Mutating") {
		return nil
	}
	for _, ch := range changes {
		for _, member := range strings.FieldsFunc(ch.Attribute, func(r rune) bool { return strings.ContainsRune(".[]()", r) }) {
			asksMore, looks := looking[member]
			if member == "webhooks" && ch.After != nil {
				continue // what of it changed stands behind
			}
			if looks && !(asksMore && ch.Before == nil) && string(ch.After) != `"Fail"` {
				return []string{"what " + a.Name + " refused in the cluster may be admitted now"}
			}
			if looks && member != "webhooks" {
				break // the first that says is the one that counts
			}
		}
	}
	return nil
}
