package kube

import (
	"net/netip"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// schemes are the annotations by which clouds are told whether a load balancer
// has public addresses, with what their values mean; "*" is any other value.
//
// https://kubernetes.io/docs/concepts/services-networking/service/#internal-load-balancer
var schemes = map[string]map[string]reach.Answer{
	"service.beta.kubernetes.io/aws-load-balancer-scheme":                 {"internet-facing": reach.Yes, "internal": reach.No},
	"service.beta.kubernetes.io/aws-load-balancer-internal":               {"false": reach.Yes, "*": reach.No}, // once an address block, which meant yes
	"load-balancer.hetzner.cloud/disable-public-network":                  {"true": reach.No, "false": reach.Yes},
	"networking.gke.io/load-balancer-type":                                {"internal": reach.No, "external": reach.Yes},
	"cloud.google.com/load-balancer-type":                                 {"internal": reach.No, "external": reach.Yes},
	"service.beta.kubernetes.io/azure-load-balancer-internal":             {"true": reach.No, "false": reach.Yes},
	"service.beta.kubernetes.io/oci-load-balancer-internal":               {"true": reach.No, "false": reach.Yes},
	"service.beta.kubernetes.io/openstack-internal-load-balancer":         {"true": reach.No, "false": reach.Yes},
	"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type":      {"private": reach.No, "public": reach.Yes},
	"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type":  {"intranet": reach.No, "internet": reach.Yes},
	"service.kubernetes.io/qcloud-loadbalancer-internal-subnetid":         {"": reach.Unknown, "*": reach.No},
	"service.beta.kubernetes.io/do-loadbalancer-network":                  {"internal": reach.No, "external": reach.Yes},
	"service.beta.kubernetes.io/cce-load-balancer-internal-vpc":           {"true": reach.No, "false": reach.Yes},
	"service.beta.kubernetes.io/scw-loadbalancer-private":                 {"true": reach.No, "false": reach.Yes},
	"service.beta.kubernetes.io/azure-load-balancer-internal-subnet":      {"*": reach.Unknown},
	"service.beta.kubernetes.io/aws-load-balancer-private-ipv4-addresses": {"*": reach.No},
	"service.beta.kubernetes.io/aws-load-balancer-eip-allocations":        {"*": reach.Yes},
}

// known are the beginnings of annotations that say nothing of the scheme.
var known = []string{
	"external-dns.alpha.kubernetes.io/", "networking.gke.io/internal-load-balancer-", "load-balancer.hetzner.cloud/", "loadbalancer.openstack.org/",
	"service.beta.kubernetes.io/do-loadbalancer-", "service.beta.kubernetes.io/oci-load-balancer-", "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-",
	"service.beta.kubernetes.io/aws-load-balancer-", "service.beta.kubernetes.io/azure-load-balancer-", "service.beta.kubernetes.io/azure-pip-",
	"service.beta.kubernetes.io/azure-dns-label-name", "service.beta.kubernetes.io/azure-additional-public-ips", sourceRanges,
}

// nlbController is the class of the load balancers that AWS's own controller
// makes: network load balancers, internal unless told otherwise.
//
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/
const nlbController = "service.k8s.aws/nlb"

func (b *balancer) note(key string) string {
	return strings.ToLower(b.annotations["service.beta.kubernetes.io/"+key])
}

// byController says whether AWS's own controller makes the load balancer.
func (b *balancer) byController() bool {
	t := b.note("aws-load-balancer-type")
	return b.class == nlbController || t == "external" || t == "nlb-ip"
}

// public says whether a load balancer has an address that is routed in public,
// with the reason if that is not known.
func (b *balancer) public() (reach.Answer, string) {
	told, why := b.told()
	var has, not bool
	for _, ip := range b.ips {
		if reach.AddrOf(ip).Overlaps(public) {
			has = true
		} else {
			not = true
		}
	}
	for _, h := range b.hostnames {
		// AWS names its internal classic and application load balancers so.
		not = not || strings.HasPrefix(h, "internal-") && strings.HasSuffix(h, ".elb.amazonaws.com")
	}
	switch {
	case has && told != reach.No:
		return reach.Yes, ""
	case not && !has && (told != reach.Yes || len(b.saying()) == 0):
		return reach.No, ""
	case has || not:
		return reach.Unknown, "the load balancer's address and its annotations contradict each other"
	}
	return told, why
}

// saying are the annotations that speak of the scheme.
func (b *balancer) saying() map[string]reach.Answer {
	out := map[string]reach.Answer{}
	for key, value := range b.annotations {
		if values, ok := schemes[key]; ok && len(values) > 0 {
			answer, ok := values[strings.ToLower(value)]
			if !ok {
				answer = values["*"]
			}
			out[key] = answer
		}
	}
	return out
}

// told is the scheme by annotations, and by what each maker does without.
func (b *balancer) told() (reach.Answer, string) {
	yes, no, unknown := "", "", ""
	for key, answer := range b.saying() {
		switch answer {
		case reach.Yes:
			yes = key
		case reach.No:
			no = key
		default:
			unknown = key
		}
	}
	switch {
	case yes != "" && no != "":
		return reach.Unknown, "the annotations " + min(yes, no) + " and " + max(yes, no) + " contradict each other"
	case yes != "":
		return reach.Yes, ""
	case no != "":
		return reach.No, ""
	case unknown != "":
		return reach.Unknown, "what " + unknown + ": " + b.annotations[unknown] + " asks for is not known"
	}
	strange := ""
	for key := range b.annotations {
		if l := strings.ToLower(key); (strings.Contains(l, "load-balancer") || strings.Contains(l, "loadbalancer") || strings.Contains(l, "internal")) && !knownKey(key) && (strange == "" || key < strange) {
			strange = key
		}
	}
	switch {
	case strange != "":
		return reach.Unknown, "whether the annotation " + strange + " makes the load balancer internal is not known"
	case b.byController():
		return reach.No, "" // its default
	case b.class != "":
		return reach.Unknown, "what load balancers of the class " + b.class + " are is not known"
	}
	return reach.Yes, "" // "exposes the Service externally", says the API
}

func knownKey(key string) bool {
	if _, ok := schemes[key]; ok {
		return true
	}
	for _, k := range known {
		if strings.HasPrefix(key, k) {
			return true
		}
	}
	return false
}

// provider is the cloud that nodes run in, by their spec.providerID: "aws",
// "gce", "azure", another's word, or "" if it is not known.
func (c *Cluster) provider() string {
	found := ""
	for _, n := range c.nodes {
		word, _, ok := strings.Cut(n.provider, "://")
		if !ok || found != "" && word != found {
			return ""
		}
		found = word
	}
	return found
}

// rangesHold says whether somebody sees to it that only a load balancer's
// source ranges get in: the API says that clouds may pass them over.
func (e *Engine) rangesHold(s *service) (reach.Answer, string) {
	b := &s.balancer
	if b.note("aws-load-balancer-security-groups") != "" {
		return reach.Unknown, "its security groups are given by name, and then its source ranges do not count"
	}
	if len(b.ips) > 0 && !b.proxied {
		return reach.Yes, "" // the nodes themselves see to it
	}
	provider := e.cluster.provider()
	for key := range b.annotations {
		for word, mark := range map[string]string{"aws": "aws-load-balancer", "azure": "azure-load-balancer", "gce": "gke.io/"} {
			if strings.Contains(key, mark) {
				provider = word
			}
		}
	}
	switch {
	case b.class != "" && b.class != nlbController:
	case provider == "aws" || provider == "azure" || provider == "gce" || b.class == nlbController:
		return reach.Yes, ""
	}
	return reach.Unknown, "whether the cloud keeps to loadBalancerSourceRanges is not known"
}

// ownName says whether pods may see a load balancer's own address in the place
// of the client's.
func (e *Engine) ownName(s *service) bool {
	b := &s.balancer
	aws := e.cluster.provider() == "aws" || b.byController()
	for key := range b.annotations {
		aws = aws || strings.Contains(key, "aws-load-balancer")
	}
	if !aws {
		return b.proxied
	}
	keeps := b.note("aws-load-balancer-target-group-attributes")
	switch {
	case strings.Contains(keeps, "preserve_client_ip.enabled=true"):
		return false
	case strings.Contains(keeps, "preserve_client_ip.enabled=false"):
		return true
	}
	// Classic load balancers always do; network load balancers do for targets
	// by address.
	network := b.byController() || b.note("aws-load-balancer-type") == "nlb"
	return !network || b.note("aws-load-balancer-type") == "nlb-ip" || b.note("aws-load-balancer-nlb-target-type") == "ip"
}

// publicNodes says whether a node has an address that is routed in public.
func (e *Engine) publicNodes() (reach.Answer, string) {
	answer := reach.No
	for _, n := range e.cluster.nodes {
		switch {
		case anyPublic(n.ips):
			return reach.Yes, ""
		case len(n.ips) == 0:
			answer = reach.Unknown
		}
	}
	if len(e.cluster.nodes) == 0 {
		answer = reach.Unknown
	}
	return answer, "whether a node has a public address is not known"
}

func anyPublic(ips []netip.Addr) bool {
	for _, a := range ips {
		if public.Has(a) {
			return true
		}
	}
	return false
}
