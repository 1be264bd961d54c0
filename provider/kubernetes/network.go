package kubernetes

import "github.com/sevenfold-sec/sevenfold/estate"

// ingress declares the services an Ingress routes to, in both spellings of a
// back end (networking.k8s.io/v1 and the older service name).
func (r *reader) ingress() {
	backend := func(b value) {
		name := b.at("service", "name")
		if name.missing() {
			name = b.at("serviceName")
		}
		r.relate(r.local("Service", name.text()), estate.RoutesTo, name)
	}
	backend(r.config("spec", "defaultBackend"))
	backend(r.config("spec", "backend"))
	for _, rule := range r.config("spec", "rules").items() {
		for _, p := range rule.at("http", "paths").items() {
			backend(p.at("backend"))
		}
	}
	class := r.config("spec", "ingressClassName")
	r.relate(r.id("", "networking.k8s.io", "IngressClass", class.text()), estate.Uses, class)
	for _, tls := range r.config("spec", "tls").items() {
		r.relate(r.local("Secret", tls.at("secretName").text()), estate.Reads, tls.at("secretName"))
	}
}

// gatewayRoute declares what a Gateway API route leads to, and the gateways
// that lead to the route.
func (r *reader) gatewayRoute() {
	for _, p := range r.config("spec", "parentRefs").items() {
		group, kind := text(p, "group", "gateway.networking.k8s.io"), text(p, "kind", "Gateway")
		r.join(r.id(text(p, "namespace", r.a.Region), group, kind, p.at("name").text()), r.a.ID, estate.RoutesTo, p.path)
	}
	for _, rule := range r.config("spec", "rules").items() {
		for _, b := range rule.at("backendRefs").items() {
			group := b.at("group").text()
			r.relate(r.id(text(b, "namespace", r.a.Region), group, text(b, "kind", "Service"), b.at("name").text()), estate.RoutesTo, b)
		}
	}
}

// text reads a member that has a default.
func text(x value, name, otherwise string) string {
	if s := x.at(name).text(); s != "" {
		return s
	}
	return otherwise
}

// scaler declares what an autoscaler grows.
func (r *reader) scaler() {
	target := r.config("spec", "scaleTargetRef")
	group, kind := groupOf(target.at("apiVersion").text()), target.at("kind").text()
	if kind == "" {
		group, kind = "apps", "Deployment" // KEDA's default
	}
	r.relate(r.id(r.a.Region, group, kind, target.at("name").text()), estate.Scales, target)
}

// webhooks declares the services that admission calls out to.
func (r *reader) webhooks() {
	for _, w := range r.config("webhooks").items() {
		s := w.at("clientConfig", "service")
		r.relate(r.id(s.at("namespace").text(), "", "Service", s.at("name").text()), estate.Uses, s)
	}
}

func (r *reader) apiService() {
	s := r.config("spec", "service")
	r.relate(r.id(s.at("namespace").text(), "", "Service", s.at("name").text()), estate.Uses, s)
}
