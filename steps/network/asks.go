package network

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/exposure"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// asked are the ways that a caller who cannot say who he is may not go: what stands before
// a service asks for a sign-in. Only the doors of AI services are asked about so; that a
// connection can be opened to the door is true all the same.
type asked struct {
	amazon *aws.Network      // without the listeners that ask; nil if none does
	known  map[pair]Link     // decided so far
	doors  map[string]asking // by cluster and door
	said   []string          // what asked, and what may
	nobody bool              // nothing in the estate asks
}

// asking is what a door of a cluster asks of callers.
type asking struct {
	auth exposure.Auth
	why  string
}

// unsigned runs fn so that nobody it asks about has a sign-in, and returns what stood in
// the way or may have.
func (w *World) unsigned(fn func()) []string {
	if w.asked == nil {
		w.asked = &asked{known: map[pair]Link{}, doors: map[string]asking{}, amazon: w.withoutSignIns()}
		w.asked.nobody = w.asked.amazon == nil && !w.anyAsks()
	}
	if w.asked.said = nil; w.asked.nobody {
		fn() // it makes no difference, and what was decided before stands
		return unique(w.asked.said)
	}
	known, amazon := w.known, w.amazon
	w.known, w.asking, w.asked.said = w.asked.known, true, nil
	if w.asked.amazon != nil {
		w.amazon = w.asked.amazon
	}
	defer func() { w.known, w.amazon, w.asking = known, amazon, false }()
	fn()
	return unique(w.asked.said)
}

// anyAsks reports whether some door of some cluster asks callers who they are, or may.
func (w *World) anyAsks() bool {
	for _, c := range w.clusters {
		for door := range c.doorsOf() {
			if w.asks(c, door).auth != exposure.No {
				return true
			}
		}
	}
	return false
}

// withoutSignIns is the network of AWS without the listeners of load balancers that ask
// every caller who he is, nil if there are none.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
func (w *World) withoutSignIns() *aws.Network {
	if len(w.signIns) == 0 {
		return nil
	}
	m := *w.model
	m.LoadBalancers = slices.Clone(m.LoadBalancers)
	for i := range m.LoadBalancers {
		lb := &m.LoadBalancers[i]
		lb.Listeners = slices.DeleteFunc(slices.Clone(lb.Listeners), func(l aws.Listener) bool {
			return slices.Contains(w.signIns, fmt.Sprintf("%s %d", lb.ID, l.Port))
		})
	}
	return aws.New(&m)
}

// asks says what a door of a cluster, as ways name it, asks of callers.
func (w *World) asks(c *cluster, door string) asking {
	key := c.name + " " + door
	a, ok := w.asked.doors[key]
	if !ok {
		a.auth = exposure.No
		kind, name, _ := strings.Cut(door, " ")
		ns, name, _ := strings.Cut(name, "/")
		switch kind {
		case "ingress":
			a = w.ingressAsks(c, ns, name)
		case "gateway":
			a = w.gatewayAsks(c, ns, name)
		}
		w.asked.doors[key] = a
	}
	if a.auth != exposure.No {
		w.asked.said = append(w.asked.said, door+": "+a.why)
	}
	return a
}

// past is a way through some doors for a caller without a sign-in.
func (w *World) past(c *cluster, via []string, l Link) Link {
	if !w.asking || l.Reachable == reach.No {
		return l
	}
	for _, door := range via {
		switch a := w.asks(c, door); a.auth {
		case exposure.Yes:
			return no(door + " asks callers who they are: " + a.why)
		case exposure.Unknown:
			l = Link{Reachable: reach.Unknown, Maybe: l.Ports.Union(l.Maybe), Because: []string{"whether " + door + " asks callers who they are is not known: " + a.why}}
		}
	}
	return l
}

// ingressAsks reads the annotations of an Ingress, which count with the controller that
// knows them.
func (w *World) ingressAsks(c *cluster, ns, name string) asking {
	n, ok := w.snap.Find("k8s://" + c.name + "/" + ns + "/Ingress/" + name)
	if !ok {
		return asking{exposure.Unknown, "it was not read"}
	}
	notes := w.notesOf(n)
	auth, why := exposure.Front(notes)
	if auth != exposure.Yes {
		return asking{auth, why}
	}
	config, _ := w.snap.Config(n) // it was read a moment ago
	var d struct {
		Spec struct{ IngressClassName string }
	}
	_ = json.Unmarshal(config, &d) // of another shape it names no class
	class := firstOf(d.Spec.IngressClassName, notes["kubernetes.io/ingress.class"])
	controller, sure := w.controllerOf(c, class)
	for _, known := range []string{"nginx", "alb", "haproxy"} {
		if strings.Contains(why, known+".ingress.kubernetes.io/") || known == "haproxy" && strings.Contains(why, "haproxy") {
			if sure && strings.Contains(controller, known) {
				return asking{exposure.Yes, why}
			}
			return asking{exposure.Unknown, fmt.Sprintf("%s, which only a controller for %s reads, and that of class %q is %s", why, known, class, firstOf(controller, "not known"))}
		}
	}
	return asking{auth, why}
}

// controllerOf is the controller of an IngressClass, by the class where it was read and
// else by its name; "" is the default class.
func (w *World) controllerOf(c *cluster, class string) (string, bool) {
	for n, a := range w.snap.Assets() {
		if a.Type != "networking.k8s.io/v1/IngressClass" || a.Account != c.name || a.Referenced {
			continue
		}
		if a.Name != class && (class != "" || w.notesOf(n)["ingressclass.kubernetes.io/is-default-class"] != "true") {
			continue
		}
		config, err := w.snap.Config(n)
		var d struct{ Spec struct{ Controller string } }
		if err == nil && json.Unmarshal(config, &d) == nil && d.Spec.Controller != "" {
			return d.Spec.Controller, true
		}
	}
	return class, class != ""
}

// gatewayPolicies are the kinds of policies that ask callers of a Gateway or its routes
// who they are, by the members of their spec that do so.
// https://gateway.envoyproxy.io/docs/api/extension_types/#securitypolicyspec
var gatewayPolicies = map[string][]string{
	"SecurityPolicy":        {"oidc", "jwt", "basicAuth", "apiKeyAuth", "extAuth"},
	"GCPBackendPolicy":      {"default"},
	"AuthPolicy":            {"rules", "defaults", "overrides"},
	"RequestAuthentication": {"jwtRules"},
}

// gatewayAsks looks for policies on a Gateway. One for all of it that demands a sign-in
// counts; one for a route, or one that is not read, leaves it unknown.
func (w *World) gatewayAsks(c *cluster, ns, name string) asking {
	out := asking{exposure.No, "no policy for the gateway asks callers who they are"}
	for n, a := range w.snap.Assets() {
		_, kind := groupKind(a.Type)
		members := gatewayPolicies[kind]
		if members == nil || a.Cloud != estate.Kubernetes || a.Account != c.name || a.Referenced {
			continue
		}
		config, err := w.snap.Config(n)
		if err != nil {
			continue
		}
		type target struct{ Kind, Name, SectionName string }
		var d struct {
			Spec struct {
				TargetRef  target
				TargetRefs []target
			}
		}
		var spec struct{ Spec map[string]json.RawMessage }
		_, _ = json.Unmarshal(config, &d), json.Unmarshal(config, &spec) // members of another shape are not the ones meant
		if !slices.ContainsFunc(members, func(m string) bool { return spec.Spec[m] != nil }) {
			continue
		}
		for _, t := range append(d.Spec.TargetRefs, d.Spec.TargetRef) {
			switch {
			case kind == "SecurityPolicy" && t.Kind == "Gateway" && t.Name == name && a.Region == ns && t.SectionName == "":
				return asking{exposure.Yes, a.ID + " asks for it"}
			case t.Kind == "Gateway" && t.Name != name || t.Kind == "Gateway" && a.Region != ns || t.Kind == "" && t.Name == "":
			default:
				out = asking{exposure.Unknown, a.ID + " may ask, of some routes or callers"}
			}
		}
	}
	return out
}

// imageOf finds the images of a pod's or template's containers in its configuration.
var imageOf = regexp.MustCompile(`"image":\s*"([^"]*)"`)

// proxies are images that ask callers who they are before they hand them to another
// container of their pod.
var proxies = []string{"oauth2-proxy", "oauth2_proxy", "oauth-proxy", "kube-rbac-proxy", "louketo-proxy", "pomerium"}

// sidecar is the image of a container beside a service that may ask in its place, "" if
// there is none.
func (w *World) sidecar(n estate.Node) string {
	config, err := w.snap.Config(n)
	if err != nil {
		return ""
	}
	for _, m := range imageOf.FindAllSubmatch(config, -1) {
		image := string(m[1])
		if slices.ContainsFunc(proxies, func(p string) bool { return strings.Contains(image, p) }) {
			return image
		}
	}
	return ""
}
