package iam

import "strings"

// fixed decides what no policy does: yes and no, or open for all else.
//
// Anybody may ask who he is, whatever denies it (sts:GetCallerIdentity in the
// STS API reference). The managed policies of AWS, service-linked roles and the
// roles of IAM Identity Center are changed by AWS alone (IAM User Guide,
// "Managed policies and inline policies", "Using service-linked roles"; IAM
// Identity Center User Guide, "Permission sets"), and so are the aliases of its
// own keys (KMS Developer Guide, "Aliases").
func (d *decision) fixed() truth {
	if d.actionSet != nil {
		return open
	}
	switch {
	case d.action.full == "sts:getcalleridentity" && d.principal.Kind != Anonymous && d.principal.Kind != Federated:
		return yes
	case d.action.service == "kms" && strings.Contains(d.resource, ":alias/aws/"):
		return of3(d.principal.Kind != ServicePrincipal && changesAlias[d.action.full])
	case d.action.service != "iam" || d.principal.Kind == ServicePrincipal || d.resourceSet != nil:
		return open
	}
	name := strings.TrimPrefix(d.action.full, "iam:")
	switch {
	case strings.HasPrefix(d.resource, "arn:aws:iam::aws:policy/"):
		return of3(changesPolicy[name])
	case strings.Contains(d.resource, ":role/aws-reserved/"):
		return of3(changesRole[name] || name == "passrole" || name == "deleteservicelinkedrole" || name == "createservicelinkedrole")
	case strings.Contains(d.resource, ":role/aws-service-role/"):
		return of3(changesRole[name] && name != "updateroledescription")
	}
	return open
}

func of3(refused bool) truth {
	if refused {
		return no
	}
	return open
}

var changesPolicy = map[string]bool{
	"createpolicy": true, "createpolicyversion": true, "deletepolicy": true, "deletepolicyversion": true,
	"setdefaultpolicyversion": true, "tagpolicy": true, "untagpolicy": true,
}

var changesAlias = map[string]bool{"kms:createalias": true, "kms:deletealias": true, "kms:updatealias": true}

var changesRole = map[string]bool{
	"attachrolepolicy": true, "createrole": true, "deleterole": true, "deleterolepermissionsboundary": true,
	"deleterolepolicy": true, "detachrolepolicy": true, "putrolepermissionsboundary": true, "putrolepolicy": true,
	"tagrole": true, "untagrole": true, "updateassumerolepolicy": true, "updaterole": true, "updateroledescription": true,
}
