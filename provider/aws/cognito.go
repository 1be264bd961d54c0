package aws

import "github.com/sevenfold-sec/sevenfold/estate"

// cognitoTypes are the pools that applications sign their users in with, and
// that give them roles.
var cognitoTypes = map[string]spec{
	"AWS::Cognito::UserPool": {estate.KindService, []edge{
		{estate.RunsAs, "SmsConfiguration.SnsCallerArn", role},
		{estate.EncryptsBy, "LambdaConfig.KMSKeyID", key},
	}, func(r *reading) {
		for name, n := range r.cfg.at("LambdaConfig").members() {
			if _, versioned := n.v.(map[string]any); versioned {
				n = n.at("LambdaArn")
			}
			if name != "KMSKeyID" && n.str() != "" {
				function(n, estate.Triggers)
			}
		}
	}},
	"AWS::Cognito::UserPoolClient": {estate.KindIdentity, nil, nil},
	"AWS::Cognito::IdentityPool": {estate.KindService, []edge{
		{estate.Trusts, "OpenIdConnectProviderARNs[]", byARN},
		{estate.Trusts, "SamlProviderARNs[]", byARN},
	}, func(r *reading) {
		// Whoever the pool lets in has the rights of these roles.
		for _, n := range r.cfg.at("GetIdentityPoolRoles.Roles").members() {
			role(n, estate.RunsAs)
		}
	}},
}
