package aws

import (
	"encoding/json"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// MayBeExposed reports whether assets of a type can be met from the internet
// by their own configuration, which Exposed then reads.
func MayBeExposed(typ string) bool { return met[typ] != "" }

// met are the types whose scheme says whether the internet meets them.
var met = map[string]string{
	"AWS::ElasticLoadBalancingV2::LoadBalancer": "Scheme",
	"AWS::ElasticLoadBalancing::LoadBalancer":   "Scheme",
}

// Exposed says why the internet meets an asset, "" if it does not. What a
// firewall group before it holds back is not asked here.
func Exposed(a *estate.Asset, config json.RawMessage) string {
	member := met[a.Type]
	cfg, err := decode(config)
	if member == "" || err != nil { // Understand names what does not fit
		return ""
	}
	if cfg[member] == "internet-facing" {
		return "a load balancer that faces the internet"
	}
	return ""
}
