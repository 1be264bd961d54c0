package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// harbour is the cluster of the tests of doors: a web server and a stranger on
// two nodes, an ingress controller before them.
const harbour = `
{apiVersion: v1, kind: Namespace, metadata: {name: app, labels: {team: web}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: edge, labels: {team: platform}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: dev}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 10.0.0.2}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: app, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
status: {podIP: 10.1.0.10}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: dev, labels: {app: other}}
spec: {nodeName: n2, containers: [{name: c}]}
status: {podIP: 10.1.0.20}
---
apiVersion: v1
kind: Pod
metadata: {name: nginx, namespace: edge, labels: {app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: controller}}
spec: {nodeName: n2, containers: [{name: c}]}
status: {podIP: 10.1.0.30}
---
`

// webService is a Service before web; more is added to its spec, meta to its
// metadata, status is its status.
func webService(more, meta, status string) string {
	return fmt.Sprintf("---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: app, %s}, spec: {selector: {app: web}, clusterIP: 172.20.0.5, ports: [{port: 80, targetPort: http, nodePort: 30080}], %s}, status: {%s}}\n", meta, more, status)
}

const (
	balanced = "type: LoadBalancer"
	nginx    = `
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}
---
{apiVersion: v1, kind: Service, metadata: {name: nginx, namespace: edge}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app.kubernetes.io/name: ingress-nginx}, ports: [{port: 80, targetPort: 8080}, {port: 443, targetPort: 8443}]}, status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: app}, spec: {ingressClassName: nginx, rules: [{host: example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}
`
	annotated = "annotations: {%s}"
	onlyEdge  = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: from-edge, namespace: app}, spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: platform}}}]}]}}\n"
	onlyBlock = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: from-block, namespace: app}, spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: %s}}]}]}}\n"
	awsNodes  = "---\n{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {providerID: aws:///eu-west-1a/i-1}, status: {addresses: [{type: InternalIP, address: 10.0.0.1}]}}\n---\n{apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {providerID: aws:///eu-west-1a/i-2}, status: {addresses: [{type: InternalIP, address: 10.0.0.2}]}}\n"
	openNode  = "---\n{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 10.0.0.1}, {type: ExternalIP, address: 198.51.100.1}]}}\n"
)

func albIngress(notes string) string {
	return fmt.Sprintf("---\n{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: app, annotations: {%s}}, spec: {ingressClassName: alb, defaultBackend: {service: {name: web, port: {name: \"\", number: 80}}}}}\n", notes)
}

func note(key, value string) string { return fmt.Sprintf("%s: %q", key, value) }

type doorCase struct {
	name, objects, from, to, ports string
	want                           string // answer, ports that surely open, and the path
}

func runDoors(t *testing.T, tests []doorCase) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCluster()
			if err := c.Read("harbour", strings.NewReader(harbour+tt.objects)); err != nil && !strings.HasPrefix(tt.want, "unknown") {
				t.Fatal(err)
			}
			var ports reach.Ports
			if tt.ports != "" {
				ports, _ = reach.ParsePort(tt.ports)
			}
			r, err := New(c).Can(endOf(t, tt.from), endOf(t, tt.to), ports)
			if err != nil {
				t.Fatal(err)
			}
			got := r.Reachable.String()
			if r.Reachable == reach.Yes {
				got += " " + r.Ports.String() + ": " + strings.Join(r.Path, " > ")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%+v", diff, r)
			}
			explainedDoor(t, r)
		})
	}
}

// explainedDoor fails unless an answer through a door says why it is so.
func explainedDoor(t *testing.T, r Result) {
	t.Helper()
	reason := r.Reachable == reach.Yes
	for _, b := range r.Because {
		reason = reason || r.Reachable == reach.No && b.Effect != "" || b.Reason != ""
	}
	if !reason {
		t.Errorf("%v without a reason: %+v", r.Reachable, r)
	}
}

// https://kubernetes.io/docs/concepts/services-networking/service/
func TestServices(t *testing.T) {
	const web, other, svc = "pod app/web", "pod dev/other", "service app/web"
	balancer := func(more, notes, status string) string {
		return webService(balanced+more, fmt.Sprintf(annotated, notes), status)
	}
	ranges := ", loadBalancerSourceRanges: [192.0.2.0/24]"
	at := "loadBalancer: {ingress: [{ip: 203.0.113.7}]}"
	runDoors(t, []doorCase{
		{"its own address is inside", webService("", "", ""), other, svc, "", "yes tcp/80: pod dev/other > service app/web > pod app/web"},
		{"and is not routed in public", webService("", "", ""), "internet", svc, "", "no"},
		{"but perhaps in private", webService("", "", ""), "10.9.9.9", svc, "", "unknown"},
		{"a policy sees the pod", webService("", "", "") + onlyEdge, other, svc, "", "no"},
		{"by the service's address", webService("", "", ""), other, "172.20.0.5", "tcp/80", "yes tcp/80: pod dev/other > service app/web > pod app/web"},
		{"a policy of blocks does not see the service's address", webService("", "", "") + "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: out, namespace: dev}, spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.1.0.10/32}}]}]}}\n", other, "172.20.0.5", "", "yes tcp/80: pod dev/other > service app/web > pod app/web"},
		{"the service's address on no port of it", webService("", "", ""), other, "172.20.0.5", "tcp/81", "no"},
		{"a port of the nodes, none of them public", webService("type: NodePort", "", ""), "internet", svc, "", "no"},
		{"a port of a public node", webService("type: NodePort", "", "") + openNode, "internet", svc, "", "yes tcp/30080: internet > service app/web > pod app/web"},
		{"a port of the nodes from a private address", webService("type: NodePort", "", ""), "10.9.9.9", svc, "tcp/30080", "yes tcp/30080: 10.9.9.9 > service app/web > pod app/web"},
		{"a port of the nodes, by a node's address", webService("type: NodePort", "", ""), "10.9.9.9", "10.0.0.2", "tcp/30080", "yes tcp/30080: 10.9.9.9 > service app/web > pod app/web"},
		{"policies may see the node", webService("type: NodePort", "", "") + fmt.Sprintf(onlyBlock, "10.9.0.0/16"), "10.9.9.9", svc, "tcp/30080", "unknown"},
		{"Local keeps the client", webService("type: NodePort, externalTrafficPolicy: Local", "", "") + fmt.Sprintf(onlyBlock, "10.9.0.0/16"), "10.9.9.9", svc, "tcp/30080", "yes tcp/30080: 10.9.9.9 > service app/web > pod app/web"},
		{"Local keeps another out", webService("type: NodePort, externalTrafficPolicy: Local", "", "") + fmt.Sprintf(onlyBlock, "10.8.0.0/16"), "10.9.9.9", svc, "tcp/30080", "no"},
		{"Local leads nowhere from a node without the pod", webService("type: NodePort, externalTrafficPolicy: Local", "", ""), "10.9.9.9", "10.0.0.2", "tcp/30080", "no"},
		{"Local leads to the pod from its node", webService("type: NodePort, externalTrafficPolicy: Local", "", ""), "10.9.9.9", "10.0.0.1", "tcp/30080", "yes tcp/30080: 10.9.9.9 > service app/web > pod app/web"},
		{"internalTrafficPolicy Local", webService("internalTrafficPolicy: Local", "", ""), other, svc, "", "no"},

		{"a load balancer is public", balancer("", "", ""), "internet", svc, "tcp/80", "yes tcp/80: internet > service app/web > pod app/web"},
		{"its address is private", balancer("", "", "loadBalancer: {ingress: [{ip: 10.3.0.1}]}"), "internet", svc, "", "no"},
		{"an internal name of AWS", balancer("", "", "loadBalancer: {ingress: [{hostname: internal-a-1.eu-west-1.elb.amazonaws.com}]}"), "internet", svc, "", "no"},
		{"sources outside the ranges", balancer(ranges, "", at), "203.0.113.9", svc, "", "no"},
		{"sources inside the ranges", balancer(ranges, "", at), "192.0.2.9", svc, "", "yes tcp/80: 192.0.2.9 > service app/web > pod app/web"},
		{"ranges by the older annotation", balancer("", note(sourceRanges, "192.0.2.0/24"), at), "203.0.113.9", svc, "", "no"},
		{"ranges that nobody may hold to", balancer(ranges, "", ""), "203.0.113.9", svc, "", "unknown"},
		{"ranges that AWS holds to", balancer(ranges, "", "") + awsNodes, "203.0.113.9", svc, "", "no"},
		{"ranges beside security groups", balancer(ranges, note("service.beta.kubernetes.io/aws-load-balancer-security-groups", "sg-1"), at), "203.0.113.9", svc, "", "unknown"},
		{"ranges do not bind the nodes' ports", balancer(ranges, "", at) + openNode, "203.0.113.9", svc, "", "yes tcp/30080: 203.0.113.9 > service app/web > pod app/web"},
		{"nor clients inside", balancer(ranges, "", at), other, svc, "", "yes tcp/80: pod dev/other > service app/web > pod app/web"},
		{"ranges that are no ranges", balancer(", loadBalancerSourceRanges: [nonsense]", "", at), "203.0.113.9", svc, "", "unknown"},
		{"AWS, internal", balancer("", note("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"), ""), "internet", svc, "", "no"},
		{"AWS's controller is internal by default", balancer("", note("service.beta.kubernetes.io/aws-load-balancer-type", "external"), ""), "internet", svc, "", "no"},
		{"AWS's controller, by class", balancer(", loadBalancerClass: service.k8s.aws/nlb", note("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing"), ""), "internet", svc, "tcp/80", "yes tcp/80: internet > service app/web > pod app/web"},
		{"Google, internal", balancer("", note("networking.gke.io/load-balancer-type", "Internal"), ""), "internet", svc, "", "no"},
		{"Azure, internal", balancer("", note("service.beta.kubernetes.io/azure-load-balancer-internal", "true"), ""), "internet", svc, "", "no"},
		{"another class", balancer(", loadBalancerClass: tailscale", "", ""), "internet", svc, "", "unknown"},
		{"an annotation nobody knows", balancer("", note("example.com/load-balancer-kind", "x"), ""), "internet", svc, "", "unknown"},
		{"annotations that contradict each other", balancer("", note("networking.gke.io/load-balancer-type", "Internal")+", "+note("service.beta.kubernetes.io/azure-load-balancer-internal", "false"), ""), "internet", svc, "", "unknown"},
		{"one that connects in its own name", balancer(", externalTrafficPolicy: Local", note("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing"), "") + fmt.Sprintf(onlyBlock, "192.0.2.0/24"), "192.0.2.9", svc, "tcp/80", "unknown"},
		{"by its address", balancer("", "", at), "192.0.2.9", "203.0.113.7", "", "yes tcp/80: 192.0.2.9 > service app/web > pod app/web"},
		{"external addresses", webService("externalIPs: [203.0.113.8]", "", ""), "internet", svc, "", "yes tcp/80: internet > service app/web > pod app/web"},
		{"external addresses that are private", webService("externalIPs: [10.3.0.8]", "", ""), "internet", svc, "", "no"},

		{"headless, by its pods' ports", "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: app}, spec: {clusterIP: None, selector: {app: web}, ports: [{port: 80}]}}\n", other, svc, "tcp/8080", "yes tcp/8080: pod dev/other > service app/web > pod app/web"},
		{"a name of something outside", "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: app}, spec: {type: ExternalName, externalName: example.com}}\n", other, svc, "", "unknown"},
		{"another name of a service inside", webService("", "", "") + "---\n{apiVersion: v1, kind: Service, metadata: {name: alias, namespace: dev}, spec: {type: ExternalName, externalName: web.app.svc.cluster.local}}\n", other, "service dev/alias", "", "yes tcp/80: pod dev/other > service dev/alias > service app/web > pod app/web"},
		{"names that name each other", "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: app}, spec: {type: ExternalName, externalName: b.app.svc.cluster.local}}\n---\n{apiVersion: v1, kind: Service, metadata: {name: b, namespace: app}, spec: {type: ExternalName, externalName: web.app.svc}}\n", other, svc, "", "unknown"},
		{"an annotation that says nothing of it", balancer("", note("external-dns.alpha.kubernetes.io/internal-hostname", "x"), ""), "internet", svc, "tcp/80", "yes tcp/80: internet > service app/web > pod app/web"},
		{"selects nothing that was read", "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: app}, spec: {selector: {app: gone}, ports: [{port: 80}]}}\n", other, svc, "", "unknown"},
		{"endpoints of its own", noSelector + "---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: app, labels: {kubernetes.io/service-name: web}}, addressType: IPv4, ports: [{name: \"\", port: 8080}], endpoints: [{addresses: [10.1.0.10]}]}\n", other, svc, "", "yes tcp/80: pod dev/other > service app/web > pod app/web"},
		{"endpoints outside, which policies see", noSelector + "---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: app, labels: {kubernetes.io/service-name: web}}, addressType: IPv4, ports: [{name: \"\", port: 8080}], endpoints: [{addresses: [192.0.2.77]}]}\n---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: out, namespace: dev}, spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}}\n", other, svc, "", "no"},
		{"endpoints of another port's name", noSelector + "---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: app, labels: {kubernetes.io/service-name: web}}, addressType: IPv4, ports: [{name: x, port: 8080}], endpoints: [{addresses: [10.1.0.10]}]}\n", other, svc, "tcp/80", "no"},
		{"endpoints that are names", noSelector + "---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: app, labels: {kubernetes.io/service-name: web}}, addressType: FQDN, ports: [{name: \"\", port: 8080}], endpoints: [{addresses: [example.com]}]}\n", other, svc, "", "unknown"},
		{"the older kind of endpoints", noSelector + "---\n{apiVersion: v1, kind: Endpoints, metadata: {name: web, namespace: app}, subsets: [{notReadyAddresses: [{ip: 10.1.0.10, targetRef: {kind: Pod, name: web, namespace: app}}], ports: [{port: 8080}]}]}\n", other, svc, "", "yes tcp/80: pod dev/other > service app/web > pod app/web"},
		{"endpoints nobody read", noSelector, other, svc, "", "unknown"},
	})
}

const noSelector = "---\n{apiVersion: v1, kind: Service, metadata: {name: web, namespace: app}, spec: {clusterIP: 172.20.0.5, ports: [{port: 80}]}}\n"

// https://kubernetes.io/docs/concepts/services-networking/ingress/
func TestIngress(t *testing.T) {
	const ing = "ingress app/web"
	svc := webService("", "", "")
	scheme := func(s string) string { return note("alb.ingress.kubernetes.io/scheme", s) }
	const ipTargets = `, alb.ingress.kubernetes.io/target-type: ip`
	runDoors(t, []doorCase{
		{"through the controller's pods", nginx + svc, "internet", ing, "", "yes tcp/80, tcp/443: internet > service edge/nginx > pod edge/nginx > ingress app/web > service app/web > pod app/web"},
		{"policies see the controller", nginx + svc + onlyEdge, "internet", ing, "tcp/443", "yes tcp/443: internet > service edge/nginx > pod edge/nginx > ingress app/web > service app/web > pod app/web"},
		{"and not the client", nginx + svc + fmt.Sprintf(onlyBlock, "192.0.2.0/24"), "192.0.2.9", ing, "", "no"},
		{"the controller is closed", nginx + svc + "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: none, namespace: edge}, spec: {podSelector: {}}}\n", "internet", ing, "", "no"},
		{"from inside to the controller", nginx + svc + onlyEdge, "pod dev/other", ing, "tcp/80", "yes tcp/80: pod dev/other > pod edge/nginx > ingress app/web > service app/web > pod app/web"},
		{"a class nobody read", strings.ReplaceAll(nginx, "ingressClassName: nginx", "ingressClassName: gone") + svc, "internet", ing, "", "unknown"},
		{"no class and no default", strings.ReplaceAll(nginx, "ingressClassName: nginx, ", "") + svc, "internet", ing, "", "unknown"},
		{"the default class", strings.ReplaceAll(strings.ReplaceAll(nginx, "ingressClassName: nginx, ", ""), "metadata: {name: nginx}", "metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: \"true\"}}") + svc, "internet", ing, "tcp/80", "yes tcp/80: internet > service edge/nginx > pod edge/nginx > ingress app/web > service app/web > pod app/web"},
		{"a controller nobody knows, to a pod that is closed", strings.ReplaceAll(nginx, "k8s.io/ingress-nginx", "example.com/x") + svc + "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: none, namespace: app}, spec: {podSelector: {}}}\n", "internet", ing, "", "no"},
		{"a controller nobody knows", strings.ReplaceAll(nginx, "k8s.io/ingress-nginx", "example.com/x") + svc, "internet", ing, "", "unknown"},
		{"a service nobody read", nginx, "internet", ing, "", "unknown"},
		{"a backend that is no service", strings.ReplaceAll(nginx, "service: {name: web, port: {number: 80}}", "resource: {kind: Bucket, name: x}") + svc, "internet", ing, "", "unknown"},
		{"the older kind", "---\n{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: web, namespace: app, annotations: {kubernetes.io/ingress.class: nginx}}, spec: {backend: {serviceName: web, servicePort: 80}}}\n" + svc, "pod dev/other", ing, "tcp/80", "yes tcp/80: pod dev/other > pod edge/nginx > ingress app/web > service app/web > pod app/web"},
		{"the pods' port instead of the service's", strings.ReplaceAll(nginx, "number: 80", "number: 8080") + strings.ReplaceAll(svc, "targetPort: http", "targetPort: 8080"), "internet", ing, "", "unknown"},
		{"not understood", strings.ReplaceAll(nginx, "rules: [", "rules: [7, ") + svc, "internet", ing, "", "unknown"},
		{"a port the service has not", strings.ReplaceAll(nginx, "number: 80", "number: 81") + svc, "internet", ing, "", "no"},

		{"AWS: public", albIngress(scheme("internet-facing")+ipTargets) + svc, "internet", ing, "tcp/80", "yes tcp/80: internet > load balancer of ingress app/web > ingress app/web > service app/web > pod app/web"},
		{"AWS: internal by default", albIngress("") + svc, "internet", ing, "", "no"},
		{"AWS: internal, from a private address", albIngress(scheme("internal")) + svc, "10.9.9.9", ing, "tcp/80", "yes tcp/80: 10.9.9.9 > load balancer of ingress app/web > ingress app/web > service app/web > pod app/web"},
		{"AWS: pods see addresses nobody knows", albIngress(scheme("internet-facing")+ipTargets) + svc + fmt.Sprintf(onlyBlock, "10.5.0.0/16"), "internet", ing, "", "unknown"},
		{"AWS: which pods let in whatever they are", albIngress(scheme("internet-facing")+ipTargets) + svc + fmt.Sprintf(onlyBlock, "0.0.0.0/0"), "internet", ing, "tcp/80", "yes tcp/80: internet > load balancer of ingress app/web > ingress app/web > service app/web > pod app/web"},
		{"AWS: pods that take the namespace alone", albIngress(scheme("internet-facing")+ipTargets) + svc + onlyEdge, "internet", ing, "", "no"},
		{"AWS: listeners", albIngress(scheme("internet-facing")+", "+note("alb.ingress.kubernetes.io/listen-ports", `[{"HTTPS": 8443}]`)) + svc, "internet", ing, "tcp/8443", "yes tcp/8443: internet > load balancer of ingress app/web > ingress app/web > service app/web > pod app/web"},
		{"AWS: sources", albIngress(scheme("internet-facing")+", "+note("alb.ingress.kubernetes.io/inbound-cidrs", "192.0.2.0/24")) + svc, "203.0.113.9", ing, "", "no"},
		{"AWS: sources beside security groups", albIngress(scheme("internet-facing")+", "+note("alb.ingress.kubernetes.io/inbound-cidrs", "192.0.2.0/24")+", "+note("alb.ingress.kubernetes.io/security-groups", "sg-1")) + svc, "203.0.113.9", ing, "", "unknown"},
		{"AWS: parameters of the class go first", "---\n{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: alb}, spec: {controller: ingress.k8s.aws/alb, parameters: {apiGroup: elbv2.k8s.aws, kind: IngressClassParams, name: p}}}\n---\n{apiVersion: elbv2.k8s.aws/v1beta1, kind: IngressClassParams, metadata: {name: p}, spec: {scheme: internal}}\n" + albIngress(scheme("internet-facing")) + svc, "internet", ing, "", "no"},
		{"AWS: parameters nobody read", "---\n{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: alb}, spec: {controller: ingress.k8s.aws/alb, parameters: {apiGroup: elbv2.k8s.aws, kind: IngressClassParams, name: p}}}\n" + albIngress(scheme("internet-facing")) + svc, "internet", ing, "", "unknown"},
		{"AWS: a scheme nobody knows", albIngress(scheme("both")) + svc, "internet", ing, "", "unknown"},
		{"OpenShift", "---\n{apiVersion: v1, kind: Pod, metadata: {name: router, namespace: edge, labels: {ingresscontroller.operator.openshift.io/deployment-ingresscontroller: default}}, spec: {hostNetwork: true, nodeName: n1, containers: [{name: c}]}}\n---\n{apiVersion: route.openshift.io/v1, kind: Route, metadata: {name: web, namespace: app}, spec: {to: {kind: Service, name: web}, port: {targetPort: http}}}\n" + svc + openNode, "internet", "route app/web", "tcp/443", "yes tcp/443: internet > node n1 > pod edge/router > route app/web > service app/web > pod app/web"},
	})
}

func gateway(listener, route string) string {
	return fmt.Sprintf(`
---
{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: mesh}, spec: {controllerName: istio.io/gateway-controller}}
---
{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: main, namespace: edge}, spec: {gatewayClassName: mesh, listeners: [{name: http, port: 80, %s}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: main-istio, namespace: edge, labels: {gateway.networking.k8s.io/gateway-name: main}}, spec: {nodeName: n2, containers: [{name: c}]}, status: {podIP: 10.1.0.40}}
---
{apiVersion: v1, kind: Service, metadata: {name: main-istio, namespace: edge}, spec: {type: LoadBalancer, selector: {gateway.networking.k8s.io/gateway-name: main}, ports: [{port: 80}]}, status: {loadBalancer: {ingress: [{ip: 203.0.113.7}]}}}
---
%s
`, listener, route)
}

func httpRoute(ns, more, backend string) string {
	return fmt.Sprintf("---\n{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: web, namespace: %s}, spec: {parentRefs: [{name: main, namespace: edge}], %s rules: [{backendRefs: [{%s}]}]}}\n", ns, more, backend)
}

// https://gateway-api.sigs.k8s.io/guides/multiple-ns/ and
// https://gateway-api.sigs.k8s.io/api-types/referencegrant/
func TestGateway(t *testing.T) {
	const gw = "gateway edge/main"
	const all, same = "protocol: HTTP, allowedRoutes: {namespaces: {from: All}}", "protocol: HTTP"
	const backend = "name: web, port: 80"
	svc := webService("", "", "")
	const open = "yes tcp/80: internet > service edge/main-istio > pod edge/main-istio > gateway edge/main > HTTPRoute app/web > service app/web > pod app/web"
	grant := "---\n{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: g, namespace: app}, spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: dev}], to: [{group: \"\", kind: Service, name: %s}]}}\n"
	runDoors(t, []doorCase{
		{"a route of another namespace", gateway(all, httpRoute("app", "", backend)) + svc, "internet", gw, "", open},
		{"that the listener does not let attach", gateway(same, httpRoute("app", "", backend)) + svc, "internet", gw, "", "no"},
		{"that it lets attach by label", gateway("protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: web}}}}", httpRoute("app", "", backend)) + svc, "internet", gw, "", open},
		{"that it does not let attach by label", gateway("protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: x}}}}", httpRoute("app", "", backend)) + svc, "internet", gw, "", "no"},
		{"another kind than it takes", gateway("protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}], namespaces: {from: All}}", httpRoute("app", "", backend)) + svc, "internet", gw, "", "no"},
		{"another protocol than it takes", gateway("protocol: TCP, allowedRoutes: {namespaces: {from: All}}", httpRoute("app", "", backend)) + svc, "internet", gw, "", "no"},
		{"a protocol nobody knows", gateway("protocol: example.com/x, allowedRoutes: {namespaces: {from: All}}", httpRoute("app", "", backend)) + svc, "internet", gw, "", "unknown"},
		{"no name in common", gateway("hostname: a.example.com, "+all, httpRoute("app", "hostnames: [b.example.com],", backend)) + svc, "internet", gw, "", "no"},
		{"a name in common", gateway("hostname: \"*.example.com\", "+all, httpRoute("app", "hostnames: [b.example.com],", backend)) + svc, "internet", gw, "", open},
		{"another section", strings.ReplaceAll(gateway(all, httpRoute("app", "", backend)), "{name: main, namespace: edge}]", "{name: main, namespace: edge, sectionName: x}]") + svc, "internet", gw, "", "no"},
		{"no weight", gateway(all, httpRoute("app", "", backend+", weight: 0")) + svc, "internet", gw, "", "no"},
		{"another namespace's service without its leave", gateway(all, httpRoute("dev", "", backend+", namespace: app")) + svc, "internet", gw, "", "no"},
		{"with its leave", gateway(all, httpRoute("dev", "", backend+", namespace: app")) + svc + fmt.Sprintf(grant, "web"), "internet", gw, "", strings.Replace(open, "HTTPRoute app", "HTTPRoute dev", 1)},
		{"with leave for another", gateway(all, httpRoute("dev", "", backend+", namespace: app")) + svc + fmt.Sprintf(grant, "x"), "internet", gw, "", "no"},
		{"policies see the gateway", gateway(all, httpRoute("app", "", backend)) + svc + onlyEdge, "internet", gw, "", open},
		{"and not the client", gateway(all, httpRoute("app", "", backend)) + svc + fmt.Sprintf(onlyBlock, "192.0.2.0/24"), "192.0.2.9", gw, "", "no"},
		{"a backend that is no service", gateway(all, httpRoute("app", "", "group: serving.kserve.io, kind: InferencePool, name: x, port: 80")) + svc, "internet", gw, "", "unknown"},
		{"a mirror", strings.ReplaceAll(gateway(all, httpRoute("app", "", "name: web, port: 80")), "{backendRefs: [{name: web, port: 80}]}", "{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}]}") + svc, "internet", gw, "", open},
		{"a route that was not understood", gateway(all, httpRoute("app", "hostnames: 7,", backend)) + svc, "internet", gw, "", "unknown"},
		{"a class nobody read", strings.ReplaceAll(gateway(all, httpRoute("app", "", backend)), "gatewayClassName: mesh", "gatewayClassName: gone") + svc + onlyEdge, "internet", gw, "", "unknown"},
		{"Google's class says it is internal", "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: main, namespace: edge}, spec: {gatewayClassName: gke-l7-rilb, listeners: [{name: http, port: 80, " + all + "}]}}\n" + httpRoute("app", "", backend) + svc, "internet", gw, "", "no"},
		{"Istio's own kind", "---\n{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: main, namespace: edge}, spec: {selector: {app.kubernetes.io/name: ingress-nginx}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [\"*\"]}]}}\n---\n{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: web, namespace: app}, spec: {hosts: [a], gateways: [edge/main], http: [{route: [{destination: {host: web.app.svc.cluster.local, port: {number: 80}}}]}]}}\n" + nginx + svc, "internet", "istio edge/main", "", "yes tcp/80: internet > service edge/nginx > pod edge/nginx > istio gateway edge/main > VirtualService app/web > service app/web > pod app/web"},
	})
}

// What Ways lists of a pod: the direct way first, then its doors.
func TestWays(t *testing.T) {
	c := NewCluster()
	objects := harbour + nginx + webService(balanced+", externalTrafficPolicy: Local", fmt.Sprintf(annotated, note("networking.gke.io/load-balancer-type", "Internal")), "") + onlyEdge +
		"---\n{apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: app, labels: {app: agent}}, spec: {nodeName: n1, containers: [{name: c, ports: [{containerPort: 9000, hostPort: 9100}]}]}, status: {podIP: 10.1.0.11}}\n"
	if err := c.Read("harbour", strings.NewReader(objects+openNode)); err != nil {
		t.Fatal(err)
	}
	e := New(c)
	ask := func(pod string) []string {
		ways, err := e.Ways(Internet(), PodEnd(pod), reach.AllOf(reach.TCP))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, w := range ways {
			out = append(out, fmt.Sprintf("%v %v %v", w.Reachable, w.Ports, w.Via))
		}
		return out
	}
	want := []string{"no none []", "yes tcp/80, tcp/443 [service edge/nginx pod edge/nginx ingress app/web service app/web]", "no none [service app/web]"}
	if diff := cmp.Diff(want, ask("app/web")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// The policy keeps clients outside from it though its node is public.
	want = []string{"no none []", "no none [host port tcp/9100 of node n1]"}
	if diff := cmp.Diff(want, ask("app/agent")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	e.Delete("NetworkPolicy app/from-edge")
	want = []string{"yes tcp []", "yes tcp/9100 [host port tcp/9100 of node n1]"}
	if diff := cmp.Diff(want, ask("app/agent")); diff != "" {
		t.Errorf("without the policy (-want +got):\n%s", diff)
	}
	r, err := e.Can(AddrEnd(reach.AddrOf(e.cluster.nodes["n2"].ips[0])), AddrEnd(reach.AddrOf(e.cluster.nodes["n1"].ips[0])), reach.Port(reach.TCP, 9100))
	if err != nil || r.Reachable != reach.Yes || len(r.Via) != 1 {
		t.Errorf("by the node's address: %+v, %v", r, err)
	}
	var doors []string
	for _, d := range e.Doors() {
		doors = append(doors, fmt.Sprintf("%s %v %v %v", d.Object, d.Addrs, d.Ports, d.Public))
	}
	want = []string{
		"service app/web 10.0.0.1-10.0.0.2, 198.51.100.1 tcp/80, tcp/30080 yes",
		"service edge/nginx 10.0.0.1-10.0.0.2, 198.51.100.1, 203.0.113.7 tcp/80, tcp/443 yes",
		"ingress app/web 10.0.0.1-10.0.0.2, 198.51.100.1, 203.0.113.7 tcp/80, tcp/443 yes",
		"host port tcp/9100 of node n1 10.0.0.1, 198.51.100.1 tcp/9100 yes",
	}
	if diff := cmp.Diff(want, doors); diff != "" {
		t.Errorf("doors (-want +got):\n%s", diff)
	}
}

// What could not be listed is no answer.
func TestUnread(t *testing.T) {
	tests := []struct{ group, kind, want string }{
		{"networking.k8s.io", "NetworkPolicy", "unknown [unknown]"},
		{"cilium.io", "CiliumNetworkPolicy", "unknown [unknown]"},
		{"", "Pod", "unknown [unknown]"},
		{"networking.k8s.io", "Ingress", "no [no unknown]"},
		{gatewayGroup, "HTTPRoute", "no [no unknown]"},
		{"", "Service", "no [no unknown]"},
		{"apps", "ControllerRevision", "no [no]"},
	}
	const closed = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: none, namespace: app}, spec: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}}\n"
	for _, tt := range tests {
		c := NewCluster()
		if err := c.Read("harbour", strings.NewReader(harbour+closed)); err != nil {
			t.Fatal(err)
		}
		c.Unread(tt.group, tt.kind, "", "forbidden")
		e := New(c)
		direct, err := e.Can(PodEnd("dev/other"), PodEnd("app/web"), reach.Ports{})
		if err != nil {
			t.Fatal(err)
		}
		ways, _ := e.Ways(PodEnd("dev/other"), PodEnd("app/web"), reach.Ports{})
		var all []string
		for _, w := range ways {
			all = append(all, w.Reachable.String())
		}
		if got := fmt.Sprintf("%v %v", direct.Reachable, all); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.kind, got, tt.want)
		}
		if (len(c.Problems()) > 0) != (tt.kind != "ControllerRevision") {
			t.Errorf("%s: problems %v", tt.kind, c.Problems())
		}
	}
}
