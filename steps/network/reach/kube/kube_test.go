package kube

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// town is the cluster of the table tests: a database, its client, a stranger in
// another namespace, an agent on a node's network.
const town = `
{apiVersion: v1, kind: Namespace, metadata: {name: default}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other, labels: {project: myproject}}}
---
{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {pool: gpu}}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
---
{apiVersion: v1, kind: Node, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: default, labels: {role: db}}
spec: {nodeName: n1, containers: [{name: c, ports: [{name: sql, containerPort: 6379}]}]}
status: {podIP: 172.17.0.10}
---
apiVersion: v1
kind: Pod
metadata: {name: frontend, namespace: default, labels: {role: frontend}}
spec: {nodeName: n2, containers: [{name: c}, {name: istio-proxy}]}
status: {podIP: 172.17.1.10}
---
apiVersion: v1
kind: Pod
metadata: {name: meshed, namespace: default, labels: {role: client}}
spec: {nodeName: n1, containers: [{name: c}, {name: istio-proxy}]}
status: {podIP: 172.17.3.10}
---
apiVersion: v1
kind: Pod
metadata: {name: stranger, namespace: other, labels: {role: web}}
spec: {nodeName: n2, containers: [{name: c}]}
status: {podIP: 172.17.2.10}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: default, labels: {role: frontend}}
spec: {nodeName: n2, hostNetwork: true, containers: [{name: c}]}
status: {podIP: 192.168.0.2}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: default}
spec: {selector: {role: db}, ports: [{name: a, port: 80, targetPort: sql}, {name: b, port: 81, targetPort: 9}, {name: c, port: 82, targetPort: nothing}]}
---
{apiVersion: v1, kind: Service, metadata: {name: gone, namespace: default}, spec: {type: ExternalName, externalName: db.example.com}}
---
apiVersion: v1
kind: Service
metadata: {name: door, namespace: default}
spec: {type: LoadBalancer, selector: {role: db}, ports: [{port: 6379}]}
---
`

// The policy of https://kubernetes.io/docs/concepts/services-networking/network-policies/
const docsPolicy = `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: test-network-policy, namespace: default}
spec:
  podSelector: {matchLabels: {role: db}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
    - namespaceSelector: {matchLabels: {project: myproject}}
    - podSelector: {matchLabels: {role: frontend}}
    ports: [{protocol: TCP, port: 6379}]
  egress:
  - to: [{ipBlock: {cidr: 10.0.0.0/24}}]
    ports: [{protocol: TCP, port: 5978}]
`

const calicoSetText = "---\n{apiVersion: projectcalico.org/v3, kind: GlobalNetworkSet, metadata: {name: trusted, labels: {kind: trusted}}, spec: {nets: [198.51.100.0/24]}}\n"

// Two pods that policies close and that share a second network.
const twoNetworks = `
---
{apiVersion: v1, kind: Pod, metadata: {name: m1, namespace: default, annotations: {k8s.v1.cni.cncf.io/networks: fast@net1}}, spec: {nodeName: n1, containers: [{name: c}]}, status: {podIP: 172.17.4.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: m2, namespace: default, annotations: {k8s.v1.cni.cncf.io/networks: '[{"name": "fast", "namespace": "default"}]'}}, spec: {nodeName: n2, containers: [{name: c}]}, status: {podIP: 172.17.4.2}}
`

func policyOf(kind, spec string) string {
	version := map[string]string{"NetworkPolicy": "networking.k8s.io/v1", "CiliumNetworkPolicy": "cilium.io/v2", "CiliumClusterwideNetworkPolicy": "cilium.io/v2",
		"AdminNetworkPolicy": "policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy": "policy.networking.k8s.io/v1alpha1", "ClusterNetworkPolicy": "policy.networking.k8s.io/v1alpha2",
		"AuthorizationPolicy": "security.istio.io/v1", "PeerAuthentication": "security.istio.io/v1", "GlobalNetworkPolicy": "projectcalico.org/v3", "Tier": "projectcalico.org/v3", "EgressFirewall": "k8s.ovn.org/v1"}[kind]
	return fmt.Sprintf("---\n{apiVersion: %s, kind: %s, metadata: {name: %s}, spec: %s}\n", version, kind, strings.ToLower(kind), spec)
}

func endOf(t *testing.T, text string) End {
	t.Helper()
	kind, name, _ := strings.Cut(text, " ")
	switch kind {
	case "pod":
		return PodEnd(name)
	case "node":
		return NodeEnd(name)
	case "service":
		return ServiceEnd(name)
	case "internet":
		return Internet()
	case "ingress":
		return IngressEnd(name)
	case "gateway":
		return GatewayEnd(name)
	case "istio":
		return IstioGatewayEnd(name)
	case "route":
		return RouteEnd(name)
	}
	var f = fields{bad: &[]string{}}
	if !strings.Contains(text, "/") {
		text += "/32"
	}
	addrs := f.cidr(text)
	if len(*f.bad) > 0 {
		t.Fatal(*f.bad)
	}
	return AddrEnd(addrs)
}

func TestCan(t *testing.T) {
	const db, frontend, stranger, agent = "pod default/db", "pod default/frontend", "pod other/stranger", "pod default/agent"
	const meshed1 = "pod default/meshed"
	selectDB := `subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {role: db}}}}`
	tests := []struct {
		name, policies, from, to, ports string
		want                            string // answer, then what decided
	}{
		{"nothing isolates", "", stranger, db, "tcp/6379", "yes"},
		{"documentation: frontend by its label", docsPolicy, frontend, db, "tcp/6379", "yes NetworkPolicy default/test-network-policy ingress[0]"},
		{"documentation: another port", docsPolicy, frontend, db, "tcp/80", "no NetworkPolicy default/test-network-policy"},
		{"documentation: another protocol", docsPolicy, frontend, db, "udp/6379", "no NetworkPolicy default/test-network-policy"},
		{"documentation: the namespace with its label", docsPolicy, stranger, db, "tcp/6379", "yes NetworkPolicy default/test-network-policy ingress[0]"},
		{"documentation: an address in the block", docsPolicy, "172.17.9.9", db, "tcp/6379", "yes NetworkPolicy default/test-network-policy ingress[0]"},
		{"documentation: an address in the exception", docsPolicy, "172.17.1.9", db, "tcp/6379", "no NetworkPolicy default/test-network-policy"},
		{"documentation: out to the block", docsPolicy, db, "10.0.0.7", "tcp/5978", "yes NetworkPolicy default/test-network-policy egress[0]"},
		{"documentation: out to elsewhere", docsPolicy, db, "internet", "tcp/443", "no NetworkPolicy default/test-network-policy"},
		{"documentation: others are open", docsPolicy, db, frontend, "tcp/5978", "no NetworkPolicy default/test-network-policy"},
		{"a pod reaches itself", docsPolicy, db, db, "tcp/80", "yes"},
		{"a node reaches its pods", docsPolicy, "node n1", db, "tcp/80", "yes"},
		{"another node does not", docsPolicy, "node n2", db, "tcp/80", "no NetworkPolicy default/test-network-policy"},
		{"host network is left open by the documentation", docsPolicy, agent, db, "tcp/6379", "unknown NetworkPolicy default/test-network-policy ingress[0]; NetworkPolicy default/test-network-policy"},
		{"host network where both readings agree", docsPolicy, agent, db, "tcp/80", "no NetworkPolicy default/test-network-policy"},
		{"deny all", policyOf("NetworkPolicy", "{podSelector: {}}"), stranger, db, "", "no NetworkPolicy default/networkpolicy"},
		{"deny all leaves egress", policyOf("NetworkPolicy", "{podSelector: {}}"), db, stranger, "", "yes"},
		{"allow all", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{}]}"), stranger, db, "", "yes NetworkPolicy default/networkpolicy ingress[0]"},
		{"named port", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{ports: [{port: sql}]}]}"), stranger, db, "tcp/6379", "yes NetworkPolicy default/networkpolicy ingress[0]"},
		{"named port, another number", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{ports: [{port: sql}]}]}"), stranger, db, "tcp/6380", "no NetworkPolicy default/networkpolicy"},
		{"range of ports", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{ports: [{port: 32000, endPort: 32768}]}]}"), stranger, db, "tcp/32768", "yes NetworkPolicy default/networkpolicy ingress[0]"},
		{"a member nobody knows makes all unknown", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{from: [{serviceSelector: {}}]}]}"), stranger, db, "tcp/80", "unknown NetworkPolicy default/networkpolicy as a whole"},
		{"and leaves other namespaces alone", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{from: [{serviceSelector: {}}]}]}"), "internet", stranger, "tcp/80", "yes"},
		{"a kind nobody knows", policyOf("EgressFirewall", "{}"), stranger, db, "tcp/80", "unknown EgressFirewall egressfirewall as a whole"},

		{"admin denies before NetworkPolicy allows", docsPolicy + policyOf("AdminNetworkPolicy", "{priority: 1, "+selectDB+", ingress: [{action: Deny, from: [{namespaces: {}}]}]}"), frontend, db, "tcp/6379", "no AdminNetworkPolicy adminnetworkpolicy ingress[0]"},
		{"admin allows before NetworkPolicy isolates", docsPolicy + policyOf("AdminNetworkPolicy", "{priority: 1, "+selectDB+", ingress: [{name: all, action: Allow, from: [{namespaces: {}}]}]}"), frontend, db, "tcp/80", "yes AdminNetworkPolicy adminnetworkpolicy ingress[0] (all)"},
		{"baseline holds where no NetworkPolicy selects", policyOf("BaselineAdminNetworkPolicy", "{"+selectDB+", ingress: [{action: Deny, from: [{namespaces: {}}]}]}"), frontend, db, "tcp/80", "no BaselineAdminNetworkPolicy baselineadminnetworkpolicy ingress[0]"},
		{"baseline does not undo a NetworkPolicy", docsPolicy + policyOf("BaselineAdminNetworkPolicy", "{"+selectDB+", ingress: [{action: Deny, from: [{namespaces: {}}]}]}"), frontend, db, "tcp/6379", "yes NetworkPolicy default/test-network-policy ingress[0]"},
		{"nodes as peers", policyOf("AdminNetworkPolicy", "{priority: 1, "+selectDB+", egress: [{action: Deny, to: [{nodes: {matchLabels: {pool: gpu}}}]}]}"), db, "node n2", "tcp/80", "yes"},
		{"cluster policy by protocol", policyOf("ClusterNetworkPolicy", "{tier: Admin, priority: 1, "+selectDB+", ingress: [{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {destinationPort: {range: {start: 1, end: 99}}}}]}]}"), frontend, db, "tcp/80", "no ClusterNetworkPolicy clusternetworkpolicy ingress[0]"},
		{"domain names are unknown", policyOf("ClusterNetworkPolicy", "{tier: Admin, priority: 1, "+selectDB+", egress: [{action: Accept, to: [{domainNames: [example.com]}]}, {action: Deny, to: [{networks: [0.0.0.0/0]}]}]}"), db, "8.8.8.8", "tcp/443", "unknown ClusterNetworkPolicy clusternetworkpolicy egress[0]; ClusterNetworkPolicy clusternetworkpolicy egress[1]"},

		{"cilium: endpoints", policyOf("CiliumNetworkPolicy", "{endpointSelector: {matchLabels: {role: db}}, ingress: [{fromEndpoints: [{matchLabels: {role: frontend}}], toPorts: [{ports: [{port: \"6379\", protocol: TCP}]}]}]}"), frontend, db, "tcp/6379", "yes CiliumNetworkPolicy default/ciliumnetworkpolicy ingress[0]"},
		{"cilium: isolates", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, ingress: [{}]}"), stranger, frontend, "tcp/1", "yes CiliumNetworkPolicy default/ciliumnetworkpolicy ingress[0]"},
		{"cilium: another namespace by its label", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {\"k8s:io.kubernetes.pod.namespace\": other}}]}]}"), stranger, db, "tcp/1", "yes CiliumNetworkPolicy default/ciliumnetworkpolicy ingress[0]"},
		{"cilium: deny goes first", docsPolicy + policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, ingressDeny: [{fromEndpoints: [{}]}]}"), frontend, db, "tcp/6379", "no CiliumNetworkPolicy default/ciliumnetworkpolicy ingressDeny[0]"},
		{"cilium: blocks do not match pods", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, ingress: [{fromCIDR: [172.17.0.0/16]}]}"), stranger, db, "tcp/1", "no CiliumNetworkPolicy default/ciliumnetworkpolicy"},
		{"cilium: world", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toEntities: [world]}]}"), db, "8.8.8.8", "tcp/1", "yes CiliumNetworkPolicy default/ciliumnetworkpolicy egress[0]"},
		{"cilium: world is no pod", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toEntities: [world]}]}"), db, frontend, "tcp/1", "no CiliumNetworkPolicy default/ciliumnetworkpolicy"},
		{"cilium: names of domains are unknown", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toFQDNs: [{matchName: example.com}]}]}"), db, "8.8.8.8", "tcp/1", "unknown CiliumNetworkPolicy default/ciliumnetworkpolicy egress[0]; CiliumNetworkPolicy default/ciliumnetworkpolicy"},

		{"calico: order", policyOf("GlobalNetworkPolicy", "{order: 10, selector: role == 'db', types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: [6379]}}]}") + docsPolicy, frontend, db, "tcp/6379", "no Calico GlobalNetworkPolicy globalnetworkpolicy ingress[0]"},
		{"calico: behind NetworkPolicy", policyOf("GlobalNetworkPolicy", "{order: 2000, selector: role == 'db', types: [Ingress], ingress: [{action: Allow}]}") + docsPolicy, frontend, db, "tcp/1", "yes Calico GlobalNetworkPolicy globalnetworkpolicy ingress[0]"},
		{"calico: a tier that passes", policyOf("Tier", "{order: 5}") + policyOf("GlobalNetworkPolicy", "{tier: tier, selector: all(), types: [Ingress], ingress: [{action: Pass}]}") + docsPolicy, frontend, db, "tcp/1", "no Calico GlobalNetworkPolicy globalnetworkpolicy ingress[0]; NetworkPolicy default/test-network-policy"},
		{"calico: a tier nobody read", policyOf("GlobalNetworkPolicy", "{tier: lost, selector: all(), types: [Ingress], ingress: [{action: Allow}]}"), frontend, db, "tcp/1", "unknown Calico GlobalNetworkPolicy globalnetworkpolicy ingress[0]; Calico GlobalNetworkPolicy globalnetworkpolicy"},
		{"calico: either-or", policyOf("GlobalNetworkPolicy", "{selector: role == 'x' || has(y), types: [Ingress]}"), frontend, db, "tcp/1", "yes"},
		{"calico: either-or that selects", policyOf("GlobalNetworkPolicy", "{selector: \"role == 'x' || !(has(y) || role starts with 'front')\", types: [Ingress]}"), frontend, db, "tcp/1", "no Calico GlobalNetworkPolicy globalnetworkpolicy"},
		{"calico: a selector nobody understands", policyOf("GlobalNetworkPolicy", "{selector: role is 'x', types: [Ingress]}"), frontend, db, "tcp/1", "unknown Calico GlobalNetworkPolicy globalnetworkpolicy"},
		{"calico: a namespace by its label in brackets", policyOf("GlobalNetworkPolicy", "{selector: \"projectcalico.org/namespace == 'default' && (role == 'db' || has(x))\", types: [Ingress]}"), frontend, db, "tcp/1", "no Calico GlobalNetworkPolicy globalnetworkpolicy"},
		// https://docs.tigera.io/calico/latest/reference/resources/globalnetworkset
		{"calico: a set of networks by its labels", calicoSetText + policyOf("GlobalNetworkPolicy", "{selector: role == 'db', types: [Ingress], ingress: [{action: Allow, source: {selector: kind == 'trusted'}}]}"), "198.51.100.7", db, "tcp/1", "yes Calico GlobalNetworkPolicy globalnetworkpolicy ingress[0]"},
		{"calico: an address outside the set", calicoSetText + policyOf("GlobalNetworkPolicy", "{selector: role == 'db', types: [Ingress], ingress: [{action: Allow, source: {selector: kind == 'trusted'}}]}"), "198.51.101.7", db, "tcp/1", "no Calico GlobalNetworkPolicy globalnetworkpolicy"},
		{"calico: a set denied", calicoSetText + policyOf("GlobalNetworkPolicy", "{selector: role == 'db', types: [Egress], egress: [{action: Deny, destination: {selector: kind == 'trusted', namespaceSelector: global()}}, {action: Allow}]}"), db, "198.51.100.7", "tcp/1", "no Calico GlobalNetworkPolicy globalnetworkpolicy egress[0]"},
		{"calico: a set is not in a namespace", calicoSetText + policyOf("GlobalNetworkPolicy", "{selector: role == 'db', types: [Ingress], ingress: [{action: Allow, source: {selector: kind == 'trusted', namespaceSelector: all()}}]}"), "198.51.100.7", db, "tcp/1", "no Calico GlobalNetworkPolicy globalnetworkpolicy"},
		{"calico: a set with domains", strings.Replace(calicoSetText, "nets: [198.51.100.0/24]", "allowedEgressDomains: [example.com]", 1) + policyOf("GlobalNetworkPolicy", "{selector: role == 'db', types: [Egress], egress: [{action: Allow, destination: {selector: kind == 'trusted'}}]}"), db, "198.51.100.7", "tcp/1", "unknown Calico GlobalNetworkPolicy globalnetworkpolicy egress[0]; Calico GlobalNetworkPolicy globalnetworkpolicy"},
		{"calico: a set not understood", strings.Replace(calicoSetText, "198.51.100.0/24", "x", 1), frontend, db, "tcp/1", "unknown GlobalNetworkSet trusted as a whole"},
		{"calico: service accounts", policyOf("GlobalNetworkPolicy", "{selector: role == 'db', types: [Ingress], ingress: [{action: Allow, source: {serviceAccounts: {names: [default]}}}]}"), frontend, db, "tcp/1", "yes Calico GlobalNetworkPolicy globalnetworkpolicy ingress[0]"},
		{"calico: another service account", policyOf("GlobalNetworkPolicy", "{selector: role == 'db', types: [Ingress], ingress: [{action: Allow, source: {serviceAccounts: {names: [x]}}}]}"), frontend, db, "tcp/1", "no Calico GlobalNetworkPolicy globalnetworkpolicy"},
		{"calico: Log goes on", policyOf("GlobalNetworkPolicy", "{selector: all(), types: [Ingress], ingress: [{action: Log}, {action: Allow}]}"), frontend, db, "tcp/1", "yes Calico GlobalNetworkPolicy globalnetworkpolicy ingress[1]"},
		{"calico: staged is not enforced", "---\n{apiVersion: projectcalico.org/v3, kind: StagedGlobalNetworkPolicy, metadata: {name: s}, spec: {selector: all(), types: [Ingress]}}\n", frontend, db, "tcp/1", "yes"},
		{"calico: before tracking is not decided", policyOf("GlobalNetworkPolicy", "{selector: all(), doNotTrack: true, applyOnForward: true, types: [Ingress]}"), frontend, db, "tcp/1", "unknown Calico GlobalNetworkPolicy globalnetworkpolicy as a whole"},
		{"calico: what nodes forward, no node guarded", policyOf("GlobalNetworkPolicy", "{selector: role == 'x', applyOnForward: true, types: [Ingress]}"), frontend, db, "tcp/1", "yes"},
		{"calico: what nodes forward, guarded", policyOf("GlobalNetworkPolicy", "{selector: role == 'x', applyOnForward: true, types: [Ingress]}") + "---\n{apiVersion: projectcalico.org/v3, kind: HostEndpoint, metadata: {name: h}, spec: {node: n1, interfaceName: \"*\"}}\n", frontend, db, "tcp/1", "unknown Calico GlobalNetworkPolicy globalnetworkpolicy applyOnForward"},
		{"calico: a guarded node's pods", "---\n{apiVersion: projectcalico.org/v3, kind: HostEndpoint, metadata: {name: h}, spec: {node: n1, interfaceName: \"*\"}}\n", "internet", agent, "tcp/1", "unknown HostEndpoint h as a whole"},

		// https://docs.cilium.io/en/stable/security/policy/language/
		{"cilium: a filter of requests opens the port", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{path: /public}]}}]}]}"), stranger, db, "tcp/80", "yes CiliumNetworkPolicy default/ciliumnetworkpolicy ingress[0] (filtered above ports)"},
		{"cilium: names of domains are no pods", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toFQDNs: [{matchName: example.com}]}]}"), db, stranger, "tcp/1", "no CiliumNetworkPolicy default/ciliumnetworkpolicy"},
		{"cilium: services are not decided", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toServices: [{k8sService: {serviceName: x}}]}]}"), db, stranger, "tcp/1", "unknown CiliumNetworkPolicy default/ciliumnetworkpolicy egress[0]; CiliumNetworkPolicy default/ciliumnetworkpolicy"},
		{"cilium: the API server is no pod", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toEntities: [kube-apiserver]}]}"), db, stranger, "tcp/1", "no CiliumNetworkPolicy default/ciliumnetworkpolicy"},
		{"cilium: the API server may be outside", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toEntities: [kube-apiserver]}]}"), db, "8.8.8.8", "tcp/1", "unknown CiliumNetworkPolicy default/ciliumnetworkpolicy egress[0]; CiliumNetworkPolicy default/ciliumnetworkpolicy"},
		{"cilium: the world of one family", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toEntities: [world-ipv4]}]}"), db, "8.8.8.8", "tcp/1", "yes CiliumNetworkPolicy default/ciliumnetworkpolicy egress[0]"},
		{"cilium: the cluster", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, ingress: [{fromEntities: [cluster]}]}"), stranger, db, "tcp/1", "yes CiliumNetworkPolicy default/ciliumnetworkpolicy ingress[0]"},
		{"cilium: the cluster is not the world", policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, ingress: [{fromEntities: [cluster]}]}"), "internet", db, "tcp/1", "no CiliumNetworkPolicy default/ciliumnetworkpolicy"},
		{"cilium: a policy for nodes leaves pods alone", policyOf("CiliumClusterwideNetworkPolicy", "{nodeSelector: {}, ingress: [{fromEntities: [cluster]}]}"), "internet", db, "tcp/1", "yes"},
		{"cilium: a policy for nodes and a pod on one's network", policyOf("CiliumClusterwideNetworkPolicy", "{nodeSelector: {}, ingress: [{fromEntities: [cluster]}]}"), "internet", agent, "tcp/1", "unknown CiliumClusterwideNetworkPolicy ciliumclusterwidenetworkpolicy"},

		// https://istio.io/latest/docs/reference/config/security/authorization-policy/
		{"istio: a principal", policyOf("AuthorizationPolicy", "{rules: [{from: [{source: {principals: [cluster.local/ns/default/sa/default]}}]}]}"), meshed1, frontend, "tcp/80", "yes AuthorizationPolicy default/authorizationpolicy rules[0]"},
		{"istio: another principal", policyOf("AuthorizationPolicy", "{rules: [{from: [{source: {principals: [cluster.local/ns/default/sa/x]}}]}]}"), meshed1, frontend, "tcp/80", "no AuthorizationPolicy default/authorizationpolicy no rule of an ALLOW policy"},
		{"istio: a service account", policyOf("AuthorizationPolicy", "{rules: [{from: [{source: {serviceAccounts: [default/default]}}]}]}"), meshed1, frontend, "tcp/80", "yes AuthorizationPolicy default/authorizationpolicy rules[0]"},
		{"istio: any principal, and a client in no mesh that is known", policyOf("AuthorizationPolicy", "{rules: [{from: [{source: {principals: [\"*\"]}}]}]}"), stranger, frontend, "tcp/80", "unknown AuthorizationPolicy default/authorizationpolicy rules[0]; AuthorizationPolicy default/authorizationpolicy no rule of an ALLOW policy"},
		// https://istio.io/latest/docs/reference/config/security/peer_authentication/
		{"istio: STRICT takes no client outside", policyOf("PeerAuthentication", "{mtls: {mode: STRICT}}"), "internet", frontend, "tcp/80", "no PeerAuthentication default/peerauthentication mtls"},
		{"istio: STRICT and a client in the mesh", policyOf("PeerAuthentication", "{mtls: {mode: STRICT}}"), meshed1, frontend, "tcp/80", "yes PeerAuthentication default/peerauthentication mtls"},
		{"istio: STRICT but for a port", policyOf("PeerAuthentication", "{selector: {matchLabels: {role: frontend}}, mtls: {mode: STRICT}, portLevelMtls: {8080: {mode: DISABLE}}}"), "internet", frontend, "tcp/8080", "yes PeerAuthentication default/peerauthentication portLevelMtls[8080]"},
		{"istio: a namespace's mode goes before the mesh's", policyOf("PeerAuthentication", "{mtls: {mode: PERMISSIVE}}") + "---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: all, namespace: istio-system}, spec: {mtls: {mode: STRICT}}}\n", "internet", frontend, "tcp/80", "yes PeerAuthentication default/peerauthentication mtls"},
		{"istio: the mesh's mode", policyOf("PeerAuthentication", "{mtls: {mode: UNSET}}") + "---\n{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: all, namespace: istio-system}, spec: {mtls: {mode: STRICT}}}\n", "internet", frontend, "tcp/80", "no PeerAuthentication istio-system/all mtls"},
		{"istio: STRICT and UDP", policyOf("PeerAuthentication", "{mtls: {mode: STRICT}}"), "internet", frontend, "udp/80", "yes"},

		{"a second network is not bound by policies", policyOf("NetworkPolicy", "{podSelector: {}}") + twoNetworks, "pod default/m1", "pod default/m2", "tcp/1", "unknown networks beside the cluster's as a whole; NetworkPolicy default/networkpolicy"},
		{"and others are not in it", policyOf("NetworkPolicy", "{podSelector: {}}") + twoNetworks, stranger, "pod default/m2", "tcp/1", "no NetworkPolicy default/networkpolicy"},
		{"a network of its own may part pods", "---\n{apiVersion: k8s.ovn.org/v1, kind: UserDefinedNetwork, metadata: {name: u, namespace: default}, spec: {topology: Layer3, layer3: {role: Primary}}}\n", stranger, db, "tcp/1", "unknown UserDefinedNetwork default/u as a whole"},

		{"istio: deny by port", policyOf("AuthorizationPolicy", "{action: DENY, rules: [{to: [{operation: {ports: [\"80\"]}}]}]}"), stranger, frontend, "tcp/80", "no AuthorizationPolicy default/authorizationpolicy rules[0]"},
		{"istio: another port", policyOf("AuthorizationPolicy", "{action: DENY, rules: [{to: [{operation: {ports: [\"80\"]}}]}]}"), stranger, frontend, "tcp/81", "yes"},
		{"istio: UDP passes by", policyOf("AuthorizationPolicy", "{}"), stranger, frontend, "udp/80", "yes"},
		{"istio: allow nothing", policyOf("AuthorizationPolicy", "{}"), stranger, frontend, "tcp/80", "no AuthorizationPolicy default/authorizationpolicy no rule of an ALLOW policy"},
		{"istio: a request's path is unknown", policyOf("AuthorizationPolicy", "{rules: [{to: [{operation: {paths: [/x]}}]}]}"), stranger, frontend, "tcp/80", "unknown AuthorizationPolicy default/authorizationpolicy rules[0]; AuthorizationPolicy default/authorizationpolicy no rule of an ALLOW policy"},
		{"istio: a pod of which nobody knows a proxy", policyOf("AuthorizationPolicy", "{}"), stranger, db, "tcp/80", "unknown AuthorizationPolicy default/authorizationpolicy no rule of an ALLOW policy"},

		{"a pod that could not be understood may be any peer", "---\n{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: third, labels: {a: 1}}}\n", stranger, db, "tcp/80", "unknown Pod third/x as a whole"},
		{"a stream cut short may have held policies", "---\n{kind: NetworkPolicy, ", stranger, db, "tcp/80", "unknown the rest of town as a whole"},
		{"service: a named target", docsPolicy, frontend, "service default/db", "tcp/80", "yes NetworkPolicy default/test-network-policy ingress[0]"},
		{"service: the pod's port is closed", docsPolicy, frontend, "service default/db", "tcp/81", "no NetworkPolicy default/test-network-policy"},
		{"service: a name no pod has", docsPolicy, frontend, "service default/db", "tcp/82", "no"},
		{"service: not its port", docsPolicy, frontend, "service default/db", "tcp/83", "no"},
		{"service: something outside", "", frontend, "service default/gone", "tcp/80", "unknown"},
		{"service: from outside to a cluster's own", "", "internet", "service default/db", "tcp/80", "unknown"},
		{"service: a load balancer", "", "internet", "service default/door", "tcp/6379", "yes"},
		{"service: a load balancer that hides the client", docsPolicy, "172.17.9.9", "service default/door", "tcp/6379", "unknown NetworkPolicy default/test-network-policy ingress[0]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCluster()
			faulty := c.Read("town", strings.NewReader(town+tt.policies))
			if (faulty != nil) != (len(c.Problems()) > 0) || faulty != nil && !strings.HasPrefix(tt.want, "unknown") && tt.from != "internet" {
				t.Fatalf("error %v, problems %v", faulty, c.Problems())
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
			var by []string
			for _, b := range r.Because {
				if b.Policy != "" {
					by = append(by, strings.TrimSpace(b.Policy+" "+b.Rule))
				}
				if r.Reachable == reach.Unknown && b.Reason == "" && len(r.Because) == 1 {
					t.Errorf("unknown without a reason: %+v", b)
				}
			}
			// An opaque policy is told twice, as it may allow and deny.
			if len(by) > 1 && by[0] == by[1] {
				by = by[:1]
			}
			got = strings.TrimSpace(got + " " + strings.Join(by, "; "))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%+v", diff, r)
			}
		})
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"no YAML", "{", "in: document 1: "},
		{"no object", "[1]", "in: document 1: is no Kubernetes object"},
		{"a block", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}"), `NetworkPolicy default/networkpolicy.spec.ingress[0].from[0].ipBlock: "10.0.0.0/33" is no address block`},
		{"an exception outside", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/8]}}]}]}"), "except 11.0.0.0/8 is not inside 10.0.0.0/8"},
		{"a reversed range", policyOf("NetworkPolicy", "{podSelector: {}, ingress: [{ports: [{port: 9, endPort: 8}]}]}"), "endPort 8 is below port 9"},
		{"an operator", policyOf("NetworkPolicy", "{podSelector: {matchExpressions: [{key: a, operator: Gt, values: [\"1\"]}]}}"), `operator "Gt" is none of`},
		{"an action", policyOf("ClusterNetworkPolicy", "{tier: Admin, priority: 0, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}]}]}"), `action "Allow" is not one this kind has`},
		{"a tier", policyOf("ClusterNetworkPolicy", "{tier: Middle, priority: 0, subject: {namespaces: {}}}"), `tier "Middle" is neither`},
		{"two members", policyOf("AdminNetworkPolicy", "{priority: 0, subject: {namespaces: {}, pods: {}}}"), "2 of [namespaces pods] are set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := NewCluster()
			err := c.Read("in", strings.NewReader(strings.TrimPrefix(tt.text, "---\n")))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "hint: ") {
				t.Errorf("got %v, want %s and a hint", err, tt.want)
			}
		})
	}
}

// Whatever is read, nothing panics, and what was not understood is a problem.
func FuzzRead(f *testing.F) {
	f.Add(town + docsPolicy)
	f.Add(policyOf("CiliumNetworkPolicy", "{endpointSelector: {}, egress: [{toEntities: [world], toPorts: [{ports: [{port: \"0x\"}]}]}]}"))
	f.Add(policyOf("GlobalNetworkPolicy", "{order: 1.5, selector: a in {'b'} && !has(c), ingress: [{action: Log}, {action: Deny, notProtocol: 6, destination: {notPorts: ['1:2', x]}}]}"))
	f.Add(policyOf("AuthorizationPolicy", "{rules: [{from: [{source: {namespaces: [a], ipBlocks: [1.2.3.4]}}], when: [{}]}]}"))
	f.Add(policyOf("ClusterNetworkPolicy", "{tier: Admin, subject: {namespaces: {}}, egress: [{action: Pass, to: [{networks: ['::/0']}], protocols: [{udp: null}, {destinationNamedPort: x}]}]}"))
	f.Add("{kind: PodList, apiVersion: v1, items: [{metadata: {name: a}}, 1]}")
	f.Add(harbour + nginx + webService(balanced+", loadBalancerSourceRanges: [10.0.0.0/8]", "", "loadBalancer: {ingress: [{ip: 1.2.3.4}, {hostname: x}]}"))
	f.Add(harbour + gateway("protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {}}}", httpRoute("app", "hostnames: [a]", "name: web, port: 80, namespace: x")) + noSelector)
	f.Add(albIngress(note("alb.ingress.kubernetes.io/listen-ports", `[{"HTTPS": 1}]`)+", "+note("alb.ingress.kubernetes.io/inbound-cidrs", "x")) + twoNetworks + calicoSetText)
	f.Fuzz(func(t *testing.T, text string) {
		c := NewCluster()
		err := c.Read("fuzz", strings.NewReader(text))
		if len(c.Problems()) > 0 && err == nil {
			t.Fatalf("problems %v but no error", c.Problems())
		}
		e := New(c)
		e.Matrix()
		for _, d := range e.Doors() {
			if _, err := e.Can(Internet(), d.End, reach.Ports{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := e.Entrances(Internet(), reach.Ports{}); err != nil {
			t.Fatal(err)
		}
		for _, p := range c.Pods() {
			if _, err := e.Can(PodEnd(p.ID()), Internet(), reach.Ports{}); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Ways(Internet(), PodEnd(p.ID()), reach.Ports{}); err != nil {
				t.Fatal(err)
			}
			if _, err := e.Can(PodEnd(p.ID()), AddrEnd(reach.AllIP), reach.Ports{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A selector is read or refused, and what was read can be asked.
func FuzzCalicoSelector(f *testing.F) {
	for _, text := range []string{"all()", "a == 'b' && !(c in {'d', \"e\"} || has(f))", "a not in {'b'} || global()", "a starts with 'b' && a contains 'c'", "((((", "!!has(a)", "a in {}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		x, ok := parseCalico(text)
		if !ok {
			return
		}
		x.holds(map[string]string{"a": "b"}, "ns")
		x.keys(func(string) {})
		not := &expression{op: "!", args: []*expression{x}}
		if not.holds(nil, "") == x.holds(nil, "") {
			t.Errorf("%q holds as its opposite does", text)
		}
	})
}
