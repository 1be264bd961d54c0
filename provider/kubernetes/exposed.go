package kubernetes

import (
	"encoding/json"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// MayBeExposed reports whether objects of a type can be met from outside the
// cluster by their own configuration, which Exposed then reads.
func MayBeExposed(typ string) bool {
	group, kind := split(typ)
	return slices.Contains([]string{"Service.", "Ingress.networking.k8s.io", "Ingress.extensions", "Gateway.gateway.networking.k8s.io"}, kind+"."+group)
}

// Exposed says why the internet meets an object, "" if it does not or if a
// load balancer is said to be the company's own. Whether a cloud's firewall
// stands before it is not asked here.
func Exposed(a *estate.Asset, config json.RawMessage) string {
	_, kind := split(a.Type)
	if !MayBeExposed(a.Type) {
		return ""
	}
	var object struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
		Spec struct {
			Type   string   `json:"type"`
			Ranges []string `json:"loadBalancerSourceRanges"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(config, &object); err != nil {
		return "" // Understand names what does not fit
	}
	notes := object.Metadata.Annotations
	for name, values := range inside {
		if v, ok := notes[name]; ok && slices.Contains(values, v) {
			return ""
		}
	}
	switch {
	case kind == "Ingress":
		return "an ingress takes requests from outside the cluster"
	case kind == "Gateway":
		return "a gateway takes requests from outside the cluster"
	case object.Spec.Type == "LoadBalancer" && (len(object.Spec.Ranges) == 0 || slices.Contains(object.Spec.Ranges, "0.0.0.0/0") || slices.Contains(object.Spec.Ranges, "::/0")):
		return "a service of type LoadBalancer is met from outside the cluster"
	}
	return ""
}

// inside are the annotations that keep a load balancer inside the company's
// network, by the values that do.
var inside = map[string][]string{
	"service.beta.kubernetes.io/aws-load-balancer-scheme":     {"internal"},
	"service.beta.kubernetes.io/aws-load-balancer-internal":   {"true", "0.0.0.0/0"},
	"alb.ingress.kubernetes.io/scheme":                        {"internal"},
	"networking.gke.io/load-balancer-type":                    {"Internal"},
	"cloud.google.com/load-balancer-type":                     {"Internal", "internal"},
	"kubernetes.io/ingress.class":                             {"gce-internal"},
	"service.beta.kubernetes.io/azure-load-balancer-internal": {"true"},
}
