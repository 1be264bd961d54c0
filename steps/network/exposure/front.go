package exposure

import "github.com/sevenfold-sec/sevenfold/steps/network/reach"

// frontAsks are annotations of an ingress by which it asks callers who they
// are before it hands them on; frontMay those that name what may do so and is
// not read.
//
// https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/
// https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
var (
	frontAsks = []Setting{
		{Note: "nginx.ingress.kubernetes.io/auth-url"}, {Note: "nginx.ingress.kubernetes.io/auth-type"}, {Note: "nginx.ingress.kubernetes.io/auth-tls-secret"},
		{Note: "haproxy-ingress.github.io/auth-url"}, {Note: "haproxy.org/auth-type"},
		{Note: "alb.ingress.kubernetes.io/auth-type", Not: []string{"none"}},
	}
	frontMay = []Setting{
		{Note: "traefik.ingress.kubernetes.io/router.middlewares"}, {Note: "konghq.com/plugins"},
		{Note: "nginx.ingress.kubernetes.io/configuration-snippet"}, {Note: "nginx.ingress.kubernetes.io/server-snippet"}, {Note: "nginx.ingress.kubernetes.io/enable-global-auth", Is: []string{"true"}},
		{Note: "cloud.google.com/backend-config"},
	}
)

// Front says whether an ingress asks callers who they are, by its annotations
// (and those of the service behind it). It counts for the way through that
// ingress only: whoever reaches the service past it is not asked.
func Front(annotations map[string]string) (Auth, string) {
	s := Service{Notes: annotations}
	if answer, why := anyOf(frontAsks, &s); answer == reach.Yes {
		return Yes, why
	}
	if answer, why := anyOf(frontMay, &s); answer != reach.No {
		return Unknown, why + " names what may ask callers and is not read"
	}
	return No, "no annotation of the ingress asks callers who they are"
}
