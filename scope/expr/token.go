package expr

import (
	"regexp"
	"slices"
	"strings"
)

// sharedProviders are the identity providers IAM knows without an ARN: their
// tokens are for one application, which the key after the name tells.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
var sharedProviders = map[string][]string{
	"accounts.google.com":            {"accounts.google.com:aud", "accounts.google.com:oaud", "accounts.google.com:sub"},
	"cognito-identity.amazonaws.com": {"cognito-identity.amazonaws.com:aud", "cognito-identity.amazonaws.com:sub"},
	"graph.facebook.com":             {"graph.facebook.com:app_id", "graph.facebook.com:id"},
	"www.amazon.com":                 {"www.amazon.com:app_id", "www.amazon.com:user_id"},
}

// anyToken reports whether a statement of a trust policy takes tokens an
// identity provider gives to anybody: none of its conditions names whose.
func anyToken(v any) (any, error) {
	s, err := read(v)
	if err != nil {
		return nil, err
	}
	if s["Effect"] != "Allow" {
		return false, nil
	}
	federated, _ := s["Principal"].(map[string]any)["Federated"].([]any)
	for _, p := range federated {
		name := p.(string)
		keys, shared := sharedProviders[strings.ToLower(name)]
		switch {
		case shared && !holdsOne(s, func(k, op string, values []any) bool { return slices.Contains(keys, k) && narrow(op, k, values) }),
			strings.Contains(name, ":oidc-provider/") && !holdsOne(s, namesOwner),
			strings.Trim(name, "*?") == "":
			return true, nil
		}
	}
	return false, nil
}

// holdsOne reports whether one of a statement's conditions that need their key
// holds, by f.
func holdsOne(s map[string]any, f func(key, op string, values []any) bool) bool {
	for op, keys := range s["Condition"].(map[string]any) {
		if !positive(op) {
			continue
		}
		for k, values := range keys.(map[string]any) {
			if f(k, op, values.([]any)) {
				return true
			}
		}
	}
	return false
}

// ownerClaims are the claims that say whose token it is.
var ownerClaims = []string{
	"sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "project_path", "project_id",
	"namespace_path", "namespace_id", "job_workflow_ref", "terraform_organization_id", "organization_id", "enterprise_id",
}

// claimLabel is what stands before the owner in a subject: repo:, org/,
// system:serviceaccount:.
var claimLabel = regexp.MustCompile(`^(system:serviceaccount:|org/|[A-Za-z_]+:)`)

// namesOwner reports whether a condition names, in each of its values, whose
// token it takes: the owner (organisation, group, namespace) stands there
// literally, up to the mark that ends it.
func namesOwner(key, op string, values []any) bool {
	i := strings.LastIndexByte(key, ':')
	if i < 0 || !slices.Contains(ownerClaims, key[i+1:]) || !narrow(op, key, values) {
		return false
	}
	if !strings.HasSuffix(strings.ToLower(op), "like") {
		return true
	}
	return !slices.ContainsFunc(values, func(v any) bool {
		text := v.(string)
		wild := strings.IndexAny(text, "*?")
		if wild < 0 {
			return false
		}
		owner := strings.TrimPrefix(text[:wild], claimLabel.FindString(text[:wild]))
		return strings.IndexAny(owner, "/:@|") <= 0
	})
}
